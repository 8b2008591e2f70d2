//! A transaction: a session that writes, with the time and the ids an act may use.

use super::log_tail::LogTail;
use super::session::{Session, StoreError};
use rogatory_core::{Entropy, Timestamp};
use sqlx::SqliteConnection;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// What an act is performed in. Reading methods come from [`Session`], writing ones are here and in
/// the files of the nouns they write.
pub struct Transaction {
    session: Session,
    now: Timestamp,
    entropy: Arc<dyn Entropy>,
    tail: LogTail,
}

impl Transaction {
    pub(super) const fn new(
        session: Session,
        now: Timestamp,
        entropy: Arc<dyn Entropy>,
        tail: LogTail,
    ) -> Self {
        Self { session, now, entropy, tail }
    }

    /// The next act of the group begins, at `now`.
    pub(super) const fn begin_act(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The instant of this act: the same for all that happens in it.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The source of ids and salts.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        self.session.connection()
    }

    pub(super) const fn tail(&mut self) -> &mut LogTail {
        &mut self.tail
    }

    pub(super) fn connection_and_tail(&mut self) -> (&mut SqliteConnection, &LogTail) {
        (self.session.connection(), &self.tail)
    }

    /// How many entries a case has, with those of this group.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn entry_count(&mut self, case: &str) -> Result<u64, StoreError> {
        Ok(self.session.entry_count(case).await? + self.tail.waiting(case))
    }

    /// Executes a statement that begins, ends or marks a part of the transaction.
    pub(super) async fn execute(&mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(statement).execute(self.connection()).await.map(drop)
    }

    /// The number of the last group that was committed.
    pub(super) async fn group(&mut self) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar(
            "-- group
             SELECT number FROM committed_group WHERE id = 1",
        )
        .fetch_one(self.connection())
        .await
    }

    /// Gives this group its number.
    pub(super) async fn next_group(&mut self) -> Result<i64, sqlx::Error> {
        let now = self.now.microseconds();
        sqlx::query_scalar(
            "-- next_group
             UPDATE committed_group SET number = number + 1, committed_time = $1 WHERE id = 1 RETURNING number",
        )
        .bind(now)
        .fetch_one(self.connection())
        .await
    }

    pub(super) async fn abandon(self) {
        self.session.abandon().await;
    }
}

impl Deref for Transaction {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
