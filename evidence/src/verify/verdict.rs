//! What a verification found, part by part.
//!
//! Holds the report's types and the one place that turns a list of checks into an overall answer.
//! Calls nothing. Success exists only as a value that this crate's verifier makes; a part that
//! could not be looked at is never counted as good.

use crate::acquisition::Acquisition;
use crate::bundle::VerifiedBundle;
use crate::exhibit::ExhibitNumber;
use crate::record::{ExhibitType, RawName};
use crate::sensitive::Sensitive;
use crate::transmittal::Transmittal;
use rogatory_container::asice::VerifiedAsice;
use rogatory_container::cades::VerifiedSignature;
use rogatory_container::foreign::ForeignVerified;
use rogatory_core::Digest;
use rogatory_core::party::PartyId;
use rogatory_core::reference::PackageId;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most failures that are listed one by one.
const MAX_LISTED_FAILURES: usize = 1_000;

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The framing of the container file, or the reading of a folder.
    Container,
    /// What no signature of a foreign container covers.
    Framing,
    /// The set of objects: nothing missing, nothing more.
    Objects,
    /// `mimetype`, `bagit.txt`, `bag-info.txt`.
    BagFiles,
    /// `transmittal.json`.
    Transmittal,
    /// That every object is encrypted to the kind of keys that the transmittal names.
    Encryption,
    /// `manifest-sha256.txt`.
    Manifest,
    /// `tagmanifest-sha256.txt`.
    TagManifest,
    /// `META-INF/ASiCManifest001.xml`, and the digest of everything it covers.
    PersonManifest,
    /// The signature 001 of who sealed the evidence: in a derived package that of the original.
    PersonSignature,
    /// The institution's seal, manifest and signature 002: in a derived package those of the original.
    Seal,
    /// In a derived package, what it carries of the original.
    Origin,
    /// In a derived package, the signature 001 of who made it.
    MakerSignature,
    /// In a derived package, the seal of its maker's institution.
    MakerSeal,
    /// That the signer is the one expected.
    Signer,
    /// The index and its lists.
    Index,
    /// The signature in the index.
    IndexSignature,
    /// That outer and inner part say the same.
    Agreement,
    /// The exhibits' records.
    Records,
    /// The exhibits' contents.
    Contents,
    /// A formal document.
    Document,
    /// In a court bundle, its objects, its statement and their digests.
    Bundle,
    /// In a court bundle, the signature of the officer who made it.
    BundleSignature,
    /// A receipt.
    Receipt,
    /// The entry of a party.
    Party,
    /// The custody record of the case.
    Custody,
    /// That package, documents, receipts and record are of one case and name one another.
    Relations,
    /// That the signing time is proven.
    Time,
    /// That no certificate was revoked.
    Revocation,
    /// That a witness saw the custody log.
    Witness,
}

impl Part {
    /// The part's name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Framing => "framing",
            Self::Objects => "objects",
            Self::BagFiles => "bag files",
            Self::Transmittal => "transmittal",
            Self::Encryption => "encryption",
            Self::Manifest => "manifest",
            Self::TagManifest => "tag manifest",
            Self::PersonManifest => "signed manifest",
            Self::PersonSignature => "person's signature",
            Self::Seal => "institution seal",
            Self::Origin => "origin",
            Self::MakerSignature => "maker's signature",
            Self::MakerSeal => "maker's institution seal",
            Self::Signer => "signer",
            Self::Index => "index",
            Self::IndexSignature => "signature in the index",
            Self::Agreement => "agreement of outer and inner part",
            Self::Records => "records",
            Self::Contents => "contents",
            Self::Document => "document",
            Self::Bundle => "court bundle",
            Self::BundleSignature => "bundle maker's signature",
            Self::Receipt => "receipt",
            Self::Party => "party entry",
            Self::Custody => "custody record",
            Self::Relations => "relations",
            Self::Time => "time",
            Self::Revocation => "revocation",
            Self::Witness => "witness",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the look at a part ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// Looked at and right.
    Checked,
    /// Not looked at, which is no failure unless it was required.
    NotChecked {
        /// Why not.
        why: String,
    },
    /// Looked at and wrong, or impossible to look at.
    Failed {
        /// Why.
        why: String,
    },
}

/// One line of the report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// What was looked at.
    pub part: Part,
    /// The object concerned, if it is one.
    pub object: Option<String>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The line in plain words.
    pub text: String,
}

/// What must be checked for success, beyond integrity, signature and chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// A proven time.
    Time,
    /// Revocation.
    Revocation,
    /// A witness.
    Witness,
    /// The institution's seal.
    Seal,
    /// The contents of the exhibits.
    Contents,
    /// The signer, named from outside.
    Signer,
    /// The custody record of a court bundle.
    Custody,
    /// That everything in a court bundle is related to the rest of it.
    Relations,
}

impl Requirement {
    /// Every requirement.
    pub const ALL: [Self; 8] = [
        Self::Time,
        Self::Revocation,
        Self::Witness,
        Self::Seal,
        Self::Contents,
        Self::Signer,
        Self::Custody,
        Self::Relations,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Revocation => "revocation",
            Self::Witness => "witness",
            Self::Seal => "seal",
            Self::Contents => "contents",
            Self::Signer => "signer",
            Self::Custody => "custody",
            Self::Relations => "relations",
        }
    }

    const fn part(self) -> Part {
        match self {
            Self::Time => Part::Time,
            Self::Revocation => Part::Revocation,
            Self::Witness => Part::Witness,
            Self::Seal => Part::Seal,
            Self::Contents => Part::Contents,
            Self::Signer => Part::Signer,
            Self::Custody => Part::Custody,
            Self::Relations => Part::Relations,
        }
    }
}

/// The text names no requirement.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` cannot be required: time, revocation, witness, seal, contents, signer, custody or relations is expected"
)]
pub struct RequirementError(String);

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        Self::ALL
            .into_iter()
            .find(|requirement| requirement.as_str() == text)
            .ok_or_else(|| RequirementError(text.chars().take(40).collect()))
    }
}

/// In which form a package was verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A sealed package, as a folder, a container file or objects.
    Sealed,
    /// A package that was opened: real files beside the signed index.
    Opened,
    /// The decrypted index alone.
    Index,
    /// A court bundle.
    Bundle,
    /// A formal document.
    Document,
    /// A container without profile, judged by its signed parts.
    Foreign,
    /// Nothing that is known.
    Unknown,
}

/// An exhibit as the signed index describes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExhibitDescription {
    /// Its number.
    pub number: ExhibitNumber,
    /// File or folder.
    pub exhibit_type: ExhibitType,
    /// Its real name.
    pub name: RawName,
    /// Its path below the folder that was named, if every file became an exhibit.
    pub path: Option<RawName>,
    /// The size of the file or tar.
    pub size_bytes: u64,
    /// The digest of the file or tar.
    pub sha256: Digest,
    /// Why it must not be shown by accident, if it must not.
    pub sensitive: Option<Sensitive>,
    /// How it came to be, as its producer states it.
    #[serde(serialize_with = "crate::acquisition::shared::serialize")]
    pub acquisition: Option<Arc<Acquisition>>,
}

/// An exhibit that a disclosure does not disclose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct UndisclosedExhibit {
    /// Its number.
    pub number: ExhibitNumber,
    /// The digest of its plaintext.
    pub sha256: Digest,
}

/// How a derived package came from the original. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct Derivation {
    pub(super) origin: PackageId,
    pub(super) transmittal: Transmittal,
    pub(super) maker: VerifiedSignature,
    pub(super) maker_seal: Option<VerifiedSignature>,
    pub(super) maker_sealed_by: Option<PartyId>,
}

impl Derivation {
    /// The original package's id.
    #[must_use]
    pub const fn origin(&self) -> &PackageId {
        &self.origin
    }

    /// What the original says of itself, signed: who sealed it, and for whom.
    #[must_use]
    pub const fn origin_transmittal(&self) -> &Transmittal {
        &self.transmittal
    }

    /// The signature of who made the derived package.
    #[must_use]
    pub const fn maker(&self) -> &VerifiedSignature {
        &self.maker
    }

    /// The second signature over the derived package, if it has one.
    #[must_use]
    pub const fn maker_seal(&self) -> Option<&VerifiedSignature> {
        self.maker_seal.as_ref()
    }

    /// The maker's institution, if that seal is one that it published.
    #[must_use]
    pub const fn maker_sealed_by(&self) -> Option<&PartyId> {
        self.maker_sealed_by.as_ref()
    }
}

/// A package of which everything that was asked for is right. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedPackage {
    pub(super) form: Form,
    pub(super) package: Option<PackageId>,
    pub(super) transmittal: Transmittal,
    pub(super) signature: VerifiedSignature,
    pub(super) seal: Option<VerifiedSignature>,
    pub(super) sealed_by: Option<PartyId>,
    pub(super) derivation: Option<Derivation>,
    pub(super) exhibits: Vec<ExhibitDescription>,
    pub(super) undisclosed: Vec<UndisclosedExhibit>,
    pub(super) contents: bool,
}

impl VerifiedPackage {
    /// In which form it was verified.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Its id; none for an opened package or an index, which don't hold the outer manifest.
    #[must_use]
    pub const fn package(&self) -> Option<&PackageId> {
        self.package.as_ref()
    }

    /// What it says of itself, signed.
    #[must_use]
    pub const fn transmittal(&self) -> &Transmittal {
        &self.transmittal
    }

    /// How it was derived, if it was: then [`VerifiedPackage::transmittal`] is its maker's, and signature and seal
    /// are those of the original.
    #[must_use]
    pub const fn derivation(&self) -> Option<&Derivation> {
        self.derivation.as_ref()
    }

    /// The signature of the person who sealed the evidence: the outer one if it is at hand, else the one in the index.
    /// Of a derived package of which no index was read it is the maker's: nobody else is known to have signed for it.
    #[must_use]
    pub const fn signature(&self) -> &VerifiedSignature {
        &self.signature
    }

    /// The second signature, if it has one: a sound seal, whose certificate leads to an anchor. Whose
    /// seal it is, [`VerifiedPackage::sealed_by`] says.
    #[must_use]
    pub const fn seal(&self) -> Option<&VerifiedSignature> {
        self.seal.as_ref()
    }

    /// The sender, if the seal is one that it published; none if there is none or nobody could compare it.
    #[must_use]
    pub const fn sealed_by(&self) -> Option<&PartyId> {
        self.sealed_by.as_ref()
    }

    /// The exhibits as the index describes them; empty if the index could not be read for want of an identity.
    #[must_use]
    pub fn exhibits(&self) -> &[ExhibitDescription] {
        &self.exhibits
    }

    /// The exhibits of the original that a disclosure does not hold; empty if the index could not be read.
    #[must_use]
    pub fn undisclosed(&self) -> &[UndisclosedExhibit] {
        &self.undisclosed
    }

    /// Whether every exhibit's content was compared with the signed list.
    #[must_use]
    pub const fn contents_checked(&self) -> bool {
        self.contents
    }
}

/// What a successful verification gives.
#[derive(Clone, Debug)]
pub enum Verified {
    /// A package, opened package or index.
    Package(Box<VerifiedPackage>),
    /// A formal document.
    Document(Box<VerifiedAsice>),
    /// A court bundle.
    Bundle(Box<VerifiedBundle>),
    /// The signed parts of a container without profile; its framing is not covered.
    Foreign(Box<ForeignVerified>),
}

/// The whole report.
#[derive(Clone, Debug)]
pub struct Verdict {
    form: Form,
    checks: Vec<Check>,
    verified: Option<Verified>,
}

impl Verdict {
    /// What was verified.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Every check in the order in which it was made.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Whether everything that was looked at is right and everything required was looked at.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.verified.is_some()
    }

    /// What was verified, if it was.
    #[must_use]
    pub const fn verified(&self) -> Option<&Verified> {
        self.verified.as_ref()
    }

    /// The verified package, or the report that says why not.
    ///
    /// # Errors
    /// The report itself, if verification failed or the subject was a formal document.
    pub fn into_package(self) -> Result<VerifiedPackage, Box<Self>> {
        match self.verified {
            Some(Verified::Package(package)) => Ok(*package),
            other => Err(Box::new(Self { verified: other, ..self })),
        }
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let word = match &check.outcome {
                Outcome::Checked => "checked",
                Outcome::NotChecked { .. } => "not checked",
                Outcome::Failed { .. } => "FAILED",
            };
            writeln!(f, "{word}: {}", check.text)?;
        }
        f.write_str(if self.is_verified() { "verified" } else { "not verified" })
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut text = serializer.serialize_struct("Verdict", 4)?;
        text.serialize_field("format", &1)?;
        text.serialize_field("form", &self.form)?;
        text.serialize_field("verified", &self.is_verified())?;
        text.serialize_field("checks", &self.checks)?;
        text.end()
    }
}

/// Collects checks while they are made.
#[derive(Default)]
pub(crate) struct Findings {
    checks: Vec<Check>,
    failures: usize,
}

impl Findings {
    pub(crate) fn checked(&mut self, part: Part, text: impl Into<String>) {
        self.checks.push(Check { part, object: None, outcome: Outcome::Checked, text: text.into() });
    }

    pub(crate) fn not_checked(&mut self, part: Part, why: impl Into<String>) {
        let why = why.into();
        let text = format!("{part}: not checked ({why})");
        self.checks.push(Check { part, object: None, outcome: Outcome::NotChecked { why }, text });
    }

    /// As [`Findings::not_checked`], unless something was said of the part before.
    pub(crate) fn not_checked_unless_noted(&mut self, part: Part, why: &str) {
        if !self.checks.iter().any(|check| check.part == part) {
            self.not_checked(part, why);
        }
    }

    /// As [`Findings::not_checked`], with a line of its own.
    pub(crate) fn not_checked_as(&mut self, part: Part, why: &str, text: String) {
        self.checks.push(Check {
            part,
            object: None,
            outcome: Outcome::NotChecked { why: why.to_owned() },
            text,
        });
    }

    /// Notes a failure; after many, only their number.
    pub(crate) fn failed(&mut self, part: Part, object: Option<&str>, why: impl Into<String>) {
        self.failures += 1;
        if self.failures > MAX_LISTED_FAILURES {
            return;
        }
        let why = why.into();
        let text = match object {
            Some(object) => format!("`{object}`: {why}"),
            None => format!("{part}: {why}"),
        };
        let object = object.map(ToOwned::to_owned);
        self.checks.push(Check { part, object, outcome: Outcome::Failed { why }, text });
    }

    /// The checks made so far.
    pub(crate) fn into_checks(self) -> Vec<Check> {
        self.checks
    }

    /// Failures so far; compared before and after a step it tells whether the step was right.
    pub(crate) const fn failures(&self) -> usize {
        self.failures
    }

    pub(crate) const fn any_failed(&self) -> bool {
        self.failures > 0
    }

    /// What was found right of `parts` says nothing of what is at hand, for this reason.
    pub(crate) fn doubt(&mut self, parts: &[Part], why: &str) {
        let checked = |check: &&mut Check| parts.contains(&check.part) && check.outcome == Outcome::Checked;
        for check in self.checks.iter_mut().filter(checked) {
            check.outcome = Outcome::NotChecked { why: why.to_owned() };
            check.text = format!("{}: not checked ({why})", check.text);
        }
    }

    /// Whether something of `part` failed.
    pub(crate) fn any_failed_of(&self, part: Part) -> bool {
        self.checks.iter().any(|check| check.part == part && matches!(check.outcome, Outcome::Failed { .. }))
    }

    /// Whether something of `part` was not looked at.
    pub(crate) fn any_not_checked_of(&self, part: Part) -> bool {
        let not_checked = |check: &Check| matches!(check.outcome, Outcome::NotChecked { .. });
        self.checks.iter().any(|check| check.part == part && not_checked(check))
    }

    /// Whether `part` was looked at and found right.
    pub(crate) fn has_checked(&self, part: Part) -> bool {
        self.checks.iter().any(|check| check.part == part && check.outcome == Outcome::Checked)
    }

    /// Whether something failed, or something required, contents aside, was not checked.
    pub(crate) fn fall_short(&self, require: &BTreeSet<Requirement>) -> bool {
        self.failures > 0
            || require.iter().filter(|requirement| **requirement != Requirement::Contents).any(
                |requirement| {
                    let part = requirement.part();
                    !self.checks.iter().any(|check| check.part == part && check.outcome == Outcome::Checked)
                },
            )
    }

    /// Judges: what was required must stand among the checks as checked, and nothing may have failed.
    pub(crate) fn judge(
        mut self,
        form: Form,
        options: &super::VerifyOptions<'_>,
        verified: Option<Verified>,
    ) -> Verdict {
        super::revocation::examine(verified.as_ref(), options, &mut self);
        for requirement in &options.require {
            let part = requirement.part();
            let checked =
                self.checks.iter().any(|check| check.part == part && check.outcome == Outcome::Checked);
            if !checked {
                self.failed(part, None, format!("{} was required and is not checked", requirement.as_str()));
            }
        }
        if self.failures > MAX_LISTED_FAILURES {
            let more = self.failures - MAX_LISTED_FAILURES;
            let why = format!("{more} more failures are not listed");
            let outcome = Outcome::Failed { why: why.clone() };
            self.checks.push(Check { part: Part::Contents, object: None, outcome, text: why });
        }
        let verified = verified.filter(|_| self.failures == 0);
        if verified.is_none() && self.failures == 0 {
            // Nothing failed and nothing was verified: the verifier itself is at fault; never a success.
            let why = "nothing was verified".to_owned();
            let outcome = Outcome::Failed { why: why.clone() };
            self.checks.push(Check { part: Part::Container, object: None, outcome, text: why });
        }
        Verdict { form, checks: self.checks, verified }
    }
}
