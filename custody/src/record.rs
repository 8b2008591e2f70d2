//! The custody record of one case: what an office hands to a court, a counterpart or an auditor.
//!
//! Calls the other modules of this crate. This file holds the record's form, its one spelling as
//! JSON and its limits; `check` verifies it. It never decides which events may be handed out: the
//! caller puts in the streams the reader may see.

use crate::case_head::{CaseHead, CaseHeadError};
use crate::checkpoint::Origin;
use crate::leaf::{LEAF_BYTES, Leaf, LeafError, MAX_BODY_BYTES, TagKey};
use crate::note::LogKey;
use crate::tree::{MAX_PROOF_HASHES, MAX_TREE_SIZE};
use data_encoding::{BASE64, HEXLOWER};
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, PartyId, SharedNumber};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io;

mod check;
mod epochs;
mod error;
mod receipted;
mod told;
pub use check::{VerifiedBody, VerifiedEntry, VerifiedRecord, VerifiedStream, verify_record};
pub use epochs::{EpochEntry, MAX_EPOCHS, VerifiedEpoch};
pub use error::{
    EntryPart, EntryProblem, EpochProblem, HeadMismatch, HeadProblem, ReceiptMismatch, ReceiptedProblem,
    RecordError, ToldProblem,
};
pub use receipted::{ReceiptedHead, VerifiedReceiptedHead};
pub use told::ToldHead;

/// The largest record, in bytes.
pub const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

/// The largest number of entries in a record.
pub const MAX_ENTRIES: usize = 100_000;

/// The largest receipt in a record, in bytes.
pub const MAX_RECEIPT_BYTES: usize = 64 * 1024;

/// The version of the record's fields.
const FORMAT: u64 = 1;

/// The version of the record's spelling.
const PROFILE: u64 = 1;

/// The custody record of one case; not verified.
#[derive(Clone)]
pub struct Record {
    /// The log. Its party is the institution that speaks.
    pub origin: Origin,
    /// The number by which both sides know the case; none before drafting ends.
    pub shared_number: Option<SharedNumber>,
    /// The key under which the case's leaves are tagged.
    pub tag_key: TagKey,
    /// The checkpoint's note, to which every proof leads, with the cosignatures of witnesses if there are any.
    pub checkpoint: String,
    /// A case head for each stream, by the stream's name; [`Record::with_heads`] makes them.
    pub heads: Vec<String>,
    /// For each counterpart the latest case head that it quoted in a receipt, by the stream's name;
    /// none for a stream of which no receipt quotes a head.
    pub receipted: Vec<ReceiptedHead>,
    /// For each counterpart the latest case head that came from its log with a message, by its name:
    /// what that log must still hold.
    pub told: Vec<String>,
    /// The entries that began the log's epochs behind its first, by their index in the log.
    pub epochs: Vec<EpochEntry>,
    /// The events by their index in the log.
    pub entries: Vec<Entry>,
}

/// One event of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The stream.
    pub stream: Stream,
    /// The number within the stream, from 1.
    pub n: u64,
    /// The leaf's index in the log.
    pub index: u64,
    /// The leaf as the log stores it.
    pub leaf: [u8; LEAF_BYTES],
    /// What the leaf commits to, unless it was erased.
    pub content: Content,
    /// The inclusion proof to the record's checkpoint.
    pub proof: Vec<Digest>,
}

/// What a leaf commits to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// The body and its salt.
    Body {
        /// The salt.
        salt: [u8; 32],
        /// The body's bytes as stored.
        body: Vec<u8>,
    },
    /// Body and salt were erased by law, as those of every entry of the record; the leaf still shows that there was
    /// an event.
    Erased,
}

impl Record {
    /// Puts the entries in the order of the log and signs a case head for each stream.
    ///
    /// # Errors
    /// [`RecordError::Entry`] if a leaf is none, [`RecordError::Head`] if signing fails.
    pub fn with_heads(mut self, key: &LogKey) -> Result<Self, RecordError> {
        self.entries.sort_by_key(|entry| entry.index);
        let mut last = BTreeMap::new();
        for entry in &self.entries {
            last.insert(entry.stream.to_string(), entry);
        }
        let mut heads = Vec::new();
        for entry in last.into_values() {
            let leaf = entry.parse_leaf().map_err(|e| entry.error(EntryProblem::Leaf(e)))?;
            let head = CaseHead {
                origin: self.origin.clone(),
                shared_number: self.shared_number.clone(),
                stream: entry.stream.clone(),
                n: entry.n,
                leaf: leaf.hash(),
            };
            heads.push(head.sign(key).map_err(|source: CaseHeadError| RecordError::Head {
                stream: entry.stream.clone(),
                problem: HeadProblem::Note(source),
            })?);
        }
        self.heads = heads;
        Ok(self)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// [`RecordError::Limit`] or [`RecordError::TooLarge`] if nobody could read it back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let wire = Wire::of(self);
        wire.check_limits()?;
        let mut bytes = Vec::new();
        wire.write(&mut bytes).map_err(RecordError::Json)?;
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads a record; its contents are not verified, see [`verify_record`].
    ///
    /// # Errors
    /// [`RecordError`] if the bytes are not the one spelling of a record within the limits.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::TooLarge(bytes.len()));
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(|source| versions(bytes, source))?;
        if (wire.format, wire.profile) != (FORMAT, PROFILE) {
            return Err(RecordError::Version { format: wire.format, profile: wire.profile });
        }
        wire.check_limits()?;
        let mut rest = Expect { expected: bytes };
        let same = wire.write(&mut rest);
        if same.is_err() || !rest.expected.is_empty() {
            return Err(RecordError::NotCanonical { at: bytes.len() - rest.expected.len() });
        }
        if wire.institution != *wire.origin.party() {
            return Err(RecordError::Institution { institution: wire.institution, origin: wire.origin });
        }
        wire.into_record()
    }
}

impl Entry {
    pub(crate) fn parse_leaf(&self) -> Result<Leaf, LeafError> {
        Leaf::from_bytes(&self.leaf)
    }

    pub(crate) fn error(&self, problem: EntryProblem) -> RecordError {
        RecordError::Entry { stream: self.stream.clone(), n: self.n, problem }
    }
}

/// A later format may have other fields; then its number says more than the first unknown one.
fn versions(bytes: &[u8], source: serde_json::Error) -> RecordError {
    #[derive(Deserialize)]
    struct Versions {
        format: u64,
        profile: u64,
    }
    match serde_json::from_slice(bytes) {
        Ok(Versions { format, profile }) if (format, profile) != (FORMAT, PROFILE) => {
            RecordError::Version { format, profile }
        }
        _ => RecordError::Json(source),
    }
}

/// The record as JSON holds it: these fields in this order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: u64,
    profile: u64,
    institution: PartyId,
    origin: Origin,
    shared_number: Option<SharedNumber>,
    tag_key: Hex<32>,
    checkpoint: String,
    heads: Vec<String>,
    receipted: Vec<WireReceipted>,
    told: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    epochs: Vec<WireEpoch>,
    entries: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEpoch {
    index: u64,
    leaf: Hex<LEAF_BYTES>,
    salt: Hex<32>,
    body: Base64,
    proof: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireReceipted {
    head: String,
    receipt: Base64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    stream: Stream,
    n: u64,
    index: u64,
    leaf: Hex<LEAF_BYTES>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<Hex<32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Base64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    proof: Vec<Digest>,
}

impl Wire {
    fn of(record: &Record) -> Self {
        Self {
            format: FORMAT,
            profile: PROFILE,
            institution: record.origin.party().clone(),
            origin: record.origin.clone(),
            shared_number: record.shared_number.clone(),
            tag_key: Hex(*record.tag_key.as_bytes()),
            checkpoint: record.checkpoint.clone(),
            heads: record.heads.clone(),
            receipted: record
                .receipted
                .iter()
                .map(|one| WireReceipted { head: one.head.clone(), receipt: Base64(one.receipt.clone()) })
                .collect(),
            told: record.told.clone(),
            epochs: record.epochs.iter().map(WireEpoch::of).collect(),
            entries: record.entries.iter().map(WireEntry::of).collect(),
        }
    }

    fn into_record(self) -> Result<Record, RecordError> {
        Ok(Record {
            origin: self.origin,
            shared_number: self.shared_number,
            tag_key: TagKey::from_bytes(self.tag_key.0),
            checkpoint: self.checkpoint,
            heads: self.heads,
            receipted: self
                .receipted
                .into_iter()
                .map(|one| ReceiptedHead { head: one.head, receipt: one.receipt.0 })
                .collect(),
            told: self.told,
            epochs: self.epochs.into_iter().map(WireEpoch::into_entry).collect(),
            entries: self.entries.into_iter().map(WireEntry::into_entry).collect::<Result<_, _>>()?,
        })
    }

    fn check_limits(&self) -> Result<(), RecordError> {
        let limit = |exceeded: bool, what| if exceeded { Err(RecordError::Limit(what)) } else { Ok(()) };
        limit(self.entries.is_empty(), "it has no entries")?;
        limit(self.entries.len() > MAX_ENTRIES, "it has more than 100,000 entries")?;
        limit(self.heads.len() > self.entries.len(), "it has more heads than entries")?;
        limit(self.receipted.len() > self.entries.len(), "it has more receipted heads than entries")?;
        limit(self.told.len() > self.entries.len(), "it has more heads of others than entries")?;
        for one in &self.receipted {
            limit(one.receipt.0.len() > MAX_RECEIPT_BYTES, "a receipt has more than 65,536 bytes")?;
        }
        limit(self.epochs.len() > MAX_EPOCHS, "it tells of more than 1,000 epochs")?;
        for epoch in &self.epochs {
            limit(epoch.body.0.len() > MAX_BODY_BYTES, "a body has more than 65,536 bytes")?;
            limit(epoch.proof.len() > MAX_PROOF_HASHES, "a proof has more than 64 hashes")?;
            limit(epoch.index >= MAX_TREE_SIZE, "a number or an index is out of range")?;
        }
        for entry in &self.entries {
            let body = entry.body.as_ref().map_or(0, |body| body.0.len());
            limit(body > MAX_BODY_BYTES, "a body has more than 65,536 bytes")?;
            limit(entry.proof.len() > MAX_PROOF_HASHES, "a proof has more than 64 hashes")?;
            let sound = (1..=MAX_TREE_SIZE).contains(&entry.n) && entry.index < MAX_TREE_SIZE;
            limit(!sound, "a number or an index is out of range")?;
        }
        Ok(())
    }

    fn write(&self, to: &mut impl io::Write) -> serde_json::Result<()> {
        serde_json::to_writer_pretty(&mut *to, self)?;
        to.write_all(b"\n").map_err(serde_json::Error::io)
    }
}

impl WireEpoch {
    fn of(entry: &EpochEntry) -> Self {
        Self {
            index: entry.index,
            leaf: Hex(entry.leaf),
            salt: Hex(entry.salt),
            body: Base64(entry.body.clone()),
            proof: entry.proof.clone(),
        }
    }

    fn into_entry(self) -> EpochEntry {
        let Self { index, leaf, salt, body, proof } = self;
        EpochEntry { index, leaf: leaf.0, salt: salt.0, body: body.0, proof }
    }
}

impl WireEntry {
    fn of(entry: &Entry) -> Self {
        let (salt, body, erased) = match &entry.content {
            Content::Body { salt, body } => (Some(Hex(*salt)), Some(Base64(body.clone())), None),
            Content::Erased => (None, None, Some(true)),
        };
        Self {
            stream: entry.stream.clone(),
            n: entry.n,
            index: entry.index,
            leaf: Hex(entry.leaf),
            salt,
            body,
            erased,
            proof: entry.proof.clone(),
        }
    }

    fn into_entry(self) -> Result<Entry, RecordError> {
        let content = match (self.salt, self.body, self.erased) {
            (Some(salt), Some(body), None) => Content::Body { salt: salt.0, body: body.0 },
            (None, None, Some(true)) => Content::Erased,
            _ => return Err(RecordError::Limit("an entry is neither whole nor erased")),
        };
        Ok(Entry {
            stream: self.stream,
            n: self.n,
            index: self.index,
            leaf: self.leaf.0,
            content,
            proof: self.proof,
        })
    }
}

/// A writer that only compares, so that a large record isn't held twice.
struct Expect<'a> {
    expected: &'a [u8],
}

impl io::Write for Expect<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.expected.strip_prefix(bytes) {
            Some(rest) => {
                self.expected = rest;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes as lower-case hexadecimal digits.
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format_args!("{} lower-case hexadecimal digits are expected", 2 * N))
        })
    }
}

/// Bytes as padded base64.
struct Base64(Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64
            .decode(text.as_bytes())
            .map(Self)
            .map_err(|_| serde::de::Error::custom("padded base64 is expected"))
    }
}
