//! What becomes an exhibit.
//!
//! Holds the step before sealing: every path that was named is looked at, refused or numbered,
//! and what will be read is added up. May read folders and attributes; opens no file.

use super::SealError;
use crate::acquisition::{Assigned, Facts, Named};
use crate::exhibit::MAX_EXHIBITS;
use crate::raw_path::bytes_of;
use crate::record::is_file_name;
use crate::tar::stream::{FolderSize, measure};
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

pub(super) enum PlannedKind {
    File,
    Folder(FolderSize),
}

/// The exhibits in order, and what is worth telling.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) exhibits: Vec<Planned>,
    pub(super) total_bytes: u64,
    pub(super) notes: Vec<String>,
}

/// Looks at every path; folders are walked once to know their size.
pub(super) fn plan(paths: &[PathBuf], each: bool, output: &Path) -> Result<Plan, SealError> {
    let mut plan = Plan::default();
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
            plan.push(Planned { path, name, relative: None, kind: PlannedKind::File }, metadata.len())?;
        } else if file_type.is_dir() {
            refuse_output_inside(&path, output)?;
            if each {
                plan.add_each(&path, &name)?;
            } else {
                let size = measure(&path)?;
                let kind = PlannedKind::Folder(size);
                plan.push(Planned { path, name, relative: None, kind }, size.tar_bytes)?;
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
    pub(super) fn assign(&mut self, facts: Option<&Facts>) -> Result<Assigned, SealError> {
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

    /// Every file of `folder` becomes an exhibit of its own.
    fn add_each(&mut self, folder: &Path, folder_name: &[u8]) -> Result<(), SealError> {
        let mut walk = Walk::new(folder)?;
        let mut last_folder: Option<Vec<u8>> = Some(Vec::new());
        while let Some(found) = walk.next_entry()? {
            self.note_if_empty(folder, last_folder.take(), Some(&found.relative));
            let name = found.path.file_name().map(bytes_of).unwrap_or_default();
            match found.kind {
                FoundKind::Folder => last_folder = Some(found.relative),
                FoundKind::Link { .. } => {
                    return Err(SourceError::LinkAsExhibit { path: shown(&found.path) }.into());
                }
                FoundKind::File => {
                    let relative = [folder_name, b"/", &found.relative].concat();
                    let size = found.metadata.len();
                    let planned =
                        Planned { path: found.path, name, relative: Some(relative), kind: PlannedKind::File };
                    self.push(planned, size)?;
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
