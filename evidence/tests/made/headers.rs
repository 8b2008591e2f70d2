//! Headers of age files with stanzas that do not belong, and with some that may. Each time the index is encrypted anew and the
//! person signs what is there.

use super::bench::{Bench, sign_again};
use super::{AT, OUTER, TRUSTED};
use crate::vectors_made::raw_zip::{self, RawEntry, find};
use crate::vectors_made::{Files, add};
use age_core::format::{FileKey, Stanza};
use data_encoding::BASE64_NOPAD;
use rogatory_evidence::AgeRecipient;
use std::collections::HashSet;
use std::io::Write;

/// A recipient behind whose own stanza others stand.
struct WithMore<'a> {
    recipient: age::x25519::Recipient,
    more: &'a [(&'a str, &'a [&'a str], usize)],
}

impl age::Recipient for WithMore<'_> {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let (mut stanzas, labels) = self.recipient.wrap_file_key(file_key)?;
        stanzas.extend(self.more.iter().map(|(tag, args, body_bytes)| Stanza {
            tag: (*tag).to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            body: vec![7; *body_bytes],
        }));
        Ok((stanzas, labels))
    }
}

fn encrypt(plain: &[u8], recipients: &[&dyn age::Recipient]) -> Vec<u8> {
    let encryptor = age::Encryptor::with_recipients(recipients.iter().copied()).expect("recipients");
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).expect("writes");
    writer.write_all(plain).expect("writes");
    writer.finish().expect("writes");
    sealed
}

fn key(recipient: &AgeRecipient) -> age::x25519::Recipient {
    recipient.as_str().parse().expect("a recipient")
}

pub(super) fn headers(files: &mut Files, bench: &Bench, person: &[RawEntry]) {
    let index = bench.decrypt(&find(&mut person.to_vec(), "index.age").bytes);
    let with_index = |sealed: Vec<u8>| {
        let mut list = person.to_vec();
        find(&mut list, "index.age").bytes = sealed;
        sign_again(&mut list, &bench.officer);
        raw_zip::write(&list, b"")
    };
    let mut made = |name: &str, about: &str, part: Option<&str>, more: &[(&str, &[&str], usize)]| {
        let recipient = WithMore { recipient: key(&bench.recipient), more };
        let package = with_index(encrypt(&index, &[&recipient]));
        add(files, name, about, part, TRUSTED, package);
    };
    let share = BASE64_NOPAD.encode(&[9; 32]);
    let about =
        "5.2: stanzas for nobody stand in the header of the index, one with arguments and a long body.";
    made("good-grease", about, None, &[("a-grease", &[], 0), ("example-grease", &["some", "more"], 100)]);
    let mut bad = |name: &str, about: &str, more: (&str, &[&str], usize)| {
        made(name, about, Some("index.age"), &[more]);
    };
    let about =
        "5.4: behind the stanza that the identity opens stands an X25519 one whose argument has 31 bytes.";
    bad("stanza-share-short", about, ("X25519", &[&BASE64_NOPAD.encode(&[9; 31])], 32));
    let about = "5.4: behind the stanza that the identity opens stands an X25519 one with two arguments.";
    bad("stanza-argument-more", about, ("X25519", &[&share, &share], 32));
    let about =
        "5.4: behind the stanza that the identity opens stands an X25519 one with a body of 33 bytes.";
    bad("stanza-body-long", about, ("X25519", &[&share], 33));
    let about = "5.2: a stanza of a kind that no package has.";
    bad("stanza-unknown", about, ("ssh-ed25519", &["abcd", &share], 32));

    let (own, other) = (key(&bench.recipient), key(&bench.other_recipient));
    let package = with_index(encrypt(&index, &[&own, &other]));
    let about =
        "5.1: the index is encrypted to one more than the transmittal names. No key is needed to see it.";
    add(files, "recipient-not-named", about, Some("index.age"), OUTER, package);
    let package = with_index(encrypt(&index, &[&other]));
    let about =
        "Step 11: the index is encrypted to another than the transmittal names, and his identity opens it.";
    let header = [("trust", "anchors.pem"), ("identity", "other-identity.key"), AT];
    add(files, "recipient-exchanged", about, Some("transmittal.json"), &header, package);
}
