//! The canonical ZIP of profile 1: one way to write each archive, and a reader that accepts no other.
//!
//! Entries are stored, in order, without gaps; `mimetype` comes first; local headers are complete; every
//! header byte follows from name, size, CRC-32 and offset, so that the reader can encode it again and
//! compare. ZIP64 records appear exactly where a field would overflow. The room reads and writes streams
//! handed in; it never opens a file by name, never inflates and never extracts.

#[cfg(test)]
pub(crate) mod crafted;
mod error;
mod header;
#[cfg(test)]
mod hostile;
mod name;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use error::ZipError;
pub use name::{NameError, check_name};
pub use reader::{EntryReader, StrictZip};
pub use writer::ZipWriter;

/// The name of the first entry of every container.
pub const MIMETYPE_NAME: &str = "mimetype";

/// What the first entry holds: the media type of ASiC-E.
pub const MIMETYPE: &str = "application/vnd.etsi.asic-e+zip";

/// What a reader is prepared to accept, said before the first byte is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZipLimits {
    /// Entries, `mimetype` included.
    pub max_entries: u64,
    /// Bytes of one name.
    pub max_name_bytes: usize,
    /// Bytes of all entries together.
    pub max_total_bytes: u64,
}

impl ZipLimits {
    /// For formal documents: 64 entries and one mebibyte.
    pub const DOCUMENT: Self = Self { max_entries: 64, max_name_bytes: 128, max_total_bytes: 1 << 20 };

    /// For evidence packages: 400,000 entries and 64 tebibytes.
    pub const PACKAGE: Self = Self { max_entries: 400_000, max_name_bytes: 255, max_total_bytes: 1 << 46 };
}

/// One stored file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipEntry {
    /// The name: ASCII, relative, `/` between folders.
    pub name: String,
    /// Length of the content.
    pub size_bytes: u64,
    /// CRC-32 of the content.
    pub crc32: u32,
    /// Where the entry's local header begins.
    pub offset: u64,
}

impl ZipEntry {
    /// Where the content begins: right after the local header.
    #[must_use]
    pub fn data_offset(&self) -> u64 {
        self.offset + header::local_length(self.name.len(), self.size_bytes)
    }

    /// Where the content ends.
    #[must_use]
    pub fn end_offset(&self) -> u64 {
        self.data_offset() + self.size_bytes
    }
}
