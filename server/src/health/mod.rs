//! What endangers the promises that this office made, and what soon may: found by the server itself, for its operator.
//!
//! Each source looks at one thing and gives its findings; to add one, write a function like those below and name
//! it in [`examine`]. A source that cannot look is itself a finding. Changes nothing of any case.

use crate::authority::Authority;
use crate::casework::{epoch, stamp, witness};
use crate::problem::Problem;
use rogatory_core::chain;
use rogatory_core::receipt::INCLUSION_PROMISE_SECONDS;
use rogatory_evidence::limits::free_bytes;
use serde::Serialize;
use std::fmt;

mod folder;
pub use folder::examine_folder;

/// Below this the disk is nearly full.
const LITTLE_ROOM_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Below this soon nothing can be receipted any more.
const NO_ROOM_BYTES: u64 = 256 * 1024 * 1024;
/// From this age on an errand that nobody takes is a finding.
const OLD_ERRAND_SECONDS: i64 = 24 * 3600;
/// How many damaged packages are named.
const NAMED: u32 = 20;

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// A promise of this office is endangered or broken: act now.
    Red,
    /// Something needs looking at.
    Amber,
}

/// What kinds of things are found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A stored package has not its digests.
    PackageDamaged,
    /// Entries of the log are under no checkpoint for longer than receipts promise.
    CheckpointStale,
    /// The key store takes no new keys.
    KeyStoreNotWritable,
    /// The vault takes no objects.
    VaultNotWritable,
    /// The disk is nearly full.
    DiskNearlyFull,
    /// A counterpart takes nothing for more than a day.
    OutboxFailing,
    /// An erasure is recorded, and key or packages are still there.
    ErasureUnfinished,
    /// A counterpart that shares a stream has not cosigned the log for long, although it grew.
    WitnessSilent,
    /// A counterpart has not proven that its log holds what its receipts promised.
    PromiseBroken,
    /// A counterpart is not reached for what its receipts promised.
    PromiseOverdue,
    /// A log, a counterpart's or the own, was seen with two histories.
    LogContradicted,
    /// A backup was restored here, or the configuration names another log than the database holds.
    EpochNotBegun,
    /// A log has not proven for long that it goes on from what others saw of it.
    LogNotProven,
    /// Time stamps wait, or soon cannot be renewed.
    TimeStampsWaiting,
    /// A source could not look.
    NotExamined,
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::PackageDamaged,
        Self::CheckpointStale,
        Self::KeyStoreNotWritable,
        Self::VaultNotWritable,
        Self::DiskNearlyFull,
        Self::OutboxFailing,
        Self::ErasureUnfinished,
        Self::WitnessSilent,
        Self::PromiseBroken,
        Self::PromiseOverdue,
        Self::LogContradicted,
        Self::EpochNotBegun,
        Self::LogNotProven,
        Self::TimeStampsWaiting,
        Self::NotExamined,
    ];

    /// The kind's name in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PackageDamaged => "package-damaged",
            Self::CheckpointStale => "checkpoint-stale",
            Self::KeyStoreNotWritable => "key-store-not-writable",
            Self::VaultNotWritable => "vault-not-writable",
            Self::DiskNearlyFull => "disk-nearly-full",
            Self::OutboxFailing => "outbox-failing",
            Self::ErasureUnfinished => "erasure-unfinished",
            Self::WitnessSilent => "witness-silent",
            Self::PromiseBroken => "promise-broken",
            Self::PromiseOverdue => "promise-overdue",
            Self::LogContradicted => "log-contradicted",
            Self::EpochNotBegun => "epoch-not-begun",
            Self::LogNotProven => "log-not-proven",
            Self::TimeStampsWaiting => "time-stamps-waiting",
            Self::NotExamined => "not-examined",
        }
    }
}

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// How grave.
    pub gravity: Gravity,
    /// What is the matter and what to do, in plain words.
    pub what: String,
}

impl Finding {
    /// A finding that endangers a promise.
    #[must_use]
    pub fn red(kind: FindingKind, what: impl Into<String>) -> Self {
        Self { kind, gravity: Gravity::Red, what: what.into() }
    }

    /// A finding that needs looking at.
    #[must_use]
    pub fn amber(kind: FindingKind, what: impl Into<String>) -> Self {
        Self { kind, gravity: Gravity::Amber, what: what.into() }
    }

    /// Whether a promise is endangered.
    #[must_use]
    pub fn is_red(&self) -> bool {
        self.gravity == Gravity::Red
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gravity = if self.is_red() { "red" } else { "amber" };
        write!(f, "{gravity}  {}: {}", self.kind.as_str(), self.what)
    }
}

/// Looks at everything; the gravest first.
pub async fn examine(authority: &Authority) -> Vec<Finding> {
    let mut all = Vec::new();
    // Each source stands here once.
    take("stored packages", packages(authority).await, &mut all);
    take("checkpoint", checkpoint(authority).await, &mut all);
    take("epoch", epoch(authority).await, &mut all);
    take("disks", disks(authority).await, &mut all);
    take("outbox", outbox(authority).await, &mut all);
    take("erasures", erasures(authority).await, &mut all);
    take("witnesses", witness::findings(authority).await, &mut all);
    take("time stamps", stamp::findings(authority).await, &mut all);
    all.sort_by_key(|finding| (finding.gravity, finding.kind));
    all
}

fn take(source: &str, found: Result<Vec<Finding>, Problem>, all: &mut Vec<Finding>) {
    match found {
        Ok(found) => all.extend(found),
        Err(problem) => {
            tracing::error!(source, problem = %chain(&problem), "a part of the server could not be examined");
            let what = format!("{source}: {}; the server's log says more", problem.message());
            all.push(Finding::red(FindingKind::NotExamined, what));
        }
    }
}

async fn packages(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let damaged = authority.datastore.read().await?.damaged_packages(NAMED).await?;
    let what = |package| {
        format!(
            "package {package} has not the digests it came with; keep the vault as it is, run `rogatory-server fsck --deep`, \
             and restore the package from a backup or ask its sender for it"
        )
    };
    Ok(damaged.into_iter().map(|package| Finding::red(FindingKind::PackageDamaged, what(package))).collect())
}

async fn checkpoint(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let mut session = authority.datastore.read().await?;
    let size = session.tree_size().await?;
    let covered = session.checkpoint().await?.map_or(0, |(covered, _)| covered);
    if covered >= size {
        return Ok(Vec::new());
    }
    let Some(since) = session.recorded_time(covered).await? else { return Ok(Vec::new()) };
    let age = (authority.clock.now().microseconds() - since.microseconds()) / 1_000_000;
    if age <= i64::from(INCLUSION_PROMISE_SECONDS) {
        return Ok(Vec::new());
    }
    let what = format!(
        "{} entries since {since} are under no checkpoint, and receipts promise {INCLUSION_PROMISE_SECONDS} seconds; \
         the server's log says why none could be signed",
        size - covered
    );
    Ok(vec![Finding::red(FindingKind::CheckpointStale, what)])
}

async fn epoch(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let standing = epoch::standing(authority).await?;
    let refused = standing.demand_current(authority.institution.log_origin()).err();
    let found = |problem: Problem| Finding::red(FindingKind::EpochNotBegun, problem.message());
    Ok(refused.map(found).into_iter().collect())
}

async fn disks(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let (keys, vault) = (authority.datastore.keys().clone(), authority.vault.clone());
    let looked = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        if let Err(error) = keys.probe() {
            let what =
                format!("the folder of case keys cannot be written: {error}; no new case can be opened");
            found.push(Finding::red(FindingKind::KeyStoreNotWritable, what));
        }
        if let Err(error) = vault.probe() {
            let what = format!("the vault cannot be written: {error}; no package can be taken");
            found.push(Finding::red(FindingKind::VaultNotWritable, what));
        }
        found.extend(free_bytes(vault.root()).and_then(little_room));
        found
    });
    looked.await.map_err(|error| Problem::internal("looking at the disks broke off", error))
}

fn little_room(free: u64) -> Option<Finding> {
    let what = format!("the vault's disk has {} MiB free; make room", free / (1024 * 1024));
    if free < NO_ROOM_BYTES {
        Some(Finding::red(FindingKind::DiskNearlyFull, what))
    } else if free < LITTLE_ROOM_BYTES {
        Some(Finding::amber(FindingKind::DiskNearlyFull, what))
    } else {
        None
    }
}

async fn outbox(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let in_vain = authority.datastore.read().await?.errands_in_vain().await?;
    let Some((since, count)) = in_vain else { return Ok(Vec::new()) };
    let age = (authority.clock.now().microseconds() - since.microseconds()) / 1_000_000;
    if age <= OLD_ERRAND_SECONDS {
        return Ok(Vec::new());
    }
    let what = format!(
        "{count} messages wait in the outbox, the oldest since {since}; the server goes on trying: tell the counterpart another way"
    );
    Ok(vec![Finding::amber(FindingKind::OutboxFailing, what)])
}

async fn erasures(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let unfinished = authority.datastore.read().await?.unfinished_erasures().await?;
    let what = |case| {
        format!(
            "case {case} is erased, and its key or packages are still there; the server goes on trying, its log says why"
        )
    };
    Ok(unfinished
        .into_iter()
        .map(|row| Finding::red(FindingKind::ErasureUnfinished, what(row.case)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_green_then_amber_then_red() {
        assert_eq!(little_room(LITTLE_ROOM_BYTES), None);
        assert!(little_room(LITTLE_ROOM_BYTES - 1).is_some_and(|finding| !finding.is_red()));
        assert!(little_room(NO_ROOM_BYTES - 1).is_some_and(|finding| finding.is_red()));
    }
}
