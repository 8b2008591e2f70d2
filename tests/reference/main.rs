//! The pages of `docs/` that say what the code does, compared with what it does.

use rogatory_core::custody_event::EventKind;
use rogatory_core::mla_request::StageName;
use rogatory_core::order;
use rogatory_core::preservation;
use rogatory_pki::tls::Refusal;
use rogatory_server::fsck::Item;
use rogatory_server::health::FindingKind;
use rogatory_server::problem::{Kind, Reason};
use rogatory_tests::reference::{chapter, custody_events, page, sections};
use std::collections::BTreeSet;
use std::fmt::Debug;

#[test]
fn every_custody_event_is_described_with_its_fields_and_none_besides() {
    let described: Vec<(String, Vec<String>)> =
        custody_events().into_iter().map(|event| (event.name, event.fields)).collect();
    let real: Vec<(String, Vec<String>)> = EventKind::ALL
        .iter()
        .map(|(_, name, fields)| {
            ((*name).to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
        })
        .collect();
    let sorted = |mut events: Vec<(String, Vec<String>)>| {
        events.sort();
        events
    };
    assert_eq!(sorted(described), sorted(real));
}

/// The name of a kind as gRPC writes codes.
fn code(kind: Kind) -> String {
    let mut text = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

#[test]
fn every_reason_of_a_refused_call_has_its_paragraph_with_its_code() {
    let described = sections(&chapter(&page("reference/problems.md"), "Calls"), "###");
    let names: Vec<&str> = described.iter().map(|section| section.title.as_str()).collect();
    let real: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names, real);
    for (section, reason) in described.iter().zip(Reason::ALL) {
        let begins = format!("`{}`. ", code(reason.kind()));
        let text = section.text.trim();
        assert!(text.starts_with(&begins), "{} begins with {begins}", section.title);
        assert!(text.len() > begins.len() + 30, "{} says something", section.title);
    }
}

#[test]
fn every_reason_of_a_refused_connection_has_its_paragraph() {
    let described = sections(&chapter(&page("reference/problems.md"), "Connections"), "###");
    let names: Vec<&str> = described.iter().map(|section| section.title.as_str()).collect();
    assert_eq!(names, Refusal::REASONS);
    assert!(described.iter().all(|section| section.text.trim().len() > 20));
}

#[test]
fn every_kind_of_item_that_fsck_compares_is_described() {
    let page = page("reference/fsck.md");
    let table = page.lines().skip_while(|line| *line != "| item | is compared |").skip(2);
    let mut described = Vec::new();
    for row in table.take_while(|line| line.starts_with('|')) {
        let names = row.split('|').nth(1).expect("a column").split(',');
        described.extend(names.map(|name| name.trim().trim_matches('`').to_owned()));
    }
    assert_eq!(described, Item::ALL.map(|item| item.as_str().to_owned()));
    for item in Item::ALL {
        assert_eq!(serde_json::to_value(item).expect("JSON"), item.as_str());
    }
}

#[test]
fn every_kind_of_finding_is_described() {
    let page = page("reference/health.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let described: Vec<&str> = rows.map(|(kind, _)| kind).collect();
    assert_eq!(described, FindingKind::ALL.map(FindingKind::as_str));
    for kind in FindingKind::ALL {
        assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
    }
}

/// The rows of the diagram ```` ```stages NAME ````.
fn diagram(name: &str) -> BTreeSet<[String; 4]> {
    let page = page("data-model.md");
    let opens = format!("```stages {name}");
    let rows: Vec<&str> =
        page.lines().skip_while(|line| *line != opens).skip(1).take_while(|line| *line != "```").collect();
    let mut drawn = BTreeSet::new();
    for row in &rows {
        let words: Vec<String> = row.split_whitespace().map(ToOwned::to_owned).collect();
        let words: [String; 4] = words.try_into().unwrap_or_else(|_| panic!("`{row}` has not four words"));
        assert!(drawn.insert(words), "`{row}` stands twice");
    }
    assert!(!drawn.is_empty(), "no diagram `{opens}`");
    drawn
}

/// `BeginExecution` → `begin-execution`.
fn kebab(name: impl Debug) -> String {
    let mut text = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[test]
fn the_diagram_of_requests_is_the_table_of_their_transitions() {
    let real: BTreeSet<[String; 4]> = StageName::TRANSITIONS
        .iter()
        .map(|(side, from, step, to)| {
            [kebab(side), from.as_str().to_owned(), kebab(step), to.as_str().to_owned()]
        })
        .collect();
    assert_eq!(diagram("request"), real);
}

#[test]
fn the_diagram_of_orders_is_the_table_of_their_transitions() {
    let real: BTreeSet<[String; 4]> = order::TRANSITIONS
        .iter()
        .map(|(side, from, step, to)| [kebab(side), (*from).to_owned(), kebab(step), (*to).to_owned()])
        .collect();
    assert_eq!(diagram("order"), real);
}

#[test]
fn the_diagram_of_preservations_is_the_table_of_their_transitions() {
    let real: BTreeSet<[String; 4]> = preservation::TRANSITIONS
        .iter()
        .map(|(side, from, step, to)| [kebab(side), (*from).to_owned(), kebab(step), (*to).to_owned()])
        .collect();
    assert_eq!(diagram("preservation"), real);
}

#[test]
fn every_step_of_a_diagram_is_explained() {
    let page = page("data-model.md");
    for (name, heading) in [
        ("request", "Stages of a request"),
        ("order", "Stages of an order"),
        ("preservation", "Stages of a preservation"),
    ] {
        let text = chapter(&page, heading);
        for [_, _, step, _] in diagram(name) {
            assert!(
                text.lines().any(|line| line.starts_with(&format!("| {step} |"))),
                "`{step}` of the {name}"
            );
        }
    }
}
