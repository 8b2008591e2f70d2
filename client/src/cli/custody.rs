//! `rogatory custody …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Custody {
    /// Show the timeline of a case: what happened, when, by whom
    Show(Show),
    /// Write the custody record of a case with its proofs, or with --exhibit a court bundle
    ///
    /// A court bundle is one file with everything that a stranger needs to check exhibits: they themselves,
    /// the request, receipts, the custody record, and pages that say how. The exhibits are decrypted and written
    /// IN THE CLEAR into the file that you name, and nowhere else; with --sealed they stay sealed for the court.
    Export(Export),
    /// Prove one entry of a case: a file that a stranger can check
    Prove(Prove),
    /// Verify a custody record or the proof of an entry, offline
    Verify(Verify),
    /// Fetch all leaves of the log as files, for an audit
    Tiles(Tiles),
    /// Scan all leaves of a log for entries that a record leaves out, offline
    Audit(Audit),
    /// List who watches whose log, what contradicts, and what became of the promises in receipts
    Witnesses(Witnesses),
}

impl Custody {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "show",
            Self::Export(_) => "export",
            Self::Prove(_) => "prove",
            Self::Verify(_) => "verify",
            Self::Tiles(_) => "tiles",
            Self::Audit(_) => "audit",
            Self::Witnesses(_) => "witnesses",
        }
    }
}

/// See [`Custody::Show`].
#[derive(Args, Debug)]
pub struct Show {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
}

/// See [`Custody::Export`].
#[derive(Args, Debug)]
pub struct Export {
    /// The case id or the shared number; `office` for the events of the office itself
    #[arg(value_name = "CASE", required_unless_present = "named_case", conflicts_with = "named_case")]
    pub case: Option<String>,
    /// The same, by name
    #[arg(long = "case", value_name = "CASE")]
    pub named_case: Option<String>,
    /// Make a court bundle with this exhibit, for example EX-0007, in the clear; repeats; `all`, or `none` for documents and record alone
    #[arg(long, value_name = "EX-…|all|none")]
    pub exhibit: Vec<String>,
    /// The package that holds the exhibits: its id, or where it lies; the only one of the case if absent
    #[arg(long, value_name = "PK-…|PATH", requires = "exhibit")]
    pub package: Option<String>,
    /// An age identity file; repeats; the profile's if absent
    #[arg(long, value_name = "ID", requires = "exhibit")]
    pub identity: Vec<PathBuf>,
    /// Trusted anchors (PEM) or a party entry (.asice) beyond the parties confirmed here; repeats
    #[arg(long, value_name = "FILE", requires = "exhibit")]
    pub trust: Vec<PathBuf>,
    /// Keep the exhibits sealed: the bundle holds a disclosure that --recipient can open
    #[arg(long, requires_all = ["exhibit", "recipient"])]
    pub sealed: bool,
    /// With --sealed: who may open the exhibits, age1…; repeats
    #[arg(long, value_name = "age1…", requires = "sealed")]
    pub recipient: Vec<String>,
    /// Put the office's internal events in too
    #[arg(long, requires = "exhibit")]
    pub internal: bool,
    /// Put sensitive exhibits in too, and why; it is logged
    #[arg(long, alias = "reason", value_name = "REASON", requires = "exhibit")]
    pub sensitive_reason: Option<String>,
    /// A revocation list (PEM or DER) to put in; repeats
    #[arg(long, value_name = "FILE.crl", requires = "exhibit")]
    pub revocation: Vec<PathBuf>,
    /// A time stamp token to put in, named after its object: documents--001-request.asice.tst; repeats
    #[arg(long, value_name = "NAME.tst", requires = "exhibit")]
    pub stamp: Vec<PathBuf>,
    /// Wait so long at most for what is still to come: a counterpart's cosignature of the log, and its time stamp
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=120))]
    pub wait: u32,
    /// The file to write: the record as JSON, or the bundle
    #[arg(short, long, value_name = "FILE.json|BUNDLE.asice")]
    pub output: PathBuf,
}

/// See [`Custody::Prove`].
#[derive(Args, Debug)]
#[group(id = "entry", required = true, multiple = true, args = ["n", "index", "sha256"])]
pub struct Prove {
    /// The case id or the shared number; `office` for the events of the office itself
    #[arg(value_name = "CASE")]
    pub case: String,
    /// With --n: `internal`, or the counterpart that shares the entry
    #[arg(long, value_name = "internal|PARTY", requires = "n")]
    pub stream: Option<String>,
    /// The number of the entry in its stream, as `custody show` lists it
    #[arg(long, value_name = "N", requires = "stream", conflicts_with_all = ["index", "sha256"])]
    pub n: Option<u64>,
    /// The index of its leaf in the log
    #[arg(long, value_name = "INDEX", conflicts_with = "sha256")]
    pub index: Option<u64>,
    /// The SHA-256 of a document, package manifest or receipt that the entry names
    #[arg(long, value_name = "SHA256")]
    pub sha256: Option<String>,
    /// Leave the entry's body out: the proof then shows a leaf's hash and nothing else
    #[arg(long)]
    pub closed: bool,
    /// The file to write; `leaf-INDEX.tlog-proof` if not given
    #[arg(short, long, value_name = "FILE.tlog-proof")]
    pub output: Option<PathBuf>,
}

/// See [`Custody::Verify`].
#[derive(Args, Debug)]
pub struct Verify {
    /// The record as exported, or a proof
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The party entry (.asice) of the institution whose log it is, and of counterparts whose receipts
    /// are to be verified; repeats
    #[arg(long, value_name = "PARTY-ENTRY.asice")]
    pub trust: Vec<PathBuf>,
    /// The record of a counterpart: each record must hold what its log told the other; needs both entries
    #[arg(long, value_name = "FILE.json")]
    pub compare: Option<PathBuf>,
    /// What must have been checked: `witness`, that every other institution named with --trust cosigned
    #[arg(long, value_name = "CHECK", value_parser = ["witness"])]
    pub require: Vec<String>,
    /// The leaf hash that the proof must be about; a closed proof needs it
    #[arg(long, value_name = "SHA256")]
    pub leaf: Option<String>,
}

/// See [`Custody::Tiles`].
#[derive(Args, Debug)]
pub struct Tiles {
    /// The folder to make
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// See [`Custody::Audit`].
#[derive(Args, Debug)]
pub struct Audit {
    /// The folder that `custody tiles` made
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The custody record of the case
    #[arg(long, value_name = "FILE.json")]
    pub record: PathBuf,
    /// The party entry (.asice) of the institution whose log it is; repeats
    #[arg(long, value_name = "PARTY-ENTRY.asice")]
    pub trust: Vec<PathBuf>,
}

/// See [`Custody::Witnesses`].
#[derive(Args, Debug)]
pub struct Witnesses {
    /// Write the checkpoints and proofs into this new folder, as they were signed
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
}
