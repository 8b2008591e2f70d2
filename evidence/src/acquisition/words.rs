//! The words that acquisition facts are made of: bounded, printable, each with one spelling.
//!
//! Holds the types of single values and their only constructor, which reading uses too, so that a
//! file of facts is refused at the line that is wrong. Calls nothing.

use rogatory_core::timestamp::CivilDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest single line, in characters.
pub const MAX_LINE_CHARACTERS: usize = 500;
/// The longest text of several lines, in characters.
pub const MAX_WORDS_CHARACTERS: usize = 4_000;

/// A value of an acquisition fact can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct WordError(String);

/// Makes a text type whose only constructor is `$check`; it takes what is left after trimming.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $check:expr) => {
        $(#[$about])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` without white space around it.
            ///
            /// # Errors
            /// [`WordError`] says what is expected.
            pub fn new(text: &str) -> Result<Self, WordError> {
                let text = text.trim();
                let check: fn(&str) -> Result<(), String> = $check;
                check(text).map(|()| Self(text.to_owned())).map_err(WordError)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

words!(
    /// One line: 1 to 500 characters, none of them a control character.
    Line,
    |text| printable(text, MAX_LINE_CHARACTERS, false)
);
words!(
    /// A text of one or more lines: 1 to 4,000 characters, of the control characters only LF.
    Words,
    |text| printable(text, MAX_WORDS_CHARACTERS, true)
);
words!(
    /// A language as BCP 47 writes it, for example `ro` or `sr-Latn`.
    Language,
    |text| {
        let part = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let first = text.split('-').next().unwrap_or_default();
        let fits = text.len() <= 35
            && (2..=8).contains(&first.len())
            && first.bytes().all(|byte| byte.is_ascii_lowercase())
            && text.split('-').all(part);
        expect(fits, text, "a language tag, for example `ro` or `sr-Latn`")
    }
);
words!(
    /// A media type, for example `text/csv`.
    MediaType,
    |text| {
        let token = |token: &str| {
            !token.is_empty()
                && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        let fits = text.len() <= 255
            && text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
        expect(fits, text, "a media type without parameters, for example `text/csv`")
    }
);
words!(
    /// A time zone: a name of the tz database (`Europe/Chisinau`), `UTC`, or an offset (`+02:00`).
    TimeZone,
    |text| {
        let offset = text.strip_prefix(['+', '-']).and_then(|rest| rest.split_once(':'));
        let number = |text: &str, below: u8| {
            text.len() == 2
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && text.parse::<u8>().is_ok_and(|number| number < below)
        };
        let is_offset = offset.is_some_and(|(hours, minutes)| number(hours, 24) && number(minutes, 60));
        let is_name = (1..=64).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
        expect(is_offset || is_name, text, "a time zone, for example `Europe/Chisinau` or `+02:00`")
    }
);
words!(
    /// A day, for example `2026-03-14`.
    Day,
    |text| {
        let fits = text.parse::<CivilDate>().is_ok_and(|date| date.to_string() == text);
        expect(fits, text, "a day, for example `2026-03-14`")
    }
);

fn printable(text: &str, limit: usize, lines: bool) -> Result<(), String> {
    let count = text.chars().count();
    if !(1..=limit).contains(&count) {
        return Err(format!("a text of 1 to {limit} characters is expected, and this one has {count}"));
    }
    match text.chars().find(|symbol| symbol.is_control() && !(lines && *symbol == '\n')) {
        Some(symbol) => {
            Err(format!("the control character U+{:04X} cannot stand in this text", u32::from(symbol)))
        }
        None => Ok(()),
    }
}

fn expect(fits: bool, text: &str, what: &str) -> Result<(), String> {
    if fits {
        return Ok(());
    }
    let shown: String = text.chars().take(60).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    Err(format!("`{shown}` is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_and_printable() {
        assert_eq!(Line::new("  Cellebrite \n").map(|line| line.to_string()), Ok("Cellebrite".to_owned()));
        assert!(Line::new(&"я".repeat(500)).is_ok());
        for bad in
            [String::new(), "  ".to_owned(), "a\nb".to_owned(), "a\u{1b}[2J".to_owned(), "я".repeat(501)]
        {
            assert!(Line::new(&bad).is_err(), "{bad:?}");
        }
        assert!(Words::new("one\ntwo").is_ok());
        assert!(Words::new("one\r\ntwo").is_err());
    }

    #[test]
    fn values_of_a_kind_have_its_form() {
        for good in ["ro", "sr-Latn", "zh-Hant-TW"] {
            assert!(Language::new(good).is_ok(), "{good}");
        }
        for bad in ["", "r", "RO", "ro_MD", "romanian language", "ro-"] {
            assert!(Language::new(bad).is_err(), "{bad}");
        }
        for good in ["Europe/Chisinau", "UTC", "+02:00", "-09:30", "Etc/GMT+5"] {
            assert!(TimeZone::new(good).is_ok(), "{good}");
        }
        for bad in ["", "+2", "+24:00", "+02:60", "+0x:00", "somewhere in Europe", "/Europe"] {
            assert!(TimeZone::new(bad).is_err(), "{bad}");
        }
        for good in ["text/csv", "application/vnd.ms-excel", "image/svg+xml"] {
            assert!(MediaType::new(good).is_ok(), "{good}");
        }
        for bad in ["csv", "text/", "/csv", "text/csv; charset=utf-8", "te xt/csv"] {
            assert!(MediaType::new(bad).is_err(), "{bad}");
        }
        assert!(Day::new("2026-02-28").is_ok());
        for bad in ["2026-02-30", "28.02.2026", "2026-2-28"] {
            assert!(Day::new(bad).is_err(), "{bad}");
        }
    }
}
