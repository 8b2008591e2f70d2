//! Canonical JSON: one value has one text.
//!
//! Holds the writer and the strict reader for the JSON files of a package: fields in the order of
//! the type, no white space, unknown fields refused, and the text read must be the very text that
//! would be written. Never repairs.

use data_encoding::HEXLOWER;
use rogatory_core::Entropy;
use rogatory_core::entropy::draw;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The JSON is not in the one form it may have.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// Longer than the limit.
    #[error("the JSON is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Not the JSON that was expected.
    #[error("the JSON cannot be read")]
    Json(#[source] serde_json::Error),
    /// Right values in another writing.
    #[error("the JSON is not in canonical form: its values would be written in other bytes")]
    NotCanonical,
    /// A value contradicts the format.
    #[error("{0}")]
    Rule(String),
}

/// Writes `value` in canonical form.
///
/// # Errors
/// [`CanonicalError::Json`] if a value can't be written as JSON.
pub(crate) fn to_canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    serde_json::to_vec(value).map_err(CanonicalError::Json)
}

/// Reads a value of at most `limit` bytes and demands its canonical form.
///
/// # Errors
/// [`CanonicalError`] for longer text, other JSON, or another writing of the same values.
pub(crate) fn from_canonical<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    limit: usize,
) -> Result<T, CanonicalError> {
    if bytes.len() > limit {
        return Err(CanonicalError::TooLong { limit });
    }
    let value: T = serde_json::from_slice(bytes).map_err(CanonicalError::Json)?;
    if to_canonical(&value)? == bytes { Ok(value) } else { Err(CanonicalError::NotCanonical) }
}

/// 32 random bytes that keep a digest from being guessed; 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Draws a salt.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        Self(draw(entropy))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Serialize for Salt {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a salt is 64 lower-case hexadecimal digits"))
    }
}
