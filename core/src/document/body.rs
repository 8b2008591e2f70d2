//! What the parts of a body mean that a server reads: typed, by kind of document.
//!
//! Everything else in a body is for people and forms. A part that is missing or malformed is named.

use super::{Document, DocumentError, QuotedRequest};
use crate::ground::{PostponementGround, RefusalGround};
use crate::party::PartyId;
use crate::reference::{QuestionId, SharedNumber};
use crate::timestamp::{CivilDate, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// How much of a request is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalScope {
    /// All of it: the matter ends.
    Whole,
    /// A part; the rest goes on. Of a preservation: the extension that was asked for.
    Part,
}

impl fmt::Display for RefusalScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Part => "part",
        })
    }
}

/// How much of a request was executed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All that could be.
    Executed,
    /// A part; more may follow.
    PartlyExecuted,
}

/// What a confirmation confirms.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmed {
    /// That the data asked for are preserved.
    Preservation,
    /// That they are preserved for longer.
    Extension,
}

impl fmt::Display for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preservation => "preservation",
            Self::Extension => "extension",
        })
    }
}

/// What a forwarding says of the request that it encloses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForwardedRequest {
    /// The request.
    pub request: QuotedRequest,
    /// When the authority that forwards it had received it: periods run from there.
    pub received_time: Timestamp,
    /// The authority that asks.
    pub requesting_party: PartyId,
}

/// What the requesting authority is told of a forwarding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForwardedTo {
    /// Who is competent.
    pub party: PartyId,
    /// When the request was forwarded.
    pub forwarded_time: Timestamp,
    /// When the authority that forwarded it had received it.
    pub received_time: Timestamp,
}

/// What a counterpart is told of an erasure.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldErasure {
    /// The provision that demanded it, as its sender writes it.
    pub article: String,
    /// When it was decided, by the sender's clock.
    pub erased_time: Timestamp,
}

/// Whether `text` can stand as the reason or the article of an erasure: 1 to 120 printable characters.
#[must_use]
pub fn is_short_text(text: &str) -> bool {
    (1..=120).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(char::is_control)
}

impl Document {
    /// What an erasure notice says.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if a part is missing or malformed.
    pub fn erasure_told(&self) -> Result<ToldErasure, DocumentError> {
        let article: String = self.part("article")?;
        if !is_short_text(&article) {
            return Err(DocumentError::Body { kind: self.kind, field: "article" });
        }
        Ok(ToldErasure { article, erased_time: self.part("erased_time")? })
    }

    /// The question that a question asks or an answer answers.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is missing or malformed.
    pub fn question_id(&self) -> Result<QuestionId, DocumentError> {
        self.part("question_id")
    }

    /// By when a question wants its answer, if it says so.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is malformed.
    pub fn answer_by(&self) -> Result<Option<CivilDate>, DocumentError> {
        self.optional("answer_by")
    }

    /// On which ground a refusal refuses, and how much.
    ///
    /// # Errors
    /// [`DocumentError::Body`] naming what is missing or malformed.
    pub fn refusal(&self) -> Result<(RefusalGround, RefusalScope), DocumentError> {
        Ok((self.part("ground")?, self.part("scope")?))
    }

    /// On which ground a postponement postpones, and until when, if it says so.
    ///
    /// # Errors
    /// [`DocumentError::Body`] naming what is missing or malformed.
    pub fn postponement(&self) -> Result<(PostponementGround, Option<CivilDate>), DocumentError> {
        Ok((self.part("ground")?, self.optional("until")?))
    }

    /// What a forwarding says of the request it encloses.
    ///
    /// # Errors
    /// [`DocumentError::Body`] naming what is missing or malformed.
    pub fn forwarded_request(&self) -> Result<ForwardedRequest, DocumentError> {
        Ok(ForwardedRequest {
            request: self.part("request")?,
            received_time: self.part("received_time")?,
            requesting_party: self.part("requesting_party")?,
        })
    }

    /// What a notice says of a forwarding.
    ///
    /// # Errors
    /// [`DocumentError::Body`] naming what is missing or malformed.
    pub fn forwarded_to(&self) -> Result<ForwardedTo, DocumentError> {
        Ok(ForwardedTo {
            party: self.part("forwarded_to")?,
            forwarded_time: self.part("forwarded_time")?,
            received_time: self.part("received_time")?,
        })
    }

    /// How much an execution says was executed.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is missing or malformed.
    pub fn outcome(&self) -> Result<Outcome, DocumentError> {
        self.part("outcome")
    }

    /// What a confirmation confirms, and the last instant at which the data are preserved.
    ///
    /// # Errors
    /// [`DocumentError::Body`] naming what is missing or malformed.
    pub fn confirmation(&self) -> Result<(Confirmed, Timestamp), DocumentError> {
        Ok((self.part("of")?, self.part("preserved_until")?))
    }

    /// Until when an extension wants the data preserved, if it says so.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is malformed.
    pub fn extend_until(&self) -> Result<Option<Timestamp>, DocumentError> {
        self.optional("extend_until")
    }

    /// The reason in words that a withdrawal, an extension or a release owes.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is missing or blank.
    pub fn reason(&self) -> Result<String, DocumentError> {
        let reason: String = self.part("reason")?;
        if reason.trim().is_empty() { Err(self.bad("reason")) } else { Ok(reason) }
    }

    /// The preservation that a request follows up, under `body.preservation.shared_number`.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is malformed.
    pub fn followed_up(&self) -> Result<Option<SharedNumber>, DocumentError> {
        let said = self.body.get("preservation").and_then(|part| part.get("shared_number"));
        match said {
            None | Some(Value::Null) => Ok(None),
            Some(number) => serde_json::from_value(number.clone())
                .map(Some)
                .map_err(|_| self.bad("preservation.shared_number")),
        }
    }

    /// The instruments relied on, by their ids, in the order of `body.legal_basis`.
    #[must_use]
    pub fn instruments(&self) -> Vec<&str> {
        let basis = self.body.get("legal_basis");
        let list = basis.and_then(|basis| basis.get("instruments").or(Some(basis))).and_then(Value::as_array);
        let entries = list.into_iter().flatten();
        entries
            .filter_map(|entry| entry.get("instrument").or(Some(entry)).and_then(Value::as_str))
            .filter(|id| {
                id.len() <= 64
                    && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            })
            .collect()
    }

    fn bad(&self, field: &'static str) -> DocumentError {
        DocumentError::Body { kind: self.kind, field }
    }

    /// A part that may be left out or `null`.
    fn optional<T: serde::de::DeserializeOwned>(
        &self,
        field: &'static str,
    ) -> Result<Option<T>, DocumentError> {
        match self.body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.part(field).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::document;
    use super::*;
    use serde_json::json;

    fn of(body: Value) -> Document {
        Document { body, ..document() }
    }

    #[test]
    fn what_is_left_out_is_none_and_what_is_malformed_is_named() {
        let wrong = |error: DocumentError| error.to_string();
        assert_eq!(of(json!({})).answer_by().expect("left out"), None);
        assert_eq!(of(json!({"answer_by": null})).answer_by().expect("left out"), None);
        let date = of(json!({"answer_by": "2026-12-01"})).answer_by().expect("a date");
        assert_eq!(date.expect("a date").to_string(), "2026-12-01");
        for bad in [json!("1.12.2026"), json!("2026-13-01"), json!(""), json!(20_261_201)] {
            let error = of(json!({"answer_by": bad})).answer_by().expect_err("no date");
            assert!(wrong(error).contains("`body.answer_by`"));
        }
    }

    #[test]
    fn a_refusal_has_a_ground_of_its_own_list_and_a_scope() {
        let said = of(json!({"ground": "R07-dual-criminality", "scope": "part"})).refusal();
        assert_eq!(said.expect("a refusal"), (RefusalGround::DualCriminality, RefusalScope::Part));
        for (body, field) in [
            (json!({"scope": "whole"}), "`body.ground`"),
            (json!({"ground": "P01-prejudice-own-case", "scope": "whole"}), "`body.ground`"),
            (json!({"ground": "R07", "scope": "whole"}), "`body.ground`"),
            (json!({"ground": "R07-dual-criminality", "scope": "half"}), "`body.scope`"),
            (json!({"ground": "R07-dual-criminality"}), "`body.scope`"),
        ] {
            assert!(of(body).refusal().expect_err("malformed").to_string().contains(field));
        }
    }

    #[test]
    fn a_reason_is_not_blank() {
        assert!(of(json!({"reason": " \n"})).reason().is_err());
        assert_eq!(of(json!({"reason": "settled"})).reason().expect("a reason"), "settled");
    }

    #[test]
    fn instruments_are_read_from_either_form_of_the_legal_basis() {
        let listed = of(json!({"legal_basis": [{"instrument": "budapest-2001"}, {"instrument": "a b"}]}));
        assert_eq!(listed.instruments(), ["budapest-2001"]);
        let nested = of(json!({"legal_basis": {"instruments": ["coe-mla-1959", "budapest-2001"]}}));
        assert_eq!(nested.instruments(), ["coe-mla-1959", "budapest-2001"]);
        assert!(of(json!({})).instruments().is_empty());
    }
}
