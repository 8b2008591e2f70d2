//! Objects whose digest their sender does not know yet while it sends them: it is still sealing the package.
//!
//! They are hashed as they come and have the digest in their name until the sender has said which it must be. Then
//! those that fit are taken over by the package's own arrivals, and so is what came of the one that is still on its
//! way; whatever does not fit is left behind.

use super::{Arrivals, Awaited, INNER_FOLDERS};
use crate::source::ObjectDigest;
use rogatory_core::Digest;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// The name that an object has with its digest.
pub(super) fn named(whole: &Path, digest: &Digest) -> PathBuf {
    let mut name = whole.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{digest}"));
    whole.with_file_name(name)
}

/// A name with a digest behind it, apart.
fn parted(name: &str) -> Option<(&str, &str)> {
    let (name, digest) = name.rsplit_once('.')?;
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_digest && !name.is_empty()).then_some((name, digest))
}

impl Arrivals {
    /// How many bytes of each object are here, of a package that is still being sealed.
    ///
    /// # Errors
    /// If the folders cannot be listed.
    pub fn committed_late(&self, objects: &[Awaited]) -> io::Result<Vec<u64>> {
        let mut whole: HashMap<String, Vec<(String, u64)>> = HashMap::new();
        for (name, size_bytes) in listed(&self.whole)? {
            if let Some((name, digest)) = parted(&name) {
                whole.entry(name.to_owned()).or_default().push((digest.to_owned(), size_bytes));
            }
        }
        let committed = |object: &Awaited| {
            let fits = |(digest, size_bytes): &(String, u64)| {
                *size_bytes == object.size_bytes
                    && object.sha256.is_none_or(|announced| announced.to_hex() == *digest)
            };
            if whole.get(&object.name).is_some_and(|found| found.iter().any(fits)) {
                object.size_bytes
            } else {
                self.saved(object).map_or(0, |saved| saved.committed)
            }
        };
        Ok(objects.iter().map(committed).collect())
    }

    /// Takes from `sealing` what came of `objects` while their package was being sealed, and is not here: those whose
    /// digest is the one now known, and the parts of others. No other than this may write in either.
    ///
    /// A crash leaves each object, part and state in one of the two places; the next call brings them together.
    ///
    /// # Errors
    /// As the file system says.
    pub fn take_over(&self, sealing: &Self, objects: &[ObjectDigest]) -> io::Result<()> {
        let whole: HashSet<(String, u64)> = listed(&sealing.whole)?.into_iter().collect();
        let parts: HashSet<PathBuf> =
            listed(&sealing.arriving)?.into_iter().map(|(name, _)| sealing.arriving.join(name)).collect();
        for object in objects {
            if self.has(object) {
                continue;
            }
            let name = object.name.as_str();
            let late = format!("{name}.{}", object.sha256);
            if whole.contains(&(late.clone(), object.size_bytes)) {
                self.files.rename(&sealing.whole.join(late), &self.whole.join(name))?;
                continue;
            }
            // A state must never meet another part than its own: nobody would read that part's first bytes again. So
            // a part that is here stays, and the other goes nowhere; else state first, for without a part it is not
            // believed. A crash in between leaves a state here without part, and only that does.
            let (part, state) = (self.part_path(name), self.state_path(name));
            let (other_part, other_state) = (sealing.part_path(name), sealing.state_path(name));
            if !parts.contains(&other_part) || part.symlink_metadata().is_ok() {
                continue;
            }
            if parts.contains(&other_state) {
                self.files.rename(&other_state, &state)?;
                for folder in [state.parent(), other_state.parent()].into_iter().flatten() {
                    self.files.sync_folder(folder)?;
                }
            }
            self.files.rename(&other_part, &part)?;
        }
        self.sync_names(&self.whole)?;
        self.sync_names(&self.arriving)
    }
}

/// The files of a folder of objects, by their names in the package, with their sizes. None if it is not there.
fn listed(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for inner in INNER_FOLDERS.into_iter().chain([""]) {
        let entries = match std::fs::read_dir(folder.join(inner)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
            if metadata.is_file() {
                let name = if inner.is_empty() { name } else { format!("{inner}/{name}") };
                found.push((name, metadata.len()));
            }
        }
    }
    Ok(found)
}
