//! `cargo xtask demo`: three authorities and a provider on this machine, and a day of requests between them.
//!
//! Says what it needs, builds, plays the story, and answers `verified` only if every step ended as it must.

mod cast;
mod disk;
mod process;
mod story;

use crate::workspace::Stopwatch;
use crate::{say, workspace};
use anyhow::{Context as _, bail, ensure};
use process::{Servers, Shell};
use std::fs;
use std::path::{Path, PathBuf};

/// What the caller chose.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) evidence: Option<PathBuf>,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) each: bool,
    pub(crate) keep: bool,
    pub(crate) release: bool,
}

/// Plays the demonstration.
///
/// # Errors
/// Names the step that ended otherwise than it must.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    let target = workspace::target()?;
    let work = options.directory.clone().unwrap_or_else(|| target.join("demo"));
    let programs = target.join(if options.release { "release" } else { "debug" });
    let evidence = options.evidence.clone().unwrap_or_else(|| workspace::root().join("demo/evidence"));
    let size_bytes = measure(&evidence)?;

    room(options, &work, &target, &programs, size_bytes)?;
    build(options.release)?;
    process::fresh(&work)?;

    let shell = Shell { work: work.clone(), programs: programs.clone() };
    let mut servers = Servers::new(options.keep);
    let played = stage_evidence(options, &evidence, &work).and_then(|evidence| {
        story::play(
            &shell,
            &mut servers,
            &cast::CAST,
            &story::Evidence { paths: &evidence, each: options.each, keep: options.keep },
        )
    });
    if let Err(error) = played {
        say::error("");
        for log in servers.logs() {
            say::error(&format!("log: {}", log.display()));
        }
        if options.keep {
            kept(&work, &programs, &servers)?;
        }
        return Err(error);
    }
    if options.keep {
        kept(&work, &programs, &servers)?;
    } else {
        servers.stop()?;
        say::line(&format!(
            "\nThe servers have stopped. Papers, records and the received package are in {}.",
            work.display()
        ));
    }
    say::line(&format!("The demonstration took {}.", watch.words()));
    say::line("verified");
    Ok(())
}

fn measure(evidence: &Path) -> anyhow::Result<u64> {
    ensure!(evidence.is_dir(), "`{}` is no folder", evidence.display());
    let tree = disk::tree(evidence)?;
    ensure!(tree.len() > 1, "`{}` is empty: there is no evidence to send", evidence.display());
    Ok(disk::size(&tree))
}

/// Says what is needed and refuses to begin what can't end.
fn room(
    options: &Options,
    work: &Path,
    target: &Path,
    programs: &Path,
    evidence_bytes: u64,
) -> anyhow::Result<()> {
    let first_build = !programs.join("rogatory").is_file() || !programs.join("rogatory-server").is_file();
    let needed = disk::needed(evidence_bytes, options.keep);
    say::line(&format!(
        "Disk: {} for {} of evidence ({} copies at once, of: sealed, in three vaults, received, opened, unzipped, damaged on \
         purpose).",
        say::size(needed),
        say::size(evidence_bytes),
        disk::copies(options.keep)
    ));
    let free = disk::free(work)?;
    ensure!(
        free >= needed,
        "`{}` has {} left; choose another place with --directory",
        work.display(),
        say::size(free)
    );
    if first_build {
        say::line(&format!(
            "The first build takes about seven minutes on two cores, and {} in the target folder.",
            say::size(disk::BUILD_BYTES)
        ));
        let free = disk::free(target)?;
        ensure!(
            free >= disk::BUILD_BYTES.saturating_add(needed),
            "`{}` has {} left, and building needs {}",
            target.display(),
            say::size(free),
            say::size(disk::BUILD_BYTES)
        );
    }
    Ok(())
}

fn build(release: bool) -> anyhow::Result<()> {
    let mut command = workspace::cargo();
    command.args(["build", "--package", "rogatory-client", "--package", "rogatory-server", "--bins"]);
    if release {
        command.arg("--release");
    }
    let line: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    say::line(&format!("\n$ cargo {}", line.join(" ")));
    let watch = Stopwatch::start();
    let status = command.status().context("`cargo build` did not start")?;
    if !status.success() {
        bail!("`cargo build` failed");
    }
    say::line(&format!("    built in {}", watch.words()));
    Ok(())
}

/// The evidence as the commands name it. The project's own is copied, since an empty folder, which belongs to it,
/// can't be kept in version control; a folder that the caller names is used where it stands.
fn stage_evidence(options: &Options, evidence: &Path, work: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let base = if options.evidence.is_some() {
        evidence.to_owned()
    } else {
        let copy = work.join("evidence");
        disk::copy(evidence, &copy)?;
        fs::create_dir(copy.join("images/от V-2/пусто")).context("cannot make an empty folder")?;
        PathBuf::from("evidence")
    };
    let names: Vec<_> =
        fs::read_dir(evidence)?.map(|entry| Ok(entry?.file_name())).collect::<anyhow::Result<_>>()?;
    let mut names: Vec<_> = names.into_iter().map(|name| base.join(name)).collect();
    names.sort();
    // Each entry is an exhibit of its own (with --each every file below it). The folder as a whole is one if the entries are more than anybody would
    // type, if a name is no text, or if a link may lead from one entry to another: an exhibit stands for itself.
    let links = disk::tree(evidence)?.values().any(|kind| *kind == disk::Kind::Link);
    let typed = names.len() <= 40 && names.iter().all(|name| name.to_str().is_some());
    Ok(if typed && !links { names } else { vec![base] })
}

fn kept(work: &Path, programs: &Path, servers: &Servers) -> anyhow::Result<()> {
    let ids: Vec<String> = servers.ids().iter().map(u32::to_string).collect();
    process::note_running(work, &servers.ids())?;
    say::line(&format!(
        "\nThe servers still run. To go on where the story ended:\n\n    cd {}\n    export PATH={}:$PATH\n    \
         rogatory --profile {} request list\n\nTo stop them:\n\n    kill {}\n",
        process::line_of(&[&work.to_string_lossy()]),
        process::line_of(&[&programs.to_string_lossy()]),
        cast::CAST.requesting.profile(cast::CAST.requesting.officer("drafter")?),
        ids.join(" ")
    ));
    Ok(())
}
