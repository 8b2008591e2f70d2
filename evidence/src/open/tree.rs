//! Extracts the tar of a folder: names made portable, folders, files with their holes, links, further names.
//!
//! May write below the folder it was given, nowhere else: names are single segments, parents are folders it made
//! itself, files are new, links are made but never followed. Never tells the name of an entry of a sensitive folder:
//! such an entry goes by its number.

use super::disk::Disk;
use super::missed::Missed;
use crate::attributes;
use crate::files_list::ListedEntry;
use crate::handle::{Folder, FolderStack, SYNCED_TOGETHER, facts_of};
use crate::portable::PortablePaths;
use crate::raw_path::{below, bytes_of};
use crate::record::{FileTime, display};
use crate::sink::WriteError;
use crate::sparse::{self, SparseMap};
use crate::streams::BUFFER_BYTES;
use crate::tar::reader::TarVisitor;
use crate::tar::{Entry, EntryKind, MAX_AWAITING_BYTES};
use rogatory_core::Digest;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
/// A folder whose children may still come.
struct OpenFolder {
    /// The length of its path with a slash at the end.
    stored_bytes: usize,
    /// Which entry it is.
    number: u64,
    mode: u32,
    modified: FileTime,
}

/// An entry by its number, where its name is not told.
pub(crate) fn entry_of(number: u64) -> String {
    format!("entry {number}")
}

/// Where files with further names stand, if that is not where the tar says: names may be portable.
///
/// No more is held than the tar's reader holds: a file is forgotten with the last of its names.
#[derive(Default)]
struct FirstNames {
    /// By the first half of the digest of the path in the tar: the path on the disk, and how many names are to come.
    names: HashMap<[u8; 16], (Box<[u8]>, u32)>,
    path_bytes: usize,
}

impl FirstNames {
    fn key(path: &[u8]) -> [u8; 16] {
        Digest::of(path).as_bytes().first_chunk().copied().unwrap_or_default()
    }

    /// Adds a file with `names` names; fails if the paths take too much.
    fn add(&mut self, path: &[u8], on_disk: &[u8], names: u32) -> io::Result<()> {
        if path == on_disk || names < 2 {
            return Ok(());
        }
        self.path_bytes += on_disk.len();
        if self.path_bytes > MAX_AWAITING_BYTES {
            return Err(io::Error::other(
                "too many files with several names would get other names at once: open it without portable names",
            ));
        }
        self.names.insert(Self::key(path), (on_disk.into(), names - 1));
        Ok(())
    }

    /// Where the file stands that has its first name at `path`, for one further name.
    fn take<'a>(&mut self, path: &'a [u8]) -> Cow<'a, [u8]> {
        let key = Self::key(path);
        match self.names.get_mut(&key) {
            None => Cow::Borrowed(path),
            Some((on_disk, left)) if *left > 1 => {
                *left -= 1;
                Cow::Owned(on_disk.to_vec())
            }
            Some(_) => {
                let on_disk = self.names.remove(&key).map(|(on_disk, _)| on_disk).unwrap_or_default();
                self.path_bytes -= on_disk.len();
                Cow::Owned(on_disk.into_vec())
            }
        }
    }
}

/// A folder that is being extracted; the tar reader has checked order, parents and links.
pub(super) struct Tree<'a> {
    pub(super) top: PathBuf,
    folders: FolderStack,
    open: Vec<OpenFolder>,
    /// The path of the last of them, with a slash at the end.
    last: Vec<u8>,
    portable: Option<PortablePaths>,
    first_names: FirstNames,
    is_sensitive: bool,
    /// How many entries there were so far.
    entries: u64,
    disk: Disk,
    pub(super) room_for_copies: u64,
    pub(super) missed: Missed,
    buffer: &'a mut Vec<u8>,
    pub(super) failure: Option<WriteError>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(
        top: PathBuf,
        opened: Folder,
        (portable, is_sensitive): (bool, bool),
        (disk, room_for_copies): (Disk, u64),
        buffer: &'a mut Vec<u8>,
    ) -> Self {
        let mut folders = FolderStack::new();
        folders.push(opened, None);
        Self {
            top,
            folders,
            open: Vec::new(),
            last: Vec::new(),
            portable: portable.then(PortablePaths::new),
            first_names: FirstNames::default(),
            is_sensitive,
            entries: 0,
            disk,
            room_for_copies,
            missed: Missed::default(),
            buffer,
            failure: None,
        }
    }

    /// How entry `number` at `path` is called.
    fn called<'p>(&self, number: u64, path: &'p [u8]) -> Cow<'p, [u8]> {
        if self.is_sensitive { Cow::Owned(entry_of(number).into_bytes()) } else { Cow::Borrowed(path) }
    }

    /// Sets what belongs to the folders that get no more children: a child would change the time.
    pub(super) fn close_down_to(&mut self, stored: &[u8]) -> io::Result<()> {
        while let Some(folder) = self
            .open
            .pop_if(|folder| stored.get(..folder.stored_bytes) != self.last.get(..folder.stored_bytes))
        {
            let path = self.last.get(..folder.stored_bytes - 1).unwrap_or_default();
            let called = self.called(folder.number, path);
            let handle = self.folders.pop()?;
            match handle.as_ref().and_then(|handle| handle.as_file()) {
                Some(file) => {
                    let (mode, time) = (Some(folder.mode), Some(folder.modified));
                    restore(file, &[], mode, time, true, &called, &mut self.missed);
                    if !SYNCED_TOGETHER {
                        file.sync_all()?;
                    }
                }
                None => self.missed.add("mode and time are", &called),
            }
        }
        Ok(())
    }

    /// Writes one entry. The outer result is about reading, the inner one about writing.
    fn write(
        &mut self,
        entry: &Entry,
        map: Option<&SparseMap>,
        names: u32,
        content: &mut dyn Read,
    ) -> io::Result<io::Result<()>> {
        self.entries += 1;
        if let Err(error) = self.close_down_to(&entry.stored_path()) {
            return Ok(Err(error));
        }
        let called = self.called(self.entries, &entry.path);
        let mut name_at = entry.path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let mut path = Cow::Borrowed(entry.path.as_slice());
        if let Some(portable) = &mut self.portable {
            let next = portable.next(&entry.path, entry.kind == EntryKind::Folder);
            let on_disk = next.map_err(io::Error::other).and_then(|(on_disk, begin)| {
                self.first_names.add(&entry.path, on_disk, names)?;
                Ok((on_disk.to_vec(), begin))
            });
            match on_disk {
                Ok((on_disk, begin)) => (path, name_at) = (Cow::Owned(on_disk), begin),
                Err(error) => return Ok(Err(error)),
            }
        }
        let name = path.get(name_at..).unwrap_or_default();
        let (Some(folder), Some(top)) = (self.folders.last(), self.folders.first()) else {
            return Ok(Err(io::Error::other("its folder is closed")));
        };
        match &entry.kind {
            EntryKind::Folder => Ok(folder.create_folder(name).and_then(|inner| {
                let identity = inner.identity()?;
                // These at once: no child changes them, and they may be large.
                for (name, value) in &entry.attributes {
                    if !inner.as_file().is_some_and(|file| attributes::set(file, name, value)) {
                        self.missed.attribute(name, &called);
                    }
                }
                self.folders.push(inner, identity);
                self.last = entry.stored_path();
                self.open.push(OpenFolder {
                    stored_bytes: self.last.len(),
                    number: self.entries,
                    mode: entry.mode,
                    modified: entry.modified,
                });
                Ok(())
            })),
            EntryKind::File { .. } | EntryKind::Sparse { .. } => {
                let file = match folder.create_file(name) {
                    Ok(file) => file,
                    Err(error) => return Ok(Err(error)),
                };
                let size = if let EntryKind::Sparse { size_bytes, .. } = entry.kind { size_bytes } else { 0 };
                let written = match map {
                    None => copy_into(&file, content, self.buffer)?,
                    Some(map) => copy_regions(&file, size, map, content, self.buffer)?,
                };
                let (mode, time) = (Some(entry.mode), Some(entry.modified));
                restore(&file, &entry.attributes, mode, time, false, &called, &mut self.missed);
                Ok(written.and_then(|()| settle(&file)))
            }
            EntryKind::Link { .. } if self.portable.is_some() => Ok(Ok(())),
            EntryKind::Link { target } => {
                let made = folder.create_link(target, name);
                if made.is_ok() && folder.set_link_time(name, entry.modified).is_err() {
                    self.missed.add("the time of a link is", &called);
                }
                for (name, _) in &entry.attributes {
                    self.missed.attribute(name, &called);
                }
                Ok(made)
            }
            EntryKind::HardLink { target } => {
                let target = self.first_names.take(target);
                if self.disk.hard_links && folder.create_hard_link(top, &target, name).is_ok() {
                    return Ok(Ok(()));
                }
                self.missed.add("a further name of a file is written as a copy, so the link is", &called);
                let original = match top.open_below(&target) {
                    Ok(original) => original,
                    Err(error) => return Ok(Err(error)),
                };
                let copied = copy_file(&original, self.disk, &mut self.room_for_copies, self.buffer, || {
                    folder.create_file(name)
                });
                Ok(copied.and_then(|copy| {
                    let (mode, time) = (Some(entry.mode), Some(entry.modified));
                    restore(&copy, &[], mode, time, false, &called, &mut Missed::default());
                    settle(&copy)
                }))
            }
        }
    }
}

impl TarVisitor for Tree<'_> {
    fn entry(
        &mut self,
        entry: &Entry,
        map: Option<&SparseMap>,
        listed: &ListedEntry,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let written = self.write(entry, map, listed.names, content)?;
        written.map_err(|error| {
            let text = error.to_string();
            // The folder has its temporary name still; what it holds may not be told.
            let path = if self.is_sensitive {
                let exhibit = self.top.parent().and_then(Path::file_name).map(bytes_of).unwrap_or_default();
                PathBuf::from(format!("{}: {}", display(&exhibit), entry_of(self.entries)))
            } else {
                below(&self.top, &entry.path)
            };
            self.failure.get_or_insert_with(|| WriteError::io(&path, error));
            io::Error::other(text)
        })
    }
}

/// The outer result is about reading, the inner one about writing.
pub(super) fn copy_into(
    mut file: &File,
    content: &mut dyn Read,
    buffer: &mut Vec<u8>,
) -> io::Result<io::Result<()>> {
    buffer.resize(BUFFER_BYTES, 0);
    loop {
        let count = match content.read(buffer) {
            Ok(0) => return Ok(Ok(())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if let Err(error) = file.write_all(buffer.get(..count).unwrap_or_default()) {
            return Ok(Err(error));
        }
    }
}

/// Writes the regions of a file with holes, each at its place.
fn copy_regions(
    mut file: &File,
    size_bytes: u64,
    map: &SparseMap,
    content: &mut dyn Read,
    buffer: &mut Vec<u8>,
) -> io::Result<io::Result<()>> {
    if let Err(error) = file.set_len(size_bytes) {
        return Ok(Err(error));
    }
    for region in map.regions() {
        if let Err(error) = file.seek(SeekFrom::Start(region.start)) {
            return Ok(Err(error));
        }
        if let Err(error) = copy_into(file, &mut (&mut *content).take(region.length), buffer)? {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Copies a file that was extracted before, where no hard link can be made: its data alone, if the disk keeps holes,
/// and only if there is `room`.
fn copy_file(
    mut original: &File,
    disk: Disk,
    room: &mut u64,
    buffer: &mut Vec<u8>,
    create: impl FnOnce() -> io::Result<File>,
) -> io::Result<File> {
    let size = facts_of(original)?.size_bytes;
    let map = if disk.holes { sparse::find(original, size)? } else { None };
    let bytes = map.as_ref().map_or(size, SparseMap::data_bytes);
    *room = room.checked_sub(bytes).ok_or_else(|| {
        let why = format!(
            "no hard link can be made, and for a copy of {bytes} bytes only {room} are left beside what is still to be written: free more, or write to a disk that makes hard links"
        );
        io::Error::new(io::ErrorKind::StorageFull, why)
    })?;
    let copy = create()?;
    let Some(map) = map else {
        original.rewind()?;
        copy_into(&copy, &mut original, buffer)??;
        return Ok(copy);
    };
    copy.set_len(size)?;
    for region in map.regions() {
        original.seek(SeekFrom::Start(region.start))?;
        (&copy).seek(SeekFrom::Start(region.start))?;
        copy_into(&copy, &mut original.take(region.length), buffer)??;
    }
    Ok(copy)
}

/// Makes a file durable, unless all are made durable together at the end.
pub(super) fn settle(file: &File) -> io::Result<()> {
    if SYNCED_TOGETHER { Ok(()) } else { file.sync_all() }
}

/// Sets attributes, mode and time; what can't be set is added to what is missed.
///
/// The owner keeps the right to read, and to write into folders; bits that would run the file as
/// somebody else, or let others change evidence, are dropped.
pub(super) fn restore(
    file: &File,
    attributes: &[(Vec<u8>, Vec<u8>)],
    mode: Option<u32>,
    modified: Option<FileTime>,
    is_folder: bool,
    path: &[u8],
    missed: &mut Missed,
) {
    for (name, value) in attributes {
        if !attributes::set(file, name, value) {
            missed.attribute(name, path);
        }
    }
    #[cfg(unix)]
    if let Some(mode) = mode {
        use std::os::unix::fs::PermissionsExt;
        let kept = mode & 0o755 | if is_folder { 0o700 } else { 0o400 };
        if file.set_permissions(fs::Permissions::from_mode(kept)).is_err() || kept != mode {
            missed.add("the mode is", path);
        }
    }
    #[cfg(not(unix))]
    let _ = (mode, is_folder);
    if let Some(modified) = modified {
        let set = modified.to_system_time().is_some_and(|time| file.set_modified(time).is_ok());
        if !set {
            missed.add("the time is", path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_any_size_is_held_of_each_folder_that_is_open() {
        // A path of 8 KiB leads through 4,096 folders, and each may have a mebibyte of attributes.
        assert!(!std::mem::needs_drop::<OpenFolder>() && size_of::<OpenFolder>() <= 64);
    }

    #[test]
    fn where_a_file_stands_is_forgotten_with_its_last_name() {
        let mut names = FirstNames::default();
        names.add(b"a:b", b"a%3Ab", 3).expect("few");
        names.add(b"plain", b"plain", 9).expect("few");
        names.add(b"c:d", b"c%3Ad", 1).expect("few");
        assert_eq!((names.names.len(), names.path_bytes), (1, 5));
        assert_eq!(&*names.take(b"a:b"), b"a%3Ab");
        assert_eq!(&*names.take(b"a:b"), b"a%3Ab");
        assert_eq!((names.names.len(), names.path_bytes), (0, 0));
        assert_eq!(&*names.take(b"plain"), b"plain");
    }

    #[test]
    fn the_places_of_files_take_no_more_than_they_may() {
        let mut names = FirstNames::default();
        let long = vec![b'x'; 8_000];
        let mut added = 0_u32;
        let error = loop {
            match names.add(&added.to_be_bytes(), &long, 2) {
                Ok(()) => added += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(added as usize, MAX_AWAITING_BYTES / 8_000);
        assert!(error.to_string().contains("without portable names"), "{error}");
    }
}
