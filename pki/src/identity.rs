//! Whom a certificate speaks for: its single `rogatory://` URI.
//!
//! Holds the reading of identities from subject alternative names (FORMATS: identities). Never
//! looks at the subject's name, which any authority may fill as it likes.

use rogatory_core::{CountryCode, OfficerId, PartyId};
use std::fmt;
use std::str::FromStr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// What every identity's URI begins with.
const SCHEME: &str = "rogatory://";

/// An institution or one of its officers, as a TLS certificate names it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Identity {
    /// `rogatory://<country>/<institution>`.
    Institution(PartyId),
    /// `rogatory://<country>/<institution>/officer/<id>`.
    Officer(OfficerId),
}

/// The certificate speaks for nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// No URI among its names.
    #[error(
        "the certificate names nobody: a URI rogatory://<country>/<institution> is expected in its subject alternative names"
    )]
    None,
    /// More than one URI.
    #[error("the certificate has {0} URIs in its subject alternative names where exactly one is expected")]
    Several(usize),
    /// A URI of another kind.
    #[error(
        "`{0}` in the certificate is no identity: rogatory://<country>/<institution> or rogatory://<country>/<institution>/officer/<id> is expected"
    )]
    Unreadable(String),
    /// The extension itself is damaged or stands twice.
    #[error("the certificate's subject alternative names are damaged")]
    Damaged,
}

impl Identity {
    /// The institution: itself, or the officer's.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        match self {
            Self::Institution(party) => party,
            Self::Officer(officer) => officer.party(),
        }
    }

    /// The country whose anchor must vouch for it.
    #[must_use]
    pub const fn country(&self) -> CountryCode {
        self.party().country()
    }

    /// The officer, if it is one.
    #[must_use]
    pub const fn officer(&self) -> Option<&OfficerId> {
        match self {
            Self::Institution(_) => None,
            Self::Officer(officer) => Some(officer),
        }
    }

    /// The URI as it stands in certificates.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("{SCHEME}{self}")
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Institution(party) => party.fmt(f),
            Self::Officer(officer) => officer.fmt(f),
        }
    }
}

impl FromStr for Identity {
    type Err = IdentityError;

    /// Reads a URI; no other spelling of the same identity is accepted.
    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        let unreadable = || IdentityError::Unreadable(crate::distinguished_name::clean(uri));
        let name = uri.strip_prefix(SCHEME).ok_or_else(unreadable)?;
        if name.contains("/officer/") {
            name.parse().map(Self::Officer).map_err(|_| unreadable())
        } else {
            name.parse().map(Self::Institution).map_err(|_| unreadable())
        }
    }
}

/// Reads the identity of a parsed certificate.
pub(crate) fn of(x509: &X509Certificate<'_>) -> Result<Identity, IdentityError> {
    let names =
        x509.subject_alternative_name().map_err(|_| IdentityError::Damaged)?.ok_or(IdentityError::None)?;
    let mut uris = Vec::new();
    for name in &names.value.general_names {
        match name {
            GeneralName::URI(uri) => uris.push(*uri),
            // A name that can't be read could be a second URI to somebody else's eyes.
            GeneralName::Invalid(..) => return Err(IdentityError::Damaged),
            _ => {}
        }
    }
    match uris.as_slice() {
        [] => Err(IdentityError::None),
        [uri] => uri.parse(),
        several => Err(IdentityError::Several(several.len())),
    }
}

#[cfg(test)]
mod tests;
