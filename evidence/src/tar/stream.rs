//! Makes the deterministic tar of a folder, as a reader.
//!
//! Holds the measuring of a folder and the stream that gives its tar and writes its list of files
//! on the way. May read the folder. Never holds more than one entry and one listing a level.

use super::{END_BYTES, Entry, EntryKind, padding};
use crate::files_list::{ListedEntry, ListedType};
use crate::hash_list::Watch;
use crate::record::{Attributes, FileTime};
use crate::walk::{Found, FoundKind, SourceError, Walk};
use rogatory_core::Digest;
use sha2::Digest as _;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What a folder's tar will amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FolderSize {
    pub(crate) tar_bytes: u64,
    pub(crate) entries: u64,
}

/// Walks `folder` and adds up the size of its tar.
pub(crate) fn measure(folder: &Path) -> Result<FolderSize, SourceError> {
    let mut walk = Walk::new(folder)?;
    let mut size = FolderSize { tar_bytes: END_BYTES, entries: 0 };
    while let Some(found) = walk.next_entry()? {
        let entry = entry_of(&found);
        let content = entry.content_bytes();
        let whole = (entry.header().len() as u64)
            .checked_add(content)
            .and_then(|sum| sum.checked_add(padding(content) as u64));
        size.tar_bytes = whole
            .and_then(|whole| size.tar_bytes.checked_add(whole))
            .ok_or_else(|| SourceError::io(&found.path, io::Error::other("its size is out of range")))?;
        size.entries += 1;
    }
    Ok(size)
}

fn entry_of(found: &Found) -> Entry {
    let attributes = Attributes::of(&found.metadata);
    Entry {
        path: found.relative.clone(),
        kind: match &found.kind {
            FoundKind::File => EntryKind::File { size_bytes: found.metadata.len() },
            FoundKind::Folder => EntryKind::Folder,
            FoundKind::Link { target } => EntryKind::Link { target: target.clone() },
        },
        mode: attributes.mode.unwrap_or(0o644),
        modified: attributes.modified.unwrap_or(FileTime { seconds: 0, nanoseconds: 0 }),
    }
}

/// A file that is read exactly as long as it was when it was opened.
pub(crate) struct SteadyFile {
    path: PathBuf,
    file: File,
    before: Attributes,
    size: u64,
    left: u64,
}

impl SteadyFile {
    /// Opens `path`, which looked like `metadata` a moment ago.
    pub(crate) fn open(path: &Path, metadata: &Metadata) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::changed(path, "it vanished"),
            _ => SourceError::io(path, error),
        })?;
        let opened = file.metadata().map_err(|error| SourceError::io(path, error))?;
        if !opened.is_file() || !same_file(metadata, &opened) {
            return Err(SourceError::changed(path, "it was replaced by another file"));
        }
        let size = metadata.len();
        let steady = Self { path: path.to_owned(), file, before: Attributes::of(metadata), size, left: size };
        steady.compare(&opened)?;
        Ok(steady)
    }

    fn compare(&self, now: &Metadata) -> Result<(), SourceError> {
        if now.len() != self.size {
            return Err(SourceError::changed(&self.path, "its size is another"));
        }
        if Attributes::of(now).modified != self.before.modified {
            return Err(SourceError::changed(&self.path, "its time of modification is another"));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

impl Read for SteadyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(space) = buffer.get_mut(..most).filter(|space| !space.is_empty()) else {
            return Ok(0);
        };
        let count = self.file.read(space).map_err(|error| SourceError::io(&self.path, error).into_io())?;
        if count == 0 {
            return Err(SourceError::changed(&self.path, "it became shorter").into_io());
        }
        self.left -= count as u64;
        if self.left == 0 {
            let now = self.file.metadata().map_err(|error| SourceError::io(&self.path, error).into_io())?;
            self.compare(&now).map_err(SourceError::into_io)?;
        }
        Ok(count)
    }
}

/// A file of the folder on its way into the tar.
struct Content {
    file: SteadyFile,
    hasher: sha2::Sha256,
    path: Vec<u8>,
}

/// Gives the tar of a folder and writes its list of files to `list`.
pub(crate) struct FolderStream<'a> {
    folder: PathBuf,
    walk: Walk,
    list: &'a mut dyn Write,
    watch: &'a mut Watch,
    pending: Vec<u8>,
    given: usize,
    content: Option<Content>,
    ended: bool,
    expected: FolderSize,
    sum: FolderSize,
}

impl<'a> FolderStream<'a> {
    /// Starts the tar of `folder`, which was measured as `expected` before.
    pub(crate) fn new(
        folder: &Path,
        expected: FolderSize,
        list: &'a mut dyn Write,
        watch: &'a mut Watch,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            folder: folder.to_owned(),
            walk: Walk::new(folder)?,
            list,
            watch,
            pending: Vec::new(),
            given: 0,
            content: None,
            ended: false,
            expected,
            sum: FolderSize::default(),
        })
    }

    /// Prepares the next bytes; `false` after the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.pending.clear();
        self.given = 0;
        if let Some(done) = self.content.take() {
            self.pending.resize(padding(done.file.size), 0);
            let digest = Digest::from_bytes(done.hasher.finalize().into());
            self.note(Some(digest), done.file.size, ListedType::File, done.path)?;
            return Ok(true);
        }
        if self.ended {
            return Ok(false);
        }
        let Some(found) = self.walk.next_entry().map_err(SourceError::into_io)? else {
            self.ended = true;
            self.pending.resize(1024, 0);
            self.sum.tar_bytes += END_BYTES;
            if self.sum != self.expected {
                let what = "files were added, removed or changed";
                return Err(SourceError::changed(&self.folder, what).into_io());
            }
            return Ok(true);
        };
        let entry = entry_of(&found);
        self.pending = entry.header();
        let content = entry.content_bytes();
        self.sum.tar_bytes += self.pending.len() as u64 + content + padding(content) as u64;
        self.sum.entries += 1;
        match entry.kind {
            EntryKind::File { .. } => {
                let file = SteadyFile::open(&found.path, &found.metadata).map_err(SourceError::into_io)?;
                self.content = Some(Content { file, hasher: sha2::Sha256::new(), path: entry.path });
            }
            EntryKind::Folder => self.note(None, 0, ListedType::Folder, entry.path)?,
            EntryKind::Link { target } => {
                self.note(Some(Digest::of(&target)), target.len() as u64, ListedType::Link, entry.path)?;
            }
        }
        Ok(true)
    }

    fn note(
        &mut self,
        sha256: Option<Digest>,
        size_bytes: u64,
        listed_type: ListedType,
        path: Vec<u8>,
    ) -> io::Result<()> {
        // The target of a link is no content.
        let content = sha256.as_ref().filter(|_| listed_type == ListedType::File);
        self.watch.entry(content, size_bytes, &path);
        self.list.write_all(&ListedEntry { sha256, size_bytes, listed_type, path }.to_line())
    }
}

impl Read for FolderStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let rest = self.pending.get(self.given..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                self.given += count;
                return Ok(count);
            }
            if let Some(content) = &mut self.content
                && content.file.left > 0
            {
                let count = content.file.read(buffer)?;
                content.hasher.update(&buffer[..count]);
                self.watch.content(&buffer[..count]);
                return Ok(count);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}
