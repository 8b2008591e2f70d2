//! Tests over whole packages: what is sealed comes back, and nothing else is believed.

#[cfg(target_os = "linux")]
mod bounds;
mod bundles;
#[path = "../../tests/made/case_record.rs"]
mod case_record;
mod derived;
mod downgrade;
mod facts;
#[cfg(target_os = "linux")]
mod fidelity;
mod flips;
mod forged;
mod hostile;
#[cfg(target_os = "linux")]
mod odd_sources;
mod round_trip;
mod sealing;
mod seals;
mod sensitive;
mod stamps;
mod tools;

use crate::age_layer::{AgeRecipient, Identities, generate_identity};
use crate::seal::{
    Output, SealError, SealOptions, SealRecipient, SealRecovery, SealReport, SealRequest, seal,
};
use crate::streams::NoProgress;
use crate::verify::{Outcome, Verdict, VerifyOptions, verify};
use rogatory_core::entropy::Entropy;
use rogatory_core::party::{OfficerId, PartyId};
use rogatory_core::{CountryCode, Timestamp};
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::FileSigner;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn now() -> Timestamp {
    "2026-11-22T14:20:00Z".parse().expect("an instant")
}

/// Counts, so that every salt is another one and every run the same.
#[derive(Default)]
pub(super) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = u8::try_from(self.0.fetch_add(1, Ordering::Relaxed) * 167 % 256).unwrap_or(0);
        }
    }
}

/// A national authority with one office in it.
pub(super) struct Office {
    pub(super) ca: DevelopmentCa,
    pub(super) party: PartyId,
    pub(super) officer: FileSigner,
    pub(super) seal: FileSigner,
    pub(super) anchors: Anchors,
}

pub(super) fn office(country: &str) -> Office {
    office_of(country, Validity::days(now().plus_seconds(-86_400), 365).expect("validity"))
}

/// The same with certificates for other days.
pub(super) fn office_of(country: &str, validity: Validity) -> Office {
    let code: CountryCode = country.parse().expect("a country");
    let ca = DevelopmentCa::new(code, "Test root", validity).expect("an authority");
    let party: PartyId = format!("{country}/central-authority").parse().expect("a party");
    let officer = OfficerId::new(party.clone(), "rusu").expect("an officer");
    let issued = ca.issue_officer_signing(&officer, "Ion Rusu", "PNOMD-1", validity).expect("issues");
    let sealing = ca.issue_seal(&party, "Central Authority Seal", validity).expect("issues");
    Office {
        anchors: Anchors::from_pem(&ca.certificate_pem(), None).expect("anchors"),
        party,
        officer: FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer"),
        seal: FileSigner::from_pem(&sealing.key_pem, &sealing.certificate_pem).expect("a signer"),
        ca,
    }
}

/// An office, a recipient, and a folder to work in.
pub(super) struct Bench {
    pub(super) folder: tempfile::TempDir,
    pub(super) office: Office,
    pub(super) recipient: AgeRecipient,
    pub(super) identity_file: String,
    pub(super) entropy: Counting,
}

pub(super) fn bench() -> Bench {
    let (file, recipient) = generate_identity();
    Bench {
        folder: tempfile::tempdir().expect("a folder"),
        office: office("md"),
        recipient,
        identity_file: file.to_string(),
        entropy: Counting::default(),
    }
}

impl Bench {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("makes");
        std::fs::write(&path, content).expect("writes");
        path
    }

    pub(super) fn identities(&self) -> Identities {
        Identities::parse(&[&self.identity_file]).expect("an identity")
    }

    pub(super) fn options(&self) -> VerifyOptions<'_> {
        VerifyOptions::new(&self.office.anchors, now())
    }

    pub(super) fn options_with_identity(&self) -> VerifyOptions<'_> {
        VerifyOptions { identities: self.identities(), ..self.options() }
    }

    /// Seals with bare keys, as somebody without a profile does; `change` alters the request.
    pub(super) fn seal_with(
        &self,
        signer: &FileSigner,
        paths: &[PathBuf],
        output: Output,
        change: impl FnOnce(&mut SealRequest<'_>),
    ) -> Result<SealReport, SealError> {
        let mut progress = NoProgress;
        let mut request = SealRequest {
            paths: paths.to_vec(),
            recipients: vec![SealRecipient::bare(self.recipient.clone())],
            recovery: SealRecovery::NoOfficeConfigured,
            order: None,
            reference: None,
            institution: None,
            signer,
            function: None,
            now: now(),
            entropy: &self.entropy,
            output,
            options: SealOptions::default(),
            progress: &mut progress,
        };
        change(&mut request);
        seal(request)
    }

    pub(super) fn seal(&self, paths: &[PathBuf], output: Output) -> Result<SealReport, SealError> {
        self.seal_with(&self.office.officer, paths, output, |_| ())
    }

    /// A small container file `name` over a file, an empty file and a folder.
    pub(super) fn small_package(&self, name: &str) -> PathBuf {
        let letter = self.file("letter.txt", b"the content of the letter");
        let empty = self.file("empty", b"");
        self.file("photos/a.jpg", &[7; 700]);
        let output = self.path(name);
        let paths = [letter, empty, self.path("photos")];
        self.seal(&paths, Output::AsiceFile(output.clone())).expect("seals");
        output
    }
}

pub(super) fn check(path: &Path, options: &VerifyOptions<'_>) -> Verdict {
    verify(path, options, &mut NoProgress)
}

/// Demands a failure that names a part; gives the texts of all failures.
pub(super) fn failures(verdict: &Verdict) -> String {
    assert!(!verdict.is_verified(), "verified although it must not be");
    let texts: Vec<&str> = verdict.failures().map(|check| check.text.as_str()).collect();
    assert!(!texts.is_empty(), "no failure is named");
    texts.join("\n")
}

pub(super) fn assert_verified(verdict: &Verdict) {
    assert!(verdict.is_verified(), "{verdict}");
    assert!(!verdict.checks().iter().any(|check| matches!(check.outcome, Outcome::Failed { .. })));
}

/// Copies a folder of a package, two levels deep.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("makes");
    for entry in std::fs::read_dir(from).expect("lists") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}
