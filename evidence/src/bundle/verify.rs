//! Verifies a bundle: every layer by itself, under anchors from outside, and then how they relate.
//!
//! The only maker of [`VerifiedBundle`]. May read the bundle and call the verifiers of package, documents
//! and record. Every object is read once, but for the tars of folders, which are compared with their lists.

use super::case::{Case, examine_case};
use super::custody::examine_custody;
use super::layout::{self, BUNDLE_STATEMENT, PACKAGE};
use super::relations::{PackageFacts, relate};
use super::statement::{BundleForm, MAX_STATEMENT_BYTES, Statement};
use crate::digest_list;
use crate::exhibit::ExhibitNumber;
use crate::layout::{MIMETYPE_NAME, PERSON_MANIFEST, PERSON_SIGNATURE};
use crate::record::ExhibitType;
use crate::source::{ObjectInfo, PackageSource, ZipSource};
use crate::streams::{Hashing, Progress, Reporting, Step, read_limited};
use crate::tar::reader::CheckOnly;
use crate::verify::contents::{self, Look, examine_exhibits, visit_folder};
use crate::verify::index::{Index, examine_index};
use crate::verify::outer::{Outer, Payload, examine_outer, read_manifest};
use crate::verify::signature::{Examined, examine, judge_person};
use crate::verify::verdict::{Findings, Form, Part, Verdict, Verified, VerifiedPackage};
use crate::verify::{VerifyOptions, examine_outer_and_index, verified};
use rogatory_container::cades::{MAX_SIGNATURE_BYTES, VerifiedSignature};
use rogatory_container::manifest::MAX_MANIFEST_BYTES;
use rogatory_core::party::OfficerId;
use rogatory_core::{Digest, PartyId, SharedNumber, Timestamp, chain};
use rogatory_custody::record::{MAX_RECORD_BYTES, VerifiedRecord};
use rogatory_pki::path::ValidatedPath;
use rogatory_pki::revocation::{Revocation, RevocationLists};
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, BufReader, Read};

/// The longest list of digests: a line for every object.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;
const MAX_NOTE_BYTES: usize = 131_072;
const MAX_CRL_BYTES: usize = 64 * 1024 * 1024;

/// A stream of the custody record, as the report names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StreamFacts {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Every number from 1 to this one is there.
    pub complete_to: u64,
    /// Those of them whose bodies were erased.
    pub erased: Vec<u64>,
}

/// The custody record, as the report names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogFacts {
    /// The log.
    pub origin: String,
    /// The number of leaves under the checkpoint.
    pub checkpoint_size: u64,
    /// The root over them.
    pub checkpoint_root: Digest,
    /// How many entries were verified.
    pub entries: usize,
    /// How far each stream is complete.
    pub streams: Vec<StreamFacts>,
}

/// A bundle of which everything that was looked at is right. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    statement: Statement,
    manifest_sha256: Digest,
    signature: VerifiedSignature,
    package: Option<VerifiedPackage>,
    log: Option<LogFacts>,
    documents: usize,
    receipts: usize,
}

impl VerifiedBundle {
    /// How the exhibits lie in it.
    #[must_use]
    pub const fn form(&self) -> BundleForm {
        self.statement.form
    }

    /// The number of the case.
    #[must_use]
    pub const fn shared_number(&self) -> &SharedNumber {
        &self.statement.shared_number
    }

    /// The institution whose officer made it.
    #[must_use]
    pub const fn institution(&self) -> &PartyId {
        &self.statement.institution
    }

    /// The officer who made it.
    #[must_use]
    pub const fn officer(&self) -> &OfficerId {
        &self.statement.officer
    }

    /// When, as its maker says.
    #[must_use]
    pub const fn made_time(&self) -> Timestamp {
        self.statement.made_time
    }

    /// Program and version that made it, as its maker says.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.statement.program
    }

    /// SHA-256 of the signed manifest, which covers every object.
    #[must_use]
    pub const fn manifest_sha256(&self) -> Digest {
        self.manifest_sha256
    }

    /// Its maker's signature.
    #[must_use]
    pub const fn signature(&self) -> &VerifiedSignature {
        &self.signature
    }

    /// The package that the exhibits are of.
    #[must_use]
    pub const fn package(&self) -> Option<&VerifiedPackage> {
        self.package.as_ref()
    }

    /// The custody record, if it was verified.
    #[must_use]
    pub const fn log(&self) -> Option<&LogFacts> {
        self.log.as_ref()
    }

    /// How many documents and receipts of the case it holds.
    #[must_use]
    pub const fn counts(&self) -> (usize, usize) {
        (self.documents, self.receipts)
    }

    /// The name of an exhibit's file.
    #[must_use]
    pub fn file_of(&self, number: ExhibitNumber) -> Option<&str> {
        let place = self.statement.exhibits.binary_search_by_key(&number, |exhibit| exhibit.number).ok()?;
        self.statement.exhibits.get(place).map(|exhibit| exhibit.file.as_str())
    }
}

/// Verifies a bundle.
pub(crate) fn verify_bundle(
    source: &ZipSource,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Verdict {
    let mut findings = Findings::default();
    let total = source.objects().iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Verifying, Some(total));
    let bundle = examine_bundle(source, options, &mut findings, progress);
    findings.judge(Form::Bundle, options, bundle.map(|bundle| Verified::Bundle(Box::new(bundle))))
}

fn examine_bundle(
    source: &ZipSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> Option<VerifiedBundle> {
    let bundle = Bundle::read(source, options, findings)?;
    let mut found = HashMap::new();
    let (package, index) = examine_package(&bundle, &mut found, options, findings, progress);
    hash_the_rest(&bundle, &mut found, findings, progress);
    compare(&bundle, &found, findings);
    let case = examine_case(source, options, findings);
    let record = bundle.small(layout::RECORD, MAX_RECORD_BYTES, Part::Custody, findings);
    let checkpoint = bundle.small(layout::CHECKPOINT, MAX_NOTE_BYTES, Part::Custody, findings);
    let record = record.zip(checkpoint).and_then(|(record, checkpoint)| {
        examine_custody(&record, &checkpoint, &bundle.statement, options, findings)
    });
    let facts = package.as_ref().and_then(|outer| {
        Some(PackageFacts { transmittal: outer.transmittal.as_ref()?, manifest: outer.manifest_sha256? })
    });
    relate(&bundle.statement, facts.as_ref(), &case, record.as_ref(), findings);
    examine_pages(&bundle, findings);
    let contents = findings.has_checked(Part::Contents);
    let mut index = index;
    let package =
        package.and_then(|outer| match verified(Form::Bundle, Some(outer), index.as_mut(), contents) {
            Some(Verified::Package(package)) => Some(*package),
            _ => None,
        });
    let signature = bundle.signature.clone();
    examine_revocation(&bundle, signature.as_ref(), package.as_ref(), &case, options, findings);
    examine_time(&bundle, options, findings);
    findings
        .not_checked_unless_noted(Part::Witness, "no other institution's signature stands on the checkpoint");
    Some(VerifiedBundle {
        manifest_sha256: bundle.manifest_sha256,
        signature: signature?,
        package,
        log: record.as_ref().map(log_facts),
        documents: case.document_count,
        receipts: case.receipt_count,
        statement: bundle.statement,
    })
}

fn log_facts(record: &VerifiedRecord) -> LogFacts {
    let stream = |stream: &rogatory_custody::record::VerifiedStream| StreamFacts {
        stream: stream.stream().to_string(),
        complete_to: stream.complete_to(),
        erased: stream.erased().to_vec(),
    };
    LogFacts {
        origin: record.origin().to_string(),
        checkpoint_size: record.checkpoint().size(),
        checkpoint_root: *record.checkpoint().root(),
        entries: record.entries().len(),
        streams: record.streams().iter().map(stream).collect(),
    }
}

/// The framing of a bundle: its objects, what it says of itself, and its maker's signature over all of them.
struct Bundle<'a> {
    source: &'a ZipSource,
    statement: Statement,
    manifest_sha256: Digest,
    signature: Option<VerifiedSignature>,
    /// By the signed manifest.
    signed: digest_list::Digests,
    /// By `manifest-sha256.txt`.
    listed: digest_list::Digests,
}

impl<'a> Bundle<'a> {
    /// Reads what everything else stands on; none if it can't be read.
    fn read(source: &'a ZipSource, options: &VerifyOptions<'_>, findings: &mut Findings) -> Option<Self> {
        let before = findings.failures();
        check_names(source, findings);
        let statement = read_small(source, BUNDLE_STATEMENT, MAX_STATEMENT_BYTES, Part::Bundle, findings)?;
        let statement = Statement::from_bytes(&statement)
            .map_err(|error| findings.failed(Part::Bundle, Some(BUNDLE_STATEMENT), chain(&error)))
            .ok()?;
        check_exhibit_names(source, &statement, findings);
        let manifest = read_small(source, PERSON_MANIFEST, MAX_MANIFEST_BYTES, Part::Bundle, findings)?;
        let der = read_small(source, PERSON_SIGNATURE, MAX_SIGNATURE_BYTES, Part::BundleSignature, findings)?;
        let covered: Vec<&str> =
            source.names().filter(|name| *name != MIMETYPE_NAME && !is_signature(name)).collect();
        let signed = read_manifest(
            Part::Bundle,
            PERSON_MANIFEST,
            PERSON_SIGNATURE,
            Some(&manifest),
            &covered,
            findings,
        );
        let list = read_small(source, layout::LIST, MAX_LIST_BYTES, Part::Bundle, findings)?;
        let mut listed = digest_list::Digests::default();
        match digest_list::from_text(&list) {
            Ok(lines) => {
                let names = covered.iter().copied().filter(|name| *name != layout::LIST);
                if !lines.iter().map(|(_, name)| *name).eq(names) {
                    let why = "it does not list exactly the objects of the bundle, in their order";
                    findings.failed(Part::Bundle, Some(layout::LIST), why);
                }
                listed.extend(lines.into_iter().map(|(digest, name)| (name, digest)));
            }
            Err(error) => findings.failed(Part::Bundle, Some(layout::LIST), chain(&error)),
        }
        if findings.failures() == before {
            let count = source.names().count();
            findings
                .checked(Part::Bundle, format!("court bundle: exactly its {count} objects, in their order"));
        }
        let part = Part::BundleSignature;
        let examined = examine(part, PERSON_SIGNATURE, &manifest, &der, options, findings);
        if let Examined::Trusted(signature) = &examined {
            let institution = Some(&statement.institution);
            judge_person(part, PERSON_SIGNATURE, signature, institution, options, findings);
        }
        Some(Self {
            source,
            manifest_sha256: Digest::of(&manifest),
            signature: examined.trusted(),
            statement,
            signed,
            listed,
        })
    }

    fn small(&self, name: &str, limit: usize, part: Part, findings: &mut Findings) -> Option<Vec<u8>> {
        read_small(self.source, name, limit, part, findings)
    }
}

fn is_signature(name: &str) -> bool {
    name == PERSON_MANIFEST || name == PERSON_SIGNATURE
}

/// Reads a small object, noting what can't be read.
fn read_small(
    source: &ZipSource,
    name: &str,
    limit: usize,
    part: Part,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    match source.open(name).and_then(|mut reader| read_limited(&mut *reader, limit)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            findings.failed(part, Some(name), "it is missing");
            None
        }
        Err(error) => {
            findings.failed(part, Some(name), format!("it cannot be read: {error}"));
            None
        }
    }
}

/// Only objects that a bundle has, in their order.
fn check_names(source: &ZipSource, findings: &mut Findings) {
    let mut last = None;
    for name in source.names() {
        if !layout::is_known(name) && !is_signature(name) {
            findings.failed(Part::Objects, Some(name), "it does not belong to a court bundle");
        }
        let place = layout::place(name);
        if last.is_some_and(|last| last >= place) {
            findings.failed(Part::Objects, Some(name), "it does not stand in its order");
        }
        last = Some(place);
    }
}

/// The files of the exhibits are those that the statement names, and no others.
fn check_exhibit_names(source: &ZipSource, statement: &Statement, findings: &mut Findings) {
    let sealed = statement.form == BundleForm::Sealed;
    let folder = if sealed { layout::SEALED_EXHIBITS } else { layout::EXHIBITS };
    let found = source.names().filter(|name| name.starts_with(folder));
    if !found.eq(statement.exhibits.iter().map(|exhibit| exhibit.file.as_str())) {
        let why = format!("`{folder}` does not hold exactly the exhibits that it names");
        findings.failed(Part::Objects, Some(BUNDLE_STATEMENT), why);
    }
    let strange = |name: &&str| match statement.form {
        BundleForm::Clear => name.starts_with(layout::SEALED_EXHIBITS) || *name == layout::SEALED_INDEX,
        BundleForm::Sealed => name.starts_with(layout::EXHIBITS) || *name == layout::INDEX,
        BundleForm::Documents => {
            name.starts_with(layout::EXHIBITS) || name.starts_with(PACKAGE) || *name == layout::INDEX
        }
    };
    for name in source.names().filter(strange) {
        let form = statement.form;
        findings.failed(
            Part::Objects,
            Some(name),
            format!("it does not belong to a bundle of the form {form:?}"),
        );
    }
}

/// Every object that nobody hashed yet.
fn hash_the_rest(
    bundle: &Bundle<'_>,
    found: &mut HashMap<String, Digest>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    for name in bundle.source.names().filter(|name| !is_signature(name)) {
        if found.contains_key(name) {
            continue;
        }
        let hashed = bundle.source.open(name).and_then(|inner| {
            Hashing::new(Reporting { inner, progress: &mut *progress }).finish_after_the_rest()
        });
        match hashed {
            Ok((digest, _)) => {
                found.insert(name.to_owned(), digest);
            }
            Err(error) => findings.failed(Part::Bundle, Some(name), format!("it cannot be read: {error}")),
        }
    }
}

/// Every object against the signed manifest and the list beside it.
fn compare(bundle: &Bundle<'_>, found: &HashMap<String, Digest>, findings: &mut Findings) {
    let before = findings.failures();
    for name in bundle.source.names().filter(|name| *name != MIMETYPE_NAME && !is_signature(name)) {
        let Some(digest) = found.get(name) else { continue };
        for (list, list_name) in [(&bundle.signed, PERSON_MANIFEST), (&bundle.listed, layout::LIST)] {
            if list_name == layout::LIST && name == layout::LIST {
                continue;
            }
            if list.get(name) != Some(digest) {
                let why = format!("it has another digest than `{list_name}` says");
                findings.failed(Part::Bundle, Some(name), why);
            }
        }
    }
    if findings.failures() == before {
        findings.checked(Part::Bundle, "every object has the digest that its maker signed");
    }
}

/// The objects below `package/`, under the names that they have in a package.
struct InBundle<'a> {
    source: &'a ZipSource,
    /// Computed from the bundle's bytes in this run.
    hashed: &'a HashMap<String, Digest>,
}

impl PackageSource for InBundle<'_> {
    fn objects(&self) -> Vec<ObjectInfo> {
        let strip = |object: ObjectInfo| {
            let name = object.name.strip_prefix(PACKAGE)?.to_owned();
            Some(ObjectInfo { name, ..object })
        };
        self.source.objects().into_iter().filter_map(strip).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.source.open(&format!("{PACKAGE}{name}"))
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        self.source.open_at(&format!("{PACKAGE}{name}"), offset)
    }

    fn digest(&self, name: &str) -> Option<Digest> {
        self.hashed.get(&format!("{PACKAGE}{name}")).copied()
    }
}

/// The package and its exhibits, in the clear or sealed.
fn examine_package(
    bundle: &Bundle<'_>,
    found: &mut HashMap<String, Digest>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> (Option<Outer>, Option<Index>) {
    let (outer, index) = match bundle.statement.form {
        BundleForm::Documents => {
            return (None, None);
        }
        BundleForm::Clear => {
            let hashed = HashMap::new();
            let package = InBundle { source: bundle.source, hashed: &hashed };
            let outer = examine_outer(&package, Payload::Opened, options, findings);
            let index = examine_clear(bundle, &outer, found, options, findings, progress);
            (outer, index)
        }
        BundleForm::Sealed => {
            hash_sealed(bundle, found, findings, progress);
            let package = InBundle { source: bundle.source, hashed: found };
            let (outer, mut index) = examine_outer_and_index(&package, options, findings);
            examine_exhibits(&package, &outer, index.as_mut(), options, &mut Look, findings, progress);
            (outer, index)
        }
    };
    if bundle.statement.form == BundleForm::Clear {
        outer.judge_signers(options, findings);
    }
    if outer.package != bundle.statement.package {
        let why = "it names another package than `package/` is of";
        findings.failed(Part::Relations, Some(BUNDLE_STATEMENT), why);
    }
    (Some(outer), index)
}

/// The age files of a sealed bundle, whose digests the package's own manifests name too.
fn hash_sealed(
    bundle: &Bundle<'_>,
    found: &mut HashMap<String, Digest>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    for name in bundle.source.names().filter(|name| name.starts_with(layout::SEALED_EXHIBITS)) {
        progress.object(name);
        let hashed = bundle.source.open(name).and_then(|inner| {
            Hashing::new(Reporting { inner, progress: &mut *progress }).finish_after_the_rest()
        });
        match hashed {
            Ok((digest, _)) => {
                found.insert(name.to_owned(), digest);
            }
            Err(error) => findings.failed(Part::Contents, Some(name), format!("it cannot be read: {error}")),
        }
    }
}

/// The signed index, its agreement with the outer part, and every exhibit against it.
fn examine_clear(
    bundle: &Bundle<'_>,
    outer: &Outer,
    found: &mut HashMap<String, Digest>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> Option<Index> {
    let numbers = bundle.statement.numbers();
    let Some(stream) = bundle.source.section(layout::INDEX) else {
        findings.failed(Part::Index, Some(layout::INDEX), "it is missing");
        return None;
    };
    let stream = stream
        .map_err(|error| {
            findings.failed(Part::Index, Some(layout::INDEX), format!("it cannot be read: {error}"))
        })
        .ok()?;
    let mut index = examine_index(Box::new(stream), Some(&numbers), options, findings)?;
    let before = findings.failures();
    contents::agree(outer, &index, findings);
    if findings.failures() == before {
        findings.checked(Part::Agreement, contents::agreement(outer));
    }
    let before = findings.failures();
    let files = bundle.statement.exhibits.iter();
    for file in files {
        progress.object(&file.number.to_string());
        let place = index.exhibits.binary_search_by_key(&file.number, |exhibit| exhibit.number);
        let Some(exhibit) = place.ok().and_then(|place| index.exhibits.get(place)).cloned() else {
            findings.failed(Part::Contents, Some(&file.file), "the signed index does not describe it");
            continue;
        };
        if file.file != layout::exhibit_name(exhibit.number, &exhibit.name, exhibit.exhibit_type) {
            let why = "its name is not the real name, made safe, of the exhibit that the index describes";
            findings.failed(Part::Contents, Some(&file.file), why);
        }
        let hashed = bundle.source.open(&file.file).map_err(|error| error.to_string()).and_then(|inner| {
            let mut content = Hashing::new(Reporting { inner, progress: &mut *progress });
            if exhibit.exhibit_type == ExhibitType::Folder {
                let list = index.files(&exhibit).map_err(|error| chain(&error))?;
                let mut list = BufReader::new(list);
                visit_folder(&mut content, &mut list, &mut CheckOnly).map_err(|error| {
                    match exhibit.sensitive {
                        // What is wrong would be told by the name of an entry.
                        Some(_) => {
                            "it is not a folder as its list says; it is sensitive, so no entry is named"
                                .to_owned()
                        }
                        None => chain(&error),
                    }
                })?;
            }
            content.finish_after_the_rest().map_err(|error| format!("it cannot be read: {error}"))
        });
        match hashed {
            Ok((digest, size)) => {
                found.insert(file.file.clone(), digest);
                if (digest, size) != (exhibit.sha256, exhibit.size_bytes) {
                    let why = "its content has another digest or size than was signed";
                    findings.failed(Part::Contents, Some(&file.file), why);
                }
            }
            Err(why) => findings.failed(Part::Contents, Some(&file.file), why),
        }
    }
    if findings.failures() == before {
        let count = numbers.len();
        findings.checked(
            Part::Contents,
            format!("contents: the {count} exhibits in the bundle are what was signed in the package"),
        );
    }
    Some(index)
}

/// A page that says something else than this version's is no failure, but its reader should know.
fn examine_pages(bundle: &Bundle<'_>, findings: &mut Findings) {
    for (name, text) in layout::pages() {
        if bundle.signed.get(name).is_some_and(|digest| *digest != Digest::of(text.as_bytes())) {
            let why =
                format!("`{name}` is another page than this version's: follow the one of the documentation");
            findings.not_checked_as(Part::Bundle, &why, why.clone());
        }
    }
}

/// Every certificate against the revocation lists in the bundle, which their issuers signed.
fn examine_revocation(
    bundle: &Bundle<'_>,
    signature: Option<&VerifiedSignature>,
    package: Option<&VerifiedPackage>,
    case: &Case,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) {
    let part = Part::Revocation;
    let mut lists = RevocationLists::none();
    for name in bundle.source.names().filter(|name| name.starts_with(layout::REVOCATION)) {
        let Some(bytes) = bundle.small(name, MAX_CRL_BYTES, part, findings) else { continue };
        if let Err(error) = lists.add(&bytes) {
            findings.failed(part, Some(name), chain(&error));
        }
    }
    if lists.is_empty() {
        return findings.not_checked(part, "no revocation list lies in the bundle");
    }
    let mut paths: Vec<&ValidatedPath> = signature.into_iter().map(VerifiedSignature::path).collect();
    if let Some(package) = package {
        paths.push(package.signature().path());
        paths.extend(package.seal().map(VerifiedSignature::path));
        if let Some(derivation) = package.derivation() {
            paths.push(derivation.maker().path());
        }
    }
    paths.extend(case.verified.iter().flat_map(|one| one.signatures()).map(VerifiedSignature::path));
    let (mut good, mut unasked) = (0_usize, Vec::new());
    for path in paths {
        let subject = path.leaf().subject();
        match lists.check(path, options.at) {
            // Without a proven time a revocation counts whenever it came, and is an error.
            Ok(Revocation::Good | Revocation::RevokedLater { .. }) => good += 1,
            Ok(Revocation::NotChecked) => unasked.push(subject),
            Err(error) => findings.failed(part, Some(&subject), chain(&error)),
        }
    }
    unasked.sort_unstable();
    unasked.dedup();
    match unasked.first() {
        None if good > 0 && !findings.any_failed_of(part) => {
            findings.checked(
                part,
                format!("revocation: none of {good} signatures was made with a revoked certificate"),
            );
        }
        Some(first) => {
            let count = unasked.len();
            let why = format!("no list covers {count} of the certificates, among them that of {first}");
            findings.not_checked(part, why);
        }
        None => {}
    }
}

/// Time stamps are for objects that are there; that they prove an instant, this version can't say.
fn examine_time(bundle: &Bundle<'_>, options: &VerifyOptions<'_>, findings: &mut Findings) {
    let mut count = 0_usize;
    for name in bundle.source.names().filter(|name| name.starts_with(layout::STAMPS)) {
        count += 1;
        let object = layout::stamped_object(name);
        if !object.is_some_and(|object| bundle.source.names().any(|other| other == object)) {
            findings.failed(Part::Time, Some(name), "it is no time stamp for an object of the bundle");
        }
    }
    if options.at_is_given {
        let why = "the signatures shall be judged as of an earlier instant, and nothing proves that they existed then";
        findings.failed(Part::Time, None, why);
    } else if count > 0 {
        let why =
            format!("{count} time stamps lie in `stamps/`; HOW-TO-CHECK says how `openssl ts` checks them");
        findings.not_checked(Part::Time, why);
    } else {
        findings.not_checked(Part::Time, "no time stamp; the signing times are the signers' claims");
    }
}
