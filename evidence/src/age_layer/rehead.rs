//! An age file under another header: for other recipients, with the payload as it is.
//!
//! Holds the reader that gives a new header and then the old payload, byte for byte. Decrypts nothing: who has the
//! file key can let others have it. That takes nothing from those who had it before, and they could write over the
//! new header's recipients as well: whose word the new file is, only a signature over it says.
//!
//! Source: C2SP `age`: header and payload meet in the file key alone, and the payload begins with its own salt.

use super::{AgeError, AgeRecipient, Identities, header};
use std::io::{self, BufRead, Read};

/// Gives a new header, then what followed the old one.
pub(crate) struct Reheaded<R> {
    header: Vec<u8>,
    given: usize,
    old_header_bytes: u64,
    rest: R,
}

/// Reads the header of an age file that one of `identities` opens, and writes another for `recipients`.
///
/// # Errors
/// [`AgeError`] if the header can't be read, no identity is a recipient, or the recipients can't stand together.
pub(crate) fn rehead<R: BufRead>(
    mut reader: R,
    identities: &Identities,
    recipients: &[AgeRecipient],
) -> Result<Reheaded<R>, AgeError> {
    let (file_key, old_header_bytes) = header::read_and_measure(&mut reader, identities)?;
    let header = header::write(recipients, &file_key)?;
    Ok(Reheaded { header, given: 0, old_header_bytes, rest: reader })
}

impl<R> Reheaded<R> {
    /// The size of the new file if the old one has `old_bytes`; none if that is less than its header.
    pub(crate) fn size_bytes(&self, old_bytes: u64) -> Option<u64> {
        old_bytes.checked_sub(self.old_header_bytes)?.checked_add(self.header.len() as u64)
    }

    /// Gives the reader of the old file back.
    pub(crate) fn into_rest(self) -> R {
        self.rest
    }
}

impl<R: Read> Read for Reheaded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.header.get(self.given..).unwrap_or_default();
        if left.is_empty() {
            return self.rest.read(buffer);
        }
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age_layer::{Opening, Sealing, generate_identity};

    #[test]
    fn the_payload_stays_and_the_recipients_change() {
        let (file, recipient) = generate_identity();
        let (other_file, other) = generate_identity();
        let (identities, others) =
            (Identities::parse(&[&file]).expect("one"), Identities::parse(&[&other_file]).expect("one"));
        let plain: Vec<u8> = (0..200_000_u32).map(|byte| u8::try_from(byte % 251).unwrap_or(0)).collect();
        let length = plain.len() as u64;
        let mut sealed = Vec::new();
        let mut sealing = Sealing::new(&[recipient], length, plain.as_slice(), 1).expect("seals");
        sealing.read_to_end(&mut sealed).expect("seals");
        assert!(matches!(
            rehead(&*sealed, &others, std::slice::from_ref(&other)),
            Err(AgeError::NotARecipient)
        ));
        let mut reheaded = rehead(&*sealed, &identities, &[other]).expect("reheads");
        let size = reheaded.size_bytes(sealed.len() as u64);
        let mut new = Vec::new();
        reheaded.read_to_end(&mut new).expect("reads");
        assert_eq!(size, Some(new.len() as u64));
        let payload = plain.len() + 16 + 4 * 16;
        assert_eq!(new[new.len() - payload..], sealed[sealed.len() - payload..]);
        assert!(Opening::new(new.as_slice(), &identities, length, 1).is_err());
        let mut back = Vec::new();
        let opening = Opening::new(new.as_slice(), &others, length, 1);
        opening.ok().expect("opens").read_to_end(&mut back).expect("opens");
        assert!(back == plain);
    }
}
