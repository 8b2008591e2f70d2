//! Confirming a preservation, or its extension, at the requested authority.

use super::act::preserved_until;
use super::{Until, matter};
use crate::commands::documents::Fetched;
use crate::commands::matter::{Form, Matter, contact, own_reference};
use crate::commands::prepared::{Prepared, Same, earlier};
use crate::commands::transmission::Transmitted;
use crate::containers::OFFICER;
use crate::papers::{self, Facts};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use rogatory_templates::confirmation_facts;
use serde_json::{Value, json};

/// What to confirm.
#[derive(Clone, Debug)]
pub struct ConfirmArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Until when the data are preserved.
    pub until: Until,
    /// The file number under which this office keeps the matter; known already for an extension.
    pub reference: Option<String>,
    /// What else the paper says.
    pub form: Form,
}

/// Prepares the word that the data are preserved, and until when; if an extension was asked for, the
/// word about that.
///
/// # Errors
/// Refused, if no request to preserve was received, or it was confirmed otherwise; failed, if facts
/// are missing.
pub async fn prepare_confirmation(
    session: &Session,
    arguments: ConfirmArguments,
) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["of", "preserved_until", "our_reference"];
    let matter = matter(session, &arguments.case).await?;
    let opening = matter.must_have_received(session, DocumentKind::Preservation).await?;
    let received = matter.received_time(&opening)?.whole_seconds();
    let confirmed = matter.sent(session, DocumentKind::Confirmation).await?;
    let extension = unanswered_extension(session, &matter).await?;
    let from = if extension.is_some() { preserved_until(&matter.case.preserved_until)? } else { received };
    let until = json!(arguments.until.last_instant(from));
    let reference = json!(arguments.reference);
    if extension.is_none() {
        let number = opening.document.shared_number.as_str();
        // Days of an answered extension were counted from the day before it: only an instant compares.
        let stated: &[(&str, &Value)] = match arguments.until {
            Until::Instant(_) => &[("our_reference", &reference), ("preserved_until", &until)],
            Until::Days(_) => &[("our_reference", &reference)],
        };
        let same = Same { key: None, stated };
        if let Some(sent) = earlier(session, &matter, DocumentKind::Confirmation, number, same).await? {
            return Prepared::kept(session, sent, SAYS).await;
        }
    }
    let mut facts = Facts::own(arguments.form.facts);
    if !reference.is_null() {
        facts.set("our_reference", reference);
    }
    facts.set("preserved_until", until);
    let asked = extension.as_ref().map(|extension| &extension.document);
    facts.fill_all(confirmation_facts(&opening.document, received, asked));
    facts.fill("our_reference", own_reference(&[confirmed.as_ref()]));
    facts.fill("contact", contact(session, &[confirmed.as_ref()]));
    let template =
        papers::template(papers::CONFIRMATION, Some(DocumentKind::Confirmation), &arguments.form.wording)?;
    Prepared::new(session, matter.answer(session, template, &opening, facts, OFFICER).await?, SAYS).await
}

/// Confirms a preservation or its extension: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_confirmation`] and [`Prepared::send`].
pub async fn confirm(session: &Session, arguments: ConfirmArguments) -> Result<Transmitted, Problem> {
    prepare_confirmation(session, arguments).await?.send(session).await
}

/// The extension that came after the last confirmation of this office, if there is one.
async fn unanswered_extension(session: &Session, matter: &Matter) -> Result<Option<Fetched>, Problem> {
    let last = matter.documents.iter().rev().find(|document| match document.known_kind() {
        Some(DocumentKind::Confirmation) => matter.is_own(document) && document.stage != "not-delivered",
        Some(DocumentKind::Extension) => !matter.is_own(document),
        _ => false,
    });
    match last.filter(|document| document.kind == DocumentKind::Extension.as_str()) {
        Some(_) => matter.received(session, DocumentKind::Extension).await,
        None => Ok(None),
    }
}
