//! Makes what came of a large object durable while more of it arrives.
//!
//! ```text
//! writer    ── write ── mark ── write ── write ── mark ── write ── …
//! committer            └ sync by another handle ── state that claims what stood at the mark ┘ └ …
//! ```
//! One thread an object, from its first mark on. A state claims what was written before the sync that covers it began,
//! never more. What fails there ends the object: what was not synced is lost then, and only the last state counts.

use super::Awaited;
use super::state;
use crate::durable::{DurableFile, DurableFiles, write_whole};
use sha2::Sha256;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// So many marks may wait: one is being made durable, the next stands behind it.
const MARKS: usize = 2;

/// How far an object had come.
pub(super) struct Mark {
    /// So many bytes were written.
    pub(super) bytes: u64,
    /// The digest after them.
    pub(super) hash: Sha256,
}

/// What of an object is durable.
pub(super) struct Commits {
    keeping: Keeping,
    committed: u64,
    thread: Option<Committer>,
    /// Something was lost: what follows must not be taken for durable, whatever a later sync says.
    broken: bool,
}

/// Where a state is kept.
#[derive(Clone)]
struct Keeping {
    files: Arc<dyn DurableFiles>,
    object: Awaited,
    state: PathBuf,
}

struct Committer {
    marks: Sender<Mark>,
    done: Receiver<io::Result<u64>>,
    /// How many marks it has and did not answer.
    under_way: usize,
    /// It need not begin another.
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Commits {
    /// Of an object of which `committed` bytes are durable.
    pub(super) const fn new(
        files: Arc<dyn DurableFiles>,
        object: Awaited,
        state: PathBuf,
        committed: u64,
    ) -> Self {
        Self { keeping: Keeping { files, object, state }, committed, thread: None, broken: false }
    }

    /// How much is durable, as far as was heard.
    pub(super) const fn committed(&self) -> u64 {
        self.committed
    }

    /// Whether another mark can be set. Waits for it if it must.
    ///
    /// # Errors
    /// What an earlier one failed with.
    pub(super) fn has_room(&mut self, must: bool) -> io::Result<bool> {
        self.hear(false)?;
        if must && self.under_way() >= MARKS {
            self.hear(true)?;
        }
        Ok(self.under_way() < MARKS)
    }

    fn under_way(&self) -> usize {
        self.thread.as_ref().map_or(0, |thread| thread.under_way)
    }

    /// Takes the answers that are there, or waits for one.
    fn hear(&mut self, mut wait: bool) -> io::Result<()> {
        let Some(thread) = &mut self.thread else { return Ok(()) };
        while thread.under_way > 0 {
            let answer = if wait { thread.done.recv().ok() } else { thread.done.try_recv().ok() };
            wait = false;
            let Some(answer) = answer else { return Ok(()) };
            thread.under_way -= 1;
            self.broken |= answer.is_err();
            self.committed = answer?;
        }
        Ok(())
    }

    /// Has all that was written to `file` so far made durable, and then claimed.
    ///
    /// # Errors
    /// If there is no further handle of the file, or no thread.
    pub(super) fn begin(&mut self, file: &dyn DurableFile, mark: Mark) -> io::Result<()> {
        let thread = match &mut self.thread {
            Some(thread) => thread,
            none => none.insert(Committer::start(self.keeping.clone(), file.another()?)?),
        };
        // A thread that has stopped answers no more; `end` tells.
        if thread.marks.send(mark).is_ok() {
            thread.under_way += 1;
        }
        // So that the steps are the same each time.
        if self.keeping.files.is_in_turn() { self.hear(true) } else { Ok(()) }
    }

    /// Lets the thread finish what it has in hand, and tells how much is durable.
    ///
    /// # Errors
    /// What it failed with.
    pub(super) fn end(&mut self) -> io::Result<u64> {
        let Some(Committer { marks, done, ends, thread, .. }) = self.thread.take() else {
            return if self.broken { Err(lost()) } else { Ok(self.committed) };
        };
        ends.store(true, Ordering::Release);
        drop(marks);
        for answer in done {
            self.broken |= answer.is_err();
            self.committed = answer?;
        }
        self.broken |= thread.join().is_err();
        if self.broken { Err(lost()) } else { Ok(self.committed) }
    }

    /// Makes durable here and now what was written to `file`, then the state that claims it.
    ///
    /// # Errors
    /// As the file system says.
    pub(super) fn commit(&mut self, file: &mut dyn DurableFile, mark: &Mark) -> io::Result<()> {
        self.committed = self.keeping.commit(file, mark)?;
        Ok(())
    }
}

fn lost() -> io::Error {
    io::Error::other("some of it could not be made durable")
}

impl Drop for Commits {
    fn drop(&mut self) {
        // Whoever writes next must not find a state that comes late.
        let _ = self.end();
    }
}

impl Keeping {
    fn commit(&self, file: &mut dyn DurableFile, mark: &Mark) -> io::Result<u64> {
        file.sync()?;
        // A crash here: the older state, which claims less.
        let state = state::write(&self.object, mark.bytes, &mark.hash);
        write_whole(self.files.as_ref(), &self.state, &state)?;
        file.let_go(mark.bytes);
        Ok(mark.bytes)
    }
}

impl Committer {
    fn start(keeping: Keeping, mut file: Box<dyn DurableFile>) -> io::Result<Self> {
        let (marks, waiting) = channel::<Mark>();
        let (answers, done) = channel();
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let work = move || {
            for mark in waiting {
                if told.load(Ordering::Acquire) {
                    return;
                }
                let committed = keeping.commit(file.as_mut(), &mark);
                let failed = committed.is_err();
                if answers.send(committed).is_err() || failed {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("commits".to_owned()).spawn(work)?;
        Ok(Self { marks, done, under_way: 0, ends, thread })
    }
}
