//! Runs the tools of this machine, and says plainly which one is missing.
//!
//! May start processes. Never takes a missing tool for a passed test.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a process ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: String,
    line: String,
}

impl Ended {
    /// Everything it wrote, as text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.output(), self.stderr)
    }

    /// Standard output as text.
    #[must_use]
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Demands an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(self.code == code, "`{}` ended with {}, not {code}:\n{}", self.line, self.code, self.text());
        self
    }

    /// Demands that it ended well.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Demands that what it wrote holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text), "`{}` does not say `{text}`:\n{}", self.line, self.text());
        self
    }
}

/// Runs a tool in `folder` and waits for its end.
///
/// # Panics
/// If it isn't installed.
#[track_caller]
pub fn run<A: AsRef<OsStr> + Debug>(program: impl AsRef<OsStr>, arguments: &[A], folder: &Path) -> Ended {
    let program = program.as_ref();
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    // A person's profile or configuration must not leak into a test.
    command.env_remove("ROGATORY_PROFILE").env_remove("OPENSSL_CONF").env("LC_ALL", "C.UTF-8");
    let line = format!("{} {arguments:?}", program.to_string_lossy());
    match command.output() {
        Ok(output) => Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            line,
        },
        Err(error) => {
            panic!("`{}` does not start ({error}); `cargo xtask test` installs it", program.to_string_lossy())
        }
    }
}

/// The Python that has `bagit` and `grpcio`: `ROGATORY_PYTHON`, or where `cargo xtask test` puts it.
///
/// # Panics
/// If it isn't there.
#[must_use]
pub fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("ROGATORY_PYTHON") {
        return named.into();
    }
    installed("python/bin/python")
}

/// What `cargo xtask test` installed under this name, below the target folder.
fn installed(name: &str) -> PathBuf {
    let place = Path::new("tools").join(name);
    let here = std::env::current_exe().unwrap_or_default();
    let found = here.ancestors().map(|folder| folder.join(&place)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("there is no `{}` in the target folder; `cargo xtask test` installs it", place.display())
    })
}

/// Runs a script of `tests/stock/node` in `folder`; its first argument is where the modules of the lock file are.
///
/// # Panics
/// If the modules or `node` are not there.
#[track_caller]
pub fn node(script: &str, arguments: &[&str], folder: &Path) -> Ended {
    let modules = std::env::var_os("ROGATORY_TOOLS").map_or_else(
        || installed("modules/node_modules"),
        |tools| PathBuf::from(tools).join("modules/node_modules"),
    );
    let script = own_file("node").join(script);
    run("node", &[&[text(&script), text(&modules)], arguments].concat(), folder)
}

/// A file that belongs to these tests.
#[must_use]
pub fn own_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The root of the project.
#[must_use]
pub fn project() -> PathBuf {
    own_file("../..")
}

/// A path as text, for the argument lists of tools.
///
/// # Panics
/// If it is no text.
#[must_use]
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_else(|| panic!("{} is no text", path.display()))
}
