//! Sources that are not what they seemed: each has a clear error that names it, and nothing is left
//! behind.

use super::*;
use crate::streams::{Progress, Step};
use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

/// Changes something when sealing begins, or once so many bytes have moved.
struct Meanwhile<'a> {
    after: Option<u64>,
    moved: u64,
    change: Option<Box<dyn FnOnce() + Send + 'a>>,
}

impl Progress for Meanwhile<'_> {
    fn begin(&mut self, _: Step, _: Option<u64>) {
        if self.after.is_none()
            && let Some(change) = self.change.take()
        {
            change();
        }
    }

    fn advance(&mut self, bytes: u64) {
        self.moved += bytes;
        if self.after.is_some_and(|after| self.moved >= after)
            && let Some(change) = self.change.take()
        {
            change();
        }
    }
}

/// Seals `paths` while `change` happens; gives the error, after a look at what was left.
fn refused(bench: &Bench, paths: &[PathBuf], after: Option<u64>, change: impl FnOnce() + Send) -> String {
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(bench.folder.path()).expect("lists").map(|e| e.expect("e").file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let mut happened = false;
    let note = || {
        change();
        happened = true;
    };
    let mut meanwhile = Meanwhile { after, moved: 0, change: Some(Box::new(note)) };
    let outcome = seal(SealRequest {
        paths: paths.to_vec(),
        recipients: vec![SealRecipient::bare(bench.recipient.clone())],
        recovery: SealRecovery::NoOfficeConfigured,
        order: None,
        reference: None,
        institution: None,
        signer: &bench.office.officer,
        function: None,
        now: now(),
        entropy: &bench.entropy,
        output: Output::AsiceFile(bench.path("PK.asice")),
        options: SealOptions::default(),
        progress: &mut meanwhile,
    });
    drop(meanwhile);
    let error = match outcome {
        Err(SealError::Source(error)) => rogatory_core::chain(&error),
        other => panic!("{other:?}"),
    };
    assert!(happened, "nothing happened meanwhile: {error}");
    assert_eq!(names(), before, "{error}");
    error
}

fn demand(error: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| error.contains(part)), "{parts:?}: {error}");
}

#[test]
fn what_changes_between_the_look_and_the_reading_is_named() {
    let fifo = |path: &Path| {
        fs::remove_file(path).expect("removes");
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .expect("makes");
    };
    let link = |path: &Path| {
        fs::remove_file(path).expect("removes");
        std::os::unix::fs::symlink("/etc/passwd", path).expect("links");
    };
    let folder = |path: &Path| {
        fs::remove_file(path).expect("removes");
        fs::create_dir(path).expect("makes");
    };
    type Change<'a> = (&'a str, &'a (dyn Fn(&Path) + Sync));
    let changes: [Change<'_>; 4] = [
        ("vanished", &|path| fs::remove_file(path).expect("removes")),
        ("replaced", &fifo),
        ("replaced", &link),
        ("replaced", &folder),
    ];
    for (what, change) in changes {
        // As an exhibit of its own, and in a folder.
        let bench = super::bench();
        let file = bench.file("folder/evidence", b"content");
        demand(&refused(&bench, std::slice::from_ref(&file), None, || change(&file)), &["evidence", what]);
        let bench = super::bench();
        let file = bench.file("folder/evidence", b"content");
        bench.file("folder/other", b"x");
        let error = refused(&bench, &[bench.path("folder")], None, || change(&file));
        // A folder that is plainly another one needs no name of a file.
        // What it has become may be what no folder may hold.
        let named = ["evidence` changed", "evidence` is"].iter().any(|part| error.contains(part));
        assert!(named || error.contains("folder` changed"), "{error}");
    }
    // The room for a folder was measured before.
    let bench = bench();
    let file = bench.file("folder/evidence", b"content");
    for length in [1000, 0] {
        let change = || fs::write(&file, vec![7; length]).expect("writes");
        let error = refused(&bench, &[bench.path("folder")], None, change);
        demand(&error, &["folder` changed", "added, removed or changed"]);
    }
}

#[test]
fn a_file_that_grows_or_shrinks_while_it_is_read_is_named() {
    for (paths_of, length, what) in
        [("folder/log", 80 << 20, "size"), ("folder", 80 << 20, "size"), ("folder/log", 5 << 20, "shorter")]
    {
        let bench = bench();
        let file = bench.file("folder/log", &[]);
        File::options()
            .write(true)
            .open(&file)
            .expect("opens")
            .write_all(&vec![7; 64 << 20])
            .expect("writes");
        let change =
            || File::options().write(true).open(&file).expect("opens").set_len(length).expect("sets");
        let error = refused(&bench, &[bench.path(paths_of)], Some(1 << 20), change);
        demand(&error, &["folder/log", what]);
    }
}

#[test]
fn attributes_that_change_while_a_file_is_read_are_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let bench = bench();
    let file = bench.file("log", &vec![7; 64 << 20]);
    let change = || fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("sets");
    demand(&refused(&bench, std::slice::from_ref(&file), Some(1 << 20), change), &["log", "attributes"]);
}

#[test]
fn pipes_sockets_and_devices_are_refused_before_anything_is_written() {
    let bench = bench();
    let path = bench.file("folder/inner/x", b"");
    fs::remove_file(&path).expect("removes");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .expect("makes");
    for named in [&path, &bench.path("folder"), &PathBuf::from("/dev/null")] {
        let output = Output::AsiceFile(bench.path("PK.asice"));
        let error = bench.seal(std::slice::from_ref(named), output).expect_err("refuses");
        let text = rogatory_core::chain(&error);
        assert!(
            text.contains("neither file") && (text.contains("inner/x") || text.contains("/dev/null")),
            "{text}"
        );
    }
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 1);
}

/// Root reads everything, so the test runs once more as somebody else if it must.
#[test]
fn an_unreadable_file_is_named() {
    const AGAIN: &str = "ROGATORY_TEST_AS_NOBODY";
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").expect("reads")) == 0 {
        use std::os::unix::process::CommandExt;
        let here = std::env::current_exe().expect("a program");
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("tests");
        fs::copy(&here, &copy).expect("copies");
        std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).expect("gives away");
        let run = Command::new(&copy)
            .args(["--exact", "tests::odd_sources::an_unreadable_file_is_named"])
            .env(AGAIN, "1")
            .env("TMPDIR", folder.path())
            .current_dir(folder.path())
            .gid(65534)
            .uid(65534)
            .output()
            .expect("this test needs to run as another user than root");
        let text = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    use std::os::unix::fs::PermissionsExt;
    let bench = bench();
    let file = bench.file("folder/inner/secret", b"x");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("sets");
    for path in [file, bench.path("folder")] {
        let output = Output::AsiceFile(bench.path("PK.asice"));
        let error = bench.seal(std::slice::from_ref(&path), output).expect_err("refuses");
        demand(&rogatory_core::chain(&error), &["inner/secret", "ermission"]);
    }
    fs::set_permissions(bench.path("folder/inner"), fs::Permissions::from_mode(0o000)).expect("sets");
    let error = bench.seal(&[bench.path("folder")], Output::AsiceFile(bench.path("PK.asice")));
    demand(&rogatory_core::chain(&error.expect_err("refuses")), &["folder/inner", "ermission"]);
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 1);
    fs::set_permissions(bench.path("folder/inner"), fs::Permissions::from_mode(0o700)).expect("sets");
}

#[test]
#[ignore = "needs the right to mount"]
fn a_folder_that_leads_to_itself_is_named() {
    let bench = bench();
    fs::create_dir_all(bench.path("folder/deep/again")).expect("makes");
    let (from, to) = (bench.path("folder"), bench.path("folder/deep/again"));
    let mount = Command::new("mount").arg("--bind").args([&from, &to]).status().expect("runs");
    assert!(mount.success());
    let refused = bench.seal(&[from], Output::AsiceFile(bench.path("PK.asice")));
    assert!(Command::new("umount").arg(&to).status().expect("runs").success());
    demand(&rogatory_core::chain(&refused.expect_err("refuses")), &["deep/again", "same folder"]);
}
