//! Opens a package: verifies first, then writes the real files.
//!
//! Holds the act: outer part, signatures and index are verified before a byte is written; each
//! exhibit is decrypted under a temporary name and gets its real one when its digest is right; the
//! whole folder appears when everything is. May read the package and write the folder. If
//! verification fails nothing stays, unless somebody gave a reason to open regardless; then the
//! folder says so.

mod choice;
pub(crate) mod disk;
mod extract;
mod missed;
mod tree;

pub use choice::NotOpened;
pub(crate) use choice::{Choice, read_not_opened};
pub(crate) use tree::entry_of;

use crate::digest_list::line_for_real_name;
use crate::exhibit::ExhibitNumber;
use crate::handle::sync_file_system;
use crate::layout::{
    self, MANIFEST_NAME, NOT_OPENED_NAME, OPENED_INDEX_NAME, OPENED_PACKAGE_FOLDER, UNVERIFIED_NAME,
};
use crate::limits::{Limits, LimitsError};
use crate::partial::{create_private_file, create_private_folder, leftovers};
use crate::portable::REAL_NAMES_NAME;
use crate::record::ExhibitType;
use crate::sensitive::SensitiveAccess;
use crate::sink::{Sibling, WriteError};
use crate::source::{FolderSource, PackageError, PackageSource, ZipSource, in_package_order};
use crate::streams::{HashingWriter, Progress, Step, copy};
use crate::transmittal::is_reason;
use crate::verify::contents::examine_exhibits;
use crate::verify::index::Index;
use crate::verify::outer::changed;
use crate::verify::verdict::Findings;
use crate::verify::{
    Outcome, Verdict, VerifyOptions, check_zip_order, examine_before_contents, judge_sealed,
};
use disk::{Demand, Disk};
use extract::{Extracted, Extractor};
use rogatory_core::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What may be asked of an opening; the default asks nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OpenOptions {
    /// Whether the tar of a folder exhibit is kept beside the folder.
    pub keep_tar: bool,
    /// Opens although verification fails, for this reason, and marks the folder.
    pub unverified: Option<String>,
    /// The exhibits to take out; none: all. The others are not read.
    pub exhibits: Vec<ExhibitNumber>,
    /// Leave to open sensitive exhibits; without it they stay sealed.
    pub sensitive: Option<SensitiveAccess>,
    /// Whether names are written so that every system can hold them; always so on Windows.
    pub portable_names: bool,
}

impl OpenOptions {
    const fn names_are_portable(&self) -> bool {
        self.portable_names || cfg!(windows)
    }
}

/// All that opening needs.
pub struct OpenRequest<'a> {
    /// The sealed package: a folder or a container file.
    pub path: PathBuf,
    /// Identity, anchors and what is required.
    pub verify: VerifyOptions<'a>,
    /// The folder to make; it must not exist or be empty.
    pub output: PathBuf,
    /// What may be asked beyond that.
    pub options: OpenOptions,
    /// Is told how far it has come.
    pub progress: &'a mut dyn Progress,
}

/// An exhibit that was opened.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct OpenedExhibit {
    /// Its number.
    pub number: ExhibitNumber,
    /// File or folder.
    pub exhibit_type: ExhibitType,
    /// Where it is.
    #[serde(serialize_with = "crate::path_text")]
    pub path: PathBuf,
    /// The size of the file or tar.
    pub size_bytes: u64,
    /// Whether it is marked as sensitive.
    pub sensitive: bool,
}

/// What was opened.
#[derive(Clone, Debug, serde::Serialize)]
pub struct OpenReport {
    /// The folder.
    #[serde(serialize_with = "crate::path_text")]
    pub output: PathBuf,
    /// The exhibits.
    pub exhibits: Vec<OpenedExhibit>,
    /// Those that stayed sealed because they are sensitive; those that were not asked for are only counted.
    pub left_sealed: Vec<ExhibitNumber>,
    /// How many exhibits were not asked for.
    pub not_chosen: usize,
    /// What differs from the original without being part of its content: times, modes.
    pub notes: Vec<String>,
    /// The verification.
    pub verdict: Verdict,
}

/// Opening failed; nothing was left behind.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no sealed package.
    #[error("`{path}` is not a sealed package that could be opened")]
    Package {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: PackageError,
    },
    /// No key.
    #[error("an identity is needed to open a package")]
    NoIdentity,
    /// The reason can't stand.
    #[error("the reason for opening without verification must be 1 to 500 printable characters")]
    Reason,
    /// The reason for sensitive exhibits can't stand.
    #[error("the reason for opening sensitive exhibits must be 1 to 500 printable characters")]
    SensitiveReason,
    /// An exhibit that isn't there.
    #[error("the package has no exhibit {number}: it has {count}, EX-0001 and so on")]
    NoSuchExhibit {
        /// What was asked for.
        number: ExhibitNumber,
        /// How many there are.
        count: usize,
    },
    /// A sensitive exhibit without leave.
    #[error(
        "exhibit {number} is sensitive ({why}) and stays sealed unless a reason is given; nothing was written"
    )]
    Sensitive {
        /// The exhibit.
        number: ExhibitNumber,
        /// What its mark says.
        why: String,
    },
    /// The log can't be written.
    #[error("the opening of sensitive exhibits cannot be logged, so nothing was written")]
    Log(#[source] WriteError),
    /// It does not fit on the disk.
    #[error("the package was not opened")]
    Limits(#[source] LimitsError),
    /// Verification failed.
    #[error("the package is not verified, so nothing was written")]
    NotVerified(Box<Verdict>),
    /// The index can't be read, so there is nothing to open even without verification.
    #[error("the index cannot be opened, so nothing was written")]
    NoIndex(Box<Verdict>),
    /// The folder can't be written.
    #[error("the opened package cannot be written")]
    Write(#[source] WriteError),
}

impl OpenError {
    /// The report, if verification is what failed.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::NotVerified(verdict) | Self::NoIndex(verdict) => Some(verdict),
            _ => None,
        }
    }
}

/// Verifies a package and writes its exhibits under their real names.
///
/// # Errors
/// [`OpenError`]; the output folder is then as it was.
pub fn open(request: OpenRequest<'_>) -> Result<OpenReport, OpenError> {
    if request.verify.identities.is_empty() {
        return Err(OpenError::NoIdentity);
    }
    if request.options.unverified.as_deref().is_some_and(|reason| !is_reason(reason)) {
        return Err(OpenError::Reason);
    }
    if request.options.sensitive.as_ref().is_some_and(|access| !access.has_reason()) {
        return Err(OpenError::SensitiveReason);
    }
    let mut findings = Findings::default();
    let failed = |source| OpenError::Package { path: crate::walk::shown(&request.path), source };
    let source: Box<dyn PackageSource> = if request.path.is_dir() {
        Box::new(FolderSource::open(&request.path).map_err(failed)?)
    } else {
        let source = ZipSource::open(&request.path).map_err(failed)?;
        check_zip_order(&source, &mut findings);
        Box::new(source)
    };
    open_from(&*source, request, findings)
}

/// The same from wherever the objects lie.
pub(crate) fn open_from(
    source: &dyn PackageSource,
    request: OpenRequest<'_>,
    findings: Findings,
) -> Result<OpenReport, OpenError> {
    open_onto(source, request, findings, &Disk::of)
}

/// The same onto a disk that `try_out` tries out in a folder, with a file of so many bytes.
pub(crate) fn open_onto(
    source: &dyn PackageSource,
    request: OpenRequest<'_>,
    mut findings: Findings,
    try_out: &dyn Fn(&Path, u64) -> io::Result<Disk>,
) -> Result<OpenReport, OpenError> {
    let options = &request.verify;
    let (mut outer, index) = examine_before_contents(source, options, &mut findings);
    let Some(mut index) = index else {
        return Err(OpenError::NoIndex(Box::new(judge_sealed(outer, None, options, findings))));
    };
    if request.options.unverified.is_none() && findings.fall_short(&options.require) {
        return Err(OpenError::NotVerified(Box::new(judge_sealed(outer, None, options, findings))));
    }
    let choice = Choice::among(&index.exhibits, &request.options)?;
    outer.select(|number| choice.chosen.contains(&number));
    let chosen = index.exhibits.iter().filter(|exhibit| choice.chosen.contains(&exhibit.number));
    let total = chosen.fold(0_u64, |sum, exhibit| sum.saturating_add(exhibit.size_bytes));
    let demand = Demand::of(&choice.chosen, request.options.keep_tar, &mut index);
    let left = leftovers(&request.output);
    let sibling = Sibling::private_folder(&request.output).map_err(OpenError::Write)?;
    let mut limits = Limits::default();
    let disk = demand.judge(&request.output, &mut limits, |largest| try_out(sibling.path(), largest));
    let disk = disk.map_err(|error| OpenError::Write(WriteError::io(sibling.path(), error)))?;
    limits.judge().map_err(OpenError::Limits)?;
    if let Some(access) = request.options.sensitive.as_ref().filter(|_| !choice.sensitive.is_empty()) {
        let package = outer.package.as_ref().map(ToString::to_string);
        access.record(package, choice.sensitive.clone()).map_err(OpenError::Log)?;
    }
    request.progress.begin(Step::Opening, Some(total));
    let mut list = Listing::create(sibling.path()).map_err(OpenError::Write)?;
    let mut extractor = Extractor::new(sibling.path(), &request.options, disk);
    examine_exhibits(
        source,
        &outer,
        Some(&mut index),
        options,
        &mut extractor,
        &mut findings,
        request.progress,
    );
    let Extracted { exhibits, mut notes, lines, real_names } =
        extractor.finish().map_err(OpenError::Write)?;
    let is_derived = outer.is_derived();
    let read = std::mem::take(&mut outer.read);
    let verdict = judge_sealed(outer, Some(&mut index), options, findings);
    if !verdict.is_verified() && request.options.unverified.is_none() {
        return Err(OpenError::NotVerified(Box::new(verdict)));
    }
    request.progress.begin(Step::Syncing, None);
    let write = || -> Result<PathBuf, WriteError> {
        list.write_index(index)?;
        if is_derived {
            list.write_package(source, &read)?;
        }
        list.finish(lines)?;
        if let Some(text) = choice.text() {
            write_text(sibling.path(), NOT_OPENED_NAME, &text)?;
        }
        if let Some(real_names) = real_names {
            write_real_names(sibling.path(), real_names)?;
        }
        if let (Some(reason), false) = (&request.options.unverified, verdict.is_verified()) {
            mark(sibling.path(), reason, &verdict)?;
        }
        // Everything that was written above, in one go; then the names.
        sync_file_system(sibling.path()).map_err(|error| WriteError::io(sibling.path(), error))?;
        sibling.rename()
    };
    let output = write().map_err(OpenError::Write)?;
    let exhibits = exhibits
        .into_iter()
        .map(|exhibit| OpenedExhibit { path: output.join(&exhibit.path), ..exhibit })
        .collect();
    notes.extend(left.iter().map(|path| leftover_note(path)));
    let left_for = |wanted: NotOpened| {
        choice.left.iter().filter(move |(_, why)| **why == wanted).map(|(number, _)| *number)
    };
    Ok(OpenReport {
        output,
        exhibits,
        left_sealed: left_for(NotOpened::Sensitive).collect(),
        not_chosen: left_for(NotOpened::NotChosen).count(),
        notes,
        verdict,
    })
}

/// What a person should know of a partial folder that lies beside the output.
#[must_use]
pub fn leftover_note(path: &Path) -> String {
    format!(
        "`{}` was left by a run that broke off and may hold evidence in the clear: remove it, unless that run still goes on",
        crate::walk::shown(path)
    )
}

/// The list of digests beside the exhibits, and the index.
struct Listing {
    folder: PathBuf,
    file: File,
}

impl Listing {
    fn create(folder: &Path) -> Result<Self, WriteError> {
        let path = folder.join(MANIFEST_NAME);
        let file = create_private_file(&path).map_err(|error| WriteError::io(&path, error))?;
        Ok(Self { folder: folder.to_owned(), file })
    }

    /// Writes the index and its line, the first of the list.
    fn write_index(&mut self, index: Index) -> Result<(), WriteError> {
        let path = self.folder.join(OPENED_INDEX_NAME);
        let failed = |error| WriteError::io(&path, error);
        let file = create_private_file(&path).map_err(failed)?;
        let mut stream = index.into_stream().map_err(failed)?;
        let mut writer = HashingWriter::new(file);
        copy(&mut stream, &mut writer, &mut Vec::new()).map_err(failed)?;
        let (file, digest, _) = writer.finish();
        file.sync_data().map_err(failed)?;
        self.write(&mut line_for_real_name(&digest, OPENED_INDEX_NAME.as_bytes()).as_slice())
    }

    /// Keeps the outer part of a derived package: without it nobody could tell who left which exhibits out.
    /// It must be what was verified, of which `read` holds the digests.
    fn write_package(
        &mut self,
        source: &dyn PackageSource,
        read: &HashMap<String, Digest>,
    ) -> Result<(), WriteError> {
        let package = self.folder.join(OPENED_PACKAGE_FOLDER);
        create_private_folder(&package).map_err(|error| WriteError::io(&package, error))?;
        // Whatever else lies there, when somebody opens it regardless, is not written.
        let known = layout::package_objects(std::iter::empty(), layout::Carried::Sealed, true);
        for object in in_package_order(source.objects()) {
            let name = object.name;
            if name == layout::INDEX_NAME || !known.contains(&name) {
                continue;
            }
            let path = package.join(&name);
            if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
                create_private_folder(folder).map_err(|error| WriteError::io(folder, error))?;
            }
            let failed = |error| WriteError::io(&path, error);
            let file = create_private_file(&path).map_err(failed)?;
            let mut content =
                source.open(&name).map_err(|source| WriteError::Read { name: name.clone(), source })?;
            let mut writer = HashingWriter::new(file);
            copy(&mut *content, &mut writer, &mut Vec::new()).map_err(failed)?;
            let (_, digest, _) = writer.finish();
            // One that could not be read before is there only when somebody opens it regardless.
            if read.get(&name).is_some_and(|before| *before != digest) {
                return Err(WriteError::Read { name, source: changed() });
            }
            let listed = format!("{OPENED_PACKAGE_FOLDER}/{name}");
            self.write(&mut line_for_real_name(&digest, listed.as_bytes()).as_slice())?;
        }
        Ok(())
    }

    fn write(&mut self, lines: &mut dyn io::Read) -> Result<(), WriteError> {
        let path = self.folder.join(MANIFEST_NAME);
        copy(lines, &mut self.file, &mut Vec::new()).map(|_| ()).map_err(|error| WriteError::io(&path, error))
    }

    fn finish(mut self, lines: crate::spool::Spool) -> Result<(), WriteError> {
        let path = self.folder.join(MANIFEST_NAME);
        let failed = |error| WriteError::io(&path, error);
        let mut lines = lines.into_reader().map_err(failed)?;
        self.write(&mut lines)?;
        self.file.sync_data().map_err(failed)
    }
}

/// Writes the list of the names that are others on the disk.
fn write_real_names(folder: &Path, lines: crate::spool::Spool) -> Result<(), WriteError> {
    let path = folder.join(REAL_NAMES_NAME);
    let failed = |error| WriteError::io(&path, error);
    let mut file = create_private_file(&path).map_err(failed)?;
    let mut lines = lines.into_reader().map_err(failed)?;
    copy(&mut lines, &mut file, &mut Vec::new()).map_err(failed)?;
    file.sync_data().map_err(failed)
}

/// Says in the folder itself that nobody verified it.
fn mark(folder: &Path, reason: &str, verdict: &Verdict) -> Result<(), WriteError> {
    let mut text =
        format!("This package was opened WITHOUT VERIFICATION.\n\nReason given: {reason}\n\nWhat failed:\n");
    for check in verdict.checks() {
        if let Outcome::Failed { .. } = check.outcome {
            text.push_str("- ");
            text.push_str(&check.text);
            text.push('\n');
        }
    }
    write_text(folder, UNVERIFIED_NAME, &text)
}

/// Writes a small file of the folder and makes it durable.
fn write_text(folder: &Path, name: &str, text: &str) -> Result<(), WriteError> {
    let path = folder.join(name);
    let mut file = create_private_file(&path).map_err(|error| WriteError::io(&path, error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|error| WriteError::io(&path, error))
}
