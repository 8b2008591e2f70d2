//! A request reaches an authority that is not competent, which passes it on within its State: the clock is
//! kept, the requesting authority is told, and whoever only claims a part in it is refused.

use rogatory_client::commands::documents;
use rogatory_core::SharedNumber;
use rogatory_core::document::{Document, DocumentKind, NamedPackage};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, Office, road};
use serde_json::json;

/// The container of the request as `office` received it.
async fn received_request(office: &Office, number: &SharedNumber) -> Vec<u8> {
    let session = office.session("drafter");
    let case = documents::case(&session, number.as_str()).await.expect("a case");
    let all = documents::of_case(&session, &case.case_id).await.expect("documents");
    let request = all.iter().find(|one| one.kind == "request").expect("the request");
    documents::fetch(&session, &request.document_id).await.expect("its container").container.to_vec()
}

/// Forwards the request that `md` holds, as message `number`.
async fn forward(md: &Office, to: &Office, request: &Document, number: u32) -> String {
    let received = road::case(md, &request.shared_number).await.received_time;
    let forwarding = papers::forwarding(md, to, request, number, &received);
    let enclosed = received_request(md, &request.shared_number).await;
    let draft = papers::drafted_enclosing(md, "drafter", &forwarding, enclosed);
    let sent = road::send_draft(md, "drafter", &forwarding, draft, "").await;
    assert!(sent.delivered, "{}: {}", sent.ground, sent.reason);
    received
}

/// A federation with a request that was received by one authority and forwarded to another, which holds it;
/// the requesting authority knows.
async fn forwarded(federation: &Federation) -> (Office, Document, String) {
    let Federation { gb, md, world, .. } = federation;
    let ministry = federation.competent_authority().await;
    let request = papers::request(gb, md);
    road::send(gb, "drafter", &request, "").await;
    world.clock.advance_seconds(3 * 86_400);
    let received = forward(md, &ministry, &request, 1).await;
    let notice = papers::forwarding_notice(md, &ministry, &request, 2, &received);
    road::send(md, "drafter", &notice, "").await;
    (ministry, request, received)
}

async fn answer_to(from: &Office, to: &Office, container: Vec<u8>) -> Receipt {
    let answer = papers::deliver(from, to, container).await.expect("a receipt");
    papers::receipt(papers::receipt_bytes(&answer))
}

fn negative(receipt: &Receipt, ground: NonDeliveryGround) -> String {
    assert_eq!((receipt.receipt, receipt.ground), (ReceiptKind::NonDelivery, Some(ground)), "{receipt:?}");
    receipt.reason.clone().expect("a reason")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_forwarded_and_the_clock_is_kept() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ministry, request, received) = forwarded(&federation).await;
    let number = &request.shared_number;
    let offices = [gb, md, &ministry];
    assert_eq!(road::stages(number, &offices).await, ["transmitted", "forwarded", "received"]);
    assert_eq!(received, "2026-11-22T14:20:00Z", "three days before it was forwarded");
    for office in offices {
        assert_eq!(road::case(office, number).await.received_time, received, "{}", office.party);
    }
    let (first, competent) = (md.party.to_string(), ministry.party.to_string());
    let case = road::case(gb, number).await;
    assert_eq!((&case.counterpart, &case.forwarded_to, &case.forwarded_by), (&competent, &competent, &first));
    let case = road::case(&ministry, number).await;
    assert_eq!((&case.counterpart, &case.forwarded_by), (&gb.party.to_string(), &first));
    assert_eq!(road::case(md, number).await.forwarded_to, competent);
    for office in offices {
        let report = rogatory_server::fsck::check(&office.folder, false).await.expect("a report");
        assert!(report.sound, "{}: {report}", office.party);
    }

    // Both ends of either message have it in the stream that they share.
    for (office, with) in [(md, &ministry), (&ministry, md), (gb, md)] {
        let timeline = Federation::timeline(office, number.as_str()).await;
        let event = timeline
            .iter()
            .find(|(stream, event, _)| event == "request-forwarded" && *stream == with.party.to_string());
        let (_, _, body) = event.unwrap_or_else(|| panic!("{} shares it with {}", office.party, with.party));
        assert_eq!((&body["forwarded_to"], &body["received_time"]), (&json!(competent), &json!(received)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forwarded_case_continues_with_the_competent_authority() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ministry, request, _) = forwarded(&federation).await;
    let number = &request.shared_number;
    road::send(&ministry, "drafter", &papers::acknowledgement(&ministry, &request), "").await;
    road::send(&ministry, "drafter", &papers::question(&ministry, &request, 2, "Q1"), "").await;
    let reply = papers::reply(gb, &request, 2, "Q1");
    let reply = Document { addressee: papers::named(&ministry), ..reply };
    road::send(gb, "drafter", &reply, "").await;
    let refusal = papers::refusal(&ministry, &request, 3, "R15-offence-threshold", "whole");
    road::send(&ministry, "drafter", &refusal, "").await;
    let stages = road::stages(number, &[gb, md, &ministry]).await;
    assert_eq!(stages, ["refused", "forwarded", "refused"]);
    let closing = Document { addressee: papers::named(&ministry), ..papers::closing(gb, &request, 3) };
    road::send(gb, "drafter", &closing, "").await;
    let stages = road::stages(number, &[gb, md, &ministry]).await;
    assert_eq!(stages, ["closed", "forwarded", "closed"]);
    for office in [gb, md, &ministry] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_request_is_forwarded_and_acknowledged_anew() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_acknowledged().await;
    let received = forward(md, &ministry, &request, 2).await;
    let notice = papers::forwarding_notice(md, &ministry, &request, 3, &received);
    road::send(md, "drafter", &notice, "").await;
    assert_eq!(road::case(gb, &request.shared_number).await.their_reference, "", "that of the first is void");
    let mut acknowledgement = papers::acknowledgement(&ministry, &request);
    acknowledgement.body["our_reference"] = json!("MJ/7");
    road::send(&ministry, "drafter", &acknowledgement, "").await;
    assert_eq!(road::case(gb, &request.shared_number).await.their_reference, "MJ/7");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_competent_authority_orders_a_provider_under_the_forwarded_request() {
    let federation = Federation::new().await;
    let Federation { md, nistru, .. } = &federation;
    let (ministry, request, _) = forwarded(&federation).await;
    ministry.import("operator", nistru).await.expect("a confirmed party");
    nistru.import("operator", &ministry).await.expect("a confirmed party");
    road::send(&ministry, "drafter", &papers::acknowledgement(&ministry, &request), "").await;
    let case = road::case_id(&ministry, "drafter", &request.shared_number).await;
    road::send(&ministry, "drafter", &papers::order(&ministry, nistru, &request), &case).await;
    assert_eq!(road::case(&ministry, &request.shared_number).await.stage, "in-execution");
    // Who passed it on has no part in it any more.
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    let order = papers::drafted(md, "drafter", &papers::order(md, nistru, &request));
    assert_refused(papers::hand_in(md, "drafter", order, &case).await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_a_forwarded_number_nobody_else_is_heard() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ministry, request, _) = forwarded(&federation).await;
    let stranger = federation.authority("md/anti-corruption", "A third authority (test)", "ca-md").await;
    gb.import("operator", &stranger).await.expect("a confirmed party");
    stranger.import("operator", gb).await.expect("a confirmed party");
    let acknowledgement = papers::acknowledgement(&stranger, &request);
    let receipt = answer_to(&stranger, gb, papers::complete(&stranger, &acknowledgement)).await;
    let words = negative(&receipt, NonDeliveryGround::UnknownReference);
    assert!(words.contains("nothing is known here"), "{words}");
    // Nor the authority that forwarded it, which has no part in it any more.
    let mut acknowledgement = papers::acknowledgement(md, &request);
    acknowledgement.message_number = rogatory_core::MessageNumber::new(3).expect("from 1");
    let receipt = answer_to(md, gb, papers::complete(md, &acknowledgement)).await;
    negative(&receipt, NonDeliveryGround::UnknownReference);
    assert_eq!(road::case(gb, &request.shared_number).await.stage, "transmitted");
    assert_eq!(road::case(&ministry, &request.shared_number).await.stage, "received");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_notice_the_competent_authority_is_a_stranger_to_the_requesting_one() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_transmitted().await;
    forward(md, &ministry, &request, 1).await;
    let acknowledgement = papers::acknowledgement(&ministry, &request);
    let receipt = answer_to(&ministry, gb, papers::complete(&ministry, &acknowledgement)).await;
    negative(&receipt, NonDeliveryGround::UnknownReference);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarding_says_what_stands_at_who_sends_it() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_transmitted().await;
    let number = &request.shared_number;
    let received = road::case(md, number).await.received_time;
    let genuine = received_request(md, number).await;
    let honest = papers::forwarding(md, &ministry, &request, 1, &received);
    let later = papers::forwarding(md, &ministry, &request, 1, "2026-11-22T14:20:01Z");
    let abroad = Document { addressee: papers::named(gb), ..honest.clone() };
    let mut for_another = honest.clone();
    for_another.body["requesting_party"] = json!(ministry.party);
    let resigned = papers::complete(gb, &request);
    let lies = [(&later, &genuine), (&abroad, &genuine), (&for_another, &genuine), (&honest, &resigned)];
    for (document, enclosed) in lies {
        let draft = papers::drafted_enclosing(md, "drafter", document, enclosed.clone());
        assert_refused(papers::hand_in(md, "drafter", draft, "").await, "MALFORMED_ARGUMENT");
    }
    // Without the request, or with one where none belongs, it is no draft at all.
    let without = papers::drafted(md, "drafter", &honest);
    assert_refused(papers::hand_in(md, "drafter", without, "").await, "MALFORMED_CONTAINER");
    let acknowledgement = papers::acknowledgement(md, &request);
    let with = papers::drafted_enclosing(md, "drafter", &acknowledgement, genuine);
    assert_refused(papers::hand_in(md, "drafter", with, "").await, "MALFORMED_CONTAINER");
    assert_eq!(road::case(md, number).await.stage, "received");
}

/// Delivers a forwarding of `from` past its own server.
async fn deliver_forwarding(from: &Office, to: &Office, document: &Document, enclosed: Vec<u8>) -> Receipt {
    let draft = papers::drafted_enclosing(from, "drafter", document, enclosed);
    answer_to(from, to, papers::complete_draft(from, DocumentKind::Forwarding, &draft)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_forwarding_is_refused_by_the_competent_authority() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_transmitted().await;
    let received = road::case(md, &request.shared_number).await.received_time;
    let genuine = received_request(md, &request.shared_number).await;
    let forwarding = |n| papers::forwarding(md, &ministry, &request, n, &received);

    // The request was never made: sealed by who forwards it.
    let invented = papers::request(gb, md);
    let by_md = papers::complete(md, &invented);
    let document = papers::forwarding(md, &ministry, &invented, 1, &received);
    let receipt = deliver_forwarding(md, &ministry, &document, by_md).await;
    assert!(matches!(receipt.ground, Some(NonDeliveryGround::Malformed | NonDeliveryGround::WrongSigners)));

    // It was made, and changed.
    let mut changed = genuine.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let receipt = deliver_forwarding(md, &ministry, &forwarding(2), changed).await;
    negative(&receipt, NonDeliveryGround::Malformed);

    // It was made, and is not the one that is quoted.
    let other = papers::complete(gb, &papers::request(gb, md));
    let receipt = deliver_forwarding(md, &ministry, &forwarding(3), other).await;
    negative(&receipt, NonDeliveryGround::Malformed);

    // It was made for somebody else: the ministry's own request from gb is not md's to forward.
    let to_ministry = papers::request(gb, &ministry);
    let document = papers::forwarding(md, &ministry, &to_ministry, 1, &received);
    let receipt = deliver_forwarding(md, &ministry, &document, papers::complete(gb, &to_ministry)).await;
    let words = negative(&receipt, NonDeliveryGround::Malformed);
    assert!(words.contains("it is not the request"), "{words}");

    // The clock starts before the request was written.
    let early = papers::forwarding(md, &ministry, &request, 4, "2026-11-01T00:00:00Z");
    let receipt = deliver_forwarding(md, &ministry, &early, genuine.clone()).await;
    let words = negative(&receipt, NonDeliveryGround::Malformed);
    assert!(words.contains("body.received_time"), "{words}");

    let cases = rogatory_client::commands::request::list(&ministry.session("drafter")).await.expect("a list");
    assert!(cases.cases.is_empty(), "no case was opened");

    // The genuine one is taken, once.
    let receipt = deliver_forwarding(md, &ministry, &forwarding(5), genuine.clone()).await;
    assert_eq!(receipt.receipt, ReceiptKind::Delivery, "{receipt:?}");
    let receipt = deliver_forwarding(md, &ministry, &forwarding(6), genuine).await;
    negative(&receipt, NonDeliveryGround::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_another_state_forwards_nothing_here() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    // md asks gb, which passes it to a ministry of md.
    let request = papers::request(md, gb);
    road::send(md, "drafter", &request, "").await;
    let received = road::case(gb, &request.shared_number).await.received_time;
    let genuine = received_request(gb, &request.shared_number).await;
    let document = papers::forwarding(gb, &ministry, &request, 1, &received);
    let receipt = deliver_forwarding(gb, &ministry, &document, genuine).await;
    negative(&receipt, NonDeliveryGround::WrongCompetence);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_somebody_unconfirmed_is_not_taken_over() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.authority("md/ministry-of-justice", "Ministry (test)", "ca-md").await;
    ministry.import("operator", md).await.expect("a confirmed party");
    md.import("operator", &ministry).await.expect("a confirmed party");
    let request = federation.request_transmitted().await;
    let received = road::case(md, &request.shared_number).await.received_time;
    let forwarding = papers::forwarding(md, &ministry, &request, 1, &received);
    let enclosed = received_request(md, &request.shared_number).await;
    let draft = papers::drafted_enclosing(md, "drafter", &forwarding, enclosed);
    let sent = road::send_draft(md, "drafter", &forwarding, draft, "").await;
    assert_eq!((sent.delivered, sent.ground.as_str()), (false, "unknown-reference"), "{}", sent.reason);
    assert!(sent.reason.contains(&gb.party.to_string()), "{}", sent.reason);
    assert_eq!(road::case(md, &request.shared_number).await.stage, "received", "it is still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_names_another_authority_of_the_same_state() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let request = federation.request_transmitted().await;
    for (n, to) in [(1, gb), (2, md)] {
        let notice = papers::forwarding_notice(md, to, &request, n, "2026-11-22T14:20:00Z");
        let receipt = answer_to(md, gb, papers::complete(md, &notice)).await;
        negative(&receipt, NonDeliveryGround::Malformed);
    }
    gb.import("operator", nistru).await.expect("a confirmed party");
    let to_provider = papers::forwarding_notice(md, nistru, &request, 3, "2026-11-22T14:20:00Z");
    let receipt = answer_to(md, gb, papers::complete(md, &to_provider)).await;
    negative(&receipt, NonDeliveryGround::WrongCompetence);
    // Nothing was forwarded: the own server lets no notice out.
    let notice = papers::forwarding_notice(md, nistru, &request, 1, "2026-11-22T14:20:00Z");
    let draft = papers::drafted(md, "drafter", &notice);
    assert_refused(papers::hand_in(md, "drafter", draft, "").await, "WRONG_STAGE");
    assert_eq!(road::case(gb, &request.shared_number).await.counterpart, md.party.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forwarded_is_withdrawn_at_who_holds_it() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ministry, request, _) = forwarded(&federation).await;
    let to_first = papers::withdrawal(gb, &request, 2);
    let receipt = answer_to(gb, md, papers::complete(gb, &to_first)).await;
    negative(&receipt, NonDeliveryGround::WrongStage);
    let draft = papers::drafted(gb, "drafter", &to_first);
    assert_refused(papers::hand_in(gb, "drafter", draft, "").await, "MALFORMED_ARGUMENT");
    let to_competent = Document { addressee: papers::named(&ministry), ..to_first };
    road::send(gb, "drafter", &to_competent, "").await;
    let stages = road::stages(&request.shared_number, &[gb, md, &ministry]).await;
    assert_eq!(stages, ["withdrawn", "forwarded", "withdrawn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forwarded_here_is_not_forwarded_on_nor_from_execution() {
    let federation = Federation::new().await;
    let Federation { md, .. } = &federation;
    let (ministry, request, received) = forwarded(&federation).await;
    let on = papers::forwarding(&ministry, md, &request, 1, &received);
    let enclosed = received_request(&ministry, &request.shared_number).await;
    let draft = papers::drafted_enclosing(&ministry, "drafter", &on, enclosed);
    assert_refused(papers::hand_in(&ministry, "drafter", draft, "").await, "WRONG_STAGE");

    let ordered = federation.order_served().await.request;
    let received = road::case(md, &ordered.shared_number).await.received_time;
    let late = papers::forwarding(md, &ministry, &ordered, 2, &received);
    let enclosed = received_request(md, &ordered.shared_number).await;
    let draft = papers::drafted_enclosing(md, "drafter", &late, enclosed);
    assert_refused(papers::hand_in(md, "drafter", draft, "").await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_competent_authority_does_not_execute_what_was_not_transferred() {
    let federation = Federation::new().await;
    let (ministry, request, _) = forwarded(&federation).await;
    road::send(&ministry, "drafter", &papers::acknowledgement(&ministry, &request), "").await;
    let none: &[NamedPackage] = &[];
    let draft = papers::drafted(&ministry, "drafter", &papers::execution(&ministry, &request, 2, none));
    assert_refused(papers::hand_in(&ministry, "drafter", draft, "").await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_neither_dates_the_receipt_anew_nor_hands_on_twice() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_transmitted().await;
    let number = &request.shared_number;
    let received = road::case(gb, number).await.received_time;
    // Past its own server, the first authority says that it received the request later than its receipt says.
    federation.world.clock.advance_seconds(86_400);
    let later = md.now().to_string();
    let notice = papers::forwarding_notice(md, &ministry, &request, 1, &later);
    let receipt = answer_to(md, gb, papers::complete(md, &notice)).await;
    assert!(negative(&receipt, NonDeliveryGround::Malformed).contains("received_time"));
    let case = road::case(gb, number).await;
    assert_eq!((case.received_time, case.counterpart), (received.clone(), md.party.to_string()));

    let notice = papers::forwarding_notice(md, &ministry, &request, 2, &received);
    let receipt = answer_to(md, gb, papers::complete(md, &notice)).await;
    assert_eq!(receipt.ground, None, "{receipt:?}");
    // Whoever has it now hands it on no further.
    let again = papers::forwarding_notice(&ministry, md, &request, 1, &received);
    let receipt = answer_to(&ministry, gb, papers::complete(&ministry, &again)).await;
    negative(&receipt, NonDeliveryGround::WrongStage);
    assert_eq!(road::case(gb, number).await.counterpart, ministry.party.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_drafted_to_the_first_authority_does_not_leave_after_the_notice() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let request = federation.request_transmitted().await;
    let withdrawal = papers::drafted(gb, "drafter", &papers::withdrawal(gb, &request, 2));
    let handed = papers::hand_in(gb, "drafter", withdrawal, "").await.expect("a draft");
    papers::approve(gb, "approver", &handed.document_id).await.expect("an approval");
    let received = forward(md, &ministry, &request, 1).await;
    let notice = papers::forwarding_notice(md, &ministry, &request, 2, &received);
    road::send(md, "drafter", &notice, "").await;
    let sent = papers::transmit(gb, "drafter", &handed.document_id).await;
    let problem = assert_refused(sent, "WRONG_STAGE");
    assert!(problem.to_string().contains(&ministry.party.to_string()), "{problem}");
    assert_eq!(road::case(gb, &request.shared_number).await.stage, "transmitted");
}
