//! Where a package is written: a folder or a container file.
//!
//! Holds the temporary sibling under which everything is written, the writing of single objects,
//! and the commit: sync, rename, sync. Until the commit nothing stands under the final name, and
//! without one the temporary is removed. A crash leaves a name that begins with a dot and ends in
//! `.partial`.

use crate::partial;
use crate::seal::Observer;
use crate::source::ObjectDigest;
use crate::streams::{BUFFER_BYTES, Hashing};
use crate::walk::shown;
use crate::write_behind::WriteBehind;
use rogatory_container::zip::{ZipError, ZipWriter};
use rogatory_core::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writing a package failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something stands where the result shall go.
    #[error("`{path}` exists already; nothing is overwritten")]
    Exists {
        /// The final name.
        path: String,
    },
    /// The final name has no file name, or no folder to stand in.
    #[error("`{path}` cannot be the name of the result")]
    Name {
        /// The name given.
        path: String,
    },
    /// The operating system refuses to write.
    #[error("`{path}` cannot be written")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The container file can't be written.
    #[error("the container file cannot be written")]
    Zip(#[source] ZipError),
    /// What was to be written can't be read.
    #[error("`{name}` cannot be read")]
    Read {
        /// Which object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has another length than was announced.
    #[error("`{name}` is not {announced} bytes long, as was announced")]
    Length {
        /// Which object.
        name: String,
        /// The length announced.
        announced: u64,
    },
}

impl WriteError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: shown(path), source }
    }
}

/// A temporary sibling of a final name; removed unless it was renamed.
pub(crate) struct Sibling {
    temporary: PathBuf,
    target: PathBuf,
    parent: PathBuf,
    renamed: bool,
}

impl Sibling {
    /// Chooses a name beside `target`, at which nothing may stand but, for a folder, an empty one.
    pub(crate) fn folder(target: &Path) -> Result<Self, WriteError> {
        Self::folder_made_by(target, |path| fs::create_dir(path))
    }

    /// The same for what lies in the clear: nobody but its owner enters the folder.
    pub(crate) fn private_folder(target: &Path) -> Result<Self, WriteError> {
        Self::folder_made_by(target, partial::create_private_folder)
    }

    fn folder_made_by(target: &Path, make: impl Fn(&Path) -> io::Result<()>) -> Result<Self, WriteError> {
        let empty = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_none());
        let sibling = Self::choose(target, empty && !target.is_symlink(), |path| make(path).map(|()| None))?;
        Ok(sibling.0)
    }

    pub(crate) fn file(target: &Path) -> Result<(Self, File), WriteError> {
        Self::file_made_by(target, |path| {
            OpenOptions::new().read(true).write(true).create_new(true).open(path)
        })
    }

    /// A file for what lies in the clear: nobody but its owner reads it.
    pub(crate) fn private_file(target: &Path) -> Result<(Self, File), WriteError> {
        Self::file_made_by(target, partial::create_private_file)
    }

    fn file_made_by(
        target: &Path,
        make: impl Fn(&Path) -> io::Result<File>,
    ) -> Result<(Self, File), WriteError> {
        match Self::choose(target, false, |path| make(path).map(Some))? {
            (sibling, Some(file)) => Ok((sibling, file)),
            (_, None) => Err(WriteError::Name { path: shown(target) }),
        }
    }

    fn choose(
        target: &Path,
        may_exist: bool,
        create: impl Fn(&Path) -> io::Result<Option<File>>,
    ) -> Result<(Self, Option<File>), WriteError> {
        // Without this, a slash at the end would hide a link at the target.
        let target: PathBuf = target.components().collect();
        if !may_exist && target.symlink_metadata().is_ok() {
            return Err(WriteError::Exists { path: shown(&target) });
        }
        let bad = || WriteError::Name { path: shown(&target) };
        let name = target.file_name().ok_or_else(bad)?;
        let parent = match target.parent() {
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
            None => return Err(bad()),
        };
        for count in 0..1000 {
            let temporary = parent.join(partial::hidden_name(name, count));
            match partial::begin(&temporary, &create) {
                Ok(file) => return Ok((Self { temporary, target, parent, renamed: false }, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(WriteError::io(&temporary, error)),
            }
        }
        Err(WriteError::Exists { path: shown(&target) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// The folder in which the final name will stand.
    pub(crate) fn parent(&self) -> &Path {
        &self.parent
    }

    /// Gives the finished thing its final name. What is in it must have been synced before.
    pub(crate) fn rename(mut self) -> Result<PathBuf, WriteError> {
        let failed = |error| WriteError::io(&self.target, error);
        if self.temporary.is_dir() {
            // An empty folder at the target gives way; a full one makes the rename fail.
            if self.target.is_dir() && !self.target.is_symlink() {
                fs::remove_dir(&self.target).map_err(failed)?;
            }
        }
        if self.target.symlink_metadata().is_ok() {
            return Err(WriteError::Exists { path: shown(&self.target) });
        }
        fs::rename(&self.temporary, &self.target).map_err(failed)?;
        self.renamed = true;
        partial::ended(&self.temporary);
        sync_folder(&self.parent)?;
        Ok(self.target.clone())
    }
}

impl Drop for Sibling {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing more can be done if this fails; the name says that it is no package.
            let _ = partial::remove(&self.temporary);
            partial::ended(&self.temporary);
        }
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    #[cfg(unix)]
    File::open(folder).and_then(|file| file.sync_all()).map_err(|error| WriteError::io(folder, error))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Takes the objects of a package in their order.
pub(crate) enum Sink {
    Folder { sibling: Sibling, observer: Option<Observer>, apart: Option<Apart> },
    File { sibling: Sibling, zip: Box<ZipWriter<WriteBehind>> },
}

impl Sink {
    /// A package as a folder with `data` and `META-INF`.
    pub(crate) fn folder(target: &Path) -> Result<Self, WriteError> {
        let sibling = Sibling::folder(target)?;
        for name in ["data", "META-INF"] {
            let path = sibling.path().join(name);
            fs::create_dir(&path).map_err(|error| WriteError::io(&path, error))?;
        }
        Ok(Self::Folder { sibling, observer: None, apart: None })
    }

    /// Makes the folder `name` of a package beside `data` and `META-INF`, where packages are folders.
    pub(crate) fn make_folder(&self, name: &str) -> Result<(), WriteError> {
        if let Self::Folder { sibling, .. } = self {
            let path = sibling.path().join(name);
            fs::create_dir(&path).map_err(|error| WriteError::io(&path, error))?;
        }
        Ok(())
    }

    /// A package as a container file.
    pub(crate) fn file(target: &Path) -> Result<Self, WriteError> {
        let (sibling, file) = Sibling::file(target)?;
        Ok(Self::File { sibling, zip: Box::new(ZipWriter::new(WriteBehind::new(file))) })
    }

    /// A container file for what lies in the clear: nobody but its owner reads it.
    pub(crate) fn private_file(target: &Path) -> Result<Self, WriteError> {
        let (sibling, file) = Sibling::private_file(target)?;
        Ok(Self::File { sibling, zip: Box::new(ZipWriter::new(WriteBehind::new(file))) })
    }

    /// Tells `observer` from now on what of a folder's objects is durable.
    pub(crate) fn observe(&mut self, observer: &Observer, salt: &[u8; 32]) {
        if let Self::Folder { sibling, observer: told, .. } = self {
            observer.0.sealing(salt, sibling.path());
            *told = Some(observer.clone());
        }
    }

    /// The folder in which the final name will stand; temporary files go there too.
    pub(crate) fn parent(&self) -> &Path {
        match self {
            Self::Folder { sibling, .. } | Self::File { sibling, .. } => sibling.parent(),
        }
    }

    /// Writes an object of `size_bytes`, in one pass and without copying. Its digest is the caller's concern.
    pub(crate) fn put(
        &mut self,
        name: &str,
        size_bytes: u64,
        content: &mut dyn BufRead,
    ) -> Result<(), WriteError> {
        match self {
            Self::File { zip, .. } => {
                zip.add_stream(name, size_bytes, None, content).map_err(|error| match error {
                    ZipError::Io { doing: "read", source } => {
                        WriteError::Read { name: name.to_owned(), source }
                    }
                    ZipError::Length { name, announced } => WriteError::Length { name, announced },
                    other => WriteError::Zip(other),
                })?;
                Ok(())
            }
            Self::Folder { sibling, observer, .. } => {
                let path = sibling.path().join(name);
                let file = File::create_new(&path).map(WriteBehind::new);
                let file = match observer {
                    Some(Observer(observer)) => {
                        observer.begins(name, size_bytes);
                        let (observer, name) = (Arc::clone(observer), name.to_owned());
                        file.map(|file| file.telling(move |bytes| observer.durable(&name, bytes)))
                    }
                    None => file,
                };
                let written = fill(&path, file, name, content)?;
                if written != size_bytes {
                    return Err(WriteError::Length { name: name.to_owned(), announced: size_bytes });
                }
                Ok(())
            }
        }
    }

    /// Writes an object of `size_bytes` and tells its digest.
    pub(crate) fn put_hashed(
        &mut self,
        name: &str,
        size_bytes: u64,
        content: &mut dyn Read,
    ) -> Result<ObjectDigest, WriteError> {
        let mut content = BufReader::with_capacity(BUFFER_BYTES, Hashing::new(content));
        self.put(name, size_bytes, &mut content)?;
        let (sha256, _) = content.into_inner().finish();
        Ok(ObjectDigest { name: name.to_owned(), size_bytes, sha256 })
    }

    /// Writes an object that is at hand.
    pub(crate) fn put_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<ObjectDigest, WriteError> {
        let size_bytes = bytes.len() as u64;
        self.put(name, size_bytes, &mut &*bytes)?;
        Ok(ObjectDigest { name: name.to_owned(), size_bytes, sha256: Digest::of(bytes) })
    }

    /// Writes small objects on any thread, if this is a folder; [`Sink::commit`] makes them durable.
    pub(crate) fn apart(&mut self) -> Result<Option<Apart>, WriteError> {
        match self {
            Self::File { .. } => Ok(None),
            Self::Folder { sibling, apart, .. } => {
                let new = Apart::new(sibling.path())?;
                *apart = Some(new.clone());
                Ok(Some(new))
            }
        }
    }

    /// Makes everything durable and gives it its final name.
    pub(crate) fn commit(self) -> Result<PathBuf, WriteError> {
        match self {
            Self::File { sibling, zip } => {
                let file = zip.finish().map_err(WriteError::Zip)?;
                file.finish().map_err(|error| WriteError::io(sibling.path(), error))?;
                sibling.rename()
            }
            Self::Folder { sibling, apart, .. } => {
                if let Some(apart) = apart {
                    apart.sync()?;
                }
                let folders = crate::layout::FOLDERS.map(|name| sibling.path().join(name));
                for folder in folders.iter().filter(|folder| folder.is_dir()) {
                    sync_folder(folder)?;
                }
                sync_folder(sibling.path())?;
                sibling.rename()
            }
        }
    }
}

/// Writes small objects into the folder of a package, on any thread.
///
/// A sync for each would cost more than all that is done with them; one sync of the whole file system, where there is
/// such a thing, makes all of them durable at once.
#[derive(Clone)]
pub(crate) struct Apart {
    folder: PathBuf,
    /// Open from before the first object on, so that it is told of every failure since.
    #[cfg(target_os = "linux")]
    opened: Arc<File>,
}

impl Apart {
    fn new(folder: &Path) -> Result<Self, WriteError> {
        Ok(Self {
            folder: folder.to_owned(),
            #[cfg(target_os = "linux")]
            opened: Arc::new(File::open(folder).map_err(|error| WriteError::io(folder, error))?),
        })
    }

    /// Writes an object that is at hand.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        let path = self.folder.join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            if cfg!(target_os = "linux") { Ok(()) } else { file.sync_data() }
        });
        written.map_err(|error| WriteError::io(&path, error))
    }

    /// Makes all of them durable.
    fn sync(&self) -> Result<(), WriteError> {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&self.opened).map_err(|error| WriteError::io(&self.folder, error.into()))?;
        Ok(())
    }
}

/// Writes a new file and makes it durable.
pub(crate) fn write_file(path: &Path, name: &str, content: &mut dyn BufRead) -> Result<(), WriteError> {
    fill(path, File::create_new(path).map(WriteBehind::new), name, content).map(|_| ())
}

/// The same for what lies in the clear: nobody but its owner reads the file.
pub(crate) fn write_private_file(
    path: &Path,
    name: &str,
    content: &mut dyn BufRead,
) -> Result<(), WriteError> {
    fill(path, partial::create_private_file(path).map(WriteBehind::new), name, content).map(|_| ())
}

/// Writes what `content` gives, makes it durable, and tells how much it was.
fn fill(
    path: &Path,
    file: io::Result<WriteBehind>,
    name: &str,
    content: &mut dyn BufRead,
) -> Result<u64, WriteError> {
    let failed = |error| WriteError::io(path, error);
    let mut file = file.map_err(failed)?;
    let mut written = 0;
    loop {
        let count = match content.fill_buf() {
            Ok([]) => break,
            Ok(bytes) => {
                file.write_all(bytes).map_err(failed)?;
                bytes.len()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(WriteError::Read { name: name.to_owned(), source }),
        };
        content.consume(count);
        written += count as u64;
    }
    file.finish().map_err(failed)?;
    Ok(written)
}
