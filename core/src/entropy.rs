//! Where ids and salts come from. Keys and nonces never come from here.

/// A source of unpredictable bytes for ids, shared numbers and salts; seeded in tests.
///
/// Keys and nonces are drawn from the operating system where they are used, so that a seeded
/// test can never weaken them.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws `N` bytes from `entropy`.
#[must_use]
pub fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
