//! Verifying inclusion and consistency proofs. Bytes from outside end here: every length is
//! bounded by the size of the tree, and nothing is stored or looked up.

use super::{MAX_PROOF_HASHES, MAX_TREE_SIZE, empty_root, node_hash};
use rogatory_core::Digest;

/// A proof doesn't show what it should.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// Index or size are impossible.
    #[error("leaf {index} can't be in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The leaf's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The sizes are impossible.
    #[error("a tree of {old} leaves can't be the beginning of a tree of {new} leaves")]
    Sizes {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// Too few or too many hashes for this index and size.
    #[error("the proof has {0} hashes, another number than its place in the tree needs")]
    Length(usize),
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
    /// The hashes of a consistency proof don't rebuild the older root.
    #[error("the proof leads to another older root")]
    OldRoot,
}

/// Computes the root to which an inclusion proof leads.
///
/// # Errors
/// [`ProofError::NoSuchLeaf`] or [`ProofError::Length`].
///
/// # Source
/// RFC 9162, 2.1.3.2, which verifies the proofs of RFC 6962.
pub fn root_from_inclusion_proof(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
) -> Result<Digest, ProofError> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    if proof.len() > MAX_PROOF_HASHES {
        return Err(ProofError::Length(proof.len()));
    }
    let mut place = index;
    let mut last = size - 1;
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if place & 1 == 1 || place == last {
            hash = node_hash(sibling, &hash);
            // A right edge without a sibling on this level has none until the next one bit.
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last == 0 { Ok(hash) } else { Err(ProofError::Length(proof.len())) }
}

/// Verifies that the leaf with this hash stands at `index` in the tree of `size` leaves and `root`.
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if root_from_inclusion_proof(leaf, index, size, proof)? == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Verifies that the tree of `old` leaves and `old_root` is the beginning of the tree of `new`
/// leaves and `new_root`.
///
/// # Errors
/// [`ProofError`].
///
/// # Source
/// RFC 9162, 2.1.4.2, which verifies the proofs of RFC 6962; an empty older tree has an empty proof.
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), ProofError> {
    if old > new || new > MAX_TREE_SIZE {
        return Err(ProofError::Sizes { old, new });
    }
    if new == 0 && *new_root != empty_root() {
        return Err(ProofError::Root);
    }
    if old == 0 || old == new {
        return match proof {
            [] if old == 0 && *old_root != empty_root() => Err(ProofError::OldRoot),
            [] if old == new && old_root != new_root => Err(ProofError::Root),
            [] => Ok(()),
            _ => Err(ProofError::Length(proof.len())),
        };
    }
    let wrong_length = || ProofError::Length(proof.len());
    if proof.len() > MAX_PROOF_HASHES {
        return Err(wrong_length());
    }
    // A complete older tree is its own first hash.
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or_else(wrong_length)?;
        (*first, rest)
    };
    let mut place = (old - 1) >> (old - 1).trailing_ones();
    let mut last = (new - 1) >> (old - 1).trailing_ones();
    let mut from_old = first;
    let mut from_new = first;
    for sibling in rest {
        if last == 0 {
            return Err(wrong_length());
        }
        if place & 1 == 1 || place == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        place >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong_length());
    }
    if from_old != *old_root {
        return Err(ProofError::OldRoot);
    }
    if from_new != *new_root {
        return Err(ProofError::Root);
    }
    Ok(())
}
