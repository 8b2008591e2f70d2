//! A filter that says of most digests that they stand in no list.
//!
//! Holds a blocked Bloom filter over the digests themselves, which are as good as random. Calls
//! nothing. Never says no of a digest that was put in.

/// One line of the processor's cache.
const BLOCK_BYTES: usize = 64;
/// Bits that a digest sets; seven times nine bits are taken from the digest's second half.
const BITS: u32 = 7;

/// The filter's bytes.
#[derive(Debug)]
pub(super) struct Filter {
    bytes: Vec<u8>,
}

impl Filter {
    /// An empty filter for `digests` digests: thirteen bits each, as far as `limit` bytes go.
    pub(super) fn for_digests(digests: u64, limit: u64) -> Self {
        let wanted = digests.saturating_mul(13).div_ceil(8).clamp(1, limit);
        let blocks = usize::try_from(wanted).unwrap_or(usize::MAX).div_ceil(BLOCK_BYTES);
        Self { bytes: vec![0; blocks.saturating_mul(BLOCK_BYTES)] }
    }

    /// Takes the bytes that [`Filter::bytes`] gave.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK_BYTES)).then_some(Self { bytes })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the block of `digest` begins, and the bits in it.
    fn place(&self, digest: &[u8]) -> (usize, u64) {
        let half = |from: usize| {
            let bytes = digest.get(from..from + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
            u64::from_be_bytes(bytes.unwrap_or_default())
        };
        let blocks = (self.bytes.len() / BLOCK_BYTES) as u128;
        let block = (u128::from(half(0)) * blocks) >> 64;
        // Smaller than the number of blocks, so it fits.
        (usize::try_from(block).unwrap_or(0) * BLOCK_BYTES, half(8))
    }

    pub(super) fn insert(&mut self, digest: &[u8]) {
        let (start, mut bits) = self.place(digest);
        for _ in 0..BITS {
            if let Some(byte) = self.bytes.get_mut(start + (bits & 511) as usize / 8) {
                *byte |= 1 << (bits & 7);
            }
            bits >>= 9;
        }
    }

    /// Whether `digest` may have been put in.
    pub(super) fn may_hold(&self, digest: &[u8]) -> bool {
        let (start, mut bits) = self.place(digest);
        (0..BITS).all(|_| {
            let byte = self.bytes.get(start + (bits & 511) as usize / 8).copied().unwrap_or(u8::MAX);
            let set = byte & (1 << (bits & 7)) != 0;
            bits >>= 9;
            set
        })
    }
}
