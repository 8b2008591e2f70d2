//! A database that would not keep what it acknowledged is not run on.

use rogatory_core::{Clock, Entropy, Timestamp};
use rogatory_evidence::durable::Disk;
use rogatory_server::datastore::{Datastore, Location, Opening};
use rogatory_server::faults::NoFaults;
use rogatory_server::keystore::KeyStore;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-22T12:00:00Z".parse().expect("an instant")
    }
}

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Opens a new database at `path`; gives what it is refused with.
async fn refusal(folder: &TempDir, path: &Path) -> Option<String> {
    let keys =
        KeyStore::open(&folder.path().join("keys"), Arc::new(Disk::OwnerOnly), &[7; 32]).expect("keys");
    let opening = Opening {
        location: &Location::file(path.to_owned()),
        create: true,
        keys: Arc::new(keys),
        clock: Arc::new(Noon),
        entropy: Arc::new(Sevens),
        faults: Arc::new(NoFaults),
    };
    let opened = Datastore::open(opening).await;
    match opened {
        Ok(datastore) => {
            datastore.close().await;
            None
        }
        Err(problem) => Some(rogatory_core::chain(&problem)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_a_file_is_run_on() {
    let folder = TempDir::new().expect("a folder");
    assert_eq!(refusal(&folder, &folder.path().join("rogatory.db")).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_write_ahead_log_is_refused() {
    let folder = TempDir::new().expect("a folder");
    // In memory, and on a file system whose locks SQLite makes of files: neither has what the log needs.
    let file = folder.path().join("rogatory.db");
    let without_locks = format!("file:{}?vfs=unix-dotfile", file.display());
    for (path, mode) in [(":memory:", "memory"), (without_locks.as_str(), "delete")] {
        let why = refusal(&folder, Path::new(path)).await.expect("refused");
        assert!(why.contains("does not keep WAL with synchronous=FULL"), "{path}: {why}");
        assert!(why.contains(&format!("journal_mode={mode}, synchronous=2")), "{path}: {why}");
    }
}
