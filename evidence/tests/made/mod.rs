//! Evidence packages (`docs/spec/evidence-package.md`): a letter, an empty file and a folder.

mod bench;
mod bundles;
mod case_record;
mod certificates;
mod derived;
mod headers;
mod raw_tar;
mod records;
mod tars;

use crate::vectors_made::der::without_signed_attributes;
use crate::vectors_made::raw_zip::{self, RawEntry, entry, find};
use crate::vectors_made::{Files, Vector, add, check, now, say};
use bench::{Bench, DATA, How, M1, M2, S1, S2, TRANSMITTAL, sign_again};
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_core::Digest;
use rogatory_evidence::{
    Identities, NoProgress, Requirement, SealRecipient, SealRecovery, Transmittal, VerifyOptions,
    institution_seal, verify,
};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::Signer;
use std::collections::BTreeSet;

const AT: (&str, &str) = ("at", "2026-11-22T14:20:00Z");
const TRUSTED: &[(&str, &str)] = &[("trust", "anchors.pem"), ("identity", "identity.key"), AT];
/// Everything that can be checked without a key.
const OUTER: &[(&str, &str)] = &[("trust", "anchors.pem"), ("identity", "none"), AT];
const RECORD: &str = "records/EX-0001.json";
/// What fails where no object can be named.
const FRAMING: &str = "container";

#[test]
fn packages_are_accepted_or_refused_as_they_say() {
    check("package", &made(), judge);
}

fn judge(vector: &Vector<'_>) -> Result<(), String> {
    let anchors = match vector.must("trust") {
        "none" => Anchors::new(),
        name => Anchors::from_pem(vector.text(name), None).expect("anchors"),
    };
    let mut options = VerifyOptions::new(&anchors, vector.at());
    if vector.must("identity") != "none" {
        options.identities = Identities::parse(&[vector.text(vector.must("identity"))]).expect("an identity");
    }
    let required = vector.field("require").map(|name| name.parse::<Requirement>().expect("a requirement"));
    options.require = required.into_iter().collect::<BTreeSet<_>>();
    let folder = tempfile::tempdir().expect("a folder");
    let mut path = folder.path().join("PK");
    if !vector.write_folder(&path) {
        path = folder.path().join("PK.asice");
        std::fs::write(&path, vector.bytes()).expect("writes");
    }
    let verdict = verify(&path, &options, &mut NoProgress);
    let says = |text: &str| verdict.checks().iter().any(|check| check.text.contains(text));
    if let Some(text) = vector.field("says") {
        assert!(says(text), "{text}: {verdict}");
    }
    if verdict.is_verified() {
        return Ok(());
    }
    let failures: Vec<&str> = verdict.failures().map(|check| check.text.as_str()).collect();
    Err(failures.join("\n"))
}

fn made() -> Files {
    let mut files = Files::new();
    let bench = Bench::new();
    files.insert("anchors.pem".to_owned(), bench.root.certificate_pem().into_bytes());
    files.insert("other-anchors.pem".to_owned(), bench.other.certificate_pem().into_bytes());
    files.insert("identity.key".to_owned(), bench.identity.clone().into_bytes());
    files.insert("other-identity.key".to_owned(), bench.other_identity.clone().into_bytes());
    files.insert("court-identity.key".to_owned(), bench.court_identity.clone().into_bytes());
    let person = bench.seal("one", b"the content of the letter");
    let sealed = bench.with_seal(&person, &bench.institution);
    let written = raw_zip::write(&sealed, b"");

    let good = |files: &mut Files, name: &str, about: &str, header: &[(&str, &str)], list: &[RawEntry]| {
        add(files, name, about, None, header, raw_zip::write(list, b""));
    };
    good(
        &mut files,
        "good-sealed",
        "Person's signature and institution's seal; opened with the identity.",
        TRUSTED,
        &sealed,
    );
    let mut none = TRUSTED.to_vec();
    none.push(("says", "institution seal: none"));
    good(
        &mut files,
        "good-person-only",
        "Without 002: accepted, and the report says that there is no seal.",
        &none,
        &person,
    );
    same(
        &mut files,
        "good-without-identity",
        "Without identity: the outer part is right, the contents are not checked.",
        None,
        "good-sealed",
        &[("trust", "anchors.pem"), ("identity", "none"), AT, ("says", "not checked")],
    );
    same(
        &mut files,
        "contents-required",
        "Step 13: contents are required, and no identity is given.",
        Some("contents"),
        "good-sealed",
        &[("trust", "anchors.pem"), ("identity", "none"), AT, ("require", "contents")],
    );
    same(
        &mut files,
        "seal-required",
        "Step 7: a seal is required, and there is none.",
        Some("seal"),
        "good-person-only",
        &[("trust", "anchors.pem"), ("identity", "none"), AT, ("require", "seal")],
    );
    same(
        &mut files,
        "not-a-recipient",
        "Step 10: the identity is none of the recipients.",
        Some("index.age"),
        "good-sealed",
        &[("trust", "anchors.pem"), ("identity", "other-identity.key"), AT],
    );
    same(
        &mut files,
        "other-anchor",
        "Step 6: the only anchor is another authority of the same name.",
        Some(S1),
        "good-sealed",
        &[("trust", "other-anchors.pem"), ("identity", "identity.key"), AT],
    );
    same(
        &mut files,
        "no-anchor",
        "Step 6: nobody vouches for the signer.",
        Some("integrity only"),
        "good-sealed",
        &[("trust", "none"), ("identity", "identity.key"), AT],
    );
    acquisition(&mut files, &bench);
    framing(&mut files, &sealed, &written);
    objects(&mut files, &sealed);
    signatures(&mut files, &bench, &person);
    swaps(&mut files, &bench, &person);
    tars::tars(&mut files, &bench);
    derived::derived(&mut files, &bench, &person, &sealed);
    encryption(&mut files, &bench, &person);
    whole(&mut files, &bench, &sealed);
    transmittals(&mut files, &bench, &person);
    headers::headers(&mut files, &bench, &person);
    records::records(&mut files, &bench);
    certificates::certificates(&mut files, &bench);
    files
}

/// Forms of a whole package: long, with a recovery recipient, as a folder.
fn whole(files: &mut Files, bench: &Bench, sealed: &[RawEntry]) {
    let long: Vec<u8> = (0..131_073_u32).map(|byte| u8::try_from(byte % 251).unwrap_or(0)).collect();
    let list = bench.seal("long", &long);
    let about = "5.4: the payload of the first exhibit has three chunks; the last holds one byte.";
    add(files, "good-chunks", about, None, TRUSTED, raw_zip::write(&list, b""));

    files.insert("recovery-identity.key".to_owned(), bench.recovery_identity.clone().into_bytes());
    let recovery = SealRecovery::Recipients(vec![SealRecipient::bare(bench.recovery.clone())]);
    let list = bench.seal_as("recovery", b"the content of the letter", How { recovery, ..bench.how() });
    let about = "4: encrypted to a recipient and to the office's recovery recipient; opened by the first.";
    add(files, "good-recovery", about, None, TRUSTED, raw_zip::write(&list, b""));
    let by_recovery = &[("trust", "anchors.pem"), ("identity", "recovery-identity.key"), AT];
    let about = "Step 11: the same, opened by the recovery recipient.";
    same(files, "good-recovery-opened-by-it", about, None, "good-recovery", by_recovery);
    // Without the recovery recipient's stanza.
    let mut list = list;
    let index = bench.decrypt(&find(&mut list, "index.age").bytes);
    find(&mut list, "index.age").bytes = bench.encrypt(&index);
    sign_again(&mut list, &bench.officer);
    let about =
        "5.1: the header of the index has no stanza for the recovery recipient that the transmittal names.";
    add(files, "recipient-left-out", about, Some("index.age"), OUTER, raw_zip::write(&list, b""));

    let mut folder = |name: &str, about: &str, part: Option<&str>, list: &[RawEntry]| {
        for entry in list {
            files.insert(format!("{name}/{}", entry.name), entry.bytes.clone());
        }
        say(files, name, about, part, TRUSTED);
    };
    folder("good-folder", "3.2: a package as a folder.", None, sealed);
    let more = [sealed, &[entry("data/notes.txt", b"x")]].concat();
    folder("folder-file-more", "3.2: a file that no manifest covers.", Some("data/notes.txt"), &more);
}

/// Values of the transmittal, one form each; the officer signs what is there.
fn transmittals(files: &mut Files, bench: &Bench, person: &[RawEntry]) {
    let reference = Some("№ 12/a — дело\u{a0}7".parse().expect("a reference"));
    let list = bench.seal_as("reference", b"the content of the letter", How { reference, ..bench.how() });
    let about =
        "4: the sender's file number holds letters of several alphabets, and a blank that does not break.";
    add(files, "good-reference", about, None, TRUSTED, raw_zip::write(&list, b""));
    let mut bad = |name: &str, about: &str, from: &str, to: &str| {
        let mut list = person.to_vec();
        let bytes = &mut find(&mut list, TRANSMITTAL).bytes;
        let text = String::from_utf8(bytes.clone()).expect("text");
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        *bytes = text.replace(from, to).into_bytes();
        sign_again(&mut list, &bench.officer);
        add(files, name, about, Some(TRANSMITTAL), OUTER, raw_zip::write(&list, b""));
    };
    let about = "2: the check digits of the shared number are others.";
    bad("order-check-digits", about, "MD-JF58-JXH4-09RC-SPTW-27", "MD-JF58-JXH4-09RC-SPTW-28");
    let about = "2: a letter of the shared number is none of Crockford's.";
    bad("order-letter", about, "MD-JF58-JXH4-09RC-SPTW-27", "MD-JF58-JXH4-O9RC-SPTW-27");
    let none = "\"reference\":null";
    bad("reference-blank-at-end", "4: a blank ends the file number.", none, "\"reference\":\"12 \"");
    bad("reference-line-end", "4: the file number holds a line end.", none, "\"reference\":\"1\\n2\"");
    let about = "2: a needless digit behind the second.";
    bad("created-time-needless-digit", about, "14:20:00Z", "14:20:00.0Z");
    bad("created-time-offset", "2: the time is not in UTC.", "14:20:00Z", "14:20:00+00:00");
    let about = "2: an officer's id holds a dot.";
    let officer = "\"officer\":\"md/central-authority/officer/a.b\"";
    bad("recipient-officer-dot", about, "\"officer\":null", officer);
    let institution = "\"institution\":null,\"officer\":null";
    let about = "2: an institution's country is in capital letters.";
    bad("recipient-country-capital", about, institution, "\"institution\":\"MD/court\",\"officer\":null");
}

fn same(files: &mut Files, name: &str, about: &str, part: Option<&str>, of: &str, header: &[(&str, &str)]) {
    let file = format!("{of}.asice");
    let mut all = vec![("file", file.as_str())];
    all.extend(header);
    say(files, name, about, part, &all);
}

/// Acquisition facts, in their one writing and in others.
fn acquisition(files: &mut Files, bench: &Bench) {
    let described = bench.seal_with_facts("three", b"the content of the letter");
    let written = raw_zip::write(&described, b"");
    let about = "6.8: every exhibit has acquisition facts.";
    add(files, "good-with-facts", about, None, TRUSTED, written);
    let mut bad = |name: &str, about: &str, from: &str, to: &str| {
        let mut list = described.clone();
        bench.edit_index(&mut list, RECORD, |record| {
            let text = String::from_utf8(record.clone()).expect("text");
            assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
            *record = text.replace(from, to).into_bytes();
        });
        add(files, name, about, Some(RECORD), TRUSTED, raw_zip::write(&list, b""));
    };
    bad(
        "acquisition-not-canonical",
        "6.8: a blank in the facts of the first exhibit; signed anew inside and outside by the same officer.",
        "\"category\":\"content\"",
        "\"category\": \"content\"",
    );
    bad(
        "acquisition-null-left-out",
        "6.8: a member that is null is left out; signed anew likewise.",
        "\"media_type\":null,",
        "",
    );
    bad(
        "acquisition-standing-chosen",
        "6.8: an MD5 that says it was compared; signed anew likewise.",
        "\"information-only\"",
        "\"compared\"",
    );
    let other = Digest::of(b"something else");
    bad(
        "acquisition-other-digest",
        "6.8: the facts give another SHA-256 of the exhibit than its record; signed anew likewise.",
        "{\"of\":\"source\",\"algorithm\":\"md5\",\"value\":\"900150983cd24fb0d6963f7d28e17f72\",\"standing\":\"information-only\"}",
        &format!(
            "{{\"of\":\"exhibit\",\"algorithm\":\"sha-256\",\"value\":\"{other}\",\"standing\":\"compared\"}}"
        ),
    );
    // The editing itself breaks nothing.
    let mut list = described.clone();
    bench.edit_index(&mut list, RECORD, |_| ());
    add(
        files,
        "good-signed-anew",
        "Signed anew inside and outside, nothing changed.",
        None,
        TRUSTED,
        raw_zip::write(&list, b""),
    );
}

fn framing(files: &mut Files, sealed: &[RawEntry], written: &[u8]) {
    let mut bad = |name: &str, about: &str, change: &dyn Fn(&mut Vec<RawEntry>)| {
        let mut list = sealed.to_vec();
        change(&mut list);
        add(files, name, about, Some(FRAMING), TRUSTED, raw_zip::write(&list, b""));
    };
    bad("mimetype-not-first", "3.3: data/EX-0001.age stands before mimetype.", &|list| list.swap(0, 1));
    bad("wrong-order", "3.3: the exhibits stand in the order 2, 1, 3.", &|list| list.swap(1, 2));
    bad("data-descriptor", "Z4: size and CRC-32 of index.age follow its content.", &|list| {
        find(list, "index.age").descriptor = true;
    });
    bad(
        "zip64-needless",
        "Z6: a ZIP64 extra field in the local header of an entry that needs none.",
        &|list| {
            let index = find(list, "index.age");
            let size = (index.bytes.len() as u64).to_le_bytes();
            index.extra = [&[1, 0, 16, 0][..], &size, &size].concat();
        },
    );
    add(
        files,
        "bytes-after",
        "Z1: bytes follow the end record.",
        Some(FRAMING),
        TRUSTED,
        [written, b"more"].concat(),
    );
}

fn objects(files: &mut Files, sealed: &[RawEntry]) {
    let mut bad = |name: &str, about: &str, part: &str, change: &dyn Fn(&mut Vec<RawEntry>)| {
        let mut list = sealed.to_vec();
        change(&mut list);
        add(files, name, about, Some(part), OUTER, raw_zip::write(&list, b""));
    };
    bad(
        "ciphertext-flipped",
        "Step 5: one bit of an exhibit's ciphertext; its CRC-32 fits.",
        "data/EX-0001.age",
        &|list| {
            let ciphertext = &mut find(list, "data/EX-0001.age").bytes;
            *ciphertext.last_mut().expect("a byte") ^= 1;
        },
    );
    bad("file-more", "Step 2: a file that no manifest covers.", "notes.txt", &|list| {
        list.push(entry("notes.txt", b"x"))
    });
    bad("exhibit-missing", "Step 2: the second exhibit is gone.", "data/EX-0002.age", &|list| {
        list.retain(|entry| entry.name != "data/EX-0002.age");
    });
    bad("seal-halved", "3.1: manifest 002 without signature 002.", S2, &|list| {
        list.pop();
    });
}

fn signatures(files: &mut Files, bench: &Bench, person: &[RawEntry]) {
    let mut bad = |name: &str, about: &str, part: &str, list: &[RawEntry]| {
        add(files, name, about, Some(part), TRUSTED, raw_zip::write(list, b""));
    };
    let mut list = person.to_vec();
    let manifest = find(&mut list, M1).bytes.clone();
    let signature = find(&mut list, S1);
    signature.bytes = without_signed_attributes(&signature.bytes, &manifest, &bench.officer);
    let about = "Step 6: signature 001 has no signed attributes. openssl cms -verify -cades accepts it.";
    bad("no-signed-attributes", about, S1, &list);

    let by_person = bench.with_seal(person, &bench.officer);
    bad("seal-by-the-person", "Step 7: 002 was made with the certificate of 001.", S2, &by_person);
    let stranger = bench.with_seal(person, &bench.stranger);
    bad("seal-by-a-stranger", "Step 7: nobody vouches for the certificate of 002.", S2, &stranger);

    // A seal over other files than the person's manifest and signature.
    let mut list = bench.with_seal(person, &bench.institution);
    let covered: Vec<DataReference> = [M1, TRANSMITTAL]
        .iter()
        .map(|name| DataReference {
            uri: (*name).to_owned(),
            mime: None,
            digest: Digest::of(&find(&mut list, name).bytes),
        })
        .collect();
    let manifest = AsicManifest::new(S2, covered).expect("a manifest").to_xml();
    find(&mut list, S2).bytes = cades::sign(&manifest, &bench.institution, now(), None).expect("signs");
    find(&mut list, M2).bytes = manifest;
    bad("seal-over-something-else", "3.8: 002 covers the transmittal instead of signature 001.", M2, &list);

    let mut list = person.to_vec();
    sign_again(&mut list, &bench.thief);
    bad(
        "signed-by-another",
        "Step 9: 001 was made anew by another officer; the transmittal names the first.",
        S1,
        &list,
    );

    let mut list = person.to_vec();
    edit_transmittal(&mut list, |transmittal| {
        transmittal.sender.certificate_sha256 = bench.thief.certificate().expect("a certificate").digest();
    });
    sign_again(&mut list, &bench.thief);
    let about = "Step 11: another officer names himself as sender and signs the outer part anew. Only the index can tell.";
    bad("adopted-by-another", about, "the index was signed by somebody else", &list);

    let mut list = person.to_vec();
    let transmittal = &mut find(&mut list, TRANSMITTAL).bytes;
    *transmittal = [&b"{ "[..], &transmittal[1..]].concat();
    sign_again(&mut list, &bench.officer);
    bad(
        "transmittal-not-canonical",
        "Step 3: a blank in transmittal.json; signed anew by the same officer.",
        TRANSMITTAL,
        &list,
    );

    let mut list = person.to_vec();
    find(&mut list, "bag-info.txt").bytes = b"Bagging-Date: 2026-11-21\nPayload-Oxum: 1.1\n".to_vec();
    sign_again(&mut list, &bench.officer);
    bad(
        "bag-info-wrong",
        "3.4: bag-info.txt says something else; signed anew by the same officer.",
        "bag-info.txt",
        &list,
    );
}

fn swaps(files: &mut Files, bench: &Bench, person: &[RawEntry]) {
    let mut other = bench.seal("two", b"another content, as long!");
    let mut bad = |name: &str, about: &str, part: &str, header: &[(&str, &str)], list: &[RawEntry]| {
        add(files, name, about, Some(part), header, raw_zip::write(list, b""));
    };
    let mut list = person.to_vec();
    find(&mut list, DATA).bytes = find(&mut other, DATA).bytes.clone();
    let about = "Step 5: an exhibit of another package of the same sender to the same recipient.";
    bad("exhibit-swapped", about, DATA, OUTER, &list);
    sign_again(&mut list, &bench.officer);
    let about = "Step 12: the same, signed anew outside by the same officer. Only the index can tell.";
    bad("exhibit-swapped-signed", about, DATA, TRUSTED, &list);

    let mut list = person.to_vec();
    find(&mut list, "index.age").bytes = find(&mut other, "index.age").bytes.clone();
    bad("index-swapped", "Step 5: the index of another package.", "index.age", OUTER, &list);
    sign_again(&mut list, &bench.officer);
    let about = "Step 11: the same, signed anew outside by the same officer: its transmittal is another one.";
    bad("index-swapped-signed", about, "salt", TRUSTED, &list);
    let about = "The same without identity: the outer part is right, and nothing else is said.";
    same(files, "good-index-not-looked-at", about, None, "index-swapped-signed", OUTER);
}

fn encryption(files: &mut Files, bench: &Bench, person: &[RawEntry]) {
    files.insert("hybrid.key".to_owned(), bench.hybrid_identity.clone().into_bytes());
    let hybrid = bench.seal_for(&bench.hybrid_recipient, "post-quantum", b"the content of the letter");
    let header = [
        ("trust", "anchors.pem"),
        ("identity", "hybrid.key"),
        AT,
        ("says", "encryption: mlkem768x25519 throughout"),
    ];
    let about = "Encrypted to a post-quantum key, index and exhibits alike; opened with the identity.";
    add(files, "good-hybrid", about, None, &header, raw_zip::write(&hybrid, b""));
    let mut bad = |name: &str, about: &str, part: &str, list: &[RawEntry]| {
        add(files, name, about, Some(part), OUTER, raw_zip::write(list, b""));
    };

    // The letter for the same recipient, and with a stanza of the other kind beside; all else is right outside.
    let mut list = person.to_vec();
    let stanza = first_stanza(&find(&mut hybrid.clone(), DATA).bytes);
    let before = find(&mut list, DATA).bytes.clone();
    let mixed = with_a_second_stanza(&before, &stanza);
    let more = (mixed.len() - before.len()) as u64;
    find(&mut list, DATA).bytes = mixed;
    edit_transmittal(&mut list, |transmittal| transmittal.exhibits[0].size_bytes += more);
    let info = &mut find(&mut list, "bag-info.txt").bytes;
    *info = with_more_bytes(info, more);
    sign_again(&mut list, &bench.officer);
    bad(
        "encryption-mixed",
        "5.1: the header of an exhibit has stanzas of both kinds; signed anew by the same officer. No key is needed to see it.",
        "stand side by side",
        &list,
    );

    let mut list = hybrid.clone();
    let classical = Transmittal::from_bytes(&find(&mut person.to_vec(), TRANSMITTAL).bytes).expect("reads");
    edit_transmittal(&mut list, |transmittal| {
        transmittal.encryption = classical.encryption;
        transmittal.recipients = classical.recipients;
    });
    sign_again(&mut list, &bench.officer);
    bad(
        "encryption-lies",
        "5.1: everything is encrypted to a post-quantum key, and the transmittal says x25519 and names such a recipient.",
        "`index.age`: it is encrypted to mlkem768x25519 keys",
        &list,
    );

    let mut list = person.to_vec();
    let transmittal = &mut find(&mut list, TRANSMITTAL).bytes;
    let text = String::from_utf8(transmittal.clone()).expect("text");
    *transmittal = text.replace(r#""encryption":"x25519""#, r#""encryption":"mlkem768x25519""#).into_bytes();
    assert_ne!(transmittal.as_slice(), text.as_bytes());
    sign_again(&mut list, &bench.officer);
    bad(
        "encryption-boasts",
        "4: the transmittal says mlkem768x25519 and names a classical recipient.",
        TRANSMITTAL,
        &list,
    );
}

/// The lines of the first stanza of an age file.
fn first_stanza(file: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').skip(1).take(2).collect();
    assert!(lines[0].starts_with(b"-> ") && lines[1].len() < 65);
    lines.concat()
}

/// The file with another stanza behind its first. Its MAC is wrong then, which only a key could tell.
fn with_a_second_stanza(file: &[u8], stanza: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').take(3).collect();
    let end = lines.concat().len();
    [&file[..end], stanza, &file[end..]].concat()
}

/// `bag-info.txt` for so many bytes more.
fn with_more_bytes(info: &[u8], more: u64) -> Vec<u8> {
    let text = std::str::from_utf8(info).expect("text");
    let (before, oxum) = text.split_once("Payload-Oxum: ").expect("a size");
    let (bytes, count) = oxum.split_once('.').expect("a size and a count");
    let bytes: u64 = bytes.parse().expect("a number");
    format!("{before}Payload-Oxum: {}.{count}", bytes + more).into_bytes()
}

fn edit_transmittal(list: &mut [RawEntry], change: impl FnOnce(&mut Transmittal)) {
    let bytes = &mut find(list, TRANSMITTAL).bytes;
    let mut transmittal = Transmittal::from_bytes(bytes).expect("a transmittal");
    change(&mut transmittal);
    *bytes = transmittal.to_bytes().expect("canonical");
}

impl Bench {
    /// The package with a seal 002 by `signer`.
    fn with_seal(&self, person: &[RawEntry], signer: &dyn Signer) -> Vec<RawEntry> {
        let mut list = person.to_vec();
        let (manifest, signature) = (find(&mut list, M1).bytes.clone(), find(&mut list, S1).bytes.clone());
        let seal = institution_seal(&manifest, &signature, signer, now()).expect("seals");
        list.extend(seal.into_objects().map(|(name, bytes)| entry(&name, &bytes)));
        list
    }
}
