//! A large package whose way is broken at nine tenths, on each side in turn: how soon new bytes flow after the restart, and how
//! many bytes travel, and so are hashed, a second time.
//!
//! What has arrived is watched by the size of the object's file on the disk of whoever receives it.

use crate::manual;
use crate::office::Place;
use crate::process::{self, Running};
use crate::report::{Line, Report, amount};
use crate::road::{Order, Road};
use crate::seal::{remove, settle};
use crate::time::Stopwatch;
use anyhow::{Context as _, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The one exhibit's object.
const OBJECT: &str = "EX-0001.age";
/// At what share of the object the way is broken.
const BREAK_AT: f64 = 0.9;
/// New bytes must flow this soon.
const PROMISED_SECONDS: f64 = 2.0;
/// What was not yet durable may travel again: no more than lies between two saved states, and what is on its way.
const PROMISED_MIB_AGAIN: f64 = 128.0;
/// How long something may take that has nothing to do with speed.
const PATIENCE_SECONDS: f64 = 600.0;

/// Who is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Client,
    OwnServer,
    AuthorityServer,
}

impl Victim {
    const fn words(self) -> &'static str {
        match self {
            Self::Client => "the client",
            Self::OwnServer => "the own server",
            Self::AuthorityServer => "the authority's server",
        }
    }
}

/// Measures it.
///
/// # Errors
/// If a package does not arrive, or not as it was sent.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let bytes: u64 = place.pick(192 << 20, 1 << 30, 6 << 30);
    demand_room(&place.work, 5 * bytes)?;
    let mut road = Road::found(place)?;
    let evidence = place.work.join("evidence.bin");
    manual::evidence(&evidence, bytes)?;
    // The upload to the own server, then the way to the authority.
    for (victim, to_authority) in [
        (Victim::Client, false),
        (Victim::OwnServer, false),
        (Victim::OwnServer, true),
        (Victim::AuthorityServer, true),
    ] {
        let (order, package) = road.sealed(&evidence).await?;
        sent(&mut road, &order, &package, victim, to_authority, &mut report)?;
        if to_authority && victim == Victim::AuthorityServer {
            fetched(place, &mut road, &order, &package, &mut report)?;
        }
        remove(&package)?;
        road.restart()?;
    }
    Ok(report)
}

/// That there is room, before hours are spent.
fn demand_room(folder: &Path, needed: u64) -> anyhow::Result<()> {
    let said = process::output(Command::new("df").args(["--output=avail", "-B1"]).arg(folder))?;
    let free: u64 = said.lines().nth(1).context("`df` says how much is free")?.trim().parse()?;
    ensure!(
        free > needed,
        "{} MiB of disk are needed and {} MiB are free: make room, or choose another disk with --directory",
        needed >> 20,
        free >> 20
    );
    Ok(())
}

/// Sends a package, kills `victim` at nine tenths of one leg, starts again, and sends on.
fn sent(
    road: &mut Road,
    order: &Order,
    package: &Path,
    victim: Victim,
    to_authority: bool,
    report: &mut Report,
) -> anyhow::Result<()> {
    let vault = if to_authority { &road.requested } else { &road.provider }.folder.join("vault");
    let size = fs::metadata(package.join("data").join(OBJECT))?.len();
    let mut sending = spawn(&mut road.send_command(order, package))?;
    await_share(&vault, size, &mut sending)?;
    kill(road, victim, &mut sending)?;
    let stopped_at = arrived(&vault);
    settle()?;
    let watch = Stopwatch::start();
    restart(road, victim)?;
    let mut again = spawn(&mut road.send_command(order, package))?;
    let flow = await_flow(&vault, size, &watch, &mut again)?;
    finish(again)?;
    let leg = if to_authority { "to the authority" } else { "to the own server" };
    tell(report, &format!("{leg}, {} killed", victim.words()), stopped_at, flow);
    same(&package.join("data").join(OBJECT), &find(&vault).context("the package arrived")?)
}

/// Fetches the package that arrived, with client and server killed in turn.
fn fetched(
    place: &Place,
    road: &mut Road,
    order: &Order,
    package: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let size = fs::metadata(package.join("data").join(OBJECT))?.len();
    let folder = place.work.join("fetched");
    for victim in [Victim::Client, Victim::AuthorityServer] {
        crate::office::fresh(&folder)?;
        let output = folder.join("PK");
        let mut fetching = spawn(&mut road.receive_command(order, &output)?)?;
        await_share(&folder, size, &mut fetching)?;
        kill(road, victim, &mut fetching)?;
        let stopped_at = arrived(&folder);
        settle()?;
        let watch = Stopwatch::start();
        restart(road, victim)?;
        let mut again = spawn(&mut road.receive_command(order, &output)?)?;
        let flow = await_flow(&folder, size, &watch, &mut again)?;
        finish(again)?;
        tell(report, &format!("to the officer who fetches it, {} killed", victim.words()), stopped_at, flow);
        same(&package.join("data").join(OBJECT), &output.join("data").join(OBJECT))?;
    }
    remove(&folder)
}

/// How it went on.
struct Flow {
    /// From the restart until the object grew.
    seconds: f64,
    /// Where it went on.
    from: u64,
}

fn tell(report: &mut Report, what: &str, stopped_at: u64, flow: Flow) {
    let again = amount(stopped_at.saturating_sub(flow.from)) / 1_048_576.0;
    report.add(
        Line::once(format!("{what}: new bytes flow after"), "s", flow.seconds)
            .below(PROMISED_SECONDS)
            .noting("from the start of what was killed, and of the command"),
    );
    report.add(
        Line::once(format!("{what}: sent and hashed again"), "MiB", again)
            .below(PROMISED_MIB_AGAIN)
            .noting(format!("of {} MiB that had been written", stopped_at >> 20)),
    );
}

fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    let line = process::line_of(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    child.with_context(|| format!("`{line}` did not start"))
}

fn finish(child: Child) -> anyhow::Result<()> {
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the command that goes on failed, {}: {}", output.status, said.trim());
    Ok(())
}

/// Kills the victim; waits until the command that depends on it has ended.
fn kill(road: &mut Road, victim: Victim, command: &mut Child) -> anyhow::Result<()> {
    match victim {
        Victim::Client => command.kill()?,
        Victim::OwnServer => road.provider.kill()?,
        Victim::AuthorityServer => road.requested.kill()?,
    }
    command.wait()?;
    Ok(())
}

fn restart(road: &mut Road, victim: Victim) -> anyhow::Result<()> {
    match victim {
        Victim::Client => Ok(()),
        Victim::OwnServer => road.provider.start(),
        Victim::AuthorityServer => road.requested.start(),
    }
}

/// Waits until nine tenths of the object have arrived.
fn await_share(folder: &Path, size: u64, command: &mut Child) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    while amount(arrived(folder)) < BREAK_AT * amount(size) {
        if let Some(status) = command.try_wait()? {
            bail!("the command ended before it was killed, {status}");
        }
        ensure!(watch.seconds() < PATIENCE_SECONDS, "nine tenths did not arrive in {PATIENCE_SECONDS} s");
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits until the object grows. What was written and not saved is cut off first.
fn await_flow(folder: &Path, size: u64, watch: &Stopwatch, command: &mut Child) -> anyhow::Result<Flow> {
    let mut least = arrived(folder);
    loop {
        let now = arrived(folder);
        if now > least {
            return Ok(Flow { seconds: watch.seconds(), from: least });
        }
        least = least.min(now);
        if let Some(status) = command.try_wait()? {
            ensure!(status.success() && arrived(folder) == size, "the command that goes on ended, {status}");
            return Ok(Flow { seconds: watch.seconds(), from: least });
        }
        ensure!(watch.seconds() < PATIENCE_SECONDS, "nothing flowed in {PATIENCE_SECONDS} s");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// How much of the object is below `folder`.
fn arrived(folder: &Path) -> u64 {
    find(folder).and_then(|file| fs::metadata(file).ok()).map_or(0, |there| there.len())
}

/// The object's file below `folder`, wherever it lies while it arrives and afterwards.
fn find(folder: &Path) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if let Some(found) = find(&path) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|name| name == OBJECT) {
            return Some(path);
        }
    }
    None
}

fn same(sent: &Path, arrived: &Path) -> anyhow::Result<()> {
    process::output(Command::new("cmp").arg(sent).arg(arrived))
        .context("what arrived is not what was sent")?;
    Ok(())
}

impl Running {
    /// Kills it as the system kills what takes too much memory: at once, with no time to tidy up.
    ///
    /// # Errors
    /// If it had ended already.
    pub(crate) fn kill(self) -> anyhow::Result<()> {
        process::output(Command::new("kill").args(["-KILL", &self.id().to_string()])).map(drop)
    }
}
