//! The outbox: what must leave the house, stored in the transaction of the act that decided so.
//!
//! Entries of one case for one addressee form a line and leave in its order. An entry goes in the
//! transaction that stores the counterpart's receipt.

use super::session::{Session, StoreError, instant, parse};
use super::transaction::Transaction;
use crate::problem::Problem;
use rogatory_core::custody_event::Actor;
use rogatory_core::reference::DocumentId;
use rogatory_core::{PackageId, PartyId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// What is to be brought to another institution.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Errand {
    /// A sealed document.
    Document(DocumentId),
    /// A package of this institution.
    Package(PackageId),
    /// Another institution's package, to be passed on.
    Relay(PackageId),
}

impl Errand {
    const fn what(&self) -> &'static str {
        match self {
            Self::Document(_) => "document",
            Self::Package(_) => "package",
            Self::Relay(_) => "relay",
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Document(id) => id.as_str(),
            Self::Package(id) | Self::Relay(id) => id.as_str(),
        }
    }
}

/// What waits for one addressee in one case, and leaves in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Line {
    /// The case.
    pub case: String,
    /// To whom.
    pub addressee: PartyId,
}

/// An errand that waits.
#[derive(Clone, Debug)]
pub struct OutboxEntry {
    /// Its place among all.
    pub position: i64,
    /// What.
    pub errand: Errand,
    /// Who sent it on its way.
    pub actor: Actor,
    /// Since when it waits.
    pub queued_time: Timestamp,
    /// How often it was tried in vain.
    pub attempts: u32,
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> Problem {
    Problem::internal("the outbox is damaged", error)
}

impl Transaction {
    /// Queues an errand at the end of its line, to be tried by a worker from `next_time` on; one that
    /// waits already keeps its place.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn queue(
        &mut self,
        errand: &Errand,
        line: &Line,
        actor: &Actor,
        next_time: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        let actor = serde_json::to_string(actor).map_err(damaged)?;
        sqlx::query(
            "-- queue
             INSERT INTO outbox (position, what, subject, case_id, addressee, actor, queued_time, attempts, next_time)
             VALUES ((SELECT COALESCE(MAX(position), 0) + 1 FROM outbox), $1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT (what, subject) DO NOTHING",
        )
        .bind(errand.what())
        .bind(errand.subject())
        .bind(&line.case)
        .bind(line.addressee.to_string())
        .bind(actor)
        .bind(now)
        .bind(next_time.microseconds())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The errand is done: its receipt is stored in this transaction.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn unqueue(&mut self, errand: &Errand) -> Result<(), StoreError> {
        sqlx::query(
            "-- unqueue
             DELETE FROM outbox WHERE what = $1 AND subject = $2",
        )
        .bind(errand.what())
        .bind(errand.subject())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A try was in vain; the next is at `next_time`.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn put_off(
        &mut self,
        position: i64,
        attempts: u32,
        next_time: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- put_off
             UPDATE outbox SET attempts = $2, next_time = $3 WHERE position = $1",
        )
        .bind(position)
        .bind(i64::from(attempts))
        .bind(next_time.microseconds())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Makes everything that waits for `addressee`, or for anybody, due now; says how many entries.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn hasten(&mut self, addressee: Option<&PartyId>) -> Result<u64, StoreError> {
        let now = self.now().microseconds();
        let done = sqlx::query(
            "-- hasten
             UPDATE outbox SET next_time = $2 WHERE (CAST($1 AS TEXT) IS NULL OR addressee = $1) AND next_time > $2",
        )
        .bind(addressee.map(ToString::to_string))
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }
}

impl Session {
    /// The first errand of a line.
    ///
    /// # Errors
    /// [`StoreError`] if an entry is damaged or the database fails.
    pub async fn first_in_line(&mut self, line: &Line) -> Result<Option<OutboxEntry>, StoreError> {
        let row = sqlx::query(
            "-- first_in_line
             SELECT position, what, subject, actor, queued_time, attempts FROM outbox
             WHERE case_id = $1 AND addressee = $2 ORDER BY position LIMIT 1",
        )
        .bind(&line.case)
        .bind(line.addressee.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| entry_of(&row)).transpose()
    }

    /// Lines whose first errand is due, the longest due first.
    ///
    /// # Errors
    /// [`StoreError`] if an entry is damaged or the database fails.
    pub async fn due_lines(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Line>, StoreError> {
        let rows = sqlx::query(
            "-- due_lines
             SELECT case_id, addressee FROM outbox
             WHERE next_time <= $1
               AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                               WHERE earlier.case_id = outbox.case_id AND earlier.addressee = outbox.addressee
                                 AND earlier.position < outbox.position)
             ORDER BY next_time, position LIMIT $2",
        )
        .bind(now.microseconds())
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.into_iter()
            .map(|row| {
                let addressee = parse(row.try_get(1)?, "a stored party is damaged")?;
                Ok(Line { case: row.try_get(0)?, addressee })
            })
            .collect()
    }

    /// Whether an errand waits.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn is_queued(&mut self, errand: &Errand) -> Result<bool, StoreError> {
        let queued: Option<i64> = sqlx::query_scalar(
            "-- is_queued
             SELECT 1 FROM outbox WHERE what = $1 AND subject = $2",
        )
        .bind(errand.what())
        .bind(errand.subject())
        .fetch_optional(self.connection())
        .await?;
        Ok(queued.is_some())
    }

    /// How many errands wait.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn errands(&mut self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "-- errands
             SELECT COUNT(*) FROM outbox",
        )
        .fetch_one(self.connection())
        .await?;
        Ok(super::session::size(count)?)
    }
}

fn entry_of(row: &AnyRow) -> Result<OutboxEntry, StoreError> {
    let what: &str = row.try_get(1)?;
    let subject: &str = row.try_get(2)?;
    let package = || parse(subject, "a stored package id is damaged");
    let errand = match what {
        "document" => Errand::Document(parse(subject, "a stored document id is damaged")?),
        "package" => Errand::Package(package()?),
        "relay" => Errand::Relay(package()?),
        other => return Err(Problem::internal("the outbox is damaged", format!("errand {other}")).into()),
    };
    let actor: &str = row.try_get(3)?;
    let attempts: i64 = row.try_get(5)?;
    Ok(OutboxEntry {
        position: row.try_get(0)?,
        errand,
        actor: serde_json::from_str(actor).map_err(damaged)?,
        queued_time: instant(row.try_get(4)?)?,
        attempts: u32::try_from(attempts).map_err(damaged)?,
    })
}
