//! One office's log with one case in it, the same at every run: keys, ids, salts and times are
//! fixed, so that records and vectors are exact.

use data_encoding::BASE64;
use rogatory_core::custody_event::Stream;
use rogatory_core::document::NamedParty;
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, Entropy, MessageNumber, SharedNumber};
use rogatory_custody::case_head::CaseHead;
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::record::{Content, Entry, EpochEntry, ReceiptedHead, Record};
use rogatory_custody::tree::{NodeCoordinates, Tree, inclusion_proof_nodes};
use std::collections::HashMap;

/// The log of the story.
pub(crate) const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";
/// The next epoch of the same office.
pub(crate) const NEXT_ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/2";
/// The case key of the story; the tag key follows from it.
pub(crate) const CASE_KEY: [u8; 32] = *b"the case key of the test vectors";

/// A private key, `seed` repeated: for tests only.
pub(crate) fn pem(seed: u8) -> String {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    let base64 = BASE64.encode(&der);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

/// The key whose private half is `seed` repeated.
pub(crate) fn key(name: &str, seed: u8) -> LogKey {
    LogKey::from_pem(name, &pem(seed)).expect("a key")
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
        receipted: Vec::new(),
        told: Vec::new(),
        epochs: Vec::new(),
        entries,
    };
    (record.with_heads(&log_key()).expect("signed"), log)
}

/// The story as it was.
pub(crate) fn honest() -> Record {
    story(|_, _, body| body).0
}

/// The story after its case was erased.
pub(crate) fn erased() -> Record {
    let mut record = honest();
    for entry in &mut record.entries {
        entry.content = Content::Erased;
    }
    record
}

/// The story as somebody tells it whom internal #2 does not suit.
pub(crate) fn partly_erased() -> Record {
    let mut record = honest();
    let entry = record
        .entries
        .iter_mut()
        .find(|entry| entry.stream == Stream::Internal && entry.n == 2)
        .expect("it is there");
    entry.content = Content::Erased;
    record
}

/// The head of fr/bepi's stream at its first event, as it went with the office's message.
pub(crate) fn sent_head(record: &Record) -> CaseHead {
    let entry = &record.entries[0];
    CaseHead {
        origin: record.origin.clone(),
        shared_number: record.shared_number.clone(),
        stream: entry.stream.clone(),
        n: entry.n,
        leaf: Leaf::from_bytes(&entry.leaf).expect("a leaf").hash(),
    }
}

/// The receipt of fr/bepi that quotes `head`.
pub(crate) fn quoting(head: &str) -> Receipt {
    let issuer = NamedParty { party: "fr/bepi".parse().expect("a party"), name: "BEPI".to_owned() };
    let of = Receipted::Document {
        sender: "md/central-authority".parse().expect("a party"),
        shared_number: shared_number(0x5a),
        message_number: MessageNumber::FIRST,
        container_sha256: Digest::of(b"what was sent"),
    };
    let at = "2026-11-22T14:27:30Z".parse().expect("an instant");
    let addressee = "md/central-authority".parse().expect("a party");
    Receipt::new(ReceiptKind::Delivery, issuer, addressee, at, of, Some(Digest::of(head.as_bytes())))
}

/// A receipt's data in a container that nobody sealed: seals are the container crate's.
pub(crate) fn unsealed(receipt: &Receipt) -> Vec<u8> {
    stored_zip(&[
        ("mimetype", b"application/vnd.etsi.asic-e+zip".as_slice()),
        ("document.json", &receipt.to_json()),
    ])
}

fn stored_zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let offset = u32::try_from(zip.len()).expect("small");
        let size = u32::try_from(bytes.len()).expect("small").to_le_bytes();
        let name_length = u16::try_from(name.len()).expect("short").to_le_bytes();
        // Version, flags, stored, the DOS epoch, CRC, sizes, name, no extra field.
        let mut header = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        header.extend(crc32(bytes).to_le_bytes());
        header.extend([size, size].concat());
        header.extend([name_length, [0, 0]].concat());
        zip.extend(b"PK\x03\x04");
        zip.extend(&header);
        zip.extend(name.as_bytes());
        zip.extend(*bytes);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(zip.len()).expect("small").to_le_bytes();
    let count = u16::try_from(files.len()).expect("few").to_le_bytes();
    let length = u32::try_from(directory.len()).expect("small").to_le_bytes();
    zip.extend(directory);
    zip.extend(b"PK\x05\x06\x00\x00\x00\x00");
    zip.extend([count, count].concat());
    zip.extend([length, start].concat());
    zip.extend([0, 0]);
    zip
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// The data in such a container: what stands behind the name `document.json` in its first local header.
pub(crate) fn data_of(container: &[u8]) -> Option<Receipt> {
    let name = b"document.json";
    let at = container.windows(name.len()).position(|window| window == name)?;
    let size = container.get(at.checked_sub(8)?..at - 4)?;
    let size = u32::from_le_bytes(size.try_into().ok()?) as usize;
    let data = container.get(at + name.len()..)?.get(..size)?;
    Receipt::from_json(data).ok()
}

/// The story with a head that fr/bepi acknowledged.
pub(crate) fn acknowledged() -> Record {
    let mut record = honest();
    let head = sent_head(&record).sign(&log_key()).expect("signed");
    let receipt = unsealed(&quoting(&head));
    record.receipted = vec![ReceiptedHead { head, receipt }];
    record
}

/// The log of fr/bepi.
pub(crate) const COUNTERPART_ORIGIN: &str = "bepi.example.fr/rogatory/fr/bepi/1";

/// The head that fr/bepi's log told with its message.
pub(crate) fn told_head() -> CaseHead {
    CaseHead {
        origin: COUNTERPART_ORIGIN.parse().expect("an origin"),
        shared_number: Some(shared_number(0x5a)),
        stream: "md/central-authority".parse().expect("a stream"),
        n: 4,
        leaf: Digest::of(b"an event of the other log"),
    }
}

/// The key of the log of fr/bepi.
pub(crate) fn counterpart_key() -> LogKey {
    key(COUNTERPART_ORIGIN, 5)
}

/// What a witness saw of the log whose epoch ended: a checkpoint over so many leaves.
pub(crate) fn seen(leaves: u64) -> String {
    let mut log = Log::new();
    for leaf in 0..leaves {
        log.append(Digest::of(&leaf.to_be_bytes()));
    }
    log.checkpoint(ORIGIN, &log_key())
}

/// The story of [`second_epoch_written`]; `alter` may change what the entry says of the epochs.
pub(crate) fn second_epoch(alter: impl Fn(&mut serde_json::Value)) -> Record {
    second_epoch_written(|text| {
        let mut body = serde_json::from_str(&text).expect("JSON");
        alter(&mut body);
        body.to_string()
    })
}

/// The story after a backup was restored: the tree goes on in the log's second epoch with the entry that says so, and one
/// more event of the case. `alter` may change the entry's body before the log commits to it.
pub(crate) fn second_epoch_written(alter: impl Fn(String) -> String) -> Record {
    let (mut record, mut log) = story(|_, _, body| body);
    let next = key(NEXT_ORIGIN, 1);
    let body = serde_json::json!({
        "case": "office", "stream": "internal", "n": 9, "previous": Digest::of(b"before").to_string(),
        "at": "2026-11-23T08:00:00Z", "actor": {"kind": "server"}, "event": "epoch-begun",
        "origin": NEXT_ORIGIN, "closed_origin": ORIGIN, "closed_log_key": log_key().vkey().to_string(),
        "restored_size": log.tree.size(), "restored_root": log.tree.root().to_string(), "common_size": 11,
        "witnessed": seen(14), "silent": [], "reason": "a backup was restored",
    });
    let body = alter(body.to_string()).into_bytes();
    let office = TagKey::derive(&[4; 32]);
    let leaf = Leaf::new(&office, &"internal".parse().expect("a stream"), 9, &salt(90), &body);
    let index = log.append(leaf.hash());
    let (stream, last) = ("fr/bepi", record.entries[4].clone());
    let previous = Leaf::from_bytes(&last.leaf).expect("a leaf").hash();
    let event = format!(
        r#"{{"case":"C-7K2M9QXR4T1VC8ZE","stream":"{stream}","n":3,"previous":"{previous}","at":"2026-11-23T09:00:00Z","actor":{{"kind":"server"}},"event":"document-transmitted","message_number":2}}"#
    )
    .into_bytes();
    let of_case = Leaf::new(&TagKey::derive(&CASE_KEY), &last.stream, 3, &salt(91), &event);
    let at = log.append(of_case.hash());
    record.entries.push(Entry {
        stream: last.stream,
        n: 3,
        index: at,
        leaf: of_case.to_bytes(),
        content: Content::Body { salt: salt(91), body: event },
        proof: Vec::new(),
    });
    for entry in &mut record.entries {
        entry.proof = log.inclusion(entry.index);
    }
    let proof = log.inclusion(index);
    record.epochs = vec![EpochEntry { index, leaf: leaf.to_bytes(), salt: salt(90), body, proof }];
    record.receipted = acknowledged().receipted;
    record.origin = NEXT_ORIGIN.parse().expect("an origin");
    record.checkpoint = log.checkpoint(NEXT_ORIGIN, &next);
    record.with_heads(&next).expect("signed")
}
