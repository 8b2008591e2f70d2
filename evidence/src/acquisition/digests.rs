//! Digests that the producer states of an original.
//!
//! Holds their type and how much each is worth. Calls nothing. What was compared and what is only
//! somebody's word is never left to the reader to find out: it stands beside the digest.

use data_encoding::HEXLOWER_PERMISSIVE;
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Of what a digest is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestOf {
    /// Of the exhibit itself, byte for byte.
    Exhibit,
    /// Of what the exhibit was made from: an image of a disk, an export before it was split.
    Source,
}

/// The algorithm of a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestAlgorithm {
    /// MD5: collisions can be made; information only.
    Md5,
    /// SHA-1: collisions can be made; information only.
    #[serde(rename = "sha-1")]
    Sha1,
    /// SHA-256.
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
}

impl DigestAlgorithm {
    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    const fn size_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// How much a stated digest is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Equal to the digest that was computed while sealing.
    Compared,
    /// The producer's word; not compared.
    Claimed,
    /// The producer's word, and by an algorithm for which collisions can be made: no proof of anything.
    InformationOnly,
}

impl Standing {
    /// In words, for reports.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Compared => "compared while sealing",
            Self::Claimed => "claimed by the producer, not compared",
            Self::InformationOnly => {
                "information only: claimed by the producer, not compared, weak algorithm"
            }
        }
    }
}

/// A digest as the producer states it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OriginalDigest {
    of: DigestOf,
    algorithm: DigestAlgorithm,
    value: Vec<u8>,
}

/// What stands in the record and in a file of facts.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    of: DigestOf,
    algorithm: DigestAlgorithm,
    value: String,
    standing: Option<Standing>,
}

/// The value is no digest of its algorithm.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{value}` is not a {algorithm} digest: {digits} hexadecimal digits are expected")]
pub struct OriginalDigestError {
    value: String,
    algorithm: &'static str,
    digits: usize,
}

impl OriginalDigest {
    /// Takes a digest in hexadecimal digits, small or capital.
    ///
    /// # Errors
    /// [`OriginalDigestError`] if it is none of `algorithm`.
    pub fn new(of: DigestOf, algorithm: DigestAlgorithm, value: &str) -> Result<Self, OriginalDigestError> {
        let bytes = HEXLOWER_PERMISSIVE.decode(value.trim().as_bytes()).ok();
        match bytes.filter(|bytes| bytes.len() == algorithm.size_bytes()) {
            Some(value) => Ok(Self { of, algorithm, value }),
            None => Err(OriginalDigestError {
                value: crate::record::display(value.as_bytes()).chars().take(130).collect(),
                algorithm: algorithm.name(),
                digits: 2 * algorithm.size_bytes(),
            }),
        }
    }

    /// Of what.
    #[must_use]
    pub const fn of(&self) -> DigestOf {
        self.of
    }

    /// By which algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// In lower-case hexadecimal digits.
    #[must_use]
    pub fn value(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.value)
    }

    /// What it is worth: in a record, a SHA-256 of the exhibit is equal to the record's.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match (self.algorithm, self.of) {
            (DigestAlgorithm::Md5 | DigestAlgorithm::Sha1, _) => Standing::InformationOnly,
            (DigestAlgorithm::Sha256, DigestOf::Exhibit) => Standing::Compared,
            (DigestAlgorithm::Sha256 | DigestAlgorithm::Sha512, _) => Standing::Claimed,
        }
    }

    /// Whether it contradicts `sha256`, the digest of the exhibit.
    pub(crate) fn contradicts(&self, sha256: &Digest) -> bool {
        self.standing() == Standing::Compared && self.value != sha256.as_bytes()
    }
}

impl fmt::Display for OriginalDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            DigestOf::Exhibit => "exhibit",
            DigestOf::Source => "source",
        };
        let standing = self.standing().in_words();
        write!(f, "{} of the {of} {} ({standing})", self.algorithm.name(), self.value())
    }
}

impl Serialize for OriginalDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let standing = Some(self.standing());
        Written { of: self.of, algorithm: self.algorithm, value: self.value(), standing }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OriginalDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let written = Written::deserialize(deserializer)?;
        let digest = Self::new(written.of, written.algorithm, &written.value).map_err(D::Error::custom)?;
        if written.standing.is_some_and(|standing| standing != digest.standing()) {
            return Err(D::Error::custom("`standing` follows from the algorithm and cannot be chosen"));
        }
        Ok(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(of: DigestOf, algorithm: DigestAlgorithm, bytes: usize) -> OriginalDigest {
        OriginalDigest::new(of, algorithm, &"aB".repeat(bytes)).expect("a digest")
    }

    #[test]
    fn only_a_sha_256_of_the_exhibit_was_compared() {
        use DigestAlgorithm::{Md5, Sha1, Sha256, Sha512};
        use DigestOf::{Exhibit, Source};
        for (of, algorithm, bytes, standing) in [
            (Exhibit, Md5, 16, Standing::InformationOnly),
            (Source, Md5, 16, Standing::InformationOnly),
            (Exhibit, Sha1, 20, Standing::InformationOnly),
            (Exhibit, Sha256, 32, Standing::Compared),
            (Source, Sha256, 32, Standing::Claimed),
            (Exhibit, Sha512, 64, Standing::Claimed),
        ] {
            let digest = digest(of, algorithm, bytes);
            assert_eq!(digest.standing(), standing, "{digest}");
            assert_eq!(digest.contradicts(&Digest::of(b"another")), standing == Standing::Compared);
        }
    }

    #[test]
    fn a_digest_has_the_length_of_its_algorithm_and_one_spelling() {
        let error = OriginalDigest::new(DigestOf::Exhibit, DigestAlgorithm::Sha1, "ab").expect_err("short");
        assert!(error.to_string().contains("40 hexadecimal digits"), "{error}");
        let text =
            serde_json::to_string(&digest(DigestOf::Source, DigestAlgorithm::Md5, 16)).expect("writes");
        let value = "ab".repeat(16);
        assert_eq!(
            text,
            format!(r#"{{"of":"source","algorithm":"md5","value":"{value}","standing":"information-only"}}"#)
        );
    }

    #[test]
    fn nobody_chooses_the_standing() {
        let value = "ab".repeat(16);
        let text = format!(r#"{{"of":"source","algorithm":"md5","value":"{value}","standing":"compared"}}"#);
        assert!(serde_json::from_str::<OriginalDigest>(&text).is_err());
        assert!(
            serde_json::from_str::<OriginalDigest>(&text.replace(r#","standing":"compared""#, "")).is_ok()
        );
    }
}
