//! A transaction: a session that writes, with the time and the ids an act may use.

use super::log_tail::LogTail;
use super::session::{Session, StoreError};
use rogatory_core::{Entropy, Timestamp};
use sqlx::AnyConnection;
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

    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        self.session.connection()
    }

    pub(super) const fn tail(&mut self) -> &mut LogTail {
        &mut self.tail
    }

    pub(super) fn connection_and_tail(&mut self) -> (&mut AnyConnection, &LogTail) {
        (self.session.connection_between_acts(), &self.tail)
    }

    /// How many entries a case has, with those of this group.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn entry_count(&mut self, case: &str) -> Result<u64, StoreError> {
        Ok(self.session.entry_count(case).await? + self.tail.waiting(case))
    }

    /// Executes statements that begin, end or mark a part of the transaction, in one go.
    pub(super) async fn execute(&mut self, statements: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(statements).execute(self.session.connection_between_acts()).await.map(drop)
    }

    /// The number of the last group that `holder` committed; 0 before the first.
    pub(super) async fn group(&mut self, holder: &str) -> Result<i64, sqlx::Error> {
        let number: Option<i64> = sqlx::query_scalar(
            "-- group
             SELECT number FROM committed_group WHERE holder = $1",
        )
        .bind(holder)
        .fetch_optional(self.session.connection_between_acts())
        .await?;
        Ok(number.unwrap_or(0))
    }

    /// Gives this group of `holder` its number, and notes when it was.
    pub(super) async fn next_group(&mut self, holder: &str) -> Result<i64, sqlx::Error> {
        let now = self.now.microseconds();
        sqlx::query_scalar(
            "-- next_group
             INSERT INTO committed_group (holder, number, committed_time) VALUES ($1, 1, $2)
             ON CONFLICT (holder) DO UPDATE SET number = committed_group.number + 1, committed_time = $2
             RETURNING number",
        )
        .bind(holder)
        .bind(now)
        .fetch_one(self.session.connection_between_acts())
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
