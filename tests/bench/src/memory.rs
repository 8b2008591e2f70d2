//! The most memory that client and servers hold while a package moves, by the size of the package.

use crate::manual;
use crate::office::Place;
use crate::process;
use crate::report::{Line, Report, amount};
use crate::road::Road;
use crate::seal::remove;

/// Measures it.
///
/// # Errors
/// If a package is not delivered.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut road = Road::found(place)?;
    let sizes: &[u64] = place.pick(&[1 << 20], &[1 << 30], &[1 << 30, 3 << 30, 6 << 30]);
    let mut most: [Vec<f64>; 4] = Default::default();
    for bytes in sizes {
        let evidence = place.work.join("evidence.bin");
        manual::evidence(&evidence, *bytes)?;
        // A server's mark never falls: each size begins with servers that have moved nothing yet.
        let order = road.order().await?;
        road.restart()?;
        let package = place.work.join("sealed");
        let sealing = process::watched(&mut road.seal_command(&order, &evidence, &package))?;
        remove(&evidence)?;
        let sending = process::watched(&mut road.send_command(&order, &package))?;
        let servers =
            [process::peak_bytes(road.provider.process()?)?, process::peak_bytes(road.requested.process()?)?];
        let held = [sealing.peak_bytes, sending.peak_bytes, servers[0], servers[1]];
        let who =
            ["the client, sealing", "the client, sending", "the provider's server", "the authority's server"];
        for ((who, held), most) in who.into_iter().zip(held).zip(&mut most) {
            let mib = amount(held) / 1_048_576.0;
            most.push(mib);
            report.add(Line::once(format!("{} MiB: {who}", bytes >> 20), "MiB", mib).below(128.0));
        }
        remove(&package)?;
    }
    if sizes.len() > 1 {
        for (who, held) in
            ["sealing", "sending", "provider's server", "authority's server"].into_iter().zip(&most)
        {
            let spread =
                held.iter().fold(f64::MIN, |a, b| a.max(*b)) - held.iter().fold(f64::MAX, |a, b| a.min(*b));
            report.add(Line::once(format!("between the sizes: {who}"), "MiB", spread).below(8.0));
        }
    }
    Ok(report)
}
