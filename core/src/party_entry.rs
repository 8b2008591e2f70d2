//! The party entry: what an institution says of itself, under its own seal.

use crate::document::{Competence, DocumentKind, FORMAT, PROFILE, to_json};
use crate::party::PartyId;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The data of a party entry; its seal is the only signature, and it has no paper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyEntry {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Always [`PROFILE`].
    pub profile: u32,
    /// Always `party-entry`.
    pub kind: DocumentKind,
    /// Who.
    pub party: PartyId,
    /// The institution's name in words.
    pub name: String,
    /// A preset only: `central-authority`, `provider`, `court` …; competences decide.
    pub institution_kind: String,
    /// Counts the entries of this party; a later one replaces an earlier.
    pub version: u32,
    /// From when it holds.
    pub issued_time: Timestamp,
    /// What the party may do.
    pub competences: Vec<CompetenceEntry>,
    /// BCP 47 tags of the languages it accepts.
    pub languages: Vec<String>,
    /// How to reach it in an emergency, in words; empty if not said.
    pub urgent_route: String,
    /// What it accepts.
    pub limits: Limits,
    /// `host:port` of its peer listener.
    pub peer_endpoint: String,
    /// PEM of the anchors that vouch for it: those of its country.
    pub anchors_pem: String,
    /// PEM of its seal certificate and the chain below the anchor.
    pub seal_certificates_pem: String,
    /// age recipients of its evidence officers and its recovery key.
    pub recipients: Vec<PublishedRecipient>,
    /// The verifier key of its custody log, as a signed note writes it.
    pub log_key: String,
    /// The verifier key with which it cosigns the logs of others.
    pub witness_key: String,
    /// The origin line of its custody log.
    pub log_origin: String,
}

/// One competence: instrument × act × territory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompetenceEntry {
    /// What it may do.
    pub act: Competence,
    /// The instruments by their ids; empty means all that its State is party to.
    pub instruments: Vec<String>,
    /// The territory, as the party describes it.
    pub territory: String,
}

/// What a party accepts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest formal document, in bytes.
    pub document_bytes: u64,
    /// The largest package, in bytes; `null` if only its disk limits it.
    pub package_bytes: Option<u64>,
}

/// An age recipient that a party publishes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRecipient {
    /// `officer`, or `recovery` for the office's offline key.
    pub purpose: String,
    /// The officer's id within the institution, if a person's.
    pub officer: Option<String>,
    /// The age recipient, `age1…`.
    pub recipient: String,
}

impl PartyEntry {
    /// Whether the party may do `act`.
    #[must_use]
    pub fn is_competent(&self, act: Competence) -> bool {
        self.competences.iter().any(|entry| entry.act == act)
    }

    /// The recovery recipient, if one is published.
    #[must_use]
    pub fn recovery_recipient(&self) -> Option<&str> {
        self.recipients.iter().find(|entry| entry.purpose == "recovery").map(|entry| entry.recipient.as_str())
    }

    /// Reads an entry's data.
    ///
    /// # Errors
    /// The JSON error if it has another form, or names another format.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let entry: Self = serde_json::from_slice(bytes)?;
        let fits = entry.format == FORMAT
            && entry.profile == PROFILE
            && entry.kind == DocumentKind::PartyEntry
            && entry.to_json() == bytes;
        if fits {
            Ok(entry)
        } else {
            Err(<serde_json::Error as serde::de::Error>::custom(
                "not the one canonical form of a party entry of format 1, profile 1",
            ))
        }
    }

    /// Writes the entry's data.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}
