//! Names that every system can hold.
//!
//! Holds the writing of raw names so that Windows and its file systems take them, and the list that
//! says which names were changed. Calls nothing. The same folder always gets the same names.

use crate::files_list::{ListedEntry, ListedType, push_escaped};
use rogatory_core::Digest;
use std::collections::HashSet;

/// The list beside the opened exhibits that says which names were changed.
pub(crate) const REAL_NAMES_NAME: &str = "real-names.txt";

/// The longest name, in UTF-16 units and in bytes.
const MAX_NAME: usize = 255;
/// What is kept of a name that is too long.
const KEPT_BYTES: usize = 180;
/// The most names that are held at a time, of all folders from the top down to the one at hand; they take nine bytes
/// each and as much room again.
const MAX_HELD_NAMES: usize = 3_500_000;

/// More names in a folder than can be told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "the folders that lead to it hold more than {0} names, too many to make portable: open it without portable names"
)]
pub(crate) struct TooManyNames(usize);

/// Names that Windows keeps for devices, with or without an extension.
const DEVICES: [&str; 30] = [
    "CON",
    "PRN",
    "AUX",
    "NUL",
    "CONIN$",
    "CONOUT$",
    "COM1",
    "COM2",
    "COM3",
    "COM4",
    "COM5",
    "COM6",
    "COM7",
    "COM8",
    "COM9",
    "COM\u{b9}",
    "COM\u{b2}",
    "COM\u{b3}",
    "LPT1",
    "LPT2",
    "LPT3",
    "LPT4",
    "LPT5",
    "LPT6",
    "LPT7",
    "LPT8",
    "LPT9",
    "LPT\u{b9}",
    "LPT\u{b2}",
    "LPT\u{b3}",
];

/// The names in one folder, so that no two differ by case alone.
#[derive(Default)]
struct Used(HashSet<u64>);

impl Used {
    /// A name for `raw` that nothing else in the folder has.
    fn name(&mut self, raw: &[u8]) -> String {
        let mut name = portable_name(raw);
        let mut count = 2;
        while !self.0.insert(folded(&name)) {
            let suffix = format!("%~{count}");
            let mut plain = portable_name(raw);
            if !fits(&plain, suffix.len()) {
                plain = shortened(&plain, raw);
            }
            name = plain + &suffix;
            count += 1;
        }
        name
    }
}

/// A name as file systems that ignore case compare it, as a number. Should two different names have
/// the same one, the later gets a number it would not have needed.
fn folded(name: &str) -> u64 {
    let upper: String = name
        .chars()
        .map(|symbol| {
            let mut upper = symbol.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => symbol,
            }
        })
        .collect();
    let digest = Digest::of(upper.as_bytes());
    digest.as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn fits(name: &str, more: usize) -> bool {
    name.len() + more <= MAX_NAME
}

/// The name for `raw`, alone in its folder: forbidden characters, bytes that are no UTF-8 and `%` are
/// written `%XX`, byte by byte; likewise a dot or blank at the end, and the first byte of a device.
pub(crate) fn portable_name(raw: &[u8]) -> String {
    let mut name = String::with_capacity(raw.len());
    let escape = |name: &mut String, bytes: &[u8]| {
        for byte in bytes {
            name.push_str(&format!("%{byte:02X}"));
        }
    };
    for chunk in raw.utf8_chunks() {
        for symbol in chunk.valid().chars() {
            if symbol.is_control()
                || matches!(symbol, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' | '%')
            {
                escape(&mut name, symbol.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                name.push(symbol);
            }
        }
        escape(&mut name, chunk.invalid());
    }
    if let Some(last) = name.pop_if_any(&['.', ' ']) {
        escape(&mut name, &[last as u8]);
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let is_device = DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem));
    if is_device && let Some(first) = raw.first() {
        let rest = name.split_off(1);
        name.clear();
        escape(&mut name, &[*first]);
        name.push_str(&rest);
    }
    if fits(&name, 0) { name } else { shortened(&name, raw) }
}

trait PopIfAny {
    fn pop_if_any(&mut self, any: &[char]) -> Option<char>;
}

impl PopIfAny for String {
    fn pop_if_any(&mut self, any: &[char]) -> Option<char> {
        if self.ends_with(any) { self.pop() } else { None }
    }
}

/// The beginning of a name, `%~`, and the first 16 digits of the digest of the real one.
fn shortened(name: &str, raw: &[u8]) -> String {
    let mut end = KEPT_BYTES.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let mut kept = name.get(..end).unwrap_or_default().to_owned();
    // Not in the middle of an escaped byte.
    if let Some(at) = kept.rfind('%')
        && at + 3 > kept.len()
    {
        kept.truncate(at);
    }
    let digest = Digest::of(raw).to_hex();
    format!("{kept}%~{}", digest.get(..16).unwrap_or_default())
}

/// The names of an exhibit's entries, which come as in its list: parents first.
pub(crate) struct PortablePaths {
    /// For each folder that is open: the lengths of its real and its portable path, slashes
    /// included, and the names in it.
    open: Vec<(usize, usize, Used)>,
    real: Vec<u8>,
    portable: Vec<u8>,
    /// How many more names may be held.
    room: usize,
}

impl PortablePaths {
    pub(crate) fn new() -> Self {
        Self {
            open: vec![(0, 0, Used::default())],
            real: Vec::new(),
            portable: Vec::new(),
            room: MAX_HELD_NAMES,
        }
    }

    /// The portable path of the next entry, and where its last segment begins.
    ///
    /// # Errors
    /// If more names would have to be held than may be.
    pub(crate) fn next(&mut self, real: &[u8], is_folder: bool) -> Result<(&[u8], usize), TooManyNames> {
        while self.open.len() > 1
            && self.open.last().is_some_and(|(length, ..)| self.real.get(..*length) != real.get(..*length))
        {
            self.room += self.open.pop().map_or(0, |(_, _, used)| used.0.len());
        }
        self.room = self.room.checked_sub(1).ok_or(TooManyNames(MAX_HELD_NAMES))?;
        let Some((real_bytes, portable_bytes, used)) = self.open.last_mut() else {
            return Ok((&[], 0)); // the first one is never closed
        };
        let begin = *portable_bytes;
        self.portable.truncate(begin);
        let name = used.name(real.get(*real_bytes..).unwrap_or_default());
        self.portable.extend_from_slice(name.as_bytes());
        let end = self.portable.len();
        if is_folder {
            self.real.clear();
            self.real.extend_from_slice(real);
            self.real.push(b'/');
            self.portable.push(b'/');
            self.open.push((self.real.len(), self.portable.len(), Used::default()));
        }
        Ok((self.portable.get(..end).unwrap_or_default(), begin))
    }
}

/// How an opened exhibit and what is in it are named on the disk.
pub(crate) struct Naming {
    /// The exhibit's folder: `EX-0001/`.
    number: Vec<u8>,
    real: Vec<u8>,
    disk: Vec<u8>,
    paths: Option<PortablePaths>,
}

impl Naming {
    pub(crate) fn new(number: &str, real: &[u8], portable: bool) -> Self {
        let disk = if portable { portable_name(real).into_bytes() } else { real.to_vec() };
        Self {
            number: [number.as_bytes(), b"/"].concat(),
            real: real.to_vec(),
            disk,
            paths: portable.then(PortablePaths::new),
        }
    }

    /// The exhibit's own name on the disk.
    pub(crate) fn name(&self) -> &[u8] {
        &self.disk
    }

    /// The name of its tar.
    pub(crate) fn tar_name(&self) -> Vec<u8> {
        let real = [self.real.as_slice(), b".tar"].concat();
        if self.paths.is_some() { portable_name(&real).into_bytes() } else { real }
    }

    /// A path in `manifest-sha256.txt`: something beside the exhibit, by its name.
    pub(crate) fn beside(&self, name: &[u8]) -> Vec<u8> {
        [self.number.as_slice(), name].concat()
    }

    /// A path in `manifest-sha256.txt`: something in the exhibit.
    pub(crate) fn within(&self, path: &[u8]) -> Vec<u8> {
        [self.number.as_slice(), &self.disk, b"/", path].concat()
    }

    /// The line in the list of real names for the exhibit itself, if it is another on the disk.
    pub(crate) fn own_line(&self) -> Option<Vec<u8>> {
        (self.disk != self.real).then(|| {
            let mut line = self.number.clone();
            push_escaped(&mut line, &self.real);
            line.push(b' ');
            line.extend_from_slice(&self.beside(&self.disk));
            line.push(b'\n');
            line
        })
    }

    /// The next entry of its list: the path on the disk below the exhibit, and the line in the list
    /// of real names if it has one. A link is not made and stands in that list alone.
    ///
    /// # Errors
    /// As [`PortablePaths::next`].
    pub(crate) fn next(&mut self, entry: &ListedEntry) -> Result<(Vec<u8>, Option<Vec<u8>>), TooManyNames> {
        let Some(paths) = &mut self.paths else {
            return Ok((entry.path.clone(), None));
        };
        let (path, begin) = paths.next(&entry.path, entry.listed_type == ListedType::Folder)?;
        let path = path.to_vec();
        let is_link = entry.listed_type == ListedType::Link;
        let name_at = entry.path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        if !is_link && path.get(begin..) == entry.path.get(name_at..) {
            return Ok((path, None));
        }
        let mut line = self.number.clone();
        push_escaped(&mut line, &self.real);
        line.push(b'/');
        push_escaped(&mut line, &entry.path);
        line.push(b' ');
        if is_link {
            line.extend_from_slice(b"-");
        } else {
            line.extend_from_slice(&self.within(&path));
        }
        line.push(b'\n');
        Ok((path, Some(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way back, for names that were not shortened.
    fn original(name: &str) -> Option<Vec<u8>> {
        let name = match name.rsplit_once("%~") {
            Some((_, digits)) if digits.len() == 16 => return None,
            Some((name, _)) => name,
            None => name,
        };
        let mut bytes = Vec::new();
        let mut rest = name.as_bytes();
        while let [byte, after @ ..] = rest {
            rest = after;
            if *byte == b'%' {
                let digits = std::str::from_utf8(&rest[..2]).expect("digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("digits"));
                rest = &rest[2..];
            } else {
                bytes.push(*byte);
            }
        }
        Some(bytes)
    }

    #[test]
    fn names_that_windows_forbids_are_written_otherwise_and_lead_back() {
        for (raw, name) in [
            (&b"CON"[..], "%43ON"),
            (b"con.txt", "%63on.txt"),
            (b"Lpt1 .x.y", "%4Cpt1 .x.y"),
            ("com\u{b9}".as_bytes(), "%63om\u{b9}"),
            (b"conin$", "%63onin$"),
            (b"console", "console"),
            (b"COM0", "COM0"),
            (b"a:b", "a%3Ab"),
            (b"end.", "end%2E"),
            (b"end..", "end.%2E"),
            (b"end ", "end%20"),
            (b" begin", " begin"),
            (b"...", "..%2E"),
            (b"<>|?*\"\\", "%3C%3E%7C%3F%2A%22%5C"),
            (b"100%", "100%25"),
            (b"%41", "%2541"),
            (b"a\x01\x7f\nb", "a%01%7F%0Ab"),
            ("\u{85}".as_bytes(), "%C2%85"),
            (b"raw\xff\xfe", "raw%FF%FE"),
            ("дело №5.txt".as_bytes(), "дело №5.txt"),
        ] {
            assert_eq!(portable_name(raw), name);
            assert_eq!(original(name).as_deref(), Some(raw), "{name}");
        }
    }

    #[test]
    fn names_that_are_too_long_are_cut_between_characters_and_escapes() {
        for raw in [vec![b':'; 255], vec![b'a'; 255], "\u{44f}".repeat(127).into_bytes(), vec![0xff; 200]] {
            let name = portable_name(&raw);
            assert!(name.len() <= 255 && name.encode_utf16().count() <= 255, "{name}");
            match original(&name) {
                Some(back) => assert_eq!(back, raw),
                None => assert!(name.contains(&Digest::of(&raw).to_hex()[..16]), "{name}"),
            }
        }
        assert_ne!(portable_name(&[b':'; 255]), portable_name(&[b':'; 254]));
    }

    #[test]
    fn names_that_differ_by_case_alone_get_numbers_in_each_folder_anew() {
        let mut paths = PortablePaths::new();
        let mut of = |path: &str, is_folder| {
            let (path, _) = paths.next(path.as_bytes(), is_folder).expect("few");
            String::from_utf8(path.to_vec()).expect("text")
        };
        assert_eq!(of("A", true), "A");
        assert_eq!(of("A/x", false), "A/x");
        assert_eq!(of("B.TXT", false), "B.TXT");
        assert_eq!(of("a", true), "a%~2");
        assert_eq!(of("a/CON", true), "a%~2/%43ON");
        assert_eq!(of("a/CON/x", false), "a%~2/%43ON/x");
        assert_eq!(of("a/x", false), "a%~2/x");
        assert_eq!(of("b.TXT", false), "b.TXT%~2");
        assert_eq!(of("b.txt", false), "b.txt%~3");
        assert_eq!(of("É", false), "É");
        assert_eq!(of("é", false), "é%~2");
    }

    #[test]
    fn no_more_names_are_held_than_may_be() {
        let mut paths = PortablePaths { room: 5, ..PortablePaths::new() };
        for (path, is_folder) in [("a", true), ("a/1", false), ("a/2", false), ("a/3", false)] {
            assert!(paths.next(path.as_bytes(), is_folder).is_ok());
        }
        // Those of a folder that was left count no more.
        assert!(paths.next(b"b", true).is_ok());
        for path in ["b/1", "b/2", "b/3"] {
            assert!(paths.next(path.as_bytes(), false).is_ok());
        }
        let error = paths.next(b"b/4", false).expect_err("too many").to_string();
        assert!(error.contains("open it without portable names"), "{error}");
    }
}
