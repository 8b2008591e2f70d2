//! Containers and packages that were put together with `openssl`, `zip`, `sha256sum` and `age` alone are accepted by
//! their signed parts, and the report says that the framing is not covered.

use rogatory_stock_tools::by_hand::ByHand;
use rogatory_stock_tools::office::Office;
use rogatory_stock_tools::tools::run;
use std::fs;

const NOT_COVERED: &str = "framing: not covered";

fn document(office: &Office) -> ByHand {
    let by_hand = ByHand::new(office, "hand");
    by_hand.add("document.json", br#"{"kind":"letter","text":"made by hand"}"#);
    by_hand.add("annex.txt", b"an annex\n");
    by_hand.sign(office, &["document.json", "annex.txt"]);
    by_hand
}

fn package(office: &Office) -> ByHand {
    let by_hand = ByHand::new(office, "package");
    by_hand.add_exhibit(office, &office.recipient, "EX-1", b"the first exhibit");
    by_hand.add_exhibit(office, &office.recipient, "EX-2", &vec![7; 200_000]);
    by_hand.add("transmittal.json", br#"{"from":"an office without our programs"}"#);
    let names = ["data/EX-1.age", "data/EX-2.age", "exhibits-sha256.txt", "transmittal.json"];
    by_hand.sign(office, &names);
    by_hand
}

#[test]
fn a_container_by_openssl_and_zip_is_accepted_and_its_framing_is_not_covered() {
    let office = Office::new();
    let by_hand = document(&office);
    // Deflated as `zip` does; stored; without extra fields; with a comment of each entry's own.
    for options in [&[][..], &["-0"], &["-X", "-D"], &["-9", "-X"]] {
        by_hand.zip(&office.path("hand.asice"), options);
        let said = office.verify("hand.asice", &[]).succeeds();
        said.says(NOT_COVERED).says("document.json, annex.txt").says("Дина Лунгу");
    }
    office.verify("hand", &[]).succeeds().says(NOT_COVERED);
    office.verify("hand.asice", &["--require", "seal"]).exits(4);
    office.verify("hand.asice", &["--require", "contents"]).exits(4);
    // Nothing that only a canonical container may become.
    let json = office.verify("hand.asice", &["--json"]).succeeds().output();
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json.to_string().contains("\"foreign\""), "{json}");
}

#[test]
fn a_package_by_age_openssl_and_sha256sum_is_accepted_with_its_contents() {
    let office = Office::new();
    let by_hand = package(&office);
    by_hand.zip(&office.path("package.asice"), &[]);
    for subject in ["package.asice", "package"] {
        office.verify(subject, &[]).succeeds().says(NOT_COVERED).says("contents");
        let said = office.verify(subject, &["--identity", "officer.id", "--require", "contents"]).succeeds();
        said.says("contents: all 2 exhibits are what was signed").says(NOT_COVERED);
    }
    let other = office.identity("other.id");
    assert!(other.starts_with("age1"));
    office.verify("package", &["--identity", "other.id"]).exits(4).says("data/EX-1.age");
}

#[test]
fn each_tampering_of_a_signed_part_is_refused_whatever_the_framing() {
    let office = Office::new();
    for name in [
        "data/EX-1.age",
        "data/EX-2.age",
        "exhibits-sha256.txt",
        "transmittal.json",
        "META-INF/ASiCManifest.xml",
        "META-INF/signature.p7s",
    ] {
        let by_hand = package(&office);
        let path = by_hand.folder.join(name);
        let whole = fs::read(&path).expect("reads");
        for (at, bit) in [(0, 1), (whole.len() / 2, 1), (whole.len() - 1, 4)] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            fs::write(&path, bytes).expect("writes");
            by_hand.zip(&office.path("package.asice"), &[]);
            office.verify("package.asice", &[]).exits(4);
            office.verify("package", &["--identity", "officer.id"]).exits(4);
        }
        fs::write(&path, &whole[..whole.len() - 1]).expect("writes");
        office.verify("package", &[]).exits(4);
        fs::remove_file(&path).expect("removes");
        office.verify("package", &[]).exits(4);
        fs::remove_dir_all(&by_hand.folder).expect("removes");
        fs::remove_dir_all(office.path("plain")).expect("removes");
    }
    let by_hand = package(&office);
    by_hand.add("data/EX-3.age", b"slipped in");
    office.verify("package", &[]).exits(4).says("`data/EX-3.age` is covered by no signature");
}

#[test]
fn a_list_that_does_not_fit_the_contents_is_noticed_though_it_is_signed() {
    let office = Office::new();
    let by_hand = package(&office);
    let list = by_hand.folder.join("exhibits-sha256.txt");
    let good = fs::read_to_string(&list).expect("reads");
    let names = ["data/EX-1.age", "data/EX-2.age", "exhibits-sha256.txt", "transmittal.json"];
    let digit = if good.starts_with('0') { "1" } else { "0" };
    for (bad, why) in [
        (good.replace("EX-1", "EX-9"), "EX-9"),
        (good.lines().take(1).map(|line| format!("{line}\n")).collect(), "does not name it"),
        (format!("{digit}{}", &good[1..]), "another digest than the signed list says"),
    ] {
        fs::write(&list, bad).expect("writes");
        by_hand.sign(&office, &names);
        office.verify("package", &[]).succeeds();
        office.verify("package", &["--identity", "officer.id"]).exits(4).says(why);
    }
}

#[test]
fn signatures_that_bind_too_little_and_strangers_are_refused() {
    let office = Office::new();
    let by_hand = document(&office);
    by_hand.sign_manifest(&office, &["-noattr", "-md", "sha256"]);
    office.verify("hand", &[]).exits(4).says("no signed attributes");
    by_hand.sign_manifest(&office, &["-md", "sha256"]);
    office.verify("hand", &[]).exits(4).says("signing-certificate-v2");
    by_hand.sign_manifest(&office, &["-cades", "-md", "sha1"]);
    office.verify("hand", &[]).exits(4);
    by_hand.sign_manifest(&office, &["-cades", "-md", "sha256", "-nodetach"]);
    office.verify("hand", &[]).exits(4).says("it holds its content");
    by_hand.sign_manifest(&office, &["-cades", "-md", "sha256", "-stream"]);
    office.verify("hand", &[]).exits(4).says("DER");
    by_hand.sign_manifest(&office, &["-cades", "-md", "sha384"]);
    office.verify("hand", &[]).succeeds();
    // The same names under another root.
    let other = Office::new();
    fs::copy(other.path("anchors.pem"), office.path("anchors.pem")).expect("copies");
    office.verify("hand", &[]).exits(4).says("not trusted");
}

#[test]
fn what_claims_a_profile_is_never_judged_as_foreign() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "a letter");
    // The very objects, in a ZIP that is not in the one form.
    run("zip", &["-q", "-r", "../again.asice", "."], &office.path("PK")).succeeds();
    office.verify("again.asice", &[]).exits(4);
    let by_hand = document(&office);
    by_hand.add("document.json", br#"{"profile":1}"#);
    by_hand.sign(&office, &["document.json", "annex.txt"]);
    by_hand.zip(&office.path("hand.asice"), &[]);
    office.verify("hand.asice", &[]).exits(4);
}
