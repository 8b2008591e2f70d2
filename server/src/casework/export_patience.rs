//! What an export waits for, and how long: a witness's cosignature of the log, and the time stamp of the checkpoint.
//!
//! Asks neither witness nor authority: the workers do. What does not come in time is left out, and whoever exports is told.

use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::casework::witness;
use crate::datastore::{Act, OFFICE, Stamped, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::Digest;
use rogatory_custody::checkpoint::verify_checkpoint;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked.
const PAUSE: Duration = Duration::from_millis(250);

/// The end of an export's waiting.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    until: Instant,
}

#[expect(clippy::disallowed_methods, reason = "how long a caller waits is counted by the machine")]
fn now() -> Instant {
    Instant::now()
}

impl Patience {
    /// Begins to wait now, for `wait` at most.
    pub(super) fn of(wait: Duration) -> Self {
        Self { until: now() + wait }
    }

    /// One pause; false if the time is over.
    async fn pauses(self) -> bool {
        let left = self.until.saturating_duration_since(now());
        tokio::time::sleep(left.min(PAUSE)).await;
        !left.is_zero()
    }

    /// Waits until a witness has cosigned a checkpoint of `size` leaves or more.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub(super) async fn for_witness(self, authority: &Authority, size: u64) -> Result<(), Problem> {
        // So that there is something to cosign.
        sign_checkpoint(authority).await?;
        loop {
            let mut session = authority.datastore.read().await?;
            if size == 0 || witness::cosigned(authority, &mut session, size).await?.is_some() {
                return Ok(());
            }
            drop(session);
            if !self.pauses().await {
                return Ok(());
            }
        }
    }

    /// Has the checkpoint of a record stamped, if the office has an authority for it, and waits for that.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub(super) async fn for_stamp(self, authority: &Authority, checkpoint: &str) -> Result<(), Problem> {
        if authority.institution.time_stamping().is_none() {
            return Ok(());
        }
        let key = std::slice::from_ref(authority.institution.log_key().vkey());
        let verified = verify_checkpoint(checkpoint.as_bytes(), key)
            .map_err(|error| Problem::internal("the stored checkpoint is damaged", error))?;
        // Without cosignatures: they may come one by one.
        let note = verified.note().trusted_part().to_string().into_bytes();
        let subject = Digest::of(&note);
        authority.datastore.perform(AwaitStamp { note }).await?;
        loop {
            let stamps = authority.datastore.read().await?.stamps_of(&subject).await?;
            let is_there = stamps.first().is_some_and(|first| first.token.is_some());
            if is_there || !self.pauses().await {
                return Ok(());
            }
        }
    }
}

struct AwaitStamp {
    note: Vec<u8>,
}

impl Act for AwaitStamp {
    const NAME: &'static str = "await-stamp-of-exported-checkpoint";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.await_stamp(Stamped::Checkpoint, OFFICE, &Digest::of(&self.note), Some(&self.note)).await
    }
}
