//! Archives put together field by field, for tests of what must be refused.

/// One entry; each field can be made to lie.
#[derive(Clone)]
pub(crate) struct Crafted {
    pub(crate) name: Vec<u8>,
    /// The name in the local header, if it is another one.
    pub(crate) local_name: Option<Vec<u8>>,
    /// The bytes as they are stored.
    pub(crate) stored: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) crc32: u32,
    pub(crate) size: u32,
    pub(crate) stored_size: u32,
    pub(crate) local_size: Option<u32>,
    pub(crate) local_crc: Option<u32>,
    pub(crate) time: u16,
    pub(crate) local_extra: Vec<u8>,
    pub(crate) central_extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) made_by: u16,
    pub(crate) attributes: u32,
    /// The offset that the central header states, if it lies.
    pub(crate) offset: Option<u32>,
    /// Bytes after the content: a data descriptor, or something else.
    pub(crate) after: Vec<u8>,
}

/// A stored entry that is all right.
pub(crate) fn stored(name: &str, content: &[u8]) -> Crafted {
    let size = u32::try_from(content.len()).unwrap();
    let mut crc = crc32fast::Hasher::new();
    crc.update(content);
    Crafted {
        name: name.as_bytes().to_vec(),
        local_name: None,
        stored: content.to_vec(),
        method: 0,
        flags: 0,
        crc32: crc.finalize(),
        size,
        stored_size: size,
        local_size: None,
        local_crc: None,
        time: 0,
        local_extra: Vec::new(),
        central_extra: Vec::new(),
        comment: Vec::new(),
        made_by: 0x0314,
        attributes: 0o100_644 << 16,
        offset: None,
        after: Vec::new(),
    }
}

/// A deflated entry that is all right.
pub(crate) fn deflated(name: &str, content: &[u8]) -> Crafted {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    let bytes = encoder.finish().unwrap();
    let stored_size = u32::try_from(bytes.len()).unwrap();
    Crafted { stored: bytes, method: 8, stored_size, ..stored(name, content) }
}

/// The archive of these entries, canonical if nothing in them lies.
pub(crate) fn archive(entries: &[Crafted]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = entry.offset.unwrap_or(u32::try_from(bytes.len()).unwrap());
        let local_name = entry.local_name.as_ref().unwrap_or(&entry.name);
        put32(&mut bytes, 0x0403_4b50);
        put16s(&mut bytes, &[20, entry.flags, entry.method, entry.time, 0x21]);
        put32(&mut bytes, entry.local_crc.unwrap_or(entry.crc32));
        put32(&mut bytes, entry.local_size.unwrap_or(entry.stored_size));
        put32(&mut bytes, entry.local_size.unwrap_or(entry.size));
        put16s(&mut bytes, &[short(local_name), short(&entry.local_extra)]);
        bytes.extend_from_slice(local_name);
        bytes.extend_from_slice(&entry.local_extra);
        bytes.extend_from_slice(&entry.stored);
        bytes.extend_from_slice(&entry.after);
        put32(&mut directory, 0x0201_4b50);
        put16s(&mut directory, &[entry.made_by, 20, entry.flags, entry.method, entry.time, 0x21]);
        put32(&mut directory, entry.crc32);
        put32(&mut directory, entry.stored_size);
        put32(&mut directory, entry.size);
        let lengths = [short(&entry.name), short(&entry.central_extra), short(&entry.comment)];
        put16s(&mut directory, &lengths);
        put16s(&mut directory, &[0, 0]);
        put32(&mut directory, entry.attributes);
        put32(&mut directory, offset);
        directory.extend_from_slice(&entry.name);
        directory.extend_from_slice(&entry.central_extra);
        directory.extend_from_slice(&entry.comment);
    }
    let at = u32::try_from(bytes.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    bytes.extend_from_slice(&directory);
    end(&mut bytes, u16::try_from(entries.len()).unwrap(), size, at);
    bytes
}

/// An end record without comment.
pub(crate) fn end(bytes: &mut Vec<u8>, count: u16, size: u32, at: u32) {
    put32(bytes, 0x0605_4b50);
    put16s(bytes, &[0, 0, count, count]);
    put32(bytes, size);
    put32(bytes, at);
    put16s(bytes, &[0]);
}

/// The ZIP64 end record and its locator, for a place before the end record.
pub(crate) fn end64(bytes: &mut Vec<u8>, count: u64, size: u64, at: u64) {
    let place = bytes.len() as u64;
    put32(bytes, 0x0606_4b50);
    bytes.extend_from_slice(&44_u64.to_le_bytes());
    put16s(bytes, &[0x032d, 45]);
    put32(bytes, 0);
    put32(bytes, 0);
    for value in [count, count, size, at] {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    put32(bytes, 0x0706_4b50);
    put32(bytes, 0);
    bytes.extend_from_slice(&place.to_le_bytes());
    put32(bytes, 1);
}

/// A ZIP64 extra field with these values.
pub(crate) fn extra64(values: &[u64]) -> Vec<u8> {
    let mut extra = vec![1, 0];
    extra.extend_from_slice(&u16::try_from(values.len() * 8).unwrap().to_le_bytes());
    values.iter().for_each(|value| extra.extend_from_slice(&value.to_le_bytes()));
    extra
}

fn short(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap()
}

pub(crate) fn put32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put16s(bytes: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
}

/// A reader that counts what is asked of it, so that a test can say how much work an archive caused.
pub(crate) struct Counting<R> {
    pub(crate) inner: R,
    pub(crate) bytes: u64,
    pub(crate) calls: u64,
}

impl<R> Counting<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, bytes: 0, calls: 0 }
    }
}

impl<R: std::io::Read> std::io::Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        self.calls += 1;
        Ok(count)
    }
}

impl<R: std::io::Seek> std::io::Seek for Counting<R> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.calls += 1;
        self.inner.seek(to)
    }
}
