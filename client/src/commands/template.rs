//! `rogatory template …`: the forms, their fields, and checks of facts. Offline.

use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::papers::{self, Gap, Wording};
use crate::problem::Problem;
use rogatory_templates::{Audience, Demand};
use serde::Serialize;
use serde_json::Value;

/// A form, as the list shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Form {
    /// Its id.
    pub id: String,
    /// The kind of document it makes.
    pub kind: String,
    /// The language of its labels and fixed text.
    pub language: String,
    /// The version of its pack.
    pub pack_version: String,
    /// Up to which day the law in it was looked after.
    pub law_as_of: String,
    /// What it is for.
    pub summary: String,
}

impl Form {
    fn of(template: &rogatory_templates::Template) -> Self {
        Self {
            id: template.id().to_owned(),
            kind: template.kind().to_string(),
            language: template.language().to_owned(),
            pack_version: template.pack_version().to_owned(),
            law_as_of: template.law_as_of().to_owned(),
            summary: template.summary().to_owned(),
        }
    }
}

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Forms {
    /// In the order of the catalogue.
    pub templates: Vec<Form>,
}

impl Outcome for Forms {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["FORM", "KIND", "LANGUAGE", "VERSION", "LAW AS OF", "FOR"]);
        for form in &self.templates {
            table.row(
                [&form.id, &form.kind, &form.language, &form.pack_version, &form.law_as_of, &form.summary]
                    .map(String::as_str),
            );
        }
        page.table(&table, "There is no form.");
    }
}

/// Lists the forms.
#[must_use]
pub fn list() -> Forms {
    Forms { templates: rogatory_templates::catalogue().iter().map(Form::of).collect() }
}

/// A field of a form.
#[derive(Clone, Debug, Serialize)]
pub struct FieldFacts {
    /// The path below `body`.
    pub key: String,
    /// Its label on the paper.
    pub label: String,
    /// `required`, `conditional` or `optional`.
    pub demand: String,
    /// When it is demanded, if conditional.
    pub when: Option<String>,
    /// What to write.
    pub help: String,
    /// What may be chosen from.
    pub choices: Vec<String>,
    /// The rule that asks for it.
    pub source: String,
    /// How that rule was checked.
    pub confidence: Value,
    /// Whether a provider may be told.
    pub for_everyone: bool,
}

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct FormShown {
    /// The form.
    #[serde(flatten)]
    pub form: Form,
    /// The title on the paper.
    pub title: String,
    /// What it rests on.
    pub legal_basis: String,
    /// Its fields in order.
    pub fields: Vec<FieldFacts>,
    /// A filled example, invented.
    pub example: Value,
    /// Whether people see the example instead of the fields.
    #[serde(skip)]
    pub example_only: bool,
}

impl Outcome for FormShown {
    fn show(&self, page: &mut Page) {
        if self.example_only {
            page.text(&serde_json::to_string_pretty(&self.example).unwrap_or_default());
            return;
        }
        page.fact("form", &self.form.id);
        page.fact("title", &self.title);
        page.fact("kind", &self.form.kind);
        page.fact("legal basis", &self.legal_basis);
        page.fact("law as of", &self.form.law_as_of);
        page.blank();
        let mut table = Table::new(&["FIELD", "DEMAND", "WHAT", "SOURCE", "KNOWN FROM"]);
        for field in &self.fields {
            let what = if field.help.is_empty() {
                field.label.clone()
            } else {
                format!("{}: {}", field.label, field.help)
            };
            let what = if field.choices.is_empty() {
                what
            } else {
                format!("{what} One of: {}.", field.choices.join(", "))
            };
            let demand =
                field.when.as_ref().map_or_else(|| field.demand.clone(), |when| format!("if {when}"));
            table.row([
                field.key.clone(),
                demand,
                what,
                field.source.clone(),
                field.confidence.as_str().unwrap_or_default().to_owned(),
            ]);
        }
        page.table(&table, "It has no fields.");
    }
}

/// Shows a form's fields, or its example facts.
///
/// # Errors
/// A usage problem if there is no such form.
pub fn show(id: &str, wording: &Wording, example_only: bool) -> Result<FormShown, Problem> {
    let template = papers::template(id, None, wording)?;
    let schema = template.schema();
    let fields = schema.fields.iter().map(|field| FieldFacts {
        key: field.key.clone(),
        label: field.label.clone(),
        demand: match field.demand {
            Demand::Required => "required",
            Demand::Conditional => "conditional",
            Demand::Optional => "optional",
        }
        .to_owned(),
        when: field.condition.as_ref().map(|condition| condition.text.clone()),
        help: field.help.clone(),
        choices: field.choices.clone(),
        source: field.source.clone(),
        confidence: serde_json::to_value(field.confidence).unwrap_or_default(),
        for_everyone: field.audience == Audience::Everyone,
    });
    Ok(FormShown {
        form: Form::of(template),
        title: schema.title.clone(),
        legal_basis: schema.legal_basis.clone(),
        fields: fields.collect(),
        example: template.example(),
        example_only,
    })
}

/// Facts, or examples, checked against their forms.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Whether nothing essential is missing anywhere.
    pub complete: bool,
    /// One for each form.
    pub checks: Vec<FormCheck>,
}

/// One form, checked.
#[derive(Clone, Debug, Serialize)]
pub struct FormCheck {
    /// The form.
    pub template: String,
    /// Whether nothing essential is missing.
    pub complete: bool,
    /// What was found.
    pub findings: Vec<Gap>,
}

impl FormCheck {
    fn of(template: &rogatory_templates::Template, facts: &Value) -> Self {
        let (findings, blocked) = papers::gaps(template, facts);
        Self { template: template.id().to_owned(), complete: !blocked, findings }
    }
}

impl Outcome for Checked {
    fn show(&self, page: &mut Page) {
        for check in &self.checks {
            let verdict = if check.complete { "complete" } else { "incomplete" };
            page.fact(&check.template, verdict);
        }
        for gap in
            self.checks.iter().flat_map(|check| &check.findings).filter(|gap| gap.severity == "warning")
        {
            page.line(format!("warning: {}", gap.line()));
        }
    }

    fn complaint(&self) -> Option<Problem> {
        let check = self.checks.iter().find(|check| !check.complete)?;
        Some(papers::incomplete(&check.template, &check.findings))
    }
}

/// Checks facts against one form; without facts the form's example, without a form every example.
///
/// # Errors
/// A usage problem if there is no such form.
pub fn check(id: Option<&str>, facts: Option<&Value>, wording: &Wording) -> Result<Checked, Problem> {
    let checks: Vec<FormCheck> = match id {
        Some(id) => {
            let template = papers::template(id, None, wording)?;
            vec![facts.map_or_else(
                || FormCheck::of(template, &template.example()),
                |facts| FormCheck::of(template, facts),
            )]
        }
        None => rogatory_templates::catalogue()
            .iter()
            .map(|template| FormCheck::of(template, &template.example()))
            .collect(),
    };
    Ok(Checked { complete: checks.iter().all(|check| check.complete), checks })
}

/// Checks facts against one form.
pub(crate) fn check_one(template: &rogatory_templates::Template, facts: &Value) -> Checked {
    let check = FormCheck::of(template, facts);
    Checked { complete: check.complete, checks: vec![check] }
}
