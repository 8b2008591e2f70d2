//! Signing keys and the verification of raw signatures.
//!
//! Holds the closed list of algorithms, the [`Signer`] behind which a key file, a card or a
//! hardware module may stand, and the check of a signature against a certificate's key. Calls the
//! cryptographic library only. Never builds or reads signature containers, and never says whether
//! a certificate is to be believed.

use crate::certificate::{Certificate, CertificateError, PublicKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, KeyPair, RsaEncoding, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::pem::{PemObject, SectionKind};
use std::fmt;
use zeroize::Zeroizing;

/// The shortest RSA key that may make signatures, in bits.
pub const MIN_RSA_BITS_TO_SIGN: usize = 3072;
/// The shortest RSA key whose signatures are accepted, in bits.
pub const MIN_RSA_BITS_TO_VERIFY: usize = 2048;
/// The longest RSA key whose signatures are accepted, in bits.
const MAX_RSA_BITS: usize = 8192;
/// The largest PEM text of a private key, in bytes.
const MAX_KEY_TEXT_BYTES: usize = 64 * 1024;

/// The digests that a signature may be made over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// The object identifier, dotted.
    #[must_use]
    pub const fn oid(self) -> &'static str {
        match self {
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    /// The length of a digest in bytes.
    #[must_use]
    pub const fn output_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Computes the digest of `bytes`.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &aws_lc_rs::digest::SHA256,
            Self::Sha384 => &aws_lc_rs::digest::SHA384,
            Self::Sha512 => &aws_lc_rs::digest::SHA512,
        };
        aws_lc_rs::digest::digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// The closed list of signature algorithms: key, padding and digest together.
///
/// [`FileSigner`] makes P-256 with SHA-256, P-384 with SHA-384 and RSA with SHA-256; the others are verified only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SignatureAlgorithm {
    /// ECDSA on P-256 over SHA-256.
    EcdsaP256Sha256,
    /// ECDSA on P-256 over SHA-384.
    EcdsaP256Sha384,
    /// ECDSA on P-256 over SHA-512.
    EcdsaP256Sha512,
    /// ECDSA on P-384 over SHA-256.
    EcdsaP384Sha256,
    /// ECDSA on P-384 over SHA-384.
    EcdsaP384Sha384,
    /// ECDSA on P-384 over SHA-512.
    EcdsaP384Sha512,
    /// RSA PKCS#1 v1.5 over SHA-256.
    RsaPkcs1Sha256,
    /// RSA PKCS#1 v1.5 over SHA-384.
    RsaPkcs1Sha384,
    /// RSA PKCS#1 v1.5 over SHA-512.
    RsaPkcs1Sha512,
}

impl SignatureAlgorithm {
    /// The whole list.
    pub const ALL: [Self; 9] = [
        Self::EcdsaP256Sha256,
        Self::EcdsaP256Sha384,
        Self::EcdsaP256Sha512,
        Self::EcdsaP384Sha256,
        Self::EcdsaP384Sha384,
        Self::EcdsaP384Sha512,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
    ];

    /// The algorithm by which `key` signs over `digest`; none if documents aren't signed with such a key.
    #[must_use]
    pub const fn of(key: &PublicKey, digest: DigestAlgorithm) -> Option<Self> {
        Some(match (key, digest) {
            (PublicKey::P256 { .. }, DigestAlgorithm::Sha256) => Self::EcdsaP256Sha256,
            (PublicKey::P256 { .. }, DigestAlgorithm::Sha384) => Self::EcdsaP256Sha384,
            (PublicKey::P256 { .. }, DigestAlgorithm::Sha512) => Self::EcdsaP256Sha512,
            (PublicKey::P384 { .. }, DigestAlgorithm::Sha256) => Self::EcdsaP384Sha256,
            (PublicKey::P384 { .. }, DigestAlgorithm::Sha384) => Self::EcdsaP384Sha384,
            (PublicKey::P384 { .. }, DigestAlgorithm::Sha512) => Self::EcdsaP384Sha512,
            (PublicKey::Rsa { .. }, DigestAlgorithm::Sha256) => Self::RsaPkcs1Sha256,
            (PublicKey::Rsa { .. }, DigestAlgorithm::Sha384) => Self::RsaPkcs1Sha384,
            (PublicKey::Rsa { .. }, DigestAlgorithm::Sha512) => Self::RsaPkcs1Sha512,
            (PublicKey::Other { .. }, _) => return None,
        })
    }

    /// The digest that is signed.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::EcdsaP256Sha256 | Self::EcdsaP384Sha256 | Self::RsaPkcs1Sha256 => DigestAlgorithm::Sha256,
            Self::EcdsaP256Sha384 | Self::EcdsaP384Sha384 | Self::RsaPkcs1Sha384 => DigestAlgorithm::Sha384,
            Self::EcdsaP256Sha512 | Self::EcdsaP384Sha512 | Self::RsaPkcs1Sha512 => DigestAlgorithm::Sha512,
        }
    }

    /// Whether it is RSA, whose algorithm identifiers carry NULL parameters; ECDSA's carry none.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::RsaPkcs1Sha256 | Self::RsaPkcs1Sha384 | Self::RsaPkcs1Sha512)
    }

    /// The object identifier that names key kind and digest together, dotted: ecdsa-with-SHA256, sha256WithRSAEncryption, ….
    #[must_use]
    pub const fn oid(self) -> &'static str {
        match (self.is_rsa(), self.digest()) {
            (false, DigestAlgorithm::Sha256) => "1.2.840.10045.4.3.2",
            (false, DigestAlgorithm::Sha384) => "1.2.840.10045.4.3.3",
            (false, DigestAlgorithm::Sha512) => "1.2.840.10045.4.3.4",
            (true, DigestAlgorithm::Sha256) => "1.2.840.113549.1.1.11",
            (true, DigestAlgorithm::Sha384) => "1.2.840.113549.1.1.12",
            (true, DigestAlgorithm::Sha512) => "1.2.840.113549.1.1.13",
        }
    }

    fn verifier(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::EcdsaP256Sha384 => &signature::ECDSA_P256_SHA384_ASN1,
            Self::EcdsaP256Sha512 => &signature::ECDSA_P256_SHA512_ASN1,
            Self::EcdsaP384Sha256 => &signature::ECDSA_P384_SHA256_ASN1,
            Self::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_ASN1,
            Self::EcdsaP384Sha512 => &signature::ECDSA_P384_SHA512_ASN1,
            Self::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPkcs1Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256Sha256 => "ECDSA P-256 with SHA-256",
            Self::EcdsaP256Sha384 => "ECDSA P-256 with SHA-384",
            Self::EcdsaP256Sha512 => "ECDSA P-256 with SHA-512",
            Self::EcdsaP384Sha256 => "ECDSA P-384 with SHA-256",
            Self::EcdsaP384Sha384 => "ECDSA P-384 with SHA-384",
            Self::EcdsaP384Sha512 => "ECDSA P-384 with SHA-512",
            Self::RsaPkcs1Sha256 => "RSA PKCS#1 v1.5 with SHA-256",
            Self::RsaPkcs1Sha384 => "RSA PKCS#1 v1.5 with SHA-384",
            Self::RsaPkcs1Sha512 => "RSA PKCS#1 v1.5 with SHA-512",
        })
    }
}

/// The signature was not made by the certificate's key over this message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureInvalid {
    /// The algorithm can't be used with the certificate's key.
    #[error("a signature by {algorithm} can't come from a certificate whose key is {key}")]
    OtherKey {
        /// The algorithm that the signature names.
        algorithm: SignatureAlgorithm,
        /// The certificate's key.
        key: String,
    },
    /// An RSA key outside the accepted lengths.
    #[error("an RSA key of {bits} bits is not accepted: {MIN_RSA_BITS_TO_VERIFY} to {MAX_RSA_BITS} are")]
    KeyLength {
        /// The key's length.
        bits: usize,
    },
    /// The check itself failed.
    #[error("the signature does not fit the message and the certificate's key")]
    Wrong,
}

/// Checks that `signature` over `message` was made by `certificate`'s key.
///
/// ECDSA signatures are the DER of r and s, RSA ones PKCS#1 v1.5; RSA keys of 2048 bits and more are accepted.
///
/// # Errors
/// [`SignatureInvalid`].
pub fn verify_signature(
    certificate: &Certificate,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureInvalid> {
    let key = certificate.public_key();
    if SignatureAlgorithm::of(key, algorithm.digest()) != Some(algorithm) {
        return Err(SignatureInvalid::OtherKey { algorithm, key: key.to_string() });
    }
    let bytes = match key {
        PublicKey::P256 { point } | PublicKey::P384 { point } => point,
        PublicKey::Rsa { der, bits } => {
            if !(MIN_RSA_BITS_TO_VERIFY..=MAX_RSA_BITS).contains(bits) {
                return Err(SignatureInvalid::KeyLength { bits: *bits });
            }
            der
        }
        PublicKey::Other { .. } => {
            return Err(SignatureInvalid::OtherKey { algorithm, key: key.to_string() });
        }
    };
    UnparsedPublicKey::new(algorithm.verifier(), bytes)
        .verify(message, signature)
        .map_err(|_| SignatureInvalid::Wrong)
}

/// Something that signs: a key file, a card, a hardware module.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature it makes.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs `message` (the message itself, not its digest): raw PKCS#1 v1.5 for RSA, the DER of r and s for ECDSA.
    ///
    /// # Errors
    /// [`SignError`] if the key can't be used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The signer's certificate, then the issuers below the anchor; never empty, none self-signed.
    fn chain(&self) -> &[Certificate];

    /// The signer's own certificate.
    ///
    /// # Errors
    /// [`SignError::NoCertificate`] if the signer breaks its promise of a chain.
    fn certificate(&self) -> Result<&Certificate, SignError> {
        self.chain().first().ok_or(SignError::NoCertificate)
    }
}

/// A key and its certificate can't be used to sign, or signing failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The certificate file can't be read.
    #[error("the signer's certificate can't be read")]
    Certificate(#[source] CertificateError),
    /// The key file holds a kind of key that isn't read.
    #[error("the private key can't be read: {what}")]
    Key {
        /// What is wrong and what to do.
        what: &'static str,
    },
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate of `{subject}`")]
    OtherCertificate {
        /// The certificate's subject.
        subject: String,
    },
    /// Documents aren't signed with such keys.
    #[error(
        "documents can't be signed with {key}: ECDSA P-256, ECDSA P-384 or RSA of at least {MIN_RSA_BITS_TO_SIGN} bits is expected"
    )]
    KeyKind {
        /// The certificate's key.
        key: String,
    },
    /// The certificate is its own issuer or an authority.
    #[error("the certificate of `{subject}` can't sign documents: it is {what}")]
    NotASigner {
        /// The certificate's subject.
        subject: String,
        /// Why not.
        what: &'static str,
    },
    /// No certificate at all.
    #[error("the signer has no certificate")]
    NoCertificate,
    /// The cryptographic library, the card or the module refused.
    #[error("the signature could not be made")]
    Failed,
}

enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A signer whose key lies in a PKCS#8 file.
pub struct FileSigner {
    key: PrivateKey,
    algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
    random: SystemRandom,
}

impl FileSigner {
    /// Takes a PKCS#8 key and the certificates, the signer's own first; further ones in any order.
    ///
    /// Of the further certificates those are kept that lead upwards from the signer's; self-signed ones are dropped.
    ///
    /// # Errors
    /// [`SignError`] if a file can't be read, key and certificate don't belong together, the key is of a kind or
    /// length that doesn't sign, or the certificate is self-signed, an authority's, or not meant for signing.
    pub fn from_pem(key_pem: &str, certificates_pem: &str) -> Result<Self, SignError> {
        let certificates = Certificate::pem_chain(certificates_pem).map_err(SignError::Certificate)?;
        let leaf = certificates.first().ok_or(SignError::NoCertificate)?;
        let not_a_signer = |what| SignError::NotASigner { subject: leaf.subject(), what };
        if leaf.is_authority() {
            return Err(not_a_signer("an authority's"));
        }
        if leaf.is_self_signed() {
            return Err(not_a_signer("self-signed, so no authority vouches for it"));
        }
        if !leaf.may_sign_documents() {
            return Err(not_a_signer("not meant for signatures (key usage)"));
        }
        let der = private_key(key_pem)?;
        let (key, algorithm) = open_key(leaf, &der)?;
        Ok(Self { key, algorithm, chain: upwards(leaf, &certificates), random: SystemRandom::new() })
    }
}

impl Signer for FileSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.key {
            PrivateKey::Ecdsa(key) => key
                .sign(&self.random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SignError::Failed),
            PrivateKey::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding: &'static dyn RsaEncoding = &signature::RSA_PKCS1_SHA256;
                key.sign(padding, &self.random, message, &mut signature).map_err(|_| SignError::Failed)?;
                Ok(signature)
            }
        }
    }

    fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

/// The PKCS#8 DER of a PEM text with exactly one private key.
pub(crate) fn private_key(text: &str) -> Result<Zeroizing<Vec<u8>>, SignError> {
    let unreadable = |what| SignError::Key { what };
    if text.len() > MAX_KEY_TEXT_BYTES {
        return Err(unreadable("the file is unreasonably long"));
    }
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return Err(unreadable("it is encrypted; decrypt it with `openssl pkcs8 -in KEY -out PLAIN`"));
    }
    let mut found = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
        let (kind, der) = section.map_err(|_| unreadable("it is no PEM"))?;
        let der = Zeroizing::new(der);
        match kind {
            SectionKind::PrivateKey if found.is_none() => found = Some(der),
            SectionKind::PrivateKey => return Err(unreadable("the file holds more than one")),
            SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey => {
                return Err(unreadable(
                    "it is not PKCS#8; convert it with `openssl pkcs8 -topk8 -nocrypt -in KEY -out KEY.pk8`",
                ));
            }
            _ => {}
        }
    }
    found.ok_or_else(|| unreadable("`-----BEGIN PRIVATE KEY-----` (PKCS#8) is expected"))
}

/// Opens a PKCS#8 key and checks that it is the one of `leaf`.
fn open_key(leaf: &Certificate, der: &[u8]) -> Result<(PrivateKey, SignatureAlgorithm), SignError> {
    let other = || SignError::OtherCertificate { subject: leaf.subject() };
    let kind = || SignError::KeyKind { key: leaf.public_key().to_string() };
    let (key, algorithm, public, expected) = match leaf.public_key() {
        PublicKey::P256 { point } => {
            let key = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, der)
                .map_err(|_| other())?;
            let public = key.public_key().as_ref().to_vec();
            (PrivateKey::Ecdsa(key), SignatureAlgorithm::EcdsaP256Sha256, public, point)
        }
        PublicKey::P384 { point } => {
            let key = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, der)
                .map_err(|_| other())?;
            let public = key.public_key().as_ref().to_vec();
            (PrivateKey::Ecdsa(key), SignatureAlgorithm::EcdsaP384Sha384, public, point)
        }
        PublicKey::Rsa { bits, .. } if *bits < MIN_RSA_BITS_TO_SIGN => return Err(kind()),
        PublicKey::Rsa { der: expected, .. } => {
            let key = RsaKeyPair::from_pkcs8(der).map_err(|_| other())?;
            let public = key.public_key().as_ref().to_vec();
            (PrivateKey::Rsa(key), SignatureAlgorithm::RsaPkcs1Sha256, public, expected)
        }
        PublicKey::Other { .. } => return Err(kind()),
    };
    if public == *expected { Ok((key, algorithm)) } else { Err(other()) }
}

/// The certificates from `leaf` upwards, each named as issuer by the one before, without self-signed ones.
pub(crate) fn upwards(leaf: &Certificate, certificates: &[Certificate]) -> Vec<Certificate> {
    let mut chain = vec![leaf.clone()];
    // At most one step for each certificate, so that a ring of names ends too.
    for _ in 1..certificates.len() {
        let next = certificates.iter().find(|candidate| {
            candidate.may_issue()
                && !candidate.is_self_signed()
                && !chain.contains(candidate)
                && chain.last().is_some_and(|last| last.names_as_issuer(candidate))
        });
        match next {
            Some(next) => chain.push(next.clone()),
            None => break,
        }
    }
    chain
}

#[cfg(test)]
mod tests;
