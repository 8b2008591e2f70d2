//! How large a package may be: what this institution takes, and what the one takes that it goes to. Told before the
//! first byte moves.

use crate::authority::Authority;
use crate::datastore::ObjectRow;
use crate::problem::{Problem, Reason};
use rogatory_core::PartyId;

/// The bytes of all objects. What is announced never exceeds any disk.
pub(super) fn total(objects: &[ObjectRow]) -> u64 {
    objects.iter().fold(0, |sum: u64, object| sum.saturating_add(object.size_bytes))
}

/// Refuses a package larger than this institution takes.
///
/// # Errors
/// [`Reason::LimitReached`], with both numbers.
pub(super) fn demand_takes(authority: &Authority, size_bytes: u64) -> Result<(), Problem> {
    judge(authority.institution.party(), authority.institution.package_bytes(), size_bytes)
}

/// Refuses a package larger than the confirmed entry of its addressee says that it takes.
///
/// # Errors
/// [`Reason::LimitReached`], with both numbers; [`Reason::UnknownParty`] if the addressee is not confirmed.
pub(super) fn demand_taken(
    authority: &Authority,
    addressee: &PartyId,
    size_bytes: u64,
) -> Result<(), Problem> {
    let addressee = authority.directory().confirmed(addressee)?;
    judge(&addressee.entry.party, addressee.entry.limits.package_bytes, size_bytes)
}

fn judge(taker: &PartyId, limit: Option<u64>, size_bytes: u64) -> Result<(), Problem> {
    match limit.filter(|limit| size_bytes > *limit) {
        None => Ok(()),
        Some(limit) => {
            let what =
                format!("the package has {size_bytes} bytes, and {taker} takes packages of at most {limit}");
            Err(Problem::new(Reason::LimitReached, what)
                .with_hint("make several packages, or agree on another way"))
        }
    }
}
