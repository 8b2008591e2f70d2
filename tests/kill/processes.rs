//! The real programs as processes.

use rogatory_core::Timestamp;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Where `rogatory` and `rogatory-server` are.
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// Builds them in the folder in which this test was built.
    pub(crate) fn build() -> Self {
        let here = std::env::current_exe().expect("this program");
        let folder = here.parent().and_then(Path::parent).expect("the folder of built programs").to_owned();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "-p",
            "rogatory-server",
            "-p",
            "rogatory-client",
            "--bins",
            "--target-dir",
        ]);
        build.arg(folder.parent().expect("the target folder"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo starts").success(), "the programs were not built");
        Self(folder)
    }

    /// A command of the officer whose profile lies in `folder`; its output goes to a file there.
    pub(crate) fn officer(&self, folder: &Path, arguments: &[String]) -> Child {
        let said = File::create(folder.join("said.txt")).expect("a file");
        let mut command = Command::new(self.0.join("rogatory"));
        command.args(arguments).arg("--profile").arg(folder).stdin(Stdio::null());
        command.stdout(said.try_clone().expect("a file")).stderr(said);
        command.spawn().expect("it starts")
    }
}

/// A server that runs; killed when it goes.
pub(crate) struct Server {
    folder: PathBuf,
    child: Child,
}

impl Server {
    /// Starts the server of `folder` and waits until it listens.
    pub(crate) fn start(programs: &Programs, folder: &Path) -> Self {
        let path = folder.join("log.txt");
        let log = File::create(&path).expect("a file");
        let mut command = Command::new(programs.0.join("rogatory-server"));
        command.args(["run", "--directory"]).arg(folder).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file")).stderr(log);
        let mut child = command.spawn().expect("it starts");
        for _ in 0..3000 {
            if fs::read_to_string(&path).is_ok_and(|said| said.contains("listening")) {
                return Self { folder: folder.to_owned(), child };
            }
            let status = child.try_wait().expect("a process of ours");
            let said = fs::read_to_string(&path).unwrap_or_default();
            assert!(status.is_none(), "the server of {} ended: {said}", folder.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server of {} is not ready", folder.display());
    }

    /// As when the machine's memory runs out: no signal that it could answer.
    pub(crate) fn kill_and_restart(&mut self, programs: &Programs) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        let folder = self.folder.clone();
        *self = Self::start(programs, &folder);
    }

    /// What it logged since its last start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program `mortal_server.rs`, which dies at the commit that a test names.
pub(crate) struct MortalServer {
    folder: PathBuf,
    child: Child,
}

impl MortalServer {
    /// Starts it on `folder` and waits until it listens.
    pub(crate) async fn start(folder: &Path) -> Self {
        let path = folder.join("log.txt");
        let log = File::create(&path).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rogatory-mortal-server"));
        command.arg(folder).stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let mut this = Self { folder: folder.to_owned(), child: command.spawn().expect("it starts") };
        for _ in 0..3000 {
            if this.log().contains("listening") {
                return this;
            }
            let status = this.child.try_wait().expect("a process of ours");
            assert!(status.is_none(), "the server of {} ended: {}", folder.display(), this.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server of {} is not ready", folder.display());
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until it was killed by its own hand, with SIGKILL.
    pub(crate) async fn assert_killed(&mut self, at: &str) {
        for _ in 0..3000 {
            if let Some(status) = self.child.try_wait().expect("a process of ours") {
                assert_eq!(status.signal(), Some(9), "{at}: {}", self.log());
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{at}: never passed: {}", self.log());
    }

    /// Kills it, unless it is dead.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default()
    }
}

impl Drop for MortalServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The machine's clock, which the programs read as well.
#[expect(clippy::disallowed_methods, reason = "the programs under test read the machine's clock")]
pub(crate) fn present() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_seconds(i64::try_from(since.as_secs()).expect("a date")).expect("an instant")
}

/// How long something takes on this machine, with what it gives.
#[expect(
    clippy::disallowed_methods,
    reason = "moments to kill at are chosen within what the programs really take"
)]
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let given = act();
    (begun.elapsed(), given)
}

/// A seeded number below `end`.
pub(crate) fn below(seed: &mut u64, end: u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % end.max(1)
}
