//! What is sent to a time-stamping authority.

use crate::encoding::{INTEGER, OCTET_STRING, element, oid, sequence};
use rogatory_core::Digest;

/// Ties an answer to its request: a random number that nobody can know before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// Makes one of 16 random bytes; the number is positive and always of full length.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Self(bytes)
    }

    /// The number, big-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// A request for a time stamp over bytes with a SHA-256.
///
/// The bytes themselves never leave the house. The authority's certificate is always asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// The SHA-256 of what is to be stamped.
    pub imprint: Digest,
    /// The nonce that must come back.
    pub nonce: Nonce,
}

impl Request {
    /// The DER of `TimeStampReq`, version 1; `policy`, if one is wanted, is a valid dotted object identifier.
    #[must_use]
    pub fn to_der(&self, policy: Option<der::asn1::ObjectIdentifier>) -> Vec<u8> {
        let sha256 = sequence(&[&oid(super::id("2.16.840.1.101.3.4.2.1"))]);
        let imprint = sequence(&[&sha256, &element(OCTET_STRING, &[self.imprint.as_bytes()])]);
        let policy = policy.map(oid).unwrap_or_default();
        let nonce = element(INTEGER, &[self.nonce.as_bytes()]);
        let certificates = element(super::elements::BOOLEAN, &[&[0xff]]);
        sequence(&[&element(INTEGER, &[&[1]]), &imprint, &policy, &nonce, &certificates])
    }
}
