//! A digest computed beside the reading, by another thread.
//!
//! Holds a reader that hands a copy of what it gives to a thread of its own. Deriving needs two digests of nearly the
//! same bytes, and hashing is its most expensive part. May start one thread. Memory is constant: a few buffers go
//! back and forth.

use rogatory_core::Digest;
use sha2::Digest as _;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How many buffers may wait to be hashed.
const BUFFERS: usize = 4;

/// Passes bytes through while a thread hashes them.
pub(super) struct HashedAside<R> {
    inner: R,
    full: SyncSender<Vec<u8>>,
    used: Receiver<Vec<u8>>,
    thread: JoinHandle<Digest>,
}

impl<R: Read> HashedAside<R> {
    pub(super) fn new(inner: R) -> Self {
        let (full, to_hash) = sync_channel::<Vec<u8>>(BUFFERS);
        let (give_back, used) = sync_channel(BUFFERS + 2);
        let thread = std::thread::spawn(move || {
            let mut hasher = sha2::Sha256::new();
            for bytes in to_hash {
                hasher.update(&bytes);
                // Whoever reads no more wants no buffer back.
                let _ = give_back.try_send(bytes);
            }
            Digest::from_bytes(hasher.finalize().into())
        });
        Self { inner, full, used, thread }
    }

    /// Reads what is left, then tells the digest of all bytes.
    pub(super) fn finish(mut self) -> io::Result<Digest> {
        io::copy(&mut self, &mut io::sink())?;
        let Self { full, thread, .. } = self;
        drop(full);
        thread.join().map_err(|_| io::Error::other("the thread that hashes it stopped"))
    }
}

impl<R: Read> Read for HashedAside<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) {
            let mut copy = self.used.try_recv().unwrap_or_default();
            copy.clear();
            copy.extend_from_slice(bytes);
            let stopped = || io::Error::other("the thread that hashes it stopped");
            self.full.send(copy).map_err(|_| stopped())?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_all_bytes_however_they_are_read() {
        for length in [0, 1, 70_000, 1_000_000] {
            let bytes: Vec<u8> = (0..length).map(|at: u32| u8::try_from(at % 251).unwrap_or(0)).collect();
            for step in [7_777, 200_000] {
                let mut reader = HashedAside::new(bytes.as_slice());
                let mut some = vec![0; step];
                let count = reader.read(&mut some).expect("reads");
                assert_eq!(some[..count], bytes[..count]);
                assert_eq!(reader.finish().expect("a digest"), Digest::of(&bytes));
            }
        }
    }
}
