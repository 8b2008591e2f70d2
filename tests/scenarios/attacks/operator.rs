//! The operator with every right: on the database, on the disk, and on the log's key. He rewrites the custody log of
//! his office and makes everything consistent again, as somebody does who has read the specification: leaves, numbers,
//! links, nodes, the index, case heads, the checkpoint. What he cannot change is what others hold.
//!
//! He works while the server is stopped, on SQLite's file and on PostgreSQL alike.

use crate::custody::log_key;
use rogatory_core::Digest;
use rogatory_core::custody_event::Stream;
use rogatory_custody::case_head::{CaseHead, verify_case_head};
use rogatory_custody::checkpoint::{Checkpoint, Origin};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::tree::Tree;
use rogatory_server::config::ServerConfig;
use rogatory_server::files::Disk;
use rogatory_server::keystore::KeyStore;
use rogatory_tests::Office;
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use std::collections::HashMap;
use std::sync::Arc;

/// An entry of the log, opened with the case's key.
#[derive(Clone)]
pub(super) struct Entry {
    pub case: String,
    pub stream: String,
    pub salt: [u8; 32],
    pub body: Vec<u8>,
    /// Its leaf as it stood.
    stood: Leaf,
    /// What becomes of it when the log is built again.
    pub shown: Shown,
}

/// How an entry is written when the log is built again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Leaf, index and body.
    Whole,
    /// The body stays, and the leaf commits to something else.
    OtherLeaf,
    /// A leaf alone, which takes the number of the event before it in its stream once more.
    LeafAlone,
}

impl Entry {
    /// The body as JSON.
    pub(super) fn read(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Changes the body.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        let mut body = self.read();
        edit(&mut body);
        self.body = serde_json::to_vec(&body).expect("JSON");
    }

    pub(super) fn is(&self, event: &str) -> bool {
        self.read()["event"] == event
    }
}

/// Where the last entry of this name stands.
pub(super) fn last(entries: &[Entry], event: &str) -> usize {
    entries.iter().rposition(|entry| entry.is(event)).unwrap_or_else(|| panic!("no `{event}`"))
}

/// Where the first entry of this name stands.
pub(super) fn first(entries: &[Entry], event: &str) -> usize {
    entries.iter().position(|entry| entry.is(event)).unwrap_or_else(|| panic!("no `{event}`"))
}

/// What a log built again knows of its leaves.
struct Built {
    /// The leaf hash of each number.
    numbered: HashMap<(String, String, i64), Digest>,
    /// The leaves that are others now, with their places.
    moved: Vec<(Digest, Digest, i64)>,
}

pub(super) struct Operator {
    connection: AnyConnection,
    postgres: bool,
    keys: KeyStore,
    key: LogKey,
    origin: Origin,
}

impl Operator {
    /// Takes what lies in the folder of an office whose server is stopped.
    pub(super) async fn of(office: &Office) -> Self {
        sqlx::any::install_default_drivers();
        let config = ServerConfig::load(&office.folder).expect("a configuration");
        let url = match (&config.database.file, &config.database.url) {
            (Some(file), _) => format!("sqlite://{}?mode=rw", office.folder.join(file).display()),
            (None, Some(url)) => url.clone(),
            (None, None) => panic!("a database"),
        };
        let connection = AnyConnection::connect(&url).await.expect("a database");
        let wrapping = std::fs::read(office.folder.join(&config.keys.key_encryption_key)).expect("a key");
        let folder = office.folder.join(&config.storage.case_keys);
        let keys = KeyStore::open(&folder, Arc::new(Disk::OwnerOnly), &wrapping).expect("a key store");
        let origin = office.read_entry().entry.log_origin.parse().expect("an origin");
        Self { connection, postgres: url.starts_with("postgres"), keys, key: log_key(office), origin }
    }

    /// Executes statements, the leaves' protection out of the way.
    pub(super) async fn execute(&mut self, statements: &str) {
        let (before, after) = self.unprotected().await;
        for text in [before.as_str(), statements, after.as_str()] {
            let text = AssertSqlSafe(text.to_owned());
            sqlx::raw_sql(text).execute(&mut self.connection).await.expect("a statement");
        }
    }

    /// What takes the protection of leaves away, and what puts it back.
    async fn unprotected(&mut self) -> (String, String) {
        if self.postgres {
            let both =
                ["DISABLE", "ENABLE"].map(|what| format!("ALTER TABLE custody_leaf {what} TRIGGER USER"));
            let [before, after] = both;
            return (before, after);
        }
        let triggers =
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'custody_leaf'";
        let triggers = sqlx::query(triggers).fetch_all(&mut self.connection).await.expect("triggers");
        let text = |row: &AnyRow, at: usize| row.try_get::<String, _>(at).expect("text");
        let (mut before, mut after) = (String::new(), String::new());
        for row in &triggers {
            before += &format!("DROP TRIGGER {};", text(row, 0));
            after += &format!("{};", text(row, 1));
        }
        (before, after)
    }

    /// All entries, in the order of the log.
    pub(super) async fn entries(&mut self) -> Vec<Entry> {
        let rows = sqlx::query(
            "SELECT case_id, stream, salt, body, custody_leaf.leaf_index, leaf FROM custody_leaf
             JOIN custody_body ON custody_body.leaf_index = custody_leaf.leaf_index
             ORDER BY custody_leaf.leaf_index",
        );
        let rows = rows.fetch_all(&mut self.connection).await.expect("the log");
        let entry = |row: &AnyRow| {
            let (case, index): (String, i64) =
                (row.try_get(0).expect("a case"), row.try_get(4).expect("an index"));
            let key = self.keys.key(&case).expect("a key");
            let body: Vec<u8> = row.try_get(3).expect("a body");
            let salt: Vec<u8> = row.try_get(2).expect("a salt");
            let leaf: Vec<u8> = row.try_get(5).expect("a leaf");
            Entry {
                body: key.decrypt(&place(index), &body).expect("a body"),
                salt: salt.try_into().expect("32 bytes"),
                stream: row.try_get(1).expect("a stream"),
                stood: Leaf::from_bytes(&leaf).expect("a leaf"),
                shown: Shown::Whole,
                case,
            }
        };
        rows.iter().map(entry).collect()
    }

    /// Writes the log anew with these entries and no others: numbers without gaps, links, leaves, nodes, index, case
    /// heads, what receipts name, and a checkpoint under the log's key over all of it.
    pub(super) async fn build(&mut self, entries: Vec<Entry>) {
        self.execute("DELETE FROM custody_leaf; DELETE FROM custody_node; DELETE FROM custody_body").await;
        let mut ends: HashMap<(String, String), (i64, Option<Digest>)> = HashMap::new();
        let mut built = Built { numbered: HashMap::new(), moved: Vec::new() };
        let mut tree = Tree::new();
        for (index, entry) in (0_i64..).zip(entries) {
            let end = ends.entry((entry.case.clone(), entry.stream.clone())).or_default();
            let n = if entry.shown == Shown::LeafAlone { end.0 } else { end.0 + 1 };
            let body = numbered(&entry, n, end.1);
            let tag_key = TagKey::derive(self.keys.key(&entry.case).expect("a key").as_bytes());
            let stream: Stream = entry.stream.parse().expect("a stream");
            let committed = if entry.shown == Shown::OtherLeaf { b"{}".as_slice() } else { &body };
            let number = u64::try_from(n).expect("a number");
            let leaf = Leaf::new(&tag_key, &stream, number, &entry.salt, committed);
            self.insert_leaf(index, &leaf, &mut tree).await;
            if entry.shown != Shown::LeafAlone {
                self.insert_body(index, &entry, n, &body).await;
                *end = (n, Some(leaf.hash()));
                built.numbered.insert((entry.case, entry.stream, n), leaf.hash());
                built.moved.push((entry.stood.hash(), leaf.hash(), index));
            }
        }
        self.refer(&built).await;
        self.sign_heads(&built).await;
        let note = Checkpoint::of(self.origin.clone(), &tree).sign(&self.key).expect("signed");
        self.replace_checkpoint(tree.size(), &note).await;
    }

    async fn insert_leaf(&mut self, index: i64, leaf: &Leaf, tree: &mut Tree) {
        sqlx::query("INSERT INTO custody_leaf (leaf_index, leaf, leaf_hash) VALUES ($1, $2, $3)")
            .bind(index)
            .bind(leaf.to_bytes().as_slice())
            .bind(leaf.hash().as_bytes().as_slice())
            .execute(&mut self.connection)
            .await
            .expect("a leaf");
        for node in tree.append(leaf.hash()).expect("room").nodes {
            sqlx::query("INSERT INTO custody_node (level, node_index, hash) VALUES ($1, $2, $3)")
                .bind(i64::from(node.at.level))
                .bind(i64::try_from(node.at.index).expect("small"))
                .bind(node.hash.as_bytes().as_slice())
                .execute(&mut self.connection)
                .await
                .expect("a node");
        }
    }

    async fn insert_body(&mut self, index: i64, entry: &Entry, n: i64, body: &[u8]) {
        let key = self.keys.key(&entry.case).expect("a key");
        sqlx::query(
            "INSERT INTO custody_body (leaf_index, case_id, stream, n, salt, body) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(index)
        .bind(&entry.case)
        .bind(&entry.stream)
        .bind(n)
        .bind(entry.salt.as_slice())
        .bind(key.encrypt(&place(index), body).expect("encrypted"))
        .execute(&mut self.connection)
        .await
        .expect("a body");
    }

    /// Has every row that names a leaf name the one that took its place. What no leaf is left of is forgotten.
    async fn refer(&mut self, built: &Built) {
        for (old, new, index) in &built.moved {
            for (text, place) in [
                ("UPDATE document SET receipt_leaf = $1 WHERE receipt_leaf = $2", None),
                ("UPDATE package SET receipt_leaf = $1 WHERE receipt_leaf = $2", None),
                (
                    "UPDATE promise_given SET leaf_hash = $1, leaf_index = $3 WHERE leaf_hash = $2",
                    Some(index),
                ),
            ] {
                let query = sqlx::query(text).bind(new.as_bytes().as_slice()).bind(old.as_bytes().as_slice());
                let query = if let Some(index) = place { query.bind(*index) } else { query };
                query.execute(&mut self.connection).await.expect("a reference");
            }
        }
        let gone = "DELETE FROM promise_given WHERE leaf_hash NOT IN (SELECT leaf_hash FROM custody_leaf);
                    DELETE FROM log_witness";
        sqlx::raw_sql(gone).execute(&mut self.connection).await.expect("forgotten");
    }

    /// Signs anew what the log told counterparts of its streams.
    async fn sign_heads(&mut self, built: &Built) {
        let rows = sqlx::query(
            "SELECT case_id, message, counterpart, n, note FROM case_head WHERE direction = 'sent'",
        );
        for row in rows.fetch_all(&mut self.connection).await.expect("case heads") {
            let (case, message): (String, String) = (row.get(0), row.get(1));
            let (stream, n, note): (String, i64, Vec<u8>) = (row.get(2), row.get(3), row.get(4));
            let known = verify_case_head(&note, std::slice::from_ref(self.key.vkey())).expect("a case head");
            let leaf = *built.numbered.get(&(case.clone(), stream, n)).expect("an event of that number");
            let note = CaseHead { leaf, ..known.head().clone() }.sign(&self.key).expect("signed");
            sqlx::query(
                "UPDATE case_head SET leaf_hash = $1, head_sha256 = $2, note = $3
                 WHERE case_id = $4 AND message = $5 AND direction = 'sent'",
            )
            .bind(leaf.as_bytes().as_slice())
            .bind(Digest::of(note.as_bytes()).as_bytes().as_slice())
            .bind(note.as_bytes())
            .bind(case)
            .bind(message)
            .execute(&mut self.connection)
            .await
            .expect("a case head");
        }
    }

    /// Replaces the latest checkpoint, whatever the log holds.
    pub(super) async fn replace_checkpoint(&mut self, size: u64, note: &str) {
        sqlx::query("UPDATE custody_checkpoint SET tree_size = $1, note = $2")
            .bind(i64::try_from(size).expect("small"))
            .bind(note.as_bytes())
            .execute(&mut self.connection)
            .await
            .expect("a checkpoint");
    }

    /// Leaves the database.
    pub(super) async fn leave(self) {
        self.connection.close().await.expect("closed");
    }
}

/// Where a body is encrypted for.
fn place(index: i64) -> String {
    format!("custody_body/{index}")
}

/// The body of an entry under its number and link; byte for byte as it was where those are the same.
fn numbered(entry: &Entry, n: i64, previous: Option<Digest>) -> Vec<u8> {
    let mut body = entry.read();
    let fields = [
        ("case", json!(entry.case)),
        ("stream", json!(entry.stream)),
        ("n", json!(n)),
        ("previous", json!(previous.map(|leaf| leaf.to_hex()))),
    ];
    if fields.iter().all(|(name, value)| body[*name] == *value) {
        return entry.body.clone();
    }
    for (name, value) in fields {
        body[name] = value;
    }
    serde_json::to_vec(&body).expect("JSON")
}
