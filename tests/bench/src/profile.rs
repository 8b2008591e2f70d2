//! Where a server's time goes: `perf` records while work is done, and what costs most is said on standard error.

use crate::office::{Office, Place};
use crate::process;
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How many functions are named.
const NAMED: usize = 30;

/// What a recording tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The cost of each function by itself.
    Own,
    /// The cost of each function with all that it calls: needs the stack at every sample, which itself costs.
    WithCalls,
}

/// Records `offices` while `work` is done, then says what cost most.
///
/// # Errors
/// Without `perf`, or as the work's own.
pub(crate) async fn record(
    place: &Place,
    offices: &[&Office],
    view: View,
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    ensure!(process::is_there("perf"), "`perf` is not installed; Debian's package is `linux-perf`");
    let mut recordings = Vec::new();
    for office in offices {
        recordings.push((office.name.clone(), Recording::start(place, office, view)?));
    }
    work.await?;
    let mut text = String::new();
    for (name, recording) in recordings {
        let title = if view == View::Own { "by itself" } else { "with what it calls" };
        writeln!(text, "\n{name}: share of the time, each function {title}\n{}", recording.finish(view)?)?;
    }
    std::io::stderr().write_all(text.as_bytes())?;
    Ok(())
}

struct Recording {
    perf: Child,
    file: PathBuf,
}

impl Recording {
    fn start(place: &Place, office: &Office, view: View) -> anyhow::Result<Self> {
        let file = place.work.join(format!("{}.perf", office.process()?));
        let mut command = Command::new("perf");
        command.args(["record", "--quiet", "--output"]).arg(&file);
        match view {
            View::Own => command.args(["--freq", "997"]),
            View::WithCalls => command.args(["--freq", "197", "--call-graph", "dwarf,16384"]),
        };
        command.args(["--pid", &office.process()?.to_string()]);
        let perf = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let recording = Self { perf: perf.context("`perf` did not start")?, file };
        // It needs a moment to attach to every thread.
        std::thread::sleep(std::time::Duration::from_millis(300));
        Ok(recording)
    }

    fn finish(mut self, view: View) -> anyhow::Result<String> {
        process::output(Command::new("kill").args(["-INT", &self.perf.id().to_string()]))?;
        self.perf.wait()?;
        let mut command = Command::new("perf");
        command
            .args(["report", "--stdio", "--sort", "sym", "--call-graph", "none", "--input"])
            .arg(&self.file);
        command.arg(if view == View::Own { "--no-children" } else { "--children" });
        let report = process::output(&mut command)?;
        let named = report.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        // Of what is on every stack only the product's own functions, the database and the kernel's entries tell something.
        let tells = |line: &&str| {
            view == View::Own
                || ["rogatory_", "sqlite3_step", "__x64_sys"].iter().any(|part| line.contains(part))
        };
        let limit = if view == View::Own { NAMED } else { NAMED + NAMED };
        Ok(named.filter(tells).take(limit).collect::<Vec<_>>().join("\n"))
    }
}
