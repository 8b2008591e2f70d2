//! A transaction: a session that writes, with the time and the ids an act may use.

use super::session::Session;
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
}

impl Transaction {
    pub(super) fn new(session: Session, now: Timestamp, entropy: Arc<dyn Entropy>) -> Self {
        Self { session, now, entropy }
    }

    /// The instant of this transaction: the same for all that happens in it.
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
