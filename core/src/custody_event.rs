//! What the custody log records: every event of the chain, in the words of the trade.
//!
//! `docs/reference/custody-events.md` lists each event with its fields; a test compares it with
//! [`EventKind::ALL`].

use crate::digest::Digest;
use crate::document::{Confirmed, DocumentKind, RefusalScope};
use crate::ground::{PostponementGround, RefusalGround};
use crate::party::{OfficerId, PartyId, Role};
use crate::reference::{CaseId, DocumentId, MessageNumber, PackageId, QuestionId, SharedNumber};
use crate::timestamp::{CivilDate, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Who sees an event: the office alone, or the office and one counterpart.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Stream {
    /// The office alone.
    Internal,
    /// Shared with this counterpart; numbered apart, so that nobody learns how many events others share.
    Shared(PartyId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal => f.write_str("internal"),
            Self::Shared(party) => party.fmt(f),
        }
    }
}

impl FromStr for Stream {
    type Err = crate::party::NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "internal" { Ok(Self::Internal) } else { text.parse().map(Self::Shared) }
    }
}

crate::party::serde_as_text!(Stream);

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Actor {
    /// An officer of the office, authenticated by her certificate.
    Officer {
        /// Who.
        officer: OfficerId,
        /// The role that permitted it.
        role: Role,
    },
    /// Another institution, authenticated by its certificate.
    Peer {
        /// Which.
        party: PartyId,
    },
    /// The server itself.
    Server,
}

/// A custody event before it is numbered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustodyEvent {
    /// Who sees it.
    pub stream: Stream,
    /// What happened.
    pub event: Event,
}

impl CustodyEvent {
    /// An event that the office keeps to itself.
    #[must_use]
    pub const fn internal(event: Event) -> Self {
        Self { stream: Stream::Internal, event }
    }

    /// An event shared with `counterpart`.
    #[must_use]
    pub const fn shared(counterpart: PartyId, event: Event) -> Self {
        Self { stream: Stream::Shared(counterpart), event }
    }
}

/// Defines [`Event`], its kinds and their names in one place.
macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident = $text:literal { $( $field:ident: $type:ty ),* $(,)? } )*) => {
        /// What happened.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum Event {
            $( $(#[$doc])* #[serde(rename = $text)] $name { $( #[doc = concat!("The event's `", stringify!($field), "`.")] $field: $type ),* }, )*
        }

        /// The kinds of events.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum EventKind { $( $(#[$doc])* $name ),* }

        impl EventKind {
            /// Every kind, with its name and the names of its fields.
            pub const ALL: &'static [(Self, &'static str, &'static [&'static str])] =
                &[ $( (Self::$name, $text, &[ $( stringify!($field) ),* ]) ),* ];
        }

        impl Event {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> EventKind {
                match self { $( Self::$name { .. } => EventKind::$name ),* }
            }

            /// Its name, as the body holds it.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $( Self::$name { .. } => $text ),* }
            }
        }
    };
}

events! {
    /// An officer drafted and signed a formal document.
    DocumentDrafted = "document-drafted" { document: DocumentId, kind: DocumentKind, container_sha256: Digest }
    /// A second officer approved and signed it.
    DocumentApproved = "document-approved" { document: DocumentId, kind: DocumentKind, container_sha256: Digest }
    /// The institution sealed it; from here it is immutable.
    DocumentSealed = "document-sealed" { document: DocumentId, kind: DocumentKind, container_sha256: Digest }
    /// It was transmitted and the counterpart's receipt is here.
    DocumentTransmitted = "document-transmitted" {
        shared_number: SharedNumber, message_number: MessageNumber, kind: DocumentKind,
        container_sha256: Digest, receipt_sha256: Digest,
    }
    /// It was transmitted and the counterpart answered with a negative receipt.
    DocumentNotDelivered = "document-not-delivered" {
        shared_number: SharedNumber, message_number: MessageNumber, kind: DocumentKind,
        container_sha256: Digest, receipt_sha256: Digest,
    }
    /// A document arrived from the counterpart and was receipted.
    DocumentReceived = "document-received" {
        shared_number: SharedNumber, message_number: MessageNumber, kind: DocumentKind,
        container_sha256: Digest, receipt_sha256: Digest,
    }
    /// An authentic document arrived and was answered with a negative receipt.
    DocumentRefused = "document-refused" {
        shared_number: SharedNumber, message_number: MessageNumber, kind: DocumentKind,
        container_sha256: Digest, receipt_sha256: Digest,
    }
    /// The case reached another stage.
    StageReached = "stage-reached" { shared_number: SharedNumber, from: String, to: String }
    /// The requested authority refused, in whole or in part.
    AssistanceRefused = "assistance-refused" { shared_number: SharedNumber, ground: RefusalGround, scope: RefusalScope }
    /// The requested authority postponed action.
    AssistancePostponed = "assistance-postponed" {
        shared_number: SharedNumber, ground: PostponementGround, until: Option<CivilDate>,
    }
    /// The requested authority asked back.
    QuestionAsked = "question-asked" {
        shared_number: SharedNumber, question_id: QuestionId, answer_by: Option<CivilDate>,
    }
    /// The requesting authority answered.
    QuestionAnswered = "question-answered" { shared_number: SharedNumber, question_id: QuestionId }
    /// The request was passed on to the competent authority.
    RequestForwarded = "request-forwarded" {
        shared_number: SharedNumber, forwarded_by: PartyId, forwarded_to: PartyId, received_time: Option<Timestamp>,
    }
    /// The requested authority confirmed until when data are preserved.
    PreservationConfirmed = "preservation-confirmed" {
        shared_number: SharedNumber, of: Confirmed, preserved_until: Timestamp,
    }
    /// The requesting authority asked to preserve for longer.
    ExtensionAsked = "extension-asked" { shared_number: SharedNumber, until: Option<Timestamp> }
    /// A request followed a preservation up; the data stay preserved until that request is decided.
    PreservationFollowedUp = "preservation-followed-up" { shared_number: SharedNumber, request_number: SharedNumber }
    /// An officer looked at a case: its stage, its documents' list or its timeline.
    CaseRead = "case-read" {}
    /// An officer looked at the list of the office's cases.
    CasesListed = "cases-listed" {}
    /// An officer read a document.
    DocumentRead = "document-read" { document: DocumentId, container_sha256: Digest }
    /// An officer handed in a sealed package; the server holds it.
    PackageSubmitted = "package-submitted" { package: PackageId, manifest_sha256: Digest, objects: u64, size_bytes: u64 }
    /// The institution sealed the package's outer signature.
    PackageSealed = "package-sealed" { package: PackageId, manifest_sha256: Digest }
    /// The package was sent and the counterpart's receipt is here.
    PackageSent = "package-sent" { package: PackageId, manifest_sha256: Digest, objects_sha256: Digest, receipt_sha256: Digest }
    /// A package arrived and was receipted; so many others than those asked for can open it as well.
    PackageReceived = "package-received" {
        package: PackageId, manifest_sha256: Digest, objects_sha256: Digest, receipt_sha256: Digest,
        other_recipients: u64,
    }
    /// A package made by another institution was passed on byte for byte.
    PackageRelayed = "package-relayed" {
        package: PackageId, manifest_sha256: Digest, objects_sha256: Digest,
        relay_receipt_sha256: Digest, receipt_sha256: Digest,
    }
    /// The package was sent and the counterpart answered with a negative receipt.
    PackageNotDelivered = "package-not-delivered" { package: PackageId, manifest_sha256: Digest, receipt_sha256: Digest }
    /// An authentic package arrived and was answered with a negative receipt.
    PackageRefused = "package-refused" { package: PackageId, manifest_sha256: Digest, receipt_sha256: Digest }
    /// An officer fetched the sealed package.
    PackageRetrieved = "package-retrieved" { package: PackageId, manifest_sha256: Digest }
    /// A party entry was imported and its fingerprint confirmed by a person.
    PartyConfirmed = "party-confirmed" { party: PartyId, version: u32, container_sha256: Digest }
    /// A caller was denied what it asked for.
    AccessDenied = "access-denied" { rpc: String, reason: String }
    /// The custody record of a case was exported.
    CustodyExported = "custody-exported" { entries: u64 }
    /// An entry was proven to somebody outside: its inclusion proof was handed out, open or closed.
    EntryProven = "entry-proven" { index: u64, open: bool }
    /// All leaves of the log were handed out to an auditor.
    LeavesExported = "leaves-exported" { leaves: u64 }
    /// A counterpart's log said another thing about one event than it had said before.
    CaseHeadContradicted = "case-head-contradicted" { counterpart: PartyId, head: u64, before_sha256: Digest, now_sha256: Digest }
    /// A counterpart's log was shown to have two histories, or fewer entries than it signed; both checkpoints are kept.
    LogContradicted = "log-contradicted" {
        counterpart: PartyId, shown_by: PartyId, found: String,
        known_size: u64, known_sha256: Digest, shown_size: u64, shown_sha256: Digest,
    }
    /// A witness refused to cosign this log: it had seen another one.
    CheckpointRefused = "checkpoint-refused" { witness: PartyId, size: u64, checkpoint_sha256: Digest }
    /// A counterpart did not prove in time that its log holds what its receipt promised.
    PromiseBroken = "promise-broken" { counterpart: PartyId, leaf_hash: Digest, due_time: Timestamp }
    /// A counterpart says that this office did not prove in time what its receipt promised.
    PromiseBrokenReported = "promise-broken-reported" { counterpart: PartyId, leaf_hash: Digest, due_time: Timestamp }
    /// An officer proposed to erase a closed case.
    ErasureProposed = "erasure-proposed" {
        erased_case: CaseId, shared_number: SharedNumber, reason: String, article: String,
    }
    /// A second officer confirmed, and the case was erased: only its leaves are left.
    CaseErased = "case-erased" {
        erased_case: CaseId, shared_number: SharedNumber, reason: String, article: String,
        proposed_by: OfficerId, entries: u64, packages: u64, tag_key_sha256: Digest,
    }
    /// A counterpart said that it erased the matter; what stands here stays.
    CounterpartErased = "counterpart-erased" {
        counterpart: PartyId, shared_number: SharedNumber, article: String, erased_time: Timestamp,
        container_sha256: Digest,
    }
    /// What is left of an erased case was exported.
    ErasedRecordExported = "erased-record-exported" { erased_case: CaseId, entries: u64 }
    /// A time stamp was got later than it should have been, because no time-stamping authority was reachable.
    StampedLate = "stamped-late" { what: String, subject_sha256: Digest, waiting_since: Timestamp, stamped_time: Timestamp }
    /// No time-stamping authority has answered since an instant; said once, until one answers again.
    TimeStampsInterrupted = "time-stamps-interrupted" { since: Timestamp }
    /// The server began to serve.
    ServerStarted = "server-started" { version: String }
    /// The server ended in order; after a crash this is missing.
    ServerStopped = "server-stopped" {}
    /// At the start the own configuration, a key or a certificate was another than at the last start.
    ConfigurationChanged = "configuration-changed" {
        changed: String, officer: Option<OfficerId>, before_sha256: Option<Digest>, now_sha256: Option<Digest>,
    }
    /// The machine's clock went back, or jumped.
    ClockAnomaly = "clock-anomaly" { expected: Timestamp, found: Timestamp }
    /// A stored package was read whole, and every object has its digest.
    PackageRechecked = "package-rechecked" { package: PackageId, manifest_sha256: Digest, objects: u64, size_bytes: u64 }
    /// A stored package was read, and an object is missing or has another digest.
    PackageDamaged = "package-damaged" { package: PackageId, manifest_sha256: Digest, objects: u64, first: String }
    /// An officer opened sensitive exhibits on her machine, and gave a reason.
    SensitiveOpened = "sensitive-opened" {
        package: PackageId, count: u64, exhibits: Vec<String>, reason_sha256: Digest,
    }
    /// An officer made another package with all exhibits on her machine, for other recipients.
    PackageRewrapped = "package-rewrapped" { package: PackageId, derived: PackageId, recipients: u64 }
    /// An officer made another package with some exhibits on her machine, for other recipients.
    PackageDisclosed = "package-disclosed" {
        package: PackageId, derived: PackageId, recipients: u64, count: u64, exhibits: Vec<String>,
    }
    /// The institution's log began.
    LogStarted = "log-started" { origin: String }
    /// A backup was restored, and the log goes on under another origin.
    EpochBegun = "epoch-begun" {
        origin: String, closed_origin: String, closed_log_key: String,
        restored_size: u64, restored_root: Digest, common_size: u64,
        witnessed: Option<String>, silent: Vec<PartyId>, reason: String,
    }
}

/// The JSON that a body holds, in the order in which it is written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventBody {
    /// The case as the office keeps it, or `office`.
    pub case: String,
    /// `internal`, or the counterpart's party id.
    pub stream: Stream,
    /// The number within case and stream, from 1, without gaps.
    pub n: u64,
    /// The leaf hash of the previous event of the stream.
    pub previous: Option<Digest>,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_json() {
        let event = Event::LogStarted { origin: "example/rogatory/md/ca/1".to_owned() };
        let text = serde_json::to_string(&event).expect("events serialize");
        assert_eq!(text, r#"{"event":"log-started","origin":"example/rogatory/md/ca/1"}"#);
        assert_eq!(serde_json::from_str::<Event>(&text).expect("reads back"), event);
    }

    #[test]
    fn names_of_events_differ() {
        let mut names: Vec<_> = EventKind::ALL.iter().map(|(_, name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EventKind::ALL.len());
    }
}
