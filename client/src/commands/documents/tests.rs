use super::*;

fn document(id: &str, kind: &str, stage: &str, sender: &str, number: u32) -> DocumentFacts {
    DocumentFacts {
        document_id: id.to_owned(),
        case_id: "C-1".to_owned(),
        kind: kind.to_owned(),
        shared_number: "GB-7K2M-9QXR-4T1V-C8ZE-56".to_owned(),
        message_number: number,
        sender: sender.to_owned(),
        addressee: "md/central-authority".to_owned(),
        stage: stage.to_owned(),
        stage_time: String::new(),
        container_sha256: String::new(),
    }
}

/// A document of the requesting authority, for tests that look at kind and stage alone.
pub(crate) fn facts(kind: &str, stage: &str) -> DocumentFacts {
    document("D-1", kind, stage, "gb/central-authority", 1)
}

struct Zero;
impl rogatory_core::Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

#[test]
fn messages_are_counted_by_sender_and_number() {
    let own: PartyId = "gb/central-authority".parse().expect("a party");
    let number = SharedNumber::mint(own.country(), &Zero);
    let mut documents = vec![
        document("D-1", "request", "transmitted", "gb/central-authority", 1),
        document("D-2", "acknowledgement", "received", "md/central-authority", 7),
        document("D-3", "order", "drafted", "gb/central-authority", 9),
    ];
    for document in documents.iter_mut().take(2) {
        document.shared_number = number.to_string();
    }
    assert_eq!(next_message(&documents, &own, &number).value(), 2);
    assert_eq!(next_message(&[], &own, &number), MessageNumber::FIRST);
}

#[test]
fn what_waits_follows_from_kind_and_stage() {
    assert!(document("D", "request", "drafted", "", 1).awaits_approval());
    assert!(!document("D", "closing", "drafted", "", 1).awaits_approval());
    assert!(document("D", "closing", "drafted", "", 1).awaits_transmission());
    assert!(!document("D", "order", "drafted", "", 1).awaits_transmission());
    assert!(document("D", "order", "sealed", "", 1).awaits_transmission());
    assert!(!document("D", "order", "transmitted", "", 1).awaits_transmission());
}

#[test]
fn several_candidates_are_named() {
    let documents =
        vec![document("D-1", "request", "approved", "", 1), document("D-2", "execution", "approved", "", 2)];
    let waits = |document: &DocumentFacts| document.awaits_transmission();
    let problem = choose(&documents, None, waits, "waits for transmission").expect_err("two");
    assert_eq!(problem.exit().code(), 2);
    assert_eq!(problem.details().len(), 2);
    assert_eq!(choose(&documents, Some("D-2"), waits, "").expect("named").document_id, "D-2");
    assert!(choose(&documents, Some("D-9"), waits, "").is_err());
    assert_eq!(choose(&[], None, waits, "waits").expect_err("none").exit().code(), 3);
}

#[test]
fn every_document_has_the_noun_of_its_commands() {
    for (kind, noun) in [
        ("request", "request"),
        ("refusal", "request"),
        ("order", "order"),
        ("preservation", "preservation"),
        ("release", "preservation"),
        ("of a later version", "request"),
    ] {
        assert_eq!(facts(kind, "drafted").noun(), noun, "{kind}");
    }
}

#[test]
fn a_case_of_another_kind_is_not_acted_upon() {
    let case =
        CaseFacts { case_id: "C-1".to_owned(), kind: "preservation".to_owned(), ..CaseFacts::default() };
    assert!(case.must_be("preservation").is_ok());
    let problem = case.must_be("request").expect_err("another kind");
    assert_eq!(problem.exit().code(), 2);
    assert!(problem.hint().unwrap_or_default().contains("rogatory preservation show C-1"), "{problem:?}");
}

#[test]
fn a_case_names_the_command_that_comes_next() {
    let case = |kind: &str, side: &str, stage: &str| CaseFacts {
        case_id: "C-1".to_owned(),
        kind: kind.to_owned(),
        side: side.to_owned(),
        stage: stage.to_owned(),
        ..CaseFacts::default()
    };
    let next = |case: &CaseFacts| case.next_command().unwrap_or_default();
    let requesting = case("request", "requesting", "acknowledged");
    assert_eq!(next(&requesting), "");
    let question =
        QuestionFacts { question_id: "Q2".to_owned(), asked_time: String::new(), answer_by: String::new() };
    let asked = CaseFacts { open_questions: vec![question], ..requesting };
    assert_eq!(next(&asked), "rogatory request answer C-1 --question Q2 --text TEXT");
    let received = case("preservation", "requested", "received");
    assert_eq!(next(&received), "rogatory preservation confirm C-1 --days N --reference TEXT");
    let extension = CaseFacts { extension_asked: true, ..case("preservation", "requested", "confirmed") };
    assert_eq!(next(&extension), "rogatory preservation confirm C-1 --days N");
    assert_eq!(next(&case("request", "requesting", "refused")), "rogatory request close C-1");
    assert_eq!(next(&case("request", "requested", "closed")), "");
}
