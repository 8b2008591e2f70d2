//! A sealed package from the provider's officer to the authority, until every byte is durable there and receipted:
//! by way of the provider's own server, over mutual TLS; beside `scp` of the same bytes and the roofline.

use crate::manual::{self, SshDoor};
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report};
use crate::road::Road;
use crate::roofline::{HOP, Roofline, TWO_HOPS};
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
    let (mut runs, mut hops) = (Vec::new(), Vec::new());
    for _ in 0..place.pick(1, 5, 5) {
        let (order, package) = road.sealed(&evidence).await?;
        runs.push(process::watched(&mut road.send_command(&order, &package))?.seconds);
        remove(&package)?;
        settle()?;
        hops.push(process::watched(&mut road.relay_command(&order)?)?.seconds);
        road.restart()?;
    }
    let speeds = |runs: &[f64]| runs.iter().map(|seconds| manual::speed(bytes, *seconds)).collect();
    report.add(
        Line::of("from server to server, durable and receipted", "MiB/s", speeds(&hops))
            .beside("roofline: read, TLS + gRPC, SHA-256, write", roofline.of(HOP))
            .at_least_times(0.75)
            .noting(format!(
                "one exhibit of {} MiB that an authority passes on to the authority that asked",
                bytes >> 20
            )),
    );
    report.add(
        Line::of(
            "from the officer by way of the own server, durable at both, receipted",
            "MiB/s",
            speeds(&runs),
        )
        .beside("roofline: 2 × (read, TLS + gRPC, SHA-256, write)", roofline.of(TWO_HOPS))
        .at_least_times(0.75)
        .noting("the own server stores all of it, seals it and forwards it"),
    );
    match by_hand(place, &evidence) {
        Ok(took) => {
            for (what, runs) in [("server to server", &hops), ("by way of the own server", &runs)] {
                for line in manual::against(what, bytes, runs, ("scp", &took), 4.0) {
                    report.add(line);
                }
            }
        }
        Err(why) => report.miss_unless_smoke(place, "scp of the same bytes", &why),
    }
    roofline.explain(&mut report);
    Ok(report)
}

fn by_hand(place: &Place, evidence: &Path) -> anyhow::Result<Vec<manual::Took>> {
    let door = SshDoor::open(&place.work.join("ssh"))?;
    let copy = place.work.join("copied.bin");
    let mut took = Vec::new();
    for _ in 0..place.pick(1, 5, 5) {
        settle()?;
        took.push(manual::copy(&door, evidence, &copy)?);
        remove(&copy)?;
    }
    Ok(took)
}
