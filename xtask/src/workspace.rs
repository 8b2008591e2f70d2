//! Where things are: the root of the project, its target folder, the cargo that runs us.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The cargo that started this task, in the root of the project.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What cargo set for us is not meant for the cargo we start.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}

/// The target folder, wherever the configuration puts it.
///
/// # Errors
/// If `cargo metadata` fails or answers in another form.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("`cargo metadata` did not start")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("`cargo metadata` did not answer in JSON")?;
    let target = metadata["target_directory"].as_str().context("`cargo metadata` names no target folder")?;
    Ok(PathBuf::from(target))
}

/// Measures how long things take, for people to read.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "a task's own duration, printed and never decided upon")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long since it was started.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// How long since it was started, in words.
    pub(crate) fn words(&self) -> String {
        let seconds = self.elapsed().as_secs_f64();
        if seconds < 60.0 {
            format!("{seconds:.1} s")
        } else {
            format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0)
        }
    }
}
