//! `rogatory hash-list …`: lists of digests of material that must not be shown by accident. Offline.

use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use rogatory_evidence::hash_list::{Algorithm, ImportReport};
use rogatory_evidence::{HashListError, HashLists, hash_list};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of [`import`].
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// What was imported.
    #[serde(flatten)]
    pub report: ImportReport,
}

impl Outcome for Imported {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.report.output.display());
        page.fact("size", bytes(self.report.size_bytes));
        for (algorithm, count) in Algorithm::ALL.into_iter().zip(self.report.digests) {
            if count > 0 {
                page.fact(algorithm.as_str(), format!("{count} digests"));
            }
        }
        page.blank();
        for list in &self.report.lists {
            page.line(format!("{}  {} digests  {}", list.list.sha256, list.digests, clean(&list.list.name)));
            if list.without_digest > 0 {
                page.line(format!("note: {} of its entries have no digest", list.without_digest));
            }
        }
        if self.report.digests.iter().skip(1).any(|count| *count > 0) {
            page.line("note: SHA-1 and MD5 are computed beside SHA-256 when sealing, which takes time; lists of SHA-256 cost nothing");
        }
    }
}

/// Imports lists into one file.
///
/// # Errors
/// A usage problem that names the list and its line; failed, if the file cannot be written.
pub async fn import(lists: Vec<PathBuf>, output: PathBuf) -> Result<Imported, Problem> {
    let work = move || hash_list::import(&lists, &output);
    let report = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::failed("importing stopped").because(&error))?;
    report.map(|report| Imported { report }).map_err(|error| problem(&error))
}

/// Opens the lists for a sealing whose result goes to `output`.
///
/// # Errors
/// As [`import`].
pub(crate) fn open(lists: &[PathBuf], output: &Path) -> Result<Option<Arc<HashLists>>, Problem> {
    if lists.is_empty() {
        return Ok(None);
    }
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
    let opened = HashLists::open(lists, parent.unwrap_or(Path::new(".")));
    opened.map(|lists| Some(Arc::new(lists))).map_err(|error| problem(&error))
}

fn problem(error: &HashListError) -> Problem {
    match error {
        HashListError::Temporary(_) | HashListError::Write(_) => {
            Problem::failed("the hash lists were not imported").because(error)
        }
        _ => Problem::usage("the hash lists cannot be used").because(error),
    }
}
