//! What of an original could not be restored.
//!
//! Holds the counting by what it is, and the notes about it. Calls nothing. Never keeps more than a
//! bounded number of kinds.

use crate::record::display;
use std::collections::BTreeMap;

/// The most different attributes that are counted by their names.
const MAX_KINDS: usize = 50;

/// What was missed: how often, and where first.
#[derive(Default)]
pub(super) struct Missed(BTreeMap<String, (u64, Vec<u8>)>);

impl Missed {
    /// `what` ends with "is" or "are": "not restored exactly" follows.
    pub(super) fn add(&mut self, what: &str, path: &[u8]) {
        if let Some((count, _)) = self.0.get_mut(what) {
            *count += 1;
        } else {
            self.0.insert(what.to_owned(), (1, path.to_vec()));
        }
    }

    /// An extended attribute.
    pub(super) fn attribute(&mut self, name: &[u8], path: &[u8]) {
        let what = format!("the extended attribute `{}` is", display(name));
        if self.0.len() < MAX_KINDS || self.0.contains_key(&what) {
            self.add(&what, path);
        } else {
            self.add("a further extended attribute is", path);
        }
    }

    /// A line each, about exhibit `number`.
    pub(super) fn notes(self, number: &str) -> impl Iterator<Item = String> {
        self.0.into_iter().map(move |(what, (count, first))| {
            let first = display(&first);
            let entries = if count == 1 { "entry" } else { "entries" };
            format!("{number}: {what} not restored exactly for {count} {entries} (first: `{first}`)")
        })
    }
}
