//! Bundles as they are made: what is right goes in as a stream, what is wrong leaves nothing behind.
//!
//! The case around the exhibits is made up here; `tests/stock` has whole cases.

use super::case_record::Log;
use super::*;
use crate::bundle::{
    BundleCase, BundleError, BundleForm, BundleOfficer, BundlePackage, BundleReport, BundleRequest, Named,
    make,
};
use crate::exhibit::ExhibitNumber;
use crate::verify::{Form, Part};
use rogatory_core::{Digest, SharedNumber};
use std::fs;

pub(super) fn case() -> BundleCase {
    let number = "MD-JF58-JXH4-09RC-SPTW-27".parse::<SharedNumber>().expect("a number");
    let named = [("document-transmitted", Digest::of(b"no document of this bundle"))];
    BundleCase {
        record: Log::of("md/central-authority")
            .record(&number, "gb/central-authority", &named)
            .to_bytes()
            .expect("a record"),
        shared_number: number,
        documents: Vec::new(),
        receipts: Vec::new(),
        parties: Vec::new(),
        certificates: Vec::new(),
        revocation: Vec::new(),
        stamps: Vec::new(),
    }
}

/// Makes a bundle of `PK.asice` with these exhibits; all if none are named.
fn bundle(
    bench: &Bench,
    exhibits: &[u32],
    case: BundleCase,
    with_key: bool,
) -> Result<BundleReport, BundleError> {
    let mut progress = NoProgress;
    let numbers = exhibits.iter().map(|number| ExhibitNumber::new(*number).expect("in range")).collect();
    let verify = if with_key { bench.options_with_identity() } else { bench.options() };
    make(BundleRequest {
        package: BundlePackage::Clear {
            path: bench.path("PK.asice"),
            verify: Box::new(verify),
            exhibits: numbers,
            sensitive: None,
            stamp: None,
        },
        case,
        officer: BundleOfficer {
            institution: bench.office.party.clone(),
            officer: OfficerId::new(bench.office.party.clone(), "rusu").expect("an officer"),
            signer: &bench.office.officer,
            function: Some("officer".to_owned()),
        },
        now: now(),
        program: "a test".to_owned(),
        output: bench.path("bundle.asice"),
        progress: &mut progress,
    })
}

fn nothing_is_left(bench: &Bench) {
    let output = bench.path("bundle.asice");
    assert!(!output.exists() && crate::leftovers(&output).is_empty());
}

#[test]
fn the_exhibits_in_a_bundle_are_those_that_were_sealed() {
    let bench = bench();
    bench.small_package("PK.asice");
    let report = bundle(&bench, &[1, 3], case(), true).expect("makes");
    assert_eq!((report.form, report.exhibits.len(), report.left_out.len()), (BundleForm::Clear, 2, 0));
    let verdict = check(&bench.path("bundle.asice"), &bench.options());
    assert_eq!(verdict.form(), Form::Bundle);
    let checked =
        |part| verdict.checks().iter().any(|check| check.part == part && check.outcome == Outcome::Checked);
    for part in [Part::Bundle, Part::BundleSignature, Part::Contents, Part::Agreement, Part::PersonSignature]
    {
        assert!(checked(part), "{part}: {verdict}");
    }
    // Nobody gave the key of the log, and that is said.
    assert!(verdict.is_verified() && !checked(Part::Custody) && !checked(Part::Witness), "{verdict}");
    let bytes = fs::read(bench.path("bundle.asice")).expect("reads");
    let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(holds(b"the content of the letter") && holds(b"exhibits/EX-0003/photos.tar"));
    assert!(!holds(b"exhibits/EX-0002"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(bench.path("bundle.asice")).expect("reads").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "the exhibits are in the clear");
    }
    let again = bundle(&bench, &[1], case(), true).expect_err("it is there");
    assert!(rogatory_core::chain(&again).contains("exists already"), "{again}");
}

#[test]
fn what_cannot_be_verified_makes_no_bundle() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    assert!(matches!(bundle(&bench, &[], case(), false), Err(BundleError::NoIdentity)));
    nothing_is_left(&bench);
    let missing = bundle(&bench, &[9], case(), true);
    assert!(matches!(missing, Err(BundleError::Choice(_))), "{missing:?}");
    nothing_is_left(&bench);
    let unreadable = BundleCase { record: b"{}".to_vec(), ..case() };
    assert!(matches!(bundle(&bench, &[], unreadable, true), Err(BundleError::Record(_))));
    nothing_is_left(&bench);
    let mut strange = case();
    strange.documents.push(Named { name: "../x.asice".to_owned(), bytes: Vec::new() });
    assert!(matches!(bundle(&bench, &[], strange, true), Err(BundleError::Name { .. })));
    nothing_is_left(&bench);
    // A byte of an exhibit's ciphertext, behind its header.
    let mut bytes = fs::read(&package).expect("reads");
    let at = bytes.windows(16).position(|window| window == b"data/EX-0003.age").expect("there") + 3_000;
    bytes[at] ^= 1;
    fs::write(&package, bytes).expect("writes");
    let damaged = bundle(&bench, &[], case(), true);
    assert!(matches!(damaged, Err(BundleError::NotVerified(_))), "{damaged:?}");
    nothing_is_left(&bench);
}
