//! Documents of one officer: made, shown, and after her yes signed and transmitted in one go.
//!
//! What was sent before is found first: a document that waits goes out as it is, and one that arrived
//! is told from its stored receipt. Nothing is ever said twice.

use super::documents::{DocumentFacts, Draft, Fetched, WRONG_STAGE};
use super::matter::{self, Matter};
use super::transmission::{self, Transmitted};
use super::{documents, party};
use crate::output::Outcome;
use crate::output::page::Page;
use crate::papers::{self, Gap};
use crate::problem::{Problem, clean, quoted};
use crate::session::Session;
use rogatory_core::PartyId;
use rogatory_core::document::DocumentKind;
use serde::Serialize;
use serde_json::Value;

/// A document of one officer, to be shown before it is signed and transmitted.
#[derive(Serialize)]
pub struct Prepared {
    /// The case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// What it is.
    pub kind: String,
    /// The sender's count under the number.
    pub message_number: u32,
    /// To whom.
    pub addressee: String,
    /// The addressee's name in words.
    pub addressee_name: String,
    /// The document, if it was made before and is kept.
    pub document_id: Option<String>,
    /// When the counterpart receipted it, if it did.
    pub transmitted_time: Option<String>,
    /// What it says that matters most.
    pub says: Vec<(String, String)>,
    /// Doubts that do not forbid sending.
    pub warnings: Vec<Gap>,
    #[serde(skip)]
    ready: Ready,
}

enum Ready {
    /// To be signed and handed in.
    New(Box<Draft>),
    /// Handed in and not receipted, or receipted already.
    Kept(Box<DocumentFacts>),
}

impl Outcome for Prepared {
    fn show(&self, page: &mut Page) {
        page.line(match (&self.document_id, &self.transmitted_time) {
            (None, _) => "This will be signed, sealed and transmitted, and cannot be taken back:",
            (Some(_), None) => "This was signed before and is kept. It will be transmitted as it is:",
            (Some(_), Some(_)) => "This was transmitted before. Nothing will be sent again:",
        });
        page.blank();
        page.fact("document", format!("{} {} #{}", self.kind, self.shared_number, self.message_number));
        page.fact_if("kept as", self.document_id.as_ref());
        page.fact("to", format!("{} {}", self.addressee, quoted(&self.addressee_name)));
        page.fact_if("transmitted", self.transmitted_time.as_ref());
        for (what, text) in &self.says {
            page.fact(what, text);
        }
        for warning in &self.warnings {
            page.line(format!("warning: {}", warning.line()));
        }
    }
}

impl Prepared {
    /// Whether sending does nothing that was not done before.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.transmitted_time.is_some()
    }

    /// Signs the document, hands it in and has it transmitted; if it arrived before, gives the stored receipt.
    ///
    /// # Errors
    /// Not yet, if the counterpart cannot be reached; unverified, if the receipt does not hold.
    pub async fn send(self, session: &Session) -> Result<Transmitted, Problem> {
        match self.ready {
            Ready::New(draft) => {
                let drafted = matter::hand_in(session, *draft).await?;
                transmission::transmit_drafted(session, drafted).await
            }
            Ready::Kept(document) => transmission::transmit_kept(session, &document).await,
        }
    }

    /// A new document. What it lacks is found before anybody is asked.
    pub(crate) async fn new(session: &Session, draft: Draft, says: &[&str]) -> Result<Self, Problem> {
        let warnings =
            papers::require_complete(draft.template, &draft.facts).map_err(matter::explain_contact)?;
        // Also makes sure that the addressee is confirmed.
        let (addressee, _) = party::confirmed(session, &draft.addressee.party).await?;
        Ok(Self {
            case_id: draft.case_id.clone(),
            shared_number: draft.shared_number.to_string(),
            kind: draft.template.kind().to_string(),
            message_number: draft.message_number.value(),
            addressee: draft.addressee.party.to_string(),
            addressee_name: addressee.name,
            document_id: None,
            transmitted_time: None,
            says: said(&draft.facts, says),
            warnings,
            ready: Ready::New(Box::new(draft)),
        })
    }

    /// A document that was handed in before.
    pub(crate) async fn kept(session: &Session, fetched: Fetched, says: &[&str]) -> Result<Self, Problem> {
        let facts = fetched.facts;
        let party: PartyId = super::party_id(&facts.addressee)?;
        let (addressee, _) = party::confirmed(session, &party).await?;
        let transmitted_time = facts.is_transmitted().then(|| facts.stage_time.clone());
        Ok(Self {
            case_id: facts.case_id.clone(),
            shared_number: facts.shared_number.clone(),
            kind: facts.kind.clone(),
            message_number: facts.message_number,
            addressee: facts.addressee.clone(),
            addressee_name: addressee.name,
            document_id: Some(facts.document_id.clone()),
            transmitted_time,
            says: said(&fetched.document.body, says),
            warnings: Vec::new(),
            ready: Ready::Kept(Box::new(facts)),
        })
    }
}

/// The texts of some fields, as they are shown before anybody signs.
fn said(body: &Value, fields: &[&str]) -> Vec<(String, String)> {
    let text = |field: &&str| {
        let text = match body.get(*field)? {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some((field.replace('_', " "), clean(&text)))
    };
    fields.iter().filter_map(text).collect()
}

/// What an own document said before must be what it shall say now.
pub(crate) struct Same<'a> {
    /// The field that tells documents of a kind apart, with its value; none if there is but one.
    pub(crate) key: Option<(&'a str, &'a Value)>,
    /// Fields that must be equal, with the values given now.
    pub(crate) stated: &'a [(&'a str, &'a Value)],
}

/// The own document of `kind` under `number` that says the same and was handed in before, if there
/// is one.
///
/// # Errors
/// Refused, if there is one that says something else.
pub(crate) async fn earlier(
    session: &Session,
    matter: &Matter,
    kind: DocumentKind,
    number: &str,
    same: Same<'_>,
) -> Result<Option<Fetched>, Problem> {
    for document in matter.own_of(kind, number) {
        let fetched = documents::fetch(session, &document.document_id).await?;
        let body = &fetched.document.body;
        if same.key.is_some_and(|(field, value)| body.get(field) != Some(value)) {
            continue;
        }
        let other = same
            .stated
            .iter()
            .find(|(field, value)| !value.is_null() && body.get(*field).is_some_and(|said| said != *value));
        let Some((field, _)) = other else { return Ok(Some(fetched)) };
        let was = if document.is_transmitted() {
            format!("was transmitted on {}", clean(&document.stage_time))
        } else {
            "is kept and not yet delivered".to_owned()
        };
        let what = same.key.map_or_else(String::new, |(_, value)| {
            value.as_str().map(|name| format!(" {}", clean(name))).unwrap_or_default()
        });
        let said = body.get(*field).and_then(Value::as_str).unwrap_or_default();
        return Err(Problem::refused(format!("the {kind}{what} of this case {was} and says something else"))
            .with_reason(WRONG_STAGE)
            .with_details(vec![format!("{}: {}", field.replace('_', " "), quoted(said))])
            .with_hint(
                "what was sent cannot be changed; `rogatory request show` lists the documents of the case",
            ));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_will_be_signed_is_shown_by_its_fields() {
        let body = json!({"question_id": "Q1", "text": "Which\u{1b} account?", "answer_by": null});
        assert_eq!(
            said(&body, &["question_id", "text", "answer_by", "gone"]),
            [("question id".to_owned(), "Q1".to_owned()), ("text".to_owned(), "Which account?".to_owned()),]
        );
    }
}
