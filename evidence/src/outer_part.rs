//! Writes what stands around a package's age files: the bag's tag files, what is carried of an original, the person's
//! manifest and signature.
//!
//! The same for a package that is sealed and for one that is derived. May call the signer and write into the sink. What
//! it names and signs are the digests of the objects that were written.

use crate::digest_list;
use crate::layout::{self, Carried};
use crate::sink::{Sink, WriteError};
use crate::source::ObjectDigest;
use crate::transmittal::Transmittal;
use rogatory_container::cades::{self, CadesError};
use rogatory_container::manifest::{self, ManifestError};
use rogatory_core::reference::PackageId;
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::signing::Signer;

/// What the outer part says, and who signs it.
pub(crate) struct OuterPart<'a> {
    pub(crate) transmittal: &'a Transmittal,
    /// Its canonical form.
    pub(crate) bytes: &'a [u8],
    /// The outer part of the original, under its names here; empty if this is one.
    pub(crate) origin: &'a [(&'static str, Vec<u8>)],
    pub(crate) signer: &'a dyn Signer,
    pub(crate) function: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// It can't be written.
pub(crate) enum OuterPartError {
    Manifest(ManifestError),
    Signature(CadesError),
    Write(WriteError),
}

impl OuterPart<'_> {
    /// Writes all of it behind `objects`, which are written already, and adds it to them.
    pub(crate) fn write(
        &self,
        sink: &mut Sink,
        objects: &mut Vec<ObjectDigest>,
    ) -> Result<PackageId, OuterPartError> {
        let mut put = |objects: &mut Vec<ObjectDigest>, name: &str, bytes: &[u8]| {
            objects.push(sink.put_bytes(name, bytes).map_err(OuterPartError::Write)?);
            Ok(())
        };
        put(objects, layout::TRANSMITTAL_NAME, self.bytes)?;
        let day = self.transmittal.created_time.to_string();
        let day = day.get(..10).unwrap_or("0001-01-01");
        let info = layout::bag_info(day, self.transmittal.total_bytes(), self.transmittal.exhibits.len());
        put(objects, layout::BAG_INFO_NAME, info.as_bytes())?;
        put(objects, layout::BAGIT_NAME, layout::BAGIT.as_bytes())?;
        let payload = objects.iter().filter(|object| object.name.starts_with("data/"));
        let list = digest_list::to_text(payload.map(|object| (object.sha256, object.name.as_str())));
        put(objects, layout::MANIFEST_NAME, &list)?;
        drop(list);
        let carried = match self.origin.len() {
            0 => Carried::Nothing,
            1..=3 => Carried::Person,
            _ => Carried::Sealed,
        };
        let mut tags = Vec::new();
        for name in layout::tag_files(carried) {
            let written = objects.iter().find(|object| object.name == name).map(|object| object.sha256);
            let copied = || self.origin.iter().find(|(copied, _)| *copied == name);
            let digest = written.or_else(|| copied().map(|(_, bytes)| Digest::of(bytes)));
            tags.extend(digest.map(|digest| (digest, name)));
        }
        put(objects, layout::TAGMANIFEST_NAME, &digest_list::to_text(tags.into_iter()))?;
        for (name, bytes) in self.origin {
            put(objects, name, bytes)?;
        }
        let covered = objects.iter().filter(|object| object.name != layout::MIMETYPE_NAME);
        let covered = covered.map(|object| (object.name.as_str(), object.sha256));
        let manifest =
            manifest::to_xml(layout::PERSON_SIGNATURE, covered).map_err(OuterPartError::Manifest)?;
        let signature = cades::sign(&manifest, self.signer, self.now, self.function)
            .map_err(OuterPartError::Signature)?;
        put(objects, layout::PERSON_MANIFEST, &manifest)?;
        put(objects, layout::PERSON_SIGNATURE, &signature)?;
        Ok(PackageId::of_manifest(&Digest::of(&manifest)))
    }
}
