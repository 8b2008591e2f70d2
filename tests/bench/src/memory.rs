//! The most memory that client and servers hold while a package moves, by the size of the package.

use crate::manual;
use crate::office::{Place, Scale};
use crate::process;
use crate::report::{Line, Report, amount};
use crate::road::Road;
use crate::seal::{command, remove};
use std::fs;
use std::path::Path;

const WHO: [&str; 5] = [
    "the client, sealing",
    "the client, sending",
    "the client, opening",
    "the provider's server",
    "the authority's server",
];
const LARGE_BYTES: u64 = 10_000_000_000;

/// Measures it.
///
/// # Errors
/// If a package is not delivered.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut road = Road::found(place)?;
    let sizes: &[u64] = place.pick(&[1 << 20], &[1 << 30], &[1 << 30, 3 << 30, 6 << 30]);
    let mut most: [Vec<f64>; 5] = Default::default();
    for bytes in sizes {
        let evidence = place.work.join("evidence.bin");
        manual::evidence(&evidence, *bytes)?;
        // A server's mark never falls: each size begins with servers that have moved nothing yet.
        let order = road.order().await?;
        road.restart()?;
        let package = place.work.join("sealed");
        let sealing = process::watched(&mut road.seal_command(&order, &evidence, &package))?;
        let copy = place.work.join("sealed-for-the-agent");
        process::output(&mut command(
            &road.provider,
            &road.provider.own_recipient("agent")?,
            &evidence,
            &copy,
        ))?;
        remove(&evidence)?;
        let opening = opening(place, &road, &copy)?;
        remove(&copy)?;
        let sending = process::watched(&mut road.send_command(&order, &package))?;
        let servers =
            [process::peak_bytes(road.provider.process()?)?, process::peak_bytes(road.requested.process()?)?];
        let held = [sealing.peak_bytes, sending.peak_bytes, opening, servers[0], servers[1]];
        for ((who, held), most) in WHO.into_iter().zip(held).zip(&mut most) {
            most.push(amount(held) / 1_048_576.0);
            report.add(self::held(format!("{} MiB: {who}", bytes >> 20), held));
        }
        remove(&package)?;
    }
    if sizes.len() > 1 {
        for (who, held) in WHO.into_iter().zip(&most) {
            let spread =
                held.iter().fold(f64::MIN, |a, b| a.max(*b)) - held.iter().fold(f64::MAX, |a, b| a.min(*b));
            report.add(Line::once(format!("between the sizes: {who}"), "MiB", spread).below(8.0));
        }
    }
    empty_files(place, &road, &mut report)?;
    if place.scale == Scale::Full {
        let evidence = place.work.join("evidence.bin");
        manual::evidence(&evidence, LARGE_BYTES)?;
        let sealed = place.work.join("sealed");
        let recipient = road.provider.own_recipient("agent")?;
        let sealing = process::watched(&mut command(&road.provider, &recipient, &evidence, &sealed))?;
        report.add(held("10 GB: the client, sealing", sealing.peak_bytes));
    }
    Ok(report)
}

/// A folder of empty files, as one exhibit: sealed and opened.
fn empty_files(place: &Place, road: &Road, report: &mut Report) -> anyhow::Result<()> {
    let number: usize = place.pick(200, 100_000, 1_000_000);
    let folder = place.work.join("empty-files");
    for file in 0..number {
        let inner = folder.join(format!("{:03}", file / 1000));
        if file % 1000 == 0 {
            fs::create_dir_all(&inner)?;
        }
        fs::File::create(inner.join(format!("{file:06}")))?;
    }
    let sealed = place.work.join("sealed");
    let recipient = road.provider.own_recipient("agent")?;
    let sealing = process::watched(&mut command(&road.provider, &recipient, &folder, &sealed))?;
    report.add(held(format!("{number} empty files: the client, sealing"), sealing.peak_bytes));
    report.add(held(format!("{number} empty files: the client, opening"), opening(place, road, &sealed)?));
    // Not before: where a million files were removed a moment ago, some file systems make new ones very slowly.
    remove(&folder)?;
    remove(&sealed)
}

/// The most memory that opening a package takes.
fn opening(place: &Place, road: &Road, sealed: &Path) -> anyhow::Result<u64> {
    let output = place.work.join("opened");
    let ended = process::watched(&mut crate::open::command(&road.provider, sealed, &output))?;
    remove(&output)?;
    Ok(ended.peak_bytes)
}

/// The most memory that a process held, in MiB, beside what is promised of every one.
pub(crate) fn held(what: impl Into<String>, bytes: u64) -> Line {
    Line::once(what, "MiB", amount(bytes) / 1_048_576.0).below(128.0)
}
