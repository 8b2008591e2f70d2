//! `rogatory-server migrate`: an office that has outgrown a file moves to a PostgreSQL server.
//!
//! ```text
//! ports taken: the server is down ─ the old is sound ─ rows moved ─ the new is sound, and says the same ─ server.toml
//! ```
//! The old file stays, under another name, so that no server goes on with it. A crash before the last step leaves an
//! office that goes on with its file; the new database then is not empty, and must be made anew.

use crate::Sockets;
use crate::config::{DatabaseConfig, FILE_NAME, ServerConfig};
use crate::datastore::{MovedTable, move_rows};
use crate::files::{Disk, rename_durably, write_whole};
use crate::fsck;
use anyhow::{Context as _, bail, ensure};
use std::fmt;
use std::path::{Path, PathBuf};

/// What was done.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// Every table with its rows.
    pub tables: Vec<MovedTable>,
    /// Where the old file lies now.
    pub old: PathBuf,
}

impl fmt::Display for Migrated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for table in &self.tables {
            writeln!(formatter, "{:<20}{:>12}", table.name, table.rows)?;
        }
        write!(
            formatter,
            "moved, checked and written to {FILE_NAME}; the old file is kept as {}: remove it once a backup of the new \
             database is made",
            self.old.display()
        )
    }
}

/// Moves the database of the server in `folder` to `to`.
///
/// # Errors
/// If the server runs, its database is no file or not sound, the new one is not empty, or says anything else than the
/// old one. The office then is as it was.
pub async fn migrate(folder: &Path, to: DatabaseConfig) -> anyhow::Result<Migrated> {
    let config = ServerConfig::load(folder)?;
    let Some(file) = config.database.file.clone() else { bail!("this server's database is no file") };
    let _ports = Sockets::bind(&config).await.context("stop the server first")?;
    let before = fsck::check(folder, false).await?;
    ensure!(
        before.sound,
        "what is not sound is not moved; `rogatory-server fsck` says what is wrong:\n{before}"
    );
    let (old, new) = (config.database.location(folder)?, to.location(folder)?);
    let tables = move_rows(&old, &new).await?;
    let config = ServerConfig { database: to, ..config };
    let after = fsck::check_with(folder, config.clone(), false).await?;
    ensure!(
        after == before,
        "the new database says something else than the old one:\n{after}\ninstead of\n{before}"
    );
    let path = folder.join(FILE_NAME);
    let kept = folder.join(&file).with_added_extension("moved");
    write_whole(&Disk::OwnerOnly, &path, toml::to_string(&config)?.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    rename_durably(&Disk::OwnerOnly, &folder.join(&file), &kept)
        .with_context(|| format!("{} cannot be renamed", file.display()))?;
    Ok(Migrated { tables, old: kept })
}
