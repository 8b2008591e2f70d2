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
