//! Makes the deterministic tar of a folder, as a reader.
//!
//! Holds the measuring of a folder and the stream that gives its tar and writes its list of files
//! on the way. May read the folder. Never holds more than a few small files and one listing a level.

use super::hard_links::{FirstName, HardLinks, Role, Room};
use super::{BLOCK_BYTES, END_BYTES, Entry, EntryKind, MAX_PAX_BYTES, padding};
use crate::attributes::{self, Owner};
use crate::files_list::{ListedEntry, ListedType};
use crate::handle::{Facts, FileKind, facts_of, open_unfollowed};
use crate::hash_list::Watch;
use crate::limits::MAX_PACKAGE_BYTES;
use crate::passing::PassingFile;
use crate::record::Attributes;
use crate::sparse::{self, SparseDigest, SparseMap};
use crate::streams::BUFFER_BYTES;
use crate::walk::{FoundKind, REPLACED, SourceError, Walk, shown};
use crate::walk_ahead::{SMALL_BYTES, SmallContent, read_small};
use rogatory_core::Digest;
use sha2::Digest as _;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The list of files is handed on in pieces of this size.
const LIST_BYTES: usize = 32 * 1024;

/// What a folder's tar will amount to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct FolderSize {
    pub(crate) tar_bytes: u64,
    pub(crate) entries: u64,
}

impl FolderSize {
    fn add(&mut self, entry: &Entry, header_bytes: u64) -> Option<()> {
        let content = entry.content_bytes();
        let whole = header_bytes.checked_add(content)?.checked_add(padding(content) as u64)?;
        self.tar_bytes = self.tar_bytes.checked_add(whole)?;
        self.entries += 1;
        Some(())
    }
}

/// A folder that was looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) size: FolderSize,
    pub(crate) links: HardLinks,
    /// How many extended attributes can't be read, and one of them with its file.
    pub(crate) unread: Option<(u64, String)>,
}

/// Walks `folder` and adds up the size of its tar.
pub(crate) fn measure(folder: &Path, room: &mut Room) -> Result<Measured, SourceError> {
    let mut walk = Walk::measuring(folder)?;
    let mut measured = Measured::default();
    measured.size.tar_bytes = END_BYTES;
    let mut buffer = Vec::new();
    while let Some(kind) = walk.step()? {
        let Some(facts) = walk.facts().copied() else { continue };
        let found = attributes_of(&mut walk, kind, None, &mut buffer)?;
        if let Some(name) = found.unread.first() {
            let first = || format!("`{}` of `{}`", crate::record::display(name), shown(&walk.path()));
            let (count, _) = measured.unread.get_or_insert_with(|| (0, first()));
            *count += found.unread.len() as u64;
        }
        let kind = match (kind, facts.identity) {
            (FoundKind::File, Some(identity)) if facts.names > 1 => {
                let first = measured.links.count(identity, walk.relative(), room);
                match first {
                    Some(first) => EntryKind::HardLink { target: first.to_vec() },
                    None => measured_file(&walk, &facts)?,
                }
            }
            (FoundKind::File, _) => measured_file(&walk, &facts)?,
            (FoundKind::Folder, _) => EntryKind::Folder,
            (FoundKind::Link, _) => EntryKind::Link { target: walk.target().to_vec() },
        };
        let entry = entry_of(&walk, &facts, kind, found.attributes)?;
        measured.size.add(&entry, entry.header_bytes()).ok_or_else(|| out_of_range(&walk))?;
    }
    measured.links.counted(room);
    Ok(measured)
}

fn out_of_range(walk: &Walk) -> SourceError {
    SourceError::io(&walk.path(), io::Error::other("its size is out of range"))
}

/// A file that was not opened yet: it is, if it may have holes.
fn measured_file(walk: &Walk, facts: &Facts) -> Result<EntryKind, SourceError> {
    let size_bytes = facts.size_bytes;
    let opened = match walk.folder() {
        Some(folder) if facts.may_have_holes() => folder.open_file(walk.name()),
        _ => return Ok(EntryKind::File { size_bytes }),
    };
    let map = opened.and_then(|file| sparse::find(&file, size_bytes));
    let map = map.map_err(|error| SourceError::below(&walk.path(), error))?;
    if map.is_some() && size_bytes > MAX_PACKAGE_BYTES {
        return Err(SourceError::Size { path: shown(&walk.path()), size_bytes });
    }
    Ok(kind_with(map.as_ref(), size_bytes))
}

fn kind_with(map: Option<&SparseMap>, size_bytes: u64) -> EntryKind {
    map.map_or(EntryKind::File { size_bytes }, |map| {
        let text = map.to_text(size_bytes).len().next_multiple_of(BLOCK_BYTES) as u64;
        EntryKind::Sparse { size_bytes, stored_bytes: text.saturating_add(map.data_bytes()) }
    })
}

fn attributes_of(
    walk: &mut Walk,
    kind: FoundKind,
    file: Option<&File>,
    buffer: &mut Vec<u8>,
) -> Result<attributes::Found, SourceError> {
    if let Some(found) = walk.take_attributes() {
        return Ok(found);
    }
    let inner = match kind {
        FoundKind::Folder => walk.inner().and_then(|inner| inner.as_file()),
        FoundKind::File => file,
        FoundKind::Link => None,
    };
    let found = match inner {
        Some(file) => attributes::read(Owner::Open(file), buffer),
        None => attributes::read(Owner::At(&walk.path()), buffer),
    };
    found.map_err(|error| SourceError::below(&walk.path(), error))
}

fn entry_of(
    walk: &Walk,
    facts: &Facts,
    kind: EntryKind,
    attributes: attributes::ExtendedAttributes,
) -> Result<Entry, SourceError> {
    // A further name has what the file has.
    let attributes = if let EntryKind::HardLink { .. } = kind { Vec::new() } else { attributes };
    let entry = Entry {
        path: walk.relative().to_vec(),
        kind,
        mode: facts.mode,
        modified: facts.modified,
        attributes,
    };
    if entry.pax_bytes() > MAX_PAX_BYTES {
        return Err(SourceError::Attributes { path: shown(&walk.path()), limit: MAX_PAX_BYTES });
    }
    Ok(entry)
}

/// What tells that a file was changed while it was read.
fn compare(path: &dyn Fn() -> PathBuf, before: &Facts, now: &Facts) -> Result<(), SourceError> {
    now.difference(before).map_or(Ok(()), |what| Err(SourceError::changed(&path(), what)))
}

/// A file that is read exactly as long as it was when it was opened.
pub(crate) struct SteadyFile {
    path: PathBuf,
    file: PassingFile,
    before: Facts,
    left: u64,
}

impl SteadyFile {
    /// Opens `path`, which looked like `metadata` a moment ago.
    pub(crate) fn open(path: &Path, metadata: &Metadata) -> Result<Self, SourceError> {
        let file = open_unfollowed(path).map_err(|error| match path.symlink_metadata() {
            Ok(now) if now.is_file() => SourceError::io(path, error),
            Ok(_) => SourceError::changed(path, REPLACED),
            Err(_) => SourceError::below(path, error),
        })?;
        let before = facts_of(&file).map_err(|error| SourceError::io(path, error))?;
        if before.kind != FileKind::File || !same_file(metadata, &before) {
            return Err(SourceError::changed(path, "it was replaced by another file"));
        }
        if before.size_bytes != metadata.len() {
            return Err(SourceError::changed(path, "its size is another"));
        }
        if Attributes::of(metadata).modified.is_some_and(|modified| modified != before.modified) {
            return Err(SourceError::changed(path, "its time of modification is another"));
        }
        Ok(Self::opened(path.to_owned(), file, before))
    }

    fn opened(path: PathBuf, file: File, before: Facts) -> Self {
        let file = PassingFile::sized(file, before.size_bytes);
        Self { path, file, before, left: before.size_bytes }
    }

    fn check(&self) -> io::Result<()> {
        facts_of(self.file.file())
            .map_err(|error| SourceError::io(&self.path, error))
            .and_then(|now| compare(&|| self.path.clone(), &self.before, &now))
            .map_err(SourceError::into_io)
    }

    fn read_some(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = loop {
            match self.file.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| SourceError::io(&self.path, error).into_io())?,
            }
        };
        if count == 0 {
            return Err(SourceError::changed(&self.path, "it became shorter").into_io());
        }
        Ok(count)
    }
}

#[cfg(unix)]
fn same_file(metadata: &Metadata, opened: &Facts) -> bool {
    use std::os::unix::fs::MetadataExt;
    opened.identity == Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Facts) -> bool {
    true
}

impl Read for SteadyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(space) = buffer.get_mut(..most).filter(|space| !space.is_empty()) else {
            return Ok(0);
        };
        let count = self.read_some(space)?;
        self.left -= count as u64;
        if self.left == 0 {
            self.check()?;
        }
        Ok(count)
    }
}

/// A large file of the folder on its way into the tar.
struct Content {
    file: SteadyFile,
    digest: ContentDigest,
    path: Vec<u8>,
    names: u32,
    /// What is to be filled after it.
    stored_bytes: u64,
}

enum ContentDigest {
    Plain(sha2::Sha256),
    /// With the regions that are still to come; the first is at hand.
    Sparse {
        digest: SparseDigest,
        map: SparseMap,
        region: usize,
        inside: u64,
    },
}

impl Content {
    /// The next bytes; 0 at the end, when the file was compared once more.
    fn read(&mut self, buffer: &mut [u8], watch: &mut Watch) -> io::Result<usize> {
        match &mut self.digest {
            ContentDigest::Plain(hasher) => {
                let count = self.file.read(buffer)?;
                hasher.update(buffer.get(..count).unwrap_or_default());
                watch.content(buffer.get(..count).unwrap_or_default());
                Ok(count)
            }
            ContentDigest::Sparse { digest, map, region, inside } => {
                let Some(now) = map.regions().get(*region) else {
                    if map.regions().is_empty() {
                        self.file.check()?;
                    }
                    return Ok(0);
                };
                let at = now.start + *inside;
                if *inside == 0 {
                    let sought = self.file.file.seek(SeekFrom::Start(at));
                    sought.map_err(|error| SourceError::io(&self.file.path, error).into_io())?;
                }
                let most = usize::try_from(now.end() - at).unwrap_or(usize::MAX).min(buffer.len());
                let count = self.file.read_some(buffer.get_mut(..most).unwrap_or_default())?;
                digest.update(at, buffer.get(..count).unwrap_or_default());
                watch.data(at, buffer.get(..count).unwrap_or_default());
                *inside += count as u64;
                if at + count as u64 == now.end() {
                    (*region, *inside) = (*region + 1, 0);
                }
                if *region == map.regions().len() {
                    self.file.check()?;
                }
                Ok(count)
            }
        }
    }
}

/// Gives the tar of a folder and writes its list of files to `list`.
pub(crate) struct FolderStream<'a> {
    folder: PathBuf,
    walk: Walk,
    list: &'a mut dyn Write,
    watch: &'a mut Watch,
    lines: Vec<u8>,
    pending: Vec<u8>,
    given: usize,
    content: Option<Content>,
    ended: bool,
    expected: FolderSize,
    sum: FolderSize,
    links: HardLinks,
    buffer: Vec<u8>,
}

impl<'a> FolderStream<'a> {
    /// Starts the tar of `folder`, which was measured before.
    pub(crate) fn new(
        folder: &Path,
        measured: &Measured,
        list: &'a mut dyn Write,
        watch: &'a mut Watch,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            folder: folder.to_owned(),
            walk: Walk::opening(folder)?,
            list,
            watch,
            lines: Vec::new(),
            pending: Vec::with_capacity(2 * BUFFER_BYTES),
            given: 0,
            content: None,
            ended: false,
            expected: measured.size,
            sum: FolderSize { tar_bytes: END_BYTES, entries: 0 },
            links: measured.links.clone(),
            buffer: Vec::new(),
        })
    }

    /// Prepares the next bytes: many small entries, or the beginning of a large file. `false` after
    /// the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.pending.clear();
        self.given = 0;
        if let Some(done) = self.content.take() {
            self.pending.resize(padding(done.stored_bytes), 0);
            let (sha256, is_sparse) = match done.digest {
                ContentDigest::Plain(hasher) => (Digest::from_bytes(hasher.finalize().into()), false),
                ContentDigest::Sparse { digest, .. } => (digest.finish(), true),
            };
            self.note_file(sha256, &done.file.before, is_sparse, done.names, done.path)?;
        }
        while !self.ended && self.content.is_none() && self.pending.len() < BUFFER_BYTES {
            self.next_entry()?;
        }
        Ok(!self.pending.is_empty() || self.content.is_some())
    }

    /// Appends one entry, or the end, to what is pending.
    fn next_entry(&mut self) -> io::Result<()> {
        let Some(kind) = self.walk.step().map_err(SourceError::into_io)? else {
            self.ended = true;
            self.hand_on_lines()?;
            self.pending.resize(self.pending.len() + 1024, 0);
            return if self.sum == self.expected { Ok(()) } else { Err(self.differs()) };
        };
        let Some(facts) = self.walk.facts().copied() else {
            return Err(self.differs());
        };
        let file = self.walk.take_file();
        let content = self.walk.take_content();
        let found = attributes_of(&mut self.walk, kind, file.as_ref(), &mut self.buffer)
            .map_err(SourceError::into_io)?;
        if let Some(content) = content {
            return self.add_small(&content, &facts, found.attributes, 1);
        }
        match (kind, file) {
            (FoundKind::File, Some(file)) => self.add_file(file, &facts, found.attributes),
            (FoundKind::File, None) => Err(self.differs()),
            (FoundKind::Folder, _) => {
                let entry = self.add_header(&facts, EntryKind::Folder, found.attributes)?;
                self.note(None, 0, ListedType::Folder, 1, entry.path)
            }
            (FoundKind::Link, _) => {
                let target = self.walk.target().to_vec();
                let (digest, size) = (Digest::of(&target), target.len() as u64);
                let entry = self.add_header(&facts, EntryKind::Link { target }, found.attributes)?;
                self.note(Some(digest), size, ListedType::Link, 1, entry.path)
            }
        }
    }

    /// What was measured is not what is found.
    fn differs(&self) -> io::Error {
        SourceError::changed(&self.folder, "files were added, removed or changed").into_io()
    }

    fn add_header(
        &mut self,
        facts: &Facts,
        kind: EntryKind,
        attributes: attributes::ExtendedAttributes,
    ) -> io::Result<Entry> {
        let entry = entry_of(&self.walk, facts, kind, attributes).map_err(SourceError::into_io)?;
        let before = self.pending.len();
        entry.push_header(&mut self.pending);
        let header_bytes = (self.pending.len() - before) as u64;
        self.sum.add(&entry, header_bytes).ok_or_else(|| out_of_range(&self.walk).into_io())?;
        if self.sum.tar_bytes > self.expected.tar_bytes {
            // Before more is read than there is room for.
            return Err(self.differs());
        }
        Ok(entry)
    }

    fn add_file(
        &mut self,
        file: File,
        facts: &Facts,
        attributes: attributes::ExtendedAttributes,
    ) -> io::Result<()> {
        let role = match facts.identity {
            Some(identity) if facts.names > 1 => self.links.role(identity, self.walk.relative()),
            _ => Role::Only,
        };
        let names = match role {
            Role::Only => 1,
            Role::First(names) => names,
            Role::Again(target, content) => {
                let target = target.to_vec();
                let content = content.ok_or_else(|| self.differs())?;
                if content.size_bytes != facts.size_bytes {
                    return Err(SourceError::changed(&self.walk.path(), "its size is another").into_io());
                }
                let listed = if content.is_sparse { ListedType::SparseAgain } else { ListedType::FileAgain };
                let entry = self.add_header(facts, EntryKind::HardLink { target }, attributes)?;
                return self.note(Some(content.sha256), content.size_bytes, listed, 1, entry.path);
            }
        };
        let size_bytes = facts.size_bytes;
        let map = if facts.may_have_holes() { sparse::find(&file, size_bytes) } else { Ok(None) };
        let map = map.map_err(|error| SourceError::below(&self.walk.path(), error).into_io())?;
        if map.is_none() && size_bytes <= SMALL_BYTES {
            let content = self.read_small(file, facts)?;
            return self.add_small(&content, facts, attributes, names);
        }
        let entry = self.add_header(facts, kind_with(map.as_ref(), size_bytes), attributes)?;
        let stored_bytes = entry.content_bytes();
        let digest = match map {
            None => ContentDigest::Plain(sha2::Sha256::new()),
            Some(map) => {
                let start = self.pending.len();
                self.pending.extend_from_slice(&map.to_text(size_bytes));
                let end = start + (self.pending.len() - start).next_multiple_of(BLOCK_BYTES);
                self.pending.resize(end, 0);
                ContentDigest::Sparse { digest: SparseDigest::new(size_bytes), map, region: 0, inside: 0 }
            }
        };
        let file = SteadyFile::opened(self.walk.path(), file, *facts);
        self.content = Some(Content { file, digest, path: entry.path, names, stored_bytes });
        Ok(())
    }

    /// Adds a small file that was read.
    fn add_small(
        &mut self,
        content: &SmallContent,
        facts: &Facts,
        attributes: attributes::ExtendedAttributes,
        names: u32,
    ) -> io::Result<()> {
        let size_bytes = facts.size_bytes;
        let entry = self.add_header(facts, EntryKind::File { size_bytes }, attributes)?;
        self.watch.content(&content.bytes);
        self.pending.extend_from_slice(&content.bytes);
        self.pending.resize(self.pending.len() + padding(size_bytes), 0);
        self.note_file(content.sha256, facts, false, names, entry.path)
    }

    /// Reads a whole small file, and looks at it once more.
    fn read_small(&self, mut file: File, facts: &Facts) -> io::Result<SmallContent> {
        let failed = |error| SourceError::io(&self.walk.path(), error).into_io();
        let bytes = read_small(&mut file, facts.size_bytes).map_err(failed)?;
        let bytes = bytes.map_err(|what| SourceError::changed(&self.walk.path(), what).into_io())?;
        let now = facts_of(&file).map_err(failed)?;
        compare(&|| self.walk.path(), facts, &now).map_err(SourceError::into_io)?;
        Ok(SmallContent::new(bytes))
    }

    /// The line of a file; one with further names is remembered for them.
    fn note_file(
        &mut self,
        sha256: Digest,
        facts: &Facts,
        is_sparse: bool,
        names: u32,
        path: Vec<u8>,
    ) -> io::Result<()> {
        if let (Some(identity), true) = (facts.identity, names > 1) {
            self.links.read(identity, FirstName { sha256, size_bytes: facts.size_bytes, is_sparse });
        }
        let listed = if is_sparse { ListedType::Sparse } else { ListedType::File };
        self.note(Some(sha256), facts.size_bytes, listed, names, path)
    }

    fn note(
        &mut self,
        sha256: Option<Digest>,
        size_bytes: u64,
        listed_type: ListedType,
        names: u32,
        path: Vec<u8>,
    ) -> io::Result<()> {
        match listed_type {
            ListedType::Sparse => self.watch.sparse_entry(size_bytes, &path),
            // The target of a link is no content, and the first name of a file stands for all of them.
            _ => {
                let content = sha256.as_ref().filter(|_| listed_type == ListedType::File);
                self.watch.entry(content, size_bytes, &path);
            }
        }
        ListedEntry { sha256, size_bytes, listed_type, names, path }.push_line(&mut self.lines);
        if self.lines.len() >= LIST_BYTES { self.hand_on_lines() } else { Ok(()) }
    }

    fn hand_on_lines(&mut self) -> io::Result<()> {
        self.list.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
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
            if let Some(content) = &mut self.content {
                let count = content.read(buffer, self.watch)?;
                if count > 0 {
                    return Ok(count);
                }
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}
