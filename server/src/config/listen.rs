//! `[listen]`: the two listeners, and the address other institutions dial.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// `[listen]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// For own officers.
    pub office: SocketAddr,
    /// For other institutions.
    pub peer: SocketAddr,
    /// `host:port` that other institutions dial, as the party entry says it.
    pub peer_endpoint: String,
}

impl ListenConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError::Section { section: "listen", what: what.to_owned() });
        if self.office == self.peer && self.office.port() != 0 {
            return wrong("`office` and `peer` must be two addresses: their audiences never mix");
        }
        match self.peer_endpoint.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(()),
            _ => wrong("`peer_endpoint` must be host:port, for example `rogatory.justice.example:7444`"),
        }
    }
}
