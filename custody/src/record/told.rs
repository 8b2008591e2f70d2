//! The case heads of a record that counterparts' logs told the institution: what those logs must hold.
//!
//! They are the counterparts' word, under keys that this record's reader may not have: their form is
//! checked with the record, their signature by whoever has the key.

use super::Record;
use super::error::{RecordError, ToldProblem};
use crate::case_head::{CaseHead, CaseHeadError, VerifiedCaseHead, verify_case_head};
use crate::checkpoint::Origin;
use crate::note::Vkey;
use rogatory_core::PartyId;
use rogatory_core::custody_event::Stream;

/// A case head that came from a counterpart; its signature is not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToldHead {
    origin: Origin,
    note: String,
}

impl ToldHead {
    /// Whose log it names as its own.
    #[must_use]
    pub const fn counterpart(&self) -> &PartyId {
        self.origin.party()
    }

    /// The log that it names as its own.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Verifies that the log that it names signed it, with a key in `trusted`.
    ///
    /// # Errors
    /// [`CaseHeadError`].
    pub fn verify(&self, trusted: &[Vkey]) -> Result<VerifiedCaseHead, CaseHeadError> {
        verify_case_head(self.note.as_bytes(), trusted)
    }
}

/// Checks the form of the heads that counterparts told; `streams` are those of the entries.
pub(super) fn check_told<'a>(
    record: &Record,
    streams: impl Iterator<Item = &'a Stream> + Clone,
) -> Result<Vec<ToldHead>, RecordError> {
    let mut told: Vec<ToldHead> = Vec::with_capacity(record.told.len());
    for (position, note) in (1..).zip(&record.told) {
        let problem = |problem| RecordError::Told { position, problem };
        let (head, lines) =
            CaseHead::unverified(note.as_bytes()).map_err(|source| problem(ToldProblem::Note(source)))?;
        if lines != 1 {
            return Err(problem(ToldProblem::Signatures(lines)));
        }
        if head.stream != Stream::Shared(record.origin.party().clone()) {
            return Err(problem(ToldProblem::ToAnother(head.stream)));
        }
        let counterpart = head.origin.party().clone();
        if told.last().is_some_and(|last| last.counterpart().to_string() >= counterpart.to_string()) {
            return Err(problem(ToldProblem::Order));
        }
        let stream = Stream::Shared(counterpart.clone());
        if !streams.clone().any(|known| *known == stream) {
            return Err(problem(ToldProblem::NoStream(counterpart)));
        }
        told.push(ToldHead { origin: head.origin, note: note.clone() });
    }
    Ok(told)
}
