//! Reads archives that other tools wrote, as far as all readers must see the same in them.
//!
//! Stored and deflated entries, data descriptors, comments, folders, times and ZIP64 are let pass. Refused is whatever
//! lets two readers differ: overlapping entries, bytes between them, headers that disagree, names that collide or lead
//! out, encryption. What an entry will hold is bounded by the directory before anything is inflated, inflating
//! stops there, and the directory may not say that much becomes of little. Reads streams that are handed in; never extracts.

use super::ForeignZipError;
use crate::zip::ZipLimits;
use flate2::read::DeflateDecoder;
use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR: u32 = 0x0706_4b50;
const ZIP64_EXTRA: u16 = 0x0001;
/// "Info-ZIP Unicode Path": another name for the same entry, which some readers take.
const UNICODE_PATH_EXTRA: u16 = 0x7075;
const FULL16: u64 = 0xffff;
const FULL32: u64 = 0xffff_ffff;
const END_BYTES: u64 = 22;
/// Flags: bit 3, a data descriptor follows; bits 1 and 2, how hard it was deflated; bit 11, the name is UTF-8.
const ALLOWED_FLAGS: u16 = 0b1000_0000_1110;
const DESCRIPTOR_FLAG: u16 = 0b1000;
/// The longest data descriptor: signature, CRC-32 and two 64-bit sizes.
const MAX_DESCRIPTOR_BYTES: u64 = 24;
/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// How many times larger than they are stored files may become.
const MAX_GROWTH: u64 = 100;
/// What all files of an archive together may become beyond that: little texts deflate well.
const FREE_BYTES: u64 = 64 * 1024 * 1024;

/// One file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignEntry {
    /// Its name: relative, UTF-8, `/` between folders.
    pub name: String,
    /// The length of its content.
    pub size_bytes: u64,
    stored_bytes: u64,
    deflated: bool,
    crc32: u32,
    offset: u64,
    data_offset: u64,
    descriptor: bool,
}

impl ForeignEntry {
    /// Where its bytes begin in the archive.
    #[must_use]
    pub const fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// How many bytes it takes in the archive.
    #[must_use]
    pub const fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    /// Its content, given a reader that stands at [`ForeignEntry::data_offset`].
    pub fn content<R: Read>(&self, reader: R) -> Content<R> {
        let stored = reader.take(self.stored_bytes);
        Content {
            inner: if self.deflated {
                Inner::Deflated(DeflateDecoder::new(stored))
            } else {
                Inner::Stored(stored)
            },
            left: self.size_bytes,
            crc: crc32fast::Hasher::new(),
            expected: self.crc32,
            ended: false,
        }
    }
}

enum Inner<R> {
    Stored(io::Take<R>),
    Deflated(DeflateDecoder<io::Take<R>>),
}

/// The content of one entry: exactly as long as announced, with the CRC-32 announced, or an error of kind
/// `InvalidData` at its end.
pub struct Content<R> {
    inner: Inner<R>,
    left: u64,
    crc: crc32fast::Hasher,
    expected: u32,
    ended: bool,
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wrong = |text| Err(io::Error::new(io::ErrorKind::InvalidData, text));
        if buffer.is_empty() || self.ended {
            return Ok(0);
        }
        if self.left == 0 {
            let mut more = [0];
            if self.inner.read(&mut more)? > 0 {
                return wrong("the content is longer than the archive says");
            }
            if self.crc.clone().finalize() != self.expected {
                return wrong("the content has another CRC-32 than the archive says");
            }
            self.ended = true;
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..most) else { return Ok(0) };
        let count = self.inner.read(space)?;
        if count == 0 {
            return wrong("the content is shorter than the archive says");
        }
        self.crc.update(space.get(..count).unwrap_or_default());
        self.left -= count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Inner<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(reader) => reader.read(buffer),
            Self::Deflated(reader) => reader.read(buffer),
        }
    }
}

/// An archive in which all readers see the same files.
#[derive(Debug)]
pub struct ForeignZip<R> {
    inner: R,
    entries: Vec<ForeignEntry>,
}

impl<R: Read + Seek> ForeignZip<R> {
    /// Reads end records, directory and every local header.
    ///
    /// # Errors
    /// [`ForeignZipError`] with the first thing that is not accepted.
    pub fn open(mut inner: R, limits: ZipLimits) -> Result<Self, ForeignZipError> {
        let directory = find_directory(&mut inner)?;
        limit("entries", limits.max_entries, directory.entries)?;
        let mut entries = read_directory(&mut inner, &directory, limits)?;
        for entry in &mut entries {
            read_local(&mut inner, entry)?;
        }
        check_places(&entries, directory.offset)?;
        entries.retain(|entry| !entry.name.ends_with('/'));
        Ok(Self { inner, entries })
    }

    /// The files, in the order of the directory.
    #[must_use]
    pub fn entries(&self) -> &[ForeignEntry] {
        &self.entries
    }

    /// The content of a file; nothing if there is none of this name.
    ///
    /// # Errors
    /// What the stream says.
    pub fn content(&mut self, name: &str) -> io::Result<Option<Content<&mut R>>> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else { return Ok(None) };
        self.inner.seek(SeekFrom::Start(entry.data_offset))?;
        Ok(Some(entry.content(&mut self.inner)))
    }

    /// Gives the stream and the entries.
    pub fn into_parts(self) -> (R, Vec<ForeignEntry>) {
        (self.inner, self.entries)
    }
}

struct Directory {
    entries: u64,
    offset: u64,
    size: u64,
}

fn limit(what: &'static str, limit: u64, found: u64) -> Result<(), ForeignZipError> {
    if found <= limit { Ok(()) } else { Err(ForeignZipError::Limit { what, limit, found }) }
}

/// Finds the one end record whose comment fills the rest of the file.
fn find_directory<R: Read + Seek>(inner: &mut R) -> Result<Directory, ForeignZipError> {
    let length = inner.seek(SeekFrom::End(0)).map_err(ForeignZipError::Io)?;
    let tail_bytes = length.min(END_BYTES + FULL16);
    let tail_at = length - tail_bytes;
    let tail = read_at(inner, tail_at, tail_bytes)?;
    let is_end = |at: usize| {
        let record = tail.get(at..).unwrap_or_default();
        get32(record, 0) == END
            && record.len() as u64 == END_BYTES + u64::from(get16(record, 20))
            && record.len() as u64 >= END_BYTES
    };
    let mut found = (0..tail.len().saturating_sub(21)).filter(|at| is_end(*at));
    let at = found.next().ok_or(ForeignZipError::NoEndRecord)?;
    if found.next().is_some() {
        return Err(ForeignZipError::TwoEndRecords);
    }
    let record = tail.get(at..).unwrap_or_default();
    if get16(record, 4) != 0 || get16(record, 6) != 0 || get16(record, 8) != get16(record, 10) {
        return Err(ForeignZipError::Directory);
    }
    let mut directory = Directory {
        entries: get16(record, 10).into(),
        size: get32(record, 12).into(),
        offset: get32(record, 16).into(),
    };
    let mut end_at = tail_at + at as u64;
    if directory.entries == FULL16 || directory.size == FULL32 || directory.offset == FULL32 {
        let locator_at = end_at.checked_sub(20).ok_or(ForeignZipError::Directory)?;
        let locator = read_at(inner, locator_at, 20)?;
        if get32(&locator, 0) == LOCATOR {
            let place = get64(&locator, 8);
            // A ZIP64 end record without extensible data ends where its locator begins.
            if place.checked_add(56) != Some(locator_at) {
                return Err(ForeignZipError::Directory);
            }
            let record = read_at(inner, place, 56)?;
            if get32(&record, 0) != END64 || get64(&record, 24) != get64(&record, 32) {
                return Err(ForeignZipError::Directory);
            }
            let again = Directory {
                entries: get64(&record, 32),
                size: get64(&record, 40),
                offset: get64(&record, 48),
            };
            let fits = |short: u64, full: u64, long: u64| short == full || short == long;
            if !fits(directory.entries, FULL16, again.entries)
                || !fits(directory.size, FULL32, again.size)
                || !fits(directory.offset, FULL32, again.offset)
            {
                return Err(ForeignZipError::Directory);
            }
            directory = again;
            end_at = place;
        }
    }
    if directory.offset.checked_add(directory.size) != Some(end_at) {
        return Err(ForeignZipError::Directory);
    }
    Ok(directory)
}

fn read_directory<R: Read + Seek>(
    inner: &mut R,
    directory: &Directory,
    limits: ZipLimits,
) -> Result<Vec<ForeignEntry>, ForeignZipError> {
    inner.seek(SeekFrom::Start(directory.offset)).map_err(ForeignZipError::Io)?;
    let mut bytes = BufReader::with_capacity(64 * 1024, inner.take(directory.size));
    let mut entries = Vec::new();
    let mut names = Names::default();
    let (mut total, mut read, mut beyond) = (0_u64, 0_u64, 0_u64);
    for _ in 0..directory.entries {
        let (entry, length) = read_central(&mut bytes)?;
        read += length;
        total = total.saturating_add(entry.size_bytes);
        limit("bytes of content", limits.max_total_bytes, total)?;
        let usual = entry.stored_bytes.saturating_mul(MAX_GROWTH);
        beyond = beyond.saturating_add(entry.size_bytes.saturating_sub(usual));
        if beyond > FREE_BYTES {
            return Err(ForeignZipError::Growth {
                name: quoted(&entry.name),
                size_bytes: entry.size_bytes,
                stored_bytes: entry.stored_bytes,
            });
        }
        names.insert(&entry.name)?;
        entries.push(entry);
    }
    if read == directory.size { Ok(entries) } else { Err(ForeignZipError::Directory) }
}

/// Reads one central header; gives its length too.
fn read_central(bytes: &mut impl Read) -> Result<(ForeignEntry, u64), ForeignZipError> {
    let head = take(bytes, 46)?;
    if get32(&head, 0) != CENTRAL {
        return Err(ForeignZipError::Directory);
    }
    let (name_bytes, extra_bytes, comment_bytes) = (get16(&head, 28), get16(&head, 30), get16(&head, 32));
    let raw = take(bytes, name_bytes.into())?;
    let extra = take(bytes, extra_bytes.into())?;
    take(bytes, comment_bytes.into())?;
    let name = read_name(raw)?;
    let refuse = |why| Err(ForeignZipError::Entry { name: quoted(&name), why });
    let (flags, method) = (get16(&head, 8), get16(&head, 10));
    if flags & 1 != 0 {
        return refuse("it is encrypted");
    }
    if flags & !ALLOWED_FLAGS != 0 {
        return refuse("it has flags that are not known");
    }
    if method != 0 && method != 8 {
        return refuse("it is neither stored nor deflated");
    }
    if get16(&head, 34) != 0 {
        return refuse("it lies on another disk");
    }
    if get16(&head, 4) >> 8 == 3 && get32(&head, 38) >> 16 & 0o170_000 == 0o120_000 {
        return refuse("it is a link");
    }
    let mut wide = zip64(&extra, &name)?;
    let mut value = |short: u32| {
        if u64::from(short) == FULL32 && !wide.is_empty() { wide.remove(0) } else { short.into() }
    };
    let size_bytes = value(get32(&head, 24));
    let stored_bytes = value(get32(&head, 20));
    let offset = value(get32(&head, 42));
    if method == 0 && size_bytes != stored_bytes {
        return refuse("it is stored and has two sizes");
    }
    // Deflate makes at most 1032 bytes of one.
    if size_bytes / 1032 > stored_bytes {
        return refuse("it claims to be deflated more than deflate can");
    }
    if name.ends_with('/') && size_bytes != 0 {
        return refuse("it is a folder with a content");
    }
    let entry = ForeignEntry {
        name,
        size_bytes,
        stored_bytes,
        deflated: method == 8,
        crc32: get32(&head, 16),
        offset,
        data_offset: 0,
        descriptor: flags & DESCRIPTOR_FLAG != 0,
    };
    let length = 46 + u64::from(name_bytes) + u64::from(extra_bytes) + u64::from(comment_bytes);
    Ok((entry, length))
}

/// Compares the local header with the central one and learns where the content begins.
fn read_local<R: Read + Seek>(inner: &mut R, entry: &mut ForeignEntry) -> Result<(), ForeignZipError> {
    let disagree = |what| Err(ForeignZipError::Disagree { name: quoted(&entry.name), what });
    let head = read_at(inner, entry.offset, 30)?;
    if get32(&head, 0) != LOCAL {
        return disagree("place");
    }
    let (name_bytes, extra_bytes) = (get16(&head, 26), get16(&head, 28));
    let raw = take(inner, name_bytes.into())?;
    let extra = take(inner, extra_bytes.into())?;
    if raw != entry.name.as_bytes() {
        return disagree("name");
    }
    let flags = get16(&head, 6);
    if (flags & DESCRIPTOR_FLAG != 0) != entry.descriptor || flags & !ALLOWED_FLAGS != 0 {
        return disagree("flags");
    }
    if (get16(&head, 8) == 8) != entry.deflated || !matches!(get16(&head, 8), 0 | 8) {
        return disagree("method");
    }
    let mut wide = zip64(&extra, &entry.name)?;
    let mut value = |short: u32| {
        if u64::from(short) == FULL32 && !wide.is_empty() { wide.remove(0) } else { short.into() }
    };
    let (size, stored) = (value(get32(&head, 22)), value(get32(&head, 18)));
    let crc = get32(&head, 14);
    // With a descriptor the local header may leave all three open.
    let open = entry.descriptor && size == 0 && stored == 0 && crc == 0;
    if !open && (size, stored) != (entry.size_bytes, entry.stored_bytes) {
        return disagree("size");
    }
    if !open && crc != entry.crc32 {
        return disagree("CRC-32");
    }
    let header = 30 + u64::from(name_bytes) + u64::from(extra_bytes);
    match entry.offset.checked_add(header) {
        Some(at) => entry.data_offset = at,
        None => return disagree("place"),
    }
    Ok(())
}

/// No entry lies over another, and only a data descriptor lies between them.
fn check_places(entries: &[ForeignEntry], directory: u64) -> Result<(), ForeignZipError> {
    let mut order: Vec<&ForeignEntry> = entries.iter().collect();
    order.sort_by_key(|entry| entry.offset);
    let mut position = 0;
    let mut slack = 0;
    let mut before: Option<&ForeignEntry> = None;
    let nexts = order.iter().map(|entry| (entry.offset, entry.name.as_str()));
    let ends = order.iter().map(|entry| Some(*entry)).chain([None]);
    for ((next, name), entry) in nexts.chain([(directory, "the directory")]).zip(ends) {
        if next < position {
            let name = before.map_or(name, |before| before.name.as_str());
            return Err(ForeignZipError::Overlap { name: quoted(name) });
        }
        if next - position > slack {
            return Err(ForeignZipError::Gap { name: quoted(name) });
        }
        if let Some(entry) = entry {
            position = entry
                .data_offset
                .checked_add(entry.stored_bytes)
                .ok_or_else(|| ForeignZipError::Overlap { name: quoted(&entry.name) })?;
            slack = if entry.descriptor { MAX_DESCRIPTOR_BYTES } else { 0 };
            before = Some(entry);
        }
    }
    Ok(())
}

/// The 64-bit values of a ZIP64 extra field, in their order.
fn zip64(extra: &[u8], name: &str) -> Result<Vec<u64>, ForeignZipError> {
    let refuse = |why| Err(ForeignZipError::Entry { name: quoted(name), why });
    let mut values = None;
    let mut rest = extra;
    while !rest.is_empty() {
        let length = usize::from(get16(rest, 2));
        let Some(body) = rest.get(4..4 + length) else {
            return refuse("its extra fields are damaged");
        };
        match get16(rest, 0) {
            ZIP64_EXTRA if values.is_some() => return refuse("it has two ZIP64 fields"),
            ZIP64_EXTRA => values = Some((0..length / 8).map(|n| get64(body, n * 8)).take(3).collect()),
            UNICODE_PATH_EXTRA => return refuse("it has a second name"),
            _ => {}
        }
        rest = rest.get(4 + length..).unwrap_or_default();
    }
    Ok(values.unwrap_or_default())
}

/// Why a name can't be accepted; nothing if it can.
pub(super) fn name_problem(name: &str) -> Option<&'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.is_empty() || name.len() > MAX_NAME_BYTES {
        return Some("a name has 1 to 255 bytes");
    }
    if name.chars().any(|c| c.is_control() || matches!(c, '\\' | ':')) {
        return Some("it has a backslash, a colon or a control character");
    }
    if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Some("it is not a path below the container");
    }
    None
}

fn read_name(raw: Vec<u8>) -> Result<String, ForeignZipError> {
    let name = String::from_utf8(raw).map_err(|error| ForeignZipError::Name {
        name: quoted(&String::from_utf8_lossy(error.as_bytes())),
        why: "it is not UTF-8",
    })?;
    match name_problem(&name) {
        Some(why) => Err(ForeignZipError::Name { name: quoted(&name), why }),
        None => Ok(name),
    }
}

/// The names so far: none twice, letter case aside, and none both a file and a folder.
#[derive(Default)]
struct Names {
    files: HashSet<String>,
    folders: HashSet<String>,
}

impl Names {
    fn insert(&mut self, name: &str) -> Result<(), ForeignZipError> {
        let refuse = |why| Err(ForeignZipError::Name { name: quoted(name), why });
        let folded = name.to_lowercase();
        let path = folded.strip_suffix('/').unwrap_or(&folded);
        for (at, _) in path.match_indices('/') {
            let folder = path.get(..at).unwrap_or_default();
            if self.files.contains(folder) {
                return refuse("it is both a file and a folder");
            }
            self.folders.insert(folder.to_owned());
        }
        if folded.ends_with('/') {
            if self.files.contains(path) {
                return refuse("it is both a file and a folder");
            }
            self.folders.insert(path.to_owned());
            return Ok(());
        }
        if self.folders.contains(path) {
            return refuse("it is both a file and a folder");
        }
        if !self.files.insert(path.to_owned()) {
            return refuse("it occurs twice, letter case aside");
        }
        Ok(())
    }
}

/// Outside text made fit for an error message.
pub(super) fn quoted(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

fn read_at<R: Read + Seek>(inner: &mut R, at: u64, count: u64) -> Result<Vec<u8>, ForeignZipError> {
    inner.seek(SeekFrom::Start(at)).map_err(ForeignZipError::Io)?;
    take(inner, usize::try_from(count).unwrap_or(0))
}

/// Exactly `count` bytes; the counts come from fields of at most sixteen bits.
fn take(bytes: &mut impl Read, count: usize) -> Result<Vec<u8>, ForeignZipError> {
    let mut found = vec![0; count];
    bytes.read_exact(&mut found).map_err(ForeignZipError::Io)?;
    Ok(found)
}

fn get16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u16::from_le_bytes(*b))
}

fn get32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

fn get64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}
