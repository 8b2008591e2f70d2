//! The one helper that prints a whole chain of errors, for the edges of a program.

use std::error::Error;
use std::fmt::Write;

/// Joins an error and its sources with `: `, outermost first.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        // Writing to a `String` cannot fail.
        let _ = write!(text, ": {inner}");
        source = inner.source();
    }
    text
}
