//! Records with what file systems and people add: extended attributes, names of any bytes, marks of what is sensitive. Each
//! change is signed anew inside and outside by the same officer.

use super::bench::{Bench, How};
use super::{RECORD, TRUSTED};
use crate::vectors_made::raw_zip::{self, RawEntry};
use crate::vectors_made::{Files, add};
use rogatory_core::Digest;
use rogatory_evidence::record::{ExtendedAttribute, RawName, Record};
use rogatory_evidence::{HashLists, SealOptions, SensitiveFlag};
use std::fs;
use std::sync::Arc;

const LETTER: &[u8] = b"the content of the letter";
const FOLDER: &str = "records/EX-0003.json";

/// Changes a record by its values, and then its text.
fn edited(
    bench: &Bench,
    list: &[RawEntry],
    change: impl FnOnce(&mut Record),
    (from, to): (&str, &str),
) -> Vec<u8> {
    let mut list = list.to_vec();
    bench.edit_index(&mut list, RECORD, |bytes| {
        let mut record = Record::from_bytes(bytes).expect("a record");
        change(&mut record);
        let text = String::from_utf8(record.to_bytes().expect("canonical")).expect("text");
        assert!(from.is_empty() || text.matches(from).count() == 1, "{from} in {text}");
        *bytes = if from.is_empty() { text } else { text.replace(from, to) }.into_bytes();
    });
    raw_zip::write(&list, b"")
}

pub(super) fn records(files: &mut Files, bench: &Bench) {
    let list = bench.seal("records", LETTER);
    names(files, bench, &list);
    let mut list = list;
    bench.edit_index(&mut list, FOLDER, |record| {
        let text = String::from_utf8(record.clone()).expect("text");
        assert!(text.contains("\"entries\":1,"));
        *record = text.replace("\"entries\":1,", "\"entries\":2,").into_bytes();
    });
    let about = "Step 12: the record of the folder says two entries, and its list and tar have one.";
    add(files, "entries-wrong", about, Some("data/EX-0003.age"), TRUSTED, raw_zip::write(&list, b""));
    sensitive(files, bench);
}

fn names(files: &mut Files, bench: &Bench, list: &[RawEntry]) {
    let mut made = |name: &str, about: &str, change: &dyn Fn(&mut Record), text: (&str, &str)| {
        let part = (!name.starts_with("good-")).then_some(RECORD);
        add(files, name, about, part, TRUSTED, edited(bench, list, change, text));
    };
    let none = ("", "");
    let attributes = |record: &mut Record| {
        let one = |name: &[u8], value: Option<&str>| ExtendedAttribute {
            name: RawName::new(name),
            value: value.map(ToOwned::to_owned),
        };
        record.extended_attributes = Some(vec![
            one(b"user.a", Some("AAo=")),
            one(b"user.b=c", Some("")),
            one(b"user.large", None),
            one(b"user.\xff", Some("/w==")),
        ]);
    };
    let about = "6.6: extended attributes: with a value, an empty one, one that could not be kept, and a name that is no UTF-8.";
    made("good-attributes", about, &attributes, none);
    let about = "6.6: the value of an extended attribute is base64 without its padding.";
    made("attribute-without-padding", about, &attributes, ("\"AAo=\"", "\"AAo\""));
    let about = "6.6: the value of an extended attribute is base64 with bits behind its last byte.";
    made("attribute-with-bits-left", about, &attributes, ("\"AAo=\"", "\"AAp=\""));
    let first = r#"{"name":{"base64":"dXNlci5h","display":"user.a"},"value":"AAo="},"#;
    let about = "6.6: an extended attribute stands there twice.";
    made("attribute-twice", about, &attributes, (first, &[first, first].concat()));

    let raw = |record: &mut Record| {
        record.name = RawName::new(b"\xe4rger\n.txt");
        record.path =
            Some(RawName::new(b"\xd0\xb4\xd0\xb5\xd0\xbb\xd0\xbe/\xff\xfe \xe2\x82/\xe4rger\n.txt"));
    };
    let about = "6.6: name and path hold bytes that are no UTF-8, and a line end.";
    made("good-raw-path", about, &raw, none);
    let about = "6.6: the display of the name is another than follows from its bytes.";
    made(
        "name-display-wrong",
        about,
        &raw,
        ("\"display\":\"\u{FFFD}rger\u{FFFD}.txt\"", "\"display\":\"rger.txt\""),
    );
    let path = |record: &mut Record| record.path = Some(RawName::new(b"folder/letter.txt"));
    let above = RawName::new(b"folder/../letter.txt");
    let json = |name: &RawName| serde_json::to_string(name).expect("JSON");
    let good = json(&RawName::new(b"folder/letter.txt"));
    made("path-leads-above", "6.6: a segment of the path is `..`.", &path, (&good, &json(&above)));
    let other = json(&RawName::new(b"folder/another.txt"));
    made(
        "path-of-another-name",
        "6.6: the path ends with another segment than the name.",
        &path,
        (&good, &other),
    );

    let mode = |record: &mut Record| record.mode = Some(0o644);
    let about = "6.5: the mode holds more than permission bits.";
    made("mode-of-a-file-type", about, &mode, ("\"mode\":\"0644\"", "\"mode\":\"100644\""));
    let about = "6.5: the mode has three digits.";
    made("mode-short", about, &mode, ("\"mode\":\"0644\"", "\"mode\":\"644\""));
}

/// Flagged by the sealer, and found in a hash list.
fn sensitive(files: &mut Files, bench: &Bench) {
    let place = bench.place("sensitive");
    fs::create_dir_all(&place).expect("makes");
    fs::write(place.join("list.txt"), format!("{}\n", Digest::of(LETTER))).expect("writes");
    let lists = HashLists::open(&[place.join("list.txt")], &place).expect("a list");
    let flag = |name: &str, reason: &str| SensitiveFlag {
        path: place.join(name),
        reason: reason.parse().expect("a reason"),
    };
    let options = SealOptions {
        sensitive: vec![flag("letter.txt", "abuse-material"), flag("photos/a.jpg", "victim-identity")],
        hash_lists: Some(Arc::new(lists)),
        ..SealOptions::default()
    };
    let list = bench.seal_as("sensitive", LETTER, How { options, ..bench.how() });
    let about =
        "6.10: the letter is flagged and stands in a hash list; of the folder its one entry is flagged.";
    let says = [TRUSTED, &[("says", "contents:")]].concat();
    add(files, "good-sensitive", about, None, &says, raw_zip::write(&list, b""));
    let about = "6.10: a list holds the letter, and `matches` says that none does.";
    let bytes = edited(bench, &list, |_| (), ("\"matches\":1,", "\"matches\":0,"));
    add(files, "sensitive-without-match", about, Some(RECORD), TRUSTED, bytes);
}
