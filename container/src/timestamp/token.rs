//! From outside bytes to what a token says and who signed it. Believes nothing: key, path and imprint are checked in
//! [`super::verify`].

use super::elements::Elements;
use super::info::{self, Info};
use super::{MAX_TOKEN_BYTES, SIGNED_DATA, TST_INFO, TimestampError};
use crate::cades::{MAX_CERTIFICATES, check_ecdsa};
use crate::encoding::{
    CONTEXT_0, CONTEXT_4, INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, SET, element, sequence,
};
use der::asn1::ObjectIdentifier;
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::{DigestAlgorithm, SignatureAlgorithm};

const CONTENT_TYPE: ObjectIdentifier = super::id("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = super::id("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = super::id("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = super::id("1.2.840.113549.1.9.16.2.47");
const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
/// The most signed attributes that are read.
const MAX_ATTRIBUTES: usize = 16;

/// A token that was read but not checked against anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedToken {
    pub(super) info: Info,
    /// The DER of the `TSTInfo`.
    pub(super) content: Vec<u8>,
    /// The signed attributes as a SET OF, the bytes the key signed.
    pub(super) attributes: Vec<u8>,
    pub(super) message_digest: Vec<u8>,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) signature: Vec<u8>,
    pub(super) leaf: Certificate,
    pub(super) certificates: Vec<Certificate>,
}

impl ParsedToken {
    /// The SHA-256 of what it says it stamps.
    #[must_use]
    pub const fn imprint(&self) -> Digest {
        self.info.imprint
    }

    /// The instant it claims.
    #[must_use]
    pub const fn claimed_time(&self) -> Timestamp {
        self.info.time
    }

    /// The certificate of the authority that signed it, as it says.
    #[must_use]
    pub const fn tsa_certificate(&self) -> &Certificate {
        &self.leaf
    }

    /// All embedded certificates, in the order of the token.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The algorithm of its signature.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// Reads a token.
///
/// # Errors
/// [`TimestampError`] with the first rule that is broken.
pub fn parse(der: &[u8]) -> Result<ParsedToken, TimestampError> {
    if der.len() > MAX_TOKEN_BYTES {
        return Err(TimestampError::TooLong(der.len()));
    }
    let mut outer = Elements::of(der, "the content info");
    let mut content_info = outer.take(SEQUENCE)?.inside("the content info");
    outer.end()?;
    if content_info.oid()? != SIGNED_DATA {
        return Err(TimestampError::Structure("it is no SignedData"));
    }
    let mut wrapped = content_info.take(CONTEXT_0)?.inside("the signed data");
    content_info.end()?;
    let mut data = wrapped.take(SEQUENCE)?.inside("the signed data");
    wrapped.end()?;
    // RFC 5652, 5.1: other content than id-data makes it version 3.
    data.number(3)?;
    let digests = data.take(SET)?;
    let content = content(data.take(SEQUENCE)?.inside("the encapsulated content"))?;
    let embedded = data.optional(CONTEXT_0)?.ok_or(TimestampError::NoSignerCertificate)?;
    let certificates = certificates(embedded.inside("the certificates"))?;
    let mut signers = data.take(SET)?.inside("the signer");
    // Revocation lists would stand before the signers; the data's end is reached only without them.
    data.end()?;
    let signer = signers.take(SEQUENCE)?;
    if signers.end().is_err() {
        return Err(TimestampError::Structure("it has several signers"));
    }
    let signer = read_signer(signer.inside("the signer"), &certificates)?;
    let mut listed = digests.inside("the digest algorithms");
    let (digest, _) = algorithm(listed.take(SEQUENCE)?.inside("the digest algorithms"), "digest algorithm")?;
    listed.end()?;
    if digest != signer.algorithm.digest().oid() {
        return Err(TimestampError::Structure("its digest algorithms are not the one its signer used"));
    }
    Ok(ParsedToken {
        info: info::read(content)?,
        content: content.to_vec(),
        attributes: signer.attributes,
        message_digest: signer.message_digest,
        algorithm: signer.algorithm,
        signature: signer.signature,
        leaf: signer.leaf,
        certificates,
    })
}

/// The DER of the `TSTInfo` in its OCTET STRING.
fn content(mut encapsulated: Elements<'_>) -> Result<&[u8], TimestampError> {
    if encapsulated.oid()? != TST_INFO {
        return Err(TimestampError::Structure("its content is no TSTInfo"));
    }
    let mut wrapped = encapsulated.take(CONTEXT_0)?.inside("the encapsulated content");
    encapsulated.end()?;
    let content = wrapped.take(OCTET_STRING)?.contents;
    wrapped.end()?;
    Ok(content)
}

/// In whatever order they stand; none twice.
fn certificates(mut embedded: Elements<'_>) -> Result<Vec<Certificate>, TimestampError> {
    let mut certificates: Vec<Certificate> = Vec::new();
    while let Some(element) = embedded.next_any()? {
        if certificates.len() >= MAX_CERTIFICATES {
            return Err(TimestampError::TooManyCertificates(certificates.len() + 1));
        }
        if element.tag != SEQUENCE {
            return Err(TimestampError::Structure("it embeds something other than X.509 certificates"));
        }
        let certificate =
            Certificate::from_der(element.whole.to_vec()).map_err(TimestampError::Certificate)?;
        if certificates.contains(&certificate) {
            return Err(TimestampError::Structure("it embeds a certificate twice"));
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}

struct Signer {
    leaf: Certificate,
    algorithm: SignatureAlgorithm,
    attributes: Vec<u8>,
    message_digest: Vec<u8>,
    signature: Vec<u8>,
}

fn read_signer(mut signer: Elements<'_>, certificates: &[Certificate]) -> Result<Signer, TimestampError> {
    signer.number(1)?;
    let mut named = signer.take(SEQUENCE)?.inside("the signer's identifier");
    let (issuer, serial) = (named.take(SEQUENCE)?.whole, named.take(INTEGER)?.contents);
    named.end()?;
    let mut fitting = certificates.iter().filter(|c| c.issuer_der() == issuer && c.serial() == serial);
    let leaf = match (fitting.next(), fitting.next()) {
        (Some(leaf), None) => leaf.clone(),
        (None, _) => return Err(TimestampError::NoSignerCertificate),
        _ => return Err(TimestampError::Structure("two of its certificates are named as the signer's")),
    };
    let (digest_oid, _) =
        algorithm(signer.take(SEQUENCE)?.inside("the digest algorithm"), "digest algorithm")?;
    let digest = digest_named(&digest_oid)
        .ok_or_else(|| TimestampError::Algorithm { which: "digest algorithm", oid: digest_oid.clone() })?;
    let set = signer.take(CONTEXT_0)?;
    let (message_digest, attributes) = (read_attributes(set.inside("the signed attributes"), &leaf)?, set);
    let (oid, null) =
        algorithm(signer.take(SEQUENCE)?.inside("the signature algorithm"), "signature algorithm")?;
    // ECDSA identifiers stand without parameters, RSA's with NULL; many write rsaEncryption for the latter.
    let algorithm = SignatureAlgorithm::of(leaf.public_key(), digest)
        .filter(|known| {
            known.is_rsa() == null && (oid == known.oid() || known.is_rsa() && oid == RSA_ENCRYPTION)
        })
        .ok_or(TimestampError::Algorithm { which: "signature algorithm", oid })?;
    let signature = signer.take(OCTET_STRING)?.contents.to_vec();
    if signer.end().is_err() {
        return Err(TimestampError::Structure("it has unsigned attributes, for which nobody vouches"));
    }
    if !algorithm.is_rsa() {
        check_ecdsa(&signature)
            .map_err(|_| TimestampError::Malformed { what: "the ECDSA signature value" })?;
    }
    // Signed as a SET OF, whatever tag it stands under (RFC 5652, 5.4).
    let attributes = element(SET, &[attributes.contents]);
    Ok(Signer { leaf, algorithm, attributes, message_digest, signature })
}

/// The identifier, dotted, and whether NULL parameters stand with it; other parameters are refused.
fn algorithm(mut found: Elements<'_>, which: &'static str) -> Result<(String, bool), TimestampError> {
    let oid = found.oid()?.to_string();
    let null = found.optional(NULL)?;
    if null.is_some_and(|null| !null.contents.is_empty()) || found.end().is_err() {
        return Err(TimestampError::Algorithm { which, oid });
    }
    Ok((oid, null.is_some()))
}

fn digest_named(oid: &str) -> Option<DigestAlgorithm> {
    let all = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    all.into_iter().find(|digest| digest.oid() == oid)
}

/// content-type, message-digest and signing-certificate, each once; others may stand there, each once. Gives the digest.
fn read_attributes(mut attributes: Elements<'_>, leaf: &Certificate) -> Result<Vec<u8>, TimestampError> {
    let mut found: Vec<(ObjectIdentifier, &[u8])> = Vec::new();
    let mut before: &[u8] = &[];
    while let Some(attribute) = attributes.next_any()? {
        if attribute.tag != SEQUENCE || found.len() >= MAX_ATTRIBUTES || attribute.whole <= before {
            return Err(TimestampError::Malformed { what: "the signed attributes" });
        }
        before = attribute.whole;
        let mut inside = attribute.inside("a signed attribute");
        let oid = inside.oid()?;
        let mut values = inside.take(SET)?.inside("a signed attribute");
        inside.end()?;
        let value = values.next_any()?.ok_or(TimestampError::Malformed { what: "a signed attribute" })?;
        values.end()?;
        if found.iter().any(|(other, _)| *other == oid) {
            return Err(TimestampError::Structure("a signed attribute stands twice"));
        }
        found.push((oid, value.whole));
    }
    let value = |wanted| found.iter().find(|(oid, _)| *oid == wanted).map(|(_, value)| *value);
    let content_type = value(CONTENT_TYPE).ok_or(TimestampError::Attribute("content-type"))?;
    if content_type != element(OBJECT_IDENTIFIER, &[TST_INFO.as_bytes()]) {
        return Err(TimestampError::Attribute("content-type"));
    }
    let digest = value(MESSAGE_DIGEST).ok_or(TimestampError::Attribute("message-digest"))?;
    let digest = Elements::of(digest, "the message digest").take(OCTET_STRING)?.contents.to_vec();
    let (one, two) = (value(SIGNING_CERTIFICATE), value(SIGNING_CERTIFICATE_V2));
    if one.is_none() && two.is_none() {
        return Err(TimestampError::Attribute("signing-certificate"));
    }
    for (value, version_two) in [(one, false), (two, true)] {
        if let Some(value) = value {
            check_signing_certificate(value, leaf, version_two)?;
        }
    }
    Ok(digest)
}

/// The first identifier of `SigningCertificate` or `SigningCertificateV2` must be that of the leaf (RFC 5035).
fn check_signing_certificate(
    value: &[u8],
    leaf: &Certificate,
    version_two: bool,
) -> Result<(), TimestampError> {
    const WHAT: &str = "the signing-certificate attribute";
    let mut list = Elements::of(value, WHAT).take(SEQUENCE)?.inside(WHAT).take(SEQUENCE)?.inside(WHAT);
    let mut first = list.take(SEQUENCE)?.inside(WHAT);
    let other = || TimestampError::OtherCertificate { subject: leaf.subject() };
    let mut digest = DigestAlgorithm::Sha256;
    if version_two && let Some(named) = first.optional(SEQUENCE)? {
        let which = "hash algorithm of the signing-certificate attribute";
        let (oid, _) = algorithm(named.inside(WHAT), which)?;
        digest = digest_named(&oid).ok_or(TimestampError::Algorithm { which, oid })?;
    }
    let hash = first.take(OCTET_STRING)?.contents;
    let expected = if version_two { digest.digest(leaf.der()) } else { leaf.sha1().to_vec() };
    if hash != expected {
        return Err(other());
    }
    if let Some(issuer_serial) = first.optional(SEQUENCE)? {
        let issuer = sequence(&[&element(CONTEXT_4, &[leaf.issuer_der()])]);
        if issuer_serial.whole != sequence(&[&issuer, &element(INTEGER, &[leaf.serial()])]) {
            return Err(other());
        }
    }
    first.end()
}
