//! Evidence as it comes: real formats, names of every kind, empty things, a link; and its comparison.
//!
//! May write into the folder it is given.

use crate::office::write;
use crate::tools::project;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A name that is no text in any usual encoding.
pub const RAW_NAME: &[u8] = b"DSC\xff\xfe 0001\x80.raw";

/// Makes the evidence in `folder`; gives the exhibits in the order in which they shall be sealed.
///
/// The first is a folder with the demonstration's formats and every kind of name, the others are
/// a file with a Cyrillic name, an empty file, a file whose name is no text, and an empty folder.
///
/// # Panics
/// If it can't be written.
#[must_use]
pub fn make(folder: &Path) -> Vec<PathBuf> {
    let case = folder.join("evidence of the case");
    let formats = project().join("demo/evidence");
    if formats.is_dir() {
        copy(&formats, &case);
    }
    write(&case.join("two  spaces, a 'quote' and a \\.txt"), b"spaces\n");
    write(&case.join("-starts with a dash.txt"), b"dash\n");
    write(&case.join("Протокол осмотра/Приложение № 1.txt"), "осмотр\n".as_bytes());
    write(&case.join(OsStr::from_bytes(RAW_NAME)), &[0xff; 1000]);
    write(&case.join("a/b/c/empty"), b"");
    make_folder(&case.join("пустая папка"));
    // Longer than the name field of a tar header, which holds 100 bytes.
    write(&case.join("длинное имя ".repeat(9)).join("file.bin"), &[7; 70_000]);
    linked("../a/b/c/empty", &case.join("a/link"));
    let read_only = fs::Permissions::from_mode(0o440);
    fs::set_permissions(case.join("a/b/c/empty"), read_only).unwrap_or_else(|error| panic!("mode: {error}"));

    let named = |name: &[u8]| folder.join(OsStr::from_bytes(name));
    let exhibits = [
        case,
        named("Справка о входах.csv".as_bytes()),
        named(b"empty.log"),
        named(RAW_NAME),
        named("nothing in here".as_bytes()),
    ];
    write(&exhibits[1], "время,адрес\n2026-03-14T10:00:00Z,203.0.113.7\n".as_bytes());
    write(&exhibits[2], b"");
    write(&exhibits[3], &(0..=255).cycle().take(200_000).collect::<Vec<u8>>());
    make_folder(&exhibits[4]);
    exhibits.to_vec()
}

/// What can be said of something in a folder without its name: kind, content, mode, time.
pub type Entry = (char, Vec<u8>, u32, (i64, i64));

/// Everything below `folder`, by its path as bytes.
///
/// # Panics
/// If it can't be read.
#[must_use]
pub fn tree(folder: &Path) -> BTreeMap<Vec<u8>, Entry> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display())) {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", at.display())).path();
            let facts =
                fs::symlink_metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let time = (facts.mtime(), facts.mtime_nsec());
            let (kind, content) = if facts.is_dir() {
                open.push(path.clone());
                ('d', Vec::new())
            } else if facts.is_symlink() {
                let target =
                    fs::read_link(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                ('l', target.into_os_string().into_vec())
            } else {
                ('f', fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            };
            // A link's own mode means nothing.
            let mode = if kind == 'l' { 0 } else { facts.mode() & 0o7777 };
            let relative = path.strip_prefix(folder).unwrap_or(&path).as_os_str().as_bytes().to_vec();
            found.insert(relative, (kind, content, mode, time));
        }
    }
    found
}

/// Demands that two folders hold the same, times and modes included.
///
/// # Panics
/// Names the first difference.
#[track_caller]
pub fn assert_same(original: &Path, other: &Path) {
    compare(&tree(original), &tree(other));
}

/// The same, but for the links' own times, which Rust's standard library can't set.
///
/// # Panics
/// Names the first difference.
#[track_caller]
pub fn assert_same_but_link_times(original: &Path, other: &Path) {
    let [left, right] = [original, other].map(|folder| {
        let mut tree = tree(folder);
        tree.values_mut().filter(|entry| entry.0 == 'l').for_each(|entry| entry.3 = (0, 0));
        tree
    });
    compare(&left, &right);
}

#[track_caller]
fn compare(left: &BTreeMap<Vec<u8>, Entry>, right: &BTreeMap<Vec<u8>, Entry>) {
    for path in left.keys().chain(right.keys()) {
        let shown = String::from_utf8_lossy(path);
        match (left.get(path), right.get(path)) {
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) => {
                let facts = |entry: &Entry| {
                    format!("{} {:o} {:?}, {} bytes", entry.0, entry.2, entry.3, entry.1.len())
                };
                panic!("`{shown}` differs: {}, and {}", facts(a), facts(b))
            }
            (Some(_), None) => panic!("`{shown}` is missing"),
            _ => panic!("`{shown}` was not there"),
        }
    }
}

/// Copies a folder of files and folders.
///
/// # Panics
/// If it can't.
pub fn copy(from: &Path, to: &Path) {
    make_folder(to);
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", from.display())).path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}

fn make_folder(path: &Path) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

fn linked(target: &str, path: &Path) {
    symlink(target, path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
