//! Sealing a file, beside `sha256sum` + `age` + `sha256sum` and the roofline.

use crate::manual::{self, AgeKey};
use crate::office::{Office, PROVIDER, Place};
use crate::process;
use crate::report::{Line, Report};
use crate::roofline::{Roofline, SEAL};
use anyhow::Context as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Measures it.
///
/// # Errors
/// If sealing fails; a tool that is missing is noted.
pub(crate) fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut office = Office::found(place, &PROVIDER)?;
    office.stop()?;
    let bytes = place.pick(1 << 20, 2 << 30, 4 << 30);
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    let recipient = office.own_recipient("agent")?;
    let roofline = Roofline::measure(place, None)?;

    let mut folder_runs = Vec::new();
    let mut asice_runs = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        folder_runs.push(seal(&office, &recipient, &evidence, &place.work.join("sealed"))?);
        asice_runs.push(seal(&office, &recipient, &evidence, &place.work.join("sealed.asice"))?);
    }
    let speeds = |runs: &[f64]| runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect::<Vec<_>>();
    report.add(
        Line::of("sealed into a folder, durable", "MiB/s", speeds(&folder_runs))
            .beside("roofline: read, 2 × SHA-256, ChaCha20-Poly1305, write", roofline.of(SEAL))
            .at_least_times(0.75)
            .noting(format!("one exhibit of {} MiB, start of the program included", bytes >> 20)),
    );
    report.add(
        Line::of("sealed into a .asice, durable", "MiB/s", speeds(&asice_runs))
            .beside("the same roofline", roofline.of(SEAL))
            .noting("the ZIP's CRC-32 on top"),
    );
    let procedures: [(&str, Procedure, f64); 2] = [
        ("sha256sum, age, sha256sum", manual::seal, 6.0),
        ("openssl dgst, age, openssl dgst", manual::seal_with_openssl, 3.0),
    ];
    for (what, procedure, promised_times) in procedures {
        match by_hand(place, &evidence, procedure) {
            Ok(took) => {
                for line in manual::against("sealed", bytes, &folder_runs, (what, &took), promised_times) {
                    report.add(line);
                }
            }
            Err(why) => report.miss(what, format!("{why:#}")),
        }
    }
    roofline.explain(&mut report);
    Ok(report)
}

/// Seals once; the seconds it took. What was sealed is removed.
fn seal(office: &Office, recipient: &str, evidence: &Path, output: &Path) -> anyhow::Result<f64> {
    settle()?;
    let ended = process::watched(&mut command(office, recipient, evidence, output))?;
    remove(output)?;
    Ok(ended.seconds)
}

/// The command that seals `evidence` for `recipient`.
#[must_use]
pub(crate) fn command(office: &Office, recipient: &str, evidence: &Path, output: &Path) -> Command {
    let mut command = office.officer_command("agent");
    command.args(["package", "seal", "--recipient", recipient, "--no-recovery", "a benchmark", "-o"]);
    command.arg(output).arg(evidence);
    command
}

/// A way of sealing by hand.
type Procedure = fn(&AgeKey, &Path, &Path) -> anyhow::Result<manual::Took>;

fn by_hand(place: &Place, evidence: &Path, procedure: Procedure) -> anyhow::Result<Vec<manual::Took>> {
    let folder = place.work.join("by-hand");
    crate::office::fresh(&folder)?;
    let key = AgeKey::make(&folder)?;
    let output = place.work.join("by-hand.age");
    let mut took = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        settle()?;
        took.push(procedure(&key, evidence, &output)?);
        remove(&output)?;
    }
    Ok(took)
}

/// What earlier runs wrote must not be written during the next.
pub(crate) fn settle() -> anyhow::Result<()> {
    process::output(&mut Command::new("sync")).map(drop)
}

/// Removes a file or a folder.
///
/// # Errors
/// As the file system says.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("cannot remove `{}`", path.display()))
}

impl Office {
    /// The age recipient of an officer.
    ///
    /// # Errors
    /// If her folder names none.
    pub(crate) fn own_recipient(&self, officer: &str) -> anyhow::Result<String> {
        let file = self.profile(officer).join("recipient.txt");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
        Ok(text.trim().to_owned())
    }
}
