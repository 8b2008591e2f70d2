//! The record of one case: what verifies, and that nothing in it can be changed unseen.

mod common;
mod scan;

use common::{
    CASE_KEY, COUNTERPART_ORIGIN, NEXT_ORIGIN, ORIGIN, acknowledged, counterpart_key, data_of, erased,
    honest, key, log_key, partly_erased, second_epoch, shared_number, story, told_head,
};
use rogatory_core::Digest;
use rogatory_core::custody_event::Stream;
use rogatory_custody::case_head::{CaseHead, verify_case_head};
use rogatory_custody::leaf::TagKey;
use rogatory_custody::note::Vkey;
use rogatory_custody::record::{
    Content, HeadMismatch, MAX_RECORD_BYTES, Record, RecordError, VerifiedRecord, verify_record,
};

fn trusted() -> Vec<Vkey> {
    vec![log_key().vkey().clone()]
}

fn verify(record: &Record) -> Result<VerifiedRecord, RecordError> {
    verify_record(&record.to_bytes()?, &trusted())
}

fn lines(record: &VerifiedRecord) -> Vec<String> {
    record.streams().iter().map(ToString::to_string).collect()
}

#[test]
fn an_honest_record_verifies_and_says_how_far_it_is_complete() {
    let verified = verify(&honest()).expect("valid");
    assert_eq!(
        lines(&verified),
        [
            "fr/bepi: complete from #1 to #2 of what this log says",
            "internal: complete from #1 to #4 of what this log says"
        ]
    );
    assert_eq!(verified.institution().to_string(), "md/central-authority");
    assert_eq!(verified.origin().to_string(), ORIGIN);
    assert_eq!(verified.case(), Some("C-7K2M9QXR4T1VC8ZE"));
    assert_eq!(verified.checkpoint().size(), 11);
    assert_eq!(verified.entries().len(), 6);
    let body = verified.entries()[0].body().expect("not erased");
    assert_eq!(body.header().n, 1);
    assert!(body.bytes().starts_with(br#"{"case":"#));
}

#[test]
fn erased_bodies_leave_their_numbers_and_their_places() {
    let verified = verify(&erased()).expect("valid");
    assert_eq!(lines(&verified), lines(&verify(&honest()).expect("valid")));
    assert!(verified.is_erased() && verified.case().is_none());
    assert!(verified.entries().iter().all(|entry| entry.body().is_none()));
    assert!(!verify(&honest()).expect("valid").is_erased());
}

#[test]
fn no_entry_can_be_called_erased_among_others() {
    let error = verify(&partly_erased()).expect_err("nobody erases one event");
    assert_eq!(error.part(), "erased");
    assert!(matches!(error, RecordError::PartlyErased { erased: 1, entries: 6 }), "{error}");
    // Not all but one either, nor a whole stream.
    let whole = honest();
    for at in 0..whole.entries.len() {
        let mut record = erased();
        record.entries[at].content = whole.entries[at].content.clone();
        assert_eq!(verify(&record).expect_err("one body is left").part(), "erased", "entry {at}");
    }
    let mut record = whole;
    for entry in record.entries.iter_mut().filter(|entry| entry.stream == Stream::Internal) {
        entry.content = Content::Erased;
    }
    assert_eq!(verify(&record).expect_err("a stream alone").part(), "erased");
}

#[test]
fn a_record_is_written_in_one_way() {
    let bytes = honest().to_bytes().expect("within the limits");
    let read = Record::parse(&bytes).expect("a record");
    assert_eq!(read.to_bytes().expect("within the limits"), bytes);
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.starts_with("{\n  \"format\": 1,\n  \"profile\": 1,\n  \"institution\": \"md/"));
    assert!(text.ends_with("]\n}\n"));
}

#[test]
fn every_flipped_bit_of_a_record_is_noticed() {
    // Six entries in two streams.
    every_flipped_bit_is_noticed(&honest());
}

#[test]
fn every_flipped_bit_of_an_erased_record_is_noticed() {
    every_flipped_bit_is_noticed(&erased());
}

fn every_flipped_bit_is_noticed(record: &Record) {
    let good = record.to_bytes().expect("within the limits");
    let trusted = trusted();
    assert!(verify_record(&good, &trusted).is_ok());
    let bits: Vec<usize> = (0..good.len() * 8).collect();
    std::thread::scope(|scope| {
        for part in bits.chunks(bits.len().div_ceil(4)) {
            let (good, trusted) = (&good, &trusted);
            scope.spawn(move || {
                let mut bytes = good.clone();
                for at in part {
                    bytes[at / 8] ^= 1 << (at % 8);
                    assert!(verify_record(&bytes, trusted).is_err(), "bit {at}");
                    bytes[at / 8] ^= 1 << (at % 8);
                }
            });
        }
    });
}

#[test]
fn every_shortened_record_is_noticed() {
    let good = honest().to_bytes().expect("within the limits");
    for end in 0..good.len() {
        assert!(verify_record(&good[..end], &trusted()).is_err(), "{end} bytes");
    }
}

#[test]
fn leaving_any_entry_out_is_noticed() {
    let good = honest();
    for at in 0..good.entries.len() {
        let mut record = good.clone();
        record.entries.remove(at);
        assert!(verify(&record).is_err(), "entry {at}");
    }
}

#[test]
fn a_record_without_one_stream_is_another_record_that_must_say_so() {
    let mut record = honest();
    record.entries.retain(|entry| entry.stream.to_string() == "fr/bepi");
    match verify(&record) {
        Err(RecordError::Heads { expected: 1, found: 2 }) => {}
        other => panic!("{other:?}"),
    }
    let shared = record.with_heads(&log_key()).expect("signed");
    assert_eq!(verify(&shared).expect("valid").streams().len(), 1);
}

#[test]
fn a_head_by_another_key_than_the_checkpoints_is_noticed() {
    // Two keys under one name, both trusted: one made the log, the other writes heads over it.
    let (own, other) = (log_key(), key(ORIGIN, 2));
    let record = honest().with_heads(&other).expect("signed");
    let trusted = [own.vkey().clone(), other.vkey().clone()];
    let verdict = verify_record(&record.to_bytes().expect("within the limits"), &trusted);
    assert_eq!(verdict.expect_err("two signers").part(), "head fr/bepi");
}

#[test]
fn nobody_is_trusted_unasked() {
    let bytes = honest().to_bytes().expect("within the limits");
    let other = key(ORIGIN, 2).vkey().clone();
    for trusted in [vec![], vec![other]] {
        let verdict = verify_record(&bytes, &trusted);
        assert_eq!(verdict.expect_err("nobody trusted signed").part(), "checkpoint");
    }
}

#[test]
fn a_kept_case_head_is_compared_with_the_record() {
    let verified = verify(&honest()).expect("valid");
    let entry = &verified.entries()[3];
    let head = CaseHead {
        origin: ORIGIN.parse().expect("an origin"),
        shared_number: Some(shared_number(0x5a)),
        stream: entry.stream().clone(),
        n: entry.n(),
        leaf: entry.leaf(),
    };
    let compare = |head: &CaseHead| {
        let key = key(&head.origin.to_string(), 1);
        let note = head.sign(&key).expect("signed");
        let head = verify_case_head(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
        verified.compare_head(&head)
    };
    assert_eq!(compare(&head), Ok(()));
    let stream = head.stream.clone();
    assert_eq!(
        compare(&CaseHead { n: 9, ..head.clone() }),
        Err(HeadMismatch::Missing { stream: stream.clone(), n: 9, complete_to: 4 })
    );
    assert_eq!(
        compare(&CaseHead { leaf: Digest::of(b"other"), ..head.clone() }),
        Err(HeadMismatch::OtherLeaf { stream, n: 3 })
    );
    // Messages about an order have the order's own number; the leaf says what is meant.
    assert_eq!(compare(&CaseHead { shared_number: Some(shared_number(1)), ..head.clone() }), Ok(()));
    let origin: rogatory_custody::checkpoint::Origin = NEXT_ORIGIN.parse().expect("an origin");
    assert_eq!(compare(&CaseHead { origin: origin.clone(), ..head }), Err(HeadMismatch::OtherLog(origin)));
}

#[test]
fn a_receipted_head_says_how_far_a_counterpart_knows_its_stream() {
    let verified = verify(&acknowledged()).expect("valid");
    let receipted = verified.streams()[0].receipted().expect("a head");
    assert_eq!((receipted.counterpart().to_string().as_str(), receipted.head().n), ("fr/bepi", 1));
    let receipt = data_of(receipted.receipt()).expect("a receipt");
    assert_eq!(receipted.check_receipt(&receipt), Ok(()));
    assert!(verified.streams()[1].receipted().is_none(), "nobody is told of the office's own events");
}

#[test]
fn every_flipped_bit_of_a_receipted_head_is_noticed() {
    let good = acknowledged();
    for at in 0..good.receipted[0].head.len() * 8 {
        let mut record = good.clone();
        let mut bytes = record.receipted[0].head.clone().into_bytes();
        bytes[at / 8] ^= 1 << (at % 8);
        let Ok(head) = String::from_utf8(bytes) else { continue };
        record.receipted[0].head = head;
        assert_eq!(verify(&record).expect_err("must fail").part(), "receipted 1", "bit {at}");
    }
}

#[test]
fn a_told_head_is_verified_by_whoever_has_the_counterparts_key() {
    let note = told_head().sign(&counterpart_key()).expect("signed");
    let verified = verify(&Record { told: vec![note], ..acknowledged() }).expect("valid");
    let told = verified.streams()[0].told().expect("a head");
    assert_eq!(told.counterpart().to_string(), "fr/bepi");
    let head = told.verify(&[counterpart_key().vkey().clone()]).expect("valid");
    assert_eq!(head.head(), &told_head());
    assert!(told.verify(&[log_key().vkey().clone()]).is_err());
    assert!(told.verify(&[key(COUNTERPART_ORIGIN, 6).vkey().clone()]).is_err(), "another key of that name");
}

#[test]
fn the_failing_part_is_named() {
    let part = |record: &Record| verify(record).expect_err("must fail").part();
    let good = honest();

    let mut record = good.clone();
    record.tag_key = TagKey::derive(&[0; 32]);
    assert_eq!(part(&record), "entry fr/bepi #1 tag");

    let mut record = good.clone();
    let Content::Body { body, .. } = &mut record.entries[3].content else { panic!("not erased") };
    body[20] ^= 1;
    assert_eq!(part(&record), "entry internal #3 body");

    let mut record = good.clone();
    record.entries[4].proof.pop();
    assert_eq!(part(&record), "entry fr/bepi #2 proof");

    let previous = |stream: &str, n, body: String| {
        let other = format!("\"previous\":\"{}\"", Digest::of(b"other"));
        if (stream, n) == ("fr/bepi", 1) { body.replace("\"previous\":null", &other) } else { body }
    };
    assert_eq!(part(&story(previous).0), "entry fr/bepi #1 previous");
}

#[test]
fn an_error_reads_as_one_chain() {
    let mut record = honest();
    record.entries[4].proof[0] = Digest::of(b"other");
    let error = verify(&record).expect_err("must fail");
    assert_eq!(
        rogatory_core::chain(&error),
        "entry #2 of stream fr/bepi is not valid: proof: its inclusion proof doesn't lead to the \
         checkpoint: the proof leads to another root"
    );
}

#[test]
fn limits_hold_before_anything_is_read() {
    let large = vec![b' '; MAX_RECORD_BYTES + 1];
    assert!(matches!(verify_record(&large, &trusted()), Err(RecordError::TooLarge(_))));
    let mut record = honest();
    record.entries.clear();
    assert!(matches!(record.to_bytes(), Err(RecordError::Limit(_))));
    let mut record = honest();
    record.entries[0].proof = vec![Digest::of(b""); 65];
    assert!(matches!(record.to_bytes(), Err(RecordError::Limit(_))));
    let deep = "[".repeat(1_000_000);
    assert!(matches!(verify_record(deep.as_bytes(), &trusted()), Err(RecordError::Json(_))));
}

#[test]
fn a_later_version_is_named_as_such() {
    let bytes = honest().to_bytes().expect("within the limits");
    let text = String::from_utf8(bytes).expect("text");
    let later = text.replace("\"format\": 1", "\"format\": 2").replace("tag_key", "tag_keys");
    let verdict = verify_record(later.as_bytes(), &trusted());
    assert!(matches!(verdict, Err(RecordError::Version { format: 2, profile: 1 })));
}

#[test]
fn the_tag_key_of_the_story_follows_from_its_case_key() {
    assert_eq!(honest().tag_key.as_bytes(), TagKey::derive(&CASE_KEY).as_bytes());
}

fn verify_second(record: &Record) -> Result<VerifiedRecord, RecordError> {
    verify_record(&record.to_bytes().expect("within the limits"), &[key(NEXT_ORIGIN, 1).vkey().clone()])
}

#[test]
fn a_record_goes_over_two_epochs_and_says_what_is_lost_between_them() {
    let record = second_epoch(|_| {});
    let verified = verify_second(&record).expect("valid");
    let [epoch] = verified.epochs() else { panic!("{:?}", verified.epochs()) };
    assert_eq!((epoch.closed().to_string().as_str(), epoch.restored_size(), epoch.lost()), (ORIGIN, 11, 3));
    let stream = &verified.streams()[0];
    assert_eq!(stream.complete_to(), 3, "the numbers go on");
    assert_eq!(
        stream.receipted().expect("a head").head().origin.to_string(),
        ORIGIN,
        "its head keeps its epoch"
    );

    // What the closed log told of what was restored, the record holds; of what was not, it says so.
    let compare = |n, leaf| {
        let head = CaseHead { n, leaf, ..common::sent_head(&honest()) };
        let note = head.sign(&log_key()).expect("signed");
        let head = verify_case_head(note.as_bytes(), &[log_key().vkey().clone()]).expect("valid");
        verified.compare_head(&head)
    };
    assert_eq!(compare(2, stream_leaf(&verified, 2)), Ok(()));
    let lost = compare(3, Digest::of(b"what was lost"));
    assert!(matches!(lost, Err(HeadMismatch::Lost { n: 3, lost: 3, .. })), "{lost:?}");
    // An event of the second epoch is none that the first could have told.
    assert!(matches!(compare(3, stream_leaf(&verified, 3)), Err(HeadMismatch::Lost { .. })));
}

fn stream_leaf(verified: &VerifiedRecord, n: u64) -> Digest {
    let of_stream =
        |entry: &&rogatory_custody::record::VerifiedEntry| entry.stream().to_string() == "fr/bepi";
    verified.entries().iter().filter(of_stream).find(|entry| entry.n() == n).expect("an event").leaf()
}

#[test]
fn how_an_epoch_ended_is_neither_left_out_nor_made_up() {
    let part = |record: &Record| verify_second(record).expect_err("must fail").part();
    let mut untold = second_epoch(|_| {});
    untold.epochs.clear();
    assert_eq!(part(&untold), "epochs");
    let told = second_epoch(|_| {}).epochs;
    let first = Record { epochs: told, ..honest() };
    assert_eq!(verify(&first).expect_err("not this log's").part(), "epoch 1");
    let alterations: [(&str, serde_json::Value); 9] = [
        ("event", "log-started".into()),
        ("case", "C-7K2M9QXR4T1VC8ZE".into()),
        ("stream", "fr/bepi".into()),
        ("origin", ORIGIN.into()),
        ("closed_origin", "ca.example.md/rogatory/fr/bepi/1".into()),
        ("closed_log_key", key(ORIGIN, 2).vkey().to_string().into()),
        ("restored_size", 12.into()),
        ("common_size", 12.into()),
        ("witnessed", "no note".into()),
    ];
    for (field, value) in alterations {
        let altered = second_epoch(|body| body[field] = value.clone());
        assert_eq!(part(&altered), "epoch 1", "{field}");
    }
    let mut changed = second_epoch(|_| {});
    changed.epochs[0].salt[0] ^= 1;
    assert_eq!(part(&changed), "epoch 1");
    let mut elsewhere = second_epoch(|_| {});
    elsewhere.epochs[0].proof.pop();
    assert_eq!(part(&elsewhere), "epoch 1");
    let mut twice = second_epoch(|_| {});
    twice.epochs.push(twice.epochs[0].clone());
    assert_eq!(part(&twice), "epoch 2");
}
