//! What this institution saw of the logs of others, who cosigned its own, and what contradicts.
//!
//! What was seen of a log is replaced by compare-and-swap in the transaction that compared. Verifies
//! nothing: whoever hands a note in has verified it.

use super::session::{Session, StoreError, digest, instant, parse, size, stored};
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, PartyId, Timestamp};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint};
use rogatory_custody::tree;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// After a comparison the same one is believed to show nothing new of the same log for so long, in seconds: each
/// comparison costs that log a call. No comparison is put off further.
pub const COMPARED_PAUSE_SECONDS: i64 = 10 * 60;
/// How many contradictions of one log are kept that one institution showed: a hostile log can sign any number.
const KEPT_CONTRADICTIONS: i64 = 16;

/// A checkpoint of a log of others, verified when it was stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenCheckpoint {
    /// The number of leaves.
    pub tree_size: u64,
    /// The root over them.
    pub root: Digest,
    /// The note with the log's signature alone.
    pub note: Vec<u8>,
}

impl From<&VerifiedCheckpoint> for SeenCheckpoint {
    fn from(checkpoint: &VerifiedCheckpoint) -> Self {
        Self {
            tree_size: checkpoint.size(),
            root: *checkpoint.root(),
            // What others wrote below it is no word of the log, and might be long.
            note: checkpoint.note().trusted_part().to_string().into_bytes(),
        }
    }
}

/// What was seen last of a log of others, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenLog {
    /// The log.
    pub origin: Origin,
    /// What was seen.
    pub checkpoint: SeenCheckpoint,
    /// When.
    pub seen_time: Timestamp,
}

/// What somebody showed of a log, to be compared with that log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeardCheckpoint {
    /// The log.
    pub origin: Origin,
    /// Who showed it.
    pub heard_from: PartyId,
    /// What was shown.
    pub checkpoint: SeenCheckpoint,
}

/// A log that was asked to prove something, and has not for long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenComparison {
    /// The log.
    pub origin: Origin,
    /// Who showed what it is to prove.
    pub heard_from: PartyId,
    /// Since when.
    pub since: Timestamp,
}

/// How two checkpoints of one log contradict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// Two roots at one size.
    Fork,
    /// The log shows less than it signed before.
    Rollback,
    /// The log did not prove that the smaller tree is the beginning of the larger one.
    NoProof,
    /// A witness refused a checkpoint of the own log.
    Refused,
}

impl Found {
    /// Its name, in the table and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Rollback => "rollback",
            Self::NoProof => "no-proof",
            Self::Refused => "refused",
        }
    }
}

/// Two checkpoints that cannot both be true, as they were signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// The log.
    pub origin: Origin,
    /// Who showed the second.
    pub shown_by: PartyId,
    /// What was known; empty if a witness refused a checkpoint of the own log.
    pub known_note: Vec<u8>,
    /// What was shown.
    pub shown_note: Vec<u8>,
    /// How they contradict: the name of a [`Found`].
    pub found: String,
    /// When that was found.
    pub found_time: Timestamp,
}

/// The latest cosignature of a witness of the own log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogWitness {
    /// Who.
    pub party: PartyId,
    /// The log: an earlier epoch has another name.
    pub origin: String,
    /// The size that it cosigned; 0 if it never did.
    pub tree_size: u64,
    /// The checkpoint that it cosigned.
    pub note: Vec<u8>,
    /// Its signature line; empty if it never cosigned.
    pub cosignature: String,
    /// When it cosigned; if it never did, since when it is asked.
    pub cosigned_time: Timestamp,
    /// Since when it has not cosigned although the log grew.
    pub behind_since: Option<Timestamp>,
}

impl Transaction {
    /// Replaces what was seen of a log, if it is still what it was compared with: `expected`, 0 for nothing.
    ///
    /// # Errors
    /// [`Reason::Raced`] if it is not, or the database fails.
    pub async fn persist_seen(
        &mut self,
        origin: &Origin,
        expected: u64,
        seen: &SeenCheckpoint,
    ) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        let done = sqlx::query(
            "-- persist_seen
             INSERT INTO seen_log (origin, tree_size, root, note, persisted_time) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (origin) DO UPDATE SET tree_size = $2, root = $3, note = $4, persisted_time = $5
             WHERE seen_log.tree_size = $6",
        )
        .bind(origin.to_string())
        .bind(stored(seen.tree_size)?)
        .bind(seen.root.as_bytes().as_slice())
        .bind(&seen.note)
        .bind(now)
        .bind(stored(expected)?)
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Problem::new(Reason::Raced, "the log was seen at another size meanwhile").into())
        }
    }

    /// Keeps a contradiction with both notes; says whether it was not known before and there was room.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_contradiction(
        &mut self,
        origin: &Origin,
        shown_by: &PartyId,
        known: &[u8],
        shown: &[u8],
        found: Found,
    ) -> Result<bool, StoreError> {
        let now = self.now().microseconds();
        let done = sqlx::query(
            "-- keep_contradiction
             INSERT INTO log_contradiction (origin, shown_by, shown_sha256, known_note, shown_note, found, found_time)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE (SELECT COUNT(*) FROM log_contradiction WHERE origin = $1 AND shown_by = $2) < $8
             ON CONFLICT (origin, shown_by, shown_sha256) DO NOTHING",
        )
        .bind(origin.to_string())
        .bind(shown_by.to_string())
        .bind(Digest::of(shown).as_bytes().as_slice())
        .bind(known)
        .bind(shown)
        .bind(found.as_str())
        .bind(now)
        .bind(KEPT_CONTRADICTIONS)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps what somebody showed of a log, in place of what the same one showed before; it is compared
    /// no earlier than the last comparison allowed. What is shown anew does not make an open comparison younger.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_heard(&mut self, heard: &HeardCheckpoint) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- keep_heard
             INSERT INTO heard_checkpoint (origin, heard_from, tree_size, root, note, compared, heard_time, next_time)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $6)
             ON CONFLICT (origin, heard_from) DO UPDATE SET tree_size = $3, root = $4, note = $5,
               heard_time = CASE WHEN heard_checkpoint.compared = 0 THEN heard_checkpoint.heard_time ELSE $6 END,
               compared = 0",
        )
        .bind(heard.origin.to_string())
        .bind(heard.heard_from.to_string())
        .bind(stored(heard.checkpoint.tree_size)?)
        .bind(heard.checkpoint.root.as_bytes().as_slice())
        .bind(&heard.checkpoint.note)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What was heard was compared, or will be later; unless another was heard meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn settle_heard(
        &mut self,
        heard: &HeardCheckpoint,
        compared: bool,
        next_time: Timestamp,
    ) -> Result<(), StoreError> {
        // What was heard while the clock was ahead was heard by now.
        let now = self.now().microseconds();
        sqlx::query(
            "-- settle_heard
             UPDATE heard_checkpoint SET compared = $4, next_time = $5,
               heard_time = CASE WHEN heard_time > $6 THEN $6 ELSE heard_time END
             WHERE origin = $1 AND heard_from = $2 AND note = $3",
        )
        .bind(heard.origin.to_string())
        .bind(heard.heard_from.to_string())
        .bind(&heard.checkpoint.note)
        .bind(i64::from(compared))
        .bind(next_time.microseconds())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps a cosignature of the own log, unless a larger one of the same log and witness is there.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_cosignature(&mut self, witness: &LogWitness) -> Result<(), StoreError> {
        sqlx::query(
            "-- keep_cosignature
             INSERT INTO log_witness (party, origin, tree_size, note, cosignature, cosigned_time, behind_since)
             VALUES ($1, $2, $3, $4, $5, $6, NULL)
             ON CONFLICT (party) DO UPDATE SET origin = $2, tree_size = $3, note = $4, cosignature = $5,
                                               cosigned_time = $6, behind_since = NULL
             WHERE log_witness.origin <> $2 OR log_witness.tree_size <= $3",
        )
        .bind(witness.party.to_string())
        .bind(&witness.origin)
        .bind(stored(witness.tree_size)?)
        .bind(&witness.note)
        .bind(&witness.cosignature)
        .bind(witness.cosigned_time.microseconds())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A witness did not cosign: it is behind since now, unless it was before.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn mark_behind(&mut self, party: &PartyId, origin: &Origin) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- mark_behind
             INSERT INTO log_witness (party, origin, tree_size, note, cosignature, cosigned_time, behind_since)
             VALUES ($1, $2, 0, $3, '', $4, $4)
             ON CONFLICT (party) DO UPDATE SET behind_since = $4 WHERE log_witness.behind_since IS NULL",
        )
        .bind(party.to_string())
        .bind(origin.to_string())
        .bind([].as_slice())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Session {
    /// What was seen last of a log.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn seen(&mut self, origin: &Origin) -> Result<Option<SeenCheckpoint>, StoreError> {
        let row = sqlx::query(
            "-- seen
             SELECT tree_size, root, note FROM seen_log WHERE origin = $1",
        )
        .bind(origin.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| seen_of(&row)).transpose()
    }

    /// The checkpoints of logs seen last, the latest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn seen_lately(&mut self, limit: u32) -> Result<Vec<(Origin, Vec<u8>)>, StoreError> {
        let rows = sqlx::query(
            "-- seen_lately
             SELECT origin, note FROM seen_log ORDER BY persisted_time DESC, origin LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| Ok((parse(row.try_get(0)?, "a stored log origin is damaged")?, row.try_get(1)?)))
            .collect()
    }

    /// What was seen last of every log of others, by log, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn seen_logs(&mut self, limit: u32) -> Result<Vec<SeenLog>, StoreError> {
        let rows = sqlx::query(
            "-- seen_logs
             SELECT tree_size, root, note, origin, persisted_time FROM seen_log ORDER BY origin LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SeenLog {
                    origin: parse(row.try_get(3)?, "a stored log origin is damaged")?,
                    checkpoint: seen_of(&row)?,
                    seen_time: instant(row.try_get(4)?)?,
                })
            })
            .collect()
    }

    /// What `from` showed last of a log.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn heard(
        &mut self,
        origin: &Origin,
        from: &PartyId,
    ) -> Result<Option<SeenCheckpoint>, StoreError> {
        let row = sqlx::query(
            "-- heard
             SELECT tree_size, root, note FROM heard_checkpoint WHERE origin = $1 AND heard_from = $2",
        )
        .bind(origin.to_string())
        .bind(from.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| seen_of(&row)).transpose()
    }

    /// What was heard and is to be compared by now, at most `limit` of each log. What was put off further than anything is, by a
    /// clock that was ahead, is among it.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn heard_due(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<HeardCheckpoint>, StoreError> {
        let rows = sqlx::query(
            "-- heard_due
             SELECT origin, heard_from, tree_size, root, note FROM
               (SELECT origin, heard_from, tree_size, root, note, next_time,
                       ROW_NUMBER() OVER (PARTITION BY origin ORDER BY next_time, heard_from) AS place
                FROM heard_checkpoint WHERE compared = 0 AND (next_time <= $1 OR next_time > $2)) AS due
             WHERE place <= $3 ORDER BY next_time, origin, heard_from",
        )
        .bind(now.microseconds())
        .bind(now.plus_seconds(COMPARED_PAUSE_SECONDS).microseconds())
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                let checkpoint = SeenCheckpoint {
                    tree_size: size(row.try_get(2)?)?,
                    root: digest(row.try_get(3)?)?,
                    note: row.try_get(4)?,
                };
                Ok(HeardCheckpoint {
                    origin: parse(row.try_get(0)?, "a stored log origin is damaged")?,
                    heard_from: parse(row.try_get(1)?, "a stored party is damaged")?,
                    checkpoint,
                })
            })
            .collect()
    }

    /// The comparisons that are open since `before` or earlier, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn open_comparisons(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenComparison>, StoreError> {
        let rows = sqlx::query(
            "-- open_comparisons
             SELECT origin, heard_from, heard_time FROM heard_checkpoint
             WHERE compared = 0 AND heard_time <= $1 ORDER BY heard_time, origin, heard_from LIMIT $2",
        )
        .bind(before.microseconds())
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OpenComparison {
                    origin: parse(row.try_get(0)?, "a stored log origin is damaged")?,
                    heard_from: parse(row.try_get(1)?, "a stored party is damaged")?,
                    since: instant(row.try_get(2)?)?,
                })
            })
            .collect()
    }

    /// The contradictions that were found, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn contradictions(&mut self, limit: u32) -> Result<Vec<Contradiction>, StoreError> {
        let rows = sqlx::query(
            "-- contradictions
             SELECT origin, shown_by, known_note, shown_note, found, found_time FROM log_contradiction
             ORDER BY found_time DESC, origin, shown_by, shown_sha256 LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Contradiction {
                    origin: parse(row.try_get(0)?, "a stored log origin is damaged")?,
                    shown_by: parse(row.try_get(1)?, "a stored party is damaged")?,
                    known_note: row.try_get(2)?,
                    shown_note: row.try_get(3)?,
                    found: row.try_get(4)?,
                    found_time: instant(row.try_get(5)?)?,
                })
            })
            .collect()
    }

    /// The witnesses of the own log, by name.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn log_witnesses(&mut self) -> Result<Vec<LogWitness>, StoreError> {
        let rows = sqlx::query(
            "-- log_witnesses
             SELECT party, origin, tree_size, note, cosignature, cosigned_time, behind_since FROM log_witness
             ORDER BY party",
        )
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                let behind: Option<i64> = row.try_get(6)?;
                Ok(LogWitness {
                    party: parse(row.try_get(0)?, "a stored party is damaged")?,
                    origin: row.try_get(1)?,
                    tree_size: size(row.try_get(2)?)?,
                    note: row.try_get(3)?,
                    cosignature: row.try_get(4)?,
                    cosigned_time: instant(row.try_get(5)?)?,
                    behind_since: behind.map(instant).transpose()?,
                })
            })
            .collect()
    }

    /// Whether anything was exchanged with a party: then the log has a stream that is shared with it.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn shares_with(&mut self, party: &PartyId) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- shares_with
             SELECT 1
             WHERE EXISTS (SELECT 1 FROM mla_request WHERE counterpart = $1)
                OR EXISTS (SELECT 1 FROM production_order WHERE counterpart = $1)
                OR EXISTS (SELECT 1 FROM preservation WHERE counterpart = $1)
                OR EXISTS (SELECT 1 FROM document WHERE sender = $1 OR addressee = $1)",
        )
        .bind(party.to_string())
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// The consistency proof between two sizes of the own log.
    ///
    /// # Errors
    /// [`Problem`] if `old` is the larger one or a node is missing.
    pub async fn consistency_proof(&mut self, old: u64, new: u64) -> Result<Vec<Digest>, StoreError> {
        let damaged = |error| Problem::internal("the custody log is damaged", error);
        let plan = tree::consistency_proof_nodes(old, new).map_err(damaged)?;
        let known = self.nodes(plan.nodes()).await?;
        Ok(plan.assemble(|coordinates| known.get(&coordinates).copied()).map_err(damaged)?)
    }
}

fn seen_of(row: &AnyRow) -> Result<SeenCheckpoint, StoreError> {
    Ok(SeenCheckpoint {
        tree_size: size(row.try_get(0)?)?,
        root: digest(row.try_get(1)?)?,
        note: row.try_get(2)?,
    })
}
