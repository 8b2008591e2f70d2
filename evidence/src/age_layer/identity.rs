//! Who opens an age file: secret keys. May call the age library. Never prints one.

use super::{AgeError, AgeRecipient};

/// The largest identity file that is read.
const MAX_IDENTITY_FILE_BYTES: usize = 64 * 1024;

/// Secret keys for decryption. Has no `Debug`.
#[derive(Clone, Default)]
pub struct Identities(Vec<age::x25519::Identity>);

impl Identities {
    /// No identity: contents can't be checked.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the text of identity files as `age-keygen` writes them.
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
                identities.push(line.parse().map_err(|_| AgeError::Identity { line: index + 1 })?);
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
        self.0.iter().map(|identity| AgeRecipient::of(identity.to_public())).collect()
    }

    /// The keys as the library wants them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }
}

/// Makes a new identity; the text of the file and the recipient.
#[must_use]
pub fn generate_identity() -> (zeroize::Zeroizing<String>, AgeRecipient) {
    use age::secrecy::ExposeSecret as _;
    let identity = age::x25519::Identity::generate();
    let recipient = AgeRecipient::of(identity.to_public());
    let file = format!("# public key: {recipient}\n{}\n", identity.to_string().expose_secret());
    (zeroize::Zeroizing::new(file), recipient)
}
