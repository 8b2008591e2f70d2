//! Makes formal documents: contents, then one signature after another, then bytes.
//!
//! May call the manifest, the signature and the ZIP writer; a key is handed in as a [`Signer`]. What is
//! added never changes what was there: a layer only refers to the ones before it.

use super::{
    Asice, AsiceError, File, MAX_DOCUMENT_BYTES, MAX_SIGNATURES, META_INF, SIGNERS_MIME, SIGNERS_NAME,
    manifest_file, manifest_name, references, signature_file, signature_name,
};
use crate::cades;
use crate::manifest::AsicManifest;
use crate::zip::{MIMETYPE_NAME, ZipError, ZipLimits, ZipWriter};
use rogatory_core::Timestamp;
use rogatory_pki::signing::Signer;
use std::io::Cursor;

/// A document's contents before the first signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    files: Vec<File>,
}

/// Begins a document with its content files: name, media type and bytes of each, in their final order.
///
/// # Errors
/// [`AsiceError::Empty`], [`AsiceError::ReservedName`], [`AsiceError::TooLong`]; names and media types that
/// can't stand are found when the document is signed.
pub fn start(contents: Vec<(String, String, Vec<u8>)>) -> Result<Unsigned, AsiceError> {
    if contents.is_empty() {
        return Err(AsiceError::Empty);
    }
    let mut files = Vec::new();
    for (name, mime, bytes) in contents {
        check_content_name(&name)?;
        files.push(File::new(name, mime, bytes));
    }
    check_length(&files)?;
    Ok(Unsigned { files })
}

/// Names a content file can't have, letter case aside.
pub(super) fn check_content_name(name: &str) -> Result<(), AsiceError> {
    let folded = name.to_ascii_lowercase();
    let reserved = folded == MIMETYPE_NAME
        || folded == SIGNERS_NAME
        || folded.starts_with(&META_INF.to_ascii_lowercase());
    if reserved {
        return Err(AsiceError::ReservedName(name.to_owned()));
    }
    Ok(())
}

impl Unsigned {
    /// Puts the first signature under the contents.
    ///
    /// # Errors
    /// [`AsiceError`] if a name or media type can't stand, the document becomes too long, or the key fails.
    pub fn sign(
        self,
        signer: &dyn Signer,
        at: Timestamp,
        function: Option<&str>,
    ) -> Result<Asice, AsiceError> {
        let unsigned = Asice { files: self.files, signatures: 0 };
        unsigned.add_layer(signer, at, function)
    }
}

impl Asice {
    /// Puts a further signature under the contents and all earlier signatures.
    ///
    /// The earlier signatures are not verified; [`super::verify()`] does that, before anybody signs after them.
    ///
    /// # Errors
    /// [`AsiceError::Sealed`], [`AsiceError::TooManySignatures`], and as [`Unsigned::sign`].
    pub fn add_signature(
        self,
        signer: &dyn Signer,
        at: Timestamp,
        function: Option<&str>,
    ) -> Result<Self, AsiceError> {
        self.add_layer(signer, at, function)
    }

    /// Seals the document: a last signature, by the institution. With `signers_json` the file `signers.json`
    /// is added, which only the seal covers, and nothing can follow.
    ///
    /// # Errors
    /// As [`Asice::add_signature`].
    pub fn add_seal(
        mut self,
        signers_json: Option<Vec<u8>>,
        signer: &dyn Signer,
        at: Timestamp,
    ) -> Result<Self, AsiceError> {
        if self.names_its_signers() {
            return Err(AsiceError::Sealed);
        }
        let mut added = None;
        if let Some(bytes) = signers_json {
            added = Some(File::new(SIGNERS_NAME.to_owned(), SIGNERS_MIME.to_owned(), bytes));
        }
        self.files.extend(added);
        self.add_last_layer(signer, at, None)
    }

    fn add_layer(
        self,
        signer: &dyn Signer,
        at: Timestamp,
        function: Option<&str>,
    ) -> Result<Self, AsiceError> {
        if self.names_its_signers() {
            return Err(AsiceError::Sealed);
        }
        self.add_last_layer(signer, at, function)
    }

    fn add_last_layer(
        mut self,
        signer: &dyn Signer,
        at: Timestamp,
        function: Option<&str>,
    ) -> Result<Self, AsiceError> {
        let n = self.signatures + 1;
        if n > MAX_SIGNATURES {
            return Err(AsiceError::TooManySignatures { limit: MAX_SIGNATURES });
        }
        let manifest = AsicManifest::new(signature_name(n), references(&self.files));
        let manifest = manifest.map_err(|source| AsiceError::Manifest { part: manifest_name(n), source })?;
        let xml = manifest.to_xml();
        let signature = cades::sign(&xml, signer, at, function);
        let signature =
            signature.map_err(|source| AsiceError::Signing { part: signature_name(n), source })?;
        self.files.push(manifest_file(n, xml));
        self.files.push(signature_file(n, signature));
        self.signatures = n;
        // Read back as the receiver will: finds colliding names and whatever else would be refused there.
        if Self::from_bytes(&self.encode()?, ZipLimits::DOCUMENT)? != self {
            return Err(AsiceError::NotCanonical);
        }
        Ok(self)
    }

    /// The document's bytes; the same document always has the same.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Encoding succeeded when this value was made, and the value hasn't changed since.
        self.encode().unwrap_or_default()
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>, AsiceError> {
        check_length(&self.files)?;
        let bytes = self.write().map_err(AsiceError::Zip)?;
        let found = bytes.len() as u64;
        if found > MAX_DOCUMENT_BYTES {
            return Err(too_long(found));
        }
        Ok(bytes)
    }

    fn write(&self) -> Result<Vec<u8>, ZipError> {
        // Contents, and at most 512 bytes of headers a file.
        let length: usize = self.files.iter().map(|file| file.bytes.len() + 512).sum();
        let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(length)));
        zip.add_mimetype()?;
        for file in &self.files {
            zip.add(&file.name, &file.bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    }
}

fn check_length(files: &[File]) -> Result<(), AsiceError> {
    let total = files.iter().map(|f| f.bytes.len() as u64).sum();
    if total > MAX_DOCUMENT_BYTES {
        return Err(too_long(total));
    }
    Ok(())
}

fn too_long(found: u64) -> AsiceError {
    AsiceError::TooLong { found, limit: MAX_DOCUMENT_BYTES }
}
