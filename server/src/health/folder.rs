//! The same examination from outside: `rogatory-server doctor` on the server's folder, beside the server or without it.

use super::{Finding, examine};
use crate::authority::Authority;
use crate::config::ServerConfig;
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
    let authority = Authority::of_folder(folder, config, clock, entropy).await?;
    let findings = examine(&authority).await;
    authority.datastore.close().await;
    Ok(findings)
}
