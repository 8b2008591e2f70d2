//! Reads a formal document: the canonical container, each layer in its place, every file covered.
//!
//! May call the strict ZIP reader and the manifest. Checks form only; digests and signatures are checked in
//! [`super::verify()`].

use super::build::check_content_name;
use super::{
    Asice, AsiceError, File, MAX_DOCUMENT_BYTES, MAX_SIGNATURES, META_INF, SIGNERS_MIME, SIGNERS_NAME,
    manifest_file, manifest_name, referenced, signature_file, signature_name,
};
use crate::manifest::AsicManifest;
use crate::zip::{StrictZip, ZipLimits};
use std::io::Cursor;
use std::vec::IntoIter;

/// The entries after `mimetype` that weren't taken yet, in order.
struct Entries(std::iter::Peekable<IntoIter<(String, Vec<u8>)>>);

impl Asice {
    /// Reads a document from its bytes; [`ZipLimits::DOCUMENT`] are the usual limits.
    ///
    /// # Errors
    /// [`AsiceError`] with the first rule that is broken, naming the part.
    pub fn from_bytes(bytes: &[u8], limits: ZipLimits) -> Result<Self, AsiceError> {
        let found = bytes.len() as u64;
        let limit = MAX_DOCUMENT_BYTES.min(limits.max_total_bytes);
        if found > limit {
            return Err(AsiceError::TooLong { found, limit });
        }
        let mut entries = read_entries(bytes, limits)?;
        let mut asice = Self { files: entries.take_contents()?, signatures: 0 };
        while entries.0.peek().is_some() {
            asice.read_layer(&mut entries)?;
        }
        if asice.signatures == 0 {
            return Err(layout(manifest_name(1), None));
        }
        if asice.encode()? == bytes { Ok(asice) } else { Err(AsiceError::NotCanonical) }
    }

    /// Takes the next layer, with `signers.json` before it if this is the last.
    fn read_layer(&mut self, entries: &mut Entries) -> Result<(), AsiceError> {
        let n = self.signatures + 1;
        if n > MAX_SIGNATURES {
            return Err(AsiceError::TooManySignatures { limit: MAX_SIGNATURES });
        }
        let sealed = self.names_its_signers();
        let next = entries.0.peek().map(|(name, _)| name.as_str());
        if next == Some(SIGNERS_NAME) && n > 1 && !sealed {
            let bytes = entries.take(SIGNERS_NAME)?;
            self.files.push(File::new(SIGNERS_NAME.to_owned(), SIGNERS_MIME.to_owned(), bytes));
        } else if sealed {
            return Err(AsiceError::Sealed);
        }
        let part = manifest_name(n);
        let xml = entries.take(&part)?;
        let signature = entries.take(&signature_name(n))?;
        let manifest = AsicManifest::from_xml(&xml);
        let manifest = manifest.map_err(|source| AsiceError::Manifest { part: part.clone(), source })?;
        if n == 1 {
            self.take_media_types(&manifest);
        }
        self.check_references(n, part, &manifest)?;
        self.files.push(manifest_file(n, xml));
        self.files.push(signature_file(n, signature));
        self.signatures = n;
        Ok(())
    }

    /// The first manifest says what the content files are; later ones must say the same.
    fn take_media_types(&mut self, manifest: &AsicManifest) {
        for (file, reference) in self.files.iter_mut().zip(manifest.references()) {
            if file.name == reference.uri {
                file.mime = reference.mime.clone().unwrap_or_default();
            }
        }
    }

    fn check_references(&self, n: usize, part: String, manifest: &AsicManifest) -> Result<(), AsiceError> {
        if manifest.sig_reference() != signature_name(n) {
            let found = manifest.sig_reference().to_owned();
            return Err(AsiceError::OtherSignature { part, found });
        }
        let expected = || referenced(&self.files);
        let found = manifest.references();
        if let Some(missing) = expected().find(|e| found.iter().all(|f| f.uri != e.name)) {
            let file = missing.name.clone();
            return Err(AsiceError::NotCovered { part, file });
        }
        if let Some(unknown) = found.iter().find(|f| expected().all(|e| f.uri != e.name)) {
            let file = unknown.uri.clone();
            return Err(AsiceError::Unknown { part, file });
        }
        let mut pairs = expected().zip(found);
        if let Some((wrong, _)) = pairs.find(|(e, f)| e.name != f.uri || Some(&e.mime) != f.mime.as_ref()) {
            let file = wrong.name.clone();
            return Err(AsiceError::Reference { part, file });
        }
        Ok(())
    }
}

impl Entries {
    /// The files before the first of `META-INF`.
    fn take_contents(&mut self) -> Result<Vec<File>, AsiceError> {
        let mut files = Vec::new();
        let is_content = |(name, _): &(String, Vec<u8>)| !name.starts_with(META_INF);
        while let Some((name, bytes)) = self.0.next_if(is_content) {
            check_content_name(&name)?;
            // The media type stands in the first manifest.
            let mime = String::new();
            files.push(File::new(name, mime, bytes));
        }
        if files.is_empty() {
            return Err(AsiceError::Empty);
        }
        Ok(files)
    }

    /// The next file, which must have this name.
    fn take(&mut self, expected: &str) -> Result<Vec<u8>, AsiceError> {
        match self.0.next() {
            Some((name, bytes)) if name == expected => Ok(bytes),
            other => Err(layout(expected.to_owned(), other.map(|(name, _)| name))),
        }
    }
}

fn read_entries(bytes: &[u8], limits: ZipLimits) -> Result<Entries, AsiceError> {
    let mut zip = StrictZip::open(Cursor::new(bytes), limits).map_err(AsiceError::Zip)?;
    let names = zip.entries().iter().skip(1).map(|e| e.name.clone());
    let names: Vec<String> = names.collect();
    let mut entries = Vec::new();
    for name in names {
        let content = zip.read(&name, limits.max_total_bytes).map_err(AsiceError::Zip)?;
        entries.push((name, content));
    }
    Ok(Entries(entries.into_iter().peekable()))
}

fn layout(expected: String, found: Option<String>) -> AsiceError {
    let found = found.map_or("its end".to_owned(), |name| format!("`{name}`"));
    AsiceError::Layout { expected, found }
}
