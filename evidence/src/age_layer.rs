//! Encryption to recipients: each exhibit and the index is one age file.
//!
//! Holds recipients, identities, and the two readers through which plaintext becomes an age file
//! and back. May call the age library. The payload is the library's for now; both readers hide
//! that, so that a parallel one can stand in its place. Never prints a secret key.

use crate::transmittal::MAX_RECIPIENTS;
use age::stream::{StreamReader, StreamWriter};
use rogatory_core::Digest;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Write};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

/// The longest age header that is read.
const MAX_HEADER_BYTES: u64 = 64 * 1024;
/// The most lines an age header may have.
const MAX_HEADER_LINES: usize = 1_000;
/// The largest identity file that is read.
const MAX_IDENTITY_FILE_BYTES: usize = 64 * 1024;
/// The chunk of an age payload, and the tag behind each.
const CHUNK_BYTES: u64 = 64 * 1024;
const TAG_BYTES: u64 = 16;

/// Encryption or decryption failed.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    /// Not an age recipient of the X25519 kind.
    #[error("`{0}` is not an age recipient of the X25519 kind (`age1…`, as `age-keygen -y` prints)")]
    Recipient(String),
    /// An identity file without identity, or with something else in it.
    #[error(
        "line {line} of the identity file is no age identity (`AGE-SECRET-KEY-1…`, as `age-keygen` writes)"
    )]
    Identity {
        /// The line, from 1.
        line: usize,
    },
    /// No identity in the file.
    #[error("the identity file holds no age identity")]
    NoIdentity,
    /// No recipient, or too many.
    #[error("1 to {MAX_RECIPIENTS} recipients are needed")]
    RecipientCount,
    /// The file can't be encrypted.
    #[error("the age file cannot be made: {0}")]
    Encrypt(String),
    /// The header breaks the format.
    #[error("the age header cannot be read: {0}")]
    Header(String),
    /// None of the identities is a recipient of the file.
    #[error("none of the identities given is a recipient of it")]
    NotARecipient,
    /// Reading failed.
    #[error("the age file cannot be read")]
    Io(#[source] io::Error),
}

/// Somebody's public key for encryption; canonical text `age1…`.
#[derive(Clone, PartialEq, Eq)]
pub struct AgeRecipient {
    text: String,
    key: age::x25519::Recipient,
}

impl AgeRecipient {
    /// The recipient as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl FromStr for AgeRecipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let key: age::x25519::Recipient =
            text.trim().parse().map_err(|_| AgeError::Recipient(text.chars().take(80).collect()))?;
        Ok(Self { text: key.to_string(), key })
    }
}

impl fmt::Display for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for AgeRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Secret keys for decryption. Has no `Debug`.
#[derive(Clone, Default)]
pub struct Identities(Vec<age::x25519::Identity>);

impl Identities {
    /// No identity: contents can't be checked.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the text of identity files as `age-keygen` writes them.
    ///
    /// # Errors
    /// [`AgeError::Identity`] names the line that is neither comment nor identity.
    pub fn parse(files: &[&str]) -> Result<Self, AgeError> {
        let mut identities = Vec::new();
        for text in files {
            if text.len() > MAX_IDENTITY_FILE_BYTES {
                return Err(AgeError::NoIdentity);
            }
            let before = identities.len();
            for (index, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                identities.push(line.parse().map_err(|_| AgeError::Identity { line: index + 1 })?);
            }
            if identities.len() == before {
                return Err(AgeError::NoIdentity);
            }
        }
        Ok(Self(identities))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The recipients these identities stand behind.
    #[must_use]
    pub fn recipients(&self) -> Vec<AgeRecipient> {
        self.0
            .iter()
            .map(|identity| {
                let key = identity.to_public();
                AgeRecipient { text: key.to_string(), key }
            })
            .collect()
    }
}

/// Makes a new identity; the text of the file and the recipient.
#[must_use]
pub fn generate_identity() -> (zeroize::Zeroizing<String>, AgeRecipient) {
    use age::secrecy::ExposeSecret as _;
    let identity = age::x25519::Identity::generate();
    let key = identity.to_public();
    let text = key.to_string();
    let file = format!("# public key: {text}\n{}\n", identity.to_string().expose_secret());
    (zeroize::Zeroizing::new(file), AgeRecipient { text, key })
}

/// The size of an age file with this header over this much plaintext.
const fn sealed_size(header_bytes: u64, plaintext_bytes: u64) -> u64 {
    let chunks = plaintext_bytes.div_ceil(CHUNK_BYTES);
    let chunks = if chunks == 0 { 1 } else { chunks };
    header_bytes + plaintext_bytes + chunks * TAG_BYTES
}

/// Where the age writer leaves its bytes until they are read.
#[derive(Clone, Default)]
struct Outlet(Arc<Mutex<VecDeque<u8>>>);

impl Outlet {
    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<u8>) -> T) -> T {
        // A poisoned lock only means that another thread died; the bytes are still whole.
        act(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|ready| ready.extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads plaintext and gives it as an age file.
pub(crate) struct Sealing<R> {
    source: R,
    writer: Option<StreamWriter<Outlet>>,
    ready: Outlet,
    buffer: Vec<u8>,
    size: u64,
}

impl<R: Read> Sealing<R> {
    /// Encrypts `source`, which will give exactly `plaintext_bytes`, to all `recipients`.
    pub(crate) fn new(
        recipients: &[AgeRecipient],
        plaintext_bytes: u64,
        source: R,
    ) -> Result<Self, AgeError> {
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(AgeError::RecipientCount);
        }
        let keys = recipients.iter().map(|recipient| &recipient.key as &dyn age::Recipient);
        let encryptor =
            age::Encryptor::with_recipients(keys).map_err(|error| AgeError::Encrypt(error.to_string()))?;
        let ready = Outlet::default();
        let writer = encryptor.wrap_output(ready.clone()).map_err(AgeError::Io)?;
        // The library adds a stanza of random length, so the header's size is known only now.
        let header = ready.with(|ready| ready.len() as u64);
        Ok(Self {
            source,
            writer: Some(writer),
            ready,
            buffer: vec![0; usize::try_from(CHUNK_BYTES).unwrap_or(65_536)],
            size: sealed_size(header, plaintext_bytes),
        })
    }

    /// The size the age file will have.
    pub(crate) const fn size_bytes(&self) -> u64 {
        self.size
    }

    /// Gives the source back.
    pub(crate) fn into_source(self) -> R {
        self.source
    }
}

impl<R: Read> Read for Sealing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.ready.with(|ready| ready.read(buffer))?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(writer) = &mut self.writer else {
                return Ok(0);
            };
            match self.source.read(&mut self.buffer) {
                Ok(0) => {
                    if let Some(writer) = self.writer.take() {
                        writer.finish()?;
                    }
                }
                Ok(read) => writer.write_all(self.buffer.get(..read).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The plaintext of an age file.
pub(crate) type Opening<R> = StreamReader<Chain<Cursor<Vec<u8>>, BufReader<R>>>;

/// Reads the header of an age file and gives its plaintext.
///
/// Every 64 KiB are authenticated before they are given. The caller hands in the reader by
/// reference if it wants to go on with it afterwards.
pub(crate) fn open<R: Read>(reader: R, identities: &Identities) -> Result<Opening<R>, AgeError> {
    let mut reader = BufReader::with_capacity(128 * 1024, reader);
    let header = read_header(&mut reader)?;
    let decryptor = age::Decryptor::new_buffered(Cursor::new(header).chain(reader))
        .map_err(|error| AgeError::Header(error.to_string()))?;
    let keys = identities.0.iter().map(|identity| identity as &dyn age::Identity);
    decryptor.decrypt(keys).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => AgeError::NotARecipient,
        other => AgeError::Header(other.to_string()),
    })
}

/// Takes the header's lines up to its MAC, within limits that keep the library's parser fast.
fn read_header(reader: &mut impl BufRead) -> Result<Vec<u8>, AgeError> {
    let mut header = Vec::new();
    for _ in 0..MAX_HEADER_LINES {
        let start = header.len();
        let left = MAX_HEADER_BYTES.saturating_sub(start as u64);
        reader.take(left).read_until(b'\n', &mut header).map_err(AgeError::Io)?;
        let line = header.get(start..).unwrap_or_default();
        if start == 0 && line != b"age-encryption.org/v1\n" {
            return Err(AgeError::Header("it is not an age file of version 1".to_owned()));
        }
        if !line.ends_with(b"\n") {
            return Err(AgeError::Header("it is cut off or too long".to_owned()));
        }
        if line.starts_with(b"---") {
            return Ok(header);
        }
    }
    Err(AgeError::Header("it has too many lines".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(length: usize) {
        let plain: Vec<u8> = (0..length).map(|index| u8::try_from(index % 253).unwrap_or(0)).collect();
        let (file, recipient) = generate_identity();
        let identities = Identities::parse(&[&file]).expect("an identity");
        let mut sealing = Sealing::new(&[recipient], length as u64, plain.as_slice()).expect("seals");
        let size = sealing.size_bytes();
        let mut sealed = Vec::new();
        sealing.read_to_end(&mut sealed).expect("seals");
        assert_eq!(sealed.len() as u64, size);
        let mut opened = Vec::new();
        open(sealed.as_slice(), &identities).expect("opens").read_to_end(&mut opened).expect("opens");
        assert_eq!(opened, plain);
    }

    #[test]
    fn every_length_around_a_chunk_comes_back() {
        for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 300_000] {
            round_trip(length);
        }
    }

    #[test]
    fn somebody_else_cannot_open() {
        let (_, recipient) = generate_identity();
        let (other, _) = generate_identity();
        let other = Identities::parse(&[&other]).expect("an identity");
        let mut sealed = Vec::new();
        Sealing::new(&[recipient], 3, &b"abc"[..]).expect("seals").read_to_end(&mut sealed).expect("seals");
        assert!(matches!(open(sealed.as_slice(), &other), Err(AgeError::NotARecipient)));
    }

    #[test]
    fn headers_without_end_are_refused() {
        let endless = "age-encryption.org/v1\n-> a\n\n".to_owned() + &"-> a\n\n".repeat(100_000);
        let (file, _) = generate_identity();
        let identities = Identities::parse(&[&file]).expect("an identity");
        assert!(matches!(open(endless.as_bytes(), &identities), Err(AgeError::Header(_))));
        assert!(matches!(open(&b"hello"[..], &identities), Err(AgeError::Header(_))));
    }

    #[test]
    fn an_identity_file_with_other_lines_is_refused() {
        assert!(matches!(Identities::parse(&["# only a comment\n"]), Err(AgeError::NoIdentity)));
        assert!(matches!(Identities::parse(&["# c\nhello\n"]), Err(AgeError::Identity { line: 2 })));
    }
}
