//! What the two sides of a request say to one another besides asking and executing: questions, refusals,
//! postponements, executions in part, withdrawals.

use rogatory_client::commands::documents;
use rogatory_core::SharedNumber;
use rogatory_core::document::{Document, NamedPackage};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::ReceiptKind;
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, Office, road};
use serde_json::{Value, json};

const GROUND: &str = "R07-dual-criminality";

/// Delivers a document past the sender's own server and demands a negative receipt; gives its words.
async fn answered_no(from: &Office, to: &Office, document: &Document, ground: NonDeliveryGround) -> String {
    let answer = papers::deliver(from, to, papers::complete(from, document)).await.expect("a receipt");
    let receipt = papers::receipt(papers::receipt_bytes(&answer));
    assert_eq!((receipt.receipt, receipt.ground), (ReceiptKind::NonDelivery, Some(ground)), "{receipt:?}");
    receipt.reason.expect("a reason")
}

/// Hands a draft in and demands that the own server refuses it.
async fn own_server_refuses(office: &Office, document: &Document, reason: &str) -> String {
    let draft = papers::drafted(office, "drafter", document);
    assert_refused(papers::hand_in(office, "drafter", draft, "").await, reason).to_string()
}

/// The body of the last event of this name that `office` shares with `with`.
async fn last_shared(office: &Office, number: &SharedNumber, with: &Office, event: &str) -> Value {
    let timeline = Federation::timeline(office, number.as_str()).await;
    let found = timeline
        .into_iter()
        .rev()
        .find(|(stream, name, _)| name == event && *stream == with.party.to_string());
    found.unwrap_or_else(|| panic!("{event} stands in the stream with {}", with.party)).2
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requested_authority_asks_back_and_is_answered() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let number = &request.shared_number;
    road::send(md, "drafter", &papers::question(md, &request, 2, "Q1"), "").await;
    road::send(md, "drafter", &papers::question(md, &request, 3, "Q2"), "").await;
    for office in [gb, md] {
        let case = road::case(office, number).await;
        let open: Vec<_> = case.open_questions.iter().map(|one| one.question_id.as_str()).collect();
        assert_eq!((open, case.stage.as_str()), (vec!["Q1", "Q2"], "acknowledged"));
        assert_eq!(case.open_questions[0].answer_by, "2026-12-01");
    }
    road::send(gb, "drafter", &papers::reply(gb, &request, 2, "Q1"), "").await;
    for (office, other) in [(gb, md), (md, gb)] {
        let case = road::case(office, number).await;
        assert_eq!(case.open_questions.len(), 1);
        assert_eq!(last_shared(office, number, other, "question-asked").await["question_id"], "Q2");
        assert_eq!(last_shared(office, number, other, "question-answered").await["question_id"], "Q1");
    }
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_not_asked_twice_and_an_answer_names_an_open_one() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    road::send(md, "drafter", &papers::question(md, &request, 2, "Q1"), "").await;
    let again = papers::question(md, &request, 3, "Q1");
    own_server_refuses(md, &again, "MALFORMED_ARGUMENT").await;
    let why = answered_no(md, gb, &again, NonDeliveryGround::Malformed).await;
    assert!(why.contains("question Q1 was asked before"), "{why}");

    let unknown = papers::reply(gb, &request, 2, "Q9");
    own_server_refuses(gb, &unknown, "MALFORMED_ARGUMENT").await;
    let why = answered_no(gb, md, &unknown, NonDeliveryGround::UnknownReference).await;
    assert!(why.contains("no question Q9 is open"), "{why}");

    let mut nameless = papers::question(md, &request, 4, "Q2");
    nameless.body["question_id"] = json!("q 2");
    let why = answered_no(md, gb, &nameless, NonDeliveryGround::Malformed).await;
    assert!(why.contains("`body.question_id`"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_requested_side_asks_refuses_and_postpones() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    for wrong in [
        papers::question(gb, &request, 2, "Q1"),
        papers::refusal(gb, &request, 2, GROUND, "whole"),
        papers::postponement(gb, &request, 2, "P02-objects-in-use", None),
    ] {
        // Both are authorities with every competence; the side alone is wrong.
        own_server_refuses(gb, &wrong, "WRONG_STAGE").await;
        let past_it = Document { message_number: fresh(&wrong), ..wrong };
        let why = answered_no(gb, md, &past_it, NonDeliveryGround::WrongStage).await;
        assert!(why.contains("not for this side"), "{why}");
    }
    for wrong in [papers::reply(md, &request, 2, "Q1"), papers::withdrawal(md, &request, 3)] {
        let why = answered_no(md, gb, &wrong, NonDeliveryGround::WrongStage).await;
        assert!(why.contains("not for this side"), "{why}");
    }
}

/// A message number by the kind, so that documents of several kinds do not take each other's.
fn fresh(document: &Document) -> rogatory_core::MessageNumber {
    rogatory_core::MessageNumber::new(10 + document.kind as u32).expect("from 1")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requested_state_refuses_for_dual_criminality() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let number = &request.shared_number;
    road::send(md, "drafter", &papers::refusal(md, &request, 2, GROUND, "whole"), "").await;
    for (office, other) in [(gb, md), (md, gb)] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.grounds), ("refused", vec![GROUND.to_owned()]));
        let event = last_shared(office, number, other, "assistance-refused").await;
        assert_eq!((&event["ground"], &event["scope"]), (&json!(GROUND), &json!("whole")));
        let stage = last_shared(office, number, other, "stage-reached").await;
        assert_eq!((&stage["from"], &stage["to"]), (&json!("acknowledged"), &json!("refused")));
    }
    own_server_refuses(md, &papers::question(md, &request, 3, "Q1"), "WRONG_STAGE").await;
    own_server_refuses(gb, &papers::withdrawal(gb, &request, 2), "WRONG_STAGE").await;
    road::send(gb, "drafter", &papers::closing(gb, &request, 2), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["closed", "closed"]);
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_any_acknowledgement_needs_nothing_else() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_transmitted().await;
    road::send(md, "drafter", &papers::refusal(md, &request, 1, "R14-not-issued-by-competent", "whole"), "")
        .await;
    assert_eq!(road::stages(&request.shared_number, &[gb, md]).await, ["refused", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_refused_and_the_rest_goes_on() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let number = &request.shared_number;
    road::send(md, "drafter", &papers::refusal(md, &request, 2, "R20-cost", "part"), "").await;
    for (office, other) in [(gb, md), (md, gb)] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.grounds), ("acknowledged", vec!["R20-cost".to_owned()]));
        assert_eq!(last_shared(office, number, other, "assistance-refused").await["scope"], "part");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_without_a_ground_of_the_list_is_refused_at_both_ends() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let wrong = |n, kind: fn(&Office, &Document, u32) -> Document| kind(md, &request, n);
    let numbered = |office: &Office, opened: &Document, n| papers::refusal(office, opened, n, "R07", "whole");
    let postponing = |office: &Office, opened: &Document, n| {
        papers::refusal(office, opened, n, "P01-prejudice-own-case", "whole")
    };
    let half = |office: &Office, opened: &Document, n| papers::refusal(office, opened, n, GROUND, "half");
    let refusing =
        |office: &Office, opened: &Document, n| papers::postponement(office, opened, n, GROUND, None);
    let someday = |office: &Office, opened: &Document, n| {
        papers::postponement(office, opened, n, "P03-remedy-pending", Some("spring"))
    };
    for (n, document, field) in [
        (2, wrong(2, numbered), "body.ground"),
        (3, wrong(3, postponing), "body.ground"),
        (4, wrong(4, half), "body.scope"),
        (5, wrong(5, refusing), "body.ground"),
        (6, wrong(6, someday), "body.until"),
    ] {
        let here = Document {
            message_number: rogatory_core::MessageNumber::new(2).expect("from 1"),
            ..document.clone()
        };
        let said = own_server_refuses(md, &here, "MALFORMED_ARGUMENT").await;
        assert!(said.contains(field), "{n}: {said}");
        let why = answered_no(md, gb, &document, NonDeliveryGround::Malformed).await;
        assert!(why.contains(field), "{n}: {why}");
    }
    assert_eq!(road::stages(&request.shared_number, &[gb, md]).await, ["acknowledged", "acknowledged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn action_is_postponed_postponed_again_and_taken_up() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let number = &request.shared_number;
    let postpone = |n, until| papers::postponement(md, &request, n, "P01-prejudice-own-case", until);
    road::send(md, "drafter", &postpone(2, Some("2027-01-31")), "").await;
    road::send(md, "drafter", &postpone(3, None), "").await;
    road::send(md, "drafter", &postpone(4, Some("2027-03-01")), "").await;
    for (office, other) in [(gb, md), (md, gb)] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.postponed_until.as_str()), ("postponed", "2027-03-01"));
        assert_eq!(case.grounds, ["P01-prejudice-own-case"]);
        assert_eq!(last_shared(office, number, other, "assistance-postponed").await["until"], "2027-03-01");
    }
    let order = papers::order(md, nistru, &request);
    let case = road::case_id(md, "drafter", number).await;
    road::send(md, "drafter", &order, &case).await;
    let case = road::case(md, number).await;
    assert_eq!((case.stage.as_str(), case.grounds.len()), ("in-execution", 0));
    assert_eq!(road::case(gb, number).await.stage, "postponed", "it learns of the order with the evidence");
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_postponed_before_its_acknowledgement_is_acknowledged_first() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let request = federation.request_transmitted().await;
    let number = &request.shared_number;
    road::send(md, "drafter", &papers::postponement(md, &request, 1, "P02-objects-in-use", None), "").await;
    let case = road::case_id(md, "drafter", number).await;
    let order = papers::drafted(md, "drafter", &papers::order(md, nistru, &request));
    assert_refused(papers::hand_in(md, "drafter", order, &case).await, "WRONG_STAGE");
    let mut acknowledgement = papers::acknowledgement(md, &request);
    acknowledgement.message_number = acknowledgement.message_number.next();
    road::send(md, "drafter", &acknowledgement, "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["acknowledged", "acknowledged"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_executed_in_part_and_then_wholly() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ordered, package) = federation.evidence_relayed().await;
    let request = &ordered.request;
    let number = &request.shared_number;
    let named: &[NamedPackage] = std::slice::from_ref(&package);
    road::send(md, "drafter", &papers::partial_execution(md, request, 2, named), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["partly-executed", "partly-executed"]);
    road::send(md, "drafter", &papers::question(md, request, 3, "Q1"), "").await;
    road::send(md, "drafter", &papers::partial_execution(md, request, 4, named), "").await;
    road::send(md, "drafter", &papers::execution(md, request, 5, named), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["executed", "executed"]);
    own_server_refuses(md, &papers::partial_execution(md, request, 6, named), "WRONG_STAGE").await;
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["closed", "closed"]);
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_says_how_much_was_executed() {
    let federation = Federation::new().await;
    let md = &federation.md;
    let (ordered, package) = federation.evidence_relayed().await;
    let mut silent = papers::execution(md, &ordered.request, 2, &[package]);
    silent.body["outcome"] = json!("mostly");
    let said = own_server_refuses(md, &silent, "MALFORMED_ARGUMENT").await;
    assert!(said.contains("body.outcome"), "{said}");
    let why = answered_no(md, &federation.gb, &silent, NonDeliveryGround::Malformed).await;
    assert!(why.contains("body.outcome"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_part_the_rest_may_be_refused_and_the_matter_closed() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ordered, package) = federation.evidence_relayed().await;
    let request = &ordered.request;
    road::send(md, "drafter", &papers::partial_execution(md, request, 2, &[package]), "").await;
    road::send(md, "drafter", &papers::refusal(md, request, 3, "R17-not-stored-at-receipt", "whole"), "")
        .await;
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
    assert_eq!(road::stages(&request.shared_number, &[gb, md]).await, ["closed", "closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requesting_authority_withdraws() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = federation.order_served().await.request;
    let number = &request.shared_number;
    let mut silent = papers::withdrawal(gb, &request, 2);
    silent.body = json!({"reason": " "});
    let said = own_server_refuses(gb, &silent, "MALFORMED_ARGUMENT").await;
    assert!(said.contains("body.reason"), "{said}");
    road::send(gb, "drafter", &papers::withdrawal(gb, &request, 2), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["withdrawn", "withdrawn"]);
    own_server_refuses(md, &papers::refusal(md, &request, 2, GROUND, "whole"), "WRONG_STAGE").await;
    own_server_refuses(md, &papers::question(md, &request, 2, "Q1"), "WRONG_STAGE").await;
    road::send(gb, "drafter", &papers::closing(gb, &request, 3), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["closed", "closed"]);
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_and_a_refusal_that_cross_leave_both_sides_withdrawn() {
    let mut federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let number = &request.shared_number;
    // Both are sealed before either arrives: each office's server is down while the other seals.
    let withdrawal = papers::withdrawal(&federation.gb, &request, 2);
    let refusal = papers::refusal(&federation.md, &request, 2, GROUND, "whole");
    let withdrawal = ready(&federation.gb, &withdrawal).await;
    let refusal = ready(&federation.md, &refusal).await;
    federation.md.stop().await;
    let sealed_withdrawal = sealed_and_not_sent(&federation.gb, &withdrawal).await;
    federation.md.start().await;
    federation.gb.stop().await;
    let sealed_refusal = sealed_and_not_sent(&federation.md, &refusal).await;
    federation.gb.start().await;
    let Federation { gb, md, .. } = &federation;
    for (from, to, container) in [(gb, md, sealed_withdrawal), (md, gb, sealed_refusal)] {
        let answer = papers::deliver(from, to, container).await.expect("a receipt");
        let receipt = papers::receipt(papers::receipt_bytes(&answer));
        assert_eq!(receipt.receipt, ReceiptKind::Delivery, "{receipt:?}");
    }
    assert_eq!(road::stages(number, &[gb, md]).await, ["refused", "withdrawn"], "each took the other's");
    for (office, id) in [(gb, &withdrawal), (md, &refusal)] {
        assert!(papers::transmit(office, "drafter", id).await.expect("the same receipt").delivered);
    }
    assert_eq!(road::stages(number, &[gb, md]).await, ["withdrawn", "withdrawn"]);
    road::send(gb, "drafter", &papers::closing(gb, &request, 3), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["closed", "closed"]);
    for office in [&federation.gb, &federation.md] {
        office.demand_sound().await;
    }
}

/// Hands `document` in and has it approved; gives its id.
async fn ready(office: &Office, document: &Document) -> String {
    let draft = papers::drafted(office, "drafter", document);
    let handed = papers::hand_in(office, "drafter", draft, "").await.expect("a draft");
    papers::approve(office, "approver", &handed.document_id).await.expect("an approval");
    handed.document_id
}

/// Has a document sealed while nobody answers; gives the sealed bytes.
async fn sealed_and_not_sent(office: &Office, id: &str) -> Vec<u8> {
    let sent = papers::transmit(office, "drafter", id).await;
    assert_eq!(sent.expect_err("nobody answers").exit().code(), 75);
    documents::fetch(&office.session("drafter"), id).await.expect("the sealed document").container.to_vec()
}
