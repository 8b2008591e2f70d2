//! Opening and verifying a sealed file to disk, beside `age -d` + `sha256sum` and the roofline.

use crate::manual::{self, AgeKey};
use crate::office::{Office, PROVIDER, Place};
use crate::process;
use crate::report::{Line, Report};
use crate::roofline::{OPEN, Roofline};
use crate::seal::{remove, settle};
use anyhow::Context as _;
use std::path::Path;
use std::process::Command;

/// Measures it.
///
/// # Errors
/// If sealing or opening fails; a tool that is missing is noted.
pub(crate) fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut office = Office::found(place, &PROVIDER)?;
    office.stop()?;
    let bytes = place.pick(1 << 20, 2 << 30, 4 << 30);
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    let recipient = office.own_recipient("agent")?;
    let sealed = place.work.join("sealed");
    process::output(&mut crate::seal::command(&office, &recipient, &evidence, &sealed))?;
    let roofline = Roofline::measure(place, None)?;
    let output = place.work.join("opened");
    let mut runs = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        settle()?;
        // As what `age` reads, which was just written.
        in_memory(&sealed.join("data/EX-0001.age"))?;
        runs.push(process::watched(&mut command(&office, &sealed, &output))?.seconds);
        remove(&output)?;
    }
    let speeds = runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect();
    report.add(
        Line::of("opened and verified to disk, durable", "MiB/s", speeds)
            .beside("roofline: read, 2 × SHA-256, ChaCha20-Poly1305, write", roofline.of(OPEN))
            .at_least_times(0.75)
            .noting(format!("one exhibit of {} MiB, start of the program included", bytes >> 20)),
    );
    remove(&sealed)?;
    match by_hand(place, &evidence) {
        Ok(took) => {
            let what = "age -d, sha256sum";
            for line in manual::against("opened", bytes, &runs, (what, &took), 2.0) {
                report.add(line);
            }
        }
        Err(why) => report.miss("opening by hand", format!("{why:#}")),
    }
    roofline.explain(&mut report);
    Ok(report)
}

/// The command that opens what was sealed for the agent.
#[must_use]
pub(crate) fn command(office: &Office, sealed: &Path, output: &Path) -> Command {
    let mut command = office.officer_command("agent");
    command.args(["package", "open"]).arg(sealed).arg("--trust");
    command.arg(office.profile("operator").join("anchors.pem")).arg("-o").arg(output);
    command
}

/// Brings a file into the system's memory, from which the roofline reads.
fn in_memory(file: &Path) -> anyhow::Result<()> {
    let mut file = std::fs::File::open(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    std::io::copy(&mut file, &mut std::io::sink())?;
    Ok(())
}

fn by_hand(place: &Place, evidence: &Path) -> anyhow::Result<Vec<manual::Took>> {
    let key = AgeKey::make(&place.work)?;
    let (sealed, output) = (place.work.join("by-hand.age"), place.work.join("by-hand.bin"));
    manual::seal(&key, evidence, &sealed)?;
    let mut took = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        settle()?;
        took.push(manual::open(&key, &sealed, &output)?);
        remove(&output)?;
    }
    remove(&sealed)?;
    Ok(took)
}
