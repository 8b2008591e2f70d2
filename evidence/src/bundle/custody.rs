//! The custody record in a bundle: the record itself, its checkpoint, and what counterparts acknowledged of it.
//!
//! May call the verifier of records. Takes log keys from party entries that somebody trusts, and none from the bundle.

use super::case::examine_sealed;
use super::layout::{CHECKPOINT, RECORD};
use super::statement::Statement;
use crate::verify::VerifyOptions;
use crate::verify::verdict::{Findings, Part};
use rogatory_container::asice::Asice;
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::DATA_FILE;
use rogatory_core::receipt::Receipt;
use rogatory_core::{PartyId, chain};
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::note::{Note, Vkey};
use rogatory_custody::record::{Record, VerifiedRecord, VerifiedStream, verify_record};

/// The log keys that `party` published, by the entries that somebody trusts.
fn keys_of(options: &VerifyOptions<'_>, party: &PartyId) -> Vec<Vkey> {
    let of_party = options.log_keys.iter().filter(|(owner, _)| owner == party);
    of_party.map(|(_, key)| key.clone()).collect()
}

/// Looks at record and checkpoint; gives the record if everything in it holds.
pub(super) fn examine_custody(
    record: &[u8],
    checkpoint: &[u8],
    statement: &Statement,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<VerifiedRecord> {
    let part = Part::Custody;
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
    same_checkpoint(&claimed.checkpoint, checkpoint, findings);
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
    if let Err(error) = verify_checkpoint(checkpoint, &keys) {
        findings.failed(part, Some(CHECKPOINT), chain(&error));
        return None;
    }
    let (size, root) = (verified.checkpoint().size(), verified.checkpoint().root());
    let count = verified.entries().len();
    findings.checked(
        part,
        format!("custody record: {count} entries of the log {}, each proven under the checkpoint over {size} leaves, root {root}", verified.origin()),
    );
    for stream in verified.streams() {
        findings.checked(part, format!("custody record, stream {stream}"));
        examine_receipted(stream, options, findings);
        examine_told(stream, options, findings);
    }
    Some(verified)
}

/// `custody/checkpoint.txt` says what the record says; it may have more signatures.
fn same_checkpoint(of_record: &str, checkpoint: &[u8], findings: &mut Findings) {
    let text = |note: &[u8]| {
        Note::parse(note).map(|note| (note.unverified_text().to_owned(), note.signatures().len()))
    };
    match (text(of_record.as_bytes()), text(checkpoint)) {
        (Ok((record, _)), Ok((file, lines))) if record == file => {
            if lines > 1 {
                let more = lines - 1;
                findings.not_checked(
                    Part::Witness,
                    format!(
                        "the checkpoint carries {more} more signatures, which this version does not verify"
                    ),
                );
            }
        }
        (_, Err(error)) => findings.failed(Part::Custody, Some(CHECKPOINT), chain(&error)),
        _ => findings.failed(Part::Custody, Some(CHECKPOINT), "it is another checkpoint than the record's"),
    }
}

/// How far a counterpart knew the stream, by its sealed receipt.
fn examine_receipted(stream: &VerifiedStream, options: &VerifyOptions<'_>, findings: &mut Findings) {
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
    if !options.institutions.iter().any(|known| known.party() == counterpart) {
        let why = format!(
            "custody record, stream {}: a receipt says that {counterpart} knew it to #{n} on {at}; its seal was not compared, the entry of {counterpart} was not given",
            stream.stream()
        );
        return findings.not_checked_as(part, &why, why.clone());
    }
    if examine_sealed(part, &name, &asice, options, findings).is_some() {
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
