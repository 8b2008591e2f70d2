//! The outer part of a derived package: tag files, the original's outer part, the maker's manifest and signature.
//!
//! May read the package at hand and call the signer.

use super::{DeriveError, Maker};
use crate::digest_list;
use crate::layout::{self, Carried};
use crate::sink::WriteError;
use crate::streams::read_limited;
use crate::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal};
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_core::Digest;
use rogatory_core::reference::PackageId;

impl Maker<'_, '_> {
    /// Writes everything after exhibits and index.
    pub(super) fn finish_outer_part(&mut self, transmittal: &Transmittal) -> Result<PackageId, DeriveError> {
        let bytes = transmittal.to_bytes().map_err(DeriveError::Format)?;
        let origin = self.origin()?;
        let carried = if origin.len() > 3 { Carried::Sealed } else { Carried::Person };
        self.put(layout::TRANSMITTAL_NAME, &bytes)?;
        let day = transmittal.created_time.to_string();
        let day = day.get(..10).unwrap_or("0001-01-01");
        let info = layout::bag_info(day, transmittal.total_bytes(), transmittal.exhibits.len());
        self.put(layout::BAG_INFO_NAME, info.as_bytes())?;
        self.put(layout::BAGIT_NAME, layout::BAGIT.as_bytes())?;
        let payload = self.objects.iter().filter(|object| object.name.starts_with("data/"));
        let manifest = digest_list::to_text(payload.map(|object| (object.sha256, object.name.as_str())));
        self.put(layout::MANIFEST_NAME, &manifest)?;
        let mut tags = Vec::new();
        for name in layout::tag_files(carried) {
            let written = self.objects.iter().find(|object| object.name == name).map(|object| object.sha256);
            let copied =
                origin.iter().find(|(copied, _)| *copied == name).map(|(_, bytes)| Digest::of(bytes));
            tags.extend(written.or(copied).map(|digest| (digest, name)));
        }
        self.put(layout::TAGMANIFEST_NAME, &digest_list::to_text(tags.into_iter()))?;
        for (name, bytes) in &origin {
            self.put(name, bytes)?;
        }
        let covered = self.objects.iter().filter(|object| object.name != layout::MIMETYPE_NAME);
        let references = covered
            .map(|object| DataReference { uri: object.name.clone(), mime: None, digest: object.sha256 })
            .collect();
        let manifest =
            AsicManifest::new(layout::PERSON_SIGNATURE, references).map_err(DeriveError::Manifest)?.to_xml();
        let request = &self.request;
        let signature = cades::sign(&manifest, request.signer, request.now, request.function.as_deref())
            .map_err(DeriveError::Signature)?;
        self.put(layout::PERSON_MANIFEST, &manifest)?;
        self.put(layout::PERSON_SIGNATURE, &signature)?;
        Ok(PackageId::of_manifest(&Digest::of(&manifest)))
    }

    /// The original's outer part: from `origin/` if the package at hand is derived itself, else its own.
    fn origin(&self) -> Result<Vec<(&'static str, Vec<u8>)>, DeriveError> {
        let is_derived = self.outer.is_derived();
        let places = layout::ORIGIN_OBJECTS.into_iter().map(|(here, in_original)| {
            let from = if is_derived { here } else { in_original };
            (here, from)
        });
        let mut objects = Vec::new();
        for (name, from) in places.filter(|(_, from)| self.sizes.contains_key(*from)) {
            let unreadable = |source| DeriveError::Write(WriteError::Read { name: from.to_owned(), source });
            let bytes = self
                .source
                .open(from)
                .and_then(|mut reader| read_limited(&mut *reader, MAX_TRANSMITTAL_BYTES))
                .map_err(unreadable)?;
            objects.push((name, bytes));
        }
        Ok(objects)
    }
}
