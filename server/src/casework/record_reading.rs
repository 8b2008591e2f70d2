//! An officer reads: documents, packages and cases leave a trace in the office's own stream before they are given.

use crate::access::Permit;
use crate::authority::Authority;
use crate::datastore::{Act, DocumentRow, OFFICE, ObjectRow, PackageRow, StoreError, Transaction};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::reference::DocumentId;
use rogatory_core::{PackageId, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many readings are remembered; forgotten ones only leave a second trace.
const REMEMBERED: usize = 10_000;

/// Who reads the same again within this many seconds leaves one trace.
const ONE_READING_SECONDS: i64 = 3600;

/// Who read what since the start, and when it was last recorded: a person who looks again, a program that asks
/// again and again and the objects of one package don't fill the log.
#[derive(Debug, Default)]
pub struct Readings(Mutex<Recorded>);

type Recorded = HashMap<(String, String), Timestamp>;

impl Readings {
    fn is_recorded(&self, who: &str, what: &str, now: Timestamp) -> bool {
        is_lately(&self.recorded(), &key(who, what), now)
    }

    /// Whether this is to be recorded: it was not lately, and nobody else is about to.
    pub(crate) fn claim(&self, who: &str, what: &str, now: Timestamp) -> bool {
        let (mut recorded, key) = (self.recorded(), key(who, what));
        let is_new = !is_lately(&recorded, &key, now);
        if is_new {
            remember(&mut recorded, key, now);
        }
        is_new
    }

    fn remember(&self, who: &str, what: &str, now: Timestamp) {
        remember(&mut self.recorded(), key(who, what), now);
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // The map is whole whenever the lock is free, even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(who: &str, what: &str) -> (String, String) {
    (who.to_owned(), what.to_owned())
}

fn is_lately(recorded: &Recorded, key: &(String, String), now: Timestamp) -> bool {
    recorded.get(key).is_some_and(|last| *last <= now && now < last.plus_seconds(ONE_READING_SECONDS))
}

fn remember(recorded: &mut Recorded, key: (String, String), now: Timestamp) {
    if recorded.len() >= REMEMBERED {
        recorded.clear();
    }
    recorded.insert(key, now);
}

/// Makes sure that looking at a case, its documents or its timeline leaves a trace. `case` may be `office`.
///
/// # Errors
/// [`Problem`] if it cannot be recorded; then nothing is to be shown.
pub async fn trace_case(authority: &Authority, permit: &Permit, case: &str) -> Result<(), Problem> {
    trace(authority, permit, case, async { Ok((case.to_owned(), Event::CaseRead {})) }).await
}

/// Makes sure that listing the cases of the office leaves a trace.
///
/// # Errors
/// [`Problem`] if it cannot be recorded; then nothing is to be shown.
pub async fn trace_list(authority: &Authority, permit: &Permit) -> Result<(), Problem> {
    trace(authority, permit, "cases", async { Ok((OFFICE.to_owned(), Event::CasesListed {})) }).await
}

/// Gives a document, after the reading is recorded.
///
/// # Errors
/// [`Problem`] if there is none.
pub async fn read_document(
    authority: &Authority,
    permit: &Permit,
    id: &DocumentId,
) -> Result<DocumentRow, Problem> {
    let row = authority
        .datastore
        .read()
        .await?
        .document(id)
        .await?
        .ok_or_else(|| Problem::unknown("document", id))?;
    if row.container.is_empty() {
        let what = format!(
            "document {id} came after its matter was erased: it was refused, and its bytes are not kept"
        );
        return Err(Problem::new(Reason::WrongStage, what));
    }
    let event = Event::DocumentRead { document: row.id.clone(), container_sha256: row.container_sha256 };
    authority
        .datastore
        .perform(RecordReading { case: row.case.clone(), actor: permit.actor(), event })
        .await?;
    Ok(row)
}

/// Gives the list of a package's objects, after the retrieval is recorded.
///
/// # Errors
/// [`Problem`] if there is none.
pub async fn retrieve_package(
    authority: &Authority,
    permit: &Permit,
    id: &PackageId,
) -> Result<(PackageRow, Vec<ObjectRow>), Problem> {
    let mut session = authority.datastore.read().await?;
    let row = session.package(id).await?.ok_or_else(|| Problem::unknown("package", id))?;
    let objects = session.package_objects(id).await?;
    drop(session);
    record(authority, permit, id.as_str(), retrieval(&row)).await?;
    Ok((row, objects))
}

/// Makes sure that fetching objects leaves a trace even if their list was never asked for.
///
/// # Errors
/// [`Problem`] if there is no such package.
pub async fn trace_retrieval(authority: &Authority, permit: &Permit, id: &PackageId) -> Result<(), Problem> {
    trace(authority, permit, id.as_str(), async {
        let row = authority.datastore.read().await?.package(id).await?;
        Ok(retrieval(&row.ok_or_else(|| Problem::unknown("package", id))?))
    })
    .await
}

fn retrieval(row: &PackageRow) -> (String, Event) {
    let event = Event::PackageRetrieved { package: row.id.clone(), manifest_sha256: row.manifest_sha256 };
    (row.case.clone(), event)
}

/// Records a reading of `what` unless that was done lately; `found` says in which case, and as what.
async fn trace<F>(authority: &Authority, permit: &Permit, what: &str, found: F) -> Result<(), Problem>
where
    F: Future<Output = Result<(String, Event), Problem>>,
{
    if authority.readings.is_recorded(&permit.caller_name(), what, authority.clock.now()) {
        return Ok(());
    }
    record(authority, permit, what, found.await?).await
}

async fn record(
    authority: &Authority,
    permit: &Permit,
    what: &str,
    (case, event): (String, Event),
) -> Result<(), Problem> {
    authority.datastore.perform(RecordReading { case, actor: permit.actor(), event }).await?;
    authority.readings.remember(&permit.caller_name(), what, authority.clock.now());
    Ok(())
}

struct RecordReading {
    case: String,
    actor: Actor,
    event: Event,
}

impl Act for RecordReading {
    const NAME: &'static str = "record-reading";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.record(&self.case, &self.actor, CustodyEvent::internal(self.event.clone())).await?;
        Ok(())
    }
}
