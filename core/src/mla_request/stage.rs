//! The stages of a request, and the one table that says which step leads where on which side.

use crate::digest::Digest;
use crate::ground::{PostponementGround, RefusalGround};
use crate::party::{OfficerId, PartyId};
use crate::reference::{PackageId, SharedNumber};
use crate::timestamp::{CivilDate, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which of the two offices this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The office that asks for assistance.
    Requesting,
    /// The office that is asked.
    Requested,
}

impl Side {
    /// The side's name in storage and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requesting => "requesting",
            Self::Requested => "requested",
        }
    }
}

/// Where a request stands, with what is true there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum MlaStage {
    /// Signed by its drafter.
    Drafted {
        /// Since when.
        at: Timestamp,
        /// Who drafted it.
        drafter: OfficerId,
    },
    /// Signed by a second person.
    Approved {
        /// Since when.
        at: Timestamp,
        /// Who drafted it.
        drafter: OfficerId,
        /// Who approved it.
        approver: OfficerId,
    },
    /// The counterpart holds it.
    Transmitted {
        /// Since when.
        at: Timestamp,
        /// SHA-256 of the counterpart's receipt.
        receipt_sha256: Digest,
    },
    /// The counterpart gave a negative receipt.
    NotDelivered {
        /// Since when.
        at: Timestamp,
        /// SHA-256 of the counterpart's negative receipt.
        receipt_sha256: Digest,
    },
    /// It arrived here.
    Received {
        /// Since when.
        at: Timestamp,
    },
    /// The requested authority deals with it.
    Acknowledged {
        /// Since when.
        at: Timestamp,
    },
    /// A provider was ordered to produce.
    InExecution {
        /// Since when.
        at: Timestamp,
    },
    /// The evidence was transferred and the decision sent.
    Executed {
        /// Since when.
        at: Timestamp,
        /// The packages that were transferred.
        packages: Vec<PackageId>,
    },
    /// A part of the evidence was transferred and a decision sent; more may follow.
    PartlyExecuted {
        /// Since when.
        at: Timestamp,
        /// The packages that the last decision names.
        packages: Vec<PackageId>,
    },
    /// The requested authority postponed action.
    Postponed {
        /// Since when.
        at: Timestamp,
        /// On which ground.
        ground: PostponementGround,
        /// Until when, if it said so.
        until: Option<CivilDate>,
    },
    /// The requested authority refused the request.
    Refused {
        /// Since when.
        at: Timestamp,
        /// On which ground.
        ground: RefusalGround,
    },
    /// The first authority passed it on to the competent one, whose receipt is here.
    Forwarded {
        /// Since when.
        at: Timestamp,
        /// To whom.
        to: PartyId,
    },
    /// The requesting authority asks no longer.
    Withdrawn {
        /// Since when.
        at: Timestamp,
    },
    /// The requesting authority closed the matter.
    Closed {
        /// Since when.
        at: Timestamp,
    },
}

impl MlaStage {
    /// The stage's name.
    #[must_use]
    pub const fn name(&self) -> StageName {
        match self {
            Self::Drafted { .. } => StageName::Drafted,
            Self::Approved { .. } => StageName::Approved,
            Self::Transmitted { .. } => StageName::Transmitted,
            Self::NotDelivered { .. } => StageName::NotDelivered,
            Self::Received { .. } => StageName::Received,
            Self::Acknowledged { .. } => StageName::Acknowledged,
            Self::InExecution { .. } => StageName::InExecution,
            Self::Executed { .. } => StageName::Executed,
            Self::PartlyExecuted { .. } => StageName::PartlyExecuted,
            Self::Postponed { .. } => StageName::Postponed,
            Self::Refused { .. } => StageName::Refused,
            Self::Forwarded { .. } => StageName::Forwarded,
            Self::Withdrawn { .. } => StageName::Withdrawn,
            Self::Closed { .. } => StageName::Closed,
        }
    }

    /// Since when the request stands there.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        match self {
            Self::Drafted { at, .. }
            | Self::Approved { at, .. }
            | Self::Transmitted { at, .. }
            | Self::NotDelivered { at, .. }
            | Self::Received { at }
            | Self::Acknowledged { at }
            | Self::InExecution { at }
            | Self::Executed { at, .. }
            | Self::PartlyExecuted { at, .. }
            | Self::Postponed { at, .. }
            | Self::Refused { at, .. }
            | Self::Forwarded { at, .. }
            | Self::Withdrawn { at }
            | Self::Closed { at } => *at,
        }
    }
}

/// The names of the stages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StageName {
    /// See [`MlaStage::Drafted`].
    Drafted,
    /// See [`MlaStage::Approved`].
    Approved,
    /// See [`MlaStage::Transmitted`].
    Transmitted,
    /// See [`MlaStage::NotDelivered`].
    NotDelivered,
    /// See [`MlaStage::Received`].
    Received,
    /// See [`MlaStage::Acknowledged`].
    Acknowledged,
    /// See [`MlaStage::InExecution`].
    InExecution,
    /// See [`MlaStage::Executed`].
    Executed,
    /// See [`MlaStage::PartlyExecuted`].
    PartlyExecuted,
    /// See [`MlaStage::Postponed`].
    Postponed,
    /// See [`MlaStage::Refused`].
    Refused,
    /// See [`MlaStage::Forwarded`].
    Forwarded,
    /// See [`MlaStage::Withdrawn`].
    Withdrawn,
    /// See [`MlaStage::Closed`].
    Closed,
}

/// What may be done with a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    /// A second person approves.
    Approve,
    /// It is transmitted and receipted.
    Transmit,
    /// It is transmitted and answered with a negative receipt.
    FailDelivery,
    /// The requested authority acknowledges.
    Acknowledge,
    /// A provider is ordered to produce.
    BeginExecution,
    /// Evidence is relayed; the stage stays.
    TransferEvidence,
    /// The requested authority decides that it is executed.
    Execute,
    /// The requested authority decides that a part of it is executed.
    ExecutePartly,
    /// The requested authority refuses.
    Refuse,
    /// The requested authority refuses a part; the stage stays.
    RefuseInPart,
    /// The requested authority postpones action.
    Postpone,
    /// The requested authority passes it on to the competent one.
    Forward,
    /// The requesting authority is told of the forwarding; the stage stays.
    NoteForwarding,
    /// The requested authority asks back; the stage stays.
    Ask,
    /// The requesting authority answers; the stage stays.
    Answer,
    /// The requesting authority withdraws.
    Withdraw,
    /// The requesting authority closes.
    Close,
}

impl StageName {
    /// Which step leads from which stage to which, by side.
    pub const TRANSITIONS: &'static [(Side, Self, Step, Self)] = &[
        (Side::Requesting, Self::Drafted, Step::Approve, Self::Approved),
        (Side::Requesting, Self::Approved, Step::Transmit, Self::Transmitted),
        (Side::Requesting, Self::Approved, Step::FailDelivery, Self::NotDelivered),
        (Side::Requesting, Self::Transmitted, Step::Acknowledge, Self::Acknowledged),
        (Side::Requesting, Self::Acknowledged, Step::Acknowledge, Self::Acknowledged),
        (Side::Requesting, Self::Postponed, Step::Acknowledge, Self::Acknowledged),
        (Side::Requesting, Self::Acknowledged, Step::TransferEvidence, Self::Acknowledged),
        (Side::Requesting, Self::PartlyExecuted, Step::TransferEvidence, Self::PartlyExecuted),
        (Side::Requesting, Self::Postponed, Step::TransferEvidence, Self::Postponed),
        (Side::Requesting, Self::Acknowledged, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requesting, Self::PartlyExecuted, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requesting, Self::Postponed, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requesting, Self::Acknowledged, Step::Execute, Self::Executed),
        (Side::Requesting, Self::PartlyExecuted, Step::Execute, Self::Executed),
        (Side::Requesting, Self::Postponed, Step::Execute, Self::Executed),
        (Side::Requesting, Self::Transmitted, Step::Postpone, Self::Postponed),
        (Side::Requesting, Self::Acknowledged, Step::Postpone, Self::Postponed),
        (Side::Requesting, Self::PartlyExecuted, Step::Postpone, Self::Postponed),
        (Side::Requesting, Self::Postponed, Step::Postpone, Self::Postponed),
        (Side::Requesting, Self::Transmitted, Step::Refuse, Self::Refused),
        (Side::Requesting, Self::Acknowledged, Step::Refuse, Self::Refused),
        (Side::Requesting, Self::PartlyExecuted, Step::Refuse, Self::Refused),
        (Side::Requesting, Self::Postponed, Step::Refuse, Self::Refused),
        (Side::Requesting, Self::Transmitted, Step::RefuseInPart, Self::Transmitted),
        (Side::Requesting, Self::Acknowledged, Step::RefuseInPart, Self::Acknowledged),
        (Side::Requesting, Self::PartlyExecuted, Step::RefuseInPart, Self::PartlyExecuted),
        (Side::Requesting, Self::Postponed, Step::RefuseInPart, Self::Postponed),
        (Side::Requesting, Self::Transmitted, Step::NoteForwarding, Self::Transmitted),
        (Side::Requesting, Self::Acknowledged, Step::NoteForwarding, Self::Acknowledged),
        (Side::Requesting, Self::Transmitted, Step::Ask, Self::Transmitted),
        (Side::Requesting, Self::Acknowledged, Step::Ask, Self::Acknowledged),
        (Side::Requesting, Self::PartlyExecuted, Step::Ask, Self::PartlyExecuted),
        (Side::Requesting, Self::Postponed, Step::Ask, Self::Postponed),
        (Side::Requesting, Self::Executed, Step::Ask, Self::Executed),
        (Side::Requesting, Self::Transmitted, Step::Answer, Self::Transmitted),
        (Side::Requesting, Self::Acknowledged, Step::Answer, Self::Acknowledged),
        (Side::Requesting, Self::PartlyExecuted, Step::Answer, Self::PartlyExecuted),
        (Side::Requesting, Self::Postponed, Step::Answer, Self::Postponed),
        (Side::Requesting, Self::Executed, Step::Answer, Self::Executed),
        (Side::Requesting, Self::Transmitted, Step::Withdraw, Self::Withdrawn),
        (Side::Requesting, Self::Acknowledged, Step::Withdraw, Self::Withdrawn),
        (Side::Requesting, Self::PartlyExecuted, Step::Withdraw, Self::Withdrawn),
        (Side::Requesting, Self::Postponed, Step::Withdraw, Self::Withdrawn),
        (Side::Requesting, Self::Executed, Step::Close, Self::Closed),
        (Side::Requesting, Self::PartlyExecuted, Step::Close, Self::Closed),
        (Side::Requesting, Self::Refused, Step::Close, Self::Closed),
        (Side::Requesting, Self::Withdrawn, Step::Close, Self::Closed),
        (Side::Requested, Self::Received, Step::Acknowledge, Self::Acknowledged),
        (Side::Requested, Self::Postponed, Step::Acknowledge, Self::Acknowledged),
        (Side::Requested, Self::Acknowledged, Step::BeginExecution, Self::InExecution),
        (Side::Requested, Self::InExecution, Step::BeginExecution, Self::InExecution),
        (Side::Requested, Self::Postponed, Step::BeginExecution, Self::InExecution),
        (Side::Requested, Self::PartlyExecuted, Step::BeginExecution, Self::PartlyExecuted),
        (Side::Requested, Self::InExecution, Step::TransferEvidence, Self::InExecution),
        (Side::Requested, Self::PartlyExecuted, Step::TransferEvidence, Self::PartlyExecuted),
        (Side::Requested, Self::Postponed, Step::TransferEvidence, Self::Postponed),
        (Side::Requested, Self::InExecution, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requested, Self::PartlyExecuted, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requested, Self::Postponed, Step::ExecutePartly, Self::PartlyExecuted),
        (Side::Requested, Self::InExecution, Step::Execute, Self::Executed),
        (Side::Requested, Self::PartlyExecuted, Step::Execute, Self::Executed),
        (Side::Requested, Self::Postponed, Step::Execute, Self::Executed),
        (Side::Requested, Self::Received, Step::Postpone, Self::Postponed),
        (Side::Requested, Self::Acknowledged, Step::Postpone, Self::Postponed),
        (Side::Requested, Self::InExecution, Step::Postpone, Self::Postponed),
        (Side::Requested, Self::PartlyExecuted, Step::Postpone, Self::Postponed),
        (Side::Requested, Self::Postponed, Step::Postpone, Self::Postponed),
        (Side::Requested, Self::Received, Step::Refuse, Self::Refused),
        (Side::Requested, Self::Acknowledged, Step::Refuse, Self::Refused),
        (Side::Requested, Self::InExecution, Step::Refuse, Self::Refused),
        (Side::Requested, Self::PartlyExecuted, Step::Refuse, Self::Refused),
        (Side::Requested, Self::Postponed, Step::Refuse, Self::Refused),
        (Side::Requested, Self::Received, Step::RefuseInPart, Self::Received),
        (Side::Requested, Self::Acknowledged, Step::RefuseInPart, Self::Acknowledged),
        (Side::Requested, Self::InExecution, Step::RefuseInPart, Self::InExecution),
        (Side::Requested, Self::PartlyExecuted, Step::RefuseInPart, Self::PartlyExecuted),
        (Side::Requested, Self::Postponed, Step::RefuseInPart, Self::Postponed),
        (Side::Requested, Self::Received, Step::Forward, Self::Forwarded),
        (Side::Requested, Self::Acknowledged, Step::Forward, Self::Forwarded),
        (Side::Requested, Self::Forwarded, Step::NoteForwarding, Self::Forwarded),
        (Side::Requested, Self::Received, Step::Ask, Self::Received),
        (Side::Requested, Self::Acknowledged, Step::Ask, Self::Acknowledged),
        (Side::Requested, Self::InExecution, Step::Ask, Self::InExecution),
        (Side::Requested, Self::PartlyExecuted, Step::Ask, Self::PartlyExecuted),
        (Side::Requested, Self::Postponed, Step::Ask, Self::Postponed),
        (Side::Requested, Self::Executed, Step::Ask, Self::Executed),
        (Side::Requested, Self::Received, Step::Answer, Self::Received),
        (Side::Requested, Self::Acknowledged, Step::Answer, Self::Acknowledged),
        (Side::Requested, Self::InExecution, Step::Answer, Self::InExecution),
        (Side::Requested, Self::PartlyExecuted, Step::Answer, Self::PartlyExecuted),
        (Side::Requested, Self::Postponed, Step::Answer, Self::Postponed),
        (Side::Requested, Self::Executed, Step::Answer, Self::Executed),
        (Side::Requested, Self::Received, Step::Withdraw, Self::Withdrawn),
        (Side::Requested, Self::Acknowledged, Step::Withdraw, Self::Withdrawn),
        (Side::Requested, Self::InExecution, Step::Withdraw, Self::Withdrawn),
        (Side::Requested, Self::PartlyExecuted, Step::Withdraw, Self::Withdrawn),
        (Side::Requested, Self::Postponed, Step::Withdraw, Self::Withdrawn),
        (Side::Requested, Self::Executed, Step::Close, Self::Closed),
        (Side::Requested, Self::PartlyExecuted, Step::Close, Self::Closed),
        (Side::Requested, Self::Refused, Step::Close, Self::Closed),
        (Side::Requested, Self::Withdrawn, Step::Close, Self::Closed),
    ];

    /// Where `step` leads from stage `from` on `side`, if it may be taken.
    #[must_use]
    pub fn admits(side: Side, from: Self, step: Step) -> Option<Self> {
        Self::TRANSITIONS.iter().find(|row| (row.0, row.1, row.2) == (side, from, step)).map(|row| row.3)
    }

    /// Where an own step leads that the counterpart has accepted, although the table no longer has it
    /// here: a document of the counterpart crossed ours, or the receipt came late.
    ///
    /// A receipt is a fact, so there is always an answer. What the requesting side sent prevails on both
    /// sides, its withdrawal over a refusal or decision, its closing over a postponement; anything else
    /// leaves the stage as it is.
    #[must_use]
    pub const fn after_crossing(side: Side, from: Self, step: Step) -> Self {
        match (side, step, from) {
            (Side::Requesting, Step::Withdraw, Self::Refused | Self::Executed) => Self::Withdrawn,
            (Side::Requesting, Step::Close, Self::Postponed) => Self::Closed,
            _ => from,
        }
    }

    /// Whether the request is decided or given up: nothing preserved for it need wait any longer.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn | Self::Closed)
    }

    /// Whether nothing follows at this office: closed, handed over, or never delivered. Only then may it be erased.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Forwarded | Self::NotDelivered)
    }

    /// The stage's name in storage and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Approved => "approved",
            Self::Transmitted => "transmitted",
            Self::NotDelivered => "not-delivered",
            Self::Received => "received",
            Self::Acknowledged => "acknowledged",
            Self::InExecution => "in-execution",
            Self::Executed => "executed",
            Self::PartlyExecuted => "partly-executed",
            Self::Postponed => "postponed",
            Self::Refused => "refused",
            Self::Forwarded => "forwarded",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }
}

impl Step {
    /// The step in words, as it follows "cannot be".
    #[must_use]
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Transmit | Self::FailDelivery => "transmitted",
            Self::Acknowledge => "acknowledged",
            Self::BeginExecution => "given to a provider for execution",
            Self::TransferEvidence => "answered with evidence",
            Self::Execute | Self::ExecutePartly => "declared executed",
            Self::Refuse | Self::RefuseInPart => "refused",
            Self::Postpone => "postponed",
            Self::Forward | Self::NoteForwarding => "forwarded",
            Self::Ask => "asked about",
            Self::Answer => "supplemented by an answer",
            Self::Withdraw => "withdrawn",
            Self::Close => "closed",
        }
    }
}

/// The stage of the request forbids the step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct WrongStage {
    /// The request.
    pub shared_number: SharedNumber,
    /// Where it stands.
    pub stage: StageName,
    /// On which side.
    pub side: Side,
    /// What was tried.
    pub step: Step,
}

impl fmt::Display for WrongStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "request {} is {} on the {} side and cannot be {}",
            self.shared_number,
            self.stage.as_str(),
            self.side.as_str(),
            self.step.participle()
        )
    }
}
