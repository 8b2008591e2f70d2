//! Answers under a request's number: acknowledgement, decision on execution, closing.
//!
//! What follows from the case is filled in and named in the result; the officer's own facts win.

use crate::commands::documents::{self, CaseFacts, DocumentFacts, Draft, Drafted, Fetched};
use crate::commands::transmission::{self, Transmitted};
use crate::containers::{DRAFTER, OFFICER};
use crate::papers::{self, Facts};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Timestamp;
use rogatory_core::document::DocumentKind;
use rogatory_templates::{Template, acknowledgement_facts, closing_facts, execution_facts};
use serde_json::{Value, json};

/// What to acknowledge.
#[derive(Clone, Debug)]
pub struct AcknowledgeArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The file number under which this office keeps the matter.
    pub reference: String,
    /// Further facts of the form.
    pub facts: Option<Value>,
}

/// What to decide or close.
#[derive(Clone, Debug)]
pub struct AnswerArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Remarks for the other authority.
    pub remarks: Option<String>,
    /// Further facts of the form.
    pub facts: Option<Value>,
}

/// A case with its documents.
pub(crate) struct Matter {
    pub(crate) case: CaseFacts,
    pub(crate) documents: Vec<DocumentFacts>,
    own: String,
}

impl Matter {
    pub(crate) async fn open(session: &Session, name: &str) -> Result<Self, Problem> {
        let case = documents::case(session, name).await?;
        let documents = documents::of_case(session, &case.case_id).await?;
        Ok(Self { case, documents, own: session.profile()?.party.to_string() })
    }

    /// The latest received document of `kind`.
    pub(crate) async fn received(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Option<Fetched>, Problem> {
        let fits = |document: &DocumentFacts| document.kind == kind.as_str() && document.sender != self.own;
        documents::fetch_last(session, &self.documents, fits).await
    }

    /// The latest own document of `kind`.
    pub(crate) async fn sent(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Option<Fetched>, Problem> {
        let fits = |document: &DocumentFacts| document.kind == kind.as_str() && document.sender == self.own;
        documents::fetch_last(session, &self.documents, fits).await
    }

    /// The document that the case is about, from the other side.
    pub(crate) async fn must_have_received(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Fetched, Problem> {
        self.received(session, kind).await?.ok_or_else(|| self.nothing(kind, "received"))
    }

    fn nothing(&self, kind: DocumentKind, how: &str) -> Problem {
        Problem::refused(format!("case {} holds no {kind} that was {how} here", self.case.case_id))
            .with_reason("WRONG_STAGE")
            .with_hint(format!("this office is the {} side of it", clean(&self.case.side)))
    }

    /// An own document of `kind` in this matter that was handed in and never receipted.
    pub(crate) fn unsent(&self, kind: DocumentKind, number: &str) -> Option<&DocumentFacts> {
        self.documents.iter().find(|document| {
            document.kind == kind.as_str()
                && document.sender == self.own
                && document.shared_number == number
                && document.awaits_transmission()
        })
    }

    /// Drafts an answer to `target`.
    pub(crate) async fn answer(
        &self,
        session: &Session,
        template: &'static Template,
        target: &Fetched,
        facts: Facts,
        function: &'static str,
    ) -> Result<Drafted, Problem> {
        let profile = session.profile()?;
        let document = &target.document;
        let other =
            if document.sender.party == profile.party { &document.addressee } else { &document.sender };
        let (facts, filled_in) = facts.finish();
        let draft = Draft {
            template,
            shared_number: document.shared_number.clone(),
            message_number: documents::next_message(&self.documents, &profile.party, &document.shared_number),
            addressee: other.clone(),
            in_reply_to: Some(target.as_reply_target()),
            facts,
            filled_in,
            case_id: self.case.case_id.clone(),
            function,
        };
        documents::hand_in(session, draft).await
    }
}

/// The contact person: the profile's, else that of an earlier own document of the case.
pub(crate) fn contact(session: &Session, earlier: &[Option<&Fetched>]) -> Value {
    let profile = session.profile.as_ref();
    let configured = profile.and_then(|profile| {
        let contact = profile.contact.as_ref()?;
        let mut value = serde_json::to_value(contact).ok()?;
        if contact.name.is_none()
            && let Some(fields) = value.as_object_mut()
        {
            fields.insert("name".to_owned(), json!(profile.officer_name));
        }
        Some(value)
    });
    let written =
        || earlier.iter().flatten().find_map(|fetched| fetched.document.body.get("contact").cloned());
    configured.or_else(written).unwrap_or(Value::Null)
}

/// The reference under which this office keeps the matter, from an earlier own document.
fn own_reference(earlier: &[Option<&Fetched>]) -> Value {
    let mut references =
        earlier.iter().flatten().filter_map(|fetched| fetched.document.body.get("our_reference").cloned());
    references.next().unwrap_or(Value::Null)
}

/// Adds what to do if the contact is what lacks.
pub(crate) fn explain_contact(problem: Problem) -> Problem {
    if problem.details().iter().any(|line| line.starts_with("contact")) {
        problem.with_hint("add a table `[contact]` (function, email, telephone) to profile.toml, or give the missing facts with --facts FILE")
    } else {
        problem
    }
}

/// Drafts, signs and transmits an acknowledgement of `kind` in one go; shared with orders.
pub(crate) async fn acknowledge_kind(
    session: &Session,
    arguments: AcknowledgeArguments,
    kind: DocumentKind,
    next_step: &str,
) -> Result<Transmitted, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let target = matter.must_have_received(session, kind).await?;
    // A transmission that failed halfway left a signed document: that one goes out, not a second.
    if let Some(unsent) = matter.unsent(DocumentKind::Acknowledgement, target.document.shared_number.as_str())
    {
        return transmission::transmit(session, &unsent.document_id).await;
    }
    let mut facts = Facts::own(arguments.facts);
    facts.set("our_reference", json!(arguments.reference));
    facts.fill_all(acknowledgement_facts(&target.document));
    facts.fill("received_time", received_time(&target));
    facts.fill("competent_authority", json!(session.profile()?.name));
    facts.fill("next_step", json!(next_step));
    facts.fill("complete", json!(true));
    facts.fill("contact", contact(session, &[]));
    let template = papers::template(papers::ACKNOWLEDGEMENT, Some(DocumentKind::Acknowledgement))?;
    let drafted = matter.answer(session, template, &target, facts, OFFICER).await.map_err(explain_contact)?;
    transmission::transmit_drafted(session, drafted).await
}

/// When the document was held here, in whole seconds.
fn received_time(received: &Fetched) -> Value {
    let time = received.facts.stage_time.parse::<Timestamp>().map(Timestamp::whole_seconds);
    time.map_or(Value::Null, |time| json!(time))
}

/// Acknowledges a received request: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// Refused, if no request was received; failed, if facts are missing; otherwise as [`super::transmit`].
pub async fn acknowledge(session: &Session, arguments: AcknowledgeArguments) -> Result<Transmitted, Problem> {
    let next_step = "The request is being examined for execution under the law of the requested State.";
    acknowledge_kind(session, arguments, DocumentKind::Request, next_step).await
}

/// Drafts the decision that a request was executed, naming the packages that were relayed.
///
/// It then needs [`super::approve`] and [`super::transmit`].
///
/// # Errors
/// Refused, if nothing was relayed; failed, if facts are missing.
pub async fn execute(session: &Session, arguments: AnswerArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let order = matter.sent(session, DocumentKind::Order).await?;
    let provider = order.as_ref().map(|order| order.document.addressee.clone());
    let relayed: Vec<Value> = matter
        .case
        .packages
        .iter()
        .filter(|package| package.stage == "relayed")
        .map(|package| {
            let mut named =
                json!({"package": package.package_id, "manifest_sha256": package.manifest_sha256});
            if let (Some(provider), Some(fields)) = (&provider, named.as_object_mut()) {
                fields.insert("made_by".to_owned(), json!(provider.party));
            }
            named
        })
        .collect();
    if relayed.is_empty() {
        return Err(Problem::refused(format!("no package was relayed in case {}", matter.case.case_id))
            .with_reason("WRONG_STAGE")
            .with_hint("pass the provider's package on first: `rogatory package relay PK`"));
    }
    let mut facts = Facts::own(arguments.facts);
    // What came of each identifier only the officer knows: it is asked for, never assumed.
    let mut follows = execution_facts(
        &request.document,
        order.as_ref().map(|order| (&order.document, order.document_sha256)),
    );
    let answered_by = provider.as_ref().map_or_else(
        || session.profile().map(|profile| profile.name.clone()),
        |provider| Ok(provider.name.clone()),
    )?;
    if let Some(outcomes) = follows.get_mut("outcomes").and_then(Value::as_array_mut) {
        for outcome in outcomes.iter_mut().filter_map(Value::as_object_mut) {
            outcome.insert("answered_by".to_owned(), json!(answered_by));
        }
    }
    facts.fill_all(follows);
    facts.fill("our_reference", own_reference(&[acknowledgement.as_ref(), order.as_ref()]));
    facts.fill("outcome", json!("executed"));
    facts.fill("decided_by", json!(session.profile()?.name));
    facts.fill("executed_time", json!(session.now()));
    facts.fill("measures", json!(measures(arguments.remarks.as_deref(), order.as_ref())));
    facts.fill("packages", Value::Array(relayed));
    facts.fill(
        "relay_statement",
        json!("The packages were passed on byte for byte as their maker signed them, encrypted to the recipients that the request names. This authority could not read their content."),
    );
    facts.fill("use_conditions", json!(use_conditions(&request)));
    facts.fill("contact", contact(session, &[acknowledgement.as_ref(), order.as_ref()]));
    let template = papers::template(papers::EXECUTION, Some(DocumentKind::Execution))?;
    matter.answer(session, template, &request, facts, DRAFTER).await.map_err(explain_contact)
}

fn measures(remarks: Option<&str>, order: Option<&Fetched>) -> String {
    let order = order.map(|order| {
        let document = &order.document;
        format!(
            "Order {} was served on {}, which answered with the package named below.",
            document.shared_number, document.addressee.name
        )
    });
    let parts: Vec<String> = remarks.map(ToOwned::to_owned).into_iter().chain(order).collect();
    if parts.is_empty() {
        "The evidence named below was obtained and passed on.".to_owned()
    } else {
        parts.join("\n\n")
    }
}

fn use_conditions(request: &Fetched) -> String {
    let limits = request.document.body.get("use_limits").and_then(Value::as_str);
    limits.map_or_else(
        || "Only for the investigation and proceedings named in the request; any other use needs prior consent.".to_owned(),
        |limits| format!("Within the limits that the request undertakes: {limits}"),
    )
}

/// Closes a request at the requesting authority: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// Refused, if the case holds no request of this office; failed, if facts are missing; otherwise as
/// [`super::transmit`].
pub async fn close(session: &Session, arguments: AnswerArguments) -> Result<Transmitted, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let request = matter.sent(session, DocumentKind::Request).await?;
    let request = request.ok_or_else(|| matter.nothing(DocumentKind::Request, "sent from"))?;
    if let Some(unsent) = matter.unsent(DocumentKind::Closing, request.document.shared_number.as_str()) {
        return transmission::transmit(session, &unsent.document_id).await;
    }
    let decision = matter.received(session, DocumentKind::Execution).await?;
    // When each package was verified only the officer knows: it is asked for, never assumed.
    let received: Vec<Value> = matter
        .case
        .packages
        .iter()
        .filter(|package| package.stage == "received")
        .map(|package| json!({"package": package.package_id, "manifest_sha256": package.manifest_sha256}))
        .collect();
    let mut facts = Facts::own(arguments.facts);
    if let Some(remarks) = arguments.remarks {
        facts.set("remarks", json!(remarks));
    }
    facts.fill_all(decision.as_ref().map_or(Value::Null, |decision| closing_facts(&decision.document)));
    facts.fill("our_reference", own_reference(&[Some(&request)]));
    if received.is_empty() {
        facts.fill("reason", json!("no-longer-needed"));
    } else {
        facts.fill("reason", json!("evidence-received"));
        facts.fill("packages", Value::Array(received));
    }
    let undertaken = |pointer: &str| request.document.body.pointer(pointer).cloned().unwrap_or(Value::Null);
    facts.fill("use_statement", undertaken("/use_limits"));
    facts.fill("retention", undertaken("/safeguards/retention"));
    facts.fill("contact", contact(session, &[Some(&request)]));
    let template = papers::template(papers::CLOSING, Some(DocumentKind::Closing))?;
    let drafted =
        matter.answer(session, template, &request, facts, OFFICER).await.map_err(explain_contact)?;
    transmission::transmit_drafted(session, drafted).await
}
