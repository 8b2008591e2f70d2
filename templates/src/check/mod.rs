//! The check of facts: what a form lacks before it leaves, and what would be refused abroad.
//!
//! Walks the schema, then the further rules the schema names. Pure: no clock, no look-up. Decides
//! nothing about the law of the case; every finding names the rule it rests on.

mod rules;

use crate::finding::{Finding, Severity};
use crate::key;
use crate::schema::{Condition, Confidence, Demand, Field, Schema, Shape};
use crate::shape;
use crate::translation;
use serde_json::Value;

/// More findings than anybody reads; a longer list only costs memory.
const FINDING_LIMIT: usize = 500;

/// Checks `body` against `schema`. `translated` says whether the paper stands in two languages, so that
/// the body may carry translations.
pub(crate) fn check(schema: &Schema, body: &Value, translated: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !body.is_object() {
        findings.push(Finding {
            field: String::new(),
            severity: Severity::Missing,
            message: "The facts are not a set of fields.".to_owned(),
            hint: "write { \"field\": value, … }".to_owned(),
            source: "document format".to_owned(),
            confidence: Confidence::Derived,
        });
        return findings;
    }
    for field in &schema.fields {
        for place in key::places(body, &field.key) {
            findings.extend(check_place(field, body, &place));
        }
    }
    for name in &schema.rules {
        rules::apply(name, body, schema, &mut findings);
    }
    rules::no_secret_keys(body, &mut findings);
    let keys: Vec<&str> = schema.fields.iter().map(|field| field.key.as_str()).collect();
    let mut unknown = key::unknown(body, &keys);
    if translated {
        unknown.retain(|(path, _)| path != translation::MEMBER);
        findings.extend(translation::stray(schema, body).into_iter().map(|(path, _)| Finding {
            message: format!("`{path}` translates no text of this form."),
            field: path,
            severity: Severity::Missing,
            hint: "write \"translations\": { \"facts.summary\": \"…\" }, with the path of a text that is there"
                .to_owned(),
            source: "document format: nothing is signed that the form does not show".to_owned(),
            confidence: Confidence::Derived,
        }));
    }
    for (path, _) in unknown {
        // A list of the wrong form was already reported by its shape.
        if findings.iter().any(|finding| finding.field == path) {
            continue;
        }
        findings.push(Finding {
            message: format!("`{path}` is no field of this form."),
            field: path,
            severity: Severity::Missing,
            hint: "check the spelling, or move the text to a field of the form".to_owned(),
            source: "document format: nothing is signed that the form does not show".to_owned(),
            confidence: Confidence::Derived,
        });
    }
    findings.truncate(FINDING_LIMIT);
    findings
}

fn check_place(field: &Field, body: &Value, place: &key::Place<'_>) -> Option<Finding> {
    let finding = |message: String, hint: String| Finding {
        field: place.path.clone(),
        severity: Severity::Missing,
        message,
        hint,
        source: field.source.clone(),
        confidence: field.confidence,
    };
    if let Some(value) = place.value
        && !key::is_blank(Some(value))
    {
        let (what, hint) = shape::problem(field, value)?;
        return Some(finding(format!("{}: {what}.", field.label), hint));
    }
    let because = match (field.demand, &field.condition) {
        (Demand::Required, _) => String::new(),
        (Demand::Conditional, Some(condition)) if holds(condition, field, body, place.entry) => {
            format!(", because {}", condition.text)
        }
        _ => return None,
    };
    let verb = if field.shape == Shape::List { "has no entry" } else { "is missing" };
    Some(finding(format!("{} {verb}{because}.", field.label), field.help.clone()))
}

/// Whether `condition` holds for the entry `entry` of the list that `field` goes through.
pub(crate) fn holds(condition: &Condition, field: &Field, body: &Value, entry: Option<usize>) -> bool {
    let same_list = key::list_of(&condition.field).is_some()
        && key::list_of(&condition.field) == key::list_of(&field.key);
    let wanted = |value: &Value| match &condition.is {
        Value::Array(any) => any.contains(value),
        one => one == value,
    };
    key::places(body, &condition.field)
        .into_iter()
        .filter(|place| !same_list || place.entry == entry)
        .any(|place| place.value.is_some_and(wanted))
}
