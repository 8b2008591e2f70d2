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
    /// A file with holes; the digest is that of its size and of its blocks that are not empty.
    Sparse,
    /// A further name of a file that came before; digest and size are those of the file.
    FileAgain,
    /// A further name of a file with holes that came before; likewise.
    SparseAgain,
}

impl ListedType {
    const fn letters(self) -> &'static str {
        match self {
            Self::File => "f",
            Self::Folder => "d",
            Self::Link => "l",
            Self::Sparse => "s",
            Self::FileAgain => "hf",
            Self::SparseAgain => "hs",
        }
    }

    /// Whether the digest is the SHA-256 of a file's content, zeros in holes included.
    #[must_use]
    pub const fn has_plain_digest(self) -> bool {
        matches!(self, Self::File | Self::FileAgain)
    }
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
    /// How many names the file has in the folder, where the first of them stands; else 1.
    pub names: u32,
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
    /// Appends the line: `<digest or -> <size> <type> <path>`, bytes outside `!` to `~` and `%` as `%XX`.
    pub fn push_line(&self, line: &mut Vec<u8>) {
        match &self.sha256 {
            Some(digest) => line.extend_from_slice(digest.to_hex().as_bytes()),
            None => line.push(b'-'),
        }
        line.push(b' ');
        push_number(line, self.size_bytes);
        line.push(b' ');
        line.extend_from_slice(self.listed_type.letters().as_bytes());
        if self.names > 1 {
            push_number(line, self.names.into());
        }
        line.push(b' ');
        push_escaped(line, &self.path);
        line.push(b'\n');
    }

    /// The line alone.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        self.push_line(&mut line);
        line
    }

    fn from_line(line: &[u8], again: &mut Vec<u8>) -> Option<Self> {
        let body = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
        let mut parts = body.splitn(4, ' ');
        let (digest, size, letters, path) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (letter, names) = letters.split_at_checked(1)?;
        let (listed_type, names) = match (letter, names) {
            ("f", names) => (ListedType::File, names),
            ("s", names) => (ListedType::Sparse, names),
            ("d", "") => (ListedType::Folder, ""),
            ("l", "") => (ListedType::Link, ""),
            ("h", "f") => (ListedType::FileAgain, ""),
            ("h", "s") => (ListedType::SparseAgain, ""),
            _ => return None,
        };
        let entry = Self {
            sha256: if digest == "-" { None } else { Some(digest.parse().ok()?) },
            size_bytes: size.parse().ok()?,
            listed_type,
            names: if names.is_empty() { 1 } else { names.parse().ok()? },
            path: unescape(path)?,
        };
        let is_folder = entry.listed_type == ListedType::Folder;
        let fits = is_folder == entry.sha256.is_none()
            && (!is_folder || entry.size_bytes == 0)
            && is_relative_path(&entry.path);
        // One entry, one line: what would be written otherwise is refused.
        again.clear();
        entry.push_line(again);
        (fits && again == line).then_some(entry)
    }
}

/// Appends a number in decimal digits.
pub(crate) fn push_number(line: &mut Vec<u8>, mut number: u64) {
    let start = line.len();
    loop {
        line.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.get_mut(start..).unwrap_or_default().reverse();
}

/// Appends a path, bytes outside `!` to `~` and `%` as `%XX`.
pub(crate) fn push_escaped(line: &mut Vec<u8>, path: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in path {
        if byte.is_ascii_graphic() && *byte != b'%' {
            line.push(*byte);
        } else {
            line.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
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
    again: Vec<u8>,
}

impl<R: BufRead> FilesList<R> {
    /// Starts at the first line.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, buffer: Vec::new(), again: Vec::new() }
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
        ListedEntry::from_line(&self.buffer, &mut self.again).map(Some).ok_or(FilesListError::Line(self.line))
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
                names: 1,
                path: path.to_vec(),
            };
            text.extend(entry.to_line());
            entries.push(entry);
        }
        for (listed_type, names) in [
            (ListedType::File, 2),
            (ListedType::FileAgain, 1),
            (ListedType::Sparse, 12),
            (ListedType::Sparse, 1),
            (ListedType::SparseAgain, 1),
            (ListedType::Link, 1),
        ] {
            let sha256 = Some(Digest::of(b"x"));
            let entry = ListedEntry { sha256, size_bytes: u64::MAX, listed_type, names, path: b"p".to_vec() };
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
            format!("{digest} 1 f1 a\n"),
            format!("{digest} 1 f02 a\n"),
            format!("{digest} 1 hf2 a\n"),
            format!("{digest} 1 l2 a\n"),
            format!("{digest} 1 h a\n"),
            format!("{digest} 1 hd a\n"),
            format!("{digest} 1  a\n"),
            "\n".to_owned(),
        ] {
            assert!(FilesList::new(line.as_bytes()).next_entry().is_err(), "{line}");
        }
    }
}
