//! The table: for every RPC, on which listener, by whom.

use rogatory_core::Role;
use rogatory_pki::tls::Listener;

/// Who may make a call.
#[derive(Clone, Copy, Debug)]
pub enum Callers {
    /// Officers with one of these roles.
    Officers(&'static [Role]),
    /// Every confirmed counterpart.
    Peers,
}

/// One row: an RPC, its listener, its callers.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The path of the RPC.
    pub rpc: &'static str,
    /// Where it is served.
    pub listener: Listener,
    /// By whom.
    pub callers: Callers,
}

const CASEWORKERS: &[Role] = &[Role::Drafter, Role::Approver, Role::EvidenceOfficer, Role::ProviderAgent];
const READERS_OF_CASES: &[Role] =
    &[Role::Drafter, Role::Approver, Role::EvidenceOfficer, Role::ProviderAgent, Role::Auditor];
const EVERYBODY: &[Role] = &Role::ALL;

const fn office(rpc: &'static str, roles: &'static [Role]) -> Row {
    Row { rpc, listener: Listener::Office, callers: Callers::Officers(roles) }
}

const fn peer(rpc: &'static str) -> Row {
    Row { rpc, listener: Listener::Peer, callers: Callers::Peers }
}

/// Every RPC of every service on both listeners. A path that stands here on one listener only is
/// refused on the other. Which kind of document a role may draft stands with the kinds, in `core`.
pub const ROWS: &[Row] = &[
    office("/rogatory.office.v1.DocumentService/DraftDocument", &[Role::Drafter, Role::ProviderAgent]),
    office("/rogatory.office.v1.DocumentService/ApproveDocument", &[Role::Approver]),
    office(
        "/rogatory.office.v1.DocumentService/TransmitDocument",
        &[Role::Drafter, Role::Approver, Role::ProviderAgent],
    ),
    office("/rogatory.office.v1.DocumentService/GetDocument", CASEWORKERS),
    office("/rogatory.office.v1.DocumentService/ListDocuments", CASEWORKERS),
    office("/rogatory.office.v1.CaseService/GetCase", READERS_OF_CASES),
    office("/rogatory.office.v1.CaseService/ListCases", READERS_OF_CASES),
    office("/rogatory.office.v1.CaseService/ListTimeline", READERS_OF_CASES),
    office(
        "/rogatory.office.v1.CaseService/ProposeErasure",
        &[Role::Drafter, Role::Approver, Role::ProviderAgent],
    ),
    office("/rogatory.office.v1.CaseService/ConfirmErasure", &[Role::Approver]),
    office("/rogatory.office.v1.PackageService/BeginUpload", &[Role::EvidenceOfficer, Role::ProviderAgent]),
    office("/rogatory.office.v1.PackageService/UploadObject", &[Role::EvidenceOfficer, Role::ProviderAgent]),
    office("/rogatory.office.v1.PackageService/SendPackage", &[Role::EvidenceOfficer, Role::ProviderAgent]),
    office("/rogatory.office.v1.PackageService/RelayPackage", &[Role::EvidenceOfficer]),
    office("/rogatory.office.v1.PackageService/GetPackage", &[Role::EvidenceOfficer, Role::ProviderAgent]),
    office(
        "/rogatory.office.v1.PackageService/DownloadObject",
        &[Role::EvidenceOfficer, Role::ProviderAgent],
    ),
    office("/rogatory.office.v1.PackageService/ReportOfflineAct", CASEWORKERS),
    office("/rogatory.office.v1.PartyService/ExportParty", EVERYBODY),
    office("/rogatory.office.v1.PartyService/ImportParty", &[Role::Operator]),
    office("/rogatory.office.v1.PartyService/GetParty", EVERYBODY),
    office("/rogatory.office.v1.PartyService/ListParties", EVERYBODY),
    office("/rogatory.office.v1.HealthService/Examine", EVERYBODY),
    office("/rogatory.custody.v1.CustodyService/GetCheckpoint", EVERYBODY),
    office(
        "/rogatory.custody.v1.CustodyService/ExportRecord",
        &[Role::Drafter, Role::Approver, Role::EvidenceOfficer, Role::ProviderAgent, Role::Auditor],
    ),
    office("/rogatory.custody.v1.CustodyService/ProveEntry", READERS_OF_CASES),
    office("/rogatory.custody.v1.CustodyService/ExportTiles", &[Role::Auditor]),
    office("/rogatory.custody.v1.CustodyService/GetTimeStamps", READERS_OF_CASES),
    office(
        "/rogatory.custody.v1.CustodyService/ListWitnesses",
        &[Role::Approver, Role::Auditor, Role::Operator],
    ),
    office("/grpc.health.v1.Health/Check", EVERYBODY),
    office("/grpc.health.v1.Health/Watch", EVERYBODY),
    office("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", EVERYBODY),
    peer("/rogatory.peer.v1.DeliveryService/DeliverDocument"),
    peer("/rogatory.peer.v1.DeliveryService/BeginPackage"),
    peer("/rogatory.peer.v1.DeliveryService/SendObject"),
    peer("/rogatory.peer.v1.DeliveryService/CommitPackage"),
    peer("/rogatory.peer.v1.WitnessService/AddCheckpoint"),
    peer("/rogatory.peer.v1.WitnessService/LastCheckpoint"),
    peer("/rogatory.peer.v1.WitnessService/ProveConsistency"),
    peer("/rogatory.peer.v1.WitnessService/ProveInclusion"),
    peer("/rogatory.peer.v1.WitnessService/ReportBrokenPromise"),
    peer("/grpc.health.v1.Health/Check"),
    peer("/grpc.health.v1.Health/Watch"),
    peer("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
];

/// The row of `rpc` on `listener`.
#[must_use]
pub(super) fn row(listener: Listener, rpc: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.rpc == rpc && row.listener == listener)
}
