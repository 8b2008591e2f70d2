//! From outside bytes to the values a signature depends on.
//!
//! Strict DER by the `cms` types, then the rules of the profile one by one so that an error can be named,
//! and at last the whole signature encoded again and compared. Believes nothing: content, key and path are
//! checked in [`super::verify`].

use super::profile::{self, Parts, SignedPart};
use super::{CadesError, MAX_CERTIFICATES, MAX_SIGNATURE_BYTES};
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{CertificateSet, SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{Any, ObjectIdentifier, OctetString, UintRef};
use der::{Decode, Encode, Sequence};
use rogatory_core::Timestamp;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::{DigestAlgorithm, SignatureAlgorithm};
use spki::AlgorithmIdentifierOwned;
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::time::Time;

/// How exactly a signature must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Profile 1: the one encoding, any other byte is an error.
    Canonical,
    /// Made by other tools: strict DER and every check of substance, but further signed attributes, unsigned
    /// attributes (not looked at), further certificates and other spellings of the same algorithms are let
    /// pass. What the signature doesn't cover is not vouched for.
    Foreign,
}

/// A signature that was read but not checked against any content or key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedSignature {
    pub(super) parts: Parts,
    /// The signed attributes as a SET OF, the bytes the key signed.
    pub(super) attributes: Vec<u8>,
    pub(super) framing: Framing,
}

impl ParsedSignature {
    /// The certificate the signature names as the signer's.
    #[must_use]
    pub fn signer_certificate(&self) -> &Certificate {
        &self.parts.signed.leaf
    }

    /// All embedded certificates, in the order of the signature.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.parts.certificates
    }

    /// When the signer says it signed.
    #[must_use]
    pub fn claimed_time(&self) -> Timestamp {
        self.parts.signed.signing_time
    }

    /// The function the signer claims.
    #[must_use]
    pub fn claimed_function(&self) -> Option<&str> {
        self.parts.signed.function.as_deref()
    }

    /// The algorithm of the signature.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.parts.signed.algorithm
    }

    /// The raw signature value: what a time stamp stamps.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.parts.signature
    }

    /// How exactly it was read.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }
}

/// Reads a detached signature with one signer.
///
/// # Errors
/// [`CadesError`] with the first rule that is broken; [`CadesError::NotCanonical`] if every value is
/// acceptable but the bytes aren't the ones the values demand.
pub fn parse(der: &[u8], framing: Framing) -> Result<ParsedSignature, CadesError> {
    if der.len() > MAX_SIGNATURE_BYTES {
        return Err(CadesError::TooLong(der.len()));
    }
    let info = ContentInfo::from_der(der).map_err(CadesError::malformed("the content info"))?;
    if info.content_type != profile::SIGNED_DATA {
        return Err(CadesError::Structure("it is no SignedData"));
    }
    let data: SignedData = info.content.decode_as().map_err(CadesError::malformed("the signed data"))?;
    let signer = check_envelope(&data, framing)?;
    let certificates = read_certificates(data.certificates.as_ref(), framing)?;
    let leaf = find_leaf(signer, &certificates)?;
    let (digest, algorithm) = read_algorithms(&data, signer, &leaf, framing)?;
    let attributes = signer.signed_attrs.as_ref().ok_or(CadesError::NoSignedAttributes)?;
    let signed = read_attributes(attributes, leaf, digest, algorithm, framing)?;
    let signature = signer.signature.as_bytes().to_vec();
    if !algorithm.is_rsa() {
        check_ecdsa(&signature)?;
    }
    let parts = Parts { signed, certificates, signature };
    let attributes = match framing {
        Framing::Canonical => {
            compare(der, &parts.encode()?)?;
            parts.signed.encode()?
        }
        // Whatever order they came in, it is their DER that was signed (RFC 5652, 5.4).
        Framing::Foreign => attributes.to_der().map_err(CadesError::malformed("the signed attributes"))?,
    };
    Ok(ParsedSignature { parts, attributes, framing })
}

/// Versions, absent content, one signer; gives the signer.
fn check_envelope(data: &SignedData, framing: Framing) -> Result<&SignerInfo, CadesError> {
    let canonical = framing == Framing::Canonical;
    let structure = |what| Err(CadesError::Structure(what));
    if data.encap_content_info.econtent_type != profile::DATA {
        return structure("its content type is not id-data");
    }
    if data.encap_content_info.econtent.is_some() {
        return structure("it holds its content, and a detached one is expected");
    }
    let version = data.version == CmsVersion::V1;
    if !version && (canonical || data.version != CmsVersion::V3) {
        return structure("its version is not 1");
    }
    if canonical && data.crls.is_some() {
        return structure("it holds revocation lists");
    }
    let signers = data.signer_infos.0.as_slice();
    let [signer] = signers else {
        return Err(CadesError::Signers(signers.len()));
    };
    if signer.version != CmsVersion::V1 {
        return structure("the version of its signer is not 1");
    }
    if signer.signed_attrs.as_ref().is_none_or(|a| a.is_empty()) {
        return Err(CadesError::NoSignedAttributes);
    }
    if canonical && signer.unsigned_attrs.is_some() {
        return Err(CadesError::UnsignedAttributes);
    }
    Ok(signer)
}

fn read_certificates(set: Option<&CertificateSet>, framing: Framing) -> Result<Vec<Certificate>, CadesError> {
    let choices = set.map_or(&[][..], |set| set.0.as_slice());
    if choices.len() > MAX_CERTIFICATES {
        return Err(CadesError::TooManyCertificates(choices.len()));
    }
    let mut certificates = Vec::new();
    for choice in choices {
        let CertificateChoices::Certificate(certificate) = choice else {
            return Err(CadesError::Structure("it embeds something other than X.509 certificates"));
        };
        // Encoded again: a certificate that isn't DER comes out different and fails the comparison.
        let der = certificate.to_der().map_err(CadesError::malformed("a certificate"))?;
        let certificate = Certificate::from_der(der).map_err(CadesError::Certificate)?;
        if framing == Framing::Canonical && certificate.is_self_signed() {
            return Err(CadesError::SelfSigned { subject: certificate.subject() });
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}

/// The embedded certificate with the issuer and serial number the signer is identified by.
fn find_leaf(signer: &SignerInfo, certificates: &[Certificate]) -> Result<Certificate, CadesError> {
    let SignerIdentifier::IssuerAndSerialNumber(identifier) = &signer.sid else {
        return Err(CadesError::Structure("its signer is not named by issuer and serial number"));
    };
    let issuer = identifier.issuer.to_der().map_err(CadesError::malformed("the signer's issuer"))?;
    let serial = identifier.serial_number.as_bytes();
    let mut named = certificates.iter().filter(|c| c.issuer_der() == issuer && c.serial() == serial);
    match (named.next(), named.next()) {
        (Some(leaf), None) => Ok(leaf.clone()),
        (None, _) => Err(CadesError::NoSignerCertificate),
        (Some(_), Some(_)) => {
            Err(CadesError::Structure("two of its certificates have the signer's issuer and serial number"))
        }
    }
}

/// Digest and signature algorithm; both must be known, fit each other and fit the key.
fn read_algorithms(
    data: &SignedData,
    signer: &SignerInfo,
    leaf: &Certificate,
    framing: Framing,
) -> Result<(DigestAlgorithm, SignatureAlgorithm), CadesError> {
    let foreign = framing == Framing::Foreign;
    let refused =
        |which, found: &AlgorithmIdentifierOwned| CadesError::Algorithm { which, oid: found.oid.to_string() };
    let found = &signer.digest_alg;
    let all = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];
    let digest = all.into_iter().find(|d| is_named(found, d.oid()));
    let digest = digest.filter(|_| found.parameters.is_none() || foreign && is_null(found));
    let digest = digest.ok_or_else(|| refused("digest algorithm", found))?;
    let listed = data.digest_algorithms.as_slice();
    if !foreign && listed != std::slice::from_ref(found) {
        return Err(CadesError::Structure("its digest algorithms are not the one its signer used"));
    }
    let found = &signer.signature_algorithm;
    let algorithm = SignatureAlgorithm::of(leaf.public_key(), digest).filter(|algorithm| {
        let named = is_named(found, algorithm.oid())
            || foreign && algorithm.is_rsa() && found.oid == profile::RSA_ENCRYPTION;
        let parameters = if algorithm.is_rsa() { is_null(found) } else { found.parameters.is_none() };
        named && parameters
    });
    let algorithm = algorithm.ok_or_else(|| refused("signature algorithm", found))?;
    Ok((digest, algorithm))
}

fn is_named(found: &AlgorithmIdentifierOwned, dotted: &str) -> bool {
    ObjectIdentifier::new(dotted).is_ok_and(|oid| found.oid == oid)
}

fn is_null(found: &AlgorithmIdentifierOwned) -> bool {
    found.parameters.as_ref().is_some_and(Any::is_null)
}

fn read_attributes(
    attributes: &Attributes,
    leaf: Certificate,
    digest: DigestAlgorithm,
    algorithm: SignatureAlgorithm,
    framing: Framing,
) -> Result<SignedPart, CadesError> {
    let known = [
        profile::CONTENT_TYPE,
        profile::MESSAGE_DIGEST,
        profile::SIGNING_TIME,
        profile::SIGNING_CERTIFICATE_V2,
        profile::SIGNER_ATTRIBUTES_V2,
    ];
    for Attribute { oid, values } in attributes.iter() {
        let same = attributes.iter().filter(|other| other.oid == *oid).count();
        if same != 1 || values.len() != 1 {
            return Err(CadesError::RepeatedAttribute(oid.to_string()));
        }
        if framing == Framing::Canonical && !known.contains(oid) {
            return Err(CadesError::UnknownAttribute(oid.to_string()));
        }
    }
    let value = |oid, name| value(attributes, oid).ok_or(CadesError::MissingAttribute(name));
    let content_type: ObjectIdentifier = value(profile::CONTENT_TYPE, "content-type")?
        .decode_as()
        .map_err(CadesError::malformed("the content type"))?;
    if content_type != profile::DATA {
        return Err(CadesError::AttributeValue("content-type"));
    }
    let message_digest: OctetString = value(profile::MESSAGE_DIGEST, "message-digest")?
        .decode_as()
        .map_err(CadesError::malformed("the message digest"))?;
    if message_digest.as_bytes().len() != digest.output_bytes() {
        return Err(CadesError::AttributeValue("message-digest"));
    }
    let certificate = value(profile::SIGNING_CERTIFICATE_V2, "signing-certificate-v2")?;
    check_signing_certificate(certificate, &leaf, framing)?;
    let time = value(profile::SIGNING_TIME, "signing-time")?;
    let function = self::value(attributes, profile::SIGNER_ATTRIBUTES_V2);
    let function = match (function, framing) {
        (None, _) => None,
        (Some(value), Framing::Canonical) => Some(read_function(value)?),
        (Some(value), Framing::Foreign) => read_function(value).ok(),
    };
    Ok(SignedPart {
        leaf,
        algorithm,
        message_digest: message_digest.into_bytes(),
        signing_time: read_time(time)?,
        function,
    })
}

fn value(attributes: &Attributes, oid: ObjectIdentifier) -> Option<&Any> {
    attributes.iter().find(|a| a.oid == oid)?.values.get(0)
}

fn read_time(value: &Any) -> Result<Timestamp, CadesError> {
    let der = value.to_der().map_err(CadesError::malformed("the signing time"))?;
    let time = Time::from_der(&der).map_err(CadesError::malformed("the signing time"))?;
    let seconds = i64::try_from(time.to_unix_duration().as_secs());
    let instant = seconds.map(Timestamp::from_seconds);
    instant.map_err(|_| CadesError::Time)?.map_err(|_| CadesError::Time)
}

/// ESSCertIDv2 as others may write it: with the hash algorithm spelled out, or without the issuer.
#[derive(Sequence)]
struct EssCertId {
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    hash: OctetString,
    issuer_serial: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<EssCertId>,
    policies: Option<Any>,
}

/// The attribute must name the embedded certificate by digest.
fn check_signing_certificate(value: &Any, leaf: &Certificate, framing: Framing) -> Result<(), CadesError> {
    let malformed = CadesError::malformed("the signing-certificate attribute");
    let der = value.to_der().map_err(malformed)?;
    let other = || CadesError::OtherCertificate { subject: leaf.subject() };
    if framing == Framing::Canonical {
        let expected = profile::signing_certificate(leaf);
        return if der == expected { Ok(()) } else { Err(other()) };
    }
    let malformed = CadesError::malformed("the signing-certificate attribute");
    let named = SigningCertificate::from_der(&der).map_err(malformed)?;
    let first = named.certificates.first().ok_or_else(other)?;
    let digest = match &first.hash_algorithm {
        None => DigestAlgorithm::Sha256,
        Some(found) if is_named(found, DigestAlgorithm::Sha256.oid()) => DigestAlgorithm::Sha256,
        Some(found) if is_named(found, DigestAlgorithm::Sha384.oid()) => DigestAlgorithm::Sha384,
        Some(found) if is_named(found, DigestAlgorithm::Sha512.oid()) => DigestAlgorithm::Sha512,
        Some(found) => {
            return Err(CadesError::Algorithm {
                which: "hash algorithm of the signing-certificate attribute",
                oid: found.oid.to_string(),
            });
        }
    };
    if digest.digest(leaf.der()) == first.hash.as_bytes() { Ok(()) } else { Err(other()) }
}

#[derive(Sequence)]
struct SignerAttributes {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    claimed: Option<Vec<Attribute>>,
}

/// The one claimed attribute: the title, as UTF8String.
fn read_function(value: &Any) -> Result<String, CadesError> {
    let what = "the signer attributes";
    let der = value.to_der().map_err(CadesError::malformed(what))?;
    let found = SignerAttributes::from_der(&der).map_err(CadesError::malformed(what))?;
    let unexpected = || CadesError::AttributeValue("signer-attributes-v2");
    let claimed = found.claimed.unwrap_or_default();
    let [Attribute { oid, values }] = claimed.as_slice() else {
        return Err(unexpected());
    };
    let text = values.get(0).ok_or_else(unexpected)?;
    let text: String = text.decode_as().map_err(CadesError::malformed(what))?;
    // Whatever else stood in the attribute is missing from this encoding.
    if *oid == profile::TITLE && profile::is_function(&text) && profile::claimed_function(&text) == der {
        Ok(text)
    } else {
        Err(unexpected())
    }
}

#[derive(Sequence)]
struct EcdsaValue<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

pub(crate) fn check_ecdsa(signature: &[u8]) -> Result<(), CadesError> {
    let value = EcdsaValue::from_der(signature).map_err(|_| CadesError::EcdsaValue)?;
    let positive = |n: UintRef<'_>| n.as_bytes().iter().any(|b| *b != 0);
    let again = value.to_der().map_err(|_| CadesError::EcdsaValue)?;
    if positive(value.r) && positive(value.s) && again == signature {
        Ok(())
    } else {
        Err(CadesError::EcdsaValue)
    }
}

fn compare(found: &[u8], expected: &[u8]) -> Result<(), CadesError> {
    if found == expected {
        return Ok(());
    }
    let differs = found.iter().zip(expected).position(|(a, b)| a != b);
    Err(CadesError::NotCanonical { at: differs.unwrap_or(found.len().min(expected.len())) })
}
