//! The log as files: which tiles a tree has, their names, and what is in them (C2SP tlog-tiles).
//!
//! ```text
//! checkpoint                     the signed note
//! tile/0/x001/067                hashes of 256 leaves; tile/1/… of 256 such tiles, and so on
//! tile/0/x001/068.p/17           the right edge: 17 hashes so far
//! tile/entries/x001/068.p/17     the leaves themselves, for auditors
//! ```
//! Calls [`tree`](crate::tree) and [`leaf`](crate::leaf). It knows no folders: paths are names.

use crate::leaf::LEAF_BYTES;
use crate::tree::NodeCoordinates;
use std::fmt;

/// The path of the checkpoint among the tiles.
pub const CHECKPOINT: &str = "checkpoint";

/// How many hashes or leaves a full tile has.
pub const TILE_WIDTH: u64 = 256;

/// How many levels of the tree a tile spans.
const TILE_HEIGHT: u32 = 8;

/// The most bytes of a bundle of leaves.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + LEAF_BYTES);

/// What is in a tile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum TileKind {
    /// Hashes of complete subtrees, of so many levels of tiles above the leaves.
    Hashes {
        /// From 0.
        level: u8,
    },
    /// The leaves themselves.
    Leaves,
}

/// One tile of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Tile {
    /// What is in it.
    pub kind: TileKind,
    /// The number within its kind, from 0 at the left.
    pub index: u64,
    /// How many hashes or leaves, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// The first hash or leaf in it, counted within its kind.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.index * TILE_WIDTH
    }

    /// Where the hashes of a tile stand in the tree, in their order; those of the leaves for a bundle.
    pub fn nodes(&self) -> impl Iterator<Item = NodeCoordinates> + use<> {
        let level = match self.kind {
            TileKind::Hashes { level } => level * TILE_HEIGHT as u8,
            TileKind::Leaves => 0,
        };
        let start = self.start();
        (start..start + self.width).map(move |index| NodeCoordinates { level, index })
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Leaves => f.write_str("tile/entries/")?,
        }
        // Groups of three digits; all but the last begin with an x.
        let digits = self.index.to_string();
        let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        let groups: Vec<&str> =
            (0..digits.len()).step_by(3).filter_map(|at| digits.get(at..at + 3)).collect();
        let (last, before) = groups.split_last().unwrap_or((&"000", &[]));
        before.iter().try_for_each(|group| write!(f, "x{group}/"))?;
        f.write_str(last)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// The tiles of hashes of a tree with `size` leaves, from the leaves upwards, each level from the left.
pub fn hash_tiles(size: u64) -> impl Iterator<Item = Tile> {
    (0..u64::BITS / TILE_HEIGHT)
        .map(move |level| (level, size >> (TILE_HEIGHT * level)))
        .take_while(|(_, count)| *count > 0)
        .flat_map(|(level, count)| tiles_of(TileKind::Hashes { level: level as u8 }, count))
}

/// The bundles of the leaves of a tree with `size` leaves, from the left.
pub fn leaf_bundles(size: u64) -> impl Iterator<Item = Tile> {
    tiles_of(TileKind::Leaves, size)
}

fn tiles_of(kind: TileKind, count: u64) -> impl Iterator<Item = Tile> {
    (0..count.div_ceil(TILE_WIDTH)).map(move |index| Tile {
        kind,
        index,
        width: TILE_WIDTH.min(count - index * TILE_WIDTH),
    })
}

/// Writes a bundle: each leaf behind its length, 16 bits, big-endian.
#[must_use]
pub fn write_bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8; LEAF_BYTES]>) -> Vec<u8> {
    let mut bundle = Vec::new();
    for leaf in leaves {
        bundle.extend_from_slice(&(LEAF_BYTES as u16).to_be_bytes());
        bundle.extend_from_slice(leaf);
    }
    bundle
}

/// A bundle isn't one of this log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BundleError {
    /// It holds more or fewer leaves than its name says, or ends within one.
    #[error("the bundle has {found} bytes, and {width} leaves have {expected}")]
    Length {
        /// How many leaves it should hold.
        width: u64,
        /// The bytes these have.
        expected: usize,
        /// The bytes there are.
        found: usize,
    },
    /// A leaf of another length than the leaves of this log have.
    #[error("leaf {0} of the bundle has another length than the leaves of a custody log")]
    Leaf(usize),
}

/// Reads a bundle of `width` leaves.
///
/// # Errors
/// [`BundleError`] if it holds anything else.
pub fn read_bundle(bundle: &[u8], width: u64) -> Result<Vec<[u8; LEAF_BYTES]>, BundleError> {
    const ENTRY: usize = 2 + LEAF_BYTES;
    let expected = usize::try_from(width.min(TILE_WIDTH)).unwrap_or(usize::MAX).saturating_mul(ENTRY);
    if bundle.len() != expected {
        return Err(BundleError::Length { width, expected, found: bundle.len() });
    }
    let leaf = |(position, entry): (usize, &[u8])| {
        let (length, leaf) = entry.split_first_chunk::<2>().ok_or(BundleError::Leaf(position))?;
        if u16::from_be_bytes(*length) as usize != LEAF_BYTES {
            return Err(BundleError::Leaf(position));
        }
        leaf.try_into().map_err(|_| BundleError::Leaf(position))
    };
    bundle.chunks_exact(ENTRY).enumerate().map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(tiles: impl Iterator<Item = Tile>) -> Vec<String> {
        tiles.map(|tile| tile.to_string()).collect()
    }

    #[test]
    fn a_tree_has_these_tiles() {
        assert_eq!(paths(hash_tiles(0)), Vec::<String>::new());
        assert_eq!(paths(hash_tiles(1)), ["tile/0/000.p/1"]);
        assert_eq!(paths(hash_tiles(256)), ["tile/0/000", "tile/1/000.p/1"]);
        // The example of C2SP tlog-tiles: a tree of 70,000 leaves.
        let of_70_000 = paths(hash_tiles(70_000));
        assert_eq!(of_70_000.len(), 273 + 1 + 2 + 1);
        assert_eq!(of_70_000.get(272).map(String::as_str), Some("tile/0/272"));
        assert_eq!(
            of_70_000.get(273..),
            Some(
                &[
                    "tile/0/273.p/112".to_owned(),
                    "tile/1/000".into(),
                    "tile/1/001.p/17".into(),
                    "tile/2/000.p/1".into()
                ][..]
            )
        );
        assert_eq!(
            paths(leaf_bundles(513)),
            ["tile/entries/000", "tile/entries/001", "tile/entries/002.p/1"]
        );
    }

    #[test]
    fn long_numbers_are_grouped() {
        let tile = Tile { kind: TileKind::Hashes { level: 3 }, index: 1_234_067, width: 256 };
        assert_eq!(tile.to_string(), "tile/3/x001/x234/067");
        let nodes: Vec<NodeCoordinates> = tile.nodes().collect();
        assert_eq!(nodes.len(), 256);
        assert_eq!(nodes.first(), Some(&NodeCoordinates { level: 24, index: 1_234_067 * 256 }));
    }

    #[test]
    fn a_bundle_reads_back_and_nothing_else_does() {
        let leaves = [[1; LEAF_BYTES], [2; LEAF_BYTES]];
        let bundle = write_bundle(&leaves);
        assert_eq!(read_bundle(&bundle, 2).expect("a bundle"), leaves);
        assert!(matches!(read_bundle(&bundle, 3), Err(BundleError::Length { .. })));
        for end in 0..bundle.len() {
            assert!(read_bundle(bundle.get(..end).unwrap_or_default(), 2).is_err());
        }
        let mut other = bundle;
        if let Some(byte) = other.get_mut(1) {
            *byte -= 1;
        }
        assert_eq!(read_bundle(&other, 2), Err(BundleError::Leaf(0)));
        assert!(read_bundle(&[], u64::MAX).is_err());
    }
}
