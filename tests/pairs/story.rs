//! The story in which things break: a request, its order, the evidence, the decision, the closing, as
//! officers who repeat what did not succeed at first.

use rogatory_client::Problem;
use rogatory_core::document::{Document, NamedPackage, SignerRule};
use rogatory_server::casework::dispatch::dispatch_due;
use rogatory_tests::road::{case_id, recipients};
use rogatory_tests::{Federation, Office, papers, parcel};

/// Which office.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Gb,
    Md,
    Nistru,
}

impl Place {
    pub(crate) const fn of(self, federation: &Federation) -> &Office {
        match self {
            Self::Gb => &federation.gb,
            Self::Md => &federation.md,
            Self::Nistru => &federation.nistru,
        }
    }
}

/// What was played.
pub(crate) struct Told {
    pub request: Document,
    pub order: Document,
    /// How often somebody was told "not yet".
    pub failures: usize,
}

/// Somebody who was told "not yet" waits an hour; meanwhile `office` serves its outbox.
struct Patience<'a> {
    federation: &'a Federation,
    failures: usize,
}

impl Patience<'_> {
    async fn until_done<T>(
        &mut self,
        office: &Office,
        mut attempt: impl AsyncFnMut() -> Result<T, Problem>,
    ) -> T {
        match attempt().await {
            Ok(done) => done,
            Err(problem) => {
                assert_eq!(problem.reason(), Some("PEER_UNREACHABLE"), "{problem}");
                self.failures += 1;
                self.federation.world.clock.advance_seconds(3600);
                let authority = office.served();
                dispatch_due(authority, authority.clock.now()).await.expect("the outbox is served");
                attempt().await.expect("what was stored is told again")
            }
        }
    }

    async fn send(&mut self, office: &Office, drafter: &str, document: &Document, case: &str) {
        let container = papers::drafted(office, drafter, document);
        let handed = papers::hand_in(office, drafter, container, case).await.expect("a draft");
        if document.kind.signer_rule() == SignerRule::TwoOfficersAndSeal {
            papers::approve(office, "approver", &handed.document_id).await.expect("an approval");
        }
        let id = handed.document_id;
        let sent = self.until_done(office, async || papers::transmit(office, drafter, &id).await).await;
        assert!(sent.delivered, "{}: {}", sent.ground, sent.reason);
    }
}

/// Plays the story to its end.
pub(crate) async fn play(federation: &Federation) -> Told {
    let Federation { gb, md, nistru, world } = federation;
    let mut patience = Patience { federation, failures: 0 };
    let request = papers::request(gb, md);
    patience.send(gb, "drafter", &request, "").await;
    patience.send(md, "drafter", &papers::acknowledgement(md, &request), "").await;
    let order = papers::order(md, nistru, &request);
    let case = case_id(md, "drafter", &request.shared_number).await;
    patience.send(md, "drafter", &order, &case).await;
    patience.send(nistru, "agent", &papers::acknowledgement(nistru, &order), "").await;

    let folder = world.directory().join("package");
    let path = parcel::seal(nistru, "agent", &order.shared_number, recipients(&order), &folder).await;
    let send = async || federation.send_package(&path, &order.shared_number).await;
    let sent = patience.until_done(nistru, send).await;
    assert!(sent.delivered, "{:?}", sent.receipt);
    let relay = async || federation.relay_package(&sent.package_id).await;
    let relayed = patience.until_done(md, relay).await;
    assert!(relayed.delivered, "{:?}", relayed.receipt);

    let manifest_sha256 = relayed.plan.manifest_sha256;
    let named = NamedPackage { package: sent.package_id, manifest_sha256 };
    patience.send(md, "drafter", &papers::execution(md, &request, 2, &[named]), "").await;
    patience.send(gb, "drafter", &papers::closing(gb, &request, 2), "").await;
    Told { request, order, failures: patience.failures }
}
