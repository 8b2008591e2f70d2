//! Where the objects of a package lie: in a folder, in a container file, or elsewhere.
//!
//! Holds the trait by which packages are read, and its implementations for a folder and a strict
//! container file. May read files. Never judges: what an object says is the verifier's concern.

use crate::layout::{PERSON_MANIFEST, PERSON_SIGNATURE, SEAL_MANIFEST, SEAL_SIGNATURE};
use crate::passing::PassingFile;
use crate::streams::{Hashing, Progress, Reporting, Step, position_of};
use crate::walk::shown;
use rogatory_container::manifest::{AsicManifest, MAX_MANIFEST_BYTES, ManifestError};
use rogatory_container::zip::{StrictZip, ZipEntry, ZipError, ZipLimits};
use rogatory_core::Digest;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most objects a package may have: exhibits, tag files, signatures.
pub const MAX_OBJECTS: usize = crate::exhibit::MAX_EXHIBITS as usize + 32;

/// The container's limits for a package.
pub(crate) const PACKAGE_LIMITS: ZipLimits =
    ZipLimits { max_entries: MAX_OBJECTS as u64, max_name_bytes: 255, max_total_bytes: 1 << 46 };

/// An object by name and size.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ObjectInfo {
    /// Its name, for example `data/EX-0001.age`.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

/// An object by name, size and digest.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct ObjectDigest {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// The objects of a package with their digests, in the package's order.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct ObjectList(pub Vec<ObjectDigest>);

impl ObjectList {
    /// The object of this name; [`ObjectList::by_name`] for many.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ObjectDigest> {
        self.0.iter().find(|object| object.name == name)
    }

    /// All of them, to be found by their names.
    #[must_use]
    pub fn by_name(&self) -> HashMap<&str, &ObjectDigest> {
        self.0.iter().map(|object| (object.name.as_str(), object)).collect()
    }
}

/// The objects of a package can't be read.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The operating system refuses.
    #[error("`{name}` cannot be read")]
    Io {
        /// The file or object.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The container file breaks its format.
    #[error("the container file is not in the one form it may have")]
    Zip(#[source] ZipError),
    /// A folder with something other than files in `data`, `META-INF`, `origin` and at the top.
    #[error("`{name}` does not belong into a package: {what}")]
    Foreign {
        /// What was found.
        name: String,
        /// Why it doesn't belong there.
        what: &'static str,
    },
    /// Too many objects.
    #[error("a package has at most {MAX_OBJECTS} objects")]
    TooMany,
}

impl PackageError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { name: shown(path), source }
    }
}

/// Where a package's objects are read, by several threads at once.
pub trait PackageSource: Sync {
    /// All objects, each name once.
    fn objects(&self) -> Vec<ObjectInfo>;

    /// Reads one object from its beginning.
    ///
    /// # Errors
    /// As the place where it lies; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;

    /// Reads one object from `offset` on. A place that can go there at once does not read what lies before.
    ///
    /// # Errors
    /// As [`PackageSource::open`]; [`io::ErrorKind::UnexpectedEof`] if the object is shorter.
    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader = self.open(name)?;
        let skipped = io::copy(&mut reader.by_ref().take(offset), &mut io::sink())?;
        if skipped < offset { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(reader) }
    }

    /// The object's digest, if the place computed it itself from the bytes it would give now.
    ///
    /// A server that hashed what it stored need not read it again. Never a digest somebody said.
    fn digest(&self, _name: &str) -> Option<Digest> {
        None
    }
}

/// A package as a folder.
pub struct FolderSource {
    folder: PathBuf,
    objects: Vec<ObjectInfo>,
}

impl FolderSource {
    /// Lists the folder: files at the top, in `data`, in `META-INF` and in `origin`.
    ///
    /// # Errors
    /// [`PackageError::Foreign`] for links, special files and other folders.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        let mut objects = Vec::new();
        list_files(folder, "", &mut objects)?;
        for inner in crate::layout::FOLDERS {
            let path = folder.join(inner);
            match std::fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() => list_files(&path, &format!("{inner}/"), &mut objects)?,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(PackageError::io(&path, error)),
            }
        }
        objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { folder: folder.to_owned(), objects })
    }
}

fn list_files(folder: &Path, prefix: &str, objects: &mut Vec<ObjectInfo>) -> Result<(), PackageError> {
    let io = |error| PackageError::io(folder, error);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let foreign =
            |what| PackageError::Foreign { name: format!("{prefix}{}", shown(name.as_ref())), what };
        let metadata = entry.metadata().map_err(io)?;
        if metadata.is_dir() {
            if prefix.is_empty() && crate::layout::FOLDERS.iter().any(|folder| name == *folder) {
                continue;
            }
            return Err(foreign("it is a folder"));
        }
        if !metadata.is_file() {
            return Err(foreign("it is a link or a special file"));
        }
        let text = name.to_str().ok_or_else(|| foreign("its name is no text"))?;
        if objects.len() >= MAX_OBJECTS {
            return Err(PackageError::TooMany);
        }
        objects.push(ObjectInfo { name: format!("{prefix}{text}"), size_bytes: metadata.len() });
    }
    Ok(())
}

impl PackageSource for FolderSource {
    fn objects(&self) -> Vec<ObjectInfo> {
        self.objects.clone()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        // Only what was listed: a name from a manifest never becomes a path.
        let known = self.objects.binary_search_by(|object| object.name.as_str().cmp(name)).is_ok();
        if !known {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Box::new(PassingFile::new(File::open(self.folder.join(name))?)))
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let known = self.objects.binary_search_by(|object| object.name.as_str().cmp(name));
        known.map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
        let file = File::open(self.folder.join(name))?;
        let left = file.metadata()?.len().checked_sub(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Box::new(PassingFile::part(file, offset, left)))
    }
}

/// A package as a container file in the canonical form.
pub struct ZipSource {
    path: PathBuf,
    file: File,
    entries: Vec<ZipEntry>,
    places: HashMap<String, usize>,
}

impl ZipSource {
    /// Reads and checks the framing.
    ///
    /// # Errors
    /// [`PackageError::Zip`] for any other framing than the canonical one.
    pub fn open(path: &Path) -> Result<Self, PackageError> {
        let file = File::open(path).map_err(|error| PackageError::io(path, error))?;
        let zip = StrictZip::open(BufReader::new(file), PACKAGE_LIMITS).map_err(PackageError::Zip)?;
        let entries = zip.entries().to_vec();
        let places = entries.iter().enumerate().map(|(place, entry)| (entry.name.clone(), place)).collect();
        Ok(Self { path: path.to_owned(), file: zip.into_inner().into_inner(), entries, places })
    }

    /// One entry as a stream of its own that can be read at will; none if there is none of this name.
    pub(crate) fn section(&self, name: &str) -> Option<io::Result<FileSection>> {
        let entry = self.places.get(name).and_then(|place| self.entries.get(*place))?;
        let file = own_handle(&self.file, &self.path);
        Some(file.map(|file| FileSection {
            file,
            start: entry.data_offset(),
            length: entry.size_bytes,
            position: 0,
        }))
    }

    /// The names in the order in which they lie.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }
}

impl PackageSource for ZipSource {
    fn objects(&self) -> Vec<ObjectInfo> {
        let info = |entry: &ZipEntry| ObjectInfo { name: entry.name.clone(), size_bytes: entry.size_bytes };
        self.entries.iter().map(info).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.open_at(name, 0)
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let entry = self.places.get(name).and_then(|place| self.entries.get(*place));
        let entry = entry.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let left = entry.size_bytes.checked_sub(offset).ok_or(io::ErrorKind::UnexpectedEof)?;
        let file = PassingFile::part(
            own_handle(&self.file, &self.path)?,
            entry.data_offset().saturating_add(offset),
            left,
        );
        Ok(Box::new(Section { file, entry, left, crc: (offset == 0).then(crc32fast::Hasher::new) }))
    }
}

/// One stored entry, read by position, so that several can be read at once; checks the CRC-32 if it is read from
/// its beginning.
struct Section<'a> {
    file: PassingFile,
    entry: &'a ZipEntry,
    left: u64,
    crc: Option<crc32fast::Hasher>,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(space) = buffer.get_mut(..most).filter(|space| !space.is_empty()) else {
            let sound = |crc: &crc32fast::Hasher| crc.clone().finalize() == self.entry.crc32;
            return if self.left > 0 || self.crc.as_ref().is_none_or(sound) {
                Ok(0)
            } else {
                let text =
                    format!("the content of `{}` has another CRC-32 than its header says", self.entry.name);
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            };
        };
        let count = self.file.read(space)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(crc) = &mut self.crc {
            crc.update(space.get(..count).unwrap_or_default());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// A part of a file, read at will by a handle of its own.
pub(crate) struct FileSection {
    file: File,
    start: u64,
    length: u64,
    position: u64,
}

impl Read for FileSection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Some(space) = buffer.get_mut(..most).filter(|space| !space.is_empty()) else { return Ok(0) };
        let count = read_at(&mut self.file, space, self.start.saturating_add(self.position))?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FileSection {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = position_of(to, self.position, self.length)?;
        Ok(self.position)
    }
}

/// Reads at a place, whatever others who hold the same file do meanwhile.
#[cfg(unix)]
fn read_at(file: &mut File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(not(unix))]
fn read_at(file: &mut File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(offset))?;
    file.read(buffer)
}

/// A handle with which others may read elsewhere meanwhile.
#[cfg(unix)]
pub(crate) fn own_handle(file: &File, _: &Path) -> io::Result<File> {
    file.try_clone()
}

#[cfg(not(unix))]
pub(crate) fn own_handle(_: &File, path: &Path) -> io::Result<File> {
    File::open(path)
}

/// A source with a few objects more, in memory.
pub struct WithObjects<'a> {
    base: &'a dyn PackageSource,
    more: BTreeMap<String, Vec<u8>>,
}

impl<'a> WithObjects<'a> {
    /// Adds `more` to `base`; an object of the same name is hidden by it.
    #[must_use]
    pub fn new(base: &'a dyn PackageSource, more: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self { base, more: more.into_iter().collect() }
    }
}

impl PackageSource for WithObjects<'_> {
    fn objects(&self) -> Vec<ObjectInfo> {
        let mut objects = self.base.objects();
        objects.retain(|object| !self.more.contains_key(&object.name));
        objects.extend(
            self.more
                .iter()
                .map(|(name, bytes)| ObjectInfo { name: name.clone(), size_bytes: bytes.len() as u64 }),
        );
        objects
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        match self.more.get(name) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => self.base.open(name),
        }
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        match self.more.get(name) {
            Some(bytes) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..));
                Ok(Box::new(rest.ok_or(io::ErrorKind::UnexpectedEof)?))
            }
            None => self.base.open_at(name, offset),
        }
    }

    fn digest(&self, name: &str) -> Option<Digest> {
        if self.more.contains_key(name) { None } else { self.base.digest(name) }
    }
}

/// Reads every object and computes its digest.
///
/// # Errors
/// [`PackageError::Io`] names the object that can't be read.
pub fn object_list(
    source: &dyn PackageSource,
    progress: &mut dyn Progress,
) -> Result<ObjectList, PackageError> {
    let objects = in_package_order(source.objects());
    let total = objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Verifying, Some(total));
    let mut list = Vec::with_capacity(objects.len());
    for ObjectInfo { name, size_bytes } in objects {
        let sha256 = match source.digest(&name) {
            Some(digest) => digest,
            None => {
                let failed = |source| PackageError::Io { name: name.clone(), source };
                let inner = source.open(&name).map_err(failed)?;
                let hashing = Hashing::new(Reporting { inner, progress: &mut *progress });
                hashing.finish_after_the_rest().map_err(failed)?.0
            }
        };
        list.push(ObjectDigest { name, size_bytes, sha256 });
    }
    Ok(ObjectList(list))
}

/// Every object with the digest that the package's own manifest says; only what the manifest does not name is read.
///
/// Enough to announce a package to somebody who hashes what arrives: a file that is not what its maker signed is
/// found there. The manifest itself is read and hashed.
///
/// # Errors
/// [`PackageError`] names the object that can't be read, also a manifest that isn't one.
pub fn claimed_list(
    source: &dyn PackageSource,
    progress: &mut dyn Progress,
) -> Result<ObjectList, PackageError> {
    let failed = |source| PackageError::Io { name: PERSON_MANIFEST.to_owned(), source };
    let invalid = |error: ManifestError| failed(io::Error::new(io::ErrorKind::InvalidData, error));
    let mut xml = Vec::new();
    let manifest = match source.open(PERSON_MANIFEST) {
        Ok(reader) => {
            reader.take(MAX_MANIFEST_BYTES as u64 + 1).read_to_end(&mut xml).map_err(failed)?;
            Some(AsicManifest::from_xml(&xml).map_err(invalid)?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let references = manifest.iter().flat_map(AsicManifest::references);
    let claimed = references.map(|reference| (reference.uri.as_str(), reference.digest)).collect();
    object_list(&Claimed { source, claimed }, progress)
}

/// A source whose digests are those that somebody claims.
struct Claimed<'a> {
    source: &'a dyn PackageSource,
    claimed: HashMap<&'a str, Digest>,
}

impl PackageSource for Claimed<'_> {
    fn objects(&self) -> Vec<ObjectInfo> {
        self.source.objects()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.source.open(name)
    }

    fn digest(&self, name: &str) -> Option<Digest> {
        self.claimed.get(name).copied()
    }
}

/// The order in which a container file holds a package's objects; foreign ones come last.
pub(crate) fn in_package_order(mut objects: Vec<ObjectInfo>) -> Vec<ObjectInfo> {
    use crate::exhibit::ExhibitNumber;
    let rank = |name: &str| -> (usize, u32) {
        if let Some(number) = ExhibitNumber::from_object_name(name) {
            return (1, number.value());
        }
        let after = crate::layout::signed_tag_files(crate::layout::Carried::Sealed).into_iter();
        let after = after.chain([PERSON_MANIFEST, PERSON_SIGNATURE, SEAL_MANIFEST, SEAL_SIGNATURE]);
        match after.enumerate().find(|(_, known)| *known == name) {
            Some((place, _)) => (2 + place, 0),
            None if name == crate::layout::MIMETYPE_NAME => (0, 0),
            None => (usize::MAX, 0),
        }
    };
    objects.sort_by_cached_key(|object| (rank(&object.name), object.name.clone()));
    objects
}
