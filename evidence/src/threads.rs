//! How many threads work on one thing.

use std::sync::OnceLock;
use std::thread::available_parallelism;

/// More than this gain nothing: two digests in a row are what a stream waits for in the end.
const MOST_THREADS: usize = 8;

/// As many as there are cores for this process, within reason.
pub(crate) fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| available_parallelism().map_or(1, usize::from).min(MOST_THREADS))
}
