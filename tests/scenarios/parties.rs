//! Who is believed, and how that comes about.

use rogatory_client::commands::party;
use rogatory_core::Digest;
use rogatory_proto::office::v1::ImportPartyRequest;
use rogatory_server::config::InstitutionKind;
use rogatory_tests::papers::{self, assert_refused, assert_status};
use rogatory_tests::{Federation, Plan, road};

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_fingerprint_was_told_otherwise_is_not_confirmed() {
    let federation = Federation::strangers().await;
    let Federation { gb, md, .. } = &federation;
    let operator = gb.session("operator");
    let told = Digest::of(b"what they said on the telephone");
    let plan = party::plan_import(&operator, md.entry()).expect("a sound entry");
    let problem = party::import(&operator, plan, told).await.expect_err("another fingerprint");
    assert_eq!(problem.exit().code(), 4, "{problem}");
    // A program that does not compare is stopped by the server.
    let request = ImportPartyRequest { container: md.entry().into(), fingerprint: told.to_hex() };
    let mut client = operator.connection().await.expect("a connection").parties();
    assert_status(client.import_party(request).await, "WRONG_FINGERPRINT");
    assert!(party::list(&operator).await.expect("a list").parties.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_countrys_anchor_is_not_replaced_by_an_entry() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let impostor = Plan {
        party: "md/small-office",
        name: "A small office",
        kind: InstitutionKind::Provider,
        country_ca: "ca-md-forged",
        officers: &["x=X:operator"],
    };
    let impostor = world.found(impostor).await;
    assert_refused(gb.import("operator", &impostor).await, "CONFLICT");
    let parties = party::list(&gb.session("operator")).await.expect("a list").parties;
    assert_eq!(parties.len(), 1, "only {} is confirmed", md.party);
    // The office's own country is no exception.
    assert_refused(md.import("operator", &impostor).await, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_entry_is_not_sound() {
    let federation = Federation::strangers().await;
    let Federation { gb, md, .. } = &federation;
    let mut entry = md.entry();
    let middle = entry.len() / 2;
    entry[middle] ^= 1;
    let operator = gb.session("operator");
    assert_eq!(party::plan_import(&operator, entry.clone()).expect_err("unsound").exit().code(), 4);
    let request = ImportPartyRequest { fingerprint: Digest::of(&entry).to_hex(), container: entry.into() };
    let mut client = operator.connection().await.expect("a connection").parties();
    let status = client.import_party(request).await.expect_err("unsound");
    let reason = rogatory_tests::caller::reason(&status);
    assert!(["MALFORMED_CONTAINER", "BROKEN_SIGNATURE"].contains(&reason), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_confirms_a_party_and_it_is_recorded() {
    let federation = Federation::strangers().await;
    let Federation { gb, md, .. } = &federation;
    assert_refused(gb.import("drafter", md).await, "ROLE_MISSING");
    gb.import("operator", md).await.expect("a confirmed party");
    let confirmed = Federation::timeline(gb, "office").await;
    let confirmed = confirmed.iter().find(|(_, event, _)| event == "party-confirmed").expect("recorded");
    assert_eq!(confirmed.2["party"], serde_json::json!(md.party));
    assert_eq!(confirmed.2["container_sha256"], serde_json::json!(Digest::of(&md.entry())));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_confirmed_in_time_is_heard_once_he_is() {
    let federation = Federation::strangers().await;
    let Federation { gb, md, nistru, .. } = &federation;
    for (here, there) in [(gb, md), (md, gb), (md, nistru)] {
        here.import("operator", there).await.expect("a confirmed party");
    }
    // The provider has not confirmed the authority yet, though it knows the State's anchor.
    let request = federation.request_acknowledged().await;
    let order = papers::order(md, nistru, &request);
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    let handed = papers::hand_in(md, "drafter", papers::drafted(md, "drafter", &order), &case).await;
    let handed = handed.expect("a draft");
    papers::approve(md, "approver", &handed.document_id).await.expect("an approval");
    assert_refused(papers::transmit(md, "drafter", &handed.document_id).await, "PEER_REFUSED");

    nistru.import("operator", md).await.expect("a confirmed party");
    let sent = papers::transmit(md, "drafter", &handed.document_id).await.expect("a receipt");
    assert!(sent.delivered, "{}: {}", sent.ground, sent.reason);
}
