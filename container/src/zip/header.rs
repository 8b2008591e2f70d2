//! Every header of the canonical ZIP, encoded from the few values it depends on.
//!
//! Reader and writer both call these functions, so the form is stated once. Pure; reads nothing. The
//! field tables serve only to say *which* field of an outside header differs.

use super::{ZipEntry, ZipError};

pub(super) const LOCAL_BYTES: usize = 30;
pub(super) const CENTRAL_BYTES: usize = 46;
pub(super) const END_BYTES: u64 = 22;
pub(super) const END64_BYTES: u64 = 56;
pub(super) const LOCATOR_BYTES: u64 = 20;
/// Where a local header holds the CRC-32.
pub(super) const LOCAL_CRC_AT: u64 = 14;

const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
pub(super) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
pub(super) const END_SIGNATURE: u32 = 0x0605_4b50;
pub(super) const END64_SIGNATURE: u32 = 0x0606_4b50;
pub(super) const LOCATOR_SIGNATURE: u32 = 0x0706_4b50;
const ZIP64_EXTRA: u16 = 0x0001;

/// The value that says "look in the ZIP64 record".
pub(super) const FULL32: u32 = u32::MAX;
const FULL16: u16 = u16::MAX;

const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// Upper byte of "version made by": the attributes are those of UNIX.
const HOST_UNIX: u16 = 3 << 8;
/// 1980-01-01 as MS-DOS writes it; the time is 0.
const DOS_DATE: u16 = 0x0021;
/// A regular file, rw-r--r--.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// A size or an offset this large doesn't fit its 32-bit field.
pub(super) fn overflows(value: u64) -> bool {
    value >= u64::from(FULL32)
}

fn narrow32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(FULL32)
}

fn narrow16(value: u64) -> u16 {
    u16::try_from(value).unwrap_or(FULL16)
}

/// Length of a local header with its name and extra field.
pub(super) fn local_length(name_bytes: usize, size: u64) -> u64 {
    let extra = if overflows(size) { 20 } else { 0 };
    LOCAL_BYTES as u64 + name_bytes as u64 + extra
}

/// The local header of an entry.
pub(super) fn local(name: &str, size: u64, crc32: u32, out: &mut Vec<u8>) {
    out.clear();
    let big = overflows(size);
    put32(out, LOCAL_SIGNATURE);
    put16(out, if big { VERSION_ZIP64 } else { VERSION });
    shared_fields(out, size, crc32);
    put16(out, narrow16(name.len() as u64));
    put16(out, if big { 20 } else { 0 });
    out.extend_from_slice(name.as_bytes());
    if big {
        put16(out, ZIP64_EXTRA);
        put16(out, 16);
        put64(out, size);
        put64(out, size);
    }
}

/// The central header of an entry.
pub(super) fn central(entry: &ZipEntry, out: &mut Vec<u8>) {
    out.clear();
    let big = overflows(entry.size_bytes);
    let far = overflows(entry.offset);
    let values = zip64_values(big, far);
    let version = if values > 0 { VERSION_ZIP64 } else { VERSION };
    put32(out, CENTRAL_SIGNATURE);
    put16(out, HOST_UNIX | version);
    put16(out, version);
    shared_fields(out, entry.size_bytes, entry.crc32);
    put16(out, narrow16(entry.name.len() as u64));
    put16(out, if values > 0 { 4 + 8 * values } else { 0 });
    put16(out, 0); // comment
    put16(out, 0); // disk
    put16(out, 0); // internal attributes
    put32(out, ATTRIBUTES);
    put32(out, narrow32(entry.offset));
    out.extend_from_slice(entry.name.as_bytes());
    if values > 0 {
        put16(out, ZIP64_EXTRA);
        put16(out, 8 * values);
    }
    if big {
        put64(out, entry.size_bytes);
        put64(out, entry.size_bytes);
    }
    if far {
        put64(out, entry.offset);
    }
}

/// How many 64-bit values the extra field of a central header holds.
pub(super) fn zip64_values(big: bool, far: bool) -> u16 {
    u16::from(big) * 2 + u16::from(far)
}

/// Flags, method, time, date, CRC-32 and the two equal sizes: the same in both headers.
fn shared_fields(out: &mut Vec<u8>, size: u64, crc32: u32) {
    put16(out, 0); // flags
    put16(out, 0); // method: stored
    put16(out, 0); // time
    put16(out, DOS_DATE);
    put32(out, crc32);
    put32(out, narrow32(size));
    put32(out, narrow32(size));
}

/// Whether the directory needs the ZIP64 end record.
pub(super) fn needs_end64(entries: u64, size: u64, offset: u64) -> bool {
    entries >= u64::from(FULL16) || overflows(size) || overflows(offset)
}

/// All end records of an archive whose directory has this many entries, this size and this offset.
pub(super) fn end(entries: u64, size: u64, offset: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(98);
    if needs_end64(entries, size, offset) {
        put32(&mut out, END64_SIGNATURE);
        put64(&mut out, END64_BYTES - 12);
        put16(&mut out, HOST_UNIX | VERSION_ZIP64);
        put16(&mut out, VERSION_ZIP64);
        put32(&mut out, 0); // this disk
        put32(&mut out, 0); // disk of the directory
        put64(&mut out, entries);
        put64(&mut out, entries);
        put64(&mut out, size);
        put64(&mut out, offset);
        put32(&mut out, LOCATOR_SIGNATURE);
        put32(&mut out, 0);
        put64(&mut out, offset.saturating_add(size));
        put32(&mut out, 1);
    }
    put32(&mut out, END_SIGNATURE);
    put16(&mut out, 0);
    put16(&mut out, 0);
    put16(&mut out, narrow16(entries));
    put16(&mut out, narrow16(entries));
    put32(&mut out, narrow32(size));
    put32(&mut out, narrow32(offset));
    put16(&mut out, 0);
    out
}

const LOCAL_FIELDS: [(usize, &str); 12] = [
    (0, "signature"),
    (4, "version needed"),
    (6, "flags (encryption, data descriptor or encoding)"),
    (8, "method other than stored"),
    (10, "time"),
    (12, "date"),
    (14, "CRC-32"),
    (18, "compressed size"),
    (22, "size"),
    (26, "name length"),
    (28, "extra field"),
    (30, "name or extra field"),
];

const CENTRAL_FIELDS: [(usize, &str); 18] = [
    (0, "signature"),
    (4, "version made by"),
    (6, "version needed"),
    (8, "flags (encryption, data descriptor or encoding)"),
    (10, "method other than stored"),
    (12, "time"),
    (14, "date"),
    (16, "CRC-32"),
    (20, "compressed size"),
    (24, "size"),
    (28, "name length"),
    (30, "extra field"),
    (32, "comment"),
    (34, "disk"),
    (36, "internal attributes"),
    (38, "external attributes"),
    (42, "offset"),
    (46, "name or extra field"),
];

/// Compares a local header with the expected one.
pub(super) fn compare_local(name: &str, found: &[u8], expected: &[u8]) -> Result<(), ZipError> {
    compare("local header", name, &LOCAL_FIELDS, found, expected)
}

/// Compares a central header with the expected one.
pub(super) fn compare_central(name: &str, found: &[u8], expected: &[u8]) -> Result<(), ZipError> {
    compare("central header", name, &CENTRAL_FIELDS, found, expected)
}

fn compare(
    header: &'static str,
    name: &str,
    fields: &[(usize, &'static str)],
    found: &[u8],
    expected: &[u8],
) -> Result<(), ZipError> {
    if found == expected {
        return Ok(());
    }
    let differs = found.iter().zip(expected).position(|(a, b)| a != b);
    let at = differs.unwrap_or(found.len().min(expected.len()));
    let field = fields.iter().rev().find(|(start, _)| *start <= at);
    Err(ZipError::Header {
        header,
        name: name.to_owned(),
        field: field.map_or("length", |(_, field)| *field),
    })
}

fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// The little-endian value at `at`, or 0 where the bytes end: callers compare the re-encoding anyway.
pub(super) fn get16(bytes: &[u8], at: usize) -> u16 {
    let array = bytes.get(at..at + 2).and_then(|b| b.try_into().ok());
    array.map_or(0, u16::from_le_bytes)
}

/// As [`get16`], four bytes.
pub(super) fn get32(bytes: &[u8], at: usize) -> u32 {
    let array = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
    array.map_or(0, u32::from_le_bytes)
}

/// As [`get16`], eight bytes.
pub(super) fn get64(bytes: &[u8], at: usize) -> u64 {
    let array = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
    array.map_or(0, u64::from_le_bytes)
}
