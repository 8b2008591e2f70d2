//! Tests of the deterministic tar: one form, any name, other tools read it.

use super::hard_links::Room;
use super::reader::{CheckOnly, TarError, read_folder};
use super::stream::{FolderStream, measure};
use super::*;
use std::io::Read;
use std::path::Path;

fn tar_of(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let measured = measure(folder, &mut Room::default()).expect("measures");
    let mut list = Vec::new();
    let mut tar = Vec::new();
    let mut watch = crate::hash_list::Watch::new(None, None, Vec::new());
    FolderStream::new(folder, &measured, &mut list, &mut watch)
        .expect("opens")
        .read_to_end(&mut tar)
        .expect("reads");
    assert_eq!(tar.len() as u64, measured.size.tar_bytes);
    (tar, list)
}

fn sample(folder: &Path) {
    std::fs::create_dir_all(folder.join("папка/empty")).expect("makes");
    std::fs::create_dir(folder.join("a")).expect("makes");
    std::fs::write(folder.join("a.b"), b"between").expect("writes");
    std::fs::write(folder.join("a/x y"), vec![7; 1500]).expect("writes");
    std::fs::write(folder.join(format!("папка/{}", "d".repeat(200))), b"").expect("writes");
    for name in ["a.b", "a/x y", "a", "папка", "папка/empty", &format!("папка/{}", "d".repeat(200))]
    {
        set_time(&folder.join(name), FileTime { seconds: 1_700_000_000, nanoseconds: 123_000_000 });
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("../a.b", folder.join("a/link")).expect("links");
}

fn set_time(path: &Path, time: FileTime) {
    let time = time.to_system_time().expect("a time");
    std::fs::File::open(path).expect("opens").set_modified(time).expect("sets");
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    sample(one.path());
    sample(two.path());
    // A link's own time can't be set with the standard library.
    for folder in [&one, &two] {
        std::fs::remove_file(folder.path().join("a/link")).expect("removes");
        set_time(&folder.path().join("a"), FileTime { seconds: 5, nanoseconds: 0 });
    }
    assert_eq!(tar_of(one.path()), tar_of(two.path()));
}

#[test]
fn what_was_made_is_read_and_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path());
    let (tar, list) = tar_of(folder.path());
    let entries = read_folder(&mut tar.as_slice(), list.as_slice(), &mut CheckOnly).expect("reads");
    assert_eq!(entries, 7);
    let listed = String::from_utf8(list.clone()).expect("ASCII");
    let paths: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').nth(3)).collect();
    assert_eq!(paths[..4], ["a.b", "a", "a/link", "a/x%20y"]);
}

#[test]
fn many_files_are_read_ahead_and_each_is_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = |n: usize| {
        vec![u8::try_from(n % 251).unwrap_or(0); if n.is_multiple_of(97) { 20_000 + n } else { n % 700 }]
    };
    let path = |n: usize| format!("{}/{n:04}", if n.is_multiple_of(5) { "a" } else { "b/c" });
    std::fs::create_dir_all(folder.path().join("b/c")).expect("makes");
    std::fs::create_dir(folder.path().join("a")).expect("makes");
    let mut expected = Vec::new();
    for n in 0..1_500 {
        std::fs::write(folder.path().join(path(n)), content(n)).expect("writes");
        expected.push((path(n), rogatory_core::Digest::of(&content(n))));
    }
    let mut hard_links = 0;
    if cfg!(unix) && std::fs::hard_link(folder.path().join("a/0005"), folder.path().join("a/1500")).is_ok() {
        hard_links = 1;
        expected.push(("a/1500".to_owned(), rogatory_core::Digest::of(&content(5))));
    }
    let attribute = std::fs::File::open(folder.path().join("b/c/0011")).expect("opens");
    let has_attribute = crate::attributes::set(&attribute, b"user.kept", b"of one in the middle");
    expected.sort();

    let (tar, list) = tar_of(folder.path());
    let mut listed = Vec::new();
    let mut lines = crate::files_list::FilesList::new(list.as_slice());
    while let Some(entry) = lines.next_entry().expect("a line") {
        listed.extend(entry.sha256.map(|sha256| (String::from_utf8(entry.path).expect("text"), sha256)));
    }
    assert_eq!(listed, expected);
    let entries = read_folder(&mut tar.as_slice(), list.as_slice(), &mut CheckOnly).expect("reads");
    assert_eq!(entries, 3 + expected.len() as u64);
    let kept = tar.windows(20).any(|bytes| bytes == b"of one in the middle");
    assert_eq!(kept, has_attribute);

    let mut walk = crate::walk::Walk::opening(folder.path()).expect("opens");
    let (mut ahead, mut opened) = (0, 0);
    while let Some(kind) = walk.step().expect("walks") {
        if kind == crate::walk::FoundKind::File {
            match walk.take_content() {
                Some(content) => {
                    assert_eq!(content.sha256, rogatory_core::Digest::of(&content.bytes));
                    ahead += 1;
                }
                None => opened += usize::from(walk.take_file().is_some()),
            }
        }
    }
    // Large ones, and those with several names, are left to their turn.
    assert!(opened >= 1_500usize.div_ceil(97) + 2 * hard_links && ahead > 1_400, "{opened} {ahead}");
    assert_eq!(ahead + opened, expected.len());
}

#[test]
fn any_changed_byte_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path());
    let (tar, list) = tar_of(folder.path());
    for at in 0..tar.len() {
        let mut changed = tar.clone();
        changed[at] ^= 1;
        let outcome = read_folder(&mut changed.as_slice(), list.as_slice(), &mut CheckOnly);
        // Mode and time are not in the list; the digest of the whole tar covers them.
        let attributes_only = outcome.is_ok() && {
            let blocks = at % BLOCK_BYTES;
            (100..108).contains(&blocks) || (136..156).contains(&blocks) || tar[at].is_ascii_digit()
        };
        assert!(outcome.is_err() || attributes_only, "byte {at}");
    }
    for cut in (0..tar.len()).step_by(97) {
        let outcome = read_folder(&mut &tar[..cut], list.as_slice(), &mut CheckOnly);
        assert!(outcome.is_err(), "cut at {cut}");
    }
    let mut longer = tar.clone();
    longer.push(0);
    assert!(read_folder(&mut longer.as_slice(), list.as_slice(), &mut CheckOnly).is_err());
}

#[test]
fn a_hostile_tar_is_refused() {
    let time = FileTime { seconds: 0, nanoseconds: 0 };
    let link = |path: &str, target: &str| Entry {
        path: path.into(),
        kind: EntryKind::Link { target: target.into() },
        mode: 0o777,
        modified: time,
        attributes: Vec::new(),
    };
    let folder = |path: &str| Entry {
        path: path.into(),
        kind: EntryKind::Folder,
        mode: 0o755,
        modified: time,
        attributes: Vec::new(),
    };
    let file = |path: &str| Entry {
        path: path.into(),
        kind: EntryKind::File { size_bytes: 0 },
        mode: 0o644,
        modified: time,
        attributes: Vec::new(),
    };
    for entries in [
        vec![link("a", "/etc")],
        vec![link("a", "..")],
        vec![file("../a")],
        vec![file("/a")],
        vec![link("a", "."), file("a/passwd")],
        vec![file("b"), file("a")],
        vec![file("a"), file("a")],
        vec![file("a/b")],
        vec![file("a//b")],
        vec![file("a"), file("a.b"), folder("a")],
        vec![link("a", "b"), folder("a")],
    ] {
        let mut tar: Vec<u8> = entries.iter().flat_map(Entry::header).collect();
        tar.resize(tar.len() + 1024, 0);
        let mut list = Vec::new();
        for entry in &entries {
            let (listed_type, sha256, size_bytes) = match &entry.kind {
                EntryKind::Link { target } => (
                    crate::files_list::ListedType::Link,
                    Some(rogatory_core::Digest::of(target)),
                    target.len() as u64,
                ),
                EntryKind::Folder => (crate::files_list::ListedType::Folder, None, 0),
                _ => (crate::files_list::ListedType::File, Some(rogatory_core::Digest::of(b"")), 0),
            };
            let path = entry.path.clone();
            list.extend(
                crate::files_list::ListedEntry { sha256, size_bytes, listed_type, names: 1, path }.to_line(),
            );
        }
        let outcome = read_folder(&mut tar.as_slice(), list.as_slice(), &mut CheckOnly);
        assert!(matches!(outcome, Err(TarError::Path { .. })), "{entries:?} {outcome:?}");
    }
}

#[test]
fn instants_and_sizes_beyond_the_old_header_survive() {
    for (seconds, nanoseconds, text) in [
        (-2, 500_000_000, "-1.5"),
        (-1, 0, "-1"),
        (-1, 999_999_999, "-0.000000001"),
        (1 << 40, 0, "1099511627776"),
        (7, 1, "7.000000001"),
    ] {
        let modified = FileTime { seconds, nanoseconds };
        assert_eq!(decimal(modified), text);
        let entry = Entry {
            path: b"f".to_vec(),
            kind: EntryKind::File { size_bytes: 9 << 33 },
            mode: 0o600,
            modified,
            attributes: Vec::new(),
        };
        let header = entry.header();
        let pax_end = header.len() - BLOCK_BYTES;
        let pax_size =
            usize::from_str_radix(std::str::from_utf8(&header[124..135]).expect("text"), 8).expect("octal");
        let parsed = super::reader::parse_for_tests(&header[pax_end..], &header[512..512 + pax_size]);
        assert_eq!(parsed, Some(entry));
    }
}

#[cfg(unix)]
#[test]
fn other_tools_read_the_tar() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    sample(folder.path());
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"raw\xff\xfe")), b"z").expect("writes");
    let (tar, list) = tar_of(folder.path());
    read_folder(&mut tar.as_slice(), list.as_slice(), &mut CheckOnly).expect("reads");
    let scratch = tempfile::tempdir().expect("a folder");
    let file = scratch.path().join("x.tar");
    std::fs::write(&file, &tar).expect("writes");
    let Ok(output) =
        std::process::Command::new("tar").arg("-C").arg(scratch.path()).arg("-xf").arg(&file).output()
    else {
        return; // no tar on this machine
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let out = scratch.path();
    assert_eq!(std::fs::read(out.join("a/x y")).expect("reads"), vec![7; 1500]);
    assert!(out.join("папка/empty").is_dir());
    assert!(out.join(format!("папка/{}", "d".repeat(200))).is_file());
    assert!(out.join(std::ffi::OsStr::from_bytes(b"raw\xff\xfe")).is_file());
    assert_eq!(std::fs::read_link(out.join("a/link")).expect("a link"), Path::new("../a.b"));
}

#[cfg(unix)]
#[test]
fn pipes_and_escaping_links_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("sub")).expect("makes");
    std::os::unix::fs::symlink("../../etc", folder.path().join("sub/out")).expect("links");
    let error = measure(folder.path(), &mut Room::default()).expect_err("refuses").to_string();
    assert!(error.contains("sub/out") && error.contains("../../etc"), "{error}");
    std::fs::remove_file(folder.path().join("sub/out")).expect("removes");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("sub/socket")).expect("binds");
    let error = measure(folder.path(), &mut Room::default()).expect_err("refuses").to_string();
    assert!(error.contains("sub/socket"), "{error}");
}

#[test]
fn a_file_with_more_holes_than_a_package_has_bytes_is_refused() {
    let read = |size_bytes: u64| {
        let kind = EntryKind::Sparse { size_bytes, stored_bytes: 512 };
        let modified = FileTime { seconds: 5, nanoseconds: 0 };
        let path = b"disk.img".to_vec();
        let entry = Entry { path: path.clone(), kind, mode: 0o644, modified, attributes: Vec::new() };
        let mut tar = entry.header();
        let mut map = format!("1\n{size_bytes}\n0\n").into_bytes();
        map.resize(512, 0);
        tar.extend_from_slice(&map);
        tar.extend_from_slice(&[0; 1024]);
        let listed = crate::files_list::ListedEntry {
            sha256: Some(crate::sparse::SparseDigest::new(size_bytes).finish()),
            size_bytes,
            listed_type: crate::files_list::ListedType::Sparse,
            names: 1,
            path,
        };
        read_folder(&mut tar.as_slice(), listed.to_line().as_slice(), &mut CheckOnly)
    };
    assert_eq!(read(64 << 40).expect("reads"), 1);
    let error = read((64 << 40) + 1).expect_err("refused");
    assert!(matches!(&error, TarError::Size { size_bytes, .. } if *size_bytes == (64 << 40) + 1), "{error}");
    assert!(error.to_string().contains("disk.img"), "{error}");
}
