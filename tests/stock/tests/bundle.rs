//! A court bundle of a whole case: made by the real programs, verified by them, followed to the letter by the page that
//! lies in it, and forged in every way that the page names.

use rogatory_core::Timestamp;
use rogatory_evidence::verify::Verdict;
use rogatory_evidence::{KnownInstitution, NoProgress, VerifyOptions, verify};
use rogatory_pki::path::Anchors;
use rogatory_stock_tools::bundle::{
    Made, PAGES, Pages, fingerprints, forgeries, judged_by_page, steps_of_forgeries,
};
use rogatory_stock_tools::flips::{Layout, flips};
use rogatory_stock_tools::tools::{own_file, run};
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
    let more = ["--trust", "nistru.party.asice", "--require", "seal,contents,custody"];
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
    verified(made, "bundle.asice", &["--at", &now]).exits(4).says("nothing proves that they existed then");
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
    }
}

#[test]
fn followed_to_the_letter_the_page_accepts_a_good_bundle() {
    let made = made();
    let step = judged_by_page(made, &made.path("bundle.asice"));
    assert_eq!(step, None, "the page refuses a good bundle");
    // With a time stamp and a revocation list of stock tools in it.
    made.bundle("stamped.asice").succeeds();
    verified(made, "stamped.asice", &[]).succeeds().says("1 time stamps lie in").says("no list covers");
    assert_eq!(judged_by_page(made, &made.path("stamped.asice")), None);
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
        let ended = verified(made, file, &[]);
        assert_eq!(ended.code, 4, "{name} is accepted by our own verifier: {}", ended.text());
    }
}

#[test]
fn the_fingerprints_that_are_told_are_those_of_the_entries() {
    let made = made();
    let told = fingerprints(made);
    assert_eq!(told.lines().count(), 2, "{told}");
}
