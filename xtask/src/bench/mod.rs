//! `cargo xtask bench`: builds optimised programs, runs the benchmarks of `tests/bench` one after another, prints a
//! table and writes JSON.
//!
//! What is measured, and how, is theirs; here it is only called, gathered and shown. See `docs/benchmarks.md`.

mod table;

use crate::workspace::Stopwatch;
use crate::{say, workspace};
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every benchmark, in the order in which they run.
pub(crate) const NAMES: &[&str] = &[
    "startup",
    "exchange",
    "custody",
    "seal",
    "open",
    "many-files",
    "transfer",
    "end-to-end",
    "resume",
    "bundle",
    "memory",
];
/// Names that stand for several: whatever moves evidence, and how much memory that takes.
const GROUPS: &[(&str, &[&str])] =
    &[("evidence", &["seal", "open", "many-files", "transfer", "end-to-end", "resume", "bundle", "memory"])];
/// The version of the JSON, here and of each benchmark's answer.
const FORMAT: u64 = 1;

/// What the caller chose.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) scale: Scale,
    pub(crate) json: Option<PathBuf>,
    pub(crate) directory: Option<PathBuf>,
    /// Whether benchmarks that can also say where the time goes.
    pub(crate) profile: bool,
}

/// How large the benchmarks are.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Tiny, with unoptimised programs: shows that all still run.
    Smoke,
    #[default]
    Usual,
    /// Everything the design names.
    Full,
}

/// Runs the benchmarks.
///
/// # Errors
/// Names what could not be measured. A promise that is not kept is no error: the table says so.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let names: Vec<&str> = match options.name.as_deref() {
        None => NAMES.to_vec(),
        Some(name) => known(name)?,
    };
    let target = workspace::target()?;
    let smoke = options.scale == Scale::Smoke;
    let programs = target.join(if smoke { "debug" } else { "release" });
    let work = options.directory.clone().unwrap_or_else(|| target.join("bench"));
    let file = options.json.clone().unwrap_or_else(|| target.join("bench.json"));
    build(smoke)?;
    fs::create_dir_all(&work).with_context(|| format!("cannot make `{}`", work.display()))?;
    let (mut parts, mut missing) = (Vec::new(), Vec::new());
    for name in names {
        say::heading(name);
        match measure(name, options, &programs, &work) {
            Ok(part) => {
                table::show(&part);
                missing.extend(unmeasured(name, &part));
                parts.push(part);
            }
            Err(error) => {
                say::error(&format!("{name}: {error:#}"));
                missing.push(name.to_owned());
            }
        }
    }
    let scale = match options.scale {
        Scale::Smoke => "smoke",
        Scale::Usual => "usual",
        Scale::Full => "full",
    };
    let all = json!({ "format": FORMAT, "scale": scale, "benchmarks": parts, "unmeasured": missing });
    fs::write(&file, serde_json::to_string_pretty(&all)? + "\n")
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    say::line(&format!("\nWritten to {}; it took {}.", file.display(), watch.words()));
    if smoke {
        say::line("A smoke run of unoptimised programs: its figures say nothing of speed.");
    }
    ensure!(missing.is_empty(), "not measured: {}", missing.join(", "));
    Ok(())
}

/// The benchmark of this name, or those of a group.
///
/// # Errors
/// Lists those there are.
pub(crate) fn known(name: &str) -> anyhow::Result<Vec<&'static str>> {
    if let Some((_, members)) = GROUPS.iter().find(|(group, _)| *group == name) {
        return Ok(members.to_vec());
    }
    let known = NAMES.iter().copied().find(|known| *known == name).map(|known| vec![known]);
    known.with_context(|| {
        let groups: Vec<&str> = GROUPS.iter().map(|(group, _)| *group).collect();
        format!("there is no benchmark `{name}`; there are: {}, {}", NAMES.join(", "), groups.join(", "))
    })
}

fn build(smoke: bool) -> anyhow::Result<()> {
    let mut command = workspace::cargo();
    command.args(["build", "--locked", "--bins"]);
    command.args([
        "--package",
        "rogatory-client",
        "--package",
        "rogatory-server",
        "--package",
        "rogatory-bench",
    ]);
    if !smoke {
        command.arg("--release");
        say::line("Building optimised programs; the first time takes about ten minutes on two cores.");
    }
    let status = command.status().context("`cargo build` did not start")?;
    if !status.success() {
        bail!("`cargo build` failed");
    }
    Ok(())
}

/// Runs one benchmark; its answer, if it has the form expected.
fn measure(name: &str, options: &Options, programs: &Path, work: &Path) -> anyhow::Result<Value> {
    let mut command = Command::new(programs.join("rogatory-bench"));
    command.arg(name).arg("--programs").arg(programs).arg("--directory").arg(work);
    if options.profile {
        command.arg("--profile");
    }
    match options.scale {
        Scale::Smoke => command.arg("--smoke"),
        Scale::Usual => &mut command,
        Scale::Full => command.arg("--full"),
    };
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("the benchmark `{name}` did not start"))?;
    if !output.status.success() {
        bail!("the benchmark broke off, {}; its folder is `{}`", output.status, work.join(name).display());
    }
    let part: Value =
        serde_json::from_slice(&output.stdout).context("the benchmark did not answer in JSON")?;
    check(name, &part)?;
    Ok(part)
}

/// That an answer has the form expected, names this benchmark, and says something.
fn check(name: &str, part: &Value) -> anyhow::Result<()> {
    ensure!(part["format"] == FORMAT, "its answer has format {}, not {FORMAT}", part["format"]);
    ensure!(part["benchmark"] == name, "its answer is that of {}", part["benchmark"]);
    let lines = part["lines"].as_array().context("its answer has no lines")?;
    ensure!(!lines.is_empty(), "its answer has no line");
    for line in lines {
        let measure = line["measure"].as_str().context("a line names no measure")?;
        // What is no number (0/0) is written as null.
        ensure!(line["value"].is_number(), "`{measure}` has no value");
    }
    Ok(())
}

fn unmeasured(name: &str, part: &Value) -> Vec<String> {
    let list = part["unmeasured"].as_array().into_iter().flatten();
    list.filter_map(|one| Some(format!("{name}: {}", one["measure"].as_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_say_something() {
        let line = json!({"measure": "m", "value": 1.0});
        let good = json!({"format": 1, "benchmark": "seal", "lines": [line], "unmeasured": []});
        check("seal", &good).expect("sound");
        assert!(check("custody", &good).is_err());
        for (key, value) in [
            ("format", json!(2)),
            ("lines", json!([])),
            ("lines", json!([{"measure": "m", "value": null}])),
            ("lines", json!([{"value": 1.0}])),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert!(check("seal", &bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let part = json!({"unmeasured": [{"measure": "syncs", "why": "no strace"}]});
        assert_eq!(unmeasured("exchange", &part), ["exchange: syncs"]);
        assert!(known("sael").expect_err("a slip").to_string().contains("seal"));
        assert_eq!(known("open").expect("a name"), ["open"]);
        let group = known("evidence").expect("a group");
        assert!(group.len() > 1 && group.iter().all(|member| NAMES.contains(member)));
    }
}
