//! The form of an instrument in a data file, and its checks.
//!
//! Holds the fields as TOML writes them and turns them into [`Instrument`]s. May call the data-file reader. Never
//! accepts a field it doesn't know, nor a statement without its mark.

use crate::confidence::{Confidence, Source, SourceKey, Statement};
use crate::data_file::{DataError, DataFile, Words, inside};
use crate::instrument::{
    ArticleReference, DateEvent, EventDate, Instrument, InstrumentId, Kind, MeasureRule, NotRegulated, Reach,
    Standing, Status,
};
use crate::known_date::KnownDate;
use crate::measure::Measure;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;

/// The sources that a file's statements may name.
pub(crate) type KnownSources = BTreeSet<SourceKey>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceForm {
    key: Spanned<SourceKey>,
    document: Words,
    address: Words,
    note: Option<Words>,
}

/// Lists the sources, each key once.
pub(crate) fn sources(file: &DataFile<'_>, forms: Vec<SourceForm>) -> Result<Vec<Source>, DataError> {
    let mut known = KnownSources::new();
    let mut sources = Vec::with_capacity(forms.len());
    for form in forms {
        if !known.insert(form.key.get_ref().clone()) {
            let problem = format!("the key `{}` is listed twice", form.key.get_ref());
            return Err(file.wrong(form.key.span(), "sources.key", problem));
        }
        sources.push(Source {
            key: form.key.into_inner(),
            document: form.document.into(),
            address: form.address.into(),
            note: form.note.map(String::from),
        });
    }
    Ok(sources)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementForm {
    text: Words,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

impl StatementForm {
    fn check(self, file: &DataFile<'_>, field: &str, known: &KnownSources) -> Result<Statement, DataError> {
        let basis = file.basis(field, &self.confidence, self.sources, known)?;
        Ok(Statement { text: self.text.into(), basis })
    }
}

fn statements(
    file: &DataFile<'_>,
    field: &str,
    forms: Vec<StatementForm>,
    known: &KnownSources,
) -> Result<Vec<Statement>, DataError> {
    forms.into_iter().map(|form| form.check(file, field, known)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DateForm {
    event: DateEvent,
    on: KnownDate,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusForm {
    standing: Standing,
    as_of: KnownDate,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
    #[serde(default)]
    dates: Vec<DateForm>,
    #[serde(default)]
    notes: Vec<StatementForm>,
}

impl StatusForm {
    fn check(self, file: &DataFile<'_>, field: &str, known: &KnownSources) -> Result<Status, DataError> {
        let basis = file.basis(field, &self.confidence, self.sources, known)?;
        let place = inside(field, "dates");
        let mut dates = Vec::with_capacity(self.dates.len());
        for form in self.dates {
            let basis = file.basis(&place, &form.confidence, form.sources, known)?;
            dates.push(EventDate { event: form.event, on: form.on, basis });
        }
        let notes = statements(file, &inside(field, "notes"), self.notes, known)?;
        Ok(Status { standing: self.standing, as_of: self.as_of, basis, dates, notes })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArticleForm {
    article: Words,
    reach: Option<Reach>,
    note: Option<Words>,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeasureForm {
    measure: Spanned<Measure>,
    articles: Spanned<Vec<ArticleForm>>,
}

impl MeasureForm {
    fn check(self, file: &DataFile<'_>, field: &str, known: &KnownSources) -> Result<MeasureRule, DataError> {
        let place = inside(field, "articles");
        if self.articles.get_ref().is_empty() {
            let problem = "no article is given; if there is none, list the measure under `not_regulated`";
            return Err(file.wrong(self.articles.span(), &place, problem));
        }
        let mut articles = Vec::new();
        for form in self.articles.into_inner() {
            let basis = file.basis(&place, &form.confidence, form.sources, known)?;
            articles.push(ArticleReference {
                article: form.article.into(),
                reach: form.reach.unwrap_or(Reach::CrossBorder),
                note: form.note.map(String::from),
                basis,
            });
        }
        Ok(MeasureRule { measure: self.measure.into_inner(), articles })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotRegulatedForm {
    measures: Vec<Spanned<Measure>>,
    note: Option<Words>,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstrumentForm {
    pub(crate) id: Spanned<InstrumentId>,
    title: Words,
    short_title: Words,
    citation: Option<Words>,
    pub(crate) kind: Spanned<Kind>,
    year: Option<Words>,
    confidence: Spanned<Confidence>,
    #[serde(default)]
    sources: Vec<Spanned<SourceKey>>,
    publication: StatementForm,
    region: StatementForm,
    status: StatusForm,
    #[serde(default)]
    measures: Vec<MeasureForm>,
    #[serde(default)]
    not_regulated: Vec<NotRegulatedForm>,
    #[serde(default)]
    notes: Vec<StatementForm>,
}

impl InstrumentForm {
    /// Checks what the types cannot say; `table` is the table the form stands in, empty for the whole file.
    pub(crate) fn check(
        self,
        file: &DataFile<'_>,
        table: &str,
        known: &KnownSources,
    ) -> Result<Instrument, DataError> {
        let place = |field: &str| inside(table, field);
        let basis = file.basis(table, &self.confidence, self.sources, known)?;
        let mut seen = BTreeSet::new();
        let mut once = |measure: &Spanned<Measure>, field: &str| {
            if seen.insert(*measure.get_ref()) {
                return Ok(());
            }
            let problem = format!("the measure `{}` is listed twice", measure.get_ref());
            Err(file.wrong(measure.span(), field, problem))
        };
        let mut measures = Vec::with_capacity(self.measures.len());
        for form in self.measures {
            once(&form.measure, &place("measures.measure"))?;
            measures.push(form.check(file, &place("measures"), known)?);
        }
        measures.sort_by_key(|rule| rule.measure);
        let mut not_regulated = Vec::with_capacity(self.not_regulated.len());
        for form in self.not_regulated {
            for measure in &form.measures {
                once(measure, &place("not_regulated.measures"))?;
            }
            let basis = file.basis(&place("not_regulated"), &form.confidence, form.sources, known)?;
            not_regulated.push(NotRegulated {
                measures: form.measures.into_iter().map(Spanned::into_inner).collect(),
                note: form.note.map(String::from),
                basis,
            });
        }
        Ok(Instrument {
            id: self.id.into_inner(),
            title: self.title.into(),
            short_title: self.short_title.into(),
            citation: self.citation.map(String::from),
            kind: self.kind.into_inner(),
            year: self.year.map(String::from),
            basis,
            publication: self.publication.check(file, &place("publication"), known)?,
            region: self.region.check(file, &place("region"), known)?,
            status: self.status.check(file, &place("status"), known)?,
            measures,
            not_regulated,
            notes: statements(file, &place("notes"), self.notes, known)?,
        })
    }
}
