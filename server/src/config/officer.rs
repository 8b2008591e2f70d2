//! `[[officer]]`: who works here, in which roles, with which certificates.

use super::ConfigError;
use rogatory_core::Role;
use rogatory_evidence::{AgeRecipient, Encryption};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// `[[officer]]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficerConfig {
    /// The id in the officer's TLS certificate, below this institution.
    pub id: String,
    /// The name in words.
    pub name: String,
    /// The roles.
    pub roles: Vec<Role>,
    /// PEM of the certificate with which she signs.
    pub signing_certificate: PathBuf,
    /// Her age recipient, `age1…`, if she opens evidence.
    pub recipient: Option<String>,
    /// Her post-quantum age recipient, `age1pq1…`, if she has one.
    pub recipient_hybrid: Option<String>,
}

/// Whether a recipient, if there is one, is one of its kind.
pub(super) fn check_recipient(text: Option<&str>, kind: Encryption) -> Result<(), &'static str> {
    let is_of_kind = |text: &str| text.parse::<AgeRecipient>().is_ok_and(|key| key.encryption() == kind);
    match (text, kind) {
        (None, _) => Ok(()),
        (Some(text), _) if is_of_kind(text) => Ok(()),
        (Some(_), Encryption::X25519) => Err("is no classical age recipient; it begins with `age1`"),
        (Some(_), Encryption::Mlkem768X25519) => {
            Err("is no post-quantum age recipient; it begins with `age1pq1`")
        }
    }
}

pub(super) fn validate(officers: &[OfficerConfig]) -> Result<(), ConfigError> {
    let mut ids = BTreeSet::new();
    for officer in officers {
        let wrong = |what: &str| ConfigError::Section {
            section: "officer",
            what: format!("`{}`: {what}", officer.id),
        };
        if !ids.insert(&officer.id) {
            return Err(wrong("stands twice; every officer has one section"));
        }
        if officer.roles.is_empty() {
            return Err(wrong("has no role; name at least one, for example [\"drafter\"]"));
        }
        check_recipient(officer.recipient.as_deref(), Encryption::X25519)
            .map_err(|what| wrong(&format!("`recipient` {what}")))?;
        check_recipient(officer.recipient_hybrid.as_deref(), Encryption::Mlkem768X25519)
            .map_err(|what| wrong(&format!("`recipient_hybrid` {what}")))?;
    }
    Ok(())
}
