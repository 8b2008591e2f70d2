//! The growing end of the custody log, as the writer holds it between two commits.
//!
//! ```text
//! act ── stage ──► tree, numbering and leaf hash are known at once
//! group ─ flush ─► leaves, nodes and bodies are inserted together, just before COMMIT
//! ```
//! One writer appends, so size, peaks and the ends of streams need not be read again for every
//! entry. An act that is rolled back takes its entries with it ([`LogTail::rewind`]); after a group
//! that was abandoned the tail is loaded anew. Never signs anything.

use super::session::{StoreError, stored};
use super::transaction::Transaction;
use crate::problem::Problem;
use rogatory_core::Digest;
use rogatory_custody::leaf::{LEAF_BYTES, Leaf};
use rogatory_custody::tree::{Node, Tree};
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use std::fmt::Write as _;

/// The most rows of one INSERT.
const ROWS_AT_ONCE: usize = 64;
/// How many ends of streams are remembered before all are forgotten and read again.
const REMEMBERED_ENDS: usize = 16_384;

/// Number and leaf hash of the last event of a stream; 0 and none before the first.
pub(super) type End = (u64, Option<Digest>);
/// Case and stream.
type StreamKey = (String, String);

/// An entry that waits for its group.
struct Staged {
    leaf_index: u64,
    leaf: [u8; LEAF_BYTES],
    leaf_hash: Digest,
    case: String,
    stream: String,
    n: u64,
    salt: [u8; 32],
    /// The body, encrypted for its place.
    body: Vec<u8>,
}

/// An entry as it is handed in: all but its place in the tree, which the tail gives.
pub(super) struct Entry<'a> {
    pub leaf: &'a Leaf,
    pub case: &'a str,
    pub stream: &'a str,
    pub n: u64,
    pub salt: [u8; 32],
}

/// The log from its peaks on.
pub(super) struct LogTail {
    tree: Tree,
    ends: HashMap<StreamKey, End>,
    staged: Vec<Staged>,
    nodes: Vec<Node>,
    /// What `ends` said before each staged entry, to be put back by a rewind.
    replaced: Vec<(StreamKey, Option<End>)>,
}

/// A place to which the tail can be taken back.
pub(super) struct Mark {
    tree: Tree,
    staged: usize,
    nodes: usize,
}

impl LogTail {
    /// The tail of a log whose committed part is `tree`.
    pub(super) fn new(tree: Tree) -> Self {
        Self { tree, ends: HashMap::new(), staged: Vec::new(), nodes: Vec::new(), replaced: Vec::new() }
    }

    /// How many entries of `case` wait.
    pub(super) fn waiting(&self, case: &str) -> u64 {
        self.staged.iter().filter(|entry| entry.case == case).count() as u64
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { tree: self.tree.clone(), staged: self.staged.len(), nodes: self.nodes.len() }
    }

    /// Takes back what was staged since `mark`.
    pub(super) fn rewind(&mut self, mark: Mark) {
        while self.staged.len() > mark.staged {
            self.staged.pop();
            if let Some((key, before)) = self.replaced.pop() {
                match before {
                    Some(end) => self.ends.insert(key, end),
                    None => self.ends.remove(&key),
                };
            }
        }
        self.nodes.truncate(mark.nodes);
        self.tree = mark.tree;
    }

    /// The end of a stream, if it is remembered.
    pub(super) fn end(&self, case: &str, stream: &str) -> Option<End> {
        self.ends.get(&(case.to_owned(), stream.to_owned())).copied()
    }

    /// Appends an entry; its body is handed in by `encrypt`, which is told the index of the leaf.
    pub(super) fn stage(
        &mut self,
        entry: &Entry<'_>,
        encrypt: impl FnOnce(u64) -> Result<Vec<u8>, Problem>,
    ) -> Result<u64, Problem> {
        let leaf_index = self.tree.size();
        let body = encrypt(leaf_index)?;
        let leaf_hash = entry.leaf.hash();
        let appended = self
            .tree
            .append(leaf_hash)
            .map_err(|error| Problem::internal("the custody log cannot grow", error))?;
        self.nodes.extend(appended.nodes);
        let key = (entry.case.to_owned(), entry.stream.to_owned());
        let before = self.ends.insert(key.clone(), (entry.n, Some(leaf_hash)));
        self.replaced.push((key, before));
        self.staged.push(Staged {
            leaf_index,
            leaf: entry.leaf.to_bytes(),
            leaf_hash,
            case: entry.case.to_owned(),
            stream: entry.stream.to_owned(),
            n: entry.n,
            salt: entry.salt,
            body,
        });
        Ok(leaf_index)
    }

    /// The group is committed: nothing waits any more. Says whether the log has grown.
    pub(super) fn take_committed(&mut self) -> bool {
        let grown = !self.staged.is_empty();
        self.staged.clear();
        self.nodes.clear();
        self.replaced.clear();
        if self.ends.len() > REMEMBERED_ENDS {
            self.ends.clear();
        }
        grown
    }
}

impl Transaction {
    /// Writes what waits, before the group commits.
    pub(super) async fn flush_log(&mut self) -> Result<(), StoreError> {
        let (connection, tail) = self.connection_and_tail();
        for rows in batches(&tail.staged) {
            let text = insert("custody_leaf (leaf_index, leaf, leaf_hash)", 3, rows.len());
            let mut leaves = sqlx::query(AssertSqlSafe(text));
            let text = insert("custody_body (leaf_index, case_id, stream, n, salt, body)", 6, rows.len());
            let mut bodies = sqlx::query(AssertSqlSafe(text));
            for row in rows {
                let index = stored(row.leaf_index)?;
                leaves =
                    leaves.bind(index).bind(row.leaf.as_slice()).bind(row.leaf_hash.as_bytes().as_slice());
                bodies = bodies
                    .bind(index)
                    .bind(&row.case)
                    .bind(&row.stream)
                    .bind(stored(row.n)?)
                    .bind(row.salt.as_slice())
                    .bind(&row.body);
            }
            leaves.execute(&mut *connection).await?;
            bodies.execute(&mut *connection).await?;
        }
        for rows in batches(&tail.nodes) {
            let text = insert("custody_node (level, node_index, hash)", 3, rows.len());
            let mut nodes = sqlx::query(AssertSqlSafe(text));
            for row in rows {
                let (level, index) = (i64::from(row.at.level), stored(row.at.index)?);
                nodes = nodes.bind(level).bind(index).bind(row.hash.as_bytes().as_slice());
            }
            nodes.execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// The rows in batches of powers of two, so that few texts are prepared for any number of rows.
fn batches<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = 1 << rest.len().min(ROWS_AT_ONCE).checked_ilog2()?;
        let (batch, behind) = rest.split_at(size);
        rest = behind;
        Some(batch)
    })
}

/// An INSERT of so many rows of so many columns; made of constants and counts alone.
fn insert(table: &'static str, columns: usize, rows: usize) -> String {
    let mut text = format!("-- flush_log\nINSERT INTO {table} VALUES ");
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            // Writing to a string does not fail.
            let _ = write!(text, "{}${}", if column == 1 { "" } else { ", " }, row * columns + column);
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rogatory_custody::leaf::TagKey;

    fn staged(tail: &mut LogTail, stream: &str, n: u64) -> u64 {
        let parsed = stream.parse().expect("a stream");
        let leaf = Leaf::new(&TagKey::derive(&[7; 32]), &parsed, n, &[9; 32], b"{}");
        let entry = Entry { leaf: &leaf, case: "C-1", stream, n, salt: [9; 32] };
        tail.stage(&entry, |index| Ok(index.to_be_bytes().to_vec())).expect("room")
    }

    #[test]
    fn a_rewind_puts_back_tree_and_numbering() {
        let mut tail = LogTail::new(Tree::new());
        staged(&mut tail, "internal", 1);
        let (mark, before) = (tail.mark(), tail.tree.clone());
        let end = tail.end("C-1", "internal");
        staged(&mut tail, "internal", 2);
        staged(&mut tail, "md/central-authority", 1);
        staged(&mut tail, "internal", 3);
        tail.rewind(mark);
        assert_eq!(tail.tree, before);
        assert_eq!(tail.end("C-1", "internal"), end);
        assert_eq!(tail.end("C-1", "md/central-authority"), None);
        assert_eq!((tail.waiting("C-1"), tail.tree.size()), (1, 1));
        assert_eq!(staged(&mut tail, "internal", 2), 1);
    }

    #[test]
    fn batches_are_powers_of_two() {
        let rows: Vec<u8> = (0..203).collect();
        let sizes: Vec<usize> = batches(&rows).map(<[u8]>::len).collect();
        assert_eq!(sizes, [64, 64, 64, 8, 2, 1]);
        assert!(batches(&rows).flatten().eq(&rows));
        assert_eq!(batches::<u8>(&[]).count(), 0);
    }

    #[test]
    fn an_insert_numbers_its_places() {
        assert_eq!(insert("t (a, b)", 2, 2), "-- flush_log\nINSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }
}
