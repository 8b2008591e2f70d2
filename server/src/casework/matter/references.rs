//! What a document must refer to and say, by kind, before it is sealed here or accepted from a counterpart.

use super::{Matter, opening_document, reference_of, said_step};
use crate::casework::delivery::Refused;
use crate::datastore::{PackageStage, Session, StoreError};
use crate::problem::Problem;
use rogatory_core::document::{Confirmed, Document, DocumentError, DocumentKind, InReplyTo};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::mla_request::MlaRequest;
use rogatory_core::preservation::Preservation;
use rogatory_core::question::{QuestionError, Questions};
use rogatory_core::{Timestamp, chain};
use rogatory_law::preservation_rule;

/// How far two offices' clocks may differ, in seconds.
pub(in crate::casework) const CLOCK_TOLERANCE_SECONDS: i64 = 300;

/// An order is not asked about.
static NO_QUESTIONS: Questions = Questions::NONE;

/// Whether a document may pass, or why not.
type Judged = Result<(), Refused>;

/// Checks what a document says about what it answers, and what its kind demands of its body.
///
/// # Errors
/// The inner error is the ground on which an incoming document is refused; an outgoing one is not sealed.
pub(in crate::casework) async fn check_references(
    session: &mut Session,
    matter: &Matter,
    document: &Document,
    ours: bool,
) -> Result<Judged, StoreError> {
    let number = &document.shared_number;
    let (opening, digest) = opening_document(session, matter.case(), number).await?;
    let expected = InReplyTo {
        shared_number: number.clone(),
        message_number: opening.message_number,
        document_sha256: digest,
    };
    if document.in_reply_to.as_ref() != Some(&expected) {
        return Ok(Err(Refused::new(
            NonDeliveryGround::UnknownReference,
            format!("it does not answer the document under {number} that stands here"),
        )));
    }
    Ok(match (document.kind, matter) {
        (DocumentKind::Acknowledgement, _) => {
            reference_of(document).map(drop).map_err(|error| malformed(&error))
        }
        (DocumentKind::Question, _) => check_question(questions_of(matter), document),
        (DocumentKind::Answer, _) => check_answer(questions_of(matter), document),
        (DocumentKind::Refusal, Matter::Preservation(preservation)) => check_step(preservation, document),
        (DocumentKind::Refusal, _) => body(document.refusal()).map(drop),
        (DocumentKind::Postponement, _) => body(document.postponement()).map(drop),
        (DocumentKind::Forwarding, Matter::Request(request)) => {
            check_forwarding(request, document, &expected)
        }
        (DocumentKind::ForwardingNotice, Matter::Request(request)) => check_notice(request, document, ours),
        (DocumentKind::Execution, _) => check_execution(session, matter.case(), document, ours).await?,
        (DocumentKind::Withdrawal | DocumentKind::Release, _) => body(document.reason()).map(drop),
        (DocumentKind::Confirmation, Matter::Preservation(preservation)) => {
            match check_step(preservation, document) {
                Ok(()) => check_confirmation(preservation, &opening, document)?,
                refused => refused,
            }
        }
        (DocumentKind::Extension, Matter::Preservation(preservation)) => {
            check_extension(preservation, document)
        }
        _ => Ok(()),
    })
}

fn malformed(error: &dyn std::error::Error) -> Refused {
    Refused::new(NonDeliveryGround::Malformed, chain(error))
}

fn refuse(ground: NonDeliveryGround, reason: impl Into<String>) -> Judged {
    Err(Refused::new(ground, reason))
}

fn body<T>(part: Result<T, DocumentError>) -> Result<T, Refused> {
    part.map_err(|error| malformed(&error))
}

fn questions_of(matter: &Matter) -> &Questions {
    match matter {
        Matter::Request(request) => &request.questions,
        Matter::Preservation(preservation) => &preservation.questions,
        Matter::Order(_) => &NO_QUESTIONS,
    }
}

fn check_question(questions: &Questions, document: &Document) -> Judged {
    let id = body(document.question_id())?;
    body(document.answer_by())?;
    questions.may_ask(&id).map_err(|error| malformed(&error))
}

fn check_answer(questions: &Questions, document: &Document) -> Judged {
    let id = body(document.question_id())?;
    questions
        .may_answer(&id)
        .map_err(|error: QuestionError| Refused::new(NonDeliveryGround::UnknownReference, error.to_string()))
}

/// What a confirmation or refusal says decides which step it takes, and that step must be open.
fn check_step(preservation: &Preservation, document: &Document) -> Judged {
    let step = said_step(document).map_err(|error| malformed(&error))?;
    preservation.admits(step).map_err(|wrong| Refused::new(NonDeliveryGround::WrongStage, wrong.to_string()))
}

/// What this office sends to the competent authority says what stands here: the very request, who asks, and
/// since when the clock runs.
fn check_forwarding(request: &MlaRequest, document: &Document, opening: &InReplyTo) -> Judged {
    let said = body(document.forwarded_request())?;
    let quoted = said.request.shared_number == opening.shared_number
        && said.request.document_sha256 == opening.document_sha256;
    if !quoted {
        return refuse(
            NonDeliveryGround::Malformed,
            "`body.request` quotes another request than this case's",
        );
    }
    if said.requesting_party != request.counterpart {
        let what = format!("`body.requesting_party` must be {}", request.counterpart);
        return refuse(NonDeliveryGround::Malformed, what);
    }
    check_received(request, said.received_time)?;
    let (own, to) = (&document.sender.party, &document.addressee.party);
    if to.country() != own.country() || to == own || *to == request.counterpart {
        let what =
            format!("a request is forwarded to another authority of {}, and {to} is none", own.country());
        return refuse(NonDeliveryGround::WrongAddressee, what);
    }
    Ok(())
}

/// The instant from which periods run is the one that stands here, to the microsecond.
fn check_received(request: &MlaRequest, said: Timestamp) -> Judged {
    match request.received_time {
        Some(received) if received != said => {
            let what = format!("`body.received_time` must be {received}, when the request was received here");
            refuse(NonDeliveryGround::Malformed, what)
        }
        _ => Ok(()),
    }
}

/// The notice names another authority of the State that was asked.
fn check_notice(request: &MlaRequest, document: &Document, ours: bool) -> Judged {
    let said = body(document.forwarded_to())?;
    let from = &document.sender.party;
    if said.party.country() != from.country() || said.party == *from {
        let what = format!(
            "`body.forwarded_to` must be another authority of {}, not {}",
            from.country(),
            said.party
        );
        return refuse(NonDeliveryGround::Malformed, what);
    }
    let latest = document.created_time.plus_seconds(CLOCK_TOLERANCE_SECONDS);
    if said.received_time > said.forwarded_time || said.forwarded_time > latest {
        let what = "`body.received_time`, `body.forwarded_time` and `created_time` must follow each other";
        return refuse(NonDeliveryGround::Malformed, what);
    }
    if said.party == document.addressee.party {
        return refuse(NonDeliveryGround::Malformed, "`body.forwarded_to` names the addressee itself");
    }
    // Both sides know it from the receipt; nobody dates it anew.
    check_received(request, said.received_time)?;
    if !ours {
        return Ok(());
    }
    if request.forwarded_to.as_ref() != Some(&said.party) {
        let to = request.forwarded_to.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        let what = format!("`body.forwarded_to` is {}, and the request was forwarded to {to}", said.party);
        return refuse(NonDeliveryGround::Malformed, what);
    }
    Ok(())
}

async fn check_execution(
    session: &mut Session,
    case: &str,
    document: &Document,
    ours: bool,
) -> Result<Judged, StoreError> {
    if let Err(refused) = body(document.outcome()) {
        return Ok(Err(refused));
    }
    let named = match document.packages_named() {
        Ok(named) if !named.is_empty() => named,
        _ => return Ok(refuse(NonDeliveryGround::Malformed, "it names no package")),
    };
    let wanted = if ours { PackageStage::Relayed } else { PackageStage::Received };
    for package in named {
        let here = session.package(&package.package).await?;
        let fits = here.is_some_and(|row| {
            row.case == case && row.stage == wanted && row.manifest_sha256 == package.manifest_sha256
        });
        if !fits {
            let what = format!("package {} was not transferred in this matter", package.package);
            return Ok(refuse(NonDeliveryGround::WrongPackage, what));
        }
    }
    Ok(Ok(()))
}

/// Whether what is confirmed lasts long enough: past the confirmation itself, past what was confirmed before,
/// and at first as long as the instruments relied on demand.
///
/// # Source
/// ETS 185, Art. 29(7), through the rules of `law`.
fn check_confirmation(
    preservation: &Preservation,
    opening: &Document,
    document: &Document,
) -> Result<Judged, StoreError> {
    if let Err(problem) = reference_of(document) {
        return Ok(Err(malformed(&problem)));
    }
    let (of, until) = match body(document.confirmation()) {
        Ok(said) => said,
        Err(refused) => return Ok(Err(refused)),
    };
    let short = |what: String| Ok(refuse(NonDeliveryGround::Malformed, what));
    if until <= document.created_time {
        return short(format!("`body.preserved_until` is {until}, and that is over already"));
    }
    if of == Confirmed::Extension {
        let before = preservation.stage.preserved_until();
        return match before {
            Some(before) if until <= before => short(format!(
                "`body.preserved_until` is {until}, no longer than the {before} that was confirmed before"
            )),
            _ => Ok(Ok(())),
        };
    }
    // Without a receipt that says more, the request to preserve was received no earlier than it was drafted.
    let received = preservation.received_time.unwrap_or(opening.created_time);
    for instrument in opening.instruments() {
        let rule = preservation_rule(instrument)
            .map_err(|error| Problem::internal("the data of the law cannot be read", error))?;
        let Some(rule) = rule else { continue };
        let earliest = rule.earliest_end(received);
        if until < earliest {
            return short(format!(
                "`body.preserved_until` is {until}, and {instrument}, Art. {}, demands at least {} days from the receipt \
                 of the request: {earliest} or later",
                rule.article, rule.at_least_days
            ));
        }
    }
    Ok(Ok(()))
}

fn check_extension(preservation: &Preservation, document: &Document) -> Judged {
    body(document.reason())?;
    let wanted = body(document.extend_until())?;
    match (wanted, preservation.stage.preserved_until()) {
        (Some(wanted), Some(until)) if wanted <= until => {
            let what =
                format!("`body.extend_until` is {wanted}, and the data are preserved until {until} already");
            refuse(NonDeliveryGround::Malformed, what)
        }
        _ => Ok(()),
    }
}
