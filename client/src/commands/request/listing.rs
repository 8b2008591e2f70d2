//! Listing, showing and exporting cases with their documents and receipts.

use crate::commands::documents::{self, CaseFacts, DocumentFacts, Fetched, PickArguments, document_table};
use crate::commands::stamps;
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean, quoted};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_core::document::DocumentKind;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Cases {
    /// Newest first.
    pub cases: Vec<CaseFacts>,
}

impl Outcome for Cases {
    fn show(&self, page: &mut Page) {
        let mut table =
            Table::new(&["CASE", "SHARED NUMBER", "SIDE", "COUNTERPART", "STAGE", "SINCE (UTC)", "OPEN"]);
        for case in &self.cases {
            table.row(
                [
                    &case.case_id,
                    &case.shared_number,
                    &case.side,
                    &case.counterpart,
                    &case.stage,
                    &case.stage_time,
                    &case.open(),
                ]
                .map(|cell| clean(cell)),
            );
        }
        page.table(&table, "There is no case.");
    }
}

/// Lists the requests of this office.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn list(session: &Session) -> Result<Cases, Problem> {
    list_where(session, |case| case.kind == "request").await
}

pub(crate) async fn list_where(
    session: &Session,
    fits: impl Fn(&CaseFacts) -> bool,
) -> Result<Cases, Problem> {
    let mut client = session.connection().await?.cases();
    let mut cases = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = office::ListCasesRequest { page_size: 500, page_token };
        let answer = client.list_cases(request).await.map_err(explain)?.into_inner();
        let found = answer.cases.into_iter().map(|case| CaseFacts::of(case, session.now()));
        cases.extend(found.filter(|case| fits(case)));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(Cases { cases });
        }
    }
}

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct CaseShown {
    /// The case.
    #[serde(flatten)]
    pub case: CaseFacts,
    /// What the documents say that matter now: open questions, and why it was refused, postponed, withdrawn.
    pub statements: Vec<Statement>,
    /// Its documents, oldest first.
    pub documents: Vec<DocumentFacts>,
}

/// What a document says in words.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// The document.
    pub document_id: String,
    /// What it is.
    pub kind: String,
    /// Who says it.
    pub sender: String,
    /// The question's id; empty for other documents.
    pub question_id: String,
    /// The text.
    pub text: String,
}

impl Statement {
    /// From a document that says why, or from an open question.
    fn of(fetched: &Fetched, case: &CaseFacts) -> Option<Self> {
        let text =
            |field: &str| fetched.document.body.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
        let question_id = text("question_id").unwrap_or_default();
        let text = match fetched.document.kind {
            DocumentKind::Question => {
                let open = case.open_questions.iter().any(|question| question.question_id == question_id);
                text("question").filter(|_| open)
            }
            _ => text("reason"),
        };
        Some(Self {
            document_id: fetched.facts.document_id.clone(),
            kind: fetched.facts.kind.clone(),
            sender: fetched.facts.sender.clone(),
            question_id,
            text: text?,
        })
    }
}

impl Outcome for CaseShown {
    fn show(&self, page: &mut Page) {
        self.case.show(page);
        for statement in &self.statements {
            page.blank();
            let name = [statement.kind.as_str(), statement.question_id.as_str()].join(" ");
            page.line(format!("{} by {}:", clean(name.trim()), clean(&statement.sender)));
            page.line(format!("  {}", quoted(&statement.text)));
        }
        page.blank();
        page.table(&document_table(&self.documents), "It holds no document.");
        if let Some(command) = self.case.next_command() {
            page.blank();
            page.line(format!("Next: {command}"));
        }
    }
}

/// Shows a case, its documents and its packages.
///
/// # Errors
/// If the server does not know it or refuses.
pub async fn show(session: &Session, case: &str) -> Result<CaseShown, Problem> {
    let case = documents::case(session, case).await?;
    let documents = documents::of_case(session, &case.case_id).await?;
    let mut statements = Vec::new();
    let spoken = documents.iter().filter(|document| speaks(document, &case, &documents));
    for document in spoken {
        let fetched = documents::fetch_bytes(session, &document.document_id).await?;
        statements.extend(Statement::of(&fetched, &case));
    }
    Ok(CaseShown { case, statements, documents })
}

/// Whether what a document says is shown with its case: a question, or the last of a kind that says why.
fn speaks(document: &DocumentFacts, case: &CaseFacts, all: &[DocumentFacts]) -> bool {
    match document.known_kind() {
        Some(DocumentKind::Question) => !case.open_questions.is_empty(),
        Some(DocumentKind::Refusal | DocumentKind::Postponement | DocumentKind::Withdrawal) => {
            let last = all.iter().rev().find(|other| other.kind == document.kind);
            last.is_some_and(|last| last.document_id == document.document_id)
        }
        _ => false,
    }
}

/// A file that was written.
#[derive(Clone, Debug, Serialize)]
pub struct ExportedFile {
    /// The document it belongs to.
    pub document_id: String,
    /// `document` or `receipt`.
    pub what: String,
    /// The document's kind.
    pub kind: String,
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// The result of [`export`].
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// The files, documents in their order, each followed by its receipt and the time stamps of both.
    pub files: Vec<ExportedFile>,
}

impl Outcome for Exported {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["SHA-256", "FILE"]);
        for file in &self.files {
            table.row([file.sha256.to_hex(), file.file.display().to_string()]);
        }
        page.table(&table, "There was nothing to write.");
    }
}

/// Writes the documents of a case and their receipts to a directory, byte for byte.
///
/// # Errors
/// If the server refuses, or a file is there already.
pub async fn export(
    session: &Session,
    arguments: &PickArguments,
    directory: &Path,
) -> Result<Exported, Problem> {
    export_where(session, arguments, directory, |_, _| true).await
}

pub(crate) async fn export_where(
    session: &Session,
    arguments: &PickArguments,
    directory: &Path,
    fits: impl Fn(&CaseFacts, &DocumentFacts) -> bool,
) -> Result<Exported, Problem> {
    let case = documents::case(session, &arguments.case).await?;
    let all = documents::of_case(session, &case.case_id).await?;
    let chosen: Vec<(usize, &DocumentFacts)> = match &arguments.document {
        Some(_) => {
            let one = documents::choose(&all, arguments.document.as_deref(), |_| true, "")?;
            vec![(0, one)]
        }
        None => all.iter().filter(|document| fits(&case, document)).enumerate().collect(),
    };
    files::make_directory(directory)?;
    let mut written = Vec::new();
    for (index, document) in chosen {
        let fetched = documents::fetch_bytes(session, &document.document_id).await?;
        // Kind and id come from the server; only their known forms become file names.
        let kind = document.known_kind().map_or("document", |kind| kind.as_str());
        let id: rogatory_core::reference::DocumentId = document.document_id.parse().map_err(|error| {
            Problem::failed("the server's answer names no document")
                .because(&error as &rogatory_core::reference::ReferenceError)
        })?;
        let stem = format!("{:02}-{kind}-{id}", index + 1);
        let mut write = |what: &str, name: String, bytes: &[u8]| -> Result<(), Problem> {
            let file = directory.join(name);
            files::write_new(&file, bytes)?;
            written.push(ExportedFile {
                document_id: document.document_id.clone(),
                what: what.to_owned(),
                kind: document.kind.clone(),
                file,
                sha256: Digest::of(bytes),
            });
            Ok(())
        };
        write("document", format!("{stem}.asice"), &fetched.container)?;
        if !fetched.receipt.is_empty() {
            write("receipt", format!("{stem}-receipt.asice"), &fetched.receipt)?;
        }
        for (name, bytes) in [
            (format!("{stem}.asice"), &fetched.container),
            (format!("{stem}-receipt.asice"), &fetched.receipt),
        ] {
            let stamps = stamps::fetch(session, &Digest::of(bytes)).await?;
            for (file, sha256) in stamps::write_beside(&directory.join(name), &stamps)? {
                written.push(ExportedFile {
                    document_id: document.document_id.clone(),
                    what: "time-stamp".to_owned(),
                    kind: document.kind.clone(),
                    file,
                    sha256,
                });
            }
        }
    }
    Ok(Exported { case_id: case.case_id, shared_number: case.shared_number, files: written })
}
