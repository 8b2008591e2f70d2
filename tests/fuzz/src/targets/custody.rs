//! What the custody log publishes: records, notes, proofs, leaves.

use crate::{parts, seeds};
use rogatory_custody::case_head::verify_case_head;
use rogatory_custody::checkpoint::{Origin, verify_checkpoint};
use rogatory_custody::cosignature::{
    Cosignature, WitnessVkey, cosignatures, cosignatures_among, cosigned_note,
};
use rogatory_custody::leaf::{BodyHeader, Leaf};
use rogatory_custody::note::{Note, Vkey};
use rogatory_custody::proof::InclusionProof;
use rogatory_custody::record::{Record, verify_record};
use rogatory_custody::tree::{Tree, verify_consistency};
use std::sync::LazyLock;

static KEYS: LazyLock<Vec<Vkey>> = LazyLock::new(seeds::vkeys);

pub(super) fn record(data: &[u8]) {
    let parsed = Record::parse(data);
    if let Ok(record) = &parsed {
        assert!(record.to_bytes().is_ok_and(|bytes| bytes == data), "another record is written");
    }
    if verify_record(data, &KEYS).is_ok() {
        assert!(parsed.is_ok(), "verified and not readable");
    }
}

pub(super) fn record_seeds() -> Vec<Vec<u8>> {
    seeds::custody("record")
}

/// A signed note in each of its uses.
pub(super) fn note(data: &[u8]) {
    let note = Note::parse(data);
    let checkpoint = verify_checkpoint(data, &KEYS);
    let head = verify_case_head(data, &KEYS);
    assert!(note.is_ok() || checkpoint.is_err() && head.is_err(), "verified and not readable");
    assert!(checkpoint.is_err() || head.is_err(), "both a checkpoint and a case head");
    if let Ok(note) = note {
        assert!(note.to_string().as_bytes() == data, "another note is written");
        for cosignature in cosignatures_among(&note) {
            let line = cosignature.to_string();
            assert!(
                line.parse::<Cosignature>().is_ok_and(|again| again == cosignature),
                "another line is written"
            );
        }
    }
    if let Ok(checkpoint) = checkpoint
        && let Ok(lines) = cosignatures(&checkpoint)
    {
        let again = cosigned_note(&checkpoint, lines).expect("it was a note");
        assert!(again.as_bytes() == data, "another cosigned note is written");
    }
}

pub(super) fn note_seeds() -> Vec<Vec<u8>> {
    ["checkpoint", "cosigned checkpoint", "case head"].into_iter().flat_map(seeds::custody).collect()
}

pub(super) fn proof(data: &[u8]) {
    let Ok(proof) = InclusionProof::parse(data) else {
        return;
    };
    assert!(proof.to_string().as_bytes() == data, "another proof is written");
    let _ = proof.verify(None, &KEYS);
    let _ = proof.verify(Some(&rogatory_core::Digest::of(data)), &KEYS);
}

pub(super) fn proof_seeds() -> Vec<Vec<u8>> {
    seeds::custody("proof")
}

/// Leaves, bodies, keys and consistency proofs.
pub(super) fn leaf(data: &[u8]) {
    for (kind, content) in parts::split(data) {
        match kind % 4 {
            0 => {
                if let Ok(leaf) = Leaf::from_bytes(content) {
                    assert_eq!(leaf.to_bytes().as_slice(), content);
                    let _ = leaf.hash();
                }
            }
            1 => {
                let _ = BodyHeader::parse(content);
            }
            2 => {
                let text = String::from_utf8_lossy(content);
                if let Ok(key) = text.parse::<Vkey>() {
                    assert_eq!(key.to_string(), text, "another key is written");
                }
                if let Ok(key) = text.parse::<WitnessVkey>() {
                    assert_eq!(key.to_string(), text, "another key is written");
                }
                if let Ok(origin) = text.parse::<Origin>() {
                    assert_eq!(origin.to_string(), text, "another origin is written");
                }
            }
            _ => consistency(content),
        }
    }
}

/// No proof convinces of a tree that does not begin with the other: it is tried with trees that are built here.
fn consistency(content: &[u8]) {
    let Some(([old, new], hashes)) = content.split_first_chunk::<2>() else {
        return;
    };
    let (old, new) = (u64::from(*old) % 40, u64::from(*new) % 40);
    let hashes: Vec<_> =
        hashes.chunks_exact(32).filter_map(|c| rogatory_core::Digest::from_slice(c).ok()).collect();
    let root = |size: u64, salt: u8| {
        let mut tree = Tree::default();
        for n in 0..size {
            tree.append(rogatory_core::Digest::of(&[salt, n.to_le_bytes()[0]])).expect("appends");
        }
        tree.root()
    };
    if old > 0 && old <= new {
        let convinced = verify_consistency(old, &root(old, 1), new, &root(new, 2), &hashes);
        assert!(convinced.is_err(), "convinced by a proof of what is not so");
    }
}

pub(super) fn leaf_seeds() -> Vec<Vec<u8>> {
    let keys = KEYS.iter().map(ToString::to_string);
    let leaf = [&[1_u8][..], &[7; 64]].concat();
    let body = br#"{"case":"C-7K2M9QXR4T1VC8ZE","stream":"internal","n":1,"previous":null,"at":"2026-11-22T14:22:00Z","actor":{"kind":"server"},"event":"stage-reached"}"#;
    let origin = b"ca.example.md/rogatory/md/central-authority/1";
    let mut found = vec![
        parts::join([(0, leaf.as_slice()), (1, body.as_slice()), (2, origin.as_slice())]),
        parts::join([(3, [&[3_u8, 7][..], &[9; 96]].concat().as_slice())]),
    ];
    let witness = b"md.example/rogatory/md/central-authority/witness+4d1aecb3+BH7rcFsI3jAsKiYwilTxCUd3xQyDhwAh/qO8pPIgRu9y";
    found.push(parts::join([(2, witness.as_slice())]));
    found.extend(keys.map(|key| parts::join([(2, key.as_bytes())])));
    found
}
