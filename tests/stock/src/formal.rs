//! An authority with throw-away keys in this process: formal documents, a seal, a party entry.
//!
//! Its instant is fixed. May draw keys; writes nothing.

use rogatory_container::asice::{self, Asice};
use rogatory_core::document::{
    Competence, DATA_FILE, Document, DocumentKind, FORMAT, NamedParty, PAPER_FILE, PROFILE, SignerEntry,
    Signers,
};
use rogatory_core::party_entry::{CompetenceEntry, Limits, PartyEntry};
use rogatory_core::{Entropy, MessageNumber, OfficerId, PartyId, SharedNumber, Timestamp};
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::note::LogKey;
use rogatory_evidence::KnownInstitution;
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::{FileSigner, Signer};
use std::fmt::Debug;

/// When everything of the authority was signed.
pub const NOW: &str = "2026-11-22T14:20:00Z";

/// The authority.
pub const PARTY: &str = "md/central-authority";

/// Entropy that repeats one byte: for numbers, never for keys.
pub struct Fixed(pub u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// The authority and its keys.
pub struct Authority {
    /// PEM of its root.
    pub anchors_pem: String,
    /// Its root.
    pub anchors: Anchors,
    /// The officer who drafts.
    pub drafter: FileSigner,
    /// The officer who approves.
    pub approver: FileSigner,
    /// The institution's seal.
    pub seal: FileSigner,
    seal_pem: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Makes all keys.
    #[must_use]
    pub fn new() -> Self {
        // The programs judge by the machine's clock, whatever it shows.
        let validity = good(Validity::new(instant("2020-01-01T00:00:00Z"), instant("2099-01-01T00:00:00Z")));
        let ca = good(DevelopmentCa::new(good("md".parse()), "Root of the Republic", validity));
        let party: PartyId = good(PARTY.parse());
        let officer = |id: &str, name: &str, number: &str| {
            let issued = good(ca.issue_officer_signing(&officer(id), name, number, validity));
            good(FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem))
        };
        let sealing = good(ca.issue_seal(&party, "Seal of the Central Authority", validity));
        Self {
            anchors: good(Anchors::from_pem(&ca.certificate_pem(), None)),
            anchors_pem: ca.certificate_pem(),
            drafter: officer("rusu", "Ion Rusu", "IDMD-1"),
            approver: officer("ceban", "Elena Ceban", "IDMD-2"),
            seal: good(FileSigner::from_pem(&sealing.key_pem, &sealing.certificate_pem)),
            seal_pem: sealing.certificate_pem,
        }
    }

    /// A request signed by the drafter alone: its contents and the first signature.
    #[must_use]
    pub fn drafted(&self, kind: DocumentKind) -> Asice {
        let contents = vec![
            (DATA_FILE.to_owned(), "application/json".to_owned(), document(kind).to_json()),
            (PAPER_FILE.to_owned(), "application/pdf".to_owned(), b"%PDF-1.7\n% the paper\n".repeat(40)),
        ];
        good(good(asice::start(contents)).sign(&self.drafter, instant(NOW), Some("drafter")))
    }

    /// Adds the approver's signature.
    #[must_use]
    pub fn approved(&self, drafted: Asice) -> Asice {
        good(drafted.add_signature(&self.approver, instant(NOW), Some("approver")))
    }

    /// Adds the seal over `persons`: officer's id, certificate's signer, function.
    #[must_use]
    pub fn sealed(&self, signed: Asice, persons: &[(&str, &FileSigner, &str)]) -> Asice {
        let entry = |(id, signer, function): &(&str, &FileSigner, &str)| SignerEntry {
            certificate_sha256: signer.chain().first().unwrap_or_else(|| panic!("no certificate")).digest(),
            person: officer(id),
            function: (*function).to_owned(),
        };
        let signers = Signers::new(persons.iter().map(entry).collect());
        good(signed.add_seal(Some(signers.to_json()), &self.seal, instant(NOW)))
    }

    /// A request as it is sent: drafter, approver, seal.
    #[must_use]
    pub fn request(&self) -> Asice {
        let persons = [("rusu", &self.drafter, "drafter"), ("ceban", &self.approver, "approver")];
        self.sealed(self.approved(self.drafted(DocumentKind::Request)), &persons)
    }

    /// What somebody knows who holds its entry: whose seal it is.
    #[must_use]
    pub fn known(&self) -> KnownInstitution {
        KnownInstitution::new(good(PARTY.parse()), self.seal.chain().first().cloned().into_iter().collect())
    }

    /// Its party entry, sealed, with the key of its custody log.
    #[must_use]
    pub fn entry(&self, log: &LogKey) -> Vec<u8> {
        let (witness, _) =
            good(WitnessKey::generate(good(WitnessName::new("example.org", &good(PARTY.parse())))));
        let entry = PartyEntry {
            format: FORMAT,
            profile: PROFILE,
            kind: DocumentKind::PartyEntry,
            party: good(PARTY.parse()),
            name: "Central Authority".to_owned(),
            institution_kind: "central-authority".to_owned(),
            version: 1,
            issued_time: instant(NOW),
            competences: vec![CompetenceEntry {
                act: Competence::ExecuteRequests,
                instruments: Vec::new(),
                territory: "the Republic of Moldova".to_owned(),
            }],
            languages: vec!["ro".to_owned(), "en".to_owned()],
            urgent_route: String::new(),
            limits: Limits { document_bytes: 262_144, package_bytes: None },
            peer_endpoint: "127.0.0.1:7444".to_owned(),
            anchors_pem: self.anchors_pem.clone(),
            seal_certificates_pem: self.seal_pem.clone(),
            recipients: Vec::new(),
            log_key: log.vkey().to_string(),
            witness_key: witness.vkey().to_string(),
            log_origin: log.vkey().name().to_owned(),
        };
        let contents = vec![(DATA_FILE.to_owned(), "application/json".to_owned(), entry.to_json())];
        good(good(asice::start(contents)).sign(&self.seal, instant(NOW), None)).to_bytes()
    }
}

/// Reads an instant.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn instant(text: &str) -> Timestamp {
    good(text.parse())
}

/// The value, or the test ends.
///
/// # Panics
/// If there is none.
#[track_caller]
pub fn good<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

fn officer(id: &str) -> OfficerId {
    good(format!("{PARTY}/officer/{id}").parse())
}

fn document(kind: DocumentKind) -> Document {
    let party = |id: &str, name: &str| NamedParty { party: good(id.parse()), name: name.to_owned() };
    Document {
        format: FORMAT,
        profile: PROFILE,
        kind,
        shared_number: SharedNumber::mint(good("md".parse()), &Fixed(0x5a)),
        message_number: MessageNumber::FIRST,
        sender: party(PARTY, "Central Authority"),
        addressee: party("fr/bepi", "Bureau de l'entraide pénale internationale"),
        created_time: instant(NOW),
        in_reply_to: None,
        renderer: "none".to_owned(),
        template: "ets185/art31-trafficking".to_owned(),
        pack_version: "1".to_owned(),
        language: "en".to_owned(),
        body: serde_json::json!({ "our_reference": "PG-MD/24-2/2026-3391" }),
    }
}
