//! `rogatory-bench`: one benchmark of the product's programs; prints what it measured as one JSON object.
//!
//! `cargo xtask bench` builds, calls this for each benchmark, and shows the table. May start the product's programs and
//! other people's tools, and write below the folder it is given. Never says how fast something is without the reference
//! from the same run.

mod bundle;
mod custody;
mod desk;
mod end_to_end;
mod exchange;
mod machine;
mod manual;
mod many_files;
mod memory;
mod office;
mod open;
mod process;
mod profile;
mod report;
mod resume;
mod road;
mod roofline;
mod seal;
mod startup;
mod time;
mod transfer;

use anyhow::{Context as _, bail};
use office::{Place, Scale};
use report::Report;
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: rogatory-bench NAME --programs DIR --directory DIR [--smoke|--full] [--profile]";

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        Ok(object) => {
            let written = writeln!(std::io::stdout(), "{object}");
            if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> anyhow::Result<serde_json::Value> {
    let (name, place) = parse(arguments)?;
    office::fresh(&place.work)?;
    machine::demand_disk(&place.work)?;
    let report = measure(&name, &place).await?;
    // What was written is of no further use, and may be large.
    std::fs::remove_dir_all(&place.work)?;
    Ok(json!({
        "format": report::FORMAT,
        "benchmark": name,
        "machine": machine::words(),
        "lines": report.lines,
        "unmeasured": report.unmeasured,
    }))
}

async fn measure(name: &str, place: &Place) -> anyhow::Result<Report> {
    match name {
        "startup" => startup::measure(place),
        "exchange" => exchange::measure(place).await,
        "custody" => custody::measure(place).await,
        "seal" => seal::measure(place),
        "open" => open::measure(place),
        "many-files" => many_files::measure(place),
        "transfer" => transfer::measure(place).await,
        "end-to-end" => end_to_end::measure(place).await,
        "resume" => resume::measure(place).await,
        "bundle" => bundle::measure(place).await,
        "memory" => memory::measure(place).await,
        other => bail!("there is no benchmark `{other}`"),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<(String, Place)> {
    let name = arguments.next().context(USAGE)?;
    let (mut programs, mut directory, mut scale, mut profile) = (None, None, Scale::Usual, false);
    while let Some(argument) = arguments.next() {
        let mut folder = || -> anyhow::Result<PathBuf> {
            let value = arguments.next().with_context(|| format!("`{argument}` needs a folder\n{USAGE}"))?;
            std::path::absolute(&value).with_context(|| format!("`{value}` is no path"))
        };
        match argument.as_str() {
            "--programs" => programs = Some(folder()?),
            "--directory" => directory = Some(folder()?),
            "--smoke" => scale = Scale::Smoke,
            "--full" => scale = Scale::Full,
            "--profile" => profile = true,
            other => bail!("there is no argument `{other}`\n{USAGE}"),
        }
    }
    let programs = programs.context(USAGE)?;
    let work = directory.context(USAGE)?.join(&name);
    Ok((name, Place { programs, work, scale, profile }))
}
