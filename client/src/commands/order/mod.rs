//! `rogatory order …`: orders to providers that serve a request, on both sides.

mod draft;

pub use super::approval::Approved;
pub use super::documents::{Drafted, PickArguments};
pub use super::prepared::Prepared;
pub use super::request::{AcknowledgeArguments, CaseShown, Exported};
pub use super::transmission::{TransmissionPlan, Transmitted};
pub use draft::{DraftArguments, draft};

use super::approval;
use super::documents::DocumentFacts;
use super::request;
use super::transmission;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use serde::Serialize;
use std::path::Path;

/// Approves a colleague's draft of an order.
///
/// # Errors
/// As [`request::approve`].
pub async fn approve(session: &Session, arguments: &PickArguments) -> Result<Approved, Problem> {
    approval::approve(session, arguments, is_order).await
}

/// Finds what [`transmit`] would serve.
///
/// # Errors
/// As [`request::plan_transmission`].
pub async fn plan_transmission(
    session: &Session,
    arguments: &PickArguments,
) -> Result<TransmissionPlan, Problem> {
    transmission::plan(session, arguments, is_order).await
}

/// Has the server seal an approved order and serve it on the provider; verifies the receipt.
///
/// # Errors
/// As [`request::transmit`].
pub async fn transmit(session: &Session, plan: &TransmissionPlan) -> Result<Transmitted, Problem> {
    transmission::transmit_kept(session, &plan.document).await
}

/// Prepares the acknowledgement of a received order at the provider.
///
/// # Errors
/// As [`request::prepare_acknowledgement`].
pub async fn prepare_acknowledgement(
    session: &Session,
    arguments: AcknowledgeArguments,
) -> Result<Prepared, Problem> {
    let next_step = "The data named in the order are preserved and are being compiled for production.";
    request::prepare_acknowledgement_of(session, arguments, DocumentKind::Order, next_step).await
}

/// Acknowledges a received order: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_acknowledgement`] and [`Prepared::send`].
pub async fn acknowledge(session: &Session, arguments: AcknowledgeArguments) -> Result<Transmitted, Problem> {
    prepare_acknowledgement(session, arguments).await?.send(session).await
}

/// An order, as the list shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ListedOrder {
    /// The case it belongs to.
    pub case_id: String,
    /// Its own number.
    pub shared_number: String,
    /// `ordering` or `provider`.
    pub side: String,
    /// The other side.
    pub counterpart: String,
    /// Where it stands.
    pub stage: String,
    /// Since when, in UTC.
    pub stage_time: String,
}

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Orders {
    /// Newest case first.
    pub orders: Vec<ListedOrder>,
}

impl Outcome for Orders {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["CASE", "ORDER", "SIDE", "COUNTERPART", "STAGE", "SINCE (UTC)"]);
        for order in &self.orders {
            table.row(
                [
                    &order.case_id,
                    &order.shared_number,
                    &order.side,
                    &order.counterpart,
                    &order.stage,
                    &order.stage_time,
                ]
                .map(|cell| clean(cell)),
            );
        }
        page.table(&table, "There is no order.");
    }
}

/// Lists the orders of this office: those it made, and at a provider those it received.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn list(session: &Session) -> Result<Orders, Problem> {
    let cases = request::list_where(session, |_| true).await?.cases;
    let mut orders = Vec::new();
    for case in cases {
        if case.kind == "order" {
            orders.push(ListedOrder {
                case_id: case.case_id,
                shared_number: case.shared_number,
                side: case.side,
                counterpart: case.counterpart,
                stage: case.stage,
                stage_time: case.stage_time,
            });
        } else {
            orders.extend(case.orders.into_iter().map(|order| ListedOrder {
                case_id: case.case_id.clone(),
                shared_number: order.shared_number,
                side: order.side,
                counterpart: order.counterpart,
                stage: order.stage,
                stage_time: order.stage_time,
            }));
        }
    }
    Ok(Orders { orders })
}

/// Shows an order's case with its documents and packages.
///
/// # Errors
/// If the server does not know it or refuses.
pub async fn show(session: &Session, case: &str) -> Result<CaseShown, Problem> {
    request::show(session, case).await
}

/// Writes the orders of a case, the answers to them and their receipts to a directory.
///
/// # Errors
/// If the server refuses, or a file is there already.
pub async fn export(
    session: &Session,
    arguments: &PickArguments,
    directory: &Path,
) -> Result<Exported, Problem> {
    request::export_where(session, arguments, directory, |case, document| {
        // At the authority the case holds the request's documents too; an order has its own number.
        case.kind == "order" || document.shared_number != case.shared_number
    })
    .await
}

fn is_order(document: &DocumentFacts) -> bool {
    document.kind == DocumentKind::Order.as_str()
}
