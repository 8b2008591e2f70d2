//! When a target has been searched enough: after so many inputs, or so much processor time without new coverage.

use super::Search;
use crate::say;
use anyhow::{Context as _, ensure};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

/// So many inputs are enough.
const INPUTS: u64 = 20_000_000;
/// So much processor time without new coverage is enough.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Of what the system counts processor time in, a second has so many (`USER_HZ`, the same on every Linux).
const TICKS_A_SECOND: u64 = 100;

/// What a search has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Reached {
    inputs: u64,
    coverage: u64,
}

/// Searches until it is enough, and says what was reached.
///
/// # Errors
/// If a promise is broken, or the program does not start.
pub(super) fn search(search: &Search<'_>) -> anyhow::Result<()> {
    let mut command = search.command();
    command.arg(format!("-runs={INPUTS}")).arg(search.inputs()?).stderr(Stdio::piped());
    let mut program = command.spawn().context("the fuzz targets did not start")?;
    let told = program.stderr.take().context("the fuzz targets have no standard error")?;
    let mut reached = Reached::default();
    let mut last_new = Duration::ZERO;
    let mut is_idle = false;
    for line in BufReader::new(told).lines() {
        let line = line.context("the fuzz targets cannot be heard")?;
        let Some(now) = pulse(&line) else {
            say::error(&line);
            continue;
        };
        // Where the system does not tell it, the inputs alone count.
        let spent = processor_time(program.id()).unwrap_or_default();
        if now.coverage > reached.coverage {
            last_new = spent;
        }
        reached = Reached { inputs: now.inputs, coverage: now.coverage.max(reached.coverage) };
        if spent.saturating_sub(last_new) >= IDLE {
            is_idle = true;
            break;
        }
    }
    if is_idle {
        // What it found lies on the disk already.
        program.kill().context("the fuzz targets do not stop")?;
    }
    let status = program.wait().context("the fuzz targets did not end")?;
    ensure!(is_idle || status.success(), search.broken_promise());
    let why = if is_idle { "15 minutes without new coverage" } else { "all inputs" };
    let Reached { inputs, coverage } = reached;
    say::line(&format!("`{}`: {why}; {inputs} inputs, coverage {coverage}", search.name()));
    Ok(())
}

/// Reads a line such as `#4096 pulse cov: 445 ft: 1511 corp: 193/121Kb …`.
fn pulse(line: &str) -> Option<Reached> {
    let inputs = line.strip_prefix('#')?.split_whitespace().next()?.parse().ok()?;
    let coverage = line.split_once(" cov: ")?.1.split_whitespace().next()?.parse().ok()?;
    Some(Reached { inputs, coverage })
}

/// The processor time of a process, as proc(5) tells it; none where the system has no such files.
fn processor_time(process: u32) -> Option<Duration> {
    let told = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program, in parentheses, may hold anything; user and system time are the 12th and 13th behind it.
    let mut fields = told.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_A_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_search_are_read() {
        let line = "#85532\tREDUCE cov: 7023 ft: 16460 corp: 707/518Kb lim: 3275 exec/s: 784 rss: 45Mb";
        assert_eq!(pulse(line), Some(Reached { inputs: 85532, coverage: 7023 }));
        for line in ["", "#", "INFO: seed corpus: files: 7", "#2\tINITED", "Done 20 runs in 1 second(s)"] {
            assert_eq!(pulse(line), None, "{line}");
        }
    }

    #[test]
    fn processor_time_is_told_where_the_system_tells_it() {
        let own = processor_time(std::process::id());
        assert_eq!(own.is_some(), cfg!(target_os = "linux"));
    }
}
