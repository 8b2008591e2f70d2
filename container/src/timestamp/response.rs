//! What comes back from a time-stamping authority: a status, and a token if it is good.

use super::elements::{BIT_STRING, Elements};
use super::{MAX_ANSWER_BYTES, TimestampError};
use crate::encoding::{INTEGER, SEQUENCE, UTF8_STRING};

/// The most text of a refusal that is kept, in characters.
const MAX_TEXT: usize = 200;

/// A `TimeStampResp` in which a stamp was granted. What the token says is not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    token: Vec<u8>,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`TimestampError::Refused`] with the authority's word, or another [`TimestampError`] if it can't be read.
    ///
    /// # Source
    /// RFC 3161, 2.4.2.
    pub fn from_der(der: &[u8]) -> Result<Self, TimestampError> {
        if der.len() > MAX_ANSWER_BYTES {
            return Err(TimestampError::TooLong(der.len()));
        }
        let mut outer = Elements::of(der, "the answer");
        let mut answer = outer.take(SEQUENCE)?.inside("the answer");
        outer.end()?;
        let mut info = answer.take(SEQUENCE)?.inside("the status");
        let status = info.take(INTEGER)?;
        let text = match info.optional(SEQUENCE)? {
            Some(texts) => text(texts.inside("the status text"))?,
            None => String::new(),
        };
        info.optional(BIT_STRING)?;
        info.end()?;
        let token = answer.optional(SEQUENCE)?;
        answer.end()?;
        match (status.contents, token) {
            // granted, grantedWithMods
            ([0 | 1], Some(token)) => Ok(Self { token: token.whole.to_vec() }),
            ([0 | 1], None) => {
                Err(TimestampError::Structure("a stamp was granted, and none is in the answer"))
            }
            ([status @ 2..=5], None) => Err(TimestampError::Refused { status: *status, text }),
            _ => Err(TimestampError::Malformed { what: "the status" }),
        }
    }

    /// The token, byte for byte.
    #[must_use]
    pub fn token(&self) -> &[u8] {
        &self.token
    }
}

/// The first line of what the authority says, without control characters.
fn text(mut texts: Elements<'_>) -> Result<String, TimestampError> {
    let mut said = String::new();
    while let Some(line) = texts.next_any()? {
        if line.tag != UTF8_STRING {
            return Err(TimestampError::Malformed { what: "the status text" });
        }
        if said.is_empty() {
            let text = String::from_utf8_lossy(line.contents);
            said = text.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
        }
    }
    Ok(said)
}
