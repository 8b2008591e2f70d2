//! Split views meet: checkpoints that others saw of a log are compared with what was seen here, and the log
//! itself is asked to prove both against one checkpoint.

use super::take_up::{TakeUp, TakenUp, contradict};
use super::{CHECKPOINT_BYTES, CHECKPOINTS_PASSED_ON, TURN_LIMIT, checkpoint_of, hashes};
use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::datastore::{
    Act, COMPARED_PAUSE_SECONDS, Found, HeardCheckpoint, SeenCheckpoint, StoreError, Transaction,
};
use crate::directory::ConfirmedParty;
use crate::peers;
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::note::Note;
use rogatory_custody::tree::verify_consistency;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many of one log are compared in one run.
const COMPARED_AT_ONCE: u32 = 16;
/// When a log that could not be reached is asked again, in seconds.
const AGAIN_SECONDS: i64 = 60;

/// Looks at checkpoints that `from` saw of other logs. What is no checkpoint of a known log is passed over: it
/// accuses nobody.
pub(super) async fn hear(authority: &Authority, from: &PartyId, notes: &[Vec<u8>]) {
    for note in notes.iter().take(CHECKPOINTS_PASSED_ON) {
        if let Err(problem) = hear_one(authority, from, note).await {
            tracing::warn!(heard_from = %from, problem = %chain(&problem), "a checkpoint that was passed on could not be looked at");
        }
    }
}

async fn hear_one(authority: &Authority, from: &PartyId, note: &[u8]) -> Result<(), Problem> {
    let Some(origin) = origin_of(note) else { return Ok(()) };
    if origin == *authority.institution.log_origin() {
        return own_log_shown(authority, from, note).await;
    }
    let Some(party) = authority.directory().of_log(&origin).cloned() else { return Ok(()) };
    // A log's own word about itself comes by its own call.
    if party.entry.party == *from {
        return Ok(());
    }
    let Ok(checkpoint) = checkpoint_of(&party, note) else { return Ok(()) };
    let mut session = authority.datastore.read().await?;
    let seen = session.seen(&origin).await?;
    if seen.is_some_and(|seen| (seen.tree_size, seen.root) == (checkpoint.size(), *checkpoint.root())) {
        return Ok(());
    }
    let heard = session.heard(&origin, from).await?;
    if heard.is_some_and(|heard| (heard.tree_size, heard.root) == (checkpoint.size(), *checkpoint.root())) {
        return Ok(());
    }
    drop(session);
    compare_later(authority, from, &checkpoint).await
}

/// Has the log asked soon whether it stands by a checkpoint that `from` showed; two roots at one size need no
/// asking.
pub(super) async fn compare_later(
    authority: &Authority,
    from: &PartyId,
    checkpoint: &VerifiedCheckpoint,
) -> Result<(), Problem> {
    let heard = HeardCheckpoint {
        origin: checkpoint.origin().clone(),
        heard_from: from.clone(),
        checkpoint: SeenCheckpoint::from(checkpoint),
    };
    authority.datastore.perform(Hear { heard }).await
}

/// Compares a checkpoint of this office's own log, as `from` saw it, with the log: if it is signed with the log's key
/// and the log holds another tree, somebody else has the key, or a backup was restored.
async fn own_log_shown(authority: &Authority, from: &PartyId, note: &[u8]) -> Result<(), Problem> {
    let key = std::slice::from_ref(authority.institution.log_key().vkey());
    let Ok(shown) = verify_checkpoint(note, key) else { return Ok(()) };
    let Some((size, own)) = sign_checkpoint(authority).await? else { return Ok(()) };
    let found = if shown.size() > size {
        Found::Rollback
    } else if authority.datastore.read().await?.root(shown.size()).await? == *shown.root() {
        return Ok(());
    } else {
        Found::Fork
    };
    let known = verify_checkpoint(&own, key)
        .map_err(|error| Problem::internal("the own checkpoint does not verify", error))?;
    let act = OwnLogShown { from: from.clone(), known, shown, found };
    authority.datastore.perform(act).await
}

struct OwnLogShown {
    from: PartyId,
    known: VerifiedCheckpoint,
    shown: VerifiedCheckpoint,
    found: Found,
}

impl Act for OwnLogShown {
    const NAME: &'static str = "record-own-log-shown";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let (known, shown) = (SeenCheckpoint::from(&self.known), SeenCheckpoint::from(&self.shown));
        contradict(tx, self.known.origin(), &self.from, &known, &shown, self.found).await?;
        Ok(())
    }
}

/// The log that a note names, whoever signed it.
fn origin_of(note: &[u8]) -> Option<Origin> {
    if note.len() > CHECKPOINT_BYTES {
        return None;
    }
    let note = Note::parse(note).ok()?;
    note.unverified_text().lines().next()?.parse().ok()
}

struct Hear {
    heard: HeardCheckpoint,
}

impl Act for Hear {
    const NAME: &'static str = "hear-checkpoint";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let HeardCheckpoint { origin, heard_from, checkpoint } = &self.heard;
        let (seen, heard) = (tx.seen(origin).await?, tx.heard(origin, heard_from).await?);
        for known in seen.into_iter().chain(heard) {
            if known.tree_size == checkpoint.tree_size && known.root != checkpoint.root {
                contradict(tx, origin, heard_from, &known, checkpoint, Found::Fork).await?;
                return Ok(());
            }
        }
        tx.keep_heard(&self.heard).await
    }
}

/// What this institution saw of the logs of others, to be passed on; to an office that of its own log too, which it
/// knows best.
///
/// # Errors
/// [`Problem`] if the database fails.
pub(super) async fn seen_by_us(authority: &Authority) -> Result<Vec<Vec<u8>>, Problem> {
    let limit = u32::try_from(CHECKPOINTS_PASSED_ON).unwrap_or(u32::MAX);
    let seen = authority.datastore.read().await?.seen_lately(limit).await?;
    Ok(seen.into_iter().map(|(_, note)| note).collect())
}

/// Asks the logs of which something was heard whether they stand by it, all logs at once; says how many are due.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn compare_heard(authority: &Arc<Authority>) -> Result<usize, Problem> {
    let now = authority.clock.now();
    let due = authority.datastore.read().await?.heard_due(now, COMPARED_AT_ONCE).await?;
    let count = due.len();
    let mut by_log: HashMap<Origin, Vec<HeardCheckpoint>> = HashMap::new();
    for heard in due {
        by_log.entry(heard.origin.clone()).or_default().push(heard);
    }
    // None waits for another that is slow or down.
    let mut asking = JoinSet::new();
    for heard in by_log.into_values() {
        let authority = Arc::clone(authority);
        asking.spawn(async move {
            // What a slow one leaves is due in the next run.
            let _ = tokio::time::timeout(TURN_LIMIT, compare_in_turn(&authority, heard, now)).await;
        });
    }
    while let Some(done) = asking.join_next().await {
        done.map_err(|error| Problem::internal("comparing logs broke off", error))?;
    }
    Ok(count)
}

/// Compares what was heard of one log, one after another, until it cannot be reached; the rest is put off.
async fn compare_in_turn(authority: &Arc<Authority>, due: Vec<HeardCheckpoint>, now: Timestamp) {
    let mut unreachable = false;
    for heard in due {
        let (origin, from) = (heard.origin.clone(), heard.heard_from.clone());
        let compared = if unreachable {
            let next_time = now.plus_seconds(AGAIN_SECONDS);
            authority.datastore.perform(Settle { heard, compared: false, next_time }).await
        } else {
            compare(authority, heard, now).await
        };
        if let Err(problem) = compared {
            unreachable |= problem.reason() == Reason::PeerUnreachable;
            tracing::warn!(%origin, heard_from = %from, problem = %chain(&problem), "a log could not be asked for a consistency proof");
        }
    }
}

async fn compare(authority: &Arc<Authority>, heard: HeardCheckpoint, now: Timestamp) -> Result<(), Problem> {
    let Some(party) = authority.directory().of_log(&heard.origin).cloned() else {
        // Its entry was renewed: of the log of before nobody can be asked any more.
        let settle = Settle { heard, compared: true, next_time: now };
        return authority.datastore.perform(settle).await;
    };
    // Put off first: if this breaks off, it is not tried over and over at once.
    let settle = Settle { heard: heard.clone(), compared: false, next_time: now.plus_seconds(AGAIN_SECONDS) };
    authority.datastore.perform(settle).await?;
    let seen = authority.datastore.read().await?.seen(&heard.origin).await?;
    let old_size = seen.map_or(0, |seen| seen.tree_size);
    let proven = ask(authority, &party, &[heard.checkpoint.tree_size, old_size]).await?;
    let [of_heard, of_seen] = proven.proofs.try_into().map_err(|_| malformed(&party))?;
    let take_up =
        TakeUp { from: party.entry.party.clone(), checkpoint: proven.checkpoint, old_size, proof: of_seen };
    let compared = Compare { heard, take_up, of_heard, next_time: now.plus_seconds(COMPARED_PAUSE_SECONDS) };
    authority.datastore.perform(compared).await
}

/// What a log says of its earlier trees.
pub(super) struct Proven {
    pub checkpoint: VerifiedCheckpoint,
    pub proofs: Vec<Vec<Digest>>,
}

async fn ask(
    authority: &Arc<Authority>,
    party: &ConfirmedParty,
    old_sizes: &[u64],
) -> Result<Proven, Problem> {
    let answer = peers::prove_consistency(authority, &party.entry.party, old_sizes).await?;
    let checkpoint = checkpoint_of(party, &answer.checkpoint)?;
    let proofs =
        answer.proofs.iter().map(|proof| hashes("proofs", &proof.hashes)).collect::<Result<Vec<_>, _>>()?;
    Ok(Proven { checkpoint, proofs })
}

fn malformed(party: &ConfirmedParty) -> Problem {
    let what = format!("{} answered with another number of proofs than it was asked for", party.entry.party);
    Problem::new(Reason::PeerRefused, what)
}

struct Settle {
    heard: HeardCheckpoint,
    compared: bool,
    next_time: Timestamp,
}

impl Act for Settle {
    const NAME: &'static str = "settle-heard-checkpoint";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.settle_heard(&self.heard, self.compared, self.next_time).await
    }
}

/// What was heard against what the log shows now, and that against what was seen.
struct Compare {
    heard: HeardCheckpoint,
    take_up: TakeUp,
    of_heard: Vec<Digest>,
    next_time: Timestamp,
}

impl Act for Compare {
    const NAME: &'static str = "compare-heard-checkpoint";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let (heard, now) = (&self.heard.checkpoint, SeenCheckpoint::from(&self.take_up.checkpoint));
        let found = if now.tree_size < heard.tree_size {
            // The log signed that it had so many entries, and has fewer.
            Some(Found::Rollback)
        } else if now.tree_size == heard.tree_size && now.root != heard.root {
            Some(Found::Fork)
        } else {
            let (old, new) = (heard.tree_size, now.tree_size);
            let proof = verify_consistency(old, &heard.root, new, &now.root, &self.of_heard);
            proof.err().map(|_| Found::NoProof)
        };
        if let Some(found) = found {
            contradict(tx, &self.heard.origin, &self.heard.heard_from, &now, heard, found).await?;
        }
        // Seen at another size meanwhile: then the next comparison takes it up.
        let taken = self.take_up.compare(tx).await?;
        let compared = !matches!(taken, TakenUp::OtherSize(_));
        let next_time = if compared { self.next_time } else { tx.now() };
        tx.settle_heard(&self.heard, compared, next_time).await
    }
}
