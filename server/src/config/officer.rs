//! `[[officer]]`: who works here, in which roles, with which certificates.

use super::ConfigError;
use rogatory_core::Role;
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
    /// Her age recipient, if she opens evidence.
    pub recipient: Option<String>,
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
    }
    Ok(())
}
