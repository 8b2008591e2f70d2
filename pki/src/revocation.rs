//! Certificate revocation lists.
//!
//! Holds the lists and the question whether a validated path stands on one. Never fetches a list
//! and never decides what an unanswered question means: the caller prints it or refuses.

use crate::path::{Anchors, PathError, Purpose, ValidatedPath};
use rogatory_core::Timestamp;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::sync::Arc;
use webpki::{
    CertRevocationList, ExpirationPolicy, OwnedCertRevocationList, RevocationCheckDepth, RevocationOptions,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};

/// The largest file of revocation lists that is read, in bytes.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;
/// The most lists that are kept.
const MAX_LISTS: usize = 1024;

/// The bytes are no revocation list we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationListError {
    /// Not a CRL, or of a kind that isn't read (delta, indirect).
    #[error("the revocation list can't be read: {reason}")]
    Malformed {
        /// What the reader says.
        reason: String,
    },
    /// No list in the file.
    #[error("the file holds no revocation list: DER, or PEM with `-----BEGIN X509 CRL-----`, is expected")]
    NoList,
    /// Too long or too many.
    #[error("the revocation lists are larger or more than are read")]
    TooMany,
}

/// What the lists say of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revocation {
    /// No list covers the leaf's issuer.
    NotChecked,
    /// A list in force covers the leaf's issuer, and no list names a certificate of the path.
    Good,
    /// A certificate of the path was revoked, but only after the instant for which the path is judged.
    RevokedLater {
        /// When: the earliest date that a list gives.
        revoked: Timestamp,
    },
}

/// The revocation lists somebody here has obtained.
#[derive(Clone, Default)]
pub struct RevocationLists {
    lists: Vec<List>,
}

#[derive(Clone)]
struct List {
    der: Vec<u8>,
    parsed: Arc<CertRevocationList<'static>>,
}

impl fmt::Debug for RevocationLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationLists({})", self.lists.len())
    }
}

impl RevocationLists {
    /// No lists.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds the list or lists of one file: a DER list, or PEM with any number of them.
    ///
    /// # Errors
    /// [`RevocationListError`].
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), RevocationListError> {
        if bytes.len() > MAX_LIST_BYTES {
            return Err(RevocationListError::TooMany);
        }
        // A DER list is a SEQUENCE.
        if bytes.first() == Some(&0x30) {
            return self.add_der(bytes);
        }
        let before = self.lists.len();
        for list in CertificateRevocationListDer::pem_slice_iter(bytes) {
            let list = list.map_err(|error| RevocationListError::Malformed { reason: error.to_string() })?;
            self.add_der(&list)?;
        }
        if self.lists.len() == before { Err(RevocationListError::NoList) } else { Ok(()) }
    }

    fn add_der(&mut self, der: &[u8]) -> Result<(), RevocationListError> {
        if self.lists.len() >= MAX_LISTS {
            return Err(RevocationListError::TooMany);
        }
        let parsed = OwnedCertRevocationList::from_der(der)
            .map_err(|error| RevocationListError::Malformed { reason: format!("{error:?}") })?;
        self.lists.push(List { der: der.to_vec(), parsed: Arc::new(parsed.into()) });
        Ok(())
    }

    /// Whether there is no list.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// How many lists there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.lists.len()
    }

    /// Asks the lists about every certificate of `path`, with lists in force at `at`.
    ///
    /// A certificate that was revoked counts as revoked at every instant, because a list doesn't say reliably since
    /// when a stolen key was misused.
    ///
    /// # Errors
    /// [`PathError::Revoked`], or [`PathError::RevocationListExpired`] if the list that would tell has run out.
    pub fn check(&self, path: &ValidatedPath, at: Timestamp) -> Result<Revocation, PathError> {
        let issuer = path.leaf().issuer_der();
        let covered = self.lists.iter().any(|list| same_name(list.parsed.issuer(), issuer));
        if self.is_empty() {
            return Ok(Revocation::NotChecked);
        }
        let mut anchors = Anchors::new();
        anchors.add(path.anchor().clone(), path.country()).map_err(|error| PathError::Invalid {
            subject: path.leaf().subject(),
            reason: error.to_string(),
        })?;
        // The lists are asked while a path is built, so it is built once more; its purpose was judged before.
        anchors.validate(path.leaf(), path.intermediates(), at, Purpose::Unchecked, self)?;
        Ok(if covered { Revocation::Good } else { Revocation::NotChecked })
    }

    /// Asks the lists about a path of which it is proven that it was used at the instant `proven`: a revocation that
    /// came later does not touch it, be it by the date of the revocation or, if a list gives one, by the earlier date
    /// from which the certificate is not to be relied on.
    ///
    /// # Errors
    /// As [`RevocationLists::check`]; [`PathError::Revoked`] for a revocation at `proven` or before.
    pub fn check_proven(&self, path: &ValidatedPath, proven: Timestamp) -> Result<Revocation, PathError> {
        match self.check(path, proven) {
            Err(PathError::Revoked { subject }) => match self.earliest_revocation(path) {
                Some(revoked) if revoked > proven => Ok(Revocation::RevokedLater { revoked }),
                _ => Err(PathError::Revoked { subject }),
            },
            other => other,
        }
    }

    /// The earliest date that any list of a certificate's issuer gives for a certificate of the path. The lists were
    /// found authentic before; of another one an earlier date would only make the answer stricter.
    fn earliest_revocation(&self, path: &ValidatedPath) -> Option<Timestamp> {
        let mut earliest: Option<Timestamp> = None;
        for certificate in path.below_anchor() {
            let own =
                self.lists.iter().filter(|list| same_name(list.parsed.issuer(), certificate.issuer_der()));
            for list in own {
                // A serial number stands in the list as it does in the certificate, or without a zero in front.
                let serial = certificate.serial();
                let bare = serial.strip_prefix(&[0]).unwrap_or(serial);
                let found =
                    [serial, bare].into_iter().find_map(|serial| list.parsed.find_serial(serial).ok()?);
                let Some(revoked) = found else { continue };
                let dates = [Some(revoked.revocation_date), revoked.invalidity_date];
                for date in dates.into_iter().flatten() {
                    let date = Timestamp::from_seconds(i64::try_from(date.as_secs()).ok()?).ok()?;
                    earliest = Some(earliest.map_or(date, |before| before.min(date)));
                }
            }
        }
        earliest
    }

    pub(crate) fn ders(&self) -> impl Iterator<Item = CertificateRevocationListDer<'static>> + '_ {
        self.lists.iter().map(|list| CertificateRevocationListDer::from(list.der.clone()))
    }

    pub(crate) fn parsed(&self) -> Vec<&CertRevocationList<'static>> {
        self.lists.iter().map(|list| list.parsed.as_ref()).collect()
    }

    /// How `lists` are asked: the whole path, lists in force only; an issuer without a list is not asked about.
    ///
    /// Which issuers have lists is the operator's configuration, so a caller can't make his go missing.
    pub(crate) fn options<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
        let options = RevocationOptionsBuilder::new(lists).ok()?;
        Some(
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Allow)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build(),
        )
    }
}

/// Whether the content of a Name (as the list's reader gives it) is that of the whole `name`.
fn same_name(content: &[u8], name: &[u8]) -> bool {
    name.ends_with(content) && name.len().saturating_sub(content.len()) <= 5
}

#[cfg(test)]
mod tests;
