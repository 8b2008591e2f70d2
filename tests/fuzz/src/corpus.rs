//! The inputs that earlier runs found, as files of lines.
//!
//! Holds the form of `corpus/TARGET.txt`: each line is one input in base64, lines rise. May read and write files.

use data_encoding::BASE64;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The most bytes of one file, so that all of them stay small.
const MAX_FILE_BYTES: usize = 130_000;

/// Where the inputs of a target are kept.
#[must_use]
pub fn file_of(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{target}.txt"))
}

/// Reads the inputs of a target; none if there is no file.
///
/// # Errors
/// What the file system says; [`io::ErrorKind::InvalidData`] for a line that is no base64.
pub fn read(target: &str) -> io::Result<BTreeSet<Vec<u8>>> {
    let text = match std::fs::read_to_string(file_of(target)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    text.lines()
        .map(|line| BASE64.decode(line.as_bytes()).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e)))
        .collect()
}

/// Writes the inputs of a target: the shortest, as many as one file may hold.
///
/// # Errors
/// What the file system says.
pub fn write(target: &str, inputs: &BTreeSet<Vec<u8>>) -> io::Result<()> {
    let mut shortest: Vec<&Vec<u8>> = inputs.iter().collect();
    shortest.sort_by_key(|input| input.len());
    let mut left = MAX_FILE_BYTES;
    let mut lines = BTreeSet::new();
    for input in shortest {
        let line = BASE64.encode(input) + "\n";
        let Some(rest) = left.checked_sub(line.len()) else { break };
        left = rest;
        lines.insert(line);
    }
    std::fs::write(file_of(target), lines.into_iter().collect::<String>())
}

/// Writes every input as a file of its own, as libFuzzer wants them.
///
/// # Errors
/// What the file system says.
pub fn unpack<'a>(inputs: impl IntoIterator<Item = &'a Vec<u8>>, folder: &Path) -> io::Result<usize> {
    std::fs::create_dir_all(folder)?;
    let mut count = 0;
    for input in inputs {
        let name = rogatory_core::Digest::of(input).to_hex();
        std::fs::write(folder.join(name), input)?;
        count += 1;
    }
    Ok(count)
}

/// Reads the files of a folder as inputs.
///
/// # Errors
/// What the file system says.
pub fn pack(folder: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    std::fs::read_dir(folder)?.map(|entry| std::fs::read(entry?.path())).collect()
}
