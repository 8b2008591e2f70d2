//! Checks a parsed signature against content, key and anchors.
//!
//! The only maker of [`VerifiedSignature`] and [`IntactSignature`]. May call the path validation of
//! `rogatory-pki`; anchors and the instant are handed in. Never looks at revocation: that is judged where the
//! lists are.

use super::{CadesError, Framing, ParsedSignature};
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::{Anchors, ValidatedPath};
use rogatory_pki::signing::verify_signature;

/// A signature that fits its content and its key. Nobody has vouched for the certificate.
///
/// Only [`verify_integrity`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntactSignature {
    signature: ParsedSignature,
    content: Digest,
}

/// A signature that fits its content and its key, by a certificate that leads to an anchor.
///
/// Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSignature {
    intact: IntactSignature,
    path: ValidatedPath,
}

impl IntactSignature {
    /// The signature as it was read.
    #[must_use]
    pub fn parsed(&self) -> &ParsedSignature {
        &self.signature
    }

    /// The signer's certificate, which nobody here vouches for.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.signature.signer_certificate()
    }

    /// When the signer says it signed.
    #[must_use]
    pub fn claimed_time(&self) -> Timestamp {
        self.signature.claimed_time()
    }

    /// The function the signer claims.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.signature.claimed_function()
    }

    /// SHA-256 of the content that was signed.
    #[must_use]
    pub fn content_digest(&self) -> Digest {
        self.content
    }
}

impl VerifiedSignature {
    /// The signature as it was read.
    #[must_use]
    pub fn parsed(&self) -> &ParsedSignature {
        self.intact.parsed()
    }

    /// The signer's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.path.leaf()
    }

    /// The path from the signer's certificate to the anchor.
    #[must_use]
    pub fn path(&self) -> &ValidatedPath {
        &self.path
    }

    /// When the signer says it signed.
    #[must_use]
    pub fn claimed_time(&self) -> Timestamp {
        self.intact.claimed_time()
    }

    /// The function the signer claims.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.intact.function()
    }

    /// SHA-256 of the content that was signed.
    #[must_use]
    pub fn content_digest(&self) -> Digest {
        self.intact.content_digest()
    }
}

/// Checks that `signature` stands over `content` and that its certificate leads to one of `anchors`, all at
/// the instant `at`.
///
/// # Errors
/// [`CadesError::MessageDigest`], [`CadesError::Signature`], [`CadesError::Path`], and in the canonical
/// framing [`CadesError::UnusedCertificate`].
pub fn verify(
    signature: &ParsedSignature,
    content: &[u8],
    anchors: &Anchors,
    at: Timestamp,
) -> Result<VerifiedSignature, CadesError> {
    let intact = verify_integrity(signature, content)?;
    let path = anchors
        .validate_signing(signature.signer_certificate(), signature.certificates(), at)
        .map_err(CadesError::Path)?;
    if signature.framing() == Framing::Canonical {
        check_embedded(signature, &path)?;
    }
    Ok(VerifiedSignature { intact, path })
}

/// Checks that `signature` stands over `content`, without asking whom its certificate belongs to.
///
/// # Errors
/// [`CadesError::MessageDigest`], [`CadesError::Signature`].
pub fn verify_integrity(signature: &ParsedSignature, content: &[u8]) -> Result<IntactSignature, CadesError> {
    check(signature, content)?;
    Ok(IntactSignature { signature: signature.clone(), content: Digest::of(content) })
}

/// The digest of the content, then the key's signature over the attributes that hold the digest.
pub(super) fn check(signature: &ParsedSignature, content: &[u8]) -> Result<(), CadesError> {
    let signed = &signature.parts.signed;
    if signed.algorithm.digest().digest(content) != signed.message_digest {
        return Err(CadesError::MessageDigest);
    }
    let (leaf, algorithm) = (&signed.leaf, signed.algorithm);
    verify_signature(leaf, algorithm, &signature.attributes, &signature.parts.signature)
        .map_err(CadesError::Signature)
}

/// Each embedded certificate must be on the path, or be the anchor itself where that isn't self-signed:
/// nothing else would vouch for its bytes.
fn check_embedded(signature: &ParsedSignature, path: &ValidatedPath) -> Result<(), CadesError> {
    let unused = signature
        .certificates()
        .iter()
        .find(|c| path.below_anchor().all(|on_path| on_path != *c) && path.anchor() != *c);
    match unused {
        None => Ok(()),
        Some(certificate) => Err(CadesError::UnusedCertificate { subject: certificate.subject() }),
    }
}
