//! A ZIP writer that writes what it is told, right or wrong. Without being told it writes the
//! canonical form.

use rogatory_container::zip::{StrictZip, ZipLimits};
use std::io::Cursor;

/// One entry.
#[derive(Clone, Debug)]
pub(crate) struct RawEntry {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) time: u16,
    /// Another CRC-32 than that of the content.
    pub(crate) crc32: Option<u32>,
    pub(crate) extra: Vec<u8>,
    /// Sizes and CRC-32 behind the content instead of before it.
    pub(crate) descriptor: bool,
    /// The size of the content before it was compressed.
    pub(crate) plain: Option<(usize, u32)>,
}

pub(crate) fn entry(name: &str, bytes: &[u8]) -> RawEntry {
    RawEntry {
        name: name.to_owned(),
        bytes: bytes.to_vec(),
        flags: 0,
        method: 0,
        time: 0,
        crc32: None,
        extra: Vec::new(),
        descriptor: false,
        plain: None,
    }
}

/// Every entry of a canonical container, `mimetype` first.
pub(crate) fn entries(container: &[u8]) -> Vec<RawEntry> {
    let mut zip = StrictZip::open(Cursor::new(container), ZipLimits::DOCUMENT).expect("a container");
    let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
    names.iter().map(|name| entry(name, &zip.read(name, 1 << 20).expect("reads"))).collect()
}

/// The entry of this name.
pub(crate) fn find<'a>(entries: &'a mut [RawEntry], name: &str) -> &'a mut RawEntry {
    entries.iter_mut().find(|entry| entry.name == name).unwrap_or_else(|| panic!("no `{name}`"))
}

fn le16(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("small").to_le_bytes()
}

fn le32(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_le_bytes()
}

/// The archive, with `comment` at its end.
pub(crate) fn write(entries: &[RawEntry], comment: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let offset = out.len();
        let (plain, sum) = entry.plain.unwrap_or_else(|| (entry.bytes.len(), crc32fast::hash(&entry.bytes)));
        let crc32 = entry.crc32.unwrap_or(sum).to_le_bytes();
        let sizes = [crc32, le32(entry.bytes.len()), le32(plain)].concat();
        let flags = entry.flags | if entry.descriptor { 8 } else { 0 };
        let fixed =
            [flags.to_le_bytes(), entry.method.to_le_bytes(), entry.time.to_le_bytes(), [0x21, 0]].concat();
        let names = [le16(entry.name.len()), le16(entry.extra.len())].concat();
        out.extend(b"PK\x03\x04\x14\x00");
        out.extend(&fixed);
        out.extend(if entry.descriptor { vec![0; 12] } else { sizes.clone() });
        out.extend(&names);
        out.extend(entry.name.as_bytes());
        out.extend(&entry.extra);
        out.extend(&entry.bytes);
        if entry.descriptor {
            out.extend(b"PK\x07\x08");
            out.extend(&sizes);
        }
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(&fixed);
        directory.extend(&sizes);
        directory.extend(le16(entry.name.len()));
        // No extra field, comment, disk or internal attributes; a regular file.
        directory.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa4, 0x81]);
        directory.extend(le32(offset));
        directory.extend(entry.name.as_bytes());
    }
    let start = out.len();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\x00\x00\x00\x00");
    out.extend([le16(entries.len()), le16(entries.len())].concat());
    out.extend([le32(directory.len()), le32(start)].concat());
    out.extend(le16(comment.len()));
    out.extend(comment);
    out
}
