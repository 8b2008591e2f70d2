//! Sealing, verifying and opening through the commands, as an officer does it without a network.

use rogatory_client::commands::package::{self, OpenArguments, SealArguments, VerifyArguments};
use rogatory_client::output::Outcome;
use rogatory_client::output::page::Page;
use rogatory_client::profile::KeyPair;
use rogatory_client::trust::Trust;
use rogatory_client::{Exit, Session};
use rogatory_core::{Clock, Entropy, OfficerId, Timestamp};
use rogatory_evidence::Requirement;
use rogatory_evidence::age_layer::generate_identity;
use rogatory_pki::development::{DevelopmentCa, Validity};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-11-22T14:20:00Z".parse().expect("an instant")
    }
}

struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(index % 251).unwrap_or(0);
        }
    }
}

struct Desk {
    directory: tempfile::TempDir,
    session: Session,
    trust: Trust,
    signing: KeyPair,
    identity: Zeroizing<String>,
    recipient: String,
}

impl Desk {
    fn new() -> Self {
        let country = "md".parse().expect("a country");
        let validity =
            Validity::days("2026-11-01T00:00:00Z".parse().expect("an instant"), 90).expect("a validity");
        let ca = DevelopmentCa::new(country, "Demonstration root", validity).expect("a root");
        let officer: OfficerId = "md/nistru-chat/officer/lupu".parse().expect("an officer");
        let issued =
            ca.issue_officer_signing(&officer, "Ana Lupu", "IDMD-1", validity).expect("a certificate");
        let mut trust = Trust::default();
        trust.add(ca.certificate_pem().into_bytes(), Fixed.now(), "the anchors").expect("anchors");
        let (identity, recipient) = generate_identity();
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            session: Session::new(None, Arc::new(Fixed), Arc::new(Counting)),
            trust,
            signing: KeyPair { certificates_pem: issued.certificate_pem, key_pem: issued.key_pem.into() },
            identity,
            recipient: recipient.to_string(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn seal(&self, output: &str) -> package::Sealed {
        fs::write(self.path("chat.csv"), b"from,to,text\n").expect("written");
        fs::create_dir_all(self.path("media")).expect("made");
        fs::write(self.path("media/one.jpg"), vec![7; 200_000]).expect("written");
        let arguments = SealArguments {
            paths: vec![self.path("chat.csv"), self.path("media")],
            recipients: vec![self.recipient.clone()],
            signing: Some(self.signing.clone()),
            output: self.path(output),
            ..Default::default()
        };
        package::seal(&self.session, arguments).await.expect("sealed")
    }

    fn verify(&self, path: &str) -> VerifyArguments {
        VerifyArguments { path: self.path(path), trust: self.trust.clone(), ..Default::default() }
    }
}

#[tokio::test]
async fn a_package_is_sealed_verified_and_opened() {
    let desk = Desk::new();
    let sealed = desk.seal("p.asice").await;
    assert_eq!(sealed.recovery, "no office configured");
    assert_eq!(sealed.exhibits.len(), 2);

    let outer = package::verify(&desk.session, desk.verify("p.asice")).await.expect("a report");
    assert!(outer.verified && outer.complaint().is_none());
    assert_eq!(outer.package_id, Some(sealed.package_id.to_string()));
    assert_eq!(outer.signer_sha256, Some(sealed.signer_sha256));
    assert!(outer.exhibits.is_empty() && outer.seal.is_none());

    let open = OpenArguments {
        verify: VerifyArguments { identities: vec![desk.identity.clone()], ..desk.verify("p.asice") },
        output: desk.path("opened"),
        ..Default::default()
    };
    let opened = package::open(&desk.session, open).await.expect("opened");
    assert!(opened.verification.verified);
    assert_eq!(fs::read(desk.path("opened/EX-0001/chat.csv")).expect("there"), b"from,to,text\n");
    assert_eq!(fs::read(desk.path("opened/EX-0002/media/one.jpg")).expect("there"), vec![7; 200_000]);
    let mut page = Page::new();
    opened.show(&mut page);
    assert!(page.lines().any(|line| line.starts_with("opened into")));
}

#[tokio::test]
async fn what_is_required_and_not_checked_fails() {
    let desk = Desk::new();
    desk.seal("p.asice").await;
    let mut arguments = desk.verify("p.asice");
    arguments.require.insert(Requirement::Seal);
    let report = package::verify(&desk.session, arguments).await.expect("a report");
    assert_eq!(report.complaint().expect("a failure").exit(), Exit::VerificationFailed);
}

#[tokio::test]
async fn nobody_trusted_means_not_verified_and_nothing_written() {
    let desk = Desk::new();
    desk.seal("p.asice").await;
    let mut arguments = desk.verify("p.asice");
    arguments.trust = Trust::default();
    let report = package::verify(&desk.session, arguments.clone()).await.expect("a report");
    assert!(report.complaint().expect("a failure").hint().expect("a hint").contains("--trust"));
    arguments.identities.push(desk.identity.clone());
    let open = OpenArguments { verify: arguments, output: desk.path("opened"), ..Default::default() };
    let problem = package::open(&desk.session, open).await.expect_err("not verified");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert!(!problem.details().is_empty());
    assert!(!desk.path("opened").exists());
}

#[tokio::test]
async fn a_changed_exhibit_is_named() {
    let desk = Desk::new();
    desk.seal("p").await;
    let exhibit = desk.path("p/data/EX-0002.age");
    let mut bytes = fs::read(&exhibit).expect("there");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&exhibit, bytes).expect("written");
    let report = package::verify(&desk.session, desk.verify("p")).await.expect("a report");
    let complaint = report.complaint().expect("a failure");
    assert_eq!(complaint.exit(), Exit::VerificationFailed);
    assert!(complaint.details().iter().any(|line| line.contains("data/EX-0002.age")), "{complaint:?}");
}

#[tokio::test]
async fn an_output_that_is_there_is_left_alone() {
    let desk = Desk::new();
    fs::write(desk.path("p.asice"), b"mine").expect("written");
    fs::write(desk.path("a"), b"a").expect("written");
    let arguments = SealArguments {
        paths: vec![desk.path("a")],
        recipients: vec![desk.recipient.clone()],
        signing: Some(desk.signing.clone()),
        output: desk.path("p.asice"),
        ..Default::default()
    };
    let problem = package::seal(&desk.session, arguments).await.expect_err("there already");
    assert!(problem.message().contains("exists already"), "{problem}");
    assert_eq!(fs::read(desk.path("p.asice")).expect("there"), b"mine");
}
