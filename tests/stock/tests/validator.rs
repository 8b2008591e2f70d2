//! Packages made here satisfy a CAdES validator that is not ours (pyHanko) and other people's archivers; tampered ones
//! do not.

use rogatory_evidence::{NoProgress, add_seal};
use rogatory_pki::signing::Signer as _;
use rogatory_stock_tools::formal::{Authority, PARTY};
use rogatory_stock_tools::inspection as inspect;
use rogatory_stock_tools::office::Office;
use rogatory_stock_tools::tools::{Ended, own_file, python, run, text};
use std::fs;
use std::path::Path;

fn validate(folder: &Path, anchors: &Path) -> Ended {
    run(python(), &[text(&own_file("python/cades.py")), text(folder), text(anchors)], folder)
}

fn sealed() -> Office {
    let office = Office::new();
    fs::write(office.path("letter.txt"), "a letter\n".repeat(9_000)).expect("writes");
    office.seal_as_officer_of(PARTY, "PK.asice", &["letter.txt"]).succeeds();
    let authority = Authority::new();
    let at = office.signer().chain()[0].not_before().plus_seconds(60);
    add_seal(&office.path("PK.asice"), &authority.seal, at, &mut NoProgress).expect("seals");
    office.trust_too(&authority.anchors_pem);
    office
}

#[test]
fn the_signatures_of_person_and_institution_are_valid_intact_and_trusted() {
    let office = sealed();
    let folder = inspect::zip_readers(&office.path("PK.asice"), &office.path("unzipped"));
    let said = validate(&folder, &office.path("all.pem")).succeeds();
    let passed = "valid, intact, trusted, AdES basic validation passed";
    said.says(&format!("META-INF/signature001.p7s: {passed}"))
        .says(&format!("META-INF/signature002.p7s: {passed}"));
    // Under the person's root alone the seal is nobody's.
    let said = validate(&folder, &office.path("anchors.pem")).exits(1);
    said.says("META-INF/signature002.p7s: not trusted");
}

#[test]
fn a_tampered_manifest_or_signature_is_refused_by_the_validator_too() {
    let office = sealed();
    let folder = inspect::zip_readers(&office.path("PK.asice"), &office.path("unzipped"));
    let anchors = office.path("all.pem");
    let manifest = folder.join("META-INF/ASiCManifest001.xml");
    let whole = fs::read_to_string(&manifest).expect("reads");
    fs::write(&manifest, whole.replace("index.age", "index.agf")).expect("writes");
    validate(&folder, &anchors).exits(1).says("META-INF/signature001.p7s: not intact");
    fs::write(&manifest, whole).expect("writes");
    validate(&folder, &anchors).succeeds();
    let signature = folder.join("META-INF/signature002.p7s");
    let mut bytes = fs::read(&signature).expect("reads");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&signature, bytes).expect("writes");
    validate(&folder, &anchors).exits(1).says("META-INF/signature002.p7s");
}

#[test]
fn seven_zip_tests_and_extracts_every_entry() {
    let office = sealed();
    let container = office.path("PK.asice");
    run("7z", &["t", "-tzip", text(&container)], &office.path("")).succeeds().says("Everything is Ok");
    let into = format!("-o{}", text(&office.path("by 7z")));
    run("7z", &["x", "-tzip", "-y", &into, text(&container)], &office.path("")).succeeds();
    let unzipped = inspect::zip_readers(&container, &office.path("unzipped"));
    assert_eq!(inspect::digests(&office.path("by 7z")), inspect::digests(&unzipped));
}
