//! The formal documents, receipts and party entries in a bundle.
//!
//! Holds the look at each container: every signature up to an anchor, the signers that its kind demands, and the seal
//! against the one that its institution published. May read objects. Never believes an entry for lying in the bundle.

use super::layout::{DOCUMENTS, PARTIES, RECEIPTS};
use super::time::Times;
use crate::formal::{claim, judge_signers};
use crate::known::SealStanding;
use crate::source::PackageSource;
use crate::streams::read_limited;
use crate::verify::VerifyOptions;
use crate::verify::revocation::Used;
use crate::verify::verdict::{Findings, Part};
use rogatory_container::asice::{self, Asice, MAX_DOCUMENT_BYTES, VerifiedAsice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::{DATA_FILE, Document, DocumentKind};
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, Timestamp, chain};

/// A document whose signatures hold.
pub(super) struct CaseDocument {
    pub(super) name: String,
    pub(super) document: Document,
    pub(super) container: Digest,
}

/// A receipt whose seal holds.
pub(super) struct CaseReceipt {
    pub(super) name: String,
    pub(super) receipt: Receipt,
    pub(super) container: Digest,
    /// Whether it is the seal that its issuer publishes. Otherwise anybody under an anchor may have made it.
    pub(super) published: bool,
}

/// What the case gave, as far as it holds.
#[derive(Default)]
pub(super) struct Case {
    pub(super) documents: Vec<CaseDocument>,
    pub(super) receipts: Vec<CaseReceipt>,
    /// All of them, for whoever asks about their certificates, each with the instant at which it is proven to have existed.
    verified: Vec<(VerifiedAsice, Option<Timestamp>)>,
    /// How many of each there are, those that fail included.
    pub(super) document_count: usize,
    pub(super) receipt_count: usize,
}

/// Looks at all containers of the case.
pub(super) fn examine_case(source: &dyn PackageSource, times: &Times<'_>, findings: &mut Findings) -> Case {
    let mut case = Case::default();
    for object in source.objects() {
        let name = object.name;
        if name.starts_with(DOCUMENTS) {
            case.document_count += 1;
            case.add_document(name, source, times, findings);
        } else if name.starts_with(RECEIPTS) {
            case.receipt_count += 1;
            case.add_receipt(name, source, times, findings);
        } else if name.starts_with(PARTIES) {
            examine_entry(&name, source, &times.options_for(Some(&name)), findings);
        }
    }
    case
}

impl Case {
    /// Keeps a container that was verified, for the question of revocation.
    pub(super) fn keep(&mut self, verified: VerifiedAsice, proven: Option<Timestamp>) {
        self.verified.push((verified, proven));
    }

    /// Every path that was used in its containers.
    pub(super) fn used(&self) -> impl Iterator<Item = Used<'_>> {
        self.verified.iter().flat_map(|(one, proven)| {
            one.signatures().iter().map(|signature| Used { path: signature.path(), proven: *proven })
        })
    }

    fn add_document(
        &mut self,
        name: String,
        source: &dyn PackageSource,
        times: &Times<'_>,
        findings: &mut Findings,
    ) {
        let Some((bytes, asice)) = read_container(Part::Document, &name, source, findings) else { return };
        let document = match Document::from_json(asice.file(DATA_FILE).unwrap_or_default()) {
            Ok(document) => document,
            Err(error) => return findings.failed(Part::Document, Some(&name), chain(&error)),
        };
        let options = times.options_for(Some(&name));
        if let Some((verified, _)) = examine_sealed(Part::Document, &name, &asice, &options, findings) {
            self.keep(verified, times.proven(Some(&name)));
            self.documents.push(CaseDocument { name, document, container: Digest::of(&bytes) });
        }
    }

    fn add_receipt(
        &mut self,
        name: String,
        source: &dyn PackageSource,
        times: &Times<'_>,
        findings: &mut Findings,
    ) {
        let Some((bytes, asice)) = read_container(Part::Receipt, &name, source, findings) else { return };
        let receipt = match Receipt::from_json(asice.file(DATA_FILE).unwrap_or_default()) {
            Ok(receipt) => receipt,
            Err(error) => return findings.failed(Part::Receipt, Some(&name), chain(&error)),
        };
        let options = times.options_for(Some(&name));
        if let Some((verified, seal)) = examine_sealed(Part::Receipt, &name, &asice, &options, findings) {
            self.keep(verified, times.proven(Some(&name)));
            let (container, published) = (Digest::of(&bytes), seal == SealStanding::Published);
            self.receipts.push(CaseReceipt { name, receipt, container, published });
        }
    }
}

fn read_container(
    part: Part,
    name: &str,
    source: &dyn PackageSource,
    findings: &mut Findings,
) -> Option<(Vec<u8>, Asice)> {
    let limit = usize::try_from(MAX_DOCUMENT_BYTES).unwrap_or(1 << 20);
    let bytes = source.open(name).and_then(|mut reader| read_limited(&mut *reader, limit));
    let bytes = bytes
        .map_err(|error| findings.failed(part, Some(name), format!("it cannot be read: {error}")))
        .ok()?;
    let asice = Asice::from_bytes(&bytes, ZipLimits::DOCUMENT);
    let asice = asice.map_err(|error| findings.failed(part, Some(name), chain(&error))).ok()?;
    Some((bytes, asice))
}

/// Verifies every signature of a sealed container and whose they are; none if that fails. Whether the seal is a
/// published one is told beside: it may be that nobody could compare it.
pub(super) fn examine_sealed(
    part: Part,
    name: &str,
    asice: &Asice,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<(VerifiedAsice, SealStanding)> {
    if options.anchors.is_empty() {
        let why = match asice::verify_integrity(asice) {
            Ok(_) => "integrity only, nobody vouches for the signers: no trust anchor was given".to_owned(),
            Err(error) => chain(&error),
        };
        findings.failed(part, Some(name), why);
        return None;
    }
    let verified = match asice::verify(asice, options.anchors, options.at) {
        Ok(verified) => verified,
        Err(error) => {
            findings.failed(part, Some(name), chain(&error));
            return None;
        }
    };
    let signed = match judge_signers(&verified, options.institutions) {
        Ok(signed) => signed,
        Err(error) => {
            findings.failed(part, Some(name), error.to_string());
            return None;
        }
    };
    let (kind, sender) = (signed.claim.kind, &signed.claim.sender);
    if signed.seal == SealStanding::Published {
        let mut text = format!("`{name}`: {kind} of {sender}, sealed as {sender} publishes its seal");
        for person in &signed.persons {
            text.push_str(&format!("; signed by {} as {}", person.person, person.function));
        }
        findings.checked(part, text);
    } else {
        let why = format!(
            "`{name}`: the signatures lead to an anchor; the seal was not compared with that of {sender}, whose entry was not given"
        );
        findings.not_checked_as(part, &why, why.clone());
    }
    Some((verified, signed.seal))
}

/// An entry in the bundle is there for the reader's convenience: it is compared with those that somebody trusts, and
/// otherwise only said to be nothing that proves anything.
fn examine_entry(
    name: &str,
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) {
    let Some((bytes, asice)) = read_container(Part::Party, name, source, findings) else { return };
    let claim = match claim(&asice) {
        Ok(claim) if claim.kind == DocumentKind::PartyEntry => claim,
        Ok(claim) => {
            let why = format!("it is a {}, and a party entry is expected", claim.kind);
            return findings.failed(Part::Party, Some(name), why);
        }
        Err(error) => return findings.failed(Part::Party, Some(name), error.to_string()),
    };
    let party = claim.sender;
    if let Err(error) = asice::verify_integrity(&asice) {
        return findings.failed(Part::Party, Some(name), chain(&error));
    }
    if options.institutions.iter().any(|known| *known.party() == party) {
        if examine_sealed(Part::Party, name, &asice, options, findings).is_some() {
            let print = Digest::of(&bytes);
            findings.checked(Part::Party, format!("`{name}`: the entry of {party}, fingerprint {print}"));
        }
    } else {
        let why = format!(
            "`{name}`: it proves nothing by lying here; compare its fingerprint {} with the one that {party} tells you, then give it with --trust",
            Digest::of(&bytes)
        );
        findings.not_checked_as(Part::Party, &why, why.clone());
    }
}
