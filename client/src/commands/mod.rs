//! What each command does: an async function from a session and arguments to a typed result.
//!
//! Mirrors `cli`. Nothing here prints or asks: what cannot be undone has a plan to show beforehand,
//! and whoever calls decides.

pub mod approval;
pub mod case;
pub mod custody;
pub mod doctor;
pub mod documents;
pub mod hash_list;
pub mod instrument;
pub mod matter;
pub mod order;
pub mod package;
pub mod party;
pub mod prepared;
pub mod preservation;
pub mod receipts;
pub mod request;
mod stamps;
pub mod template;
pub mod transmission;

use crate::problem::{Problem, clean};
use rogatory_core::PartyId;

/// Parses the name of a party as it was typed.
///
/// # Errors
/// A usage problem.
pub fn party_id(text: &str) -> Result<PartyId, Problem> {
    text.parse().map_err(|error: rogatory_core::party::NameError| {
        Problem::usage(clean(&error.to_string()))
            .with_hint("`rogatory party list` lists the confirmed parties")
    })
}
