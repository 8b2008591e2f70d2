//! The harness: a [`Federation`] of authorities in one process. Real gRPC, real mutual TLS on
//! loopback, a folder with database and vault each, one clock that a test sets, seeded ids.
//!
//! Tests call the client's commands as officers do, and where a caller must do what no client would,
//! [`caller`], [`papers`] and [`parcel`] make it by hand. Nothing here sleeps; a failed set-up panics.

pub mod caller;
pub mod clock;
pub mod faults;
pub mod federation;
pub mod logged;
pub mod office;
pub mod one_log;
pub mod papers;
pub mod parcel;
pub mod postgres;
pub mod reference;
pub mod road;

pub use caller::Caller;
pub use clock::{FixedClock, SeededEntropy};
pub use federation::{Federation, World};
pub use office::{Office, Plan};
