//! Limits that are told before the first byte moves.
//!
//! Holds the comparing of what will be written with what the format, those who will take it and the
//! disk allow. May ask the file system for its free space. Never reserves anything: what fits now may
//! no longer fit later, and is then told where it fails.

use crate::exhibit::MAX_EXHIBITS;
use crate::walk::shown;
use std::fmt;
use std::path::{Path, PathBuf};

/// The most bytes of all exhibits together.
pub const MAX_PACKAGE_BYTES: u64 = 1 << 46;
const CHUNK_BYTES: u64 = 64 * 1024;

/// What somebody takes at most, as he published it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SizeLimit {
    /// Who, for people.
    pub of: String,
    /// The largest package he takes.
    pub package_bytes: u64,
}

/// Everything that does not fit, told at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LimitsError(Vec<String>);

impl LimitsError {
    /// One clause for each limit that is missed, each with its numbers and what to do.
    #[must_use]
    pub fn clauses(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it does not fit: ")?;
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for LimitsError {}

/// Collects what does not fit.
#[derive(Default)]
pub(crate) struct Limits(Vec<String>);

impl Limits {
    pub(crate) fn judge(self) -> Result<(), LimitsError> {
        if self.0.is_empty() { Ok(()) } else { Err(LimitsError(self.0)) }
    }

    /// The format's own limits.
    pub(crate) fn format(&mut self, exhibits: usize, bytes: u64) {
        if exhibits > MAX_EXHIBITS as usize {
            self.0.push(format!(
                "{exhibits} exhibits are more than the {MAX_EXHIBITS} of a package: seal folders as one exhibit each, or make several packages"
            ));
        }
        if bytes > MAX_PACKAGE_BYTES {
            self.0.push(format!(
                "{bytes} bytes are more than the {MAX_PACKAGE_BYTES} of a package: make several packages"
            ));
        }
    }

    /// What those take who will get it.
    pub(crate) fn takers(&mut self, bytes: u64, takers: &[SizeLimit]) {
        for taker in takers.iter().filter(|taker| bytes > taker.package_bytes) {
            self.0.push(format!(
                "the package will have at least {bytes} bytes and {} takes at most {}: make several packages, or agree on another way",
                taker.of, taker.package_bytes
            ));
        }
    }

    /// The room on the disk of `target`.
    pub(crate) fn room(&mut self, target: &Path, bytes: u64) {
        self.room_for_tree(target, free_bytes(target), bytes, 0, 0);
    }

    /// The same where `free` is known, for `bytes` of which so many are copies that stand for hard links, and holes.
    pub(crate) fn room_for_tree(
        &mut self,
        target: &Path,
        free: Option<u64>,
        bytes: u64,
        copies: u64,
        holes: u64,
    ) {
        let Some(free) = free.filter(|free| *free < bytes) else { return };
        let mut why = String::new();
        if copies > 0 {
            why.push_str(&format!(" ({copies} of them since its disk makes no hard links)"));
        }
        if holes > 0 {
            why.push_str(&format!(" ({holes} of them since its disk keeps no holes)"));
        }
        self.0.push(format!(
            "`{}` will take at least {bytes} bytes{why} and {free} are free on its disk: free {} more, or write to another disk",
            shown(target),
            bytes - free
        ));
    }

    /// A file with holes that is larger than any may be.
    pub(crate) fn file(&mut self, file: &str, bytes: u64, limit: u64) {
        self.0.push(format!(
            "`{file}` has {bytes} bytes with its holes, more than the {limit} of a file in a package: ask for it to be sealed in parts"
        ));
    }

    /// A file with holes that is larger than the disk of `target` takes.
    pub(crate) fn file_on(&mut self, target: &Path, file: &str, bytes: u64) {
        self.0.push(format!(
            "`{file}` has {bytes} bytes with its holes, and the disk of `{}` takes no file of that size: write to another disk",
            shown(target)
        ));
    }
}

/// The size of the age file of `plain` bytes for so many recipients, at least.
pub(crate) const fn sealed_bytes(plain: u64, recipients: u64) -> u64 {
    let chunks = if plain == 0 { 1 } else { plain.div_ceil(CHUNK_BYTES) };
    plain.saturating_add(16 + 70 + 98 * recipients).saturating_add(chunks.saturating_mul(16))
}

/// What is free for this program on the disk where `target` lies or will lie; `None` where that can't be known.
#[must_use]
pub fn free_bytes(target: &Path) -> Option<u64> {
    let whole: PathBuf = std::path::absolute(target).ok()?;
    let there = whole.ancestors().find(|ancestor| ancestor.exists())?;
    #[cfg(unix)]
    {
        let space = rustix::fs::statvfs(there).ok()?;
        Some(space.f_bavail.saturating_mul(space.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = there;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age_layer::{Sealing, generate_identity};

    #[test]
    fn everything_that_does_not_fit_is_told_at_once_with_its_numbers() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("not/yet/there");
        let free = free_bytes(&target).expect("known");
        let mut limits = Limits::default();
        limits.format(100_001, MAX_PACKAGE_BYTES + 1);
        let takers = [
            SizeLimit { of: "gb/central-authority".to_owned(), package_bytes: 1_000 },
            SizeLimit { of: "md/central-authority".to_owned(), package_bytes: u64::MAX },
        ];
        limits.takers(1_001, &takers);
        limits.room(&target, u64::MAX);
        let error = limits.judge().expect_err("nothing fits");
        assert_eq!(error.clauses().len(), 4);
        let text = error.to_string();
        for says in ["100001 exhibits", "70368744177665 bytes", "gb/central-authority takes at most 1000"] {
            assert!(text.contains(says), "{says}: {text}");
        }
        assert!(text.contains("not/yet/there") && !text.contains("md/central-authority"), "{text}");
        let mut limits = Limits::default();
        limits.format(100_000, MAX_PACKAGE_BYTES);
        limits.takers(1_000, &takers);
        limits.room(&target, free / 2);
        assert_eq!(limits.judge(), Ok(()));
    }

    #[test]
    fn the_size_told_before_is_no_more_than_what_is_written() {
        let (_, recipient) = generate_identity();
        for plain in [0_u64, 1, 65_536, 65_537, 1_000_000] {
            let keys = [recipient.clone()];
            let real = Sealing::new(&keys, plain, std::io::empty(), 1).expect("seals").size_bytes();
            let told = sealed_bytes(plain, 1);
            assert!(told <= real && real - told < 128, "{plain}: {told}, {real}");
        }
    }
}
