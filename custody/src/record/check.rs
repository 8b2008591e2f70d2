//! Verifying a record: every leaf, tag, body, link, number, proof and signature.
//!
//! Takes bytes and the log keys that somebody trusts, and nothing else. What it hands back can be
//! made here only. It never says that an event happened: only that this log says so, completely
//! and since the checkpoint. The order of the checks is the order of the spec's verification.

use super::epochs::{VerifiedEpoch, check_epochs};
use super::error::{EntryProblem, HeadMismatch, HeadProblem, RecordError};
use super::receipted::{VerifiedReceiptedHead, check_receipted};
use super::told::{ToldHead, check_told};
use super::{Content, Entry, Record};
use crate::case_head::{CaseHead, VerifiedCaseHead, verify_case_head};
use crate::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use crate::cosignature::{Cosignature, cosignatures};
use crate::leaf::{BodyHeader, TagKey, commitment};
use crate::note::Vkey;
use crate::tree::verify_inclusion;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, PartyId, SharedNumber};
use std::collections::BTreeMap;
use std::fmt;

/// Verifies a custody record against the keys of the logs that the reader trusts.
///
/// The caller gives only keys that the record's institution published, as [`Record::parse`] tells it,
/// or compares [`VerifiedRecord::institution`] with the party from whose entry the key came: a key
/// speaks for the party that published it, not for the one a record names. The key that signed the
/// checkpoint must have signed every head.
///
/// # Errors
/// [`RecordError`], naming the part that failed.
pub fn verify_record(bytes: &[u8], trusted: &[Vkey]) -> Result<VerifiedRecord, RecordError> {
    let record = Record::parse(bytes)?;
    let (checkpoint, cosignatures) = check_checkpoint(&record, trusted)?;
    let epochs = check_epochs(&record.epochs, &checkpoint)?;
    let mut check = EntryCheck {
        tag_key: &record.tag_key,
        checkpoint: &checkpoint,
        case: None,
        next_index: 0,
        streams: BTreeMap::new(),
    };
    let mut entries = Vec::with_capacity(record.entries.len());
    for entry in &record.entries {
        entries.push(check.entry(entry).map_err(|problem| entry.error(problem))?);
    }
    check_erased(&entries)?;
    let EntryCheck { case, streams, .. } = check;
    let mut streams = check_heads(&record, streams, checkpoint.vkey())?;
    for head in check_receipted(&record, &entries, &epochs, checkpoint.vkey())? {
        // Whatever the record holds an event of is one of its streams.
        if let Some(stream) = streams.iter_mut().find(|stream| stream.stream == head.head().stream) {
            stream.receipted = Some(head);
        }
    }
    for head in check_told(&record, streams.iter().map(|stream| &stream.stream))? {
        let stream = Stream::Shared(head.counterpart().clone());
        if let Some(stream) = streams.iter_mut().find(|known| known.stream == stream) {
            stream.told = Some(head);
        }
    }
    Ok(VerifiedRecord {
        digest: Digest::of(bytes),
        shared_number: record.shared_number,
        case,
        checkpoint,
        cosignatures,
        streams,
        epochs,
        entries,
    })
}

fn check_checkpoint(
    record: &Record,
    trusted: &[Vkey],
) -> Result<(VerifiedCheckpoint, Vec<Cosignature>), RecordError> {
    let checkpoint =
        verify_checkpoint(record.checkpoint.as_bytes(), trusted).map_err(RecordError::Checkpoint)?;
    if *checkpoint.origin() != record.origin {
        return Err(RecordError::CheckpointOfOtherLog(checkpoint.origin().clone()));
    }
    // What is no cosignature could be changed unseen; a cosignature is checked by whoever has the witness's key.
    let cosignatures = cosignatures(&checkpoint).map_err(RecordError::Cosignatures)?;
    Ok((checkpoint, cosignatures))
}

/// The law erases whole cases. Nobody signs that a body was erased, so whoever holds a record could call any entry so
/// that does not suit him: one that stands among others with their bodies is never honest.
fn check_erased(entries: &[VerifiedEntry]) -> Result<(), RecordError> {
    let erased = entries.iter().filter(|entry| entry.body.is_none()).count();
    if erased == 0 || erased == entries.len() {
        return Ok(());
    }
    Err(RecordError::PartlyErased { erased, entries: entries.len() })
}

/// How far a stream has come.
struct Progress {
    n: u64,
    leaf: Digest,
}

struct EntryCheck<'a> {
    tag_key: &'a TagKey,
    checkpoint: &'a VerifiedCheckpoint,
    case: Option<String>,
    next_index: u64,
    /// By the stream's name, which is the order of the heads.
    streams: BTreeMap<String, (Stream, Progress)>,
}

impl EntryCheck<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<VerifiedEntry, EntryProblem> {
        let name = entry.stream.to_string();
        let previous = self.streams.get(&name).map(|(_, progress)| progress);
        let expected = previous.map_or(1, |progress| progress.n + 1);
        if entry.index < self.next_index {
            return Err(EntryProblem::Order);
        }
        if entry.n != expected {
            return Err(EntryProblem::Numbering { expected });
        }
        let leaf = entry.parse_leaf().map_err(EntryProblem::Leaf)?;
        if *leaf.tag() != self.tag_key.tag(&entry.stream, entry.n) {
            return Err(EntryProblem::Tag);
        }
        let body = match &entry.content {
            Content::Erased => None,
            Content::Body { salt, body } => {
                if *leaf.commitment() != commitment(salt, body) {
                    return Err(EntryProblem::Commitment);
                }
                let header = BodyHeader::parse(body).map_err(EntryProblem::Body)?;
                let case = self.case.get_or_insert_with(|| header.case.clone());
                if (&header.case, &header.stream, header.n) != (&*case, &name, entry.n) {
                    return Err(EntryProblem::BodyNamesOther);
                }
                if header.previous != previous.map(|progress| progress.leaf) {
                    return Err(EntryProblem::Previous);
                }
                Some(VerifiedBody { header, bytes: body.clone() })
            }
        };
        let hash = leaf.hash();
        verify_inclusion(&hash, entry.index, self.checkpoint.size(), &entry.proof, self.checkpoint.root())
            .map_err(EntryProblem::Proof)?;

        self.next_index = entry.index + 1;
        let (_, progress) = self.streams.entry(name).or_insert_with(|| {
            let progress = Progress { n: 0, leaf: hash };
            (entry.stream.clone(), progress)
        });
        progress.n = entry.n;
        progress.leaf = hash;
        Ok(VerifiedEntry { stream: entry.stream.clone(), n: entry.n, index: entry.index, leaf: hash, body })
    }
}

fn check_heads(
    record: &Record,
    streams: BTreeMap<String, (Stream, Progress)>,
    log: &Vkey,
) -> Result<Vec<VerifiedStream>, RecordError> {
    if record.heads.len() != streams.len() {
        return Err(RecordError::Heads { expected: streams.len(), found: record.heads.len() });
    }
    let mut verified = Vec::with_capacity(streams.len());
    for ((stream, progress), note) in streams.into_values().zip(&record.heads) {
        let problem = |problem| RecordError::Head { stream: stream.clone(), problem };
        // The log that signed the checkpoint, and no other key of that name that somebody trusts too.
        let head = verify_case_head(note.as_bytes(), std::slice::from_ref(log))
            .map_err(|source| problem(HeadProblem::Note(source)))?;
        let expected = CaseHead {
            origin: record.origin.clone(),
            shared_number: record.shared_number.clone(),
            stream: stream.clone(),
            n: progress.n,
            leaf: progress.leaf,
        };
        if *head.head() != expected {
            return Err(problem(HeadProblem::Differs));
        }
        if head.signature_lines() != 1 {
            return Err(problem(HeadProblem::Signatures(head.signature_lines())));
        }
        verified.push(VerifiedStream { stream, complete_to: progress.n, head, receipted: None, told: None });
    }
    Ok(verified)
}

/// A custody record in which everything holds. Only [`verify_record`] makes it.
#[derive(Clone, Debug)]
pub struct VerifiedRecord {
    digest: Digest,
    shared_number: Option<SharedNumber>,
    case: Option<String>,
    checkpoint: VerifiedCheckpoint,
    cosignatures: Vec<Cosignature>,
    streams: Vec<VerifiedStream>,
    epochs: Vec<VerifiedEpoch>,
    entries: Vec<VerifiedEntry>,
}

impl VerifiedRecord {
    /// SHA-256 of the record's bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The institution that speaks.
    #[must_use]
    pub const fn institution(&self) -> &PartyId {
        self.origin().party()
    }

    /// The log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        self.checkpoint.origin()
    }

    /// The number by which both sides know the case.
    #[must_use]
    pub const fn shared_number(&self) -> Option<&SharedNumber> {
        self.shared_number.as_ref()
    }

    /// The case as the office keeps it, or `office`; none if every body was erased.
    #[must_use]
    pub fn case(&self) -> Option<&str> {
        self.case.as_deref()
    }

    /// Whether no body is shown. That they were erased is what the record says, and nobody signs it.
    #[must_use]
    pub const fn is_erased(&self) -> bool {
        self.case.is_none()
    }

    /// The checkpoint to which every proof leads.
    #[must_use]
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// What witnesses are said to have cosigned of that checkpoint, by their names; whether they did, their
    /// keys show.
    #[must_use]
    pub fn cosignatures(&self) -> &[Cosignature] {
        &self.cosignatures
    }

    /// The streams by their names.
    #[must_use]
    pub fn streams(&self) -> &[VerifiedStream] {
        &self.streams
    }

    /// The epochs of the log that ended, in their order.
    #[must_use]
    pub fn epochs(&self) -> &[VerifiedEpoch] {
        &self.epochs
    }

    /// The events by their index in the log.
    #[must_use]
    pub fn entries(&self) -> &[VerifiedEntry] {
        &self.entries
    }

    /// Compares the record with a case head that somebody kept, as a counterpart does with each
    /// message: the record must hold that very event, so that nothing up to it was left out or
    /// replaced since.
    ///
    /// The shared number is not compared: the messages about an order have the order's own, and it is
    /// the leaf that says which case, stream and number are meant.
    ///
    /// # Errors
    /// [`HeadMismatch`].
    pub fn compare_head(&self, head: &VerifiedCaseHead) -> Result<(), HeadMismatch> {
        holds(self.origin(), &self.epochs, &self.entries, head.head())
    }
}

/// Whether the entries of the log `origin` hold the event that `head` names; one of an epoch that ended names an event
/// from before that end.
pub(super) fn holds(
    origin: &Origin,
    epochs: &[VerifiedEpoch],
    entries: &[VerifiedEntry],
    head: &CaseHead,
) -> Result<(), HeadMismatch> {
    let of_stream = || entries.iter().filter(|entry| entry.stream == head.stream);
    let named = of_stream().find(|entry| entry.n == head.n);
    if head.origin != *origin {
        let closed = epochs.iter().find(|epoch| *epoch.closed() == head.origin);
        let closed = closed.ok_or_else(|| HeadMismatch::OtherLog(head.origin.clone()))?;
        let kept = named.is_some_and(|entry| entry.index < closed.restored_size() && entry.leaf == head.leaf);
        return if kept {
            Ok(())
        } else {
            Err(HeadMismatch::Lost {
                origin: head.origin.clone(),
                stream: head.stream.clone(),
                n: head.n,
                lost: closed.lost(),
            })
        };
    }
    match named {
        None => Err(HeadMismatch::Missing {
            stream: head.stream.clone(),
            n: head.n,
            complete_to: of_stream().map(|entry| entry.n).max().unwrap_or(0),
        }),
        Some(entry) if entry.leaf != head.leaf => {
            Err(HeadMismatch::OtherLeaf { stream: head.stream.clone(), n: head.n })
        }
        Some(_) => Ok(()),
    }
}

/// One stream of a verified record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedStream {
    stream: Stream,
    complete_to: u64,
    head: VerifiedCaseHead,
    receipted: Option<VerifiedReceiptedHead>,
    told: Option<ToldHead>,
}

impl VerifiedStream {
    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The last number; the record has every one from 1.
    #[must_use]
    pub const fn complete_to(&self) -> u64 {
        self.complete_to
    }

    /// The log's signed word that the stream ended there when the record was made.
    #[must_use]
    pub const fn head(&self) -> &VerifiedCaseHead {
        &self.head
    }

    /// The latest head that the counterpart of the stream is said to have acknowledged; whether it
    /// did, its receipt shows.
    #[must_use]
    pub const fn receipted(&self) -> Option<&VerifiedReceiptedHead> {
        self.receipted.as_ref()
    }

    /// The latest head that came from the counterpart's own log; not verified yet.
    #[must_use]
    pub const fn told(&self) -> Option<&ToldHead> {
        self.told.as_ref()
    }
}

/// The finding in one line, for a report.
impl fmt::Display for VerifiedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: complete from #1 to #{} of what this log says", self.stream, self.complete_to)
    }
}

/// One event of a verified record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedEntry {
    stream: Stream,
    n: u64,
    index: u64,
    leaf: Digest,
    body: Option<VerifiedBody>,
}

impl VerifiedEntry {
    /// The stream.
    #[must_use]
    pub const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The number within the stream.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// The index in the log.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The leaf's hash.
    #[must_use]
    pub const fn leaf(&self) -> Digest {
        self.leaf
    }

    /// The body; none if it was erased, and with it every other of the record.
    #[must_use]
    pub const fn body(&self) -> Option<&VerifiedBody> {
        self.body.as_ref()
    }
}

/// A body to which its leaf commits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedBody {
    header: BodyHeader,
    bytes: Vec<u8>,
}

impl VerifiedBody {
    /// The part that the log itself checks.
    #[must_use]
    pub const fn header(&self) -> &BodyHeader {
        &self.header
    }

    /// The bytes as the log stored them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
