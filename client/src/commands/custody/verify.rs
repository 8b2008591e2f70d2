//! Verifies a custody record, offline: the record itself, and what counterparts acknowledged of it.

use crate::containers;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::trust::{SealedEntry, Trust};
use rogatory_container::asice::Asice;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_core::{Digest, PartyId};
use rogatory_custody::record::{
    Record, RecordError, VerifiedReceiptedHead, VerifiedRecord, VerifiedStream, verify_record,
};
use serde::Serialize;

/// The result of [`verify`]: everything in the record holds.
#[derive(Clone, Debug, Serialize)]
pub struct RecordVerified {
    /// Always true; a record that fails is a problem instead.
    pub verified: bool,
    /// The institution whose log it is.
    pub institution: PartyId,
    /// The log.
    pub origin: String,
    /// The case's shared number.
    pub shared_number: Option<String>,
    /// The number of leaves under the checkpoint.
    pub checkpoint_size: u64,
    /// The root over them.
    pub checkpoint_root: Digest,
    /// How many entries were verified.
    pub entries: usize,
    /// How far each stream is complete.
    pub streams: Vec<StreamFacts>,
    /// SHA-256 of the record.
    pub record_sha256: Digest,
}

/// One stream of a verified record.
#[derive(Clone, Debug, Serialize)]
pub struct StreamFacts {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Every number from 1 to this one is there.
    pub complete_to: u64,
    /// Those of them whose bodies were erased.
    pub erased: Vec<u64>,
    /// How far the counterpart knew it; none if no receipt of its says so.
    pub known: Option<KnownTo>,
}

/// How far a counterpart knew the stream that it shares, by its receipt for a message.
#[derive(Clone, Debug, Serialize)]
pub struct KnownTo {
    /// Who knew.
    pub counterpart: PartyId,
    /// Up to which number.
    pub n: u64,
    /// Since when at the latest: the receipt's instant, by the counterpart's clock, in UTC.
    pub at: String,
    /// Whether the receipt's seal was verified; otherwise the counterpart's entry was not given.
    pub seal_checked: bool,
    /// SHA-256 of the receipt's container.
    pub receipt_sha256: Digest,
    /// Whether the receipt is negative: it shows the same about the log.
    pub refused: bool,
}

impl Outcome for RecordVerified {
    fn show(&self, page: &mut Page) {
        page.fact("record", "verified");
        page.fact("institution", &self.institution);
        page.fact("log", &self.origin);
        page.fact_if("shared number", self.shared_number.as_ref());
        page.fact("checkpoint", format!("{} leaves, root {}", self.checkpoint_size, self.checkpoint_root));
        page.fact("entries", self.entries);
        for stream in &self.streams {
            let erased = if stream.erased.is_empty() {
                String::new()
            } else {
                format!("; erased: {:?}", stream.erased)
            };
            page.fact(
                "stream",
                format!("{}: complete from #1 to #{}{erased}", stream.stream, stream.complete_to),
            );
            match &stream.known {
                Some(known) => page.fact("", known),
                None if stream.stream != "internal" => {
                    page.fact("", format!("no receipt of {} says how far it knew", stream.stream));
                }
                None => {}
            }
        }
        page.fact("sha256", self.record_sha256);
        page.blank();
        page.line("Shown: what this log says, completely and unchanged since the checkpoint; and where a counterpart's");
        page.line("receipt quotes it, that the log said the same up to that number on that day.");
        page.line("Not shown: that the events happened, and that no other version of the log exists.");
    }
}

impl std::fmt::Display for KnownTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "complete to #{} as known to {} on {}", self.n, self.counterpart, self.at)?;
        if self.seal_checked {
            f.write_str(", by its sealed receipt")
        } else {
            write!(
                f,
                ", says a receipt; its seal: not checked, the entry of {} was not given",
                self.counterpart
            )
        }
    }
}

/// Verifies a custody record against the log keys in the entries of `trust`. Offline.
///
/// A receipt in it is verified against its issuer's entry, and not checked if `trust` has none.
///
/// # Errors
/// Unverified, naming the part that fails; also without an entry of the institution.
pub fn verify(record: &[u8], trust: &Trust) -> Result<RecordVerified, Problem> {
    if trust.entries.is_empty() {
        return Err(Problem::unverified("no log key is trusted, so nothing can be verified").with_hint(
            "give the party entry of the institution with --trust; a log key in PEM is not accepted",
        ));
    }
    let fails = |error: RecordError| {
        fails_at(&error.part())
            .because(&error)
            .with_hint("the record was changed, or comes from another log than the entries of --trust name")
    };
    // A key speaks for the party that published it, whatever the record says of itself.
    let institution = Record::parse(record).map_err(fails)?.origin.party().clone();
    let trusted = trust.log_keys_of(&institution);
    if trusted.is_empty() {
        return Err(Problem::unverified(format!(
            "the custody record is one of {institution}, whose entry was not given"
        ))
        .with_hint("give the party entry of that institution with --trust"));
    }
    let verified = verify_record(record, &trusted).map_err(fails)?;
    facts(institution, &verified, trust)
}

fn facts(institution: PartyId, verified: &VerifiedRecord, trust: &Trust) -> Result<RecordVerified, Problem> {
    let stream = |stream: &VerifiedStream| {
        Ok::<_, Problem>(StreamFacts {
            stream: stream.stream().to_string(),
            complete_to: stream.complete_to(),
            erased: stream.erased().to_vec(),
            known: stream.receipted().map(|head| known(head, trust)).transpose()?,
        })
    };
    Ok(RecordVerified {
        verified: true,
        institution,
        origin: verified.origin().to_string(),
        shared_number: verified.shared_number().map(ToString::to_string),
        checkpoint_size: verified.checkpoint().size(),
        checkpoint_root: *verified.checkpoint().root(),
        entries: verified.entries().len(),
        streams: verified.streams().iter().map(stream).collect::<Result<_, _>>()?,
        record_sha256: verified.digest(),
    })
}

fn fails_at(part: &str) -> Problem {
    Problem::unverified("the custody record does not verify")
        .with_details(vec![format!("part: {}", clean(part))])
}

/// What the receipt beside a head shows.
fn known(head: &VerifiedReceiptedHead, trust: &Trust) -> Result<KnownTo, Problem> {
    let counterpart = head.counterpart();
    let what = format!("the receipt of {counterpart} in the record");
    let part = format!("receipt {counterpart}");
    let fails = |problem: Problem| problem.with_details(vec![format!("part: {part}")]);
    let asice = containers::open(head.receipt(), &what).map_err(fails)?;
    let receipt = Receipt::from_json(containers::data(&asice, &what).map_err(fails)?)
        .map_err(|error| fails_at(&part).because(&error))?;
    head.check_receipt(&receipt).map_err(|error| {
        fails_at(&part).because(&error).with_hint("the receipt shows nothing about this log's case head")
    })?;
    let entries: Vec<&SealedEntry> =
        trust.entries.iter().filter(|sealed| sealed.entry.party == *counterpart).collect();
    let seal_checked = check_seal(&asice, &receipt, &entries, &what).map_err(fails)?;
    Ok(KnownTo {
        counterpart: counterpart.clone(),
        n: head.head().n,
        at: receipt.issued_time.to_string(),
        seal_checked,
        receipt_sha256: Digest::of(head.receipt()),
        refused: receipt.receipt == ReceiptKind::NonDelivery,
    })
}

/// Verifies the seal against one of the counterpart's entries; says whether there was any.
///
/// The certificate is judged at the instant that the receipt names: a record is read years later, and
/// that instant is the counterpart's own word, under the same seal.
fn check_seal(
    asice: &Asice,
    receipt: &Receipt,
    entries: &[&SealedEntry],
    what: &str,
) -> Result<bool, Problem> {
    let mut failed = None;
    for entry in entries {
        let checked = containers::verify(asice, &entry.anchors, receipt.issued_time, what)
            .and_then(|verified| entry.is_sole_signer(&verified, what));
        match checked {
            Ok(()) => return Ok(true),
            Err(problem) => failed = Some(problem),
        }
    }
    failed.map_or(Ok(false), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_trusted_entry_nothing_verifies() {
        let problem = verify(b"{}", &Trust::default()).expect_err("no key");
        assert_eq!(problem.exit().code(), 4);
    }
}
