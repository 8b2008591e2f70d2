//! Letters and forms: what each must contain, and how its paper looks.
//!
//! Holds the template packs (data: schema, layout, example), the check of facts against a schema,
//! and the renderer that turns a formal document's JSON into its PDF. May call `rogatory-core` and
//! the typesetting engine. Never opens a file or a socket, never asks the time: fonts, layouts and
//! schemas are compiled in, and the date on a paper is the one its JSON carries. Text from a document
//! is data to the engine, never markup.
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
mod prefill;
mod qr;
mod render;
mod schema;
mod shape;
mod text;
mod view;
mod words;
mod world;

pub use catalogue::{Template, catalogue};
pub use finding::{Finding, Severity, blocks};
pub use instrument::{Instrument, instrument, instruments};
pub use prefill::{
    acknowledgement_facts, answer_facts, closing_facts, confirmation_facts, execution_facts, extension_facts,
    forwarding_facts, forwarding_notice_facts, order_facts, postponement_facts, question_facts,
    refusal_facts, release_facts, withdrawal_facts,
};
pub use render::{DOCUMENT_LIMIT_BYTES, PAGE_LIMIT, RenderError, render_pdf};
pub use schema::{Audience, Condition, Confidence, Demand, Field, Schema, SchemaError, Section, Shape};

/// The program and version that a document's JSON names as its renderer.
pub const RENDERER: &str = concat!("rogatory-templates ", env!("CARGO_PKG_VERSION"));
