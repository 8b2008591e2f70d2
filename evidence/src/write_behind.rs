//! A file that becomes durable while it is written.
//!
//! Holds the writer and the thread that syncs behind it, so that the sync at the end has little left to do, and a long
//! file takes no memory of the system's. May write and sync the file it was given. Only [`WriteBehind::finish`] says that everything is durable; a sync that failed
//! on the way is told there, since the system tells it once.

use crate::passing::let_go;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// How much is written between two syncs.
const SYNC_BYTES: u64 = 32 * 1024 * 1024;

/// Is told how many bytes, from the beginning of the file, are durable.
type Told = Arc<dyn Fn(u64) + Send + Sync>;

/// Writes a file and syncs behind.
pub(crate) struct WriteBehind {
    file: File,
    unsynced: u64,
    written: Arc<AtomicU64>,
    told: Option<Told>,
    syncing: Option<Syncing>,
}

/// The thread, and how it is told to sync once more; without the sender it ends.
struct Syncing {
    again: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl Syncing {
    fn start(of: &WriteBehind) -> io::Result<Self> {
        let file = of.file.try_clone()?;
        let (written, who) = (Arc::clone(&of.written), of.told.clone());
        let (again, told) = sync_channel(1);
        let work = move || {
            let mut before = 0;
            while told.recv().is_ok() {
                // What is written from here on may be covered or not.
                let bytes = written.load(Ordering::Acquire);
                file.sync_data()?;
                if let Some(who) = &who {
                    who(bytes);
                }
                // Who reads behind finds the last part still in memory.
                let_go(&file, 0, before);
                before = bytes;
            }
            Ok(())
        };
        let thread = thread::Builder::new().name("rogatory-sync".to_owned()).spawn(work)?;
        Ok(Self { again, thread })
    }

    fn end(self) -> io::Result<()> {
        drop(self.again);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that syncs broke off")))
    }
}

impl WriteBehind {
    pub(crate) fn new(file: File) -> Self {
        Self { file, unsynced: 0, written: Arc::new(AtomicU64::new(0)), told: None, syncing: None }
    }

    /// The same, telling how much is durable, of a file that is written from its beginning to its end.
    pub(crate) fn telling(mut self, told: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// Makes durable what is not yet.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let is_long = self.syncing.is_some();
        self.syncing.take().map_or(Ok(()), Syncing::end)?;
        self.file.sync_data()?;
        if is_long && self.told.is_none() {
            let_go(&self.file, 0, self.written.load(Ordering::Acquire));
        }
        if let Some(told) = &self.told {
            told(self.written.load(Ordering::Acquire));
        }
        Ok(())
    }
}

impl Write for WriteBehind {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.unsynced += count as u64;
        self.written.fetch_add(count as u64, Ordering::Release);
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            if self.syncing.is_none() {
                self.syncing = Some(Syncing::start(self)?);
            }
            if let Some(syncing) = &self.syncing {
                // One that waits already covers this too; one that failed is told at the end.
                let _ = syncing.again.try_send(());
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for WriteBehind {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for WriteBehind {
    fn drop(&mut self) {
        if let Some(syncing) = self.syncing.take() {
            // What was not finished is removed anyway.
            let _ = syncing.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_longer_than_several_syncs_is_written_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        let durable = Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = Arc::clone(&durable);
        let mut writer = WriteBehind::new(File::create_new(&path).expect("made"))
            .telling(move |bytes| told.lock().expect("free").push(bytes));
        let part = vec![7; 5 * 1024 * 1024];
        for _ in 0..20 {
            writer.write_all(&part).expect("written");
        }
        assert!(writer.syncing.is_some(), "no thread syncs behind");
        writer.finish().expect("durable");
        assert_eq!(std::fs::metadata(&path).expect("there").len(), 20 * part.len() as u64);
        let durable = durable.lock().expect("free");
        assert_eq!(durable.last(), Some(&(20 * part.len() as u64)));
        assert!(durable.len() > 1 && durable.is_sorted(), "{durable:?}");
    }
}
