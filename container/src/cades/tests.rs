//! What a signature must be, said by breaking each rule once.

mod hostile;

use super::profile::{self, Parts, SignedPart};
use super::*;
use crate::encoding::{CONTEXT_0, INTEGER, NULL, OCTET_STRING, SET, element, oid, sequence, set_of};
use crate::testing::{
    anchors, instant, key, now, officer, openssl_accepts, root, seal, two_levels, with_keys,
};
use rogatory_pki::path::PathError;
use rogatory_pki::signing::{FileSigner, SignError, Signer};

const CONTENT: &[u8] = b"<?xml version=\"1.0\"?>\n<manifest/>\n";

fn read(der: &[u8]) -> Result<ParsedSignature, CadesError> {
    parse(der, Framing::Canonical)
}

fn assert_verifies(signer: &FileSigner, trusted: &rogatory_pki::path::Anchors) {
    let function = Some("procuror, Direcția cooperare");
    let der = sign(CONTENT, signer, now(), function).unwrap();
    let parsed = read(&der).unwrap();
    let verified = verify(&parsed, CONTENT, trusted, now()).unwrap();
    assert_eq!(verified.function(), function);
    assert_eq!(verified.claimed_time(), now());
    assert_eq!(verified.certificate(), &signer.chain()[0]);
    assert_eq!(verified.content_digest(), rogatory_core::Digest::of(CONTENT));
    assert_eq!(parsed.certificates().len(), signer.chain().len());
    assert_ne!(openssl_accepts(&der, CONTENT, trusted), Some(false));
    assert_ne!(openssl_accepts(&der, b"other", trusted), Some(true));
    assert!(matches!(verify(&parsed, b"other", trusted, now()), Err(CadesError::MessageDigest)));
    let foreign = parse(&der, Framing::Foreign).unwrap();
    let verified = verify(&foreign, CONTENT, trusted, now()).unwrap();
    assert_eq!(verified.function(), function);
}

#[test]
fn p256_signatures_verify_here_and_in_openssl() {
    let (root, issuing) = two_levels();
    assert_verifies(&officer(&issuing, "rusu"), &anchors(&root));
    assert_verifies(&seal(&root), &anchors(&root));
}

#[test]
fn p384_signatures_verify_here_and_in_openssl() {
    let algorithm = &rcgen::PKCS_ECDSA_P384_SHA384;
    let (signer, trusted) = with_keys(key(algorithm), key(algorithm));
    assert_verifies(&signer, &trusted);
}

#[test]
fn rsa_signatures_verify_here_and_in_openssl() {
    let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072);
    let (signer, trusted) = with_keys(key(&rcgen::PKCS_ECDSA_P256_SHA256), rsa.unwrap());
    assert_verifies(&signer, &trusted);
}

#[test]
fn a_signature_without_function_is_as_good() {
    let ca = root("Root");
    let der = sign(CONTENT, &seal(&ca), now(), None).unwrap();
    let verified = verify(&read(&der).unwrap(), CONTENT, &anchors(&ca), now()).unwrap();
    assert_eq!(verified.function(), None);
    assert_ne!(openssl_accepts(&der, CONTENT, &anchors(&ca)), Some(false));
}

#[test]
fn times_are_utc_until_2049_and_generalized_afterwards() {
    let ca = root("Root");
    let signer = seal(&ca);
    for (text, tag) in [
        ("1970-01-01T00:00:00Z", b"\x17\x0d700101000000Z"),
        ("2049-12-31T23:59:59.9Z", b"\x17\x0d491231235959Z"),
    ] {
        let der = sign(CONTENT, &signer, instant(text), None).unwrap();
        assert!(der.windows(15).any(|w| w == tag), "{text}");
        assert_eq!(read(&der).unwrap().claimed_time(), instant(text).whole_seconds());
    }
    let der = sign(CONTENT, &signer, instant("2050-01-01T00:00:00Z"), None).unwrap();
    assert!(der.windows(17).any(|w| w == b"\x18\x0f20500101000000Z"));
    assert!(read(&der).is_ok());
    let early = sign(CONTENT, &signer, instant("1969-12-31T23:59:59Z"), None);
    assert!(matches!(early, Err(CadesError::Time)));
}

#[test]
fn functions_are_one_line_of_text() {
    let ca = root("Root");
    let signer = seal(&ca);
    for bad in ["", " x", "x\n", "a\u{0}b", &"é".repeat(101)] {
        let refused = sign(CONTENT, &signer, now(), Some(bad));
        assert!(matches!(refused, Err(CadesError::Function)), "{bad:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_signature_is_detected() {
    let (root, issuing) = two_levels();
    let trusted = anchors(&root);
    let der = sign(CONTENT, &officer(&issuing, "rusu"), now(), Some("prosecutor")).unwrap();
    for at in 0..der.len() {
        for bit in 0..8 {
            let mut other = der.clone();
            other[at] ^= 1 << bit;
            let verified = read(&other).and_then(|s| verify(&s, CONTENT, &trusted, now()));
            assert!(verified.is_err(), "byte {at} bit {bit}");
        }
    }
    for length in 0..der.len() {
        assert!(read(&der[..length]).is_err());
    }
}

#[test]
fn another_authority_an_expired_and_a_future_certificate_are_refused() {
    let (ca, other) = (root("Root"), root("Root"));
    let parsed = read(&sign(CONTENT, &seal(&ca), now(), None).unwrap()).unwrap();
    let path_error = |anchors: &rogatory_pki::path::Anchors, at| match verify(&parsed, CONTENT, anchors, at) {
        Err(CadesError::Path(error)) => error,
        other => panic!("{other:?}"),
    };
    path_error(&anchors(&other), now());
    let none = rogatory_pki::path::Anchors::new();
    assert!(matches!(path_error(&none, now()), PathError::NoAnchors));
    let late = path_error(&anchors(&ca), instant("2037-01-01T00:00:00Z"));
    assert!(matches!(late, PathError::Expired { .. }));
    let early = path_error(&anchors(&ca), instant("2025-01-01T00:00:00Z"));
    assert!(matches!(early, PathError::NotYetValid { .. }));
    assert!(verify_integrity(&parsed, CONTENT).is_ok());
}

#[test]
fn an_anchor_in_the_middle_of_the_chain_is_good_enough() {
    let (_, issuing) = two_levels();
    let parsed = read(&sign(CONTENT, &officer(&issuing, "rusu"), now(), None).unwrap()).unwrap();
    assert_eq!(parsed.certificates().len(), 2);
    verify(&parsed, CONTENT, &anchors(&issuing), now()).unwrap();
}

#[test]
fn a_signer_that_errs_or_lies_signs_nothing() {
    struct Lying<'a>(&'a FileSigner, Vec<u8>);
    impl Signer for Lying<'_> {
        fn algorithm(&self) -> rogatory_pki::signing::SignatureAlgorithm {
            self.0.algorithm()
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Ok(self.1.clone())
        }
        fn chain(&self) -> &[rogatory_pki::certificate::Certificate] {
            self.0.chain()
        }
    }
    let ca = root("Root");
    let signer = seal(&ca);
    let of_other = signer.sign(b"something else").unwrap();
    let lying = sign(CONTENT, &Lying(&signer, of_other), now(), None);
    assert!(matches!(lying, Err(CadesError::Signature(_))));
    let noise = sign(CONTENT, &Lying(&signer, vec![0; 64]), now(), None);
    assert!(matches!(noise, Err(CadesError::EcdsaValue)));
}

/// A signature with every piece replaceable, signed anew; the pieces begin as the canonical ones.
struct Craft {
    signer: FileSigner,
    info_type: Vec<u8>,
    version: Vec<u8>,
    digests: Vec<u8>,
    encapsulated: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    signer_version: Vec<u8>,
    digest: Vec<u8>,
    attributes: Vec<Vec<u8>>,
    sorted: bool,
    algorithm: Vec<u8>,
    unsigned: Vec<u8>,
    signers: usize,
}

fn null_parameters(dotted: &str) -> Vec<u8> {
    let identifier = profile::named("", dotted).unwrap();
    sequence(&[&oid(identifier), &element(NULL, &[])])
}

fn bare(dotted: &str) -> Vec<u8> {
    sequence(&[&oid(profile::named("", dotted).unwrap())])
}

fn attribute(identifier: der::asn1::ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    sequence(&[&oid(identifier), &element(SET, values)])
}

impl Craft {
    fn new(signer: FileSigner) -> Self {
        let digest = bare(signer.algorithm().digest().oid());
        let message_digest = signer.algorithm().digest().digest(CONTENT);
        let leaf = signer.chain()[0].clone();
        let attributes = vec![
            attribute(profile::CONTENT_TYPE, &[&oid(profile::DATA)]),
            attribute(profile::MESSAGE_DIGEST, &[&element(OCTET_STRING, &[&message_digest])]),
            attribute(profile::SIGNING_TIME, &[&element(0x17, &[b"261122142000Z"])]),
            attribute(profile::SIGNING_CERTIFICATE_V2, &[&profile::signing_certificate(&leaf)]),
        ];
        Self {
            info_type: oid(profile::SIGNED_DATA),
            version: element(INTEGER, &[&[1]]),
            digests: element(SET, &[&digest]),
            encapsulated: sequence(&[&oid(profile::DATA)]),
            certificates: signer.chain().iter().map(|c| c.der().to_vec()).collect(),
            signer_version: element(INTEGER, &[&[1]]),
            digest,
            attributes,
            sorted: true,
            algorithm: bare(signer.algorithm().oid()),
            unsigned: Vec::new(),
            signers: 1,
            signer,
        }
    }

    fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut craft = Self::new(seal(&root("Root")));
        change(&mut craft);
        craft.build(|signature| signature)
    }

    fn build(&self, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let leaf = &self.signer.chain()[0];
        let serial = element(INTEGER, &[leaf.serial()]);
        let set = |tag| {
            let refs: Vec<_> = self.attributes.iter().map(Vec::as_slice).collect();
            if self.sorted { set_of(tag, self.attributes.clone()) } else { element(tag, &refs) }
        };
        let (message, attributes) = if self.attributes.is_empty() {
            (CONTENT.to_vec(), Vec::new())
        } else {
            (set(SET), set(CONTEXT_0))
        };
        let signature = change(self.signer.sign(&message).unwrap());
        let info = sequence(&[
            &self.signer_version,
            &sequence(&[leaf.issuer_der(), &serial]),
            &self.digest,
            &attributes,
            &self.algorithm,
            &element(OCTET_STRING, &[&signature]),
            &self.unsigned,
        ]);
        let mut infos = vec![info; self.signers];
        if let Some(second) = infos.get_mut(1) {
            *second = sequence(&[&element(INTEGER, &[&[3]]), &second[second.len() - 300..]]);
        }
        let infos: Vec<_> = infos.iter().map(Vec::as_slice).collect();
        let data = sequence(&[
            &self.version,
            &self.digests,
            &self.encapsulated,
            &set_of(CONTEXT_0, self.certificates.clone()),
            &element(SET, &infos),
        ]);
        sequence(&[&self.info_type, &element(CONTEXT_0, &[&data])])
    }
}

#[test]
fn the_crafted_signature_is_good_before_it_is_broken() {
    let parsed = read(&Craft::with(|_| {})).unwrap();
    verify_integrity(&parsed, CONTENT).unwrap();
}

#[test]
fn a_signature_without_signed_attributes_is_refused_though_openssl_accepts_it() {
    let ca = root("Root");
    let mut craft = Craft::new(seal(&ca));
    craft.attributes.clear();
    let der = craft.build(|s| s);
    assert!(matches!(read(&der), Err(CadesError::NoSignedAttributes)));
    assert!(matches!(parse(&der, Framing::Foreign), Err(CadesError::NoSignedAttributes)));
    // Whatever this openssl says, it must not crash our instructions: the answer is only looked at.
    let _ = openssl_accepts(&der, CONTENT, &anchors(&ca));
}

#[test]
fn missing_and_repeated_attributes_are_refused() {
    for (place, name) in
        [(0, "content-type"), (1, "message-digest"), (2, "signing-time"), (3, "signing-certificate-v2")]
    {
        let without = Craft::with(|c| drop(c.attributes.remove(place)));
        let error = read(&without).unwrap_err();
        assert!(matches!(error, CadesError::MissingAttribute(n) if n == name), "{error}");
    }
    let time = |text: &[u8]| element(0x17, &[text]);
    let twice = Craft::with(|c| {
        c.attributes.push(attribute(profile::SIGNING_TIME, &[&time(b"261122142001Z")]));
    });
    assert!(matches!(read(&twice), Err(CadesError::RepeatedAttribute(_))));
    let two_values = Craft::with(|c| {
        let values: [&[u8]; 2] = [&time(b"261122142000Z"), &time(b"261122142001Z")];
        c.attributes[2] = attribute(profile::SIGNING_TIME, &values);
    });
    assert!(matches!(read(&two_values), Err(CadesError::RepeatedAttribute(_))));
    let no_value = Craft::with(|c| c.attributes[2] = attribute(profile::SIGNING_TIME, &[]));
    assert!(matches!(read(&no_value), Err(CadesError::RepeatedAttribute(_))));
    let identical = Craft::with(|c| c.attributes.push(c.attributes[2].clone()));
    assert!(matches!(read(&identical), Err(CadesError::Malformed { .. })));
}

#[test]
fn unknown_signed_attributes_are_refused_or_passed_over() {
    let der = Craft::with(|c| {
        c.attributes.push(attribute(profile::TITLE, &[&element(NULL, &[])]));
    });
    assert!(matches!(read(&der), Err(CadesError::UnknownAttribute(_))));
    let foreign = parse(&der, Framing::Foreign).unwrap();
    verify_integrity(&foreign, CONTENT).unwrap();
}

#[test]
fn unsigned_attributes_are_refused_by_name() {
    let der = Craft::with(|c| {
        let inner = attribute(profile::TITLE, &[&element(NULL, &[])]);
        c.unsigned = element(0xa1, &[&inner]);
    });
    assert!(matches!(read(&der), Err(CadesError::UnsignedAttributes)));
    assert!(parse(&der, Framing::Foreign).is_ok());
}

#[test]
fn several_signers_and_none_are_refused() {
    for signers in [0, 2] {
        let der = Craft::with(|c| c.signers = signers);
        let error = read(&der).unwrap_err();
        let refused = matches!(error, CadesError::Signers(n) if n == signers)
            || matches!(error, CadesError::Malformed { .. });
        assert!(refused, "{error}");
    }
}

#[test]
fn attributes_that_say_something_else_are_refused() {
    let short = Craft::with(|c| {
        let digest = element(OCTET_STRING, &[&[7; 20]]);
        c.attributes[1] = attribute(profile::MESSAGE_DIGEST, &[&digest]);
    });
    assert!(matches!(read(&short), Err(CadesError::AttributeValue("message-digest"))));
    let other_type = Craft::with(|c| {
        c.attributes[0] = attribute(profile::CONTENT_TYPE, &[&oid(profile::SIGNED_DATA)]);
    });
    assert!(matches!(read(&other_type), Err(CadesError::AttributeValue("content-type"))));
    let other = seal(&root("Other")).chain()[0].clone();
    let other_certificate = Craft::with(|c| {
        let value = profile::signing_certificate(&other);
        c.attributes[3] = attribute(profile::SIGNING_CERTIFICATE_V2, &[&value]);
    });
    assert!(matches!(read(&other_certificate), Err(CadesError::OtherCertificate { .. })));
    let foreign = parse(&other_certificate, Framing::Foreign);
    assert!(matches!(foreign, Err(CadesError::OtherCertificate { .. })));
    for bad in ["", " x", "x\u{7}"] {
        let function = Craft::with(|c| {
            let value = profile::claimed_function(bad);
            c.attributes.push(attribute(profile::SIGNER_ATTRIBUTES_V2, &[&value]));
        });
        let error = read(&function).unwrap_err();
        assert!(matches!(error, CadesError::AttributeValue("signer-attributes-v2")), "{error}");
    }
}

#[test]
fn times_in_another_notation_are_refused() {
    for (tag, text) in [
        (0x18, &b"20261122142000Z"[..]),
        (0x17, b"2611221420Z"),
        (0x17, b"261122142000+0000"),
        (0x18, b"20511122142000.5Z"),
        (0x17, b"261322142000Z"),
    ] {
        let der = Craft::with(|c| {
            c.attributes[2] = attribute(profile::SIGNING_TIME, &[&element(tag, &[text])]);
        });
        assert!(read(&der).is_err(), "{text:?}");
    }
}

#[test]
fn only_the_closed_list_of_algorithms_is_accepted() {
    let sha1 = "1.3.14.3.2.26";
    let changes: [&dyn Fn(&mut Craft); 8] = [
        &|c| c.digest = bare(sha1),
        &|c| c.digest = null_parameters("2.16.840.1.101.3.4.2.1"),
        &|c| c.digests = element(SET, &[&null_parameters("2.16.840.1.101.3.4.2.1")]),
        &|c| c.digests = element(SET, &[]),
        &|c| c.digests = set_of(SET, vec![bare(sha1), c.digest.clone()]),
        &|c| c.algorithm = null_parameters("1.2.840.10045.4.3.2"),
        &|c| c.algorithm = bare("1.2.840.10045.4.1"),
        &|c| c.algorithm = bare("1.2.840.10045.4.3.3"),
    ];
    for (n, change) in changes.iter().enumerate() {
        let error = read(&Craft::with(change)).unwrap_err();
        let named = matches!(error, CadesError::Algorithm { .. } | CadesError::Structure(_));
        assert!(named, "{n}: {error}");
    }
    let null = Craft::with(|c| {
        c.digest = null_parameters("2.16.840.1.101.3.4.2.1");
        c.digests = element(SET, &[&c.digest]);
    });
    assert!(parse(&null, Framing::Foreign).is_ok());
}

#[test]
fn the_envelope_has_one_form() {
    let enveloped = sequence(&[&oid(profile::DATA), &element(CONTEXT_0, &[&element(4, &[CONTENT])])]);
    let changes: [&dyn Fn(&mut Craft); 6] = [
        &|c| c.encapsulated = enveloped.clone(),
        &|c| c.encapsulated = sequence(&[&oid(profile::SIGNED_DATA)]),
        &|c| c.version = element(INTEGER, &[&[3]]),
        &|c| c.signer_version = element(INTEGER, &[&[3]]),
        &|c| c.info_type = oid(profile::DATA),
        &|c| c.certificates.clear(),
    ];
    for (n, change) in changes.iter().enumerate() {
        assert!(read(&Craft::with(change)).is_err(), "{n}");
    }
    let good = Craft::with(|_| {});
    let trailing = [&good[..], &[0]].concat();
    assert!(matches!(read(&trailing), Err(CadesError::Malformed { .. })));
    let mut indefinite = vec![0x30, 0x80];
    indefinite.extend_from_slice(&good[4..]);
    indefinite.extend_from_slice(&[0, 0]);
    assert!(matches!(read(&indefinite), Err(CadesError::Malformed { .. })));
    let unsorted = Craft::with(|c| {
        c.sorted = false;
        c.attributes.reverse();
    });
    let error = read(&unsorted).unwrap_err();
    assert!(matches!(error, CadesError::NotCanonical { .. } | CadesError::Malformed { .. }));
    assert!(matches!(read(&vec![0; MAX_SIGNATURE_BYTES + 1]), Err(CadesError::TooLong(_))));
}

#[test]
fn embedded_certificates_are_the_path_and_nothing_else() {
    let ca = root("Root");
    let unrelated = seal(&root("Other")).chain()[0].clone();
    let mut craft = Craft::new(seal(&ca));
    craft.certificates.push(unrelated.der().to_vec());
    let parsed = read(&craft.build(|s| s)).unwrap();
    let error = verify(&parsed, CONTENT, &anchors(&ca), now()).unwrap_err();
    assert!(matches!(error, CadesError::UnusedCertificate { .. }), "{error}");
    let foreign = parse(&craft.build(|s| s), Framing::Foreign).unwrap();
    verify(&foreign, CONTENT, &anchors(&ca), now()).unwrap();
    let mut craft = Craft::new(seal(&ca));
    craft.certificates.push(ca.certificate().der().to_vec());
    assert!(matches!(read(&craft.build(|s| s)), Err(CadesError::SelfSigned { .. })));
    let without = Craft::with(|c| c.certificates = vec![unrelated.der().to_vec()]);
    assert!(matches!(read(&without), Err(CadesError::NoSignerCertificate)));
}

#[test]
fn ecdsa_values_are_minimal() {
    let craft = Craft::new(seal(&root("Root")));
    let padded = craft.build(|signature| {
        // The length of r grows by one and a zero goes before it.
        let mut out = signature.clone();
        out[1] += 1;
        out[3] += 1;
        out.insert(4, 0);
        out
    });
    assert!(matches!(read(&padded), Err(CadesError::EcdsaValue)));
    let trailing = craft.build(|signature| [&signature[..], &[0]].concat());
    assert!(matches!(read(&trailing), Err(CadesError::EcdsaValue)));
    let zero = craft.build(|_| vec![0x30, 6, 2, 1, 0, 2, 1, 0]);
    assert!(matches!(read(&zero), Err(CadesError::EcdsaValue)));
    let raw = craft.build(|_| vec![1; 64]);
    assert!(matches!(read(&raw), Err(CadesError::EcdsaValue)));
}

#[test]
fn a_signature_of_another_key_is_wrong() {
    let (one, two) = (root("Root"), root("Root"));
    let good = read(&sign(CONTENT, &seal(&one), now(), None).unwrap()).unwrap();
    let other = seal(&two);
    let swapped = Parts {
        signed: SignedPart { leaf: other.chain()[0].clone(), ..good.parts.signed.clone() },
        certificates: other.chain().to_vec(),
        ..good.parts.clone()
    };
    let parsed = read(&swapped.encode().unwrap()).unwrap();
    let error = verify(&parsed, CONTENT, &anchors(&two), now()).unwrap_err();
    assert!(matches!(error, CadesError::Signature(_)));
}
