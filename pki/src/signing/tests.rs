use super::*;
use crate::development::{DevelopmentCa, Issued};
use crate::testing::{authority, leaf, long_past, openssl, openssl_succeeds, party, two_years};
use rcgen::{
    KeyPair as RcgenKey, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    PKCS_RSA_SHA256, RsaKeySize,
};
use std::fs;

const MESSAGE: &[u8] = b"the DER of signed attributes";

/// A leaf for a key made elsewhere.
fn for_key(authority: &DevelopmentCa, key: &RcgenKey) -> Issued {
    let params =
        authority.leaf(&party("md/central-authority"), "Leaf", None, two_years()).expect("parameters");
    authority.issue_for(&params, key).expect("a certificate")
}

fn signer(issued: &Issued) -> Result<FileSigner, SignError> {
    FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem)
}

/// The error of a signer that must not come about.
fn refused(key: &str, certificates: &str) -> SignError {
    match FileSigner::from_pem(key, certificates) {
        Ok(_) => panic!("a signer came about"),
        Err(error) => error,
    }
}

#[test]
fn every_kind_of_key_signs_and_is_verified() {
    let authority = authority("md");
    let keys = [
        (RcgenKey::generate_for(&PKCS_ECDSA_P256_SHA256), SignatureAlgorithm::EcdsaP256Sha256),
        (RcgenKey::generate_for(&PKCS_ECDSA_P384_SHA384), SignatureAlgorithm::EcdsaP384Sha384),
        (RcgenKey::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072), SignatureAlgorithm::RsaPkcs1Sha256),
    ];
    for (key, algorithm) in keys {
        let signer = signer(&for_key(&authority, &key.expect("a key"))).expect("a signer");
        assert_eq!(signer.algorithm(), algorithm);
        let signature = signer.sign(MESSAGE).expect("a signature");
        let certificate = signer.certificate().expect("a certificate");
        assert_eq!(verify_signature(certificate, algorithm, MESSAGE, &signature), Ok(()));

        assert_eq!(
            verify_signature(certificate, algorithm, b"another message", &signature),
            Err(SignatureInvalid::Wrong)
        );
        let mut changed = signature.clone();
        *changed.last_mut().expect("bytes") ^= 1;
        assert_eq!(verify_signature(certificate, algorithm, MESSAGE, &changed), Err(SignatureInvalid::Wrong));
        assert_eq!(verify_signature(certificate, algorithm, MESSAGE, &[]), Err(SignatureInvalid::Wrong));
        for other in [
            SignatureAlgorithm::EcdsaP256Sha256,
            SignatureAlgorithm::EcdsaP384Sha384,
            SignatureAlgorithm::RsaPkcs1Sha256,
        ] {
            if other != algorithm {
                assert!(matches!(
                    verify_signature(certificate, other, MESSAGE, &signature),
                    Err(SignatureInvalid::OtherKey { .. })
                ));
            }
        }
    }
}

#[test]
fn openssl_and_we_accept_each_others_signatures() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let authority = authority("md");
    fs::write(folder.join("ca.pem"), authority.certificate_pem()).expect("written");
    fs::write(folder.join("ca.key"), authority.key_pem()).expect("written");
    fs::write(folder.join("message"), MESSAGE).expect("written");
    let keys: [(&[&str], &str); 5] = [
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "sha256"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "sha384"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "sha256"),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"], "sha256"),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "sha512"),
    ];
    for (key, digest) in keys {
        let generate = [&["genpkey", "-out", "key"], key].concat();
        if !openssl_succeeds(folder, &generate) {
            return;
        }
        let subject = "/C=MD/CN=Ana Rusu/serialNumber=PNOMD-1";
        openssl_succeeds(folder, &["req", "-new", "-key", "key", "-subj", subject, "-out", "request"]);
        openssl_succeeds(
            folder,
            &[
                "x509",
                "-req",
                "-in",
                "request",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-out",
                "certificate",
            ],
        );
        let read = |name: &str| fs::read_to_string(folder.join(name)).expect("readable");
        let certificate = Certificate::pem_chain(&read("certificate")).expect("a certificate").swap_remove(0);

        let flag = format!("-{digest}");
        openssl_succeeds(folder, &["dgst", &flag, "-sign", "key", "-out", "signature", "message"]);
        let digest = match digest {
            "sha256" => DigestAlgorithm::Sha256,
            "sha384" => DigestAlgorithm::Sha384,
            _ => DigestAlgorithm::Sha512,
        };
        let algorithm = SignatureAlgorithm::of(certificate.public_key(), digest).expect("an algorithm");
        let signature = fs::read(folder.join("signature")).expect("readable");
        assert_eq!(verify_signature(&certificate, algorithm, MESSAGE, &signature), Ok(()), "{algorithm}");

        if matches!(certificate.public_key(), PublicKey::Rsa { bits: 2048, .. }) {
            let error = refused(&read("key"), &read("certificate"));
            assert!(matches!(error, SignError::KeyKind { key } if key == "RSA 2048"));
            continue;
        }
        let signer = FileSigner::from_pem(&read("key"), &read("certificate")).expect("a signer");
        fs::write(folder.join("ours"), signer.sign(MESSAGE).expect("a signature")).expect("written");
        openssl_succeeds(folder, &["x509", "-in", "certificate", "-pubkey", "-noout", "-out", "public"]);
        let flag = match signer.algorithm().digest() {
            DigestAlgorithm::Sha384 => "-sha384",
            _ => "-sha256",
        };
        openssl_succeeds(folder, &["dgst", flag, "-verify", "public", "-signature", "ours", "message"]);
    }
}

#[test]
fn openssl_verifies_a_signature_made_under_our_certificates() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let authority = authority("md");
    let below = authority.intermediate("Issuing Authority MD", two_years()).expect("an authority");
    let issued = below.issue_seal(&party("md/central-authority"), "Seal", two_years()).expect("a seal");
    let intermediate = below.certificate_pem();
    for (name, content) in [
        ("ca.pem", authority.certificate_pem().as_bytes()),
        ("chain.pem", intermediate.as_bytes()),
        ("seal.pem", issued.certificate_pem.as_bytes()),
        ("seal.key", issued.key_pem.as_bytes()),
        ("content", MESSAGE),
    ] {
        fs::write(folder.join(name), content).expect("written");
    }
    let noon = crate::testing::noon().seconds().to_string();
    if !openssl_succeeds(
        folder,
        &[
            "verify",
            "-attime",
            &noon,
            "-x509_strict",
            "-CAfile",
            "ca.pem",
            "-untrusted",
            "chain.pem",
            "seal.pem",
        ],
    ) {
        return;
    }
    openssl_succeeds(
        folder,
        &[
            "cms",
            "-sign",
            "-binary",
            "-in",
            "content",
            "-signer",
            "seal.pem",
            "-inkey",
            "seal.key",
            "-certfile",
            "chain.pem",
            "-cades",
            "-outform",
            "DER",
            "-out",
            "signature",
        ],
    );
    for purpose in ["smimesign", "any"] {
        openssl_succeeds(
            folder,
            &[
                "cms",
                "-verify",
                "-cades",
                "-binary",
                "-content",
                "content",
                "-in",
                "signature",
                "-inform",
                "DER",
                "-CAfile",
                "ca.pem",
                "-attime",
                &noon,
                "-purpose",
                purpose,
                "-out",
                "out",
            ],
        );
    }
}

#[test]
fn the_chain_leads_upwards_and_leaves_the_root_out() {
    let root = authority("md");
    let below = root.intermediate("Issuing Authority MD", two_years()).expect("an authority");
    let issued = below.issue_seal(&party("md/central-authority"), "Seal", two_years()).expect("a seal");
    let stranger = authority("fr").intermediate("Issuing Authority FR", two_years()).expect("an authority");
    let leaf = crate::testing::certificate(&issued).to_pem();
    let files = [leaf, stranger.certificate_pem(), root.certificate_pem(), below.certificate_pem()].concat();
    let signer = FileSigner::from_pem(&issued.key_pem, &files).expect("a signer");
    assert_eq!(signer.chain(), [crate::testing::certificate(&issued), below.certificate().clone()]);
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let authority = authority("md");
    let one = authority.issue_seal(&party("md/a"), "A", two_years()).expect("a seal");
    let other = authority.issue_seal(&party("md/b"), "B", two_years()).expect("a seal");
    assert!(matches!(refused(&other.key_pem, &one.certificate_pem), SignError::OtherCertificate { .. }));
    let larger = RcgenKey::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    assert!(matches!(
        refused(&larger.serialize_pem(), &one.certificate_pem),
        SignError::OtherCertificate { .. }
    ));
    let edwards = for_key(&authority, &RcgenKey::generate_for(&PKCS_ED25519).expect("a key"));
    assert!(matches!(refused(&edwards.key_pem, &edwards.certificate_pem), SignError::KeyKind { .. }));
    let shorter = RcgenKey::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
    let shorter = for_key(&authority, &shorter);
    assert!(matches!(refused(&shorter.key_pem, &shorter.certificate_pem), SignError::KeyKind { .. }));
}

#[test]
fn files_of_other_kinds_are_refused_with_a_word_what_to_do() {
    let issued = authority("md").issue_seal(&party("md/a"), "A", two_years()).expect("a seal");
    let certificate = &issued.certificate_pem;
    assert!(matches!(refused("", certificate), SignError::Key { .. }));
    assert!(matches!(refused(&issued.key_pem.repeat(2), certificate), SignError::Key { .. }));
    assert!(matches!(refused(&issued.key_pem.repeat(1000), certificate), SignError::Key { .. }));
    assert!(matches!(refused(&issued.key_pem, &issued.key_pem), SignError::Certificate(_)));
    for (label, word) in [("EC ", "PKCS#8"), ("ENCRYPTED ", "encrypted")] {
        let key = issued.key_pem.replace("PRIVATE KEY", &format!("{label}PRIVATE KEY"));
        assert!(refused(&key, certificate).to_string().contains(word), "{word}");
    }
}

#[test]
fn certificates_that_may_not_sign_make_no_signer() {
    let root = authority("md");
    let error = refused(&root.key_pem(), &root.certificate_pem());
    assert!(matches!(error, SignError::NotASigner { .. }), "{error}");
    let agreement = leaf(&root, |params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    assert!(matches!(refused(&agreement.key_pem, &agreement.certificate_pem), SignError::NotASigner { .. }));
    // Validity is judged where the time is known: an expired certificate still makes a signer.
    assert!(signer(&root.issue_seal(&party("md/a"), "A", long_past()).expect("a seal")).is_ok());
}

#[test]
fn a_self_signed_certificate_makes_no_signer() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let request = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "key",
        "-out",
        "certificate",
        "-subj",
        "/CN=Me",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    if openssl(folder, &request).is_none() {
        return;
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("readable");
    let error = refused(&read("key"), &read("certificate"));
    assert!(error.to_string().contains("self-signed"), "{error}");
}
