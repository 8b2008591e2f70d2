//! Records in the office's own stream that a caller was denied.

use crate::datastore::{Act, LoggedEvent, OFFICE, StoreError, Transaction};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};

/// A caller that was admitted asked for what it may not.
pub struct RecordDenial {
    /// Who.
    pub actor: Actor,
    /// The call.
    pub rpc: String,
    /// Why.
    pub reason: String,
}

impl Act for RecordDenial {
    const NAME: &'static str = "record-denial";
    type Output = LoggedEvent;

    async fn perform(&self, tx: &mut Transaction) -> Result<LoggedEvent, StoreError> {
        let event = Event::AccessDenied { rpc: self.rpc.clone(), reason: self.reason.clone() };
        tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await
    }
}
