//! What receipts promise: that the issuer's log holds a leaf. Kept in the transaction that stores the
//! receipt, on both sides. Verifies nothing.

use super::custody::LoggedEvent;
use super::documents::StoredReceipt;
use super::session::{Session, StoreError, digest, instant, parse, size, stored};
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, PartyId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// How long an issuer has to prove the inclusion, in seconds.
const PROMISED_SECONDS: i64 = 60;
/// The longest pause before one is asked for again, in seconds.
pub const PAUSE_SECONDS_AT_MOST: i64 = 60 * 60;
/// After how many seconds it is asked first: a checkpoint follows within a second or two.
const FIRST_ASKED_SECONDS: i64 = 5;

/// A promise of a counterpart that it has not kept yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenPromise {
    /// Whose.
    pub counterpart: PartyId,
    /// The leaf.
    pub leaf_hash: Digest,
    /// By when it was to be proven.
    pub due_time: Timestamp,
    /// How often it was asked for in vain.
    pub attempts: u32,
    /// Since when it is broken.
    pub broken_time: Option<Timestamp>,
    /// When the counterpart was told so.
    pub told_time: Option<Timestamp>,
}

/// A promise of a counterpart as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    /// Whose.
    pub counterpart: PartyId,
    /// The leaf.
    pub leaf_hash: Digest,
    /// By when it was to be proven.
    pub due_time: Timestamp,
    /// Since when it is broken, or was before it was kept.
    pub broken_time: Option<Timestamp>,
    /// When the counterpart was told so.
    pub told_time: Option<Timestamp>,
    /// The proof, as a file, once it is kept.
    pub proof: Option<Vec<u8>>,
}

impl Transaction {
    /// Keeps what a counterpart's receipt promises from now on.
    ///
    /// # Errors
    /// [`Reason::BadReceipt`] if another receipt named that leaf before: each is an event of its own, and a leaf that is
    /// proven already would never be asked for. [`StoreError`] if the database fails.
    pub async fn keep_promise(
        &mut self,
        counterpart: &PartyId,
        receipt: &StoredReceipt,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let kept = sqlx::query(
            "-- keep_promise
             INSERT INTO promise_got (counterpart, leaf_hash, receipt_sha256, due_time, attempts, next_time)
             VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (counterpart, leaf_hash) DO UPDATE
             SET leaf_hash = promise_got.leaf_hash WHERE promise_got.receipt_sha256 = $3",
        )
        .bind(counterpart.to_string())
        .bind(receipt.leaf_hash.as_bytes().as_slice())
        .bind(Digest::of(&receipt.container).as_bytes().to_vec())
        .bind(now.plus_seconds(PROMISED_SECONDS).microseconds())
        .bind(now.plus_seconds(FIRST_ASKED_SECONDS).microseconds())
        .execute(self.connection())
        .await?;
        if kept.rows_affected() == 1 {
            return Ok(());
        }
        let what =
            format!("the receipt of {counterpart} names a leaf that another receipt of it named before");
        Err(Problem::new(Reason::BadReceipt, what).into())
    }

    /// Keeps to whom the leaf of a receipt is named.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn give_promise(&mut self, caller: &PartyId, logged: &LoggedEvent) -> Result<(), StoreError> {
        sqlx::query(
            "-- give_promise
             INSERT INTO promise_given (caller, leaf_hash, leaf_index, reported) VALUES ($1, $2, $3, 0)
             ON CONFLICT (caller, leaf_hash) DO NOTHING",
        )
        .bind(caller.to_string())
        .bind(logged.leaf_hash.as_bytes().as_slice())
        .bind(stored(logged.leaf_index)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The promise is kept: here is the proof, as a file.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn prove_promise(
        &mut self,
        counterpart: &PartyId,
        leaf_hash: &Digest,
        proof: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- prove_promise
             UPDATE promise_got SET proof = $3 WHERE counterpart = $1 AND leaf_hash = $2 AND proof IS NULL",
        )
        .bind(counterpart.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .bind(proof.as_bytes())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// It is asked again at `next_time`. One that was got while the clock was ahead is due as if it were got now.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn put_off_promise(
        &mut self,
        promise: &OpenPromise,
        next_time: Timestamp,
    ) -> Result<(), StoreError> {
        let latest_due = self.now().plus_seconds(PROMISED_SECONDS);
        sqlx::query(
            "-- put_off_promise
             UPDATE promise_got SET attempts = $3, next_time = $4,
                                    due_time = CASE WHEN due_time > $5 THEN $5 ELSE due_time END
             WHERE counterpart = $1 AND leaf_hash = $2",
        )
        .bind(promise.counterpart.to_string())
        .bind(promise.leaf_hash.as_bytes().as_slice())
        .bind(i64::from(promise.attempts.saturating_add(1)))
        .bind(next_time.microseconds())
        .bind(latest_due.microseconds())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The promise is broken since now; says whether it was not before.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn break_promise(
        &mut self,
        counterpart: &PartyId,
        leaf_hash: &Digest,
    ) -> Result<bool, StoreError> {
        let now = self.now().microseconds();
        let done = sqlx::query(
            "-- break_promise
             UPDATE promise_got SET broken_time = $3
             WHERE counterpart = $1 AND leaf_hash = $2 AND broken_time IS NULL AND proof IS NULL",
        )
        .bind(counterpart.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The counterpart was told that it broke its promise.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn mark_told(&mut self, counterpart: &PartyId, leaf_hash: &Digest) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- mark_told
             UPDATE promise_got SET told_time = $3 WHERE counterpart = $1 AND leaf_hash = $2",
        )
        .bind(counterpart.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A caller says that a promise of this institution is broken; says whether it is the first to say so.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn mark_reported(&mut self, caller: &PartyId, leaf_hash: &Digest) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- mark_reported
             UPDATE promise_given SET reported = 1 WHERE caller = $1 AND leaf_hash = $2 AND reported = 0",
        )
        .bind(caller.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

impl Session {
    /// The index of a leaf that a receipt to `caller` names.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn promised_leaf(
        &mut self,
        caller: &PartyId,
        leaf_hash: &Digest,
    ) -> Result<Option<u64>, StoreError> {
        let index: Option<i64> = sqlx::query_scalar(
            "-- promised_leaf
             SELECT leaf_index FROM promise_given WHERE caller = $1 AND leaf_hash = $2",
        )
        .bind(caller.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .fetch_optional(self.connection())
        .await?;
        Ok(index.map(size).transpose()?)
    }

    /// The promises that are to be asked for by now, the longest due first, at most `limit` of each counterpart. One that was put off
    /// further than any is, by a clock that was ahead, is among them.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn open_promises(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenPromise>, StoreError> {
        let rows = sqlx::query(
            "-- open_promises
             SELECT counterpart, leaf_hash, due_time, attempts, broken_time, told_time FROM
               (SELECT counterpart, leaf_hash, due_time, attempts, broken_time, told_time, next_time,
                       ROW_NUMBER() OVER (PARTITION BY counterpart ORDER BY next_time, leaf_hash) AS place
                FROM promise_got WHERE proof IS NULL AND (next_time <= $1 OR next_time > $2)) AS due
             WHERE place <= $3 ORDER BY next_time",
        )
        .bind(now.microseconds())
        .bind(now.plus_seconds(PAUSE_SECONDS_AT_MOST).microseconds())
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(promise_of).collect()
    }

    /// The promises that are broken and still not kept, by counterpart: how many, and since when the oldest.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn broken_promises(&mut self) -> Result<Vec<(PartyId, u64, Timestamp)>, StoreError> {
        let rows = sqlx::query(
            "-- broken_promises
             SELECT counterpart, COUNT(*), MIN(due_time) FROM promise_got
             WHERE proof IS NULL AND broken_time IS NOT NULL GROUP BY counterpart ORDER BY counterpart",
        )
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(counted).collect()
    }

    /// The promises that were due at `before` or earlier, and are neither kept nor known to be broken, by counterpart:
    /// how many, and when the oldest was due.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn overdue_promises(
        &mut self,
        before: Timestamp,
    ) -> Result<Vec<(PartyId, u64, Timestamp)>, StoreError> {
        let rows = sqlx::query(
            "-- overdue_promises
             SELECT counterpart, COUNT(*), MIN(due_time) FROM promise_got
             WHERE proof IS NULL AND broken_time IS NULL AND due_time <= $1 GROUP BY counterpart ORDER BY counterpart",
        )
        .bind(before.microseconds())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(counted).collect()
    }

    /// The promises of counterparts, first those that were broken, then the latest, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn promises(&mut self, limit: u32) -> Result<Vec<Promise>, StoreError> {
        let rows = sqlx::query(
            "-- promises
             SELECT counterpart, leaf_hash, due_time, attempts, broken_time, told_time, proof FROM promise_got
             ORDER BY CASE WHEN broken_time IS NULL THEN 1 ELSE 0 END, due_time DESC, counterpart, leaf_hash
             LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                let OpenPromise { counterpart, leaf_hash, due_time, broken_time, told_time, .. } =
                    promise_of(row)?;
                let proof = row.try_get(6)?;
                Ok(Promise { counterpart, leaf_hash, due_time, broken_time, told_time, proof })
            })
            .collect()
    }

    /// How many promises of counterparts are kept in mind.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn promise_count(&mut self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- promise_count
             SELECT COUNT(*) FROM promise_got",
        )
        .fetch_one(self.connection())
        .await?;
        Ok(size(count)?)
    }

    /// The stored proof of a promise that was kept.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn promise_proof(
        &mut self,
        counterpart: &PartyId,
        leaf_hash: &Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let proof: Option<Option<Vec<u8>>> = sqlx::query_scalar(
            "-- promise_proof
             SELECT proof FROM promise_got WHERE counterpart = $1 AND leaf_hash = $2",
        )
        .bind(counterpart.to_string())
        .bind(leaf_hash.as_bytes().as_slice())
        .fetch_optional(self.connection())
        .await?;
        Ok(proof.flatten())
    }
}

/// How many promises of a counterpart, and when the oldest was due.
fn counted(row: &AnyRow) -> Result<(PartyId, u64, Timestamp), StoreError> {
    let party = parse(row.try_get(0)?, "a stored party is damaged")?;
    Ok((party, size(row.try_get(1)?)?, instant(row.try_get(2)?)?))
}

fn promise_of(row: &AnyRow) -> Result<OpenPromise, StoreError> {
    let attempts: i64 = row.try_get(3)?;
    let (broken, told): (Option<i64>, Option<i64>) = (row.try_get(4)?, row.try_get(5)?);
    Ok(OpenPromise {
        counterpart: parse(row.try_get(0)?, "a stored party is damaged")?,
        leaf_hash: digest(row.try_get(1)?)?,
        due_time: instant(row.try_get(2)?)?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        broken_time: broken.map(instant).transpose()?,
        told_time: told.map(instant).transpose()?,
    })
}
