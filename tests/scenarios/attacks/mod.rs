//! The attack suite: what an operator with every right on database, disk and keys does to his own log, or whoever stole a
//! key of his, and the check that finds it, by its name.
//!
//! [`ATTACKS`] is the one table of it; `docs/threat-model.md` says the same in words, and a test compares them.

mod claims;
mod operator;
mod rewriting;
mod views;

use crate::witness::office_events;
use operator::{Operator, first};
use rogatory_server::casework::witness::findings;
use rogatory_server::fsck::{self, Report};
use rogatory_server::health::FindingKind;
use rogatory_tests::Office;
use serde_json::json;
use std::collections::BTreeSet;

/// Each attack that the custody log must withstand, with the test that mounts it.
const ATTACKS: &[(&str, &str)] = &[
    ("change a leaf", "rewriting::a_changed_leaf_is_found_by_fsck_and_by_the_witness"),
    ("change a body", "rewriting::a_changed_body_is_found_by_the_witness_and_by_a_record_kept_elsewhere"),
    (
        "change what a counterpart was told",
        "rewriting::what_a_counterpart_was_told_stands_against_a_changed_event",
    ),
    ("delete the last entry", "rewriting::a_deleted_last_entry_is_found_by_the_witness"),
    (
        "delete a middle entry",
        "rewriting::a_deleted_middle_entry_is_found_by_the_witness_and_by_a_record_kept_elsewhere",
    ),
    ("renumber", "rewriting::exchanged_numbers_are_found_by_the_witness_and_by_a_record_kept_elsewhere"),
    ("add a second #n", "rewriting::a_second_event_of_one_number_is_found_by_fsck_and_by_an_audit"),
    (
        "swap two cases' entries",
        "rewriting::exchanged_entries_of_two_cases_are_found_by_the_witness_and_by_a_record_kept_elsewhere",
    ),
    ("shorten a record", "rewriting::a_record_that_leaves_out_its_last_event_is_found_by_an_audit"),
    ("fork before a witness has seen", "views::what_nobody_has_seen_yet_can_be_rewritten_unnoticed"),
    ("fork before a witness has seen", "claims::what_a_receipt_names_cannot_be_rewritten_unnoticed"),
    ("fork after a witness has seen", "views::a_forked_log_is_refused_and_both_offices_record_it"),
    ("different forks to B and C", "views::different_forks_meet_when_b_and_c_talk"),
    ("different forks to B and C", "views::a_forked_log_that_proves_nothing_is_an_alarm"),
    ("replay an old checkpoint", "views::an_old_checkpoint_shown_again_is_a_rollback"),
    ("re-sign with a stolen log key", "views::a_log_signed_by_a_thief_comes_back_to_its_office"),
    ("give a receipt and never log it", "claims::a_receipt_whose_entry_was_never_logged_is_a_broken_promise"),
    ("restore last week's backup", "claims::a_restored_backup_without_a_new_epoch_is_a_rollback"),
    (
        "backdate with an expired key",
        "claims::a_signature_backdated_with_an_expired_key_has_no_proof_of_its_time",
    ),
    (
        "backdate with a revoked key",
        "claims::a_signature_backdated_with_a_revoked_key_is_judged_by_its_proven_time",
    ),
];

/// The sources of the tests that the documentation names for attacks on the log, by module.
const SOURCES: &[(&str, &str)] = &[
    ("attacks::claims", include_str!("claims.rs")),
    ("attacks::rewriting", include_str!("rewriting.rs")),
    ("attacks::views", include_str!("views.rs")),
    ("epochs", include_str!("../epochs.rs")),
    ("fsck", include_str!("../fsck.rs")),
    ("witness", include_str!("../witness.rs")),
];

const THREAT_MODEL: &str = include_str!("../../../docs/threat-model.md");
/// The first cell of the table of attacks on the log.
const HEADING: &str = "| attack on the log";

/// The kinds of what the health report of an office says of witnesses.
async fn alarms(office: &Office) -> BTreeSet<FindingKind> {
    let findings = findings(office.served()).await.expect("the database works");
    findings.into_iter().map(|finding| finding.kind).collect()
}

/// How often an office recorded that a log contradicts itself, with what was found.
async fn contradictions(office: &Office) -> Vec<String> {
    let events = office_events(office, "log-contradicted").await;
    events.iter().map(|body| body["found"].as_str().expect("a name").to_owned()).collect()
}

/// The tests of a source.
fn tests(source: &'static str) -> impl Iterator<Item = &'static str> {
    let tests = source.split("#[tokio::test").skip(1);
    tests.filter_map(|rest| rest.split_once("async fn ")?.1.split_once('(')).map(|(name, _)| name)
}

/// The rows of the table in the documentation: the attack, and the tests named in the last cell.
fn documented() -> Vec<(String, Vec<String>)> {
    let table = THREAT_MODEL.lines().skip_while(|line| !line.starts_with(HEADING)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let tests = cells.last().expect("a cell").split('`').skip(1).step_by(2).map(ToOwned::to_owned);
        (cells[0].to_owned(), tests.collect())
    });
    rows.collect()
}

#[test]
fn every_attack_has_its_row_and_every_row_its_test() {
    let rows = documented();
    let exists = |test: &str| {
        SOURCES.iter().any(|(module, source)| {
            test.strip_prefix(module)
                .and_then(|rest| rest.strip_prefix("::"))
                .is_some_and(|name| tests(source).any(|one| one == name))
        })
    };
    for (attack, named) in &rows {
        assert!(!named.is_empty(), "the row `{attack}` names no test");
        for test in named {
            assert!(exists(test), "the row `{attack}` names `{test}`, which is no test");
        }
    }
    for (attack, test) in ATTACKS {
        let test = format!("attacks::{test}");
        assert!(exists(&test), "`{attack}` has no test `{test}`");
        let row = rows.iter().find(|(name, _)| name == attack);
        let (_, named) = row.unwrap_or_else(|| panic!("docs/threat-model.md has no row `{attack}`"));
        assert!(named.contains(&test), "the row `{attack}` does not name `{test}`");
    }
    for (module, source) in SOURCES.iter().filter(|(module, _)| module.starts_with("attacks::")) {
        for test in tests(source) {
            let name = format!("{}::{test}", module.trim_start_matches("attacks::"));
            assert!(ATTACKS.iter().any(|(_, one)| *one == name), "no row of the table has the test `{name}`");
        }
    }
}

/// The operator of `office`, whose server is stopped, changes the body of the first event of this name, and makes all the
/// rest fit.
async fn rewrite(office: &Office, event: &str) {
    let mut operator = Operator::of(office).await;
    let mut entries = operator.entries().await;
    let at = first(&entries, event);
    entries[at].edit(|body| body["at"] = json!("2026-12-22T14:20:00Z"));
    operator.build(entries).await;
    operator.leave().await;
    assert_careful(&fsck::check(&office.folder, true).await.expect("a report"));
}

/// A clever operator leaves nothing for a check of the own folder.
fn assert_careful(report: &Report) {
    assert!(report.sound, "the operator was careless:\n{report}");
}
