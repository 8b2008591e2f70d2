//! What must hold of an office's log whatever broke: one tree of all its leaves, and witnesses that saw its beginning; and the
//! stories in which it is broken.

use crate::office::Office;
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::tree::Tree;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;

/// Whose write or message breaks: of the log that grows, or of its witness.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Of the log.
    Log,
    /// Of the witness.
    Witness,
}

/// What passes a write of sequencing or cosigning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Story {
    /// A request is sent: md logs its arrival, gb cosigns and asks for what the receipt promised.
    Request,
    /// The same, and gb is not there when md asks it to cosign.
    WitnessDown,
    /// The same, and a ministry passes on to gb what it saw of md's log.
    PassedOn,
    /// The same, and the ministry passes on to md a log that a thief of md's key signed.
    Stolen,
}

/// The log of `office` is one tree of all its leaves, each event once; its checkpoint is of that tree. Gives the tree; `at` says
/// which part of a test it is.
///
/// # Panics
/// If it is not.
pub async fn assert_one_log(office: &Office, at: &str) -> Tree {
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

/// What `witness` saw of the log is the beginning of it, whose tree is `tree`.
///
/// # Panics
/// If it is not.
pub async fn assert_seen(witness: &Office, office: &Office, tree: &Tree, at: &str) {
    let origin = office.served().institution.log_origin();
    let mut session = witness.served().datastore.read().await.expect("a session");
    let seen = session.seen(origin).await.expect("the database works").expect("it was seen");
    assert!(seen.tree_size <= tree.size(), "{at}");
    let mut session = office.served().datastore.read().await.expect("a session");
    let root = session.root(seen.tree_size).await.expect("a root");
    assert_eq!(seen.root, root, "{at}: {} saw another log", witness.party);
}

/// How many contradictions of logs `office` keeps.
///
/// # Panics
/// If its database fails.
pub async fn contradictions(office: &Office) -> usize {
    let mut session = office.served().datastore.read().await.expect("a session");
    session.contradictions(100).await.expect("the database works").len()
}
