//! One office's log with one case in it, the same at every run: keys, ids, salts and times are
//! fixed, so that records and vectors are exact.

use data_encoding::BASE64;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, Entropy, SharedNumber};
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::record::{Content, Entry, Record};
use rogatory_custody::tree::{NodeCoordinates, Tree, inclusion_proof_nodes};
use std::collections::HashMap;

/// The log of the story.
pub(crate) const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";
/// The next epoch of the same office.
pub(crate) const NEXT_ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/2";
/// The case key of the story; the tag key follows from it.
pub(crate) const CASE_KEY: [u8; 32] = *b"the case key of the test vectors";

/// A key whose private half is `seed` repeated: for tests only.
pub(crate) fn key(name: &str, seed: u8) -> LogKey {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    let base64 = BASE64.encode(&der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    LogKey::from_pem(name, &pem).expect("a key")
}

/// The key of the story's log.
pub(crate) fn log_key() -> LogKey {
    key(ORIGIN, 1)
}

/// Entropy that repeats one byte.
pub(crate) struct Fixed(pub(crate) u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// A shared number minted by the office of the story.
pub(crate) fn shared_number(seed: u8) -> SharedNumber {
    SharedNumber::mint("md".parse().expect("a country"), &Fixed(seed))
}

/// A tree that keeps its nodes.
pub(crate) struct Log {
    pub(crate) tree: Tree,
    pub(crate) nodes: HashMap<NodeCoordinates, Digest>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { tree: Tree::new(), nodes: HashMap::new() }
    }

    pub(crate) fn append(&mut self, leaf: Digest) -> u64 {
        let appended = self.tree.append(leaf).expect("there is room");
        self.nodes.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
        appended.index
    }

    pub(crate) fn checkpoint(&self, origin: &str, key: &LogKey) -> String {
        let origin = origin.parse().expect("an origin");
        Checkpoint::of(origin, &self.tree).sign(key).expect("signed")
    }

    pub(crate) fn inclusion(&self, index: u64) -> Vec<Digest> {
        inclusion_proof_nodes(index, self.tree.size())
            .and_then(|plan| plan.assemble(|at| self.nodes.get(&at).copied()))
            .expect("all nodes are stored")
    }
}

/// The salt of the leaf at `index`.
pub(crate) fn salt(index: u64) -> [u8; 32] {
    *Digest::of(format!("salt {index}").as_bytes()).as_bytes()
}

/// One event of the story: where the log has it, its stream and number, and what happened.
const STORY: [(u64, &str, u64, &str); 6] = [
    (
        1,
        "fr/bepi",
        1,
        r#""actor":{"kind":"peer","party":"fr/bepi"},"event":"document-received","message_number":1"#,
    ),
    (
        2,
        "internal",
        1,
        r#""actor":{"kind":"officer","officer":"md/central-authority/officer/rusu","role":"drafter"},"event":"document-read""#,
    ),
    (
        4,
        "internal",
        2,
        r#""actor":{"kind":"officer","officer":"md/central-authority/officer/rusu","role":"drafter"},"event":"document-drafted""#,
    ),
    (
        5,
        "internal",
        3,
        r#""actor":{"kind":"officer","officer":"md/central-authority/officer/munteanu","role":"approver"},"event":"document-approved""#,
    ),
    (8, "fr/bepi", 2, r#""actor":{"kind":"server"},"event":"document-transmitted","message_number":1"#),
    (
        9,
        "internal",
        4,
        r#""actor":{"kind":"server"},"event":"stage-reached","from":"received","to":"acknowledged""#,
    ),
];

/// The number of leaves in the story's log.
const STORY_SIZE: u64 = 11;

/// Tells the story; `alter` may change a body before the log commits to it.
pub(crate) fn story(alter: impl Fn(&str, u64, String) -> String) -> (Record, Log) {
    let tag_key = TagKey::derive(&CASE_KEY);
    let mut log = Log::new();
    let mut previous: HashMap<&str, Digest> = HashMap::new();
    let mut entries = Vec::new();
    for index in 0..STORY_SIZE {
        let Some((_, stream, n, happened)) = STORY.iter().find(|event| event.0 == index) else {
            let other = TagKey::derive(&[9; 32]);
            log.append(Leaf::new(&other, &Stream::Internal, index + 1, &salt(index), b"{}").hash());
            continue;
        };
        let before = previous.get(stream).map_or("null".to_owned(), |leaf| format!(r#""{leaf}""#));
        let body = format!(
            r#"{{"case":"C-7K2M9QXR4T1VC8ZE","stream":"{stream}","n":{n},"previous":{before},"at":"2026-11-22T14:2{index}:00Z",{happened}}}"#
        );
        let body = alter(stream, *n, body).into_bytes();
        let stream_type: Stream = stream.parse().expect("a stream");
        let leaf = Leaf::new(&tag_key, &stream_type, *n, &salt(index), &body);
        log.append(leaf.hash());
        previous.insert(stream, leaf.hash());
        entries.push(Entry {
            stream: stream_type,
            n: *n,
            index,
            leaf: leaf.to_bytes(),
            content: Content::Body { salt: salt(index), body },
            proof: Vec::new(),
        });
    }
    for entry in &mut entries {
        entry.proof = log.inclusion(entry.index);
    }
    let origin: Origin = ORIGIN.parse().expect("an origin");
    let record = Record {
        origin,
        shared_number: Some(shared_number(0x5a)),
        tag_key,
        checkpoint: log.checkpoint(ORIGIN, &log_key()),
        heads: Vec::new(),
        entries,
    };
    (record.with_heads(&log_key()).expect("signed"), log)
}

/// The story as it was.
pub(crate) fn honest() -> Record {
    story(|_, _, body| body).0
}

/// The story after internal #2 was erased.
pub(crate) fn erased() -> Record {
    let mut record = honest();
    let entry = record
        .entries
        .iter_mut()
        .find(|entry| entry.stream == Stream::Internal && entry.n == 2)
        .expect("it is there");
    entry.content = Content::Erased;
    record
}
