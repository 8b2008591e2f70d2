//! What is durable and what is not: files and folders as a disk without mercy keeps them.
//!
//! A file's bytes are durable after a sync of the file, its name after a sync of the folder in which it stands; neither
//! implies the other. A rename takes place as a whole or not at all, and is durable after a sync of the folder into
//! which it leads.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path};

/// Writes are torn at these borders, or anywhere.
const SECTOR: usize = 16;

/// How much of what was not synced is there afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// All of it is gone.
    Everything,
    /// All of it is there.
    Nothing,
    /// The names are there, the bytes are not.
    Bytes,
    /// The bytes are there, the names are not.
    Names,
    /// Chance decides for every write, sector and name.
    Some,
}

impl Loss {
    /// Every kind, the last as often as it needs chance.
    pub const ALL: [Self; 8] = [
        Self::Everything,
        Self::Nothing,
        Self::Bytes,
        Self::Names,
        Self::Some,
        Self::Some,
        Self::Some,
        Self::Some,
    ];
}

/// Seeded chance: the same seed, the same outcome.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The chance of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        // SplitMix64: small, and good enough to choose among outcomes.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (end.max(1) as u64)).unwrap_or(0)
    }

    fn toss(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A file or a folder, whatever it is called.
pub(crate) enum Node {
    File {
        durable: Vec<u8>,
        current: Vec<u8>,
        pending: Vec<Change>,
    },
    /// With the names that the program sees.
    Folder(Names),
}

type Names = BTreeMap<OsString, usize>;

/// A change of a file that no sync followed.
#[derive(Clone)]
pub(crate) enum Change {
    Cut(usize),
    Write(usize, Vec<u8>),
}

/// A change of names that no sync followed.
struct Naming {
    /// The folder whose sync makes it durable.
    folder: usize,
    name: OsString,
    /// What stands under the name from then on.
    node: Option<usize>,
    /// Where it stood before, if it was renamed.
    from: Option<(usize, OsString)>,
}

/// All of it. The first node is the root.
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// The names that are durable, by folder.
    durable: BTreeMap<usize, Names>,
    pending: Vec<Naming>,
}

impl Node {
    pub(crate) const fn file() -> Self {
        Self::File { durable: Vec::new(), current: Vec::new(), pending: Vec::new() }
    }

    pub(crate) const fn folder() -> Self {
        Self::Folder(Names::new())
    }
}

impl Tree {
    /// What lies in `root`, all of it durable.
    pub(crate) fn of(root: &Path) -> Self {
        let mut tree = Self { nodes: Vec::new(), durable: BTreeMap::new(), pending: Vec::new() };
        tree.read(root);
        tree
    }

    fn read(&mut self, path: &Path) -> usize {
        let node = self.nodes.len();
        if path.is_file() {
            let bytes = fs::read(path).expect("a readable file");
            self.nodes.push(Node::File { durable: bytes.clone(), current: bytes, pending: Vec::new() });
            return node;
        }
        self.nodes.push(Node::folder());
        for entry in fs::read_dir(path).expect("a readable folder") {
            let entry = entry.expect("an entry");
            let inner = self.read(&entry.path());
            self.names(node).insert(entry.file_name(), inner);
            self.durable.entry(node).or_default().insert(entry.file_name(), inner);
        }
        node
    }

    fn names(&mut self, folder: usize) -> &mut Names {
        match &mut self.nodes[folder] {
            Node::Folder(names) => names,
            Node::File { .. } => panic!("a file has no names in it"),
        }
    }

    pub(crate) fn child(&self, folder: usize, name: &OsStr) -> Option<usize> {
        match &self.nodes[folder] {
            Node::Folder(names) => names.get(name).copied(),
            Node::File { .. } => None,
        }
    }

    pub(crate) fn find(&self, path: &Path) -> Option<usize> {
        path.components().try_fold(0, |node, component| match component {
            Component::Normal(name) => self.child(node, name),
            _ => Some(node),
        })
    }

    pub(crate) fn link_new(&mut self, folder: usize, name: &OsStr, made: Node) -> usize {
        let node = self.nodes.len();
        self.nodes.push(made);
        self.names(folder).insert(name.to_owned(), node);
        self.pending.push(Naming { folder, name: name.to_owned(), node: Some(node), from: None });
        node
    }

    pub(crate) fn unlink(&mut self, folder: usize, name: &OsStr) {
        self.names(folder).remove(name);
        self.pending.push(Naming { folder, name: name.to_owned(), node: None, from: None });
    }

    pub(crate) fn rename(&mut self, old: usize, old_name: &OsStr, new: usize, new_name: &OsStr) {
        let node = self.names(old).remove(old_name).expect("it was there");
        self.names(new).insert(new_name.to_owned(), node);
        self.pending.push(Naming {
            folder: new,
            name: new_name.to_owned(),
            node: Some(node),
            from: Some((old, old_name.to_owned())),
        });
    }

    pub(crate) fn cut(&mut self, file: usize, length: u64) {
        self.change(file, Change::Cut(usize::try_from(length).expect("a small file")));
    }

    pub(crate) fn write(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        self.change(file, Change::Write(usize::try_from(offset).expect("a small file"), bytes.to_owned()));
    }

    fn change(&mut self, file: usize, change: Change) {
        if let Node::File { current, pending, .. } = &mut self.nodes[file] {
            apply(current, &change);
            pending.push(change);
        }
    }

    pub(crate) fn sync_file(&mut self, file: usize) {
        if let Node::File { durable, current, pending } = &mut self.nodes[file] {
            durable.clone_from(current);
            pending.clear();
        }
    }

    pub(crate) fn sync_folder(&mut self, folder: usize) {
        let (now, later) =
            std::mem::take(&mut self.pending).into_iter().partition(|naming| naming.folder == folder);
        self.pending = later;
        for naming in now {
            if let (Some((old, old_name)), node) = (&naming.from, naming.node) {
                // A rename is one step: what stood in the old place before it is not there after it.
                self.pending.retain(|earlier| {
                    !(earlier.folder == *old && earlier.name == *old_name && earlier.node == node)
                });
            }
            naming.apply(&mut self.durable);
        }
    }

    /// Writes what is left into `target`.
    pub(crate) fn survivors(&self, target: &Path, loss: Loss, chance: &mut Chance) {
        let mut names = self.durable.clone();
        for naming in &self.pending {
            let is_there = match loss {
                Loss::Everything | Loss::Names => false,
                Loss::Nothing | Loss::Bytes => true,
                Loss::Some => chance.toss(),
            };
            if is_there {
                naming.apply(&mut names);
            }
        }
        self.restore(0, target, &names, loss, chance);
    }

    fn restore(
        &self,
        node: usize,
        target: &Path,
        names: &BTreeMap<usize, Names>,
        loss: Loss,
        chance: &mut Chance,
    ) {
        match &self.nodes[node] {
            Node::File { durable, pending, .. } => {
                fs::write(target, left(durable, pending, loss, chance)).expect("writable");
            }
            Node::Folder(_) => {
                if !target.is_dir() {
                    fs::create_dir(target).expect("writable");
                }
                for (name, inner) in names.get(&node).into_iter().flatten() {
                    self.restore(*inner, &target.join(name), names, loss, chance);
                }
            }
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<usize, Names>) {
        if let Some((old, old_name)) = &self.from {
            let names = names.entry(*old).or_default();
            if names.get(old_name) == self.node.as_ref() {
                names.remove(old_name);
            }
        }
        let names = names.entry(self.folder).or_default();
        match self.node {
            Some(node) => names.insert(self.name.clone(), node),
            None => names.remove(&self.name),
        };
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Cut(length) => bytes.resize(*length, 0),
        Change::Write(offset, written) => {
            let end = offset + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(written);
        }
    }
}

/// The bytes of a file after the machine stopped.
fn left(durable: &[u8], pending: &[Change], loss: Loss, chance: &mut Chance) -> Vec<u8> {
    let mut bytes = durable.to_owned();
    for change in pending {
        let kept = match loss {
            Loss::Everything | Loss::Bytes => continue,
            Loss::Nothing | Loss::Names => change.clone(),
            Loss::Some => match (chance.below(4), change) {
                (0, _) => continue,
                (1, Change::Write(offset, written)) => {
                    let end = chance.below(written.len() + 1);
                    Change::Write(*offset, written[..end].to_owned())
                }
                (2, Change::Write(offset, written)) => {
                    let mut torn = written.clone();
                    for sector in torn.chunks_mut(SECTOR) {
                        if chance.toss() {
                            sector.fill(0);
                        }
                    }
                    Change::Write(*offset, torn)
                }
                _ => change.clone(),
            },
        };
        apply(&mut bytes, &kept);
    }
    bytes
}
