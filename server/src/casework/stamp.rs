//! Gets time stamps for what waits for them, and renews them before they age out.
//!
//! ```text
//! act committed, row queued ── asked ── verified ── kept, and recorded if it came late
//!                                └ no authority answers: everything waits in its order; recorded once, after a while
//! ```
//! A crash between asking and keeping costs a stamp that nobody keeps; it is asked for again.

use crate::authority::Authority;
use crate::datastore::{Act, GotToken, Interruption, OFFICE, StampRow, Stamped, StoreError, Transaction};
use crate::health::{Finding, FindingKind};
use crate::problem::Problem;
use rogatory_container::timestamp::{Earlier, Nonce, renewal_list};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::entropy::draw;
use rogatory_core::{Digest, Timestamp, chain};
use rogatory_pki::signing::SignatureAlgorithm;

/// How many stamps are got in one run, and how many are renewed.
const BATCH: u32 = 64;
/// How often it is looked for stamps that age out.
const RENEWALS_SECONDS: i64 = 60 * 60;
const MINUTE_SECONDS: i64 = 60;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// Nothing waits any more, or no authority is configured.
    Done,
    /// The batch was full: more may wait.
    More,
    /// No authority gave a stamp; what waits goes on waiting.
    Interrupted,
}

/// Gets stamps for what waits, the longest waiting first.
///
/// # Errors
/// [`Problem`] if the database fails; stamps that were got before stay.
pub async fn stamp_waiting(authority: &Authority) -> Result<Run, Problem> {
    let Some(stamping) = authority.institution.time_stamping() else { return Ok(Run::Done) };
    queue_own(authority).await?;
    let waiting = authority.datastore.read().await?.waiting_stamps(BATCH).await?;
    let full = waiting.len() == BATCH as usize;
    let late_seconds = i64::from(stamping.config().late_minutes) * MINUTE_SECONDS;
    for row in waiting {
        let nonce = Nonce::from_random(draw(authority.entropy.as_ref()));
        match stamping.stamp(row.imprint, nonce).await {
            Ok(token) => authority.datastore.perform(Keep { row, token, late_seconds }).await?,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "time stamps wait");
                authority.datastore.perform(Interrupt { late_seconds }).await?;
                return Ok(Run::Interrupted);
            }
        }
    }
    Ok(if full { Run::More } else { Run::Done })
}

/// Queues what no act queues: the own party entry, and the latest checkpoint if it is time for one.
async fn queue_own(authority: &Authority) -> Result<(), Problem> {
    let Some(stamping) = authority.institution.time_stamping() else { return Ok(()) };
    let mut session = authority.datastore.read().await?;
    let entry = match authority.institution.own_entry() {
        Ok(entry) => Some(Digest::of(&entry)),
        // The operator is told elsewhere that it is missing or stale.
        Err(_) => None,
    };
    let entry = match entry {
        Some(digest) if session.stamps_of(&digest).await?.is_empty() => Some(digest),
        _ => None,
    };
    let note = session.checkpoint().await?.map(|(_, note)| note).unwrap_or_default();
    let pause = i64::from(stamping.config().checkpoint_minutes) * MINUTE_SECONDS;
    let last = session.last_checkpoint_stamp().await?;
    drop(session);
    let now = authority.clock.now();
    let due = last.is_none_or(|last| {
        // One that was queued while the clock was ahead holds nothing up.
        let waited = last.queued_time.plus_seconds(pause) <= now || last.queued_time > now;
        last.subject != Digest::of(&note) && waited
    });
    let note = (due && !note.is_empty()).then_some(note);
    if entry.is_some() || note.is_some() {
        authority.datastore.perform(QueueOwn { entry, note }).await?;
    }
    Ok(())
}

struct QueueOwn {
    entry: Option<Digest>,
    note: Option<Vec<u8>>,
}

impl Act for QueueOwn {
    const NAME: &'static str = "queue-own-stamps";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        if let Some(entry) = &self.entry {
            tx.await_stamp(Stamped::PartyEntry, OFFICE, entry, None).await?;
        }
        if let Some(note) = &self.note {
            tx.await_stamp(Stamped::Checkpoint, OFFICE, &Digest::of(note), Some(note)).await?;
        }
        Ok(())
    }
}

struct Keep {
    row: StampRow,
    token: GotToken,
    late_seconds: i64,
}

impl Act for Keep {
    const NAME: &'static str = "keep-time-stamp";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let Self { row, token, late_seconds } = self;
        tx.end_interruption().await?;
        let kept = tx.keep_token(row.position, token).await?;
        // A renewal waits for nothing: what it renews stands.
        let late = row.generation == 0 && row.queued_time.plus_seconds(*late_seconds) < tx.now();
        if kept && late {
            let event = Event::StampedLate {
                what: row.what.as_str().to_owned(),
                subject_sha256: row.subject,
                waiting_since: row.queued_time,
                stamped_time: token.stamped_time,
            };
            // The office's own stream: the case may be erased by now, and the token says nothing of it.
            tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await?;
        }
        Ok(())
    }
}

struct Interrupt {
    late_seconds: i64,
}

impl Act for Interrupt {
    const NAME: &'static str = "interrupt-time-stamps";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        match tx.interruption().await? {
            None => tx.note_interruption(false).await,
            Some(Interruption { since, recorded: false })
                if since.plus_seconds(self.late_seconds) <= tx.now() =>
            {
                tx.note_interruption(true).await?;
                let event = CustodyEvent::internal(Event::TimeStampsInterrupted { since });
                tx.record(OFFICE, &Actor::Server, event).await?;
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}

/// When it is looked next for stamps that age out.
#[derive(Default)]
pub struct Renewals {
    /// When nothing more was found; none while there may be more.
    looked: Option<Timestamp>,
}

impl Renewals {
    /// Looks for stamps that age out and queues their renewals, at most a batch, and tells how many: every hour, and
    /// while batches are full at each call, so that all are renewed in time.
    ///
    /// # Errors
    /// [`Problem`] if the database fails; what was queued before stays queued.
    pub async fn go_on(&mut self, authority: &Authority) -> Result<u32, Problem> {
        let now = authority.clock.now();
        // A clock that was ahead for a moment holds nothing up.
        if self.looked.is_some_and(|at| at <= now && now < at.plus_seconds(RENEWALS_SECONDS)) {
            return Ok(0);
        }
        let queued = renew_stamps(authority).await?;
        self.looked = (queued < BATCH).then_some(now);
        Ok(queued)
    }
}

/// Queues renewals of stamps that age out, at most a batch, and tells how many.
///
/// A stamp ages out when its authority's certificate ends soon, and earlier than that by which the last stamp was got,
/// or when its algorithm has left the list.
///
/// # Errors
/// [`Problem`] if the database fails; what was queued before stays queued.
pub async fn renew_stamps(authority: &Authority) -> Result<u32, Problem> {
    let accepted: Vec<String> = SignatureAlgorithm::ALL.iter().map(ToString::to_string).collect();
    renew_unless(authority, &accepted).await
}

/// The same by another list of accepted algorithms: for tests, in which one leaves it.
///
/// # Errors
/// As [`renew_stamps`].
pub async fn renew_unless(authority: &Authority, accepted: &[String]) -> Result<u32, Problem> {
    let Some(stamping) = authority.institution.time_stamping() else { return Ok(0) };
    let days = i64::from(stamping.config().renew_days);
    let before = authority.clock.now().plus_seconds(days * DAY_SECONDS);
    let aging = authority.datastore.read().await?.aging_stamps(before, accepted, BATCH).await?;
    let mut queued = 0;
    for row in aging {
        authority.datastore.perform(Renew { row }).await?;
        queued += 1;
    }
    Ok(queued)
}

struct Renew {
    row: StampRow,
}

impl Act for Renew {
    const NAME: &'static str = "renew-time-stamp";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let rows = tx.stamps_of(&self.row.subject).await?;
        let earlier = rows.iter().filter_map(|row| {
            Some(Earlier { stamped: row.imprint, token: Digest::of(&row.token.as_ref()?.token) })
        });
        let list = renewal_list(&self.row.subject, &earlier.collect::<Vec<_>>());
        tx.await_renewal(&self.row, list.as_bytes()).await
    }
}

/// What an operator should know, in plain words: stamps that wait too long, an authority's certificate that ends soon.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn findings(authority: &Authority) -> Result<Vec<Finding>, Problem> {
    let Some(stamping) = authority.institution.time_stamping() else { return Ok(Vec::new()) };
    let summary = authority.datastore.read().await?.stamp_summary().await?;
    let now = authority.clock.now();
    let mut findings = Vec::new();
    if let Some(since) = summary.waiting_since.filter(|since| since.plus_seconds(60 * MINUTE_SECONDS) < now) {
        findings.push(Finding::amber(FindingKind::TimeStampsWaiting, format!(
            "{} time stamps wait, the first since {}: is a time-stamping authority of `[time_stamps]` reachable?",
            summary.waiting,
            whole(since)
        )));
    }
    let days = i64::from(stamping.config().renew_days);
    if let Some(until) = summary.tsa_until.filter(|until| *until < now.plus_seconds(days * DAY_SECONDS)) {
        findings.push(Finding::amber(FindingKind::TimeStampsWaiting, format!(
            "the certificate of the time-stamping authority ends at {}; stamps can be renewed only under a later one",
            whole(until)
        )));
    }
    Ok(findings)
}

const fn whole(instant: Timestamp) -> Timestamp {
    instant.whole_seconds()
}

/// The stamps of what has the SHA-256 `subject`, as they are handed out; empty if it was never queued.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn time_stamps(authority: &Authority, subject: &Digest) -> Result<Vec<StampRow>, Problem> {
    Ok(authority.datastore.read().await?.stamps_of(subject).await?)
}
