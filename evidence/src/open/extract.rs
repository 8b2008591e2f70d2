//! Writes decrypted exhibits under temporary names and names them when they are right.
//!
//! Holds the visitor that opening hands to the one pass over the exhibits, and the extraction of
//! a folder's tar. May write below the folder it was given, nowhere else: names are single
//! segments, parents are folders it made itself, files are new, links are made but never followed.

use super::OpenedExhibit;
use crate::digest_list::line_for_real_name;
use crate::files_list::{FilesList, ListedEntry, ListedType};
use crate::partial::{create_private_file, create_private_folder};
use crate::raw_path::{below, name_of};
use crate::record::{ExhibitType, FileTime, Record};
use crate::sink::{WriteError, write_private_file};
use crate::spool::Spool;
use crate::streams::BUFFER_BYTES;
use crate::tar::reader::{TarError, TarVisitor};
use crate::tar::{Entry, EntryKind};
use crate::verify::ExhibitDescription;
use crate::verify::contents::{ExhibitVisitor, visit_folder};
use crate::verify::index::Index;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

const PARTIAL: &str = ".partial";
const PARTIAL_TAR: &str = ".partial.tar";
/// The most notes that are kept.
const MAX_NOTES: usize = 1_000;

/// Writes exhibits below a folder.
pub(super) struct Extractor {
    folder: PathBuf,
    keep_tar: bool,
    unverified: bool,
    opened: Vec<OpenedExhibit>,
    notes: Vec<String>,
    lines: Spool,
    buffer: Vec<u8>,
    /// The disk's failure, which is nobody's fault who sealed or sent.
    failure: Option<WriteError>,
}

impl Extractor {
    pub(super) fn new(folder: &Path, keep_tar: bool, unverified: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            keep_tar,
            unverified,
            opened: Vec::new(),
            notes: Vec::new(),
            lines: Spool::new(folder),
            buffer: Vec::new(),
            failure: None,
        }
    }

    /// What was opened, what is worth telling, and the lines of the list of digests.
    ///
    /// # Errors
    /// The first failure to write.
    pub(super) fn finish(self) -> Result<(Vec<OpenedExhibit>, Vec<String>, Spool), WriteError> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok((self.opened, self.notes, self.lines)),
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
        let name = exhibit.name.bytes();
        let path = folder.join(name_of(&name));
        let record = index.record(exhibit);
        fs::rename(folder.join(PARTIAL), &path)?;
        if let Some(record) = &record {
            self.restore(&path, record, exhibit);
        }
        let number = exhibit.number.to_string();
        let line_name = |inner: &[u8]| [number.as_bytes(), b"/", inner].concat();
        if exhibit.exhibit_type == ExhibitType::File {
            self.lines.write_all(&line_for_real_name(&exhibit.sha256, &line_name(&name)))?;
        } else {
            let files = index.files(exhibit).map_err(io::Error::other)?;
            let mut list = FilesList::new(BufReader::new(files));
            while let Some(entry) = list.next_entry().map_err(io::Error::other)? {
                if let (ListedType::File, Some(digest)) = (entry.listed_type, &entry.sha256) {
                    let inner = [name.as_slice(), b"/", &entry.path].concat();
                    self.lines.write_all(&line_for_real_name(digest, &line_name(&inner)))?;
                }
            }
            if self.keep_tar {
                let tar_name = [name.as_slice(), b".tar"].concat();
                fs::rename(folder.join(PARTIAL_TAR), folder.join(name_of(&tar_name)))?;
                self.lines.write_all(&line_for_real_name(&exhibit.sha256, &line_name(&tar_name)))?;
            }
        }
        self.opened.push(OpenedExhibit {
            number: exhibit.number,
            exhibit_type: exhibit.exhibit_type,
            path: Path::new(&number).join(name_of(&name)),
            size_bytes: exhibit.size_bytes,
        });
        Ok(())
    }

    /// Sets the exhibit's own mode and time; what can't be set is noted.
    fn restore(&mut self, path: &Path, record: &Record, exhibit: &ExhibitDescription) {
        let is_folder = exhibit.exhibit_type == ExhibitType::Folder;
        let done =
            File::open(path).and_then(|file| restore(&file, record.mode, record.modified_time, is_folder));
        if !done.unwrap_or(false) {
            self.note(format!("{}: time or mode of the original is not restored exactly", exhibit.number));
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
        match write_private_file(&folder.join(PARTIAL), "content", content) {
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
        let made = create_private_folder(&folder).and_then(|()| create_private_folder(&top));
        made.map_err(|error| wrong(self.failed(&folder, error)))?;
        let keep = self.keep_tar.then(|| create_private_file(&tar_path)).transpose();
        let keep = keep.map_err(|error| wrong(self.failed(&tar_path, error)))?;
        let mut tree = Tree { top, open: Vec::new(), inexact: 0, buffer: &mut self.buffer, failure: None };
        let mut tee = Tee { inner: tar, copy: keep, failure: None };
        let outcome = visit_folder(&mut tee, files, &mut tree);
        tree.close_down_to(b"");
        let inexact = tree.inexact;
        let kept = tee.copy.map_or(Ok(()), |copy| copy.sync_data());
        let failure =
            tree.failure.or(tee.failure.or(kept.err()).map(|error| WriteError::io(&tar_path, error)));
        if self.failure.is_none() {
            self.failure = failure;
        }
        outcome?;
        if inexact > 0 {
            self.note(format!(
                "{}: times or modes of {inexact} entries are not restored exactly",
                exhibit.number
            ));
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

/// A folder that is being extracted; the tar reader has checked order, parents and links.
struct Tree<'a> {
    top: PathBuf,
    /// Folders whose children may still come: path with a slash, mode, time.
    open: Vec<(Vec<u8>, u32, FileTime)>,
    inexact: u64,
    buffer: &'a mut Vec<u8>,
    failure: Option<WriteError>,
}

impl Tree<'_> {
    /// Sets mode and time of the folders that get no more children: a child would change the time.
    fn close_down_to(&mut self, stored: &[u8]) {
        while let Some((path, mode, modified)) = self.open.pop_if(|(path, ..)| !stored.starts_with(path)) {
            let folder = below(&self.top, path.strip_suffix(b"/").unwrap_or(&path));
            let done = File::open(folder).and_then(|file| restore(&file, Some(mode), Some(modified), true));
            self.count(done);
        }
    }

    fn count(&mut self, done: io::Result<bool>) {
        if !done.unwrap_or(false) {
            self.inexact += 1;
        }
    }
}

impl TarVisitor for Tree<'_> {
    fn entry(&mut self, entry: &Entry, _: &ListedEntry, content: &mut dyn Read) -> io::Result<()> {
        let stored = entry.stored_path();
        self.close_down_to(&stored);
        let path = below(&self.top, &entry.path);
        let written = match &entry.kind {
            EntryKind::Folder => {
                let made = create_private_folder(&path);
                self.open.push((stored, entry.mode, entry.modified));
                made
            }
            EntryKind::File { .. } => match self.write_content(&path, content)? {
                Ok(file) => {
                    let done = restore(&file, Some(entry.mode), Some(entry.modified), false);
                    self.count(done);
                    Ok(())
                }
                Err(error) => Err(error),
            },
            EntryKind::Link { target } => {
                // The standard library can't set a link's own time.
                self.inexact += 1;
                make_link(target, &path)
            }
        };
        written.map_err(|error| {
            let text = error.to_string();
            self.failure.get_or_insert_with(|| WriteError::io(&path, error));
            io::Error::other(text)
        })
    }
}

impl Tree<'_> {
    /// The outer result is about reading, the inner one about writing.
    fn write_content(&mut self, path: &Path, content: &mut dyn Read) -> io::Result<io::Result<File>> {
        let mut file = match create_private_file(path) {
            Ok(file) => file,
            Err(error) => return Ok(Err(error)),
        };
        self.buffer.resize(BUFFER_BYTES, 0);
        loop {
            let count = match content.read(self.buffer) {
                Ok(0) => return Ok(Ok(file)),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if let Err(error) = file.write_all(self.buffer.get(..count).unwrap_or_default()) {
                return Ok(Err(error));
            }
        }
    }
}

#[cfg(unix)]
fn make_link(target: &[u8], path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(name_of(target), path)
}

#[cfg(not(unix))]
fn make_link(_: &[u8], _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "links are not made on this system"))
}

/// Sets time and mode; `false` if the mode could not be kept as it was.
///
/// The owner keeps the right to read, and to write into folders; bits that would run the file as
/// somebody else, or let others change evidence, are dropped.
fn restore(file: &File, mode: Option<u32>, modified: Option<FileTime>, is_folder: bool) -> io::Result<bool> {
    let mut exact = true;
    if let Some(modified) = modified {
        match modified.to_system_time() {
            Some(time) => file.set_modified(time)?,
            None => exact = false,
        }
    }
    #[cfg(unix)]
    if let Some(mode) = mode {
        use std::os::unix::fs::PermissionsExt;
        let kept = mode & 0o755 | if is_folder { 0o700 } else { 0o400 };
        file.set_permissions(fs::Permissions::from_mode(kept))?;
        exact &= kept == mode;
    }
    #[cfg(not(unix))]
    let _ = (mode, is_folder);
    Ok(exact)
}
