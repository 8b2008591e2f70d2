//! `cargo xtask fuzz`: searches for inputs that break a parser's promise, under libFuzzer.
//!
//! Builds the targets of `tests/fuzz` with coverage counters, works below the target folder, and keeps what it found in
//! `tests/fuzz/corpus`, made as small as the coverage allows. An input that breaks a promise is kept apart and named.

mod enough;

use crate::say;
use crate::workspace::{cargo, root, target};
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler counts which edges and comparisons were taken; libFuzzer looks for new ones.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// The most memory of a target, in mebibytes, and the longest time of one input, in seconds.
const MEMORY: &str = "-rss_limit_mb=1024";
const PATIENCE: &str = "-timeout=20";

/// What to search, and how long.
#[derive(Default)]
pub(crate) struct Options {
    /// One target; none: all of them.
    pub(crate) target: Option<String>,
    /// Seconds for each target; none: ten minutes.
    pub(crate) seconds: Option<u32>,
    /// Whether to go on until a target has been searched enough, however long that takes.
    pub(crate) until_enough: bool,
}

/// The search of one target.
struct Search<'a> {
    program: &'a Path,
    name: &'a str,
    longest: &'a str,
    inputs: PathBuf,
    small: PathBuf,
    broken: PathBuf,
}

impl Search<'_> {
    const fn name(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> anyhow::Result<&str> {
        text(&self.inputs)
    }

    /// The program for this target, with its limits; it lacks what it is to do.
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        let broken = self.broken.display();
        command
            .env("ROGATORY_FUZZ_TARGET", self.name)
            .args(["-print_final_stats=1", MEMORY, PATIENCE])
            .arg(format!("-max_len={}", self.longest))
            .arg(format!("-artifact_prefix={broken}/"));
        command
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<bool> {
        let status = self.command().args(arguments).status();
        Ok(status.context("the fuzz targets did not start")?.success())
    }

    fn broken_promise(&self) -> String {
        let broken = self.broken.display();
        format!("target `{}` breaks its promise; the input lies in `{broken}`", self.name)
    }
}

/// Searches each target in turn.
///
/// # Errors
/// Names the first target whose promise was broken, and the file with the input.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let work = target()?.join("fuzz");
    let tool = ["run", "--quiet", "--package", "rogatory-fuzz", "--bin", "corpus", "--"];
    let corpus = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = cargo().args(tool).args(arguments).output().context("cargo did not start")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let program = build(&work)?;
    let mut known = 0;
    for line in corpus(&["list"])?.lines() {
        let (name, longest) = line.split_once(' ').context("the list of targets has another form")?;
        if options.target.as_deref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        known += 1;
        let [inputs, small, broken] =
            ["inputs", "small", "broken"].map(|folder| work.join(folder).join(name));
        for folder in [&inputs, &small, &broken] {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        let search = Search { program: &program, name, longest, inputs, small, broken };
        corpus(&["unpack", name, search.inputs()?])?;
        say::heading(name);
        if options.until_enough {
            enough::search(&search)?;
        } else {
            let seconds = format!("-max_total_time={}", options.seconds.unwrap_or(600));
            ensure!(search.run(&[&seconds, search.inputs()?])?, search.broken_promise());
        }
        let small = text(&search.small)?;
        ensure!(
            search.run(&["-merge=1", small, search.inputs()?])?,
            "the inputs of `{name}` could not be made small"
        );
        say::line(corpus(&["pack", name, small])?.trim());
    }
    ensure!(known > 0, "there is no such target; `tests/fuzz/src/targets/mod.rs` lists them");
    Ok(())
}

/// Builds the program that runs a target, apart from everything else: its flags are its own.
fn build(work: &Path) -> anyhow::Result<PathBuf> {
    let host = host()?;
    let status = cargo()
        .args(["build", "--release", "--target", &host])
        .current_dir(root().join("tests/fuzz/libfuzzer"))
        .env("CARGO_TARGET_DIR", work.join("build"))
        .env("RUSTFLAGS", COVERAGE)
        .status()
        .context("cargo did not start")?;
    ensure!(status.success(), "the fuzz targets do not build");
    Ok(work.join("build").join(host).join("release/rogatory-fuzz-run"))
}

/// The platform of this machine: named, so that the flags are not those of build scripts.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("`rustc` did not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("`{}` is no text", path.display()))
}
