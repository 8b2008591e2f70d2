//! What can be asked for under an instrument.
//!
//! Holds the list of measures, each once. Calls nothing. Never says which instrument allows which.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The text names no measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a measure; for example `preservation`, `subscriber` or `content` is expected")]
pub struct UnknownMeasure(String);

/// A measure, or a way of asking, that instruments give articles for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A request for mutual legal assistance in general: duty, channel, form.
    MutualAssistance,
    /// Preservation of stored data until it can be asked for.
    Preservation,
    /// Disclosure of as much preserved traffic data as identifies the provider and the path.
    PreservedTrafficDisclosure,
    /// Subscriber information.
    Subscriber,
    /// Traffic data.
    Traffic,
    /// Content data.
    Content,
    /// An order or request straight to a provider in another State.
    DirectOrder,
    /// A quicker way where life or safety is in danger, or time is short.
    Emergency,
    /// Information given without having been asked for.
    SpontaneousInformation,
    /// Joint investigation teams and joint investigations.
    JointInvestigation,
    /// Hearing by video conference.
    VideoHearing,
    /// Interception and collection in real time.
    Interception,
    /// Contact points that answer at any hour.
    ContactPoint,
}

impl Measure {
    /// Every measure, in the order in which output lists them.
    pub const ALL: [Self; 13] = [
        Self::MutualAssistance,
        Self::Preservation,
        Self::PreservedTrafficDisclosure,
        Self::Subscriber,
        Self::Traffic,
        Self::Content,
        Self::DirectOrder,
        Self::Emergency,
        Self::SpontaneousInformation,
        Self::JointInvestigation,
        Self::VideoHearing,
        Self::Interception,
        Self::ContactPoint,
    ];

    /// The measure's id as data files and output write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MutualAssistance => "mutual-assistance",
            Self::Preservation => "preservation",
            Self::PreservedTrafficDisclosure => "preserved-traffic-disclosure",
            Self::Subscriber => "subscriber",
            Self::Traffic => "traffic",
            Self::Content => "content",
            Self::DirectOrder => "direct-order",
            Self::Emergency => "emergency",
            Self::SpontaneousInformation => "spontaneous-information",
            Self::JointInvestigation => "joint-investigation",
            Self::VideoHearing => "video-hearing",
            Self::Interception => "interception",
            Self::ContactPoint => "contact-point",
        }
    }

    /// The measure in words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::MutualAssistance => "request for mutual assistance",
            Self::Preservation => "preservation of stored data",
            Self::PreservedTrafficDisclosure => "disclosure of preserved traffic data",
            Self::Subscriber => "subscriber information",
            Self::Traffic => "traffic data",
            Self::Content => "content data",
            Self::DirectOrder => "order straight to a provider",
            Self::Emergency => "emergency or urgent procedure",
            Self::SpontaneousInformation => "spontaneous information",
            Self::JointInvestigation => "joint investigation",
            Self::VideoHearing => "hearing by video conference",
            Self::Interception => "interception, collection in real time",
            Self::ContactPoint => "24/7 contact point",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        Self::ALL
            .into_iter()
            .find(|measure| measure.as_str() == text)
            .ok_or_else(|| UnknownMeasure(text.chars().take(60).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct One {
        measure: Measure,
    }

    #[test]
    fn a_measure_is_read_and_written_under_one_name() {
        for measure in Measure::ALL {
            assert_eq!(measure.as_str().parse(), Ok(measure));
            let read: One = toml::from_str(&format!("measure = \"{measure}\"")).unwrap();
            assert_eq!(read.measure, measure);
        }
        assert!("Preservation".parse::<Measure>().is_err());
    }
}
