//! Containers and packages that were put together with other people's tools: judged by their signed parts.
//!
//! Holds the rule for what counts as foreign (nothing in it claims a profile), the reading of a foreign archive, and
//! the report, which always says that the framing is not covered. May call `rogatory_container::foreign` and the age
//! layer. Never makes a [`super::VerifiedPackage`] or a formal document: what is accepted here can't be sent, sealed
//! or opened as one. `docs/spec/evidence-package.md`, section 11.

use super::verdict::{Findings, Form, Part, Verdict, Verified};
use super::{VerifyOptions, not_looked_at};
use crate::age_layer::Opening;
use crate::bundle::BUNDLE_STATEMENT;
use crate::digest_list;
use crate::known::sealing_with;
use crate::layout::{BAGIT_NAME, EXHIBITS_NAME, INDEX_NAME, TRANSMITTAL_NAME};
use crate::passing::PassingFile;
use crate::source::{ObjectInfo, PACKAGE_LIMITS, PackageSource, own_handle};
use crate::streams::{Progress, Reporting, Step, read_limited};
use crate::threads::threads;
use crate::transmittal::MAX_TRANSMITTAL_BYTES;
use rogatory_container::foreign::{
    self, ForeignEntry, ForeignFiles, ForeignVerified, ForeignZip, ForeignZipError,
};
use rogatory_core::{Digest, chain};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The data of a formal document.
const DOCUMENT_NAME: &str = "document.json";
/// The longest list of digests.
const MAX_LIST_BYTES: usize = 32 << 20;

/// Verifies the container file at `path`, if it is a foreign one.
pub(super) fn verify_file(
    path: &Path,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Option<Verdict> {
    match ForeignSource::open(path) {
        Ok(source) => verify_source(&source, options, progress),
        // No other reader would say why.
        Err(error @ ForeignZipError::Growth { .. }) => {
            let mut findings = Findings::default();
            findings.failed(Part::Container, None, chain(&error));
            Some(findings.judge(Form::Foreign, options, None))
        }
        // No archive that all readers see alike: the strict reader's words stand.
        Err(_) => None,
    }
}

/// Verifies what lies in `source`, if nothing in it claims a profile.
pub(super) fn verify_source(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Option<Verdict> {
    if !is_foreign(source) {
        return None;
    }
    let mut findings = Findings::default();
    let why = "not covered: it claims no profile, so it is judged by its signed parts, and nobody vouches for names, order, sizes and times in the container";
    findings.not_checked_as(Part::Framing, why, format!("framing {why}"));
    let verified = examine(source, options, &mut findings, progress);
    not_looked_at(options, &mut findings);
    Some(findings.judge(
        Form::Foreign,
        options,
        verified.map(|verified| Verified::Foreign(Box::new(verified))),
    ))
}

/// Whether it has an ASiC manifest and nothing that belongs to profile 1.
fn is_foreign(source: &dyn PackageSource) -> bool {
    let objects = source.objects();
    let has = |wanted: &str| objects.iter().any(|object| object.name == wanted);
    let manifest =
        |object: &ObjectInfo| object.name.starts_with("META-INF/") && object.name.contains("ASiCManifest");
    objects.iter().any(manifest)
        && !has(INDEX_NAME)
        && !has(BAGIT_NAME)
        && ![DOCUMENT_NAME, TRANSMITTAL_NAME, BUNDLE_STATEMENT]
            .into_iter()
            .any(|name| has(name) && claims_profile(source, name))
}

/// Whether a JSON says `profile`. What is too long, cannot be read or is no object might, so the strict rules hold for it.
fn claims_profile(source: &dyn PackageSource, name: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Claim {
        #[serde(default)]
        profile: Said,
    }
    #[derive(Default)]
    struct Said(bool);
    impl<'de> serde::Deserialize<'de> for Said {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self(true))
        }
    }
    let claim = source.open(name).map_err(serde_json::Error::io).and_then(|reader| {
        let reader = BufReader::new(reader.take(MAX_TRANSMITTAL_BYTES as u64));
        serde_json::from_reader::<_, Claim>(reader)
    });
    claim.map_or(true, |claim| claim.profile.0)
}

struct Files<'a>(&'a dyn PackageSource);

impl ForeignFiles for Files<'_> {
    fn names(&self) -> Vec<String> {
        self.0.objects().into_iter().map(|object| object.name).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(name)
    }
}

fn examine(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> Option<ForeignVerified> {
    if options.anchors.is_empty() {
        findings.failed(
            Part::Document,
            None,
            "integrity only, nobody vouches for the signers: no trust anchor was given",
        );
        return None;
    }
    let verified = match foreign::verify(&Files(source), options.anchors, options.at) {
        Ok(verified) => verified,
        Err(error) => {
            findings.failed(Part::Document, None, chain(&error));
            return None;
        }
    };
    for signature in verified.signatures() {
        let text = format!(
            "{}: {}, certificate issued under {}; time claimed {}; covers {}",
            signature.name(),
            signature.certificate().subject(),
            signature.anchor().subject(),
            signature.claimed_time(),
            listed(signature.covers()),
        );
        findings.checked(Part::Document, text);
    }
    if !verified.uncovered().is_empty() {
        let why = format!("covered by no signature: {}", listed(verified.uncovered()));
        findings.not_checked(Part::Framing, why);
    }
    judge_signers(&verified, options, findings);
    examine_contents(source, &verified, options, findings, progress);
    Some(verified)
}

fn listed(names: &[String]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        few => few.join(", "),
    }
}

fn judge_signers(verified: &ForeignVerified, options: &VerifyOptions<'_>, findings: &mut Findings) {
    // Who signed a part only, vouches for no more than that part.
    let certificates = || {
        let whole = verified.signatures().iter().filter(|signature| verified.is_covered_by(signature));
        whole.map(foreign::ForeignSignature::certificate)
    };
    match options.expected_signer {
        Some(expected) if certificates().any(|one| one.digest() == expected) => {
            findings.checked(Part::Signer, "the expected signer signed every file");
        }
        Some(_) => {
            findings.failed(
                Part::Signer,
                None,
                "the expected signer did not sign every file of the container",
            );
        }
        None => findings.not_checked(Part::Signer, "the signers are named by the container itself"),
    }
    let sealed = certificates().find_map(|one| {
        let party = sealing_with(options.institutions, one)?;
        let published =
            options.institutions.iter().any(|known| known.party() == party && known.seals_with(one));
        published.then(|| (party, one.subject()))
    });
    match sealed {
        Some((party, subject)) => {
            findings.checked(Part::Seal, format!("institution seal: {subject}, as {party} publishes it"));
        }
        None => findings.not_checked(Part::Seal, "no published seal of an institution covers every file"),
    }
}

/// Decrypts every age file below `data`, and compares with the signed list of plaintext digests if there is one.
fn examine_contents(
    source: &dyn PackageSource,
    verified: &ForeignVerified,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    let exhibits: Vec<ObjectInfo> = source
        .objects()
        .into_iter()
        .filter(|object| exhibit_name(&object.name).is_some() && verified.covers(&object.name))
        .collect();
    if exhibits.is_empty() {
        return findings.not_checked(Part::Contents, "it holds no age files below `data`");
    }
    if options.identities.is_empty() {
        return findings.not_checked(Part::Contents, "no identity was given to decrypt them");
    }
    let before = findings.failures();
    let list = verified.covers(EXHIBITS_NAME).then(|| read_list(source, findings)).flatten();
    progress.begin(Step::Verifying, Some(exhibits.iter().map(|exhibit| exhibit.size_bytes).sum()));
    let mut left = list.clone().unwrap_or_default();
    for exhibit in &exhibits {
        let found = match hash_plaintext(source, &exhibit.name, options, progress) {
            Ok(found) => found,
            Err(why) => {
                findings.failed(Part::Contents, Some(&exhibit.name), why);
                continue;
            }
        };
        let name = exhibit_name(&exhibit.name).unwrap_or_default();
        if list.is_some() {
            match left.remove(name) {
                Some(expected) if expected == found => {}
                Some(_) => findings.failed(
                    Part::Contents,
                    Some(&exhibit.name),
                    "its content has another digest than the signed list says",
                ),
                None => findings.failed(
                    Part::Contents,
                    Some(&exhibit.name),
                    format!("`{EXHIBITS_NAME}` does not name it"),
                ),
            }
        }
    }
    for name in left.keys() {
        findings.failed(
            Part::Contents,
            Some(name),
            format!("`{EXHIBITS_NAME}` names it, and no exhibit is there"),
        );
    }
    if findings.failures() > before {
        return;
    }
    let count = exhibits.len();
    if list.is_some() {
        findings.checked(Part::Contents, format!("contents: all {count} exhibits are what was signed"));
    } else {
        let why = format!("{count} exhibits decrypt, and no signed list says what they must be");
        findings.not_checked(Part::Contents, why);
    }
}

/// `EX-1` of `data/EX-1.age`.
fn exhibit_name(name: &str) -> Option<&str> {
    name.strip_prefix("data/")?.strip_suffix(".age")
}

fn read_list(source: &dyn PackageSource, findings: &mut Findings) -> Option<BTreeMap<String, Digest>> {
    let bytes = source.open(EXHIBITS_NAME).and_then(|mut reader| read_limited(&mut reader, MAX_LIST_BYTES));
    let lines = bytes.map_err(|error| error.to_string()).and_then(|bytes| {
        let lines = digest_list::from_text(&bytes).map_err(|error| chain(&error))?;
        let mut named = BTreeMap::new();
        for (digest, name) in lines {
            if named.insert(name.to_owned(), digest).is_some() {
                return Err(format!("it names `{name}` twice"));
            }
        }
        Ok(named)
    });
    lines.map_err(|why| findings.failed(Part::Contents, Some(EXHIBITS_NAME), why)).ok()
}

fn hash_plaintext(
    source: &dyn PackageSource,
    name: &str,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Result<Digest, String> {
    let reader = source.open(name).map_err(|error| error.to_string())?;
    let reader = Reporting { inner: reader, progress };
    let opened = Opening::new(reader, &options.identities, 0, threads());
    let mut plain = opened.map_err(|locked| match locked.finish() {
        Ok((error, _)) => chain(&error),
        Err(error) => chain(&error),
    })?;
    io::copy(&mut plain, &mut io::sink()).map_err(|error| chain(&error))?;
    Ok(plain.finish().map_err(|error| chain(&error))?.plain.sha256)
}

/// A foreign archive, read by position.
struct ForeignSource {
    path: PathBuf,
    file: File,
    entries: BTreeMap<String, ForeignEntry>,
}

impl ForeignSource {
    fn open(path: &Path) -> Result<Self, ForeignZipError> {
        let file = || File::open(path).map_err(ForeignZipError::Io);
        let zip = ForeignZip::open(BufReader::new(file()?), PACKAGE_LIMITS)?;
        let (_, entries) = zip.into_parts();
        let entries = entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        Ok(Self { path: path.to_owned(), file: file()?, entries })
    }
}

impl PackageSource for ForeignSource {
    fn objects(&self) -> Vec<ObjectInfo> {
        let info =
            |entry: &ForeignEntry| ObjectInfo { name: entry.name.clone(), size_bytes: entry.size_bytes };
        self.entries.values().map(info).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let entry = self.entries.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut file = PassingFile::new(own_handle(&self.file, &self.path)?);
        file.seek(SeekFrom::Start(entry.data_offset()))?;
        Ok(Box::new(entry.content(BufReader::with_capacity(64 * 1024, file))))
    }
}
