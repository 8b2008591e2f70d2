//! The quick road to a stage: documents without real papers, so that a test is about its own step.

use crate::federation::Federation;
use crate::office::Office;
use crate::{papers, parcel};
use rogatory_client::Problem;
use rogatory_client::commands::package::{self, Relayed, SendArguments, Sent};
use rogatory_core::document::{Document, NamedPackage, SignerRule};
use rogatory_core::{PackageId, SharedNumber};
use rogatory_proto::office::v1 as wire;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A request and the order that serves it.
pub struct Ordered {
    /// What the requesting authority asked.
    pub request: Document,
    /// What the requested authority ordered.
    pub order: Document,
}

/// Drafts `document` at `office`, approves it if its kind asks for that, and transmits it.
///
/// # Panics
/// If it is not delivered.
pub async fn send(office: &Office, drafter: &str, document: &Document, case_id: &str) -> wire::Document {
    let draft = papers::drafted(office, drafter, document);
    let sent = send_draft(office, drafter, document, draft, case_id).await;
    assert!(sent.delivered, "{}: {}", sent.ground, sent.reason);
    sent.document.expect("a document")
}

/// Hands `draft` of `document` in at `office`, approves it if its kind asks for that, and transmits it;
/// the receipt may be negative.
///
/// # Panics
/// If no receipt comes.
pub async fn send_draft(
    office: &Office,
    drafter: &str,
    document: &Document,
    draft: Vec<u8>,
    case_id: &str,
) -> wire::TransmitDocumentResponse {
    let handed = papers::hand_in(office, drafter, draft, case_id).await.expect("a draft");
    if document.kind.signer_rule() == SignerRule::TwoOfficersAndSeal {
        papers::approve(office, "approver", &handed.document_id).await.expect("an approval");
    }
    papers::transmit(office, drafter, &handed.document_id).await.expect("a receipt")
}

/// The case under `number` as `office` shows it.
pub async fn case(office: &Office, number: &SharedNumber) -> wire::Case {
    let session = office.session("drafter");
    let mut cases = session.connection().await.expect("a connection").cases();
    let request = wire::GetCaseRequest { case_id: number.to_string() };
    let answer = cases.get_case(request).await.expect("an answer");
    answer.into_inner().case.expect("a case")
}

/// The stage of the case under `number` at each of `offices`.
pub async fn stages(number: &SharedNumber, offices: &[&Office]) -> Vec<String> {
    let mut stages = Vec::new();
    for office in offices {
        stages.push(case(office, number).await.stage);
    }
    stages
}

/// The id of the case under `number` at `office`.
pub async fn case_id(office: &Office, officer: &str, number: &SharedNumber) -> String {
    let case = rogatory_client::commands::documents::case(&office.session(officer), number.as_str()).await;
    case.expect("a case").case_id
}

/// The post-quantum age recipients that a request or order lists: one for everybody.
#[must_use]
pub fn recipients(document: &Document) -> Vec<String> {
    let list = document.body["recipients"].as_array().expect("a list");
    let keys = list.iter().filter_map(|one| one["recipient"].as_str());
    keys.filter(|key| key.starts_with("age1pq1")).map(ToOwned::to_owned).collect()
}

impl Federation {
    /// A further authority of the requested State, confirmed by both authorities, which it confirmed.
    pub async fn competent_authority(&self) -> Office {
        let ministry =
            self.authority("md/ministry-of-justice", "Ministry of Justice of MD (test)", "ca-md").await;
        for other in [&self.gb, &self.md] {
            ministry.import("operator", other).await.expect("a confirmed party");
            other.import("operator", &ministry).await.expect("a confirmed party");
        }
        ministry
    }

    /// A preservation that the requested authority holds.
    pub async fn preservation_requested(&self) -> Document {
        let preservation = papers::preservation(&self.gb, &self.md);
        send(&self.gb, "drafter", &preservation, "").await;
        preservation
    }

    /// A preservation that the requested authority confirmed until `until`.
    pub async fn preservation_confirmed(&self, until: &str) -> Document {
        let preservation = self.preservation_requested().await;
        let confirmation = papers::confirmation(&self.md, &preservation, 1, "preservation", until);
        send(&self.md, "drafter", &confirmation, "").await;
        preservation
    }

    /// A request that the requesting authority's `drafter` handed in.
    pub async fn request_drafted(&self) -> (Document, wire::Document) {
        let request = papers::request(&self.gb, &self.md);
        let container = papers::drafted(&self.gb, "drafter", &request);
        let handed = papers::hand_in(&self.gb, "drafter", container, "").await.expect("a draft");
        (request, handed)
    }

    /// A request that two officers signed and nobody transmitted.
    pub async fn request_approved(&self) -> (Document, wire::Document) {
        let (request, handed) = self.request_drafted().await;
        let handed = papers::approve(&self.gb, "approver", &handed.document_id).await.expect("an approval");
        (request, handed)
    }

    /// A request that the requested authority holds.
    pub async fn request_transmitted(&self) -> Document {
        let request = papers::request(&self.gb, &self.md);
        send(&self.gb, "drafter", &request, "").await;
        request
    }

    /// A request that the requested authority acknowledged.
    pub async fn request_acknowledged(&self) -> Document {
        let request = self.request_transmitted().await;
        send(&self.md, "drafter", &papers::acknowledgement(&self.md, &request), "").await;
        request
    }

    /// A request whose order the provider holds.
    pub async fn order_served(&self) -> Ordered {
        let request = self.request_acknowledged().await;
        let order = papers::order(&self.md, &self.nistru, &request);
        let case = case_id(&self.md, "drafter", &request.shared_number).await;
        send(&self.md, "drafter", &order, &case).await;
        Ordered { request, order }
    }

    /// A request whose order the provider acknowledged.
    pub async fn order_acknowledged(&self) -> Ordered {
        let ordered = self.order_served().await;
        send(&self.nistru, "agent", &papers::acknowledgement(&self.nistru, &ordered.order), "").await;
        ordered
    }

    /// A request whose order the provider can answer, and the package for exactly those whom it names.
    pub async fn package_sealed(&self) -> (Ordered, PathBuf) {
        let ordered = self.order_acknowledged().await;
        let output = self.world.directory().join("package");
        let number = &ordered.order.shared_number;
        let path = parcel::seal(&self.nistru, "agent", number, recipients(&ordered.order), &output).await;
        (ordered, path)
    }

    /// The provider's agent sends a sealed package in answer to `order`.
    ///
    /// # Errors
    /// As the command.
    pub async fn send_package(&self, path: &Path, order: &SharedNumber) -> Result<Sent, Problem> {
        let session = self.nistru.session("agent");
        let arguments = SendArguments { path: path.to_owned(), order: order.to_string() };
        let plan = package::plan_send(&session, arguments).await?;
        package::send(&session, plan).await
    }

    /// The requested authority's evidence officer relays a package.
    ///
    /// # Errors
    /// As the command.
    pub async fn relay_package(&self, id: &PackageId) -> Result<Relayed, Problem> {
        let session = self.md.session("evidence");
        let plan = package::plan_relay(&session, id).await?;
        package::relay(&session, plan).await
    }

    /// A request whose evidence the requested authority holds, not yet relayed.
    pub async fn evidence_produced(&self) -> (Ordered, Sent) {
        let (ordered, path) = self.package_sealed().await;
        let sent = self.send_package(&path, &ordered.order.shared_number).await.expect("a receipt");
        assert!(sent.delivered, "{:?}", sent.receipt);
        (ordered, sent)
    }

    /// A request whose evidence the requesting authority holds.
    pub async fn evidence_relayed(&self) -> (Ordered, NamedPackage) {
        let (ordered, sent) = self.evidence_produced().await;
        let relayed = self.relay_package(&sent.package_id).await.expect("a receipt");
        assert!(relayed.delivered, "{:?}", relayed.receipt);
        let manifest_sha256 = relayed.plan.manifest_sha256;
        (ordered, NamedPackage { package: sent.package_id, manifest_sha256 })
    }

    /// The events of a case at `office`, as its auditor sees them.
    pub async fn timeline(office: &Office, case: &str) -> Vec<(String, String, Value)> {
        let timeline = rogatory_client::commands::custody::show(&office.session("operator"), case).await;
        let entries = timeline.expect("a timeline").entries;
        entries.into_iter().map(|entry| (entry.stream, entry.event, entry.body)).collect()
    }
}
