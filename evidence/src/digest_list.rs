//! Lists of digests in the format of `sha256sum`.
//!
//! Holds the writer and the strict reader of the lines `<64 hex digits>  <name>`, and what finds a digest by its name.
//! Calls nothing.
//! Never accepts a name that would need escaping: names in packages are neutral.

use crate::exhibit::ExhibitNumber;
use rogatory_core::Digest;
use std::collections::HashMap;
use std::fmt::{Display, Write as _};

/// Digests to be found by the names of objects. Of exhibits, of which there may be very many, the number stands for the
/// name.
#[derive(Default)]
pub(crate) struct Digests {
    exhibits: HashMap<ExhibitNumber, Digest>,
    others: HashMap<String, Digest>,
}

impl Digests {
    /// The digest of the object of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Digest> {
        match ExhibitNumber::from_object_name(name) {
            Some(number) => self.exhibits.get(&number),
            None => self.others.get(name),
        }
    }
}

impl<'a> Extend<(&'a str, Digest)> for Digests {
    fn extend<I: IntoIterator<Item = (&'a str, Digest)>>(&mut self, digests: I) {
        for (name, digest) in digests {
            match ExhibitNumber::from_object_name(name) {
                Some(number) => self.exhibits.insert(number, digest),
                None => self.others.insert(name.to_owned(), digest),
            };
        }
    }
}

impl<'a> FromIterator<(&'a str, Digest)> for Digests {
    fn from_iter<I: IntoIterator<Item = (&'a str, Digest)>>(digests: I) -> Self {
        let mut all = Self::default();
        all.extend(digests);
        all
    }
}

/// A list of digests can't be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DigestListError {
    /// A line that is not a digest, two blanks and a name.
    #[error("line {0} is not a digest, two blanks and a name")]
    Line(usize),
    /// The last line does not end.
    #[error("the last line has no line end")]
    Unfinished,
}

/// Writes the lines.
#[must_use]
pub(crate) fn to_text<N: Display>(lines: impl Iterator<Item = (Digest, N)> + Clone) -> Vec<u8> {
    // Counted first: a list may have 200,000 lines, and growing would hold it twice.
    let mut length = Length(0);
    for (_, name) in lines.clone() {
        let _ = write!(length, "{name}");
        length.0 += 64 + 2 + 1;
    }
    let mut text = String::with_capacity(length.0);
    for (digest, name) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{digest}  {name}");
    }
    text.into_bytes()
}

/// Counts what is written.
struct Length(usize);

impl std::fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Reads the lines; their digests must be lower-case.
///
/// # Errors
/// [`DigestListError`] names the first line that is none.
pub(crate) fn from_text(bytes: &[u8]) -> Result<Vec<(Digest, &str)>, DigestListError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let body = bytes.strip_suffix(b"\n").ok_or(DigestListError::Unfinished)?;
    body.split(|byte| *byte == b'\n')
        .enumerate()
        .map(|(index, line)| read_line(line).ok_or(DigestListError::Line(index + 1)))
        .collect()
}

fn read_line(line: &[u8]) -> Option<(Digest, &str)> {
    let (hex, rest) = line.split_at_checked(64)?;
    let name = std::str::from_utf8(rest.strip_prefix(b"  ")?).ok()?;
    let hex = std::str::from_utf8(hex).ok()?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let lower = !hex.bytes().any(|byte| byte.is_ascii_uppercase());
    if plain && lower { Some((hex.parse().ok()?, name)) } else { None }
}

/// Escapes a name as `sha256sum` does; the bool says whether the line must begin with a backslash.
pub(crate) fn escape_name(name: &[u8]) -> (Vec<u8>, bool) {
    let mut escaped = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'\\' => escaped.extend_from_slice(b"\\\\"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            b'\r' => escaped.extend_from_slice(b"\\r"),
            other => escaped.push(*other),
        }
    }
    let changed = escaped.len() != name.len();
    (escaped, changed)
}

/// One line of `sha256sum` for a real name.
pub(crate) fn line_for_real_name(digest: &Digest, name: &[u8]) -> Vec<u8> {
    let (escaped, changed) = escape_name(name);
    let mut line = Vec::with_capacity(escaped.len() + 68);
    if changed {
        line.push(b'\\');
    }
    line.extend_from_slice(digest.to_hex().as_bytes());
    line.extend_from_slice(b"  ");
    line.extend_from_slice(&escaped);
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_survives_its_text_and_other_lines_are_refused() {
        let lines = [(Digest::of(b"a"), "data/EX-0001.age"), (Digest::of(b"b"), "data/EX-0002.age")];
        let text = to_text(lines.into_iter());
        assert_eq!(from_text(&text), Ok(lines.to_vec()));
        let text = String::from_utf8(text).expect("text");
        for other in [
            text.to_uppercase(),
            text.replacen("  ", " *", 1),
            text.trim_end().to_owned(),
            text.replacen('\n', "\r\n", 1),
            format!("{text}\n"),
            format!("\\{text}"),
        ] {
            assert!(from_text(other.as_bytes()).is_err(), "{other}");
        }
    }
}
