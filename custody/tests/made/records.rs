//! The records among the vectors. Each defect stands alone: whatever follows from it is made anew,
//! signatures included, so that only the check named by the vector can find it.

use super::{Files, cosignature, cosigners, sign, signature_lines};
use crate::common::{
    COUNTERPART_ORIGIN, Log, NEXT_ORIGIN, ORIGIN, acknowledged, counterpart_key, erased, honest, key,
    log_key, partly_erased, quoting, salt, sent_head, shared_number, story, told_head, unsealed,
};
use rogatory_core::Digest;
use rogatory_core::custody_event::Stream;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_custody::case_head::CaseHead;
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::record::{Content, Entry, Record};

pub(crate) fn records(files: &mut Files) {
    let mut add = |name: &str, about: &str, part: Option<&str>, payload: &[u8]| {
        let vkey = log_key().vkey().to_string();
        // The next epoch's key is trusted too: it must not vouch for this one.
        let next = key(NEXT_ORIGIN, 3).vkey().to_string();
        let header = [("kind", "record"), ("vkey", &*vkey), ("vkey", &*next)];
        files.add(&format!("record-{name}"), about, &header, part, payload);
    };
    good(&mut add);
    framing(&mut add);
    checkpoints(&mut add);
    entries(&mut add);
    numbering(&mut add);
    heads(&mut add);
    receipted(&mut add);
    receipts(&mut add);
    told(&mut add);
    keys_of_others(files);
}

type Add<'a> = dyn FnMut(&str, &str, Option<&str>, &[u8]) + 'a;

fn bytes(record: &Record) -> Vec<u8> {
    record.to_bytes().expect("within the limits")
}

fn text(record: &Record) -> String {
    String::from_utf8(bytes(record)).expect("text")
}

/// The record with its heads signed anew.
fn resigned(record: Record) -> Record {
    record.with_heads(&log_key()).expect("signed")
}

fn good(add: &mut Add<'_>) {
    add("good", "A custody record: six events in two streams.", None, &bytes(&honest()));
    add("good-erased", "The case was erased: every body is gone.", None, &bytes(&erased()));
    let mut shared = honest();
    shared.entries.retain(|entry| entry.stream != Stream::Internal);
    let shared = resigned(shared);
    add("good-one-stream", "What the counterpart may see: the shared stream.", None, &bytes(&shared));
    let about = "A counterpart's receipt quotes a case head: complete to #1 as known to fr/bepi.";
    add("good-receipted", about, None, &bytes(&acknowledged()));
    let good = honest();
    let [fr, gb] = cosigners().map(|witness| cosignature(&good.checkpoint, &witness));
    let cosigned = Record { checkpoint: format!("{}{fr}{gb}", good.checkpoint), ..good };
    add("good-cosigned", "Two witnesses have cosigned the checkpoint.", None, &bytes(&cosigned));
    add(
        "good-office",
        "An office's own event, the only one of its log; no shared number.",
        None,
        &bytes(&office()),
    );
}

/// The record of the pseudo-case `office` in a log of one entry.
fn office() -> Record {
    let tag_key = TagKey::derive(&[4; 32]);
    let body = format!(
        r#"{{"case":"office","stream":"internal","n":1,"previous":null,"at":"2026-11-22T14:20:00.000001Z","actor":{{"kind":"server"}},"event":"log-started","origin":"{ORIGIN}"}}"#
    )
    .into_bytes();
    let leaf = Leaf::new(&tag_key, &Stream::Internal, 1, &salt(0), &body);
    let mut log = Log::new();
    log.append(leaf.hash());
    resigned(Record {
        origin: ORIGIN.parse().expect("an origin"),
        shared_number: None,
        tag_key,
        checkpoint: log.checkpoint(ORIGIN, &log_key()),
        heads: Vec::new(),
        receipted: Vec::new(),
        told: Vec::new(),
        epochs: Vec::new(),
        entries: vec![Entry {
            stream: Stream::Internal,
            n: 1,
            index: 0,
            leaf: leaf.to_bytes(),
            content: Content::Body { salt: salt(0), body },
            proof: Vec::new(),
        }],
    })
}

fn framing(add: &mut Add<'_>) {
    let good = text(&honest());
    let mut refused = |name: &str, about: &str, text: &str| {
        assert_ne!(text, good, "{name}");
        add(name, about, Some("framing"), text.as_bytes());
    };
    refused("space-added", "A space that JSON allows.", &good.replacen(": 1,", ":  1,", 1));
    refused("newline-missing", "The newline at the end is missing.", good.trim_end());
    refused(
        "escape",
        "A letter is written as an escape.",
        &good.replacen("ca.example", "c\\u0061.example", 1),
    );
    refused(
        "field-order",
        "Two fields have changed places.",
        &good.replacen("\"format\": 1,\n  \"profile\": 1,", "\"profile\": 1,\n  \"format\": 1,", 1),
    );
    refused(
        "unknown-field",
        "A field that the format doesn't have.",
        &good.replacen("\"profile\": 1,", "\"profile\": 1,\n  \"note\": 1,", 1),
    );
    refused(
        "repeated-field",
        "A field stands twice.",
        &good.replacen("\"profile\": 1,", "\"profile\": 1,\n  \"profile\": 1,", 1),
    );
    refused("other-format", "A later format.", &good.replacen("\"format\": 1", "\"format\": 2", 1));
    refused("other-profile", "A later profile.", &good.replacen("\"profile\": 1", "\"profile\": 2", 1));
    refused(
        "other-institution",
        "The institution isn't the one whose log it is.",
        &good.replacen("\"institution\": \"md/", "\"institution\": \"me/", 1),
    );
    refused("truncated", "The second half is missing.", &good[..good.len() / 2]);
    let upper = honest().entries[0].proof[0].to_hex();
    refused(
        "upper-case-hash",
        "A hash is written in capitals.",
        &good.replacen(&upper, &upper.to_uppercase(), 1),
    );
    let (before, entries) = good.split_once("\"entries\": [").expect("there are entries");
    assert!(!entries.is_empty());
    refused(
        "no-entries",
        "A record without entries says nothing.",
        &format!("{before}\"entries\": []\n}}\n"),
    );
    let erased = text(&erased());
    refused(
        "erased-false",
        "An entry that says that it isn't erased.",
        &erased.replacen("\"erased\": true", "\"erased\": false", 1),
    );
    let salt = format!("\"salt\": \"{}\",\n      \"erased\": true", "00".repeat(32));
    refused(
        "erased-with-salt",
        "An erased entry has kept its salt.",
        &erased.replacen("\"erased\": true", &salt, 1),
    );
    refused(
        "receipted-missing",
        "The field `receipted` is missing.",
        &good.replacen("  \"receipted\": [],\n", "", 1),
    );
    refused("told-missing", "The field `told` is missing.", &good.replacen("  \"told\": [],\n", "", 1));
    refused("number-zero", "A number below 1.", &good.replacen("\"n\": 1,", "\"n\": 0,", 1));
    let n = |to: &str| good.replacen("\"n\": 1,", &format!("\"n\": {to},"), 1);
    refused("number-with-point", "A number is written with a point.", &n("1.0"));
    refused("number-too-large", "The number 2^63.", &n("9223372036854775808"));
    let index = |to: &str| good.replacen("\"index\": 1,", &format!("\"index\": {to},"), 1);
    refused("index-negative", "An index below 0.", &index("-1"));
    refused("index-too-large", "The index 2^63 - 1.", &index("9223372036854775807"));
    refused("mark-first", "A byte-order mark.", &format!("\u{feff}{good}"));
    refused("text-behind", "A second newline at the end.", &format!("{good}\n"));
    let about = "An escape of half a character.";
    refused(
        "half-a-character",
        about,
        &good.replacen("\"checkpoint\": \"ca", "\"checkpoint\": \"\\ud800ca", 1),
    );
    let epoch = good.replacen(
        "\"origin\": \"ca.example.md/rogatory/md/central-authority/1\"",
        "\"origin\": \"ca.example.md/rogatory/md/central-authority/0\"",
        1,
    );
    refused("origin-epoch-zero", "The origin has an epoch 0.", &epoch);
    types(add);
    let mut refused =
        |name: &str, about: &str, text: &str| add(name, about, Some("framing"), text.as_bytes());
    let salt = good.find("      \"salt\"").expect("a salt");
    let rest = &good[salt..];
    let without = format!("{}{}", &good[..salt], rest.split_once('\n').expect("a line").1);
    refused("body-without-salt", "An entry has a body and no salt.", &without);
    let line = format!("        \"{}\",\n", honest().entries[0].proof[0]);
    let many = good.replacen(&line, &line.repeat(62), 1);
    refused("65-hashes", "A proof has more hashes than any tree needs.", &many);
    let receipt = |size: usize| {
        let mut record = acknowledged();
        record.receipted[0].receipt.resize(size, 0);
        text(&record)
    };
    refused("receipt-too-large", "A receipt of 65,537 bytes.", &enlarged(&receipt(65_535)));
}

/// Fields of another JSON type than they have.
fn types(add: &mut Add<'_>) {
    let good = text(&acknowledged());
    let told =
        text(&Record { told: vec![told_head().sign(&counterpart_key()).expect("signed")], ..acknowledged() });
    let mut refused = |name: &str, about: &str, from: &str, text: &str, to: &str| {
        let start = text.find(from).expect("it is there") + from.len();
        let rest = &text[start..];
        // Up to the end of the value: an array's bracket at the same indentation, or the line.
        let end = if rest.starts_with('[') { rest.find("\n  ]").map(|at| at + 4) } else { rest.find(",\n") };
        let end = end.or_else(|| rest.find('\n')).expect("an end");
        let changed = format!("{}{to}{}", &text[..start], &rest[end..]);
        add(&format!("type-{name}"), about, Some("framing"), changed.as_bytes());
    };
    refused("format", "The format is a string.", "\"format\": ", &good, "\"1\"");
    refused(
        "format-true",
        "The format is true, which some languages take for 1.",
        "\"format\": ",
        &good,
        "true",
    );
    refused(
        "stream-unknown",
        "The stream is neither `internal` nor a party.",
        "      \"stream\": ",
        &good,
        "\"bepi\"",
    );
    refused("entry", "An entry is null.", "\"entries\": [\n    ", &good, "null,\n    ");
    let large = format!("\"{}\"", data_encoding::BASE64.encode(&[b' '; 65_537]));
    refused("body-too-large", "A body of 65,537 bytes.", "      \"body\": ", &good, &large);
    refused("shared-number", "No shared number.", "\"shared_number\": ", &good, "\"MD-1\"");
    refused("tag-key", "The tag key is missing its value.", "\"tag_key\": ", &good, "null");
    refused("checkpoint", "The checkpoint is null.", "\"checkpoint\": ", &good, "null");
    refused("heads", "The heads are an object.", "\"heads\": ", &good, "{}");
    refused("head", "A head is a number.", "\"heads\": [\n    ", &good, "1");
    refused("receipted", "What is receipted is an object.", "\"receipted\": ", &good, "{}");
    refused("receipted-head", "A receipted head is null.", "      \"head\": ", &good, "null");
    refused("receipt", "A receipt is not in base64.", "      \"receipt\": ", &good, "\"?\"");
    refused("told", "What was told is an object.", "\"told\": ", &told, "{}");
    refused("told-head", "A head that was told is a number.", "\"told\": [\n    ", &told, "1");
    refused("entries", "The entries are an object.", "\"entries\": ", &good, "{}");
    refused("stream", "A stream is null.", "      \"stream\": ", &good, "null");
    refused("number", "A number is a string.", "      \"n\": ", &good, "\"1\"");
    refused("index", "An index is a string.", "      \"index\": ", &good, "\"1\"");
    refused("leaf", "A leaf is null.", "      \"leaf\": ", &good, "null");
    refused("salt", "A salt of one byte.", "      \"salt\": ", &good, "\"00\"");
    refused("body", "A body in hexadecimal.", "      \"body\": ", &good, "\"7b7\"");
    refused("hash", "A hash of a proof is null.", "\"proof\": [\n        ", &good, "null");
    let extra = good.replacen("      \"head\"", "      \"note\": 1,\n      \"head\"", 1);
    add("type-receipted-field", "What is receipted has a field more.", Some("framing"), extra.as_bytes());
    let empty = text(&honest());
    let (before, _) = empty.split_once("  \"heads\"").expect("heads");
    let empty =
        format!("{before}  \"heads\": [],\n  \"receipted\": [],\n  \"told\": [],\n  \"entries\": []\n}}\n");
    add("nothing", "No entries and no heads.", Some("framing"), empty.as_bytes());
}

/// A record whose receipt has two bytes more than a writer would let pass.
fn enlarged(record: &str) -> String {
    let at = record.find("\"receipt\": \"").expect("a receipt") + 12;
    let end = at + record[at..].find('"').expect("its end");
    let mut bytes = data_encoding::BASE64.decode(&record.as_bytes()[at..end]).expect("base64");
    bytes.extend([0, 0]);
    format!("{}{}{}", &record[..at], data_encoding::BASE64.encode(&bytes), &record[end..])
}

/// What the keys of witnesses and counterparts say, for a reader who has them.
fn keys_of_others(files: &mut Files) {
    let vkey = log_key().vkey().to_string();
    let mut add = |name: &str, about: &str, keys: &[(&str, &str)], part: Option<&str>, record: &Record| {
        let header = [&[("kind", "record"), ("vkey", &*vkey)], keys].concat();
        files.add(&format!("record-{name}"), about, &header, part, &bytes(record));
    };
    let good = honest();
    let witnesses = cosigners();
    let [fr, gb] = witnesses.each_ref().map(|witness| cosignature(&good.checkpoint, witness));
    let [fr_key, gb_key] = witnesses.map(|witness| witness.vkey().to_string());
    let both = [("witness", &*fr_key), ("witness", &*gb_key)];
    let cosigned = |lines: &str| Record { checkpoint: format!("{}{lines}", good.checkpoint), ..good.clone() };
    let whole = cosigned(&format!("{fr}{gb}"));
    add("good-witnessed", "Two witnesses cosigned, and the reader has both keys.", &both, None, &whole);
    let about = "The reader has the key of one of two witnesses; the other's line is not checked.";
    add("good-witnessed-by-one", about, &both[..1], None, &whole);
    let part = Some("witness fr/bepi");
    add("witness-missing", "A witness that must have cosigned did not.", &both, part, &cosigned(&gb));
    let (name, line) = fr.trim_end().rsplit_once(' ').expect("a line");
    let changed = |at: usize| {
        let mut bytes = data_encoding::BASE64.decode(line.as_bytes()).expect("base64");
        bytes[at] ^= 1;
        cosigned(&format!("{name} {}\n", data_encoding::BASE64.encode(&bytes)))
    };
    add("witness-signature-changed", "A bit of a cosignature is another.", &both[..1], part, &changed(40));
    add("witness-time-changed", "A cosignature says another time.", &both[..1], part, &changed(11));
    let about = "The line is of another key of the witness.";
    add("witness-other-key", about, &both[..1], part, &changed(0));
    let (_, log) = story(|_, _, body| body);
    let mut longer = log;
    longer.append(Digest::of(b"one more"));
    let later = cosignature(&longer.checkpoint(ORIGIN, &log_key()), &cosigners()[0]);
    let about = "The witness cosigned a later checkpoint.";
    add("witness-of-another-checkpoint", about, &both[..1], part, &cosigned(&later));

    let counterpart = counterpart_key().vkey().to_string();
    let counterpart = [("counterpart", &*counterpart)];
    let told = |note: String| Record { told: vec![note], ..acknowledged() };
    let head = told_head().sign(&counterpart_key()).expect("signed");
    let about = "The reader has the key of the counterpart's log.";
    add("good-told-verified", about, &counterpart, None, &told(head.clone()));
    let part = Some("told fr/bepi");
    let changed = told(head.replacen("\n4\n", "\n3\n", 1));
    add("told-number-changed", "The number told was changed after signing.", &counterpart, part, &changed);
    let forged = told(told_head().sign(&key(COUNTERPART_ORIGIN, 8)).expect("signed"));
    add(
        "told-forged",
        "Told under the name of the counterpart's log by another key.",
        &counterpart,
        part,
        &forged,
    );
}

fn checkpoints(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, checkpoint: String| {
        let record = Record { checkpoint, ..honest() };
        add(name, about, Some("checkpoint"), &bytes(&record));
    };
    let good = honest().checkpoint;
    let (_, log) = story(|_, _, body| body);
    refused(
        "checkpoint-changed",
        "The checkpoint's size was changed after signing.",
        good.replacen("\n11\n", "\n12\n", 1),
    );
    refused(
        "checkpoint-of-other-log",
        "The checkpoint is one of the next epoch.",
        log.checkpoint(NEXT_ORIGIN, &key(NEXT_ORIGIN, 3)),
    );
    refused(
        "checkpoint-forged",
        "The checkpoint is signed under the log's name by another key.",
        log.checkpoint(ORIGIN, &key(ORIGIN, 2)),
    );
    let body = good.rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let witness = sign(&key("witness.example.fr/bepi", 7), &body);
    refused(
        "checkpoint-other-line",
        "A second signature line that is no cosignature of a witness.",
        format!("{good}{}", signature_lines(&witness)),
    );
    let [fr, gb] = cosigners().map(|witness| cosignature(&good, &witness));
    refused(
        "checkpoint-cosigned-order",
        "The cosignatures stand in another order than that of their names.",
        format!("{good}{gb}{fr}"),
    );
    let (text, own) = good.rsplit_once("\n\n").expect("a note");
    refused(
        "checkpoint-cosigned-before",
        "A cosignature stands above the log's line.",
        format!("{text}\n\n{fr}{own}"),
    );
    refused("checkpoint-cosigned-twice", "A witness's line stands there twice.", format!("{good}{fr}{fr}"));
}

fn entries(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, part: &str, record: &Record| {
        add(name, about, Some(part), &bytes(record));
    };
    let record = Record { tag_key: TagKey::derive(&[0; 32]), ..honest() };
    refused("other-tag-key", "The tag key of another case.", "entry fr/bepi #1 tag", &record);

    let mut record = honest();
    record.entries[2].leaf[0] = 2;
    refused("leaf-version", "A leaf of another version.", "entry internal #2 leaf", &record);
    let mut record = honest();
    record.entries[2].leaf[1] ^= 1;
    refused("leaf-tag-changed", "A bit of a leaf's tag is flipped.", "entry internal #2 tag", &record);
    let mut record = honest();
    record.entries[2].leaf[64] ^= 1;
    refused(
        "leaf-commitment-changed",
        "A bit of a leaf's commitment is flipped.",
        "entry internal #2 body",
        &record,
    );
    let about = "Internal #2 is called erased, and the bodies beside it are there.";
    refused("partly-erased", about, "erased", &partly_erased());
    let mut record = erased();
    record.entries[2].leaf[64] ^= 1;
    refused(
        "erased-leaf-changed",
        "A bit of an erased entry's leaf is flipped.",
        "entry internal #2 proof",
        &record,
    );

    let mut record = honest();
    let Content::Body { body, .. } = &mut record.entries[3].content else { unreachable!() };
    let changed = String::from_utf8(body.clone()).expect("text").replace("munteanu", "albescu1");
    *body = changed.into_bytes();
    refused("body-changed", "Another officer is named in a body.", "entry internal #3 body", &record);
    let mut record = honest();
    let Content::Body { salt, .. } = &mut record.entries[3].content else { unreachable!() };
    salt[31] ^= 1;
    refused("salt-changed", "A bit of a salt is flipped.", "entry internal #3 body", &record);

    let told = |stream: &'static str, n: u64, from: &'static str, to: String| {
        story(move |s, m, body| {
            if (s, m) == (stream, n) {
                assert!(body.contains(from));
                body.replacen(from, &to, 1)
            } else {
                body
            }
        })
        .0
    };
    let record = told("internal", 3, "\"n\":3", "\"n\":4".to_owned());
    refused(
        "body-names-other-number",
        "The log itself wrote another number into a body.",
        "entry internal #3 body",
        &record,
    );
    let record = told("internal", 3, "\"stream\":\"internal\"", "\"stream\":\"fr/bepi\"".to_owned());
    refused(
        "body-names-other-stream",
        "The log itself wrote another stream into a body.",
        "entry internal #3 body",
        &record,
    );
    let record = told("fr/bepi", 2, "C-7K2M", "C-7K2N".to_owned());
    refused("body-names-other-case", "The bodies name two cases.", "entry fr/bepi #2 body", &record);
    let record = told("internal", 1, "\"previous\":null,", String::new());
    refused("body-without-previous", "A body has no field `previous`.", "entry internal #1 body", &record);
    let record = told("internal", 1, "\"n\":1", "\"n\":1,\"n\":1".to_owned());
    refused("body-repeated-field", "A body's number stands there twice.", "entry internal #1 body", &record);
    let record = told("internal", 1, "00Z", "00+00:00".to_owned());
    refused(
        "body-time-not-utc",
        "A body's time is written with an offset.",
        "entry internal #1 body",
        &record,
    );
    let record = told("internal", 1, "{", "[{".to_owned());
    refused("body-no-object", "A body is no JSON object.", "entry internal #1 body", &record);
    let other = format!("\"previous\":\"{}\"", Digest::of(b"other"));
    let record = told("internal", 1, "\"previous\":null", other);
    refused(
        "previous-of-the-first",
        "The first event of a stream names a previous leaf.",
        "entry internal #1 previous",
        &record,
    );
    let first = Digest::of(b"other").to_hex();
    let record = story(move |s, n, body| {
        if (s, n) != ("internal", 4) {
            return body;
        }
        let at = body.find("\"previous\":\"").expect("it has one") + 12;
        format!("{}{first}{}", &body[..at], &body[at + 64..])
    });
    refused(
        "previous-of-another",
        "An event names another previous leaf than its stream has.",
        "entry internal #4 previous",
        &record.0,
    );

    let mut record = honest();
    record.entries[4].proof[1] = Digest::of(b"other");
    refused("proof-changed", "A hash of an inclusion proof is another.", "entry fr/bepi #2 proof", &record);
    let mut record = honest();
    record.entries[4].proof.pop();
    refused(
        "proof-too-short",
        "The last hash of an inclusion proof is missing.",
        "entry fr/bepi #2 proof",
        &record,
    );
    let mut record = honest();
    record.entries[4].proof.push(Digest::of(b"other"));
    refused("proof-too-long", "An inclusion proof has a hash too many.", "entry fr/bepi #2 proof", &record);
    let mut record = honest();
    record.entries[4].index = 7;
    refused("index-of-another", "An entry claims the place of another.", "entry fr/bepi #2 proof", &record);
    let mut record = honest();
    record.entries[5].index = 11;
    refused(
        "index-outside-the-tree",
        "An entry claims a place behind the checkpoint.",
        "entry internal #4 proof",
        &record,
    );
}

fn numbering(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, part: &str, record: &Record| {
        add(name, about, Some(part), &bytes(record));
    };
    let mut record = honest();
    record.entries.remove(3);
    refused("gap", "internal #3 was left out.", "entry internal #4 numbering", &record);
    let mut record = honest();
    record.entries.remove(1);
    refused("first-missing", "internal #1 was left out.", "entry internal #2 numbering", &record);
    let mut record = honest();
    record.entries.swap(0, 1);
    refused(
        "order",
        "Two entries of two streams have changed places.",
        "entry fr/bepi #1 numbering",
        &record,
    );
    let mut record = honest();
    let again = record.entries[5].clone();
    record.entries.push(again);
    refused("repeated-entry", "The last entry stands there twice.", "entry internal #4 numbering", &record);
    let mut record = honest();
    record.entries.pop();
    refused(
        "last-missing",
        "The last event of a stream was left out; its head says so.",
        "head internal",
        &record,
    );
}

fn heads(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, part: &str, record: &Record| {
        add(name, about, Some(part), &bytes(record));
    };
    let record = Record { shared_number: Some(shared_number(1)), ..honest() };
    refused("other-shared-number", "The record claims to be another case's.", "head fr/bepi", &record);
    let record = Record { shared_number: None, ..honest() };
    refused("no-shared-number", "The shared number was taken out.", "head fr/bepi", &record);
    let mut record = honest();
    record.heads.pop();
    refused("head-missing", "One stream has no head.", "heads", &record);
    let mut record = honest();
    let again = record.heads[1].clone();
    record.heads.push(again);
    refused("head-too-many", "There is a head too many.", "heads", &record);
    let mut record = honest();
    record.heads.swap(0, 1);
    refused("heads-order", "The heads are not in the order of their streams.", "head fr/bepi", &record);
    let forged = honest().with_heads(&key(ORIGIN, 2)).expect("signed");
    refused(
        "head-forged",
        "The heads are signed under the log's name by another key.",
        "head fr/bepi",
        &forged,
    );
    let mut record = honest();
    let text = record.heads[1].rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let witness = sign(&key("witness.example.fr/bepi", 7), &text);
    record.heads[1].push_str(signature_lines(&witness));
    refused(
        "head-cosigned",
        "A second signature line, which profile 1 doesn't have.",
        "head internal",
        &record,
    );
    let record = resigned(office());
    let checkpoint = Record { heads: vec![record.checkpoint.clone()], ..record };
    refused("head-is-a-checkpoint", "A checkpoint stands where a head should.", "head internal", &checkpoint);
}

/// The heads that counterparts acknowledged.
fn receipted(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, part: &str, record: &Record| {
        add(&format!("receipted-{name}"), about, Some(part), &bytes(record));
    };
    // The receipt quotes what stands there, so that only the head itself can be at fault.
    let with = |head: String| {
        let mut record = acknowledged();
        record.receipted[0].receipt = unsealed(&quoting(&head));
        record.receipted[0].head = head;
        record
    };
    let signed = |head: &CaseHead| head.sign(&log_key()).expect("signed");
    let head = sent_head(&honest());
    let beyond = CaseHead { n: 3, leaf: Digest::of(b"a third event"), ..head.clone() };
    let about = "The log told fr/bepi of an event #3, which the record leaves out.";
    refused("head-beyond-the-record", about, "receipted 1", &with(signed(&beyond)));
    let other = CaseHead { leaf: Digest::of(b"another event"), ..head.clone() };
    let about = "The log told fr/bepi of another event #1 than the record has.";
    refused("head-of-another-event", about, "receipted 1", &with(signed(&other)));
    let forged = head.sign(&key(ORIGIN, 2)).expect("signed");
    refused("head-forged", "Signed under the log's name by another key.", "receipted 1", &with(forged));
    let next = CaseHead { origin: NEXT_ORIGIN.parse().expect("an origin"), ..head.clone() };
    let next = next.sign(&key(NEXT_ORIGIN, 3)).expect("signed");
    refused("head-of-the-next-epoch", "A head of another log.", "receipted 1", &with(next));
    let good = signed(&head);
    let text = good.rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let witness = sign(&key("witness.example.fr/bepi", 7), &text);
    let cosigned = format!("{good}{}", signature_lines(&witness));
    refused("head-cosigned", "A second signature line.", "receipted 1", &with(cosigned));
    let internal = &honest().entries[1];
    let leaf = Leaf::from_bytes(&internal.leaf).expect("a leaf").hash();
    let internal = CaseHead { stream: Stream::Internal, n: internal.n, leaf, ..head };
    let about = "A head of the office's own stream, which no counterpart gets.";
    refused("head-of-internal", about, "receipted 1", &with(signed(&internal)));
    let mut twice = acknowledged();
    let again = twice.receipted[0].clone();
    twice.receipted.push(again);
    refused("stream-twice", "Two heads of one stream.", "receipted 2", &twice);
}

/// What a counterpart's receipt must say of the head.
fn receipts(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, receipt: &Receipt| {
        let mut record = acknowledged();
        record.receipted[0].receipt = unsealed(receipt);
        add(&format!("receipt-{name}"), about, Some("receipt fr/bepi"), &bytes(&record));
    };
    let head = acknowledged().receipted[0].head.clone();
    let good = quoting(&head);
    refused("quotes-another-head", "The receipt quotes another head.", &quoting("another head"));
    let none = Receipt { case_head_sha256: None, ..good.clone() };
    refused("quotes-no-head", "The receipt quotes no head.", &none);
    let mut other = good.clone();
    other.issuer.party = "fr/other".parse().expect("a party");
    refused("of-another-issuer", "Another institution than the stream's gave the receipt.", &other);
    let other = Receipt { addressee: "md/other".parse().expect("a party"), ..good.clone() };
    refused("to-another", "The receipt is addressed to somebody else.", &other);
    let relay = Receipt { receipt: ReceiptKind::Relay, ..good.clone() };
    refused("attests-a-relay", "The receipt answers nothing that was sent.", &relay);
    let mut other = good.clone();
    if let rogatory_core::receipt::Receipted::Document { sender, .. } = &mut other.of {
        *sender = "md/other".parse().expect("a party");
    }
    refused("of-another-sender", "The receipt is for a message of another office.", &other);
    let mut other = good;
    if let rogatory_core::receipt::Receipted::Document { shared_number: number, .. } = &mut other.of {
        *number = shared_number(1);
    }
    refused("under-another-number", "The receipt is for a message under another number.", &other);
}

/// The heads that counterparts told.
fn told(add: &mut Add<'_>) {
    let signed = |head: &CaseHead| head.sign(&counterpart_key()).expect("signed");
    let with = |told: Vec<String>| Record { told, ..acknowledged() };
    let good = signed(&told_head());
    let about = "A counterpart's log told how far it had come; its key is not needed to read the record.";
    add("good-told", about, None, &bytes(&with(vec![good.clone()])));
    let mut refused = |name: &str, about: &str, part: &str, record: &Record| {
        add(&format!("told-{name}"), about, Some(part), &bytes(record));
    };
    let about = "No case head.";
    refused("no-head", about, "told 1", &with(vec![good.replacen("case-head/1", "case-head/2", 1)]));
    let elsewhere = CaseHead { stream: "md/other".parse().expect("a stream"), ..told_head() };
    let about = "The head was told to another institution.";
    refused("to-another", about, "told 1", &with(vec![signed(&elsewhere)]));
    let own = CaseHead { origin: ORIGIN.parse().expect("an origin"), ..told_head() };
    let own = own.sign(&log_key()).expect("signed");
    let about = "The head is one of the record's own log, which shares no stream with itself.";
    refused("by-itself", about, "told 1", &with(vec![own]));
    refused("twice", "Two heads of one counterpart.", "told 2", &with(vec![good.clone(), good.clone()]));
    let text = good.rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let witness = sign(&key("witness.example.fr/bepi", 7), &text);
    let cosigned = format!("{good}{}", signature_lines(&witness));
    refused("cosigned", "A second signature line.", "told 1", &with(vec![cosigned]));
}
