//! `[storage]`: vault and key store.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[storage]`. The key store must not lie in what a backup of database and vault takes along.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// The folder of sealed packages.
    pub vault: PathBuf,
    /// The folder of wrapped case keys.
    pub case_keys: PathBuf,
    /// The largest package that is taken from another institution, in bytes, as the party entry says it; without it
    /// the disk alone is the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_bytes: Option<u64>,
    /// After how many days a stored package is read again and compared with its digests; 30 if it is left out, never
    /// if it is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck_days: Option<u16>,
}

impl StorageConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.package_bytes == Some(0) {
            let what = "`package_bytes` must be a number of bytes above 0; leave it out if the disk alone is the limit";
            return Err(ConfigError::Section { section: "storage", what: what.to_owned() });
        }
        Ok(())
    }
}
