//! Encryption to recipients: each exhibit and the index is one age file (C2SP `age-encryption.org/v1`).
//!
//! Holds recipients, identities, headers, and the two readers through which plaintext becomes an age file and back.
//! Classical recipients and identities are the age library's; hybrid ones, headers and payload are our own, so that a
//! header can be written anew over the same payload and chunks can be worked on by several threads.
//! Never prints a secret key.

mod header;
mod hybrid;
mod identity;
mod payload;
mod recipient;
mod stanzas;

pub(crate) use header::encryption;
pub use identity::{Identities, generate_hybrid_identity, generate_identity};
pub(crate) use payload::{Sealing, open};
pub use recipient::{AgeRecipient, Encryption};

use crate::transmittal::MAX_RECIPIENTS;
use std::io;

/// Opens one age file as index and exhibits are opened: for tests with files of others.
///
/// # Errors
/// [`AgeError`] for the header; the reader fails with the first chunk that is not authentic.
#[doc(hidden)]
pub fn open_age_file<'a>(
    file: impl io::Read + Send + 'a,
    identities: &Identities,
) -> Result<Box<dyn io::Read + 'a>, AgeError> {
    Ok(Box::new(open(file, identities)?))
}

/// Encrypts as index and exhibits are encrypted: for tests with programs of others.
///
/// # Errors
/// [`AgeError`] if these recipients can't be encrypted to.
#[doc(hidden)]
pub fn seal_age_file(recipients: &[AgeRecipient], plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
    let mut file = Vec::new();
    let mut sealing = Sealing::new(recipients, plaintext.len() as u64, plaintext)?;
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
    fn a_hybrid_file_comes_back_even_among_a_hundred_recipients() {
        let (file, own) = generate_hybrid_identity().expect("generates");
        let identities = Identities::parse(&[&file]).expect("an identity");
        assert_eq!(identities.recipients(), std::slice::from_ref(&own));
        let mut recipients: Vec<AgeRecipient> =
            (1..MAX_RECIPIENTS).map(|_| generate_hybrid_identity().expect("generates").1).collect();
        recipients.push(own);
        let mut sealed = Vec::new();
        let mut sealing = Sealing::new(&recipients, 3, &b"abc"[..]).expect("seals");
        sealing.read_to_end(&mut sealed).expect("seals");
        let mut opened = Vec::new();
        open(sealed.as_slice(), &identities).expect("opens").read_to_end(&mut opened).expect("opens");
        assert_eq!(opened, b"abc");
        assert_eq!(encryption(&mut sealed.as_slice()).expect("reads"), Encryption::Mlkem768X25519);
    }

    #[test]
    fn keys_of_both_kinds_may_stand_in_one_identity_file_but_not_over_one_file() {
        let ((classical, one), (hybrid, other)) =
            (generate_identity(), generate_hybrid_identity().expect("generates"));
        let both = format!("# desk\n{}\n{}", *classical, *hybrid);
        let identities = Identities::parse(&[&both]).expect("identities");
        let recipients = [one, other];
        assert_eq!(identities.recipients(), recipients);
        assert!(matches!(Sealing::new(&recipients, 3, &b"abc"[..]), Err(AgeError::Mixed)));
        for recipient in recipients {
            let kind = recipient.encryption();
            assert_eq!(recipient.to_string().parse::<AgeRecipient>().expect("a recipient"), recipient);
            let mut sealed = Vec::new();
            let mut sealing = Sealing::new(&[recipient], 3, &b"abc"[..]).expect("seals");
            sealing.read_to_end(&mut sealed).expect("seals");
            assert_eq!(encryption(&mut sealed.as_slice()).expect("reads"), kind);
            let mut opened = Vec::new();
            open(sealed.as_slice(), &identities).expect("opens").read_to_end(&mut opened).expect("opens");
            assert_eq!(opened, b"abc");
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
