//! `rogatory preservation …`: requests to preserve stored data, in both directions.
//!
//! Source: ETS 185, Art. 29.

mod act;
mod confirm;
mod listing;
mod period;

pub use super::approval::Approved;
pub use super::documents::{Drafted, PickArguments};
pub use super::prepared::Prepared;
pub use super::request::{AnswerArguments, AskArguments, DraftArguments, Exported, RefuseArguments};
pub use super::transmission::{TransmissionPlan, Transmitted};
pub use act::{
    ExtendArguments, FollowUpArguments, ReleaseArguments, extend, follow_up, refuse, release, request,
};
pub use confirm::{ConfirmArguments, confirm, prepare_confirmation};
pub use listing::{Preservations, list, show};
pub use period::Until;

pub(crate) use period::left;

use super::documents::CaseFacts;
use super::matter::Matter;
use super::{approval, documents, request as requests, transmission};
use crate::problem::Problem;
use crate::session::Session;
use std::path::Path;

/// The kind of case that all this is about.
const CASE: &str = "preservation";

/// Approves a colleague's draft: renders it again, compares, signs 002, hands it in.
///
/// # Errors
/// As [`requests::approve`]; a usage problem if the case is about something else.
pub async fn approve(session: &Session, arguments: &PickArguments) -> Result<Approved, Problem> {
    case(session, &arguments.case).await?;
    approval::approve(session, arguments, |_| true).await
}

/// Finds what [`transmit`] would transmit.
///
/// # Errors
/// As [`requests::plan_transmission`]; a usage problem if the case is about something else.
pub async fn plan_transmission(
    session: &Session,
    arguments: &PickArguments,
) -> Result<TransmissionPlan, Problem> {
    case(session, &arguments.case).await?;
    transmission::plan(session, arguments, |_| true).await
}

/// Has the server seal and transmit an approved document, and verifies the receipt.
///
/// # Errors
/// As [`requests::transmit`].
pub async fn transmit(session: &Session, plan: &TransmissionPlan) -> Result<Transmitted, Problem> {
    transmission::transmit_kept(session, &plan.document).await
}

/// Prepares a question about a received request to preserve.
///
/// # Errors
/// As [`requests::prepare_question`]; a usage problem if the case is about something else.
pub async fn prepare_question(session: &Session, arguments: AskArguments) -> Result<Prepared, Problem> {
    case(session, &arguments.case).await?;
    requests::prepare_question(session, arguments).await
}

/// Prepares the answer to a question about a request to preserve of this office.
///
/// # Errors
/// As [`requests::prepare_answer`]; a usage problem if the case is about something else.
pub async fn prepare_answer(session: &Session, arguments: AnswerArguments) -> Result<Prepared, Problem> {
    case(session, &arguments.case).await?;
    requests::prepare_answer(session, arguments).await
}

/// Writes the documents of a preservation and their receipts to a directory, byte for byte.
///
/// # Errors
/// As [`requests::export`]; a usage problem if the case is about something else.
pub async fn export(
    session: &Session,
    arguments: &PickArguments,
    directory: &Path,
) -> Result<Exported, Problem> {
    case(session, &arguments.case).await?;
    requests::export(session, arguments, directory).await
}

async fn case(session: &Session, name: &str) -> Result<CaseFacts, Problem> {
    let case = documents::case(session, name).await?;
    case.must_be(CASE)?;
    Ok(case)
}

async fn matter(session: &Session, name: &str) -> Result<Matter, Problem> {
    Matter::open_kind(session, name, CASE).await
}
