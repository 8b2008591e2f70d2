//! The report of a verification: a paper of one or two pages for a case file.
//!
//! Sets what the caller says, in the caller's language; decides nothing and knows no document. The same report gives the
//! same bytes.

use crate::fonts::shows;
use crate::render::{RenderError, set_in_pdf};
use crate::world::Paper;
use rogatory_core::{Digest, Timestamp};
use serde::Serialize;
use serde_json::Value;

/// A piece of text; digests are set in a type in which every character counts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it is a digest or another code.
    pub mono: bool,
}

impl Piece {
    /// Words.
    pub fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), mono: false }
    }

    /// A digest or another code.
    pub fn code(text: impl Into<String>) -> Self {
        Self { text: text.into(), mono: true }
    }
}

/// A fact: what, and its value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportFact {
    /// What.
    pub label: String,
    /// Its value.
    pub value: Piece,
}

/// A part of the report: paragraphs, then perhaps a table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReportSection {
    /// Its heading.
    pub title: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// How wide they are, as parts of the whole.
    pub widths: Vec<u32>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Piece>>,
}

/// What a person signs by hand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Certification {
    /// Its heading.
    pub title: String,
    /// What is certified.
    pub text: Vec<String>,
    /// What is filled in by hand: name, post, place, date, signature.
    pub fields: Vec<String>,
}

/// A report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// BCP 47 tag of its language.
    pub language: String,
    /// Its title.
    pub title: String,
    /// What stands below the title.
    pub subtitle: String,
    /// The answer in one sentence.
    pub result: String,
    /// Facts in two columns.
    pub facts: Vec<ReportFact>,
    /// The parts.
    pub sections: Vec<ReportSection>,
    /// What a person signs.
    pub certification: Certification,
    /// At the foot of each page.
    pub footer: String,
    /// The word for a page.
    pub page: String,
    /// Program and version.
    pub program: String,
}

/// Sets a report as PDF/A-2a and PDF/UA-1, dated `at`.
///
/// # Errors
/// [`RenderError`] if the engine can't set it, for example with a character that no font has.
pub fn render_report(report: &Report, at: Timestamp) -> Result<Vec<u8>, RenderError> {
    let failed = |error: serde_json::Error| RenderError::Layout(error.to_string());
    let mut view = serde_json::to_value(report).map_err(failed)?;
    spell_out(&mut view);
    let view = serde_json::to_vec(&view).map_err(failed)?;
    let digest = Digest::of(&view);
    set_in_pdf(&Paper::report(view), &digest, at)
}

/// Writes what no font shows by its number: the name of an exhibit may hold anything.
fn spell_out(value: &mut Value) {
    match value {
        Value::String(text) if !text.chars().all(shows) => {
            let spelled = |symbol: char| {
                if shows(symbol) { symbol.to_string() } else { format!("[U+{:04X}]", u32::from(symbol)) }
            };
            *text = text.chars().map(spelled).collect();
        }
        Value::Array(values) => values.iter_mut().for_each(spell_out),
        Value::Object(fields) => fields.values_mut().for_each(spell_out),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            language: "en".to_owned(),
            title: "Report of a verification".to_owned(),
            subtitle: "of a court bundle".to_owned(),
            result: "Verified.".to_owned(),
            facts: vec![ReportFact { label: "SHA-256".to_owned(), value: Piece::code("ab".repeat(32)) }],
            sections: vec![ReportSection {
                title: "Checks".to_owned(),
                text: vec!["Text with #markup, *stars* and 証拠.".to_owned()],
                columns: vec!["What".to_owned(), "Result".to_owned()],
                widths: vec![1, 2],
                rows: vec![vec![Piece::words("a"), Piece::words("checked")]],
            }],
            certification: Certification {
                title: "Certification".to_owned(),
                text: vec!["I certify.".to_owned()],
                fields: vec!["Name".to_owned(), "Signature".to_owned()],
            },
            footer: "PK-7K2M9QXR4T1VC8ZE".to_owned(),
            page: "page".to_owned(),
            program: "rogatory 0.1.0".to_owned(),
        }
    }

    #[test]
    fn the_same_report_gives_the_same_accessible_paper() {
        let at = Timestamp::from_seconds(1_790_000_000).expect("in range");
        let pdf = render_report(&report(), at).expect("sets");
        assert_eq!(pdf, render_report(&report(), at).expect("sets"));
        let holds = |what: &[u8]| pdf.windows(what.len()).any(|window| window == what);
        assert!(pdf.starts_with(b"%PDF-") && holds(b"pdfuaid:part") && holds(b"pdfaid:part"));
        let other = Report { result: "Not verified.".to_owned(), ..report() };
        assert_ne!(pdf, render_report(&other, at).expect("sets"));
    }
}
