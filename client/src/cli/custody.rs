//! `rogatory custody …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Custody {
    /// Show the timeline of a case: what happened, when, by whom
    Show(Show),
    /// Write the custody record of a case with its proofs
    Export(Export),
    /// Prove one entry of a case: a file that a stranger can check
    Prove(Prove),
    /// Verify a custody record or the proof of an entry, offline
    Verify(Verify),
    /// Fetch all leaves of the log as files, for an audit
    Tiles(Tiles),
    /// Scan all leaves of a log for entries that a record leaves out, offline
    Audit(Audit),
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
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE.json")]
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
