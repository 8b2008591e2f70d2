//! Reads the canonical ZIP and accepts no other: each header is encoded again and compared.
//!
//! May call the header encoder and the name rules. [`StrictZip::open`] reads end records, directory and
//! every local header; contents are read when asked for, with their CRC-32 checked. Nothing is believed
//! before the limits were applied, and nothing is allocated by a number the archive states.

use super::name::{Names, quoted};
use super::{MIMETYPE, MIMETYPE_NAME, ZipEntry, ZipError, ZipLimits, header};
use std::io::{BufReader, Read, Seek, SeekFrom};

/// An archive whose framing was found canonical, byte for byte.
#[derive(Debug)]
pub struct StrictZip<R> {
    inner: R,
    entries: Vec<ZipEntry>,
    names: Names,
}

/// Where the directory lies, as the end records say and the length of the archive confirms.
struct Directory {
    entries: u64,
    offset: u64,
    size: u64,
}

impl<R: Read + Seek> StrictZip<R> {
    /// Reads the framing of an archive that fills the whole stream.
    ///
    /// # Errors
    /// [`ZipError`] with the first rule that is broken; [`ZipError::Limit`] before anything large is read.
    pub fn open(mut inner: R, limits: ZipLimits) -> Result<Self, ZipError> {
        let directory = find_directory(&mut inner, limits)?;
        let (entries, names) = read_directory(&mut inner, &directory, limits)?;
        check_places(&entries, &directory)?;
        check_local_headers(&mut inner, &entries)?;
        let mut zip = Self { inner, entries, names };
        zip.check_mimetype()?;
        Ok(zip)
    }

    /// The entries in the order in which they lie, `mimetype` first.
    #[must_use]
    pub fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&ZipEntry> {
        let entry = self.entries.get(self.names.place(name)?)?;
        (entry.name == name).then_some(entry)
    }

    /// Streams the content of an entry; its last bytes are given only if the CRC-32 is right.
    ///
    /// # Errors
    /// [`ZipError::UnknownEntry`] if there is none, [`ZipError::Io`] if the stream fails.
    pub fn entry_reader(&mut self, name: &str) -> Result<EntryReader<'_, R>, ZipError> {
        let entry = self.entry(name).cloned().ok_or_else(|| ZipError::UnknownEntry(quoted(name)))?;
        let start = SeekFrom::Start(entry.data_offset());
        self.inner.seek(start).map_err(ZipError::reading)?;
        Ok(EntryReader {
            inner: &mut self.inner,
            left: entry.size_bytes,
            crc: crc32fast::Hasher::new(),
            wrong: false,
            entry,
        })
    }

    /// Reads a whole entry of at most `limit_bytes`.
    ///
    /// # Errors
    /// [`ZipError::Limit`] if it is longer, [`ZipError::Checksum`] if its CRC-32 is wrong, and as
    /// [`StrictZip::entry_reader`].
    pub fn read(&mut self, name: &str, limit_bytes: u64) -> Result<Vec<u8>, ZipError> {
        let mut reader = self.entry_reader(name)?;
        if reader.left > limit_bytes {
            return Err(ZipError::Limit {
                what: "bytes in one entry",
                limit: limit_bytes,
                found: reader.left,
            });
        }
        // Bounded by the caller, and by the archive itself: the entries were found to fill it.
        let mut content = Vec::with_capacity(usize::try_from(reader.left).unwrap_or(0));
        match reader.read_to_end(&mut content) {
            Ok(_) => Ok(content),
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                Err(ZipError::Checksum { name: name.into() })
            }
            Err(e) => Err(ZipError::reading(e)),
        }
    }

    /// Gives the stream back.
    pub fn into_inner(self) -> R {
        self.inner
    }

    fn check_mimetype(&mut self) -> Result<(), ZipError> {
        let first = self.entries.first().ok_or(ZipError::Mimetype)?;
        if first.name != MIMETYPE_NAME || first.size_bytes != MIMETYPE.len() as u64 {
            return Err(ZipError::Mimetype);
        }
        let content = self.read(MIMETYPE_NAME, MIMETYPE.len() as u64)?;
        if content == MIMETYPE.as_bytes() { Ok(()) } else { Err(ZipError::Mimetype) }
    }
}

/// Reads one entry's content and checks its CRC-32.
///
/// A wrong CRC-32 is an error of kind `InvalidData` in place of the last bytes.
#[derive(Debug)]
pub struct EntryReader<'a, R> {
    inner: &'a mut R,
    entry: ZipEntry,
    left: u64,
    crc: crc32fast::Hasher,
    wrong: bool,
}

impl<R> EntryReader<'_, R> {
    /// The entry that is being read.
    #[must_use]
    pub fn entry(&self) -> &ZipEntry {
        &self.entry
    }
}

impl<R: Read> Read for EntryReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use std::io::{Error, ErrorKind};
        let wrong = || {
            let name = self.entry.name.clone();
            Error::new(ErrorKind::InvalidData, ZipError::Checksum { name })
        };
        if self.wrong {
            // Asked again after the error: never an end of file that looks like success.
            return Err(wrong());
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // Reached before any byte only by an empty entry, whose CRC-32 is 0.
            let intact = self.entry.size_bytes > 0 || self.entry.crc32 == 0;
            return if intact { Ok(0) } else { Err(wrong()) };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(most);
        let Some(space) = buffer.get_mut(..wanted) else {
            return Ok(0);
        };
        let count = self.inner.read(space)?;
        if count == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        self.crc.update(space.get(..count).unwrap_or_default());
        self.left -= count as u64;
        if self.left == 0 && self.crc.clone().finalize() != self.entry.crc32 {
            space.fill(0);
            let error = wrong();
            self.wrong = true;
            return Err(error);
        }
        Ok(count)
    }
}

/// Reads the end records; they must be the last bytes and equal to their re-encoding.
fn find_directory<R: Read + Seek>(inner: &mut R, limits: ZipLimits) -> Result<Directory, ZipError> {
    let length = inner.seek(SeekFrom::End(0)).map_err(ZipError::reading)?;
    let end_at = length.checked_sub(header::END_BYTES).ok_or(ZipError::NoEndRecord)?;
    let end = read_at(inner, end_at, header::END_BYTES)?;
    if header::get32(&end, 0) != header::END_SIGNATURE || header::get16(&end, 20) != 0 {
        return Err(ZipError::NoEndRecord);
    }
    let mut directory = Directory {
        entries: header::get16(&end, 10).into(),
        size: header::get32(&end, 12).into(),
        offset: header::get32(&end, 16).into(),
    };
    let mut found = end;
    if header::needs_end64(directory.entries, directory.size, directory.offset) {
        found = read_end64(inner, end_at, &mut directory, found)?;
    }
    limits.check("entries", limits.max_entries, directory.entries)?;
    let longest = (header::CENTRAL_BYTES + 28 + limits.max_name_bytes) as u64;
    let most = limits.max_entries.saturating_mul(longest);
    limits.check("bytes of directory", most, directory.size)?;
    let expected = header::end(directory.entries, directory.size, directory.offset);
    if found != expected {
        return Err(ZipError::Header {
            header: "end record",
            name: "archive".into(),
            field: "counts, sizes or fixed fields",
        });
    }
    let ends = directory.offset.checked_add(directory.size);
    if ends.and_then(|ends| ends.checked_add(found.len() as u64)) == Some(length) {
        Ok(directory)
    } else {
        Err(ZipError::Directory)
    }
}

/// Reads the ZIP64 end record and its locator, which precede the end record; gives all three.
fn read_end64<R: Read + Seek>(
    inner: &mut R,
    end_at: u64,
    directory: &mut Directory,
    end: Vec<u8>,
) -> Result<Vec<u8>, ZipError> {
    let both = header::END64_BYTES + header::LOCATOR_BYTES;
    let at = end_at.checked_sub(both).ok_or(ZipError::NoEndRecord)?;
    let mut found = read_at(inner, at, both)?;
    let locator = header::get32(&found, 56);
    if header::get32(&found, 0) != header::END64_SIGNATURE || locator != header::LOCATOR_SIGNATURE {
        return Err(ZipError::NoEndRecord);
    }
    directory.entries = header::get64(&found, 32);
    directory.size = header::get64(&found, 40);
    directory.offset = header::get64(&found, 48);
    found.extend_from_slice(&end);
    Ok(found)
}

fn read_directory<R: Read + Seek>(
    inner: &mut R,
    directory: &Directory,
    limits: ZipLimits,
) -> Result<(Vec<ZipEntry>, Names), ZipError> {
    let start = SeekFrom::Start(directory.offset);
    inner.seek(start).map_err(ZipError::reading)?;
    let mut bytes = BufReader::with_capacity(64 * 1024, inner.take(directory.size));
    let mut entries = Vec::new();
    let mut names = Names::default();
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    let mut total = 0_u64;
    let mut read = 0_u64;
    for place in 0..directory.entries {
        let entry = read_central(&mut bytes, &mut found, limits)?;
        header::central(&entry, &mut expected);
        header::compare_central(&entry.name, &found, &expected)?;
        read += found.len() as u64;
        total = total.saturating_add(entry.size_bytes);
        limits.check("bytes of content", limits.max_total_bytes, total)?;
        let place = usize::try_from(place).map_err(|_| ZipError::Directory)?;
        names.insert(&entry.name, place).map_err(|source| ZipError::Name { source })?;
        entries.push(entry);
    }
    if read == directory.size { Ok((entries, names)) } else { Err(ZipError::Directory) }
}

/// Reads one central header into `found` and takes from it the values all other bytes depend on.
fn read_central(bytes: &mut impl Read, found: &mut Vec<u8>, limits: ZipLimits) -> Result<ZipEntry, ZipError> {
    found.clear();
    read_more(bytes, found, header::CENTRAL_BYTES)?;
    if header::get32(found, 0) != header::CENTRAL_SIGNATURE {
        return Err(ZipError::Directory);
    }
    let name_bytes = usize::from(header::get16(found, 28));
    let limit = limits.max_name_bytes as u64;
    limits.check("bytes in a name", limit, name_bytes as u64)?;
    read_more(bytes, found, name_bytes)?;
    let name = found.get(header::CENTRAL_BYTES..).unwrap_or_default();
    let name = std::str::from_utf8(name).map_err(|_| ZipError::Name {
        source: super::NameError::Character(quoted(&String::from_utf8_lossy(name))),
    })?;
    let name = name.to_owned();
    let (size, offset) = (header::get32(found, 24), header::get32(found, 42));
    let (big, far) = (size == header::FULL32, offset == header::FULL32);
    let values = header::zip64_values(big, far);
    if values > 0 {
        read_more(bytes, found, usize::from(4 + 8 * values))?;
    }
    let first = header::CENTRAL_BYTES + name_bytes + 4;
    let second = if big { first + 16 } else { first };
    Ok(ZipEntry {
        name,
        size_bytes: if big { header::get64(found, first) } else { size.into() },
        crc32: header::get32(found, 16),
        offset: if far { header::get64(found, second) } else { offset.into() },
    })
}

/// The entries fill the archive from its first byte to the directory, in the directory's order.
fn check_places(entries: &[ZipEntry], directory: &Directory) -> Result<(), ZipError> {
    let mut position = 0_u64;
    for entry in entries {
        // Sizes were summed under the limit, so only a hostile offset could overflow; it is compared first.
        if entry.offset != position {
            return Err(ZipError::Gap { name: entry.name.clone() });
        }
        position = entry.end_offset();
    }
    if position == directory.offset {
        Ok(())
    } else {
        Err(ZipError::Gap { name: "central directory".into() })
    }
}

fn check_local_headers<R: Read + Seek>(inner: &mut R, entries: &[ZipEntry]) -> Result<(), ZipError> {
    let mut expected = Vec::new();
    let mut found = Vec::new();
    for entry in entries {
        header::local(&entry.name, entry.size_bytes, entry.crc32, &mut expected);
        let start = SeekFrom::Start(entry.offset);
        inner.seek(start).map_err(ZipError::reading)?;
        found.clear();
        read_more(inner, &mut found, expected.len())?;
        header::compare_local(&entry.name, &found, &expected)?;
    }
    Ok(())
}

fn read_at<R: Read + Seek>(inner: &mut R, at: u64, count: u64) -> Result<Vec<u8>, ZipError> {
    let mut bytes = Vec::new();
    inner.seek(SeekFrom::Start(at)).map_err(ZipError::reading)?;
    read_more(inner, &mut bytes, usize::try_from(count).unwrap_or(0))?;
    Ok(bytes)
}

/// Appends exactly `count` bytes; the counts are bounded by headers of fixed form.
fn read_more(bytes: &mut impl Read, to: &mut Vec<u8>, count: usize) -> Result<(), ZipError> {
    let start = to.len();
    to.resize(start + count, 0);
    let space = to.get_mut(start..).unwrap_or_default();
    bytes.read_exact(space).map_err(ZipError::reading)
}

impl ZipLimits {
    fn check(self, what: &'static str, limit: u64, found: u64) -> Result<(), ZipError> {
        if found <= limit {
            return Ok(());
        }
        Err(ZipError::Limit { what, limit, found })
    }
}
