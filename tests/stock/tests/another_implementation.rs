//! Checkpoints, proofs, tiles and cosignatures, verified by other people's implementations of the C2SP texts: the
//! crates `signed_note` and `tlog_tiles`, and PyPI's `tlog-scales`, which composes what a witness signs by itself. A
//! cosignature made by PyPI's `aics-tlog` is verified by ours.

use data_encoding::{BASE64, HEXLOWER};
use rogatory_core::Digest;
use rogatory_custody::checkpoint::{Checkpoint, verify_checkpoint};
use rogatory_custody::cosignature::{WitnessKey, WitnessName, WitnessVkey, cosignatures, cosigned_note};
use rogatory_custody::leaf::LEAF_BYTES;
use rogatory_custody::note::LogKey;
use rogatory_custody::tiles::{CHECKPOINT, hash_tiles, leaf_bundles, write_bundle};
use rogatory_custody::tree::{
    NodeCoordinates, Tree, consistency_proof_nodes, inclusion_proof_nodes, leaf_hash, verify_consistency,
    verify_inclusion,
};
use rogatory_stock_tools::office::write;
use rogatory_stock_tools::tools::{Ended, own_file, python, run, text};
use serde_json::Value;
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use tlog_tiles::{
    Hash, HashReader as _, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    record_hash, stored_hash_index,
};

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

/// A log of `size` leaves as files in `folder`, cosigned by a witness; its leaves, and the keys of log and witness.
fn exported(folder: &Path, size: u64) -> (Vec<[u8; LEAF_BYTES]>, String, String) {
    let (mut tree, mut nodes) = (Tree::new(), HashMap::new());
    let leaves: Vec<[u8; LEAF_BYTES]> = (0..size)
        .map(|index| {
            let mut leaf = [1; LEAF_BYTES];
            leaf[1..9].copy_from_slice(&index.to_be_bytes());
            leaf
        })
        .collect();
    for leaf in &leaves {
        let appended = tree.append(leaf_hash(leaf)).expect("room");
        nodes.extend(appended.nodes.into_iter().map(|node| (node.at, node.hash)));
    }
    let (key, _) = LogKey::generate(ORIGIN).expect("a key");
    let note = Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree).sign(&key).expect("signed");
    let checkpoint = verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
    let name = WitnessName::new("bepi.example.fr", &"fr/bepi".parse().expect("a party")).expect("a name");
    let (witness, _) = WitnessKey::generate(name).expect("a key");
    let at = "2026-11-22T14:31:00Z".parse().expect("an instant");
    let cosigned = vec![witness.cosign(&checkpoint, at).expect("cosigned")];
    let note = cosigned_note(&checkpoint, cosigned).expect("room");
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("can be made");
        write(&path, bytes);
    };
    put(CHECKPOINT, note.as_bytes());
    for tile in hash_tiles(size) {
        let hashes: Vec<u8> = tile.nodes().flat_map(|at| *nodes[&at].as_bytes()).collect();
        put(&tile.to_string(), &hashes);
    }
    for tile in leaf_bundles(size) {
        let (start, width) = (tile.start() as usize, tile.width as usize);
        put(&tile.to_string(), &write_bundle(&leaves[start..start + width]));
    }
    (leaves, key.vkey().to_string(), witness.vkey().to_string())
}

/// Our files, as the crate asks for them.
struct Folder(PathBuf);

impl TileReader for Folder {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        // It follows Go's module log, where the height stands in the path too.
        let path = |tile: &tlog_tiles::Tile| tile.path().replacen("tile/8/", "tile/", 1);
        let read = |tile| fs::read(self.0.join(path(tile))).map_err(|_| tlog_tiles::Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn proofs_made_elsewhere_from_our_tiles_hold() {
    const SIZE: u64 = 256 * 256 + 300;
    let folder = tempfile::tempdir().expect("a folder");
    let (leaves, ..) = exported(folder.path(), SIZE);
    let note = fs::read(folder.path().join(CHECKPOINT)).expect("a checkpoint");
    let note = Note::from_bytes(&note).expect("a note");
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).expect("a checkpoint");
    let reader = Folder(folder.path().to_owned());
    let root = *checkpoint.hash();
    let tiles = TileHashReader::new(SIZE, root, &reader);
    for index in [0, 1, 255, 256, 65_535, 65_536, 65_791, 65_792, SIZE - 1] {
        let leaf = record_hash(&leaves[index as usize]);
        assert_eq!(tiles.read_hashes(&[stored_hash_index(0, index)]).expect("proven"), [leaf]);
        let proof = prove_record(SIZE, index, &tiles).expect("a proof");
        check_record(&proof, SIZE, root, index, leaf).expect("it is in the tree");
        // Ours takes the proof that they made.
        let proof: Vec<Digest> = proof.iter().map(|hash| Digest::from_bytes(hash.0)).collect();
        let (leaf, root) = (leaf_hash(&leaves[index as usize]), Digest::from_bytes(root.0));
        verify_inclusion(&leaf, index, SIZE, &proof, &root).expect("it is in the tree");
    }
    for old in [1, 255, 256, 257, 65_536, SIZE - 1] {
        let proof = prove_tree(SIZE, old, &tiles).expect("a proof");
        let mut tree = Tree::new();
        for leaf in &leaves[..old as usize] {
            tree.append(leaf_hash(leaf)).expect("room");
        }
        check_tree(&proof, SIZE, root, old, hash(&tree.root())).expect("one goes on the other");
        let proof: Vec<Digest> = proof.iter().map(|hash| Digest::from_bytes(hash.0)).collect();
        verify_consistency(old, &tree.root(), SIZE, &Digest::from_bytes(root.0), &proof)
            .expect("one goes on the other");
    }
    // A hash in a tile is another: no proof made from it holds. (The crate's own comparison of a tile with the one above
    // passes over the first tiles below the right edge's, version 0.2.0, so the proof is judged.)
    let path = folder.path().join("tile/0/001");
    let mut tile = fs::read(&path).expect("a tile");
    tile[40] ^= 1;
    fs::write(&path, tile).expect("can be written");
    let proven = prove_record(SIZE, 256, &tiles)
        .and_then(|proof| check_record(&proof, SIZE, root, 256, record_hash(&leaves[256])));
    assert!(proven.is_err());
}

#[test]
fn tiles_and_cosignatures_verify_in_another_language() {
    for size in [1, 5, 256, 300] {
        let folder = tempfile::tempdir().expect("a folder");
        let (leaves, log, witness) = exported(folder.path(), size);
        let reads = |witness: &str| -> Ended {
            let script = own_file("python/read_tiles.py");
            run(python(), &[text(&script), text(folder.path()), &log, witness], folder.path())
        };
        let found: Value = serde_json::from_str(&reads(&witness).succeeds().output()).expect("JSON");
        assert_eq!((&found["origin"], &found["size"]), (&ORIGIN.into(), &size.into()));
        assert_eq!(found["entries"], Digest::of(&leaves.concat()).to_hex());
        assert_eq!(found["times"]["bepi.example.fr/rogatory/fr/bepi/witness"], 1_795_357_860);
        let digest = |value: &Value| -> Digest { value.as_str().expect("hex").parse().expect("a digest") };
        let all = |value: &Value| -> Vec<Digest> {
            value.as_array().expect("hashes").iter().map(&digest).collect()
        };
        let root = digest(&found["root"]);
        for (index, leaf) in leaves.iter().enumerate() {
            let proof = all(&found["inclusion"][index]);
            verify_inclusion(&leaf_hash(leaf), index as u64, size, &proof, &root).expect("it is in the tree");
        }
        for old in 1..size {
            let found = &found["consistency"][old as usize - 1];
            verify_consistency(old, &digest(&found[0]), size, &root, &all(&found[1]))
                .expect("one goes on the other");
        }

        // Another second in the cosignature, and another witness: neither verifies there.
        let checkpoint = folder.path().join(CHECKPOINT);
        let note = fs::read_to_string(&checkpoint).expect("a note");
        let (before, line) = note.trim_end().rsplit_once(' ').expect("a line");
        let mut bytes = BASE64.decode(line.as_bytes()).expect("base64");
        bytes[11] ^= 1;
        write(&checkpoint, format!("{before} {}\n", BASE64.encode(&bytes)).as_bytes());
        reads(&witness).exits(1).says("InvalidSignature");
        write(&checkpoint, note.as_bytes());
        let other = tempfile::tempdir().expect("a folder");
        let (_, _, other) = exported(other.path(), 1);
        reads(&other).exits(1).says("no signature matched");
    }
}

/// What `aics-tlog` 0.2.1 made with the private key of 32 bytes 5 for this checkpoint and 2026-11-22T14:31:00Z, by
/// `sign_cosignature`. That package needs a newer Python than these tests do, so it does not run here.
#[test]
fn a_cosignature_made_elsewhere_verifies_here() {
    const LOG: &str =
        "ca.example.md/rogatory/md/central-authority/1+c90062cf+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    const CHECKPOINT: &str = "ca.example.md/rogatory/md/central-authority/1
11
tfKZRw5Xjj/ol/z7fCrrWf5KpycwQ5atUPLtOiTdugQ=

\u{2014} ca.example.md/rogatory/md/central-authority/1 yQBiz1Dksty/KqCx+kbK4H3gdWusNVekEp40ycnOn+sIiV5pzL7saYKfM5Gwz6a0tASlNh9i//irz44MPn6YEglRoAw=
";
    const WITNESS: &str =
        "bepi.example.fr/rogatory/fr/bepi/witness+5b6ec1e5+BG56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx";
    const LINE: &str = "\u{2014} bepi.example.fr/rogatory/fr/bepi/witness W27B5QAAAABrAvykeUvou6WZ7lEpGNui6vJpcqoF/+elzbfEsENBCZdloBkVRP2pB8un3Ja+mIMwcskg/UglWJfTTb9IBHo3fC9+AQ==
";
    let note = format!("{CHECKPOINT}{LINE}");
    let checkpoint = verify_checkpoint(note.as_bytes(), &[LOG.parse().expect("a key")]).expect("valid");
    let lines = cosignatures(&checkpoint).expect("cosignatures");
    let witness: WitnessVkey = WITNESS.parse().expect("a key");
    let verified = lines[0].verify(&checkpoint, &witness).expect("valid");
    assert_eq!((lines.len(), verified.party().to_string()), (1, "fr/bepi".to_owned()));
    assert_eq!(verified.time().to_string(), "2026-11-22T14:31:00Z");
}
