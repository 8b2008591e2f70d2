//! The instruments that a request can rely on, as far as templates need to know them.
//!
//! The catalogue with articles, measures and periods is `rogatory-law`'s; here stand ids, names and
//! whether an instrument is a treaty on mutual assistance in itself. Never decides anything.

use crate::schema::Confidence;
use serde::Serialize;

/// An instrument by its id in the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Instrument {
    /// Its id, as documents write it.
    pub id: &'static str,
    /// Its name in English.
    pub name: &'static str,
    /// Whether it governs mutual assistance between its Parties: channel, content, refusal.
    pub mutual_assistance: bool,
    /// Whether it was in force when last looked at.
    pub in_force: bool,
    /// How that was checked.
    pub confidence: Confidence,
}

const fn entry(
    id: &'static str,
    name: &'static str,
    mutual_assistance: bool,
    in_force: bool,
    confidence: Confidence,
) -> Instrument {
    Instrument { id, name, mutual_assistance, in_force, confidence }
}

/// Statuses as of 22 November 2026.
static INSTRUMENTS: [Instrument; 18] = [
    entry(
        "coe-mla-1959",
        "European Convention on Mutual Assistance in Criminal Matters, ETS 030 (1959)",
        true,
        true,
        Confidence::Sourced,
    ),
    entry(
        "coe-mla-1ap-1978",
        "Additional Protocol to ETS 030, ETS 099 (1978)",
        false,
        true,
        Confidence::Memory,
    ),
    entry(
        "coe-mla-2ap-2001",
        "Second Additional Protocol to ETS 030, ETS 182 (2001)",
        false,
        true,
        Confidence::Sourced,
    ),
    entry("budapest-2001", "Convention on Cybercrime, ETS 185 (2001)", false, true, Confidence::Sourced),
    entry(
        "budapest-2ap-2022",
        "Second Additional Protocol to ETS 185, CETS 224 (2022)",
        false,
        false,
        Confidence::Sourced,
    ),
    entry(
        "untoc-2000",
        "United Nations Convention against Transnational Organized Crime (2000)",
        false,
        true,
        Confidence::Sourced,
    ),
    entry(
        "tip-protocol-2000",
        "Protocol against Trafficking in Persons, supplementing it (2000)",
        false,
        true,
        Confidence::Sourced,
    ),
    entry(
        "uncac-2003",
        "United Nations Convention against Corruption (2003)",
        false,
        true,
        Confidence::Memory,
    ),
    entry(
        "un-cybercrime-2024",
        "United Nations Convention against Cybercrime (2024)",
        false,
        false,
        Confidence::Sourced,
    ),
    entry(
        "coe-thb-2005",
        "Convention on Action against Trafficking in Human Beings, CETS 197 (2005)",
        false,
        true,
        Confidence::Memory,
    ),
    entry(
        "coe-lanzarote-2007",
        "Convention on the Protection of Children against Sexual Exploitation, CETS 201 (2007)",
        false,
        true,
        Confidence::Memory,
    ),
    entry(
        "eu-mla-2000",
        "Convention on Mutual Assistance between the Member States of the European Union (2000)",
        true,
        true,
        Confidence::Memory,
    ),
    entry(
        "eu-uk-tca-2020",
        "Trade and Cooperation Agreement between the European Union and the United Kingdom, Part Three, Title VIII (2020)",
        false,
        true,
        Confidence::Memory,
    ),
    entry(
        "oas-nassau-1992",
        "Inter-American Convention on Mutual Assistance in Criminal Matters (1992)",
        true,
        true,
        Confidence::Sourced,
    ),
    entry(
        "asean-mlat-2004",
        "Treaty on Mutual Legal Assistance in Criminal Matters, Kuala Lumpur (2004)",
        true,
        true,
        Confidence::Sourced,
    ),
    entry(
        "commonwealth-harare",
        "Scheme relating to Mutual Assistance within the Commonwealth",
        true,
        true,
        Confidence::Memory,
    ),
    entry(
        "bilateral",
        "Bilateral treaty on mutual assistance between the two States",
        true,
        true,
        Confidence::Memory,
    ),
    entry("reciprocity-comity", "Reciprocity and comity, without a treaty", true, true, Confidence::Memory),
];

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
