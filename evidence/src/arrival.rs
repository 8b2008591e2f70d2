//! Objects of a package that arrive over a network: written at an offset, hashed on the way, and gone on with
//! after a break or a crash.
//!
//! ```text
//! <whole>/<object>              durable, its digest checked
//! <whole>/<object>.<digest>     durable, hashed; which digest it must have is not said yet (see `late`)
//! <arriving>/<object>           still arriving
//! <arriving>/.<object>.resume   of a large one: how much is durable, and the digest's state there
//! ```
//! The same at a server that takes a package and at an officer's machine that fetches one. The order is
//! always: bytes durable → state that claims them → final name. A crash leaves a state that claims what is
//! there, an older one, or none; then less, or all, is sent again, and no byte is hashed twice. Bytes of a large
//! object become durable on a thread of their own while more arrive (see `commits`); small ones are made
//! durable many at once (see `settle`). Memory is constant. Never says who may send, never judges a package.

mod commits;
mod late;
mod settle;
mod state;
#[cfg(test)]
mod tests;

use self::commits::{Commits, Mark};
pub use self::settle::{Ended, SETTLED_AT_ONCE};
use self::state::Saved;
use crate::durable::{DurableFile, DurableFiles, make_folder, rename_durably};
use crate::source::ObjectDigest;
use rogatory_core::Digest;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// After so many bytes what arrived begins to be made durable and its state saved. A smaller object has no state.
pub const RESUME_INTERVAL_BYTES: u64 = 16 * 1024 * 1024;
/// So many intervals of an object may be here and not durable yet: the most that a kill loses.
const INTERVALS_AHEAD: u64 = 4;
/// The folders in which a package has objects, besides its own.
const INNER_FOLDERS: [&str; 2] = ["data", "META-INF"];

/// An object cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// More came than was announced.
    #[error("`{name}` is longer than announced")]
    TooLong {
        /// Which object.
        name: String,
    },
    /// Less came than was announced.
    #[error("`{name}` is shorter than announced")]
    TooShort {
        /// Which object.
        name: String,
    },
    /// What came has another digest.
    #[error("`{name}` has another digest than announced")]
    OtherDigest {
        /// Which object.
        name: String,
    },
    /// It goes on elsewhere than where it stands.
    #[error("`{name}` cannot go on at offset {offset}: {committed} bytes of it are durable here")]
    Offset {
        /// Which object.
        name: String,
        /// Where it was to go on.
        offset: u64,
        /// Where it stands.
        committed: u64,
    },
    /// The operating system refuses to write.
    #[error("`{name}` cannot be written")]
    Io {
        /// Which object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// An object that is to arrive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Awaited {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its digest; none while its sender does not know it either.
    pub sha256: Option<Digest>,
}

impl From<&ObjectDigest> for Awaited {
    fn from(object: &ObjectDigest) -> Self {
        Self { name: object.name.clone(), size_bytes: object.size_bytes, sha256: Some(object.sha256) }
    }
}

/// Where the objects of one package arrive. The folders hold nothing else.
pub struct Arrivals {
    files: Arc<dyn DurableFiles>,
    arriving: PathBuf,
    whole: PathBuf,
    interval_bytes: u64,
    hashed: Arc<AtomicU64>,
}

impl Arrivals {
    /// Objects that arrive in `arriving` and stand in `whole` when they are whole.
    #[must_use]
    pub fn new(files: Arc<dyn DurableFiles>, arriving: PathBuf, whole: PathBuf) -> Self {
        Self { files, arriving, whole, interval_bytes: RESUME_INTERVAL_BYTES, hashed: Arc::default() }
    }

    /// The same, saving a state after so many bytes.
    #[must_use]
    pub const fn every(mut self, interval_bytes: u64) -> Self {
        self.interval_bytes = interval_bytes;
        self
    }

    /// The same, counting in `hashed` every byte that is hashed.
    #[must_use]
    pub fn counting(mut self, hashed: &Arc<AtomicU64>) -> Self {
        self.hashed = Arc::clone(hashed);
        self
    }

    /// How many bytes were hashed: each that came once, none that was here.
    #[must_use]
    pub fn hashed_bytes(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Makes the folders, and makes durable what an earlier run gave a name and did not live to sync: from
    /// here on what [`Arrivals::committed`] tells is durable.
    ///
    /// # Errors
    /// As the file system says.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in [&self.arriving, &self.whole] {
            make_folder(self.files.as_ref(), folder)?;
            for inner in INNER_FOLDERS {
                self.files.create_folder(&folder.join(inner))?;
            }
            self.sync_names(folder)?;
        }
        Ok(())
    }

    fn sync_names(&self, folder: &Path) -> io::Result<()> {
        for inner in INNER_FOLDERS {
            self.files.sync_folder(&folder.join(inner))?;
        }
        self.files.sync_folder(folder)
    }

    /// Whether an object is whole and checked.
    #[must_use]
    pub fn has(&self, object: &ObjectDigest) -> bool {
        let there = std::fs::symlink_metadata(self.whole.join(&object.name));
        there.is_ok_and(|there| there.is_file() && there.len() == object.size_bytes)
    }

    /// How many bytes of an object are here: all, or as many as its state claims.
    #[must_use]
    pub fn committed(&self, object: &ObjectDigest) -> u64 {
        if self.has(object) {
            object.size_bytes
        } else {
            self.saved(&object.into()).map_or(0, |saved| saved.committed)
        }
    }

    /// The state of an object, if one is there and claims no more than the part holds.
    fn saved(&self, object: &Awaited) -> Option<Saved> {
        if !self.is_large(object) {
            return None;
        }
        let saved = state::read(object, &std::fs::read(self.state_path(&object.name)).ok()?)?;
        let part = std::fs::symlink_metadata(self.part_path(&object.name)).ok()?;
        (part.is_file() && part.len() >= saved.committed).then_some(saved)
    }

    const fn is_large(&self, object: &Awaited) -> bool {
        object.size_bytes > self.interval_bytes
    }

    fn part_path(&self, name: &str) -> PathBuf {
        self.arriving.join(name)
    }

    fn state_path(&self, name: &str) -> PathBuf {
        let part = self.part_path(name);
        // Begins with a dot, as no object does.
        let mut name = std::ffi::OsString::from(".");
        name.push(part.file_name().unwrap_or_default());
        name.push(".resume");
        part.with_file_name(name)
    }

    /// Begins an object anew at 0, or goes on at what is committed.
    ///
    /// # Errors
    /// [`ArrivalError::Offset`] for any other offset; [`ArrivalError::Io`].
    pub fn write(&self, object: impl Into<Awaited>, offset: u64) -> Result<ArrivingObject, ArrivalError> {
        let object = object.into();
        let failed = |source| ArrivalError::Io { name: object.name.clone(), source };
        let (part, state) = (self.part_path(&object.name), self.state_path(&object.name));
        let hash = if offset == 0 {
            // Of a late object another size may have been said before, so a small one may have a state as well.
            if self.is_large(&object) || state.symlink_metadata().is_ok() {
                // A state outliving this would claim bytes that are overwritten now.
                self.files.remove(&state).map_err(failed)?;
                self.files.sync_folder(part.parent().unwrap_or(&self.arriving)).map_err(failed)?;
            }
            Sha256::new()
        } else {
            let saved = self.saved(&object);
            let committed = saved.as_ref().map_or(0, |saved| saved.committed);
            match saved {
                Some(saved) if committed == offset => saved.hash,
                _ => {
                    return Err(ArrivalError::Offset { name: object.name.clone(), offset, committed });
                }
            }
        };
        let file = self.files.open_at(&part, offset).map_err(failed)?;
        let large = self.is_large(&object);
        Ok(ArrivingObject {
            commits: Commits::new(Arc::clone(&self.files), object.clone(), state.clone(), offset),
            files: Arc::clone(&self.files),
            large,
            part,
            state,
            whole: self.whole.join(&object.name),
            object,
            file,
            hash,
            hashed: Arc::clone(&self.hashed),
            interval_bytes: self.interval_bytes,
            written: offset,
            marked: offset,
        })
    }

    /// Gives the folder of whole objects its final name, and removes what else is here.
    ///
    /// # Errors
    /// As the file system says; the folder then stands in one of its two places.
    pub fn place(&self, target: &Path) -> io::Result<()> {
        // A name that an earlier run gave may not be durable yet.
        self.sync_names(&self.whole)?;
        self.files.remove(&self.arriving)?;
        rename_durably(self.files.as_ref(), &self.whole, target)
    }

    /// Removes all that arrived.
    ///
    /// # Errors
    /// As the file system says.
    pub fn discard(&self) -> io::Result<()> {
        self.files.remove(&self.whole)?;
        self.files.remove(&self.arriving)
    }
}

/// An object that is arriving. Dropped, it stays where it was committed last.
pub struct ArrivingObject {
    files: Arc<dyn DurableFiles>,
    object: Awaited,
    /// Whether it has a state.
    large: bool,
    part: PathBuf,
    state: PathBuf,
    whole: PathBuf,
    file: Box<dyn DurableFile>,
    commits: Commits,
    hash: Sha256,
    hashed: Arc<AtomicU64>,
    interval_bytes: u64,
    written: u64,
    /// Up to where it is, or is being made, durable.
    marked: u64,
}

impl ArrivingObject {
    /// How much of it is here, durable or not.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Writes and hashes the next bytes, and has what came made durable when enough has come.
    ///
    /// # Errors
    /// [`ArrivalError::TooLong`], after which it must begin anew; [`ArrivalError::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ArrivalError> {
        let length = self.written.saturating_add(bytes.len() as u64);
        if length > self.object.size_bytes {
            self.remove();
            return Err(ArrivalError::TooLong { name: self.object.name.clone() });
        }
        self.hash.update(bytes);
        self.hashed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all(bytes).map_err(|error| self.failed(error))?;
        self.written = length;
        // The last bytes need no state: the whole object is about to get its name.
        if self.large && length - self.marked >= self.interval_bytes && length < self.object.size_bytes {
            self.mark().map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Has what came so far made durable, unless that is behind already: then more gathers meanwhile, up to a limit.
    fn mark(&mut self) -> io::Result<()> {
        let must = self.written - self.commits.committed() >= INTERVALS_AHEAD * self.interval_bytes;
        if self.commits.has_room(must)? {
            self.commits.begin(self.file.as_ref(), Mark { bytes: self.written, hash: self.hash.clone() })?;
            self.marked = self.written;
        }
        Ok(())
    }

    /// Ends for now: what came is kept for the next try; tells how much that is.
    ///
    /// # Errors
    /// [`ArrivalError::Io`]; [`ArrivalError::OtherDigest`] if all came and is something else.
    pub fn suspend(mut self) -> Result<u64, ArrivalError> {
        if self.written == self.object.size_bytes {
            let size_bytes = self.written;
            return self.finish().map(|()| size_bytes);
        }
        if !self.large {
            self.remove();
            return Ok(0);
        }
        let committed = self.commits.end().map_err(|error| self.failed(error))?;
        if self.written > committed {
            let mark = Mark { bytes: self.written, hash: self.hash.clone() };
            self.commits.commit(self.file.as_mut(), &mark).map_err(|error| self.failed(error))?;
        }
        Ok(self.written)
    }

    /// Makes the object durable under its final name, after checking size and digest. Of one that is too short
    /// what came is kept; any other that is not as announced leaves nothing.
    ///
    /// # Errors
    /// [`ArrivalError`] saying which.
    pub fn finish(self) -> Result<(), ArrivalError> {
        let files = Arc::clone(&self.files);
        settle::settle(files.as_ref(), vec![self.end()?])
    }

    /// Checks size and digest of the object. It has neither durable bytes nor its final name yet: [`Arrivals::settle`]
    /// gives them to many at once.
    ///
    /// # Errors
    /// As [`ArrivingObject::finish`].
    pub fn end(mut self) -> Result<Ended, ArrivalError> {
        let name = self.object.name.clone();
        if self.written != self.object.size_bytes {
            self.suspend()?;
            return Err(ArrivalError::TooShort { name });
        }
        let digest = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into());
        if self.object.sha256.is_some_and(|announced| announced != digest) {
            self.remove();
            return Err(ArrivalError::OtherDigest { name });
        }
        self.commits.end().map_err(|error| self.failed(error))?;
        let whole = match self.object.sha256 {
            Some(_) => self.whole,
            None => late::named(&self.whole, &digest),
        };
        let state = self.large.then_some(self.state);
        Ok(Ended { name, size_bytes: self.written, file: self.file, part: self.part, whole, state })
    }

    /// Removes part and state. What cannot be removed is not believed, or overwritten, by the next try.
    fn remove(&mut self) {
        // No state may come after its removal; whether the last one failed is of no interest any more.
        let _ = self.commits.end();
        // The state durably first: one that came back without its part could meet another.
        let removed = self.files.remove(&self.state).and_then(|()| {
            let folder = self.state.parent().filter(|_| self.large);
            folder.map_or(Ok(()), |folder| self.files.sync_folder(folder))
        });
        if let Err(error) = removed.and_then(|()| self.files.remove(&self.part)) {
            tracing::warn!(%error, path = %self.part.display(), "a part of an object could not be removed");
        }
    }

    fn failed(&self, source: io::Error) -> ArrivalError {
        ArrivalError::Io { name: self.object.name.clone(), source }
    }
}

/// Reads a resume state and writes it again, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn state_again(object: &ObjectDigest, bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let known = Awaited::from(object);
    let saved = state::read(&known, bytes)?;
    // A state from before the digest was known is believed of it too; it is written as what it was.
    let unknown = Awaited { sha256: None, ..Awaited::from(object) };
    let awaited = if state::read(&unknown, bytes).is_some() { unknown } else { known };
    Some((saved.committed, state::write(&awaited, saved.committed, &saved.hash)))
}

/// The resume state after the first bytes of an object, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn state_after(object: &ObjectDigest, start: &[u8]) -> Vec<u8> {
    let awaited = Awaited::from(object);
    state::write(&awaited, start.len() as u64, &<Sha256 as sha2::Digest>::new_with_prefix(start))
}
