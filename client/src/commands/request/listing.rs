//! Listing, showing and exporting cases with their documents and receipts.

use crate::commands::documents::{self, CaseFacts, DocumentFacts, PickArguments, document_table};
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Cases {
    /// Newest first.
    pub cases: Vec<CaseFacts>,
}

impl Outcome for Cases {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["CASE", "SHARED NUMBER", "SIDE", "COUNTERPART", "STAGE", "SINCE (UTC)"]);
        for case in &self.cases {
            table.row(
                [
                    &case.case_id,
                    &case.shared_number,
                    &case.side,
                    &case.counterpart,
                    &case.stage,
                    &case.stage_time,
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
        cases.extend(answer.cases.into_iter().map(CaseFacts::of).filter(|case| fits(case)));
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
    /// Its documents, oldest first.
    pub documents: Vec<DocumentFacts>,
}

impl Outcome for CaseShown {
    fn show(&self, page: &mut Page) {
        self.case.show(page);
        page.blank();
        page.table(&document_table(&self.documents), "It holds no document.");
    }
}

/// Shows a case, its documents and its packages.
///
/// # Errors
/// If the server does not know it or refuses.
pub async fn show(session: &Session, case: &str) -> Result<CaseShown, Problem> {
    let case = documents::case(session, case).await?;
    let documents = documents::of_case(session, &case.case_id).await?;
    Ok(CaseShown { case, documents })
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
    /// The files, documents in their order, each followed by its receipt.
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
    }
    Ok(Exported { case_id: case.case_id, shared_number: case.shared_number, files: written })
}
