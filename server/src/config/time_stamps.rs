//! `[time_stamps]`: who proves when something existed.

use super::ConfigError;
use rogatory_container::timestamp::PolicyId;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[time_stamps]`. Without it nothing is stamped; what would be waits until it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeStampsConfig {
    /// Time-stamping authorities (RFC 3161 over HTTP), asked in this order until one answers.
    pub urls: Vec<String>,
    /// PEM of the anchors of their certificates.
    pub anchors: PathBuf,
    /// PEM of the anchors of their web servers, for `https` addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_anchors: Option<PathBuf>,
    /// The only policy under which stamps are taken, as a dotted number; without it any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// A checkpoint of the log is stamped at most once in so many minutes.
    #[serde(default = "checkpoint_minutes")]
    pub checkpoint_minutes: u16,
    /// A stamp that is got after so many minutes is late, and an authority that is unreachable for so long is recorded.
    #[serde(default = "late_minutes")]
    pub late_minutes: u16,
    /// So many days before an authority's certificate ends its stamps are renewed.
    #[serde(default = "renew_days")]
    pub renew_days: u16,
}

const fn checkpoint_minutes() -> u16 {
    5
}

const fn late_minutes() -> u16 {
    15
}

const fn renew_days() -> u16 {
    90
}

impl TimeStampsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |what: String| ConfigError::Section { section: "time_stamps", what };
        if self.urls.is_empty() {
            let what = "`urls` is empty; name an authority, or leave the whole section out";
            return Err(wrong(what.to_owned()));
        }
        for url in &self.urls {
            let uri: Option<http::Uri> = url.parse().ok();
            let scheme = uri.as_ref().and_then(http::Uri::scheme_str);
            if !matches!(scheme, Some("http" | "https")) || uri.as_ref().and_then(http::Uri::host).is_none() {
                return Err(wrong(format!(
                    "`urls`: `{url}` is no address; write http://HOST/PATH or https://…"
                )));
            }
            if scheme == Some("https") && self.tls_anchors.is_none() {
                let what =
                    format!("`{url}` needs `tls_anchors`: the PEM file with the anchors of web servers");
                return Err(wrong(what));
            }
        }
        if self.policy.as_ref().is_some_and(|policy| policy.parse::<PolicyId>().is_err()) {
            return Err(wrong("`policy` must be a dotted number, such as \"1.2.3.4.1\"".to_owned()));
        }
        for (name, value) in [
            ("checkpoint_minutes", self.checkpoint_minutes),
            ("late_minutes", self.late_minutes),
            ("renew_days", self.renew_days),
        ] {
            if value == 0 {
                return Err(wrong(format!("`{name}` must be at least 1")));
            }
        }
        Ok(())
    }
}
