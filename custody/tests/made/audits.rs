//! The log as files, and what an auditor finds in it. Whatever follows from a defect is made anew, so that only the
//! check named by the vector can find it.

use super::Files;
use crate::common::{CASE_KEY, Log, NEXT_ORIGIN, ORIGIN, honest, key, log_key, salt};
use data_encoding::BASE64;
use rogatory_core::custody_event::Stream;
use rogatory_custody::leaf::{LEAF_BYTES, Leaf, TagKey};
use rogatory_custody::note::LogKey;
use rogatory_custody::record::Record;
use rogatory_custody::tiles::{CHECKPOINT, hash_tiles, leaf_bundles, write_bundle};
use rogatory_custody::tree::leaf_hash;
use std::collections::BTreeMap;

type Bytes = [u8; LEAF_BYTES];
type Folder = BTreeMap<String, Vec<u8>>;

/// The leaves of the story's log, and of other cases behind it, `size` in all.
fn leaves(size: u64) -> Vec<Bytes> {
    let record = honest();
    let other = TagKey::derive(&[9; 32]);
    (0..size)
        .map(|index| match record.entries.iter().find(|entry| entry.index == index) {
            Some(entry) => entry.leaf,
            None => Leaf::new(&other, &Stream::Internal, index + 1, &salt(index), b"{}").to_bytes(),
        })
        .collect()
}

/// One more leaf of the case.
fn leaf(stream: &str, n: u64) -> Bytes {
    let stream = stream.parse().expect("a stream");
    Leaf::new(&TagKey::derive(&CASE_KEY), &stream, n, &[7; 32], b"{}").to_bytes()
}

fn log_of(leaves: &[Bytes]) -> Log {
    let mut log = Log::new();
    for leaf in leaves {
        log.append(leaf_hash(leaf));
    }
    log
}

/// The files of a log, without its checkpoint.
fn tiles(leaves: &[Bytes]) -> Folder {
    let log = log_of(leaves);
    let size = log.tree.size();
    let hashes = hash_tiles(size).map(|tile| {
        let hashes: Vec<u8> = tile.nodes().flat_map(|at| *log.nodes[&at].as_bytes()).collect();
        (tile.to_string(), hashes)
    });
    let bundles = leaf_bundles(size).map(|tile| {
        let start = usize::try_from(tile.start()).expect("small");
        let width = usize::try_from(tile.width).expect("small");
        (tile.to_string(), write_bundle(&leaves[start..start + width]))
    });
    hashes.chain(bundles).collect()
}

fn folder_of(leaves: &[Bytes], origin: &str, key: &LogKey) -> Folder {
    let mut folder = tiles(leaves);
    folder.insert(CHECKPOINT.to_owned(), log_of(leaves).checkpoint(origin, key).into_bytes());
    folder
}

fn folder(leaves: &[Bytes]) -> Folder {
    folder_of(leaves, ORIGIN, &log_key())
}

/// The story's record, as if `leaves` had stood in the log then.
fn record_over(leaves: &[Bytes]) -> Record {
    let log = log_of(leaves);
    let mut record = honest();
    for entry in &mut record.entries {
        entry.proof = log.inclusion(entry.index);
    }
    Record { checkpoint: log.checkpoint(ORIGIN, &log_key()), ..record }
}

pub(crate) fn audits(files: &mut Files) {
    let vkey = log_key().vkey().to_string();
    let next = key(NEXT_ORIGIN, 3).vkey().to_string();
    let mut add = |name: &str, about: &str, check: Option<u8>, record: &Record, folder: &Folder| {
        let bytes = record.to_bytes().expect("within the limits");
        let mut text = format!("record.json {}\n", BASE64.encode(&bytes));
        for (path, bytes) in folder {
            text.push_str(&format!("{path} {}\n", BASE64.encode(bytes)));
        }
        let header = [("kind", "audit"), ("vkey", &*vkey), ("vkey", &*next)];
        let check = check.map(|check| format!("check {check}"));
        files.add(&format!("audit-{name}"), about, &header, check.as_deref(), text.as_bytes());
    };
    good(&mut add);
    checkpoints(&mut add);
    bundles(&mut add);
    roots(&mut add);
    hashes(&mut add);
    numbers(&mut add);
}

type Add<'a> = dyn FnMut(&str, &str, Option<u8>, &Record, &Folder) + 'a;

fn good(add: &mut Add<'_>) {
    let record = honest();
    add("good", "The leaves that the record's own checkpoint is over.", None, &record, &folder(&leaves(11)));
    let mut later = leaves(11);
    later.extend([leaf("fr/bepi", 3), leaf("fr/bepi", 4), leaf("internal", 1_005)]);
    let about = "fr/bepi #3 and #4 came later; internal #1005 lies further on than anybody looks.";
    add("good-later", about, None, &record, &folder(&later));
    let about = "256 leaves: a full bundle and tile, a partial tile above, and no partial one beside.";
    add("good-256", about, None, &record, &folder(&leaves(256)));
    let about = "300 leaves: full and partial bundles and tiles.";
    add("good-300", about, None, &record, &folder(&leaves(300)));
}

fn checkpoints(add: &mut Add<'_>) {
    let record = honest();
    let leaves = leaves(11);
    let mut refused = |name: &str, about: &str, folder: &Folder| add(name, about, Some(1), &record, folder);
    let mut missing = folder(&leaves);
    missing.remove(CHECKPOINT);
    refused("checkpoint-missing", "There is no checkpoint.", &missing);
    let forged = folder_of(&leaves, ORIGIN, &key(ORIGIN, 2));
    refused("checkpoint-forged", "The checkpoint is signed under the log's name by another key.", &forged);
    let other = folder_of(&leaves, NEXT_ORIGIN, &key(NEXT_ORIGIN, 3));
    refused("checkpoint-of-other-log", "The checkpoint is one of the next epoch.", &other);
    let about = "The leaves end before the record's checkpoint.";
    refused("checkpoint-older", about, &folder(&leaves[..10]));
}

fn bundles(add: &mut Add<'_>) {
    const BUNDLE: &str = "tile/entries/000.p/11";
    let record = honest();
    let good = folder(&leaves(11));
    let mut refused = |name: &str, about: &str, folder: &Folder| add(name, about, Some(2), &record, folder);
    let with = |bundle: Vec<u8>| {
        let mut folder = good.clone();
        assert_ne!(folder.insert(BUNDLE.to_owned(), bundle.clone()), Some(bundle));
        folder
    };
    let bundle = good[BUNDLE].clone();
    let mut folder = good.clone();
    folder.remove(BUNDLE);
    refused("bundle-missing", "There are no leaves.", &folder);
    let mut folder = good.clone();
    folder.remove(BUNDLE);
    folder.insert("tile/entries/000".to_owned(), bundle.clone());
    refused("bundle-misnamed", "A bundle of eleven leaves under the name of a full one.", &folder);
    refused("leaf-missing", "The last leaf is missing.", &with(bundle[..bundle.len() - 67].to_vec()));
    refused("leaf-cut", "The last leaf lacks a byte.", &with(bundle[..bundle.len() - 1].to_vec()));
    let more = [&bundle[..], &write_bundle(&[leaf("internal", 9)])].concat();
    refused("leaf-too-many", "A leaf that the checkpoint is not over.", &with(more));
    let mut length = bundle.clone();
    length[67] = 1;
    refused("leaf-length", "A leaf says that it has another length.", &with(length));
    let mut other = leaves(13);
    other[11][0] = 2;
    refused("leaf-version", "A leaf of another version.", &super::audits::folder(&other));
    let mut folder = self::folder(&leaves(300));
    folder.remove("tile/entries/001.p/44");
    refused("right-edge-missing", "The partial bundle at the right edge is missing.", &folder);
}

fn roots(add: &mut Add<'_>) {
    let record = honest();
    let mut refused = |name: &str, about: &str, folder: &Folder| add(name, about, Some(3), &record, folder);
    let checkpoint = |leaves: &[Bytes]| folder(leaves)[CHECKPOINT].clone();
    let longer = leaves(12);
    let mut changed = longer.clone();
    changed[11] = leaf("internal", 9);
    let mut folder = tiles(&changed);
    folder.insert(CHECKPOINT.to_owned(), checkpoint(&longer));
    refused("leaf-changed", "A leaf and its hash are not those that the checkpoint is over.", &folder);
    let mut swapped = longer.clone();
    swapped.swap(3, 10);
    let mut folder = tiles(&swapped);
    folder.insert(CHECKPOINT.to_owned(), checkpoint(&longer));
    refused("leaves-swapped", "Two leaves of other cases have changed places.", &folder);
    let about = "The log was made anew: its checkpoint is over these leaves, and the record's is not.";
    refused("rewritten", about, &super::audits::folder(&swapped));
    let mut gone = longer;
    gone.remove(1);
    gone.push(leaf("internal", 9));
    refused("rewritten-without-an-entry", "The log was made anew without fr/bepi #1.", &self::folder(&gone));
}

fn hashes(add: &mut Add<'_>) {
    let record = honest();
    let mut refused = |name: &str, about: &str, folder: &Folder| add(name, about, Some(4), &record, folder);
    let good = folder(&leaves(11));
    let mut missing = good.clone();
    missing.remove("tile/0/000.p/11").expect("it is there");
    refused("tile-missing", "There is no tile of hashes.", &missing);
    let change = |folder: &Folder, path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut folder = folder.clone();
        change(folder.get_mut(path).expect("it is there"));
        folder
    };
    let path = "tile/0/000.p/11";
    let changed = change(&good, path, &|tile| tile[40] ^= 1);
    refused("tile-hash-changed", "A hash in a tile is another than its leaf gives.", &changed);
    let changed = change(&good, path, &|tile| tile.truncate(320));
    refused("tile-too-short", "The last hash of a tile is missing.", &changed);
    let changed = change(&good, path, &|tile| tile.extend([0; 32]));
    refused("tile-too-long", "A tile has a hash too many.", &changed);
    let good = folder(&leaves(256));
    let changed = change(&good, "tile/1/000.p/1", &|tile| tile[0] ^= 1);
    refused("tile-of-the-next-level-changed", "A tile above is not over the tile below.", &changed);
    let mut missing = good;
    missing.remove("tile/1/000.p/1").expect("it is there");
    refused("tile-of-the-next-level-missing", "256 leaves make a tile of one hash above.", &missing);
}

fn numbers(add: &mut Add<'_>) {
    let mut refused = |name: &str, about: &str, record: &Record, leaves: &[Bytes]| {
        add(name, about, Some(5), record, &folder(leaves));
    };
    let record = honest();
    let mut twice = leaves(11);
    twice.push(leaf("internal", 2));
    refused("second-of-a-number", "Behind the record stands another internal #2.", &record, &twice);
    let mut twice = leaves(11);
    twice[10] = leaf("internal", 2);
    let about = "Another internal #2 stood in the log when the record was made.";
    refused("second-of-a-number-before", about, &record_over(&twice), &twice);
    let mut next = leaves(11);
    next[10] = leaf("internal", 5);
    let about = "internal #5 stood in the log when the record was made, which ends at #4.";
    refused("next-left-out", about, &record_over(&next), &next);
    let mut next = leaves(11);
    next[10] = leaf("internal", 1_004);
    let about =
        "internal #1004 stood in the log when the record was made, which ends at #4; none is between them.";
    refused("further-on-left-out", about, &record_over(&next), &next);
    let mut gap = leaves(11);
    gap.extend([leaf("internal", 5), leaf("internal", 7)]);
    refused("gap-later", "Behind the record stand internal #5 and #7, and no #6.", &record, &gap);
    let mut order = leaves(11);
    order.extend([leaf("internal", 6), leaf("internal", 5)]);
    refused("later-out-of-order", "Behind the record stands internal #6 before #5.", &record, &order);
    let mut first = leaves(11);
    first[0] = leaf("fr/bepi", 3);
    let about = "fr/bepi #3 stands before #1, and the record ends at #2.";
    refused("next-before-the-first", about, &record_over(&first), &first);
    let mut two = leaves(11);
    two.extend([leaf("fr/bepi", 3), leaf("fr/bepi", 3)]);
    refused("next-twice", "Behind the record stand two of the next number.", &record, &two);
}
