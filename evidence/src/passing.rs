//! Large files on their way through: what passes once need not stay in the memory in which the system keeps files.
//!
//! Evidence is read and written once, from end to end, and may be larger than the machine's memory. Kept there as usual, it
//! drives out what others need (a server's database), and asks the system for ever more fresh memory, which can cost more
//! than the disk itself. So what was written is let go once it is durable; and a large file that does not lie in memory is read
//! ahead on a thread of its own, by calls that leave nothing behind where the system has such calls:
//!
//! ```text
//! thread   read a block ── read a block ── …      three blocks at most are under way
//! reader          └ copied from ┘ └ …
//! ```
//!
//! One that lies in memory is read as usual: there it is nearest. Never changes what is read or written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Smaller files are read as usual: they are soon wanted again, and take little.
const LARGE_BYTES: u64 = 32 * 1024 * 1024;
const BLOCK_BYTES: usize = 1024 * 1024;
const BLOCKS: usize = 3;

/// A file that is read once. It has its own place in the file, whoever else has a handle.
pub struct PassingFile {
    file: Arc<File>,
    position: u64,
    size_bytes: u64,
    way: Way,
}

/// How it is read; known when more than a block of it was.
enum Way {
    /// Who looks at its beginning alone needs no thread.
    Undecided {
        read: usize,
    },
    AsUsual,
    Ahead(Ahead),
}

impl PassingFile {
    /// The file from its beginning.
    #[must_use]
    pub fn new(file: File) -> Self {
        let size_bytes = file.metadata().map_or(0, |metadata| metadata.len());
        Self::sized(file, size_bytes)
    }

    /// The same, of a file whose size is known.
    pub(crate) fn sized(file: File, size_bytes: u64) -> Self {
        Self::part(file, 0, size_bytes)
    }

    /// A part of the file, of which nothing was read yet, instead of the whole.
    pub(crate) fn part(file: File, offset: u64, bytes: u64) -> Self {
        Self {
            file: Arc::new(file),
            position: offset,
            size_bytes: offset.saturating_add(bytes),
            way: Way::Undecided { read: 0 },
        }
    }

    /// The file itself.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    fn decide(&self) -> Way {
        let left = self.size_bytes.saturating_sub(self.position);
        if left < LARGE_BYTES || is_in_memory(&self.file, self.position, left) {
            return Way::AsUsual;
        }
        // Without a thread it is read as usual.
        Ahead::start(Arc::clone(&self.file), self.position, self.size_bytes).map_or(Way::AsUsual, Way::Ahead)
    }
}

impl Read for PassingFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if matches!(self.way, Way::Undecided { read } if read >= BLOCK_BYTES) {
            self.way = self.decide();
        }
        let count = match &mut self.way {
            Way::Ahead(ahead) => ahead.read(buffer)?,
            Way::AsUsual | Way::Undecided { .. } => read_at(&self.file, buffer, self.position)?,
        };
        if let Way::Undecided { read } = &mut self.way {
            *read += count;
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for PassingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::Current(by) => {
                self.position.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?
            }
            SeekFrom::End(by) => {
                let end = self.file.metadata()?.len();
                end.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?
            }
        };
        // Who goes to and fro gains nothing from what is read ahead.
        if !matches!(self.way, Way::Undecided { .. }) {
            self.way = Way::AsUsual;
        }
        Ok(self.position)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    file.seek(SeekFrom::Start(position))?;
    file.read(buffer)
}

/// The thread that reads ahead, and the block at hand.
struct Ahead {
    blocks: Receiver<io::Result<Block>>,
    used: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
    present: Block,
    /// The empty block has come.
    is_at_end: bool,
}

#[derive(Default)]
struct Block {
    buffer: Vec<u8>,
    filled: usize,
    /// How much of it was taken.
    read: usize,
}

impl Ahead {
    /// Reads from a position on, not beyond `to`.
    fn start(file: Arc<File>, from: u64, to: u64) -> io::Result<Self> {
        // Nobody waits to give a block back.
        let (used, free) = sync_channel::<Vec<u8>>(BLOCKS);
        let (ready, blocks) = sync_channel(BLOCKS);
        for _ in 0..BLOCKS {
            let _ = used.try_send(vec![0; BLOCK_BYTES]);
        }
        let work = move || {
            let mut position = from;
            for mut buffer in free {
                let left = usize::try_from(to.saturating_sub(position)).unwrap_or(usize::MAX);
                let space = left.min(buffer.len());
                let read = loop {
                    match read_passing(&file, buffer.get_mut(..space).unwrap_or_default(), position) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        other => break other,
                    }
                };
                // An empty block is the end.
                let ends = !matches!(read, Ok(count) if count > 0);
                position += *read.as_ref().unwrap_or(&0) as u64;
                if ready.send(read.map(|filled| Block { buffer, filled, read: 0 })).is_err() || ends {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("rogatory-read".to_owned()).spawn(work)?;
        Ok(Self {
            blocks,
            used: Some(used),
            thread: Some(thread),
            present: Block::default(),
            is_at_end: false,
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.present.read == self.present.filled {
            let block = std::mem::take(&mut self.present);
            if let Some(used) = self.used.as_ref().filter(|_| !block.buffer.is_empty()) {
                // The thread has ended: nothing is needed any more.
                let _ = used.try_send(block.buffer);
            }
            if self.is_at_end {
                return Ok(0);
            }
            // The thread ends after the end of the file and after an error, which is no end: it is told each time.
            let next = self.blocks.recv();
            self.present = next.map_err(|_| io::Error::other("reading it failed before"))??;
            self.is_at_end = self.present.filled == 0;
        }
        let Block { buffer: block, filled, read } = &mut self.present;
        let left = block.get(*read..*filled).unwrap_or_default();
        let count = left.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        *read += count;
        Ok(count)
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.used = None;
        // A thread that waits to hand a block over is told by this that nobody takes it.
        self.blocks = sync_channel(0).1;
        if let Some(thread) = self.thread.take() {
            // It read a file and nothing else.
            let _ = thread.join();
        }
    }
}

/// Reads, leaving nothing in memory that was not there.
#[cfg(target_os = "linux")]
fn read_passing(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    /// `RWF_DONTCACHE` of Linux 6.14.
    const LEAVE_NOTHING: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80);
    match preadv2(file, &mut [io::IoSliceMut::new(buffer)], position, LEAVE_NOTHING) {
        // An older kernel, or a file system that cannot.
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {
            let count = read_at(file, buffer, position)?;
            let_go(file, position, count as u64);
            Ok(count)
        }
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn read_passing(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    read_at(file, buffer, position)
}

/// Whether most of a part of a file lies in memory, by a look at some places; unknown counts as yes.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &File, from: u64, bytes: u64) -> bool {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    use std::hash::{BuildHasher as _, RandomState};
    const LOOKS: u64 = 16;
    let part = (bytes / LOOKS).max(1);
    // Elsewhere each time: a look brings the place into memory.
    let random = RandomState::new();
    let there = (0..LOOKS).filter(|look| {
        let position = from + part * look + random.hash_one(look) % part;
        let mut byte = [0];
        let read = preadv2(file, &mut [io::IoSliceMut::new(&mut byte)], position, ReadWriteFlags::NOWAIT);
        !matches!(read, Err(Errno::AGAIN))
    });
    there.count() as u64 > LOOKS / 2
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &File, _: u64, _: u64) -> bool {
    true
}

/// Lets go of a part of a file, as far as it is durable. A wish: what fails costs memory, nothing else.
pub(crate) fn let_go(file: &File, offset: u64, bytes: u64) {
    #[cfg(target_os = "linux")]
    if let Some(bytes) = std::num::NonZeroU64::new(bytes) {
        let _ = rustix::fs::fadvise(file, offset, Some(bytes), rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const SIZE: u64 = 80 << 20;

    fn content() -> Vec<u8> {
        (0..SIZE).map(|at| (at % 251) as u8).collect()
    }

    /// A file on a disk: one in memory has nowhere else to be.
    fn file_of(content: &[u8]) -> File {
        let mut file = tempfile::tempfile_in(env!("CARGO_MANIFEST_DIR")).expect("a file");
        file.write_all(content).expect("written");
        file.sync_data().expect("durable");
        file
    }

    fn passing(file: &File) -> PassingFile {
        PassingFile::new(file.try_clone().expect("a handle"))
    }

    fn read_from(passing: &mut PassingFile, offset: u64) -> Vec<u8> {
        passing.seek(SeekFrom::Start(offset)).expect("seekable");
        let mut read = Vec::new();
        passing.read_to_end(&mut read).expect("readable");
        read
    }

    #[test]
    fn a_large_file_reads_as_any_other_from_anywhere_to_its_end() {
        let content = content();
        let file = file_of(&content);
        for offset in [0, 1, 5_000_001, SIZE - 100, SIZE, SIZE + 1] {
            let_go(&file, 0, SIZE);
            let mut passing = passing(&file);
            // As a part of it.
            let mut part = PassingFile::part(file.try_clone().expect("a handle"), 4097, SIZE / 2);
            let mut read = Vec::new();
            part.read_to_end(&mut read).expect("readable");
            assert!(read.len() as u64 == SIZE / 2 && content[4097..].starts_with(&read));
            let expected = content.get(offset as usize..).unwrap_or_default();
            assert!(read_from(&mut passing, offset) == expected, "other bytes from {offset} on");
            assert_eq!(passing.read(&mut [0; 10]).expect("the end"), 0);
            // And back again.
            assert!(read_from(&mut passing, SIZE / 2) == content[SIZE as usize / 2..]);
        }
    }

    #[test]
    fn who_stops_reading_leaves_no_thread_behind() {
        let file = file_of(&content());
        let_go(&file, 0, SIZE);
        let mut passing = passing(&file);
        passing.read_exact(&mut [0; 3]).expect("readable");
        assert!(matches!(passing.way, Way::Undecided { .. }), "its beginning alone needs no thread");
        passing.read_exact(&mut vec![0; BLOCK_BYTES]).expect("readable");
        passing.read_exact(&mut [0; 3]).expect("readable");
        #[cfg(target_os = "linux")]
        assert!(matches!(passing.way, Way::Ahead(_)), "it is read ahead");
        // Joins the thread, which may be waiting in either direction.
        drop(passing);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_in_memory_stays_and_what_was_not_is_not_left_there() {
        let file = file_of(&content());
        assert!(is_in_memory(&file, 0, SIZE), "it was written a moment ago");
        read_from(&mut passing(&file), 0);
        assert!(is_in_memory(&file, 0, SIZE), "it was wanted there");
        let_go(&file, 0, SIZE);
        assert!(!is_in_memory(&file, 0, SIZE), "it was let go");
        read_from(&mut passing(&file), 0);
        assert!(!is_in_memory(&file, 0, SIZE), "nobody wanted it there");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::open(folder.path()).expect("opens");
        let mut ahead = Ahead::start(Arc::new(file), 0, SIZE).expect("a thread");
        for _ in 0..3 {
            assert!(ahead.read(&mut [0; 10]).is_err(), "a folder has no bytes, and an error is no end");
        }
    }
}
