//! Objects that arrive, break off, go on, and become durable.

use super::*;
use crate::durable::Disk;
use std::fs;

const INTERVAL: u64 = 64;

/// The machine's disk, with every thread waiting for the others.
struct InTurn;

impl DurableFiles for InTurn {
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn DurableFile>> {
        Disk::AsUsual.open_at(path, offset)
    }
    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        Disk::AsUsual.overwrite(path, offset, bytes)
    }
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        Disk::AsUsual.create_folder(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk::AsUsual.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk::AsUsual.remove(path)
    }
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Disk::AsUsual.sync_folder(folder)
    }
    fn is_in_turn(&self) -> bool {
        true
    }
}

fn arrivals(folder: &Path) -> Arrivals {
    arrivals_on(Arc::new(InTurn), folder)
}

fn arrivals_on(files: Arc<dyn DurableFiles>, folder: &Path) -> Arrivals {
    let arrivals = Arrivals::new(files, folder.join("arriving"), folder.join("whole"));
    let arrivals = arrivals.every(INTERVAL);
    arrivals.prepare().expect("folders");
    arrivals
}

fn content() -> Vec<u8> {
    (0..1000_u32).map(|at| (at * 7 % 251) as u8).collect()
}

fn object() -> ObjectDigest {
    let content = content();
    ObjectDigest {
        name: "data/EX-0001.age".to_owned(),
        size_bytes: content.len() as u64,
        sha256: Digest::of(&content),
    }
}

fn send(arrivals: &Arrivals, from: usize, to: usize) -> ArrivingObject {
    let mut arriving = arrivals.write(&object(), from as u64).expect("the right offset");
    for chunk in content()[from..to].chunks(10) {
        arriving.write(chunk).expect("written");
    }
    arriving
}

#[test]
fn a_killed_transfer_goes_on_from_its_last_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    drop(send(&here, 0, 500));
    let again = arrivals(folder.path());
    // States are saved as soon as an interval is full: after 70, 140, … bytes, of ten at a time.
    assert_eq!(again.committed(&object()), 490);
    // The first bytes are neither sent nor read again: whatever stands there now is not looked at.
    let part = folder.path().join("arriving/data/EX-0001.age");
    let mut changed = fs::read(&part).expect("readable");
    changed[0] ^= 1;
    fs::write(&part, changed).expect("written");
    send(&again, 490, 1000).finish().expect("the digest of all bytes");
    assert!(again.has(&object()));
    assert_eq!(again.committed(&object()), 1000);
    assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
}

#[test]
fn a_killed_transfer_has_lost_no_more_than_some_intervals_and_hashes_nothing_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 1..=20 {
        let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
        let size = 40 * round;
        let from = usize::try_from(here.committed(&object())).expect("small");
        drop(send(&here, from.min(size), size));
        let committed = here.committed(&object());
        let most = INTERVALS_AHEAD * INTERVAL + 10;
        assert!(committed + most >= size as u64, "{committed} of {size} are durable");
        assert_eq!(here.hashed_bytes(), size.saturating_sub(from) as u64);
        if size > from {
            break_off_at(&here, committed);
        }
    }
    let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
    let committed = usize::try_from(here.committed(&object())).expect("small");
    send(&here, committed, 1000).finish().expect("the digest of all bytes");
    assert_eq!(here.hashed_bytes(), 1000 - committed as u64);
}

/// Nothing stands behind what is committed afterwards, as after a crash of the machine.
fn break_off_at(here: &Arrivals, committed: u64) {
    let part = fs::OpenOptions::new().write(true).open(here.part_path(&object().name)).expect("a part");
    part.set_len(committed).expect("cut");
}

#[test]
fn many_objects_become_durable_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals_on(Arc::new(Disk::AsUsual), folder.path());
    let objects: Vec<(ObjectDigest, Vec<u8>)> = (0..SETTLED_AT_ONCE)
        .map(|at| {
            let content = vec![(at % 251) as u8; at % 60];
            let name = format!("data/EX-{at:04}.age");
            (ObjectDigest { name, size_bytes: content.len() as u64, sha256: Digest::of(&content) }, content)
        })
        .collect();
    let end = |(object, content): &(ObjectDigest, Vec<u8>)| {
        let mut arriving = here.write(object, 0).expect("begun");
        arriving.write(content).expect("written");
        arriving.end().expect("as announced")
    };
    let ended: Vec<Ended> = objects.iter().map(end).collect();
    assert!(objects.iter().all(|(object, _)| !here.has(object)), "not before they are durable");
    here.settle(ended).expect("settled");
    for (object, content) in &objects {
        assert!(here.has(object));
        assert_eq!(fs::read(folder.path().join("whole").join(&object.name)).expect("there"), *content);
    }
    assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
}

#[test]
fn what_came_before_its_digest_was_known_is_taken_over_if_it_fits() {
    let folder = tempfile::tempdir().expect("a folder");
    let (early, here) = (arrivals(&folder.path().join("early")), arrivals(&folder.path().join("here")));
    let whole = object();
    let other = ObjectDigest { name: "data/EX-0002.age".to_owned(), ..object() };
    let broken = ObjectDigest { name: "data/EX-0003.age".to_owned(), ..object() };
    let unknown = |object: &ObjectDigest| Awaited { sha256: None, ..object.into() };
    let begin = |object: &ObjectDigest, from: usize, to: usize| {
        let mut arriving = early.write(unknown(object), from as u64).expect("begun");
        arriving.write(&content()[from..to]).expect("written");
        arriving
    };
    begin(&whole, 0, 1000).finish().expect("whole");
    begin(&broken, 0, 130).suspend().expect("kept");
    begin(&broken, 130, 200).suspend().expect("kept");
    let mut wrong = early.write(unknown(&other), 0).expect("begun");
    wrong.write(&[7; 1000]).expect("written");
    wrong.finish().expect("whole, whatever it is");
    let asked = [unknown(&whole), (&whole).into(), (&other).into(), unknown(&broken)];
    assert_eq!(early.committed_late(&asked).expect("listable"), [1000, 1000, 0, 200]);

    here.take_over(&early, &[whole.clone(), other.clone(), broken.clone()]).expect("taken over");
    let committed = [&whole, &other, &broken].map(|object| here.committed(object));
    assert_eq!(committed, [1000, 0, 200], "another digest is not taken over");
    early.discard().expect("removed");
    let mut rest = here.write(&broken, 200).expect("goes on");
    rest.write(&content()[200..]).expect("written");
    rest.finish().expect("the digest of all bytes");
    assert_eq!(here.hashed_bytes(), 800);
}

#[test]
fn a_broken_stream_keeps_all_that_came() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    assert_eq!(send(&here, 0, 130).suspend().expect("kept"), 130);
    assert_eq!(here.committed(&object()), 130);
    // All came, only the end of the stream did not.
    assert_eq!(send(&here, 130, 1000).suspend().expect("whole"), 1000);
    assert!(here.has(&object()));
}

#[test]
fn an_object_that_ends_too_early_is_refused_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    let short = send(&here, 0, 999).finish().expect_err("too short");
    assert!(matches!(short, ArrivalError::TooShort { .. }));
    assert!(!here.has(&object()));
    send(&here, 999, 1000).finish().expect("whole");
}

#[test]
fn a_wrong_offset_is_refused_and_0_begins_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    send(&here, 0, 130).suspend().expect("kept");
    for offset in [1, 129, 131, 1000, u64::MAX] {
        match here.write(&object(), offset).err() {
            Some(error @ ArrivalError::Offset { committed: 130, .. }) => {
                assert!(error.to_string().contains("130 bytes of it are durable"), "{error}");
            }
            other => panic!("{offset}: {other:?}"),
        }
    }
    let anew = send(&here, 0, 10);
    assert_eq!(here.committed(&object()), 0, "its state is gone before a byte is overwritten");
    drop(anew);
}

#[test]
fn a_state_that_claims_more_than_is_there_is_not_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    send(&here, 0, 130).suspend().expect("kept");
    let part = folder.path().join("arriving/data/EX-0001.age");
    fs::write(&part, &content()[..129]).expect("written");
    assert_eq!(here.committed(&object()), 0);
    assert!(here.write(&object(), 130).is_err());
    fs::remove_file(&part).expect("removed");
    assert_eq!(here.committed(&object()), 0);
}

#[test]
fn a_forged_state_does_not_pass_the_digest_of_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    send(&here, 0, 130).suspend().expect("kept");
    // Its checksum is right; what it says is not.
    let forged = state::write(&(&object()).into(), 130, &Sha256::new_with_prefix([9; 130]));
    fs::write(folder.path().join("arriving/data/.EX-0001.age.resume"), forged).expect("written");
    let refused = send(&here, 130, 1000).finish().expect_err("another digest");
    assert!(matches!(refused, ArrivalError::OtherDigest { .. }));
    assert_eq!(here.committed(&object()), 0, "it leaves nothing");
    send(&here, 0, 1000).finish().expect("whole");
}

#[test]
fn what_is_not_as_announced_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    let long = send(&here, 0, 1000).write(b"1").expect_err("too long");
    assert!(matches!(long, ArrivalError::TooLong { .. }));
    let mut other = send(&here, 0, 999);
    other.write(&[content()[999] ^ 1]).expect("written");
    let other = other.finish().expect_err("another digest");
    assert!(matches!(other, ArrivalError::OtherDigest { .. }));
    assert_eq!(here.committed(&object()), 0);
    assert_eq!(fs::read_dir(folder.path().join("arriving/data")).expect("listable").count(), 0);
}

#[test]
fn small_objects_have_no_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    let small = |size: usize| ObjectDigest {
        name: "mimetype".to_owned(),
        size_bytes: size as u64,
        sha256: Digest::of(&vec![1; size]),
    };
    for size in [0, 1, 64] {
        let mut arriving = here.write(&small(size), 0).expect("begun");
        arriving.write(&vec![1; size]).expect("written");
        arriving.finish().expect("whole");
        assert!(here.has(&small(size)));
    }
    let mut broken = here.write(&small(64), 0).expect("begun");
    broken.write(&[1; 63]).expect("written");
    assert_eq!(broken.suspend().expect("nothing to keep"), 0);
    let files = fs::read_dir(folder.path().join("arriving")).expect("listable").flatten();
    assert_eq!(files.filter(|entry| entry.path().is_file()).count(), 0);
}

/// A late object of this size whose digest nobody knows yet.
fn late(size_bytes: u64) -> Awaited {
    Awaited { name: object().name, size_bytes, sha256: None }
}

#[test]
fn a_state_never_meets_a_part_that_was_here_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let sealing = arrivals(&folder.path().join("sealing"));
    let here = arrivals(&folder.path().join("here"));
    // Rubbish lies here without a state, as a crash leaves it; the sealing has the true beginning with one.
    fs::write(folder.path().join("here/arriving/data/EX-0001.age"), [9; 500]).expect("written");
    let mut arriving = sealing.write(late(1000), 0).expect("begun");
    arriving.write(&content()[..300]).expect("written");
    assert_eq!(arriving.suspend().expect("kept"), 300);
    here.take_over(&sealing, &[object()]).expect("taken over");
    assert_eq!(here.committed(&object()), 0, "the rubbish would stand before what is sent from 300 on");
    send(&here, 0, 1000).finish().expect("whole");
    assert_eq!(fs::read(folder.path().join("here/whole/data/EX-0001.age")).expect("there"), content());
}

#[test]
fn a_late_object_of_another_size_leaves_no_state_of_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = arrivals(folder.path());
    let mut arriving = here.write(late(1000), 0).expect("begun");
    arriving.write(&content()[..300]).expect("written");
    assert_eq!(arriving.suspend().expect("kept"), 300);
    // The same name as a small object, broken off by a crash.
    let mut small = here.write(late(50), 0).expect("begun");
    small.write(&[9; 40]).expect("written");
    drop(small);
    assert!(here.write(late(1000), 300).is_err(), "the first 300 bytes are others now");
}
