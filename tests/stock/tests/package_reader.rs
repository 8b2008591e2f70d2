//! A second reader of evidence packages, written in Python from the specification alone, agrees with the vectors and with what is sealed here.

use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::{Ended, project, python, run, text};
use std::fs;
use std::path::Path;

/// Runs a script of the reader; `-B`, so that nothing is written beside it.
#[track_caller]
fn reader(script: &str, arguments: &[&str], work: &Path) -> Ended {
    let script = project().join("tests/python/package_reader").join(script);
    let mut all = vec!["-B", text(&script)];
    all.extend(arguments);
    run(python(), &all, work)
}

#[test]
fn the_second_reader_agrees_with_every_vector() {
    let vectors = project().join("tests/vectors/package");
    let ended = reader("check_vectors.py", &[text(&vectors)], &project());
    ended.succeeds().says("vectors agree, 0 are of hybrid keys and were not read");
}

#[test]
fn a_vector_that_says_the_contrary_is_named() {
    let vectors = project().join("tests/vectors/package");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["good-sealed.asice", "bytes-after.asice", "anchors.pem", "identity.key"] {
        fs::copy(vectors.join(name), folder.path().join(name)).expect("a copy");
    }
    let given = "trust: anchors.pem\nidentity: identity.key\nat: 2026-11-22T14:20:00Z\n\n";
    write(&folder.path().join("good-sealed.txt"), format!("expect: refuse\npart: seal\n{given}").as_bytes());
    write(&folder.path().join("bytes-after.txt"), format!("expect: accept\n{given}").as_bytes());
    let ended = reader("check_vectors.py", &[text(folder.path())], folder.path());
    ended
        .exits(1)
        .says("good-sealed: it must be refused")
        .says("bytes-after: it must be accepted")
        .says("0 of 2");
}

#[test]
fn the_second_reader_accepts_what_is_sealed_here_and_refuses_it_for_others() {
    let office = Office::new();
    let long = vec![0x5a; 200_000]; // several chunks of an age payload
    write(&office.path("letter.txt"), b"A letter.");
    write(&office.path("long.bin"), &long);
    write(&office.path("photos/a.jpg"), &long);
    write(&office.path("photos/below/b.jpg"), b"");
    fs::hard_link(office.path("photos/a.jpg"), office.path("photos/below/again.jpg")).expect("a hard link");
    office.seal("PK.asice", &["letter.txt", "long.bin", "photos"]).succeeds();
    office.seal("PK", &["photos"]).succeeds();

    let work = office.path("");
    let given = ["--trust", "anchors.pem", "--identity", "officer.id", "--require", "contents"];
    for package in ["PK.asice", "PK"] {
        let mut arguments = vec![package];
        arguments.extend(given);
        reader("verify_package.py", &arguments, &work).succeeds().says("contents: checked");
    }
    let nobody = ["PK.asice", "--identity", "officer.id"];
    reader("verify_package.py", &nobody, &work).exits(1).says("integrity only");
    let _recipient = office.identity("stranger.id");
    let stranger = ["PK.asice", "--trust", "anchors.pem", "--identity", "stranger.id"];
    reader("verify_package.py", &stranger, &work).exits(1).says("none of its recipients");
}
