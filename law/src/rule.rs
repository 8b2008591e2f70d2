//! Time rules: how long something must last or may take, by instrument.
//!
//! Holds the rules of `data/rules/` with their loader. May call the data-file reader and the catalogue, whose
//! sources and instruments the rules name. Never reads a clock: instants are handed in.

use crate::catalogue::{Catalogue, CatalogueError, catalogue};
use crate::confidence::{Basis, Confidence, SourceKey};
use crate::data_file::{DataError, DataFile, Words};
use crate::instrument::InstrumentId;
use crate::instrument_file::KnownSources;
use rogatory_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU16;
use std::sync::LazyLock;
use toml::Spanned;

/// The format of the files of rules that this version reads.
const FORMAT: u32 = 1;

const PRESERVATION: (&str, &str) =
    ("rules/preservation.toml", include_str!("../data/rules/preservation.toml"));

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// How long data asked to be preserved must at least be preserved under one instrument.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PreservationRule {
    /// The instrument.
    pub instrument: InstrumentId,
    /// Where it says so.
    pub article: String,
    /// The period, in days.
    pub at_least_days: NonZeroU16,
    /// How the days are counted, and the other way to read the article.
    pub reading: String,
    /// What the rule rests on.
    pub basis: Basis,
}

impl PreservationRule {
    /// The earliest instant that may be confirmed as the last at which the data are preserved.
    ///
    /// `received` is when the requested authority received the request to preserve; its fraction of a second
    /// does not count. The answer is UTC, inclusive.
    #[must_use]
    pub fn earliest_end(&self, received: Timestamp) -> Timestamp {
        received.whole_seconds().plus_seconds(i64::from(self.at_least_days.get()) * DAY_SECONDS)
    }
}

/// How long data must at least be preserved under `instrument`, if a rule is recorded.
///
/// # Errors
/// [`CatalogueError`] if a data file of this build is wrong; the same at every call.
pub fn preservation_rule(instrument: &str) -> Result<Option<&'static PreservationRule>, CatalogueError> {
    static RULES: LazyLock<Result<Vec<PreservationRule>, CatalogueError>> =
        LazyLock::new(|| read(PRESERVATION, catalogue()?).map_err(CatalogueError::File));
    let rules = RULES.as_ref().map_err(Clone::clone)?;
    Ok(rules.iter().find(|rule| rule.instrument.as_str() == instrument))
}

fn read((name, text): (&str, &str), catalogue: &Catalogue) -> Result<Vec<PreservationRule>, DataError> {
    let file = DataFile::new(name, text);
    let form: RulesForm = file.parse()?;
    if *form.format.get_ref() != FORMAT {
        let problem = format!("format {} is not known; this version reads {FORMAT}", form.format.get_ref());
        return Err(file.wrong(form.format.span(), "format", problem));
    }
    let known: KnownSources = catalogue.sources().iter().map(|source| source.key.clone()).collect();
    let mut rules: Vec<PreservationRule> = Vec::with_capacity(form.preservation.len());
    for form in form.preservation {
        let id = form.instrument.get_ref();
        if catalogue.instrument(id.as_str()).is_none() {
            let problem = format!("the catalogue has no instrument `{}`", id.as_str());
            return Err(file.wrong(form.instrument.span(), "preservation.instrument", problem));
        }
        if rules.iter().any(|rule| rule.instrument == *id) {
            let problem = format!("the instrument `{}` has two rules", id.as_str());
            return Err(file.wrong(form.instrument.span(), "preservation.instrument", problem));
        }
        let basis = file.basis("preservation", &form.confidence, form.sources, &known)?;
        rules.push(PreservationRule {
            instrument: form.instrument.into_inner(),
            article: form.article.into(),
            at_least_days: form.at_least_days,
            reading: form.reading.into(),
            basis,
        });
    }
    Ok(rules)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesForm {
    format: Spanned<u32>,
    preservation: Vec<PreservationForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreservationForm {
    instrument: Spanned<InstrumentId>,
    article: Words,
    at_least_days: NonZeroU16,
    reading: Words,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong_after(from: &str, to: &str) -> String {
        assert!(PRESERVATION.1.contains(from), "{from}");
        let text = PRESERVATION.1.replacen(from, to, 1);
        read((PRESERVATION.0, &text), catalogue().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn the_budapest_convention_demands_sixty_days_from_receipt() {
        let rule = preservation_rule("budapest-2001").unwrap().unwrap();
        assert_eq!((rule.article.as_str(), rule.at_least_days.get()), ("29(7)", 60));
        assert_eq!(rule.basis.to_string(), "sourced S06");
        let received: Timestamp = "2026-11-22T14:20:00.5Z".parse().unwrap();
        assert_eq!(rule.earliest_end(received).to_string(), "2027-01-21T14:20:00Z");
    }

    #[test]
    fn an_instrument_without_a_rule_demands_nothing_here() {
        assert_eq!(preservation_rule("coe-mla-1959").unwrap(), None);
        assert_eq!(preservation_rule("").unwrap(), None);
    }

    #[test]
    fn what_a_rule_may_not_say_is_named() {
        let start = "`rules/preservation.toml`, line ";
        for (from, to, field) in [
            ("at_least_days = 60", "at_least_days = 0", "at_least_days"),
            ("\"budapest-2001\"", "\"budapest-1900\"", "instrument"),
            ("[\"S06\"]", "[\"S00\"]", "sources"),
            ("format = 1", "format = 2", "format"),
            ("confidence = \"sourced\"", "", "confidence"),
        ] {
            let error = wrong_after(from, to);
            assert!(error.starts_with(start) && error.contains(field), "{error}");
        }
    }
}
