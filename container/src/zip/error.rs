//! What can be wrong with an archive. Holds the words only; each rule stands where it is checked.

use super::NameError;

/// The archive can't be read or written, or isn't in the canonical form.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The stream under the archive failed.
    #[error("the archive's bytes could not be {doing}")]
    Io {
        /// `read` or `written`.
        doing: &'static str,
        /// What the stream said.
        #[source]
        source: std::io::Error,
    },
    /// The last bytes are no end record: another format, a cut file, a comment or trailing bytes.
    #[error("the archive does not end with an end record without comment")]
    NoEndRecord,
    /// The end record points outside the archive, or bytes lie between the directory and it.
    #[error("the archive's directory does not end where its end record begins")]
    Directory,
    /// More than the reader is prepared to accept.
    #[error("the archive has {found} {what}, and at most {limit} are accepted")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What the archive says.
        found: u64,
    },
    /// A header differs from the only one the canonical form allows.
    #[error("the {header} of `{name}` is not canonical: {field}")]
    Header {
        /// Which header.
        header: &'static str,
        /// Whose header; `archive` for the end records.
        name: String,
        /// The first field that differs.
        field: &'static str,
    },
    /// A name that can't be accepted.
    #[error("the archive holds an unacceptable name")]
    Name {
        /// Why.
        #[source]
        source: NameError,
    },
    /// An entry doesn't begin where the one before it ends.
    #[error("`{name}` does not begin where the entry before it ends")]
    Gap {
        /// The entry, or `central directory`.
        name: String,
    },
    /// The first entry isn't the media type.
    #[error("the first entry is not `mimetype` with the media type of ASiC-E")]
    Mimetype,
    /// No entry has this name.
    #[error("the archive holds no `{0}`")]
    UnknownEntry(String),
    /// The content has another CRC-32 than its header says.
    #[error("the content of `{name}` has another CRC-32 than its header says")]
    Checksum {
        /// The entry.
        name: String,
    },
    /// The content is longer or shorter than was announced.
    #[error("the content of `{name}` is not {announced} bytes long, as was announced")]
    Length {
        /// The entry.
        name: String,
        /// The announced size.
        announced: u64,
    },
    /// The writer failed earlier: what it wrote is no archive.
    #[error("the archive is incomplete because an earlier entry could not be written")]
    Broken,
}

impl ZipError {
    pub(super) fn reading(source: std::io::Error) -> Self {
        Self::Io { doing: "read", source }
    }

    pub(super) fn writing(source: std::io::Error) -> Self {
        Self::Io { doing: "written", source }
    }
}
