//! The only room that speaks SQL. Its interface is [`Datastore::perform`]: an act goes in by value,
//! its rows and its custody entries commit together or not at all.
//!
//! One writer task owns the write connection and commits acts in groups (`writer.rs`). No answer
//! leaves before `COMMIT` has returned, and an act once started ignores that its caller hung up. An act
//! may run more than once: it asks the transaction for time and ids, and sends nothing.

mod answered;
mod case_heads;
mod cases;
mod checks;
mod configuration;
mod custody;
mod documents;
mod erasures;
mod inspection;
mod log_tail;
mod outbox;
mod packages;
mod parties;
mod preservations;
mod session;
mod transaction;
mod writer;

pub use case_heads::HeadRow;
pub use cases::CaseSummary;
pub use checks::DueCheck;
pub use configuration::Configured;
pub use custody::{LoggedEvent, OFFICE, RecordedEntry};
pub use documents::{DocumentRow, DocumentStage, NumberedDocument, StoredReceipt};
pub use erasures::{Erased, ErasedCounts, ErasedEvent, ErasedFolder, ErasureRow};
pub use inspection::{
    Inspection, RawBody, RawDocument, RawErasure, RawErrand, RawHead, RawLeaf, RawMatter, RawObject,
    RawPackage, RawParty, RawPreservation, RawReceipt,
};
pub use outbox::{Errand, Line, OutboxEntry};
pub use packages::{ObjectRow, PackageRow, PackageStage, TransferRow};
pub use parties::PartyRow;
pub use session::{Session, StoreError};
/// What a database may fail with.
pub use sqlx::Error as DatabaseError;
pub use transaction::Transaction;

use crate::faults::Faults;
use crate::keystore::KeyStore;
use crate::problem::Problem;
use rogatory_core::{Clock, Entropy};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use writer::{Waiting, Work, Writer};

/// How many acts may wait for the writer before callers are held back.
const WAITING_ACTS: usize = 256;
/// Connections for reading.
const READERS: u32 = 4;
/// Larger than usual: a sealed document fills twenty such pages rather than forty.
const PAGE_BYTES: u32 = 8192;
/// From so many pages on a commit itself moves the write-ahead log into the database file; before
/// that [`Datastore::settle_wal`] does so beside the writer.
const WAL_PAGES_AT_MOST: &str = "32768";
/// What the file of the write-ahead log is cut to when all of it was moved, in bytes.
const WAL_BYTES_KEPT: &str = "67108864";
/// Page cache of the writer in KiB, as SQLite counts it: room for the pages of a full group.
const WRITER_CACHE: &str = "-16384";

/// What an authority does, performed inside one transaction.
pub trait Act: Send + 'static {
    /// For logs.
    const NAME: &'static str;
    /// What the caller gets after the commit.
    type Output: Send + 'static;

    /// Does it. May run more than once; sends nothing.
    fn perform(&self, tx: &mut Transaction) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

/// The database of one institution.
#[derive(Clone)]
pub struct Datastore {
    readers: SqlitePool,
    keys: Arc<KeyStore>,
    acts: mpsc::Sender<Work>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
    grown: Arc<Notify>,
}

/// Where a database lies and what an office hands it.
pub struct Opening<'a> {
    /// The file.
    pub path: &'a Path,
    /// Whether it is made if it is not there.
    pub create: bool,
    /// The keys of the cases.
    pub keys: Arc<KeyStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids and salts.
    pub entropy: Arc<dyn Entropy>,
    /// What breaks on purpose: [`crate::faults::NoFaults`] but in tests.
    pub faults: Arc<dyn Faults>,
}

impl Datastore {
    /// Opens the database and starts its writer.
    ///
    /// # Errors
    /// [`Problem`] if it cannot be opened, has a schema this version does not know, or does not keep
    /// WAL with `synchronous=FULL`: then nothing acknowledged would be safe.
    pub async fn open(opening: Opening<'_>) -> Result<Self, Problem> {
        let Opening { path, create, keys, clock, entropy, faults } = opening;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .page_size(PAGE_BYTES)
            .pragma("secure_delete", "ON")
            .pragma("wal_autocheckpoint", WAL_PAGES_AT_MOST)
            .pragma("journal_size_limit", WAL_BYTES_KEPT)
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone().pragma("cache_size", WRITER_CACHE))
            .await
            .map_err(|error| Problem::internal("the database cannot be opened", error))?;
        migrations().run(&writer).await.map_err(|error| {
            Problem::internal("the database has a schema this version does not know", error)
        })?;
        assert_durable(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A connection to a file does not go stale: asking it first would double the work of short readings.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options)
            .await
            .map_err(|error| Problem::internal("the database cannot be opened", error))?;
        let (acts, waiting) = mpsc::channel(WAITING_ACTS);
        let grown = Arc::new(Notify::new());
        let writer = Writer {
            pool: writer,
            keys: Arc::clone(&keys),
            clock,
            entropy,
            faults,
            grown: Arc::clone(&grown),
            open: None,
        };
        let task = tokio::spawn(writer.run(waiting));
        Ok(Self { readers, keys, acts, writer: Arc::new(Mutex::new(Some(task))), grown })
    }

    /// Performs `act` in a transaction and answers after its commit.
    ///
    /// # Errors
    /// The act's own [`Problem`], or an internal one if the database fails twice.
    pub async fn perform<A: Act + Sync>(&self, act: A) -> Result<A::Output, Problem> {
        let (caller, answer) = oneshot::channel();
        let gone = |what: &'static str| Problem::internal(what, "the writer has stopped");
        self.acts
            .send(Work::Perform(Box::new(Waiting::new(act, caller))))
            .await
            .map_err(|_| gone("the datastore is shutting down"))?;
        answer.await.map_err(|_| gone("the datastore shut down before the act was performed"))?
    }

    /// Moves what was committed from the write-ahead log into the database file, as far as nobody reads it,
    /// while the writer goes on: otherwise every few commits would wait for it.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub async fn settle_wal(&self) -> Result<(), Problem> {
        let failed = |error| Problem::internal("the write-ahead log cannot be settled", error);
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut *connection).await.map_err(failed)?;
        Ok(())
    }

    /// Cuts off the write-ahead log after everything in it was moved: what was deleted, and overwritten by
    /// `secure_delete`, then stands in no file of the database.
    ///
    /// # Errors
    /// [`Problem`] if the database fails, or somebody has read for so long that it cannot be moved now.
    pub async fn cut_wal(&self) -> Result<(), Problem> {
        let failed = |error| Problem::internal("the write-ahead log cannot be cut off", error);
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if busy == 0 { Ok(()) } else { Err(failed(sqlx::Error::PoolTimedOut)) }
    }

    /// The keys of the cases.
    #[must_use]
    pub const fn keys(&self) -> &Arc<KeyStore> {
        &self.keys
    }

    /// Waits until the custody log has grown since the last time this was asked.
    pub async fn log_grown(&self) {
        self.grown.notified().await;
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
