//! `rogatory request …`: requests for mutual legal assistance, in both directions.

mod answer;
mod draft;
mod listing;

pub use super::approval::Approved;
pub use super::documents::{Drafted, PickArguments};
pub use super::transmission::{TransmissionPlan, Transmitted};
pub use answer::{AcknowledgeArguments, AnswerArguments, acknowledge, close, execute};
pub use draft::{DraftArguments, RenderArguments, Rendered, check, draft, render};
pub use listing::{CaseShown, Cases, Exported, ExportedFile, export, list, show};

pub(crate) use answer::{Matter, acknowledge_kind, contact, explain_contact};
pub(crate) use listing::{export_where, list_where};

use super::approval;
use super::documents::DocumentFacts;
use super::transmission;
use crate::problem::Problem;
use crate::session::Session;

/// Approves a colleague's draft: renders it again, compares, signs 002, hands it in.
///
/// # Errors
/// Unverified, if the draft is unsound or its paper differs; refused, if it is one's own.
pub async fn approve(session: &Session, arguments: &PickArguments) -> Result<Approved, Problem> {
    approval::approve(session, arguments, is_no_order).await
}

/// Finds what [`transmit`] would transmit.
///
/// # Errors
/// Refused if no document waits for transmission; a usage problem if several do.
pub async fn plan_transmission(
    session: &Session,
    arguments: &PickArguments,
) -> Result<TransmissionPlan, Problem> {
    transmission::plan(session, arguments, is_no_order).await
}

/// Has the server seal and transmit an approved document, and verifies the receipt.
///
/// A negative receipt is a result too: see [`Transmitted::delivered`].
///
/// # Errors
/// Not yet, if the counterpart cannot be reached; unverified, if the receipt does not hold.
pub async fn transmit(session: &Session, plan: &TransmissionPlan) -> Result<Transmitted, Problem> {
    transmission::transmit(session, &plan.document.document_id).await
}

fn is_no_order(document: &DocumentFacts) -> bool {
    document.kind != "order"
}
