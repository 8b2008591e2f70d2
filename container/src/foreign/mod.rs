//! Containers made with other people's tools: judged by what their signatures cover, and by nothing else.
//!
//! Reads ASiC-E containers that are not in the canonical form of profile 1: archives that `zip` writes, manifests
//! spelled in another way, signatures by `openssl cms -sign -cades`. What no signature covers (order, times, flags,
//! further attributes) is let pass and vouched for by nobody; what could make two readers see two different things is
//! refused. May call [`crate::cades`] in its foreign framing. Never makes a [`crate::asice::VerifiedAsice`]: what is
//! verified here is a [`ForeignVerified`], which nobody takes for a canonical document. `docs/spec/container.md`,
//! section 9.

mod error;
mod manifest;
#[cfg(test)]
mod tests;
mod verify;
mod xml;
mod zip;

pub use error::{ForeignError, ForeignXmlError, ForeignZipError};
pub use manifest::{DigestMethod, ForeignManifest, ForeignReference};
pub use verify::{ForeignFiles, ForeignSignature, ForeignVerified, MAX_LAYERS, verify};
pub use zip::{Content, ForeignEntry, ForeignZip};
