//! Packages that are sent while they are being sealed: their objects travel before anybody knows their digests.

use crate::resume::{
    EXHIBIT, EXHIBIT_BYTES, INTERVAL, agent, announced, in_vault, objects, of_exhibit, sealed, two_fifths,
    until_let_go,
};
use rogatory_client::commands::package::{self, SealArguments};
use rogatory_core::{Digest, SharedNumber};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use rogatory_proto::office::v1::{BeginUploadRequest, SendPackageRequest, UploadObjectRequest};
use rogatory_tests::Federation;
use rogatory_tests::papers::assert_status;
use rogatory_tests::road;
use std::fs;
use std::path::Path;
use tonic::Status;
use tonic::transport::Channel;

const SEALING: [u8; 32] = [7; 32];

/// Announces an exhibit of a package that is still being sealed; gives the transfer and how much of it is there.
async fn begin_sealing(
    client: &mut PackageServiceClient<Channel>,
    number: &SharedNumber,
    size_bytes: u64,
) -> Result<(String, u64), Status> {
    let exhibit = PackageObject { name: EXHIBIT.to_owned(), size_bytes, sha256: bytes::Bytes::new() };
    let request = BeginUploadRequest {
        shared_number: number.to_string(),
        objects: vec![exhibit],
        sealing_id: SEALING.to_vec().into(),
        unfinished: true,
    };
    let begun = client.begin_upload(request).await?.into_inner();
    Ok((begun.transfer_id, of_exhibit(&begun.progress)))
}

/// Announces the package that was sealed, with all digests; gives the transfer and how much of the exhibit is there.
async fn begin_sealed(
    client: &mut PackageServiceClient<Channel>,
    number: &SharedNumber,
    objects: Vec<PackageObject>,
    sealing_id: &[u8],
) -> (String, u64) {
    let request = BeginUploadRequest {
        shared_number: number.to_string(),
        objects,
        sealing_id: sealing_id.to_vec().into(),
        unfinished: false,
    };
    let begun = client.begin_upload(request).await.expect("begun").into_inner();
    (begun.transfer_id, of_exhibit(&begun.progress))
}

fn header(transfer_id: &str, size_bytes: u64) -> UploadObjectRequest {
    UploadObjectRequest {
        transfer_id: transfer_id.to_owned(),
        name: EXHIBIT.to_owned(),
        size_bytes,
        ..UploadObjectRequest::default()
    }
}

/// The exhibit in `package` as messages.
fn messages(package: &Path, transfer_id: &str, size_bytes: u64) -> Vec<UploadObjectRequest> {
    let bytes = fs::read(package.join(EXHIBIT)).expect("an exhibit");
    let data = bytes
        .chunks(1024 * 1024)
        .map(|chunk| UploadObjectRequest { data: chunk.to_vec().into(), ..UploadObjectRequest::default() });
    std::iter::once(header(transfer_id, size_bytes)).chain(data).collect()
}

async fn upload(
    client: &mut PackageServiceClient<Channel>,
    messages: Vec<UploadObjectRequest>,
) -> Result<u64, Status> {
    let answer = client.upload_object(tokio_stream::iter(messages)).await?;
    Ok(answer.into_inner().committed_bytes)
}

fn size_of_exhibit(package: &Path) -> u64 {
    fs::metadata(package.join(EXHIBIT)).expect("an exhibit").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_sent_while_it_is_being_sealed() {
    let federation = Federation::new().await;
    let Federation { md, nistru, world, .. } = &federation;
    let ordered = federation.order_acknowledged().await;
    let large = world.directory().join("large.bin");
    let small = world.directory().join("small.txt");
    fs::write(&large, vec![0x5a; EXHIBIT_BYTES]).expect("written");
    fs::write(&small, "small").expect("written");
    let output = world.directory().join("package");
    let arguments = SealArguments {
        paths: vec![large, small],
        recipients: road::recipients(&ordered.order),
        order: Some(ordered.order.shared_number.to_string()),
        output: output.clone(),
        ..SealArguments::default()
    };
    let session = nistru.session("agent");
    let plan = package::plan_seal_and_send(&session, arguments).await.expect("a plan");
    assert_eq!(plan.to, md.party);
    let done = package::seal_and_send(&session, plan).await.expect("sealed and sent");
    assert!(done.sent.delivered, "{:?}", done.sent.receipt);
    assert_eq!(done.sent_meanwhile_bytes, size_of_exhibit(&output), "the large one went meanwhile");
    assert_eq!(done.sent.sent_bytes, done.sealed.size_bytes - done.sent_meanwhile_bytes);
    let id = done.sent.package_id;
    for office in [nistru, md] {
        for object in &objects(&output).0 {
            let arrived = fs::read(in_vault(office, &id).join(&object.name)).expect("there");
            assert_eq!(Digest::of(&arrived), object.sha256, "{}", object.name);
        }
        let kept: u64 = objects(&in_vault(office, &id)).0.iter().map(|object| object.size_bytes).sum();
        assert_eq!(office.served().vault.hashed_bytes(), kept, "each byte was hashed once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sealed_to_its_end_is_not_sent() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let ordered = federation.order_acknowledged().await;
    let large = world.directory().join("large.bin");
    fs::write(&large, vec![0x5a; EXHIBIT_BYTES]).expect("written");
    let gone = world.directory().join("gone.txt");
    fs::write(&gone, "gone").expect("written");
    let output = world.directory().join("package");
    let arguments = SealArguments {
        paths: vec![large, gone.clone()],
        recipients: road::recipients(&ordered.order),
        order: Some(ordered.order.shared_number.to_string()),
        output: output.clone(),
        ..SealArguments::default()
    };
    // It vanishes when sealing has begun.
    let vanish = std::sync::Arc::new(Vanish(gone));
    let session = nistru.session("agent").with_progress(vanish);
    let plan = package::plan_seal_and_send(&session, arguments).await.expect("a plan");
    let problem = package::seal_and_send(&session, plan).await.expect_err("a file is gone");
    assert!(problem.message().contains("not sealed"), "{problem}");
    assert!(!output.exists());
    let packages = package::list(&nistru.session("agent"), ordered.order.shared_number.as_str()).await;
    assert!(packages.expect("a list").packages.is_empty());
}

/// Removes a file as soon as a step is told of.
struct Vanish(std::path::PathBuf);

impl rogatory_client::output::progress::Progress for Vanish {
    fn begin(&self, _: &str, _: Option<u64>) {
        // Gone already the second time.
        let _ = fs::remove_file(&self.0);
    }

    fn advance(&self, _: u64) {}

    fn end(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_broke_off_while_it_was_sealed_goes_on_when_its_digest_is_known() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let size_bytes = size_of_exhibit(&path);
    let mut client = agent(nistru);
    let (transfer_id, committed) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    assert_eq!(committed, 0);
    let message = |data: Vec<u8>| UploadObjectRequest { data: data.into(), ..Default::default() };
    let (stream, sending) = two_fifths(&path, header(&transfer_id, size_bytes), message);
    let mut cut = client.clone();
    let call = tokio::spawn(async move { cut.upload_object(stream).await.map(drop) });
    let open = sending.await.expect("all was taken");
    call.abort();
    drop(open);
    let (mut asking, transfer) = (client.clone(), transfer_id.clone());
    until_let_go(async || {
        let header = UploadObjectRequest { offset: 1, ..header(&transfer, size_bytes) };
        asking.upload_object(tokio_stream::once(header)).await.expect_err("another offset")
    })
    .await;
    let (again, committed) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    assert_eq!(again, transfer_id);
    assert!(committed >= INTERVAL, "{committed} bytes are durable");

    // It is announced whole, by the same sealing; what is durable is taken over.
    let objects = objects(&path);
    let (listed, taken_over) = begin_sealed(&mut client, number, announced(&objects), &SEALING).await;
    assert_ne!(listed, transfer_id);
    assert_eq!(taken_over, committed);
    let gone = upload(&mut client, vec![header(&transfer_id, size_bytes)]).await;
    assert_status(gone, "UNKNOWN");
    let sent = federation.send_package(&path, number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
    assert_eq!(sent.sent_bytes, sent.size_bytes - committed);
    let kept: u64 = crate::resume::objects(&in_vault(nistru, &sent.package_id))
        .0
        .iter()
        .map(|object| object.size_bytes)
        .sum();
    assert_eq!(nistru.served().vault.hashed_bytes(), kept, "each byte was hashed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_another_sealing_or_with_another_digest_are_never_taken_over() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let size_bytes = size_of_exhibit(&path);
    let mut client = agent(nistru);
    let (transfer_id, _) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    let mut wrong = messages(&path, &transfer_id, size_bytes);
    let last = wrong.pop().expect("a message");
    wrong.push(UploadObjectRequest { data: vec![0; last.data.len()].into(), ..last });
    assert_eq!(upload(&mut client, wrong).await.expect("taken"), size_bytes);
    let (_, there) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    assert_eq!(there, size_bytes);

    let objects = announced(&objects(&path));
    let (_, of_another) = begin_sealed(&mut client, number, objects.clone(), &[8; 32]).await;
    assert_eq!(of_another, 0, "it is of another sealing");
    let (listed, fits) = begin_sealed(&mut client, number, objects, &SEALING).await;
    assert_eq!(fits, 0, "it has another digest");
    assert!(!nistru.folder.join("vault/incoming").join(&transfer_id).exists(), "it is let go");
    let incomplete = SendPackageRequest { request_id: "r".to_owned(), transfer_id: listed };
    assert_status(client.send_package(incomplete).await.map(drop), "MALFORMED_PACKAGE");
    let sent = federation.send_package(&path, number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lies_about_a_size_or_leaves_out_what_is_needed_is_refused() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let size_bytes = size_of_exhibit(&path);
    let mut client = agent(nistru);
    let (transfer_id, _) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    // Longer, and shorter, than its first message said.
    let longer = upload(&mut client, messages(&path, &transfer_id, size_bytes - 1)).await;
    assert_status(longer, "MALFORMED_PACKAGE");
    let shorter = upload(&mut client, messages(&path, &transfer_id, size_bytes + 1)).await;
    assert_status(shorter, "MALFORMED_PACKAGE");
    let (_, there) = begin_sealing(&mut client, number, size_bytes).await.expect("begun");
    assert_eq!(there, 0, "what came was of an object of another size");

    let named = UploadObjectRequest { name: "../x".to_owned(), ..header(&transfer_id, 1) };
    assert_status(upload(&mut client, vec![named]).await, "MALFORMED_ARGUMENT");
    let unsealed = SendPackageRequest { request_id: "r".to_owned(), transfer_id: transfer_id.clone() };
    assert_status(client.send_package(unsealed).await.map(drop), "MALFORMED_PACKAGE");
    let (listed, _) = begin_sealed(&mut client, number, announced(&objects(&path)), &[]).await;
    assert_status(upload(&mut client, vec![header(&listed, size_bytes - 1)]).await, "MALFORMED_ARGUMENT");
    for (sealing_id, unfinished) in [(vec![], true), (vec![1; 15], true), (vec![1; 65], false)] {
        let request = BeginUploadRequest {
            shared_number: number.to_string(),
            objects: announced(&objects(&path)),
            sealing_id: sealing_id.into(),
            unfinished,
        };
        assert_status(client.begin_upload(request).await.map(drop), "MALFORMED_ARGUMENT");
    }
    let undigested = PackageObject { sha256: bytes::Bytes::new(), ..announced(&objects(&path))[0].clone() };
    let request = BeginUploadRequest {
        shared_number: number.to_string(),
        objects: vec![undigested],
        ..BeginUploadRequest::default()
    };
    assert_status(client.begin_upload(request).await.map(drop), "MALFORMED_ARGUMENT");
}

/// How many transfers an officer may have open.
const OPEN: u8 = 64;

/// Announces an empty exhibit of the sealing with this number; gives the transfer.
async fn begin_sealing_of(
    client: &mut PackageServiceClient<Channel>,
    number: &SharedNumber,
    sealing: u8,
) -> Result<String, Status> {
    let request = BeginUploadRequest {
        shared_number: number.to_string(),
        sealing_id: vec![sealing; 32].into(),
        unfinished: true,
        ..BeginUploadRequest::default()
    };
    Ok(client.begin_upload(request).await?.into_inner().transfer_id)
}

#[tokio::test(flavor = "multi_thread")]
async fn sealings_that_were_given_up_give_way_to_new_ones_and_nothing_else_does() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let size_bytes = size_of_exhibit(&path);
    let vault = nistru.folder.join("vault/incoming");
    let is_open = |transfer: &String| vault.join(transfer).is_dir();
    let mut client = agent(nistru);
    let mut transfers = Vec::new();
    for sealing in 0..OPEN {
        transfers.push(begin_sealing_of(&mut client, number, sealing).await.expect("a place"));
        world.clock.advance_seconds(1);
    }
    // The first is being sent at this moment.
    let message = |data: Vec<u8>| UploadObjectRequest { data: data.into(), ..Default::default() };
    let (stream, sending) = two_fifths(&path, header(&transfers[0], size_bytes), message);
    let mut cut = client.clone();
    let call = tokio::spawn(async move { cut.upload_object(stream).await.map(drop) });
    let still_open = sending.await.expect("all was taken");

    let more = begin_sealing_of(&mut client, number, OPEN).await.expect("the oldest idle one gives way");
    assert!(is_open(&more) && is_open(&transfers[0]) && !is_open(&transfers[1]) && is_open(&transfers[2]));
    let gone = upload(&mut client, vec![header(&transfers[1], size_bytes)]).await;
    assert_status(gone, "UNKNOWN");
    call.abort();
    drop(still_open);

    // A package that is sealed takes the place of its own sealing, and of no other.
    let listed = announced(&objects(&path));
    let (whole, _) = begin_sealed(&mut client, number, listed.clone(), &[3; 32]).await;
    assert!(is_open(&whole) && !is_open(&transfers[3]));
    let others = transfers.iter().enumerate().filter(|(at, _)| ![1, 3].contains(at));
    assert!(others.into_iter().all(|(_, transfer)| is_open(transfer)) && is_open(&more));

    // Packages that are announced whole never give way: their senders will go on with them.
    for other in 1..OPEN {
        let mut other_list = listed.clone();
        other_list[0].size_bytes = u64::from(other);
        other_list[0].sha256 = vec![other; 32].into();
        let (another, _) = begin_sealed(&mut client, number, other_list, &[]).await;
        assert!(is_open(&another) && is_open(&whole));
    }
    assert!(!is_open(&more), "every sealing gave way");
    assert_status(begin_sealing_of(&mut client, number, OPEN + 1).await.map(drop), "LIMIT_REACHED");
    assert!(is_open(&whole));
}
