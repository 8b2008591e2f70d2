//! The key of a case is drawn and stored, something is encrypted under it, and a transaction commits that.

use crate::campaign::{Job, every_stop, notices_without};
use rogatory_evidence::durable::{Disk, DurableFiles};
use rogatory_server::keystore::KeyStore;
use rogatory_server::problem::Problem;
use std::path::Path;
use std::sync::Arc;

const CASES: [&str; 3] = ["office", "C-1", "C-2"];
const WRAPPING: [u8; 32] = [7; 32];

struct Cases;

/// What was committed: a case, and what was encrypted under its key.
type Ledger = Vec<(&'static str, Vec<u8>)>;

fn open(files: Arc<dyn DurableFiles>, root: &Path) -> Result<KeyStore, String> {
    KeyStore::open(&root.join("cases"), files, &WRAPPING).map_err(text)
}

fn text(problem: Problem) -> String {
    rogatory_core::chain(&problem)
}

impl Job for Cases {
    type Ledger = Ledger;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, ledger: &mut Ledger) -> Result<(), String> {
        let store = open(files, root)?;
        // As a server does when it starts.
        store.sync().map_err(text)?;
        for case in CASES {
            if ledger.iter().any(|(known, _)| *known == case) {
                continue;
            }
            let key = store.create(case).map_err(text)?;
            // As the writer does before it commits.
            store.sync().map_err(text)?;
            ledger.push((case, key.encrypt("body", b"what was said").map_err(text)?));
        }
        Ok(())
    }

    fn check(&self, root: &Path, ledger: &Ledger) -> Result<(), String> {
        let store = open(Arc::new(Disk::AsUsual), root)?;
        for (case, sealed) in ledger {
            let key = store.key(case).map_err(text)?;
            if key.decrypt("body", sealed).map_err(text)? != b"what was said" {
                return Err(format!("{case} decrypts to something else"));
            }
        }
        Ok(())
    }

    fn is_done(&self, ledger: &Ledger) -> bool {
        ledger.len() == CASES.len()
    }
}

#[test]
fn what_was_committed_can_be_decrypted_after_every_stop() {
    let tried = every_stop(&Cases);
    assert!(tried > 200, "only {tried} outcomes were tried");
}

/// One case of three is erased; its key must be gone in the end, and never another's.
struct Erasure;

impl Job for Erasure {
    type Ledger = Ledger;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, ledger: &mut Ledger) -> Result<(), String> {
        Cases.run(Arc::clone(&files), root, ledger)?;
        // As a server does at its start: the erasure is committed, and is done again until it was done.
        let store = open(files, root)?;
        store.erase("C-1").map_err(text)?;
        if !ledger.iter().any(|(case, _)| *case == "erased") {
            ledger.push(("erased", Vec::new()));
        }
        Ok(())
    }

    fn check(&self, root: &Path, ledger: &Ledger) -> Result<(), String> {
        let store = open(Arc::new(Disk::AsUsual), root)?;
        let erased = ledger.iter().any(|(case, _)| *case == "erased");
        if erased && (store.key("C-1").is_ok() || !store.is_erased("C-1")) {
            return Err("an erased key is there again".to_owned());
        }
        for (case, sealed) in ledger.iter().filter(|(case, _)| !["C-1", "erased"].contains(case)) {
            let key = store.key(case).map_err(text)?;
            if key.decrypt("body", sealed).map_err(text)? != b"what was said" {
                return Err(format!("{case} decrypts to something else"));
            }
        }
        Ok(())
    }

    fn is_done(&self, ledger: &Ledger) -> bool {
        ledger.len() == CASES.len() + 1
    }
}

#[test]
fn an_erased_key_stays_erased_after_every_stop_and_takes_no_other_with_it() {
    let tried = every_stop(&Erasure);
    assert!(tried > 200, "only {tried} outcomes were tried");
    assert!(notices_without(&Erasure, |told| told == "sync file cases/000001.keys"));
}

#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    assert!(notices_without(&Cases, |told| told.starts_with("sync file")));
    assert!(notices_without(&Cases, |told| told == "sync folder cases"));
}
