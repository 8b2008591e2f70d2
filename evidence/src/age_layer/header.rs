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
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::secrecy::ExposeSecret as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::{hkdf, hmac};
use data_encoding::BASE64_NOPAD;
use std::io::BufRead;

/// The type of a stanza that needs a passphrase.
const PASSPHRASE: &str = "scrypt";
/// How the type of a stanza for nobody ends, which some programs add so that readers learn to pass over what they
/// don't know.
const GREASE: &str = "-grease";
/// The body of a stanza of either kind: the file key and its tag.
const BODY_BYTES: usize = FILE_KEY_BYTES + 16;

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
    check_forms(&header.stanzas)?;
    let found = identities.keys().find_map(|identity| identity.unwrap_stanzas(&header.stanzas));
    let file_key = match found {
        Some(Ok(file_key)) => file_key,
        Some(Err(error)) => return Err(AgeError::Header(error.to_string())),
        None => return Err(AgeError::NotARecipient),
    };
    hmac::verify(&mac_key(&file_key)?, &header.authenticated, &header.mac).map_err(|_| AgeError::Mac)?;
    Ok((file_key, header.size_bytes))
}

/// Every stanza of a known kind must have the form of that kind, whether or not the one behind which the key was
/// found stands before it: what is malformed is no header, C2SP says, and no two readers may differ in what they
/// pass over.
fn check_forms(stanzas: &[Stanza]) -> Result<(), AgeError> {
    for stanza in stanzas {
        let Some(kind) = Encryption::of_stanza(&stanza.tag) else { continue };
        let share = match stanza.args.as_slice() {
            [share] => BASE64_NOPAD.decode(share.as_bytes()).ok(),
            _ => None,
        };
        let is_formed = share.is_some_and(|share| share.len() == kind.share_bytes());
        if !is_formed || stanza.body.len() != BODY_BYTES {
            let (tag, bytes) = (&stanza.tag, kind.share_bytes());
            return Err(AgeError::Header(format!(
                "a stanza `{tag}` is malformed: it has one argument of {bytes} bytes and a body of {BODY_BYTES}"
            )));
        }
    }
    Ok(())
}

/// Reads the header alone and tells to which kind of key all its stanzas are, and how many there are.
pub(crate) fn encryption(reader: &mut impl BufRead) -> Result<(Encryption, usize), AgeError> {
    let header = HeaderText::read(reader)?;
    let mut kinds = Vec::new();
    for stanza in header.stanzas.iter().filter(|stanza| !stanza.tag.ends_with(GREASE)) {
        match Encryption::of_stanza(&stanza.tag) {
            Some(kind) => kinds.push(kind),
            None => return Err(AgeError::Stanza(stanza.tag.chars().take(40).collect())),
        }
    }
    let count = kinds.len();
    let encryption = Encryption::alike(kinds)?;
    check_forms(&header.stanzas)?;
    Ok((encryption, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age_layer::{generate_hybrid_identity, generate_identity};

    /// A header for `recipient` with `more` behind, and with the MAC that its key gives.
    fn with_behind(recipient: &AgeRecipient, more: Stanza) -> Vec<u8> {
        let file_key = new_file_key().expect("a key");
        let (mut all, _) = recipient.key().wrap_file_key(&file_key).expect("wraps");
        all.push(more);
        let text = stanzas::write(&all);
        let mac = hmac::sign(&mac_key(&file_key).expect("a key"), &text);
        stanzas::finish(text, mac.as_ref())
    }

    fn stanza(tag: &str, args: &[&str], body_bytes: usize) -> Stanza {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Stanza { tag: tag.to_owned(), args, body: vec![7; body_bytes] }
    }

    #[test]
    fn a_malformed_stanza_is_refused_also_behind_ones_own() {
        let (file, recipient) = generate_identity();
        let (hybrid_file, hybrid) = generate_hybrid_identity().expect("generates");
        let (share, long) = (BASE64_NOPAD.encode(&[9; 32]), BASE64_NOPAD.encode(&[9; 33]));
        for (file, recipient, tag) in
            [(&file, &recipient, "X25519"), (&hybrid_file, &hybrid, "mlkem768x25519")]
        {
            let identities = Identities::parse(&[file]).expect("an identity");
            for bad in [
                stanza(tag, &[], 32),
                stanza(tag, &[&long], 32),
                stanza(tag, &["not+base64="], 32),
                stanza(tag, &[&share, &share], 32),
            ] {
                let header = with_behind(recipient, bad);
                assert!(
                    matches!(read(&mut header.as_slice(), &identities), Err(AgeError::Header(_))),
                    "{tag}"
                );
                assert!(matches!(encryption(&mut header.as_slice()), Err(AgeError::Header(_))), "{tag}");
            }
        }
        let identities = Identities::parse(&[&file]).expect("an identity");
        let header = with_behind(&recipient, stanza("X25519", &[&share], 31));
        assert!(matches!(read(&mut header.as_slice(), &identities), Err(AgeError::Header(_))));
        // One that is well formed, and for somebody else; and one for nobody.
        let header = with_behind(&recipient, stanza("X25519", &[&share], 32));
        assert!(read(&mut header.as_slice(), &identities).is_ok());
        assert!(matches!(encryption(&mut header.as_slice()), Ok((Encryption::X25519, 2))));
        let header = with_behind(&recipient, stanza("a-grease", &[], 3));
        assert!(read(&mut header.as_slice(), &identities).is_ok());
        assert!(matches!(encryption(&mut header.as_slice()), Ok((Encryption::X25519, 1))));
    }
}
