//! What witnesses say of a checkpoint, as far as their party entries are at hand.

use crate::problem::Problem;
use crate::trust::Trust;
use rogatory_core::PartyId;
use rogatory_custody::checkpoint::VerifiedCheckpoint;
use rogatory_custody::cosignature::Cosignature;
use serde::Serialize;

/// A cosignature of a checkpoint that holds, or of which nobody can tell yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Witnessed {
    /// The institution that cosigned, or is said to have.
    pub witness: PartyId,
    /// When, by its clock, in UTC; believed only if checked.
    pub at: String,
    /// Whether the cosignature was verified; otherwise no entry that publishes that witness's key was given.
    pub checked: bool,
}

impl std::fmt::Display for Witnessed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { witness, at, checked } = self;
        if *checked {
            write!(f, "witnessed by {witness} at {at}")
        } else {
            write!(f, "a cosignature of {witness}: not checked, no entry that names its key was given")
        }
    }
}

/// Verifies every cosignature whose witness has an entry in `trust`.
///
/// # Errors
/// Unverified, if one of them is not that witness's.
pub(super) fn witnessed(
    checkpoint: &VerifiedCheckpoint,
    cosignatures: &[Cosignature],
    trust: &Trust,
) -> Result<Vec<Witnessed>, Problem> {
    let mut all = Vec::with_capacity(cosignatures.len());
    for cosignature in cosignatures {
        let name = cosignature.witness();
        let keys = trust.witness_keys_of(name.party());
        let key = keys.iter().find(|key| key.name() == name && key.key_id() == cosignature.key_id());
        let verified = key.map(|key| cosignature.verify(checkpoint, key)).transpose().map_err(|error| {
            Problem::unverified("a cosignature of the checkpoint does not verify")
                .with_details(vec![format!("part: witness {}", name.party())])
                .because(&error)
                .with_hint("the witness did not cosign this checkpoint, or its line was changed")
        })?;
        let at = cosignature.claimed_time().to_string();
        all.push(Witnessed { witness: name.party().clone(), at, checked: verified.is_some() });
    }
    Ok(all)
}

/// Demands that every institution whose entry was given, but the one whose log it is, is a witness of the
/// checkpoint; and that there is one.
///
/// # Errors
/// Unverified, naming who did not cosign.
pub fn require_witnesses(
    institution: &PartyId,
    witnesses: &[Witnessed],
    trust: &Trust,
) -> Result<(), Problem> {
    let mut wanted: Vec<&PartyId> = trust.entries.iter().map(|sealed| &sealed.entry.party).collect();
    wanted.retain(|party| *party != institution);
    wanted.sort();
    wanted.dedup();
    if wanted.is_empty() {
        return Err(Problem::unverified("no witness was named, so none can be required")
            .with_hint("give the entry of each institution that must have cosigned with --trust"));
    }
    let cosigned = |party: &PartyId| witnesses.iter().any(|one| one.checked && one.witness == *party);
    let missing: Vec<String> = wanted
        .into_iter()
        .filter(|party| !cosigned(party))
        .map(|party| format!("witness: {party}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Problem::unverified("the checkpoint is not cosigned by every witness that was named")
        .with_details(missing)
        .with_hint("ask for the record again: the log asks its witnesses within minutes after it grew"))
}
