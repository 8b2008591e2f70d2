//! Who can open an age file: public keys. May call the age library.

use super::AgeError;
use rogatory_core::Digest;
use std::fmt;
use std::str::FromStr;

/// Somebody's public key for encryption; canonical text `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgeRecipient {
    text: String,
    key: age::x25519::Recipient,
}

impl AgeRecipient {
    /// The recipient of a key that the library made.
    pub(super) fn of(key: age::x25519::Recipient) -> Self {
        Self { text: key.to_string(), key }
    }

    /// The key as the library wants it.
    pub(super) fn key(&self) -> &dyn age::Recipient {
        &self.key
    }

    /// The recipient as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl FromStr for AgeRecipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let key: age::x25519::Recipient =
            text.trim().parse().map_err(|_| AgeError::Recipient(text.chars().take(80).collect()))?;
        Ok(Self::of(key))
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
