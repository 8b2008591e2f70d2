//! What can be wrong with a foreign container; each error names the part. Holds the words only.

use crate::cades::CadesError;
use std::io;

/// The archive can't be read, or two readers could see two different things in it.
#[derive(Debug, thiserror::Error)]
pub enum ForeignZipError {
    /// The stream under the archive failed, or ends within a header.
    #[error("the archive cannot be read")]
    Io(#[source] io::Error),
    /// No end record, cut or another format.
    #[error("the archive does not end with an end record")]
    NoEndRecord,
    /// Two places could be the end record.
    #[error("the archive has two places that could be its end record")]
    TwoEndRecords,
    /// The end records contradict each other or the file.
    #[error("the archive's directory does not lie where its end record says")]
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
    /// Files that would become much larger than they are stored.
    #[error(
        "`{name}` would become {size_bytes} bytes of the {stored_bytes} it has in the archive, and no more than a hundredfold of all is accepted; ask for it to be stored, not deflated"
    )]
    Growth {
        /// The file with which it is too much.
        name: String,
        /// What it would become.
        size_bytes: u64,
        /// What it is.
        stored_bytes: u64,
    },
    /// The name can't be accepted.
    #[error("the archive holds the name `{name}`: {why}")]
    Name {
        /// The name, escaped.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The entry has a feature that is not accepted.
    #[error("`{name}` in the archive is not accepted: {why}")]
    Entry {
        /// The entry.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// Local and central header of an entry disagree.
    #[error("the two headers of `{name}` in the archive disagree about its {what}")]
    Disagree {
        /// The entry.
        name: String,
        /// About what.
        what: &'static str,
    },
    /// Two entries lie over each other, or an entry over the directory.
    #[error("`{name}` in the archive overlaps what follows it")]
    Overlap {
        /// The entry.
        name: String,
    },
    /// Bytes that belong to no entry.
    #[error("bytes that belong to nothing lie in the archive before `{name}`")]
    Gap {
        /// What follows them.
        name: String,
    },
}

/// The text is no manifest of the plain XML that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignXmlError {
    /// Longer than is read.
    #[error("it has {0} bytes, more than are read")]
    TooLong(usize),
    /// Not UTF-8, or declared to be something else.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// A document type, entity, comment, section or instruction.
    #[error("it holds {what} at byte {at}, which is not accepted")]
    Construct {
        /// What.
        what: &'static str,
        /// Where.
        at: usize,
    },
    /// Not well-formed.
    #[error("it is not well-formed at byte {at}: {expected} is expected there")]
    Form {
        /// Where.
        at: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// Too deep, or too much of something.
    #[error("it has more {0} than are accepted")]
    Limit(&'static str),
    /// Well-formed, but no manifest.
    #[error("it is no ASiC manifest: {0}")]
    Manifest(String),
}

/// The container doesn't verify.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// Nothing is signed.
    #[error("it holds no ASiC manifest in META-INF, so nothing in it is signed")]
    NoManifest,
    /// More manifests than are looked at.
    #[error("it holds more than {0} manifests")]
    TooManyLayers(usize),
    /// `mimetype` says something else.
    #[error("its `mimetype` is not that of ASiC-E")]
    Mimetype,
    /// A file can't be read; for an archive also if its content is not what the headers say.
    #[error("`{file}` cannot be read")]
    Read {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A manifest can't be read.
    #[error("`{part}` cannot be read as a manifest")]
    Manifest {
        /// The manifest.
        part: String,
        /// Why.
        #[source]
        source: ForeignXmlError,
    },
    /// A manifest names a signature that is not there, or that another manifest names too.
    #[error("`{part}` names the signature `{signature}`, which {why}")]
    SignatureName {
        /// The manifest.
        part: String,
        /// The signature.
        signature: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A signature that no manifest names.
    #[error("no manifest names the signature `{0}`")]
    StraySignature(String),
    /// A signature doesn't verify.
    #[error("`{part}` does not verify")]
    Signature {
        /// The signature.
        part: String,
        /// Why.
        #[source]
        source: CadesError,
    },
    /// A manifest covers a file that isn't there.
    #[error("`{part}` covers `{file}`, which is not there")]
    Missing {
        /// The manifest.
        part: String,
        /// The file.
        file: String,
    },
    /// A file isn't the one that was signed.
    #[error("`{file}` has another digest than `{part}` says")]
    Digest {
        /// The manifest.
        part: String,
        /// The file.
        file: String,
    },
    /// A file that no signature covers.
    #[error("`{0}` is covered by no signature")]
    NotCovered(String),
}
