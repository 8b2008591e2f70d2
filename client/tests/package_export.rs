//! The real binary, offline: acquisition facts are sealed, shown and exported.

use rogatory_evidence::age_layer::generate_identity;
use rogatory_pki::development::{DevelopmentCa, Validity};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const SHARED_NUMBER: &str = "MD-JF58-JXH4-09RC-SPTW-27";

/// The directory in which an officer works, with keys, evidence and the example of the documentation.
struct Desk {
    directory: tempfile::TempDir,
    recipient: String,
}

impl Desk {
    fn new() -> Self {
        let instant = |text: &str| text.parse().expect("an instant");
        // The binary reads the machine's clock.
        let validity = Validity::new(instant("2020-01-01T00:00:00Z"), instant("2049-01-01T00:00:00Z"))
            .expect("a validity");
        let ca = DevelopmentCa::new("md".parse().expect("a country"), "Test root", validity).expect("a root");
        let officer = "md/nistru-chat/officer/lupu".parse().expect("an officer");
        let issued =
            ca.issue_officer_signing(&officer, "Ana Lupu", "IDMD-1", validity).expect("a certificate");
        let (identity, recipient) = generate_identity();
        let desk =
            Self { directory: tempfile::tempdir().expect("a directory"), recipient: recipient.to_string() };
        desk.write("anchors.pem", ca.certificate_pem().as_bytes());
        desk.write("signer.pem", issued.certificate_pem.as_bytes());
        desk.write("signer.key", issued.key_pem.as_bytes());
        desk.write("officer.id", identity.as_bytes());
        desk.write("chat.csv", b"from,to,text\n");
        desk.write("phone/log.txt", b"calls\n");
        desk.write("facts.toml", example().as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, content).expect("written");
    }

    fn run(&self, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rogatory"))
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .output()
            .expect("the program starts")
    }

    fn seal(&self, more: &[&str]) -> Output {
        let mut words = vec!["package", "seal", "--key", "signer.key", "--certificate", "signer.pem"];
        words.extend(["--order", SHARED_NUMBER, "--recipient", &self.recipient]);
        words.extend(more);
        self.run(&words)
    }

    /// Seals both exhibits with the example's facts.
    fn sealed(&self) {
        done(&self.seal(&["--facts", "facts.toml", "-o", "PK.asice", "chat.csv", "phone"]));
    }

    fn export(&self, more: &[&str]) -> Output {
        let mut words = vec!["package", "export", "PK.asice", "--identity", "officer.id"];
        words.extend(["--trust", "anchors.pem"]);
        words.extend(more);
        self.run(&words)
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).expect("there")).expect("JSON")
    }
}

/// The example of the documentation.
fn example() -> &'static str {
    let page = include_str!("../../docs/reference/acquisition-facts.md");
    let (_, rest) = page.split_once("```toml\n").expect("an example");
    rest.split_once("\n```").expect("its end").0
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn refused(output: &Output, code: i32, says: &[&str]) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}{}", text(&output.stdout));
    for part in says {
        assert!(told.contains(part), "`{part}` is missing: {told}");
    }
}

#[test]
fn the_documented_facts_are_sealed_and_shown() {
    let desk = Desk::new();
    desk.sealed();
    let verify = ["package", "verify", "PK.asice", "--identity", "officer.id", "--trust", "anchors.pem"];
    let shown = done(&desk.run(&verify));
    for fact in [
        "acquired by: Ana Lupu, Nistru Chat SRL, administrator",
        "tool: Records Exporter, 4.2.1",
        "source device: mobile phone, Maker, M1, 356938035643809",
        "information only",
        "completeness: partial",
        "account: d.lungu (user name)",
    ] {
        assert!(shown.contains(fact), "{fact}: {shown}");
    }
    let json = done(&desk.run(&[&["--json"], &verify[..]].concat()));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let exhibits = &json["result"]["exhibits"];
    let exhibits = if exhibits.is_null() { &json["exhibits"] } else { exhibits };
    assert_eq!(exhibits[0]["acquisition"]["category"], "content", "{json}");
    assert_eq!(exhibits[1]["acquisition"]["victim"], true);
    assert_eq!(exhibits[1]["acquisition"]["original_digests"][0]["standing"], "information-only");
    let outer = done(&desk.run(&["package", "verify", "PK.asice", "--trust", "anchors.pem"]));
    assert!(!outer.contains("Ana Lupu, Nistru"), "{outer}");
    let open =
        ["package", "open", "PK.asice", "--identity", "officer.id", "--trust", "anchors.pem", "-o", "out"];
    assert!(done(&desk.run(&open)).contains("tool: Phone Reader, 7.61"));
    let names: Vec<_> = fs::read_dir(desk.path("out/EX-0001")).expect("listed").collect();
    assert_eq!(names.len(), 1, "the facts stand in the index alone");
}

#[test]
fn facts_that_cannot_be_used_are_refused_before_anything_is_sealed() {
    let desk = Desk::new();
    let line = example().lines().position(|line| line.starts_with("category")).expect("a category") + 1;
    let slip = format!("line {line}: categroy");
    for (from, to, says) in [
        ("category = \"content\"", "categroy = \"content\"", &[&slip, "unknown field"][..]),
        ("method = \"provider-export\"", "method = \"magic\"", &["magic", "provider-export"]),
        ("2026-03-31T23:59:59Z", "2026-02-31T23:59:59Z", &["2026-02-31"]),
        ("value = \"b1fa", "value = \"1fa", &["64 hexadecimal digits"]),
        ("format = 1", "format = 2", &["format 2"]),
        ("paths = [\"phone\"]", "paths = [\"telephone\"]", &["`telephone`"]),
        ("until = \"2026-03-31", "until = \"2026-02-01", &["`chat.csv`", "time_range"]),
        ("value = \"b1fa", "value = \"b1fb", &["chat.csv", "b1fa", "b1fb"]),
        ("of = \"source\"", "of = \"exhibit\"", &["`phone`", "a folder has none"]),
    ] {
        let facts = example().replacen(from, to, 1);
        assert_ne!(facts, example(), "{from}");
        desk.write("facts.toml", facts.as_bytes());
        let output = desk.seal(&["--facts", "facts.toml", "-o", "PK.asice", "chat.csv", "phone"]);
        let told = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{from}: {told}");
        for part in says {
            assert!(told.contains(part), "{from} does not say {part}: {told}");
        }
        assert!(!desk.path("PK.asice").exists(), "{from}");
    }
}

#[test]
fn a_package_is_exported_as_a_case_graph() {
    let desk = Desk::new();
    desk.sealed();
    let told = done(&desk.export(&["--format", "case", "-o", "PK.jsonld"]));
    assert!(told.contains("with acquisition facts") && told.contains("real names"), "{told}");
    let graph = desk.json("PK.jsonld");
    let nodes = graph["@graph"].as_array().expect("a graph");
    let names = |class: &str| -> Vec<&Value> {
        nodes.iter().filter(|node| node["@type"] == class).map(|node| &node["uco-core:name"]).collect()
    };
    assert_eq!(names("uco-tool:Tool"), ["Records Exporter", "Phone Reader"]);
    assert_eq!(nodes.iter().filter(|node| node["@type"] == "case-investigation:ProvenanceRecord").count(), 2);
    refused(&desk.export(&["--format", "case", "-o", "PK.jsonld"]), 2, &["is there already"]);
    refused(&desk.export(&["--format", "case", "--means", "post", "-o", "b"]), 2, &["transmission"]);
}

#[test]
fn without_identity_or_trust_nothing_is_exported() {
    let desk = Desk::new();
    desk.sealed();
    let words = ["package", "export", "PK.asice", "--format", "case", "-o", "PK.jsonld"];
    refused(&desk.run(&[&words[..], &["--trust", "anchors.pem"]].concat()), 2, &["--identity"]);
    refused(&desk.run(&[&words[..], &["--identity", "officer.id"]].concat()), 4, &["--trust"]);
    assert!(!desk.path("PK.jsonld").exists());
}

#[test]
fn the_manifest_for_large_evidence_is_written_as_data_and_as_text() {
    let desk = Desk::new();
    desk.sealed();
    let sent = ["--sent", "2026-11-23T09:00:00Z", "--means", "courier, receipt 17"];
    done(&desk.export(&[&["--format", "eu-manifest", "-o", "manifest.json"], &sent[..]].concat()));
    let manifest = desk.json("manifest.json");
    let bytes = fs::read(desk.path("PK.asice")).expect("read");
    assert_eq!(manifest["files"]["value"][0]["name"], "PK.asice");
    assert_eq!(manifest["files"]["value"][0]["size_bytes"], bytes.len());
    assert_eq!(manifest["files"]["value"][0]["digests"]["SHA-512"].as_str().map(str::len), Some(128));
    assert_eq!(manifest["link"]["value"]["order"], SHARED_NUMBER);
    assert_eq!(manifest["contains"]["value"][0]["name"], "chat.csv");
    assert!(manifest["notice"].as_str().is_some_and(|notice| notice.starts_with("SENSITIVE")));
    let available = ["--available-from", "2026-11-23T09:00:00Z", "--means", "link", "--available-until"];
    let export = |until: &str, more: &[&str]| {
        let words = [&["--format", "eu-manifest-text", "-o", "manifest.md"], &available[..], &[until], more];
        desk.export(&words.concat())
    };
    refused(&export("2026-11-30T00:00:00Z", &[]), 2, &["7 calendar days", "10 are the least"]);
    refused(&export("2027-02-01T00:00:00Z", &[]), 2, &["45 are the most"]);
    assert!(!desk.path("manifest.md").exists());
    done(&export("2027-02-01T00:00:00Z", &["--extended"]));
    let page = fs::read_to_string(desk.path("manifest.md")).expect("there");
    assert!(page.contains("SENSITIVE") && page.contains("chat.csv") && page.contains("2027-02-01"), "{page}");
    let words = ["--format", "eu-manifest", "-o", "again.json", "--means", "courier"];
    refused(&desk.export(&words), 2, &["--sent"]);
}
