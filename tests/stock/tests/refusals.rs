//! What must not verify, each by its own command line: exit 4, and nothing written.

use rogatory_core::document::DocumentKind;
use rogatory_stock_tools::custody::exported;
use rogatory_stock_tools::exhibits::copy;
use rogatory_stock_tools::forgery::{rebuild, zip};
use rogatory_stock_tools::formal::Authority;
use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::text;
use std::fs;

const OPEN: [&str; 8] = ["package", "open", "PK", "--identity", "officer.id", "-o", "opened", "--trust"];

fn open(office: &Office, trust: &str) -> rogatory_stock_tools::tools::Ended {
    let mut arguments = OPEN.to_vec();
    arguments.push(trust);
    office.rogatory(&arguments)
}

/// Everything beside the keys, so that a test can say that nothing came.
fn names(office: &Office) -> Vec<String> {
    let entries = fs::read_dir(office.path("")).expect("lists");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Another person under the same root, in `office`: key, certificate and chain of her own.
fn colleague(office: &Office) -> rogatory_pki::signing::FileSigner {
    use rogatory_stock_tools::tools::run;
    let at = office.path("");
    let openssl = |arguments: &[&str]| {
        run("openssl", arguments, &at).succeeds();
    };
    openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "other.key"]);
    openssl(&[
        "req",
        "-new",
        "-key",
        "other.key",
        "-subj",
        "/C=MD/O=Elsewhere/CN=Somebody else",
        "-out",
        "other.csr",
    ]);
    let mut arguments = vec!["x509", "-req", "-in", "other.csr", "-days", "365", "-set_serial", "77"];
    arguments.extend([
        "-CA",
        "issuing.pem",
        "-CAkey",
        "issuing.key",
        "-extfile",
        "signer.cnf",
        "-out",
        "other.pem",
    ]);
    openssl(&arguments);
    let read = |name: &str| fs::read_to_string(office.path(name)).expect("reads");
    let chain = format!("{}{}", read("other.pem"), read("chain.pem"));
    rogatory_pki::signing::FileSigner::from_pem(&read("other.key"), &chain).expect("a signer")
}

#[test]
fn another_authority_under_the_same_names_is_not_believed() {
    let (honest, impostor) = (Office::new(), Office::new());
    impostor.seal_text("PK", "letter.txt", "forged");
    let package = impostor.path("PK");
    let verify = |more: &[&str]| {
        let mut arguments = vec!["package", "verify", text(&package), "--trust", "anchors.pem"];
        arguments.extend(more);
        honest.rogatory(&arguments)
    };
    impostor.verify("PK", &[]).succeeds();
    verify(&[]).exits(4).says("META-INF/signature001.p7s");
    let identity = impostor.path("officer.id");
    verify(&["--identity", text(&identity)]).exits(4);
}

#[test]
fn a_package_for_somebody_else_is_not_opened() {
    let office = Office::new();
    let other = office.identity("other.id");
    write(&office.path("letter.txt"), b"for another officer");
    office.seal_for(&other, "PK", &["letter.txt"]).succeeds();
    office.verify("PK", &["--identity", "other.id"]).succeeds();
    office.verify_contents("PK").exits(4).says("index.age");
    let before = names(&office);
    open(&office, "anchors.pem").exits(4);
    assert_eq!(names(&office), before, "something was written");
}

/// Two packages of the same signer for the same officer, with exhibits of the same size.
fn two() -> Office {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "the letter that was sent\n");
    office.seal_text("B", "letter.txt", "a letter of quite another case\n");
    office
}

fn swap(office: &Office, name: &str) {
    fs::copy(office.path("B").join(name), office.path("PK").join(name)).expect("copies");
}

#[test]
fn an_index_of_another_package_is_noticed() {
    let office = two();
    swap(&office, "index.age");
    office.verify("PK", &[]).exits(4).says("index.age");
    office.verify_contents("PK").exits(4);
}

#[test]
fn an_index_of_another_package_is_noticed_even_if_its_signer_signs_anew() {
    let office = two();
    swap(&office, "index.age");
    rebuild(&office.path("PK"), &office.signer());
    // From outside nothing is wrong; so the forgery is as good as it can be.
    office.verify("PK", &[]).succeeds();
    office.verify_contents("PK").exits(4).says("transmittal.json");
    let before = names(&office);
    open(&office, "anchors.pem").exits(4);
    assert_eq!(names(&office), before, "something was written");
}

#[test]
fn an_exhibit_of_another_package_is_noticed() {
    let office = two();
    swap(&office, "data/EX-0001.age");
    office.verify("PK", &[]).exits(4).says("data/EX-0001.age");
    office.verify_contents("PK").exits(4).says("data/EX-0001.age");
}

#[test]
fn an_exhibit_of_another_package_is_noticed_even_if_its_signer_signs_anew() {
    let office = two();
    swap(&office, "data/EX-0001.age");
    // The new transmittal has the size of the new exhibit.
    rebuild(&office.path("PK"), &office.signer());
    office.verify("PK", &[]).succeeds();
    office.verify_contents("PK").exits(4).says("transmittal.json").says("EX-0001");
    let before = names(&office);
    open(&office, "anchors.pem").exits(4).says("transmittal.json");
    assert_eq!(names(&office), before, "something was written");
}

#[test]
fn an_exhibit_that_fits_to_the_byte_is_noticed_even_if_the_signer_signs_anew() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", &"the letter that was sent\n".repeat(20));
    let sealed = office.path("PK/data/EX-0001.age");
    let wanted = fs::metadata(&sealed).expect("facts").len();
    // `age` adds the same number of bytes to every short text, so the text that fits can be made.
    let encrypt = |length: u64| {
        let _ = fs::remove_file(&sealed);
        write(&office.path("forged.txt"), &vec![b'x'; usize::try_from(length).expect("short")]);
        let arguments = ["-r", &office.recipient, "-o", text(&sealed), "forged.txt"];
        rogatory_stock_tools::tools::run("age", &arguments, &office.path("")).succeeds();
        fs::metadata(&sealed).expect("facts").len()
    };
    let added = encrypt(100) - 100;
    assert_eq!(encrypt(wanted - added), wanted);
    rebuild(&office.path("PK"), &office.signer());
    // Outer and inner transmittal are equal, and the index is the honest one: only the digest inside differs.
    office.verify("PK", &[]).succeeds();
    office.verify_contents("PK").exits(4).says("EX-0001");
    let before = names(&office);
    open(&office, "anchors.pem").exits(4).says("EX-0001");
    assert_eq!(names(&office), before, "something was written");
}

#[test]
fn evidence_of_another_cannot_be_sent_as_ones_own() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "sealed by its finder");
    rebuild(&office.path("PK"), &colleague(&office));
    zip(&office.path("PK"), &office.path("PK.asice"));
    for package in ["PK", "PK.asice"] {
        // Whoever passes it on signs outside; inside stands who sealed.
        office.verify(package, &[]).succeeds().says("Somebody else");
        office.verify_contents(package).exits(4);
    }
    let before = names(&office);
    open(&office, "anchors.pem").exits(4);
    assert_eq!(names(&office), before, "something was written");
}

#[test]
fn a_rebuilt_package_is_as_good_as_a_sealed_one() {
    // What the tests above rely on: the forger's tool makes no mistake of its own.
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "a letter");
    rebuild(&office.path("PK"), &office.signer());
    zip(&office.path("PK"), &office.path("PK.asice"));
    office.verify_contents("PK").succeeds();
    office.verify_contents("PK.asice").succeeds();
}

#[test]
fn without_anchors_nobody_vouches_for_the_signer() {
    let office = Office::new();
    office.seal_text("PK.asice", "letter.txt", "a letter");
    let words = "integrity only, nobody vouches for the signer";
    office.rogatory(&["package", "verify", "PK.asice"]).exits(4).says(words).says("--trust");
    let with_key = ["package", "verify", "PK.asice", "--identity", "officer.id"];
    office.rogatory(&with_key).exits(4).says(words);
    let authority = Authority::new();
    write(&office.path("request.asice"), &authority.request().to_bytes());
    office.rogatory(&["package", "verify", "request.asice"]).exits(4).says(words);
}

#[test]
fn a_package_without_the_institutions_seal_fails_where_it_is_required() {
    let office = Office::new();
    office.seal_text("PK.asice", "letter.txt", "a letter");
    office.verify("PK.asice", &[]).succeeds().says("institution seal: none");
    office.verify("PK.asice", &["--require", "seal"]).exits(4).says("seal was required and is not checked");
}

#[test]
fn what_is_required_and_was_not_checked_fails() {
    let office = Office::new();
    office.seal_text("PK.asice", "letter.txt", "a letter");
    for requirement in ["contents", "signer", "time", "revocation", "witness"] {
        office
            .verify("PK.asice", &["--require", requirement])
            .exits(4)
            .says(&format!("{requirement} was required and is not checked"));
    }
    office.verify("PK.asice", &["--identity", "officer.id", "--require", "contents"]).succeeds();
}

#[test]
fn a_package_of_another_signer_than_the_one_expected_fails() {
    let office = Office::new();
    office.seal_text("PK.asice", "letter.txt", "a letter");
    office.verify("PK.asice", &["--signer", &"0".repeat(64)]).exits(4).says("expected");
}

#[test]
fn opening_with_the_wrong_trust_writes_nothing() {
    let (office, other) = (Office::new(), Office::new());
    office.seal_text("PK", "letter.txt", "a letter");
    let anchors = other.path("anchors.pem");
    let before = names(&office);
    open(&office, text(&anchors)).exits(4).says("META-INF/signature001.p7s");
    assert_eq!(names(&office), before, "something was written");
    open(&office, "anchors.pem").succeeds();
    assert_eq!(fs::read(office.path("opened/EX-0001/letter.txt")).expect("reads"), b"a letter");
}

#[test]
fn one_more_or_one_less_object_is_noticed() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "a letter");
    copy(&office.path("PK"), &office.path("more"));
    copy(&office.path("PK"), &office.path("less"));
    write(&office.path("more/data/EX-0002.age"), b"not covered");
    fs::remove_file(office.path("less/index.age")).expect("removes");
    office.verify("more", &[]).exits(4).says("data/EX-0002.age");
    office.verify("less", &[]).exits(4).says("index.age");
}

/// A formal document in an office's folder, and the command that verifies it.
fn verify_document(
    container: &[u8],
    authority: &Authority,
    trust: &str,
) -> rogatory_stock_tools::tools::Ended {
    let office = Office::new();
    write(&office.path("request.asice"), container);
    write(&office.path("root.pem"), authority.anchors_pem.as_bytes());
    write(&office.path("entry.asice"), &authority.entry(&exported().key));
    office.rogatory(&["package", "verify", "request.asice", "--trust", trust])
}

#[test]
fn a_request_of_two_persons_and_the_seal_verifies_and_names_all_three() {
    let authority = Authority::new();
    let ended = verify_document(&authority.request().to_bytes(), &authority, "entry.asice").succeeds();
    ended.says("Ion Rusu").says("Elena Ceban").says("Seal of the Central Authority");
}

#[test]
fn a_sealed_request_that_nobody_approved_does_not_verify() {
    let authority = Authority::new();
    let drafted = authority.drafted(DocumentKind::Request);
    let sealed = authority.sealed(drafted, &[("rusu", &authority.drafter, "drafter")]);
    verify_document(&sealed.to_bytes(), &authority, "entry.asice")
        .exits(4)
        .says("a request needs 3 signatures");
}

#[test]
fn a_sealed_request_that_its_drafter_approved_does_not_verify() {
    let authority = Authority::new();
    let drafted = authority.drafted(DocumentKind::Request);
    let at = rogatory_stock_tools::formal::instant(rogatory_stock_tools::formal::NOW);
    let twice = drafted.add_signature(&authority.drafter, at, Some("approver")).expect("signs");
    let persons = [("rusu", &authority.drafter, "drafter"), ("ceban", &authority.drafter, "approver")];
    verify_document(&authority.sealed(twice, &persons).to_bytes(), &authority, "entry.asice")
        .exits(4)
        .says("same");
}

#[test]
fn a_sealed_request_does_not_verify_without_the_entry_that_says_whose_seal_it_is() {
    let authority = Authority::new();
    let ended = verify_document(&authority.request().to_bytes(), &authority, "root.pem").exits(4);
    ended.says("META-INF/signature003.p7s").says("nobody says whose seal this is");
}

#[test]
fn a_request_without_its_seal_does_not_verify() {
    let authority = Authority::new();
    let drafted = authority.drafted(DocumentKind::Request);
    verify_document(&drafted.to_bytes(), &authority, "entry.asice")
        .exits(4)
        .says("it carries no institution's seal");
    let approved = authority.approved(drafted);
    verify_document(&approved.to_bytes(), &authority, "entry.asice")
        .exits(4)
        .says("it carries no institution's seal");
}
