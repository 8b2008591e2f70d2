//! Extended attributes of files, folders and links.
//!
//! Holds the reading of all that the system shows, and the setting of those that only describe. May
//! call the file system. Never sets what would give a right or a privilege: access lists,
//! capabilities and labels are kept and told, not made effective.

use std::fs::File;
use std::io;
use std::path::Path;

/// Names and values, in the order of the names' bytes.
pub(crate) type ExtendedAttributes = Vec<(Vec<u8>, Vec<u8>)>;

/// The longest name of an extended attribute, in bytes.
pub(crate) const MAX_ATTRIBUTE_NAME_BYTES: usize = 255;

/// Whose attributes are read.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// An open file or folder.
    Open(&'a File),
    /// What stands at a path; of a link itself.
    At(&'a Path),
}

/// What was read, and the names of what is there but could not be read.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) attributes: ExtendedAttributes,
    pub(crate) unread: Vec<Vec<u8>>,
}

impl Found {
    /// How much memory names and values take.
    pub(crate) fn held_bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(name, value)| name.len() + value.len());
        attributes.sum::<usize>() + self.unread.iter().map(Vec::len).sum::<usize>()
    }
}

/// Whether opening a package sets it again: it describes, and gives nobody a right.
pub(crate) fn is_restored(name: &[u8]) -> bool {
    name.starts_with(b"user.")
}

/// Whether it can be an attribute's name.
pub(crate) fn is_attribute_name(name: &[u8]) -> bool {
    !name.is_empty() && name.len() <= MAX_ATTRIBUTE_NAME_BYTES && !name.contains(&0)
}

/// Reads with a buffer that nearly always fits, else with one that always does.
#[cfg(target_os = "linux")]
fn with_room(
    read: &dyn Fn(&mut [u8]) -> rustix::io::Result<usize>,
    buffer: &mut Vec<u8>,
) -> rustix::io::Result<usize> {
    const USUAL_BYTES: usize = 1024;
    const MOST_BYTES: usize = 64 * 1024;
    if buffer.len() < USUAL_BYTES {
        buffer.resize(USUAL_BYTES, 0);
    }
    match read(buffer) {
        Err(rustix::io::Errno::RANGE) => {
            buffer.resize(MOST_BYTES, 0);
            read(buffer)
        }
        other => other,
    }
}

/// Reads all extended attributes; none where the file system has none.
#[cfg(target_os = "linux")]
pub(crate) fn read(owner: Owner<'_>, buffer: &mut Vec<u8>) -> io::Result<Found> {
    use rustix::fs::{fgetxattr, flistxattr, lgetxattr, llistxattr};
    use rustix::io::Errno;
    let listed = match owner {
        Owner::Open(file) => with_room(&|buffer| flistxattr(file, buffer), buffer),
        Owner::At(path) => with_room(&|buffer| llistxattr(path, buffer), buffer),
    };
    let length = match listed {
        Ok(0) | Err(Errno::NOTSUP) => return Ok(Found::default()),
        Ok(length) => length,
        Err(error) => return Err(error.into()),
    };
    let list = buffer.get(..length).unwrap_or_default().to_vec();
    let mut names: Vec<&[u8]> =
        list.split(|byte| *byte == 0).filter(|name| is_attribute_name(name)).collect();
    names.sort_unstable();
    let mut found = Found::default();
    for name in names {
        let value = match owner {
            Owner::Open(file) => with_room(&|buffer| fgetxattr(file, name, buffer), buffer),
            Owner::At(path) => with_room(&|buffer| lgetxattr(path, name, buffer), buffer),
        };
        match value {
            Ok(length) => {
                found.attributes.push((name.to_vec(), buffer.get(..length).unwrap_or_default().to_vec()));
            }
            Err(_) => found.unread.push(name.to_vec()),
        }
    }
    Ok(found)
}

/// Extended attributes are read on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn read(_: Owner<'_>, _: &mut Vec<u8>) -> io::Result<Found> {
    Ok(Found::default())
}

/// Sets one attribute; `false` if it is one that is never set, or the system refuses.
pub(crate) fn set(file: &File, name: &[u8], value: &[u8]) -> bool {
    #[cfg(target_os = "linux")]
    {
        is_restored(name) && rustix::fs::fsetxattr(file, name, value, rustix::fs::XattrFlags::empty()).is_ok()
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, name, value);
        false
    }
}
