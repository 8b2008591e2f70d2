//! What an opening takes of the disk and of the memory is bounded and told, and errors about sensitive folders name
//! no entry.

use super::*;
use crate::exhibit::ExhibitNumber;
use crate::open::disk::Disk;
use crate::open::{OpenError, OpenOptions, OpenReport, OpenRequest, open_onto};
use crate::sensitive::{SensitiveAccess, SensitiveFlag};
use crate::source::ZipSource;
use crate::streams::Progress;
use crate::verify::verdict::Findings;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::sync::Mutex;

/// A disk that does everything and never fills.
const ANY: Disk = Disk { hard_links: true, holes: true, takes_largest: true, free_bytes: None };

fn open_on(bench: &Bench, disk: Disk, options: OpenOptions) -> Result<OpenReport, OpenError> {
    let source = ZipSource::open(&bench.path("PK.asice")).expect("a package");
    let mut progress = NoProgress;
    let request = OpenRequest {
        path: bench.path("PK.asice"),
        verify: bench.options_with_identity(),
        output: bench.path("out"),
        options,
        progress: &mut progress,
    };
    open_onto(&source, request, Findings::default(), &|_, _| Ok(disk))
}

fn refused(bench: &Bench, disk: Disk, options: OpenOptions) -> String {
    let text = rogatory_core::chain(&open_on(bench, disk, options).expect_err("refused"));
    assert!(!bench.path("out").exists() && crate::leftovers(&bench.path("out")).is_empty(), "{text}");
    text
}

fn seal_flagged(bench: &Bench, top: &Path, flagged: bool) {
    let output = Output::AsiceFile(bench.path("PK.asice"));
    let paths = [top.to_owned()];
    let sealed = bench.seal_with(&bench.office.officer, &paths, output, |request| {
        if flagged {
            let reason = "abuse-material".parse().expect("a code");
            request.options.sensitive = vec![SensitiveFlag { path: top.to_owned(), reason }];
        }
    });
    sealed.expect("seals");
}

fn with_reason(bench: &Bench) -> OpenOptions {
    let access = SensitiveAccess {
        reason: "order 7".to_owned(),
        actor: "md/central-authority/officer/rusu".to_owned(),
        at: now(),
        log: bench.path("openings.log"),
    };
    OpenOptions { sensitive: Some(access), ..OpenOptions::default() }
}

#[test]
fn copies_that_stand_for_hard_links_are_counted_before_the_first_byte() {
    let bench = bench();
    let first = bench.file("tree/first", &[7; 150_000]);
    fs::hard_link(first, bench.path("tree/second")).expect("links");
    seal_flagged(&bench, &bench.path("tree"), false);
    let no_links = Disk { hard_links: false, free_bytes: Some(200_000), ..ANY };
    let text = refused(&bench, no_links, OpenOptions::default());
    assert!(
        text.contains("(150000 of them since its disk makes no hard links) and 200000 are free"),
        "{text}"
    );
    // One such file fits where links are made, and two where there is room.
    let report =
        open_on(&bench, Disk { hard_links: true, ..no_links }, OpenOptions::default()).expect("opens");
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    fs::remove_dir_all(bench.path("out")).expect("removes");
    let roomy = Disk { free_bytes: Some(400_000), ..no_links };
    let report = open_on(&bench, roomy, OpenOptions::default()).expect("opens");
    assert!(report.notes.join("\n").contains("written as a copy"), "{:?}", report.notes);
    let second = bench.path("out/EX-0001/tree/second");
    assert_eq!(
        (fs::metadata(&second).expect("reads").nlink(), fs::read(&second).expect("reads")),
        (1, vec![7; 150_000])
    );
    assert_verified(&check(&bench.path("out"), &bench.options()));
}

#[test]
fn a_copy_of_a_file_with_holes_has_holes_and_must_have_room() {
    let bench = bench();
    let first = bench.file("tree/first", b"");
    let file = File::options().write(true).open(&first).expect("opens");
    file.set_len(1 << 40).expect("this test needs a file system that holds a sparse terabyte");
    file.write_all_at(&[7; 163_840], 1 << 39).expect("writes");
    fs::hard_link(&first, bench.path("tree/second")).expect("links");
    seal_flagged(&bench, &bench.path("tree"), false);
    let roomy = Disk { hard_links: false, free_bytes: Some(400_000), ..ANY };
    open_on(&bench, roomy, OpenOptions::default()).expect("opens");
    for name in ["first", "second"] {
        let metadata = fs::metadata(bench.path("out/EX-0001/tree").join(name)).expect("reads");
        assert_eq!((metadata.len(), metadata.nlink()), (1 << 40, 1), "{name}");
        assert!(metadata.blocks() * 512 < 1_000_000, "{name} has no holes");
    }
    assert_verified(&check(&bench.path("out"), &bench.options()));
    fs::remove_dir_all(bench.path("out")).expect("removes");
    // What it holds shows only when it is copied.
    let text = refused(&bench, Disk { free_bytes: Some(250_000), ..roomy }, OpenOptions::default());
    assert!(
        text.contains("tree/second` cannot be written") || text.contains(".partial/second` cannot"),
        "{text}"
    );
    assert!(text.contains("for a copy of 163840 bytes only"), "{text}");
}

#[test]
fn holes_that_the_disk_cannot_keep_are_told_before_the_first_byte() {
    let bench = bench();
    let path = bench.file("tree/disk.img", b"");
    File::options().write(true).open(path).and_then(|file| file.set_len(20 << 20)).expect("sets");
    seal_flagged(&bench, &bench.path("tree"), false);
    let no_holes = Disk { holes: false, free_bytes: Some(1_000_000), ..ANY };
    let text = refused(&bench, no_holes, OpenOptions::default());
    assert!(text.contains("since its disk keeps no holes) and 1000000 are free"), "{text}");
    let small = Disk { takes_largest: false, free_bytes: Some(1 << 40), ..ANY };
    let text = refused(&bench, small, OpenOptions::default());
    assert!(text.contains("`EX-0001: disk.img` has 20971520 bytes with its holes"), "{text}");
    seal_again(&bench);
    let text = refused(&bench, small, with_reason(&bench));
    assert!(text.contains("`EX-0001: entry 1` has") && !text.contains("disk.img"), "{text}");
}

/// The same folder as a sensitive exhibit.
fn seal_again(bench: &Bench) {
    fs::remove_file(bench.path("PK.asice")).expect("removes");
    seal_flagged(bench, &bench.path("tree"), true);
}

#[test]
fn a_real_disk_is_tried_out_and_nothing_is_left_of_that() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::of(folder.path(), 1 << 30).expect("tries out");
    assert!(disk.hard_links && disk.holes && disk.takes_largest, "{disk:?}");
    // No file system takes that.
    assert!(!Disk::of(folder.path(), u64::MAX).expect("tries out").takes_largest);
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
}

#[test]
fn a_file_that_no_package_holds_is_refused_when_sealing() {
    let bench = bench();
    let folder = tempfile::tempdir_in("/dev/shm").expect("this test needs a file system in memory");
    let file = File::create(folder.path().join("disk.img")).expect("makes");
    file.set_len(65 << 40).expect("this test needs a file system that takes sparse files of 65 TiB");
    let output = Output::AsiceFile(bench.path("PK.asice"));
    let error = bench.seal(&[folder.path().to_owned()], output).expect_err("refused");
    let text = rogatory_core::chain(&error);
    assert!(text.contains("disk.img` has 71468255805440 bytes with its holes"), "{text}");
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 0);
}

#[test]
fn errors_and_notes_about_a_sensitive_folder_name_no_entry() {
    let bench = bench();
    let first = bench.file("tree/inner/first", b"");
    let file = File::options().write(true).open(&first).expect("opens");
    file.set_len(1 << 30).expect("sets");
    file.write_all_at(&[7; 163_840], 1 << 20).expect("writes");
    fs::hard_link(&first, bench.path("tree/second")).expect("links");
    fs::set_permissions(bench.path("tree/inner"), fs::Permissions::from_mode(0o2777)).expect("sets");
    fs::set_permissions(bench.path("tree"), fs::Permissions::from_mode(0o2777)).expect("sets");
    seal_flagged(&bench, &bench.path("tree"), true);
    let full = Disk { hard_links: false, free_bytes: Some(250_000), ..ANY };
    let text = refused(&bench, full, with_reason(&bench));
    assert!(text.contains("`EX-0001: entry 3` cannot be written"), "{text}");
    assert!(!text.contains("second") && !text.contains("first") && !text.contains("tree"), "{text}");
    let report = open_on(&bench, Disk { free_bytes: None, ..full }, with_reason(&bench)).expect("opens");
    let notes = report.notes.join("\n");
    assert!(notes.contains("(first: `entry 1`)") && notes.contains("(first: `entry 3`)"), "{notes}");
    assert!(notes.contains("(first: `EX-0001`)"), "{notes}");
    assert!(!notes.contains("second") && !notes.contains("inner") && !notes.contains("tree"), "{notes}");

    // Nor when the folder is checked later, whatever the cause says.
    let second = bench.path("out/EX-0001/tree/second");
    fs::write(&second, b"other").expect("writes");
    let text = failures(&check(&bench.path("out"), &bench.options()));
    assert!(text.contains("EX-0001/tree: entry 3") && !text.contains("second"), "{text}");
    fs::remove_file(&second).expect("removes");
    rustix::fs::mknodat(rustix::fs::CWD, &second, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .expect("makes");
    let text = failures(&check(&bench.path("out"), &bench.options()));
    assert!(text.contains("EX-0001/tree") && !text.contains("second"), "{text}");
}

/// Counts what it is told, from whatever thread.
#[derive(Default)]
struct Told(Mutex<(u64, Vec<String>)>);

impl Progress for Told {
    fn begin(&mut self, _: crate::streams::Step, _: Option<u64>) {}

    fn advance(&mut self, bytes: u64) {
        self.0.get_mut().expect("no panic").0 += bytes;
    }

    fn object(&mut self, name: &str) {
        self.0.get_mut().expect("no panic").1.push(name.to_owned());
    }
}

#[test]
fn without_an_identity_every_object_is_hashed_once_and_told_in_order() {
    let bench = bench();
    for place in 0..60 {
        bench.file(&format!("many/{place:02}"), &vec![place; 1 + 3_000 * usize::from(place)]);
    }
    let each = |request: &mut SealRequest<'_>| request.options.each = true;
    bench
        .seal_with(&bench.office.officer, &[bench.path("many")], Output::Folder(bench.path("PK")), each)
        .expect("seals");
    let number = |value| ExhibitNumber::new(value).expect("in range");
    let sizes = (1..=60).map(|at| fs::metadata(bench.path("PK").join(number(at).object_name())));
    let bytes: u64 = sizes.map(|found| found.expect("reads").len()).sum();
    let mut told = Told::default();
    assert_verified(&verify(&bench.path("PK"), &bench.options(), &mut told));
    let (count, names) = told.0.into_inner().expect("no panic");
    assert_eq!(count, bytes);
    assert_eq!(names, (1..=60).map(|at| number(at).to_string()).collect::<Vec<_>>());
    for at in [7, 41] {
        let path = bench.path("PK").join(number(at).object_name());
        let mut bytes = fs::read(&path).expect("reads");
        *bytes.last_mut().expect("not empty") ^= 1;
        fs::write(&path, bytes).expect("writes");
    }
    let found = failures(&check(&bench.path("PK"), &bench.options()));
    let (seventh, later) = (found.find("EX-0007.age"), found.find("EX-0041.age"));
    assert!(seventh < later && seventh.is_some(), "{found}");
    assert!(!found.contains("EX-0008") && !found.contains("EX-0040"), "{found}");
}
