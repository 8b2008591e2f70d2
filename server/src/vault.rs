//! Sealed packages at rest: folders of objects, ciphertext only.
//!
//! ```text
//! vault/arriving/<transfer>/<object>   still arriving, beside its resume state
//! vault/incoming/<transfer>/<object>   durable, its digest checked
//! vault/packages/<package>/<object>    a whole package; named only after every object was checked
//! ```
//! Objects are durable here before any row names them. A crash leaves parts from which the next try goes on, or a
//! whole package that no row names yet; what no next try takes up, a worker removes in the end.

use crate::datastore::ObjectRow;
use crate::files::{DurableFiles, make_folder};
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::arrival::{
    ArrivalError, Arrivals, ArrivingObject, Awaited, Ended, RESUME_INTERVAL_BYTES, SETTLED_AT_ONCE,
};
use rogatory_evidence::limits::free_bytes;
use rogatory_evidence::passing::PassingFile;
use rogatory_evidence::{FolderSource, NoProgress, ObjectDigest, ObjectList, PackageError, object_list};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most objects of one package: 100,000 exhibits and what stands around them.
pub const MAX_OBJECTS: usize = 100_016;

/// How many streams of objects one caller may be sending at once.
const STREAMS_A_CALLER: usize = 16;
/// So many bytes of whole objects at most wait to be made durable together.
const SETTLED_BYTES: u64 = 16 * 1024 * 1024;

/// The vault of one institution.
#[derive(Clone)]
pub struct Vault {
    root: PathBuf,
    files: Arc<dyn DurableFiles>,
    interval_bytes: u64,
    busy: Arc<Mutex<Busy>>,
    hashed: Arc<AtomicU64>,
}

/// What is being written, and what is being taken in: never both at one place, so that no byte of an
/// object can change after it was hashed, and no two calls move the folder of one package.
#[derive(Default)]
struct Busy {
    /// The objects being written.
    writing: HashSet<PathBuf>,
    /// How many streams each caller sends.
    streams: HashMap<String, usize>,
    /// The transfers being taken in, and the packages they become.
    closing: HashSet<String>,
}

/// While it lives, nobody writes to the transfer, and nobody else takes in its package.
pub struct Closing {
    transfer: String,
    package: Option<PackageId>,
    busy: Arc<Mutex<Busy>>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut busy = lock(&self.busy);
        busy.closing.remove(&self.transfer);
        if let Some(package) = &self.package {
            busy.closing.remove(package.as_str());
        }
    }
}

fn lock(busy: &Mutex<Busy>) -> MutexGuard<'_, Busy> {
    // The sets are whole whenever the lock is free, even after a panic elsewhere.
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vault {
    /// Opens the vault in `root`, whose folders are made if need be.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn open(root: PathBuf, files: Arc<dyn DurableFiles>) -> Result<Self, Problem> {
        // Synced at every start: an earlier one may have been killed before the names were durable.
        make_folder(files.as_ref(), &root).map_err(disk)?;
        for folder in ["arriving", "incoming", "packages"] {
            files.create_folder(&root.join(folder)).map_err(disk)?;
        }
        files.sync_folder(&root).map_err(disk)?;
        Ok(Self {
            root,
            files,
            interval_bytes: RESUME_INTERVAL_BYTES,
            busy: Arc::default(),
            hashed: Arc::default(),
        })
    }

    /// The same, saving resume states after so many bytes.
    #[must_use]
    pub fn every(mut self, interval_bytes: u64) -> Self {
        self.interval_bytes = interval_bytes;
        self
    }

    /// How many bytes of arriving objects were hashed since the vault was opened: each that came once, none that was
    /// here before.
    #[must_use]
    pub fn hashed_bytes(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Whether the vault takes files.
    ///
    /// # Errors
    /// As the file system says.
    pub fn probe(&self) -> io::Result<()> {
        let path = self.root.join("probe");
        self.files.open_at(&path, 0)?.write_all(b"probe")?;
        self.files.remove(&path)
    }

    /// Where it lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Closes a transfer to writers while it is taken in as `package`, or removed.
    ///
    /// # Errors
    /// [`Reason::Raced`] if an object of it is still being written, or it or the package is being taken in already.
    pub fn close(&self, transfer: &str, package: Option<&PackageId>) -> Result<Closing, Problem> {
        let mut busy = lock(&self.busy);
        let folder = self.incoming(transfer);
        let written = busy.writing.iter().any(|path| path.starts_with(&folder));
        let taken = package.is_some_and(|package| busy.closing.contains(package.as_str()));
        if written || taken || !busy.closing.insert(transfer.to_owned()) {
            return Err(in_use("this package is still being sent, or taken in by another call"));
        }
        busy.closing.extend(package.map(|package| package.as_str().to_owned()));
        Ok(Closing { transfer: transfer.to_owned(), package: package.cloned(), busy: Arc::clone(&self.busy) })
    }

    /// The folder of a transfer's whole objects.
    #[must_use]
    pub fn incoming(&self, transfer: &str) -> PathBuf {
        self.root.join("incoming").join(transfer)
    }

    /// The folder of a package.
    #[must_use]
    pub fn package(&self, id: &PackageId) -> PathBuf {
        self.root.join("packages").join(id.as_str())
    }

    fn arrivals(&self, transfer: &str) -> Arrivals {
        let arriving = self.root.join("arriving").join(transfer);
        Arrivals::new(Arc::clone(&self.files), arriving, self.incoming(transfer))
            .every(self.interval_bytes)
            .counting(&self.hashed)
    }

    /// Makes the folders of a transfer, and durable what an earlier run left there.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn prepare(&self, transfer: &str) -> Result<(), Problem> {
        self.arrivals(transfer).prepare().map_err(disk)
    }

    /// Whether an object of a transfer is durable and checked.
    #[must_use]
    pub fn has(&self, transfer: &str, object: &ObjectRow) -> bool {
        self.arrivals(transfer).has(&object.into())
    }

    /// The same of an object that is arriving; one whose digest is not known yet is never taken for here.
    #[must_use]
    pub fn has_awaited(&self, transfer: &str, object: &Awaited) -> bool {
        object.sha256.is_some_and(|sha256| {
            let (name, size_bytes) = (object.name.clone(), object.size_bytes);
            self.arrivals(transfer).has(&ObjectDigest { name, size_bytes, sha256 })
        })
    }

    /// How many bytes of each object are durable here, of a package that is still being sealed.
    ///
    /// # Errors
    /// [`Problem`] if the folders cannot be listed.
    pub fn committed_late(&self, transfer: &str, objects: &[Awaited]) -> Result<Vec<u64>, Problem> {
        self.arrivals(transfer).committed_late(objects).map_err(disk)
    }

    /// Refuses what the disk has no room for.
    ///
    /// # Errors
    /// [`Reason::LimitReached`], with both numbers.
    pub fn demand_room(&self, needed_bytes: u64) -> Result<(), Problem> {
        match free_bytes(&self.root).filter(|free| *free < needed_bytes) {
            None => Ok(()),
            Some(free) => {
                let what = format!("{needed_bytes} bytes are to come, and the server's disk has {free} free");
                Err(Problem::new(Reason::LimitReached, what).with_hint(
                    "the operator makes room; what is durable stays, and sending goes on from there",
                ))
            }
        }
    }

    /// Whether anything came while the package of a sealing was being sealed.
    #[must_use]
    pub fn holds(&self, sealing: &str) -> bool {
        self.incoming(sealing).is_dir()
    }

    /// Takes over into a transfer what came of its objects while their package was being sealed.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn take_over(
        &self,
        sealing: &Closing,
        transfer: &Closing,
        objects: &[ObjectRow],
    ) -> Result<(), Problem> {
        let objects: Vec<ObjectDigest> = objects.iter().map(Into::into).collect();
        let here = self.arrivals(&transfer.transfer);
        here.prepare().map_err(disk)?;
        here.take_over(&self.arrivals(&sealing.transfer), &objects).map_err(disk)
    }

    /// How many bytes of each object of a transfer are durable here, or stand in the folder of the package that no row
    /// names: then a crash came before the row, and the package is hashed again before it is believed.
    #[must_use]
    pub fn committed(&self, transfer: &str, objects: &[ObjectRow], unnamed: Option<&PackageId>) -> Vec<u64> {
        let arrivals = self.arrivals(transfer);
        let stranded = unnamed.map(|id| self.package(id)).filter(|folder| folder.is_dir());
        let stands = |object: &ObjectRow| {
            stranded.as_ref().is_some_and(|folder| {
                std::fs::symlink_metadata(folder.join(&object.name))
                    .is_ok_and(|there| there.is_file() && there.len() == object.size_bytes)
            })
        };
        objects
            .iter()
            .map(|object| if stands(object) { object.size_bytes } else { arrivals.committed(&object.into()) })
            .collect()
    }

    /// Begins to take objects of a transfer from `caller`, one after another.
    ///
    /// # Errors
    /// [`Reason::LimitReached`] if the caller sends too many streams at once.
    pub fn stream(&self, transfer: &str, caller: &str) -> Result<ObjectStream, Problem> {
        let mut busy = lock(&self.busy);
        let streams = busy.streams.entry(caller.to_owned()).or_default();
        if *streams >= STREAMS_A_CALLER {
            let what = format!("{caller} is sending {STREAMS_A_CALLER} objects already");
            return Err(Problem::new(Reason::LimitReached, what).with_hint("send the next when one is done"));
        }
        *streams += 1;
        drop(busy);
        let claims = Claims { paths: Vec::new(), caller: caller.to_owned(), busy: Arc::clone(&self.busy) };
        Ok(ObjectStream {
            arrivals: self.arrivals(transfer),
            folder: self.incoming(transfer),
            transfer: transfer.to_owned(),
            current: None,
            ended: Vec::new(),
            ended_bytes: 0,
            claims,
        })
    }

    /// Adds an object that this server made itself to a transfer that it has closed.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn add_object(&self, closing: &Closing, name: &str, bytes: &[u8]) -> Result<ObjectRow, Problem> {
        let object =
            ObjectRow { name: name.to_owned(), size_bytes: bytes.len() as u64, sha256: Digest::of(bytes) };
        let mut arriving = self.arrivals(&closing.transfer).write(&object, 0).map_err(refused)?;
        arriving.write(bytes).map_err(refused)?;
        arriving.finish().map_err(refused)?;
        Ok(object)
    }

    /// Gives a transfer whose every object was checked its final name as a package.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn adopt(&self, closing: &Closing, id: &PackageId) -> Result<(), Problem> {
        self.arrivals(&closing.transfer).place(&self.package(id)).map_err(disk)
    }

    /// Takes a package that no row names back into a transfer: a crash came before the row. Its objects may have been
    /// hashed for somebody else. So they are hashed again, where they lie: only if they are `objects`, with nothing
    /// beside them but `own`, which this server adds itself, do they become objects of the transfer. Whenever a crash
    /// comes, nothing stands there that was not hashed for it.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if they are others: then they are let go, so that the sender can begin anew.
    /// [`Problem`] if the disk refuses.
    pub fn reclaim(
        &self,
        closing: &Closing,
        id: &PackageId,
        objects: &[ObjectRow],
        own: &[&str],
    ) -> Result<(), Problem> {
        let package = self.package(id);
        if !package.is_dir() {
            return Ok(());
        }
        if !holds_exactly(&package, objects, own)? {
            self.files.remove(&package).map_err(disk)?;
            let what = "what is stored is not the package that was announced";
            return Err(Problem::new(Reason::MalformedPackage, what)
                .with_hint("announce the package and send it again: what was stored is gone"));
        }
        let incoming = self.incoming(&closing.transfer);
        self.files.remove(&incoming).map_err(disk)?;
        self.files.rename(&package, &incoming).map_err(disk)?;
        self.prepare(&closing.transfer)
    }

    /// Removes objects that this server added to a transfer before a crash.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn remove_objects(&self, closing: &Closing, names: &[&str]) -> Result<(), Problem> {
        let folder = self.incoming(&closing.transfer);
        names.iter().try_for_each(|name| self.files.remove(&folder.join(name))).map_err(disk)
    }

    /// Lets a transfer go: what it held is here already, was answered with a negative receipt, or was
    /// never completed.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn discard(&self, closing: &Closing) -> Result<(), Problem> {
        self.arrivals(&closing.transfer).discard().map_err(disk)
    }

    /// Removes the folder of a package that no row names.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses, or the transfer was not closed as this package.
    pub fn discard_unnamed(&self, closing: &Closing, id: &PackageId) -> Result<(), Problem> {
        if closing.package.as_ref() != Some(id) {
            return Err(Problem::internal("a package cannot be removed", "it was not closed"));
        }
        self.files.remove(&self.package(id)).map_err(disk)
    }

    /// Removes a package whose case was erased; it is no error if it is gone.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn erase_package(&self, id: &PackageId) -> Result<(), Problem> {
        let package = self.package(id);
        self.files.remove(&package).map_err(disk)?;
        self.files.sync_folder(&self.root.join("packages")).map_err(disk)
    }

    /// The transfers of which something lies here.
    ///
    /// # Errors
    /// [`Problem`] if the folders cannot be listed.
    pub fn transfers(&self) -> Result<BTreeSet<String>, Problem> {
        let mut found = BTreeSet::new();
        for folder in ["arriving", "incoming"] {
            match std::fs::read_dir(self.root.join(folder)) {
                Ok(entries) => {
                    found.extend(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(Problem::internal("the vault cannot be listed", error)),
            }
        }
        Ok(found)
    }

    /// Opens an object of a package.
    ///
    /// # Errors
    /// [`Problem`] if it is not there.
    pub fn open_object(&self, id: &PackageId, name: &str) -> Result<PassingFile, Problem> {
        File::open(self.package(id).join(name))
            .map(PassingFile::new)
            .map_err(|error| Problem::internal("an object of a package cannot be read", error))
    }
}

/// Whether a folder holds these objects, each byte hashed, and none beside them but those in `own`.
///
/// # Errors
/// [`Problem`] if the disk fails: what was not read is neither these objects nor others.
fn holds_exactly(folder: &Path, objects: &[ObjectRow], own: &[&str]) -> Result<bool, Problem> {
    let hashed = FolderSource::open(folder).and_then(|source| object_list(&source, &mut NoProgress));
    let found = match hashed {
        Ok(ObjectList(found)) => found,
        Err(error @ PackageError::Io { .. }) => {
            return Err(Problem::internal("what is stored of a package cannot be read", error));
        }
        Err(_) => return Ok(false),
    };
    let mut announced: HashMap<&str, &ObjectRow> =
        objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let fits = |here: &ObjectDigest| match announced.remove(here.name.as_str()) {
        Some(object) => here.sha256 == object.sha256 && here.size_bytes == object.size_bytes,
        None => own.contains(&here.name.as_str()),
    };
    Ok(found.iter().all(fits) && announced.is_empty())
}

impl From<&ObjectRow> for ObjectDigest {
    fn from(row: &ObjectRow) -> Self {
        Self { name: row.name.clone(), size_bytes: row.size_bytes, sha256: row.sha256 }
    }
}

impl From<&ObjectRow> for Awaited {
    fn from(row: &ObjectRow) -> Self {
        Self { name: row.name.clone(), size_bytes: row.size_bytes, sha256: Some(row.sha256) }
    }
}

/// The operating system's word about the disk; a full one is said plainly.
fn disk(error: io::Error) -> Problem {
    if error.kind() == io::ErrorKind::StorageFull {
        Problem::new(Reason::LimitReached, "the server's disk is full")
            .with_hint("the operator makes room; what is durable stays, and sending goes on from there")
    } else {
        Problem::internal("the vault cannot be written", error)
    }
}

/// Why an object is not taken, as our caller is told.
fn refused(error: ArrivalError) -> Problem {
    match error {
        ArrivalError::Io { source, .. } => disk(source),
        ArrivalError::Offset { .. } => Problem::new(Reason::Raced, error.to_string())
            .with_hint("announce the package again and send from what is told"),
        ArrivalError::TooLong { .. } | ArrivalError::TooShort { .. } | ArrivalError::OtherDigest { .. } => {
            Problem::new(Reason::MalformedPackage, error.to_string())
                .with_hint("send the package again; if it fails again, check the file that is sent")
        }
    }
}

fn in_use(what: &str) -> Problem {
    Problem::new(Reason::Raced, what).with_hint("wait until the other call has ended, then repeat")
}

/// While it lives, nobody else writes these objects.
struct Claims {
    paths: Vec<PathBuf>,
    caller: String,
    busy: Arc<Mutex<Busy>>,
}

impl Claims {
    fn add(&mut self, transfer: &str, path: PathBuf) -> Result<(), Problem> {
        let mut busy = lock(&self.busy);
        if busy.closing.contains(transfer) || !busy.writing.insert(path.clone()) {
            return Err(in_use("this object is being sent, or the package taken in, by another call"));
        }
        drop(busy);
        self.paths.push(path);
        Ok(())
    }

    fn let_go(&mut self) {
        let mut busy = lock(&self.busy);
        for path in self.paths.drain(..) {
            busy.writing.remove(&path);
        }
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.let_go();
        let mut busy = lock(&self.busy);
        if let Some(streams) = busy.streams.get_mut(&self.caller) {
            *streams -= 1;
            if *streams == 0 {
                busy.streams.remove(&self.caller);
            }
        }
    }
}

/// Objects of a transfer that arrive one after another. Small ones become durable together. Dropped, it keeps of the
/// last what was durable, and nothing of those that were whole and not durable yet: no caller was told of them.
pub struct ObjectStream {
    arrivals: Arrivals,
    folder: PathBuf,
    transfer: String,
    current: Option<ArrivingObject>,
    /// Whole, and not durable yet.
    ended: Vec<Ended>,
    ended_bytes: u64,
    // Dropped after the files: only then may another writer begin.
    claims: Claims,
}

impl ObjectStream {
    /// Begins the next object at `offset`; one writer an object.
    ///
    /// # Errors
    /// [`Reason::Raced`] if somebody writes it already or it stands at another offset; [`Problem`] if the disk refuses.
    pub fn begin(&mut self, object: impl Into<Awaited>, offset: u64) -> Result<(), Problem> {
        let object = object.into();
        self.claims.add(&self.transfer, self.folder.join(&object.name))?;
        self.current = Some(self.arrivals.write(object, offset).map_err(refused)?);
        Ok(())
    }

    /// How much of the present object is here, durable or not.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.current.as_ref().map_or(0, ArrivingObject::written)
    }

    /// Writes and hashes the next bytes of the present object.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if more arrives than was announced; [`Problem`] if the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.current.as_mut().map_or(Ok(()), |current| current.write(bytes)).map_err(refused)
    }

    /// Checks size and digest of the present object, which has come. It is durable after [`ObjectStream::finish`].
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if it is not what was announced; [`Problem`] if the disk refuses.
    pub fn end(&mut self) -> Result<(), Problem> {
        let Some(current) = self.current.take() else { return Ok(()) };
        let ended = current.end().map_err(refused)?;
        self.ended_bytes = self.ended_bytes.saturating_add(ended.size_bytes());
        self.ended.push(ended);
        if self.ended.len() >= SETTLED_AT_ONCE || self.ended_bytes >= SETTLED_BYTES {
            self.settle()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Problem> {
        self.ended_bytes = 0;
        self.arrivals.settle(std::mem::take(&mut self.ended)).map_err(refused)?;
        self.claims.let_go();
        Ok(())
    }

    /// Makes all that has come durable under their final names, after checking the last.
    ///
    /// # Errors
    /// As [`ObjectStream::end`].
    pub fn finish(mut self) -> Result<(), Problem> {
        self.end()?;
        self.settle()
    }

    /// Keeps what came of an object that broke off, and those before it; tells how much of it is durable.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn suspend(mut self) -> Result<u64, Problem> {
        let current = self.current.take().map_or(Ok(0), ArrivingObject::suspend).map_err(refused);
        self.settle()?;
        current
    }
}

/// Whether `name` is one that an object of a package may have: neutral, and nothing a path could escape by.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    const FIXED: [&str; 8] = [
        "mimetype",
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
        "transmittal.json",
        "index.age",
        "META-INF/ASiCManifest001.xml",
    ];
    const SIGNATURES: [&str; 3] =
        ["META-INF/signature001.p7s", "META-INF/ASiCManifest002.xml", "META-INF/signature002.p7s"];
    let is_exhibit = |rest: &str| {
        rest.strip_suffix(".age").is_some_and(|number| {
            (4..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    FIXED.contains(&name)
        || SIGNATURES.contains(&name)
        || name.strip_prefix("data/EX-").is_some_and(is_exhibit)
}

/// The whole of a small object.
///
/// # Errors
/// [`Problem`] if it cannot be read or is longer than `limit`.
pub fn read_small(folder: &Path, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    let failed = |error| Problem::internal("an object of a package cannot be read", error);
    let path = folder.join(name);
    if std::fs::metadata(&path).map_err(failed)?.len() > limit {
        return Err(Problem::new(
            Reason::LimitReached,
            format!("`{name}` is longer than a package may have it"),
        ));
    }
    std::fs::read(&path).map_err(failed)
}
