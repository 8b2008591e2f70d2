//! What becomes an exhibit.
//!
//! Holds the step before sealing: every path that was named is looked at, refused or numbered,
//! and what will be read is added up. May read folders and attributes; reads no file's content.

use super::{SealError, SealOptions};
use crate::acquisition::{self, Assigned, Named};
use crate::exhibit::MAX_EXHIBITS;
use crate::handle::{Facts, FileKind, facts_of, open_unfollowed};
use crate::raw_path::bytes_of;
use crate::record::is_file_name;
use crate::sparse;
use crate::tar::hard_links::Room;
use crate::tar::stream::{Measured, measure};
use crate::walk::{FoundKind, SourceError, Walk, shown};
use std::path::{Path, PathBuf};

/// One exhibit to be.
pub(super) struct Planned {
    pub(super) path: PathBuf,
    /// The real name.
    pub(super) name: Vec<u8>,
    /// The path from the named folder's name on, if every file of it becomes an exhibit.
    pub(super) relative: Option<Vec<u8>>,
    pub(super) kind: PlannedKind,
}

impl Planned {
    /// What will be encrypted, as it was when it was planned.
    pub(super) const fn size_bytes(&self) -> u64 {
        match &self.kind {
            PlannedKind::File { size_bytes } => *size_bytes,
            PlannedKind::Folder(measured) => measured.size.tar_bytes,
        }
    }
}

pub(super) enum PlannedKind {
    File { size_bytes: u64 },
    Folder(Box<Measured>),
}

/// Holes of a file exhibit from this size on are stored only if it was asked for.
const MAX_HOLES_BYTES: u64 = 1 << 30;

/// The exhibits in order, and what is worth telling.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) exhibits: Vec<Planned>,
    pub(super) total_bytes: u64,
    pub(super) notes: Vec<String>,
}

/// Looks at every path; folders are walked once to know their size.
pub(super) fn plan(paths: &[PathBuf], options: &SealOptions, output: &Path) -> Result<Plan, SealError> {
    let mut plan = Plan::default();
    let mut room = Room::default();
    for path in paths {
        // Without a slash at its end, which would hide that it is a link.
        let path: PathBuf = path.components().collect();
        let failed = |error| SealError::Source(SourceError::io(&path, error));
        let metadata = path.symlink_metadata().map_err(failed)?;
        let file_type = metadata.file_type();
        if file_type.is_symlink() {
            return Err(SourceError::NamedLink { path: shown(&path) }.into());
        }
        let name = real_name(&path)?;
        if file_type.is_file() {
            if !options.store_holes {
                refuse_holes(&path)?;
            }
            let size_bytes = metadata.len();
            let kind = PlannedKind::File { size_bytes };
            plan.push(Planned { path, name, relative: None, kind }, size_bytes)?;
        } else if file_type.is_dir() {
            refuse_output_inside(&path, output)?;
            if options.each {
                plan.add_each(&path, &name, options)?;
            } else {
                let measured = measure(&path, &mut room)?;
                plan.note_missed(&path, &measured);
                let size = measured.size.tar_bytes;
                let kind = PlannedKind::Folder(Box::new(measured));
                plan.push(Planned { path, name, relative: None, kind }, size)?;
            }
        } else {
            return Err(SourceError::Special { path: shown(&path) }.into());
        }
    }
    if plan.exhibits.is_empty() { Err(SealError::Nothing) } else { Ok(plan) }
}

/// The name by which the thing is known; of `.` and `..` the name of the folder meant.
fn real_name(path: &Path) -> Result<Vec<u8>, SealError> {
    let found = match path.file_name() {
        Some(name) => Some(name.to_owned()),
        None => {
            let whole = path.canonicalize().map_err(|error| SourceError::io(path, error))?;
            whole.file_name().map(ToOwned::to_owned)
        }
    };
    found
        .map(|name| bytes_of(&name))
        .filter(|name| is_file_name(name))
        .ok_or_else(|| SealError::NoName { path: shown(path) })
}

/// A file that is mostly holes would take as much room as if it had none: whoever seals says so first.
fn refuse_holes(path: &Path) -> Result<(), SealError> {
    let failed = |error| SealError::Source(SourceError::below(path, error));
    let file = open_unfollowed(path).map_err(failed)?;
    let facts = facts_of(&file).map_err(failed)?;
    if facts.kind != FileKind::File || !has_large_holes(&facts) {
        return Ok(());
    }
    let data_bytes = sparse::find(&file, facts.size_bytes).map_err(failed)?.map(|map| map.data_bytes());
    match data_bytes {
        Some(data_bytes) if facts.size_bytes - data_bytes >= MAX_HOLES_BYTES => {
            let size_bytes = facts.size_bytes;
            Err(SourceError::Holes { path: shown(path), data_bytes, size_bytes }.into())
        }
        _ => Ok(()),
    }
}

const fn has_large_holes(facts: &Facts) -> bool {
    facts.size_bytes.saturating_sub(facts.stored_bytes) >= MAX_HOLES_BYTES
}

/// A package that grows inside the folder it is made from would never be whole.
fn refuse_output_inside(folder: &Path, output: &Path) -> Result<(), SealError> {
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let inside = match (folder.canonicalize(), parent.canonicalize()) {
        (Ok(folder), Ok(parent)) => parent.starts_with(folder),
        _ => false,
    };
    if inside {
        return Err(SealError::OutputInside { output: shown(output), folder: shown(folder) });
    }
    Ok(())
}

impl Plan {
    /// Finds the facts of each exhibit; those that have none beside others that have are said.
    pub(super) fn assign(&mut self, facts: Option<&acquisition::Facts>) -> Result<Assigned, SealError> {
        let Some(facts) = facts else {
            return Ok(Assigned::default());
        };
        let assigned = facts.assign(self.exhibits.iter().map(|planned| Named {
            path: &planned.path,
            relative: planned.relative.as_deref(),
            is_folder: matches!(planned.kind, PlannedKind::Folder(_)),
        }))?;
        match assigned.undescribed() {
            0 => {}
            1 => self.notes.push("the file of facts says nothing of 1 exhibit".to_owned()),
            many => self.notes.push(format!("the file of facts says nothing of {many} exhibits")),
        }
        Ok(assigned)
    }

    fn push(&mut self, planned: Planned, bytes: u64) -> Result<(), SealError> {
        if self.exhibits.len() >= MAX_EXHIBITS as usize {
            return Err(SealError::TooMany);
        }
        self.total_bytes = self.total_bytes.saturating_add(bytes);
        self.exhibits.push(planned);
        Ok(())
    }

    /// What of a folder will not be in the package.
    fn note_missed(&mut self, folder: &Path, measured: &Measured) {
        if measured.links.separate > 0 {
            self.notes.push(format!(
                "folder `{}` has too many files with several names; {} of these names are kept as files of their own",
                shown(folder),
                measured.links.separate
            ));
        }
        if let Some((count, first)) = &measured.unread {
            self.notes.push(format!(
                "folder `{}`: {count} extended attributes cannot be read by this user and are not kept (first: {first})",
                shown(folder)
            ));
        }
    }

    /// Every file of `folder` becomes an exhibit of its own.
    fn add_each(
        &mut self,
        folder: &Path,
        folder_name: &[u8],
        options: &SealOptions,
    ) -> Result<(), SealError> {
        let mut walk = Walk::looking(folder)?;
        let mut last_folder: Option<Vec<u8>> = Some(Vec::new());
        while let Some(kind) = walk.step()? {
            self.note_if_empty(folder, last_folder.take(), Some(walk.relative()));
            match (kind, walk.facts()) {
                (FoundKind::Folder, _) => last_folder = Some(walk.relative().to_vec()),
                (FoundKind::Link, _) | (_, None) => {
                    return Err(SourceError::LinkAsExhibit { path: shown(&walk.path()) }.into());
                }
                (FoundKind::File, Some(facts)) => {
                    let path = walk.path();
                    if !options.store_holes && has_large_holes(facts) {
                        refuse_holes(&path)?;
                    }
                    let relative = Some([folder_name, b"/", walk.relative()].concat());
                    let name = walk.name().to_vec();
                    let size_bytes = facts.size_bytes;
                    let kind = PlannedKind::File { size_bytes };
                    self.push(Planned { path, name, relative, kind }, size_bytes)?;
                }
            }
        }
        self.note_if_empty(folder, last_folder, None);
        Ok(())
    }

    /// An empty folder leaves no exhibit; that is said.
    fn note_if_empty(&mut self, top: &Path, folder: Option<Vec<u8>>, next: Option<&[u8]>) {
        let Some(folder) = folder else {
            return;
        };
        let mut prefix = folder.clone();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        if !next.is_some_and(|next| next.starts_with(&prefix)) {
            let path = if folder.is_empty() { top.to_owned() } else { crate::raw_path::below(top, &folder) };
            self.notes.push(format!("folder `{}` is empty and leaves no exhibit", shown(&path)));
        }
    }
}
