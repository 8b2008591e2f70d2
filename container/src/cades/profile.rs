//! The canonical signature as a function of the values it depends on.
//!
//! Signing and parsing both call [`Parts::encode`], so the form is stated once: whatever a signature says
//! beyond these values has no place in it. Pure; verifies nothing.

use super::CadesError;
use crate::encoding::{
    CONTEXT_0, CONTEXT_4, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, SET, UTC_TIME, UTF8_STRING, element,
    oid, sequence, set_of,
};
use der::DateTime;
use der::asn1::ObjectIdentifier;
use rogatory_core::Timestamp;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::SignatureAlgorithm;

const fn id(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

pub(super) const SIGNED_DATA: ObjectIdentifier = id("1.2.840.113549.1.7.2");
pub(super) const DATA: ObjectIdentifier = id("1.2.840.113549.1.7.1");
pub(super) const CONTENT_TYPE: ObjectIdentifier = id("1.2.840.113549.1.9.3");
pub(super) const MESSAGE_DIGEST: ObjectIdentifier = id("1.2.840.113549.1.9.4");
pub(super) const SIGNING_TIME: ObjectIdentifier = id("1.2.840.113549.1.9.5");
pub(super) const SIGNING_CERTIFICATE_V2: ObjectIdentifier = id("1.2.840.113549.1.9.16.2.47");
/// signer-attributes-v2 of ETSI EN 319 122-1.
pub(super) const SIGNER_ATTRIBUTES_V2: ObjectIdentifier = id("0.4.0.19122.1.1");
/// X.520 title: "the designated position or function of the object within an organization".
pub(super) const TITLE: ObjectIdentifier = id("2.5.4.12");
/// rsaEncryption, which others write where the profile writes sha256WithRSAEncryption.
pub(super) const RSA_ENCRYPTION: ObjectIdentifier = id("1.2.840.113549.1.1.1");

/// The last year whose times are written as UTCTime.
const LAST_UTC_YEAR: u16 = 2049;

/// What is signed about a content, besides the key that signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedPart {
    pub(super) leaf: Certificate,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) message_digest: Vec<u8>,
    pub(super) signing_time: Timestamp,
    pub(super) function: Option<String>,
}

/// Everything a canonical signature depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) signed: SignedPart,
    /// All embedded certificates, the leaf among them, in any order.
    pub(super) certificates: Vec<Certificate>,
    pub(super) signature: Vec<u8>,
}

impl SignedPart {
    /// The signed attributes as a SET OF: the bytes that the key signs.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CadesError> {
        let mut attributes = vec![
            attribute(CONTENT_TYPE, &oid(DATA)),
            attribute(MESSAGE_DIGEST, &element(OCTET_STRING, &[&self.message_digest])),
            attribute(SIGNING_TIME, &time(self.signing_time)?),
            attribute(SIGNING_CERTIFICATE_V2, &signing_certificate(&self.leaf)),
        ];
        if let Some(function) = &self.function {
            attributes.push(attribute(SIGNER_ATTRIBUTES_V2, &claimed_function(function)));
        }
        Ok(set_of(SET, attributes))
    }
}

impl Parts {
    /// The whole signature.
    pub(super) fn encode(&self) -> Result<Vec<u8>, CadesError> {
        let signed = &self.signed;
        let digest = digest_algorithm(signed.algorithm)?;
        let version = element(INTEGER, &[&[1]]);
        let mut attributes = signed.encode()?;
        if let Some(tag) = attributes.first_mut() {
            *tag = CONTEXT_0; // in place the set is tagged [0] IMPLICIT
        }
        let signer = sequence(&[
            &version,
            &issuer_and_serial(&signed.leaf),
            &digest,
            &attributes,
            &signature_algorithm(signed.algorithm)?,
            &element(OCTET_STRING, &[&self.signature]),
        ]);
        let certificates = self.certificates.iter().map(|c| c.der().to_vec()).collect();
        let signed_data = sequence(&[
            &version,
            &element(SET, &[&digest]),
            &sequence(&[&oid(DATA)]),
            &set_of(CONTEXT_0, certificates),
            &element(SET, &[&signer]),
        ]);
        let content = element(CONTEXT_0, &[&signed_data]);
        Ok(sequence(&[&oid(SIGNED_DATA), &content]))
    }
}

fn attribute(identifier: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(identifier), &element(SET, &[value])])
}

fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    let serial = element(INTEGER, &[certificate.serial()]);
    sequence(&[certificate.issuer_der(), &serial])
}

/// signing-certificate-v2 with one ESSCertIDv2: SHA-256 is its default hash and therefore not written.
pub(super) fn signing_certificate(certificate: &Certificate) -> Vec<u8> {
    let hash = element(OCTET_STRING, &[certificate.digest().as_bytes()]);
    let issuer = sequence(&[&element(CONTEXT_4, &[certificate.issuer_der()])]);
    let serial = element(INTEGER, &[certificate.serial()]);
    let identifier = sequence(&[&hash, &sequence(&[&issuer, &serial])]);
    sequence(&[&sequence(&[&identifier])])
}

/// signer-attributes-v2 with one claimed attribute: the title, as UTF8String.
pub(super) fn claimed_function(function: &str) -> Vec<u8> {
    let title = attribute(TITLE, &element(UTF8_STRING, &[function.as_bytes()]));
    sequence(&[&element(CONTEXT_0, &[&sequence(&[&title])])])
}

/// SHA-2 identifiers stand without parameters.
fn digest_algorithm(algorithm: SignatureAlgorithm) -> Result<Vec<u8>, CadesError> {
    let identifier = named("digest algorithm", algorithm.digest().oid())?;
    Ok(sequence(&[&oid(identifier)]))
}

/// RSA identifiers carry NULL, ECDSA ones nothing.
fn signature_algorithm(algorithm: SignatureAlgorithm) -> Result<Vec<u8>, CadesError> {
    let identifier = oid(named("signature algorithm", algorithm.oid())?);
    let null = element(NULL, &[]);
    Ok(if algorithm.is_rsa() { sequence(&[&identifier, &null]) } else { sequence(&[&identifier]) })
}

pub(super) fn named(which: &'static str, dotted: &str) -> Result<ObjectIdentifier, CadesError> {
    ObjectIdentifier::new(dotted).map_err(|_| CadesError::Algorithm { which, oid: dotted.to_owned() })
}

/// UTCTime through 2049, GeneralizedTime from then on; whole seconds.
fn time(instant: Timestamp) -> Result<Vec<u8>, CadesError> {
    let seconds = u64::try_from(instant.seconds()).map_err(|_| CadesError::Time)?;
    let since = std::time::Duration::from_secs(seconds);
    let date = DateTime::from_unix_duration(since).map_err(|_| CadesError::Time)?;
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        date.month(),
        date.day(),
        date.hour(),
        date.minutes(),
        date.seconds()
    );
    Ok(if date.year() <= LAST_UTC_YEAR {
        let text = format!("{:02}{rest}", date.year() % 100);
        element(UTC_TIME, &[text.as_bytes()])
    } else {
        let text = format!("{:04}{rest}", date.year());
        element(GENERALIZED_TIME, &[text.as_bytes()])
    })
}

/// Whether a function can stand in a signature: some text, on one line, without spaces at its ends.
pub(super) fn is_function(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= super::MAX_FUNCTION_BYTES
        && text.trim() == text
        && !text.chars().any(char::is_control)
}
