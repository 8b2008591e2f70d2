//! Facts in memory: what many exhibits have in common is kept once.
//!
//! Holds the sharing, with a bound on all of it, so that a package of 100,000 exhibits can be listed
//! in little memory whatever its facts are. Calls nothing.

use super::Acquisition;
use rogatory_core::Digest;
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::sync::Arc;

/// The most different facts that are kept, written as JSON.
const MAX_SHARED_BYTES: usize = 16 * 1024 * 1024;

/// Facts that were seen so far.
#[derive(Default)]
pub(crate) struct SharedFacts {
    known: HashMap<Digest, Arc<Acquisition>>,
    bytes: usize,
    left_out: u64,
}

impl SharedFacts {
    /// Keeps `facts`, or finds them among those that are kept. What is beyond the bound is counted and left out.
    pub(crate) fn keep(&mut self, facts: Option<Acquisition>) -> Option<Arc<Acquisition>> {
        let facts = facts?;
        let written = serde_json::to_vec(&facts).ok()?;
        let key = Digest::of(&written);
        if let Some(known) = self.known.get(&key) {
            return Some(Arc::clone(known));
        }
        if self.bytes.saturating_add(written.len()) > MAX_SHARED_BYTES {
            self.left_out += 1;
            return None;
        }
        self.bytes += written.len();
        let facts = Arc::new(facts);
        self.known.insert(key, Arc::clone(&facts));
        Some(facts)
    }

    /// How many exhibits' facts were left out.
    pub(crate) const fn left_out(&self) -> u64 {
        self.left_out
    }
}

/// Writes shared facts as what they are.
pub(crate) fn serialize<S: Serializer>(
    facts: &Option<Arc<Acquisition>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    facts.as_deref().serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquisition::Line;

    fn facts(number: usize) -> Acquisition {
        let line = |n: usize| Line::new(&format!("{n:0400}")).expect("a line");
        Acquisition {
            transformations: (0..20).map(|n| line(number * 100 + n)).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn equal_facts_are_kept_once_and_all_together_are_bounded() {
        let mut shared = SharedFacts::default();
        let first = shared.keep(Some(facts(1))).expect("kept");
        assert!(Arc::ptr_eq(&first, &shared.keep(Some(facts(1))).expect("kept")));
        assert!(shared.keep(None).is_none());
        let kept = (0..3_000).filter(|number| shared.keep(Some(facts(*number))).is_some()).count();
        assert!((1_800..2_200).contains(&kept), "{kept}");
        assert_eq!(shared.left_out(), 3_000 - kept as u64);
        assert!(shared.bytes <= MAX_SHARED_BYTES);
    }
}
