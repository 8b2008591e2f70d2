//! The matter a document belongs to: a request, an order or a preservation, with the one step the document takes.
//!
//! Here, once for both directions, stands what each kind of document does to a case; what it must refer
//! to stands in `references.rs` beside. Acts ask before they sign, and ask again inside the transaction.
//! To add a kind: its step in [`request_step`] or [`preservation_step`], its act in `act_on_request` or
//! `act_on_preservation`, its references, and a row in the access suite.

mod references;

pub(super) use references::{CLOCK_TOLERANCE_SECONDS, check_references};

use crate::datastore::{DocumentRow, Session, StoreError, Transaction};
use crate::directory::open_container;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent};
use rogatory_core::document::{Confirmed, DATA_FILE, Document, DocumentKind, Outcome, RefusalScope};
use rogatory_core::mla_request::{MlaRequest, Side, Step, Stepped};
use rogatory_core::order::{OrderSide, OrderStep, ProductionOrder};
use rogatory_core::preservation::{Preservation, PreservationStep, SteppedPreservation};
use rogatory_core::reference::OfficeReference;
use rogatory_core::{Digest, OfficerId, PackageId, PartyId, SharedNumber, Timestamp};

/// A request, an order or a preservation as it stands.
#[derive(Clone, Debug)]
pub(super) enum Matter {
    Request(MlaRequest),
    Order(ProductionOrder),
    Preservation(Preservation),
}

/// Which side of a request sends a kind of document, and the step it takes there.
const fn request_step(kind: DocumentKind) -> Option<(Side, Step)> {
    Some(match kind {
        DocumentKind::Request => (Side::Requesting, Step::Transmit),
        DocumentKind::Acknowledgement => (Side::Requested, Step::Acknowledge),
        DocumentKind::Question => (Side::Requested, Step::Ask),
        DocumentKind::Answer => (Side::Requesting, Step::Answer),
        DocumentKind::Refusal => (Side::Requested, Step::Refuse),
        DocumentKind::Postponement => (Side::Requested, Step::Postpone),
        DocumentKind::Forwarding => (Side::Requested, Step::Forward),
        DocumentKind::ForwardingNotice => (Side::Requested, Step::NoteForwarding),
        DocumentKind::Execution => (Side::Requested, Step::Execute),
        DocumentKind::Withdrawal => (Side::Requesting, Step::Withdraw),
        DocumentKind::Closing => (Side::Requesting, Step::Close),
        _ => return None,
    })
}

/// Which side of a preservation sends a kind of document, and the steps it may take there: which of two,
/// its body says.
const fn preservation_step(kind: DocumentKind) -> Option<(Side, &'static [PreservationStep])> {
    Some(match kind {
        DocumentKind::Preservation => (Side::Requesting, &[PreservationStep::Request]),
        DocumentKind::Question => (Side::Requested, &[PreservationStep::Ask]),
        DocumentKind::Answer => (Side::Requesting, &[PreservationStep::Answer]),
        DocumentKind::Refusal => {
            (Side::Requested, &[PreservationStep::Refuse, PreservationStep::RefuseExtension])
        }
        DocumentKind::Confirmation => {
            (Side::Requested, &[PreservationStep::Confirm, PreservationStep::Extend])
        }
        DocumentKind::Extension => (Side::Requesting, &[PreservationStep::AskExtension]),
        DocumentKind::Release => (Side::Requesting, &[PreservationStep::Release]),
        _ => return None,
    })
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
        if let Some(preservation) = session.preservation_by_number(number).await? {
            return Ok(Some(Self::Preservation(preservation)));
        }
        Ok(session.order_by_number(number).await?.map(Self::Order))
    }

    pub(super) fn case(&self) -> &str {
        match self {
            Self::Request(request) => request.case.as_str(),
            Self::Order(order) => order.case.as_str(),
            Self::Preservation(preservation) => preservation.case.as_str(),
        }
    }

    pub(super) const fn number(&self) -> &SharedNumber {
        match self {
            Self::Request(request) => &request.shared_number,
            Self::Order(order) => &order.shared_number,
            Self::Preservation(preservation) => &preservation.shared_number,
        }
    }

    /// Whether it was approved here and is, for all that is known, still on its way.
    pub(super) fn is_approved(&self) -> bool {
        let stage = match self {
            Self::Request(request) => request.stage.name().as_str(),
            Self::Order(order) => order.stage.as_str(),
            Self::Preservation(preservation) => preservation.stage.as_str(),
        };
        stage == "approved"
    }

    pub(super) const fn counterpart(&self) -> &PartyId {
        match self {
            Self::Request(request) => &request.counterpart,
            Self::Order(order) => &order.counterpart,
            Self::Preservation(preservation) => &preservation.counterpart,
        }
    }

    /// Whether a document of `kind`, sent by this side if `ours`, may come now.
    ///
    /// # Errors
    /// The stage that forbids it, as a [`Problem`].
    pub(super) fn admits(&self, kind: DocumentKind, ours: bool) -> Result<(), Problem> {
        let misplaced = || {
            let what = format!("a document of kind {kind} is not for this side of this matter to send");
            Problem::new(Reason::WrongStage, what)
        };
        match self {
            Self::Request(request) => match request_step(kind) {
                Some((sender, step)) if (request.side == sender) == ours => Ok(request.admits(step)?),
                _ => Err(misplaced()),
            },
            Self::Preservation(preservation) => match preservation_step(kind) {
                Some((sender, steps)) if (preservation.side == sender) == ours => {
                    let mut tried = steps.iter().map(|step| preservation.admits(*step));
                    let first = tried.next().unwrap_or(Ok(()));
                    Ok(first.or_else(|wrong| tried.find(Result::is_ok).unwrap_or(Err(wrong)))?)
                }
                _ => Err(misplaced()),
            },
            Self::Order(order) => match kind {
                DocumentKind::Order if ours => Ok(order.admits(OrderStep::Serve)?),
                DocumentKind::Acknowledgement if (order.side == OrderSide::Provider) == ours => {
                    Ok(order.admits(OrderStep::Acknowledge)?)
                }
                _ => Err(misplaced()),
            },
        }
    }

    /// A second officer approves the document that opens the matter: nothing has left the house yet, so the
    /// events are the office's own.
    pub(super) async fn approve(
        self,
        tx: &mut Transaction,
        officer: &OfficerId,
    ) -> Result<Vec<CustodyEvent>, StoreError> {
        let at = tx.now();
        let events = match self {
            Self::Request(request) => {
                let (request, event) = request.approve(officer.clone(), at)?;
                tx.update_request(&request).await?;
                vec![event]
            }
            Self::Order(order) => {
                let (order, event) = order.approve(officer.clone(), at)?;
                tx.update_order(&order).await?;
                vec![event]
            }
            Self::Preservation(preservation) => {
                let (preservation, events) = preservation.approve(officer.clone(), at)?;
                tx.update_preservation(&preservation).await?;
                events
            }
        };
        Ok(events.into_iter().map(|event| CustodyEvent::internal(event.event)).collect())
    }

    /// Takes the step that `document` means, sent by this side if `ours`: stores the stage, gives the events.
    ///
    /// An own document that comes here was accepted by the counterpart, which is a fact: if the stage moved
    /// meanwhile, it is settled as the rule for crossing documents says. A counterpart's document that no
    /// longer fits is an error.
    pub(super) async fn advance(
        self,
        tx: &mut Transaction,
        document: &Document,
        ours: bool,
    ) -> Result<Vec<CustodyEvent>, StoreError> {
        let at = tx.now();
        let crossed = |problem: &Problem| ours && problem.reason() == Reason::WrongStage;
        match self {
            Self::Request(request) => {
                let (_, step) = request_step(document.kind).ok_or_else(|| misplaced(document.kind))?;
                let (request, events) = match act_on_request(request.clone(), document, at) {
                    Err(problem) if crossed(&problem) => {
                        let (request, event) = request.settle_crossed(step, at);
                        (request, event.into_iter().collect())
                    }
                    acted => acted?,
                };
                tx.update_request(&request).await?;
                Ok(events)
            }
            Self::Preservation(preservation) => {
                let step = said_step(document)?;
                let (preservation, events) = match act_on_preservation(preservation.clone(), document, at) {
                    Err(problem) if crossed(&problem) => {
                        let until = document.confirmation().ok().map(|(_, until)| until);
                        preservation.settle_crossed(step, until, at)
                    }
                    acted => acted?,
                };
                tx.update_preservation(&preservation).await?;
                Ok(events)
            }
            Self::Order(order) => {
                let (order, event) = match document.kind {
                    DocumentKind::Acknowledgement => order.acknowledge(reference_of(document)?, at)?,
                    kind => return Err(misplaced(kind).into()),
                };
                tx.update_order(&order).await?;
                Ok(vec![event])
            }
        }
    }
}

/// What each kind of document does to a request.
fn act_on_request(request: MlaRequest, document: &Document, at: Timestamp) -> Result<Stepped, Problem> {
    let one = |(request, event): (MlaRequest, CustodyEvent)| (request, vec![event]);
    Ok(match document.kind {
        DocumentKind::Acknowledgement => one(request.acknowledge(reference_of(document)?, at)?),
        DocumentKind::Question => {
            request.ask(said(document.question_id())?, said(document.answer_by())?, at)?
        }
        DocumentKind::Answer => request.answer(&said(document.question_id())?, at)?,
        DocumentKind::Refusal => {
            let (ground, scope) = said(document.refusal())?;
            request.refuse(ground, scope, at)?
        }
        DocumentKind::Postponement => {
            let (ground, until) = said(document.postponement())?;
            request.postpone(ground, until, at)?
        }
        DocumentKind::Forwarding => {
            request.forward(document.addressee.party.clone(), document.sender.party.clone(), at)?
        }
        DocumentKind::ForwardingNotice => request.note_forwarding(said(document.forwarded_to())?)?,
        DocumentKind::Execution => {
            let outcome: Outcome = said(document.outcome())?;
            one(request.execute(outcome, packages_of(document)?, at)?)
        }
        DocumentKind::Withdrawal => one(request.withdraw(at)?),
        DocumentKind::Closing => one(request.close(at)?),
        kind => return Err(misplaced(kind)),
    })
}

/// What each kind of document does to a preservation.
fn act_on_preservation(
    preservation: Preservation,
    document: &Document,
    at: Timestamp,
) -> Result<SteppedPreservation, Problem> {
    Ok(match document.kind {
        DocumentKind::Question => {
            preservation.ask(said(document.question_id())?, said(document.answer_by())?, at)?
        }
        DocumentKind::Answer => preservation.answer(&said(document.question_id())?, at)?,
        DocumentKind::Refusal => {
            let (ground, scope) = said(document.refusal())?;
            preservation.refuse(ground, scope, at)?
        }
        DocumentKind::Confirmation => {
            let (of, until) = said(document.confirmation())?;
            preservation.confirm(of, until, reference_of(document)?, at)?
        }
        DocumentKind::Extension => preservation.ask_extension(said(document.extend_until())?, at)?,
        DocumentKind::Release => preservation.release(at)?,
        kind => return Err(misplaced(kind)),
    })
}

/// The step that a document means for a preservation, of those that its kind may take.
fn said_step(document: &Document) -> Result<PreservationStep, Problem> {
    Ok(match document.kind {
        DocumentKind::Refusal => match said(document.refusal())?.1 {
            RefusalScope::Whole => PreservationStep::Refuse,
            RefusalScope::Part => PreservationStep::RefuseExtension,
        },
        DocumentKind::Confirmation => match said(document.confirmation())?.0 {
            Confirmed::Preservation => PreservationStep::Confirm,
            Confirmed::Extension => PreservationStep::Extend,
        },
        kind => preservation_step(kind)
            .and_then(|(_, steps)| steps.first().copied())
            .ok_or_else(|| misplaced(kind))?,
    })
}

fn misplaced(kind: DocumentKind) -> Problem {
    Problem::internal("a document reached a matter it does not belong to", kind.to_string())
}

/// What a body says, or the field that it does not say, as a [`Problem`].
fn said<T>(part: Result<T, rogatory_core::document::DocumentError>) -> Result<T, Problem> {
    part.map_err(|error| Problem::argument("body", &error))
}

/// The file number an acknowledgement or a confirmation gives.
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

/// The step a request, order or preservation takes when the counterpart's receipt for it is here; the
/// receipt says when it was received there.
///
/// # Errors
/// [`StoreError`] if the stage forbids it.
pub(super) async fn opened_at_counterpart(
    tx: &mut Transaction,
    matter: Matter,
    receipt_sha256: Digest,
    delivered: bool,
    received_time: Timestamp,
) -> Result<Vec<CustodyEvent>, StoreError> {
    let at = tx.now();
    match matter {
        Matter::Request(request) => {
            let (request, event) = if delivered {
                request.transmit(receipt_sha256, received_time, at)?
            } else {
                request.fail_delivery(receipt_sha256, at)?
            };
            tx.update_request(&request).await?;
            if delivered {
                note_follow_up(tx, &request).await?;
            }
            Ok(vec![event])
        }
        Matter::Preservation(preservation) => {
            let (preservation, events) = if delivered {
                preservation.request(receipt_sha256, received_time, at)?
            } else {
                preservation.fail_delivery(receipt_sha256, at)?
            };
            tx.update_preservation(&preservation).await?;
            Ok(events)
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
                // It may have been withdrawn while the order was under way; the provider holds the order all the same.
                if request.admits(Step::BeginExecution).is_ok() {
                    let (request, event) = request.begin_execution(at)?;
                    tx.update_request(&request).await?;
                    events.push(event);
                }
            }
            Ok(events)
        }
    }
}

/// Notes at a preservation that a delivered request names it, if the same two parties share it and it has
/// not ended. The event stands in the preservation's own case.
///
/// # Errors
/// [`StoreError`] if something stored is damaged or the database fails.
pub(super) async fn note_follow_up(tx: &mut Transaction, request: &MlaRequest) -> Result<(), StoreError> {
    let Some(number) = &request.follows_up else { return Ok(()) };
    let here = tx.preservation_by_number(number).await?;
    let between_the_same =
        |here: &Preservation| here.side == request.side && here.counterpart == request.counterpart;
    let Some(preservation) = here.filter(between_the_same) else { return Ok(()) };
    let (preservation, events) = preservation.follow_up(request.shared_number.clone());
    tx.update_preservation(&preservation).await?;
    for event in events {
        tx.record(preservation.case.as_str(), &Actor::Server, event).await?;
    }
    Ok(())
}
