//! Processes: starting the product's programs and others', their time on the processor, their memory, their syncs.
//!
//! Reads `/proc`, so Linux only. Ends only what it started.

use crate::time::{Stopwatch, epoch};
use anyhow::{Context as _, bail, ensure};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Runs a command to its end; answers its standard output.
///
/// # Errors
/// Names the command and what it said if it failed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = line_of(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("`{line}` did not start"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{line}` failed, {}: {}", output.status, said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program answers to `probe`.
#[must_use]
pub(crate) fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|folder| folder.join(program).is_file()))
        || Path::new("/usr/sbin").join(program).is_file()
}

/// A command as a person reads it.
#[must_use]
pub(crate) fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// A server that runs in the background; stopped when this value goes.
pub(crate) struct Running {
    child: Child,
    /// The process that does the work: the child itself, or what a tracer started.
    id: u32,
    log: PathBuf,
}

impl Running {
    /// Starts `command`, its output in the file `log`.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let line = line_of(command);
        let file = File::create(log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("`{line}` did not start"))?;
        let id = child.id();
        Ok(Self { child, id, log: log.to_owned() })
    }

    /// The process that does the work.
    #[must_use]
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Waits until the log says that it is ready.
    ///
    /// # Errors
    /// If it ended, or is not ready within a minute.
    pub(crate) fn wait_for(&mut self, word: &str) -> anyhow::Result<()> {
        for _ in 0..6000 {
            if fs::read_to_string(&self.log).unwrap_or_default().contains(word) {
                return Ok(());
            }
            self.check()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("a server was not ready within a minute; its log is `{}`", self.log.display())
    }

    /// That it still runs.
    ///
    /// # Errors
    /// If it ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            let last = said.lines().last().unwrap_or_default();
            bail!("a server ended, {status}; its log is `{}`: {last}", self.log.display());
        }
        Ok(())
    }

    /// From now on the child's own child is the process that does the work: the child is a tracer.
    ///
    /// # Errors
    /// If it has none.
    pub(crate) fn look_behind_tracer(&mut self) -> anyhow::Result<()> {
        let tracer = self.child.id();
        for _ in 0..500 {
            let children = fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children"));
            if let Some(id) = children.unwrap_or_default().split_whitespace().next() {
                self.id = id.parse().context("a process id is a number")?;
                return Ok(());
            }
            self.check()?;
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("the tracer started nothing")
    }

    /// Asks it to stop and waits.
    ///
    /// # Errors
    /// If it had to be killed.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        ensure!(self.end().is_some(), "a server did not stop; its log is `{}`", self.log.display());
        Ok(())
    }

    fn end(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(status);
        }
        // The standard library only knows SIGKILL.
        let _ = Command::new("kill").args(["-TERM", &self.id.to_string()]).stderr(Stdio::null()).status();
        for _ in 0..2000 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        None
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Seconds a process has spent on processors so far, its threads included.
///
/// # Errors
/// If there is no such process.
pub(crate) fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let text =
        fs::read_to_string(format!("/proc/{id}/stat")).with_context(|| format!("process {id} is gone"))?;
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let (_, rest) = text.rsplit_once(')').context("/proc has another form")?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || -> anyhow::Result<f64> {
        fields.next().context("/proc has another form")?.parse().context("/proc has another form")
    };
    Ok((ticks()? + ticks()?) / TICKS_A_SECOND)
}

/// Linux shows these times in hundredths of a second to every program, whatever its own clock does.
const TICKS_A_SECOND: f64 = 100.0;

/// A line of `/proc/ID/status`, in KiB.
fn status_kib(id: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory a process holds now, in bytes.
///
/// # Errors
/// If there is no such process.
pub(crate) fn resident_bytes(id: u32) -> anyhow::Result<u64> {
    Ok(status_kib(id, "VmRSS").with_context(|| format!("process {id} is gone"))? * 1024)
}

/// The most memory a process ever held, in bytes.
///
/// # Errors
/// If there is no such process.
pub(crate) fn peak_bytes(id: u32) -> anyhow::Result<u64> {
    Ok(status_kib(id, "VmHWM").with_context(|| format!("process {id} is gone"))? * 1024)
}

/// How a command that ran to its end went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// The most memory it held, in bytes; looked at every few milliseconds.
    pub(crate) peak_bytes: u64,
}

/// Runs a command to its end, and watches its memory.
///
/// # Errors
/// Names the command and what it said if it failed.
pub(crate) fn watched(command: &mut Command) -> anyhow::Result<Ended> {
    let line = line_of(command);
    let watch = Stopwatch::start();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("`{line}` did not start"))?;
    let id = child.id();
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // The mark only rises, and one look is as good as many; a process that has ended has none.
        peak = peak.max(status_kib(id, "VmHWM").unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(2));
    };
    let seconds = watch.seconds();
    if !status.success() {
        let output = child.wait_with_output()?;
        bail!("`{line}` failed, {status}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(Ended { seconds, peak_bytes: peak })
}

/// The syncs of a process, as `strace` notes them; only those calls are stopped at, so the rest runs at full speed.
pub(crate) struct Syncs {
    file: PathBuf,
}

/// Syncs in a span of time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Synced {
    /// How many.
    pub(crate) count: usize,
    /// How long they took together, in seconds.
    pub(crate) seconds: f64,
}

impl Syncs {
    /// A command that runs `command` and notes its syncs in `file`.
    #[must_use]
    pub(crate) fn tracing(command: &Command, file: &Path) -> (Command, Self) {
        let mut traced = Command::new("strace");
        traced.args([
            "-f",
            "--seccomp-bpf",
            "-ttt",
            "-T",
            "-e",
            "trace=fsync,fdatasync,sync_file_range,syncfs,msync",
        ]);
        traced.args(["-e", "signal=none", "-o"]).arg(file);
        traced.arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            traced.current_dir(folder);
        }
        (traced, Self { file: file.to_owned() })
    }

    /// The syncs that ended since `start`, which is a time since 1970.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub(crate) fn since(&self, start: Duration) -> anyhow::Result<Synced> {
        let text = fs::read_to_string(&self.file)
            .with_context(|| format!("`{}` cannot be read", self.file.display()))?;
        Ok(read_trace(&text, start.as_secs_f64(), epoch().as_secs_f64()))
    }
}

/// Lines of the form `1234 1690000000.123456 fdatasync(7) = 0 <0.000321>`, or in two halves with
/// `<unfinished ...>` and `<... fdatasync resumed>`: what says how long it took is the end.
fn read_trace(text: &str, from: f64, to: f64) -> Synced {
    let mut synced = Synced::default();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let at = words.nth(1).and_then(|word| word.parse::<f64>().ok());
        let took = line.rsplit_once('<').and_then(|(_, tail)| tail.strip_suffix('>')?.parse::<f64>().ok());
        if let (Some(at), Some(took)) = (at, took)
            && (from..=to).contains(&at)
        {
            synced.count += 1;
            synced.seconds += took;
        }
    }
    synced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_by_its_ends() {
        let text = "10 100.5 fdatasync(7) = 0 <0.25>\n\
                    11 101.0 fdatasync(8 <unfinished ...>\n\
                    11 101.5 <... fdatasync resumed>) = 0 <0.5>\n\
                    10 200.0 fsync(9) = 0 <1.0>\n\
                    10 201.0 +++ exited with 0 +++\n";
        let synced = read_trace(text, 100.0, 150.0);
        assert_eq!(synced.count, 2);
        assert!((synced.seconds - 0.75).abs() < 1e-9);
        assert_eq!(read_trace(text, 0.0, 1000.0).count, 3);
    }

    #[test]
    fn this_process_has_used_the_processor_and_memory() {
        let id = std::process::id();
        let busy = Stopwatch::start();
        while busy.seconds() < 0.05 {}
        assert!(cpu_seconds(id).expect("this process") > 0.0);
        let (now, peak) = (resident_bytes(id).expect("this process"), peak_bytes(id).expect("this process"));
        assert!(now > 100_000 && peak >= now / 2, "{now} {peak}");
    }

    #[test]
    fn a_command_that_fails_says_so() {
        let failed = watched(Command::new("ls").arg("/not/there")).expect_err("there is no such folder");
        assert!(failed.to_string().contains("/not/there"), "{failed}");
        assert!(watched(&mut Command::new("true")).is_ok());
    }
}
