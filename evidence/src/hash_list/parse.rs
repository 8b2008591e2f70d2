//! Reads the lists that other bodies hand out.
//!
//! Holds the recognition of a list's format and one reader a format: plain lines, CSV with a
//! header, JSON. May read the list. Bytes from outside: lines and texts are bounded, nothing is
//! held but one of them, and what can't be read is named by its line.

use super::{Algorithm, HashListError};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line, or text in JSON, that is read.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Takes the digests of a list.
pub(super) type Take<'a> = &'a mut dyn FnMut(Algorithm, &[u8]) -> Result<(), HashListError>;

/// A digest of any of the algorithms.
#[derive(Clone, Copy)]
struct AnyDigest {
    algorithm: Algorithm,
    bytes: [u8; 32],
}

impl AnyDigest {
    /// Reads hexadecimal digits in either case; their number says the algorithm.
    fn from_hex(text: &[u8]) -> Option<Self> {
        let algorithm = Algorithm::ALL.into_iter().find(|one| one.digest_bytes() * 2 == text.len())?;
        let mut bytes = [0; 32];
        let space = bytes.get_mut(..algorithm.digest_bytes())?;
        HEXLOWER_PERMISSIVE.decode_mut(text, space).ok()?;
        Some(Self { algorithm, bytes })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.algorithm.digest_bytes()).unwrap_or_default()
    }
}

/// What was read beside the digests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ListRead {
    /// Digests that were taken.
    pub(super) digests: u64,
    /// Entries of a CSV or JSON list that hold none.
    pub(super) without_digest: u64,
}

/// Reads a whole list to its end and hands out its digests; of several of one entry, the strongest.
pub(super) fn read_list(
    input: &mut dyn BufRead,
    list: &str,
    take: Take<'_>,
) -> Result<ListRead, HashListError> {
    let failed = |source| HashListError::Read { list: list.to_owned(), source };
    let head = input.fill_buf().map_err(failed)?;
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(line_error(list, 1, "it is UTF-16; convert the list to UTF-8"));
    }
    if head.starts_with(&[0xef, 0xbb, 0xbf]) {
        input.consume(3);
    }
    let head = input.fill_buf().map_err(failed)?;
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace());
    let read = if first.is_some_and(|byte| matches!(byte, b'{' | b'[')) {
        read_json(input, list, take)?
    } else {
        read_lines(input, list, take)?
    };
    if read.digests == 0 {
        return Err(HashListError::Empty { list: list.to_owned() });
    }
    Ok(read)
}

fn line_error(list: &str, line: u64, what: impl Into<String>) -> HashListError {
    HashListError::Line { list: list.to_owned(), line, what: what.into() }
}

/// What the lines are.
enum Form {
    Unknown,
    Plain,
    Csv(Columns),
}

fn read_lines(input: &mut dyn BufRead, list: &str, take: Take<'_>) -> Result<ListRead, HashListError> {
    let mut read = ListRead::default();
    let mut form = Form::Unknown;
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        let mut bounded = (&mut *input).take(MAX_LINE_BYTES as u64 + 1);
        bounded
            .read_until(b'\n', &mut line)
            .map_err(|source| HashListError::Read { list: list.to_owned(), source })?;
        if line.is_empty() {
            return Ok(read);
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(line_error(list, number, format!("it is longer than {MAX_LINE_BYTES} bytes")));
        }
        // A column at the end of a line may be empty: only the line's end is taken off.
        let row = line.strip_suffix(b"\n").unwrap_or(&line);
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let text = row.trim_ascii();
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        if let Form::Unknown = form {
            match Columns::from_header(row).filter(|_| plain_digest(text).is_none()) {
                Some(columns) => {
                    form = Form::Csv(columns);
                    continue;
                }
                None => form = Form::Plain,
            }
        }
        let digest = match &form {
            Form::Csv(columns) => columns.digest(row).map_err(|what| line_error(list, number, what))?,
            Form::Plain | Form::Unknown => Some(plain_digest(text).ok_or_else(|| {
                let what = if read.digests == 0 {
                    "it is neither a digest (64, 40 or 32 hexadecimal digits) nor a CSV header with a column \
                     SHA-256, SHA-1 or MD5"
                } else {
                    "a digest is expected: 64 hexadecimal digits for SHA-256, 40 for SHA-1, 32 for MD5, alone \
                     or followed by a blank and a name"
                };
                line_error(list, number, what)
            })?),
        };
        match digest {
            Some(digest) => {
                take(digest.algorithm, digest.bytes())?;
                read.digests += 1;
            }
            None => read.without_digest += 1,
        }
    }
}

/// A line of `sha256sum` or `md5sum`, of their `--tag` form, or a digest alone.
fn plain_digest(text: &[u8]) -> Option<AnyDigest> {
    for (name, algorithm) in
        [("SHA256 (", Algorithm::Sha256), ("SHA1 (", Algorithm::Sha1), ("MD5 (", Algorithm::Md5)]
    {
        if text.strip_prefix(b"\\").unwrap_or(text).starts_with(name.as_bytes()) {
            let place = text.windows(4).rposition(|four| four == b") = ")?;
            return AnyDigest::from_hex(text.get(place + 4..)?).filter(|found| found.algorithm == algorithm);
        }
    }
    // `sha256sum` marks an escaped name by a backslash before the digest.
    let text = text.strip_prefix(b"\\").unwrap_or(text);
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    AnyDigest::from_hex(text.get(..end)?)
}

/// The columns of a CSV that hold digests.
struct Columns {
    separator: u8,
    /// By algorithm, the strongest first.
    places: [Option<usize>; 3],
    count: usize,
}

impl Columns {
    /// Reads a header; `None` if no column of it is a digest.
    fn from_header(line: &[u8]) -> Option<Self> {
        [b',', b';', b'\t'].into_iter().find_map(|separator| {
            let mut places = [None; 3];
            let mut count = 0;
            let mut fields = Fields { rest: Some(line), separator };
            while let Some(field) = fields.next_field().ok()? {
                if let Some(place) = algorithm_named(&String::from_utf8_lossy(field))
                    .and_then(|algorithm| places.get_mut(algorithm.place()))
                {
                    *place = Some(count);
                }
                count += 1;
            }
            // A single column without separators is one too, if it is named so.
            places.iter().any(Option::is_some).then_some(Self { separator, places, count })
        })
    }

    /// The strongest digest of a line.
    fn digest(&self, line: &[u8]) -> Result<Option<AnyDigest>, String> {
        let mut found: [Option<&[u8]>; 3] = [None; 3];
        let mut count = 0;
        let mut fields = Fields { rest: Some(line), separator: self.separator };
        while let Some(field) = fields.next_field()? {
            for (place, slot) in self.places.iter().zip(&mut found) {
                if *place == Some(count) && !field.is_empty() {
                    *slot = Some(field);
                }
            }
            count += 1;
        }
        if count != self.count {
            return Err(format!("it has {count} columns, and the header has {}", self.count));
        }
        for (algorithm, field) in Algorithm::ALL.into_iter().zip(found) {
            if let Some(field) = field {
                let digest = AnyDigest::from_hex(field).filter(|digest| digest.algorithm == algorithm);
                return digest.map(Some).ok_or_else(|| wrong_digest(algorithm));
            }
        }
        Ok(None)
    }
}

fn wrong_digest(algorithm: Algorithm) -> String {
    format!("its {} is not {} hexadecimal digits", algorithm.as_str(), algorithm.digest_bytes() * 2)
}

/// The algorithm that a column or member is named after.
fn algorithm_named(name: &str) -> Option<Algorithm> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let algorithm = match plain.to_ascii_lowercase().as_str() {
        "sha256" | "sha256hash" | "hashsha256" => Algorithm::Sha256,
        "sha1" | "sha1hash" | "hashsha1" => Algorithm::Sha1,
        "md5" | "md5hash" | "hashmd5" => Algorithm::Md5,
        _ => return None,
    };
    Some(algorithm)
}

/// The fields of one line, quoted or not.
struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Fields<'a> {
    /// The next field without its quotes; doubled quotes in it stay doubled, for no digest has any.
    fn next_field(&mut self) -> Result<Option<&'a [u8]>, String> {
        let Some(rest) = self.rest else {
            return Ok(None);
        };
        let Some(quoted) = rest.strip_prefix(b"\"") else {
            let end = rest.iter().position(|byte| *byte == self.separator);
            self.rest = end.and_then(|end| rest.get(end + 1..));
            let field = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            return Ok(Some(field.trim_ascii()));
        };
        let mut at = 0;
        loop {
            let tail = quoted.get(at..).unwrap_or_default();
            let Some(quote) = tail.iter().position(|byte| *byte == b'"') else {
                return Err("a quoted column does not end on its line".to_owned());
            };
            at += quote;
            match quoted.get(at + 1) {
                Some(b'"') => at += 2,
                None => {
                    self.rest = None;
                    break;
                }
                Some(byte) if *byte == self.separator => {
                    self.rest = quoted.get(at + 2..);
                    break;
                }
                Some(_) => return Err("something stands between a quote and the next column".to_owned()),
            }
        }
        Ok(Some(quoted.get(..at).unwrap_or_default().trim_ascii()))
    }
}

/// Reads JSON after Project VIC: `{"value":[{"MD5":"…","SHA1":"…",…},…]}`, or the array alone.
fn read_json(input: &mut dyn BufRead, list: &str, take: Take<'_>) -> Result<ListRead, HashListError> {
    let mut taking = Taking { take, read: ListRead::default(), failure: None };
    let lines = Cell::new(1);
    let bounded = BoundedTexts { inner: input, inside: false, escaped: false, length: 0, lines: &lines };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(bounded));
    let result = json.deserialize_any(Top(&mut taking)).and_then(|()| json.end());
    if let Some(failure) = taking.failure {
        return Err(failure);
    }
    let read = taking.read;
    result.map_err(|error| match error.io_error_kind() {
        Some(io::ErrorKind::InvalidData) => line_error(list, lines.get(), error.to_string()),
        Some(_) => HashListError::Read { list: list.to_owned(), source: error.into() },
        None => line_error(list, error.line() as u64, error.to_string()),
    })?;
    Ok(read)
}

/// Where the readers of JSON put what they find.
struct Taking<'a> {
    take: Take<'a>,
    read: ListRead,
    failure: Option<HashListError>,
}

/// The whole: an object with `value`, or an array.
struct Top<'a, 'b>(&'a mut Taking<'b>);

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member `value`, or an array of media")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name.eq_ignore_ascii_case("value") || name.eq_ignore_ascii_case("media") {
                map.next_value_seed(Items(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        Items(self.0).visit_seq(seq)
    }
}

/// The array of media.
struct Items<'a, 'b>(&'a mut Taking<'b>);

impl<'de> serde::de::DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of media")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Item(&mut *self.0))?.is_some() {}
        Ok(())
    }
}

/// One of the media.
struct Item<'a, 'b>(&'a mut Taking<'b>);

impl<'de> serde::de::DeserializeSeed<'de> for Item<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Item<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a member SHA256, SHA1 or MD5")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut best: Option<AnyDigest> = None;
        while let Some(name) = map.next_key::<String>()? {
            let Some(algorithm) = algorithm_named(&name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let Some(text) = map.next_value::<Option<String>>()?.filter(|text| !text.is_empty()) else {
                continue;
            };
            let digest = AnyDigest::from_hex(text.as_bytes()).filter(|digest| digest.algorithm == algorithm);
            let digest = digest.ok_or_else(|| A::Error::custom(wrong_digest(algorithm)))?;
            if best.is_none_or(|best| digest.algorithm < best.algorithm) {
                best = Some(digest);
            }
        }
        match best {
            Some(digest) => {
                (self.0.take)(digest.algorithm, digest.bytes()).map_err(|failure| {
                    self.0.failure = Some(failure);
                    A::Error::custom("the digest was not taken")
                })?;
                self.0.read.digests += 1;
            }
            None => self.0.read.without_digest += 1,
        }
        Ok(())
    }
}

/// Passes JSON on, but no text in it that is longer than a line may be: the reader behind would hold it whole.
struct BoundedTexts<'a> {
    inner: &'a mut dyn BufRead,
    inside: bool,
    escaped: bool,
    length: usize,
    /// The line that is read, from 1.
    lines: &'a Cell<u64>,
}

impl Read for BoundedTexts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for byte in buffer.get(..count).unwrap_or_default() {
            if *byte == b'\n' {
                self.lines.set(self.lines.get() + 1);
            }
            if !self.inside {
                self.inside = *byte == b'"';
                self.length = 0;
                continue;
            }
            self.length += 1;
            if self.length > MAX_LINE_BYTES {
                let what = format!("a text in it is longer than {MAX_LINE_BYTES} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            match *byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.inside = false,
                _ => {}
            }
        }
        Ok(count)
    }
}
