//! Signs the log as far as it is committed.
//!
//! ```text
//! committed size and root read ── signed ── compare-and-swap
//!                                        └ lost the race: another checkpoint stands, which is as good
//! ```
//! The tree only grows and its root at a size never changes, so two roots at one size are never signed.

use crate::authority::Authority;
use crate::datastore::{Act, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_custody::checkpoint::Checkpoint;

/// The checkpoint over all that is committed now, and its size; none while the log is empty.
///
/// # Errors
/// [`Problem`] if the log is damaged or the key fails.
pub async fn sign_checkpoint(authority: &Authority) -> Result<Option<(u64, Vec<u8>)>, Problem> {
    let mut session = authority.datastore.read().await?;
    let before = session.checkpoint().await?;
    let size = session.tree_size().await?;
    if size == 0 {
        return Ok(None);
    }
    if let Some((signed, note)) = &before
        && *signed >= size
    {
        return Ok(Some((*signed, note.clone())));
    }
    let root = session.root(size).await?;
    drop(session);
    let checkpoint = Checkpoint { origin: authority.institution.log_origin().clone(), size, root };
    let note = checkpoint
        .sign(authority.institution.log_key())
        .map_err(|error| Problem::internal("the checkpoint could not be signed", error))?
        .into_bytes();
    let expected = before.map(|(signed, _)| signed);
    let won = authority.datastore.perform(Replace { expected, size, note: note.clone() }).await?;
    let stands =
        if won { Some((size, note)) } else { authority.datastore.read().await?.checkpoint().await? };
    authority.take_up_checkpoint();
    Ok(stands)
}

struct Replace {
    expected: Option<u64>,
    size: u64,
    note: Vec<u8>,
}

impl Act for Replace {
    const NAME: &'static str = "replace-checkpoint";
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        tx.replace_checkpoint(self.expected, self.size, &self.note).await
    }
}
