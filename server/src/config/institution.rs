//! `[institution]` and `[keys]`: who this is, and the files of its keys.

use super::ConfigError;
use super::officer::check_recipient;
use rogatory_core::PartyId;
use rogatory_core::document::Competence;
use rogatory_custody::checkpoint::Origin;
use rogatory_evidence::Encryption;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A preset of competences; the competences themselves decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum InstitutionKind {
    /// Sends and receives requests for its State.
    CentralAuthority,
    /// A court or prosecutor's office with a server of its own.
    JudicialAuthority,
    /// A 24/7 point of contact.
    ContactPoint,
    /// Holds data and answers orders.
    Provider,
    /// Verifies.
    Court,
}

impl InstitutionKind {
    /// The preset's name in configuration and party entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CentralAuthority => "central-authority",
            Self::JudicialAuthority => "judicial-authority",
            Self::ContactPoint => "contact-point",
            Self::Provider => "provider",
            Self::Court => "court",
        }
    }

    /// The competences the preset stands for.
    #[must_use]
    pub fn competences(self) -> Vec<Competence> {
        match self {
            Self::CentralAuthority | Self::JudicialAuthority | Self::ContactPoint => {
                vec![Competence::RequestAssistance, Competence::ExecuteRequests]
            }
            Self::Provider => vec![Competence::ProduceEvidence],
            Self::Court => vec![Competence::VerifyEvidence],
        }
    }
}

/// `[institution]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstitutionConfig {
    /// `<country>/<institution>`.
    pub party: PartyId,
    /// Its name in words.
    pub name: String,
    /// The preset.
    pub kind: InstitutionKind,
    /// What it may do.
    pub competences: Vec<Competence>,
    /// The domain under which its custody log is named.
    pub domain: String,
    /// The epoch of its custody log; a restored backup begins the next.
    pub epoch: u32,
    /// BCP 47 tags of the languages it accepts.
    pub languages: Vec<String>,
    /// How to reach it in an emergency, in words.
    #[serde(default)]
    pub urgent_route: String,
}

impl InstitutionConfig {
    /// The origin of the custody log: `<domain>/rogatory/<country>/<institution>/<epoch>`.
    ///
    /// # Errors
    /// [`ConfigError`] if the domain or the epoch cannot stand there.
    pub fn log_origin(&self) -> Result<Origin, ConfigError> {
        Origin::new(&self.domain, self.party.clone(), self.epoch).map_err(|error| ConfigError::Section {
            section: "institution",
            what: format!("`domain` and `epoch`: {error}"),
        })
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| ConfigError::Section { section: "institution", what: what.to_owned() };
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(wrong("`name` must say the institution's name in words"));
        }
        self.log_origin()?;
        if self.competences.is_empty() {
            return Err(wrong("`competences` must name at least one, for example [\"request-assistance\"]"));
        }
        Ok(())
    }
}

/// `[keys]`: file names; the keys themselves never stand in the configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysConfig {
    /// PEM of the TLS certificate and its chain.
    pub tls_certificate: PathBuf,
    /// PKCS#8 PEM of its key.
    pub tls_key: PathBuf,
    /// PEM of the anchors of the own country.
    pub anchors: PathBuf,
    /// PEM of the seal certificate and its chain.
    pub seal_certificate: PathBuf,
    /// PKCS#8 PEM of its key.
    pub seal_key: PathBuf,
    /// PKCS#8 PEM of the Ed25519 key of the custody log.
    pub log_key: PathBuf,
    /// PKCS#8 PEM of the Ed25519 key that cosigns the logs of others.
    pub witness_key: PathBuf,
    /// 32 random bytes under which case keys are wrapped; kept out of every backup of the database.
    pub key_encryption_key: PathBuf,
    /// Revocation lists (DER or PEM) of the issuers of those who connect here, kept fresh by the operator: read again every
    /// few minutes. Who stands on one is not admitted; where one has run out, nobody of its issuer is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocation_lists: Vec<PathBuf>,
    /// The age recipient, `age1…`, whose identity lies offline with two persons; none if the office has no such key.
    pub recovery_recipient: Option<String>,
    /// The post-quantum one, `age1pq1…`, whose identity lies there too.
    pub recovery_recipient_hybrid: Option<String>,
}

impl KeysConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |name: &str, what: &str| ConfigError::Section {
            section: "keys",
            what: format!("`{name}` {what}"),
        };
        check_recipient(self.recovery_recipient.as_deref(), Encryption::X25519)
            .map_err(|what| wrong("recovery_recipient", what))?;
        check_recipient(self.recovery_recipient_hybrid.as_deref(), Encryption::Mlkem768X25519)
            .map_err(|what| wrong("recovery_recipient_hybrid", what))
    }
}
