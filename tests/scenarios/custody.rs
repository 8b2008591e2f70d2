//! What custody logs show to others: case heads in receipts, and proofs of single entries.

use crate::witness::until;
use rogatory_client::commands::custody::{self, ProveArguments, RecordVerified, Wanted};
use rogatory_client::output::{Outcome as _, page::Page};
use rogatory_client::trust::Trust;
use rogatory_client::{Exit, Problem};
use rogatory_core::custody_event::Stream;
use rogatory_core::receipt::ReceiptKind;
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::case_head::CaseHead;
use rogatory_custody::note::LogKey;
use rogatory_custody::record::Record;
use rogatory_proto::office::v1::ListCasesRequest;
use rogatory_tests::papers::{self, assert_refused, assert_status};
use rogatory_tests::{Federation, Office, road};
use std::path::Path;

/// The record of a case at `office`, as its auditor exports it.
pub(crate) async fn record(office: &Office, case: &str) -> Vec<u8> {
    let file = office.folder.join(format!("custody-{}.json", Digest::of(case.as_bytes())));
    // An earlier export of the same test.
    let _ = std::fs::remove_file(&file);
    custody::export(&office.session("operator"), case, 0, &file).await.expect("a record");
    std::fs::read(file).expect("a file")
}

pub(crate) fn trust(offices: &[&Office]) -> Trust {
    let mut trust = Trust::default();
    for office in offices {
        trust.add(office.entry(), office.now(), "an entry").expect("a sound entry");
    }
    trust
}

/// How far `counterpart` knew its stream, and whether its seal was verified.
fn known(verified: &RecordVerified, counterpart: &Office) -> Option<(u64, bool)> {
    let name = counterpart.party.to_string();
    let stream = verified.streams.iter().find(|stream| stream.stream == name).expect("a stream");
    stream.known.as_ref().map(|known| (known.n, known.seal_checked))
}

fn shown(verified: &RecordVerified) -> String {
    let mut page = Page::new();
    verified.show(&mut page);
    page.lines().collect::<Vec<_>>().join("\n")
}

pub(crate) fn log_key(office: &Office) -> LogKey {
    let pem = std::fs::read_to_string(office.folder.join("keys/log.key")).expect("a key");
    LogKey::from_pem(&office.read_entry().entry.log_origin, &pem).expect("a key")
}

/// A head of `from`'s log for `to`, whatever that log holds.
fn head(from: &Office, to: &Office, number: &SharedNumber, n: u64, leaf: &[u8]) -> CaseHead {
    CaseHead {
        origin: from.read_entry().entry.log_origin.parse().expect("an origin"),
        shared_number: Some(number.clone()),
        stream: Stream::Shared(to.party.clone()),
        n,
        leaf: Digest::of(leaf),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_says_how_far_each_counterpart_knew_its_stream() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, world } = &federation;
    let request = federation.request_transmitted().await;
    let number = request.shared_number.as_str();
    let fresh = custody::verify(&record(gb, number).await, None, &trust(&[gb, md])).expect("verified");
    assert_eq!(known(&fresh, md), None, "the first message of a case carries no head");

    world.clock.advance_seconds(3600);
    road::send(md, "drafter", &papers::acknowledgement(md, &request), "").await;
    let bytes = record(md, number).await;
    let verified = custody::verify(&bytes, None, &trust(&[md, gb])).expect("verified");
    // What md's log held of the stream when it sent its acknowledgement: the request's arrival.
    assert_eq!(known(&verified, gb), Some((1, true)));
    let line =
        "complete to #1 as known to gb/central-authority on 2026-11-22T15:20:00Z, by its sealed receipt";
    assert!(shown(&verified).contains(line), "{}", shown(&verified));
    let unasked = custody::verify(&bytes, None, &trust(&[md])).expect("verified");
    assert_eq!(known(&unasked, gb), Some((1, false)));
    assert!(shown(&unasked).contains("its seal: not checked"), "{}", shown(&unasked));

    // An order has a number of its own, and a stream of its own.
    let order = papers::order(md, nistru, &request);
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    road::send(md, "drafter", &order, &case).await;
    road::send(nistru, "agent", &papers::acknowledgement(nistru, &order), "").await;
    let verified =
        custody::verify(&record(md, number).await, None, &trust(&[md, gb, nistru])).expect("verified");
    assert_eq!((known(&verified, gb), known(&verified, nistru)), (Some((1, true)), None));
    let order = order.shared_number.as_str();
    let verified =
        custody::verify(&record(nistru, order).await, None, &trust(&[md, nistru])).expect("verified");
    assert_eq!(known(&verified, md), Some((1, true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_records_are_compared_by_what_their_logs_told_each_other() {
    let federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    let (number, both) = (request.shared_number.as_str(), trust(&[gb, md]));
    let (at_gb, at_md) = (record(gb, number).await, record(md, number).await);
    // md's log told gb of the request's arrival; gb's log has told md nothing yet.
    let alone = custody::verify(&at_gb, None, &both).expect("verified");
    let told = alone.streams.iter().find_map(|stream| stream.told.as_ref()).expect("a head");
    assert_eq!((&told.counterpart, told.n), (&md.party, Some(1)));
    let unasked = custody::verify(&at_gb, None, &trust(&[gb])).expect("verified");
    assert!(unasked.streams.iter().any(|stream| stream.told.as_ref().is_some_and(|told| told.n.is_none())));
    assert!(shown(&unasked).contains("not checked"), "{}", shown(&unasked));
    let compared =
        custody::verify(&at_gb, Some(&at_md), &both).expect("verified").compared.expect("compared");
    assert_eq!((compared.told_here, compared.told_there), (Some(1), None));
    // Another case of the same two: md's log did not tell that there.
    let other = federation.request_acknowledged().await;
    let other = record(md, other.shared_number.as_str()).await;
    let problem = custody::verify(&at_gb, Some(&other), &both).expect_err("another history");
    assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
    // Two cases of which neither log told the other anything yet: nothing says that they are one.
    let silent = [federation.request_transmitted().await, federation.request_transmitted().await];
    let [first, second] = silent.map(|request| request.shared_number);
    let (at_gb, at_md) = (record(gb, first.as_str()).await, record(md, second.as_str()).await);
    let problem = custody::verify(&at_gb, Some(&at_md), &both).expect_err("two cases");
    assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
    let at_md = record(md, first.as_str()).await;
    let facts = custody::verify(&at_gb, Some(&at_md), &both).expect("one case");
    assert!(shown(&facts).contains("nothing could be compared"), "{}", shown(&facts));
    let same = custody::verify(&at_gb, Some(&at_gb), &both).expect_err("one institution");
    assert_eq!(same.exit(), Exit::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_carry_heads_too() {
    let federation = Federation::new().await;
    let (ordered, _) = federation.evidence_relayed().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let number = ordered.request.shared_number.as_str();
    let at_md = record(md, number).await;
    let verified = custody::verify(&at_md, None, &trust(&[md, gb, nistru])).expect("verified");
    let (to_gb, checked) = known(&verified, gb).expect("a receipt");
    // Further than the acknowledgement's head, which knew the request's arrival only.
    assert!(to_gb > 1 && checked, "#{to_gb}");
    let order = ordered.order.shared_number.as_str();
    let verified =
        custody::verify(&record(nistru, order).await, None, &trust(&[md, nistru])).expect("verified");
    let (to_md, checked) = known(&verified, md).expect("a receipt");
    assert!(to_md > 1 && checked, "#{to_md}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_again_carries_the_head_it_was_first_sent_with() {
    let mut federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    federation.gb.stop().await;
    let md = &federation.md;
    let draft = papers::drafted(md, "drafter", &papers::acknowledgement(md, &request));
    let handed = papers::hand_in(md, "drafter", draft, "").await.expect("a draft");
    papers::transmit(md, "drafter", &handed.document_id).await.expect_err("nobody answers");
    federation.md.stop().await;
    federation.md.start().await;
    federation.gb.start().await;
    let Federation { gb, md, .. } = &federation;
    let sent = papers::transmit(md, "drafter", &handed.document_id).await.expect("a receipt");
    assert!(sent.delivered);
    let bytes = record(md, request.shared_number.as_str()).await;
    let verified = custody::verify(&bytes, None, &trust(&[md, gb])).expect("verified");
    assert_eq!(known(&verified, gb), Some((1, true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_not_the_senders_word_is_refused_and_nothing_is_stored() {
    let Federation { gb, md, nistru, world: _world } = &Federation::new().await;
    let request = papers::request(gb, md);
    let container = papers::complete(gb, &request);
    let number = &request.shared_number;
    let key = log_key(gb);
    let signed = |head: CaseHead, key: &LogKey| head.sign(key).expect("signed").into_bytes();
    let good = || head(gb, md, number, 1, b"an event");
    let other_number = papers::request(gb, md).shared_number;
    let (forger, _) = LogKey::generate(&good().origin.to_string()).expect("a key");
    let mut cosigned = signed(good(), &key);
    let (witness, _) = LogKey::generate("witness.example").expect("a key");
    let line = witness.sign(&good().text()).expect("signed").to_string();
    cosigned.extend(line.rsplit_once("\n\n").expect("a note").1.as_bytes());
    for (what, wrong) in [
        ("no note", b"head".to_vec()),
        ("a forged one", signed(good(), &forger)),
        ("of another log", signed(head(md, md, number, 1, b"an event"), &log_key(md))),
        ("for another", signed(head(gb, nistru, number, 1, b"an event"), &key)),
        ("under another number", signed(head(gb, md, &other_number, 1, b"an event"), &key)),
        ("with a line that nobody checks", cosigned),
    ] {
        let refused = papers::deliver_with_head(gb, md, container.clone(), wrong).await;
        assert_status(refused, "BROKEN_SIGNATURE");
        let office = Federation::timeline(md, "office").await;
        let others = office.iter().filter(|(_, event, _)| event != "case-read").count();
        assert_eq!(others, 4, "{what}");
    }
    let delivered = papers::deliver_with_head(gb, md, container.clone(), signed(good(), &key)).await;
    let delivered = delivered.expect("a receipt");
    let receipt = papers::receipt(papers::receipt_bytes(&delivered));
    assert_eq!(receipt.receipt, ReceiptKind::Delivery);
    assert_eq!(receipt.case_head_sha256, Some(Digest::of(&signed(good(), &key))));
    // The same bytes get the receipt of then, whatever comes beside them now.
    let again = papers::deliver(gb, md, container).await.expect("a receipt");
    assert_eq!(papers::receipt_bytes(&again), papers::receipt_bytes(&delivered));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_contradicts_itself_is_recorded_and_the_message_taken() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let request = papers::request(gb, md);
    let number = &request.shared_number;
    let key = log_key(gb);
    let note = |leaf: &[u8]| head(gb, md, number, 1, leaf).sign(&key).expect("signed").into_bytes();
    let container = papers::complete(gb, &request);
    papers::deliver_with_head(gb, md, container, note(b"one event")).await.expect("a receipt");
    road::case_id(md, "drafter", number).await;
    // A closing before anything was executed: a negative receipt, and a head of another history.
    let closing = papers::closing(gb, &request, 2);
    let draft = papers::drafted(gb, "drafter", &closing);
    let closing = papers::sealed_with(gb, &draft, &[("drafter", "officer")], &gb.seal());
    let answer = papers::deliver_with_head(gb, md, closing, note(b"another event")).await.expect("a receipt");
    let receipt = papers::receipt(papers::receipt_bytes(&answer));
    assert_eq!(receipt.receipt, ReceiptKind::NonDelivery);
    let timeline = Federation::timeline(md, number.as_str()).await;
    let (stream, _, body) =
        timeline.iter().find(|(_, event, _)| event == "case-head-contradicted").expect("an event");
    assert_eq!(stream, "internal");
    assert_eq!(body["before_sha256"].as_str(), Some(Digest::of(&note(b"one event")).to_hex().as_str()));
    assert_eq!(body["now_sha256"].as_str(), Some(Digest::of(&note(b"another event")).to_hex().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_something_else_in_a_record_fails() {
    let federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    let bytes = record(md, request.shared_number.as_str()).await;
    let fails = |record: &Record, trust: &Trust| -> Problem {
        custody::verify(&record.to_bytes().expect("a record"), None, trust).expect_err("must fail")
    };
    let good = Record::parse(&bytes).expect("a record");
    let party = &gb.party;

    // A true receipt of the same party, for another message: here gb's for nothing that carried a head.
    let mut other = good.clone();
    let second = papers::request(md, gb);
    let answer = papers::deliver(md, gb, papers::complete(md, &second)).await.expect("a receipt");
    other.receipted[0].receipt = papers::receipt_bytes(&answer).to_vec();
    let problem = fails(&other, &trust(&[md]));
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert!(problem.details().contains(&format!("part: receipt {party}")), "{:?}", problem.details());

    // The same data under another seal: noticed by whoever has the counterpart's entry.
    let mut forged = good.clone();
    let receipt = papers::receipt(&good.receipted[0].receipt);
    forged.receipted[0].receipt = papers::sealed_receipt(md, &receipt);
    custody::verify(&forged.to_bytes().expect("a record"), None, &trust(&[md])).expect("nobody can tell");
    let problem = fails(&forged, &trust(&[md, gb]));
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert!(problem.details().contains(&format!("part: receipt {party}")), "{:?}", problem.details());

    // A flipped bit in the receipt.
    let mut flipped = good;
    let middle = flipped.receipted[0].receipt.len() / 2;
    flipped.receipted[0].receipt[middle] ^= 1;
    assert_eq!(fails(&flipped, &trust(&[md, gb])).exit(), Exit::VerificationFailed);
}

async fn prove(
    office: &Office,
    case: &str,
    wanted: Wanted,
    closed: bool,
    file: &Path,
) -> Result<custody::Proven, Problem> {
    let output = Some(file.to_owned());
    custody::prove(
        &office.session("operator"),
        ProveArguments { case: case.to_owned(), wanted, closed, output },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_entry_is_proven_to_a_stranger() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    let number = request.shared_number.as_str();
    let file = world.directory().join("arrival.tlog-proof");
    let wanted = Wanted::Numbered { stream: gb.party.to_string(), n: 1 };
    let proven = prove(md, number, wanted, false, &file).await.expect("a proof");
    assert_eq!((proven.event.as_str(), proven.n), ("document-received", 1));
    let bytes = std::fs::read(&file).expect("a file");
    assert!(custody::is_proof(&bytes));
    let verified = custody::verify_proof(&bytes, None, &trust(&[md])).expect("verified");
    assert_eq!(verified.institution, md.party);
    let body = verified.body.expect("an open proof");
    assert_eq!(body["event"].as_str(), Some("document-received"));

    // By the receipt's digest, as whoever holds the receipt would ask; it finds the same entry.
    let sha256: Digest = body["receipt_sha256"].as_str().expect("a digest").parse().expect("a digest");
    let file = world.directory().join("by-digest.tlog-proof");
    let closed = prove(md, number, Wanted::Naming(sha256), true, &file).await.expect("a proof");
    assert_eq!(closed.leaf_sha256, proven.leaf_sha256);
    let bytes = std::fs::read(&file).expect("a file");
    let problem = custody::verify_proof(&bytes, None, &trust(&[md])).expect_err("closed");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    custody::verify_proof(&bytes, Some(&proven.leaf_sha256), &trust(&[md])).expect("verified");
    let other = Digest::of(b"another leaf");
    custody::verify_proof(&bytes, Some(&other), &trust(&[md])).expect_err("another leaf");
    custody::verify_proof(&bytes, Some(&proven.leaf_sha256), &trust(&[gb])).expect_err("another's log");

    let file = world.directory().join("none.tlog-proof");
    let unknown = prove(md, number, Wanted::Index(0), false, &file).await;
    assert_refused(unknown, "UNKNOWN");
    let unknown = prove(md, number, Wanted::Naming(other), false, &file).await;
    assert_refused(unknown, "UNKNOWN");
    assert!(!file.exists());
    let proofs = Federation::timeline(md, number).await;
    assert_eq!(proofs.iter().filter(|(_, event, _)| event == "entry-proven").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_a_case_leaves_one_trace_an_hour() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, world, .. } = &federation;
    let number = request.shared_number.as_str();
    let traces = |timeline: Vec<(String, String, serde_json::Value)>, event: &str| {
        let mut who: Vec<String> = timeline
            .into_iter()
            .filter(|(stream, name, _)| stream == "internal" && name == event)
            .map(|(_, _, body)| {
                let actor = |field: &str| body["actor"][field].as_str().unwrap_or_default().to_owned();
                // The operator of the tests is her office's auditor, too: that is the role which permits it.
                assert_eq!(actor("officer").ends_with("/operator"), actor("role") == "auditor");
                actor("officer")
            })
            .collect();
        who.sort();
        who
    };
    let officer = |name: &str| format!("{}/officer/{name}", gb.party);
    road::case(gb, &request.shared_number).await;
    road::case(gb, &request.shared_number).await;
    // The one who reads the timeline sees her own look the next time.
    Federation::timeline(gb, number).await;
    let (auditor, drafter) = (officer("operator"), officer("drafter"));
    let seen = traces(Federation::timeline(gb, number).await, "case-read");
    assert_eq!(seen, [drafter.as_str(), auditor.as_str()]);
    world.clock.advance_seconds(3601);
    road::case(gb, &request.shared_number).await;
    let seen = traces(Federation::timeline(gb, number).await, "case-read");
    assert_eq!(seen, [drafter.as_str(), drafter.as_str(), auditor.as_str()]);

    let session = gb.session("drafter");
    let mut cases = session.connection().await.expect("a connection").cases();
    for _ in 0..2 {
        cases.list_cases(ListCasesRequest::default()).await.expect("a list");
    }
    assert_eq!(traces(Federation::timeline(gb, "office").await, "cases-listed"), [drafter.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_wait_for_their_turn_leave_all_connections_to_others() {
    let federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let gb = &federation.gb;
    let number = request.shared_number.to_string();
    let turn = gb.served().exporting.acquire().await.expect("nobody exports");
    let mut exports = tokio::task::JoinSet::new();
    for nth in 0..6 {
        let (session, case) = (gb.session("operator"), number.clone());
        let file = gb.folder.join(format!("custody-{nth}.json"));
        exports.spawn(async move {
            custody::export(&session, &case, 0, &file).await.expect("a record");
            std::fs::read(file).expect("a file")
        });
    }
    let recorded = async || {
        let timeline = Federation::timeline(gb, &number).await;
        timeline.iter().filter(|(_, event, _)| event == "custody-exported").count() == 6
    };
    until("all exports are recorded", recorded).await;
    // As many as there are, at the same time.
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(gb.served().datastore.read().await.expect("a session"));
    }
    assert!(exports.try_join_next().is_none(), "none has had its turn");
    drop(sessions);
    drop(turn);
    while let Some(exported) = exports.join_next().await {
        custody::verify(&exported.expect("exported"), None, &trust(&[gb])).expect("verified");
    }
}
