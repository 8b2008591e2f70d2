//! `rogatory hash-list …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum HashList {
    /// Import hash lists into one sorted file that sealing looks up quickly, offline
    Import(Import),
}

impl HashList {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Import(_) => "import",
        }
    }
}

/// See [`HashList::Import`].
#[derive(Args, Debug)]
pub struct Import {
    /// The file to write
    #[arg(short, long, value_name = "FILE.hashes")]
    pub output: PathBuf,
    /// Lists: digests by line, CSV with a header (NSRL), or JSON (Project VIC); SHA-256, SHA-1, MD5
    #[arg(value_name = "LIST", required = true)]
    pub lists: Vec<PathBuf>,
}
