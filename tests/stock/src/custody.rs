//! A custody record as an office exports it: eleven leaves, four of them of one case.
//!
//! May draw a key; writes nothing.

use crate::formal::{Fixed, good};
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::record::{Content, Entry, Record};
use rogatory_custody::tree::{NodeCoordinates, Tree, inclusion_proof_nodes};
use std::collections::HashMap;

/// The name of the log.
pub const ORIGIN: &str = "procuratura.example/rogatory/md/central-authority/1";

/// The leaves of the case among those of the log: index, stream, number.
const CASE: [(u64, &str, u64); 4] =
    [(1, "fr/bepi", 1), (2, "internal", 1), (5, "internal", 2), (9, "fr/bepi", 2)];
const LEAVES: u64 = 11;

/// A record and the key of its log.
pub struct Exported {
    /// The record as a file holds it.
    pub bytes: Vec<u8>,
    /// The checkpoint in it, as a note.
    pub checkpoint: String,
    /// The log's key.
    pub key: LogKey,
}

/// Makes a log with one case in it, and the case's record.
///
/// # Panics
/// If it can't.
#[must_use]
pub fn exported() -> Exported {
    let (key, _) = good(LogKey::generate(ORIGIN));
    let tag_key = TagKey::derive(b"the case key of the stock tests.");
    let mut tree = Tree::new();
    let mut nodes: HashMap<NodeCoordinates, Digest> = HashMap::new();
    let mut previous: HashMap<&str, Digest> = HashMap::new();
    let mut entries = Vec::new();
    for index in 0..LEAVES {
        let salt = *Digest::of(&index.to_be_bytes()).as_bytes();
        let leaf = if let Some((_, stream, n)) = CASE.iter().find(|one| one.0 == index) {
            let body = body(stream, *n, previous.get(stream), index);
            let stream_type: Stream = good(stream.parse());
            let leaf = Leaf::new(&tag_key, &stream_type, *n, &salt, body.as_bytes());
            previous.insert(stream, leaf.hash());
            let content = Content::Body { salt, body: body.into_bytes() };
            entries.push(Entry {
                stream: stream_type,
                n: *n,
                index,
                leaf: leaf.to_bytes(),
                content,
                proof: Vec::new(),
            });
            leaf
        } else {
            Leaf::new(&TagKey::derive(&[9; 32]), &Stream::Internal, index + 1, &salt, b"{}")
        };
        let appended = good(tree.append(leaf.hash()));
        nodes.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
    }
    for entry in &mut entries {
        let plan = good(inclusion_proof_nodes(entry.index, tree.size()));
        entry.proof = good(plan.assemble(|at| nodes.get(&at).copied()));
    }
    let origin: Origin = good(ORIGIN.parse());
    let country = origin.party().country();
    let checkpoint = good(Checkpoint::of(origin.clone(), &tree).sign(&key));
    let record = Record {
        origin,
        shared_number: Some(SharedNumber::mint(country, &Fixed(0x5a))),
        tag_key,
        checkpoint: checkpoint.clone(),
        heads: Vec::new(),
        receipted: Vec::new(),
        told: Vec::new(),
        epochs: Vec::new(),
        entries,
    };
    let bytes = good(good(record.with_heads(&key)).to_bytes());
    Exported { bytes, checkpoint, key }
}

fn body(stream: &str, n: u64, previous: Option<&Digest>, index: u64) -> String {
    let previous = previous.map_or("null".to_owned(), |leaf| format!("\"{leaf}\""));
    let happened = r#""actor":{"kind":"server"},"event":"document-transmitted","message_number":1"#;
    format!(
        r#"{{"case":"C-7K2M9QXR4T1VC8ZE","stream":"{stream}","n":{n},"previous":{previous},"at":"2026-11-22T14:2{index}:00Z",{happened}}}"#
    )
}
