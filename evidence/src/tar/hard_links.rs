//! Files with several names.
//!
//! Holds which files of a folder have more than one name in it, by device and number, and on the
//! reading side which files of a tar await further names. Calls nothing. Both are bounded: names
//! beyond the bound become files of their own.

use super::{MAX_AWAITING, MAX_AWAITING_BYTES};
use crate::record::FileTime;
use rogatory_core::Digest;
use std::collections::HashMap;

/// What of a bound is left, for all folders of a package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    files: usize,
    path_bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { files: MAX_AWAITING, path_bytes: MAX_AWAITING_BYTES }
    }
}

impl Room {
    fn take(&mut self, path: &[u8]) -> bool {
        let (Some(files), Some(bytes)) = (self.files.checked_sub(1), self.path_bytes.checked_sub(path.len()))
        else {
            return false;
        };
        (self.files, self.path_bytes) = (files, bytes);
        true
    }

    const fn give_back(&mut self, path: &[u8]) {
        self.files += 1;
        self.path_bytes += path.len();
    }
}

/// The content of a file whose further names come later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FirstName {
    pub(crate) sha256: Digest,
    pub(crate) size_bytes: u64,
    pub(crate) is_sparse: bool,
}

#[derive(Clone, Debug)]
struct Known {
    path: Box<[u8]>,
    names: u32,
    content: Option<FirstName>,
}

/// The files of a folder that have several names in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HardLinks {
    known: HashMap<(u64, u64), Known>,
    /// Names that did not fit and are files of their own.
    pub(crate) separate: u64,
}

/// What a name of a file is.
pub(crate) enum Role<'a> {
    /// Its only name, as far as the package knows.
    Only,
    /// The first of so many.
    First(u32),
    /// A further one; the first is given, and its content once it was read.
    Again(&'a [u8], Option<FirstName>),
}

impl HardLinks {
    /// Counts a name of a file that may have several; gives the first name if this is a further one.
    pub(crate) fn count(&mut self, identity: (u64, u64), path: &[u8], room: &mut Room) -> Option<&[u8]> {
        if let Some(known) = self.known.get_mut(&identity) {
            known.names = known.names.saturating_add(1);
        } else if room.take(path) {
            self.known.insert(identity, Known { path: path.into(), names: 1, content: None });
            return None;
        } else {
            self.separate += 1;
            return None;
        }
        self.known.get(&identity).map(|known| &*known.path)
    }

    /// Ends counting: what has one name here is forgotten.
    pub(crate) fn counted(&mut self, room: &mut Room) {
        self.known.retain(|_, known| {
            if known.names < 2 {
                room.give_back(&known.path);
            }
            known.names >= 2
        });
        self.known.shrink_to_fit();
    }

    pub(crate) fn role(&self, identity: (u64, u64), path: &[u8]) -> Role<'_> {
        match self.known.get(&identity) {
            None => Role::Only,
            Some(known) if &*known.path == path => Role::First(known.names),
            Some(known) => Role::Again(&known.path, known.content),
        }
    }

    /// Keeps what the first name's content was.
    pub(crate) fn read(&mut self, identity: (u64, u64), content: FirstName) {
        if let Some(known) = self.known.get_mut(&identity) {
            known.content = Some(content);
        }
    }
}

/// A file of a tar whose further names are yet to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Awaited {
    pub(crate) content: FirstName,
    pub(crate) mode: u32,
    pub(crate) modified: FileTime,
}

/// The files of a tar that await further names.
#[derive(Default)]
pub(crate) struct Awaiting {
    files: HashMap<Vec<u8>, (Awaited, u32)>,
    room: Room,
}

impl Awaiting {
    /// Adds a file with `names` names; `false` if there are too many at a time.
    pub(crate) fn add(&mut self, path: &[u8], file: Awaited, names: u32) -> bool {
        self.room.take(path) && self.files.insert(path.to_vec(), (file, names - 1)).is_none()
    }

    /// Takes a further name of the file at `path`; `None` if nobody awaits it.
    pub(crate) fn take(&mut self, path: &[u8]) -> Option<Awaited> {
        let (file, left) = self.files.get_mut(path)?;
        let file = *file;
        *left -= 1;
        if *left == 0 {
            self.files.remove(path);
            self.room.give_back(path);
        }
        Some(file)
    }

    /// One that still waits.
    pub(crate) fn left(&self) -> Option<&[u8]> {
        self.files.keys().min().map(Vec::as_slice)
    }
}
