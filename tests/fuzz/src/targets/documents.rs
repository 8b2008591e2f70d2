//! The signed data of formal documents. Each has one spelling.

use crate::seeds;
use rogatory_core::document::{Document, DocumentKind, FORMAT, NamedParty, PROFILE, SignerEntry, Signers};
use rogatory_core::party_entry::PartyEntry;
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, MessageNumber};

pub(super) fn document(data: &[u8]) {
    let Ok(document) = Document::from_json(data) else {
        return;
    };
    assert!(document.to_json() == data, "another document is written");
    let _ = (document.evidence_recipients(), document.request_quoted(), document.packages_named());
    let _ = (document.question_id(), document.answer_by(), document.refusal(), document.postponement());
    let _ = (document.forwarded_request(), document.forwarded_to(), document.outcome());
    let _ = (document.confirmation(), document.extend_until(), document.reason(), document.followed_up());
    let _ = (document.instruments(), document.erasure_told());
}

pub(super) fn receipt(data: &[u8]) {
    if let Ok(receipt) = Receipt::from_json(data) {
        assert!(receipt.to_json() == data, "another receipt is written");
    }
}

pub(super) fn party_entry(data: &[u8]) {
    if let Ok(entry) = PartyEntry::from_json(data) {
        assert!(entry.to_json() == data, "another entry is written");
        let _ = entry.recovery_recipient();
    }
}

pub(super) fn signers(data: &[u8]) {
    if let Ok(signers) = Signers::from_json(data) {
        assert!(signers.to_json() == data, "other signers are written");
    }
}

fn of_folder(folder: &str) -> Vec<Vec<u8>> {
    let containers = seeds::files(folder, ".asice").into_iter();
    containers
        .flat_map(|(_, bytes)| seeds::entries(&bytes))
        .filter(|(name, _)| name == "document.json")
        .map(|(_, content)| content)
        .collect()
}

pub(super) fn document_seeds() -> Vec<Vec<u8>> {
    let bodies = [
        (DocumentKind::Request, r#"{"our_reference":"PG-MD/24-2/2026-3391","amount":1.5}"#),
        (DocumentKind::Refusal, r#"{"ground":"dual-criminality","scope":"whole","outcome":"refused"}"#),
        (DocumentKind::Question, r#"{"question":"Q1","answer_by":"2026-12-01","text":"When?"}"#),
        (
            DocumentKind::Execution,
            r#"{"outcome":"executed","packages":[{"manifest_sha256":"00","shared_number":"MD-JF58-JXH4-09RC-SPTW-27"}]}"#,
        ),
        (
            DocumentKind::Request,
            r#"{"extend_until":"2026-12-01T00:00:00Z","reason":"r","instruments":["ets185"]}"#,
        ),
        (
            DocumentKind::Order,
            r#"{"recipients":[{"recipient":"age1","party":"md/a"}],"request":{"shared_number":"MD-JF58-JXH4-09RC-SPTW-27"}}"#,
        ),
    ];
    let party = |id: &str| NamedParty { party: id.parse().expect("a party"), name: "An office".to_owned() };
    let json = |(kind, body): (DocumentKind, &str)| {
        let document = Document {
            format: FORMAT,
            profile: PROFILE,
            kind,
            shared_number: "MD-JF58-JXH4-09RC-SPTW-27".parse().expect("a number"),
            message_number: MessageNumber::FIRST,
            sender: party("md/central-authority"),
            addressee: party("fr/bepi"),
            created_time: seeds::at(),
            in_reply_to: None,
            renderer: "r".to_owned(),
            template: "ets185/art31".to_owned(),
            pack_version: "1".to_owned(),
            language: "en".to_owned(),
            body: body.parse().expect("JSON"),
        };
        document.to_json()
    };
    bodies.into_iter().map(json).collect()
}

pub(super) fn receipt_seeds() -> Vec<Vec<u8>> {
    of_folder("receipt")
}

pub(super) fn party_entry_seeds() -> Vec<Vec<u8>> {
    of_folder("party-entry")
}

pub(super) fn signers_seeds() -> Vec<Vec<u8>> {
    let entry = |id: &str, function: &str| SignerEntry {
        certificate_sha256: Digest::of(id.as_bytes()),
        person: format!("md/central-authority/officer/{id}").parse().expect("an officer"),
        function: function.to_owned(),
    };
    vec![Signers::new(vec![entry("rusu", "drafter"), entry("ceban", "approver")]).to_json()]
}
