//! Seals exhibits into a package.
//!
//! Holds the whole act: plan, one pass over each exhibit, index, manifests, signatures, commit.
//! May read the exhibits, call the signer, and write the result. Reads no clock, follows no link,
//! overwrites nothing; on any failure nothing stands under the final name.

mod index;
mod observer;
mod plan;
mod small;

use crate::acquisition::{Assigned, Facts, FactsError};
use crate::age_layer::{AgeError, AgeRecipient, Encryption, Sealing};
use crate::attributes;
use crate::canonical::{CanonicalError, Salt};
use crate::exhibit::{ExhibitNumber, MAX_EXHIBITS};
use crate::hash_list::{HashListError, HashLists, Watch};
use crate::layout;
use crate::limits::{Limits, LimitsError, SizeLimit, sealed_bytes};
use crate::outer_part::{OuterPart, OuterPartError};
use crate::record::{Attributes, ExhibitType, OwnAttributes, RawName, Record, display};
use crate::sensitive::{Flags, Sensitive, SensitiveFlag};
use crate::sink::{Sink, WriteError};
use crate::source::{ObjectDigest, ObjectList};
use crate::streams::{Progress, Reporting, Step};
use crate::tar::stream::{FolderStream, SteadyFile};
use crate::threads::{in_order, threads};
use crate::transmittal::{
    ExhibitSize, IntendedRecipient, Recovery, Transmittal, TransmittalKind, TransmittalSender,
};
use crate::walk::{SourceError, from_io, shown};
use index::IndexBuilder;
pub use observer::{Observer, SealObserver};
use plan::{Plan, Planned, PlannedKind};
use rogatory_container::cades::CadesError;
use rogatory_container::manifest::ManifestError;
use rogatory_container::zip::ZipError;
use rogatory_core::party::{OfficerId, PartyId};
use rogatory_core::reference::{OfficeReference, PackageId, SharedNumber};
use rogatory_core::{Digest, Entropy, Timestamp};
use rogatory_pki::signing::{SignError, Signer};
use small::{AHEAD, SealingApart, Small};
use std::fs::Metadata;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the package goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// A folder that does not exist yet or is empty.
    Folder(PathBuf),
    /// A container file (`.asice`) that does not exist yet.
    AsiceFile(PathBuf),
}

impl Output {
    /// The final name.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::AsiceFile(path) => path,
        }
    }

    /// Begins to write there.
    pub(crate) fn sink(&self) -> Result<Sink, WriteError> {
        match self {
            Self::Folder(path) => Sink::folder(path),
            Self::AsiceFile(path) => Sink::file(path),
        }
    }
}

/// Somebody who shall be able to open the package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealRecipient {
    /// The institution, if known.
    pub institution: Option<PartyId>,
    /// The officer, if the key is a person's and known.
    pub officer: Option<OfficerId>,
    /// The key.
    pub recipient: AgeRecipient,
}

impl SealRecipient {
    /// A bare key, of which nothing more is known.
    #[must_use]
    pub const fn bare(recipient: AgeRecipient) -> Self {
        Self { institution: None, officer: None, recipient }
    }

    pub(crate) fn intended(&self) -> IntendedRecipient {
        IntendedRecipient {
            institution: self.institution.clone(),
            officer: self.officer.clone(),
            recipient: self.recipient.as_str().to_owned(),
            fingerprint: self.recipient.fingerprint(),
        }
    }
}

/// How the sender's office can open the package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SealRecovery {
    /// By these keys.
    Recipients(Vec<SealRecipient>),
    /// Not at all.
    Waived {
        /// Why; no facts of the case.
        reason: String,
    },
    /// Not at all: sealed with bare keys.
    NoOfficeConfigured,
}

impl SealRecovery {
    /// As the transmittal states it.
    pub(crate) fn stated(&self) -> Recovery {
        match self {
            Self::Recipients(recipients) => {
                Recovery::Recipients(recipients.iter().map(SealRecipient::intended).collect())
            }
            Self::Waived { reason } => Recovery::Waived { reason: reason.clone() },
            Self::NoOfficeConfigured => Recovery::NoOfficeConfigured,
        }
    }

    /// The keys of all who shall open the package: `recipients` first.
    pub(crate) fn keys_with(&self, recipients: &[SealRecipient]) -> Vec<AgeRecipient> {
        let own: &[SealRecipient] = match self {
            Self::Recipients(own) => own,
            Self::Waived { .. } | Self::NoOfficeConfigured => &[],
        };
        recipients.iter().chain(own).map(|entry| entry.recipient.clone()).collect()
    }
}

/// What may be asked of a sealing; the default asks nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SealOptions {
    /// Whether every file of a folder becomes an exhibit; else a folder is one exhibit.
    pub each: bool,
    /// Whether a file exhibit's holes are stored as zeros, however many they are; else a file with a
    /// gibibyte of holes is refused. In a folder exhibit holes are kept as such.
    pub store_holes: bool,
    /// How the exhibits came to be, as the producer states it.
    pub facts: Option<Facts>,
    /// Is told what of a package in a folder is durable while it is being sealed.
    pub observer: Option<Observer>,
    /// What the sealer flags as sensitive.
    pub sensitive: Vec<SensitiveFlag>,
    /// Lists against which contents are compared; what stands in one is marked.
    pub hash_lists: Option<Arc<HashLists>>,
    /// What those take at most who will get the package, where that is known.
    pub takers: Vec<SizeLimit>,
}

/// All that sealing needs.
pub struct SealRequest<'a> {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Who shall be able to open it.
    pub recipients: Vec<SealRecipient>,
    /// How the sender's office can.
    pub recovery: SealRecovery,
    /// The order or request that is answered.
    pub order: Option<SharedNumber>,
    /// The sender's file number.
    pub reference: Option<OfficeReference>,
    /// The sender's institution.
    pub institution: Option<PartyId>,
    /// Signs outside and inside.
    pub signer: &'a dyn Signer,
    /// The signer's function, as the signer states it.
    pub function: Option<String>,
    /// The present instant.
    pub now: Timestamp,
    /// For salts.
    pub entropy: &'a dyn Entropy,
    /// Where the package goes.
    pub output: Output,
    /// What may be asked beyond that.
    pub options: SealOptions,
    /// Is told how far it has come.
    pub progress: &'a mut dyn Progress,
}

/// An exhibit that was sealed.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct SealedExhibit {
    /// Its number.
    pub number: ExhibitNumber,
    /// What it was made from.
    #[serde(serialize_with = "crate::path_text")]
    pub path: PathBuf,
    /// The size of the file or tar.
    pub size_bytes: u64,
    /// The digest of the file or tar.
    pub sha256: Digest,
    /// Why it is marked as sensitive, if it is.
    pub sensitive: Option<Sensitive>,
}

/// What was sealed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SealReport {
    /// The package's id.
    pub package: PackageId,
    /// Where it is.
    #[serde(serialize_with = "crate::path_text")]
    pub output: PathBuf,
    /// What it says of itself.
    pub transmittal: Transmittal,
    /// The exhibits.
    pub exhibits: Vec<SealedExhibit>,
    /// Every object with its digest.
    pub objects: ObjectList,
    /// What the person who sealed should know.
    pub notes: Vec<String>,
}

/// Sealing failed; nothing stands under the final name.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// Nothing to seal.
    #[error("there is nothing to seal: no path was given, or only empty folders")]
    Nothing,
    /// More exhibits than a package may have.
    #[error(
        "there are more than {MAX_EXHIBITS} exhibits; seal folders as one exhibit each, or make several packages"
    )]
    TooMany,
    /// A path without a name.
    #[error("`{path}` has no name under which it could be an exhibit")]
    NoName {
        /// The path.
        path: String,
    },
    /// The result would lie inside what is sealed.
    #[error("the output `{output}` lies inside the folder `{folder}` that is to be sealed")]
    OutputInside {
        /// The output.
        output: String,
        /// The folder.
        folder: String,
    },
    /// It does not fit.
    #[error("nothing was sealed")]
    Limits(#[source] LimitsError),
    /// A flag that meets nothing.
    #[error("`{path}` was flagged as sensitive and is not among what is sealed")]
    Flag {
        /// The path.
        path: String,
    },
    /// A hash list can't be used.
    #[error(transparent)]
    HashList(#[from] HashListError),
    /// A source can't be sealed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The facts are not those of these exhibits.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A recipient can't be used.
    #[error("the package cannot be encrypted")]
    Encryption(#[source] AgeError),
    /// The transmittal or a record breaks its rules.
    #[error("the package cannot be described")]
    Format(#[source] CanonicalError),
    /// The temporary file failed.
    #[error("the temporary file for the index failed")]
    Temporary(#[source] io::Error),
    /// The index can't be written.
    #[error("the index cannot be written")]
    Index(#[source] ZipError),
    /// A manifest can't be written.
    #[error("the manifest cannot be written")]
    Manifest(#[source] ManifestError),
    /// The signer failed.
    #[error("the package cannot be signed")]
    Signature(#[source] CadesError),
    /// The signer has no certificate.
    #[error("the signer cannot be used")]
    Signer(#[source] SignError),
    /// Writing failed.
    #[error("the package cannot be written")]
    Write(#[source] WriteError),
}

impl From<OuterPartError> for SealError {
    fn from(error: OuterPartError) -> Self {
        match error {
            OuterPartError::Manifest(source) => Self::Manifest(source),
            OuterPartError::Signature(source) => Self::Signature(source),
            OuterPartError::Write(source) => Self::Write(source),
        }
    }
}

/// Seals files and folders into a package.
///
/// Each exhibit is read once. The result appears under its final name when everything is durable.
///
/// # Errors
/// [`SealError`]; in every case nothing stands under the final name.
pub fn seal(request: SealRequest<'_>) -> Result<SealReport, SealError> {
    let certificate = request.signer.certificate().map_err(SealError::Signer)?.digest();
    let mut plan = plan::plan(&request.paths, &request.options, request.output.path())?;
    check_limits(&plan, &request)?;
    let facts = plan.assign(request.options.facts.as_ref())?;
    let keys = request.recovery.keys_with(&request.recipients);
    let encryption = Encryption::of(&keys).map_err(SealError::Encryption)?;
    let paths = plan.exhibits.iter().map(|planned| planned.path.as_path());
    let flags = Flags::new(&request.options.sensitive, paths).map_err(|path| SealError::Flag { path })?;
    let sink = request.output.sink().map_err(SealError::Write)?;
    let transmittal = Transmittal {
        format: 1,
        profile: 1,
        kind: TransmittalKind::Original,
        encryption,
        order: request.order.clone(),
        reference: request.reference.clone(),
        sender: TransmittalSender {
            institution: request.institution.clone(),
            certificate_sha256: certificate,
        },
        recipients: request.recipients.iter().map(SealRecipient::intended).collect(),
        recovery: request.recovery.stated(),
        origin: None,
        // A stand-in, so that the rules can be checked before hours are spent.
        exhibits: (0..plan.exhibits.len())
            .filter_map(ExhibitNumber::at)
            .map(|name| ExhibitSize { name, size_bytes: 0 })
            .collect(),
        salt: Salt::mint(request.entropy),
        created_time: request.now,
    };
    transmittal.to_bytes().map_err(SealError::Format)?;
    let mut sink = sink;
    if let Some(observer) = &request.options.observer {
        sink.observe(observer, transmittal.salt.as_bytes());
    }
    let index = IndexBuilder::new(sink.parent());
    let flags = Arc::new(flags);
    let (objects, exhibits, notes) = (Vec::new(), Vec::new(), Vec::new());
    Sealer { request, keys, facts, flags, sink, index, objects, exhibits, notes }.seal(plan, transmittal)
}

/// What is known to fail is told before the first byte is read.
fn check_limits(plan: &Plan, request: &SealRequest<'_>) -> Result<(), SealError> {
    let recovery = match &request.recovery {
        SealRecovery::Recipients(keys) => keys.len(),
        SealRecovery::Waived { .. } | SealRecovery::NoOfficeConfigured => 0,
    };
    let recipients = (request.recipients.len() + recovery) as u64;
    let each = plan.exhibits.iter().map(|planned| sealed_bytes(planned.size_bytes(), recipients));
    let total = each.fold(0_u64, u64::saturating_add);
    let mut limits = Limits::default();
    limits.format(plan.exhibits.len(), total);
    limits.takers(total, &request.options.takers);
    limits.room(request.output.path(), total);
    limits.judge().map_err(SealError::Limits)
}

/// An exhibit whose object is written, or about to be, and that has no record yet.
struct Sealed {
    metadata: Metadata,
    object: ObjectDigest,
    sha256: Digest,
    size_bytes: u64,
    /// How many entries a folder has.
    entries: Option<u64>,
    watch: Watch,
}

/// The act under way.
struct Sealer<'a> {
    request: SealRequest<'a>,
    keys: Vec<AgeRecipient>,
    facts: Assigned,
    flags: Arc<Flags>,
    sink: Sink,
    index: IndexBuilder,
    objects: Vec<ObjectDigest>,
    exhibits: Vec<SealedExhibit>,
    notes: Vec<String>,
}

impl Sealer<'_> {
    fn seal(mut self, plan: Plan, mut transmittal: Transmittal) -> Result<SealReport, SealError> {
        self.request.progress.begin(Step::Sealing, Some(plan.total_bytes));
        self.put(layout::MIMETYPE_NAME, layout::MIMETYPE.as_bytes())?;
        let Plan { exhibits, notes, .. } = plan;
        self.exhibits.reserve_exact(exhibits.len());
        self.objects.reserve_exact(exhibits.len() + layout::MOST_OTHER_OBJECTS);
        self.seal_exhibits(exhibits, &mut transmittal)?;
        let transmittal_bytes = transmittal.to_bytes().map_err(SealError::Format)?;
        self.write_index(&transmittal_bytes)?;
        let outer = OuterPart {
            transmittal: &transmittal,
            bytes: &transmittal_bytes,
            origin: &[],
            signer: self.request.signer,
            function: self.request.function.as_deref(),
            now: self.request.now,
        };
        let package = outer.write(&mut self.sink, &mut self.objects)?;
        self.request.progress.begin(Step::Syncing, None);
        let output = self.sink.commit().map_err(SealError::Write)?;
        Ok(SealReport {
            package,
            output,
            transmittal,
            exhibits: self.exhibits,
            objects: ObjectList(self.objects),
            notes: [notes, self.notes].concat(),
        })
    }

    /// Seals all exhibits in their order: small ones several at once, every other on all cores by itself.
    ///
    /// What was planned of an exhibit is gone when it is sealed: there may be very many of them.
    fn seal_exhibits(
        &mut self,
        exhibits: Vec<Planned>,
        transmittal: &mut Transmittal,
    ) -> Result<(), SealError> {
        let keys = self.keys.clone();
        let apart = SealingApart {
            keys: &keys,
            flags: Arc::clone(&self.flags),
            lists: self.request.options.hash_lists.clone(),
            output: self.sink.apart().map_err(SealError::Write)?,
        };
        let exhibits = exhibits.into_iter().enumerate();
        let seal = |(position, planned): (usize, Planned)| {
            let number = ExhibitNumber::at(position).ok_or(SealError::TooMany)?;
            let small = apart.seal(number, &planned)?;
            Ok::<_, SealError>((number, planned, small))
        };
        in_order(threads(), AHEAD, exhibits, seal, |sealed| {
            let (number, planned, small) = sealed?;
            self.request.progress.object(&number.to_string());
            let size_bytes = match small {
                Some(small) => self.take_up(number, planned, *small)?,
                None => self.seal_exhibit(number, planned)?,
            };
            if let Some(exhibit) = transmittal.exhibits.get_mut(number.index()) {
                exhibit.size_bytes = size_bytes;
            }
            Ok(())
        })
    }

    /// Takes up a small exhibit that was sealed; tells the size of its age file.
    fn take_up(&mut self, number: ExhibitNumber, planned: Planned, small: Small) -> Result<u64, SealError> {
        let Small { sealed, bytes } = small;
        if let Some(bytes) = bytes {
            let object = &sealed.object;
            self.sink
                .put(&object.name, object.size_bytes, &mut bytes.as_slice())
                .map_err(SealError::Write)?;
        }
        self.request.progress.advance(sealed.size_bytes);
        self.describe(number, planned, sealed)
    }

    /// Reads, hashes, encrypts, hashes and writes one exhibit; tells the size of its age file.
    fn seal_exhibit(&mut self, number: ExhibitNumber, planned: Planned) -> Result<u64, SealError> {
        let path = &planned.path;
        let metadata = looked_at(path)?;
        let Self { request, keys, flags, sink, index, .. } = self;
        let flagged = flags.of(path);
        let mut watch = Watch::new(request.options.hash_lists.as_ref(), flagged.reason, flagged.inside);
        let object_name = number.object_name();
        let progress = &mut *request.progress;
        let (object, sha256, size_bytes, entries) = match &planned.kind {
            PlannedKind::File { .. } => {
                if !metadata.is_file() {
                    return Err(SourceError::changed(path, "it was replaced by something else").into());
                }
                let file = SteadyFile::open(path, &metadata)?;
                let size = metadata.len();
                let inner = Watched { inner: Reporting { inner: file, progress }, watch: &mut watch };
                let (object, sha256) = encrypt(sink, keys, &object_name, size, inner, path)?;
                watch.file(&sha256, size);
                (object, sha256, size, None)
            }
            PlannedKind::Folder(measured) => {
                let size = measured.size.tar_bytes;
                let (object, sha256) = index.files(number, |list| {
                    let inner = FolderStream::new(path, measured, list, &mut watch)?;
                    let inner = Reporting { inner, progress };
                    encrypt(sink, keys, &object_name, size, inner, path)
                })?;
                (object, sha256, size, Some(measured.size.entries))
            }
        };
        self.describe(number, planned, Sealed { metadata, object, sha256, size_bytes, entries, watch })
    }

    /// Writes the record of an exhibit that is sealed; tells the size of its age file.
    fn describe(
        &mut self,
        number: ExhibitNumber,
        planned: Planned,
        sealed: Sealed,
    ) -> Result<u64, SealError> {
        let Sealed { metadata, object, sha256, size_bytes, entries, watch } = sealed;
        let path = &planned.path;
        let attributes = Attributes::of(&metadata);
        let own = attributes::read(attributes::Owner::At(path), &mut Vec::new())
            .map_err(|error| SourceError::below(path, error))?;
        let own = OwnAttributes::of(own);
        if watch.uncompared() > 0 {
            self.notes.push(format!(
                "{number}: {} files in it have too large holes to be compared with the hash lists",
                watch.uncompared()
            ));
        }
        for name in &own.left_out {
            let (name, path) = (display(name), shown(path));
            self.notes.push(format!(
                "the extended attribute `{name}` of `{path}` is too large for the record or cannot be read, and is not kept"
            ));
        }
        let record = Record {
            format: 1,
            profile: 1,
            exhibit: number,
            exhibit_type: if entries.is_some() { ExhibitType::Folder } else { ExhibitType::File },
            name: RawName::new(&planned.name),
            path: planned.relative.as_deref().map(RawName::new),
            size_bytes,
            sha256,
            entries,
            mode: attributes.mode,
            modified_time: attributes.modified,
            changed_time: attributes.changed,
            birth_time: attributes.birth,
            extended_attributes: own.member,
            sensitive: watch.finish()?,
            acquisition: self.facts.of(number.index(), path, &sha256)?,
            salt: Salt::mint(self.request.entropy),
        };
        self.index.record(&record)?;
        let sealed_bytes = object.size_bytes;
        self.objects.push(object);
        let sensitive = record.sensitive;
        self.exhibits.push(SealedExhibit { number, path: planned.path, size_bytes, sha256, sensitive });
        Ok(sealed_bytes)
    }

    fn write_index(&mut self, transmittal: &[u8]) -> Result<(), SealError> {
        let folder = self.sink.parent().to_owned();
        let builder = std::mem::replace(&mut self.index, IndexBuilder::new(&folder));
        let request = &self.request;
        let index = builder.finish(transmittal, request.signer, request.function.as_deref(), request.now)?;
        let size = index.len();
        let sealing = Sealing::new(&self.keys, size, index, threads()).map_err(SealError::Encryption)?;
        let (object, _) = put(&mut self.sink, layout::INDEX_NAME, sealing).map_err(SealError::Write)?;
        self.objects.push(object);
        Ok(())
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), SealError> {
        let object = self.sink.put_bytes(name, bytes).map_err(SealError::Write)?;
        self.objects.push(object);
        Ok(())
    }
}

/// What a file or folder is at its turn.
fn looked_at(path: &Path) -> Result<Metadata, SourceError> {
    path.symlink_metadata().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SourceError::changed(path, "it vanished"),
        _ => SourceError::io(path, error),
    })
}

/// Shows what is read to the watch.
struct Watched<'a, R> {
    inner: R,
    watch: &'a mut Watch,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.watch.content(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// One pass: plaintext hashed, encrypted, ciphertext hashed, written.
fn encrypt(
    sink: &mut Sink,
    keys: &[AgeRecipient],
    name: &str,
    plaintext_bytes: u64,
    source: impl Read,
    path: &Path,
) -> Result<(ObjectDigest, Digest), SealError> {
    let sealing = Sealing::new(keys, plaintext_bytes, source, threads()).map_err(SealError::Encryption)?;
    put(sink, name, sealing).map_err(|error| match error {
        WriteError::Read { source, .. } => SealError::Source(from_io(source, path)),
        other => SealError::Write(other),
    })
}

/// Writes an age file; gives the object and the digest of its plaintext.
fn put(
    sink: &mut Sink,
    name: &str,
    mut sealing: Sealing<impl Read>,
) -> Result<(ObjectDigest, Digest), WriteError> {
    let size_bytes = sealing.size_bytes();
    sink.put(name, size_bytes, &mut sealing)?;
    let sums = sealing.finish().map_err(|source| WriteError::Read { name: name.to_owned(), source })?;
    let object = ObjectDigest { name: name.to_owned(), size_bytes, sha256: sums.sealed.sha256 };
    Ok((object, sums.plain.sha256))
}
