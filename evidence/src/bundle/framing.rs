//! The framing of a bundle: its objects, its lists, its maker's signature, and that everything is what they say.
//!
//! May read objects and hash them. Knows nothing of what they mean.

use super::layout::{self, BUNDLE_STATEMENT, PACKAGE};
use super::statement::{BundleForm, MAX_STATEMENT_BYTES, Statement};
use crate::digest_list;
use crate::layout::{MIMETYPE_NAME, PERSON_MANIFEST, PERSON_SIGNATURE};
use crate::source::{PackageSource as _, ZipSource};
use crate::streams::{Hashing, Progress, Reporting, read_limited};
use crate::verify::VerifyOptions;
use crate::verify::outer::read_manifest;
use crate::verify::signature::{Examined, examine, judge_person};
use crate::verify::verdict::{Findings, Part};
use rogatory_container::cades::{MAX_SIGNATURE_BYTES, VerifiedSignature};
use rogatory_container::manifest::MAX_MANIFEST_BYTES;
use rogatory_core::{Digest, chain};
use std::collections::HashMap;
use std::io;

/// The longest list of digests: a line for every object.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// The framing of a bundle: its objects, what it says of itself, and its maker's signature over all of them.
pub(super) struct Bundle<'a> {
    pub(super) source: &'a ZipSource,
    pub(super) statement: Statement,
    pub(super) manifest_sha256: Digest,
    pub(super) signature: Option<VerifiedSignature>,
    /// By the signed manifest.
    signed: digest_list::Digests,
    /// By `manifest-sha256.txt`.
    listed: digest_list::Digests,
}

impl<'a> Bundle<'a> {
    /// Reads what everything else stands on; none if it can't be read.
    pub(super) fn read(
        source: &'a ZipSource,
        options: &VerifyOptions<'_>,
        findings: &mut Findings,
    ) -> Option<Self> {
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

    /// A small object; what can't be read is noted.
    pub(super) fn small(
        &self,
        name: &str,
        limit: usize,
        part: Part,
        findings: &mut Findings,
    ) -> Option<Vec<u8>> {
        read_small(self.source, name, limit, part, findings)
    }
}

fn is_signature(name: &str) -> bool {
    name == PERSON_MANIFEST || name == PERSON_SIGNATURE
}

/// Reads a small object, noting what can't be read.
pub(super) fn read_small(
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
pub(super) fn hash_the_rest(
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
pub(super) fn compare(bundle: &Bundle<'_>, found: &HashMap<String, Digest>, findings: &mut Findings) {
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

/// A page that says something else than this version's is no failure, but its reader should know.
pub(super) fn examine_pages(bundle: &Bundle<'_>, findings: &mut Findings) {
    for (name, text) in layout::pages() {
        if bundle.signed.get(name).is_some_and(|digest| *digest != Digest::of(text.as_bytes())) {
            let why =
                format!("`{name}` is another page than this version's: follow the one of the documentation");
            findings.not_checked_as(Part::Bundle, &why, why.clone());
        }
    }
}
