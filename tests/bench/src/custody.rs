//! The custody log on both databases: entries through the datastore beside the same acts without a tree, how soon a
//! checkpoint and a proof are there, and what an entry costs as the log grows.
//!
//! In this process, on the server's own datastore; no network. PostgreSQL is started for the run, with its durable
//! defaults, on the same disk.

use crate::desk::at_once;
use crate::machine::{self, syncs_per_second};
use crate::office::Place;
use crate::report::{Line, Report, count, median, percentile};
use crate::time::{MachineClock, MachineEntropy, Stopwatch};
use anyhow::Context as _;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::entropy::draw;
use rogatory_core::{Digest, PartyId};
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::LEAF_BYTES;
use rogatory_custody::note::LogKey;
use rogatory_custody::tree::{self, Tree};
use rogatory_server::datastore::{Act, Datastore, Location, Opening, StoreError, Transaction};
use rogatory_server::faults::NoFaults;
use rogatory_server::files::Disk;
use rogatory_server::keystore::KeyStore;
use rogatory_server::problem::Problem;
use rogatory_server::workers::CHECKPOINT_DELAY;
use rogatory_tests::postgres::Cluster;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{mpsc, oneshot};

/// Callers at once.
const CALLERS: usize = 64;
/// The most entries that share a transaction of the plain INSERTs.
const GROUP: usize = 128;
/// Rows of one INSERT, as the datastore has it.
const ROWS: usize = 64;

/// Measures it.
///
/// # Errors
/// If a database fails.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    sqlx::any::install_default_drivers();
    let mut report = Report::default();
    let syncs = syncs_per_second(&place.work, place.pick(0.2, 2.0, 2.0))?;
    on(&Engine::Sqlite(place.work.clone()), place, syncs, &mut report).await?;
    // Elsewhere than in the folder of the run, which only its owner may enter.
    let parent = place.work.parent().context("a folder above")?;
    on(&Engine::Postgres(Box::new(Cluster::start(parent))), place, syncs, &mut report).await?;
    Ok(report)
}

async fn on(engine: &Engine, place: &Place, syncs: f64, report: &mut Report) -> anyhow::Result<()> {
    let name = engine.name();
    let entries = place.pick(500, 40_000, 100_000);
    let (mut ours, mut rows, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..place.pick(1, 3, 5) {
        let (rate, body_bytes) = entries_through_perform(engine, place, entries).await?;
        ours.push(rate);
        rows.push(rows_through_perform(engine, place, entries, body_bytes).await?);
        plain.push(without_perform(engine, entries, body_bytes).await?);
    }
    report.add(
        Line::of(format!("{name}: entries through `perform`, one an act, 64 callers"), "1/s", ours.clone())
            .beside(
                "the same `perform` and savepoints, a row of those bytes an act, without a tree",
                median(&rows),
            )
            .at_least_times(0.5)
            .noting(format!(
                "{entries} entries a run, in 64 cases; this disk syncs {syncs:.0} times a second"
            )),
    );
    report.add(Line::of(format!("{name}: the same entries"), "1/s", ours).beside(
        "bare INSERTs of leaf and body in groups: no `perform`, no encryption, no tree",
        median(&plain),
    ));
    soon(engine, place, report).await?;
    let sizes: &[u64] =
        place.pick(&[1_000, 5_000], &[10_000, 100_000, 1_000_000], &[10_000, 100_000, 1_000_000, 10_000_000]);
    let mut smallest = None;
    for leaves in sizes {
        grown(engine, place, *leaves, &mut smallest, report).await?;
    }
    Ok(())
}

/// Which database, and where its files or its server are.
enum Engine {
    Sqlite(PathBuf),
    Postgres(Box<Cluster>),
}

/// A database that is there.
struct Home {
    location: Location,
    /// For connections of our own.
    url: String,
    file: Option<PathBuf>,
}

impl Engine {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// A new database.
    fn home(&self) -> anyhow::Result<Home> {
        match self {
            Self::Sqlite(folder) => {
                let number = u64::from_be_bytes(draw(&MachineEntropy));
                let path = folder.join(format!("{number:016x}.db"));
                let url = format!("sqlite:{}?mode=rwc", path.display());
                Ok(Home { location: Location::file(path.clone()), url, file: Some(path) })
            }
            Self::Postgres(cluster) => {
                let url = cluster.database();
                let location = Location::server(&url, None).map_err(anyhow::Error::msg)?;
                Ok(Home { location, url, file: None })
            }
        }
    }
}

impl Home {
    async fn open(&self, keys: Arc<KeyStore>) -> anyhow::Result<Datastore> {
        let opening = Opening {
            location: &self.location,
            create: true,
            keys,
            clock: Arc::new(MachineClock),
            entropy: Arc::new(MachineEntropy),
            faults: Arc::new(NoFaults),
        };
        Ok(Datastore::open(opening).await?)
    }

    /// A connection as the datastore's writer has it.
    async fn connect(&self) -> anyhow::Result<AnyConnection> {
        let mut connection = AnyConnection::connect(&self.url).await?;
        if self.file.is_some() {
            let settings = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                            PRAGMA secure_delete = ON; PRAGMA cache_size = -16384";
            sqlx::raw_sql(settings).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// What the database takes, in bytes.
    async fn bytes(&self) -> anyhow::Result<u64> {
        if let Some(file) = &self.file {
            return Ok(std::fs::metadata(file)?.len());
        }
        let mut connection = self.connect().await?;
        let asked = "SELECT pg_database_size(current_database())";
        let bytes: i64 = sqlx::query_scalar(asked).fetch_one(&mut connection).await?;
        Ok(u64::try_from(bytes)?)
    }
}

/// An act that does nothing but record one entry.
struct Note {
    case: String,
}

impl Act for Note {
    const NAME: &'static str = "benchmark-note";
    type Output = u64;

    async fn perform(&self, tx: &mut Transaction) -> Result<u64, StoreError> {
        let event = Event::LogStarted { origin: "benchmark.example/rogatory/xx/benchmark/1".to_owned() };
        Ok(tx.record(&self.case, &Actor::Server, CustodyEvent::internal(event)).await?.leaf_index)
    }
}

/// An act that does nothing but store one row: case, number, 32 bytes, and text as long as a stored body.
struct Row {
    case: String,
    number: String,
    text: Arc<str>,
}

impl Act for Row {
    const NAME: &'static str = "benchmark-row";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let salt = Digest::from_bytes(draw::<32>(tx.entropy()));
        tx.remember_answer(&self.case, &self.number, &salt, &self.text).await
    }
}

fn keys(place: &Place) -> anyhow::Result<Arc<KeyStore>> {
    let keys = KeyStore::open(&place.work.join("keys"), Arc::new(Disk::OwnerOnly), &[7; 32])?;
    for caller in 0..CALLERS {
        keys.create(&case(caller))?;
    }
    Ok(Arc::new(keys))
}

fn case(caller: usize) -> String {
    format!("C-BENCH{caller:03}")
}

/// Entries a second.
async fn record(store: &Datastore, entries: usize) -> anyhow::Result<f64> {
    let watch = Stopwatch::start();
    let shared = store.clone();
    at_once(CALLERS, entries, move |caller, _| {
        let store = shared.clone();
        async move { Ok(store.perform(Note { case: case(caller) }).await?) }
    })
    .await?;
    Ok(count(entries) / watch.seconds())
}

/// Entries a second, and the bytes of a stored body.
async fn entries_through_perform(
    engine: &Engine,
    place: &Place,
    entries: usize,
) -> anyhow::Result<(f64, usize)> {
    let home = engine.home()?;
    let store = home.open(keys(place)?).await?;
    let rate = record(&store, entries).await?;
    store.close().await;
    let mut connection = home.connect().await?;
    let bytes: i64 = sqlx::query_scalar("SELECT CAST(MAX(length(body)) AS BIGINT) FROM custody_body")
        .fetch_one(&mut connection)
        .await?;
    let stored: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM custody_leaf").fetch_one(&mut connection).await?;
    anyhow::ensure!(usize::try_from(stored)? == entries, "{stored} of {entries} entries are in the log");
    connection.close().await?;
    Ok((rate, usize::try_from(bytes)?))
}

/// Rows a second through the same `perform`: a savepoint an act, groups, one sync for each; no tree.
async fn rows_through_perform(
    engine: &Engine,
    place: &Place,
    rows: usize,
    body_bytes: usize,
) -> anyhow::Result<f64> {
    let home = engine.home()?;
    let store = home.open(keys(place)?).await?;
    let text: Arc<str> = "z".repeat(body_bytes).into();
    let watch = Stopwatch::start();
    let shared = store.clone();
    at_once(CALLERS, rows, move |caller, which| {
        let (store, text) = (shared.clone(), Arc::clone(&text));
        let row = Row { case: case(caller), number: format!("internal/{which}"), text };
        async move { Ok(store.perform(row).await?) }
    })
    .await?;
    let rate = count(rows) / watch.seconds();
    store.close().await;
    Ok(rate)
}

/// A row that waits for the writer of the bare INSERTs.
struct Waiting {
    caller: usize,
    done: oneshot::Sender<()>,
}

/// Entries a second when leaf and body are inserted as they are, without nodes.
async fn without_perform(engine: &Engine, entries: usize, body_bytes: usize) -> anyhow::Result<f64> {
    let home = engine.home()?;
    let mut connection = home.connect().await?;
    let schema = match engine {
        Engine::Sqlite(_) => include_str!("../../../server/migrations/sqlite/0001_first.sql"),
        Engine::Postgres(_) => include_str!("../../../server/migrations/postgres/0001_first.sql"),
    };
    sqlx::raw_sql(schema).execute(&mut connection).await?;
    let (rows, mut waiting) = mpsc::channel::<Waiting>(256);
    let writer = tokio::spawn(async move {
        let (mut index, mut numbers) = (0_u64, [0_u64; CALLERS]);
        let body = vec![0x5a_u8; body_bytes];
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let mut places = Vec::new();
            for row in &group {
                let number = numbers.get_mut(row.caller).context("a known caller")?;
                *number += 1;
                places.push(Body { index, case: case(row.caller), n: *number });
                index += 1;
            }
            sqlx::raw_sql("BEGIN").execute(&mut connection).await?;
            insert(&mut connection, &places, &body, &[]).await?;
            sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
            for row in group.drain(..) {
                // A caller that went away needs no answer.
                let _ = row.done.send(());
            }
        }
        connection.close().await?;
        Ok::<_, anyhow::Error>(())
    });
    let watch = Stopwatch::start();
    at_once(CALLERS, entries, move |caller, _| {
        let rows = rows.clone();
        async move {
            let (done, committed) = oneshot::channel();
            rows.send(Waiting { caller, done }).await.context("the writer stopped")?;
            committed.await.context("the writer stopped")
        }
    })
    .await?;
    let rate = count(entries) / watch.seconds();
    writer.await.context("the writer broke off")??;
    Ok(rate)
}

/// Where a body stands.
struct Body {
    index: u64,
    case: String,
    n: u64,
}

/// `INSERT` of so many rows of so many columns, in batches of powers of two as the datastore has it.
fn text(table: &str, columns: usize, rows: usize) -> AssertSqlSafe<String> {
    let mut text = format!("INSERT INTO {table} VALUES ");
    for place in 0..rows * columns {
        let before = match place % columns {
            0 if place == 0 => "(",
            0 => "), (",
            _ => ", ",
        };
        // Writing to a string does not fail.
        let _ = write!(text, "{before}${}", place + 1);
    }
    text.push(')');
    AssertSqlSafe(text)
}

fn batches<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let (batch, behind) = rest.split_at(1 << rest.len().min(ROWS).checked_ilog2()?);
        rest = behind;
        Some(batch)
    })
}

async fn insert(
    connection: &mut AnyConnection,
    bodies: &[Body],
    body: &[u8],
    nodes: &[tree::Node],
) -> anyhow::Result<()> {
    for rows in batches(bodies) {
        let mut leaves = sqlx::query(text("custody_leaf (leaf_index, leaf, leaf_hash)", 3, rows.len()));
        let columns = "custody_body (leaf_index, case_id, stream, n, salt, body)";
        let mut insert = sqlx::query(text(columns, 6, rows.len()));
        for row in rows {
            let (index, leaf) = (row.index.cast_signed(), leaf(row.index));
            leaves = leaves.bind(index).bind(leaf.to_vec()).bind(tree::leaf_hash(&leaf).as_bytes().to_vec());
            insert = insert.bind(index).bind(&row.case).bind("internal").bind(row.n.cast_signed());
            insert = insert.bind(vec![0x33_u8; 32]).bind(body);
        }
        leaves.execute(&mut *connection).await?;
        insert.execute(&mut *connection).await?;
    }
    for rows in batches(nodes) {
        let mut inner = sqlx::query(text("custody_node (level, node_index, hash)", 3, rows.len()));
        for node in rows {
            inner = inner.bind(i64::from(node.at.level)).bind(node.at.index.cast_signed());
            inner = inner.bind(node.hash.as_bytes().to_vec());
        }
        inner.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Replaces the checkpoint, as the server's act does.
struct Replace {
    expected: Option<u64>,
    size: u64,
    note: String,
}

impl Act for Replace {
    const NAME: &'static str = "benchmark-checkpoint";
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        tx.replace_checkpoint(self.expected, self.size, self.note.as_bytes()).await
    }
}

/// How long after the commit of an entry its proof under a signed checkpoint is there, while 64 callers go on: the waiting
/// time of the server's worker, the root, the signature, the commit, the proof.
async fn soon(engine: &Engine, place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let store = engine.home()?.open(keys(place)?).await?;
    let origin = Origin::new("benchmark.example", "xx/benchmark".parse::<PartyId>()?, 1)?;
    let (key, _) = LogKey::generate(&origin.to_string())?;
    let done = Arc::new(AtomicBool::new(false));
    let (busy, over) = (store.clone(), Arc::clone(&done));
    let callers = tokio::spawn(async move {
        at_once(CALLERS - 1, usize::MAX, move |caller, _| {
            let (store, over) = (busy.clone(), Arc::clone(&over));
            async move {
                anyhow::ensure!(!over.load(Ordering::Relaxed), "enough");
                store.perform(Note { case: case(caller) }).await?;
                Ok(())
            }
        })
        .await
    });
    let (mut delays, mut expected) = (Vec::new(), None);
    for _ in 0..place.pick(2, 20, 60) {
        let index = store.perform(Note { case: case(CALLERS - 1) }).await?;
        let watch = Stopwatch::start();
        tokio::time::sleep(CHECKPOINT_DELAY).await;
        let mut session = store.read().await?;
        let size = session.tree_size().await.map_err(Problem::from)?;
        let root = session.root(size).await.map_err(Problem::from)?;
        drop(session);
        let note = Checkpoint { origin: origin.clone(), size, root }.sign(&key)?;
        anyhow::ensure!(
            store.perform(Replace { expected, size, note }).await?,
            "the checkpoint was replaced"
        );
        expected = Some(size);
        let path = store.read().await?.inclusion_proof(index, size).await.map_err(Problem::from)?;
        delays.push(watch.seconds());
        anyhow::ensure!(!path.is_empty() || size == 1, "a proof");
    }
    done.store(true, Ordering::Relaxed);
    // They end because they are told that it is enough.
    let _ = callers.await.context("a caller broke off")?;
    store.close().await;
    let line = "from commit to its proof under a signed checkpoint, beside 64 callers, 99 of 100 within";
    report.add(Line::once(format!("{}: {line}", engine.name()), "s", percentile(&delays, 0.99)).below(1.0));
    Ok(())
}

/// What an entry and a proof cost in a log of `leaves`, and the bytes it takes.
async fn grown(
    engine: &Engine,
    place: &Place,
    leaves: u64,
    smallest: &mut Option<f64>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let what = format!("{}, {leaves} entries", engine.name());
    let large = Large::fill(engine, place, leaves).await?;
    report.add(Line::once(
        format!("{what}: the database, an entry"),
        "B",
        large.bytes / machine_count(leaves),
    ));
    let proofs = large.prove(place.pick(100, 5_000, 20_000)).await?;
    let delays: Vec<f64> = proofs.iter().map(|proof| proof.milliseconds).collect();
    report.add(
        Line::once(format!("{what}: inclusion proof, half of them within"), "ms", percentile(&delays, 0.5))
            .below(1.0),
    );
    let line = format!("{what}: inclusion proof, 99 of 100 within");
    report.add(Line::once(line, "ms", percentile(&delays, 0.99)));
    let root = large.root().await?;
    let mut next = proofs.iter().cycle();
    let verified = machine::rate(place.pick(0.2, 2.0, 2.0), || {
        let proof = next.next().context("there are proofs")?;
        let leaf = tree::leaf_hash(&leaf(proof.index));
        Ok(tree::verify_inclusion(&leaf, proof.index, leaves, &proof.path, &root)?)
    })?;
    report.add(
        Line::once(format!("{what}: leaf-and-path proofs verified by one core"), "1/s", verified)
            .at_least(30_000.0)
            .noting("against a root that was verified once"),
    );
    let cost = 1e6 / record(&large.store, place.pick(500, 20_000, 20_000)).await?;
    let first = *smallest.get_or_insert(cost);
    report.add(
        Line::once(format!("{what}: one more entry, 64 callers"), "µs", cost)
            .beside("in the smallest of these logs", first),
    );
    large.store.close().await;
    Ok(())
}

fn machine_count(number: u64) -> f64 {
    count(usize::try_from(number).unwrap_or(usize::MAX))
}

/// A leaf that is like no other.
fn leaf(index: u64) -> [u8; LEAF_BYTES] {
    let mut leaf = [0x5a; LEAF_BYTES];
    for (byte, drawn) in leaf.iter_mut().zip(index.to_be_bytes()) {
        *byte = drawn;
    }
    leaf
}

/// A large log, filled past the datastore and read through it.
struct Large {
    store: Datastore,
    leaves: u64,
    bytes: f64,
}

/// A proof, and how long it took to find.
struct Found {
    index: u64,
    path: Vec<Digest>,
    milliseconds: f64,
}

impl Large {
    async fn fill(engine: &Engine, place: &Place, leaves: u64) -> anyhow::Result<Self> {
        let home = engine.home()?;
        // The datastore makes the tables, so that it knows them again.
        home.open(keys(place)?).await?.close().await;
        let empty = home.bytes().await?;
        let mut connection = home.connect().await?;
        let mut tree = Tree::new();
        let mut next = 0;
        // As long as the bodies of these benchmarks.
        let body = vec![0x5a_u8; 260];
        while next < leaves {
            let mut transaction = connection.begin().await?;
            let end = leaves.min(next + 50_000);
            while next < end {
                let batch: Vec<Body> = (next..end.min(next + 512))
                    .map(|index| Body { index, case: format!("C-{:07}", index / 20), n: index % 20 + 1 })
                    .collect();
                let mut nodes = Vec::new();
                for row in &batch {
                    nodes.extend(tree.append(tree::leaf_hash(&leaf(row.index)))?.nodes);
                }
                insert(&mut transaction, &batch, &body, &nodes).await?;
                next += batch.len() as u64;
            }
            transaction.commit().await?;
        }
        if home.file.is_none() {
            // As the server's own housekeeping does within a minute.
            sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
        }
        connection.close().await?;
        let bytes = machine_count(home.bytes().await?.saturating_sub(empty));
        Ok(Self { store: home.open(keys(place)?).await?, leaves, bytes })
    }

    /// Proofs of entries all over the log, each timed by itself.
    async fn prove(&self, number: usize) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        for _ in 0..number {
            let index = u64::from_be_bytes(draw(&MachineEntropy)) % self.leaves;
            let watch = Stopwatch::start();
            let path = self.store.read().await?.inclusion_proof(index, self.leaves).await;
            let milliseconds = watch.seconds() * 1000.0;
            found.push(Found { index, path: path.map_err(Problem::from)?, milliseconds });
        }
        Ok(found)
    }

    async fn root(&self) -> anyhow::Result<Digest> {
        let root = self.store.read().await?.root(self.leaves).await;
        Ok(root.map_err(Problem::from)?)
    }
}
