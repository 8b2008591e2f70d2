//! The `rogatory` command: the machine's clock, randomness and terminal, and nothing else.

use clap::Parser;
use rogatory_client::account::account;
use rogatory_client::cli::Cli;
use rogatory_client::output::printer::Streams;
use rogatory_client::{Environment, run};
use rogatory_core::{Clock, Entropy, Timestamp};
use std::io::{BufReader, IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's clock.
struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "the binary is where the machine's clock enters")]
    fn now(&self) -> Timestamp {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(elapsed.as_micros())
            .ok()
            .and_then(|microseconds| Timestamp::from_microseconds(microseconds).ok())
            .unwrap_or_else(|| give_up("the machine's clock shows no time before the year 10000"))
    }
}

/// The operating system's randomness.
struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            give_up("the operating system gives no random numbers");
        }
    }
}

/// Ends the process: without time or randomness nothing may be signed or numbered.
fn give_up(why: &str) -> ! {
    // If even the error stream is gone, the exit code still tells.
    let _ = writeln!(stderr(), "error: {why}");
    std::process::exit(1)
}

/// How a command that was told to stop ends.
const STOPPED: i32 = 130;

/// Waits until somebody tells the program to stop, then removes what it has begun: evidence that is
/// being opened lies in the clear until it is whole. A task of its own, since a question at the
/// terminal or the writing of a file holds up the others.
async fn stop_cleanly() {
    told_to_stop().await;
    rogatory_evidence::discard_partials();
    std::process::exit(STOPPED)
}

#[cfg(unix)]
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    // Without a handler the system ends the program as ever.
    if let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    } else {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment {
        clock: Arc::new(MachineClock),
        entropy: Arc::new(MachineEntropy),
        streams: Streams {
            input: Box::new(BufReader::new(stdin())),
            output: Box::new(stdout()),
            errors: Box::new(stderr()),
            input_is_terminal: stdin().is_terminal(),
            errors_are_terminal: stderr().is_terminal(),
        },
        profile: std::env::var_os("ROGATORY_PROFILE").filter(|value| !value.is_empty()).map(Into::into),
        account: account(),
    };
    tokio::spawn(stop_cleanly());
    ExitCode::from(run(cli, environment).await.code())
}
