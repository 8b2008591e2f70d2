//! `[database]`: a SQLite file, or a database of a PostgreSQL server.

use super::ConfigError;
use crate::datastore::Location;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// `[database]`: `file`, or `url` with what it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The SQLite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The database of a PostgreSQL server: `postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full&sslrootcert=FILE`. No
    /// password stands in it. A file it names is relative to where the server is started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file that holds the password of that user and nothing else; without it `PGPASSWORD` and `.pgpass` serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

fn wrong(what: impl Into<String>) -> ConfigError {
    ConfigError::Section { section: "database", what: what.into() }
}

impl DatabaseConfig {
    /// A SQLite file.
    #[must_use]
    pub const fn in_file(file: PathBuf) -> Self {
        Self { file: Some(file), url: None, password_file: None }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match (&self.file, &self.url) {
            (Some(_), Some(_)) => Err(wrong("write `file` or `url`, not both")),
            (None, None) => {
                Err(wrong("write `file = \"database.sqlite\"`, or `url` for a PostgreSQL server"))
            }
            (Some(_), None) if self.password_file.is_some() => {
                Err(wrong("`password_file` belongs to `url`; a file needs no password"))
            }
            (Some(_), None) => Ok(()),
            (None, Some(url)) => Location::server(url, None).map(drop).map_err(wrong),
        }
    }

    /// Where the database lies; paths are relative to `folder`. Reads the file of the password.
    ///
    /// # Errors
    /// [`ConfigError`] if the section contradicts itself, or the password cannot be read.
    pub fn location(&self, folder: &Path) -> Result<Location, ConfigError> {
        self.validate()?;
        let Some(url) = &self.url else {
            let file = self.file.as_ref().ok_or_else(|| wrong("names no file"))?;
            return Ok(Location::file(folder.join(file)));
        };
        let password = match &self.password_file {
            None => None,
            Some(file) => {
                let path = folder.join(file);
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    wrong(format!("`password_file` {} cannot be read: {error}", path.display()))
                })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
        };
        Location::server(url, password.as_deref()).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let config: DatabaseConfig = toml::from_str(text).expect("a section");
        config.validate().expect_err("refused").to_string()
    }

    #[test]
    fn a_section_names_one_database() {
        assert!(refused("").contains("file = "));
        assert!(refused("file = 'a'\nurl = 'postgres://r@localhost/r'").contains("not both"));
        assert!(refused("file = 'a'\npassword_file = 'b'").contains("belongs to `url`"));
        assert!(refused("url = 'postgres://r:secret@localhost/r'").contains("password_file"));
        assert!(toml::from_str::<DatabaseConfig>("path = 'a'").is_err());
    }

    #[test]
    fn a_password_is_read_from_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let config: DatabaseConfig =
            toml::from_str("url = 'postgres://r@localhost/r'\npassword_file = 'password'")
                .expect("a section");
        let why = config.location(folder.path()).err().expect("no file").to_string();
        assert!(why.contains("password_file"), "{why}");
        std::fs::write(folder.path().join("password"), "secret\n").expect("written");
        assert!(config.location(folder.path()).is_ok());
    }
}
