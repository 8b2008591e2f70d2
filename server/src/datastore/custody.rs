//! The custody log in the database: leaves and nodes that never change, bodies that can be erased.
//!
//! An entry is appended in the transaction of the change it records. Nodes of complete subtrees are
//! kept, so that roots and proofs need only look-ups.

use super::log_tail::{End, Entry, LogTail};
use super::session::{Session, StoreError, digest, parse, size, stored};
use super::transaction::Transaction;
use crate::problem::Problem;
use rogatory_core::Digest;
use rogatory_core::custody_event::{Actor, CustodyEvent, EventBody, Stream};
use rogatory_core::entropy::draw;
use rogatory_custody::leaf::{LEAF_BYTES, Leaf, TagKey};
use rogatory_custody::tree::{self, NodeCoordinates, Tree};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// The pseudo-case of the office's own events.
pub const OFFICE: &str = "office";

/// For how many proofs nodes are looked up by one query.
const PROOFS_AT_ONCE: usize = 64;

/// An event as it stands in the log now.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// Index of its leaf.
    pub leaf_index: u64,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// Its number in its stream.
    pub n: u64,
}

/// An entry as the log holds it, body in clear.
#[derive(Clone, Debug)]
pub struct RecordedEntry {
    /// Index of its leaf.
    pub leaf_index: u64,
    /// Its leaf hash.
    pub leaf_hash: Digest,
    /// Its stream.
    pub stream: Stream,
    /// Its number in the stream.
    pub n: u64,
    /// The salt of its commitment.
    pub salt: [u8; 32],
    /// The body, byte for byte as committed to.
    pub body: Vec<u8>,
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::internal("the custody log is damaged", error)
}

fn missing_node(coordinates: NodeCoordinates) -> Problem {
    Problem::internal("the custody log is damaged", format!("no node at {coordinates:?}"))
}

impl Transaction {
    /// Appends `event` to the log, numbered in its stream of `case`.
    ///
    /// # Errors
    /// [`StoreError`] if the log is damaged or the database fails.
    pub async fn record(
        &mut self,
        case: &str,
        actor: &Actor,
        event: CustodyEvent,
    ) -> Result<LoggedEvent, StoreError> {
        let stream = event.stream.to_string();
        let (n, previous) = match self.tail().end(case, &stream) {
            Some(end) => end,
            None => self.end_of_stream(case, &stream).await?,
        };
        let n = n + 1;
        let body = EventBody {
            case: case.to_owned(),
            stream: event.stream,
            n,
            previous,
            at: self.now(),
            actor: actor.clone(),
            event: event.event,
        };
        let bytes = serde_json::to_vec(&body).map_err(damaged)?;
        let salt: [u8; 32] = draw(self.entropy());
        let key = self.create_key(case)?;
        let leaf = Leaf::new(&TagKey::derive(key.as_bytes()), &body.stream, n, &salt, &bytes);
        let entry = Entry { leaf: &leaf, case, stream: &stream, n, salt };
        let leaf_index = self.tail().stage(&entry, |index| key.encrypt(&body_place(index), &bytes))?;
        Ok(LoggedEvent { leaf_index, leaf_hash: leaf.hash(), n })
    }

    /// Replaces the checkpoint if nobody did so since `expected_size`; says whether it was replaced.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn replace_checkpoint(
        &mut self,
        expected_size: Option<u64>,
        tree_size: u64,
        note: &[u8],
    ) -> Result<bool, StoreError> {
        let done = match expected_size {
            None => {
                sqlx::query(
                    "-- first_checkpoint
                     INSERT INTO custody_checkpoint (id, tree_size, note) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
                )
                .bind(stored(tree_size)?)
                .bind(note)
                .execute(self.connection())
                .await?
            }
            Some(expected) => {
                sqlx::query(
                    "-- replace_checkpoint
                     UPDATE custody_checkpoint SET tree_size = $1, note = $2
                     WHERE id = 1 AND tree_size = $3 AND tree_size < $1",
                )
                .bind(stored(tree_size)?)
                .bind(note)
                .bind(stored(expected)?)
                .execute(self.connection())
                .await?
            }
        };
        Ok(done.rows_affected() == 1)
    }
}

/// Where a body is encrypted for: bodies cannot be swapped between entries.
pub(super) fn body_place(leaf_index: u64) -> String {
    format!("custody_body/{leaf_index}")
}

/// The question for so many nodes; a subquery each, so that no database reads more than what is asked for.
fn nodes_text(places: usize) -> String {
    let mut text = "-- nodes\nWITH wanted (level, node_index) AS (VALUES ".to_owned();
    for place in 0..places {
        let comma = if place == 0 { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(text, "{comma}(${}, ${})", 2 * place + 1, 2 * place + 2);
    }
    text.push_str(
        ") SELECT level, node_index, (SELECT hash FROM custody_node WHERE custody_node.level = wanted.level
           AND custody_node.node_index = wanted.node_index) FROM wanted",
    );
    text
}

impl Session {
    /// Number and leaf hash of the last committed event of a stream; 0 and none before the first.
    async fn end_of_stream(&mut self, case: &str, stream: &str) -> Result<End, StoreError> {
        let row = sqlx::query(
            "-- end_of_stream
             SELECT custody_body.n, custody_leaf.leaf_hash FROM custody_body
             JOIN custody_leaf ON custody_leaf.leaf_index = custody_body.leaf_index
             WHERE custody_body.case_id = $1 AND custody_body.stream = $2
             ORDER BY custody_body.n DESC LIMIT 1",
        )
        .bind(case)
        .bind(stream)
        .fetch_optional(self.connection())
        .await?;
        match row {
            None => Ok((0, None)),
            Some(row) => Ok((size(row.try_get(0)?)?, Some(digest(row.try_get(1)?)?))),
        }
    }

    /// Number and leaf hash of the last committed event of a stream; none before the first.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn last_event(
        &mut self,
        case: &str,
        stream: &str,
    ) -> Result<Option<(u64, Digest)>, StoreError> {
        let (n, leaf_hash) = self.end_of_stream(case, stream).await?;
        Ok(leaf_hash.map(|leaf_hash| (n, leaf_hash)))
    }

    /// The committed log as far as appending needs it.
    pub(super) async fn load_tail(&mut self) -> Result<LogTail, StoreError> {
        let count = self.tree_size().await?;
        let places = tree::peak_nodes(count).map_err(damaged)?;
        let known = self.nodes(places.iter().copied()).await?;
        let peaks = places.iter().filter_map(|at| known.get(at).copied()).collect();
        Ok(LogTail::new(Tree::from_peaks(count, peaks).map_err(damaged)?))
    }

    /// How many entries the log holds.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn tree_size(&mut self) -> Result<u64, StoreError> {
        let last: Option<i64> = sqlx::query_scalar(
            "-- tree_size
             SELECT MAX(leaf_index) FROM custody_leaf",
        )
        .fetch_one(self.connection())
        .await?;
        Ok(match last {
            None => 0,
            Some(last) => size(last)? + 1,
        })
    }

    /// The hashes of complete subtrees, by one query.
    ///
    /// # Errors
    /// [`StoreError`] if one is missing, or the database fails.
    pub(super) async fn nodes(
        &mut self,
        wanted: impl IntoIterator<Item = NodeCoordinates>,
    ) -> Result<HashMap<NodeCoordinates, Digest>, StoreError> {
        let wanted: Vec<NodeCoordinates> = wanted.into_iter().collect();
        let Some(last) = wanted.last() else { return Ok(HashMap::new()) };
        // Asked for again until their number is a power of two, so that few texts are prepared.
        let places = wanted.len().next_power_of_two();
        let mut query = sqlx::query(AssertSqlSafe(nodes_text(places)));
        for at in wanted.iter().chain(std::iter::repeat(last)).take(places) {
            query = query.bind(i64::from(at.level)).bind(stored(at.index)?);
        }
        let mut known = HashMap::with_capacity(wanted.len());
        for row in query.fetch_all(self.connection()).await? {
            let (level, index): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let level = u8::try_from(level).map_err(damaged)?;
            known.insert(NodeCoordinates { level, index: size(index)? }, digest(row.try_get(2)?)?);
        }
        match wanted.iter().find(|at| !known.contains_key(at)) {
            None => Ok(known),
            Some(missing) => Err(missing_node(*missing).into()),
        }
    }

    /// The hashes of the complete subtrees of one level from `start` on, at most `limit`, from the left.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn level_nodes(
        &mut self,
        level: u8,
        start: u64,
        limit: u64,
    ) -> Result<Vec<Digest>, StoreError> {
        let hashes: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- level_nodes
             SELECT hash FROM custody_node WHERE level = $1 AND node_index >= $2 AND node_index < $3
             ORDER BY node_index",
        )
        .bind(i64::from(level))
        .bind(stored(start)?)
        .bind(stored(start.saturating_add(limit))?)
        .fetch_all(self.connection())
        .await?;
        Ok(hashes.iter().map(|hash| digest(hash)).collect::<Result<_, _>>()?)
    }

    /// The leaves from `start` on, at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn leaves(&mut self, start: u64, limit: u64) -> Result<Vec<[u8; LEAF_BYTES]>, StoreError> {
        let leaves: Vec<Vec<u8>> = sqlx::query_scalar(
            "-- leaves
             SELECT leaf FROM custody_leaf WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index",
        )
        .bind(stored(start)?)
        .bind(stored(start.saturating_add(limit))?)
        .fetch_all(self.connection())
        .await?;
        let leaf = |leaf: Vec<u8>| {
            let bytes = leaf.len();
            leaf.try_into()
                .map_err(|_| Problem::internal("a stored leaf is damaged", format!("{bytes} bytes")))
        };
        Ok(leaves.into_iter().map(leaf).collect::<Result<_, _>>()?)
    }

    /// The root over the first `tree_size` entries.
    ///
    /// # Errors
    /// [`StoreError`] if the log is damaged or the database fails.
    pub async fn root(&mut self, tree_size: u64) -> Result<Digest, StoreError> {
        let known = self.nodes(tree::peak_nodes(tree_size).map_err(damaged)?).await?;
        Ok(tree::root_from_nodes(tree_size, |coordinates| known.get(&coordinates).copied())
            .map_err(damaged)?)
    }

    /// The inclusion proof of entry `leaf_index` in the tree of `tree_size` entries (RFC 6962).
    ///
    /// # Errors
    /// [`StoreError`] if the log is damaged or the database fails.
    pub async fn inclusion_proof(
        &mut self,
        leaf_index: u64,
        tree_size: u64,
    ) -> Result<Vec<Digest>, StoreError> {
        let plan = tree::inclusion_proof_nodes(leaf_index, tree_size).map_err(damaged)?;
        let known = self.nodes(plan.nodes()).await?;
        Ok(plan.assemble(|coordinates| known.get(&coordinates).copied()).map_err(damaged)?)
    }

    /// The inclusion proofs of entries in the tree of `tree_size` entries, in their order; by one query for many.
    ///
    /// # Errors
    /// [`StoreError`] if the log is damaged or the database fails.
    pub async fn inclusion_proofs(
        &mut self,
        leaf_indices: &[u64],
        tree_size: u64,
    ) -> Result<Vec<Vec<Digest>>, StoreError> {
        let mut proofs = Vec::with_capacity(leaf_indices.len());
        for some in leaf_indices.chunks(PROOFS_AT_ONCE) {
            let plans = some
                .iter()
                .map(|index| tree::inclusion_proof_nodes(*index, tree_size))
                .collect::<Result<Vec<_>, _>>()
                .map_err(damaged)?;
            // Neighbours have most of their nodes in common.
            let wanted: BTreeSet<NodeCoordinates> = plans.iter().flat_map(|plan| plan.nodes()).collect();
            let known = self.nodes(wanted).await?;
            for plan in plans {
                proofs.push(plan.assemble(|coordinates| known.get(&coordinates).copied()).map_err(damaged)?);
            }
        }
        Ok(proofs)
    }

    /// The latest checkpoint and the size of its tree.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn checkpoint(&mut self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let row = sqlx::query(
            "-- checkpoint
             SELECT tree_size, note FROM custody_checkpoint WHERE id = 1",
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(match row {
            None => None,
            Some(row) => Some((size(row.try_get(0)?)?, row.try_get(1)?)),
        })
    }

    /// The entries of a case below leaf `end`, from leaf `start` on, at most `limit`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if an entry does not decrypt or the database fails.
    pub async fn entries(
        &mut self,
        case: &str,
        start: u64,
        end: u64,
        limit: u32,
    ) -> Result<Vec<RecordedEntry>, StoreError> {
        let rows = sqlx::query(
            "-- entries
             SELECT custody_body.leaf_index, custody_leaf.leaf_hash, custody_body.stream, custody_body.n,
                    custody_body.salt, custody_body.body
             FROM custody_body JOIN custody_leaf ON custody_leaf.leaf_index = custody_body.leaf_index
             WHERE custody_body.case_id = $1 AND custody_body.leaf_index >= $2 AND custody_body.leaf_index < $3
             ORDER BY custody_body.leaf_index LIMIT $4",
        )
        .bind(case)
        .bind(stored(start)?)
        .bind(stored(end)?)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key(case)?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let leaf_index = size(row.try_get(0)?)?;
            let salt: Vec<u8> = row.try_get(4)?;
            let sealed: Vec<u8> = row.try_get(5)?;
            entries.push(RecordedEntry {
                leaf_index,
                leaf_hash: digest(row.try_get(1)?)?,
                stream: parse(row.try_get(2)?, "a stored stream is damaged")?,
                n: size(row.try_get(3)?)?,
                salt: *digest(&salt)?.as_bytes(),
                body: key.decrypt(&body_place(leaf_index), &sealed)?,
            });
        }
        Ok(entries)
    }

    /// How many leaves a tree must have to hold all committed entries of a case.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn covering_size(&mut self, case: &str) -> Result<u64, StoreError> {
        let last: Option<i64> = sqlx::query_scalar(
            "-- covering_size
             SELECT MAX(leaf_index) FROM custody_body WHERE case_id = $1",
        )
        .bind(case)
        .fetch_one(self.connection())
        .await?;
        Ok(last.map(size).transpose()?.map_or(0, |last| last + 1))
    }

    /// How many entries a case has.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn entry_count(&mut self, case: &str) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- entry_count
             SELECT COUNT(*) FROM custody_body WHERE case_id = $1",
        )
        .bind(case)
        .fetch_one(self.connection())
        .await?;
        Ok(size(count)?)
    }

    /// The tag key of a case: all that an auditor needs to recognise the case's leaves.
    ///
    /// # Errors
    /// [`Problem`] if the case has no key.
    pub fn tag_key(&self, case: &str) -> Result<TagKey, Problem> {
        Ok(TagKey::derive(self.key(case)?.as_bytes()))
    }
}
