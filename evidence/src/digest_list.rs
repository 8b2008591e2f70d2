//! Lists of digests in the format of `sha256sum`.
//!
//! Holds the writer and the strict reader of the lines `<64 hex digits>  <name>`. Calls nothing.
//! Never accepts a name that would need escaping: names in packages are neutral.

use rogatory_core::Digest;
use std::fmt::Write as _;

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
pub(crate) fn to_text<'a>(lines: impl Iterator<Item = (Digest, &'a str)>) -> Vec<u8> {
    let mut text = String::new();
    for (digest, name) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{digest}  {name}");
    }
    text.into_bytes()
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
