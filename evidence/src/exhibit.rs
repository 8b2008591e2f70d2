//! How exhibits are numbered and named.
//!
//! Holds the neutral names under which an exhibit stands in a package (`EX-0001`) and the object
//! names that follow from it. Calls nothing. Never knows an exhibit's real name: that stands in
//! the encrypted record alone.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most exhibits a package may hold. A folder exhibit holds any number of files.
pub const MAX_EXHIBITS: u32 = 100_000;

/// The text is no exhibit name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an exhibit name: EX-0001 to EX-{MAX_EXHIBITS} are expected")]
pub struct ExhibitNameError(String);

/// The number of an exhibit within its package, from 1; written `EX-0001`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ExhibitNumber(u32);

impl ExhibitNumber {
    /// Takes a number from 1 to [`MAX_EXHIBITS`].
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 || number > MAX_EXHIBITS { None } else { Some(Self(number)) }
    }

    /// The number for the exhibit at `index`, counted from 0.
    #[must_use]
    pub fn at(index: usize) -> Option<Self> {
        u32::try_from(index).ok().and_then(|index| index.checked_add(1)).and_then(Self::new)
    }

    /// The number, from 1.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The position, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize - 1
    }

    /// The object of the package that holds the exhibit: `data/EX-0001.age`.
    #[must_use]
    pub fn object_name(self) -> String {
        format!("data/{self}.age")
    }

    /// The record in the index: `records/EX-0001.json`.
    #[must_use]
    pub fn record_name(self) -> String {
        format!("records/{self}.json")
    }

    /// The list of a folder exhibit's files in the index: `records/EX-0001.files`.
    #[must_use]
    pub fn files_name(self) -> String {
        format!("records/{self}.files")
    }

    /// Reads `data/EX-0001.age`.
    #[must_use]
    pub fn from_object_name(name: &str) -> Option<Self> {
        name.strip_prefix("data/")?.strip_suffix(".age")?.parse().ok()
    }
}

impl fmt::Display for ExhibitNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EX-{:04}", self.0)
    }
}

impl FromStr for ExhibitNumber {
    type Err = ExhibitNameError;

    fn from_str(text: &str) -> Result<Self, ExhibitNameError> {
        text.strip_prefix("EX-")
            .filter(|digits| digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .and_then(Self::new)
            .filter(|number| number.to_string() == text)
            .ok_or_else(|| ExhibitNameError(text.chars().take(40).collect()))
    }
}

impl Serialize for ExhibitNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExhibitNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for (number, text) in [(1, "EX-0001"), (9999, "EX-9999"), (100_000, "EX-100000")] {
            let exhibit = ExhibitNumber::new(number).expect("in range");
            assert_eq!(exhibit.to_string(), text);
            assert_eq!(text.parse(), Ok(exhibit));
            assert_eq!(ExhibitNumber::from_object_name(&exhibit.object_name()), Some(exhibit));
        }
        for text in ["EX-1", "EX-0000", "EX-00001", "EX-100001", "ex-0001", "EX-+001", "EX-"] {
            assert!(text.parse::<ExhibitNumber>().is_err(), "{text}");
        }
    }
}
