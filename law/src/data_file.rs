//! Data files of law: read strictly, and wrong in words that name file, line and field.
//!
//! Holds the bounded parser, the error, and text that may not be empty. May call the TOML parser alone. Never opens
//! a file: its name is for messages.

use crate::confidence::{Basis, Confidence, SourceKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;

/// The largest data file that is read.
pub const MAX_SIZE_BYTES: usize = 256 * 1024;

/// The longest text that one field may hold.
const MAX_TEXT_BYTES: usize = 4096;

/// A data file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Larger than any description of the law.
    #[error("`{file}` has {size_bytes} bytes, more than the {MAX_SIZE_BYTES} that are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        size_bytes: usize,
    },
    /// Not TOML.
    #[error("`{file}`, line {line}, column {column}: {problem}")]
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// A field is missing, unknown, or says what it may not say.
    #[error("`{file}`, line {line}, field `{field}`: {problem}")]
    Field {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The field, with the tables around it: `status.dates.on`.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

/// Text that may not be blank.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Words(String);

impl TryFrom<String> for Words {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() {
            Err("the text is empty; fill it or remove the field".to_owned())
        } else if text.len() > MAX_TEXT_BYTES {
            Err(format!("the text has {} bytes, more than {MAX_TEXT_BYTES}", text.len()))
        } else if text.chars().any(|character| character.is_control() && character != '\n') {
            Err("the text holds a control character".to_owned())
        } else {
            Ok(Self(text))
        }
    }
}

impl From<Words> for String {
    fn from(words: Words) -> Self {
        words.0
    }
}

/// A data file: its name for messages, and its text.
#[derive(Clone, Copy)]
pub(crate) struct DataFile<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> DataFile<'a> {
    /// Takes a file's text under a name.
    pub(crate) const fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text }
    }

    /// Parses it; what is unknown, missing or of another type is an error that names field and line.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        if self.text.len() > MAX_SIZE_BYTES {
            return Err(DataError::TooLarge { file: self.name.to_owned(), size_bytes: self.text.len() });
        }
        toml::from_str(self.text).map_err(|error| self.explain(error))
    }

    /// A field at `span` says what it may not say.
    pub(crate) fn wrong(&self, span: Range<usize>, field: &str, problem: impl ToString) -> DataError {
        DataError::Field {
            file: self.name.to_owned(),
            line: self.place(span.start).0,
            field: field.to_owned(),
            problem: problem.to_string(),
        }
    }

    /// Joins a mark with its sources, all of which have to be listed in `known`.
    pub(crate) fn basis(
        &self,
        field: &str,
        confidence: &Spanned<Confidence>,
        sources: Vec<Spanned<SourceKey>>,
        known: &BTreeSet<SourceKey>,
    ) -> Result<Basis, DataError> {
        for source in &sources {
            if !known.contains(source.get_ref()) {
                let problem = format!("no source is listed under the key `{}`", source.get_ref());
                return Err(self.wrong(source.span(), &inside(field, "sources"), problem));
            }
        }
        let keys = sources.into_iter().map(Spanned::into_inner).collect();
        Basis::new(*confidence.get_ref(), keys)
            .map_err(|error| self.wrong(confidence.span(), &inside(field, "confidence"), error))
    }

    fn explain(&self, mut error: toml::de::Error) -> DataError {
        let (line, column) = self.place(error.span().map_or(0, |span| span.start));
        let problem = error.message().to_owned();
        // Without its input the parser writes the message and then the path of the field, which it gives no other way.
        error.set_input(None);
        let rendered = error.to_string();
        let path = rendered.strip_prefix(&problem).and_then(|rest| rest.trim().strip_prefix("in `"));
        let path = path.and_then(|rest| rest.strip_suffix('`')).unwrap_or_default();
        // serde names a missing or unknown field in its message; the parser's path ends at the table around it.
        let named = ["missing field `", "unknown field `", "duplicate field `"]
            .iter()
            .find_map(|start| problem.strip_prefix(start)?.split('`').next());
        let field = match named {
            Some(name) if path.rsplit('.').next() != Some(name) => inside(path, name),
            _ => path.to_owned(),
        };
        let file = self.name.to_owned();
        if field.is_empty() {
            DataError::Syntax { file, line, column, problem }
        } else {
            DataError::Field { file, line, field, problem }
        }
    }

    /// Line and column, from 1, of a byte of the text.
    fn place(&self, offset: usize) -> (usize, usize) {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        // `end` is on a character boundary of the text.
        let before = self.text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        (before.bytes().filter(|byte| *byte == b'\n').count() + 1, column + 1)
    }
}

/// The name of a field inside a table.
pub(crate) fn inside(table: &str, field: &str) -> String {
    if table.is_empty() { field.to_owned() } else { format!("{table}.{field}") }
}
