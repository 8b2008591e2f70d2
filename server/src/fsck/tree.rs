//! Rebuilds the tree from the leaves and compares what is stored: hashes, nodes, root and signature.

use super::erased::Erasures;
use super::report::{Item, Report};
use crate::datastore::{Inspection, RawLeaf};
use crate::problem::Problem;
use rogatory_core::Digest;
use rogatory_custody::checkpoint::{Origin, verify_checkpoint};
use rogatory_custody::leaf::Leaf;
use rogatory_custody::note::Vkey;
use rogatory_custody::tree::{Node, Tree, leaf_hash};
use std::collections::{BTreeMap, HashMap};

/// How many leaves are read at once.
const PAGE: i64 = 1024;
/// How many such leaves are remembered by their tags; more are missing all the same.
const REMEMBERED: usize = 1_000_000;

/// The leaves whose bodies are gone without an erasure: each case says later which of them it still has a key for.
#[derive(Default)]
pub(super) struct Bodiless {
    by_tag: HashMap<[u8; 32], i64>,
    beyond: u64,
}

impl Bodiless {
    fn add(&mut self, leaf: &Leaf, index: i64) {
        if self.by_tag.len() < REMEMBERED {
            self.by_tag.insert(*leaf.tag(), index);
        } else {
            self.beyond += 1;
        }
    }

    /// Takes out the leaf with this tag and gives its index.
    pub(super) fn take(&mut self, tag: &[u8; 32]) -> Option<i64> {
        self.by_tag.remove(tag)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    /// Those that nobody claimed, by index, and how many more there are than are remembered.
    pub(super) fn unclaimed(self) -> (Vec<i64>, u64) {
        let mut indexes: Vec<i64> = self.by_tag.into_values().collect();
        indexes.sort_unstable();
        (indexes, self.beyond)
    }
}

/// Rebuilds the tree.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check(
    database: &mut Inspection,
    origin: &Origin,
    key: &Vkey,
    erasures: &mut Erasures,
    report: &mut Report,
) -> Result<Bodiless, Problem> {
    let checkpoint = database.checkpoint().await?;
    let signed = checkpoint.as_ref().and_then(|(size, _)| u64::try_from(*size).ok());
    let mut rebuilt = Rebuilt { tree: Tree::new(), signed, signed_root: None, bodiless: Bodiless::default() };
    let mut start = 0;
    loop {
        let page = database.leaves(start, PAGE).await?;
        let Some(last) = page.last() else { break };
        let end = last.index;
        let nodes = rebuilt.take(database, page, erasures, report).await?;
        compare(database, nodes, report).await?;
        start = end + 1;
    }
    let Rebuilt { tree, signed_root, bodiless, .. } = rebuilt;
    let size = tree.size();
    report.leaves = size;
    let expected = i128::from(size) * 2 - i128::from(size.count_ones());
    let stored = i128::from(database.node_count().await?);
    if stored > expected {
        report.damaged(Item::Node, "of the tree", format!("{stored} are stored, {expected} belong to it"));
    }
    match checkpoint {
        None if size > 0 => {
            report.note("no checkpoint was signed yet; the server signs one within seconds when it runs");
        }
        None => {}
        Some((stored_size, note)) => {
            report.checkpoint_leaves = u64::try_from(stored_size).ok();
            let faults = check_checkpoint(stored_size, &note, (size, signed_root), origin, key);
            report.judge(Item::Checkpoint, format!("over {stored_size} leaves"), faults);
        }
    }
    Ok(bodiless)
}

struct Rebuilt {
    tree: Tree,
    /// The size that the checkpoint covers.
    signed: Option<u64>,
    /// The root at that size.
    signed_root: Option<Digest>,
    bodiless: Bodiless,
}

impl Rebuilt {
    /// Appends a page of leaves; gives the nodes that became complete, by level.
    async fn take(
        &mut self,
        database: &mut Inspection,
        page: Vec<RawLeaf>,
        erasures: &mut Erasures,
        report: &mut Report,
    ) -> Result<BTreeMap<u8, Vec<Node>>, Problem> {
        let mut nodes: BTreeMap<u8, Vec<Node>> = BTreeMap::new();
        for leaf in page {
            while i128::from(self.tree.size()) < i128::from(leaf.index) {
                let gap = self.tree.size();
                report.missing(Item::Leaf, gap, "the log goes on behind it");
                // With its node the rest can still be judged; without, the root shows the hole.
                let at = i64::try_from(gap).unwrap_or(i64::MAX);
                let hash = database.nodes(0, at, at).await?.pop().and_then(|(_, hash)| digest(&hash));
                self.append(hash.unwrap_or_else(|| Digest::of(b"")), &mut nodes)?;
            }
            let mut faults = Vec::new();
            let computed = leaf_hash(&leaf.leaf);
            if digest(&leaf.leaf_hash) != Some(computed) {
                faults.push("the hash beside it is another".to_owned());
            }
            match Leaf::from_bytes(&leaf.leaf) {
                Ok(read) if !leaf.has_body => {
                    if !erasures.explains(&read, leaf.erased.as_ref()) {
                        self.bodiless.add(&read, leaf.index);
                    }
                }
                Ok(_) => {}
                Err(error) => faults.push(error.to_string()),
            }
            report.judge(Item::Leaf, leaf.index, faults);
            self.append(computed, &mut nodes)?;
        }
        Ok(nodes)
    }

    fn append(&mut self, hash: Digest, nodes: &mut BTreeMap<u8, Vec<Node>>) -> Result<(), Problem> {
        let appended =
            self.tree.append(hash).map_err(|error| Problem::internal("the log is too large", error))?;
        for node in appended.nodes {
            nodes.entry(node.at.level).or_default().push(node);
        }
        if self.signed == Some(self.tree.size()) {
            self.signed_root = Some(self.tree.root());
        }
        Ok(())
    }
}

/// Compares rebuilt nodes, which are in order on each level, with the stored ones.
async fn compare(
    database: &mut Inspection,
    nodes: BTreeMap<u8, Vec<Node>>,
    report: &mut Report,
) -> Result<(), Problem> {
    for (level, nodes) in nodes {
        let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else { continue };
        let stored = database.nodes(level, index(first), index(last)).await?;
        let stored: HashMap<i64, Vec<u8>> = stored.into_iter().collect();
        for node in &nodes {
            let name = format!("{level}/{}", node.at.index);
            match stored.get(&index(node)) {
                None => report.missing(Item::Node, name, "its leaves are here, it is not"),
                Some(hash) if digest(hash) == Some(node.hash) => report.present(Item::Node),
                Some(_) => report.damaged(Item::Node, name, "it is not the hash of what stands below it"),
            }
        }
    }
    Ok(())
}

fn index(node: &Node) -> i64 {
    i64::try_from(node.at.index).unwrap_or(i64::MAX)
}

fn digest(bytes: &[u8]) -> Option<Digest> {
    Digest::from_slice(bytes).ok()
}

fn check_checkpoint(
    stored_size: i64,
    note: &[u8],
    (tree_size, signed_root): (u64, Option<Digest>),
    origin: &Origin,
    key: &Vkey,
) -> Vec<String> {
    let checkpoint = match verify_checkpoint(note, std::slice::from_ref(key)) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return vec![rogatory_core::chain(&error)],
    };
    let mut faults = Vec::new();
    if checkpoint.origin() != origin {
        faults.push(format!("it is one of another log, {}", checkpoint.origin()));
    }
    if i128::from(checkpoint.size()) != i128::from(stored_size) {
        faults.push(format!("it says {} leaves", checkpoint.size()));
    }
    if checkpoint.size() > tree_size {
        faults.push(format!("the log has {tree_size} leaves only: entries that were signed are gone"));
    } else if signed_root.is_some_and(|root| root != *checkpoint.root()) {
        faults.push("its root is another than the leaves give: what was signed has changed".to_owned());
    }
    faults
}
