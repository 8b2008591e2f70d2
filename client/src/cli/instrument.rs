//! `rogatory instrument …`.

use clap::{Args, Subcommand};

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Instrument {
    /// List the treaties and acts that requests rely on
    List,
    /// Show an instrument's articles by measure, and how each fact is known
    Show(Show),
}

impl Instrument {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Show(_) => "show",
        }
    }
}

/// See [`Instrument::Show`].
#[derive(Args, Debug)]
pub struct Show {
    /// The instrument, for example budapest-2001
    #[arg(value_name = "ID")]
    pub instrument: String,
}
