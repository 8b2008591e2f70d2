//! Sealing and transmitting a document, and the receipt that comes back.
//!
//! Shared by requests, orders and the answers to them. The server seals and sends; here its word is
//! checked: the receipt must be the counterpart's own, for the very bytes that were sealed.

use super::documents::{self, CaseFacts, DocumentFacts, Drafted, PickArguments};
use super::receipts::{self, Expected, ReceiptFacts};
use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, quoted};
use crate::session::Session;
use rogatory_core::PartyId;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// What will be transmitted, to be shown before it happens.
#[derive(Clone, Debug, Serialize)]
pub struct TransmissionPlan {
    /// The case.
    pub case_id: String,
    /// The document.
    pub document: DocumentFacts,
    /// The addressee's name in words.
    pub addressee_name: String,
    /// `host:port` of its server.
    pub peer_endpoint: String,
}

impl Outcome for TransmissionPlan {
    fn show(&self, page: &mut Page) {
        page.line("This will be sealed and transmitted, and cannot be taken back:");
        page.blank();
        let document = &self.document;
        page.fact(
            "document",
            format!("{} {} #{}", document.kind, document.shared_number, document.message_number),
        );
        page.fact("from", &document.sender);
        page.fact("to", format!("{} {}", document.addressee, quoted(&self.addressee_name)));
        page.fact("server", &self.peer_endpoint);
        page.fact("stage", format!("{} since {}", document.stage, document.stage_time));
        page.fact("sha256", &document.container_sha256);
    }
}

/// The result of transmitting: the counterpart's receipt, positive or negative.
#[derive(Clone, Debug, Serialize)]
pub struct Transmitted {
    /// The case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// The document.
    pub document_id: String,
    /// What it is.
    pub kind: String,
    /// The sender's count under the number.
    pub message_number: u32,
    /// Where it stands now.
    pub stage: String,
    /// Whether the receipt is positive.
    pub delivered: bool,
    /// The receipt, verified.
    pub receipt: ReceiptFacts,
    /// Facts that were taken from the case or the profile, if it was drafted in the same go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filled_in: Vec<String>,
}

impl Outcome for Transmitted {
    fn show(&self, page: &mut Page) {
        page.fact("case", &self.case_id);
        page.fact("shared number", &self.shared_number);
        page.fact("document", format!("{} ({} #{})", self.document_id, self.kind, self.message_number));
        page.fact("stage", &self.stage);
        if !self.filled_in.is_empty() {
            page.fact("filled in", self.filled_in.join(", "));
        }
        self.receipt.show(page);
    }

    fn complaint(&self) -> Option<Problem> {
        self.receipt.complaint()
    }
}

/// Finds what a transmission is about.
pub(crate) async fn plan(
    session: &Session,
    arguments: &PickArguments,
    fits: impl Fn(&DocumentFacts) -> bool,
) -> Result<TransmissionPlan, Problem> {
    let case: CaseFacts = documents::case(session, &arguments.case).await?;
    let all = documents::of_case(session, &case.case_id).await?;
    let own = session.profile()?.party.to_string();
    let chosen = documents::choose(
        &all,
        arguments.document.as_deref(),
        |document| document.awaits_transmission() && document.sender == own && fits(document),
        "waits for transmission",
    )?;
    let addressee: PartyId = super::party_id(&chosen.addressee)?;
    let (party, _) = super::party::confirmed(session, &addressee).await?;
    Ok(TransmissionPlan {
        case_id: case.case_id,
        document: chosen.clone(),
        addressee_name: party.name,
        peer_endpoint: party.peer_endpoint,
    })
}

/// Has the server seal and transmit a document, and verifies the receipt.
pub(crate) async fn transmit(session: &Session, document_id: &str) -> Result<Transmitted, Problem> {
    let connection = session.connection().await?;
    let request = office::TransmitDocumentRequest {
        request_id: session.call_id(),
        document_id: document_id.to_owned(),
    };
    let answer = connection.documents().transmit_document(request).await.map_err(explain)?.into_inner();
    // What was sealed, byte for byte: the receipt must name it.
    let sealed = documents::fetch(session, document_id).await?;
    let sent = rogatory_core::Digest::of(&sealed.container);
    let document = &sealed.document;
    let of = |of: &Receipted| match of {
        Receipted::Document { sender, shared_number, message_number, container_sha256 } => {
            *sender == document.sender.party
                && *shared_number == document.shared_number
                && *message_number == document.message_number
                && *container_sha256 == sent
        }
        Receipted::Package { .. } => false,
    };
    let expected = Expected {
        issuer: &document.addressee.party,
        kind: ReceiptKind::Delivery,
        addressee: &session.profile()?.party,
        of: &of,
        sent,
    };
    let receipt = receipts::verify(session, answer.receipt, expected).await?;
    let delivered = receipt.ground.is_none();
    if delivered != answer.delivered {
        return Err(Problem::unverified("the server's word about the delivery contradicts the receipt"));
    }
    let facts = sealed.facts;
    Ok(Transmitted {
        case_id: facts.case_id,
        shared_number: facts.shared_number,
        document_id: facts.document_id,
        kind: facts.kind,
        message_number: facts.message_number,
        stage: facts.stage,
        delivered,
        receipt,
        filled_in: Vec::new(),
    })
}

/// Transmits what was just drafted.
pub(crate) async fn transmit_drafted(session: &Session, drafted: Drafted) -> Result<Transmitted, Problem> {
    let transmitted = transmit(session, &drafted.document_id).await.map_err(|problem| {
        let hint = format!("document {} is kept; the same command transmits it", drafted.document_id);
        if problem.exit() == crate::Exit::NotYet { problem.with_hint(hint) } else { problem }
    })?;
    Ok(Transmitted { filled_in: drafted.filled_in, ..transmitted })
}
