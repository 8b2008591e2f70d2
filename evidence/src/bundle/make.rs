//! Writes a bundle in one pass: the exhibits as they are decrypted, then everything that proves them.
//!
//! May read the package, decrypt the exhibits that were asked for, call the signer and write the one
//! file that was named. Nothing of an exhibit is written in the clear anywhere else, and until
//! everything is right nothing stands under the final name.

use super::custody::log_part;
use super::layout::{self, BUNDLE_STATEMENT};
use super::statement::{BundleForm, BundledExhibit, Statement};
use crate::canonical::CanonicalError;
use crate::digest_list;
use crate::exhibit::ExhibitNumber;
use crate::layout::{Carried, MIMETYPE, MIMETYPE_NAME, PERSON_MANIFEST, PERSON_SIGNATURE, package_objects};
use crate::open::{Choice, OpenError, OpenOptions};
use crate::sensitive::SensitiveAccess;
use crate::sink::{Sink, WriteError};
use crate::source::in_package_order;
use crate::source::{FolderSource, MAX_OBJECTS, ObjectDigest, PackageError, PackageSource, ZipSource};
use crate::streams::{Progress, Reporting, Step, read_limited};
use crate::tar::reader::TarError;
use crate::transmittal::is_reason;
use crate::verify::contents::{ExhibitVisitor, examine_exhibits};
use crate::verify::index::Index;
use crate::verify::outer::{Outer, changed};
use crate::verify::verdict::Findings;
use crate::verify::{
    ExhibitDescription, Verdict, VerifyOptions, check_zip_order, examine_before_contents, judge_sealed,
};
use rogatory_container::cades::{self, CadesError};
use rogatory_container::manifest::{self, MAX_MANIFEST_BYTES, ManifestError};
use rogatory_core::party::OfficerId;
use rogatory_core::reference::PackageId;
use rogatory_core::{Digest, PartyId, SharedNumber, Timestamp};
use rogatory_custody::record::{Record, RecordError};
use rogatory_pki::signing::Signer;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A file of the bundle: its name in its folder, and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// Letters, digits, `.`, `_`, `-`, with the end that the folder asks for.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// What a case holds beside exhibits; every file goes in as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleCase {
    /// The number by which both sides know the case.
    pub shared_number: SharedNumber,
    /// Request, order, decisions: containers that end in `.asice`.
    pub documents: Vec<Named>,
    /// Receipts, likewise.
    pub receipts: Vec<Named>,
    /// The custody record, with the checkpoint and its cosignatures.
    pub record: Vec<u8>,
    /// Entries of the parties, `.asice`.
    pub parties: Vec<Named>,
    /// Chains of certificates, `.pem`.
    pub certificates: Vec<Named>,
    /// Revocation lists in PEM, `.crl`.
    pub revocation: Vec<Named>,
    /// Time stamp tokens, `.tst`, each named after the object that it is for.
    pub stamps: Vec<Named>,
}

/// Which exhibits go along, and how.
pub enum BundlePackage<'a> {
    /// In the clear, out of a package that the officer can open.
    Clear {
        /// The package: a folder or a container file.
        path: PathBuf,
        /// Identity, anchors and what is required of it.
        verify: Box<VerifyOptions<'a>>,
        /// The exhibits; none: all that are not sensitive.
        exhibits: Vec<ExhibitNumber>,
        /// Leave to put in sensitive ones.
        sensitive: Option<SensitiveAccess>,
        /// The time stamp token over the package's last outer signature.
        stamp: Option<Vec<u8>>,
    },
    /// Sealed: a disclosure that was made for the court.
    Sealed {
        /// The disclosure: a folder or a container file.
        path: PathBuf,
    },
    /// None.
    Nothing,
}

/// Who makes it.
pub struct BundleOfficer<'a> {
    /// The institution.
    pub institution: PartyId,
    /// The officer.
    pub officer: OfficerId,
    /// The officer's key.
    pub signer: &'a dyn Signer,
    /// The function stated in the signature.
    pub function: Option<String>,
}

/// All that making needs.
pub struct BundleRequest<'a> {
    /// The exhibits.
    pub package: BundlePackage<'a>,
    /// Everything else.
    pub case: BundleCase,
    /// Who makes and signs it.
    pub officer: BundleOfficer<'a>,
    /// The present instant.
    pub now: Timestamp,
    /// Program and version.
    pub program: String,
    /// The file to make; nothing may stand there.
    pub output: PathBuf,
    /// Is told how far it has come.
    pub progress: &'a mut dyn Progress,
}

/// What was made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct BundleReport {
    /// The file.
    #[serde(serialize_with = "crate::path_text")]
    pub output: PathBuf,
    /// How the exhibits lie in it.
    pub form: BundleForm,
    /// The package they are of.
    pub package: Option<PackageId>,
    /// The exhibits.
    pub exhibits: Vec<ExhibitNumber>,
    /// Exhibits that were left out because they are sensitive.
    pub left_out: Vec<ExhibitNumber>,
    /// SHA-256 of the signed manifest.
    pub manifest_sha256: Digest,
    /// How many objects it holds.
    pub objects: usize,
    /// The bytes of all of them.
    pub size_bytes: u64,
}

/// Making failed; nothing stands under the final name.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no sealed package.
    #[error("`{path}` is not a sealed package that could be put into a bundle")]
    Package {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: PackageError,
    },
    /// No key.
    #[error("an identity is needed to put exhibits into a bundle in the clear")]
    NoIdentity,
    /// The reason can't stand.
    #[error("the reason for sensitive exhibits must be 1 to 500 printable characters")]
    Reason,
    /// An exhibit that can't be chosen.
    #[error("the bundle was not made")]
    Choice(#[source] OpenError),
    /// The log can't be written.
    #[error("the opening of sensitive exhibits cannot be logged, so nothing was written")]
    Log(#[source] WriteError),
    /// Verification failed.
    #[error("the package is not verified, so no bundle was made of it")]
    NotVerified(Box<Verdict>),
    /// A name that can't stand.
    #[error("`{name}` cannot be the name of a file of a bundle")]
    Name {
        /// The name.
        name: String,
    },
    /// More than a bundle can have.
    #[error("the bundle would have {found} objects, and at most {MAX_OBJECTS} are read")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// The custody record can't be read.
    #[error("the custody record of the case cannot be read")]
    Record(#[source] RecordError),
    /// The statement breaks its rules.
    #[error("the bundle cannot be described")]
    Statement(#[source] CanonicalError),
    /// The index can't be copied.
    #[error("the index of the package cannot be copied")]
    Index(#[source] io::Error),
    /// The manifest can't be written.
    #[error("the manifest cannot be written")]
    Manifest(#[source] ManifestError),
    /// The signer failed.
    #[error("the bundle cannot be signed")]
    Signature(#[source] CadesError),
    /// Writing failed.
    #[error("the bundle cannot be written")]
    Write(#[source] WriteError),
}

impl BundleError {
    /// The report, if verification is what failed.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::NotVerified(verdict) => Some(verdict),
            _ => None,
        }
    }
}

/// What the exhibits gave: their statement, what else must go along with them, and which stayed out.
#[derive(Default)]
struct Taken {
    package: Option<PackageId>,
    exhibits: Vec<BundledExhibit>,
    objects: Vec<ObjectDigest>,
    /// The outer part, small, by its names in the bundle.
    outer: BTreeMap<String, Vec<u8>>,
    left_out: Vec<ExhibitNumber>,
}

/// Makes a bundle.
///
/// Each exhibit is read once, as a stream. What the signatures and lists of its package say of it must hold, or nothing is
/// made.
///
/// # Errors
/// [`BundleError`]; in every case nothing stands under the final name.
pub fn make(request: BundleRequest<'_>) -> Result<BundleReport, BundleError> {
    let BundleRequest { package, case, officer, now, program, output, progress } = request;
    let shared_number = case.shared_number.clone();
    let mut small = small_objects(case)?;
    let mut sink = Sink::private_file(&output).map_err(BundleError::Write)?;
    let mimetype = sink.put_bytes(MIMETYPE_NAME, MIMETYPE.as_bytes()).map_err(BundleError::Write)?;
    let (form, mut taken) = match package {
        BundlePackage::Nothing => (BundleForm::Documents, Taken::default()),
        BundlePackage::Sealed { path } => (BundleForm::Sealed, take_sealed(&path, &mut sink, progress)?),
        BundlePackage::Clear { path, verify, exhibits, sensitive, stamp } => {
            let wanted = Wanted { verify: &verify, exhibits, sensitive };
            let mut taken = take_clear(&path, wanted, &mut sink, progress)?;
            let stamped = layout::package_signature(taken.outer.keys().map(String::as_str));
            if let Some((stamp, stamped)) = stamp.zip(stamped.map(layout::stamp_of)) {
                taken.outer.insert(stamped, stamp);
            }
            (BundleForm::Clear, taken)
        }
    };
    let statement = Statement {
        format: 1,
        profile: 1,
        form,
        shared_number,
        institution: officer.institution,
        officer: officer.officer,
        made_time: now,
        program,
        package: taken.package.clone(),
        exhibits: std::mem::take(&mut taken.exhibits),
    };
    small.insert(BUNDLE_STATEMENT.to_owned(), statement.to_bytes().map_err(BundleError::Statement)?);
    small.append(&mut taken.outer);
    let count = taken.objects.len() + small.len() + 5;
    if count > MAX_OBJECTS {
        return Err(BundleError::TooMany { found: count });
    }
    let mut objects = taken.objects;
    for (name, bytes) in small {
        objects.push(sink.put_bytes(&name, &bytes).map_err(BundleError::Write)?);
    }
    let list = digest_list::to_text(objects.iter().map(|object| (object.sha256, object.name.as_str())));
    objects.push(sink.put_bytes(layout::LIST, &list).map_err(BundleError::Write)?);
    drop(list);
    let covered = objects.iter().map(|object| (object.name.as_str(), object.sha256));
    let manifest = manifest::to_xml(PERSON_SIGNATURE, covered).map_err(BundleError::Manifest)?;
    let signature = cades::sign(&manifest, officer.signer, now, officer.function.as_deref())
        .map_err(BundleError::Signature)?;
    let manifest_sha256 = Digest::of(&manifest);
    objects.push(sink.put_bytes(PERSON_MANIFEST, &manifest).map_err(BundleError::Write)?);
    objects.push(sink.put_bytes(PERSON_SIGNATURE, &signature).map_err(BundleError::Write)?);
    progress.begin(Step::Syncing, None);
    let output = sink.commit().map_err(BundleError::Write)?;
    Ok(BundleReport {
        output,
        form,
        package: statement.package.clone(),
        exhibits: statement.numbers(),
        left_out: taken.left_out,
        manifest_sha256,
        objects: objects.len() + 1,
        size_bytes: objects.iter().map(|object| object.size_bytes).sum::<u64>() + mimetype.size_bytes,
    })
}

/// Everything but exhibits, by name.
fn small_objects(case: BundleCase) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let mut small = BTreeMap::new();
    let free = [
        (layout::DOCUMENTS, case.documents),
        (layout::RECEIPTS, case.receipts),
        (layout::PARTIES, case.parties),
        (layout::CERTIFICATES, case.certificates),
        (layout::REVOCATION, case.revocation),
        (layout::STAMPS, case.stamps),
    ];
    for (folder, files) in free {
        for Named { name, bytes } in files {
            let name = format!("{folder}{name}");
            let sound = layout::is_known(&name) && rogatory_container::zip::check_name(&name).is_ok();
            if !sound || small.contains_key(&name) {
                return Err(BundleError::Name { name: crate::record::display(name.as_bytes()) });
            }
            small.insert(name, bytes);
        }
    }
    let record = Record::parse(&case.record).map_err(BundleError::Record)?;
    let checkpoint = log_part(&record.checkpoint).unwrap_or_default().to_vec();
    small.insert(layout::RECORD.to_owned(), case.record);
    small.insert(layout::CHECKPOINT.to_owned(), checkpoint);
    for (name, text) in layout::pages() {
        small.insert(name.to_owned(), text.as_bytes().to_vec());
    }
    Ok(small)
}

fn source_at(path: &Path, findings: &mut Findings) -> Result<Box<dyn PackageSource>, BundleError> {
    let failed = |source| BundleError::Package { path: crate::walk::shown(path), source };
    if path.is_dir() {
        return Ok(Box::new(FolderSource::open(path).map_err(failed)?));
    }
    let source = ZipSource::open(path).map_err(failed)?;
    check_zip_order(&source, findings);
    Ok(Box::new(source))
}

/// Copies a disclosure, object by object.
fn take_sealed(path: &Path, sink: &mut Sink, progress: &mut dyn Progress) -> Result<Taken, BundleError> {
    let mut findings = Findings::default();
    let source = source_at(path, &mut findings)?;
    let objects = source.objects();
    let total = objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Writing, Some(total));
    let mut taken = Taken::default();
    // Exhibits and index first: they come in this order.
    for object in in_package_order(objects) {
        let failed = |source| BundleError::Write(WriteError::Read { name: object.name.clone(), source });
        let mut inner = source.open(&object.name).map_err(failed)?;
        let name = format!("{}{}", layout::PACKAGE, object.name);
        let number = ExhibitNumber::from_object_name(&object.name);
        if number.is_some() || object.name == crate::layout::INDEX_NAME {
            let mut content = Reporting { inner, progress: &mut *progress };
            taken.exhibits.extend(number.map(|number| BundledExhibit { number, file: name.clone() }));
            let put = sink.put_hashed(&name, object.size_bytes, &mut content);
            taken.objects.push(put.map_err(BundleError::Write)?);
        } else {
            let bytes = read_limited(&mut *inner, MAX_MANIFEST_BYTES).map_err(failed)?;
            if object.name == PERSON_MANIFEST {
                taken.package = Some(PackageId::of_manifest(&Digest::of(&bytes)));
            }
            taken.outer.insert(name, bytes);
        }
    }
    Ok(taken)
}

/// What is taken out of a package in the clear.
struct Wanted<'a, 'o> {
    verify: &'a VerifyOptions<'o>,
    exhibits: Vec<ExhibitNumber>,
    sensitive: Option<SensitiveAccess>,
}

/// Verifies a package and decrypts the exhibits into the bundle.
fn take_clear(
    path: &Path,
    wanted: Wanted<'_, '_>,
    sink: &mut Sink,
    progress: &mut dyn Progress,
) -> Result<Taken, BundleError> {
    let options = wanted.verify;
    if options.identities.is_empty() {
        return Err(BundleError::NoIdentity);
    }
    if wanted.sensitive.as_ref().is_some_and(|access| !is_reason(&access.reason)) {
        return Err(BundleError::Reason);
    }
    let mut findings = Findings::default();
    let source = source_at(path, &mut findings)?;
    let (mut outer, index) = examine_before_contents(&*source, options, &mut findings);
    let (Some(mut index), false) = (index, findings.fall_short(&options.require)) else {
        return Err(BundleError::NotVerified(Box::new(judge_sealed(outer, None, options, findings))));
    };
    let asked =
        OpenOptions { exhibits: wanted.exhibits, sensitive: wanted.sensitive, ..OpenOptions::default() };
    let choice = Choice::among(&index.exhibits, &asked).map_err(BundleError::Choice)?;
    outer.select(|number| choice.chosen.contains(&number));
    if let Some(access) = asked.sensitive.as_ref().filter(|_| !choice.sensitive.is_empty()) {
        let package = outer.package.as_ref().map(ToString::to_string);
        access.record(package, choice.sensitive.clone()).map_err(BundleError::Log)?;
    }
    let described = index.exhibits.iter().filter(|exhibit| choice.chosen.contains(&exhibit.number));
    let total = described.fold(0_u64, |sum, exhibit| sum.saturating_add(exhibit.size_bytes));
    progress.begin(Step::Opening, Some(total));
    let mut taking = Taking { sink, objects: Vec::new(), exhibits: Vec::new(), failure: None, broken: false };
    examine_exhibits(&*source, &outer, Some(&mut index), options, &mut taking, &mut findings, progress);
    let Taking { sink, mut objects, exhibits, failure, .. } = taking;
    if let Some(failure) = failure {
        return Err(BundleError::Write(failure));
    }
    if findings.any_failed() {
        return Err(BundleError::NotVerified(Box::new(judge_sealed(outer, None, options, findings))));
    }
    let numbers: Vec<ExhibitNumber> = exhibits.iter().map(|exhibit| exhibit.number).collect();
    let shorter = crate::derive::shorter_index(&mut index, &numbers, sink.parent());
    let mut stream = shorter.map_err(|error| BundleError::Index(io::Error::other(error)))?;
    let size = stream.len();
    objects.push(sink.put_hashed(layout::INDEX, size, &mut stream).map_err(BundleError::Write)?);
    Ok(Taken {
        package: outer.package.clone(),
        exhibits,
        objects,
        outer: outer_part(&*source, &outer)?,
        left_out: choice.left_sealed(),
    })
}

/// The outer part of a package, exhibits and index aside; it must be what was verified.
fn outer_part(source: &dyn PackageSource, outer: &Outer) -> Result<BTreeMap<String, Vec<u8>>, BundleError> {
    let mut part = BTreeMap::new();
    let known = package_objects(std::iter::empty(), Carried::Sealed, true);
    for object in source.objects() {
        let name = object.name;
        if name == crate::layout::INDEX_NAME || !known.contains(&name) {
            continue;
        }
        let failed = |source| BundleError::Write(WriteError::Read { name: name.clone(), source });
        let bytes =
            source.open(&name).and_then(|mut content| read_limited(&mut *content, MAX_MANIFEST_BYTES));
        let bytes = bytes.map_err(failed)?;
        if outer.read.get(&name).is_some_and(|before| *before != Digest::of(&bytes)) {
            return Err(failed(changed()));
        }
        part.insert(format!("{}{name}", layout::PACKAGE), bytes);
    }
    Ok(part)
}

/// Writes each exhibit into the bundle while it is being decrypted.
struct Taking<'a> {
    sink: &'a mut Sink,
    objects: Vec<ObjectDigest>,
    exhibits: Vec<BundledExhibit>,
    failure: Option<WriteError>,
    /// Nothing more can be written: the one file has a gap.
    broken: bool,
}

impl Taking<'_> {
    fn put(&mut self, exhibit: &ExhibitDescription, content: &mut dyn Read) -> io::Result<()> {
        let name = layout::exhibit_name(exhibit.number, &exhibit.name, exhibit.exhibit_type);
        match self.sink.put_hashed(&name, exhibit.size_bytes, content) {
            Ok(object) => {
                self.objects.push(object);
                self.exhibits.push(BundledExhibit { number: exhibit.number, file: name });
                Ok(())
            }
            Err(error) => {
                self.broken = true;
                let text = rogatory_core::chain(&error);
                // What cannot be read or has another length is the package's fault, and stands in the report.
                if !matches!(error, WriteError::Read { .. } | WriteError::Length { .. }) {
                    self.failure.get_or_insert(error);
                }
                Err(io::Error::other(text))
            }
        }
    }
}

impl ExhibitVisitor for Taking<'_> {
    fn file(&mut self, exhibit: &ExhibitDescription, content: &mut dyn BufRead) -> io::Result<()> {
        self.put(exhibit, &mut BufReader::new(content))
    }

    fn folder(
        &mut self,
        exhibit: &ExhibitDescription,
        tar: &mut dyn Read,
        files: &mut dyn Read,
    ) -> Result<(), TarError> {
        // The tar goes in as it is; its digest is the signed one, and whoever verifies the bundle reads it against its list.
        self.put(exhibit, tar).map_err(TarError::Io)?;
        io::copy(files, &mut io::sink()).map(|_| ()).map_err(TarError::Io)
    }

    fn accept(&mut self, _: &ExhibitDescription, _: &mut Index) -> Result<(), String> {
        Ok(())
    }

    fn reject(&mut self, _: &ExhibitDescription, _: &mut Index, _: bool) {}

    fn stopped(&self) -> bool {
        self.broken
    }
}
