//! Sensitive exhibits stay sealed without a reason, and one exhibit is taken out without reading the others.

use super::*;
use crate::exhibit::ExhibitNumber;
use crate::hash_list::HashLists;
use crate::limits::{SizeLimit, free_bytes};
use crate::open::{OpenError, OpenOptions, OpenReport, OpenRequest, open, open_from};
use crate::sensitive::{SensitiveAccess, SensitiveFlag};
use crate::source::{FolderSource, ObjectInfo, PackageSource, ZipSource};
use crate::streams::{Progress, Step};
use crate::verify::verdict::Findings;
use crate::verify::{Requirement, Verified, look, look_from};
use std::fs;
use std::io::{self, Read};
use std::sync::Arc;

fn number(value: u32) -> ExhibitNumber {
    ExhibitNumber::new(value).expect("in range")
}

fn flag(path: PathBuf) -> SensitiveFlag {
    SensitiveFlag { path, reason: "abuse-material".parse().expect("a code") }
}

impl Bench {
    /// A letter, a picture that is flagged, and a folder that holds the content of a hash list.
    fn sensitive_package(&self, output: Output) -> SealReport {
        let letter = self.file("letter.txt", b"the content of the letter");
        let picture = self.file("picture.jpg", &[9; 5_000]);
        self.file("photos/a.jpg", &[7; 700]);
        self.file("photos/b.jpg", &[8; 300_000]);
        let md5 = data_encoding::HEXLOWER.encode(&sha2::Digest::finalize({
            let mut hasher = md5::Md5::default();
            sha2::Digest::update(&mut hasher, [8; 300_000]);
            hasher
        }));
        let list = self.file("national list.txt", format!("{md5}\n").as_bytes());
        let lists = HashLists::open(&[list], self.folder.path()).expect("a list");
        let paths = [letter, picture.clone(), self.path("photos")];
        let sealed = self.seal_with(&self.office.officer, &paths, output, |request| {
            request.options.sensitive = vec![flag(picture)];
            request.options.hash_lists = Some(Arc::new(lists));
        });
        sealed.expect("seals")
    }

    fn open_with(&self, package: &Path, output: &str, options: OpenOptions) -> Result<OpenReport, OpenError> {
        let mut progress = NoProgress;
        open(OpenRequest {
            path: package.to_owned(),
            verify: self.options_with_identity(),
            output: self.path(output),
            options,
            progress: &mut progress,
        })
    }

    fn access(&self, reason: &str) -> SensitiveAccess {
        SensitiveAccess {
            reason: reason.to_owned(),
            actor: "md/central-authority/officer/rusu".to_owned(),
            at: now(),
            log: self.path("openings.log"),
        }
    }
}

#[test]
fn flagged_and_listed_exhibits_are_marked_in_the_encrypted_index_alone() {
    let bench = bench();
    let report = bench.sensitive_package(Output::Folder(bench.path("PK")));
    let marks: Vec<_> = report.exhibits.iter().map(|exhibit| exhibit.sensitive.clone()).collect();
    assert_eq!(marks[0], None);
    let picture = marks[1].as_ref().expect("flagged");
    assert_eq!(picture.why(), "abuse-material");
    let photos = marks[2].as_ref().expect("listed");
    assert_eq!((photos.matches, photos.entries.as_slice()), (1, &[2][..]));
    assert_eq!(photos.why(), "in hash list national list.txt; 1 of its entries");
    let verdict = check(&bench.path("PK"), &bench.options_with_identity());
    assert_verified(&verdict);
    let Some(Verified::Package(package)) = verdict.verified() else { panic!("a package") };
    assert_eq!(package.exhibits().iter().map(|exhibit| exhibit.sensitive.clone()).collect::<Vec<_>>(), marks);
    // Outside nothing tells which exhibit it is.
    for name in ["transmittal.json", "manifest-sha256.txt", "META-INF/ASiCManifest001.xml"] {
        let text = fs::read_to_string(bench.path("PK").join(name)).expect("reads");
        assert!(
            !text.contains("sensitive") && !text.contains("abuse") && !text.contains("national"),
            "{name}"
        );
    }
}

#[test]
fn a_flag_that_meets_nothing_is_refused() {
    let bench = bench();
    let letter = bench.file("letter.txt", b"x");
    let other = bench.file("other.txt", b"x");
    let output = Output::Folder(bench.path("PK"));
    let error = bench.seal_with(&bench.office.officer, &[letter], output, |request| {
        request.options.sensitive = vec![flag(other)];
    });
    assert!(matches!(&error, Err(SealError::Flag { path }) if path.ends_with("other.txt")), "{error:?}");
    assert!(!bench.path("PK").exists());
}

#[test]
fn without_a_reason_sensitive_exhibits_stay_sealed_and_the_folder_says_so() {
    let bench = bench();
    bench.sensitive_package(Output::AsiceFile(bench.path("PK.asice")));
    let package = bench.path("PK.asice");
    let report = bench.open_with(&package, "out", OpenOptions::default()).expect("opens");
    assert_eq!(report.left_sealed, [number(2), number(3)]);
    assert_eq!(report.exhibits.len(), 1);
    assert!(report.verdict.is_verified());
    assert!(report.verdict.to_string().contains("contents: 1 of 3 exhibits checked"), "{}", report.verdict);
    let Some(Verified::Package(verified)) = report.verdict.verified() else { panic!("a package") };
    assert!(!verified.contents_checked());
    assert!(bench.path("out/EX-0001/letter.txt").exists());
    assert!(!bench.path("out/EX-0002").exists() && !bench.path("out/EX-0003").exists());
    assert!(!bench.path("openings.log").exists());

    let verdict = check(&bench.path("out"), &bench.options());
    assert_verified(&verdict);
    let text = verdict.to_string();
    assert!(text.contains("1 of 3 exhibits checked; EX-0002 not opened: sensitive; EX-0003 not"), "{text}");
    let required = VerifyOptions { require: [Requirement::Contents].into(), ..bench.options() };
    assert!(!check(&bench.path("out"), &required).is_verified(), "not all contents were checked");

    // What the list says must fit: nobody calls a removed exhibit sensitive that is not.
    fs::remove_dir_all(bench.path("out/EX-0001")).expect("removes");
    let list = bench.path("out/not-opened.txt");
    fs::write(&list, "EX-0001 sensitive\nEX-0002 sensitive\nEX-0003 sensitive\n").expect("writes");
    assert!(failures(&check(&bench.path("out"), &bench.options())).contains("not-opened.txt"));
    fs::write(&list, "EX-0002 sensitive\nEX-0003 sensitive\n").expect("writes");
    assert!(failures(&check(&bench.path("out"), &bench.options())).contains("EX-0001"));
}

#[test]
fn asking_for_a_sensitive_exhibit_needs_a_reason() {
    let bench = bench();
    bench.sensitive_package(Output::Folder(bench.path("PK")));
    let asked = OpenOptions { exhibits: vec![number(2)], ..Default::default() };
    let error = bench.open_with(&bench.path("PK"), "out", asked.clone()).expect_err("refused");
    assert!(matches!(&error, OpenError::Sensitive { number, .. } if number.value() == 2), "{error}");
    let empty = OpenOptions { sensitive: Some(bench.access(" ")), ..asked.clone() };
    let error = bench.open_with(&bench.path("PK"), "out", empty).expect_err("refused");
    assert!(matches!(error, OpenError::SensitiveReason));
    assert!(!bench.path("out").exists() && !bench.path("openings.log").exists());

    let given = OpenOptions { sensitive: Some(bench.access("order 7 of the court")), ..asked };
    let report = bench.open_with(&bench.path("PK"), "out", given).expect("opens");
    assert_eq!((report.exhibits.len(), report.not_chosen), (1, 2));
    assert!(bench.path("out/EX-0002/picture.jpg").exists());
    let log = fs::read_to_string(bench.path("openings.log")).expect("a log");
    let line: serde_json::Value = serde_json::from_str(log.trim_end()).expect("one line");
    assert_eq!(line["exhibits"], serde_json::json!(["EX-0002"]));
    assert_eq!(line["reason"], "order 7 of the court");
    assert_eq!(line["actor"], "md/central-authority/officer/rusu");
    assert!(line["package"].as_str().expect("a package").starts_with("PK-"));

    let all = OpenOptions { sensitive: Some(bench.access("order 8")), ..Default::default() };
    bench.open_with(&bench.path("PK"), "all", all).expect("opens");
    assert_verified(&check(&bench.path("all"), &bench.options()));
    assert!(bench.path("all/EX-0003/photos/b.jpg").exists() && !bench.path("all/not-opened.txt").exists());
    assert_eq!(fs::read_to_string(bench.path("openings.log")).expect("a log").lines().count(), 2);
}

#[test]
fn what_cannot_be_logged_is_not_opened() {
    let bench = bench();
    bench.sensitive_package(Output::Folder(bench.path("PK")));
    let access = SensitiveAccess { log: bench.path("no such folder/log"), ..bench.access("a reason") };
    let options = OpenOptions { sensitive: Some(access), ..Default::default() };
    let error = bench.open_with(&bench.path("PK"), "out", options).expect_err("refused");
    assert!(matches!(error, OpenError::Log(_)), "{error}");
    assert!(!bench.path("out").exists());
    assert!(crate::leftovers(&bench.path("out")).is_empty());
}

#[test]
fn the_check_of_a_sensitive_folder_names_no_entry() {
    let bench = bench();
    bench.sensitive_package(Output::Folder(bench.path("PK")));
    let all = OpenOptions { sensitive: Some(bench.access("order 8")), ..Default::default() };
    bench.open_with(&bench.path("PK"), "all", all).expect("opens");
    fs::remove_file(bench.path("all/EX-0003/photos/b.jpg")).expect("removes");
    let text = failures(&check(&bench.path("all"), &bench.options()));
    assert!(text.contains("EX-0003/photos: entry 2") && !text.contains("b.jpg"), "{text}");
}

/// Counts what is read of the exhibits.
struct Counted<'a> {
    inner: &'a dyn PackageSource,
    data_bytes: AtomicU64,
    all_bytes: AtomicU64,
}

struct CountedReader<'a> {
    inner: Box<dyn Read + 'a>,
    counters: Vec<&'a AtomicU64>,
}

impl Read for CountedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for counter in &self.counters {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

impl PackageSource for Counted<'_> {
    fn objects(&self) -> Vec<ObjectInfo> {
        self.inner.objects()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let mut counters = vec![&self.all_bytes];
        if name.starts_with("data/") {
            counters.push(&self.data_bytes);
        }
        Ok(Box::new(CountedReader { inner: self.inner.open(name)?, counters }))
    }
}

#[test]
fn one_exhibit_is_listed_or_taken_out_without_reading_the_others() {
    let bench = bench();
    for place in 0..50 {
        bench.file(&format!("many/{place:02}"), &vec![place; 200_000]);
    }
    let each = |request: &mut SealRequest<'_>| request.options.each = true;
    let output = Output::AsiceFile(bench.path("PK.asice"));
    bench.seal_with(&bench.office.officer, &[bench.path("many")], output, each).expect("seals");
    let zip = ZipSource::open(&bench.path("PK.asice")).expect("opens");
    let counted = Counted { inner: &zip, data_bytes: AtomicU64::new(0), all_bytes: AtomicU64::new(0) };

    let verdict = look_from(&counted, &bench.options_with_identity(), Findings::default(), &mut NoProgress);
    assert_verified(&verdict);
    assert!(verdict.to_string().contains("contents: 0 of 50 exhibits checked"), "{verdict}");
    let Some(Verified::Package(package)) = verdict.verified() else { panic!("a package") };
    assert_eq!(package.exhibits().len(), 50);
    assert!(!package.contents_checked());
    assert_eq!(counted.data_bytes.load(Ordering::Relaxed), 0);
    let required = VerifyOptions { require: [Requirement::Contents].into(), ..bench.options_with_identity() };
    assert!(!look(&bench.path("PK.asice"), &required, &mut NoProgress).is_verified());

    let mut progress = NoProgress;
    let request = OpenRequest {
        path: bench.path("PK.asice"),
        verify: bench.options_with_identity(),
        output: bench.path("out"),
        options: OpenOptions { exhibits: vec![number(7)], ..Default::default() },
        progress: &mut progress,
    };
    let report = open_from(&counted, request, Findings::default()).expect("opens");
    assert_eq!(fs::read(bench.path("out/EX-0007/06")).expect("reads"), vec![6; 200_000]);
    assert!(report.verdict.to_string().contains("contents: 1 of 50 exhibits checked"), "{}", report.verdict);
    assert_eq!((report.exhibits.len(), report.not_chosen), (1, 49));
    let sealed = zip.objects().into_iter().find(|object| object.name == "data/EX-0007.age").expect("there");
    let read = counted.data_bytes.load(Ordering::Relaxed);
    // Its header is looked at beforehand, through a buffer of 8 KiB.
    assert!((sealed.size_bytes..=sealed.size_bytes + 8192).contains(&read), "{read} bytes were read");
    let all = counted.all_bytes.load(Ordering::Relaxed);
    assert!(all < sealed.size_bytes + 300_000, "{all} bytes were read");
    let verdict = check(&bench.path("out"), &bench.options());
    assert_verified(&verdict);
    assert!(verdict.to_string().contains("1 of 50 exhibits checked; 49 not opened: not chosen"), "{verdict}");

    let error = bench.open_with(
        &bench.path("PK.asice"),
        "other",
        OpenOptions { exhibits: vec![number(51)], ..Default::default() },
    );
    assert!(matches!(error, Err(OpenError::NoSuchExhibit { count: 50, .. })), "{error:?}");
}

#[test]
fn a_chosen_exhibit_that_was_changed_is_refused_and_another_is_not_looked_at() {
    let bench = bench();
    let paths = [bench.file("a", &[1; 1_000]), bench.file("b", &[2; 1_000])];
    bench.seal(&paths, Output::Folder(bench.path("PK"))).expect("seals");
    let exhibit = bench.path("PK/data/EX-0002.age");
    let mut bytes = fs::read(&exhibit).expect("reads");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&exhibit, bytes).expect("writes");
    let chosen = |value| OpenOptions { exhibits: vec![number(value)], ..Default::default() };
    let error = bench.open_with(&bench.path("PK"), "two", chosen(2)).expect_err("changed");
    assert!(matches!(error, OpenError::NotVerified(_)));
    assert!(!bench.path("two").exists());
    assert!(bench.open_with(&bench.path("PK"), "one", chosen(1)).is_ok());
    assert!(FolderSource::open(&bench.path("PK")).is_ok());
}

/// Tells whether anything began to move.
#[derive(Default)]
struct Moved(bool);

impl Progress for Moved {
    fn begin(&mut self, _: Step, _: Option<u64>) {
        self.0 = true;
    }
    fn advance(&mut self, _: u64) {
        self.0 = true;
    }
}

#[test]
fn what_will_not_fit_is_told_before_the_first_byte() {
    let bench = bench();
    let file = bench.file("a", &[1; 100_000]);
    // A sparse file that no disk can take whole.
    let huge = bench.path("huge");
    let free = free_bytes(&huge).expect("known");
    fs::File::create(&huge).and_then(|file| file.set_len(free * 2)).expect("a sparse file");
    let mut moved = Moved::default();
    let error = {
        let mut request = SealRequest {
            paths: vec![file.clone(), huge],
            recipients: vec![SealRecipient::bare(bench.recipient.clone())],
            recovery: SealRecovery::NoOfficeConfigured,
            order: None,
            reference: None,
            institution: None,
            signer: &bench.office.officer,
            function: None,
            now: now(),
            entropy: &bench.entropy,
            output: Output::Folder(bench.path("PK")),
            options: SealOptions::default(),
            progress: &mut moved,
        };
        request.options.store_holes = true;
        request.options.takers =
            vec![SizeLimit { of: "gb/central-authority".to_owned(), package_bytes: 90_000 }];
        seal(request).expect_err("it does not fit")
    };
    let text = rogatory_core::chain(&error);
    assert!(text.contains("gb/central-authority takes at most 90000"), "{text}");
    assert!(text.contains("are free on its disk"), "{text}");
    assert!(!moved.0 && !bench.path("PK").exists() && crate::leftovers(&bench.path("PK")).is_empty());
}
