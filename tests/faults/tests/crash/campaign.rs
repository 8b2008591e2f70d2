//! Runs a job against every stop of the disk, with every kind of loss.

use rogatory_evidence::durable::DurableFiles;
use rogatory_faults::{Chance, CrashDisk, Loss};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Says of an operation, told as text, whether it is one that is meant.
pub(crate) type IsIt = fn(&str) -> bool;

/// A folder for one outcome, in memory if the machine has such a place: there are thousands.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a folder")
}

/// Something that is begun again after every stop until it is done.
pub(crate) trait Job {
    /// What the world outside was told, which must hold from then on. A counterpart or a database would remember it.
    type Ledger: Default + Clone;

    /// Goes on with the job in `root`, from the beginning of a process to its end.
    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, ledger: &mut Self::Ledger)
    -> Result<(), String>;

    /// Whether what lies in `root` is what the ledger says, and nothing in it is taken for what it is not.
    fn check(&self, root: &Path, ledger: &Self::Ledger) -> Result<(), String>;

    /// Whether the job is done.
    fn is_done(&self, ledger: &Self::Ledger) -> bool;
}

/// Stops the machine at every operation, and at every one after the process was killed at every one; tells
/// how many outcomes were tried.
pub(crate) fn every_stop<J: Job>(job: &J) -> usize {
    campaign(job, None).unwrap_or_else(|violation| panic!("{violation}"))
}

/// Whether the campaign finds something if the syncs of which `is_it` says so are not done. Without any such sync it
/// panics: then nothing was tried.
pub(crate) fn notices_without<J: Job>(job: &J, is_it: IsIt) -> bool {
    let whole = folder();
    let disk = CrashDisk::new(whole.path());
    job.run(Arc::new(disk.clone()), whole.path(), &mut J::Ledger::default()).expect("it runs");
    assert!(disk.told().iter().any(|told| is_it(told)), "no such sync in {:#?}", disk.told());
    campaign(job, Some(is_it)).is_err()
}

fn campaign<J: Job>(job: &J, ignored: Option<IsIt>) -> Result<usize, String> {
    let mut tried = 0;
    let mut at = 0;
    loop {
        let (stopped, outcomes) = Stop { job, ignored, at, killed_before: None }.outcomes()?;
        tried += outcomes;
        if !stopped {
            break;
        }
        at += 1;
    }
    // Once more after a process that was killed, on a machine that ran on: its last names and bytes are visible to the
    // next one, and not durable.
    let mut chance = Chance::new(7);
    for killed_before in 0..at {
        for at in [chance.below(at), at] {
            let stop = Stop { job, ignored, at, killed_before: Some(killed_before) };
            tried += stop.outcomes()?.1;
        }
    }
    Ok(tried)
}

/// One way to stop.
struct Stop<'a, J> {
    job: &'a J,
    ignored: Option<IsIt>,
    /// The operation before which the machine stops.
    at: usize,
    /// The operation before which an earlier process was killed.
    killed_before: Option<usize>,
}

impl<J: Job> Stop<'_, J> {
    /// Tries every outcome; tells whether the machine stopped before the job was done, and how many there were.
    fn outcomes(&self) -> Result<(bool, usize), String> {
        let first = folder();
        let disk = self.disk(first.path());
        let mut ledger = J::Ledger::default();
        if let Some(killed_before) = self.killed_before {
            disk.kill_at(killed_before);
            // It ends with an error, which nobody hears.
            let _ = self.job.run(Arc::new(disk.clone()), first.path(), &mut ledger);
            disk.revive();
        }
        disk.kill_at(self.at);
        let run = self.job.run(Arc::new(disk.clone()), first.path(), &mut ledger);
        let mut tried = 0;
        if let (Err(error), false) = (&run, disk.has_stopped()) {
            return Err(self.say(&disk, Loss::Nothing, &format!("the job fails by itself: {error}")));
        }
        for (seed, loss) in (0_u64..).zip(Loss::ALL) {
            if self.killed_before.is_some() && seed >= 5 {
                break;
            }
            let mut chance = Chance::new((self.at as u64) << 8 | seed);
            let second = folder();
            disk.survivors(second.path(), loss, &mut chance);
            self.go_on(second.path(), ledger.clone()).map_err(|what| self.say(&disk, loss, &what))?;
            tried += 1;
        }
        Ok((disk.has_stopped(), tried))
    }

    /// Looks at what is left, completes the job on it, and looks again, also after a last stop of the machine.
    fn go_on(&self, root: &Path, mut ledger: J::Ledger) -> Result<(), String> {
        self.job.check(root, &ledger)?;
        let disk = self.disk(root);
        self.job
            .run(Arc::new(disk.clone()), root, &mut ledger)
            .map_err(|error| format!("afterwards: {error}"))?;
        if !self.job.is_done(&ledger) {
            return Err("afterwards the job does not complete".to_owned());
        }
        self.job.check(root, &ledger).map_err(|what| format!("afterwards: {what}"))?;
        let last = folder();
        disk.survivors(last.path(), Loss::Everything, &mut Chance::new(0));
        self.job.check(last.path(), &ledger).map_err(|what| format!("after it was done: {what}"))
    }

    fn disk(&self, root: &Path) -> CrashDisk {
        let disk = CrashDisk::new(root);
        if let Some(is_it) = self.ignored {
            disk.ignore(is_it);
        }
        disk
    }

    fn say(&self, disk: &CrashDisk, loss: Loss, what: &str) -> String {
        let told = disk.told();
        let last = told.iter().skip(told.len().saturating_sub(12)).map(|told| format!("\n    {told}"));
        format!(
            "{what}\n  stopped before operation {}, killed before {:?}, lost: {loss:?}; the last operations:{}",
            self.at,
            self.killed_before,
            last.collect::<String>()
        )
    }
}

/// Every file below `folder` with its bytes, by its name there.
pub(crate) fn files_below(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path.strip_prefix(root).expect("below it").to_string_lossy().into_owned();
            found.push((name, std::fs::read(&path).expect("a readable file")));
        }
    }
}

/// Seeded bytes.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    (0..length).map(|_| u8::try_from(chance.below(256)).expect("a byte")).collect()
}
