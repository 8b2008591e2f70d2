//! A small custody record of a case, for bundles that are made by tests.
//!
//! Shared by the tests of the crate and the makers of vectors. The log holds a leaf of another case, then the case's own.

use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, SharedNumber};
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::record::{Content, Entry, Record};
use rogatory_custody::tree::{Tree, inclusion_proof_nodes};
use std::collections::HashMap;

/// The log of an institution.
pub(crate) struct Log {
    pub(crate) key: LogKey,
    origin: Origin,
}

impl Log {
    /// A log with a key of its own.
    pub(crate) fn of(party: &str) -> Self {
        let origin: Origin = format!("log.example/rogatory/{party}/1").parse().expect("an origin");
        Self { key: LogKey::generate(&origin.to_string()).expect("a key").0, origin }
    }

    /// The record of a case whose stream with `counterpart` names these digests, one an event.
    pub(crate) fn record(
        &self,
        number: &SharedNumber,
        counterpart: &str,
        named: &[(&str, Digest)],
    ) -> Record {
        let tag_key = TagKey::derive(&[5; 32]);
        let mut tree = Tree::new();
        let mut nodes = HashMap::new();
        let mut append = |leaf: Digest| {
            let appended = tree.append(leaf).expect("there is room");
            nodes.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
            appended.index
        };
        let other = TagKey::derive(&[9; 32]);
        append(Leaf::new(&other, &Stream::Internal, 1, &[1; 32], b"{}").hash());
        let stream: Stream = counterpart.parse().expect("a stream");
        let mut previous = "null".to_owned();
        let mut entries = Vec::new();
        for (n, (event, digest)) in (1..).zip(named) {
            let body = format!(
                r#"{{"case":"C-7K2M9QXR4T1VC8ZE","stream":"{counterpart}","n":{n},"previous":{previous},"at":"2026-11-22T14:1{n}:00Z","actor":{{"kind":"server"}},"event":"{event}","object_sha256":"{digest}"}}"#
            );
            let salt = *Digest::of(format!("salt {n}").as_bytes()).as_bytes();
            let leaf = Leaf::new(&tag_key, &stream, n, &salt, body.as_bytes());
            previous = format!(r#""{}""#, leaf.hash());
            entries.push(Entry {
                stream: stream.clone(),
                n,
                index: append(leaf.hash()),
                leaf: leaf.to_bytes(),
                content: Content::Body { salt, body: body.into_bytes() },
                proof: Vec::new(),
            });
        }
        for entry in &mut entries {
            let plan = inclusion_proof_nodes(entry.index, tree.size()).expect("an index");
            entry.proof = plan.assemble(|at| nodes.get(&at).copied()).expect("all nodes");
        }
        let checkpoint = Checkpoint::of(self.origin.clone(), &tree).sign(&self.key).expect("signed");
        let record = Record {
            origin: self.origin.clone(),
            shared_number: Some(number.clone()),
            tag_key,
            checkpoint,
            heads: Vec::new(),
            receipted: Vec::new(),
            told: Vec::new(),
            epochs: Vec::new(),
            entries,
        };
        record.with_heads(&self.key).expect("signed")
    }
}
