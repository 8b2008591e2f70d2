//! Makes the vectors: the story of `common`, and the same with one defect each.

mod audits;
mod epochs;
mod forms;
mod promises;
mod records;

use crate::Log;
use crate::common::{CASE_KEY, ORIGIN, honest, key as key_of, log_key, pem, salt, shared_number, story};
use rogatory_core::Digest;
use rogatory_core::custody_event::Stream;
use rogatory_custody::case_head::CaseHead;
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::proof::{InclusionProof, OpenedEntry};
use rogatory_custody::record::Content;
use rogatory_custody::tree::{NodeCoordinates, Tree, consistency_proof_nodes, leaf_hash};
use std::collections::BTreeMap;

/// The files by their names without `.txt`.
pub(crate) fn vectors() -> BTreeMap<String, Vec<u8>> {
    let mut files = Files(BTreeMap::new());
    records::records(&mut files);
    epochs::epochs(&mut files);
    checkpoints(&mut files);
    cosigned(&mut files);
    case_heads(&mut files);
    proofs(&mut files);
    consistency(&mut files);
    leaves(&mut files);
    forms::bodies(&mut files);
    forms::notes(&mut files);
    forms::origins(&mut files);
    forms::keys(&mut files);
    forms::heads(&mut files);
    audits::audits(&mut files);
    promises::promises(&mut files);
    files.0
}

/// The files made so far.
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds a file. `part` is the failing part of a record, empty for other kinds; none if all holds.
    fn add(&mut self, name: &str, about: &str, header: &[(&str, &str)], part: Option<&str>, payload: &[u8]) {
        let mut file = format!("# {about}\n");
        let expected = if part.is_some() { "refused" } else { "good" };
        let part = part.filter(|part| !part.is_empty()).map(|part| ("part", part));
        let expected = [("expect", expected)];
        for (field, value) in header.iter().chain(&expected).chain(&part) {
            file.push_str(&format!("# {field}: {value}\n"));
        }
        file.push_str("---\n");
        let mut bytes = file.into_bytes();
        bytes.extend(payload);
        assert!(self.0.insert(name.to_owned(), bytes).is_none(), "{name} is made twice");
    }

    /// Adds a note whose signer is trusted.
    fn note(&mut self, kind: &str, name: &str, about: &str, good: bool, key: &LogKey, note: &str) {
        let vkey = key.vkey().to_string();
        let part = if good { None } else { Some("") };
        self.add(name, about, &[("kind", kind), ("vkey", &vkey)], part, note.as_bytes());
    }
}

fn sign(key: &LogKey, text: &str) -> String {
    key.sign(text).expect("signed").to_string()
}

/// The signature lines of a note, as another may carry them too.
fn signature_lines(note: &str) -> &str {
    note.rsplit_once("\n\n").expect("a note").1
}

fn checkpoints(files: &mut Files) {
    let key = log_key();
    let witness = key_of("witness.example.fr/bepi", 7);
    let good = honest().checkpoint;
    let text = good.rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let mut add = |name: &str, about: &str, is_good: bool, note: &str| {
        files.note("checkpoint", &format!("checkpoint-{name}"), about, is_good, &key, note);
    };
    add("good", "A checkpoint.", true, &good);
    let empty = Log::new().checkpoint(ORIGIN, &key);
    add("good-empty", "The checkpoint of a log without entries.", true, &empty);
    let cosigned = format!("{good}{}", signature_lines(&sign(&witness, &text)));
    add("good-cosigned", "A line by a key that the reader doesn't know is ignored.", true, &cosigned);
    let before = format!("{text}\n{}{}", signature_lines(&sign(&witness, &text)), signature_lines(&good));
    add("good-cosigned-before", "The unknown line may stand above the log's.", true, &before);

    let extension = sign(&key, &format!("{text}an extension line\n"));
    add("extension-line", "An extension line, which nobody could audit.", false, &extension);
    let zero = sign(&key, &text.replace("\n11\n", "\n011\n"));
    add("leading-zero", "The size has a leading zero.", false, &zero);
    let plus = sign(&key, &text.replace("\n11\n", "\n+11\n"));
    add("size-with-sign", "The size has a sign.", false, &plus);
    let huge = sign(&key, &text.replace("\n11\n", "\n9223372036854775808\n"));
    add("size-too-large", "The size is beyond 2^63 - 1.", false, &huge);
    let no_root = sign(&key, &text.replace("\n11\n", "\n0\n"));
    add("empty-log-with-root", "A log without entries has the root of another.", false, &no_root);
    let origin = sign(&key, &text.replace("/1\n", "/01\n"));
    add("epoch-leading-zero", "The epoch in the origin has a leading zero.", false, &origin);
    let other = sign(&key, &text.replace("md/central-authority/1\n", "fr/bepi/1\n"));
    add("signed-by-another-log", "The log's key signs a checkpoint of another log.", false, &other);
    let forged = text.replace("\n11\n", "\n12\n") + "\n" + signature_lines(&good);
    add("size-changed", "The size was changed after signing.", false, &forged);
    let forger = key_of(ORIGIN, 2);
    add("forged", "Signed under the log's name by another key.", false, &sign(&forger, &text));
    let twice = format!("{good}{}", signature_lines(&good));
    add("signed-twice", "The log's signature line stands there twice.", false, &twice);
    add("no-signature", "No signature line.", false, &format!("{text}\n"));
    add("no-final-newline", "The last line has no newline.", false, good.trim_end());
    add("carriage-return", "A carriage return.", false, &good.replace("\n11\n", "\n11\r\n"));
    let hyphen = good.replace('\u{2014}', "-");
    add("hyphen-for-dash", "The signature line begins with a hyphen.", false, &hyphen);
    let garbage = format!("{good}\u{2014} witness AAAA\n");
    add(
        "signature-too-short",
        "A second line whose signature has no byte after the key id.",
        false,
        &garbage,
    );
}

/// The witnesses of the story, in the order of their names: the counterpart, and an institution of a third State.
fn cosigners() -> [WitnessKey; 2] {
    [("bepi.example.fr", "fr/bepi", 5), ("ca.example.gb", "gb/central-authority", 6)].map(
        |(domain, party, seed)| {
            let name = WitnessName::new(domain, &party.parse().expect("a party")).expect("a name");
            WitnessKey::from_pem(name, &pem(seed)).expect("a key")
        },
    )
}

/// The line with which a witness cosigns the story's checkpoint.
fn cosignature(checkpoint: &str, witness: &WitnessKey) -> String {
    let checkpoint = verify_checkpoint(checkpoint.as_bytes(), &[log_key().vkey().clone()]).expect("valid");
    let at = "2026-11-22T14:31:00Z".parse().expect("an instant");
    witness.cosign(&checkpoint, at).expect("cosigned").to_string()
}

fn cosigned(files: &mut Files) {
    let key = log_key();
    let good = honest().checkpoint;
    let (text, own) = good.rsplit_once("\n\n").expect("a note");
    let witnesses = cosigners();
    let [fr, gb] = witnesses.each_ref().map(|witness| cosignature(&good, witness));
    let keys = witnesses.map(|witness| witness.vkey().to_string());
    let log = key.vkey().to_string();
    let mut add = |name: &str, about: &str, is_good: bool, trusted: &[&String], note: &str| {
        let mut header = vec![("kind", "cosigned checkpoint"), ("vkey", log.as_str())];
        header.extend(trusted.iter().map(|key| ("witness", key.as_str())));
        let part = if is_good { None } else { Some("") };
        files.add(&format!("cosigned-{name}"), about, &header, part, note.as_bytes());
    };
    let both = [&keys[0], &keys[1]];
    add("good", "Two witnesses cosigned.", true, &both, &format!("{good}{fr}{gb}"));
    add(
        "good-unknown",
        "Of one witness the reader has no key.",
        true,
        &both[..1],
        &format!("{good}{fr}{gb}"),
    );
    add("good-none", "Nobody cosigned.", true, &[], &good);
    add(
        "missing",
        "A witness that the reader asks for did not cosign.",
        false,
        &both,
        &format!("{good}{gb}"),
    );
    add("order", "The lines stand in another order.", false, &both, &format!("{good}{gb}{fr}"));
    add("twice", "One line stands there twice.", false, &both[..1], &format!("{good}{fr}{fr}"));
    add("before", "A line stands above the log's.", false, &both[..1], &format!("{text}\n\n{fr}{own}"));
    let (name, line) = fr.trim_end().rsplit_once(' ').expect("a line");
    let change = |at: usize, bit: u8| {
        let mut bytes = data_encoding::BASE64.decode(line.as_bytes()).expect("base64");
        bytes[at] ^= bit;
        format!("{good}{name} {}\n", data_encoding::BASE64.encode(&bytes))
    };
    add(
        "time-changed",
        "The time is another than the one that was signed.",
        false,
        &both[..1],
        &change(11, 1),
    );
    add("signature-changed", "A bit of the signature is another.", false, &both[..1], &change(40, 1));
    add("time-out-of-range", "The time is beyond 2^63 - 1.", false, &[], &change(4, 0x80));
    let short = {
        let bytes = data_encoding::BASE64.decode(line.as_bytes()).expect("base64");
        format!("{good}{name} {}\n", data_encoding::BASE64.encode(&bytes[..75]))
    };
    add("too-short", "A byte of the line is missing.", false, &[], &short);
    let plain = key_of("bepi.example.fr/rogatory/fr/bepi/witness", 5);
    let plain = format!("{good}{}", signature_lines(&sign(&plain, &format!("{text}\n"))));
    add("without-time", "The witness signed the checkpoint like a log, without a time.", false, &[], &plain);
    let renamed = fr.replace("/fr/bepi/", "/fr/other/");
    add("renamed", "The line bears another witness's name.", false, &both[..1], &format!("{good}{renamed}"));
    let other = log_key().sign(&format!("{}\n", text.replace("\n11\n", "\n12\n"))).expect("signed");
    add("of-another", "The witness cosigned another checkpoint.", false, &both[..1], &format!("{other}{fr}"));
    let own_log =
        fr.replace("bepi.example.fr/rogatory/fr/bepi/", "ca.example.md/rogatory/md/central-authority/");
    add(
        "by-itself",
        "The log's own institution stands as its witness.",
        false,
        &[],
        &format!("{good}{own_log}"),
    );
    let is_log_key = key_of("bepi.example.fr/rogatory/fr/bepi/witness", 5).vkey().to_string();
    add(
        "key-of-a-log",
        "The key that is trusted for the witness is of a log's type.",
        false,
        &[&is_log_key],
        &format!("{good}{fr}"),
    );
}

fn case_heads(files: &mut Files) {
    let key = log_key();
    let head = CaseHead {
        origin: ORIGIN.parse().expect("an origin"),
        shared_number: Some(shared_number(0x5a)),
        stream: "fr/bepi".parse().expect("a stream"),
        n: 2,
        leaf: leaf_hash(&honest().entries[4].leaf),
    };
    let good = head.sign(&key).expect("signed");
    let text = head.text();
    let mut add = |name: &str, about: &str, is_good: bool, note: &str| {
        files.note("case head", &format!("case-head-{name}"), about, is_good, &key, note);
    };
    add("good", "A case head.", true, &good);
    let internal = CaseHead { shared_number: None, stream: Stream::Internal, ..head };
    let internal = internal.sign(&key).expect("signed");
    add("good-no-shared-number", "A case before drafting ends has no shared number.", true, &internal);
    add("is-a-checkpoint", "A checkpoint is no case head.", false, &honest().checkpoint);
    let version = sign(&key, &text.replace("case-head/1", "case-head/2"));
    add("other-version", "The first line names another version.", false, &version);
    add("number-zero", "Events count from 1.", false, &sign(&key, &text.replace("\n2\n", "\n0\n")));
    let number = sign(&key, &text.replace("\n2\n", "\n02\n"));
    add("leading-zero", "The number has a leading zero.", false, &number);
    let leaf = head_leaf(&text);
    let upper = sign(&key, &text.replace(&leaf, &leaf.to_uppercase()));
    add("upper-case-leaf", "The leaf hash is written in capitals.", false, &upper);
    let check = shared_number(0x5a);
    let digits = &check.as_str()[23..];
    let other = if digits == "10" { "11" } else { "10" };
    let misread = text.replace(check.as_str(), &format!("{}{other}", &check.as_str()[..23]));
    add(
        "misread-shared-number",
        "The check characters of the shared number don't fit.",
        false,
        &sign(&key, &misread),
    );
    let extra = sign(&key, &format!("{text}more\n"));
    add("extra-line", "A seventh line.", false, &extra);
    let forged = text.replace("\n2\n", "\n1\n") + "\n" + signature_lines(&good);
    add("number-changed", "The number was changed after signing.", false, &forged);
}

fn head_leaf(text: &str) -> String {
    text.lines().last().expect("six lines").to_owned()
}

fn proofs(files: &mut Files) {
    let key = log_key();
    let vkey = key.vkey().to_string();
    let (record, log) = story(|_, _, body| body);
    let entry = &record.entries[4];
    let leaf = leaf_hash(&entry.leaf).to_hex();
    let good = InclusionProof {
        entry: None,
        index: entry.index,
        hashes: entry.proof.clone(),
        checkpoint: record.checkpoint.clone(),
    };
    let mut add = |name: &str, about: &str, is_good: bool, text: &str| {
        let header = [("kind", "proof"), ("vkey", &*vkey), ("leaf", &*leaf)];
        let part = if is_good { None } else { Some("") };
        files.add(&format!("proof-{name}"), about, &header, part, text.as_bytes());
    };
    add("good", "An inclusion proof as a file.", true, &good.to_string());
    let mut changed = good.clone();
    changed.hashes[1] = Digest::of(b"other");
    add("hash-changed", "One hash is another.", false, &changed.to_string());
    let mut short = good.clone();
    short.hashes.pop();
    add("too-short", "The last hash is missing.", false, &short.to_string());
    let mut long = good.clone();
    long.hashes.push(log.tree.root());
    add("too-long", "A hash too many.", false, &long.to_string());
    let index = InclusionProof { index: 9, ..good.clone() };
    add("other-index", "The index of another leaf.", false, &index.to_string());
    let outside = InclusionProof { index: 11, ..good.clone() };
    add("outside-the-tree", "The tree has no leaf 11.", false, &outside.to_string());
    let text = good.to_string();
    add("index-leading-zero", "The index has a leading zero.", false, &text.replace("index 8", "index 08"));
    add(
        "extra-data",
        "Extra data that are no entry.",
        false,
        &text.replace("index 8", "extra AA==\nindex 8"),
    );
    let Content::Body { salt, body } = entry.content.clone() else { unreachable!() };
    let mut tag = [0; 32];
    tag.copy_from_slice(&entry.leaf[1..33]);
    let opened = OpenedEntry { tag, salt, body };
    let open = InclusionProof { entry: Some(opened.clone()), ..good.clone() };
    add("good-open", "An open proof: it holds the entry that it is about.", true, &open.to_string());
    let mut changed = opened.clone();
    changed.body = String::from_utf8(changed.body).expect("text").replace("\"n\":2", "\"n\":3").into_bytes();
    let changed = InclusionProof { entry: Some(changed), ..good.clone() };
    add("open-body-changed", "The body in an open proof is another.", false, &changed.to_string());
    let mut changed = opened;
    changed.tag[0] ^= 1;
    let changed = InclusionProof { entry: Some(changed), ..good.clone() };
    add("open-tag-changed", "The tag in an open proof is another.", false, &changed.to_string());
    let moved = {
        let text = open.to_string();
        let (first, rest) = text.split_once("\nextra ").expect("an entry");
        let (extra, rest) = rest.split_once('\n').expect("an index");
        let (index, rest) = rest.split_once('\n').expect("a hash");
        format!("{first}\n{index}\nextra {extra}\n{rest}")
    };
    add("open-entry-misplaced", "The entry stands below the index.", false, &moved);
    add("other-first-line", "The first line names another version.", false, &text.replace("@v1", "@v2"));
    let cut = text.replace(&data_encoding::BASE64.encode(good.hashes[0].as_bytes()), "AAAA");
    assert_ne!(cut, text);
    add("hash-short", "A hash has three bytes.", false, &cut);
    add(
        "index-other-word",
        "The line of the index begins with another word.",
        false,
        &text.replace("index 8", "Index 8"),
    );
    add("without-index", "There is no index.", false, &text.replace("index 8\n", ""));
    add("without-checkpoint", "There is no checkpoint.", false, text.split_once("\n\n").expect("a proof").0);
    add("carriage-return", "A carriage return.", false, &text.replacen('\n', "\r\n", 1));
    let many = InclusionProof { hashes: vec![Digest::of(b"other"); 65], ..good.clone() };
    add("65-hashes", "More hashes than any tree needs.", false, &many.to_string());
    let other = InclusionProof { checkpoint: log.checkpoint(ORIGIN, &key_of(ORIGIN, 2)), ..good.clone() };
    add("checkpoint-forged", "The checkpoint is signed by another key.", false, &other.to_string());
    let elsewhere = record.entries[0].clone();
    let Content::Body { salt, body } = elsewhere.content else { unreachable!() };
    let mut tag = [0; 32];
    tag.copy_from_slice(&elsewhere.leaf[1..33]);
    let elsewhere = InclusionProof {
        entry: Some(OpenedEntry { tag, salt, body }),
        index: elsewhere.index,
        hashes: elsewhere.proof,
        checkpoint: record.checkpoint.clone(),
    };
    let about = "An open proof of another leaf than the reader has the hash of.";
    add("open-of-another", about, false, &elsewhere.to_string());
    let header = [("kind", "proof"), ("vkey", &*vkey)];
    let about = "A closed proof, and no leaf hash from elsewhere: it says nothing.";
    files.add("proof-closed-without-leaf", about, &header, Some(""), text.as_bytes());
}

fn consistency(files: &mut Files) {
    let (_, log) = story(|_, _, body| body);
    let mut growing = Tree::new();
    let mut roots = vec![growing.root()];
    for index in 0..11 {
        let at = NodeCoordinates { level: 0, index };
        growing.append(log.nodes[&at]).expect("there is room");
        roots.push(growing.root());
    }
    let prove = |old: u64| {
        consistency_proof_nodes(old, 11)
            .and_then(|plan| plan.assemble(|at| log.nodes.get(&at).copied()))
            .expect("all nodes are stored")
    };
    let mut add =
        |name: &str, about: &str, is_good: bool, old: usize, old_root: &Digest, proof: &[Digest]| {
            let mut text = format!("{old} {old_root}\n11 {}\n", roots[11]);
            for hash in proof {
                text.push_str(&format!("{hash}\n"));
            }
            let part = if is_good { None } else { Some("") };
            let name = format!("consistency-{name}");
            files.add(&name, about, &[("kind", "consistency")], part, text.as_bytes());
        };
    for old in [1, 4, 6, 7, 10, 11] {
        let about = format!("The tree of {old} leaves is the beginning of the tree of 11.");
        add(&format!("good-{old}-of-11"), &about, true, old, &roots[old], &prove(old as u64));
    }
    add("good-from-empty", "Every tree goes on from the empty one.", true, 0, &roots[0], &[]);
    add("hashes-from-empty", "The empty tree needs no hash.", false, 0, &roots[0], &prove(6));
    add("root-of-empty", "The empty tree has another root.", false, 0, &roots[1], &[]);
    let other = Digest::of(b"other");
    add("fork-at-equal-sizes", "Two roots of one size.", false, 11, &other, &[]);
    add("of-another-size", "The proof is from another size.", false, 7, &roots[7], &prove(6));
    add("empty", "No hashes.", false, 6, &roots[6], &[]);
    let proof = prove(6);
    add("split-view", "The older tree had another leaf.", false, 6, &Digest::of(b"other"), &proof);
    let mut changed = proof.clone();
    changed[2] = Digest::of(b"other");
    add("hash-changed", "One hash is another.", false, 6, &roots[6], &changed);
    add("too-short", "The last hash is missing.", false, 6, &roots[6], &proof[..proof.len() - 1]);
    let mut long = proof.clone();
    long.push(roots[11]);
    add("too-long", "A hash too many.", false, 6, &roots[6], &long);
    add("hashes-for-equal-sizes", "Trees of one size need no hash.", false, 11, &roots[11], &proof);
    add("larger-before-smaller", "The older tree is the larger one.", false, 12, &roots[11], &[]);
}

fn leaves(files: &mut Files) {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let tag_key = TagKey::derive(&CASE_KEY);
    let stream: Stream = "fr/bepi".parse().expect("a stream");
    let body = br#"{"case":"C-7K2M9QXR4T1VC8ZE"}"#;
    let good = Leaf::new(&tag_key, &stream, 258, &salt(0), body);
    let mut add = |name: &str, about: &str, is_good: bool, leaf: &[u8]| {
        let text = format!(
            "case key: {}\ntag key: {}\nstream: {stream}\nn: 258\nsalt: {}\nbody: {}\nleaf: {}\nleaf hash: {}\n",
            hex(&CASE_KEY),
            hex(tag_key.as_bytes()),
            hex(&salt(0)),
            hex(body),
            hex(leaf),
            leaf_hash(leaf)
        );
        let part = if is_good { None } else { Some("") };
        files.add(&format!("leaf-{name}"), about, &[("kind", "leaf")], part, text.as_bytes());
    };
    add(
        "good",
        "A leaf with all that it is made from; everything but stream and n in hexadecimal.",
        true,
        &good.to_bytes(),
    );
    let other = Leaf::new(&tag_key, &stream, 259, &salt(0), body);
    add("other-number", "The tag is the next number's.", false, &other.to_bytes());
    let other = Leaf::new(&tag_key, &Stream::Internal, 258, &salt(0), body);
    add("other-stream", "The tag is another stream's.", false, &other.to_bytes());
    let other = Leaf::new(&tag_key, &stream, 258, &salt(1), body);
    add("other-salt", "The commitment is under another salt.", false, &other.to_bytes());
    let mut version = good.to_bytes();
    version[0] = 2;
    add("other-version", "The first byte is 2.", false, &version);
    let case_key_as_tag_key = TagKey::from_bytes(CASE_KEY);
    let other = Leaf::new(&case_key_as_tag_key, &stream, 258, &salt(0), body);
    add("tagged-with-case-key", "The tag is under the case key itself.", false, &other.to_bytes());
}
