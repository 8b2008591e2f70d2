//! The whole log as files (C2SP tlog-tiles), for an auditor who looks for what a record leaves out.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::datastore::{Act, OFFICE, Session, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_custody::tiles::{CHECKPOINT, Tile, TileKind, hash_tiles, leaf_bundles, write_bundle};
use std::sync::Arc;

/// A file of the export.
pub struct TileFile {
    /// Its path, as tlog-tiles names it.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// The log up to one checkpoint.
pub struct Tiles {
    authority: Arc<Authority>,
    size: u64,
    checkpoint: Vec<u8>,
}

/// Begins an export, after the export itself is recorded.
///
/// # Errors
/// [`Problem`] if the log is damaged or the database fails.
pub async fn export_tiles(authority: &Arc<Authority>, permit: &Permit) -> Result<Tiles, Problem> {
    authority.datastore.perform(RecordTiles { actor: permit.actor() }).await?;
    let (size, checkpoint) = sign_checkpoint(authority)
        .await?
        .ok_or_else(|| Problem::internal("the log is empty after an entry", "no checkpoint"))?;
    Ok(Tiles { authority: Arc::clone(authority), size, checkpoint })
}

impl Tiles {
    /// The checkpoint, which comes first.
    #[must_use]
    pub fn checkpoint(&self) -> TileFile {
        TileFile { path: CHECKPOINT.to_owned(), content: self.checkpoint.clone() }
    }

    /// What comes behind it.
    pub fn tiles(&self) -> impl Iterator<Item = Tile> + use<> {
        hash_tiles(self.size).chain(leaf_bundles(self.size))
    }

    /// Reads one of [`Tiles::tiles`]; who takes slowly holds no connection meanwhile.
    ///
    /// # Errors
    /// [`Problem`] if the log is damaged or the database fails.
    pub async fn file(&self, tile: Tile) -> Result<TileFile, Problem> {
        let content = content(&mut self.authority.datastore.read().await?, tile).await?;
        Ok(TileFile { path: tile.to_string(), content })
    }
}

/// Leaves and nodes never change, so that files read one after another are those of one log.
async fn content(session: &mut Session, tile: Tile) -> Result<Vec<u8>, Problem> {
    let (found, content) = match (tile.kind, tile.nodes().next()) {
        (TileKind::Hashes { .. }, Some(first)) => {
            let hashes = session.level_nodes(first.level, first.index, tile.width).await?;
            (hashes.len(), hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
        }
        _ => {
            let leaves = session.leaves(tile.start(), tile.width).await?;
            (leaves.len(), write_bundle(&leaves))
        }
    };
    if found as u64 == tile.width {
        Ok(content)
    } else {
        Err(Problem::internal(
            "the custody log is damaged",
            format!("`{tile}` has {found} of {}", tile.width),
        ))
    }
}

struct RecordTiles {
    actor: Actor,
}

impl Act for RecordTiles {
    const NAME: &'static str = "record-tiles";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let leaves = tx.tree_size().await?;
        let event = CustodyEvent::internal(Event::LeavesExported { leaves });
        tx.record(OFFICE, &self.actor, event).await?;
        Ok(())
    }
}
