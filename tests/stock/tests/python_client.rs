//! A client that knows the `.proto` files alone reads a case from a real server, over mutual TLS.

use rogatory_stock_tools::programs::rogatory;
use rogatory_stock_tools::servers::Server;
use rogatory_stock_tools::tools::{Ended, project, python, run, text};
use serde_json::Value;
use std::path::Path;

/// An officer's command that must end well; answers its JSON.
#[track_caller]
fn asks(work: &Path, profile: &str, words: &[&str]) -> Value {
    let mut arguments = vec!["--profile", profile, "--json"];
    arguments.extend(words);
    let output = rogatory(&arguments, work).succeeds().output();
    serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[track_caller]
fn reads(work: &Path, address: &str, profile: &str, anchors: &str, more: &[&str]) -> Ended {
    let script = project().join("tests/python/read_case.py");
    let (certificate, key) = (format!("{profile}/tls.pem"), format!("{profile}/tls.key"));
    let mut arguments =
        vec![text(&script), "--address", address, "--certificate", &certificate, "--key", &key];
    arguments.extend(["--anchors", anchors]);
    arguments.extend(more);
    run(python(), &arguments, work)
}

#[test]
fn a_python_client_made_from_the_proto_files_lists_the_case_and_reads_its_timeline() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = folder.path();
    let here = [
        "ashdown=Helen Ashdown:drafter",
        "hale=Jonathan Hale:approver",
        "pryce=Gareth Pryce:operator,auditor",
    ];
    let there = ["rusu=Ion Rusu:drafter", "istrati=Vera Istrati:operator"];
    let gb_office = Server::init(work, "gb", "gb/central-authority", &here);
    let md_office = Server::init(work, "md", "md/central-authority", &there);
    let gb = Server::run(work, "gb", gb_office);
    let _md = Server::run(work, "md", md_office);

    let entry = asks(work, "md/officers/istrati", &["party", "export", "-o", "md.party.asice"]);
    let fingerprint = entry["fingerprint"].as_str().expect("a fingerprint");
    asks(work, "gb/officers/pryce", &["party", "import", "md.party.asice", "--fingerprint", fingerprint]);
    let facts = project().join("templates/ets185/art31-trafficking/en/example.json");
    let mut draft =
        vec!["request", "draft", "--template", "ets185/art31-trafficking", "--facts", text(&facts)];
    draft.extend(["--to", "md/central-authority"]);
    let drafted = asks(work, "gb/officers/ashdown", &draft);
    let number = drafted["shared_number"].as_str().expect("a shared number").to_owned();
    asks(work, "gb/officers/hale", &["request", "approve", &number]);

    let profile = "gb/officers/ashdown";
    let anchors = format!("{profile}/anchors.pem");
    reads(work, &gb.office, profile, &anchors, &[]).succeeds().says(&number).says("md/central-authority");

    let answer =
        reads(work, &gb.office, profile, &anchors, &["--case", &number, "--json"]).succeeds().output();
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    assert_eq!(answer["case"]["shared_number"], number.as_str());
    assert_eq!(answer["case"]["stage"], "approved");
    let timeline = answer["timeline"].as_array().expect("a timeline");
    let happened = |event: &str| timeline.iter().any(|entry| entry["event"] == event);
    assert!(happened("document-drafted") && happened("document-approved"), "{timeline:?}");

    // Another institution's officer is no caller here, and a client does not talk to a server that it can't check.
    reads(work, &gb.office, "md/officers/rusu", &anchors, &[]).exits(1).says("another institution");
    reads(work, &gb.office, profile, "md/officers/rusu/anchors.pem", &[]).exits(75);
}
