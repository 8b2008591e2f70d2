//! Runs what reads files as messages, a few ahead of the network.
//!
//! The same for packages that leave for a peer and those an officer fetches. A receiver that stops
//! taking is given up after a while, so that it holds no thread for ever. Decides nothing.

use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const MESSAGES_AHEAD: usize = 4;
/// How long a receiver may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Streams what `read` passes on, which has a thread of its own and is told of each message whether it was taken.
pub(crate) fn stream<T: Send + 'static>(
    read: impl FnOnce(&mut dyn FnMut(T) -> bool) + Send + 'static,
) -> ReceiverStream<T> {
    let (messages, stream) = mpsc::channel(MESSAGES_AHEAD);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        // Who hung up, or took nothing for too long, gets nothing more: the stream ends short.
        read(&mut |item| runtime.block_on(messages.send_timeout(item, PATIENCE)).is_ok());
    });
    ReceiverStream::new(stream)
}
