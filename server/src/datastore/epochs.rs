//! The epochs of the own log, and the mark by which a backup says that it is one.
//!
//! An epoch ends when a backup is restored: what follows has another origin, so that nothing which was signed before can
//! be taken for its word. The tree itself goes on.

use super::session::{Session, StoreError, instant, parse, size, stored};
use super::transaction::Transaction;
use rogatory_core::Timestamp;
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::note::Vkey;
use sqlx::Row as _;

/// An epoch behind the first, as the entry that began it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochRow {
    /// The log since then.
    pub origin: Origin,
    /// The log before.
    pub closed_origin: Origin,
    /// The key of the log before.
    pub closed_key: Vkey,
    /// The leaf that began it.
    pub leaf_index: u64,
}

impl Transaction {
    /// Begins an epoch: from now on no checkpoint stands, and what was restored may be served.
    ///
    /// # Errors
    /// [`StoreError`] if the epoch has begun already or the database fails.
    pub async fn begin_epoch(&mut self, row: &EpochRow) -> Result<(), StoreError> {
        sqlx::query(
            "-- begin_epoch
             INSERT INTO log_epoch (epoch, origin, closed_origin, closed_key, leaf_index) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(i64::from(row.origin.epoch()))
        .bind(row.origin.to_string())
        .bind(row.closed_origin.to_string())
        .bind(row.closed_key.to_string())
        .bind(stored(row.leaf_index)?)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "-- close_checkpoint
             DELETE FROM custody_checkpoint",
        )
        .execute(self.connection())
        .await?;
        sqlx::query(
            "-- clear_backup_mark
             DELETE FROM backup_mark",
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Session {
    /// The epochs behind the first, in their order.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn epochs(&mut self) -> Result<Vec<EpochRow>, StoreError> {
        let rows = sqlx::query(
            "-- epochs
             SELECT origin, closed_origin, closed_key, leaf_index FROM log_epoch ORDER BY epoch",
        )
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(EpochRow {
                    origin: parse(row.try_get(0)?, "a stored log origin is damaged")?,
                    closed_origin: parse(row.try_get(1)?, "a stored log origin is damaged")?,
                    closed_key: parse(row.try_get(2)?, "a stored log key is damaged")?,
                    leaf_index: size(row.try_get(3)?)?,
                })
            })
            .collect()
    }

    /// When the backup was taken from which this database was restored; none if it was not, or the next epoch has begun.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn backup_taken(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let taken: Option<i64> = sqlx::query_scalar(
            "-- backup_taken
             SELECT taken_time FROM backup_mark",
        )
        .fetch_optional(self.connection())
        .await?;
        Ok(taken.map(instant).transpose()?)
    }
}
