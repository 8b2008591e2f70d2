//! Room for an index while it is built or read.
//!
//! Holds bytes in memory up to a limit and beyond it in a temporary file, encrypted page by page
//! under a key that exists only in this process: an index holds real names, and those never
//! touch a disk in the clear. Written once from front to back, then read at will. May call the
//! file system and the AEAD; never leaves a file behind, even after a crash a file without key.

use crate::streams::position_of;
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const PAGE_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;
/// What stays in memory.
const MEMORY_BYTES: usize = 8 * 1024 * 1024;

/// Numbers the temporary files of this process.
static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Takes bytes from front to back.
pub(crate) struct Spool {
    folder: PathBuf,
    memory: Vec<u8>,
    disk: Option<Disk>,
    length: u64,
    limit: usize,
}

/// The encrypted file: page `n` lies at `n * (PAGE + TAG)`.
struct Disk {
    file: File,
    key: LessSafeKey,
    /// Removed at the end where an open file can't be unlinked.
    path: Option<PathBuf>,
    pages: u64,
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing is lost if this fails: without the key the file is noise.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn nonce(page: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&page.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the temporary file was changed by somebody else")
}

impl Disk {
    fn create(folder: &Path) -> io::Result<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        SystemRandom::new().fill(&mut *key).map_err(|_| io::Error::other("no random numbers"))?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key)
            .map_err(|_| io::Error::other("no key for the temporary file"))?;
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".rogatory-{}-{count}.tmp", std::process::id()));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&path) {
                Ok(file) => {
                    let left =
                        if cfg!(unix) { std::fs::remove_file(&path).err().map(|_| path) } else { Some(path) };
                    return Ok(Self { file, key: LessSafeKey::new(key), path: left, pages: 0 });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn append(&mut self, page: &mut Vec<u8>) -> io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.pages), Aad::empty(), page)
            .map_err(|_| io::Error::other("the temporary file could not be encrypted"))?;
        self.pages += 1;
        self.file.write_all(page)
    }

    fn load(&mut self, page: u64, into: &mut Vec<u8>) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(page * (PAGE_BYTES + TAG_BYTES) as u64))?;
        into.resize(PAGE_BYTES + TAG_BYTES, 0);
        let filled = crate::streams::read_full(&mut self.file, into)?;
        into.truncate(filled);
        let plain = self.key.open_in_place(nonce(page), Aad::empty(), into).map_err(|_| broken())?.len();
        into.truncate(plain);
        Ok(())
    }
}

impl Spool {
    /// A spool whose file, if one is needed, lies in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self::with_limit(folder, MEMORY_BYTES)
    }

    fn with_limit(folder: &Path, limit: usize) -> Self {
        Self { folder: folder.to_owned(), memory: Vec::new(), disk: None, length: 0, limit }
    }

    /// Ends writing.
    pub(crate) fn into_reader(mut self) -> io::Result<SpoolReader> {
        if let Some(disk) = &mut self.disk {
            if !self.memory.is_empty() {
                disk.append(&mut self.memory)?;
            }
            self.memory = Vec::new();
        }
        Ok(SpoolReader {
            page: std::mem::take(&mut self.memory),
            page_number: None,
            disk: self.disk.take(),
            length: self.length,
            position: 0,
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        if self.disk.is_none() && self.memory.len() + rest.len() > self.limit {
            let mut disk = Disk::create(&self.folder)?;
            let all = std::mem::take(&mut self.memory);
            let mut pages = all.chunks_exact(PAGE_BYTES);
            let mut page = Vec::with_capacity(PAGE_BYTES + TAG_BYTES);
            for full in &mut pages {
                page.clear();
                page.extend_from_slice(full);
                disk.append(&mut page)?;
            }
            self.memory = pages.remainder().to_vec();
            self.disk = Some(disk);
        }
        if let Some(disk) = &mut self.disk {
            while !rest.is_empty() {
                let (now, later) = rest.split_at(rest.len().min(PAGE_BYTES - self.memory.len()));
                self.memory.extend_from_slice(now);
                rest = later;
                if self.memory.len() == PAGE_BYTES {
                    disk.append(&mut self.memory)?;
                    self.memory.clear();
                }
            }
        } else {
            self.memory.extend_from_slice(rest);
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells the position, as the ZIP writer asks for it; a spool is written from front to back only.
impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) | SeekFrom::End(offset) => self.length.checked_add_signed(offset),
        };
        if target == Some(self.length) {
            Ok(self.length)
        } else {
            Err(io::Error::new(io::ErrorKind::Unsupported, "a spool is written from front to back"))
        }
    }
}

/// Reads a spool at will.
pub(crate) struct SpoolReader {
    /// Everything, if there is no file; else the page last read.
    page: Vec<u8>,
    page_number: Option<u64>,
    disk: Option<Disk>,
    length: u64,
    position: u64,
}

impl SpoolReader {
    /// How many bytes it holds.
    pub(crate) const fn len(&self) -> u64 {
        self.length
    }
}

impl BufRead for SpoolReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position >= self.length {
            return Ok(&[]);
        }
        let start = if let Some(disk) = &mut self.disk {
            let number = self.position / PAGE_BYTES as u64;
            if self.page_number != Some(number) {
                self.page_number = None;
                disk.load(number, &mut self.page)?;
                self.page_number = Some(number);
            }
            self.position % PAGE_BYTES as u64
        } else {
            self.position
        };
        let start = usize::try_from(start).map_err(|_| broken())?;
        self.page.get(start..).filter(|available| !available.is_empty()).ok_or_else(broken)
    }

    fn consume(&mut self, count: usize) {
        self.position += count as u64;
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Seek for SpoolReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = position_of(to, self.position, self.length)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|index| u8::try_from(index * 31 % 251).unwrap_or(0)).collect()
    }

    #[test]
    fn bytes_come_back_from_memory_and_from_disk() {
        let folder = tempfile::tempdir().expect("a folder");
        for (length, limit) in [(0, 10), (9, 10), (10, 10), (300_000, 100_000), (65_536 * 3, 1000)] {
            let bytes = pattern(length);
            let mut spool = Spool::with_limit(folder.path(), limit);
            for part in bytes.chunks(7_777) {
                spool.write_all(part).expect("writes");
            }
            let mut reader = spool.into_reader().expect("a reader");
            let mut back = Vec::new();
            reader.read_to_end(&mut back).expect("reads");
            assert_eq!(back, bytes);
            for at in [0, length / 2, length.saturating_sub(3)] {
                reader.seek(SeekFrom::Start(at as u64)).expect("seeks");
                back.clear();
                reader.read_to_end(&mut back).expect("reads");
                assert_eq!(back, bytes[at..]);
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 0);
    }
}
