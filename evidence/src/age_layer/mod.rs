//! Encryption to recipients: each exhibit and the index is one age file (C2SP `age-encryption.org/v1`).
//!
//! Holds recipients, identities, headers, and the two readers through which plaintext becomes an age file and back.
//! Recipients, identities and the reading of headers are the age library's; header writing and payload are our own,
//! so that a header can be written anew over the same payload and chunks can be worked on by several threads.
//! Never prints a secret key.

mod header;
mod identity;
mod payload;
mod recipient;
mod rehead;

pub use identity::{Identities, generate_identity};
pub(crate) use payload::{Sealing, open};
pub use recipient::AgeRecipient;
pub(crate) use rehead::rehead;

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
mod tests {
    use super::*;
    use std::io::Read as _;

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
