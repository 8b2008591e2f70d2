//! `bundle.json`: what a bundle says of itself, under its maker's signature.
//!
//! Calls the canonical JSON. Holds no name of an exhibit but the safe one of its file: real names stand in the index.

use crate::canonical::{CanonicalError, from_canonical, to_canonical};
use crate::exhibit::ExhibitNumber;
use crate::exhibit::MAX_EXHIBITS;
use rogatory_core::party::OfficerId;
use rogatory_core::reference::PackageId;
use rogatory_core::{PartyId, SharedNumber, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest statement that is read: a line for every exhibit that a package may have.
pub(crate) const MAX_STATEMENT_BYTES: usize = 32 * 1024 * 1024;

/// How the exhibits lie in a bundle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BundleForm {
    /// In the clear, with the signed index that proves them.
    Clear,
    /// As a disclosure, sealed for the court.
    Sealed,
    /// There are none: documents and custody record alone.
    Documents,
}

/// An exhibit and its file in the bundle.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BundledExhibit {
    pub(crate) number: ExhibitNumber,
    pub(crate) file: String,
}

/// What the bundle says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) format: u32,
    pub(crate) profile: u32,
    pub(crate) form: BundleForm,
    /// The number by which both sides know the case.
    pub(crate) shared_number: SharedNumber,
    /// The institution whose officer made it, and whose custody record it holds.
    pub(crate) institution: PartyId,
    /// The officer who made it.
    pub(crate) officer: OfficerId,
    /// When, as the officer's machine says.
    pub(crate) made_time: Timestamp,
    /// Program and version that made it.
    pub(crate) program: String,
    /// The package that `package/` is of.
    pub(crate) package: Option<PackageId>,
    /// The exhibits by their numbers.
    pub(crate) exhibits: Vec<BundledExhibit>,
}

impl Statement {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        self.check()?;
        to_canonical(self)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let statement: Self = from_canonical(bytes, MAX_STATEMENT_BYTES)?;
        statement.check()?;
        Ok(statement)
    }

    fn check(&self) -> Result<(), CanonicalError> {
        let rule = |text: &str| Err(CanonicalError::Rule(text.to_owned()));
        if (self.format, self.profile) != (1, 1) {
            return rule("`format` and `profile` must be 1: it is a bundle of another version");
        }
        if self.officer.party() != &self.institution {
            return rule("`officer` must be one of `institution`");
        }
        if self.program.is_empty()
            || self.program.chars().count() > 80
            || self.program.contains(char::is_control)
        {
            return rule("`program` must be 1 to 80 printable characters");
        }
        let has_exhibits = self.form != BundleForm::Documents;
        if self.package.is_some() != has_exhibits || self.exhibits.is_empty() == has_exhibits {
            return rule("`package` and `exhibits` must be given unless `form` is `documents`");
        }
        if self.exhibits.len() > MAX_EXHIBITS as usize
            || !self.exhibits.is_sorted_by(|a, b| a.number < b.number)
        {
            return rule("`exhibits` must be given by rising numbers, each once");
        }
        Ok(())
    }

    /// The numbers of the exhibits.
    pub(crate) fn numbers(&self) -> Vec<ExhibitNumber> {
        self.exhibits.iter().map(|exhibit| exhibit.number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_one_writing_and_keeps_its_rules() {
        let text = concat!(
            r#"{"format":1,"profile":1,"form":"clear","shared_number":"MD-JF58-JXH4-09RC-SPTW-27","#,
            r#""institution":"md/central-authority","officer":"md/central-authority/officer/rusu","#,
            r#""made_time":"2026-11-22T14:20:00Z","program":"rogatory 0.1.0","package":"PK-7K2M9QXR4T1VC8ZE","#,
            r#""exhibits":[{"number":"EX-0001","file":"exhibits/EX-0001/letter.txt"}]}"#
        );
        let statement = Statement::from_bytes(text.as_bytes()).expect("reads");
        assert_eq!(statement.to_bytes().expect("writes"), text.as_bytes());
        for (from, to) in [
            ("\"profile\":1", "\"profile\":2"),
            ("clear", "documents"),
            ("PK-7K2M9QXR4T1VC8ZE", "PK-1"),
            ("\"profile\":1", "\"profile\": 1"),
            ("md/central-authority/officer/rusu", "gb/central-authority/officer/rusu"),
            ("rogatory 0.1.0", ""),
        ] {
            assert!(Statement::from_bytes(text.replace(from, to).as_bytes()).is_err(), "{from}");
        }
    }
}
