//! Passing a provider's package on to the requesting authority, byte for byte.

use super::Held;
use crate::commands::receipts::{self, Expected, ReceiptFacts};
use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, PartyId};
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// What will be relayed, to be shown before it happens.
#[derive(Clone, Debug, Serialize)]
pub struct RelayPlan {
    /// The package.
    pub package_id: PackageId,
    /// The case of the request.
    pub case_id: String,
    /// The request's shared number.
    pub shared_number: String,
    /// The requesting authority.
    pub to: PartyId,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// The number of objects.
    pub object_count: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    #[serde(skip)]
    held: Held,
}

impl Outcome for RelayPlan {
    fn show(&self, page: &mut Page) {
        page.line("This will be passed on byte for byte, and cannot be taken back:");
        page.blank();
        page.fact("package", &self.package_id);
        page.fact("for request", &self.shared_number);
        page.fact("to", &self.to);
        page.fact("size", format!("{} objects, {}", self.object_count, bytes(self.size_bytes)));
        page.fact("manifest sha256", self.manifest_sha256);
    }
}

/// The result of relaying.
#[derive(Clone, Debug, Serialize)]
pub struct Relayed {
    /// What was relayed.
    #[serde(flatten)]
    pub plan: RelayPlan,
    /// Whether the requesting authority's receipt is positive.
    pub delivered: bool,
    /// This institution's relay receipt, which went with the package.
    pub relay_receipt: Option<ReceiptFacts>,
    /// The requesting authority's receipt, verified.
    pub receipt: ReceiptFacts,
}

impl Outcome for Relayed {
    fn show(&self, page: &mut Page) {
        page.fact("package", &self.plan.package_id);
        page.fact("for request", &self.plan.shared_number);
        page.fact("to", &self.plan.to);
        page.fact("size", format!("{} objects, {}", self.plan.object_count, bytes(self.plan.size_bytes)));
        if let Some(relay) = &self.relay_receipt {
            page.fact(
                "relay receipt",
                format!("{} by {} at {}", relay.kind, relay.issuer, relay.issued_time),
            );
        }
        self.receipt.show(page);
    }

    fn complaint(&self) -> Option<Problem> {
        self.receipt.complaint()
    }
}

/// Finds the case and the authority to which a package goes on.
///
/// # Errors
/// Refused, if no case holds it.
pub async fn plan_relay(session: &Session, package: &PackageId) -> Result<RelayPlan, Problem> {
    let case = super::case_of(session, package).await?;
    let held = super::held(session, package).await?;
    Ok(RelayPlan {
        package_id: package.clone(),
        case_id: case.case_id,
        shared_number: case.shared_number,
        to: crate::commands::party_id(&case.counterpart)?,
        manifest_sha256: held.manifest,
        object_count: held.objects.len(),
        size_bytes: held.size_bytes(),
        held,
    })
}

/// Has the server pass a package on, and verifies both receipts.
///
/// # Errors
/// Not yet, if the requesting authority cannot be reached; unverified, if a receipt does not hold.
pub async fn relay(session: &Session, plan: RelayPlan) -> Result<Relayed, Problem> {
    let mut client = session.connection().await?.packages();
    let request = office::RelayPackageRequest {
        request_id: session.call_id(),
        package_id: plan.package_id.to_string(),
    };
    let answer = client.relay_package(request).await.map_err(explain)?.into_inner();
    let own = &session.profile()?.party;
    let of = |of: &Receipted| plan.held.was_passed_on(&plan.package_id, own, &plan.shared_number, of);
    let sent = plan.manifest_sha256;
    let kind = ReceiptKind::Delivery;
    let expected = Expected { issuer: &plan.to, kind, addressee: own, of: &of, sent };
    let receipt = receipts::verify(session, answer.receipt, expected).await?;
    let relay_receipt = if answer.relay_receipt.is_empty() {
        None
    } else {
        let entry = receipts::own_entry(session).await?;
        let kind = ReceiptKind::Relay;
        let expected = Expected { issuer: own, kind, addressee: &plan.to, of: &of, sent };
        Some(receipts::verify_bytes(session, &entry, &answer.relay_receipt, &expected)?)
    };
    Ok(Relayed { delivered: receipt.ground.is_none(), relay_receipt, receipt, plan })
}
