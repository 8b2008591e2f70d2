//! Case keys, wrapped, outside the database and its backups.
//!
//! ```text
//! 000001.keys   record, record, …      at most 4096 records; the next file then
//! record        length u16 ‖ length of the case u8 ‖ case ‖ wrapped key ‖ first 8 bytes of SHA-256 of all that
//! wrapped key   the case key under the office's key-encryption key, bound to the case
//! ```
//! A key is drawn in memory ([`KeyStore::create`]) and durable before the transaction that first uses it
//! commits ([`KeyStore::sync`]): one write and one sync for all the keys of a group of acts. A crash in
//! between leaves a key that nothing uses, or a torn record, after which the next file is begun.
//!
//! Erasing a case ([`KeyStore::erase`]) writes zeros over its wrapped key, in place and synced, with a check that fits:
//! the record says from then on that this case had a key and was erased, and none is ever drawn for it again. A stop
//! in between leaves a record that is torn, or as it was; the erasure, which is committed before, is done again at the
//! next start. So the files as they are now are the only generation there is: a backup of them is replaced at each
//! erasure. Never writes a key in clear.

use crate::files::{DurableFile, DurableFiles, make_folder};
use crate::problem::{Problem, Reason};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use rogatory_core::Digest;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
/// How many unwrapped keys are kept at hand.
const CACHED_KEYS: usize = 4096;
/// How many records a file holds before the next is begun, so that one can be written again quickly.
const RECORDS_A_FILE: usize = 4096;
/// The end of a record by which a torn or changed one is told.
const CHECK_BYTES: usize = 8;

/// The key of one case, in clear, in memory only.
#[derive(Clone)]
pub struct CaseKey(Arc<Zeroizing<[u8; KEY_BYTES]>>);

impl CaseKey {
    /// The bytes from which the custody tag key is derived.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Encrypts `clear` for the place named by `place`; the answer is nonce ‖ ciphertext ‖ tag.
    ///
    /// # Errors
    /// [`Problem`] if the library refuses, which it does only without randomness.
    pub fn encrypt(&self, place: &str, clear: &[u8]) -> Result<Vec<u8>, Problem> {
        seal(&self.0, place, clear)
    }

    /// Decrypts what [`CaseKey::encrypt`] made for the same place.
    ///
    /// # Errors
    /// [`Problem`] if the bytes were changed or belong to another place or case.
    pub fn decrypt(&self, place: &str, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
        unseal(&self.0, place, bytes)
    }
}

fn unusable(what: &'static str) -> Problem {
    Problem::internal(what, "authenticated encryption failed")
}

fn was_erased(case: &str) -> Problem {
    Problem::new(Reason::WrongStage, format!("case {case} was erased"))
        .with_hint("its leaves stay in the custody log; `rogatory custody export` shows them")
}

fn seal(key: &[u8; KEY_BYTES], place: &str, clear: &[u8]) -> Result<Vec<u8>, Problem> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| unusable("a key is unusable"))?;
    let mut bytes = clear.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut bytes)
        .map_err(|_| unusable("encryption at rest failed"))?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + bytes.len());
    sealed.extend_from_slice(nonce.as_ref());
    sealed.extend_from_slice(&bytes);
    Ok(sealed)
}

fn unseal(key: &[u8; KEY_BYTES], place: &str, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| unusable("a key is unusable"))?;
    let (nonce, rest) = bytes
        .split_first_chunk::<NONCE_LEN>()
        .ok_or_else(|| unusable("stored bytes are too short to decrypt"))?;
    let mut rest = rest.to_vec();
    let clear = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut rest)
        .map_err(|_| unusable("stored bytes do not decrypt: they were changed, or belong elsewhere"))?
        .len();
    rest.truncate(clear);
    Ok(rest)
}

/// Where a record lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    file: u32,
    offset: u32,
    length: u16,
}

/// What is written to, with what waits to be.
#[derive(Default)]
struct Shelf {
    /// By the first 16 bytes of the SHA-256 of the case.
    places: HashMap<[u8; 16], Place>,
    /// The cases that were erased, or are just being: they have no key, and get none.
    erased: HashSet<[u8; 16]>,
    /// The file that is written to; 0 before the first.
    file: u32,
    /// How far it is durable.
    length: u32,
    records: usize,
    /// Open from the first sync on; none after a failure, when another file is begun.
    open: Option<Box<dyn DurableFile>>,
    /// Records that wait for the next sync.
    waiting: Vec<u8>,
    /// Where each of them lies in `waiting`.
    drawn: Vec<(String, u32, u16)>,
    /// Their keys, which no file holds yet.
    keys: HashMap<String, CaseKey>,
}

impl Shelf {
    /// What comes next goes to a file of its own.
    fn begin_next_file(&mut self) {
        self.open = None;
        self.file += 1;
        (self.length, self.records) = (0, 0);
    }
}

/// The folder of wrapped case keys.
pub struct KeyStore {
    folder: PathBuf,
    files: Arc<dyn DurableFiles>,
    wrapping: Zeroizing<[u8; KEY_BYTES]>,
    unwrapped: Mutex<HashMap<String, CaseKey>>,
    shelf: Mutex<Shelf>,
}

impl KeyStore {
    /// Opens the store in `folder` with the office's key-encryption key. Writes nothing.
    ///
    /// # Errors
    /// [`Problem`] unless the key has 32 bytes, or if what is there cannot be read.
    pub fn open(folder: &Path, files: Arc<dyn DurableFiles>, wrapping: &[u8]) -> Result<Self, Problem> {
        let wrapping: [u8; KEY_BYTES] = wrapping
            .try_into()
            .map_err(|_| Problem::internal("the key-encryption key has not 32 bytes", "wrong length"))?;
        let store = Self {
            folder: folder.to_owned(),
            files,
            wrapping: Zeroizing::new(wrapping),
            unwrapped: Mutex::default(),
            shelf: Mutex::default(),
        };
        store.read_again()?;
        Ok(store)
    }

    /// Reads anew what lies in the folder, since another server of this office may have drawn keys meanwhile. What was
    /// drawn here and not synced is forgotten: nothing that is committed was encrypted under it.
    ///
    /// # Errors
    /// [`Problem`] if what is there cannot be read.
    pub fn read_again(&self) -> Result<(), Problem> {
        // Held from the first file to the last: an erasure in between would be forgotten.
        let mut shelf = self.shelf();
        *shelf = self.read_all().map_err(|error| Problem::internal("the case keys cannot be read", error))?;
        self.cache().clear();
        Ok(())
    }

    /// Notes where every key lies, and where the next goes.
    fn read_all(&self) -> io::Result<Shelf> {
        let mut shelf = Shelf::default();
        for file in self.numbers()? {
            let bytes = fs::read(self.path(file))?;
            let mut whole = 0;
            let mut records = 0;
            for (offset, record) in Records::of(&bytes) {
                // Files are rolled long before their lengths exceed 32 bits.
                let (Ok(at), Ok(length)) = (u32::try_from(offset), u16::try_from(record.bytes.len())) else {
                    break;
                };
                whole = offset + record.bytes.len();
                records += 1;
                let place = Place { file, offset: at, length };
                if record.is_erased() {
                    shelf.places.remove(&index_of(record.case));
                    shelf.erased.insert(index_of(record.case));
                } else if record.is_sound() {
                    shelf.places.insert(index_of(record.case), place);
                } else {
                    // Known to be there, and to be damaged when it is asked for.
                    shelf.places.entry(index_of(record.case)).or_insert(place);
                }
            }
            shelf.file = file;
            shelf.length = u32::try_from(whole).map_err(io::Error::other)?;
            shelf.records = records;
            if whole != bytes.len() {
                // Nothing is cut off or written behind what is not whole: it may be a torn end, or damage before keys
                // that somebody can still save.
                shelf.begin_next_file();
            }
        }
        Ok(shelf)
    }

    /// The numbers of the files, in order.
    fn numbers(&self) -> io::Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".keys")).map(str::parse);
            if let Some(Ok(number)) = number {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The key of `case`.
    ///
    /// # Errors
    /// [`Problem`] if there is none, or it was changed.
    pub fn key(&self, case: &str) -> Result<CaseKey, Problem> {
        if let Some(key) = self.cache().get(case) {
            return Ok(key.clone());
        }
        let place = {
            let shelf = self.shelf();
            if shelf.erased.contains(&index_of(case)) {
                return Err(was_erased(case));
            }
            if let Some(key) = shelf.keys.get(case) {
                return Ok(key.clone());
            }
            shelf.places.get(&index_of(case)).copied()
        };
        let unreadable = |error| Problem::internal("the key of a case cannot be read", error);
        let place = place.ok_or_else(|| unreadable(io::Error::from(io::ErrorKind::NotFound)))?;
        let bytes = self.read_record(place).map_err(unreadable)?;
        let record = Records::of(&bytes).next().map(|(_, record)| record);
        let record = record
            .filter(|record| record.is_sound() && record.case == case.as_bytes())
            .ok_or_else(|| unusable("the key of a case was changed"))?;
        let clear = Zeroizing::new(unseal(&self.wrapping, case, record.wrapped)?);
        let key: [u8; KEY_BYTES] =
            clear.as_slice().try_into().map_err(|_| unusable("the key of a case has a wrong length"))?;
        let shelf = self.shelf();
        if shelf.erased.contains(&index_of(case)) {
            // It was erased while it was read: it must not come back into the cache.
            return Err(was_erased(case));
        }
        Ok(self.remember(case, CaseKey(Arc::new(Zeroizing::new(key)))))
    }

    fn read_record(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(self.path(place.file))?;
        file.seek(SeekFrom::Start(place.offset.into()))?;
        let mut bytes = vec![0; place.length.into()];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether there is a key of `case`, usable or not.
    #[must_use]
    pub fn knows(&self, case: &str) -> bool {
        let shelf = self.shelf();
        shelf.keys.contains_key(case) || shelf.places.contains_key(&index_of(case))
    }

    /// The cases of one file of the store after another, as the files name them; none after the last.
    ///
    /// # Errors
    /// [`Problem`] if a file cannot be read.
    pub fn cases(&self, nth_file: usize) -> Result<Option<Vec<String>>, Problem> {
        let failed = |error| Problem::internal("the case keys cannot be read", error);
        let Some(file) = self.numbers().map_err(failed)?.get(nth_file).copied() else { return Ok(None) };
        let bytes = fs::read(self.path(file)).map_err(failed)?;
        let sound = Records::of(&bytes).filter(|(_, record)| record.is_sound() && !record.is_erased());
        Ok(Some(sound.map(|(_, record)| String::from_utf8_lossy(record.case).into_owned()).collect()))
    }

    /// The key of `case`, drawn now if there is none; it lasts only if [`KeyStore::sync`] follows.
    ///
    /// # Errors
    /// [`Problem`] if the key that is there was changed, or none can be drawn.
    pub fn create(&self, case: &str) -> Result<CaseKey, Problem> {
        if let Some(key) = self.cache().get(case) {
            return Ok(key.clone());
        }
        let mut shelf = self.shelf();
        if shelf.erased.contains(&index_of(case)) {
            return Err(was_erased(case));
        }
        if let Some(key) = shelf.keys.get(case) {
            return Ok(key.clone());
        }
        if shelf.places.contains_key(&index_of(case)) {
            drop(shelf);
            return self.key(case);
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| unusable("no randomness for a case key"))?;
        let record = write_record(case, &seal(&self.wrapping, case, key.as_slice())?)
            .ok_or_else(|| unusable("the name of a case is too long"))?;
        let too_long = |_| unusable("too many keys wait for the disk");
        let at = u32::try_from(shelf.waiting.len()).map_err(too_long)?;
        let length = u16::try_from(record.len()).map_err(|_| unusable("the name of a case is too long"))?;
        shelf.waiting.extend_from_slice(&record);
        shelf.drawn.push((case.to_owned(), at, length));
        let key = CaseKey(Arc::new(key));
        shelf.keys.insert(case.to_owned(), key.clone());
        Ok(key)
    }

    /// Nothing more is encrypted or read under the key of `case`: its erasure is about to be committed.
    pub fn retire(&self, case: &str) {
        self.shelf().erased.insert(index_of(case));
        self.cache().remove(case);
    }

    /// Takes [`KeyStore::retire`] back: the erasure came to nothing.
    pub fn restore(&self, case: &str) {
        self.shelf().erased.remove(&index_of(case));
    }

    /// Destroys the key of `case` for good, also where that was done before or broken off.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses; the key is then not given out any more, and may still be there.
    pub fn erase(&self, case: &str) -> Result<(), Problem> {
        let failed = |error| Problem::internal("the key of an erased case cannot be destroyed", error);
        let index = index_of(case);
        let mut shelf = self.shelf();
        shelf.erased.insert(index);
        self.cache().remove(case);
        let Some(place) = shelf.places.get(&index).copied() else { return Ok(()) };
        let bytes = fs::read(self.path(place.file)).map_err(failed)?;
        for (offset, record) in Records::of(&bytes).filter(|(_, record)| record.case == case.as_bytes()) {
            let erased = write_record(case, &vec![0; record.wrapped.len()])
                .ok_or_else(|| unusable("the name of a case is too long"))?;
            // Length and name stay as they are, so that no torn write hides the records behind this one.
            let named = 2 + 1 + case.len();
            let rest = erased.get(named..).unwrap_or_default();
            self.files.overwrite(&self.path(place.file), (offset + named) as u64, rest).map_err(failed)?;
        }
        shelf.places.remove(&index);
        Ok(())
    }

    /// Whether `case` had a key that was destroyed.
    #[must_use]
    pub fn is_erased(&self, case: &str) -> bool {
        let (shelf, index) = (self.shelf(), index_of(case));
        shelf.erased.contains(&index) && !shelf.places.contains_key(&index)
    }

    /// Whether the folder takes files.
    ///
    /// # Errors
    /// As the file system says.
    pub fn probe(&self) -> io::Result<()> {
        make_folder(self.files.as_ref(), &self.folder)?;
        let path = self.folder.join("probe");
        self.files.open_at(&path, 0)?.write_all(b"probe")?;
        self.files.remove(&path)
    }

    /// Whether keys wait for [`KeyStore::sync`].
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.shelf().drawn.is_empty()
    }

    /// Makes durable every key that was drawn, and at the first call what an earlier run may have written and not
    /// lived to sync.
    ///
    /// # Errors
    /// [`Problem`] if the disk refuses: the keys drawn since the last sync are gone.
    pub fn sync(&self) -> Result<(), Problem> {
        let mut shelf = self.shelf();
        let shelf = &mut *shelf;
        if let Err(error) = self.write_waiting(shelf) {
            // The group comes to nothing, and its keys with it: acts that are tried again draw others.
            shelf.waiting.clear();
            shelf.drawn.clear();
            shelf.keys.clear();
            return Err(Problem::internal("the keys of cases cannot be stored", error));
        }
        for (case, at, length) in std::mem::take(&mut shelf.drawn) {
            let place = Place { file: shelf.file, offset: shelf.length + at, length };
            shelf.places.insert(index_of(case.as_bytes()), place);
            shelf.records += 1;
        }
        shelf.length += u32::try_from(shelf.waiting.len()).unwrap_or(u32::MAX);
        shelf.waiting.clear();
        let keys = std::mem::take(&mut shelf.keys);
        for (case, key) in keys {
            self.remember(&case, key);
        }
        Ok(())
    }

    fn write_waiting(&self, shelf: &mut Shelf) -> io::Result<()> {
        if shelf.open.is_some() && shelf.drawn.is_empty() {
            return Ok(());
        }
        if shelf.records >= RECORDS_A_FILE {
            shelf.begin_next_file();
        }
        let file = match &mut shelf.open {
            Some(file) => file,
            None => {
                make_folder(self.files.as_ref(), &self.folder)?;
                shelf.file = shelf.file.max(1);
                let opened = self.files.open_at(&self.path(shelf.file), shelf.length.into())?;
                self.files.sync_folder(&self.folder)?;
                shelf.open.insert(opened)
            }
        };
        let written = file.write_all(&shelf.waiting).and_then(|()| file.sync());
        if written.is_err() {
            // What became of the file's end is unknown: nothing more is written to it.
            shelf.begin_next_file();
        }
        written
    }

    fn path(&self, file: u32) -> PathBuf {
        self.folder.join(format!("{file:06}.keys"))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Every change to the shelf is completed by the next call, even after a panic elsewhere.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<String, CaseKey>> {
        // The map is whole whenever the lock is free, even after a panic elsewhere.
        self.unwrapped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, case: &str, key: CaseKey) -> CaseKey {
        let mut cache = self.cache();
        if cache.len() >= CACHED_KEYS {
            cache.clear();
        }
        cache.insert(case.to_owned(), key.clone());
        key
    }
}

fn index_of(case: impl AsRef<[u8]>) -> [u8; 16] {
    let digest = Digest::of(case.as_ref());
    let mut index = [0; 16];
    index.copy_from_slice(&digest.as_bytes()[..16]);
    index
}

/// A record as it lies in a file.
struct Record<'a> {
    bytes: &'a [u8],
    case: &'a [u8],
    wrapped: &'a [u8],
}

impl Record<'_> {
    /// Whether its bytes are those that were written.
    fn is_sound(&self) -> bool {
        let (told, check) = self.bytes.split_at(self.bytes.len() - CHECK_BYTES);
        Digest::of(told).as_bytes()[..CHECK_BYTES] == *check
    }

    /// Whether there is nothing left of the key: no wrapped key is all zeros.
    fn is_erased(&self) -> bool {
        self.is_sound() && self.wrapped.iter().all(|byte| *byte == 0)
    }
}

/// The records of a file, each with its offset; ends at the first that is not whole.
struct Records<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, Record<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, _) = self.rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        let told = bytes.get(2..length.checked_sub(CHECK_BYTES)?)?;
        let (named, told) = told.split_first()?;
        let (case, wrapped) = told.split_at_checked(usize::from(*named))?;
        let offset = self.offset;
        (self.rest, self.offset) = (rest, offset + length);
        Some((offset, Record { bytes, case, wrapped }))
    }
}

/// A record of `case`; none if its name is too long for one.
fn write_record(case: &str, wrapped: &[u8]) -> Option<Vec<u8>> {
    let length = 2 + 1 + case.len() + wrapped.len() + CHECK_BYTES;
    let mut record = u16::try_from(length).ok()?.to_be_bytes().to_vec();
    record.push(u8::try_from(case.len()).ok()?);
    record.extend_from_slice(case.as_bytes());
    record.extend_from_slice(wrapped);
    let check = Digest::of(&record);
    record.extend_from_slice(&check.as_bytes()[..CHECK_BYTES]);
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Disk;

    fn open(folder: &Path) -> KeyStore {
        KeyStore::open(folder, Arc::new(Disk::OwnerOnly), &[7; KEY_BYTES]).expect("a key store")
    }

    fn stored(folder: &Path, cases: impl IntoIterator<Item = String>) -> Vec<(String, [u8; KEY_BYTES])> {
        let store = open(folder);
        let drawn = cases
            .into_iter()
            .map(|case| {
                let key = *store.create(&case).expect("a key").as_bytes();
                (case, key)
            })
            .collect();
        store.sync().expect("synced");
        drawn
    }

    fn assert_holds(folder: &Path, known: &[(String, [u8; KEY_BYTES])]) {
        let store = open(folder);
        for (case, key) in known {
            assert_eq!(store.key(case).expect("a key").as_bytes(), key, "{case}");
        }
    }

    #[test]
    fn keys_that_another_store_drew_are_taken_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let store = open(&folder);
        // Drawn and not synced: it gives way to the one that another server made durable.
        store.create("C-1").expect("a key");
        let mut known = stored(&folder, ["C-1".to_owned()]);
        store.read_again().expect("read");
        assert_eq!(store.create("C-1").expect("a key").as_bytes(), &known[0].1);
        known.push(("C-2".to_owned(), *store.create("C-2").expect("a key").as_bytes()));
        store.sync().expect("synced");
        assert_holds(&folder, &known);
    }

    #[test]
    fn an_erasure_while_the_files_are_read_again_is_not_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        stored(&folder, ["C-1".to_owned()]);
        let store = open(&folder);
        // A second file that is read only when somebody writes to it: the first is read by then.
        let pipe = folder.join("000002.keys");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| store.read_again());
            let writer = fs::File::options().write(true).open(&pipe).expect("a reader");
            let erasing = scope.spawn(|| store.erase("C-1"));
            // It has to wait for the reader; if it had not, it would be done by now.
            for _ in 0..50 {
                if erasing.is_finished() {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            drop(writer);
            reading.join().expect("no panic").expect("read");
            erasing.join().expect("no panic").expect("erased");
        });
        assert!(store.is_erased("C-1") && !store.knows("C-1"));
    }

    #[test]
    fn keys_survive_and_files_are_rolled() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let mut known = stored(&folder, (0..5000).map(|n| format!("C-{n}")));
        known.extend(stored(&folder, (5000..5010).map(|n| format!("C-{n}"))));
        assert_holds(&folder, &known);
        assert_eq!(open(&folder).numbers().expect("numbers"), [1, 2]);
        let named: usize =
            (0..2).filter_map(|n| open(&folder).cases(n).expect("cases")).map(|c| c.len()).sum();
        assert_eq!(named, known.len());
    }

    #[test]
    fn what_was_drawn_and_not_synced_is_gone_and_after_what_is_torn_comes_another_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let mut known = stored(&folder, ["C-1".to_owned()]);
        open(&folder).create("C-2").expect("a key");
        assert!(!open(&folder).knows("C-2"));
        let path = folder.join("000001.keys");
        let whole = fs::read(&path).expect("readable");
        let torn = [whole.as_slice(), &whole[..whole.len() - 1]].concat();
        fs::write(&path, torn).expect("written");
        known.extend(stored(&folder, ["C-3".to_owned()]));
        assert_holds(&folder, &known);
        assert_eq!(open(&folder).numbers().expect("numbers"), [1, 2]);
    }

    #[test]
    fn a_changed_record_is_no_key_and_takes_no_other_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let known = stored(&folder, ["C-1".to_owned(), "C-2".to_owned()]);
        let path = folder.join("000001.keys");
        let whole = fs::read(&path).expect("readable");
        for position in 2..whole.len() / 2 {
            let mut changed = whole.clone();
            changed[position] ^= 1;
            fs::write(&path, &changed).expect("written");
            let store = open(&folder);
            assert!(store.key("C-1").is_err(), "byte {position}");
            // Only a changed length of the case makes the record unreadable as one, which ends the file.
            if position != 2 {
                assert_eq!(store.key("C-2").expect("a key").as_bytes(), &known[1].1, "byte {position}");
            }
        }
    }

    #[test]
    fn an_erased_key_is_in_no_file_and_none_is_drawn_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let known = stored(&folder, ["C-1", "C-2", "C-3"].map(ToOwned::to_owned));
        let path = folder.join("000001.keys");
        let before = fs::read(&path).expect("readable");
        let wrapped = Records::of(&before).nth(1).expect("a record").1.wrapped.to_vec();
        let store = open(&folder);
        store.key("C-2").expect("a key");
        store.erase("C-2").expect("erased");
        store.erase("C-2").expect("erased again");
        for store in [store, open(&folder)] {
            assert!(store.is_erased("C-2") && !store.knows("C-2") && !store.is_erased("C-1"));
            for none in [store.key("C-2"), store.create("C-2")] {
                assert!(none.is_err_and(|problem| problem.reason() == Reason::WrongStage));
            }
            assert_eq!(store.cases(0).expect("cases").expect("a file"), ["C-1", "C-3"]);
        }
        let after = fs::read(&path).expect("readable");
        assert_eq!(after.len(), before.len());
        assert!(!after.windows(8).any(|bytes| wrapped.windows(8).any(|old| old == bytes)));
        assert_holds(&folder, &[known[0].clone(), known[2].clone()]);
        assert_holds(&folder, &stored(&folder, ["C-4".to_owned()]));
    }

    #[test]
    fn a_case_whose_erasure_came_to_nothing_has_its_key_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        let known = stored(&folder, ["C-1".to_owned()]);
        let store = open(&folder);
        store.retire("C-1");
        assert!(store.key("C-1").is_err() && store.create("C-1").is_err() && !store.is_erased("C-1"));
        store.restore("C-1");
        assert_eq!(store.key("C-1").expect("a key").as_bytes(), &known[0].1);
    }

    #[test]
    fn another_key_encryption_key_opens_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("keys");
        stored(&folder, ["C-1".to_owned()]);
        let other = KeyStore::open(&folder, Arc::new(Disk::OwnerOnly), &[8; KEY_BYTES]).expect("a key store");
        assert!(other.key("C-1").is_err());
    }
}
