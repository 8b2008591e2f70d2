//! Parties: institutions, their officers, and what each may do.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The text names no country, party or officer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NameError {
    /// Not two letters.
    #[error("`{0}` is not a country code: two letters of ISO 3166-1 are expected, for example `md`")]
    Country(String),
    /// Not `<country>/<institution>`.
    #[error("`{0}` is not a party: write <country>/<institution>, for example `md/central-authority`")]
    Party(String),
    /// Not `<country>/<institution>/officer/<id>`.
    #[error("`{0}` is not an officer: write <country>/<institution>/officer/<id>")]
    Officer(String),
    /// No such role.
    #[error(
        "`{0}` is not a role: drafter, approver, evidence-officer, provider-agent, auditor or operator is expected"
    )]
    Role(String),
}

/// Implements serde through `Display` and `FromStr`, so that a stored name is checked when read.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Whether `text` is a name segment: 1 to 63 of `a-z`, `0-9`, `-`, starting with a letter or digit.
fn is_segment(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A country by its ISO 3166-1 alpha-2 code, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two letters in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The constructor admits ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

impl FromStr for CountryCode {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_lowercase(), b.to_ascii_lowercase()]))
            }
            _ => Err(NameError::Country(shorten(text))),
        }
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(CountryCode);

/// An institution: `<country>/<institution>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PartyId {
    country: CountryCode,
    institution: String,
}

impl PartyId {
    /// The country whose anchor vouches for this party.
    #[must_use]
    pub const fn country(&self) -> CountryCode {
        self.country
    }

    /// The institution's name within its country.
    #[must_use]
    pub fn institution(&self) -> &str {
        &self.institution
    }

    /// The URI that stands in the party's certificates: `rogatory://<country>/<institution>`.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("rogatory://{self}")
    }
}

impl FromStr for PartyId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Party(shorten(text));
        let (country, institution) = text.split_once('/').ok_or_else(bad)?;
        let lower = country.bytes().all(|byte| byte.is_ascii_lowercase());
        if !lower || !is_segment(institution) {
            return Err(bad());
        }
        Ok(Self { country: country.parse().map_err(|_| bad())?, institution: institution.to_owned() })
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.country, self.institution)
    }
}

serde_as_text!(PartyId);

/// A person at work in an institution: `<country>/<institution>/officer/<id>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OfficerId {
    party: PartyId,
    id: String,
}

impl OfficerId {
    /// Names officer `id` of `party`.
    ///
    /// # Errors
    /// [`NameError::Officer`] if `id` is no name segment.
    pub fn new(party: PartyId, id: &str) -> Result<Self, NameError> {
        if is_segment(id) {
            Ok(Self { party, id: id.to_owned() })
        } else {
            Err(NameError::Officer(shorten(id)))
        }
    }

    /// The institution the officer works for.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        &self.party
    }

    /// The officer's id within the institution.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The URI that stands in the officer's certificates.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("rogatory://{self}")
    }
}

impl FromStr for OfficerId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Officer(shorten(text));
        let (party, id) = text.split_once("/officer/").ok_or_else(bad)?;
        Self::new(party.parse().map_err(|_| bad())?, id).map_err(|_| bad())
    }
}

impl fmt::Display for OfficerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/officer/{}", self.party, self.id)
    }
}

serde_as_text!(OfficerId);

/// What an officer may do. The roles are fixed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Drafts and transmits requests, orders and decisions.
    Drafter,
    /// Approves what a drafter signed; never the same person for one document.
    Approver,
    /// Sends, relays, receives and opens evidence packages.
    EvidenceOfficer,
    /// Answers orders at a service provider.
    ProviderAgent,
    /// Reads the custody log and its proofs, never content.
    Auditor,
    /// Runs the server, imports parties; reads no evidence.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Drafter,
        Self::Approver,
        Self::EvidenceOfficer,
        Self::ProviderAgent,
        Self::Auditor,
        Self::Operator,
    ];

    /// The role's name in configuration, output and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drafter => "drafter",
            Self::Approver => "approver",
            Self::EvidenceOfficer => "evidence-officer",
            Self::ProviderAgent => "provider-agent",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| NameError::Role(shorten(text)))
    }
}

serde_as_text!(Role);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_and_an_officer_survive_their_text() {
        for text in ["md/central-authority", "fr/bepi2"] {
            assert_eq!(text.parse::<PartyId>().expect("a party").to_string(), text);
        }
        let text = "md/central-authority/officer/rusu";
        let officer: OfficerId = text.parse().expect("an officer");
        assert_eq!(officer.to_string(), text);
        assert_eq!(officer.party().institution(), "central-authority");
    }

    #[test]
    fn names_that_could_pass_for_others_are_refused() {
        for text in ["MD/x", "md/", "md/a/b", "mdx/a", "md/A", "md/-a", "md", "md/a b", "md/ä"] {
            assert!(text.parse::<PartyId>().is_err(), "{text}");
        }
        for text in ["md/a/officer/", "md/a/officer/b/c", "md/a/b/officer/c", "md/a"] {
            assert!(text.parse::<OfficerId>().is_err(), "{text}");
        }
    }
}
