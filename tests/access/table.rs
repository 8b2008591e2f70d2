//! Who may call what, written down a second time: a change of policy is made in two places or fails.

/// Listener, RPC, and the roles in the order of `Role::ALL`, or `peers`.
pub(crate) const EXPECTED: &[(&str, &str, &str)] = &[
    ("office", "/rogatory.office.v1.DocumentService/DraftDocument", "drafter provider-agent"),
    ("office", "/rogatory.office.v1.DocumentService/ApproveDocument", "approver"),
    ("office", "/rogatory.office.v1.DocumentService/TransmitDocument", "drafter approver provider-agent"),
    ("office", "/rogatory.office.v1.DocumentService/GetDocument", CASEWORKERS),
    ("office", "/rogatory.office.v1.DocumentService/ListDocuments", CASEWORKERS),
    ("office", "/rogatory.office.v1.CaseService/GetCase", READERS),
    ("office", "/rogatory.office.v1.CaseService/ListCases", READERS),
    ("office", "/rogatory.office.v1.CaseService/ListTimeline", READERS),
    ("office", "/rogatory.office.v1.CaseService/ProposeErasure", "drafter approver provider-agent"),
    ("office", "/rogatory.office.v1.CaseService/ConfirmErasure", "approver"),
    ("office", "/rogatory.office.v1.PackageService/BeginUpload", EVIDENCE),
    ("office", "/rogatory.office.v1.PackageService/UploadObject", EVIDENCE),
    ("office", "/rogatory.office.v1.PackageService/SendPackage", EVIDENCE),
    ("office", "/rogatory.office.v1.PackageService/RelayPackage", "evidence-officer"),
    ("office", "/rogatory.office.v1.PackageService/GetPackage", EVIDENCE),
    ("office", "/rogatory.office.v1.PackageService/DownloadObject", EVIDENCE),
    ("office", "/rogatory.office.v1.PackageService/ReportOfflineAct", CASEWORKERS),
    ("office", "/rogatory.office.v1.PartyService/ExportParty", ALL),
    ("office", "/rogatory.office.v1.PartyService/ImportParty", "operator"),
    ("office", "/rogatory.office.v1.PartyService/GetParty", ALL),
    ("office", "/rogatory.office.v1.PartyService/ListParties", ALL),
    ("office", "/rogatory.office.v1.HealthService/Examine", ALL),
    ("office", "/rogatory.custody.v1.CustodyService/GetCheckpoint", ALL),
    ("office", "/rogatory.custody.v1.CustodyService/ExportRecord", READERS),
    ("office", "/rogatory.custody.v1.CustodyService/ProveEntry", READERS),
    ("office", "/rogatory.custody.v1.CustodyService/ExportTiles", "auditor"),
    ("office", "/rogatory.custody.v1.CustodyService/GetTimeStamps", READERS),
    ("office", "/rogatory.custody.v1.CustodyService/ListWitnesses", "approver auditor operator"),
    ("office", "/grpc.health.v1.Health/Check", ALL),
    ("office", "/grpc.health.v1.Health/Watch", ALL),
    ("office", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", ALL),
    ("peer", "/rogatory.peer.v1.DeliveryService/DeliverDocument", "peers"),
    ("peer", "/rogatory.peer.v1.DeliveryService/BeginPackage", "peers"),
    ("peer", "/rogatory.peer.v1.DeliveryService/SendObject", "peers"),
    ("peer", "/rogatory.peer.v1.DeliveryService/CommitPackage", "peers"),
    ("peer", "/rogatory.peer.v1.WitnessService/AddCheckpoint", "peers"),
    ("peer", "/rogatory.peer.v1.WitnessService/LastCheckpoint", "peers"),
    ("peer", "/rogatory.peer.v1.WitnessService/ProveConsistency", "peers"),
    ("peer", "/rogatory.peer.v1.WitnessService/ProveInclusion", "peers"),
    ("peer", "/rogatory.peer.v1.WitnessService/ReportBrokenPromise", "peers"),
    ("peer", "/grpc.health.v1.Health/Check", "peers"),
    ("peer", "/grpc.health.v1.Health/Watch", "peers"),
    ("peer", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "peers"),
];

const ALL: &str = "drafter approver evidence-officer provider-agent auditor operator";
const CASEWORKERS: &str = "drafter approver evidence-officer provider-agent";
const READERS: &str = "drafter approver evidence-officer provider-agent auditor";
const EVIDENCE: &str = "evidence-officer provider-agent";
