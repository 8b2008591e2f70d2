//! What the server records of itself, finds by itself, and is told of what officers did without it.

use rogatory_client::commands::doctor::doctor;
use rogatory_client::commands::package::{self, DeriveArguments};
use rogatory_client::output::Outcome as _;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::report_offline_act_request::Act;
use rogatory_server::casework::recheck::{Rate, recheck_next};
use rogatory_server::casework::record_run::{ClockReading, look_at_clock};
use rogatory_server::health::{Finding, FindingKind, examine, examine_folder};
use rogatory_tests::papers::{self, assert_status};
use rogatory_tests::{Federation, Office};
use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::fs;
use std::time::Duration;

const FAST: Rate = Rate { bytes_a_second: 0 };
const DAY: i64 = 24 * 3600;

async fn events(office: &Office, case: &str, name: &str) -> Vec<Value> {
    let timeline = Federation::timeline(office, case).await;
    timeline.into_iter().filter(|(_, event, _)| event == name).map(|(_, _, body)| body).collect()
}

fn has(findings: &[Finding], kind: FindingKind, red: bool) -> bool {
    findings.iter().any(|finding| finding.kind == kind && finding.is_red() == red)
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_ends_and_what_changed_in_between_are_recorded() {
    let mut federation = Federation::new().await;
    assert_eq!(events(&federation.gb, "office", "server-started").await.len(), 1);
    federation.gb.stop().await;
    federation.gb.start().await;
    assert_eq!(events(&federation.gb, "office", "server-stopped").await.len(), 1);
    assert_eq!(events(&federation.gb, "office", "server-started").await.len(), 2);
    assert!(events(&federation.gb, "office", "configuration-changed").await.is_empty());

    federation.gb.stop().await;
    let path = federation.gb.folder.join("server.toml");
    let text = fs::read_to_string(&path).expect("a configuration");
    let changed = text.replacen(r#"["drafter", "approver"]"#, r#"["drafter"]"#, 1);
    assert_ne!(changed, text, "the colleague's roles");
    fs::write(&path, changed).expect("written");
    federation.gb.start().await;
    let changes = events(&federation.gb, "office", "configuration-changed").await;
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["changed"], "officer-roles");
    assert_eq!(changes[0]["officer"], "gb/central-authority/officer/colleague");
    assert!(changes[0]["before_sha256"].is_string() && changes[0]["now_sha256"].is_string());
    assert!(!changes[0].to_string().contains("Cora"), "no names");
    federation.gb.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_went_back_is_recorded_with_both_instants() {
    let mut federation = Federation::new().await;
    federation.world.clock.advance_seconds(7200);
    federation.gb.stop().await;
    federation.world.clock.advance_seconds(-3600);
    federation.gb.start().await;
    let anomalies = events(&federation.gb, "office", "clock-anomaly").await;
    assert_eq!(anomalies.len(), 1, "{anomalies:?}");
    assert_eq!(anomalies[0]["expected"], "2026-11-22T16:20:00Z");
    assert_eq!(anomalies[0]["found"], "2026-11-22T15:20:00Z");

    let served = federation.gb.served();
    let before = ClockReading { showed: federation.gb.now() };
    look_at_clock(served, before, Duration::from_secs(60)).await.expect("recorded");
    assert_eq!(events(&federation.gb, "office", "clock-anomaly").await.len(), 1, "a minute is no jump");
    federation.world.clock.advance_seconds(DAY);
    look_at_clock(served, before, Duration::from_secs(60)).await.expect("recorded");
    assert_eq!(events(&federation.gb, "office", "clock-anomaly").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_packages_are_read_again_and_damage_turns_health_red() {
    let mut federation = Federation::new().await;
    let (ordered, package) = federation.evidence_relayed().await;
    let number = ordered.request.shared_number.to_string();
    assert_eq!(recheck_next(federation.md.served(), FAST).await.expect("read"), None, "it is new");
    federation.world.clock.advance_seconds(31 * DAY);
    let md = &federation.md;
    let sound = recheck_next(md.served(), FAST).await.expect("read").expect("one is due");
    assert_eq!((&sound.package, sound.damaged), (&package.package, 0));
    assert_eq!(recheck_next(md.served(), FAST).await.expect("read"), None, "it was read just now");
    let told = events(md, &number, "package-rechecked").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["actor"]["kind"], "server");
    assert!(!has(&examine(md.served()).await, FindingKind::PackageDamaged, true));

    let object = md.folder.join("vault/packages").join(package.package.as_str()).join("data/EX-0001.age");
    let mut bytes = fs::read(&object).expect("an object");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&object, bytes).expect("written");
    federation.world.clock.advance_seconds(31 * DAY);
    let damaged = recheck_next(md.served(), FAST).await.expect("read").expect("one is due");
    assert_eq!(damaged.damaged, 1);
    let told = events(md, &number, "package-damaged").await;
    assert_eq!((told.len(), &told[0]["first"]), (1, &Value::from("data/EX-0001.age")));
    assert!(has(&examine(md.served()).await, FindingKind::PackageDamaged, true));
    let examined = doctor(&md.session("drafter")).await.expect("an answer");
    assert!(examined.findings.iter().any(|one| one.kind == "package-damaged" && one.gravity == "red"));
    assert!(examined.complaint().is_some());
    // Known after a restart too, and mended when the object is.
    federation.md.stop().await;
    federation.md.start().await;
    let md = &federation.md;
    assert!(has(&examine(md.served()).await, FindingKind::PackageDamaged, true));
    let mut bytes = fs::read(&object).expect("an object");
    bytes[middle] ^= 1;
    fs::write(&object, bytes).expect("written");
    federation.world.clock.advance_seconds(31 * DAY);
    recheck_next(md.served(), FAST).await.expect("read").expect("one is due");
    assert!(!has(&examine(md.served()).await, FindingKind::PackageDamaged, true));
    // Read while the clock was a year ahead: due again at once, not in a year.
    federation.world.clock.advance_seconds(365 * DAY);
    recheck_next(md.served(), FAST).await.expect("read").expect("one is due");
    federation.world.clock.advance_seconds(-365 * DAY);
    recheck_next(md.served(), FAST).await.expect("read").expect("one is due");
    assert_eq!(recheck_next(md.served(), FAST).await.expect("read"), None, "it was read just now");
    federation.md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_endangers_a_promise_is_red_and_a_silent_counterpart_is_not() {
    let mut federation = Federation::new().await;
    let gb = &federation.gb;
    assert!(examine(gb.served()).await.iter().all(|finding| finding.kind == FindingKind::DiskNearlyFull));
    // Where a folder stands, no file can be written.
    for (folder, kind) in
        [("vault", FindingKind::VaultNotWritable), ("case-keys", FindingKind::KeyStoreNotWritable)]
    {
        let probe = gb.folder.join(folder).join("probe");
        fs::create_dir(&probe).expect("a folder");
        assert!(has(&examine(gb.served()).await, kind, true), "{folder}");
        fs::remove_dir(&probe).expect("removed");
        assert!(!has(&examine(gb.served()).await, kind, true), "{folder}");
    }
    let (_, handed) = federation.request_approved().await;
    federation.md.stop().await;
    papers::transmit(&federation.gb, "drafter", &handed.document_id).await.expect_err("nobody answers");
    assert!(!has(&examine(federation.gb.served()).await, FindingKind::OutboxFailing, false));
    federation.world.clock.advance_seconds(DAY + 60);
    assert!(has(&examine(federation.gb.served()).await, FindingKind::OutboxFailing, false));

    // From outside, on the folder of a server that does not run: its log has lost its checkpoint.
    federation.gb.stop().await;
    let gb = &federation.gb;
    let look = async || {
        let (clock, entropy) = (federation.world.clock.clone(), federation.world.entropy.clone());
        examine_folder(&gb.folder, clock, entropy).await.expect("findings")
    };
    assert!(!has(&look().await, FindingKind::CheckpointStale, true));
    let options = SqliteConnectOptions::new().filename(gb.folder.join("database.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    sqlx::raw_sql("DELETE FROM custody_checkpoint").execute(&mut connection).await.expect("a statement");
    connection.close().await.expect("closed");
    assert!(has(&look().await, FindingKind::CheckpointStale, true));
}

async fn report(office: &Office, id: &str, package: &str, act: Option<Act>) -> Result<(), tonic::Status> {
    let session = office.session("evidence");
    let mut packages = session.connection().await.expect("a connection").packages();
    let request =
        wire::ReportOfflineActRequest { request_id: id.to_owned(), package_id: package.to_owned(), act };
    packages.report_offline_act(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_officer_did_offline_stands_in_the_log() {
    let federation = Federation::new().await;
    let (ordered, package) = federation.evidence_relayed().await;
    let (gb, number) = (&federation.gb, ordered.request.shared_number.to_string());
    let id = package.package.as_str();
    let opening = |exhibit: &str| {
        Some(Act::SensitiveOpened(wire::SensitiveOpening {
            count: 1,
            exhibits: vec![exhibit.to_owned()],
            reason_sha256: vec![7; 32].into(),
        }))
    };
    for _ in 0..2 {
        report(gb, "call-0001", id, opening("EX-0001")).await.expect("recorded once");
    }
    let opened = events(gb, &number, "sensitive-opened").await;
    assert_eq!((opened.len(), &opened[0]["exhibits"][0]), (1, &Value::from("EX-0001")));
    assert_eq!(opened[0]["actor"]["officer"], "gb/central-authority/officer/evidence");
    // A package that never was here stands with the office.
    report(gb, "call-0002", "PK-7K2M9QXR4T1VC8ZE", opening("EX-0002")).await.expect("recorded");
    assert_eq!(events(gb, "office", "sensitive-opened").await.len(), 1);
    assert_status(report(gb, "call-0001", id, opening("EX-0002")).await, "CONFLICT");
    assert_status(report(gb, "call-0003", id, opening("a real name")).await, "MALFORMED_ARGUMENT");
    assert_status(report(gb, "call-0004", id, None).await, "MALFORMED_ARGUMENT");

    // The program tells it by itself.
    let session = gb.session("evidence");
    let received = federation.world.directory().join("received.asice");
    package::receive(&session, &package.package, &received).await.expect("received");
    let arguments = DeriveArguments {
        path: received,
        recipients: gb
            .recipients(Some("evidence"))
            .into_iter()
            .filter(|key| key.starts_with("age1pq1"))
            .collect(),
        no_recovery: Some("a test".to_owned()),
        output: federation.world.directory().join("rewrapped.asice"),
        ..Default::default()
    };
    let derived = package::derive(&session, arguments).await.expect("another package");
    let rewrapped = events(gb, &number, "package-rewrapped").await;
    assert_eq!(rewrapped.len(), 1, "{:?}", derived.notes);
    assert_eq!(rewrapped[0]["derived"], derived.package_id.as_str());
}
