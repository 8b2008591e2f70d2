//! Sensitive exhibits: how they are flagged and marked, and what opening them leaves behind.
//!
//! Holds the mark in an exhibit's record, the sealer's flags, and the line that is written before a
//! sensitive exhibit is opened. May append to that log. Never decides that something is harmless:
//! no mark means that nobody flagged it and no list held it.

use crate::canonical::CanonicalError;
use crate::exhibit::ExhibitNumber;
use crate::hash_list::NamedList;
use crate::record::ExhibitType;
use crate::sink::{WriteError, sync_folder};
use crate::transmittal::is_reason;
use rogatory_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The most entries of a folder that a mark names by their line.
pub const MAX_LISTED_ENTRIES: usize = 1_000;
/// The most lists that a mark names.
pub const MAX_LISTED_LISTS: usize = 64;
const MAX_CODE_CHARACTERS: usize = 40;
/// The longest name of a list, in characters.
const MAX_LIST_NAME_CHARACTERS: usize = 120;

/// The text is no reason code.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no reason code: 1 to {MAX_CODE_CHARACTERS} lower-case letters, digits and hyphens are expected, for example abuse-material"
)]
pub struct ReasonCodeError(String);

/// Why an exhibit is sensitive, as a short code: `abuse-material`, `victim-identity`, `privileged` …
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ReasonCode(String);

impl ReasonCode {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReasonCode {
    type Err = ReasonCodeError;

    fn from_str(text: &str) -> Result<Self, ReasonCodeError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let sound = (1..=MAX_CODE_CHARACTERS).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReasonCodeError(text.chars().take(60).filter(|letter| !letter.is_control()).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The mark of a sensitive exhibit, in its record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitive {
    /// The sealer's reason; none if only lists say so.
    pub reason: Option<ReasonCode>,
    /// The lists that hold a content of it, by name and digest; at most 64.
    pub lists: Vec<NamedList>,
    /// How many contents are meant: for a file 1 if it stands in a list; for a folder its entries that stand in one or were flagged themselves.
    pub matches: u64,
    /// For a folder the lines of its list of files that are meant, from 1; at most the first 1,000.
    pub entries: Vec<u64>,
}

impl Sensitive {
    /// The rules of the format.
    pub(crate) fn check(&self, exhibit_type: ExhibitType) -> Result<(), CanonicalError> {
        let broken = |text: &str| Err(CanonicalError::Rule(text.to_owned()));
        if self.reason.is_none() && self.lists.is_empty() {
            return broken("a sensitive record gives neither a reason nor a list");
        }
        let name_fits = |list: &NamedList| {
            (1..=MAX_LIST_NAME_CHARACTERS).contains(&list.name.chars().count())
                && !list.name.chars().any(char::is_control)
        };
        if self.lists.len() > MAX_LISTED_LISTS
            || !self.lists.iter().all(name_fits)
            || !self.lists.is_sorted_by(|one, next| one < next)
        {
            return broken("the lists of a sensitive record are not at most 64 different ones, sorted");
        }
        if !self.lists.is_empty() && self.matches == 0 {
            return broken("a sensitive record names lists and no match");
        }
        let listed = usize::try_from(self.matches).unwrap_or(usize::MAX).min(MAX_LISTED_ENTRIES);
        let counted = match exhibit_type {
            ExhibitType::File => self.matches <= 1 && self.entries.is_empty(),
            ExhibitType::Folder => self.entries.len() == listed,
        };
        let ordered = self.entries.is_sorted_by(|one, next| one < next) && self.entries.first() != Some(&0);
        if !counted || !ordered {
            return broken("the entries of a sensitive record are not the lines of its first matches");
        }
        Ok(())
    }

    /// Why, in one clause for people; no names of entries.
    #[must_use]
    pub fn why(&self) -> String {
        let mut parts: Vec<String> = self.reason.iter().map(ToString::to_string).collect();
        if !self.lists.is_empty() {
            let names: Vec<&str> = self.lists.iter().map(|list| list.name.as_str()).collect();
            parts.push(format!("in hash list {}", names.join(", ")));
        }
        if !self.entries.is_empty() {
            parts.push(format!("{} of its entries", self.matches));
        }
        parts.join("; ")
    }
}

/// A path that the sealer flags, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SensitiveFlag {
    /// An exhibit, or a file or folder inside one.
    pub path: PathBuf,
    /// Why.
    pub reason: ReasonCode,
}

/// What a path that was flagged means for an exhibit.
pub(crate) struct Flagged {
    /// The reason that the record gives.
    pub(crate) reason: Option<ReasonCode>,
    /// What inside the exhibit was flagged: paths below it, raw bytes.
    pub(crate) inside: Vec<Vec<u8>>,
}

/// The flags of a sealing, and which of them were met.
pub(crate) struct Flags {
    flags: Vec<(PathBuf, ReasonCode)>,
}

impl Flags {
    /// Takes the flags; each must lie in what is sealed.
    ///
    /// # Errors
    /// The first path that is not there, or lies in nothing that is sealed.
    pub(crate) fn new<'a>(
        flags: &[SensitiveFlag],
        sealed: impl Iterator<Item = &'a Path> + Clone,
    ) -> Result<Self, String> {
        let sealed: Vec<PathBuf> = if flags.is_empty() { Vec::new() } else { sealed.map(absolute).collect() };
        let mut taken = Vec::new();
        for flag in flags {
            let path = absolute(&flag.path);
            let met = sealed.iter().any(|sealed| sealed.starts_with(&path) || path.starts_with(sealed));
            if !met || path.symlink_metadata().is_err() {
                return Err(crate::walk::shown(&flag.path));
            }
            taken.push((path, flag.reason.clone()));
        }
        Ok(Self { flags: taken })
    }

    /// What the flags say of the exhibit made from `path`.
    pub(crate) fn of(&self, path: &Path) -> Flagged {
        let mut flagged = Flagged { reason: None, inside: Vec::new() };
        if self.flags.is_empty() {
            return flagged;
        }
        let path = absolute(path);
        for (flag, reason) in &self.flags {
            if path.starts_with(flag) {
                flagged.reason = Some(reason.clone());
            } else if let Ok(inside) = flag.strip_prefix(&path) {
                flagged.inside.push(crate::raw_path::bytes_of(inside.as_os_str()));
                flagged.reason.get_or_insert_with(|| reason.clone());
            }
        }
        flagged
    }
}

/// The path from the root, without dots; links are left as they are.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components().collect()
}

/// Leave to open sensitive exhibits: who, why, and where that is written down first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SensitiveAccess {
    /// Why; 1 to 500 printable characters.
    pub reason: String,
    /// Who opens: the officer's id, or the account on this machine.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The log to which a line is appended.
    pub log: PathBuf,
}

/// A line of the log.
#[derive(Serialize)]
struct Access<'a> {
    format: u32,
    time: Timestamp,
    actor: &'a str,
    package: Option<String>,
    exhibits: Vec<ExhibitNumber>,
    reason: &'a str,
}

impl SensitiveAccess {
    /// Whether the reason can stand.
    #[must_use]
    pub fn has_reason(&self) -> bool {
        is_reason(&self.reason)
    }

    /// Appends what will be opened to the log and makes it durable, before anything is opened.
    ///
    /// # Errors
    /// [`WriteError`] if it can't be written; then nothing may be opened.
    pub(crate) fn record(
        &self,
        package: Option<String>,
        exhibits: Vec<ExhibitNumber>,
    ) -> Result<(), WriteError> {
        let failed = |error| WriteError::io(&self.log, error);
        let access =
            Access { format: 1, time: self.at, actor: &self.actor, package, exhibits, reason: &self.reason };
        let mut line = serde_json::to_vec(&access).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.log).map_err(failed)?;
        // One write: lines of two programs at once don't mix.
        file.write_all(&line).and_then(|()| file.sync_all()).map_err(failed)?;
        match self.log.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent),
            _ => sync_folder(Path::new(".")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rogatory_core::Digest;

    fn list(name: &str) -> NamedList {
        NamedList { name: name.to_owned(), sha256: Digest::of(name.as_bytes()) }
    }

    #[test]
    fn a_code_is_short_and_plain() {
        for code in ["abuse-material", "x", "privileged", "a1"] {
            assert!(code.parse::<ReasonCode>().is_ok(), "{code}");
        }
        for code in ["", "Abuse", "a b", "-a", "a-", "ä", &"a".repeat(41)] {
            assert!(code.parse::<ReasonCode>().is_err(), "{code}");
        }
    }

    #[test]
    fn a_mark_says_why_and_counts_what_it_names() {
        let reason = || "abuse-material".parse().ok();
        let mark = |reason, lists, matches, entries| Sensitive { reason, lists, matches, entries };
        let (file, folder) = (ExhibitType::File, ExhibitType::Folder);
        for (sound, exhibit_type) in [
            (mark(reason(), Vec::new(), 0, Vec::new()), file),
            (mark(None, vec![list("a")], 1, Vec::new()), file),
            (mark(reason(), vec![list("a"), list("b")], 2, vec![1, 9]), folder),
            (mark(None, vec![list("a")], 2_000, (1..=1_000).collect()), folder),
        ] {
            assert!(sound.check(exhibit_type).is_ok(), "{sound:?}");
        }
        for (unsound, exhibit_type) in [
            (mark(None, Vec::new(), 1, Vec::new()), file),
            (mark(None, vec![list("a")], 0, Vec::new()), file),
            (mark(None, vec![list("b"), list("a")], 1, Vec::new()), file),
            (mark(None, vec![list("a"), list("a")], 1, Vec::new()), file),
            (mark(None, vec![list("")], 1, Vec::new()), file),
            (mark(None, vec![list("a\n")], 1, Vec::new()), file),
            (mark(reason(), Vec::new(), 2, Vec::new()), file),
            (mark(reason(), Vec::new(), 1, vec![1]), file),
            (mark(reason(), Vec::new(), 2, vec![1]), folder),
            (mark(reason(), Vec::new(), 2, vec![2, 1]), folder),
            (mark(reason(), Vec::new(), 1, vec![0]), folder),
        ] {
            assert!(unsound.check(exhibit_type).is_err(), "{unsound:?}");
        }
    }

    #[test]
    fn flags_meet_exhibits_and_what_lies_in_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(path("photos/deep")).expect("makes");
        std::fs::write(path("photos/deep/a.jpg"), b"a").expect("writes");
        std::fs::write(path("letter"), b"a").expect("writes");
        let flag = |name: &str, code: &str| SensitiveFlag {
            path: path(name),
            reason: code.parse().expect("a code"),
        };
        let sealed = [path("photos"), path("letter")];
        let sealed = || sealed.iter().map(PathBuf::as_path);
        let flags = Flags::new(&[flag("photos/deep", "abuse-material")], sealed()).expect("met");
        let photos = flags.of(&path("photos"));
        assert_eq!(photos.reason.expect("a reason").as_str(), "abuse-material");
        assert_eq!(photos.inside, [b"deep".to_vec()]);
        assert!(flags.of(&path("letter")).reason.is_none());
        // Every file of the folder as an exhibit of its own.
        let each = flags.of(&path("photos/deep/a.jpg"));
        assert!(each.reason.is_some() && each.inside.is_empty());
        assert!(Flags::new(&[flag("other", "x")], sealed()).is_err());
        assert!(Flags::new(&[flag("photos/none", "x")], sealed()).is_err());
    }
}
