//! What can be wrong with a time stamp. Holds the words only; each rule stands where it is checked.

use rogatory_core::{Digest, Timestamp};
use rogatory_pki::certificate::CertificateError;
use rogatory_pki::path::PathError;
use rogatory_pki::signing::SignatureInvalid;

/// The time stamp can't be read or proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    /// Longer than is read.
    #[error("the time stamp has {0} bytes, more than are read")]
    TooLong(usize),
    /// Not the DER of what is expected there; indefinite lengths and trailing bytes end here too.
    #[error("the time stamp is not DER as RFC 3161 wants it: {what} can't be read")]
    Malformed {
        /// Which structure.
        what: &'static str,
    },
    /// A structure that is not accepted.
    #[error("the time stamp is not accepted: {0}")]
    Structure(&'static str),
    /// The authority refused to stamp.
    #[error("the time-stamping authority refused: status {status}{}", quoted(.text))]
    Refused {
        /// Its status, 2 to 5 (RFC 3161, 2.4.2).
        status: u8,
        /// What it says, at most 200 characters; empty if nothing.
        text: String,
    },
    /// An algorithm outside the closed list, or with other parameters.
    #[error("the {which} {oid} of the time stamp is not accepted, or not with these parameters")]
    Algorithm {
        /// Digest, imprint or signature algorithm.
        which: &'static str,
        /// Its object identifier.
        oid: String,
    },
    /// An embedded certificate can't be read.
    #[error("a certificate in the time stamp can't be read")]
    Certificate(#[source] CertificateError),
    /// Too many certificates.
    #[error("the time stamp embeds {0} certificates, more than are read")]
    TooManyCertificates(usize),
    /// The authority's own certificate isn't embedded.
    #[error("the time-stamping authority's certificate is not in the time stamp; ask for it (certReq)")]
    NoSignerCertificate,
    /// The signed attribute names another certificate.
    #[error(
        "the signing-certificate attribute of the time stamp names another certificate than that of `{subject}`"
    )]
    OtherCertificate {
        /// The embedded certificate's subject.
        subject: String,
    },
    /// A signed attribute is missing, stands twice or says something else than it must.
    #[error("the signed attribute {0} of the time stamp is missing, repeated or unexpected")]
    Attribute(&'static str),
    /// The stamped instant can't be read.
    #[error(
        "the instant or its accuracy in the time stamp can't be read, or lies outside the years 1970 to 9999"
    )]
    Time,
    /// The signed attributes stand over another `TSTInfo`.
    #[error("the time stamp's contents have another digest than its signature says")]
    MessageDigest,
    /// The key didn't make this signature.
    #[error("the signature value of the time stamp is wrong")]
    Signature(#[source] SignatureInvalid),
    /// It stamps something else.
    #[error("the time stamp is for bytes with the SHA-256 {stamped}, not for {expected}")]
    Imprint {
        /// What it stamps.
        stamped: Digest,
        /// What it should stamp.
        expected: Digest,
    },
    /// An answer to another request.
    #[error("the time stamp answers another request: its nonce is not the one that was sent")]
    Nonce,
    /// Under another policy than the one wanted.
    #[error("the time stamp was made under the policy {found}, and {wanted} is wanted")]
    Policy {
        /// The token's.
        found: String,
        /// The one wanted.
        wanted: String,
    },
    /// `TSTInfo` names another authority than the one that signed.
    #[error("the time stamp names another authority than the one that signed it, `{subject}`")]
    TsaName {
        /// Who signed.
        subject: String,
    },
    /// The authority's certificate doesn't lead to an anchor, or was not valid then.
    #[error("the time-stamping authority is not trusted at {at}")]
    Path {
        /// The stamped instant.
        at: Timestamp,
        /// Why not.
        #[source]
        source: PathError,
    },
    /// A certificate that is neither on the path nor an anchor, so nothing vouches for its bytes.
    #[error(
        "the certificate of `{subject}` in the time stamp is neither on its authority's path nor a given anchor"
    )]
    UnusedCertificate {
        /// Its subject.
        subject: String,
    },
}

fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", `{text}`") }
}
