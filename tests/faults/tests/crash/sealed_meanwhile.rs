//! Objects arrive while their package is being sealed, one whole and one in part; then it is announced with all digests,
//! and what came is taken over and goes on. What the sender was told of is never lost, and never taken for another.

use crate::campaign::{IsIt, Job, bytes, every_stop, files_below, notices_without};
use rogatory_core::Digest;
use rogatory_evidence::ObjectDigest;
use rogatory_evidence::arrival::{Arrivals, Awaited};
use rogatory_evidence::durable::DurableFiles;
use std::path::Path;
use std::sync::Arc;

const BREAK: usize = 200;

struct SealedMeanwhile(Vec<(ObjectDigest, Vec<u8>)>);

#[derive(Clone, Default)]
struct Ledger {
    /// So many bytes of each object were said to be durable.
    told: [u64; 2],
    /// The sender has sealed the package, and knows the digests.
    known: bool,
    done: bool,
}

fn text(error: &dyn std::error::Error) -> String {
    rogatory_core::chain(error)
}

impl SealedMeanwhile {
    fn new() -> Self {
        let object = |name: &str, seed: u64, length: usize| {
            let bytes = bytes(seed, length);
            let sha256 = Digest::of(&bytes);
            (ObjectDigest { name: name.to_owned(), size_bytes: length as u64, sha256 }, bytes)
        };
        Self(vec![object("data/EX-0001.age", 1, 90), object("data/EX-0002.age", 2, 300)])
    }

    /// The first comes whole, of the second the beginning.
    fn send_early(&self, early: &Arrivals, ledger: &mut Ledger) -> Result<(), String> {
        early.prepare().map_err(|error| text(&error))?;
        for (at, end) in [(0, 90), (1, BREAK)] {
            let (object, bytes) = &self.0[at];
            let awaited = Awaited { sha256: None, ..object.into() };
            let committed =
                early.committed_late(std::slice::from_ref(&awaited)).map_err(|error| text(&error))?[0];
            if committed < ledger.told[at] {
                return Err(format!(
                    "{} of {} were acknowledged, {committed} are here",
                    ledger.told[at], object.name
                ));
            }
            let from = usize::try_from(committed).expect("small");
            if from >= end {
                continue;
            }
            let mut arriving = early.write(awaited, committed).map_err(|error| text(&error))?;
            for message in bytes[from..end].chunks(24) {
                arriving.write(message).map_err(|error| text(&error))?;
            }
            ledger.told[at] = if end == bytes.len() {
                arriving.finish().map(|()| end as u64).map_err(|error| text(&error))?
            } else {
                arriving.suspend().map_err(|error| text(&error))?
            };
        }
        Ok(())
    }
}

fn arrivals(files: &Arc<dyn DurableFiles>, root: &Path, name: &str) -> Arrivals {
    let folder = |what: &str| root.join(format!("{name}-{what}"));
    Arrivals::new(Arc::clone(files), folder("arriving"), folder("whole")).every(64)
}

impl Job for SealedMeanwhile {
    type Ledger = Ledger;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, ledger: &mut Ledger) -> Result<(), String> {
        let (early, here) = (arrivals(&files, root, "early"), arrivals(&files, root, "here"));
        if !ledger.known {
            self.send_early(&early, ledger)?;
            ledger.known = true;
        }
        if ledger.done {
            return Ok(());
        }
        let objects: Vec<ObjectDigest> = self.0.iter().map(|(object, _)| object.clone()).collect();
        here.prepare().map_err(|error| text(&error))?;
        here.take_over(&early, &objects).map_err(|error| text(&error))?;
        early.discard().map_err(|error| text(&error))?;
        for (at, (object, bytes)) in self.0.iter().enumerate() {
            let committed = here.committed(object);
            if committed < ledger.told[at] {
                return Err(format!(
                    "{} of {} were acknowledged, {committed} are here",
                    ledger.told[at], object.name
                ));
            }
            ledger.told[at] = committed;
            if here.has(object) {
                continue;
            }
            let mut arriving = here.write(object, committed).map_err(|error| text(&error))?;
            for message in bytes[usize::try_from(committed).expect("small")..].chunks(24) {
                arriving.write(message).map_err(|error| text(&error))?;
            }
            arriving.finish().map_err(|error| text(&error))?;
            ledger.told[at] = object.size_bytes;
        }
        ledger.done = true;
        Ok(())
    }

    fn check(&self, root: &Path, ledger: &Ledger) -> Result<(), String> {
        let whole = files_below(&root.join("here-whole"));
        let right = |(name, found): &(String, Vec<u8>)| {
            self.0.iter().any(|(object, bytes)| object.name == *name && bytes == found)
        };
        match whole.iter().find(|file| !right(file)) {
            Some((name, _)) => Err(format!("{name} has its final name and another's bytes")),
            None if ledger.done && whole.len() < self.0.len() => Err("an object is gone".to_owned()),
            None => Ok(()),
        }
    }

    fn is_done(&self, ledger: &Ledger) -> bool {
        ledger.done
    }
}

#[test]
fn what_came_while_it_was_sealed_survives_every_stop() {
    let tried = every_stop(&SealedMeanwhile::new());
    assert!(tried > 1000, "only {tried} outcomes were tried");
}

#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    let syncs: [(&str, IsIt); 3] = [
        ("names of whole objects with their digests", |told| told == "sync folder early-whole/data"),
        ("names of what was taken over whole", |told| told == "sync folder here-whole/data"),
        ("names of parts and states", |told| told == "sync folder here-arriving/data"),
    ];
    for (what, is_it) in syncs {
        let job = SealedMeanwhile::new();
        assert!(notices_without(&job, is_it), "nothing goes wrong without syncs of the {what}");
    }
}
