//! Verifies a formal document layer by layer.
//!
//! The only maker of [`VerifiedAsice`] and [`IntactAsice`]. May call the manifest and the signature
//! verifier. Says who signed, in which order; whether they are the right persons is judged elsewhere.

use super::{Asice, AsiceError, manifest_name, signature_name};
use crate::cades::{self, CadesError, Framing, IntactSignature, ParsedSignature, VerifiedSignature};
use crate::manifest::AsicManifest;
use rogatory_core::Timestamp;
use rogatory_pki::path::Anchors;

/// A document of which every file is covered by every signature it must be covered by, and every signature
/// verifies by a certificate that leads to an anchor. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAsice {
    asice: Asice,
    signatures: Vec<VerifiedSignature>,
}

/// As [`VerifiedAsice`], but nobody has vouched for the certificates. Only [`verify_integrity`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntactAsice {
    asice: Asice,
    signatures: Vec<IntactSignature>,
}

impl VerifiedAsice {
    /// The document.
    #[must_use]
    pub fn asice(&self) -> &Asice {
        &self.asice
    }

    /// The content of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.asice.file(name)
    }

    /// The signatures in order; at least one.
    #[must_use]
    pub fn signatures(&self) -> &[VerifiedSignature] {
        &self.signatures
    }
}

impl IntactAsice {
    /// The document.
    #[must_use]
    pub fn asice(&self) -> &Asice {
        &self.asice
    }

    /// The content of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.asice.file(name)
    }

    /// The signatures in order; at least one.
    #[must_use]
    pub fn signatures(&self) -> &[IntactSignature] {
        &self.signatures
    }
}

/// Verifies every layer of a document at the instant `at`.
///
/// # Errors
/// [`AsiceError::Digest`] or [`AsiceError::Signature`], naming the first part that fails.
pub fn verify(asice: &Asice, anchors: &Anchors, at: Timestamp) -> Result<VerifiedAsice, AsiceError> {
    let check =
        |signature: &ParsedSignature, manifest: &[u8]| cades::verify(signature, manifest, anchors, at);
    Ok(VerifiedAsice { asice: asice.clone(), signatures: check_layers(asice, check)? })
}

/// Checks every digest and every signature, without asking whom the certificates belong to.
///
/// # Errors
/// As [`verify`].
pub fn verify_integrity(asice: &Asice) -> Result<IntactAsice, AsiceError> {
    Ok(IntactAsice { asice: asice.clone(), signatures: check_layers(asice, cades::verify_integrity)? })
}

fn check_layers<T>(
    asice: &Asice,
    check: impl Fn(&ParsedSignature, &[u8]) -> Result<T, CadesError>,
) -> Result<Vec<T>, AsiceError> {
    (1..=asice.signature_count()).map(|n| check_layer(asice, n, &check)).collect()
}

fn check_layer<T>(
    asice: &Asice,
    n: usize,
    check: &impl Fn(&ParsedSignature, &[u8]) -> Result<T, CadesError>,
) -> Result<T, AsiceError> {
    let part = manifest_name(n);
    let missing = |expected: String| AsiceError::Layout { expected, found: "nothing".to_owned() };
    let xml = asice.manifest(n).ok_or_else(|| missing(part.clone()))?;
    let manifest =
        AsicManifest::from_xml(xml).map_err(|source| AsiceError::Manifest { part: part.clone(), source })?;
    for reference in manifest.references() {
        let file = reference.uri.clone();
        let digest = asice.digest(&file).ok_or_else(|| missing(file.clone()))?;
        if digest != reference.digest {
            return Err(AsiceError::Digest { part, file });
        }
    }
    let part = signature_name(n);
    let der = asice.signature(n).ok_or_else(|| missing(part.clone()))?;
    let parsed = cades::parse(der, Framing::Canonical);
    let checked = parsed.and_then(|signature| check(&signature, xml));
    checked.map_err(|source| AsiceError::Signature { part, source })
}
