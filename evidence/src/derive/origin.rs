//! What a derived package carries of the original.
//!
//! May read the package at hand: what it takes along must be what was verified.

use super::{DeriveError, Maker};
use crate::layout;
use crate::sink::WriteError;
use crate::streams::read_limited;
use crate::transmittal::MAX_TRANSMITTAL_BYTES;
use crate::verify::outer::changed;
use rogatory_core::Digest;

impl Maker<'_, '_> {
    /// The original's outer part: from `origin/` if the package at hand is derived itself, else its own.
    pub(super) fn origin(&self) -> Result<Vec<(&'static str, Vec<u8>)>, DeriveError> {
        let is_derived = self.outer.is_derived();
        let places = layout::ORIGIN_OBJECTS.into_iter().map(|(here, in_original)| {
            let from = if is_derived { here } else { in_original };
            (here, from)
        });
        let mut objects = Vec::new();
        for (name, from) in places.filter(|(_, from)| self.sizes.contains_key(*from)) {
            let unreadable = |source| DeriveError::Write(WriteError::Read { name: from.to_owned(), source });
            let bytes = self
                .source
                .open(from)
                .and_then(|mut reader| read_limited(&mut *reader, MAX_TRANSMITTAL_BYTES))
                .map_err(unreadable)?;
            if self.outer.read.get(from) != Some(&Digest::of(&bytes)) {
                return Err(unreadable(changed()));
            }
            objects.push((name, bytes));
        }
        Ok(objects)
    }
}
