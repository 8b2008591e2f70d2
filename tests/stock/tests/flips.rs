//! One flipped bit, at any of a thousand places, fails the verification, and the report names the part.

use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::record::verify_record;
use rogatory_evidence::verify::{Outcome, Verdict};
use rogatory_evidence::{Identities, KnownInstitution, NoProgress, VerifyOptions, add_seal, verify};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::Signer as _;
use rogatory_stock_tools::custody::{Exported, exported};
use rogatory_stock_tools::exhibits::RAW_NAME;
use rogatory_stock_tools::flips::{Flip, Layout, flips};
use rogatory_stock_tools::formal::{Authority, NOW, PARTY, instant};
use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::text;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const OF_PACKAGE: usize = 350;
const OF_PACKAGE_WITH_KEY: usize = 150;
const OF_INDEX: usize = 150;
const OF_DOCUMENT: usize = 150;
const OF_RECORD: usize = 130;
const OF_CHECKPOINT_IN_RECORD: usize = 40;
const OF_CHECKPOINT: usize = 30;
const _: () = assert!(
    OF_PACKAGE
        + OF_PACKAGE_WITH_KEY
        + OF_INDEX
        + OF_DOCUMENT
        + OF_RECORD
        + OF_CHECKPOINT_IN_RECORD
        + OF_CHECKPOINT
        == 1000
);
/// Of each kind of file, how many go through the program itself.
const THROUGH_THE_PROGRAM: usize = 5;

/// What a verification starts from.
struct Known {
    anchors: Anchors,
    institutions: Vec<KnownInstitution>,
}

/// A package with both signatures, and its sender's entry.
fn package() -> (Office, Known) {
    let office = Office::new();
    write(&office.path("letter.txt"), b"the content of the letter\n");
    write(&office.path("photos/a.jpg"), &[7; 3000]);
    write(&office.path(Path::new("photos").join(OsStr::from_bytes(RAW_NAME))), b"raw");
    office.seal_as_officer_of(PARTY, "PK.asice", &["letter.txt", "photos"]).succeeds();
    let authority = Authority::new();
    let at = office.signer().chain()[0].not_before().plus_seconds(60);
    add_seal(&office.path("PK.asice"), &authority.seal, at, &mut NoProgress).expect("seals");
    office.trust_too(&authority.anchors_pem);
    write(&office.path("entry.asice"), &authority.entry(&exported().key));
    let pem = fs::read_to_string(office.path("all.pem")).expect("reads");
    let known = Known {
        anchors: Anchors::from_pem(&pem, None).expect("anchors"),
        institutions: vec![authority.known()],
    };
    (office, known)
}

/// The same, opened; gives the path of the decrypted index.
fn index() -> (Office, Known, PathBuf) {
    let (office, known) = package();
    let open =
        ["package", "open", "PK.asice", "--identity", "officer.id", "--trust", "all.pem", "-o", "opened"];
    office.rogatory(&open).succeeds();
    let index = office.path("opened/index.asice");
    (office, known, index)
}

fn options<'a>(office: &Office, known: &'a Known) -> VerifyOptions<'a> {
    // Within the certificates' validity, without asking a clock.
    let at = office.signer().chain()[0].not_before().plus_seconds(120);
    VerifyOptions::new(&known.anchors, at).with_institutions(&known.institutions)
}

/// Flips bits of the file at `original` and demands of each that the report fails and names the part.
fn every_flip_is_named(original: &Path, seed: u64, count: usize, options: &VerifyOptions<'_>) {
    let bytes = fs::read(original).expect("reads");
    let sound = verify(original, options, &mut NoProgress);
    assert!(sound.is_verified(), "{sound}");
    let layout = Layout::of(&bytes);
    let changed = original.with_extension("flipped");
    let made = flips(seed, bytes.len(), count);
    assert_eq!(made.len(), count);
    for flip in made {
        fs::write(&changed, flip.of(&bytes)).expect("writes");
        let verdict = verify(&changed, options, &mut NoProgress);
        assert_named(&verdict, flip, layout.entry_at(flip.place));
    }
}

/// A flip in an entry's content is blamed on that entry, one in headers or directory on the container.
fn assert_named(verdict: &Verdict, flip: Flip, entry: Option<&str>) {
    assert!(!verdict.is_verified(), "{flip:?} in {entry:?} is not noticed");
    let failures: Vec<&str> = verdict.failures().map(|check| check.text.as_str()).collect();
    assert!(!failures.is_empty(), "{flip:?} in {entry:?}: no failure is listed: {verdict}");
    let failed = |text: &str| !text.is_empty() && text.contains(char::is_alphabetic);
    assert!(failures.iter().all(|text| failed(text)), "{flip:?}: {failures:?}");
    assert!(verdict.checks().iter().any(|check| matches!(check.outcome, Outcome::Failed { .. })));
    if let Some(entry) = entry {
        assert!(
            failures.iter().any(|text| text.contains(entry)),
            "{flip:?} in `{entry}` is blamed on {failures:?}"
        );
    }
}

#[test]
fn in_a_package_without_a_key() {
    let (office, known) = package();
    every_flip_is_named(&office.path("PK.asice"), 1, OF_PACKAGE, &options(&office, &known));
}

#[test]
fn in_a_package_with_the_recipients_key() {
    let (office, known) = package();
    let identity = fs::read_to_string(office.path("officer.id")).expect("reads");
    let identities = Identities::parse(&[&identity]).expect("an identity");
    let options = VerifyOptions { identities, ..options(&office, &known) };
    every_flip_is_named(&office.path("PK.asice"), 2, OF_PACKAGE_WITH_KEY, &options);
}

#[test]
fn in_a_decrypted_index() {
    let (office, known, index) = index();
    every_flip_is_named(&index, 3, OF_INDEX, &options(&office, &known));
}

#[test]
fn in_a_formal_document_with_three_signatures() {
    let authority = Authority::new();
    let request = authority.request();
    assert_eq!(request.signature_count(), 3);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("request.asice");
    write(&path, &request.to_bytes());
    let known = [authority.known()];
    let options = VerifyOptions::new(&authority.anchors, instant(NOW)).with_institutions(&known);
    every_flip_is_named(&path, 4, OF_DOCUMENT, &options);
}

/// Where the checkpoint stands in a record: its note is one JSON string.
fn checkpoint_in(record: &[u8]) -> std::ops::Range<usize> {
    let whole = std::str::from_utf8(record).expect("text");
    let key = "\"checkpoint\": \"";
    let start = whole.find(key).expect("a checkpoint") + key.len();
    let end = start + whole[start..].find("\",\n").expect("its end");
    start..end
}

#[test]
fn in_a_custody_record() {
    let Exported { bytes, key, .. } = exported();
    let trusted = [key.vkey().clone()];
    verify_record(&bytes, &trusted).expect("sound");
    for flip in flips(5, bytes.len(), OF_RECORD) {
        let error = verify_record(&flip.of(&bytes), &trusted).expect_err("a flipped bit");
        let part = error.part();
        let known = ["framing", "checkpoint", "heads", "head ", "entry "];
        assert!(known.iter().any(|known| part.starts_with(known)), "{flip:?} is blamed on `{part}`: {error}");
    }
}

#[test]
fn in_the_checkpoint_inside_a_record() {
    let Exported { bytes, key, .. } = exported();
    let trusted = [key.vkey().clone()];
    let place = checkpoint_in(&bytes);
    for flip in flips(6, place.len(), OF_CHECKPOINT_IN_RECORD) {
        let flip = Flip { place: place.start + flip.place, ..flip };
        let error = verify_record(&flip.of(&bytes), &trusted).expect_err("a flipped bit");
        // A bit that breaks the text or its spelling is found before anybody reads the checkpoint.
        assert!(
            ["checkpoint", "framing"].contains(&error.part().as_str()),
            "{flip:?}: {} ({error})",
            error.part()
        );
    }
}

#[test]
fn in_a_checkpoint_alone() {
    let Exported { checkpoint, key, .. } = exported();
    let trusted = [key.vkey().clone()];
    verify_checkpoint(checkpoint.as_bytes(), &trusted).expect("sound");
    for flip in flips(7, checkpoint.len(), OF_CHECKPOINT) {
        let error = verify_checkpoint(&flip.of(checkpoint.as_bytes()), &trusted).expect_err("a flipped bit");
        assert!(!error.to_string().is_empty());
    }
}

/// Flips bits of `name`, runs `rogatory` with `arguments`, and demands exit 4 and the name of the part.
fn through_the_program(office: &Office, name: &str, seed: u64, arguments: &[&str]) {
    let bytes = fs::read(office.path(name)).expect("reads");
    office.rogatory(arguments).succeeds();
    let layout = bytes.starts_with(b"PK").then(|| Layout::of(&bytes));
    for flip in flips(seed, bytes.len(), THROUGH_THE_PROGRAM) {
        write(&office.path(name), &flip.of(&bytes));
        let ended = office.rogatory(arguments).exits(4);
        let part = match &layout {
            Some(layout) => layout.entry_at(flip.place).unwrap_or("container"),
            None => "part: ",
        };
        assert!(ended.stderr.contains(part), "{flip:?} in `{part}`: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
    write(&office.path(name), &bytes);
    office.rogatory(arguments).succeeds();
}

#[test]
fn in_a_package_the_program_exits_4_and_names_the_part() {
    let (office, _) = package();
    let arguments = ["package", "verify", "PK.asice", "--trust", "anchors.pem", "--trust", "entry.asice"];
    through_the_program(&office, "PK.asice", 11, &arguments);
}

#[test]
fn in_an_index_the_program_exits_4_and_names_the_part() {
    let (office, _, index) = index();
    let arguments = ["package", "verify", text(&index), "--trust", "all.pem"];
    through_the_program(&office, "opened/index.asice", 12, &arguments);
}

#[test]
fn in_a_formal_document_the_program_exits_4_and_names_the_part() {
    let (office, authority) = (Office::new(), Authority::new());
    write(&office.path("request.asice"), &authority.request().to_bytes());
    write(&office.path("entry.asice"), &authority.entry(&exported().key));
    let arguments = ["package", "verify", "request.asice", "--trust", "entry.asice"];
    through_the_program(&office, "request.asice", 13, &arguments);
}

#[test]
fn in_a_custody_record_the_program_exits_4_and_names_the_part() {
    let (office, authority) = (Office::new(), Authority::new());
    let Exported { bytes, key, .. } = exported();
    write(&office.path("record.json"), &bytes);
    write(&office.path("entry.asice"), &authority.entry(&key));
    let arguments = ["custody", "verify", "record.json", "--trust", "entry.asice"];
    through_the_program(&office, "record.json", 14, &arguments);
}
