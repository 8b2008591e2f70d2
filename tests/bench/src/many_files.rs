//! Many small files: sealed as one exhibit, beside one file of the same size, and as an exhibit each.

use crate::manual;
use crate::office::{Office, PROVIDER, Place};
use crate::process;
use crate::report::{Line, Report, amount, count};
use crate::seal::{command, remove, settle};
use anyhow::Context as _;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_BYTES: usize = 4096;
/// Files a folder, so that no folder is unusually large.
const FILES_A_FOLDER: usize = 1000;

/// Measures it.
///
/// # Errors
/// If sealing fails.
pub(crate) fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut office = Office::found(place, &PROVIDER)?;
    office.stop()?;
    let recipient = office.own_recipient("agent")?;
    let number = place.pick(200, 100_000, 100_000);
    let (folder, file) = (place.work.join("evidence"), place.work.join("evidence.bin"));
    let bytes = (number * FILE_BYTES) as u64;
    manual::evidence(&file, bytes)?;
    split(&file, &folder)?;
    let mut made: Vec<PathBuf> = Vec::new();
    let mut runs = |each: bool, from: &Path, ending: &str| -> anyhow::Result<(Vec<f64>, u64)> {
        let (mut seconds, mut peak) = (Vec::new(), 0);
        let times = if each { place.pick(1, 3, 3) } else { place.pick(1, 5, 5) };
        for _ in 0..times {
            settle()?;
            let output = place.work.join(format!("sealed-{}{ending}", made.len()));
            let mut command = command(&office, &recipient, from, &output);
            if each {
                command.arg("--each");
            }
            let ended = process::watched(&mut command)?;
            seconds.push(ended.seconds);
            peak = peak.max(ended.peak_bytes);
            made.push(output);
        }
        Ok((seconds, peak))
    };
    let speeds = |seconds: &[f64]| seconds.iter().map(|one| manual::speed(bytes, *one)).collect::<Vec<_>>();
    let rates = |seconds: &[f64]| seconds.iter().map(|one| count(number) / one).collect::<Vec<_>>();
    let memory = |of: &str, peak: u64| {
        Line::once(format!("most memory held: {of}"), "MiB", amount(peak) / 1_048_576.0).below(128.0)
    };
    let (one, _) = runs(false, &file, "")?;
    let (folded, peak) = runs(false, &folder, "")?;
    let note = format!("{number} files of 4 KiB");
    report.add(
        Line::of("a folder sealed as one exhibit, durable", "MiB/s", speeds(&folded))
            .beside("one file of the same size, sealed in this run", crate::report::median(&speeds(&one)))
            .at_least_times(0.5)
            .noting(note.clone()),
    );
    report.add(memory("as one exhibit", peak));
    for (ending, into) in [(".asice", "a .asice"), ("", "a folder")] {
        let (seconds, peak) = runs(true, &folder, ending)?;
        let line = Line::of(format!("sealed as an exhibit each into {into}, durable"), "/s", rates(&seconds));
        report.add(line.at_least(3000.0).noting(note.clone()));
        report.add(memory(&format!("an exhibit each into {into}"), peak));
    }
    // Only now: where 100,000 files were just removed, a file system is slow to make new ones.
    made.iter().try_for_each(|output| remove(output))?;
    Ok(report)
}

/// Makes a folder of small files from the bytes of one.
fn split(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut from = fs::File::open(file)?;
    let mut block = [0; FILE_BYTES];
    let mut number = 0;
    while std::io::Read::read(&mut from, &mut block)? > 0 {
        let inner = folder.join(format!("{:03}", number / FILES_A_FOLDER));
        if number % FILES_A_FOLDER == 0 {
            fs::create_dir_all(&inner).with_context(|| format!("cannot make `{}`", inner.display()))?;
        }
        fs::write(inner.join(format!("{number:06}.jpg")), block)?;
        number += 1;
    }
    Ok(())
}
