//! The epochs of a record's log: for each that began after a backup was restored, the entry that says so.
//!
//! The tree goes on over the epochs, so the entries of a case need nothing more; what these entries add is where each log
//! ended, what a witness had seen of it, and under which key it signed. They are the office's own events, whose tags
//! only the office's tag key shows; what they say, the log has committed to.

use super::error::{EpochProblem, RecordError};
use crate::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use crate::cosignature::{Cosignature, cosignatures};
use crate::leaf::{LEAF_BYTES, Leaf, commitment};
use crate::note::Vkey;
use crate::tree::verify_inclusion;
use rogatory_core::custody_event::{Event, EventBody, Stream};
use rogatory_core::{Digest, PartyId, Timestamp};

/// The most epochs that a record tells of.
pub const MAX_EPOCHS: usize = 1000;
/// The pseudo-case of an office's own events.
const OFFICE: &str = "office";

/// The entry that began an epoch; not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochEntry {
    /// The leaf's index in the log.
    pub index: u64,
    /// The leaf as the log stores it.
    pub leaf: [u8; LEAF_BYTES],
    /// The salt of its commitment.
    pub salt: [u8; 32],
    /// The body's bytes as stored.
    pub body: Vec<u8>,
    /// The inclusion proof to the record's checkpoint.
    pub proof: Vec<Digest>,
}

/// An epoch that ended, as the entry that began the next one says; to that the log has committed. Only verifying a record
/// makes it.
#[derive(Clone, Debug)]
pub struct VerifiedEpoch {
    closed: Origin,
    closed_key: Vkey,
    begun: Origin,
    at: Timestamp,
    index: u64,
    common_size: u64,
    witnessed: Option<(VerifiedCheckpoint, Vec<Cosignature>)>,
    silent: Vec<PartyId>,
    reason: String,
}

impl VerifiedEpoch {
    /// The log whose epoch ended.
    #[must_use]
    pub const fn closed(&self) -> &Origin {
        &self.closed
    }

    /// Its key, by the word of the log that followed.
    #[must_use]
    pub const fn closed_key(&self) -> &Vkey {
        &self.closed_key
    }

    /// When, by the server's clock.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// How many entries were restored: the index of the first one of the next epoch.
    #[must_use]
    pub const fn restored_size(&self) -> u64 {
        self.index
    }

    /// How many first entries the restored tree and the witnessed one are said to have in common.
    #[must_use]
    pub const fn common_size(&self) -> u64 {
        self.common_size
    }

    /// The largest checkpoint of the closed log that a witness holds; whether the witnesses cosigned it, their keys show.
    #[must_use]
    pub const fn witnessed(&self) -> Option<&(VerifiedCheckpoint, Vec<Cosignature>)> {
        self.witnessed.as_ref()
    }

    /// How many entries were witnessed and are not known to be here.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.witnessed.as_ref().map_or(0, |(seen, _)| seen.size().saturating_sub(self.common_size))
    }

    /// Who did not say what it had seen.
    #[must_use]
    pub fn silent(&self) -> &[PartyId] {
        &self.silent
    }

    /// Why, in the operator's words.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Verifies the entries that began the epochs of the log under `checkpoint`.
pub(super) fn check_epochs(
    entries: &[EpochEntry],
    checkpoint: &VerifiedCheckpoint,
) -> Result<Vec<VerifiedEpoch>, RecordError> {
    let mut verified: Vec<VerifiedEpoch> = Vec::with_capacity(entries.len());
    for (position, entry) in (1..).zip(entries) {
        let problem = |problem| RecordError::Epoch { position, problem };
        let epoch = check_epoch(entry, checkpoint).map_err(problem)?;
        let follows = verified
            .last()
            .is_none_or(|last| last.index < epoch.index && last.begun.epoch() <= epoch.closed.epoch());
        if !follows {
            return Err(problem(EpochProblem::Order));
        }
        verified.push(epoch);
    }
    let own = checkpoint.origin();
    let named = verified.last().map_or(own.epoch() == 1, |last| last.begun == *own);
    if named { Ok(verified) } else { Err(RecordError::EpochUntold(own.clone())) }
}

fn check_epoch(entry: &EpochEntry, checkpoint: &VerifiedCheckpoint) -> Result<VerifiedEpoch, EpochProblem> {
    let leaf = Leaf::from_bytes(&entry.leaf).map_err(EpochProblem::Leaf)?;
    if *leaf.commitment() != commitment(&entry.salt, &entry.body) {
        return Err(EpochProblem::Commitment);
    }
    let body: EventBody = serde_json::from_slice(&entry.body).map_err(|_| EpochProblem::Body)?;
    let Event::EpochBegun {
        origin,
        closed_origin,
        closed_log_key,
        restored_size,
        common_size,
        witnessed,
        silent,
        reason,
        restored_root: _,
    } = body.event
    else {
        return Err(EpochProblem::Body);
    };
    let own = checkpoint.origin();
    let parsed = (origin.parse::<Origin>(), closed_origin.parse::<Origin>(), closed_log_key.parse::<Vkey>());
    let (Ok(begun), Ok(closed), Ok(closed_key)) = parsed else { return Err(EpochProblem::Body) };
    let same = |origin: &Origin| (origin.domain(), origin.party()) == (own.domain(), own.party());
    let sound = (body.case.as_str(), &body.stream) == (OFFICE, &Stream::Internal)
        && same(&begun)
        && same(&closed)
        && closed_key.name() == closed_origin
        && closed.epoch() < begun.epoch()
        && restored_size == entry.index
        && common_size <= restored_size;
    if !sound {
        return Err(EpochProblem::Body);
    }
    let witnessed = witnessed
        .map(|note| {
            let seen = verify_checkpoint(note.as_bytes(), std::slice::from_ref(&closed_key))
                .map_err(EpochProblem::Witnessed)?;
            let lines = cosignatures(&seen).map_err(EpochProblem::Cosignatures)?;
            Ok::<_, EpochProblem>((seen, lines))
        })
        .transpose()?;
    if witnessed.as_ref().is_some_and(|(seen, _)| *seen.origin() != closed) {
        return Err(EpochProblem::Body);
    }
    verify_inclusion(&leaf.hash(), entry.index, checkpoint.size(), &entry.proof, checkpoint.root())
        .map_err(EpochProblem::Proof)?;
    let (index, at) = (entry.index, body.at);
    Ok(VerifiedEpoch { closed, closed_key, begun, at, index, common_size, witnessed, silent, reason })
}
