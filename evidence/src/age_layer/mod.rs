//! Encryption to recipients: each exhibit and the index is one age file (C2SP `age-encryption.org/v1`).
//!
//! Holds recipients, identities, headers, and the two readers through which plaintext becomes an age file and back.
//! Classical recipients and identities are the age library's; hybrid ones, headers and payload are our own, so that a
//! header can be written anew over the same payload and chunks can be worked on by several threads.
//! Never prints a secret key.

mod header;
mod hybrid;
mod identity;
mod line;
mod payload;
mod recipient;
mod rehead;
mod stanzas;

pub(crate) use header::encryption;
pub use identity::{Identities, generate_hybrid_identity, generate_identity};
pub(crate) use line::Sum;
pub(crate) use payload::{Opening, Sealing};
pub use recipient::{AgeRecipient, Encryption};
pub(crate) use rehead::rehead;

use crate::transmittal::MAX_RECIPIENTS;
use std::io;

/// Opens one age file as index and exhibits are opened, on so many threads: for tests with files of others.
///
/// # Errors
/// [`AgeError`] for the header; the reader fails with the first chunk that is not authentic.
#[doc(hidden)]
pub fn open_age_file<'a>(
    file: &'a [u8],
    identities: &Identities,
    threads: usize,
) -> Result<Box<dyn io::Read + 'a>, AgeError> {
    match Opening::new(file, identities, file.len() as u64, threads) {
        Ok(opening) => Ok(Box::new(opening)),
        Err(locked) => Err(locked.finish().map_err(AgeError::Io)?.0),
    }
}

/// Encrypts as index and exhibits are encrypted: for tests with programs of others.
///
/// # Errors
/// [`AgeError`] if these recipients can't be encrypted to.
#[doc(hidden)]
pub fn seal_age_file(recipients: &[AgeRecipient], plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
    let mut file = Vec::new();
    let mut sealing = Sealing::new(recipients, plaintext.len() as u64, plaintext, crate::threads::threads())?;
    io::Read::read_to_end(&mut sealing, &mut file).map_err(AgeError::Io)?;
    Ok(file)
}

/// Encryption or decryption failed.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    /// Not an age recipient of a kind that is used here.
    #[error("`{0}` is not an age recipient (`age1…` or `age1pq1…`, as `age-keygen -y` prints)")]
    Recipient(String),
    /// An identity file without identity, or with something else in it.
    #[error(
        "line {line} of the identity file is no age identity (`AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`, as `age-keygen` writes)"
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
    /// Recipients, or stanzas, of both kinds.
    #[error(
        "post-quantum keys and classical ones stand side by side, so that it is no safer than the classical ones"
    )]
    Mixed,
    /// A stanza for a key of another kind.
    #[error("it is encrypted to a key of the kind `{0}`, and a package's keys are X25519 or mlkem768x25519")]
    Stanza(String),
    /// The text form of an age file.
    #[error("it is an armored age file; take off the armor (`age -d`, or base64), or write it without `-a`")]
    Armored,
    /// Encrypted to a passphrase.
    #[error("it is encrypted to a passphrase, and only to keys is evidence encrypted")]
    Passphrase,
    /// The MAC of the header is wrong.
    #[error("the age header was changed: its MAC is not the one that its key gives")]
    Mac,
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

#[cfg(test)]
mod tests;
