//! Authorities, signers and instants for the tests, and the `openssl` that checks our signatures.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SignatureAlgorithm,
    date_time_ymd,
};
use rogatory_core::{OfficerId, PartyId, Timestamp};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::FileSigner;
use std::process::Command;

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When the tests sign and verify.
pub(crate) fn now() -> Timestamp {
    instant("2026-11-22T14:20:00Z")
}

pub(crate) fn validity() -> Validity {
    let first = instant("2026-01-01T00:00:00Z");
    Validity::new(first, instant("2036-01-01T00:00:00Z")).unwrap()
}

pub(crate) fn root(name: &str) -> DevelopmentCa {
    DevelopmentCa::new("md".parse().unwrap(), name, validity()).unwrap()
}

/// A root and an issuing authority below it.
pub(crate) fn two_levels() -> (DevelopmentCa, DevelopmentCa) {
    let root = root("Root");
    let issuing = root.intermediate("Issuing", validity()).unwrap();
    (root, issuing)
}

pub(crate) fn anchors(ca: &DevelopmentCa) -> Anchors {
    Anchors::from_pem(&ca.certificate_pem(), None).unwrap()
}

pub(crate) fn signer(issued: &Issued) -> FileSigner {
    FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).unwrap()
}

pub(crate) fn officer(ca: &DevelopmentCa, id: &str) -> FileSigner {
    let officer: OfficerId = format!("md/central-authority/officer/{id}").parse().unwrap();
    signer(&ca.issue_officer_signing(&officer, id, "PNOMD-1", validity()).unwrap())
}

pub(crate) fn seal(ca: &DevelopmentCa) -> FileSigner {
    let party: PartyId = "md/central-authority".parse().unwrap();
    signer(&ca.issue_seal(&party, "Seal", validity()).unwrap())
}

/// A root of its own and a signer below it, with keys of another kind.
pub(crate) fn with_keys(root_key: KeyPair, key: KeyPair) -> (FileSigner, Anchors) {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "Other root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.not_before = date_time_ymd(2026, 1, 1);
    root.not_after = date_time_ymd(2036, 1, 1);
    let anchor = root.self_signed(&root_key).unwrap().pem();
    let issuer = Issuer::new(root, root_key);
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name.push(DnType::CommonName, "Signer");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.not_before = date_time_ymd(2026, 1, 1);
    leaf.not_after = date_time_ymd(2036, 1, 1);
    let certificate = leaf.signed_by(&key, &issuer).unwrap().pem();
    let signer = FileSigner::from_pem(&key.serialize_pem(), &certificate).unwrap();
    (signer, Anchors::from_pem(&anchor, None).unwrap())
}

pub(crate) fn key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

/// What `openssl cms -verify -cades` says; `None` where openssl isn't installed.
pub(crate) fn openssl_accepts(signature: &[u8], content: &[u8], anchors: &Anchors) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pem: String = anchors.iter().map(|a| Certificate::to_pem(a.certificate())).collect();
    let output = Command::new("openssl")
        .args(["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any"])
        .args(["-attime", &now().seconds().to_string()])
        .arg("-in")
        .arg(write("signature.p7s", signature))
        .arg("-content")
        .arg(write("manifest.xml", content))
        .arg("-CAfile")
        .arg(write("anchors.pem", pem.as_bytes()))
        .arg("-out")
        .arg(folder.path().join("out"))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        assert!(text.contains("CAdES Verification successful"), "{text}");
        assert_eq!(std::fs::read(folder.path().join("out")).unwrap(), content);
    }
    Some(output.status.success())
}
