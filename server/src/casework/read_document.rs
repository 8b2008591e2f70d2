//! An officer reads: documents leave a trace in the office's own stream, packages too.

use crate::access::Permit;
use crate::authority::Authority;
use crate::datastore::{Act, DocumentRow, ObjectRow, PackageRow, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::PackageId;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::reference::DocumentId;
use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

/// How many retrievals are remembered; forgotten ones only leave a second trace.
const REMEMBERED_RETRIEVALS: usize = 10_000;

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
    record_retrieval(authority, permit, &row).await?;
    Ok((row, objects))
}

/// Makes sure that fetching objects leaves a trace even if their list was never asked for.
///
/// # Errors
/// [`Problem`] if there is no such package.
pub async fn trace_retrieval(authority: &Authority, permit: &Permit, id: &PackageId) -> Result<(), Problem> {
    let who = (permit.caller_name(), id.clone());
    if retrieved(authority).contains(&who) {
        return Ok(());
    }
    let row = authority.datastore.read().await?.package(id).await?;
    record_retrieval(authority, permit, &row.ok_or_else(|| Problem::unknown("package", id))?).await
}

async fn record_retrieval(authority: &Authority, permit: &Permit, row: &PackageRow) -> Result<(), Problem> {
    let event = Event::PackageRetrieved { package: row.id.clone(), manifest_sha256: row.manifest_sha256 };
    let act = RecordReading { case: row.case.clone(), actor: permit.actor(), event };
    authority.datastore.perform(act).await?;
    let mut retrieved = retrieved(authority);
    if retrieved.len() >= REMEMBERED_RETRIEVALS {
        retrieved.clear();
    }
    retrieved.insert((permit.caller_name(), row.id.clone()));
    Ok(())
}

fn retrieved(authority: &Authority) -> MutexGuard<'_, HashSet<(String, PackageId)>> {
    // The set is whole whenever the lock is free, even after a panic elsewhere.
    authority.retrieved.lock().unwrap_or_else(PoisonError::into_inner)
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
