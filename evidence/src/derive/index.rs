//! The index of a disclosure: the original's without the records of what is left out.
//!
//! Holds the choice of its files. Every file that stays is the very one that was signed. May write a spool, whose
//! file, if any, is encrypted.

use super::DeriveError;
use crate::exhibit::ExhibitNumber;
use crate::layout;
use crate::spool::{Spool, SpoolReader};
use crate::verify::index::Index;
use rogatory_container::zip::ZipWriter;
use std::collections::HashSet;
use std::io::BufReader;
use std::path::Path;

/// Writes the index anew with the records and lists of files of `numbers` alone.
pub(crate) fn shorter(
    index: &mut Index,
    numbers: &[ExhibitNumber],
    folder: &Path,
) -> Result<SpoolReader, DeriveError> {
    let stays: HashSet<String> =
        numbers.iter().flat_map(|number| [number.record_name(), number.files_name()]).collect();
    let mut zip = ZipWriter::new(Spool::new(folder));
    zip.add_mimetype().map_err(DeriveError::Index)?;
    for name in index.names() {
        let leaves = name.starts_with("records/") && !stays.contains(&name);
        if leaves || name == layout::MIMETYPE_NAME {
            continue;
        }
        let (size, crc32, content) = index.file(&name).map_err(DeriveError::Index)?;
        zip.add_stream(&name, size, Some(crc32), BufReader::new(content)).map_err(DeriveError::Index)?;
    }
    let spool = zip.finish().map_err(DeriveError::Index)?;
    spool.into_reader().map_err(DeriveError::Temporary)
}
