//! A request for mutual legal assistance as one office keeps it, and its life.
//!
//! A transition consumes the request and gives it back with the custody event that goes with it, or
//! says which stage forbids it. The diagram in `docs/data-model.md` is checked against
//! [`StageName::TRANSITIONS`].

mod stage;

pub use stage::{MlaStage, Side, StageName, Step, WrongStage};

use crate::custody_event::{CustodyEvent, Event};
use crate::digest::Digest;
use crate::party::{OfficerId, PartyId};
use crate::reference::{CaseId, OfficeReference, PackageId, SharedNumber};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// A request (in the wide sense) at one of its two offices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MlaRequest {
    /// The case as this office keeps it.
    pub case: CaseId,
    /// The number both sides use.
    pub shared_number: SharedNumber,
    /// Which of the two sides this office is.
    pub side: Side,
    /// The other office.
    pub counterpart: PartyId,
    /// The instrument relied on first, by its id.
    pub instrument: String,
    /// The requested authority's file number, once it has acknowledged.
    pub requested_reference: Option<OfficeReference>,
    /// Where it stands.
    pub stage: MlaStage,
}

impl MlaRequest {
    /// Opens the case of a request that an officer drafted and signed.
    #[must_use]
    pub fn draft(
        case: CaseId,
        shared_number: SharedNumber,
        counterpart: PartyId,
        instrument: String,
        drafter: OfficerId,
        at: Timestamp,
    ) -> Self {
        let stage = MlaStage::Drafted { at, drafter };
        Self {
            case,
            shared_number,
            side: Side::Requesting,
            counterpart,
            instrument,
            requested_reference: None,
            stage,
        }
    }

    /// Opens the case of a request that arrived and was receipted.
    #[must_use]
    pub fn receive(
        case: CaseId,
        shared_number: SharedNumber,
        counterpart: PartyId,
        instrument: String,
        at: Timestamp,
    ) -> Self {
        let stage = MlaStage::Received { at };
        Self {
            case,
            shared_number,
            side: Side::Requested,
            counterpart,
            instrument,
            requested_reference: None,
            stage,
        }
    }

    /// A second officer approves the draft.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is drafted; the same person is refused as well.
    pub fn approve(self, approver: OfficerId, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        match self.stage.clone() {
            MlaStage::Drafted { drafter, .. } if drafter != approver => {
                self.step(Step::Approve, MlaStage::Approved { at, drafter, approver })
            }
            _ => Err(self.wrong_stage(Step::Approve)),
        }
    }

    /// The counterpart's receipt for the transmitted request is here.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is approved.
    pub fn transmit(self, receipt_sha256: Digest, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::Transmit, MlaStage::Transmitted { at, receipt_sha256 })
    }

    /// The counterpart answered the transmitted request with a negative receipt.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is approved.
    pub fn fail_delivery(
        self,
        receipt_sha256: Digest,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::FailDelivery, MlaStage::NotDelivered { at, receipt_sha256 })
    }

    /// The requested authority acknowledges: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is received (requested side) or transmitted (requesting side).
    pub fn acknowledge(
        self,
        requested_reference: OfficeReference,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongStage> {
        let (request, event) = self.step(Step::Acknowledge, MlaStage::Acknowledged { at })?;
        Ok((Self { requested_reference: Some(requested_reference), ..request }, event))
    }

    /// An order that serves the request went out to a provider.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is acknowledged or already in execution.
    pub fn begin_execution(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::BeginExecution, MlaStage::InExecution { at })
    }

    /// The requested authority decides that the request is executed; needs a package relayed.
    ///
    /// # Errors
    /// [`WrongStage`] from another stage, or without a package: `executed` needs a manifest.
    pub fn execute(
        self,
        packages: Vec<PackageId>,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongStage> {
        if packages.is_empty() {
            return Err(self.wrong_stage(Step::Execute));
        }
        self.step(Step::Execute, MlaStage::Executed { at, packages })
    }

    /// The requesting authority closes: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is executed.
    pub fn close(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::Close, MlaStage::Closed { at })
    }

    /// Whether `step` may be taken now; an act asks before it signs or sends anything.
    ///
    /// # Errors
    /// [`WrongStage`] if it may not.
    pub fn admits(&self, step: Step) -> Result<(), WrongStage> {
        if StageName::admits(self.side, self.stage.name(), step).is_some() {
            Ok(())
        } else {
            Err(self.wrong_stage(step))
        }
    }

    fn wrong_stage(&self, step: Step) -> WrongStage {
        WrongStage {
            shared_number: self.shared_number.clone(),
            stage: self.stage.name(),
            side: self.side,
            step,
        }
    }

    fn step(self, step: Step, next: MlaStage) -> Result<(Self, CustodyEvent), WrongStage> {
        let from = self.stage.name();
        if StageName::admits(self.side, from, step) != Some(next.name()) {
            return Err(self.wrong_stage(step));
        }
        let event = CustodyEvent::shared(
            self.counterpart.clone(),
            Event::StageReached {
                shared_number: self.shared_number.clone(),
                from: from.as_str().to_owned(),
                to: next.name().as_str().to_owned(),
            },
        );
        Ok((Self { stage: next, ..self }, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl crate::Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn at() -> Timestamp {
        Timestamp::from_seconds(1_790_000_000).expect("in range")
    }

    fn officer(id: &str) -> OfficerId {
        OfficerId::new("fr/central-authority".parse().expect("a party"), id).expect("an officer")
    }

    fn drafted() -> MlaRequest {
        MlaRequest::draft(
            CaseId::mint(&Zero),
            SharedNumber::mint("fr".parse().expect("a country"), &Zero),
            "md/central-authority".parse().expect("a party"),
            "ets185".to_owned(),
            officer("a"),
            at(),
        )
    }

    #[test]
    fn nobody_approves_what_she_drafted() {
        assert!(drafted().approve(officer("a"), at()).is_err());
        let (approved, event) = drafted().approve(officer("b"), at()).expect("another person");
        assert_eq!(approved.stage.name(), StageName::Approved);
        assert!(matches!(event.event, Event::StageReached { to, .. } if to == "approved"));
    }

    #[test]
    fn a_draft_is_not_transmitted() {
        let refused = drafted().transmit(Digest::of(b""), at()).expect_err("not approved yet");
        assert_eq!(refused.stage, StageName::Drafted);
    }

    #[test]
    fn execution_needs_a_package() {
        let mut request = drafted();
        request.side = Side::Requested;
        request.stage = MlaStage::InExecution { at: at() };
        assert!(request.clone().execute(vec![], at()).is_err());
        let package = PackageId::of_manifest(&Digest::of(b""));
        assert!(request.execute(vec![package], at()).is_ok());
    }
}
