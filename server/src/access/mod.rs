//! Who may call what. The one table is in `table.rs`; this room is the only maker of a [`Permit`].
//!
//! Every call passes the gate here before any service sees it: a call without a row, a caller
//! without admission, or a role that the row does not name is refused, logged with its reason and
//! recorded in the custody log. Reads no request body.

mod gate;
mod table;

pub use gate::{AccessLayer, permit_of};
pub use table::{Callers, ROWS, Row};

use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::Actor;
use rogatory_core::{OfficerId, PartyId, Role};

/// Who is calling, as the table let her in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// An officer of this institution.
    Officer {
        /// Who.
        id: OfficerId,
        /// Her roles.
        roles: Vec<Role>,
    },
    /// A confirmed counterpart.
    Peer(PartyId),
}

/// Leave to make one call. Made only by the gate.
#[derive(Clone, Debug)]
pub struct Permit {
    caller: Caller,
    /// The role that permits an officer's call; none of a peer, and of a call that was refused.
    role: Option<Role>,
}

impl Permit {
    /// Who is calling.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// A name for the caller that stays the same between calls.
    #[must_use]
    pub fn caller_name(&self) -> String {
        match &self.caller {
            Caller::Officer { id, .. } => id.to_string(),
            Caller::Peer(party) => party.to_string(),
        }
    }

    /// The officer with the first of `roles` that she has.
    ///
    /// # Errors
    /// [`Reason::RoleMissing`] if she has none of them, [`Reason::CallerNotPermitted`] if no officer calls.
    pub fn officer_as(&self, roles: &[Role]) -> Result<(&OfficerId, Actor), Problem> {
        let Caller::Officer { id, roles: held } = &self.caller else {
            return Err(Problem::new(Reason::CallerNotPermitted, "only an officer may do this"));
        };
        match roles.iter().find(|role| held.contains(role)) {
            Some(role) => Ok((id, Actor::Officer { officer: id.clone(), role: *role })),
            None => Err(role_missing(roles)),
        }
    }

    /// The peer that calls.
    ///
    /// # Errors
    /// [`Reason::CallerNotPermitted`] if an officer calls.
    pub fn peer(&self) -> Result<&PartyId, Problem> {
        match &self.caller {
            Caller::Peer(party) => Ok(party),
            Caller::Officer { .. } => {
                Err(Problem::new(Reason::CallerNotPermitted, "only another institution may do this"))
            }
        }
    }

    /// Who acts, for the custody log: an officer in the role that permits the call, or the peer.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.caller {
            Caller::Officer { id, roles } => Actor::Officer {
                officer: id.clone(),
                // A refused call has no such role: her first one names her, and who has none may do least.
                role: self.role.or_else(|| roles.first().copied()).unwrap_or(Role::Auditor),
            },
            Caller::Peer(party) => Actor::Peer { party: party.clone() },
        }
    }
}

fn role_missing(roles: &[Role]) -> Problem {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    Problem::new(Reason::RoleMissing, format!("this needs the role {}", names.join(" or ")))
        .with_hint("ask an officer who has it; roles stand in the server's configuration")
}
