//! `cargo xtask test`: what continuous integration runs, step by step, each with its time.

mod install;
mod licences;

use crate::workspace::{Stopwatch, cargo, root, target};
use crate::{bench, demo, say};
use anyhow::{Context as _, bail};
use install::Tools;
use std::process::Command;

/// What copies, damages or searches the file of SQLite behind a server's back; it runs on SQLite alone.
const ON_A_FILE: [&str; 13] = [
    "attacks::claims::a_restored_backup",
    "fsck::",
    "erasure::after_an_erasure",
    "erasure::one_person_alone",
    "erasure::what_a_crash_leaves",
    "erasure::what_is_gone",
    "health::what_endangers_a_promise",
    "time_stamps::all_that_ages_out",
    "time_stamps::without_an_authority",
    "witness::a_clock_that_was_ahead",
    "witness::a_counterpart_that_never_answers",
    "witness::a_promise_that_is_not_kept",
    "witness::a_witness_that_refused_falsely",
];

/// Runs every check; stops at the first that fails.
///
/// # Errors
/// Names the step.
pub(crate) fn run() -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let tools = step("what the tests need", || install::run(&target()?))?;
    step("format", || checked(cargo().args(["fmt", "--all", "--check"])))?;
    step("lints", || {
        checked(cargo().args(["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("licences and bans", licences::run)?;
    step("arrows", || {
        checked(cargo().args([
            "test",
            "--locked",
            "--quiet",
            "--package",
            "rogatory-xtask",
            "--test",
            "arrows",
        ]))
    })?;
    step("wire files", || wire_files(&tools))?;
    step("tests", || {
        checked(tools.lend(cargo().args(["test", "--locked", "--workspace", "--no-fail-fast"])))
    })?;
    step("tests on PostgreSQL", || {
        let tests = ["--package", "rogatory-tests", "--test", "pairs", "--test", "scenarios"];
        let mut command = cargo();
        command.args(["test", "--locked"]).args(tests).args(["--no-fail-fast", "--"]);
        command.args(ON_A_FILE.iter().flat_map(|test| ["--skip", test]));
        checked(tools.lend(command.env("ROGATORY_DATABASE", "postgres")))
    })?;
    step("demonstration", || demo::run(&demo::Options::default()))?;
    step("benchmarks, tiny", || {
        bench::run(&bench::Options { scale: bench::Scale::Smoke, ..bench::Options::default() })
    })?;
    say::line(&format!("\nAll steps passed in {}.", watch.words()));
    Ok(())
}

fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    say::heading(name);
    let watch = Stopwatch::start();
    let done = work().with_context(|| format!("step `{name}`"))?;
    say::line(&format!("── {name}: passed in {}", watch.words()));
    Ok(done)
}

/// Runs a command, its output on the terminal, and insists that it ends well.
///
/// # Errors
/// Names the command.
fn checked(command: &mut Command) -> anyhow::Result<()> {
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = words.join(" ");
    say::line(&format!("$ {line}"));
    let status = command.status().with_context(|| format!("`{line}` did not start"))?;
    if !status.success() {
        bail!("`{line}` failed, {status}");
    }
    Ok(())
}

fn wire_files(tools: &Tools) -> anyhow::Result<()> {
    checked(Command::new(&tools.buf).arg("lint").current_dir(root().join("proto")))
}
