//! Objects of a package that arrive over a network: written at an offset, hashed on the way, and gone on with
//! after a break or a crash.
//!
//! ```text
//! <whole>/<object>              durable, its digest checked
//! <arriving>/<object>           still arriving
//! <arriving>/.<object>.resume   of a large one: how much is durable, and the digest's state there
//! ```
//! The same at a server that takes a package and at an officer's machine that fetches one. The order is
//! always: bytes durable → state that claims them → final name. A crash leaves a state that claims what is
//! there, an older one, or none; then less, or all, is sent again, and no byte is hashed twice. Memory is constant.
//! Never says who may send, never judges a package.

mod state;

use self::state::Saved;
use crate::durable::{DurableFile, DurableFiles, make_folder, rename_durably, write_whole};
use crate::source::ObjectDigest;
use rogatory_core::Digest;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// After so many bytes what arrived is made durable and its state saved. A smaller object has no state.
pub const RESUME_INTERVAL_BYTES: u64 = 16 * 1024 * 1024;
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

/// Where the objects of one package arrive. The folders hold nothing else.
pub struct Arrivals {
    files: Arc<dyn DurableFiles>,
    arriving: PathBuf,
    whole: PathBuf,
    interval_bytes: u64,
}

impl Arrivals {
    /// Objects that arrive in `arriving` and stand in `whole` when they are whole.
    #[must_use]
    pub fn new(files: Arc<dyn DurableFiles>, arriving: PathBuf, whole: PathBuf) -> Self {
        Self { files, arriving, whole, interval_bytes: RESUME_INTERVAL_BYTES }
    }

    /// The same, saving a state after so many bytes.
    #[must_use]
    pub const fn every(mut self, interval_bytes: u64) -> Self {
        self.interval_bytes = interval_bytes;
        self
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
            self.saved(object).map_or(0, |saved| saved.committed)
        }
    }

    /// The state of an object, if one is there and claims no more than the part holds.
    fn saved(&self, object: &ObjectDigest) -> Option<Saved> {
        if !self.is_large(object) {
            return None;
        }
        let saved = state::read(object, &std::fs::read(self.state_path(object)).ok()?)?;
        let part = std::fs::symlink_metadata(self.part_path(object)).ok()?;
        (part.is_file() && part.len() >= saved.committed).then_some(saved)
    }

    const fn is_large(&self, object: &ObjectDigest) -> bool {
        object.size_bytes > self.interval_bytes
    }

    fn part_path(&self, object: &ObjectDigest) -> PathBuf {
        self.arriving.join(&object.name)
    }

    fn state_path(&self, object: &ObjectDigest) -> PathBuf {
        let part = self.part_path(object);
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
    pub fn write(&self, object: &ObjectDigest, offset: u64) -> Result<ArrivingObject, ArrivalError> {
        let failed = |source| ArrivalError::Io { name: object.name.clone(), source };
        let hash = if offset == 0 {
            if self.is_large(object) {
                // A state outliving this would claim bytes that are overwritten now.
                self.files.remove(&self.state_path(object)).map_err(failed)?;
                let folder = self.part_path(object);
                self.files.sync_folder(folder.parent().unwrap_or(&self.arriving)).map_err(failed)?;
            }
            Sha256::new()
        } else {
            let saved = self.saved(object);
            let committed = saved.as_ref().map_or(0, |saved| saved.committed);
            match saved {
                Some(saved) if committed == offset => saved.hash,
                _ => {
                    return Err(ArrivalError::Offset { name: object.name.clone(), offset, committed });
                }
            }
        };
        let file = self.files.open_at(&self.part_path(object), offset).map_err(failed)?;
        Ok(ArrivingObject {
            files: Arc::clone(&self.files),
            large: self.is_large(object),
            object: object.clone(),
            part: self.part_path(object),
            state: self.state_path(object),
            whole: self.whole.join(&object.name),
            file,
            hash,
            interval_bytes: self.interval_bytes,
            written: offset,
            committed: offset,
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
    object: ObjectDigest,
    /// Whether it has a state.
    large: bool,
    part: PathBuf,
    state: PathBuf,
    whole: PathBuf,
    file: Box<dyn DurableFile>,
    hash: Sha256,
    interval_bytes: u64,
    written: u64,
    committed: u64,
}

impl ArrivingObject {
    /// How much of it is here, durable or not.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// Writes and hashes the next bytes, and saves the state when enough have come.
    ///
    /// # Errors
    /// [`ArrivalError::TooLong`], after which it must begin anew; [`ArrivalError::Io`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ArrivalError> {
        let length = self.written.saturating_add(bytes.len() as u64);
        if length > self.object.size_bytes {
            self.remove();
            return Err(ArrivalError::TooLong { name: self.object.name.clone() });
        }
        self.file.write_all(bytes).map_err(|error| self.failed(error))?;
        self.hash.update(bytes);
        self.written = length;
        // The last bytes need no state: the whole object is about to get its name.
        if self.large && length - self.committed >= self.interval_bytes && length < self.object.size_bytes {
            self.commit().map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Makes what came durable, then the state that claims it.
    fn commit(&mut self) -> io::Result<()> {
        self.file.sync()?;
        // A crash here: the older state, which claims less.
        let state = state::write(&self.object, self.written, &self.hash);
        write_whole(self.files.as_ref(), &self.state, &state)?;
        self.committed = self.written;
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
        if self.written > self.committed {
            self.commit().map_err(|error| self.failed(error))?;
        }
        Ok(self.committed)
    }

    /// Makes the object durable under its final name, after checking size and digest. Of one that is too short
    /// what came is kept; any other that is not as announced leaves nothing.
    ///
    /// # Errors
    /// [`ArrivalError`] saying which.
    pub fn finish(mut self) -> Result<(), ArrivalError> {
        let name = self.object.name.clone();
        if self.written != self.object.size_bytes {
            self.suspend()?;
            return Err(ArrivalError::TooShort { name });
        }
        let digest = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into());
        if digest != self.object.sha256 {
            self.remove();
            return Err(ArrivalError::OtherDigest { name });
        }
        self.file.sync().map_err(|error| self.failed(error))?;
        rename_durably(self.files.as_ref(), &self.part, &self.whole).map_err(|error| self.failed(error))?;
        if self.large {
            // A state without its part is not believed; if it stays or comes back, it is only litter.
            self.files.remove(&self.state).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Removes part and state. What cannot be removed is not believed, or overwritten, by the next try.
    fn remove(&self) {
        for path in [&self.state, &self.part] {
            if let Err(error) = self.files.remove(path) {
                tracing::warn!(%error, path = %path.display(), "a part of an object could not be removed");
            }
        }
    }

    fn failed(&self, source: io::Error) -> ArrivalError {
        ArrivalError::Io { name: self.object.name.clone(), source }
    }
}

/// Reads a resume state and writes it again, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn state_again(object: &ObjectDigest, bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    let saved = state::read(object, bytes)?;
    Some((saved.committed, state::write(object, saved.committed, &saved.hash)))
}

/// The resume state after the first bytes of an object, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn state_after(object: &ObjectDigest, start: &[u8]) -> Vec<u8> {
    state::write(object, start.len() as u64, &<Sha256 as sha2::Digest>::new_with_prefix(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::Disk;
    use std::fs;

    const INTERVAL: u64 = 64;

    fn arrivals(folder: &Path) -> Arrivals {
        let arrivals = Arrivals::new(Arc::new(Disk::AsUsual), folder.join("arriving"), folder.join("whole"));
        let arrivals = arrivals.every(INTERVAL);
        arrivals.prepare().expect("folders");
        arrivals
    }

    fn content() -> Vec<u8> {
        (0..1000_u32).map(|at| (at * 7 % 251) as u8).collect()
    }

    fn object() -> ObjectDigest {
        let content = content();
        ObjectDigest {
            name: "data/EX-0001.age".to_owned(),
            size_bytes: content.len() as u64,
            sha256: Digest::of(&content),
        }
    }

    fn send(arrivals: &Arrivals, from: usize, to: usize) -> ArrivingObject {
        let mut arriving = arrivals.write(&object(), from as u64).expect("the right offset");
        for chunk in content()[from..to].chunks(10) {
            arriving.write(chunk).expect("written");
        }
        arriving
    }

    #[test]
    fn a_killed_transfer_goes_on_from_its_last_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        drop(send(&here, 0, 500));
        let again = arrivals(folder.path());
        // States are saved as soon as an interval is full: after 70, 140, … bytes, of ten at a time.
        assert_eq!(again.committed(&object()), 490);
        // The first bytes are neither sent nor read again: whatever stands there now is not looked at.
        let part = folder.path().join("arriving/data/EX-0001.age");
        let mut changed = fs::read(&part).expect("readable");
        changed[0] ^= 1;
        fs::write(&part, changed).expect("written");
        send(&again, 490, 1000).finish().expect("the digest of all bytes");
        assert!(again.has(&object()));
        assert_eq!(again.committed(&object()), 1000);
        assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
    }

    #[test]
    fn a_broken_stream_keeps_all_that_came() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        assert_eq!(send(&here, 0, 130).suspend().expect("kept"), 130);
        assert_eq!(here.committed(&object()), 130);
        // All came, only the end of the stream did not.
        assert_eq!(send(&here, 130, 1000).suspend().expect("whole"), 1000);
        assert!(here.has(&object()));
    }

    #[test]
    fn an_object_that_ends_too_early_is_refused_and_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        let short = send(&here, 0, 999).finish().expect_err("too short");
        assert!(matches!(short, ArrivalError::TooShort { .. }));
        assert!(!here.has(&object()));
        send(&here, 999, 1000).finish().expect("whole");
    }

    #[test]
    fn a_wrong_offset_is_refused_and_0_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        send(&here, 0, 130).suspend().expect("kept");
        for offset in [1, 129, 131, 1000, u64::MAX] {
            match here.write(&object(), offset).err() {
                Some(error @ ArrivalError::Offset { committed: 130, .. }) => {
                    assert!(error.to_string().contains("130 bytes of it are durable"), "{error}");
                }
                other => panic!("{offset}: {other:?}"),
            }
        }
        let anew = send(&here, 0, 10);
        assert_eq!(here.committed(&object()), 0, "its state is gone before a byte is overwritten");
        drop(anew);
    }

    #[test]
    fn a_state_that_claims_more_than_is_there_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        send(&here, 0, 130).suspend().expect("kept");
        let part = folder.path().join("arriving/data/EX-0001.age");
        fs::write(&part, &content()[..129]).expect("written");
        assert_eq!(here.committed(&object()), 0);
        assert!(here.write(&object(), 130).is_err());
        fs::remove_file(&part).expect("removed");
        assert_eq!(here.committed(&object()), 0);
    }

    #[test]
    fn a_forged_state_does_not_pass_the_digest_of_the_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        send(&here, 0, 130).suspend().expect("kept");
        // Its checksum is right; what it says is not.
        let forged = state::write(&object(), 130, &Sha256::new_with_prefix([9; 130]));
        fs::write(folder.path().join("arriving/data/.EX-0001.age.resume"), forged).expect("written");
        let refused = send(&here, 130, 1000).finish().expect_err("another digest");
        assert!(matches!(refused, ArrivalError::OtherDigest { .. }));
        assert_eq!(here.committed(&object()), 0, "it leaves nothing");
        send(&here, 0, 1000).finish().expect("whole");
    }

    #[test]
    fn what_is_not_as_announced_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        let long = send(&here, 0, 1000).write(b"1").expect_err("too long");
        assert!(matches!(long, ArrivalError::TooLong { .. }));
        let mut other = send(&here, 0, 999);
        other.write(&[content()[999] ^ 1]).expect("written");
        let other = other.finish().expect_err("another digest");
        assert!(matches!(other, ArrivalError::OtherDigest { .. }));
        assert_eq!(here.committed(&object()), 0);
        assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
    }

    #[test]
    fn small_objects_have_no_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals(folder.path());
        let small = |size: usize| ObjectDigest {
            name: "mimetype".to_owned(),
            size_bytes: size as u64,
            sha256: Digest::of(&vec![1; size]),
        };
        for size in [0, 1, 64] {
            let mut arriving = here.write(&small(size), 0).expect("begun");
            arriving.write(&vec![1; size]).expect("written");
            arriving.finish().expect("whole");
            assert!(here.has(&small(size)));
        }
        let mut broken = here.write(&small(64), 0).expect("begun");
        broken.write(&[1; 63]).expect("written");
        assert_eq!(broken.suspend().expect("nothing to keep"), 0);
        let files = fs::read_dir(folder.path().join("arriving")).expect("listable").flatten();
        assert_eq!(files.filter(|entry| entry.path().is_file()).count(), 0);
    }
}
