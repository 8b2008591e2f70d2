//! Translations of free text that a body carries, for papers in two languages.
//!
//! `body.translations` maps the path of a text, for example `facts.summary` or `identifiers[0].link`,
//! to the same text in the second language. Pure.

use crate::key;
use crate::schema::{Schema, Shape};
use serde_json::Value;
use std::collections::BTreeSet;

/// The member of a body that holds them.
pub(crate) const MEMBER: &str = "translations";

/// The translation of the text at `path`.
pub(crate) fn of<'a>(body: &'a Value, path: &str) -> Option<&'a str> {
    body.get(MEMBER)?.get(path)?.as_str()
}

/// What stands among the translations and translates no text of the form, with its path.
pub(crate) fn stray<'a>(schema: &Schema, body: &'a Value) -> Vec<(String, &'a Value)> {
    let Some(given) = body.get(MEMBER).filter(|given| !given.is_null()) else { return Vec::new() };
    let Some(translations) = given.as_object() else { return vec![(MEMBER.to_owned(), given)] };
    let texts: BTreeSet<String> = schema
        .fields
        .iter()
        .filter(|field| matches!(field.shape, Shape::Text | Shape::LongText))
        .flat_map(|field| key::places(body, &field.key))
        .filter(|place| place.value.is_some_and(Value::is_string) && !key::is_blank(place.value))
        .map(|place| place.path)
        .collect();
    translations
        .iter()
        .filter(|(path, text)| !text.is_string() || !texts.contains(*path))
        .map(|(path, text)| (format!("{MEMBER}.{path}"), text))
        .collect()
}
