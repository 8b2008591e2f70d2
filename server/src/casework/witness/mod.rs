//! Witnesses: each institution watches the logs of its counterparts, and they watch its own.
//!
//! ```text
//! own log grew ─► ask.rs ──AddCheckpoint──► cosign.rs   compare ── persist ── commit ── cosign
//!                   └ cosignature verified and kept         └ contradiction: both notes kept, event, alarm
//! checkpoints of other logs ride along both ways ─► heard.rs ─► that log proves both against one checkpoint
//! receipt stored with its promise ─► promises.rs ──ProveInclusion──► prove.rs
//! ```
//! Nothing here writes to the custody log unless something contradicts or is overdue: cosigning must not make
//! logs grow, or two offices would cosign each other's cosigning for ever.

pub mod ask;
pub mod cosign;
pub mod heard;
pub mod promises;
pub mod prove;
pub mod watch;

mod take_up;

use crate::authority::Authority;
use crate::datastore::{Contradiction, Found, LogWitness, Session, StoreError};
use crate::health::{Finding, FindingKind};
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, Timestamp};
use rogatory_custody::checkpoint::{VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::cosignature::{Cosignature, cosigned_note};
use rogatory_custody::note::MAX_SIGNATURES;
use rogatory_custody::tree::MAX_PROOF_HASHES;
use std::time::Duration;

/// The largest checkpoint that is read, in bytes.
pub const CHECKPOINT_BYTES: usize = 4096;
/// How many checkpoints of other logs are passed on and looked at.
pub const CHECKPOINTS_PASSED_ON: usize = 16;
/// How long a run asks one counterpart one thing after another: as long as one call may take, and a little longer.
const TURN_LIMIT: Duration = Duration::from_secs(25);
/// How long a witness may be silent although the log grew, in seconds.
const SILENT_SECONDS: i64 = 60 * 60;
/// How long a log may take to prove what was promised, or that it goes on from what others saw of it, in seconds.
const UNPROVEN_SECONDS: i64 = 60 * 60;
/// How many contradictions are listed, and how many logs that do not prove.
const CONTRADICTIONS_LISTED: u32 = 100;

/// What the operator should know, in plain words; nothing if all is well.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn findings(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let mut session = authority.datastore.read().await?;
    let mut findings = Vec::new();
    let now = authority.clock.now();
    let witnesses = session.log_witnesses().await?;
    for witness in &witnesses {
        let party = &witness.party;
        let confirmed = authority.directory().party(party).is_some();
        if let Some(since) = silent_since(witness, now).filter(|_| confirmed) {
            let what = format!("{party} has not cosigned this office's log since {since}, although it grew");
            findings.push(Finding::red(FindingKind::WitnessSilent, what));
        }
    }
    for (party, count, since) in session.broken_promises().await? {
        let what = format!(
            "{party} promised by its receipts to log {count} of our messages and has not proven it; the oldest proof was due at {since}"
        );
        findings.push(Finding::red(FindingKind::PromiseBroken, what));
    }
    let long_ago = now.plus_seconds(-UNPROVEN_SECONDS);
    for (party, count, since) in session.overdue_promises(long_ago).await? {
        // Who cannot be reached has broken nothing. But who will not be reached for this alone looks no different.
        let what = format!(
            "{party} cannot be reached to prove that it logged {count} of our messages; the oldest proof was due at {since}"
        );
        findings.push(Finding::amber(FindingKind::PromiseOverdue, what));
    }
    for open in session.open_comparisons(long_ago, CONTRADICTIONS_LISTED).await? {
        // It may be down. But a log that forked, and does not answer this one question, looks no different.
        let what = format!(
            "the log {} has not proven since {} that it goes on from what {} saw of it",
            open.origin, open.since, open.heard_from
        );
        findings.push(Finding::red(FindingKind::LogNotProven, what));
    }
    let own = authority.institution.log_origin();
    for one in session.contradictions(CONTRADICTIONS_LISTED).await? {
        let (origin, at, by) = (&one.origin, one.found_time, &one.shown_by);
        let what = if one.found == Found::Refused.as_str() {
            format!("{by} refused to cosign this office's log at {at}: it says that it had seen another one")
        } else if origin == own {
            format!(
                "{by} was shown another log than this office's at {at}, signed with its key ({}): somebody else has the key, or a backup was restored",
                one.found
            )
        } else {
            format!("the log {origin} contradicts itself ({}), shown by {by} at {at}", one.found)
        };
        let now = authority.directory().party(origin.party()).map(|party| party.log.origin.clone());
        let now = if origin.party() == own.party() { Some(own.clone()) } else { now };
        // What was seen stays kept; that its epoch ended was recorded there, and confirmed by a person here.
        let ended = now.is_some_and(|now| now.domain() == origin.domain() && now.epoch() > origin.epoch());
        let since = if ended {
            Some("that epoch of the log has ended since")
        } else if taken_back(authority, &mut session, &one, &witnesses).await? {
            Some("what it refused is in this office's log, and it has cosigned that since")
        } else {
            None
        };
        findings.push(match since {
            Some(since) => Finding::amber(FindingKind::LogContradicted, format!("{what}; {since}")),
            None => Finding::red(FindingKind::LogContradicted, what),
        });
    }
    Ok(findings)
}

/// Whether a witness refused a checkpoint of the log as it stands here, and has cosigned the log up to there since: what it said then,
/// it contradicts itself with its own key. A refused checkpoint of another log than this one stays an alarm: somebody signed it.
async fn taken_back(
    authority: &Authority,
    session: &mut Session,
    one: &Contradiction,
    witnesses: &[LogWitness],
) -> Result<bool, StoreError> {
    if one.found != Found::Refused.as_str() {
        return Ok(false);
    }
    let key = std::slice::from_ref(authority.institution.log_key().vkey());
    let Ok(refused) = verify_checkpoint(&one.shown_note, key) else { return Ok(false) };
    let cosigned = witnesses.iter().any(|witness| {
        witness.party == one.shown_by
            && witness.origin == one.origin.to_string()
            && !witness.cosignature.is_empty()
            && witness.tree_size >= refused.size()
            && witness.cosigned_time > one.found_time
    });
    // The log has at least as many entries as were cosigned.
    Ok(cosigned && session.root(refused.size()).await? == *refused.root())
}

/// Since when a witness is silent: it has not cosigned for long, although the log grew.
fn silent_since(witness: &LogWitness, now: Timestamp) -> Option<Timestamp> {
    witness.behind_since.filter(|since| since.plus_seconds(SILENT_SECONDS) <= now)
}

/// The newest checkpoint that a witness cosigned and whose tree has at least `size` leaves, with all its
/// cosignatures; none if nobody cosigned one.
///
/// # Errors
/// [`Problem`] if a stored checkpoint is damaged or the database fails.
pub(super) async fn cosigned(
    authority: &Authority,
    session: &mut Session,
    size: u64,
) -> Result<Option<(u64, String)>, Problem> {
    let origin = authority.institution.log_origin().to_string();
    let mut witnesses = session.log_witnesses().await?;
    witnesses.retain(|one| one.origin == origin && one.tree_size >= size && !one.cosignature.is_empty());
    let Some(newest) = witnesses.iter().map(|one| one.tree_size).max() else { return Ok(None) };
    witnesses.retain(|one| one.tree_size == newest);
    // As many as a note may have beside the log's own line.
    witnesses.truncate(MAX_SIGNATURES - 1);
    let Some(first) = witnesses.first() else { return Ok(None) };
    let damaged = |error: String| Problem::internal("a stored cosignature is damaged", error);
    let key = std::slice::from_ref(authority.institution.log_key().vkey());
    // Under a key that was replaced since nobody could verify it: the plain checkpoint does.
    let Ok(checkpoint) = verify_checkpoint(&first.note, key) else { return Ok(None) };
    let lines = witnesses
        .iter()
        .map(|one| one.cosignature.parse::<Cosignature>().map_err(|error| damaged(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    let note = cosigned_note(&checkpoint, lines).map_err(|error| damaged(error.to_string()))?;
    Ok(Some((newest, note)))
}

/// Verifies a checkpoint that `party` shows as that of its own log.
///
/// # Errors
/// [`Reason::BrokenSignature`] if it is not, [`Reason::LimitReached`] if it is too large.
fn checkpoint_of(
    party: &crate::directory::ConfirmedParty,
    note: &[u8],
) -> Result<VerifiedCheckpoint, Problem> {
    let peer = &party.entry.party;
    if note.len() > CHECKPOINT_BYTES {
        let what = format!("the checkpoint of {peer} has more than {CHECKPOINT_BYTES} bytes");
        return Err(Problem::new(Reason::LimitReached, what));
    }
    let broken = |what: String| {
        Problem::new(Reason::BrokenSignature, format!("the checkpoint of {peer} is not valid: {what}"))
            .with_hint("if the log key was renewed, export the party entry again and have it imported here")
    };
    let checkpoint = verify_checkpoint(note, std::slice::from_ref(&party.log.log_key))
        .map_err(|error| broken(rogatory_core::chain(&error)))?;
    if *checkpoint.origin() != party.log.origin {
        return Err(broken(format!("it is one of {}", checkpoint.origin())));
    }
    Ok(checkpoint)
}

/// Reads the hashes of a proof.
///
/// # Errors
/// [`Reason::MalformedArgument`] naming the field.
pub fn hashes(field: &str, wire: &[impl AsRef<[u8]>]) -> Result<Vec<Digest>, Problem> {
    if wire.len() > MAX_PROOF_HASHES {
        return Err(Problem::argument(field, &format!("at most {MAX_PROOF_HASHES} hashes")));
    }
    wire.iter()
        .map(|hash| Digest::from_slice(hash.as_ref()).map_err(|error| Problem::argument(field, &error)))
        .collect()
}
