//! A sealed package from the provider's officer to the authority, until every byte is durable there and receipted:
//! by way of the provider's own server, over mutual TLS; beside `scp` of the same bytes and the roofline.

use crate::manual::{self, SshDoor};
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report};
use crate::road::Road;
use crate::roofline::{Roofline, TRANSFER};
use crate::seal::{remove, settle};
use std::path::Path;

/// Measures it.
///
/// # Errors
/// If a package is not delivered; a tool that is missing is noted.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut road = Road::found(place)?;
    let bytes = place.pick(1 << 20, 1 << 30, 4 << 30);
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    let roofline = Roofline::measure(place, Some(&road.provider))?;
    let mut runs = Vec::new();
    for _ in 0..place.pick(1, 3, 3) {
        let (order, package) = road.sealed(&evidence).await?;
        runs.push(process::watched(&mut road.send_command(&order, &package))?.seconds);
        remove(&package)?;
        road.restart()?;
    }
    let speeds = runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect();
    report.add(
        Line::of("sent until receipted, durable at both servers", "MiB/s", speeds)
            .beside("roofline: 2 × (read, TLS + gRPC, SHA-256, write)", roofline.of(TRANSFER))
            .at_least_times(0.75)
            .noting(format!("one exhibit of {} MiB; the own server stores, seals and forwards", bytes >> 20)),
    );
    let syncing = syncing(&mut road, &evidence).await;
    let syncing = match syncing {
        Ok(seconds) => Some(seconds),
        Err(why) => {
            report.miss("time in syncs while sending", format!("{why:#}"));
            None
        }
    };
    match by_hand(place, &evidence) {
        Ok(took) => {
            for line in manual::against("sent", bytes, (&runs, syncing), ("scp", &took), 4.0) {
                report.add(line);
            }
        }
        Err(why) => report.miss_unless_smoke(place, "scp of the same bytes", &why),
    }
    roofline.explain(&mut report);
    Ok(report)
}

/// Seconds that the two servers spend in syncs while one package is sent, as if they never overlapped.
async fn syncing(road: &mut Road, evidence: &Path) -> anyhow::Result<f64> {
    let (order, package) = road.sealed(evidence).await?;
    for office in [&mut road.provider, &mut road.requested] {
        office.stop()?;
        office.start_traced()?;
    }
    let start = crate::time::epoch();
    process::watched(&mut road.send_command(&order, &package))?;
    let mut seconds = 0.0;
    for office in [&road.provider, &road.requested] {
        seconds += office.syncs()?.since(start)?.seconds;
    }
    remove(&package)?;
    road.restart()?;
    Ok(seconds)
}

fn by_hand(place: &Place, evidence: &Path) -> anyhow::Result<Vec<manual::Took>> {
    let door = SshDoor::open(&place.work.join("ssh"))?;
    let copy = place.work.join("copied.bin");
    let mut took = Vec::new();
    for _ in 0..place.pick(1, 3, 3) {
        settle()?;
        took.push(manual::copy(&door, evidence, &copy)?);
        remove(&copy)?;
    }
    Ok(took)
}
