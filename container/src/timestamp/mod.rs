//! RFC 3161 time stamps: asked for, read and verified.
//!
//! A time stamp is a token (a CMS `SignedData` over a `TSTInfo`) by which a time-stamping authority says that bytes with
//! a SHA-256 existed at an instant (`docs/spec/time-stamps.md`, rules T1 to T10). [`Request`] asks for one,
//! [`Answer`] reads what came back, [`parse`] takes a token apart in strict DER, and [`verify`] checks imprint, nonce,
//! signature and path. May call `rogatory-pki`. Never dials, reads no clock, and takes no anchor from a token.

mod elements;
mod error;
mod info;
mod renewal;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod token;
mod verify;

/// Names the policy of a time-stamping authority: a dotted object identifier.
pub use der::asn1::ObjectIdentifier as PolicyId;
pub use error::TimestampError;
pub use renewal::{Earlier, file_name, renewal_list};
pub use request::{Nonce, Request};
pub use response::Answer;
pub use token::{ParsedToken, parse};
pub use verify::{Expected, VerifiedTimestamp, verify};

/// Longest token that is read, certificates included.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// Longest answer of a time-stamping authority that is read: a token and a status.
pub const MAX_ANSWER_BYTES: usize = MAX_TOKEN_BYTES + 4 * 1024;
/// The media type of a request.
pub const QUERY_TYPE: &str = "application/timestamp-query";
/// The media type of an answer.
pub const REPLY_TYPE: &str = "application/timestamp-reply";
/// What follows the name of a file in the name of its time stamp.
pub const EXTENSION: &str = "tst";

const fn id(dotted: &str) -> der::asn1::ObjectIdentifier {
    der::asn1::ObjectIdentifier::new_unwrap(dotted)
}

const SIGNED_DATA: der::asn1::ObjectIdentifier = id("1.2.840.113549.1.7.2");
const TST_INFO: der::asn1::ObjectIdentifier = id("1.2.840.113549.1.9.16.1.4");
