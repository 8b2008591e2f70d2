//! A court bundle with the exhibits in the clear: made at the office that asked for the evidence, and verified by a stranger.

use crate::manual;
use crate::memory::held;
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report, median};
use crate::road::Road;
use crate::seal::{remove, settle};
use std::path::{Path, PathBuf};
use std::process::Command;

/// More than a ZIP file without 64-bit fields can hold.
const LARGE_BYTES: u64 = 4_500_000_000;

/// Measures it.
///
/// # Errors
/// If a bundle is not made, or not accepted.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut road = Road::found(place)?;
    let bytes = place.pick(1 << 20, 1 << 30, LARGE_BYTES);
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    let order = road.order().await?;
    road.restart()?;
    let package = place.work.join("sealed");
    process::output(&mut road.seal_and_send_command(&order, &evidence, &package))?;
    remove(&package)?;
    remove(&evidence)?;
    process::output(&mut road.relay_command(&order)?)?;

    let bundle = place.work.join("bundle.asice");
    let trusted = [&road.requesting, &road.requested].map(|office| place.work.join(office.entry_file()));
    let (mut made, mut verified, mut hashed) = (Vec::new(), Vec::new(), Vec::new());
    let (mut making, mut verifying) = (0, 0);
    for _ in 0..place.pick(1, 3, 3) {
        if bundle.exists() {
            remove(&bundle)?;
        }
        settle()?;
        let ended = process::watched(&mut road.bundle_command(&order, &bundle))?;
        made.push(manual::speed(bytes, ended.seconds));
        making = making.max(ended.peak_bytes);
        settle()?;
        hashed.push(manual::speed(bytes, process::watched(Command::new("sha256sum").arg(&bundle))?.seconds));
        let ended = process::watched(&mut verify(place, &bundle, &trusted))?;
        verified.push(manual::speed(bytes, ended.seconds));
        verifying = verifying.max(ended.peak_bytes);
    }
    // What a court has at hand reads it too, 64-bit fields and all.
    process::output(Command::new("unzip").arg("-tqq").arg(&bundle))?;
    let mebibytes = bytes >> 20;
    report.add(
        Line::of("fetched, opened, written and signed as a bundle", "MiB/s", made)
            .noting(format!("one exhibit of {mebibytes} MiB")),
    );
    report.add(
        Line::of("a bundle verified", "MiB/s", verified).beside("`sha256sum` of the file", median(&hashed)),
    );
    for (who, bytes) in [("making the bundle", making), ("verifying it", verifying)] {
        report.add(held(format!("{mebibytes} MiB: the client, {who}"), bytes));
    }
    Ok(report)
}

/// The command of a stranger, who has the bundle and two entries.
fn verify(place: &Place, bundle: &Path, trusted: &[PathBuf]) -> Command {
    let mut command = place.program("rogatory");
    command.args(["package", "verify"]).arg(bundle).args(["--require", "contents,custody,relations"]);
    for entry in trusted {
        command.arg("--trust").arg(entry);
    }
    command
}
