//! The test vectors of time stamps, `tests/vectors/timestamp/`: made by `openssl ts`, good ones and one defect a file.

use rogatory_container::timestamp::{Answer, Expected, TimestampError, parse, verify};
use rogatory_core::Digest;
use rogatory_pki::path::Anchors;
use std::path::Path;

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/timestamp").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn judge(name: &str) -> Result<(), TimestampError> {
    let anchors =
        Anchors::from_pem(&String::from_utf8(file("anchors.pem")).expect("text"), None).expect("anchors");
    let stamped = Digest::of(&file("data.txt"));
    verify(&parse(&file(name))?, stamped, Expected::default(), &anchors).map(drop)
}

#[test]
fn good_tokens_are_accepted() {
    for name in ["good-p256.tst", "good-rsa-sha512.tst", "good-ess-v1.tst", "good-with-anchor.tst"] {
        judge(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(Answer::from_der(&file("good-p256.tsr")).expect("an answer").token(), file("good-p256.tst"));
}

#[test]
fn each_defect_is_refused_by_its_name() {
    let refused = |name: &str| judge(name).expect_err(name);
    assert!(matches!(refused("other-imprint.tst"), TimestampError::Imprint { .. }));
    let imprint = refused("imprint-sha512.tst");
    assert!(matches!(imprint, TimestampError::Algorithm { which: "imprint algorithm", .. }), "{imprint}");
    assert!(matches!(refused("no-certificate.tst"), TimestampError::NoSignerCertificate));
    assert!(matches!(refused("p521.tst"), TimestampError::Algorithm { which: "signature algorithm", .. }));
    assert!(matches!(refused("sha1-signature.tst"), TimestampError::Algorithm { .. }));
    let answer = Answer::from_der(&file("refused.tsr")).expect_err("refused");
    assert!(matches!(answer, TimestampError::Refused { status: 2, .. }), "{answer}");
}
