//! The writer: acts that wait share a transaction, a savepoint each, and one sync.
//!
//! ```text
//! BEGIN ─ act 1 ─ act 2 ─ … ─ entries of the log, number of the group ─ COMMIT ─ answers
//!          └ a Problem or a broken constraint: back to its savepoint, the others stand
//!          └ any other error of the database: the group is abandoned, the connection dropped,
//!            each act tried alone on a new one
//! ```
//! A savepoint stands before each act that follows one which had the connection. An act that only stages entries
//! of the log leaves the database as it was, so that the mark before it serves the next act too.
//!
//! Nobody is answered before `COMMIT` has returned, not even with a refusal: it may rest on what an
//! act before it in the group did. If `COMMIT` reports a failure, the number of the group tells
//! on a new connection whether it stands all the same; while that can't be told nothing is tried again.
//!
//! On PostgreSQL the connection holds the writer's lock for as long as it lives, also while a `COMMIT` whose answer was
//! lost is still under way: whoever gets the lock next sees what became of it. Another server may have been that one;
//! the number belongs to its `holder`, so that no commit of another is taken for one's own. A new connection reads
//! the end of the log anew; two leaves under one index are refused by the table.

use super::dialect::Dialect;
use super::session::{Session, StoreError};
use super::transaction::Transaction;
use super::{Act, WAITING_ACTS};
use crate::faults::{Broken, Faults};
use crate::keystore::KeyStore;
use crate::problem::{Problem, Reason};
use data_encoding::HEXLOWER;
use rogatory_core::entropy::draw;
use rogatory_core::{Clock, Entropy};
use sqlx::AnyPool;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot};

/// The most acts that share a transaction.
const ACTS_OF_A_GROUP: usize = WAITING_ACTS / 2;

/// How often it is asked what became of a commit, with pauses that begin here and double: half a minute in all.
const ASKED_AT_MOST: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The name under which tests break the commit that follows such a question.
const ASKING: &str = "ask-after-a-commit";

/// What the writer is handed.
pub(super) enum Work {
    /// An act to be performed.
    Perform(Box<dyn WaitingAct>),
    /// Nothing more comes.
    Stop,
}

type Run<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// An act whose types are forgotten, with the caller it answers.
pub(super) trait WaitingAct: Send {
    fn name(&self) -> &'static str;
    /// Performs it and keeps its output until the commit.
    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> Run<'a>;
    /// Answers the caller: with the output, or with why there is none.
    fn answer(self: Box<Self>, outcome: Result<(), Problem>);
}

/// An act that waits for the writer.
pub(super) struct Waiting<A: Act> {
    act: A,
    output: Option<A::Output>,
    caller: oneshot::Sender<Result<A::Output, Problem>>,
}

impl<A: Act> Waiting<A> {
    pub(super) const fn new(act: A, caller: oneshot::Sender<Result<A::Output, Problem>>) -> Self {
        Self { act, output: None, caller }
    }
}

impl<A: Act + Sync> WaitingAct for Waiting<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> Run<'a> {
        Box::pin(async move {
            self.output = None;
            self.output = Some(self.act.perform(tx).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), Problem>) {
        let Self { output, caller, .. } = *self;
        let unperformed = || Problem::internal("an act was committed and not performed", A::NAME);
        // The caller may have hung up; the act stands all the same.
        let _ = caller.send(outcome.and_then(|()| output.ok_or_else(unperformed)));
    }
}

/// A name for one run of the writer, which no other run has.
pub(super) fn holder(entropy: &dyn Entropy) -> String {
    HEXLOWER.encode(&draw::<16>(entropy))
}

/// Why a group gave no outcomes.
enum Failed {
    /// It came to nothing: its acts are tried again, each alone.
    Abandoned(sqlx::Error),
    /// Its commit failed, and nobody could say what stands: nothing is tried again.
    InDoubt(sqlx::Error),
}

/// Owns the one connection that writes.
pub(super) struct Writer {
    pub dialect: Dialect,
    pub pool: AnyPool,
    /// Under which its groups are numbered.
    pub holder: String,
    pub keys: Arc<KeyStore>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub faults: Arc<dyn Faults>,
    /// Told after each commit that made the custody log grow.
    pub grown: Arc<Notify>,
    /// The connection between two groups, with the end of the log.
    pub open: Option<Transaction>,
}

impl Writer {
    /// Performs what is handed in, until nothing more comes.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Work>) {
        let mut going_on = true;
        while going_on {
            let mut group = Vec::new();
            let mut work = waiting.recv().await;
            // Whoever waits already joins; nobody is waited for.
            loop {
                match work {
                    Some(Work::Perform(act)) => group.push(act),
                    Some(Work::Stop) | None => {
                        going_on = false;
                        break;
                    }
                }
                if group.len() == ACTS_OF_A_GROUP {
                    break;
                }
                match waiting.try_recv() {
                    Ok(next) => work = Some(next),
                    Err(_) => break,
                }
            }
            if !group.is_empty() {
                self.perform(group).await;
            }
        }
        drop(self.open);
        self.pool.close().await;
    }

    async fn perform(&mut self, mut group: Vec<Box<dyn WaitingAct>>) {
        match self.attempt(&mut group).await {
            Ok(outcomes) => answer(group, outcomes),
            Err(Failed::InDoubt(error)) => answer_in_doubt(group, &error),
            Err(Failed::Abandoned(error)) => {
                tracing::warn!(acts = group.len(), %error, "a group was abandoned; each act is tried again alone");
                for act in group {
                    let mut alone = vec![act];
                    match self.attempt(&mut alone).await {
                        Ok(outcomes) => answer(alone, outcomes),
                        Err(Failed::InDoubt(error)) => answer_in_doubt(alone, &error),
                        Err(Failed::Abandoned(error)) => {
                            for act in alone {
                                tracing::error!(act = act.name(), %error, "the database failed twice at one act");
                                act.answer(Err(failed_twice(&error)));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Runs the acts in one transaction; what each came to holds once this returns.
    async fn attempt(
        &mut self,
        acts: &mut [Box<dyn WaitingAct>],
    ) -> Result<Vec<Result<(), Problem>>, Failed> {
        let mut tx = self.connect().await?;
        match self.run_group(&mut tx, acts).await {
            Ok((outcomes, group)) => {
                let nothing_done = outcomes.iter().all(Result::is_err);
                let names: Vec<&'static str> = acts.iter().map(|act| act.name()).collect();
                match self.commit(&mut tx, &names, nothing_done).await {
                    Ok(()) => {
                        if tx.tail().take_committed() {
                            self.grown.notify_one();
                        }
                        self.open = Some(tx);
                        Ok(outcomes)
                    }
                    Err(error) => {
                        tx.abandon().await;
                        self.stands_all_the_same(group, error).await?;
                        self.grown.notify_one();
                        Ok(outcomes)
                    }
                }
            }
            Err(error) => {
                tx.abandon().await;
                Err(Failed::Abandoned(error))
            }
        }
    }

    /// The connection, with the end of the log as it is committed; tried again for a while if it is lost.
    async fn connect(&mut self) -> Result<Transaction, Failed> {
        let mut pause = FIRST_PAUSE;
        let mut tried = 1;
        loop {
            match self.connect_once().await {
                Ok(tx) => return Ok(tx),
                Err(error) if tried == self.dialect.connected_at_most() => {
                    return Err(Failed::Abandoned(error));
                }
                Err(error) => tracing::warn!(%error, "the database cannot be reached yet"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            tried += 1;
        }
    }

    async fn connect_once(&mut self) -> Result<Transaction, sqlx::Error> {
        if let Some(tx) = self.open.take() {
            return Ok(tx);
        }
        let connection = self.pool.acquire().await?;
        let mut session = Session::new(connection, Arc::clone(&self.keys));
        let ready = async {
            let connection = session.connection_between_acts();
            if !self.dialect.may_write(connection).await? {
                let what = "another connection holds the writer's lock of this database";
                return Err(sqlx::Error::Configuration(what.into()));
            }
            // The settings of a role or a database may have changed since the start.
            if let Some(weakness) = self.dialect.weakness(connection).await? {
                return Err(sqlx::Error::Configuration(weakness.into()));
            }
            if self.dialect == Dialect::Postgres {
                read_keys_again(Arc::clone(&self.keys)).await?;
            }
            session.load_tail().await.map_err(as_database)
        };
        match ready.await {
            Ok(tail) => Ok(Transaction::new(session, self.clock.now(), Arc::clone(&self.entropy), tail)),
            Err(error) => {
                // Never back to the pool: it may be what is broken.
                session.abandon().await;
                Err(error)
            }
        }
    }

    async fn run_group(
        &mut self,
        tx: &mut Transaction,
        acts: &mut [Box<dyn WaitingAct>],
    ) -> Result<(Vec<Result<(), Problem>>, i64), sqlx::Error> {
        tx.execute(self.dialect.begin_group()).await?;
        tx.take_touched();
        let mut outcomes = Vec::with_capacity(acts.len());
        for act in acts.iter_mut() {
            tx.begin_act(self.clock.now());
            let mark = tx.tail().mark();
            let refused = match act.run(tx).await {
                Ok(()) => None,
                Err(StoreError::Problem(problem)) => Some(problem),
                Err(StoreError::Database(error)) => Some(broken_constraint(error)?),
            };
            let touched = tx.take_touched();
            if refused.is_some() {
                tx.tail().rewind(mark);
            }
            match (touched, &refused) {
                (false, _) => {}
                (true, None) => tx.execute("RELEASE SAVEPOINT act; SAVEPOINT act").await?,
                // The mark itself stays, for the next act.
                (true, Some(_)) => tx.execute("ROLLBACK TO SAVEPOINT act").await?,
            }
            outcomes.push(refused.map_or(Ok(()), Err));
        }
        if outcomes.iter().all(Result::is_err) {
            return Ok((outcomes, 0));
        }
        tx.flush_log().await.map_err(as_database)?;
        // Keys drawn by these acts are durable before anything encrypted under them is.
        sync_keys(Arc::clone(tx.keys())).await?;
        let group = tx.next_group(&self.holder).await?;
        Ok((outcomes, group))
    }

    async fn commit(
        &mut self,
        tx: &mut Transaction,
        acts: &[&'static str],
        nothing_done: bool,
    ) -> Result<(), sqlx::Error> {
        if nothing_done {
            return tx.execute("ROLLBACK").await;
        }
        match self.faults.commit(acts) {
            None => tx.execute("COMMIT").await,
            Some(Broken::Lost) => {
                tx.execute("ROLLBACK").await?;
                Err(sqlx::Error::WorkerCrashed)
            }
            Some(Broken::KeptButReportedLost) => {
                tx.execute("COMMIT").await?;
                Err(sqlx::Error::WorkerCrashed)
            }
        }
    }

    /// Whether the group whose `COMMIT` failed was committed after all, asked on a new connection, and again
    /// for a while if that fails too: until it is known, nothing may be tried again.
    ///
    /// What stands there is seen by everybody, but may not be durable: one more commit must succeed
    /// behind it, whose sync covers both.
    async fn stands_all_the_same(&mut self, group: i64, error: sqlx::Error) -> Result<(), Failed> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..ASKED_AT_MOST {
            match self.ask(group).await {
                Ok(true) => {
                    tracing::warn!(%error, "a commit that was reported lost stands");
                    return Ok(());
                }
                Ok(false) => return Err(Failed::Abandoned(error)),
                Err(again) => tracing::error!(error = %again, "what became of a commit cannot be asked yet"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Err(Failed::InDoubt(error))
    }

    async fn ask(&mut self, group: i64) -> Result<bool, sqlx::Error> {
        let mut tx = self.connect_once().await?;
        let asked = async {
            tx.execute(self.dialect.begin_group()).await?;
            // A later group may stand already: one that was written to sync this one, when its commit failed in turn.
            let stands = tx.group(&self.holder).await? >= group;
            if stands {
                tx.next_group(&self.holder).await?;
            }
            self.faults.commit(&[ASKING]).map_or(Ok(()), |_| Err(sqlx::Error::WorkerCrashed))?;
            tx.execute("COMMIT").await?;
            Ok(stands)
        };
        match asked.await {
            Ok(stands) => {
                self.open = Some(tx);
                Ok(stands)
            }
            Err(error) => {
                tx.abandon().await;
                Err(error)
            }
        }
    }
}

/// Makes the keys of new cases durable, apart from the threads that answer calls.
async fn sync_keys(keys: Arc<KeyStore>) -> Result<(), sqlx::Error> {
    if keys.has_waiting() { apart(move || keys.sync()).await } else { Ok(()) }
}

/// Takes up the keys that another server drew while it was the writer.
pub(super) async fn read_keys_again(keys: Arc<KeyStore>) -> Result<(), sqlx::Error> {
    apart(move || keys.read_again()).await
}

async fn apart(work: impl FnOnce() -> Result<(), Problem> + Send + 'static) -> Result<(), sqlx::Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?
        .map_err(|problem| as_database(problem.into()))
}

fn answer_in_doubt(group: Vec<Box<dyn WaitingAct>>, error: &sqlx::Error) {
    for act in group {
        tracing::error!(act = act.name(), %error, "it is not known whether an act was committed");
        let what = "the database could not commit; nothing was changed, or all was";
        act.answer(Err(Problem::new(Reason::Raced, what)
            .with_source(error.to_string())
            .with_hint("look at the case; then repeat the call with the same request id")));
    }
}

fn answer(group: Vec<Box<dyn WaitingAct>>, outcomes: Vec<Result<(), Problem>>) {
    for (act, outcome) in group.into_iter().zip(outcomes) {
        act.answer(outcome);
    }
}

/// A constraint that an act broke is the act's own; any other error is the database's.
fn broken_constraint(error: sqlx::Error) -> Result<Problem, sqlx::Error> {
    let what = error.as_database_error().map(sqlx::error::DatabaseError::kind);
    match what {
        Some(sqlx::error::ErrorKind::UniqueViolation) => Ok(Problem::new(
            Reason::Raced,
            "something else was stored under the same number at the same time",
        )
        .with_source(error)
        .with_hint("repeat the call")),
        Some(
            sqlx::error::ErrorKind::ForeignKeyViolation
            | sqlx::error::ErrorKind::NotNullViolation
            | sqlx::error::ErrorKind::CheckViolation,
        ) => Ok(Problem::internal("what was to be stored does not fit the database", error)),
        _ => Err(error),
    }
}

fn as_database(error: StoreError) -> sqlx::Error {
    match error {
        StoreError::Database(error) => error,
        StoreError::Problem(problem) => sqlx::Error::Decode(Box::new(problem)),
    }
}

fn failed_twice(error: &sqlx::Error) -> Problem {
    Problem::internal("the database failed twice at one act", error.to_string())
}
