//! Paths that were found valid, so that the next signature by the same certificate need not ask again.
//!
//! A verdict rests on the certificates handed in, the anchors, the revocation lists and the instant.
//! The first are its key; anchors and lists live as long as the [`super::Anchors`] that hold these
//! verdicts, and a change begins with none; for the instant it says from when until when every
//! certificate of the path is valid. Only what was found valid is kept.

use super::{ValidatedPath, last_instant};
use crate::certificate::Certificate;
use rogatory_core::{Digest, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many verdicts are kept before all are forgotten and found again.
const KEPT: usize = 4096;

#[derive(Clone, Debug)]
struct Verdict {
    path: ValidatedPath,
    from: Timestamp,
    until: Timestamp,
}

/// The verdicts on signing paths under one set of anchors.
#[derive(Clone, Default, Debug)]
pub(super) struct Verdicts(Arc<Mutex<HashMap<Digest, Verdict>>>);

impl Verdicts {
    /// The path found before for exactly these certificates, if all of it is valid at `at`.
    pub(super) fn find(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        at: Timestamp,
    ) -> Option<ValidatedPath> {
        // The map is whole whenever the lock is free, even after a panic elsewhere.
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = kept.get(&key(leaf, others))?;
        let valid = verdict.from <= at && at <= verdict.until;
        valid.then(|| ValidatedPath { at, ..verdict.path.clone() })
    }

    /// Keeps a path that was just validated.
    pub(super) fn keep(&self, leaf: &Certificate, others: &[Certificate], path: &ValidatedPath) {
        let all = || path.below_anchor().chain(std::iter::once(path.anchor()));
        let (Some(from), Some(until)) =
            (all().map(Certificate::not_before).max(), all().map(last_instant).min())
        else {
            return;
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key(leaf, others), Verdict { path: path.clone(), from, until });
    }
}

/// Digest over the digests of the certificates, the leaf's first.
fn key(leaf: &Certificate, others: &[Certificate]) -> Digest {
    let digests: Vec<u8> = std::iter::once(leaf)
        .chain(others)
        .flat_map(|certificate| *certificate.digest().as_bytes())
        .collect();
    Digest::of(&digests)
}
