//! An auditor's scan: all leaves of a log, against what a record of one case says of its streams.
//!
//! ```text
//! every leaf, in order ──► tree ──► the root of the checkpoint, and of the record's
//!                     └──► tag known? ──► each #1 … #n stands once, where the record says; no #n+1, nor one some way ahead
//! ```
//! Needs the case's tag key only: nothing of other cases can be told from their leaves, and nothing is read of any
//! body. Calls [`tree`](crate::tree) and [`leaf`](crate::leaf); reads no files.

use crate::checkpoint::VerifiedCheckpoint;
use crate::leaf::{Leaf, LeafError, TagKey};
use crate::record::VerifiedRecord;
use crate::tree::{Node, Tree, TreeError};
use rogatory_core::Digest;
use rogatory_core::custody_event::Stream;
use std::collections::HashMap;

/// How many numbers beyond the last are looked for in each stream at most; at least one is.
const MAX_AHEAD: u64 = 1_000;

/// How many numbers beyond the last are looked for in all streams together, unless they are more streams.
const MAX_AHEAD_IN_ALL: u64 = 100_000;

/// What stands against a log or a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuditError {
    /// The record is of another log.
    #[error("the record is one of the log `{record}`, and the leaves are those of `{leaves}`")]
    OtherLog {
        /// The origin of the record.
        record: String,
        /// The origin of the checkpoint over the leaves.
        leaves: String,
    },
    /// The leaves end before the record's checkpoint.
    #[error("the record speaks of {record} leaves, and the checkpoint of {leaves}: export the leaves again")]
    Older {
        /// The size in the record's checkpoint.
        record: u64,
        /// The size in the checkpoint over the leaves.
        leaves: u64,
    },
    /// A leaf has no form that a leaf may have.
    #[error("leaf {index} is none")]
    Leaf {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: LeafError,
    },
    /// The tree cannot grow so far.
    #[error("the leaves are too many")]
    Tree(#[source] TreeError),
    /// More or fewer leaves than the checkpoint says.
    #[error("there are {found} leaves, and the checkpoint is over {size}")]
    Count {
        /// How many there are.
        found: u64,
        /// How many there should be.
        size: u64,
    },
    /// The leaves have another root than a checkpoint over them.
    #[error("the first {size} leaves have another root than the checkpoint of the {of}")]
    Root {
        /// The size of the checkpoint.
        size: u64,
        /// Whose: `leaves` or `record`.
        of: &'static str,
    },
    /// A number stands twice.
    #[error("{stream} #{n} stands at leaf {first} and again at leaf {second}")]
    Twice {
        /// The stream.
        stream: Stream,
        /// The number.
        n: u64,
        /// Where it stands first.
        first: u64,
        /// Where it stands again.
        second: u64,
    },
    /// A later number stands already under the record's checkpoint, and the record leaves it out.
    #[error("{stream} #{n} stands at leaf {index}, before the record was made, and is not in it")]
    LeftOut {
        /// The stream.
        stream: Stream,
        /// The number.
        n: u64,
        /// Where it stands.
        index: u64,
    },
    /// A later number stands without the one before it, or before that.
    #[error("{stream} #{n} stands at leaf {index}, and the number before it does not stand before it")]
    Gap {
        /// The stream.
        stream: Stream,
        /// The number.
        n: u64,
        /// Where it stands.
        index: u64,
    },
}

/// What all leaves say of one stream of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditedStream {
    /// The stream.
    pub stream: Stream,
    /// Each number from 1 to this one stands once, where the record says.
    pub complete_to: u64,
    /// The leaf of the next number, if it came after the record was made.
    pub next: Option<u64>,
    /// The last number that was looked for. What stands there of those after `complete_to` came after the record was
    /// made, without gaps; of numbers further on nothing is known.
    pub looked_to: u64,
}

/// A log whose leaves are those of its checkpoint, and hold of a case what the record of it says. Only
/// [`Audit::finish`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditedLog {
    checkpoint: VerifiedCheckpoint,
    streams: Vec<AuditedStream>,
}

impl AuditedLog {
    /// The checkpoint over the leaves.
    #[must_use]
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// The streams of the record, in its order.
    #[must_use]
    pub fn streams(&self) -> &[AuditedStream] {
        &self.streams
    }
}

/// A place in a stream of the record.
#[derive(Clone, Copy, Debug)]
struct Place {
    stream: usize,
    n: u64,
    found: Option<u64>,
}

/// A scan that goes on.
pub struct Audit {
    checkpoint: VerifiedCheckpoint,
    /// Size and root of the record's checkpoint.
    seen: (u64, Digest),
    tree: Tree,
    streams: Vec<(Stream, u64)>,
    ahead: u64,
    places: HashMap<[u8; 32], Place>,
}

impl Audit {
    /// Begins a scan of the leaves under `checkpoint` for what `record` says, whose tags `tag_key` gives.
    ///
    /// # Errors
    /// [`AuditError::OtherLog`], [`AuditError::Older`].
    pub fn new(
        checkpoint: VerifiedCheckpoint,
        record: &VerifiedRecord,
        tag_key: &TagKey,
    ) -> Result<Self, AuditError> {
        if checkpoint.origin() != record.origin() {
            return Err(AuditError::OtherLog {
                record: record.origin().to_string(),
                leaves: checkpoint.origin().to_string(),
            });
        }
        let seen = (record.checkpoint().size(), *record.checkpoint().root());
        if checkpoint.size() < seen.0 {
            return Err(AuditError::Older { record: seen.0, leaves: checkpoint.size() });
        }
        let streams: Vec<(Stream, u64)> =
            record.streams().iter().map(|stream| (stream.stream().clone(), stream.complete_to())).collect();
        let count = u64::try_from(streams.len()).unwrap_or(u64::MAX).max(1);
        let ahead = (MAX_AHEAD_IN_ALL / count).clamp(1, MAX_AHEAD);
        let mut places = HashMap::new();
        for (at, (stream, last)) in streams.iter().enumerate() {
            for n in 1..=last.saturating_add(ahead) {
                places.insert(tag_key.tag(stream, n), Place { stream: at, n, found: None });
            }
        }
        Ok(Self { checkpoint, seen, tree: Tree::new(), streams, ahead, places })
    }

    /// Takes the next leaf; tells which nodes of the tree are complete with it, to be compared with tiles of hashes.
    ///
    /// # Errors
    /// [`AuditError`] if it is none, or stands against the record.
    pub fn leaf(&mut self, bytes: &[u8]) -> Result<Vec<Node>, AuditError> {
        let index = self.tree.size();
        let leaf = Leaf::from_bytes(bytes).map_err(|source| AuditError::Leaf { index, source })?;
        if index >= self.checkpoint.size() {
            return Err(AuditError::Count { found: index + 1, size: self.checkpoint.size() });
        }
        let appended = self.tree.append(leaf.hash()).map_err(AuditError::Tree)?;
        if let Some(place) = self.places.get_mut(leaf.tag()) {
            let stream =
                || self.streams.get(place.stream).map_or(Stream::Internal, |(stream, _)| stream.clone());
            if let Some(first) = place.found {
                return Err(AuditError::Twice { stream: stream(), n: place.n, first, second: index });
            }
            let is_later = self.streams.get(place.stream).is_some_and(|(_, last)| place.n > *last);
            if is_later && index < self.seen.0 {
                return Err(AuditError::LeftOut { stream: stream(), n: place.n, index });
            }
            place.found = Some(index);
        }
        if self.tree.size() == self.seen.0 && self.tree.root() != self.seen.1 {
            return Err(AuditError::Root { size: self.seen.0, of: "record" });
        }
        Ok(appended.nodes)
    }

    /// All leaves were taken.
    ///
    /// The numbers of the record itself need not be looked for: it was verified, so that each of its entries is in the
    /// tree of its checkpoint, and that tree is the beginning of this one.
    ///
    /// # Errors
    /// [`AuditError::Count`], [`AuditError::Root`], [`AuditError::Gap`].
    pub fn finish(self) -> Result<AuditedLog, AuditError> {
        let (size, found) = (self.checkpoint.size(), self.tree.size());
        if found != size {
            return Err(AuditError::Count { found, size });
        }
        if self.tree.root() != *self.checkpoint.root() {
            return Err(AuditError::Root { size, of: "leaves" });
        }
        let mut streams: Vec<AuditedStream> = self
            .streams
            .into_iter()
            .map(|(stream, complete_to)| {
                let looked_to = complete_to.saturating_add(self.ahead);
                AuditedStream { stream, complete_to, next: None, looked_to }
            })
            .collect();
        let found = |place: Place| Some((place.stream, place.n, place.found?));
        let mut found: Vec<(usize, u64, u64)> = self.places.into_values().filter_map(found).collect();
        found.sort_unstable();
        // Stream, number and leaf of the one before.
        let mut before = (usize::MAX, 0, 0);
        for (at, n, index) in found {
            if let Some(stream) = streams.get_mut(at)
                && n > stream.complete_to
            {
                let follows = before.0 == at && before.1 == n - 1 && before.2 < index;
                if !follows {
                    return Err(AuditError::Gap { stream: stream.stream.clone(), n, index });
                }
                if n == stream.complete_to.saturating_add(1) {
                    stream.next = Some(index);
                }
            }
            before = (at, n, index);
        }
        Ok(AuditedLog { checkpoint: self.checkpoint, streams })
    }
}
