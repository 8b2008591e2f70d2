//! Data are asked to be preserved, confirmed, extended, released or lapsed, and followed up by a request.

use rogatory_core::SharedNumber;
use rogatory_core::document::Document;
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, Office, road};
use serde_json::json;

/// Sixty days after the request was received at 2026-11-22T14:20:00Z, to the second.
const SIXTY_DAYS: &str = "2027-01-21T14:20:00Z";
const DAY: i64 = 86_400;

async fn answer_to(from: &Office, to: &Office, document: &Document) -> Receipt {
    let answer = papers::deliver(from, to, papers::complete(from, document)).await.expect("a receipt");
    papers::receipt(papers::receipt_bytes(&answer))
}

fn negative(receipt: &Receipt, ground: NonDeliveryGround) -> String {
    assert_eq!((receipt.receipt, receipt.ground), (ReceiptKind::NonDelivery, Some(ground)), "{receipt:?}");
    receipt.reason.clone().expect("a reason")
}

async fn own_server_refuses(office: &Office, document: &Document, reason: &str) -> String {
    let draft = papers::drafted(office, "drafter", document);
    assert_refused(papers::hand_in(office, "drafter", draft, "").await, reason).to_string()
}

/// The events of this name in the stream that `office` shares with `with`, with who did it.
async fn shared(
    office: &Office,
    number: &SharedNumber,
    with: &Office,
    event: &str,
) -> Vec<serde_json::Value> {
    let timeline = Federation::timeline(office, number.as_str()).await;
    let found = timeline
        .into_iter()
        .filter(|(stream, name, _)| name == event && *stream == with.party.to_string())
        .map(|(_, _, body)| body);
    found.collect()
}

async fn let_time_do_its_work(federation: &Federation) {
    federation.gb.let_time_do_its_work().await;
    federation.md.let_time_do_its_work().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_preserved_extended_and_released() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let preservation = federation.preservation_requested().await;
    let number = &preservation.shared_number;
    assert_eq!(road::stages(number, &[gb, md]).await, ["requested", "received"]);
    let case = road::case(md, number).await;
    assert_eq!((case.kind.as_str(), case.instrument.as_str()), ("preservation", "budapest-2001"));
    assert_eq!(case.received_time, road::case(gb, number).await.received_time, "as the receipt says");

    road::send(md, "drafter", &papers::question(md, &preservation, 1, "Q1"), "").await;
    assert_eq!(road::case(gb, number).await.open_questions.len(), 1);
    road::send(gb, "drafter", &papers::reply(gb, &preservation, 2, "Q1"), "").await;

    let confirmation = papers::confirmation(md, &preservation, 2, "preservation", SIXTY_DAYS);
    road::send(md, "drafter", &confirmation, "").await;
    for office in [gb, md] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.preserved_until.as_str()), ("confirmed", SIXTY_DAYS));
        assert_eq!((case.their_reference.as_str(), case.open_questions.len()), ("B/9", 0));
    }

    world.clock.advance_seconds(50 * DAY);
    let wanted = "2027-04-01T00:00:00Z";
    road::send(gb, "drafter", &papers::extension(gb, &preservation, 3, Some(wanted)), "").await;
    for office in [gb, md] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.extension_asked), ("confirmed", true));
        assert_eq!(case.extension_until, wanted);
    }
    road::send(md, "drafter", &papers::confirmation(md, &preservation, 3, "extension", wanted), "").await;
    for office in [gb, md] {
        let case = road::case(office, number).await;
        assert_eq!((case.stage.as_str(), case.preserved_until.as_str()), ("extended", wanted));
        assert!(!case.extension_asked && case.extension_until.is_empty());
    }

    road::send(gb, "drafter", &papers::release(gb, &preservation, 4), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["released", "released"]);
    for (office, other) in [(gb, md), (md, gb)] {
        let confirmed = shared(office, number, other, "preservation-confirmed").await;
        let of: Vec<_> = confirmed.iter().map(|body| body["of"].clone()).collect();
        assert_eq!(of, [json!("preservation"), json!("extension")]);
        assert_eq!(shared(office, number, other, "extension-asked").await[0]["until"], wanted);
        let stages = shared(office, number, other, "stage-reached").await;
        assert_eq!(stages.last().expect("a stage")["to"], "released");
    }
    own_server_refuses(md, &papers::question(md, &preservation, 4, "Q2"), "WRONG_STAGE").await;
    for office in [gb, md] {
        office.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preservation_shorter_than_the_convention_demands_is_refused_at_both_ends() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let preservation = federation.preservation_requested().await;
    let short = papers::confirmation(md, &preservation, 1, "preservation", "2027-01-21T14:19:59Z");
    let said = own_server_refuses(md, &short, "MALFORMED_ARGUMENT").await;
    assert!(said.contains("Art. 29(7)") && said.contains("60 days") && said.contains(SIXTY_DAYS), "{said}");
    let words = negative(&answer_to(md, gb, &short).await, NonDeliveryGround::Malformed);
    assert!(words.contains("Art. 29(7)"), "{words}");
    assert_eq!(road::case(gb, &preservation.shared_number).await.stage, "requested");
    // Every instrument counts, not the first alone; one without a rule demands nothing.
    let mut both = papers::preservation(gb, md);
    both.body["legal_basis"] = json!({"instruments": ["coe-mla-1959", "budapest-2001"]});
    road::send(gb, "drafter", &both, "").await;
    let short = papers::confirmation(md, &both, 1, "preservation", "2026-12-22T00:00:00Z");
    own_server_refuses(md, &short, "MALFORMED_ARGUMENT").await;
    let mut other = papers::preservation(gb, md);
    other.body["legal_basis"] = json!({"instruments": ["coe-mla-1959"]});
    road::send(gb, "drafter", &other, "").await;
    let brief = papers::confirmation(md, &other, 1, "preservation", "2026-12-22T00:00:00Z");
    road::send(md, "drafter", &brief, "").await;
    // What is over when it is confirmed preserves nothing.
    let mut past = papers::preservation(gb, md);
    past.body["legal_basis"] = json!([]);
    road::send(gb, "drafter", &past, "").await;
    let over = papers::confirmation(md, &past, 1, "preservation", "2026-11-22T14:20:00Z");
    own_server_refuses(md, &over, "MALFORMED_ARGUMENT").await;
    negative(&answer_to(md, gb, &over).await, NonDeliveryGround::Malformed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extension_is_longer_than_what_was_confirmed_and_asked_for_first() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    let unasked = papers::confirmation(md, &preservation, 2, "extension", "2027-06-01T00:00:00Z");
    own_server_refuses(md, &unasked, "MALFORMED_ARGUMENT").await;
    negative(&answer_to(md, gb, &unasked).await, NonDeliveryGround::WrongStage);
    let no_longer = papers::extension(gb, &preservation, 2, Some(SIXTY_DAYS));
    own_server_refuses(gb, &no_longer, "MALFORMED_ARGUMENT").await;
    negative(&answer_to(gb, md, &no_longer).await, NonDeliveryGround::Malformed);
    let mut silent = papers::extension(gb, &preservation, 3, None);
    silent.body["reason"] = json!("");
    negative(&answer_to(gb, md, &silent).await, NonDeliveryGround::Malformed);
    road::send(gb, "drafter", &papers::extension(gb, &preservation, 2, None), "").await.stage;
    own_server_refuses(gb, &papers::extension(gb, &preservation, 3, None), "WRONG_STAGE").await;
    let equal = papers::confirmation(md, &preservation, 2, "extension", SIXTY_DAYS);
    own_server_refuses(md, &equal, "MALFORMED_ARGUMENT").await;
    let again = papers::confirmation(md, &preservation, 2, "preservation", "2027-06-01T00:00:00Z");
    own_server_refuses(md, &again, "MALFORMED_ARGUMENT").await;
    // The extension is refused: what was confirmed stands.
    road::send(md, "drafter", &papers::refusal(md, &preservation, 2, "R20-cost", "part"), "").await;
    for office in [gb, md] {
        let case = road::case(office, &preservation.shared_number).await;
        assert_eq!((case.stage.as_str(), case.extension_asked), ("confirmed", false));
        assert_eq!(case.preserved_until, SIXTY_DAYS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preservation_is_refused_as_a_whole_or_released_before_it_is_confirmed() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let preservation = federation.preservation_requested().await;
    let number = &preservation.shared_number;
    let part = papers::refusal(md, &preservation, 1, "R05-political", "part");
    own_server_refuses(md, &part, "MALFORMED_ARGUMENT").await;
    negative(&answer_to(md, gb, &part).await, NonDeliveryGround::WrongStage);
    road::send(md, "drafter", &papers::refusal(md, &preservation, 1, "R05-political", "whole"), "").await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["refused", "refused"]);
    assert_eq!(road::case(gb, number).await.grounds, ["R05-political"]);
    own_server_refuses(gb, &papers::release(gb, &preservation, 2), "WRONG_STAGE").await;

    let other = federation.preservation_requested().await;
    road::send(gb, "drafter", &papers::release(gb, &other, 2), "").await;
    assert_eq!(road::stages(&other.shared_number, &[gb, md]).await, ["released", "released"]);
    let late = papers::confirmation(md, &other, 1, "preservation", SIXTY_DAYS);
    own_server_refuses(md, &late, "WRONG_STAGE").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_sends_only_what_is_its_to_send() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    let confirming = papers::confirmation(gb, &preservation, 2, "extension", "2027-06-01T00:00:00Z");
    own_server_refuses(gb, &confirming, "WRONG_STAGE").await;
    for wrong in [
        papers::extension(md, &preservation, 2, None),
        papers::release(md, &preservation, 3),
        // What belongs to a request has no place under a preservation's number.
        papers::acknowledgement(md, &preservation),
        papers::closing(md, &preservation, 4),
    ] {
        let message_number = rogatory_core::MessageNumber::new(10 + wrong.kind as u32).expect("from 1");
        let wrong = Document { message_number, ..wrong };
        let words = negative(&answer_to(md, gb, &wrong).await, NonDeliveryGround::WrongStage);
        assert!(words.contains("not for this side"), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_lapses_a_preservation_on_both_sides_by_itself() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    let number = &preservation.shared_number;
    // An extension that nobody answers holds nothing.
    road::send(gb, "drafter", &papers::extension(gb, &preservation, 2, None), "").await;
    world.clock.advance_seconds(60 * DAY);
    let_time_do_its_work(&federation).await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["confirmed", "confirmed"], "the last instant counts");
    world.clock.advance_seconds(1);
    let_time_do_its_work(&federation).await;
    let_time_do_its_work(&federation).await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["lapsed", "lapsed"]);
    for (office, other) in [(gb, md), (md, gb)] {
        assert_eq!(road::case(office, number).await.preserved_until, SIXTY_DAYS);
        let stages = shared(office, number, other, "stage-reached").await;
        let lapsed: Vec<_> = stages.iter().filter(|body| body["to"] == "lapsed").collect();
        assert_eq!(lapsed.len(), 1, "once");
        assert_eq!(lapsed[0]["actor"], json!({"kind": "server"}));
    }
    own_server_refuses(gb, &papers::release(gb, &preservation, 3), "WRONG_STAGE").await;
    let late = papers::confirmation(md, &preservation, 2, "extension", "2027-06-01T00:00:00Z");
    negative(&answer_to(md, gb, &late).await, NonDeliveryGround::WrongStage);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_follows_up_holds_the_data_until_it_is_decided() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    let number = &preservation.shared_number;
    let request = papers::follow_up(gb, md, &preservation);
    road::send(gb, "drafter", &request, "").await;
    for (office, other) in [(gb, md), (md, gb)] {
        let case = road::case(office, number).await;
        assert_eq!(case.followed_up_by, request.shared_number.to_string());
        let event = shared(office, number, other, "preservation-followed-up").await;
        assert_eq!(event[0]["request_number"], json!(request.shared_number));
    }
    world.clock.advance_seconds(90 * DAY);
    let_time_do_its_work(&federation).await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["confirmed", "confirmed"], "pending a decision");
    road::send(md, "drafter", &papers::refusal(md, &request, 1, "R07-dual-criminality", "whole"), "").await;
    let_time_do_its_work(&federation).await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["lapsed", "lapsed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_follow_up_holds_nothing_and_one_that_comes_late_is_taken_all_the_same() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    let number = &preservation.shared_number;
    let request = papers::follow_up(gb, md, &preservation);
    road::send(gb, "drafter", &request, "").await;
    road::send(gb, "drafter", &papers::withdrawal(gb, &request, 2), "").await;
    world.clock.advance_seconds(61 * DAY);
    let_time_do_its_work(&federation).await;
    assert_eq!(road::stages(number, &[gb, md]).await, ["lapsed", "lapsed"]);
    let late = papers::follow_up(gb, md, &preservation);
    road::send(gb, "drafter", &late, "").await;
    assert_eq!(road::stages(&late.shared_number, &[gb, md]).await, ["transmitted", "received"]);
    assert_eq!(road::stages(number, &[gb, md]).await, ["lapsed", "lapsed"], "it does not come back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_names_a_preservation_between_the_same_two() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let preservation = federation.preservation_confirmed(SIXTY_DAYS).await;
    // Another authority names what gb asked of md: md says no more than for a number that does not exist.
    let others = papers::follow_up(&ministry, md, &preservation);
    let words = negative(&answer_to(&ministry, md, &others).await, NonDeliveryGround::UnknownReference);
    let mut invented = papers::request(&ministry, md);
    let number = papers::request(&ministry, md).shared_number;
    invented.body["preservation"] = json!({"shared_number": number});
    let as_unknown =
        negative(&answer_to(&ministry, md, &invented).await, NonDeliveryGround::UnknownReference);
    let without_number = |text: &str, number: &SharedNumber| text.replace(number.as_str(), "…");
    assert_eq!(without_number(&words, &preservation.shared_number), without_number(&as_unknown, &number));
    let case = road::case(md, &preservation.shared_number).await;
    assert_eq!(case.followed_up_by, "");
    // The own server lets out neither that nor a follow-up to somebody else.
    own_server_refuses(&ministry, &others, "MALFORMED_ARGUMENT").await;
    own_server_refuses(gb, &papers::follow_up(gb, &ministry, &preservation), "MALFORMED_ARGUMENT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preservation_needs_two_persons_and_a_number_of_its_own() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let preservation = papers::preservation(gb, md);
    let draft = papers::drafted(gb, "drafter", &preservation);
    let handed = papers::hand_in(gb, "drafter", draft, "").await.expect("a draft");
    assert_eq!(road::case(gb, &preservation.shared_number).await.stage, "drafted");
    assert_refused(papers::transmit(gb, "drafter", &handed.document_id).await, "WRONG_STAGE");
    papers::approve(gb, "approver", &handed.document_id).await.expect("an approval");
    assert_eq!(road::case(gb, &preservation.shared_number).await.stage, "approved");
    assert!(papers::transmit(gb, "drafter", &handed.document_id).await.expect("a receipt").delivered);
    // A request under its number is refused as any other second matter.
    let mut request = papers::request(gb, md);
    request.shared_number = preservation.shared_number.clone();
    own_server_refuses(gb, &request, "CONFLICT").await;
    request.message_number = rogatory_core::MessageNumber::new(7).expect("from 1");
    negative(&answer_to(gb, md, &request).await, NonDeliveryGround::Conflict);
}
