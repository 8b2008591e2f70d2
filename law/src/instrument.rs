//! Instruments: treaties and acts that a request relies on, and what each says about a measure.
//!
//! Holds the types as they are after checking; only the loaders make them. Calls nothing. Never holds what differs
//! from State to State: reservations and declarations change a treaty for a pair of States and belong elsewhere.

use crate::confidence::{Basis, Confidence, Statement};
use crate::known_date::KnownDate;
use crate::measure::Measure;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The text is no id of an instrument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the id of an instrument: a letter and up to 62 of `a-z`, `0-9` and `-` are expected, for example `budapest-2001`"
)]
pub struct InstrumentIdError(String);

/// The id of an instrument, as documents and competences name it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct InstrumentId(String);

impl InstrumentId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for InstrumentId {
    type Error = InstrumentIdError;

    fn try_from(text: String) -> Result<Self, InstrumentIdError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins && text.len() <= 63 && text.bytes().all(known) && !text.ends_with('-') {
            Ok(Self(text))
        } else {
            Err(InstrumentIdError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for InstrumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of legal text it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A treaty that many States may join.
    MultilateralTreaty,
    /// A protocol to such a treaty.
    Protocol,
    /// A treaty between two parties; the European Union counts as one.
    BilateralTreaty,
    /// A regulation of the European Union.
    EuRegulation,
    /// An implementing regulation of the European Commission.
    EuImplementingRegulation,
    /// A directive of the European Union, which works through national law.
    EuDirective,
    /// The law of one State.
    NationalLaw,
    /// An understanding that domestic law gives effect to.
    Scheme,
    /// A text that treaties are modelled on.
    ModelTreaty,
    /// No instrument at all: reciprocity and comity.
    Comity,
}

/// Whether it can be relied on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// In force, though not between every pair of States.
    InForce,
    /// Adopted or signed, not in force when last looked at.
    NotInForce,
    /// Not binding by itself.
    NotBinding,
    /// The domestic law of both States decides.
    DomesticLaw,
}

impl Standing {
    /// The standing as data files and output write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::NotInForce => "not-in-force",
            Self::NotBinding => "not-binding",
            Self::DomesticLaw => "domestic-law",
        }
    }
}

/// What happened on a date.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateEvent {
    /// Its text was adopted.
    Adopted,
    /// It was signed.
    Signed,
    /// It was opened for signature.
    SignatureOpens,
    /// Its signature closes.
    SignatureCloses,
    /// It entered into force.
    InForce,
    /// It applies from this date, where that is not the entry into force.
    Applies,
    /// National law has to give effect to it by this date.
    Transposition,
}

/// A date in the life of an instrument.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EventDate {
    /// What happened.
    pub event: DateEvent,
    /// When, as far as it is known.
    pub on: KnownDate,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// Whether an instrument can be relied on, and as of when that is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Status {
    /// Whether it can be relied on.
    pub standing: Standing,
    /// What happened after this date is not known here.
    pub as_of: KnownDate,
    /// What the standing rests on.
    #[serde(flatten)]
    pub basis: Basis,
    /// Dates, each with its own mark.
    pub dates: Vec<EventDate>,
    /// What else is to be known about it.
    pub notes: Vec<Statement>,
}

/// Whom an article reaches.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// It carries a request, an order or information across a border.
    CrossBorder,
    /// A power that each State gives its own authorities at home; no request abroad can be based on it.
    Domestic,
}

/// One article on a measure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ArticleReference {
    /// The article in the instrument's own numbering, or in words where no number is known.
    pub article: String,
    /// Whom it reaches.
    pub reach: Reach,
    /// A limit or explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// What an instrument says about one measure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MeasureRule {
    /// The measure.
    pub measure: Measure,
    /// The articles, at least one.
    pub articles: Vec<ArticleReference>,
}

impl MeasureRule {
    /// The articles a request abroad can rest on.
    pub fn cross_border(&self) -> impl Iterator<Item = &ArticleReference> {
        self.articles.iter().filter(|article| article.reach == Reach::CrossBorder)
    }

    /// The weakest mark among its articles.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.articles.iter().map(|article| article.basis.confidence()).min().unwrap_or(Confidence::Memory)
    }
}

impl fmt::Display for MeasureRule {
    /// Writes the articles with their numbers alone: `29; domestic power: 16`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |reach: Reach| {
            let of_reach = self.articles.iter().filter(|article| article.reach == reach);
            of_reach.map(|article| article.article.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (abroad, home) = (list(Reach::CrossBorder), list(Reach::Domestic));
        f.write_str(&abroad)?;
        if !home.is_empty() {
            write!(f, "{}domestic power: {home}", if abroad.is_empty() { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// The measures an instrument says nothing about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NotRegulated {
    /// The measures.
    pub measures: Vec<Measure>,
    /// An explanation, for example an express exclusion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// Where an instrument stands on a measure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position<'a> {
    /// It has articles on it.
    Regulated(&'a MeasureRule),
    /// It has none.
    NotRegulated(&'a NotRegulated),
    /// Not recorded here; the text has to be read.
    NotRecorded,
}

/// A treaty or act that a request can rely on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Instrument {
    /// Its id.
    pub id: InstrumentId,
    /// Its title.
    pub title: String,
    /// How people call it.
    pub short_title: String,
    /// Its number in a series, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// What sort of legal text it is.
    pub kind: Kind,
    /// The years of its text, in words; absent for reciprocity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<String>,
    /// What id, title, citation, kind and year rest on.
    #[serde(flatten)]
    pub basis: Basis,
    /// Depositary, or where it is published.
    pub publication: Statement,
    /// Where it holds.
    pub region: Statement,
    /// Whether it can be relied on.
    pub status: Status,
    /// What it says about measures, in the order of [`Measure::ALL`].
    pub measures: Vec<MeasureRule>,
    /// What it says nothing about.
    pub not_regulated: Vec<NotRegulated>,
    /// What else is to be known.
    pub notes: Vec<Statement>,
}

impl Instrument {
    /// The articles on a measure; `None` if there are none or none is recorded. [`Self::position`] tells which.
    #[must_use]
    pub fn article_for(&self, measure: Measure) -> Option<&MeasureRule> {
        self.measures.iter().find(|rule| rule.measure == measure)
    }

    /// Where it stands on a measure.
    #[must_use]
    pub fn position(&self, measure: Measure) -> Position<'_> {
        if let Some(rule) = self.article_for(measure) {
            return Position::Regulated(rule);
        }
        match self.not_regulated.iter().find(|none| none.measures.contains(&measure)) {
            Some(none) => Position::NotRegulated(none),
            None => Position::NotRecorded,
        }
    }

    /// Whether it was in force on the date of [`Status::as_of`].
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.status.standing == Standing::InForce
    }

    /// What each of its statements rests on, under the statement's name.
    pub fn bases(&self) -> impl Iterator<Item = (String, &Basis)> {
        let fixed = [
            ("title".to_owned(), &self.basis),
            ("publication".to_owned(), &self.publication.basis),
            ("region".to_owned(), &self.region.basis),
            ("status".to_owned(), &self.status.basis),
        ];
        let dates = self.status.dates.iter().map(|date| (format!("status.dates {}", date.on), &date.basis));
        let articles = self.measures.iter().flat_map(|rule| {
            let named = move |article: &'_ ArticleReference| format!("{} {}", rule.measure, article.article);
            rule.articles.iter().map(move |article| (named(article), &article.basis))
        });
        let absent = self.not_regulated.iter().map(|none| ("not_regulated".to_owned(), &none.basis));
        let notes = self.notes.iter().chain(&self.status.notes);
        let notes = notes.map(|note| ("notes".to_owned(), &note.basis));
        fixed.into_iter().chain(dates).chain(articles).chain(absent).chain(notes)
    }
}
