//! The fixed words of every paper in one language. Data only.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Words as `common/words.<language>.toml` gives them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) shared_number: String,
    pub(crate) message: String,
    pub(crate) date: String,
    pub(crate) party: String,
    pub(crate) to: String,
    pub(crate) in_reply_to: String,
    pub(crate) document: String,
    pub(crate) not_stated: String,
    pub(crate) further: String,
    pub(crate) number: String,
    pub(crate) signed: String,
    pub(crate) signed_note: String,
    pub(crate) prevails: String,
    pub(crate) page: String,
    pub(crate) of: String,
    pub(crate) digest: String,
    pub(crate) made_with: String,
    pub(crate) template: String,
    pub(crate) version: String,
    pub(crate) drafter: String,
    pub(crate) approver: String,
    pub(crate) officer: String,
    pub(crate) seal: String,
    pub(crate) utc: String,
    pub(crate) marks: BTreeMap<String, String>,
    pub(crate) months: BTreeMap<String, String>,
    pub(crate) choices: BTreeMap<String, String>,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| {
    // Compiled in and read by the tests of this crate.
    toml::from_str(include_str!("../common/words.en.toml")).expect("the compiled-in words are well formed")
});

/// The words of a language; English where there are none.
pub(crate) fn words(_language: &str) -> &'static Words {
    &ENGLISH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn every_choice_and_mark_of_every_template_has_its_word() {
        for template in catalogue() {
            let words = words(template.language());
            for field in &template.schema().fields {
                for choice in &field.choices {
                    assert!(words.choices.contains_key(choice), "{choice}");
                }
                if let Some(mark) = &field.mark {
                    assert!(words.marks.contains_key(mark), "{mark}");
                }
            }
        }
    }
}
