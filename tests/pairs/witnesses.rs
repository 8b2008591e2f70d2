//! Every write of sequencing and cosigning fails once without and once after taking effect: never a fork, never a
//! lost or doubled entry, and asking again heals by itself.

use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::tree::Tree;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;
use rogatory_server::casework::witness::ask::ask;
use rogatory_server::casework::witness::promises::ask_for_proofs;
use rogatory_server::faults::Broken;
use rogatory_tests::faults::Site::{self, Call, Commit};
use rogatory_tests::{Federation, Office, papers, road};
use std::time::Duration;

/// Whose write or message breaks: of the log that grows, or of its witness.
#[derive(Clone, Copy, Debug)]
enum Side {
    Log,
    Witness,
}

const TABLE: &[(Side, Site)] = &[
    (Side::Log, Commit("receive-document")),
    (Side::Log, Commit("replace-checkpoint")),
    (Side::Log, Commit("keep-cosignature")),
    (Side::Log, Call("AddCheckpoint")),
    (Side::Witness, Commit("settle-document")),
    (Side::Witness, Commit("take-up-checkpoint")),
    (Side::Witness, Commit("put-off-promise")),
    (Side::Witness, Commit("keep-promised-proof")),
    (Side::Witness, Call("ProveInclusion")),
];

/// The log of `office` is one tree of all its leaves, each event once; its checkpoint is of that tree.
async fn assert_one_log(office: &Office, at: &str) -> Tree {
    let served = office.served();
    let (size, note) = sign_checkpoint(served).await.expect("signed").expect("a checkpoint");
    let mut session = served.datastore.read().await.expect("a session");
    let mut tree = Tree::new();
    for index in 0..size {
        let leaves = session.level_nodes(0, index, 1).await.expect("the database works");
        tree.append(leaves[0]).expect("room");
    }
    let key = std::slice::from_ref(served.institution.log_key().vkey());
    let checkpoint = verify_checkpoint(&note, key).expect("its own");
    assert_eq!((checkpoint.size(), *checkpoint.root()), (size, tree.root()), "{at}: {}", office.party);
    drop(session);
    office.demand_sound().await;
    tree
}

/// What `witness` saw of the log is the beginning of it.
async fn assert_seen(witness: &Office, office: &Office, tree: &Tree, at: &str) {
    let origin = office.served().institution.log_origin();
    let mut session = witness.served().datastore.read().await.expect("a session");
    let seen = session.seen(origin).await.expect("the database works").expect("it was seen");
    assert!(seen.tree_size <= tree.size(), "{at}");
    let mut session = office.served().datastore.read().await.expect("a session");
    let root = session.root(seen.tree_size).await.expect("a root");
    assert_eq!(seen.root, root, "{at}: {} saw another log", witness.party);
    let contradictions = session.contradictions(10).await.expect("the database works");
    assert!(contradictions.is_empty(), "{at}: {contradictions:?}");
}

async fn every_row(broken: Broken) {
    for (side, site) in TABLE {
        let federation = Federation::new().await;
        let Federation { gb, md, world, .. } = &federation;
        let at = format!("{site:?} at the {side:?}, {broken:?}");
        let faults = match side {
            Side::Log => &md.faults,
            Side::Witness => &gb.faults,
        };
        faults.arm(*site, broken);
        let request = papers::request(gb, md);
        road::send(gb, "drafter", &request, "").await;
        world.clock.advance_seconds(6);
        // Whatever broke is tried again, and heals.
        let mut rounds = 0;
        loop {
            let asked = ask(md.served(), &gb.party).await;
            ask_for_proofs(gb.served()).await.expect("the database works");
            let broke = faults.broke();
            let mut session = gb.served().datastore.read().await.expect("a session");
            let open =
                session.open_promises(gb.now().plus_seconds(100_000), 10).await.expect("the database works");
            if asked.is_ok() && broke && open.is_empty() {
                break;
            }
            rounds += 1;
            assert!(rounds < 400, "{at}: broke {broke}, {asked:?}, {open:?}");
            world.clock.advance_seconds(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let logs = [assert_one_log(gb, &at).await, assert_one_log(md, &at).await];
        assert_seen(gb, md, &logs[1], &at).await;
        let timeline = Federation::timeline(md, request.shared_number.as_str()).await;
        let received = timeline.iter().filter(|(_, event, _)| event == "document-received").count();
        assert_eq!(received, 1, "{at}: each event once");
        let office = Federation::timeline(gb, "office").await;
        assert!(!office.iter().any(|(_, event, _)| event == "promise-broken"), "{at}");
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
