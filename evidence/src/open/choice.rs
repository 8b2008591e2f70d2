//! Which exhibits of a package are opened, and what the folder says of the others.
//!
//! Holds the choice between what was asked for and what is sensitive, and the file `not-opened.txt`.
//! May call nothing. Never lets a sensitive exhibit through without leave.

use super::{OpenError, OpenOptions};
use crate::exhibit::ExhibitNumber;
use crate::verify::ExhibitDescription;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Why an exhibit was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotOpened {
    /// Others were asked for.
    NotChosen,
    /// It is sensitive, and no reason was given.
    Sensitive,
}

impl NotOpened {
    /// The word in `not-opened.txt` and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotChosen => "not-chosen",
            Self::Sensitive => "sensitive",
        }
    }
}

/// The exhibits to open and those that stay sealed.
pub(crate) struct Choice {
    pub(crate) chosen: BTreeSet<ExhibitNumber>,
    pub(super) left: BTreeMap<ExhibitNumber, NotOpened>,
    /// Those of the chosen that are sensitive.
    pub(crate) sensitive: Vec<ExhibitNumber>,
}

impl Choice {
    /// Chooses among what the index describes.
    ///
    /// # Errors
    /// If an exhibit was asked for that isn't there or needs a reason, or if nothing is left to open.
    pub(crate) fn among(exhibits: &[ExhibitDescription], options: &OpenOptions) -> Result<Self, OpenError> {
        let asked: BTreeSet<ExhibitNumber> = options.exhibits.iter().copied().collect();
        let there = |number: &ExhibitNumber| exhibits.iter().any(|exhibit| exhibit.number == *number);
        if let Some(number) = asked.iter().find(|number| !there(number)) {
            return Err(OpenError::NoSuchExhibit { number: *number, count: exhibits.len() });
        }
        let mut choice = Self { chosen: BTreeSet::new(), left: BTreeMap::new(), sensitive: Vec::new() };
        for exhibit in exhibits {
            let number = exhibit.number;
            if !asked.is_empty() && !asked.contains(&number) {
                choice.left.insert(number, NotOpened::NotChosen);
                continue;
            }
            match (&exhibit.sensitive, &options.sensitive) {
                (Some(mark), None) if !asked.is_empty() => {
                    return Err(OpenError::Sensitive { number, why: mark.why() });
                }
                (Some(_), None) => {
                    choice.left.insert(number, NotOpened::Sensitive);
                    continue;
                }
                (Some(_), Some(_)) => choice.sensitive.push(number),
                (None, _) => {}
            }
            choice.chosen.insert(number);
        }
        match exhibits.first() {
            Some(first) if choice.chosen.is_empty() => {
                let why = first.sensitive.as_ref().map(crate::Sensitive::why).unwrap_or_default();
                Err(OpenError::Sensitive { number: first.number, why })
            }
            _ => Ok(choice),
        }
    }

    /// The exhibits that stay sealed because they are sensitive.
    pub(crate) fn left_sealed(&self) -> Vec<ExhibitNumber> {
        let sensitive = self.left.iter().filter(|(_, why)| **why == NotOpened::Sensitive);
        sensitive.map(|(number, _)| *number).collect()
    }

    /// The text of `not-opened.txt`, if there is anything to say.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        for (number, why) in &self.left {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{number} {}", why.as_str());
        }
        (!text.is_empty()).then_some(text)
    }
}

/// Reads `not-opened.txt`; `None` if it is not what [`Choice::text`] writes.
pub(crate) fn read_not_opened(text: &str) -> Option<BTreeMap<ExhibitNumber, NotOpened>> {
    let mut left = BTreeMap::new();
    for line in text.strip_suffix('\n')?.split('\n') {
        let (number, why) = line.split_once(' ')?;
        let number: ExhibitNumber = number.parse().ok()?;
        let why = [NotOpened::NotChosen, NotOpened::Sensitive].into_iter().find(|one| one.as_str() == why)?;
        if left.last_key_value().is_some_and(|(last, _)| *last >= number) {
            return None;
        }
        left.insert(number, why);
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_what_was_not_opened_has_one_writing() {
        let number = |value| ExhibitNumber::new(value).expect("in range");
        let left = BTreeMap::from([(number(2), NotOpened::Sensitive), (number(10), NotOpened::NotChosen)]);
        let choice = Choice { chosen: BTreeSet::new(), left: left.clone(), sensitive: Vec::new() };
        let text = choice.text().expect("a text");
        assert_eq!(text, "EX-0002 sensitive\nEX-0010 not-chosen\n");
        assert_eq!(read_not_opened(&text), Some(left));
        for other in ["", "EX-0002 sensitive", "EX-0002  sensitive\n", "EX-0010 x\n", "EX-0002 sensitive\n\n"]
        {
            assert_eq!(read_not_opened(other), None, "{other}");
        }
        assert_eq!(read_not_opened("EX-0010 not-chosen\nEX-0002 sensitive\n"), None);
    }
}
