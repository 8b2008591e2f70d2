//! What the requested authority asked back in one matter, and what was answered.

use crate::reference::QuestionId;
use crate::timestamp::{CivilDate, Timestamp};
use serde::{Deserialize, Serialize};

/// How many questions one matter may hold.
pub const QUESTION_LIMIT: usize = 200;

/// One question, as both sides keep it; its words stand in the document that asked it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its id within the matter.
    pub id: QuestionId,
    /// Since when it stands.
    pub asked_time: Timestamp,
    /// By when an answer is wanted, if that was said.
    pub answer_by: Option<CivilDate>,
    /// Since when it is answered.
    pub answered_time: Option<Timestamp>,
}

/// The questions of one matter, in the order in which they were asked.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Questions(Vec<Question>);

/// The question cannot be asked or answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuestionError {
    /// It was asked before.
    #[error("question {0} was asked before in this matter")]
    Repeated(QuestionId),
    /// There is no such question, or it was answered.
    #[error("no question {0} is open in this matter")]
    NotOpen(QuestionId),
    /// There are as many as one matter may hold.
    #[error("a matter holds at most {QUESTION_LIMIT} questions")]
    TooMany,
}

impl Questions {
    /// No question.
    pub const NONE: Self = Self(Vec::new());

    /// Those that wait for an answer.
    pub fn open(&self) -> impl Iterator<Item = &Question> {
        self.0.iter().filter(|question| question.answered_time.is_none())
    }

    /// Whether a question may be asked under `id`.
    ///
    /// # Errors
    /// [`QuestionError`] if it was asked before, or there are too many.
    pub fn may_ask(&self, id: &QuestionId) -> Result<(), QuestionError> {
        if self.0.iter().any(|question| question.id == *id) {
            return Err(QuestionError::Repeated(id.clone()));
        }
        if self.0.len() < QUESTION_LIMIT { Ok(()) } else { Err(QuestionError::TooMany) }
    }

    /// Whether the question `id` waits for an answer.
    ///
    /// # Errors
    /// [`QuestionError::NotOpen`] if it does not.
    pub fn may_answer(&self, id: &QuestionId) -> Result<(), QuestionError> {
        let open = self.open().any(|question| question.id == *id);
        if open { Ok(()) } else { Err(QuestionError::NotOpen(id.clone())) }
    }

    /// Adds a question.
    ///
    /// # Errors
    /// See [`Self::may_ask`].
    pub fn ask(
        mut self,
        id: QuestionId,
        answer_by: Option<CivilDate>,
        at: Timestamp,
    ) -> Result<Self, QuestionError> {
        self.may_ask(&id)?;
        self.0.push(Question { id, asked_time: at, answer_by, answered_time: None });
        Ok(self)
    }

    /// Notes the answer to an open question.
    ///
    /// # Errors
    /// See [`Self::may_answer`].
    pub fn answer(mut self, id: &QuestionId, at: Timestamp) -> Result<Self, QuestionError> {
        self.may_answer(id)?;
        for question in self.0.iter_mut().filter(|question| question.id == *id) {
            question.answered_time = Some(at);
        }
        Ok(self)
    }

    /// Drops what nobody will answer any more: the authority that asked it dealt out its part.
    #[must_use]
    pub fn answered_only(self) -> Self {
        Self(self.0.into_iter().filter(|question| question.answered_time.is_some()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_seconds(1_790_000_000).expect("in range")
    }

    fn id(text: &str) -> QuestionId {
        text.parse().expect("an id")
    }

    #[test]
    fn a_question_is_asked_once_and_answered_once() {
        let questions = Questions::default().ask(id("Q1"), None, at()).expect("new");
        assert_eq!(questions.clone().ask(id("Q1"), None, at()), Err(QuestionError::Repeated(id("Q1"))));
        assert_eq!(questions.may_answer(&id("Q2")), Err(QuestionError::NotOpen(id("Q2"))));
        let answered = questions.answer(&id("Q1"), at()).expect("open");
        assert_eq!(answered.open().count(), 0);
        assert_eq!(answered.may_answer(&id("Q1")), Err(QuestionError::NotOpen(id("Q1"))));
        assert_eq!(answered.may_ask(&id("Q1")), Err(QuestionError::Repeated(id("Q1"))));
    }

    #[test]
    fn a_matter_holds_a_limited_number_of_questions() {
        let mut questions = Questions::default();
        for n in 0..QUESTION_LIMIT {
            questions = questions.ask(id(&format!("Q{n}")), None, at()).expect("room");
        }
        assert_eq!(questions.may_ask(&id("Q-MORE")), Err(QuestionError::TooMany));
    }
}
