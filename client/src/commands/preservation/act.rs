//! Acts of two officers: the request to preserve, its extension, release and refusal, and the request
//! for assistance that follows it.

use super::{Until, matter};
use crate::commands::documents::{Drafted, WRONG_STAGE};
use crate::commands::matter::{self as answers, Form, contact, own_reference};
use crate::commands::request::{self, DraftArguments, RefuseArguments};
use crate::containers::DRAFTER;
use crate::papers::{self, Facts, Wording};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use rogatory_core::{PartyId, Timestamp};
use rogatory_templates::{extension_facts, release_facts};
use serde_json::{Value, json};

/// What to ask for longer, and why.
#[derive(Clone, Debug)]
pub struct ExtendArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Until when, if it is known.
    pub until: Option<Until>,
    /// Why, in words.
    pub reason: String,
    /// What else the paper says.
    pub form: Form,
}

/// What follows a preservation.
#[derive(Clone, Debug)]
pub struct FollowUpArguments {
    /// The preservation's case id or shared number.
    pub case: String,
    /// The form of the request.
    pub template: String,
    /// Its facts.
    pub facts: Value,
    /// In which language.
    pub wording: Wording,
}

/// What to release, and why.
#[derive(Clone, Debug)]
pub struct ReleaseArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Why, in words.
    pub reason: String,
    /// What else the paper says.
    pub form: Form,
}

/// Drafts a request to preserve stored data: mints the number, makes data and paper, signs 001, hands
/// it in.
///
/// # Errors
/// Failed, listing every essential that is missing; otherwise as the server answers.
pub async fn request(session: &Session, arguments: DraftArguments) -> Result<Drafted, Problem> {
    request::open_matter(session, DocumentKind::Preservation, arguments, Vec::new()).await
}

/// Drafts the wish that data stay preserved for longer.
///
/// # Errors
/// Refused, if nothing is confirmed; failed, if facts are missing.
pub async fn extend(session: &Session, arguments: ExtendArguments) -> Result<Drafted, Problem> {
    let matter = matter(session, &arguments.case).await?;
    let opening = matter.must_have_sent(session, DocumentKind::Preservation).await?;
    let confirmation = matter.must_have_received(session, DocumentKind::Confirmation).await?;
    let until = match arguments.until {
        Some(until) => Some(until.last_instant(preserved_until(&matter.case.preserved_until)?)),
        None => None,
    };
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("reason", json!(arguments.reason));
    if let Some(until) = until {
        facts.set("extend_until", json!(until));
    }
    facts.fill_all(extension_facts(&confirmation.document));
    facts.fill("our_reference", own_reference(&[Some(&opening)]));
    facts.fill("contact", contact(session, &[Some(&opening)]));
    let template =
        papers::template(papers::EXTENSION, Some(DocumentKind::Extension), &arguments.form.wording)?;
    answers::hand_in(session, matter.answer(session, template, &opening, facts, DRAFTER).await?).await
}

/// Drafts the word that data need not be preserved any longer.
///
/// # Errors
/// Refused, if the case holds no request to preserve of this office; failed, if facts are missing.
pub async fn release(session: &Session, arguments: ReleaseArguments) -> Result<Drafted, Problem> {
    let matter = matter(session, &arguments.case).await?;
    let opening = matter.must_have_sent(session, DocumentKind::Preservation).await?;
    let confirmation = matter.received(session, DocumentKind::Confirmation).await?;
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("reason", json!(arguments.reason));
    facts.fill_all(release_facts(confirmation.as_ref().map(|received| &received.document)));
    facts.fill("our_reference", own_reference(&[Some(&opening)]));
    facts.fill("contact", contact(session, &[Some(&opening)]));
    let template = papers::template(papers::RELEASE, Some(DocumentKind::Release), &arguments.form.wording)?;
    answers::hand_in(session, matter.answer(session, template, &opening, facts, DRAFTER).await?).await
}

/// Drafts the decision that a received request to preserve is refused; once it was confirmed, that its
/// extension is.
///
/// # Errors
/// As [`request::refuse`]; a usage problem if the case is about something else.
pub async fn refuse(session: &Session, arguments: RefuseArguments) -> Result<Drafted, Problem> {
    let case = super::case(session, &arguments.case).await?;
    // What was confirmed is not taken back: only the extension asked for is left to refuse.
    let part = arguments.part.or_else(|| {
        case.extension_asked.then(|| "The extension; the data stay preserved as confirmed.".to_owned())
    });
    request::refuse(session, RefuseArguments { part, ..arguments }).await
}

/// Drafts the request for assistance that follows a preservation, to the same authority.
///
/// # Errors
/// Refused, if the case holds no request to preserve of this office; otherwise as [`request::draft`].
pub async fn follow_up(session: &Session, arguments: FollowUpArguments) -> Result<Drafted, Problem> {
    let matter = matter(session, &arguments.case).await?;
    let opening = matter.must_have_sent(session, DocumentKind::Preservation).await?;
    let number = opening.document.shared_number.as_str();
    let named = arguments.facts.pointer("/preservation/shared_number").and_then(Value::as_str);
    if let Some(other) = named.filter(|named| *named != number) {
        return Err(Problem::usage(format!(
            "the facts name the preservation {}, and the case is {number}",
            clean(other)
        ))
        .with_hint("leave `preservation.shared_number` out: it is filled in"));
    }
    let document = &opening.document;
    let mut facts = Facts::own(Some(arguments.facts));
    let preservation = json!({
        "requested": true,
        "shared_number": number,
        "reference": own_reference(&[Some(&opening)]),
        "requested_time": document.created_time,
        "authority": format!("{} to {}", document.sender.name, document.addressee.name),
    });
    facts.fill("preservation", preservation);
    let (facts, filled_in) = facts.finish();
    let to: PartyId = crate::commands::party_id(&matter.case.counterpart)?;
    let arguments = DraftArguments { template: arguments.template, facts, to, wording: arguments.wording };
    request::open_matter(session, DocumentKind::Request, arguments, filled_in).await
}

/// The instant until which data are preserved now.
pub(super) fn preserved_until(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        Problem::refused("nothing is confirmed: there is no day from which to count")
            .with_reason(WRONG_STAGE)
            .with_hint("name the instant with --until, for example 2027-03-25T23:59:59Z")
    })
}
