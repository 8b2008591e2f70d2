//! What the server itself does is recorded too: its starts and ends, what changed in its configuration between two
//! starts, and a clock that went back or jumped.
//!
//! Of the configuration only digests are kept and recorded, with the kind of thing and the officer's id: no names.

use crate::authority::Authority;
use crate::datastore::{Act, Configured, OFFICE, StoreError, Transaction};
use crate::institution::Institution;
use crate::problem::Problem;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, OfficerId, Role, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// By how much clock and machine may differ before it is an anomaly: time servers correct less.
pub const CLOCK_TOLERANCE_SECONDS: i64 = 5 * 60;

/// Records the start, what changed since the last one, and a clock that stands before the last commit.
///
/// # Errors
/// [`Problem`] if the database fails: then the server does not start.
pub async fn record_start(authority: &Authority) -> Result<(), Problem> {
    let act = RecordStart { configured: configured(&authority.institution) };
    authority.datastore.perform(act).await
}

/// Records that the server ends in order.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn record_stop(authority: &Authority) -> Result<(), Problem> {
    authority.datastore.perform(RecordOwn { event: Event::ServerStopped {} }).await
}

/// What the clock showed, to be compared with what the machine counted since.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// What it showed.
    pub showed: Timestamp,
}

impl ClockReading {
    /// The instant that was to be expected `elapsed` later, if the clock shows another one by more than the tolerance.
    #[must_use]
    pub fn anomaly(self, elapsed: Duration, found: Timestamp) -> Option<Timestamp> {
        let seconds = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
        let expected = self.showed.plus_seconds(seconds);
        let apart = found.microseconds().saturating_sub(expected.microseconds()).saturating_abs();
        (apart > CLOCK_TOLERANCE_SECONDS * 1_000_000).then_some(expected)
    }
}

/// Compares the clock with what the machine counted since `before`; records what does not fit, and gives the new reading.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn look_at_clock(
    authority: &Authority,
    before: ClockReading,
    elapsed: Duration,
) -> Result<ClockReading, Problem> {
    let found = authority.clock.now();
    if let Some(expected) = before.anomaly(elapsed, found) {
        tracing::error!(%expected, %found, "the clock jumped");
        authority.datastore.perform(RecordOwn { event: Event::ClockAnomaly { expected, found } }).await?;
    }
    Ok(ClockReading { showed: found })
}

/// Every part of the configuration that decides who may do what, by digests.
fn configured(institution: &Institution) -> Vec<Configured> {
    let mut all = Vec::new();
    let mut add = |what: &str, officer: &str, parts: &[&[u8]]| {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        all.push(Configured {
            what: what.to_owned(),
            officer: officer.to_owned(),
            sha256: Digest::of(&bytes),
        });
    };
    for (what, bytes) in institution.configured_parts() {
        add(what, "", &[bytes.as_slice()]);
    }
    for officer in institution.officers() {
        let id = officer.id.to_string();
        let roles: Vec<&str> = officer.roles.iter().map(|role: &Role| role.as_str()).collect();
        add("officer-roles", &id, &[roles.join(",").as_bytes()]);
        add("officer-certificate", &id, &[officer.signing_certificate.digest().as_bytes()]);
        add("officer-recipients", &id, &[officer.recipients.join(",").as_bytes()]);
    }
    all
}

struct RecordStart {
    configured: Vec<Configured>,
}

impl Act for RecordStart {
    const NAME: &'static str = "record-start";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let now = tx.now();
        if let Some(expected) = tx.last_commit_time().await?.filter(|last| *last > now) {
            record(tx, Event::ClockAnomaly { expected, found: now }).await?;
        }
        let before = tx.configuration().await?;
        if !before.is_empty() {
            for event in changes(&before, &self.configured) {
                record(tx, event).await?;
            }
        }
        if before != sorted(&self.configured) {
            tx.keep_configuration(&self.configured).await?;
        }
        record(tx, Event::ServerStarted { version: env!("CARGO_PKG_VERSION").to_owned() }).await
    }
}

fn sorted(all: &[Configured]) -> Vec<Configured> {
    let mut all = all.to_vec();
    all.sort();
    all
}

fn changes(before: &[Configured], now: &[Configured]) -> Vec<Event> {
    let by_name = |all: &[Configured]| -> BTreeMap<(String, String), Digest> {
        all.iter().map(|one| ((one.what.clone(), one.officer.clone()), one.sha256)).collect()
    };
    let (before, now) = (by_name(before), by_name(now));
    let mut names: Vec<&(String, String)> = before.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| before.get(*name) != now.get(*name));
    changed
        .map(|name| Event::ConfigurationChanged {
            changed: name.0.clone(),
            officer: name.1.parse::<OfficerId>().ok(),
            before_sha256: before.get(name).copied(),
            now_sha256: now.get(name).copied(),
        })
        .collect()
}

async fn record(tx: &mut Transaction, event: Event) -> Result<(), StoreError> {
    tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await.map(drop)
}

/// One event of the office's own, done by the server.
struct RecordOwn {
    event: Event,
}

impl Act for RecordOwn {
    const NAME: &'static str = "record-own-event";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        record(tx, self.event.clone()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_with_the_machine_is_none_and_a_jump_is_one() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let before = ClockReading { showed: at("2026-11-22T14:20:00Z") };
        let minute = Duration::from_secs(60);
        assert_eq!(before.anomaly(minute, at("2026-11-22T14:21:00Z")), None);
        assert_eq!(before.anomaly(minute, at("2026-11-22T14:26:00Z")), None, "within the tolerance");
        for jumped in ["2026-11-22T14:26:01Z", "2026-11-22T14:15:59Z", "2027-11-22T14:21:00Z"] {
            assert_eq!(before.anomaly(minute, at(jumped)), Some(at("2026-11-22T14:21:00Z")), "{jumped}");
        }
    }
}
