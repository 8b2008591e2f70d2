//! Writes decrypted exhibits under temporary names and names them when they are right.
//!
//! Holds the visitor that opening hands to the one pass over the exhibits; the tar of a folder goes to `tree`. May
//! write below the folder it was given, nowhere else.

use super::disk::Disk;
use super::missed::Missed;
use super::tree::{Tree, copy_into, restore, settle};
use super::{OpenOptions, OpenedExhibit};
use crate::digest_list::line_for_real_name;
use crate::files_list::FilesList;
use crate::handle::{Folder, SYNCED_TOGETHER};
use crate::partial::{create_private_file, create_private_folder};
use crate::portable::Naming;
use crate::raw_path::name_of;
use crate::record::{ExhibitType, Record};
use crate::sink::{WriteError, write_private_file};
use crate::spool::Spool;
use crate::tar::reader::TarError;
use crate::verify::ExhibitDescription;
use crate::verify::contents::{ExhibitVisitor, visit_folder};
use crate::verify::index::Index;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

const PARTIAL: &str = ".partial";
const PARTIAL_TAR: &str = ".partial.tar";
/// Smaller files are made durable together at the end; a larger one begins while it is written.
const SYNCED_LATER_BYTES: u64 = 8 * 1024 * 1024;
/// The most notes that are kept.
const MAX_NOTES: usize = 1_000;

/// Writes exhibits below a folder.
pub(super) struct Extractor {
    folder: PathBuf,
    keep_tar: bool,
    portable: bool,
    unverified: bool,
    disk: Disk,
    /// What is free for copies that stand for hard links.
    room_for_copies: u64,
    opened: Vec<OpenedExhibit>,
    notes: Vec<String>,
    lines: Spool,
    real_names: Spool,
    buffer: Vec<u8>,
    /// The disk's failure, which is nobody's fault who sealed or sent.
    failure: Option<WriteError>,
}

/// What an [`Extractor`] wrote.
pub(super) struct Extracted {
    pub(super) exhibits: Vec<OpenedExhibit>,
    /// What is worth telling.
    pub(super) notes: Vec<String>,
    /// The lines of the list of digests.
    pub(super) lines: Spool,
    /// The lines of the list of real names, if names are portable.
    pub(super) real_names: Option<Spool>,
}

impl Extractor {
    /// Writes below `folder`, which lies on `disk`.
    pub(super) fn new(folder: &Path, options: &OpenOptions, (disk, room_for_copies): (Disk, u64)) -> Self {
        Self {
            folder: folder.to_owned(),
            keep_tar: options.keep_tar,
            portable: options.names_are_portable(),
            unverified: options.unverified.is_some(),
            disk,
            room_for_copies,
            opened: Vec::new(),
            notes: Vec::new(),
            lines: Spool::new(folder),
            real_names: Spool::new(folder),
            buffer: Vec::new(),
            failure: None,
        }
    }

    /// What was opened, what is worth telling, and the lines of the lists.
    ///
    /// # Errors
    /// The first failure to write.
    pub(super) fn finish(self) -> Result<Extracted, WriteError> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(Extracted {
                exhibits: self.opened,
                notes: self.notes,
                lines: self.lines,
                real_names: self.portable.then_some(self.real_names),
            }),
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
        let number = exhibit.number.to_string();
        let mut naming = Naming::new(&number, exhibit.name.bytes(), self.portable);
        let name = naming.name().to_vec();
        let path = folder.join(name_of(&name));
        let record = index.record(exhibit);
        fs::rename(folder.join(PARTIAL), &path)?;
        if let Some(record) = &record {
            self.restore(&path, record, exhibit);
        }
        if let Some(line) = naming.own_line() {
            self.real_names.write_all(&line)?;
        }
        if exhibit.exhibit_type == ExhibitType::File {
            self.lines.write_all(&line_for_real_name(&exhibit.sha256, &naming.beside(&name)))?;
        } else {
            let files = index.files(exhibit).map_err(io::Error::other)?;
            let mut list = FilesList::new(BufReader::new(files));
            while let Some(entry) = list.next_entry().map_err(io::Error::other)? {
                let (path, line) = naming.next(&entry).map_err(io::Error::other)?;
                if let Some(line) = line {
                    self.real_names.write_all(&line)?;
                }
                if let (true, Some(digest)) = (entry.listed_type.has_plain_digest(), &entry.sha256) {
                    self.lines.write_all(&line_for_real_name(digest, &naming.within(&path)))?;
                }
            }
            if self.keep_tar {
                let tar_name = naming.tar_name();
                fs::rename(folder.join(PARTIAL_TAR), folder.join(name_of(&tar_name)))?;
                self.lines.write_all(&line_for_real_name(&exhibit.sha256, &naming.beside(&tar_name)))?;
            }
        }
        self.opened.push(OpenedExhibit {
            number: exhibit.number,
            exhibit_type: exhibit.exhibit_type,
            path: Path::new(&number).join(name_of(&name)),
            size_bytes: exhibit.size_bytes,
            sensitive: exhibit.sensitive.is_some(),
        });
        Ok(())
    }

    /// Sets the exhibit's own attributes, mode and time; what can't be set is noted.
    fn restore(&mut self, path: &Path, record: &Record, exhibit: &ExhibitDescription) {
        let mut missed = Missed::default();
        let is_folder = exhibit.exhibit_type == ExhibitType::Folder;
        let number = exhibit.number.to_string();
        // A sensitive exhibit goes by its number.
        let own = if exhibit.sensitive.is_some() { number.as_str() } else { exhibit.name.display() };
        let own = own.as_bytes();
        match File::open(path) {
            Ok(file) => {
                let attributes = record.attributes_with_values();
                restore(&file, &attributes, record.mode, record.modified_time, is_folder, own, &mut missed);
            }
            Err(_) => missed.add("mode and time are", own),
        }
        for name in record.attributes_left_out() {
            missed.attribute(&name, own);
        }
        for text in missed.notes(&number) {
            self.note(text);
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
        let path = folder.join(PARTIAL);
        if SYNCED_TOGETHER && exhibit.size_bytes <= SYNCED_LATER_BYTES {
            let made = create_private_file(&path).map_err(|error| self.failed(&path, error))?;
            let written = copy_into(&made, content, &mut self.buffer)?;
            return written.map_err(|error| self.failed(&path, error));
        }
        match write_private_file(&path, "content", content) {
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
        let made = create_private_folder(&folder)
            .and_then(|()| create_private_folder(&top))
            .and_then(|()| Folder::open(&top));
        let opened = made.map_err(|error| wrong(self.failed(&folder, error)))?;
        let keep = self.keep_tar.then(|| create_private_file(&tar_path)).transpose();
        let keep = keep.map_err(|error| wrong(self.failed(&tar_path, error)))?;
        let how = (self.portable, exhibit.sensitive.is_some());
        let mut tree = Tree::new(top, opened, how, (self.disk, self.room_for_copies), &mut self.buffer);
        let mut tee = Tee { inner: tar, copy: keep, failure: None };
        let outcome = visit_folder(&mut tee, files, &mut tree);
        if let (true, Err(error)) = (outcome.is_ok(), tree.close_down_to(b"")) {
            tree.failure.get_or_insert_with(|| WriteError::io(&tree.top, error));
        }
        let missed = tree.missed;
        self.room_for_copies = tree.room_for_copies;
        let kept = tee.copy.as_ref().map_or(Ok(()), settle);
        let failure =
            tree.failure.or(tee.failure.or(kept.err()).map(|error| WriteError::io(&tar_path, error)));
        if let (None, Some(failure)) = (&self.failure, failure) {
            let text = failure.to_string();
            self.failure = Some(failure);
            // Not read to the end, or not written: what was wrong on the disk is told by itself.
            outcome?;
            return Err(wrong(io::Error::other(text)));
        }
        outcome?;
        for text in missed.notes(&exhibit.number.to_string()) {
            self.note(text);
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
