//! Who a certificate speaks for, and whether it may be believed.
//!
//! Holds certificates as parsed values, the identities in them, signing keys, path validation over
//! trust anchors, revocation lists, TLS configuration with the admission of callers, and a
//! throw-away authority for development. Bytes and text in, values out: it opens no file and no
//! socket, and the time is handed in. Keys are drawn by the cryptographic library itself.

pub mod certificate;
pub mod development;
pub mod identity;
pub mod path;
pub mod revocation;
pub mod signing;
pub mod tls;

mod distinguished_name;

#[cfg(test)]
mod testing;
