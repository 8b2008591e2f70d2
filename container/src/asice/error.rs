//! What can be wrong with a formal document; each error names the part. Holds the words only.

use crate::cades::CadesError;
use crate::manifest::ManifestError;
use crate::zip::ZipError;

/// The document can't be made or read, or doesn't verify.
#[derive(Debug, thiserror::Error)]
pub enum AsiceError {
    /// Longer than a formal document may be.
    #[error("the document has {found} bytes, and at most {limit} are accepted")]
    TooLong {
        /// Its length.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The archive isn't readable or not canonical.
    #[error("the document is no canonical container")]
    Zip(#[source] ZipError),
    /// No content at all.
    #[error("the document holds no content file")]
    Empty,
    /// A content file has a name that is kept for something else.
    #[error("`{0}` can't be the name of a content file")]
    ReservedName(String),
    /// More signatures than are accepted.
    #[error("the document has more signatures than the {limit} that are accepted")]
    TooManySignatures {
        /// The limit.
        limit: usize,
    },
    /// It was sealed with the list of its signers, so nothing may follow.
    #[error("the document is sealed and can't be signed again")]
    Sealed,
    /// Something else stands where the form has one file only: a gap in the numbering, a missing signature,
    /// a file in another place.
    #[error("`{expected}` is expected in the document, and {found} stands there")]
    Layout {
        /// The file that belongs there.
        expected: String,
        /// What stands there: a name in backquotes, or the end.
        found: String,
    },
    /// A manifest can't be made or read.
    #[error("`{part}` is no canonical manifest")]
    Manifest {
        /// The manifest.
        part: String,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// A manifest names another signature than the one beside it.
    #[error("`{part}` names `{found}` as its signature")]
    OtherSignature {
        /// The manifest.
        part: String,
        /// What it names.
        found: String,
    },
    /// A manifest leaves out a file it must cover.
    #[error("`{part}` does not cover `{file}`")]
    NotCovered {
        /// The manifest.
        part: String,
        /// The file.
        file: String,
    },
    /// A manifest refers to a file that isn't there, or that it must not cover.
    #[error("`{part}` refers to `{file}`, which is not in the document before it")]
    Unknown {
        /// The manifest.
        part: String,
        /// The file.
        file: String,
    },
    /// A manifest's references are in another order, or state another media type than they must.
    #[error("`{part}` does not refer to `{file}` in its place and with its media type")]
    Reference {
        /// The manifest.
        part: String,
        /// The first file that is wrong.
        file: String,
    },
    /// The bytes aren't the ones that what they say demands.
    #[error("the document is not in the canonical form")]
    NotCanonical,
    /// A file isn't the one that was signed.
    #[error("`{file}` has another digest than `{part}` says")]
    Digest {
        /// The manifest.
        part: String,
        /// The file.
        file: String,
    },
    /// A signature couldn't be made.
    #[error("`{part}` could not be made")]
    Signing {
        /// The signature.
        part: String,
        /// Why.
        #[source]
        source: CadesError,
    },
    /// A signature doesn't verify.
    #[error("`{part}` does not verify")]
    Signature {
        /// The signature.
        part: String,
        /// Why.
        #[source]
        source: CadesError,
    },
}
