//! The request that a forwarding encloses: read and judged before anything about it is believed.
//!
//! The authority that forwards vouches for when it received the request, and for nothing else: that it is
//! the requesting party's, and addressed to who forwards it, its own seal and signatures say.

use crate::authority::Authority;
use crate::casework::delivery::Refused;
use crate::casework::matter::CLOCK_TOLERANCE_SECONDS;
use crate::casework::signers::{judge_signers, sealed_by};
use crate::directory::{ConfirmedParty, open_container, verify_container};
use crate::problem::Problem;
use rogatory_container::asice::VerifiedAsice;
use rogatory_core::document::{
    DATA_FILE, Document, DocumentKind, ENCLOSED_REQUEST_FILE, ForwardedRequest, InReplyTo,
};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::{Digest, MessageNumber, chain};

/// A forwarded request whose seal is its sender's and which was addressed to who forwards it. Made only here.
#[derive(Clone, Debug)]
pub(super) struct EnclosedRequest {
    /// What it says.
    pub document: Document,
    /// Its container, byte for byte.
    pub container: Vec<u8>,
    /// What the forwarding says of it.
    pub said: ForwardedRequest,
}

/// Judges what a forwarding from `party` encloses.
///
/// # Errors
/// The ground on which the forwarding is refused.
pub(super) fn judge_enclosed(
    authority: &Authority,
    party: &ConfirmedParty,
    forwarding: &VerifiedAsice,
    document: &Document,
) -> Result<EnclosedRequest, Refused> {
    let malformed = |what: String| Refused::new(NonDeliveryGround::Malformed, what);
    let forwarder = &party.entry.party;
    let own = authority.institution.party();
    if forwarder.country() != own.country() {
        let what =
            format!("a request is forwarded within its State, and {forwarder} is not of {}", own.country());
        return Err(Refused::new(NonDeliveryGround::WrongCompetence, what));
    }
    let said = document.forwarded_request().map_err(|error| malformed(chain(&error)))?;
    let bytes = forwarding
        .file(ENCLOSED_REQUEST_FILE)
        .ok_or_else(|| malformed(format!("it encloses no `{ENCLOSED_REQUEST_FILE}`")))?;
    let requesting = &said.requesting_party;
    let known = authority.directory().confirmed(requesting).map_err(|_| {
        let what = format!("the requesting party {requesting} is not confirmed here");
        Refused::new(NonDeliveryGround::UnknownReference, what)
    })?;
    let enclosed = |problem: &Problem| malformed(format!("`{ENCLOSED_REQUEST_FILE}`: {}", chain(problem)));
    let container = open_container(bytes).map_err(|problem| enclosed(&problem))?;
    let anchors = authority.directory().anchors_of(requesting);
    let now = authority.clock.now();
    let verified = verify_container(&container, &anchors, now).map_err(|problem| enclosed(&problem))?;
    let unsigned = |what: String| {
        Refused::new(NonDeliveryGround::WrongSigners, format!("`{ENCLOSED_REQUEST_FILE}`: {what}"))
    };
    if !sealed_by(&verified, &known) {
        return Err(unsigned(format!("it does not carry the seal of {requesting}")));
    }
    judge_signers(&verified, &known).map_err(unsigned)?;
    let json = container.file(DATA_FILE).unwrap_or_default();
    let request = Document::from_json(json).map_err(|error| malformed(chain(&error)))?;
    let number = &document.shared_number;
    let genuine = request.kind == DocumentKind::Request
        && request.sender.party == *requesting
        && request.addressee.party == *forwarder
        && request.shared_number == *number
        && request.message_number == MessageNumber::FIRST
        && request.in_reply_to.is_none();
    if !genuine {
        let what = format!("it is not the request {number} of {requesting} to {forwarder}");
        return Err(malformed(format!("`{ENCLOSED_REQUEST_FILE}`: {what}")));
    }
    let digest = Digest::of(json);
    let answers = InReplyTo {
        shared_number: number.clone(),
        message_number: MessageNumber::FIRST,
        document_sha256: digest,
    };
    if said.request.shared_number != *number || said.request.document_sha256 != digest {
        return Err(malformed("`body.request` quotes another request than the one enclosed".to_owned()));
    }
    if document.in_reply_to.as_ref() != Some(&answers) {
        return Err(Refused::new(
            NonDeliveryGround::UnknownReference,
            "it does not answer the request that it encloses",
        ));
    }
    // The clock that is kept can't have started before the request was written, nor after it was passed on.
    let earliest = request.created_time.plus_seconds(-CLOCK_TOLERANCE_SECONDS);
    let latest = document.created_time.plus_seconds(CLOCK_TOLERANCE_SECONDS);
    if said.received_time < earliest || said.received_time > latest {
        let what = format!(
            "`body.received_time` is {}, not between the request and its forwarding",
            said.received_time
        );
        return Err(malformed(what));
    }
    if !known.entry.is_competent(rogatory_core::document::Competence::RequestAssistance) {
        let what = format!("{requesting} has no competence to send a document of kind request");
        return Err(Refused::new(NonDeliveryGround::WrongCompetence, what));
    }
    request.evidence_recipients().map_err(|error| malformed(chain(&error)))?;
    Ok(EnclosedRequest { document: request, container: bytes.to_vec(), said })
}
