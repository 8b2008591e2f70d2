//! Writes the canonical ZIP in one pass to a seekable stream.
//!
//! May call the header encoder and the name rules. Holds a name and a few integers for each entry, whatever the
//! sizes; never holds or copies content it was handed as a stream.

use super::name::Names;
use super::{MIMETYPE, MIMETYPE_NAME, ZipEntry, ZipError, header};
use std::io::{BufRead, Seek, SeekFrom, Write};

/// Writes one archive, entry by entry; the first must be `mimetype`.
///
/// The stream is written from its position 0. After an error the writer refuses to go on: what lies in the
/// stream is no archive, and without [`ZipWriter::finish`] no reader takes it for one.
#[derive(Debug)]
pub struct ZipWriter<W> {
    inner: W,
    entries: Vec<ZipEntry>,
    names: Names,
    position: u64,
    header: Vec<u8>,
    broken: bool,
}

impl<W: Write + Seek> ZipWriter<W> {
    /// Begins an archive at position 0 of an empty stream.
    #[must_use]
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            entries: Vec::new(),
            names: Names::default(),
            position: 0,
            header: Vec::new(),
            broken: false,
        }
    }

    /// Adds the first entry, `mimetype`, with the media type of ASiC-E.
    ///
    /// # Errors
    /// As [`ZipWriter::add`].
    pub fn add_mimetype(&mut self) -> Result<&ZipEntry, ZipError> {
        self.add(MIMETYPE_NAME, MIMETYPE.as_bytes())
    }

    /// Adds a file that is at hand.
    ///
    /// # Errors
    /// [`ZipError::Mimetype`] if the first entry isn't the media type, [`ZipError::Name`] for a name that
    /// can't stand or collides, [`ZipError::Io`] if the stream fails.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<&ZipEntry, ZipError> {
        if self.entries.is_empty() && content != MIMETYPE.as_bytes() {
            return Err(ZipError::Mimetype);
        }
        let (size_bytes, crc32) = (content.len() as u64, crc32fast::hash(content));
        let offset = self.begin(name, size_bytes, crc32)?;
        self.inner.write_all(content).map_err(ZipError::writing)?;
        self.end(ZipEntry { name: name.to_owned(), size_bytes, crc32, offset })
    }

    /// Adds a file of a known size from a stream, in one pass.
    ///
    /// With `crc32` the header is written complete at once and the content is checked against it; without,
    /// the header is completed afterwards.
    ///
    /// # Errors
    /// As [`ZipWriter::add`]; [`ZipError::Length`] if `content` is longer or shorter than `size_bytes`,
    /// [`ZipError::Checksum`] if it has another CRC-32 than `crc32`.
    pub fn add_stream(
        &mut self,
        name: &str,
        size_bytes: u64,
        crc32: Option<u32>,
        content: impl BufRead,
    ) -> Result<&ZipEntry, ZipError> {
        let offset = self.begin(name, size_bytes, crc32.unwrap_or(0))?;
        let found = self.copy(name, size_bytes, content)?;
        match crc32 {
            Some(announced) if announced != found => {
                return Err(ZipError::Checksum { name: name.into() });
            }
            Some(_) => {}
            None => self.complete_header(offset, size_bytes, name, found)?,
        }
        self.end(ZipEntry { name: name.to_owned(), size_bytes, crc32: found, offset })
    }

    /// Writes the local header of the next entry; until [`ZipWriter::end`] the archive is broken.
    fn begin(&mut self, name: &str, size_bytes: u64, crc32: u32) -> Result<u64, ZipError> {
        if self.broken {
            return Err(ZipError::Broken);
        }
        if self.entries.is_empty() && (name != MIMETYPE_NAME || size_bytes != MIMETYPE.len() as u64) {
            return Err(ZipError::Mimetype);
        }
        self.names.insert(name, self.entries.len()).map_err(|source| ZipError::Name { source })?;
        self.broken = true;
        header::local(name, size_bytes, crc32, &mut self.header);
        self.inner.write_all(&self.header).map_err(ZipError::writing)?;
        Ok(self.position)
    }

    /// Takes up an entry whose content was written.
    fn end(&mut self, entry: ZipEntry) -> Result<&ZipEntry, ZipError> {
        self.position = entry.end_offset();
        self.broken = false;
        self.entries.push(entry);
        self.entries.last().ok_or(ZipError::Broken)
    }

    /// Writes the directory and gives the stream back, flushed.
    ///
    /// # Errors
    /// [`ZipError::Broken`] after an earlier error, [`ZipError::Mimetype`] if nothing was added,
    /// [`ZipError::Io`] if the stream fails.
    pub fn finish(mut self) -> Result<W, ZipError> {
        if self.broken {
            return Err(ZipError::Broken);
        }
        if self.entries.is_empty() {
            return Err(ZipError::Mimetype);
        }
        let mut directory_bytes = 0_u64;
        for entry in &self.entries {
            header::central(entry, &mut self.header);
            directory_bytes += self.header.len() as u64;
            self.inner.write_all(&self.header).map_err(ZipError::writing)?;
        }
        let end = header::end(self.entries.len() as u64, directory_bytes, self.position);
        self.inner.write_all(&end).map_err(ZipError::writing)?;
        self.inner.flush().map_err(ZipError::writing)?;
        Ok(self.inner)
    }

    /// The entries written so far.
    #[must_use]
    pub fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    fn copy(&mut self, name: &str, size: u64, mut content: impl BufRead) -> Result<u32, ZipError> {
        let wrong_length = || ZipError::Length { name: name.to_owned(), announced: size };
        let mut crc = crc32fast::Hasher::new();
        let mut left = size;
        loop {
            let read = match content.fill_buf() {
                Ok([]) => break,
                Ok(read) => read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(ZipError::reading(e)),
            };
            let count = read.len();
            left = left.checked_sub(count as u64).ok_or_else(wrong_length)?;
            crc.update(read);
            self.inner.write_all(read).map_err(ZipError::writing)?;
            content.consume(count);
        }
        if left == 0 { Ok(crc.finalize()) } else { Err(wrong_length()) }
    }

    /// Writes the CRC-32 into the local header at `offset` and goes back to the end of the content.
    fn complete_header(&mut self, offset: u64, size: u64, name: &str, crc32: u32) -> Result<(), ZipError> {
        let at = SeekFrom::Start(offset + header::LOCAL_CRC_AT);
        self.inner.seek(at).map_err(ZipError::writing)?;
        self.inner.write_all(&crc32.to_le_bytes()).map_err(ZipError::writing)?;
        let end = offset + header::local_length(name.len(), size) + size;
        self.inner.seek(SeekFrom::Start(end)).map_err(ZipError::writing)?;
        Ok(())
    }
}
