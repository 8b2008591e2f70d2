//! Case keys, wrapped, outside the database and its backups.
//!
//! One file a case: the case key, encrypted under the office's key-encryption key. A key is durable
//! here before the transaction that first uses it commits; a crash in between leaves a key that
//! nothing uses. Erasing a case destroys its file. Never writes a key in clear.

use crate::files::{DurableFiles, make_folder, write_whole};
use crate::problem::Problem;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
/// How many unwrapped keys are kept at hand.
const CACHED_KEYS: usize = 4096;

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

/// The folder of wrapped case keys.
pub struct KeyStore {
    folder: PathBuf,
    files: Arc<dyn DurableFiles>,
    wrapping: Zeroizing<[u8; KEY_BYTES]>,
    unwrapped: Mutex<HashMap<String, CaseKey>>,
}

impl KeyStore {
    /// Opens the store in `folder`, which is made if need be, with the office's key-encryption key.
    ///
    /// # Errors
    /// [`Problem`] unless the key has 32 bytes, or if the folder cannot be made.
    pub fn open(folder: &Path, files: Arc<dyn DurableFiles>, wrapping: &[u8]) -> Result<Self, Problem> {
        let wrapping: [u8; KEY_BYTES] = wrapping
            .try_into()
            .map_err(|_| Problem::internal("the key-encryption key has not 32 bytes", "wrong length"))?;
        make_folder(files.as_ref(), folder)
            .map_err(|error| Problem::internal("the folder of case keys cannot be made", error))?;
        Ok(Self {
            folder: folder.to_owned(),
            files,
            wrapping: Zeroizing::new(wrapping),
            unwrapped: Mutex::default(),
        })
    }

    /// The key of `case`.
    ///
    /// # Errors
    /// [`Problem`] if there is none, or it was changed.
    pub fn key(&self, case: &str) -> Result<CaseKey, Problem> {
        if let Some(key) = self.cache().get(case) {
            return Ok(key.clone());
        }
        let wrapped = std::fs::read(self.path(case))
            .map_err(|error| Problem::internal("the key of a case cannot be read", error))?;
        let clear = Zeroizing::new(unseal(&self.wrapping, case, &wrapped)?);
        let key: [u8; KEY_BYTES] =
            clear.as_slice().try_into().map_err(|_| unusable("the key of a case has a wrong length"))?;
        Ok(self.remember(case, CaseKey(Arc::new(Zeroizing::new(key)))))
    }

    /// Draws a key for a new case and makes it durable; keeps one that is there already.
    ///
    /// # Errors
    /// [`Problem`] if it cannot be stored.
    pub fn create(&self, case: &str) -> Result<CaseKey, Problem> {
        let stored = |error| Problem::internal("the key of a case cannot be stored", error);
        if self.path(case).exists() {
            // Whoever wrote it may have been killed before its name was durable.
            self.files.sync_folder(&self.folder).map_err(stored)?;
            return self.key(case);
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| unusable("no randomness for a case key"))?;
        let wrapped = seal(&self.wrapping, case, key.as_slice())?;
        write_whole(self.files.as_ref(), &self.path(case), &wrapped).map_err(stored)?;
        Ok(self.remember(case, CaseKey(Arc::new(key))))
    }

    fn path(&self, case: &str) -> PathBuf {
        self.folder.join(format!("{case}.key"))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, HashMap<String, CaseKey>> {
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
