//! Asking back and answering, under the number of a request or a preservation.

use crate::commands::documents::{self, Fetched, WRONG_STAGE};
use crate::commands::matter::{Form, Matter, contact, own_reference};
use crate::commands::prepared::{Prepared, Same, earlier};
use crate::commands::transmission::Transmitted;
use crate::containers::OFFICER;
use crate::papers::{self, Facts};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::document::DocumentKind;
use rogatory_core::reference::QuestionId;
use rogatory_templates::{answer_facts, question_facts};
use serde_json::{Value, json};

/// What to ask.
#[derive(Clone, Debug)]
pub struct AskArguments {
    /// The case id or the shared number.
    pub case: String,
    /// What the question is called; the next free one if absent.
    pub question: Option<QuestionId>,
    /// The question.
    pub text: String,
    /// Until when an answer is needed, a date.
    pub answer_by: Option<String>,
    /// What else the paper says.
    pub form: Form,
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct AnswerArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The question; the one that is open if absent.
    pub question: Option<QuestionId>,
    /// The answer.
    pub text: String,
    /// What else the paper says.
    pub form: Form,
}

/// Prepares a question to the requesting authority.
///
/// # Errors
/// Refused, if nothing was received, or another question has that name; failed, if facts are missing.
pub async fn prepare_question(session: &Session, arguments: AskArguments) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["question_id", "question", "answer_by"];
    let matter = Matter::open(session, &arguments.case).await?;
    let opening = matter.must_have_received(session, matter.opening_kind()).await?;
    let number = opening.document.shared_number.as_str();
    let text = json!(arguments.text);
    if let Some(question) = &arguments.question {
        let id = json!(question);
        let same = Same { key: Some(("question_id", &id)), stated: &[("question", &text)] };
        if let Some(sent) = earlier(session, &matter, DocumentKind::Question, number, same).await? {
            return Prepared::kept(session, sent, SAYS).await;
        }
    } else {
        // The same text again is the same question, not a second one.
        let same = Same { key: Some(("question", &text)), stated: &[] };
        if let Some(sent) = earlier(session, &matter, DocumentKind::Question, number, same).await? {
            return Prepared::kept(session, sent, SAYS).await;
        }
    }
    let id = match arguments.question {
        Some(id) => json!(id),
        None => json!(format!("Q{}", matter.own_of(DocumentKind::Question, number).count() + 1)),
    };
    let acknowledgement = matter.sent(session, DocumentKind::Acknowledgement).await?;
    let confirmation = matter.sent(session, DocumentKind::Confirmation).await?;
    let earlier = [acknowledgement.as_ref(), confirmation.as_ref()];
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("question_id", id);
    facts.set("question", text);
    if let Some(day) = arguments.answer_by {
        facts.set("answer_by", json!(day));
    }
    facts.fill_all(question_facts(&opening.document));
    facts.fill("our_reference", own_reference(&earlier));
    facts.fill("contact", contact(session, &earlier));
    let template = papers::template(papers::QUESTION, Some(DocumentKind::Question), &arguments.form.wording)?;
    Prepared::new(session, matter.answer(session, template, &opening, facts, OFFICER).await?, SAYS).await
}

/// Asks the requesting authority: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_question`] and [`Prepared::send`].
pub async fn ask(session: &Session, arguments: AskArguments) -> Result<Transmitted, Problem> {
    prepare_question(session, arguments).await?.send(session).await
}

/// Prepares the answer to a question of the requested authority.
///
/// # Errors
/// Refused, if no such question is open, or it was answered otherwise; failed, if facts are missing.
pub async fn prepare_answer(session: &Session, arguments: AnswerArguments) -> Result<Prepared, Problem> {
    const SAYS: &[&str] = &["question_id", "question", "answer"];
    let matter = Matter::open(session, &arguments.case).await?;
    let opening = matter.must_have_sent(session, matter.opening_kind()).await?;
    let number = opening.document.shared_number.as_str();
    let text = json!(arguments.text);
    let id = which(&matter, arguments.question)?;
    let key = json!(id);
    let same = Same { key: Some(("question_id", &key)), stated: &[("answer", &text)] };
    if let Some(sent) = earlier(session, &matter, DocumentKind::Answer, number, same).await? {
        return Prepared::kept(session, sent, SAYS).await;
    }
    let question = question(session, &matter, &id).await?;
    let mut facts = Facts::own(arguments.form.facts);
    facts.set("question_id", key);
    facts.set("answer", text);
    facts.fill_all(answer_facts(&question.document));
    facts.fill("our_reference", own_reference(&[Some(&opening)]));
    facts.fill("contact", contact(session, &[Some(&opening)]));
    let template = papers::template(papers::ANSWER, Some(DocumentKind::Answer), &arguments.form.wording)?;
    Prepared::new(session, matter.answer(session, template, &opening, facts, OFFICER).await?, SAYS).await
}

/// Answers the requested authority: drafts, signs, hands in and transmits in one go.
///
/// # Errors
/// As [`prepare_answer`] and [`Prepared::send`].
pub async fn answer(session: &Session, arguments: AnswerArguments) -> Result<Transmitted, Problem> {
    prepare_answer(session, arguments).await?.send(session).await
}

/// The question meant: the one named, or the only one that is open.
fn which(matter: &Matter, named: Option<QuestionId>) -> Result<String, Problem> {
    if let Some(named) = named {
        return Ok(named.to_string());
    }
    match matter.case.open_questions.as_slice() {
        [only] => Ok(only.question_id.clone()),
        [] => Err(nothing_open(matter)),
        several => Err(Problem::usage(format!("{} questions are open", several.len()))
            .with_details(several.iter().map(|question| clean(&question.question_id)).collect())
            .with_hint("name one with --question")),
    }
}

fn nothing_open(matter: &Matter) -> Problem {
    let case = clean(&matter.case.case_id);
    Problem::refused(format!("case {case} has no open question"))
        .with_reason(WRONG_STAGE)
        .with_hint(format!("`rogatory {} show {case}` lists its documents", clean(&matter.case.kind)))
}

/// The received question that is called `id`.
async fn question(session: &Session, matter: &Matter, id: &str) -> Result<Fetched, Problem> {
    for document in matter.documents.iter().rev() {
        if document.kind != DocumentKind::Question.as_str() || matter.is_own(document) {
            continue;
        }
        let fetched = documents::fetch(session, &document.document_id).await?;
        if fetched.document.body.get("question_id").and_then(Value::as_str) == Some(id) {
            return Ok(fetched);
        }
    }
    let open = matter.case.open_questions.iter().map(|question| clean(&question.question_id)).collect();
    Err(Problem::refused(format!(
        "nobody asked question {} in case {}",
        clean(id),
        clean(&matter.case.case_id)
    ))
    .with_reason(WRONG_STAGE)
    .with_details(open)
    .with_hint("name one that is open with --question"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::documents::{CaseFacts, QuestionFacts};

    fn matter(open: &[&str]) -> Matter {
        let question = |id: &&str| QuestionFacts {
            question_id: (*id).to_owned(),
            asked_time: String::new(),
            answer_by: String::new(),
        };
        let open_questions = open.iter().map(question).collect();
        Matter::of(CaseFacts { case_id: "C-1".to_owned(), open_questions, ..CaseFacts::default() })
    }

    #[test]
    fn the_only_open_question_needs_no_name() {
        assert_eq!(which(&matter(&["Q2"]), None).expect("the one"), "Q2");
        assert_eq!(which(&matter(&[]), None).expect_err("none").exit().code(), 3);
        let problem = which(&matter(&["Q1", "Q2"]), None).expect_err("two");
        assert_eq!((problem.exit().code(), problem.details().len()), (2, 2));
        let named = "Q7".parse().expect("an id");
        assert_eq!(which(&matter(&["Q1", "Q2"]), Some(named)).expect("named"), "Q7");
    }
}
