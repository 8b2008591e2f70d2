//! One of every kind of caller, and the office they call.

use rogatory_core::{OfficerId, Role};
use rogatory_pki::development::{Issued, Validity};
use rogatory_server::config::InstitutionKind;
use rogatory_tests::{Caller, Office, Plan, World};
use tonic::transport::Channel;

/// The kinds of callers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// An officer with this role alone.
    Officer(Role),
    /// An officer of the office, by her certificate, whom its configuration does not name.
    WithoutRole,
    /// A confirmed institution.
    Peer,
    /// An institution under a known anchor that nobody confirmed.
    Unconfirmed,
}

impl Kind {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Role::ALL.into_iter().map(Self::Officer).chain([Self::WithoutRole, Self::Peer, Self::Unconfirmed])
    }
}

/// The office that is called, and its confirmed peer.
pub(crate) struct House {
    md: Office,
    gb: Office,
    world: World,
}

impl House {
    pub(crate) async fn new() -> Self {
        let world = World::new();
        let md = Plan {
            party: "md/central-authority",
            name: "The office that is called",
            kind: InstitutionKind::CentralAuthority,
            country_ca: "ca-md",
            officers: &[
                "drafter=A:drafter",
                "approver=B:approver",
                "evidence-officer=C:evidence-officer",
                "provider-agent=D:provider-agent",
                "auditor=E:auditor",
                "operator=F:operator",
            ],
        };
        let gb = Plan {
            party: "gb/central-authority",
            name: "Its peer",
            kind: InstitutionKind::CentralAuthority,
            country_ca: "ca-gb",
            officers: &["operator=G:operator"],
        };
        let (md, gb) = (world.found(md).await, world.found(gb).await);
        md.import("operator", &gb).await.expect("a confirmed party");
        Self { md, gb, world }
    }

    /// A channel of a caller of `kind` to one of the office's listeners.
    pub(crate) fn channel(&self, listener: &str, kind: Kind) -> Channel {
        let md = &self.md;
        let validity = Validity::days(md.now().plus_seconds(-60), 30).expect("a validity");
        let showing = |issued: Issued| Caller::new(self.world.clock.clone()).showing_issued(issued);
        let caller = match kind {
            Kind::Officer(role) => md.officer_as_caller(role.as_str()),
            Kind::WithoutRole => {
                let officer = OfficerId::new(md.party.clone(), "newcomer").expect("an officer");
                showing(md.authority().issue_officer_tls(&officer, "Newcomer", validity).expect("issued"))
            }
            Kind::Peer => self.gb.as_caller(),
            Kind::Unconfirmed => {
                let party = "md/unconfirmed".parse().expect("a party");
                let issued = md.authority().issue_institution_tls(&party, "Unconfirmed", &[], &[], validity);
                showing(issued.expect("issued"))
            }
        };
        let address = if listener == "office" { md.office_address() } else { md.peer_address() };
        caller.channel(address, &md.anchor_pem())
    }
}
