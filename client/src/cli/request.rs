//! `rogatory request …`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Request {
    /// Say what a request still lacks, offline
    Check(Check),
    /// Draft a request, sign it and hand it in
    Draft(Draft),
    /// Approve a colleague's draft: render it again, compare, sign
    Approve(Pick),
    /// Seal an approved document and transmit it
    Transmit(Transmit),
    /// Acknowledge a request that arrived
    Acknowledge(Acknowledge),
    /// Draft the decision that a request was executed
    Execute(Answer),
    /// Tell the requested authority that nothing further is needed
    Close(Answer),
    /// List the requests of this office
    List,
    /// Show a request, its documents and its packages
    Show(Show),
    /// Write documents and receipts to a directory, byte for byte
    Export(Export),
    /// Render the paper of a request without sending anything
    Render(Render),
}

impl Request {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Check(_) => "check",
            Self::Draft(_) => "draft",
            Self::Approve(_) => "approve",
            Self::Transmit(_) => "transmit",
            Self::Acknowledge(_) => "acknowledge",
            Self::Execute(_) => "execute",
            Self::Close(_) => "close",
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Export(_) => "export",
            Self::Render(_) => "render",
        }
    }
}

/// See [`Request::Check`].
#[derive(Args, Debug)]
pub struct Check {
    /// The form, for example ets185/art31-trafficking
    #[arg(long, value_name = "ID")]
    pub template: String,
    /// The facts, JSON
    #[arg(long, value_name = "FILE")]
    pub facts: PathBuf,
}

/// See [`Request::Draft`].
#[derive(Args, Debug)]
pub struct Draft {
    /// The form, for example ets185/art31-trafficking
    #[arg(long, value_name = "ID")]
    pub template: String,
    /// The facts, JSON
    #[arg(long, value_name = "FILE")]
    pub facts: PathBuf,
    /// The requested authority, for example md/central-authority
    #[arg(long, value_name = "PARTY")]
    pub to: String,
}

/// A case, and a document of it if several come into question.
#[derive(Args, Debug)]
pub struct Pick {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The document, if several come into question
    #[arg(long, value_name = "D")]
    pub document: Option<String>,
}

/// See [`Request::Transmit`].
#[derive(Args, Debug)]
pub struct Transmit {
    /// What to transmit
    #[command(flatten)]
    pub pick: Pick,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Request::Acknowledge`].
#[derive(Args, Debug)]
pub struct Acknowledge {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The file number under which this office keeps the matter
    #[arg(long, value_name = "TEXT")]
    pub reference: String,
    /// Further facts of the form, JSON; they win over what the case gives
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// See [`Request::Execute`] and [`Request::Close`].
#[derive(Args, Debug)]
pub struct Answer {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Remarks for the other authority
    #[arg(long, value_name = "TEXT")]
    pub remarks: Option<String>,
    /// Further facts of the form, JSON; they win over what the case gives
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
}

/// A case.
#[derive(Args, Debug)]
pub struct Show {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
}

/// See [`Request::Export`].
#[derive(Args, Debug)]
pub struct Export {
    /// What to export: all documents of the case unless one is named
    #[command(flatten)]
    pub pick: Pick,
    /// The directory to write to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// See [`Request::Render`].
#[derive(Args, Debug)]
pub struct Render {
    /// The form, for example ets185/art31-trafficking
    #[arg(long, value_name = "ID")]
    pub template: String,
    /// The facts, JSON
    #[arg(long, value_name = "FILE")]
    pub facts: PathBuf,
    /// The requested authority, if it shall stand in the paper
    #[arg(long, value_name = "PARTY")]
    pub to: Option<String>,
    /// The PDF to write
    #[arg(short, long, value_name = "OUT.pdf")]
    pub output: PathBuf,
}
