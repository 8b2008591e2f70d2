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
use rogatory_evidence::ObjectDigest;
use rogatory_evidence::arrival::{ArrivalError, Arrivals, ArrivingObject, RESUME_INTERVAL_BYTES};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most objects of one package: 100,000 exhibits and what stands around them.
pub const MAX_OBJECTS: usize = 100_016;

/// How many objects one caller may be sending at once.
const WRITERS_A_CALLER: usize = 16;

/// The vault of one institution.
#[derive(Clone)]
pub struct Vault {
    root: PathBuf,
    files: Arc<dyn DurableFiles>,
    interval_bytes: u64,
    busy: Arc<Mutex<Busy>>,
}

/// What is being written, and what is being taken in: never both at one place, so that no byte of an
/// object can change after it was hashed, and no two calls move the folder of one package.
#[derive(Default)]
struct Busy {
    /// The objects being written, each with its caller.
    writing: HashMap<PathBuf, String>,
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
        Ok(Self { root, files, interval_bytes: RESUME_INTERVAL_BYTES, busy: Arc::default() })
    }

    /// The same, saving resume states after so many bytes.
    #[must_use]
    pub fn every(mut self, interval_bytes: u64) -> Self {
        self.interval_bytes = interval_bytes;
        self
    }

    /// Closes a transfer to writers while it is taken in as `package`, or removed.
    ///
    /// # Errors
    /// [`Reason::Raced`] if an object of it is still being written, or it or the package is being taken in already.
    pub fn close(&self, transfer: &str, package: Option<&PackageId>) -> Result<Closing, Problem> {
        let mut busy = lock(&self.busy);
        let folder = self.incoming(transfer);
        let written = busy.writing.keys().any(|path| path.starts_with(&folder));
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
        Arrivals::new(Arc::clone(&self.files), arriving, self.incoming(transfer)).every(self.interval_bytes)
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

    /// Begins to write an object of a transfer at `offset`, for `caller`; one writer an object.
    ///
    /// # Errors
    /// [`Reason::Raced`] if somebody writes it already or it stands at another offset, [`Reason::LimitReached`] if
    /// the caller writes too many; [`Problem`] if the disk refuses.
    pub fn write_object(
        &self,
        transfer: &str,
        object: &ObjectRow,
        offset: u64,
        caller: &str,
    ) -> Result<ObjectWriter, Problem> {
        let claim = self.claim(transfer, &self.incoming(transfer).join(&object.name), caller)?;
        let arriving = self.arrivals(transfer).write(&object.into(), offset).map_err(refused)?;
        Ok(ObjectWriter { arriving, _claim: claim })
    }

    fn claim(&self, transfer: &str, path: &Path, caller: &str) -> Result<Claim, Problem> {
        let mut busy = lock(&self.busy);
        if busy.closing.contains(transfer) || busy.writing.contains_key(path) {
            return Err(in_use("this object is being sent, or the package taken in, by another call"));
        }
        if busy.writing.values().filter(|writer| *writer == caller).count() >= WRITERS_A_CALLER {
            let what = format!("{caller} is sending {WRITERS_A_CALLER} objects already");
            return Err(Problem::new(Reason::LimitReached, what).with_hint("send the next when one is done"));
        }
        busy.writing.insert(path.to_owned(), caller.to_owned());
        Ok(Claim { path: path.to_owned(), busy: Arc::clone(&self.busy) })
    }

    /// Adds an object that this server made itself to a transfer that it has closed.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn add_object(&self, closing: &Closing, name: &str, bytes: &[u8]) -> Result<ObjectRow, Problem> {
        let object =
            ObjectRow { name: name.to_owned(), size_bytes: bytes.len() as u64, sha256: Digest::of(bytes) };
        let mut arriving = self.arrivals(&closing.transfer).write(&(&object).into(), 0).map_err(refused)?;
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

    /// Takes a package that no row names back into a transfer: a crash came before the row. Says
    /// whether there was one; its objects may have been hashed for somebody else, so the caller hashes
    /// them again.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn reclaim(&self, closing: &Closing, id: &PackageId) -> Result<bool, Problem> {
        let package = self.package(id);
        if !package.is_dir() {
            return Ok(false);
        }
        let incoming = self.incoming(&closing.transfer);
        self.files.remove(&incoming).map_err(disk)?;
        self.files.rename(&package, &incoming).map_err(disk)?;
        self.prepare(&closing.transfer)?;
        Ok(true)
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
    pub fn open_object(&self, id: &PackageId, name: &str) -> Result<File, Problem> {
        File::open(self.package(id).join(name))
            .map_err(|error| Problem::internal("an object of a package cannot be read", error))
    }
}

impl From<&ObjectRow> for ObjectDigest {
    fn from(row: &ObjectRow) -> Self {
        Self { name: row.name.clone(), size_bytes: row.size_bytes, sha256: row.sha256 }
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

/// While it lives, nobody else writes the object.
struct Claim {
    path: PathBuf,
    busy: Arc<Mutex<Busy>>,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.busy).writing.remove(&self.path);
    }
}

/// An object that is arriving. Dropped unfinished it stays where it was durable last.
pub struct ObjectWriter {
    arriving: ArrivingObject,
    // Dropped after the file: only then may another writer begin.
    _claim: Claim,
}

impl ObjectWriter {
    /// How much of the object is here, durable or not.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.arriving.written()
    }

    /// Writes and hashes the next bytes.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if more arrives than was announced; [`Problem`] if the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.arriving.write(bytes).map_err(refused)
    }

    /// Keeps what came of an object that broke off; tells how much is durable.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn suspend(self) -> Result<u64, Problem> {
        self.arriving.suspend().map_err(refused)
    }

    /// Makes the object durable under its final name, after checking size and digest.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if it is not what was announced; [`Problem`] if the disk refuses.
    pub fn finish(self) -> Result<(), Problem> {
        self.arriving.finish().map_err(refused)
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
