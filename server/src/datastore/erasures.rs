//! Erasures: what was proposed, and what is left of a case once two officers erased it: ids, numbers, instants.

use super::session::{Session, StoreError, digest, instant, parse, size, stored};
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::Stream;
use rogatory_core::{CaseId, OfficerId, PackageId, PartyId, SharedNumber, Timestamp};
use rogatory_custody::leaf::{LEAF_BYTES, TagKey};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An erasure, proposed or confirmed.
#[derive(Clone)]
pub struct ErasureRow {
    /// The case.
    pub case: CaseId,
    /// Its number.
    pub shared_number: SharedNumber,
    /// The other side.
    pub counterpart: PartyId,
    /// Why, as a code or a short text.
    pub reason: String,
    /// The provision that demands it.
    pub article: String,
    /// Who proposed it.
    pub proposed_by: OfficerId,
    /// When.
    pub proposed_time: Timestamp,
    /// What is true once it was confirmed.
    pub erased: Option<Erased>,
}

/// What is true of an erased case.
#[derive(Clone)]
pub struct Erased {
    /// The leaf of the entry that says so.
    pub leaf_index: u64,
    /// When.
    pub time: Timestamp,
    /// The case's tag key: it recognises the leaves and opens nothing.
    pub tag_key: TagKey,
    /// Whether the case's key and its folders in the vault are gone as well.
    pub finished: bool,
}

/// An event whose body was erased.
#[derive(Clone, Debug)]
pub struct ErasedEvent {
    /// Index of its leaf.
    pub leaf_index: u64,
    /// The leaf.
    pub leaf: [u8; LEAF_BYTES],
    /// Its stream.
    pub stream: Stream,
    /// Its number in the stream.
    pub n: u64,
}

/// What lies in the vault and goes with an erased case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErasedFolder {
    /// A package.
    Package(PackageId),
    /// A transfer that was never completed.
    Transfer(String),
}

/// How much an erasure took.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ErasedCounts {
    /// Events.
    pub entries: u64,
    /// Packages.
    pub packages: u64,
}

/// The statements by which a case goes, each with the case as `$1`, in this order.
const ERASE: [&str; 17] = [
    "-- erase_numbers_of_requests
     INSERT INTO erased_number (shared_number, case_id, counterpart)
     SELECT shared_number, case_id, counterpart FROM mla_request WHERE case_id = $1",
    "-- erase_numbers_of_orders
     INSERT INTO erased_number (shared_number, case_id, counterpart)
     SELECT shared_number, case_id, counterpart FROM production_order WHERE case_id = $1",
    "-- erase_numbers_of_preservations
     INSERT INTO erased_number (shared_number, case_id, counterpart)
     SELECT shared_number, case_id, counterpart FROM preservation WHERE case_id = $1",
    "-- erase_folders_of_packages
     INSERT INTO erased_folder (what, name, case_id) SELECT 'package', package_id, case_id FROM package WHERE case_id = $1",
    "-- erase_folders_of_transfers
     INSERT INTO erased_folder (what, name, case_id)
     SELECT 'transfer', transfer_id, $1 FROM transfer
     WHERE shared_number IN (SELECT shared_number FROM erased_number WHERE case_id = $1)",
    "-- erase_events
     INSERT INTO erased_event (leaf_index, case_id, stream, n)
     SELECT leaf_index, case_id, stream, n FROM custody_body WHERE case_id = $1",
    "-- erase_bodies
     DELETE FROM custody_body WHERE case_id = $1",
    "-- erase_transfers
     DELETE FROM transfer WHERE shared_number IN (SELECT shared_number FROM erased_number WHERE case_id = $1)",
    "-- erase_checks
     DELETE FROM package_check WHERE package_id IN (SELECT package_id FROM package WHERE case_id = $1)",
    "-- erase_package_objects
     DELETE FROM package_object WHERE package_id IN (SELECT package_id FROM package WHERE case_id = $1)",
    "-- erase_packages
     DELETE FROM package WHERE case_id = $1",
    "-- erase_containers
     DELETE FROM document_container WHERE document_id IN (SELECT document_id FROM document WHERE case_id = $1)",
    "-- erase_documents
     DELETE FROM document WHERE case_id = $1",
    "-- erase_orders
     DELETE FROM production_order WHERE case_id = $1",
    "-- erase_requests
     DELETE FROM mla_request WHERE case_id = $1",
    "-- erase_preservations
     DELETE FROM preservation WHERE case_id = $1",
    "-- erase_errands
     DELETE FROM outbox WHERE case_id = $1",
];

impl Transaction {
    /// Keeps a proposal, in place of an earlier one that nobody confirmed.
    ///
    /// # Errors
    /// [`StoreError`] if the case was erased already or the database fails.
    pub async fn propose_erasure(&mut self, row: &ErasureRow) -> Result<(), StoreError> {
        let done = sqlx::query(
            "-- propose_erasure
             INSERT INTO erasure (case_id, shared_number, counterpart, reason, article, proposed_by, proposed_time,
                                  finished)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
             ON CONFLICT (case_id) DO UPDATE SET reason = $4, article = $5, proposed_by = $6, proposed_time = $7
             WHERE erasure.leaf_index IS NULL",
        )
        .bind(row.case.as_str())
        .bind(row.shared_number.as_str())
        .bind(row.counterpart.to_string())
        .bind(&row.reason)
        .bind(&row.article)
        .bind(row.proposed_by.to_string())
        .bind(row.proposed_time.microseconds())
        .execute(self.connection())
        .await?;
        super::cases::touched_one(done.rows_affected(), "erasure")
    }

    /// Deletes everything of a case but its leaves, ids and numbers; says how much it was.
    ///
    /// # Errors
    /// [`Reason::Raced`] if an event of the case is just being recorded; [`StoreError`] if the database fails.
    pub async fn erase_rows(&mut self, case: &CaseId) -> Result<ErasedCounts, StoreError> {
        if self.tail().waiting(case.as_str()) > 0 {
            let what = "something is recorded in the case at this moment";
            return Err(Problem::new(Reason::Raced, what).with_hint("repeat the call").into());
        }
        let mut counts = ErasedCounts { entries: 0, packages: 0 };
        for statement in ERASE {
            let done = sqlx::query(statement).bind(case.as_str()).execute(self.connection()).await?;
            if statement.starts_with("-- erase_bodies") {
                counts.entries = done.rows_affected();
            } else if statement.starts_with("-- erase_packages") {
                counts.packages = done.rows_affected();
            }
        }
        Ok(counts)
    }

    /// Notes under which entry a case was erased; what is left outside the database follows.
    ///
    /// # Errors
    /// [`StoreError`] if it was not proposed or the database fails.
    pub async fn confirm_erasure(
        &mut self,
        case: &CaseId,
        leaf_index: u64,
        tag_key: &TagKey,
    ) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        let done = sqlx::query(
            "-- confirm_erasure
             UPDATE erasure SET leaf_index = $2, erased_time = $3, tag_key = $4
             WHERE case_id = $1 AND leaf_index IS NULL",
        )
        .bind(case.as_str())
        .bind(stored(leaf_index)?)
        .bind(now)
        .bind(tag_key.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        super::cases::touched_one(done.rows_affected(), "erasure")
    }

    /// Notes that the case's key and folders are gone as well.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn finish_erasure(&mut self, case: &CaseId) -> Result<(), StoreError> {
        sqlx::query(
            "-- finish_erasure
             UPDATE erasure SET finished = 1 WHERE case_id = $1 AND leaf_index IS NOT NULL",
        )
        .bind(case.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// From now on no act reads or writes under the key of `case`; see [`crate::keystore::KeyStore::retire`].
    pub fn retire_key(&self, case: &CaseId) {
        self.keys().retire(case.as_str());
    }

    /// Takes [`Transaction::retire_key`] back.
    pub fn restore_key(&self, case: &CaseId) {
        self.keys().restore(case.as_str());
    }
}

impl Session {
    /// The erasure of the case with this id or number, proposed or confirmed.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn erasure(&mut self, name: &str) -> Result<Option<ErasureRow>, StoreError> {
        let row = sqlx::query(
            "-- erasure
             SELECT case_id, shared_number, counterpart, reason, article, proposed_by, proposed_time, leaf_index,
                    erased_time, tag_key, finished
             FROM erasure
             WHERE case_id = $1 OR shared_number = $1
                OR case_id IN (SELECT case_id FROM erased_number WHERE shared_number = $1)",
        )
        .bind(name)
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(erasure_of).transpose()
    }

    /// The erasures that were confirmed and of which something may still lie outside the database.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn unfinished_erasures(&mut self) -> Result<Vec<ErasureRow>, StoreError> {
        let rows = sqlx::query(
            "-- unfinished_erasures
             SELECT case_id, shared_number, counterpart, reason, article, proposed_by, proposed_time, leaf_index,
                    erased_time, tag_key, finished
             FROM erasure WHERE leaf_index IS NOT NULL AND finished = 0 ORDER BY leaf_index",
        )
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(erasure_of).collect()
    }

    /// What lay in the vault for an erased case.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn erased_folders(&mut self, case: &CaseId) -> Result<Vec<ErasedFolder>, StoreError> {
        let rows = sqlx::query(
            "-- erased_folders
             SELECT what, name FROM erased_folder WHERE case_id = $1 ORDER BY what, name",
        )
        .bind(case.as_str())
        .fetch_all(self.connection())
        .await?;
        let folder = |row: &AnyRow| {
            Ok(match row.try_get(0)? {
                "package" => ErasedFolder::Package(parse(row.try_get(1)?, "a stored package id is damaged")?),
                _ => ErasedFolder::Transfer(row.try_get(1)?),
            })
        };
        rows.iter().map(folder).collect()
    }

    /// With whom the matter under this number was, if it was erased.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn erased_number(&mut self, number: &SharedNumber) -> Result<Option<PartyId>, StoreError> {
        let party: Option<String> = sqlx::query_scalar(
            "-- erased_number
             SELECT counterpart FROM erased_number WHERE shared_number = $1",
        )
        .bind(number.as_str())
        .fetch_optional(self.connection())
        .await?;
        Ok(party.map(|party| parse(&party, "a stored party is damaged")).transpose()?)
    }

    /// Whether this package went with a case that was erased; it is not taken again, under whatever number.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn package_was_erased(&mut self, package: &PackageId) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "-- package_was_erased
             SELECT 1 FROM erased_folder WHERE what = 'package' AND name = $1",
        )
        .bind(package.as_str());
        Ok(row.fetch_optional(self.connection()).await?.is_some())
    }

    /// The events of an erased case below leaf `end`, at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn erased_events(
        &mut self,
        case: &CaseId,
        end: u64,
        limit: u32,
    ) -> Result<Vec<ErasedEvent>, StoreError> {
        let rows = sqlx::query(
            "-- erased_events
             SELECT erased_event.leaf_index, custody_leaf.leaf, erased_event.stream, erased_event.n
             FROM erased_event JOIN custody_leaf ON custody_leaf.leaf_index = erased_event.leaf_index
             WHERE erased_event.case_id = $1 AND erased_event.leaf_index < $2
             ORDER BY erased_event.leaf_index LIMIT $3",
        )
        .bind(case.as_str())
        .bind(stored(end)?)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        let event = |row: &AnyRow| {
            let leaf: Vec<u8> = row.try_get(1)?;
            let leaf =
                leaf.try_into().map_err(|_| Problem::internal("the custody log is damaged", "a leaf"))?;
            Ok(ErasedEvent {
                leaf_index: size(row.try_get(0)?)?,
                leaf,
                stream: parse(row.try_get(2)?, "a stored stream is damaged")?,
                n: size(row.try_get(3)?)?,
            })
        };
        rows.iter().map(event).collect()
    }

    /// How many events of an erased case there were.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn erased_event_count(&mut self, case: &CaseId) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- erased_event_count
             SELECT COUNT(*) FROM erased_event WHERE case_id = $1",
        )
        .bind(case.as_str())
        .fetch_one(self.connection())
        .await?;
        Ok(size(count)?)
    }

    /// Whether anything of `case` waits in the outbox.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn has_errands(&mut self, case: &str) -> Result<bool, StoreError> {
        let waits: Option<i64> = sqlx::query_scalar(
            "-- has_errands
             SELECT 1 WHERE EXISTS (SELECT 1 FROM outbox WHERE case_id = $1)",
        )
        .bind(case)
        .fetch_optional(self.connection())
        .await?;
        Ok(waits.is_some())
    }
}

fn erasure_of(row: &AnyRow) -> Result<ErasureRow, StoreError> {
    let leaf_index: Option<i64> = row.try_get(7)?;
    let erased = match leaf_index {
        None => None,
        Some(leaf_index) => {
            let tag_key: Vec<u8> = row.try_get(9)?;
            let finished: i64 = row.try_get(10)?;
            Some(Erased {
                leaf_index: size(leaf_index)?,
                time: instant(row.try_get(8)?)?,
                tag_key: TagKey::from_bytes(*digest(&tag_key)?.as_bytes()),
                finished: finished != 0,
            })
        }
    };
    Ok(ErasureRow {
        case: parse(row.try_get(0)?, "a stored case id is damaged")?,
        shared_number: parse(row.try_get(1)?, "a stored shared number is damaged")?,
        counterpart: parse(row.try_get(2)?, "a stored party is damaged")?,
        reason: row.try_get(3)?,
        article: row.try_get(4)?,
        proposed_by: parse(row.try_get(5)?, "a stored officer is damaged")?,
        proposed_time: instant(row.try_get(6)?)?,
        erased,
    })
}
