//! `rogatory request …`: requests for mutual legal assistance, in both directions.

mod answer;
mod decision;
mod draft;
mod exchange;
mod forward;
mod listing;

pub use super::approval::Approved;
pub use super::documents::{Drafted, PickArguments};
pub use super::matter::Form;
pub use super::prepared::Prepared;
pub use super::transmission::{TransmissionPlan, Transmitted};
pub use answer::{
    AcknowledgeArguments, CloseArguments, ExecuteArguments, acknowledge, close, execute,
    prepare_acknowledgement, prepare_closing,
};
pub use decision::{
    PostponeArguments, RefuseArguments, WithdrawArguments, postpone, postponement_ground, refusal_ground,
    refuse, withdraw,
};
pub use draft::{DraftArguments, RenderArguments, Rendered, check, draft, render};
pub use exchange::{AnswerArguments, AskArguments, answer, ask, prepare_answer, prepare_question};
pub use forward::{ForwardArguments, Forwarded, forward, prepare_forwarding};
pub use listing::{CaseShown, Cases, Exported, ExportedFile, export, list, show};

pub(crate) use answer::prepare_acknowledgement_of;
pub(crate) use draft::open_matter;
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
/// What arrived before is not sent again: see [`Transmitted::already_transmitted`]. A negative receipt
/// is a result too: see [`Transmitted::delivered`].
///
/// # Errors
/// Not yet, if the counterpart cannot be reached; unverified, if the receipt does not hold.
pub async fn transmit(session: &Session, plan: &TransmissionPlan) -> Result<Transmitted, Problem> {
    transmission::transmit_kept(session, &plan.document).await
}

fn is_no_order(document: &DocumentFacts) -> bool {
    document.kind != "order"
}
