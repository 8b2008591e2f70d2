//! This institution as a witness: compares a counterpart's checkpoint with the last one it persisted,
//! persists the new one, then cosigns.

use super::take_up::{TakeUp, TakenUp};
use super::{checkpoint_of, heard};
use crate::access::Permit;
use crate::authority::Authority;
use crate::problem::{Problem, Reason};
use rogatory_core::Digest;

/// What a log shows its witness.
pub struct Shown {
    /// The size that the log believes its witness has.
    pub old_size: u64,
    /// The consistency proof from there.
    pub proof: Vec<Digest>,
    /// The checkpoint.
    pub checkpoint: Vec<u8>,
    /// What the log's institution saw of other logs.
    pub seen: Vec<Vec<u8>>,
}

/// What the witness answers.
pub struct Cosigned {
    /// The signature line; none if the log's belief about the known size is wrong.
    pub cosignature: Option<String>,
    /// The size that is known now.
    pub known_size: u64,
    /// What this institution saw of other logs.
    pub seen: Vec<Vec<u8>>,
}

/// Cosigns a checkpoint of the caller's log.
///
/// The checkpoint is persisted before it is cosigned: a crash in between leaves a known size without a
/// cosignature, which the log is told when it asks again.
///
/// # Errors
/// [`Reason::BrokenSignature`] if the checkpoint is not the caller's word, [`Reason::LogContradicted`] if it does
/// not go on what was seen before; then both are kept.
pub async fn add_checkpoint(
    authority: &Authority,
    permit: &Permit,
    shown: Shown,
) -> Result<Cosigned, Problem> {
    let peer = permit.peer()?;
    let party = authority.directory().confirmed(peer)?;
    let checkpoint = checkpoint_of(&party, &shown.checkpoint)?;
    // What came from elsewhere is looked at whatever becomes of this one.
    heard::hear(authority, peer, &shown.seen).await;
    let size = checkpoint.size();
    let act = TakeUp {
        from: peer.clone(),
        checkpoint: checkpoint.clone(),
        old_size: shown.old_size,
        proof: shown.proof,
    };
    let seen = heard::seen_by_us(authority).await?;
    match authority.datastore.perform(act).await? {
        TakenUp::OtherSize(known_size) => {
            if size < known_size {
                // Older, or rolled back: only the log itself can tell.
                heard::compare_later(authority, peer, &checkpoint).await?;
            }
            Ok(Cosigned { cosignature: None, known_size, seen })
        }
        TakenUp::Contradicted(found) => Err(Problem::new(
            Reason::LogContradicted,
            format!("the checkpoint over {size} entries contradicts an earlier one of the same log ({})", found.as_str()),
        )
        .with_hint("both checkpoints are kept here; the log was rewritten, forked, or restored from a backup without a new epoch")),
        TakenUp::Stands { time } => {
            let cosignature = authority
                .institution
                .witness_key()
                .cosign(&checkpoint, time)
                .map_err(|error| Problem::internal("a checkpoint could not be cosigned", error))?;
            Ok(Cosigned { cosignature: Some(cosignature.to_string()), known_size: size, seen })
        }
    }
}

/// The largest checkpoint of the caller's log that was persisted here, and a cosignature of it; none if there is none.
///
/// # Errors
/// [`Reason::BrokenSignature`] if the key of the caller's log was renewed since.
pub async fn last_checkpoint(
    authority: &Authority,
    permit: &Permit,
) -> Result<Option<(Vec<u8>, String)>, Problem> {
    let party = authority.directory().confirmed(permit.peer()?)?;
    let seen = authority.datastore.read().await?.seen(&party.log.origin).await?;
    let Some(seen) = seen else { return Ok(None) };
    let checkpoint = checkpoint_of(&party, &seen.note)?;
    let cosignature = authority
        .institution
        .witness_key()
        .cosign(&checkpoint, authority.clock.now())
        .map_err(|error| Problem::internal("a checkpoint could not be cosigned", error))?;
    Ok(Some((seen.note, cosignature.to_string())))
}
