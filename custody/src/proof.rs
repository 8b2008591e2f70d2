//! An inclusion proof as a file of its own (C2SP tlog-proof): index, hashes and the checkpoint.
//!
//! Calls [`checkpoint`](crate::checkpoint), [`leaf`](crate::leaf) and [`tree`](crate::tree). An open
//! proof holds the entry it is about, so that a stranger can read what is proven; in a closed one the
//! leaf is known by its hash only, which whoever verifies has from a receipt or a case head.

use crate::checkpoint::{CheckpointError, VerifiedCheckpoint, verify_checkpoint};
use crate::leaf::{BodyError, BodyHeader, LEAF_BYTES, MAX_BODY_BYTES, commitment};
use crate::note::{MAX_NOTE_BYTES, Vkey};
use crate::tree::{self, MAX_PROOF_HASHES, MAX_TREE_SIZE, ProofError};
use data_encoding::BASE64;
use rogatory_core::Digest;
use std::fmt;

/// The first line of the file.
pub const PROOF_LINE: &str = "c2sp.org/tlog-proof@v1";

/// The largest file: the note, and the lines above it with an entry of the largest size.
pub const MAX_PROOF_BYTES: usize = MAX_NOTE_BYTES + 104 * 1024;

/// Begins the line that holds the entry.
const EXTRA: &str = "extra ";

/// Tag and salt, which stand before the body.
const ENTRY_PREFIX_BYTES: usize = 64;

/// The entry that an open proof is about: all that its leaf commits to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenedEntry {
    /// The tag of the leaf; who has no tag key cannot compute it and needs it for the leaf.
    pub tag: [u8; 32],
    /// The salt.
    pub salt: [u8; 32],
    /// The body's bytes as stored.
    pub body: Vec<u8>,
}

impl OpenedEntry {
    /// The leaf that commits to this entry.
    #[must_use]
    pub fn leaf(&self) -> [u8; LEAF_BYTES] {
        let mut leaf = [1; LEAF_BYTES];
        leaf[1..33].copy_from_slice(&self.tag);
        leaf[33..].copy_from_slice(&commitment(&self.salt, &self.body));
        leaf
    }

    fn to_bytes(&self) -> Vec<u8> {
        [self.tag.as_slice(), &self.salt, &self.body].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first_chunk()?;
        let (salt, body) = rest.split_first_chunk()?;
        Some(Self { tag: *tag, salt: *salt, body: body.to_vec() })
    }
}

/// An inclusion proof with the checkpoint it leads to; not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InclusionProof {
    /// The entry, unless the proof is closed.
    pub entry: Option<OpenedEntry>,
    /// The leaf's index.
    pub index: u64,
    /// The hashes from the leaf's sibling upwards.
    pub hashes: Vec<Digest>,
    /// The checkpoint's note.
    pub checkpoint: String,
}

/// The file is no proof, or the proof doesn't show that the leaf is in the log.
#[derive(Debug, thiserror::Error)]
pub enum InclusionError {
    /// Larger than [`MAX_PROOF_BYTES`].
    #[error("the inclusion proof has {0} bytes, more than {MAX_PROOF_BYTES}")]
    TooLarge(usize),
    /// Not as the specification writes it.
    #[error("the inclusion proof can't be read")]
    Text,
    /// The entry's body can't be read.
    #[error("the inclusion proof's entry can't be read")]
    Body(#[source] BodyError),
    /// A closed proof, and nobody says which leaf it is about.
    #[error("the inclusion proof is closed: it says nothing without the hash of its leaf")]
    Closed,
    /// The entry in the proof has another leaf than the one asked for.
    #[error("the inclusion proof is about the leaf {0}, not the one asked for")]
    OtherLeaf(Digest),
    /// The checkpoint isn't valid.
    #[error("the inclusion proof's checkpoint is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// The hashes don't lead from the leaf to the checkpoint's root.
    #[error("the inclusion proof doesn't lead from the leaf to the checkpoint")]
    Proof(#[source] ProofError),
}

impl InclusionProof {
    /// Reads a proof. Its extra data, if there are any, are an entry.
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
        let mut lines = proof.split('\n').skip(1).peekable();
        let entry = match lines.next_if(|line| line.starts_with(EXTRA)) {
            None => None,
            Some(line) => {
                let bytes = BASE64.decode(line.strip_prefix(EXTRA)?.as_bytes()).ok()?;
                if bytes.len() > ENTRY_PREFIX_BYTES + MAX_BODY_BYTES {
                    return None;
                }
                Some(OpenedEntry::from_bytes(&bytes)?)
            }
        };
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
        Some(Self { entry, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the entry of an open proof is in the log, by the log's checkpoint; of a closed
    /// one, that the leaf with the hash `leaf` is. An open one is checked against `leaf` too, if given.
    ///
    /// # Errors
    /// [`InclusionError`], except for what [`InclusionProof::parse`] finds.
    pub fn verify(
        &self,
        leaf: Option<&Digest>,
        trusted: &[Vkey],
    ) -> Result<VerifiedInclusion, InclusionError> {
        let entry = match &self.entry {
            None => None,
            Some(entry) => {
                let header = BodyHeader::parse(&entry.body).map_err(InclusionError::Body)?;
                Some((header, entry.body.clone()))
            }
        };
        let own = self.entry.as_ref().map(|entry| tree::leaf_hash(&entry.leaf()));
        let leaf = match (own, leaf) {
            (Some(own), Some(leaf)) if own != *leaf => return Err(InclusionError::OtherLeaf(own)),
            (Some(own), _) => own,
            (None, Some(leaf)) => *leaf,
            (None, None) => return Err(InclusionError::Closed),
        };
        let checkpoint =
            verify_checkpoint(self.checkpoint.as_bytes(), trusted).map_err(InclusionError::Checkpoint)?;
        tree::verify_inclusion(&leaf, self.index, checkpoint.size(), &self.hashes, checkpoint.root())
            .map_err(InclusionError::Proof)?;
        Ok(VerifiedInclusion { leaf, index: self.index, checkpoint, entry })
    }
}

/// The file as it is written; its name ends in `.tlog-proof`.
impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{PROOF_LINE}")?;
        if let Some(entry) = &self.entry {
            writeln!(f, "{EXTRA}{}", BASE64.encode(&entry.to_bytes()))?;
        }
        writeln!(f, "index {}", self.index)?;
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
    entry: Option<(BodyHeader, Vec<u8>)>,
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

    /// What an open proof's entry says: the part that the log itself checks, and the body's bytes.
    #[must_use]
    pub fn entry(&self) -> Option<(&BodyHeader, &[u8])> {
        self.entry.as_ref().map(|(header, body)| (header, body.as_slice()))
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
        (InclusionProof { entry: None, index: 4, hashes, checkpoint }, leaf_hash(&[4]), key)
    }

    #[test]
    fn a_proof_survives_its_file_and_verifies() {
        let (proof, leaf, key) = proof();
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 4\n"));
        let read = InclusionProof::parse(text.as_bytes()).expect("a proof");
        assert_eq!(read, proof);
        let trusted = [key.vkey().clone()];
        let verified = read.verify(Some(&leaf), &trusted).expect("valid");
        assert_eq!((verified.index(), verified.checkpoint().size()), (4, 7));
        let verdict = read.verify(Some(&leaf_hash(b"other")), &trusted);
        assert!(matches!(verdict, Err(InclusionError::Proof(ProofError::Root))));
        assert!(matches!(read.verify(None, &trusted), Err(InclusionError::Closed)));
    }

    #[test]
    fn every_flipped_bit_of_a_proof_is_noticed() {
        let (proof, leaf, key) = proof();
        let trusted = [key.vkey().clone()];
        let good = proof.to_string().into_bytes();
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let verdict = InclusionProof::parse(&bytes).and_then(|read| read.verify(Some(&leaf), &trusted));
            assert!(verdict.is_err(), "bit {at}");
        }
    }

    /// An open proof of the only entry of a log.
    fn open() -> (InclusionProof, LogKey) {
        let body =
            br#"{"case":"office","stream":"internal","n":1,"previous":null,"at":"2026-11-22T14:20:00Z"}"#;
        let entry = OpenedEntry { tag: [7; 32], salt: [8; 32], body: body.to_vec() };
        let (key, _) = LogKey::generate(ORIGIN).expect("a key");
        let mut tree = Tree::new();
        tree.append(leaf_hash(&entry.leaf())).expect("there is room");
        let checkpoint = Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree).sign(&key);
        let checkpoint = checkpoint.expect("signed");
        (InclusionProof { entry: Some(entry), index: 0, hashes: Vec::new(), checkpoint }, key)
    }

    #[test]
    fn an_open_proof_says_what_it_is_about_and_every_flipped_bit_of_it_is_noticed() {
        let (proof, key) = open();
        let trusted = [key.vkey().clone()];
        let good = proof.to_string().into_bytes();
        let read = InclusionProof::parse(&good).expect("a proof");
        assert_eq!(read, proof);
        let verified = read.verify(None, &trusted).expect("valid");
        let (header, body) = verified.entry().expect("an entry");
        assert_eq!((header.case.as_str(), header.n, body.len()), ("office", 1, 87));
        let other = read.verify(Some(&leaf_hash(b"other")), &trusted);
        assert!(matches!(other, Err(InclusionError::OtherLeaf(_))));
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let verdict = InclusionProof::parse(&bytes).and_then(|read| read.verify(None, &trusted));
            assert!(verdict.is_err(), "bit {at}");
        }
    }

    #[test]
    fn a_proof_of_the_only_leaf_has_no_hashes() {
        let proof = InclusionProof { entry: None, index: 0, hashes: Vec::new(), checkpoint: "x".to_owned() };
        assert_eq!(InclusionProof::parse(proof.to_string().as_bytes()).expect("a proof"), proof);
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
            assert!(matches!(InclusionProof::parse(text.as_bytes()), Err(InclusionError::Text)), "{text}");
        }
    }
}
