//! How results reach people and programs: facts and tables as text, or one JSON object.
//!
//! Commands hand in values; only the [`printer::Printer`] writes, and only it asks.

pub mod json;
pub mod page;
pub mod printer;
pub mod progress;
pub mod table;

use crate::problem::Problem;
use page::Page;
use serde::Serialize;

/// A command's result: printed for people by [`Outcome::show`], for programs by its serialization.
pub trait Outcome: Serialize {
    /// Lays the result out for people.
    fn show(&self, page: &mut Page);

    /// What is wrong although the command did its work: a negative receipt, a package that does not
    /// verify. It is printed after the result and decides the exit code.
    fn complaint(&self) -> Option<Problem> {
        None
    }
}
