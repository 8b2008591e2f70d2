//! The JSON shape of every answer: `format`, `command`, then the result's own fields.

use crate::problem::Problem;
use serde::Serialize;

/// The version of the shape.
pub const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Answer<'a, T: ?Sized> {
    format: u32,
    command: &'a str,
    #[serde(flatten)]
    result: &'a T,
}

#[derive(Serialize)]
struct Failure<'a> {
    format: u32,
    command: &'a str,
    error: ErrorShape<'a>,
}

#[derive(Serialize)]
struct ErrorShape<'a> {
    exit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// The answer of a command as one line of JSON.
///
/// # Errors
/// The serializer's error if the result is no object.
pub fn answer<T: Serialize + ?Sized>(command: &str, result: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Answer { format: FORMAT, command, result })
}

/// A failure as one line of JSON: the same shape, with `error` instead of a result.
///
/// # Errors
/// The serializer's error.
pub fn failure(command: &str, problem: &Problem) -> Result<String, serde_json::Error> {
    let error = ErrorShape {
        exit: problem.exit().code(),
        reason: problem.reason(),
        message: problem.message(),
        details: problem.details(),
        hint: problem.hint(),
    };
    serde_json::to_string(&Failure { format: FORMAT, command, error })
}
