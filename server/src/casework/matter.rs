//! The matter a document belongs to: a request or an order, with the one step the document takes.
//!
//! Here, once for both directions, stands what each kind of document does to a case, and what it
//! must refer to. Acts ask before they sign, and ask again inside the transaction.

use crate::casework::delivery::Refused;
use crate::datastore::{DocumentRow, PackageStage, Session, StoreError, Transaction};
use crate::directory::open_container;
use crate::problem::Problem;
use rogatory_core::custody_event::CustodyEvent;
use rogatory_core::document::{DATA_FILE, Document, DocumentKind, InReplyTo};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::mla_request::{MlaRequest, Side, Step};
use rogatory_core::order::{OrderSide, OrderStep, ProductionOrder};
use rogatory_core::reference::OfficeReference;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber, Timestamp};

/// A request or an order as it stands.
#[derive(Clone, Debug)]
pub(super) enum Matter {
    Request(MlaRequest),
    Order(ProductionOrder),
}

impl Matter {
    /// The matter under `number`, if there is one.
    pub(super) async fn find(
        session: &mut Session,
        number: &SharedNumber,
    ) -> Result<Option<Self>, StoreError> {
        if let Some(request) = session.request_by_number(number).await? {
            return Ok(Some(Self::Request(request)));
        }
        Ok(session.order_by_number(number).await?.map(Self::Order))
    }

    pub(super) fn case(&self) -> &str {
        match self {
            Self::Request(request) => request.case.as_str(),
            Self::Order(order) => order.case.as_str(),
        }
    }

    pub(super) const fn counterpart(&self) -> &PartyId {
        match self {
            Self::Request(request) => &request.counterpart,
            Self::Order(order) => &order.counterpart,
        }
    }

    /// Whether a document of `kind`, sent by this side if `ours`, may come now.
    ///
    /// # Errors
    /// The stage that forbids it, as a [`Problem`].
    pub(super) fn admits(&self, kind: DocumentKind, ours: bool) -> Result<(), Problem> {
        match (self, kind) {
            (Self::Request(request), DocumentKind::Request) if ours => Ok(request.admits(Step::Transmit)?),
            (Self::Request(request), DocumentKind::Acknowledgement)
                if (request.side == Side::Requested) == ours =>
            {
                Ok(request.admits(Step::Acknowledge)?)
            }
            (Self::Request(request), DocumentKind::Execution)
                if (request.side == Side::Requested) == ours =>
            {
                Ok(request.admits(Step::Execute)?)
            }
            (Self::Request(request), DocumentKind::Closing) if (request.side == Side::Requesting) == ours => {
                Ok(request.admits(Step::Close)?)
            }
            (Self::Order(order), DocumentKind::Order) if ours => Ok(order.admits(OrderStep::Serve)?),
            (Self::Order(order), DocumentKind::Acknowledgement)
                if (order.side == OrderSide::Provider) == ours =>
            {
                Ok(order.admits(OrderStep::Acknowledge)?)
            }
            _ => Err(Problem::new(
                crate::problem::Reason::WrongStage,
                format!("a document of kind {kind} is not for this side of this matter to send"),
            )),
        }
    }

    /// Takes the step that `document` means, whoever sent it: stores the stage, gives the event.
    pub(super) async fn advance(
        self,
        tx: &mut Transaction,
        document: &Document,
    ) -> Result<CustodyEvent, StoreError> {
        let at = tx.now();
        match self {
            Self::Request(request) => {
                let (request, event) = match document.kind {
                    DocumentKind::Acknowledgement => request.acknowledge(reference_of(document)?, at)?,
                    DocumentKind::Execution => request.execute(packages_of(document)?, at)?,
                    DocumentKind::Closing => request.close(at)?,
                    kind => return Err(misplaced(kind).into()),
                };
                tx.update_request(&request).await?;
                Ok(event)
            }
            Self::Order(order) => {
                let (order, event) = match document.kind {
                    DocumentKind::Acknowledgement => order.acknowledge(reference_of(document)?, at)?,
                    kind => return Err(misplaced(kind).into()),
                };
                tx.update_order(&order).await?;
                Ok(event)
            }
        }
    }
}

fn misplaced(kind: DocumentKind) -> Problem {
    Problem::internal("a document reached a matter it does not belong to", kind.to_string())
}

/// The file number an acknowledgement gives.
///
/// # Errors
/// A [`Problem`] naming the field.
pub(super) fn reference_of(document: &Document) -> Result<OfficeReference, Problem> {
    let text = document.body.get("our_reference").and_then(serde_json::Value::as_str).unwrap_or_default();
    text.parse().map_err(|error| Problem::argument("body.our_reference", &error))
}

/// The packages an execution names.
///
/// # Errors
/// A [`Problem`] naming the field.
pub(super) fn packages_of(document: &Document) -> Result<Vec<PackageId>, Problem> {
    let named = document.packages_named().map_err(|error| Problem::argument("body.packages", &error))?;
    Ok(named.into_iter().map(|package| package.package).collect())
}

/// The data of a stored document.
///
/// # Errors
/// A [`Problem`] if what was stored is not a document.
pub(super) fn data_of(row: &DocumentRow) -> Result<(Document, Digest), Problem> {
    let container = open_container(&row.container)?;
    let json = container
        .file(DATA_FILE)
        .ok_or_else(|| Problem::internal("a stored document has no data", row.id.to_string()))?;
    let document = Document::from_json(json)
        .map_err(|error| Problem::internal("a stored document has damaged data", error))?;
    Ok((document, Digest::of(json)))
}

/// The document under `number` that opened the matter: the request or the order itself.
///
/// # Errors
/// [`StoreError`] if it is missing or damaged.
pub(super) async fn opening_document(
    session: &mut Session,
    case: &str,
    number: &SharedNumber,
) -> Result<(Document, Digest), StoreError> {
    match session.opening_document(case, number).await? {
        Some(row) => Ok(data_of(&row)?),
        None => {
            Err(Problem::internal("a case has lost the document that opened it", number.to_string()).into())
        }
    }
}

/// Checks what a document says about what it answers, and about the packages it names.
///
/// # Errors
/// The inner error is the ground on which an incoming document is refused; an outgoing one is not sealed.
pub(super) async fn check_references(
    session: &mut Session,
    matter: &Matter,
    document: &Document,
    ours: bool,
) -> Result<Result<(), Refused>, StoreError> {
    let refuse = |ground, reason: String| Ok(Err(Refused { ground, reason }));
    let number = &document.shared_number;
    let (opening, digest) = opening_document(session, matter.case(), number).await?;
    let expected = InReplyTo {
        shared_number: number.clone(),
        message_number: opening.message_number,
        document_sha256: digest,
    };
    if document.in_reply_to.as_ref() != Some(&expected) {
        return refuse(
            NonDeliveryGround::UnknownReference,
            format!("it does not answer the document under {number} that stands here"),
        );
    }
    match document.kind {
        DocumentKind::Acknowledgement => {
            if let Err(problem) = reference_of(document) {
                return refuse(NonDeliveryGround::Malformed, problem.to_string());
            }
        }
        DocumentKind::Execution => {
            let named = match document.packages_named() {
                Ok(named) if !named.is_empty() => named,
                _ => return refuse(NonDeliveryGround::Malformed, "it names no package".to_owned()),
            };
            let wanted = if ours { PackageStage::Relayed } else { PackageStage::Received };
            for package in named {
                let here = session.package(&package.package).await?;
                let fits = here.is_some_and(|row| {
                    row.case == matter.case()
                        && row.stage == wanted
                        && row.manifest_sha256 == package.manifest_sha256
                });
                if !fits {
                    let id = &package.package;
                    return refuse(
                        NonDeliveryGround::WrongPackage,
                        format!("package {id} was not transferred in this matter"),
                    );
                }
            }
        }
        _ => {}
    }
    Ok(Ok(()))
}

/// The step a request or order takes when the counterpart's receipt for it is here.
///
/// # Errors
/// [`StoreError`] if the stage forbids it.
pub(super) async fn opened_at_counterpart(
    tx: &mut Transaction,
    matter: Matter,
    receipt_sha256: Digest,
    delivered: bool,
    at: Timestamp,
) -> Result<Vec<CustodyEvent>, StoreError> {
    match matter {
        Matter::Request(request) => {
            let (request, event) = if delivered {
                request.transmit(receipt_sha256, at)?
            } else {
                request.fail_delivery(receipt_sha256, at)?
            };
            tx.update_request(&request).await?;
            Ok(vec![event])
        }
        Matter::Order(order) => {
            let case = order.case.clone();
            let (order, event) = if delivered { order.serve(at)? } else { order.fail_delivery(at)? };
            tx.update_order(&order).await?;
            let mut events = vec![event];
            if delivered {
                let request = tx
                    .request(&case)
                    .await?
                    .ok_or_else(|| Problem::internal("an order serves no request", case.to_string()))?;
                let (request, event) = request.begin_execution(at)?;
                tx.update_request(&request).await?;
                events.push(event);
            }
            Ok(events)
        }
    }
}
