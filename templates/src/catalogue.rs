//! The forms that are compiled in, in every language and in two side by side, and how to find one.
//!
//! Parsed once, when first asked for.

use crate::check;
use crate::finding::Finding;
use crate::pack::{FieldTexts, Form, read_texts};
use crate::schema::{Schema, SchemaError};
use rogatory_core::document::DocumentKind;
use serde::Deserialize;
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// The languages every form stands in; the catalogue says the same.
pub const LANGUAGES: [&str; 2] = ["en", "fr"];

/// What stands between the two languages of a paper with fixed text side by side.
///
/// `en-x-beside-fr` is a tag of BCP 47 with a private part: English, which is also the language of the
/// facts, and beside it the fixed text in French.
const BESIDE: &str = "-x-beside-";

/// The files of one form.
struct Files {
    form: &'static str,
    /// Text and example, in the order of [`LANGUAGES`].
    languages: [(&'static str, &'static str); 2],
}

macro_rules! files {
    ($folder:literal) => {
        Files {
            form: include_str!(concat!("../", $folder, "/form.toml")),
            languages: [
                (
                    include_str!(concat!("../", $folder, "/en/text.toml")),
                    include_str!(concat!("../", $folder, "/en/example.json")),
                ),
                (
                    include_str!(concat!("../", $folder, "/fr/text.toml")),
                    include_str!(concat!("../", $folder, "/fr/example.json")),
                ),
            ],
        }
    };
}

static FORMS: [Files; 16] = [
    files!("ets185/art31-trafficking"),
    files!("ets185/art29"),
    files!("common/acknowledgement"),
    files!("common/question"),
    files!("common/answer"),
    files!("common/refusal"),
    files!("common/postponement"),
    files!("common/forwarding"),
    files!("common/forwarding-notice"),
    files!("common/order"),
    files!("common/execution"),
    files!("common/withdrawal"),
    files!("common/closing"),
    files!("common/confirmation"),
    files!("common/extension"),
    files!("common/release"),
];

/// Words of fields that mean the same in several forms, in the order of [`LANGUAGES`].
static SHARED: [&str; 2] =
    [include_str!("../common/en/fields.toml"), include_str!("../common/fr/fields.toml")];

/// `catalogue.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    languages: Vec<String>,
    form: Vec<CatalogueEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueEntry {
    id: String,
    version: String,
    law_as_of: String,
    summary: String,
}

/// A form in one language, or with the fixed text of a second beside it: its schema and a filled example.
#[derive(Debug)]
pub struct Template {
    language: String,
    schema: Arc<Schema>,
    /// The same form in the second language.
    beside: Option<Arc<Schema>>,
    /// The same form in English, in which findings are written.
    english: Arc<Schema>,
    example: Arc<Value>,
    entry: Arc<CatalogueEntry>,
}

struct Catalogue {
    single: Vec<Template>,
    beside: Vec<Template>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    // Compiled in and read by the tests of this crate: a build whose forms cannot be read, or whose
    // catalogue says something else than the forms, never passes them.
    read().expect("the compiled-in forms are well formed")
});

fn read() -> Result<Catalogue, SchemaError> {
    let file: CatalogueFile = toml::from_str(include_str!("../catalogue.toml")).map_err(SchemaError::Toml)?;
    if file.languages != LANGUAGES {
        let what = "the catalogue names other languages than the program";
        return Err(SchemaError::Field { template: String::new(), field: String::new(), what });
    }
    let shared = LANGUAGES
        .iter()
        .zip(SHARED)
        .map(|(language, text)| read_texts(text, language))
        .collect::<Result<Vec<FieldTexts>, SchemaError>>()?;
    let mut catalogue = Catalogue { single: Vec::new(), beside: Vec::new() };
    for files in &FORMS {
        let form = Form::from_toml(files.form)?;
        let wrong = |what| SchemaError::Field { template: form.id.clone(), field: String::new(), what };
        let listed = file.form.iter().find(|entry| entry.id == form.id).cloned();
        let entry = Arc::new(listed.ok_or_else(|| wrong("is not in the catalogue"))?);
        let mut tongues = Vec::new();
        for ((language, shared), (text, example)) in LANGUAGES.iter().zip(&shared).zip(files.languages) {
            let schema = form.in_words(language, read_texts(text, language)?, shared)?;
            let example: Value =
                serde_json::from_str(example).map_err(|_| wrong("its example is no JSON"))?;
            tongues.push((*language, Arc::new(schema), Arc::new(example)));
        }
        let english = tongues.first().map(|(_, schema, _)| Arc::clone(schema));
        let english = english.ok_or_else(|| wrong("has no language"))?;
        let template =
            |language: String, schema: &Arc<Schema>, beside: Option<&Arc<Schema>>, example| Template {
                language,
                schema: Arc::clone(schema),
                beside: beside.cloned(),
                english: Arc::clone(&english),
                example: Arc::clone(example),
                entry: Arc::clone(&entry),
            };
        for (language, schema, example) in &tongues {
            catalogue.single.push(template((*language).to_owned(), schema, None, example));
            for (second, other, _) in tongues.iter().filter(|(second, ..)| second != language) {
                let tag = format!("{language}{BESIDE}{second}");
                catalogue.beside.push(template(tag, schema, Some(other), example));
            }
        }
    }
    Ok(catalogue)
}

/// Every form in every language, in the order of `catalogue.toml`.
#[must_use]
pub fn catalogue() -> &'static [Template] {
    &CATALOGUE.single
}

/// Every form with the fixed text of two languages side by side, once for each language of the facts.
#[must_use]
pub fn bilingual() -> &'static [Template] {
    &CATALOGUE.beside
}

impl Template {
    /// Finds a template by its id, in English.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::find_in(id, "en")
    }

    /// Finds a template by its id in a language: `en`, `fr`, or two side by side, `en-x-beside-fr`.
    #[must_use]
    pub fn find_in(id: &str, language: &str) -> Option<&'static Self> {
        catalogue()
            .iter()
            .chain(bilingual())
            .find(|template| template.id() == id && template.language() == language)
    }

    /// The template's id, for example `ets185/art31-trafficking`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.schema.id
    }

    /// The language of its labels and fixed text, as a document names it.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The kind of document it makes.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.schema.kind
    }

    /// The version of the form, as documents name it.
    #[must_use]
    pub fn pack_version(&self) -> &str {
        &self.entry.version
    }

    /// The civil date up to which the law in it was looked after.
    #[must_use]
    pub fn law_as_of(&self) -> &str {
        &self.entry.law_as_of
    }

    /// What it is for, in one line.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.entry.summary
    }

    /// Its fields with help, source of law and confidence, in its first language.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The same in the language that stands beside the first, if one does.
    #[must_use]
    pub fn beside(&self) -> Option<&Schema> {
        self.beside.as_deref()
    }

    /// The facts of a filled example, with invented persons; to be used under `body`.
    #[must_use]
    pub fn example(&self) -> Value {
        (*self.example).clone()
    }

    /// Checks facts (the `body` of a document) against the schema and the further rules.
    ///
    /// Nothing found means that the form is complete, not that the request will be granted. The
    /// findings come in the order of the form and are written in English, whatever the paper's language.
    #[must_use]
    pub fn check(&self, body: &Value) -> Vec<Finding> {
        check::check(&self.english, body, self.beside.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fonts;
    use std::collections::BTreeSet;

    fn file() -> CatalogueFile {
        toml::from_str(include_str!("../catalogue.toml")).expect("well formed")
    }

    #[test]
    fn catalogue_and_forms_say_the_same() {
        let file = file();
        assert_eq!(file.languages, LANGUAGES);
        let listed: Vec<&str> = file.form.iter().map(|entry| entry.id.as_str()).collect();
        for language in LANGUAGES {
            let packed: Vec<&str> = catalogue()
                .iter()
                .filter(|template| template.language() == language)
                .map(Template::id)
                .collect();
            assert_eq!(listed, packed);
        }
        assert!(catalogue().iter().all(|template| !template.summary().is_empty()));
        assert_eq!(bilingual().len(), catalogue().len());
    }

    #[test]
    fn a_template_is_found_by_id_and_language() {
        assert!(Template::find("common/order").is_some());
        for language in ["fr", "en-x-beside-fr", "fr-x-beside-en"] {
            let found = Template::find_in("common/order", language).expect("there");
            assert_eq!(found.language(), language);
        }
        for language in ["xx", "en-x-beside-en", "en-x-beside-xx", "EN", ""] {
            assert!(Template::find_in("common/order", language).is_none(), "{language}");
        }
        assert!(Template::find("order").is_none());
    }

    /// Everything fixed that a template says, with where it stands.
    fn said(schema: &Schema) -> Vec<(String, &str)> {
        let mut said: Vec<(String, &str)> = [
            ("title", &schema.title),
            ("subtitle", &schema.subtitle),
            ("legal_basis", &schema.legal_basis),
            ("opening", &schema.opening),
            ("closing", &schema.closing),
        ]
        .map(|(at, text)| (at.to_owned(), text.as_str()))
        .to_vec();
        said.extend(schema.sections.iter().map(|section| (section.id.clone(), section.title.as_str())));
        for field in &schema.fields {
            said.push((field.key.clone(), &field.label));
            said.push((field.key.clone(), &field.help));
            said.extend(
                field.condition.as_ref().map(|condition| (field.key.clone(), condition.text.as_str())),
            );
        }
        said
    }

    #[test]
    fn a_form_is_the_same_in_every_language_but_for_its_words() {
        for template in bilingual() {
            let beside = template.beside().expect("two languages");
            let schema = template.schema();
            assert_eq!(schema.fields.len(), beside.fields.len());
            for (one, other) in schema.fields.iter().zip(&beside.fields) {
                let at = format!("{} {}", template.id(), one.key);
                assert_eq!(one.key, other.key, "{at}");
                assert_eq!(
                    (one.shape, one.demand, &one.source, one.confidence, &one.choices),
                    (other.shape, other.demand, &other.source, other.confidence, &other.choices),
                    "{at}"
                );
                assert_eq!(one.help.is_empty(), other.help.is_empty(), "{at}");
                assert!(!one.label.is_empty() && !other.label.is_empty(), "{at}");
            }
            let sections = |schema: &Schema| -> Vec<String> {
                schema.sections.iter().map(|section| section.id.clone()).collect()
            };
            assert_eq!(sections(schema), sections(beside));
            assert_eq!(schema.opening.is_empty(), beside.opening.is_empty(), "{}", template.id());
            assert_eq!(schema.closing.is_empty(), beside.closing.is_empty(), "{}", template.id());
        }
    }

    #[test]
    fn french_is_set_as_french() {
        for template in catalogue().iter().filter(|template| template.language() == "fr") {
            for (at, text) in said(template.schema()) {
                let at = format!("{} {at}: {text}", template.id());
                assert!(!text.contains(['\'', '"', '“', '”']), "{at}");
                assert!(!text.contains("  ") && text.trim() == text, "{at}");
                let signs: Vec<char> = text.chars().collect();
                for (before, sign) in signs.iter().zip(signs.iter().skip(1)) {
                    match sign {
                        ';' | '?' | '!' => assert_eq!(*before, '\u{202f}', "{at}"),
                        // A time of day and a URL have no blank before their colon.
                        ':' if !before.is_ascii_digit() => assert_eq!(*before, '\u{a0}', "{at}"),
                        _ => {}
                    }
                }
                assert!(text.chars().all(fonts::shows), "{at}");
            }
        }
    }

    #[test]
    fn every_shared_text_is_used_by_some_form() {
        let keys: BTreeSet<&str> = catalogue()
            .iter()
            .flat_map(|template| &template.schema().fields)
            .map(|field| field.key.as_str())
            .collect();
        for shared in SHARED {
            let shared: FieldTexts = toml::from_str(shared).expect("well formed");
            assert!(shared.keys().all(|key| keys.contains(key.as_str())));
        }
    }
}
