//! How slowly an object may travel: whoever sends a byte a minute holds a thread and a place for ever.
//!
//! Only the waiting for the other side is counted, never what this side takes for itself.

use crate::problem::{Problem, Reason};
use std::time::Duration;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

/// How long a sender may come short of the least rate, silence included.
const PATIENCE: Duration = Duration::from_secs(60);
/// The least rate of one stream. A narrow line of 256 kbit/s has room for the four that our senders have at once.
const LEAST_BYTES_A_SECOND: u64 = 8 * 1024;

/// What is left of the patience with one stream: waiting consumes it, bytes give it back, and nobody gathers more
/// than there was at the beginning.
pub(crate) struct Pace {
    left: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { left: PATIENCE }
    }
}

impl Pace {
    /// The next message of a stream, unless the sender is slower than the least rate for too long.
    ///
    /// # Errors
    /// [`Reason::TooSlow`]; [`Reason::MalformedArgument`] if the stream breaks.
    pub(crate) async fn next<M>(
        &mut self,
        stream: &mut (impl Stream<Item = Result<M, Status>> + Unpin),
        size: impl FnOnce(&M) -> usize,
    ) -> Result<Option<M>, Problem> {
        let began = now();
        let next = tokio::time::timeout(self.left, stream.next()).await.map_err(|_| {
            let what = format!("the object broke off: fewer than {LEAST_BYTES_A_SECOND} bytes a second came");
            Problem::new(Reason::TooSlow, what)
                .with_hint("what is durable stays: send it again on a better line and it goes on from there")
        })?;
        let message = next.transpose().map_err(|status| Problem::argument("stream", &status.message()))?;
        self.came(now() - began, message.as_ref().map_or(0, |message| size(message) as u64));
        Ok(message)
    }

    /// So many bytes came after so much waiting.
    fn came(&mut self, waited: Duration, bytes: u64) {
        let earned = Duration::from_micros(bytes.saturating_mul(1_000_000) / LEAST_BYTES_A_SECOND);
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(PATIENCE);
    }
}

#[expect(clippy::disallowed_methods, reason = "measures how long a socket was waited for, which no act sees")]
fn now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets so many messages come, each so many bytes long and so many seconds later than the one before; tells how
    /// many come before the sender is too slow.
    fn come(pace: &mut Pace, messages: u32, bytes: u64, seconds: u64) -> u32 {
        let waited = Duration::from_secs(seconds);
        let in_time = |_: &u32| {
            let in_time = waited < pace.left;
            pace.came(waited, bytes);
            in_time
        };
        u32::try_from((0..messages).take_while(in_time).count()).expect("a number of messages")
    }

    #[test]
    fn a_byte_now_and_then_does_not_keep_a_stream_open() {
        assert_eq!(come(&mut Pace::default(), 1_000, 1, 10), 6);
        assert_eq!(come(&mut Pace::default(), 1_000, 0, 1), 59, "nor do messages without bytes");
        assert_eq!(come(&mut Pace::default(), 1, 1, 60), 0, "nor does silence");
    }

    #[test]
    fn a_narrow_line_is_fast_enough() {
        let message = 256 * 1024;
        assert_eq!(come(&mut Pace::default(), 100_000, message, 32), 100_000);
        assert!(come(&mut Pace::default(), 1_000, message, 33) < 100);
    }

    #[test]
    fn nobody_gathers_patience_for_later() {
        let mut pace = Pace::default();
        assert_eq!(come(&mut pace, 1_000, 1024 * 1024, 0), 1_000);
        assert_eq!(come(&mut pace, 1_000, 1, 10), 6);
    }

    #[tokio::test]
    async fn a_stream_is_not_waited_for_longer_than_there_is_patience() {
        let mut pace = Pace { left: Duration::from_millis(1) };
        let mut silent = tokio_stream::pending::<Result<Vec<u8>, Status>>();
        let problem = pace.next(&mut silent, Vec::len).await.expect_err("nothing comes");
        assert_eq!(problem.reason(), Reason::TooSlow);
        let mut coming = tokio_stream::once(Ok(vec![0; 8 * 1024]));
        let mut pace = Pace { left: Duration::from_secs(30) };
        assert_eq!(
            pace.next(&mut coming, Vec::len).await.expect("it came").map(|data| data.len()),
            Some(8 * 1024)
        );
        assert!(pace.left > Duration::from_secs(29), "{:?}", pace.left);
    }
}
