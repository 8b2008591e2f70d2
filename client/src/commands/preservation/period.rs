//! Until when data are preserved: as it is typed, and as it is shown.
//!
//! Says no law: the least period stands in `law`, and the server compares.

use crate::problem::{Problem, clean};
use rogatory_core::Timestamp;

const DAY_SECONDS: i64 = 86_400;

/// Until when, as it was typed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// To this instant, which is included.
    Instant(Timestamp),
    /// To the end, in UTC, of that many days after the one from which they are counted.
    Days(u32),
}

impl Until {
    /// From what was typed after `--until` and `--days`.
    ///
    /// # Errors
    /// A usage problem if the instant is none.
    pub fn typed(until: Option<&str>, days: Option<u32>) -> Result<Option<Self>, Problem> {
        let instant = until.map(str::parse).transpose().map_err(
            |error: rogatory_core::timestamp::TimestampError| {
                Problem::usage(format!("--until: {}", clean(&error.to_string())))
                    .with_hint("write day, hour and zone, for example 2027-01-25T23:59:59Z; or use --days")
            },
        )?;
        Ok(instant.map(Self::Instant).or(days.map(Self::Days)))
    }

    /// The last instant, included; days are counted from the one that holds `from`.
    #[must_use]
    pub fn last_instant(self, from: Timestamp) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Days(days) => {
                let begun = from.seconds().rem_euclid(DAY_SECONDS);
                let whole = i64::from(days).saturating_add(1).saturating_mul(DAY_SECONDS);
                from.whole_seconds().plus_seconds(whole - begun - 1)
            }
        }
    }
}

/// What is left at `now` until `until`, which is included: whole days, negative once it passed, and
/// the same in words.
pub(crate) fn left(until: Timestamp, now: Timestamp) -> (i64, String) {
    let seconds = until.seconds().saturating_sub(now.seconds());
    let days = seconds.div_euclid(DAY_SECONDS);
    let count = |number: i64, unit: &str| match number {
        1 => format!("1 {unit} left"),
        number => format!("{number} {unit}s left"),
    };
    let words = match (days, seconds / 3600) {
        (..0, _) => "passed".to_owned(),
        (0, 0) => "less than an hour left".to_owned(),
        (0, hours) => count(hours, "hour"),
        (days, _) => count(days, "day"),
    };
    (days, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    #[test]
    fn days_end_with_the_last_second_of_their_day() {
        let received = at("2026-11-22T14:20:03Z");
        assert_eq!(Until::Days(60).last_instant(received), at("2027-01-21T23:59:59Z"));
        assert_eq!(Until::Days(0).last_instant(received), at("2026-11-22T23:59:59Z"));
        assert_eq!(Until::Days(1).last_instant(at("2026-11-22T23:59:59Z")), at("2026-11-23T23:59:59Z"));
        let named = at("2027-02-01T12:00:00Z");
        assert_eq!(Until::Instant(named).last_instant(received), named);
    }

    #[test]
    fn what_is_typed_is_an_instant_or_days() {
        assert_eq!(Until::typed(None, Some(60)), Ok(Some(Until::Days(60))));
        assert_eq!(Until::typed(None, None), Ok(None));
        let problem = Until::typed(Some("tomorrow"), None).expect_err("no instant");
        assert_eq!(problem.exit().code(), 2);
        assert!(problem.message().starts_with("--until: "), "{problem}");
    }

    #[test]
    fn the_last_instant_is_included() {
        let until = at("2027-01-21T23:59:59Z");
        for (now, days, words) in [
            ("2026-11-22T14:20:03Z", 60, "60 days left"),
            ("2027-01-20T12:00:00Z", 1, "1 day left"),
            ("2027-01-21T12:00:00Z", 0, "11 hours left"),
            ("2027-01-21T22:30:00Z", 0, "1 hour left"),
            ("2027-01-21T23:59:59Z", 0, "less than an hour left"),
            ("2027-01-22T00:00:00Z", -1, "passed"),
        ] {
            assert_eq!(left(until, at(now)), (days, words.to_owned()), "{now}");
        }
    }
}
