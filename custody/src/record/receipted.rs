//! The case heads of a record that counterparts acknowledged: how far each of them knew its stream.
//!
//! Checks the heads, and what the data of a receipt say about one. Opening a receipt's container and
//! verifying its seal is the caller's part: this crate knows neither containers nor certificates.

use super::Record;
use super::check::{VerifiedEntry, holds};
use super::epochs::VerifiedEpoch;
use super::error::{ReceiptMismatch, ReceiptedProblem, RecordError};
use crate::case_head::{CaseHead, VerifiedCaseHead, verify_case_head};
use crate::note::Vkey;
use rogatory_core::custody_event::Stream;
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{PartyId, SharedNumber};

/// A case head that went with a message, and the receipt of the counterpart that quotes it; not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptedHead {
    /// The head's note, byte for byte as it was sent.
    pub head: String,
    /// The container of the receipt.
    pub receipt: Vec<u8>,
}

/// A case head whose log signed it and whose event the record holds. Only verifying a record makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedReceiptedHead {
    head: VerifiedCaseHead,
    counterpart: PartyId,
    receipt: Vec<u8>,
}

impl VerifiedReceiptedHead {
    /// What the log said.
    #[must_use]
    pub const fn head(&self) -> &CaseHead {
        self.head.head()
    }

    /// To whom it said so: the counterpart of the stream.
    #[must_use]
    pub const fn counterpart(&self) -> &PartyId {
        &self.counterpart
    }

    /// The container of the receipt, unopened.
    #[must_use]
    pub fn receipt(&self) -> &[u8] {
        &self.receipt
    }

    /// Checks what the data of the receipt say: given by the counterpart, to this institution, for
    /// something it sent under the number of the head, and quoting this very head.
    ///
    /// That the counterpart sealed those data is for the caller to verify.
    ///
    /// # Errors
    /// [`ReceiptMismatch`].
    pub fn check_receipt(&self, receipt: &Receipt) -> Result<(), ReceiptMismatch> {
        let institution = self.head().origin.party();
        if !matches!(receipt.receipt, ReceiptKind::Delivery | ReceiptKind::NonDelivery) {
            return Err(ReceiptMismatch::Kind(receipt.receipt.as_str()));
        }
        if receipt.issuer.party != self.counterpart {
            return Err(ReceiptMismatch::Issuer(receipt.issuer.party.clone()));
        }
        if receipt.addressee != *institution {
            return Err(ReceiptMismatch::Addressee(receipt.addressee.clone()));
        }
        match receipt.case_head_sha256 {
            None => return Err(ReceiptMismatch::NoHead),
            Some(quoted) if quoted != self.head.digest() => return Err(ReceiptMismatch::OtherHead(quoted)),
            Some(_) => {}
        }
        let (sender, number) = message(&receipt.of);
        if sender == institution && Some(number) == self.head().shared_number.as_ref() {
            Ok(())
        } else {
            Err(ReceiptMismatch::OtherMessage)
        }
    }
}

/// Who sent what a receipt is for, and under which number.
const fn message(of: &Receipted) -> (&PartyId, &SharedNumber) {
    match of {
        Receipted::Document { sender, shared_number, .. }
        | Receipted::Package { sender, shared_number, .. } => (sender, shared_number),
    }
}

/// Checks the receipted heads of a record whose entries hold.
pub(super) fn check_receipted(
    record: &Record,
    entries: &[VerifiedEntry],
    epochs: &[VerifiedEpoch],
    log: &Vkey,
) -> Result<Vec<VerifiedReceiptedHead>, RecordError> {
    // A head keeps the name of the epoch in which it was sent.
    let keys: Vec<Vkey> =
        std::iter::once(log).chain(epochs.iter().map(VerifiedEpoch::closed_key)).cloned().collect();
    let mut verified: Vec<VerifiedReceiptedHead> = Vec::with_capacity(record.receipted.len());
    for (position, one) in (1..).zip(&record.receipted) {
        let problem = |problem| RecordError::Receipted { position, problem };
        let head = verify_case_head(one.head.as_bytes(), &keys)
            .map_err(|source| problem(ReceiptedProblem::Note(source)))?;
        if head.signature_lines() != 1 {
            return Err(problem(ReceiptedProblem::Signatures(head.signature_lines())));
        }
        let Stream::Shared(counterpart) = head.head().stream.clone() else {
            return Err(problem(ReceiptedProblem::Internal));
        };
        let name = counterpart.to_string();
        if verified.last().is_some_and(|last| last.counterpart.to_string() >= name) {
            return Err(problem(ReceiptedProblem::Order));
        }
        holds(&record.origin, epochs, entries, head.head())
            .map_err(|source| problem(ReceiptedProblem::Differs(source)))?;
        verified.push(VerifiedReceiptedHead { head, counterpart, receipt: one.receipt.clone() });
    }
    Ok(verified)
}
