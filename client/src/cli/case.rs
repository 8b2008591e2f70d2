//! `rogatory case …`.

use clap::{Args, Subcommand};

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Case {
    /// Erase a closed case by law: one officer proposes it with its reason, another confirms
    Erase(Erase),
}

impl Case {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Erase(_) => "erase",
        }
    }
}

/// See [`Case::Erase`].
#[derive(Args, Debug)]
pub struct Erase {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Why: a code or a few words without names or personal data, for they stay in the custody log
    #[arg(long, value_name = "TEXT", required_unless_present = "confirm", conflicts_with = "confirm")]
    pub reason: Option<String>,
    /// The provision that demands it; it stays in the custody log and is told the counterparts
    #[arg(long, value_name = "TEXT", required_unless_present = "confirm", conflicts_with = "confirm")]
    pub article: Option<String>,
    /// Confirm what a colleague proposed: the case is erased, which cannot be undone
    #[arg(long)]
    pub confirm: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
