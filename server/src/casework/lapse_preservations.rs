//! Time runs out: preservations whose last instant has passed lapse, each at each side by itself. Source:
//! ETS 185, Art. 29(7).
//!
//! No document says so; the counterpart's server records the same by its own clock. A preservation that a
//! request followed up waits until that request is refused, withdrawn or closed.

use crate::authority::Authority;
use crate::datastore::{Act, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::CaseId;
use rogatory_core::custody_event::Actor;

/// How many lapse in one run; the rest follows in the next.
const BATCH: u32 = 100;

/// Lapses what is over, and tells how many did. Running it again changes nothing.
///
/// # Errors
/// [`Problem`] if the database fails; what lapsed before stays lapsed.
pub async fn lapse_preservations(authority: &Authority) -> Result<u64, Problem> {
    let now = authority.clock.now();
    let over = authority.datastore.read().await?.preservations_over(now, BATCH).await?;
    let mut lapsed = 0;
    for case in over {
        lapsed += u64::from(authority.datastore.perform(Lapse { case }).await?);
    }
    Ok(lapsed)
}

struct Lapse {
    case: CaseId,
}

impl Act for Lapse {
    const NAME: &'static str = "lapse-preservation";
    /// Whether it lapsed: something may have come between.
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        let Some(preservation) = tx.preservation(&self.case).await? else { return Ok(false) };
        if let Some(number) = &preservation.followed_up_by {
            let request = tx.request_by_number(number).await?;
            if !request.is_some_and(|request| request.stage.name().is_over()) {
                return Ok(false);
            }
        }
        let Ok((preservation, events)) = preservation.lapse(tx.now()) else { return Ok(false) };
        tx.update_preservation(&preservation).await?;
        for event in events {
            tx.record(preservation.case.as_str(), &Actor::Server, event).await?;
        }
        Ok(true)
    }
}
