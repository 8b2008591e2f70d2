//! Files with holes.
//!
//! Holds the finding of a file's regions of data, their writing as a map and the strict reading of
//! one, and the digest of a file whose holes nobody wants to hash. May read the file it is given.
//! Never reads a hole.

use rogatory_core::Digest;
use sha2::Digest as _;
use std::fs::File;
use std::io;

/// The most regions of one file; smaller holes are stored as zeros until they are no more than that.
pub(crate) const MAX_REGIONS: usize = 16_384;
/// The blocks of the digest.
const BLOCK_BYTES: usize = 4096;

/// A part of a file that holds data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Region {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

impl Region {
    pub(crate) const fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// Where the data of a file lie: rising, apart from one another, none empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SparseMap(Vec<Region>);

impl SparseMap {
    pub(crate) fn regions(&self) -> &[Region] {
        &self.0
    }

    pub(crate) fn data_bytes(&self) -> u64 {
        self.0.iter().map(|region| region.length).sum()
    }

    /// The text before the data: the number of pairs, then start and length of each, a line a
    /// number. If the file ends with a hole, a last pair gives its size and 0.
    pub(crate) fn to_text(&self, size_bytes: u64) -> Vec<u8> {
        use std::io::Write as _;
        let ends_with_hole = self.0.last().is_none_or(|region| region.end() < size_bytes);
        let mut text = Vec::new();
        let end = ends_with_hole.then_some(Region { start: size_bytes, length: 0 });
        // Writing to a Vec cannot fail.
        let _ = writeln!(text, "{}", self.0.len() + usize::from(ends_with_hole));
        for region in self.0.iter().copied().chain(end) {
            let _ = writeln!(text, "{}\n{}", region.start, region.length);
        }
        text
    }

    /// The map of a file of `size_bytes`, if the numbers can be one.
    pub(crate) fn from_pairs(pairs: &[(u64, u64)], size_bytes: u64) -> Option<Self> {
        let mut map = Self::default();
        if size_bytes == 0 {
            return None;
        }
        for (at, (start, length)) in pairs.iter().enumerate() {
            let is_last = at + 1 == pairs.len();
            if *length == 0 {
                let after = map.0.last().is_none_or(|region| region.end() < size_bytes);
                if !(is_last && *start == size_bytes && after) {
                    return None;
                }
                return Some(map);
            }
            let region = Region { start: *start, length: *length };
            let apart = map.0.last().is_none_or(|before| before.end() < region.start);
            if !apart || start.checked_add(*length)? > size_bytes || map.0.len() >= MAX_REGIONS {
                return None;
            }
            map.0.push(region);
        }
        // Without the last pair the data reach to the end; without a hole it is no such file.
        let whole = map.0.last().is_some_and(|region| region.end() == size_bytes);
        (whole && map.data_bytes() < size_bytes).then_some(map)
    }

    fn push(&mut self, region: Region, smallest_hole: &mut u64) {
        match self.0.last_mut() {
            Some(before) if region.start.saturating_sub(before.end()) < *smallest_hole => {
                before.length = region.end() - before.start;
            }
            _ => self.0.push(region),
        }
        while self.0.len() > MAX_REGIONS {
            *smallest_hole = smallest_hole.saturating_mul(2).max(BLOCK_BYTES as u64);
            let all = std::mem::take(&mut self.0);
            for region in all {
                match self.0.last_mut() {
                    Some(before) if region.start.saturating_sub(before.end()) < *smallest_hole => {
                        before.length = region.end() - before.start;
                    }
                    _ => self.0.push(region),
                }
            }
        }
    }
}

/// Asks the file system where the data of `file` lie; `None` if it has no holes worth a map.
#[cfg(target_os = "linux")]
pub(crate) fn find(file: &File, size_bytes: u64) -> io::Result<Option<SparseMap>> {
    use rustix::fs::{SeekFrom, seek};
    use rustix::io::Errno;
    let mut map = SparseMap::default();
    let mut smallest_hole = 1;
    let mut at = 0;
    while at < size_bytes {
        let start = match seek(file, SeekFrom::Data(at)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL | Errno::NOTSUP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if start >= size_bytes {
            break;
        }
        let end = seek(file, SeekFrom::Hole(start))?.min(size_bytes);
        if end <= start {
            return Ok(None);
        }
        map.push(Region { start, length: end - start }, &mut smallest_hole);
        at = end;
    }
    let text = map.to_text(size_bytes).len().next_multiple_of(crate::tar::BLOCK_BYTES) as u64;
    Ok((text.saturating_add(map.data_bytes()) < size_bytes).then_some(map))
}

/// Holes are found on Linux only; elsewhere they are read as zeros.
#[cfg(not(target_os = "linux"))]
pub(crate) fn find(_: &File, _: u64) -> io::Result<Option<SparseMap>> {
    Ok(None)
}

/// The digest of a file with holes: that of its size and of every block of 4,096 bytes that holds
/// something else than zeros, with the block's number. It is the same however a file system lays
/// the holes out, and nobody hashes them.
pub(crate) struct SparseDigest {
    hasher: sha2::Sha256,
    block: Vec<u8>,
    /// Number of the block that is being filled.
    number: u64,
    size_bytes: u64,
}

impl SparseDigest {
    pub(crate) fn new(size_bytes: u64) -> Self {
        let mut hasher = sha2::Sha256::new();
        hasher.update(format!("rogatory sparse file\n{size_bytes}\n"));
        Self { hasher, block: Vec::with_capacity(BLOCK_BYTES), number: 0, size_bytes }
    }

    fn end_block(&mut self) {
        if self.block.iter().any(|byte| *byte != 0) {
            let begin = self.number * BLOCK_BYTES as u64;
            let whole = usize::try_from(self.size_bytes.saturating_sub(begin)).unwrap_or(usize::MAX);
            self.block.resize(whole.min(BLOCK_BYTES).max(self.block.len()), 0);
            self.hasher.update(self.number.to_be_bytes());
            self.hasher.update(&self.block);
        }
        self.block.clear();
    }

    /// Takes bytes that stand at `at`, behind all that were given before.
    pub(crate) fn update(&mut self, mut at: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let number = at / BLOCK_BYTES as u64;
            if number != self.number {
                self.end_block();
                self.number = number;
            }
            let inside = usize::try_from(at % BLOCK_BYTES as u64).unwrap_or(0);
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - inside));
            self.block.resize(inside.max(self.block.len()), 0);
            self.block.extend_from_slice(now);
            at += now.len() as u64;
            bytes = later;
        }
    }

    pub(crate) fn finish(mut self) -> Digest {
        self.end_block();
        Digest::from_bytes(self.hasher.finalize().into())
    }
}

/// Computes the digest of a file, and skips its holes where the file system tells them.
pub(crate) fn digest_of(
    file: &mut File,
    size_bytes: u64,
    on_bytes: &mut dyn FnMut(u64),
) -> io::Result<Digest> {
    use std::io::{Read as _, Seek as _};
    let map = find(file, size_bytes)?;
    let all = [Region { start: 0, length: size_bytes }];
    let regions = map.as_ref().map_or(&all[..], SparseMap::regions);
    let mut digest = SparseDigest::new(size_bytes);
    let mut buffer = vec![0; crate::streams::BUFFER_BYTES];
    for region in regions {
        let mut at = region.start;
        file.seek(io::SeekFrom::Start(at))?;
        while at < region.end() {
            let most = usize::try_from(region.end() - at).unwrap_or(usize::MAX).min(buffer.len());
            let count = file.read(buffer.get_mut(..most).unwrap_or_default())?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            digest.update(at, buffer.get(..count).unwrap_or_default());
            on_bytes(count as u64);
            at += count as u64;
        }
    }
    Ok(digest.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(content: &[u8]) -> Digest {
        let mut digest = SparseDigest::new(content.len() as u64);
        digest.update(0, content);
        digest.finish()
    }

    #[test]
    fn the_digest_does_not_depend_on_where_the_holes_are_told() {
        let mut content = vec![0; 50_001];
        content[4095..4097].copy_from_slice(b"ab");
        content[20_000] = b'c';
        content[50_000] = b'd';
        let expected = plain(&content);
        for regions in [
            vec![(4000, 200), (19_999, 2), (50_000, 1)],
            vec![(4095, 1), (4096, 1), (20_000, 1), (49_000, 1001)],
            vec![(0, 8192), (16_384, 33_617)],
        ] {
            let mut digest = SparseDigest::new(content.len() as u64);
            for (start, length) in regions {
                digest.update(start as u64, &content[start..start + length]);
            }
            assert_eq!(digest.finish(), expected);
        }
        content[30_000] = 1;
        assert_ne!(plain(&content), expected);
        // The definition, spelt out: size, then number and bytes of every block that is not empty.
        let mut text = b"rogatory sparse file\n4098\n".to_vec();
        text.extend_from_slice(&1_u64.to_be_bytes());
        text.extend_from_slice(&[0, 7]);
        let mut content = vec![0; 4098];
        content[4097] = 7;
        assert_eq!(plain(&content), Digest::of(&text));
    }

    #[test]
    fn a_map_survives_its_text_and_no_other_is_one() {
        for (pairs, size) in [
            (vec![(0, 5), (10, 0)], 10),
            (vec![(10, 0)], 10),
            (vec![(3, 2), (6, 4)], 10),
            (vec![(0, 1), (2, 1), (10, 0)], 10),
        ] {
            let map = SparseMap::from_pairs(&pairs, size).expect("a map");
            let text = String::from_utf8(map.to_text(size)).expect("text");
            let numbers: Vec<u64> = text.lines().map(|line| line.parse().expect("a number")).collect();
            let flat: Vec<u64> = pairs.iter().flat_map(|(start, length)| [*start, *length]).collect();
            assert_eq!((numbers[0], &numbers[1..]), (pairs.len() as u64, &flat[..]));
        }
        for (pairs, size) in [
            (vec![], 10),
            (vec![(0, 10)], 10),                 // no hole
            (vec![(0, 5)], 10),                  // the end is missing
            (vec![(0, 5), (5, 1), (10, 0)], 10), // two that are one
            (vec![(0, 5), (4, 1), (10, 0)], 10), // overlapping
            (vec![(5, 1), (0, 1), (10, 0)], 10), // falling
            (vec![(0, 5), (9, 0)], 10),          // ends elsewhere
            (vec![(10, 0), (10, 0)], 10),
            (vec![(5, 6)], 10),
            (vec![(5, 5), (10, 0)], 10), // an end that is none
            (vec![(u64::MAX, 2)], u64::MAX),
        ] {
            assert_eq!(SparseMap::from_pairs(&pairs, size), None, "{pairs:?}");
        }
    }

    #[test]
    fn too_many_regions_are_joined_over_their_smallest_holes() {
        let mut map = SparseMap::default();
        let mut smallest = 1;
        for at in 0..40_000_u64 {
            // Four regions near one another, then a large hole.
            let start = at * 8192 + at / 4 * 1_000_000;
            map.push(Region { start, length: 4096 }, &mut smallest);
        }
        assert_eq!(map.0.len(), 10_000);
        let apart = map.0.windows(2).all(|two| two[0].end() + smallest <= two[1].start);
        assert!(apart);
        assert_eq!(map.0.last().map(|region| region.end()), Some(39_999 * 8192 + 9_999_000_000 + 4096));
    }
}
