//! The one interface through which files come to be that must survive a crash: write, sync, rename.
//!
//! Holds the interface in its smallest steps, the machine's own file system behind it, and what is
//! always done in the same order: a file gets its final name only after its bytes are durable, and the
//! folder is synced after the rename, so a crash leaves nothing, something under a temporary name, or the
//! whole. The server's vault and key store and an officer's downloads write through it, and nothing of theirs
//! goes past it: the test double behind the same interface loses whatever was not synced. Reading is the
//! file system's own. Never reads a clock, never decides what to write.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
pub trait DurableFile: Write + Send {
    /// Makes durable what was written to it, not its name.
    ///
    /// # Errors
    /// As the file system says: what was written since the last sync must then be taken for lost.
    fn sync(&mut self) -> io::Result<()>;

    /// Another handle of the same file, by which it can be synced while it is being written.
    ///
    /// # Errors
    /// As the operating system says.
    fn another(&self) -> io::Result<Box<dyn DurableFile>>;

    /// Tells that the first bytes, which are durable, are not wanted soon: they need not stay in memory.
    fn let_go(&self, _bytes: u64) {}
}

/// How files come to be. What no sync followed may be lost, in part or in another order.
pub trait DurableFiles: Send + Sync {
    /// Opens `path` for writing from `offset` on, creating it; what lay behind is cut off.
    ///
    /// # Errors
    /// As the file system says; also if the file is shorter than `offset`.
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn DurableFile>>;

    /// Writes `bytes` over what stands at `offset` in the file `path` and makes that durable: the old bytes are gone,
    /// as far as the file system overwrites in place.
    ///
    /// # Errors
    /// As the file system says; also if the file is not there or ends before.
    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes one folder; it is no error if it is there.
    ///
    /// # Errors
    /// As the file system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives `from` another name.
    ///
    /// # Errors
    /// As the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file or a whole folder; it is no error if it is not there.
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in `folder` durable.
    ///
    /// # Errors
    /// As the file system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Whether whoever works on it with several threads has each wait for the others, so that the steps come in the
    /// same order each time. The test double's way.
    fn is_in_turn(&self) -> bool {
        false
    }
}

/// The file system of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disk {
    /// What is made is for its owner's account only.
    OwnerOnly,
    /// What is made may be read by whom the account lets read.
    AsUsual,
}

impl DurableFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn another(&self) -> io::Result<Box<dyn DurableFile>> {
        Ok(Box::new(self.try_clone()?))
    }

    fn let_go(&self, bytes: u64) {
        crate::passing::let_go(self, 0, bytes);
    }
}

impl DurableFiles for Disk {
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn DurableFile>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        if *self == Self::OwnerOnly {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let mut file = options.open(path)?;
        if file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file is shorter than the offset"));
        }
        file.set_len(offset)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }

    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() < offset.saturating_add(bytes.len() as u64) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file ends before"));
        }
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        if *self == Self::OwnerOnly {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        match builder.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = folder;
        Ok(())
    }
}

/// Makes `path`, and what is missing above it, and makes the name durable: also one that an earlier run made and
/// did not live to sync.
///
/// # Errors
/// As the file system says.
pub fn make_folder(files: &dyn DurableFiles, path: &Path) -> io::Result<()> {
    let parent = parent_of(path);
    if !parent.is_dir() {
        make_folder(files, parent)?;
    }
    files.create_folder(path)?;
    files.sync_folder(parent)
}

/// Gives `from`, whose bytes are durable, its final name and makes the name durable.
///
/// # Errors
/// As the file system says; the final name may then be there or not.
pub fn rename_durably(files: &dyn DurableFiles, from: &Path, to: &Path) -> io::Result<()> {
    files.rename(from, to)?;
    files.sync_folder(parent_of(to))
}

/// Writes a whole small file: temporary name, sync, rename.
///
/// # Errors
/// As the file system says; the final name then has its old content, none, or the new one.
pub fn write_whole(files: &dyn DurableFiles, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_name(path);
    let mut file = files.open_at(&temporary, 0)?;
    file.write_all(bytes)?;
    file.sync()?;
    drop(file);
    rename_durably(files, &temporary, path)
}

/// The name under which a file is written before it is whole.
#[must_use]
pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}

/// The folder in which `path` stands.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_on_at_its_offset_and_what_lay_behind_is_cut_off() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("o");
        fs::write(&path, b"abcdef").expect("written");
        let mut file = Disk::OwnerOnly.open_at(&path, 3).expect("open");
        file.write_all(b"X").expect("written");
        file.sync().expect("synced");
        assert_eq!(fs::read(&path).expect("readable"), b"abcX");
        assert!(Disk::OwnerOnly.open_at(&path, 5).is_err(), "it has four bytes");
    }

    #[test]
    fn folders_are_made_with_what_is_above_and_gone_ones_are_no_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a/b/c");
        make_folder(&Disk::AsUsual, &path).expect("made");
        make_folder(&Disk::AsUsual, &path).expect("there already");
        write_whole(&Disk::AsUsual, &path.join("f"), b"1").expect("written");
        assert_eq!(fs::read_dir(&path).expect("listable").count(), 1);
        Disk::AsUsual.remove(&folder.path().join("a")).expect("removed");
        Disk::AsUsual.remove(&path).expect("gone already");
    }
}
