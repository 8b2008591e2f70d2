//! What a folder is, beside its names and contents, survives: times, modes, empty folders, links, hard
//! links, extended attributes, holes. Judged by other people's tools.

use super::*;
use crate::attributes;
use crate::open::{OpenOptions, OpenReport, OpenRequest, open};
use crate::record::FileTime;
use crate::seal::SealError;
use crate::walk::SourceError;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::process::Command;

/// An access list: owner rw, user 1000 r, group r, others r.
const ACCESS_LIST: &[u8] = b"\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\xe8\x03\0\0\x04\0\x04\0\xff\xff\xff\xff\x10\0\x04\0\xff\xff\xff\xff\x20\0\x04\0\xff\xff\xff\xff";

/// Lists a tree with Python: type, mode, time, size, what the names share, attributes, content, holes.
const LISTING: &str = r#"
import hashlib, os, stat, sys
top = os.fsencode(sys.argv[1])
inodes = {}
lines = []
for folder, folders, files in os.walk(top):
    for name in folders + files:
        path = os.path.join(folder, name)
        relative = os.path.relpath(path, top)
        found = os.lstat(path)
        kind = stat.S_IFMT(found.st_mode)
        line = [relative, oct(found.st_mode) if kind != stat.S_IFLNK else "link", found.st_mtime_ns]
        line.append({os.fsencode(n): os.getxattr(path, n, follow_symlinks=False)
                     for n in sorted(os.listxattr(path, follow_symlinks=False))
                     if sys.argv[2] == "all" or n.startswith("user.")})
        if kind == stat.S_IFLNK:
            line.append(os.readlink(path))
        if kind == stat.S_IFREG:
            line.append(found.st_size)
            inodes.setdefault(found.st_ino, []).append(relative)
            fd = os.open(path, os.O_RDONLY)
            at, digest, data = 0, hashlib.sha256(), 0
            while at < found.st_size:
                try:
                    at = os.lseek(fd, at, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(fd, at, os.SEEK_HOLE)
                digest.update(b"%d %d" % (at, end) + os.pread(fd, end - at, at))
                data += end - at
                at = end
            os.close(fd)
            line += [data, digest.hexdigest()]
        lines.append((relative, line))
for _, line in sorted(lines):
    print(line)
for names in sorted(sorted(names) for names in inodes.values()):
    print("one file:", names)
"#;

fn tool(program: &str, arguments: &[&str]) -> String {
    let run = Command::new(program).args(arguments).output();
    let run = run.unwrap_or_else(|error| panic!("this test needs `{program}`: {error}"));
    assert!(run.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).expect("text")
}

fn listing(folder: &Path, which: &str) -> String {
    tool("python3", &["-c", LISTING, &folder.display().to_string(), which])
}

fn found(folder: &Path) -> String {
    let format = "%P %y %m %T@ %s %n %l\n";
    let listed = tool("find", &[&folder.display().to_string(), "-mindepth", "1", "-printf", format]);
    let mut lines: Vec<&str> = listed.lines().collect();
    // The size of a folder is the file system's affair.
    lines.sort_unstable();
    let without_size = |line: &&str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let is_folder = fields.get(1) == Some(&"d");
        fields
            .iter()
            .enumerate()
            .filter(|(at, _)| !is_folder || (*at != 4 && *at != 5))
            .fold(String::new(), |line, (_, field)| line + field + " ")
    };
    lines.iter().map(without_size).collect::<Vec<_>>().join("\n")
}

fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    let set = rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty());
    set.unwrap_or_else(|error| panic!("this test needs a file system with extended attributes: {error}"));
}

fn set_times(folder: &Path) {
    let mut seconds = 1_000_000_000;
    let listed = tool("find", &[&folder.display().to_string(), "-depth", "-print0"]);
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        seconds += 1_000;
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: seconds % 999_999_937 };
        let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
        let at = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::utimensat(rustix::fs::CWD, path, &times, at).expect("sets");
    }
}

/// A tree with one of everything. Names are text here; raw ones have a test of their own.
fn tree(top: &Path) {
    fs::create_dir_all(top.join("empty/deeper")).expect("makes");
    fs::create_dir(top.join("m")).expect("makes");
    fs::write(top.join("m/plain"), b"plain").expect("writes");
    fs::write(top.join("m/tool"), b"#!/bin/sh\n").expect("writes");
    fs::set_permissions(top.join("m/tool"), fs::Permissions::from_mode(0o755)).expect("sets");
    fs::set_permissions(top.join("empty"), fs::Permissions::from_mode(0o710)).expect("sets");
    fs::set_permissions(top.join("m/plain"), fs::Permissions::from_mode(0o600)).expect("sets");
    fs::write(top.join("a first name"), vec![9; 100_000]).expect("writes");
    fs::hard_link(top.join("a first name"), top.join("m/second")).expect("links");
    fs::hard_link(top.join("a first name"), top.join("z".repeat(150))).expect("links");
    std::os::unix::fs::symlink("../m/plain", top.join("empty/link")).expect("links");
    std::os::unix::fs::symlink("nowhere/at/all", top.join("broken")).expect("links");
    let sparse = File::create(top.join("sparse")).expect("makes");
    sparse.set_len(50_000_001).expect("sets");
    sparse.write_all_at(&[1; 9000], 8_192_000).expect("writes");
    sparse.write_all_at(b"end", 49_999_998).expect("writes");
    fs::hard_link(top.join("sparse"), top.join("sparse too")).expect("links");
    File::create(top.join("only a hole")).expect("makes").set_len(1_000_000).expect("sets");
    set_attribute(&top.join("m/plain"), "user.origin", b"exhibit A");
    set_attribute(&top.join("m/plain"), "user.a=b%c", b"\0\n=\xff");
    set_attribute(&top.join("m"), "user.empty", b"");
    set_attribute(&top.join("a first name"), "user.shared", &[7; 2000]);
    set_attribute(&top.join("only a hole"), "user.hole", b"y");
    set_times(top);
}

fn opened(bench: &Bench, package: &str, output: &str, options: OpenOptions) -> OpenReport {
    let mut progress = NoProgress;
    open(OpenRequest {
        path: bench.path(package),
        verify: bench.options_with_identity(),
        output: bench.path(output),
        options,
        progress: &mut progress,
    })
    .expect("opens")
}

#[test]
fn a_tree_with_one_of_everything_comes_back_as_it_was() {
    let bench = bench();
    let top = bench.path("tree");
    tree(&top);
    let report =
        bench.seal(std::slice::from_ref(&top), Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    // Of fifty megabytes little more than the data is stored.
    assert!(fs::metadata(bench.path("PK.asice")).expect("reads").len() < 400_000);
    assert_verified(&check(&bench.path("PK.asice"), &bench.options_with_identity()));
    let report = opened(&bench, "PK.asice", "out", OpenOptions { keep_tar: true, ..OpenOptions::default() });
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let restored = bench.path("out/EX-0001/tree");
    assert_eq!(listing(&top, "all"), listing(&restored, "all"));
    assert_eq!(found(&top), found(&restored));
    assert_verified(&check(&bench.path("out"), &bench.options()));
    let used = |path: &Path| -> u64 {
        let du = tool("du", &["-s", "--block-size=1", &path.display().to_string()]);
        du.split_whitespace().next().and_then(|bytes| bytes.parse().ok()).expect("a number")
    };
    assert!(used(&restored) < 1_000_000, "{}", used(&restored));
    assert_eq!(
        (fs::metadata(&top).expect("reads").mtime(), fs::metadata(&top).expect("reads").mtime_nsec()),
        (
            fs::metadata(&restored).expect("reads").mtime(),
            fs::metadata(&restored).expect("reads").mtime_nsec()
        ),
    );

    // What a sceptical expert's tar makes of it is the same tree.
    let tar = bench.path("out/EX-0001/tree.tar").display().to_string();
    fs::create_dir(bench.path("by-tar")).expect("makes");
    let by_tar = bench.path("by-tar").display().to_string();
    tool("tar", &["--xattrs", "-C", &by_tar, "-xpf", &tar]);
    assert_eq!(listing(&top, "all"), listing(&bench.path("by-tar"), "all"));
    assert_eq!(found(&top), found(&bench.path("by-tar")));
    let verbose = tool("tar", &["--full-time", "--xattrs", "-tvvf", &tar]);
    for part in ["user.origin", "link to a first name", "50000001", "nowhere/at/all"] {
        assert!(verbose.contains(part), "{part}: {verbose}");
    }
}

#[test]
fn what_gives_a_right_is_kept_in_the_tar_and_told_by_name() {
    let bench = bench();
    let top = bench.path("tree");
    fs::create_dir_all(top.join("inner")).expect("makes");
    for name in ["one", "inner/two"] {
        fs::write(top.join(name), b"x").expect("writes");
        fs::set_permissions(top.join(name), fs::Permissions::from_mode(0o644)).expect("sets");
        set_attribute(&top.join(name), "system.posix_acl_access", ACCESS_LIST);
        set_attribute(&top.join(name), "user.kept", b"yes");
    }
    fs::set_permissions(top.join("inner"), fs::Permissions::from_mode(0o2777)).expect("sets");
    bench.seal(std::slice::from_ref(&top), Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let report = opened(&bench, "PK.asice", "out", OpenOptions { keep_tar: true, ..OpenOptions::default() });
    let notes = report.notes.join("\n");
    assert!(
        notes
            .contains("`system.posix_acl_access` is not restored exactly for 2 entries (first: `inner/two`)"),
        "{notes}"
    );
    assert!(notes.contains("the mode is not restored exactly for 1 entry (first: `inner`)"), "{notes}");
    assert!(!notes.contains("user.kept"), "{notes}");
    let tar = bench.path("out/EX-0001/tree.tar").display().to_string();
    fs::create_dir(bench.path("by-tar")).expect("makes");
    let by_tar = bench.path("by-tar").display().to_string();
    tool("tar", &["--xattrs", "--xattrs-include=*", "-C", &by_tar, "-xpf", &tar]);
    assert_eq!(listing(&top, "all"), listing(&bench.path("by-tar"), "all"));
}

#[test]
fn a_terabyte_of_holes_takes_neither_time_nor_room() {
    let bench = bench();
    let mut file = File::create(bench.file("disks/disk.img", b"boot")).expect("opens");
    file.write_all(b"boot").expect("writes");
    file.set_len(1 << 40).expect("this test needs a file system that holds a sparse terabyte");
    file.seek(SeekFrom::Start(500_000_000_123)).expect("seeks");
    file.write_all(b"abc").expect("writes");
    bench.seal(&[bench.path("disks")], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    assert!(fs::metadata(bench.path("PK.asice")).expect("reads").len() < 100_000);
    let report = opened(&bench, "PK.asice", "out", OpenOptions::default());
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    assert_verified(&check(&bench.path("out"), &bench.options()));
    let restored = bench.path("out/EX-0001/disks/disk.img");
    let metadata = fs::metadata(&restored).expect("reads");
    assert_eq!(metadata.len(), 1 << 40);
    assert!(metadata.blocks() * 512 < 1_000_000);
    assert_eq!(listing(&bench.path("disks"), "all"), listing(&bench.path("out/EX-0001/disks"), "all"));
    // One byte in the middle of nowhere.
    let changed = File::options().write(true).open(&restored).expect("opens");
    changed.write_all_at(b"x", 700_000_000_000).expect("writes");
    let modified = FileTime { seconds: metadata.mtime(), nanoseconds: 0 }.to_system_time().expect("a time");
    changed.set_modified(modified).expect("sets");
    assert!(failures(&check(&bench.path("out"), &bench.options())).contains("disk.img"));

    // As an exhibit of its own it would take a terabyte: that is said before anything is written.
    let before = fs::read_dir(bench.folder.path()).expect("lists").count();
    let refused = bench.seal(&[bench.path("disks/disk.img")], Output::AsiceFile(bench.path("PK2.asice")));
    let error = match refused {
        Err(SealError::Source(error @ SourceError::Holes { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(error.contains("disk.img") && error.contains("1099511627776"), "{error}");
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), before);
}

#[test]
fn a_file_exhibits_own_attributes_are_in_its_record_and_come_back() {
    let bench = bench();
    let file = bench.file("letter", b"x");
    set_attribute(&file, "user.origin", b"\0\xff");
    set_attribute(&file, "system.posix_acl_access", ACCESS_LIST);
    let report =
        bench.seal(std::slice::from_ref(&file), Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let report = opened(&bench, "PK.asice", "out", OpenOptions::default());
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains("system.posix_acl_access"), "{:?}", report.notes);
    let restored = File::open(bench.path("out/EX-0001/letter")).expect("opens");
    let found = attributes::read(attributes::Owner::Open(&restored), &mut Vec::new()).expect("reads");
    assert_eq!(found.attributes, [(b"user.origin".to_vec(), b"\0\xff".to_vec())]);
}

#[test]
fn names_that_windows_forbids_get_others_that_are_verified() {
    let bench = bench();
    let top = bench.path("CON");
    fs::create_dir_all(top.join("a:b/x.")).expect("makes");
    fs::create_dir_all(top.join("A:B")).expect("makes");
    for name in ["a:b/x./inside", "a:b/100%", "Same", "same", "nul.txt", "plain"] {
        fs::write(top.join(name), name).expect("writes");
    }
    let raw = std::ffi::OsStr::from_bytes(b"raw\xff");
    fs::write(top.join(raw), b"raw").expect("writes");
    fs::hard_link(top.join("a:b/100%"), top.join("second")).expect("links");
    std::os::unix::fs::symlink("plain", top.join("link")).expect("links");
    let single = bench.file("singles/what?", b"single");
    bench.seal(&[top, single], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let options = OpenOptions { portable_names: true, keep_tar: true, ..OpenOptions::default() };
    opened(&bench, "PK.asice", "out", options);
    let out = bench.path("out");
    let listed = tool("find", &[&out.display().to_string(), "-mindepth", "2", "-printf", "%P\n"]);
    let mut listed: Vec<&str> = listed.lines().collect();
    listed.sort_unstable();
    let expected = [
        "EX-0001/%43ON",
        "EX-0001/%43ON.tar",
        "EX-0001/%43ON/A%3AB",
        "EX-0001/%43ON/Same",
        "EX-0001/%43ON/a%3Ab%~2",
        "EX-0001/%43ON/a%3Ab%~2/100%25",
        "EX-0001/%43ON/a%3Ab%~2/x%2E",
        "EX-0001/%43ON/a%3Ab%~2/x%2E/inside",
        "EX-0001/%43ON/%6Eul.txt",
        "EX-0001/%43ON/plain",
        "EX-0001/%43ON/raw%FF",
        "EX-0001/%43ON/same%~2",
        "EX-0001/%43ON/second",
        "EX-0002/what%3F",
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert_eq!(fs::read(out.join("EX-0001/%43ON/second")).expect("reads"), b"a:b/100%");
    let names = fs::read_to_string(out.join("real-names.txt")).expect("reads");
    for line in [
        "EX-0001/CON EX-0001/%43ON",
        "EX-0001/CON/a:b EX-0001/%43ON/a%3Ab%~2",
        "EX-0001/CON/a:b/100%25 EX-0001/%43ON/a%3Ab%~2/100%25",
        "EX-0001/CON/raw%FF EX-0001/%43ON/raw%FF",
        "EX-0001/CON/link -",
        "EX-0002/what? EX-0002/what%3F",
    ] {
        assert!(names.lines().any(|found| found == line), "{line}: {names}");
    }
    assert_verified(&check(&out, &bench.options()));
    let manifest =
        tool("sh", &["-c", &format!("cd '{}' && sha256sum --strict -c manifest-sha256.txt", out.display())]);
    assert_eq!(manifest.lines().count(), 11, "{manifest}");

    // Everything still counts.
    fs::rename(out.join("EX-0001/%43ON/plain"), out.join("EX-0001/%43ON/Plain")).expect("renames");
    assert!(failures(&check(&out, &bench.options())).contains("plain"));
    fs::rename(out.join("EX-0001/%43ON/Plain"), out.join("EX-0001/%43ON/plain")).expect("renames");
    assert_verified(&check(&out, &bench.options()));
    fs::write(out.join("EX-0001/%43ON/more"), b"").expect("writes");
    assert!(failures(&check(&out, &bench.options())).contains("it holds 12 entries, and 11"));
    fs::remove_file(out.join("EX-0001/%43ON/more")).expect("removes");
    fs::write(out.join("EX-0001/%43ON/same%~2"), b"Same").expect("writes");
    assert!(failures(&check(&out, &bench.options())).contains("same%~2"));
    fs::write(out.join("EX-0001/%43ON/same%~2"), b"same").expect("writes");
    fs::write(out.join("real-names.txt"), names.replace("EX-0002/what? ", "EX-0002/what! ")).expect("writes");
    assert!(failures(&check(&out, &bench.options())).contains("real-names.txt"));
}

#[test]
fn changed_files_with_holes_or_several_names_are_noticed() {
    let bench = bench();
    let top = bench.path("tree");
    tree(&top);
    bench.seal(&[top], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 4] = [
        ("sparse", |top| {
            let file = File::options().write(true).open(top.join("sparse")).expect("opens");
            file.write_all_at(b"x", 20_000_000).expect("writes");
        }),
        ("only a hole", |top| {
            let file = File::options().write(true).open(top.join("only a hole")).expect("opens");
            file.set_len(999_999).expect("sets");
        }),
        ("second", |top| {
            fs::remove_file(top.join("m/second")).expect("removes");
            fs::write(top.join("m/second"), b"other").expect("writes");
        }),
        ("broken", |top| fs::remove_file(top.join("broken")).expect("removes")),
    ];
    for (at, (named, change)) in changes.into_iter().enumerate() {
        let out = format!("out{at}");
        opened(&bench, "PK.asice", &out, OpenOptions::default());
        assert_verified(&check(&bench.path(&out), &bench.options()));
        change(&bench.path(&out).join("EX-0001/tree"));
        let found = failures(&check(&bench.path(&out), &bench.options()));
        assert!(found.contains(named), "{named}: {found}");
    }
    // A copy that has no holes and no hard links holds the same.
    opened(&bench, "PK.asice", "out", OpenOptions::default());
    let (out, copy) = (bench.path("out").display().to_string(), bench.path("copy").display().to_string());
    tool("cp", &["-r", "--no-preserve=links", "--sparse=never", &out, &copy]);
    assert_verified(&check(&bench.path("copy"), &bench.options()));
}

/// The highest resident memory of this process so far.
fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("reads");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}

#[test]
#[ignore = "makes a million files twice; run it alone"]
fn a_million_empty_files_take_little_memory() {
    let bench = bench();
    let top = bench.path("million");
    fs::create_dir(&top).expect("makes");
    for number in 0..1_000_000 {
        File::create(top.join(format!("file-{number:07}"))).expect("makes");
    }
    let mut peaks = Vec::new();
    bench.seal(&[top], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    peaks.push(peak_bytes());
    assert_verified(&check(&bench.path("PK.asice"), &bench.options_with_identity()));
    peaks.push(peak_bytes());
    opened(&bench, "PK.asice", "out", OpenOptions::default());
    peaks.push(peak_bytes());
    assert_verified(&check(&bench.path("out"), &bench.options()));
    peaks.push(peak_bytes());
    std::fs::remove_dir_all(bench.path("out")).expect("removes");
    let portable = OpenOptions { portable_names: true, ..OpenOptions::default() };
    opened(&bench, "PK.asice", "portable", portable);
    peaks.push(peak_bytes());
    assert_verified(&check(&bench.path("portable"), &bench.options()));
    peaks.push(peak_bytes());
    assert!(peaks.iter().all(|peak| *peak < 128 << 20), "{peaks:?}");
}
