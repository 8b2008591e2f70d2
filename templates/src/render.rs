//! The paper of a formal document: `document.json` in, PDF/A-2a and PDF/UA-1 out.
//!
//! The same bytes in give the same bytes out, on any machine: the date is the document's, fonts and
//! layouts are compiled in. The caller compares the paper he received with the one made here.

use crate::catalogue::Template;
use crate::view::{view, words_of};
use crate::world::Paper;
use rogatory_core::document::{Document, DocumentError, DocumentKind};
use rogatory_core::{Digest, Timestamp};
use serde_json::Value;
use std::sync::LazyLock;
use typst::diag::SourceDiagnostic;
use typst::foundations::{Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// The largest `document.json` that is rendered.
pub const DOCUMENT_LIMIT_BYTES: usize = 256 * 1024;
/// The most pages a paper may have.
pub const PAGE_LIMIT: usize = 120;
/// The most values and the most line breaks in a document: each costs far more to lay out than to send.
const VALUE_LIMIT: usize = 5_000;
const LINE_LIMIT: usize = 4_000;

/// No paper could be made of the data.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Larger than any formal document.
    #[error("document.json has {size_bytes} bytes; at most {DOCUMENT_LIMIT_BYTES} are rendered")]
    TooLarge {
        /// Its size.
        size_bytes: usize,
    },
    /// Too many values or lines.
    #[error("document.json has {count} {what}; at most {limit} are rendered")]
    TooMany {
        /// Values or lines.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Not the data of a formal document.
    #[error("document.json cannot be read")]
    Document(#[source] DocumentError),
    /// No such template is compiled in.
    #[error("template `{template}` in language `{language}` is not in this version's catalogue")]
    UnknownTemplate {
        /// The template named.
        template: String,
        /// The language named.
        language: String,
    },
    /// The template is there in another version.
    #[error(
        "the document was made with version `{wanted}` of template `{template}`; this program has version `{have}`"
    )]
    PackVersion {
        /// The template named.
        template: String,
        /// The version named.
        wanted: String,
        /// The version compiled in.
        have: String,
    },
    /// The template makes another kind of document.
    #[error("template `{template}` makes no {kind}")]
    WrongKind {
        /// The template named.
        template: String,
        /// The document's kind.
        kind: DocumentKind,
    },
    /// The engine could not lay it out.
    #[error("the paper could not be laid out: {0}")]
    Layout(String),
    /// The engine could not write it in the form demanded.
    #[error("the paper could not be written as PDF/A-2a and PDF/UA-1: {0}")]
    Export(String),
    /// Too long.
    #[error("the paper has {pages} pages; at most {PAGE_LIMIT} are allowed")]
    TooManyPages {
        /// How many it has.
        pages: usize,
    },
}

static STANDARDS: LazyLock<Result<PdfStandards, String>> = LazyLock::new(|| {
    PdfStandards::new(&[PdfStandard::A_2a, PdfStandard::Ua_1]).map_err(|error| error.message().to_string())
});

/// Renders the paper of the formal document whose `document.json` is `json_bytes`.
///
/// Its footer carries the SHA-256 of exactly these bytes. Data that is incomplete is rendered all the
/// same, with "not stated": a draft can be looked at; [`Template::check`] says whether it may leave.
///
/// # Errors
/// [`RenderError`] if the bytes are no formal document with a template of this catalogue, or too large.
pub fn render_pdf(json_bytes: &[u8]) -> Result<Vec<u8>, RenderError> {
    if json_bytes.len() > DOCUMENT_LIMIT_BYTES {
        return Err(RenderError::TooLarge { size_bytes: json_bytes.len() });
    }
    let document = Document::from_json(json_bytes).map_err(RenderError::Document)?;
    let template = template_of(&document)?;
    bounded(&document.body)?;
    let digest = Digest::of(json_bytes);
    match typeset(&document, template, digest, false) {
        // Text that the fonts seemed to cover and the engine could not set: every sign by its number.
        Err(RenderError::Layout(_) | RenderError::Export(_)) => typeset(&document, template, digest, true),
        done => done,
    }
}

fn template_of(document: &Document) -> Result<&'static Template, RenderError> {
    let name = || document.template.chars().take(80).collect::<String>();
    let template = Template::find_in(&document.template, &document.language).ok_or_else(|| {
        RenderError::UnknownTemplate {
            template: name(),
            language: document.language.chars().take(40).collect(),
        }
    })?;
    if template.kind() != document.kind {
        return Err(RenderError::WrongKind { template: name(), kind: document.kind });
    }
    if template.pack_version() != document.pack_version {
        return Err(RenderError::PackVersion {
            template: name(),
            wanted: document.pack_version.chars().take(20).collect(),
            have: template.pack_version().to_owned(),
        });
    }
    Ok(template)
}

fn bounded(body: &Value) -> Result<(), RenderError> {
    fn count(value: &Value) -> (usize, usize) {
        let sum =
            |(values, lines): (usize, usize), (more, others): (usize, usize)| (values + more, lines + others);
        match value {
            Value::String(text) => (1, text.matches('\n').count()),
            Value::Array(entries) => entries.iter().map(count).fold((1, 0), sum),
            Value::Object(fields) => fields.values().map(count).fold((1, 0), sum),
            _ => (1, 0),
        }
    }
    let (values, lines) = count(body);
    for (what, count, limit) in [("values", values, VALUE_LIMIT), ("line breaks", lines, LINE_LIMIT)] {
        if count > limit {
            return Err(RenderError::TooMany { what, count, limit });
        }
    }
    Ok(())
}

fn typeset(
    document: &Document,
    template: &'static Template,
    digest: Digest,
    plain: bool,
) -> Result<Vec<u8>, RenderError> {
    let failed = |error: serde_json::Error| RenderError::Layout(error.to_string());
    let view = serde_json::to_vec(&view(document, template, digest, plain)).map_err(failed)?;
    let words = serde_json::to_vec(&words_of(template)).map_err(failed)?;
    set_in_pdf(&Paper::new(view, words), &digest, document.created_time)
}

/// Lays a paper out and writes it as PDF/A-2a and PDF/UA-1, known by `digest` and dated `at`.
pub(crate) fn set_in_pdf(paper: &Paper, digest: &Digest, at: Timestamp) -> Result<Vec<u8>, RenderError> {
    let laid_out = typst::compile::<PagedDocument>(paper)
        .output
        .map_err(|errors| RenderError::Layout(first_message(&errors)));
    // What the engine remembers of earlier papers is dropped after a few more.
    typst::comemo::evict(4);
    let laid_out = laid_out?;
    let pages = laid_out.pages().len();
    if pages > PAGE_LIMIT {
        return Err(RenderError::TooManyPages { pages });
    }
    let options = PdfOptions {
        ident: Smart::Custom(digest.to_hex()),
        creator: Smart::Custom(Some(crate::RENDERER.to_owned())),
        timestamp: datetime(at).map(typst_pdf::Timestamp::new_utc),
        standards: STANDARDS.as_ref().map_err(|error| RenderError::Export(error.clone()))?.clone(),
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&laid_out, &options).map_err(|errors| RenderError::Export(first_message(&errors)))
}

fn first_message(errors: &[SourceDiagnostic]) -> String {
    errors.first().map_or_else(|| "no reason was given".to_owned(), |error| error.message.to_string())
}

/// The document's instant as the engine wants it, to the second.
fn datetime(instant: Timestamp) -> Option<Datetime> {
    let text = instant.whole_seconds().to_string();
    let mut parts = text.split(['-', 'T', ':', 'Z']);
    let year = parts.next()?.parse().ok()?;
    let mut next = || parts.next()?.parse::<u8>().ok();
    Datetime::from_ymd_hms(year, next()?, next()?, next()?, next()?, next()?)
}
