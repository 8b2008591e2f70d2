//! The exchange of requests between two servers.
//!
//! An exchange is the transmission of a distinct, approved request until its receipt is back: sealed at A, every
//! signature verified at both ends, logged and durable on both sides. This program (the callers), A and B are three
//! processes on the same cores, over real mutual TLS.

use crate::desk::{AUTHORITY, Desk, at_once};
use crate::machine;
use crate::office::{Office, Place, REQUESTED, REQUESTING};
use crate::process;
use crate::profile::{self, View};
use crate::report::{Line, Report, amount, count, percentile};
use crate::time::{Stopwatch, epoch};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use std::time::Duration;

/// Callers at once.
const CALLERS: usize = 64;
/// Connections they share.
const CONNECTIONS: usize = 4;
/// The calm rate at which delays are measured.
const CALM_A_SECOND: f64 = 50.0;

/// Measures it.
///
/// # Errors
/// If a server fails or an exchange is not receipted.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let seconds = place.pick(0.2, 2.0, 2.0);
    let syncs_a_second = machine::syncs_per_second(&place.work, seconds)?;
    let signatures = machine::signatures(seconds)?;
    let (mut a, mut b) = (Office::found(place, &REQUESTING)?, Office::found(place, &REQUESTED)?);
    a.confirm(&b)?;
    b.confirm(&a)?;
    let desk = Arc::new(Desk::open(&a, AUTHORITY, &b, CONNECTIONS).await?);

    // The first ones warm every path, and say how many fill a run.
    let warm = approved(&desk, place.pick(8, 256, 256)).await?;
    let rate = exchange(&desk, &a, &b, &warm).await?.rate();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number of seconds' work"
    )]
    let a_run =
        place.pick(24, ((rate * 4.0) as usize).clamp(400, 8000), ((rate * 10.0) as usize).clamp(400, 20_000));
    let mut runs = Vec::new();
    for _ in 0..place.pick(1, 3, 5) {
        let documents = approved(&desk, a_run).await?;
        runs.push(exchange(&desk, &a, &b, &documents).await?);
        a.check()?;
        b.check()?;
    }
    let of = |value: fn(&Exchanged) -> f64| runs.iter().map(value).collect::<Vec<_>>();
    report.add(
        Line::of("exchanges, 64 callers", "1/s", of(Exchanged::rate))
            .beside("4 KiB appended + fdatasync, one after another, same disk", syncs_a_second)
            .at_least(1000.0)
            .noting(format!(
                "{a_run} requests of {} KiB each run, 4 client connections",
                desk.size_bytes() / 1024
            )),
    );
    let floor = 1000.0 * (2.0 / signatures.signed + 6.0 / signatures.verified);
    report.add(
        Line::of("processor time an exchange, all three", "ms", of(Exchanged::processor_ms))
            .beside("2 signatures + 6 verifications of ECDSA P-256 alone", floor)
            .noting(format!(
                "one core signs {:.0}/s, verifies {:.0}/s; 1,000/s on {} cores leaves {:.2} ms",
                signatures.signed,
                signatures.verified,
                machine::cores(),
                count(machine::cores())
            )),
    );
    report.add(Line::of("  of it the client", "ms", of(|run| run.client_ms)));
    report.add(Line::of("  of it A, the sender", "ms", of(|run| run.a_ms)));
    report.add(Line::of("  of it B, the receiver", "ms", of(|run| run.b_ms)));

    if place.profile {
        for view in [View::Own, View::WithCalls] {
            let documents = approved(&desk, a_run).await?;
            profile::record(place, &[&a, &b], view, transmit(&desk, &documents)).await?;
        }
    }

    let calm = approved(&desk, place.pick(20, 1000, 3000)).await?;
    let delays = at_calm_rate(&desk, &calm).await?;
    report.add(Line::once("delay at 50/s, half of them within", "ms", percentile(&delays, 0.5)));
    report.add(
        Line::once("delay at 50/s, 99 of 100 within", "ms", percentile(&delays, 0.99))
            .below(15.0)
            .noting("from the instant each was due, so that a late start counts"),
    );

    let whole = whole_path(&desk, place.pick(8, 1000, 4000)).await?;
    report.add(
        Line::once("draft, approve, transmit: whole paths, 64 callers", "1/s", whole)
            .noting("both officers sign in the client's process; the paper is rendered once beforehand"),
    );

    let traced = approved(&desk, place.pick(16, 800, 800)).await?;
    drop(desk);
    match syncs(&mut a, &mut b, &traced).await {
        Ok([at_a, at_b]) => {
            report.add(Line::once("syncs an exchange, both servers", "", at_a + at_b).noting("64 callers"));
            report.add(Line::once("  of it at A", "", at_a));
            report.add(Line::once("  of it at B", "", at_b));
        }
        Err(why) => report.miss("syncs an exchange", format!("{why:#}")),
    }
    a.stop()?;
    b.stop()?;
    Ok(report)
}

/// A number of distinct requests, drafted and approved; their ids.
async fn approved(desk: &Arc<Desk>, number: usize) -> anyhow::Result<Arc<Vec<String>>> {
    let desk = Arc::clone(desk);
    let ids = at_once(CALLERS, number, move |caller, _| {
        let desk = Arc::clone(&desk);
        async move { desk.hand_in(caller, &desk.request(), "").await }
    });
    Ok(Arc::new(ids.await.context("while requests were drafted and approved")?))
}

/// What a run took.
struct Exchanged {
    exchanges: f64,
    seconds: f64,
    client_ms: f64,
    a_ms: f64,
    b_ms: f64,
}

impl Exchanged {
    fn rate(&self) -> f64 {
        self.exchanges / self.seconds
    }

    fn processor_ms(&self) -> f64 {
        self.client_ms + self.a_ms + self.b_ms
    }
}

async fn exchange(
    desk: &Arc<Desk>,
    a: &Office,
    b: &Office,
    documents: &Arc<Vec<String>>,
) -> anyhow::Result<Exchanged> {
    let processes = [std::process::id(), a.process()?, b.process()?];
    let read = || -> anyhow::Result<Vec<f64>> { processes.into_iter().map(process::cpu_seconds).collect() };
    let before = read()?;
    let watch = Stopwatch::start();
    transmit(desk, documents).await?;
    let seconds = watch.seconds();
    let exchanges = count(documents.len());
    let used: Vec<f64> =
        read()?.iter().zip(before).map(|(after, before)| (after - before) * 1000.0 / exchanges).collect();
    let [client_ms, a_ms, b_ms] = used.as_slice() else { anyhow::bail!("there are three processes") };
    Ok(Exchanged { exchanges, seconds, client_ms: *client_ms, a_ms: *a_ms, b_ms: *b_ms })
}

async fn transmit(desk: &Arc<Desk>, documents: &Arc<Vec<String>>) -> anyhow::Result<()> {
    let (desk, ids) = (Arc::clone(desk), Arc::clone(documents));
    let sent = at_once(CALLERS, documents.len(), move |caller, which| {
        let (desk, ids) = (Arc::clone(&desk), Arc::clone(&ids));
        async move { desk.transmit(caller, ids.get(which).context("a document")?).await }
    });
    let sent = sent.await.context("while requests were exchanged")?;
    ensure!(sent.len() == documents.len(), "{} of {} exchanges were receipted", sent.len(), documents.len());
    Ok(())
}

/// Transmits at a fixed rate, whatever the answers do; each delay in ms, from when it was due.
async fn at_calm_rate(desk: &Arc<Desk>, documents: &Arc<Vec<String>>) -> anyhow::Result<Vec<f64>> {
    let mut calls = tokio::task::JoinSet::new();
    let watch = Stopwatch::start();
    for which in 0..documents.len() {
        let due = Duration::from_secs_f64(count(which) / CALM_A_SECOND);
        tokio::time::sleep(due.saturating_sub(watch.elapsed())).await;
        let (desk, ids) = (Arc::clone(desk), Arc::clone(documents));
        calls.spawn(async move {
            desk.transmit(which, ids.get(which).context("a document")?).await?;
            Ok::<_, anyhow::Error>((watch.elapsed().saturating_sub(due)).as_secs_f64() * 1000.0)
        });
    }
    let mut delays = Vec::new();
    while let Some(delay) = calls.join_next().await {
        delays.push(delay.context("a caller broke off")??);
    }
    Ok(delays)
}

/// Whole paths a second.
async fn whole_path(desk: &Arc<Desk>, number: usize) -> anyhow::Result<f64> {
    let desk = Arc::clone(desk);
    let watch = Stopwatch::start();
    let done = at_once(CALLERS, number, move |caller, _| {
        let desk = Arc::clone(&desk);
        async move {
            let id = desk.hand_in(caller, &desk.request(), "").await?;
            desk.transmit(caller, &id).await
        }
    });
    done.await.context("on the whole path")?;
    Ok(count(number) / watch.seconds())
}

/// Syncs an exchange at A and at B, counted in a run of its own.
async fn syncs(a: &mut Office, b: &mut Office, documents: &Arc<Vec<String>>) -> anyhow::Result<[f64; 2]> {
    a.stop()?;
    b.stop()?;
    a.start_traced()?;
    b.start_traced()?;
    let desk = Arc::new(Desk::open(a, AUTHORITY, b, CONNECTIONS).await?);
    let start = epoch();
    transmit(&desk, documents).await?;
    let [at_a, at_b] = [a.syncs()?.since(start)?, b.syncs()?.since(start)?];
    let exchanges = amount(documents.len() as u64);
    Ok([count(at_a.count) / exchanges, count(at_b.count) / exchanges])
}
