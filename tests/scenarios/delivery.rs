//! What a peer may deliver, and what answers it: a receipt, a negative receipt, or a refusal without.

use rogatory_client::commands::documents::{self, PickArguments};
use rogatory_client::commands::request;
use rogatory_client::output::Outcome as _;
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::ReceiptKind;
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::signing::FileSigner;
use rogatory_tests::papers::{self, assert_status};
use rogatory_tests::{Federation, Office};
use serde_json::json;

/// The stages of the documents that an office keeps under a number.
async fn stages(office: &Office, number: &rogatory_core::SharedNumber) -> Vec<String> {
    let session = office.session("drafter");
    let case = documents::case(&session, number.as_str()).await.expect("a case");
    let all = documents::of_case(&session, &case.case_id).await.expect("documents");
    all.into_iter().map(|document| document.stage).collect()
}

async fn holds_nothing(office: &Office) -> bool {
    request::list(&office.session("drafter")).await.expect("a list").cases.is_empty()
}

/// Delivers and demands a negative receipt with `ground`.
async fn refused_by_receipt(
    from: &Office,
    to: &Office,
    container: Vec<u8>,
    ground: NonDeliveryGround,
) -> String {
    let answer = papers::deliver(from, to, container).await.expect("a receipt");
    let receipt = papers::receipt(papers::receipt_bytes(&answer));
    assert_eq!((receipt.receipt, receipt.ground), (ReceiptKind::NonDelivery, Some(ground)), "{receipt:?}");
    assert_eq!((&receipt.issuer.party, &receipt.addressee), (&to.party, &from.party));
    receipt.reason.expect("a reason in words")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_approver_is_answered_with_a_negative_receipt() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let draft = papers::drafted(gb, "drafter", &papers::request(gb, md));
    let one_person = papers::sealed_with(gb, &draft, &[("drafter", "drafter")], &gb.seal());
    let why = refused_by_receipt(gb, md, one_person, NonDeliveryGround::WrongSigners).await;
    assert!(why.contains("needs 3 signatures with the seal, and it has 2"), "{why}");
    assert!(holds_nothing(md).await, "no case was opened");
    let refused = Federation::timeline(md, "office").await;
    let refused = refused.iter().find(|(_, event, _)| event == "document-refused").expect("it is recorded");
    assert_eq!(refused.0, gb.party.to_string(), "in the stream shared with the sender");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_who_signs_twice_is_found_by_the_peer_too() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let draft = papers::drafted(gb, "colleague", &papers::request(gb, md));
    let twice = papers::approved(gb, "colleague", &draft);
    let sealed =
        papers::sealed_with(gb, &twice, &[("colleague", "drafter"), ("colleague", "approver")], &gb.seal());
    let why = refused_by_receipt(gb, md, sealed, NonDeliveryGround::WrongSigners).await;
    assert!(why.contains("the same person"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_signers_that_names_somebody_else_is_refused() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let both = papers::approved(gb, "approver", &papers::drafted(gb, "drafter", &papers::request(gb, md)));
    let sealed =
        papers::sealed_with(gb, &both, &[("colleague", "drafter"), ("approver", "approver")], &gb.seal());
    let why = refused_by_receipt(gb, md, sealed, NonDeliveryGround::WrongSigners).await;
    assert!(why.contains("another certificate"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_receipt_ends_the_senders_command_with_3() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (request, handed) = federation.request_approved().await;
    // Other bytes arrive first under the same number, past the sender's own server.
    let mut other = request.clone();
    other.body["our_reference"] = json!("another");
    papers::deliver(gb, md, papers::complete(gb, &other)).await.expect("a receipt");

    let session = gb.session("drafter");
    let pick = PickArguments { case: handed.case_id.clone(), document: None };
    let plan = request::plan_transmission(&session, &pick).await.expect("a plan");
    let transmitted = request::transmit(&session, &plan).await.expect("a negative receipt is a result");
    assert!(!transmitted.delivered && transmitted.stage == "not-delivered");
    let complaint = transmitted.complaint().expect("a complaint");
    assert_eq!((complaint.exit().code(), complaint.reason()), (3, Some("conflict")));
    let case = documents::case(&session, &handed.case_id).await.expect("a case");
    assert_eq!(case.stage, "not-delivered");
    let again = papers::transmit(gb, "drafter", &handed.document_id).await.expect("the same receipt");
    let again = again.receipt.expect("a receipt").container;
    assert_eq!(rogatory_core::Digest::of(&again), transmitted.receipt.receipt_sha256);
    assert_eq!(stages(md, &request.shared_number).await, ["received", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_get_the_same_receipt() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let request = papers::request(gb, md);
    let container = papers::complete(gb, &request);
    let first = papers::deliver(gb, md, container.clone()).await.expect("a receipt");
    federation.world.clock.advance_seconds(60);
    let second = papers::deliver(gb, md, container).await.expect("a receipt");
    assert_eq!(papers::receipt_bytes(&first), papers::receipt_bytes(&second));
    let leaf = |answer: &rogatory_proto::peer::v1::DeliverDocumentResponse| {
        answer.receipt.as_ref().expect("a receipt").leaf_hash.clone()
    };
    assert_eq!(leaf(&first), leaf(&second));
    assert_eq!(papers::receipt(papers::receipt_bytes(&first)).receipt, ReceiptKind::Delivery);
    assert_eq!(stages(md, &request.shared_number).await, ["received"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_twice_at_once_get_the_same_receipt() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let request = papers::request(gb, md);
    let container = papers::complete(gb, &request);
    let (first, second) =
        tokio::join!(papers::deliver(gb, md, container.clone()), papers::deliver(gb, md, container.clone()));
    let (first, second) = (first.expect("a receipt"), second.expect("a receipt"));
    assert_eq!(papers::receipt_bytes(&first), papers::receipt_bytes(&second));
    assert_eq!(stages(md, &request.shared_number).await, ["received"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_the_same_number_conflict_and_both_are_kept() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let request = papers::request(gb, md);
    papers::deliver(gb, md, papers::complete(gb, &request)).await.expect("a receipt");
    let mut other = request.clone();
    other.body["our_reference"] = json!("another");
    let container = papers::complete(gb, &other);
    refused_by_receipt(gb, md, container.clone(), NonDeliveryGround::Conflict).await;
    assert_eq!(stages(md, &request.shared_number).await, ["received", "refused"]);
    // The negative receipt stands as well.
    let first = papers::deliver(gb, md, container.clone()).await.expect("a receipt");
    let second = papers::deliver(gb, md, container).await.expect("a receipt");
    assert_eq!(papers::receipt_bytes(&first), papers::receipt_bytes(&second));
    assert_eq!(stages(md, &request.shared_number).await, ["received", "refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_the_entry_does_not_name_is_refused_without_receipt() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let both = papers::approved(gb, "approver", &papers::drafted(gb, "drafter", &papers::request(gb, md)));
    let persons = [("drafter", "drafter"), ("approver", "approver")];
    let validity = Validity::days(gb.now().plus_seconds(-60), 30).expect("a validity");
    // Another seal of the same authority and name: good, but not the one that was confirmed.
    let unknown = gb.authority().issue_seal(&gb.party, &gb.name, validity).expect("a seal");
    // The same names from an authority that nobody trusts.
    let other_ca =
        DevelopmentCa::new(gb.party.country(), "Throw-away authority of GB", validity).expect("a root");
    let foreign = other_ca.issue_seal(&gb.party, &gb.name, validity).expect("a seal");
    for (issued, reason) in [(unknown, "UNKNOWN_SEAL"), (foreign, "BROKEN_SIGNATURE")] {
        let seal = FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer");
        let sealed = papers::sealed_with(gb, &both, &persons, &seal);
        assert_status(papers::deliver(gb, md, sealed).await, reason);
    }
    // An approver's signature is no seal either.
    assert_status(papers::deliver(gb, md, both.clone()).await, "UNKNOWN_SEAL");
    assert!(holds_nothing(md).await);
    let sealed = papers::sealed_with(gb, &both, &persons, &gb.seal());
    papers::deliver(gb, md, sealed).await.expect("with the right seal it is receipted");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_bit_is_refused_without_receipt() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let container = papers::complete(gb, &papers::request(gb, md));
    // A few places all over the container; every one of them is the container crate's own test.
    for at in (0..container.len()).step_by(container.len() / 40) {
        let mut damaged = container.clone();
        damaged[at] ^= 1;
        let status = papers::deliver(gb, md, damaged).await.expect_err("damaged");
        let reason = rogatory_tests::caller::reason(&status);
        assert!(
            ["MALFORMED_CONTAINER", "BROKEN_SIGNATURE", "UNKNOWN_SEAL"].contains(&reason),
            "byte {at}: {status}"
        );
    }
    assert!(holds_nothing(md).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_delivers_in_another_partys_name() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    // The provider, a confirmed peer, hands over what the requesting authority sealed.
    let container = papers::complete(gb, &papers::request(gb, md));
    let status = papers::deliver(nistru, md, container).await.expect_err("not its own");
    let reason = rogatory_tests::caller::reason(&status);
    assert!(["BROKEN_SIGNATURE", "UNKNOWN_SEAL"].contains(&reason), "{status}");
    // And seals itself what names another sender.
    let draft = papers::drafted(nistru, "drafter", &papers::request(gb, md));
    let both = papers::approved(nistru, "approver", &draft);
    let persons = [("drafter", "drafter"), ("approver", "approver")];
    let sealed = papers::sealed_with(nistru, &both, &persons, &nistru.seal());
    assert_status(papers::deliver(nistru, md, sealed).await, "UNKNOWN_SEAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_provider_or_to_somebody_else_is_refused_by_the_peer() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let by_provider = papers::complete(nistru, &papers::request_for(nistru, md, md));
    refused_by_receipt(nistru, md, by_provider, NonDeliveryGround::WrongCompetence).await;
    let astray = papers::complete(gb, &papers::request(gb, nistru));
    refused_by_receipt(gb, md, astray, NonDeliveryGround::WrongAddressee).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_nothing_and_out_of_turn_are_refused_by_the_peer() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let seal_one = |office: &Office, officer: &str, document: &_| {
        let signed = papers::drafted(office, officer, document);
        papers::sealed_with(office, &signed, &[(officer, "officer")], &office.seal())
    };
    let unknown = papers::acknowledgement(md, &papers::request(gb, md));
    refused_by_receipt(md, gb, seal_one(md, "drafter", &unknown), NonDeliveryGround::UnknownReference).await;

    let request = federation.request_transmitted().await;
    let early = seal_one(gb, "drafter", &papers::closing(gb, &request, 2));
    refused_by_receipt(gb, md, early, NonDeliveryGround::WrongStage).await;
    let mut of_another = papers::acknowledgement(md, &request);
    of_another.in_reply_to.as_mut().expect("an answer").document_sha256 =
        rogatory_core::Digest::of(b"another");
    refused_by_receipt(md, gb, seal_one(md, "drafter", &of_another), NonDeliveryGround::UnknownReference)
        .await;
    // What two others have with one another, a third does not learn.
    let mut intruding = papers::acknowledgement(nistru, &request);
    intruding.addressee = papers::named(md);
    let why = refused_by_receipt(
        nistru,
        md,
        seal_one(nistru, "agent", &intruding),
        NonDeliveryGround::UnknownReference,
    );
    assert_eq!(why.await, format!("nothing is known here under {}", request.shared_number));
    // Nothing of all this moved the case: the right acknowledgement, under the next number, is taken.
    let mut right = papers::acknowledgement(md, &request);
    right.message_number = right.message_number.next();
    let taken = papers::deliver(md, gb, seal_one(md, "drafter", &right)).await.expect("a receipt");
    assert_eq!(papers::receipt(papers::receipt_bytes(&taken)).receipt, ReceiptKind::Delivery);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_is_answered_with_a_negative_receipt() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let mut without_recipients = papers::request(gb, md);
    without_recipients.body["recipients"] = json!([]);
    let mut second_message = papers::request(gb, md);
    second_message.message_number = second_message.message_number.next();
    let mut foreign_number = papers::request(gb, md);
    foreign_number.shared_number = papers::request(md, gb).shared_number;
    for document in [without_recipients, second_message, foreign_number] {
        let container = papers::complete(gb, &document);
        refused_by_receipt(gb, md, container, NonDeliveryGround::Malformed).await;
    }
    assert!(holds_nothing(md).await);
}
