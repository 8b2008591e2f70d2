//! The fixed words of every paper in one language. Data only.

use crate::pack::read_texts;
use crate::schema::Confidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Words as `common/<language>/words.toml` gives them. What only the view looks up is not handed to
/// the layout.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) language: String,
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
    /// What stands between a label and its value on one line.
    pub(crate) colon: String,
    pub(crate) characters: String,
    pub(crate) first_of_month: String,
    /// The sentence of a paper in two languages that says in which the facts are written; `{language}`
    /// stands for it.
    pub(crate) written_in: String,
    #[serde(skip_serializing)]
    pub(crate) languages: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) marks: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) months: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) choices: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) instruments: BTreeMap<String, String>,
    #[serde(skip_serializing)]
    pub(crate) grounds: BTreeMap<String, Ground>,
}

/// A ground for refusing or postponing: its text, and the rules of law that give it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// The ground in words.
    pub text: String,
    /// The instruments and articles that know it.
    pub source: String,
    /// How that was checked.
    pub confidence: Confidence,
}

static ENGLISH: LazyLock<Words> = LazyLock::new(|| {
    // Compiled in and read by the tests of this crate, as the French ones are.
    read_texts(include_str!("../common/en/words.toml"), "en").expect("the compiled-in words are well formed")
});
static FRENCH: LazyLock<Words> = LazyLock::new(|| {
    read_texts(include_str!("../common/fr/words.toml"), "fr").expect("the compiled-in words are well formed")
});

/// The words of a language of the catalogue; English for any other.
pub(crate) fn words(language: &str) -> &'static Words {
    match language {
        "fr" => &FRENCH,
        _ => &ENGLISH,
    }
}

/// The ground with this code, for example `R07-dual-criminality`, in English.
#[must_use]
pub fn ground(code: &str) -> Option<&'static Ground> {
    ENGLISH.grounds.get(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{LANGUAGES, catalogue};
    use crate::instrument::instruments;

    #[test]
    fn every_choice_mark_and_instrument_has_its_word_in_every_language() {
        for language in LANGUAGES {
            let words = words(language);
            assert_eq!(words.language, language);
            for field in catalogue().iter().flat_map(|template| &template.schema().fields) {
                for choice in &field.choices {
                    assert!(
                        words.choices.contains_key(choice) != words.grounds.contains_key(choice),
                        "{language}: {choice}"
                    );
                }
                if let Some(mark) = &field.mark {
                    assert!(words.marks.contains_key(mark), "{language}: {mark}");
                }
            }
            for instrument in instruments() {
                assert!(words.instruments.contains_key(instrument.id), "{language}: {}", instrument.id);
            }
            for other in LANGUAGES {
                assert!(words.languages.contains_key(other), "{language}: {other}");
            }
            assert!(words.written_in.contains("{language}"), "{language}");
        }
    }

    #[test]
    fn no_language_has_a_word_that_another_lacks() {
        fn keys<T>(map: &BTreeMap<String, T>) -> Vec<&String> {
            map.keys().collect()
        }
        let english = words("en");
        for language in LANGUAGES {
            let words = words(language);
            assert_eq!(keys(&words.choices), keys(&english.choices), "{language}");
            assert_eq!(keys(&words.marks), keys(&english.marks), "{language}");
            assert_eq!(keys(&words.months), keys(&english.months), "{language}");
            assert_eq!(keys(&words.instruments), keys(&english.instruments), "{language}");
            assert_eq!(keys(&words.grounds), keys(&english.grounds), "{language}");
            for (code, ground) in &words.grounds {
                assert_eq!(ground.confidence, english.grounds[code].confidence, "{code}");
            }
        }
    }
}
