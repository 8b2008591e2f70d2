//! Time stamps: what waits for one since when, and the tokens with their renewals.
//!
//! A row is queued in the transaction that stores what is to be stamped; a worker fills it. Tokens hold digests and
//! instants only, so they lie here in clear and outlive the erasure of a case.

use super::session::{Session, StoreError, digest, instant, parse, size};
use super::transaction::Transaction;
use rogatory_core::{Digest, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

/// What is stamped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stamped {
    /// A sealed document, as a container.
    Document,
    /// A receipt given or received, as a container.
    Receipt,
    /// The last outer signature of a package.
    Package,
    /// A party entry, as a container.
    PartyEntry,
    /// A checkpoint of the own log, as a note.
    Checkpoint,
}

impl Stamped {
    const ALL: [Self; 5] = [Self::Document, Self::Receipt, Self::Package, Self::PartyEntry, Self::Checkpoint];

    /// Its name in storage, in events and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Receipt => "receipt",
            Self::Package => "package",
            Self::PartyEntry => "party-entry",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// Not the name of something that is stamped.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is nothing that is stamped")]
pub struct UnknownStamped(String);

impl FromStr for Stamped {
    type Err = UnknownStamped;

    fn from_str(text: &str) -> Result<Self, UnknownStamped> {
        Self::ALL
            .into_iter()
            .find(|what| what.as_str() == text)
            .ok_or_else(|| UnknownStamped(text.to_owned()))
    }
}

/// A stamp that waits or was got.
#[derive(Clone, Debug)]
pub struct StampRow {
    /// Its place among all.
    pub position: i64,
    /// What is stamped.
    pub what: Stamped,
    /// The case it belongs to, or the office.
    pub case: String,
    /// The SHA-256 of the first thing that was stamped.
    pub subject: Digest,
    /// 0 for the first stamp, then the number of the renewal.
    pub generation: u32,
    /// The SHA-256 that the token stamps: the subject's, or that of the renewal's list.
    pub imprint: Digest,
    /// What has that SHA-256, where nobody else keeps it: a checkpoint, or a renewal's list.
    pub content: Option<Vec<u8>>,
    /// Since when it waits, or waited.
    pub queued_time: Timestamp,
    /// The token, once it was got.
    pub token: Option<GotToken>,
}

/// A verified token as it is stored.
#[derive(Clone, Debug)]
pub struct GotToken {
    /// Its DER.
    pub token: Vec<u8>,
    /// The instant it proves.
    pub stamped_time: Timestamp,
    /// The subject of the authority's certificate.
    pub tsa: String,
    /// Until when that certificate is valid.
    pub tsa_until: Timestamp,
    /// The algorithm of its signature.
    pub algorithm: String,
}

/// How it stands with all stamps.
#[derive(Clone, Debug, Default)]
pub struct StampSummary {
    /// How many wait.
    pub waiting: u64,
    /// Since when the first of them waits.
    pub waiting_since: Option<Timestamp>,
    /// The end of the authority's certificate of the token that was got last.
    pub tsa_until: Option<Timestamp>,
}

/// Since when no authority answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interruption {
    /// The first try in vain.
    pub since: Timestamp,
    /// Whether the log says so.
    pub recorded: bool,
}

impl Transaction {
    /// Has bytes with the SHA-256 `subject` wait for their first stamp; what was queued before keeps its place.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn await_stamp(
        &mut self,
        what: Stamped,
        case: &str,
        subject: &Digest,
        content: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        self.await_generation(what, case, subject, 0, subject, content).await
    }

    /// Has the list of all earlier tokens of `renewed` wait for a stamp, as its next generation.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn await_renewal(&mut self, renewed: &StampRow, list: &[u8]) -> Result<(), StoreError> {
        let next = renewed.generation.saturating_add(1);
        let imprint = Digest::of(list);
        self.await_generation(renewed.what, &renewed.case, &renewed.subject, next, &imprint, Some(list)).await
    }

    async fn await_generation(
        &mut self,
        what: Stamped,
        case: &str,
        subject: &Digest,
        generation: u32,
        imprint: &Digest,
        content: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- await_stamp
             INSERT INTO time_stamp (position, what, case_id, subject_sha256, generation, imprint_sha256, content,
                                     queued_time)
             VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM time_stamp), $1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (subject_sha256, generation) DO NOTHING",
        )
        .bind(what.as_str())
        .bind(case)
        .bind(subject.as_bytes().as_slice())
        .bind(i64::from(generation))
        .bind(imprint.as_bytes().as_slice())
        .bind(content)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores the token of a stamp that waits; says whether it still waited.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_token(&mut self, position: i64, got: &GotToken) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- keep_token
             UPDATE time_stamp SET token = $2, stamped_time = $3, tsa = $4, tsa_until = $5, algorithm = $6
             WHERE position = $1 AND token IS NULL",
        )
        .bind(position)
        .bind(&got.token)
        .bind(got.stamped_time.microseconds())
        .bind(&got.tsa)
        .bind(got.tsa_until.microseconds())
        .bind(&got.algorithm)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that no authority answers; the first note stands. `recorded` says that the log says so now.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn note_interruption(&mut self, recorded: bool) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- note_interruption
             INSERT INTO time_stamp_interruption (id, since, recorded) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET recorded = excluded.recorded",
        )
        .bind(now)
        .bind(i64::from(recorded))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// An authority answers again.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn end_interruption(&mut self) -> Result<(), StoreError> {
        sqlx::query(
            "-- end_interruption
             DELETE FROM time_stamp_interruption WHERE id = 1",
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Session {
    /// What waits for a stamp, the longest waiting first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if a row is damaged or the database fails.
    pub async fn waiting_stamps(&mut self, limit: u32) -> Result<Vec<StampRow>, StoreError> {
        let rows = sqlx::query(
            "-- waiting_stamps
             SELECT position, what, case_id, subject_sha256, generation, imprint_sha256, content, queued_time,
                    token, stamped_time, tsa, tsa_until, algorithm
             FROM time_stamp WHERE token IS NULL ORDER BY position LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stamp_of).collect()
    }

    /// Every stamp of what has the SHA-256 `subject`: the first, then the renewals.
    ///
    /// # Errors
    /// [`StoreError`] if a row is damaged or the database fails.
    pub async fn stamps_of(&mut self, subject: &Digest) -> Result<Vec<StampRow>, StoreError> {
        let rows = sqlx::query(
            "-- stamps_of
             SELECT position, what, case_id, subject_sha256, generation, imprint_sha256, content, queued_time,
                    token, stamped_time, tsa, tsa_until, algorithm
             FROM time_stamp WHERE subject_sha256 = $1 ORDER BY generation",
        )
        .bind(subject.as_bytes().as_slice())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stamp_of).collect()
    }

    /// The newest stamps of subjects that age out: their authority's certificate ends before `before`, and before that
    /// of the token that was got last, or their algorithm is none of `accepted`; at most `limit`.
    ///
    /// What was got last stands for what the next stamp will be by: one that another authority gave in between, by a
    /// certificate that ends later, is none that renewing would give.
    ///
    /// # Errors
    /// [`StoreError`] if a row is damaged or the database fails.
    pub async fn aging_stamps(
        &mut self,
        before: Timestamp,
        accepted: &[String],
        limit: u32,
    ) -> Result<Vec<StampRow>, StoreError> {
        let accepted = serde_json::to_string(accepted)
            .map_err(|error| crate::problem::Problem::internal("the algorithms cannot be listed", error))?;
        let rows = sqlx::query(
            "-- aging_stamps
             SELECT position, what, case_id, subject_sha256, generation, imprint_sha256, content, queued_time,
                    token, stamped_time, tsa, tsa_until, algorithm
             FROM time_stamp
             WHERE token IS NOT NULL
               AND (tsa_until < $1 AND tsa_until < (SELECT last.tsa_until FROM time_stamp AS last WHERE last.token IS NOT NULL
                                                        ORDER BY last.position DESC LIMIT 1)
                    OR $2 NOT LIKE '%\"' || algorithm || '\"%')
               AND NOT EXISTS (SELECT 1 FROM time_stamp AS later
                               WHERE later.subject_sha256 = time_stamp.subject_sha256
                                 AND later.generation > time_stamp.generation)
             ORDER BY tsa_until, position LIMIT $3",
        )
        .bind(before.microseconds())
        .bind(accepted)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stamp_of).collect()
    }

    /// The last checkpoint that was queued for a stamp.
    ///
    /// # Errors
    /// [`StoreError`] if the row is damaged or the database fails.
    pub async fn last_checkpoint_stamp(&mut self) -> Result<Option<StampRow>, StoreError> {
        let row = sqlx::query(
            "-- last_checkpoint_stamp
             SELECT position, what, case_id, subject_sha256, generation, imprint_sha256, content, queued_time,
                    token, stamped_time, tsa, tsa_until, algorithm
             FROM time_stamp WHERE what = 'checkpoint' AND generation = 0 ORDER BY position DESC LIMIT 1",
        )
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(stamp_of).transpose()
    }

    /// How it stands with all stamps.
    ///
    /// # Errors
    /// [`StoreError`] if a row is damaged or the database fails.
    pub async fn stamp_summary(&mut self) -> Result<StampSummary, StoreError> {
        let (waiting, since): (i64, Option<i64>) = sqlx::query_as(
            "-- stamps_waiting
             SELECT COUNT(*), MIN(queued_time) FROM time_stamp WHERE token IS NULL",
        )
        .fetch_one(self.connection())
        .await?;
        let until: Option<i64> = sqlx::query_scalar(
            "-- newest_stamp_end
             SELECT tsa_until FROM time_stamp WHERE token IS NOT NULL ORDER BY position DESC LIMIT 1",
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(StampSummary {
            waiting: size(waiting)?,
            waiting_since: since.map(instant).transpose()?,
            tsa_until: until.map(instant).transpose()?,
        })
    }

    /// Since when no authority answers, if none does.
    ///
    /// # Errors
    /// [`StoreError`] if the row is damaged or the database fails.
    pub async fn interruption(&mut self) -> Result<Option<Interruption>, StoreError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "-- interruption
             SELECT since, recorded FROM time_stamp_interruption WHERE id = 1",
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(|(since, recorded)| Ok(Interruption { since: instant(since)?, recorded: recorded != 0 }))
            .transpose()
    }
}

fn stamp_of(row: &AnyRow) -> Result<StampRow, StoreError> {
    let generation: i64 = row.try_get(4)?;
    let token: Option<Vec<u8>> = row.try_get(8)?;
    let token = match token {
        None => None,
        Some(token) => Some(GotToken {
            token,
            stamped_time: instant(row.try_get(9)?)?,
            tsa: row.try_get(10)?,
            tsa_until: instant(row.try_get(11)?)?,
            algorithm: row.try_get(12)?,
        }),
    };
    Ok(StampRow {
        position: row.try_get(0)?,
        what: parse(row.try_get(1)?, "a stored time stamp is damaged")?,
        case: row.try_get(2)?,
        subject: digest(row.try_get(3)?)?,
        generation: u32::try_from(generation).unwrap_or(u32::MAX),
        imprint: digest(row.try_get(5)?)?,
        content: row.try_get(6)?,
        queued_time: instant(row.try_get(7)?)?,
        token,
    })
}
