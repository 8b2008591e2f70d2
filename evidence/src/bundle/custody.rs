//! The custody record in a bundle: the record itself, its checkpoint, and what counterparts acknowledged of it.
//!
//! May call the verifier of records. Takes log keys from party entries that somebody trusts, and none from the bundle.

use super::case::{Case, examine_sealed};
use super::layout::{CHECKPOINT, RECORD};
use super::statement::Statement;
use super::time::Times;
use crate::verify::VerifyOptions;
use crate::verify::verdict::{Findings, Part};
use rogatory_container::asice::Asice;
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::DATA_FILE;
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, PartyId, chain};
use rogatory_custody::note::Vkey;
use rogatory_custody::record::{Record, VerifiedRecord, VerifiedStream, verify_record};

/// Nobody signs that bodies were erased, so a reader is told whose word it is.
pub(super) const NO_BODY: &str = "no body is shown (erased, the record says)";

/// The log keys that `party` published, by the entries that somebody trusts.
fn keys_of(options: &VerifyOptions<'_>, party: &PartyId) -> Vec<Vkey> {
    let of_party = options.log_keys.iter().filter(|(owner, _)| owner == party);
    of_party.map(|(_, key)| key.clone()).collect()
}

/// Looks at record and checkpoint; gives the record if everything in it holds. Receipts in it are kept with `case`.
pub(super) fn examine_custody(
    record: &[u8],
    checkpoint: &[u8],
    statement: &Statement,
    times: &Times<'_>,
    case: &mut Case,
    findings: &mut Findings,
) -> Option<VerifiedRecord> {
    let part = Part::Custody;
    let options = &times.options_for(None);
    let claimed = match Record::parse(record) {
        Ok(claimed) => claimed,
        Err(error) => {
            findings.failed(part, Some(RECORD), format!("{}: {}", error.part(), chain(&error)));
            return None;
        }
    };
    let institution = claimed.origin.party();
    if *institution != statement.institution {
        let why = format!("it is of {institution}, and the bundle was made by {}", statement.institution);
        findings.failed(part, Some(RECORD), why);
        return None;
    }
    if log_part(&claimed.checkpoint) != Some(checkpoint) {
        let why = "it is not the record's checkpoint with the log's own signature alone";
        findings.failed(part, Some(CHECKPOINT), why);
    }
    let keys = keys_of(options, institution);
    if keys.is_empty() {
        let why =
            format!("the key of the log is published in the entry of {institution}, which was not given");
        findings.not_checked(part, why);
        return None;
    }
    let verified = match verify_record(record, &keys) {
        Ok(verified) => verified,
        Err(error) => {
            findings.failed(part, Some(RECORD), format!("{}: {}", error.part(), chain(&error)));
            return None;
        }
    };
    let (size, root) = (verified.checkpoint().size(), verified.checkpoint().root());
    let count = verified.entries().len();
    findings.checked(
        part,
        format!("custody record: {count} entries of the log {}, each proven under the checkpoint over {size} leaves, root {root}", verified.origin()),
    );
    if verified.is_erased() {
        let why = format!("custody record: {NO_BODY}");
        findings.not_checked_as(part, &why, why.clone());
    }
    for stream in verified.streams() {
        findings.checked(part, format!("custody record, stream {stream}"));
        examine_receipted(stream, times, case, findings);
        examine_told(stream, options, findings);
    }
    Some(verified)
}

/// A checkpoint's note up to its first signature line, which is the log's: what is stamped. None if it has none.
#[must_use]
pub fn log_part(note: &str) -> Option<&[u8]> {
    let signatures = note.find("\n\n")? + 2;
    let line = note.get(signatures..)?.find('\n')? + 1;
    note.as_bytes().get(..signatures + line)
}

/// How far a counterpart knew the stream, by its sealed receipt.
fn examine_receipted(stream: &VerifiedStream, times: &Times<'_>, case: &mut Case, findings: &mut Findings) {
    let Some(head) = stream.receipted() else { return };
    let (part, counterpart) = (Part::Custody, head.counterpart());
    let name = format!("receipt of {counterpart} in {RECORD}");
    let asice = match Asice::from_bytes(head.receipt(), ZipLimits::DOCUMENT) {
        Ok(asice) => asice,
        Err(error) => return findings.failed(part, Some(&name), chain(&error)),
    };
    let receipt = match Receipt::from_json(asice.file(DATA_FILE).unwrap_or_default()) {
        Ok(receipt) => receipt,
        Err(error) => return findings.failed(part, Some(&name), chain(&error)),
    };
    if let Err(error) = head.check_receipt(&receipt) {
        return findings.failed(part, Some(&name), chain(&error));
    }
    let (n, at) = (head.head().n, receipt.issued_time);
    // The same receipt may lie by itself in the bundle, with a stamp.
    let place = case.receipts.iter().find(|one| one.container == Digest::of(head.receipt()));
    let place = place.map(|one| one.name.clone());
    let options = &times.options_for(place.as_deref());
    if !options.institutions.iter().any(|known| known.party() == counterpart) {
        let why = format!(
            "custody record, stream {}: a receipt says that {counterpart} knew it to #{n} on {at}; its seal was not compared, the entry of {counterpart} was not given",
            stream.stream()
        );
        return findings.not_checked_as(part, &why, why.clone());
    }
    if let Some((verified, _)) = examine_sealed(part, &name, &asice, options, findings) {
        case.keep(verified, times.proven(place.as_deref()));
        let text = format!(
            "custody record, stream {}: complete to #{n} as known to {counterpart} on {at}, by its sealed receipt",
            stream.stream()
        );
        findings.checked(part, text);
    }
}

/// What the counterpart's own log told.
fn examine_told(stream: &VerifiedStream, options: &VerifyOptions<'_>, findings: &mut Findings) {
    let Some(told) = stream.told() else { return };
    let counterpart = told.counterpart();
    let mut keys = keys_of(options, counterpart);
    keys.retain(|key| key.name() == told.origin().to_string());
    if keys.is_empty() {
        return;
    }
    match told.verify(&keys) {
        Ok(head) => findings.checked(
            Part::Custody,
            format!("custody record: the log of {counterpart} told of its own #{}", head.head().n),
        ),
        Err(error) => findings.failed(Part::Custody, Some(&format!("told {counterpart}")), chain(&error)),
    }
}
