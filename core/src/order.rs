//! A requested authority's order to a provider, as either of the two keeps it, and its life.

use crate::custody_event::{CustodyEvent, Event};
use crate::party::{OfficerId, PartyId};
use crate::reference::{CaseId, OfficeReference, PackageId, SharedNumber};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Which of the two this office is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderSide {
    /// The authority that orders.
    Ordering,
    /// The provider that is ordered.
    Provider,
}

impl OrderSide {
    /// The side's name in storage and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordering => "ordering",
            Self::Provider => "provider",
        }
    }
}

/// An order to produce evidence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProductionOrder {
    /// The case: at the authority that of the request served, at the provider the order's own.
    pub case: CaseId,
    /// The order's own number.
    pub shared_number: SharedNumber,
    /// Which of the two this office is.
    pub side: OrderSide,
    /// The other.
    pub counterpart: PartyId,
    /// The shared number of the request it serves.
    pub request_number: SharedNumber,
    /// The provider's file number, once it has acknowledged.
    pub provider_reference: Option<OfficeReference>,
    /// Where it stands.
    pub stage: OrderStage,
}

/// Where an order stands, with what is true there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum OrderStage {
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
    /// The provider's server holds it, and its receipt is here.
    Served {
        /// Since when.
        at: Timestamp,
    },
    /// The provider gave a negative receipt.
    NotDelivered {
        /// Since when.
        at: Timestamp,
    },
    /// It arrived at the provider.
    Received {
        /// Since when.
        at: Timestamp,
    },
    /// The provider deals with it.
    Acknowledged {
        /// Since when.
        at: Timestamp,
    },
    /// The evidence was produced and receipted.
    Produced {
        /// Since when.
        at: Timestamp,
        /// The package.
        package: PackageId,
    },
}

/// What may be done with an order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OrderStep {
    /// A second person approves.
    Approve,
    /// It is served on the provider.
    Serve,
    /// The provider gave a negative receipt.
    FailDelivery,
    /// The provider acknowledges.
    Acknowledge,
    /// The provider's package is here and receipted.
    Produce,
}

/// Which step leads from which stage to which, by side.
pub const TRANSITIONS: &[(OrderSide, &str, OrderStep, &str)] = &[
    (OrderSide::Ordering, "drafted", OrderStep::Approve, "approved"),
    (OrderSide::Ordering, "approved", OrderStep::Serve, "served"),
    (OrderSide::Ordering, "approved", OrderStep::FailDelivery, "not-delivered"),
    (OrderSide::Ordering, "served", OrderStep::Acknowledge, "acknowledged"),
    (OrderSide::Ordering, "acknowledged", OrderStep::Produce, "produced"),
    (OrderSide::Provider, "received", OrderStep::Acknowledge, "acknowledged"),
    (OrderSide::Provider, "acknowledged", OrderStep::Produce, "produced"),
];

impl OrderStep {
    /// The step in words, as it follows "cannot be".
    #[must_use]
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Serve | Self::FailDelivery => "served",
            Self::Acknowledge => "acknowledged",
            Self::Produce => "answered with evidence",
        }
    }
}

/// The stage of the order forbids the step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("order {shared_number} is {stage} on the {} side and cannot be {}", side.as_str(), step.participle())]
pub struct WrongOrderStage {
    /// The order.
    pub shared_number: SharedNumber,
    /// Where it stands.
    pub stage: &'static str,
    /// On which side.
    pub side: OrderSide,
    /// What was tried.
    pub step: OrderStep,
}

impl OrderStage {
    /// Whether nothing follows: it was answered, or never delivered.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Produced { .. } | Self::NotDelivered { .. })
    }

    /// The stage's name in storage and output.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Drafted { .. } => "drafted",
            Self::Approved { .. } => "approved",
            Self::Served { .. } => "served",
            Self::NotDelivered { .. } => "not-delivered",
            Self::Received { .. } => "received",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Produced { .. } => "produced",
        }
    }

    /// Since when the order stands there.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        match self {
            Self::Drafted { at, .. }
            | Self::Approved { at, .. }
            | Self::Served { at }
            | Self::NotDelivered { at }
            | Self::Received { at }
            | Self::Acknowledged { at }
            | Self::Produced { at, .. } => *at,
        }
    }
}

impl ProductionOrder {
    /// A second officer approves the draft.
    ///
    /// # Errors
    /// [`WrongOrderStage`] unless it is drafted; the same person is refused as well.
    pub fn approve(
        self,
        approver: OfficerId,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        match self.stage.clone() {
            OrderStage::Drafted { drafter, .. } if drafter != approver => {
                self.step(OrderStep::Approve, OrderStage::Approved { at, drafter, approver })
            }
            _ => Err(self.wrong_stage(OrderStep::Approve)),
        }
    }

    /// The provider's receipt for the order is here.
    ///
    /// # Errors
    /// [`WrongOrderStage`] unless it is approved.
    pub fn serve(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        self.step(OrderStep::Serve, OrderStage::Served { at })
    }

    /// The provider answered with a negative receipt.
    ///
    /// # Errors
    /// [`WrongOrderStage`] unless it is approved.
    pub fn fail_delivery(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        self.step(OrderStep::FailDelivery, OrderStage::NotDelivered { at })
    }

    /// The provider acknowledges: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongOrderStage`] unless it is served (authority) or received (provider).
    pub fn acknowledge(
        self,
        provider_reference: OfficeReference,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        let (order, event) = self.step(OrderStep::Acknowledge, OrderStage::Acknowledged { at })?;
        Ok((Self { provider_reference: Some(provider_reference), ..order }, event))
    }

    /// The provider's package is delivered and receipted: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongOrderStage`] unless it is acknowledged.
    pub fn produce(self, package: PackageId, at: Timestamp) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        self.step(OrderStep::Produce, OrderStage::Produced { at, package })
    }

    /// Whether `step` may be taken now; an act asks before it signs or sends anything.
    ///
    /// # Errors
    /// [`WrongOrderStage`] if it may not.
    pub fn admits(&self, step: OrderStep) -> Result<(), WrongOrderStage> {
        self.target(step).map(|_| ()).ok_or_else(|| self.wrong_stage(step))
    }

    fn target(&self, step: OrderStep) -> Option<&'static str> {
        TRANSITIONS
            .iter()
            .find(|row| (row.0, row.1, row.2) == (self.side, self.stage.as_str(), step))
            .map(|row| row.3)
    }

    fn wrong_stage(&self, step: OrderStep) -> WrongOrderStage {
        WrongOrderStage {
            shared_number: self.shared_number.clone(),
            stage: self.stage.as_str(),
            side: self.side,
            step,
        }
    }

    fn step(self, step: OrderStep, next: OrderStage) -> Result<(Self, CustodyEvent), WrongOrderStage> {
        if self.target(step) != Some(next.as_str()) {
            return Err(self.wrong_stage(step));
        }
        let event = CustodyEvent::shared(
            self.counterpart.clone(),
            Event::StageReached {
                shared_number: self.shared_number.clone(),
                from: self.stage.as_str().to_owned(),
                to: next.as_str().to_owned(),
            },
        );
        Ok((Self { stage: next, ..self }, event))
    }
}
