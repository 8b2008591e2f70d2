//! `cargo xtask …`: the project's only scripts.
//!
//! Holds the demonstration, the benchmarks and what continuous integration runs. May start programs and write below
//! the target folder. Never links a crate of the product: it uses the commands as everybody does.

mod bench;
mod demo;
mod fuzz;
mod say;
mod test;
mod workspace;

use anyhow::{Context as _, bail, ensure};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask demo [--evidence DIR] [--each] [--directory DIR] [--keep] [--release]
       cargo xtask test
       cargo xtask bench [NAME] [--smoke | --full] [--profile] [--json FILE] [--directory DIR]
       cargo xtask fuzz [TARGET] [--seconds N | --until-enough]

demo   builds, starts three authorities and a provider on this machine and plays a day of requests between them,
       printing every command; the last line is `verified`
         --evidence DIR    send these files instead of demo/evidence
         --each            make every file an exhibit of its own
         --directory DIR   work there instead of target/demo; must be empty or an earlier demonstration
         --keep            leave the servers running and every copy of the evidence where it lies
         --release         build optimised programs (takes much longer to build)
test   installs what the tests need, then checks format, lints, licences and arrows, runs all tests and the
       demonstration; `.ci/run` calls it
bench  builds optimised programs and measures what the design promises, each beside its reference from the same run;
       NAME is one of startup, exchange, custody, seal, open, many-files, transfer, end-to-end, resume,
       bundle, memory
         --smoke           tiny sizes with unoptimised programs: shows that all still run
         --full            the sizes the design names; half an hour, and tens of gigabytes
         --profile         `exchange` also says where the servers' time goes, as `perf` sees it
         --json FILE       write the figures there instead of target/bench.json
         --directory DIR   work there instead of target/bench; must be on a disk
fuzz   searches with libFuzzer for inputs that break a parser's promise, ten minutes a target; a C++ compiler is needed
         --seconds N       search each target so long
         --until-enough    until 20,000,000 inputs, or 15 minutes of processor time without new coverage
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
        Task::Bench(options) => bench::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
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
    Bench(bench::Options),
    Fuzz(fuzz::Options),
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
                        "--each" => options.each = true,
                        "--keep" => options.keep = true,
                        "--release" => options.release = true,
                        "--help" | "-h" => return Ok(Self::Help),
                        other => bail!("`demo` takes no argument `{other}`"),
                    }
                }
                Ok(Self::Demo(options))
            }
            Some("bench") => {
                let mut options = bench::Options::default();
                while let Some(argument) = rest.next() {
                    match argument {
                        "--smoke" => options.scale = bench::Scale::Smoke,
                        "--full" => options.scale = bench::Scale::Full,
                        "--profile" => options.profile = true,
                        "--json" => options.json = Some(path("--json", "a file", rest.next())?),
                        "--directory" => options.directory = Some(folder("--directory", rest.next())?),
                        "--help" | "-h" => return Ok(Self::Help),
                        name if !name.starts_with('-') && options.name.is_none() => {
                            bench::known(name)?;
                            options.name = Some(name.to_owned());
                        }
                        other => bail!("`bench` takes no argument `{other}`"),
                    }
                }
                Ok(Self::Bench(options))
            }
            Some("fuzz") => {
                let mut options = fuzz::Options::default();
                while let Some(argument) = rest.next() {
                    match argument {
                        "--seconds" => {
                            let value = rest.next().context("`--seconds` needs a number")?;
                            options.seconds = Some(
                                value
                                    .parse()
                                    .with_context(|| format!("`{value}` is no number of seconds"))?,
                            );
                        }
                        "--until-enough" => options.until_enough = true,
                        "--help" | "-h" => return Ok(Self::Help),
                        name if !name.starts_with('-') && options.target.is_none() => {
                            options.target = Some(name.to_owned());
                        }
                        other => bail!("`fuzz` takes no argument `{other}`"),
                    }
                }
                ensure!(
                    options.seconds.is_none() || !options.until_enough,
                    "`--seconds` and `--until-enough` exclude each other"
                );
                Ok(Self::Fuzz(options))
            }
            Some(other) => bail!("there is no task `{other}`"),
        }
    }
}

fn folder(flag: &str, value: Option<&str>) -> anyhow::Result<PathBuf> {
    path(flag, "a folder", value)
}

fn path(flag: &str, what: &str, value: Option<&str>) -> anyhow::Result<PathBuf> {
    let value = value.with_context(|| format!("`{flag}` needs {what}"))?;
    std::path::absolute(value).with_context(|| format!("`{value}` is no path"))
}
