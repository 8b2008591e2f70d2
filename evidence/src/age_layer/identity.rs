//! Who opens an age file: secret keys of two kinds. May call the age library. Never prints one.

use super::hybrid::{self, HybridIdentity};
use super::{AgeError, AgeRecipient};
use zeroize::Zeroizing;

/// The largest identity file that is read.
const MAX_IDENTITY_FILE_BYTES: usize = 64 * 1024;

/// Secret keys for decryption. Has no `Debug`.
#[derive(Clone, Default)]
pub struct Identities(Vec<Key>);

#[derive(Clone)]
enum Key {
    X25519(age::x25519::Identity),
    Hybrid(HybridIdentity),
}

impl Key {
    fn parse(line: &str) -> Option<Self> {
        if line.starts_with(hybrid::IDENTITY_START) {
            return HybridIdentity::parse(line).map(Self::Hybrid);
        }
        line.parse().ok().map(Self::X25519)
    }
}

impl Identities {
    /// No identity: contents can't be checked.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the text of identity files as `age-keygen` writes them; a file may hold keys of both kinds.
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
                identities.push(Key::parse(line).ok_or(AgeError::Identity { line: index + 1 })?);
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
        let recipient = |key: &Key| match key {
            Key::X25519(key) => AgeRecipient::of(key.to_public()),
            Key::Hybrid(key) => AgeRecipient::of_hybrid(key.to_public()),
        };
        self.0.iter().map(recipient).collect()
    }

    /// The keys as the library wants them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|key| -> &dyn age::Identity {
            match key {
                Key::X25519(key) => key,
                Key::Hybrid(key) => key,
            }
        })
    }
}

/// Makes a new classical identity; the text of the file and the recipient.
#[must_use]
pub fn generate_identity() -> (Zeroizing<String>, AgeRecipient) {
    use age::secrecy::ExposeSecret as _;
    let identity = age::x25519::Identity::generate();
    let recipient = AgeRecipient::of(identity.to_public());
    (identity_file(identity.to_string().expose_secret(), &recipient), recipient)
}

/// Makes a new hybrid identity; the text of the file and the recipient.
///
/// # Errors
/// [`AgeError::Encrypt`] if there are no random numbers.
pub fn generate_hybrid_identity() -> Result<(Zeroizing<String>, AgeRecipient), AgeError> {
    let (identity, text) = HybridIdentity::generate()?;
    let recipient = AgeRecipient::of_hybrid(identity.to_public());
    Ok((identity_file(&text, &recipient), recipient))
}

fn identity_file(secret: &str, recipient: &AgeRecipient) -> Zeroizing<String> {
    Zeroizing::new(format!("# public key: {recipient}\n{secret}\n"))
}
