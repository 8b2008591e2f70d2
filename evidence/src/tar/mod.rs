//! The deterministic tar of a folder exhibit.
//!
//! Holds the entry type and its one encoding: POSIX ustar with pax headers where a value does not
//! fit, owner 0, no user names. `stream` makes a tar from a folder, `reader` reads one strictly.
//! Calls nothing here. Never writes what is not determined by path, type, mode, time and content.

pub(crate) mod reader;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

use crate::record::FileTime;

/// The unit of a tar.
pub(crate) const BLOCK_BYTES: usize = 512;
/// Two empty blocks end a tar.
pub(crate) const END_BYTES: u64 = 1024;
/// The largest number that fits eleven octal digits.
const MAX_OCTAL_11: u64 = 0o777_7777_7777;

/// One entry of a tar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Path below the folder, raw bytes, no slash at the end.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: EntryKind,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) modified: FileTime,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntryKind {
    File { size_bytes: u64 },
    Folder,
    Link { target: Vec<u8> },
}

impl Entry {
    /// The path as it stands in the tar: a folder's ends with a slash. Entries rise by it.
    pub(crate) fn stored_path(&self) -> Vec<u8> {
        let mut path = self.path.clone();
        if self.kind == EntryKind::Folder {
            path.push(b'/');
        }
        path
    }

    /// The bytes of content that follow the header, without padding.
    pub(crate) const fn content_bytes(&self) -> u64 {
        match self.kind {
            EntryKind::File { size_bytes } => size_bytes,
            EntryKind::Folder | EntryKind::Link { .. } => 0,
        }
    }

    /// All header blocks: a pax header if one is needed, then the entry's own.
    pub(crate) fn header(&self) -> Vec<u8> {
        let path = self.stored_path();
        let no_target = Vec::new();
        let (type_flag, target) = match &self.kind {
            EntryKind::File { .. } => (b'0', &no_target),
            EntryKind::Folder => (b'5', &no_target),
            EntryKind::Link { target } => (b'2', target),
        };
        let mut blocks = Vec::with_capacity(BLOCK_BYTES);
        let pax = self.pax_records(&path, target);
        if !pax.is_empty() {
            let name = b"PaxHeaders/entry";
            push_block(&mut blocks, name, 0o644, pax.len() as u64, 0, b'x', b"");
            blocks.extend_from_slice(&pax);
            blocks.resize(blocks.len().next_multiple_of(BLOCK_BYTES), 0);
        }
        let size = if self.content_bytes() > MAX_OCTAL_11 { 0 } else { self.content_bytes() };
        let seconds = short_seconds(self.modified).unwrap_or(0);
        push_block(
            &mut blocks,
            &short_name(&path),
            self.mode & 0o7777,
            size,
            seconds,
            type_flag,
            &short_name(target),
        );
        blocks
    }

    /// The pax records for what the ustar header cannot hold, in a fixed order.
    fn pax_records(&self, path: &[u8], target: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        let (long_path, long_target) = (!fits(path), !fits(target));
        let no_text = (long_path && std::str::from_utf8(path).is_err())
            || (long_target && std::str::from_utf8(target).is_err());
        if no_text {
            push_record(&mut records, "hdrcharset", b"BINARY");
        }
        if long_path {
            push_record(&mut records, "path", path);
        }
        if long_target {
            push_record(&mut records, "linkpath", target);
        }
        if self.content_bytes() > MAX_OCTAL_11 {
            push_record(&mut records, "size", self.content_bytes().to_string().as_bytes());
        }
        if self.modified.nanoseconds != 0 || short_seconds(self.modified).is_none() {
            push_record(&mut records, "mtime", decimal(self.modified).as_bytes());
        }
        records
    }
}

/// Whether a name fits the 100 bytes of a ustar header, which are ASCII.
fn fits(name: &[u8]) -> bool {
    name.len() <= 100 && name.is_ascii()
}

/// What stands in the ustar header: the name itself, or a shortened one beside its pax record.
fn short_name(name: &[u8]) -> Vec<u8> {
    name.iter().take(100).map(|byte| if byte.is_ascii() { *byte } else { b'_' }).collect()
}

fn short_seconds(time: FileTime) -> Option<u64> {
    u64::try_from(time.seconds).ok().filter(|seconds| *seconds <= MAX_OCTAL_11)
}

/// Seconds as a decimal number without needless digits.
fn decimal(time: FileTime) -> String {
    let (sign, seconds, nanoseconds) = if time.seconds < 0 && time.nanoseconds > 0 {
        ("-", (time.seconds + 1).unsigned_abs(), 1_000_000_000 - time.nanoseconds)
    } else {
        (if time.seconds < 0 { "-" } else { "" }, time.seconds.unsigned_abs(), time.nanoseconds)
    };
    if nanoseconds == 0 {
        return format!("{sign}{seconds}");
    }
    let digits = format!("{nanoseconds:09}");
    format!("{sign}{seconds}.{}", digits.trim_end_matches('0'))
}

/// Appends `<length> <key>=<value>\n`, where the length counts itself.
fn push_record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Appends one ustar header block.
fn push_block(
    blocks: &mut Vec<u8>,
    name: &[u8],
    mode: u32,
    size: u64,
    seconds: u64,
    type_flag: u8,
    link: &[u8],
) {
    let start = blocks.len();
    let field = |blocks: &mut Vec<u8>, value: &[u8], width: usize| {
        let end = blocks.len() + width;
        blocks.extend_from_slice(value);
        blocks.resize(end, 0);
    };
    field(blocks, name, 100);
    field(blocks, format!("{mode:07o}").as_bytes(), 8);
    field(blocks, b"0000000", 8);
    field(blocks, b"0000000", 8);
    field(blocks, format!("{size:011o}").as_bytes(), 12);
    field(blocks, format!("{seconds:011o}").as_bytes(), 12);
    field(blocks, b"        ", 8);
    field(blocks, &[type_flag], 1);
    field(blocks, link, 100);
    field(blocks, b"ustar\x0000", 8);
    field(blocks, b"", 32);
    field(blocks, b"", 32);
    field(blocks, b"0000000", 8);
    field(blocks, b"0000000", 8);
    field(blocks, b"", 155);
    blocks.resize(start + BLOCK_BYTES, 0);
    let sum: u32 = blocks[start..].iter().map(|byte| u32::from(*byte)).sum();
    blocks[start + 148..start + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// The zero bytes that fill the last block of `size` bytes.
pub(crate) fn padding(size: u64) -> usize {
    usize::try_from(size.next_multiple_of(BLOCK_BYTES as u64) - size).unwrap_or(0)
}
