//! Builds the index: the encrypted half of a package that says what the exhibits are.
//!
//! Holds the collecting of records while exhibits are sealed and the writing of the index as a
//! signed container. May call the container's writers and the signer. Real names never leave it
//! but into a spool, whose file, if any, is encrypted.

use super::SealError;
use crate::digest_list;
use crate::exhibit::ExhibitNumber;
use crate::layout::{EXHIBITS_NAME, PERSON_MANIFEST, PERSON_SIGNATURE, RECORDS_NAME, TRANSMITTAL_NAME};
use crate::record::Record;
use crate::spool::{Spool, SpoolReader};
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_container::{cades, zip::ZipWriter};
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::signing::Signer;
use sha2::Digest as _;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A part of the index that was written to the spool. Its name is not kept: there may be very many of them.
struct Part {
    number: ExhibitNumber,
    kind: PartKind,
    size: u64,
    crc32: u32,
    sha256: Digest,
}

#[derive(Clone, Copy)]
enum PartKind {
    Files,
    Record,
}

impl Part {
    fn name(&self) -> String {
        match self.kind {
            PartKind::Files => self.number.files_name(),
            PartKind::Record => self.number.record_name(),
        }
    }
}

/// Takes the records in the order of the exhibits.
pub(super) struct IndexBuilder {
    folder: PathBuf,
    spool: Spool,
    parts: Vec<Part>,
    exhibits: Vec<(ExhibitNumber, Digest)>,
}

/// Writes one part and keeps what the container needs to know of it.
pub(super) struct PartWriter<'a> {
    spool: &'a mut Spool,
    hasher: sha2::Sha256,
    crc32: crc32fast::Hasher,
    size: u64,
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.write_all(bytes)?;
        self.hasher.update(bytes);
        self.crc32.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartWriter<'_> {
    fn finish(self, number: ExhibitNumber, kind: PartKind) -> Part {
        let sha256 = Digest::from_bytes(self.hasher.finalize().into());
        Part { number, kind, size: self.size, crc32: self.crc32.finalize(), sha256 }
    }
}

impl IndexBuilder {
    /// An empty index whose temporary files, if any, lie in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), spool: Spool::new(folder), parts: Vec::new(), exhibits: Vec::new() }
    }

    fn part(&mut self) -> PartWriter<'_> {
        PartWriter {
            spool: &mut self.spool,
            hasher: sha2::Sha256::new(),
            crc32: crc32fast::Hasher::new(),
            size: 0,
        }
    }

    /// Lets `write` fill the list of a folder exhibit's files.
    pub(super) fn files<T>(
        &mut self,
        number: ExhibitNumber,
        write: impl FnOnce(&mut dyn Write) -> Result<T, SealError>,
    ) -> Result<T, SealError> {
        let mut part = self.part();
        let result = write(&mut part)?;
        let part = part.finish(number, PartKind::Files);
        self.parts.push(part);
        Ok(result)
    }

    /// Adds an exhibit's record, after the list of its files.
    pub(super) fn record(&mut self, record: &Record) -> Result<(), SealError> {
        let bytes = record.to_bytes().map_err(SealError::Format)?;
        let mut part = self.part();
        part.write_all(&bytes).map_err(SealError::Temporary)?;
        let part = part.finish(record.exhibit, PartKind::Record);
        self.parts.push(part);
        self.exhibits.push((record.exhibit, record.sha256));
        Ok(())
    }

    /// Writes the whole index, signed by `signer`.
    pub(super) fn finish(
        self,
        transmittal: &[u8],
        signer: &dyn Signer,
        function: Option<&str>,
        now: Timestamp,
    ) -> Result<SpoolReader, SealError> {
        let exhibits = digest_list::to_text(self.exhibits.iter().map(|(number, digest)| (*digest, number)));
        drop(self.exhibits);
        let records = digest_list::to_text(self.parts.iter().map(|part| (part.sha256, part.name())));

        let mut zip = ZipWriter::new(Spool::new(&self.folder));
        zip.add_mimetype().map_err(SealError::Index)?;
        let mut references = Vec::new();
        for (name, bytes) in
            [(TRANSMITTAL_NAME, transmittal), (EXHIBITS_NAME, &exhibits), (RECORDS_NAME, &records)]
        {
            zip.add(name, bytes).map_err(SealError::Index)?;
            references.push(DataReference { uri: name.to_owned(), mime: None, digest: Digest::of(bytes) });
        }
        drop((exhibits, records));
        let mut spooled = self.spool.into_reader().map_err(SealError::Temporary)?;
        for part in &self.parts {
            let content = (&mut spooled).take(part.size);
            zip.add_stream(&part.name(), part.size, Some(part.crc32), content).map_err(SealError::Index)?;
        }
        let manifest = AsicManifest::new(PERSON_SIGNATURE, references).map_err(SealError::Manifest)?.to_xml();
        let signature = cades::sign(&manifest, signer, now, function).map_err(SealError::Signature)?;
        zip.add(PERSON_MANIFEST, &manifest).map_err(SealError::Index)?;
        zip.add(PERSON_SIGNATURE, &signature).map_err(SealError::Index)?;
        zip.finish().map_err(SealError::Index)?.into_reader().map_err(SealError::Temporary)
    }
}
