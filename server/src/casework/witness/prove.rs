//! What this institution proves of its own log to those who watch it.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::datastore::{Act, OFFICE, StoreError, Transaction};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::receipt::INCLUSION_PROMISE_SECONDS;
use rogatory_core::{Digest, PartyId, Timestamp};

/// How many earlier trees are proven at once.
pub const SIZES_AT_ONCE: usize = 8;

/// The latest checkpoint with a consistency proof from each earlier tree.
pub struct Consistent {
    /// The note.
    pub checkpoint: Vec<u8>,
    /// A proof for each size; empty for one beyond the checkpoint's.
    pub proofs: Vec<Vec<Digest>>,
}

/// Proves that the trees of `old_sizes` are the beginning of the present one.
///
/// # Errors
/// [`Reason::MalformedArgument`] for too many sizes; [`Problem`] if the log is damaged.
pub async fn prove_consistency(authority: &Authority, old_sizes: &[u64]) -> Result<Consistent, Problem> {
    if old_sizes.len() > SIZES_AT_ONCE {
        return Err(Problem::argument("old_sizes", &format!("at most {SIZES_AT_ONCE}")));
    }
    let (size, checkpoint) = latest(authority).await?;
    let mut session = authority.datastore.read().await?;
    let mut proofs = Vec::with_capacity(old_sizes.len());
    for old in old_sizes {
        proofs.push(if *old > size { Vec::new() } else { session.consistency_proof(*old, size).await? });
    }
    Ok(Consistent { checkpoint, proofs })
}

/// The inclusion proof of a leaf under the latest checkpoint.
pub struct Included {
    /// The note.
    pub checkpoint: Vec<u8>,
    /// The consistency proof to it.
    pub consistency: Vec<Digest>,
    /// The index of the leaf.
    pub leaf_index: u64,
    /// The inclusion proof.
    pub inclusion: Vec<Digest>,
}

/// Proves a leaf that a receipt to the caller named.
///
/// # Errors
/// [`Reason::Unknown`] if none did: a leaf hash alone is no right to learn where it stands.
pub async fn prove_inclusion(
    authority: &Authority,
    permit: &Permit,
    leaf_hash: &Digest,
    old_size: u64,
) -> Result<Included, Problem> {
    let peer = permit.peer()?;
    let leaf_index = authority.datastore.read().await?.promised_leaf(peer, leaf_hash).await?;
    let leaf_index = leaf_index.ok_or_else(|| no_promise(leaf_hash))?;
    let (size, checkpoint) = latest(authority).await?;
    let mut session = authority.datastore.read().await?;
    let consistency =
        if old_size > size { Vec::new() } else { session.consistency_proof(old_size, size).await? };
    let inclusion = session.inclusion_proof(leaf_index, size).await?;
    Ok(Included { checkpoint, consistency, leaf_index, inclusion })
}

async fn latest(authority: &Authority) -> Result<(u64, Vec<u8>), Problem> {
    sign_checkpoint(authority)
        .await?
        .ok_or_else(|| Problem::new(Reason::Unknown, "the custody log has no entry yet"))
}

fn no_promise(leaf_hash: &Digest) -> Problem {
    Problem::new(Reason::Unknown, format!("no receipt to this caller names the leaf {leaf_hash}"))
}

/// Records that a counterpart misses a proof which a receipt promised it.
///
/// # Errors
/// [`Reason::Unknown`] if no receipt to the caller names the leaf, [`Reason::WrongStage`] before the promise is due:
/// the leaf is younger, by the clock here, than receipts promise.
pub async fn broken_promise_reported(
    authority: &Authority,
    permit: &Permit,
    leaf_hash: Digest,
    due_time: Timestamp,
) -> Result<(), Problem> {
    let peer = permit.peer()?.clone();
    authority.datastore.perform(Reported { peer, actor: permit.actor(), leaf_hash, due_time }).await
}

struct Reported {
    peer: PartyId,
    actor: Actor,
    leaf_hash: Digest,
    due_time: Timestamp,
}

impl Act for Reported {
    const NAME: &'static str = "record-reported-promise";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let Self { peer, leaf_hash, due_time, .. } = self;
        let Some(leaf_index) = tx.promised_leaf(peer, leaf_hash).await? else {
            return Err(no_promise(leaf_hash).into());
        };
        // Of an erased case nobody knows it any more.
        if let Some(recorded) = tx.recorded_time(leaf_index).await?
            && tx.now() < recorded.plus_seconds(INCLUSION_PROMISE_SECONDS.into())
        {
            let what = format!("the leaf {leaf_hash} was recorded at {recorded}: its proof is not due yet");
            return Err(Problem::new(Reason::WrongStage, what).into());
        }
        if !tx.mark_reported(peer, leaf_hash).await? {
            return Ok(());
        }
        tracing::error!(counterpart = %peer, %leaf_hash, due = %due_time,
            "ALARM: a counterpart misses a proof that a receipt of this office promised");
        let event = Event::PromiseBrokenReported {
            counterpart: peer.clone(),
            leaf_hash: *leaf_hash,
            due_time: *due_time,
        };
        tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
        Ok(())
    }
}
