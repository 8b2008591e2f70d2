//! Walks a folder in one fixed order.
//!
//! Holds the walk that both the measuring and the sealing of a folder use: parents before
//! children, paths sorted by their raw bytes with a folder's path ending in a slash. May read
//! folders and attributes. Never follows a link; refuses what is neither file, folder nor link.

use crate::raw_path::{bytes_of, link_stays_inside, name_of};
use crate::record::{MAX_PATH_BYTES, display};
use std::fs::Metadata;
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
    fn below(path: &Path, source: io::Error) -> Self {
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
pub(crate) struct Found {
    /// Path below the top, raw bytes, no slash at the end.
    pub(crate) relative: Vec<u8>,
    /// The path to open.
    pub(crate) path: PathBuf,
    pub(crate) metadata: Metadata,
    pub(crate) kind: FoundKind,
}

pub(crate) enum FoundKind {
    File,
    Folder,
    Link { target: Vec<u8> },
}

/// One folder's names, sorted, in two blocks of memory however many there are.
struct Listing {
    names: Vec<u8>,
    places: Vec<(u32, u32)>,
    next: usize,
    /// Path of the folder below the top, with a slash at the end; empty for the top.
    prefix: Vec<u8>,
}

/// The walk; an explicit stack, so depth costs no stack of the processor.
pub(crate) struct Walk {
    top: PathBuf,
    open: Vec<Listing>,
}

impl Walk {
    /// Starts at the folder `top`, which is itself not among what is found.
    pub(crate) fn new(top: &Path) -> Result<Self, SourceError> {
        let listing = list(top, Vec::new())?;
        Ok(Self { top: top.to_owned(), open: vec![listing] })
    }

    /// The next entry.
    pub(crate) fn next_entry(&mut self) -> Result<Option<Found>, SourceError> {
        loop {
            let depth = self.open.len();
            let Some(listing) = self.open.last_mut() else {
                return Ok(None);
            };
            let Some(name) = listing.advance() else {
                self.open.pop();
                continue;
            };
            let mut relative = listing.prefix.clone();
            relative.extend_from_slice(&name);
            let listed_as_folder = relative.last() == Some(&b'/');
            if listed_as_folder {
                relative.pop();
            }
            let path = self.top.join(PathBuf::from(name_of(&relative)));
            if relative.len() >= MAX_PATH_BYTES {
                return Err(SourceError::TooLong { path: shown(&path) });
            }
            let metadata =
                std::fs::symlink_metadata(&path).map_err(|error| SourceError::below(&path, error))?;
            let kind = kind_of(&path, &metadata, depth - 1)?;
            if listed_as_folder != matches!(kind, FoundKind::Folder) {
                return Err(SourceError::changed(&path, "it was replaced by something else"));
            }
            if listed_as_folder {
                let mut prefix = relative.clone();
                prefix.push(b'/');
                let inner = list(&path, prefix)?;
                self.open.push(inner);
            }
            return Ok(Some(Found { relative, path, metadata, kind }));
        }
    }
}

fn kind_of(path: &Path, metadata: &Metadata, depth: usize) -> Result<FoundKind, SourceError> {
    let file_type = metadata.file_type();
    if file_type.is_file() {
        Ok(FoundKind::File)
    } else if file_type.is_dir() {
        Ok(FoundKind::Folder)
    } else if file_type.is_symlink() {
        let target = std::fs::read_link(path).map_err(|error| SourceError::below(path, error))?;
        let target = bytes_of(target.as_os_str());
        if target.len() <= MAX_PATH_BYTES && link_stays_inside(depth, &target) {
            Ok(FoundKind::Link { target })
        } else {
            Err(SourceError::EscapingLink { path: shown(path), target: display(&target) })
        }
    } else {
        Err(SourceError::Special { path: shown(path) })
    }
}

fn list(folder: &Path, prefix: Vec<u8>) -> Result<Listing, SourceError> {
    let mut names = Vec::new();
    let mut places = Vec::new();
    let below = |error| SourceError::below(folder, error);
    for entry in std::fs::read_dir(folder).map_err(below)? {
        let entry = entry.map_err(below)?;
        let start = names.len();
        names.extend_from_slice(&bytes_of(&entry.file_name()));
        if entry.file_type().map_err(below)?.is_dir() {
            names.push(b'/');
        }
        let place = (u32::try_from(start), u32::try_from(names.len()));
        let (Ok(start), Ok(end)) = place else {
            return Err(SourceError::TooLong { path: shown(folder) });
        };
        places.push((start, end));
    }
    let name = |place: &(u32, u32)| names.get(place.0 as usize..place.1 as usize).unwrap_or_default();
    places.sort_unstable_by(|a, b| name(a).cmp(name(b)));
    Ok(Listing { names, places, next: 0, prefix })
}

impl Listing {
    fn advance(&mut self) -> Option<Vec<u8>> {
        let (start, end) = *self.places.get(self.next)?;
        self.next += 1;
        self.names.get(start as usize..end as usize).map(<[u8]>::to_vec)
    }
}
