//! A form as its files give it: the structure once, the words once a language, put together to a schema.
//!
//! `form.toml` says which facts a form takes and under which rule of law; `<language>/text.toml` says
//! how they are called. A label that means the same in several forms stands once, in
//! `common/<language>/fields.toml`; a form's own text goes before it. Reads compiled-in text only.

use crate::schema::{
    Audience, Condition, Confidence, Demand, Field, Schema, SchemaError, Section, Shape, Table,
};
use crate::text;
use rogatory_core::document::DocumentKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Fields that several forms take over whole, by the name of their part.
static PARTS: [(&str, &str); 1] = [("contact", include_str!("../common/contact.toml"))];

/// `form.toml`: what is the same in every language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    pub(crate) id: String,
    kind: DocumentKind,
    rules: Vec<String>,
    sections: Vec<String>,
    /// Parts whose fields follow the form's own.
    #[serde(default)]
    parts: Vec<String>,
    #[serde(rename = "field")]
    fields: Vec<FormField>,
}

/// A part's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    #[serde(rename = "field")]
    fields: Vec<FormField>,
}

/// A field without its words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormField {
    key: String,
    section: String,
    #[serde(default)]
    shape: Shape,
    #[serde(default)]
    choices: Vec<String>,
    demand: Demand,
    condition: Option<FormCondition>,
    #[serde(default)]
    audience: Audience,
    #[serde(default)]
    letterhead: bool,
    mark: Option<String>,
    table: Option<Table>,
    source: String,
    confidence: Confidence,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormCondition {
    field: String,
    is: serde_json::Value,
}

/// `text.toml`: the fixed text of a form in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    title: String,
    subtitle: String,
    legal_basis: String,
    #[serde(default)]
    opening: String,
    #[serde(default)]
    closing: String,
    sections: BTreeMap<String, String>,
    fields: FieldTexts,
}

/// The words of fields by their key.
pub(crate) type FieldTexts = BTreeMap<String, FieldText>;

/// The words of one field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldText {
    label: String,
    #[serde(default)]
    help: String,
    /// The condition in words, as in "because …".
    because: Option<String>,
}

/// Reads a compiled-in file of fixed text in `language`, with that language's blanks.
pub(crate) fn read_texts<T: DeserializeOwned>(file: &str, language: &str) -> Result<T, SchemaError> {
    fn set(value: &mut toml::Value, language: &str) {
        match value {
            toml::Value::String(said) => *said = text::set(said, language),
            toml::Value::Array(values) => values.iter_mut().for_each(|value| set(value, language)),
            toml::Value::Table(values) => values.iter_mut().for_each(|(_, value)| set(value, language)),
            _ => {}
        }
    }
    let mut value: toml::Value = toml::from_str(file).map_err(SchemaError::Toml)?;
    set(&mut value, language);
    value.try_into().map_err(SchemaError::Toml)
}

impl Form {
    /// Reads `form.toml` and adds the fields of its parts.
    pub(crate) fn from_toml(file: &str) -> Result<Self, SchemaError> {
        let mut form: Self = toml::from_str(file).map_err(SchemaError::Toml)?;
        for name in &form.parts {
            let (_, part) = PARTS
                .iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| form.wrong(name, "is no part"))?;
            let part: Part = toml::from_str(part).map_err(SchemaError::Toml)?;
            form.fields.extend(part.fields);
        }
        Ok(form)
    }

    fn wrong(&self, field: &str, what: &'static str) -> SchemaError {
        SchemaError::Field { template: self.id.clone(), field: field.to_owned(), what }
    }

    /// Puts the form together with its text in `language` and with what all forms share.
    ///
    /// # Errors
    /// [`SchemaError`] naming the first field or section whose words are missing, or words that
    /// belong to none.
    pub(crate) fn in_words(
        &self,
        language: &str,
        texts: Texts,
        shared: &FieldTexts,
    ) -> Result<Schema, SchemaError> {
        if let Some(key) = texts.fields.keys().find(|key| self.fields.iter().all(|field| field.key != **key))
        {
            return Err(self.wrong(key, "has a text and is no field"));
        }
        if let Some(key) = texts.sections.keys().find(|key| !self.sections.contains(key)) {
            return Err(self.wrong(key, "has a heading and is no section"));
        }
        let section = |id: &String| {
            let title = texts.sections.get(id).ok_or_else(|| self.wrong(id, "has no heading"))?;
            Ok(Section { id: id.clone(), title: title.clone() })
        };
        let field = |field: &FormField| {
            let words = texts
                .fields
                .get(&field.key)
                .or_else(|| shared.get(&field.key))
                .ok_or_else(|| self.wrong(&field.key, "has no text"))?;
            self.field_in_words(field, words)
        };
        let schema = Schema {
            id: self.id.clone(),
            language: language.to_owned(),
            kind: self.kind,
            rules: self.rules.clone(),
            sections: self.sections.iter().map(section).collect::<Result<_, SchemaError>>()?,
            fields: self.fields.iter().map(field).collect::<Result<_, SchemaError>>()?,
            title: texts.title,
            subtitle: texts.subtitle,
            legal_basis: texts.legal_basis,
            opening: texts.opening,
            closing: texts.closing,
        };
        schema.fit()?;
        Ok(schema)
    }

    fn field_in_words(&self, field: &FormField, words: &FieldText) -> Result<Field, SchemaError> {
        let condition = match (&field.condition, &words.because) {
            (Some(condition), Some(because)) => Some(Condition {
                field: condition.field.clone(),
                is: condition.is.clone(),
                text: because.clone(),
            }),
            (None, None) => None,
            _ => return Err(self.wrong(&field.key, "a condition needs its words, and nothing else has them")),
        };
        Ok(Field {
            key: field.key.clone(),
            section: field.section.clone(),
            label: words.label.clone(),
            help: words.help.clone(),
            shape: field.shape,
            choices: field.choices.clone(),
            demand: field.demand,
            condition,
            audience: field.audience,
            letterhead: field.letterhead,
            mark: field.mark.clone(),
            table: field.table.clone(),
            source: field.source.clone(),
            confidence: field.confidence,
        })
    }
}
