//! What a benchmark says: lines with a value, its reference, its promise, and what could not be measured.
//!
//! The form is versioned: `cargo xtask bench` and whoever keeps the figures read it.

use crate::office::{Place, Scale};
use serde::Serialize;

/// The version of the form.
pub(crate) const FORMAT: u32 = 1;

/// All that one benchmark measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// One measure a line, in the order in which they read well.
    pub(crate) lines: Vec<Line>,
    /// What was wanted and could not be measured.
    pub(crate) unmeasured: Vec<Unmeasured>,
}

/// A measure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// What was measured, in words.
    pub(crate) measure: String,
    /// The median of the runs.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// Every run, in order.
    pub(crate) runs: Vec<f64>,
    /// What the same run measured for comparison.
    pub(crate) reference: Option<Reference>,
    /// What the design promises of the value, or of the ratio.
    pub(crate) promise: Option<Promise>,
    /// How to read it; may be empty.
    pub(crate) note: String,
}

/// A value to compare with.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reference {
    /// What it is, in words.
    pub(crate) what: String,
    /// In the unit of the line.
    pub(crate) value: f64,
    /// The line's value divided by this one.
    pub(crate) ratio: f64,
}

/// A promise, and whether it was kept.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Promise {
    /// In words, for example `at least 1000`.
    pub(crate) text: String,
    /// Whether the line keeps it.
    pub(crate) met: bool,
}

/// A measure that is missing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unmeasured {
    /// What should have been measured.
    pub(crate) measure: String,
    /// Why it was not, and what to do.
    pub(crate) why: String,
}

impl Report {
    /// Adds a line.
    pub(crate) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Notes what could not be measured beside `ssh`. A smoke run does without, so that nobody need install a server
    /// to run the tests.
    pub(crate) fn miss_unless_smoke(&mut self, place: &Place, measure: &str, why: &anyhow::Error) {
        if place.scale != Scale::Smoke || crate::process::is_there("sshd") {
            self.miss(measure, format!("{why:#}"));
        }
    }

    /// Notes what could not be measured.
    pub(crate) fn miss(&mut self, measure: &str, why: impl std::fmt::Display) {
        self.unmeasured.push(Unmeasured { measure: measure.to_owned(), why: why.to_string() });
    }
}

impl Line {
    /// The median of `runs`, which are not empty.
    #[must_use]
    pub(crate) fn of(measure: impl Into<String>, unit: &'static str, runs: Vec<f64>) -> Self {
        Self {
            measure: measure.into(),
            value: median(&runs),
            unit,
            runs,
            reference: None,
            promise: None,
            note: String::new(),
        }
    }

    /// A single value.
    #[must_use]
    pub(crate) fn once(measure: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self::of(measure, unit, vec![value])
    }

    /// Sets a reference in the line's unit beside the value.
    #[must_use]
    pub(crate) fn beside(mut self, what: impl Into<String>, value: f64) -> Self {
        self.reference = Some(Reference { what: what.into(), value, ratio: self.value / value });
        self
    }

    /// Promises at least `bound` of the value.
    #[must_use]
    pub(crate) fn at_least(mut self, bound: f64) -> Self {
        self.promise = Some(Promise { text: format!("≥ {bound}"), met: self.value >= bound });
        self
    }

    /// Promises less than `bound` of the value.
    #[must_use]
    pub(crate) fn below(mut self, bound: f64) -> Self {
        self.promise = Some(Promise { text: format!("< {bound}"), met: self.value < bound });
        self
    }

    /// Promises at least `bound` times the reference.
    #[must_use]
    pub(crate) fn at_least_times(mut self, bound: f64) -> Self {
        let met = self.reference.as_ref().is_some_and(|reference| reference.ratio >= bound);
        self.promise = Some(Promise { text: format!("≥ {bound} × reference"), met });
        self
    }

    /// Says how to read it.
    #[must_use]
    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// The middle of the values; of an even number the mean of the two in the middle. None give no number.
#[must_use]
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), middle.checked_sub(1).and_then(|below| sorted.get(below))) {
        (Some(upper), Some(lower)) if sorted.len().is_multiple_of(2) => f64::midpoint(*lower, *upper),
        (Some(upper), _) => *upper,
        (None, _) => f64::NAN,
    }
}

/// The value below which `share` of the values lie (nearest rank).
#[must_use]
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the values")]
    let rank = (share * count(sorted.len())).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// A number of things as a number to reckon with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts and sizes here stay far below 2^52")]
pub(crate) const fn count(number: usize) -> f64 {
    number as f64
}

/// A size as a number to reckon with.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts and sizes here stay far below 2^52")]
pub(crate) const fn amount(number: u64) -> f64 {
    number as f64
}

/// Bytes in a time, as MiB/s.
#[must_use]
pub(crate) fn mib_per_second(bytes: u64, seconds: f64) -> f64 {
    amount(bytes) / 1_048_576.0 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!((median(&[7.0]) - 7.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert!((percentile(&values, 0.99) - 198.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 0.5) - 100.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 1.0) - 200.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_promise_is_judged_by_the_side_it_speaks_of() {
        let line = Line::once("m", "MiB/s", 300.0).beside("scp", 100.0);
        assert!(line.clone().at_least_times(3.0).promise.is_some_and(|promise| promise.met));
        assert!(line.clone().at_least_times(3.1).promise.is_some_and(|promise| !promise.met));
        assert!(line.clone().below(300.1).promise.is_some_and(|promise| promise.met));
        assert!(line.clone().below(300.0).promise.is_some_and(|promise| !promise.met));
        assert!(line.at_least(300.0).promise.is_some_and(|promise| promise.met));
        // Without a reference no multiple of it is reached.
        let alone = Line::once("m", "MiB/s", 300.0).at_least_times(0.1);
        assert!(alone.promise.is_some_and(|promise| !promise.met));
    }
}
