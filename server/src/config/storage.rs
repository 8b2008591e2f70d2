//! `[storage]`: database, vault and key store.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[storage]`. The key store must not lie in what a backup of database and vault takes along.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// The SQLite file.
    pub database: PathBuf,
    /// The folder of sealed packages.
    pub vault: PathBuf,
    /// The folder of wrapped case keys.
    pub case_keys: PathBuf,
}
