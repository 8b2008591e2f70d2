//! A package arrives object by object, breaks off, goes on, is taken into the vault, and a row names it.

use crate::campaign::{IsIt, Job, bytes, every_stop, files_below, notices_without};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::durable::{Disk, DurableFiles};
use rogatory_evidence::{PERSON_MANIFEST, SEAL_MANIFEST, SEAL_SIGNATURE};
use rogatory_faults::CrashDisk;
use rogatory_server::datastore::ObjectRow;
use rogatory_server::vault::Vault;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const TRANSFER: &str = "T-1";
const INTERVAL: u64 = 64;
/// How much of an object one message holds.
const MESSAGE: usize = 24;
/// Where the first stream of the large object breaks.
const BREAK: u64 = 150;
const LARGE: &str = "data/EX-0001.age";

struct TakeIn {
    objects: Vec<(ObjectRow, Vec<u8>)>,
    seal: [(&'static str, Vec<u8>); 2],
}

#[derive(Default, Clone)]
struct Ledger {
    /// The sender was told that so much of an object is durable.
    told: BTreeMap<String, u64>,
    /// The row that names the package is committed, and the receipt given.
    committed: bool,
}

impl TakeIn {
    fn new() -> Self {
        let object = |name: &str, seed: u64, length: usize| {
            let bytes = bytes(seed, length);
            let row =
                ObjectRow { name: name.to_owned(), size_bytes: length as u64, sha256: Digest::of(&bytes) };
            (row, bytes)
        };
        Self {
            objects: vec![
                object("mimetype", 1, 31),
                object(LARGE, 2, 330),
                object("data/EX-0002.age", 3, 0),
                object(PERSON_MANIFEST, 4, 50),
            ],
            seal: [(SEAL_MANIFEST, bytes(5, 40)), (SEAL_SIGNATURE, bytes(6, 40))],
        }
    }

    fn id(&self) -> PackageId {
        PackageId::of_manifest(&self.objects[3].0.sha256)
    }

    fn rows(&self) -> Vec<ObjectRow> {
        self.objects.iter().map(|(row, _)| row.clone()).collect()
    }

    /// What a file of this name must hold.
    fn right(&self, name: &str) -> Option<&[u8]> {
        let objects = self.objects.iter().map(|(row, bytes)| (row.name.as_str(), bytes.as_slice()));
        let seal = self.seal.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        objects.chain(seal).find(|(known, _)| *known == name).map(|(_, bytes)| bytes)
    }

    /// What `BeginPackage` tells.
    fn begin(&self, vault: &Vault, ledger: &mut Ledger) -> Result<Vec<u64>, String> {
        vault.prepare(TRANSFER).map_err(text)?;
        let told = vault.committed(TRANSFER, &self.rows(), Some(&self.id()));
        for ((row, _), told) in self.objects.iter().zip(&told) {
            ledger.told.insert(row.name.clone(), *told);
        }
        Ok(told)
    }

    /// Sends one object from `from` up to `to`; all of it is finished, a part broken off.
    fn send(&self, vault: &Vault, at: usize, from: u64, to: u64, ledger: &mut Ledger) -> Result<(), String> {
        let (row, bytes) = &self.objects[at];
        let mut writer = vault.stream(TRANSFER, "a peer").map_err(text)?;
        writer.begin(row, from).map_err(text)?;
        let (start, end) = (usize::try_from(from).expect("small"), usize::try_from(to).expect("small"));
        for message in bytes[start..end].chunks(MESSAGE) {
            writer.write(message).map_err(text)?;
        }
        let durable =
            if to == row.size_bytes { writer.finish().map(|()| row.size_bytes) } else { writer.suspend() };
        ledger.told.insert(row.name.clone(), durable.map_err(text)?);
        Ok(())
    }
}

impl Job for TakeIn {
    type Ledger = Ledger;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, ledger: &mut Ledger) -> Result<(), String> {
        let vault = Vault::open(root.join("vault"), files).map_err(text)?.every(INTERVAL);
        if ledger.committed {
            return Ok(());
        }
        for (at, told) in self.begin(&vault, ledger)?.into_iter().enumerate() {
            let row = &self.objects[at].0;
            if vault.has(TRANSFER, row) || (told == row.size_bytes && told > 0) {
                continue;
            }
            let breaks = row.name == LARGE && told < BREAK;
            if breaks {
                self.send(&vault, at, told, BREAK, ledger)?;
            }
            let told = if breaks { self.begin(&vault, ledger)?[at] } else { told };
            self.send(&vault, at, told, row.size_bytes, ledger)?;
        }
        let id = self.id();
        let closing = vault.close(TRANSFER, Some(&id)).map_err(text)?;
        let own = [SEAL_MANIFEST, SEAL_SIGNATURE];
        vault.reclaim(&closing, &id, &self.rows(), &own).map_err(text)?;
        vault.remove_objects(&closing, &own).map_err(text)?;
        if let Some(missing) = self.rows().iter().find(|row| !vault.has(TRANSFER, row)) {
            return Err(format!("{} is missing", missing.name));
        }
        for (name, bytes) in &self.seal {
            vault.add_object(&closing, name, bytes).map_err(text)?;
        }
        vault.adopt(&closing, &id).map_err(text)?;
        ledger.committed = true;
        Ok(())
    }

    fn check(&self, root: &Path, ledger: &Ledger) -> Result<(), String> {
        let vault = Vault::open(root.join("vault"), Arc::new(Disk::AsUsual)).map_err(text)?.every(INTERVAL);
        for (name, bytes) in files_below(&vault.incoming(TRANSFER)) {
            if self.right(&name) != Some(&bytes) {
                return Err(format!("{name} has its final name and is not what it should be"));
            }
        }
        let package = files_below(&vault.package(&self.id()));
        if !package.is_empty() || ledger.committed {
            let whole = package.len() == self.objects.len() + self.seal.len();
            if !whole || package.iter().any(|(name, bytes)| self.right(name) != Some(bytes)) {
                return Err(format!("a package is not whole: {:?}", names(&package)));
            }
        }
        if ledger.committed {
            return Ok(());
        }
        let here = vault.committed(TRANSFER, &self.rows(), Some(&self.id()));
        for ((row, bytes), here) in self.objects.iter().zip(here) {
            let told = ledger.told.get(&row.name).copied().unwrap_or(0);
            if here < told {
                return Err(format!("{told} bytes of {} were acknowledged, {here} are here", row.name));
            }
            let part = std::fs::read(root.join("vault/arriving").join(TRANSFER).join(&row.name));
            let end = usize::try_from(here).expect("small");
            if here < row.size_bytes
                && here > 0
                && part.ok().and_then(|part| part.get(..end).map(<[u8]>::to_vec)).as_deref()
                    != Some(&bytes[..end])
            {
                return Err(format!("{} is said to be here up to {here} and is not", row.name));
            }
        }
        Ok(())
    }

    fn is_done(&self, ledger: &Ledger) -> bool {
        ledger.committed
    }
}

fn text(problem: impl std::error::Error) -> String {
    rogatory_core::chain(&problem)
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_package_survives_every_stop() {
    let tried = every_stop(&TakeIn::new());
    assert!(tried > 2000, "only {tried} outcomes were tried");
}

#[test]
fn a_disk_that_does_not_sync_is_noticed() {
    let syncs: [(&str, IsIt); 7] = [
        ("bytes of parts", |told| {
            told.starts_with("sync file vault/arriving") && !told.ends_with(".resume.part")
        }),
        ("bytes of states", |told| told.starts_with("sync file") && told.ends_with(".resume.part")),
        ("names of parts and states", |told| told == "sync folder vault/arriving/T-1/data"),
        ("names of whole objects", |told| told == "sync folder vault/incoming/T-1/data"),
        ("names of transfers", |told| told == "sync folder vault/incoming"),
        ("names of packages", |told| told == "sync folder vault/packages"),
        ("names in the vault", |told| told == "sync folder vault"),
    ];
    for (what, is_it) in syncs {
        assert!(notices_without(&TakeIn::new(), is_it), "nothing goes wrong without syncs of the {what}");
    }
}

/// A crash came before the row of a package that somebody else had sent, with another exhibit of the same size. Wherever
/// the machine stops while it is taken back, nothing of it becomes an object of the transfer.
#[test]
fn what_was_hashed_for_somebody_else_is_hashed_again_before_it_is_taken_back() {
    let job = TakeIn::new();
    let (id, rows) = (job.id(), job.rows());
    let mut stops = 0;
    loop {
        let folder = TempDir::new().expect("a folder");
        let vault_folder = folder.path().join("vault");
        let vault = |files: Arc<dyn DurableFiles>| Vault::open(vault_folder.clone(), files).expect("a vault");
        let plain = vault(Arc::new(Disk::AsUsual));
        plain.prepare(TRANSFER).expect("prepared");
        for (row, bytes) in &job.objects {
            let file = plain.package(&id).join(&row.name);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            let mut bytes = bytes.clone();
            if row.name == LARGE {
                bytes[200] ^= 1;
            }
            std::fs::write(file, bytes).expect("written");
        }
        let disk = CrashDisk::new(folder.path());
        let crashing = vault(Arc::new(disk.clone()));
        let closing = crashing.close(TRANSFER, Some(&id)).expect("closed");
        disk.kill_at(stops);
        crashing
            .reclaim(&closing, &id, &rows, &[])
            .expect_err("it is another package, or the machine stopped");
        let clean = |when: &str| {
            for (name, bytes) in files_below(&plain.incoming(TRANSFER)) {
                assert_eq!(job.right(&name), Some(bytes.as_slice()), "{name} {when} at {stops}");
            }
        };
        clean("after the stop");
        if !disk.has_stopped() {
            break;
        }
        // The next process either finds it again, or finds nothing.
        let closing = plain.close(TRANSFER, Some(&id)).expect("closed");
        let _ = plain.reclaim(&closing, &id, &rows, &[]);
        clean("at the next try");
        assert!(!plain.package(&id).exists(), "it is let go");
        stops += 1;
    }
    assert!(stops > 0, "the machine never stopped");
}
