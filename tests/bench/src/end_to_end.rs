//! From the evidence on the provider's disk to the authority's receipt: sealed while it is sent; beside the procedure by hand.

use crate::manual::{self, AgeKey, SshDoor, Took};
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report};
use crate::road::{Order, Road};
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
        runs.push(once(&mut road, &order, place, &evidence)?);
        road.restart()?;
    }
    let speeds: Vec<f64> = runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect();
    report.add(
        Line::of("sealed while it is sent, durable at both servers, receipted", "MiB/s", speeds.clone())
            .beside("roofline: that of sealing and that of sending together", roofline.of(SEAL.and(TWO_HOPS)))
            .at_least_times(0.8)
            .noting(format!(
                "one exhibit of {} MiB; the own server stores all of it, seals it and forwards it",
                bytes >> 20
            )),
    );
    match by_hand(place, &evidence) {
        Ok((copied, whole)) => {
            for (what, took, promised) in [
                ("scp of the plain file", &copied, 2.5),
                ("sha256sum, age, sha256sum, scp, sha256sum", &whole, 5.0),
            ] {
                for line in manual::against("sealed while sent", bytes, &runs, (what, took), promised) {
                    report.add(line);
                }
            }
        }
        Err(why) => report.miss_unless_smoke(place, "the procedure by hand", &why),
    }
    Ok(report)
}

/// Seals and sends once; the seconds it took.
fn once(road: &mut Road, order: &Order, place: &Place, evidence: &Path) -> anyhow::Result<f64> {
    let package = place.work.join("sealed");
    settle()?;
    let ended = process::watched(&mut road.seal_and_send_command(order, evidence, &package))?;
    remove(&package)?;
    Ok(ended.seconds)
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
