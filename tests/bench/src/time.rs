//! The machine's clock and randomness, and the stop watch: where a benchmark reads them.

use rogatory_core::{Clock, Entropy, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The machine's clock.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        i64::try_from(epoch().as_micros())
            .ok()
            .and_then(|microseconds| Timestamp::from_microseconds(microseconds).ok())
            .unwrap_or(Timestamp::MAX)
    }
}

/// How long since 1970.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures by the machine's clock")]
pub(crate) fn epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The operating system's randomness.
pub(crate) struct MachineEntropy;

impl Entropy for MachineEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Ids of zeros would collide at once, and the run would fail.
        let _ = aws_lc_rs::rand::fill(bytes);
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures by the machine's clock")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How long since it was started.
    #[must_use]
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// The same in seconds.
    #[must_use]
    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
