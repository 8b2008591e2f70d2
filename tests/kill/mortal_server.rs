//! A server that is killed with SIGKILL at one commit: right before it takes effect, or right after, before anybody is told.
//!
//! The folder is its argument. The file `dies-at` there says when: `ACT before` or `ACT after`, with the act's name; it
//! may be written while the server runs. Everything else is the server as it is.

use rogatory_core::{Clock, Timestamp};
use rogatory_server::config::ServerConfig;
use rogatory_server::faults::{Broken, Faults};
use rogatory_server::{Server, Sockets};
use rogatory_tests::SeededEntropy;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "a program of its own reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let microseconds = i64::try_from(since.as_micros()).expect("before 9999");
        Timestamp::from_microseconds(microseconds).expect("an instant")
    }
}

struct Mortal {
    dies_at: PathBuf,
    /// The commit took effect; the next question is whether it did.
    committed: AtomicBool,
}

impl Faults for Mortal {
    fn commit(&self, acts: &[&'static str]) -> Option<Broken> {
        if self.committed.load(Ordering::SeqCst) {
            die();
        }
        let said = std::fs::read_to_string(&self.dies_at).ok()?;
        let (act, when) = said.split_once(' ')?;
        if !acts.contains(&act) {
            return None;
        }
        if when == "before" {
            die();
        }
        self.committed.store(true, Ordering::SeqCst);
        Some(Broken::KeptButReportedLost)
    }

    fn call(&self, _: &'static str) -> Option<Broken> {
        None
    }
}

/// Nothing that follows is done.
fn die() -> ! {
    let killed = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "`kill` works");
    loop {
        std::thread::park();
    }
}

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let folder: PathBuf = std::env::args_os().nth(1).expect("a folder").into();
    let config = ServerConfig::load(&folder).expect("a configuration");
    let sockets = Sockets::bind(&config).await.expect("the ports are free");
    let clock = Arc::new(MachineClock);
    // Other ids at each start.
    let seed = u64::from(std::process::id()) ^ u64::try_from(clock.now().microseconds()).expect("after 1970");
    let faults = Mortal { dies_at: folder.join("dies-at"), committed: AtomicBool::new(false) };
    let entropy = Arc::new(SeededEntropy::new(seed));
    let server = Server::start(&folder, config, sockets, clock, entropy, Arc::new(faults)).await;
    let _server = server.expect("the server starts");
    std::future::pending::<()>().await;
}
