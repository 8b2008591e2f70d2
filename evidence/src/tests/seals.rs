//! Whose seal it is: only an entry from outside can say, for packages and for formal documents.

use super::*;
use crate::institution_seal::add_seal;
use crate::known::KnownInstitution;
use crate::verify::{Form, Requirement};
use rogatory_container::asice::{self, Asice};
use rogatory_core::document::{
    DATA_FILE, Document, DocumentKind, FORMAT, NamedParty, PROFILE, SignerEntry, Signers,
};
use rogatory_core::reference::{MessageNumber, SharedNumber};
use rogatory_pki::development::Issued;
use rogatory_pki::signing::Signer;

fn validity() -> Validity {
    Validity::days(now().plus_seconds(-86_400), 365).expect("validity")
}

fn signer(issued: &Issued) -> FileSigner {
    FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer")
}

fn known(party: &PartyId, seal: &FileSigner) -> KnownInstitution {
    KnownInstitution::new(party.clone(), vec![seal.certificate().expect("a certificate").clone()])
}

fn seal_line(verdict: &Verdict) -> String {
    let line = verdict.checks().iter().find(|check| check.part == crate::verify::Part::Seal);
    format!("{:?}", line.expect("a line about the seal"))
}

/// A package that `person` sealed for the bench's office, with the institution's seal by `seal`.
fn sealed_package(bench: &Bench, person: &FileSigner, seal: &FileSigner) -> PathBuf {
    let file = bench.file("x", b"abc");
    let path = bench.path("PK.asice");
    let _ = std::fs::remove_file(&path);
    let profile = |request: &mut SealRequest<'_>| {
        request.institution = Some(bench.office.party.clone());
        request.recovery = SealRecovery::Waived { reason: "test".to_owned() };
    };
    bench.seal_with(person, &[file], Output::AsiceFile(path.clone()), profile).expect("seals");
    add_seal(&path, seal, now(), &mut NoProgress).expect("seals");
    path
}

#[test]
fn a_seal_is_checked_only_against_the_senders_entry() {
    let bench = bench();
    let office = &bench.office;
    let package = sealed_package(&bench, &office.officer, &office.seal);
    let own = [known(&office.party, &office.seal)];
    let mut options = bench.options().with_institutions(&own);
    options.require = [Requirement::Seal].into();
    let verdict = check(&package, &options);
    assert_verified(&verdict);
    assert_eq!(verdict.into_package().expect("a package").sealed_by(), Some(&office.party));

    // Anchors alone, or the entry of another institution, don't say whose seal it is.
    let other: PartyId = "md/nistru-chat".parse().expect("a party");
    let others = [known(&other, &office.seal)];
    for institutions in [[].as_slice(), &others] {
        let mut options = bench.options().with_institutions(institutions);
        let verdict = check(&package, &options);
        assert_verified(&verdict);
        assert!(seal_line(&verdict).contains("not compared with a published seal of md/central-authority"));
        assert_eq!(verdict.into_package().expect("a package").sealed_by(), None);
        options.require = [Requirement::Seal].into();
        assert!(failures(&check(&package, &options)).contains("seal was required"));
    }
}

#[test]
fn any_other_certificate_of_the_country_is_no_seal_of_the_sender() {
    let bench = bench();
    let office = &bench.office;
    let colleague = OfficerId::new(office.party.clone(), "ceban").expect("an officer");
    let certificates = [
        office.ca.issue_officer_signing(&colleague, "Elena Ceban", "PNOMD-2", validity()),
        office.ca.issue_seal(&office.party, "Central Authority Seal", validity()),
    ];
    let own = [known(&office.party, &office.seal)];
    for issued in certificates {
        let package = sealed_package(&bench, &office.officer, &signer(&issued.expect("issues")));
        let found = failures(&check(&package, &bench.options().with_institutions(&own)));
        assert!(found.contains("not the seal that md/central-authority publishes"), "{found}");
    }
}

#[test]
fn an_institution_does_not_sign_as_a_person() {
    let bench = bench();
    let office = &bench.office;
    let own = [known(&office.party, &office.seal)];
    let package = sealed_package(&bench, &office.seal, &office.officer);
    let found = failures(&check(&package, &bench.options().with_institutions(&own)));
    assert!(found.contains("the key of the seal of md/central-authority"), "{found}");
    let package = sealed_package(&bench, &office.seal, &office.seal);
    for institutions in [[].as_slice(), &own] {
        let found = failures(&check(&package, &bench.options().with_institutions(institutions)));
        assert!(found.contains("made by the person who signed"), "{found}");
    }
}

/// A request of the office: signed by `persons` (id in the list of signers, key), sealed by `seal`.
fn request(office: &Office, persons: &[(&str, &FileSigner)], seal: Option<&FileSigner>) -> Asice {
    let named = |party: &PartyId| NamedParty { party: party.clone(), name: "An office".to_owned() };
    let document = Document {
        format: FORMAT,
        profile: PROFILE,
        kind: DocumentKind::Request,
        shared_number: SharedNumber::mint(office.party.country(), &Counting::default()),
        message_number: MessageNumber::FIRST,
        sender: named(&office.party),
        addressee: named(&"gb/central-authority".parse().expect("a party")),
        created_time: now(),
        in_reply_to: None,
        renderer: "none".to_owned(),
        template: "none".to_owned(),
        pack_version: "1".to_owned(),
        language: "en".to_owned(),
        body: serde_json::json!({}),
    };
    let contents = vec![(DATA_FILE.to_owned(), "application/json".to_owned(), document.to_json())];
    let functions = ["drafter", "approver"];
    let mut signed: Option<Asice> = None;
    for ((_, signer), function) in persons.iter().zip(functions) {
        signed = Some(
            match signed {
                None => asice::start(contents.clone()).expect("starts").sign(*signer, now(), Some(function)),
                Some(asice) => asice.add_signature(*signer, now(), Some(function)),
            }
            .expect("signs"),
        );
    }
    let signed = signed.expect("somebody signs");
    let Some(seal) = seal else { return signed };
    let entries = persons.iter().zip(functions).map(|((id, signer), function)| SignerEntry {
        certificate_sha256: signer.certificate().expect("a certificate").digest(),
        person: id.parse().expect("an officer"),
        function: function.to_owned(),
    });
    signed.add_seal(Some(Signers::new(entries.collect()).to_json()), seal, now()).expect("seals")
}

const RUSU: &str = "md/central-authority/officer/rusu";
const CEBAN: &str = "md/central-authority/officer/ceban";

/// An approver with another register number.
fn approver(office: &Office) -> FileSigner {
    let officer = CEBAN.parse().expect("an officer");
    signer(&office.ca.issue_officer_signing(&officer, "Elena Ceban", "PNOMD-2", validity()).expect("issues"))
}

fn verdict_on(bench: &Bench, document: &Asice, institutions: &[KnownInstitution]) -> Verdict {
    let path = bench.file("request.asice", &document.to_bytes());
    let verdict = check(&path, &bench.options().with_institutions(institutions));
    assert_eq!(verdict.form(), Form::Document);
    verdict
}

#[test]
fn a_document_is_verified_only_against_the_senders_entry() {
    let bench = bench();
    let office = &bench.office;
    let approver = approver(office);
    let persons = [(RUSU, &office.officer), (CEBAN, &approver)];
    let document = request(office, &persons, Some(&office.seal));
    let own = [known(&office.party, &office.seal)];
    assert_verified(&verdict_on(&bench, &document, &own));

    let nobody_says = "integrity and chain only: nobody says whose seal this is";
    assert!(failures(&verdict_on(&bench, &document, &[])).contains(nobody_says));
    let others = [known(&"md/nistru-chat".parse().expect("a party"), &office.seal)];
    assert!(failures(&verdict_on(&bench, &document, &others)).contains(nobody_says));

    // Any other certificate of the country in the place of the seal.
    let colleague = "md/central-authority/officer/lungu".parse().expect("an officer");
    let third =
        office.ca.issue_officer_signing(&colleague, "Dina Lungu", "PNOMD-3", validity()).expect("issues");
    for stranger in [&signer(&third), &super::office("md").seal] {
        let found = failures(&verdict_on(&bench, &request(office, &persons, Some(stranger)), &own));
        assert!(found.contains("signature003.p7s"), "{found}");
    }
}

#[test]
fn a_document_without_its_signatures_does_not_verify() {
    let bench = bench();
    let office = &bench.office;
    let own = [known(&office.party, &office.seal)];
    let approver = approver(office);
    let drafted = [(RUSU, &office.officer)];
    let approved = [(RUSU, &office.officer), (CEBAN, &approver)];
    for unsealed in [request(office, &drafted, None), request(office, &approved, None)] {
        assert!(failures(&verdict_on(&bench, &unsealed, &own)).contains("no institution's seal"));
    }
    let found = failures(&verdict_on(&bench, &request(office, &drafted, Some(&office.seal)), &own));
    assert!(found.contains("needs 3 signatures"), "{found}");
    let data = br#"{"profile":1}"#.to_vec();
    let contents = vec![(DATA_FILE.to_owned(), "application/json".to_owned(), data)];
    let other = asice::start(contents).expect("starts").sign(&office.seal, now(), None).expect("signs");
    assert!(failures(&verdict_on(&bench, &other, &own)).contains("document.json"));
}

#[test]
fn the_persons_of_a_document_are_two_and_persons() {
    let bench = bench();
    let office = &bench.office;
    let own = [known(&office.party, &office.seal)];
    let (rusu, ceban) = (&office.officer, approver(office));
    let officer = |id: &str| id.parse::<OfficerId>().expect("an officer");
    let same_number = office.ca.issue_officer_signing(&officer(CEBAN), "Other Name", "PNOMD-1", validity());
    let same_number = signer(&same_number.expect("issues"));
    let institution =
        office.ca.issue_institution_tls(&office.party, "Office", &["localhost"], &[], validity());
    let institution = signer(&institution.expect("issues"));
    let as_rusu =
        signer(&office.ca.issue_officer_tls(&officer(RUSU), "Ion Rusu", validity()).expect("issues"));
    let elsewhere = "md/nistru-chat/officer/lupu";
    let cases: [(&str, &str, &FileSigner); 7] = [
        ("same person", RUSU, &ceban),
        ("same person", CEBAN, rusu),
        ("same person", CEBAN, &same_number),
        ("certificate is that of the institution", CEBAN, &institution),
        ("made with the key of the seal", CEBAN, &office.seal),
        ("and the seal names", CEBAN, &as_rusu),
        ("no officer of the sender", elsewhere, &ceban),
    ];
    for (named, id, second) in cases {
        let document = request(office, &[(RUSU, rusu), (id, second)], Some(&office.seal));
        let found = failures(&verdict_on(&bench, &document, &own));
        assert!(found.contains(named), "{named}: {found}");
    }
}
