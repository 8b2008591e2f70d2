//! Formal documents: small ASiC-E containers with numbered signatures, in memory.
//!
//! A document holds content files and one to nine layers; layer n is `META-INF/ASiCManifest00n.xml`, which
//! lists every content file and all earlier manifests and signatures, and the signature over it. The order of
//! the entries follows from the layers, so a document has one byte form. May call [`crate::zip`],
//! [`crate::manifest`] and [`crate::cades`]. Which persons must have signed what is not decided here.

mod build;
mod error;
mod read;
#[cfg(test)]
mod tests;
mod verify;

pub use build::{Unsigned, start};
pub use error::AsiceError;
pub use verify::{IntactAsice, VerifiedAsice, verify, verify_integrity};

use crate::manifest::{DataReference, MANIFEST_MIME, SIGNATURE_MIME};
use rogatory_core::Digest;
use std::sync::{Arc, OnceLock};

/// Longest formal document, as a file.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;
/// Most signatures of a formal document.
pub const MAX_SIGNATURES: usize = 9;
/// The file by which the seal vouches for the persons who signed before; covered by the seal only.
pub const SIGNERS_NAME: &str = "signers.json";

pub(crate) const META_INF: &str = "META-INF/";
const SIGNERS_MIME: &str = "application/json";

/// The name of the nth manifest: `META-INF/ASiCManifest001.xml` and so on.
#[must_use]
pub fn manifest_name(n: usize) -> String {
    format!("{META_INF}ASiCManifest{n:03}.xml")
}

/// The name of the nth signature: `META-INF/signature001.p7s` and so on.
#[must_use]
pub fn signature_name(n: usize) -> String {
    format!("{META_INF}signature{n:03}.p7s")
}

/// A formal document with at least one signature. Its form is right; its signatures may be anything until
/// [`verify()`] has checked them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asice {
    /// In the order of the container, `mimetype` left out: contents, layers, `signers.json` before the last.
    files: Vec<File>,
    signatures: usize,
}

/// One file of a document. Its bytes never change, so copies share them and they are hashed once.
#[derive(Debug, Clone)]
struct File {
    name: String,
    mime: String,
    bytes: Arc<Vec<u8>>,
    digest: OnceLock<Digest>,
}

impl PartialEq for File {
    /// What is known of the digest is no part of the file.
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.mime, &self.bytes) == (&other.name, &other.mime, &other.bytes)
    }
}

impl Eq for File {}

impl File {
    fn new(name: String, mime: String, bytes: Vec<u8>) -> Self {
        Self { name, mime, bytes: Arc::new(bytes), digest: OnceLock::new() }
    }

    fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| Digest::of(&self.bytes))
    }

    fn is_content(&self) -> bool {
        !self.name.starts_with(META_INF)
    }
}

impl Asice {
    /// The content of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|f| f.name == name)?;
        Some(&file.bytes)
    }

    /// SHA-256 of a file.
    #[must_use]
    pub fn digest(&self, name: &str) -> Option<Digest> {
        self.files.iter().find(|f| f.name == name).map(File::digest)
    }

    /// The media type the manifests state for a file.
    #[must_use]
    pub fn media_type(&self, name: &str) -> Option<&str> {
        let file = self.files.iter().find(|f| f.name == name)?;
        Some(&file.mime)
    }

    /// The names of the content files, `signers.json` included, in order.
    pub fn content_names(&self) -> impl Iterator<Item = &str> {
        let contents = self.files.iter().filter(|f| f.is_content());
        contents.map(|f| f.name.as_str())
    }

    /// How many signatures there are; at least one.
    #[must_use]
    pub fn signature_count(&self) -> usize {
        self.signatures
    }

    /// The bytes of the nth signature, counted from 1.
    #[must_use]
    pub fn signature(&self, n: usize) -> Option<&[u8]> {
        self.file(&signature_name(n))
    }

    /// The bytes of the nth manifest, counted from 1.
    #[must_use]
    pub fn manifest(&self, n: usize) -> Option<&[u8]> {
        self.file(&manifest_name(n))
    }

    /// Whether the last layer vouches for the persons of the earlier ones; nothing can be signed after it.
    #[must_use]
    pub fn names_its_signers(&self) -> bool {
        self.file(SIGNERS_NAME).is_some()
    }
}

/// The files that a manifest after `files` must refer to: contents in order, then earlier manifests and signatures.
fn referenced(files: &[File]) -> impl Iterator<Item = &File> {
    let contents = files.iter().filter(|f| f.is_content());
    let layers = files.iter().filter(|f| !f.is_content());
    contents.chain(layers)
}

/// What a manifest after `files` says of them.
fn references(files: &[File]) -> Vec<DataReference> {
    let reference = |file: &File| DataReference {
        uri: file.name.clone(),
        mime: Some(file.mime.clone()),
        digest: file.digest(),
    };
    referenced(files).map(reference).collect()
}

fn manifest_file(n: usize, bytes: Vec<u8>) -> File {
    File::new(manifest_name(n), MANIFEST_MIME.to_owned(), bytes)
}

fn signature_file(n: usize, bytes: Vec<u8>) -> File {
    File::new(signature_name(n), SIGNATURE_MIME.to_owned(), bytes)
}
