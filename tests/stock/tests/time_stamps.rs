//! Time stamps by `openssl ts`: it answers our requests, we verify its tokens, it verifies them with a file by hand.

use rogatory_container::timestamp::{
    Answer, Expected, Nonce, PolicyId, Request, TimestampError, VerifiedTimestamp, parse, verify,
};
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::path::{Anchors, PathError};
use rogatory_stock_tools::tools::run;
use rogatory_stock_tools::tsa::{POLICY, Tsa, verify_by_openssl};
use std::fs;
use std::path::Path;

const DATA: &[u8] = b"a container, byte for byte\n";

fn around_now() -> Validity {
    let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
    Validity::new(instant("2020-01-01T00:00:00Z"), instant("2099-01-01T00:00:00Z")).expect("a validity")
}

fn root() -> DevelopmentCa {
    DevelopmentCa::new("md".parse().expect("a country"), "Root of time", around_now()).expect("an authority")
}

fn anchors(ca: &DevelopmentCa) -> Anchors {
    Anchors::from_pem(&ca.certificate_pem(), None).expect("anchors")
}

fn nonce() -> Nonce {
    Nonce::from_random([7; 16])
}

fn policy(text: &str) -> PolicyId {
    text.parse().expect("an identifier")
}

/// Asks `tsa` for a stamp over [`DATA`].
fn stamp(tsa: &Tsa, wanted: Option<PolicyId>) -> Result<Vec<u8>, TimestampError> {
    let request = Request { imprint: Digest::of(DATA), nonce: nonce() };
    Ok(Answer::from_der(&tsa.reply(&request.to_der(wanted)))?.token().to_vec())
}

fn check(token: &[u8], trusted: &Anchors) -> Result<VerifiedTimestamp, TimestampError> {
    let expected = Expected { nonce: Some(nonce()), policy: None };
    verify(&parse(token)?, Digest::of(DATA), expected, trusted)
}

/// By hand, as HOW-TO-CHECK says.
fn by_hand(token: &[u8], data: &[u8], ca: &DevelopmentCa, at: Timestamp, folder: &Path) -> i32 {
    fs::write(folder.join("x.asice"), data).expect("writes");
    fs::write(folder.join("x.asice.tst"), token).expect("writes");
    fs::write(folder.join("anchors.pem"), ca.certificate_pem()).expect("writes");
    let (data, token) = (folder.join("x.asice"), folder.join("x.asice.tst"));
    verify_by_openssl(&data, &token, &folder.join("anchors.pem"), at.seconds(), folder).code
}

#[test]
fn openssl_reads_our_request() {
    let folder = tempfile::tempdir().expect("a directory");
    let request = Request { imprint: Digest::of(DATA), nonce: nonce() };
    fs::write(folder.path().join("q.tsq"), request.to_der(Some(policy(POLICY)))).expect("writes");
    let said = run("openssl", &["ts", "-query", "-in", "q.tsq", "-text"], folder.path()).succeeds();
    let said = said.says("Hash Algorithm: sha256").says("Certificate required: yes");
    let said = said.says(&format!("Policy OID: {POLICY}"));
    said.says("Nonce: 0x47070707070707070707070707070707");
}

#[test]
fn its_tokens_verify_here_and_by_hand_whatever_the_keys() {
    let folder = tempfile::tempdir().expect("a directory");
    let root = root();
    let below = root.intermediate("Issuing authority of time", around_now()).expect("an authority");
    for tsa in [Tsa::issued_by(&root, around_now()), Tsa::issued_by(&below, around_now())] {
        for (before, after) in [
            ("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha256"),
            ("ess_cert_id_alg = sha256", "ess_cert_id_alg = sha1"),
            ("signer_digest = sha256", "signer_digest = sha512"),
            ("ess_cert_id_chain = no", "ess_cert_id_chain = yes"),
            ("tsa_name = yes", "tsa_name = no"),
            ("ordering = no", "ordering = yes"),
            ("accuracy = secs:1, millisecs:500", "accuracy = microsecs:7"),
        ] {
            tsa.reconfigure(before, after);
            let token = stamp(&tsa, None).unwrap_or_else(|error| panic!("{after}: {error}"));
            let verified = check(&token, &anchors(&root)).unwrap_or_else(|error| panic!("{after}: {error}"));
            assert_eq!(verified.tsa(), tsa.certificate());
            assert_eq!(verified.policy(), POLICY);
            let at = verified.time();
            assert_eq!(by_hand(&token, DATA, &root, at, folder.path()), 0, "{after}");
            assert_ne!(by_hand(&token, b"other", &root, at, folder.path()), 0, "{after}");
        }
        let token = stamp(&tsa, None).expect("a token");
        assert_eq!(check(&token, &anchors(&root)).expect("verified").accuracy_microseconds(), Some(7));
    }
}

/// A self-signed authority and a certificate below it, as `openssl` makes them: with keys that our own do not have.
fn made_by_openssl(key: &[&str], folder: &Path) -> (Tsa, String) {
    let openssl = |words: &[&str]| run("openssl", words, folder).succeeds();
    let common = ["-nodes", "-keyout"];
    let config = "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=By openssl\n\
                  [ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\n\
                  [tsa]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n";
    fs::write(folder.join("req.cnf"), config).expect("writes");
    let ca = [&["req", "-x509", "-config", "req.cnf", "-extensions", "ca", "-days", "30", "-newkey"], key];
    openssl(&[&ca.concat()[..], &common, &["ca.key", "-out", "ca.pem"]].concat());
    let request = [&["req", "-new", "-config", "req.cnf", "-subj", "/CN=TSA by openssl", "-newkey"], key];
    openssl(&[&request.concat()[..], &common, &["tsa.key", "-out", "tsa.csr"]].concat());
    let issue = ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    let more = ["-days", "20", "-extfile", "req.cnf", "-extensions", "tsa", "-out", "tsa.pem"];
    openssl(&[&issue[..], &more].concat());
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("reads");
    (Tsa::with(&read("tsa.pem"), &read("tsa.key")), read("ca.pem"))
}

#[test]
fn rsa_and_p384_authorities_are_taken_and_p521_and_short_keys_not() {
    for (key, taken) in [
        (&["rsa:2048"][..], true),
        (&["rsa:4096"], true),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], true),
        (&["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], false),
        (&["rsa:1024"], false),
    ] {
        let folder = tempfile::tempdir().expect("a directory");
        let (tsa, ca) = made_by_openssl(key, folder.path());
        let token = stamp(&tsa, None).expect("a token");
        let trusted = Anchors::from_pem(&ca, None).expect("anchors");
        let verified = check(&token, &trusted);
        assert_eq!(verified.is_ok(), taken, "{key:?}: {verified:?}");
    }
}

#[test]
fn a_refusal_and_weak_digests_are_told() {
    let root = root();
    let tsa = Tsa::issued_by(&root, around_now());
    let refused = stamp(&tsa, Some(policy("1.2.3.4.5"))).expect_err("refused");
    assert!(matches!(refused, TimestampError::Refused { status: 2, .. }), "{refused}");
    stamp(&tsa, Some(policy(POLICY))).expect("the policy that it has");
    tsa.reconfigure("signer_digest = sha256", "signer_digest = sha1");
    let weak = check(&stamp(&tsa, None).expect("a token"), &anchors(&root)).expect_err("SHA-1");
    assert!(matches!(weak, TimestampError::Algorithm { .. }), "{weak}");
    let ended = Validity::new(
        "2020-01-01T00:00:00Z".parse().expect("an instant"),
        "2021-01-01T00:00:00Z".parse().expect("an instant"),
    );
    let old = Tsa::issued_by(&root, ended.expect("a validity"));
    let expired = check(&stamp(&old, None).expect("a token"), &anchors(&root)).expect_err("expired");
    assert!(matches!(expired, TimestampError::Path { source: PathError::Expired { .. }, .. }), "{expired}");
}
