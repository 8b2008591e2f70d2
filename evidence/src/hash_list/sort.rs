//! Sorts more records than the memory holds.
//!
//! Holds records of one width: full buffers are sorted and put aside in a temporary file, and all
//! of them are merged at the end. May write the temporary file, which has no name on Unix. Never
//! holds more than a buffer of records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What one sorter holds in memory.
const BUFFER_BYTES: usize = 16 * 1024 * 1024;
/// What merging may read ahead, all runs together.
const MERGE_BYTES: usize = 16 * 1024 * 1024;

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A new file for this process alone, without a name where the system allows that.
pub(super) struct Temporary {
    pub(super) file: File,
    path: Option<PathBuf>,
}

impl Temporary {
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".rogatory-hashes-{}-{count}.tmp", std::process::id()));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&path) {
                Ok(file) => {
                    let left =
                        if cfg!(unix) { std::fs::remove_file(&path).err().map(|_| path) } else { Some(path) };
                    return Ok(Self { file, path: left });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A list of digests that stays is a nuisance, not a leak.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Takes records of `W` bytes in any order and gives them sorted, each once.
pub(super) struct Sorter<const W: usize> {
    folder: PathBuf,
    buffer: Vec<[u8; W]>,
    limit: usize,
    aside: Option<Temporary>,
    /// Where each run ends in the temporary file, in records.
    ends: Vec<u64>,
    count: u64,
}

impl<const W: usize> Sorter<W> {
    pub(super) fn new(folder: &Path) -> Self {
        Self::with_limit(folder, BUFFER_BYTES / W)
    }

    /// A sorter that holds `limit` records in memory.
    pub(super) fn with_limit(folder: &Path, limit: usize) -> Self {
        Self { folder: folder.to_owned(), buffer: Vec::new(), limit, aside: None, ends: Vec::new(), count: 0 }
    }

    /// How many records were taken.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn push(&mut self, record: [u8; W]) -> io::Result<()> {
        if self.buffer.len() >= self.limit {
            self.put_aside()?;
        }
        self.buffer.push(record);
        self.count += 1;
        Ok(())
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.buffer.sort_unstable();
        self.buffer.dedup();
        let aside = match &mut self.aside {
            Some(aside) => aside,
            None => self.aside.insert(Temporary::create(&self.folder)?),
        };
        aside.file.write_all(self.buffer.as_flattened())?;
        let before = self.ends.last().copied().unwrap_or(0);
        self.ends.push(before + self.buffer.len() as u64);
        self.buffer.clear();
        Ok(())
    }

    /// Hands out every record once, in order, and tells their number.
    pub(super) fn merge(mut self, give: &mut dyn FnMut(&[u8; W]) -> io::Result<()>) -> io::Result<u64> {
        if self.aside.is_none() {
            self.buffer.sort_unstable();
            self.buffer.dedup();
            self.buffer.iter().try_for_each(give)?;
            return Ok(self.buffer.len() as u64);
        }
        self.put_aside()?;
        self.buffer = Vec::new();
        let Some(aside) = &mut self.aside else {
            return Ok(0);
        };
        let ahead = (MERGE_BYTES / W / self.ends.len().max(1)).clamp(16, 64 * 1024);
        let mut runs = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for end in &self.ends {
            runs.push(Run { next: start, end: *end, records: Vec::new(), given: 0 });
            start = *end;
        }
        let mut heap = BinaryHeap::with_capacity(runs.len());
        for (place, run) in runs.iter_mut().enumerate() {
            if let Some(record) = run.advance(&mut aside.file, ahead)? {
                heap.push(Reverse((record, place)));
            }
        }
        let mut last: Option<[u8; W]> = None;
        let mut given = 0;
        while let Some(Reverse((record, place))) = heap.pop() {
            if let Some(run) = runs.get_mut(place)
                && let Some(next) = run.advance(&mut aside.file, ahead)?
            {
                heap.push(Reverse((next, place)));
            }
            if last != Some(record) {
                give(&record)?;
                given += 1;
                last = Some(record);
            }
        }
        Ok(given)
    }
}

/// A sorted run in the temporary file.
struct Run<const W: usize> {
    next: u64,
    end: u64,
    records: Vec<[u8; W]>,
    given: usize,
}

impl<const W: usize> Run<W> {
    fn advance(&mut self, file: &mut File, ahead: usize) -> io::Result<Option<[u8; W]>> {
        if self.given == self.records.len() {
            let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
            self.records.resize(left.min(ahead), [0; W]);
            self.given = 0;
            if self.records.is_empty() {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(self.next * W as u64))?;
            file.read_exact(self.records.as_flattened_mut())?;
            self.next += self.records.len() as u64;
        }
        let record = self.records.get(self.given).copied();
        self.given += 1;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_sorted_and_once_whatever_was_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        for limit in [1, 7, 100, 5_000] {
            let mut sorter = Sorter::<4>::with_limit(folder.path(), limit);
            for number in 0..3_000_u32 {
                sorter.push((number.wrapping_mul(2_654_435_761) % 1_000).to_be_bytes()).expect("takes");
            }
            assert_eq!(sorter.count(), 3_000);
            let mut given = Vec::new();
            let count = sorter.merge(&mut |record| {
                given.push(u32::from_be_bytes(*record));
                Ok(())
            });
            assert_eq!(count.expect("merges"), given.len() as u64);
            assert!(given.is_sorted_by(|a, b| a < b), "limit {limit}");
            let expected: std::collections::BTreeSet<u32> =
                (0..3_000_u32).map(|number| number.wrapping_mul(2_654_435_761) % 1_000).collect();
            assert_eq!(given, expected.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
