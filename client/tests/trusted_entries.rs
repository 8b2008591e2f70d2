//! Whose seal and whose order it is: the commands believe entries that somebody gave, and nothing
//! that comes with what they check. Offline.

use rogatory_client::commands::package::{self, SealArguments, VerifyArguments};
use rogatory_client::containers;
use rogatory_client::output::Outcome;
use rogatory_client::profile::KeyPair;
use rogatory_client::trust::{SealedEntry, Trust};
use rogatory_client::{Exit, Session};
use rogatory_container::asice::{self, Asice};
use rogatory_core::document::{
    Competence, DATA_FILE, Document, DocumentKind, FORMAT, NamedParty, PROFILE, SignerEntry, Signers,
};
use rogatory_core::party_entry::{CompetenceEntry, Limits, PartyEntry};
use rogatory_core::{Clock, Entropy, MessageNumber, OfficerId, PartyId, SharedNumber, Timestamp};
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::note::LogKey;
use rogatory_evidence::age_layer::generate_identity;
use rogatory_evidence::{NoProgress, Requirement, add_seal};
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use rogatory_pki::signing::{FileSigner, Signer};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-11-22T14:20:00Z".parse().expect("an instant")
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(index % 251).unwrap_or(0);
        }
    }
}

fn validity() -> Validity {
    Validity::days("2026-11-01T00:00:00Z".parse().expect("an instant"), 90).expect("a validity")
}

fn signer(issued: &Issued) -> FileSigner {
    FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer")
}

fn digest(signer: &FileSigner) -> rogatory_core::Digest {
    signer.certificate().expect("a certificate").digest()
}

/// An authority under a country's root, with a seal and two officers.
struct Authority {
    ca: DevelopmentCa,
    party: PartyId,
    seal: Issued,
    officers: [(OfficerId, FileSigner); 2],
}

impl Authority {
    fn new(party: &str) -> Self {
        let party: PartyId = party.parse().expect("a party");
        let ca = DevelopmentCa::new(party.country(), "Root of the Republic", validity()).expect("a root");
        let seal = ca.issue_seal(&party, "Seal", validity()).expect("a certificate");
        let officer = |id: &str, number: &str| {
            let officer = OfficerId::new(party.clone(), id).expect("an officer");
            let issued = ca.issue_officer_signing(&officer, id, number, validity()).expect("a certificate");
            (officer, signer(&issued))
        };
        let officers = [officer("rusu", "ID-1"), officer("ceban", "ID-2")];
        Self { officers, seal, ca, party }
    }

    /// Its entry, whose log has `origin` and whose log key the name `key`.
    fn entry_with(&self, origin: &str, key: &str) -> Vec<u8> {
        let (log, _) = LogKey::generate(key).expect("a key");
        let name = WitnessName::new("example.org", &self.party).expect("a name");
        let (witness, _) = WitnessKey::generate(name).expect("a key");
        let entry = PartyEntry {
            format: FORMAT,
            profile: PROFILE,
            kind: DocumentKind::PartyEntry,
            party: self.party.clone(),
            name: "An authority".to_owned(),
            institution_kind: "central-authority".to_owned(),
            version: 1,
            issued_time: Fixed.now(),
            competences: vec![CompetenceEntry {
                act: Competence::ExecuteRequests,
                instruments: Vec::new(),
                territory: "all".to_owned(),
            }],
            languages: vec!["en".to_owned()],
            urgent_route: String::new(),
            limits: Limits { document_bytes: 262_144, package_bytes: None },
            peer_endpoint: "127.0.0.1:7444".to_owned(),
            anchors_pem: self.ca.certificate_pem(),
            seal_certificates_pem: self.seal.certificate_pem.clone(),
            recipients: Vec::new(),
            log_key: log.vkey().to_string(),
            witness_key: witness.vkey().to_string(),
            log_origin: origin.to_owned(),
        };
        let contents = vec![(DATA_FILE.to_owned(), "application/json".to_owned(), entry.to_json())];
        asice::start(contents)
            .and_then(|unsigned| unsigned.sign(&signer(&self.seal), Fixed.now(), None))
            .expect("sealed")
            .to_bytes()
    }

    fn origin(&self) -> String {
        format!("log.example/rogatory/{}/1", self.party)
    }

    fn trust(&self) -> Trust {
        let mut trust = Trust::default();
        trust
            .add(self.entry_with(&self.origin(), &self.origin()), Fixed.now(), "the entry")
            .expect("an entry");
        trust
    }

    fn anchors(&self) -> Trust {
        let mut trust = Trust::default();
        trust.add(self.ca.certificate_pem().into_bytes(), Fixed.now(), "the anchors").expect("anchors");
        trust
    }

    /// An order of `sender` with the evidence for `recipient`, signed by this authority's persons and `seal`.
    fn order(&self, sender: &PartyId, recipient: &str, seal: &FileSigner) -> Vec<u8> {
        let named = |party: &PartyId| NamedParty { party: party.clone(), name: "An office".to_owned() };
        let document = Document {
            format: FORMAT,
            profile: PROFILE,
            kind: DocumentKind::Order,
            shared_number: SharedNumber::mint(sender.country(), &Fixed),
            message_number: MessageNumber::FIRST,
            sender: named(sender),
            addressee: named(&"md/nistru-chat".parse().expect("a party")),
            created_time: Fixed.now(),
            in_reply_to: None,
            renderer: "none".to_owned(),
            template: "none".to_owned(),
            pack_version: "1".to_owned(),
            language: "en".to_owned(),
            body: json!({"recipients": [{"institution": sender, "officer": null, "recipient": recipient}]}),
        };
        let [(_, drafter), (_, approver)] = &self.officers;
        let paper = b"%PDF-1.7".to_vec();
        let drafted = containers::begin(document.to_json(), paper, drafter, Fixed.now(), containers::DRAFTER);
        let drafted = containers::open(&drafted.expect("signed"), "the draft").expect("sound");
        let approved = containers::add_signature(drafted, approver, Fixed.now(), containers::APPROVER);
        let approved: Asice = containers::open(&approved.expect("signed"), "the draft").expect("sound");
        let functions = ["drafter", "approver"];
        let signers = self.officers.iter().zip(functions).map(|((officer, signer), function)| SignerEntry {
            certificate_sha256: digest(signer),
            person: OfficerId::new(sender.clone(), officer.id()).expect("an officer"),
            function: function.to_owned(),
        });
        let signers = Signers::new(signers.collect()).to_json();
        approved.add_seal(Some(signers), seal, Fixed.now()).expect("sealed").to_bytes()
    }
}

/// A provider's desk without a server.
struct Desk {
    directory: tempfile::TempDir,
    session: Session,
    signing: KeyPair,
}

impl Desk {
    /// The desk of a provider whose certificates `authority`'s root issues.
    fn new(authority: &Authority) -> Self {
        let officer: OfficerId = "md/nistru-chat/officer/lupu".parse().expect("an officer");
        let issued = authority.ca.issue_officer_signing(&officer, "Ana Lupu", "ID-9", validity());
        let issued = issued.expect("a certificate");
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            session: Session::new(None, Arc::new(Fixed), Arc::new(Fixed)),
            signing: KeyPair { certificates_pem: issued.certificate_pem, key_pem: issued.key_pem.into() },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn arguments(&self) -> SealArguments {
        std::fs::write(self.path("chat.csv"), b"from,to,text\n").expect("written");
        SealArguments {
            paths: vec![self.path("chat.csv")],
            signing: Some(self.signing.clone()),
            output: self.path("p.asice"),
            ..Default::default()
        }
    }
}

#[tokio::test]
async fn an_order_counts_against_the_entry_of_its_sender_alone() {
    let authority = Authority::new("md/central-authority");
    let desk = Desk::new(&authority);
    let (_, recipient) = generate_identity();
    let order = authority.order(&authority.party, &recipient.to_string(), &signer(&authority.seal));
    let with = |trust| SealArguments { order_document: Some(order.clone()), trust, ..desk.arguments() };

    // Nobody, the country's anchors, another institution's entry: none says whose order it is.
    for trust in [Trust::default(), authority.anchors(), Authority::new("gb/central-authority").trust()] {
        let problem = package::plan_seal(&desk.session, with(trust)).await.err().expect("nobody says");
        assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
        assert!(problem.hint().expect("a hint").contains("md/central-authority"), "{problem:?}");
        assert!(!desk.path("p.asice").exists());
    }
    let plan = package::plan_seal(&desk.session, with(authority.trust())).await.expect("its own entry");
    assert_eq!(plan.recipients.len(), 1);
    assert!(plan.recipients[0].contains("md/central-authority"), "{:?}", plan.recipients);
    assert!(plan.notes[0].contains("--trust"), "{:?}", plan.notes);
    let sealed = package::seal_planned(&desk.session, plan).await.expect("sealed");
    assert_eq!(sealed.recipients[0].recipient, recipient.to_string());
}

#[tokio::test]
async fn an_order_that_somebody_else_wrote_names_no_recipients() {
    let authority = Authority::new("md/central-authority");
    let stranger = Authority::new("md/central-authority");
    let desk = Desk::new(&authority);
    let (_, recipient) = generate_identity();
    let neighbour = authority.ca.issue_seal(&authority.party, "Seal", validity()).expect("a certificate");
    for (order, named) in [
        // Another root with the same names; the right root, but a seal that nobody published.
        (
            stranger.order(&authority.party, &recipient.to_string(), &signer(&stranger.seal)),
            "signature001.p7s",
        ),
        (authority.order(&authority.party, &recipient.to_string(), &signer(&neighbour)), "signature003.p7s"),
    ] {
        let arguments =
            SealArguments { order_document: Some(order), trust: authority.trust(), ..desk.arguments() };
        let problem = package::seal(&desk.session, arguments).await.expect_err("a forgery");
        assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
        assert!(problem.message().contains(named), "{problem}");
        assert!(!desk.path("p.asice").exists());
    }
}

#[tokio::test]
async fn a_seal_that_nobody_compared_is_not_the_seal_required() {
    let authority = Authority::new("md/central-authority");
    let desk = Desk::new(&authority);
    let (_, recipient) = generate_identity();
    let arguments = SealArguments { recipients: vec![recipient.to_string()], ..desk.arguments() };
    package::seal(&desk.session, arguments).await.expect("sealed");
    add_seal(&desk.path("p.asice"), &signer(&authority.seal), Fixed.now(), &mut NoProgress).expect("sealed");
    // Sealed with bare keys, so that the package names no institution: nobody to compare with.
    let mut verify =
        VerifyArguments { path: desk.path("p.asice"), trust: authority.trust(), ..Default::default() };
    let report = package::verify(&desk.session, verify.clone()).await.expect("a report");
    assert!(report.verified && report.seal.is_some() && report.seal_of.is_none());
    assert_eq!(report.recipients.len(), 1);
    verify.require.insert(Requirement::Seal);
    let report = package::verify(&desk.session, verify).await.expect("a report");
    assert_eq!(report.complaint().expect("a failure").exit(), Exit::VerificationFailed);
}

#[tokio::test]
async fn a_document_verifies_against_the_entry_of_its_sender_alone() {
    let authority = Authority::new("md/central-authority");
    let desk = Desk::new(&authority);
    let (_, recipient) = generate_identity();
    let order = authority.order(&authority.party, &recipient.to_string(), &signer(&authority.seal));
    std::fs::write(desk.path("order.asice"), order).expect("written");
    let verify = |trust| VerifyArguments { path: desk.path("order.asice"), trust, ..Default::default() };
    let report = package::verify(&desk.session, verify(authority.trust())).await.expect("a report");
    assert!(report.verified, "{:?}", report.checks);
    assert_eq!(report.seal_of.as_deref(), Some("md/central-authority"));
    let report = package::verify(&desk.session, verify(authority.anchors())).await.expect("a report");
    let complaint = report.complaint().expect("nobody says whose seal it is");
    assert_eq!(complaint.exit(), Exit::VerificationFailed);
    assert!(complaint.hint().expect("a hint").contains("party entry"), "{complaint:?}");
}

#[test]
fn an_entry_publishes_the_key_of_its_own_log_only() {
    let authority = Authority::new("gb/central-authority");
    let (own, other) = (authority.origin(), "log.example/rogatory/md/central-authority/1");
    let read = |origin: &str, key: &str| {
        SealedEntry::read(&authority.entry_with(origin, key), Fixed.now(), "the entry").map(|_| ())
    };
    assert_eq!(read(&own, &own), Ok(()));
    for (origin, key) in [(other, other), (own.as_str(), other), (other, own.as_str()), ("gb", "gb")] {
        let problem = read(origin, key).expect_err("another party's log");
        assert_eq!(problem.exit(), Exit::VerificationFailed, "{problem}");
    }
    let trust = authority.trust();
    assert_eq!(trust.log_keys_of(&authority.party).len(), 1);
    assert!(trust.log_keys_of(&"md/central-authority".parse().expect("a party")).is_empty());
}
