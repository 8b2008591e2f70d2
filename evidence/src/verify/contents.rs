//! The encrypted part of a sealed package: index and exhibits.
//!
//! Holds the one pass over the index and over each exhibit: ciphertext hashed, decrypted if there
//! is an identity, plaintext hashed and shown to a visitor, both digests compared. May read the
//! objects. Never says that an exhibit is right before its last byte was.

use super::VerifyOptions;
use super::encryption::examine_exhibit_headers;
use super::index::{Index, examine_index};
use super::outer::Outer;
use super::verdict::{ExhibitDescription, Findings, Part};
use crate::age_layer::{AgeError, Opening, Sum};
use crate::exhibit::ExhibitNumber;
use crate::layout;
use crate::record::ExhibitType;
use crate::source::PackageSource;
use crate::spool::Spool;
use crate::streams::{Hashing, Progress, Reporting, Step, copy_buffered};
use crate::tar::reader::{CheckOnly, TarError, TarVisitor, read_folder};
use crate::threads::{in_order, threads};
use rogatory_core::{Digest, chain};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many objects are hashed, or wait for one before them, at a time.
const OBJECTS_AHEAD: usize = 32;
/// The size that is expected of an object whose size was not asked for.
const UNKNOWN_BYTES: u64 = u64::MAX;

/// Is shown the plaintext of every exhibit.
pub(crate) trait ExhibitVisitor {
    /// A file's content. What is left unread is read afterwards, for its digest.
    fn file(&mut self, exhibit: &ExhibitDescription, content: &mut dyn BufRead) -> io::Result<()>;
    /// A folder's tar: hands each of its entries to the visitor it gives. `tar` may keep a copy.
    fn folder(
        &mut self,
        exhibit: &ExhibitDescription,
        tar: &mut dyn Read,
        files: &mut dyn Read,
    ) -> Result<(), TarError>;
    /// The exhibit's digests are right.
    fn accept(&mut self, exhibit: &ExhibitDescription, index: &mut Index) -> Result<(), String>;
    /// Something is wrong with it; `content_is_right` says whether the plaintext is what was signed inside.
    fn reject(&mut self, exhibit: &ExhibitDescription, index: &mut Index, content_is_right: bool);
    /// Whether going on is of no use, since the visitor itself failed.
    fn stopped(&self) -> bool {
        false
    }
}

/// Looks only.
pub(crate) struct Look;

impl ExhibitVisitor for Look {
    fn file(&mut self, _: &ExhibitDescription, _: &mut dyn BufRead) -> io::Result<()> {
        Ok(())
    }

    fn folder(
        &mut self,
        _: &ExhibitDescription,
        tar: &mut dyn Read,
        files: &mut dyn Read,
    ) -> Result<(), TarError> {
        visit_folder(tar, files, &mut CheckOnly)
    }

    fn accept(&mut self, _: &ExhibitDescription, _: &mut Index) -> Result<(), String> {
        Ok(())
    }

    fn reject(&mut self, _: &ExhibitDescription, _: &mut Index, _: bool) {}
}

/// Reads a tar against its list.
pub(crate) fn visit_folder(
    tar: &mut dyn Read,
    files: &mut dyn Read,
    visitor: &mut dyn TarVisitor,
) -> Result<(), TarError> {
    read_folder(tar, BufReader::new(files), visitor).map(|_| ())
}

/// Hashes the index and, with an identity, decrypts and examines it and compares it with the outer part.
pub(crate) fn examine_sealed_index(
    source: &dyn PackageSource,
    outer: &Outer,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<Index> {
    let before = findings.failures();
    let reader = match source.open(layout::INDEX_NAME) {
        Ok(reader) => reader,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                findings.failed(Part::Index, Some(layout::INDEX_NAME), format!("it cannot be read: {error}"));
            }
            return None;
        }
    };
    let mut spool = Spool::new(&std::env::temp_dir());
    let read = if options.identities.is_empty() {
        findings.not_checked(Part::Index, "it is encrypted, and no identity was given");
        findings.not_checked(Part::Contents, "they are encrypted, and no identity was given");
        Hashing::new(reader).finish_after_the_rest().map(|(digest, _)| (digest, None))
    } else {
        match Opening::new(reader, &options.identities, UNKNOWN_BYTES, threads()) {
            Ok(mut plain) => {
                let copied = copy_buffered(&mut plain, &mut spool).map_err(AgeError::Io);
                plain.finish().map(|sums| (sums.sealed.sha256, Some(copied)))
            }
            Err(locked) => locked.finish().map(|(error, sealed)| (sealed.sha256, Some(Err(error)))),
        }
    };
    let (digest, opened) = match read {
        Ok(read) => read,
        Err(error) => {
            findings.failed(Part::Index, Some(layout::INDEX_NAME), format!("it cannot be read: {error}"));
            return None;
        }
    };
    outer.compare(layout::INDEX_NAME, digest, findings);
    match opened? {
        Ok(()) => {}
        Err(AgeError::NotARecipient) => {
            let why = "none of the identities given is a recipient of this package";
            findings.failed(Part::Contents, Some(layout::INDEX_NAME), why);
            return None;
        }
        Err(error) => {
            findings.failed(Part::Index, Some(layout::INDEX_NAME), chain(&error));
            return None;
        }
    }
    let stream = match spool.into_reader() {
        Ok(stream) => stream,
        Err(error) => {
            findings.failed(Part::Index, None, format!("the temporary file failed: {error}"));
            return None;
        }
    };
    let index = examine_index(Box::new(stream), outer.disclosed(), options, findings)?;
    agree(outer, &index, findings);
    is_recipient(outer, options, findings);
    if findings.failures() == before {
        findings.checked(Part::Agreement, agreement(outer));
    }
    Some(index)
}

/// What it means that nothing differs.
pub(crate) fn agreement(outer: &Outer) -> &'static str {
    if outer.is_derived() {
        "the index is the original's: it agrees with origin/ on order, sender, recipients, exhibits and salt"
    } else {
        "outer and inner part agree on order, sender, recipients, exhibits and salt"
    }
}

/// Nobody may re-address another's evidence: inside and outside must say the same, by the same signer. The outside
/// of a derived package is, for this, the original's.
pub(crate) fn agree(outer: &Outer, index: &Index, findings: &mut Findings) {
    let (outside, bytes) = outer.inner_transmittal();
    if bytes != index.transmittal_bytes {
        let mut differs = Vec::new();
        if let (Some(outside), Some(inside)) = (outside, &index.transmittal) {
            for (name, same) in [
                ("kind", outside.kind == inside.kind),
                ("order", outside.order == inside.order),
                ("reference", outside.reference == inside.reference),
                ("sender", outside.sender == inside.sender),
                ("recipients", outside.recipients == inside.recipients),
                ("recovery", outside.recovery == inside.recovery),
                ("exhibits", outside.exhibits == inside.exhibits),
                ("salt", outside.salt == inside.salt),
                ("time", outside.created_time == inside.created_time),
            ] {
                if !same {
                    differs.push(name);
                }
            }
        }
        let why = format!(
            "the index was sealed with another transmittal ({}): it belongs to another package",
            differs.join(", ")
        );
        findings.failed(Part::Agreement, Some("index: transmittal.json"), why);
    }
    let inner = index.signer.as_ref().map(|certificate| certificate.digest());
    let outside = outer.evidence_signers().and_then(|signers| signers.signer.as_ref());
    if let (Some(inner), Some(outside)) = (inner, outside)
        && inner != outside.digest()
    {
        findings.failed(
            Part::Agreement,
            Some("index: META-INF/signature001.p7s"),
            "the index was signed by somebody else than the package",
        );
    }
    if let (Some(inner), Some(transmittal)) = (inner, &index.transmittal)
        && inner != transmittal.sender.certificate_sha256
    {
        findings.failed(
            Part::Agreement,
            Some("index: META-INF/signature001.p7s"),
            "it was made with another certificate than the transmittal names as the sender's",
        );
    }
}

/// The identity that opens it must be one for which the package says that it was made.
fn is_recipient(outer: &Outer, options: &VerifyOptions<'_>, findings: &mut Findings) {
    if let Some(transmittal) = &outer.transmittal {
        let listed: BTreeSet<&str> =
            transmittal.all_recipients().map(|entry| entry.recipient.as_str()).collect();
        if !options.identities.recipients().iter().any(|own| listed.contains(own.as_str())) {
            let why =
                "the identity opens the package, but transmittal.json does not name it among the recipients";
            findings.failed(Part::Agreement, Some(layout::TRANSMITTAL_NAME), why);
        }
    }
}

/// Reads every exhibit once.
pub(crate) fn examine_exhibits(
    source: &dyn PackageSource,
    outer: &Outer,
    index: Option<&mut Index>,
    options: &VerifyOptions<'_>,
    visitor: &mut dyn ExhibitVisitor,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    examine_exhibit_headers(source, outer, findings);
    let before = findings.failures();
    let described = index.as_ref().map(|index| index.exhibits.len());
    match index {
        Some(index) => examine_described(source, outer, index, options, visitor, findings, progress),
        None => compare_all(source, outer, findings, progress),
    }
    if findings.failures() == before {
        tell_how_many(outer, described, findings);
    }
}

/// With an identity: ciphertext and plaintext of each exhibit that the index describes.
fn examine_described(
    source: &dyn PackageSource,
    outer: &Outer,
    index: &mut Index,
    options: &VerifyOptions<'_>,
    visitor: &mut dyn ExhibitVisitor,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    for number in &outer.numbers {
        if visitor.stopped() {
            break;
        }
        let name = number.object_name();
        progress.object(&number.to_string());
        let place = index.exhibits.binary_search_by_key(number, |exhibit| exhibit.number);
        let Some(exhibit) = place.ok().and_then(|place| index.exhibits.get(place)).cloned() else {
            compare_one(outer, &name, digest_of(source, &name, progress), findings);
            continue;
        };
        let failed = findings.failures();
        let problem = match source.open(&name) {
            Ok(reader) => examine_one(
                Reporting { inner: reader, progress: &mut *progress },
                UNKNOWN_BYTES,
                &exhibit,
                index,
                options,
                visitor,
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(format!("it cannot be read: {error}")),
        };
        let mut content_is_right = false;
        match problem {
            Ok((digest, plain)) => {
                content_is_right = plain.is_ok();
                // A wrong ciphertext explains whatever is wrong inside it.
                if outer.compare(&name, digest, findings)
                    && let Err(why) = plain
                {
                    findings.failed(Part::Contents, Some(&name), why);
                }
            }
            Err(why) => findings.failed(Part::Contents, Some(&name), why),
        }
        if findings.failures() == failed {
            if let Err(why) = visitor.accept(&exhibit, index) {
                findings.failed(Part::Contents, Some(&name), why);
            }
        } else {
            visitor.reject(&exhibit, index, content_is_right);
        }
    }
}

/// Says of how many exhibits everything is right, and that nobody looked at the others.
pub(crate) fn tell_how_many(outer: &Outer, described: Option<usize>, findings: &mut Findings) {
    let (count, all) = (outer.numbers.len(), outer.numbers.len() + outer.left_out);
    let whole = outer.left_out == 0;
    if count > 0 {
        let which =
            if whole { format!("all {count} exhibits") } else { format!("{count} of {all} exhibits") };
        findings.checked(Part::PersonManifest, format!("{which} have the digests that the manifests give"));
    }
    if described != Some(all) || all == 0 {
        return;
    }
    if whole {
        findings.checked(
            Part::Contents,
            format!("contents: all {count} exhibits decrypt to what was signed inside"),
        );
    } else {
        let why = format!("{count} of {all} exhibits checked; the others were not read");
        findings.not_checked_as(Part::Contents, &why, format!("contents: {why}"));
    }
}

/// Without an identity: the ciphertexts' digests alone, on all cores.
fn compare_all(
    source: &dyn PackageSource,
    outer: &Outer,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    let progress = Mutex::new(progress);
    let jobs = outer.numbers.iter().inspect(|number| Shared(&progress).object(&number.to_string()));
    let hash = |number: &ExhibitNumber| {
        let name = number.object_name();
        let digest = digest_of(source, &name, &mut Shared(&progress));
        (name, digest)
    };
    let done = in_order(threads(), OBJECTS_AHEAD, jobs, hash, |(name, digest)| {
        compare_one(outer, &name, digest, findings);
        Ok::<(), Infallible>(())
    });
    let Ok(()) = done;
}

/// The digest of an object, if need be by reading it.
fn digest_of(source: &dyn PackageSource, name: &str, progress: &mut dyn Progress) -> io::Result<Digest> {
    if let Some(digest) = source.digest(name) {
        return Ok(digest);
    }
    Hashing::new(Reporting { inner: source.open(name)?, progress })
        .finish_after_the_rest()
        .map(|(digest, _)| digest)
}

fn compare_one(outer: &Outer, name: &str, digest: io::Result<Digest>, findings: &mut Findings) {
    match digest {
        Ok(digest) => {
            outer.compare(name, digest, findings);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => findings.failed(Part::Contents, Some(name), format!("it cannot be read: {error}")),
    }
}

/// Progress that several threads tell.
struct Shared<'a, 'p>(&'a Mutex<&'p mut dyn Progress>);

impl<'p> Shared<'_, 'p> {
    fn told(&self) -> MutexGuard<'_, &'p mut dyn Progress> {
        // Whole whenever the lock is free, even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Shared<'_, '_> {
    fn begin(&mut self, step: Step, total_bytes: Option<u64>) {
        self.told().begin(step, total_bytes);
    }

    fn advance(&mut self, bytes: u64) {
        self.told().advance(bytes);
    }

    fn object(&mut self, name: &str) {
        self.told().object(name);
    }
}

/// One exhibit: the digest of its ciphertext, and whether its plaintext is right.
fn examine_one(
    reader: impl Read,
    size_bytes: u64,
    exhibit: &ExhibitDescription,
    index: &mut Index,
    options: &VerifyOptions<'_>,
    visitor: &mut dyn ExhibitVisitor,
) -> Result<(Digest, Result<(), String>), String> {
    let unreadable = |error| format!("it cannot be read: {error}");
    let mut plain = match Opening::new(reader, &options.identities, size_bytes, threads()) {
        Ok(plain) => plain,
        Err(locked) => {
            let (error, sealed) = locked.finish().map_err(unreadable)?;
            return Ok((sealed.sha256, Err(chain(&error))));
        }
    };
    let shown = show(&mut plain, exhibit, index, visitor);
    // Whatever the visitor left is read for the digests; what is wrong with it is wrong again.
    let rest = copy_buffered(&mut plain, &mut io::sink());
    let sums = plain.finish().map_err(unreadable)?;
    let right = shown
        .and_then(|()| rest.map_err(|error| format!("it cannot be decrypted: {error}")))
        .and_then(|()| compare_content(sums.plain, exhibit));
    Ok((sums.sealed.sha256, right))
}

/// Shows the plaintext to the visitor.
fn show(
    plain: &mut dyn BufRead,
    exhibit: &ExhibitDescription,
    index: &mut Index,
    visitor: &mut dyn ExhibitVisitor,
) -> Result<(), String> {
    match exhibit.exhibit_type {
        ExhibitType::File => visitor.file(exhibit, plain).map_err(|error| error.to_string()),
        ExhibitType::Folder => {
            let stated = index.record(exhibit).and_then(|record| record.entries);
            let files = index.files(exhibit).map_err(|error| chain(&error))?;
            let mut files = Lines { inner: files, count: 0 };
            visitor.folder(exhibit, &mut &mut *plain, &mut files).map_err(|error| {
                match exhibit.sensitive {
                    // What is wrong would be told by the name of an entry.
                    Some(_) => "it is not a folder as its list says; it is sensitive, so no entry is named"
                        .to_owned(),
                    None => chain(&error),
                }
            })?;
            if stated == Some(files.count) {
                Ok(())
            } else {
                Err(format!("it has {} entries, and its record says another number", files.count))
            }
        }
    }
}

/// Counts the lines of a list that is read.
struct Lines<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        self.count += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(count)
    }
}

fn compare_content(found: Sum, exhibit: &ExhibitDescription) -> Result<(), String> {
    if (found.sha256, found.size_bytes) == (exhibit.sha256, exhibit.size_bytes) {
        Ok(())
    } else {
        Err(format!(
            "its content has another digest or size than `{}` in the index says",
            layout::EXHIBITS_NAME
        ))
    }
}
