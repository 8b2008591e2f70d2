//! Instants in microseconds, the clock that hands them out, and civil dates, which are no instants.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An instant in UTC with microsecond resolution, written as RFC 3339 with `Z`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The value is no instant between the years 0001 and 9999.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not an instant: write RFC 3339, for example 2026-11-22T14:20:00Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// The first instant there is: 0001-01-01T00:00:00Z.
    const MIN: Self = Self(-62_135_596_800_000_000);
    /// The last instant there is: 9999-12-30T22:00:00Z, the end of what civil time here can express.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// Takes microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError`] outside the years 0001 to 9999.
    pub fn from_microseconds(microseconds: i64) -> Result<Self, TimestampError> {
        jiff::Timestamp::from_microsecond(microseconds)
            .ok()
            .map(|_| Self(microseconds))
            .filter(|instant| *instant >= Self::MIN)
            .ok_or_else(|| TimestampError(format!("{microseconds} µs")))
    }

    /// Takes whole seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimestampError`] outside the years 0001 to 9999.
    pub fn from_seconds(seconds: i64) -> Result<Self, TimestampError> {
        seconds
            .checked_mul(1_000_000)
            .ok_or_else(|| TimestampError(format!("{seconds} s")))
            .and_then(Self::from_microseconds)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn microseconds(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The instant `seconds` later; stays put at the end of the year 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_microseconds(self.0.saturating_add(seconds.saturating_mul(1_000_000))).unwrap_or(self)
    }

    /// The same instant without its fraction of a second, as CMS and ZIP can hold it.
    #[must_use]
    pub const fn whole_seconds(self) -> Self {
        Self(self.seconds() * 1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let instant: jiff::Timestamp =
            text.parse().map_err(|_| TimestampError(text.chars().take(80).collect()))?;
        Self::from_microseconds(instant.as_microsecond())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A day in the calendar, written `2026-12-01`. Which instants it holds depends on a place; nothing here says so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CivilDate(jiff::civil::Date);

/// The text is no date.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a date: write year, month and day, for example 2026-12-01")]
pub struct CivilDateError(String);

impl FromStr for CivilDate {
    type Err = CivilDateError;

    fn from_str(text: &str) -> Result<Self, CivilDateError> {
        let bad = || CivilDateError(text.chars().take(40).collect());
        let date: jiff::civil::Date = text.parse().map_err(|_| bad())?;
        // One spelling: the reader of dates takes others, and times after them.
        if date.to_string() == text { Ok(Self(date)) } else { Err(bad()) }
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

crate::party::serde_as_text!(CivilDate);

/// Tells the time. Handed in everywhere, so that tests are exact.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_survives_its_text() {
        let at: Timestamp = "2026-11-22T14:20:00.000001Z".parse().expect("valid text");
        assert_eq!(at.to_string(), "2026-11-22T14:20:00.000001Z");
        assert_eq!(at.whole_seconds().to_string(), "2026-11-22T14:20:00Z");
    }

    #[test]
    fn the_years_before_the_first_and_ten_thousand_are_out_of_range() {
        assert!("0001-01-01T00:00:00Z".parse::<Timestamp>().is_ok());
        assert!("0000-12-31T23:59:59.999999Z".parse::<Timestamp>().is_err());
        assert!("-000001-01-01T00:00:00Z".parse::<Timestamp>().is_err());
        assert!(Timestamp::from_seconds(253_402_300_800).is_err());
    }
    #[test]
    fn a_date_has_one_spelling() {
        let date: CivilDate = "2026-12-01".parse().expect("a date");
        assert_eq!(date.to_string(), "2026-12-01");
        for text in ["20261201", "2026-12-01T00:00:00", "2026-12-1", "2026-02-30", "01.12.2026", ""] {
            assert!(text.parse::<CivilDate>().is_err(), "{text}");
        }
    }
}
