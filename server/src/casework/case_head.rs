//! Case heads: the log's signed word to a counterpart on how far the stream shared with it has come.
//!
//! ```text
//! end of the stream read ── signed ── kept with the message ── commit ── sent ── receipt must quote it
//!                                   └ a message sent again carries the head it was first sent with
//! ```
//! A head is made outside the transaction that keeps it: an event committed in between is not in it,
//! and what it says stays true. The first message of a case finds an empty stream and carries none.

use crate::authority::Authority;
use crate::datastore::{HeadRow, OFFICE, StoreError, Transaction};
use crate::directory::ConfirmedParty;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event, Stream};
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, PartyId, SharedNumber};
use rogatory_custody::case_head::{CaseHead, verify_case_head};

/// Makes the head that goes with `message` of `case` to `counterpart` under `number`; none while the
/// stream shared with it has no event.
///
/// # Errors
/// [`Problem`] if the log cannot be read or the key fails.
pub(super) async fn at_dispatch(
    authority: &Authority,
    case: &str,
    message: &str,
    number: &SharedNumber,
    counterpart: &PartyId,
) -> Result<Option<HeadRow>, Problem> {
    let stream = Stream::Shared(counterpart.clone());
    let end = authority.datastore.read().await?.last_event(case, &stream.to_string()).await?;
    let Some((n, leaf)) = end else { return Ok(None) };
    let origin = authority.institution.log_origin().clone();
    let head = CaseHead { origin, shared_number: Some(number.clone()), stream, n, leaf };
    let note = head
        .sign(authority.institution.log_key())
        .map_err(|error| Problem::internal("a case head could not be signed", error))?;
    Ok(Some(HeadRow {
        case: case.to_owned(),
        message: message.to_owned(),
        counterpart: counterpart.clone(),
        n,
        leaf_hash: leaf,
        note: note.into_bytes(),
    }))
}

/// The head of a message that is sent, perhaps not for the first time.
pub(super) struct OutgoingHead {
    kept: Option<Digest>,
    note: Vec<u8>,
}

impl OutgoingHead {
    /// Finds the head that was kept with a message.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub(super) async fn of(authority: &Authority, case: &str, message: &str) -> Result<Self, Problem> {
        let Some(head) = authority.datastore.read().await?.sent_head(case, message).await? else {
            return Ok(Self { kept: None, note: Vec::new() });
        };
        let kept = Some(head.digest());
        // A head under a key that was replaced since is kept back: no counterpart could verify it now.
        let trusted = std::slice::from_ref(authority.institution.log_key().vkey());
        let valid = verify_case_head(&head.note, trusted).is_ok();
        Ok(Self { kept, note: if valid { head.note } else { Vec::new() } })
    }

    /// The bytes on the wire; empty if none goes.
    pub(super) fn note(&self) -> &[u8] {
        &self.note
    }

    /// Checks that a counterpart's receipt quotes no other head than the one that goes with the message.
    ///
    /// One that quotes none is a receipt all the same: it shows nothing of this log, and is no reason to hold up
    /// the case.
    ///
    /// # Errors
    /// [`Reason::BadReceipt`]: the counterpart vouches for something that this log did not send.
    pub(super) fn check_quoted(&self, receipt: &Receipt) -> Result<(), Problem> {
        let issuer = &receipt.issuer.party;
        match receipt.case_head_sha256 {
            None => {
                if !self.note.is_empty() {
                    tracing::warn!(party = %issuer, "a receipt does not quote the case head that was sent");
                }
                Ok(())
            }
            quoted if quoted == self.kept => Ok(()),
            Some(_) => {
                let what = format!("the receipt of {issuer} quotes another case head than was sent");
                Err(Problem::new(Reason::BadReceipt, what))
            }
        }
    }
}

/// A head that came with a message and is the sender's own word. Made only here.
#[derive(Clone, Debug)]
pub(super) struct IncomingHead {
    head: CaseHead,
    note: Vec<u8>,
}

/// Checks a head that came with a message of `party` under `number`; no bytes are no head.
///
/// # Errors
/// [`Reason::BrokenSignature`] unless the sender's log signed it, for this institution and number. What
/// is not the sender's word is not quoted: a receipt would vouch for it.
pub(super) fn check_incoming(
    authority: &Authority,
    party: &ConfirmedParty,
    number: &SharedNumber,
    note: &[u8],
) -> Result<Option<IncomingHead>, Problem> {
    if note.is_empty() {
        return Ok(None);
    }
    let peer = &party.entry.party;
    let broken = |what: String| {
        Problem::new(Reason::BrokenSignature, format!("the case head of {peer} is not valid: {what}"))
            .with_hint("if the log key was renewed, export the party entry again and have it imported here")
    };
    let verified = verify_case_head(note, std::slice::from_ref(&party.log.log_key))
        .map_err(|error| broken(rogatory_core::chain(&error)))?;
    if verified.signature_lines() != 1 {
        return Err(broken("it has more than one signature line".to_owned()));
    }
    let head = verified.head().clone();
    let expected = (&party.log.origin, Some(number), &Stream::Shared(authority.institution.party().clone()));
    if (&head.origin, head.shared_number.as_ref(), &head.stream) != expected {
        return Err(broken("it speaks of another log, number or stream than the message".to_owned()));
    }
    Ok(Some(IncomingHead { head, note: note.to_vec() }))
}

/// Keeps a head that came with a message. A log that names another event than before under one number
/// has two histories: that is recorded, and the message is none the worse for it.
///
/// # Errors
/// [`StoreError`] if the database fails.
pub(super) async fn keep_received(
    tx: &mut Transaction,
    case: &str,
    message: &str,
    counterpart: &PartyId,
    incoming: Option<&IncomingHead>,
) -> Result<(), StoreError> {
    let Some(IncomingHead { head, note }) = incoming else { return Ok(()) };
    let row = HeadRow {
        case: case.to_owned(),
        message: message.to_owned(),
        counterpart: counterpart.clone(),
        n: head.n,
        leaf_hash: head.leaf,
        note: note.clone(),
    };
    let contradicted = tx.keep_received_head(&row).await?;
    // Messages that belong to no case here may be about several cases there.
    if let Some(before_sha256) = contradicted.filter(|_| case != OFFICE) {
        tracing::error!(%counterpart, case, n = head.n, "the log of a counterpart contradicts itself");
        let event = Event::CaseHeadContradicted {
            counterpart: counterpart.clone(),
            head: head.n,
            before_sha256,
            now_sha256: row.digest(),
        };
        tx.record(case, &Actor::Server, CustodyEvent::internal(event)).await?;
    }
    Ok(())
}
