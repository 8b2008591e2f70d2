//! The line on which a payload is worked on: read, hash, seal or open, hash, in blocks of four chunks.
//!
//! Holds the ring of blocks and the threads that work on them. The thread that asks for bytes reads the source
//! itself, and so does what is done with the bytes; between the two it helps with whatever is ready:
//!
//! ```text
//!   asking thread     read ─┐                                                     ┌─► given
//!   any thread              └─► hash, in order ─► seal or open ─► hash, in order ─┘
//! ```
//!
//! So a source need not be `Send`, an error of the source is told where the bytes are asked for, and a slow reader
//! or writer keeps nobody but itself. May call the chunk cipher. Never gives a block before it is through, never
//! holds more than [`RING_BLOCKS`], and leaves no thread behind.

use super::payload::{CHUNK_BYTES, PayloadKey, SEALED_CHUNK_BYTES};
use crate::streams::read_full;
use rogatory_core::Digest;
use sha2::{Digest as _, Sha256};
use std::any::Any;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// How many chunks are a block.
const BLOCK_CHUNKS: usize = 4;
/// How many blocks are under way at most: enough that nobody waits for one slow step.
const RING_BLOCKS: usize = 16;

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Plaintext comes in, chunks with their tags go out.
    Seal,
    /// The other way round.
    Open,
}

/// The digest of a stream and its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sum {
    pub(crate) sha256: Digest,
    pub(crate) size_bytes: u64,
}

/// Hashes a stream whose parts come from several threads, in order.
#[derive(Clone, Default)]
pub(super) struct Hasher {
    sha256: Sha256,
    size_bytes: u64,
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    pub(super) fn sum(&self) -> Sum {
        let sha256 = Digest::from_bytes(self.sha256.clone().finalize().into());
        Sum { sha256, size_bytes: self.size_bytes }
    }
}

/// Up to four chunks. Each begins at a multiple of the size of a sealed chunk, so that its tag fits behind it.
struct Block {
    bytes: Vec<u8>,
    /// How many bytes are in it, without the gaps.
    filled: usize,
    is_last: bool,
    failure: Option<io::Error>,
}

impl Block {
    /// The chunks, if each is `size` bytes long but the last.
    fn chunks(&self, size: usize) -> impl Iterator<Item = &[u8]> {
        let places = (0..self.filled).step_by(size).enumerate();
        places.filter_map(move |(place, start)| {
            let at = place * SEALED_CHUNK_BYTES;
            self.bytes.get(at..at + size.min(self.filled - start))
        })
    }

    /// Seals or opens every chunk in place.
    fn work(&mut self, way: Way, key: &PayloadKey, number: u64) {
        let from = way.taken();
        // The chunk of an empty file is the only one that may be empty.
        let count = self.filled.div_ceil(from).max(1);
        let mut given = 0;
        for place in 0..count {
            let at = place * SEALED_CHUNK_BYTES;
            let length = from.min(self.filled - (place * from).min(self.filled));
            let chunk_number = number * BLOCK_CHUNKS as u64 + place as u64;
            let is_last = self.is_last && place + 1 == count;
            let space = self.bytes.get_mut(at..(at + SEALED_CHUNK_BYTES)).unwrap_or_default();
            let done = match way {
                Way::Seal => key.seal(chunk_number, is_last, space, length),
                Way::Open => key.open(chunk_number, is_last, space, length),
            };
            match done {
                Ok(length) => given += length,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        self.filled = given;
    }
}

impl Way {
    /// The size of a chunk as it comes.
    const fn taken(self) -> usize {
        match self {
            Self::Seal => CHUNK_BYTES,
            Self::Open => SEALED_CHUNK_BYTES,
        }
    }

    /// The size of a chunk as it goes.
    const fn given(self) -> usize {
        match self {
            Self::Seal => SEALED_CHUNK_BYTES,
            Self::Open => CHUNK_BYTES,
        }
    }
}

/// How far a block has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Read,
    Worked,
    Through,
}

struct Slot {
    stage: Stage,
    /// None while a thread works on it.
    block: Option<Block>,
}

/// A digest that grows in the order of the blocks.
struct Chain {
    /// None while a thread works on it.
    hasher: Option<Hasher>,
    next: u64,
}

struct State {
    slots: VecDeque<Slot>,
    /// The number of the first slot.
    first: u64,
    taken: Chain,
    given: Chain,
    /// The block with a chunk that is not authentic: none behind it is opened any more, but all are hashed.
    failed: Option<u64>,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

/// A step that can be done now.
enum Task {
    HashTaken(u64, Block, Hasher),
    Work(u64, Block),
    HashGiven(u64, Block, Hasher),
}

impl State {
    fn slot(&mut self, number: u64) -> Option<&mut Slot> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.slots.get_mut(place)
    }

    /// Takes the block out, if it stands at `stage` and nobody works on it.
    fn take(&mut self, number: u64, stage: Stage) -> Option<Block> {
        self.slot(number).filter(|slot| slot.stage == stage)?.block.take()
    }

    fn put(&mut self, number: u64, stage: Stage, block: Block) {
        if let Some(slot) = self.slot(number) {
            *slot = Slot { stage, block: Some(block) };
        }
    }

    /// What brings the oldest bytes out soonest comes first.
    fn task(&mut self) -> Option<Task> {
        self.hash_given().or_else(|| self.hash_taken())
    }

    fn hash_given(&mut self) -> Option<Task> {
        let hasher = self.given.hasher.take()?;
        let number = self.given.next;
        match self.take(number, Stage::Worked) {
            Some(block) => Some(Task::HashGiven(number, block, hasher)),
            None => {
                self.given.hasher = Some(hasher);
                None
            }
        }
    }

    fn hash_taken(&mut self) -> Option<Task> {
        let hasher = self.taken.hasher.take()?;
        let number = self.taken.next;
        match self.take(number, Stage::Read) {
            Some(block) => Some(Task::HashTaken(number, block, hasher)),
            None => {
                self.taken.hasher = Some(hasher);
                None
            }
        }
    }
}

/// What the threads of one line share.
struct Shared {
    way: Way,
    key: PayloadKey,
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that panics does so outside the lock, and says so.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one task and what follows from it for the same block, which is in the cache now.
    fn perform(&self, task: Task) {
        let mut next = Some(task);
        while let Some(task) = next.take() {
            match task {
                Task::HashTaken(number, block, mut hasher) => {
                    for chunk in block.chunks(self.way.taken()) {
                        hasher.update(chunk);
                    }
                    let mut state = self.state();
                    state.taken = Chain { hasher: Some(hasher), next: number + 1 };
                    next = Some(Task::Work(number, block));
                }
                Task::Work(number, mut block) => {
                    let failed = self.state().failed;
                    if failed.is_some_and(|failed| failed < number) {
                        block.filled = 0;
                    } else {
                        block.work(self.way, &self.key, number);
                    }
                    let mut state = self.state();
                    if block.failure.is_some() {
                        state.failed = Some(state.failed.map_or(number, |failed| failed.min(number)));
                    }
                    state.put(number, Stage::Worked, block);
                    next = state.hash_given();
                }
                Task::HashGiven(number, block, mut hasher) => {
                    for chunk in block.chunks(self.way.given()) {
                        hasher.update(chunk);
                    }
                    let mut state = self.state();
                    state.given = Chain { hasher: Some(hasher), next: number + 1 };
                    state.put(number, Stage::Through, block);
                }
            }
            self.changed.notify_all();
        }
    }

    /// What a thread does all its life.
    fn help(&self) {
        let mut state = self.state();
        while !state.stopped && state.panic.is_none() {
            if let Some(task) = state.task() {
                drop(state);
                self.perform(task);
                state = self.state();
            } else {
                state = self.wait(state);
            }
        }
    }
}

/// Takes a source and gives what becomes of it, with the digests of both.
pub(super) struct Line<R> {
    source: R,
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    most_helpers: usize,
    /// The bytes for one block: fewer, if the source is known to be short.
    block_bytes: usize,
    /// The block read last, until it is known whether it is the last one.
    ahead: Option<Block>,
    ended: bool,
    /// Whether the source failed; then its digest is not known.
    source_failed: bool,
    /// Whether a failure was told; nothing is given after that, not even to a caller who reads on.
    failed: bool,
    spare: Vec<Vec<u8>>,
    current: Option<Block>,
    /// How much of the current block was given, and the chunk in which that lies.
    given: usize,
}

impl<R: Read> Line<R> {
    /// Puts `source` on a line with up to `threads` threads, the asking one among them. Its bytes and what becomes
    /// of them are added to the hashers. `expected_bytes` is how long the source is thought to be.
    pub(super) fn new(
        way: Way,
        key: PayloadKey,
        source: R,
        (taken, given): (Hasher, Hasher),
        expected_bytes: u64,
        threads: usize,
    ) -> Self {
        let state = State {
            slots: VecDeque::with_capacity(RING_BLOCKS),
            first: 0,
            taken: Chain { hasher: Some(taken), next: 0 },
            given: Chain { hasher: Some(given), next: 0 },
            failed: None,
            stopped: false,
            panic: None,
        };
        let shared = Shared { way, key, state: Mutex::new(state), changed: Condvar::new() };
        let chunks = expected_bytes.div_ceil(way.taken() as u64).clamp(1, BLOCK_CHUNKS as u64);
        Self {
            source,
            shared: Arc::new(shared),
            helpers: Vec::new(),
            most_helpers: threads.saturating_sub(1),
            block_bytes: usize::try_from(chunks).unwrap_or(BLOCK_CHUNKS) * SEALED_CHUNK_BYTES,
            ahead: None,
            ended: false,
            source_failed: false,
            failed: false,
            spare: Vec::new(),
            current: None,
            given: 0,
        }
    }

    /// The bytes that can be given now; none at the end.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        while !self.failed && self.rest().is_empty() {
            if let Some(failure) = self.current.as_mut().and_then(|block| block.failure.take()) {
                self.failed = true;
                return Err(failure);
            }
            if !self.advance().inspect_err(|_| self.failed = true)? {
                break;
            }
        }
        Ok(if self.failed { &[] } else { self.rest() })
    }

    /// Says that `count` of them were taken.
    pub(super) const fn consume(&mut self, count: usize) {
        self.given += count;
    }

    /// What is left of the current block, as far as it lies together.
    fn rest(&self) -> &[u8] {
        let Some(block) = &self.current else {
            return &[];
        };
        let size = self.shared.way.given();
        let at = self.given / size * SEALED_CHUNK_BYTES + self.given % size;
        let left = block.filled.saturating_sub(self.given);
        // Sealed chunks lie without gaps.
        let together = if size == SEALED_CHUNK_BYTES { left } else { left.min(size - self.given % size) };
        block.bytes.get(at..at + together).unwrap_or_default()
    }

    /// Makes the next block the current one; `false` after the last.
    fn advance(&mut self) -> io::Result<bool> {
        self.spare.extend(self.current.take().map(|block| block.bytes));
        self.given = 0;
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        loop {
            if let Some(panic) = state.panic.take() {
                drop(state);
                resume_unwind(panic);
            }
            if !self.ended && state.slots.len() < RING_BLOCKS {
                drop(state);
                self.read()?;
                state = shared.state();
                continue;
            }
            match state.slots.front_mut() {
                None => return Ok(false),
                Some(Slot { stage: Stage::Through, block }) if block.is_some() => {
                    self.current = block.take();
                    state.slots.pop_front();
                    state.first += 1;
                    return Ok(true);
                }
                Some(_) => {}
            }
            if let Some(task) = state.task() {
                drop(state);
                shared.perform(task);
                state = shared.state();
            } else {
                state = shared.wait(state);
            }
        }
    }

    /// Reads one block more, and puts the one before it on the line.
    fn read(&mut self) -> io::Result<()> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read_block()?);
        }
        // A block that is not full is the last one; for a full one only the next reading can tell.
        let full =
            self.ahead.as_ref().is_some_and(|block| block.filled == BLOCK_CHUNKS * self.shared.way.taken());
        let next = if full { Some(self.read_block()?) } else { None };
        let next = next.filter(|block| block.filled > 0);
        if let Some(mut block) = std::mem::replace(&mut self.ahead, next) {
            block.is_last = self.ahead.is_none();
            self.ended = block.is_last;
            self.push(block);
        }
        Ok(())
    }

    fn read_block(&mut self) -> io::Result<Block> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.resize(self.block_bytes, 0);
        let size = self.shared.way.taken();
        let mut filled = 0;
        for place in 0..BLOCK_CHUNKS {
            let at = place * SEALED_CHUNK_BYTES;
            if bytes.len() < at + SEALED_CHUNK_BYTES {
                // Longer than was expected.
                self.block_bytes = BLOCK_CHUNKS * SEALED_CHUNK_BYTES;
                bytes.resize(self.block_bytes, 0);
            }
            let space = bytes.get_mut(at..at + size).unwrap_or_default();
            let count = read_full(&mut self.source, space).inspect_err(|_| {
                self.ended = true;
                self.source_failed = true;
            })?;
            filled += count;
            if count < size {
                break;
            }
        }
        Ok(Block { bytes, filled, is_last: false, failure: None })
    }

    fn push(&mut self, block: Block) {
        let mut state = self.shared.state();
        state.slots.push_back(Slot { stage: Stage::Read, block: Some(block) });
        let under_way = state.slots.len();
        drop(state);
        self.shared.changed.notify_all();
        // A short source costs no thread.
        if self.helpers.len() < self.most_helpers && under_way > self.helpers.len() + 1 {
            let shared = Arc::clone(&self.shared);
            let helper = thread::Builder::new().name("rogatory-seal".to_owned()).spawn(move || {
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| shared.help())) {
                    shared.state().panic = Some(panic);
                    shared.changed.notify_all();
                }
            });
            match helper {
                Ok(helper) => self.helpers.push(helper),
                // The line works with those that there are.
                Err(_) => self.most_helpers = self.helpers.len(),
            }
        }
    }

    /// The digests of the source and of what became of it, after the end of the source was reached or, when
    /// something is wrong with it, after reading what is left of it.
    pub(super) fn finish(mut self) -> io::Result<(Sum, Sum)> {
        // Every block that was read goes through.
        self.ended = true;
        while self.advance()? {}
        if self.source_failed {
            return Err(io::Error::other("it could not be read to its end"));
        }
        let mut rest = match self.ahead.take() {
            Some(block) => block,
            None => Block { bytes: Vec::new(), filled: 0, is_last: false, failure: None },
        };
        let mut state = self.shared.state();
        let (Some(mut taken), Some(given)) = (state.taken.hasher.take(), state.given.hasher.take()) else {
            return Err(io::Error::other("a thread still works on it"));
        };
        drop(state);
        for chunk in rest.chunks(self.shared.way.taken()) {
            taken.update(chunk);
        }
        rest.bytes.resize(CHUNK_BYTES, 0);
        loop {
            let count = read_full(&mut self.source, &mut rest.bytes)?;
            if count == 0 {
                return Ok((taken.sum(), given.sum()));
            }
            taken.update(rest.bytes.get(..count).unwrap_or_default());
        }
    }
}

impl<R> Drop for Line<R> {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        for helper in self.helpers.drain(..) {
            // Its panic, if any, was told.
            let _ = helper.join();
        }
    }
}
