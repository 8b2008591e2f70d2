//! Installs what the tests need and this machine lacks; says plainly what it does.
//!
//! System tools come from the distribution (Debian and its kin); a Python environment, one program and a few modules
//! from npm go below the target folder. Nothing is installed twice, nothing outside these.

use super::checked;
use crate::say;
use crate::workspace::root;
use anyhow::{Context as _, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A system package, and a command that works only if it is there.
const SYSTEM: &[(&str, &[&str])] = &[
    ("age", &["age", "--version"]),
    ("openssl", &["openssl", "version"]),
    ("unzip", &["unzip", "-v"]),
    ("zip", &["zip", "-v"]),
    ("p7zip-full", &["7z", "i"]),
    ("default-jdk-headless", &["javac", "-version"]),
    ("python3-venv", &["python3", "-c", "import ensurepip, venv"]),
    ("poppler-utils", &["pdftotext", "-v"]),
    ("qpdf", &["qpdf", "--version"]),
    ("npm", &["npm", "--version"]),
    ("strace", &["strace", "--version"]),
    // Tests start servers of their own from it; the distribution's stays as it is.
    ("postgresql", &["sh", "-c", "\"$(pg_config --bindir)\"/postgres --version"]),
];
/// Python packages: bags, the wire from its files alone, certificates as others read them, CASE graphs as its community judges them,
/// custody logs and cosignatures as others verify them.
const PYTHON: &[&str] = &[
    "bagit==1.9.0",
    "grpcio==1.85.1",
    "grpcio-tools==1.85.1",
    "cryptography==50.0.2",
    "case-utils==0.18.0",
    "pyhanko==0.38.0",
    "tlog-scales==0.0.3",
];
/// The linter of the wire files.
const BUF: &str = "@bufbuild/buf@1.75.0";

/// Where the tools that are not the system's are.
pub(super) struct Tools {
    /// The folder of both.
    pub(super) folder: PathBuf,
    /// The Python that has [`PYTHON`].
    pub(super) python: PathBuf,
    /// The linter.
    pub(super) buf: PathBuf,
}

impl Tools {
    /// Tells a command's tests where the tools are: `ROGATORY_TOOLS` (the folder), `ROGATORY_PYTHON` (the interpreter).
    pub(super) fn lend<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("ROGATORY_TOOLS", &self.folder).env("ROGATORY_PYTHON", &self.python)
    }
}

/// Installs what is missing.
///
/// # Errors
/// Names what could not be installed, and the command a person with the right to may type.
pub(super) fn run(target: &Path) -> anyhow::Result<Tools> {
    system()?;
    let folder = target.join("tools");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let python = python(&folder)?;
    let buf = buf(&folder)?;
    modules(&folder)?;
    Ok(Tools { folder, python, buf })
}

fn system() -> anyhow::Result<()> {
    let missing: Vec<&str> =
        SYSTEM.iter().filter(|(_, probe)| !works(probe)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        say::line("The system has all it needs.");
        return Ok(());
    }
    let by_hand = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    say::line(&format!("This system lacks: {}.", missing.join(", ")));
    ensure!(
        works(&["apt-get", "--version"]),
        "this is no Debian system; install what gives: {}",
        missing.join(", ")
    );
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let prefix: &[&str] = if root {
        &[]
    } else if works(&["sudo", "-n", "true"]) {
        &["sudo", "-n"]
    } else {
        bail!("installing needs root; run `{by_hand}` as root and try again");
    };
    let apt = |words: &[&str]| {
        let all = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], words].concat();
        let (program, arguments) = all.split_first().context("an empty command")?;
        checked(Command::new(program).args(arguments).stdin(Stdio::null()))
    };
    // A fresh machine has no package lists; where the lists can't be renewed the old ones may still serve.
    if let Err(error) = apt(&["update", "--quiet"]) {
        say::line(&format!("{error:#}; going on with the package lists as they are"));
    }
    apt(&[&["install", "--yes", "--no-install-recommends"], missing.as_slice()].concat())
        .with_context(|| format!("could not install; `{by_hand}` by hand may say more"))?;
    for (package, probe) in SYSTEM {
        ensure!(works(probe), "`{}` does not work although {package} is installed", probe.join(" "));
    }
    Ok(())
}

fn works(probe: &[&str]) -> bool {
    let Some((program, arguments)) = probe.split_first() else { return false };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn python(folder: &Path) -> anyhow::Result<PathBuf> {
    let home = folder.join("python");
    let python = home.join("bin/python");
    once(&home, &PYTHON.join("\n"), || {
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("cannot remove `{}`", home.display()))?;
        }
        checked(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        checked(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(PYTHON),
        )
    })?;
    Ok(python)
}

fn buf(folder: &Path) -> anyhow::Result<PathBuf> {
    let home = folder.join("node");
    once(&home, BUF, || {
        fs::create_dir_all(&home).with_context(|| format!("cannot make `{}`", home.display()))?;
        let quiet = ["--no-audit", "--no-fund", "--no-save"].map(OsStr::new);
        checked(Command::new("npm").arg("install").args(quiet).arg("--prefix").arg(&home).arg(BUF))
    })?;
    Ok(home.join("node_modules/.bin/buf"))
}

/// The modules that `tests/stock/node` names, exactly as its lock file says; they run no script of theirs.
fn modules(folder: &Path) -> anyhow::Result<()> {
    let (home, own) = (folder.join("modules"), root().join("tests/stock/node"));
    let locked = |at: &Path| fs::read_to_string(at.join("package-lock.json"));
    let note = home.join("installed");
    let wanted = locked(&own).with_context(|| format!("cannot read the lock file in `{}`", own.display()))?;
    if fs::read_to_string(&note).is_ok_and(|noted| noted == wanted) {
        say::line("Already there: the modules of tests/stock/node.");
        return Ok(());
    }
    fs::create_dir_all(&home).with_context(|| format!("cannot make `{}`", home.display()))?;
    for name in ["package.json", "package-lock.json"] {
        let (from, to) = (own.join(name), home.join(name));
        fs::copy(&from, &to).with_context(|| format!("cannot copy `{}`", from.display()))?;
    }
    let quiet = ["--no-audit", "--no-fund", "--ignore-scripts"].map(OsStr::new);
    checked(Command::new("npm").arg("ci").args(quiet).arg("--prefix").arg(&home))?;
    fs::write(&note, wanted).with_context(|| format!("cannot write `{}`", note.display()))
}

/// Does `work` unless a note in `home` says that it was done for the same `contents`.
fn once(home: &Path, contents: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let note = home.join("installed");
    if fs::read_to_string(&note).is_ok_and(|noted| noted == contents) {
        say::line(&format!("Already there: {}.", contents.replace('\n', ", ")));
        return Ok(());
    }
    work()?;
    fs::write(&note, contents).with_context(|| format!("cannot write `{}`", note.display()))
}
