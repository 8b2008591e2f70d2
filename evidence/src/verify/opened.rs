//! An opened package: real files beside the signed index.
//!
//! Holds the comparing of a folder that `open` wrote with its index: exactly the exhibits, each
//! with the content that was signed, and the list of digests beside them. May read the folder.
//! Times and modes are not judged: they are reported when the package is opened.

use super::VerifyOptions;
use super::contents::{agree, agreement};
use super::index::{Index, examine_index};
use super::outer::{Outer, Payload, examine_outer};
use super::verdict::{ExhibitDescription, Findings, Part};
use crate::digest_list::line_for_real_name;
use crate::files_list::{FilesList, ListedEntry, ListedType};
use crate::layout::{MANIFEST_NAME, OPENED_INDEX_NAME, OPENED_PACKAGE_FOLDER, UNVERIFIED_NAME};
use crate::raw_path::{below, bytes_of, name_of};
use crate::record::{ExhibitType, display};
use crate::source::{FolderSource, PackageSource as _, in_package_order};
use crate::streams::{Hashing, Progress, Reporting};
use crate::walk::{Found, FoundKind, Walk, shown};
use rogatory_core::{Digest, chain};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// The list of digests beside the exhibits, compared line by line with what it must say.
struct Listed {
    file: Option<BufReader<File>>,
    equal: bool,
}

impl Listed {
    fn expect(&mut self, line: &[u8]) {
        let Some(file) = self.file.as_mut().filter(|_| self.equal) else {
            return;
        };
        let mut found = vec![0; line.len()];
        self.equal = file.read_exact(&mut found).is_ok() && found == line;
    }

    fn ended(mut self) -> bool {
        let mut more = [0];
        self.equal
            && self.file.as_mut().is_some_and(|file| file.read(&mut more).is_ok_and(|count| count == 0))
    }
}

/// Looks at the outer part that an opened derived package keeps; none if there is none.
pub(super) fn examine_package(
    folder: &Path,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<Outer> {
    let folder = folder.join(OPENED_PACKAGE_FOLDER);
    folder.symlink_metadata().ok()?;
    let outer = match FolderSource::open(&folder) {
        Ok(source) => examine_outer(&source, Payload::Opened, options, findings),
        Err(error) => {
            findings.failed(Part::Objects, Some(OPENED_PACKAGE_FOLDER), chain(&error));
            return None;
        }
    };
    if !outer.is_derived() {
        let why = "it is kept of a derived package only, and this one is an original";
        findings.failed(Part::Objects, Some(OPENED_PACKAGE_FOLDER), why);
    }
    Some(outer)
}

/// Looks at the whole folder; gives the index if it could be read.
pub(super) fn examine_opened(
    folder: &Path,
    outer: Option<&Outer>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> Option<Index> {
    let index_path = folder.join(OPENED_INDEX_NAME);
    let digest = regular(&index_path)
        .and_then(|file| Hashing::new(file).finish_after_the_rest())
        .and_then(|(digest, _)| regular(&index_path).map(|file| (digest, file)));
    let (digest, file) = match digest {
        Ok(found) => found,
        Err(error) => {
            findings.failed(Part::Index, Some(OPENED_INDEX_NAME), format!("it cannot be read: {error}"));
            return None;
        }
    };
    let mut index = examine_index(Box::new(file), outer.and_then(Outer::disclosed), options, findings)?;
    let before = findings.failures();
    if let Some(outer) = outer {
        agree(outer, &index, findings);
        if findings.failures() == before {
            findings.checked(Part::Agreement, agreement(outer));
        }
    } else {
        findings.not_checked(Part::Seal, "an opened package does not hold the outer signatures");
    }
    check_names(folder, &index, outer.is_some(), findings);
    let list = regular(&folder.join(MANIFEST_NAME));
    if let Err(error) = &list {
        findings.failed(Part::Manifest, Some(MANIFEST_NAME), format!("it cannot be read: {error}"));
    }
    let mut listed = Listed { equal: true, file: list.ok().map(BufReader::new) };
    listed.expect(&line_for_real_name(&digest, OPENED_INDEX_NAME.as_bytes()));
    if outer.is_some() {
        listed.equal &= expect_package(&folder.join(OPENED_PACKAGE_FOLDER), &mut listed, findings);
    }
    for exhibit in index.exhibits.clone() {
        let folder = folder.join(exhibit.number.to_string());
        let failed = findings.failures();
        check_exhibit(&folder, &exhibit, &mut index, &mut listed, findings, progress);
        // After a failure the lines would differ for that reason alone.
        listed.equal &= findings.failures() == failed;
    }
    if findings.failures() == before {
        findings.checked(
            Part::Contents,
            format!("contents: all {} exhibits are what was signed", index.exhibits.len()),
        );
        if listed.ended() {
            findings.checked(Part::Manifest, "manifest-sha256.txt gives the digests of these files");
        } else {
            findings.failed(
                Part::Manifest,
                Some(MANIFEST_NAME),
                "it does not give the digests of these files",
            );
        }
    }
    Some(index)
}

/// The lines of the outer part that is kept.
fn expect_package(folder: &Path, listed: &mut Listed, findings: &mut Findings) -> bool {
    let Ok(source) = FolderSource::open(folder) else {
        return false; // noted already
    };
    for object in in_package_order(source.objects()) {
        let name = format!("{OPENED_PACKAGE_FOLDER}/{}", object.name);
        let digest = source.open(&object.name).and_then(|file| Hashing::new(file).finish_after_the_rest());
        match digest {
            Ok((digest, _)) => listed.expect(&line_for_real_name(&digest, name.as_bytes())),
            Err(error) => {
                findings.failed(Part::Objects, Some(&name), format!("it cannot be read: {error}"));
                return false;
            }
        }
    }
    true
}

/// Opens a file that is no link.
fn regular(path: &Path) -> io::Result<File> {
    if path.symlink_metadata()?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))
    }
}

fn names_in(folder: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| bytes_of(&entry.file_name()))).collect()
}

/// The folder holds the index, the list, one folder an exhibit, and of a derived package its outer part; nothing else.
fn check_names(folder: &Path, index: &Index, has_package: bool, findings: &mut Findings) {
    let names = match names_in(folder) {
        Ok(names) => names,
        Err(error) => {
            findings.failed(Part::Objects, None, format!("the folder cannot be read: {error}"));
            return;
        }
    };
    let mut expected: BTreeSet<Vec<u8>> =
        index.exhibits.iter().map(|exhibit| exhibit.number.to_string().into_bytes()).collect();
    expected.insert(OPENED_INDEX_NAME.into());
    expected.insert(MANIFEST_NAME.into());
    if has_package {
        expected.insert(OPENED_PACKAGE_FOLDER.into());
    }
    for name in names.difference(&expected) {
        let why = if name == UNVERIFIED_NAME.as_bytes() {
            "the package was opened without verification, for the reason that stands in it"
        } else {
            "it does not belong to the opened package"
        };
        findings.failed(Part::Objects, Some(&display(name)), why);
    }
    for name in expected.difference(&names) {
        findings.failed(Part::Objects, Some(&display(name)), "it is missing");
    }
}

fn check_exhibit(
    folder: &Path,
    exhibit: &ExhibitDescription,
    index: &mut Index,
    listed: &mut Listed,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    let number = exhibit.number.to_string();
    let name = exhibit.name.bytes();
    let tar_name = [name.as_slice(), b".tar"].concat();
    let Ok(names) = names_in(folder) else {
        return; // noted as missing already
    };
    let is_folder = exhibit.exhibit_type == ExhibitType::Folder;
    for found in &names {
        if *found != name && !(is_folder && *found == tar_name) {
            findings.failed(
                Part::Objects,
                Some(&format!("{number}/{}", display(found))),
                "it does not belong to the exhibit",
            );
        }
    }
    let path = folder.join(name_of(&name));
    let title = format!("{number}/{}", exhibit.name.display());
    let line_name = |inner: &[u8]| [number.as_bytes(), b"/", inner].concat();
    if !is_folder {
        let digest = hash(&path, progress);
        judge(&title, digest, exhibit, findings);
        listed.expect(&line_for_real_name(&exhibit.sha256, &line_name(&name)));
        return;
    }
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        _ => {
            findings.failed(Part::Contents, Some(&title), "it is missing or no folder");
            return;
        }
    }
    let outcome = index.files(exhibit).map_err(|error| (title.clone(), chain(&error))).and_then(|files| {
        let on_file = |entry: &ListedEntry| {
            if let (ListedType::File, Some(digest)) = (entry.listed_type, &entry.sha256) {
                let inner = [name.as_slice(), b"/", &entry.path].concat();
                listed.expect(&line_for_real_name(digest, &line_name(&inner)));
            }
        };
        check_folder(&path, &title, files, on_file, progress)
    });
    if let Err((object, why)) = outcome {
        findings.failed(Part::Contents, Some(&object), why);
    }
    if names.contains(&tar_name) {
        let digest = hash(&folder.join(name_of(&tar_name)), progress);
        judge(&format!("{title}.tar"), digest, exhibit, findings);
        listed.expect(&line_for_real_name(&exhibit.sha256, &line_name(&tar_name)));
    }
}

fn hash(path: &Path, progress: &mut dyn Progress) -> io::Result<(Digest, u64)> {
    let inner = regular(path)?;
    Hashing::new(Reporting { inner, progress }).finish_after_the_rest()
}

fn judge(
    title: &str,
    digest: io::Result<(Digest, u64)>,
    exhibit: &ExhibitDescription,
    findings: &mut Findings,
) {
    match digest {
        Ok(found) if found == (exhibit.sha256, exhibit.size_bytes) => {}
        Ok(_) => findings.failed(
            Part::Contents,
            Some(title),
            "its content has another digest or size than was signed",
        ),
        Err(error) => findings.failed(Part::Contents, Some(title), format!("it cannot be read: {error}")),
    }
}

/// A folder against its list: the walk and the list have the same order.
fn check_folder(
    path: &Path,
    title: &str,
    files: impl Read,
    mut on_file: impl FnMut(&ListedEntry),
    progress: &mut dyn Progress,
) -> Result<(), (String, String)> {
    let mut list = FilesList::new(BufReader::new(files));
    let mut walk = Walk::new(path).map_err(|error| (title.to_owned(), chain(&error)))?;
    loop {
        let listed = list.next_entry().map_err(|error| (title.to_owned(), chain(&error)))?;
        let found = walk.next_entry().map_err(|error| (title.to_owned(), chain(&error)))?;
        match (listed, found) {
            (None, None) => return Ok(()),
            (Some(listed), found) if found.as_ref().is_none_or(|found| found.relative > listed.path) => {
                return Err((shown(&below(path, &listed.path)), "it was signed and is missing".to_owned()));
            }
            (Some(listed), Some(found)) if found.relative == listed.path => {
                compare_entry(&listed, &found, progress).map_err(|why| (shown(&found.path), why))?;
                on_file(&listed);
            }
            (_, Some(found)) => return Err((shown(&found.path), "it was not signed".to_owned())),
            (Some(listed), None) => {
                return Err((display(&listed.path), "it was signed and is missing".to_owned()));
            }
        }
    }
}

fn compare_entry(listed: &ListedEntry, found: &Found, progress: &mut dyn Progress) -> Result<(), String> {
    let (listed_type, size, digest) = match &found.kind {
        FoundKind::Folder => (ListedType::Folder, 0, None),
        FoundKind::Link { target } => (ListedType::Link, target.len() as u64, Some(Digest::of(target))),
        FoundKind::File => {
            let (digest, size) =
                hash(&found.path, progress).map_err(|error| format!("it cannot be read: {error}"))?;
            (ListedType::File, size, Some(digest))
        }
    };
    if (listed_type, size, digest) == (listed.listed_type, listed.size_bytes, listed.sha256) {
        Ok(())
    } else {
        Err("it is not what was signed".to_owned())
    }
}
