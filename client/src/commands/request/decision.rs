//! Decisions of two officers that end or hold up a request: refusing, postponing, withdrawing.
//!
//! Each is drafted here; it then needs the approval of a second officer, and transmission.

use crate::commands::documents::Drafted;
use crate::commands::matter::{self, Form, Matter, contact, own_reference};
use crate::containers::DRAFTER;
use crate::papers::{self, Facts};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use rogatory_core::ground::{PostponementGround, RefusalGround};
use rogatory_templates::{postponement_facts, refusal_facts, withdrawal_facts};
use serde_json::json;

/// What to refuse, and why.
#[derive(Clone, Debug)]
pub struct RefuseArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The ground.
    pub ground: RefusalGround,
    /// Why, in words.
    pub reason: String,
    /// The part that is refused, in words; everything if absent.
    pub part: Option<String>,
    /// What else the paper says.
    pub form: Form,
}

/// What to postpone, and why.
#[derive(Clone, Debug)]
pub struct PostponeArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The ground.
    pub ground: PostponementGround,
    /// Until which day, as far as it is known.
    pub until: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// What else the paper says.
    pub form: Form,
}

/// What to withdraw, and why.
#[derive(Clone, Debug)]
pub struct WithdrawArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Why, in words.
    pub reason: String,
    /// What else the paper says.
    pub form: Form,
}

/// Parses a ground for refusing as it was typed.
///
/// # Errors
/// A usage problem listing the grounds.
pub fn refusal_ground(text: &str) -> Result<RefusalGround, Problem> {
    text.parse().map_err(|error| unknown_ground(&error, RefusalGround::ALL.iter().map(|one| one.as_str())))
}

/// Parses a ground for postponing as it was typed.
///
/// # Errors
/// A usage problem listing the grounds.
pub fn postponement_ground(text: &str) -> Result<PostponementGround, Problem> {
    text.parse()
        .map_err(|error| unknown_ground(&error, PostponementGround::ALL.iter().map(|one| one.as_str())))
}

fn unknown_ground(
    error: &rogatory_core::ground::GroundError,
    grounds: impl Iterator<Item = &'static str>,
) -> Problem {
    Problem::usage(format!("--ground: {}", clean(&error.to_string())))
        .with_details(grounds.map(ToOwned::to_owned).collect())
}

/// Drafts the decision that a received request, or request to preserve, is refused.
///
/// # Errors
/// Refused, if nothing was received; failed, if facts are missing.
pub async fn refuse(session: &Session, arguments: RefuseArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open(session, &arguments.case).await?;
    let opening = matter.must_have_received(session, matter.opening_kind()).await?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let confirmation = matter.sent(session, DocumentKind::Confirmation).await?;
    let earlier = [acknowledgement.as_ref(), confirmation.as_ref()];
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("ground", json!(arguments.ground));
    facts.set("scope", json!(if arguments.part.is_some() { "part" } else { "whole" }));
    if let Some(part) = arguments.part {
        facts.set("part", json!(part));
    }
    facts.set("reason", json!(arguments.reason));
    facts.fill_all(refusal_facts(&opening.document));
    facts.fill("decided_by", json!(session.profile()?.name));
    facts.fill("our_reference", own_reference(&earlier));
    facts.fill("contact", contact(session, &earlier));
    let template = papers::template(papers::REFUSAL, Some(DocumentKind::Refusal), &arguments.form.wording)?;
    matter::hand_in(session, matter.answer(session, template, &opening, facts, DRAFTER).await?).await
}

/// Drafts the decision that the execution of a received request is postponed.
///
/// # Errors
/// Refused, if nothing was received; failed, if facts are missing.
pub async fn postpone(session: &Session, arguments: PostponeArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open_kind(session, &arguments.case, "request").await?;
    let request = matter.must_have_received(session, DocumentKind::Request).await?;
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let earlier = [acknowledgement.as_ref()];
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("ground", json!(arguments.ground));
    facts.set("reason", json!(arguments.reason));
    if let Some(day) = arguments.until {
        facts.set("until", json!(day));
    }
    facts.fill_all(postponement_facts(&request.document));
    facts.fill("decided_by", json!(session.profile()?.name));
    facts.fill("our_reference", own_reference(&earlier));
    facts.fill("contact", contact(session, &earlier));
    let template =
        papers::template(papers::POSTPONEMENT, Some(DocumentKind::Postponement), &arguments.form.wording)?;
    matter::hand_in(session, matter.answer(session, template, &request, facts, DRAFTER).await?).await
}

/// Drafts the word that a request of this office is withdrawn.
///
/// # Errors
/// Refused, if the case holds no request of this office; failed, if facts are missing.
pub async fn withdraw(session: &Session, arguments: WithdrawArguments) -> Result<Drafted, Problem> {
    let matter = Matter::open_kind(session, &arguments.case, "request").await?;
    let request = matter.must_have_sent(session, DocumentKind::Request).await?;
    let acknowledgement = matter.received(session, DocumentKind::Acknowledgement).await?;
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("reason", json!(arguments.reason));
    facts.fill_all(withdrawal_facts(acknowledgement.as_ref().map(|received| &received.document)));
    facts.fill("our_reference", own_reference(&[Some(&request)]));
    facts.fill("contact", contact(session, &[Some(&request)]));
    let template =
        papers::template(papers::WITHDRAWAL, Some(DocumentKind::Withdrawal), &arguments.form.wording)?;
    matter::hand_in(session, matter.answer(session, template, &request, facts, DRAFTER).await?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_ground_lists_the_right_ones() {
        assert_eq!(refusal_ground("R07-dual-criminality"), Ok(RefusalGround::DualCriminality));
        let problem = refusal_ground("R07").expect_err("a number alone");
        assert_eq!((problem.exit().code(), problem.details().len()), (2, 24));
        assert!(problem.message().starts_with("--ground: "), "{problem}");
        let problem = postponement_ground("R07-dual-criminality").expect_err("a refusal's ground");
        assert_eq!((problem.exit().code(), problem.details().len()), (2, 3));
    }
}
