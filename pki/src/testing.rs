//! What the tests of this crate share: fixed instants, authorities, hand-made leaves, and `openssl` as an oracle.

use crate::certificate::Certificate;
use crate::development::{DevelopmentCa, Issued, Validity};
use rcgen::CertificateParams;
use rogatory_core::{Clock, OfficerId, PartyId, Timestamp};
use std::path::Path;
use std::process::{Command, Output};

/// A clock that stands still.
pub(crate) struct Fixed(pub(crate) Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// The instant at which most tests stand.
pub(crate) fn noon() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

/// Two years around [`noon`].
pub(crate) fn two_years() -> Validity {
    Validity::new(at("2025-11-22T00:00:00Z"), at("2027-11-22T00:00:00Z")).expect("a validity")
}

/// A validity that ended before [`noon`].
pub(crate) fn long_past() -> Validity {
    Validity::new(at("2024-01-01T00:00:00Z"), at("2025-01-01T00:00:00Z")).expect("a validity")
}

pub(crate) fn authority(country: &str) -> DevelopmentCa {
    let name = format!("National Authority {}", country.to_uppercase());
    DevelopmentCa::new(country.parse().expect("a country"), &name, two_years()).expect("an authority")
}

pub(crate) fn party(text: &str) -> PartyId {
    text.parse().expect("a party")
}

pub(crate) fn officer(text: &str) -> OfficerId {
    text.parse().expect("an officer")
}

/// The first certificate of what was issued.
pub(crate) fn certificate(issued: &Issued) -> Certificate {
    Certificate::pem_chain(&issued.certificate_pem).expect("a certificate").swap_remove(0)
}

/// A leaf of `md/central-authority` that `change` has changed.
pub(crate) fn leaf(authority: &DevelopmentCa, change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let mut params =
        authority.leaf(&party("md/central-authority"), "Leaf", None, two_years()).expect("parameters");
    change(&mut params);
    authority.issue(&params).expect("a certificate")
}

/// Runs `openssl` in `folder`; `None` where it isn't installed.
pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> Option<Output> {
    Command::new("openssl").args(arguments).current_dir(folder).output().ok()
}

/// Runs `openssl` and wants it to succeed; `false` where it isn't installed.
pub(crate) fn openssl_succeeds(folder: &Path, arguments: &[&str]) -> bool {
    match openssl(folder, arguments) {
        Some(output) => {
            assert!(
                output.status.success(),
                "openssl {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            true
        }
        None => false,
    }
}
