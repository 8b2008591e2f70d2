//! Reads a file as messages, a few ahead of the network.
//!
//! The same for packages that leave for a peer and those an officer fetches. A receiver that stops
//! taking is given up after a while, so that it holds no thread for ever. Decides nothing.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The bytes of one message of a package.
const MESSAGE_BYTES: usize = 256 * 1024;
const MESSAGES_AHEAD: usize = 4;
/// How long a receiver may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Streams `first`, then the rest of `file` in messages that `message` makes of its bytes or of the
/// error that ended the reading.
pub(crate) fn stream<T: Send + 'static>(
    mut file: File,
    first: Option<T>,
    message: impl Fn(io::Result<Vec<u8>>) -> Option<T> + Send + 'static,
) -> ReceiverStream<T> {
    let (messages, stream) = mpsc::channel(MESSAGES_AHEAD);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        // Who hung up, or took nothing for too long, gets nothing more: the stream ends short.
        let send = |item| runtime.block_on(messages.send_timeout(item, PATIENCE)).is_ok();
        if first.is_some_and(|first| !send(first)) {
            return;
        }
        loop {
            let mut buffer = vec![0; MESSAGE_BYTES];
            let (bytes, last) = match read_full(&mut file, &mut buffer) {
                Ok(0) => return,
                Ok(read) => {
                    buffer.truncate(read);
                    (Ok(buffer), false)
                }
                Err(error) => {
                    tracing::error!(%error, "an object of a package could not be read to its end");
                    (Err(error), true)
                }
            };
            let Some(item) = message(bytes) else { return };
            if !send(item) || last {
                return;
            }
        }
    });
    ReceiverStream::new(stream)
}

/// Fills `buffer` as far as the input reaches.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
