//! The text of an age header: version line, stanzas, MAC.
//!
//! Holds the strict reader and the writer of that text. Accepts exactly the grammar: canonical base64 in lines of 64,
//! the last one shorter, nothing else. Knows no key. Bounded: what is too long is refused before it is kept.
//!
//! Source: C2SP `age`, "ABNF definition of file header".

use super::AgeError;
use age_core::format::Stanza;
use data_encoding::BASE64_NOPAD;
use std::io::{BufRead, Read as _};

const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";
const ARMOR_START: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const STANZA_START: &[u8] = b"-> ";
const END_START: &[u8] = b"---";
/// The longest age header that is read: a hundred hybrid stanzas have 156,000 bytes.
const MAX_HEADER_BYTES: usize = 256 * 1024;
/// The most lines an age header may have.
const MAX_HEADER_LINES: usize = 1_000;
/// The width of a line of a stanza's body.
const COLUMNS: usize = 64;
/// The size of a header's MAC.
pub(super) const MAC_BYTES: usize = 32;

/// A header as it was read.
pub(super) struct HeaderText {
    /// The stanzas in order.
    pub(super) stanzas: Vec<Stanza>,
    /// The bytes under the MAC: everything up to and with the `---`.
    pub(super) authenticated: Vec<u8>,
    /// The MAC.
    pub(super) mac: [u8; MAC_BYTES],
    /// The length of all of it.
    pub(super) size_bytes: u64,
}

impl HeaderText {
    /// Reads a header and leaves `reader` behind it.
    pub(super) fn read(reader: &mut impl BufRead) -> Result<Self, AgeError> {
        let mut lines = Lines { reader, read: Vec::new(), count: 0 };
        let first = lines.next()?;
        if first.starts_with(ARMOR_START) {
            return Err(AgeError::Armored);
        }
        if first != VERSION_LINE {
            return broken("it is not an age file of version 1");
        }
        let mut stanzas = Vec::new();
        loop {
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(STANZA_START) {
                let (tag, args) = read_arguments(arguments)?;
                let body = read_body(&mut lines)?;
                stanzas.push(Stanza { tag, args, body });
            } else if let Some(rest) = line.strip_prefix(END_START) {
                let mac = read_mac(rest)?;
                let rest = rest.len();
                if stanzas.is_empty() {
                    return broken("it has no stanza");
                }
                let mut authenticated = lines.read;
                let size_bytes = authenticated.len() as u64;
                authenticated.truncate(authenticated.len() - rest);
                return Ok(Self { stanzas, authenticated, mac, size_bytes });
            } else {
                return broken("a line begins neither a stanza nor the end");
            }
        }
    }
}

fn broken<T>(what: &str) -> Result<T, AgeError> {
    Err(AgeError::Header(what.to_owned()))
}

/// Takes lines and keeps them.
struct Lines<'a, R> {
    reader: &'a mut R,
    read: Vec<u8>,
    count: usize,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next line, with its end.
    fn next(&mut self) -> Result<&[u8], AgeError> {
        self.count += 1;
        if self.count > MAX_HEADER_LINES {
            return broken("it has too many lines");
        }
        let start = self.read.len();
        let left = MAX_HEADER_BYTES.saturating_sub(start) as u64;
        self.reader.by_ref().take(left).read_until(b'\n', &mut self.read).map_err(AgeError::Io)?;
        let line = self.read.get(start..).unwrap_or_default();
        if line.ends_with(b"\n") { Ok(line) } else { broken("it is cut off or too long") }
    }
}

/// Reads what follows the arrow of a stanza: its type, its arguments.
fn read_arguments(line: &[u8]) -> Result<(String, Vec<String>), AgeError> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let words = line.split(|byte| *byte == b' ').map(|word| {
        let is_word = !word.is_empty() && word.iter().all(u8::is_ascii_graphic);
        if is_word { String::from_utf8(word.to_vec()).ok() } else { None }
    });
    let mut words: Vec<String> = match words.collect() {
        Some(words) => words,
        None => return broken("a stanza has an empty argument or a character that none may have"),
    };
    let tag = words.remove(0);
    Ok((tag, words))
}

/// Reads the body of a stanza: its last line is shorter than the others, if need be by being empty.
fn read_body(lines: &mut Lines<'_, impl BufRead>) -> Result<Vec<u8>, AgeError> {
    let mut text = Vec::new();
    loop {
        let line = lines.next()?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        text.extend_from_slice(line);
        if line.len() < COLUMNS {
            break;
        }
        if line.len() > COLUMNS {
            return broken("a line of a stanza's body is longer than 64 characters");
        }
    }
    match BASE64_NOPAD.decode(&text) {
        Ok(body) => Ok(body),
        Err(_) => broken("the body of a stanza is not canonical base64 or lacks its last line"),
    }
}

fn read_mac(rest: &[u8]) -> Result<[u8; MAC_BYTES], AgeError> {
    let mac = rest
        .strip_prefix(b" ")
        .and_then(|rest| rest.strip_suffix(b"\n"))
        .and_then(|mac| BASE64_NOPAD.decode(mac).ok())
        .and_then(|mac| mac.try_into().ok());
    mac.map_or_else(|| broken("its last line is not a MAC"), Ok)
}

/// Writes a header up to and with the `---`: what its MAC covers.
pub(super) fn write<'a>(stanzas: impl IntoIterator<Item = &'a Stanza>) -> Vec<u8> {
    let mut text = VERSION_LINE.to_vec();
    for stanza in stanzas {
        text.extend_from_slice(STANZA_START);
        text.extend_from_slice(stanza.tag.as_bytes());
        for argument in &stanza.args {
            text.push(b' ');
            text.extend_from_slice(argument.as_bytes());
        }
        text.push(b'\n');
        let body = BASE64_NOPAD.encode(&stanza.body);
        for line in body.as_bytes().chunks(COLUMNS) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        if body.len().is_multiple_of(COLUMNS) {
            text.push(b'\n');
        }
    }
    text.extend_from_slice(END_START);
    text
}

/// Writes the MAC behind it.
pub(super) fn finish(mut text: Vec<u8>, mac: &[u8]) -> Vec<u8> {
    text.push(b' ');
    text.extend_from_slice(BASE64_NOPAD.encode(mac).as_bytes());
    text.push(b'\n');
    text
}
