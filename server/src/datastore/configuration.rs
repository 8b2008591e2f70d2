//! What the server was configured with at its last start, by digests; and when it committed last.

use super::session::{Session, StoreError, digest, instant};
use super::transaction::Transaction;
use rogatory_core::{Digest, Timestamp};
use sqlx::Row as _;

/// One thing of the configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Configured {
    /// What kind of thing.
    pub what: String,
    /// Whose it is: an officer's id, or empty for the institution's own.
    pub officer: String,
    /// Its digest.
    pub sha256: Digest,
}

impl Transaction {
    /// Replaces what is known of the configuration.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_configuration(&mut self, all: &[Configured]) -> Result<(), StoreError> {
        sqlx::query(
            "-- forget_configuration
             DELETE FROM configuration",
        )
        .execute(self.connection())
        .await?;
        for one in all {
            sqlx::query(
                "-- keep_configuration
                 INSERT INTO configuration (what, officer, sha256) VALUES ($1, $2, $3)",
            )
            .bind(&one.what)
            .bind(&one.officer)
            .bind(one.sha256.as_bytes().as_slice())
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }
}

impl Session {
    /// The configuration of the last start; nothing before the first.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn configuration(&mut self) -> Result<Vec<Configured>, StoreError> {
        let rows = sqlx::query(
            "-- configuration
             SELECT what, officer, sha256 FROM configuration ORDER BY what, officer",
        )
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Configured {
                    what: row.try_get(0)?,
                    officer: row.try_get(1)?,
                    sha256: digest(row.try_get(2)?)?,
                })
            })
            .collect()
    }

    /// When something was committed last, by the server's clock; none before the first time.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn last_commit_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let time: Option<i64> = sqlx::query_scalar(
            "-- last_commit_time
             SELECT MAX(committed_time) FROM committed_group",
        )
        .fetch_one(self.connection())
        .await?;
        Ok(time.map(instant).transpose()?)
    }
}
