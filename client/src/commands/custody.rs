//! `rogatory custody …`: the timeline of a case, its record with proofs, and the offline check.

use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::{Digest, PartyId};
use rogatory_custody::record::{Record, RecordError, verify_record};
use rogatory_proto::custody::v1 as custody;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

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

/// The result of [`verify`]: everything in the record holds.
#[derive(Clone, Debug, Serialize)]
pub struct RecordVerified {
    /// Always true; a record that fails is a problem instead.
    pub verified: bool,
    /// The institution whose log it is.
    pub institution: PartyId,
    /// The log.
    pub origin: String,
    /// The case's shared number.
    pub shared_number: Option<String>,
    /// The number of leaves under the checkpoint.
    pub checkpoint_size: u64,
    /// The root over them.
    pub checkpoint_root: Digest,
    /// How many entries were verified.
    pub entries: usize,
    /// How far each stream is complete.
    pub streams: Vec<StreamFacts>,
    /// SHA-256 of the record.
    pub record_sha256: Digest,
}

/// One stream of a verified record.
#[derive(Clone, Debug, Serialize)]
pub struct StreamFacts {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Every number from 1 to this one is there.
    pub complete_to: u64,
    /// Those of them whose bodies were erased.
    pub erased: Vec<u64>,
}

impl Outcome for RecordVerified {
    fn show(&self, page: &mut Page) {
        page.fact("record", "verified");
        page.fact("institution", &self.institution);
        page.fact("log", &self.origin);
        page.fact_if("shared number", self.shared_number.as_ref());
        page.fact("checkpoint", format!("{} leaves, root {}", self.checkpoint_size, self.checkpoint_root));
        page.fact("entries", self.entries);
        for stream in &self.streams {
            let erased = if stream.erased.is_empty() {
                String::new()
            } else {
                format!("; erased: {:?}", stream.erased)
            };
            page.fact(
                "stream",
                format!("{}: complete from #1 to #{}{erased}", stream.stream, stream.complete_to),
            );
        }
        page.fact("sha256", self.record_sha256);
        page.blank();
        page.line("Shown: what this log says, completely and unchanged since the checkpoint.");
        page.line("Not shown: that the events happened, and that no other version of the log exists.");
    }
}

/// Verifies a custody record against the log keys in the entries of `trust`. Offline.
///
/// # Errors
/// Unverified, naming the part that fails; also without an entry of the institution.
pub fn verify(record: &[u8], trust: &Trust) -> Result<RecordVerified, Problem> {
    if trust.entries.is_empty() {
        return Err(Problem::unverified("no log key is trusted, so nothing can be verified").with_hint(
            "give the party entry of the institution with --trust; a log key in PEM is not accepted",
        ));
    }
    let fails = |error: RecordError| {
        Problem::unverified("the custody record does not verify")
            .because(&error)
            .with_details(vec![format!("part: {}", clean(&error.part()))])
            .with_hint("the record was changed, or comes from another log than the entries of --trust name")
    };
    // A key speaks for the party that published it, whatever the record says of itself.
    let institution = Record::parse(record).map_err(fails)?.origin.party().clone();
    let trusted = trust.log_keys_of(&institution);
    if trusted.is_empty() {
        return Err(Problem::unverified(format!(
            "the custody record is one of {institution}, whose entry was not given"
        ))
        .with_hint("give the party entry of that institution with --trust"));
    }
    let verified = verify_record(record, &trusted).map_err(fails)?;
    Ok(RecordVerified {
        verified: true,
        institution,
        origin: verified.origin().to_string(),
        shared_number: verified.shared_number().map(ToString::to_string),
        checkpoint_size: verified.checkpoint().size(),
        checkpoint_root: *verified.checkpoint().root(),
        entries: verified.entries().len(),
        streams: verified
            .streams()
            .iter()
            .map(|stream| StreamFacts {
                stream: stream.stream().to_string(),
                complete_to: stream.complete_to(),
                erased: stream.erased().to_vec(),
            })
            .collect(),
        record_sha256: verified.digest(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_trusted_entry_nothing_verifies() {
        let problem = verify(b"{}", &Trust::default()).expect_err("no key");
        assert_eq!(problem.exit().code(), 4);
    }
}
