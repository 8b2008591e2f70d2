//! A court bundle of a whole case: made by the real programs, verified by them, followed to the letter by the page that
//! lies in it, and forged in every way that the page names.

use rogatory_core::Timestamp;
use rogatory_custody::cosignature::{WitnessKey, cosignatures_among};
use rogatory_custody::note::Note;
use rogatory_custody::record::Record;
use rogatory_evidence::verify::Verdict;
use rogatory_evidence::{KnownInstitution, NoProgress, TimeProof, VerifyOptions, verify};
use rogatory_pki::path::Anchors;
use rogatory_stock_tools::bundle::{
    Made, Objects, PAGES, Pages, fingerprints, judged_by_page, steps_of_forgeries, time, token,
};
use rogatory_stock_tools::flips::{Layout, flips};
use rogatory_stock_tools::forged_bundle::{forgeries, put, remade};
use rogatory_stock_tools::tools::{own_file, run};
use rogatory_stock_tools::tsa::Tsa;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// One case for all tests; it lies in the target folder, and is made anew each time.
fn made() -> &'static Made {
    static MADE: OnceLock<Option<Made>> = OnceLock::new();
    // A case that could not be played is not played again for every test.
    let make = || Made::new(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("court-bundle"));
    let made = MADE.get_or_init(|| std::panic::catch_unwind(make).ok());
    made.as_ref().expect("the case could not be played; the first failure says why")
}

/// Bits that are flipped in the whole bundle, and at every byte of its directory and small headers more.
const FLIPS: usize = 600;

#[track_caller]
fn verified(made: &Made, file: &str, more: &[&str]) -> rogatory_stock_tools::tools::Ended {
    let mut words = vec!["package", "verify", file];
    words.extend(made.trust());
    words.extend(more);
    made.anybody(&words)
}

#[test]
fn it_verifies_with_everything_that_can_be_checked() {
    let made = made();
    // The provider's entry too: its seal stands over the package.
    let more = ["--trust", "nistru.party.asice", "--require", "seal,contents,custody,witness"];
    let ended = verified(made, "bundle.asice", &more).succeeds();
    let ended = ended.says("contents: the 2 exhibits in the bundle are what was signed in the package");
    let ended =
        ended.says("as known to md/central-authority").says("relay of this very package under number");
    let ended = ended.says("gb/central-authority/officer/okafor");
    assert!(!ended.text().contains("FAILED"), "{}", ended.text());
    let json = verified(made, "bundle.asice", &["--json"]).succeeds().output();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["form"], "bundle");
    assert_eq!(json["bundle"]["shared_number"], made.number.as_str());
    assert_eq!(json["bundle"]["files"][0], "exhibits/EX-0001/letter_1__.txt");
    assert_eq!(json["exhibits"].as_array().expect("exhibits").len(), 2);
    assert!(json["bundle"]["custody"]["entries"].as_u64().expect("a count") > 3);
}

#[test]
fn what_was_not_asked_for_is_not_in_it() {
    let made = made();
    let names = made.names("bundle.asice");
    assert!(names.iter().any(|name| name == "exhibits/EX-0002/photos.tar"), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("EX-0003")), "{names:?}");
    let record = made.object("bundle.asice", "custody/record.json");
    assert!(!String::from_utf8_lossy(&record).contains("\"internal\""), "internal events");
    // Real names and records of other exhibits stay out of the index too.
    let index = made.object("bundle.asice", "index.asice");
    let index = String::from_utf8_lossy(&index).into_owned();
    assert!(index.contains(r#""display":"photos""#) && !index.contains("private"), "{index}");
    made.bundle("internal.asice").succeeds().says("internal events go along");
    let record = made.object("internal.asice", "custody/record.json");
    assert!(String::from_utf8_lossy(&record).contains("\"internal\""));
    verified(made, "internal.asice", &["--require", "custody"]).succeeds();
    verified(made, "internal.asice", &["--require", "contents"]).exits(4);
}

#[test]
fn sensitive_exhibits_need_a_reason() {
    let made = made();
    made.bundle("no.asice").exits(2).says("--sensitive-reason");
    assert!(!made.path("no.asice").exists());
    made.bundle("with-reason.asice").succeeds().says("IN THE CLEAR").says("logged in");
    verified(made, "with-reason.asice", &["--require", "contents"]).succeeds();
    made.bundle("all.asice").succeeds().says("EX-0003  left out: it is sensitive");
}

#[test]
fn sealed_for_the_court_it_opens_with_the_courts_key_alone() {
    let made = made();
    made.bundle("sealed.asice").succeeds();
    let names = made.names("sealed.asice");
    assert!(!names.iter().any(|name| name.starts_with("exhibits/") || name == "index.asice"), "{names:?}");
    verified(made, "sealed.asice", &["--require", "custody"]).succeeds().says("contents: not checked");
    let with_key = ["--identity", "court.id", "--require", "contents,custody"];
    verified(made, "sealed.asice", &with_key).succeeds().says("decrypt to what was signed inside");
    verified(made, "sealed.asice", &["--identity", "other.id"]).exits(4);
}

#[test]
fn without_trust_from_outside_nothing_is_verified() {
    let made = made();
    made.anybody(&["package", "verify", "bundle.asice"]).exits(4).says("nobody vouches");
    // Roots alone say nothing of log keys and seals, and that is said.
    let roots = ["package", "verify", "bundle.asice", "--trust", "gb.pem", "--trust", "md.pem"];
    made.anybody(&roots)
        .succeeds()
        .says("the key of the log is published in the entry of gb/central-authority");
    made.anybody(&[&roots[..], &["--require", "custody"]].concat()).exits(4);
    // An instant that was chosen needs a proof that the signatures existed then.
    let now = made.now();
    verified(made, "bundle.asice", &["--at", &now])
        .exits(4)
        .says("nothing proves that the signature existed at");
    verified(made, "bundle.asice", &["--require", "time"]).exits(4);
    verified(made, "bundle.asice", &["--lang", "de"]).exits(2);
}

#[test]
fn it_is_told_in_three_languages() {
    let made = made();
    verified(made, "bundle.asice", &["--lang", "fr"]).succeeds().says("Le fichier").says("non vérifié");
    verified(made, "bundle.asice", &["--lang", "es"]).succeeds().says("El archivo").says("comprobado");
    verified(made, "received.asice", &["--lang", "fr"]).succeeds().says("Qui a scellé les preuves");
}

#[test]
fn the_report_fits_a_case_file() {
    let made = made();
    for language in ["en", "fr", "es"] {
        let report = format!("report-{language}.pdf");
        verified(made, "bundle.asice", &["--lang", language, "--report", &report]).succeeds().says(&report);
        let info = run("pdfinfo", &[&report], made.folder()).succeeds().output();
        let pages =
            info.lines().find_map(|line| line.strip_prefix("Pages:")).expect("pages").trim().to_owned();
        assert!(pages == "1" || pages == "2", "{language}: {pages} pages");
        let words = run("pdftotext", &["-layout", &report, "-"], made.folder()).succeeds();
        // Digests are broken into lines, so they are looked for without blanks.
        let plain: String = words.output().split_whitespace().collect();
        let digest = run("sha256sum", &["bundle.asice"], made.folder()).succeeds().output();
        assert!(plain.contains(&digest[..64]), "{language}: {}", words.output());
        assert!(plain.contains("902(14)") && plain.contains("EX-0001"), "{}", words.output());
        assert!(plain.contains("EX-0003"), "{language}: what is left out is named: {}", words.output());
    }
    verified(made, "bundle.asice", &["--report", "report-en.pdf"]).exits(2).says("is there already");
    // A report is written of what fails, too.
    let bytes = made.object("bundle.asice", "custody/checkpoint.txt");
    let whole = fs::read(made.path("bundle.asice")).expect("reads");
    let at = whole.windows(bytes.len()).position(|window| window == bytes).expect("stored");
    let mut changed = whole;
    changed[at] ^= 1;
    fs::write(made.path("changed.asice"), changed).expect("writes");
    verified(made, "changed.asice", &["--report", "changed.pdf"]).exits(4);
    let words = run("pdftotext", &["changed.pdf", "-"], made.folder()).succeeds();
    let words = words.says("NOT VERIFIED").says("custody/checkpoint.txt").says("No certification");
    assert!(!words.text().contains("under penalty of perjury"), "{}", words.text());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let made = made();
    let original = made.path("bundle.asice");
    let bytes = fs::read(&original).expect("reads");
    let pem = ["gb.pem", "md.pem"].map(|name| fs::read_to_string(made.path(name)).expect("reads")).concat();
    let anchors = Anchors::from_pem(&pem, None).expect("anchors");
    let at: Timestamp = made.now().parse().expect("an instant");
    let keys = made.log_keys();
    let institutions: Vec<KnownInstitution> = Vec::new();
    let options = VerifyOptions {
        log_keys: &keys,
        ..VerifyOptions::new(&anchors, at).with_institutions(&institutions)
    };
    let judge = |bytes: &[u8]| -> Verdict {
        let changed = made.path("flipped.asice");
        fs::write(&changed, bytes).expect("writes");
        verify(&changed, &options, &mut NoProgress)
    };
    let sound = judge(&bytes);
    assert!(sound.is_verified(), "{sound}");
    let layout = Layout::of(&bytes);
    for flip in flips(11, bytes.len(), FLIPS) {
        let verdict = judge(&flip.of(&bytes));
        let entry = layout.entry_at(flip.place);
        assert!(!verdict.is_verified(), "{flip:?} in {entry:?} is not noticed");
        let failures: Vec<&str> = verdict.failures().map(|check| check.text.as_str()).collect();
        if let Some(entry) = entry {
            assert!(failures.iter().any(|text| text.contains(entry)), "{flip:?} in `{entry}`: {failures:?}");
        }
    }
}

#[test]
fn the_pages_in_the_bundle_are_those_of_the_documentation() {
    let made = made();
    for (name, guide) in PAGES {
        let page = fs::read(own_file("../../docs/guides").join(guide)).expect("reads");
        assert!(made.object("bundle.asice", name) == page, "{name}");
    }
}

#[test]
fn the_pages_say_the_same_in_every_language() {
    let pages = Pages::all();
    let english = &pages[0];
    assert_eq!(english.steps.len(), 11);
    for page in &pages {
        assert_eq!(page.steps, english.steps, "{}: other commands", page.language);
        assert_eq!(steps_of_forgeries(page), steps_of_forgeries(english), "{}", page.language);
        assert!(page.text.contains("Get-FileHash") && page.text.contains("tar -xf"), "{}", page.language);
        assert!(page.text.contains("-attime") && page.text.contains("-token_in"), "{}", page.language);
        // The program of the documentation, which alone may run; and never with what lies around it.
        let program = fs::read(own_file("../../docs/guides/check.py")).expect("reads");
        let line = format!("\"{}  ../check.py\" | sha256sum -c", rogatory_core::Digest::of(&program));
        assert!(page.steps[1].contains(&line), "{}: `check.py` has another digest: {line}", page.language);
        for started in ["python3 ", "`py "].iter().flat_map(|name| page.text.split(name).skip(1)) {
            assert!(started.starts_with("-I "), "{}: {started}", page.language);
        }
    }
}

#[test]
fn followed_to_the_letter_the_page_accepts_a_good_bundle() {
    let made = made();
    let step = judged_by_page(made, &made.path("bundle.asice"));
    assert_eq!(step, None, "the page refuses a good bundle");
    // Nobody may take what is in it for all that was sealed, nor what was not compared for good.
    let check = |step: &str| {
        run("python3", &["-I", "../check.py", step], &made.path("reader-bundle/bundle")).succeeds()
    };
    check("exhibits").says("EX-0003 was sealed, and is not in this bundle").says("1 not checked");
    check("signatures").says("not compared with the seal of md/nistru-chat").says("CN = Dina Lungu");
    check("revocation").says("revocation: nothing checked");
    // With a revocation list of stock tools in it, and not waiting for a witness.
    made.bundle("listed.asice").succeeds();
    verified(made, "listed.asice", &[]).succeeds().says("no list covers");
    assert_eq!(judged_by_page(made, &made.path("listed.asice")), None);
}

#[test]
fn followed_to_the_letter_the_page_refuses_every_forgery_at_the_step_that_it_names() {
    let made = made();
    let expected = steps_of_forgeries(&Pages::all()[0]);
    let forged = forgeries(made);
    let names: Vec<&str> = forged.iter().map(|(name, _)| *name).collect();
    let named: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, named, "the page and the test name other forgeries");
    for ((name, file), (_, step)) in forged.iter().zip(&expected) {
        assert_eq!(judged_by_page(made, &made.path(file)), Some(*step), "{name}");
        // Our own verifier runs nothing of a bundle; it says that the program is another one.
        let code = if *name == "changed-program" { 0 } else { 4 };
        let ended = verified(made, file, &[]);
        assert_eq!(ended.code, code, "{name}, by our own verifier: {}", ended.text());
    }
}

#[test]
fn the_fingerprints_that_are_told_are_those_of_the_entries() {
    let made = made();
    let told = fingerprints(made);
    assert_eq!(told.lines().count(), 2, "{told}");
}

const RECORD: &str = "custody/record.json";
const STAMP: &str = "stamps/documents--001-request.asice.tst";

fn of<'a>(objects: &'a Objects, name: &str) -> &'a [u8] {
    let found = objects.iter().find(|(found, _)| found == name);
    found.map(|(_, bytes)| bytes.as_slice()).unwrap_or_else(|| panic!("no `{name}`"))
}

/// The bundle whose record has another checkpoint's note, signed anew by the officer.
fn with_checkpoint(made: &Made, file: &str, change: impl FnOnce(&str) -> String) {
    remade(made, file, |objects| {
        let mut record = Record::parse(of(objects, RECORD)).expect("a record");
        record.checkpoint = change(&record.checkpoint);
        put(objects, RECORD, record.to_bytes().expect("a record"));
    });
}

#[test]
fn a_witness_is_named_and_nobody_elses_word_counts() {
    let made = made();
    made.bundle("bundle.asice").says("log cosigned by").says("md/central-authority");
    let ended = verified(made, "bundle.asice", &["--require", "witness"]).succeeds();
    let ended = ended.says("witness: md/central-authority cosigned the checkpoint").says("cosigned by");
    assert!(!ended.text().contains("NOT WITNESSED"));
    let json = verified(made, "bundle.asice", &["--json"]).output();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["bundle"]["custody"]["witnesses"][0]["witness"], "md/central-authority");
    assert_eq!(json["bundle"]["custody"]["witnesses"][0]["checked"], true);
    let french = verified(made, "bundle.asice", &["--lang", "fr"]).succeeds();
    french.says("Une autre institution a confirm");
    // Without the witness's entry its word is said, and worth nothing.
    let alone = ["package", "verify", "bundle.asice", "--trust", "gb.party.asice", "--trust", "md.pem"];
    let said = made.anybody(&alone).succeeds();
    said.says("a cosignature of md/central-authority stands on the checkpoint; no entry");
    made.anybody(&[&alone[..], &["--require", "witness"]].concat()).exits(4);
    // A stranger's line stands there and is said to be one.
    let stranger = "fr.example/rogatory/fr/central-authority/witness".parse().expect("a name");
    let (stranger, _) = WitnessKey::generate(stranger).expect("a key");
    let keys: Vec<_> = made.log_keys().into_iter().map(|(_, key)| key).collect();
    with_checkpoint(made, "strange-witness.asice", |note| {
        let verified =
            rogatory_custody::checkpoint::verify_checkpoint(note.as_bytes(), &keys).expect("a checkpoint");
        let line = stranger.cosign(&verified, made.now().parse().expect("an instant")).expect("a line");
        let mut all = cosignatures_among(verified.note().note());
        all.push(line);
        rogatory_custody::cosignature::cosigned_note(&verified, all).expect("a note")
    });
    let said = verified(made, "strange-witness.asice", &["--require", "witness"]).succeeds();
    said.says("a cosignature of fr/central-authority stands on the checkpoint; no entry");
    // Whose word is left out did not cosign.
    with_checkpoint(made, "unwitnessed.asice", |note| {
        let alone = made.object("bundle.asice", "custody/checkpoint.txt");
        assert!(note.as_bytes().starts_with(&alone) && note.len() > alone.len());
        String::from_utf8(alone).expect("text")
    });
    verified(made, "unwitnessed.asice", &[]).succeeds().says("not cosigned by md/central-authority");
    verified(made, "unwitnessed.asice", &["--require", "witness"]).exits(4).says("a witness was required");
    assert_eq!(judged_by_page(made, &made.path("unwitnessed.asice")), None);
    // A time that the witness did not sign.
    with_checkpoint(made, "other-time.asice", |note| {
        let (before, line) = note.trim_end().rsplit_once(' ').expect("a line");
        // Four bytes of key id and eight of time are the first sixteen characters.
        let last = if line.as_bytes()[14] == b'A' { 'B' } else { 'A' };
        format!("{before} {}{last}{}\n", &line[..14], &line[15..])
    });
    verified(made, "other-time.asice", &[]).exits(4).says("witness md/central-authority");
    assert_eq!(judged_by_page(made, &made.path("other-time.asice")), Some(8));
    // The checkpoint by itself has the log's line and no other.
    remade(made, "more-lines.asice", |objects| {
        let record: Value = serde_json::from_slice(of(objects, RECORD)).expect("JSON");
        let note = record["checkpoint"].as_str().expect("a note").as_bytes().to_vec();
        assert!(Note::parse(&note).expect("a note").signatures().len() > 1);
        put(objects, "custody/checkpoint.txt", note);
    });
    verified(made, "more-lines.asice", &[]).exits(4).says("custody/checkpoint.txt");
    assert_eq!(judged_by_page(made, &made.path("more-lines.asice")), Some(8));
}

/// The bundle whose record shows other bodies than it did, signed anew by the officer.
fn with_erased(made: &Made, file: &str, is_erased: impl Fn(usize) -> bool) {
    remade(made, file, |objects| {
        let mut record = Record::parse(of(objects, RECORD)).expect("a record");
        for (at, entry) in record.entries.iter_mut().enumerate() {
            if is_erased(at) {
                entry.content = rogatory_custody::record::Content::Erased;
            }
        }
        put(objects, RECORD, record.to_bytes().expect("a record"));
    });
}

#[test]
fn an_inconvenient_entry_cannot_be_called_erased() {
    let made = made();
    verified(made, "bundle.asice", &["--require", "relations"]).succeeds();
    with_erased(made, "one-erased.asice", |at| at == 1);
    verified(made, "one-erased.asice", &[]).exits(4).says("the law erases whole cases");
    // All of them can: nobody signs that, and it is said so.
    with_erased(made, "all-erased.asice", |_| true);
    let said = verified(made, "all-erased.asice", &[]).succeeds();
    said.says("no body is shown (erased, the record says)");
    verified(made, "all-erased.asice", &["--require", "relations"]).exits(4);
}

#[test]
fn who_cannot_open_a_disclosure_cannot_tie_it_to_the_original() {
    let made = made();
    // The package was given by its path; its receipts are in the bundle all the same.
    let names = made.names("sealed.asice");
    assert!(names.iter().any(|name| name.ends_with("-relay.asice")), "{names:?}");
    let closed = verified(made, "sealed.asice", &[]).succeeds();
    closed.says("only who can open the exhibits can tell");
    verified(made, "sealed.asice", &["--require", "relations"]).exits(4);
    let opened = verified(made, "sealed.asice", &["--identity", "court.id", "--require", "relations"]);
    opened.succeeds().says("relay of this very package").says("the package is named in the custody record");
}

#[test]
fn a_seal_that_nobody_compared_ties_nothing() {
    let made = made();
    let words = ["package", "verify", "bundle.asice", "--trust", "gb.party.asice", "--trust", "md.pem"];
    let ended = made.anybody(&words).succeeds();
    assert!(!ended.text().contains("relay of this very package"), "{}", ended.text());
    ended.says("its seal was not compared with that of md/central-authority");
}

#[test]
fn a_record_says_who_cosigned_and_its_checkpoint_is_stamped() {
    let made = made();
    made.bundle("record.json").says("log cosigned by").says("record.json.checkpoint.txt.tst");
    let file = made.path("record.json.checkpoint.txt");
    let record: Value =
        serde_json::from_slice(&fs::read(made.path("record.json")).expect("reads")).expect("JSON");
    let alone = fs::read_to_string(&file).expect("reads");
    assert!(record["checkpoint"].as_str().expect("a note").starts_with(&alone));
    let tsa = made.path("tsa.pem");
    let token = made.path("record.json.checkpoint.txt.tst");
    let now = made.now().parse::<Timestamp>().expect("an instant").seconds() + 3600;
    rogatory_stock_tools::tsa::verify_by_openssl(&file, &token, &tsa, now, made.folder()).succeeds();
    let mut words = vec!["custody", "verify", "record.json", "--require", "witness"];
    words.extend(made.trust());
    made.anybody(&words).succeeds().says("witnessed by md/central-authority");
}

#[test]
fn the_stamps_in_it_prove_what_they_are_named_after() {
    let made = made();
    let names = made.names("bundle.asice");
    for stamped in
        ["custody--checkpoint.txt", "documents--001-request.asice", "package--META-INF--signature002.p7s"]
    {
        assert!(names.contains(&format!("stamps/{stamped}.tst")), "{stamped}: {names:?}");
    }
    let without = verified(made, "bundle.asice", &[]).succeeds();
    without.says("time stamps lie in `stamps/`, and no anchor");
    let ended = verified(made, "bundle.asice", &["--tsa", "tsa.pem"]).succeeds();
    let ended =
        ended.says("time: `documents/001-request.asice` is proven 20").says("none in it for `index.asice`");
    ended.says("time: `custody/checkpoint.txt` is proven");
    verified(made, "bundle.asice", &["--tsa", "tsa.pem", "--require", "time"]).exits(4);
    let json = verified(made, "bundle.asice", &["--tsa", "tsa.pem", "--json"]).succeeds().output();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["bundle"]["time_stamps"][0]["object"], "custody/checkpoint.txt");
    assert_eq!(
        json["bundle"]["time_stamps"][0]["time_stamping_authority"],
        "C=GB, CN=Time Stamping Authority"
    );
    // An authority of another root, whatever it says.
    let stranger = time();
    fs::write(made.path("other-tsa.pem"), stranger.certificate_pem()).expect("writes");
    verified(made, "bundle.asice", &["--tsa", "other-tsa.pem"]).exits(4).says(STAMP);
    // One byte of a token that the officer signed for again.
    let bad = |file: &str, bytes: Vec<u8>| {
        remade(made, file, |objects| put(objects, STAMP, bytes));
        verified(made, file, &["--tsa", "tsa.pem"]).exits(4).says(STAMP);
        assert_eq!(judged_by_page(made, &made.path(file)), Some(10), "{file}");
    };
    let good = made.object("bundle.asice", STAMP);
    let mut tampered = good.clone();
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    bad("tampered-stamp.asice", tampered);
    bad("other-stamp.asice", made.object("bundle.asice", "stamps/custody--checkpoint.txt.tst"));
    let request = made.object("bundle.asice", "documents/001-request.asice");
    let now: Timestamp = made.now().parse().expect("an instant");
    let around =
        rogatory_pki::development::Validity::days(now.plus_seconds(-86_400), 30).expect("a validity");
    bad("foreign-stamp.asice", token(&Tsa::issued_by(&stranger, around), &request));
    // For an object that is not there.
    remade(made, "lost-stamp.asice", |objects| {
        put(objects, "stamps/documents--009-none.asice.tst", good.clone())
    });
    verified(made, "lost-stamp.asice", &[]).exits(4).says("no time stamp for an object of the bundle");
}

#[test]
fn a_stamp_beside_it_proves_the_whole_and_outlives_every_certificate() {
    let made = made();
    let root = time();
    let now: Timestamp = made.now().parse().expect("an instant");
    let days = |from: i64, days: u32| {
        rogatory_pki::development::Validity::days(now.plus_seconds(from * 86_400), days).expect("a validity")
    };
    let whole = fs::read(made.path("bundle.asice")).expect("reads");
    fs::write(made.path("whole.asice"), &whole).expect("writes");
    let tsa_pem = root.certificate_pem() + &fs::read_to_string(made.path("tsa.pem")).expect("reads");
    fs::write(made.path("both-tsa.pem"), &tsa_pem).expect("writes");
    fs::write(made.path("whole.asice.tst"), token(&Tsa::issued_by(&root, days(-1, 30)), &whole))
        .expect("writes");
    let tsa = ["--tsa", "both-tsa.pem"];
    let proven = verified(made, "whole.asice", &[&tsa[..], &["--require", "time,custody,contents"]].concat());
    proven.succeeds().says("time: proven 20");
    let later = now.plus_seconds(7 * 86_400).to_string();
    verified(made, "whole.asice", &[&tsa[..], &["--at", &later]].concat()).succeeds();
    let earlier = now.plus_seconds(-1).to_string();
    let refused = verified(made, "whole.asice", &[&tsa[..], &["--at", &earlier]].concat()).exits(4);
    refused.says("and not at");
    verified(made, "whole.asice", &["--at", &later]).exits(4).says("no anchor");
    // Twenty years on nothing is valid any more but what is proven.
    let pem = ["gb.pem", "md.pem"].map(|name| fs::read_to_string(made.path(name)).expect("reads")).concat();
    let anchors = Anchors::from_pem(&pem, None).expect("anchors");
    let tsa = Anchors::from_pem(&tsa_pem, None).expect("anchors");
    let (keys, witnesses) = (made.log_keys(), made.witness_keys());
    let judge = |file: &str, tsa: &Anchors| -> Verdict {
        let time = TimeProof::beside(&made.path(file), tsa, None);
        let at = time.judged_at(now.plus_seconds(20 * 366 * 86_400));
        let options = VerifyOptions {
            log_keys: &keys,
            witness_keys: &witnesses,
            time,
            ..VerifyOptions::new(&anchors, at)
        };
        verify(&made.path(file), &options, &mut NoProgress)
    };
    let proven = judge("whole.asice", &tsa);
    assert!(proven.is_verified(), "{proven}");
    let failed = |verdict: &Verdict, name: &str| verdict.failures().any(|check| check.text.contains(name));
    let alone = judge("bundle.asice", &tsa);
    for (object, fails) in [
        ("`META-INF/signature001.p7s`", true),
        ("index: META-INF/signature001.p7s", true),
        ("`documents/001-request.asice`", false),
        ("`package/META-INF/signature002.p7s`", false),
    ] {
        assert_eq!(failed(&alone, object), fails, "{object}: {alone}");
    }
    let unstamped = judge("bundle.asice", &Anchors::new());
    assert!(failed(&unstamped, "`documents/001-request.asice`"), "{unstamped}");
    // A token by an authority whose certificate had ended, and one for other bytes.
    for (file, token) in [
        ("ended.asice", token(&Tsa::issued_by(&root, days(-30, 10)), &whole)),
        ("other-bytes.asice", token(&Tsa::issued_by(&root, days(-1, 30)), b"other bytes")),
    ] {
        fs::write(made.path(file), &whole).expect("writes");
        fs::write(made.path(format!("{file}.tst")), token).expect("writes");
        assert!(!judge(file, &tsa).is_verified(), "{file}");
        verified(made, file, &["--tsa", "both-tsa.pem"]).exits(4);
    }
}
