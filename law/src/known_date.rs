//! A date as far as it is known: a year, a month or a day.
//!
//! Holds the type and its text form. Calls nothing. Never fills in what isn't known, and never counts days:
//! entry into force is a fact here, not the beginning of a period.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The text is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date: YYYY, YYYY-MM or YYYY-MM-DD is expected, for example \"2004-07-01\"")]
pub struct KnownDateError(String);

/// A civil date known to the year, the month or the day.
///
/// Dates are compared by what is known of both; a year says nothing about a day in it, so there is no order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KnownDate {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

impl KnownDate {
    /// The year.
    #[must_use]
    pub const fn year(&self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, where it is known.
    #[must_use]
    pub const fn month(&self) -> Option<u8> {
        self.month
    }

    /// The day of the month, where it is known.
    #[must_use]
    pub const fn day(&self) -> Option<u8> {
        self.day
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Reads exactly `digits` ASCII digits.
fn number(text: &str, digits: usize) -> Option<u16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn parse(text: &str) -> Option<KnownDate> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4).filter(|year| *year >= 1)?;
    let Some(month) = parts.next() else { return Some(KnownDate { year, month: None, day: None }) };
    let month = u8::try_from(number(month, 2)?).ok().filter(|month| (1..=12).contains(month))?;
    let Some(day) = parts.next() else { return Some(KnownDate { year, month: Some(month), day: None }) };
    let day = u8::try_from(number(day, 2)?).ok().filter(|day| (1..=days_in(year, month)).contains(day))?;
    parts.next().is_none().then_some(KnownDate { year, month: Some(month), day: Some(day) })
}

impl FromStr for KnownDate {
    type Err = KnownDateError;

    fn from_str(text: &str) -> Result<Self, KnownDateError> {
        parse(text).ok_or_else(|| KnownDateError(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for KnownDate {
    type Error = KnownDateError;

    fn try_from(text: String) -> Result<Self, KnownDateError> {
        text.parse()
    }
}

impl From<KnownDate> for String {
    fn from(date: KnownDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for KnownDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day].into_iter().flatten() {
            write!(f, "-{part:02}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_it_was_read() {
        for text in ["1959", "2026-08", "2004-07-01", "2024-02-29", "2000-02-29"] {
            assert_eq!(text.parse::<KnownDate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "0000",
            "26",
            "2026-",
            "2026-13",
            "2026-00",
            "2026-2-1",
            "2023-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-01-01",
            "+026",
            "２０２６",
        ] {
            assert!(text.parse::<KnownDate>().is_err(), "{text}");
        }
    }
}
