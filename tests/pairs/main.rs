//! Faults in pairs, for every message and every commit of a whole case: it was lost; it was kept but
//! reported lost. In the end both sides hold the same documents, packages and stages, and both
//! custody logs tell the same story, each event once.
//!
//! [`TABLE`] names every site. A commit or a call that the story passes and the table lacks fails the
//! suite, and so does a row that the story never passes.

mod agreement;
mod groups;
mod story;
mod witnesses;

use rogatory_server::faults::Broken;
use rogatory_tests::Federation;
use rogatory_tests::faults::Site::{self, Call, Commit};
use story::{Place, play};

/// Where, and at whose server.
const TABLE: &[(Place, Site)] = &[
    (Place::Gb, Commit("draft-document")),
    (Place::Gb, Commit("approve-document")),
    (Place::Gb, Commit("store-sealed-document")),
    (Place::Gb, Commit("settle-document")),
    (Place::Gb, Commit("receive-document")),
    (Place::Gb, Commit("begin-transfer")),
    (Place::Gb, Commit("receive-package")),
    (Place::Gb, Call("DeliverDocument")),
    (Place::Md, Commit("receive-document")),
    (Place::Md, Commit("draft-document")),
    (Place::Md, Commit("approve-document")),
    (Place::Md, Commit("store-sealed-document")),
    (Place::Md, Commit("settle-document")),
    (Place::Md, Commit("begin-transfer")),
    (Place::Md, Commit("receive-package")),
    (Place::Md, Commit("queue-relay")),
    (Place::Md, Commit("settle-relayed-package")),
    (Place::Md, Call("DeliverDocument")),
    (Place::Md, Call("BeginPackage")),
    (Place::Md, Call("SendObject")),
    (Place::Md, Call("CommitPackage")),
    (Place::Nistru, Commit("receive-document")),
    (Place::Nistru, Commit("draft-document")),
    (Place::Nistru, Commit("store-sealed-document")),
    (Place::Nistru, Commit("settle-document")),
    (Place::Nistru, Commit("begin-transfer")),
    (Place::Nistru, Commit("submit-package")),
    (Place::Nistru, Commit("settle-package")),
    (Place::Nistru, Call("DeliverDocument")),
    (Place::Nistru, Call("BeginPackage")),
    (Place::Nistru, Call("SendObject")),
    (Place::Nistru, Call("CommitPackage")),
];

/// What is done by time or by reading, and may or may not come in between; it changes no matter.
const BESIDE: &[&str] = &[
    "replace-checkpoint",
    "hasten-errands",
    "put-off-errand",
    "record-reading",
    "record-export",
    "confirm-party",
    // Witnesses are asked beside the story; `witnesses.rs` breaks what they do.
    "take-up-checkpoint",
    "keep-cosignature",
    "mark-witness-behind",
    "hear-checkpoint",
    "settle-heard-checkpoint",
    "compare-heard-checkpoint",
    "record-own-log-shown",
    "put-off-promise",
    "keep-promised-proof",
    "record-start",
];

/// Calls that are made beside the story.
const BESIDE_CALLS: &[&str] = &["AddCheckpoint", "ProveConsistency", "ProveInclusion"];

async fn every_row(broken: Broken) {
    for (place, site) in TABLE {
        let federation = Federation::new().await;
        place.of(&federation).faults.arm(*site, broken);
        let told = play(&federation).await;
        let at = format!("{site:?} at {place:?}, {broken:?}");
        assert!(place.of(&federation).faults.broke(), "{at}: never passed");
        // A broken commit is mended by the server itself; a broken call is told, and mended by the outbox.
        assert_eq!(told.failures, usize::from(matches!(site, Call(_))), "{at}");
        agreement::assert_agreed(&federation, &told, &at).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_both_sides_agree_in_the_end() {
    every_row(Broken::Lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_kept_but_reported_lost_both_sides_agree_in_the_end() {
    every_row(Broken::KeptButReportedLost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_names_every_site_of_the_story() {
    let federation = Federation::new().await;
    let told = play(&federation).await;
    agreement::assert_agreed(&federation, &told, "nothing broken").await;
    let mut missing = Vec::new();
    for place in [Place::Gb, Place::Md, Place::Nistru] {
        for site in place.of(&federation).faults.seen() {
            let beside = match site {
                Commit(act) => BESIDE.contains(&act),
                Call(rpc) => BESIDE_CALLS.contains(&rpc),
            };
            if !beside && !TABLE.contains(&(place, site)) {
                missing.push((place, site));
            }
        }
    }
    assert!(missing.is_empty(), "the table lacks {missing:?}");
}
