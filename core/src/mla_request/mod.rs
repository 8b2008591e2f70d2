//! A request for mutual legal assistance as one office keeps it, and its life.
//!
//! A transition consumes the request and gives it back with the custody event that goes with it, or
//! says which stage forbids it. The diagram in `docs/data-model.md` is checked against
//! [`StageName::TRANSITIONS`].

mod stage;

pub use stage::{MlaStage, Side, StageName, Step, WrongStage};

use crate::custody_event::{CustodyEvent, Event};
use crate::digest::Digest;
use crate::document::{ForwardedTo, Outcome, RefusalScope};
use crate::ground::{PostponementGround, RefusalGround};
use crate::party::{OfficerId, PartyId};
use crate::question::Questions;
use crate::reference::{CaseId, OfficeReference, PackageId, QuestionId, SharedNumber};
use crate::timestamp::{CivilDate, Timestamp};
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
    /// The other office; after a forwarding, on the requesting side, the competent authority.
    pub counterpart: PartyId,
    /// The instrument relied on first, by its id.
    pub instrument: String,
    /// The requested authority's file number, once it has acknowledged.
    pub requested_reference: Option<OfficeReference>,
    /// When the requested State received it, as its receipt says: periods run from there, also after a
    /// forwarding.
    pub received_time: Option<Timestamp>,
    /// The competent authority to which it was forwarded.
    pub forwarded_to: Option<PartyId>,
    /// The authority that forwarded it.
    pub forwarded_by: Option<PartyId>,
    /// The preservation that it says it follows up.
    pub follows_up: Option<SharedNumber>,
    /// The grounds on which parts of it were refused.
    pub refused_in_part: Vec<RefusalGround>,
    /// What the requested authority asked back.
    pub questions: Questions,
    /// Where it stands.
    pub stage: MlaStage,
}

/// A request after a step, with what the custody log says of it.
pub type Stepped = (MlaRequest, Vec<CustodyEvent>);

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
        Self::open(case, shared_number, Side::Requesting, counterpart, instrument, stage)
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
        let opened = Self::open(case, shared_number, Side::Requested, counterpart, instrument, stage);
        Self { received_time: Some(at), ..opened }
    }

    /// Marks a request that arrived enclosed in a forwarding: the counterpart is who asks, and periods run
    /// from when the authority that forwarded it had received it.
    #[must_use]
    pub fn forwarded_by(self, authority: PartyId, received_time: Timestamp) -> Self {
        Self { forwarded_by: Some(authority), received_time: Some(received_time), ..self }
    }

    const fn open(
        case: CaseId,
        shared_number: SharedNumber,
        side: Side,
        counterpart: PartyId,
        instrument: String,
        stage: MlaStage,
    ) -> Self {
        Self {
            case,
            shared_number,
            side,
            counterpart,
            instrument,
            requested_reference: None,
            received_time: None,
            forwarded_to: None,
            forwarded_by: None,
            follows_up: None,
            refused_in_part: Vec::new(),
            questions: Questions::NONE,
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

    /// The counterpart's receipt for the transmitted request is here; it says when it was received.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is approved.
    pub fn transmit(
        self,
        receipt_sha256: Digest,
        received_time: Timestamp,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongStage> {
        let (request, event) = self.step(Step::Transmit, MlaStage::Transmitted { at, receipt_sha256 })?;
        Ok((Self { received_time: Some(received_time), ..request }, event))
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

    /// The requested authority decides that the request is executed, or a part of it; needs a package
    /// relayed.
    ///
    /// # Errors
    /// [`WrongStage`] from another stage, or without a package: `executed` needs a manifest.
    pub fn execute(
        self,
        outcome: Outcome,
        packages: Vec<PackageId>,
        at: Timestamp,
    ) -> Result<(Self, CustodyEvent), WrongStage> {
        let (step, next) = match outcome {
            Outcome::Executed => (Step::Execute, MlaStage::Executed { at, packages: packages.clone() }),
            Outcome::PartlyExecuted => {
                (Step::ExecutePartly, MlaStage::PartlyExecuted { at, packages: packages.clone() })
            }
        };
        if packages.is_empty() { Err(self.wrong_stage(step)) } else { self.step(step, next) }
    }

    /// The requested authority refuses: the whole, or a part while the rest goes on.
    ///
    /// # Errors
    /// [`WrongStage`] before it was received and after it was decided.
    ///
    /// # Source
    /// ETS 030, Arts 2 and 19; ETS 185, Arts 25(4) and 27(4).
    pub fn refuse(
        self,
        ground: RefusalGround,
        scope: RefusalScope,
        at: Timestamp,
    ) -> Result<Stepped, WrongStage> {
        let refused = Event::AssistanceRefused { shared_number: self.shared_number.clone(), ground, scope };
        let refused = self.shared(refused);
        match scope {
            RefusalScope::Whole => {
                let (request, event) = self.step(Step::Refuse, MlaStage::Refused { at, ground })?;
                Ok((request, vec![refused, event]))
            }
            RefusalScope::Part => {
                self.admits(Step::RefuseInPart)?;
                let mut request = self;
                request.refused_in_part.push(ground);
                Ok((request, vec![refused]))
            }
        }
    }

    /// The requested authority postpones action, or postpones it anew.
    ///
    /// # Errors
    /// [`WrongStage`] before it was received and after it was decided.
    ///
    /// # Source
    /// ETS 185, Art. 27(5).
    pub fn postpone(
        self,
        ground: PostponementGround,
        until: Option<CivilDate>,
        at: Timestamp,
    ) -> Result<Stepped, WrongStage> {
        let shared_number = self.shared_number.clone();
        let postponed = self.shared(Event::AssistancePostponed { shared_number, ground, until });
        let (request, event) = self.step(Step::Postpone, MlaStage::Postponed { at, ground, until })?;
        Ok((request, vec![postponed, event]))
    }

    /// The competent authority's receipt for the forwarded request is here.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is received or acknowledged, and for a request that was itself forwarded here.
    ///
    /// # Source
    /// ETS 030, Art. 18.
    pub fn forward(self, to: PartyId, by: PartyId, at: Timestamp) -> Result<Stepped, WrongStage> {
        let forwarded = CustodyEvent::shared(to.clone(), self.forwarding_event(&by, &to));
        let (request, event) = self.step(Step::Forward, MlaStage::Forwarded { at, to: to.clone() })?;
        let request =
            Self { forwarded_to: Some(to), questions: request.questions.answered_only(), ..request };
        Ok((request, vec![forwarded, event]))
    }

    /// The notice of a forwarding was sent or has arrived: the requesting side deals with the competent
    /// authority from here on, which acknowledges anew.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is forwarded (requested side), or transmitted or acknowledged.
    pub fn note_forwarding(self, said: ForwardedTo) -> Result<Stepped, WrongStage> {
        self.admits(Step::NoteForwarding)?;
        if self.side == Side::Requested {
            // The forwarding itself was noted when the competent authority took it.
            return Ok((self, Vec::new()));
        }
        let by = self.counterpart.clone();
        let request = Self {
            received_time: Some(said.received_time),
            forwarded_by: Some(by.clone()),
            forwarded_to: Some(said.party.clone()),
            counterpart: said.party.clone(),
            requested_reference: None,
            questions: self.questions.answered_only(),
            ..self
        };
        let event = CustodyEvent::shared(by.clone(), request.forwarding_event(&by, &said.party));
        Ok((request, vec![event]))
    }

    /// What both ends of a forwarding record, and the requesting side when it learns of it.
    #[must_use]
    pub fn forwarding_event(&self, by: &PartyId, to: &PartyId) -> Event {
        Event::RequestForwarded {
            shared_number: self.shared_number.clone(),
            forwarded_by: by.clone(),
            forwarded_to: to.clone(),
            received_time: self.received_time,
        }
    }

    /// The requested authority asks back.
    ///
    /// # Errors
    /// [`WrongStage`] from a stage that takes no question, or if the question cannot be asked: an act looks
    /// at the questions first.
    pub fn ask(
        self,
        id: QuestionId,
        answer_by: Option<CivilDate>,
        at: Timestamp,
    ) -> Result<Stepped, WrongStage> {
        self.admits(Step::Ask)?;
        let event = Event::QuestionAsked {
            shared_number: self.shared_number.clone(),
            question_id: id.clone(),
            answer_by,
        };
        let event = self.shared(event);
        match self.questions.clone().ask(id, answer_by, at) {
            Ok(questions) => Ok((Self { questions, ..self }, vec![event])),
            Err(_) => Err(self.wrong_stage(Step::Ask)),
        }
    }

    /// The requesting authority answers an open question.
    ///
    /// # Errors
    /// [`WrongStage`] from a stage that takes no answer, or if the question is not open: an act looks at the
    /// questions first.
    pub fn answer(self, id: &QuestionId, at: Timestamp) -> Result<Stepped, WrongStage> {
        self.admits(Step::Answer)?;
        let event =
            Event::QuestionAnswered { shared_number: self.shared_number.clone(), question_id: id.clone() };
        let event = self.shared(event);
        match self.questions.clone().answer(id, at) {
            Ok(questions) => Ok((Self { questions, ..self }, vec![event])),
            Err(_) => Err(self.wrong_stage(Step::Answer)),
        }
    }

    /// The requesting authority withdraws: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongStage`] before it was delivered and after it was decided or forwarded.
    pub fn withdraw(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::Withdraw, MlaStage::Withdrawn { at })
    }

    /// The requesting authority closes: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongStage`] unless it is executed, wholly or partly, refused or withdrawn.
    pub fn close(self, at: Timestamp) -> Result<(Self, CustodyEvent), WrongStage> {
        self.step(Step::Close, MlaStage::Closed { at })
    }

    /// Whether `step` may be taken now; an act asks before it signs or sends anything.
    ///
    /// # Errors
    /// [`WrongStage`] if it may not.
    pub fn admits(&self, step: Step) -> Result<(), WrongStage> {
        let in_table = StageName::admits(self.side, self.stage.name(), step).is_some();
        if in_table && self.remembers(step) { Ok(()) } else { Err(self.wrong_stage(step)) }
    }

    /// What the stage alone does not say: postponed, it goes on as it would have before, which depends on
    /// whether it was acknowledged; and what was forwarded once is not forwarded again.
    fn remembers(&self, step: Step) -> bool {
        let acknowledged = self.requested_reference.is_some();
        match step {
            Step::Acknowledge => !acknowledged,
            Step::BeginExecution | Step::TransferEvidence | Step::ExecutePartly | Step::Execute => {
                acknowledged
            }
            Step::Forward => self.forwarded_by.is_none(),
            Step::NoteForwarding => self.side == Side::Requested || self.forwarded_by.is_none(),
            _ => true,
        }
    }

    /// Takes an own step that the counterpart has accepted although this side no longer admits it: see
    /// [`StageName::after_crossing`]. Without an event, the stage stays.
    #[must_use]
    pub fn settle_crossed(self, step: Step, at: Timestamp) -> (Self, Option<CustodyEvent>) {
        let from = self.stage.name();
        let next = match StageName::after_crossing(self.side, from, step) {
            to if to == from => return (self, None),
            StageName::Closed => MlaStage::Closed { at },
            _ => MlaStage::Withdrawn { at },
        };
        let event = self.stage_event(&next);
        (Self { stage: next, ..self }, Some(event))
    }

    fn shared(&self, event: Event) -> CustodyEvent {
        CustodyEvent::shared(self.counterpart.clone(), event)
    }

    fn wrong_stage(&self, step: Step) -> WrongStage {
        WrongStage {
            shared_number: self.shared_number.clone(),
            stage: self.stage.name(),
            side: self.side,
            step,
        }
    }

    fn stage_event(&self, next: &MlaStage) -> CustodyEvent {
        self.shared(Event::StageReached {
            shared_number: self.shared_number.clone(),
            from: self.stage.name().as_str().to_owned(),
            to: next.name().as_str().to_owned(),
        })
    }

    fn step(self, step: Step, next: MlaStage) -> Result<(Self, CustodyEvent), WrongStage> {
        self.admits(step)?;
        if StageName::admits(self.side, self.stage.name(), step) != Some(next.name()) {
            return Err(self.wrong_stage(step));
        }
        let event = self.stage_event(&next);
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
        let refused = drafted().transmit(Digest::of(b""), at(), at()).expect_err("not approved yet");
        assert_eq!(refused.stage, StageName::Drafted);
    }

    fn received() -> MlaRequest {
        let mut request = drafted();
        request.side = Side::Requested;
        request.stage = MlaStage::Received { at: at() };
        request
    }

    fn in_execution() -> MlaRequest {
        let acknowledged = received().acknowledge("MD/1".parse().expect("a reference"), at());
        acknowledged.expect("received").0.begin_execution(at()).expect("acknowledged").0
    }

    fn package() -> PackageId {
        PackageId::of_manifest(&Digest::of(b""))
    }

    #[test]
    fn execution_needs_a_package() {
        let request = in_execution();
        assert!(request.clone().execute(Outcome::Executed, vec![], at()).is_err());
        assert!(request.execute(Outcome::Executed, vec![package()], at()).is_ok());
    }

    #[test]
    fn a_part_executed_leaves_the_rest_to_be_executed_refused_or_closed() {
        let part = |request: MlaRequest| request.execute(Outcome::PartlyExecuted, vec![package()], at());
        let (request, _) = part(in_execution()).expect("in execution");
        let (request, _) = part(request).expect("again");
        assert_eq!(request.stage.name(), StageName::PartlyExecuted);
        assert!(request.clone().execute(Outcome::Executed, vec![package()], at()).is_ok());
        assert!(request.clone().refuse(RefusalGround::Cost, RefusalScope::Whole, at()).is_ok());
        assert!(request.close(at()).is_ok());
    }

    #[test]
    fn a_refusal_in_part_keeps_the_stage_and_is_recorded() {
        let (request, events) =
            received().refuse(RefusalGround::Fiscal, RefusalScope::Part, at()).expect("received");
        assert_eq!(request.stage.name(), StageName::Received);
        assert_eq!(request.refused_in_part, [RefusalGround::Fiscal]);
        assert_eq!(events.len(), 1);
        let (request, events) =
            request.refuse(RefusalGround::Cost, RefusalScope::Whole, at()).expect("received");
        assert_eq!((request.stage.name(), events.len()), (StageName::Refused, 2));
        assert!(request.close(at()).is_ok());
    }

    #[test]
    fn postponed_it_goes_on_as_it_would_have_before() {
        let postpone = |request: MlaRequest| {
            request.postpone(PostponementGround::ObjectsInUse, None, at()).expect("not decided").0
        };
        let early = postpone(received());
        assert!(early.clone().begin_execution(at()).is_err(), "not acknowledged yet");
        assert!(early.acknowledge("MD/1".parse().expect("a reference"), at()).is_ok());
        let late = postpone(postpone(in_execution()));
        assert!(late.clone().acknowledge("MD/2".parse().expect("a reference"), at()).is_err());
        assert!(late.clone().begin_execution(at()).is_ok());
        assert!(late.execute(Outcome::Executed, vec![package()], at()).is_ok());
    }

    #[test]
    fn what_was_forwarded_here_is_not_forwarded_on() {
        let own: PartyId = "md/central-authority".parse().expect("a party");
        let other: PartyId = "md/ministry".parse().expect("a party");
        let (forwarded, events) = received().forward(other.clone(), own.clone(), at()).expect("received");
        assert_eq!(forwarded.forwarded_to, Some(other.clone()));
        assert_eq!(events[0].stream, crate::custody_event::Stream::Shared(other.clone()));
        assert!(forwarded.withdraw(at()).is_err(), "who holds it is told");
        assert!(received().forwarded_by(own.clone(), at()).forward(other, own, at()).is_err());
    }

    #[test]
    fn after_the_notice_the_competent_authority_is_the_counterpart_and_acknowledges_anew() {
        let mut request = drafted();
        request.stage = MlaStage::Transmitted { at: at(), receipt_sha256: Digest::of(b"") };
        let (request, _) = request.acknowledge("MD/1".parse().expect("a reference"), at()).expect("sent");
        let (request, _) = request.ask("Q1".parse().expect("an id"), None, at()).expect("acknowledged");
        let said = ForwardedTo {
            party: "md/ministry".parse().expect("a party"),
            forwarded_time: at(),
            received_time: at(),
        };
        let (request, events) = request.note_forwarding(said).expect("acknowledged");
        assert_eq!(request.counterpart.institution(), "ministry");
        assert_eq!(request.questions.open().count(), 0, "who asked has no part in it any more");
        assert_eq!(events[0].stream.to_string(), "md/central-authority");
        assert!(request.acknowledge("MD/2".parse().expect("a reference"), at()).is_ok());
    }

    #[test]
    fn questions_are_asked_while_the_matter_is_open() {
        let id: QuestionId = "Q1".parse().expect("an id");
        let (asked, _) = received().ask(id.clone(), None, at()).expect("open");
        assert!(asked.clone().ask(id.clone(), None, at()).is_err(), "asked before");
        assert!(asked.clone().answer(&id, at()).is_ok());
        let (refused, _) = asked.refuse(RefusalGround::Cost, RefusalScope::Whole, at()).expect("not decided");
        assert!(refused.clone().ask("Q2".parse().expect("an id"), None, at()).is_err());
        assert!(refused.answer(&id, at()).is_err());
    }

    #[test]
    fn the_requesting_sides_withdrawal_prevails_over_what_crossed_it() {
        // The requesting side accepted the refusal while its withdrawal was under way, the requested
        // side accepted the withdrawal while its refusal was.
        let mut requesting = drafted();
        requesting.stage = MlaStage::Refused { at: at(), ground: RefusalGround::Cost };
        assert!(requesting.admits(Step::Withdraw).is_err());
        let (requesting, event) = requesting.settle_crossed(Step::Withdraw, at());
        let (requested, _) = received().withdraw(at()).expect("received");
        let (requested, none) = requested.settle_crossed(Step::Refuse, at());
        assert_eq!(requesting.stage.name(), StageName::Withdrawn);
        assert_eq!(requested.stage.name(), StageName::Withdrawn);
        assert!(event.is_some() && none.is_none());
    }
}
