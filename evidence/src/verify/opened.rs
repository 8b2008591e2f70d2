//! An opened package: real files beside the signed index.
//!
//! Holds the comparing of a folder that `open` wrote with its index: exactly the exhibits, each
//! with the content that was signed, the list of digests beside them, and that of the real names if
//! names were written portably. May read the folder.
//! Times and modes are not judged: they are reported when the package is opened.

use super::VerifyOptions;
use super::contents::{agree, agreement};
use super::index::{Index, examine_index};
use super::outer::{Outer, Payload, examine_outer};
use super::verdict::{ExhibitDescription, Findings, Part};
use crate::digest_list::line_for_real_name;
use crate::exhibit::ExhibitNumber;
use crate::files_list::{FilesList, ListedEntry, ListedType};
use crate::handle::{FileKind, facts_of, open_unfollowed};
use crate::layout::{
    MANIFEST_NAME, NOT_OPENED_NAME, OPENED_INDEX_NAME, OPENED_PACKAGE_FOLDER, UNVERIFIED_NAME,
};
use crate::open::{NotOpened, entry_of, read_not_opened};
use crate::portable::{Naming, REAL_NAMES_NAME};
use crate::raw_path::{below, bytes_of, name_of};
use crate::record::{ExhibitType, display};
use crate::source::{FolderSource, PackageSource as _, in_package_order};
use crate::sparse;
use crate::streams::{Hashing, Progress, Reporting, read_limited};
use crate::walk::{FoundKind, Walk, shown};
use rogatory_core::{Digest, chain};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A line for every exhibit that a package may have.
const MAX_NOT_OPENED_BYTES: usize = 4 * 1024 * 1024;

/// A list beside the exhibits, compared line by line with what it must say.
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
    let left = read_left(folder, &index, findings);
    let names_file = folder.join(REAL_NAMES_NAME);
    let portable = names_file.symlink_metadata().is_ok();
    check_names(folder, &index, &left, (portable, outer.is_some()), findings);
    let mut real_names = portable.then(|| {
        let file = regular(&names_file);
        Listed { equal: file.is_ok(), file: file.ok().map(BufReader::new) }
    });
    let list = regular(&folder.join(MANIFEST_NAME));
    if let Err(error) = &list {
        findings.failed(Part::Manifest, Some(MANIFEST_NAME), format!("it cannot be read: {error}"));
    }
    let mut listed = Listed { equal: true, file: list.ok().map(BufReader::new) };
    listed.expect(&line_for_real_name(&digest, OPENED_INDEX_NAME.as_bytes()));
    if outer.is_some() {
        let as_listed = expect_package(&folder.join(OPENED_PACKAGE_FOLDER), &mut listed, findings);
        listed.equal &= as_listed;
    }
    let opened = |exhibit: &&ExhibitDescription| !left.contains_key(&exhibit.number);
    for exhibit in index.exhibits.iter().filter(opened).cloned().collect::<Vec<_>>() {
        let folder = folder.join(exhibit.number.to_string());
        let failed = findings.failures();
        let mut lists = Lists { digests: &mut listed, real_names: real_names.as_mut() };
        check_exhibit(&folder, &exhibit, &mut index, &mut lists, findings, progress);
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
        if real_names.is_some_and(|real_names| !real_names.ended()) {
            findings.failed(
                Part::Manifest,
                Some(REAL_NAMES_NAME),
                "it does not give the real names of these files",
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

/// The lists that an exhibit has lines in.
struct Lists<'a> {
    digests: &'a mut Listed,
    real_names: Option<&'a mut Listed>,
}

impl Lists<'_> {
    fn expect_name(&mut self, line: Option<Vec<u8>>) {
        if let (Some(real_names), Some(line)) = (&mut self.real_names, line) {
            real_names.expect(&line);
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
    let file = open_unfollowed(path)?;
    if facts_of(&file)?.kind == FileKind::File {
        Ok(file)
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

/// The folder holds the index, the list, one folder an exhibit, and of a derived package its outer part; nothing else.
fn check_names(
    folder: &Path,
    index: &Index,
    left: &BTreeMap<ExhibitNumber, NotOpened>,
    (portable, has_package): (bool, bool),
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
    if has_package {
        expected.insert(OPENED_PACKAGE_FOLDER.into());
    }
    if portable {
        expected.insert(REAL_NAMES_NAME.into());
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
    lists: &mut Lists<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) {
    let number = exhibit.number.to_string();
    let portable = lists.real_names.is_some();
    let mut naming = Naming::new(&number, exhibit.name.bytes(), portable);
    let (name, tar_name) = (naming.name().to_vec(), naming.tar_name());
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
    lists.expect_name(naming.own_line());
    if !is_folder {
        let digest = hash(&path, progress);
        judge(&title, digest, exhibit, findings);
        lists.digests.expect(&line_for_real_name(&exhibit.sha256, &naming.beside(&name)));
        return;
    }
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        _ => {
            findings.failed(Part::Contents, Some(&title), "it is missing or no folder");
            return;
        }
    }
    let outcome = index.files(exhibit).map_err(|error| Wrong::all(&error)).and_then(|files| {
        let check = if portable { check_renamed_folder } else { check_folder };
        check(&path, &mut BufReader::new(files), &mut naming, lists, progress)
    });
    if let Err(wrong) = outcome {
        let (object, why) = wrong.told(&title, exhibit.sensitive.is_some());
        findings.failed(Part::Contents, Some(&object), why);
    }
    if names.contains(&tar_name) {
        let digest = hash(&folder.join(name_of(&tar_name)), progress);
        judge(&format!("{title}.tar"), digest, exhibit, findings);
        lists.digests.expect(&line_for_real_name(&exhibit.sha256, &naming.beside(&tar_name)));
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

/// What is wrong in a folder, and with what.
struct Wrong {
    /// The path of an entry and its line in the list, if it has one; none for the folder.
    entry: Option<(String, Option<u64>)>,
    why: String,
    /// Whether what is wrong may name an entry.
    may_name: bool,
}

impl Wrong {
    /// An error about the whole folder, with the words of its cause.
    fn all(error: &dyn std::error::Error) -> Self {
        Self { entry: None, why: chain(error), may_name: true }
    }

    /// Of the entry at `path`.
    fn entry(path: &Path, line: Option<u64>, why: impl Into<String>) -> Self {
        Self { entry: Some((shown(path), line)), why: why.into(), may_name: false }
    }

    /// Object and reason; the name of an entry would say what a sensitive folder holds.
    fn told(self, title: &str, is_sensitive: bool) -> (String, String) {
        match self.entry {
            Some((_, Some(line))) if is_sensitive => (format!("{title}: {}", entry_of(line)), self.why),
            Some((path, _)) if !is_sensitive => (path, self.why),
            None if is_sensitive && self.may_name => {
                let why = "it cannot be compared with its list; it is sensitive, so no entry is named";
                (title.to_owned(), why.to_owned())
            }
            _ => (title.to_owned(), self.why),
        }
    }
}

/// The lines that an entry has in the lists.
fn expect_lines(
    listed: &ListedEntry,
    path: &[u8],
    line: Option<Vec<u8>>,
    naming: &Naming,
    lists: &mut Lists<'_>,
) {
    lists.expect_name(line);
    if let (true, Some(digest)) = (listed.listed_type.has_plain_digest(), &listed.sha256) {
        lists.digests.expect(&line_for_real_name(digest, &naming.within(path)));
    }
}

/// A folder against its list: the walk and the list have the same order.
fn check_folder(
    path: &Path,
    files: &mut dyn BufRead,
    naming: &mut Naming,
    lists: &mut Lists<'_>,
    progress: &mut dyn Progress,
) -> Result<(), Wrong> {
    let mut list = FilesList::new(files);
    let mut walk = Walk::looking(path).map_err(|error| Wrong::all(&error))?;
    for line in 1.. {
        let listed = list.next_entry().map_err(|error| Wrong::all(&error))?;
        let found = walk.step().map_err(|error| Wrong::all(&error))?;
        match (listed, found) {
            (None, None) => break,
            (Some(listed), Some(found)) if walk.relative() == listed.path => {
                compare_entry(&listed, found, &walk, progress)
                    .map_err(|why| Wrong::entry(&walk.path(), Some(line), why))?;
                let (path, real_name) = naming.next(&listed).map_err(|error| Wrong::all(&error))?;
                expect_lines(&listed, &path, real_name, naming, lists);
            }
            (Some(listed), found) if found.is_none() || walk.relative() > listed.path.as_slice() => {
                let place = below(path, &listed.path);
                return Err(Wrong::entry(&place, Some(line), "it was signed and is missing"));
            }
            _ => return Err(Wrong::entry(&walk.path(), None, "an entry is there that was not signed")),
        }
    }
    Ok(())
}

/// A folder with portable names against its list: they have another order, so each entry is looked up
/// and all are counted. Two entries never have the same name.
fn check_renamed_folder(
    path: &Path,
    files: &mut dyn BufRead,
    naming: &mut Naming,
    lists: &mut Lists<'_>,
    progress: &mut dyn Progress,
) -> Result<(), Wrong> {
    let mut list = FilesList::new(files);
    let (mut line, mut expected) = (0_u64, 0_u64);
    while let Some(listed) = list.next_entry().map_err(|error| Wrong::all(&error))? {
        line += 1;
        let (on_disk, real_name) = naming.next(&listed).map_err(|error| Wrong::all(&error))?;
        expect_lines(&listed, &on_disk, real_name, naming, lists);
        if listed.listed_type == ListedType::Link {
            continue; // stands in the list of real names alone
        }
        let place = below(path, &on_disk);
        let wrong = |why: &str| Wrong::entry(&place, Some(line), why);
        let metadata = place.symlink_metadata().map_err(|_| wrong("it was signed and is missing"))?;
        if listed.listed_type == ListedType::Folder {
            if !metadata.is_dir() {
                return Err(wrong("it is not what was signed"));
            }
        } else {
            compare_file(&listed, &place, progress).map_err(|why| wrong(&why))?;
        }
        expected += 1;
    }
    let mut walk = Walk::looking(path).map_err(|error| Wrong::all(&error))?;
    let mut found = 0;
    while walk.step().map_err(|error| Wrong::all(&error))?.is_some() {
        found += 1;
    }
    if found == expected {
        Ok(())
    } else {
        let why = format!("it holds {found} entries, and {expected} were signed");
        Err(Wrong { entry: None, why, may_name: false })
    }
}

fn compare_entry(
    listed: &ListedEntry,
    found: FoundKind,
    walk: &Walk,
    progress: &mut dyn Progress,
) -> Result<(), String> {
    let (listed_type, size, digest) = match found {
        FoundKind::Folder => (ListedType::Folder, 0, None),
        FoundKind::Link => {
            let target = walk.target();
            (ListedType::Link, target.len() as u64, Some(Digest::of(target)))
        }
        FoundKind::File => return compare_file(listed, &walk.path(), progress),
    };
    if (listed_type, size, digest) == (listed.listed_type, listed.size_bytes, listed.sha256) {
        Ok(())
    } else {
        Err("it is not what was signed".to_owned())
    }
}

/// A file against its line. Whether names are those of one file is not judged, nor where holes lie.
fn compare_file(listed: &ListedEntry, path: &Path, progress: &mut dyn Progress) -> Result<(), String> {
    let failed = |error: io::Error| format!("it cannot be read: {error}");
    let found = match listed.listed_type {
        ListedType::File | ListedType::FileAgain => hash(path, progress).map_err(failed)?,
        ListedType::Sparse | ListedType::SparseAgain => {
            let mut file = regular(path).map_err(failed)?;
            let size = facts_of(&file).map_err(failed)?.size_bytes;
            if size != listed.size_bytes {
                return Err("it is not what was signed".to_owned());
            }
            let digest = sparse::digest_of(&mut file, size, &mut |bytes| progress.advance(bytes));
            (digest.map_err(failed)?, size)
        }
        ListedType::Folder | ListedType::Link => return Err("it is not what was signed".to_owned()),
    };
    if (Some(found.0), found.1) == (listed.sha256, listed.size_bytes) {
        Ok(())
    } else {
        Err("it is not what was signed".to_owned())
    }
}
