//! What time does: signs a checkpoint soon after entries were committed, so that the promise of
//! inclusion within 60 seconds holds without anybody asking.

use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use rogatory_core::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

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
