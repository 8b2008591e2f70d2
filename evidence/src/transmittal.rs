//! The transmittal: what travels in the clear beside sealed evidence.
//!
//! Holds the type of `transmittal.json`, its canonical writing and its rules. Calls nothing but
//! the JSON reader. Never holds a name of a person or a fact of the case: those stand in the
//! encrypted index.

use crate::age_layer::Encryption;
use crate::canonical::{CanonicalError, Salt, from_canonical, to_canonical};
use crate::exhibit::{ExhibitNumber, MAX_EXHIBITS};
use crate::limits::MAX_PACKAGE_BYTES;
use rogatory_core::party::{OfficerId, PartyId};
use rogatory_core::reference::{OfficeReference, SharedNumber};
use rogatory_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest `transmittal.json` that is read.
pub const MAX_TRANSMITTAL_BYTES: usize = 64 * 1024 * 1024;
/// The most recipients a package may have, recovery recipients included.
pub const MAX_RECIPIENTS: usize = 100;
/// The longest reason for going without a recovery recipient, in characters.
pub const MAX_REASON_CHARACTERS: usize = 500;

/// What kind of package it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransmittalKind {
    /// Sealed from the exhibits themselves.
    Original,
    /// A whole package made readable for other recipients, without decrypting it.
    Rewrap,
    /// Some exhibits of a package, for other recipients.
    Disclosure,
}

/// Who sealed the package, as the package itself says; the signatures must agree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransmittalSender {
    /// The institution, if sealed with a profile.
    pub institution: Option<PartyId>,
    /// SHA-256 of the DER of the certificate behind the outer and the inner signature.
    pub certificate_sha256: Digest,
}

/// Somebody who can open the package.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntendedRecipient {
    /// The institution, if known to the sender.
    pub institution: Option<PartyId>,
    /// The officer, if the key is a person's and known to the sender.
    pub officer: Option<OfficerId>,
    /// The age recipient, `age1…` or `age1pq1…`.
    pub recipient: String,
    /// SHA-256 of the text of `recipient`.
    pub fingerprint: Digest,
}

/// How the sender's office can open the package should all recipients lose their keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// The office's recovery recipients, to whom everything is encrypted as well.
    Recipients(Vec<IntendedRecipient>),
    /// Not at all, for the reason given.
    Waived {
        /// The reason; no facts of the case.
        reason: String,
    },
    /// Not at all: sealed with bare keys, no office is configured.
    NoOfficeConfigured,
}

/// Where a derived package comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// SHA-256 of `ASiCManifest001.xml` of the original package, which `origin/` holds.
    pub manifest_sha256: Digest,
    /// The same of the package that was at hand, if that was a derived one itself. Its maker's word: nothing of it is kept.
    pub made_from: Option<Digest>,
}

/// An exhibit by its number and the size of its age file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExhibitSize {
    /// The exhibit.
    pub name: ExhibitNumber,
    /// The size of `data/EX-….age` in bytes.
    pub size_bytes: u64,
}

/// The content of `transmittal.json`; the same bytes stand outside and inside the index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transmittal {
    /// 1.
    pub format: u32,
    /// 1: exact framing and canonical DER, any flipped bit fails.
    pub profile: u32,
    /// What kind of package it is.
    pub kind: TransmittalKind,
    /// To which kind of keys every object of it is encrypted.
    pub encryption: Encryption,
    /// The order or request that is answered; none in a derived package, whose origin says it.
    pub order: Option<SharedNumber>,
    /// The sender's file number.
    pub reference: Option<OfficeReference>,
    /// Who sealed it, or made it from another.
    pub sender: TransmittalSender,
    /// For whom.
    pub recipients: Vec<IntendedRecipient>,
    /// How the sender's office can open it.
    pub recovery: Recovery,
    /// The original package, exactly if this one is derived from it.
    pub origin: Option<Origin>,
    /// The exhibits in order.
    pub exhibits: Vec<ExhibitSize>,
    /// Makes every transmittal unlike all others.
    pub salt: Salt,
    /// When it was sealed, as the sender claims.
    pub created_time: Timestamp,
}

impl Transmittal {
    /// Writes the canonical form.
    ///
    /// # Errors
    /// [`CanonicalError`] if a rule is broken or the text would be too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        self.check()?;
        let bytes = to_canonical(self)?;
        if bytes.len() > MAX_TRANSMITTAL_BYTES {
            return Err(CanonicalError::TooLong { limit: MAX_TRANSMITTAL_BYTES });
        }
        Ok(bytes)
    }

    /// Reads the canonical form and checks the rules.
    ///
    /// # Errors
    /// [`CanonicalError`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let transmittal: Self = from_canonical(bytes, MAX_TRANSMITTAL_BYTES)?;
        transmittal.check()?;
        Ok(transmittal)
    }

    /// Everybody who can open the package: recipients, then recovery recipients.
    pub fn all_recipients(&self) -> impl Iterator<Item = &IntendedRecipient> {
        let recovery = match &self.recovery {
            Recovery::Recipients(recipients) => recipients.as_slice(),
            Recovery::Waived { .. } | Recovery::NoOfficeConfigured => &[],
        };
        self.recipients.iter().chain(recovery)
    }

    /// The size of all exhibits as age files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.exhibits.iter().fold(0, |sum, exhibit| sum.saturating_add(exhibit.size_bytes))
    }

    fn check(&self) -> Result<(), CanonicalError> {
        let broken = |text: String| Err(CanonicalError::Rule(text));
        if self.format != 1 || self.profile != 1 {
            let (format, profile) = (self.format, self.profile);
            return broken(format!("format {format}, profile {profile} is not known here: only 1, 1 is"));
        }
        self.check_origin()?;
        if self.exhibits.is_empty() || self.exhibits.len() > MAX_EXHIBITS as usize {
            return broken(format!("a package has 1 to {MAX_EXHIBITS} exhibits"));
        }
        if self.total_bytes() > MAX_PACKAGE_BYTES {
            return broken("its exhibits have more than 64 TiB together".to_owned());
        }
        for (index, exhibit) in self.exhibits.iter().enumerate() {
            // A disclosure shows a choice of the exhibits; the others are numbered without gaps.
            let expected = ExhibitNumber::at(index);
            let rises = index == 0 || self.exhibits.get(index - 1).is_some_and(|e| e.name < exhibit.name);
            if !rises || (self.kind != TransmittalKind::Disclosure && Some(exhibit.name) != expected) {
                return broken(format!("exhibit {} is out of order", exhibit.name));
            }
        }
        self.check_recipients()
    }

    fn check_origin(&self) -> Result<(), CanonicalError> {
        let broken = |text: &str| Err(CanonicalError::Rule(text.to_owned()));
        match (self.kind, &self.origin) {
            (TransmittalKind::Original, None) => Ok(()),
            (TransmittalKind::Original, Some(_)) => broken("an original package has no origin"),
            (_, None) => broken("a derived package names its origin"),
            (_, Some(_)) if self.order.is_some() => {
                broken("a derived package answers no order itself: its origin says which one was answered")
            }
            (_, Some(origin)) if origin.made_from == Some(origin.manifest_sha256) => {
                broken("a package made from the original itself names no other that it was made from")
            }
            (_, Some(_)) => Ok(()),
        }
    }

    fn check_recipients(&self) -> Result<(), CanonicalError> {
        let broken = |text: String| Err(CanonicalError::Rule(text));
        if self.recipients.is_empty() || self.all_recipients().count() > MAX_RECIPIENTS {
            return broken(format!("a package has 1 to {MAX_RECIPIENTS} recipients"));
        }
        match &self.recovery {
            Recovery::Recipients(recipients) if recipients.is_empty() => {
                return broken("the list of recovery recipients is empty".to_owned());
            }
            Recovery::Waived { reason } if !is_reason(reason) => {
                return broken(format!(
                    "the reason for going without a recovery recipient must be 1 to {MAX_REASON_CHARACTERS} printable characters"
                ));
            }
            _ => {}
        }
        let mut seen = BTreeSet::new();
        for recipient in self.all_recipients() {
            let text = &recipient.recipient;
            let is_key = text.len() <= 4096
                && text.starts_with("age1")
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            if !is_key {
                return broken("a recipient is not an age recipient in lower case".to_owned());
            }
            if Encryption::of_text(text) != self.encryption {
                return broken(format!(
                    "a recipient is of another kind than the encryption that it names, {}",
                    self.encryption
                ));
            }
            if recipient.fingerprint != Digest::of(text.as_bytes()) {
                return broken(format!("the fingerprint of recipient {text} is not its SHA-256"));
            }
            if !seen.insert(text) {
                return broken(format!("recipient {text} stands there twice"));
            }
        }
        Ok(())
    }
}

/// Whether `reason` can stand as a waiver's reason.
#[must_use]
pub fn is_reason(reason: &str) -> bool {
    (1..=MAX_REASON_CHARACTERS).contains(&reason.chars().count())
        && reason.trim() == reason
        && !reason.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl rogatory_core::Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn sample() -> Transmittal {
        let key = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq";
        Transmittal {
            format: 1,
            profile: 1,
            kind: TransmittalKind::Original,
            encryption: Encryption::X25519,
            order: None,
            reference: None,
            sender: TransmittalSender { institution: None, certificate_sha256: Digest::of(b"c") },
            recipients: vec![IntendedRecipient {
                institution: None,
                officer: None,
                recipient: key.to_owned(),
                fingerprint: Digest::of(key.as_bytes()),
            }],
            recovery: Recovery::NoOfficeConfigured,
            origin: None,
            exhibits: vec![ExhibitSize { name: ExhibitNumber::new(1).expect("one"), size_bytes: 200 }],
            salt: Salt::mint(&Zero),
            created_time: Timestamp::from_seconds(1_800_000_000).expect("a time"),
        }
    }

    #[test]
    fn a_transmittal_survives_its_text() {
        let bytes = sample().to_bytes().expect("writes");
        assert_eq!(Transmittal::from_bytes(&bytes).expect("reads"), sample());
    }

    #[test]
    fn another_writing_of_the_same_values_is_refused() {
        let text = String::from_utf8(sample().to_bytes().expect("writes")).expect("text");
        for other in [
            text.replacen(':', ": ", 1),
            text.replace("\"format\":1,\"profile\":1", "\"profile\":1,\"format\":1"),
            text.replace(",\"order\":null", ""),
            format!("{text}\n"),
            text.replacen("\"profile\":1", "\"profile\":2", 1),
            text.replacen("\"x25519\"", "\"mlkem768x25519\"", 1),
            text.replacen("\"x25519\"", "\"X25519\"", 1),
            text.replacen("{\"format\"", "{\"more\":1,\"format\"", 1),
            text.replacen("EX-0001", "EX-0002", 1),
        ] {
            assert_ne!(other, text);
            assert!(Transmittal::from_bytes(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn a_derived_one_names_its_origin_and_no_order() {
        let origin = Origin { manifest_sha256: Digest::of(b"m"), made_from: None };
        let derived = Transmittal { kind: TransmittalKind::Disclosure, origin: Some(origin), ..sample() };
        let three = ExhibitSize { name: ExhibitNumber::new(3).expect("three"), size_bytes: 200 };
        let disclosed = Transmittal { exhibits: vec![three], ..derived.clone() };
        let bytes = disclosed.to_bytes().expect("writes");
        assert_eq!(Transmittal::from_bytes(&bytes).expect("reads"), disclosed);
        let order = "MD-JF58-JXH4-09RC-SPTW-27".parse().expect("a shared number");
        let same = Origin { made_from: Some(origin.manifest_sha256), ..origin };
        for wrong in [
            Transmittal { origin: Some(origin), ..sample() },
            Transmittal { origin: None, ..derived.clone() },
            Transmittal { order: Some(order), ..derived.clone() },
            Transmittal { origin: Some(same), ..derived.clone() },
            Transmittal { kind: TransmittalKind::Rewrap, ..disclosed },
        ] {
            assert!(wrong.to_bytes().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn more_than_a_package_may_hold_is_refused() {
        let mut transmittal = sample();
        transmittal.exhibits[0].size_bytes = MAX_PACKAGE_BYTES;
        assert!(transmittal.to_bytes().is_ok());
        let second = ExhibitSize { name: ExhibitNumber::new(2).expect("two"), size_bytes: 1 };
        transmittal.exhibits.push(second);
        assert!(transmittal.to_bytes().is_err());
        transmittal.exhibits[1].size_bytes = u64::MAX;
        assert!(transmittal.to_bytes().is_err());
    }

    #[test]
    fn a_fingerprint_that_does_not_fit_is_refused() {
        let mut transmittal = sample();
        transmittal.recipients[0].fingerprint = Digest::of(b"another");
        assert!(transmittal.to_bytes().is_err());
    }
}
