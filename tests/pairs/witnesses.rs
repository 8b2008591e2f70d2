//! Every write of sequencing and cosigning fails once without and once after taking effect: never a fork, never a
//! lost or doubled entry, and asking again heals by itself.

use rogatory_core::Digest;
use rogatory_custody::checkpoint::Checkpoint;
use rogatory_proto::peer::v1::AddCheckpointRequest;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;
use rogatory_server::casework::witness::ask::{Rounds, ask};
use rogatory_server::casework::witness::heard::compare_heard;
use rogatory_server::casework::witness::promises::ask_for_proofs;
use rogatory_server::faults::Broken;
use rogatory_server::peers;
use rogatory_tests::faults::Site::{self, Call, Commit};
use rogatory_tests::faults::SwitchedFaults;
use rogatory_tests::one_log::{Side, Story, assert_one_log, assert_seen, contradictions};
use rogatory_tests::{Federation, Office, papers, road};
use std::sync::Arc;
use std::time::Duration;

const TABLE: &[(Side, Site, Story)] = &[
    (Side::Log, Commit("receive-document"), Story::Request),
    (Side::Log, Commit("replace-checkpoint"), Story::Request),
    (Side::Log, Commit("keep-cosignature"), Story::Request),
    (Side::Log, Call("AddCheckpoint"), Story::Request),
    (Side::Log, Commit("mark-witness-behind"), Story::WitnessDown),
    (Side::Log, Commit("record-own-log-shown"), Story::Stolen),
    (Side::Witness, Commit("settle-document"), Story::Request),
    (Side::Witness, Commit("take-up-checkpoint"), Story::Request),
    (Side::Witness, Commit("put-off-promise"), Story::Request),
    (Side::Witness, Commit("keep-promised-proof"), Story::Request),
    (Side::Witness, Call("ProveInclusion"), Story::Request),
    (Side::Witness, Commit("hear-checkpoint"), Story::PassedOn),
    (Side::Witness, Commit("settle-heard-checkpoint"), Story::PassedOn),
    (Side::Witness, Commit("compare-heard-checkpoint"), Story::PassedOn),
    (Side::Witness, Call("ProveConsistency"), Story::PassedOn),
];

/// The ministry shows its own log to `to`, and with it a checkpoint of md's.
async fn pass_on(ministry: &Office, to: &Office, checkpoint: &[u8]) {
    let own = sign_checkpoint(ministry.served()).await.expect("signed").expect("a checkpoint").1;
    let request = AddCheckpointRequest {
        checkpoint: own.into(),
        seen_checkpoints: vec![checkpoint.to_vec().into()],
        ..AddCheckpointRequest::default()
    };
    peers::add_checkpoint(ministry.served(), &to.party, request).await.expect("an answer");
}

async fn every_row(broken: Broken) {
    for (side, site, story) in TABLE {
        let at = format!("{site:?} at the {side:?}, {broken:?}");
        let mut federation = Federation::new().await;
        let told = matches!(story, Story::PassedOn | Story::Stolen);
        let ministry = if told { Some(federation.competent_authority().await) } else { None };
        let served = federation.md.served();
        let (size, honest) = sign_checkpoint(served).await.expect("signed").expect("a checkpoint");
        let institution = &served.institution;
        let (origin, root) = (institution.log_origin().clone(), Digest::of(b"a thief's log"));
        let stolen =
            Checkpoint { origin, size: size + 1000, root }.sign(institution.log_key()).expect("signed");
        let office = match side {
            Side::Log => &federation.md,
            Side::Witness => &federation.gb,
        };
        let faults = Arc::clone(&office.faults);
        if *story == Story::Request {
            faults.arm(*site, broken);
        }
        let request = papers::request(&federation.gb, &federation.md);
        road::send(&federation.gb, "drafter", &request, "").await;
        federation.world.clock.advance_seconds(6);
        if *story != Story::Request {
            faults.arm(*site, broken);
        }
        match (story, &ministry) {
            (Story::WitnessDown, _) => {
                federation.gb.stop().await;
                Rounds::default().go_round(federation.md.served()).await.expect("the database works");
                federation.gb.start().await;
            }
            (Story::PassedOn, Some(ministry)) => pass_on(ministry, &federation.gb, &honest).await,
            (Story::Stolen, Some(ministry)) => pass_on(ministry, &federation.md, stolen.as_bytes()).await,
            _ => {}
        }
        heal(&federation, &faults, &at).await;
        let Federation { gb, md, .. } = &federation;
        let logs = [assert_one_log(gb, &at).await, assert_one_log(md, &at).await];
        assert_seen(gb, md, &logs[1], &at).await;
        // What a thief signed is found once, whatever broke.
        let found = usize::from(*story == Story::Stolen);
        assert_eq!((contradictions(gb).await, contradictions(md).await), (0, found), "{at}");
        let office = Federation::timeline(md, "office").await;
        let recorded = office.iter().filter(|(_, event, _)| event == "log-contradicted").count();
        assert_eq!(recorded, found, "{at}: each event once");
        let timeline = Federation::timeline(md, request.shared_number.as_str()).await;
        let received = timeline.iter().filter(|(_, event, _)| event == "document-received").count();
        assert_eq!(received, 1, "{at}: each event once");
        let office = Federation::timeline(gb, "office").await;
        assert!(!office.iter().any(|(_, event, _)| event == "promise-broken"), "{at}");
    }
}

/// Whatever broke is tried again, and heals.
async fn heal(federation: &Federation, faults: &SwitchedFaults, at: &str) {
    let Federation { gb, md, world, .. } = federation;
    let mut rounds = 0;
    loop {
        let asked = ask(md.served(), &gb.party).await;
        ask_for_proofs(gb.served()).await.expect("the database works");
        compare_heard(gb.served()).await.expect("the database works");
        let broke = faults.broke();
        let mut session = gb.served().datastore.read().await.expect("a session");
        let later = gb.now().plus_seconds(100_000);
        let open = session.open_promises(later, 10).await.expect("the database works");
        let due = session.heard_due(later, 10).await.expect("the database works");
        if asked.is_ok() && broke && open.is_empty() && due.is_empty() {
            return;
        }
        rounds += 1;
        assert!(rounds < 400, "{at}: broke {broke}, {asked:?}, {open:?}, {due:?}");
        world.clock.advance_seconds(1);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_witnesses_do_may_be_lost() {
    every_row(Broken::Lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_witnesses_do_may_be_kept_but_reported_lost() {
    every_row(Broken::KeptButReportedLost).await;
}
