//! Formal documents: their kinds, who must sign each, and the JSON that prevails over the paper.

mod body;

pub use body::{Confirmed, ForwardedRequest, ForwardedTo, Outcome, RefusalScope, ToldErasure, is_short_text};

use crate::digest::Digest;
use crate::party::{OfficerId, PartyId, Role};
use crate::reference::{MessageNumber, SharedNumber};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The version of every format this crate writes.
pub const FORMAT: u32 = 1;
/// The framing profile: exact ZIP, XML, DER and JSON, so that any flipped byte is found.
pub const PROFILE: u32 = 1;
/// The largest formal document, in bytes of its container; larger objects travel as packages.
pub const DOCUMENT_LIMIT_BYTES: usize = 256 * 1024;
/// The name of the data in every formal document.
pub const DATA_FILE: &str = "document.json";
/// The name of the paper in every formal document that has one.
pub const PAPER_FILE: &str = "document.pdf";
/// The name of the request that a forwarding encloses, as its container.
pub const ENCLOSED_REQUEST_FILE: &str = "request.asice";
/// The name of the list of signers that the seal covers.
pub const SIGNERS_FILE: &str = "signers.json";

/// What a formal document is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// A letter of request from a requesting to a requested authority.
    Request,
    /// The word that a request or order has arrived and is being dealt with.
    Acknowledgement,
    /// The requested authority asks back; `body.question_id` is what the answer names.
    Question,
    /// The requesting authority's answer to one question.
    Answer,
    /// The requested authority's decision to refuse, in whole or in part, on a ground.
    Refusal,
    /// The requested authority's decision to postpone action, on a ground.
    Postponement,
    /// A request passed on to the competent authority of the same State, with the request itself enclosed.
    Forwarding,
    /// The word to the requesting authority that its request was forwarded, and to whom.
    ForwardingNotice,
    /// The requested authority's order to a provider.
    Order,
    /// The requested authority's decision that the request was executed, in whole or in part.
    Execution,
    /// The requesting authority's word that it asks no longer.
    Withdrawal,
    /// The requesting authority's word that the matter is closed.
    Closing,
    /// A request to preserve data. Source: ETS 185, Art. 29.
    Preservation,
    /// The requested authority's word until when data are preserved.
    Confirmation,
    /// The requesting authority asks to preserve for longer.
    Extension,
    /// The requesting authority's word that data need be preserved no longer.
    Release,
    /// The word that its sender has erased the matter by law.
    ErasureNotice,
    /// Signed word about a transmission.
    Receipt,
    /// An institution's signed description of itself.
    PartyEntry,
}

/// Which signatures a kind of document demands. Source: the container format, signers by kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignerRule {
    /// 001 drafter, 002 approver (another person), 003 seal.
    TwoOfficersAndSeal,
    /// 001 one officer, 002 seal.
    OneOfficerAndSeal,
    /// 001 seal.
    SealAlone,
}

impl SignerRule {
    /// How many persons must have signed.
    #[must_use]
    pub const fn officers(self) -> usize {
        match self {
            Self::TwoOfficersAndSeal => 2,
            Self::OneOfficerAndSeal => 1,
            Self::SealAlone => 0,
        }
    }
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::Request,
        Self::Acknowledgement,
        Self::Question,
        Self::Answer,
        Self::Refusal,
        Self::Postponement,
        Self::Forwarding,
        Self::ForwardingNotice,
        Self::Order,
        Self::Execution,
        Self::Withdrawal,
        Self::Closing,
        Self::Preservation,
        Self::Confirmation,
        Self::Extension,
        Self::Release,
        Self::ErasureNotice,
        Self::Receipt,
        Self::PartyEntry,
    ];

    /// The kind's name in documents and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Acknowledgement => "acknowledgement",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Refusal => "refusal",
            Self::Postponement => "postponement",
            Self::Forwarding => "forwarding",
            Self::ForwardingNotice => "forwarding-notice",
            Self::Order => "order",
            Self::Execution => "execution",
            Self::Withdrawal => "withdrawal",
            Self::Closing => "closing",
            Self::Preservation => "preservation",
            Self::Confirmation => "confirmation",
            Self::Extension => "extension",
            Self::Release => "release",
            Self::ErasureNotice => "erasure-notice",
            Self::Receipt => "receipt",
            Self::PartyEntry => "party-entry",
        }
    }

    /// The signatures this kind demands.
    #[must_use]
    pub const fn signer_rule(self) -> SignerRule {
        match self {
            Self::Request
            | Self::Refusal
            | Self::Postponement
            | Self::Order
            | Self::Execution
            | Self::Withdrawal
            | Self::Preservation
            | Self::Extension
            | Self::Release => SignerRule::TwoOfficersAndSeal,
            Self::Acknowledgement
            | Self::Question
            | Self::Answer
            | Self::Forwarding
            | Self::ForwardingNotice
            | Self::Closing
            | Self::Confirmation => SignerRule::OneOfficerAndSeal,
            Self::ErasureNotice | Self::Receipt | Self::PartyEntry => SignerRule::SealAlone,
        }
    }

    /// The roles whose holders may draft this kind; empty where no person does.
    #[must_use]
    pub const fn drafting_roles(self) -> &'static [Role] {
        match self {
            Self::Acknowledgement => &[Role::Drafter, Role::ProviderAgent],
            Self::ErasureNotice | Self::Receipt | Self::PartyEntry => &[],
            _ => &[Role::Drafter],
        }
    }

    /// The competence a party needs to send this kind; none for receipts and entries.
    #[must_use]
    pub const fn competence_to_send(self) -> Option<Competence> {
        match self {
            Self::Request
            | Self::Answer
            | Self::Withdrawal
            | Self::Closing
            | Self::Preservation
            | Self::Extension
            | Self::Release => Some(Competence::RequestAssistance),
            Self::Question
            | Self::Refusal
            | Self::Postponement
            | Self::Forwarding
            | Self::ForwardingNotice
            | Self::Order
            | Self::Execution
            | Self::Confirmation => Some(Competence::ExecuteRequests),
            Self::Acknowledgement | Self::ErasureNotice | Self::Receipt | Self::PartyEntry => None,
        }
    }

    /// The competence a party needs for this kind to be addressed to it.
    #[must_use]
    pub const fn competence_to_receive(self) -> Option<Competence> {
        match self {
            Self::Request
            | Self::Answer
            | Self::Forwarding
            | Self::Withdrawal
            | Self::Preservation
            | Self::Extension
            | Self::Release => Some(Competence::ExecuteRequests),
            Self::Order => Some(Competence::ProduceEvidence),
            Self::Question
            | Self::Refusal
            | Self::Postponement
            | Self::ForwardingNotice
            | Self::Execution
            | Self::Confirmation => Some(Competence::RequestAssistance),
            Self::Acknowledgement
            | Self::Closing
            | Self::ErasureNotice
            | Self::Receipt
            | Self::PartyEntry => None,
        }
    }

    /// Whether this kind opens a matter under a number that its sender mints.
    #[must_use]
    pub const fn opens_a_matter(self) -> bool {
        matches!(self, Self::Request | Self::Order | Self::Preservation)
    }

    /// The file that this kind carries beside data and paper, covered by every signature.
    #[must_use]
    pub const fn enclosure(self) -> Option<&'static str> {
        match self {
            Self::Forwarding => Some(ENCLOSED_REQUEST_FILE),
            _ => None,
        }
    }

    /// The most bytes that a container of this kind may have: a forwarding holds another document whole.
    #[must_use]
    pub const fn limit_bytes(self) -> usize {
        match self {
            Self::Forwarding => 2 * DOCUMENT_LIMIT_BYTES,
            _ => DOCUMENT_LIMIT_BYTES,
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DocumentKind {
    type Err = DocumentError;

    fn from_str(text: &str) -> Result<Self, DocumentError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| DocumentError::Kind(text.chars().take(40).collect()))
    }
}

/// What a party may do under an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Competence {
    /// Sends requests for mutual legal assistance.
    RequestAssistance,
    /// Receives requests, orders providers, decides on execution.
    ExecuteRequests,
    /// Holds data and answers orders with evidence.
    ProduceEvidence,
    /// Reads and verifies; sends and receives nothing by itself.
    VerifyEvidence,
}

/// The data is no formal document of this product.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The JSON does not have the form of a formal document.
    #[error("`{DATA_FILE}` is not the data of a formal document")]
    Json(#[source] serde_json::Error),
    /// The JSON has another spelling than the one it may have: a key stands twice, is out of order, or is spaced otherwise.
    #[error("`{DATA_FILE}` is not spelled in the one canonical way")]
    Spelling,
    /// A format or profile this version does not know.
    #[error(
        "`{DATA_FILE}` has format {format}, profile {profile}; this version reads format {FORMAT}, profile {PROFILE}"
    )]
    Version {
        /// The format said.
        format: u32,
        /// The profile said.
        profile: u32,
    },
    /// No such kind.
    #[error("`{0}` is not a kind of formal document")]
    Kind(String),
    /// A part of the body is missing or malformed.
    #[error("`body.{field}` of the {kind} is missing or malformed")]
    Body {
        /// The document's kind.
        kind: DocumentKind,
        /// The path below `body`.
        field: &'static str,
    },
}

/// A party as a document names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedParty {
    /// Its id.
    pub party: PartyId,
    /// Its name in words.
    pub name: String,
}

/// What a document answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InReplyTo {
    /// The shared number of the message answered.
    pub shared_number: SharedNumber,
    /// Its message number.
    pub message_number: MessageNumber,
    /// SHA-256 of its `document.json`.
    pub document_sha256: Digest,
}

/// The data of a formal document: the part that all kinds share, and a body by kind.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Always [`PROFILE`].
    pub profile: u32,
    /// What it is.
    pub kind: DocumentKind,
    /// The number both sides use.
    pub shared_number: SharedNumber,
    /// The sender's count under this number.
    pub message_number: MessageNumber,
    /// Who sends it.
    pub sender: NamedParty,
    /// To whom.
    pub addressee: NamedParty,
    /// When its data was fixed, by the drafter's clock.
    pub created_time: Timestamp,
    /// What it answers, if anything.
    pub in_reply_to: Option<InReplyTo>,
    /// Program and version that rendered the paper; empty for documents without one.
    pub renderer: String,
    /// The template's id; empty for documents without a paper.
    pub template: String,
    /// The version of the template pack.
    pub pack_version: String,
    /// BCP 47 tag of the language of the paper.
    pub language: String,
    /// The facts, by kind.
    pub body: serde_json::Value,
}

impl Document {
    /// Reads `document.json`.
    ///
    /// # Errors
    /// [`DocumentError`] if it has another form, spelling, format or profile.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: Self = serde_json::from_slice(bytes).map_err(DocumentError::Json)?;
        if document.format != FORMAT || document.profile != PROFILE {
            return Err(DocumentError::Version { format: document.format, profile: document.profile });
        }
        // Otherwise two readers could see two documents in one: which of two equal keys counts?
        if document.to_json() != bytes {
            return Err(DocumentError::Spelling);
        }
        Ok(document)
    }

    /// Writes `document.json`: fields in their fixed order, those of the body sorted.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }

    /// The persons who may open the evidence, as a request or order lists them under
    /// `body.recipients`.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if the list is missing, malformed or empty.
    pub fn evidence_recipients(&self) -> Result<Vec<EvidenceRecipient>, DocumentError> {
        let bad = || DocumentError::Body { kind: self.kind, field: "recipients" };
        let list = self.body.get("recipients").ok_or_else(bad)?;
        let recipients: Vec<EvidenceRecipient> = serde_json::from_value(list.clone()).map_err(|_| bad())?;
        if recipients.is_empty() { Err(bad()) } else { Ok(recipients) }
    }

    /// What an order says of the request it serves, under `body.request`.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is missing or malformed.
    pub fn request_quoted(&self) -> Result<QuotedRequest, DocumentError> {
        self.part("request")
    }

    /// The packages an execution names, under `body.packages`.
    ///
    /// # Errors
    /// [`DocumentError::Body`] if it is missing or malformed.
    pub fn packages_named(&self) -> Result<Vec<NamedPackage>, DocumentError> {
        self.part("packages")
    }

    fn part<T: serde::de::DeserializeOwned>(&self, field: &'static str) -> Result<T, DocumentError> {
        self.body
            .get(field)
            .and_then(|part| serde_json::from_value(part.clone()).ok())
            .ok_or(DocumentError::Body { kind: self.kind, field })
    }
}

/// Serializes a value whose types cannot fail to: string keys, no maps with other keys.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

/// Somebody who may open the evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRecipient {
    /// The institution.
    pub institution: PartyId,
    /// The officer, if the key is a person's.
    pub officer: Option<OfficerId>,
    /// The age recipient, `age1…`.
    pub recipient: String,
}

/// A request as an order quotes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotedRequest {
    /// The request's shared number.
    pub shared_number: SharedNumber,
    /// SHA-256 of the request's `document.json`.
    pub document_sha256: Digest,
}

/// A package as a decision names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedPackage {
    /// The package's id.
    pub package: crate::PackageId,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
}

/// Who signed a document, as the seal vouches for it: the content of `signers.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signers {
    /// Always [`FORMAT`].
    pub format: u32,
    /// Always [`PROFILE`].
    pub profile: u32,
    /// In the order of their signatures.
    pub signers: Vec<SignerEntry>,
}

/// One signer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerEntry {
    /// SHA-256 of the signing certificate.
    pub certificate_sha256: Digest,
    /// The person, as the institution knows her.
    pub person: OfficerId,
    /// Her function in this document: `drafter`, `approver`, `officer`.
    pub function: String,
}

impl Signers {
    /// Lists `signers` in the order of their signatures.
    #[must_use]
    pub const fn new(signers: Vec<SignerEntry>) -> Self {
        Self { format: FORMAT, profile: PROFILE, signers }
    }

    /// Reads `signers.json`.
    ///
    /// # Errors
    /// The JSON error if it has another form, spelling, format or profile.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let signers: Self = serde_json::from_slice(bytes)?;
        if signers.format == FORMAT && signers.profile == PROFILE && signers.to_json() == bytes {
            Ok(signers)
        } else {
            Err(<serde_json::Error as serde::de::Error>::custom(
                "not the one canonical form of format 1, profile 1",
            ))
        }
    }

    /// Writes `signers.json`.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn document() -> Document {
        let party =
            |text: &str| NamedParty { party: text.parse().expect("a party"), name: "An office".to_owned() };
        Document {
            format: FORMAT,
            profile: PROFILE,
            kind: DocumentKind::Closing,
            shared_number: "GB-4T7W-HPGD-E5DB-CWHW-14".parse().expect("a number"),
            message_number: MessageNumber::FIRST,
            sender: party("gb/central-authority"),
            addressee: party("md/central-authority"),
            created_time: Timestamp::from_seconds(1_790_000_000).expect("in range"),
            in_reply_to: None,
            renderer: "r".to_owned(),
            template: "t".to_owned(),
            pack_version: "1".to_owned(),
            language: "en".to_owned(),
            body: serde_json::json!({"remarks": "none", "amount": 1.5}),
        }
    }

    #[test]
    fn a_document_survives_its_json() {
        assert_eq!(Document::from_json(&document().to_json()).expect("reads back"), document());
    }

    #[test]
    fn another_spelling_is_refused() {
        let json = String::from_utf8(document().to_json()).expect("text");
        let twice = json.replace(r#""remarks": "none""#, r#""remarks": "some", "remarks": "none""#);
        assert!(matches!(Document::from_json(twice.as_bytes()), Err(DocumentError::Spelling)));
        assert!(matches!(Document::from_json(format!("{json}\n").as_bytes()), Err(DocumentError::Spelling)));
        let other = json.replace(r#""format": 1"#, r#""format": 2"#);
        assert!(matches!(Document::from_json(other.as_bytes()), Err(DocumentError::Version { .. })));
    }
}
