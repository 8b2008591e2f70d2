//! What the tests with other people's tools share. Never part of a program.
//!
//! The tests in `tests/` look at packages, documents and records as somebody does who has none of
//! our code: with `openssl`, `age`, `sha256sum`, `unzip`, `tar`, Java and Python. They run the real
//! `rogatory` and `rogatory-server`. A tool that is missing makes a test fail, never pass:
//! `cargo xtask test` installs them all.

pub mod bundle;
pub mod by_hand;
pub mod custody;
pub mod exhibits;
pub mod flips;
pub mod forged_bundle;
pub mod forgery;
pub mod formal;
pub mod inspection;
pub mod office;
pub mod programs;
pub mod servers;
pub mod tools;
pub mod tsa;
