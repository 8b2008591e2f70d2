//! Encryption to recipients: each exhibit and the index is one age file (C2SP `age-encryption.org/v1`).
//!
//! Holds recipients, identities, headers, and the two readers through which plaintext becomes an age file and back.
//! Recipients, identities and the reading of headers are the age library's; header writing and payload are our own,
//! so that a header can be written anew over the same payload and chunks can be worked on by several threads.
//! Never prints a secret key.

mod header;
mod identity;
mod line;
mod payload;
mod recipient;

pub use identity::{Identities, generate_identity};
pub(crate) use line::Sum;
pub(crate) use payload::{Opening, Sealing};
pub use recipient::AgeRecipient;

use crate::transmittal::MAX_RECIPIENTS;
use std::io;

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

#[cfg(test)]
mod tests;
