//! The header of an age file: the file key, wrapped for every recipient, under a MAC.
//!
//! Writes headers itself, so that another header can be written over the same payload; reads them with the age
//! library, within limits that keep its parser fast. Whoever has the file key can read the payload: it never leaves
//! this module's callers and has no `Debug`.
//!
//! Source: C2SP `age`, sections "Header" and "File key".

use super::{AgeError, AgeRecipient, Identities};
use crate::transmittal::MAX_RECIPIENTS;
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64_NOPAD;
use std::cell::RefCell;
use std::io::{BufRead, Cursor, Read as _};

const VERSION_LINE: &[u8] = b"age-encryption.org/v1\n";
/// The longest age header that is read.
const MAX_HEADER_BYTES: u64 = 64 * 1024;
/// The most lines an age header may have.
const MAX_HEADER_LINES: usize = 1_000;
/// The width of a line of a stanza's body.
const COLUMNS: usize = 64;

/// Draws the key of a new age file.
pub(super) fn new_file_key() -> Result<FileKey, AgeError> {
    FileKey::try_init_with_mut(|key| SystemRandom::new().fill(key))
        .map_err(|_| AgeError::Encrypt("no random numbers".to_owned()))
}

/// Writes the header that lets `recipients`, and nobody else, have `file_key`.
pub(super) fn write(recipients: &[AgeRecipient], file_key: &FileKey) -> Result<Vec<u8>, AgeError> {
    if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
        return Err(AgeError::RecipientCount);
    }
    let mut header = VERSION_LINE.to_vec();
    let mut labels = None;
    for recipient in recipients {
        let (stanzas, own) =
            recipient.key().wrap_file_key(file_key).map_err(|error| AgeError::Encrypt(error.to_string()))?;
        if labels.get_or_insert_with(|| own.clone()) != &own {
            return Err(AgeError::Encrypt("its recipients cannot stand together".to_owned()));
        }
        for stanza in &stanzas {
            push_stanza(&mut header, stanza);
        }
    }
    header.extend_from_slice(b"---");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &derive(file_key, &[], b"header")?);
    let mac = BASE64_NOPAD.encode(hmac::sign(&key, &header).as_ref());
    header.push(b' ');
    header.extend_from_slice(mac.as_bytes());
    header.push(b'\n');
    Ok(header)
}

fn push_stanza(header: &mut Vec<u8>, stanza: &Stanza) {
    header.extend_from_slice(b"-> ");
    header.extend_from_slice(stanza.tag.as_bytes());
    for argument in &stanza.args {
        header.push(b' ');
        header.extend_from_slice(argument.as_bytes());
    }
    header.push(b'\n');
    let body = BASE64_NOPAD.encode(&stanza.body);
    for line in body.as_bytes().chunks(COLUMNS) {
        header.extend_from_slice(line);
        header.push(b'\n');
    }
    // The last line of a body is shorter than the others, if need be by being empty.
    if body.len().is_multiple_of(COLUMNS) {
        header.push(b'\n');
    }
}

/// 32 bytes derived from the file key: HKDF-SHA256 with `salt` and `info`.
pub(super) fn derive(file_key: &FileKey, salt: &[u8], info: &[u8]) -> Result<[u8; 32], AgeError> {
    let failed = |_| AgeError::Encrypt("a key cannot be derived".to_owned());
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(file_key.expose_secret())
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut key))
        .map_err(failed)?;
    Ok(key)
}

/// Reads the header, leaves `reader` at the payload, and gives the file key that one of the identities found.
pub(super) fn read(reader: &mut impl BufRead, identities: &Identities) -> Result<FileKey, AgeError> {
    read_and_measure(reader, identities).map(|(key, _)| key)
}

/// The same with the length of the header in bytes.
pub(super) fn read_and_measure(
    reader: &mut impl BufRead,
    identities: &Identities,
) -> Result<(FileKey, u64), AgeError> {
    let bytes = read_lines(reader)?;
    let length = bytes.len() as u64;
    // The library wants the payload's nonce too; the key does not depend on it.
    let whole = Cursor::new([bytes.as_slice(), &[0; 16]].concat());
    let decryptor =
        age::Decryptor::new_buffered(whole).map_err(|error| AgeError::Header(error.to_string()))?;
    let listening: Vec<Listening<'_>> = identities.keys().map(Listening::to).collect();
    decryptor.decrypt(listening.iter().map(|identity| identity as &dyn age::Identity)).map_err(|error| {
        match error {
            age::DecryptError::NoMatchingKeys => AgeError::NotARecipient,
            other => AgeError::Header(other.to_string()),
        }
    })?;
    let found = listening.into_iter().find_map(|identity| identity.heard.into_inner());
    found.map(|key| (key, length)).ok_or(AgeError::NotARecipient)
}

/// Hears the file key that an identity finds, which the library keeps to itself.
struct Listening<'a> {
    identity: &'a dyn age::Identity,
    heard: RefCell<Option<FileKey>>,
}

impl<'a> Listening<'a> {
    fn to(identity: &'a dyn age::Identity) -> Self {
        Self { identity, heard: RefCell::new(None) }
    }

    fn hear(&self, found: &FileKey) {
        let copy = FileKey::init_with_mut(|key: &mut [u8; FILE_KEY_BYTES]| {
            key.copy_from_slice(found.expose_secret());
        });
        self.heard.replace(Some(copy));
    }
}

impl age::Identity for Listening<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let found = self.identity.unwrap_stanza(stanza);
        if let Some(Ok(key)) = &found {
            self.hear(key);
        }
        found
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        let found = self.identity.unwrap_stanzas(stanzas);
        if let Some(Ok(key)) = &found {
            self.hear(key);
        }
        found
    }
}

/// Takes the header's lines up to its MAC.
fn read_lines(reader: &mut impl BufRead) -> Result<Vec<u8>, AgeError> {
    let mut header = Vec::new();
    for _ in 0..MAX_HEADER_LINES {
        let start = header.len();
        let left = MAX_HEADER_BYTES.saturating_sub(start as u64);
        reader.by_ref().take(left).read_until(b'\n', &mut header).map_err(AgeError::Io)?;
        let line = header.get(start..).unwrap_or_default();
        if start == 0 && line != VERSION_LINE {
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
