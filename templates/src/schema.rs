//! The schema of a template: which facts it takes, why, and under which rule of law.
//!
//! Holds the types of a form in one language and their checks among themselves; `pack.rs` makes them
//! from the files.

use crate::key;
use rogatory_core::document::DocumentKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a statement about the law was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Read in the text of the instrument.
    Sourced,
    /// Follows from a rule that was read.
    Derived,
    /// Known to the author, not checked against a text.
    Memory,
}

impl Confidence {
    /// The mark as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sourced => "sourced",
            Self::Derived => "derived",
            Self::Memory => "memory",
        }
    }
}

/// When a field must be filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Always.
    Required,
    /// When its condition holds.
    Conditional,
    /// Never.
    Optional,
}

/// Who may read a field: what stands only in the authorities' view never goes to a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Audience {
    /// The requesting and requested authorities.
    #[default]
    Authorities,
    /// The provider as well.
    Everyone,
}

/// What may stand in a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One line of text.
    #[default]
    Text,
    /// Paragraphs.
    LongText,
    /// A list of entries.
    List,
    /// `true` or `false`.
    Boolean,
    /// One of the field's choices.
    Choice,
    /// A civil date, `2026-11-22`.
    Date,
    /// An instant with its offset, RFC 3339.
    Instant,
    /// A time zone: `UTC`, an offset, or a name of the tz database.
    Zone,
    /// A port number.
    Port,
    /// An e-mail address.
    Email,
    /// An office's file number.
    Reference,
    /// The id of an instrument.
    Instrument,
    /// A party id.
    Party,
    /// An officer id.
    Officer,
    /// An age recipient.
    AgeRecipient,
    /// A SHA-256 digest.
    Digest,
    /// A shared number.
    SharedNumber,
    /// A package id.
    Package,
    /// The number of a question, `Q1`.
    QuestionNumber,
}

/// When a conditional field must be filled.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Condition {
    /// The field looked at; in the same entry of a list, or in any entry of another list.
    pub field: String,
    /// The value, or the list of values, that makes the condition hold.
    pub is: serde_json::Value,
    /// The condition in words, as in "because …".
    pub text: String,
}

/// How a list is laid out.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Columns; several fields in one column are separated by spaces.
    pub columns: Vec<String>,
    /// How wide the columns are, in relation to one another.
    pub widths: Vec<u8>,
    /// Fields that stand under the row, over its whole width.
    #[serde(default)]
    pub below: Vec<String>,
}

/// One fact of the form.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Field {
    /// The path below `body`; `[]` stands for each entry of a list.
    pub key: String,
    /// The section it belongs to.
    pub section: String,
    /// Its name on the paper.
    pub label: String,
    /// What to write, for the drafter.
    pub help: String,
    /// What may stand in it.
    pub shape: Shape,
    /// The values of a choice.
    pub choices: Vec<String>,
    /// When it must be filled.
    pub demand: Demand,
    /// The condition of a conditional field.
    pub condition: Option<Condition>,
    /// Who may read it.
    pub audience: Audience,
    /// Whether it stands in the letterhead instead of its section.
    pub letterhead: bool,
    /// The word set in capitals at the head of the paper when the field is true.
    pub mark: Option<String>,
    /// How a list is laid out; entries one below the other if absent.
    pub table: Option<Table>,
    /// The rule that asks for it.
    pub source: String,
    /// How that rule was checked.
    pub confidence: Confidence,
}

/// A section of the paper.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Section {
    /// Its id, named by fields.
    pub id: String,
    /// Its heading.
    pub title: String,
}

/// A template's schema: a form in one language.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Schema {
    /// The template's id: `<instrument or common>/<form>`.
    pub id: String,
    /// BCP 47 tag of the language of labels and fixed text.
    pub language: String,
    /// The kind of document it makes.
    pub kind: DocumentKind,
    /// The heading of the paper.
    pub title: String,
    /// What is meant, under the heading.
    pub subtitle: String,
    /// The instruments, in words.
    pub legal_basis: String,
    /// What stands before the facts; may be empty.
    pub opening: String,
    /// What stands after them; may be empty.
    pub closing: String,
    /// Names of the further rules that the facts must pass.
    pub rules: Vec<String>,
    /// The sections in their order.
    pub sections: Vec<Section>,
    /// The fields in their order.
    pub fields: Vec<Field>,
}

/// A form whose files contradict themselves or one another.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file does not have the form of a schema.
    #[error("a file of the form is not well formed")]
    Toml(#[source] toml::de::Error),
    /// A field contradicts the rest.
    #[error("field `{field}` of template `{template}`: {what}")]
    Field {
        /// The template.
        template: String,
        /// The field's key.
        field: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Schema {
    /// The field with this key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// The fields of the entries of the list `key`, with their names inside an entry.
    pub fn entry_fields<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (&'a str, &'a Field)> {
        self.fields.iter().filter_map(move |field| {
            let name = field.key.strip_prefix(key)?.strip_prefix("[].")?;
            Some((name, field))
        })
    }

    /// Checks that the parts fit together; names the first field that does not.
    pub(crate) fn fit(&self) -> Result<(), SchemaError> {
        let mut keys = BTreeSet::new();
        for field in &self.fields {
            let wrong =
                |what| SchemaError::Field { template: self.id.clone(), field: field.key.clone(), what };
            if !keys.insert(field.key.as_str()) {
                return Err(wrong("stands twice"));
            }
            if !self.sections.iter().any(|section| section.id == field.section) {
                return Err(wrong("names a section that does not exist"));
            }
            if (field.shape == Shape::Choice) == field.choices.is_empty() {
                return Err(wrong("a choice needs choices, and nothing else has them"));
            }
            match (&field.condition, field.demand) {
                (Some(condition), Demand::Conditional) => {
                    if self.field(&condition.field).is_none() {
                        return Err(wrong("its condition names a field that does not exist"));
                    }
                }
                (None, Demand::Required | Demand::Optional) => {}
                _ => return Err(wrong("a conditional field needs a condition, and nothing else has one")),
            }
            if field.key.matches("[]").count() > 1 {
                return Err(wrong("lists within lists are not supported"));
            }
            if let Some(list) = key::list_of(&field.key) {
                let known = self.field(list).is_some_and(|list| list.shape == Shape::List);
                if !known {
                    return Err(wrong("belongs to a list that is no field"));
                }
            }
            if let Some(table) = &field.table {
                let mut shown: BTreeSet<&str> = BTreeSet::new();
                shown.extend(table.columns.iter().flat_map(|column| column.split(' ')));
                shown.extend(table.below.iter().map(String::as_str));
                let known: BTreeSet<&str> = self.entry_fields(&field.key).map(|(name, _)| name).collect();
                if table.widths.len() != table.columns.len() || table.widths.contains(&0) {
                    return Err(wrong("its table needs one width above zero for each column"));
                }
                if shown != known {
                    return Err(wrong("its table does not show exactly the fields of an entry"));
                }
            }
        }
        Ok(())
    }
}
