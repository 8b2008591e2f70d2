//! The real binary: a package is wrapped for others, or a part of it disclosed to a court.

use rogatory_core::{OfficerId, Timestamp};
use rogatory_evidence::age_layer::generate_identity;
use rogatory_pki::development::{DevelopmentCa, Validity};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder with a provider's officer, a prosecutor of another country and a court, and what was sealed.
struct Desk {
    folder: tempfile::TempDir,
    prosecutor: String,
    court: String,
}

fn officer(ca: &DevelopmentCa, id: &str, name: &str, validity: Validity) -> (String, String) {
    let officer: OfficerId = id.parse().expect("an officer");
    let issued = ca.issue_officer_signing(&officer, name, "ID-1", validity).expect("a certificate");
    (issued.certificate_pem, issued.key_pem.clone())
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let validity = Validity::new(instant("2025-01-01T00:00:00Z"), instant("2045-01-01T00:00:00Z"));
        let validity = validity.expect("a validity");
        let ca = |country: &str| {
            DevelopmentCa::new(country.parse().expect("a country"), "Root", validity).expect("a root")
        };
        let (md, gb) = (ca("md"), ca("gb"));
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        for (name, ca, id) in
            [("sealer", &md, "md/nistru-chat/officer/lupu"), ("maker", &gb, "gb/prosecution/officer/smith")]
        {
            let (certificate, key) = officer(ca, id, name, validity);
            write(&format!("{name}.pem"), &certificate);
            write(&format!("{name}.key"), &key);
        }
        write("md.pem", &md.certificate_pem());
        write("gb.pem", &gb.certificate_pem());
        let mut recipients = Vec::new();
        for name in ["prosecutor.id", "court.id", "nobody.id"] {
            let (file, recipient) = generate_identity();
            write(name, &file);
            recipients.push(recipient.to_string());
        }
        write("chat.csv", "from,to,text\n");
        write("secret-name.txt", "of no concern to the court\n");
        fs::create_dir(folder.path().join("media")).expect("made");
        write("media/one.jpg", "a picture");
        let desk = Self { folder, prosecutor: recipients[0].clone(), court: recipients[1].clone() };
        let line = "package seal --key sealer.key --certificate sealer.pem -o PK.asice chat.csv secret-name.txt media";
        desk.run(&[&line.split(' ').collect::<Vec<_>>()[..], &["--recipient", &desk.prosecutor]].concat(), 0);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the binary; demands the exit code; gives what it printed.
    #[track_caller]
    fn run(&self, words: &[&str], exit: i32) -> String {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_rogatory"))
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .output()
            .expect("the program starts");
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(exit), "{words:?}: {text}");
        text
    }

    /// Makes another package of `from` for the court, as the prosecutor does.
    #[track_caller]
    fn derive(&self, verb: &str, from: &str, more: &str, exit: i32) -> String {
        let line = format!(
            "package {verb} {from} --recipient {} --key maker.key --certificate maker.pem {more}",
            self.court
        );
        self.run(&line.split_whitespace().collect::<Vec<_>>(), exit)
    }

    #[track_caller]
    fn verify(&self, path: &str, more: &str, exit: i32) -> String {
        let line = format!("package verify {path} --trust md.pem --trust gb.pem {more}");
        self.run(&line.split_whitespace().collect::<Vec<_>>(), exit)
    }
}

#[test]
fn a_court_gets_one_exhibit_with_proof() {
    let desk = Desk::new();
    let said = desk.derive(
        "disclose",
        "PK.asice",
        "--identity prosecutor.id --trust md.pem --exhibit EX-0003 -o DI.asice",
        0,
    );
    assert!(said.contains("1 of 3 exhibits"), "{said}");
    let line = "disclosed: EX-0003 of 3; the other 2 are known by number and digest only";
    let outside = desk.verify("DI.asice", "", 0);
    assert!(outside.contains(line) && outside.contains("made by"), "{outside}");
    let inside = desk.verify("DI.asice", "--identity court.id --require contents", 0);
    assert!(inside.contains(line) && inside.contains("media"), "{inside}");
    assert!(inside.contains("EX-0001") && inside.contains("not disclosed"), "{inside}");
    assert!(!inside.contains("secret-name"), "{inside}");
    // The prosecutor does not open the court's, and either signer needs an anchor.
    desk.verify("DI.asice", "--identity prosecutor.id", 4);
    for anchors in ["md.pem", "gb.pem"] {
        desk.run(&["package", "verify", "DI.asice", "--trust", anchors], 4);
    }
    let line = "package open DI.asice --identity court.id --trust md.pem --trust gb.pem -o opened";
    desk.run(&line.split(' ').collect::<Vec<_>>(), 0);
    assert_eq!(fs::read(desk.path("opened/EX-0003/media/one.jpg")).expect("there"), b"a picture");
    let again = desk.verify("opened", "", 0);
    assert!(again.contains("the other 2 are known by number and digest only"), "{again}");
    let json = desk.verify("DI.asice", "--identity court.id --json", 0);
    // Its progress follows, from the other stream.
    let mut values = serde_json::Deserializer::from_str(&json).into_iter::<serde_json::Value>();
    let answer = values.next().expect("an object").expect("JSON");
    let text = answer.to_string();
    assert!(text.contains("\"kind\":\"disclosure\"") && text.contains("\"undisclosed\":[{"), "{text}");
}

#[test]
fn a_package_is_wrapped_for_others_and_goes_no_further_than_it_may() {
    let desk = Desk::new();
    desk.derive("rewrap", "PK.asice", "--identity prosecutor.id --trust md.pem -o RW", 0);
    let said = desk.verify("RW", "--identity court.id --require contents", 0);
    assert!(said.contains("rewrapped: all 3 exhibits"), "{said}");
    assert!(said.contains("the original was sealed for") && said.contains(&desk.prosecutor), "{said}");
    // The court discloses in its turn; the original stays the origin.
    desk.derive("disclose", "RW", "--identity court.id --exhibit EX-0001 -o again.asice", 0);
    let said = desk.verify("again.asice", "--identity court.id", 0);
    assert!(said.contains("its maker says that package"), "{said}");
    // Without anchors the maker is told that nobody vouches.
    let said = desk.derive("rewrap", "PK.asice", "--identity prosecutor.id -o bare.asice", 0);
    assert!(said.contains("nobody vouches for the signer"), "{said}");
}

#[test]
fn what_cannot_be_derived_is_refused_with_a_reason() {
    let desk = Desk::new();
    let refused = |verb: &str, from: &str, more: &str, exit: i32, says: &str| {
        let said = desk.derive(verb, from, more, exit);
        assert!(said.contains(says), "{more}: {said}");
        assert!(!desk.path("out.asice").exists());
    };
    let with = "--identity prosecutor.id --trust md.pem -o out.asice";
    refused("rewrap", "PK.asice", "--identity nobody.id -o out.asice", 4, "is a recipient of this package");
    refused(
        "rewrap",
        "PK.asice",
        "--identity prosecutor.id --trust gb.pem -o out.asice",
        4,
        "signature001.p7s",
    );
    refused(
        "disclose",
        "PK.asice",
        &format!("--exhibit EX-0004 {with}"),
        2,
        "it holds 3 exhibits, EX-0001 to EX-0003",
    );
    refused("disclose", "PK.asice", &format!("--exhibit 4 {with}"), 2, "EX-0001");
    refused("rewrap", "PK.asice", "-o out.asice", 2, "identity");
    refused("rewrap", "none.asice", with, 2, "none.asice");
    fs::write(desk.path("broken.asice"), b"PK\x03\x04").expect("written");
    refused("rewrap", "broken.asice", with, 4, "broken.asice");
    fs::write(desk.path("there.asice"), b"mine").expect("written");
    desk.derive("rewrap", "PK.asice", "--identity prosecutor.id --trust md.pem -o there.asice", 1);
    assert_eq!(fs::read(desk.path("there.asice")).expect("there"), b"mine");
}
