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
    /// Ask the requesting authority a question about its request
    Ask(Ask),
    /// Answer a question of the requested authority
    Answer(Answer),
    /// Draft the decision that a request was executed, wholly or in part
    Execute(Execute),
    /// Draft the decision that a request is refused, wholly or in part
    Refuse(Refuse),
    /// Draft the decision that execution is postponed
    Postpone(Postpone),
    /// Pass a request on to the authority that is competent, and tell the requesting authority
    Forward(Forward),
    /// Draft the word that a request is withdrawn
    Withdraw(Withdraw),
    /// Tell the requested authority that nothing further is needed
    Close(Close),
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
            Self::Ask(_) => "ask",
            Self::Answer(_) => "answer",
            Self::Execute(_) => "execute",
            Self::Refuse(_) => "refuse",
            Self::Postpone(_) => "postpone",
            Self::Forward(_) => "forward",
            Self::Withdraw(_) => "withdraw",
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
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
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
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
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
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// What else the paper of an answer says, and in which language.
#[derive(Args, Debug)]
pub struct Form {
    /// Further facts of the form, JSON; they win over what the case gives
    #[arg(long, value_name = "FILE")]
    pub facts: Option<PathBuf>,
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
}

/// The same for offices that may not have given their file number yet.
#[derive(Args, Debug)]
pub struct FiledForm {
    /// The file number of this office; known already if it acknowledged
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
}

/// In which language a paper is.
#[derive(Args, Debug, Clone, Default)]
pub struct Wording {
    /// The language of the form: en, fr; English if absent
    #[arg(long, value_name = "LANG")]
    pub language: Option<String>,
    /// A second language beside it, for fixed text and labels
    #[arg(long, value_name = "LANG")]
    pub beside: Option<String>,
}

/// See [`Request::Ask`].
#[derive(Args, Debug)]
pub struct Ask {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// What the question is called, for example Q1; the next free one if absent
    #[arg(long, value_name = "Q")]
    pub question: Option<String>,
    /// The question
    #[arg(long, value_name = "TEXT")]
    pub text: String,
    /// Until when an answer is needed, for example 2026-12-04
    #[arg(long, value_name = "DATE")]
    pub answer_by: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: FiledForm,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Request::Answer`].
#[derive(Args, Debug)]
pub struct Answer {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The question that is answered, for example Q1; needed if several are open
    #[arg(long, value_name = "Q")]
    pub question: Option<String>,
    /// The answer
    #[arg(long, value_name = "TEXT")]
    pub text: String,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Request::Execute`].
#[derive(Args, Debug)]
pub struct Execute {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Part of it is executed and more follows
    #[arg(long)]
    pub partly: bool,
    /// What is still to be executed
    #[arg(long, value_name = "TEXT", requires = "partly")]
    pub not_executed: Option<String>,
    /// Remarks for the other authority
    #[arg(long, value_name = "TEXT")]
    pub remarks: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
}

/// See [`Request::Refuse`].
#[derive(Args, Debug)]
pub struct Refuse {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The ground, for example R07-dual-criminality; a wrong one lists them all
    #[arg(long, value_name = "GROUND")]
    pub ground: String,
    /// Why, in words for the other authority
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Only this part is refused, in words; the rest goes on
    #[arg(long, value_name = "TEXT")]
    pub part: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: FiledForm,
}

/// See [`Request::Postpone`].
#[derive(Args, Debug)]
pub struct Postpone {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The ground, for example P01-prejudice-own-case; a wrong one lists them all
    #[arg(long, value_name = "GROUND")]
    pub ground: String,
    /// Until which day, as far as it is known, for example 2026-12-04
    #[arg(long, value_name = "DATE")]
    pub until: Option<String>,
    /// Why, in words for the other authority
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: FiledForm,
}

/// See [`Request::Forward`].
#[derive(Args, Debug)]
pub struct Forward {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The competent authority of this State, for example md/prosecutor-chisinau
    #[arg(long, value_name = "PARTY")]
    pub to: String,
    /// Why it is competent, in words
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// What else the papers say, and how
    #[command(flatten)]
    pub form: FiledForm,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Request::Withdraw`].
#[derive(Args, Debug)]
pub struct Withdraw {
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

/// See [`Request::Close`].
#[derive(Args, Debug)]
pub struct Close {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// Remarks for the other authority
    #[arg(long, value_name = "TEXT")]
    pub remarks: Option<String>,
    /// What else the paper says, and how
    #[command(flatten)]
    pub form: Form,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
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
    /// In which language
    #[command(flatten)]
    pub wording: Wording,
    /// The PDF to write
    #[arg(short, long, value_name = "OUT.pdf")]
    pub output: PathBuf,
}
