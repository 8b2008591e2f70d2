//! Fetches the custody record of a case from the own server, with who cosigned its checkpoint and the time stamps of that.

use crate::commands::stamps;
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_custody::cosignature::cosignatures_among;
use rogatory_custody::note::Note;
use rogatory_custody::record::Record;
use rogatory_evidence::bundle::log_part;
use rogatory_proto::custody::v1 as custody;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What the own server gave.
pub(super) struct Fetched {
    /// The record.
    pub(super) bytes: Vec<u8>,
    /// Who cosigned the checkpoint, as its lines say.
    pub(super) witnesses: Vec<String>,
    /// The checkpoint with the log's signature alone: what is stamped.
    pub(super) checkpoint: Vec<u8>,
    /// Its stamps: the first and its renewals, as far as the server got them.
    pub(super) stamps: Vec<custody::TimeStamp>,
}

/// Fetches a record. The server waits `wait_seconds` at most until a witness cosigned a checkpoint that covers what was
/// recorded before, and until the checkpoint is stamped if the office has a time-stamping authority.
///
/// # Errors
/// If the server does not know the case or refuses.
pub(super) async fn fetch_record(
    session: &Session,
    case: &str,
    wait_seconds: u32,
) -> Result<Fetched, Problem> {
    if wait_seconds > 0 {
        session.progress.begin(&format!("waiting for a witness, {wait_seconds} s at most"), None);
    }
    let request = custody::ExportRecordRequest { case_id: case.to_owned(), wait_seconds };
    let answer = session.connection().await?.custody().export_record(request).await.map_err(explain);
    session.progress.end();
    let bytes = answer?.into_inner().record.to_vec();
    let damaged = |error: &(dyn std::error::Error + 'static)| {
        Problem::unverified("the custody record that the server gave cannot be read").because(error)
    };
    let record = Record::parse(&bytes).map_err(|error| damaged(&error))?;
    let note = Note::parse(record.checkpoint.as_bytes()).map_err(|error| damaged(&error))?;
    let mut witnesses: Vec<String> =
        cosignatures_among(&note).iter().map(|one| one.witness().party().to_string()).collect();
    witnesses.dedup();
    let checkpoint = log_part(&record.checkpoint).unwrap_or_default().to_vec();
    let stamps = stamps::fetch(session, &Digest::of(&checkpoint)).await?;
    Ok(Fetched { bytes, witnesses, checkpoint, stamps })
}

/// What to do about a record that nobody cosigned yet.
pub(super) fn not_witnessed(page: &mut Page) {
    page.line("NOT WITNESSED: no counterpart has cosigned a checkpoint that covers these entries yet. They are asked for within");
    page.line("seconds after the log grew: export again later, or with --wait 60. `custody verify --require witness` refuses this one.");
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
    /// Who cosigned its checkpoint, by the lines that the own server keeps.
    pub witnesses: Vec<String>,
    /// The checkpoint by itself and its time stamps, if there are any.
    pub time_stamps: Vec<PathBuf>,
}

impl Outcome for RecordExported {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.file.display());
        page.fact("sha256", self.record_sha256);
        page.fact("size", bytes(self.size_bytes));
        for witness in &self.witnesses {
            page.fact("log cosigned by", witness);
        }
        for file in &self.time_stamps {
            page.fact("time stamp", file.display());
        }
        if self.witnesses.is_empty() {
            page.blank();
            not_witnessed(page);
        }
    }
}

/// Writes the custody record of a case to a new file; if its checkpoint is stamped, beside it `FILE.checkpoint.txt`, which is what
/// was stamped, and the token `FILE.checkpoint.txt.tst`.
///
/// # Errors
/// If the server does not know the case or refuses, or a file is there already.
pub async fn export(
    session: &Session,
    case: &str,
    wait_seconds: u32,
    file: &Path,
) -> Result<RecordExported, Problem> {
    files::must_be_new(file)?;
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".checkpoint.txt");
    let stamped = file.with_file_name(name);
    files::must_be_new(&stamped)?;
    let fetched = fetch_record(session, case, wait_seconds).await?;
    files::write_new(file, &fetched.bytes)?;
    let mut time_stamps = Vec::new();
    if !fetched.stamps.is_empty() {
        files::write_new(&stamped, &fetched.checkpoint)?;
        let written = stamps::write_beside(&stamped, &fetched.stamps)?;
        time_stamps.push(stamped);
        time_stamps.extend(written.into_iter().map(|(file, _)| file));
    }
    Ok(RecordExported {
        file: file.to_owned(),
        record_sha256: Digest::of(&fetched.bytes),
        size_bytes: fetched.bytes.len() as u64,
        witnesses: fetched.witnesses,
        time_stamps,
    })
}
