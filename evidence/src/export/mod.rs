//! Writes what a package holds in the forms that others ask for.
//!
//! Holds the exports: CASE/UCO JSON-LD for forensic tools, and the manifest of Regulation (EU)
//! 2025/1550 for large evidence. May read a package and write one new file. Verifies before it
//! writes: outer part, signatures and index; exhibits are described as the signed index does, and
//! not read. **What it writes lies in the clear**, with real names: nobody but the owner reads the file.

mod case;
mod eu_manifest;
mod graph;
mod printed;

pub use case::{CaseReport, case};
pub use eu_manifest::{
    EuManifest, Field, LARGE_EVIDENCE_BYTES, LogEntry, Moment, SentFile, Transmission, eu_manifest,
};
pub use printed::printed;

use crate::files_list::FilesListError;
use crate::sink::{Sibling, WriteError};
use crate::source::PackageError;
use crate::verify::Verdict;
use rogatory_container::zip::ZipError;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// An export failed; nothing stands under the final name.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No key.
    #[error("an identity is needed to export: real names and facts stand in the encrypted index")]
    NoIdentity,
    /// Verification failed.
    #[error("the package is not verified, so nothing was exported")]
    NotVerified(Box<Verdict>),
    /// Made from another package.
    #[error(
        "it was re-wrapped or disclosed from another package, and an export would mix up who sealed it and who made it anew: export the original"
    )]
    Derived,
    /// Not what was sent.
    #[error("only a sealed package can have been sent, and this is an opened one or an index")]
    NotSealed,
    /// What is said of the transmission contradicts the regulation.
    #[error("{0}")]
    Transmission(String),
    /// The package changed or can't be read.
    #[error("the package cannot be read")]
    Package(#[source] PackageError),
    /// A record that was there a moment ago is gone.
    #[error("the index changed while it was exported: {0}")]
    Changed(String),
    /// The index can't be read.
    #[error("the index cannot be read")]
    Index(#[source] ZipError),
    /// A list of files can't be read.
    #[error("a list of files in the index cannot be read")]
    Files(#[source] FilesListError),
    /// Writing failed.
    #[error("the export cannot be written")]
    Output(#[from] io::Error),
    /// The file can't be made.
    #[error("the export cannot be written")]
    Write(#[source] WriteError),
}

impl ExportError {
    /// The report, if verification is what failed.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::NotVerified(verdict) => Some(verdict),
            _ => None,
        }
    }
}

/// Lets `write` fill a new file that nobody but its owner reads; it gets its name when it is durable.
///
/// # Errors
/// [`ExportError`]; nothing stands under `target` then.
pub fn to_new_file<T>(
    target: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, ExportError>,
) -> Result<T, ExportError> {
    let (sibling, file) = Sibling::private_file(target).map_err(ExportError::Write)?;
    let mut out = BufWriter::with_capacity(128 * 1024, file);
    let result = write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    drop(out);
    sibling.rename().map_err(ExportError::Write)?;
    Ok(result)
}
