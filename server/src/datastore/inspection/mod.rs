//! Reads the database as it stands, row by row, for whoever checks whether it is whole.
//!
//! One read-only connection in one read transaction: a server may go on writing beside it, and what is
//! read is one instant of its work. Nothing is parsed that could fail: damaged values are what is looked for.
//! Lists come in pages, each query after the last row seen, so that memory does not grow with the log.

use super::Location;
use super::dialect::Dialect;
use crate::problem::Problem;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use sqlx::{Connection as _, Row as _};

mod rows;
pub use rows::{
    RawBody, RawDocument, RawEpoch, RawErasure, RawErrand, RawHead, RawLeaf, RawMatter, RawObject,
    RawPackage, RawParty, RawPreservation, RawReceipt,
};
use rows::{matter_of, receipt_of};

/// A connection that sees the database as it was when it was opened.
pub struct Inspection {
    dialect: Dialect,
    connection: AnyConnection,
}

fn failed(error: sqlx::Error) -> Problem {
    Problem::internal("the database cannot be read", error)
}

impl Inspection {
    /// Opens the database for reading; what is committed later is not seen.
    ///
    /// # Errors
    /// [`Problem`] if it is not there or no database.
    pub async fn open(location: &Location) -> Result<Self, Problem> {
        let dialect = location.dialect();
        let options = location.options("ro").map_err(failed)?;
        let mut connection = AnyConnection::connect_with(&options).await.map_err(failed)?;
        sqlx::raw_sql(dialect.begin_reading()).execute(&mut connection).await.map_err(failed)?;
        // A transaction sees the database from its first reading on.
        sqlx::query("SELECT COUNT(*) FROM custody_checkpoint")
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
        Ok(Self { dialect, connection })
    }

    /// Closes the connection.
    ///
    /// # Errors
    /// [`Problem`] if the database refuses.
    pub async fn close(self) -> Result<(), Problem> {
        self.connection.close().await.map_err(failed)
    }

    /// What the database finds wrong with its own pages, at most a hundred lines; none if all is well.
    ///
    /// # Errors
    /// [`Problem`] if it cannot be read at all.
    pub async fn page_faults(&mut self) -> Result<Vec<String>, Problem> {
        self.dialect.page_faults(&mut self.connection).await.map_err(failed)
    }

    /// Leaves from `start` on.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn leaves(&mut self, start: i64, limit: i64) -> Result<Vec<RawLeaf>, Problem> {
        let rows = sqlx::query(
            "-- inspect_leaves
             SELECT custody_leaf.leaf_index, leaf, leaf_hash,
                    CASE WHEN custody_body.leaf_index IS NULL THEN 0 ELSE 1 END,
                    erased_event.case_id, erased_event.stream, erased_event.n
             FROM custody_leaf LEFT JOIN custody_body ON custody_body.leaf_index = custody_leaf.leaf_index
                  LEFT JOIN erased_event ON erased_event.leaf_index = custody_leaf.leaf_index
             WHERE custody_leaf.leaf_index >= $1 ORDER BY custody_leaf.leaf_index LIMIT $2",
        )
        .bind(start)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let leaf = |row: &AnyRow| {
            Ok(RawLeaf {
                index: row.try_get(0)?,
                leaf: row.try_get(1)?,
                leaf_hash: row.try_get(2)?,
                has_body: row.try_get::<i64, _>(3)? == 1,
                erased: match row.try_get(4)? {
                    None => None,
                    Some(case) => Some((case, row.try_get(5)?, row.try_get(6)?)),
                },
            })
        };
        rows.iter().map(leaf).collect::<Result<_, _>>().map_err(failed)
    }

    /// The stored nodes of one level from index `start` to `end`, both included, with their indexes.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn nodes(&mut self, level: u8, start: i64, end: i64) -> Result<Vec<(i64, Vec<u8>)>, Problem> {
        let rows = sqlx::query(
            "-- inspect_nodes
             SELECT node_index, hash FROM custody_node
             WHERE level = $1 AND node_index BETWEEN $2 AND $3 ORDER BY node_index",
        )
        .bind(i64::from(level))
        .bind(start)
        .bind(end);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let node = |row: &AnyRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(node).collect::<Result<_, _>>().map_err(failed)
    }

    /// How many nodes are stored.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn node_count(&mut self) -> Result<i64, Problem> {
        let count = sqlx::query_scalar(
            "-- inspect_node_count
             SELECT COUNT(*) FROM custody_node",
        );
        count.fetch_one(&mut self.connection).await.map_err(failed)
    }

    /// The size and the note of the latest checkpoint.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn checkpoint(&mut self) -> Result<Option<(i64, Vec<u8>)>, Problem> {
        let row = sqlx::query(
            "-- inspect_checkpoint
             SELECT tree_size, note FROM custody_checkpoint WHERE id = 1",
        );
        let row = row.fetch_optional(&mut self.connection).await.map_err(failed)?;
        row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose().map_err(failed)
    }

    /// The cases that any row names, after `after` by name.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn cases(&mut self, after: &str, limit: i64) -> Result<Vec<String>, Problem> {
        let cases = sqlx::query_scalar(
            "-- inspect_cases
             SELECT case_id FROM (
                 SELECT DISTINCT case_id FROM custody_body UNION SELECT case_id FROM mla_request
                 UNION SELECT case_id FROM production_order UNION SELECT case_id FROM preservation
                 UNION SELECT case_id FROM document UNION SELECT case_id FROM package
                 UNION SELECT case_id FROM case_head
             ) AS known WHERE case_id > $1 ORDER BY case_id LIMIT $2",
        )
        .bind(after)
        .bind(limit);
        cases.fetch_all(&mut self.connection).await.map_err(failed)
    }

    /// Whether the database says of itself that it is a backup.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn is_backup(&mut self) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_backup_mark
             SELECT taken_time FROM backup_mark",
        )
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// The epochs of the log behind its first.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn epochs(&mut self) -> Result<Vec<RawEpoch>, Problem> {
        let rows = sqlx::query(
            "-- inspect_epochs
             SELECT epoch, origin, closed_origin, closed_key, leaf_index FROM log_epoch ORDER BY epoch",
        );
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let epoch = |row: &AnyRow| {
            Ok(RawEpoch {
                epoch: row.try_get(0)?,
                origin: row.try_get(1)?,
                closed_origin: row.try_get(2)?,
                closed_key: row.try_get(3)?,
                leaf_index: row.try_get(4)?,
            })
        };
        rows.iter().map(epoch).collect::<Result<_, _>>().map_err(failed)
    }

    /// The erasures that were confirmed, after `case`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn erasures(&mut self, case: &str, limit: i64) -> Result<Vec<RawErasure>, Problem> {
        let rows = sqlx::query(
            "-- inspect_erasures
             SELECT case_id, leaf_index, tag_key, reason, article, finished,
                    (SELECT COUNT(*) FROM erased_event WHERE erased_event.case_id = erasure.case_id)
             FROM erasure WHERE leaf_index IS NOT NULL AND case_id > $1 ORDER BY case_id LIMIT $2",
        )
        .bind(case)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let erasure = |row: &AnyRow| {
            let finished: i64 = row.try_get(5)?;
            Ok(RawErasure {
                case: row.try_get(0)?,
                leaf_index: row.try_get(1)?,
                tag_key: row.try_get::<Option<Vec<u8>>, _>(2)?.unwrap_or_default(),
                reason: row.try_get(3)?,
                article: row.try_get(4)?,
                events: row.try_get(6)?,
                finished: finished != 0,
            })
        };
        rows.iter().map(erasure).collect::<Result<_, _>>().map_err(failed)
    }

    /// Whether any row holds something of a case's content.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_rows(&mut self, case: &str) -> Result<bool, Problem> {
        let found: i64 = sqlx::query_scalar(
            "-- inspect_has_rows
             SELECT COUNT(*) FROM (
                 SELECT case_id FROM custody_body UNION ALL SELECT case_id FROM mla_request
                 UNION ALL SELECT case_id FROM production_order UNION ALL SELECT case_id FROM preservation
                 UNION ALL SELECT case_id FROM document UNION ALL SELECT case_id FROM package
             ) AS content WHERE case_id = $1",
        )
        .bind(case)
        .fetch_one(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found > 0)
    }

    /// The packages that went with an erased case.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn erased_packages(&mut self, case: &str) -> Result<Vec<String>, Problem> {
        let names = sqlx::query_scalar(
            "-- inspect_erased_packages
             SELECT name FROM erased_folder WHERE case_id = $1 AND what = 'package' ORDER BY name",
        )
        .bind(case);
        names.fetch_all(&mut self.connection).await.map_err(failed)
    }

    /// Bodies of a case after event `n` of `stream`, by stream and number.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn bodies(
        &mut self,
        case: &str,
        (stream, n): (&str, i64),
        limit: i64,
    ) -> Result<Vec<RawBody>, Problem> {
        let rows = sqlx::query(
            "-- inspect_bodies
             SELECT custody_body.leaf_index, stream, n, salt, body, leaf
             FROM custody_body LEFT JOIN custody_leaf ON custody_leaf.leaf_index = custody_body.leaf_index
             WHERE case_id = $1 AND (stream > $2 OR (stream = $2 AND n > $3)) ORDER BY stream, n LIMIT $4",
        )
        .bind(case)
        .bind(stream)
        .bind(n)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let body = |row: &AnyRow| {
            Ok(RawBody {
                leaf_index: row.try_get(0)?,
                stream: row.try_get(1)?,
                n: row.try_get(2)?,
                salt: row.try_get(3)?,
                body: row.try_get(4)?,
                leaf: row.try_get(5)?,
            })
        };
        rows.iter().map(body).collect::<Result<_, _>>().map_err(failed)
    }

    /// Whether the matter under this number was erased.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn was_erased(&mut self, shared_number: &str) -> Result<bool, Problem> {
        let row = sqlx::query(
            "-- inspect_erased_number
             SELECT 1 FROM erased_number WHERE shared_number = $1",
        )
        .bind(shared_number);
        Ok(row.fetch_optional(&mut self.connection).await.map_err(failed)?.is_some())
    }

    /// Documents of a case after `position`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn documents(
        &mut self,
        case: &str,
        position: i64,
        limit: i64,
    ) -> Result<Vec<RawDocument>, Problem> {
        let rows = sqlx::query(
            "-- inspect_documents
             SELECT document_id, position, kind, shared_number, message_number, sender, addressee, stage, stage_time,
                    container_sha256, container, receipt_sha256, receipt, receipt_leaf
             FROM document LEFT JOIN document_container USING (document_id)
             WHERE case_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(case)
        .bind(position)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let document = |row: &AnyRow| {
            Ok(RawDocument {
                id: row.try_get(0)?,
                position: row.try_get(1)?,
                kind: row.try_get(2)?,
                shared_number: row.try_get(3)?,
                message_number: row.try_get(4)?,
                sender: row.try_get(5)?,
                addressee: row.try_get(6)?,
                stage: row.try_get(7)?,
                stage_time: row.try_get(8)?,
                container_sha256: row.try_get(9)?,
                // A container that is gone decrypts to nothing, and is named as damage.
                container: row.try_get::<Option<Vec<u8>>, _>(10)?.unwrap_or_default(),
                receipt: receipt_of(row, 11)?,
            })
        };
        rows.iter().map(document).collect::<Result<_, _>>().map_err(failed)
    }

    /// Packages of a case after `id`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn packages(&mut self, case: &str, id: &str, limit: i64) -> Result<Vec<RawPackage>, Problem> {
        let rows = sqlx::query(
            "-- inspect_packages
             SELECT package_id, stage, manifest_sha256, objects_sha256, size_bytes, object_count, relay_receipt,
                    relay_answer, receipt_sha256, receipt, receipt_leaf
             FROM package WHERE case_id = $1 AND package_id > $2 ORDER BY package_id LIMIT $3",
        )
        .bind(case)
        .bind(id)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let package = |row: &AnyRow| {
            Ok(RawPackage {
                id: row.try_get(0)?,
                stage: row.try_get(1)?,
                manifest_sha256: row.try_get(2)?,
                objects_sha256: row.try_get(3)?,
                size_bytes: row.try_get(4)?,
                object_count: row.try_get(5)?,
                relay_receipt: row.try_get(6)?,
                relay_answer: row.try_get(7)?,
                receipt: receipt_of(row, 8)?,
            })
        };
        rows.iter().map(package).collect::<Result<_, _>>().map_err(failed)
    }

    /// Objects of a package after `position`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn objects(
        &mut self,
        package: &str,
        position: i64,
        limit: i64,
    ) -> Result<Vec<RawObject>, Problem> {
        let rows = sqlx::query(
            "-- inspect_objects
             SELECT position, name, size_bytes, sha256 FROM package_object
             WHERE package_id = $1 AND position > $2 ORDER BY position LIMIT $3",
        )
        .bind(package)
        .bind(position)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let object = |row: &AnyRow| {
            Ok(RawObject {
                position: row.try_get(0)?,
                name: row.try_get(1)?,
                size_bytes: row.try_get(2)?,
                sha256: row.try_get(3)?,
            })
        };
        rows.iter().map(object).collect::<Result<_, _>>().map_err(failed)
    }

    /// Whether a case has an event.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_events(&mut self, case: &str) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_has_events
             SELECT 1 FROM custody_body WHERE case_id = $1 LIMIT 1",
        )
        .bind(case)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// Whether a package has a row.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_package(&mut self, id: &str) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_has_package
             SELECT 1 FROM package WHERE package_id = $1",
        )
        .bind(id)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// Whether a package has an object of this name.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_object(&mut self, package: &str, name: &str) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_has_object
             SELECT 1 FROM package_object WHERE package_id = $1 AND name = $2",
        )
        .bind(package)
        .bind(name)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// Whether a transfer is under way.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_transfer(&mut self, id: &str) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_has_transfer
             SELECT 1 FROM transfer WHERE transfer_id = $1",
        )
        .bind(id)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// The requests of a case: one, or none.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn requests(&mut self, case: &str) -> Result<Vec<RawMatter>, Problem> {
        let rows = sqlx::query(
            "-- inspect_requests
             SELECT case_id, shared_number, side, counterpart, instrument, stage, stage_time, body
             FROM mla_request WHERE case_id = $1",
        )
        .bind(case);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        rows.iter().map(matter_of).collect::<Result<_, _>>().map_err(failed)
    }

    /// The orders of a case.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn orders(&mut self, case: &str) -> Result<Vec<RawMatter>, Problem> {
        let rows = sqlx::query(
            "-- inspect_orders
             SELECT case_id, shared_number, side, counterpart, request_number, stage, stage_time, body
             FROM production_order WHERE case_id = $1 ORDER BY shared_number",
        )
        .bind(case);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        rows.iter().map(matter_of).collect::<Result<_, _>>().map_err(failed)
    }

    /// The preservations of a case: one, or none.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn preservations(&mut self, case: &str) -> Result<Vec<RawPreservation>, Problem> {
        let rows = sqlx::query(
            "-- inspect_preservations
             SELECT case_id, shared_number, side, counterpart, instrument, stage, stage_time, body,
                    preserved_until, followed_up_by
             FROM preservation WHERE case_id = $1",
        )
        .bind(case);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let preservation = |row: &AnyRow| {
            Ok(RawPreservation {
                matter: matter_of(row)?,
                preserved_until: row.try_get(8)?,
                followed_up_by: row.try_get(9)?,
            })
        };
        rows.iter().map(preservation).collect::<Result<_, _>>().map_err(failed)
    }

    /// Case heads of a case after `(direction, message)`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn heads(
        &mut self,
        case: &str,
        (direction, message): (&str, &str),
        limit: i64,
    ) -> Result<Vec<RawHead>, Problem> {
        let rows = sqlx::query(
            "-- inspect_heads
             SELECT direction, message, counterpart, n, leaf_hash, head_sha256, note FROM case_head
             WHERE case_id = $1 AND (direction > $2 OR (direction = $2 AND message > $3))
             ORDER BY direction, message LIMIT $4",
        )
        .bind(case)
        .bind(direction)
        .bind(message)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let head = |row: &AnyRow| {
            Ok(RawHead {
                direction: row.try_get(0)?,
                message: row.try_get(1)?,
                counterpart: row.try_get(2)?,
                n: row.try_get(3)?,
                leaf_hash: row.try_get(4)?,
                head_sha256: row.try_get(5)?,
                note: row.try_get(6)?,
            })
        };
        rows.iter().map(head).collect::<Result<_, _>>().map_err(failed)
    }

    /// What waits in the outbox after `position`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn errands(&mut self, position: i64, limit: i64) -> Result<Vec<RawErrand>, Problem> {
        let rows = sqlx::query(
            "-- inspect_errands
             SELECT position, what, subject FROM outbox WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(position)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let errand = |row: &AnyRow| {
            Ok(RawErrand { position: row.try_get(0)?, what: row.try_get(1)?, subject: row.try_get(2)? })
        };
        rows.iter().map(errand).collect::<Result<_, _>>().map_err(failed)
    }

    /// Whether the outbox holds this errand.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn has_errand(&mut self, what: &str, subject: &str) -> Result<bool, Problem> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- inspect_has_errand
             SELECT 1 FROM outbox WHERE what = $1 AND subject = $2",
        )
        .bind(what)
        .bind(subject)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(failed)?;
        Ok(found.is_some())
    }

    /// The stage of a document; none if there is no such document.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn document_stage(&mut self, id: &str) -> Result<Option<String>, Problem> {
        let stage = sqlx::query_scalar(
            "-- inspect_document_stage
             SELECT stage FROM document WHERE document_id = $1",
        )
        .bind(id);
        stage.fetch_optional(&mut self.connection).await.map_err(failed)
    }

    /// The stage of a package; none if there is no such package.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn package_stage(&mut self, id: &str) -> Result<Option<String>, Problem> {
        let stage = sqlx::query_scalar(
            "-- inspect_package_stage
             SELECT stage FROM package WHERE package_id = $1",
        )
        .bind(id);
        stage.fetch_optional(&mut self.connection).await.map_err(failed)
    }

    /// The leaf hash of event `n` of a stream.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn leaf_hash_of(
        &mut self,
        case: &str,
        stream: &str,
        n: i64,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let hash = sqlx::query_scalar(
            "-- inspect_leaf_hash
             SELECT leaf_hash FROM custody_body
             JOIN custody_leaf ON custody_leaf.leaf_index = custody_body.leaf_index
             WHERE case_id = $1 AND stream = $2 AND n = $3",
        )
        .bind(case)
        .bind(stream)
        .bind(n);
        hash.fetch_optional(&mut self.connection).await.map_err(failed)
    }

    /// Confirmed parties after `after`.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub async fn parties(&mut self, after: &str, limit: i64) -> Result<Vec<RawParty>, Problem> {
        let rows = sqlx::query(
            "-- inspect_parties
             SELECT party_id, version, container_sha256, container, confirmed_time FROM party
             WHERE party_id > $1 ORDER BY party_id LIMIT $2",
        )
        .bind(after)
        .bind(limit);
        let rows = rows.fetch_all(&mut self.connection).await.map_err(failed)?;
        let party = |row: &AnyRow| {
            Ok(RawParty {
                party: row.try_get(0)?,
                version: row.try_get(1)?,
                container_sha256: row.try_get(2)?,
                container: row.try_get(3)?,
                confirmed_time: row.try_get(4)?,
            })
        };
        rows.iter().map(party).collect::<Result<_, _>>().map_err(failed)
    }
}
