//! What `rogatory package export --format case` writes is CASE, as the validator of the CASE community judges it.

use rogatory_stock_tools::exhibits::{copy, make};
use rogatory_stock_tools::formal::PARTY;
use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::{Ended, python, run, text};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs `case_validate` with the ontology it brings along; findings of every severity count.
fn validate(graph: &Path) -> Ended {
    let program = python().with_file_name("case_validate");
    assert!(program.exists(), "there is no `{}`; `cargo xtask test` installs it", program.display());
    run(program, &["--built-version", "case-1.5.0", text(graph)], graph.parent().unwrap_or(graph))
}

#[track_caller]
fn accepted(graph: &Path) {
    // "Conforms: True" stands there only if there is no finding at all.
    validate(graph).succeeds().says("Conforms: True");
}

fn export(office: &Office, package: &str, output: &str) -> PathBuf {
    let words = ["package", "export", package, "--identity", "officer.id", "--trust", "anchors.pem"];
    let more = ["--format", "case", "-o", output];
    office.rogatory(&[&words[..], &more[..]].concat()).succeeds().says("real names");
    office.path(output)
}

/// Facts with every field, as the documentation has them.
fn facts() -> String {
    let page = include_str!("../../../docs/reference/acquisition-facts.md");
    let (_, rest) = page.split_once("```toml\n").expect("an example");
    rest.split_once("\n```").expect("its end").0.to_owned()
}

/// Two exhibits with the facts of the documentation.
fn described(office: &Office) {
    write(&office.path("chat.csv"), b"from,to,text\n");
    write(&office.path("phone/calls/log.txt"), b"calls\n");
    write(&office.path("facts.toml"), facts().as_bytes());
    let words =
        ["package", "seal", "--key", "signer.key", "--certificate", "signer.pem", "--chain", "chain.pem"];
    let more =
        ["--recipient", &office.recipient, "--facts", "facts.toml", "-o", "PK.asice", "chat.csv", "phone"];
    office.rogatory(&[&words[..], &more[..]].concat()).succeeds();
}

#[test]
fn every_kind_of_evidence_is_accepted_sealed_opened_and_as_an_index() {
    let office = Office::new();
    let exhibits: Vec<OsString> =
        make(&office.path("originals")).into_iter().map(PathBuf::into_os_string).collect();
    office.seal("PK.asice", &exhibits).succeeds();
    let graph = export(&office, "PK.asice", "sealed.jsonld");
    accepted(&graph);
    let written = fs::read_to_string(&graph).expect("reads");
    for text in ["Справка о входах.csv", "raw bytes of the name", "uco-observable:SymbolicLink", "EX-0005"]
    {
        assert!(written.contains(text), "{text}");
    }
    let open =
        ["package", "open", "PK.asice", "--identity", "officer.id", "--trust", "anchors.pem", "-o", "opened"];
    office.rogatory(&open).succeeds();
    accepted(&export(&office, "opened", "opened.jsonld"));
    accepted(&export(&office, "opened/index.asice", "index.jsonld"));
}

#[test]
fn facts_and_an_institution_are_accepted() {
    let office = Office::new();
    described(&office);
    accepted(&export(&office, "PK.asice", "facts.jsonld"));
    write(&office.path("letter.txt"), b"letter\n");
    office.seal_as_officer_of(PARTY, "PK2.asice", &["letter.txt"]).succeeds();
    accepted(&export(&office, "PK2.asice", "institution.jsonld"));
}

#[test]
fn each_file_as_an_exhibit_of_its_own_is_accepted() {
    let office = Office::new();
    let originals = make(&office.path("originals"));
    let folder = office.path("folder");
    copy(&originals[0].join("a/b"), &folder);
    let words =
        ["package", "seal", "--key", "signer.key", "--certificate", "signer.pem", "--chain", "chain.pem"];
    let more = ["--recipient", &office.recipient, "--each", "-o", "PK.asice", "folder"];
    office.rogatory(&[&words[..], &more[..]].concat()).succeeds();
    accepted(&export(&office, "PK.asice", "each.jsonld"));
}

/// The check itself can fail: each of these graphs is wrong in one place.
#[test]
fn a_graph_with_one_defect_is_refused() {
    let office = Office::new();
    described(&office);
    let graph: Value =
        serde_json::from_slice(&fs::read(export(&office, "PK.asice", "good.jsonld")).expect("reads"))
            .expect("JSON");
    type Change = fn(&mut Value);
    let defects: [(&str, &str, Change); 5] = [
        ("size-is-text", "uco-observable:File", |node| {
            node["uco-core:hasFacet"][0]["uco-observable:sizeInBytes"] = json!("many");
        }),
        ("hash-without-method", "uco-observable:File", |node| {
            let hash = &mut node["uco-core:hasFacet"][1]["uco-observable:hash"][0];
            hash.as_object_mut().expect("a hash").remove("uco-types:hashMethod");
        }),
        ("performer-is-text", "case-investigation:InvestigativeAction", |node| {
            node["uco-action:performer"] = json!("Ana Lupu");
        }),
        ("relation-without-target", "uco-observable:ObservableRelationship", |node| {
            node.as_object_mut().expect("a relation").remove("uco-core:target");
        }),
        ("identifier-without-uuid", "uco-tool:Tool", |node| node["@id"] = json!("urn:example:tool")),
    ];
    for (name, class, change) in defects {
        let mut wrong = graph.clone();
        let nodes = wrong["@graph"].as_array_mut().expect("a graph");
        change(nodes.iter_mut().find(|node| node["@type"] == class).expect(class));
        let path = office.path(format!("{name}.jsonld"));
        write(&path, &serde_json::to_vec(&wrong).expect("writes"));
        let ended = validate(&path);
        assert_ne!(ended.code, 0, "{name} is accepted: {}", ended.text());
        ended.says("Conforms: False");
    }
}
