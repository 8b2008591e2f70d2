//! One case from beginning to end, by the commands that officers give.

use rogatory_client::commands::documents::PickArguments;
use rogatory_client::commands::order::{self, DraftArguments as OrderArguments};
use rogatory_client::commands::package::{
    self, OpenArguments, SealArguments, SendArguments, VerifyArguments,
};
use rogatory_client::commands::request::{
    self, AcknowledgeArguments, CloseArguments, DraftArguments, ExecuteArguments, Form,
};
use rogatory_client::commands::{custody, documents};
use rogatory_evidence::Requirement;
use rogatory_templates::Template;
use rogatory_tests::reference::{self, Place};
use rogatory_tests::{Federation, Office, papers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const FORM: &str = "ets185/art31-trafficking";

/// The sample of facts of a form, with the recipients of this federation.
fn facts(gb: &Office) -> Value {
    let mut facts = Template::find(FORM).expect("a form").example();
    facts["recipients"] = papers::recipients(gb);
    facts
}

/// What an order says of its own; the rest follows from the request.
fn order_facts() -> Value {
    let sample = Template::find("common/order").expect("a form").example();
    let mut own = json!({
        "procedure": {"certificate": sample["procedure"]["certificate"]},
        "confidentiality": {
            "basis": sample["confidentiality"]["basis"],
            "until": sample["confidentiality"]["until"],
        },
        "request": {"state": sample["request"]["state"]},
    });
    for field in ["ordering_authority", "judicial_authorisation", "respond_by", "remedies", "contact"] {
        own[field] = sample[field].clone();
    }
    own
}

fn contact() -> Option<Value> {
    Some(json!({"contact": {
        "name": "An Officer",
        "function": "Officer on duty",
        "email": "officer@office.example",
        "telephone": "+44 20 7946 0000",
    }}))
}

fn form(facts: Option<Value>) -> Form {
    Form { facts, wording: Default::default() }
}

fn pick(case: &str) -> PickArguments {
    PickArguments { case: case.to_owned(), document: None }
}

async fn stage_at(office: &Office, case: &str) -> String {
    documents::case(&office.session("drafter"), case).await.expect("a case").stage
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trafficking_case_from_draft_to_verified_evidence() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, world } = &federation;
    let number = the_request_is_drafted_approved_and_transmitted(gb, md).await;
    world.clock.advance_seconds(3600);

    let order = the_provider_is_ordered_to_produce(md, nistru, &number).await;
    world.clock.advance_seconds(3600);

    let exhibits = world.directory().join("exhibits");
    std::fs::create_dir(&exhibits).expect("a folder");
    std::fs::write(exhibits.join("chat.txt"), "good work abroad, papers arranged\n").expect("a file");
    std::fs::write(exhibits.join("notă.txt"), "însoțire\n").expect("a file");
    let package = the_evidence_travels(&federation, &number, &order, &exhibits).await;
    world.clock.advance_seconds(3600);

    the_evidence_is_opened(&federation, &package, &exhibits).await;
    the_request_is_executed_and_closed(gb, md, &number).await;
    the_custody_records_verify(gb, &number).await;
    the_custody_records_verify(md, &number).await;
    the_custody_records_verify(nistru, &order).await;
}

async fn the_request_is_drafted_approved_and_transmitted(gb: &Office, md: &Office) -> String {
    let drafter = gb.session("drafter");
    let arguments = DraftArguments {
        template: FORM.to_owned(),
        facts: facts(gb),
        to: md.party.clone(),
        wording: Default::default(),
    };
    let drafted = request::draft(&drafter, arguments).await.expect("a draft");
    assert_eq!(drafted.stage, "drafted");
    let number = drafted.shared_number;

    let approved = request::approve(&gb.session("approver"), &pick(&number)).await.expect("an approval");
    assert_eq!((approved.stage.as_str(), approved.drafter.as_str()), ("approved", "Dora Drafter"));

    let plan = request::plan_transmission(&drafter, &pick(&number)).await.expect("a plan");
    assert_eq!(plan.addressee_name, md.name);
    let transmitted = request::transmit(&drafter, &plan).await.expect("a receipt");
    assert!(transmitted.delivered && transmitted.receipt.issuer == md.party);
    assert_eq!(stage_at(gb, &number).await, "transmitted");
    assert_eq!(stage_at(md, &number).await, "received");
    number
}

async fn the_provider_is_ordered_to_produce(md: &Office, nistru: &Office, number: &str) -> String {
    let drafter = md.session("drafter");
    let arguments = AcknowledgeArguments {
        case: number.to_owned(),
        reference: "PG-MD/24-2/2026-3391".to_owned(),
        form: form(contact()),
    };
    assert!(request::acknowledge(&drafter, arguments).await.expect("a receipt").delivered);

    let arguments =
        OrderArguments { case: number.to_owned(), to: nistru.party.clone(), form: form(Some(order_facts())) };
    let order = order::draft(&drafter, arguments).await.expect("a draft").shared_number;
    assert_ne!(order, number, "an order has a number of its own");
    order::approve(&md.session("approver"), &pick(number)).await.expect("an approval");
    let plan = order::plan_transmission(&drafter, &pick(number)).await.expect("a plan");
    assert!(order::transmit(&drafter, &plan).await.expect("a receipt").delivered);
    assert_eq!(stage_at(md, number).await, "in-execution");

    let arguments = AcknowledgeArguments {
        case: order.clone(),
        reference: "NC-LE-2026-0093".to_owned(),
        form: form(contact()),
    };
    assert!(order::acknowledge(&nistru.session("agent"), arguments).await.expect("a receipt").delivered);
    order
}

/// Sealed and sent by the provider, relayed by the one authority, fetched by the other; gives the file.
async fn the_evidence_travels(
    federation: &Federation,
    number: &str,
    order: &str,
    exhibits: &Path,
) -> std::path::PathBuf {
    let Federation { gb, md, nistru, world } = federation;
    let agent = nistru.session("agent");
    let orders = world.directory().join("orders");
    let exported = order::export(&agent, &pick(order), &orders).await.expect("the order's files");
    let document = exported.files.iter().find(|file| file.what == "document" && file.kind == "order");
    let sealed = world.directory().join("sealed.asice");
    let arguments = SealArguments {
        paths: vec![exhibits.to_owned()],
        order_document: Some(std::fs::read(&document.expect("the order").file).expect("a file")),
        output: sealed.clone(),
        ..SealArguments::default()
    };
    let made = package::seal(&agent, arguments).await.expect("a sealed package");
    assert_eq!(made.order.expect("an order").to_string(), order);

    let arguments = SendArguments { path: sealed, order: order.to_owned() };
    let plan = package::plan_send(&agent, arguments).await.expect("a plan");
    let sent = package::send(&agent, plan).await.expect("a receipt");
    assert!(sent.delivered && sent.package_id == made.package_id);

    let relaying = md.session("evidence");
    let plan = package::plan_relay(&relaying, &made.package_id).await.expect("a plan");
    assert_eq!(plan.to, gb.party);
    let relayed = package::relay(&relaying, plan).await.expect("receipts");
    assert!(relayed.delivered && relayed.relay_receipt.is_some());

    let receiving = gb.session("evidence");
    let listed = package::list(&receiving, number).await.expect("a list");
    assert_eq!(listed.packages.len(), 1);
    let received = world.directory().join("received.asice");
    let got = package::receive(&receiving, &made.package_id, &received).await.expect("the package");
    assert_eq!(got.relay_receipt.expect("a relay receipt").issuer, md.party);
    received
}

async fn the_evidence_is_opened(federation: &Federation, package: &Path, exhibits: &Path) {
    let Federation { gb, md, nistru, world } = federation;
    // Nobody between can read it: the requested authority's officer is no recipient.
    let mut trust = md.trust();
    trust.add(nistru.entry(), nistru.now(), "the provider's entry").expect("a sound entry");
    let verify = |office: &Office| VerifyArguments {
        path: package.to_owned(),
        identities: vec![office.identity("evidence").into()],
        trust: trust.clone(),
        require: BTreeSet::from([Requirement::Seal, Requirement::Contents]),
        ..VerifyArguments::default()
    };
    let between = package::verify(&md.offline(), verify(md)).await.expect("a report");
    assert!(!between.verified, "who is no recipient reads nothing");
    let report = package::verify(&gb.offline(), verify(gb)).await.expect("a report");
    assert!(report.verified, "{:?}", report.checks);

    let output = world.directory().join("opened");
    let arguments = OpenArguments { verify: verify(gb), output: output.clone(), ..OpenArguments::default() };
    package::open(&gb.offline(), arguments).await.expect("opened");
    for name in ["chat.txt", "notă.txt"] {
        let opened = std::fs::read(output.join("EX-0001").join("exhibits").join(name)).expect("a file");
        assert_eq!(opened, std::fs::read(exhibits.join(name)).expect("a file"), "{name}");
    }
}

async fn the_request_is_executed_and_closed(gb: &Office, md: &Office, number: &str) {
    let drafter = md.session("drafter");
    // What came of each identifier, and when a package was verified, only officers know.
    let identifiers = facts(gb)["identifiers"].as_array().cloned().unwrap_or_default();
    let outcomes: Vec<Value> = identifiers
        .iter()
        .map(|one| json!({"identifier": one["value"], "result": "provided", "answered_by": "the provider"}))
        .collect();
    let mut decision = contact().unwrap_or_default();
    decision["outcomes"] = json!(outcomes);
    let arguments = ExecuteArguments {
        case: number.to_owned(),
        partly: false,
        not_executed: None,
        remarks: Some("Executed in full.".to_owned()),
        form: form(Some(decision)),
    };
    request::execute(&drafter, arguments).await.expect("a draft");
    request::approve(&md.session("approver"), &pick(number)).await.expect("an approval");
    let plan = request::plan_transmission(&drafter, &pick(number)).await.expect("a plan");
    assert!(request::transmit(&drafter, &plan).await.expect("a receipt").delivered);

    let closer = gb.session("drafter");
    let listed = package::list(&gb.session("evidence"), number).await.expect("a list").packages;
    let verified: Vec<Value> = listed
        .iter()
        .map(|one| {
            json!({
                "package": one.package_id,
                "manifest_sha256": one.manifest_sha256,
                "verified_time": gb.now(),
                "result": "Opened; every digest equal",
            })
        })
        .collect();
    let mut closing = contact().unwrap_or_default();
    closing["packages"] = json!(verified);
    let arguments = CloseArguments {
        case: number.to_owned(),
        remarks: Some("With thanks.".to_owned()),
        form: form(Some(closing)),
    };
    assert!(request::close(&closer, arguments).await.expect("a receipt").delivered);
    assert_eq!(stage_at(gb, number).await, "closed");
    assert_eq!(stage_at(md, number).await, "closed");
}

/// The record verifies with what the entry says, and every event stands where the reference puts it.
async fn the_custody_records_verify(office: &Office, case: &str) {
    let file = office.folder.join("custody.json");
    custody::export(&office.session("operator"), case, 0, &file).await.expect("a record");
    let verified = custody::verify(&std::fs::read(&file).expect("a file"), None, &office.trust());
    let verified = verified.expect("a record that verifies");
    assert_eq!(verified.institution, office.party);
    assert_eq!(verified.shared_number.as_deref(), Some(case));

    let described = reference::custody_events();
    let timeline = Federation::timeline(office, case).await;
    // The export itself comes behind the checkpoint that a witness cosigned, if one covers all before it.
    let left_out = timeline.len() - verified.entries;
    assert!(left_out <= 1, "{left_out} events are not in the record");
    for (stream, event, _) in timeline {
        let page = described.iter().find(|page| page.name == event).expect("a described event");
        let place = if stream == "internal" { Place::Internal } else { Place::Shared };
        assert!(page.place == Place::Either || page.place == place, "{event} stands in {stream}");
    }
}
