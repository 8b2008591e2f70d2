//! One file a service: parse, take the permit, perform one act, render the answer. No SQL, no
//! decisions; a rule found here belongs in `core` or `casework`.

pub mod case_service;
pub mod custody_service;
pub mod delivery_service;
pub mod document_service;
pub mod health_service;
pub mod package_service;
pub mod party_service;
pub mod witness_service;

mod objects;
mod status;

pub(crate) use status::REASON_KEY;
pub use status::status_of;

use crate::problem::Problem;
use rogatory_proto::common::v1::SealedReceipt;
use std::fmt::Display;
use std::str::FromStr;

/// Reads a field as the type it stands for.
///
/// # Errors
/// A [`Problem`] naming the field.
pub(crate) fn field<T: FromStr>(name: &str, text: &str) -> Result<T, Problem>
where
    T::Err: Display,
{
    text.parse().map_err(|error: T::Err| Problem::argument(name, &error))
}

/// The size of a page: `0` means `usual`, more than `most` means `most`.
///
/// # Errors
/// A [`Problem`] for a negative size.
pub(crate) fn page_size(asked: i32, usual: u32, most: u32) -> Result<u32, Problem> {
    match u32::try_from(asked) {
        Ok(0) => Ok(usual),
        Ok(size) => Ok(size.min(most)),
        Err(_) => Err(Problem::argument("page_size", &"must not be negative")),
    }
}

/// A receipt as the wire carries it.
pub(crate) fn sealed(container: Vec<u8>, leaf_hash: &rogatory_core::Digest) -> SealedReceipt {
    SealedReceipt { container: container.into(), leaf_hash: leaf_hash.as_bytes().to_vec().into() }
}
