//! Evidence packages that do not fit what they are sent for, at one's own server and at the peer's.

use crate::resume::{EXHIBIT, agent, announced, objects};
use rogatory_client::commands::package::{self, SealArguments};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::ReceiptKind;
use rogatory_pki::development::Validity;
use rogatory_pki::signing::FileSigner;
use rogatory_proto::office::v1::BeginUploadRequest;
use rogatory_proto::peer::v1::BeginPackageRequest;
use rogatory_proto::peer::v1::delivery_service_client::DeliveryServiceClient;
use rogatory_server::init;
use rogatory_tests::Federation;
use rogatory_tests::papers::{self, assert_refused, assert_status};
use rogatory_tests::parcel::{self, Parcel};
use rogatory_tests::road::{self, Ordered};
use std::fs;
use std::path::PathBuf;

fn negative(receipt: &[u8], ground: NonDeliveryGround) -> String {
    let receipt = papers::receipt(receipt);
    assert_eq!((receipt.receipt, receipt.ground), (ReceiptKind::NonDelivery, Some(ground)), "{receipt:?}");
    receipt.reason.expect("a reason in words")
}

/// A federation whose provider has an order, and a package for exactly those whom the order names.
async fn ordered() -> (Federation, Ordered, PathBuf) {
    let federation = Federation::new().await;
    let (ordered, path) = federation.package_sealed().await;
    (federation, ordered, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_the_asked_for_cannot_open_is_refused_at_home_and_by_the_peer() {
    let federation = Federation::new().await;
    let Federation { md, nistru, world, .. } = &federation;
    let number = federation.order_acknowledged().await.order.shared_number;
    let somebody_else = md.recipients(Some("evidence")).split_off(1);
    let output = world.directory().join("package");
    let path = parcel::seal(nistru, "agent", &number, somebody_else, &output).await;
    assert_refused(federation.send_package(&path, &number).await, "WRONG_PACKAGE");

    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let receipt = parcel.deliver(nistru, md, &number, Vec::new()).await.expect("a receipt");
    let why = negative(&receipt, NonDeliveryGround::WrongPackage);
    assert!(why.contains("not encrypted to"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_taken_by_keys_of_either_kind_but_by_those_of_everybody() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let order = federation.order_acknowledged().await.order;
    let number = &order.shared_number;
    let listed = order.body["recipients"].as_array().expect("a list");
    let classical: Vec<String> = listed
        .iter()
        .filter_map(|one| one["recipient"].as_str())
        .filter(|key| !key.starts_with("age1pq1"))
        .map(ToOwned::to_owned)
        .collect();
    assert_eq!((listed.len(), classical.len()), (4, 2));
    let output = world.directory().join("for one alone");
    let path = parcel::seal(nistru, "agent", number, classical[..1].to_vec(), &output).await;
    assert_refused(federation.send_package(&path, number).await, "WRONG_PACKAGE");
    let output = world.directory().join("for both");
    let path = parcel::seal(nistru, "agent", number, classical, &output).await;
    federation.send_package(&path, number).await.expect("sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_without_the_institutions_seal_is_refused_by_the_peer() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, .. } = &federation;
    let number = &ordered.order.shared_number;
    let parcel = Parcel::read(&path);
    let receipt = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    let why = negative(&receipt, NonDeliveryGround::WrongSigners);
    assert!(why.contains("no institution's seal"), "{why}");
    // The very same package with its seal is taken.
    let sealed = parcel.sealed_by(nistru, &nistru.seal());
    let receipt = sealed.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    assert_eq!(papers::receipt(&receipt).receipt, ReceiptKind::Delivery);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_not_what_was_announced_is_refused_and_leaves_nothing() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, .. } = &federation;
    let number = &ordered.order.shared_number;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let exhibit = |(name, _): &(String, Vec<u8>)| name == "data/EX-0001.age";
    let at = parcel.0.iter().position(exhibit).expect("an exhibit");
    let (mut flipped, mut longer, mut shorter) = (parcel.clone(), parcel.clone(), parcel.clone());
    flipped.0[at].1[0] ^= 1;
    longer.0[at].1.push(0);
    shorter.0[at].1.pop();
    for sent in [&flipped, &longer, &shorter] {
        let refused = parcel.announce_and_send(sent, nistru, md, number, Vec::new()).await;
        assert_status(refused, "MALFORMED_PACKAGE");
    }
    let receipt = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    assert_eq!(papers::receipt(&receipt).receipt, ReceiptKind::Delivery);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_stored_for_a_number_under_which_nothing_is_awaited() {
    let (federation, ordered, path) = ordered().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    // The order is between the provider and its authority: for another institution it does not exist.
    let number = &ordered.order.shared_number;
    let refused = parcel.deliver(gb, md, number, Vec::new()).await;
    assert_status(refused, "UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_under_an_unknown_seal_is_refused_by_the_peer() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, .. } = &federation;
    let validity = Validity::days(nistru.now().plus_seconds(-60), 30).expect("a validity");
    let unknown = nistru.authority().issue_seal(&nistru.party, &nistru.name, validity).expect("a seal");
    let unknown = FileSigner::from_pem(&unknown.key_pem, &unknown.certificate_pem).expect("a signer");
    let parcel = Parcel::read(&path).sealed_by(nistru, &unknown);
    let number = &ordered.order.shared_number;
    let receipt = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    negative(&receipt, NonDeliveryGround::WrongSigners);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_package_gets_the_same_receipt() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, world, .. } = &federation;
    let number = &ordered.order.shared_number;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let first = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    world.clock.advance_seconds(60);
    let second = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    assert_eq!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_package_is_refused_without_receipt() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, .. } = &federation;
    let mut parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let exhibit = parcel.0.iter_mut().find(|(name, _)| name.starts_with("data/")).expect("an object");
    let middle = exhibit.1.len() / 2;
    exhibit.1[middle] ^= 1;
    let number = &ordered.order.shared_number;
    assert_status(parcel.deliver(nistru, md, number, Vec::new()).await, "MALFORMED_PACKAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_for_another_order_or_for_none_is_refused() {
    let (federation, ordered, path) = ordered().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    // Nobody ordered anything under the request's number, nor does the requesting authority know the provider's.
    // What nobody awaits is not even taken in.
    let request = &ordered.request.shared_number;
    assert_status(parcel.deliver(nistru, md, request, Vec::new()).await, "UNKNOWN");
    let order = &ordered.order.shared_number;
    assert_status(parcel.deliver(md, gb, order, Vec::new()).await, "UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_before_the_acknowledgement_is_refused() {
    let federation = Federation::new().await;
    let Federation { md, nistru, world, .. } = &federation;
    let ordered = federation.order_served().await;
    let number = &ordered.order.shared_number;
    let output = world.directory().join("package");
    let path = parcel::seal(nistru, "agent", number, road::recipients(&ordered.order), &output).await;
    assert_refused(federation.send_package(&path, number).await, "WRONG_STAGE");
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let receipt = parcel.deliver(nistru, md, number, Vec::new()).await.expect("a receipt");
    negative(&receipt, NonDeliveryGround::WrongStage);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayed_package_needs_the_relay_receipt_that_speaks_of_it() {
    let (federation, ordered, path) = ordered().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let number = &ordered.request.shared_number;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    let receipt = parcel.deliver(md, gb, number, Vec::new()).await.expect("a receipt");
    let why = negative(&receipt, NonDeliveryGround::WrongPackage);
    assert!(why.contains("without a relay receipt"), "{why}");

    let for_another = parcel.relay_receipt(md, nistru, number);
    let receipt = parcel.deliver(md, gb, number, for_another).await.expect("a receipt");
    negative(&receipt, NonDeliveryGround::WrongPackage);
    let by_the_provider = parcel.relay_receipt(nistru, gb, number);
    let receipt = parcel.deliver(md, gb, number, by_the_provider).await.expect("a receipt");
    negative(&receipt, NonDeliveryGround::WrongPackage);

    let right = parcel.relay_receipt(md, gb, number);
    let receipt = parcel.deliver(md, gb, number, right).await.expect("a receipt");
    assert_eq!(papers::receipt(&receipt).receipt, ReceiptKind::Delivery);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_sent_by_the_officer_who_sealed_it() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let ordered = federation.order_acknowledged().await;
    let number = &ordered.order.shared_number;
    let output = world.directory().join("package");
    // Another officer's key: no forgery, but not the sender's own word.
    let path = parcel::seal(nistru, "drafter", number, road::recipients(&ordered.order), &output).await;
    assert_refused(federation.send_package(&path, number).await, "WRONG_SIGNER");
}

/// The authority takes packages of at most so many bytes from now on, and the provider knows it.
async fn limited(federation: &mut Federation, package_bytes: u64) {
    let md = &mut federation.md;
    md.stop().await;
    let file = md.folder.join("server.toml");
    let config = fs::read_to_string(&file).expect("a configuration");
    let config = config.replace("[storage]\n", &format!("[storage]\npackage_bytes = {package_bytes}\n"));
    fs::write(&file, config).expect("written");
    init::seal_entry(&md.folder, federation.world.clock.as_ref()).expect("a new entry");
    md.start().await;
    for other in [&federation.nistru, &federation.gb] {
        other.import("operator", &federation.md).await.expect("confirmed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_larger_than_its_addressee_takes_is_refused_before_its_first_byte() {
    const TAKEN: u64 = 100_000;
    let mut federation = Federation::new().await;
    let order = federation.order_acknowledged().await.order;
    let number = &order.shared_number;
    let small = federation.world.directory().join("small");
    let small = parcel::seal(&federation.nistru, "agent", number, road::recipients(&order), &small).await;
    limited(&mut federation, TAKEN).await;
    let Federation { md, nistru, world, .. } = &federation;
    assert_eq!(md.read_entry().entry.limits.package_bytes, Some(TAKEN));

    // Sealing for it and sending meanwhile does not begin.
    let exhibit = world.directory().join("large.bin");
    fs::write(&exhibit, vec![0x5a; 150_000]).expect("a file");
    let arguments = |name: &str| SealArguments {
        paths: vec![exhibit.clone()],
        recipients: road::recipients(&order),
        order: Some(number.to_string()),
        output: world.directory().join(name),
        ..SealArguments::default()
    };
    let says = |problem: &dyn std::fmt::Display| {
        let said = problem.to_string();
        assert!(said.contains("md/central-authority") && said.contains("100000"), "{said}");
    };
    let session = nistru.session("agent");
    let plan = package::plan_seal_and_send(&session, arguments("meanwhile")).await.expect("a plan");
    says(&package::seal_and_send(&session, plan).await.expect_err("too large"));
    assert!(!world.directory().join("meanwhile").exists());

    // Sealed without asking, it is not sent; past the program, neither server takes an announcement of it.
    let large = package::seal(&session, arguments("large")).await.expect("sealed").output;
    says(&federation.send_package(&large, number).await.expect_err("too large"));
    let objects = announced(&objects(&large));
    let begin = BeginUploadRequest {
        shared_number: number.to_string(),
        objects: objects.clone(),
        ..BeginUploadRequest::default()
    };
    let refused = agent(nistru).begin_upload(begin).await.expect_err("too large");
    says(&refused.message());
    assert_status(Err::<(), _>(refused), "LIMIT_REACHED");
    let begin = BeginPackageRequest { shared_number: number.to_string(), objects, ..Default::default() };
    let mut peer = DeliveryServiceClient::new(nistru.channel_to(md));
    let refused = peer.begin_package(begin).await.expect_err("too large");
    says(&refused.message());
    assert_status(Err::<(), _>(refused), "LIMIT_REACHED");
    for office in [md, nistru] {
        let arrived = fs::read_dir(office.folder.join("vault/incoming")).expect("a folder").count();
        assert_eq!(arrived, 0, "nothing moved to {}", office.party);
    }

    let sent = federation.send_package(&small, number).await.expect("it fits");
    assert!(sent.delivered, "{:?}", sent.receipt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_taken_in_before_a_lower_limit_gets_its_receipt_again() {
    let (mut federation, ordered, path) = ordered().await;
    let number = &ordered.order.shared_number;
    let parcel = Parcel::read(&path).sealed_by(&federation.nistru, &federation.nistru.seal());
    let deliver = async |federation: &Federation, parcel: &Parcel| {
        parcel.deliver(&federation.nistru, &federation.md, number, Vec::new()).await
    };
    let receipt = deliver(&federation, &parcel).await.expect("it fits");
    limited(&mut federation, 1000).await;
    assert_eq!(deliver(&federation, &parcel).await.expect("nothing moves"), receipt);

    let another = federation.world.directory().join("another");
    let recipients = road::recipients(&ordered.order);
    let another = parcel::seal(&federation.nistru, "agent", number, recipients, &another).await;
    let another = Parcel::read(&another).sealed_by(&federation.nistru, &federation.nistru.seal());
    assert_status(deliver(&federation, &another).await, "LIMIT_REACHED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_not_relayed_to_whom_it_is_too_large_for() {
    let mut federation = Federation::new().await;
    let (_, sent) = federation.evidence_produced().await;
    let gb = &mut federation.gb;
    gb.stop().await;
    let file = gb.folder.join("server.toml");
    let config = fs::read_to_string(&file).expect("a configuration");
    fs::write(&file, config.replace("[storage]\n", "[storage]\npackage_bytes = 1000\n")).expect("written");
    init::seal_entry(&gb.folder, federation.world.clock.as_ref()).expect("a new entry");
    gb.start().await;
    federation.md.import("operator", &federation.gb).await.expect("confirmed");
    let problem = federation.relay_package(&sent.package_id).await.expect_err("too large");
    assert_eq!(problem.reason(), Some("LIMIT_REACHED"), "{problem}");
    assert!(problem.message().contains("gb/central-authority takes packages of at most 1000"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_has_no_room_for_is_refused_before_its_first_byte() {
    let (federation, ordered, path) = ordered().await;
    let nistru = &federation.nistru;
    let mut objects = announced(&objects(&path));
    let exhibit = objects.iter_mut().find(|object| object.name == EXHIBIT).expect("an exhibit");
    exhibit.size_bytes = 1 << 60;
    let begin = BeginUploadRequest {
        shared_number: ordered.order.shared_number.to_string(),
        objects,
        ..BeginUploadRequest::default()
    };
    let refused = agent(nistru).begin_upload(begin).await.expect_err("no disk is so large");
    assert!(refused.message().contains("disk"), "{refused:?}");
    assert_status(Err::<(), _>(refused), "LIMIT_REACHED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_cannot_send_what_it_is_still_sealing() {
    let (federation, ordered, path) = ordered().await;
    let Federation { md, nistru, .. } = &federation;
    let mut client = DeliveryServiceClient::new(nistru.channel_to(md));
    let begin = BeginPackageRequest {
        shared_number: ordered.order.shared_number.to_string(),
        sealing_id: vec![7; 32].into(),
        unfinished: true,
        ..BeginPackageRequest::default()
    };
    let refused = client.begin_package(begin.clone()).await.expect_err("without objects");
    assert!(refused.message().contains("unfinished"), "{refused:?}");
    assert_status(Err::<(), _>(refused), "MALFORMED_ARGUMENT");
    let begin = BeginPackageRequest { objects: announced(&objects(&path)), ..begin };
    assert_status(client.begin_package(begin).await.map(drop), "MALFORMED_ARGUMENT");
    let arrived = fs::read_dir(md.folder.join("vault/incoming")).expect("a folder").count();
    assert_eq!(arrived, 0, "nothing is begun");
}
