//! Compares a checkpoint of another's log with the last one that was persisted, and persists it, in one act.
//!
//! Two persisted checkpoints of one log never contradict: what is compared and what is replaced is one
//! transaction of the one writer, so a crash leaves either the old or the new one, and whoever was not answered
//! asks again and is told the size that stands.

use crate::datastore::{Act, Found, OFFICE, SeenCheckpoint, StoreError, Transaction};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, PartyId, Timestamp};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint};
use rogatory_custody::tree::{empty_root, verify_consistency};

/// What became of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TakenUp {
    /// It is the largest one seen, persisted before `time`.
    Stands {
        /// The instant of the act.
        time: Timestamp,
    },
    /// Another size is known than the proof begins with.
    OtherSize(u64),
    /// It contradicts what is known; both are kept.
    Contradicted(Found),
}

/// A checkpoint to be compared.
pub(super) struct TakeUp {
    /// Who showed it.
    pub from: PartyId,
    /// The checkpoint.
    pub checkpoint: VerifiedCheckpoint,
    /// The size that the proof begins with.
    pub old_size: u64,
    /// The consistency proof.
    pub proof: Vec<Digest>,
}

impl Act for TakeUp {
    const NAME: &'static str = "take-up-checkpoint";
    type Output = TakenUp;

    async fn perform(&self, tx: &mut Transaction) -> Result<TakenUp, StoreError> {
        self.compare(tx).await
    }
}

impl TakeUp {
    /// The same, inside another act.
    pub(super) async fn compare(&self, tx: &mut Transaction) -> Result<TakenUp, StoreError> {
        let origin = self.checkpoint.origin();
        let shown = SeenCheckpoint::from(&self.checkpoint);
        let known = tx.seen(origin).await?;
        let nothing = SeenCheckpoint { tree_size: 0, root: empty_root(), note: Vec::new() };
        let known = known.unwrap_or(nothing);
        if known.tree_size == shown.tree_size && known.root != shown.root {
            return contradict(tx, origin, &self.from, &known, &shown, Found::Fork).await;
        }
        if self.old_size != known.tree_size {
            return Ok(TakenUp::OtherSize(known.tree_size));
        }
        if shown.tree_size < known.tree_size {
            return contradict(tx, origin, &self.from, &known, &shown, Found::Rollback).await;
        }
        let (old, new) = (known.tree_size, shown.tree_size);
        if verify_consistency(old, &known.root, new, &shown.root, &self.proof).is_err() {
            return contradict(tx, origin, &self.from, &known, &shown, Found::NoProof).await;
        }
        if new > old || known.note.is_empty() {
            tx.persist_seen(origin, old, &shown).await?;
        }
        Ok(TakenUp::Stands { time: tx.now() })
    }
}

/// Keeps both checkpoints and records, once, that they contradict. What is known stays known.
pub(super) async fn contradict(
    tx: &mut Transaction,
    origin: &Origin,
    from: &PartyId,
    known: &SeenCheckpoint,
    shown: &SeenCheckpoint,
    found: Found,
) -> Result<TakenUp, StoreError> {
    tracing::error!(%origin, shown_by = %from, found = found.as_str(), "ALARM: a custody log contradicts itself");
    if tx.keep_contradiction(origin, from, &known.note, &shown.note, found).await? {
        let event = Event::LogContradicted {
            counterpart: origin.party().clone(),
            shown_by: from.clone(),
            found: found.as_str().to_owned(),
            known_size: known.tree_size,
            known_sha256: Digest::of(&known.note),
            shown_size: shown.tree_size,
            shown_sha256: Digest::of(&shown.note),
        };
        tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await?;
    }
    Ok(TakenUp::Contradicted(found))
}
