//! A backup beside the running server, its restoring, and the next epoch of the log: what goes on, what is refused until
//! then, and what is lost and said so.

use rogatory_client::commands::custody::{self, RecordVerified};
use rogatory_client::trust::Trust;
use rogatory_core::document::Document;
use rogatory_custody::checkpoint::Origin;
use rogatory_server::backup::{back_up, configuration_of, restore};
use rogatory_server::casework::witness::ask::ask;
use rogatory_server::casework::witness::findings;
use rogatory_server::config::ServerConfig;
use rogatory_server::fsck;
use rogatory_server::next_epoch::Wanted;
use rogatory_tests::{Federation, Office, papers, road};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

async fn office_events(office: &Office, name: &str) -> Vec<Value> {
    let timeline = Federation::timeline(office, "office").await;
    timeline.into_iter().filter(|(_, event, _)| event == name).map(|(.., body)| body).collect()
}

async fn told(office: &Office) -> Vec<(bool, String)> {
    let findings = findings(office.served()).await.expect("the database works");
    findings.into_iter().map(|finding| (finding.is_red(), finding.what)).collect()
}

async fn seen(witness: &Office, origin: &Origin) -> u64 {
    let mut session = witness.served().datastore.read().await.expect("a session");
    session.seen(origin).await.expect("the database works").map_or(0, |seen| seen.tree_size)
}

/// A request that md got, a backup of md from then, its server running.
struct Kept {
    federation: Federation,
    request: Document,
    backup: PathBuf,
    case_keys: PathBuf,
    /// The leaves in the backup.
    leaves: u64,
}

async fn kept() -> Kept {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let md = &federation.md;
    let (backup, case_keys) =
        (federation.world.directory().join("backup"), federation.world.directory().join("case-keys"));
    let copied = back_up(&md.folder, &backup, &case_keys, md.now()).await.expect("a backup");
    let leaves = copied.report.leaves;
    Kept { federation, request, backup, case_keys, leaves }
}

impl Kept {
    /// md's disk is gone; what is left is its configuration, its keys and the backup.
    async fn lose_and_restore(&mut self) {
        let md = &mut self.federation.md;
        md.stop().await;
        md.lose_database();
        for folder in ["vault", "case-keys"] {
            let _ = fs::remove_dir_all(md.folder.join(folder));
        }
        let restored = restore(&md.folder, &self.backup, Some(&self.case_keys)).await.expect("restored");
        assert!(restored.report.sound, "{}", restored.report);
        assert_eq!(restored.report.leaves, self.leaves);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_beside_the_running_server_is_whole_and_holds_no_key_of_the_office() {
    let federation = Federation::new().await;
    let (ordered, _) = federation.evidence_produced().await;
    let _ = ordered;
    let md = &federation.md;
    let (backup, keys) =
        (federation.world.directory().join("backup"), federation.world.directory().join("case-keys"));
    let inside = back_up(&md.folder, &backup, &backup.join("case-keys"), md.now()).await;
    assert!(format!("{:#}", inside.expect_err("keys beside the rows")).contains("must not lie in"));
    let copied = back_up(&md.folder, &backup, &keys, md.now()).await.expect("a backup");
    assert!(copied.package_bytes > 0 && copied.rows > 0, "{copied}");
    let again = back_up(&md.folder, &backup, &keys, md.now()).await.expect_err("it is there");
    assert!(format!("{again:#}").contains("is there already"), "{again:#}");

    let config = ServerConfig::load(&md.folder).expect("a configuration");
    let config = configuration_of(&config, &backup, &keys).expect("a configuration");
    let report = fsck::check_with(&md.folder, config.clone(), true).await.expect("a report");
    assert!(report.sound, "{report}");
    let mut names = Vec::new();
    walk(&backup, &mut names);
    assert!(names.iter().any(|name| name.ends_with("server.toml")));
    assert!(!names.iter().any(|name| name.ends_with(".key") || name.ends_with(".keys")), "{names:?}");

    // What is damaged in it is found.
    let object = names.iter().find(|name| name.contains("packages")).expect("an object");
    fs::write(object, b"x").expect("damaged");
    let report = fsck::check_with(&md.folder, config, false).await.expect("a report");
    assert!(!report.sound, "{report}");

    // The copy of the keys is renewed by the next backup, and no other office's is written over.
    federation.request_transmitted().await;
    let next = federation.world.directory().join("backup-2");
    back_up(&md.folder, &next, &keys, md.now()).await.expect("another backup");
    let gb = &federation.gb;
    let third = federation.world.directory().join("backup-3");
    let foreign = back_up(&gb.folder, &third, &keys, gb.now()).await.expect_err("the keys of md");
    assert!(format!("{foreign:#}").contains("another office"), "{foreign:#}");
}

fn walk(folder: &std::path::Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            walk(&path, names);
        } else {
            names.push(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restore_the_log_goes_on_in_its_next_epoch_and_says_what_is_lost() {
    let mut kept = kept().await;
    let closed: Origin = kept.federation.md.served().institution.log_origin().clone();
    {
        let Federation { gb, md, .. } = &kept.federation;
        // What only md recorded since the backup, and gb witnessed.
        for _ in 0..3 {
            let file = md.folder.join("lost.json");
            let _ = fs::remove_file(&file);
            let number = kept.request.shared_number.as_str();
            rogatory_client::commands::custody::export(&md.session("operator"), number, 0, &file)
                .await
                .expect("a record");
        }
        ask(md.served(), &gb.party).await.expect("a cosignature");
    }
    let known = seen(&kept.federation.gb, &closed).await;
    assert!(known > kept.leaves);
    kept.lose_and_restore().await;

    // It does not go on silently, and says what to do.
    let refused = kept.federation.md.start_refused().await;
    assert!(refused.contains("backup of") && refused.contains("next-epoch"), "{refused}");

    // A witness that is silent is not passed over.
    kept.federation.gb.stop().await;
    let refused = kept.federation.md.next_epoch(Wanted::default()).await.expect_err("gb is down");
    assert!(refused.contains(&format!("{} did not say", kept.federation.gb.party)), "{refused}");
    kept.federation.gb.start().await;

    let begun = kept.federation.md.next_epoch(Wanted::default()).await.expect("the next epoch");
    assert_eq!(begun.origin.epoch(), closed.epoch() + 1);
    assert_eq!((begun.witnessed, begun.lost), (Some(known), known - kept.leaves));
    let again = kept.federation.md.next_epoch(Wanted::default()).await.expect_err("once");
    assert!(again.contains("nothing shows"), "{again}");

    kept.federation.md.start().await;
    let Federation { gb, md, .. } = &kept.federation;
    let events = office_events(md, "epoch-begun").await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(event["restored_size"], kept.leaves);
    assert_eq!(event["common_size"], kept.leaves);
    assert_eq!(event["closed_origin"], closed.to_string().as_str());
    let note = event["witnessed"].as_str().expect("a note");
    assert!(note.contains(&format!("\n{known}\n")), "{note}");
    assert!(note.contains(&format!("rogatory/{}/witness", gb.party)), "{note}");

    // gb takes nothing of the new log's word before a person confirmed it.
    ask(md.served(), &gb.party).await.expect_err("another log than gb confirmed");
    assert_eq!(seen(gb, &begun.origin).await, 0);
    gb.import("operator", md).await.expect("confirmed");
    ask(md.served(), &gb.party).await.expect("a cosignature");
    assert!(seen(gb, &begun.origin).await > kept.leaves);
    assert_eq!(seen(gb, &closed).await, known, "what was seen stays");

    // Both go on in the case.
    let acknowledgement = papers::acknowledgement(md, &kept.request);
    road::send(md, "drafter", &acknowledgement, "").await;
    let number = &kept.request.shared_number;
    assert_eq!(road::stages(number, &[gb, md]).await, ["acknowledged", "acknowledged"]);
    road::send(md, "drafter", &papers::question(md, &kept.request, 2, "Q-1"), "").await;
    assert!(office_events(gb, "log-contradicted").await.is_empty());
    let timeline = Federation::timeline(gb, number.as_str()).await;
    assert!(!timeline.iter().any(|(_, event, _)| event == "case-head-contradicted"));
    md.demand_sound().await;
    gb.demand_sound().await;
    assert_eq!(told(md).await, []);

    // The record holds both epochs in one row of numbers, and names what is lost and who knows of it.
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let verified = verify(md, number.as_str(), &[md, gb], None).await.expect("verified");
    let [epoch] = verified.epochs.as_slice() else { panic!("{:?}", verified.epochs) };
    assert_eq!((epoch.closed.as_str(), epoch.restored_size), (closed.to_string().as_str(), kept.leaves));
    assert_eq!((epoch.witnessed_size, epoch.lost), (Some(known), known - kept.leaves));
    assert!(epoch.known_to.iter().any(|one| one.checked && one.witness == gb.party), "{:?}", epoch.known_to);
    assert_eq!(epoch.to_string().matches("are lost here").count(), 1, "{epoch}");
    let shared = verified.streams.iter().find(|stream| stream.stream == gb.party.to_string());
    assert!(
        shared.is_some_and(|stream| stream.complete_to > 2 && stream.known.is_some()),
        "{:?}",
        verified.streams
    );
    // Each holds what the other's log told, also in the epoch that ended.
    let theirs = record(gb, number.as_str()).await;
    verify(md, number.as_str(), &[md, gb], Some(&theirs)).await.expect("they agree");
}

async fn record(office: &Office, case: &str) -> Vec<u8> {
    let file = office.folder.join("record.json");
    let _ = fs::remove_file(&file);
    custody::export(&office.session("operator"), case, 0, &file).await.expect("a record");
    fs::read(file).expect("a file")
}

async fn verify(
    office: &Office,
    case: &str,
    trusted: &[&Office],
    other: Option<&[u8]>,
) -> Result<RecordVerified, rogatory_client::Problem> {
    let mut trust = Trust::default();
    for office in trusted {
        trust.add(office.entry(), office.now(), "an entry").expect("a sound entry");
    }
    custody::verify(&record(office, case).await, other, &trust)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_and_lost_comes_out_when_two_records_are_compared() {
    let mut kept = kept().await;
    let number = kept.request.shared_number.clone();
    {
        let Federation { gb, md, .. } = &kept.federation;
        let acknowledgement = papers::acknowledgement(md, &kept.request);
        road::send(md, "drafter", &acknowledgement, "").await;
        road::send(md, "drafter", &papers::question(md, &kept.request, 2, "Q-1"), "").await;
        road::send(gb, "drafter", &papers::reply(gb, &kept.request, 2, "Q-1"), "").await;
        ask(md.served(), &gb.party).await.expect("a cosignature");
    }
    kept.lose_and_restore().await;
    kept.federation.md.next_epoch(Wanted::default()).await.expect("the next epoch");
    kept.federation.md.start().await;
    let Federation { gb, md, .. } = &kept.federation;
    gb.import("operator", md).await.expect("confirmed");
    // gb has what md sent and lost; another document under its number is refused, and nothing pretends otherwise.
    assert_eq!(road::stages(&number, &[gb, md]).await, ["acknowledged", "received"]);
    let theirs = record(gb, number.as_str()).await;
    let problem = verify(md, number.as_str(), &[md, gb], Some(&theirs)).await.expect_err("lost");
    assert_eq!(problem.exit(), rogatory_client::Exit::VerificationFailed);
    assert!(format!("{problem:?}").contains("lost since that epoch ended"), "{problem:?}");
    // Alone the record is sound, and says that something is lost.
    let verified = verify(md, number.as_str(), &[md, gb], None).await.expect("verified");
    assert!(verified.epochs[0].lost > 0);
    gb.demand_sound().await;
    md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_backup_restored_again_and_again_begins_no_epoch_twice() {
    let mut kept = kept().await;
    let closed: Origin = kept.federation.md.served().institution.log_origin().clone();
    ask(kept.federation.md.served(), &kept.federation.gb.party).await.expect("a cosignature");
    let known = seen(&kept.federation.gb, &closed).await;
    kept.lose_and_restore().await;
    let wanted = Wanted { reason: None, force: true };
    let refused = kept.federation.md.next_epoch(wanted).await.expect_err("no reason");
    assert!(refused.contains("--reason"), "{refused}");
    let second = kept.federation.md.next_epoch(Wanted::default()).await.expect("the second epoch");
    assert_eq!((second.origin.epoch(), second.witnessed), (2, Some(known)));
    kept.federation.md.start().await;

    // It is lost before anybody saw it: what ends is still what was seen last.
    kept.lose_and_restore().await;
    let forced = Wanted { reason: Some("moved to a new machine".to_owned()), force: true };
    let third = kept.federation.md.next_epoch(forced).await.expect("the third epoch");
    assert_eq!((third.origin.epoch(), third.witnessed), (3, Some(known)));
    kept.federation.md.start().await;
    {
        let Federation { gb, md, .. } = &kept.federation;
        let events = office_events(md, "epoch-begun").await;
        let [event] = events.as_slice() else { panic!("the second beginning is lost: {events:?}") };
        assert_eq!(event["closed_origin"], closed.to_string().as_str());
        assert_eq!(event["reason"], "moved to a new machine");
        gb.import("operator", md).await.expect("confirmed");
        ask(md.served(), &gb.party).await.expect("a cosignature");
    }
    let seen_of_third = seen(&kept.federation.gb, &third.origin).await;

    kept.lose_and_restore().await;
    let fourth = kept.federation.md.next_epoch(Wanted::default()).await.expect("the fourth epoch");
    assert_eq!((fourth.origin.epoch(), fourth.witnessed), (4, Some(seen_of_third)));
    kept.federation.md.start().await;
    let Federation { gb, md, .. } = &kept.federation;
    gb.import("operator", md).await.expect("confirmed");
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let verified = verify(md, kept.request.shared_number.as_str(), &[md, gb], None).await.expect("verified");
    let [epoch] = verified.epochs.as_slice() else { panic!("{:?}", verified.epochs) };
    assert_eq!(epoch.closed, third.origin.to_string());
    assert_eq!(epoch.lost, seen_of_third - kept.leaves);
    assert_eq!(seen(gb, &closed).await, known, "what was seen stays");
    md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_the_next_epoch_is_gone_on_from() {
    let mut kept = kept().await;
    kept.lose_and_restore().await;
    let md = &mut kept.federation.md;
    let (config, entry) = (md.folder.join("server.toml"), md.folder.join("party-entry.asice"));
    let before = (fs::read(&config).expect("readable"), fs::read(&entry).expect("readable"));
    let begun = md.next_epoch(Wanted::default()).await.expect("the next epoch");
    // It ended behind the commit, before the configuration was written.
    fs::write(&config, &before.0).expect("written");
    fs::write(&entry, &before.1).expect("written");
    let refused = md.start_refused().await;
    assert!(refused.contains(&begun.origin.to_string()) && refused.contains("next-epoch"), "{refused}");
    let again = md.next_epoch(Wanted::default()).await.expect("gone on from");
    assert_eq!(again.origin, begun.origin);
    // It ended before the party entry was sealed.
    fs::write(&entry, &before.1).expect("written");
    let again = md.next_epoch(Wanted::default()).await.expect("gone on from");
    assert_eq!(again.origin, begun.origin);
    assert_ne!(fs::read(&entry).expect("readable"), before.1);
    md.start().await;
    assert_eq!(office_events(md, "epoch-begun").await.len(), 1);
    md.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_never_written_over_by_a_restore() {
    let mut kept = kept().await;
    let running = restore(&kept.federation.md.folder, &kept.backup, None).await.expect_err("it runs");
    assert!(format!("{running:#}").contains("stop the server"), "{running:#}");
    kept.federation.md.stop().await;
    let md = &kept.federation.md;
    let there = restore(&md.folder, &kept.backup, None).await.expect_err("it holds more");
    let said = format!("{there:#}");
    assert!(said.contains("database already") || said.contains("not empty"), "{said}");
    kept.federation.md.start().await;
    kept.federation.md.demand_sound().await;
}
