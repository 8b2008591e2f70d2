//! The one interface through which this server writes files: write, sync, rename.
//!
//! A file gets its final name only after its bytes are durable, and the folder is synced after the
//! rename, so a crash leaves either nothing, a temporary file, or the whole file. Never reads a
//! clock, never decides what to write.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// How files come to be.
pub trait DurableFiles: Send + Sync {
    /// Opens `path` for writing from `offset` on, creating it and its folders; what lay behind is cut off.
    ///
    /// # Errors
    /// As the file system says; also if the file is shorter than `offset`.
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<File>;

    /// Makes what was written to `file` durable.
    ///
    /// # Errors
    /// As the file system says: the bytes must then be taken for lost.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Gives `from` its final name and makes the name durable.
    ///
    /// # Errors
    /// As the file system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file or a whole folder; it is no error if it is not there.
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// Everything a server writes is for its own account only.
const OWNER_ONLY: u32 = 0o600;

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl DurableFiles for Disk {
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<File> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(OWNER_ONLY).open(path)?;
        if file.metadata()?.len() < offset {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the file is shorter than the offset"));
        }
        file.set_len(offset)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
        Ok(file)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
            fs::rename(from, to)?;
            sync_folder(parent)?;
            // A folder made just now has a name of its own to lose.
            if let Some(above) = parent.parent() {
                sync_folder(above)?;
            }
            return Ok(());
        }
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Writes a whole small file: temporary name, sync, rename.
///
/// # Errors
/// As the file system says; the final name then still has its old content or none.
pub fn write_whole(files: &dyn DurableFiles, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary_name(path);
    let mut file = files.open_at(&temporary, 0)?;
    file.write_all(bytes)?;
    files.sync(&file)?;
    drop(file);
    files.rename(&temporary, path)
}

/// The name under which a file is written before it is whole.
#[must_use]
pub fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    path.with_file_name(name)
}
