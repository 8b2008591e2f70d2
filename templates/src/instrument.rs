//! The instruments that a request can rely on, as far as templates need to know them.
//!
//! The catalogue with articles, measures and periods is `rogatory-law`'s; here stand ids and
//! whether an instrument is a treaty on mutual assistance in itself; the words have its names. Never
//! decides anything.

use crate::schema::Confidence;
use crate::words::words;
use serde::Serialize;

/// An instrument by its id in the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Instrument {
    /// Its id, as documents write it.
    pub id: &'static str,
    /// Whether it governs mutual assistance between its Parties: channel, content, refusal.
    pub mutual_assistance: bool,
    /// Whether it was in force when last looked at.
    pub in_force: bool,
    /// How that was checked.
    pub confidence: Confidence,
}

const fn entry(
    id: &'static str,
    mutual_assistance: bool,
    in_force: bool,
    confidence: Confidence,
) -> Instrument {
    Instrument { id, mutual_assistance, in_force, confidence }
}

/// Statuses as of 22 November 2026.
static INSTRUMENTS: [Instrument; 18] = [
    entry("coe-mla-1959", true, true, Confidence::Sourced),
    entry("coe-mla-1ap-1978", false, true, Confidence::Memory),
    entry("coe-mla-2ap-2001", false, true, Confidence::Sourced),
    entry("budapest-2001", false, true, Confidence::Sourced),
    entry("budapest-2ap-2022", false, false, Confidence::Sourced),
    entry("untoc-2000", false, true, Confidence::Sourced),
    entry("tip-protocol-2000", false, true, Confidence::Sourced),
    entry("uncac-2003", false, true, Confidence::Memory),
    entry("un-cybercrime-2024", false, false, Confidence::Sourced),
    entry("coe-thb-2005", false, true, Confidence::Memory),
    entry("coe-lanzarote-2007", false, true, Confidence::Memory),
    entry("eu-mla-2000", true, true, Confidence::Memory),
    entry("eu-uk-tca-2020", false, true, Confidence::Memory),
    entry("oas-nassau-1992", true, true, Confidence::Sourced),
    entry("asean-mlat-2004", true, true, Confidence::Sourced),
    entry("commonwealth-harare", true, true, Confidence::Memory),
    entry("bilateral", true, true, Confidence::Memory),
    entry("reciprocity-comity", true, true, Confidence::Memory),
];

impl Instrument {
    /// Its name in English, as papers write it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        words("en").instruments.get(self.id).map_or(self.id, String::as_str)
    }
}

/// Every instrument that documents may name.
#[must_use]
pub fn instruments() -> &'static [Instrument] {
    &INSTRUMENTS
}

/// The instrument with this id.
#[must_use]
pub fn instrument(id: &str) -> Option<&'static Instrument> {
    INSTRUMENTS.iter().find(|instrument| instrument.id == id)
}
