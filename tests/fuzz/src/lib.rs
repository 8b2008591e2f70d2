//! Fuzz targets: one for every parser of bytes that come from outside.
//!
//! A target takes any bytes, hands them to a parser and panics if a promise is broken: what is accepted is written
//! again as the same bytes, what is sealed comes back, a second reader sees the same. Holds the targets, their seeds
//! (made from `tests/vectors`) and the inputs that earlier runs found (`corpus/`, one file a target, one input a line
//! in base64). `cargo test` replays all of them; `cargo xtask fuzz` searches for new ones. `docs/fuzzing.md` says how.

pub mod corpus;
mod parts;
mod seeds;
mod targets;

pub use targets::TARGETS;

/// One parser under test.
pub struct Target {
    /// Its name, and that of its file in `corpus/`.
    pub name: &'static str,
    /// The longest input worth trying, in bytes.
    pub longest: usize,
    parse: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// Hands `data` to the parser.
    ///
    /// # Panics
    /// If the parser breaks a promise.
    pub fn run(&self, data: &[u8]) {
        (self.parse)(data);
    }

    /// The inputs to begin with.
    #[must_use]
    pub fn seeds(&self) -> Vec<Vec<u8>> {
        (self.seeds)()
    }
}

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
