//! Hybrid keys, files and packages of ours are opened by npm's `age-encryption`, and its keys and files by ours.

use rogatory_evidence::AgeRecipient;
use rogatory_evidence::age_layer::{
    Encryption, Identities, generate_hybrid_identity, generate_identity, open_age_file, seal_age_file,
};
use rogatory_stock_tools::inspection as inspect;
use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::{node, run};
use std::fs;
use std::io::Read as _;
use std::path::Path;

const SENTENCE: &[u8] = b"a quantum computer may read this, but not before it is old";

/// An identity that npm made, in `folder`: its file and its recipient.
fn of_npm(kind: &str, folder: &Path) -> (String, AgeRecipient) {
    let recipient = node("age.mjs", &["generate", kind, "npm.id"], folder).succeeds().output();
    (fs::read_to_string(folder.join("npm.id")).expect("text"), recipient.trim().parse().expect("a recipient"))
}

fn opened_by_us(file: &[u8], identity: &str) -> Vec<u8> {
    let identities = Identities::parse(&[identity]).expect("an identity");
    let mut plain = Vec::new();
    open_age_file(file, &identities, 2).expect("opens").read_to_end(&mut plain).expect("reads");
    plain
}

#[test]
fn a_key_of_npm_has_the_same_recipient_here_and_opens_what_we_encrypt_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, encryption) in [("hybrid", Encryption::Mlkem768X25519), ("classical", Encryption::X25519)] {
        let (identity, recipient) = of_npm(kind, folder.path());
        assert_eq!(recipient.encryption(), encryption);
        let identities = Identities::parse(&[&identity]).expect("an identity");
        assert_eq!(identities.recipients(), std::slice::from_ref(&recipient));
        for plain in [&b""[..], SENTENCE, &vec![7; 200_000]] {
            let file = seal_age_file(std::slice::from_ref(&recipient), plain).expect("encrypts");
            write(&folder.path().join("file.age"), &file);
            node("age.mjs", &["decrypt", "npm.id", "file.age", "plain"], folder.path()).succeeds();
            assert!(fs::read(folder.path().join("plain")).expect("reads") == plain);
            assert!(opened_by_us(&file, &identity) == plain);
        }
    }
}

#[test]
fn what_npm_encrypts_to_our_keys_is_opened_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let hybrid = || generate_hybrid_identity().expect("generates");
    for ((own, recipient), (other, second)) in
        [(hybrid(), hybrid()), (generate_identity(), generate_identity())]
    {
        write(&folder.path().join("plain"), SENTENCE);
        write(&folder.path().join("own.id"), own.as_bytes());
        let both = format!("{recipient},{second}");
        node("age.mjs", &["encrypt", &both, "plain", "file.age"], folder.path()).succeeds();
        let file = fs::read(folder.path().join("file.age")).expect("reads");
        for identity in [own.as_str(), other.as_str()] {
            assert_eq!(opened_by_us(&file, identity), SENTENCE);
        }
        // An identity file of ours is one of theirs.
        node("age.mjs", &["decrypt", "own.id", "file.age", "again"], folder.path()).succeeds();
        assert_eq!(fs::read(folder.path().join("again")).expect("reads"), SENTENCE);
    }
}

#[test]
fn a_hybrid_package_says_what_it_is_and_npm_opens_every_object_of_it() {
    let office = Office::new();
    let (identity, recipient) = of_npm("hybrid", &office.path(""));
    write(&office.path("letter.txt"), SENTENCE);
    let seal = |recipients: &[&str], output: &str| {
        let mut arguments = vec!["package", "seal", "letter.txt", "--key", "signer.key", "--output", output];
        arguments.extend(["--certificate", "signer.pem", "--chain", "chain.pem"]);
        for recipient in recipients {
            arguments.extend(["--recipient", recipient]);
        }
        office.rogatory(&arguments)
    };
    seal(&[recipient.as_str()], "PK").succeeds().says("mlkem768x25519");
    let transmittal = fs::read_to_string(office.path("PK/transmittal.json")).expect("text");
    assert!(transmittal.contains(r#""encryption":"mlkem768x25519""#), "{transmittal}");
    office.verify("PK", &["--identity", "npm.id"]).succeeds().says("mlkem768x25519").says("age 1.3");
    // Whoever has no key sees it too.
    office.verify("PK", &[]).succeeds().says("mlkem768x25519");

    for (object, plain) in [("index.age", "index.zip"), ("data/EX-0001.age", "EX-0001")] {
        let object = format!("PK/{object}");
        node("age.mjs", &["decrypt", "npm.id", &object, plain], &office.path("")).succeeds();
        let file = fs::read(office.path(&object)).expect("reads");
        assert!(opened_by_us(&file, &identity) == fs::read(office.path(plain)).expect("reads"));
    }
    assert_eq!(fs::read(office.path("EX-0001")).expect("reads"), SENTENCE);
    let index = inspect::zip_readers(&office.path("index.zip"), &office.path("index"));
    run("sha256sum", &["--strict", "-c", "exhibits-sha256.txt", "--ignore-missing"], &{
        fs::copy(office.path("EX-0001"), index.join("EX-0001")).expect("copies");
        index
    })
    .succeeds()
    .says("EX-0001: OK");

    // Both kinds together would be no safer than the classical one.
    let (_, classical) = generate_identity();
    seal(&[recipient.as_str(), classical.as_str()], "mixed").exits(2).says("post-quantum");
    assert!(!office.path("mixed").exists());
}
