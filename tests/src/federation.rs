//! The offices of the stories: a requesting and a requested authority, and a provider.

use crate::clock::{FixedClock, SeededEntropy};
use crate::office::{Office, Plan};
use rogatory_core::Timestamp;
use rogatory_server::config::InstitutionKind;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Where offices are founded: one directory, one clock, one source of ids.
pub struct World {
    directory: TempDir,
    /// The clock of all.
    pub clock: Arc<FixedClock>,
    /// The ids of all.
    pub entropy: Arc<SeededEntropy>,
}

impl World {
    /// An empty world at 2026-11-22T14:20:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::at("2026-11-22T14:20:00Z".parse().expect("an instant"))
    }

    /// An empty world at `now`: for what other programs, with the machine's clock, take part in.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            clock: Arc::new(FixedClock::new(now)),
            entropy: Arc::new(SeededEntropy::new(20_261_122)),
        }
    }

    /// Its directory, which goes when it goes.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Founds an office and starts its server.
    pub async fn found(&self, plan: Plan<'_>) -> Office {
        Office::found(self, plan).await
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// `gb/central-authority`, `md/central-authority` and the provider `md/nistru-chat`.
///
/// At the authorities work `drafter`, `colleague` (drafts as well), `approver`, `evidence` and
/// `operator` (auditor too); at the provider `agent`, `approver`, `drafter` and `operator`.
pub struct Federation {
    /// The requesting authority.
    pub gb: Office,
    /// The requested authority.
    pub md: Office,
    /// The provider.
    pub nistru: Office,
    /// Where they stand. Last, so that its directory goes last.
    pub world: World,
}

const AUTHORITY: &[&str] = &[
    "drafter=Dora Drafter:drafter",
    "colleague=Cora Colleague:drafter,approver",
    "approver=Albert Approver:approver",
    "evidence=Eve Evidence:evidence-officer",
    "operator=Otto Operator:operator,auditor",
];

const PROVIDER: &[&str] = &[
    "agent=Dina Agent:provider-agent",
    "drafter=Pavel Drafter:drafter",
    "approver=Petra Approver:approver",
    "operator=Petru Operator:operator,auditor",
];

impl Federation {
    /// Three offices that confirmed each other: the two authorities, and the provider with its own.
    pub async fn new() -> Self {
        Self::new_in(World::new()).await
    }

    /// The same in a world of its own.
    pub async fn new_in(world: World) -> Self {
        let federation = Self::strangers_in(world).await;
        let Self { gb, md, nistru, .. } = &federation;
        for (here, there) in [(gb, md), (md, gb), (md, nistru), (nistru, md)] {
            here.import("operator", there).await.expect("a confirmed party");
        }
        federation
    }

    /// The same offices before anybody confirmed anybody.
    pub async fn strangers() -> Self {
        Self::strangers_in(World::new()).await
    }

    async fn strangers_in(world: World) -> Self {
        let authority = |party, name, country_ca| Plan {
            party,
            name,
            kind: InstitutionKind::CentralAuthority,
            country_ca,
            officers: AUTHORITY,
        };
        let gb =
            world.found(authority("gb/central-authority", "Central Authority of GB (test)", "ca-gb")).await;
        let md =
            world.found(authority("md/central-authority", "Central Authority of MD (test)", "ca-md")).await;
        let nistru = Plan {
            party: "md/nistru-chat",
            name: "Nistru Chat SRL (fictional)",
            kind: InstitutionKind::Provider,
            country_ca: "ca-md",
            officers: PROVIDER,
        };
        let nistru = world.found(nistru).await;
        Self { gb, md, nistru, world }
    }

    /// Founds a further authority, with the same officers; nobody has confirmed it.
    pub async fn authority(&self, party: &str, name: &str, country_ca: &str) -> Office {
        self.world.found(authority(party, name, country_ca)).await
    }
}

const fn authority<'a>(party: &'a str, name: &'a str, country_ca: &'a str) -> Plan<'a> {
    Plan { party, name, kind: InstitutionKind::CentralAuthority, country_ca, officers: AUTHORITY }
}
