//! Signers with certificates of other kinds: below an intermediate authority, of other keys, with URIs.

use super::bench::{Bench, How, PARTY, S1, S2};
use super::{AT, TRUSTED};
use crate::vectors_made::raw_zip;
use crate::vectors_made::{Files, add, officer, validity};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize, SanType, date_time_ymd,
};
use rogatory_pki::signing::FileSigner;

/// As somebody verifies who trusts the further authority too.
const FURTHER: &[(&str, &str)] = &[("trust", "further-anchors.pem"), ("identity", "identity.key"), AT];

/// An authority that issues what the development authority does not.
struct Further {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2036, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

impl Further {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
        let mut root = params("Further root of the vectors");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = root.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(root, key) }
    }

    fn issue(&self, key: &KeyPair, uris: &[&str]) -> FileSigner {
        let mut leaf = params("Signer of another kind");
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        let uri = |uri: &&str| SanType::URI((*uri).try_into().expect("a URI"));
        leaf.subject_alt_names = uris.iter().map(uri).collect();
        let certificate = leaf.signed_by(key, &self.issuer).expect("a certificate").pem();
        FileSigner::from_pem(&key.serialize_pem(), &certificate).expect("a signer")
    }

    fn with_uris(&self, uris: &[&str]) -> FileSigner {
        self.issue(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key"), uris)
    }
}

pub(super) fn certificates(files: &mut Files, bench: &Bench) {
    let further = Further::new();
    files.insert("further-anchors.pem".to_owned(), further.pem.clone().into_bytes());
    let mut made =
        |name: &str, about: &str, part: Option<&str>, header: &[(&str, &str)], signer: &FileSigner| {
            let list = bench.seal_as(name, b"the content of the letter", How { signer, ..bench.how() });
            add(files, name, about, part, header, raw_zip::write(&list, b""));
        };
    let issuing = bench.root.intermediate("Issuing authority of the vectors", validity()).expect("issues");
    let below = officer(&issuing, PARTY, "rusu", "PNOMD-1");
    let about =
        "C5: the signer's certificate was issued by an authority below the anchor; the signatures hold both.";
    made("good-intermediate", about, None, TRUSTED, &below);
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let about = "C3: the signer's key is on P-384; the signatures are over SHA-384.";
    made("good-p384", about, None, FURTHER, &further.issue(&p384, &[]));
    let rsa = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).expect("a key");
    made("good-rsa", "C3: the signer's key is RSA of 3,072 bits.", None, FURTHER, &further.issue(&rsa, &[]));

    let own = "rogatory://md/central-authority/officer/rusu";
    let about = "Step 6: the signer's certificate has the URI of an officer of the sender's institution.";
    made("good-officer-uri", about, None, FURTHER, &further.with_uris(&[own]));
    let about = "Step 6: the signer's certificate has a URI of another scheme, which names nobody here.";
    made("good-foreign-uri", about, None, FURTHER, &further.with_uris(&["https://signer.example/"]));
    let mut bad = |name: &str, about: &str, uris: &[&str]| {
        made(name, about, Some(S1), FURTHER, &further.with_uris(uris));
    };
    let institution = "rogatory://md/central-authority";
    let about = "Step 6: the signer's certificate has two URIs, of an officer and of the institution.";
    bad("officer-several-uris", about, &[own, institution]);
    let about = "Step 6: the signer's certificate has two URIs, one of another scheme.";
    bad("officer-foreign-uri-more", about, &[own, "https://signer.example/"]);
    let about = "Step 6: the signer is an officer of another institution than the transmittal names.";
    bad("officer-of-another", about, &["rogatory://md/prosecution/officer/smith"]);
    let about = "Step 6: the signer's certificate is an institution's.";
    bad("officer-is-institution", about, &[institution]);

    // The seal, over a package of an officer of the same authority.
    let person = further.with_uris(&[]);
    let list =
        bench.seal_as("sealed further", b"the content of the letter", How { signer: &person, ..bench.how() });
    let mut sealed = |name: &str, about: &str, part: Option<&str>, uris: &[&str]| {
        let list = bench.with_seal(&list, &further.with_uris(uris));
        add(files, name, about, part, FURTHER, raw_zip::write(&list, b""));
    };
    let about = "Step 7: the certificate of 002 has the URI of the institution that the transmittal names.";
    sealed("good-seal-uri", about, None, &[institution]);
    let about = "Step 7: the certificate of 002 has the URI of another institution.";
    sealed("seal-of-another", about, Some(S2), &["rogatory://md/prosecution"]);
    let about = "Step 7: the certificate of 002 has the URI of an officer.";
    sealed("seal-by-an-officer", about, Some(S2), &[own]);
    let about = "Step 7: the certificate of 002 has two URIs.";
    sealed("seal-several-uris", about, Some(S2), &[institution, "rogatory://md/prosecution"]);
}
