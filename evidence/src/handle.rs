//! Open folders, and what is in them by name.
//!
//! Holds the handle of a folder, the stack of those on the way down a tree, and what the file system
//! says of an entry. A name is looked up in the open folder, never along a path from the top: so
//! nobody can slip a link into a path between two looks, and no path is too long. May read and
//! write below the folder it was given; never follows a link.

use crate::record::FileTime;
use std::fs::File;
use std::io;
use std::path::Path;

/// How many folders of a stack are held open; the others are found again from below.
const MAX_OPEN: usize = 64;

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileKind {
    File,
    Folder,
    Link,
    /// A pipe, socket or device.
    Special,
    /// The listing does not say.
    Unknown,
}

/// What the file system says of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: FileKind,
    pub(crate) size_bytes: u64,
    /// What it takes on the disk; less than its size if it has holes.
    pub(crate) stored_bytes: u64,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) modified: FileTime,
    /// When content or attributes were last changed.
    pub(crate) changed: FileTime,
    /// Device and number on it; nothing where the system doesn't tell.
    pub(crate) identity: Option<(u64, u64)>,
    /// How many names it has.
    pub(crate) names: u64,
}

impl Facts {
    /// Whether it takes less on the disk than its size says.
    pub(crate) const fn may_have_holes(&self) -> bool {
        self.stored_bytes < self.size_bytes
    }

    /// What tells that a file, which was `before`, was changed while it was read.
    pub(crate) fn difference(&self, before: &Self) -> Option<&'static str> {
        if self.size_bytes != before.size_bytes {
            Some("its size is another")
        } else if self.modified != before.modified {
            Some("its time of modification is another")
        } else if self.changed != before.changed {
            Some("its attributes were changed")
        } else {
            None
        }
    }
}

/// Whether all files that were written are made durable by one call at the end, else one by one.
pub(crate) const SYNCED_TOGETHER: bool = cfg!(target_os = "linux");

pub(crate) use system::{Folder, facts_of, open_unfollowed, sync_file_system};

/// An open folder, if the system has such a thing, and what identifies it, if that is known.
type OpenFolder = (Option<Folder>, Option<(u64, u64)>);

/// The folders from the top down to the one at hand.
pub(crate) struct FolderStack {
    open: Vec<OpenFolder>,
}

impl FolderStack {
    pub(crate) const fn new() -> Self {
        Self { open: Vec::new() }
    }

    pub(crate) fn last(&self) -> Option<&Folder> {
        self.open.last().and_then(|(folder, _)| folder.as_ref())
    }

    pub(crate) fn first(&self) -> Option<&Folder> {
        self.open.first().and_then(|(folder, _)| folder.as_ref())
    }

    /// Whether the folder is itself one of those that lead to it.
    pub(crate) fn contains(&self, identity: Option<(u64, u64)>) -> bool {
        identity.is_some() && self.open.iter().any(|(_, known)| *known == identity)
    }

    /// Goes down into `folder`.
    pub(crate) fn push(&mut self, folder: Folder, identity: Option<(u64, u64)>) {
        // The first one stays open: paths are found from it.
        if Folder::CAN_CLIMB
            && self.open.len() > MAX_OPEN
            && let Some((old, Some(_))) = self
                .open
                .len()
                .checked_sub(MAX_OPEN)
                .filter(|at| *at > 0)
                .and_then(|at| self.open.get_mut(at))
        {
            *old = None;
        }
        self.open.push((Some(folder), identity));
    }

    /// Goes up again; gives the folder that was left.
    pub(crate) fn pop(&mut self) -> io::Result<Option<Folder>> {
        let Some((left, _)) = self.open.pop() else {
            return Ok(None);
        };
        if let (Some((closed @ None, identity)), Some(left)) = (self.open.last_mut(), &left) {
            let parent = left.parent()?;
            if parent.identity()? != *identity {
                return Err(io::Error::other("it was moved to another folder"));
            }
            *closed = Some(parent);
        }
        Ok(left)
    }
}

#[cfg(unix)]
mod system {
    use super::*;
    use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT};
    use std::os::fd::AsFd;

    const FOLDER: OFlags =
        OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    /// Not blocking: a pipe in the place of a file would keep the opening waiting.
    const FILE: OFlags = OFlags::RDONLY
        .union(OFlags::NOFOLLOW)
        .union(OFlags::NONBLOCK)
        .union(OFlags::NOCTTY)
        .union(OFlags::CLOEXEC);

    /// An open folder.
    pub(crate) struct Folder(File);

    fn kind_of(file_type: FileType) -> FileKind {
        match file_type {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Folder,
            FileType::Symlink => FileKind::Link,
            FileType::Unknown => FileKind::Unknown,
            _ => FileKind::Special,
        }
    }

    #[expect(clippy::useless_conversion, reason = "the widths of these fields differ between systems")]
    fn facts(stat: &Stat) -> Facts {
        let number = |value: u64| value;
        let time = |seconds: i64, nanoseconds: i64| FileTime {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).unwrap_or(0),
        };
        Facts {
            kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            stored_bytes: u64::try_from(stat.st_blocks).unwrap_or(0).saturating_mul(512),
            mode: u32::from(stat.st_mode) & 0o7777,
            modified: time(stat.st_mtime.into(), i64::try_from(stat.st_mtime_nsec).unwrap_or(0)),
            changed: time(stat.st_ctime.into(), i64::try_from(stat.st_ctime_nsec).unwrap_or(0)),
            identity: Some((
                number(u64::try_from(stat.st_dev).unwrap_or(0)),
                number(u64::try_from(stat.st_ino).unwrap_or(0)),
            )),
            names: u64::try_from(stat.st_nlink).unwrap_or(1),
        }
    }

    /// What is known of an open file.
    pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
        Ok(facts(&rustix::fs::fstat(file)?))
    }

    /// Opens a file to read; a link at its place is an error.
    pub(crate) fn open_unfollowed(path: &Path) -> io::Result<File> {
        Ok(File::from(rustix::fs::openat(CWD, path, FILE, Mode::empty())?))
    }

    /// Makes all that was written in `folder` and below it durable.
    pub(crate) fn sync_file_system(folder: &Path) -> io::Result<()> {
        let folder = File::open(folder)?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&folder)?;
        folder.sync_all()
    }

    impl Folder {
        /// Whether the way back up is known.
        pub(crate) const CAN_CLIMB: bool = true;

        pub(crate) fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(File::from(rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?)))
        }

        pub(crate) fn open_folder(&self, name: &[u8]) -> io::Result<Self> {
            Ok(Self(File::from(rustix::fs::openat(&self.0, name, FOLDER, Mode::empty())?)))
        }

        pub(super) fn parent(&self) -> io::Result<Self> {
            self.open_folder(b"..")
        }

        pub(crate) fn identity(&self) -> io::Result<Option<(u64, u64)>> {
            Ok(facts_of(&self.0)?.identity)
        }

        pub(crate) fn facts(&self) -> io::Result<Facts> {
            facts_of(&self.0)
        }

        /// For setting what belongs to the folder itself.
        pub(crate) const fn as_file(&self) -> Option<&File> {
            Some(&self.0)
        }

        /// Shows every name in it, in no order.
        pub(crate) fn list(&self, mut on_name: impl FnMut(&[u8], FileKind)) -> io::Result<()> {
            for entry in Dir::read_from(&self.0)? {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                if name != b"." && name != b".." {
                    on_name(name, kind_of(entry.file_type()));
                }
            }
            Ok(())
        }

        /// What `name` is; a link itself, not what it points to.
        pub(crate) fn look(&self, name: &[u8]) -> io::Result<Facts> {
            Ok(facts(&rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
        }

        pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
            Ok(File::from(rustix::fs::openat(&self.0, name, FILE, Mode::empty())?))
        }

        pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
            Ok(rustix::fs::readlinkat(&self.0, name, Vec::new())?.into_bytes())
        }

        /// Makes a folder that nobody but its owner enters, and opens it.
        pub(crate) fn create_folder(&self, name: &[u8]) -> io::Result<Self> {
            rustix::fs::mkdirat(&self.0, name, Mode::RWXU)?;
            self.open_folder(name)
        }

        /// Makes a new file that nobody but its owner reads.
        pub(crate) fn create_file(&self, name: &[u8]) -> io::Result<File> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(File::from(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?))
        }

        pub(crate) fn create_link(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
            Ok(rustix::fs::symlinkat(target, &self.0, name)?)
        }

        /// Gives the file at `path` below `top` a further name here.
        pub(crate) fn create_hard_link(&self, top: &Self, path: &[u8], name: &[u8]) -> io::Result<()> {
            Ok(rustix::fs::linkat(&top.0, path, &self.0, name, AtFlags::empty())?)
        }

        /// Opens the file at `path` below this folder; no folder on the way may be a link.
        pub(crate) fn open_below(&self, path: &[u8]) -> io::Result<File> {
            match path.iter().position(|byte| *byte == b'/') {
                None => self.open_file(path),
                Some(at) => {
                    let (first, rest) = path.split_at(at);
                    self.open_folder(first)?.open_below(rest.get(1..).unwrap_or_default())
                }
            }
        }

        /// Sets a link's own time.
        pub(crate) fn set_link_time(&self, name: &[u8], time: FileTime) -> io::Result<()> {
            let times = Timestamps {
                last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
                last_modification: Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() },
            };
            Ok(rustix::fs::utimensat(self.0.as_fd(), name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::*;
    use crate::raw_path::{bytes_of, name_of};
    use std::fs::{self, Metadata};
    use std::path::PathBuf;

    /// A folder, by its path.
    pub(crate) struct Folder(PathBuf);

    fn kind_of(file_type: fs::FileType) -> FileKind {
        if file_type.is_file() {
            FileKind::File
        } else if file_type.is_dir() {
            FileKind::Folder
        } else if file_type.is_symlink() {
            FileKind::Link
        } else {
            FileKind::Special
        }
    }

    fn facts(metadata: &Metadata) -> Facts {
        let modified = crate::record::Attributes::of(metadata).modified;
        let modified = modified.unwrap_or(FileTime { seconds: 0, nanoseconds: 0 });
        Facts {
            kind: kind_of(metadata.file_type()),
            size_bytes: metadata.len(),
            stored_bytes: metadata.len(),
            mode: if metadata.is_dir() { 0o755 } else { 0o644 },
            modified,
            changed: modified,
            identity: None,
            names: 1,
        }
    }

    pub(crate) fn facts_of(file: &File) -> io::Result<Facts> {
        Ok(facts(&file.metadata()?))
    }

    pub(crate) fn open_unfollowed(path: &Path) -> io::Result<File> {
        if path.symlink_metadata()?.is_symlink() {
            return Err(io::Error::other("it is a symbolic link"));
        }
        File::open(path)
    }

    pub(crate) fn sync_file_system(_: &Path) -> io::Result<()> {
        // Each file was synced when it was written.
        Ok(())
    }

    impl Folder {
        pub(crate) const CAN_CLIMB: bool = false;

        pub(crate) fn open(path: &Path) -> io::Result<Self> {
            if path.symlink_metadata()?.is_dir() {
                Ok(Self(path.to_owned()))
            } else {
                Err(io::Error::new(io::ErrorKind::NotADirectory, "it is no folder"))
            }
        }

        fn below(&self, name: &[u8]) -> PathBuf {
            self.0.join(name_of(name))
        }

        pub(crate) fn open_folder(&self, name: &[u8]) -> io::Result<Self> {
            Self::open(&self.below(name))
        }

        pub(super) fn parent(&self) -> io::Result<Self> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }

        pub(crate) fn identity(&self) -> io::Result<Option<(u64, u64)>> {
            Ok(None)
        }

        pub(crate) fn facts(&self) -> io::Result<Facts> {
            Ok(facts(&self.0.symlink_metadata()?))
        }

        pub(crate) const fn as_file(&self) -> Option<&File> {
            None
        }

        pub(crate) fn list(&self, mut on_name: impl FnMut(&[u8], FileKind)) -> io::Result<()> {
            for entry in fs::read_dir(&self.0)? {
                let entry = entry?;
                on_name(&bytes_of(&entry.file_name()), kind_of(entry.file_type()?));
            }
            Ok(())
        }

        pub(crate) fn look(&self, name: &[u8]) -> io::Result<Facts> {
            Ok(facts(&self.below(name).symlink_metadata()?))
        }

        pub(crate) fn open_file(&self, name: &[u8]) -> io::Result<File> {
            open_unfollowed(&self.below(name))
        }

        pub(crate) fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
            Ok(bytes_of(fs::read_link(self.below(name))?.as_os_str()))
        }

        pub(crate) fn create_folder(&self, name: &[u8]) -> io::Result<Self> {
            crate::partial::create_private_folder(&self.below(name))?;
            self.open_folder(name)
        }

        pub(crate) fn create_file(&self, name: &[u8]) -> io::Result<File> {
            crate::partial::create_private_file(&self.below(name))
        }

        pub(crate) fn create_link(&self, _: &[u8], _: &[u8]) -> io::Result<()> {
            Err(io::Error::new(io::ErrorKind::Unsupported, "links are not made on this system"))
        }

        pub(crate) fn create_hard_link(&self, top: &Self, path: &[u8], name: &[u8]) -> io::Result<()> {
            fs::hard_link(crate::raw_path::below(&top.0, path), self.below(name))
        }

        pub(crate) fn open_below(&self, path: &[u8]) -> io::Result<File> {
            File::open(crate::raw_path::below(&self.0, path))
        }

        pub(crate) fn set_link_time(&self, _: &[u8], _: FileTime) -> io::Result<()> {
            Err(io::Error::from(io::ErrorKind::Unsupported))
        }
    }
}
