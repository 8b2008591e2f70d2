//! Case heads: what this log told counterparts about the streams it shares with them, and theirs.
//!
//! A head is kept with the message it went or came with, so that a message sent again carries the same
//! one. Verifies nothing: whoever hands one in has signed or verified it.

use super::session::{Session, StoreError, digest, parse, size, stored};
use super::transaction::Transaction;
use rogatory_core::{Digest, PartyId};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A case head with the message that carried it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeadRow {
    /// The case, or `office` for a message that belongs to none.
    pub case: String,
    /// The office's id of the document, or the package's.
    pub message: String,
    /// To whom it was sent, or from whom it came.
    pub counterpart: PartyId,
    /// The number of the event it names.
    pub n: u64,
    /// That event's leaf hash.
    pub leaf_hash: Digest,
    /// The note, byte for byte.
    pub note: Vec<u8>,
}

impl HeadRow {
    /// SHA-256 of the note, as receipts quote it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.note)
    }
}

const SENT: &str = "sent";
const RECEIVED: &str = "received";

impl Transaction {
    /// Keeps a head that is about to go with a message.
    ///
    /// # Errors
    /// [`StoreError`] if the message has one already or the database fails.
    pub async fn keep_sent_head(&mut self, head: &HeadRow) -> Result<(), StoreError> {
        self.keep_head(SENT, head).await
    }

    /// Keeps a head that came with a message, in place of an earlier one of the same message; gives the
    /// digest of a head kept before that names the same event of the same stream by another leaf.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_received_head(&mut self, head: &HeadRow) -> Result<Option<Digest>, StoreError> {
        let others = sqlx::query(
            "-- contradicted_head
             SELECT head_sha256, note FROM case_head
             WHERE case_id = $1 AND direction = 'received' AND counterpart = $2 AND n = $3 AND leaf_hash <> $4
             ORDER BY message",
        )
        .bind(&head.case)
        .bind(head.counterpart.to_string())
        .bind(stored(head.n)?)
        .bind(head.leaf_hash.as_bytes().as_slice())
        .fetch_all(self.connection())
        .await?;
        let mut contradicted: Option<Vec<u8>> = None;
        for other in others {
            // What the log of an epoch that ended said is another log's word.
            if log_of(&other.try_get::<Vec<u8>, _>(1)?) == log_of(&head.note) {
                contradicted = Some(other.try_get(0)?);
                break;
            }
        }
        sqlx::query(
            "-- forget_head
             DELETE FROM case_head WHERE case_id = $1 AND direction = 'received' AND message = $2",
        )
        .bind(&head.case)
        .bind(&head.message)
        .execute(self.connection())
        .await?;
        self.keep_head(RECEIVED, head).await?;
        Ok(contradicted.map(|sha256| digest(&sha256)).transpose()?)
    }

    async fn keep_head(&mut self, direction: &str, head: &HeadRow) -> Result<(), StoreError> {
        sqlx::query(
            "-- keep_head
             INSERT INTO case_head (case_id, direction, message, counterpart, n, leaf_hash, head_sha256, note)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&head.case)
        .bind(direction)
        .bind(&head.message)
        .bind(head.counterpart.to_string())
        .bind(stored(head.n)?)
        .bind(head.leaf_hash.as_bytes().as_slice())
        .bind(head.digest().as_bytes().as_slice())
        .bind(&head.note)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Session {
    /// The head that went, or is to go, with a message; none if its stream had no event.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn sent_head(&mut self, case: &str, message: &str) -> Result<Option<HeadRow>, StoreError> {
        let row = sqlx::query(
            "-- sent_head
             SELECT case_id, message, counterpart, n, leaf_hash, note FROM case_head
             WHERE case_id = $1 AND direction = 'sent' AND message = $2",
        )
        .bind(case)
        .bind(message)
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| head_of(&row)).transpose()
    }

    /// The heads that went with messages of a case, for each counterpart the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn sent_heads(&mut self, case: &str) -> Result<Vec<HeadRow>, StoreError> {
        self.heads(case, SENT).await
    }

    /// The heads that came with messages of a case, for each counterpart the latest first.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn received_heads(&mut self, case: &str) -> Result<Vec<HeadRow>, StoreError> {
        self.heads(case, RECEIVED).await
    }

    async fn heads(&mut self, case: &str, direction: &str) -> Result<Vec<HeadRow>, StoreError> {
        let rows = sqlx::query(
            "-- heads
             SELECT case_id, message, counterpart, n, leaf_hash, note FROM case_head
             WHERE case_id = $1 AND direction = $2 ORDER BY counterpart, n DESC, message",
        )
        .bind(case)
        .bind(direction)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(head_of).collect()
    }
}

/// The line of a head's note that names its log.
pub fn log_of(note: &[u8]) -> Option<&str> {
    std::str::from_utf8(note).ok()?.lines().nth(1)
}

fn head_of(row: &AnyRow) -> Result<HeadRow, StoreError> {
    Ok(HeadRow {
        case: row.try_get(0)?,
        message: row.try_get(1)?,
        counterpart: parse(row.try_get(2)?, "a stored party is damaged")?,
        n: size(row.try_get(3)?)?,
        leaf_hash: digest(row.try_get(4)?)?,
        note: row.try_get(5)?,
    })
}
