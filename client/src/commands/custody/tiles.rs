//! The whole log as files, for an auditor: fetched from the own server, and scanned offline.

use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::{Digest, PartyId};
use rogatory_custody::audit::{Audit, AuditError};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::note::MAX_NOTE_BYTES;
use rogatory_custody::record::{Record, verify_record};
use rogatory_custody::tiles::{
    CHECKPOINT, MAX_BUNDLE_BYTES, TILE_WIDTH, Tile, TileKind, hash_tiles, leaf_bundles, read_bundle,
};
use rogatory_custody::tree::Node;
use rogatory_proto::custody::v1 as custody;
use serde::Serialize;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The levels of the tree that a tile spans.
const TILE_HEIGHT: u8 = 8;

/// The result of [`fetch`].
#[derive(Clone, Debug, Serialize)]
pub struct TilesFetched {
    /// The folder written.
    pub folder: PathBuf,
    /// The number of leaves that the checkpoint says.
    pub leaves: u64,
    /// The number of files.
    pub files: u64,
}

impl Outcome for TilesFetched {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.folder.display());
        page.fact("leaves", self.leaves);
        page.fact("files", self.files);
    }
}

/// Fetches the whole log as tiles (C2SP tlog-tiles) into a new folder. Verifies nothing: an auditor does that.
///
/// # Errors
/// If the server refuses or hands out other files than a log of that size has, or the folder is there already or
/// cannot be written.
pub async fn fetch(session: &Session, folder: &Path) -> Result<TilesFetched, Problem> {
    files::must_be_new(folder)?;
    let partial = files::partial_name(folder);
    let cannot = |error: std::io::Error| {
        Problem::failed(format!("`{}` cannot be written", partial.display())).because(&error)
    };
    // What an earlier try left is not continued.
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error)),
        _ => {}
    }
    let mut client = session.connection().await?.custody();
    let mut stream = client.export_tiles(custody::ExportTilesRequest {}).await.map_err(explain)?.into_inner();
    let other = || Problem::failed("the server handed out other files than its log has");
    let first = stream.message().await.map_err(explain)?.ok_or_else(other)?;
    let leaves = (first.path == CHECKPOINT).then(|| size_of(&first.content)).flatten().ok_or_else(other)?;
    files::make_directory(&partial)?;
    fs::write(partial.join(CHECKPOINT), &first.content).map_err(cannot)?;
    let mut count = 1;
    for tile in hash_tiles(leaves).chain(leaf_bundles(leaves)) {
        let file = stream.message().await.map_err(explain)?.ok_or_else(other)?;
        let path = tile.to_string();
        if file.path != path || file.content.len() > MAX_BUNDLE_BYTES {
            return Err(other());
        }
        let target = partial.join(path);
        if let Some(parent) = target.parent() {
            files::make_directory(parent)?;
        }
        fs::write(&target, &file.content).map_err(cannot)?;
        count += 1;
    }
    if stream.message().await.map_err(explain)?.is_some() {
        return Err(other());
    }
    fs::rename(&partial, folder).map_err(cannot)?;
    Ok(TilesFetched { folder: folder.to_owned(), leaves, files: count })
}

/// The size on the second line of a checkpoint that nobody verified: it says which files follow, no more.
fn size_of(note: &[u8]) -> Option<u64> {
    std::str::from_utf8(note).ok()?.lines().nth(1)?.parse().ok()
}

/// The result of [`audit`]: the log holds what the record says, and as far as was looked nothing beside it.
#[derive(Clone, Debug, Serialize)]
pub struct LogAudited {
    /// Always true; what fails is a problem instead.
    pub verified: bool,
    /// The institution whose log it is.
    pub institution: PartyId,
    /// The log.
    pub origin: String,
    /// How many leaves were read.
    pub leaves: u64,
    /// The root over them.
    pub root: Digest,
    /// How many leaves there were when the record was made.
    pub record_leaves: u64,
    /// What the leaves say of each stream of the record.
    pub streams: Vec<StreamAudited>,
    /// SHA-256 of the record.
    pub record_sha256: Digest,
}

/// One stream of the record.
#[derive(Clone, Debug, Serialize)]
pub struct StreamAudited {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Each number from 1 to this one stands once, where the record says.
    pub complete_to: u64,
    /// The leaf of the next number, which came after the record was made; none if there is none.
    pub next: Option<u64>,
    /// The last number that was looked for.
    pub looked_to: u64,
}

impl Outcome for LogAudited {
    fn show(&self, page: &mut Page) {
        page.fact("log", "audited");
        page.fact("institution", &self.institution);
        page.fact("log", &self.origin);
        page.fact("leaves", format!("{}, root {}", self.leaves, self.root));
        page.fact("record", format!("its {} leaves are the beginning of these", self.record_leaves));
        for stream in &self.streams {
            let StreamAudited { stream, complete_to, next, looked_to } = stream;
            let after = complete_to.saturating_add(1);
            let next = match next {
                None if *looked_to > after => format!("there is no #{after}, nor any other to #{looked_to}"),
                None => format!("there is no #{after}"),
                Some(leaf) => format!("#{after} came later, at leaf {leaf}: ask for the record anew"),
            };
            page.fact("stream", format!("{stream}: #1 to #{complete_to} stand once each; {next}"));
        }
        page.fact("sha256", self.record_sha256);
        page.blank();
        page.line("Shown: among all leaves of this log no second entry has one of the numbers above, and when the record was");
        page.line("made, none had a later number of these streams, as far as was looked.");
        page.line("Not shown: that none has a number further on, or stands in another stream of the case; that the events");
        page.line("happened; and that no other version of the log exists.");
    }
}

/// Scans all leaves of a log for entries of one case that its record leaves out. Offline.
///
/// # Errors
/// Unverified, naming what stands against the log or the record; also without an entry of the institution.
pub fn audit(folder: &Path, record: &[u8], trust: &Trust) -> Result<LogAudited, Problem> {
    let fails =
        |error: &dyn std::error::Error| Problem::unverified("the record does not verify").because(error);
    let parsed = Record::parse(record).map_err(|error| fails(&error))?;
    let institution = parsed.origin.party().clone();
    let keys = trust.log_keys_of(&institution);
    if keys.is_empty() {
        let what = format!("the custody record is one of {institution}, whose entry was not given");
        return Err(
            Problem::unverified(what).with_hint("give the party entry of that institution with --trust")
        );
    }
    let verified = verify_record(record, &keys).map_err(|error| fails(&error))?;
    let note = read(folder, CHECKPOINT, MAX_NOTE_BYTES)?;
    let checkpoint = verify_checkpoint(&note, &keys).map_err(|error| {
        Problem::unverified("the checkpoint beside the leaves does not verify").because(&error)
    })?;
    let against = |error: AuditError| {
        Problem::unverified("the leaves of the log stand against the record").because(&error).with_hint(
            "keep the record and the folder as they are: both are signed by the log's key, and show what was done",
        )
    };
    let size = checkpoint.size();
    let mut audit = Audit::new(checkpoint, &verified, &parsed.tag_key).map_err(against)?;
    let mut hashes = Hashes::new(folder, size);
    for tile in leaf_bundles(size) {
        let bundle = read(folder, &tile.to_string(), MAX_BUNDLE_BYTES)?;
        let leaves = read_bundle(&bundle, tile.width)
            .map_err(|error| Problem::unverified(format!("`{tile}` is no part of a log")).because(&error))?;
        for leaf in leaves {
            hashes.take(audit.leaf(&leaf).map_err(against)?)?;
        }
    }
    let audited = audit.finish().map_err(against)?;
    hashes.finish()?;
    let checkpoint: &VerifiedCheckpoint = audited.checkpoint();
    let origin: &Origin = checkpoint.origin();
    Ok(LogAudited {
        verified: true,
        institution,
        origin: origin.to_string(),
        leaves: checkpoint.size(),
        root: *checkpoint.root(),
        record_leaves: verified.checkpoint().size(),
        streams: audited
            .streams()
            .iter()
            .map(|stream| StreamAudited {
                stream: stream.stream.to_string(),
                complete_to: stream.complete_to,
                next: stream.next,
                looked_to: stream.looked_to,
            })
            .collect(),
        record_sha256: verified.digest(),
    })
}

/// The tiles of hashes, compared with what the leaves give as soon as one is full.
struct Hashes<'a> {
    folder: &'a Path,
    size: u64,
    /// By level of tiles: the hashes of the tile that is being filled.
    open: HashMap<u8, (u64, Vec<u8>)>,
}

impl<'a> Hashes<'a> {
    fn new(folder: &'a Path, size: u64) -> Self {
        Self { folder, size, open: HashMap::new() }
    }

    fn take(&mut self, nodes: Vec<Node>) -> Result<(), Problem> {
        for node in nodes.into_iter().filter(|node| node.at.level.is_multiple_of(TILE_HEIGHT)) {
            let level = node.at.level / TILE_HEIGHT;
            let (count, hashes) = self.open.entry(level).or_default();
            hashes.extend_from_slice(node.hash.as_bytes());
            *count += 1;
            if count.is_multiple_of(TILE_WIDTH) {
                let tile = Tile {
                    kind: TileKind::Hashes { level },
                    index: *count / TILE_WIDTH - 1,
                    width: TILE_WIDTH,
                };
                compare(self.folder, tile, &std::mem::take(hashes))?;
            }
        }
        Ok(())
    }

    /// Compares the right edge.
    fn finish(self) -> Result<(), Problem> {
        for tile in hash_tiles(self.size).filter(|tile| tile.width < TILE_WIDTH) {
            let TileKind::Hashes { level } = tile.kind else { continue };
            let hashes = self.open.get(&level).map(|(_, hashes)| hashes.as_slice()).unwrap_or_default();
            compare(self.folder, tile, hashes)?;
        }
        Ok(())
    }
}

fn compare(folder: &Path, tile: Tile, hashes: &[u8]) -> Result<(), Problem> {
    if read(folder, &tile.to_string(), MAX_BUNDLE_BYTES)? == hashes {
        return Ok(());
    }
    Err(Problem::unverified(format!("`{tile}` does not hold the hashes of the leaves")))
}

fn read(folder: &Path, path: &str, limit: usize) -> Result<Vec<u8>, Problem> {
    files::read(&folder.join(path), limit as u64, "a file of the log")
        .map_err(|problem| Problem::unverified(format!("the log is not whole: {}", clean(problem.message()))))
}
