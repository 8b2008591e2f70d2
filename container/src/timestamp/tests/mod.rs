//! What a time stamp must be, said by breaking each rule once. `openssl ts` has the word in `tests/stock`.

mod made;

use super::*;
use crate::encoding::{CONTEXT_0, GENERALIZED_TIME, INTEGER, OCTET_STRING, SET, element, oid, sequence};
use crate::testing::{anchors, instant, key, root, seal, two_levels, with_keys};
use made::{Craft, DATA, POLICY, answer, attribute, dotted, null_parameters, request_fields, tsa, tsa_valid};
use rogatory_core::Digest;
use rogatory_pki::development::Validity;
use rogatory_pki::path::{Anchors, PathError};
use rogatory_pki::signing::Signer;

fn check(token: &[u8], trusted: &Anchors) -> Result<VerifiedTimestamp, TimestampError> {
    verify(&parse(token)?, Digest::of(DATA), Expected::default(), trusted)
}

fn field(at: usize, value: Vec<u8>) -> Result<VerifiedTimestamp, TimestampError> {
    let ca = root("Root");
    let mut craft = Craft::new(tsa(&ca));
    craft.fields[at] = value;
    check(&craft.build(), &anchors(&ca))
}

#[test]
fn a_good_token_says_when_and_by_whom() {
    let (root, issuing) = two_levels();
    let verified = check(&Craft::new(tsa(&issuing)).build(), &anchors(&root)).unwrap();
    assert_eq!(verified.time(), instant("2026-11-22T14:20:00.25Z"));
    assert_eq!(verified.accuracy_microseconds(), Some(1_500_000));
    assert_eq!(verified.latest(), instant("2026-11-22T14:20:01.75Z"));
    assert_eq!(verified.stamped(), Digest::of(DATA));
    assert_eq!(verified.policy(), POLICY);
    assert_eq!(verified.serial(), [7]);
    assert_eq!(verified.tsa().subject_common_name().unwrap(), "Time Stamping Authority");
    assert_eq!(verified.path().anchor(), root.certificate());
}

#[test]
fn every_flipped_bit_and_every_cut_is_detected() {
    let (root, issuing) = two_levels();
    let trusted = anchors(&root);
    let token = Craft::new(tsa(&issuing)).build();
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut other = token.clone();
            other[at] ^= 1 << bit;
            assert!(check(&other, &trusted).is_err(), "byte {at} bit {bit}");
        }
    }
    for length in 0..token.len() {
        assert!(parse(&token[..length]).is_err(), "cut to {length}");
    }
    assert!(matches!(parse(&[&token[..], &[0]].concat()), Err(TimestampError::Malformed { .. })));
    assert!(matches!(parse(&vec![0x30; MAX_TOKEN_BYTES + 1]), Err(TimestampError::TooLong(_))));
}

#[test]
fn another_imprint_nonce_or_policy_is_another_stamp() {
    let ca = root("Root");
    let trusted = anchors(&ca);
    let token = parse(&Craft::new(tsa(&ca)).build()).unwrap();
    let other = verify(&token, Digest::of(b"other"), Expected::default(), &trusted);
    assert!(matches!(other, Err(TimestampError::Imprint { .. })));
    let nonce = Some(Nonce::from_random([9; 16]));
    let other = verify(&token, Digest::of(DATA), Expected { nonce, policy: None }, &trusted);
    assert!(matches!(other, Err(TimestampError::Nonce)));
    let mut craft = Craft::new(tsa(&ca));
    craft.fields[6] = element(INTEGER, &[Nonce::from_random([9; 16]).as_bytes()]);
    let answered = parse(&craft.build()).unwrap();
    verify(&answered, Digest::of(DATA), Expected { nonce, policy: None }, &trusted).unwrap();
    let mut craft = Craft::new(tsa(&ca));
    craft.fields.remove(6);
    let without = parse(&craft.build()).unwrap();
    let missing = verify(&without, Digest::of(DATA), Expected { nonce, policy: None }, &trusted);
    assert!(matches!(missing, Err(TimestampError::Nonce)));
    for (policy, fits) in [(POLICY, true), ("1.2.3.4.2", false)] {
        let expected = Expected { nonce: None, policy: Some(id_of(policy)) };
        let answer = verify(&token, Digest::of(DATA), expected, &trusted);
        assert_eq!(!matches!(answer, Err(TimestampError::Policy { .. })), fits);
        assert_eq!(answer.is_ok(), fits);
    }
}

fn id_of(text: &str) -> der::asn1::ObjectIdentifier {
    der::asn1::ObjectIdentifier::new(text).unwrap()
}

#[test]
fn the_authority_must_be_trusted_for_time_at_the_stamped_instant() {
    let ca = root("Root");
    let stranger = check(&Craft::new(tsa(&root("Other"))).build(), &anchors(&ca)).unwrap_err();
    assert!(matches!(stranger, TimestampError::Path { .. }), "{stranger}");
    let ended = Validity::new(instant("2026-01-01T00:00:00Z"), instant("2026-11-22T14:19:59Z")).unwrap();
    let expired = check(&Craft::new(tsa_valid(&ca, ended)).build(), &anchors(&ca)).unwrap_err();
    assert!(matches!(expired, TimestampError::Path { source: PathError::Expired { .. }, .. }), "{expired}");
    let later = Validity::new(instant("2026-11-22T14:20:01Z"), instant("2027-01-01T00:00:00Z")).unwrap();
    let early = check(&Craft::new(tsa_valid(&ca, later)).build(), &anchors(&ca)).unwrap_err();
    assert!(matches!(early, TimestampError::Path { source: PathError::NotYetValid { .. }, .. }), "{early}");
    // What ended after the stamped instant proves what it proved.
    let enough = Validity::new(instant("2026-01-01T00:00:00Z"), instant("2026-11-22T14:20:00Z")).unwrap();
    check(&Craft::new(tsa_valid(&ca, enough)).build(), &anchors(&ca)).unwrap();
    let document = check(&Craft::new(seal(&ca)).build(), &anchors(&ca)).unwrap_err();
    let purpose = matches!(document, TimestampError::Path { source: PathError::TimeStamping { .. }, .. });
    assert!(purpose, "{document}");
    assert!(matches!(
        check(&Craft::new(tsa(&ca)).build(), &Anchors::new()),
        Err(TimestampError::Path { source: PathError::NoAnchors, .. })
    ));
}

#[test]
fn rsa_and_p384_authorities_are_taken_and_short_or_other_keys_not() {
    let p384 = &rcgen::PKCS_ECDSA_P384_SHA384;
    // Without the time-stamping purpose the path is what fails: the signature was fine.
    let (signer, trusted) = with_keys(key(p384), key(p384));
    let mut craft = Craft::new(signer);
    craft.digest = sequence(&[&dotted("2.16.840.1.101.3.4.2.2")]);
    let info = sequence(&craft.fields.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let digest = rogatory_pki::signing::DigestAlgorithm::Sha384.digest(&info);
    craft.attributes[1] = attribute("1.2.840.113549.1.9.4", &element(OCTET_STRING, &[&digest]));
    let error = check(&craft.build(), &trusted).unwrap_err();
    assert!(matches!(error, TimestampError::Path { source: PathError::TimeStamping { .. }, .. }), "{error}");
    for (algorithm, accepted) in [
        (null_parameters("1.2.840.113549.1.1.11"), true),
        (null_parameters("1.2.840.113549.1.1.1"), true),
        (sequence(&[&dotted("1.2.840.113549.1.1.11")]), false),
        (null_parameters("1.2.840.113549.1.1.5"), false),
    ] {
        let rsa = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072);
        let (signer, trusted) = with_keys(key(p384), rsa.unwrap());
        let mut craft = Craft::new(signer);
        craft.signature_algorithm = algorithm;
        let error = check(&craft.build(), &trusted).unwrap_err();
        assert_eq!(matches!(error, TimestampError::Path { .. }), accepted, "{error}");
    }
    let sha1 = null_parameters("1.3.14.3.2.26");
    let error = check(&Craft::with(|c| c.digest = sha1), &trusted).unwrap_err();
    assert!(matches!(error, TimestampError::Algorithm { which: "digest algorithm", .. }), "{error}");
}

#[test]
fn the_stamped_information_has_one_form() {
    let time = |text: &[u8]| element(GENERALIZED_TIME, &[text]);
    for bad in [
        &b"20261122142000.50Z"[..],
        b"20261122142000.Z",
        b"20261122142000",
        b"20261122142000+0000",
        b"202611221420Z",
        b"20261322142000Z",
        b"20261122142000.0Z",
        b"19691231235959Z",
        b"2026112214200aZ",
        b"20261122142000.1234567891Z",
    ] {
        let error = field(4, time(bad)).unwrap_err();
        assert!(matches!(error, TimestampError::Time), "{}: {error}", String::from_utf8_lossy(bad));
    }
    let whole = field(4, time(b"20261122142000Z")).unwrap();
    assert_eq!(whole.time(), instant("2026-11-22T14:20:00Z"));
    let fine = field(4, time(b"20261122142000.123456789Z")).unwrap();
    assert_eq!(fine.time(), instant("2026-11-22T14:20:00.123456Z"));
    let millis = |number: &[u8]| sequence(&[&element(0x80, &[number])]);
    for bad in [millis(&[0]), millis(&[3, 0xe8]), millis(&[0xff]), millis(&[0, 1]), millis(&[])] {
        assert!(matches!(field(5, bad), Err(TimestampError::Time)));
    }
    assert_eq!(field(5, millis(&[3, 0xe7])).unwrap().accuracy_microseconds(), Some(999_000));
    assert_eq!(field(5, Vec::new()).unwrap().accuracy_microseconds(), None);
    assert!(matches!(field(0, element(INTEGER, &[&[2]])), Err(TimestampError::Malformed { .. })));
    let sha512 = sequence(&[&dotted("2.16.840.1.101.3.4.2.3")]);
    let imprint = sequence(&[&sha512, &element(OCTET_STRING, &[&[1; 64]])]);
    assert!(matches!(field(2, imprint), Err(TimestampError::Algorithm { which: "imprint algorithm", .. })));
    let other_name = element(CONTEXT_0, &[&element(0xa4, &[seal(&root("Other")).chain()[0].subject_der()])]);
    assert!(matches!(field(7, other_name), Err(TimestampError::TsaName { .. })));
    let dns = element(CONTEXT_0, &[&element(0x82, &[b"tsa.example"])]);
    field(7, dns).unwrap();
    let extension = |critical: &[u8]| {
        let inside = sequence(&[&dotted("1.2.3.4"), critical, &element(OCTET_STRING, &[b"x"])]);
        element(0xa1, &[&inside])
    };
    field(7, extension(&[])).unwrap();
    assert!(matches!(field(7, extension(&[1, 1, 0xff])), Err(TimestampError::Structure(_))));
    // ordering FALSE is a default, which DER doesn't write.
    assert!(matches!(field(6, vec![1, 1, 0]), Err(TimestampError::Malformed { .. })));
    field(6, vec![1, 1, 0xff]).unwrap();
    assert!(matches!(field(3, element(INTEGER, &[&[1; 65]])), Err(TimestampError::Structure(_))));
    assert!(matches!(field(3, element(INTEGER, &[&[0x80]])), Err(TimestampError::Malformed { .. })));
}

#[test]
fn no_byte_is_free() {
    let ca = root("Root");
    let trusted = anchors(&ca);
    let build = |change: &dyn Fn(&mut Craft)| {
        let mut craft = Craft::new(tsa(&ca));
        change(&mut craft);
        check(&craft.build(), &trusted)
    };
    let unsigned = element(0xa1, &[&attribute("1.2.3.4", b"\x05\x00")]);
    assert!(matches!(build(&|c| c.unsigned = unsigned.clone()), Err(TimestampError::Structure(_))));
    let lists = element(0xa1, &[&sequence(&[b"\x05\x00"])]);
    assert!(matches!(build(&|c| c.before_signers = lists.clone()), Err(TimestampError::Malformed { .. })));
    let stranger = seal(&ca).chain()[0].der().to_vec();
    let error = build(&|c| c.certificates.push(stranger.clone())).unwrap_err();
    assert!(matches!(error, TimestampError::UnusedCertificate { .. }), "{error}");
    // The anchor itself may be there, and any order will do.
    build(&|c| c.certificates.insert(0, ca.certificate().der().to_vec())).unwrap();
    build(&|c| c.certificates.push(ca.certificate().der().to_vec())).unwrap();
    let twice = build(&|c| c.certificates.push(c.certificates[0].clone()));
    assert!(matches!(twice, Err(TimestampError::Structure(_))));
    let many = build(&|c| c.certificates = vec![ca.certificate().der().to_vec(); 9]);
    assert!(matches!(many, Err(TimestampError::Structure(_) | TimestampError::TooManyCertificates(_))));
    assert!(matches!(build(&|c| c.certificates.clear()), Err(TimestampError::NoSignerCertificate)));
    for signers in [0, 2] {
        assert!(build(&|c| c.signers = signers).is_err());
    }
    assert!(matches!(build(&|c| c.sorted = false), Err(TimestampError::Malformed { .. })));
    assert!(matches!(build(&|c| c.version = 1), Err(TimestampError::Malformed { .. })));
    let data = build(&|c| c.content_type = id_of("1.2.840.113549.1.7.1"));
    assert!(matches!(data, Err(TimestampError::Structure(_))));
    let padded = build(&|c| {
        c.signature = |mut signature| {
            signature[1] += 1;
            signature[3] += 1;
            signature.insert(4, 0);
            signature
        };
    });
    assert!(matches!(padded, Err(TimestampError::Malformed { .. })));
}

#[test]
fn the_signed_attributes_bind_content_and_certificate() {
    let ca = root("Root");
    let trusted = anchors(&ca);
    let build = |change: &dyn Fn(&mut Craft)| {
        let mut craft = Craft::new(tsa(&ca));
        change(&mut craft);
        check(&craft.build(), &trusted)
    };
    for (at, name) in [(0, "content-type"), (2, "signing-certificate")] {
        let error = build(&|c| c.attributes[at] = attribute("1.2.3.4", b"\x05\x00")).unwrap_err();
        assert!(matches!(error, TimestampError::Attribute(found) if found == name), "{error}");
    }
    let error = build(&|c| c.attributes[1] = attribute("1.2.3.4", b"\x05\x00")).unwrap_err();
    assert!(matches!(error, TimestampError::Attribute("message-digest")), "{error}");
    let digest = attribute("1.2.840.113549.1.9.4", &element(OCTET_STRING, &[&[7; 32]]));
    assert!(matches!(build(&|c| c.attributes[1] = digest.clone()), Err(TimestampError::MessageDigest)));
    let other = tsa(&ca).chain()[0].clone();
    let names = |hash: &[u8], rest: &[u8]| {
        sequence(&[&sequence(&[&sequence(&[&element(OCTET_STRING, &[hash]), rest])])])
    };
    let (one, two) = ("1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47");
    let wrong = build(&|c| c.attributes[2] = attribute(two, &names(other.digest().as_bytes(), &[])));
    assert!(matches!(wrong, Err(TimestampError::OtherCertificate { .. })));
    // Version 1 names the certificate by SHA-1, and either may leave the issuer away.
    build(&|c| c.attributes[2] = attribute(one, &names(&c.signer.chain()[0].sha1(), &[]))).unwrap();
    build(&|c| c.attributes[2] = attribute(two, &names(c.signer.chain()[0].digest().as_bytes(), &[])))
        .unwrap();
    let wrong = build(&|c| c.attributes[2] = attribute(one, &names(&other.sha1(), &[])));
    assert!(matches!(wrong, Err(TimestampError::OtherCertificate { .. })));
    // Both together must both fit.
    let both = build(&|c| c.attributes.push(attribute(one, &names(&other.sha1(), &[]))));
    assert!(matches!(both, Err(TimestampError::OtherCertificate { .. })));
    let issuer = sequence(&[&sequence(&[&element(0xa4, &[other.issuer_der()])]), &element(INTEGER, &[&[1]])]);
    let wrong = build(&|c| {
        c.attributes[2] = attribute(two, &names(c.signer.chain()[0].digest().as_bytes(), &issuer));
    });
    assert!(matches!(wrong, Err(TimestampError::OtherCertificate { .. })));
    let sha1 = sequence(&[&dotted("1.3.14.3.2.26")]);
    let wrong = build(&|c| {
        let hash = element(OCTET_STRING, &[&c.signer.chain()[0].sha1()]);
        c.attributes[2] = attribute(two, &sequence(&[&sequence(&[&sequence(&[&sha1, &hash])])]));
    });
    assert!(matches!(wrong, Err(TimestampError::Algorithm { .. })));
    let twice = build(&|c| c.attributes.push(attribute(two, &names(&[1; 32], &[]))));
    assert!(matches!(twice, Err(TimestampError::Structure(_))));
    let two_values = build(&|c| {
        let value: [&[u8]; 2] = [b"\x05\x00", b"\x05\x00"];
        c.attributes.push(sequence(&[&dotted("1.2.3.4"), &element(SET, &value)]));
    });
    assert!(matches!(two_values, Err(TimestampError::Malformed { .. })));
}

#[test]
fn a_request_says_digest_nonce_policy_and_asks_for_certificates() {
    let request = Request { imprint: Digest::of(DATA), nonce: Nonce::from_random([0xff; 16]) };
    let fields = request_fields(&request, Some(id_of(POLICY)));
    let imprint = sequence(&[
        &sequence(&[&dotted("2.16.840.1.101.3.4.2.1")]),
        &element(OCTET_STRING, &[Digest::of(DATA).as_bytes()]),
    ]);
    let mut nonce = [0xff; 16];
    nonce[0] = 0x7f;
    let nonce = element(INTEGER, &[&nonce]);
    let version = element(INTEGER, &[&[1]]);
    assert_eq!(
        fields,
        [version.clone(), imprint.clone(), oid(id_of(POLICY)), nonce.clone(), vec![1, 1, 0xff]]
    );
    assert_eq!(request_fields(&request, None), [version, imprint, nonce, vec![1, 1, 0xff]]);
}

#[test]
fn an_answer_holds_a_token_or_says_why_not() {
    let token = Craft::with(|_| {});
    for status in [0, 1] {
        assert_eq!(Answer::from_der(&answer(status, None, &token)).unwrap().token(), token);
        assert!(matches!(Answer::from_der(&answer(status, None, &[])), Err(TimestampError::Structure(_))));
    }
    let refused = Answer::from_der(&answer(2, Some("unaccepted\u{7} policy"), &[])).unwrap_err();
    assert!(matches!(&refused, TimestampError::Refused { status: 2, text } if text == "unaccepted policy"));
    assert_eq!(refused.to_string(), "the time-stamping authority refused: status 2, `unaccepted policy`");
    assert!(matches!(Answer::from_der(&answer(2, None, &token)), Err(TimestampError::Malformed { .. })));
    assert!(matches!(Answer::from_der(&answer(6, None, &[])), Err(TimestampError::Malformed { .. })));
    let good = answer(0, None, &token);
    assert!(Answer::from_der(&[&good[..], &[0]].concat()).is_err());
    for length in 0..good.len() {
        assert!(Answer::from_der(&good[..length]).is_err());
    }
    assert!(matches!(Answer::from_der(&vec![0x30; MAX_ANSWER_BYTES + 1]), Err(TimestampError::TooLong(_))));
}
