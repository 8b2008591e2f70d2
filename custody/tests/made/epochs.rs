//! The records over epochs among the vectors: `custody-log.md`, 16.

use super::{Files, cosignature, cosigners};
use crate::common::{
    COUNTERPART_ORIGIN, Log, NEXT_ORIGIN, ORIGIN, honest, key, log_key, second_epoch, second_epoch_written,
    seen,
};
use rogatory_core::Digest;
use rogatory_custody::record::Record;
use serde_json::{Value, json};

pub(crate) fn epochs(files: &mut Files) {
    good(files);
    bodies(files);
    proofs(files);
    chains(files);
}

fn add(files: &mut Files, name: &str, about: &str, part: Option<&str>, record: &Record) {
    let (vkey, next) = (log_key().vkey().to_string(), key(NEXT_ORIGIN, 1).vkey().to_string());
    let header = [("kind", "record"), ("vkey", &*vkey), ("vkey", &*next)];
    let bytes = record.to_bytes().expect("within the limits");
    files.add(&format!("record-epochs-{name}"), about, &header, part, &bytes);
}

fn good(files: &mut Files) {
    let record = second_epoch(|_| {});
    add(files, "good", "A backup was restored; three entries that a witness saw are lost.", None, &record);
    let unseen = second_epoch(|body| body["witnessed"] = Value::Null);
    add(files, "good-unwitnessed", "Nobody had seen the closed log.", None, &unseen);
    let silent = second_epoch(|body| body["silent"] = json!(["fr/bepi", "gb/central-authority"]));
    add(files, "good-silent", "Two counterparts did not say what they had seen.", None, &silent);
    let note = seen(14);
    let [fr, gb] = cosigners().map(|witness| cosignature(&note, &witness));
    let cosigned = second_epoch(|body| body["witnessed"] = format!("{note}{fr}{gb}").into());
    add(
        files,
        "good-cosigned",
        "Two who hold the last checkpoint of the closed log cosigned it.",
        None,
        &cosigned,
    );
    let none_lost = second_epoch(|body| body["witnessed"] = seen(11).into());
    add(files, "good-nothing-lost", "What was witnessed is as long as what was restored.", None, &none_lost);
}

/// What the entry says of the epochs.
fn bodies(files: &mut Files) {
    let other_key = key(ORIGIN, 2);
    let note = seen(14);
    let [fr, gb] = cosigners().map(|witness| cosignature(&note, &witness));
    let swapped = format!("{note}{gb}{fr}");
    let twice = format!("{note}{fr}{fr}");
    let mut foreign = Log::new();
    foreign.append(Digest::of(b"foreign"));
    let of_other_key = foreign.checkpoint(ORIGIN, &other_key);
    let of_next = foreign.checkpoint(NEXT_ORIGIN, &key(NEXT_ORIGIN, 1));
    let broken = note.replacen("\n14\n", "\n15\n", 1);
    let defects: [(&str, &str, &str, Value); 23] = [
        ("other-event", "The entry is of another event.", "event", "log-started".into()),
        ("other-case", "It is of a case, not of the office.", "case", "C-7K2M9QXR4T1VC8ZE".into()),
        ("other-stream", "It is in a stream that is shared.", "stream", "fr/bepi".into()),
        ("same-origin", "The epoch that begins is the one that ended.", "origin", ORIGIN.into()),
        (
            "origin-of-another",
            "The log that goes on is another party's.",
            "origin",
            COUNTERPART_ORIGIN.into(),
        ),
        ("no-origin", "The origin is none.", "origin", "md".into()),
        (
            "later-closed",
            "The epoch that ended comes after the one that begins.",
            "closed_origin",
            NEXT_ORIGIN.replace("/2", "/3").into(),
        ),
        (
            "closed-of-another",
            "The log that ended is another party's.",
            "closed_origin",
            COUNTERPART_ORIGIN.into(),
        ),
        (
            "closed-domain",
            "The log that ended is of another domain.",
            "closed_origin",
            ORIGIN.replacen("ca.example", "cb.example", 1).into(),
        ),
        (
            "closed-key",
            "The key of the closed log is not the one that signed.",
            "closed_log_key",
            other_key.vkey().to_string().into(),
        ),
        (
            "key-of-another-name",
            "The key of the closed log has the next one's name.",
            "closed_log_key",
            key(NEXT_ORIGIN, 1).vkey().to_string().into(),
        ),
        ("no-key", "The key of the closed log is none.", "closed_log_key", "md".into()),
        ("size", "It says that more was restored than stands before it.", "restored_size", 12.into()),
        ("common-size", "More is in common than was restored.", "common_size", 12.into()),
        ("size-as-text", "The number of restored entries is a text.", "restored_size", "11".into()),
        ("no-note", "What was witnessed is no note.", "witnessed", "no note".into()),
        ("witnessed-other-key", "Another key signed what was witnessed.", "witnessed", of_other_key.into()),
        ("witnessed-other-log", "What was witnessed is of the log that begins.", "witnessed", of_next.into()),
        ("witnessed-changed", "The size in what was witnessed was changed.", "witnessed", broken.into()),
        ("cosignatures-swapped", "The cosignatures do not stand in order.", "witnessed", swapped.into()),
        ("cosignature-twice", "One cosignature stands twice.", "witnessed", twice.into()),
        ("silent-no-list", "Who was silent is no list.", "silent", "fr/bepi".into()),
        ("reason-number", "The reason is a number.", "reason", 7.into()),
    ];
    for (name, about, field, value) in defects {
        let altered = second_epoch(|body| body[field] = value.clone());
        add(files, name, about, Some("epoch 1"), &altered);
    }
    for field in
        ["origin", "closed_log_key", "restored_root", "common_size", "silent", "reason", "at", "actor"]
    {
        let without = second_epoch(|body| {
            body.as_object_mut().expect("an object").remove(field);
        });
        let name = format!("without-{}", field.replace('_', "-"));
        add(files, &name, &format!("The field `{field}` is missing."), Some("epoch 1"), &without);
    }
    let actor = second_epoch(|body| body["actor"] = "server".into());
    add(files, "actor-text", "The actor is a text.", Some("epoch 1"), &actor);
    let more = second_epoch(|body| body["note"] = 1.into());
    add(files, "unknown-field", "The body has a field more.", Some("epoch 1"), &more);
    let repeated = |field: &str| {
        second_epoch_written(|text| {
            let quoted = format!("\"{field}\":");
            let (_, rest) = text.split_once(&quoted).expect("the field");
            let value = &rest[..rest.find(',').expect("a field behind it")];
            text.replacen('{', &format!("{{{quoted}{value},"), 1)
        })
    };
    for field in ["restored_size", "closed_origin", "n"] {
        let name = format!("repeated-{}", field.replace('_', "-"));
        let record = repeated(field);
        add(files, &name, &format!("The field `{field}` stands twice."), Some("epoch 1"), &record);
    }
}

/// How the log committed to it.
fn proofs(files: &mut Files) {
    let mut with = |name: &str, about: &str, alter: &dyn Fn(&mut Record)| {
        let mut record = second_epoch(|_| {});
        alter(&mut record);
        add(files, name, about, Some("epoch 1"), &record);
    };
    with("other-salt", "The salt is another one.", &|record| record.epochs[0].salt[0] ^= 1);
    with("other-body", "The body was changed behind the commitment.", &|record| {
        let text = String::from_utf8(record.epochs[0].body.clone()).expect("text");
        record.epochs[0].body =
            text.replacen("a backup was restored", "a backup was restorex", 1).into_bytes();
    });
    with("leaf-version", "The leaf is of another version.", &|record| record.epochs[0].leaf[0] = 2);
    with("other-tag", "The tag in the leaf was changed.", &|record| record.epochs[0].leaf[1] ^= 1);
    with("proof-cut", "The proof lacks its last hash.", &|record| {
        record.epochs[0].proof.pop();
    });
    with("other-index", "The entry stands elsewhere.", &|record| record.epochs[0].index = 10);
}

/// How they follow each other and lead to the record's log.
fn chains(files: &mut Files) {
    let mut untold = second_epoch(|_| {});
    untold.epochs.clear();
    add(files, "untold", "The second epoch, and nothing says how it began.", Some("epochs"), &untold);
    let later = second_epoch(|body| body["origin"] = NEXT_ORIGIN.replace("/2", "/3").into());
    add(files, "other-last", "The last epoch told of is not the record's.", Some("epochs"), &later);
    let mut twice = second_epoch(|_| {});
    twice.epochs.push(twice.epochs[0].clone());
    add(files, "twice", "The entry stands twice.", Some("epoch 2"), &twice);
    let first = Record { epochs: second_epoch(|_| {}).epochs, ..honest() };
    add(files, "of-a-first", "A log in its first epoch tells of a second.", Some("epoch 1"), &first);
    let mut head = second_epoch(|_| {});
    head.heads[0] = honest().heads[0].clone();
    add(files, "head-of-the-closed", "A head is of the log that ended.", Some("head fr/bepi"), &head);
}
