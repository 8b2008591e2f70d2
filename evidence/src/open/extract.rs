//! Writes decrypted exhibits under temporary names and names them when they are right.
//!
//! Holds the visitor that opening hands to the one pass over the exhibits, and the extraction of
//! a folder's tar. May write below the folder it was given, nowhere else: names are single
//! segments, parents are folders it made itself, files are new, links are made but never followed.
//! Never tells the name of an entry of a sensitive folder: such an entry goes by its number.

use super::disk::Disk;
use super::missed::Missed;
use super::{OpenOptions, OpenedExhibit};
use crate::attributes;
use crate::digest_list::line_for_real_name;
use crate::files_list::{FilesList, ListedEntry};
use crate::handle::{Folder, FolderStack, SYNCED_TOGETHER, facts_of};
use crate::partial::{create_private_file, create_private_folder};
use crate::portable::{Naming, PortablePaths};
use crate::raw_path::{below, bytes_of, name_of};
use crate::record::{ExhibitType, FileTime, Record, display};
use crate::sink::{WriteError, write_private_file};
use crate::sparse::{self, SparseMap};
use crate::spool::Spool;
use crate::streams::BUFFER_BYTES;
use crate::tar::reader::{TarError, TarVisitor};
use crate::tar::{Entry, EntryKind, MAX_AWAITING_BYTES};
use crate::verify::ExhibitDescription;
use crate::verify::contents::{ExhibitVisitor, visit_folder};
use crate::verify::index::Index;
use rogatory_core::Digest;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const PARTIAL: &str = ".partial";
const PARTIAL_TAR: &str = ".partial.tar";
/// Smaller files are made durable together at the end; a larger one begins while it is written.
const SYNCED_LATER_BYTES: u64 = 8 * 1024 * 1024;
/// The most notes that are kept.
const MAX_NOTES: usize = 1_000;

/// Writes exhibits below a folder.
pub(super) struct Extractor {
    folder: PathBuf,
    keep_tar: bool,
    portable: bool,
    unverified: bool,
    disk: Disk,
    /// What is free for copies that stand for hard links.
    room_for_copies: u64,
    opened: Vec<OpenedExhibit>,
    notes: Vec<String>,
    lines: Spool,
    real_names: Spool,
    buffer: Vec<u8>,
    /// The disk's failure, which is nobody's fault who sealed or sent.
    failure: Option<WriteError>,
}

/// What an [`Extractor`] wrote.
pub(super) struct Extracted {
    pub(super) exhibits: Vec<OpenedExhibit>,
    /// What is worth telling.
    pub(super) notes: Vec<String>,
    /// The lines of the list of digests.
    pub(super) lines: Spool,
    /// The lines of the list of real names, if names are portable.
    pub(super) real_names: Option<Spool>,
}

impl Extractor {
    /// Writes below `folder`, which lies on `disk`.
    pub(super) fn new(folder: &Path, options: &OpenOptions, (disk, room_for_copies): (Disk, u64)) -> Self {
        Self {
            folder: folder.to_owned(),
            keep_tar: options.keep_tar,
            portable: options.names_are_portable(),
            unverified: options.unverified.is_some(),
            disk,
            room_for_copies,
            opened: Vec::new(),
            notes: Vec::new(),
            lines: Spool::new(folder),
            real_names: Spool::new(folder),
            buffer: Vec::new(),
            failure: None,
        }
    }

    /// What was opened, what is worth telling, and the lines of the lists.
    ///
    /// # Errors
    /// The first failure to write.
    pub(super) fn finish(self) -> Result<Extracted, WriteError> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(Extracted {
                exhibits: self.opened,
                notes: self.notes,
                lines: self.lines,
                real_names: self.portable.then_some(self.real_names),
            }),
        }
    }

    /// Keeps the first failure to write and passes on that there was one.
    fn failed(&mut self, path: &Path, error: io::Error) -> io::Error {
        let text = error.to_string();
        self.failure.get_or_insert_with(|| WriteError::io(path, error));
        io::Error::other(text)
    }

    fn exhibit_folder(&self, exhibit: &ExhibitDescription) -> PathBuf {
        self.folder.join(exhibit.number.to_string())
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(text);
        }
    }

    fn name_it(&mut self, exhibit: &ExhibitDescription, index: &mut Index) -> io::Result<()> {
        let folder = self.exhibit_folder(exhibit);
        let number = exhibit.number.to_string();
        let mut naming = Naming::new(&number, exhibit.name.bytes(), self.portable);
        let name = naming.name().to_vec();
        let path = folder.join(name_of(&name));
        let record = index.record(exhibit);
        fs::rename(folder.join(PARTIAL), &path)?;
        if let Some(record) = &record {
            self.restore(&path, record, exhibit);
        }
        if let Some(line) = naming.own_line() {
            self.real_names.write_all(&line)?;
        }
        if exhibit.exhibit_type == ExhibitType::File {
            self.lines.write_all(&line_for_real_name(&exhibit.sha256, &naming.beside(&name)))?;
        } else {
            let files = index.files(exhibit).map_err(io::Error::other)?;
            let mut list = FilesList::new(BufReader::new(files));
            while let Some(entry) = list.next_entry().map_err(io::Error::other)? {
                let (path, line) = naming.next(&entry).map_err(io::Error::other)?;
                if let Some(line) = line {
                    self.real_names.write_all(&line)?;
                }
                if let (true, Some(digest)) = (entry.listed_type.has_plain_digest(), &entry.sha256) {
                    self.lines.write_all(&line_for_real_name(digest, &naming.within(&path)))?;
                }
            }
            if self.keep_tar {
                let tar_name = naming.tar_name();
                fs::rename(folder.join(PARTIAL_TAR), folder.join(name_of(&tar_name)))?;
                self.lines.write_all(&line_for_real_name(&exhibit.sha256, &naming.beside(&tar_name)))?;
            }
        }
        self.opened.push(OpenedExhibit {
            number: exhibit.number,
            exhibit_type: exhibit.exhibit_type,
            path: Path::new(&number).join(name_of(&name)),
            size_bytes: exhibit.size_bytes,
            sensitive: exhibit.sensitive.is_some(),
        });
        Ok(())
    }

    /// Sets the exhibit's own attributes, mode and time; what can't be set is noted.
    fn restore(&mut self, path: &Path, record: &Record, exhibit: &ExhibitDescription) {
        let mut missed = Missed::default();
        let is_folder = exhibit.exhibit_type == ExhibitType::Folder;
        let number = exhibit.number.to_string();
        // A sensitive exhibit goes by its number.
        let own = if exhibit.sensitive.is_some() { number.as_str() } else { exhibit.name.display() };
        let own = own.as_bytes();
        match File::open(path) {
            Ok(file) => {
                let attributes = record.attributes_with_values();
                restore(&file, &attributes, record.mode, record.modified_time, is_folder, own, &mut missed);
            }
            Err(_) => missed.add("mode and time are", own),
        }
        for name in record.attributes_left_out() {
            missed.attribute(&name, own);
        }
        for text in missed.notes(&number) {
            self.note(text);
        }
    }

    fn discard(&self, exhibit: &ExhibitDescription) {
        // The folder that holds everything is removed or marked anyway.
        let _ = fs::remove_dir_all(self.exhibit_folder(exhibit));
    }
}

impl ExhibitVisitor for Extractor {
    fn file(&mut self, exhibit: &ExhibitDescription, content: &mut dyn BufRead) -> io::Result<()> {
        let folder = self.exhibit_folder(exhibit);
        create_private_folder(&folder).map_err(|error| self.failed(&folder, error))?;
        let path = folder.join(PARTIAL);
        if SYNCED_TOGETHER && exhibit.size_bytes <= SYNCED_LATER_BYTES {
            let made = create_private_file(&path).map_err(|error| self.failed(&path, error))?;
            let written = copy_into(&made, content, &mut self.buffer)?;
            return written.map_err(|error| self.failed(&path, error));
        }
        match write_private_file(&path, "content", content) {
            Ok(()) => Ok(()),
            Err(WriteError::Read { source, .. }) => Err(source),
            Err(error) => {
                let text = error.to_string();
                self.failure.get_or_insert(error);
                Err(io::Error::other(text))
            }
        }
    }

    fn folder(
        &mut self,
        exhibit: &ExhibitDescription,
        tar: &mut dyn Read,
        files: &mut dyn Read,
    ) -> Result<(), TarError> {
        let folder = self.exhibit_folder(exhibit);
        let top = folder.join(PARTIAL);
        let tar_path = folder.join(PARTIAL_TAR);
        let wrong = |source| TarError::Write { path: exhibit.number.to_string(), source };
        let made = create_private_folder(&folder)
            .and_then(|()| create_private_folder(&top))
            .and_then(|()| Folder::open(&top));
        let opened = made.map_err(|error| wrong(self.failed(&folder, error)))?;
        let keep = self.keep_tar.then(|| create_private_file(&tar_path)).transpose();
        let keep = keep.map_err(|error| wrong(self.failed(&tar_path, error)))?;
        let how = (self.portable, exhibit.sensitive.is_some());
        let mut tree = Tree::new(top, opened, how, (self.disk, self.room_for_copies), &mut self.buffer);
        let mut tee = Tee { inner: tar, copy: keep, failure: None };
        let outcome = visit_folder(&mut tee, files, &mut tree);
        if let (true, Err(error)) = (outcome.is_ok(), tree.close_down_to(b"")) {
            tree.failure.get_or_insert_with(|| WriteError::io(&tree.top, error));
        }
        let missed = tree.missed;
        self.room_for_copies = tree.room_for_copies;
        let kept = tee.copy.as_ref().map_or(Ok(()), settle);
        let failure =
            tree.failure.or(tee.failure.or(kept.err()).map(|error| WriteError::io(&tar_path, error)));
        if let (None, Some(failure)) = (&self.failure, failure) {
            let text = failure.to_string();
            self.failure = Some(failure);
            // Not read to the end, or not written: what was wrong on the disk is told by itself.
            outcome?;
            return Err(wrong(io::Error::other(text)));
        }
        outcome?;
        for text in missed.notes(&exhibit.number.to_string()) {
            self.note(text);
        }
        Ok(())
    }

    fn accept(&mut self, exhibit: &ExhibitDescription, index: &mut Index) -> Result<(), String> {
        self.name_it(exhibit, index).map_err(|error| {
            self.discard(exhibit);
            let folder = self.exhibit_folder(exhibit);
            format!("it cannot be written under its real name: {}", self.failed(&folder, error))
        })
    }

    fn stopped(&self) -> bool {
        self.failure.is_some()
    }

    fn reject(&mut self, exhibit: &ExhibitDescription, index: &mut Index, content_is_right: bool) {
        if !(self.unverified && content_is_right && self.name_it(exhibit, index).is_ok()) {
            self.discard(exhibit);
            self.note(format!("{} was not opened: its content is not what was signed", exhibit.number));
        }
    }
}

/// Passes bytes on and keeps a copy, if one is wanted.
struct Tee<'a> {
    inner: &'a mut dyn Read,
    copy: Option<File>,
    failure: Option<io::Error>,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.write_all(buffer.get(..count).unwrap_or_default())
        {
            let text = error.to_string();
            self.failure = Some(error);
            return Err(io::Error::other(text));
        }
        Ok(count)
    }
}

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
struct Tree<'a> {
    top: PathBuf,
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
    room_for_copies: u64,
    missed: Missed,
    buffer: &'a mut Vec<u8>,
    failure: Option<WriteError>,
}

impl<'a> Tree<'a> {
    fn new(
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
    fn close_down_to(&mut self, stored: &[u8]) -> io::Result<()> {
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
fn copy_into(mut file: &File, content: &mut dyn Read, buffer: &mut Vec<u8>) -> io::Result<io::Result<()>> {
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
fn settle(file: &File) -> io::Result<()> {
    if SYNCED_TOGETHER { Ok(()) } else { file.sync_all() }
}

/// Sets attributes, mode and time; what can't be set is added to what is missed.
///
/// The owner keeps the right to read, and to write into folders; bits that would run the file as
/// somebody else, or let others change evidence, are dropped.
fn restore(
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
