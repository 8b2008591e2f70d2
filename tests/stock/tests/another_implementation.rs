//! Checkpoints, proofs and cosignatures, verified by other people's implementations of the C2SP texts: the
//! crates `signed_note` and `tlog_tiles`.

use data_encoding::{BASE64, HEXLOWER};
use rogatory_core::Digest;
use rogatory_custody::checkpoint::{Checkpoint, verify_checkpoint};
use rogatory_custody::cosignature::{WitnessKey, WitnessName, cosigned_note};
use rogatory_custody::note::LogKey;
use rogatory_custody::tree::{
    NodeCoordinates, Tree, consistency_proof_nodes, inclusion_proof_nodes, leaf_hash,
};
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use std::collections::HashMap;
use tlog_tiles::{Hash, check_record, check_tree, record_hash};

const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";
const LEAVES: u64 = 37;

fn hash(digest: &Digest) -> Hash {
    Hash(*digest.as_bytes())
}

fn hashes(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().map(hash).collect()
}

/// A log that keeps its nodes and the root at every size.
struct Log {
    nodes: HashMap<NodeCoordinates, Digest>,
    roots: Vec<Digest>,
    tree: Tree,
}

impl Log {
    fn new() -> Self {
        let mut log = Self { nodes: HashMap::new(), roots: Vec::new(), tree: Tree::new() };
        log.roots.push(log.tree.root());
        for index in 0..LEAVES {
            let appended = log.tree.append(leaf_hash(&index.to_be_bytes())).expect("room");
            log.nodes.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
            log.roots.push(log.tree.root());
        }
        log
    }

    fn root(&self, size: u64) -> Hash {
        hash(&self.roots[usize::try_from(size).expect("small")])
    }
}

#[test]
fn every_inclusion_and_consistency_proof_verifies_elsewhere() {
    let log = Log::new();
    let at = |at: NodeCoordinates| log.nodes.get(&at).copied();
    for size in 1..=LEAVES {
        for index in 0..size {
            let proof =
                inclusion_proof_nodes(index, size).and_then(|plan| plan.assemble(at)).expect("a proof");
            let leaf = record_hash(&index.to_be_bytes());
            check_record(&hashes(&proof), size, log.root(size), index, leaf).expect("it is in the tree");
            let other = record_hash(&(index + 1).to_be_bytes());
            assert!(check_record(&hashes(&proof), size, log.root(size), index, other).is_err());
        }
        for old in 1..=size {
            let proof =
                consistency_proof_nodes(old, size).and_then(|plan| plan.assemble(at)).expect("a proof");
            check_tree(&hashes(&proof), size, log.root(size), old, log.root(old))
                .expect("one goes on the other");
            let other = hash(&Digest::of(b"another root"));
            assert!(check_tree(&hashes(&proof), size, log.root(size), old, other).is_err());
        }
    }
}

/// A witness, as the other implementation of notes takes it: C2SP tlog-cosignature, `cosignature/v1`.
struct Cosigner {
    name: String,
    id: u32,
    ed25519: StandardVerifier,
}

impl Cosigner {
    fn new(vkey: &str) -> Self {
        let (name, rest) = vkey.split_once('+').expect("a key");
        let (_, key) = rest.split_once('+').expect("a key");
        let key = BASE64.decode(key.as_bytes()).expect("base64");
        assert_eq!((key.len(), key[0]), (33, 4), "an Ed25519 key that cosigns");
        let plain = [&[1], &key[1..]].concat();
        let plain_id = HEXLOWER.encode(&signed_note::key_id(name, &plain).to_be_bytes());
        let plain = format!("{name}+{plain_id}+{}", BASE64.encode(&plain));
        Self {
            name: name.to_owned(),
            id: signed_note::key_id(name, &key),
            ed25519: StandardVerifier::new(&plain).expect("a key"),
        }
    }
}

impl Verifier for Cosigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = signature.split_first_chunk() else { return false };
        let time = u64::from_be_bytes(*time);
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
        self.ed25519.verify(&message, signature)
    }
}

#[test]
fn a_cosigned_checkpoint_verifies_elsewhere() {
    let log = Log::new();
    let (key, _) = LogKey::generate(ORIGIN).expect("a key");
    let note = Checkpoint::of(ORIGIN.parse().expect("an origin"), &log.tree).sign(&key).expect("signed");
    let checkpoint = verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
    let name = WitnessName::new("bepi.example.fr", &"fr/bepi".parse().expect("a party")).expect("a name");
    let (witness, _) = WitnessKey::generate(name).expect("a key");
    let at = "2026-11-22T14:31:00Z".parse().expect("an instant");
    let cosignature = witness.cosign(&checkpoint, at).expect("cosigned");
    let cosigned = cosigned_note(&checkpoint, vec![cosignature]).expect("room");

    let verifiers = || {
        let log: Box<dyn Verifier> =
            Box::new(StandardVerifier::new(&key.vkey().to_string()).expect("a verifier key"));
        let witness: Box<dyn Verifier> = Box::new(Cosigner::new(&witness.vkey().to_string()));
        VerifierList::new(vec![log, witness])
    };
    let read = Note::from_bytes(cosigned.as_bytes()).expect("a note");
    let (verified, unknown) = read.verify(&verifiers()).expect("both signed");
    assert_eq!((verified.len(), unknown.len()), (2, 0));
    let text = tlog_tiles::Checkpoint::from_bytes(read.text()).expect("a checkpoint");
    assert_eq!((text.origin(), text.size(), text.extension()), (ORIGIN, LEAVES, ""));
    assert_eq!(*text.hash(), hash(&log.tree.root()));

    // Another time, another size: neither verifies there.
    let other = cosigned.replace("\n37\n", "\n38\n");
    assert!(Note::from_bytes(other.as_bytes()).expect("a note").verify(&verifiers()).is_err());
}
