//! The same examination from outside: `rogatory-server doctor` on the server's folder, beside the server or without it.

use super::{Finding, examine};
use crate::authority::Authority;
use crate::config::ServerConfig;
use crate::datastore::{Datastore, Opening};
use crate::faults::NoFaults;
use crate::files::{Disk, DurableFiles};
use crate::institution::Institution;
use crate::keystore::KeyStore;
use crate::vault::Vault;
use anyhow::Context as _;
use rogatory_core::{Clock, Entropy};
use std::path::Path;
use std::sync::Arc;

/// Examines the server's folder. Serves nobody and records nothing.
///
/// # Errors
/// If the folder cannot be opened at all: no configuration, no database, no key-encryption key.
pub async fn examine_folder(
    folder: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Vec<Finding>> {
    let config = ServerConfig::load(folder)?;
    let files: Arc<dyn DurableFiles> = Arc::new(Disk::OwnerOnly);
    let wrapping_path = folder.join(&config.keys.key_encryption_key);
    let wrapping = std::fs::read(&wrapping_path)
        .with_context(|| format!("the key-encryption key {} cannot be read", wrapping_path.display()))?;
    let keys = KeyStore::open(&folder.join(&config.storage.case_keys), Arc::clone(&files), &wrapping)?;
    let opening = Opening {
        location: &config.database.location(folder)?,
        create: false,
        keys: Arc::new(keys),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
        faults: Arc::new(NoFaults),
    };
    let datastore = Datastore::open(opening).await?;
    let vault = Vault::open(folder.join(&config.storage.vault), files)?;
    let institution = Institution::load(folder, config)?;
    let authority =
        Authority::assemble(institution, datastore, vault, clock, entropy, Arc::new(NoFaults)).await?;
    let findings = examine(&authority).await;
    authority.datastore.close().await;
    Ok(findings)
}
