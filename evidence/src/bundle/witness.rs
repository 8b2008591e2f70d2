//! What other institutions say of the custody log: their cosignatures under the record's checkpoint.
//!
//! Takes the keys of witnesses from party entries that somebody trusts, and none from the bundle.

use super::layout::RECORD;
use super::verified::WitnessFacts;
use crate::verify::VerifyOptions;
use crate::verify::verdict::{Findings, Part, Requirement};
use rogatory_core::custody_event::Stream;
use rogatory_core::{PartyId, chain};
use rogatory_custody::record::VerifiedRecord;
use std::collections::BTreeSet;

const PART: Part = Part::Witness;

/// Judges every cosignature, and whether everybody cosigned who should have: each institution whose entry was given, but the
/// log's own and the one that is there for the seal of the package alone.
pub(super) fn examine_witnesses(
    record: &VerifiedRecord,
    sealer: Option<&PartyId>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Vec<WitnessFacts> {
    let checkpoint = record.checkpoint();
    let mut facts = Vec::new();
    for cosignature in record.cosignatures() {
        let name = cosignature.witness();
        let of_witness = |(party, key): &&(PartyId, _)| {
            let key: &rogatory_custody::cosignature::WitnessVkey = key;
            party == name.party() && key.name() == name && key.key_id() == cosignature.key_id()
        };
        let (witness, at) = (name.party().clone(), cosignature.claimed_time());
        let checked = match options.witness_keys.iter().find(of_witness) {
            None => {
                let why = format!(
                    "a cosignature of {witness} stands on the checkpoint; no entry that publishes its key was given"
                );
                findings.not_checked(PART, why);
                false
            }
            Some((_, key)) => match cosignature.verify(checkpoint, key) {
                Ok(verified) => {
                    let (size, at) = (checkpoint.size(), verified.time());
                    let text = format!(
                        "witness: {witness} cosigned the checkpoint over {size} leaves at {at}: it saw this one log, and no other version of it"
                    );
                    findings.checked(PART, text);
                    true
                }
                Err(error) => {
                    findings.failed(PART, Some(RECORD), format!("witness {witness}: {}", chain(&error)));
                    false
                }
            },
        };
        facts.push(WitnessFacts { witness, at, checked });
    }
    let shares = |party: &PartyId| {
        record
            .streams()
            .iter()
            .any(|stream| matches!(stream.stream(), Stream::Shared(other) if other == party))
    };
    let wanted: BTreeSet<&PartyId> = options
        .witness_keys
        .iter()
        .map(|(party, _)| party)
        .filter(|party| *party != record.institution() && (Some(*party) != sealer || shares(party)))
        .collect();
    let cosigned = |party: &PartyId| facts.iter().any(|one| one.checked && one.witness == *party);
    let missing: Vec<String> =
        wanted.iter().filter(|party| !cosigned(party)).map(ToString::to_string).collect();
    let why = if !missing.is_empty() {
        format!("not cosigned by {}, whose entry was given", missing.join(", "))
    } else if wanted.is_empty() {
        "no entry of another institution was given that should have cosigned".to_owned()
    } else {
        return facts;
    };
    findings.not_checked(PART, &*why);
    if options.require.contains(&Requirement::Witness) {
        findings.failed(PART, Some(RECORD), format!("a witness was required: {why}"));
    }
    facts
}
