//! Verifies whatever an officer, a clerk or an expert holds in hand.
//!
//! Holds the entry points: a sealed package, an opened one, an index, a court bundle or a formal document, told
//! apart by their content. May read files and call the signature verifier. Reads no clock, takes
//! no anchor from what is verified, writes nothing but an encrypted temporary file.

pub(crate) mod contents;
pub(crate) mod described;
mod document;
mod encryption;
mod foreign;
pub(crate) mod index;
mod opened;
mod origin;
pub(crate) mod outer;
pub(crate) mod revocation;
pub(crate) mod signature;
pub(crate) mod time;
pub(crate) mod verdict;

pub use time::{TimeProof, beside};
pub use verdict::{
    Check, Derivation, ExhibitDescription, Form, Outcome, Part, Requirement, RequirementError,
    UndisclosedExhibit, Verdict, Verified, VerifiedPackage,
};

use crate::age_layer::Identities;
use crate::bundle::{BUNDLE_STATEMENT, verify_bundle};
use crate::known::KnownInstitution;
use crate::layout;
use crate::source::{FolderSource, PackageError, PackageSource, ZipSource, in_package_order};
use crate::streams::{Progress, Step, read_limited};
use contents::{Look, examine_exhibits, examine_sealed_index};
use index::{Index, examine_index};
use outer::{Outer, Payload, Signers, examine_outer, judge_signer};
use rogatory_container::manifest::MAX_MANIFEST_BYTES;
use rogatory_core::{Digest, PackageId, PartyId, Timestamp, chain};
use rogatory_custody::cosignature::WitnessVkey;
use rogatory_custody::note::Vkey;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use std::collections::BTreeSet;
use std::fs::File;
use std::mem::take;
use std::path::Path;
use verdict::Findings;

/// What to verify with.
#[derive(Clone)]
pub struct VerifyOptions<'a> {
    /// Keys that open the contents; none: contents are not checked.
    pub identities: Identities,
    /// Whom to believe; none: verification fails.
    pub anchors: &'a Anchors,
    /// Whose seals are known; none: whose seal it is stays unchecked.
    pub institutions: &'a [KnownInstitution],
    /// The keys of custody logs, each of the party that published it; none: custody records stay unchecked.
    pub log_keys: &'a [(PartyId, Vkey)],
    /// The keys of witnesses, each of the party that published it; none: cosignatures stay unchecked.
    pub witness_keys: &'a [(PartyId, WitnessVkey)],
    /// The SHA-256 of the certificate that must have sealed the evidence, if it is known from elsewhere. Of a derived
    /// package that is the original's; its maker is reported beside it.
    pub expected_signer: Option<Digest>,
    /// The instant at which certificates must be valid.
    pub at: Timestamp,
    /// What is known of the time at which it existed; `at` is what [`TimeProof::judged_at`] gives.
    pub time: TimeProof,
    /// The revocation lists that somebody obtained; none: revocation is not checked.
    pub revocation: Option<&'a RevocationLists>,
    /// What must be checked beyond integrity, signature and chain.
    pub require: BTreeSet<Requirement>,
    /// Whether, where no anchor at all is given, sound signatures are enough: for who only derives a package that
    /// others will judge. Nothing is ever *verified* so.
    pub integrity_suffices: bool,
}

impl<'a> VerifyOptions<'a> {
    /// Without identity, known institutions, expected signer or requirements.
    #[must_use]
    pub fn new(anchors: &'a Anchors, at: Timestamp) -> Self {
        Self {
            identities: Identities::none(),
            anchors,
            institutions: &[],
            log_keys: &[],
            witness_keys: &[],
            expected_signer: None,
            at,
            time: TimeProof::default(),
            revocation: None,
            require: BTreeSet::new(),
            integrity_suffices: false,
        }
    }

    /// The same, with the institutions whose seals are known.
    #[must_use]
    pub const fn with_institutions(mut self, institutions: &'a [KnownInstitution]) -> Self {
        self.institutions = institutions;
        self
    }
}

/// Verifies what lies at `path`.
///
/// The answer is always a report; what can't be read is a failure in it.
#[must_use]
pub fn verify(path: &Path, options: &VerifyOptions<'_>, progress: &mut dyn Progress) -> Verdict {
    if path.is_dir() {
        if path.join(layout::OPENED_INDEX_NAME).exists() {
            return verify_opened(path, options, progress);
        }
        return match FolderSource::open(path) {
            Ok(source) => foreign::verify_source(&source, options, progress)
                .unwrap_or_else(|| verify_package(&source, options, progress)),
            Err(error) => unreadable(Form::Sealed, &error, options),
        };
    }
    match ZipSource::open(path) {
        Ok(source) => {
            let has = |wanted: &str| source.names().any(|name| name == wanted);
            if has(BUNDLE_STATEMENT) {
                verify_bundle(&source, options, progress)
            } else if has(layout::INDEX_NAME) || has(layout::BAGIT_NAME) {
                let mut findings = Findings::default();
                check_zip_order(&source, &mut findings);
                verify_package_with(&source, options, findings, progress)
            } else if has(layout::EXHIBITS_NAME) {
                verify_index(path, options)
            } else {
                foreign::verify_source(&source, options, progress)
                    .unwrap_or_else(|| document::verify_document(path, options))
            }
        }
        // What is not in the one form may still be judged by its signed parts, if it claims no profile.
        Err(error) => foreign::verify_file(path, options, progress)
            .unwrap_or_else(|| unreadable(Form::Unknown, &error, options)),
    }
}

/// Looks at what lies at `path` without reading a single exhibit: the outer part, and with an identity the index.
///
/// The answer describes the exhibits; what holds of them is reported as not checked.
#[must_use]
pub fn look(path: &Path, options: &VerifyOptions<'_>, progress: &mut dyn Progress) -> Verdict {
    let mut findings = Findings::default();
    let source: Result<Box<dyn PackageSource>, PackageError> = if path.is_dir() {
        FolderSource::open(path).map(|source| Box::new(source) as _)
    } else {
        ZipSource::open(path).map(|source| {
            check_zip_order(&source, &mut findings);
            Box::new(source) as _
        })
    };
    match source {
        Ok(source) => look_from(&*source, options, findings, progress),
        Err(error) => unreadable(Form::Sealed, &error, options),
    }
}

/// The same from wherever the objects lie.
pub(crate) fn look_from(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    mut findings: Findings,
    progress: &mut dyn Progress,
) -> Verdict {
    progress.begin(Step::Verifying, None);
    let (mut outer, mut index) = examine_before_contents(source, options, &mut findings);
    outer.select(|_| false);
    encryption::examine_exhibit_headers(source, &outer, &mut findings);
    contents::tell_how_many(&outer, index.as_ref().map(|index| index.exhibits.len()), &mut findings);
    judge_sealed(outer, index.as_mut(), options, findings)
}

/// Verifies a sealed package from wherever its objects lie.
#[must_use]
pub fn verify_package(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Verdict {
    verify_package_with(source, options, Findings::default(), progress)
}

fn verify_package_with(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    mut findings: Findings,
    progress: &mut dyn Progress,
) -> Verdict {
    let (outer, mut index) = examine_before_contents(source, options, &mut findings);
    begin(&outer, progress);
    examine_exhibits(source, &outer, index.as_mut(), options, &mut Look, &mut findings, progress);
    judge_sealed(outer, index.as_mut(), options, findings)
}

/// Everything but the exhibits: outer part, index, agreement, signer, and what nobody looks at yet.
pub(crate) fn examine_before_contents(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> (Outer, Option<Index>) {
    let examined = examine_outer_and_index(source, options, findings);
    not_looked_at(options, findings);
    examined
}

/// Outer part, index, agreement and signer.
pub(crate) fn examine_outer_and_index(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> (Outer, Option<Index>) {
    let outer = examine_outer(source, Payload::Here, options, findings);
    outer.judge_signers(options, findings);
    encryption::examine_index_header(source, &outer, findings);
    let index = examine_sealed_index(source, &outer, options, findings);
    if outer.is_derived() && index.is_none() {
        // Anybody can copy an outer part: what ties it to these age files stands in the index.
        let why = "only the identity of a recipient can tell whether the exhibits are the original's";
        findings.doubt(&[Part::PersonSignature, Part::Signer, Part::Seal], why);
        if options.expected_signer.is_some() {
            findings.failed(Part::Signer, None, why);
        }
    }
    (outer, index)
}

/// Looks at an index alone, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn index_failures(stream: Box<dyn index::ReadSeek>, options: &VerifyOptions<'_>) -> Option<usize> {
    let mut findings = Findings::default();
    examine_index(stream, None, options, &mut findings).map(|_| findings.failures())
}

/// Begins the pass over the exhibits.
pub(crate) fn begin(outer: &Outer, progress: &mut dyn Progress) {
    progress
        .begin(Step::Verifying, outer.transmittal.as_ref().map(crate::transmittal::Transmittal::total_bytes));
}

/// The overall answer for a sealed package. What the index describes goes into it: there may be very many exhibits.
pub(crate) fn judge_sealed(
    outer: Outer,
    index: Option<&mut Index>,
    options: &VerifyOptions<'_>,
    findings: Findings,
) -> Verdict {
    let contents = findings.has_checked(Part::Contents);
    let verified = verified(Form::Sealed, Some(outer), index, contents);
    findings.judge(Form::Sealed, options, verified)
}

/// What outer part and index, or one of them, tell of a package.
pub(crate) fn verified(
    form: Form,
    outer: Option<Outer>,
    mut index: Option<&mut Index>,
    contents: bool,
) -> Option<Verified> {
    let described = index.as_mut().map(|index| (take(&mut index.exhibits), take(&mut index.undisclosed)));
    let (exhibits, undisclosed) = described.unwrap_or_default();
    let Some(outer) = outer else {
        let index = index?;
        let (transmittal, signature) = (index.transmittal.clone()?, index.signature.clone()?);
        return Some(Verified::Package(Box::new(VerifiedPackage {
            form,
            package: None,
            transmittal,
            signature,
            seal: None,
            sealed_by: None,
            derivation: None,
            exhibits,
            undisclosed,
            contents,
        })));
    };
    let (signers, derivation) = match outer.origin {
        Some(origin) => {
            let derivation = Derivation {
                origin: origin.package,
                transmittal: origin.transmittal?,
                maker: outer.signers.signature?,
                maker_seal: outer.signers.seal,
                maker_sealed_by: outer.signers.sealed_by,
            };
            // Without the index nothing says that the original's signers know of these age files.
            let signers = if index.is_some() {
                origin.signers
            } else {
                Signers {
                    signer: None,
                    signature: Some(derivation.maker.clone()),
                    seal: derivation.maker_seal.clone(),
                    sealed_by: derivation.maker_sealed_by.clone(),
                }
            };
            (signers, Some(derivation))
        }
        None => (outer.signers, None),
    };
    Some(Verified::Package(Box::new(VerifiedPackage {
        form,
        package: outer.package,
        transmittal: outer.transmittal?,
        signature: signers.signature?,
        seal: signers.seal,
        sealed_by: signers.sealed_by,
        derivation,
        exhibits,
        undisclosed,
        contents,
    })))
}

/// The time, and what no part of this crate can check is said, never passed over.
fn not_looked_at(options: &VerifyOptions<'_>, findings: &mut Findings) {
    options.time.report(findings);
    if options.revocation.is_none_or(RevocationLists::is_empty) {
        findings.not_checked(Part::Revocation, "no revocation lists were consulted");
    }
    findings.not_checked(Part::Witness, "no custody record accompanies it");
}

fn unreadable(form: Form, error: &PackageError, options: &VerifyOptions<'_>) -> Verdict {
    let mut findings = Findings::default();
    findings.failed(Part::Container, None, chain(error));
    findings.judge(form, options, None)
}

/// A container file has one order.
pub(crate) fn check_zip_order(source: &ZipSource, findings: &mut Findings) {
    let ordered = in_package_order(source.objects());
    if source.names().eq(ordered.iter().map(|object| object.name.as_str())) {
        findings.checked(Part::Container, "the container file has the one form it may have");
    } else {
        findings.failed(Part::Container, None, "the objects in the container file are not in their order");
    }
}

fn verify_opened(folder: &Path, options: &VerifyOptions<'_>, progress: &mut dyn Progress) -> Verdict {
    let mut findings = Findings::default();
    progress.begin(Step::Verifying, None);
    let outer = opened::examine_package(folder, options, &mut findings);
    let mut index = opened::examine_opened(folder, outer.as_ref(), options, &mut findings, progress);
    judge_inner(Form::Opened, outer, index.as_mut(), options, findings)
}

fn verify_index(path: &Path, options: &VerifyOptions<'_>) -> Verdict {
    let mut findings = Findings::default();
    let mut index = match File::open(path) {
        Ok(file) => examine_index(Box::new(file), None, options, &mut findings),
        Err(error) => {
            findings.failed(Part::Index, None, format!("it cannot be read: {error}"));
            None
        }
    };
    findings.not_checked(Part::Contents, "the index alone was given, without exhibits");
    findings.not_checked(Part::Seal, "the index does not hold the outer signatures");
    judge_inner(Form::Index, None, index.as_mut(), options, findings)
}

/// The overall answer where the index is at hand in the clear.
fn judge_inner(
    form: Form,
    outer: Option<Outer>,
    index: Option<&mut Index>,
    options: &VerifyOptions<'_>,
    mut findings: Findings,
) -> Verdict {
    not_looked_at(options, &mut findings);
    if let Some(outer) = &outer {
        outer.judge_signers(options, &mut findings);
    } else if let Some(index) = &index {
        let object = "index: META-INF/signature001.p7s";
        judge_signer(index.transmittal.as_ref(), index.signer.as_ref(), object, options, &mut findings);
    }
    let contents = findings.has_checked(Part::Contents);
    let verified = index.and_then(|index| verified(form, outer, Some(index), contents));
    findings.judge(form, options, verified)
}

/// Reads the transmittal of a package at `path` without believing it: to show what it claims.
///
/// # Errors
/// [`PackageError`] if the package or its transmittal can't be read at all.
pub fn claimed_transmittal(path: &Path) -> Result<crate::transmittal::Transmittal, PackageError> {
    transmittal_of(&*source_of(path)?)
}

/// Reads by which id receipts and logs know a package at `path`, without believing it: of a derived one it is the
/// original's.
///
/// # Errors
/// [`PackageError`] if the package, its transmittal or its signed manifest can't be read at all.
pub fn claimed_original(path: &Path) -> Result<PackageId, PackageError> {
    let source = source_of(path)?;
    if let Some(origin) = transmittal_of(&*source)?.origin {
        return Ok(PackageId::of_manifest(&origin.manifest_sha256));
    }
    let failed = |source| PackageError::Io { name: layout::PERSON_MANIFEST.to_owned(), source };
    let mut reader = source.open(layout::PERSON_MANIFEST).map_err(failed)?;
    let bytes = read_limited(&mut *reader, MAX_MANIFEST_BYTES).map_err(failed)?;
    Ok(PackageId::of_manifest(&Digest::of(&bytes)))
}

fn source_of(path: &Path) -> Result<Box<dyn PackageSource>, PackageError> {
    Ok(if path.is_dir() { Box::new(FolderSource::open(path)?) } else { Box::new(ZipSource::open(path)?) })
}

fn transmittal_of(source: &dyn PackageSource) -> Result<crate::transmittal::Transmittal, PackageError> {
    let failed = |source| PackageError::Io { name: layout::TRANSMITTAL_NAME.to_owned(), source };
    let mut reader = source.open(layout::TRANSMITTAL_NAME).map_err(failed)?;
    let bytes = read_limited(&mut *reader, crate::transmittal::MAX_TRANSMITTAL_BYTES).map_err(failed)?;
    crate::transmittal::Transmittal::from_bytes(&bytes)
        .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))
}
