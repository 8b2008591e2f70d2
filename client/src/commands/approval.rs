//! The second officer's approval: the draft is verified, rendered again and compared before it is
//! signed.
//!
//! Shared by requests and orders. Never signs what it did not compare.

use super::documents::{self, DocumentFacts, Fetched, PickArguments, WRONG_STAGE};
use super::receipts;
use crate::connect::explain;
use crate::containers::{self, APPROVER};
use crate::output::Outcome;
use crate::output::page::Page;
use crate::papers;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_core::document::PAPER_FILE;
use rogatory_evidence::KnownInstitution;
use rogatory_evidence::formal::is_one_holder;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::Signer;
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// The result of approving: the document is handed in with its second signature.
#[derive(Clone, Debug, Serialize)]
pub struct Approved {
    /// The case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// The document.
    pub document_id: String,
    /// What it is.
    pub kind: String,
    /// To whom.
    pub addressee: String,
    /// Where it stands.
    pub stage: String,
    /// The drafter's name, from the certificate.
    pub drafter: String,
    /// Subject of the drafter's certificate.
    pub drafter_subject: String,
    /// SHA-256 of the drafter's certificate.
    pub drafter_sha256: Digest,
    /// The renderer whose paper was compared and found equal.
    pub renderer: String,
    /// SHA-256 of its `document.json`.
    pub document_sha256: Digest,
    /// SHA-256 of its container.
    pub container_sha256: String,
    /// The noun under which commands treat it.
    #[serde(skip)]
    noun: &'static str,
}

impl Outcome for Approved {
    fn show(&self, page: &mut Page) {
        page.fact("case", &self.case_id);
        page.fact("shared number", &self.shared_number);
        page.fact("document", &self.document_id);
        page.fact("kind", format!("{} to {}", self.kind, self.addressee));
        page.fact("drafted by", format!("{} ({})", clean(&self.drafter), clean(&self.drafter_subject)));
        page.fact("certificate", self.drafter_sha256);
        page.fact("paper", format!("rendered again by {}, equal", self.renderer));
        page.fact("stage", &self.stage);
        page.fact("data sha256", self.document_sha256);
        page.blank();
        page.line(format!(
            "Next, it is transmitted: rogatory {} transmit {}",
            self.noun,
            clean(&self.case_id)
        ));
    }
}

/// Approves a colleague's draft: verifies it, renders it again, compares, signs, hands it in.
pub(crate) async fn approve(
    session: &Session,
    arguments: &PickArguments,
    fits: impl Fn(&DocumentFacts) -> bool,
) -> Result<Approved, Problem> {
    let case = documents::case(session, &arguments.case).await?;
    let all = documents::of_case(session, &case.case_id).await?;
    let chosen = documents::choose(
        &all,
        arguments.document.as_deref(),
        |document| document.awaits_approval() && fits(document),
        "waits for approval",
    )?;
    let fetched = documents::fetch(session, &chosen.document_id).await?;
    let signer = session.profile()?.signer()?;
    let own = receipts::own_entry(session).await?.institution();
    let drafter = check_draft(session, &fetched, &signer, &own)?;
    let renderer = fetched.document.renderer.clone();
    let document_sha256 = fetched.document_sha256;
    let at = session.now();
    let container = tokio::task::spawn_blocking(move || {
        compare_paper(&fetched)?;
        containers::add_signature(fetched.asice, &signer, at, APPROVER)
    })
    .await
    .map_err(|error| Problem::failed("rendering stopped").because(&error))??;
    let mut client = session.connection().await?.documents();
    let request = office::ApproveDocumentRequest {
        request_id: session.call_id(),
        document_id: chosen.document_id.clone(),
        container: container.into(),
    };
    let answer = client.approve_document(request).await.map_err(explain)?.into_inner();
    let facts = answer.document.map(DocumentFacts::of);
    let facts = facts.ok_or_else(|| Problem::failed("the server's answer names no document"))?;
    Ok(Approved {
        noun: facts.noun(),
        case_id: facts.case_id,
        shared_number: facts.shared_number,
        document_id: facts.document_id,
        kind: facts.kind,
        addressee: facts.addressee,
        stage: facts.stage,
        drafter: drafter.subject_common_name().unwrap_or_else(|| drafter.subject()),
        drafter_subject: drafter.subject(),
        drafter_sha256: drafter.digest(),
        renderer,
        document_sha256,
        container_sha256: facts.container_sha256,
    })
}

/// Makes sure that a document is a pending draft of this office, signed by another person whom the
/// own country's anchors vouch for; gives the drafter's certificate.
fn check_draft(
    session: &Session,
    fetched: &Fetched,
    signer: &dyn Signer,
    office: &KnownInstitution,
) -> Result<Certificate, Problem> {
    let profile = session.profile()?;
    let what = format!("document {}", fetched.facts.document_id);
    if !fetched.facts.awaits_approval() {
        let stage = clean(&fetched.facts.stage);
        return Err(Problem::refused(format!("{what} is {stage} and does not wait for approval"))
            .with_reason(WRONG_STAGE));
    }
    let verified = containers::verify(&fetched.asice, &profile.anchors()?, session.now(), &what)?;
    let [first] = verified.signatures() else {
        let count = verified.signatures().len();
        return Err(Problem::unverified(format!("{what} carries {count} signatures; a draft carries one")));
    };
    let document = &fetched.document;
    if document.sender.party != profile.party
        || document.kind.as_str() != fetched.facts.kind
        || document.shared_number.as_str() != fetched.facts.shared_number
    {
        return Err(Problem::unverified(format!(
            "{what} says something else in its data than the server says of it"
        )));
    }
    let drafter = first.certificate();
    containers::must_be_person(drafter, &profile.party, std::slice::from_ref(office), &what)?;
    let own = signer
        .certificate()
        .map_err(|error| Problem::usage("the signing key cannot be used").because(&error))?;
    if is_one_holder(drafter, own) {
        return Err(Problem::refused(format!("{what} was drafted by you: another officer must approve it"))
            .with_reason("SAME_PERSON")
            .with_hint("give the profile of a second officer with --profile"));
    }
    Ok(drafter.clone())
}

/// Renders the data again and compares the paper byte for byte.
fn compare_paper(fetched: &Fetched) -> Result<(), Problem> {
    let what = format!("document {}", fetched.facts.document_id);
    let made_by = clean(&fetched.document.renderer);
    let here = rogatory_templates::RENDERER;
    let versions = || {
        format!(
            "the draft was rendered by {made_by}, pack version {}; here is {here}",
            clean(&fetched.document.pack_version)
        )
    };
    let hint = "if the versions differ, bring both officers' clients to the same one; if not, send the draft back: \
                its paper does not say what its data says";
    let paper = fetched
        .asice
        .file(PAPER_FILE)
        .ok_or_else(|| Problem::unverified(format!("{what} holds no paper")))?;
    let again = papers::render(containers::data(&fetched.asice, &what)?)
        .map_err(|problem| problem.with_details(vec![versions()]).with_hint(hint))?;
    if again == paper {
        return Ok(());
    }
    Err(Problem::unverified(format!(
        "the paper of {what} differs from what its data gives; it was not signed"
    ))
    .with_details(vec![versions()])
    .with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{KeyPair, Profile};
    use rogatory_core::document::NamedParty;
    use rogatory_core::{Clock, Entropy, MessageNumber, OfficerId, SharedNumber, Timestamp};
    use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
    use rogatory_pki::signing::FileSigner;
    use std::sync::Arc;

    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            "2026-11-22T14:20:00Z".parse().expect("an instant")
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(3);
        }
    }

    struct Office {
        ca: DevelopmentCa,
        validity: Validity,
    }

    impl Office {
        fn new() -> Self {
            let begins = "2026-11-01T00:00:00Z".parse().expect("an instant");
            let validity = Validity::days(begins, 90).expect("a validity");
            let ca = DevelopmentCa::new("gb".parse().expect("a country"), "Root", validity).expect("a root");
            Self { ca, validity }
        }

        fn issue(&self, id: &str) -> Issued {
            let officer = officer(id);
            self.ca
                .issue_officer_signing(&officer, id, &format!("ID-{id}"), self.validity)
                .expect("a certificate")
        }

        fn signer(&self, id: &str) -> FileSigner {
            let issued = self.issue(id);
            FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer")
        }

        /// The office with its seal, and the seal's key.
        fn seal(&self) -> (KnownInstitution, FileSigner) {
            let party = officer("ashdown").party().clone();
            let issued = self.ca.issue_seal(&party, "Seal", self.validity).expect("a certificate");
            let signer = FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer");
            let seals = vec![signer.certificate().expect("a certificate").clone()];
            (KnownInstitution::new(party, seals), signer)
        }

        fn check(&self, fetched: &Fetched, signer: &FileSigner) -> Result<String, Problem> {
            let drafter = check_draft(&self.session(), fetched, signer, &self.seal().0)?;
            Ok(drafter.subject_common_name().expect("a name"))
        }

        fn session(&self) -> Session {
            let issued = self.issue("ashdown");
            let pair = KeyPair { certificates_pem: issued.certificate_pem, key_pem: issued.key_pem.into() };
            let profile = Profile {
                party: officer("ashdown").party().clone(),
                name: "Central Authority".to_owned(),
                officer: officer("ashdown"),
                officer_name: "Helen Ashdown".to_owned(),
                server: "127.0.0.1:1".to_owned(),
                tls: pair.clone(),
                signing: Some(pair),
                identity: None,
                anchors_pem: self.ca.certificate_pem(),
                recovery_recipient: None,
                recovery_recipient_hybrid: None,
                contact: None,
            };
            Session::new(Some(profile), Arc::new(Fixed), Arc::new(Fixed))
        }
    }

    fn officer(id: &str) -> OfficerId {
        format!("gb/central-authority/officer/{id}").parse().expect("an officer")
    }

    /// A draft signed by `signer`, with `paper` instead of the right one if given.
    fn draft(signer: &FileSigner, paper: Option<Vec<u8>>) -> Fetched {
        let template =
            papers::template("ets185/art31-trafficking", None, &Default::default()).expect("there");
        let named =
            |party: &str| NamedParty { party: party.parse().expect("a party"), name: party.to_owned() };
        let envelope = papers::Envelope {
            shared_number: SharedNumber::mint("gb".parse().expect("a country"), &Fixed),
            message_number: MessageNumber::FIRST,
            sender: named("gb/central-authority"),
            addressee: named("md/central-authority"),
            created_time: Fixed.now(),
            in_reply_to: None,
        };
        let document = papers::document(template, envelope, template.example());
        let json = document.to_json();
        let document_sha256 = Digest::of(&json);
        let paper = paper.unwrap_or_else(|| papers::render(&json).expect("rendered"));
        let container =
            containers::begin(json, paper, signer, Fixed.now(), containers::DRAFTER).expect("signed");
        let facts = DocumentFacts {
            document_id: "D-0000000000000000".to_owned(),
            case_id: "C-0000000000000000".to_owned(),
            kind: "request".to_owned(),
            shared_number: document.shared_number.to_string(),
            message_number: 1,
            sender: "gb/central-authority".to_owned(),
            addressee: "md/central-authority".to_owned(),
            stage: "drafted".to_owned(),
            stage_time: String::new(),
            container_sha256: Digest::of(&container).to_hex(),
        };
        let asice = containers::open(&container, "the draft").expect("sound");
        Fetched {
            facts,
            container: container.into(),
            receipt: Default::default(),
            asice,
            document,
            document_sha256,
        }
    }

    #[test]
    fn a_colleagues_draft_whose_paper_fits_is_approved() {
        let office = Office::new();
        let fetched = draft(&office.signer("hale"), None);
        let approver = office.signer("ashdown");
        assert_eq!(office.check(&fetched, &approver), Ok("hale".to_owned()));
        assert_eq!(compare_paper(&fetched), Ok(()));
    }

    #[test]
    fn a_paper_that_says_something_else_is_never_signed() {
        let fetched = draft(&Office::new().signer("hale"), Some(b"%PDF-1.7 another text".to_vec()));
        let problem = compare_paper(&fetched).expect_err("another paper");
        assert_eq!(problem.exit().code(), 4);
        assert!(problem.details()[0].contains(rogatory_templates::RENDERER), "{problem:?}");
    }

    #[test]
    fn nobody_approves_her_own_draft() {
        let office = Office::new();
        let own = office.signer("ashdown");
        let fetched = draft(&own, Some(b"paper".to_vec()));
        let problem = office.check(&fetched, &own).expect_err("her own");
        assert_eq!((problem.exit().code(), problem.reason()), (3, Some("SAME_PERSON")));
    }

    #[test]
    fn a_draft_that_is_another_document_than_the_server_says_is_not_approved() {
        let office = Office::new();
        let mut fetched = draft(&office.signer("hale"), Some(b"paper".to_vec()));
        fetched.facts.kind = "order".to_owned();
        let problem = office.check(&fetched, &office.signer("ashdown")).expect_err("another");
        assert_eq!(problem.exit().code(), 4);
    }

    #[test]
    fn a_draft_by_a_stranger_with_the_same_names_is_not_approved() {
        let office = Office::new();
        let fetched = draft(&Office::new().signer("hale"), Some(b"paper".to_vec()));
        let problem = office.check(&fetched, &office.signer("ashdown")).expect_err("a stranger");
        assert_eq!(problem.exit().code(), 4);
        assert!(problem.message().contains("signature001.p7s"), "{problem}");
    }

    #[test]
    fn a_draft_that_only_the_seal_signed_is_not_approved() {
        let office = Office::new();
        let (known, seal) = office.seal();
        let fetched = draft(&seal, Some(b"paper".to_vec()));
        let approver = office.signer("ashdown");
        let problem = check_draft(&office.session(), &fetched, &approver, &known).expect_err("no person");
        assert_eq!(problem.exit().code(), 4);
        assert!(problem.message().contains("not signed by a person"), "{problem}");
    }

    #[test]
    fn nobody_approves_her_own_draft_with_a_second_certificate() {
        let office = Office::new();
        // The same register number, another key.
        let (first, second) = (office.signer("ashdown"), office.signer("ashdown"));
        let fetched = draft(&first, Some(b"paper".to_vec()));
        let problem = office.check(&fetched, &second).expect_err("one person");
        assert_eq!(problem.reason(), Some("SAME_PERSON"));
    }
}
