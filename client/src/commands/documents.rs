//! Cases and documents as the own server keeps them: fetching, choosing, drafting.
//!
//! Shared by requests and orders. Never approves or transmits: that is [`super::approval`] and
//! [`super::transmission`].

mod case_facts;

pub use case_facts::{CaseFacts, OrderFacts, PackageFacts, QuestionFacts};

pub(crate) use case_facts::package_table;

use crate::connect::explain;
use crate::containers;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::papers::{self, Envelope, Gap};
use crate::problem::{Problem, clean};
use crate::session::Session;
use bytes::Bytes;
use rogatory_container::asice::Asice;
use rogatory_core::document::{Document, DocumentKind, InReplyTo, NamedParty, SignerRule};
use rogatory_core::{Digest, MessageNumber, PartyId, SharedNumber};
use rogatory_proto::office::v1 as office;
use rogatory_templates::Template;
use serde::Serialize;
use serde_json::Value;

/// The server's reason for what the stage forbids; the same is seen here before it is asked.
pub(crate) const WRONG_STAGE: &str = "WRONG_STAGE";

/// A document, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentFacts {
    /// The office's id.
    pub document_id: String,
    /// The case it belongs to.
    pub case_id: String,
    /// What it is.
    pub kind: String,
    /// The number both sides use.
    pub shared_number: String,
    /// The sender's count under it.
    pub message_number: u32,
    /// Who sent it.
    pub sender: String,
    /// To whom.
    pub addressee: String,
    /// Where it stands.
    pub stage: String,
    /// Since when, in UTC.
    pub stage_time: String,
    /// SHA-256 of its container.
    pub container_sha256: String,
}

impl DocumentFacts {
    /// Takes what the server says of a document.
    #[must_use]
    pub fn of(document: office::Document) -> Self {
        Self {
            document_id: document.document_id,
            case_id: document.case_id,
            kind: document.kind,
            shared_number: document.shared_number,
            message_number: document.message_number,
            sender: document.sender,
            addressee: document.addressee,
            stage: document.stage,
            stage_time: document.stage_time,
            container_sha256: document.container_sha256,
        }
    }

    /// What it is, if this version knows it.
    #[must_use]
    pub fn known_kind(&self) -> Option<DocumentKind> {
        self.kind.parse().ok()
    }

    /// The noun under which commands treat it.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self.known_kind() {
            Some(DocumentKind::Order) => "order",
            Some(
                DocumentKind::Preservation
                | DocumentKind::Confirmation
                | DocumentKind::Extension
                | DocumentKind::Release,
            ) => "preservation",
            _ => "request",
        }
    }

    /// Whether the counterpart receipted it as delivered.
    #[must_use]
    pub fn is_transmitted(&self) -> bool {
        self.stage == "transmitted"
    }

    /// Whether the counterpart receipted it, positively or negatively.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        matches!(self.stage.as_str(), "transmitted" | "not-delivered")
    }

    /// Whether it needs two officers and has only one.
    #[must_use]
    pub fn awaits_approval(&self) -> bool {
        self.stage == "drafted" && self.signer_rule() == Some(SignerRule::TwoOfficersAndSeal)
    }

    /// Whether all officers have signed it and the counterpart has not receipted it.
    #[must_use]
    pub fn awaits_transmission(&self) -> bool {
        match self.stage.as_str() {
            "approved" | "sealed" => true,
            "drafted" => self.signer_rule() == Some(SignerRule::OneOfficerAndSeal),
            _ => false,
        }
    }

    fn signer_rule(&self) -> Option<SignerRule> {
        self.known_kind().map(DocumentKind::signer_rule)
    }
}

/// The documents of a case as a table.
pub(crate) fn document_table(documents: &[DocumentFacts]) -> Table {
    let mut table = Table::new(&["DOCUMENT", "KIND", "NUMBER", "#", "FROM", "TO", "STAGE", "SINCE (UTC)"]);
    for document in documents {
        table.row([
            clean(&document.document_id),
            clean(&document.kind),
            clean(&document.shared_number),
            document.message_number.to_string(),
            clean(&document.sender),
            clean(&document.addressee),
            clean(&document.stage),
            clean(&document.stage_time),
        ]);
    }
    table
}

/// Fetches a case by its id or shared number.
///
/// # Errors
/// If the server does not know it or refuses.
pub async fn case(session: &Session, name: &str) -> Result<CaseFacts, Problem> {
    let mut cases = session.connection().await?.cases();
    let request = office::GetCaseRequest { case_id: name.to_owned() };
    let answer = cases.get_case(request).await.map_err(explain)?.into_inner();
    answer
        .case
        .map(|case| CaseFacts::of(case, session.now()))
        .ok_or_else(|| Problem::failed("the server's answer names no case"))
}

/// Lists the documents of a case, oldest first.
///
/// # Errors
/// If the server does not know it or refuses.
pub async fn of_case(session: &Session, case_id: &str) -> Result<Vec<DocumentFacts>, Problem> {
    let mut client = session.connection().await?.documents();
    let mut documents = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            office::ListDocumentsRequest { case_id: case_id.to_owned(), page_size: 500, page_token };
        let answer = client.list_documents(request).await.map_err(explain)?.into_inner();
        documents.extend(answer.documents.into_iter().map(DocumentFacts::of));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(documents);
        }
    }
}

/// A document with its container.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// How the server keeps it.
    pub facts: DocumentFacts,
    /// The container, byte for byte.
    pub container: Bytes,
    /// The receipt that belongs to it; empty if there is none.
    pub receipt: Bytes,
    /// The container, opened.
    pub asice: Asice,
    /// Its data.
    pub document: Document,
    /// SHA-256 of its `document.json`.
    pub document_sha256: Digest,
}

impl Fetched {
    /// How another document names this one.
    #[must_use]
    pub fn as_reply_target(&self) -> InReplyTo {
        InReplyTo {
            shared_number: self.document.shared_number.clone(),
            message_number: self.document.message_number,
            document_sha256: self.document_sha256,
        }
    }
}

/// Fetches a document and verifies it: one received against the sender's confirmed entry, seal and
/// signers included; an own one up to the own anchors, at whatever step of its signing.
///
/// # Errors
/// If the server refuses, or unverified if the container is unsound, not the one it claims to be, or
/// not signed by those who must.
pub async fn fetch(session: &Session, document_id: &str) -> Result<Fetched, Problem> {
    let fetched = fetch_bytes(session, document_id).await?;
    let what = format!("document {}", clean(document_id));
    let profile = session.profile()?;
    let sender = &fetched.document.sender.party;
    if *sender == profile.party {
        containers::verify_own(&fetched.asice, sender, &profile.anchors()?, session.now(), &what)?;
    } else {
        let (_, entry) = super::party::confirmed(session, sender).await?;
        containers::verify_sealed(&fetched.asice, &entry, session.now(), &what)?;
    }
    Ok(fetched)
}

/// Fetches a document to hand it on as it is, also years later: it is opened and compared with what
/// the server says of it, and nobody is asked who vouches for its signatures.
///
/// # Errors
/// If the server refuses, or unverified if the container is unsound or not the one it claims to be.
pub(crate) async fn fetch_bytes(session: &Session, document_id: &str) -> Result<Fetched, Problem> {
    let mut client = session.connection().await?.documents();
    let request = office::GetDocumentRequest { document_id: document_id.to_owned() };
    let answer = client.get_document(request).await.map_err(explain)?.into_inner();
    let facts = answer.document.map(DocumentFacts::of);
    let facts = facts.ok_or_else(|| Problem::failed("the server's answer names no document"))?;
    let what = format!("document {}", clean(document_id));
    if Digest::of(&answer.container).to_hex() != facts.container_sha256 {
        return Err(Problem::unverified(format!(
            "{what} arrived with another digest than the server announced"
        )));
    }
    let asice = containers::open(&answer.container, &what)?;
    let (document, document_sha256) = containers::document(&asice, &what)?;
    let same = document.kind.as_str() == facts.kind
        && document.shared_number.as_str() == facts.shared_number
        && document.message_number.value() == facts.message_number
        && document.sender.party.to_string() == facts.sender
        && document.addressee.party.to_string() == facts.addressee;
    if !same {
        return Err(Problem::unverified(format!(
            "{what} says something else in its data than the server says of it"
        )));
    }
    Ok(Fetched {
        facts,
        container: answer.container,
        receipt: answer.receipt,
        asice,
        document,
        document_sha256,
    })
}

/// Fetches the one document of `documents` for which `fits` holds; the latest if there are several.
pub(crate) async fn fetch_last(
    session: &Session,
    documents: &[DocumentFacts],
    fits: impl Fn(&DocumentFacts) -> bool,
) -> Result<Option<Fetched>, Problem> {
    match documents.iter().rev().find(|document| fits(document)) {
        Some(document) => fetch(session, &document.document_id).await.map(Some),
        None => Ok(None),
    }
}

/// Chooses the document that a command is about.
///
/// # Errors
/// Refused if none comes into question; a usage problem if several do.
pub(crate) fn choose<'a>(
    documents: &'a [DocumentFacts],
    named: Option<&str>,
    fits: impl Fn(&DocumentFacts) -> bool,
    what: &str,
) -> Result<&'a DocumentFacts, Problem> {
    let line = |document: &DocumentFacts| {
        format!(
            "{}  {} {} #{}  {}",
            document.document_id,
            document.kind,
            document.shared_number,
            document.message_number,
            document.stage
        )
    };
    if let Some(named) = named {
        return documents.iter().find(|document| document.document_id == named).ok_or_else(|| {
            Problem::usage(format!("the case has no document {}", clean(named)))
                .with_details(documents.iter().map(line).collect())
        });
    }
    let fitting: Vec<&DocumentFacts> = documents.iter().filter(|document| fits(document)).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(Problem::refused(format!("the case has no document that {what}"))
            .with_reason(WRONG_STAGE)
            .with_details(documents.iter().map(line).collect())),
        several => Err(Problem::usage(format!(
            "the case has {} documents that {}",
            several.len(),
            what.replacen("waits", "wait", 1)
        ))
        .with_details(several.iter().map(|document| line(document)).collect())
        .with_hint("name one with --document")),
    }
}

/// The number of the next own message under `number`.
pub(crate) fn next_message(
    documents: &[DocumentFacts],
    own: &PartyId,
    number: &SharedNumber,
) -> MessageNumber {
    let own = own.to_string();
    documents
        .iter()
        .filter(|document| document.sender == own && document.shared_number == number.as_str())
        .filter_map(|document| MessageNumber::new(document.message_number))
        .max()
        .map_or(MessageNumber::FIRST, MessageNumber::next)
}

/// A document to be drafted.
pub(crate) struct Draft {
    pub(crate) template: &'static Template,
    pub(crate) shared_number: SharedNumber,
    pub(crate) message_number: MessageNumber,
    pub(crate) addressee: NamedParty,
    pub(crate) in_reply_to: Option<InReplyTo>,
    pub(crate) facts: Value,
    pub(crate) filled_in: Vec<String>,
    /// Containers that travel in it and are signed with it, by their names.
    pub(crate) enclosed: Vec<(&'static str, Bytes)>,
    /// Empty for a document that opens its own case.
    pub(crate) case_id: String,
    pub(crate) function: &'static str,
}

/// The result of drafting: the document is handed in with its first signature.
#[derive(Clone, Debug, Serialize)]
pub struct Drafted {
    /// The case it opened or joined.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// The document.
    pub document_id: String,
    /// What it is.
    pub kind: String,
    /// The sender's count under the number.
    pub message_number: u32,
    /// To whom.
    pub addressee: String,
    /// Where it stands.
    pub stage: String,
    /// SHA-256 of its `document.json`.
    pub document_sha256: Digest,
    /// SHA-256 of its container.
    pub container_sha256: String,
    /// Facts that were taken from the case or the profile, by their paths.
    pub filled_in: Vec<String>,
    /// Doubts that do not forbid sending.
    pub warnings: Vec<Gap>,
    /// How the server keeps it.
    #[serde(skip)]
    pub(crate) facts: DocumentFacts,
}

impl Outcome for Drafted {
    fn show(&self, page: &mut Page) {
        page.fact("case", &self.case_id);
        page.fact("shared number", &self.shared_number);
        page.fact("document", &self.document_id);
        page.fact("kind", format!("{} #{} to {}", self.kind, self.message_number, self.addressee));
        page.fact("stage", &self.stage);
        page.fact("data sha256", self.document_sha256);
        if !self.filled_in.is_empty() {
            page.fact("filled in", self.filled_in.join(", "));
        }
        for warning in &self.warnings {
            page.line(format!("warning: {}", warning.line()));
        }
        if self.facts.awaits_approval() {
            page.blank();
            page.line(format!(
                "Next, another officer approves it: rogatory {} approve {}",
                self.facts.noun(),
                clean(&self.case_id)
            ));
        }
    }
}

/// Checks the facts, makes data and paper, signs them and hands them in.
pub(crate) async fn hand_in(session: &Session, draft: Draft) -> Result<Drafted, Problem> {
    let warnings = papers::require_complete(draft.template, &draft.facts)?;
    let profile = session.profile()?;
    let signer = profile.signer()?;
    let at = session.now();
    let envelope = Envelope {
        shared_number: draft.shared_number,
        message_number: draft.message_number,
        sender: NamedParty { party: profile.party.clone(), name: profile.name.clone() },
        addressee: draft.addressee,
        created_time: at,
        in_reply_to: draft.in_reply_to,
    };
    let document = papers::document(draft.template, envelope, draft.facts);
    let json = document.to_json();
    let document_sha256 = Digest::of(&json);
    let function = draft.function;
    let enclosed = draft.enclosed;
    // Typesetting takes tenths of a second; the calls of others go on meanwhile.
    let container = tokio::task::spawn_blocking(move || {
        let paper = papers::render(&json)?;
        containers::begin_enclosing(json, paper, enclosed, &signer, at, function)
    })
    .await
    .map_err(|error| Problem::failed("rendering stopped").because(&error))??;
    let mut client = session.connection().await?.documents();
    let request = office::DraftDocumentRequest {
        request_id: session.call_id(),
        container: container.into(),
        case_id: draft.case_id,
    };
    let answer = client.draft_document(request).await.map_err(explain)?.into_inner();
    let facts = answer.document.map(DocumentFacts::of);
    let facts = facts.ok_or_else(|| Problem::failed("the server's answer names no document"))?;
    Ok(Drafted {
        case_id: facts.case_id.clone(),
        shared_number: facts.shared_number.clone(),
        document_id: facts.document_id.clone(),
        kind: facts.kind.clone(),
        message_number: facts.message_number,
        addressee: facts.addressee.clone(),
        stage: facts.stage.clone(),
        document_sha256,
        container_sha256: facts.container_sha256.clone(),
        filled_in: draft.filled_in,
        warnings,
        facts,
    })
}

/// A case, and a document of it if several come into question.
#[derive(Clone, Debug)]
pub struct PickArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The document, if several come into question.
    pub document: Option<String>,
}

#[cfg(test)]
pub(crate) mod tests;
