//! Watches contents on their way into a package for those that stand in a list.
//!
//! Holds what is learnt of one exhibit: the digests that its lists ask for beside SHA-256, the
//! entries that match, and the mark that follows. May look digests up. Adds no pass where lists
//! hold SHA-256 only; MD5 and SHA-1 are computed from the same buffers, of large contents on threads of their own.

use super::{Algorithm, HashListError, HashLists, NamedList};
use crate::sensitive::{MAX_LISTED_ENTRIES, MAX_LISTED_LISTS, ReasonCode, Sensitive};
use rogatory_core::Digest;
use sha2::Digest as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// What is handed to another thread at once; contents that are smaller stay on this one.
const BLOCK_BYTES: usize = 256 * 1024;
/// How many blocks may wait for a thread.
const BLOCKS_AHEAD: usize = 4;

/// The largest holes of a file, together, that are read as zeros for a comparison.
const MAX_HOLES_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Watches one exhibit.
pub(crate) struct Watch {
    lists: Option<Arc<HashLists>>,
    reason: Option<ReasonCode>,
    /// Files inside a folder exhibit that were flagged: paths below the folder, raw bytes.
    flagged: Vec<Vec<u8>>,
    lanes: Vec<Lane>,
    pending: Vec<u8>,
    /// The whole of a file with holes, as it would be read: its digest in the list of files is another.
    whole: Option<Whole>,
    uncompared: u64,
    line: u64,
    found: BTreeSet<NamedList>,
    matches: u64,
    entries: Vec<u64>,
    failure: Option<HashListError>,
}

impl Watch {
    /// Begins with what the sealer flagged: the exhibit, or files inside it.
    pub(crate) fn new(
        lists: Option<&Arc<HashLists>>,
        reason: Option<ReasonCode>,
        flagged: Vec<Vec<u8>>,
    ) -> Self {
        let asked = |algorithm: &Algorithm| lists.is_some_and(|lists| lists.digests(*algorithm) > 0);
        let lanes = [Algorithm::Sha1, Algorithm::Md5].into_iter().filter(asked).map(Lane::new).collect();
        Self {
            lists: lists.map(Arc::clone),
            reason,
            flagged,
            lanes,
            pending: Vec::new(),
            whole: None,
            uncompared: 0,
            line: 0,
            found: BTreeSet::new(),
            matches: 0,
            entries: Vec::new(),
            failure: None,
        }
    }

    /// Takes the next bytes of the content under way.
    pub(crate) fn content(&mut self, mut bytes: &[u8]) {
        if self.lanes.is_empty() {
            return;
        }
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == BLOCK_BYTES {
                let block: Arc<[u8]> = Arc::from(self.pending.as_slice());
                self.pending.clear();
                for lane in &mut self.lanes {
                    lane.send(&block);
                }
            }
        }
    }

    /// The exhibit's only content has ended.
    pub(crate) fn file(&mut self, sha256: &Digest, size_bytes: u64) {
        if self.judge(sha256, size_bytes) {
            self.matches = 1;
        }
    }

    /// A line of the list of a folder's files was written; for a file its content has ended.
    pub(crate) fn entry(&mut self, sha256: Option<&Digest>, size_bytes: u64, path: &[u8]) {
        self.line += 1;
        let listed = sha256.is_some_and(|sha256| self.judge(sha256, size_bytes));
        if listed || self.flagged.iter().any(|flagged| is_at_or_below(path, flagged)) {
            self.matches += 1;
            if self.entries.len() < MAX_LISTED_ENTRIES {
                self.entries.push(self.line);
            }
        }
    }

    /// Takes the data that a file with holes has at `at`; what lies between is zeros, as whoever reads it would find.
    pub(crate) fn data(&mut self, at: u64, bytes: &[u8]) {
        if self.lists.is_none() {
            return;
        }
        let whole = self.whole.get_or_insert_default();
        let hole = at.saturating_sub(whole.position);
        self.zeros(hole);
        if let Some(whole) = self.whole.as_mut().filter(|whole| whole.holes <= MAX_HOLES_BYTES) {
            whole.hasher.update(bytes);
            whole.position += bytes.len() as u64;
            self.content(bytes);
        }
    }

    /// A hole, as far as it is worth reading.
    fn zeros(&mut self, mut count: u64) {
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        let Some(whole) = &mut self.whole else {
            return;
        };
        whole.holes = whole.holes.saturating_add(count);
        whole.position = whole.position.saturating_add(count);
        if whole.holes > MAX_HOLES_BYTES {
            return;
        }
        while count > 0 {
            let now = count.min(ZEROS.len() as u64);
            let zeros = ZEROS.get(..usize::try_from(now).unwrap_or(0)).unwrap_or_default();
            if let Some(whole) = &mut self.whole {
                whole.hasher.update(zeros);
            }
            self.content(zeros);
            count -= now;
        }
    }

    /// As [`Watch::entry`], of a file with holes.
    pub(crate) fn sparse_entry(&mut self, size_bytes: u64, path: &[u8]) {
        if self.lists.is_some() {
            let whole = self.whole.get_or_insert_default();
            let end = size_bytes.saturating_sub(whole.position);
            self.zeros(end);
        }
        match self.whole.take() {
            Some(whole) if whole.holes <= MAX_HOLES_BYTES => {
                let sha256 = Digest::from_bytes(whole.hasher.finalize().into());
                self.entry(Some(&sha256), size_bytes, path);
            }
            found => {
                self.uncompared += u64::from(found.is_some());
                self.drop_content();
                self.entry(None, size_bytes, path);
            }
        }
    }

    /// Forgets the content under way.
    fn drop_content(&mut self) {
        self.pending.clear();
        for lane in &mut self.lanes {
            // What was handed on is computed to its end and thrown away.
            lane.finish(&[]);
        }
    }

    /// How many files with holes were not compared, since their holes are too large to be read.
    pub(crate) const fn uncompared(&self) -> u64 {
        self.uncompared
    }

    /// Whether the content that ended stands in a list. An empty one is nobody's in particular.
    fn judge(&mut self, sha256: &Digest, size_bytes: u64) -> bool {
        let rest = std::mem::take(&mut self.pending);
        let others: Vec<_> = self.lanes.iter_mut().map(|lane| (lane.algorithm, lane.finish(&rest))).collect();
        self.pending = rest;
        self.pending.clear();
        let Some(lists) = self.lists.as_ref().filter(|_| size_bytes > 0 && self.failure.is_none()) else {
            return false;
        };
        let mut found = BTreeSet::new();
        let sha256 = (Algorithm::Sha256, sha256.as_bytes().as_slice());
        let others = others.iter().map(|(algorithm, digest)| (*algorithm, digest.as_slice()));
        for (algorithm, digest) in std::iter::once(sha256).chain(others) {
            if let Err(error) = lists.find(algorithm, digest, &mut found) {
                self.failure = Some(error);
                return false;
            }
        }
        let listed = !found.is_empty();
        self.found.append(&mut found);
        listed
    }

    /// The mark of the exhibit, if it deserves one.
    ///
    /// # Errors
    /// The first failure of a list: a content that could not be compared is not called harmless.
    pub(crate) fn finish(self) -> Result<Option<Sensitive>, HashListError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.reason.is_none() && self.found.is_empty() && self.matches == 0 {
            return Ok(None);
        }
        Ok(Some(Sensitive {
            reason: self.reason,
            lists: self.found.into_iter().take(MAX_LISTED_LISTS).collect(),
            matches: self.matches,
            entries: self.entries,
        }))
    }
}

/// A file with holes on its way.
#[derive(Default)]
struct Whole {
    hasher: sha2::Sha256,
    position: u64,
    holes: u64,
}

fn is_at_or_below(path: &[u8], top: &[u8]) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// A computation under way, whatever its algorithm.
enum State {
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
}

impl State {
    fn new(algorithm: Algorithm) -> Self {
        if algorithm == Algorithm::Sha1 { Self::Sha1(sha1::Sha1::new()) } else { Self::Md5(md5::Md5::new()) }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(state) => state.update(bytes),
            Self::Md5(state) => state.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(state) => state.finalize().to_vec(),
            Self::Md5(state) => state.finalize().to_vec(),
        }
    }
}

/// Where one more digest of a content is computed.
struct Lane {
    algorithm: Algorithm,
    place: Place,
}

enum Place {
    /// On this thread.
    Here(State),
    /// On another, for a large content.
    There { blocks: SyncSender<Arc<[u8]>>, thread: JoinHandle<Vec<u8>> },
}

impl Lane {
    fn new(algorithm: Algorithm) -> Self {
        Self { algorithm, place: Place::Here(State::new(algorithm)) }
    }

    /// Hands a full block on; the first one of a content starts the thread.
    fn send(&mut self, block: &Arc<[u8]>) {
        if let Place::Here(_) = self.place {
            let (blocks, waiting) = sync_channel::<Arc<[u8]>>(BLOCKS_AHEAD);
            let algorithm = self.algorithm;
            let compute = move || {
                let mut state = State::new(algorithm);
                waiting.into_iter().for_each(|block| state.update(&block));
                state.finish()
            };
            // The first block decides, so a computation here has taken nothing yet, or takes all.
            if let Ok(thread) = Builder::new().name(algorithm.as_str().to_owned()).spawn(compute) {
                self.place = Place::There { blocks, thread };
            }
        }
        match &mut self.place {
            Place::Here(state) => state.update(block),
            // A closed channel means that the thread panicked; `finish` notices.
            Place::There { blocks, .. } => {
                let _ = blocks.send(Arc::clone(block));
            }
        }
    }

    /// The digest, after what is left; ready for the next content.
    fn finish(&mut self, rest: &[u8]) -> Vec<u8> {
        let fresh = Place::Here(State::new(self.algorithm));
        match std::mem::replace(&mut self.place, fresh) {
            Place::Here(mut state) => {
                state.update(rest);
                state.finish()
            }
            Place::There { blocks, thread } => {
                let _ = blocks.send(Arc::from(rest));
                drop(blocks);
                match thread.join() {
                    Ok(digest) => digest,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        }
    }
}
