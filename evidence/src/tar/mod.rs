//! The deterministic tar of a folder exhibit.
//!
//! Holds the entry type and its one encoding: POSIX ustar with pax headers where a value does not
//! fit, owner 0, no user names. `stream` makes a tar from a folder, `reader` reads one strictly,
//! `hard_links` knows the files with several names. Calls nothing here. Never writes what is not
//! determined by path, type, mode, time, attributes and content.

pub(crate) mod hard_links;
pub(crate) mod reader;
pub(crate) mod stream;
#[cfg(test)]
mod tests;

use crate::attributes::ExtendedAttributes;
use crate::files_list::push_number;
use crate::record::FileTime;
use std::borrow::Cow;

/// The unit of a tar.
pub(crate) const BLOCK_BYTES: usize = 512;
/// Two empty blocks end a tar.
pub(crate) const END_BYTES: u64 = 1024;
/// The largest number that fits eleven octal digits.
const MAX_OCTAL_11: u64 = 0o777_7777_7777;

/// The longest pax header: paths, numbers, and the extended attributes.
pub(crate) const MAX_PAX_BYTES: u64 = 1024 * 1024;
/// The most files of one tar that await a further name at a time, and the most bytes of their paths.
pub(crate) const MAX_AWAITING: usize = 131_072;
pub(crate) const MAX_AWAITING_BYTES: usize = 16 * 1024 * 1024;
/// The name in the header of a file with holes: a reader that knows no holes shall not take its map
/// for content of the file.
const SPARSE_NAME: &[u8] = b"GNUSparseFile.0/entry";
/// What begins the key of a record that holds an extended attribute.
const ATTRIBUTE_KEY: &[u8] = b"SCHILY.xattr.";

/// One entry of a tar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Path below the folder, raw bytes, no slash at the end.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: EntryKind,
    /// Permission bits.
    pub(crate) mode: u32,
    pub(crate) modified: FileTime,
    /// Rising by name. None for a hard link: they are those of the file.
    pub(crate) attributes: ExtendedAttributes,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum EntryKind {
    File {
        size_bytes: u64,
    },
    /// A file with holes: its content is a map and the data.
    Sparse {
        /// The size of the file.
        size_bytes: u64,
        /// What of it stands in the tar, the map included.
        stored_bytes: u64,
    },
    Folder,
    Link {
        target: Vec<u8>,
    },
    /// A further name of a file that came before.
    HardLink {
        target: Vec<u8>,
    },
}

impl Entry {
    /// The path as it stands in the tar: a folder's ends with a slash. Entries rise by it.
    pub(crate) fn stored_path(&self) -> Vec<u8> {
        self.path_in_tar().into_owned()
    }

    fn path_in_tar(&self) -> Cow<'_, [u8]> {
        if self.kind == EntryKind::Folder {
            [&self.path, &b"/"[..]].concat().into()
        } else {
            (&self.path).into()
        }
    }

    /// Where a link or a further name points.
    fn target(&self) -> &[u8] {
        match &self.kind {
            EntryKind::File { .. } | EntryKind::Sparse { .. } | EntryKind::Folder => b"",
            EntryKind::Link { target } | EntryKind::HardLink { target } => target,
        }
    }

    /// The bytes of content that follow the header, without padding.
    pub(crate) const fn content_bytes(&self) -> u64 {
        match self.kind {
            EntryKind::File { size_bytes } => size_bytes,
            EntryKind::Sparse { stored_bytes, .. } => stored_bytes,
            EntryKind::Folder | EntryKind::Link { .. } | EntryKind::HardLink { .. } => 0,
        }
    }

    /// Appends all header blocks: a pax header if one is needed, then the entry's own.
    pub(crate) fn push_header(&self, blocks: &mut Vec<u8>) {
        let (path, target) = (self.path_in_tar(), self.target());
        let path = &*path;
        let type_flag = match &self.kind {
            EntryKind::File { .. } | EntryKind::Sparse { .. } => b'0',
            EntryKind::Folder => b'5',
            EntryKind::Link { .. } => b'2',
            EntryKind::HardLink { .. } => b'1',
        };
        if self.needs_pax(path, target) {
            let pax = self.pax_records(path, target);
            push_block(blocks, b"PaxHeaders/entry", 0o644, pax.len() as u64, 0, b'x', b"");
            let end = blocks.len() + pax.len().next_multiple_of(BLOCK_BYTES);
            blocks.extend_from_slice(&pax);
            blocks.resize(end, 0);
        }
        let size = if self.content_bytes() > MAX_OCTAL_11 { 0 } else { self.content_bytes() };
        let seconds = short_seconds(self.modified).unwrap_or(0);
        let path = if let EntryKind::Sparse { .. } = self.kind { SPARSE_NAME } else { path };
        push_block(blocks, path, self.mode & 0o7777, size, seconds, type_flag, target);
    }

    /// The bytes of all header blocks.
    pub(crate) fn header_bytes(&self) -> u64 {
        let (path, target) = (self.path_in_tar(), self.target());
        let path = &*path;
        let pax = if self.needs_pax(path, target) {
            BLOCK_BYTES + self.pax_records(path, target).len().next_multiple_of(BLOCK_BYTES)
        } else {
            0
        };
        (pax + BLOCK_BYTES) as u64
    }

    /// All header blocks, for tests.
    #[cfg(test)]
    pub(crate) fn header(&self) -> Vec<u8> {
        let mut blocks = Vec::new();
        self.push_header(&mut blocks);
        blocks
    }

    fn needs_pax(&self, path: &[u8], target: &[u8]) -> bool {
        self.modified.nanoseconds != 0
            || !fits(path)
            || !fits(target)
            || !self.attributes.is_empty()
            || matches!(self.kind, EntryKind::Sparse { .. })
            || self.content_bytes() > MAX_OCTAL_11
            || short_seconds(self.modified).is_none()
    }

    /// The pax records for what the ustar header cannot hold, in a fixed order.
    fn pax_records(&self, path: &[u8], target: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        let sparse_size = match self.kind {
            EntryKind::Sparse { size_bytes, .. } => Some(size_bytes),
            _ => None,
        };
        let (long_path, long_target) = (!fits(path) || sparse_size.is_some(), !fits(target));
        let no_text = (long_path && std::str::from_utf8(path).is_err())
            || (long_target && std::str::from_utf8(target).is_err());
        if no_text {
            push_record(&mut records, b"hdrcharset", b"BINARY");
        }
        if let Some(size) = sparse_size {
            push_record(&mut records, b"GNU.sparse.major", b"1");
            push_record(&mut records, b"GNU.sparse.minor", b"0");
            push_record(&mut records, b"GNU.sparse.name", path);
            push_record(&mut records, b"GNU.sparse.realsize", size.to_string().as_bytes());
        } else if long_path {
            push_record(&mut records, b"path", path);
        }
        if long_target {
            push_record(&mut records, b"linkpath", target);
        }
        if self.content_bytes() > MAX_OCTAL_11 {
            push_record(&mut records, b"size", self.content_bytes().to_string().as_bytes());
        }
        if self.modified.nanoseconds != 0 || short_seconds(self.modified).is_none() {
            push_record(&mut records, b"mtime", decimal(self.modified).as_bytes());
        }
        for (name, value) in &self.attributes {
            push_record(&mut records, &attribute_key(name), value);
        }
        records
    }

    /// The bytes of the pax header, which has a limit.
    pub(crate) fn pax_bytes(&self) -> u64 {
        if self.attributes.is_empty() {
            return 0; // paths and numbers always fit
        }
        self.header_bytes().saturating_sub(2 * BLOCK_BYTES as u64)
    }
}

/// The key of an attribute's record; `=` and `%` in its name are escaped, as GNU tar does.
fn attribute_key(name: &[u8]) -> Vec<u8> {
    let mut key = ATTRIBUTE_KEY.to_vec();
    for byte in name {
        match byte {
            b'%' => key.extend_from_slice(b"%25"),
            b'=' => key.extend_from_slice(b"%3D"),
            other => key.push(*other),
        }
    }
    key
}

/// The attribute's name, from what follows the beginning of its key.
fn attribute_name(key: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(key.len());
    let mut rest = key;
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            name.push(*byte);
        } else if let Some(after) = rest.strip_prefix(b"25") {
            name.push(b'%');
            rest = after;
        } else {
            rest = rest.strip_prefix(b"3D")?;
            name.push(b'=');
        }
    }
    crate::attributes::is_attribute_name(&name).then_some(name)
}

/// Whether a name fits the 100 bytes of a ustar header, which are ASCII.
fn fits(name: &[u8]) -> bool {
    name.len() <= 100 && name.is_ascii()
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
fn push_record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let digits = |number: usize| number.checked_ilog10().map_or(1, |digits| digits as usize + 1);
    let mut length = rest + 1;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    push_number(records, length as u64);
    records.push(b' ');
    records.extend_from_slice(key);
    records.push(b'=');
    records.extend_from_slice(value);
    records.push(b'\n');
}

/// Writes `value` in octal digits that fill `field`.
fn put_octal(field: &mut [u8], mut value: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value & 7) as u8;
        value >>= 3;
    }
}

/// Writes a name into its field: the first bytes of it, `_` for what is not ASCII. What does not fit
/// stands in a pax record too.
fn put_name(field: &mut [u8], name: &[u8]) {
    for (place, byte) in field.iter_mut().zip(name) {
        *place = if byte.is_ascii() { *byte } else { b'_' };
    }
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
    let mut block = [0; BLOCK_BYTES];
    put_name(&mut block[..100], name);
    put_octal(&mut block[100..107], mode.into());
    for number in [108..115, 116..123, 329..336, 337..344] {
        put_octal(&mut block[number], 0);
    }
    put_octal(&mut block[124..135], size);
    put_octal(&mut block[136..147], seconds);
    block[148..156].fill(b' ');
    block[156] = type_flag;
    put_name(&mut block[157..257], link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put_octal(&mut block[148..154], sum.into());
    block[154] = 0;
    blocks.extend_from_slice(&block);
}

/// The zero bytes that fill the last block of `size` bytes.
pub(crate) fn padding(size: u64) -> usize {
    usize::try_from(size.next_multiple_of(BLOCK_BYTES as u64) - size).unwrap_or(0)
}
