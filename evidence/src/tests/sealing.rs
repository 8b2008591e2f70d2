//! Sealing many exhibits at once, and what a failure in the middle leaves.

use super::*;
use crate::open::{OpenOptions, OpenRequest, open};
use crate::source::{FolderSource, PackageSource as _, ZipSource, object_list};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;

/// The content of file `number`: mostly small, every fiftieth too large to be sealed beside others.
fn content(number: usize) -> Vec<u8> {
    let length = match number {
        7 => 0,
        100 => 256 * 1024,
        101 => 256 * 1024 + 1,
        _ if number % 50 == 49 => 700_000 + number,
        _ => number * 37,
    };
    (0..length).map(|place| u8::try_from((place * 31 + number) % 251).unwrap_or(0)).collect()
}

fn many(bench: &Bench) {
    for number in 0..200 {
        bench.file(&format!("top/{:02}/{number:03}", number / 20), &content(number));
    }
}

fn outputs(bench: &Bench) -> [Output; 2] {
    [Output::Folder(bench.path("PK")), Output::AsiceFile(bench.path("PK.asice"))]
}

#[test]
fn many_small_exhibits_and_large_ones_among_them_keep_their_order() {
    let bench = bench();
    many(&bench);
    bench.file("folder/inner", b"in a tar");
    for output in outputs(&bench) {
        let path = output.path().to_owned();
        let paths = [bench.path("top"), bench.path("top/03/064"), bench.path("top/03/065")];
        let report = bench
            .seal_with(&bench.office.officer, &paths, output, |request| request.options.each = true)
            .expect("seals");
        assert_eq!(report.exhibits.len(), 202);
        for (position, exhibit) in report.exhibits.iter().enumerate().take(200) {
            assert_eq!(exhibit.number.index(), position);
            let content = content(position);
            assert_eq!(exhibit.size_bytes, content.len() as u64);
            assert_eq!(exhibit.sha256, rogatory_core::Digest::of(&content));
        }
        let listed = if path.is_dir() {
            object_list(&FolderSource::open(&path).expect("opens"), &mut NoProgress)
        } else {
            object_list(&ZipSource::open(&path).expect("opens"), &mut NoProgress)
        };
        assert_eq!(listed.expect("hashes"), report.objects);
        assert_verified(&check(&path, &bench.options_with_identity()));
        let opened = bench.path("out");
        let mut progress = NoProgress;
        open(OpenRequest {
            path,
            verify: bench.options_with_identity(),
            output: opened.clone(),
            options: OpenOptions::default(),
            progress: &mut progress,
        })
        .expect("opens");
        for number in 0..200 {
            let file = opened.join(format!("EX-{:04}/{number:03}", number + 1));
            assert!(fs::read(file).expect("reads") == content(number), "{number}");
        }
        fs::remove_dir_all(opened).expect("removes");
    }
}

/// Is told how much was read, and does something at a moment.
struct At<F> {
    bytes: u64,
    act: Option<F>,
}

impl<F: FnOnce() + Send> crate::Progress for At<F> {
    fn begin(&mut self, _: crate::Step, _: Option<u64>) {}

    fn advance(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if self.bytes == 0
            && let Some(act) = self.act.take()
        {
            act();
        }
    }
}

#[test]
fn what_vanishes_in_the_middle_is_named_and_nothing_is_left() {
    let bench = bench();
    for output in outputs(&bench) {
        many(&bench);
        // Beyond what is looked at before its turn.
        let doomed = bench.path("top/09/190");
        let mut progress = At { bytes: 100_000, act: Some(|| fs::remove_file(&doomed).expect("removes")) };
        let request = SealRequest {
            paths: vec![bench.path("top")],
            recipients: vec![SealRecipient::bare(bench.recipient.clone())],
            recovery: SealRecovery::NoOfficeConfigured,
            order: None,
            reference: None,
            institution: None,
            signer: &bench.office.officer,
            function: None,
            now: now(),
            entropy: &bench.entropy,
            output,
            options: SealOptions { each: true, ..SealOptions::default() },
            progress: &mut progress,
        };
        let error = seal(request).expect_err("it vanished");
        let text = rogatory_core::chain(&error);
        assert!(text.contains("top/09/190") && text.contains("vanished"), "{text}");
        let left: Vec<_> = fs::read_dir(bench.folder.path()).expect("lists").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}

#[test]
fn a_panic_in_the_middle_leaves_nothing() {
    let bench = bench();
    many(&bench);
    for output in outputs(&bench) {
        let mut progress = At { bytes: 2_000_000, act: Some(|| panic!("on the way")) };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            seal(SealRequest {
                paths: vec![bench.path("top")],
                recipients: vec![SealRecipient::bare(bench.recipient.clone())],
                recovery: SealRecovery::NoOfficeConfigured,
                order: None,
                reference: None,
                institution: None,
                signer: &bench.office.officer,
                function: None,
                now: now(),
                entropy: &bench.entropy,
                output,
                options: SealOptions { each: true, ..SealOptions::default() },
                progress: &mut progress,
            })
            .map(|_| ())
        }));
        assert!(caught.is_err());
        assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 1);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_no_thread_hangs() {
    use crate::age_layer::Sealing;
    use crate::streams::copy_buffered;
    let bench = bench();
    let recipients = [bench.recipient.clone()];
    let mut sealing =
        Sealing::new(&recipients, 50_000_000, std::io::repeat(7).take(50_000_000), 4).expect("seals");
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").expect("opens");
    let error = copy_buffered(&mut sealing, &mut full).expect_err("no space");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn no_two_age_files_of_two_seals_share_their_beginning() {
    let bench = bench();
    for number in 0..40 {
        bench.file(&format!("top/{number:02}"), b"the same content everywhere");
    }
    let large = bench.file("large", &[7; 900_000]);
    let mut beginnings = BTreeSet::new();
    let mut count = 0;
    for output in ["first", "second"] {
        let paths = [bench.path("top"), large.clone()];
        let output = bench.path(output);
        bench
            .seal_with(&bench.office.officer, &paths, Output::Folder(output.clone()), |request| {
                request.options.each = true;
            })
            .expect("seals");
        let source = FolderSource::open(&output).expect("opens");
        for object in source.objects().iter().filter(|object| object.name.ends_with(".age")) {
            let mut sealed = Vec::new();
            source.open(&object.name).expect("opens").read_to_end(&mut sealed).expect("reads");
            let end = sealed.windows(4).position(|four| four == b"\n---").expect("a header");
            let payload = sealed.iter().skip(end + 1).position(|byte| *byte == b'\n').expect("a MAC");
            let payload = end + 2 + payload;
            // The wrapped file key, and the salt with the first bytes under the payload key.
            assert!(beginnings.insert(sealed[..end].to_vec()));
            assert!(beginnings.insert(sealed[payload..payload + 16].to_vec()));
            assert!(beginnings.insert(sealed[payload + 16..payload + 43].to_vec()));
            count += 1;
        }
    }
    assert_eq!(count, 2 * 42);
}
