//! The institution's seal over a package, and container files from any source.
//!
//! Holds the second manifest and signature, which cover exactly the first manifest and the first
//! signature, and the regenerating of a container file from objects. May call the signer. Never
//! changes what a person signed, and never appends to a container file.

use crate::layout::{PERSON_MANIFEST, PERSON_SIGNATURE, SEAL_MANIFEST, SEAL_SIGNATURE};
use crate::sink::{Sink, WriteError, write_file};
use crate::source::{
    FolderSource, ObjectList, PackageError, PackageSource, WithObjects, ZipSource, in_package_order,
};
use crate::streams::{BUFFER_BYTES, Progress, Reporting, Step, read_limited};
use rogatory_container::cades::{self, CadesError, Framing};
use rogatory_container::manifest::{AsicManifest, DataReference, MAX_MANIFEST_BYTES, ManifestError};
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::signing::Signer;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// The seal can't be set.
#[derive(Debug, thiserror::Error)]
pub enum InstitutionSealError {
    /// The package can't be read.
    #[error("the package cannot be read")]
    Package(#[source] PackageError),
    /// An object is missing or can't be read.
    #[error("`{name}` cannot be read")]
    Object {
        /// Which.
        name: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is sealed already.
    #[error("the package carries an institution's seal already")]
    Sealed,
    /// The person's signature is wrong.
    #[error("`META-INF/signature001.p7s` does not stand over `META-INF/ASiCManifest001.xml`")]
    PersonSignature(#[source] CadesError),
    /// The person's manifest is wrong.
    #[error("`META-INF/ASiCManifest001.xml` cannot be read")]
    PersonManifest(#[source] ManifestError),
    /// Signing failed.
    #[error("the seal could not be made")]
    Sign(#[source] CadesError),
    /// Writing failed.
    #[error("the sealed package cannot be written")]
    Write(#[source] WriteError),
}

/// The two objects that make up an institution's seal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstitutionSeal {
    /// The content of `META-INF/ASiCManifest002.xml`.
    pub manifest: Vec<u8>,
    /// The content of `META-INF/signature002.p7s`.
    pub signature: Vec<u8>,
}

impl InstitutionSeal {
    /// The objects by name.
    #[must_use]
    pub fn into_objects(self) -> [(String, Vec<u8>); 2] {
        [(SEAL_MANIFEST.to_owned(), self.manifest), (SEAL_SIGNATURE.to_owned(), self.signature)]
    }
}

/// Makes the seal over a person's manifest and signature, after checking that they belong together.
///
/// Whether the person is one of the institution's officers, and whether the certificate leads to
/// an anchor, the caller checks before, with [`crate::verify::verify_package`].
///
/// # Errors
/// [`InstitutionSealError`] if manifest or signature are wrong, or the signer fails.
pub fn institution_seal(
    person_manifest: &[u8],
    person_signature: &[u8],
    signer: &dyn Signer,
    now: Timestamp,
) -> Result<InstitutionSeal, InstitutionSealError> {
    AsicManifest::from_xml(person_manifest).map_err(InstitutionSealError::PersonManifest)?;
    let parsed =
        cades::parse(person_signature, Framing::Canonical).map_err(InstitutionSealError::PersonSignature)?;
    cades::verify_integrity(&parsed, person_manifest).map_err(InstitutionSealError::PersonSignature)?;
    let reference = |name: &str, bytes: &[u8]| DataReference {
        uri: name.to_owned(),
        mime: None,
        digest: Digest::of(bytes),
    };
    let references =
        vec![reference(PERSON_MANIFEST, person_manifest), reference(PERSON_SIGNATURE, person_signature)];
    let manifest =
        AsicManifest::new(SEAL_SIGNATURE, references).map_err(InstitutionSealError::PersonManifest)?.to_xml();
    let signature = cades::sign(&manifest, signer, now, None).map_err(InstitutionSealError::Sign)?;
    Ok(InstitutionSeal { manifest, signature })
}

/// Makes the seal for the objects of `source`.
///
/// # Errors
/// [`InstitutionSealError::Sealed`] if there is one, and as [`institution_seal`].
pub fn seal_of_source(
    source: &dyn PackageSource,
    signer: &dyn Signer,
    now: Timestamp,
) -> Result<InstitutionSeal, InstitutionSealError> {
    let has = |name: &str| source.objects().iter().any(|object| object.name == name);
    if has(SEAL_MANIFEST) || has(SEAL_SIGNATURE) {
        return Err(InstitutionSealError::Sealed);
    }
    let read = |name: &'static str, limit: usize| {
        let failed = |source| InstitutionSealError::Object { name, source };
        let mut reader = source.open(name).map_err(failed)?;
        read_limited(&mut *reader, limit).map_err(failed)
    };
    let manifest = read(PERSON_MANIFEST, MAX_MANIFEST_BYTES)?;
    let signature = read(PERSON_SIGNATURE, cades::MAX_SIGNATURE_BYTES)?;
    institution_seal(&manifest, &signature, signer, now)
}

/// Seals a package on disk: a folder gets two files more, a container file is written anew.
///
/// # Errors
/// [`InstitutionSealError`]; a container file is then as it was. A crash between the two files of a
/// folder leaves a manifest without signature, which every verifier refuses.
pub fn add_seal(
    path: &Path,
    signer: &dyn Signer,
    now: Timestamp,
    progress: &mut dyn Progress,
) -> Result<InstitutionSeal, InstitutionSealError> {
    if path.is_dir() {
        let source = FolderSource::open(path).map_err(InstitutionSealError::Package)?;
        let seal = seal_of_source(&source, signer, now)?;
        for (name, bytes) in [(SEAL_MANIFEST, &seal.manifest), (SEAL_SIGNATURE, &seal.signature)] {
            write_file(&path.join(name), name, &mut bytes.as_slice()).map_err(InstitutionSealError::Write)?;
        }
        crate::sink::sync_folder(&path.join("META-INF")).map_err(InstitutionSealError::Write)?;
        return Ok(seal);
    }
    let source = ZipSource::open(path).map_err(InstitutionSealError::Package)?;
    let seal = seal_of_source(&source, signer, now)?;
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".sealing");
    let hidden = PathBuf::from(hidden);
    let sealed = WithObjects::new(&source, seal.clone().into_objects());
    save_asice(&sealed, &hidden, progress).map_err(InstitutionSealError::Write)?;
    // Either the old file or the new one stands under the name, whole.
    std::fs::rename(&hidden, path).map_err(|error| {
        let _ = std::fs::remove_file(&hidden);
        InstitutionSealError::Write(WriteError::io(path, error))
    })?;
    Ok(seal)
}

/// Writes the objects of a package into a new container file under its final name.
///
/// # Errors
/// [`WriteError`]; nothing stands under the name then.
pub fn save_asice(
    source: &dyn PackageSource,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<ObjectList, WriteError> {
    let mut sink = Sink::file(path)?;
    let objects = in_package_order(source.objects());
    begin(&objects, progress);
    let mut list = Vec::with_capacity(objects.len());
    for object in objects {
        let inner = open(source, &object.name)?;
        let mut content = Reporting { inner, progress: &mut *progress };
        list.push(sink.put_hashed(&object.name, object.size_bytes, &mut content)?);
    }
    sink.commit()?;
    Ok(ObjectList(list))
}

/// Writes the objects of a package as a container file to a seekable stream.
///
/// The stream must be empty. It is neither synced nor renamed here.
///
/// # Errors
/// [`WriteError::Read`] names the object that can't be read; [`WriteError::Zip`] if writing fails.
pub fn write_asice<W: Write + Seek>(
    source: &dyn PackageSource,
    output: W,
    progress: &mut dyn Progress,
) -> Result<W, WriteError> {
    let mut zip = rogatory_container::zip::ZipWriter::new(output);
    let objects = in_package_order(source.objects());
    begin(&objects, progress);
    for object in objects {
        let inner = open(source, &object.name)?;
        let content = Reporting { inner, progress: &mut *progress };
        let content = io::BufReader::with_capacity(BUFFER_BYTES, content);
        zip.add_stream(&object.name, object.size_bytes, None, content).map_err(WriteError::Zip)?;
    }
    zip.finish().map_err(WriteError::Zip)
}

fn begin(objects: &[crate::source::ObjectInfo], progress: &mut dyn Progress) {
    let total = objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Writing, Some(total));
}

fn open<'a>(source: &'a dyn PackageSource, name: &str) -> Result<Box<dyn io::Read + 'a>, WriteError> {
    source.open(name).map_err(|source| WriteError::Read { name: name.to_owned(), source })
}
