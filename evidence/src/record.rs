//! The record of one exhibit, in the encrypted index.
//!
//! Holds `records/EX-0001.json`: the real name as raw bytes, times, mode, size and digest, with a
//! salt, so that a digest of the record tells nothing about a guessed name. Calls the JSON reader.
//! Never leaves the encrypted index but for the eyes of a recipient.

use crate::acquisition::Acquisition;
use crate::attributes::is_attribute_name;
use crate::canonical::{CanonicalError, Salt, from_canonical, to_canonical};
use crate::exhibit::ExhibitNumber;
use crate::sensitive::Sensitive;
use data_encoding::BASE64;
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::Metadata;

/// The longest record that is read.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The longest real name of an exhibit, in bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// The longest path that a record or a folder's list may hold, in bytes.
pub const MAX_PATH_BYTES: usize = 8 * 1024;

/// A file name or path as the raw bytes it had, with a reading for human eyes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawName {
    bytes: Box<[u8]>,
    /// How the bytes are shown, if it is not they themselves: a package may have very many names.
    shown: Option<Box<str>>,
}

/// A name as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenName<'a> {
    /// The bytes in padded base64.
    base64: Cow<'a, str>,
    /// The bytes read as UTF-8; what can't be read or printed is shown as U+FFFD.
    display: Cow<'a, str>,
}

impl Serialize for RawName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let base64 = BASE64.encode(&self.bytes).into();
        WrittenName { base64, display: self.display().into() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WrittenName { base64, display } = WrittenName::deserialize(deserializer)?;
        let bytes = BASE64.decode(base64.as_bytes());
        let bytes = bytes.map_err(|_| serde::de::Error::custom("a name's bytes are not in padded base64"))?;
        // What it says is kept, even if it is not how these bytes are shown: that is judged later.
        let shown = (display.as_bytes() != bytes).then(|| display.into());
        Ok(Self { bytes: bytes.into(), shown })
    }
}

impl RawName {
    /// Takes raw bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let display = display(bytes);
        Self { bytes: bytes.into(), shown: (display.as_bytes() != bytes).then(|| display.into()) }
    }

    /// The raw bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The name for human eyes.
    #[must_use]
    pub fn display(&self) -> &str {
        match &self.shown {
            Some(shown) => shown,
            // Text, since it is shown as itself.
            None => std::str::from_utf8(&self.bytes).unwrap_or_default(),
        }
    }

    fn is_canonical(&self) -> bool {
        *self == Self::new(self.bytes())
    }
}

/// Raw bytes for human eyes: control characters and what is no UTF-8 become U+FFFD.
#[must_use]
pub fn display(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|symbol| if symbol.is_control() { '\u{FFFD}' } else { symbol })
        .collect()
}

/// Whether `name` can be one segment of a path: not empty, not `.` or `..`, no `/`, no NUL.
#[must_use]
pub fn is_file_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name != b"."
        && name != b".."
        && !name.iter().any(|byte| *byte == b'/' || *byte == 0)
}

/// Whether `path` is relative, stays below its start and has no empty segment.
#[must_use]
pub fn is_relative_path(path: &[u8]) -> bool {
    path.len() <= MAX_PATH_BYTES && path.split(|byte| *byte == b'/').all(is_file_name)
}

/// An instant as file systems hold it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTime {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// The rest, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Whether an exhibit is one file or a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExhibitType {
    /// One file, as it is.
    File,
    /// A folder, as a deterministic tar.
    Folder,
}

/// The content of `records/EX-0001.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 1.
    pub format: u32,
    /// 1.
    pub profile: u32,
    /// Which exhibit.
    pub exhibit: ExhibitNumber,
    /// File or folder.
    #[serde(rename = "type")]
    pub exhibit_type: ExhibitType,
    /// The real name of the file or folder.
    pub name: RawName,
    /// If every file of a folder became an exhibit: its path, beginning with the name of the folder that was named.
    pub path: Option<RawName>,
    /// The size of what is encrypted: of the file, or of the tar.
    pub size_bytes: u64,
    /// The digest of what is encrypted; also in `exhibits-sha256.txt`.
    pub sha256: Digest,
    /// For a folder: how many files, folders and links it holds.
    pub entries: Option<u64>,
    /// Permission bits; written as octal text, `"0644"`.
    #[serde(with = "octal")]
    pub mode: Option<u32>,
    /// When the content was last changed.
    pub modified_time: Option<FileTime>,
    /// When content or attributes were last changed.
    pub changed_time: Option<FileTime>,
    /// When the file system made it.
    pub birth_time: Option<FileTime>,
    /// Its own extended attributes, rising by the bytes of their names; null if it has none.
    pub extended_attributes: Option<Vec<ExtendedAttribute>>,
    /// Why it must not be shown by accident; none if nobody flagged it and no list holds it.
    pub sensitive: Option<Sensitive>,
    /// How it came to be, as the producer states it.
    pub acquisition: Option<Acquisition>,
    /// Keeps the record from being guessed by its digest.
    pub salt: Salt,
}

/// One extended attribute of an exhibit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtendedAttribute {
    /// Its name, with the name space: `user.origin`.
    pub name: RawName,
    /// Its value in padded base64; null if it was there but too large for the record, or unreadable.
    pub value: Option<String>,
}

/// What the record has room for, of names and values in base64.
const MAX_ATTRIBUTES_BYTES: usize = 16 * 1024;

/// What an exhibit's record holds of its extended attributes.
pub(crate) struct OwnAttributes {
    pub(crate) member: Option<Vec<ExtendedAttribute>>,
    /// The names of those without value, or without place.
    pub(crate) left_out: Vec<Vec<u8>>,
}

impl OwnAttributes {
    /// Takes values as long as there is room, in the order of the names.
    pub(crate) fn of(found: crate::attributes::Found) -> Self {
        let mut all: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            found.attributes.into_iter().map(|(name, value)| (name, Some(value))).collect();
        all.extend(found.unread.into_iter().map(|name| (name, None)));
        all.sort();
        let mut room = MAX_ATTRIBUTES_BYTES;
        let mut own = Self { member: None, left_out: Vec::new() };
        for (name, value) in all {
            let value = value.map(|value| BASE64.encode(&value));
            // The name in base64, what is shown of it, and what stands around it.
            let Some(left) = room.checked_sub(64 + 8 * name.len()) else {
                own.left_out.push(name);
                continue;
            };
            room = left;
            let value = value.filter(|value| value.len() <= room);
            match &value {
                Some(value) => room -= value.len(),
                None => own.left_out.push(name.clone()),
            }
            let attribute = ExtendedAttribute { name: RawName::new(&name), value };
            own.member.get_or_insert_default().push(attribute);
        }
        own
    }
}

/// Writes a mode as people know it.
mod octal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(mode: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        mode.map(|mode| format!("{mode:04o}")).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| u32::from_str_radix(&text, 8).map_err(serde::de::Error::custom);
        text.map(read).transpose()
    }
}

impl Record {
    /// Writes the canonical form.
    ///
    /// # Errors
    /// [`CanonicalError`] if a rule is broken.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        self.check()?;
        let bytes = to_canonical(self)?;
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(CanonicalError::Rule("the record is longer than 64 KiB".to_owned()));
        }
        Ok(bytes)
    }

    /// Reads the canonical form and checks the rules.
    ///
    /// # Errors
    /// [`CanonicalError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let record: Self = from_canonical(bytes, MAX_RECORD_BYTES)?;
        record.check()?;
        Ok(record)
    }

    /// Names and values of the extended attributes that it holds.
    pub(crate) fn attributes_with_values(&self) -> crate::attributes::ExtendedAttributes {
        let all = self.extended_attributes.iter().flatten();
        all.filter_map(|attribute| {
            let value = BASE64.decode(attribute.value.as_ref()?.as_bytes()).ok()?;
            Some((attribute.name.bytes().to_vec(), value))
        })
        .collect()
    }

    /// The names of those of which it holds nothing more.
    pub(crate) fn attributes_left_out(&self) -> Vec<Vec<u8>> {
        let all = self.extended_attributes.iter().flatten();
        all.filter(|attribute| attribute.value.is_none())
            .map(|attribute| attribute.name.bytes().to_vec())
            .collect()
    }

    fn check_attributes(&self) -> bool {
        let Some(attributes) = &self.extended_attributes else {
            return true;
        };
        let names: Vec<&[u8]> = attributes.iter().map(|attribute| attribute.name.bytes()).collect();
        let is_base64 = |text: &String| BASE64.decode(text.as_bytes()).is_ok();
        !attributes.is_empty()
            && attributes.iter().all(|attribute| {
                attribute.name.is_canonical() && attribute.value.as_ref().is_none_or(is_base64)
            })
            && names.iter().all(|name| is_attribute_name(name))
            && names.is_sorted_by(|a, b| a < b)
    }

    fn check(&self) -> Result<(), CanonicalError> {
        let broken = |text: &str| Err(CanonicalError::Rule(text.to_owned()));
        if self.format != 1 || self.profile != 1 {
            return broken("the record has another format or profile than 1");
        }
        if !self.name.is_canonical() || !is_file_name(self.name.bytes()) {
            return broken("the record's name is not one file name");
        }
        if let Some(path) = &self.path
            && !(path.is_canonical() && is_relative_path(path.bytes()))
        {
            return broken("the record's path is not a path below a folder");
        }
        if let Some(path) = &self.path
            && (self.exhibit_type == ExhibitType::Folder
                || !path.bytes().ends_with(&[b"/", self.name.bytes()].concat()))
        {
            return broken("the record's path is not that of a file of this name in a folder");
        }
        if (self.exhibit_type == ExhibitType::Folder) != self.entries.is_some() {
            return broken("a number of entries stands exactly in the record of a folder");
        }
        if self.mode.is_some_and(|mode| mode > 0o7777) {
            return broken("the record's mode is more than permission bits");
        }
        if let Some(sensitive) = &self.sensitive {
            sensitive.check(self.exhibit_type)?;
            let lines = self.entries.unwrap_or(u64::MAX);
            if sensitive.matches > lines || sensitive.entries.last().is_some_and(|line| *line > lines) {
                return broken("the record says that more entries are sensitive than the folder has");
            }
        }
        let times = [self.modified_time, self.changed_time, self.birth_time];
        if times.into_iter().flatten().any(|time| time.nanoseconds > 999_999_999) {
            return broken("a time in the record has a second or more of nanoseconds");
        }
        if !self.check_attributes() {
            return broken("the record's extended attributes are empty, out of order, or not in base64");
        }
        if let Some(acquisition) = &self.acquisition {
            let is_folder = self.exhibit_type == ExhibitType::Folder;
            let checked =
                acquisition.check().and_then(|()| acquisition.check_against(&self.sha256, is_folder));
            checked.map_err(CanonicalError::Rule)?;
        }
        Ok(())
    }
}

/// What the file system says of a file: mode, and the three times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attributes {
    pub(crate) mode: Option<u32>,
    pub(crate) modified: Option<FileTime>,
    pub(crate) changed: Option<FileTime>,
    pub(crate) birth: Option<FileTime>,
}

impl Attributes {
    /// Reads what `metadata` holds; what the system doesn't know is `None`.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let birth = metadata.created().ok().and_then(file_time);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let time = |seconds, nanoseconds: i64| {
                Some(FileTime { seconds, nanoseconds: u32::try_from(nanoseconds).unwrap_or(0) })
            };
            Self {
                mode: Some(metadata.mode() & 0o7777),
                modified: time(metadata.mtime(), metadata.mtime_nsec()),
                changed: time(metadata.ctime(), metadata.ctime_nsec()),
                birth,
            }
        }
        #[cfg(not(unix))]
        {
            let modified = metadata.modified().ok().and_then(file_time);
            Self { mode: None, modified, changed: None, birth }
        }
    }
}

fn file_time(time: std::time::SystemTime) -> Option<FileTime> {
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => Some(FileTime {
            seconds: i64::try_from(after.as_secs()).ok()?,
            nanoseconds: after.subsec_nanos(),
        }),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?.checked_neg()?;
            Some(if before.subsec_nanos() == 0 {
                FileTime { seconds, nanoseconds: 0 }
            } else {
                FileTime { seconds: seconds - 1, nanoseconds: 1_000_000_000 - before.subsec_nanos() }
            })
        }
    }
}

impl FileTime {
    /// The instant for the file system, if it can hold it.
    pub(crate) fn to_system_time(self) -> Option<std::time::SystemTime> {
        let whole = std::time::Duration::from_secs(self.seconds.unsigned_abs());
        let base = if self.seconds < 0 {
            std::time::UNIX_EPOCH.checked_sub(whole)?
        } else {
            std::time::UNIX_EPOCH.checked_add(whole)?
        };
        base.checked_add(std::time::Duration::from_nanos(self.nanoseconds.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_their_folder_are_no_names() {
        for name in [&b""[..], b".", b"..", b"a/b", b"a\0b", &[b'a'; 256]] {
            assert!(!is_file_name(name), "{name:?}");
        }
        for path in [&b"/a"[..], b"a//b", b"../a", b"a/..", b"a/./b", b"a/", b""] {
            assert!(!is_relative_path(path), "{path:?}");
        }
        assert!(is_relative_path("дело/\u{1f600}/x".as_bytes()));
        assert!(is_relative_path(b"\xff\xfe"));
    }

    #[test]
    fn a_name_keeps_its_bytes_and_shows_no_control_characters() {
        let name = RawName::new(b"a\n\xffb");
        assert_eq!(name.bytes(), b"a\n\xffb");
        assert_eq!(name.display(), "a\u{FFFD}\u{FFFD}b");
    }

    #[test]
    fn attributes_without_room_are_named_and_the_others_kept() {
        let found = crate::attributes::Found {
            attributes: vec![
                (b"user.a".to_vec(), vec![1; 8000]),
                (b"user.b".to_vec(), vec![2; 8000]),
                (b"user.c".to_vec(), b"\0".to_vec()),
            ],
            unread: vec![b"trusted.x".to_vec()],
        };
        let own = OwnAttributes::of(found);
        assert_eq!(own.left_out, [b"trusted.x".to_vec(), b"user.b".to_vec()]);
        let member = own.member.expect("some");
        let kept: Vec<bool> = member.iter().map(|attribute| attribute.value.is_some()).collect();
        assert_eq!(kept, [false, true, false, true]);
        let many = (0..9999).map(|number| (format!("user.{number:04}").into_bytes(), Vec::new())).collect();
        let own = OwnAttributes::of(crate::attributes::Found { attributes: many, unread: Vec::new() });
        let bytes = crate::canonical::to_canonical(&own.member).expect("canonical");
        assert!(bytes.len() < 24 * 1024 && own.left_out.len() > 9000, "{}", bytes.len());
    }

    #[test]
    fn instants_before_1970_survive() {
        let time = FileTime { seconds: -2, nanoseconds: 500_000_000 };
        assert_eq!(time.to_system_time().and_then(file_time), Some(time));
    }
}
