//! Whether the parts of a bundle speak of one another: package, receipts, documents, record and the number of the case.
//!
//! Pure: takes what was verified and compares digests and numbers. Every part may be right by itself and yet be of another
//! case; that is found here.

use super::case::{Case, CaseReceipt};
use super::custody::NO_BODY;
use super::statement::{BundleForm, Statement};
use crate::verify::verdict::{Findings, Part, Requirement};
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::record::VerifiedRecord;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

const PART: Part = Part::Relations;

/// Anybody can put the outer part of some original beside age files of his own; what is inside names its original.
const NOT_TIED: &str = "only who can open the exhibits can tell whether they are the original's";

/// Where in the record a digest is named: `md/central-authority #3 package-received`.
struct Entries {
    places: HashMap<Digest, String>,
    /// Whether no body is there, so that none can name anything.
    is_erased: bool,
}

impl Entries {
    fn of(record: &VerifiedRecord) -> Self {
        let mut places = HashMap::new();
        for entry in record.entries() {
            let Some(body) = entry.body() else { continue };
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
        Self { places, is_erased: record.is_erased() }
    }

    /// Notes that the record names `digest`, or that it does not.
    fn demand(&self, what: &str, digest: &Digest, findings: &mut Findings) {
        match self.places.get(digest) {
            Some(place) => findings.checked(PART, format!("{what} is named in the custody record: {place}")),
            None if self.is_erased => {
                findings
                    .not_checked(PART, format!("{what} is not looked up in the custody record: {NO_BODY}"));
            }
            None => findings.failed(PART, Some(what), "no entry of the custody record names it"),
        }
    }
}

/// What is known of the package in the bundle.
#[derive(Clone, Copy)]
pub(super) struct PackageFacts {
    /// The manifest by which receipts and log know the package: of a derived one the original's.
    pub(super) known_as: Digest,
    /// Whether the exhibits are known to be that package's: it is no derived one, or what is inside was read.
    pub(super) tied: bool,
}

/// Relates everything that was verified. Where that is required, what could not be related is a failure.
pub(super) fn relate(
    statement: &Statement,
    package: Option<PackageFacts>,
    case: &Case,
    record: Option<&VerifiedRecord>,
    require: &BTreeSet<Requirement>,
    findings: &mut Findings,
) {
    relate_all(statement, package, case, record, findings);
    if require.contains(&Requirement::Relations) && findings.any_not_checked_of(PART) {
        // A single relation that holds is not what was asked for.
        findings.failed(PART, None, "relations were required, and not all of them are checked");
    }
}

fn relate_all(
    statement: &Statement,
    package: Option<PackageFacts>,
    case: &Case,
    record: Option<&VerifiedRecord>,
    findings: &mut Findings,
) {
    let number = &statement.shared_number;
    relate_numbers(number, case, record, findings);
    let entries = record.map(Entries::of);
    relate_receipts(number, package, case, findings);
    match (package, &entries) {
        // Whatever is inside, the log must know the original that the package names.
        (Some(PackageFacts { known_as, tied }), Some(entries))
            if tied || !entries.is_erased && !entries.places.contains_key(&known_as) =>
        {
            entries.demand("the package", &known_as, findings);
        }
        (Some(_), Some(_)) => {
            findings
                .not_checked(PART, format!("the package is not looked up in the custody record: {NOT_TIED}"));
        }
        _ => {}
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

/// Receipts are of this case and of what is in the bundle. What a seal says that nobody compared is never counted as known.
fn relate_receipts(
    number: &SharedNumber,
    package: Option<PackageFacts>,
    case: &Case,
    findings: &mut Findings,
) {
    let known_as = package.map(|package| package.known_as);
    let mut found = false;
    for one in &case.receipts {
        match &one.receipt.of {
            Receipted::Package { shared_number, manifest_sha256, .. } => {
                let of_case = is_of_case(shared_number, number, case);
                if known_as.is_some_and(|known_as| known_as != *manifest_sha256) {
                    findings.failed(PART, Some(&one.name), "it is a receipt for another package");
                } else if !of_case {
                    let why = format!("it is under number {shared_number}, and the bundle is of {number}");
                    findings.failed(PART, Some(&one.name), why);
                } else if let Some(package) = package {
                    found = true;
                    relate_package(one, shared_number, package, findings);
                } else if one.receipt.receipt == ReceiptKind::Relay {
                    let why = format!("`{}`: the package that was relayed is not in the bundle", one.name);
                    findings.not_checked(PART, why);
                }
            }
            Receipted::Document { container_sha256, shared_number, .. } => {
                let document = case.documents.iter().find(|one| one.container == *container_sha256);
                match document {
                    Some(document) if one.published => {
                        let text = format!("`{}` is the receipt for `{}`", one.name, document.name);
                        findings.checked(PART, text);
                    }
                    Some(_) => findings.not_checked(PART, not_compared(one)),
                    // Of a document that is left out, its own number still says which case it is of.
                    None if is_of_case(shared_number, number, case) => {}
                    None => {
                        let why =
                            format!("it is under number {shared_number}, and the bundle is of {number}");
                        findings.failed(PART, Some(&one.name), why);
                    }
                }
            }
        }
    }
    if package.is_some() && !found {
        findings.not_checked(PART, "no receipt for the package is in the bundle");
    }
}

/// A number is that of the bundle, or of a document in it.
fn is_of_case(found: &SharedNumber, number: &SharedNumber, case: &Case) -> bool {
    found == number || case.documents.iter().any(|one| one.document.shared_number == *found)
}

/// A receipt names this package, under the number of the case.
fn relate_package(
    one: &CaseReceipt,
    shared_number: &SharedNumber,
    package: PackageFacts,
    findings: &mut Findings,
) {
    let (name, kind) = (&one.name, one.receipt.receipt.as_str());
    let (issuer, at) = (&one.receipt.issuer.party, one.receipt.issued_time);
    if !one.published {
        findings.not_checked(PART, not_compared(one));
    } else if package.tied {
        let text = format!(
            "`{name}`: {kind} of this very package under number {shared_number}, by {issuer} at {at}"
        );
        findings.checked(PART, text);
    } else {
        let why = format!(
            "`{name}`: {kind} of the original under number {shared_number}, by {issuer} at {at}; {NOT_TIED}"
        );
        findings.not_checked(PART, why);
    }
}

fn not_compared(one: &CaseReceipt) -> String {
    let issuer = &one.receipt.issuer.party;
    format!("`{}`: its seal was not compared with that of {issuer}, whose entry was not given", one.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::verdict::{Check, Outcome};
    use rogatory_core::PackageId;
    use rogatory_core::receipt::Receipt;
    use rogatory_custody::note::Vkey;
    use rogatory_custody::record::verify_record;

    /// The number of the case in the vectors of records.
    const NUMBER: &str = "MD-B9D5-MPJT-B9D5-MPJT-07";
    const OTHER: &str = "MD-JF58-JXH4-09RC-SPTW-27";

    fn manifest() -> Digest {
        Digest::of(b"the signed manifest")
    }

    fn statement() -> Statement {
        let text = format!(
            r#"{{"format":1,"profile":1,"form":"documents","shared_number":"{NUMBER}","institution":"md/central-authority","officer":"md/central-authority/officer/rusu","made_time":"2026-11-22T14:20:00Z","program":"rogatory","package":null,"exhibits":[]}}"#
        );
        Statement::from_bytes(text.as_bytes()).expect("a statement")
    }

    fn receipt(kind: ReceiptKind, number: &str, published: bool) -> CaseReceipt {
        let party = |text: &str| text.parse().expect("a party");
        let issuer = rogatory_core::document::NamedParty {
            party: party("md/central-authority"),
            name: "MD".to_owned(),
        };
        let of = Receipted::Package {
            sender: party("md/nistru-chat"),
            shared_number: number.parse().expect("a number"),
            package: PackageId::of_manifest(&manifest()),
            manifest_sha256: manifest(),
            objects_sha256: Digest::of(b"objects"),
            size_bytes: 1,
        };
        let at = "2026-11-22T14:27:30Z".parse().expect("an instant");
        let receipt = Receipt::new(kind, issuer, party("gb/central-authority"), at, of, None);
        CaseReceipt {
            name: "receipts/one.asice".to_owned(),
            receipt,
            container: Digest::of(b"one"),
            published,
        }
    }

    /// What is found of one receipt, the line about it last.
    fn related(package: Option<PackageFacts>, receipt: CaseReceipt) -> Check {
        let mut case = Case::default();
        case.receipts.push(receipt);
        let mut findings = Findings::default();
        relate_receipts(&NUMBER.parse().expect("a number"), package, &case, &mut findings);
        let mut checks = findings.into_checks();
        checks.retain(|check| check.text.contains("receipts/one.asice"));
        assert_eq!(checks.len(), 1, "{checks:?}");
        checks.remove(0)
    }

    fn is_not_checked(check: &Check) -> bool {
        matches!(check.outcome, Outcome::NotChecked { .. })
    }

    #[test]
    fn a_receipt_says_something_of_the_package_only_under_a_published_seal() {
        let package = Some(PackageFacts { known_as: manifest(), tied: true });
        let check = related(package, receipt(ReceiptKind::Relay, NUMBER, true));
        assert_eq!(check.outcome, Outcome::Checked, "{}", check.text);
        assert!(check.text.contains("relay of this very package"), "{}", check.text);
        let check = related(package, receipt(ReceiptKind::Relay, NUMBER, false));
        assert!(is_not_checked(&check) && check.text.contains("whose entry was not given"), "{check:?}");
    }

    #[test]
    fn what_lies_in_an_origin_that_nobody_opened_ties_nothing() {
        let package = Some(PackageFacts { known_as: manifest(), tied: false });
        let check = related(package, receipt(ReceiptKind::Relay, NUMBER, true));
        assert!(is_not_checked(&check) && check.text.contains(NOT_TIED), "{check:?}");
    }

    #[test]
    fn without_a_package_a_receipt_for_one_is_of_the_case_or_does_not_belong() {
        let check = related(None, receipt(ReceiptKind::Relay, OTHER, true));
        assert!(matches!(check.outcome, Outcome::Failed { .. }), "{check:?}");
        let check = related(None, receipt(ReceiptKind::Relay, NUMBER, true));
        assert!(is_not_checked(&check), "{check:?}");
    }

    #[test]
    fn an_erased_record_ties_nothing_and_does_not_pass_for_one_that_does() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/custody/record-good-erased.txt");
        let text = std::fs::read_to_string(path).expect("a vector");
        let (head, record) = text.split_once("---\n").expect("a header");
        let keys = head.lines().filter_map(|line| line.strip_prefix("# vkey: "));
        let keys: Vec<Vkey> = keys.map(|key| key.parse().expect("a key")).collect();
        let record = verify_record(record.as_bytes(), &keys).expect("a record");
        let mut case = Case::default();
        case.receipts.push(receipt(ReceiptKind::Delivery, NUMBER, true));
        let judge = |require: &BTreeSet<Requirement>| {
            let mut findings = Findings::default();
            relate(&statement(), None, &case, Some(&record), require, &mut findings);
            findings
        };
        let findings = judge(&BTreeSet::new());
        assert!(!findings.any_failed(), "nothing is wrong");
        assert!(
            findings.into_checks().iter().any(|check| is_not_checked(check) && check.text.contains(NO_BODY))
        );
        assert!(judge(&BTreeSet::from([Requirement::Relations])).any_failed());
    }
}
