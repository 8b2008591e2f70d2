//! Walks a folder in one fixed order.
//!
//! Holds the walk that both the measuring and the sealing of a folder use: parents before
//! children, paths sorted by their raw bytes with a folder's path ending in a slash. May read
//! folders and attributes, and open files. Never follows a link; refuses what is neither file, folder
//! nor link.

use crate::attributes::Found;
use crate::handle::{Facts, FileKind, Folder, FolderStack, facts_of};
use crate::limits::MAX_PACKAGE_BYTES;
use crate::raw_path::{below, bytes_of, link_stays_inside};
use crate::record::{MAX_NAME_BYTES, MAX_PATH_BYTES, display, is_file_name};
use crate::walk_ahead::{AHEAD, Looked, SmallContent, look_ahead};
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A source cannot be sealed as it is.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refuses.
    #[error("`{path}` cannot be read")]
    Io {
        /// Which file or folder.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It vanished, or changed, while it was read.
    #[error("`{path}` changed while it was read: {what}; seal again when nothing writes to it")]
    Changed {
        /// Which file or folder.
        path: String,
        /// What changed.
        what: &'static str,
    },
    /// A path that was named is a link.
    #[error("`{path}` is a symbolic link; name the file or folder it points to")]
    NamedLink {
        /// The path.
        path: String,
    },
    /// A link that leaves the folder.
    #[error(
        "`{path}` is a symbolic link that leaves the folder (to `{target}`), so the package would miss what it points to"
    )]
    EscapingLink {
        /// The link.
        path: String,
        /// Where it points.
        target: String,
    },
    /// A link among files that become exhibits of their own.
    #[error("`{path}` is a symbolic link and can be no exhibit of its own; seal the folder as one exhibit")]
    LinkAsExhibit {
        /// The link.
        path: String,
    },
    /// A pipe, socket or device.
    #[error("`{path}` is neither file, folder nor link and cannot be sealed")]
    Special {
        /// The path.
        path: String,
    },
    /// Longer than the format allows.
    #[error("the path of `{path}` is longer than {MAX_PATH_BYTES} bytes")]
    TooLong {
        /// The path.
        path: String,
    },
    /// A name longer than the format allows.
    #[error("the name of `{path}` is longer than {MAX_NAME_BYTES} bytes")]
    LongName {
        /// The path.
        path: String,
    },
    /// More names in one folder than can be sorted.
    #[error("`{path}` holds more names than a folder may have in a package")]
    TooMany {
        /// The folder.
        path: String,
    },
    /// A folder that leads to itself, by a mount.
    #[error("`{path}` is the same folder as one above it, so its content would never end")]
    Loop {
        /// The folder.
        path: String,
    },
    /// More extended attributes than a header holds.
    #[error("the extended attributes of `{path}` take more than {limit} bytes")]
    Attributes {
        /// The path.
        path: String,
        /// The limit.
        limit: u64,
    },
    /// A file with holes that is larger than all of a package.
    #[error(
        "`{path}` has {size_bytes} bytes with its holes, and a file in a package has at most {MAX_PACKAGE_BYTES}"
    )]
    Size {
        /// The file.
        path: String,
        /// Its size.
        size_bytes: u64,
    },
    /// A file that is mostly holes, as an exhibit of its own.
    #[error(
        "`{path}` has holes: it holds {data_bytes} bytes of data and would take {size_bytes}; seal the folder it lies in, which keeps holes, or store them as zeros (--store-holes)"
    )]
    Holes {
        /// The file.
        path: String,
        /// What it holds.
        data_bytes: u64,
        /// What it would take.
        size_bytes: u64,
    },
}

/// A path for messages.
pub(crate) fn shown(path: &Path) -> String {
    display(&bytes_of(path.as_os_str()))
}

impl SourceError {
    /// A failure at `path`; one that vanished is said so.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: shown(path), source }
    }

    pub(crate) fn changed(path: &Path, what: &'static str) -> Self {
        Self::Changed { path: shown(path), what }
    }

    /// As an error of a reader, from which [`from_io`] takes it back.
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// A failure below the top of a folder that was listed before: not found means vanished.
    pub(crate) fn below(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::changed(path, "it vanished")
        } else {
            Self::io(path, source)
        }
    }
}

/// Takes back a [`SourceError`] that travelled through a reader.
pub(crate) fn from_io(error: io::Error, path: &Path) -> SourceError {
    match error.downcast::<SourceError>() {
        Ok(source) => source,
        Err(error) => SourceError::io(path, error),
    }
}

/// What the walk meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FoundKind {
    File,
    Folder,
    Link,
}

/// How files are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looking {
    /// What the folder says of them is enough.
    Only,
    /// Their extended attributes are read too.
    Measuring,
    /// They are opened, and asked themselves; small ones are read.
    Opening,
}

/// Where a name stands in its listing, and what it is.
struct Place {
    start: u32,
    length: u16,
    kind: FileKind,
}

/// One folder's names, sorted, in two blocks of memory however many there are.
struct Listing {
    names: Vec<u8>,
    places: Vec<Place>,
    next: usize,
    /// Length of the folder's path below the top, with a slash at the end; 0 for the top.
    prefix_bytes: usize,
}

impl Listing {
    fn name(&self, place: &Place) -> &[u8] {
        let start = place.start as usize;
        self.names.get(start..start + usize::from(place.length)).unwrap_or_default()
    }
}

/// The walk; an explicit stack, so depth costs no stack of the processor.
pub(crate) struct Walk {
    top: PathBuf,
    looking: Looking,
    folders: FolderStack,
    listings: Vec<Listing>,
    /// The entry at hand: path below the top, raw bytes, no slash at the end.
    relative: Vec<u8>,
    name_at: usize,
    facts: Option<Facts>,
    target: Vec<u8>,
    file: Option<File>,
    /// What was learnt ahead of the entry at hand.
    looked: Option<Looked>,
    /// Likewise of those that follow it in its folder; nothing of one that the walk must look at itself.
    ahead: VecDeque<Option<Looked>>,
    /// If the entry at hand is a folder: it, open. Its content comes next.
    inner: Option<Folder>,
}

impl Walk {
    /// Starts at the folder `top`, which is itself not among what is found. Opens no file.
    pub(crate) fn looking(top: &Path) -> Result<Self, SourceError> {
        Self::new(top, Looking::Only)
    }

    /// The same, and reads extended attributes of files ahead.
    pub(crate) fn measuring(top: &Path) -> Result<Self, SourceError> {
        Self::new(top, Looking::Measuring)
    }

    /// Opens each file, or reads it ahead if it is small.
    pub(crate) fn opening(top: &Path) -> Result<Self, SourceError> {
        Self::new(top, Looking::Opening)
    }

    fn new(top: &Path, looking: Looking) -> Result<Self, SourceError> {
        let failed = |error| SourceError::below(top, error);
        let folder = Folder::open(top).map_err(failed)?;
        let identity = folder.identity().map_err(failed)?;
        let mut walk = Self {
            top: top.to_owned(),
            looking,
            folders: FolderStack::new(),
            listings: Vec::new(),
            relative: Vec::new(),
            name_at: 0,
            facts: None,
            target: Vec::new(),
            file: None,
            looked: None,
            ahead: VecDeque::new(),
            inner: None,
        };
        walk.enter(folder, identity)?;
        Ok(walk)
    }

    fn enter(&mut self, folder: Folder, identity: Option<(u64, u64)>) -> Result<(), SourceError> {
        let listing = list(&folder, if self.relative.is_empty() { 0 } else { self.relative.len() + 1 });
        let listing = listing.map_err(|error| error.at(&self.path()))?;
        self.folders.push(folder, identity);
        self.listings.push(listing);
        Ok(())
    }

    /// Goes to the next entry; `None` at the end.
    pub(crate) fn step(&mut self) -> Result<Option<FoundKind>, SourceError> {
        self.file = None;
        self.looked = None;
        if let Some(inner) = self.inner.take() {
            let identity = self.facts.and_then(|facts| facts.identity);
            if self.folders.contains(identity) {
                return Err(SourceError::Loop { path: shown(&self.path()) });
            }
            self.enter(inner, identity)?;
        }
        let kind = loop {
            let Some(listing) = self.listings.last_mut() else {
                return Ok(None);
            };
            self.relative.truncate(listing.prefix_bytes);
            let Some(place) = listing.places.get(listing.next) else {
                self.listings.pop();
                self.folders.pop().map_err(|error| SourceError::below(&self.path(), error))?;
                continue;
            };
            listing.next += 1;
            if listing.prefix_bytes > 0 && self.relative.last() != Some(&b'/') {
                self.relative.push(b'/');
            }
            self.name_at = self.relative.len();
            self.relative.extend_from_slice(listing.name(place));
            if self.relative.last() == Some(&b'/') {
                self.relative.pop();
            }
            break place.kind;
        };
        self.look(kind).map(Some)
    }

    /// Learns what the entry at hand is, which its listing called `listed`.
    fn look(&mut self, listed: FileKind) -> Result<FoundKind, SourceError> {
        if let Err(error) = check_length(&self.relative, self.name_at) {
            return Err(error.at(&self.path()));
        }
        if listed == FileKind::File && self.looking != Looking::Only {
            if self.ahead.is_empty() {
                self.look_ahead();
            }
            if let Some(looked) = self.ahead.pop_front().flatten() {
                self.facts = Some(looked.facts);
                self.looked = Some(looked);
                return Ok(FoundKind::File);
            }
        }
        let Some(folder) = self.folders.last() else {
            return Err(SourceError::io(&self.top, io::Error::other("the folder above it is closed")));
        };
        let name = self.relative.get(self.name_at..).unwrap_or_default();
        let mut opened = None;
        let facts = match (listed, self.looking) {
            (FileKind::Folder, _) => folder.open_folder(name).and_then(|inner| {
                let facts = inner.facts();
                self.inner = Some(inner);
                facts
            }),
            (FileKind::File, Looking::Opening) => folder.open_file(name).and_then(|file| {
                let facts = facts_of(&file);
                opened = Some(file);
                facts
            }),
            (FileKind::Special, _) => return Err(SourceError::Special { path: shown(&self.path()) }),
            _ => folder.look(name),
        };
        let facts = match facts {
            Ok(facts) => facts,
            Err(error) => return Err(self.explain(listed, error)),
        };
        let replaced = || SourceError::changed(&self.path(), REPLACED);
        let kind = match facts.kind {
            FileKind::File => FoundKind::File,
            FileKind::Folder => FoundKind::Folder,
            FileKind::Link => FoundKind::Link,
            FileKind::Special | FileKind::Unknown if listed == FileKind::File => return Err(replaced()),
            FileKind::Special | FileKind::Unknown => {
                return Err(SourceError::Special { path: shown(&self.path()) });
            }
        };
        // A listing that tells no kinds was looked at name by name.
        if facts.kind != listed {
            return Err(replaced());
        }
        self.file = opened;
        self.facts = Some(facts);
        if kind == FoundKind::Link {
            self.target = folder.read_link(name).map_err(|error| SourceError::below(&self.path(), error))?;
            let depth = self.listings.len() - 1;
            if self.target.len() > MAX_PATH_BYTES || !link_stays_inside(depth, &self.target) {
                return Err(SourceError::EscapingLink {
                    path: shown(&self.path()),
                    target: display(&self.target),
                });
            }
        }
        Ok(kind)
    }

    /// Looks at the entry at hand and at the files that follow it in its listing, on all cores.
    fn look_ahead(&mut self) {
        let (Some(folder), Some(listing)) = (self.folders.last(), self.listings.last()) else {
            return;
        };
        let left = listing.places.get(listing.next.saturating_sub(1)..).unwrap_or_default();
        let files = left.iter().take(AHEAD).take_while(|place| place.kind == FileKind::File);
        let names: Vec<&[u8]> = files.map(|place| listing.name(place)).collect();
        let above = self.relative.get(..listing.prefix_bytes.saturating_sub(1)).unwrap_or_default();
        let path = if above.is_empty() { self.top.clone() } else { below(&self.top, above) };
        self.ahead.extend(look_ahead(folder, &path, &names, self.looking == Looking::Opening));
    }

    /// Why an entry can't be opened: it may have become something else.
    fn explain(&self, listed: FileKind, error: io::Error) -> SourceError {
        let path = self.path();
        let name = self.relative.get(self.name_at..).unwrap_or_default();
        let now = self.folders.last().and_then(|folder| folder.look(name).ok());
        match now {
            Some(facts) if facts.kind != listed => SourceError::changed(&path, REPLACED),
            _ => SourceError::below(&path, error),
        }
    }

    /// Path of the entry at hand below the top, raw bytes, no slash at the end.
    pub(crate) fn relative(&self) -> &[u8] {
        &self.relative
    }

    /// The entry's name.
    pub(crate) fn name(&self) -> &[u8] {
        self.relative.get(self.name_at..).unwrap_or_default()
    }

    /// The path from the top on, for messages and for what can't be done by name.
    pub(crate) fn path(&self) -> PathBuf {
        if self.relative.is_empty() { self.top.clone() } else { below(&self.top, &self.relative) }
    }

    pub(crate) const fn facts(&self) -> Option<&Facts> {
        self.facts.as_ref()
    }

    /// Where a link points.
    pub(crate) fn target(&self) -> &[u8] {
        &self.target
    }

    /// The folder in which the entry stands.
    pub(crate) fn folder(&self) -> Option<&Folder> {
        self.folders.last()
    }

    /// If the entry is a folder: it, open.
    pub(crate) const fn inner(&self) -> Option<&Folder> {
        self.inner.as_ref()
    }

    /// The extended attributes of a file, if they were read ahead.
    pub(crate) fn take_attributes(&mut self) -> Option<Found> {
        self.looked.as_mut().map(|looked| std::mem::take(&mut looked.attributes))
    }

    /// The content of a file, if it was read ahead; then it was not opened once more.
    pub(crate) fn take_content(&mut self) -> Option<SmallContent> {
        self.looked.as_mut().and_then(|looked| looked.content.take())
    }

    /// The open file, if files are opened and it was not read ahead.
    pub(crate) const fn take_file(&mut self) -> Option<File> {
        self.file.take()
    }
}

/// What is said of an entry that is no longer what it was.
pub(crate) const REPLACED: &str = "it was replaced by something else";

/// What is wrong with a folder or name, before it has a path.
enum ListError {
    Io(io::Error),
    TooMany,
    LongName,
    LongPath,
}

impl ListError {
    fn at(self, path: &Path) -> SourceError {
        match self {
            Self::Io(error) => SourceError::below(path, error),
            Self::TooMany => SourceError::TooMany { path: shown(path) },
            Self::LongName => SourceError::LongName { path: shown(path) },
            Self::LongPath => SourceError::TooLong { path: shown(path) },
        }
    }
}

fn check_length(relative: &[u8], name_at: usize) -> Result<(), ListError> {
    if !is_file_name(relative.get(name_at..).unwrap_or_default()) {
        return Err(ListError::LongName);
    }
    if relative.len() >= MAX_PATH_BYTES { Err(ListError::LongPath) } else { Ok(()) }
}

fn list(folder: &Folder, prefix_bytes: usize) -> Result<Listing, ListError> {
    let mut names: Vec<u8> = Vec::new();
    let mut places = Vec::new();
    let mut failure = None;
    folder
        .list(|name, kind| {
            let start = names.len();
            names.extend_from_slice(name);
            let looked = if kind == FileKind::Unknown {
                folder.look(name).map_or_else(
                    |error| {
                        failure.get_or_insert(ListError::Io(error));
                        kind
                    },
                    |facts| facts.kind,
                )
            } else {
                kind
            };
            if looked == FileKind::Folder {
                names.push(b'/');
            }
            match (u32::try_from(start), u16::try_from(names.len() - start)) {
                (Ok(start), Ok(length)) => places.push(Place { start, length, kind: looked }),
                (Err(_), _) => {
                    failure.get_or_insert(ListError::TooMany);
                }
                (_, Err(_)) => {
                    failure.get_or_insert(ListError::LongName);
                }
            }
        })
        .map_err(ListError::Io)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let name = |place: &Place| {
        let start = place.start as usize;
        names.get(start..start + usize::from(place.length)).unwrap_or_default()
    };
    places.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    Ok(Listing { names, places, next: 0, prefix_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_longer_than_the_format_are_told_apart() {
        assert!(check_length(&[b'a'; 255], 0).is_ok());
        assert!(matches!(check_length(&[b'a'; 256], 0), Err(ListError::LongName)));
        let deep = b"a/".repeat(MAX_PATH_BYTES / 2);
        assert!(matches!(check_length(&deep[..deep.len() - 1], deep.len() - 2), Ok(())));
        let deeper = [&deep[..], b"bc"].concat();
        assert!(matches!(check_length(&deeper, deep.len()), Err(ListError::LongPath)));
        let error = ListError::LongName.at(Path::new("x/y")).to_string();
        assert!(error.contains("x/y") && error.contains("255"), "{error}");
    }

    #[test]
    fn a_deep_tree_needs_few_open_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut handles = vec![Folder::open(folder.path()).expect("opens")];
        for _ in 0..300 {
            let last = handles.last().expect("one");
            last.create_file(b"after").expect("makes");
            let inner = last.create_folder(b"d").expect("makes");
            handles.push(inner);
        }
        drop(handles);
        let mut walk = Walk::looking(folder.path()).expect("opens");
        let mut found = Vec::new();
        while walk.step().expect("walks").is_some() {
            found.push(walk.relative().to_vec());
        }
        assert_eq!(found.len(), 600);
        let mut sorted: Vec<Vec<u8>> = found.clone();
        sorted.sort_by_key(|path| {
            let mut path = path.clone();
            if path.ends_with(b"d") {
                path.push(b'/');
            }
            path
        });
        assert_eq!(found, sorted);
    }
}
