//! Makes objects that have come durable under their final names, many at once.
//!
//! A file's sync costs the disk as much for a few bytes as for many; asked for by several threads at once it does
//! many in one go. The order is the same as for one: all bytes durable → names → the folders of the names. Whoever sent
//! them hears of it only afterwards; a crash before leaves parts without state, which are sent again.

use super::{ArrivalError, Arrivals};
use crate::durable::{DurableFile, DurableFiles};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;

/// So many objects at most should be settled at once: each holds a file open.
pub const SETTLED_AT_ONCE: usize = 128;
/// How many syncs are asked for at once.
const SYNCING_THREADS: usize = 16;

/// An object that came whole and is what was announced; not durable yet.
pub struct Ended {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) file: Box<dyn DurableFile>,
    pub(super) part: PathBuf,
    pub(super) whole: PathBuf,
    /// Where its state is, if it may have one.
    pub(super) state: Option<PathBuf>,
}

impl Ended {
    /// How long it is.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn failed(name: &str, source: io::Error) -> ArrivalError {
        ArrivalError::Io { name: name.to_owned(), source }
    }
}

impl Arrivals {
    /// Makes objects durable under their final names.
    ///
    /// # Errors
    /// [`ArrivalError::Io`] naming one; then some have their names and others not.
    pub fn settle(&self, objects: Vec<Ended>) -> Result<(), ArrivalError> {
        settle(self.files.as_ref(), objects)
    }
}

pub(super) fn settle(files: &dyn DurableFiles, mut objects: Vec<Ended>) -> Result<(), ArrivalError> {
    sync_all(files, &mut objects)?;
    for object in &objects {
        files.rename(&object.part, &object.whole).map_err(|error| Ended::failed(&object.name, error))?;
    }
    let mut synced: BTreeSet<&Path> = BTreeSet::new();
    for object in &objects {
        let folder = object.whole.parent().unwrap_or(Path::new("."));
        if synced.insert(folder) {
            files.sync_folder(folder).map_err(|error| Ended::failed(&object.name, error))?;
        }
    }
    for object in &objects {
        if let Some(state) = &object.state {
            // A state without its part is not believed; if it stays or comes back, it is only litter.
            files.remove(state).map_err(|error| Ended::failed(&object.name, error))?;
        }
    }
    Ok(())
}

/// Makes the bytes durable, several threads at it if there are several objects.
fn sync_all(files: &dyn DurableFiles, objects: &mut [Ended]) -> Result<(), ArrivalError> {
    let sync = |object: &mut Ended| {
        object.file.sync().map_err(|error| Ended::failed(&object.name, error))?;
        if object.state.is_some() {
            object.file.let_go(object.size_bytes);
        }
        Ok(())
    };
    let threads = objects.len().min(SYNCING_THREADS);
    if threads < 2 || files.is_in_turn() {
        return objects.iter_mut().try_for_each(sync);
    }
    let waiting = Mutex::new(objects.iter_mut());
    let work = || -> Result<(), ArrivalError> {
        loop {
            // The iterator is whole whenever the lock is free.
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(object) = next else { return Ok(()) };
            sync(object)?;
        }
    };
    std::thread::scope(|scope| {
        let working: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let broke = |_| Ended::failed("", io::Error::other("a thread that syncs broke off"));
        working.into_iter().try_for_each(|thread| thread.join().map_err(broke)?)
    })
}
