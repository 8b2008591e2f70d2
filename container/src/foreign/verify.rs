//! Verifies a foreign container: every manifest, every signature, every file they cover.
//!
//! The only maker of [`ForeignVerified`]. Files are read as streams, each once. A file outside `META-INF` that no
//! signature covers makes the whole container fail; what lies in `META-INF` uncovered is told. Anchors and the instant
//! are handed in. Who must have signed is judged elsewhere.

use super::manifest::{DigestMethod, ForeignManifest};
use super::{ForeignError, ForeignXmlError};
use crate::cades::{self, Framing, MAX_SIGNATURE_BYTES, VerifiedSignature};
use crate::manifest::MAX_MANIFEST_BYTES;
use crate::zip::{MIMETYPE, MIMETYPE_NAME};
use rogatory_core::Timestamp;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::{Anchors, ValidatedPath};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

/// Most manifests of one container.
pub const MAX_LAYERS: usize = 32;
const BUFFER_BYTES: usize = 128 * 1024;

/// Where the files of a foreign container lie.
pub trait ForeignFiles {
    /// The names of all files.
    fn names(&self) -> Vec<String>;

    /// Reads one file from its beginning.
    ///
    /// # Errors
    /// As the place where it lies.
    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// One signature of a foreign container and what it covers.
#[derive(Debug, Clone)]
pub struct ForeignSignature {
    name: String,
    manifest: String,
    covers: Vec<String>,
    signature: VerifiedSignature,
}

impl ForeignSignature {
    /// The signature's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files it covers, in the order of its manifest.
    #[must_use]
    pub fn covers(&self) -> &[String] {
        &self.covers
    }

    /// The signer's certificate; it leads to an anchor.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.signature.certificate()
    }

    /// The anchor that vouches for the signer.
    #[must_use]
    pub fn anchor(&self) -> &Certificate {
        self.signature.path().anchor()
    }

    /// The path from the signer's certificate to the anchor.
    #[must_use]
    pub fn path(&self) -> &ValidatedPath {
        self.signature.path()
    }

    /// When the signer says it signed.
    #[must_use]
    pub fn claimed_time(&self) -> Timestamp {
        self.signature.claimed_time()
    }
}

/// A container of which every content file is covered by a signature whose certificate leads to an anchor. Its framing
/// is covered by nothing. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct ForeignVerified {
    signatures: Vec<ForeignSignature>,
    covered: BTreeSet<String>,
    uncovered: Vec<String>,
}

impl ForeignVerified {
    /// The signatures by the names of their manifests; at least one.
    #[must_use]
    pub fn signatures(&self) -> &[ForeignSignature] {
        &self.signatures
    }

    /// The files in `META-INF` that nothing covers, beside the manifests and signatures themselves.
    #[must_use]
    pub fn uncovered(&self) -> &[String] {
        &self.uncovered
    }

    /// Whether a signature covers this file.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        self.covered.contains(name)
    }

    /// Whether `signature` covers every file outside `META-INF`, by its own manifest or by one that this covers.
    #[must_use]
    pub fn is_covered_by(&self, signature: &ForeignSignature) -> bool {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut manifests = vec![signature.manifest.as_str()];
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(manifest) = manifests.pop() {
            if !seen.insert(manifest) {
                continue;
            }
            for one in self.signatures.iter().filter(|one| one.manifest == manifest) {
                reached.extend(one.covers.iter().map(String::as_str));
                manifests.extend(one.covers.iter().filter(|name| is_manifest(name)).map(String::as_str));
            }
        }
        let mut content = self.covered.iter().filter(|name| !name.starts_with("META-INF/"));
        content.all(|name| reached.contains(name.as_str()))
    }
}

/// Verifies every signature at the instant `at`, and every file by its digests.
///
/// # Errors
/// [`ForeignError`], naming the first part that fails.
pub fn verify(
    files: &dyn ForeignFiles,
    anchors: &Anchors,
    at: Timestamp,
) -> Result<ForeignVerified, ForeignError> {
    let names: BTreeSet<String> = files.names().into_iter().collect();
    let manifests: Vec<&String> = names.iter().filter(|name| is_manifest(name)).collect();
    if manifests.is_empty() {
        return Err(ForeignError::NoManifest);
    }
    if manifests.len() > MAX_LAYERS {
        return Err(ForeignError::TooManyLayers(MAX_LAYERS));
    }
    if names.contains(MIMETYPE_NAME) && read(files, MIMETYPE_NAME, 64)? != MIMETYPE.as_bytes() {
        return Err(ForeignError::Mimetype);
    }
    let mut wanted: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
    let mut signatures = Vec::new();
    let mut used = BTreeSet::new();
    for part in manifests {
        let xml = read(files, part, MAX_MANIFEST_BYTES)?;
        let manifest = ForeignManifest::from_xml(&xml)
            .map_err(|source| ForeignError::Manifest { part: part.clone(), source })?;
        signatures.push(check_signature(files, &names, part, &xml, &manifest, &mut used, (anchors, at))?);
        for reference in manifest.references {
            let entry = wanted.entry(reference.name).or_default();
            entry.push(Wanted { part: part.clone(), method: reference.method, digest: reference.digest });
        }
    }
    if let Some(stray) = names.iter().find(|name| is_signature(name) && !used.contains(*name)) {
        return Err(ForeignError::StraySignature(stray.clone()));
    }
    for (file, wanted) in &wanted {
        check_file(files, &names, file, wanted)?;
    }
    let open = |name: &&String| !wanted.contains_key(*name) && *name != MIMETYPE_NAME;
    let uncovered: Vec<String> =
        names.iter().filter(open).filter(|name| !is_manifest(name) && !is_signature(name)).cloned().collect();
    match uncovered.iter().find(|name| !name.starts_with("META-INF/")) {
        Some(content) => Err(ForeignError::NotCovered(content.clone())),
        None => {
            let covered = wanted.into_keys().collect();
            Ok(ForeignVerified { signatures, covered, uncovered })
        }
    }
}

/// What a manifest says of a file.
struct Wanted {
    part: String,
    method: DigestMethod,
    digest: Vec<u8>,
}

fn is_manifest(name: &str) -> bool {
    name.strip_prefix("META-INF/").is_some_and(|name| name.contains("ASiCManifest") && name.ends_with(".xml"))
}

fn is_signature(name: &str) -> bool {
    name.starts_with("META-INF/") && name.ends_with(".p7s")
}

fn read(files: &dyn ForeignFiles, name: &str, limit: usize) -> Result<Vec<u8>, ForeignError> {
    let failed = |source| ForeignError::Read { file: name.to_owned(), source };
    let mut bytes = Vec::new();
    let reader = files.open(name).map_err(failed)?;
    reader.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        let source = ForeignXmlError::TooLong(bytes.len());
        return Err(ForeignError::Manifest { part: name.to_owned(), source });
    }
    Ok(bytes)
}

fn check_signature(
    files: &dyn ForeignFiles,
    names: &BTreeSet<String>,
    part: &str,
    xml: &[u8],
    manifest: &ForeignManifest,
    used: &mut BTreeSet<String>,
    (anchors, at): (&Anchors, Timestamp),
) -> Result<ForeignSignature, ForeignError> {
    let name = &manifest.signature;
    let wrong = |why| ForeignError::SignatureName { part: part.to_owned(), signature: name.clone(), why };
    if !names.contains(name) {
        return Err(wrong("is not there"));
    }
    if !used.insert(name.clone()) {
        return Err(wrong("another manifest names too"));
    }
    let der = read(files, name, MAX_SIGNATURE_BYTES)?;
    let signature = cades::parse(&der, Framing::Foreign)
        .and_then(|parsed| cades::verify(&parsed, xml, anchors, at))
        .map_err(|source| ForeignError::Signature { part: name.clone(), source })?;
    let covers = manifest.references.iter().map(|reference| reference.name.clone()).collect();
    Ok(ForeignSignature { name: name.clone(), manifest: part.to_owned(), covers, signature })
}

/// Reads a file once and compares every digest that any manifest states.
fn check_file(
    files: &dyn ForeignFiles,
    names: &BTreeSet<String>,
    file: &str,
    wanted: &[Wanted],
) -> Result<(), ForeignError> {
    if !names.contains(file) {
        let part = wanted.first().map(|wanted| wanted.part.clone()).unwrap_or_default();
        return Err(ForeignError::Missing { part, file: file.to_owned() });
    }
    let asks = |method| wanted.iter().any(|wanted| wanted.method == method);
    let mut sha256 = asks(DigestMethod::Sha256).then(Sha256::new);
    let mut sha384 = asks(DigestMethod::Sha384).then(Sha384::new);
    let mut sha512 = asks(DigestMethod::Sha512).then(Sha512::new);
    let failed = |source| ForeignError::Read { file: file.to_owned(), source };
    let mut reader = files.open(file).map_err(failed)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if let Some(hash) = &mut sha256 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut sha384 {
            hash.update(bytes);
        }
        if let Some(hash) = &mut sha512 {
            hash.update(bytes);
        }
    }
    let sha256 = sha256.map(|hash| hash.finalize().to_vec());
    let sha384 = sha384.map(|hash| hash.finalize().to_vec());
    let sha512 = sha512.map(|hash| hash.finalize().to_vec());
    let found = |method| match method {
        DigestMethod::Sha256 => &sha256,
        DigestMethod::Sha384 => &sha384,
        DigestMethod::Sha512 => &sha512,
    };
    match wanted.iter().find(|wanted| found(wanted.method).as_ref() != Some(&wanted.digest)) {
        Some(wrong) => Err(ForeignError::Digest { part: wrong.part.clone(), file: file.to_owned() }),
        None => Ok(()),
    }
}
