//! An auditor's scan: what a log may not do behind the back of a record.

use super::common::{CASE_KEY, ORIGIN, honest, key, log_key, salt};
use rogatory_core::custody_event::Stream;
use rogatory_custody::audit::{Audit, AuditError, AuditedLog};
use rogatory_custody::checkpoint::{Checkpoint, VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::leaf::{LEAF_BYTES, Leaf, TagKey};
use rogatory_custody::note::Vkey;
use rogatory_custody::record::{VerifiedRecord, verify_record};
use rogatory_custody::tree::Tree;

type Bytes = [u8; LEAF_BYTES];

fn trusted() -> Vec<Vkey> {
    vec![log_key().vkey().clone()]
}

fn tag_key() -> TagKey {
    TagKey::derive(&CASE_KEY)
}

fn record() -> VerifiedRecord {
    verify_record(&honest().to_bytes().expect("within the limits"), &trusted()).expect("valid")
}

/// The leaves of the story's log: those of the record, and of other cases between them.
fn leaves() -> Vec<Bytes> {
    let record = honest();
    let other = TagKey::derive(&[9; 32]);
    (0..11)
        .map(|index| match record.entries.iter().find(|entry| entry.index == index) {
            Some(entry) => entry.leaf,
            None => Leaf::new(&other, &Stream::Internal, index + 1, &salt(index), b"{}").to_bytes(),
        })
        .collect()
}

/// One more leaf of the case.
fn leaf(stream: &str, n: u64) -> Bytes {
    Leaf::new(&tag_key(), &stream.parse().expect("a stream"), n, &[7; 32], b"{}").to_bytes()
}

fn checkpoint(leaves: &[Bytes]) -> VerifiedCheckpoint {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.append(Leaf::from_bytes(leaf).expect("a leaf").hash()).expect("there is room");
    }
    let note = Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree).sign(&log_key()).expect("signed");
    verify_checkpoint(note.as_bytes(), &trusted()).expect("valid")
}

fn scan(checkpoint: VerifiedCheckpoint, leaves: &[Bytes]) -> Result<AuditedLog, AuditError> {
    let mut audit = Audit::new(checkpoint, &record(), &tag_key())?;
    leaves.iter().try_for_each(|leaf| audit.leaf(leaf).map(drop))?;
    audit.finish()
}

fn stream(name: &str) -> Stream {
    name.parse().expect("a stream")
}

#[test]
fn an_honest_log_holds_each_number_once_and_no_more() {
    let leaves = leaves();
    let audited = scan(checkpoint(&leaves), &leaves).expect("honest");
    let facts: Vec<_> = audited
        .streams()
        .iter()
        .map(|stream| (stream.stream.to_string(), stream.complete_to, stream.next))
        .collect();
    assert_eq!(facts, [("fr/bepi".to_owned(), 2, None), ("internal".to_owned(), 4, None)]);
    assert_eq!(audited.checkpoint().size(), 11);
}

#[test]
fn what_came_after_the_record_is_told() {
    let mut leaves = leaves();
    leaves.push(leaf("fr/bepi", 3));
    let audited = scan(checkpoint(&leaves), &leaves).expect("honest");
    assert_eq!(audited.streams().iter().map(|stream| stream.next).collect::<Vec<_>>(), [Some(11), None]);
}

#[test]
fn a_second_entry_of_one_number_is_found_wherever_it_stands() {
    let mut leaves = leaves();
    leaves.push(leaf("internal", 2));
    let twice = AuditError::Twice { stream: stream("internal"), n: 2, first: 4, second: 11 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(twice));
    // Two of the next number, after the record was made.
    let mut leaves = self::leaves();
    leaves.extend([leaf("fr/bepi", 3), leaf("fr/bepi", 3)]);
    let twice = AuditError::Twice { stream: stream("fr/bepi"), n: 3, first: 11, second: 12 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(twice));
}

#[test]
fn what_a_record_leaves_out_at_its_end_is_found() {
    // The log has #5 before the record's checkpoint; a record that ends at #4 is valid in itself.
    let mut leaves = leaves();
    leaves[10] = leaf("internal", 5);
    let left_out = AuditError::LeftOut { stream: stream("internal"), n: 5, index: 10 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(left_out));
}

#[test]
fn numbers_further_on_are_looked_for_too() {
    // #5 is nowhere: whoever reads the record alone is told that the stream ends at #4.
    let mut leaves = leaves();
    leaves[10] = leaf("internal", 6);
    let left_out = AuditError::LeftOut { stream: stream("internal"), n: 6, index: 10 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(left_out));
    let mut leaves = self::leaves();
    leaves.push(leaf("internal", 1_004));
    let gap = AuditError::Gap { stream: stream("internal"), n: 1_004, index: 11 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(gap));
    let mut leaves = self::leaves();
    leaves.extend([leaf("internal", 6), leaf("internal", 5)]);
    let gap = AuditError::Gap { stream: stream("internal"), n: 6, index: 11 };
    assert_eq!(scan(checkpoint(&leaves), &leaves), Err(gap));
    // What came in its order is no reproach, and how far was looked is said.
    let mut leaves = self::leaves();
    leaves.extend([leaf("internal", 5), leaf("fr/bepi", 3), leaf("internal", 6), leaf("internal", 1_005)]);
    let audited = scan(checkpoint(&leaves), &leaves).expect("honest");
    let facts: Vec<_> = audited.streams().iter().map(|stream| (stream.next, stream.looked_to)).collect();
    assert_eq!(facts, [(Some(12), 1_002), (Some(11), 1_004)]);
}

#[test]
fn leaves_that_are_not_those_of_the_checkpoints_are_refused() {
    let leaves = leaves();
    let good = checkpoint(&leaves);
    assert_eq!(scan(good.clone(), &leaves[..10]), Err(AuditError::Count { found: 10, size: 11 }));
    let mut more = leaves.clone();
    more.push(leaf("internal", 9));
    assert_eq!(scan(good.clone(), &more), Err(AuditError::Count { found: 12, size: 11 }));
    // The record's own checkpoint is met first where both are over the same leaves.
    let mut other = leaves.clone();
    other.swap(0, 3);
    assert_eq!(scan(good.clone(), &other), Err(AuditError::Root { size: 11, of: "record" }));
    assert_eq!(scan(checkpoint(&other), &other), Err(AuditError::Root { size: 11, of: "record" }));
    let mut longer = leaves.clone();
    longer.push(leaf("internal", 9));
    let mut changed = longer.clone();
    changed[11] = leaf("internal", 8);
    assert_eq!(scan(checkpoint(&longer), &changed), Err(AuditError::Root { size: 12, of: "leaves" }));
    let older = Err(AuditError::Older { record: 11, leaves: 10 });
    assert_eq!(scan(checkpoint(&leaves[..10]), &leaves[..10]), older);
    let mut audit = Audit::new(good, &record(), &tag_key()).expect("of one log");
    assert!(matches!(audit.leaf(&[0; LEAF_BYTES]), Err(AuditError::Leaf { index: 0, .. })));
}

#[test]
fn a_record_of_another_log_is_refused() {
    const OTHER: &str = "ca.example.md/rogatory/md/central-authority/2";
    let key = key(OTHER, 2);
    let note = Checkpoint::of(OTHER.parse().expect("an origin"), &Tree::new()).sign(&key).expect("signed");
    let other = verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
    assert!(matches!(scan(other, &[]), Err(AuditError::OtherLog { .. })));
}
