//! The custody log: entries through the datastore beside the same INSERTs without a tree, and proofs over a large log.
//!
//! In this process, on the server's own datastore; no network.

use crate::desk::at_once;
use crate::machine::{self, syncs_per_second};
use crate::office::Place;
use crate::report::{Line, Report, count, percentile};
use crate::time::{MachineClock, MachineEntropy, Stopwatch};
use anyhow::Context as _;
use rogatory_core::Digest;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::entropy::draw;
use rogatory_custody::leaf::LEAF_BYTES;
use rogatory_custody::tree::{self, Tree};
use rogatory_server::datastore::{Act, Datastore, Location, Opening, StoreError, Transaction};
use rogatory_server::faults::NoFaults;
use rogatory_server::files::Disk;
use rogatory_server::keystore::KeyStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, QueryBuilder, Sqlite};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Callers at once.
const CALLERS: usize = 64;
/// The most entries that share a transaction of the reference.
const GROUP: usize = 128;
/// Rows of one INSERT, as the datastore has it.
const ROWS: usize = 16;

/// Measures it.
///
/// # Errors
/// If the database fails.
pub(crate) async fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let entries = place.pick(500, 40_000, 100_000);
    let syncs = syncs_per_second(&place.work, place.pick(0.2, 2.0, 2.0))?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for run in 0..place.pick(1, 3, 5) {
        let (rate, body_bytes) = through_the_datastore(place, run, entries).await?;
        ours.push(rate);
        plain.push(without_a_tree(place, run, entries, body_bytes).await?);
    }
    report.add(
        Line::of("entries through `perform`, one an act, 64 callers", "1/s", ours)
            .beside(
                "the same INSERTs without a tree, committed in groups as well",
                crate::report::median(&plain),
            )
            .at_least_times(0.5)
            .noting(format!(
                "{entries} entries a run, in 64 cases; this disk syncs {syncs:.0} times a second"
            )),
    );

    let leaves = place.pick(5_000, 1_000_000, 10_000_000);
    let large = Large::fill(place, leaves).await?;
    let number = place.pick(100, 5_000, 20_000);
    let proofs = large.prove(number).await?;
    let delays: Vec<f64> = proofs.iter().map(|proof| proof.milliseconds).collect();
    let what = format!("{leaves} entries");
    report.add(
        Line::once(format!("inclusion proof of {what}, half of them within"), "ms", percentile(&delays, 0.5))
            .below(1.0),
    );
    report.add(Line::once(
        format!("inclusion proof of {what}, 99 of 100 within"),
        "ms",
        percentile(&delays, 0.99),
    ));
    let root = large.root().await?;
    let mut next = proofs.iter().cycle();
    let verified = machine::rate(place.pick(0.2, 2.0, 2.0), || {
        let proof = next.next().context("there are proofs")?;
        let leaf = tree::leaf_hash(&leaf(proof.index));
        Ok(tree::verify_inclusion(&leaf, proof.index, leaves, &proof.path, &root)?)
    })?;
    report.add(
        Line::once("leaf-and-path proofs verified by one core", "1/s", verified)
            .at_least(30_000.0)
            .noting("against a root that was verified once"),
    );
    Ok(report)
}

/// An act that does nothing but record one entry.
struct Note {
    case: String,
}

impl Act for Note {
    const NAME: &'static str = "benchmark-note";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let event = Event::LogStarted { origin: "benchmark.example/rogatory/xx/benchmark/1".to_owned() };
        tx.record(&self.case, &Actor::Server, CustodyEvent::internal(event)).await.map(drop)
    }
}

fn keys(place: &Place) -> anyhow::Result<Arc<KeyStore>> {
    Ok(Arc::new(KeyStore::open(&place.work.join("keys"), Arc::new(Disk::OwnerOnly), &[7; 32])?))
}

async fn open(path: &Path, keys: Arc<KeyStore>) -> anyhow::Result<Datastore> {
    let opening = Opening {
        location: &Location::file(path.to_owned()),
        create: true,
        keys,
        clock: Arc::new(MachineClock),
        entropy: Arc::new(MachineEntropy),
        faults: Arc::new(NoFaults),
    };
    Ok(Datastore::open(opening).await?)
}

fn case(caller: usize) -> String {
    format!("C-BENCH{caller:03}")
}

/// Entries a second, and the bytes of a stored body.
async fn through_the_datastore(place: &Place, run: usize, entries: usize) -> anyhow::Result<(f64, usize)> {
    let keys = keys(place)?;
    for caller in 0..CALLERS {
        keys.create(&case(caller))?;
    }
    let path = place.work.join(format!("entries-{run}.db"));
    let store = open(&path, keys).await?;
    let watch = Stopwatch::start();
    let shared = store.clone();
    at_once(CALLERS, entries, move |caller, _| {
        let store = shared.clone();
        async move { Ok(store.perform(Note { case: case(caller) }).await?) }
    })
    .await?;
    let rate = count(entries) / watch.seconds();
    store.close().await;
    let mut connection = connect(&path).await?;
    let bytes: i64 =
        sqlx::query_scalar("SELECT MAX(length(body)) FROM custody_body").fetch_one(&mut connection).await?;
    let stored: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM custody_leaf").fetch_one(&mut connection).await?;
    anyhow::ensure!(usize::try_from(stored)? == entries, "{stored} of {entries} entries are in the log");
    connection.close().await?;
    Ok((rate, usize::try_from(bytes)?))
}

async fn connect(path: &Path) -> anyhow::Result<SqliteConnection> {
    // As the datastore opens it.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "ON");
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// Makes the tables of the server's own schema.
async fn with_schema(path: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = connect(path).await?;
    let schema = include_str!("../../../server/migrations/sqlite/0001_first.sql");
    sqlx::raw_sql(schema).execute(&mut connection).await?;
    Ok(connection)
}

/// A row that waits for the reference's writer.
struct Row {
    caller: usize,
    done: oneshot::Sender<()>,
}

/// Entries a second when leaf and body are inserted as they are, without nodes.
async fn without_a_tree(place: &Place, run: usize, entries: usize, body_bytes: usize) -> anyhow::Result<f64> {
    let mut connection = with_schema(&place.work.join(format!("plain-{run}.db"))).await?;
    let (rows, mut waiting) = mpsc::channel::<Row>(256);
    let writer = tokio::spawn(async move {
        let (mut index, mut numbers) = (0_i64, [0_i64; CALLERS]);
        let body = vec![0x5a_u8; body_bytes];
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let mut places = Vec::new();
            for row in &group {
                let number = numbers.get_mut(row.caller).context("a known caller")?;
                *number += 1;
                places.push((index, row.caller, *number));
                index += 1;
            }
            sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
            for places in places.chunks(ROWS) {
                insert(&mut connection, places, &body).await?;
            }
            sqlx::query("COMMIT").execute(&mut connection).await?;
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
            rows.send(Row { caller, done }).await.context("the writer stopped")?;
            committed.await.context("the writer stopped")
        }
    })
    .await?;
    let rate = count(entries) / watch.seconds();
    writer.await.context("the writer broke off")??;
    Ok(rate)
}

async fn insert(
    connection: &mut SqliteConnection,
    places: &[(i64, usize, i64)],
    body: &[u8],
) -> anyhow::Result<()> {
    let mut leaves = QueryBuilder::<Sqlite>::new("INSERT INTO custody_leaf (leaf_index, leaf, leaf_hash) ");
    leaves.push_values(places, |mut row, (index, _, _)| {
        let leaf = leaf(index.unsigned_abs());
        row.push_bind(*index).push_bind(leaf.to_vec()).push_bind(tree::leaf_hash(&leaf).as_bytes().to_vec());
    });
    leaves.build().execute(&mut *connection).await?;
    let text = "INSERT INTO custody_body (leaf_index, case_id, stream, n, salt, body) ";
    let mut bodies = QueryBuilder::<Sqlite>::new(text);
    bodies.push_values(places, |mut row, (index, caller, n)| {
        row.push_bind(*index).push_bind(case(*caller)).push_bind("internal").push_bind(*n);
        row.push_bind(vec![0x33_u8; 32]).push_bind(body.to_vec());
    });
    bodies.build().execute(connection).await?;
    Ok(())
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
}

/// A proof, and how long it took to find.
struct Found {
    index: u64,
    path: Vec<Digest>,
    milliseconds: f64,
}

impl Large {
    async fn fill(place: &Place, leaves: u64) -> anyhow::Result<Self> {
        let path = place.work.join("large.db");
        // The datastore makes the tables, so that it knows them again.
        open(&path, keys(place)?).await?.close().await;
        let mut connection = connect(&path).await?;
        let mut tree = Tree::new();
        let mut next = 0;
        while next < leaves {
            let mut transaction = connection.begin().await?;
            let end = leaves.min(next + 50_000);
            while next < end {
                let batch: Vec<u64> = (next..end.min(next + 500)).collect();
                let mut nodes = Vec::new();
                for index in &batch {
                    nodes.extend(tree.append(tree::leaf_hash(&leaf(*index)))?.nodes);
                }
                fill(&mut transaction, &batch, &nodes).await?;
                next += batch.len() as u64;
            }
            transaction.commit().await?;
        }
        connection.close().await?;
        Ok(Self { store: open(&path, keys(place)?).await?, leaves })
    }

    /// Proofs of entries all over the log, each timed by itself.
    async fn prove(&self, number: usize) -> anyhow::Result<Vec<Found>> {
        let mut found = Vec::new();
        for _ in 0..number {
            let index = u64::from_be_bytes(draw(&MachineEntropy)) % self.leaves;
            let watch = Stopwatch::start();
            let path = self.store.read().await?.inclusion_proof(index, self.leaves).await;
            let milliseconds = watch.seconds() * 1000.0;
            found.push(Found {
                index,
                path: path.map_err(rogatory_server::problem::Problem::from)?,
                milliseconds,
            });
        }
        Ok(found)
    }

    async fn root(&self) -> anyhow::Result<Digest> {
        let root = self.store.read().await?.root(self.leaves).await;
        Ok(root.map_err(rogatory_server::problem::Problem::from)?)
    }
}

async fn fill(connection: &mut SqliteConnection, batch: &[u64], nodes: &[tree::Node]) -> anyhow::Result<()> {
    let mut leaves = QueryBuilder::<Sqlite>::new("INSERT INTO custody_leaf (leaf_index, leaf, leaf_hash) ");
    leaves.push_values(batch, |mut row, index| {
        let leaf = leaf(*index);
        row.push_bind(index.cast_signed()).push_bind(leaf.to_vec());
        row.push_bind(tree::leaf_hash(&leaf).as_bytes().to_vec());
    });
    leaves.build().execute(&mut *connection).await?;
    let mut inner = QueryBuilder::<Sqlite>::new("INSERT INTO custody_node (level, node_index, hash) ");
    inner.push_values(nodes, |mut row, node| {
        row.push_bind(i64::from(node.at.level)).push_bind(node.at.index.cast_signed());
        row.push_bind(node.hash.as_bytes().to_vec());
    });
    inner.build().execute(connection).await?;
    Ok(())
}
