//! Small exhibits, sealed several at once: a thread each, so that none waits for another's key agreement or disk.
//!
//! Holds what is done to one of them off the thread that keeps the order. May read the exhibit and write its object
//! into the folder of the package. Never holds more than a small exhibit; leaves all others to the line that a large
//! one goes along.

use super::plan::{Planned, PlannedKind};
use super::{SealError, Sealed, Watched};
use crate::age_layer::{AgeRecipient, Sealing};
use crate::exhibit::ExhibitNumber;
use crate::hash_list::{HashLists, Watch};
use crate::sensitive::Flags;
use crate::sink::Apart;
use crate::source::ObjectDigest;
use crate::tar::stream::SteadyFile;
use crate::walk::{SourceError, from_io};
use std::io::{self, Read as _};
use std::sync::Arc;

/// The largest exhibit that is sealed beside others.
const SMALL_BYTES: u64 = 256 * 1024;
/// How many exhibits are looked at before their turn: 16 MiB at most.
pub(super) const AHEAD: usize = 64;

/// An exhibit that is sealed, and by a container file still to be taken up.
pub(super) struct Small {
    pub(super) sealed: Sealed,
    /// The age file, if it was not written already.
    pub(super) bytes: Option<Vec<u8>>,
}

/// Seals small exhibits on any thread.
pub(super) struct SealingApart<'a> {
    pub(super) keys: &'a [AgeRecipient],
    pub(super) flags: Arc<Flags>,
    pub(super) lists: Option<Arc<HashLists>>,
    pub(super) output: Option<Apart>,
}

impl SealingApart<'_> {
    /// Seals the exhibit if it is small; `None` leaves it to its turn.
    pub(super) fn seal(
        &self,
        number: ExhibitNumber,
        planned: &Planned,
    ) -> Result<Option<Box<Small>>, SealError> {
        let path = &planned.path;
        let metadata = super::looked_at(path)?;
        let size = metadata.len();
        if !matches!(planned.kind, PlannedKind::File { .. }) || !metadata.is_file() || size > SMALL_BYTES {
            return Ok(None);
        }
        let file = SteadyFile::open(path, &metadata)?;
        let flagged = self.flags.of(path);
        let mut watch = Watch::new(self.lists.as_ref(), flagged.reason, flagged.inside);
        let source = Watched { inner: file, watch: &mut watch };
        let mut sealing = Sealing::new(self.keys, size, source, 1).map_err(SealError::Encryption)?;
        let name = number.object_name();
        let size_bytes = sealing.size_bytes();
        let failed = |error: io::Error| SealError::Source(from_io(error, path));
        let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or_default());
        sealing.read_to_end(&mut bytes).map_err(failed)?;
        let sums = sealing.finish().map_err(failed)?;
        let bytes = match &self.output {
            Some(output) => {
                output.write(&name, &bytes).map_err(SealError::Write)?;
                None
            }
            None => Some(bytes),
        };
        if sums.sealed.size_bytes != size_bytes {
            return Err(SourceError::changed(path, "its size is another").into());
        }
        let object = ObjectDigest { name, size_bytes, sha256: sums.sealed.sha256 };
        let sha256 = sums.plain.sha256;
        watch.file(&sha256, size);
        let sealed = Sealed { metadata, object, sha256, size_bytes: size, entries: None, watch };
        Ok(Some(Box::new(Small { sealed, bytes })))
    }
}
