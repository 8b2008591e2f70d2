//! The imported file: every digest sorted, a filter and a table of samples.
//!
//! Holds the writing and the reading of `FILE.hashes`. May write that file and read it by position.
//! What lies in it is checked before it is used: filter, tables and trailer by their digest when it is
//! opened, each block of records by its checksum when it is read; so a damaged file is an error, never
//! a digest that isn't found.
//!
//! ```text
//!   magic │ records by algorithm, sorted │ filter │ tables │ trailer (JSON) │ its SHA-256 │ its length │ magic
//! ```
//! A record is the digest and the number of its list (two bytes); a table has for every block of 256
//! records the first eight bytes of its first digest and the block's CRC-32. Numbers are big-endian.

use super::sort::{Sorter, Temporary};
use super::{Algorithm, FILTER_BYTES, Filter, HashListError, MAX_DIGESTS, MAX_LISTS, NamedList, parse};
use crate::raw_path::bytes_of;
use crate::record::display;
use crate::sink::{Sibling, WriteError};
use crate::streams::{BUFFER_BYTES, Hashing, read_full};
use crate::walk::shown;
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const MAGIC: [u8; 8] = *b"ROGHASH\x01";
/// The records of a block.
const BLOCK_RECORDS: usize = 256;
/// A line of a table: eight bytes of a digest, a checksum.
const SAMPLE_BYTES: usize = 12;
/// Trailer's digest, trailer's length, magic.
const END_BYTES: u64 = 32 + 4 + 8;
const MAX_TRAILER_BYTES: usize = 1024 * 1024;
/// The longest name of a list, in characters.
const MAX_NAME_CHARACTERS: usize = 120;

/// How many records of an algorithm there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    algorithm: Algorithm,
    records: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    format: u32,
    lists: Vec<NamedList>,
    sections: Vec<Section>,
    filter_bytes: u64,
    /// Over filter and tables.
    tables_sha256: Digest,
}

/// A list that was imported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ImportedList {
    /// Its name and digest.
    #[serde(flatten)]
    pub list: NamedList,
    /// The digests taken from it.
    pub digests: u64,
    /// Its entries without any digest.
    pub without_digest: u64,
}

/// What was imported.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ImportReport {
    /// The file that was written.
    #[serde(serialize_with = "crate::path_text")]
    pub output: PathBuf,
    /// The lists, in the order in which they were named.
    pub lists: Vec<ImportedList>,
    /// Different digests by algorithm: SHA-256, SHA-1, MD5.
    pub digests: [u64; 3],
    /// The size of the file.
    pub size_bytes: u64,
}

/// Imports lists into the file `output`, which must not exist.
///
/// # Errors
/// [`HashListError`] names the list and its line; nothing stands under the name then.
pub fn import(paths: &[PathBuf], output: &Path) -> Result<ImportReport, HashListError> {
    let (sibling, mut file) = Sibling::file(output).map_err(HashListError::Write)?;
    let collected = collect(paths, sibling.parent())?;
    let lists = collected.lists.clone();
    let failed = |source| HashListError::Write(WriteError::io(sibling.path(), source));
    let (digests, size_bytes) = collected.write(&mut file).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let output = sibling.rename().map_err(HashListError::Write)?;
    Ok(ImportReport { output, lists, digests, size_bytes })
}

/// Imports lists into a temporary file in `folder` that goes with the value.
pub(super) fn import_temporarily(
    paths: &[PathBuf],
    folder: &Path,
    room: u64,
) -> Result<Store, HashListError> {
    let collected = collect(paths, folder)?;
    let mut temporary = Temporary::create(folder).map_err(HashListError::Temporary)?;
    collected.write(&mut temporary.file).map_err(HashListError::Temporary)?;
    let file = temporary.file.try_clone().map_err(HashListError::Temporary)?;
    let mut store = Store::open(file, Path::new("(temporary)"), room)?;
    store.temporary = Some(temporary);
    Ok(store)
}

/// Everything read from lists, sorted as far as the memory goes.
struct Collected {
    lists: Vec<ImportedList>,
    sha256: Sorter<34>,
    sha1: Sorter<22>,
    md5: Sorter<18>,
}

fn collect(paths: &[PathBuf], folder: &Path) -> Result<Collected, HashListError> {
    if paths.len() > MAX_LISTS {
        return Err(HashListError::TooManyLists);
    }
    let mut collected = Collected {
        lists: Vec::new(),
        sha256: Sorter::new(folder),
        sha1: Sorter::new(folder),
        md5: Sorter::new(folder),
    };
    for (number, path) in (0_u16..).zip(paths) {
        let list = shown(path);
        let failed = |source| HashListError::Read { list: list.clone(), source };
        let file = File::open(path).map_err(failed)?;
        let mut input = BufReader::with_capacity(BUFFER_BYTES, Hashing::new(file));
        let read = parse::read_list(&mut input, &list, &mut |algorithm, digest| {
            collected.take(algorithm, digest, number)
        })?;
        io::copy(&mut input, &mut io::sink()).map_err(failed)?;
        let (sha256, _) = input.into_inner().finish();
        let name = path.file_name().map(bytes_of).unwrap_or_default();
        let name = display(&name).chars().take(MAX_NAME_CHARACTERS).collect();
        collected.lists.push(ImportedList {
            list: NamedList { name, sha256 },
            digests: read.digests,
            without_digest: read.without_digest,
        });
    }
    Ok(collected)
}

/// A digest and its list's number.
fn record<const W: usize>(digest: &[u8], number: u16) -> [u8; W] {
    let mut record = [0; W];
    for (to, from) in record.iter_mut().zip(digest.iter().chain(&number.to_be_bytes())) {
        *to = *from;
    }
    record
}

impl Collected {
    fn take(&mut self, algorithm: Algorithm, digest: &[u8], number: u16) -> Result<(), HashListError> {
        if self.count() >= MAX_DIGESTS {
            return Err(HashListError::TooManyDigests);
        }
        let taken = match algorithm {
            Algorithm::Sha256 => self.sha256.push(record(digest, number)),
            Algorithm::Sha1 => self.sha1.push(record(digest, number)),
            Algorithm::Md5 => self.md5.push(record(digest, number)),
        };
        taken.map_err(HashListError::Temporary)
    }

    const fn count(&self) -> u64 {
        self.sha256.count() + self.sha1.count() + self.md5.count()
    }

    /// Writes the file; tells the records by algorithm and its size.
    fn write(self, file: &mut File) -> io::Result<([u64; 3], u64)> {
        let filter = Filter::for_digests(self.count(), FILTER_BYTES);
        let mut writer = Writer {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            filter,
            tables: Vec::new(),
            block: Vec::new(),
            size: 0,
        };
        writer.put(&MAGIC)?;
        let counts = [writer.section(self.sha256)?, writer.section(self.sha1)?, writer.section(self.md5)?];
        let lists = self.lists.into_iter().map(|imported| imported.list).collect();
        let size = writer.finish(lists, counts)?;
        Ok((counts, size))
    }
}

struct Writer<'a> {
    file: BufWriter<&'a mut File>,
    filter: Filter,
    tables: Vec<u8>,
    block: Vec<u8>,
    size: u64,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn section<const W: usize>(&mut self, sorter: Sorter<W>) -> io::Result<u64> {
        let count = sorter.merge(&mut |record| {
            self.filter.insert(record.get(..W - 2).unwrap_or_default());
            self.block.extend_from_slice(record);
            if self.block.len() == BLOCK_RECORDS * W { self.end_block() } else { Ok(()) }
        })?;
        self.end_block()?;
        Ok(count)
    }

    fn end_block(&mut self) -> io::Result<()> {
        let block = std::mem::take(&mut self.block);
        if let Some(first) = block.get(..8) {
            self.tables.extend_from_slice(first);
            self.tables.extend_from_slice(&crc32fast::hash(&block).to_be_bytes());
            self.put(&block)?;
        }
        self.block = block;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self, lists: Vec<NamedList>, counts: [u64; 3]) -> io::Result<u64> {
        let filter = std::mem::replace(&mut self.filter, Filter::for_digests(0, 1));
        let tables = std::mem::take(&mut self.tables);
        let sections = Algorithm::ALL.into_iter().zip(counts);
        let trailer = Trailer {
            format: 1,
            lists,
            sections: sections.map(|(algorithm, records)| Section { algorithm, records }).collect(),
            filter_bytes: filter.bytes().len() as u64,
            tables_sha256: digest_of(filter.bytes(), &tables),
        };
        self.put(filter.bytes())?;
        self.put(&tables)?;
        let trailer = serde_json::to_vec(&trailer)?;
        self.put(&trailer)?;
        self.put(Digest::of(&trailer).as_bytes())?;
        let length = u32::try_from(trailer.len()).map_err(io::Error::other)?;
        self.put(&length.to_be_bytes())?;
        self.put(&MAGIC)?;
        self.file.flush()?;
        Ok(self.size)
    }
}

fn digest_of(filter: &[u8], tables: &[u8]) -> Digest {
    let mut hasher = sha2::Sha256::new();
    hasher.update(filter);
    hasher.update(tables);
    Digest::from_bytes(hasher.finalize().into())
}

/// Whether `file` begins as an imported one does; it is at its beginning afterwards.
pub(super) fn is_imported(file: &File) -> io::Result<bool> {
    let mut file = file;
    let mut head = [0; MAGIC.len()];
    let filled = read_full(&mut file, &mut head)?;
    file.rewind()?;
    Ok(filled == head.len() && head == MAGIC)
}

/// The records of one algorithm.
#[derive(Debug, Default)]
struct Records {
    start: u64,
    count: u64,
    /// One a block: eight bytes of its first digest, its checksum.
    table: Vec<(u64, u32)>,
}

/// An imported file, open.
#[derive(Debug)]
pub(super) struct Store {
    path: String,
    file: Mutex<File>,
    lists: Vec<NamedList>,
    filter: Option<Filter>,
    records: [Records; 3],
    temporary: Option<Temporary>,
}

impl std::fmt::Debug for Temporary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Temporary")
    }
}

impl Store {
    /// Opens the file at `path`; the filter is loaded if it is no longer than `room`.
    pub(super) fn open(mut file: File, path: &Path, room: u64) -> Result<Self, HashListError> {
        let path = shown(path);
        let damaged = |what| HashListError::Damaged { path: path.clone(), what };
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it is cut off"),
            _ => HashListError::Read { list: path.clone(), source },
        };
        let length = file.metadata().map_err(failed)?.len();
        let trailer =
            read_trailer(&mut file, length).map_err(failed)?.ok_or_else(|| damaged("its trailer"))?;
        let known = trailer.sections.iter().map(|section| section.algorithm).eq(Algorithm::ALL);
        let total = trailer.sections.iter().try_fold(0_u64, |sum, section| sum.checked_add(section.records));
        let sound = trailer.format == 1
            && known
            && total.is_some_and(|total| (1..=MAX_DIGESTS).contains(&total))
            && (1..=MAX_LISTS).contains(&trailer.lists.len())
            && trailer.filter_bytes <= FILTER_BYTES + 64;
        if !sound {
            return Err(damaged("its trailer says what cannot be"));
        }
        let mut at = MAGIC.len() as u64;
        let mut records = [Records::default(), Records::default(), Records::default()];
        for (section, records) in trailer.sections.iter().zip(&mut records) {
            records.start = at;
            records.count = section.records;
            at += section.records * (section.algorithm.digest_bytes() as u64 + 2);
        }
        let blocks: u64 = records.iter().map(|records| records.count.div_ceil(BLOCK_RECORDS as u64)).sum();
        let tables_bytes = blocks * SAMPLE_BYTES as u64;
        if file.stream_position().map_err(failed)? != at + trailer.filter_bytes + tables_bytes {
            return Err(damaged("it is longer or shorter than its trailer says"));
        }
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let filter = read_exactly(&mut file, trailer.filter_bytes).map_err(failed)?;
        let tables = read_exactly(&mut file, tables_bytes).map_err(failed)?;
        if digest_of(&filter, &tables) != trailer.tables_sha256 {
            return Err(damaged("its tables have another digest"));
        }
        let mut samples = tables.chunks_exact(SAMPLE_BYTES).map(|sample| {
            let (first, checksum) = sample.split_at(8);
            let first = first.try_into().map(u64::from_be_bytes).unwrap_or_default();
            (first, checksum.try_into().map(u32::from_be_bytes).unwrap_or_default())
        });
        for records in &mut records {
            let blocks = usize::try_from(records.count.div_ceil(BLOCK_RECORDS as u64)).unwrap_or(usize::MAX);
            records.table = samples.by_ref().take(blocks).collect();
        }
        let filter = if trailer.filter_bytes <= room { Filter::from_bytes(filter) } else { None };
        Ok(Self { path, file: Mutex::new(file), lists: trailer.lists, filter, records, temporary: None })
    }

    pub(super) fn lists(&self) -> &[NamedList] {
        &self.lists
    }

    /// What the filter takes of the memory.
    pub(super) fn filter_bytes(&self) -> u64 {
        self.filter.as_ref().map_or(0, |filter| filter.bytes().len() as u64)
    }

    pub(super) fn digests(&self, algorithm: Algorithm) -> u64 {
        self.records.get(algorithm.place()).map_or(0, |records| records.count)
    }

    /// Tells every list that holds `digest`.
    pub(super) fn find(
        &self,
        algorithm: Algorithm,
        digest: &[u8],
        mut tell: impl FnMut(&NamedList),
    ) -> Result<(), HashListError> {
        let Some(records) = self.records.get(algorithm.place()).filter(|records| records.count > 0) else {
            return Ok(());
        };
        if self.filter.as_ref().is_some_and(|filter| !filter.may_hold(digest)) {
            return Ok(());
        }
        let first = digest.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
        let width = algorithm.digest_bytes() + 2;
        // The block before the first one that begins at or after the digest may end with it.
        let begin = records.table.partition_point(|(sample, _)| *sample < first).saturating_sub(1);
        let mut block = Vec::new();
        for (place, (sample, checksum)) in records.table.iter().enumerate().skip(begin) {
            if *sample > first {
                break;
            }
            self.read_block(records, place, width, &mut block)?;
            if crc32fast::hash(&block) != *checksum {
                return Err(HashListError::Damaged { path: self.path.clone(), what: "a block's checksum" });
            }
            for record in block.chunks_exact(width) {
                let Some(number) = record.strip_prefix(digest).and_then(|rest| rest.try_into().ok()) else {
                    continue;
                };
                match self.lists.get(usize::from(u16::from_be_bytes(number))) {
                    Some(list) => tell(list),
                    None => {
                        let what = "a record names a list that is not there";
                        return Err(HashListError::Damaged { path: self.path.clone(), what });
                    }
                }
            }
        }
        Ok(())
    }

    fn read_block(
        &self,
        records: &Records,
        place: usize,
        width: usize,
        block: &mut Vec<u8>,
    ) -> Result<(), HashListError> {
        let before = place as u64 * BLOCK_RECORDS as u64;
        let count = (records.count - before).min(BLOCK_RECORDS as u64);
        block.resize(usize::try_from(count).unwrap_or(0) * width, 0);
        // A file whose reader panicked is still a file.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(records.start + before * width as u64))
            .and_then(|_| file.read_exact(block))
            .map_err(|source| HashListError::Read { list: self.path.clone(), source })
    }
}

/// Reads the trailer and leaves `file` where it begins; `None` if it isn't one.
fn read_trailer(file: &mut File, length: u64) -> io::Result<Option<Trailer>> {
    let Some(end) = length.checked_sub(END_BYTES).filter(|end| *end >= MAGIC.len() as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(end))?;
    let mut last = [0; END_BYTES as usize];
    file.read_exact(&mut last)?;
    let (digest, rest) = last.split_at(32);
    let (size, magic) = rest.split_at(4);
    let size = size.try_into().map(u32::from_be_bytes).unwrap_or(u32::MAX) as usize;
    let Some(start) = end.checked_sub(size as u64).filter(|_| magic == MAGIC && size <= MAX_TRAILER_BYTES)
    else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(start))?;
    let bytes = read_exactly(file, size as u64)?;
    file.seek(SeekFrom::Start(start))?;
    if Digest::of(&bytes).as_bytes().as_slice() != digest {
        return Ok(None);
    }
    Ok(serde_json::from_slice(&bytes).ok())
}

/// Reads `count` bytes, a number that was checked before.
fn read_exactly(file: &mut File, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
