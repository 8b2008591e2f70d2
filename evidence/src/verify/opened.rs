//! An opened package: real files beside the signed index.
//!
//! Holds the comparing of a folder that `open` wrote with its index: exactly the exhibits, each
//! with the content that was signed, and the list of digests beside them. May read the folder.
//! Times and modes are not judged: they are reported when the package is opened.

use super::VerifyOptions;
use super::index::{Index, examine_index};
use super::verdict::{ExhibitDescription, Findings, Part};
use crate::digest_list::line_for_real_name;
use crate::exhibit::ExhibitNumber;
use crate::files_list::{FilesList, ListedEntry, ListedType};
use crate::layout::{MANIFEST_NAME, NOT_OPENED_NAME, OPENED_INDEX_NAME, UNVERIFIED_NAME};
use crate::open::{NotOpened, read_not_opened};
use crate::raw_path::{below, bytes_of, name_of};
use crate::record::{ExhibitType, display};
use crate::streams::{Hashing, Progress, Reporting, read_limited};
use crate::walk::{Found, FoundKind, Walk, shown};
use rogatory_core::{Digest, chain};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// A line for every exhibit that a package may have.
const MAX_NOT_OPENED_BYTES: usize = 4 * 1024 * 1024;

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

/// Looks at the whole folder; gives the index if it could be read.
pub(super) fn examine_opened(
    folder: &Path,
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
    let mut index = examine_index(Box::new(file), options, findings)?;
    findings.not_checked(Part::Seal, "an opened package does not hold the outer signatures");
    let before = findings.failures();
    let left = read_left(folder, &index, findings);
    check_names(folder, &index, &left, findings);
    let list = regular(&folder.join(MANIFEST_NAME));
    if let Err(error) = &list {
        findings.failed(Part::Manifest, Some(MANIFEST_NAME), format!("it cannot be read: {error}"));
    }
    let mut listed = Listed { equal: true, file: list.ok().map(BufReader::new) };
    listed.expect(&line_for_real_name(&digest, OPENED_INDEX_NAME.as_bytes()));
    let opened = |exhibit: &&ExhibitDescription| !left.contains_key(&exhibit.number);
    for exhibit in index.exhibits.iter().filter(opened).cloned().collect::<Vec<_>>() {
        let folder = folder.join(exhibit.number.to_string());
        let failed = findings.failures();
        check_exhibit(&folder, &exhibit, &mut index, &mut listed, findings, progress);
        // After a failure the lines would differ for that reason alone.
        listed.equal &= findings.failures() == failed;
    }
    if findings.failures() == before {
        tell_how_many(index.exhibits.len(), &left, findings);
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

/// Which exhibits the opening left sealed, as the folder says; nothing signed says so.
fn read_left(folder: &Path, index: &Index, findings: &mut Findings) -> BTreeMap<ExhibitNumber, NotOpened> {
    let path = folder.join(NOT_OPENED_NAME);
    if path.symlink_metadata().is_err() {
        return BTreeMap::new();
    }
    let text = regular(&path).and_then(|mut file| read_limited(&mut file, MAX_NOT_OPENED_BYTES));
    let left = text.ok().and_then(|text| read_not_opened(std::str::from_utf8(&text).ok()?));
    let mark = |number: &ExhibitNumber| {
        let place = index.exhibits.binary_search_by_key(number, |exhibit| exhibit.number).ok()?;
        index.exhibits.get(place).map(|exhibit| exhibit.sensitive.is_some())
    };
    let fits = |(number, why): (&ExhibitNumber, &NotOpened)| match (mark(number), why) {
        (Some(sensitive), NotOpened::Sensitive) => sensitive,
        (found, NotOpened::NotChosen) => found.is_some(),
        (None, NotOpened::Sensitive) => false,
    };
    match left.filter(|left| left.iter().all(fits)) {
        Some(left) => left,
        None => {
            let why = "it does not say of exhibits of this package why they were not opened";
            findings.failed(Part::Objects, Some(NOT_OPENED_NAME), why);
            BTreeMap::new()
        }
    }
}

/// Says how many exhibits are right, and which were not opened.
fn tell_how_many(all: usize, left: &BTreeMap<ExhibitNumber, NotOpened>, findings: &mut Findings) {
    if left.is_empty() {
        findings.checked(Part::Contents, format!("contents: all {all} exhibits are what was signed"));
        return;
    }
    let mut why = format!("{} of {all} exhibits checked", all - left.len());
    for number in
        left.iter().filter(|(_, why)| **why == NotOpened::Sensitive).map(|(number, _)| number).take(20)
    {
        why.push_str(&format!("; {number} not opened: sensitive"));
    }
    let not_chosen = left.values().filter(|why| **why == NotOpened::NotChosen).count();
    if not_chosen > 0 {
        why.push_str(&format!("; {not_chosen} not opened: not chosen"));
    }
    findings.not_checked_as(Part::Contents, &why, format!("contents: {why}"));
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

fn folder_name(exhibit: &ExhibitDescription) -> Vec<u8> {
    exhibit.number.to_string().into_bytes()
}

/// The folder holds the index, the list and one folder an exhibit, nothing else.
fn check_names(
    folder: &Path,
    index: &Index,
    left: &BTreeMap<ExhibitNumber, NotOpened>,
    findings: &mut Findings,
) {
    let names = match names_in(folder) {
        Ok(names) => names,
        Err(error) => {
            findings.failed(Part::Objects, None, format!("the folder cannot be read: {error}"));
            return;
        }
    };
    let mut expected: BTreeSet<Vec<u8>> = index
        .exhibits
        .iter()
        .filter(|exhibit| !left.contains_key(&exhibit.number))
        .map(folder_name)
        .collect();
    if folder.join(NOT_OPENED_NAME).symlink_metadata().is_ok() {
        expected.insert(NOT_OPENED_NAME.into());
    }
    expected.insert(OPENED_INDEX_NAME.into());
    expected.insert(MANIFEST_NAME.into());
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
        // The name of an entry would say what a sensitive folder holds.
        let object = if exhibit.sensitive.is_some() { &title } else { &object };
        findings.failed(Part::Contents, Some(object), why);
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
