//! Who can open an age file: public keys of two kinds. May call the age library.

use super::AgeError;
use super::hybrid::{self, HybridRecipient};
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// To which kind of keys something is encrypted. The kinds are never mixed: a file that a classical key opens as
/// well is no safer than that key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Encryption {
    /// Classical keys, `age1…`.
    #[serde(rename = "x25519")]
    X25519,
    /// Hybrid keys, `age1pq1…`, which stay safe against a quantum computer.
    #[serde(rename = "mlkem768x25519")]
    Mlkem768X25519,
}

impl Encryption {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::X25519, Self::Mlkem768X25519];

    /// Its name in `transmittal.json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X25519 => "x25519",
            Self::Mlkem768X25519 => hybrid::STANZA,
        }
    }

    /// The first argument of its stanzas.
    pub(super) const fn stanza(self) -> &'static str {
        match self {
            Self::X25519 => "X25519",
            Self::Mlkem768X25519 => hybrid::STANZA,
        }
    }

    /// The kind whose stanzas are of this type.
    pub(super) fn of_stanza(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.stanza() == tag)
    }

    /// The length of the one argument of its stanzas, base64 taken off.
    pub(super) const fn share_bytes(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::Mlkem768X25519 => hybrid::SHARE_BYTES,
        }
    }

    /// Which programs of others open it, for those who have none of ours.
    #[must_use]
    pub const fn tools(self) -> &'static str {
        match self {
            Self::X25519 => "any version of age, rage, or age-encryption from npm",
            Self::Mlkem768X25519 => "age 1.3 or later, or age-encryption 0.3 or later from npm",
        }
    }

    /// The kind of a recipient's text, whether or not the rest of it is a key.
    #[must_use]
    pub fn of_text(recipient: &str) -> Self {
        if recipient.starts_with(hybrid::RECIPIENT_START) { Self::Mlkem768X25519 } else { Self::X25519 }
    }

    /// The kind of all these recipients.
    ///
    /// # Errors
    /// [`AgeError::Mixed`] if they are of both, [`AgeError::RecipientCount`] if there is none.
    pub fn of(recipients: &[AgeRecipient]) -> Result<Self, AgeError> {
        Self::alike(recipients.iter().map(AgeRecipient::encryption))
    }

    /// The one kind that all of these are.
    pub(super) fn alike(kinds: impl IntoIterator<Item = Self>) -> Result<Self, AgeError> {
        let mut kinds = kinds.into_iter();
        let first = kinds.next().ok_or(AgeError::RecipientCount)?;
        if kinds.all(|kind| kind == first) { Ok(first) } else { Err(AgeError::Mixed) }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Somebody's public key for encryption; canonical text `age1…`.
#[derive(Clone)]
pub struct AgeRecipient {
    text: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    X25519(age::x25519::Recipient),
    Hybrid(HybridRecipient),
}

impl AgeRecipient {
    /// The recipient of a classical key that the library made.
    pub(super) fn of(key: age::x25519::Recipient) -> Self {
        Self { text: key.to_string(), key: Key::X25519(key) }
    }

    /// The recipient of a hybrid key.
    pub(super) fn of_hybrid(key: HybridRecipient) -> Self {
        Self { text: key.text(), key: Key::Hybrid(key) }
    }

    /// The key as the library wants it.
    pub(super) fn key(&self) -> &dyn age::Recipient {
        match &self.key {
            Key::X25519(key) => key,
            Key::Hybrid(key) => key,
        }
    }

    /// Of which kind the key is.
    #[must_use]
    pub const fn encryption(&self) -> Encryption {
        match self.key {
            Key::X25519(_) => Encryption::X25519,
            Key::Hybrid(_) => Encryption::Mlkem768X25519,
        }
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

impl PartialEq for AgeRecipient {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for AgeRecipient {}

impl FromStr for AgeRecipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let text = text.trim();
        if let Some(key) = HybridRecipient::parse(text) {
            return Ok(Self::of_hybrid(key));
        }
        match text.parse() {
            Ok(key) => Ok(Self::of(key)),
            Err(_) => Err(AgeError::Recipient(text.chars().take(80).collect())),
        }
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
