//! What cannot be delivered waits, goes when the counterpart answers again, once, and in order.

use rogatory_client::Exit;
use rogatory_client::commands::documents;
use rogatory_core::document::{DOCUMENT_LIMIT_BYTES, Document};
use rogatory_server::casework::dispatch::dispatch_due;
use rogatory_server::faults::Broken;
use rogatory_tests::faults::Site;
use rogatory_tests::{Federation, Office, papers};

/// The requested authority's drafter sends what one officer signs; the counterpart is down.
async fn send_in_vain(office: &Office, document: &Document) {
    let container = papers::drafted(office, "drafter", document);
    let handed = papers::hand_in(office, "drafter", container, "").await.expect("a draft");
    let sent = papers::transmit(office, "drafter", &handed.document_id).await;
    let problem = sent.expect_err("nobody answers");
    assert_eq!((problem.exit(), problem.reason()), (Exit::NotYet, Some("PEER_UNREACHABLE")), "{problem}");
}

/// Kind, message number and stage of what `office` got under a number, in the order of its arrival.
async fn arrived(office: &Office, document: &Document) -> Vec<(String, u32, String)> {
    let session = office.session("drafter");
    let case = documents::case(&session, document.shared_number.as_str()).await.expect("a case");
    let all = documents::of_case(&session, &case.case_id).await.expect("documents");
    let theirs = all.into_iter().filter(|one| one.sender != office.party.to_string());
    theirs.map(|one| (one.kind, one.message_number, one.stage)).collect()
}

async fn waiting(office: &Office) -> u64 {
    let mut session = office.served().datastore.read().await.expect("a session");
    session.errands().await.expect("a count")
}

async fn serve(federation: &Federation) {
    let md = federation.md.served();
    dispatch_due(md, md.clock.now()).await.expect("the outbox is served");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_hour_without_the_counterpart_everything_arrives_once_and_in_order() {
    let mut federation = Federation::new().await;
    let first = federation.request_acknowledged().await;
    let second = federation.request_acknowledged().await;
    federation.gb.stop().await;
    for (opened, numbers) in [(&first, 2..=5_u32), (&second, 2..=3)] {
        for number in numbers {
            let id = format!("Q{}", number - 1);
            send_in_vain(&federation.md, &papers::question(&federation.md, opened, number, &id)).await;
        }
    }
    assert_eq!(waiting(&federation.md).await, 6);
    // An hour goes by; the server tries now and then, and restarts once.
    for minutes in [1, 4, 10, 15, 15] {
        federation.world.clock.advance_seconds(minutes * 60);
        serve(&federation).await;
    }
    federation.md.stop().await;
    federation.md.start().await;
    federation.world.clock.advance_seconds(15 * 60);
    assert_eq!(waiting(&federation.md).await, 6, "nothing is given up");

    federation.gb.start().await;
    // The longest pause and a fifth more; then as often as there are lines.
    federation.world.clock.advance_seconds(20 * 60);
    while waiting(&federation.md).await > 0 {
        serve(&federation).await;
    }
    let question = |number| ("question".to_owned(), number, "received".to_owned());
    let acknowledged = ("acknowledgement".to_owned(), 1, "received".to_owned());
    let told = [acknowledged.clone(), question(2), question(3), question(4), question(5)];
    assert_eq!(arrived(&federation.gb, &first).await, told);
    assert_eq!(arrived(&federation.gb, &second).await, [acknowledged, question(2), question(3)]);
    for office in [&federation.gb, &federation.md] {
        let events = Federation::timeline(office, first.shared_number.as_str()).await;
        let name =
            if office.party == federation.gb.party { "document-received" } else { "document-transmitted" };
        let told: Vec<u64> = events
            .iter()
            .filter(|(_, event, body)| event == name && body["kind"] == "question")
            .filter_map(|(.., body)| body["message_number"].as_u64())
            .collect();
        assert_eq!(told, [2, 3, 4, 5], "{}", office.party);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_overtakes_the_receipt_is_taken_when_the_receipt_is_here() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    gb.faults.arm(Site::Call("DeliverDocument"), Broken::KeptButReportedLost);
    let (request, handed) = federation.request_approved().await;
    papers::transmit(gb, "drafter", &handed.document_id).await.expect_err("the answer was lost");
    assert!(gb.faults.broke());
    send_in_vain(md, &papers::acknowledgement(md, &request)).await;
    // The receipt is fetched again, and then the answer is welcome.
    federation.world.clock.advance_seconds(3600);
    dispatch_due(gb.served(), gb.served().clock.now()).await.expect("the outbox is served");
    serve(&federation).await;
    let case = documents::case(&gb.session("drafter"), request.shared_number.as_str()).await;
    assert_eq!(case.expect("a case").stage, "acknowledged");
    assert_eq!((waiting(gb).await, waiting(md).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_signatures_make_too_long_is_not_sealed_and_holds_up_nothing() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let mut request = papers::request(gb, md);
    request.body["remarks"] = "".into();
    let room = DOCUMENT_LIMIT_BYTES - papers::drafted(gb, "drafter", &request).len() - 100;
    request.body["remarks"] = "x".repeat(room).into();
    let container = papers::drafted(gb, "drafter", &request);
    assert!(container.len() <= DOCUMENT_LIMIT_BYTES);
    let handed = papers::hand_in(gb, "drafter", container, "").await.expect("a draft");
    papers::approve(gb, "approver", &handed.document_id).await.expect("an approval");
    let sent = papers::transmit(gb, "drafter", &handed.document_id).await;
    let problem = sent.expect_err("sealed it is too long");
    assert_eq!(problem.reason(), Some("LIMIT_REACHED"), "{problem}");
    assert_eq!(waiting(gb).await, 0, "nothing was queued");
}
