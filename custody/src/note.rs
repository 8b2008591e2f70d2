//! Signed notes (C2SP signed-note), verifier keys, and the key with which a log signs.
//!
//! Calls Ed25519 only. Parsing says nothing about who wrote a note: its text can be read from a
//! [`VerifiedNote`], which only [`Note::verify`] makes. A note may carry signature lines by keys
//! that the reader doesn't know: they are parsed, kept and ignored. Those of witnesses are read by
//! [`cosignature`](crate::cosignature).

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use data_encoding::{BASE64, HEXLOWER};
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

mod pem;

/// The largest note, in bytes: 16 signatures of the largest kind foreseen, and the text.
pub const MAX_NOTE_BYTES: usize = 128 * 1024;

/// The largest number of signature lines of a note; at least 16 must be accepted.
pub const MAX_SIGNATURES: usize = 32;

/// The longest name of a key, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// The signature type of plain Ed25519 over the note's text.
const ED25519_TYPE: u8 = 1;

/// A note, a key or a signature is not what it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Larger than [`MAX_NOTE_BYTES`].
    #[error("the note has {0} bytes, more than {MAX_NOTE_BYTES}")]
    TooLarge(usize),
    /// Not UTF-8, or with control characters.
    #[error("the note is no plain text")]
    NotText,
    /// No blank line with signatures below it, or no newline at the end.
    #[error("the note has no text, blank line and signature lines")]
    Shape,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A signature line that is none.
    #[error("signature line {0} of the note can't be read")]
    SignatureLine(usize),
    /// Nobody the reader knows has signed.
    #[error("the note carries no signature by a trusted key")]
    NoTrustedSignature,
    /// A known key's signature is wrong.
    #[error("the signature by `{0}` is not valid")]
    InvalidSignature(String),
    /// A known key's signature stands there twice.
    #[error("the signature by `{0}` stands in the note twice")]
    RepeatedSignature(String),
    /// Two different trusted keys share name and key id.
    #[error("two trusted keys share the name `{0}` and the key id")]
    AmbiguousKey(String),
    /// Not a name for a key.
    #[error("`{0}` is no key name: it must not be empty nor hold spaces, `+` or control characters")]
    KeyName(String),
    /// Not a verifier key.
    #[error("`{0}` is no Ed25519 verifier key: <name>+<8 hexadecimal digits>+<base64> is expected")]
    Vkey(String),
    /// Not an Ed25519 private key.
    #[error("the text is no Ed25519 private key in PKCS#8 PEM")]
    PrivateKey,
    /// The operating system gave no randomness, or the library failed.
    #[error("no key could be generated")]
    Generation,
    /// The library failed to sign.
    #[error("the note could not be signed")]
    Signing,
}

pub(crate) fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}

/// Whether the text could be signed as a note: not empty, newline at the end, no other control character.
fn is_note_text(text: &str) -> bool {
    text.ends_with('\n') && !text.chars().any(|c| c < ' ' && c != '\n')
}

fn is_key_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

/// A verifier key: the public key of whoever signs notes under a name.
/// Written `<name>+<key id>+<base64 of type and key>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Vkey {
    name: String,
    public_key: [u8; 32],
}

impl Vkey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`NoteError::KeyName`].
    pub fn new(name: &str, public_key: [u8; 32]) -> Result<Self, NoteError> {
        if is_key_name(name) {
            Ok(Self { name: name.to_owned(), public_key })
        } else {
            Err(NoteError::KeyName(shorten(name)))
        }
    }

    /// The name; for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The 32 bytes of the Ed25519 public key.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The key id that a signature line carries: four bytes of a digest over name, type and key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, ED25519_TYPE, &self.public_key)
    }

    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        verifies(&self.public_key, text.as_bytes(), signature)
    }
}

/// The key id of a key of type `kind`: the beginning of SHA-256 over name, newline, type and key.
pub(crate) fn key_id(name: &str, kind: u8, public_key: &[u8; 32]) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend([b'\n', kind]);
    bytes.extend(public_key);
    let [a, b, c, d, ..] = *Digest::of(&bytes).as_bytes();
    [a, b, c, d]
}

/// Writes a verifier key of type `kind`.
pub(crate) fn vkey_text(name: &str, kind: u8, public_key: &[u8; 32]) -> String {
    let mut key = vec![kind];
    key.extend(public_key);
    format!("{name}+{}+{}", HEXLOWER.encode(&key_id(name, kind, public_key)), BASE64.encode(&key))
}

/// Reads a verifier key of type `kind`, whose key id must be the one that follows from the rest.
pub(crate) fn parse_vkey(text: &str, kind: u8) -> Option<(&str, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    // Base64 may hold a `+` of its own, the key id can't.
    let (_, key) = rest.split_once('+')?;
    let key = BASE64.decode(key.as_bytes()).ok()?;
    let (found, key) = key.split_first()?;
    let key = key.try_into().ok()?;
    let fits = *found == kind && is_key_name(name) && vkey_text(name, kind, &key) == text;
    fits.then_some((name, key))
}

/// Whether `signature` is the key's over `message`.
pub(crate) fn verifies(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// Takes an Ed25519 key from PKCS#8 PEM.
pub(crate) fn pair_from_pem(pem: &str) -> Result<Ed25519KeyPair, NoteError> {
    let der = pem::decode(pem).ok_or(NoteError::PrivateKey)?;
    Ed25519KeyPair::from_pkcs8(&der).map_err(|_| NoteError::PrivateKey)
}

/// The 32 bytes of a pair's public half.
pub(crate) fn public_half(pair: &Ed25519KeyPair) -> Option<[u8; 32]> {
    pair.public_key().as_ref().try_into().ok()
}

/// Generates an Ed25519 key, with its PKCS#8 PEM.
pub(crate) fn generate_pair() -> Result<(Ed25519KeyPair, String), NoteError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| NoteError::Generation)?;
    // Version 1 is what OpenSSL reads.
    let der = pair.to_pkcs8v1().map_err(|_| NoteError::Generation)?;
    let pem = pem::encode(der.as_ref());
    Ok((pair, pem))
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vkey_text(&self.name, ED25519_TYPE, &self.public_key))
    }
}

impl FromStr for Vkey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, public_key) =
            parse_vkey(text, ED25519_TYPE).ok_or_else(|| NoteError::Vkey(shorten(text)))?;
        Self::new(name, public_key)
    }
}

impl Serialize for Vkey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Vkey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The private key with which a log signs, under its name.
pub struct LogKey {
    pair: Ed25519KeyPair,
    vkey: Vkey,
}

impl LogKey {
    /// Takes the key from PKCS#8 PEM, as `openssl genpkey -algorithm ED25519` writes it.
    ///
    /// # Errors
    /// [`NoteError::PrivateKey`] or [`NoteError::KeyName`].
    pub fn from_pem(name: &str, pem: &str) -> Result<Self, NoteError> {
        Self::new(name, pair_from_pem(pem)?, &NoteError::PrivateKey)
    }

    /// Generates a key and returns it with its PKCS#8 PEM, which goes into a file of its own.
    ///
    /// # Errors
    /// [`NoteError::Generation`] or [`NoteError::KeyName`].
    pub fn generate(name: &str) -> Result<(Self, String), NoteError> {
        let (pair, pem) = generate_pair()?;
        Ok((Self::new(name, pair, &NoteError::Generation)?, pem))
    }

    fn new(name: &str, pair: Ed25519KeyPair, error: &NoteError) -> Result<Self, NoteError> {
        let public = public_half(&pair).ok_or_else(|| error.clone())?;
        Ok(Self { vkey: Vkey::new(name, public)?, pair })
    }

    /// The public half, for the party entry.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// Signs a text as a note.
    ///
    /// # Errors
    /// [`NoteError::NotText`] if `text` doesn't end in a newline or holds control characters,
    /// [`NoteError::TooLarge`], or [`NoteError::Signing`].
    pub fn sign(&self, text: &str) -> Result<Note, NoteError> {
        if !is_note_text(text) {
            return Err(NoteError::NotText);
        }
        let signature = self.pair.try_sign(text.as_bytes()).map_err(|_| NoteError::Signing)?;
        let note = Note {
            text: text.to_owned(),
            signatures: vec![NoteSignature {
                name: self.vkey.name.clone(),
                key_id: self.vkey.key_id(),
                signature: signature.as_ref().to_vec(),
            }],
        };
        match note.to_string().len() {
            size if size > MAX_NOTE_BYTES => Err(NoteError::TooLarge(size)),
            _ => Ok(note),
        }
    }
}

/// A signature line, by whomever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoteSignature {
    /// The key's name as the line gives it.
    pub name: String,
    /// The key id as the line gives it.
    pub key_id: [u8; 4],
    /// The signature, at least one byte; what it looks like depends on the key.
    pub signature: Vec<u8>,
}

/// A note that was read and not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError`] for anything that isn't a note within the limits.
    ///
    /// # Source
    /// C2SP signed-note, "Format".
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::NotText);
        }
        // The last blank line divides; the text keeps its own newline.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (number, line) in lines.split('\n').enumerate() {
            if number == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(signature_line(line).ok_or(NoteError::SignatureLine(number + 1))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text, which must not be believed: for showing what could not be verified.
    #[must_use]
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signature lines in their order.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Verifies every signature by a key in `trusted`; lines by other keys are ignored.
    ///
    /// # Errors
    /// [`NoteError::NoTrustedSignature`]; or [`NoteError::InvalidSignature`] and
    /// [`NoteError::RepeatedSignature`] if a trusted key's line is wrong or stands twice, whatever
    /// the others say.
    pub fn verify(self, trusted: &[Vkey]) -> Result<VerifiedNote, NoteError> {
        let mut signed_by: Vec<Vkey> = Vec::new();
        for line in &self.signatures {
            let mut known =
                trusted.iter().filter(|vkey| vkey.name == line.name && vkey.key_id() == line.key_id);
            let Some(vkey) = known.next() else { continue };
            if known.any(|other| other != vkey) {
                return Err(NoteError::AmbiguousKey(shorten(&vkey.name)));
            }
            if !vkey.verifies(&self.text, &line.signature) {
                return Err(NoteError::InvalidSignature(shorten(&vkey.name)));
            }
            if signed_by.contains(vkey) {
                return Err(NoteError::RepeatedSignature(shorten(&vkey.name)));
            }
            signed_by.push(vkey.clone());
        }
        if signed_by.is_empty() {
            return Err(NoteError::NoTrustedSignature);
        }
        Ok(VerifiedNote { note: self, signed_by })
    }
}

/// The note as it is written.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| line.fmt(f))
    }
}

/// The line as it is written, with its newline.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.to_vec();
        bytes.extend(&self.signature);
        writeln!(f, "\u{2014} {} {}", self.name, BASE64.encode(&bytes))
    }
}

/// A note with at least one valid signature by a trusted key. Only [`Note::verify`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedNote {
    note: Note,
    signed_by: Vec<Vkey>,
}

impl VerifiedNote {
    /// The text that was signed, with its final newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.note.text
    }

    /// The trusted keys whose signatures are valid, each once.
    #[must_use]
    pub fn signed_by(&self) -> &[Vkey] {
        &self.signed_by
    }

    /// The note without the lines that were ignored: its text and the valid signatures alone.
    #[must_use]
    pub fn trusted_part(&self) -> Note {
        let known = |line: &NoteSignature| {
            self.signed_by.iter().any(|vkey| vkey.name == line.name && vkey.key_id() == line.key_id)
        };
        Note {
            text: self.note.text.clone(),
            signatures: self.note.signatures.iter().filter(|line| known(line)).cloned().collect(),
        }
    }

    /// The note, with the signature lines that were ignored too.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

pub(crate) fn signature_line(line: &str) -> Option<NoteSignature> {
    let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = BASE64.decode(signature.as_bytes()).ok()?;
    // The decoder takes padding in the middle too; one signature has one spelling.
    if BASE64.encode(&bytes) != signature {
        return None;
    }
    let (key_id, signature) = bytes.split_first_chunk()?;
    if !is_key_name(name) || signature.is_empty() {
        return None;
    }
    Some(NoteSignature { name: name.to_owned(), key_id: *key_id, signature: signature.to_vec() })
}

#[cfg(test)]
mod tests;
