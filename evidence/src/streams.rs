//! Small stream parts: readers that hash, count and report on the way.
//!
//! Holds the adapters every other module builds its byte path from, and the progress trait. May
//! call the standard library and SHA-256. Never buffers a whole object.

use rogatory_core::Digest;
use sha2::Digest as _;
use std::io::{self, BufRead, Read, SeekFrom, Write};

/// The size of the buffer that every copy uses; small enough to stay in the processor's cache.
pub(crate) const BUFFER_BYTES: usize = 128 * 1024;

/// Is told how far a long act has come, by one thread after the other. All of it may be ignored.
pub trait Progress: Send {
    /// A step begins; `total_bytes` is what it will move, if that is known.
    fn begin(&mut self, step: Step, total_bytes: Option<u64>);
    /// `bytes` more have been moved.
    fn advance(&mut self, bytes: u64);
    /// What follows belongs to this object: an exhibit's number, or an object's name in the package; never a real name.
    fn object(&mut self, _name: &str) {}
}

/// What is being done at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Reads, encrypts and writes exhibits.
    Sealing,
    /// Reads and hashes objects.
    Verifying,
    /// Decrypts and writes exhibits.
    Opening,
    /// Copies the objects into a container file.
    Writing,
    /// Waits until the disk has everything.
    Syncing,
}

/// Ignores all progress.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&mut self, _: Step, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {}
}

/// Where a stream of `length` bytes that stands at `position` is to stand; beyond its end, too.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for a position before the start.
pub(crate) fn position_of(to: SeekFrom, position: u64, length: u64) -> io::Result<u64> {
    let target = match to {
        SeekFrom::Start(position) => Some(position),
        SeekFrom::Current(offset) => position.checked_add_signed(offset),
        SeekFrom::End(offset) => length.checked_add_signed(offset),
    };
    target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a position before the start"))
}

/// Passes bytes through and computes their SHA-256 and their number.
pub(crate) struct Hashing<R> {
    inner: R,
    hasher: sha2::Sha256,
    count: u64,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), count: 0 }
    }

    /// The digest and the number of the bytes read so far.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (Digest::from_bytes(self.hasher.finalize().into()), self.count)
    }

    /// Reads what is left, then tells the digest and the number of all bytes.
    pub(crate) fn finish_after_the_rest(mut self) -> io::Result<(Digest, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.finish())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(read) = buffer.get(..count) {
            self.hasher.update(read);
        }
        self.count += count as u64;
        Ok(count)
    }
}

/// Passes bytes through and reports them.
pub(crate) struct Reporting<'a, R> {
    pub(crate) inner: R,
    pub(crate) progress: &'a mut dyn Progress,
}

impl<R: Read> Read for Reporting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}

/// Passes written bytes on and computes their SHA-256.
pub(crate) struct HashingWriter<W> {
    inner: W,
    hasher: sha2::Sha256,
    count: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hasher: sha2::Sha256::new(), count: 0 }
    }

    pub(crate) fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_bytes(self.hasher.finalize().into()), self.count)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        if let Some(written) = bytes.get(..count) {
            self.hasher.update(written);
        }
        self.count += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Copies all of `reader` through one reused buffer and tells how many bytes there were.
pub(crate) fn copy(reader: &mut dyn Read, writer: &mut dyn Write, buffer: &mut Vec<u8>) -> io::Result<u64> {
    buffer.resize(BUFFER_BYTES, 0);
    let mut total = 0;
    loop {
        let count = match reader.read(buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        writer.write_all(buffer.get(..count).unwrap_or_default())?;
        total += count as u64;
    }
}

/// Writes all that `reader` gives, from its own buffer.
pub(crate) fn copy_buffered(reader: &mut dyn BufRead, writer: &mut dyn Write) -> io::Result<()> {
    loop {
        let count = match reader.fill_buf() {
            Ok([]) => return Ok(()),
            Ok(bytes) => {
                writer.write_all(bytes)?;
                bytes.len()
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        reader.consume(count);
    }
}

/// Reads everything, at most `limit` bytes.
pub(crate) fn read_limited(reader: &mut dyn Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is longer than the {limit} bytes allowed"),
        ));
    }
    Ok(bytes)
}

/// Fills `buffer` as far as the input goes and tells how far that was.
pub(crate) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
