//! The stages of a request, and the one table that says which step leads where on which side.

use crate::digest::Digest;
use crate::party::OfficerId;
use crate::reference::{PackageId, SharedNumber};
use crate::timestamp::Timestamp;
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
        (Side::Requesting, Self::Acknowledged, Step::TransferEvidence, Self::Acknowledged),
        (Side::Requesting, Self::Acknowledged, Step::Execute, Self::Executed),
        (Side::Requesting, Self::Executed, Step::Close, Self::Closed),
        (Side::Requested, Self::Received, Step::Acknowledge, Self::Acknowledged),
        (Side::Requested, Self::Acknowledged, Step::BeginExecution, Self::InExecution),
        (Side::Requested, Self::InExecution, Step::BeginExecution, Self::InExecution),
        (Side::Requested, Self::InExecution, Step::TransferEvidence, Self::InExecution),
        (Side::Requested, Self::InExecution, Step::Execute, Self::Executed),
        (Side::Requested, Self::Executed, Step::Close, Self::Closed),
    ];

    /// Where `step` leads from stage `from` on `side`, if it may be taken.
    #[must_use]
    pub fn admits(side: Side, from: Self, step: Step) -> Option<Self> {
        Self::TRANSITIONS.iter().find(|row| (row.0, row.1, row.2) == (side, from, step)).map(|row| row.3)
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
            Self::Execute => "declared executed",
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
