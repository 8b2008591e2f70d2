//! What time does: signs a checkpoint soon after entries were committed, so that the promise of
//! inclusion within 60 seconds holds without anybody asking; removes what was announced and never completed.

use crate::authority::Authority;
use crate::casework::remove_stale_transfers::remove_stale_transfers;
use crate::casework::sign_checkpoint::sign_checkpoint;
use rogatory_core::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);
const TRANSFERS_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// After so many days without a word from the sender a transfer is taken for given up.
const STALE_DAYS: u16 = 30;

/// Signs checkpoints until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn checkpoints(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CHECKPOINT_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        if let Err(problem) = sign_checkpoint(&authority).await {
            tracing::error!(problem = %chain(&problem), "no checkpoint could be signed");
        }
    }
}

/// Removes stale transfers until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn stale_transfers(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TRANSFERS_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        if let Err(problem) = remove_stale_transfers(&authority, STALE_DAYS).await {
            tracing::error!(problem = %chain(&problem), "stale transfers could not be removed");
        }
    }
}
