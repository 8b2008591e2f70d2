//! A request to preserve data as one of its two offices keeps it, and its life. Source: ETS 185, Art. 29.
//!
//! A transition consumes the preservation and gives it back with the custody events that go with it, or
//! says which stage forbids it. What the stage alone does not say (whether an extension was asked for,
//! whether a request followed it up) stands beside it. The diagram in `docs/data-model.md` is checked
//! against [`TRANSITIONS`].

use crate::custody_event::{CustodyEvent, Event};
use crate::digest::Digest;
use crate::document::{Confirmed, RefusalScope};
use crate::ground::RefusalGround;
use crate::mla_request::Side;
use crate::party::{OfficerId, PartyId};
use crate::question::Questions;
use crate::reference::{CaseId, OfficeReference, QuestionId, SharedNumber};
use crate::timestamp::{CivilDate, Timestamp};
use serde::{Deserialize, Serialize};

/// A request to preserve data, at one of its two offices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Preservation {
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
    /// The requested authority's file number, once it has confirmed.
    pub requested_reference: Option<OfficeReference>,
    /// When the requested authority received it, as its receipt says.
    pub received_time: Option<Timestamp>,
    /// The extension that was asked for and is not yet answered.
    pub extension_asked: Option<ExtensionAsked>,
    /// The request that follows it up: while that is undecided, nothing lapses.
    pub followed_up_by: Option<SharedNumber>,
    /// What the requested authority asked back.
    pub questions: Questions,
    /// Where it stands.
    pub stage: PreservationStage,
}

/// An extension asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExtensionAsked {
    /// Since when.
    pub at: Timestamp,
    /// Until when the data shall be preserved, if that was said.
    pub until: Option<Timestamp>,
}

/// Where a preservation stands, with what is true there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum PreservationStage {
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
    Requested {
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
    /// The requested authority said until when the data are preserved.
    Confirmed {
        /// Since when.
        at: Timestamp,
        /// The last instant at which they are.
        preserved_until: Timestamp,
    },
    /// It said so anew, for longer.
    Extended {
        /// Since when.
        at: Timestamp,
        /// The last instant at which they are.
        preserved_until: Timestamp,
    },
    /// The requesting authority needs the data preserved no longer.
    Released {
        /// Since when.
        at: Timestamp,
    },
    /// The time was over; each side records it by itself.
    Lapsed {
        /// Since when.
        at: Timestamp,
        /// The last instant at which the data were preserved.
        preserved_until: Timestamp,
    },
    /// The requested authority refused.
    Refused {
        /// Since when.
        at: Timestamp,
        /// On which ground.
        ground: RefusalGround,
    },
}

/// What may be done with a preservation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PreservationStep {
    /// A second person approves.
    Approve,
    /// It is transmitted and receipted.
    Request,
    /// It is transmitted and answered with a negative receipt.
    FailDelivery,
    /// The requested authority confirms.
    Confirm,
    /// The requesting authority asks for longer; the stage stays.
    AskExtension,
    /// The requested authority confirms for longer.
    Extend,
    /// The requested authority refuses.
    Refuse,
    /// The requested authority refuses the extension; the stage stays.
    RefuseExtension,
    /// The requested authority asks back; the stage stays.
    Ask,
    /// The requesting authority answers; the stage stays.
    Answer,
    /// The requesting authority releases the data.
    Release,
    /// The time is over.
    Lapse,
}

/// Which step leads from which stage to which, by side.
pub const TRANSITIONS: &[(Side, &str, PreservationStep, &str)] = &[
    (Side::Requesting, "drafted", PreservationStep::Approve, "approved"),
    (Side::Requesting, "approved", PreservationStep::Request, "requested"),
    (Side::Requesting, "approved", PreservationStep::FailDelivery, "not-delivered"),
    (Side::Requesting, "requested", PreservationStep::Confirm, "confirmed"),
    (Side::Requesting, "confirmed", PreservationStep::AskExtension, "confirmed"),
    (Side::Requesting, "extended", PreservationStep::AskExtension, "extended"),
    (Side::Requesting, "confirmed", PreservationStep::Extend, "extended"),
    (Side::Requesting, "extended", PreservationStep::Extend, "extended"),
    (Side::Requesting, "confirmed", PreservationStep::RefuseExtension, "confirmed"),
    (Side::Requesting, "extended", PreservationStep::RefuseExtension, "extended"),
    (Side::Requesting, "requested", PreservationStep::Refuse, "refused"),
    (Side::Requesting, "requested", PreservationStep::Ask, "requested"),
    (Side::Requesting, "confirmed", PreservationStep::Ask, "confirmed"),
    (Side::Requesting, "extended", PreservationStep::Ask, "extended"),
    (Side::Requesting, "requested", PreservationStep::Answer, "requested"),
    (Side::Requesting, "confirmed", PreservationStep::Answer, "confirmed"),
    (Side::Requesting, "extended", PreservationStep::Answer, "extended"),
    (Side::Requesting, "requested", PreservationStep::Release, "released"),
    (Side::Requesting, "confirmed", PreservationStep::Release, "released"),
    (Side::Requesting, "extended", PreservationStep::Release, "released"),
    (Side::Requesting, "confirmed", PreservationStep::Lapse, "lapsed"),
    (Side::Requesting, "extended", PreservationStep::Lapse, "lapsed"),
    (Side::Requested, "received", PreservationStep::Confirm, "confirmed"),
    (Side::Requested, "confirmed", PreservationStep::AskExtension, "confirmed"),
    (Side::Requested, "extended", PreservationStep::AskExtension, "extended"),
    (Side::Requested, "confirmed", PreservationStep::Extend, "extended"),
    (Side::Requested, "extended", PreservationStep::Extend, "extended"),
    (Side::Requested, "confirmed", PreservationStep::RefuseExtension, "confirmed"),
    (Side::Requested, "extended", PreservationStep::RefuseExtension, "extended"),
    (Side::Requested, "received", PreservationStep::Refuse, "refused"),
    (Side::Requested, "received", PreservationStep::Ask, "received"),
    (Side::Requested, "confirmed", PreservationStep::Ask, "confirmed"),
    (Side::Requested, "extended", PreservationStep::Ask, "extended"),
    (Side::Requested, "received", PreservationStep::Answer, "received"),
    (Side::Requested, "confirmed", PreservationStep::Answer, "confirmed"),
    (Side::Requested, "extended", PreservationStep::Answer, "extended"),
    (Side::Requested, "received", PreservationStep::Release, "released"),
    (Side::Requested, "confirmed", PreservationStep::Release, "released"),
    (Side::Requested, "extended", PreservationStep::Release, "released"),
    (Side::Requested, "confirmed", PreservationStep::Lapse, "lapsed"),
    (Side::Requested, "extended", PreservationStep::Lapse, "lapsed"),
];

impl PreservationStep {
    /// The step in words, as it follows "cannot be".
    #[must_use]
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Request | Self::FailDelivery => "transmitted",
            Self::Confirm => "confirmed",
            Self::AskExtension | Self::Extend => "extended",
            Self::Refuse | Self::RefuseExtension => "refused",
            Self::Ask => "asked about",
            Self::Answer => "supplemented by an answer",
            Self::Release => "released",
            Self::Lapse => "treated as lapsed",
        }
    }
}

/// The stage of the preservation forbids the step.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "preservation {shared_number} is {stage} on the {} side and cannot be {}{}",
    side.as_str(), step.participle(), because(*step)
)]
pub struct WrongPreservationStage {
    /// The preservation.
    pub shared_number: SharedNumber,
    /// Where it stands.
    pub stage: &'static str,
    /// On which side.
    pub side: Side,
    /// What was tried.
    pub step: PreservationStep,
}

/// What a step needs besides its stage.
const fn because(step: PreservationStep) -> &'static str {
    match step {
        PreservationStep::AskExtension => " (one extension is asked for at a time)",
        PreservationStep::Extend | PreservationStep::RefuseExtension => {
            " (unless an extension was asked for)"
        }
        _ => "",
    }
}

impl PreservationStage {
    /// The names of the stages.
    pub const NAMES: [&'static str; 10] = [
        "drafted",
        "approved",
        "requested",
        "not-delivered",
        "received",
        "confirmed",
        "extended",
        "released",
        "lapsed",
        "refused",
    ];

    /// The stage's name in storage and output.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Drafted { .. } => "drafted",
            Self::Approved { .. } => "approved",
            Self::Requested { .. } => "requested",
            Self::NotDelivered { .. } => "not-delivered",
            Self::Received { .. } => "received",
            Self::Confirmed { .. } => "confirmed",
            Self::Extended { .. } => "extended",
            Self::Released { .. } => "released",
            Self::Lapsed { .. } => "lapsed",
            Self::Refused { .. } => "refused",
        }
    }

    /// Whether it has ended, or never began: nothing is preserved under it any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(
            self,
            Self::Released { .. } | Self::Lapsed { .. } | Self::Refused { .. } | Self::NotDelivered { .. }
        )
    }

    /// Since when the preservation stands there.
    #[must_use]
    pub const fn since(&self) -> Timestamp {
        match self {
            Self::Drafted { at, .. }
            | Self::Approved { at, .. }
            | Self::Requested { at, .. }
            | Self::NotDelivered { at, .. }
            | Self::Received { at }
            | Self::Confirmed { at, .. }
            | Self::Extended { at, .. }
            | Self::Released { at }
            | Self::Lapsed { at, .. }
            | Self::Refused { at, .. } => *at,
        }
    }

    /// The last instant at which the data are or were preserved, once that was confirmed.
    #[must_use]
    pub const fn preserved_until(&self) -> Option<Timestamp> {
        match self {
            Self::Confirmed { preserved_until, .. }
            | Self::Extended { preserved_until, .. }
            | Self::Lapsed { preserved_until, .. } => Some(*preserved_until),
            _ => None,
        }
    }

    /// Whether data are held, or may still come to be.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        !matches!(
            self,
            Self::NotDelivered { .. } | Self::Released { .. } | Self::Lapsed { .. } | Self::Refused { .. }
        )
    }
}

/// A preservation after a step, with what the custody log says of it.
pub type SteppedPreservation = (Preservation, Vec<CustodyEvent>);

impl Preservation {
    /// Opens the case of a preservation that an officer drafted and signed.
    #[must_use]
    pub const fn draft(
        case: CaseId,
        shared_number: SharedNumber,
        counterpart: PartyId,
        instrument: String,
        drafter: OfficerId,
        at: Timestamp,
    ) -> Self {
        let stage = PreservationStage::Drafted { at, drafter };
        Self::open(case, shared_number, Side::Requesting, counterpart, instrument, stage)
    }

    /// Opens the case of a preservation that arrived and was receipted.
    #[must_use]
    pub fn receive(
        case: CaseId,
        shared_number: SharedNumber,
        counterpart: PartyId,
        instrument: String,
        at: Timestamp,
    ) -> Self {
        let stage = PreservationStage::Received { at };
        let opened = Self::open(case, shared_number, Side::Requested, counterpart, instrument, stage);
        Self { received_time: Some(at), ..opened }
    }

    const fn open(
        case: CaseId,
        shared_number: SharedNumber,
        side: Side,
        counterpart: PartyId,
        instrument: String,
        stage: PreservationStage,
    ) -> Self {
        Self {
            case,
            shared_number,
            side,
            counterpart,
            instrument,
            requested_reference: None,
            received_time: None,
            extension_asked: None,
            followed_up_by: None,
            questions: Questions::NONE,
            stage,
        }
    }

    /// A second officer approves the draft.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is drafted; the same person is refused as well.
    pub fn approve(
        self,
        approver: OfficerId,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        match self.stage.clone() {
            PreservationStage::Drafted { drafter, .. } if drafter != approver => {
                self.step(PreservationStep::Approve, PreservationStage::Approved { at, drafter, approver })
            }
            _ => Err(self.wrong_stage(PreservationStep::Approve)),
        }
    }

    /// The counterpart's receipt is here, which says when it received the request; until it confirms or
    /// refuses, nothing more is known.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is approved.
    pub fn request(
        self,
        receipt_sha256: Digest,
        received_time: Timestamp,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        let next = PreservationStage::Requested { at, receipt_sha256 };
        let (preservation, events) = self.step(PreservationStep::Request, next)?;
        Ok((Self { received_time: Some(received_time), ..preservation }, events))
    }

    /// The counterpart answered with a negative receipt.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is approved.
    pub fn fail_delivery(
        self,
        receipt_sha256: Digest,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.step(PreservationStep::FailDelivery, PreservationStage::NotDelivered { at, receipt_sha256 })
    }

    /// The requested authority says until when the data are preserved: at first, or after an extension was
    /// asked for. Whether that is long enough, the act has looked at.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is received or requested; for an extension, unless one is asked for.
    ///
    /// # Source
    /// ETS 185, Art. 29(7).
    pub fn confirm(
        self,
        of: Confirmed,
        preserved_until: Timestamp,
        requested_reference: OfficeReference,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        let shared_number = self.shared_number.clone();
        let confirmed = self.shared(Event::PreservationConfirmed { shared_number, of, preserved_until });
        let (step, next) = match of {
            Confirmed::Preservation => {
                (PreservationStep::Confirm, PreservationStage::Confirmed { at, preserved_until })
            }
            Confirmed::Extension => {
                (PreservationStep::Extend, PreservationStage::Extended { at, preserved_until })
            }
        };
        let (preservation, mut events) = self.step(step, next)?;
        events.insert(0, confirmed);
        let preservation =
            Self { requested_reference: Some(requested_reference), extension_asked: None, ..preservation };
        Ok((preservation, events))
    }

    /// The requesting authority asks to preserve for longer.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is confirmed or extended, and while another extension is asked for.
    pub fn ask_extension(
        self,
        until: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.admits(PreservationStep::AskExtension)?;
        let event = self.shared(Event::ExtensionAsked { shared_number: self.shared_number.clone(), until });
        Ok((Self { extension_asked: Some(ExtensionAsked { at, until }), ..self }, vec![event]))
    }

    /// The requested authority refuses the preservation (whole), or the extension asked for (part).
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is received or requested; in part, unless an extension is asked for.
    ///
    /// # Source
    /// ETS 185, Art. 29(4) and (5).
    pub fn refuse(
        self,
        ground: RefusalGround,
        scope: RefusalScope,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        let shared_number = self.shared_number.clone();
        let refused = self.shared(Event::AssistanceRefused { shared_number, ground, scope });
        match scope {
            RefusalScope::Whole => {
                let next = PreservationStage::Refused { at, ground };
                let (preservation, mut events) = self.step(PreservationStep::Refuse, next)?;
                events.insert(0, refused);
                Ok((preservation, events))
            }
            RefusalScope::Part => {
                self.admits(PreservationStep::RefuseExtension)?;
                Ok((Self { extension_asked: None, ..self }, vec![refused]))
            }
        }
    }

    /// The requested authority asks back.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] from a stage that takes no question, or if the question cannot be asked: an
    /// act looks at the questions first.
    pub fn ask(
        self,
        id: QuestionId,
        answer_by: Option<CivilDate>,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.admits(PreservationStep::Ask)?;
        let (shared_number, question_id) = (self.shared_number.clone(), id.clone());
        let event = self.shared(Event::QuestionAsked { shared_number, question_id, answer_by });
        match self.questions.clone().ask(id, answer_by, at) {
            Ok(questions) => Ok((Self { questions, ..self }, vec![event])),
            Err(_) => Err(self.wrong_stage(PreservationStep::Ask)),
        }
    }

    /// The requesting authority answers an open question.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] from a stage that takes no answer, or if the question is not open: an act
    /// looks at the questions first.
    pub fn answer(
        self,
        id: &QuestionId,
        at: Timestamp,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.admits(PreservationStep::Answer)?;
        let (shared_number, question_id) = (self.shared_number.clone(), id.clone());
        let event = self.shared(Event::QuestionAnswered { shared_number, question_id });
        match self.questions.clone().answer(id, at) {
            Ok(questions) => Ok((Self { questions, ..self }, vec![event])),
            Err(_) => Err(self.wrong_stage(PreservationStep::Answer)),
        }
    }

    /// The requesting authority needs the data preserved no longer: sent by it, or received from it.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] before it was delivered and after it ended.
    pub fn release(self, at: Timestamp) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.step(PreservationStep::Release, PreservationStage::Released { at })
    }

    /// A request that names this preservation was delivered. What has ended is not followed up.
    #[must_use]
    pub fn follow_up(self, request_number: SharedNumber) -> SteppedPreservation {
        if !self.stage.is_alive() {
            return (self, Vec::new());
        }
        let shared_number = self.shared_number.clone();
        let event = Event::PreservationFollowedUp { shared_number, request_number: request_number.clone() };
        let event = self.shared(event);
        (Self { followed_up_by: Some(request_number), ..self }, vec![event])
    }

    /// The time is over and no request that followed it up is undecided. An extension asked for and not
    /// answered does not hold it.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] unless it is confirmed or extended, until an instant before `at`.
    ///
    /// # Source
    /// ETS 185, Art. 29(7).
    pub fn lapse(self, at: Timestamp) -> Result<SteppedPreservation, WrongPreservationStage> {
        match self.stage.preserved_until() {
            Some(preserved_until) if preserved_until < at => {
                self.step(PreservationStep::Lapse, PreservationStage::Lapsed { at, preserved_until })
            }
            _ => Err(self.wrong_stage(PreservationStep::Lapse)),
        }
    }

    /// Takes an own step that the counterpart has accepted although this side no longer admits it: a
    /// document of the counterpart crossed ours, or the time ran out here first.
    ///
    /// A receipt is a fact, so this never fails. What was released stays released; a release prevails over
    /// a refusal and over the time; an extension that was confirmed holds although the time ran out before
    /// the receipt came; anything else leaves the stage as it is.
    #[must_use]
    pub fn settle_crossed(
        self,
        step: PreservationStep,
        confirmed_until: Option<Timestamp>,
        at: Timestamp,
    ) -> SteppedPreservation {
        let next = match (self.side, step, &self.stage) {
            (
                Side::Requesting,
                PreservationStep::Release,
                PreservationStage::Refused { .. } | PreservationStage::Lapsed { .. },
            ) => PreservationStage::Released { at },
            (Side::Requested, PreservationStep::Extend, PreservationStage::Lapsed { .. }) => {
                match confirmed_until {
                    Some(preserved_until) => PreservationStage::Extended { at, preserved_until },
                    None => return (self, Vec::new()),
                }
            }
            _ => return (self, Vec::new()),
        };
        let event = self.stage_event(&next);
        (Self { stage: next, extension_asked: None, ..self }, vec![event])
    }

    /// Whether `step` may be taken now; an act asks before it signs or sends anything.
    ///
    /// # Errors
    /// [`WrongPreservationStage`] if it may not.
    pub fn admits(&self, step: PreservationStep) -> Result<(), WrongPreservationStage> {
        let asked = self.extension_asked.is_some();
        let beside = match step {
            PreservationStep::AskExtension => !asked,
            PreservationStep::Extend | PreservationStep::RefuseExtension => asked,
            _ => true,
        };
        if beside && self.target(step).is_some() { Ok(()) } else { Err(self.wrong_stage(step)) }
    }

    fn target(&self, step: PreservationStep) -> Option<&'static str> {
        TRANSITIONS
            .iter()
            .find(|row| (row.0, row.1, row.2) == (self.side, self.stage.as_str(), step))
            .map(|row| row.3)
    }

    fn shared(&self, event: Event) -> CustodyEvent {
        CustodyEvent::shared(self.counterpart.clone(), event)
    }

    fn stage_event(&self, next: &PreservationStage) -> CustodyEvent {
        self.shared(Event::StageReached {
            shared_number: self.shared_number.clone(),
            from: self.stage.as_str().to_owned(),
            to: next.as_str().to_owned(),
        })
    }

    fn wrong_stage(&self, step: PreservationStep) -> WrongPreservationStage {
        WrongPreservationStage {
            shared_number: self.shared_number.clone(),
            stage: self.stage.as_str(),
            side: self.side,
            step,
        }
    }

    fn step(
        self,
        step: PreservationStep,
        next: PreservationStage,
    ) -> Result<SteppedPreservation, WrongPreservationStage> {
        self.admits(step)?;
        if self.target(step) != Some(next.as_str()) {
            return Err(self.wrong_stage(step));
        }
        let event = self.stage_event(&next);
        Ok((Self { stage: next, ..self }, vec![event]))
    }
}

#[cfg(test)]
mod tests;
