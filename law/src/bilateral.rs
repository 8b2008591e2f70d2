//! Bilateral treaties, which an office describes itself.
//!
//! Holds the form of such a description: the treaty and its articles, the fields a request under it needs, and who
//! is competent on each side. May call the data-file reader. Never opens a file: its text is handed in. Nothing
//! here is checked against the treaty; each statement carries the mark that the office gave it.

use crate::confidence::{Basis, Confidence, Source, SourceKey};
use crate::data_file::{DataError, DataFile, Words};
use crate::instrument::{Instrument, Kind};
use crate::instrument_file::{InstrumentForm, KnownSources, SourceForm, sources};
use rogatory_core::document::Competence;
use rogatory_core::{CountryCode, PartyId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use toml::Spanned;

/// What the id of every described treaty begins with, so that it never meets one of the catalogue.
pub const ID_PREFIX: &str = "bilateral-";

/// The format of the description that this version reads.
pub const FORMAT: u32 = 1;

/// A description to begin with: an invented treaty between two invented States.
pub const EXAMPLE: &str = include_str!("../data/bilateral-example.toml");

/// When a request needs a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Always.
    Required,
    /// When its condition holds.
    Conditional,
    /// Never, but the treaty names it.
    Optional,
}

/// A field that a request under the treaty has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RequiredField {
    /// Its name in data: `a-z`, `0-9` and `_`.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// When it is needed.
    pub demand: Demand,
    /// The condition, for [`Demand::Conditional`] and only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The article that asks for it.
    pub article: String,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// An authority and what it does under the treaty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CompetentAuthority {
    /// Its State, one of the two.
    pub country: CountryCode,
    /// Its name.
    pub authority: String,
    /// What it does, at least one act.
    pub acts: Vec<Competence>,
    /// Its party here, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyId>,
    /// Limits of its competence: a stage of proceedings, a territory, a matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// The article that names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// A bilateral treaty as an office described it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BilateralTreaty {
    parties: [CountryCode; 2],
    treaty: Instrument,
    required_fields: Vec<RequiredField>,
    competent: Vec<CompetentAuthority>,
    sources: Vec<Source>,
}

impl BilateralTreaty {
    /// Reads a description; `name` is the file's name for messages.
    ///
    /// # Errors
    /// [`DataError`], naming line and field, if a field is missing, unknown or wrong, a statement has no mark, or
    /// no authority of one of the two States is named that sends, or that executes, requests.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, DataError> {
        let file = DataFile::new(name, text);
        let form: Form = file.parse()?;
        form.check(&file)
    }

    /// The two States.
    #[must_use]
    pub const fn parties(&self) -> [CountryCode; 2] {
        self.parties
    }

    /// The treaty itself, with its articles.
    #[must_use]
    pub const fn instrument(&self) -> &Instrument {
        &self.treaty
    }

    /// The fields of a request, in the order of the description.
    #[must_use]
    pub fn required_fields(&self) -> &[RequiredField] {
        &self.required_fields
    }

    /// Who is competent, on both sides.
    #[must_use]
    pub fn competent(&self) -> &[CompetentAuthority] {
        &self.competent
    }

    /// The authorities of `country` that are competent for `act`.
    pub fn competent_for(
        &self,
        country: CountryCode,
        act: Competence,
    ) -> impl Iterator<Item = &CompetentAuthority> {
        self.competent.iter().filter(move |one| one.country == country && one.acts.contains(&act))
    }

    /// The documents its statements name.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: Spanned<u32>,
    parties: Spanned<Vec<CountryCode>>,
    treaty: InstrumentForm,
    required_fields: Vec<FieldForm>,
    competent: Spanned<Vec<CompetentForm>>,
    #[serde(default)]
    sources: Vec<SourceForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldForm {
    key: Spanned<String>,
    label: Words,
    demand: Spanned<Demand>,
    condition: Option<Words>,
    article: Words,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompetentForm {
    country: Spanned<CountryCode>,
    authority: Words,
    acts: Spanned<Vec<Competence>>,
    party: Option<Spanned<PartyId>>,
    limits: Option<Words>,
    article: Option<Words>,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

impl Form {
    fn check(self, file: &DataFile<'_>) -> Result<BilateralTreaty, DataError> {
        if *self.format.get_ref() != FORMAT {
            let problem =
                format!("format {} is not known; this version reads {FORMAT}", self.format.get_ref());
            return Err(file.wrong(self.format.span(), "format", problem));
        }
        let parties = match self.parties.get_ref().as_slice() {
            [one, other] if one != other => [*one, *other],
            _ => {
                let problem = "two different States are expected, for example [\"xa\", \"xb\"]";
                return Err(file.wrong(self.parties.span(), "parties", problem));
            }
        };
        if !self.treaty.id.get_ref().as_str().starts_with(ID_PREFIX) {
            let problem = format!("the id has to begin with `{ID_PREFIX}`");
            return Err(file.wrong(self.treaty.id.span(), "treaty.id", problem));
        }
        if *self.treaty.kind.get_ref() != Kind::BilateralTreaty {
            return Err(file.wrong(self.treaty.kind.span(), "treaty.kind", "`bilateral-treaty` is expected"));
        }
        let sources = sources(file, self.sources)?;
        let known: KnownSources = sources.iter().map(|source| source.key.clone()).collect();
        let treaty = self.treaty.check(file, "treaty", &known)?;
        let required_fields = fields(file, self.required_fields, &known)?;
        let span = self.competent.span();
        let forms = self.competent.into_inner();
        let competent =
            forms.into_iter().map(|form| form.check(file, parties, &known)).collect::<Result<Vec<_>, _>>()?;
        for country in parties {
            for (act, word) in
                [(Competence::RequestAssistance, "sends"), (Competence::ExecuteRequests, "executes")]
            {
                if !competent.iter().any(|one| one.country == country && one.acts.contains(&act)) {
                    let problem =
                        format!("no authority of `{}` is named that {word} requests", country.as_str());
                    return Err(file.wrong(span.clone(), "competent.acts", problem));
                }
            }
        }
        Ok(BilateralTreaty { parties, treaty, required_fields, competent, sources })
    }
}

fn fields(
    file: &DataFile<'_>,
    forms: Vec<FieldForm>,
    known: &KnownSources,
) -> Result<Vec<RequiredField>, DataError> {
    let mut keys = BTreeSet::new();
    let mut fields = Vec::with_capacity(forms.len());
    for form in forms {
        let key = form.key.get_ref();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if !(1..=63).contains(&key.len()) || !key.bytes().all(allowed) {
            let problem = "1 to 63 of `a-z`, `0-9` and `_` are expected, for example `facts_summary`";
            return Err(file.wrong(form.key.span(), "required_fields.key", problem));
        }
        if !keys.insert(key.clone()) {
            let problem = format!("the field `{key}` is listed twice");
            return Err(file.wrong(form.key.span(), "required_fields.key", problem));
        }
        let problem = match (form.demand.get_ref(), &form.condition) {
            (Demand::Conditional, None) => Some("a conditional field has to say its `condition`"),
            (Demand::Required | Demand::Optional, Some(_)) => {
                Some("only a conditional field has a `condition`")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(file.wrong(form.demand.span(), "required_fields.demand", problem));
        }
        let basis = file.basis("required_fields", &form.confidence, form.sources, known)?;
        fields.push(RequiredField {
            key: form.key.into_inner(),
            label: form.label.into(),
            demand: form.demand.into_inner(),
            condition: form.condition.map(String::from),
            article: form.article.into(),
            basis,
        });
    }
    Ok(fields)
}

impl CompetentForm {
    fn check(
        self,
        file: &DataFile<'_>,
        parties: [CountryCode; 2],
        known: &KnownSources,
    ) -> Result<CompetentAuthority, DataError> {
        let country = *self.country.get_ref();
        if !parties.contains(&country) {
            let problem = format!("`{}` is not one of the `parties`", country.as_str());
            return Err(file.wrong(self.country.span(), "competent.country", problem));
        }
        if self.acts.get_ref().is_empty() {
            let problem = "name what it does: `request-assistance`, `execute-requests` or both";
            return Err(file.wrong(self.acts.span(), "competent.acts", problem));
        }
        if let Some(party) = &self.party
            && party.get_ref().country() != country
        {
            let problem = format!("`{}` is not a party of `{}`", party.get_ref(), country.as_str());
            return Err(file.wrong(party.span(), "competent.party", problem));
        }
        let basis = file.basis("competent", &self.confidence, self.sources, known)?;
        Ok(CompetentAuthority {
            country,
            authority: self.authority.into(),
            acts: self.acts.into_inner(),
            party: self.party.map(Spanned::into_inner),
            limits: self.limits.map(String::from),
            article: self.article.map(String::from),
            basis,
        })
    }
}

#[cfg(test)]
mod tests;
