//! One connection with the key store beside it, for reading; a transaction is a session that writes.

use crate::keystore::{CaseKey, KeyStore};
use crate::problem::Problem;
use rogatory_core::mla_request::WrongStage;
use rogatory_core::order::WrongOrderStage;
use rogatory_core::preservation::WrongPreservationStage;
use sqlx::Any;
use sqlx::AnyConnection;
use sqlx::pool::PoolConnection;
use std::sync::Arc;

/// Why an act or a reading failed: for a reason of ours, or of the database.
#[derive(Debug)]
pub enum StoreError {
    /// A reason of ours: the transaction is rolled back and the caller told.
    Problem(Problem),
    /// The database failed: the transaction is abandoned and tried again.
    Database(sqlx::Error),
}

impl From<Problem> for StoreError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<WrongStage> for StoreError {
    fn from(wrong: WrongStage) -> Self {
        Self::Problem(wrong.into())
    }
}

impl From<WrongOrderStage> for StoreError {
    fn from(wrong: WrongOrderStage) -> Self {
        Self::Problem(wrong.into())
    }
}

impl From<WrongPreservationStage> for StoreError {
    fn from(wrong: WrongPreservationStage) -> Self {
        Self::Problem(wrong.into())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Problem(problem) => problem,
            StoreError::Database(error) => Self::internal("the database failed", error),
        }
    }
}

/// A connection and the keys of the cases it reads.
pub struct Session {
    connection: PoolConnection<Any>,
    keys: Arc<KeyStore>,
    /// Whether an act had the connection since the last mark: then there may be something to take back.
    touched: bool,
}

impl Session {
    pub(super) const fn new(connection: PoolConnection<Any>, keys: Arc<KeyStore>) -> Self {
        Self { connection, keys, touched: false }
    }

    /// The connection, for a query of an act or a reading.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        self.touched = true;
        &mut self.connection
    }

    /// The connection, for what the writer does between acts.
    pub(super) fn connection_between_acts(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }

    /// Whether an act had the connection since this was last asked.
    pub(super) const fn take_touched(&mut self) -> bool {
        std::mem::replace(&mut self.touched, false)
    }

    /// Drops the connection for good: what is unfinished on it is undone by the database.
    pub(super) async fn abandon(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "a database connection did not close in order");
        }
    }

    pub(super) fn key(&self, case: &str) -> Result<CaseKey, Problem> {
        self.keys.key(case)
    }

    pub(super) const fn keys(&self) -> &Arc<KeyStore> {
        &self.keys
    }

    pub(super) fn create_key(&self, case: &str) -> Result<CaseKey, Problem> {
        self.keys.create(case)
    }
}

/// Reads a stored text as the type it was written from.
pub(super) fn parse<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Problem>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text.parse().map_err(|error: T::Err| Problem::internal(what, error))
}

/// Reads a stored digest.
pub(super) fn digest(bytes: &[u8]) -> Result<rogatory_core::Digest, Problem> {
    rogatory_core::Digest::from_slice(bytes)
        .map_err(|error| Problem::internal("a stored digest is damaged", error))
}

/// Reads a stored instant.
pub(super) fn instant(microseconds: i64) -> Result<rogatory_core::Timestamp, Problem> {
    rogatory_core::Timestamp::from_microseconds(microseconds)
        .map_err(|error| Problem::internal("a stored instant is damaged", error))
}

/// A size as databases store it.
pub(super) fn stored(size: u64) -> Result<i64, Problem> {
    i64::try_from(size).map_err(|error| Problem::internal("a size exceeds what is stored", error))
}

/// A size as it was stored.
pub(super) fn size(stored: i64) -> Result<u64, Problem> {
    u64::try_from(stored).map_err(|error| Problem::internal("a stored size is damaged", error))
}
