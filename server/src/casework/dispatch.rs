//! Brings what waits in the outbox to its addressee: within the officer's call, and by a worker for
//! as long as it takes.
//!
//! ```text
//! act ── commit (row, entry of the log, errand) ── sent ── receipt stored, errand gone ── commit
//!                                                └ lost, or the answer was: tried again, the same bytes;
//!                                                  the counterpart knows them and gives the same receipt
//! ```
//! A line, that is one case and one addressee, leaves in order, one errand at a time. Decides
//! nothing about what is sent.

use crate::authority::Authority;
use crate::casework::transmit_document::{self, Transmitted};
use crate::casework::{relay_package, send_package};
use crate::datastore::{Act, DocumentRow, Errand, Line, OutboxEntry, StoreError, Transaction};
use crate::problem::{Problem, Reason};
use rogatory_core::entropy::draw;
use rogatory_core::{PartyId, Timestamp, chain};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::task::JoinSet;

/// How long the call that queued an errand has it for itself, in seconds, before a worker takes it up.
pub const FIRST_TRY_SECONDS: i64 = 30;
/// The first pause after a try in vain; each next one is twice as long.
const FIRST_PAUSE_SECONDS: i64 = 2;
/// The longest pause.
const LONGEST_PAUSE_SECONDS: i64 = 15 * 60;
/// From this age on an errand that nobody takes is an alarm for the operator, at every try.
const ALARM_AGE_SECONDS: i64 = 24 * 3600;
/// How many lines a worker takes up at once.
const LINES_AT_ONCE: usize = 16;

type Place = Arc<tokio::sync::Mutex<()>>;

/// Which lines are being served: one server at a line.
#[derive(Default)]
pub struct Lines(Mutex<HashMap<Line, Weak<tokio::sync::Mutex<()>>>>);

impl Lines {
    fn place(&self, line: &Line) -> Place {
        // The map is whole whenever the lock is free, even after a panic elsewhere.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = lines.get(line).and_then(Weak::upgrade) {
            return place;
        }
        lines.retain(|_, place| place.strong_count() > 0);
        let place = Place::default();
        lines.insert(line.clone(), Arc::downgrade(&place));
        place
    }

    /// Whether nobody serves the line now, nor waits to.
    fn is_free(&self, line: &Line) -> bool {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(line).is_none_or(|place| place.strong_count() == 0)
    }
}

/// What came of an errand.
pub(super) enum Brought {
    /// A document, with its receipt.
    Document(Box<Transmitted>),
    /// A package, its receipt stored.
    Package,
}

/// Serves a line up to and with `until`, or to its end; gives what came of `until`, none if somebody else
/// brought it before. `at_hand` is the document of `until` if the caller has just stored it.
///
/// # Errors
/// What kept the first errand that could not be brought; it stays, and a worker tries again.
pub(super) async fn dispatch(
    authority: &Arc<Authority>,
    line: &Line,
    until: Option<&Errand>,
    mut at_hand: Option<DocumentRow>,
) -> Result<Option<Brought>, Problem> {
    let place = authority.lines.place(line);
    let _served = place.lock().await;
    loop {
        let mut session = authority.datastore.read().await?;
        let first = session.first_in_line(line).await?;
        let Some(entry) = first else { return Ok(None) };
        if let Some(errand) = until
            && *errand != entry.errand
            && !session.is_queued(errand).await?
        {
            // Somebody else brought it while this call waited; what came behind it is not this call's.
            return Ok(None);
        }
        drop(session);
        let brought = match bring(authority, &entry, &mut at_hand).await {
            Ok(brought) => brought,
            Err(problem) => {
                put_off(authority, line, &entry, &problem).await?;
                return Err(blocked(problem, &entry, until));
            }
        };
        if entry.attempts > 0 {
            // The addressee answers again: what else waits for it need not wait longer.
            authority.datastore.perform(Hasten { addressee: Some(line.addressee.clone()) }).await?;
        }
        if until == Some(&entry.errand) {
            return Ok(Some(brought));
        }
    }
}

async fn bring(
    authority: &Arc<Authority>,
    entry: &OutboxEntry,
    at_hand: &mut Option<DocumentRow>,
) -> Result<Brought, Problem> {
    match &entry.errand {
        Errand::Document(id) => {
            let at_hand = at_hand.take_if(|row| row.id == *id);
            let transmitted = transmit_document::deliver(authority, id, &entry.actor, at_hand).await?;
            Ok(Brought::Document(Box::new(transmitted)))
        }
        Errand::Package(id) => {
            send_package::deliver(authority, id, &entry.actor).await.map(|()| Brought::Package)
        }
        Errand::Relay(id) => {
            relay_package::deliver(authority, id, &entry.actor).await.map(|()| Brought::Package)
        }
    }
}

/// What the caller is told if an errand before hers holds up the line.
fn blocked(problem: Problem, entry: &OutboxEntry, until: Option<&Errand>) -> Problem {
    if until.is_none_or(|errand| *errand == entry.errand) {
        return problem;
    }
    Problem::new(
        Reason::PeerUnreachable,
        format!("an earlier message of this case waits and goes first: {}", problem.message()),
    )
    .with_hint("what is sealed is kept, and sent in order as soon as the counterpart answers")
}

async fn put_off(
    authority: &Authority,
    line: &Line,
    entry: &OutboxEntry,
    problem: &Problem,
) -> Result<(), Problem> {
    let attempts = entry.attempts.saturating_add(1);
    let now = authority.clock.now();
    let pause = pause_seconds(entry.attempts, draw(authority.entropy.as_ref()));
    if now.microseconds() - entry.queued_time.microseconds() > ALARM_AGE_SECONDS * 1_000_000 {
        tracing::error!(addressee = %line.addressee, attempts, since = %entry.queued_time,
            "an errand waits for more than a day: tell the counterpart another way");
    }
    tracing::info!(addressee = %line.addressee, attempts, pause_seconds = pause, why = %chain(problem),
        "an errand could not be brought and is tried again");
    let put_off = PutOff { position: entry.position, attempts, next_time: now.plus_seconds(pause) };
    authority.datastore.perform(put_off).await
}

/// The pause after the `attempts`-th try in vain (from 0): doubled each time, up to a limit, and
/// between three and five quarters of that, as `chance` says, so that counterparts don't come all at once.
fn pause_seconds(attempts: u32, chance: [u8; 2]) -> i64 {
    let doubled = FIRST_PAUSE_SECONDS << attempts.min(16);
    let pause = doubled.min(LONGEST_PAUSE_SECONDS);
    let share = i64::from(u16::from_be_bytes(chance));
    (pause * 3 / 4 + pause * share / (2 * i64::from(u16::MAX))).max(1)
}

/// Makes everything that waits due: at the start, since nobody else has it in hand.
///
/// # Errors
/// [`Problem`] if the database fails.
pub async fn hasten_all(authority: &Authority) -> Result<u64, Problem> {
    authority.datastore.perform(Hasten { addressee: None }).await
}

/// The lines that a worker serves: each apart from the others, so that a long sending holds up nobody else.
#[derive(Default)]
pub struct Errands(JoinSet<Result<(), Problem>>);

impl Errands {
    /// Sets out for the lines that are due and that nobody serves; says how many there were.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub async fn set_out(&mut self, authority: &Arc<Authority>, now: Timestamp) -> Result<usize, Problem> {
        let room = LINES_AT_ONCE.saturating_sub(self.0.len());
        if room == 0 {
            return Ok(0);
        }
        // Those that are being served are due as well; they don't keep the others from being seen.
        let limit = u32::try_from(room + LINES_AT_ONCE).unwrap_or(u32::MAX);
        let due = authority.datastore.read().await?.due_lines(now, limit).await?;
        let free: Vec<Line> =
            due.into_iter().filter(|line| authority.lines.is_free(line)).take(room).collect();
        let found = free.len();
        for line in free {
            let authority = Arc::clone(authority);
            self.0.spawn(async move { dispatch(&authority, &line, None, None).await.map(drop) });
        }
        Ok(found)
    }

    /// Waits until one has come back; at once if none is out. Says whether its line may be due still, because
    /// something failed here and it was perhaps not put off; that is logged.
    pub async fn back(&mut self) -> bool {
        match self.0.join_next().await {
            Some(Ok(Err(problem))) if problem.reason() == Reason::Internal => {
                tracing::error!(problem = %chain(&problem), "a line of the outbox could not be served");
                true
            }
            // Put off and logged already.
            Some(Ok(_)) | None => false,
            Some(Err(error)) => {
                tracing::error!(%error, "serving a line of the outbox broke off");
                true
            }
        }
    }

    /// How many are out.
    #[must_use]
    pub fn out(&self) -> usize {
        self.0.len()
    }
}

/// Serves the lines that are due and waits for all of them; says how many there were.
///
/// # Errors
/// [`Problem`] if the database fails. That a counterpart can't be reached is logged, no error.
pub async fn dispatch_due(authority: &Arc<Authority>, now: Timestamp) -> Result<usize, Problem> {
    let mut errands = Errands::default();
    let found = errands.set_out(authority, now).await?;
    while errands.out() > 0 {
        errands.back().await;
    }
    Ok(found)
}

struct PutOff {
    position: i64,
    attempts: u32,
    next_time: Timestamp,
}

impl Act for PutOff {
    const NAME: &'static str = "put-off-errand";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.put_off(self.position, self.attempts, self.next_time).await
    }
}

struct Hasten {
    addressee: Option<PartyId>,
}

impl Act for Hasten {
    const NAME: &'static str = "hasten-errands";
    type Output = u64;

    async fn perform(&self, tx: &mut Transaction) -> Result<u64, StoreError> {
        tx.hasten(self.addressee.as_ref()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ_by_chance() {
        for attempts in [0, 1, 5, 8, 9, 40, u32::MAX] {
            let whole = (FIRST_PAUSE_SECONDS << attempts.min(16)).min(LONGEST_PAUSE_SECONDS);
            let (least, most) = (pause_seconds(attempts, [0, 0]), pause_seconds(attempts, [255, 255]));
            assert_eq!(least, (whole * 3 / 4).max(1));
            assert_eq!(most, whole * 3 / 4 + whole / 2);
        }
    }
}
