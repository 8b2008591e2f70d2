//! What an officer does at her own office: the library and the `rogatory` command.
//!
//! Holds the commands, each an async function from a [`session::Session`] and its arguments to a
//! typed result, and the edges around them: arguments, connection, printing. Commands never print,
//! never ask, and never read a clock or draw randomness of their own. Private keys and clear
//! evidence exist here and nowhere else in the product.

pub mod account;
pub mod cli;
pub mod commands;
pub mod connect;
pub mod containers;
pub mod files;
pub mod output;
pub mod papers;
pub mod problem;
pub mod profile;
pub mod run;
pub mod session;
pub mod trust;

pub use problem::{Exit, Problem};
pub use profile::Profile;
pub use run::{Environment, run};
pub use session::Session;
