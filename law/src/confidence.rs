//! How a statement about the law was checked, and where.
//!
//! Holds the marks, the documents they point to, and a statement that carries its mark. Calls nothing. Never lets
//! a statement call itself read without naming the document it was read in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a statement about the law was checked.
///
/// Ordered: what was read outranks what follows from it, and that what is only remembered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Known to the author, not checked against a text.
    Memory,
    /// Follows from a statement that was read.
    Derived,
    /// Read in the document named.
    Sourced,
}

impl Confidence {
    /// The mark as data files and output write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Derived => "derived",
            Self::Sourced => "sourced",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no key of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the key of a source: 1 to 40 letters, digits and hyphens are expected, for example `S06`"
)]
pub struct SourceKeyError(String);

/// The key under which a source is listed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SourceKey(String);

impl SourceKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SourceKey {
    type Error = SourceKeyError;

    fn try_from(text: String) -> Result<Self, SourceKeyError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if (1..=40).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text))
        } else {
            Err(SourceKeyError(text.chars().take(60).collect()))
        }
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A document in which statements were read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Source {
    /// The key that statements name.
    pub key: SourceKey,
    /// The document, and which part of it was read.
    pub document: String,
    /// Where it is published.
    pub address: String,
    /// What a reader should know about it: the language read, a copy, a secondary source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The statement and its sources do not fit its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BasisError {
    /// Marked as read or derived, but no document is named.
    #[error("a statement marked `{0}` names no source; name one in `sources` or mark it `memory`")]
    NoSource(Confidence),
    /// Marked as remembered, but documents are named.
    #[error(
        "a statement marked `memory` names a source; mark it `sourced` or `derived`, or leave `sources` out"
    )]
    SourceForMemory,
}

/// What a statement rests on: its mark and the documents.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Basis {
    confidence: Confidence,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceKey>,
}

impl Basis {
    /// Joins a mark with the documents it rests on.
    ///
    /// # Errors
    /// [`BasisError`] if what was read or derived names no document, or what is remembered names one.
    pub fn new(confidence: Confidence, sources: Vec<SourceKey>) -> Result<Self, BasisError> {
        match (confidence, sources.is_empty()) {
            (Confidence::Memory, false) => Err(BasisError::SourceForMemory),
            (Confidence::Sourced | Confidence::Derived, true) => Err(BasisError::NoSource(confidence)),
            _ => Ok(Self { confidence, sources }),
        }
    }

    /// How it was checked.
    #[must_use]
    pub const fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// The documents; empty only for what is remembered.
    #[must_use]
    pub fn sources(&self) -> &[SourceKey] {
        &self.sources
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.confidence)?;
        for (index, source) in self.sources.iter().enumerate() {
            write!(f, "{}{source}", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

/// A statement in words that carries its mark.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Statement {
    /// What is stated.
    pub text: String,
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_and_its_sources_belong_together() {
        let key = || SourceKey::try_from("S06".to_owned()).unwrap();
        assert_eq!(Basis::new(Confidence::Sourced, vec![]), Err(BasisError::NoSource(Confidence::Sourced)));
        assert_eq!(Basis::new(Confidence::Derived, vec![]), Err(BasisError::NoSource(Confidence::Derived)));
        assert_eq!(Basis::new(Confidence::Memory, vec![key()]), Err(BasisError::SourceForMemory));
        let basis = Basis::new(Confidence::Sourced, vec![key()]).unwrap();
        assert_eq!(basis.to_string(), "sourced S06");
        assert_eq!(Basis::new(Confidence::Memory, vec![]).unwrap().to_string(), "memory");
    }

    #[test]
    fn what_was_read_outranks_what_is_remembered() {
        assert!(Confidence::Sourced > Confidence::Derived);
        assert!(Confidence::Derived > Confidence::Memory);
    }
}
