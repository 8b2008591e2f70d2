//! The messages that other institutions' servers send, and the values that are made of their fields.

use prost::Message;
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::cosignature::Cosignature;
use rogatory_proto::peer::v1::{
    AddCheckpointRequest, AddCheckpointResponse, BeginPackageRequest, BeginPackageResponse,
    CommitPackageRequest, CommitPackageResponse, DeliverDocumentRequest, DeliverDocumentResponse,
    LastCheckpointResponse, ProveConsistencyResponse, ProveInclusionResponse, SendObjectRequest,
    SendObjectResponse,
};

/// What was read is written as bytes that are read as the same.
fn stable<M: Message + Default + PartialEq>(data: &[u8]) -> Option<M> {
    let message = M::decode(data).ok()?;
    let again = M::decode(message.encode_to_vec().as_slice()).expect("reads what it wrote");
    assert!(again == message, "a message changes");
    Some(message)
}

pub(super) fn wire(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    match kind % 13 {
        0 => {
            if let Some(message) = stable::<DeliverDocumentRequest>(data) {
                let _ = rogatory_container::asice::Asice::from_bytes(
                    &message.container,
                    rogatory_container::zip::ZipLimits::DOCUMENT,
                );
            }
        }
        1 => drop(stable::<DeliverDocumentResponse>(data)),
        2 => {
            if let Some(message) = stable::<BeginPackageRequest>(data) {
                let _ = message.shared_number.parse::<SharedNumber>();
                for object in &message.objects {
                    let _ = (
                        rogatory_container::zip::check_name(&object.name),
                        Digest::from_slice(&object.sha256),
                    );
                }
            }
        }
        3 => drop(stable::<BeginPackageResponse>(data)),
        4 => drop(stable::<SendObjectRequest>(data)),
        5 => drop(stable::<SendObjectResponse>(data)),
        6 => drop(stable::<CommitPackageRequest>(data)),
        7 => drop(stable::<CommitPackageResponse>(data)),
        8 => {
            if let Some(message) = stable::<AddCheckpointRequest>(data) {
                let _ = verify_checkpoint(&message.checkpoint, &[]);
                message.consistency_proof.iter().for_each(|hash| drop(Digest::from_slice(hash)));
            }
        }
        9 => {
            if let Some(message) = stable::<AddCheckpointResponse>(data) {
                let line = String::from_utf8_lossy(&message.cosignature);
                let _ = line.parse::<Cosignature>();
            }
        }
        10 => drop(stable::<ProveConsistencyResponse>(data)),
        11 => drop(stable::<ProveInclusionResponse>(data)),
        _ => {
            if let Some(message) = stable::<LastCheckpointResponse>(data) {
                let _ = verify_checkpoint(&message.checkpoint, &[]);
                let line = String::from_utf8_lossy(&message.cosignature);
                let _ = line.parse::<Cosignature>();
            }
        }
    }
}

pub(super) fn wire_seeds() -> Vec<Vec<u8>> {
    let framed = |kind: u8, bytes: Vec<u8>| [vec![kind], bytes].concat();
    let object = rogatory_proto::common::v1::PackageObject {
        name: "data/EX-0001.age".to_owned(),
        size_bytes: 300,
        sha256: vec![7; 32].into(),
    };
    let begin = BeginPackageRequest {
        shared_number: "MD-JF58-JXH4-09RC-SPTW-27".to_owned(),
        objects: vec![object],
        ..BeginPackageRequest::default()
    };
    let mut found: Vec<Vec<u8>> = (0..13).map(|kind| vec![kind, 10, 3, b'a', b'b', b'c', 16, 1]).collect();
    found.push(framed(2, begin.encode_to_vec()));
    let deliver =
        DeliverDocumentRequest { container: b"PK".to_vec().into(), ..DeliverDocumentRequest::default() };
    found.push(framed(0, deliver.encode_to_vec()));
    let note = |kind| crate::seeds::custody(kind).into_iter().next().expect("a vector");
    let shown = AddCheckpointRequest {
        old_size: 7,
        consistency_proof: vec![vec![7; 32].into()],
        checkpoint: note("checkpoint").into(),
        seen_checkpoints: vec![note("cosigned checkpoint").into()],
    };
    found.push(framed(8, shown.encode_to_vec()));
    found
}
