//! Removes what was announced and never completed, and what a crash left behind without a row.
//!
//! ```text
//! row deleted, if nobody announced it meanwhile ── its objects and parts removed
//!                                                └ a crash here: a folder that no row names, removed by the next run
//! ```
//! Nothing that was receipted is touched: a package that was taken in has a row of its own. What is being sent or taken
//! in at the moment is left alone.

use crate::authority::Authority;
use crate::casework::send_package::blocking;
use crate::casework::transfer::package_id;
use crate::datastore::{Act, StoreError, Transaction};
use crate::problem::{Problem, Reason};
use crate::vault::Closing;
use rogatory_core::{PackageId, Timestamp};

/// How many transfers one run removes at most.
const A_RUN: u32 = 64;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Removes transfers that nobody announced for `days`, and folders that no transfer names; tells how many.
///
/// # Errors
/// [`Problem`] if database or disk fail; what was removed before stays removed.
pub async fn remove_stale_transfers(authority: &Authority, days: u16) -> Result<u32, Problem> {
    let before = authority.clock.now().plus_seconds(-i64::from(days) * DAY_SECONDS);
    let stale = authority.datastore.read().await?.stale_transfers(before, A_RUN).await?;
    let mut removed = 0;
    for id in stale {
        removed += u32::from(remove(authority, &id, before).await?);
    }
    let vault = authority.vault.clone();
    for id in blocking(move || vault.transfers()).await? {
        if removed >= A_RUN {
            break;
        }
        removed += u32::from(remove_unnamed(authority, &id).await?);
    }
    Ok(removed)
}

async fn remove(authority: &Authority, id: &str, before: Timestamp) -> Result<bool, Problem> {
    let mut session = authority.datastore.read().await?;
    let Some(transfer) = session.transfer(id).await? else { return Ok(false) };
    let package = package_id(&transfer.objects);
    let Some(closing) = close(authority, id, package.as_ref())? else { return Ok(false) };
    let unnamed = match package {
        // Nobody can take it in meanwhile: it is closed.
        Some(package) => session.package(&package).await?.is_none().then_some(package),
        None => None,
    };
    drop(session);
    if !authority.datastore.perform(DeleteStale { id: id.to_owned(), before }).await? {
        return Ok(false);
    }
    discard(authority, closing, unnamed).await?;
    tracing::info!(transfer = id, caller = transfer.caller, "a transfer that nobody completed was removed");
    Ok(true)
}

/// Removes a folder without a row: the row went first, and a crash came.
async fn remove_unnamed(authority: &Authority, id: &str) -> Result<bool, Problem> {
    // Only what has a name that this server gives.
    if !id.starts_with("T-") || authority.datastore.read().await?.has_transfer(id).await? {
        return Ok(false);
    }
    let Some(closing) = close(authority, id, None)? else { return Ok(false) };
    // Now nobody writes there; it may have been announced just before.
    if authority.datastore.read().await?.has_transfer(id).await? {
        return Ok(false);
    }
    discard(authority, closing, None).await?;
    tracing::info!(transfer = id, "objects that no transfer names were removed");
    Ok(true)
}

/// Closes a transfer, unless somebody works on it.
fn close(authority: &Authority, id: &str, package: Option<&PackageId>) -> Result<Option<Closing>, Problem> {
    match authority.vault.close(id, package) {
        Ok(closing) => Ok(Some(closing)),
        Err(problem) if problem.reason() == Reason::Raced => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Removes the objects, also those of a package whose row a crash prevented.
async fn discard(authority: &Authority, closing: Closing, unnamed: Option<PackageId>) -> Result<(), Problem> {
    let vault = authority.vault.clone();
    blocking(move || {
        vault.discard(&closing)?;
        match unnamed {
            Some(package) => vault.discard_unnamed(&closing, &package),
            None => Ok(()),
        }
    })
    .await
}

struct DeleteStale {
    id: String,
    before: Timestamp,
}

impl Act for DeleteStale {
    const NAME: &'static str = "delete-stale-transfer";
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        tx.delete_stale_transfer(&self.id, self.before).await
    }
}
