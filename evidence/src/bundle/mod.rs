//! The court bundle: one file with everything that a stranger needs to check evidence alone.
//!
//! Holds the format (`docs/spec/court-bundle.md`): its layout, the writing of one as a stream, and its
//! verification. May read packages, decrypt the exhibits that were asked for into the one file that
//! was named, and call the verifiers of packages, documents and custody records. Never holds a whole
//! exhibit in memory, and takes no anchor and no key from the bundle that it verifies.

mod case;
mod custody;
mod exhibits;
mod framing;
mod layout;
mod make;
mod relations;
mod statement;
mod time;
mod verified;
mod verify;
mod witness;

pub use custody::log_part;
pub use layout::{BUNDLE_STATEMENT, is_stamp_name, pages};
pub use make::{
    BundleCase, BundleError, BundleOfficer, BundlePackage, BundleReport, BundleRequest, Named, make,
};
pub use statement::BundleForm;
pub use verified::{LogFacts, StampFacts, StreamFacts, VerifiedBundle, WitnessFacts};

pub(crate) use verify::verify_bundle;

/// Reads a statement and writes it again, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(crate) fn statement_again(bytes: &[u8]) -> Option<Vec<u8>> {
    statement::Statement::from_bytes(bytes).ok()?.to_bytes().ok()
}
