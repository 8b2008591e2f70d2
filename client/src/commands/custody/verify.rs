//! Verifies a custody record, offline: the record itself, and what counterparts acknowledged of it.

use super::witnessed::{Witnessed, witnessed};
use crate::containers;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::trust::{SealedEntry, Trust};
use rogatory_container::asice::Asice;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_core::{Digest, PartyId, SharedNumber};
use rogatory_custody::record::{
    HeadMismatch, Record, RecordError, ToldHead, VerifiedEpoch, VerifiedReceiptedHead, VerifiedRecord,
    VerifiedStream, verify_record,
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
    /// Who cosigned the checkpoint.
    pub witnesses: Vec<Witnessed>,
    /// The epochs of the log that ended, because a backup was restored.
    pub epochs: Vec<EpochFacts>,
    /// How many entries were verified.
    pub entries: usize,
    /// Whether no body is shown: they were erased, the record says.
    pub erased: bool,
    /// How far each stream is complete.
    pub streams: Vec<StreamFacts>,
    /// What the record of a counterpart was compared with; none if none was given.
    pub compared: Option<Compared>,
    /// SHA-256 of the record.
    pub record_sha256: Digest,
}

/// An epoch of the log that ended, by the word of the log that followed.
#[derive(Clone, Debug, Serialize)]
pub struct EpochFacts {
    /// The log whose epoch ended.
    pub closed: String,
    /// When, by the server's clock, in UTC.
    pub ended: String,
    /// How many entries were restored.
    pub restored_size: u64,
    /// The size of the largest checkpoint that a witness holds of it; none if none does.
    pub witnessed_size: Option<u64>,
    /// How many entries were witnessed and are not known to be here.
    pub lost: u64,
    /// Who cosigned that checkpoint, and so knows that there were so many.
    pub known_to: Vec<Witnessed>,
    /// Who did not say what it had seen.
    pub silent: Vec<PartyId>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Two records, each of which holds what its log told the other's institution.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Whose record the other one is.
    pub institution: PartyId,
    /// Its SHA-256.
    pub record_sha256: Digest,
    /// What the other record's log told this institution, and it holds: the number of the event.
    pub told_here: Option<u64>,
    /// What this record's log told the other institution, and it holds: the number of the event.
    pub told_there: Option<u64>,
}

/// One stream of a verified record.
#[derive(Clone, Debug, Serialize)]
pub struct StreamFacts {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Every number from 1 to this one is there.
    pub complete_to: u64,
    /// How far the counterpart knew it; none if no receipt of its says so.
    pub known: Option<KnownTo>,
    /// How far the counterpart's own log said it had come; none if it told nothing.
    pub told: Option<ToldBy>,
}

/// What the log of a counterpart told with a message: its own record must hold it.
#[derive(Clone, Debug, Serialize)]
pub struct ToldBy {
    /// Whose log.
    pub counterpart: PartyId,
    /// The number of the event, if the signature was verified; otherwise no entry that names that log was given.
    pub n: Option<u64>,
    /// That event's leaf hash, likewise.
    pub leaf_sha256: Option<Digest>,
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
    /// Whether the receipt's seal was verified; otherwise no entry that names that log was given.
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
        for witness in &self.witnesses {
            page.fact("", witness);
        }
        if self.witnesses.is_empty() {
            page.fact("", "no witness cosigned it");
        }
        for epoch in &self.epochs {
            page.fact("epoch", epoch);
            for witness in &epoch.known_to {
                page.fact("", witness);
            }
            for party in &epoch.silent {
                page.fact("", format!("{party} did not say what it had seen"));
            }
        }
        page.fact("entries", self.entries);
        if self.erased {
            // Nobody signs that.
            page.fact("", "no body is shown (erased, the record says)");
        }
        for stream in &self.streams {
            page.fact("stream", format!("{}: complete from #1 to #{}", stream.stream, stream.complete_to));
            match &stream.known {
                Some(known) => page.fact("", known),
                None if stream.stream != "internal" => {
                    page.fact("", format!("no receipt of {} says how far it knew", stream.stream));
                }
                None => {}
            }
            if let Some(told) = &stream.told {
                page.fact("", told);
            }
        }
        if let Some(compared) = &self.compared {
            page.fact("compared", compared);
        }
        page.fact("sha256", self.record_sha256);
        page.blank();
        page.line("Shown: what this log says, completely and unchanged since the checkpoint; and where a counterpart's");
        page.line("receipt quotes it, that the log said the same up to that number on that day.");
        page.line(
            "Not shown: that the events happened. That no other version of the log exists is shown as far as",
        );
        page.line(
            "witnesses cosigned its checkpoint: each of them has seen this one log, up to that checkpoint.",
        );
    }
}

impl std::fmt::Display for EpochFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { closed, ended, restored_size, lost, .. } = self;
        write!(
            f,
            "{closed} ended on {ended} ({}): {restored_size} entries were restored; ",
            clean(&self.reason)
        )?;
        match (self.witnessed_size, lost) {
            (None, _) => f.write_str("no witness said how many there had been"),
            (Some(size), 0) => write!(f, "a witness had seen {size} entries, and none of them is lost"),
            (Some(size), lost) => {
                let first = size - lost;
                write!(
                    f,
                    "a witness had seen {size} entries: {lost}, from number {first} to {}, counted from 0, are lost here",
                    size - 1
                )
            }
        }
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

impl std::fmt::Display for ToldBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counterpart = &self.counterpart;
        match (self.n, &self.leaf_sha256) {
            (Some(n), Some(leaf)) => {
                write!(f, "the log of {counterpart} told of its own #{n}, leaf {leaf}")
            }
            _ => write!(
                f,
                "the log of {counterpart} told of its own stream: not checked, no entry that names that log was given"
            ),
        }
    }
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "with the record of {}: ", self.institution)?;
        if self.told_here.is_none() && self.told_there.is_none() {
            return f
                .write_str("nothing could be compared, for neither log told the other institution anything");
        }
        let told = |n: Option<u64>| {
            n.map_or_else(|| "nothing was told".to_owned(), |n| format!("holds #{n} as told"))
        };
        write!(f, "this one {}, the other one {}", told(self.told_there), told(self.told_here))
    }
}

/// Verifies a custody record against the log keys in the entries of `trust`. Offline.
///
/// A receipt in it is verified against its issuer's entry, and not checked if `trust` has none. With
/// `other`, the record of a counterpart, that one is verified as well, and each must hold what its log
/// told the other's institution.
///
/// # Errors
/// Unverified, naming the part that fails; also without an entry of the institution.
pub fn verify(record: &[u8], other: Option<&[u8]>, trust: &Trust) -> Result<RecordVerified, Problem> {
    let (institution, verified) = verify_one(record, trust)?;
    let mut facts = facts(institution, &verified, trust)?;
    facts.compared = other.map(|other| compare(&verified, other, trust)).transpose()?;
    Ok(facts)
}

fn verify_one(record: &[u8], trust: &Trust) -> Result<(PartyId, VerifiedRecord), Problem> {
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
    Ok((institution, verified))
}

/// Compares two records: what the log of each told the other's institution, it must hold. Where neither told anything,
/// they must at least be of one case.
fn compare(record: &VerifiedRecord, other: &[u8], trust: &Trust) -> Result<Compared, Problem> {
    let (institution, other) = verify_one(other, trust)?;
    if institution == *record.institution() {
        return Err(Problem::usage("both records are of one institution")
            .with_hint("give the record of a counterpart of the same case with --compare"));
    }
    let told_here = holds_what_was_told(&other, record, trust)?;
    let told_there = holds_what_was_told(record, &other, trust)?;
    let (number, others) = (record.shared_number(), other.shared_number());
    // An order has another number than the request that it serves; then what was told ties the two records.
    if told_here.is_none() && told_there.is_none() && (number != others || number.is_none()) {
        let none = || "no case that two institutions share".to_owned();
        let name = |number: Option<&SharedNumber>| number.map_or_else(none, ToString::to_string);
        return Err(Problem::unverified("nothing says that the two records are of one case")
            .with_details(vec![
                format!("{}: {}", record.institution(), name(number)),
                format!("{institution}: {}", name(others)),
            ])
            .with_hint("give the record of a counterpart of the same case with --compare"));
    }
    Ok(Compared { told_here, told_there, record_sha256: other.digest(), institution })
}

/// The number up to which `teller` told the institution of `hearer`, if it told it anything.
fn holds_what_was_told(
    teller: &VerifiedRecord,
    hearer: &VerifiedRecord,
    trust: &Trust,
) -> Result<Option<u64>, Problem> {
    let institution = teller.institution();
    let told = hearer.streams().iter().filter_map(VerifiedStream::told);
    let Some(told) = told.into_iter().find(|told| told.counterpart() == institution) else { return Ok(None) };
    // What was told in an epoch that ended is signed with the key that the next one names.
    let mut keys = trust.log_keys_of(institution);
    let closed = teller.epochs().iter().map(VerifiedEpoch::closed_key);
    keys.extend(closed.filter(|key| !trust.log_keys_of(institution).contains(key)).cloned());
    let head =
        told.verify(&keys).map_err(|error| fails_at(&format!("told {institution}")).because(&error))?;
    teller.compare_head(&head).map_err(|error| {
        Problem::unverified(format!("the record of {institution} does not hold what its log told"))
            .because(&error)
            .with_details(vec![format!("told to: {}", hearer.institution())])
            .with_hint(match error {
                HeadMismatch::Lost { .. } => {
                    "the office restored a backup and says that it lost entries; the other record shows that this was one of them"
                }
                _ => "the log has two histories, or the records are of two cases",
            })
    })?;
    Ok(Some(head.head().n))
}

fn facts(institution: PartyId, verified: &VerifiedRecord, trust: &Trust) -> Result<RecordVerified, Problem> {
    let stream = |stream: &VerifiedStream| {
        Ok::<_, Problem>(StreamFacts {
            stream: stream.stream().to_string(),
            complete_to: stream.complete_to(),
            known: stream.receipted().map(|head| known(head, trust)).transpose()?,
            told: stream.told().map(|head| told(head, trust)).transpose()?,
        })
    };
    Ok(RecordVerified {
        verified: true,
        institution,
        origin: verified.origin().to_string(),
        shared_number: verified.shared_number().map(ToString::to_string),
        checkpoint_size: verified.checkpoint().size(),
        checkpoint_root: *verified.checkpoint().root(),
        witnesses: witnessed(verified.checkpoint(), verified.cosignatures(), trust)?,
        epochs: verified.epochs().iter().map(|epoch| ended(epoch, trust)).collect::<Result<_, _>>()?,
        entries: verified.entries().len(),
        erased: verified.is_erased(),
        streams: verified.streams().iter().map(stream).collect::<Result<_, _>>()?,
        compared: None,
        record_sha256: verified.digest(),
    })
}

/// How an epoch of the log ended, and who knows how far it had come.
fn ended(epoch: &VerifiedEpoch, trust: &Trust) -> Result<EpochFacts, Problem> {
    let known_to = epoch.witnessed().map(|(seen, lines)| witnessed(seen, lines, trust)).transpose()?;
    Ok(EpochFacts {
        closed: epoch.closed().to_string(),
        ended: epoch.at().to_string(),
        restored_size: epoch.restored_size(),
        witnessed_size: epoch.witnessed().map(|(seen, _)| seen.size()),
        lost: epoch.lost(),
        known_to: known_to.unwrap_or_default(),
        silent: epoch.silent().to_vec(),
        reason: epoch.reason().to_owned(),
    })
}

/// What a counterpart's log told, if its key is at hand.
fn told(head: &ToldHead, trust: &Trust) -> Result<ToldBy, Problem> {
    let counterpart = head.counterpart();
    // Of an earlier epoch of its log the entry of today says nothing.
    let mut keys = trust.log_keys_of(counterpart);
    keys.retain(|key| key.name() == head.origin().to_string());
    let verified = if keys.is_empty() {
        None
    } else {
        let part = format!("told {counterpart}");
        Some(head.verify(&keys).map_err(|error| fails_at(&part).because(&error))?)
    };
    Ok(ToldBy {
        counterpart: counterpart.clone(),
        n: verified.as_ref().map(|head| head.head().n),
        leaf_sha256: verified.map(|head| head.head().leaf),
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
        let problem = verify(b"{}", None, &Trust::default()).expect_err("no key");
        assert_eq!(problem.exit().code(), 4);
    }
}
