//! `rogatory preservation …`.

use super::request::{Answer, Ask, Export, Form, Pick, Refuse, Show, Transmit, Wording};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Preservation {
    /// Draft a request to preserve stored data, sign it and hand it in
    Request(Request),
    /// Approve a colleague's draft: render it again, compare, sign
    Approve(Pick),
    /// Seal an approved document and transmit it
    Transmit(Transmit),
    /// Confirm that the data are preserved, and until when; also after an extension was asked for
    Confirm(Confirm),
    /// Draft the wish that data stay preserved for longer
    Extend(Extend),
    /// Draft the request for assistance that follows the preservation
    FollowUp(FollowUp),
    /// Draft the word that data need not be preserved any longer
    Release(Release),
    /// Draft the decision that preservation is refused
    Refuse(Refuse),
    /// Ask the requesting authority a question about its request to preserve
    Ask(Ask),
    /// Answer a question of the requested authority
    Answer(Answer),
    /// List the preservations of this office, with the days left
    List,
    /// Show a preservation and its documents
    Show(Show),
    /// Write documents and receipts to a directory, byte for byte
    Export(Export),
}

impl Preservation {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Request(_) => "request",
            Self::Approve(_) => "approve",
            Self::Transmit(_) => "transmit",
            Self::Confirm(_) => "confirm",
            Self::Extend(_) => "extend",
            Self::FollowUp(_) => "follow-up",
            Self::Release(_) => "release",
            Self::Refuse(_) => "refuse",
            Self::Ask(_) => "ask",
            Self::Answer(_) => "answer",
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Export(_) => "export",
        }
    }
}

/// See [`Preservation::Request`].
#[derive(Args, Debug)]
pub struct Request {
    /// The form
    #[arg(long, value_name = "ID", default_value = crate::papers::PRESERVATION)]
    pub template: String,
    /// The facts, JSON
    #[arg(long, value_name = "FILE")]
    pub facts: PathBuf,
    /// The requested authority, for example md/central-authority
    #[arg(long, value_name = "PARTY")]
    pub to: String,
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
}

/// See [`Preservation::Confirm`].
#[derive(Args, Debug)]
pub struct Confirm {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The last instant, included, for example 2027-01-25T23:59:59Z
    #[arg(long, value_name = "TIME", required_unless_present = "days", conflicts_with = "days")]
    pub until: Option<String>,
    /// Until the end of that many days after the request arrived; for an extension, after the day until now
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// The file number under which this office keeps the matter; known already for an extension
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Preservation::Extend`].
#[derive(Args, Debug)]
pub struct Extend {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The last instant wished for, for example 2027-03-25T23:59:59Z
    #[arg(long, value_name = "TIME", conflicts_with = "days")]
    pub until: Option<String>,
    /// That many days more, counted from the day until which the data are preserved now
    #[arg(long, value_name = "N")]
    pub days: Option<u32>,
    /// Why, in words for the other authority
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
}

/// See [`Preservation::FollowUp`].
#[derive(Args, Debug)]
pub struct FollowUp {
    /// The preservation's case id or shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The form of the request, for example ets185/art31-trafficking
    #[arg(long, value_name = "ID")]
    pub template: String,
    /// The facts of the request, JSON; which preservation it follows is filled in
    #[arg(long, value_name = "FILE")]
    pub facts: PathBuf,
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
}

/// See [`Preservation::Release`].
#[derive(Args, Debug)]
pub struct Release {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Why, in words for the other authority
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
}
