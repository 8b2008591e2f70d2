//! What the check of facts found. Values only.

use crate::schema::Confidence;
use serde::Serialize;

/// How grave a finding is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something essential is missing or cannot be right: the document must not leave like this.
    Missing,
    /// Likely to cause a question or a refusal; an officer may decide to send it all the same.
    Warning,
}

/// One gap or doubt, with the rule it comes from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// The path below `body`, for example `identifiers[2].port`.
    pub field: String,
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, in plain words.
    pub message: String,
    /// What to write instead; empty if the message says it.
    pub hint: String,
    /// The rule that asks for it.
    pub source: String,
    /// How that rule was checked.
    pub confidence: Confidence,
}

/// Whether any finding forbids sending.
#[must_use]
pub fn blocks(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Missing)
}
