//! Sealed evidence packages: making, verifying and opening them.
//!
//! Holds the package format (`docs/spec/evidence-package.md`): a folder that is at once a BagIt bag
//! and, zipped, a signed ASiC-E container, in which every exhibit is an age file of its own. May
//! read and write files as streams, and call the signatures of `container` and `pki`. Never holds
//! a whole exhibit in memory, reads no clock, and writes no real name to a disk in the clear but
//! where a package is opened.
//!
//! ```text
//!   files ─► seal ─► package ─► verify ─► Verdict          anchors and identity from outside
//!                      │  ▲
//!                      │  └─ add_seal (the institution)
//!                      ├──► open ─► real files + signed index ─► verify
//!                      └──► derive ─► package for others, with the first one's outer part ─► verify
//! ```

pub mod acquisition;
mod addressees;
pub mod age_layer;
pub mod arrival;
mod attributes;
pub mod bundle;
mod canonical;
pub mod derive;
mod digest_list;
pub mod durable;
pub mod exhibit;
pub mod export;
pub mod files_list;
pub mod formal;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod handle;
pub mod hash_list;
pub mod institution_seal;
pub mod known;
mod layout;
pub mod limits;
pub mod open;
mod outer_part;
mod partial;
pub mod passing;
mod portable;
mod raw_path;
pub mod record;
pub mod seal;
pub mod sensitive;
mod sink;
pub mod source;
mod sparse;
mod spool;
mod streams;
mod tar;
mod threads;
pub mod transmittal;
pub mod verify;
mod walk;
mod walk_ahead;
mod write_behind;

pub use addressees::{ChosenKeys, NoCommonKind, choose_keys};
pub use age_layer::{AgeError, AgeRecipient, Encryption, Identities};
pub use canonical::{CanonicalError, Salt};
pub use derive::{DeriveError, DeriveReport, DeriveRequest, Derived, derive};
pub use exhibit::{ExhibitNumber, MAX_EXHIBITS};
pub use files_list::FilesListError;
pub use hash_list::{HashListError, HashLists};
pub use institution_seal::{
    InstitutionSeal, InstitutionSealError, add_seal, institution_seal, save_asice, write_asice,
};
pub use known::{KnownInstitution, SealStanding};
pub use layout::{PERSON_MANIFEST, PERSON_SIGNATURE, SEAL_MANIFEST, SEAL_SIGNATURE};
pub use limits::{LimitsError, SizeLimit};
pub use open::{OpenError, OpenOptions, OpenReport, OpenRequest, open};
pub use partial::{discard_partials, leftovers};
pub use seal::{Output, SealError, SealOptions, SealRecipient, SealRecovery, SealReport, SealRequest, seal};
pub use sensitive::{ReasonCode, Sensitive, SensitiveAccess, SensitiveFlag};
pub use sink::WriteError;
pub use source::{
    FolderSource, ObjectDigest, ObjectInfo, ObjectList, PackageError, PackageSource, WithObjects, ZipSource,
    claimed_list, object_list,
};
pub use streams::{NoProgress, Progress, Step};
pub use transmittal::Transmittal;
pub use verify::{
    Requirement, TimeProof, Verdict, Verified, VerifiedPackage, VerifyOptions, verify, verify_package,
};
pub use walk::SourceError;

/// Writes a path as text for reports; what is no text is shown as U+FFFD.
fn path_text<S: serde::Serializer>(path: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&walk::shown(path))
}

#[cfg(test)]
mod tests;
