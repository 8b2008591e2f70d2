//! The real programs, built once for each test process.
//!
//! Cargo names a program only to the tests of its own package, so it is asked to build both here and
//! to say where they are; if they are up to date that takes a moment. May start cargo and the programs.

use crate::tools::{Ended, project, run};
use serde_json::Value;
use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

struct Programs {
    client: PathBuf,
    server: PathBuf,
}

/// A build that failed is not tried again for every test.
static PROGRAMS: OnceLock<Result<Programs, String>> = OnceLock::new();

/// The path of `rogatory`.
pub fn client() -> &'static Path {
    &programs().client
}

/// The path of `rogatory-server`.
pub fn server() -> &'static Path {
    &programs().server
}

#[track_caller]
fn programs() -> &'static Programs {
    PROGRAMS.get_or_init(build).as_ref().unwrap_or_else(|why| panic!("{why}"))
}

/// Runs `rogatory` in `folder`.
#[track_caller]
pub fn rogatory<A: AsRef<OsStr> + Debug>(arguments: &[A], folder: &Path) -> Ended {
    run(client(), arguments, folder)
}

/// Builds with the words of the demonstration, so that neither makes the other build anew.
fn build() -> Result<Programs, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.args(["build", "--package", "rogatory-client", "--package", "rogatory-server", "--bins"]);
    command.args(["--message-format", "json-render-diagnostics", "--profile", &profile()]);
    command.current_dir(project()).stdin(Stdio::null()).stderr(Stdio::inherit());
    for (name, _) in std::env::vars_os() {
        // What cargo set for this package is not meant for those.
        let of_this_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if name.to_str().is_some_and(|name| of_this_package.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(
            "`cargo build` of the programs failed; its words stand above the first failed test".to_owned()
        );
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let executable = |name: &str| {
        messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == name)
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or_else(|| format!("cargo does not say where `{name}` is"))
    };
    Ok(Programs { client: executable("rogatory")?, server: executable("rogatory-server")? })
}

/// The profile this test was built with, from its own place: `target/<profile>/deps/<test>`.
fn profile() -> String {
    let here = std::env::current_exe().unwrap_or_default();
    let folder = here.parent().and_then(Path::parent).and_then(Path::file_name).and_then(OsStr::to_str);
    match folder {
        None | Some("debug") => "dev".to_owned(),
        Some(other) => other.to_owned(),
    }
}
