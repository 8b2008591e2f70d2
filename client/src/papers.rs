//! From facts to a formal document: the check of what is missing, the data, the paper.
//!
//! May call the template catalogue and the renderer. Never signs and never sends.

use crate::problem::{Problem, clean};
use rogatory_core::document::{Document, DocumentKind, FORMAT, InReplyTo, NamedParty, PROFILE};
use rogatory_core::{MessageNumber, SharedNumber, Timestamp};
use rogatory_templates::{Finding, RENDERER, Severity, Template, blocks};
use serde::Serialize;
use serde_json::{Map, Value};

/// The form of a request to preserve stored data.
pub const PRESERVATION: &str = "ets185/art29";
/// The form of an order to a provider.
pub const ORDER: &str = "common/order";
/// The form of an acknowledgement.
pub const ACKNOWLEDGEMENT: &str = "common/acknowledgement";
/// The form of a decision that a request was executed.
pub const EXECUTION: &str = "common/execution";
/// The form of a closing.
pub const CLOSING: &str = "common/closing";
/// The form of a question about a request.
pub const QUESTION: &str = "common/question";
/// The form of the answer to a question.
pub const ANSWER: &str = "common/answer";
/// The form of a decision that a request is refused.
pub const REFUSAL: &str = "common/refusal";
/// The form of a decision that execution is postponed.
pub const POSTPONEMENT: &str = "common/postponement";
/// The form that passes a request on to the competent authority.
pub const FORWARDING: &str = "common/forwarding";
/// The form that tells the requesting authority so.
pub const FORWARDING_NOTICE: &str = "common/forwarding-notice";
/// The form of a withdrawal.
pub const WITHDRAWAL: &str = "common/withdrawal";
/// The form of the word that data are preserved.
pub const CONFIRMATION: &str = "common/confirmation";
/// The form of the wish that they stay so for longer.
pub const EXTENSION: &str = "common/extension";
/// The form of the word that they need not any longer.
pub const RELEASE: &str = "common/release";

/// The language of a paper if none is named.
const LANGUAGE: &str = "en";

/// In which language a paper is, and which one stands beside it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wording {
    /// The language of the form and of the facts; English, if none is named.
    pub language: Option<String>,
    /// A second language for labels and fixed text.
    pub beside: Option<String>,
}

impl Wording {
    /// The language as a document names it.
    #[must_use]
    pub fn tag(&self) -> String {
        let language = self.language.as_deref().unwrap_or(LANGUAGE);
        match &self.beside {
            Some(beside) => format!("{language}-x-beside-{beside}"),
            None => language.to_owned(),
        }
    }
}

/// A gap or doubt, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Gap {
    /// The path below `body`, for example `identifiers[2].port`.
    pub field: String,
    /// `missing` forbids sending, `warning` does not.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead; may be empty.
    pub hint: String,
    /// The rule that asks for it.
    pub source: String,
    /// How that rule is known: `sourced`, `derived` or `memory`.
    pub confidence: String,
}

impl Gap {
    fn of(finding: &Finding) -> Self {
        let severity = match finding.severity {
            Severity::Missing => "missing",
            Severity::Warning => "warning",
        };
        Self {
            field: finding.field.clone(),
            severity: severity.to_owned(),
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            source: finding.source.clone(),
            confidence: finding.confidence.as_str().to_owned(),
        }
    }

    /// The gap in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{}: {}", clean(&self.field), clean(&self.message));
        if !self.hint.is_empty() {
            line.push_str(&format!(" ({})", clean(&self.hint).trim_end_matches('.')));
        }
        format!("{line} [{}; {}]", clean(&self.source), self.confidence)
    }
}

/// Finds a form that makes documents of `kind`, or of any kind, in the languages wanted.
///
/// # Errors
/// A usage problem listing the forms, or the languages, there are.
pub fn template(
    id: &str,
    kind: Option<DocumentKind>,
    wording: &Wording,
) -> Result<&'static Template, Problem> {
    let fits = |template: &Template| kind.is_none_or(|kind| template.kind() == kind);
    if !Template::find(id).is_some_and(fits) {
        let what = kind.map_or_else(String::new, |kind| format!(" for a document of kind {kind}"));
        let known = rogatory_templates::catalogue()
            .iter()
            .filter(|template| fits(template) && template.language() == LANGUAGE);
        return Err(Problem::usage(format!("there is no form `{}`{what}", clean(id)))
            .with_details(
                known.map(|template| format!("{}  {}", template.id(), template.summary())).collect(),
            )
            .with_hint("`rogatory template list` lists the forms"));
    }
    Template::find_in(id, &wording.tag()).ok_or_else(|| {
        let languages: Vec<&str> = rogatory_templates::catalogue()
            .iter()
            .filter(|template| template.id() == id)
            .map(Template::language)
            .collect();
        let wanted = match (&wording.language, &wording.beside) {
            (language, Some(beside)) => {
                format!("{} with {} beside", language.as_deref().unwrap_or(LANGUAGE), beside)
            }
            (language, None) => language.as_deref().unwrap_or(LANGUAGE).to_owned(),
        };
        Problem::usage(format!("there is no form {id} in {}", clean(&wanted)))
            .with_hint(format!("--language and, beside it, another as --beside: {}", languages.join(", ")))
    })
}

/// What facts lack, in the order of the form.
#[must_use]
pub fn gaps(template: &Template, facts: &Value) -> (Vec<Gap>, bool) {
    let findings = template.check(facts);
    (findings.iter().map(Gap::of).collect(), blocks(&findings))
}

/// Checks facts before anything is made of them; gives back the warnings.
///
/// # Errors
/// Failed, listing every essential that is missing.
pub fn require_complete(template: &Template, facts: &Value) -> Result<Vec<Gap>, Problem> {
    let (gaps, blocked) = gaps(template, facts);
    if blocked { Err(incomplete(template.id(), &gaps)) } else { Ok(gaps) }
}

/// The problem of facts that lack essentials.
#[must_use]
pub fn incomplete(template: &str, gaps: &[Gap]) -> Problem {
    let missing: Vec<String> = gaps.iter().filter(|gap| gap.severity == "missing").map(Gap::line).collect();
    let count = missing.len();
    let facts = if count == 1 { "fact is" } else { "facts are" };
    Problem::failed(format!("{count} essential {facts} missing or wrong for the form {template}"))
        .with_details(missing)
        .with_hint(format!(
            "add them to the file of facts; `rogatory template show {template}` explains each field"
        ))
}

/// What a document says besides its facts.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The number both sides use.
    pub shared_number: SharedNumber,
    /// The sender's count under it.
    pub message_number: MessageNumber,
    /// Who sends it.
    pub sender: NamedParty,
    /// To whom.
    pub addressee: NamedParty,
    /// When its data was fixed.
    pub created_time: Timestamp,
    /// What it answers.
    pub in_reply_to: Option<InReplyTo>,
}

/// Puts facts into the envelope of a form.
#[must_use]
pub fn document(template: &Template, envelope: Envelope, facts: Value) -> Document {
    Document {
        format: FORMAT,
        profile: PROFILE,
        kind: template.kind(),
        shared_number: envelope.shared_number,
        message_number: envelope.message_number,
        sender: envelope.sender,
        addressee: envelope.addressee,
        created_time: envelope.created_time.whole_seconds(),
        in_reply_to: envelope.in_reply_to,
        renderer: RENDERER.to_owned(),
        template: template.id().to_owned(),
        pack_version: template.pack_version().to_owned(),
        language: template.language().to_owned(),
        body: facts,
    }
}

/// Renders the paper of a document from its very bytes.
///
/// # Errors
/// Failed, if the data cannot be set.
pub fn render(json: &[u8]) -> Result<Vec<u8>, Problem> {
    rogatory_templates::render_pdf(json)
        .map_err(|error| Problem::failed("the paper cannot be rendered").because(&error))
}

/// Facts gathered from several places, with a list of what was not written by the officer herself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    facts: Map<String, Value>,
    filled_in: Vec<String>,
}

impl Facts {
    /// Starts with the officer's own facts, which win over everything added later.
    #[must_use]
    pub fn own(facts: Option<Value>) -> Self {
        let facts = match facts {
            Some(Value::Object(facts)) => facts,
            _ => Map::new(),
        };
        Self { facts, filled_in: Vec::new() }
    }

    /// Sets a fact that the officer gave on the command line; it wins over her file.
    pub fn set(&mut self, key: &str, value: Value) {
        self.facts.insert(key.to_owned(), value);
    }

    /// Fills in a fact if it is absent; objects are filled in part by part.
    pub fn fill(&mut self, key: &str, value: Value) {
        merge(&mut self.facts, key, value, key, &mut self.filled_in);
    }

    /// Fills in every fact of an object.
    pub fn fill_all(&mut self, facts: Value) {
        if let Value::Object(facts) = facts {
            for (key, value) in facts {
                self.fill(&key, value);
            }
        }
    }

    /// The fact `key`, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.facts.get(key)
    }

    /// The facts, and the paths of those that were filled in.
    #[must_use]
    pub fn finish(self) -> (Value, Vec<String>) {
        (Value::Object(self.facts), self.filled_in)
    }
}

fn merge(into: &mut Map<String, Value>, key: &str, value: Value, path: &str, filled_in: &mut Vec<String>) {
    match (into.get_mut(key), value) {
        (_, Value::Null) => {}
        (None, value) => {
            into.insert(key.to_owned(), value);
            filled_in.push(path.to_owned());
        }
        (Some(Value::Object(own)), Value::Object(given)) => {
            for (part, value) in given {
                let path = format!("{path}.{part}");
                merge(own, &part, value, &path, filled_in);
            }
        }
        (Some(_), _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn own_facts_win_and_the_rest_is_named() {
        let mut facts = Facts::own(Some(json!({"contact": {"name": "A"}, "period": {"start": "x"}})));
        facts.fill_all(
            json!({"contact": {"name": "B", "email": "b@c.example"}, "costs": "None", "gone": null}),
        );
        facts.set("our_reference", json!("X/1"));
        let (facts, filled_in) = facts.finish();
        assert_eq!(facts["contact"], json!({"name": "A", "email": "b@c.example"}));
        assert_eq!(facts["our_reference"], "X/1");
        assert_eq!(filled_in, ["contact.email", "costs"]);
    }

    #[test]
    fn an_unknown_form_lists_those_of_its_kind() {
        let wording = Wording::default();
        let kind = Some(DocumentKind::Request);
        let problem = template("ets185/none", kind, &wording).expect_err("no such form");
        assert_eq!(problem.exit().code(), 2);
        assert!(problem.details().iter().any(|line| line.starts_with("ets185/art31-trafficking")));
        assert!(!problem.details().iter().any(|line| line.starts_with(ORDER)));
    }

    #[test]
    fn a_form_is_found_in_one_language_or_two() {
        let find = |language: Option<&str>, beside: Option<&str>| {
            let owned = |text: &str| text.to_owned();
            let wording = Wording { language: language.map(owned), beside: beside.map(owned) };
            template(PRESERVATION, None, &wording).map(|template| template.language().to_owned())
        };
        assert_eq!(find(None, None), Ok("en".to_owned()));
        assert_eq!(find(Some("fr"), None), Ok("fr".to_owned()));
        assert_eq!(find(None, Some("fr")), Ok("en-x-beside-fr".to_owned()));
        assert_eq!(find(Some("fr"), Some("en")), Ok("fr-x-beside-en".to_owned()));
        for (language, beside) in [(Some("de"), None), (None, Some("de")), (Some("fr"), Some("fr"))] {
            let problem = find(language, beside).expect_err("no such language");
            assert_eq!(problem.exit().code(), 2);
            assert!(problem.hint().unwrap_or_default().contains("en, fr"), "{problem:?}");
        }
    }

    #[test]
    fn every_gap_of_incomplete_facts_is_listed() {
        let form = template("ets185/art31-trafficking", None, &Wording::default()).expect("there");
        let problem = require_complete(form, &json!({})).expect_err("empty");
        assert_eq!(problem.exit().code(), 1);
        assert!(problem.details().len() > 10, "{:?}", problem.details());
        assert!(require_complete(form, &form.example()).expect("complete").is_empty());
    }
}
