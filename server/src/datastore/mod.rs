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
mod dialect;
mod documents;
mod epochs;
mod erasures;
mod inspection;
mod log_tail;
mod moving;
mod outbox;
mod packages;
mod parties;
mod preservations;
mod promises;
mod session;
mod stamps;
mod transaction;
mod witness;
mod writer;

pub use case_heads::{HeadRow, log_of};
pub use cases::CaseSummary;
pub use checks::DueCheck;
pub use configuration::Configured;
pub use custody::{LoggedEvent, OFFICE, RecordedEntry};
pub use dialect::Location;
pub use documents::{DocumentRow, DocumentStage, NumberedDocument, StoredReceipt};
pub use epochs::EpochRow;
pub use erasures::{Erased, ErasedCounts, ErasedEvent, ErasedFolder, ErasureRow};
pub use inspection::{
    Inspection, RawBody, RawDocument, RawEpoch, RawErasure, RawErrand, RawHead, RawLeaf, RawMatter,
    RawObject, RawPackage, RawParty, RawPreservation, RawReceipt,
};
pub use moving::{MovedTable, back_up_rows, move_rows, restore_rows};
pub use outbox::{Errand, Line, OutboxEntry};
pub use packages::{ObjectRow, PackageRow, PackageStage, TransferRow};
pub use parties::PartyRow;
pub use promises::{OpenPromise, PAUSE_SECONDS_AT_MOST, Promise};
pub use session::{Session, StoreError};
/// What a database may fail with.
pub use sqlx::Error as DatabaseError;
pub use stamps::{GotToken, Interruption, StampRow, StampSummary, Stamped};
pub use transaction::Transaction;
pub use witness::{
    COMPARED_PAUSE_SECONDS, Contradiction, Found, HeardCheckpoint, LogWitness, OpenComparison,
    SeenCheckpoint, SeenLog,
};

use crate::faults::Faults;
use crate::keystore::KeyStore;
use crate::problem::Problem;
use dialect::{Dialect, Use, assert_durable};
use rogatory_core::{Clock, Entropy};
use sqlx::AnyPool;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use writer::{Waiting, Work, Writer};

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

/// The database of one institution.
#[derive(Clone)]
pub struct Datastore {
    dialect: Dialect,
    readers: AnyPool,
    keys: Arc<KeyStore>,
    acts: mpsc::Sender<Work>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
    grown: Arc<Notify>,
    /// One at a time moves the write-ahead log: who comes second would be turned away at once.
    settling: Arc<Mutex<()>>,
}

/// Where a database lies and what an office hands it.
pub struct Opening<'a> {
    /// Where it lies.
    pub location: &'a Location,
    /// Whether the file, or the tables on the server, are made if they are not there.
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
    /// Opens the database and starts its writer. On PostgreSQL it first waits until no other server writes to it.
    ///
    /// # Errors
    /// [`Problem`] if it cannot be opened, has a schema this version does not know, or would not keep what it
    /// acknowledges: SQLite without WAL and `synchronous=FULL`; PostgreSQL without `synchronous_commit`, `fsync` and
    /// `full_page_writes`.
    pub async fn open(opening: Opening<'_>) -> Result<Self, Problem> {
        let Opening { location, create, keys, clock, entropy, faults } = opening;
        let failed = |error| Problem::internal("the database cannot be opened", error);
        let dialect = location.dialect();
        let options = location.options(if create { "rwc" } else { "rw" }).map_err(failed)?;
        let writer = dialect.pool(Use::Writing, 1).connect_with(options.clone()).await.map_err(failed)?;
        // Goes back to the pool, whose only connection it is: the lock stays with it.
        let mut connection = writer.acquire().await.map_err(failed)?;
        dialect.wait_until_it_may_write(&mut connection).await.map_err(failed)?;
        if !create && !dialect.has_tables(&mut connection).await.map_err(failed)? {
            return Err(Problem::internal("the database cannot be opened", "it holds no tables of a server"));
        }
        assert_durable(dialect, &mut connection).await?;
        drop(connection);
        if dialect == Dialect::Postgres {
            writer::read_keys_again(Arc::clone(&keys)).await.map_err(failed)?;
        }
        dialect.migrations().run(&writer).await.map_err(|error| {
            Problem::internal("the database has a schema this version does not know", error)
        })?;
        let readers = dialect.pool(Use::Reading, READERS).connect_with(options).await.map_err(failed)?;
        let (acts, waiting) = mpsc::channel(WAITING_ACTS);
        let grown = Arc::new(Notify::new());
        let writer = Writer {
            dialect,
            pool: writer,
            holder: writer::holder(entropy.as_ref()),
            keys: Arc::clone(&keys),
            clock,
            entropy,
            faults,
            grown: Arc::clone(&grown),
            open: None,
        };
        let task = tokio::spawn(writer.run(waiting));
        Ok(Self {
            dialect,
            readers,
            keys,
            acts,
            writer: Arc::new(Mutex::new(Some(task))),
            grown,
            settling: Arc::default(),
        })
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
        let _settling = self.settling.lock().await;
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        self.dialect.settle_wal(&mut connection).await.map_err(failed)
    }

    /// Cuts off the write-ahead log after everything in it was moved: what was deleted, and overwritten by
    /// `secure_delete`, then stands in no file of the database.
    ///
    /// # Errors
    /// [`Problem`] if the database fails, or somebody has read for so long that it cannot be moved now.
    pub async fn cut_wal(&self) -> Result<(), Problem> {
        let failed = |error| Problem::internal("the write-ahead log cannot be cut off", error);
        let _settling = self.settling.lock().await;
        let mut connection = self.readers.acquire().await.map_err(failed)?;
        let is_cut = self.dialect.cut_wal(&mut connection).await.map_err(failed)?;
        if is_cut { Ok(()) } else { Err(failed(sqlx::Error::PoolTimedOut)) }
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
