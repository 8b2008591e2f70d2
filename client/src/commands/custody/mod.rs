//! `rogatory custody …`: the timeline of a case, its record, the court bundle, the proof of one entry,
//! who watches whom, and the offline checks.

use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use serde_json::Value;

mod bundle;
mod prove;
mod record;
mod tiles;
mod verify;
mod witnessed;
mod witnesses;
pub use bundle::{BundleArguments, BundleMade, BundlePlan, BundledExhibits, make_bundle, plan_bundle};
pub use prove::{ProofVerified, ProveArguments, Proven, Wanted, is_proof, prove, verify_proof};
pub use record::{RecordExported, export};
pub use tiles::{LogAudited, StreamAudited, TilesFetched, audit, fetch};
pub use verify::{Compared, EpochFacts, KnownTo, RecordVerified, StreamFacts, ToldBy, verify};
pub use witnessed::{Witnessed, require_witnesses};
pub use witnesses::{InclusionPromise, LogContradiction, LogWitness, SeenLog, WitnessesListed, witnesses};

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
