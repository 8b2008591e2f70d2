//! Signed containers: ASiC-E with CAdES signatures, strict ZIP and DER. Bytes in, bytes out.
//!
//! Holds the one canonical framing of profile 1 (`docs/spec/container.md`): the [`zip`] archive, the
//! [`manifest`] that lists digests, the [`cades`] signature over a manifest, and the [`asice`] formal
//! document that joins them; and the [`timestamp`] that lies beside a container. It may call `rogatory-core` and `rogatory-pki`; it opens no file by name,
//! asks no clock and draws no key. What was verified is a value that only the verifier here can make. Containers of
//! other people's making are read by [`foreign`] alone, which vouches for their signed parts and for no framing.

pub mod asice;
pub mod cades;
mod encoding;
pub mod foreign;
pub mod manifest;
#[cfg(test)]
mod testing;
pub mod timestamp;
pub mod zip;
