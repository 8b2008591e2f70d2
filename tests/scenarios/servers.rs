//! Servers that stop and start: what was committed is there, what could not be sent is sent later.

use rogatory_client::Exit;
use rogatory_client::commands::documents::{self, PickArguments};
use rogatory_client::commands::{custody, request};
use rogatory_server::config::{DatabaseConfig, InstitutionKind};
use rogatory_server::init::{self, GivenKeys, NewServer};
use rogatory_tests::{Federation, papers, road};

#[tokio::test(flavor = "multi_thread")]
async fn a_case_survives_a_restart() {
    let mut federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let before = request::show(&federation.md.session("drafter"), request.shared_number.as_str()).await;
    let before = before.expect("a case");
    federation.md.stop().await;
    federation.md.start().await;
    let md = &federation.md;
    let after = request::show(&md.session("drafter"), request.shared_number.as_str()).await.expect("a case");
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    road::send(md, "drafter", &papers::acknowledgement(md, &request), "").await;
    let file = md.folder.join("custody.json");
    let number = request.shared_number.as_str();
    custody::export(&md.session("operator"), number, 0, &file).await.expect("a record");
    custody::verify(&std::fs::read(file).expect("a file"), None, &md.trust()).expect("the log goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_that_is_down_missed_is_sent_later_byte_for_byte() {
    let mut federation = Federation::new().await;
    let (request, handed) = federation.request_approved().await;
    federation.md.stop().await;

    let drafter = federation.gb.session("drafter");
    let pick = PickArguments { case: handed.case_id.clone(), document: None };
    let plan = request::plan_transmission(&drafter, &pick).await.expect("a plan");
    let problem = request::transmit(&drafter, &plan).await.expect_err("nobody answers");
    assert_eq!((problem.exit(), problem.reason()), (Exit::NotYet, Some("PEER_UNREACHABLE")), "{problem}");
    let sealed = documents::fetch(&drafter, &handed.document_id).await.expect("a document");
    assert_eq!(sealed.facts.stage, "sealed");

    federation.world.clock.advance_seconds(7200);
    federation.md.start().await;
    let plan = request::plan_transmission(&drafter, &pick).await.expect("the same command");
    let sent = request::transmit(&drafter, &plan).await.expect("a receipt");
    assert!(sent.delivered);
    let arrived = request::show(&federation.md.session("drafter"), request.shared_number.as_str()).await;
    let arrived = arrived.expect("a case").documents;
    assert_eq!(arrived[0].container_sha256, sealed.facts.container_sha256, "the very bytes that were sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_restarts_between_sealing_and_sending_sends_the_same_bytes() {
    let mut federation = Federation::new().await;
    let (request, handed) = federation.request_approved().await;
    federation.md.stop().await;
    let gb = &federation.gb;
    papers::transmit(gb, "drafter", &handed.document_id).await.expect_err("nobody answers");
    let sealed = documents::fetch(&gb.session("drafter"), &handed.document_id).await.expect("a document");
    federation.gb.stop().await;
    federation.gb.start().await;
    federation.md.start().await;
    let sent = papers::transmit(&federation.gb, "drafter", &handed.document_id).await.expect("a receipt");
    assert!(sent.delivered);
    let arrived = request::show(&federation.md.session("drafter"), request.shared_number.as_str()).await;
    assert_eq!(arrived.expect("a case").documents[0].container_sha256, sealed.facts.container_sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_that_is_down_is_not_yet_reached() {
    let mut federation = Federation::new().await;
    federation.gb.stop().await;
    let problem = request::list(&federation.gb.session("drafter")).await.expect_err("nobody answers");
    assert_eq!(problem.exit(), Exit::NotYet, "{problem}");
    federation.gb.start().await;
    request::list(&federation.gb.session("drafter")).await.expect("a list");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_sent_when_the_authority_is_back_even_after_a_restart() {
    let mut federation = Federation::new().await;
    let (ordered, path) = federation.package_sealed().await;
    let order = &ordered.order.shared_number;
    federation.md.stop().await;
    let problem = federation.send_package(&path, order).await.expect_err("nobody answers");
    assert_eq!((problem.exit(), problem.reason()), (Exit::NotYet, Some("PEER_UNREACHABLE")), "{problem}");
    federation.nistru.stop().await;
    federation.nistru.start().await;
    federation.md.start().await;
    let sent = federation.send_package(&path, order).await.expect("the same command");
    assert!(sent.delivered);
    // And once more: the same answer, nothing sent twice.
    let again = federation.send_package(&path, order).await.expect("the same answer");
    assert_eq!(again.receipt.receipt_sha256, sent.receipt.receipt_sha256);
    let events = Federation::timeline(&federation.md, ordered.request.shared_number.as_str()).await;
    assert_eq!(events.iter().filter(|(_, event, _)| event == "package-received").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_relayed_when_the_requesting_authority_is_back() {
    let mut federation = Federation::new().await;
    let (ordered, sent) = federation.evidence_produced().await;
    federation.gb.stop().await;
    let problem = federation.relay_package(&sent.package_id).await.expect_err("nobody answers");
    assert_eq!((problem.exit(), problem.reason()), (Exit::NotYet, Some("PEER_UNREACHABLE")), "{problem}");
    federation.md.stop().await;
    federation.md.start().await;
    federation.gb.start().await;
    let relayed = federation.relay_package(&sent.package_id).await.expect("the same command");
    assert!(relayed.delivered);
    let again = federation.relay_package(&sent.package_id).await.expect("the same answer");
    assert_eq!(again.receipt.receipt_sha256, relayed.receipt.receipt_sha256);
    let events = Federation::timeline(&federation.gb, ordered.request.shared_number.as_str()).await;
    assert_eq!(events.iter().filter(|(_, event, _)| event == "package-received").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_set_up_with_the_keys_of_its_own_pki_or_not_at_all() {
    let Federation { gb, world, .. } = &Federation::new().await;
    let file = |name: &str| gb.folder.join(name);
    let new = |folder: &str| NewServer {
        database: DatabaseConfig::in_file("database.sqlite".into()),
        folder: world.directory().join(folder),
        party: gb.party.clone(),
        name: "An office with a PKI of its own".to_owned(),
        kind: InstitutionKind::CentralAuthority,
        office: "127.0.0.1:1".parse().expect("an address"),
        peer: "127.0.0.1:2".parse().expect("an address"),
        domain: "office.example".to_owned(),
        officers: vec!["drafter=A Person:drafter".parse().expect("an officer")],
    };
    let given = |seal_key: &str, signer: &str| GivenKeys {
        tls_certificate: file("keys/tls.pem"),
        tls_key: file("keys/tls.key"),
        seal_certificate: file("keys/seal.pem"),
        seal_key: file(seal_key),
        anchors: file("keys/anchors.pem"),
        signing_certificates: vec![
            format!("{signer}={}", file("officers/drafter/signing.pem").display()).parse().expect("a file"),
        ],
        recipients: Vec::new(),
        recovery_recipients: Vec::new(),
    };
    let set_up = |folder: &'static str, seal_key: &'static str, signer: &'static str| async move {
        let (new, given) = (new(folder), given(seal_key, signer));
        let made = init::with_keys(&new, &given, world.clock.clone(), world.entropy.clone()).await;
        (made.is_ok(), new.folder.join("server.toml").is_file(), new.folder.exists())
    };
    assert_eq!(set_up("whole", "keys/seal.key", "drafter").await, (true, true, true));
    // Another's key, and an officer without a certificate: nothing is left.
    assert_eq!(set_up("other-key", "keys/tls.key", "drafter").await, (false, false, false));
    assert_eq!(set_up("no-certificate", "keys/seal.key", "somebody").await, (false, false, false));
}
