//! `rogatory-server backup` and `restore`: what an office keeps, copied beside the running server, and put back.
//!
//! ```text
//! backup   rows of one instant ─ packages they name ─ case keys, into a folder of their own ─ fsck of the copy
//! restore  packages ─ case keys, unless newer ones are here ─ rows, last ─ fsck; then `next-epoch` begins
//! ```
//! What a row names is durable before the row, so packages and keys that are copied after the rows are whole. The copy
//! says of itself that it is a backup, so that no server goes on with it unnoticed. Keys of the office are in neither: the
//! key-encryption key, without which nothing of a case can be read, and what signs. Case keys never lie in the folder of
//! the backup, and of them there is the newest generation only, or an erased case could be read again.

use crate::Sockets;
use crate::config::{DatabaseConfig, FILE_NAME, ServerConfig};
use crate::datastore::{back_up_rows, restore_rows};
use crate::files::{Disk, DurableFiles as _, make_folder, rename_durably, temporary_name, write_whole};
use crate::fsck;
use crate::institution::ENTRY_FILE;
use anyhow::{Context as _, bail, ensure};
use rogatory_core::Timestamp;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The file of the rows in a backup.
const DATABASE: &str = "database.sqlite";
/// The folder of whole packages, in the vault and in a backup's.
const PACKAGES: &str = "packages";
const DISK: Disk = Disk::OwnerOnly;
/// So many first bytes of the first file of a key store tell whose it is: they reach into the first wrapped key.
const TOLD_BY_BYTES: usize = 32;

/// What was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// How many rows.
    pub rows: i64,
    /// How many bytes of packages were written.
    pub package_bytes: u64,
    /// What `fsck` says of the copy.
    pub report: fsck::Report,
}

impl fmt::Display for Copied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} rows, {} bytes of packages", self.rows, self.package_bytes)?;
        write!(formatter, "{}", self.report)
    }
}

/// The configuration under which a backup of the office is read: its own rows and packages, the office's keys.
///
/// # Errors
/// If the present folder has no name.
pub fn configuration_of(
    config: &ServerConfig,
    backup: &Path,
    case_keys: &Path,
) -> anyhow::Result<ServerConfig> {
    let (backup, case_keys) = (std::path::absolute(backup)?, std::path::absolute(case_keys)?);
    let mut config = config.clone();
    config.database = DatabaseConfig::in_file(backup.join(DATABASE));
    config.storage.vault = backup.join("vault");
    config.storage.case_keys = case_keys;
    Ok(config)
}

/// Copies what the server in `folder` keeps to the new folder `to`, and the case keys to `case_keys`, in place of those
/// of the backup before. Changes nothing in `folder`; the server may run.
///
/// # Errors
/// If `to` is there already, the case keys would lie in it, anything cannot be read or written, or the copy is not sound:
/// also when a case was erased meanwhile. What was written then is no backup.
pub async fn back_up(folder: &Path, to: &Path, case_keys: &Path, now: Timestamp) -> anyhow::Result<Copied> {
    let config = ServerConfig::load(folder)?;
    let of_copy = configuration_of(&config, to, case_keys)?;
    ensure!(!to.exists(), "{} is there already; a backup is a new folder", to.display());
    ensure!(
        !of_copy.storage.case_keys.starts_with(std::path::absolute(to)?),
        "the case keys must not lie in the folder of the backup: whoever has both can read what is erased later"
    );
    make_folder(&DISK, to).with_context(|| format!("{} cannot be made", to.display()))?;
    let tables = back_up_rows(&config.database.location(folder)?, &to.join(DATABASE), now).await?;
    for name in [FILE_NAME, ENTRY_FILE] {
        if let Ok(bytes) = fs::read(folder.join(name)) {
            write_whole(&DISK, &to.join(name), &bytes)?;
        }
    }
    let vault = folder.join(&config.storage.vault);
    let package_bytes = copy_packages(&vault, &of_copy.storage.vault)?;
    copy_case_keys(&folder.join(&config.storage.case_keys), &of_copy.storage.case_keys)?;
    let report = fsck::check_with(folder, of_copy, false).await?;
    ensure!(report.sound, "the copy is not sound; if a case was erased meanwhile, make it again:\n{report}");
    Ok(Copied { rows: tables.iter().map(|table| table.rows).sum(), package_bytes, report })
}

/// Puts the backup `from` back into `folder`, which has its configuration and keys and no database; the case keys from
/// `case_keys`, unless some are there. Whatever a crash leaves, the same call goes on.
///
/// # Errors
/// If the server runs, there is a database, or anything cannot be read or written. That what was put back is not sound
/// is no error: the report says it.
pub async fn restore(folder: &Path, from: &Path, case_keys: Option<&Path>) -> anyhow::Result<Copied> {
    let config = ServerConfig::load(folder)?;
    let _ports = Sockets::bind(&config).await.context("stop the server first")?;
    let rows = from.join(DATABASE);
    ensure!(rows.is_file(), "{} holds no backup: `{DATABASE}` is missing", from.display());
    let file = config.database.file.as_ref().map(|file| folder.join(file));
    if let Some(file) = file.as_ref().filter(|file| file.exists()) {
        bail!(
            "there is a database already: move {} aside first, it may hold what the backup lacks",
            file.display()
        );
    }
    let package_bytes = copy_packages(&from.join("vault"), &folder.join(&config.storage.vault))?;
    let own_keys = folder.join(&config.storage.case_keys);
    match case_keys {
        // Those here are as new as any that were copied, and say what was erased since.
        _ if has_case_keys(&own_keys)? => {}
        Some(case_keys) => {
            ensure!(has_case_keys(case_keys)?, "{} holds no case keys", case_keys.display());
            copy_case_keys(case_keys, &own_keys)?;
        }
        None => bail!(
            "there are no case keys in {}: say with --case-keys where their copy is",
            own_keys.display()
        ),
    }
    let tables = match &file {
        None => restore_rows(&rows, &config.database.location(folder)?).await?,
        Some(file) => {
            let partly = temporary_name(file);
            DISK.remove(&partly)?;
            let to = DatabaseConfig::in_file(partly.clone()).location(folder)?;
            let tables = restore_rows(&rows, &to).await?;
            File::open(&partly)?.sync_all()?;
            rename_durably(&DISK, &partly, file)?;
            tables
        }
    };
    let report = fsck::check(folder, false).await?;
    Ok(Copied { rows: tables.iter().map(|table| table.rows).sum(), package_bytes, report })
}

/// Copies the whole packages of one vault to another, those that are there already left out; gives the bytes written. Parts
/// of transfers are left out: what was not receipted is sent again.
fn copy_packages(from: &Path, to: &Path) -> anyhow::Result<u64> {
    let (from, to) = (from.join(PACKAGES), to.join(PACKAGES));
    make_folder(&DISK, &to).with_context(|| format!("{} cannot be made", to.display()))?;
    copy_folder(&from, &to).with_context(|| format!("the packages in {} cannot be copied", from.display()))
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<u64> {
    let entries = match fs::read_dir(from) {
        // None yet; or it was erased while others were copied, and `fsck` says whether it is missed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    DISK.create_folder(to)?;
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        bytes += match entry.file_type()?.is_dir() {
            true => copy_folder(&source, &target)?,
            false => copy_object(&source, &target)?,
        };
    }
    DISK.sync_folder(to)?;
    Ok(bytes)
}

/// Copies one object, unless it is there: an object never changes, and gets its name when it is durable.
fn copy_object(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = match File::open(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        source => source?,
    };
    if to.metadata().is_ok_and(|there| source.metadata().is_ok_and(|here| here.len() == there.len())) {
        return Ok(0);
    }
    let partly = temporary_name(to);
    let mut target = DISK.open_at(&partly, 0)?;
    let bytes = io::copy(&mut source, &mut target)?;
    target.sync()?;
    DISK.rename(&partly, to)?;
    Ok(bytes)
}

fn key_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "keys")).collect())
}

fn has_case_keys(folder: &Path) -> anyhow::Result<bool> {
    let files = key_files(folder).with_context(|| format!("{} cannot be listed", folder.display()))?;
    Ok(!files.is_empty())
}

/// Writes the files of the key store over those of the copy before, in place: a key that was erased meanwhile is zeros
/// then in the copy too. Files only grow, and records in them only become zeros, so a copy that broke off is sound.
fn copy_case_keys(from: &Path, to: &Path) -> anyhow::Result<()> {
    let failed = || format!("the case keys in {} cannot be copied to {}", from.display(), to.display());
    make_folder(&DISK, to).with_context(failed)?;
    let before: u64 = key_files(to).with_context(failed)?.len() as u64;
    let mut files = key_files(from).with_context(failed)?;
    files.sort();
    ensure!(
        before <= files.len() as u64,
        "{} holds the case keys of another office, or newer ones: {before} files",
        to.display()
    );
    for (nth, file) in files.into_iter().enumerate() {
        let bytes = fs::read(&file).with_context(failed)?;
        let target = to.join(file.file_name().unwrap_or_default());
        let there = target.metadata().map_or(0, |there| there.len());
        ensure!(there <= bytes.len() as u64, "{} holds more keys than the office", target.display());
        if there == 0 {
            write_whole(&DISK, &target, &bytes).with_context(failed)?;
            continue;
        }
        // The first record of an office is its own key, which is never erased: other bytes are another office's.
        let (copied, shown) = (fs::read(&target).with_context(failed)?, TOLD_BY_BYTES.min(bytes.len()));
        let same = copied.get(..shown) == bytes.get(..shown);
        ensure!(nth > 0 || same, "{} holds the case keys of another office", target.display());
        let (over, behind) = bytes.split_at(usize::try_from(there)?);
        DISK.overwrite(&target, 0, over).with_context(failed)?;
        let mut file = DISK.open_at(&target, there).with_context(failed)?;
        io::Write::write_all(&mut file, behind).with_context(failed)?;
        file.sync().with_context(failed)?;
    }
    DISK.sync_folder(to).with_context(failed)
}
