//! The domain of mutual legal assistance as types.
//!
//! Holds parties, references, requests, orders, preservations, documents, receipts and custody events, and the
//! rules that need nothing but their values. May call nothing that does I/O, reads a clock or
//! draws random numbers: time and randomness are handed in.

pub mod custody_event;
pub mod digest;
pub mod document;
pub mod entropy;
pub mod error_chain;
pub mod ground;
pub mod mla_request;
pub mod order;
pub mod party;
pub mod party_entry;
pub mod preservation;
pub mod question;
pub mod receipt;
pub mod reference;
pub mod timestamp;

pub use digest::Digest;
pub use entropy::Entropy;
pub use error_chain::chain;
pub use party::{CountryCode, OfficerId, PartyId, Role};
pub use reference::{CaseId, MessageNumber, PackageId, SharedNumber};
pub use timestamp::{CivilDate, Clock, Timestamp};
