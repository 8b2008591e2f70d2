//! Transfers that break in the middle and go on from there, on every leg of a package's way.
//!
//! That nothing is sent twice is shown the hard way: once a receiver has told how much is durable there, the sender's
//! own copy of exactly that much is overwritten. Whoever sent, read or hashed it again would be found out by the digest.

use rogatory_client::commands::package::{self, SealArguments};
use rogatory_client::output::progress::Progress;
use rogatory_core::{PackageId, SharedNumber};
use rogatory_evidence::{FolderSource, NoProgress, ObjectList, SEAL_MANIFEST, SEAL_SIGNATURE, claimed_list};
use rogatory_proto::common::v1::{ObjectProgress, PackageObject};
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use rogatory_proto::office::v1::{BeginUploadRequest, UploadObjectRequest};
use rogatory_proto::peer::v1::delivery_service_client::DeliveryServiceClient;
use rogatory_proto::peer::v1::{BeginPackageRequest, SendObjectRequest};
use rogatory_server::casework::remove_stale_transfers::remove_stale_transfers;
use rogatory_tests::papers::assert_status;
use rogatory_tests::road::{self, Ordered};
use rogatory_tests::{Federation, Office};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

pub(super) const EXHIBIT: &str = "data/EX-0001.age";
pub(super) const MESSAGE_BYTES: usize = 256 * 1024;
/// The interval after which receivers save their state; an exhibit is some intervals long.
pub(super) const INTERVAL: u64 = 16 * 1024 * 1024;
pub(super) const EXHIBIT_BYTES: usize = 64 * 1024 * 1024;

/// An order acknowledged, and a package with one large exhibit that answers it.
pub(super) async fn sealed(federation: &Federation) -> (PathBuf, Ordered) {
    let ordered = federation.order_acknowledged().await;
    let directory = federation.world.directory();
    let exhibit = directory.join("large.bin");
    let mut file = File::create(&exhibit).expect("a file");
    for block in 0..EXHIBIT_BYTES / 8 / 1024 {
        let words = (0..1024_u64)
            .flat_map(|word| ((block as u64) << 10 | word).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        file.write_all(&words.collect::<Vec<u8>>()).expect("written");
    }
    let arguments = SealArguments {
        paths: vec![exhibit],
        recipients: road::recipients(&ordered.order),
        order: Some(ordered.order.shared_number.to_string()),
        output: directory.join("package"),
        ..SealArguments::default()
    };
    let report = package::seal(&federation.nistru.session("agent"), arguments).await.expect("a package");
    (report.output, ordered)
}

pub(super) fn objects(package: &Path) -> ObjectList {
    claimed_list(&FolderSource::open(package).expect("a package"), &mut NoProgress).expect("its objects")
}

pub(super) fn announced(objects: &ObjectList) -> Vec<PackageObject> {
    let announce = |object: &rogatory_evidence::ObjectDigest| PackageObject {
        name: object.name.clone(),
        size_bytes: object.size_bytes,
        sha256: object.sha256.as_bytes().to_vec().into(),
    };
    objects.0.iter().map(announce).collect()
}

pub(super) fn in_vault(office: &Office, id: &PackageId) -> PathBuf {
    office.folder.join("vault/packages").join(id.as_str())
}

/// How long the institution's seal is, which the provider's server adds.
fn seal_bytes(office: &Office, id: &PackageId) -> u64 {
    let length = |name: &&str| fs::metadata(in_vault(office, id).join(name)).expect("there").len();
    [SEAL_MANIFEST, SEAL_SIGNATURE].iter().map(length).sum()
}

/// How much of the exhibit is durable at the receiver.
pub(super) fn of_exhibit(progress: &[ObjectProgress]) -> u64 {
    progress.iter().find(|object| object.name == EXHIBIT).expect("it was announced").committed_bytes
}

/// Two fifths of the exhibit in `package`, as messages after a header; the stream then stays open, so that the
/// connection can be cut.
pub(super) fn two_fifths<T: Send + 'static>(
    package: &Path,
    header: T,
    message: impl Fn(Vec<u8>) -> T + Send + 'static,
) -> (ReceiverStream<T>, tokio::task::JoinHandle<mpsc::Sender<T>>) {
    let bytes = fs::read(package.join(EXHIBIT)).expect("an exhibit");
    let (messages, stream) = mpsc::channel(1);
    let sending = tokio::spawn(async move {
        messages.send(header).await.expect("the header is taken");
        for chunk in bytes[..bytes.len() / 5 * 2].chunks(MESSAGE_BYTES) {
            messages.send(message(chunk.to_owned())).await.expect("a message is taken");
        }
        messages
    });
    (ReceiverStream::new(stream), sending)
}

/// Overwrites the first `length` bytes of an exhibit.
fn spoil(package: &Path, length: u64) {
    let file = OpenOptions::new().write(true).open(package.join(EXHIBIT)).expect("an exhibit");
    file.write_all_at(&vec![0; usize::try_from(length).expect("a length")], 0).expect("written");
}

fn assert_between(committed: u64) {
    let sent = EXHIBIT_BYTES as u64 / 5 * 2 + INTERVAL / 100;
    assert!((INTERVAL..=sent).contains(&committed), "{committed} bytes are durable of {sent} sent");
}

async fn begin_upload(
    client: &mut PackageServiceClient<Channel>,
    number: &SharedNumber,
    objects: &ObjectList,
) -> (String, u64) {
    let request = BeginUploadRequest {
        shared_number: number.to_string(),
        objects: announced(objects),
        ..BeginUploadRequest::default()
    };
    let begun = client.begin_upload(request).await.expect("begun").into_inner();
    (begun.transfer_id, of_exhibit(&begun.progress))
}

pub(super) fn agent(nistru: &Office) -> PackageServiceClient<Channel> {
    let caller = nistru.officer_as_caller("agent");
    PackageServiceClient::new(caller.channel(nistru.office_address(), &nistru.anchor_pem()))
}

/// Uploads two fifths of the exhibit and drops the connection; gives the transfer and what is durable then.
async fn break_an_upload(nistru: &Office, package: &Path, number: &SharedNumber) -> (String, u64) {
    let objects = objects(package);
    let mut client = agent(nistru);
    let (transfer_id, committed) = begin_upload(&mut client, number, &objects).await;
    assert_eq!(committed, 0);
    let header = UploadObjectRequest {
        transfer_id: transfer_id.clone(),
        name: EXHIBIT.to_owned(),
        ..UploadObjectRequest::default()
    };
    let (stream, sending) =
        two_fifths(package, header, |data| UploadObjectRequest { data: data.into(), ..Default::default() });
    let mut cut = client.clone();
    let call = tokio::spawn(async move { cut.upload_object(stream).await.map(drop) });
    let open = sending.await.expect("all was taken");
    call.abort();
    drop(open);
    let (mut asking, transfer) = (client.clone(), transfer_id.clone());
    until_let_go(async || {
        let header = UploadObjectRequest {
            transfer_id: transfer.clone(),
            name: EXHIBIT.to_owned(),
            offset: 1,
            ..UploadObjectRequest::default()
        };
        asking.upload_object(tokio_stream::once(header)).await.expect_err("another offset")
    })
    .await;
    let (again, committed) = begin_upload(&mut client, number, &objects).await;
    assert_eq!(again, transfer_id);
    (transfer_id, committed)
}

/// Calls until the server has let go of the object: it says so by minding the offset, which is never right.
pub(super) async fn until_let_go(mut call: impl AsyncFnMut() -> Status) {
    loop {
        let refused = call().await;
        if refused.message().contains("cannot go on at offset 1:") {
            return;
        }
        assert!(refused.message().contains("by another call"), "{refused:?}");
    }
}

/// Cuts a download when so much has come.
struct Cut {
    after: u64,
    come: AtomicU64,
    call: OnceLock<AbortHandle>,
}

impl Progress for Cut {
    fn begin(&self, _: &str, _: Option<u64>) {}

    fn advance(&self, bytes: u64) {
        let come = self.come.fetch_add(bytes, Ordering::SeqCst) + bytes;
        if come >= self.after
            && let Some(call) = self.call.get()
        {
            call.abort();
        }
    }

    fn end(&self) {}
}

/// Receives a package into `output` and is cut after two fifths, with a runtime of its own: it ends when all
/// its threads have.
fn break_a_download(office: &Office, id: &PackageId, output: &Path) {
    let after = EXHIBIT_BYTES as u64 / 5 * 2;
    let cut = Arc::new(Cut { after, come: AtomicU64::new(0), call: OnceLock::new() });
    let session = office.session("evidence").with_progress(cut.clone());
    let (id, output) = (id.clone(), output.to_owned());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let ended = runtime.block_on(async {
                let call = tokio::spawn(async move { package::receive(&session, &id, &output).await });
                cut.call.set(call.abort_handle()).expect("the only call");
                call.await
            });
            assert!(ended.expect_err("it was cut").is_cancelled());
        });
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_goes_on_where_each_leg_of_its_way_broke() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, world } = &federation;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let exhibit = fs::read(path.join(EXHIBIT)).expect("an exhibit");
    let arrived = |package: &Path| fs::read(package.join(EXHIBIT)).expect("an exhibit") == exhibit;

    // The provider's agent to the provider's server.
    let (_, committed) = break_an_upload(nistru, &path, number).await;
    assert_between(committed);
    spoil(&path, committed);
    let hashed = nistru.served().vault.hashed_bytes();
    let sent = federation.send_package(&path, number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
    assert_eq!(sent.sent_bytes, sent.size_bytes - committed);
    let id = sent.package_id;
    // What the server hashed after the break is what came then, and the seal that it added itself.
    let hashed = nistru.served().vault.hashed_bytes() - hashed;
    assert_eq!(hashed, sent.sent_bytes + seal_bytes(nistru, &id));
    assert_eq!(md.served().vault.hashed_bytes(), sent.size_bytes + seal_bytes(md, &id));
    assert!(arrived(&in_vault(nistru, &id)) && arrived(&in_vault(md, &id)));

    // The requested authority's server to the requesting authority's.
    let here = in_vault(md, &id);
    let objects = objects(&here);
    let request = ordered.request.shared_number.to_string();
    let mut client = DeliveryServiceClient::new(md.channel_to(gb));
    let begin = BeginPackageRequest {
        shared_number: request,
        objects: announced(&objects),
        ..BeginPackageRequest::default()
    };
    let begun = client.begin_package(begin.clone()).await.expect("begun").into_inner();
    let header = SendObjectRequest {
        transfer_id: begun.transfer_id.clone(),
        name: EXHIBIT.to_owned(),
        ..SendObjectRequest::default()
    };
    let (stream, sending) = two_fifths(&here, header.clone(), |data| SendObjectRequest {
        data: data.into(),
        ..Default::default()
    });
    let mut cut = client.clone();
    let call = tokio::spawn(async move { cut.send_object(stream).await.map(drop) });
    let open = sending.await.expect("all was taken");
    call.abort();
    drop(open);
    let mut asking = client.clone();
    until_let_go(async || {
        let header = SendObjectRequest { offset: 1, ..header.clone() };
        asking.send_object(tokio_stream::once(header)).await.expect_err("another offset")
    })
    .await;
    let committed = of_exhibit(&client.begin_package(begin).await.expect("begun").into_inner().progress);
    assert_between(committed);
    spoil(&here, committed);
    let hashed = gb.served().vault.hashed_bytes();
    let relayed = federation.relay_package(&id).await.expect("a receipt");
    assert!(relayed.delivered, "{:?}", relayed.receipt);
    let whole: u64 = objects.0.iter().map(|object| object.size_bytes).sum();
    assert_eq!(gb.served().vault.hashed_bytes() - hashed, whole - committed, "nothing is hashed again");
    assert!(arrived(&in_vault(gb, &id)));

    // The requesting authority's server to its evidence officer.
    let output = world.directory().join("received");
    let partial = world.directory().join("received.partial");
    break_a_download(gb, &id, &output);
    assert!(!output.exists() && partial.is_dir(), "a partial package looks partial");
    let inner = fs::read_dir(&partial).expect("listable").flatten().map(|entry| entry.path());
    let part = inner.filter(|path| path.is_dir()).map(|path| path.join("arriving").join(EXHIBIT)).next();
    let committed = fs::metadata(part.expect("one package")).expect("a part").len();
    assert!(committed >= INTERVAL, "{committed} bytes are here");
    spoil(&in_vault(gb, &id), committed);
    let received = package::receive(&gb.session("evidence"), &id, &output).await.expect("received");
    assert!(arrived(&output) && !partial.exists());
    assert_eq!(received.object_count, objects.0.len());
    // Small objects may have come before the break or not.
    let (least, most) = (exhibit.len() as u64 - committed, whole - committed);
    assert!((least..=most).contains(&received.fetched_bytes), "something is fetched or hashed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_was_tampered_with_is_not_believed() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let (transfer, _) = break_an_upload(nistru, &path, number).await;
    let state = nistru.folder.join("vault/arriving").join(&transfer).join("data/.EX-0001.age.resume");
    let mut bytes = fs::read(&state).expect("a state");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&state, bytes).expect("written");
    let (_, committed) = begin_upload(&mut agent(nistru), number, &objects(&path)).await;
    assert_eq!(committed, 0, "it begins anew");
    let sent = federation.send_package(&path, number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_cannot_go_on_elsewhere_than_where_it_stands() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let (transfer_id, committed) = break_an_upload(nistru, &path, number).await;
    let mut client = agent(nistru);
    let mut at = async |offset: u64| {
        let header = UploadObjectRequest {
            transfer_id: transfer_id.clone(),
            name: EXHIBIT.to_owned(),
            offset,
            data: vec![0; 10].into(),
            ..UploadObjectRequest::default()
        };
        client.upload_object(tokio_stream::once(header)).await.map(drop)
    };
    for offset in [committed - 1, committed + 1] {
        let refused = at(offset).await.expect_err("another offset");
        let said = format!("cannot go on at offset {offset}: {committed} bytes of it are durable here");
        assert!(refused.message().contains(&said), "{refused:?}");
        assert_status(Err::<(), _>(refused), "RACED");
    }
    assert_status(at(u64::MAX).await, "MALFORMED_ARGUMENT");
    let (_, still) = begin_upload(&mut agent(nistru), number, &objects(&path)).await;
    assert_eq!(still, committed, "it stands where it stood");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_nobody_completes_is_removed_in_the_end() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let (path, ordered) = sealed(&federation).await;
    let number = &ordered.order.shared_number;
    let (transfer, _) = break_an_upload(nistru, &path, number).await;
    let authority = nistru.served();
    let vault = nistru.folder.join("vault");
    // A crash left objects without a row; what has another name is somebody else's.
    for folder in ["incoming/T-gone", "incoming/notes", "arriving/T-gone"] {
        fs::create_dir_all(vault.join(folder)).expect("a folder");
    }
    world.clock.advance_seconds(29 * 24 * 3600);
    assert_eq!(remove_stale_transfers(authority, 30).await.expect("looked"), 1, "the objects without a row");
    assert!(!vault.join("incoming/T-gone").exists() && !vault.join("arriving/T-gone").exists());
    assert!(vault.join("incoming/notes").exists());
    assert!(vault.join("arriving").join(&transfer).join(EXHIBIT).exists());

    world.clock.advance_seconds(2 * 24 * 3600);
    assert_eq!(remove_stale_transfers(authority, 30).await.expect("looked"), 1);
    assert!(
        !vault.join("arriving").join(&transfer).exists() && !vault.join("incoming").join(&transfer).exists()
    );
    assert_eq!(remove_stale_transfers(authority, 30).await.expect("looked"), 0);
}
