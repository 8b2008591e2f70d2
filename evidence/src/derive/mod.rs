//! Makes a package for others out of one that is at hand: the whole of it (re-wrapping) or some exhibits (disclosure).
//!
//! Holds the act: the package at hand is verified as far as headers go, each age file gets a new header over the
//! payload it has, a disclosure gets an index without the records of what is left out, and the new outer part
//! carries the original's in `origin/`. May read the package, call the signer and write the result. Decrypts no
//! exhibit, changes nothing that was signed inside, overwrites nothing; on any failure nothing stands under the
//! final name.
//!
//! ```text
//!   package at hand: original, or derived itself ──verified──► new index header or shorter index
//!        │                                                    exhibits: new header ‖ same payload
//!        └─► original's transmittal, manifests, signatures ──► origin/        maker's signature over all of it
//! ```

mod aside;
mod index;
mod origin;

pub(crate) use index::shorter as shorter_index;

use crate::age_layer::{self, AgeError, AgeRecipient, Encryption, Sealing};
use crate::canonical::{CanonicalError, Salt};
use crate::exhibit::ExhibitNumber;
use crate::layout;
use crate::outer_part::{OuterPart, OuterPartError};
use crate::seal::{Output, SealRecipient, SealRecovery};
use crate::sink::{Sink, WriteError};
use crate::source::{FolderSource, ObjectDigest, ObjectList, PackageError, PackageSource, ZipSource};
use crate::streams::{Progress, Reporting, Step};
use crate::threads::threads;
use crate::transmittal::{ExhibitSize, Origin, Transmittal, TransmittalKind, TransmittalSender};
use crate::verify::outer::Outer;
use crate::verify::verdict::{Check, Findings, Part};
use crate::verify::{Verdict, VerifyOptions, check_zip_order, examine_before_contents, judge_sealed};
use aside::HashedAside;
use rogatory_container::cades::CadesError;
use rogatory_container::manifest::ManifestError;
use rogatory_container::zip::ZipError;
use rogatory_core::party::PartyId;
use rogatory_core::reference::{OfficeReference, PackageId};
use rogatory_core::{Digest, Entropy, Timestamp};
use rogatory_pki::signing::{SignError, Signer};
use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufReader};
use std::path::PathBuf;

/// What is made of a package.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Derived {
    /// All that it holds, for other recipients.
    Rewrap,
    /// These exhibits; of the others number and digest alone.
    Disclosure(BTreeSet<ExhibitNumber>),
}

/// All that deriving needs.
pub struct DeriveRequest<'a> {
    /// The sealed package: a folder or a container file; an original or a derived one.
    pub path: PathBuf,
    /// Identity, anchors and what is required of the package at hand.
    pub verify: VerifyOptions<'a>,
    /// What is made of it.
    pub what: Derived,
    /// Who shall be able to open the new package.
    pub recipients: Vec<SealRecipient>,
    /// How the maker's office can.
    pub recovery: SealRecovery,
    /// The maker's file number.
    pub reference: Option<OfficeReference>,
    /// The maker's institution.
    pub institution: Option<PartyId>,
    /// Signs outside.
    pub signer: &'a dyn Signer,
    /// The maker's function, as the maker states it.
    pub function: Option<String>,
    /// The present instant.
    pub now: Timestamp,
    /// For the salt.
    pub entropy: &'a dyn Entropy,
    /// Where the new package goes.
    pub output: Output,
    /// Is told how far it has come.
    pub progress: &'a mut dyn Progress,
}

/// What was made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct DeriveReport {
    /// The new package's id.
    pub package: PackageId,
    /// The original's id.
    pub origin: PackageId,
    /// Where it is.
    #[serde(serialize_with = "crate::path_text")]
    pub output: PathBuf,
    /// What it says of itself.
    pub transmittal: Transmittal,
    /// How many exhibits the original has.
    pub origin_exhibits: usize,
    /// Every object with its digest.
    pub objects: ObjectList,
    /// What was looked at in the package at hand, and what was not.
    pub checks: Vec<Check>,
    /// What the maker should know.
    pub notes: Vec<String>,
}

/// Deriving failed; nothing stands under the final name.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// It is no sealed package.
    #[error("`{path}` is not a sealed package from which another could be made")]
    Package {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: PackageError,
    },
    /// No key.
    #[error("an identity of a recipient is needed to make a package readable for others")]
    NoIdentity,
    /// Verification failed.
    #[error("the package is not verified, so nothing was made of it")]
    NotVerified(Box<Verdict>),
    /// The package does not hold the exhibit.
    #[error("the package at hand does not hold {exhibit}; it holds {held}")]
    NoSuchExhibit {
        /// The exhibit asked for.
        exhibit: ExhibitNumber,
        /// Those that it holds.
        held: String,
    },
    /// No exhibit was named.
    #[error("a disclosure discloses at least one exhibit")]
    NoExhibit,
    /// The recipients' keys can't stand together.
    #[error("the new package cannot be encrypted")]
    Encryption(#[source] AgeError),
    /// An age header can't be read or written.
    #[error("`{name}` cannot be made readable for the new recipients")]
    Header {
        /// The object.
        name: String,
        /// Why.
        #[source]
        source: AgeError,
    },
    /// The transmittal breaks its rules.
    #[error("the new package cannot be described")]
    Format(#[source] CanonicalError),
    /// The temporary file failed.
    #[error("the temporary file for the index failed")]
    Temporary(#[source] io::Error),
    /// The index can't be read or written.
    #[error("the index of the new package cannot be written")]
    Index(#[source] ZipError),
    /// A manifest can't be written.
    #[error("the manifest cannot be written")]
    Manifest(#[source] ManifestError),
    /// The signer failed.
    #[error("the new package cannot be signed")]
    Signature(#[source] CadesError),
    /// The signer has no certificate.
    #[error("the signer cannot be used")]
    Signer(#[source] SignError),
    /// Writing failed.
    #[error("the new package cannot be written")]
    Write(#[source] WriteError),
}

impl DeriveError {
    /// The report, if verification is what failed.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::NotVerified(verdict) => Some(verdict),
            _ => None,
        }
    }
}

impl From<OuterPartError> for DeriveError {
    fn from(error: OuterPartError) -> Self {
        match error {
            OuterPartError::Manifest(source) => Self::Manifest(source),
            OuterPartError::Signature(source) => Self::Signature(source),
            OuterPartError::Write(source) => Self::Write(source),
        }
    }
}

/// Makes a package for others out of the one at hand.
///
/// Each exhibit that goes along is read once; its plaintext is neither seen nor checked. What the signatures and
/// lists of the package at hand say of it must hold, or nothing is made.
///
/// # Errors
/// [`DeriveError`]; in every case nothing stands under the final name.
pub fn derive(request: DeriveRequest<'_>) -> Result<DeriveReport, DeriveError> {
    if request.verify.identities.is_empty() {
        return Err(DeriveError::NoIdentity);
    }
    let certificate = request.signer.certificate().map_err(DeriveError::Signer)?.digest();
    let mut findings = Findings::default();
    let failed = |source| DeriveError::Package { path: crate::walk::shown(&request.path), source };
    let source: Box<dyn PackageSource> = if request.path.is_dir() {
        Box::new(FolderSource::open(&request.path).map_err(failed)?)
    } else {
        let source = ZipSource::open(&request.path).map_err(failed)?;
        check_zip_order(&source, &mut findings);
        Box::new(source)
    };
    let options = &request.verify;
    let (outer, index) = examine_before_contents(&*source, options, &mut findings);
    let (Some(mut index), false) = (index, findings.fall_short(&options.require)) else {
        return Err(DeriveError::NotVerified(Box::new(judge_sealed(outer, None, options, findings))));
    };
    let numbers = chosen(&request.what, &outer)?;
    let origin_exhibits = index.exhibits.len() + index.undisclosed().len();
    let keys = request.recovery.keys_with(&request.recipients);
    let encryption = Encryption::of(&keys).map_err(DeriveError::Encryption)?;
    let transmittal = transmittal(&request, &outer, &numbers, (certificate, encryption));
    transmittal.to_bytes().map_err(DeriveError::Format)?;
    let sink = request.output.sink().map_err(DeriveError::Write)?;
    sink.make_folder(layout::ORIGIN_FOLDER).map_err(DeriveError::Write)?;
    let shorter = match request.what {
        Derived::Rewrap => None,
        Derived::Disclosure(_) => Some(index::shorter(&mut index, &numbers, sink.parent())?),
    };
    drop(index);
    let sizes = source.objects().into_iter().map(|object| (object.name, object.size_bytes)).collect();
    let maker = Maker { request, source: &*source, sizes, outer, findings, keys, sink, objects: Vec::new() };
    maker.make(transmittal, shorter, origin_exhibits)
}

/// The exhibits that go along.
fn chosen(what: &Derived, outer: &Outer) -> Result<Vec<ExhibitNumber>, DeriveError> {
    let Derived::Disclosure(wanted) = what else {
        return Ok(outer.numbers.clone());
    };
    if wanted.is_empty() {
        return Err(DeriveError::NoExhibit);
    }
    if let Some(exhibit) = wanted.iter().find(|number| outer.numbers.binary_search(number).is_err()) {
        let held = match outer.numbers.as_slice() {
            [first, .., last] => format!("{} exhibits, {first} to {last}", outer.numbers.len()),
            [only] => only.to_string(),
            [] => "none".to_owned(),
        };
        return Err(DeriveError::NoSuchExhibit { exhibit: *exhibit, held });
    }
    Ok(wanted.iter().copied().collect())
}

/// What the new package will say of itself; the sizes are stand-ins, so that the rules can be checked first.
fn transmittal(
    request: &DeriveRequest<'_>,
    outer: &Outer,
    numbers: &[ExhibitNumber],
    (certificate_sha256, encryption): (Digest, Encryption),
) -> Transmittal {
    let at_hand = outer.transmittal.as_ref();
    let manifest = outer.manifest_sha256.unwrap_or(Digest::of(b""));
    let origin = match at_hand.and_then(|transmittal| transmittal.origin) {
        // The original's outer part is handed on; what lay between is named, not kept.
        Some(origin) => Origin { manifest_sha256: origin.manifest_sha256, made_from: Some(manifest) },
        None => Origin { manifest_sha256: manifest, made_from: None },
    };
    // What was disclosed in part stays so, for whomever it is wrapped again.
    let is_part = at_hand.is_some_and(|transmittal| transmittal.kind == TransmittalKind::Disclosure);
    let kind = match request.what {
        Derived::Rewrap if !is_part => TransmittalKind::Rewrap,
        _ => TransmittalKind::Disclosure,
    };
    Transmittal {
        format: 1,
        profile: 1,
        kind,
        encryption,
        order: None,
        reference: request.reference.clone(),
        sender: TransmittalSender { institution: request.institution.clone(), certificate_sha256 },
        recipients: request.recipients.iter().map(SealRecipient::intended).collect(),
        recovery: request.recovery.stated(),
        origin: Some(origin),
        exhibits: numbers.iter().map(|name| ExhibitSize { name: *name, size_bytes: 0 }).collect(),
        salt: Salt::mint(request.entropy),
        created_time: request.now,
    }
}

/// What is true of every package made so, and what of this one.
fn notes(at_hand: Option<&Transmittal>, made: &Transmittal) -> Vec<String> {
    let mut notes = vec![
        "whoever could open the package at hand still can, and could open the same exhibits in this one"
            .to_owned(),
    ];
    if let Some(old) = at_hand.map(|at_hand| at_hand.encryption).filter(|old| *old != made.encryption) {
        let new = made.encryption;
        notes.push(if new == Encryption::X25519 {
            format!("the package at hand is encrypted to {old} keys and this one to {new} keys: it is no safer than those")
        } else {
            format!("the package at hand is encrypted to {old} keys: who kept a copy of it is not kept out by {new} keys")
        });
    }
    notes
}

/// The act under way.
struct Maker<'a, 's> {
    request: DeriveRequest<'a>,
    source: &'s dyn PackageSource,
    sizes: HashMap<String, u64>,
    outer: Outer,
    findings: Findings,
    keys: Vec<AgeRecipient>,
    sink: Sink,
    objects: Vec<ObjectDigest>,
}

impl Maker<'_, '_> {
    fn make(
        mut self,
        mut transmittal: Transmittal,
        shorter: Option<crate::spool::SpoolReader>,
        origin_exhibits: usize,
    ) -> Result<DeriveReport, DeriveError> {
        let names: Vec<String> = transmittal.exhibits.iter().map(|one| one.name.object_name()).collect();
        let total = names.iter().fold(0_u64, |sum, name| sum.saturating_add(self.size_of(name)));
        self.request.progress.begin(Step::Writing, Some(total));
        self.put(layout::MIMETYPE_NAME, layout::MIMETYPE.as_bytes())?;
        for (exhibit, name) in transmittal.exhibits.iter_mut().zip(&names) {
            exhibit.size_bytes = self.rehead(name)?;
            if self.findings.any_failed() {
                return Err(self.not_verified());
            }
        }
        match shorter {
            None => {
                self.rehead(layout::INDEX_NAME)?;
                if self.findings.any_failed() {
                    return Err(self.not_verified());
                }
            }
            Some(index) => {
                let header = |source| DeriveError::Header { name: layout::INDEX_NAME.to_owned(), source };
                let mut sealing = Sealing::new(&self.keys, index.len(), index, threads()).map_err(header)?;
                let size = sealing.size_bytes();
                let object = self.sink.put_hashed(layout::INDEX_NAME, size, &mut sealing);
                self.objects.push(object.map_err(DeriveError::Write)?);
            }
        }
        self.say_what_was_checked(names.len());
        let bytes = transmittal.to_bytes().map_err(DeriveError::Format)?;
        let origin = self.origin()?;
        let outer = OuterPart {
            transmittal: &transmittal,
            bytes: &bytes,
            origin: &origin,
            signer: self.request.signer,
            function: self.request.function.as_deref(),
            now: self.request.now,
        };
        let package = outer.write(&mut self.sink, &mut self.objects)?;
        let output = self.sink.commit().map_err(DeriveError::Write)?;
        let notes = notes(self.outer.transmittal.as_ref(), &transmittal);
        let origin = transmittal.origin.map(|origin| PackageId::of_manifest(&origin.manifest_sha256));
        Ok(DeriveReport {
            origin: origin.unwrap_or_else(|| package.clone()),
            package,
            output,
            transmittal,
            origin_exhibits,
            objects: ObjectList(self.objects),
            checks: self.findings.into_checks(),
            notes,
        })
    }

    fn not_verified(self) -> DeriveError {
        let verdict = judge_sealed(self.outer, None, &self.request.verify, self.findings);
        DeriveError::NotVerified(Box::new(verdict))
    }

    fn size_of(&self, name: &str) -> u64 {
        self.sizes.get(name).copied().unwrap_or(0)
    }

    /// Copies an age file under a new header. The old one's digest must be what the package at hand says: it is
    /// computed beside the copying, by another thread. Gives the new size.
    fn rehead(&mut self, name: &str) -> Result<u64, DeriveError> {
        let header = |source| DeriveError::Header { name: name.to_owned(), source };
        let unreadable = |source| DeriveError::Write(WriteError::Read { name: name.to_owned(), source });
        let old_bytes = self.size_of(name);
        let Self { request, source, keys, sink, .. } = self;
        let reader = source.open(name).map_err(unreadable)?;
        let aside = HashedAside::new(Reporting { inner: reader, progress: &mut *request.progress });
        let buffered = BufReader::with_capacity(128 * 1024, aside);
        let mut reheaded = age_layer::rehead(buffered, &request.verify.identities, keys).map_err(header)?;
        let size = reheaded.size_bytes(old_bytes).ok_or_else(|| {
            unreadable(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than its header"))
        })?;
        let object = sink.put_hashed(name, size, &mut reheaded).map_err(DeriveError::Write)?;
        let old = reheaded.into_rest().into_inner().finish().map_err(unreadable)?;
        self.outer.compare(name, old, &mut self.findings);
        self.objects.push(object);
        Ok(size)
    }

    fn say_what_was_checked(&mut self, count: usize) {
        let held = self.outer.numbers.len();
        let text = format!("the {count} exhibits that go along have the digests that the manifests give");
        self.findings.checked(Part::PersonManifest, text);
        if count < held {
            let why = format!("the {} exhibits that do not go along were not read", held - count);
            self.findings.not_checked(Part::PersonManifest, why);
        }
        let why = "no exhibit was decrypted: that the contents are what was signed, the new recipients check";
        self.findings.not_checked(Part::Contents, why);
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), DeriveError> {
        let object = self.sink.put_bytes(name, bytes).map_err(DeriveError::Write)?;
        self.objects.push(object);
        Ok(())
    }
}
