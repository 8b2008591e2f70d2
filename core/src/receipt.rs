//! Receipts: signed word about a transmission, named after the events of ETSI registered delivery.

use crate::digest::Digest;
use crate::document::{FORMAT, NamedParty, PROFILE, to_json};
use crate::ground::NonDeliveryGround;
use crate::party::PartyId;
use crate::reference::{MessageNumber, PackageId, SharedNumber};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Within how many seconds a leaf that holds the receipt's digest is promised.
pub const INCLUSION_PROMISE_SECONDS: u32 = 60;

/// What a receipt attests. Source: ETSI EN 319 522-1 (from memory), events of registered delivery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptKind {
    /// The sender's own server took the bytes for sending.
    Submission,
    /// An institution passed on, byte for byte, what another had made.
    Relay,
    /// The addressee's server holds the bytes.
    Delivery,
    /// The addressee's officer fetched the bytes.
    Retrieval,
    /// The bytes are authentic but were not accepted; `ground` says why.
    NonDelivery,
}

impl ReceiptKind {
    /// The kind's name in documents and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Relay => "relay",
            Self::Delivery => "delivery",
            Self::Retrieval => "retrieval",
            Self::NonDelivery => "non-delivery",
        }
    }
}

/// What was transmitted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Receipted {
    /// A formal document.
    Document {
        /// Who sent it.
        sender: PartyId,
        /// Its shared number.
        shared_number: SharedNumber,
        /// Its message number.
        message_number: MessageNumber,
        /// SHA-256 of the container's bytes.
        container_sha256: Digest,
    },
    /// An evidence package.
    Package {
        /// Who sent it in this transmission.
        sender: PartyId,
        /// The shared number it belongs to between these two institutions.
        shared_number: SharedNumber,
        /// The package.
        package: PackageId,
        /// SHA-256 of `ASiCManifest001.xml`.
        manifest_sha256: Digest,
        /// SHA-256 of the list of all objects with their digests.
        objects_sha256: Digest,
        /// The bytes of all objects together.
        size_bytes: u64,
    },
}

/// The data of a receipt; its seal is the only signature, and it has no paper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Always [`PROFILE`].
    pub profile: u32,
    /// Always `receipt`.
    pub kind: crate::document::DocumentKind,
    /// What it attests.
    pub receipt: ReceiptKind,
    /// Who gives it.
    pub issuer: NamedParty,
    /// To whom.
    pub addressee: PartyId,
    /// When, by the issuer's clock.
    pub issued_time: Timestamp,
    /// What was transmitted.
    pub of: Receipted,
    /// SHA-256 of the case head that came with the message, if one came.
    pub case_head_sha256: Option<Digest>,
    /// Why it was not accepted: non-delivery only.
    pub ground: Option<NonDeliveryGround>,
    /// The ground in words: non-delivery only.
    pub reason: Option<String>,
    /// Seconds within which a leaf that holds this receipt's digest is promised.
    pub inclusion_within_seconds: u32,
}

impl Receipt {
    /// A positive receipt.
    #[must_use]
    pub const fn new(
        receipt: ReceiptKind,
        issuer: NamedParty,
        addressee: PartyId,
        issued_time: Timestamp,
        of: Receipted,
        case_head_sha256: Option<Digest>,
    ) -> Self {
        Self {
            format: FORMAT,
            profile: PROFILE,
            kind: crate::document::DocumentKind::Receipt,
            receipt,
            issuer,
            addressee,
            issued_time,
            of,
            case_head_sha256,
            ground: None,
            reason: None,
            inclusion_within_seconds: INCLUSION_PROMISE_SECONDS,
        }
    }

    /// Turns this receipt into its negative.
    #[must_use]
    pub fn refused(mut self, ground: NonDeliveryGround, reason: String) -> Self {
        self.receipt = ReceiptKind::NonDelivery;
        self.ground = Some(ground);
        self.reason = Some(reason);
        self
    }

    /// Reads the receipt's data.
    ///
    /// # Errors
    /// The JSON error if it has another form or spelling, or gives a ground where there is none to give.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let wrong = <serde_json::Error as serde::de::Error>::custom::<&str>;
        let receipt: Self = serde_json::from_slice(bytes)?;
        if receipt.format != FORMAT || receipt.profile != PROFILE {
            return Err(wrong("not a receipt of format 1, profile 1"));
        }
        if receipt.kind != crate::document::DocumentKind::Receipt {
            return Err(wrong("not a receipt"));
        }
        let negative = receipt.receipt == ReceiptKind::NonDelivery;
        if receipt.ground.is_some() != negative || receipt.reason.is_some() != negative {
            return Err(wrong("a ground and a reason belong to a non-delivery, and to nothing else"));
        }
        if receipt.to_json() != bytes {
            return Err(wrong("not spelled in the one canonical way"));
        }
        Ok(receipt)
    }

    /// Writes the receipt's data.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}
