//! Flipped bits: where they fall, and which part a report must name for each.
//!
//! Places come from a fixed sequence, so a failure can be run again. Reads nothing, writes nothing.

use crate::formal::good;
use rogatory_container::zip::{StrictZip, ZipEntry, ZipLimits};
use std::io::Cursor;

/// One flipped bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flip {
    /// The byte.
    pub place: usize,
    /// The bit in it.
    pub mask: u8,
}

impl Flip {
    /// The bytes with the bit flipped.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        if let Some(byte) = changed.get_mut(self.place) {
            *byte ^= self.mask;
        }
        assert!(changed != bytes, "{self:?} lies outside");
        changed
    }
}

/// `count` flips in a file of `length` bytes: one at a drawn place in each of `count` stretches of equal length, so
/// that they spread over all of it.
#[must_use]
pub fn flips(seed: u64, length: usize, count: usize) -> Vec<Flip> {
    let mut state = seed;
    let mut draw = |below: usize| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let word = word ^ (word >> 31);
        usize::try_from(word % below.max(1) as u64).unwrap_or(0)
    };
    let one = |number: usize| {
        let (start, end) = (number * length / count, (number + 1) * length / count);
        Flip { place: (start + draw(end - start)).min(length.saturating_sub(1)), mask: 1 << draw(8) }
    };
    (0..count).map(one).collect()
}

/// The entries of a container file, by which a place gets its name.
pub struct Layout(Vec<ZipEntry>);

impl Layout {
    /// Reads a sound container.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(good(StrictZip::open(Cursor::new(bytes), ZipLimits::PACKAGE)).entries().to_vec())
    }

    /// The entry whose content holds `place`; none for headers and directory, which are the container's own.
    #[must_use]
    pub fn entry_at(&self, place: usize) -> Option<&str> {
        let place = place as u64;
        let holds = |entry: &&ZipEntry| (entry.data_offset()..entry.end_offset()).contains(&place);
        self.0.iter().find(holds).map(|entry| entry.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_spread_over_the_whole_file_and_come_again() {
        let made = flips(7, 10_000, 100);
        assert_eq!(made, flips(7, 10_000, 100));
        assert_ne!(made, flips(8, 10_000, 100));
        for (number, flip) in made.iter().enumerate() {
            assert!((number * 100..number * 100 + 100).contains(&flip.place), "{flip:?}");
            assert_eq!(flip.mask.count_ones(), 1);
        }
        // More flips than bytes still fall inside.
        assert!(flips(7, 10, 100).iter().all(|flip| flip.place < 10));
    }
}
