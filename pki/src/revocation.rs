//! Certificate revocation lists.
//!
//! Holds the lists and the question whether a validated path stands on one. Never fetches a list
//! and never decides what an unanswered question means: the caller prints it or refuses.

use crate::certificate::Certificate;
use crate::path::{Anchors, PathError, Purpose, ValidatedPath};
use rogatory_core::Timestamp;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject;
use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;
use webpki::{
    CertRevocationList, ExpirationPolicy, OwnedCertRevocationList, RevocationCheckDepth,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::time::ASN1Time;

/// The largest file of revocation lists that is read, and the most that all kept lists have together, in bytes.
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
    #[error(
        "the revocation lists are more than are read: at most {MAX_LISTS} of together {MAX_LIST_BYTES} bytes; leave out those of other issuers"
    )]
    TooMany,
}

/// What the lists say of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Revocation {
    /// Of some certificate of the path no list tells.
    NotChecked,
    /// Of every certificate of the path a list in force tells, and none names one.
    Good,
    /// Of every certificate of the path a list tells; one was revoked, but only after the instant for which the path is
    /// judged.
    RevokedLater {
        /// When: the earliest date that a list gives.
        revoked: Timestamp,
    },
}

/// The revocation lists somebody here has obtained.
#[derive(Clone, Default)]
pub struct RevocationLists {
    lists: Vec<List>,
    /// What all have together.
    size_bytes: usize,
}

#[derive(Clone)]
struct List {
    der: Vec<u8>,
    parsed: Arc<CertRevocationList<'static>>,
    this_update: Timestamp,
}

/// What became of asking each list by itself.
struct Answers<'a> {
    /// The lists that can tell of a certificate of the path.
    telling: Vec<&'a List>,
    /// Whether one of them names a certificate of the path.
    revoked: bool,
    /// Why another list could not be used: it ran out, or another key signed it.
    unusable: Option<PathError>,
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
        let size_bytes = self.size_bytes.saturating_add(der.len());
        if self.lists.len() >= MAX_LISTS || size_bytes > MAX_LIST_BYTES {
            return Err(RevocationListError::TooMany);
        }
        let malformed = |reason: String| RevocationListError::Malformed { reason };
        let parsed =
            OwnedCertRevocationList::from_der(der).map_err(|error| malformed(format!("{error:?}")))?;
        let this_update =
            this_update(der).ok_or_else(|| malformed("it does not say when it was issued".to_owned()))?;
        self.lists.push(List { der: der.to_vec(), parsed: Arc::new(parsed.into()), this_update });
        self.size_bytes = size_bytes;
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
    /// Each list is asked by itself: that one names a certificate counts whatever the others say, and one that ran out
    /// or that another key signed counts only where no other tells. A certificate that was revoked counts as revoked at
    /// every instant, because a list doesn't say reliably since when a stolen key was misused.
    ///
    /// # Errors
    /// [`PathError::Revoked`], or [`PathError::RevocationListExpired`] if the list that would tell has run out.
    pub fn check(&self, path: &ValidatedPath, at: Timestamp) -> Result<Revocation, PathError> {
        let answers = self.ask_each(path, at);
        if answers.revoked {
            return Err(PathError::Revoked { subject: path.leaf().subject() });
        }
        answers.if_complete(path, at, Revocation::Good)
    }

    /// Asks the lists about a path of which it is proven that it was used at the instant `proven`: a revocation that
    /// came later does not touch it, be it by the date of the revocation or, if a list gives one, by the earlier date
    /// from which the certificate is not to be relied on.
    ///
    /// # Errors
    /// As [`RevocationLists::check`]; [`PathError::Revoked`] for a revocation at `proven` or before.
    pub fn check_proven(&self, path: &ValidatedPath, proven: Timestamp) -> Result<Revocation, PathError> {
        let answers = self.ask_each(path, proven);
        if !answers.revoked {
            return answers.if_complete(path, proven, Revocation::Good);
        }
        match self.earliest_revocation(path) {
            Some(revoked) if revoked > proven => {
                answers.if_complete(path, proven, Revocation::RevokedLater { revoked })
            }
            _ => Err(PathError::Revoked { subject: path.leaf().subject() }),
        }
    }

    /// Asks each list of an issuer on the path by itself: of several the path builder reads the first alone.
    fn ask_each(&self, path: &ValidatedPath, at: Timestamp) -> Answers<'_> {
        let mut answers = Answers { telling: Vec::new(), revoked: false, unusable: None };
        for list in self.lists.iter().filter(|list| list.of_path(path).next().is_some()) {
            match ask(path, path.intermediates().len(), at, &[list], UnknownStatusPolicy::Allow) {
                Ok(()) => answers.telling.push(list),
                Err(PathError::Revoked { .. }) => {
                    answers.revoked = true;
                    answers.telling.push(list);
                }
                Err(error) => answers.unusable = answers.unusable.or(Some(error)),
            }
        }
        answers
    }

    /// The earliest date that any list of a certificate's issuer gives for a certificate of the path. One that
    /// was not found authentic can only make the answer stricter.
    fn earliest_revocation(&self, path: &ValidatedPath) -> Option<Timestamp> {
        let mut earliest: Option<Timestamp> = None;
        for certificate in path.below_anchor() {
            for list in self.lists.iter().filter(|list| list.is_of_issuer(certificate)) {
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

    /// The lists, the newest first: the TLS library reads the first alone that tells of a certificate.
    pub(crate) fn ders(&self) -> impl Iterator<Item = CertificateRevocationListDer<'static>> + '_ {
        let mut lists: Vec<&List> = self.lists.iter().collect();
        lists.sort_by_key(|list| Reverse(list.this_update));
        lists.into_iter().map(|list| CertificateRevocationListDer::from(list.der.clone()))
    }
}

impl List {
    fn is_of_issuer(&self, certificate: &Certificate) -> bool {
        same_name(self.parsed.issuer(), certificate.issuer_der())
    }

    /// The certificates of the path of which it could tell, by the name of their issuer.
    fn of_path<'a>(&'a self, path: &'a ValidatedPath) -> impl Iterator<Item = &'a Certificate> {
        path.below_anchor().filter(|certificate| self.is_of_issuer(certificate))
    }

    /// Whether it was issued after a certificate had ended, when its issuer may have left the certificate's revocation out.
    ///
    /// # Source
    /// RFC 5280, 3.3.
    fn is_too_late_for(&self, path: &ValidatedPath) -> bool {
        self.of_path(path).any(|certificate| self.this_update > certificate.not_after())
    }
}

impl Answers<'_> {
    /// The `answer`, if of every certificate of the path a list tells that was issued while the certificate was valid.
    fn if_complete(
        self,
        path: &ValidatedPath,
        at: Timestamp,
        answer: Revocation,
    ) -> Result<Revocation, PathError> {
        let telling: Vec<&List> =
            self.telling.into_iter().filter(|list| !list.is_too_late_for(path)).collect();
        // The path builder goes from the anchor down to the leaf and ends at the first certificate that is revoked. So each
        // issuer is once the anchor: the certificate below it is then the first to be asked about.
        for intermediates in 0..=path.intermediates().len() {
            match ask(path, intermediates, at, &telling, UnknownStatusPolicy::Deny) {
                Ok(()) | Err(PathError::Revoked { .. }) => {}
                Err(PathError::UnknownRevocation { .. }) => {
                    return self.unusable.map_or(Ok(Revocation::NotChecked), Err);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(answer)
    }
}

/// Asks `lists` about the leaf and as many of its intermediate certificates, the next issuer being the anchor. The lists
/// are asked while a path is built, so it is built once more; its purpose was judged before.
fn ask(
    path: &ValidatedPath,
    intermediates: usize,
    at: Timestamp,
    lists: &[&List],
    unknown: UnknownStatusPolicy,
) -> Result<(), PathError> {
    let subject = || path.leaf().subject();
    let invalid = |reason: String| PathError::Invalid { subject: subject(), reason };
    let parsed: Vec<&CertRevocationList<'_>> = lists.iter().map(|list| list.parsed.as_ref()).collect();
    let Ok(options) = RevocationOptionsBuilder::new(&parsed) else {
        return Err(PathError::UnknownRevocation { subject: subject() });
    };
    let options = options
        .with_depth(RevocationCheckDepth::Chain)
        .with_status_policy(unknown)
        .with_expiration_policy(ExpirationPolicy::Enforce)
        .build();
    let anchor = path.intermediates().get(intermediates).unwrap_or_else(|| path.anchor());
    let between = path.intermediates().get(..intermediates).unwrap_or_default();
    let mut anchors = Anchors::new();
    anchors.add(anchor.clone(), path.country()).map_err(|error| invalid(error.to_string()))?;
    anchors.validate(path.leaf(), between, at, Purpose::Unchecked, Some(options)).map(|_| ())
}

/// When a list was issued. The reader of lists doesn't tell; it has found the list well-formed.
///
/// # Source
/// RFC 5280, 5.1: version, algorithm and issuer stand before it.
fn this_update(der: &[u8]) -> Option<Timestamp> {
    let (_, list) = Any::from_der(der).ok()?;
    let (_, signed) = Any::from_der(list.data).ok()?;
    let mut rest = signed.data;
    for _ in 0..3 {
        (rest, _) = Any::from_der(rest).ok()?;
    }
    let (_, time) = ASN1Time::from_der(rest).ok()?;
    Timestamp::from_seconds(time.timestamp()).ok()
}

/// Whether the content of a Name (as the list's reader gives it) is that of the whole `name`.
fn same_name(content: &[u8], name: &[u8]) -> bool {
    name.ends_with(content) && name.len().saturating_sub(content.len()) <= 5
}

#[cfg(test)]
mod tests;
