//! Receipts: given to others, and checked when others give them.

use crate::authority::Authority;
use crate::casework::signers::sealed_by;
use crate::directory::{ConfirmedParty, open_container, verify_container};
use crate::problem::{Problem, Reason};
use rogatory_core::document::DATA_FILE;
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_proto::common::v1::SealedReceipt;

/// Why authentic bytes are not accepted.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub ground: NonDeliveryGround,
    pub reason: String,
}

impl Refused {
    pub(super) fn new(ground: NonDeliveryGround, reason: impl Into<String>) -> Self {
        Self { ground, reason: reason.into() }
    }
}

/// Makes and seals a receipt, before the transaction that stores it.
///
/// # Errors
/// [`Problem`] if the seal key fails.
pub(super) fn give_receipt(
    authority: &Authority,
    kind: ReceiptKind,
    to: &PartyId,
    of: Receipted,
    case_head: &[u8],
    refused: Option<&Refused>,
    at: Timestamp,
) -> Result<Vec<u8>, Problem> {
    let head = if case_head.is_empty() { None } else { Some(Digest::of(case_head)) };
    let mut receipt = Receipt::new(kind, authority.institution.named(), to.clone(), at, of, head);
    if let Some(refused) = refused {
        receipt = receipt.refused(refused.ground, refused.reason.clone());
    }
    authority
        .institution
        .seal_receipt(&receipt, at)
        .map_err(|error| Problem::internal("a receipt could not be sealed", error))
}

/// A receipt whose seal is the counterpart's and which speaks of what was sent. Made only here.
#[derive(Clone, Debug)]
pub(super) struct CheckedReceipt {
    pub receipt: Receipt,
    pub container: Vec<u8>,
    pub leaf_hash: Digest,
}

impl CheckedReceipt {
    pub(super) fn is_positive(&self) -> bool {
        self.receipt.receipt == ReceiptKind::Delivery
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.container)
    }
}

/// Checks a counterpart's receipt: sealed by it, addressed to us, about exactly `of`, and a receipt
/// for a delivery or its negative.
///
/// # Errors
/// [`Reason::BadReceipt`] naming what does not fit.
pub(super) fn check_receipt(
    authority: &Authority,
    from: &ConfirmedParty,
    sealed: &SealedReceipt,
    of: &Receipted,
) -> Result<CheckedReceipt, Problem> {
    let receipt = check_sealed_receipt(authority, from, &sealed.container)?;
    let bad = |what: String| {
        Problem::new(Reason::BadReceipt, format!("the receipt of {} does not fit: {what}", from.entry.party))
    };
    if receipt.addressee != *authority.institution.party() {
        return Err(bad(format!("it is addressed to {}", receipt.addressee)));
    }
    if !matches!(receipt.receipt, ReceiptKind::Delivery | ReceiptKind::NonDelivery) {
        return Err(bad(format!("it attests a {}, not a delivery", receipt.receipt.as_str())));
    }
    if receipt.of != *of {
        return Err(bad("it speaks of another transmission".to_owned()));
    }
    let leaf_hash =
        Digest::from_slice(&sealed.leaf_hash).map_err(|error| bad(format!("leaf hash: {error}")))?;
    Ok(CheckedReceipt { receipt, container: sealed.container.to_vec(), leaf_hash })
}

/// Checks the seal of a receipt by `from` and reads it.
///
/// # Errors
/// [`Reason::BadReceipt`] naming what does not fit.
pub(super) fn check_sealed_receipt(
    authority: &Authority,
    from: &ConfirmedParty,
    bytes: &[u8],
) -> Result<Receipt, Problem> {
    let party = &from.entry.party;
    let bad = |what: String| {
        Problem::new(Reason::BadReceipt, format!("the receipt of {party} does not verify: {what}"))
    };
    let container = open_container(bytes).map_err(|problem| bad(chain(&problem)))?;
    let anchors = authority.directory().anchors_of(party);
    let verified = verify_container(&container, &anchors, authority.clock.now())
        .map_err(|problem| bad(chain(&problem)))?;
    if verified.signatures().len() != 1 || !sealed_by(&verified, from) {
        return Err(bad("it does not carry that party's seal alone".to_owned()));
    }
    let json = verified.file(DATA_FILE).ok_or_else(|| bad(format!("it has no `{DATA_FILE}`")))?;
    let receipt = Receipt::from_json(json).map_err(|error| bad(error.to_string()))?;
    if receipt.issuer.party == *party {
        Ok(receipt)
    } else {
        Err(bad(format!("it says that {} gave it", receipt.issuer.party)))
    }
}
