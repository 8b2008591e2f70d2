//! Facts of an answer that follow from what is answered, so that nobody copies them by hand.
//!
//! Pure. What comes back is incomplete on purpose: the office adds its own, and the check says what.

use crate::catalogue::Template;
use crate::key;
use crate::schema::Audience;
use rogatory_core::document::{Document, DocumentKind};
use rogatory_core::{Digest, Timestamp};
use serde_json::{Map, Value, json};

/// Fields that a request and the order serving it have in common.
const SHARED: [&str; 8] = [
    "provider",
    "identifiers",
    "data_categories",
    "period",
    "exclusions",
    "procedure",
    "recipients",
    "confidentiality",
];

/// The facts of an order to a provider, as far as the request gives them; nothing else of the request
/// reaches the provider: no facts, no persons, no reasons.
///
/// `request_sha256` is the digest of the request's `document.json`. To be added: the office's own
/// reference and power, an authorisation, the period for the answer, remedies, contact.
#[must_use]
pub fn order_facts(request: &Document, request_sha256: Digest) -> Value {
    let mut facts = Map::new();
    let order = Template::find("common/order").map(Template::schema);
    for name in SHARED {
        if let Some(value) = request.body.get(name) {
            let told = |path: &str| {
                order
                    .and_then(|schema| schema.field(path))
                    .is_some_and(|field| field.audience == Audience::Everyone)
            };
            facts.extend(told_only(value, name, &told).map(|value| (name.to_owned(), value)));
        }
    }
    let mut quoted = Map::new();
    quoted.insert("shared_number".to_owned(), json!(request.shared_number));
    quoted.insert("document_sha256".to_owned(), json!(request_sha256));
    if let Some(instruments) = instruments_of(&request.body) {
        quoted.insert("instruments".to_owned(), Value::String(instruments));
    }
    facts.insert("request".to_owned(), Value::Object(quoted));
    facts.insert("preserve_until_answered".to_owned(), Value::Bool(true));
    Value::Object(facts)
}

/// What of `value` the provider may be told: the fields for which `told` holds.
fn told_only(value: &Value, path: &str, told: &dyn Fn(&str) -> bool) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            let kept: Map<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| {
                    told_only(value, &format!("{path}.{name}"), told).map(|value| (name.clone(), value))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(entries) => Some(Value::Array(
            entries.iter().filter_map(|entry| told_only(entry, &format!("{path}[]"), told)).collect(),
        )),
        leaf => told(path).then(|| leaf.clone()),
    }
}

fn instruments_of(body: &Value) -> Option<String> {
    let entries = key::get(body, "legal_basis")?.as_array()?;
    let named: Vec<String> = entries
        .iter()
        .filter_map(|entry| {
            let id = entry.get("instrument")?.as_str()?;
            let articles = entry.get("articles").and_then(Value::as_str).unwrap_or_default();
            Some(format!("{id} {articles}").trim().to_owned())
        })
        .collect();
    (!named.is_empty()).then(|| named.join("; "))
}

fn their_reference(received: &Document) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Some(reference) = received.body.get("our_reference") {
        facts.insert("their_reference".to_owned(), reference.clone());
    }
    facts
}

/// The facts of an acknowledgement of `received`, as far as it gives them: the sender's reference.
#[must_use]
pub fn acknowledgement_facts(received: &Document) -> Value {
    Value::Object(their_reference(received))
}

/// The facts of the decision on `request`, as far as it and the order give them: one open answer for
/// each identifier, and the order by its number and digest.
#[must_use]
pub fn execution_facts(request: &Document, order: Option<(&Document, Digest)>) -> Value {
    let mut facts = their_reference(request);
    let outcomes: Vec<Value> = key::get(&request.body, "identifiers")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .filter_map(|identifier| identifier.get("value"))
        .map(|value| json!({ "identifier": value }))
        .collect();
    facts.insert("outcomes".to_owned(), Value::Array(outcomes));
    if let Some((order, digest)) = order {
        facts.insert(
            "order".to_owned(),
            json!({ "shared_number": order.shared_number, "document_sha256": digest }),
        );
    }
    Value::Object(facts)
}

/// The facts of the closing after the decision `execution`: the other side's reference.
#[must_use]
pub fn closing_facts(execution: &Document) -> Value {
    Value::Object(their_reference(execution))
}

/// The facts of a question about `opening`, the request or preservation request.
#[must_use]
pub fn question_facts(opening: &Document) -> Value {
    Value::Object(their_reference(opening))
}

/// The facts of the answer to `question`: which one, and what was asked.
#[must_use]
pub fn answer_facts(question: &Document) -> Value {
    let mut facts = their_reference(question);
    for name in ["question_id", "question"] {
        facts.extend(question.body.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    Value::Object(facts)
}

/// The facts of a refusal of `opening`: what it is that is refused.
#[must_use]
pub fn refusal_facts(opening: &Document) -> Value {
    let mut facts = their_reference(opening);
    let refused = if opening.kind == DocumentKind::Preservation { "preservation" } else { "assistance" };
    facts.insert("refused".to_owned(), Value::String(refused.to_owned()));
    Value::Object(facts)
}

/// The facts of a postponement of `request`.
#[must_use]
pub fn postponement_facts(request: &Document) -> Value {
    Value::Object(their_reference(request))
}

/// The facts of a forwarding of `request`, whose `document.json` has the digest `request_sha256` and
/// which reached this authority at `received_time`: the instant from which periods run.
#[must_use]
pub fn forwarding_facts(request: &Document, request_sha256: Digest, received_time: Timestamp) -> Value {
    json!({
        "request": { "shared_number": request.shared_number, "document_sha256": request_sha256 },
        "requesting_party": request.sender.party,
        "requesting_authority": request.sender.name,
        "requesting_reference": request.body.get("our_reference").cloned().unwrap_or_default(),
        "received_time": received_time,
    })
}

/// The facts of the word to the requesting authority that `request` went to another one with
/// `forwarding`, at `forwarded_time`.
#[must_use]
pub fn forwarding_notice_facts(
    request: &Document,
    forwarding: &Document,
    forwarded_time: Timestamp,
) -> Value {
    let mut facts = their_reference(request);
    facts.insert("forwarded_to".to_owned(), json!(forwarding.addressee.party));
    facts.insert("competent_authority".to_owned(), json!(forwarding.addressee.name));
    facts.insert("forwarded_time".to_owned(), json!(forwarded_time));
    facts.extend(
        forwarding.body.get("received_time").map(|value| ("received_time".to_owned(), value.clone())),
    );
    Value::Object(facts)
}

/// The facts of a withdrawal after `received`, the latest document of the requested authority with
/// its reference, if there is one.
#[must_use]
pub fn withdrawal_facts(received: Option<&Document>) -> Value {
    Value::Object(received.map(their_reference).unwrap_or_default())
}

/// The facts of the confirmation of `preservation`, which arrived at `received_time`; of its extension
/// if `extension` is what is confirmed.
#[must_use]
pub fn confirmation_facts(
    preservation: &Document,
    received_time: Timestamp,
    extension: Option<&Document>,
) -> Value {
    let mut facts = their_reference(preservation);
    let of = if extension.is_some() { "extension" } else { "preservation" };
    facts.insert("of".to_owned(), Value::String(of.to_owned()));
    facts.insert("received_time".to_owned(), json!(received_time));
    facts.extend(
        key::get(&preservation.body, "provider.name").map(|name| ("custodian".to_owned(), name.clone())),
    );
    Value::Object(facts)
}

/// The facts of a request to preserve longer than `confirmation` says.
#[must_use]
pub fn extension_facts(confirmation: &Document) -> Value {
    preserved(confirmation)
}

/// The facts of the release of what `confirmation` says is preserved.
#[must_use]
pub fn release_facts(confirmation: Option<&Document>) -> Value {
    confirmation.map_or_else(|| json!({}), preserved)
}

/// The other side's reference and until when it preserves.
fn preserved(confirmation: &Document) -> Value {
    let mut facts = their_reference(confirmation);
    facts.extend(
        confirmation.body.get("preserved_until").map(|until| ("preserved_until".to_owned(), until.clone())),
    );
    Value::Object(facts)
}
