//! Notes against the published example, and what must be refused or ignored.

use super::*;
use proptest::prelude::*;

/// The published example: the Go checksum database's test key and note.
const GO_VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key(name: &str, seed: u8) -> LogKey {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    LogKey::from_pem(name, &pem::encode(&der)).expect("a key")
}

#[test]
fn the_published_note_verifies() {
    let vkey: Vkey = GO_VKEY.parse().expect("a verifier key");
    assert_eq!(vkey.to_string(), GO_VKEY);
    let note = Note::parse(GO_NOTE.as_bytes()).expect("a note");
    assert_eq!(note.to_string(), GO_NOTE);
    let verified = note.verify(&[vkey]).expect("the signature is valid");
    assert!(verified.text().ends_with("what your problem is.\n"));
}

#[test]
fn a_generated_key_survives_its_pem_and_signs() {
    let (made, pem) = LogKey::generate("example/log").expect("a key");
    let read = LogKey::from_pem("example/log", &pem).expect("a key");
    assert_eq!(made.vkey(), read.vkey());
    let note = made.sign("text\n").expect("a note").to_string();
    let verified =
        Note::parse(note.as_bytes()).and_then(|note| note.verify(&[read.vkey().clone()])).expect("valid");
    assert_eq!(verified.text(), "text\n");
    assert!(matches!(LogKey::from_pem("example/log", "none"), Err(NoteError::PrivateKey)));
    let twice = format!("{pem}{pem}");
    assert!(matches!(LogKey::from_pem("example/log", &twice), Err(NoteError::PrivateKey)));
}

#[test]
fn unknown_signatures_are_ignored_and_known_wrong_ones_are_not() {
    let (known, other) = (key("known", 1), key("other", 2));
    let mut note = known.sign("a\n\nb\n").expect("a note");
    let line = other.sign("something else\n").expect("a note").signatures.remove(0);
    note.signatures.push(line);
    let read = Note::parse(note.to_string().as_bytes()).expect("a note");
    assert_eq!(read, note);
    let known_only = [known.vkey().clone()];
    assert_eq!(read.clone().verify(&known_only).expect("valid").text(), "a\n\nb\n");
    let both = [known.vkey().clone(), other.vkey().clone()];
    assert_eq!(read.clone().verify(&both), Err(NoteError::InvalidSignature("other".to_owned())));
    assert_eq!(read.verify(&[]), Err(NoteError::NoTrustedSignature));
}

#[test]
fn a_signature_has_one_spelling() {
    let (text, line) = GO_NOTE.rsplit_once(' ').expect("a signature line");
    let bytes = BASE64.decode(line.trim_end().as_bytes()).expect("base64");
    let (first, rest) = bytes.split_at(1);
    let padded_twice = format!("{text} {}{}\n", BASE64.encode(first), BASE64.encode(rest));
    assert_eq!(Note::parse(padded_twice.as_bytes()), Err(NoteError::SignatureLine(1)));
}

#[test]
fn a_key_of_the_same_name_is_another_key() {
    let note = key("same", 1).sign("x\n").expect("a note");
    let trusted = [key("same", 2).vkey().clone()];
    assert_eq!(note.verify(&trusted), Err(NoteError::NoTrustedSignature));
}

#[test]
fn a_repeated_signature_by_a_known_key_is_refused() {
    let key = key("known", 1);
    let mut note = key.sign("x\n").expect("a note");
    note.signatures.push(note.signatures[0].clone());
    let verdict = note.verify(&[key.vkey().clone()]);
    assert_eq!(verdict, Err(NoteError::RepeatedSignature("known".to_owned())));
}

#[test]
fn malformed_notes_are_refused() {
    let good = key("known", 1).sign("x\n").expect("a note").to_string();
    assert!(Note::parse(good.as_bytes()).is_ok());
    let line = good.split_once("\n\n").expect("a blank line").1;
    for (bad, why) in [
        (String::new(), NoteError::Shape),
        ("x\n".to_owned(), NoteError::Shape),
        ("x\n\n".to_owned(), NoteError::Shape),
        (good.trim_end().to_owned(), NoteError::Shape),
        (format!("{good}\n"), NoteError::Shape),
        (format!("{good}x\n"), NoteError::SignatureLine(2)),
        (good.replace('\u{2014}', "-"), NoteError::SignatureLine(1)),
        (good.replace(" known ", "  "), NoteError::SignatureLine(1)),
        (good.replace(" known ", " kn+wn "), NoteError::SignatureLine(1)),
        (good.replace(" known ", " kn\u{2003}wn "), NoteError::SignatureLine(1)),
        ("x\n\n\u{2014} known AAAAAA==\n".to_owned(), NoteError::SignatureLine(1)),
        (good.replace("x\n", "x\r\n"), NoteError::NotText),
        (good.replace("x\n", "x\t\n"), NoteError::NotText),
        (format!("x\n\n{}", line.repeat(MAX_SIGNATURES + 1)), NoteError::TooManySignatures),
    ] {
        assert_eq!(Note::parse(bad.as_bytes()), Err(why), "{bad}");
    }
    assert_eq!(Note::parse(b"\xff\n\n"), Err(NoteError::NotText));
    let large = vec![b'x'; MAX_NOTE_BYTES + 1];
    assert!(matches!(Note::parse(&large), Err(NoteError::TooLarge(_))));
    assert!(Note::parse(format!("x\n\n{}", line.repeat(MAX_SIGNATURES)).as_bytes()).is_ok());
}

#[test]
fn texts_that_could_not_be_read_back_are_not_signed() {
    let key = key("known", 1);
    for text in ["", "x", "x\r\n", "a\tb\n"] {
        assert_eq!(key.sign(text), Err(NoteError::NotText), "{text:?}");
    }
}

#[test]
fn malformed_verifier_keys_are_refused() {
    for text in [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpcC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "PeterNeumann+c74f20a3+AQ==",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
    ] {
        assert!(text.parse::<Vkey>().is_err(), "{text}");
    }
}

#[test]
fn every_flipped_bit_of_a_note_by_a_known_key_is_noticed() {
    let key = key("example/log", 1);
    let trusted = [key.vkey().clone()];
    let good = key.sign("example/log\n7\nroot\n").expect("a note").to_string().into_bytes();
    for at in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let verdict = Note::parse(&bytes).and_then(|note| note.verify(&trusted));
        assert!(verdict.is_err(), "bit {at}");
    }
}

proptest! {
    #[test]
    fn whatever_parses_is_written_back_byte_for_byte(
        text in "[ -~\n\u{2014}é]{0,40}",
        name in "\\PC{1,12}",
        signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let note = format!("{text}\n\n\u{2014} {name} {}\n", BASE64.encode(&signature));
        if let Ok(parsed) = Note::parse(note.as_bytes()) {
            prop_assert_eq!(parsed.to_string(), note);
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Note::parse(&bytes);
        let _ = String::from_utf8_lossy(&bytes).parse::<Vkey>();
    }
}
