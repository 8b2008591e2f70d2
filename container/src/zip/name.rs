//! Which names an archive may hold, and that no two of them collide on any file system.
//!
//! Pure; called by reader, writer and manifest. Never touches a file system.

use std::collections::{HashMap, HashSet};

/// The name can't stand in an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or longer than the limit.
    #[error("a name is {0} bytes long, and 1 to 255 are accepted")]
    Length(usize),
    /// A byte that isn't a letter, digit, `.`, `_`, `-` or `/`.
    #[error("`{0}` has a character other than ASCII letters, digits, `.`, `_`, `-` and `/`")]
    Character(String),
    /// A part that is empty, `..`, hidden, or begins with `-` or ends with `.`.
    #[error("`{0}` has a part that does not begin with a letter, digit or `_`, or ends with a dot")]
    Part(String),
    /// A part that is a device on some systems.
    #[error("`{0}` has a part that names a device on some systems")]
    Device(String),
    /// The same name again, or the same but for letter case.
    #[error("`{0}` occurs twice, letter case aside")]
    Duplicate(String),
    /// One name is the folder of another.
    #[error("`{0}` is both a file and a folder")]
    FileAndFolder(String),
}

/// Longest name the format allows.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// Checks one name: relative, ASCII letters, digits, `.`, `_`, `-`, parts joined by `/`.
///
/// Such a name is its own percent-encoding, needs no escape in `sha256sum` lists, and extracts alike on
/// every system.
///
/// # Errors
/// [`NameError`] with the rule that is broken.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(NameError::Length(name.len()));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
    if !name.bytes().all(allowed) {
        return Err(NameError::Character(quoted(name)));
    }
    for part in name.split('/') {
        let begins_well = part.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !begins_well || part.ends_with('.') {
            return Err(NameError::Part(quoted(name)));
        }
        if is_device(part) {
            return Err(NameError::Device(quoted(name)));
        }
    }
    Ok(())
}

/// Outside text made fit for an error message.
pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" => true,
        other => {
            let digits = other.strip_prefix("COM").or(other.strip_prefix("LPT"));
            digits.is_some_and(|d| d.len() == 1 && d.bytes().all(|b| b.is_ascii_digit()))
        }
    }
}

/// The names of one archive so far; finds an entry's place and refuses collisions.
#[derive(Debug, Default)]
pub(super) struct Names {
    files: HashMap<Box<str>, usize>,
    folders: HashSet<Box<str>>,
}

impl Names {
    /// Takes the name of the entry at `place`.
    pub(super) fn insert(&mut self, name: &str, place: usize) -> Result<(), NameError> {
        check_name(name)?;
        let folded = name.to_ascii_lowercase();
        if self.files.contains_key(folded.as_str()) {
            return Err(NameError::Duplicate(quoted(name)));
        }
        if self.folders.contains(folded.as_str()) {
            return Err(NameError::FileAndFolder(quoted(name)));
        }
        for (at, _) in folded.match_indices('/') {
            let folder = folded.get(..at).unwrap_or_default();
            if self.files.contains_key(folder) {
                return Err(NameError::FileAndFolder(quoted(folder)));
            }
            if !self.folders.contains(folder) {
                self.folders.insert(folder.into());
            }
        }
        self.files.insert(folded.into_boxed_str(), place);
        Ok(())
    }

    /// The place of the entry whose name is `name`, letter case aside.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.files.get(name.to_ascii_lowercase().as_str()).copied()
    }
}
