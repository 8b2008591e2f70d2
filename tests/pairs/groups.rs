//! Groups of acts below any service: who shares a transaction, who is answered when, and what stands
//! after an act, a commit or a connection failed.

use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, Timestamp};
use rogatory_custody::tree::Tree;
use rogatory_server::datastore::{Act, Datastore, OFFICE, Opening, StoreError, Transaction};
use rogatory_server::faults::{Broken, Faults};
use rogatory_server::files::Disk;
use rogatory_server::keystore::KeyStore;
use rogatory_server::problem::{Problem, Reason};
use rogatory_tests::{FixedClock, SeededEntropy, postgres};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::Semaphore;

/// Notes every commit, and breaks those it was told to, counted from 1.
#[derive(Default)]
struct Commits {
    seen: Mutex<Vec<Vec<&'static str>>>,
    broken: Mutex<Vec<(usize, Broken)>>,
    /// Callers that were answered, as each commit began.
    answered: Arc<AtomicUsize>,
    answered_before: Mutex<Vec<usize>>,
    /// The folder of case keys, and whether the office's key lay there as each commit began.
    keys: Mutex<PathBuf>,
    key_there: Mutex<Vec<bool>>,
}

impl Faults for Commits {
    fn commit(&self, acts: &[&'static str]) -> Option<Broken> {
        let mut seen = self.seen.lock().expect("a lock");
        seen.push(acts.to_vec());
        let keys = self.keys.lock().expect("a lock");
        let there =
            KeyStore::open(&keys, Arc::new(Disk::OwnerOnly), &WRAPPING).is_ok_and(|keys| keys.knows(OFFICE));
        self.key_there.lock().expect("a lock").push(there);
        self.answered_before.lock().expect("a lock").push(self.answered.load(Ordering::SeqCst));
        let broken = self.broken.lock().expect("a lock");
        broken.iter().find(|(at, _)| *at == seen.len()).map(|(_, broken)| *broken)
    }

    fn call(&self, _: &'static str) -> Option<Broken> {
        None
    }
}

const WRAPPING: [u8; 32] = [7; 32];

/// What an act of these tests does.
#[derive(Clone)]
enum What {
    /// Makes one entry.
    Record,
    /// Makes one entry, then refuses.
    RecordAndRefuse,
    /// Waits until it is let go, then makes one entry: meanwhile others queue up behind it.
    Wait(Arc<Semaphore>),
    /// Makes one entry; the first run then loses the connection.
    LoseConnectionOnce(Arc<AtomicU32>),
}

struct Try(What);

impl Act for Try {
    const NAME: &'static str = "try";
    type Output = u64;

    async fn perform(&self, tx: &mut Transaction) -> Result<u64, StoreError> {
        if let What::Wait(gate) = &self.0 {
            gate.acquire().await.expect("a gate").forget();
        }
        let event = CustodyEvent::internal(Event::CustodyExported { entries: 1 });
        let logged = tx.record(OFFICE, &Actor::Server, event).await?;
        match &self.0 {
            What::RecordAndRefuse => Err(Problem::new(Reason::WrongStage, "refused on purpose").into()),
            What::LoseConnectionOnce(runs) if runs.fetch_add(1, Ordering::SeqCst) == 0 => {
                Err(StoreError::Database(sqlx_error()))
            }
            _ => Ok(logged.n),
        }
    }
}

/// An error that is no constraint: as if the connection were gone.
fn sqlx_error() -> rogatory_server::datastore::DatabaseError {
    rogatory_server::datastore::DatabaseError::WorkerCrashed
}

struct Bench {
    datastore: Datastore,
    commits: Arc<Commits>,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("keys");
        let commits = Arc::new(Commits { keys: Mutex::new(keys.clone()), ..Commits::default() });
        let keys = KeyStore::open(&keys, Arc::new(Disk::OwnerOnly), &WRAPPING).expect("a key store");
        let noon: Timestamp = "2026-11-22T14:20:00Z".parse().expect("an instant");
        let datastore = Datastore::open(Opening {
            location: &postgres::configured().location(folder.path()).expect("a database"),
            create: true,
            keys: Arc::new(keys),
            clock: Arc::new(FixedClock::new(noon)),
            entropy: Arc::new(SeededEntropy::new(3)),
            faults: commits.clone(),
        })
        .await
        .expect("a datastore");
        Self { datastore, commits, _folder: folder }
    }

    /// Performs `acts` so that all but a first one, which waits, stand in one group; gives what the
    /// others were answered, in their order.
    async fn in_one_group(&self, acts: Vec<What>) -> Vec<Result<u64, Problem>> {
        let gate = Arc::new(Semaphore::new(0));
        let first = self.start(What::Wait(Arc::clone(&gate))).await;
        let mut waiting = Vec::new();
        for act in acts {
            waiting.push(self.start(act).await);
        }
        gate.add_permits(1);
        first.await.expect("a task").expect("the first act stands");
        let mut outcomes = Vec::new();
        for task in waiting {
            outcomes.push(task.await.expect("a task"));
        }
        outcomes
    }

    /// Hands in an act and returns once it stands in the queue.
    async fn start(&self, what: What) -> tokio::task::JoinHandle<Result<u64, Problem>> {
        let (datastore, answered) = (self.datastore.clone(), Arc::clone(&self.commits.answered));
        let handed_in = Arc::new(Semaphore::new(0));
        let told = Arc::clone(&handed_in);
        let task = tokio::spawn(async move {
            let mut performing = Box::pin(datastore.perform(Try(what)));
            // The first poll puts the act into the queue, which is never full here.
            let early =
                std::future::poll_fn(|context| std::task::Poll::Ready(performing.as_mut().poll(context)))
                    .await;
            told.add_permits(1);
            let outcome = match early {
                std::task::Poll::Ready(outcome) => outcome,
                std::task::Poll::Pending => performing.await,
            };
            answered.fetch_add(1, Ordering::SeqCst);
            outcome
        });
        handed_in.acquire().await.expect("a gate").forget();
        task
    }

    fn commits(&self) -> Vec<usize> {
        let seen = self.commits.seen.lock().expect("a lock");
        // Those that follow the question what became of another are no acts.
        seen.iter().filter(|acts| acts.iter().all(|act| *act == Try::NAME)).map(Vec::len).collect()
    }

    fn break_commit(&self, at: usize, broken: Broken) {
        self.commits.broken.lock().expect("a lock").push((at, broken));
    }

    /// The log holds exactly `count` entries, numbered without gaps, and its root is that of its leaves.
    async fn assert_log(&self, count: u64) {
        let mut session = self.datastore.read().await.expect("a session");
        let entries = session.entries(OFFICE, 0, u64::from(u32::MAX), 1000).await.expect("entries");
        let numbers: Vec<u64> = entries.iter().map(|entry| entry.n).collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<u64>>());
        let mut tree = Tree::new();
        for entry in &entries {
            tree.append(entry.leaf_hash).expect("room");
        }
        assert_eq!(session.tree_size().await.expect("a size"), count);
        assert_eq!(session.root(count).await.expect("a root"), tree.root());
        let bodies: std::collections::HashSet<Digest> =
            entries.iter().map(|entry| Digest::of(&entry.body)).collect();
        assert_eq!(bodies.len() as u64, count, "every entry names its own predecessor");
    }
}

fn reasons(outcomes: &[Result<u64, Problem>]) -> Vec<Option<Reason>> {
    outcomes.iter().map(|outcome| outcome.as_ref().err().map(Problem::reason)).collect()
}

#[tokio::test]
async fn acts_that_wait_share_one_commit() {
    let bench = Bench::new().await;
    let outcomes = bench.in_one_group(vec![What::Record; 20]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(bench.commits(), [1, 20]);
    bench.assert_log(21).await;
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let bench = Bench::new().await;
    bench.in_one_group(vec![What::Record, What::RecordAndRefuse, What::Record]).await;
    let before = bench.commits.answered_before.lock().expect("a lock").clone();
    // At the second commit the first act alone may have been answered.
    assert!(before[0] == 0 && before[1] <= 1, "{before:?}");
}

#[tokio::test]
async fn the_key_of_a_case_lies_on_the_disk_before_the_commit_of_what_is_encrypted_under_it() {
    let bench = Bench::new().await;
    bench.in_one_group(vec![What::Record]).await;
    assert_eq!(*bench.commits.key_there.lock().expect("a lock"), [true, true]);
}

#[tokio::test]
async fn an_act_that_is_refused_takes_nothing_with_it_and_leaves_nothing() {
    let bench = Bench::new().await;
    let outcomes = bench.in_one_group(vec![What::Record, What::RecordAndRefuse, What::Record]).await;
    assert_eq!(reasons(&outcomes), [None, Some(Reason::WrongStage), None]);
    assert_eq!(bench.commits(), [1, 3]);
    bench.assert_log(3).await;
}

#[tokio::test]
async fn a_group_that_refuses_all_commits_nothing() {
    let bench = Bench::new().await;
    let outcomes = bench.in_one_group(vec![What::RecordAndRefuse; 3]).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert_eq!(bench.commits(), [1]);
    bench.assert_log(1).await;
}

#[tokio::test]
async fn acts_of_a_group_whose_commit_was_lost_are_tried_one_by_one() {
    let bench = Bench::new().await;
    bench.break_commit(2, Broken::Lost);
    let outcomes = bench.in_one_group(vec![What::Record, What::RecordAndRefuse, What::Record]).await;
    assert_eq!(reasons(&outcomes), [None, Some(Reason::WrongStage), None]);
    assert_eq!(bench.commits(), [1, 3, 1, 1], "the refused one commits nothing");
    bench.assert_log(3).await;
}

#[tokio::test]
async fn a_commit_that_was_kept_but_reported_lost_is_found_again() {
    let bench = Bench::new().await;
    bench.break_commit(2, Broken::KeptButReportedLost);
    let outcomes = bench.in_one_group(vec![What::Record; 4]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(bench.commits(), [1, 4], "nothing is performed twice");
    bench.assert_log(5).await;
    bench.in_one_group(vec![What::Record]).await;
    bench.assert_log(7).await;
}

#[tokio::test]
async fn nothing_is_performed_again_while_it_is_not_known_what_became_of_a_commit() {
    let bench = Bench::new().await;
    bench.break_commit(2, Broken::KeptButReportedLost);
    // Twice the question fails as well.
    bench.break_commit(3, Broken::Lost);
    bench.break_commit(4, Broken::KeptButReportedLost);
    let outcomes = bench.in_one_group(vec![What::Record; 4]).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(bench.commits(), [1, 4], "nothing is performed twice");
    bench.assert_log(5).await;
}

#[tokio::test]
async fn a_lost_connection_abandons_the_group_and_each_act_is_tried_alone() {
    let bench = Bench::new().await;
    let runs = Arc::new(AtomicU32::new(0));
    let acts = vec![What::Record, What::LoseConnectionOnce(Arc::clone(&runs)), What::Record];
    let outcomes = bench.in_one_group(acts).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((runs.load(Ordering::SeqCst), bench.commits()), (2, vec![1, 1, 1, 1]));
    bench.assert_log(4).await;
}

#[tokio::test]
async fn a_started_act_survives_its_callers_disconnect() {
    let bench = Bench::new().await;
    let gate = Arc::new(Semaphore::new(0));
    let started = bench.start(What::Wait(Arc::clone(&gate))).await;
    let queued = bench.start(What::Record).await;
    started.abort();
    queued.abort();
    gate.add_permits(1);
    bench.in_one_group(vec![What::Record]).await;
    bench.assert_log(4).await;
}
