//! The configuration file, `server.toml`: typed sections, unknown keys rejected, secrets by file.
//!
//! Paths are relative to the folder of the file. Reads nothing but that file.

mod database;
mod institution;
mod listen;
mod officer;
mod storage;
mod time_stamps;

pub use database::DatabaseConfig;
pub use institution::{InstitutionConfig, InstitutionKind, KeysConfig};
pub use listen::ListenConfig;
pub use officer::OfficerConfig;
pub use storage::StorageConfig;
pub use time_stamps::TimeStampsConfig;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The name of the configuration file in a server's folder.
pub const FILE_NAME: &str = "server.toml";

/// The configuration of one server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Who this server serves.
    pub institution: InstitutionConfig,
    /// Where it listens.
    pub listen: ListenConfig,
    /// Keys and certificates, by file.
    pub keys: KeysConfig,
    /// Its database.
    pub database: DatabaseConfig,
    /// Where it stores the rest.
    pub storage: StorageConfig,
    /// Who proves the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_stamps: Option<TimeStampsConfig>,
    /// Who works here.
    #[serde(default, rename = "officer")]
    pub officers: Vec<OfficerConfig>,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML of the form expected.
    #[error("the configuration {path} is malformed")]
    Form {
        /// The file.
        path: PathBuf,
        /// What and where.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A section contradicts itself or another.
    #[error("`{section}` in the configuration: {what}")]
    Section {
        /// The section.
        section: &'static str,
        /// What is wrong, and what to write instead.
        what: String,
    },
}

impl ServerConfig {
    /// Reads `server.toml` in `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file or the section.
    pub fn load(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join(FILE_NAME);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
        let config: Self =
            toml::from_str(&text).map_err(|source| ConfigError::Form { path, source: Box::new(source) })?;
        config.validate()?;
        Ok(config)
    }

    /// Reads the key-encryption key of the office in `folder`.
    ///
    /// # Errors
    /// Names the file.
    pub fn key_encryption_key(&self, folder: &Path) -> anyhow::Result<Vec<u8>> {
        let path = folder.join(&self.keys.key_encryption_key);
        std::fs::read(&path)
            .with_context(|| format!("the key-encryption key {} cannot be read", path.display()))
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`ConfigError::Section`] naming the section and what to write instead.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.institution.validate()?;
        self.listen.validate()?;
        self.keys.validate()?;
        self.database.validate()?;
        self.storage.validate()?;
        if let Some(time_stamps) = &self.time_stamps {
            time_stamps.validate()?;
        }
        officer::validate(&self.officers)
    }
}
