//! The template packs that are compiled in, and how to find one.
//!
//! Holds the list of packs and their parsed schemas; parsed once, when first asked for.

use crate::check;
use crate::finding::Finding;
use crate::schema::Schema;
use rogatory_core::document::DocumentKind;
use serde::Deserialize;
use serde_json::Value;
use std::sync::LazyLock;

/// The files of one pack.
struct Pack {
    schema: &'static str,
    layout: &'static str,
    example: &'static str,
}

macro_rules! pack {
    ($folder:literal) => {
        Pack {
            schema: include_str!(concat!("../", $folder, "/schema.toml")),
            layout: include_str!(concat!("../", $folder, "/layout.typ")),
            example: include_str!(concat!("../", $folder, "/example.json")),
        }
    };
}

static PACKS: [Pack; 5] = [
    pack!("ets185/art31-trafficking/en"),
    pack!("common/order/en"),
    pack!("common/acknowledgement/en"),
    pack!("common/execution/en"),
    pack!("common/closing/en"),
];

/// `catalogue.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    pack: Vec<CatalogueEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueEntry {
    id: String,
    language: String,
    version: String,
    law_as_of: String,
    summary: String,
}

/// A form in one language: its schema, its layout and a filled example.
#[derive(Debug)]
pub struct Template {
    schema: Schema,
    summary: String,
    layout: &'static str,
    example: Value,
}

static CATALOGUE: LazyLock<Vec<Template>> = LazyLock::new(|| {
    // Compiled in and read by the tests of this crate: a build whose packs cannot be read, or whose
    // catalogue says something else than the packs, never passes them.
    let file: CatalogueFile =
        toml::from_str(include_str!("../catalogue.toml")).expect("the compiled-in catalogue is well formed");
    PACKS
        .iter()
        .map(|pack| {
            let schema = Schema::from_toml(pack.schema).expect("a compiled-in schema is well formed");
            let example = serde_json::from_str(pack.example).expect("a compiled-in example is JSON");
            let entry = file
                .pack
                .iter()
                .find(|entry| {
                    entry.id == schema.id
                        && entry.language == schema.language
                        && entry.version == schema.version
                        && entry.law_as_of == schema.law_as_of
                })
                .expect("the catalogue lists every compiled-in pack");
            Template { summary: entry.summary.clone(), layout: pack.layout, schema, example }
        })
        .collect()
});

/// Every template, in the order of `catalogue.toml`.
#[must_use]
pub fn catalogue() -> &'static [Template] {
    &CATALOGUE
}

impl Template {
    /// Finds a template by its id, in English.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::find_in(id, "en")
    }

    /// Finds a template by its id in a language.
    #[must_use]
    pub fn find_in(id: &str, language: &str) -> Option<&'static Self> {
        catalogue().iter().find(|template| template.id() == id && template.language() == language)
    }

    /// The template's id, for example `ets185/art31-trafficking`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.schema.id
    }

    /// The language of its labels and fixed text.
    #[must_use]
    pub fn language(&self) -> &str {
        &self.schema.language
    }

    /// The kind of document it makes.
    #[must_use]
    pub const fn kind(&self) -> DocumentKind {
        self.schema.kind
    }

    /// The version of its pack, as documents name it.
    #[must_use]
    pub fn pack_version(&self) -> &str {
        &self.schema.version
    }

    /// The civil date up to which the law in it was looked after.
    #[must_use]
    pub fn law_as_of(&self) -> &str {
        &self.schema.law_as_of
    }

    /// What it is for, in one line.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Its fields with help, source of law and confidence.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The facts of a filled example, with invented persons; to be used under `body`.
    #[must_use]
    pub fn example(&self) -> Value {
        self.example.clone()
    }

    /// Checks facts (the `body` of a document) against the schema and the further rules.
    ///
    /// Nothing found means that the form is complete, not that the request will be granted. The
    /// findings come in the order of the form.
    #[must_use]
    pub fn check(&self, body: &Value) -> Vec<Finding> {
        check::check(&self.schema, body)
    }

    pub(crate) const fn layout(&self) -> &'static str {
        self.layout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_and_packs_say_the_same() {
        let file: CatalogueFile = toml::from_str(include_str!("../catalogue.toml")).expect("well formed");
        let listed: Vec<&str> = file.pack.iter().map(|entry| entry.id.as_str()).collect();
        let packed: Vec<&str> = catalogue().iter().map(Template::id).collect();
        assert_eq!(listed, packed);
        assert!(catalogue().iter().all(|template| !template.summary().is_empty()));
    }

    #[test]
    fn a_template_is_found_by_id_and_language() {
        assert!(Template::find("common/order").is_some());
        assert!(Template::find_in("common/order", "xx").is_none());
        assert!(Template::find("order").is_none());
    }
}
