//! Letters and forms: what each must contain, and how its paper looks.
//!
//! Holds the forms (data: structure, words by language, examples), the check of facts against a schema,
//! and the renderer that turns a formal document's JSON into its PDF. May call `rogatory-core` and
//! the typesetting engine. Never opens a file or a socket, never asks the time: fonts, layouts and
//! schemas are compiled in, and the date on a paper is the one its JSON carries. Text from a document
//! is data to the engine, never markup.
//!
//! A form is a folder: `form.toml` (its fields and the rules of law that ask for them, once), and for each
//! language `text.toml` (its words) and `example.json`. Labels that several forms share are in
//! `common/<language>/fields.toml`, words of every paper and the grounds of refusal in
//! `common/<language>/words.toml`. All are set by one layout, `common/letter.typ`. Files are written with
//! plain blanks; the no-break blanks of French are set when they are read. A new form is its folder, a
//! line in `catalogue.toml` and one in `src/catalogue.rs`; the tests say what it lacks.
//!
//! A document's `language` says how its paper is set: `en`, `fr`, or with the fixed text of a second
//! language beside it, `en-x-beside-fr`. In the latter case `body.translations` may hold texts of the
//! second language by their path, which stand beside those of the first.
//!
//! ```
//! use rogatory_templates::{Template, blocks};
//!
//! let request = Template::find("ets185/art31-trafficking").ok_or("no such template")?;
//! let mut facts = request.example();
//! assert!(request.check(&facts).is_empty());
//! facts["identifiers"][2]["port"] = serde_json::Value::Null;
//! let findings = request.check(&facts);
//! assert!(blocks(&findings));
//! assert_eq!(findings[0].field, "identifiers[2].port");
//! # Ok::<(), &str>(())
//! ```

mod catalogue;
mod check;
mod finding;
mod fonts;
mod instrument;
mod key;
mod pack;
mod prefill;
mod qr;
mod render;
mod report;
mod schema;
mod shape;
mod text;
mod translation;
mod view;
mod words;
mod world;

pub use catalogue::{LANGUAGES, Template, bilingual, catalogue};
pub use finding::{Finding, Severity, blocks};
pub use instrument::{Instrument, instrument, instruments};
pub use prefill::{
    acknowledgement_facts, answer_facts, closing_facts, confirmation_facts, execution_facts, extension_facts,
    forwarding_facts, forwarding_notice_facts, order_facts, postponement_facts, question_facts,
    refusal_facts, release_facts, withdrawal_facts,
};
pub use render::{DOCUMENT_LIMIT_BYTES, PAGE_LIMIT, RenderError, render_pdf};
pub use report::{Certification, Piece, Report, ReportFact, ReportSection, render_report};
pub use schema::{Audience, Condition, Confidence, Demand, Field, Schema, SchemaError, Section, Shape};
pub use words::{Ground, ground};

/// The program and version that a document's JSON names as its renderer.
pub const RENDERER: &str = concat!("rogatory-templates ", env!("CARGO_PKG_VERSION"));
