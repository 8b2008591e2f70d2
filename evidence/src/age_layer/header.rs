//! The header of an age file: the file key, wrapped for every recipient, under a MAC.
//!
//! Writes and reads headers itself, so that another header can be written over the same payload; what stands in a
//! stanza is its recipient's and its identity's matter. Whoever has the file key can read the payload: it never
//! leaves this module's callers and has no `Debug`.
//!
//! Source: C2SP `age`, sections "Header" and "File key".

use super::stanzas::{self, HeaderText};
use super::{AgeError, AgeRecipient, Encryption, Identities};
use crate::transmittal::MAX_RECIPIENTS;
use age_core::format::FileKey;
use age_core::secrecy::ExposeSecret as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::{hkdf, hmac};
use std::io::BufRead;

/// The type of a stanza that needs a passphrase.
const PASSPHRASE: &str = "scrypt";

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
    Encryption::of(recipients)?;
    let mut all = Vec::new();
    for recipient in recipients {
        let (stanzas, _) =
            recipient.key().wrap_file_key(file_key).map_err(|error| AgeError::Encrypt(error.to_string()))?;
        all.extend(stanzas);
    }
    let text = stanzas::write(&all);
    let mac = hmac::sign(&mac_key(file_key)?, &text);
    Ok(stanzas::finish(text, mac.as_ref()))
}

fn mac_key(file_key: &FileKey) -> Result<hmac::Key, AgeError> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &derive(file_key, &[], b"header")?))
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
    let header = HeaderText::read(reader)?;
    if header.stanzas.iter().any(|stanza| stanza.tag == PASSPHRASE) {
        return Err(AgeError::Passphrase);
    }
    let found = identities.keys().find_map(|identity| identity.unwrap_stanzas(&header.stanzas));
    let file_key = match found {
        Some(Ok(file_key)) => file_key,
        Some(Err(error)) => return Err(AgeError::Header(error.to_string())),
        None => return Err(AgeError::NotARecipient),
    };
    hmac::verify(&mac_key(&file_key)?, &header.authenticated, &header.mac).map_err(|_| AgeError::Mac)?;
    Ok((file_key, header.size_bytes))
}

/// Reads the header alone and tells to which kind of key all its stanzas are.
pub(crate) fn encryption(reader: &mut impl BufRead) -> Result<Encryption, AgeError> {
    let header = HeaderText::read(reader)?;
    let mut kinds = Vec::new();
    for stanza in &header.stanzas {
        // A stanza for nobody, which some programs add so that readers learn to pass over what they don't know.
        if stanza.tag.ends_with("-grease") {
            continue;
        }
        match Encryption::ALL.into_iter().find(|kind| kind.stanza() == stanza.tag) {
            Some(kind) => kinds.push(kind),
            None => return Err(AgeError::Stanza(stanza.tag.chars().take(40).collect())),
        }
    }
    Encryption::alike(kinds)
}
