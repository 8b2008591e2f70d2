//! Whose logs this office watches, who witnesses its own, what contradicts, and what became of promises; with `--save` the
//! checkpoints and proofs as files, as they were signed, so that a stranger can check them.

use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_custody::note::Note;
use rogatory_proto::custody::v1 as custody;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A log of another institution, as this office saw it last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SeenLog {
    /// Whose.
    pub party: String,
    /// The log.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// When that was seen, in UTC.
    pub seen_time: String,
}

/// A witness of this office's log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogWitness {
    /// Who.
    pub party: String,
    /// How many entries the log had when it cosigned last; 0 if it never did.
    pub size: u64,
    /// When, in UTC.
    pub cosigned_time: Option<String>,
    /// Since when it has not cosigned although the log grew.
    pub behind_since: Option<String>,
    /// Whether it is behind for so long that something is wrong.
    pub silent: bool,
    /// With `--save`: what it cosigned.
    pub file: Option<PathBuf>,
}

/// Two checkpoints of one log that cannot both be true.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogContradiction {
    /// Whose log.
    pub party: String,
    /// The log.
    pub origin: String,
    /// Who showed the second one.
    pub shown_by: String,
    /// `fork`, `rollback`, `no-proof` or `refused`.
    pub found: String,
    /// When, in UTC.
    pub found_time: String,
    /// What that means.
    pub meaning: String,
    /// What was known, as it was signed; none if a witness refused this office's checkpoint.
    pub known_checkpoint: Option<String>,
    /// What was shown, as it was signed.
    pub shown_checkpoint: String,
    /// With `--save`: the two, the known one first.
    pub files: Vec<PathBuf>,
}

/// What a receipt promised: that its issuer's log holds a leaf.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InclusionPromise {
    /// Who promised.
    pub party: String,
    /// The leaf.
    pub leaf_sha256: Digest,
    /// By when it was to be proven, in UTC.
    pub due_time: String,
    /// Since when it is broken, or was before it was kept.
    pub broken_time: Option<String>,
    /// When the counterpart was told so.
    pub told_time: Option<String>,
    /// Whether the proof is here.
    pub kept: bool,
    /// With `--save`: the proof.
    pub file: Option<PathBuf>,
}

/// The result of [`witnesses`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WitnessesListed {
    /// The logs that this office watches.
    pub seen_logs: Vec<SeenLog>,
    /// Who witnesses its own.
    pub witnesses: Vec<LogWitness>,
    /// What contradicts.
    pub contradictions: Vec<LogContradiction>,
    /// What counterparts promised: first what was broken, then the latest.
    pub promises: Vec<InclusionPromise>,
    /// How many more promises there are.
    pub promises_left_off: u64,
    /// With `--save`: the folder.
    pub folder: Option<PathBuf>,
}

impl Outcome for WitnessesListed {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["LOG OF", "ENTRIES", "LAST SEEN (UTC)"]);
        for seen in &self.seen_logs {
            table.row([clean(&seen.party), seen.size.to_string(), clean(&seen.seen_time)]);
        }
        page.line("Logs that this office watches:");
        page.table(&table, "None yet.");
        page.blank();
        let mut table = Table::new(&["WITNESS", "ENTRIES", "COSIGNED (UTC)", ""]);
        for witness in &self.witnesses {
            let cosigned = witness.cosigned_time.as_deref().unwrap_or("never");
            table.row([clean(&witness.party), witness.size.to_string(), clean(cosigned), standing(witness)]);
        }
        page.line("Witnesses of this office's log:");
        page.table(&table, "None has cosigned yet.");
        page.blank();
        if self.contradictions.is_empty() {
            page.line("No log was seen with two histories.");
        }
        for one in &self.contradictions {
            page.line(format!("TWO HISTORIES: {}", one.meaning));
            page.fact("found", format!("{} at {}", one.found, one.found_time));
            page.fact("log", &one.origin);
            page.fact("shown by", &one.shown_by);
            for file in &one.files {
                page.fact("checkpoint", file.display());
            }
        }
        page.blank();
        self.show_promises(page);
        if let Some(folder) = &self.folder {
            page.blank();
            page.fact("written to", folder.display());
        } else if !self.contradictions.is_empty() || self.promises.iter().any(|promise| promise.kept) {
            page.line(
                "With --save DIR the checkpoints and proofs are written as files, as they were signed.",
            );
        }
    }
}

impl WitnessesListed {
    fn show_promises(&self, page: &mut Page) {
        let open =
            self.promises.iter().filter(|promise| !promise.kept && promise.broken_time.is_none()).count();
        let kept = self.promises.iter().filter(|promise| promise.kept).count();
        page.line("What receipts promised to log:");
        page.fact("proven", kept);
        page.fact("not due yet, or not asked for yet", open);
        if self.promises_left_off > 0 {
            page.fact("older ones, not listed", self.promises_left_off);
        }
        for promise in &self.promises {
            let Some(broken) = &promise.broken_time else { continue };
            let InclusionPromise { party, leaf_sha256, due_time, .. } = promise;
            page.line(if promise.kept {
                format!(
                    "KEPT LATE: {} proved the leaf {leaf_sha256}, due at {}, after it was overdue at {}",
                    clean(party), clean(due_time), clean(broken)
                )
            } else {
                let told = promise.told_time.as_deref().map_or_else(
                    || "it could not be told so yet".to_owned(),
                    |told| format!("it was told so at {}", clean(told)),
                );
                format!(
                    "BROKEN: {} gave a receipt and has not proven that its log holds the leaf {leaf_sha256}, due at {}; {told}",
                    clean(party), clean(due_time)
                )
            });
        }
    }
}

fn standing(witness: &LogWitness) -> String {
    match &witness.behind_since {
        None => "up to date".to_owned(),
        Some(since) if witness.silent => format!("SILENT since {}, although the log grew", clean(since)),
        Some(since) => format!("behind since {}", clean(since)),
    }
}

/// What contradicts, in plain words.
fn meaning(one: &custody::LogContradiction, own: bool) -> String {
    let (party, by) = (clean(&one.party), clean(&one.shown_by));
    let (known, shown) = (size(&one.known_checkpoint), size(&one.shown_checkpoint));
    match one.found.as_str() {
        "refused" => format!(
            "{by} refused to cosign this office's log: the checkpoint over {shown} entries does not go on from what it had seen. The log was rewritten, or a backup was restored without a new epoch."
        ),
        _ if own => format!(
            "{by} was shown a checkpoint over {shown} entries, signed with the key of this office's log, that is none of this log. Somebody else has the key, or a backup was restored."
        ),
        "fork" => format!(
            "the log of {party} signed two different contents of {shown} entries. It was rewritten, or it shows one history to one and another to others."
        ),
        "rollback" => format!(
            "the log of {party} signed that it has {known} entries, and {shown} at another time, and one is not the beginning of the other. Entries were taken away, or a backup was restored without a new epoch."
        ),
        _ => format!(
            "the log of {party} did not prove that its {known} entries and its {shown} entries are one history. It was rewritten or forked."
        ),
    }
}

/// The size on the second line of a checkpoint, in words.
fn size(note: &[u8]) -> String {
    let note = Note::parse(note).ok();
    let line = note.as_ref().and_then(|note| note.unverified_text().lines().nth(1));
    line.and_then(|line| line.parse::<u64>().ok()).map_or_else(|| "?".to_owned(), |size| size.to_string())
}

/// Lists them; with `save` writes the checkpoints and proofs into that new folder. Verifies nothing.
///
/// # Errors
/// If the server refuses, answers with something else, or the folder is there already or cannot be written.
pub async fn witnesses(session: &Session, save: Option<&Path>) -> Result<WitnessesListed, Problem> {
    if let Some(folder) = save {
        files::must_be_new(folder)?;
    }
    let own = session.profile()?.party.to_string();
    let mut client = session.connection().await?.custody();
    let answer = client.list_witnesses(custody::ListWitnessesRequest {}).await.map_err(explain)?.into_inner();
    let mut saved = Saved { folder: save, files: Vec::new() };
    let listed = WitnessesListed {
        seen_logs: answer.seen_logs.into_iter().map(seen_log).collect(),
        witnesses: answer.witnesses.into_iter().map(|one| saved.witness(one)).collect(),
        contradictions: (1..)
            .zip(answer.contradictions)
            .map(|(number, one)| saved.contradiction(number, one, &own))
            .collect(),
        promises: answer.promises.into_iter().map(|one| saved.promise(one)).collect::<Result<_, _>>()?,
        promises_left_off: answer.promises_left_off,
        folder: save.map(Path::to_owned),
    };
    saved.write()?;
    Ok(listed)
}

fn seen_log(seen: custody::SeenLog) -> SeenLog {
    let custody::SeenLog { party, origin, size, seen_time, .. } = seen;
    SeenLog { party, origin, size, seen_time }
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What is to be written, by its path.
struct Saved<'a> {
    folder: Option<&'a Path>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Saved<'_> {
    /// Takes a file up, if anything is to be saved; `name` is made of letters that a file name may have.
    fn file(&mut self, name: &str, bytes: &[u8]) -> Option<PathBuf> {
        let folder = self.folder.filter(|_| !bytes.is_empty())?;
        let safe = |letter: char| letter.is_ascii_alphanumeric() || letter == '.';
        let name: String = name.chars().map(|letter| if safe(letter) { letter } else { '-' }).collect();
        let path = folder.join(name);
        self.files.push((path.clone(), bytes.to_vec()));
        Some(path)
    }

    fn witness(&mut self, one: custody::LogWitness) -> LogWitness {
        LogWitness {
            file: self.file(&format!("cosigned-by-{}.checkpoint", one.party), &one.checkpoint),
            party: one.party,
            size: one.size,
            cosigned_time: given(one.cosigned_time),
            behind_since: given(one.behind_since_time),
            silent: one.silent,
        }
    }

    fn contradiction(&mut self, number: u32, one: custody::LogContradiction, own: &str) -> LogContradiction {
        let text = |note: &[u8]| String::from_utf8_lossy(note).into_owned();
        let meaning = meaning(&one, one.party == own);
        let names = [("known", &one.known_checkpoint), ("shown", &one.shown_checkpoint)];
        let files = names.into_iter().filter_map(|(which, note)| {
            self.file(&format!("contradiction-{number}-{which}.checkpoint"), note)
        });
        LogContradiction {
            files: files.collect(),
            known_checkpoint: given(text(&one.known_checkpoint)),
            shown_checkpoint: text(&one.shown_checkpoint),
            party: one.party,
            origin: one.origin,
            shown_by: one.shown_by,
            found: one.found,
            found_time: one.found_time,
            meaning,
        }
    }

    fn promise(&mut self, one: custody::InclusionPromise) -> Result<InclusionPromise, Problem> {
        let leaf_sha256 = Digest::from_slice(&one.leaf_hash).map_err(|error| {
            Problem::failed("the server's answer names a leaf that is none").because(&error)
        })?;
        Ok(InclusionPromise {
            file: self.file(&format!("{}-{leaf_sha256}.tlog-proof", one.party), &one.proof),
            kept: !one.proof.is_empty(),
            party: one.party,
            leaf_sha256,
            due_time: one.due_time,
            broken_time: given(one.broken_time),
            told_time: given(one.told_time),
        })
    }

    fn write(self) -> Result<(), Problem> {
        let Some(folder) = self.folder else { return Ok(()) };
        let partial = files::partial_name(folder);
        let cannot = |error: std::io::Error| {
            Problem::failed(format!("`{}` cannot be written", partial.display())).because(&error)
        };
        // What an earlier try left is not continued.
        match fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error)),
            _ => {}
        }
        files::make_directory(&partial)?;
        for (path, bytes) in &self.files {
            files::write_new(&partial.join(path.file_name().unwrap_or_default()), bytes)?;
        }
        fs::rename(&partial, folder).map_err(cannot)
    }
}
