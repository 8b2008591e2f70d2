//! The payload of an age file: 64 KiB chunks, each sealed under the payload key and its own nonce.
//!
//! Holds the reader that seals plaintext and the one that opens a payload. Every chunk is authenticated before a
//! byte of it is given. May call the AEAD.
//!
//! Source: C2SP `age`, section "Payload": ChaCha20-Poly1305; the nonce is a counter of 11 bytes and a last byte that
//! is 1 for the last chunk; only the chunk of an empty file may be empty.

use super::{AgeError, AgeRecipient, Identities, header};
use crate::streams::read_full;
use age_core::format::FileKey;
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use std::io::{self, BufRead, BufReader, Read};

/// The chunk of an age payload, and the tag behind each.
const CHUNK_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;
/// The salt of the payload key, before the first chunk.
const SALT_BYTES: usize = 16;

/// The size of an age file with this header over this much plaintext.
const fn sealed_size(header_bytes: u64, plaintext_bytes: u64) -> u64 {
    let chunks = plaintext_bytes.div_ceil(CHUNK_BYTES as u64);
    let chunks = if chunks == 0 { 1 } else { chunks };
    header_bytes + SALT_BYTES as u64 + plaintext_bytes + chunks * TAG_BYTES as u64
}

/// The key of one payload; each chunk has its number.
struct PayloadKey(LessSafeKey);

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

    /// Seals a chunk in place; it grows by its tag.
    fn seal(&self, number: u64, is_last: bool, chunk: &mut Vec<u8>) -> io::Result<()> {
        self.0
            .seal_in_place_append_tag(Self::nonce(number, is_last), Aad::empty(), chunk)
            .map_err(|_| io::Error::other("a chunk could not be encrypted"))
    }

    /// Opens a chunk in place; it shrinks by its tag.
    fn open(&self, number: u64, is_last: bool, chunk: &mut Vec<u8>) -> io::Result<()> {
        let plain = self
            .0
            .open_in_place(Self::nonce(number, is_last), Aad::empty(), chunk)
            .map_err(|_| invalid("a chunk was changed, or the file was cut off"))?
            .len();
        if plain == 0 && number > 0 {
            return Err(invalid("the last chunk is empty"));
        }
        chunk.truncate(plain);
        Ok(())
    }
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Reads a source chunk by chunk and knows which is the last.
struct Chunks<R> {
    source: R,
    ahead: Vec<u8>,
    size: usize,
    number: u64,
    ended: bool,
}

impl<R: Read> Chunks<R> {
    const fn new(source: R, size: usize) -> Self {
        Self { source, ahead: Vec::new(), size, number: 0, ended: false }
    }

    /// Fills `chunk` with the next one; its number, and whether it is the last.
    fn next(&mut self, chunk: &mut Vec<u8>) -> io::Result<Option<(u64, bool)>> {
        if self.ended {
            return Ok(None);
        }
        if self.number == 0 {
            self.fill()?;
        }
        std::mem::swap(chunk, &mut self.ahead);
        self.ended = chunk.len() < self.size;
        if !self.ended {
            self.fill()?;
            self.ended = self.ahead.is_empty();
        }
        let number = self.number;
        self.number += 1;
        Ok(Some((number, self.ended)))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.ahead.resize(self.size, 0);
        let filled = read_full(&mut self.source, &mut self.ahead)?;
        self.ahead.truncate(filled);
        Ok(())
    }
}

/// Gives the bytes of `chunk` from `given` on.
fn take(chunk: &[u8], given: &mut usize, buffer: &mut [u8]) -> usize {
    let rest = chunk.get(*given..).unwrap_or_default();
    let count = rest.len().min(buffer.len());
    buffer[..count].copy_from_slice(&rest[..count]);
    *given += count;
    count
}

/// Reads plaintext and gives it as an age file.
pub(crate) struct Sealing<R> {
    chunks: Chunks<R>,
    key: PayloadKey,
    ready: Vec<u8>,
    given: usize,
    size: u64,
}

impl<R: Read> Sealing<R> {
    /// Encrypts `source`, which will give exactly `plaintext_bytes`, to all `recipients`.
    pub(crate) fn new(
        recipients: &[AgeRecipient],
        plaintext_bytes: u64,
        source: R,
    ) -> Result<Self, AgeError> {
        let file_key = header::new_file_key()?;
        let mut ready = header::write(recipients, &file_key)?;
        let size = sealed_size(ready.len() as u64, plaintext_bytes);
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| AgeError::Encrypt("no random numbers".to_owned()))?;
        let key = PayloadKey::of(&file_key, &salt)?;
        ready.extend_from_slice(&salt);
        Ok(Self { chunks: Chunks::new(source, CHUNK_BYTES), key, ready, given: 0, size })
    }

    /// The size the age file will have.
    pub(crate) const fn size_bytes(&self) -> u64 {
        self.size
    }

    /// Gives the source back.
    pub(crate) fn into_source(self) -> R {
        self.chunks.source
    }
}

impl<R: Read> Read for Sealing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            let Some((number, is_last)) = self.chunks.next(&mut self.ready)? else {
                return Ok(0);
            };
            self.key.seal(number, is_last, &mut self.ready)?;
            self.given = 0;
        }
        Ok(take(&self.ready, &mut self.given, buffer))
    }
}

/// The plaintext of an age file.
pub(crate) struct Opening<R> {
    chunks: Chunks<R>,
    key: PayloadKey,
    ready: Vec<u8>,
    given: usize,
}

/// Reads the header of an age file and gives its plaintext.
///
/// Every 64 KiB are authenticated before they are given. The caller hands in the reader by
/// reference if it wants to go on with it afterwards.
pub(crate) fn open<R: Read>(reader: R, identities: &Identities) -> Result<Opening<BufReader<R>>, AgeError> {
    open_buffered(BufReader::with_capacity(2 * CHUNK_BYTES, reader), identities)
}

fn open_buffered<R: BufRead>(mut reader: R, identities: &Identities) -> Result<Opening<R>, AgeError> {
    let file_key = header::read(&mut reader, identities)?;
    let mut salt = [0; SALT_BYTES];
    reader.read_exact(&mut salt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => AgeError::Header("it is cut off before the payload".to_owned()),
        _ => AgeError::Io(error),
    })?;
    let key = PayloadKey::of(&file_key, &salt)?;
    Ok(Opening { chunks: Chunks::new(reader, CHUNK_BYTES + TAG_BYTES), key, ready: Vec::new(), given: 0 })
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            let Some((number, is_last)) = self.chunks.next(&mut self.ready)? else {
                return Ok(0);
            };
            self.given = 0;
            if let Err(error) = self.key.open(number, is_last, &mut self.ready) {
                // What is not authentic is never given, not even to a caller who reads on.
                self.ready.clear();
                self.chunks.ended = true;
                return Err(error);
            }
        }
        Ok(take(&self.ready, &mut self.given, buffer))
    }
}
