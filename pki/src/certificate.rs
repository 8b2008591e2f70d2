//! X.509 certificates, parsed once and then only asked.
//!
//! Holds the certificate's bytes with what the rest of the house needs from them. May call the
//! X.509 parser and nothing else. Never decides whether a certificate is to be believed: that is
//! [`crate::path`]. Display texts are cleaned of control characters, because they come from outside.

use crate::distinguished_name as name;
use crate::identity::{self, Identity, IdentityError};
use data_encoding::BASE64;
use rogatory_core::{Digest, Timestamp};
use rustls_pki_types::pem::{PemObject, SectionKind};
use std::fmt;
use std::sync::Arc;
use x509_parser::asn1_rs::FromDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::{SubjectPublicKeyInfo, X509Version};

/// The largest certificate that is read, in bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 32 * 1024;
/// The most certificates that a chain in PEM may hold.
pub const MAX_CHAIN: usize = 16;
/// The largest PEM text of a chain, in bytes.
const MAX_CHAIN_TEXT_BYTES: usize = 1024 * 1024;

/// The last second that a [`Timestamp`] can hold: 9999-12-30T22:00:00Z.
const LAST_SECOND: i64 = 253_402_207_200;

/// The bytes or the text are no certificate we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Larger than [`MAX_CERTIFICATE_BYTES`].
    #[error("the certificate has {size_bytes} bytes, more than the {MAX_CERTIFICATE_BYTES} that are read")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
    },
    /// Not the DER of an X.509 certificate.
    #[error("the bytes are no X.509 certificate: {what}")]
    Malformed {
        /// What is wrong with them.
        what: &'static str,
    },
    /// The PEM text is damaged.
    #[error("the text is no PEM: {what}")]
    Pem {
        /// What the decoder says.
        what: String,
    },
    /// The PEM text holds no certificate.
    #[error("the text holds no certificate: `-----BEGIN CERTIFICATE-----` is expected")]
    NoCertificate,
    /// The PEM text holds too much.
    #[error("the text holds more than {limit} certificates or is unreasonably long")]
    TooMany {
        /// The most certificates that are read.
        limit: usize,
    },
}

/// The subject's public key, as far as signatures need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// ECDSA on P-256.
    P256 {
        /// The point as it stands in the certificate (SEC 1).
        point: Vec<u8>,
    },
    /// ECDSA on P-384.
    P384 {
        /// The point as it stands in the certificate (SEC 1).
        point: Vec<u8>,
    },
    /// RSA.
    Rsa {
        /// The DER of the `RSAPublicKey`.
        der: Vec<u8>,
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// A key we neither sign nor verify documents with.
    Other {
        /// Its algorithm as a dotted object identifier.
        algorithm: String,
    },
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 { .. } => f.write_str("ECDSA P-256"),
            Self::P384 { .. } => f.write_str("ECDSA P-384"),
            Self::Rsa { bits, .. } => write!(f, "RSA {bits}"),
            Self::Other { algorithm } => write!(f, "algorithm {algorithm}"),
        }
    }
}

/// An X.509 certificate. Cheap to clone; equal when the bytes are equal.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

struct Parsed {
    der: Vec<u8>,
    digest: Digest,
    serial: Vec<u8>,
    subject: String,
    subject_der: Vec<u8>,
    issuer: String,
    issuer_der: Vec<u8>,
    common_name: Option<String>,
    serial_number_attribute: Option<String>,
    not_before: Timestamp,
    not_after: Timestamp,
    spki: Vec<u8>,
    public_key: PublicKey,
    version_one: bool,
    authority: bool,
    key_usage: Option<KeyUsage>,
    /// Extended key usage is critical and names time stamping alone.
    stamps_time: bool,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    identity: Result<Identity, IdentityError>,
}

#[derive(Clone, Copy)]
struct KeyUsage {
    signs_documents: bool,
    signs_certificates: bool,
}

impl Certificate {
    /// Parses one certificate from its DER.
    ///
    /// # Errors
    /// [`CertificateError`] if it is too large, no X.509, or followed by other bytes.
    pub fn from_der(der: Vec<u8>) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge { size_bytes: der.len() });
        }
        let parsed = parse(&der)?;
        Ok(Self(Arc::new(Parsed { der, ..parsed })))
    }

    /// Reads every certificate of a PEM text, in the text's order; 1 to [`MAX_CHAIN`] of them.
    ///
    /// Other PEM sections and text around them are passed over.
    ///
    /// # Errors
    /// [`CertificateError`] if there is none, there are too many, or one of them is damaged.
    pub fn pem_chain(text: &str) -> Result<Vec<Self>, CertificateError> {
        if text.len() > MAX_CHAIN_TEXT_BYTES {
            return Err(CertificateError::TooMany { limit: MAX_CHAIN });
        }
        Self::from_pem_text(text, MAX_CHAIN)
    }

    /// Reads at most `limit` certificates from PEM.
    pub(crate) fn from_pem_text(text: &str, limit: usize) -> Result<Vec<Self>, CertificateError> {
        let mut certificates = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            let (kind, der) =
                section.map_err(|error| CertificateError::Pem { what: name::clean(&error.to_string()) })?;
            if kind != SectionKind::Certificate {
                continue;
            }
            if certificates.len() >= limit {
                return Err(CertificateError::TooMany { limit });
            }
            certificates.push(Self::from_der(der)?);
        }
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        Ok(certificates)
    }

    /// The certificate's DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The SHA-256 of the DER, by which certificates are named.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The SHA-1 of the DER, by which older time stamps name their signer's certificate: good for telling which one
    /// is meant, and for nothing else.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, self.der());
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest.as_ref());
        bytes
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let text = BASE64.encode(&self.0.der);
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII, so every position is a boundary.
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// The serial number that the issuer gave, as its big-endian bytes in the certificate.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The subject for people: `C=MD, O=Central Authority, CN=…`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.0.subject.clone()
    }

    /// The subject's first common name.
    #[must_use]
    pub fn subject_common_name(&self) -> Option<String> {
        self.0.common_name.clone()
    }

    /// The subject's `serialNumber` attribute: a person's or institution's number in its register.
    #[must_use]
    pub fn serial_number_attribute(&self) -> Option<String> {
        self.0.serial_number_attribute.clone()
    }

    /// The subject's name as DER.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject_der
    }

    /// The issuer for people.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.0.issuer.clone()
    }

    /// The issuer's name as DER.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer_der
    }

    /// The first second of validity.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// The last second of validity, inclusive.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// Whether the certificate stands for itself: issuer equals subject, and no key identifier says otherwise.
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        self.0.subject_der == self.0.issuer_der
            && match (&self.0.authority_key_id, &self.0.subject_key_id) {
                (Some(authority), Some(subject)) => authority == subject,
                _ => true,
            }
    }

    /// Whether basic constraints make it a certification authority.
    #[must_use]
    pub fn is_authority(&self) -> bool {
        self.0.authority
    }

    /// Whether its key usage, if it has one, lets the key sign documents: digitalSignature or nonRepudiation.
    #[must_use]
    pub fn may_sign_documents(&self) -> bool {
        self.0.key_usage.is_none_or(|usage| usage.signs_documents)
    }

    /// Whether it is a time-stamping authority's: extended key usage is critical and names timeStamping and nothing
    /// else (RFC 3161, 2.3), and key usage, if there is one, lets the key sign.
    #[must_use]
    pub fn may_stamp_time(&self) -> bool {
        self.0.stamps_time && self.may_sign_documents()
    }

    /// Whether it may stand as an issuer in a path: an authority whose key usage, if any, has keyCertSign.
    #[must_use]
    pub fn may_issue(&self) -> bool {
        self.0.authority && self.0.key_usage.is_none_or(|usage| usage.signs_certificates)
    }

    /// Whether it may stand as a trust anchor: may issue, or is a self-signed root of X.509 version 1.
    pub(crate) fn may_anchor(&self) -> bool {
        self.may_issue() || (self.0.version_one && self.is_self_signed())
    }

    /// Whether the names (and key identifiers, where both have them) say that `issuer` issued this certificate.
    ///
    /// A hint for putting a chain in order; the signature is checked by [`crate::path`].
    #[must_use]
    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.0.issuer_der == issuer.0.subject_der
            && match (&self.0.authority_key_id, &issuer.0.subject_key_id) {
                (Some(authority), Some(subject)) => authority == subject,
                _ => true,
            }
    }

    /// The DER of the whole SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The subject's public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Whom the certificate speaks for: its single `rogatory://` URI.
    ///
    /// # Errors
    /// [`IdentityError`] if there is no URI, more than one, or another one. Signing certificates
    /// need none.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        self.0.identity.clone()
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.0.subject, self.0.digest)
    }
}

/// Takes from the DER all that is asked later; `der` itself is left empty.
fn parse(der: &[u8]) -> Result<Parsed, CertificateError> {
    let malformed = |what| CertificateError::Malformed { what };
    let (rest, x509) =
        X509Certificate::from_der(der).map_err(|_| malformed("its structure can't be read"))?;
    if !rest.is_empty() {
        return Err(malformed("other bytes follow it"));
    }
    let authority = x509
        .basic_constraints()
        .map_err(|_| malformed("its basic constraints are damaged or stand twice"))?
        .is_some_and(|constraints| constraints.value.ca);
    let key_usage =
        x509.key_usage().map_err(|_| malformed("its key usage is damaged or stands twice"))?.map(|usage| {
            KeyUsage {
                signs_documents: usage.value.digital_signature() || usage.value.non_repudiation(),
                signs_certificates: usage.value.key_cert_sign(),
            }
        });
    let stamps_time = x509
        .extended_key_usage()
        .map_err(|_| malformed("its extended key usage is damaged or stands twice"))?
        .is_some_and(|usage| {
            let named = usage.value;
            let others = named.any
                || named.server_auth
                || named.client_auth
                || named.code_signing
                || named.email_protection
                || named.ocsp_signing
                || !named.other.is_empty();
            usage.critical && named.time_stamping && !others
        });
    let (mut subject_key_id, mut authority_key_id) = (None, None);
    for extension in x509.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            _ => {}
        }
    }
    Ok(Parsed {
        der: Vec::new(),
        digest: Digest::of(der),
        serial: x509.raw_serial().to_vec(),
        subject: name::display(x509.subject()),
        subject_der: x509.subject().as_raw().to_vec(),
        issuer: name::display(x509.issuer()),
        issuer_der: x509.issuer().as_raw().to_vec(),
        common_name: name::attribute(x509.subject(), name::COMMON_NAME),
        serial_number_attribute: name::attribute(x509.subject(), name::SERIAL_NUMBER),
        not_before: instant(x509.validity().not_before.timestamp())?,
        not_after: instant(x509.validity().not_after.timestamp())?,
        spki: x509.public_key().raw.to_vec(),
        public_key: public_key(x509.public_key()),
        version_one: x509.version() == X509Version::V1,
        authority,
        key_usage,
        stamps_time,
        subject_key_id,
        authority_key_id,
        identity: identity::of(&x509),
    })
}

/// An instant of the validity. RFC 5280, 4.1.2.5 writes "for ever" as the last second of the year 9999, which lies a
/// day behind the last [`Timestamp`] and becomes that.
fn instant(seconds: i64) -> Result<Timestamp, CertificateError> {
    Timestamp::from_seconds(seconds.min(LAST_SECOND))
        .map_err(|_| CertificateError::Malformed { what: "its validity can't be read" })
}

fn public_key(spki: &SubjectPublicKeyInfo<'_>) -> PublicKey {
    let algorithm = spki.algorithm.algorithm.to_id_string();
    let bytes: &[u8] = &spki.subject_public_key.data;
    let curve = || {
        let parameters = spki.algorithm.parameters.as_ref()?;
        Some(parameters.clone().oid().ok()?.to_id_string())
    };
    match algorithm.as_str() {
        "1.2.840.10045.2.1" => match curve().as_deref() {
            Some("1.2.840.10045.3.1.7") => PublicKey::P256 { point: bytes.to_vec() },
            Some("1.3.132.0.34") => PublicKey::P384 { point: bytes.to_vec() },
            Some(curve) => PublicKey::Other { algorithm: format!("{algorithm} on {curve}") },
            None => PublicKey::Other { algorithm },
        },
        "1.2.840.113549.1.1.1" => match RSAPublicKey::from_der(bytes) {
            Ok(([], key)) => PublicKey::Rsa { der: bytes.to_vec(), bits: bit_length(key.modulus) },
            _ => PublicKey::Other { algorithm },
        },
        _ => PublicKey::Other { algorithm },
    }
}

/// The length in bits of a big-endian number.
fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros) {
        Some(first) => (number.len() - zeros) * 8 - first.leading_zeros() as usize,
        None => 0,
    }
}

#[cfg(test)]
mod tests;
