//! An inclusion proof as a file of its own (C2SP tlog-proof): index, hashes and the checkpoint.
//!
//! Calls [`checkpoint`](crate::checkpoint) and [`tree`](crate::tree). The leaf itself is not in the
//! file: whoever verifies has the leaf's hash from a body, a receipt or a case head.

use crate::checkpoint::{CheckpointError, VerifiedCheckpoint, verify_checkpoint};
use crate::note::{MAX_NOTE_BYTES, Vkey};
use crate::tree::{self, MAX_PROOF_HASHES, MAX_TREE_SIZE, ProofError};
use data_encoding::BASE64;
use rogatory_core::Digest;
use std::fmt;

/// The first line of the file.
pub const PROOF_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The largest file: the note, and the lines above it.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + 8 * 1024;

/// An inclusion proof with the checkpoint it leads to; not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InclusionProof {
    /// The leaf's index.
    pub index: u64,
    /// The hashes from the leaf's sibling upwards.
    pub hashes: Vec<Digest>,
    /// The checkpoint's note.
    pub checkpoint: String,
}

/// The file is no proof, or the proof doesn't show that the leaf is in the log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InclusionError {
    /// Larger than [`MAX_PROOF_BYTES`].
    #[error("the inclusion proof has {0} bytes, more than {MAX_PROOF_BYTES}")]
    TooLarge(usize),
    /// Not as the specification writes it.
    #[error("the inclusion proof can't be read")]
    Text,
    /// The checkpoint isn't valid.
    #[error("the inclusion proof's checkpoint is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// The hashes don't lead from the leaf to the checkpoint's root.
    #[error("the inclusion proof doesn't lead from the leaf to the checkpoint")]
    Proof(#[source] ProofError),
}

impl InclusionProof {
    /// Reads a proof. Extra data has no meaning here and is refused.
    ///
    /// # Errors
    /// [`InclusionError::TooLarge`] or [`InclusionError::Text`].
    pub fn parse(bytes: &[u8]) -> Result<Self, InclusionError> {
        if bytes.len() > MAX_PROOF_BYTES {
            return Err(InclusionError::TooLarge(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| InclusionError::Text)?;
        let proof = Self::from_text(text).ok_or(InclusionError::Text)?;
        // One spelling only, so that any changed byte is noticed.
        if proof.to_string() == text { Ok(proof) } else { Err(InclusionError::Text) }
    }

    fn from_text(text: &str) -> Option<Self> {
        let (proof, checkpoint) = text.split_once("\n\n")?;
        let mut lines = proof.split('\n').skip(1);
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        if index >= MAX_TREE_SIZE || lines.clone().count() > MAX_PROOF_HASHES {
            return None;
        }
        let hashes = lines
            .map(|line| {
                let bytes = BASE64.decode(line.as_bytes()).ok()?;
                Digest::from_slice(&bytes).ok()
            })
            .collect::<Option<_>>()?;
        Some(Self { index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the leaf with this hash is in the log, by the log's checkpoint.
    ///
    /// # Errors
    /// [`InclusionError::Checkpoint`] or [`InclusionError::Proof`].
    pub fn verify(&self, leaf: &Digest, trusted: &[Vkey]) -> Result<VerifiedInclusion, InclusionError> {
        let checkpoint =
            verify_checkpoint(self.checkpoint.as_bytes(), trusted).map_err(InclusionError::Checkpoint)?;
        tree::verify_inclusion(leaf, self.index, checkpoint.size(), &self.hashes, checkpoint.root())
            .map_err(InclusionError::Proof)?;
        Ok(VerifiedInclusion { leaf: *leaf, index: self.index, checkpoint })
    }
}

/// The file as it is written; its name ends in `.tlog-proof`.
impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_LINE}\nindex {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// A leaf that a trusted log has included. Only [`InclusionProof::verify`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedInclusion {
    leaf: Digest,
    index: u64,
    checkpoint: VerifiedCheckpoint,
}

impl VerifiedInclusion {
    /// The leaf's hash.
    #[must_use]
    pub const fn leaf(&self) -> &Digest {
        &self.leaf
    }

    /// The leaf's index.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint that includes it.
    #[must_use]
    pub const fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::note::LogKey;
    use crate::tree::{Tree, inclusion_proof_nodes, leaf_hash};
    use std::collections::HashMap;

    const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";

    fn proof() -> (InclusionProof, Digest, LogKey) {
        let (key, _) = LogKey::generate(ORIGIN).expect("a key");
        let mut tree = Tree::new();
        let mut store = HashMap::new();
        for n in 0..7_u8 {
            let appended = tree.append(leaf_hash(&[n])).expect("there is room");
            store.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
        }
        let checkpoint = Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree);
        let hashes = inclusion_proof_nodes(4, 7)
            .and_then(|plan| plan.assemble(|at| store.get(&at).copied()))
            .expect("all stored");
        let checkpoint = checkpoint.sign(&key).expect("signed");
        (InclusionProof { index: 4, hashes, checkpoint }, leaf_hash(&[4]), key)
    }

    #[test]
    fn a_proof_survives_its_file_and_verifies() {
        let (proof, leaf, key) = proof();
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 4\n"));
        let read = InclusionProof::parse(text.as_bytes()).expect("a proof");
        assert_eq!(read, proof);
        let trusted = [key.vkey().clone()];
        let verified = read.verify(&leaf, &trusted).expect("valid");
        assert_eq!((verified.index(), verified.checkpoint().size()), (4, 7));
        let verdict = read.verify(&leaf_hash(b"other"), &trusted);
        assert_eq!(verdict, Err(InclusionError::Proof(ProofError::Root)));
    }

    #[test]
    fn every_flipped_bit_of_a_proof_is_noticed() {
        let (proof, leaf, key) = proof();
        let trusted = [key.vkey().clone()];
        let good = proof.to_string().into_bytes();
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let verdict = InclusionProof::parse(&bytes).and_then(|read| read.verify(&leaf, &trusted));
            assert!(verdict.is_err(), "bit {at}");
        }
    }

    #[test]
    fn a_proof_of_the_only_leaf_has_no_hashes() {
        let proof = InclusionProof { index: 0, hashes: Vec::new(), checkpoint: "x".to_owned() };
        assert_eq!(InclusionProof::parse(proof.to_string().as_bytes()), Ok(proof));
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let hash = Digest::of(b"").to_base64();
        for text in [
            String::new(),
            PROOF_LINE.to_owned(),
            format!("{PROOF_LINE}\n\nx"),
            format!("{PROOF_LINE}\nindex 01\n\nx"),
            format!("{PROOF_LINE}\nindex 9223372036854775807\n\nx"),
            format!("{PROOF_LINE}\nextra AA==\nindex 1\n\nx"),
            format!("{PROOF_LINE}\nindex 1\nAA==\n\nx"),
            format!("other\nindex 1\n{hash}\n\nx"),
            format!("{PROOF_LINE}\nindex 1\n{}\nx", format!("{hash}\n").repeat(65)),
        ] {
            assert_eq!(InclusionProof::parse(text.as_bytes()), Err(InclusionError::Text), "{text}");
        }
    }
}
