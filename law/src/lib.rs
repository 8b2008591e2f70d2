//! The law as data: instruments of mutual legal assistance, what each says about a measure, and how that is known.
//!
//! Holds the catalogue of instruments with its loader, the time rules, and the form in which an office describes a bilateral
//! treaty of its own. May call `rogatory-core` and the TOML parser. Never does I/O: the catalogue is part of the
//! program, the text of an office's file is handed in. Never says whether a request is lawful.
//!
//! ```
//! use rogatory_law::{Measure, catalogue};
//! let budapest = catalogue()?.instrument("budapest-2001").ok_or("not in the catalogue")?;
//! let preservation = budapest.article_for(Measure::Preservation).ok_or("not recorded")?;
//! assert_eq!(preservation.to_string(), "29; domestic power: 16");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bilateral;
pub mod catalogue;
pub mod confidence;
pub mod data_file;
pub mod instrument;
mod instrument_file;
pub mod known_date;
pub mod measure;
pub mod rule;

pub use bilateral::BilateralTreaty;
pub use catalogue::{Catalogue, CatalogueError, catalogue};
pub use confidence::{Basis, Confidence, Source, SourceKey, Statement};
pub use data_file::DataError;
pub use instrument::{
    ArticleReference, DateEvent, EventDate, Instrument, InstrumentId, Kind, MeasureRule, NotRegulated,
    Position, Reach, Standing, Status,
};
pub use known_date::KnownDate;
pub use measure::Measure;
pub use rule::{PreservationRule, preservation_rule};
