//! The list of a folder exhibit's content, one line an entry.
//!
//! Holds the writer and the strict reader of `records/EX-0001.files`: digest, size, type and
//! escaped path. Calls nothing. Never holds more than one line.

use crate::record::{MAX_PATH_BYTES, is_relative_path};
use rogatory_core::Digest;
use std::io::{self, BufRead, Read};

/// The longest line: digest, size, type and a path in which every byte is escaped.
const MAX_LINE_BYTES: u64 = 128 + 3 * MAX_PATH_BYTES as u64;

/// What an entry of a folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListedType {
    /// A file; the digest is that of its content.
    File,
    /// A folder; it has no digest.
    Folder,
    /// A symbolic link; digest and size are those of its target's text.
    Link,
}

/// One line of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedEntry {
    /// The digest; none for a folder.
    pub sha256: Option<Digest>,
    /// The size in bytes; 0 for a folder.
    pub size_bytes: u64,
    /// What it is.
    pub listed_type: ListedType,
    /// The path below the folder, raw bytes, without a slash at the end.
    pub path: Vec<u8>,
}

/// A list of files can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesListError {
    /// The line breaks the format.
    #[error("line {0} of the list of files is not a digest, a size, a type and an escaped path")]
    Line(u64),
    /// The list can't be read.
    #[error("the list of files cannot be read")]
    Io(#[source] io::Error),
}

impl ListedEntry {
    /// The line: `<digest or -> <size> <f, d or l> <path>`, bytes outside `!` to `~` and `%` as `%XX`.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let digest = self.sha256.map_or_else(|| "-".to_owned(), |digest| digest.to_hex());
        let letter = match self.listed_type {
            ListedType::File => 'f',
            ListedType::Folder => 'd',
            ListedType::Link => 'l',
        };
        let mut line = format!("{digest} {} {letter} ", self.size_bytes).into_bytes();
        for byte in &self.path {
            if byte.is_ascii_graphic() && *byte != b'%' {
                line.push(*byte);
            } else {
                line.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
        line.push(b'\n');
        line
    }

    fn from_line(line: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let mut parts = body.splitn(4, ' ');
        let (digest, size, letter, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let entry = Self {
            sha256: if digest == "-" { None } else { Some(digest.parse().ok()?) },
            size_bytes: size.parse().ok()?,
            listed_type: match letter {
                "f" => ListedType::File,
                "d" => ListedType::Folder,
                "l" => ListedType::Link,
                _ => return None,
            },
            path: unescape(path)?,
        };
        let is_folder = entry.listed_type == ListedType::Folder;
        let fits = is_folder == entry.sha256.is_none()
            && (!is_folder || entry.size_bytes == 0)
            && is_relative_path(&entry.path);
        // One entry, one line: what would be written otherwise is refused.
        (fits && entry.to_line() == line).then_some(entry)
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

/// Reads a list line by line.
pub struct FilesList<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> FilesList<R> {
    /// Starts at the first line.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, buffer: Vec::new() }
    }

    /// The next entry, `None` at the end.
    ///
    /// # Errors
    /// [`FilesListError`] if the next line is none.
    pub fn next_entry(&mut self) -> Result<Option<ListedEntry>, FilesListError> {
        self.buffer.clear();
        self.line += 1;
        let mut limited = (&mut self.input).take(MAX_LINE_BYTES);
        limited.read_until(b'\n', &mut self.buffer).map_err(FilesListError::Io)?;
        if self.buffer.is_empty() {
            return Ok(None);
        }
        ListedEntry::from_line(&self.buffer).map(Some).ok_or(FilesListError::Line(self.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_path_survives_its_line() {
        let mut text = Vec::new();
        let mut entries = Vec::new();
        for path in ["a b/с.txt".as_bytes(), b"100%", b"\xff\xfe/\n", b"x"] {
            let entry = ListedEntry {
                sha256: Some(Digest::of(path)),
                size_bytes: 3,
                listed_type: ListedType::File,
                path: path.to_vec(),
            };
            text.extend(entry.to_line());
            entries.push(entry);
        }
        let mut list = FilesList::new(text.as_slice());
        for entry in entries {
            assert_eq!(list.next_entry().expect("a line"), Some(entry));
        }
        assert_eq!(list.next_entry().expect("the end"), None);
    }

    #[test]
    fn other_writings_are_refused() {
        let digest = Digest::of(b"x");
        for line in [
            format!("{digest} 1 f a"),
            format!("{digest} 01 f a\n"),
            format!("{digest} 1 f %61\n"),
            format!("{digest} 1 f %c3\n"),
            format!("{digest} 1 f ../a\n"),
            format!("{digest} 0 d a\n"),
            "- 1 f a\n".to_owned(),
            "- 0 d a/\n".to_owned(),
            format!("{digest} 1 x a\n"),
            "\n".to_owned(),
        ] {
            assert!(FilesList::new(line.as_bytes()).next_entry().is_err(), "{line}");
        }
    }
}
