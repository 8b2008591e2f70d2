//! How the objects of a package travel, the same on both listeners: which of them share a stream, and in what
//! messages their bytes go.
//!
//! A large object has a stream to itself. Small ones follow one another in one stream, so that a package of many costs
//! few calls. Reads what it is given; sends nothing itself.

use crate::office::v1::UploadObjectRequest;
use crate::peer::v1::SendObjectRequest;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::io::{self, Read};

/// The most bytes of one message that this version sends.
pub const MESSAGE_BYTES: usize = 256 * 1024;
/// How much of a connection is read from the network at once, and written at once. TLS alone reads 4 KiB a call.
pub const WIRE_BYTES: usize = 64 * 1024;
/// How many streams a sender has under way at once.
pub const STREAMS_AT_ONCE: usize = 4;
/// An object of which no more than this is to come shares its stream with others.
const SMALL_BYTES: u64 = 1024 * 1024;
/// The most objects of one stream.
const OBJECTS_A_STREAM: usize = 256;
/// The most bytes of a stream of small objects.
const BYTES_A_STREAM: u64 = 8 * 1024 * 1024;
/// How many buffers are kept for reuse.
const BUFFERS: usize = 16;

/// Parts objects, each with the number of its bytes that are to come, into what goes in one stream each.
#[must_use]
pub fn streams<T>(objects: impl IntoIterator<Item = (T, u64)>) -> VecDeque<Vec<T>> {
    let (mut streams, mut small, mut small_bytes) = (VecDeque::new(), Vec::new(), 0);
    for (object, left) in objects {
        if left > SMALL_BYTES {
            streams.push_back(vec![object]);
            continue;
        }
        small.push(object);
        small_bytes += left;
        if small.len() >= OBJECTS_A_STREAM || small_bytes >= BYTES_A_STREAM {
            streams.push_back(std::mem::take(&mut small));
            small_bytes = 0;
        }
    }
    if !small.is_empty() {
        streams.push_back(small);
    }
    streams
}

/// A message of a stream of objects.
pub trait ObjectMessage: Default + Send + 'static {
    /// The message with which an object begins; it may hold bytes too.
    fn header(transfer_id: &str, name: &str, offset: u64, size_bytes: u64) -> Self;

    /// The same with these bytes.
    #[must_use]
    fn with_data(self, data: Bytes) -> Self;
}

impl ObjectMessage for UploadObjectRequest {
    fn header(transfer_id: &str, name: &str, offset: u64, size_bytes: u64) -> Self {
        let (transfer_id, name) = (transfer_id.to_owned(), name.to_owned());
        Self { transfer_id, name, offset, size_bytes, data: Bytes::new() }
    }

    fn with_data(self, data: Bytes) -> Self {
        Self { data, ..self }
    }
}

impl ObjectMessage for SendObjectRequest {
    fn header(transfer_id: &str, name: &str, offset: u64, size_bytes: u64) -> Self {
        let (transfer_id, name) = (transfer_id.to_owned(), name.to_owned());
        Self { transfer_id, name, offset, size_bytes, data: Bytes::new() }
    }

    fn with_data(self, data: Bytes) -> Self {
        Self { data, ..self }
    }
}

/// Passes what `reader` has to `send` in messages, `header` with the first, also if there is nothing. Tells whether
/// everything was taken: `send` says whether a message was.
///
/// # Errors
/// As the reader; what came before was passed on.
pub fn read_messages<M: ObjectMessage>(
    header: M,
    reader: &mut dyn Read,
    buffers: &mut Buffers,
    mut send: impl FnMut(M) -> bool,
) -> io::Result<bool> {
    let mut header = Some(header);
    loop {
        let data = buffers.read(reader)?;
        let last = data.len() < MESSAGE_BYTES;
        if data.is_empty() && header.is_none() {
            return Ok(true);
        }
        if !send(header.take().unwrap_or_default().with_data(data)) {
            return Ok(false);
        }
        if last {
            return Ok(true);
        }
    }
}

/// Buffers that are used again when their message has gone.
#[derive(Default)]
pub struct Buffers(VecDeque<Bytes>);

impl Buffers {
    /// Fills a buffer as far as the input reaches; an empty one is its end.
    ///
    /// # Errors
    /// As the reader.
    pub fn read(&mut self, reader: &mut dyn Read) -> io::Result<Bytes> {
        let mut buffer = self.free();
        let mut filled = 0;
        while filled < buffer.len() {
            match reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let whole = buffer.freeze();
        self.0.push_back(whole.clone());
        Ok(whole.slice(..filled))
    }

    /// A buffer that nobody reads any more, or a new one.
    fn free(&mut self) -> BytesMut {
        match self.0.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(free)) => return free,
            Some(Err(used)) if self.0.len() < BUFFERS => self.0.push_front(used),
            // More are under way than are worth keeping.
            Some(Err(_)) | None => {}
        }
        BytesMut::zeroed(MESSAGE_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_objects_share_streams_and_large_ones_do_not() {
        let small = (0..600).map(|at| (at, 4096));
        let lengths = |streams: VecDeque<Vec<i32>>| streams.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(streams(small)), [256, 256, 88]);
        let mixed = [(1, 10), (2, 5 << 20), (3, 0), (4, (1 << 20) + 1)];
        assert_eq!(streams(mixed), [vec![2], vec![4], vec![1, 3]]);
        assert_eq!(lengths(streams((0..20).map(|at| (at, 1 << 20)))), [8, 8, 4]);
        assert!(streams::<i32>([]).is_empty());
    }

    fn messages(content: &[u8]) -> Vec<SendObjectRequest> {
        let mut sent = Vec::new();
        let header = SendObjectRequest::header("T-1", "mimetype", 3, 9);
        let mut reader = content;
        let take = |message| {
            sent.push(message);
            true
        };
        assert!(read_messages(header, &mut reader, &mut Buffers::default(), take).expect("readable"));
        sent
    }

    #[test]
    fn the_first_message_has_the_header_and_bytes_and_an_empty_object_is_one_message() {
        for size in [0, 1, MESSAGE_BYTES - 1, MESSAGE_BYTES, MESSAGE_BYTES + 1, 3 * MESSAGE_BYTES] {
            let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let sent = messages(&content);
            assert_eq!(sent.len(), size.div_ceil(MESSAGE_BYTES).max(1), "{size}");
            assert_eq!((sent[0].name.as_str(), sent[0].offset, sent[0].size_bytes), ("mimetype", 3, 9));
            assert!(sent.iter().skip(1).all(|message| message.name.is_empty()));
            let data: Vec<u8> = sent.iter().flat_map(|message| message.data.to_vec()).collect();
            assert_eq!(data, content);
        }
    }

    #[test]
    fn a_buffer_is_used_again_only_when_its_message_is_gone() {
        let mut buffers = Buffers::default();
        let content = vec![7; 4 * MESSAGE_BYTES];
        let mut reader = content.as_slice();
        let first = buffers.read(&mut reader).expect("readable");
        let place = first.as_ptr();
        let second = buffers.read(&mut reader).expect("readable");
        assert_ne!(second.as_ptr(), place, "the first is still read");
        drop(first);
        let third = buffers.read(&mut reader).expect("readable");
        assert_eq!(third.as_ptr(), place);
        assert!(second.iter().chain(&third).all(|byte| *byte == 7));
    }
}
