//! From the evidence on the provider's disk to the authority's receipt: sealed, then sent; beside the procedure by hand.
//!
//! Sealing and sending do not overlap: the promise speaks of an overlap, and is measured by what there is.

use crate::manual::{self, AgeKey, SshDoor, Took};
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report, median};
use crate::road::Road;
use crate::roofline::{Roofline, SEAL, TWO_HOPS};
use crate::seal::{remove, settle};
use std::path::Path;

/// Measures it.
///
/// # Errors
/// If a package is not delivered; a tool that is missing is noted.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut road = Road::found(place)?;
    let bytes = place.pick(1 << 20, 2 << 30, 4 << 30);
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    let roofline = Roofline::measure(place, Some(&road.provider))?;
    let mut runs = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        let order = road.order().await?;
        let package = place.work.join("sealed");
        settle()?;
        let sealing = process::watched(&mut road.seal_command(&order, &evidence, &package))?;
        let sending = process::watched(&mut road.send_command(&order, &package))?;
        runs.push(sealing.seconds + sending.seconds);
        remove(&package)?;
        road.restart()?;
    }
    let speeds: Vec<f64> = runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect();
    report.add(
        Line::of("sealed, then sent until receipted, durable", "MiB/s", speeds.clone())
            .beside("roofline: that of sealing and that of sending together", roofline.of(SEAL.and(TWO_HOPS)))
            .at_least_times(0.8)
            .noting(format!("one exhibit of {} MiB; sealing ends before sending begins", bytes >> 20)),
    );
    match by_hand(place, &evidence) {
        Ok((copied, whole)) => {
            let speed = |took: &[Took], value: fn(&Took) -> f64| {
                manual::speed(bytes, median(&took.iter().map(value).collect::<Vec<_>>()))
            };
            report.add(
                Line::of("the same, beside scp of the plain file", "MiB/s", speeds.clone())
                    .beside("scp of the plain file, nothing synced", speed(&copied, |took| took.seconds))
                    .at_least_times(2.5),
            );
            let what = "sha256sum, age, sha256sum, scp, sha256sum";
            report.add(
                Line::of("the same, beside the procedure by hand", "MiB/s", speeds.clone())
                    .beside(format!("{what}, nothing synced"), speed(&whole, |took| took.seconds))
                    .at_least_times(5.0),
            );
            report.add(
                Line::of("the same, beside the procedure by hand, durable", "MiB/s", speeds)
                    .beside(format!("{what}, then synced"), speed(&whole, |took| took.durable_seconds)),
            );
        }
        Err(why) => report.miss_unless_smoke(place, "the procedure by hand", &why),
    }
    Ok(report)
}

fn by_hand(place: &Place, evidence: &Path) -> anyhow::Result<(Vec<Took>, Vec<Took>)> {
    let (key, door) = (AgeKey::make(&place.work)?, SshDoor::open(&place.work.join("ssh"))?);
    let (sealed, copy) = (place.work.join("by-hand.age"), place.work.join("copied"));
    let (mut copied, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..place.pick(1, 5, 5) {
        settle()?;
        copied.push(manual::copy(&door, evidence, &copy)?);
        remove(&copy)?;
        settle()?;
        whole.push(manual::seal_and_copy(&key, &door, evidence, &sealed, &copy)?);
        remove(&copy)?;
        remove(&sealed)?;
    }
    Ok((copied, whole))
}
