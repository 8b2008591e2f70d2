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
    /// Verify a custody record, offline
    Verify(Verify),
}

impl Custody {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "show",
            Self::Export(_) => "export",
            Self::Verify(_) => "verify",
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

/// See [`Custody::Verify`].
#[derive(Args, Debug)]
pub struct Verify {
    /// The record, as exported
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
    /// The party entry (.asice) of the institution whose log it is; repeats
    #[arg(long, value_name = "PARTY-ENTRY.asice")]
    pub trust: Vec<PathBuf>,
}
