//! The Merkle tree of RFC 6962: hashes, appending, and which stored nodes a proof needs.
//!
//! Calls nothing but SHA-256. It never stores nodes: appending hands back what was completed, and
//! a proof is made in two steps, so that a database can be asked in between:
//!
//! ```text
//! inclusion_proof_nodes(index, size) → plan;  plan.nodes() → the rows to load;  plan.assemble(…) → proof
//! ```
//!
//! Only complete subtrees are stored: node (level, index) is the root over the leaves
//! `index · 2^level` to `(index + 1) · 2^level - 1`; level 0 are the leaf hashes.

use rogatory_core::Digest;
use sha2::{Digest as _, Sha256};
use std::ops::Range;

mod verify;
pub use verify::{ProofError, root_from_inclusion_proof, verify_consistency, verify_inclusion};

#[cfg(test)]
mod tests;

/// The largest number of leaves of a log. Sizes and indexes fit a signed 64-bit column.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// The largest number of hashes in a proof over a tree of at most [`MAX_TREE_SIZE`] leaves.
pub const MAX_PROOF_HASHES: usize = 64;

/// The hash of a leaf: SHA-256 of a zero byte and the leaf's bytes.
///
/// # Source
/// RFC 6962, 2.1.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    Digest::from_bytes(hash.finalize().into())
}

/// The hash of an inner node: SHA-256 of a one byte and its two children.
///
/// # Source
/// RFC 6962, 2.1.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left.as_bytes());
    hash.update(right.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

/// The place of a complete subtree's root.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeCoordinates {
    /// The height above the leaves, from 0.
    pub level: u8,
    /// The number within the level, from 0 at the left.
    pub index: u64,
}

/// A complete subtree's root with its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// Where it stands.
    pub at: NodeCoordinates,
    /// Its hash.
    pub hash: Digest,
}

/// What appending one leaf did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The leaf's index.
    pub index: u64,
    /// The nodes that are complete from now on, the leaf first, upwards; each is stored once and
    /// never changes.
    pub nodes: Vec<Node>,
}

/// A tree can't do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TreeError {
    /// The tree has as many leaves as a log can have.
    #[error("the tree is full")]
    Full,
    /// The size is beyond [`MAX_TREE_SIZE`].
    #[error("a tree of {0} leaves is larger than a log can be")]
    TooLarge(u64),
    /// No such leaf.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The leaf asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} leaves is no beginning of a tree of {new} leaves")]
    SizesReversed {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// Not as many subtree roots as the size has.
    #[error("a tree of {size} leaves has {expected} complete subtrees, {found} were given")]
    Peaks {
        /// The size of the tree.
        size: u64,
        /// How many it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A stored node is missing.
    #[error("the stored node at level {}, index {} is missing", .0.level, .0.index)]
    MissingNode(NodeCoordinates),
}

/// A growing tree: its size and the roots of its complete subtrees, at most 63 hashes.
///
/// Clone it before a transaction and take the clone back if the transaction fails.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tree {
    size: u64,
    /// One root for each bit of `size`, from the highest bit, that is from the left.
    peaks: Vec<Digest>,
}

impl Tree {
    /// A tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// Takes up a stored tree: `peaks` are the nodes that [`peak_nodes`] lists, in its order.
    ///
    /// # Errors
    /// [`TreeError::TooLarge`], or [`TreeError::Peaks`] for another number of hashes.
    pub fn from_peaks(size: u64, peaks: Vec<Digest>) -> Result<Self, TreeError> {
        let expected = peak_nodes(size)?.len();
        if peaks.len() != expected {
            return Err(TreeError::Peaks { size, expected, found: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, from the left.
    #[must_use]
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Digest {
        fold_peaks(&self.peaks)
    }

    /// Appends a leaf by its hash and says which nodes are complete from now on.
    ///
    /// # Errors
    /// [`TreeError::Full`]; the tree is then as before.
    pub fn append(&mut self, leaf: Digest) -> Result<Appended, TreeError> {
        let index = self.size;
        if index >= MAX_TREE_SIZE {
            return Err(TreeError::Full);
        }
        let mut node = Node { at: NodeCoordinates { level: 0, index }, hash: leaf };
        let mut nodes = vec![node];
        // As in a binary counter: each trailing one bit is a complete subtree waiting for its
        // right sibling.
        while node.at.index & 1 == 1 {
            let Some(left) = self.peaks.pop() else { break };
            node = Node {
                at: NodeCoordinates { level: node.at.level + 1, index: node.at.index >> 1 },
                hash: node_hash(&left, &node.hash),
            };
            nodes.push(node);
        }
        self.peaks.push(node.hash);
        self.size += 1;
        Ok(Appended { index, nodes })
    }
}

/// Lists the roots of the complete subtrees of a tree, from the left.
///
/// # Errors
/// [`TreeError::TooLarge`].
pub fn peak_nodes(size: u64) -> Result<Vec<NodeCoordinates>, TreeError> {
    check_size(size)?;
    Ok(complete_nodes(0..size))
}

/// Computes the root of a tree from its stored nodes; `lookup` is asked for [`peak_nodes`].
///
/// # Errors
/// [`TreeError::TooLarge`], or [`TreeError::MissingNode`] if `lookup` doesn't know one.
pub fn root_from_nodes<F>(size: u64, mut lookup: F) -> Result<Digest, TreeError>
where
    F: FnMut(NodeCoordinates) -> Option<Digest>,
{
    combine(&peak_nodes(size)?, &mut lookup)
}

/// Which stored nodes make up a proof, hash by hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofPlan {
    /// For each hash of the proof the complete subtrees it is combined from, from the left.
    hashes: Vec<Vec<NodeCoordinates>>,
}

impl ProofPlan {
    /// The nodes that must be loaded; O(log² n) of them at most, none twice.
    pub fn nodes(&self) -> impl Iterator<Item = NodeCoordinates> + '_ {
        self.hashes.iter().flatten().copied()
    }

    /// The number of hashes the proof will have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether the proof is empty, as for the only leaf of a tree.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Makes the proof from the loaded nodes.
    ///
    /// # Errors
    /// [`TreeError::MissingNode`] if `lookup` doesn't know a node.
    pub fn assemble<F>(&self, mut lookup: F) -> Result<Vec<Digest>, TreeError>
    where
        F: FnMut(NodeCoordinates) -> Option<Digest>,
    {
        self.hashes.iter().map(|nodes| combine(nodes, &mut lookup)).collect()
    }
}

/// Plans the proof that leaf `index` is in the tree of `size` leaves.
///
/// # Errors
/// [`TreeError::TooLarge`] or [`TreeError::NoSuchLeaf`].
///
/// # Source
/// RFC 6962, 2.1.1.
pub fn inclusion_proof_nodes(index: u64, size: u64) -> Result<ProofPlan, TreeError> {
    check_size(size)?;
    if index >= size {
        return Err(TreeError::NoSuchLeaf { index, size });
    }
    let mut hashes = Vec::new();
    let mut range = 0..size;
    while range.end - range.start > 1 {
        let middle = split(&range);
        let (inside, beside) = if index < middle {
            (range.start..middle, middle..range.end)
        } else {
            (middle..range.end, range.start..middle)
        };
        hashes.push(complete_nodes(beside));
        range = inside;
    }
    hashes.reverse();
    Ok(ProofPlan { hashes })
}

/// Plans the proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
/// The proof is empty if the sizes are equal or `old` is zero.
///
/// # Errors
/// [`TreeError::TooLarge`] or [`TreeError::SizesReversed`].
///
/// # Source
/// RFC 6962, 2.1.2.
pub fn consistency_proof_nodes(old: u64, new: u64) -> Result<ProofPlan, TreeError> {
    check_size(new)?;
    if old > new {
        return Err(TreeError::SizesReversed { old, new });
    }
    let mut hashes = Vec::new();
    if old == 0 {
        return Ok(ProofPlan { hashes });
    }
    let mut range = 0..new;
    while range.end != old {
        let middle = split(&range);
        if old <= middle {
            hashes.push(complete_nodes(middle..range.end));
            range.end = middle;
        } else {
            hashes.push(complete_nodes(range.start..middle));
            range.start = middle;
        }
    }
    // The verifier knows the old root, so a subtree that is the whole old tree is left out.
    if range.start != 0 {
        hashes.push(complete_nodes(range));
    }
    hashes.reverse();
    Ok(ProofPlan { hashes })
}

const fn check_size(size: u64) -> Result<(), TreeError> {
    if size > MAX_TREE_SIZE { Err(TreeError::TooLarge(size)) } else { Ok(()) }
}

/// Where RFC 6962 splits a range of at least two leaves: the largest power of two below its length.
const fn split(range: &Range<u64>) -> u64 {
    range.start + (1 << (u64::BITS - 1 - (range.end - range.start - 1).leading_zeros()))
}

/// The complete subtrees of which the subtree over `range` consists, from the left.
///
/// `range` is one that splitting yields: its start is a multiple of the power of two that is not
/// below its length, so each bit of the length is one aligned subtree.
fn complete_nodes(range: Range<u64>) -> Vec<NodeCoordinates> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let level = u64::BITS - 1 - (range.end - start).leading_zeros();
        // At most 63, since no length is beyond `MAX_TREE_SIZE`.
        nodes.push(NodeCoordinates { level: level as u8, index: start >> level });
        start += 1 << level;
    }
    nodes
}

fn combine<F>(nodes: &[NodeCoordinates], lookup: &mut F) -> Result<Digest, TreeError>
where
    F: FnMut(NodeCoordinates) -> Option<Digest>,
{
    let hashes: Vec<Digest> =
        nodes.iter().map(|at| lookup(*at).ok_or(TreeError::MissingNode(*at))).collect::<Result<_, _>>()?;
    Ok(fold_peaks(&hashes))
}

/// The root over complete subtrees of falling height.
fn fold_peaks(peaks: &[Digest]) -> Digest {
    peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
}
