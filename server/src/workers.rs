//! What time does: signs a checkpoint soon after entries were committed, so that the promise of
//! inclusion within 60 seconds holds without anybody asking; settles the database's write-ahead log; brings
//! what waits in the outbox; asks witnesses for cosignatures and counterparts for promised proofs; gets and renews time
//! stamps; has preservations lapse; finishes erasures; removes what was announced and never completed.

use crate::authority::Authority;
use crate::casework::dispatch::{Errands, hasten_all};
use crate::casework::erase_case::finish_erasures;
use crate::casework::lapse_preservations::lapse_preservations;
use crate::casework::recheck::{Rate, recheck_next};
use crate::casework::record_run::{ClockReading, look_at_clock};
use crate::casework::remove_stale_transfers::remove_stale_transfers;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::casework::stamp::{Renewals, Run, stamp_waiting};
use crate::casework::witness::ask::Rounds;
use crate::casework::witness::heard::compare_heard;
use crate::casework::witness::promises::ask_for_proofs;
use crate::health::{Finding, examine};
use rogatory_core::chain;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long entries are gathered before a checkpoint is signed over them: half of the second within which it is promised.
pub const CHECKPOINT_DELAY: Duration = Duration::from_millis(500);
/// How often the server examines itself.
const HEALTH_INTERVAL: Duration = Duration::from_secs(30);
/// How often preservations are looked through that are over.
const LAPSE_INTERVAL: Duration = Duration::from_secs(60);
/// How often erasures are looked for of which something is left.
const ERASURES_INTERVAL: Duration = Duration::from_secs(60);
/// How often the clock is compared with what the machine counts.
const CLOCK_INTERVAL: Duration = Duration::from_secs(60);
/// How long after the last package of a round it is looked again for one that is due.
const RECHECK_INTERVAL: Duration = Duration::from_secs(15 * 60);
/// How often the outbox is looked through.
const OUTBOX_INTERVAL: Duration = Duration::from_secs(1);
/// How long a checkpoint waits before witnesses are shown it, and how often one that failed may be asked again.
const WITNESS_INTERVAL: Duration = Duration::from_secs(2);
/// How often promised proofs, and what was heard of logs, are looked through.
const PROOFS_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked for what waits for a time stamp, and at most how long after authorities did not answer.
const STAMPS_INTERVAL: Duration = Duration::from_secs(5);
const STAMPS_INTERVAL_AT_MOST: Duration = Duration::from_secs(5 * 60);
/// How often the files of revocation lists are read again.
const REVOCATION_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// How often transfers are looked through.
const TRANSFERS_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// After so many days without a word from the sender a transfer is taken for given up.
const STALE_DAYS: u16 = 30;

/// Signs checkpoints until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn checkpoints(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        // Before the first wait too: a crash may have left entries without one.
        let failed = match sign_checkpoint(&authority).await {
            Ok(_) => false,
            Err(problem) => {
                tracing::error!(problem = %chain(&problem), "no checkpoint could be signed");
                true
            }
        };
        if let Err(problem) = authority.datastore.settle_wal().await {
            tracing::warn!(problem = %chain(&problem), "the write-ahead log grows until the next time");
        }
        let growth = async {
            if !failed {
                authority.datastore.log_grown().await;
            }
            tokio::time::sleep(CHECKPOINT_DELAY).await;
        };
        tokio::select! {
            () = growth => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
    }
}

/// Serves the outbox until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn outbox(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut errands = Errands::default();
    let mut hastened = false;
    loop {
        let set_out = async {
            if !hastened {
                hasten_all(&authority).await?;
                hastened = true;
            }
            errands.set_out(&authority, authority.clock.now()).await
        };
        if let Err(problem) = set_out.await {
            tracing::error!(problem = %chain(&problem), "the outbox could not be served");
        }
        // Errands that are out when the server goes down are cut off; they wait, and the next start sets out again.
        let failed = tokio::select! {
            () = tokio::time::sleep(OUTBOX_INTERVAL) => false,
            failed = errands.back(), if errands.out() > 0 => failed,
            _ = up.wait_for(|down| *down) => return Ok(()),
        };
        if failed {
            // Its line may be due still: not over and over at once.
            tokio::time::sleep(OUTBOX_INTERVAL).await;
        }
    }
}

/// Asks witnesses for cosignatures until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn witnesses(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut rounds = Rounds::default();
    loop {
        // Before the first wait too: a crash may have left a checkpoint that nobody was shown.
        // A call that is out when the server goes down is cut off; the next start asks again.
        let round = tokio::select! {
            round = rounds.go_round(&authority) => round,
            _ = up.wait_for(|down| *down) => return Ok(()),
        };
        let left = round.unwrap_or_else(|problem| {
            tracing::error!(problem = %chain(&problem), "witnesses could not be asked");
            true
        });
        let next = async {
            if !left {
                authority.checkpoint_grown().await;
            }
            tokio::time::sleep(WITNESS_INTERVAL).await;
        };
        tokio::select! {
            () = next => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
    }
}

/// Asks for what receipts promised and compares what was heard of logs, until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn proofs(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PROOFS_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        let work = async {
            ask_for_proofs(&authority).await?;
            compare_heard(&authority).await
        };
        // What is out when the server goes down is cut off; it waits, and is tried again later.
        tokio::select! {
            done = work => {
                if let Err(problem) = done {
                    tracing::error!(problem = %chain(&problem), "proofs could not be asked for");
                }
            }
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
    }
}

/// Has preservations lapse when their time is over, until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn lapses(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        let lapsed = lapse_preservations(&authority).await.unwrap_or_else(|problem| {
            tracing::error!(problem = %chain(&problem), "preservations that are over could not be looked through");
            0
        });
        // What lapsed filled a batch perhaps: there may be more.
        let pause = if lapsed == 0 { LAPSE_INTERVAL } else { Duration::ZERO };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
    }
}

/// Finishes erasures that are committed and not done, until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn erasures(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(ERASURES_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        if let Err(problem) = finish_erasures(&authority).await {
            tracing::error!(problem = %chain(&problem), "an erasure is not finished yet");
        }
    }
}

/// Gets and renews time stamps until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again, later and later.
pub async fn time_stamps(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    if authority.institution.time_stamping().is_none() {
        return Ok(());
    }
    let mut pause = STAMPS_INTERVAL;
    let mut renewals = Renewals::default();
    loop {
        let work = async {
            tokio::time::sleep(pause).await;
            renewals.go_on(&authority).await?;
            stamp_waiting(&authority).await
        };
        let run = tokio::select! {
            run = work => run,
            // An answer that is under way is not waited for; it is asked for again after the next start.
            _ = up.wait_for(|down| *down) => return Ok(()),
        };
        pause = match run {
            Ok(Run::Done) => STAMPS_INTERVAL,
            Ok(Run::More) => Duration::ZERO,
            Ok(Run::Interrupted) => (pause.max(STAMPS_INTERVAL) * 2).min(STAMPS_INTERVAL_AT_MOST),
            Err(problem) => {
                tracing::error!(problem = %chain(&problem), "what waits for a time stamp could not be looked through");
                STAMPS_INTERVAL_AT_MOST
            }
        };
    }
}

/// Takes up the revocation lists again and again until the server goes down: their operator keeps the files fresh.
///
/// # Errors
/// None; lists that cannot be read are logged, and the earlier ones stay.
pub async fn revocation_lists(
    authority: Arc<Authority>,
    mut up: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    if authority.institution.config().keys.revocation_lists.is_empty() {
        return Ok(());
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(REVOCATION_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        // Not across an import, whose directory is newer.
        let _importing = authority.importing.lock().await;
        if let Err(problem) = authority.reload_directory().await {
            tracing::error!(problem = %chain(&problem), "the revocation lists could not be taken up");
        }
    }
}

/// Reads stored packages again, until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn rechecks(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut pause = RECHECK_INTERVAL;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        // A reading that is cut off is begun anew after the next start.
        let read = tokio::select! {
            read = recheck_next(&authority, Rate::USUAL) => read,
            _ = up.wait_for(|down| *down) => return Ok(()),
        };
        pause = match read {
            Ok(Some(_)) => Duration::ZERO,
            Ok(None) => RECHECK_INTERVAL,
            Err(problem) => {
                tracing::error!(problem = %chain(&problem), "stored packages could not be read again");
                RECHECK_INTERVAL
            }
        };
    }
}

/// Compares the clock with what the machine counts, until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn clock(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the machine counts is what the clock is compared with"
    )]
    let instant = || tokio::time::Instant::now();
    let mut since = instant();
    let mut reading = ClockReading { showed: authority.clock.now() };
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLOCK_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        match look_at_clock(&authority, reading, since.elapsed()).await {
            Ok(now) => (since, reading) = (instant(), now),
            Err(problem) => {
                tracing::error!(problem = %chain(&problem), "a jump of the clock could not be recorded");
            }
        }
    }
}

/// Has health checks and the gRPC health of the officers' listener follow what is found, until the server goes down.
///
/// # Errors
/// None; a failure is itself a finding.
pub async fn health(
    authority: Arc<Authority>,
    reporter: tonic_health::server::HealthReporter,
    mut up: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    loop {
        let findings = examine(&authority).await;
        for finding in &findings {
            tracing::warn!(kind = finding.kind.as_str(), red = finding.is_red(), "{}", finding.what);
        }
        let red = findings.iter().any(Finding::is_red);
        let status =
            if red { tonic_health::ServingStatus::NotServing } else { tonic_health::ServingStatus::Serving };
        reporter.set_service_status("", status).await;
        tokio::select! {
            () = tokio::time::sleep(HEALTH_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
    }
}

/// Removes stale transfers until the server goes down.
///
/// # Errors
/// None; a failure is logged and tried again.
pub async fn stale_transfers(authority: Arc<Authority>, mut up: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(TRANSFERS_INTERVAL) => {}
            _ = up.wait_for(|down| *down) => return Ok(()),
        }
        if let Err(problem) = remove_stale_transfers(&authority, STALE_DAYS).await {
            tracing::error!(problem = %chain(&problem), "stale transfers could not be removed");
        }
    }
}
