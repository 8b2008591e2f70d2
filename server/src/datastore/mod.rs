//! The only room that speaks SQL. Its interface is [`Datastore::perform`]: an act goes in by value,
//! its rows and its custody entries commit together or not at all.
//!
//! One writer task owns the write connection. An act runs inside `BEGIN IMMEDIATE` … `COMMIT`; no
//! answer leaves before `COMMIT` has returned, and an act once started ignores that its caller hung
//! up. A [`Problem`] rolls back. Any other database error drops the connection and the act is tried
//! once more on a new one, so an act may run more than once: it asks the transaction for time and
//! ids, and sends nothing.

mod answered;
mod case_heads;
mod cases;
mod custody;
mod documents;
mod inspection;
mod packages;
mod parties;
mod session;
mod transaction;

pub use case_heads::HeadRow;
pub use cases::CaseSummary;
pub use custody::{LoggedEvent, OFFICE, RecordedEntry};
pub use documents::{DocumentRow, DocumentStage, NumberedDocument, StoredReceipt};
pub use inspection::{
    Inspection, RawBody, RawDocument, RawHead, RawLeaf, RawMatter, RawObject, RawPackage, RawParty, RawReceipt,
};
pub use packages::{ObjectRow, PackageRow, PackageStage, TransferRow};
pub use parties::PartyRow;
pub use session::{Session, StoreError};
pub use transaction::Transaction;

use crate::keystore::KeyStore;
use crate::problem::{Problem, Reason};
use rogatory_core::{Clock, Entropy};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

/// How many acts may wait for the writer before callers are held back.
const WAITING_ACTS: usize = 256;
/// Connections for reading.
const READERS: u32 = 4;

/// What an authority does, performed inside one transaction.
pub trait Act: Send + 'static {
    /// For logs.
    const NAME: &'static str;
    /// What the caller gets after the commit.
    type Output: Send + 'static;

    /// Does it. May run more than once; sends nothing.
    fn perform(&self, tx: &mut Transaction) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

/// The outcome of one run inside a transaction, with the way to answer held apart.
type Run<'a> = Pin<Box<dyn Future<Output = Result<Reply, StoreError>> + Send + 'a>>;
/// Answers the caller: with what the act gave once `COMMIT` has returned, or with why it did not.
type Reply = Box<dyn FnOnce(Result<(), Problem>) + Send>;

/// An act whose types are forgotten, with the caller it answers.
trait WaitingAct: Send {
    fn name(&self) -> &'static str;
    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> Run<'a>;
    fn fail(&mut self, problem: Problem);
}

struct Waiting<A: Act> {
    act: A,
    caller: Option<oneshot::Sender<Result<A::Output, Problem>>>,
}

impl<A: Act + Sync> WaitingAct for Waiting<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn run<'a>(&'a mut self, tx: &'a mut Transaction) -> Run<'a> {
        Box::pin(async move {
            let output = self.act.perform(tx).await?;
            let caller = self.caller.take();
            Ok(Box::new(move |committed: Result<(), Problem>| {
                if let Some(caller) = caller {
                    // The caller may have hung up; the act stands all the same.
                    let _ = caller.send(committed.map(|()| output));
                }
            }) as Reply)
        })
    }

    fn fail(&mut self, problem: Problem) {
        if let Some(caller) = self.caller.take() {
            let _ = caller.send(Err(problem));
        }
    }
}

/// The database of one institution.
#[derive(Clone)]
pub struct Datastore {
    readers: SqlitePool,
    keys: Arc<KeyStore>,
    acts: mpsc::Sender<Work>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What the writer is handed.
enum Work {
    Perform(Box<dyn WaitingAct>),
    Stop,
}

impl Datastore {
    /// Opens the database at `path` and starts its writer.
    ///
    /// # Errors
    /// [`Problem`] if it cannot be opened, has a schema this version does not know, or does not keep
    /// WAL with `synchronous=FULL`: then nothing acknowledged would be safe.
    pub async fn open(
        path: &Path,
        create: bool,
        keys: Arc<KeyStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Problem> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| Problem::internal("the database cannot be opened", error))?;
        migrations().run(&writer).await.map_err(|error| {
            Problem::internal("the database has a schema this version does not know", error)
        })?;
        assert_durable(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options)
            .await
            .map_err(|error| Problem::internal("the database cannot be opened", error))?;
        let (acts, waiting) = mpsc::channel(WAITING_ACTS);
        let task = tokio::spawn(write(writer, waiting, Arc::clone(&keys), clock, entropy));
        Ok(Self { readers, keys, acts, writer: Arc::new(Mutex::new(Some(task))) })
    }

    /// Performs `act` in a transaction and answers after its commit.
    ///
    /// # Errors
    /// The act's own [`Problem`], or an internal one if the database fails twice.
    pub async fn perform<A: Act + Sync>(&self, act: A) -> Result<A::Output, Problem> {
        let (caller, answer) = oneshot::channel();
        let gone = |what: &'static str| Problem::internal(what, "the writer has stopped");
        self.acts
            .send(Work::Perform(Box::new(Waiting { act, caller: Some(caller) })))
            .await
            .map_err(|_| gone("the datastore is shutting down"))?;
        answer.await.map_err(|_| gone("the datastore shut down before the act was performed"))?
    }

    /// A session for reading what is committed.
    ///
    /// # Errors
    /// [`Problem`] if no connection can be had.
    pub async fn read(&self) -> Result<Session, Problem> {
        let connection = self
            .readers
            .acquire()
            .await
            .map_err(|error| Problem::internal("the database cannot be read", error))?;
        Ok(Session::new(connection, Arc::clone(&self.keys)))
    }

    /// Performs what waits, then closes every connection; acts that come later are refused.
    pub async fn close(&self) {
        // If the writer has stopped already, there is nothing to tell it.
        let _ = self.acts.send(Work::Stop).await;
        if let Some(task) = self.writer.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writer broke off");
        }
        self.readers.close().await;
    }
}

/// The schema's history, compiled in; a version that is not here stops the start.
fn migrations() -> Migrator {
    let first = Migration::new(
        1,
        "first".into(),
        MigrationType::Simple,
        include_str!("../../migrations/sqlite/0001_first.sql").into_sql_str(),
        false,
    );
    Migrator::with_migrations(vec![first])
}

/// Refuses to run on a database that would not keep what it acknowledged.
async fn assert_durable(pool: &SqlitePool) -> Result<(), Problem> {
    let failed = |error| Problem::internal("the database's settings cannot be read", error);
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await.map_err(failed)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.map_err(failed)?;
    if journal == "wal" && synchronous == 2 {
        Ok(())
    } else {
        Err(Problem::internal(
            "the database does not keep WAL with synchronous=FULL, so nothing acknowledged would be safe",
            format!("journal_mode={journal}, synchronous={synchronous}"),
        ))
    }
}

/// The writer: one act, one transaction, one answer after the commit.
async fn write(
    pool: SqlitePool,
    mut waiting: mpsc::Receiver<Work>,
    keys: Arc<KeyStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) {
    while let Some(Work::Perform(mut act)) = waiting.recv().await {
        let mut outcome = attempt(&pool, act.as_mut(), &keys, &clock, &entropy).await;
        if let Err(StoreError::Database(error)) = &outcome {
            tracing::warn!(act = act.name(), %error, "a transaction failed and is tried again");
            outcome = attempt(&pool, act.as_mut(), &keys, &clock, &entropy).await;
        }
        match outcome {
            Ok(reply) => reply(Ok(())),
            Err(StoreError::Problem(problem)) => act.fail(problem),
            Err(StoreError::Database(error)) => {
                act.fail(Problem::internal("the database failed twice at one act", error));
            }
        }
    }
    pool.close().await;
}

async fn attempt(
    pool: &SqlitePool,
    act: &mut dyn WaitingAct,
    keys: &Arc<KeyStore>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Reply, StoreError> {
    let mut connection = pool.acquire().await?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let session = Session::new(connection, Arc::clone(keys));
    let mut tx = Transaction::new(session, clock.now(), Arc::clone(entropy));
    match act.run(&mut tx).await {
        Ok(reply) => {
            // Nothing is acknowledged before `COMMIT` returns.
            if let Err(error) = sqlx::query("COMMIT").execute(tx.connection()).await {
                tx.abandon().await;
                let unknown = "the database could not commit; nothing was changed, or all was";
                reply(Err(Problem::new(Reason::Raced, unknown)
                    .with_source(error)
                    .with_hint("repeat the call with the same request id")));
                return Ok(Box::new(|_| {}));
            }
            Ok(reply)
        }
        Err(StoreError::Problem(problem)) => {
            if sqlx::query("ROLLBACK").execute(tx.connection()).await.is_err() {
                tx.abandon().await;
            }
            Err(StoreError::Problem(problem))
        }
        Err(StoreError::Database(error)) => {
            tx.abandon().await;
            Err(StoreError::Database(error))
        }
    }
}
