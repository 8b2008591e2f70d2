//! Runs the commands of the demonstration: prints each as a person would type it, shows what it answers, and holds
//! the servers.
//!
//! May start the two programs and the tools every Debian has. Never goes on after an exit code that was not wanted.

use super::disk;
use crate::say;
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How a command may end, besides well.
pub(crate) const DONE: &[i32] = &[0];
/// Failed: here, for what the demonstration leaves out on purpose.
pub(crate) const FAILED: &[i32] = &[1];
/// Refused, by this side's rules or the other's.
pub(crate) const REFUSED: &[i32] = &[1, 3];
/// Verification failed.
pub(crate) const NOT_VERIFIED: &[i32] = &[4];

/// The folder the commands run in, and where the programs are.
pub(crate) struct Shell {
    /// The work folder; every path in a command is relative to it.
    pub(crate) work: PathBuf,
    /// The folder of `rogatory` and `rogatory-server`.
    pub(crate) programs: PathBuf,
}

/// What a command answered.
pub(crate) struct Answer {
    /// How it ended.
    pub(crate) code: i32,
    /// Everything it printed; for a `--json` command standard output alone.
    pub(crate) text: String,
}

impl Shell {
    /// Runs a command, shows its output, and answers it if it ended as wanted.
    ///
    /// # Errors
    /// Names the command if it did not start, or ended otherwise than `wanted`.
    pub(crate) fn run(&self, command: &[&str], wanted: &[i32]) -> anyhow::Result<Answer> {
        say::line(&format!("\n$ {}", line_of(command)));
        let (mut reader, writer) = std::io::pipe().context("no pipe")?;
        let mut child = {
            let mut prepared = self.prepare(command)?;
            prepared.stdout(writer.try_clone().context("no pipe")?).stderr(writer);
            prepared.spawn().with_context(|| format!("`{}` did not start", command.join(" ")))?
        };
        let mut output = Vec::new();
        reader.read_to_end(&mut output).with_context(|| format!("`{}` broke off", command.join(" ")))?;
        let code = child.wait()?.code().unwrap_or(-1);
        let text = String::from_utf8_lossy(&output).into_owned();
        show(&text);
        check(command, code, wanted)?;
        Ok(Answer { code, text })
    }

    /// Runs a command that prints a JSON object, shows it, and answers the object.
    ///
    /// # Errors
    /// Likewise, or if standard output is not JSON.
    pub(crate) fn json(&self, command: &[&str]) -> anyhow::Result<Value> {
        say::line(&format!("\n$ {}", line_of(command)));
        let answer = self.silent(command)?;
        let value: Option<Value> = serde_json::from_str(&answer.text).ok();
        match value.as_ref().and_then(Value::as_object) {
            Some(fields) => {
                fields.iter().for_each(|(name, value)| show(&shortened(&format!("{name}: {value}"))))
            }
            None => show(&answer.text),
        }
        check(command, answer.code, DONE)?;
        value.with_context(|| format!("`{}` did not print JSON", line_of(command)))
    }

    fn silent(&self, command: &[&str]) -> anyhow::Result<Answer> {
        let output = self
            .prepare(command)?
            .output()
            .with_context(|| format!("`{}` did not start", command.join(" ")))?;
        show(&String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Answer { code: output.status.code().unwrap_or(-1), text })
    }

    fn prepare(&self, command: &[&str]) -> anyhow::Result<Command> {
        let (program, arguments) = command.split_first().context("an empty command")?;
        let own = self.programs.join(program);
        let mut prepared = if own.is_file() { Command::new(own) } else { Command::new(program) };
        prepared.args(arguments).current_dir(&self.work).stdin(Stdio::null());
        // A profile of the person who runs the demonstration must not leak into it.
        prepared.env_remove("ROGATORY_PROFILE");
        Ok(prepared)
    }
}

fn check(command: &[&str], code: i32, wanted: &[i32]) -> anyhow::Result<()> {
    if wanted.contains(&code) {
        if code != 0 {
            say::line(&format!("    (exit {code}, as it must)"));
        }
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(i32::to_string).collect();
    bail!("`{}` ended with exit {code}; wanted {}", line_of(command), wanted.join(" or "))
}

/// Prints output indented, so that commands stand out.
fn show(text: &str) {
    for row in text.lines() {
        say::line(&format!("    {row}"));
    }
}

/// A line that fits the width of a page.
fn shortened(line: &str) -> String {
    if line.chars().count() <= 120 {
        line.to_owned()
    } else {
        line.chars().take(119).chain(['…']).collect()
    }
}

/// A command as a person types it into a shell.
pub(crate) fn line_of(command: &[&str]) -> String {
    command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `count` different ports of this machine that nobody listens on now.
///
/// # Errors
/// If the system gives none.
pub(crate) fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    // All are held until all are known, so none is given twice.
    let held: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("no free port on 127.0.0.1")?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

/// The servers that run; ended when this value goes, unless they are to be kept.
pub(crate) struct Servers {
    running: Vec<Server>,
    keep: bool,
}

struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Servers {
    /// No server yet. With `keep` they outlive this program.
    pub(crate) const fn new(keep: bool) -> Self {
        Self { running: Vec::new(), keep }
    }

    /// Starts a server in the background, its log in a file, and waits until its log says that it listens.
    ///
    /// # Errors
    /// If it does not start, ends, or is not ready within a minute.
    pub(crate) fn start(
        &mut self,
        shell: &Shell,
        name: &str,
        command: &[&str],
        log: &str,
    ) -> anyhow::Result<()> {
        say::line(&format!("\n$ {} 2> {} &", line_of(command), quoted(log)));
        let log = shell.work.join(log);
        let file = File::create(&log).with_context(|| format!("cannot write `{}`", log.display()))?;
        let mut prepared = shell.prepare(command)?;
        prepared.stdout(file.try_clone()?).stderr(file);
        #[cfg(unix)]
        if self.keep {
            // A group of its own: Ctrl-C in this terminal is not meant for what shall stay.
            std::os::unix::process::CommandExt::process_group(&mut prepared, 0);
        }
        let child = prepared.spawn().with_context(|| format!("`{}` did not start", line_of(command)))?;
        self.running.push(Server { name: name.to_owned(), child, log: log.clone() });
        let Some(server) = self.running.last_mut() else { bail!("`{name}` was not kept") };
        for _ in 0..1200 {
            let text = fs::read_to_string(&log).unwrap_or_default();
            if text.lines().any(|row| row.contains("listening")) {
                return Ok(());
            }
            if let Some(status) = server.child.try_wait()? {
                show(&text);
                bail!("the server of {name} ended at once, {status}; its log is `{}`", log.display());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the server of {name} was not ready within a minute; its log is `{}`", log.display())
    }

    /// That all still run: a server that died unseen would make every later message misleading.
    ///
    /// # Errors
    /// Names the one that ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        for server in &mut self.running {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server of {} ended, {status}; its log is `{}`", server.name, server.log.display());
            }
        }
        Ok(())
    }

    /// The process ids.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.running.iter().map(|server| server.child.id()).collect()
    }

    /// Where each writes its log.
    pub(crate) fn logs(&self) -> impl Iterator<Item = &Path> {
        self.running.iter().map(|server| server.log.as_path())
    }

    /// Asks all to stop and sees that they end well.
    ///
    /// # Errors
    /// If one had to be killed or ended badly.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        for server in &self.running {
            terminate(server.child.id());
        }
        for mut server in std::mem::take(&mut self.running) {
            let ended = wait(&mut server.child);
            if ended.is_none() {
                let _ = server.child.kill();
                let _ = server.child.wait();
            }
            let status =
                ended.with_context(|| format!("the server of {} did not stop within 20 s", server.name))?;
            ensure!(
                status.success(),
                "the server of {} stopped badly, {status}; its log is `{}`",
                server.name,
                server.log.display()
            );
        }
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        for server in &self.running {
            terminate(server.child.id());
        }
        for server in &mut self.running {
            if wait(&mut server.child).is_none() {
                let _ = server.child.kill();
                let _ = server.child.wait();
            }
        }
    }
}

fn wait(child: &mut Child) -> Option<std::process::ExitStatus> {
    for _ in 0..400 {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

/// SIGTERM, through the command: the standard library only knows SIGKILL.
fn terminate(id: u32) {
    let _ = Command::new("kill").args(["-TERM", &id.to_string()]).stderr(Stdio::null()).status();
}

/// Makes the work folder anew; refuses one that holds anything but an earlier demonstration.
///
/// # Errors
/// If it holds something else, an earlier demonstration still runs there, or it can't be written.
pub(crate) fn fresh(work: &Path) -> anyhow::Result<()> {
    let marker = work.join(MARKER);
    if work.is_dir() && fs::read_dir(work)?.next().is_some() {
        ensure!(
            marker.is_file(),
            "`{}` is not empty and holds no earlier demonstration; name another folder with --directory",
            work.display()
        );
        let ids = fs::read_to_string(&marker).unwrap_or_default();
        let alive: Vec<&str> = ids.split_whitespace().filter(|id| runs_in(id, work)).collect();
        ensure!(
            alive.is_empty(),
            "servers of an earlier demonstration still run in `{}`; stop them with `kill {}`",
            work.display(),
            alive.join(" ")
        );
        fs::remove_dir_all(work).with_context(|| format!("cannot remove `{}`", work.display()))?;
    }
    fs::create_dir_all(work).with_context(|| format!("cannot make `{}`", work.display()))?;
    fs::write(&marker, "").with_context(|| format!("cannot write `{}`", marker.display()))
}

/// Notes the servers that stay, so that the next demonstration does not pull the folder from under them.
///
/// # Errors
/// If the note can't be written.
pub(crate) fn note_running(work: &Path, ids: &[u32]) -> anyhow::Result<()> {
    let text: Vec<String> = ids.iter().map(u32::to_string).collect();
    fs::write(work.join(MARKER), text.join(" ")).context("cannot note the servers that stay")
}

const MARKER: &str = ".rogatory-demo";

/// Whether a process with this id works in `work`; ids are given again, so the id alone says nothing.
fn runs_in(id: &str, work: &Path) -> bool {
    let Ok(place) = fs::read_link(Path::new("/proc").join(id).join("cwd")) else { return false };
    fs::canonicalize(work).is_ok_and(|work| place.starts_with(work))
}

/// Makes `copy` from `original` with one bit flipped, in the middle of the exhibit data.
///
/// # Errors
/// If either can't be read or written.
pub(crate) fn copy_with_flipped_bit(original: &Path, copy: &Path, at: u64) -> anyhow::Result<()> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    disk::copy_file(original, copy)?;
    let mut file = File::options().read(true).write(true).open(copy)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte).with_context(|| format!("`{}` has no byte {at}", copy.display()))?;
    byte[0] ^= 1;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&byte)?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_quoted_as_a_shell_wants_them() {
        let line = line_of(&["rogatory", "party", "import", "a b.asice", "--name=O'Neill", "", "фото"]);
        assert_eq!(line, r"rogatory party import 'a b.asice' '--name=O'\''Neill' '' 'фото'");
    }

    #[test]
    fn ports_differ() {
        let ports = free_ports(6).expect("ports");
        let mut sorted = ports.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), ports.len());
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let work = std::env::temp_dir().join(format!("rogatory-xtask-fresh-{}", std::process::id()));
        fs::create_dir_all(&work).expect("a folder");
        fs::write(work.join("thesis.txt"), "dear").expect("a file");
        assert!(fresh(&work).is_err());
        fs::remove_file(work.join("thesis.txt")).expect("removable");
        fresh(&work).expect("empty");
        fs::write(work.join("left"), "over").expect("a file");
        fresh(&work).expect("an earlier demonstration");
        assert!(!work.join("left").exists());
        fs::remove_dir_all(work).expect("removable");
    }
}
