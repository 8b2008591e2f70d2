//! Hash lists: digests of material that must not be shown by accident.
//!
//! Holds the reading of the lists that other bodies hand out, the compact sorted file into which
//! they are imported, and the looking up of an exhibit's digests in it. May read lists and write
//! the imported file. Never holds a list in memory: only a filter and a table of samples, together
//! at most some 20 MiB; what the filter lets through is looked up on the disk, so the answer is exact.
//!
//! ```text
//!   list ─► parse ─► sort (runs on disk, merged) ─► FILE.hashes ─► find
//! ```

mod filter;
mod parse;
mod sort;
mod store;
mod watch;

#[cfg(test)]
mod tests;

pub use store::{ImportReport, ImportedList, import};
pub(crate) use watch::Watch;

use crate::walk::shown;
use filter::Filter;
use rogatory_core::Digest;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use store::Store;

/// The most lists that one imported file, or one sealing, takes.
pub const MAX_LISTS: usize = 1_000;
/// The most digests that one imported file holds.
pub const MAX_DIGESTS: u64 = 200_000_000;
/// What the filters of all imported files may take of the memory.
const FILTER_BYTES: u64 = 16 * 1024 * 1024;

/// An algorithm by which lists name contents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256, which every exhibit has anyway.
    Sha256,
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
}

impl Algorithm {
    /// The strongest first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha1, Self::Md5];

    /// The length of a digest in bytes.
    #[must_use]
    pub const fn digest_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
            Self::Md5 => 16,
        }
    }

    /// Its name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
        }
    }

    const fn place(self) -> usize {
        self as usize
    }
}

/// A hash list can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HashListError {
    /// The operating system refuses to read.
    #[error("hash list `{list}` cannot be read")]
    Read {
        /// The list.
        list: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line breaks the format.
    #[error("hash list `{list}`, line {line}: {what}")]
    Line {
        /// The list.
        list: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong and what is expected.
        what: String,
    },
    /// Nothing in it.
    #[error("hash list `{list}` holds no digest: a line a digest, a CSV with a header, or JSON is expected")]
    Empty {
        /// The list.
        list: String,
    },
    /// Too many lists.
    #[error("there are more than {MAX_LISTS} hash lists")]
    TooManyLists,
    /// Too many digests.
    #[error("the hash lists hold more than {MAX_DIGESTS} digests; import them into several files")]
    TooManyDigests,
    /// An imported file that is not what `import` wrote.
    #[error("imported hash list `{path}` is damaged ({what}); import it again")]
    Damaged {
        /// The file.
        path: String,
        /// What was seen.
        what: &'static str,
    },
    /// The temporary file failed.
    #[error("the temporary file for hash lists failed")]
    Temporary(#[source] io::Error),
    /// The imported file can't be written.
    #[error("the imported hash list cannot be written")]
    Write(#[source] crate::sink::WriteError),
}

/// A list by the name it had and the digest of its file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedList {
    /// The name of its file.
    pub name: String,
    /// The digest of its file as it was imported.
    pub sha256: Digest,
}

/// The lists against which exhibits are compared.
#[derive(Debug)]
pub struct HashLists {
    stores: Vec<Store>,
}

impl PartialEq for HashLists {
    /// The same lists, by their digests.
    fn eq(&self, other: &Self) -> bool {
        self.lists().eq(other.lists())
    }
}

impl Eq for HashLists {}

impl HashLists {
    /// Opens imported files, and imports other lists into a temporary file in `folder`.
    ///
    /// # Errors
    /// [`HashListError`] names the list and its line.
    pub fn open(paths: &[PathBuf], folder: &Path) -> Result<Self, HashListError> {
        let mut stores = Vec::new();
        let mut lists = Vec::new();
        let mut room = FILTER_BYTES;
        for path in paths {
            let failed = |source| HashListError::Read { list: shown(path), source };
            let file = File::open(path).map_err(failed)?;
            if store::is_imported(&file).map_err(failed)? {
                let store = Store::open(file, path, room)?;
                room = room.saturating_sub(store.filter_bytes());
                stores.push(store);
            } else {
                lists.push(path.clone());
            }
        }
        if !lists.is_empty() {
            stores.push(store::import_temporarily(&lists, folder, room)?);
        }
        let opened = Self { stores };
        if opened.lists().count() > MAX_LISTS {
            return Err(HashListError::TooManyLists);
        }
        Ok(opened)
    }

    /// Every list.
    fn lists(&self) -> impl Iterator<Item = &NamedList> {
        self.stores.iter().flat_map(|store| store.lists().iter())
    }

    /// How many digests of an algorithm there are.
    #[must_use]
    pub fn digests(&self, algorithm: Algorithm) -> u64 {
        self.stores.iter().map(|store| store.digests(algorithm)).sum()
    }

    /// Adds the lists that hold `digest` to `found`.
    ///
    /// # Errors
    /// [`HashListError`] if an imported file can't be read or was changed.
    pub(crate) fn find(
        &self,
        algorithm: Algorithm,
        digest: &[u8],
        found: &mut BTreeSet<NamedList>,
    ) -> Result<(), HashListError> {
        for store in &self.stores {
            store.find(algorithm, digest, |list| {
                if !found.contains(list) {
                    found.insert(list.clone());
                }
            })?;
        }
        Ok(())
    }
}

/// Reads a list and counts its digests, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn digests_of(mut bytes: &[u8]) -> Option<u64> {
    let mut taken = 0;
    parse::read_list(&mut bytes, "list", &mut |_, _| {
        taken += 1;
        Ok(())
    })
    .ok()?;
    Some(taken)
}
