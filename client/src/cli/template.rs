//! `rogatory template …`.

use super::request::Wording;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Template {
    /// List the forms
    List,
    /// Show a form's fields and where each comes from
    Show(Show),
    /// Check the forms themselves, or facts against one of them
    Check(Check),
}

impl Template {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Check(_) => "check",
        }
    }
}

/// See [`Template::Show`].
#[derive(Args, Debug)]
pub struct Show {
    /// The form, for example ets185/art31-trafficking
    #[arg(value_name = "ID")]
    pub template: String,
    /// Print the example facts instead, as JSON to start from
    #[arg(long)]
    pub example: bool,
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
}

/// See [`Template::Check`].
#[derive(Args, Debug)]
pub struct Check {
    /// The form; all of them, each with its own example, if absent
    #[arg(value_name = "ID")]
    pub template: Option<String>,
    /// The facts to check, JSON; the form's own example if absent
    #[arg(long, value_name = "FILE", requires = "template")]
    pub facts: Option<PathBuf>,
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
}
