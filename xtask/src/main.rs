//! `cargo xtask …`: the project's only scripts.
//!
//! Holds the demonstration and what continuous integration runs. May start programs and write below
//! the target folder. Never links a crate of the product: it uses the commands as everybody does.

mod demo;
mod say;
mod test;
mod workspace;

use anyhow::{Context as _, bail};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask demo [--evidence DIR] [--directory DIR] [--keep] [--release]
       cargo xtask test

demo   builds, starts two authorities and a provider on this machine and plays a request for evidence between
       them, printing every command; the last line is `verified`
         --evidence DIR    send these files instead of demo/evidence
         --directory DIR   work there instead of target/demo; must be empty or an earlier demonstration
         --keep            leave the servers running and say how to use and stop them
         --release         build optimised programs (takes much longer to build)
test   installs what the tests need, then checks format, lints, licences and arrows, runs all tests and the
       demonstration; `.ci/run` calls it
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = match Task::parse(&arguments) {
        Ok(task) => task,
        Err(error) => {
            say::error(&format!("error: {error:#}\n\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let done = match task {
        Task::Help => {
            say::line(USAGE.trim_end());
            Ok(())
        }
        Task::Demo(options) => demo::run(&options),
        Task::Test => test::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

enum Task {
    Help,
    Demo(demo::Options),
    Test,
}

impl Task {
    fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut rest = arguments.iter().map(String::as_str);
        match rest.next() {
            None | Some("help" | "--help" | "-h") => Ok(Self::Help),
            Some("test") => match rest.next() {
                None => Ok(Self::Test),
                Some(other) => bail!("`test` takes no argument `{other}`"),
            },
            Some("demo") => {
                let mut options = demo::Options::default();
                while let Some(argument) = rest.next() {
                    match argument {
                        "--evidence" => options.evidence = Some(folder("--evidence", rest.next())?),
                        "--directory" => options.directory = Some(folder("--directory", rest.next())?),
                        "--keep" => options.keep = true,
                        "--release" => options.release = true,
                        "--help" | "-h" => return Ok(Self::Help),
                        other => bail!("`demo` takes no argument `{other}`"),
                    }
                }
                Ok(Self::Demo(options))
            }
            Some(other) => bail!("there is no task `{other}`"),
        }
    }
}

fn folder(flag: &str, value: Option<&str>) -> anyhow::Result<PathBuf> {
    let value = value.with_context(|| format!("`{flag}` needs a folder"))?;
    std::path::absolute(value).with_context(|| format!("`{value}` is no path"))
}
