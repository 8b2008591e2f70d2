//! What a verified bundle says.
//!
//! Holds values alone; only the verifier makes them. Calls nothing.

use super::statement::{BundleForm, Statement};
use crate::exhibit::ExhibitNumber;
use crate::verify::verdict::VerifiedPackage;
use rogatory_container::cades::VerifiedSignature;
use rogatory_core::party::OfficerId;
use rogatory_core::{Digest, PartyId, SharedNumber, Timestamp};
use rogatory_custody::record::{VerifiedRecord, VerifiedStream};
use serde::Serialize;

/// A stream of the custody record, as the report names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StreamFacts {
    /// `internal`, or the counterpart that shares it.
    pub stream: String,
    /// Every number from 1 to this one is there.
    pub complete_to: u64,
}

/// The custody record, as the report names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogFacts {
    /// The log.
    pub origin: String,
    /// The number of leaves under the checkpoint.
    pub checkpoint_size: u64,
    /// The root over them.
    pub checkpoint_root: Digest,
    /// How many entries were verified.
    pub entries: usize,
    /// Whether no body is shown: they were erased, the record says.
    pub erased: bool,
    /// How far each stream is complete.
    pub streams: Vec<StreamFacts>,
    /// Who cosigned the checkpoint, or is said to have.
    pub witnesses: Vec<WitnessFacts>,
}

/// A cosignature of the checkpoint, as the report names it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WitnessFacts {
    /// The institution that cosigned, or is said to have.
    pub witness: PartyId,
    /// When, by its clock; believed only if checked.
    pub at: Timestamp,
    /// Whether the cosignature was verified; otherwise no entry that publishes that witness's key was given.
    pub checked: bool,
}

/// A time stamp in the bundle that holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StampFacts {
    /// The object that it is for.
    pub object: String,
    /// The instant that it proves, accuracy added.
    pub proven: Timestamp,
    /// Subject of the certificate of the time-stamping authority.
    pub time_stamping_authority: String,
}

impl LogFacts {
    pub(super) fn of(record: &VerifiedRecord, witnesses: Vec<WitnessFacts>) -> Self {
        let stream = |stream: &VerifiedStream| StreamFacts {
            stream: stream.stream().to_string(),
            complete_to: stream.complete_to(),
        };
        Self {
            origin: record.origin().to_string(),
            checkpoint_size: record.checkpoint().size(),
            checkpoint_root: *record.checkpoint().root(),
            entries: record.entries().len(),
            erased: record.is_erased(),
            streams: record.streams().iter().map(stream).collect(),
            witnesses,
        }
    }
}

/// A bundle of which everything that was looked at is right. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    pub(super) statement: Statement,
    pub(super) manifest_sha256: Digest,
    pub(super) signature: VerifiedSignature,
    pub(super) package: Option<VerifiedPackage>,
    pub(super) log: Option<LogFacts>,
    pub(super) stamps: Vec<StampFacts>,
    pub(super) documents: usize,
    pub(super) receipts: usize,
}

impl VerifiedBundle {
    /// How the exhibits lie in it.
    #[must_use]
    pub const fn form(&self) -> BundleForm {
        self.statement.form
    }

    /// The number of the case.
    #[must_use]
    pub const fn shared_number(&self) -> &SharedNumber {
        &self.statement.shared_number
    }

    /// The institution whose officer made it.
    #[must_use]
    pub const fn institution(&self) -> &PartyId {
        &self.statement.institution
    }

    /// The officer who made it.
    #[must_use]
    pub const fn officer(&self) -> &OfficerId {
        &self.statement.officer
    }

    /// When, as its maker says.
    #[must_use]
    pub const fn made_time(&self) -> Timestamp {
        self.statement.made_time
    }

    /// Program and version that made it, as its maker says.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.statement.program
    }

    /// SHA-256 of the signed manifest, which covers every object.
    #[must_use]
    pub const fn manifest_sha256(&self) -> Digest {
        self.manifest_sha256
    }

    /// Its maker's signature.
    #[must_use]
    pub const fn signature(&self) -> &VerifiedSignature {
        &self.signature
    }

    /// The package that the exhibits are of.
    #[must_use]
    pub const fn package(&self) -> Option<&VerifiedPackage> {
        self.package.as_ref()
    }

    /// The custody record, if it was verified.
    #[must_use]
    pub const fn log(&self) -> Option<&LogFacts> {
        self.log.as_ref()
    }

    /// The time stamps in it that hold.
    #[must_use]
    pub fn stamps(&self) -> &[StampFacts] {
        &self.stamps
    }

    /// How many documents and receipts of the case it holds.
    #[must_use]
    pub const fn counts(&self) -> (usize, usize) {
        (self.documents, self.receipts)
    }

    /// The name of an exhibit's file.
    #[must_use]
    pub fn file_of(&self, number: ExhibitNumber) -> Option<&str> {
        let place = self.statement.exhibits.binary_search_by_key(&number, |exhibit| exhibit.number).ok()?;
        self.statement.exhibits.get(place).map(|exhibit| exhibit.file.as_str())
    }
}
