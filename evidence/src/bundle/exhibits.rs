//! The package of a bundle and its exhibits, in the clear or sealed.
//!
//! May read the objects below `package/` and `exhibits/` and call the verifiers of packages. Every exhibit is read once, but for
//! the tars of folders, which are compared with their lists.

use super::framing::Bundle;
use super::layout::{self, BUNDLE_STATEMENT, PACKAGE};
use super::statement::BundleForm;
use super::time::Times;
use crate::record::ExhibitType;
use crate::source::{ObjectInfo, PackageSource, ZipSource};
use crate::streams::{Hashing, Progress, Reporting};
use crate::tar::reader::CheckOnly;
use crate::verify::contents::{self, Look, examine_exhibits, visit_folder};
use crate::verify::index::{Index, examine_index};
use crate::verify::outer::{Outer, Payload, examine_outer};
use crate::verify::verdict::{Findings, Part};
use crate::verify::{VerifyOptions, examine_outer_and_index};
use rogatory_core::{Digest, chain};
use std::collections::HashMap;
use std::io::{self, BufReader, Read};

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
///
/// Its signatures are judged at the instant at which the last of the outer ones is proven to have existed. The index of exhibits
/// in the clear is covered by none of them, so it is judged by a stamp of its own or that of the whole.
pub(super) fn examine_package(
    bundle: &Bundle<'_>,
    found: &mut HashMap<String, Digest>,
    times: &Times<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> (Option<Outer>, Option<Index>) {
    let options = &times.options_for(layout::package_signature(bundle.source.names()));
    let (outer, index) = match bundle.statement.form {
        BundleForm::Documents => {
            return (None, None);
        }
        BundleForm::Clear => {
            let hashed = HashMap::new();
            let package = InBundle { source: bundle.source, hashed: &hashed };
            let outer = examine_outer(&package, Payload::Opened, options, findings);
            let options = &times.options_for(Some(layout::INDEX));
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
