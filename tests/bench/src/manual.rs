//! How it is done by hand today, with other people's tools: `sha256sum`, `age`, `scp`.

use crate::process::{self, Running};
use crate::report::{Line, amount};
use crate::time::Stopwatch;
use anyhow::{Context as _, ensure};
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Writes `bytes` that no tool can compress, the same in every run, and makes them durable.
///
/// # Errors
/// As the file system says.
pub(crate) fn evidence(path: &Path, bytes: u64) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut file = fs::File::create(path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0_u8; 1 << 20];
    let mut left = bytes;
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let take = usize::try_from(left.min(1 << 20))?;
        file.write_all(block.get(..take).context("a part of a block")?)?;
        left -= take as u64;
    }
    file.sync_all()?;
    Ok(())
}

/// A throw-away age key pair in `folder`.
pub(crate) struct AgeKey {
    /// `age1…`.
    pub(crate) recipient: String,
    /// The identity file.
    file: PathBuf,
}

impl AgeKey {
    /// Makes it.
    ///
    /// # Errors
    /// Without `age`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        ensure!(process::is_there("age"), "`age` is not installed; Debian's package is `age`");
        let file = folder.join("age-key.txt");
        process::output(Command::new("age-keygen").arg("-o").arg(&file))?;
        let recipient = process::output(Command::new("age-keygen").arg("-y").arg(&file))?;
        Ok(Self { recipient: recipient.trim().to_owned(), file })
    }
}

/// How long steps by hand took: as the tools leave it, and with what they wrote made durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    /// Without any sync.
    pub(crate) seconds: f64,
    /// With the sync of what was written.
    pub(crate) durable_seconds: f64,
}

fn timed(commands: &mut [Command], written: &[&Path]) -> anyhow::Result<Took> {
    let watch = Stopwatch::start();
    for command in commands.iter_mut() {
        process::output(command)?;
    }
    let seconds = watch.seconds();
    process::output(Command::new("sync").args(written))?;
    Ok(Took { seconds, durable_seconds: watch.seconds() })
}

fn sha256sum(file: &Path) -> Command {
    let mut command = Command::new("sha256sum");
    command.arg(file);
    command
}

fn encrypt(key: &AgeKey, from: &Path, to: &Path) -> Command {
    let mut command = Command::new("age");
    command.args(["-r", &key.recipient, "-o"]).arg(to).arg(from);
    command
}

/// The same with a faster program for SHA-256, `openssl dgst`.
///
/// # Errors
/// Names the tool that failed.
pub(crate) fn seal_with_openssl(key: &AgeKey, from: &Path, to: &Path) -> anyhow::Result<Took> {
    timed(&mut [openssl_dgst(from), encrypt(key, from, to), openssl_dgst(to)], &[to])
}

fn openssl_dgst(file: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256"]).arg(file);
    command
}

/// `sha256sum`, `age`, `sha256sum`, one after another.
///
/// # Errors
/// Names the tool that failed.
pub(crate) fn seal(key: &AgeKey, from: &Path, to: &Path) -> anyhow::Result<Took> {
    timed(&mut [sha256sum(from), encrypt(key, from, to), sha256sum(to)], &[to])
}

/// `age -d`, then `sha256sum` of what came out.
///
/// # Errors
/// Names the tool that failed.
pub(crate) fn open(key: &AgeKey, from: &Path, to: &Path) -> anyhow::Result<Took> {
    let mut decrypt = Command::new("age");
    decrypt.arg("-d").arg("-i").arg(&key.file).arg("-o").arg(to).arg(from);
    timed(&mut [decrypt, sha256sum(to)], &[to])
}

/// `scp` over loopback.
///
/// # Errors
/// Likewise.
pub(crate) fn copy(door: &SshDoor, from: &Path, to: &Path) -> anyhow::Result<Took> {
    timed(&mut [door.scp(from, to)], &[to])
}

/// The whole procedure: `sha256sum`, `age`, `sha256sum`, `scp`, `sha256sum`.
///
/// # Errors
/// Likewise.
pub(crate) fn seal_and_copy(
    key: &AgeKey,
    door: &SshDoor,
    from: &Path,
    sealed: &Path,
    to: &Path,
) -> anyhow::Result<Took> {
    let mut steps =
        [sha256sum(from), encrypt(key, from, sealed), sha256sum(sealed), door.scp(sealed, to), sha256sum(to)];
    timed(&mut steps, &[sealed, to])
}

/// An SSH server on loopback, with throw-away keys, for this run only.
pub(crate) struct SshDoor {
    _server: Running,
    folder: PathBuf,
    port: u16,
    user: String,
}

impl SshDoor {
    /// Opens it, its files in `folder`.
    ///
    /// # Errors
    /// Without `sshd`, or if nobody can log in.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        for program in ["sshd", "ssh-keygen", "scp"] {
            ensure!(
                process::is_there(program),
                "`{program}` is not installed; Debian's packages are `openssh-server` and `openssh-client`"
            );
        }
        fs::create_dir_all(folder)?;
        for key in ["host", "user"] {
            process::output(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(folder.join(key)),
            )?;
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized"))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let host = fs::read_to_string(folder.join("host.pub"))?;
        fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {host}"))?;
        let user = process::output(Command::new("id").arg("-un"))?.trim().to_owned();
        if user == "root" {
            // A server started by root insists on this empty folder; the system's own start script makes it, too.
            fs::create_dir_all("/run/sshd").context("`/run/sshd` cannot be made")?;
        }
        let lines = [
            "ListenAddress 127.0.0.1".to_owned(),
            format!("Port {port}"),
            format!("HostKey {}", folder.join("host").display()),
            format!("AuthorizedKeysFile {}", folder.join("authorized").display()),
            format!("AllowUsers {user}"),
            "PidFile none".to_owned(),
            "StrictModes no".to_owned(),
            "UsePAM no".to_owned(),
            "PasswordAuthentication no".to_owned(),
            "KbdInteractiveAuthentication no".to_owned(),
            "PermitRootLogin prohibit-password".to_owned(),
            "Subsystem sftp internal-sftp".to_owned(),
        ];
        let config = folder.join("sshd_config");
        fs::write(&config, lines.join("\n") + "\n")?;
        // The server insists on being called by its whole path.
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(&config);
        let server = Running::start(&mut command, &folder.join("sshd.log"))?;
        let door = Self { _server: server, folder: folder.to_owned(), port, user };
        for _ in 0..200 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let (probe, copied) = (folder.join("probe"), folder.join("probe.copied"));
        fs::write(&probe, "probe")?;
        process::output(&mut door.scp(&probe, &copied))
            .context("nobody can log in at the SSH server of this run")?;
        ensure!(fs::read(&copied)? == b"probe", "`scp` did not copy");
        Ok(door)
    }

    fn scp(&self, from: &Path, to: &Path) -> Command {
        let mut command = Command::new("scp");
        command.args(["-q", "-F", "none", "-P", &self.port.to_string(), "-i"]).arg(self.folder.join("user"));
        command.args([
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
        ]);
        command.arg(format!("UserKnownHostsFile={}", self.folder.join("known").display()));
        command.arg(from).arg(format!("{}@127.0.0.1:{}", self.user, to.display()));
        command
    }
}

/// Bytes moved in a time, as MiB/s.
pub(crate) fn speed(bytes: u64, seconds: f64) -> f64 {
    amount(bytes) / 1_048_576.0 / seconds
}

/// The two lines that compare `ours`, in seconds and durable at the end as always, with a procedure by hand: as people run it, without syncs,
/// which the promise speaks of, and durable as well.
pub(crate) fn against(
    measure: &str,
    bytes: u64,
    ours: &[f64],
    manual: (&str, &[Took]),
    promised_times: f64,
) -> [Line; 2] {
    let (what, took) = manual;
    let of = |seconds: &[f64]| seconds.iter().map(|seconds| speed(bytes, *seconds)).collect::<Vec<_>>();
    let median =
        |value: fn(&Took) -> f64| crate::report::median(&of(&took.iter().map(value).collect::<Vec<_>>()));
    let line = || Line::of(format!("{measure}, durable"), "MiB/s", of(ours));
    [
        line()
            .beside(format!("{what}, nothing synced"), median(|took| took.seconds))
            .at_least_times(promised_times),
        line().beside(format!("{what}, then synced"), median(|took| took.durable_seconds)),
    ]
}
