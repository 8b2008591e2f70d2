//! The check of facts: each essential that is dropped or wrong is said, with its source.

use rogatory_core::document::Document;
use rogatory_core::ground::{PostponementGround, RefusalGround};
use rogatory_core::{Digest, Timestamp};
use rogatory_templates::{
    Confidence, Demand, Finding, RENDERER, Severity, Shape, Template, acknowledgement_facts, answer_facts,
    blocks, catalogue, closing_facts, confirmation_facts, execution_facts, extension_facts, forwarding_facts,
    forwarding_notice_facts, instruments, order_facts, postponement_facts, question_facts, refusal_facts,
    release_facts, withdrawal_facts,
};
use serde_json::{Value, json};

fn request() -> &'static Template {
    Template::find("ets185/art31-trafficking").expect("the template")
}

/// Takes away what stands at `key`; in the first entry that has it, for a list. Says where it was.
fn drop_field(body: &mut Value, key: &str) -> Option<String> {
    let pointer = |key: &str| format!("/{}", key.replace('.', "/"));
    let (path, place) = match key.split_once("[].") {
        None => (key.to_owned(), pointer(key)),
        Some((list, rest)) => {
            let entries = body.pointer(&pointer(list))?.as_array()?.len();
            (0..entries)
                .map(|index| {
                    (format!("{list}[{index}].{rest}"), format!("{}/{index}{}", pointer(list), pointer(rest)))
                })
                .find(|(_, place)| body.pointer(place).is_some_and(|value| !value.is_null()))?
        }
    };
    let (parent, name) = place.rsplit_once('/')?;
    let parent = if parent.is_empty() { Some(body) } else { body.pointer_mut(parent) }?;
    parent.as_object_mut()?.remove(name)?;
    Some(path)
}

/// The example, with the parts that only some cases have.
fn filled(template: &Template) -> Value {
    let mut body = template.example();
    match template.id() {
        "common/acknowledgement" => {
            body["complete"] = json!(false);
            body["questions"] = json!([{"field": "period", "question": "May the end be earlier?"}]);
        }
        "common/execution" => {
            body["outcome"] = json!("partly-executed");
            body["not_executed"] = json!("Connection records older than 180 days are not kept.");
        }
        _ => {}
    }
    assert_eq!(template.check(&body), []);
    body
}

fn finding<'a>(findings: &'a [Finding], field: &str) -> Option<&'a Finding> {
    findings.iter().find(|finding| finding.field == field && finding.severity == Severity::Missing)
}

#[test]
fn each_required_field_that_is_dropped_is_reported() {
    let mut dropped = 0;
    for template in catalogue() {
        for field in template.schema().fields.iter().filter(|field| field.demand != Demand::Optional) {
            let mut body = filled(template);
            let path = drop_field(&mut body, &field.key)
                .unwrap_or_else(|| panic!("{}: {} is not in the example", template.id(), field.key));
            let findings = template.check(&body);
            let found = finding(&findings, &path).unwrap_or_else(|| panic!("{}: {path}", template.id()));
            assert_eq!(found.source, field.source);
            assert_eq!(found.confidence, field.confidence);
            dropped += 1;
        }
    }
    assert!(dropped > 480, "{dropped}");
}

#[test]
fn blanks_and_placeholders_fill_no_field() {
    for filler in ["", "  ", "\n", "TODO", "…", "n/a"] {
        let mut body = request().example();
        body["facts"]["summary"] = json!(filler);
        assert!(finding(&request().check(&body), "facts.summary").is_some(), "{filler:?}");
    }
}

/// One change to the example, where it must be found, and how gravely.
#[test]
fn each_known_reason_for_refusal_is_found() {
    let cases: Vec<(&str, Value, &str, Severity)> = vec![
        ("/period/end", json!("2026-01-01T00:00:00Z"), "period.end", Severity::Missing),
        ("/period/end", json!("2028-01-01T00:00:00Z"), "period.end", Severity::Warning),
        ("/period/start", json!("2026-02-01"), "period.start", Severity::Missing),
        ("/period/start", json!("2026-02-01T00:00:00"), "period.start", Severity::Missing),
        (
            "/data_categories/2/description",
            json!("All data of the account"),
            "data_categories[2].description",
            Severity::Missing,
        ),
        (
            "/data_categories/2/category",
            json!("everything"),
            "data_categories[2].category",
            Severity::Missing,
        ),
        (
            "/data_categories/1/description",
            json!("Messages with V-1"),
            "data_categories[1].description",
            Severity::Warning,
        ),
        ("/exclusions", json!(null), "exclusions", Severity::Warning),
        ("/identifiers/0/platform", json!(" "), "identifiers[0].platform", Severity::Missing),
        ("/identifiers/2/value", json!("203.0.113.47:51514"), "identifiers[2].value", Severity::Missing),
        ("/identifiers/2/value", json!("192.168.1.7"), "identifiers[2].value", Severity::Warning),
        ("/identifiers/2/time", json!("2026-03-14 18:22"), "identifiers[2].time", Severity::Missing),
        ("/identifiers/2/zone", json!("local time"), "identifiers[2].zone", Severity::Missing),
        ("/identifiers/2/port", json!(0), "identifiers[2].port", Severity::Missing),
        ("/identifiers/2/port", json!("51514"), "identifiers[2].port", Severity::Missing),
        ("/identifiers/1/value", json!("060000417"), "identifiers[1].value", Severity::Warning),
        ("/identifiers/1/concerns", json!("S-9"), "identifiers[1].concerns", Severity::Missing),
        ("/identifiers", json!([]), "identifiers", Severity::Missing),
        ("/persons/2/identity", json!("known"), "persons[2].identity", Severity::Missing),
        ("/persons/2/label", json!("Maria"), "persons[2].label", Severity::Missing),
        ("/persons/3/label", json!("V-1"), "persons[3].label", Severity::Missing),
        ("/persons/0/nationality", json!(null), "persons[0].nationality", Severity::Warning),
        ("/legal_basis/0/instrument", json!("eu-epoc"), "legal_basis[0].instrument", Severity::Missing),
        ("/legal_basis/0/instrument", json!("coe-thb-2005"), "legal_basis", Severity::Warning),
        (
            "/legal_basis/1/instrument",
            json!("budapest-2ap-2022"),
            "legal_basis[1].instrument",
            Severity::Warning,
        ),
        ("/legal_basis/2/instrument", json!("uncac-2003"), "legal_basis", Severity::Missing),
        ("/recipients/0/officer", json!(null), "recipients", Severity::Missing),
        (
            "/recipients/0/officer",
            json!("md/central-authority/officer/rusu"),
            "recipients[0].officer",
            Severity::Missing,
        ),
        ("/recipients/0/recipient", json!("age1qqqq"), "recipients[0].recipient", Severity::Missing),
        (
            "/recipients/1/recipient",
            json!("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"),
            "recipients[1].recipient",
            Severity::Missing,
        ),
        ("/safeguards/other", json!("AGE-SECRET-KEY-1QQQ"), "safeguards.other", Severity::Missing),
        ("/urgency/reason", json!(null), "urgency.reason", Severity::Missing),
        ("/urgency/respond_by", json!("2026-02-30"), "urgency.respond_by", Severity::Missing),
        ("/contact/email", json!("h.ashdown"), "contact.email", Severity::Missing),
        ("/facts", json!("a text"), "facts", Severity::Missing),
        ("/facts/sumary", json!("a slip of the pen"), "facts.sumary", Severity::Missing),
    ];
    for (place, value, field, severity) in cases {
        let mut body = request().example();
        let (parent, name) = place.rsplit_once('/').expect("a pointer");
        let parent = body.pointer_mut(parent).expect("a place in the example");
        match parent {
            Value::Array(entries) => entries[name.parse::<usize>().expect("an index")] = value.clone(),
            other => other[name] = value.clone(),
        }
        let findings = request().check(&body);
        assert!(
            findings.iter().any(|finding| finding.field == field && finding.severity == severity),
            "{place} = {value}: {findings:#?}"
        );
        assert_eq!(blocks(&findings), findings.iter().any(|finding| finding.severity == Severity::Missing));
    }
}

#[test]
fn a_victim_with_a_name_does_not_leave_the_house() {
    let mut body = request().example();
    body["persons"][2]["name"] = json!("A Name");
    let findings = request().check(&body);
    let found = finding(&findings, "persons[2].name").expect("a finding");
    assert!(found.source.contains("Art. 6(1)") && found.confidence == Confidence::Sourced);
}

#[test]
fn conditions_look_at_the_same_entry_or_at_any() {
    let mut body = request().example();
    body["identifiers"][0]["type"] = json!("ip-address");
    let findings = request().check(&body);
    assert!(finding(&findings, "identifiers[0].port").is_some());
    assert!(finding(&findings, "identifiers[1].port").is_none());

    let mut body = request().example();
    body["urgency"] = json!({"requested": false});
    body["facts"] = json!({"summary": "What happened."});
    body["legal_basis"].as_array_mut().expect("a list").retain(|entry| entry["instrument"] != "untoc-2000");
    assert_eq!(request().check(&body), []);
}

#[test]
fn an_order_for_content_needs_an_authorisation() {
    let order = Template::find("common/order").expect("the template");
    let mut body = order.example();
    body.as_object_mut().expect("fields").remove("judicial_authorisation");
    assert!(finding(&order.check(&body), "judicial_authorisation.court").is_some());
    body["data_categories"].as_array_mut().expect("a list").truncate(2);
    body.as_object_mut().expect("fields").remove("exclusions");
    assert_eq!(order.check(&body), []);
}

#[test]
fn a_decision_names_packages_that_fit_and_says_what_was_refused() {
    let execution = Template::find("common/execution").expect("the template");
    let mut body = execution.example();
    body["packages"][0]["manifest_sha256"] = json!(Digest::of(b"another"));
    assert!(finding(&execution.check(&body), "packages[0].package").is_some());

    let mut body = execution.example();
    body["outcomes"][1] = json!({"identifier": "x", "result": "refused", "answered_by": "y"});
    let findings = execution.check(&body);
    assert!(finding(&findings, "outcomes[1].ground").is_some());
    assert!(finding(&findings, "outcome").is_some());
}

fn document(template: &Template, body: Value) -> Document {
    let json = json!({
        "format": 1, "profile": 1, "kind": template.kind(),
        "shared_number": "GB-7K2M-9QXR-4T1V-C8ZE-56", "message_number": 1,
        "sender": {"party": "gb/central-authority", "name": "A"},
        "addressee": {"party": "md/central-authority", "name": "B"},
        "created_time": "2026-11-22T14:20:00Z", "in_reply_to": null,
        "renderer": RENDERER, "template": template.id(), "pack_version": template.pack_version(),
        "language": template.language(), "body": body,
    });
    serde_json::from_value(json).expect("a document")
}

#[test]
fn an_order_takes_from_the_request_what_a_provider_may_know_and_no_more() {
    let request_document = document(request(), request().example());
    let digest = Digest::of(&request_document.to_json());
    let facts = order_facts(&request_document, digest);
    let order = Template::find("common/order").expect("the template");
    let told = serde_json::to_string(&facts).expect("JSON");
    for secret in ["EXEMPLARU", "V-1", "S-2", "Eastshire", "passport", "EJM/3", "UKCA/2026"] {
        assert!(!told.contains(secret), "{secret}");
    }
    assert_eq!(facts["recipients"], request().example()["recipients"]);
    assert_eq!(facts["request"]["document_sha256"], json!(digest));

    // With what only the ordering authority knows, the form is complete.
    let mut body = order.example();
    for (name, value) in facts.as_object().expect("fields") {
        match (body.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(own), Some(theirs)) => own.extend(theirs.clone()),
            _ => body[name] = value.clone(),
        }
    }
    assert_eq!(order.check(&body), []);
    let made = document(order, body);
    assert_eq!(made.request_quoted().expect("quoted").document_sha256, digest);
    assert_eq!(made.evidence_recipients().expect("recipients").len(), 2);
}

#[test]
fn answers_carry_over_references_and_identifiers() {
    let request_document = document(request(), request().example());
    assert_eq!(acknowledgement_facts(&request_document), json!({"their_reference": "UKCA/2026/TIP-0417"}));
    let order = Template::find("common/order").expect("the template");
    let order_document = document(order, order.example());
    let facts = execution_facts(&request_document, Some((&order_document, Digest::of(b"order"))));
    assert_eq!(facts["outcomes"].as_array().map(Vec::len), Some(3));
    assert_eq!(facts["order"]["document_sha256"], json!(Digest::of(b"order")));
    let execution = Template::find("common/execution").expect("the template");
    let decision = document(execution, execution.example());
    assert_eq!(decision.packages_named().expect("packages").len(), 1);
    assert_eq!(closing_facts(&decision)["their_reference"], json!("PG-MD/24-2/2026-3391"));
}

fn example(id: &str) -> Document {
    let template = Template::find(id).expect("the template");
    document(template, template.example())
}

/// A form filled with what a function gives and, for the rest, with its example.
fn completed(id: &str, facts: &Value) -> Value {
    let mut body = Template::find(id).expect("the template").example();
    for (name, value) in facts.as_object().expect("fields") {
        body[name] = value.clone();
    }
    body
}

#[test]
fn the_papers_of_the_acts_take_over_what_they_answer() {
    let asked = example("ets185/art31-trafficking");
    let digest = Digest::of(&asked.to_json());
    let received: Timestamp = "2026-11-22T14:20:03Z".parse().expect("an instant");
    let later: Timestamp = "2026-11-23T08:05:00Z".parse().expect("an instant");
    let question = example("common/question");
    let forwarding = example("common/forwarding");
    let preservation = example("ets185/art29");
    let confirmation = example("common/confirmation");
    let extension = example("common/extension");
    let made = [
        ("common/question", question_facts(&asked)),
        ("common/answer", answer_facts(&question)),
        ("common/refusal", refusal_facts(&asked)),
        ("common/refusal", refusal_facts(&preservation)),
        ("common/postponement", postponement_facts(&asked)),
        ("common/forwarding", forwarding_facts(&asked, digest, received)),
        ("common/forwarding-notice", forwarding_notice_facts(&asked, &forwarding, later)),
        ("common/withdrawal", withdrawal_facts(Some(&question))),
        ("common/withdrawal", withdrawal_facts(None)),
        ("common/confirmation", confirmation_facts(&preservation, received, None)),
        ("common/confirmation", confirmation_facts(&preservation, received, Some(&extension))),
        ("common/extension", extension_facts(&confirmation)),
        ("common/release", release_facts(Some(&confirmation))),
        ("common/release", release_facts(None)),
    ];
    for (id, facts) in &made {
        let template = Template::find(id).expect("the template");
        for name in facts.as_object().expect("fields").keys() {
            let known = template
                .schema()
                .fields
                .iter()
                .any(|field| field.key == *name || field.key.starts_with(&format!("{name}.")));
            assert!(known, "{id}: {name}");
        }
        let findings = template.check(&completed(id, facts));
        assert!(!blocks(&findings), "{id}: {findings:#?}");
    }
    let of = |index: usize, field: &str| made[index].1[field].clone();
    assert_eq!(of(0, "their_reference"), "UKCA/2026/TIP-0417");
    assert_eq!(
        (of(1, "question_id"), of(1, "their_reference")),
        (json!("Q1"), json!("PG-MD/24-2/2026-3391"))
    );
    assert_eq!(of(1, "question"), question.body["question"]);
    assert_eq!((of(2, "refused"), of(3, "refused")), (json!("assistance"), json!("preservation")));
    assert_eq!(of(5, "request")["document_sha256"], json!(digest));
    assert_eq!(of(5, "received_time"), "2026-11-22T14:20:03Z");
    assert_eq!(of(6, "received_time"), forwarding.body["received_time"]);
    assert_eq!(of(6, "forwarded_to"), json!(forwarding.addressee.party));
    assert_eq!(of(8, "their_reference"), Value::Null);
    assert_eq!((of(9, "of"), of(10, "of")), (json!("preservation"), json!("extension")));
    assert_eq!(of(11, "preserved_until"), confirmation.body["preserved_until"]);
}

#[test]
fn what_a_server_reads_of_a_paper_stands_in_every_example() {
    for language in ["en", "fr"] {
        let example = |id: &str| {
            let template = Template::find_in(id, language).expect("the template");
            document(template, template.example())
        };
        assert_eq!(example("common/question").question_id().expect("read").as_str(), "Q1");
        assert!(example("common/question").answer_by().expect("read").is_some());
        assert_eq!(example("common/answer").question_id().expect("read").as_str(), "Q1");
        example("common/refusal").refusal().expect("read");
        example("common/postponement").postponement().expect("read").1.expect("a date");
        example("common/forwarding").forwarded_request().expect("read");
        example("common/forwarding-notice").forwarded_to().expect("read");
        example("common/execution").outcome().expect("read");
        example("common/confirmation").confirmation().expect("read");
        example("common/extension").extend_until().expect("read").expect("an instant");
        for id in ["common/withdrawal", "common/extension", "common/release"] {
            example(id).reason().expect("read");
        }
        assert_eq!(example("ets185/art29").instruments(), ["budapest-2001"]);
    }
}

#[test]
fn the_grounds_of_the_papers_are_those_of_the_core() {
    let choices = |id: &str| -> Vec<String> {
        let form = Template::find(id).expect("the template");
        form.schema().field("ground").expect("the field").choices.clone()
    };
    let refusal: Vec<&str> = RefusalGround::ALL.iter().map(|ground| ground.as_str()).collect();
    assert_eq!(choices("common/refusal"), refusal);
    let postponement: Vec<&str> = PostponementGround::ALL.iter().map(|ground| ground.as_str()).collect();
    assert_eq!(choices("common/postponement"), postponement);
}

/// One change to an example, where it must be found, and how gravely.
#[test]
fn the_papers_of_the_acts_find_what_the_treaty_does_not_allow() {
    let cases: Vec<(&str, Value, &str, Severity)> = vec![
        (
            "ets185/art29",
            json!({"intention": {"stated": false, "measure": "x"}}),
            "intention.stated",
            Severity::Missing,
        ),
        (
            "ets185/art29",
            json!({"legal_basis": [{"instrument": "coe-mla-1959", "articles": "Art. 1"}]}),
            "legal_basis",
            Severity::Missing,
        ),
        ("ets185/art29", json!({"identifiers": []}), "identifiers", Severity::Missing),
        (
            "ets185/art29",
            json!({"data_categories": [{"category": "content", "description": "Toutes les données"}]}),
            "data_categories[0].description",
            Severity::Missing,
        ),
        (
            "ets185/art29",
            json!({"period": {"start": "2026-02-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}),
            "period.end",
            Severity::Missing,
        ),
        ("ets185/art29", json!({"previous_reference": null}), "previous_reference", Severity::Missing),
        ("common/refusal", json!({"ground": "R25-other"}), "ground", Severity::Missing),
        ("common/refusal", json!({"ground": "P01-prejudice-own-case"}), "ground", Severity::Missing),
        ("common/refusal", json!({"ground": "R06-fiscal"}), "ground", Severity::Warning),
        (
            "common/refusal",
            json!({"refused": "preservation", "ground": "R07-dual-criminality"}),
            "ground",
            Severity::Warning,
        ),
        (
            "common/refusal",
            json!({"refused": "preservation", "ground": "R20-cost"}),
            "ground",
            Severity::Warning,
        ),
        ("common/refusal", json!({"part": null}), "part", Severity::Missing),
        ("common/question", json!({"question_id": "q1"}), "question_id", Severity::Missing),
        ("common/question", json!({"question_id": "Q1234567890123"}), "question_id", Severity::Missing),
        ("common/answer", json!({"amendment": null}), "amendment", Severity::Missing),
        (
            "common/confirmation",
            json!({"preserved_until": "2026-11-09T13:20:04Z"}),
            "preserved_until",
            Severity::Missing,
        ),
        (
            "common/extension",
            json!({"extend_until": "2027-01-31T23:59:59Z"}),
            "extend_until",
            Severity::Missing,
        ),
        ("common/forwarding", json!({"received_time": "2026-11-22"}), "received_time", Severity::Missing),
    ];
    for (id, change, field, severity) in cases {
        let findings = Template::find(id).expect("the template").check(&completed(id, &change));
        assert!(
            findings.iter().any(|finding| finding.field == field && finding.severity == severity),
            "{id} {change}: {findings:#?}"
        );
    }
    // What the treaty allows is found by nobody.
    let refusal = Template::find("common/refusal").expect("the template");
    for ground in ["R02-essential-interests", "R05-political"] {
        let body = completed("common/refusal", &json!({"refused": "preservation", "ground": ground}));
        assert_eq!(refusal.check(&body), []);
    }
    let open = completed("common/extension", &json!({"extend_until": null}));
    assert_eq!(Template::find("common/extension").expect("the template").check(&open), []);
}

#[test]
fn a_closing_after_a_refusal_needs_no_word_on_evidence() {
    let closing = Template::find("common/closing").expect("the template");
    let mut body = closing.example();
    body["reason"] = json!("request-refused");
    for name in ["packages", "use_statement", "retention"] {
        body.as_object_mut().expect("fields").remove(name);
    }
    assert_eq!(closing.check(&body), []);
    body["reason"] = json!("evidence-received");
    assert!(finding(&closing.check(&body), "use_statement").is_some());
}

#[test]
fn every_fact_of_law_says_where_it_is_from() {
    for template in catalogue() {
        for field in &template.schema().fields {
            assert!(!field.source.trim().is_empty() && !field.label.trim().is_empty(), "{}", field.key);
            assert!(field.shape != Shape::Choice || !field.choices.is_empty());
        }
        assert_eq!(template.law_as_of().len(), 10);
    }
    assert!(
        instruments()
            .iter()
            .any(|instrument| instrument.id == "coe-mla-1959" && instrument.mutual_assistance)
    );
}
