//! A closed case is erased by two officers: nothing of it can be read any more, and every proof still holds.

use crate::fsck::copy_folder;
use rogatory_client::commands::case::{self, EraseArguments, ErasureDone, ErasureProposed};
use rogatory_client::commands::custody;
use rogatory_client::trust::Trust;
use rogatory_client::{Exit, Problem};
use rogatory_core::Digest;
use rogatory_core::document::{Document, NamedPackage};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::ReceiptKind;
use rogatory_custody::record::{Content, Record};
use rogatory_server::casework::dispatch::dispatch_due;
use rogatory_server::casework::erase_case::finish_erasures;
use rogatory_server::config::ServerConfig;
use rogatory_server::datastore::{Inspection, Location};
use rogatory_server::faults::Broken;
use rogatory_server::files::Disk;
use rogatory_server::fsck::{self, Fault, Item};
use rogatory_server::keystore::KeyStore;
use rogatory_tests::faults::Site;
use rogatory_tests::parcel::Parcel;
use rogatory_tests::{Federation, Office, papers, road};
use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sentences that no other text of a test holds.
const SENTENCES: [&str; 2] = ["the blue heron nests behind the mill", "seventeen ledgers under the floor"];
/// The documents of an erased case hold none of its sentences; those of the case that stays hold this one.
const STAYS: &str = "the other matter goes on as before";

/// A case with sentences of its own, from its request to its closing, with a package; and one that stays open.
async fn closed() -> (Federation, Document, NamedPackage, Document) {
    let federation = Federation::new().await;
    let (ordered, package) = federation.evidence_relayed().await;
    let Federation { gb, md, .. } = &federation;
    let request = ordered.request;
    let mut execution = papers::execution(md, &request, 2, std::slice::from_ref(&package));
    execution.body["remarks"] = json!(SENTENCES[0]);
    road::send(md, "drafter", &execution, "").await;
    let mut closing = papers::closing(gb, &request, 2);
    closing.body["remarks"] = json!(SENTENCES[1]);
    road::send(gb, "drafter", &closing, "").await;
    let mut other = papers::request(gb, md);
    other.body["remarks"] = json!(STAYS);
    road::send(gb, "drafter", &other, "").await;
    (federation, request, package, other)
}

async fn propose(office: &Office, officer: &str, case: &str) -> Result<ErasureProposed, Problem> {
    let arguments = EraseArguments {
        case: case.to_owned(),
        reason: "retention-over".to_owned(),
        article: "Data Protection Act, s. 47".to_owned(),
    };
    case::propose_erasure(&office.session(officer), arguments).await
}

async fn confirm(office: &Office, officer: &str, case: &str) -> Result<ErasureDone, Problem> {
    let session = office.session(officer);
    let plan = case::plan_erasure(&session, case).await?;
    case::confirm_erasure(&session, plan).await
}

async fn erase(office: &Office, case: &str) -> ErasureDone {
    propose(office, "drafter", case).await.expect("a proposal");
    confirm(office, "approver", case).await.expect("an erasure")
}

fn case_keys(folder: &Path) -> KeyStore {
    let config = ServerConfig::load(folder).expect("a configuration");
    let wrapping = fs::read(folder.join(&config.keys.key_encryption_key)).expect("a key");
    KeyStore::open(&folder.join(&config.storage.case_keys), Arc::new(Disk::OwnerOnly), &wrapping)
        .expect("keys")
}

fn database(folder: &Path) -> PathBuf {
    folder.join(ServerConfig::load(folder).expect("a configuration").database.file.expect("a file"))
}

/// All that whoever has a database file and a key store can read: every body and document that decrypts, inflated.
async fn readable(database: &Path, keys: &KeyStore) -> Vec<u8> {
    let mut database = Inspection::open(&Location::file(database.to_owned())).await.expect("a database");
    let mut read = Vec::new();
    for case in database.cases("", 1000).await.expect("cases") {
        let Ok(key) = keys.key(&case) else { continue };
        for body in database.bodies(&case, ("", 0), 1000).await.expect("bodies") {
            read.extend(body.decrypt(&key).unwrap_or_default());
        }
        for document in database.documents(&case, i64::MIN, 1000).await.expect("documents") {
            let Ok(container) = document.container(&key) else { continue };
            let container = papers::open(&container);
            read.extend(container.file("document.json").expect("data"));
        }
    }
    database.close().await.expect("closed");
    read
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

/// Every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The record of a case as the auditor exports it, verified.
async fn record(office: &Office, case: &str, name: &str) -> (Record, custody::RecordVerified) {
    let file = office.folder.join(name);
    custody::export(&office.session("operator"), case, 0, &file).await.expect("a record");
    let bytes = fs::read(&file).expect("a file");
    fs::remove_file(&file).expect("removed");
    let mut trust = Trust::default();
    trust.add(office.entry(), office.now(), "an entry").expect("a sound entry");
    let verified = custody::verify(&bytes, None, &trust).expect("every proof verifies");
    (Record::parse(&bytes).expect("a record"), verified)
}

async fn sql(database: &Path, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(database).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("a statement");
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_file_gives_a_sentence_of_the_case_and_every_proof_verifies() {
    let (mut federation, request, package, other) = closed().await;
    let number = request.shared_number.as_str();
    let md = &federation.md;
    let (folder, case_id) = (md.folder.clone(), road::case_id(md, "drafter", &request.shared_number).await);
    let (before, _) = record(md, number, "before.json").await;
    assert!(before.entries.iter().all(|entry| entry.content != Content::Erased));

    // What the case can be read with before: the keys, and a backup of the database.
    let keys = case_keys(&folder);
    let case_key = *keys.key(&case_id).expect("a key").as_bytes();
    let all = readable(&database(&folder), &keys).await;
    for sentence in SENTENCES.into_iter().chain([STAYS]) {
        assert!(holds(&all, sentence.as_bytes()), "the test must be able to find `{sentence}`");
    }
    let backup = federation.world.directory().join("backup-before");
    fs::create_dir_all(&backup).expect("a folder");
    for file in files(database(&folder).parent().expect("a folder")) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        if name.starts_with(&*database(&folder).file_name().expect("a name").to_string_lossy()) {
            fs::copy(&file, backup.join(name)).expect("a copy");
        }
    }
    let backup = backup.join(database(&folder).file_name().expect("a name"));

    let done = erase(&federation.md, number).await;
    assert!(done.erasure.finished && done.erasure.events > 10, "{done:?}");
    let package_folder = folder.join("vault/packages").join(package.package.as_str());
    assert!(!package_folder.exists(), "{}", package_folder.display());

    // Running, and stopped: with all that is on disk now nothing of it can be read, and the rest can.
    let served = federation.md.served().clone();
    dispatch_due(&served, served.clock.now()).await.expect("the outbox is served");
    drop(served);
    for stopped in [false, true] {
        if stopped {
            federation.md.stop().await;
        }
        let keys = case_keys(&folder);
        assert!(keys.key(&case_id).is_err() && keys.is_erased(&case_id));
        for database in [database(&folder), backup.clone()] {
            let now = readable(&database, &keys).await;
            assert!(
                SENTENCES.iter().all(|sentence| !holds(&now, sentence.as_bytes())),
                "{}",
                database.display()
            );
            assert!(holds(&now, STAYS.as_bytes()), "another case is not touched");
        }
        for file in files(&folder) {
            let bytes = fs::read(&file).expect("readable");
            assert!(!holds(&bytes, &case_key), "the key stands in clear in {}", file.display());
            for sentence in SENTENCES {
                assert!(!holds(&bytes, sentence.as_bytes()), "`{sentence}` in {}", file.display());
            }
        }
    }
    federation.md.start().await;
    let md = &federation.md;

    // The log holds what it held: every leaf, every proof.
    let (after, verified) = record(md, number, "after.json").await;
    assert!(after.entries.iter().all(|entry| entry.content == Content::Erased));
    let leaves = |record: &Record| -> BTreeSet<(u64, [u8; 65])> {
        record.entries.iter().map(|entry| (entry.index, entry.leaf)).collect()
    };
    assert!(
        leaves(&after).is_superset(&leaves(&before)) && after.tag_key.as_bytes() == before.tag_key.as_bytes()
    );
    assert!(verified.erased);
    assert!(!after.told.is_empty(), "what the counterparts' logs told stays");

    let report = fsck::check(&folder, true).await.expect("a report");
    assert!(report.sound, "{report}");
    let erased = report.erasures.first().expect("an erasure");
    assert_eq!((erased.case.as_str(), erased.events), (case_id.as_str(), done.erasure.events));
    assert_eq!(u64::try_from(erased.entry).ok(), done.erasure.leaf_index);
    assert!(report.to_string().contains("under entry"), "{report}");

    // Two persons, reason and article stand in the office's own log, and nothing else of the case.
    let office = Federation::timeline(md, "office").await;
    let body = |event: &str| &office.iter().find(|(_, name, _)| name == event).expect("an event").2;
    assert_eq!(body("erasure-proposed")["reason"], "retention-over");
    let entry = body("case-erased");
    assert_eq!(entry["article"], "Data Protection Act, s. 47");
    assert_eq!(entry["proposed_by"], "md/central-authority/officer/drafter");
    assert_eq!(entry["actor"]["officer"], "md/central-authority/officer/approver");

    // The counterparts were told, by a notice that both logs have; what they hold stays.
    for (told, number) in [(&federation.gb, request.shared_number.clone())] {
        let timeline = Federation::timeline(told, number.as_str()).await;
        let (stream, _, event) =
            timeline.iter().find(|(_, event, _)| event == "counterpart-erased").expect("an event");
        assert_eq!(
            (stream.as_str(), event["counterpart"].as_str()),
            ("md/central-authority", Some("md/central-authority"))
        );
        told.demand_sound().await;
    }
    let sent = office.iter().filter(|(_, event, _)| event == "document-transmitted").count();
    assert_eq!(sent, 2, "to the requesting authority and to the provider");

    // The case is shown as erased, and nothing is opened under its number again.
    assert_eq!(road::case(md, &request.shared_number).await.stage, "erased");
    let error = custody::show(&md.session("operator"), number).await.expect_err("no timeline");
    assert!(error.message().contains("was erased on"), "{error}");
    let again = papers::deliver(&federation.gb, md, papers::complete(&federation.gb, &request)).await;
    let receipt = papers::receipt(papers::receipt_bytes(&again.expect("a receipt")));
    assert_eq!(receipt.receipt, ReceiptKind::NonDelivery);
    road::send(md, "drafter", &papers::acknowledgement(md, &other), "").await;
    md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_alone_erases_nothing_and_an_open_case_stays() {
    let (mut federation, request, _, other) = closed().await;
    let number = request.shared_number.as_str();
    let md = &federation.md;
    let open = propose(md, "drafter", other.shared_number.as_str()).await.expect_err("an open case");
    assert!(open.message().contains("only a closed case"), "{open}");
    let nothing = confirm(md, "approver", number).await.expect_err("no proposal");
    assert!(nothing.message().contains("nobody proposed"), "{nothing}");
    papers::assert_refused(propose(md, "evidence", number).await, "ROLE_MISSING");
    // A colleague who may do both proposes: she cannot confirm her own proposal.
    propose(md, "colleague", number).await.expect("a proposal");
    papers::assert_refused(confirm(md, "colleague", number).await, "SAME_PERSON");
    papers::assert_refused(confirm(md, "drafter", number).await, "ROLE_MISSING");
    // Another proposal came between what was shown and what is confirmed.
    let session = md.session("approver");
    let shown = case::plan_erasure(&session, number).await.expect("a plan");
    let other_reason =
        EraseArguments { case: number.to_owned(), reason: "r".to_owned(), article: "a".to_owned() };
    case::propose_erasure(&md.session("drafter"), other_reason).await.expect("a proposal");
    papers::assert_refused(case::confirm_erasure(&session, shown).await, "CONTENT_CHANGED");
    for (reason, article) in [("", "a"), ("r", &"x".repeat(121)), ("line\nbreak", "a")] {
        let arguments = EraseArguments {
            case: number.to_owned(),
            reason: reason.to_owned(),
            article: article.to_owned(),
        };
        let refused = case::propose_erasure(&md.session("drafter"), arguments).await;
        papers::assert_refused(refused, "MALFORMED_ARGUMENT");
    }
    assert_eq!(road::case(md, &request.shared_number).await.stage, "closed");

    // A preservation that runs, and one that was released.
    let preservation = federation.preservation_confirmed("2027-01-21T14:20:00Z").await;
    let running = preservation.shared_number.as_str();
    let refused = propose(&federation.md, "drafter", running).await.expect_err("it runs");
    assert_eq!(refused.exit(), Exit::Refused);
    road::send(&federation.gb, "drafter", &papers::release(&federation.gb, &preservation, 2), "").await;
    erase(&federation.md, running).await;

    // What waits in the outbox goes first; the notices of an erasure wait with the office.
    let path = database(&federation.md.folder);
    let errand = "INSERT INTO outbox (what, subject, case_id, addressee, actor, queued_time, attempts, next_time)
                  SELECT 'document', 'D-0000000000000000', case_id, counterpart, '{\"kind\":\"server\"}', 0, 0,
                         9000000000000000 FROM mla_request WHERE stage = 'closed'";
    sql(&path, errand).await;
    let waits = propose(&federation.md, "drafter", number).await.expect_err("something waits");
    assert!(waits.message().contains("waits in the outbox"), "{waits}");
    sql(&path, "DELETE FROM outbox WHERE subject = 'D-0000000000000000'").await;
    federation.nistru.stop().await;
    erase(&federation.md, number).await;
    let served = federation.md.served();
    let waits = served.datastore.read().await.expect("a session").errands().await.expect("a count");
    assert!(waits > 0, "the provider is still to be told");
    federation.nistru.start().await;
    federation.md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_leaves_of_an_erasure_is_finished_at_the_next_start() {
    let (mut federation, request, package, _) = closed().await;
    let number = request.shared_number.as_str();
    let before = federation.world.directory().join("before");
    copy_folder(&federation.md.folder, &before);
    let case_id = road::case_id(&federation.md, "drafter", &request.shared_number).await;
    for broken in [Broken::Lost, Broken::KeptButReportedLost] {
        federation.md.faults.arm(Site::Commit("finish-erasure"), broken);
    }
    erase(&federation.md, number).await;
    federation.md.stop().await;
    let folder = federation.md.folder.clone();
    // The entry is committed, and nothing else has happened yet: key and packages are there as before.
    sql(&database(&folder), "UPDATE erasure SET finished = 0").await;
    for part in ["case-keys", "vault"] {
        let config = ServerConfig::load(&folder).expect("a configuration");
        let path = if part == "vault" { &config.storage.vault } else { &config.storage.case_keys };
        fs::remove_dir_all(folder.join(path)).expect("removed");
        copy_folder(&before.join(path), &folder.join(path));
    }
    assert!(case_keys(&folder).key(&case_id).is_ok());
    let report = fsck::check(&folder, true).await.expect("a report");
    assert!(report.sound && report.notes.iter().any(|note| note.contains("not finished")), "{report}");
    federation.md.start().await;
    assert!(case_keys(&folder).is_erased(&case_id));
    assert!(!folder.join("vault/packages").join(package.package.as_str()).exists());
    assert_eq!(finish_erasures(federation.md.served()).await.expect("nothing left"), 0);
    federation.md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_once_neither_loses_nor_doubles_an_erasure() {
    for (act, broken) in [
        ("erase-case", Broken::Lost),
        ("erase-case", Broken::KeptButReportedLost),
        ("propose-erasure", Broken::KeptButReportedLost),
        ("finish-erasure", Broken::Lost),
    ] {
        let (federation, request, _, _) = closed().await;
        let md = &federation.md;
        md.faults.arm(Site::Commit(act), broken);
        let done = erase(md, request.shared_number.as_str()).await;
        assert!(md.faults.broke() && done.erasure.finished, "{act} {broken:?}");
        let office = Federation::timeline(md, "office").await;
        let entries = office.iter().filter(|(_, event, _)| event == "case-erased").count();
        assert_eq!(entries, 1, "{act} {broken:?}");
        md.demand_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_without_an_entry_or_back_after_one_is_named() {
    let (mut federation, request, _, _) = closed().await;
    let before = federation.world.directory().join("before");
    copy_folder(&federation.md.folder, &before);
    erase(&federation.md, request.shared_number.as_str()).await;
    federation.md.stop().await;
    let folder = federation.md.folder.clone();
    let found = async |name: &str, statement: &'static str, keys: bool| {
        let copy = folder.with_file_name(format!("damaged-{name}"));
        copy_folder(&folder, &copy);
        sql(&database(&copy), statement).await;
        if keys {
            let config = ServerConfig::load(&copy).expect("a configuration");
            fs::remove_dir_all(copy.join(&config.storage.case_keys)).expect("removed");
            copy_folder(&before.join(&config.storage.case_keys), &copy.join(&config.storage.case_keys));
        }
        let report = fsck::check(&copy, true).await.expect("a report");
        assert!(!report.sound, "{name}: {report}");
        report
    };
    let is = |report: &fsck::Report, fault: Fault, item: Item, what: &str| {
        let is_it = |finding: &fsck::Finding| {
            (finding.fault, finding.item) == (fault, item) && finding.what.contains(what)
        };
        assert!(report.findings.iter().any(is_it), "{fault:?} {item:?} {what}: {report}");
    };
    let report = found("erasure-gone", "DELETE FROM erasure; DELETE FROM erased_event", false).await;
    is(&report, Fault::Missing, Item::Erasure, "nothing here does");
    is(&report, Fault::Missing, Item::Body, "no entry of the log says");
    let report =
        found("event-gone", "DELETE FROM erased_event WHERE n = 2 AND stream = 'internal'", false).await;
    is(&report, Fault::Damaged, Item::Erasure, "events were erased");
    // An operator who deletes a body of the office and says that it went with the case.
    let claimed = "INSERT INTO erased_event SELECT leaf_index, (SELECT case_id FROM erasure), 'internal', 999
                       FROM custody_body WHERE case_id = 'office' AND n = 2;
                   DELETE FROM custody_body WHERE case_id = 'office' AND n = 2";
    let report = found("claimed", claimed, false).await;
    is(&report, Fault::Missing, Item::Body, "the case's key is still here");
    let report = found("tag-key", "UPDATE erasure SET tag_key = zeroblob(32)", false).await;
    is(&report, Fault::Damaged, Item::Erasure, "tag key");
    let report = found("key-back", "SELECT 1", true).await;
    is(&report, Fault::Damaged, Item::Erasure, "still in the key store");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_does_not_come_back_by_being_sent_again() {
    let federation = Federation::new().await;
    let (ordered, path) = federation.package_sealed().await;
    let sent = federation.send_package(&path, &ordered.order.shared_number).await.expect("a receipt");
    let relayed = federation.relay_package(&sent.package_id).await.expect("a receipt");
    let package = NamedPackage { package: sent.package_id, manifest_sha256: relayed.plan.manifest_sha256 };
    let Federation { gb, md, nistru, .. } = &federation;
    let request = &ordered.request;
    road::send(md, "drafter", &papers::execution(md, request, 2, std::slice::from_ref(&package)), "").await;
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
    let mut session = gb.served().datastore.read().await.expect("a session");
    let rows = session.documents_numbered(&gb.party, &request.shared_number, request.message_number).await;
    let id = rows.expect("the database works")[0].id.clone();
    let container = session.document(&id).await.expect("the database works").expect("a document").container;
    drop(session);

    let number = request.shared_number.as_str();
    erase(md, number).await;
    let refused = papers::deliver(gb, md, container.clone()).await.expect("a receipt");
    let refused = papers::receipt_bytes(&refused).to_vec();
    assert_eq!(papers::receipt(&refused).receipt, ReceiptKind::NonDelivery);
    let mut session = md.served().datastore.read().await.expect("a session");
    let mut kept = session.documents("office", 0, 10).await.expect("the database works");
    kept.retain(|row| row.container_sha256 == Digest::of(&container));
    assert_eq!(kept.len(), 1, "digest and receipt stay");
    let row = session.document(&kept[0].id).await.expect("the database works").expect("a document");
    assert!(row.container.is_empty(), "its bytes do not");
    drop(session);
    // The same bytes get the same receipt.
    let again = papers::deliver(gb, md, container).await.expect("a receipt");
    assert_eq!(papers::receipt_bytes(&again), refused);
    md.demand_sound().await;

    // The package of the erased case is not taken under another number either.
    erase(gb, number).await;
    let other = papers::request(gb, md);
    road::send(gb, "drafter", &other, "").await;
    road::send(md, "drafter", &papers::acknowledgement(md, &other), "").await;
    let parcel = Parcel::read(&path).sealed_by(nistru, &nistru.seal());
    assert_eq!(parcel.id(), package.package);
    let relay = parcel.relay_receipt(md, gb, &other.shared_number);
    let receipt = parcel.deliver(md, gb, &other.shared_number, relay).await.expect("a receipt");
    let receipt = papers::receipt(&receipt);
    assert_eq!(receipt.ground, Some(NonDeliveryGround::Conflict), "{receipt:?}");
    gb.demand_sound().await;
}
