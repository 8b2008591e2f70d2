//! CAdES signatures over a manifest: made, parsed and verified in one canonical form.
//!
//! A signature is a detached CMS `SignedData` with one signer (`docs/spec/container.md`, rules C1 to C13).
//! [`parse`] takes from outside bytes the few values a signature depends on, encodes the whole signature
//! again from them and demands equal bytes; [`verify`] then checks content, key and path. May call
//! `rogatory-pki` for keys, certificates and paths. Never reads a clock, and never takes an anchor from the
//! signature itself.

mod error;
mod parse;
mod profile;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub use error::CadesError;
pub(crate) use parse::check_ecdsa;
pub use parse::{Framing, ParsedSignature, parse};
pub use sign::sign;
pub use verify::{IntactSignature, VerifiedSignature, verify, verify_integrity};

/// Longest signature that is read, certificates included.
pub const MAX_SIGNATURE_BYTES: usize = 64 * 1024;
/// Most certificates a signature may embed.
pub const MAX_CERTIFICATES: usize = 8;
/// Longest signer's function, in bytes of UTF-8.
pub const MAX_FUNCTION_BYTES: usize = 200;
