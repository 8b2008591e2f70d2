//! What can be wrong with a signature. Holds the words only; each rule stands where it is checked.

use rogatory_pki::certificate::CertificateError;
use rogatory_pki::path::PathError;
use rogatory_pki::signing::{SignError, SignatureInvalid};

/// The signature can't be made, isn't in the accepted form, or doesn't verify.
#[derive(Debug, thiserror::Error)]
pub enum CadesError {
    /// Longer than is read.
    #[error("the signature has {0} bytes, more than are read")]
    TooLong(usize),
    /// Not the DER of what is expected there; indefinite lengths and trailing bytes end here too.
    #[error("the signature is not DER: {what} can't be read")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// What the decoder says.
        #[source]
        source: der::Error,
    },
    /// A structure that the profile excludes.
    #[error("the signature is outside the profile: {0}")]
    Structure(&'static str),
    /// Nobody signed, or several did.
    #[error("the signature has {0} signers, and exactly one is expected")]
    Signers(usize),
    /// Only the content was signed: neither the certificate nor the time is bound.
    #[error("the signature has no signed attributes, so it binds neither certificate nor time")]
    NoSignedAttributes,
    /// Attributes beside the signature that it doesn't cover.
    #[error("the signature carries unsigned attributes, and none are accepted yet")]
    UnsignedAttributes,
    /// A required attribute isn't there.
    #[error("the signed attribute {0} is missing")]
    MissingAttribute(&'static str),
    /// An attribute occurs twice, or has none or several values.
    #[error("the signed attribute {0} does not stand exactly once with one value")]
    RepeatedAttribute(String),
    /// An attribute that the profile doesn't know.
    #[error("the signed attribute {0} is not accepted")]
    UnknownAttribute(String),
    /// An attribute says something else than it must.
    #[error("the signed attribute {0} has an unexpected value")]
    AttributeValue(&'static str),
    /// An algorithm outside the closed list, or with other parameters.
    #[error("the {which} {oid} is not accepted, or not with these parameters")]
    Algorithm {
        /// Digest or signature algorithm.
        which: &'static str,
        /// Its object identifier.
        oid: String,
    },
    /// An embedded certificate can't be read.
    #[error("a certificate in the signature can't be read")]
    Certificate(#[source] CertificateError),
    /// Too many certificates.
    #[error("the signature embeds {0} certificates, more than are read")]
    TooManyCertificates(usize),
    /// The signer's own certificate isn't embedded.
    #[error("the signer's certificate is not in the signature")]
    NoSignerCertificate,
    /// A self-signed certificate is embedded; an anchor is never taken from a signature.
    #[error("the signature embeds the self-signed certificate of `{subject}`")]
    SelfSigned {
        /// Its subject.
        subject: String,
    },
    /// The signed attribute names another certificate than the one embedded for the signer.
    #[error("the signing-certificate attribute names another certificate than that of `{subject}`")]
    OtherCertificate {
        /// The embedded certificate's subject.
        subject: String,
    },
    /// r or s isn't a minimal positive integer, or bytes follow.
    #[error("the ECDSA signature value is not the minimal DER of two positive integers")]
    EcdsaValue,
    /// The bytes differ from the only encoding of what they say.
    #[error("the signature is not in the canonical form at byte {at}")]
    NotCanonical {
        /// Offset of the first byte that differs.
        at: usize,
    },
    /// The content isn't the one that was signed.
    #[error("the signed content has another digest than the signature says")]
    MessageDigest,
    /// The key didn't make this signature.
    #[error("the signature value is wrong")]
    Signature(#[source] SignatureInvalid),
    /// The certificate leads to no anchor.
    #[error("the signer's certificate is not trusted")]
    Path(#[source] PathError),
    /// A certificate that isn't on the path, so nothing vouches for its bytes.
    #[error("the embedded certificate of `{subject}` is not part of the signer's path")]
    UnusedCertificate {
        /// Its subject.
        subject: String,
    },
    /// The signing time can't be written, or not in the way the standard says.
    #[error(
        "the signing time is outside the years 1970 to 9999 or written in another way than its year demands"
    )]
    Time,
    /// The signer's function can't be written.
    #[error("the signer's function is empty, too long, or has control characters or spaces at its ends")]
    Function,
    /// The key couldn't be used.
    #[error("the signer could not sign")]
    Sign(#[source] SignError),
}

impl CadesError {
    pub(super) fn malformed(what: &'static str) -> impl FnOnce(der::Error) -> Self {
        move |source| Self::Malformed { what, source }
    }
}
