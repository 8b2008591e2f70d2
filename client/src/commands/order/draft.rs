//! Drafting the order that serves a request: what the request gives is copied, the rest is the
//! ordering authority's own.

use crate::commands::documents::{Draft, Drafted, Fetched};
use crate::commands::matter::{self, Form, Matter, contact};
use crate::commands::party;
use crate::containers::DRAFTER;
use crate::papers::{self, Facts};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::document::{DocumentKind, NamedParty};
use rogatory_core::{MessageNumber, PartyId, SharedNumber};
use rogatory_templates::order_facts;
use serde_json::{Value, json};

/// What to draft.
#[derive(Clone, Debug)]
pub struct DraftArguments {
    /// The request that is executed: its case id or shared number.
    pub case: String,
    /// The provider.
    pub to: PartyId,
    /// What the order says that the request does not give.
    pub form: Form,
}

/// Drafts an order to a provider: quotes the request, copies what it asks for and for whom, signs
/// 001, hands it in.
///
/// # Errors
/// Refused, if no request was received; failed, if facts are missing.
pub async fn draft(session: &Session, arguments: DraftArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let (provider, _) = party::confirmed(session, &arguments.to).await?;
    let own = arguments.form.facts;
    let facts = facts(session, own, &request, acknowledgement.as_ref(), &arguments.to, &provider.name)?;
    let (facts, filled_in) = facts.finish();
    let draft = Draft {
        template: papers::template(papers::ORDER, Some(DocumentKind::Order), &arguments.form.wording)?,
        shared_number: SharedNumber::mint(session.profile()?.party.country(), session.entropy.as_ref()),
        message_number: MessageNumber::FIRST,
        addressee: NamedParty { party: arguments.to, name: provider.name },
        in_reply_to: None,
        facts,
        filled_in,
        enclosed: Vec::new(),
        case_id: matter.case.case_id.clone(),
        function: DRAFTER,
    };
    matter::hand_in(session, draft).await
}

fn facts(
    session: &Session,
    own: Option<Value>,
    request: &Fetched,
    acknowledgement: Option<&Fetched>,
    to: &PartyId,
    provider_name: &str,
) -> Result<Facts, Problem> {
    let document = &request.document;
    let mut facts = Facts::own(own);
    let mut follows = order_facts(document, request.document_sha256);
    // Whom the evidence is for is the request's to say; the order may only add.
    let recipients = recipients(follows.get("recipients"), facts.get("recipients"));
    if let Some(fields) = follows.as_object_mut() {
        fields.remove("recipients");
    }
    if facts.get("recipients").is_some() {
        facts.set("recipients", recipients);
    } else {
        facts.fill("recipients", recipients);
    }
    // Which request is served is not the drafter's to write: the quotation must be exact.
    let mut quoted = facts.get("request").and_then(Value::as_object).cloned().unwrap_or_default();
    quoted.insert("shared_number".to_owned(), json!(document.shared_number));
    quoted.insert("document_sha256".to_owned(), json!(request.document_sha256));
    facts.set("request", Value::Object(quoted));
    facts.fill_all(follows);
    facts.fill("request", json!({"state": document.sender.party.country().as_str().to_ascii_uppercase()}));
    facts.fill("provider", json!({"name": provider_name, "party": to}));
    facts.fill("offence", offence(&document.body));
    facts.fill("ordering_authority", json!({"name": session.profile()?.name}));
    let reference = acknowledgement.and_then(|sent| sent.document.body.get("our_reference").cloned());
    facts.fill("our_reference", reference.unwrap_or(Value::Null));
    facts.fill("contact", contact(session, &[acknowledgement]));
    Ok(facts)
}

/// The request's recipients, then those of the drafter that are not among them.
fn recipients(asked: Option<&Value>, own: Option<&Value>) -> Value {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = list(asked);
    for one in list(own) {
        if !all.iter().any(|known| known.get("recipient") == one.get("recipient")) {
            all.push(one);
        }
    }
    Value::Array(all)
}

/// The names of the offences; the facts, the persons and the victims are not told to the provider.
fn offence(body: &Value) -> Value {
    let names: Vec<&str> = body
        .get("offences")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(|offence| offence.get("name").and_then(Value::as_str))
        .collect();
    if names.is_empty() { Value::Null } else { Value::String(names.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipients_of_the_request_stay_and_others_join() {
        let asked = json!([{"recipient": "age1a"}, {"recipient": "age1b"}]);
        let own = json!([{"recipient": "age1c"}, {"recipient": "age1a", "officer": "x"}]);
        let all = recipients(Some(&asked), Some(&own));
        assert_eq!(all, json!([{"recipient": "age1a"}, {"recipient": "age1b"}, {"recipient": "age1c"}]));
    }

    #[test]
    fn the_provider_learns_the_names_of_offences_only() {
        let body = json!({"offences": [{"name": "Trafficking", "text": "…"}, {"name": "Laundering"}]});
        assert_eq!(offence(&body), json!("Trafficking; Laundering"));
        assert_eq!(offence(&json!({})), Value::Null);
    }
}
