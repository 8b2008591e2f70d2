//! The log rewritten with its own key, everything made consistent again: numbers, links, leaves, nodes, index, heads,
//! checkpoint. What is left to find it is what others hold.

use super::operator::{Entry, Operator, Shown, first, last};
use super::{alarms, assert_careful, contradictions};
use crate::custody::{log_key, record, trust};
use crate::witness::{office_events, seen, until};
use rogatory_client::commands::custody;
use rogatory_client::{Exit, Problem};
use rogatory_core::SharedNumber;
use rogatory_custody::record::Record;
use rogatory_proto::office::v1 as wire;
use rogatory_server::casework::witness::ask::ask;
use rogatory_server::fsck::{self, Fault, Item, Report};
use rogatory_server::health::FindingKind;
use rogatory_tests::{Federation, Office, papers};
use serde_json::json;

/// Two cases at md. An officer read an answer before it was sent, and once more at the end; a court has the record of
/// the first case, without the last reading; gb cosigned all of it.
struct Scene {
    federation: Federation,
    number: SharedNumber,
    court: Vec<u8>,
    known: u64,
}

async fn read(office: &Office, document_id: &str) {
    let session = office.session("drafter");
    let mut documents = session.connection().await.expect("a connection").documents();
    let request = wire::GetDocumentRequest { document_id: document_id.to_owned() };
    documents.get_document(request).await.expect("a document");
}

/// A request that md's officer acknowledged, after she had read what she would send.
async fn acknowledged(federation: &Federation) -> (SharedNumber, String) {
    let request = federation.request_transmitted().await;
    let md = &federation.md;
    let draft = papers::drafted(md, "drafter", &papers::acknowledgement(md, &request));
    let handed = papers::hand_in(md, "drafter", draft, "").await.expect("a draft");
    read(md, &handed.document_id).await;
    papers::transmit(md, "drafter", &handed.document_id).await.expect("a receipt");
    (request.shared_number, handed.document_id)
}

impl Scene {
    async fn new() -> Self {
        let federation = Federation::new().await;
        let (number, document) = acknowledged(&federation).await;
        acknowledged(&federation).await;
        let Federation { gb, md, .. } = &federation;
        let court = record(md, number.as_str()).await;
        read(md, &document).await;
        ask(md.served(), &gb.party).await.expect("a cosignature");
        let known = seen(gb, md).await;
        Self { federation, number, court, known }
    }

    /// The operator of md rewrites his log; gives what `fsck` says of it. The server runs again then.
    async fn rewrite(&mut self, change: impl FnOnce(&mut Vec<Entry>)) -> Report {
        let md = &mut self.federation.md;
        md.stop().await;
        let mut operator = Operator::of(md).await;
        let mut entries = operator.entries().await;
        assert!(u64::try_from(entries.len()).expect("small") > self.known, "the witness saw all but the end");
        change(&mut entries);
        operator.build(entries).await;
        operator.leave().await;
        let report = fsck::check(&md.folder, true).await.expect("a report");
        md.start().await;
        report
    }

    /// gb, which has seen more of the log than the part that was kept, refuses it; both offices record that.
    async fn assert_witness_refuses(&self) {
        let Federation { gb, md, .. } = &self.federation;
        until("the witness refuses", async || {
            let _ = ask(md.served(), &gb.party).await;
            !contradictions(gb).await.is_empty() && !office_events(md, "checkpoint-refused").await.is_empty()
        })
        .await;
        assert!(alarms(gb).await.contains(&FindingKind::LogContradicted));
        assert!(alarms(md).await.contains(&FindingKind::LogContradicted));
        assert_eq!(seen(gb, md).await, self.known, "what was seen stays");
    }

    /// The leaves of the log as it is now, against the record that the court has.
    async fn audit(&self) -> Problem {
        let md = &self.federation.md;
        let folder = md.folder.join("leaves");
        custody::fetch(&md.session("operator"), &folder).await.expect("the log");
        let problem = custody::audit(&folder, &self.court, &trust(&[md])).expect_err("another log");
        assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
        problem
    }

    async fn assert_court_finds_it(&self) {
        let problem = self.audit().await;
        let said = format!("{problem} {:?}", problem.details());
        assert!(said.contains("another root than the checkpoint of the record"), "{said}");
    }
}

fn assert_found(report: &Report, fault: Fault, item: Item, what: &str) {
    let found =
        report.findings.iter().any(|one| (one.fault, one.item) == (fault, item) && one.what.contains(what));
    assert!(!report.sound && found, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_leaf_is_found_by_fsck_and_by_the_witness() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            let at = first(entries, "document-read");
            entries[at].shown = Shown::OtherLeaf;
        })
        .await;
    assert_found(&report, Fault::Damaged, Item::Body, "commits to something else");
    assert_eq!(report.findings.len(), 1, "tree, links and checkpoint fit:\n{report}");
    scene.assert_witness_refuses().await;
    scene.assert_court_finds_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_body_is_found_by_the_witness_and_by_a_record_kept_elsewhere() {
    let mut scene = Scene::new().await;
    let colleague = scene.federation.md.officer("colleague").to_string();
    let report = scene
        .rewrite(|entries| {
            let at = first(entries, "document-read");
            // Somebody else is to have read it.
            entries[at].edit(|body| body["actor"]["officer"] = json!(colleague));
        })
        .await;
    assert_careful(&report);
    scene.assert_witness_refuses().await;
    scene.assert_court_finds_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_counterpart_was_told_stands_against_a_changed_event() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            let at = first(entries, "document-received");
            // The request is to have come a month later.
            entries[at].edit(|body| body["at"] = json!("2026-12-22T14:20:00Z"));
        })
        .await;
    assert_careful(&report);
    // No witness, no leaves: two records are enough, for md's answer told gb how far its log had come.
    let Federation { gb, md, .. } = &scene.federation;
    let (at_gb, at_md) = (record(gb, scene.number.as_str()).await, record(md, scene.number.as_str()).await);
    custody::verify(&at_md, None, &trust(&[md, gb])).expect("valid in itself");
    let problem = custody::verify(&at_gb, Some(&at_md), &trust(&[md, gb])).expect_err("two histories");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    let said = problem.to_string();
    assert!(said.contains(&format!("the record of {} does not hold what its log told", md.party)), "{said}");
    scene.assert_witness_refuses().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_last_entry_is_found_by_the_witness() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            // And the orderly end of the server, which nobody would miss.
            entries.truncate(last(entries, "document-read"));
        })
        .await;
    assert_careful(&report);
    scene.assert_witness_refuses().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_middle_entry_is_found_by_the_witness_and_by_a_record_kept_elsewhere() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            entries.remove(first(entries, "document-read"));
        })
        .await;
    assert_careful(&report);
    scene.assert_witness_refuses().await;
    scene.assert_court_finds_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_numbers_are_found_by_the_witness_and_by_a_record_kept_elsewhere() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            let (read, sealed) = (first(entries, "document-read"), first(entries, "document-sealed"));
            assert!(
                read < sealed && entries[read].case == entries[sealed].case,
                "she read before it was sealed"
            );
            entries.swap(read, sealed);
        })
        .await;
    assert_careful(&report);
    scene.assert_witness_refuses().await;
    scene.assert_court_finds_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_event_of_one_number_is_found_by_fsck_and_by_an_audit() {
    let mut scene = Scene::new().await;
    let colleague = scene.federation.md.officer("colleague").to_string();
    let report = scene
        .rewrite(|entries| {
            // Behind everything that a witness saw, so that the log goes on as it was.
            let mut second = entries[last(entries, "document-read")].clone();
            second.edit(|body| body["actor"]["officer"] = json!(colleague));
            second.salt = [7; 32];
            second.shown = Shown::LeafAlone;
            entries.push(second);
        })
        .await;
    assert_found(&report, Fault::Missing, Item::Body, "no entry of the log says that its case was erased");
    let Federation { gb, md, .. } = &scene.federation;
    ask(md.served(), &gb.party).await.expect("no witness can know of it");
    let current = record(md, scene.number.as_str()).await;
    custody::verify(&current, None, &trust(&[md])).expect("valid in itself");
    scene.court = current;
    let problem = scene.audit().await;
    let said = format!("{problem} {:?}", problem.details());
    assert!(said.contains("and again at leaf"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanged_entries_of_two_cases_are_found_by_the_witness_and_by_a_record_kept_elsewhere() {
    let mut scene = Scene::new().await;
    let report = scene
        .rewrite(|entries| {
            let here = first(entries, "document-read");
            let case = entries[here].case.clone();
            let other = |entry: &Entry| entry.is("document-read") && entry.case != case;
            let there = entries.iter().position(other).expect("a reading of the other case");
            entries[here].case = std::mem::replace(&mut entries[there].case, case);
        })
        .await;
    assert_careful(&report);
    scene.assert_witness_refuses().await;
    scene.assert_court_finds_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_leaves_out_its_last_event_is_found_by_an_audit() {
    let mut scene = Scene::new().await;
    let md = &scene.federation.md;
    // The log is as it was; the record that is handed out ends early, with heads under the log's key.
    let mut shorter = Record::parse(&record(md, scene.number.as_str()).await).expect("a record");
    let left_out = shorter.entries.pop().expect("an entry");
    let shorter = shorter.with_heads(&log_key(md)).expect("signed").to_bytes().expect("a record");
    custody::verify(&shorter, None, &trust(&[md])).expect("valid in itself");
    scene.court = shorter;
    let problem = scene.audit().await;
    let said = format!("{problem} {:?}", problem.details());
    assert!(said.contains(&format!("{} #{}", left_out.stream, left_out.n)), "{said}");
    assert!(said.contains("before the record was made, and is not in it"), "{said}");
}
