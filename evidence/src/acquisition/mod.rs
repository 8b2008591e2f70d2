//! How an exhibit came to be: who acquired it, when, from what, with which tool.
//!
//! Holds the member `acquisition` of a record, its rules and its limits, and the file in which the
//! producer states these facts before sealing. Calls nothing but the JSON reader. Never part of the
//! outer half of a package: the facts stand in the encrypted index alone.
//!
//! Every fact is the producer's word. The one thing that is compared is a SHA-256 of the exhibit.
//! Source of the list: ISO/IEC 27037 and NIST SP 800-86 (who, when, tool, version, method, hash), and
//! the fields of an evidence manifest that follow from them; `docs/reference/acquisition-facts.md`.

mod digests;
mod facts;
pub(crate) mod shared;
mod words;

pub use digests::{DigestAlgorithm, DigestOf, OriginalDigest, OriginalDigestError, Standing};
pub(crate) use facts::{Assigned, Named};
pub use facts::{Facts, FactsError, Statement};
pub use words::{
    Day, Language, Line, MAX_LINE_CHARACTERS, MAX_WORDS_CHARACTERS, MediaType, TimeZone, WordError, Words,
};

use rogatory_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The longest `acquisition` member, written as JSON.
pub const MAX_ACQUISITION_BYTES: usize = 16 * 1024;
/// The most languages, tools and original digests of an exhibit, each.
pub const MAX_FEW: usize = 20;
/// The most account identifiers and transformations of an exhibit, each.
pub const MAX_MANY: usize = 100;

/// The category of the data, as instruments distinguish them.
///
/// Source: Regulation (EU) 2023/1543, Art. 3(9) to 3(12), for the first four; the rest is a proposal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Who a subscriber is and what he subscribed to: Art. 3(9).
    Subscriber,
    /// Requested for the sole purpose of identifying the user: Art. 3(10).
    IdOnly,
    /// The context of a service: Art. 3(11).
    Traffic,
    /// Text, voice, videos, images, sound: Art. 3(12).
    Content,
    /// Of a domain name.
    DomainRegistration,
    /// Traffic data collected while it was sent.
    RealTimeTraffic,
    /// Content intercepted while it was sent.
    RealTimeContent,
    /// Of an account at a bank.
    Bank,
    /// None of these.
    Other,
}

/// How the data were taken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Every sector or cell of a medium.
    PhysicalImage,
    /// The file system of a device, deleted entries perhaps among it.
    FileSystemExtraction,
    /// What the device's own interfaces give.
    LogicalExtraction,
    /// Memory or state of a running system.
    LiveCapture,
    /// Packets on a network.
    NetworkCapture,
    /// What a provider's own system wrote out from its records.
    ProviderExport,
    /// What an account holder's access gives: an interface or a download.
    CloudExport,
    /// A query to a database.
    Query,
    /// Copied as files.
    Copy,
    /// Photographed, filmed or noted by hand from a screen.
    ManualCapture,
    /// None of these; `method_description` says which.
    Other,
}

/// Whether what was asked for is all there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// All that there was.
    Complete,
    /// Not all; `limits` says what is missing.
    Partial,
    /// Nobody knows.
    Unknown,
}

/// The device from which the data were taken. At least one member is given.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDevice {
    /// Its type: mobile phone, server, hard disk.
    #[serde(rename = "type")]
    pub device_type: Option<Line>,
    /// Its maker.
    pub make: Option<Line>,
    /// Its model.
    pub model: Option<Line>,
    /// Its serial number, IMEI or the like.
    pub serial_number: Option<Line>,
}

/// An account whose data these are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountIdentifier {
    /// What kind of identifier: e-mail, telephone number, user name, user id.
    pub kind: Option<Line>,
    /// The identifier.
    pub value: Line,
}

/// The span of time that the data cover. At least one end is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeRange {
    /// The first instant, UTC.
    pub from: Option<Timestamp>,
    /// The last instant, included, UTC.
    pub until: Option<Timestamp>,
}

/// Who acquired the data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcquiredBy {
    /// The person's name or number in service.
    pub name: Line,
    /// The person's organisation.
    pub organisation: Option<Line>,
    /// In what role: first responder, examiner, administrator of the provider.
    pub role: Option<Line>,
}

/// A tool and what it was set to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: Line,
    /// Its version.
    pub version: Option<Line>,
    /// The settings, so that somebody else can do the same again.
    pub settings: Option<Line>,
}

/// What the producer states on the custody of the data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyStatement {
    /// The statement.
    pub text: Words,
    /// Who states it.
    pub name: Line,
    /// In what post.
    pub post: Option<Line>,
    /// On which day.
    pub date: Option<Day>,
}

/// How an exhibit came to be, as its producer states it. At least one member is given.
///
/// # Source
/// ISO/IEC 27037:2012 and NIST SP 800-86; see `docs/reference/acquisition-facts.md` for each member.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Acquisition {
    /// The category of the data.
    pub category: Option<Category>,
    /// The media type of the exhibit.
    pub media_type: Option<MediaType>,
    /// The languages in it.
    pub languages: Vec<Language>,
    /// The system from which the data come: a service, a database, an application.
    pub source_system: Option<Line>,
    /// The source in words: where it was found, in what state.
    pub source_description: Option<Words>,
    /// The device, if there was one.
    pub source_device: Option<SourceDevice>,
    /// Whose data these are.
    pub account_identifiers: Vec<AccountIdentifier>,
    /// The span of time that the data cover.
    pub time_range: Option<TimeRange>,
    /// The zone in which the times inside the exhibit are written.
    pub time_zone: Option<TimeZone>,
    /// Who acquired it.
    pub acquired_by: Option<AcquiredBy>,
    /// When, UTC.
    pub acquired_time: Option<Timestamp>,
    /// On what legal order, by its name and number.
    pub legal_basis: Option<Line>,
    /// How.
    pub method: Option<Method>,
    /// How, in words.
    pub method_description: Option<Words>,
    /// With what.
    pub tools: Vec<Tool>,
    /// What was done to the data before sealing, in order: filtered, decoded, redacted, converted.
    pub transformations: Vec<Line>,
    /// Whether all is there.
    pub completeness: Option<Completeness>,
    /// What is missing, and what the data can't show.
    pub limits: Option<Words>,
    /// Whether it may hold what is privileged: of a lawyer, a doctor, a journalist.
    pub privileged: Option<bool>,
    /// Whether it shows or names a victim.
    pub victim: Option<bool>,
    /// Digests of the original.
    pub original_digests: Vec<OriginalDigest>,
    /// What the producer states on custody.
    pub custody_statement: Option<CustodyStatement>,
}

impl Acquisition {
    /// Whether nothing is stated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// This statement where it says something, `general` where it doesn't.
    #[must_use]
    pub fn over(&self, general: &Self) -> Self {
        fn one<T: Clone>(own: &Option<T>, general: &Option<T>) -> Option<T> {
            own.as_ref().or(general.as_ref()).cloned()
        }
        fn many<T: Clone>(own: &[T], general: &[T]) -> Vec<T> {
            if own.is_empty() { general.to_vec() } else { own.to_vec() }
        }
        Self {
            category: one(&self.category, &general.category),
            media_type: one(&self.media_type, &general.media_type),
            languages: many(&self.languages, &general.languages),
            source_system: one(&self.source_system, &general.source_system),
            source_description: one(&self.source_description, &general.source_description),
            source_device: one(&self.source_device, &general.source_device),
            account_identifiers: many(&self.account_identifiers, &general.account_identifiers),
            time_range: one(&self.time_range, &general.time_range),
            time_zone: one(&self.time_zone, &general.time_zone),
            acquired_by: one(&self.acquired_by, &general.acquired_by),
            acquired_time: one(&self.acquired_time, &general.acquired_time),
            legal_basis: one(&self.legal_basis, &general.legal_basis),
            method: one(&self.method, &general.method),
            method_description: one(&self.method_description, &general.method_description),
            tools: many(&self.tools, &general.tools),
            transformations: many(&self.transformations, &general.transformations),
            completeness: one(&self.completeness, &general.completeness),
            limits: one(&self.limits, &general.limits),
            privileged: one(&self.privileged, &general.privileged),
            victim: one(&self.victim, &general.victim),
            original_digests: many(&self.original_digests, &general.original_digests),
            custody_statement: one(&self.custody_statement, &general.custody_statement),
        }
    }

    /// Checks what single values can't show: numbers, order, size.
    ///
    /// # Errors
    /// The rule that is broken, in words, naming the member.
    pub fn check(&self) -> Result<(), String> {
        if self.is_empty() {
            return Err("the acquisition facts say nothing; leave them out instead".to_owned());
        }
        for (name, count, limit) in [
            ("languages", self.languages.len(), MAX_FEW),
            ("tools", self.tools.len(), MAX_FEW),
            ("original_digests", self.original_digests.len(), MAX_FEW),
            ("account_identifiers", self.account_identifiers.len(), MAX_MANY),
            ("transformations", self.transformations.len(), MAX_MANY),
        ] {
            if count > limit {
                return Err(format!("`{name}` has {count} entries, and {limit} are the most"));
            }
        }
        if self.source_device.as_ref().is_some_and(|device| *device == SourceDevice::default()) {
            return Err("`source_device` says nothing; give type, make, model or serial_number".to_owned());
        }
        match self.time_range {
            Some(TimeRange { from: None, until: None }) => {
                return Err("`time_range` says nothing; give from, until or both".to_owned());
            }
            Some(TimeRange { from: Some(from), until: Some(until) }) if from > until => {
                return Err(format!("`time_range` ends on {until}, before it begins on {from}"));
            }
            _ => {}
        }
        let mut seen = HashSet::new();
        for digest in &self.original_digests {
            if !seen.insert((digest.of(), digest.algorithm())) {
                let name = digest.algorithm().name();
                return Err(format!("`original_digests` gives two {name} digests of the same thing"));
            }
        }
        let size = serde_json::to_vec(self).map_err(|error| error.to_string())?.len();
        if size > MAX_ACQUISITION_BYTES {
            return Err(format!(
                "the acquisition facts have {size} bytes, and {MAX_ACQUISITION_BYTES} are the most for an exhibit"
            ));
        }
        Ok(())
    }

    /// Checks what is stated against an exhibit's record.
    ///
    /// # Errors
    /// The rule that is broken, in words.
    pub(crate) fn check_against(&self, sha256: &Digest, is_folder: bool) -> Result<(), String> {
        if is_folder && self.states_digest_of_exhibit() {
            return Err("a folder has no digest of its own among `original_digests`".to_owned());
        }
        match self.original_digests.iter().find(|digest| digest.contradicts(sha256)) {
            Some(digest) => Err(format!(
                "the producer states the SHA-256 {}, and the exhibit has {sha256}",
                digest.value()
            )),
            None => Ok(()),
        }
    }

    pub(crate) fn states_digest_of_exhibit(&self) -> bool {
        self.original_digests.iter().any(|digest| digest.of() == DigestOf::Exhibit)
    }

    /// The facts for a person, as label and text, in their order.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        let mut say = |label: &'static str, text: Option<String>| {
            lines.extend(text.filter(|text| !text.is_empty()).map(|text| (label, text)));
        };
        fn shown<T: ToString>(value: &Option<T>) -> Option<String> {
            value.as_ref().map(ToString::to_string)
        }
        fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a Line>>) -> String {
            parts.into_iter().flatten().map(Line::as_str).collect::<Vec<_>>().join(", ")
        }
        say("category", code(&self.category));
        say("media type", shown(&self.media_type));
        say("languages", Some(self.languages.iter().map(Language::as_str).collect::<Vec<_>>().join(", ")));
        say("source system", shown(&self.source_system));
        say("source", shown(&self.source_description));
        say(
            "source device",
            self.source_device.as_ref().map(|device| {
                joined([
                    device.device_type.as_ref(),
                    device.make.as_ref(),
                    device.model.as_ref(),
                    device.serial_number.as_ref(),
                ])
            }),
        );
        for account in &self.account_identifiers {
            let kind = account.kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
            say("account", Some(format!("{}{kind}", account.value)));
        }
        say("covers", self.time_range.as_ref().map(TimeRange::to_string));
        say("times inside are in", shown(&self.time_zone));
        say(
            "acquired by",
            self.acquired_by
                .as_ref()
                .map(|who| joined([Some(&who.name), who.organisation.as_ref(), who.role.as_ref()])),
        );
        say("acquired on", shown(&self.acquired_time));
        say("legal basis", shown(&self.legal_basis));
        say("method", code(&self.method));
        say("method in words", shown(&self.method_description));
        for tool in &self.tools {
            say("tool", Some(joined([Some(&tool.name), tool.version.as_ref(), tool.settings.as_ref()])));
        }
        for step in &self.transformations {
            say("transformation", Some(step.to_string()));
        }
        say("completeness", code(&self.completeness));
        say("limits", shown(&self.limits));
        say("privileged", self.privileged.map(yes_or_no));
        say("victim", self.victim.map(yes_or_no));
        for digest in &self.original_digests {
            say("original digest", Some(digest.to_string()));
        }
        if let Some(statement) = &self.custody_statement {
            let date = statement.date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
            let who = joined([Some(&statement.name), statement.post.as_ref()]);
            say("custody statement", Some(format!("{} ({who}{date})", statement.text)));
        }
        lines
    }
}

impl std::fmt::Display for TimeRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.until) {
            (Some(from), Some(until)) => write!(f, "{from} to {until}"),
            (Some(from), None) => write!(f, "{from} and later"),
            (None, Some(until)) => write!(f, "until {until}"),
            (None, None) => Ok(()),
        }
    }
}

fn yes_or_no(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

/// The code of an enumeration as it stands in the record.
pub(crate) fn code<T: Serialize>(value: &Option<T>) -> Option<String> {
    let written = serde_json::to_value(value.as_ref()?).ok()?;
    written.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests;
