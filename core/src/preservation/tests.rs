//! The life of a preservation, on either side.

use super::*;

struct Zero;
impl crate::Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn day(n: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000).expect("in range").plus_seconds(n * 86_400)
}

fn officer(id: &str) -> OfficerId {
    OfficerId::new("gb/central-authority".parse().expect("a party"), id).expect("an officer")
}

fn reference() -> OfficeReference {
    "MD/1".parse().expect("a reference")
}

fn number() -> SharedNumber {
    SharedNumber::mint("gb".parse().expect("a country"), &Zero)
}

fn received() -> Preservation {
    let party = "gb/central-authority".parse().expect("a party");
    Preservation::receive(CaseId::mint(&Zero), number(), party, "budapest-2001".to_owned(), day(0))
}

fn confirmed() -> Preservation {
    received().confirm(Confirmed::Preservation, day(60), reference(), day(1)).expect("received").0
}

#[test]
fn nobody_approves_what_she_drafted() {
    let party: PartyId = "md/central-authority".parse().expect("a party");
    let drafted = Preservation::draft(
        CaseId::mint(&Zero),
        number(),
        party,
        "budapest-2001".to_owned(),
        officer("a"),
        day(0),
    );
    assert!(drafted.clone().approve(officer("a"), day(0)).is_err());
    let (approved, _) = drafted.approve(officer("b"), day(0)).expect("another person");
    let (requested, events) = approved.request(Digest::of(b""), day(0), day(0)).expect("approved");
    assert_eq!(requested.stage.as_str(), "requested");
    assert!(matches!(&events[0].event, Event::StageReached { to, .. } if to == "requested"));
}

#[test]
fn an_extension_is_confirmed_only_if_asked_for_and_once() {
    let preservation = confirmed();
    let extend = |one: Preservation| one.confirm(Confirmed::Extension, day(120), reference(), day(50));
    assert!(extend(preservation.clone()).is_err(), "nobody asked");
    let (asked, _) = preservation.ask_extension(Some(day(120)), day(40)).expect("confirmed");
    assert_eq!(asked.stage.as_str(), "confirmed");
    assert!(asked.clone().ask_extension(None, day(41)).is_err(), "one at a time");
    let (extended, events) = extend(asked).expect("asked for");
    assert_eq!(extended.stage.preserved_until(), Some(day(120)));
    assert!(matches!(events[0].event, Event::PreservationConfirmed { of: Confirmed::Extension, .. }));
    assert!(extend(extended).is_err(), "answered already");
}

#[test]
fn a_refused_extension_leaves_the_preservation_as_it_was() {
    let refuse = |one: Preservation, scope| one.refuse(RefusalGround::Cost, scope, day(50));
    assert!(refuse(confirmed(), RefusalScope::Part).is_err(), "no extension to refuse");
    assert!(refuse(confirmed(), RefusalScope::Whole).is_err(), "confirmed already");
    let (asked, _) = confirmed().ask_extension(None, day(40)).expect("confirmed");
    let (refused, events) = refuse(asked, RefusalScope::Part).expect("asked for");
    assert_eq!(refused.stage, confirmed().stage);
    assert_eq!(refused.extension_asked, None);
    assert_eq!(events.len(), 1, "no stage was reached");
}

#[test]
fn it_lapses_after_its_last_instant_and_not_at_it() {
    assert!(confirmed().lapse(day(60)).is_err());
    let (lapsed, _) = confirmed().lapse(day(60).plus_seconds(1)).expect("over");
    assert_eq!(lapsed.stage.as_str(), "lapsed");
    assert!(lapsed.clone().lapse(day(70)).is_err());
    assert!(lapsed.release(day(70)).is_err());
    assert!(received().lapse(day(900)).is_err(), "nothing was confirmed");
    let (asked, _) = confirmed().ask_extension(None, day(40)).expect("confirmed");
    assert!(asked.lapse(day(61)).is_ok(), "an unanswered extension holds nothing");
}

#[test]
fn what_ended_is_not_followed_up() {
    let (followed, events) = confirmed().follow_up(number());
    assert_eq!((followed.followed_up_by, events.len()), (Some(number()), 1));
    let (lapsed, _) = confirmed().lapse(day(61)).expect("over");
    let (lapsed, events) = lapsed.follow_up(number());
    assert_eq!((lapsed.followed_up_by, events.len()), (None, 0));
}

#[test]
fn a_receipt_settles_whatever_crossed_it() {
    let (lapsed, _) = confirmed().lapse(day(61)).expect("over");
    let (extended, _) = lapsed.clone().settle_crossed(PreservationStep::Extend, Some(day(120)), day(61));
    assert_eq!(extended.stage.preserved_until(), Some(day(120)));
    let mut requesting = lapsed;
    requesting.side = Side::Requesting;
    let (released, events) = requesting.clone().settle_crossed(PreservationStep::Release, None, day(61));
    assert_eq!((released.stage.as_str(), events.len()), ("released", 1));
    let (same, events) = requesting.clone().settle_crossed(PreservationStep::AskExtension, None, day(61));
    assert_eq!((same, events.len()), (requesting, 0));
}

#[test]
fn the_table_names_stages_that_there_are() {
    for (_, from, _, to) in TRANSITIONS {
        assert!(PreservationStage::NAMES.contains(from) && PreservationStage::NAMES.contains(to));
    }
}
