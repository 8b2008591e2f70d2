//! `rogatory custody …`: the timeline of a case, its record, the court bundle, the proof of one entry, and the offline checks.

use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_proto::custody::v1 as custody;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

mod bundle;
mod prove;
mod tiles;
mod verify;
mod witnessed;
pub use bundle::{BundleArguments, BundleMade, BundlePlan, BundledExhibits, make_bundle, plan_bundle};
pub use prove::{ProofVerified, ProveArguments, Proven, Wanted, is_proof, prove, verify_proof};
pub use tiles::{LogAudited, StreamAudited, TilesFetched, audit, fetch};
pub use verify::{Compared, EpochFacts, KnownTo, RecordVerified, StreamFacts, ToldBy, verify};
pub use witnessed::{Witnessed, require_witnesses};

/// One event of a timeline.
#[derive(Clone, Debug, Serialize)]
pub struct TimelineEvent {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Its number in that stream.
    pub n: u64,
    /// When, in UTC.
    pub time: String,
    /// Its name.
    pub event: String,
    /// Who.
    pub actor: String,
    /// Index of its leaf in the log.
    pub leaf_index: u64,
    /// What was committed to.
    pub body: Value,
}

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    /// The case as it was named.
    pub case: String,
    /// Oldest first.
    pub entries: Vec<TimelineEvent>,
}

impl Outcome for Timeline {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["TIME (UTC)", "STREAM", "#", "EVENT", "BY", "LEAF"]);
        for entry in &self.entries {
            table.row([
                clean(&entry.time),
                clean(&entry.stream),
                entry.n.to_string(),
                clean(&entry.event),
                clean(&entry.actor),
                entry.leaf_index.to_string(),
            ]);
        }
        page.table(&table, "Nothing is recorded for this case.");
    }
}

/// Shows what happened in a case.
///
/// # Errors
/// If the server does not know the case or refuses.
pub async fn show(session: &Session, case: &str) -> Result<Timeline, Problem> {
    let mut cases = session.connection().await?.cases();
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = office::ListTimelineRequest { case_id: case.to_owned(), page_size: 1000, page_token };
        let answer = cases.list_timeline(request).await.map_err(explain)?.into_inner();
        entries.extend(answer.entries.into_iter().map(|entry| TimelineEvent {
            body: serde_json::from_slice(&entry.body).unwrap_or_default(),
            stream: entry.stream,
            n: entry.n,
            time: entry.time,
            event: entry.event,
            actor: entry.actor,
            leaf_index: entry.leaf_index,
        }));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(Timeline { case: case.to_owned(), entries });
        }
    }
}

/// The result of [`export`].
#[derive(Clone, Debug, Serialize)]
pub struct RecordExported {
    /// The file written.
    pub file: PathBuf,
    /// Its SHA-256.
    pub record_sha256: Digest,
    /// Its size.
    pub size_bytes: u64,
}

impl Outcome for RecordExported {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.file.display());
        page.fact("sha256", self.record_sha256);
        page.fact("size", crate::output::page::bytes(self.size_bytes));
    }
}

/// Writes the custody record of a case to a new file.
///
/// # Errors
/// If the server does not know the case or refuses, or the file is there already.
pub async fn export(session: &Session, case: &str, file: &Path) -> Result<RecordExported, Problem> {
    files::must_be_new(file)?;
    let mut client = session.connection().await?.custody();
    let request = custody::ExportRecordRequest { case_id: case.to_owned() };
    let record = client.export_record(request).await.map_err(explain)?.into_inner().record;
    files::write_new(file, &record)?;
    Ok(RecordExported {
        file: file.to_owned(),
        record_sha256: Digest::of(&record),
        size_bytes: record.len() as u64,
    })
}
