//! Sealing and transmitting a document, and the receipt that comes back.
//!
//! Shared by requests, orders and the answers to them. The server seals and sends; here its word is
//! checked: the receipt must be the counterpart's own, for the very bytes that were sealed.

use super::documents::{self, CaseFacts, DocumentFacts, Drafted, PickArguments};
use super::receipts::{self, Expected, ReceiptFacts};
use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::papers::Gap;
use crate::problem::{Problem, clean, quoted};
use crate::session::Session;
use rogatory_core::PartyId;
use rogatory_core::document::Document;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_proto::common::v1::SealedReceipt;
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

impl TransmissionPlan {
    /// Whether transmitting does nothing that was not done before.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.document.is_answered()
    }
}

impl Outcome for TransmissionPlan {
    fn show(&self, page: &mut Page) {
        if self.is_done() {
            page.line("This was transmitted before. Nothing will be sent again:");
        } else {
            page.line("This will be sealed and transmitted, and cannot be taken back:");
        }
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
    /// Since when the receipt was here, if it was transmitted before and nothing was sent now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub already_transmitted: Option<String>,
    /// Facts that were taken from the case or the profile, if it was drafted in the same go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filled_in: Vec<String>,
    /// Doubts that did not forbid sending, likewise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Gap>,
}

impl Outcome for Transmitted {
    fn show(&self, page: &mut Page) {
        if let Some(time) = &self.already_transmitted {
            let what = if self.delivered { "transmitted" } else { "sent, and not accepted," };
            page.line(format!("already {what} on {}; nothing was sent again", clean(time)));
            page.blank();
        }
        page.fact("case", &self.case_id);
        page.fact("shared number", &self.shared_number);
        page.fact("document", format!("{} ({} #{})", self.document_id, self.kind, self.message_number));
        page.fact("stage", &self.stage);
        if !self.filled_in.is_empty() {
            page.fact("filled in", self.filled_in.join(", "));
        }
        self.receipt.show(page);
        for warning in &self.warnings {
            page.line(format!("warning: {}", warning.line()));
        }
    }

    fn complaint(&self) -> Option<Problem> {
        self.receipt.complaint()
    }
}

/// Finds what a transmission is about.
///
/// If nothing waits and the last own document arrived, that one: whoever repeats a command learns
/// that it was done.
pub(crate) async fn plan(
    session: &Session,
    arguments: &PickArguments,
    fits: impl Fn(&DocumentFacts) -> bool,
) -> Result<TransmissionPlan, Problem> {
    let case: CaseFacts = documents::case(session, &arguments.case).await?;
    let all = documents::of_case(session, &case.case_id).await?;
    let own = session.profile()?.party.to_string();
    let is_own = |document: &DocumentFacts| document.sender == own && fits(document);
    let chosen = match done(&all, arguments.document.as_deref(), is_own) {
        Some(done) => done,
        None => documents::choose(
            &all,
            arguments.document.as_deref(),
            |document| document.awaits_transmission() && is_own(document),
            "waits for transmission",
        )
        .map_err(|problem| explain_waiting(problem, &case, &all, is_own))?,
    };
    let addressee: PartyId = super::party_id(&chosen.addressee)?;
    let (party, _) = super::party::confirmed(session, &addressee).await?;
    Ok(TransmissionPlan {
        case_id: case.case_id,
        document: chosen.clone(),
        addressee_name: party.name,
        peer_endpoint: party.peer_endpoint,
    })
}

/// The last own document, if it was receipted and no other one is on its way.
fn done<'a>(
    all: &'a [DocumentFacts],
    named: Option<&str>,
    is_own: impl Fn(&DocumentFacts) -> bool,
) -> Option<&'a DocumentFacts> {
    if named.is_some() {
        return None;
    }
    let own: Vec<&DocumentFacts> = all.iter().filter(|document| is_own(document)).collect();
    let all_arrived = own.iter().all(|document| document.is_answered());
    own.last().filter(|_| all_arrived).copied()
}

/// Says what must come before a transmission.
fn explain_waiting(
    problem: Problem,
    case: &CaseFacts,
    all: &[DocumentFacts],
    is_own: impl Fn(&DocumentFacts) -> bool,
) -> Problem {
    match all.iter().rev().find(|document| is_own(document) && document.awaits_approval()) {
        Some(draft) if problem.hint().is_none() => problem.with_hint(format!(
            "the {} waits for another officer: `rogatory {} approve {}`",
            clean(&draft.kind),
            draft.noun(),
            clean(&case.case_id)
        )),
        _ => problem,
    }
}

/// Has the server seal and transmit a document, and verifies the receipt; if it was receipted
/// before, gives the stored receipt.
pub(crate) async fn transmit_kept(
    session: &Session,
    document: &DocumentFacts,
) -> Result<Transmitted, Problem> {
    if !document.is_answered() {
        return transmit(session, document).await;
    }
    let sealed = documents::fetch(session, &document.document_id).await?;
    let receipt = SealedReceipt { container: sealed.receipt.clone(), ..SealedReceipt::default() };
    let receipt = verify(session, &sealed.document, &sealed.container, Some(receipt)).await?;
    let already_transmitted = Some(sealed.facts.stage_time.clone());
    Ok(Transmitted { already_transmitted, ..transmitted(sealed.facts, receipt) })
}

async fn transmit(session: &Session, document: &DocumentFacts) -> Result<Transmitted, Problem> {
    let connection = session.connection().await?;
    let request = office::TransmitDocumentRequest {
        request_id: session.call_id(),
        document_id: document.document_id.clone(),
    };
    let answer = connection.documents().transmit_document(request).await;
    let answer = answer.map_err(|status| explain_queue(explain(status), document))?.into_inner();
    // What was sealed, byte for byte: the receipt must name it.
    let sealed = documents::fetch(session, &document.document_id).await?;
    let receipt = verify(session, &sealed.document, &sealed.container, answer.receipt).await?;
    if receipt.ground.is_none() != answer.delivered {
        return Err(Problem::unverified("the server's word about the delivery contradicts the receipt"));
    }
    Ok(transmitted(sealed.facts, receipt))
}

/// Verifies that a receipt is the addressee's own, for the very bytes that were sealed.
async fn verify(
    session: &Session,
    document: &Document,
    container: &[u8],
    receipt: Option<SealedReceipt>,
) -> Result<ReceiptFacts, Problem> {
    let sent = rogatory_core::Digest::of(container);
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
    receipts::verify(session, receipt, expected).await
}

fn transmitted(facts: DocumentFacts, receipt: ReceiptFacts) -> Transmitted {
    Transmitted {
        case_id: facts.case_id,
        shared_number: facts.shared_number,
        document_id: facts.document_id,
        kind: facts.kind,
        message_number: facts.message_number,
        stage: facts.stage,
        delivered: receipt.ground.is_none(),
        receipt,
        already_transmitted: None,
        filled_in: Vec::new(),
        warnings: Vec::new(),
    }
}

/// The server's reason if the counterpart cannot be reached: the document is stored and goes out
/// when it can.
const PEER_UNREACHABLE: &str = "PEER_UNREACHABLE";

/// Says what becomes of a document that could not be delivered at once.
fn explain_queue(problem: Problem, document: &DocumentFacts) -> Problem {
    if problem.reason() != Some(PEER_UNREACHABLE) {
        return problem;
    }
    problem.with_hint(format!(
        "the {} is sealed and kept, and your server keeps trying by itself; \
         `rogatory {} transmit {} --document {}` fetches the receipt once it is there, or tries at once",
        clean(&document.kind),
        document.noun(),
        clean(&document.case_id),
        clean(&document.document_id)
    ))
}

/// Transmits what was just drafted.
pub(crate) async fn transmit_drafted(session: &Session, drafted: Drafted) -> Result<Transmitted, Problem> {
    let Drafted { facts, filled_in, warnings, .. } = drafted;
    let transmitted = transmit(session, &facts).await?;
    Ok(Transmitted { filled_in, warnings, ..transmitted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::documents::tests::facts as document;

    #[test]
    fn what_arrived_is_not_sent_again() {
        let own = |document: &DocumentFacts| document.sender == "gb/central-authority";
        let arrived = [document("request", "transmitted"), document("withdrawal", "transmitted")];
        assert_eq!(done(&arrived, None, own).map(|one| one.kind.as_str()), Some("withdrawal"));
        // What waits comes first, and what is named is looked at by itself.
        let waits = [document("request", "transmitted"), document("withdrawal", "approved")];
        assert!(done(&waits, None, own).is_none());
        assert!(done(&arrived, Some("D-1"), own).is_none());
    }

    #[test]
    fn an_unreachable_counterpart_is_waited_for_by_the_server() {
        let mut status = tonic::Status::unavailable("md/central-authority cannot be reached");
        status.metadata_mut().insert(crate::problem::REASON_KEY, "PEER_UNREACHABLE".parse().expect("ascii"));
        let problem = explain_queue(Problem::from_status(&status), &document("preservation", "sealed"));
        assert_eq!(problem.exit().code(), 75);
        let hint = problem.hint().unwrap_or_default();
        assert!(hint.contains("keeps trying by itself"), "{hint}");
        assert!(hint.contains("`rogatory preservation transmit C-1 --document D-1`"), "{hint}");
        let other = Problem::from_status(&tonic::Status::unavailable("busy"));
        assert_eq!(explain_queue(other.clone(), &document("request", "sealed")), other);
    }

    #[test]
    fn what_is_missing_before_a_transmission_is_named() {
        let all = [document("refusal", "drafted")];
        let case = CaseFacts { case_id: "C-1".to_owned(), ..CaseFacts::default() };
        let problem = explain_waiting(Problem::refused("nothing waits"), &case, &all, |_| true);
        let hint = problem.hint().unwrap_or_default();
        assert!(hint.contains("`rogatory request approve C-1`"), "{hint}");
    }
}
