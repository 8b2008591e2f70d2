//! The test vectors of the custody log: `tests/vectors/custody/*.txt`, good ones and one defect a
//! file. They are made here, from fixed keys, and compared with what lies in the tree; run with
//! `ROGATORY_WRITE_VECTORS=1` to write them anew. Every file is then verified by what it says about
//! itself, here and by the independent verifier `verify.py` that lies beside them.

mod common;
mod made;

use common::{Log, data_of};
use data_encoding::{BASE64, HEXLOWER};
use rogatory_core::Digest;
use rogatory_custody::audit::{Audit, AuditError};
use rogatory_custody::case_head::verify_case_head;
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::cosignature::{Cosignature, WitnessVkey, cosignatures};
use rogatory_custody::leaf::{Leaf, TagKey};
use rogatory_custody::note::Vkey;
use rogatory_custody::proof::InclusionProof;
use rogatory_custody::record::{Record, verify_record};
use rogatory_custody::tiles::{CHECKPOINT, hash_tiles, leaf_bundles, read_bundle};
use rogatory_custody::tree::verify_consistency;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::process::Command;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/custody")
}

fn stored() -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for file in std::fs::read_dir(folder()).expect("the folder exists") {
        let path = file.expect("readable").path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            files.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
    files
}

#[test]
fn the_stored_vectors_are_those_that_are_made_here() {
    let made = made::vectors();
    if std::env::var_os("ROGATORY_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(folder()).expect("can be made");
        for name in stored().keys() {
            std::fs::remove_file(folder().join(format!("{name}.txt"))).expect("can be removed");
        }
        for (name, bytes) in &made {
            std::fs::write(folder().join(format!("{name}.txt")), bytes).expect("can be written");
        }
    }
    let stored = stored();
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&made));
    for (name, bytes) in &made {
        assert!(stored.get(name) == Some(bytes), "{name}.txt differs from what is made here");
    }
}

#[test]
fn every_vector_verifies_or_fails_as_it_says() {
    let stored = stored();
    assert!(stored.len() > 50, "{} vectors", stored.len());
    let mut wrong = Vec::new();
    for (name, bytes) in stored {
        let vector = Vector::parse(&bytes);
        let (expected, found) = (vector.expected(), vector.verify());
        if found != expected || found.is_ok() != name.contains("-good") {
            wrong.push(format!("{name}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_independent_verifier_agrees() {
    let run = Command::new("python3").arg(folder().join("verify.py")).output();
    let run = run.expect("python3 is installed: Debian's package is `python3`");
    let text = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    // 75 would be: neither a Python library nor `openssl`, which the tests need anyway, is at hand for Ed25519.
    assert_eq!(run.status.code(), Some(0), "{text}");
}

/// A vector as it lies in its file: what it is, what must happen, and the bytes.
struct Vector<'a> {
    header: HashMap<&'a str, &'a str>,
    trusted: Vec<Vkey>,
    witnesses: Vec<&'a str>,
    counterparts: Vec<Vkey>,
    payload: &'a [u8],
}

impl<'a> Vector<'a> {
    fn parse(bytes: &'a [u8]) -> Self {
        let divider = b"\n---\n";
        let at =
            bytes.windows(divider.len()).position(|window| window == divider).expect("a header ends in ---");
        let text = std::str::from_utf8(&bytes[..at]).expect("a header is text");
        let fields: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(": ")).collect();
        let keys = |kind: &str| {
            let keys = fields.iter().filter(|(name, _)| *name == kind);
            keys.map(|(_, vkey)| vkey.parse().expect("a verifier key")).collect()
        };
        Self {
            trusted: keys("vkey"),
            counterparts: keys("counterpart"),
            witnesses: fields.iter().filter(|(name, _)| *name == "witness").map(|(_, key)| *key).collect(),
            header: fields.into_iter().collect(),
            payload: &bytes[at + divider.len()..],
        }
    }

    fn expected(&self) -> Result<(), String> {
        match self.header["expect"] {
            "good" => Ok(()),
            "refused" => Err(self.header.get("part").copied().unwrap_or_default().to_owned()),
            other => panic!("`{other}` can't be expected"),
        }
    }

    /// The failing part of a record; for the other kinds an empty text.
    fn verify(&self) -> Result<(), String> {
        let sound = match self.header["kind"] {
            "record" => return self.record(),
            "checkpoint" => verify_checkpoint(self.payload, &self.trusted).is_ok(),
            "cosigned checkpoint" => self.cosigned(),
            "case head" => verify_case_head(self.payload, &self.trusted).is_ok(),
            "audit" => return self.audit(),
            "verifier key" => {
                let text = std::str::from_utf8(self.payload).expect("text");
                if self.header["type"] == "4" {
                    text.parse::<WitnessVkey>().is_ok()
                } else {
                    text.parse::<Vkey>().is_ok()
                }
            }
            "proof" => {
                let leaf = self.header.get("leaf").map(|leaf| leaf.parse().expect("a digest"));
                InclusionProof::parse(self.payload)
                    .and_then(|proof| proof.verify(leaf.as_ref(), &self.trusted))
                    .is_ok()
            }
            "promise" => self.promise(),
            "consistency" => self.consistency(),
            "leaf" => self.leaf(),
            other => panic!("`{other}` is no kind of vector"),
        };
        if sound { Ok(()) } else { Err(String::new()) }
    }

    /// The record, and what the receipts in it say; seals are looked at by who knows containers.
    fn record(&self) -> Result<(), String> {
        let record = verify_record(self.payload, &self.trusted).map_err(|error| error.part())?;
        for head in record.streams().iter().filter_map(|stream| stream.receipted()) {
            let sound = data_of(head.receipt()).is_some_and(|receipt| head.check_receipt(&receipt).is_ok());
            if !sound {
                return Err(format!("receipt {}", head.counterpart()));
            }
        }
        for head in record.streams().iter().filter_map(|stream| stream.told()) {
            let known = self.counterparts.iter().any(|key| key.name() == head.origin().to_string());
            if known && head.verify(&self.counterparts).is_err() {
                return Err(format!("told {}", head.counterpart()));
            }
        }
        for key in &self.witnesses {
            let key: WitnessVkey = key.parse().expect("a witness's key");
            let cosigned = |line: &Cosignature| line.verify(record.checkpoint(), &key).is_ok();
            if !record.cosignatures().iter().any(cosigned) {
                return Err(format!("witness {}", key.name().party()));
            }
        }
        Ok(())
    }

    /// The number of the check that fails, as `custody-log.md`, 15, counts them.
    fn audit(&self) -> Result<(), String> {
        let check = |number: u8| format!("check {number}");
        let text = std::str::from_utf8(self.payload).expect("text");
        let files: HashMap<&str, Vec<u8>> = text
            .lines()
            .map(|line| line.split_once(' ').expect("a path and bytes"))
            .map(|(path, bytes)| (path, BASE64.decode(bytes.as_bytes()).expect("base64")))
            .collect();
        let record = &files["record.json"];
        let tag_key = Record::parse(record).expect("a record").tag_key;
        let record = verify_record(record, &self.trusted).expect("a valid record");
        let note = files.get(CHECKPOINT).ok_or_else(|| check(1))?;
        let checkpoint = verify_checkpoint(note, &self.trusted).map_err(|_| check(1))?;
        let size = checkpoint.size();
        let against = |error: AuditError| match error {
            AuditError::OtherLog { .. } | AuditError::Older { .. } => check(1),
            AuditError::Leaf { .. } | AuditError::Tree(_) | AuditError::Count { .. } => check(2),
            AuditError::Root { .. } => check(3),
            AuditError::Twice { .. } | AuditError::LeftOut { .. } | AuditError::Gap { .. } => check(5),
        };
        let mut audit = Audit::new(checkpoint, &record, &tag_key).map_err(against)?;
        let mut nodes = HashMap::new();
        for tile in leaf_bundles(size) {
            let bundle = files.get(tile.to_string().as_str()).ok_or_else(|| check(2))?;
            for leaf in read_bundle(bundle, tile.width).map_err(|_| check(2))? {
                let complete = audit.leaf(&leaf).map_err(against)?;
                nodes.extend(complete.into_iter().map(|node| (node.at, node.hash)));
            }
        }
        audit.finish().map_err(against)?;
        for tile in hash_tiles(size) {
            let hashes: Vec<u8> = tile.nodes().flat_map(|at| *nodes[&at].as_bytes()).collect();
            if files.get(tile.to_string().as_str()) != Some(&hashes) {
                return Err(check(4));
            }
        }
        Ok(())
    }

    /// The form of all lines, and the signature of every witness that the vector trusts.
    fn cosigned(&self) -> bool {
        let Ok(checkpoint) = verify_checkpoint(self.payload, &self.trusted) else { return false };
        let Ok(lines) = cosignatures(&checkpoint) else { return false };
        self.witnesses.iter().all(|key| {
            let Ok(key) = key.parse::<WitnessVkey>() else { return false };
            lines.iter().any(|line| line.verify(&checkpoint, &key).is_ok())
        })
    }

    /// The proof, and that the entry in it names the receipt, which the log's institution gave.
    fn promise(&self) -> bool {
        let at = self.payload.iter().position(|byte| *byte == b'\n').expect("a line");
        let receipt = BASE64.decode(&self.payload[..at]).expect("base64");
        let Ok(proof) = InclusionProof::parse(&self.payload[at + 1..]) else { return false };
        let Ok(verified) = proof.verify(None, &self.trusted) else { return false };
        let Some((_, body)) = verified.entry() else { return false };
        let body: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        let issuer = data_of(&receipt).expect("a receipt").issuer.party;
        body["receipt_sha256"] == Digest::of(&receipt).to_hex()
            && issuer == *verified.checkpoint().origin().party()
    }

    fn consistency(&self) -> bool {
        let text = std::str::from_utf8(self.payload).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        let tree = |line: &str| -> (u64, Digest) {
            let (size, root) = line.split_once(' ').expect("size and root");
            (size.parse().expect("a size"), root.parse().expect("a digest"))
        };
        let ((old, old_root), (new, new_root)) = (tree(lines[0]), tree(lines[1]));
        let proof: Vec<Digest> = lines[2..].iter().map(|line| line.parse().expect("a digest")).collect();
        verify_consistency(old, &old_root, new, &new_root, &proof).is_ok()
    }

    fn leaf(&self) -> bool {
        let text = std::str::from_utf8(self.payload).expect("text");
        let fields: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(": ")).collect();
        let bytes = |name: &str| HEXLOWER.decode(fields[name].as_bytes()).expect("hexadecimal");
        let array = |name: &str| -> [u8; 32] { bytes(name).try_into().expect("32 bytes") };
        let tag_key = TagKey::derive(&array("case key"));
        let stream = fields["stream"].parse().expect("a stream");
        let n = fields["n"].parse().expect("a number");
        let leaf = Leaf::new(&tag_key, &stream, n, &array("salt"), &bytes("body"));
        *tag_key.as_bytes() == array("tag key")
            && leaf.to_bytes().as_slice() == bytes("leaf")
            && leaf.hash().to_hex() == fields["leaf hash"]
    }
}
