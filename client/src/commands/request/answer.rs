//! Answers under a request's number: acknowledgement, decision on execution, closing.
//!
//! What follows from the case is filled in and named in the result; the officer's own facts win.

use crate::commands::documents::{CaseFacts, Drafted, Fetched, PackageFacts, WRONG_STAGE};
use crate::commands::matter::{self, Form, Matter, contact, own_reference};
use crate::commands::prepared::{Prepared, Same, earlier};
use crate::commands::transmission::Transmitted;
use crate::containers::{DRAFTER, OFFICER};
use crate::papers::{self, Facts};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use rogatory_templates::{acknowledgement_facts, closing_facts, execution_facts};
use serde_json::{Value, json};

/// What to acknowledge.
#[derive(Clone, Debug)]
pub struct AcknowledgeArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The file number under which this office keeps the matter.
    pub reference: String,
    /// What else the paper says.
    pub form: Form,
}

/// What was executed.
#[derive(Clone, Debug)]
pub struct ExecuteArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Whether more follows.
    pub partly: bool,
    /// What is still to be executed.
    pub not_executed: Option<String>,
    /// Remarks for the other authority.
    pub remarks: Option<String>,
    /// What else the paper says.
    pub form: Form,
}

/// What to close.
#[derive(Clone, Debug)]
pub struct CloseArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Remarks for the other authority.
    pub remarks: Option<String>,
    /// What else the paper says.
    pub form: Form,
}

/// Prepares an acknowledgement of a received request.
///
/// # Errors
/// Refused, if no request was received, or it was acknowledged under another reference; failed, if
/// facts are missing.
pub async fn prepare_acknowledgement(
    session: &Session,
    arguments: AcknowledgeArguments,
) -> Result<Prepared, Problem> {
    let next_step = "The request is being examined for execution under the law of the requested State.";
    prepare_acknowledgement_of(session, arguments, DocumentKind::Request, next_step).await
}

/// Acknowledges a received request: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_acknowledgement`] and [`Prepared::send`].
pub async fn acknowledge(session: &Session, arguments: AcknowledgeArguments) -> Result<Transmitted, Problem> {
    prepare_acknowledgement(session, arguments).await?.send(session).await
}

/// Prepares an acknowledgement of a document of `kind`; shared with orders.
pub(crate) async fn prepare_acknowledgement_of(
    session: &Session,
    arguments: AcknowledgeArguments,
    kind: DocumentKind,
    next_step: &str,
) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["our_reference", "next_step"];
    let matter = Matter::open(session, &arguments.case).await?;
    let target = matter.must_have_received(session, kind).await?;
    let reference = json!(arguments.reference);
    let number = target.document.shared_number.as_str();
    let same = Same { key: None, stated: &[("our_reference", &reference)] };
    if let Some(sent) = earlier(session, &matter, DocumentKind::Acknowledgement, number, same).await? {
        return Prepared::kept(session, sent, SAYS).await;
    }
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("our_reference", reference);
    facts.fill_all(acknowledgement_facts(&target.document));
    facts.fill("received_time", json!(matter.received_time(&target)?.whole_seconds()));
    facts.fill("competent_authority", json!(session.profile()?.name));
    facts.fill("next_step", json!(next_step));
    facts.fill("complete", json!(true));
    facts.fill("contact", contact(session, &[]));
    let template = papers::template(
        papers::ACKNOWLEDGEMENT,
        Some(DocumentKind::Acknowledgement),
        &arguments.form.wording,
    )?;
    let draft = matter.answer(session, template, &target, facts, OFFICER).await?;
    Prepared::new(session, draft, SAYS).await
}

/// Drafts the decision that a request was executed, wholly or in part, naming the packages that were
/// relayed.
///
/// It then needs [`super::approve`] and [`super::transmit`].
///
/// # Errors
/// Refused, if nothing was relayed; failed, if facts are missing.
pub async fn execute(session: &Session, arguments: ExecuteArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open_kind(session, &arguments.case, "request").await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let order = matter.sent(session, DocumentKind::Order).await?;
    let relayed: Vec<Value> = relayed(&matter.case);
    if relayed.is_empty() {
        return Err(Problem::refused(format!("no package was relayed in case {}", matter.case.case_id))
            .with_reason(WRONG_STAGE)
            .with_hint("pass the provider's package on first: `rogatory package relay PK`"));
    }
    let mut facts = Facts::own(arguments.form.facts);
    // What came of each identifier only the officer knows: it is asked for, never assumed.
    let mut follows = execution_facts(
        &request.document,
        order.as_ref().map(|order| (&order.document, order.document_sha256)),
    );
    let answered_by = order.as_ref().map_or_else(
        || session.profile().map(|profile| profile.name.clone()),
        |order| Ok(order.document.addressee.name.clone()),
    )?;
    if let Some(outcomes) = follows.get_mut("outcomes").and_then(Value::as_array_mut) {
        for outcome in outcomes.iter_mut().filter_map(Value::as_object_mut) {
            outcome.insert("answered_by".to_owned(), json!(answered_by));
        }
    }
    facts.fill_all(follows);
    facts.fill("our_reference", own_reference(&[acknowledgement.as_ref(), order.as_ref()]));
    // Whether it is the whole is typed or in the officer's file, never guessed.
    if arguments.partly {
        facts.set("outcome", json!("partly-executed"));
    }
    if let Some(rest) = arguments.not_executed {
        facts.set("not_executed", json!(rest));
    }
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
    let template =
        papers::template(papers::EXECUTION, Some(DocumentKind::Execution), &arguments.form.wording)?;
    matter::hand_in(session, matter.answer(session, template, &request, facts, DRAFTER).await?).await
}

/// The packages that were passed on, each with its maker.
fn relayed(case: &CaseFacts) -> Vec<Value> {
    let maker = |package: &PackageFacts| {
        let order = case.orders.iter().find(|order| order.shared_number == package.shared_number)?;
        Some(order.counterpart.clone())
    };
    let relayed = case.packages.iter().filter(|package| package.stage == "relayed");
    relayed
        .map(|package| {
            let mut named =
                json!({"package": package.package_id, "manifest_sha256": package.manifest_sha256});
            if let (Some(maker), Some(fields)) = (maker(package), named.as_object_mut()) {
                fields.insert("made_by".to_owned(), json!(maker));
            }
            named
        })
        .collect()
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

/// Prepares the closing of a request at the requesting authority.
///
/// # Errors
/// Refused, if the case holds no request of this office; failed, if facts are missing.
pub async fn prepare_closing(session: &Session, arguments: CloseArguments) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["reason", "remarks"];
    let matter = Matter::open_kind(session, &arguments.case, "request").await?;
    let request = matter.must_have_sent(session, DocumentKind::Request).await?;
    let number = request.document.shared_number.as_str();
    let remarks = json!(arguments.remarks);
    let same = Same { key: None, stated: &[("remarks", &remarks)] };
    if let Some(sent) = earlier(session, &matter, DocumentKind::Closing, number, same).await? {
        return Prepared::kept(session, sent, SAYS).await;
    }
    let decision = matter.last_received(session, &[DocumentKind::Execution, DocumentKind::Refusal]).await?;
    let decision = match decision {
        Some(decision) => Some(decision),
        None => matter.received(session, DocumentKind::Acknowledgement).await?,
    };
    // When each package was verified only the officer knows: it is asked for, never assumed.
    let received: Vec<Value> = matter
        .case
        .packages
        .iter()
        .filter(|package| package.stage == "received")
        .map(|package| json!({"package": package.package_id, "manifest_sha256": package.manifest_sha256}))
        .collect();
    let mut facts = Facts::own(arguments.form.facts);
    if !remarks.is_null() {
        facts.set("remarks", remarks);
    }
    facts.fill_all(decision.as_ref().map_or(Value::Null, |decision| closing_facts(&decision.document)));
    facts.fill("our_reference", own_reference(&[Some(&request)]));
    if matter.case.stage == "withdrawn" {
        facts.fill("reason", json!("withdrawn"));
    } else if received.is_empty() {
        facts.fill("reason", json!("no-longer-needed"));
    } else {
        facts.fill("reason", json!("evidence-received"));
        facts.fill("packages", Value::Array(received));
    }
    let undertaken = |pointer: &str| request.document.body.pointer(pointer).cloned().unwrap_or(Value::Null);
    facts.fill("use_statement", undertaken("/use_limits"));
    facts.fill("retention", undertaken("/safeguards/retention"));
    facts.fill("contact", contact(session, &[Some(&request)]));
    let template = papers::template(papers::CLOSING, Some(DocumentKind::Closing), &arguments.form.wording)?;
    let draft = matter.answer(session, template, &request, facts, OFFICER).await?;
    Prepared::new(session, draft, SAYS).await
}

/// Closes a request: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_closing`] and [`Prepared::send`].
pub async fn close(session: &Session, arguments: CloseArguments) -> Result<Transmitted, Problem> {
    prepare_closing(session, arguments).await?.send(session).await
}
