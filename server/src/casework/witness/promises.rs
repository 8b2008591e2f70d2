//! What counterparts' receipts promised is asked for: the inclusion proof, under a checkpoint that goes on what
//! was seen of their log. Overdue is an alarm on both sides.

use super::take_up::{TakeUp, TakenUp};
use super::{TURN_LIMIT, checkpoint_of, hashes};
use crate::authority::Authority;
use crate::datastore::{Act, OFFICE, OpenPromise, PAUSE_SECONDS_AT_MOST, StoreError, Transaction};
use crate::peers;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{PartyId, Timestamp, chain};
use rogatory_custody::proof::InclusionProof;
use rogatory_custody::tree::verify_inclusion;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many promises of one counterpart are asked for in one run.
const ASKED_AT_ONCE: u32 = 32;
/// The pause after an attempt, in seconds; it doubles, up to [`PAUSE_SECONDS_AT_MOST`].
const PAUSE_SECONDS: i64 = 5;

/// Asks for the proofs that are due to be asked for, all counterparts at once; says how many are due.
///
/// A counterpart that cannot be reached breaks no promise. One that answers after the due instant, and does not
/// prove, does.
///
/// # Errors
/// [`Problem`] if the database fails; what was asked before stays.
pub async fn ask_for_proofs(authority: &Arc<Authority>) -> Result<usize, Problem> {
    let now = authority.clock.now();
    let open = authority.datastore.read().await?.open_promises(now, ASKED_AT_ONCE).await?;
    let count = open.len();
    let mut by_counterpart: BTreeMap<PartyId, Vec<OpenPromise>> = BTreeMap::new();
    for promise in open {
        by_counterpart.entry(promise.counterpart.clone()).or_default().push(promise);
    }
    // None waits for another that is slow or down.
    let mut asking = JoinSet::new();
    for promises in by_counterpart.into_values() {
        let authority = Arc::clone(authority);
        asking.spawn(async move {
            let asked = ask_in_turn(&authority, promises, now);
            // What a slow one leaves is due in the next run.
            tokio::time::timeout(TURN_LIMIT, asked).await.unwrap_or(Ok(()))
        });
    }
    let mut all = Ok(count);
    while let Some(done) = asking.join_next().await {
        let done = done.map_err(|error| Problem::internal("asking for proofs broke off", error));
        all = done.and_then(|done| done).and(all);
    }
    all
}

/// Asks one counterpart for one proof after another, until it cannot be reached; the rest is put off like the first.
async fn ask_in_turn(
    authority: &Arc<Authority>,
    open: Vec<OpenPromise>,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut unreachable = false;
    for promise in open {
        let doubled = PAUSE_SECONDS << promise.attempts.min(10);
        let mut next_time = now.plus_seconds(doubled.min(PAUSE_SECONDS_AT_MOST));
        if next_time > promise.due_time && now < promise.due_time {
            // Asked once more just when it is due.
            next_time = promise.due_time;
        }
        // Put off first: if this breaks off, it is not tried over and over at once.
        authority.datastore.perform(PutOff { promise: promise.clone(), next_time }).await?;
        if unreachable {
            continue;
        }
        let asked = ask(authority, &promise).await;
        unreachable = asked.as_ref().is_err_and(|problem| problem.reason() == Reason::PeerUnreachable);
        let Err(problem) = asked else { continue };
        let (counterpart, leaf) = (&promise.counterpart, &promise.leaf_hash);
        tracing::info!(%counterpart, %leaf, problem = %chain(&problem), "a promised proof is not here yet");
        if !is_its_answer(problem.reason()) {
            continue;
        }
        if now >= promise.due_time {
            authority.datastore.perform(Broken { promise: promise.clone() }).await?;
            tell(authority, &promise).await?;
        }
    }
    Ok(())
}

/// Whether the counterpart answered, and did not prove. What failed on the way, here, or for a key that was renewed is no
/// answer of its.
const fn is_its_answer(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::PeerRefused
            | Reason::BadReceipt
            | Reason::LogContradicted
            | Reason::MalformedArgument
            | Reason::LimitReached
    )
}

async fn ask(authority: &Arc<Authority>, promise: &OpenPromise) -> Result<(), Problem> {
    let party = authority.directory().confirmed(&promise.counterpart)?;
    let seen = authority.datastore.read().await?.seen(&party.log.origin).await?;
    let old_size = seen.map_or(0, |seen| seen.tree_size);
    let answer =
        peers::prove_inclusion(authority, &promise.counterpart, &promise.leaf_hash, old_size).await?;
    let checkpoint = checkpoint_of(&party, &answer.checkpoint)?;
    let inclusion = hashes("inclusion_proof", &answer.inclusion_proof)?;
    let (size, root) = (checkpoint.size(), checkpoint.root());
    verify_inclusion(&promise.leaf_hash, answer.leaf_index, size, &inclusion, root).map_err(|error| {
        let what =
            format!("{} did not prove that its log holds the leaf of its receipt", promise.counterpart);
        Problem::new(Reason::BadReceipt, what).with_source(error)
    })?;
    let proof = InclusionProof {
        entry: None,
        index: answer.leaf_index,
        hashes: inclusion,
        checkpoint: checkpoint.note().trusted_part().to_string(),
    };
    let take_up = TakeUp {
        from: promise.counterpart.clone(),
        checkpoint,
        old_size,
        proof: hashes("consistency_proof", &answer.consistency_proof)?,
    };
    let kept = Kept { promise: promise.clone(), take_up, proof: proof.to_string() };
    match authority.datastore.perform(kept).await? {
        TakenUp::Stands { .. } => Ok(()),
        TakenUp::OtherSize(_) => {
            Err(Problem::new(Reason::Raced, "the log was seen at another size meanwhile"))
        }
        TakenUp::Contradicted(found) => Err(Problem::new(
            Reason::LogContradicted,
            format!("the log of {} contradicts itself ({})", promise.counterpart, found.as_str()),
        )),
    }
}

/// Tells the counterpart, until it heard.
async fn tell(authority: &Arc<Authority>, promise: &OpenPromise) -> Result<(), Problem> {
    if promise.told_time.is_some() {
        return Ok(());
    }
    let party = &promise.counterpart;
    match peers::report_broken_promise(authority, party, &promise.leaf_hash, promise.due_time).await {
        // That it knows nothing of such a leaf is an answer too: it does not hear better the next time.
        Ok(()) => authority.datastore.perform(Told { promise: promise.clone() }).await,
        Err(problem) if problem.reason() == Reason::PeerRefused => {
            authority.datastore.perform(Told { promise: promise.clone() }).await
        }
        Err(_) => Ok(()),
    }
}

struct PutOff {
    promise: OpenPromise,
    next_time: Timestamp,
}

impl Act for PutOff {
    const NAME: &'static str = "put-off-promise";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.put_off_promise(&self.promise, self.next_time).await
    }
}

struct Kept {
    promise: OpenPromise,
    take_up: TakeUp,
    proof: String,
}

impl Act for Kept {
    const NAME: &'static str = "keep-promised-proof";
    type Output = TakenUp;

    async fn perform(&self, tx: &mut Transaction) -> Result<TakenUp, StoreError> {
        let taken = self.take_up.compare(tx).await?;
        if matches!(taken, TakenUp::Stands { .. }) {
            let OpenPromise { counterpart, leaf_hash, .. } = &self.promise;
            tx.prove_promise(counterpart, leaf_hash, &self.proof).await?;
        }
        Ok(taken)
    }
}

struct Broken {
    promise: OpenPromise,
}

impl Act for Broken {
    const NAME: &'static str = "record-broken-promise";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let OpenPromise { counterpart, leaf_hash, due_time, .. } = &self.promise;
        if !tx.break_promise(counterpart, leaf_hash).await? {
            return Ok(());
        }
        tracing::error!(%counterpart, %leaf_hash, due = %due_time,
            "ALARM: a counterpart has not proven in time what its receipt promised");
        let event = Event::PromiseBroken {
            counterpart: counterpart.clone(),
            leaf_hash: *leaf_hash,
            due_time: *due_time,
        };
        tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await?;
        Ok(())
    }
}

struct Told {
    promise: OpenPromise,
}

impl Act for Told {
    const NAME: &'static str = "mark-promise-told";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.mark_told(&self.promise.counterpart, &self.promise.leaf_hash).await
    }
}
