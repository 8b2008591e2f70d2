//! Whether the parts of a bundle speak of one another: package, receipts, documents, record and the number of the case.
//!
//! Pure: takes what was verified and compares digests and numbers. Every part may be right by itself and yet be of another
//! case; that is found here.

use super::case::Case;
use super::statement::{BundleForm, Statement};
use crate::transmittal::Transmittal;
use crate::verify::verdict::{Findings, Part};
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::record::VerifiedRecord;
use serde_json::Value;
use std::collections::HashMap;

const PART: Part = Part::Relations;

/// Where in the record a digest is named: `md/central-authority #3 package-received`.
struct Entries {
    places: HashMap<Digest, String>,
    has_erased: bool,
}

impl Entries {
    fn of(record: &VerifiedRecord) -> Self {
        let mut places = HashMap::new();
        let mut has_erased = false;
        for entry in record.entries() {
            let Some(body) = entry.body() else {
                has_erased = true;
                continue;
            };
            let body: Value = serde_json::from_slice(body.bytes()).unwrap_or_default();
            let event = body["event"].as_str().unwrap_or_default();
            for (field, value) in body.as_object().into_iter().flatten() {
                let digest = value.as_str().filter(|_| field.ends_with("_sha256"));
                if let Some(digest) = digest.and_then(|text| text.parse().ok()) {
                    let place = || format!("{} #{} {event}", entry.stream(), entry.n());
                    places.entry(digest).or_insert_with(place);
                }
            }
        }
        Self { places, has_erased }
    }

    /// Notes that the record names `digest`, or that it does not.
    fn demand(&self, what: &str, digest: &Digest, findings: &mut Findings) {
        match self.places.get(digest) {
            Some(place) => findings.checked(PART, format!("{what} is named in the custody record: {place}")),
            None if self.has_erased => findings.not_checked(
                PART,
                format!("{what} is not named in the custody record, of which entries were erased"),
            ),
            None => findings.failed(PART, Some(what), "no entry of the custody record names it"),
        }
    }
}

/// What is known of the package in the bundle.
pub(super) struct PackageFacts<'a> {
    pub(super) transmittal: &'a Transmittal,
    pub(super) manifest: Digest,
}

impl PackageFacts<'_> {
    /// The manifest by which receipts and log know the package: of a derived one the original's.
    fn known_as(&self) -> Digest {
        self.transmittal.origin.map_or(self.manifest, |origin| origin.manifest_sha256)
    }
}

/// Relates everything that was verified.
pub(super) fn relate(
    statement: &Statement,
    package: Option<&PackageFacts<'_>>,
    case: &Case,
    record: Option<&VerifiedRecord>,
    findings: &mut Findings,
) {
    let number = &statement.shared_number;
    relate_numbers(number, case, record, findings);
    let entries = record.map(Entries::of);
    if let Some(package) = package {
        relate_package(number, package, case, findings);
        if let Some(entries) = &entries {
            entries.demand("the package", &package.known_as(), findings);
        }
    }
    if statement.form == BundleForm::Documents {
        findings.not_checked(Part::Contents, "the bundle holds no exhibits");
    }
    let Some(entries) = entries else {
        let why = "the custody record was not verified, so nothing was looked up in it";
        return findings.not_checked(PART, why);
    };
    for one in &case.documents {
        entries.demand(&format!("`{}`", one.name), &one.container, findings);
    }
    for one in &case.receipts {
        // A relay receipt comes with a package and stands by its own seal: only who gave it logged it.
        let is_relay = one.receipt.receipt == ReceiptKind::Relay;
        if !is_relay || entries.places.contains_key(&one.container) {
            entries.demand(&format!("`{}`", one.name), &one.container, findings);
        }
    }
}

/// The number of the bundle is that of the record and of a document.
fn relate_numbers(
    number: &SharedNumber,
    case: &Case,
    record: Option<&VerifiedRecord>,
    findings: &mut Findings,
) {
    if let Some(record) = record {
        match record.shared_number() {
            Some(found) if found == number => {
                findings.checked(PART, format!("bundle and custody record are of case {number}"));
            }
            found => {
                let found = found.map_or("none", SharedNumber::as_str);
                let why = format!("its number is {found}, and the bundle's {number}");
                findings.failed(PART, Some(super::layout::RECORD), why);
            }
        }
    }
    if case.document_count == 0 {
        findings.not_checked(PART, "the bundle holds no document of the case");
    } else if let Some(one) = case.documents.iter().find(|one| one.document.shared_number == *number) {
        findings.checked(PART, format!("`{}` ({}) has the number {number}", one.name, one.document.kind));
    } else if case.documents.len() == case.document_count {
        findings.failed(PART, Some("documents/"), format!("none of them has the number {number}"));
    }
}

/// The package answers the case, by its receipt or by the order that it names.
fn relate_package(number: &SharedNumber, package: &PackageFacts<'_>, case: &Case, findings: &mut Findings) {
    let known_as = package.known_as();
    let mut found = false;
    for one in &case.receipts {
        match &one.receipt.of {
            Receipted::Package { shared_number, manifest_sha256, .. } if *manifest_sha256 == known_as => {
                found = true;
                let kind = one.receipt.receipt.as_str();
                let (issuer, at) = (&one.receipt.issuer.party, one.receipt.issued_time);
                findings.checked(
                    PART,
                    format!(
                        "`{}`: {kind} of this very package under number {shared_number}, by {issuer} at {at}",
                        one.name
                    ),
                );
                let under = |one: &&super::case::CaseDocument| one.document.shared_number == *shared_number;
                if shared_number != number && !case.documents.iter().any(|one| under(&one)) {
                    let why = format!("it is under number {shared_number}, and the bundle is of {number}");
                    findings.failed(PART, Some(&one.name), why);
                }
            }
            Receipted::Package { .. } => {
                findings.failed(PART, Some(&one.name), "it is a receipt for another package");
            }
            Receipted::Document { container_sha256, .. } => {
                // Of a document that is left out, its own number still says which case it is of.
                if let Some(document) = case.documents.iter().find(|one| one.container == *container_sha256) {
                    findings.checked(PART, format!("`{}` is the receipt for `{}`", one.name, document.name));
                }
            }
        }
    }
    if !found {
        findings.not_checked(PART, "no receipt for the package is in the bundle");
    }
}
