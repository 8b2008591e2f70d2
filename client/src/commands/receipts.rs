//! Receipts: who gave one, for what, and whether it is for the very bytes that were sent.
//!
//! A receipt that does not verify is never shown as one.

use super::party;
use crate::containers;
use crate::output::page::Page;
use crate::problem::{Problem, clean, quoted};
use crate::session::Session;
use crate::trust::SealedEntry;
use rogatory_core::document::{DocumentKind, FORMAT, PROFILE};
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PartyId};
use rogatory_proto::common::v1::SealedReceipt;
use serde::Serialize;

/// A verified receipt, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct ReceiptFacts {
    /// `delivery`, `relay`, `non-delivery` …
    pub kind: String,
    /// Who gave it.
    pub issuer: PartyId,
    /// When, by the issuer's clock, in UTC.
    pub issued_time: String,
    /// SHA-256 of the receipt's container.
    pub receipt_sha256: Digest,
    /// SHA-256 of what was sent: the container, or for a package its `ASiCManifest001.xml`.
    pub of_sha256: Digest,
    /// Leaf of the issuer's custody log that holds the receipt's digest; promised, not yet proven.
    pub leaf_hash: Option<String>,
    /// Within how many seconds the issuer promised to include it.
    pub inclusion_within_seconds: u32,
    /// The ground of a negative receipt.
    pub ground: Option<String>,
    /// The issuer's words for it.
    pub reason: Option<String>,
}

impl ReceiptFacts {
    pub(crate) fn show(&self, page: &mut Page) {
        page.fact("receipt", format!("{} by {} at {}", self.kind, self.issuer, self.issued_time));
        page.fact("receipt sha256", self.receipt_sha256);
        page.fact("receipted", format!("sha256 {}", self.of_sha256));
        page.fact_if("log leaf", self.leaf_hash.as_ref());
        if let Some(ground) = &self.ground {
            page.fact("ground", ground);
        }
        if let Some(reason) = &self.reason {
            page.fact("they say", quoted(reason));
        }
    }

    /// The problem of a negative receipt.
    #[must_use]
    pub fn complaint(&self) -> Option<Problem> {
        let ground = self.ground.as_ref()?;
        let reason = self.reason.as_deref().map(|reason| format!(": {}", quoted(reason))).unwrap_or_default();
        Some(
            Problem::refused(format!("{} did not accept it, {}{reason}", self.issuer, clean(ground)))
                .with_reason(ground.clone())
                .with_hint("the negative receipt is signed and kept with the case; correct what it names and draft again"),
        )
    }
}

/// What a receipt must say to count.
pub(crate) struct Expected<'a> {
    /// Whose receipt it must be.
    pub(crate) issuer: &'a PartyId,
    /// Which kind counts. A delivery may be refused as well, with its ground.
    pub(crate) kind: ReceiptKind,
    /// To whom it must be addressed.
    pub(crate) addressee: &'a PartyId,
    /// What it must be a receipt for.
    pub(crate) of: &'a dyn Fn(&Receipted) -> bool,
    /// What was sent, by digest.
    pub(crate) sent: Digest,
}

/// Verifies the counterpart's receipt against its confirmed entry and what was sent.
pub(crate) async fn verify(
    session: &Session,
    sealed: Option<SealedReceipt>,
    expected: Expected<'_>,
) -> Result<ReceiptFacts, Problem> {
    let issuer = expected.issuer;
    let sealed = sealed.filter(|sealed| !sealed.container.is_empty()).ok_or_else(|| {
        Problem::unverified(format!("the server handed over no receipt of {issuer}"))
            .with_hint("ask its operator; do not take the matter as delivered")
    })?;
    let own = &session.profile()?.party;
    let entry =
        if issuer == own { own_entry(session).await? } else { party::confirmed(session, issuer).await?.1 };
    let mut facts = verify_bytes(session, &entry, &sealed.container, &expected)?;
    facts.leaf_hash = Digest::from_slice(&sealed.leaf_hash).ok().map(|hash| hash.to_hex());
    Ok(facts)
}

/// Verifies a receipt's bytes against the entry of the party that must have sealed it.
pub(crate) fn verify_bytes(
    session: &Session,
    entry: &SealedEntry,
    container: &[u8],
    expected: &Expected<'_>,
) -> Result<ReceiptFacts, Problem> {
    let issuer = &entry.entry.party;
    let what = format!("the receipt of {issuer}");
    let asice = containers::open(container, &what)?;
    let verified = containers::verify(&asice, &entry.anchors, session.now(), &what)?;
    entry.is_sole_signer(&verified, &what)?;
    let receipt = Receipt::from_json(containers::data(&asice, &what)?)
        .map_err(|error| Problem::unverified(format!("{what} cannot be read")).because(&error))?;
    check(&receipt, expected).map_err(|why| {
        Problem::unverified(format!("{what} {why}"))
            .with_hint("do not take the matter as delivered; show this to your operator")
    })?;
    Ok(ReceiptFacts {
        kind: receipt.receipt.as_str().to_owned(),
        issuer: receipt.issuer.party.clone(),
        issued_time: receipt.issued_time.to_string(),
        receipt_sha256: Digest::of(container),
        of_sha256: expected.sent,
        leaf_hash: None,
        inclusion_within_seconds: receipt.inclusion_within_seconds,
        ground: receipt.ground.map(|ground| ground.as_str().to_owned()),
        reason: receipt.reason,
    })
}

/// What in a receipt is not as it must be.
fn check(receipt: &Receipt, expected: &Expected<'_>) -> Result<(), String> {
    if receipt.format != FORMAT || receipt.profile != PROFILE || receipt.kind != DocumentKind::Receipt {
        return Err("is no receipt of format 1, profile 1".to_owned());
    }
    if receipt.issuer.party != *expected.issuer {
        return Err(format!("names {} as its issuer", receipt.issuer.party));
    }
    if receipt.addressee != *expected.addressee {
        return Err(format!("is addressed to {}, not to {}", receipt.addressee, expected.addressee));
    }
    // Only a delivery can be refused; whoever passed something on has passed it on.
    let negative = receipt.receipt == ReceiptKind::NonDelivery && expected.kind == ReceiptKind::Delivery;
    if !negative && receipt.receipt != expected.kind {
        return Err(format!("attests {}, not {}", receipt.receipt.as_str(), expected.kind.as_str()));
    }
    if negative != receipt.ground.is_some() || negative != receipt.reason.is_some() {
        return Err(
            "gives a ground or reason although it is positive, or none although it is negative".to_owned()
        );
    }
    if !(expected.of)(&receipt.of) {
        return Err("is for something else than what was sent".to_owned());
    }
    Ok(())
}

/// This institution's own entry.
pub(crate) async fn own_entry(session: &Session) -> Result<SealedEntry, Problem> {
    party::own(session).await.map(|(_, entry)| entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rogatory_core::Timestamp;
    use rogatory_core::document::NamedParty;
    use rogatory_core::ground::NonDeliveryGround;

    fn party(text: &str) -> PartyId {
        text.parse().expect("a party")
    }

    fn receipt(kind: ReceiptKind) -> Receipt {
        struct Zero;
        impl rogatory_core::Entropy for Zero {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0);
            }
        }
        let of = Receipted::Document {
            sender: party("gb/central-authority"),
            shared_number: rogatory_core::SharedNumber::mint(party("gb/x").country(), &Zero),
            message_number: rogatory_core::MessageNumber::FIRST,
            container_sha256: Digest::of(b"sent"),
        };
        let issuer = NamedParty { party: party("md/central-authority"), name: "MD".to_owned() };
        let at = Timestamp::from_seconds(1_790_000_000).expect("in range");
        Receipt::new(kind, issuer, party("gb/central-authority"), at, of, None)
    }

    fn judge(receipt: &Receipt, digest: Digest) -> Result<(), String> {
        let issuer = party("md/central-authority");
        let of = |of: &Receipted| matches!(of, Receipted::Document { container_sha256, .. } if *container_sha256 == digest);
        judge_as(receipt, ReceiptKind::Delivery, &issuer, &of)
    }

    fn judge_as(
        receipt: &Receipt,
        kind: ReceiptKind,
        issuer: &PartyId,
        of: &dyn Fn(&Receipted) -> bool,
    ) -> Result<(), String> {
        let addressee = party("gb/central-authority");
        check(receipt, &Expected { issuer, kind, addressee: &addressee, of, sent: Digest::of(b"sent") })
    }

    #[test]
    fn a_receipt_counts_for_the_very_bytes_only() {
        assert_eq!(judge(&receipt(ReceiptKind::Delivery), Digest::of(b"sent")), Ok(()));
        assert!(judge(&receipt(ReceiptKind::Delivery), Digest::of(b"other")).is_err());
        assert!(judge(&receipt(ReceiptKind::Submission), Digest::of(b"sent")).is_err());
    }

    #[test]
    fn a_negative_receipt_counts_if_it_gives_its_ground() {
        let negative =
            receipt(ReceiptKind::Delivery).refused(NonDeliveryGround::WrongSigners, "one person".to_owned());
        assert_eq!(judge(&negative, Digest::of(b"sent")), Ok(()));
        assert!(judge(&receipt(ReceiptKind::NonDelivery), Digest::of(b"sent")).is_err());
    }

    #[test]
    fn only_a_relay_receipt_shows_that_something_was_passed_on() {
        let issuer = party("md/central-authority");
        let judge = |receipt: &Receipt| judge_as(receipt, ReceiptKind::Relay, &issuer, &|_| true);
        assert_eq!(judge(&receipt(ReceiptKind::Relay)), Ok(()));
        assert!(judge(&receipt(ReceiptKind::Delivery)).is_err());
        let refused =
            receipt(ReceiptKind::Relay).refused(NonDeliveryGround::WrongSigners, "one person".to_owned());
        assert!(judge(&refused).is_err());
        let mut grounded = receipt(ReceiptKind::Relay);
        grounded.ground = Some(NonDeliveryGround::WrongSigners);
        assert!(judge(&grounded).is_err());
    }

    #[test]
    fn a_receipt_for_somebody_else_does_not_count() {
        let mut other = receipt(ReceiptKind::Delivery);
        other.addressee = party("fr/bepi");
        assert!(judge(&other, Digest::of(b"sent")).is_err());
    }
}
