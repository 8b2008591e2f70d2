//! Sealed packages at rest: folders of objects, ciphertext only.
//!
//! ```text
//! vault/incoming/<transfer>/<object>        durable, its digest checked
//! vault/incoming/<transfer>/<object>.part   still arriving; worth nothing after a crash
//! vault/packages/<package>/<object>         a whole package; named only after every object was checked
//! ```
//! Objects are durable here before any row names them. A crash leaves parts, or a whole package that
//! no row names yet; both are taken up by the next try.

use crate::datastore::ObjectRow;
use crate::files::{DurableFiles, temporary_name, write_whole};
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, PackageId};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write};
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
    busy: Arc<Mutex<Busy>>,
}

/// What is being written, and which transfers are being taken in: never both at one place, so that
/// no byte of an object can change after it was hashed.
#[derive(Default)]
struct Busy {
    /// The objects being written, each with its caller.
    writing: HashMap<PathBuf, String>,
    /// The transfers being taken in.
    closing: HashSet<String>,
}

/// While it lives, nobody writes to the transfer.
pub struct Closing {
    transfer: String,
    busy: Arc<Mutex<Busy>>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        lock(&self.busy).closing.remove(&self.transfer);
    }
}

fn lock(busy: &Mutex<Busy>) -> MutexGuard<'_, Busy> {
    // The sets are whole whenever the lock is free, even after a panic elsewhere.
    busy.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Vault {
    /// The vault in `root`.
    #[must_use]
    pub fn new(root: PathBuf, files: Arc<dyn DurableFiles>) -> Self {
        Self { root, files, busy: Arc::default() }
    }

    /// Closes a transfer to writers while it is taken in.
    ///
    /// # Errors
    /// [`Reason::Raced`] if an object of it is still being written, or it is being taken in already.
    pub fn close(&self, transfer: &str) -> Result<Closing, Problem> {
        let mut busy = lock(&self.busy);
        let folder = self.incoming(transfer);
        let written = busy.writing.keys().any(|path| path.starts_with(&folder));
        if written || !busy.closing.insert(transfer.to_owned()) {
            return Err(in_use("this package is still being sent, or taken in by another call"));
        }
        Ok(Closing { transfer: transfer.to_owned(), busy: Arc::clone(&self.busy) })
    }

    /// The folder of a transfer.
    #[must_use]
    pub fn incoming(&self, transfer: &str) -> PathBuf {
        self.root.join("incoming").join(transfer)
    }

    /// The folder of a package.
    #[must_use]
    pub fn package(&self, id: &PackageId) -> PathBuf {
        self.root.join("packages").join(id.as_str())
    }

    /// Whether an object of a transfer is durable and checked.
    #[must_use]
    pub fn has(&self, transfer: &str, object: &ObjectRow) -> bool {
        self.incoming(transfer).join(&object.name).is_file()
    }

    /// Begins to write an object of a transfer, for `caller`; one writer an object.
    ///
    /// # Errors
    /// [`Reason::Raced`] if somebody writes it already, [`Reason::LimitReached`] if the caller writes too
    /// many; [`Problem`] if the disk refuses.
    pub fn write_object(
        &self,
        transfer: &str,
        object: &ObjectRow,
        caller: &str,
    ) -> Result<ObjectWriter, Problem> {
        let path = self.incoming(transfer).join(&object.name);
        let claim = self.claim(transfer, &path, caller)?;
        let temporary = temporary_name(&path);
        let file = self.files.open_at(&temporary, 0).map_err(disk)?;
        Ok(ObjectWriter {
            _claim: claim,
            files: Arc::clone(&self.files),
            object: object.clone(),
            path,
            temporary,
            file,
            hash: Sha256::new(),
            written: 0,
        })
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
        let path = self.incoming(&closing.transfer).join(name);
        write_whole(self.files.as_ref(), &path, bytes).map_err(disk)?;
        Ok(object)
    }

    /// Gives a transfer whose every object was checked its final name as a package.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn adopt(&self, closing: &Closing, id: &PackageId) -> Result<(), Problem> {
        let (from, to) = (self.incoming(&closing.transfer), self.package(id));
        self.files.rename(&from, &to).map_err(disk)
    }

    /// Takes a package that no row names back into a transfer: a crash came before the row. Says
    /// whether there was one; its objects may have been hashed for somebody else, so the caller hashes
    /// them again.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn reclaim(&self, closing: &Closing, id: &PackageId) -> Result<bool, Problem> {
        let (incoming, package) = (self.incoming(&closing.transfer), self.package(id));
        if !package.is_dir() {
            return Ok(false);
        }
        self.files.remove(&incoming).map_err(disk)?;
        self.files.rename(&package, &incoming).map_err(disk)?;
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

    /// Lets a transfer go: what it held is here already, or was answered with a negative receipt.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses.
    pub fn discard(&self, closing: &Closing) -> Result<(), Problem> {
        self.files.remove(&self.incoming(&closing.transfer)).map_err(disk)
    }

    /// Opens an object of a package.
    ///
    /// # Errors
    /// [`Problem`] if it is not there.
    pub fn open(&self, id: &PackageId, name: &str) -> Result<File, Problem> {
        File::open(self.package(id).join(name))
            .map_err(|error| Problem::internal("an object of a package cannot be read", error))
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

/// An object that is arriving. Dropped unfinished it leaves nothing.
pub struct ObjectWriter {
    // Dropped with the file, after the part was removed: only then may another writer begin.
    _claim: Claim,
    files: Arc<dyn DurableFiles>,
    object: ObjectRow,
    path: PathBuf,
    temporary: PathBuf,
    file: File,
    hash: Sha256,
    written: u64,
}

impl ObjectWriter {
    /// Writes and hashes the next bytes.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if more arrives than was announced; [`Problem`] if the disk refuses.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.written > self.object.size_bytes {
            return Err(self.mismatch("is longer than announced"));
        }
        self.hash.update(bytes);
        self.file.write_all(bytes).map_err(disk)
    }

    /// Makes the object durable under its final name, after checking size and digest.
    ///
    /// # Errors
    /// [`Reason::MalformedPackage`] if it is not what was announced; [`Problem`] if the disk refuses.
    pub fn finish(mut self) -> Result<(), Problem> {
        if self.written != self.object.size_bytes {
            return Err(self.mismatch("is shorter than announced"));
        }
        let digest = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into());
        if digest != self.object.sha256 {
            return Err(self.mismatch("has another digest than announced"));
        }
        self.files.sync(&self.file).map_err(disk)?;
        self.files.rename(&self.temporary, &self.path).map_err(disk)
    }

    fn mismatch(&self, what: &str) -> Problem {
        Problem::new(Reason::MalformedPackage, format!("`{}` {what}", self.object.name))
            .with_hint("send the package again; if it fails again, check the file that is sent")
    }
}

impl Drop for ObjectWriter {
    fn drop(&mut self) {
        // After a finished object the temporary name is gone, and removing it again is no error.
        if let Err(error) = self.files.remove(&self.temporary) {
            tracing::warn!(%error, "a part of an object could not be removed");
        }
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
