//! The payload of an age file: 64 KiB chunks, each sealed under the payload key and its own nonce.
//!
//! Holds the key of a payload, the reader that seals plaintext and the one that opens a payload. Both work on
//! several threads, hash what they read and what they give, and give it without copying. Every chunk is authenticated
//! before a byte of it is given. May call the AEAD.
//!
//! Source: C2SP `age`, section "Payload": ChaCha20-Poly1305; the nonce is a counter of 11 bytes and a last byte that
//! is 1 for the last chunk; only the chunk of an empty file may be empty.

use super::line::{Hasher, Line, Sum, Way};
use super::{AgeError, AgeRecipient, Identities, header};
use crate::streams::read_full;
use age_core::format::FileKey;
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use std::io::{self, BufRead, BufReader, Read};

/// The chunk of an age payload.
pub(super) const CHUNK_BYTES: usize = 64 * 1024;
/// The same with the tag behind it.
pub(super) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
const TAG_BYTES: usize = 16;
/// The salt of the payload key, before the first chunk.
const SALT_BYTES: usize = 16;
/// What is read at once while the header is looked at.
const HEADER_BUFFER_BYTES: usize = 8 * 1024;

/// The size of an age file with this header over this much plaintext.
const fn sealed_size(header_bytes: u64, plaintext_bytes: u64) -> u64 {
    let chunks = plaintext_bytes.div_ceil(CHUNK_BYTES as u64);
    let chunks = if chunks == 0 { 1 } else { chunks };
    header_bytes + SALT_BYTES as u64 + plaintext_bytes + chunks * TAG_BYTES as u64
}

/// The key of one payload; each chunk has its number.
pub(super) struct PayloadKey(LessSafeKey);

impl PayloadKey {
    fn of(file_key: &FileKey, salt: &[u8; SALT_BYTES]) -> Result<Self, AgeError> {
        let key = zeroize::Zeroizing::new(header::derive(file_key, salt, b"payload")?);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key)
            .map_err(|_| AgeError::Encrypt("a key cannot be used".to_owned()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    fn nonce(number: u64, is_last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(is_last);
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals the first `length` bytes of `space` in place and writes the tag behind them; tells the new length.
    pub(super) fn seal(
        &self,
        number: u64,
        is_last: bool,
        space: &mut [u8],
        length: usize,
    ) -> io::Result<usize> {
        let failed = || io::Error::other("a chunk could not be encrypted");
        let (chunk, behind) = space.split_at_mut_checked(length).ok_or_else(failed)?;
        let tag_space = behind.get_mut(..TAG_BYTES).ok_or_else(failed)?;
        let nonce = Self::nonce(number, is_last);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::empty(), chunk).map_err(|_| failed())?;
        tag_space.copy_from_slice(tag.as_ref());
        Ok(length + TAG_BYTES)
    }

    /// Opens the first `length` bytes of `space` in place, tag and all; tells the new length.
    pub(super) fn open(
        &self,
        number: u64,
        is_last: bool,
        space: &mut [u8],
        length: usize,
    ) -> io::Result<usize> {
        let changed = || invalid("a chunk was changed, or the file was cut off");
        let chunk = space.get_mut(..length).ok_or_else(changed)?;
        let nonce = Self::nonce(number, is_last);
        let plain = self.0.open_in_place(nonce, Aad::empty(), chunk).map_err(|_| changed())?.len();
        if plain == 0 && number > 0 {
            return Err(invalid("the last chunk is empty"));
        }
        Ok(plain)
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// The digests of both sides of an age file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sums {
    pub(crate) plain: Sum,
    pub(crate) sealed: Sum,
}

/// Reads plaintext and gives it as an age file.
pub(crate) struct Sealing<R> {
    head: Vec<u8>,
    given: usize,
    line: Line<R>,
    size: u64,
}

impl<R: Read> Sealing<R> {
    /// Encrypts `source`, which will give exactly `plaintext_bytes`, to all `recipients`, on up to `threads` threads.
    pub(crate) fn new(
        recipients: &[AgeRecipient],
        plaintext_bytes: u64,
        source: R,
        threads: usize,
    ) -> Result<Self, AgeError> {
        let file_key = header::new_file_key()?;
        let mut head = header::write(recipients, &file_key)?;
        let size = sealed_size(head.len() as u64, plaintext_bytes);
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| AgeError::Encrypt("no random numbers".to_owned()))?;
        let key = PayloadKey::of(&file_key, &salt)?;
        head.extend_from_slice(&salt);
        let mut sealed = Hasher::default();
        sealed.update(&head);
        let line = Line::new(Way::Seal, key, source, (Hasher::default(), sealed), plaintext_bytes, threads);
        Ok(Self { head, given: 0, line, size })
    }

    /// The size the age file will have.
    pub(crate) const fn size_bytes(&self) -> u64 {
        self.size
    }

    /// The digests of what was read and given, once all of it was.
    pub(crate) fn finish(self) -> io::Result<Sums> {
        let (plain, sealed) = self.line.finish()?;
        Ok(Sums { plain, sealed })
    }
}

impl<R: Read> BufRead for Sealing<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.given < self.head.len() {
            return Ok(self.head.get(self.given..).unwrap_or_default());
        }
        self.line.fill()
    }

    fn consume(&mut self, count: usize) {
        if self.given < self.head.len() {
            self.given += count;
        } else {
            self.line.consume(count);
        }
    }
}

impl<R: Read> Read for Sealing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// The plaintext of an age file: every 64 KiB are authenticated before they are given.
pub(crate) struct Opening<R> {
    line: Line<BufReader<R>>,
}

impl<R: Read> Opening<R> {
    /// Reads the header of a file thought to be `expected_bytes` long; its chunks are opened on up to `threads` threads.
    ///
    /// # Errors
    /// [`Locked`] if the header cannot be read or names none of the identities.
    pub(crate) fn new(
        reader: R,
        identities: &Identities,
        expected_bytes: u64,
        threads: usize,
    ) -> Result<Self, Box<Locked<R>>> {
        let inner = BufReader::with_capacity(HEADER_BUFFER_BYTES, reader);
        let mut reader = Noting { inner, hasher: Hasher::default() };
        match unlock(&mut reader, identities) {
            Ok(key) => {
                let Noting { inner, hasher } = reader;
                let hashers = (hasher, Hasher::default());
                Ok(Self { line: Line::new(Way::Open, key, inner, hashers, expected_bytes, threads) })
            }
            Err(error) => Err(Box::new(Locked { error, reader })),
        }
    }

    /// The digests of both sides, after reading what was not asked for yet. After a chunk that is not authentic
    /// the plaintext's is that of what came before; the other is always that of the whole file.
    pub(crate) fn finish(mut self) -> io::Result<Sums> {
        while let Ok(count @ 1..) = self.line.fill().map(<[u8]>::len) {
            self.line.consume(count);
        }
        let (sealed, plain) = self.line.finish()?;
        Ok(Sums { plain, sealed })
    }
}

fn unlock(reader: &mut impl BufRead, identities: &Identities) -> Result<PayloadKey, AgeError> {
    let file_key = header::read(reader, identities)?;
    let mut salt = [0; SALT_BYTES];
    reader.read_exact(&mut salt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => AgeError::Header("it is cut off before the payload".to_owned()),
        _ => AgeError::Io(error),
    })?;
    PayloadKey::of(&file_key, &salt)
}

impl<R: Read> BufRead for Opening<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.line.fill()
    }

    fn consume(&mut self, count: usize) {
        self.line.consume(count);
    }
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// An age file that could not be opened, and why; it can still be hashed.
pub(crate) struct Locked<R> {
    error: AgeError,
    reader: Noting<R>,
}

impl<R: Read> Locked<R> {
    /// The digest of the whole file, after reading the rest of it.
    pub(crate) fn finish(mut self) -> io::Result<(AgeError, Sum)> {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let count = read_full(&mut self.reader.inner, &mut buffer)?;
            if count == 0 {
                return Ok((self.error, self.reader.hasher.sum()));
            }
            self.reader.hasher.update(buffer.get(..count).unwrap_or_default());
        }
    }
}

/// Hashes what is taken from it.
struct Noting<R> {
    inner: BufReader<R>,
    hasher: Hasher,
}

impl<R: Read> BufRead for Noting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.hasher.update(self.inner.buffer().get(..count).unwrap_or_default());
        self.inner.consume(count);
    }
}

impl<R: Read> Read for Noting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

fn read_buffered(reader: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let ready = reader.fill_buf()?;
    let count = ready.len().min(buffer.len());
    buffer[..count].copy_from_slice(&ready[..count]);
    reader.consume(count);
    Ok(count)
}
