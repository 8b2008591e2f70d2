//! Packages of many small objects: they travel many a stream, and several streams at once.

use crate::resume::{agent, announced, in_vault, objects};
use rogatory_client::commands::package::{self, SealArguments};
use rogatory_proto::office::v1::{BeginUploadRequest, UploadObjectRequest};
use rogatory_tests::Federation;
use rogatory_tests::papers::assert_status;
use rogatory_tests::road::{self, Ordered};
use std::fs;
use std::path::{Path, PathBuf};

/// More than go in one stream.
const EXHIBITS: usize = 300;

/// An order acknowledged, and a package of many small exhibits that answers it, one of them empty.
async fn sealed(federation: &Federation) -> (PathBuf, Ordered) {
    let ordered = federation.order_acknowledged().await;
    let directory = federation.world.directory();
    let folder = directory.join("many");
    fs::create_dir(&folder).expect("a folder");
    for at in 0..EXHIBITS {
        fs::write(folder.join(format!("{at:03}.txt")), vec![b'x'; at * 7]).expect("written");
    }
    let arguments = SealArguments {
        paths: vec![folder],
        each: true,
        recipients: road::recipients(&ordered.order),
        order: Some(ordered.order.shared_number.to_string()),
        output: directory.join("package"),
        ..SealArguments::default()
    };
    let report = package::seal(&federation.nistru.session("agent"), arguments).await.expect("a package");
    (report.output, ordered)
}

fn same(one: &Path, other: &Path) {
    for object in &objects(one).0 {
        let read = |folder: &Path| fs::read(folder.join(&object.name)).expect("there");
        assert_eq!(read(one), read(other), "{}", object.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_objects_arrive_on_every_leg() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, world } = &federation;
    let (path, ordered) = sealed(&federation).await;
    let sent = federation.send_package(&path, &ordered.order.shared_number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
    assert!(sent.object_count > EXHIBITS);
    let id = sent.package_id;
    same(&path, &in_vault(nistru, &id));
    same(&path, &in_vault(md, &id));
    let relayed = federation.relay_package(&id).await.expect("a receipt");
    assert!(relayed.delivered, "{:?}", relayed.receipt);
    let output = world.directory().join("received");
    let received = package::receive(&gb.session("evidence"), &id, &output).await.expect("received");
    assert_eq!(received.fetched_bytes, received.size_bytes);
    same(&path, &output);
    let file = world.directory().join("fetched.asice");
    package::receive(&gb.session("evidence"), &id, &file).await.expect("received");
    assert!(file.is_file() && !world.directory().join("fetched.asice.partial").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_objects_is_acknowledged_when_all_are_durable_and_refused_for_any_that_is_not_right() {
    let federation = Federation::new().await;
    let nistru = &federation.nistru;
    let (path, ordered) = sealed(&federation).await;
    let objects = objects(&path);
    let mut client = agent(nistru);
    let begin = BeginUploadRequest {
        shared_number: ordered.order.shared_number.to_string(),
        objects: announced(&objects),
        ..BeginUploadRequest::default()
    };
    let transfer_id = client.begin_upload(begin.clone()).await.expect("begun").into_inner().transfer_id;
    let message = |name: &str, data: Vec<u8>| UploadObjectRequest {
        transfer_id: transfer_id.clone(),
        name: name.to_owned(),
        data: data.into(),
        ..UploadObjectRequest::default()
    };
    let whole = |name: &str| message(name, fs::read(path.join(name)).expect("an object"));
    let (one, two, three) = ("data/EX-0001.age", "data/EX-0002.age", "data/EX-0003.age");

    let taken = client.upload_object(tokio_stream::iter([whole(one), whole(two)])).await.expect("taken");
    let size_of = |name: &str| fs::metadata(path.join(name)).expect("there").len();
    assert_eq!(taken.into_inner().committed_bytes, size_of(two));
    let progress = client.begin_upload(begin.clone()).await.expect("begun").into_inner().progress;
    let committed =
        |name: &str| progress.iter().find(|object| object.name == name).expect("announced").committed_bytes;
    assert_eq!([one, two, three].map(committed), [size_of(one), size_of(two), 0]);

    // The next object begins before the one before it has come whole; one is another; one was not announced.
    let short = message(three, vec![1]);
    for wrong in [
        vec![short.clone(), whole("data/EX-0004.age")],
        vec![whole("data/EX-0005.age"), message(three, fs::read(path.join(one)).expect("an object"))],
    ] {
        assert_status(client.upload_object(tokio_stream::iter(wrong)).await.map(drop), "MALFORMED_PACKAGE");
    }
    let unknown = vec![whole("data/EX-0006.age"), message("data/EX-9999.age", vec![1])];
    assert_status(client.upload_object(tokio_stream::iter(unknown)).await.map(drop), "MALFORMED_ARGUMENT");
    // What is there already may stand in the middle of a stream, and its bytes are not looked at.
    let again = vec![whole(three), message(one, vec![9; 5]), whole("data/EX-0007.age")];
    client.upload_object(tokio_stream::iter(again)).await.expect("taken");
    let sent = federation.send_package(&path, &ordered.order.shared_number).await.expect("a receipt");
    assert!(sent.delivered, "{:?}", sent.receipt);
}
