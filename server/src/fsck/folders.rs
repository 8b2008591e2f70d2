//! Looks for what lies in vault and key store and belongs to no row: left over from a crash, no fault.

use super::Office;
use super::report::Report;
use crate::datastore::Inspection;
use crate::problem::Problem;
use std::io;
use std::path::{Path, PathBuf};

/// Notes what no row names.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check(
    database: &mut Inspection,
    office: &Office,
    report: &mut Report,
) -> Result<(), Problem> {
    let (packages, transfers) = office.folders();
    for entry in entries(&packages, report) {
        let id = name_of(&entry);
        if !database.has_package(&id).await? {
            report.note(format!("the vault holds a package {id} that no row names"));
            continue;
        }
        for file in files_below(&entry, report) {
            let name = file.strip_prefix(&entry).unwrap_or(&file).to_string_lossy().into_owned();
            if !database.has_object(&id, &name).await? {
                report.note(format!("package {id} in the vault holds `{name}`, which no row names"));
            }
        }
    }
    for entry in transfers.iter().flat_map(|folder| entries(folder, report)).collect::<Vec<_>>() {
        let id = name_of(&entry);
        if !database.has_transfer(&id).await? {
            report.note(format!("the vault holds parts of a transfer {id} that no row names"));
        }
    }
    let mut nth = 0;
    while let Some(cases) = office.keys.cases(nth)? {
        nth += 1;
        for case in cases {
            if !database.has_events(&case).await? {
                report
                    .note(format!("the key store holds a key of case {case}, of which the log has no event"));
            }
        }
    }
    Ok(())
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What lies in a folder; none if there is no such folder yet.
fn entries(folder: &Path, report: &mut Report) -> Vec<PathBuf> {
    let read = std::fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    match read {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            report.note(format!("the folder {} cannot be listed: {error}", folder.display()));
            Vec::new()
        }
    }
}

/// The files of a package's folder and of the folders in it, which have none in them.
fn files_below(folder: &Path, report: &mut Report) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder, report) {
        if path.is_dir() {
            files.extend(entries(&path, report));
        } else {
            files.push(path);
        }
    }
    files
}
