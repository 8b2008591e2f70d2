//! Who wants to know what of a package is durable while it is being sealed: whoever sends it meanwhile.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Is told, from the threads that seal, how far the objects of a package written as a folder have come. What it is told
/// of stays as it is, unless sealing fails: then all of it is removed. Small exhibits, of which many are sealed at
/// once, are not told of.
pub trait SealObserver: Send + Sync {
    /// A package begins. No other has this salt. Its objects lie in `folder` until they have their final name.
    fn sealing(&self, salt: &[u8; 32], folder: &Path);

    /// An object begins; its size is known, its digest is not.
    fn begins(&self, name: &str, size_bytes: u64);

    /// So many bytes of an object, from its beginning, are durable.
    fn durable(&self, name: &str, bytes: u64);
}

/// An observer as an option of sealing; equal to itself alone.
#[derive(Clone)]
pub struct Observer(pub Arc<dyn SealObserver>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl PartialEq for Observer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Observer {}
