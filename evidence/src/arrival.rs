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
            if self.is_large(&object) {
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
    let awaited = Awaited::from(object);
    let saved = state::read(&awaited, bytes)?;
    Some((saved.committed, state::write(&awaited, saved.committed, &saved.hash)))
}

/// The resume state after the first bytes of an object, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn state_after(object: &ObjectDigest, start: &[u8]) -> Vec<u8> {
    let awaited = Awaited::from(object);
    state::write(&awaited, start.len() as u64, &<Sha256 as sha2::Digest>::new_with_prefix(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::durable::Disk;
    use std::fs;

    const INTERVAL: u64 = 64;

    /// The machine's disk, with every thread waiting for the others.
    struct InTurn;

    impl DurableFiles for InTurn {
        fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn DurableFile>> {
            Disk::AsUsual.open_at(path, offset)
        }
        fn create_folder(&self, path: &Path) -> io::Result<()> {
            Disk::AsUsual.create_folder(path)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            Disk::AsUsual.rename(from, to)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            Disk::AsUsual.remove(path)
        }
        fn sync_folder(&self, folder: &Path) -> io::Result<()> {
            Disk::AsUsual.sync_folder(folder)
        }
        fn is_in_turn(&self) -> bool {
            true
        }
    }

    fn arrivals(folder: &Path) -> Arrivals {
        arrivals_on(Arc::new(InTurn), folder)
    }

    fn arrivals_on(files: Arc<dyn DurableFiles>, folder: &Path) -> Arrivals {
        let arrivals = Arrivals::new(files, folder.join("arriving"), folder.join("whole"));
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
    fn a_killed_transfer_has_lost_no_more_than_some_intervals_and_hashes_nothing_again() {
        let folder = tempfile::tempdir().expect("a folder");
        for round in 1..=20 {
            let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
            let size = 40 * round;
            let from = usize::try_from(here.committed(&object())).expect("small");
            drop(send(&here, from.min(size), size));
            let committed = here.committed(&object());
            let most = INTERVALS_AHEAD * INTERVAL + 10;
            assert!(committed + most >= size as u64, "{committed} of {size} are durable");
            assert_eq!(here.hashed_bytes(), size.saturating_sub(from) as u64);
            if size > from {
                break_off_at(&here, committed);
            }
        }
        let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
        let committed = usize::try_from(here.committed(&object())).expect("small");
        send(&here, committed, 1000).finish().expect("the digest of all bytes");
        assert_eq!(here.hashed_bytes(), 1000 - committed as u64);
    }

    /// Nothing stands behind what is committed afterwards, as after a crash of the machine.
    fn break_off_at(here: &Arrivals, committed: u64) {
        let part = fs::OpenOptions::new().write(true).open(here.part_path(&object().name)).expect("a part");
        part.set_len(committed).expect("cut");
    }

    #[test]
    fn many_objects_become_durable_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
        let objects: Vec<(ObjectDigest, Vec<u8>)> = (0..SETTLED_AT_ONCE)
            .map(|at| {
                let content = vec![(at % 251) as u8; at % 60];
                let name = format!("data/EX-{at:04}.age");
                (
                    ObjectDigest { name, size_bytes: content.len() as u64, sha256: Digest::of(&content) },
                    content,
                )
            })
            .collect();
        let end = |(object, content): &(ObjectDigest, Vec<u8>)| {
            let mut arriving = here.write(object, 0).expect("begun");
            arriving.write(content).expect("written");
            arriving.end().expect("as announced")
        };
        let ended: Vec<Ended> = objects.iter().map(end).collect();
        assert!(objects.iter().all(|(object, _)| !here.has(object)), "not before they are durable");
        here.settle(ended).expect("settled");
        for (object, content) in &objects {
            assert!(here.has(object));
            assert_eq!(fs::read(folder.path().join("whole").join(&object.name)).expect("there"), *content);
        }
        assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
    }

    #[test]
    fn what_came_before_its_digest_was_known_is_taken_over_if_it_fits() {
        let folder = tempfile::tempdir().expect("a folder");
        let (early, here) = (arrivals(&folder.path().join("early")), arrivals(&folder.path().join("here")));
        let whole = object();
        let other = ObjectDigest { name: "data/EX-0002.age".to_owned(), ..object() };
        let broken = ObjectDigest { name: "data/EX-0003.age".to_owned(), ..object() };
        let unknown = |object: &ObjectDigest| Awaited { sha256: None, ..object.into() };
        let begin = |object: &ObjectDigest, from: usize, to: usize| {
            let mut arriving = early.write(unknown(object), from as u64).expect("begun");
            arriving.write(&content()[from..to]).expect("written");
            arriving
        };
        begin(&whole, 0, 1000).finish().expect("whole");
        begin(&broken, 0, 130).suspend().expect("kept");
        begin(&broken, 130, 200).suspend().expect("kept");
        let mut wrong = early.write(unknown(&other), 0).expect("begun");
        wrong.write(&[7; 1000]).expect("written");
        wrong.finish().expect("whole, whatever it is");
        let asked = [unknown(&whole), (&whole).into(), (&other).into(), unknown(&broken)];
        assert_eq!(early.committed_late(&asked).expect("listable"), [1000, 1000, 0, 200]);

        here.take_over(&early, &[whole.clone(), other.clone(), broken.clone()]).expect("taken over");
        let committed = [&whole, &other, &broken].map(|object| here.committed(object));
        assert_eq!(committed, [1000, 0, 200], "another digest is not taken over");
        early.discard().expect("removed");
        let mut rest = here.write(&broken, 200).expect("goes on");
        rest.write(&content()[200..]).expect("written");
        rest.finish().expect("the digest of all bytes");
        assert_eq!(here.hashed_bytes(), 800);
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
        let forged = state::write(&(&object()).into(), 130, &Sha256::new_with_prefix([9; 130]));
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
