//! `rogatory party …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Party {
    /// Write this institution's signed entry to a file, for its counterparts
    Export(Export),
    /// Confirm a counterpart's signed entry
    Import(Import),
    /// List the confirmed parties
    List,
    /// Show one confirmed party
    Show(Show),
}

impl Party {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::List => "list",
            Self::Show(_) => "show",
        }
    }
}

/// See [`Party::Export`].
#[derive(Args, Debug)]
pub struct Export {
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// See [`Party::Import`].
#[derive(Args, Debug)]
pub struct Import {
    /// The entry, as the counterpart exported it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The fingerprint that the counterpart told you by another way; without it you are asked
    #[arg(long, value_name = "SHA256")]
    pub fingerprint: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Party::Show`].
#[derive(Args, Debug)]
pub struct Show {
    /// The party, for example md/central-authority
    #[arg(value_name = "ID")]
    pub party: String,
}
