//! `rogatory-server fsck`: a whole case is sound, and whatever is damaged on purpose is named.

use rogatory_core::document::NamedPackage;
use rogatory_proto::custody::v1::GetCheckpointRequest;
use rogatory_server::config::ServerConfig;
use rogatory_server::files::Disk;
use rogatory_server::fsck::{self, Fault, Item, Report};
use rogatory_server::keystore::KeyStore;
use rogatory_tests::{Federation, Office, papers, road};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A case from its request to its closing, with a package.
async fn closed() -> (Federation, NamedPackage) {
    let federation = Federation::new().await;
    let (ordered, package) = federation.evidence_relayed().await;
    let Federation { gb, md, .. } = &federation;
    let request = &ordered.request;
    let named = std::slice::from_ref(&package);
    road::send(md, "drafter", &papers::execution(md, request, 2, named), "").await;
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
    for office in [gb, md] {
        // Signs what is committed, as the server does by itself a moment later.
        let mut custody = office.session("operator").connection().await.expect("a connection").custody();
        custody.get_checkpoint(GetCheckpointRequest {}).await.expect("a checkpoint");
    }
    (federation, package)
}

async fn check(folder: &Path) -> Report {
    fsck::check(folder, true).await.expect("a report")
}

fn count(report: &Report, item: Item) -> (u64, u64, u64, u64) {
    let count = report.items.get(&item).copied().unwrap_or_default();
    (count.present, count.erased, count.missing, count.damaged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_case_is_sound_beside_the_running_server_and_after_it() {
    let (mut federation, _) = closed().await;
    for office in [&federation.gb, &federation.md, &federation.nistru] {
        let report = check(&office.folder).await;
        assert!(report.sound, "{report}");
    }
    // As a server leaves its folder that never came to closing the database: the provider's has long been idle.
    let left = federation.nistru.folder.with_file_name("left-running");
    copy_folder(&federation.nistru.folder, &left);
    assert!(check(&left).await.sound);
    federation.md.stop().await;
    let report = check(&federation.md.folder).await;
    assert!(report.sound, "{report}");
    // Every kind of item was there to be looked at.
    for item in Item::ALL
        .into_iter()
        .filter(|item| !matches!(item, Item::Errand | Item::Preservation | Item::Erasure | Item::Epoch))
    {
        let (present, erased, missing, damaged) = count(&report, item);
        assert!(present > 0 && (erased, missing, damaged) == (0, 0, 0), "{item:?}: {report}");
    }
    assert_eq!(count(&report, Item::Body).0, report.leaves);
    assert!(
        report.checkpoint_leaves.is_some_and(|covered| covered > 0 && covered <= report.leaves),
        "{report}"
    );
    assert_eq!((report.notes.len(), report.findings.len()), (0, 0), "{report}");
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!((json["format"].as_u64(), json["sound"].as_bool()), (Some(1), Some(true)));
    assert_eq!(json["items"]["case-key"]["present"].as_u64(), Some(2));
}

/// A copy of an office's folder, to be damaged.
struct Copy {
    folder: PathBuf,
    config: ServerConfig,
    package: String,
}

impl Copy {
    fn of(office: &Office, package: &NamedPackage, name: &str) -> Self {
        Self::named(office, name, package.package.to_string())
    }

    fn named(office: &Office, name: &str, package: String) -> Self {
        let folder = office.folder.with_file_name(format!("damaged-{name}"));
        copy_folder(&office.folder, &folder);
        let config = ServerConfig::load(&folder).expect("a configuration");
        Self { folder, config, package }
    }

    fn database(&self) -> PathBuf {
        self.folder.join(self.config.database.file.as_ref().expect("a file"))
    }

    async fn sql(&self, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.database()).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
        sqlx::raw_sql(statement).execute(&mut connection).await.expect("a statement");
        connection.close().await.expect("closed");
    }

    fn object(&self, name: &str) -> PathBuf {
        self.folder.join(&self.config.storage.vault).join("packages").join(&self.package).join(name)
    }

    fn keys(&self) -> PathBuf {
        self.folder.join(&self.config.storage.case_keys)
    }

    /// Changes the record of the one case's key in the key store, by the format that its file describes.
    fn change_case_key(&self, change: impl Fn(&[u8]) -> Vec<u8>) {
        let path = self.keys().join("000001.keys");
        let bytes = fs::read(&path).expect("a file");
        let (mut rest, mut changed, mut found) = (bytes.as_slice(), Vec::new(), 0);
        while let Some((length, _)) = rest.split_first_chunk::<2>() {
            let (record, behind) = rest.split_at(u16::from_be_bytes(*length).into());
            let is_the_case = record[3..].starts_with(b"C-");
            found += usize::from(is_the_case);
            changed.extend(if is_the_case { change(record) } else { record.to_vec() });
            rest = behind;
        }
        assert_eq!(found, 1, "the key of one case");
        fs::write(path, changed).expect("written");
    }

    /// Leaves the key of a case that was never opened, as a crash before the commit does.
    fn leave_a_key(&self, case: &str) {
        let wrapping = fs::read(self.folder.join(&self.config.keys.key_encryption_key)).expect("a key");
        let keys = KeyStore::open(&self.keys(), Arc::new(Disk::OwnerOnly), &wrapping).expect("a key store");
        keys.create(case).expect("a key");
        keys.sync().expect("synced");
    }

    fn remove_case_key(&self) {
        self.change_case_key(|_| Vec::new());
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Damage done by SQL: its name, the statements, and what must be found: fault, item, part of the name, part of the words.
type Damage = (&'static str, &'static str, Fault, Item, &'static str, &'static str);

const NO_TRIGGERS: &str = "DROP TRIGGER custody_leaf_never_changes; DROP TRIGGER custody_leaf_never_goes;";

const DAMAGES: &[Damage] = &[
    (
        "body-flipped",
        "UPDATE custody_body SET body = randomblob(length(body)) WHERE leaf_index = 4",
        Fault::Damaged,
        Item::Body,
        "case",
        "decrypt",
    ),
    (
        "salt-changed",
        "UPDATE custody_body SET salt = randomblob(32) WHERE leaf_index = 4",
        Fault::Damaged,
        Item::Body,
        "",
        "its leaf 4 commits to something else",
    ),
    (
        "bodies-swapped",
        "UPDATE custody_body SET n = n + 1000 WHERE leaf_index = 5",
        Fault::Damaged,
        Item::Body,
        "#10",
        "it names #",
    ),
    (
        "body-deleted",
        "DELETE FROM custody_body WHERE leaf_index = 5",
        Fault::Missing,
        Item::Body,
        "",
        "leaf 5 commits to it, and the case's key is still here",
    ),
    (
        "last-body-deleted",
        "DELETE FROM custody_body WHERE leaf_index = (SELECT MAX(leaf_index) FROM custody_body WHERE case_id <> 'office')",
        Fault::Missing,
        Item::Body,
        "",
        "the case's key is still here",
    ),
    (
        "nodes-swapped",
        "UPDATE custody_node SET hash = (SELECT hash FROM custody_node AS other WHERE level = 1
             AND other.node_index = 1 - custody_node.node_index) WHERE level = 1 AND node_index IN (0, 1)",
        Fault::Damaged,
        Item::Node,
        "1/0",
        "not the hash",
    ),
    (
        "node-deleted",
        "DELETE FROM custody_node WHERE level = 2 AND node_index = 0",
        Fault::Missing,
        Item::Node,
        "2/0",
        "",
    ),
    (
        "node-added",
        "INSERT INTO custody_node VALUES (20, 7, zeroblob(32))",
        Fault::Damaged,
        Item::Node,
        "of the tree",
        "belong to it",
    ),
    (
        "checkpoint-changed",
        "UPDATE custody_checkpoint SET
             note = CAST(replace(CAST(note AS TEXT), char(10) || tree_size || char(10), char(10) || (tree_size + 1) || char(10)) AS BLOB)",
        Fault::Damaged,
        Item::Checkpoint,
        "",
        "",
    ),
    (
        "checkpoint-size",
        "UPDATE custody_checkpoint SET tree_size = tree_size - 1",
        Fault::Damaged,
        Item::Checkpoint,
        "",
        "it says",
    ),
    (
        "document-deleted",
        "DELETE FROM document WHERE kind = 'request'",
        Fault::Missing,
        Item::Document,
        "with sha256",
        "it was received",
    ),
    (
        "own-document-deleted",
        "DELETE FROM document WHERE kind = 'acknowledgement' AND sender LIKE '%/central-authority'",
        Fault::Missing,
        Item::Document,
        "D-",
        "it was drafted",
    ),
    (
        "document-stage",
        "UPDATE document SET stage = 'not-delivered' WHERE kind = 'order'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "its stage stands as `not-delivered`, and is `transmitted`",
    ),
    (
        "document-kind",
        "UPDATE document SET kind = 'closing' WHERE kind = 'order'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "its kind stands as `closing`, and is `order`",
    ),
    (
        "document-sender",
        "UPDATE document SET sender = 'md/other' WHERE kind = 'order'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "its sender stands as `md/other`",
    ),
    (
        "document-number",
        "UPDATE document SET message_number = 9 WHERE kind = 'order'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "its message number is 1",
    ),
    (
        "container-flipped",
        "UPDATE document_container SET container = randomblob(length(container))
             WHERE document_id = (SELECT document_id FROM document WHERE kind = 'order')",
        Fault::Damaged,
        Item::Document,
        "D-",
        "decrypt",
    ),
    (
        "container-deleted",
        "DELETE FROM document_container WHERE document_id = (SELECT document_id FROM document WHERE kind = 'order')",
        Fault::Damaged,
        Item::Document,
        "D-",
        "too short to decrypt",
    ),
    (
        "containers-exchanged",
        "UPDATE document_container SET container = (SELECT container FROM document_container
             JOIN document USING (document_id) WHERE kind = 'order')
             WHERE document_id = (SELECT document_id FROM document WHERE kind = 'request')",
        Fault::Damaged,
        Item::Document,
        "D-",
        "belong elsewhere",
    ),
    (
        "container-digest",
        "UPDATE document SET container_sha256 = zeroblob(32) WHERE kind = 'order'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "another digest",
    ),
    (
        "receipt-gone",
        "UPDATE document SET receipt = NULL, receipt_sha256 = NULL, receipt_leaf = NULL WHERE kind = 'request'",
        Fault::Damaged,
        Item::Document,
        "D-",
        "has no receipt",
    ),
    (
        "receipt-leaf",
        "UPDATE document SET receipt_leaf = zeroblob(32) WHERE kind = 'request'",
        Fault::Damaged,
        Item::Receipt,
        "for document D-",
        "its leaf is another",
    ),
    (
        "request-stage",
        "UPDATE mla_request SET stage = 'received'",
        Fault::Damaged,
        Item::Request,
        "GB-",
        "its stage stands as `received`, and is `closed`",
    ),
    (
        "request-counterpart",
        "UPDATE mla_request SET counterpart = 'fr/bepi'",
        Fault::Damaged,
        Item::Request,
        "GB-",
        "its counterpart stands as `fr/bepi`",
    ),
    (
        "order-stage-time",
        "UPDATE production_order SET stage_time = stage_time + 1",
        Fault::Damaged,
        Item::Order,
        "MD-",
        "the instant of its stage",
    ),
    (
        "package-stage",
        "UPDATE package SET stage = 'received'",
        Fault::Damaged,
        Item::Package,
        "PK-",
        "its stage stands as `received`, and is `relayed`",
    ),
    ("package-deleted", "DELETE FROM package", Fault::Missing, Item::Package, "PK-", "the log of case"),
    (
        "object-row-deleted",
        "DELETE FROM package_object WHERE position = 0",
        Fault::Damaged,
        Item::Package,
        "PK-",
        "objects are listed",
    ),
    (
        "head-changed",
        "UPDATE case_head SET leaf_hash = zeroblob(32) WHERE direction = 'sent'",
        Fault::Damaged,
        Item::CaseHead,
        "sent with",
        "with the leaf",
    ),
    (
        "head-note-changed",
        "UPDATE case_head SET note = zeroblob(length(note)) WHERE direction = 'received'",
        Fault::Damaged,
        Item::CaseHead,
        "received with",
        "another digest",
    ),
    (
        "party-deleted",
        "DELETE FROM party WHERE party_id = 'gb/central-authority'",
        Fault::Missing,
        Item::Party,
        "gb/central-authority",
        "the log says",
    ),
    (
        "party-entry-changed",
        "UPDATE party SET container = zeroblob(length(container)) WHERE party_id = 'gb/central-authority'",
        Fault::Damaged,
        Item::Party,
        "gb/central-authority",
        "another digest",
    ),
];

/// The same, after the triggers that protect leaves were dropped.
const LEAF_DAMAGES: &[Damage] = &[
    (
        "leaf-removed",
        "DELETE FROM custody_leaf WHERE leaf_index = 7",
        Fault::Missing,
        Item::Leaf,
        "7",
        "the log goes on behind it",
    ),
    (
        "last-leaf-removed",
        "DELETE FROM custody_leaf WHERE leaf_index = (SELECT MAX(leaf_index) FROM custody_leaf)",
        Fault::Missing,
        Item::Leaf,
        "",
        "belongs to it",
    ),
    (
        "last-leaf-removed-with-its-body",
        "DELETE FROM custody_leaf WHERE leaf_index = (SELECT MAX(leaf_index) FROM custody_body);
         DELETE FROM custody_body WHERE leaf_index = (SELECT MAX(leaf_index) FROM custody_body)",
        Fault::Damaged,
        Item::Checkpoint,
        "",
        "entries that were signed are gone",
    ),
    (
        "leaf-changed",
        "UPDATE custody_leaf SET leaf = randomblob(65) WHERE leaf_index = 7",
        Fault::Damaged,
        Item::Leaf,
        "7",
        "the hash beside it is another",
    ),
    (
        "leaf-changed-with-its-hash",
        "UPDATE custody_leaf SET leaf = (SELECT leaf FROM custody_leaf WHERE leaf_index = 6),
             leaf_hash = (SELECT leaf_hash FROM custody_leaf WHERE leaf_index = 6) WHERE leaf_index = 7",
        Fault::Damaged,
        Item::Checkpoint,
        "",
        "its root is another",
    ),
];

fn assert_found(report: &Report, damage: &str, (fault, item, name, what): (Fault, Item, &str, &str)) {
    assert!(!report.sound, "{damage}: {report}");
    let found = report.findings.iter().any(|finding| {
        (finding.fault, finding.item) == (fault, item)
            && finding.name.contains(name)
            && finding.what.contains(what)
    });
    assert!(found, "{damage}: {fault:?} {item:?} `{name}` `{what}` is not among\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_the_database_is_named() {
    let (mut federation, package) = closed().await;
    federation.md.stop().await;
    for (name, statement, fault, item, which, what) in DAMAGES {
        let copy = Copy::of(&federation.md, &package, name);
        copy.sql(statement).await;
        assert_found(&check(&copy.folder).await, name, (*fault, *item, which, what));
    }
    for (name, statement, fault, item, which, what) in LEAF_DAMAGES {
        let copy = Copy::of(&federation.md, &package, name);
        copy.sql(NO_TRIGGERS).await;
        copy.sql(statement).await;
        assert_found(&check(&copy.folder).await, name, (*fault, *item, which, what));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_vault_and_key_store_is_named() {
    let (mut federation, package) = closed().await;
    federation.md.stop().await;
    let copy = |name: &str| Copy::of(&federation.md, &package, name);
    let exhibit = "data/EX-0001.age";

    let truncated = copy("object-truncated");
    let file = fs::OpenOptions::new().write(true).open(truncated.object(exhibit)).expect("an object");
    file.set_len(10).expect("shortened");
    let found = (Fault::Damaged, Item::Object, exhibit, "the vault holds 10 bytes");
    assert_found(&fsck::check(&truncated.folder, false).await.expect("a report"), "truncated", found);

    let gone = copy("object-gone");
    fs::remove_file(gone.object(exhibit)).expect("removed");
    assert_found(&check(&gone.folder).await, "gone", (Fault::Missing, Item::Object, exhibit, "vault"));

    let flipped = copy("object-flipped");
    let mut bytes = fs::read(flipped.object(exhibit)).expect("an object");
    bytes[7] ^= 1;
    fs::write(flipped.object(exhibit), bytes).expect("written");
    let shallow = fsck::check(&flipped.folder, false).await.expect("a report");
    assert!(shallow.sound && !shallow.deep, "only sizes are compared without --deep: {shallow}");
    let found = (Fault::Damaged, Item::Object, exhibit, "another digest");
    assert_found(&check(&flipped.folder).await, "flipped", found);

    let keyless = copy("key-gone");
    keyless.remove_case_key();
    let report = check(&keyless.folder).await;
    assert_found(&report, "key gone", (Fault::Missing, Item::CaseKey, "C-", "it was not erased"));
    assert!(count(&report, Item::Body).2 > 0 && count(&report, Item::Document).2 > 0, "{report}");

    let key = copy("key-damaged");
    key.change_case_key(|record| {
        let mut bytes = record.to_vec();
        bytes[40] ^= 1;
        bytes
    });
    assert_found(
        &check(&key.folder).await,
        "key damaged",
        (Fault::Damaged, Item::CaseKey, "C-", "was changed"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_to_a_preservation_is_named() {
    let mut federation = Federation::new().await;
    federation.preservation_confirmed("2027-01-21T14:20:00Z").await;
    federation.md.stop().await;
    let copy = |name: &str| Copy::named(&federation.md, name, String::new());
    let report = check(&federation.md.folder).await;
    assert!(report.sound && count(&report, Item::Preservation) == (1, 0, 0, 0), "{report}");
    for (name, statement, what) in [
        (
            "stage",
            "UPDATE preservation SET stage = 'released'",
            "its stage stands as `released`, and is `confirmed`",
        ),
        ("until", "UPDATE preservation SET preserved_until = preserved_until + 1", "until which it holds"),
        ("follow-up", "UPDATE preservation SET followed_up_by = 'GB'", "follows it up"),
    ] {
        let damaged = copy(&format!("preservation-{name}"));
        damaged.sql(statement).await;
        let found = (Fault::Damaged, Item::Preservation, "GB-", what);
        assert_found(&check(&damaged.folder).await, name, found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_outbox_belongs_there() {
    let mut federation = Federation::new().await;
    let (_, handed) = federation.request_approved().await;
    federation.md.stop().await;
    papers::transmit(&federation.gb, "drafter", &handed.document_id).await.expect_err("nobody answers");
    federation.gb.stop().await;
    let report = check(&federation.gb.folder).await;
    assert!(report.sound && count(&report, Item::Errand) == (1, 0, 0, 0), "{report}");
    let copy = |name: &str| Copy::named(&federation.gb, name, String::new());
    let lost = copy("errand-lost");
    lost.sql("DELETE FROM outbox").await;
    assert_found(
        &check(&lost.folder).await,
        "lost",
        (Fault::Missing, Item::Errand, "document D-", "send it"),
    );
    let idle = copy("errand-idle");
    idle.sql("UPDATE outbox SET subject = 'D-0000000000000000'").await;
    assert_found(&check(&idle.folder).await, "idle", (Fault::Damaged, Item::Errand, "D-0000", "not here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_gone_without_an_erasure_is_missing_and_what_a_crash_left_is_no_fault() {
    let (mut federation, package) = closed().await;
    federation.md.stop().await;
    let gone = Copy::of(&federation.md, &package, "gone");
    let bodies = count(&check(&gone.folder).await, Item::Body).0;
    gone.sql(
        "DELETE FROM custody_body WHERE case_id <> 'office'; DELETE FROM mla_request; DELETE FROM production_order;
         DELETE FROM document_container WHERE document_id IN
             (SELECT document_id FROM document WHERE case_id <> 'office');
         DELETE FROM document WHERE case_id <> 'office'; DELETE FROM package; DELETE FROM package_object;
         DELETE FROM case_head WHERE case_id <> 'office'",
    )
    .await;
    gone.remove_case_key();
    let report = check(&gone.folder).await;
    let (present, erased, missing, damaged) = count(&report, Item::Body);
    assert!(present + missing == bodies && missing > 0 && (erased, damaged) == (0, 0), "{report}");
    assert_found(&report, "gone", (Fault::Missing, Item::Body, "of leaf", "no entry of the log says"));

    let left = Copy::of(&federation.md, &package, "left");
    let vault = left.folder.join(&left.config.storage.vault);
    fs::create_dir_all(vault.join("packages/PK-0000000000000000")).expect("a folder");
    fs::create_dir_all(vault.join("incoming/T-00")).expect("a folder");
    fs::write(left.object("data/EX-0009.age"), b"").expect("a file");
    left.leave_a_key("C-0000000000000000");
    let report = check(&left.folder).await;
    assert!(report.sound, "{report}");
    for part in ["PK-0000000000000000", "T-00", "data/EX-0009.age", "C-0000000000000000"] {
        assert!(report.notes.iter().any(|note| note.contains(part)), "{part}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_is_an_error_and_no_report() {
    let (mut federation, package) = closed().await;
    federation.md.stop().await;
    let copy = Copy::of(&federation.md, &package, "no-database");
    fs::remove_file(copy.database()).expect("removed");
    let error = fsck::check(&copy.folder, false).await.expect_err("no database");
    assert!(format!("{error:#}").contains("cannot be opened"), "{error:#}");
    assert!(!copy.database().exists(), "a check makes nothing");
}
