//! Forwarding a received request to the authority that is competent, and telling the requesting one.
//!
//! Two documents in one go: the forwarding, in which the request travels as it arrived, and after its
//! receipt the notice. The same command, repeated, goes on where it stopped.

use crate::commands::documents::{self, WRONG_STAGE};
use crate::commands::matter::{Form, Matter, contact, own_reference};
use crate::commands::party;
use crate::commands::prepared::{Prepared, Same, earlier};
use crate::commands::transmission::Transmitted;
use crate::containers::OFFICER;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::papers::{self, Facts};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::PartyId;
use rogatory_core::document::{DocumentKind, ENCLOSED_REQUEST_FILE, NamedParty};
use rogatory_templates::{forwarding_facts, forwarding_notice_facts};
use serde::Serialize;
use serde_json::json;

/// What to forward, and to whom.
#[derive(Clone, Debug)]
pub struct ForwardArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The competent authority.
    pub to: PartyId,
    /// Why it is competent.
    pub reason: String,
    /// What else the papers say.
    pub form: Form,
}

/// The result of [`forward`].
#[derive(Clone, Debug, Serialize)]
pub struct Forwarded {
    /// The competent authority's receipt for the forwarding.
    pub forwarding: Transmitted,
    /// The requesting authority's receipt for the notice; none while the forwarding was not accepted.
    pub notice: Option<Transmitted>,
}

impl Outcome for Forwarded {
    fn show(&self, page: &mut Page) {
        page.line("To the competent authority:");
        page.blank();
        self.forwarding.show(page);
        if let Some(notice) = &self.notice {
            page.blank();
            page.line("To the requesting authority:");
            page.blank();
            notice.show(page);
        }
    }

    fn complaint(&self) -> Option<Problem> {
        self.forwarding.complaint().or_else(|| self.notice.as_ref()?.complaint())
    }
}

/// Prepares the forwarding of a received request.
///
/// # Errors
/// Refused, if no request was received, or it was forwarded to another authority; failed, if facts
/// are missing.
pub async fn prepare_forwarding(
    session: &Session,
    arguments: &ForwardArguments,
) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["requesting_party", "received_time", "reason"];
    let matter = Matter::open_kind(session, &arguments.case, "request").await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let number = request.document.shared_number.as_str();
    let same = Same { key: None, stated: &[] };
    if let Some(sent) = earlier(session, &matter, DocumentKind::Forwarding, number, same).await? {
        let to = &sent.document.addressee.party;
        if *to != arguments.to {
            return Err(Problem::refused(format!("the request was forwarded to {to} already"))
                .with_reason(WRONG_STAGE)
                .with_hint(format!(
                    "`rogatory request forward {} --to {to}` tells how far it came",
                    clean(&arguments.case)
                )));
        }
        return Prepared::kept(session, sent, SAYS).await;
    }
    let (competent, _) = party::confirmed(session, &arguments.to).await?;
    let received = matter.received_time(&request)?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let mut facts = Facts::own(arguments.form.facts.clone());
    facts.set("reason", json!(arguments.reason));
    facts.fill_all(forwarding_facts(&request.document, request.document_sha256, received));
    facts.fill("our_reference", own_reference(&[acknowledgement.as_ref()]));
    facts.fill("contact", contact(session, &[acknowledgement.as_ref()]));
    let template =
        papers::template(papers::FORWARDING, Some(DocumentKind::Forwarding), &arguments.form.wording)?;
    let addressee = NamedParty { party: arguments.to.clone(), name: competent.name };
    let mut draft = matter.answer_to(session, template, &request, addressee, facts, OFFICER)?;
    // As it was sealed: the competent authority checks the requesting authority's own signatures.
    draft.enclosed.push((ENCLOSED_REQUEST_FILE, request.container.clone()));
    Prepared::new(session, draft, SAYS).await
}

/// Sends the forwarding, and after its receipt the notice to the requesting authority.
///
/// # Errors
/// As [`Prepared::send`]; what was sent stays sent, and the same command goes on with the rest.
pub async fn forward(
    session: &Session,
    arguments: ForwardArguments,
    prepared: Prepared,
) -> Result<Forwarded, Problem> {
    let forwarding = prepared.send(session).await?;
    if !forwarding.delivered {
        return Ok(Forwarded { forwarding, notice: None });
    }
    let notice = prepare_notice(session, arguments, &forwarding).await?.send(session).await?;
    Ok(Forwarded { forwarding, notice: Some(notice) })
}

async fn prepare_notice(
    session: &Session,
    arguments: ForwardArguments,
    forwarding: &Transmitted,
) -> Result<Prepared, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let number = request.document.shared_number.as_str();
    let same = Same { key: None, stated: &[] };
    if let Some(sent) = earlier(session, &matter, DocumentKind::ForwardingNotice, number, same).await? {
        return Prepared::kept(session, sent, &[]).await;
    }
    let sent = documents::fetch(session, &forwarding.document_id).await?;
    let forwarded = forwarding.receipt.issued_time.parse().map_err(|_| {
        Problem::failed("the receipt of the competent authority does not say when it was given")
    })?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let earlier = [acknowledgement.as_ref(), Some(&sent)];
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("reason", json!(arguments.reason));
    facts.fill_all(forwarding_notice_facts(&request.document, &sent.document, forwarded));
    facts.fill("our_reference", own_reference(&earlier));
    facts.fill("contact", contact(session, &earlier));
    let kind = DocumentKind::ForwardingNotice;
    let template = papers::template(papers::FORWARDING_NOTICE, Some(kind), &arguments.form.wording)?;
    Prepared::new(session, matter.answer(session, template, &request, facts, OFFICER).await?, &[]).await
}
