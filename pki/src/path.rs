//! From a certificate to an anchor that somebody here trusts.
//!
//! Holds the trust anchors and the validation of paths for signing and for TLS, at an instant that
//! is handed in. Calls the path builder of `webpki`, whose work is bounded, and adds what it leaves
//! out: key usage, the validity of the anchor itself, and the country an anchor speaks for. Never
//! takes an anchor from what is being checked.

mod verdicts;

use crate::certificate::{Certificate, CertificateError, MAX_CHAIN};
use rogatory_core::{CountryCode, Timestamp};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::time::Duration;
use verdicts::Verdicts;
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, RevocationOptions};

/// The most anchors that are read from one text.
const MAX_ANCHORS: usize = 1024;
/// The largest PEM text of anchors, in bytes.
const MAX_ANCHOR_TEXT_BYTES: usize = 8 * 1024 * 1024;

/// A certificate can't be taken as a trust anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// The text or one of its certificates can't be read.
    #[error("the trust anchors can't be read")]
    Certificate(#[source] CertificateError),
    /// Not a certification authority.
    #[error("the certificate of `{subject}` can't be a trust anchor: it is no certification authority's")]
    NotAnAuthority {
        /// The certificate's subject.
        subject: String,
    },
    /// The same authority for two countries.
    #[error("the authority `{subject}` already speaks for {bound} and can't speak for {wanted} too")]
    OtherCountry {
        /// The authority.
        subject: String,
        /// The country it speaks for.
        bound: CountryCode,
        /// The country it was to speak for.
        wanted: CountryCode,
    },
}

/// A certificate does not lead to a trusted anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No anchor was given.
    #[error("no trust anchor was given")]
    NoAnchors,
    /// More certificates than a path can need.
    #[error("{count} certificates accompany the one of `{subject}`, more than the {MAX_CHAIN} that are read")]
    TooManyCertificates {
        /// The leaf's subject.
        subject: String,
        /// How many there are.
        count: usize,
    },
    /// No known anchor issued it, directly or through the given certificates.
    #[error("the certificate of `{subject}` was issued by `{issuer}`, which leads to no trusted anchor")]
    UnknownIssuer {
        /// The leaf's subject.
        subject: String,
        /// The leaf's issuer.
        issuer: String,
    },
    /// Past its validity at the instant in question.
    #[error("the certificate of `{subject}` expired at {not_after}, before {at}")]
    Expired {
        /// Whose certificate.
        subject: String,
        /// Its last instant.
        not_after: Timestamp,
        /// The instant in question.
        at: Timestamp,
    },
    /// Before its validity at the instant in question.
    #[error("the certificate of `{subject}` is valid only from {not_before}, after {at}")]
    NotYetValid {
        /// Whose certificate.
        subject: String,
        /// Its first instant.
        not_before: Timestamp,
        /// The instant in question.
        at: Timestamp,
    },
    /// The leaf is an authority's own certificate.
    #[error(
        "the certificate of `{subject}` is a certification authority's, which neither signs documents nor opens connections"
    )]
    Authority {
        /// The leaf's subject.
        subject: String,
    },
    /// Key usage forbids signing.
    #[error(
        "the certificate of `{subject}` is not meant for signatures: its key usage has neither digitalSignature nor nonRepudiation"
    )]
    KeyUsage {
        /// The leaf's subject.
        subject: String,
    },
    /// Not a time-stamping authority's certificate.
    #[error(
        "the certificate of `{subject}` is not meant for time stamps: its extended key usage must be critical and name timeStamping alone"
    )]
    TimeStamping {
        /// The leaf's subject.
        subject: String,
    },
    /// Extended key usage forbids the purpose.
    #[error(
        "the certificate of `{subject}`, or one of its issuers, was issued for another purpose than {purpose}"
    )]
    Purpose {
        /// The leaf's subject.
        subject: String,
        /// What it was to be used for.
        purpose: &'static str,
    },
    /// A signature in the path is wrong: usually another authority of the same name.
    #[error(
        "the certificate of `{subject}`, or one of its issuers, was not signed by the key of the issuer it names"
    )]
    BadSignature {
        /// The leaf's subject.
        subject: String,
    },
    /// On a revocation list.
    #[error("the certificate of `{subject}`, or one of its issuers, was revoked")]
    Revoked {
        /// The leaf's subject.
        subject: String,
    },
    /// The revocation list is out of date, so nothing can be said.
    #[error(
        "the revocation list for the certificate of `{subject}` has run out; the authority's newest list is needed"
    )]
    RevocationListExpired {
        /// The leaf's subject.
        subject: String,
    },
    /// No revocation list tells of a certificate of the path.
    #[error("no revocation list tells of the certificate of `{subject}`, or of one of its issuers")]
    UnknownRevocation {
        /// The leaf's subject.
        subject: String,
    },
    /// A name constraint of an issuer forbids a name of the certificate.
    #[error("an issuer of the certificate of `{subject}` may not issue for the names in it")]
    NameConstraint {
        /// The leaf's subject.
        subject: String,
    },
    /// A critical extension that is not understood.
    #[error(
        "the certificate of `{subject}`, or one of its issuers, has a critical extension that is not understood"
    )]
    CriticalExtension {
        /// The leaf's subject.
        subject: String,
    },
    /// An algorithm that is not accepted.
    #[error(
        "the certificate of `{subject}`, or one of its issuers, is signed by an algorithm that is not accepted"
    )]
    Algorithm {
        /// The leaf's subject.
        subject: String,
    },
    /// The search was given up.
    #[error("the certificates around `{subject}` are too tangled to find a path")]
    TooComplex {
        /// The leaf's subject.
        subject: String,
    },
    /// Anything else that the path builder objects to.
    #[error("the path from the certificate of `{subject}` to an anchor is invalid: {reason}")]
    Invalid {
        /// The leaf's subject.
        subject: String,
        /// The path builder's word for it.
        reason: String,
    },
}

/// A trust anchor and the country it speaks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    certificate: Certificate,
    country: Option<CountryCode>,
}

impl Anchor {
    /// The authority's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The country it speaks for; none if it was given on the command line.
    #[must_use]
    pub const fn country(&self) -> Option<CountryCode> {
        self.country
    }
}

/// The authorities that somebody here has decided to trust.
#[derive(Clone, Default, Debug)]
pub struct Anchors {
    anchors: Vec<Anchor>,
    /// In the same order as `anchors`.
    roots: Vec<TrustAnchor<'static>>,
    /// What was found valid under exactly these anchors.
    verdicts: Verdicts,
}

/// A path that led to an anchor; only [`Anchors`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ValidatedPath {
    leaf: Certificate,
    intermediates: Vec<Certificate>,
    anchor: Certificate,
    country: Option<CountryCode>,
    at: Timestamp,
}

impl ValidatedPath {
    /// The certificate that was validated.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The issuers between the leaf and the anchor, from the leaf upwards.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// The anchor it led to.
    #[must_use]
    pub const fn anchor(&self) -> &Certificate {
        &self.anchor
    }

    /// The country the anchor speaks for, if it is bound to one.
    #[must_use]
    pub const fn country(&self) -> Option<CountryCode> {
        self.country
    }

    /// The instant for which the path is valid.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// The path below the anchor, the leaf first: what a canonical signature embeds.
    pub fn below_anchor(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(&self.leaf).chain(&self.intermediates)
    }
}

impl Anchors {
    /// No anchors.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads anchors from PEM, all for `country`; `None` for anchors a person names to check one file.
    ///
    /// # Errors
    /// [`AnchorError`] if the text can't be read or holds a certificate that is no authority's.
    pub fn from_pem(text: &str, country: Option<CountryCode>) -> Result<Self, AnchorError> {
        if text.len() > MAX_ANCHOR_TEXT_BYTES {
            return Err(AnchorError::Certificate(CertificateError::TooMany { limit: MAX_ANCHORS }));
        }
        let mut anchors = Self::new();
        for certificate in Certificate::from_pem_text(text, MAX_ANCHORS).map_err(AnchorError::Certificate)? {
            anchors.add(certificate, country)?;
        }
        Ok(anchors)
    }

    /// Adds an anchor. An authority (name and key) speaks for one country only; adding it again changes nothing,
    /// except that a country is put where none was.
    ///
    /// # Errors
    /// [`AnchorError::NotAnAuthority`], [`AnchorError::OtherCountry`].
    pub fn add(&mut self, certificate: Certificate, country: Option<CountryCode>) -> Result<(), AnchorError> {
        let not_an_authority = || AnchorError::NotAnAuthority { subject: certificate.subject() };
        if !certificate.may_anchor() {
            return Err(not_an_authority());
        }
        let der = CertificateDer::from(certificate.der());
        let root = webpki::anchor_from_trusted_cert(&der).map_err(|_| not_an_authority())?.to_owned();
        // Every entry of one authority, whatever the certificate, must say the same country: a path ends at a name
        // and a key, and a renewed root has both.
        for known in self.anchors.iter_mut().filter(|known| same_authority(&known.certificate, &certificate))
        {
            match (known.country, country) {
                (Some(bound), Some(wanted)) if bound != wanted => {
                    return Err(AnchorError::OtherCountry { subject: certificate.subject(), bound, wanted });
                }
                (None, Some(wanted)) => {
                    known.country = Some(wanted);
                    self.verdicts = Verdicts::default();
                }
                _ => {}
            }
        }
        if self.anchors.iter().any(|known| known.certificate == certificate) {
            return Ok(());
        }
        let country = country.or_else(|| {
            self.anchors.iter().find(|known| same_authority(&known.certificate, &certificate))?.country
        });
        self.anchors.push(Anchor { certificate, country });
        self.roots.push(root);
        self.verdicts = Verdicts::default();
        Ok(())
    }

    /// Adds all of `others`.
    ///
    /// # Errors
    /// [`AnchorError::OtherCountry`].
    pub fn extend(&mut self, others: &Self) -> Result<(), AnchorError> {
        for anchor in others.iter() {
            self.add(anchor.certificate.clone(), anchor.country)?;
        }
        Ok(())
    }

    /// Whether there is no anchor.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// How many anchors there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.anchors.len()
    }

    /// The anchors in the order in which they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Anchor> {
        self.anchors.iter()
    }

    /// Only the anchors that speak for `country`.
    #[must_use]
    pub fn of_country(&self, country: CountryCode) -> Self {
        let (anchors, roots) = std::iter::zip(&self.anchors, &self.roots)
            .filter(|(anchor, _)| anchor.country == Some(country))
            .map(|(anchor, root)| (anchor.clone(), root.clone()))
            .unzip();
        Self { anchors, roots, verdicts: Verdicts::default() }
    }

    pub(crate) fn roots(&self) -> &[TrustAnchor<'static>] {
        &self.roots
    }

    /// Validates the path of a certificate that signed a document, at the instant `at`.
    ///
    /// `others` are certificates that came with it, in any order; they help to build the path and are
    /// trusted for nothing. The leaf must not be an authority's, and its key usage, if it has one, must have
    /// digitalSignature or nonRepudiation. National PKIs disagree about extended key usage for signatures (none,
    /// emailProtection, clientAuth, documentSigning, a vendor's own), so any is accepted, unless *all* the purposes
    /// named are those of machines that sign for others: serverAuth, codeSigning, timeStamping, OCSPSigning.
    /// Revocation is a question of its own: [`crate::revocation::RevocationLists::check`]. A path that was found valid is not built
    /// again for the same certificates while all of it stays valid.
    ///
    /// # Errors
    /// [`PathError`].
    pub fn validate_signing(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        at: Timestamp,
    ) -> Result<ValidatedPath, PathError> {
        if !leaf.may_sign_documents() {
            return Err(PathError::KeyUsage { subject: leaf.subject() });
        }
        if let Some(path) = self.verdicts.find(leaf, others, at) {
            return Ok(path);
        }
        let path = self.validate(leaf, others, at, Purpose::Signing, None)?;
        self.verdicts.keep(leaf, others, &path);
        Ok(path)
    }

    /// Validates the path of a time-stamping authority's certificate at the instant `at`, which is the one it stamped.
    ///
    /// `others` as in [`Anchors::validate_signing`]. Extended key usage of the leaf must be critical and name
    /// timeStamping alone; an issuer's, if it has one, must name it too.
    ///
    /// # Errors
    /// [`PathError`].
    ///
    /// # Source
    /// RFC 3161, 2.3.
    pub fn validate_time_stamping(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        at: Timestamp,
    ) -> Result<ValidatedPath, PathError> {
        if !leaf.may_stamp_time() {
            return Err(PathError::TimeStamping { subject: leaf.subject() });
        }
        self.validate(leaf, others, at, Purpose::TimeStamping, None)
    }

    /// Validates the path of `leaf` for `purpose`; with `revocation`, the lists in it are asked on the way.
    pub(crate) fn validate(
        &self,
        leaf: &Certificate,
        others: &[Certificate],
        at: Timestamp,
        purpose: Purpose,
        revocation: Option<RevocationOptions<'_>>,
    ) -> Result<ValidatedPath, PathError> {
        if self.is_empty() {
            return Err(PathError::NoAnchors);
        }
        if leaf.is_authority() {
            return Err(PathError::Authority { subject: leaf.subject() });
        }
        if others.len() > MAX_CHAIN {
            return Err(PathError::TooManyCertificates { subject: leaf.subject(), count: others.len() });
        }
        let time = unix_time(at).ok_or_else(|| PathError::NotYetValid {
            subject: leaf.subject(),
            not_before: leaf.not_before(),
            at,
        })?;
        let leaf_der = CertificateDer::from(leaf.der());
        let issuers: Vec<&Certificate> =
            others.iter().filter(|other| other.may_issue() && !other.is_self_signed()).collect();
        let issuer_ders: Vec<CertificateDer<'_>> =
            issuers.iter().map(|issuer| CertificateDer::from(issuer.der())).collect();
        let explain = |error| path_error(error, leaf, &issuers, at, purpose);
        let end_entity = EndEntityCert::try_from(&leaf_der).map_err(explain)?;
        let verified = end_entity
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &self.roots,
                &issuer_ders,
                time,
                purpose,
                revocation,
                None,
            )
            .map_err(explain)?;
        let invalid =
            || PathError::Invalid { subject: leaf.subject(), reason: "the path is incomplete".to_owned() };
        let position =
            self.roots.iter().position(|root| std::ptr::eq(root, verified.anchor())).ok_or_else(invalid)?;
        let anchor = self.anchors.get(position).ok_or_else(invalid)?;
        let intermediates: Vec<Certificate> = verified
            .intermediate_certificates()
            .map(|used| {
                let der = used.der();
                issuers.iter().find(|issuer| issuer.der() == der.as_ref()).map(|issuer| (*issuer).clone())
            })
            .collect::<Option<_>>()
            .ok_or_else(invalid)?;
        // The path builder takes an anchor for a bare key; `openssl verify` and we hold it to its dates.
        let anchor = self.living_anchor(anchor, at)?;
        Ok(ValidatedPath {
            leaf: leaf.clone(),
            intermediates,
            anchor: anchor.certificate.clone(),
            country: anchor.country,
            at,
        })
    }

    /// Of the certificates of `anchor`'s authority the one that is valid at `at`.
    fn living_anchor<'a>(&'a self, anchor: &'a Anchor, at: Timestamp) -> Result<&'a Anchor, PathError> {
        let lives = |anchor: &Anchor| {
            anchor.certificate.not_before() <= at && at <= last_instant(&anchor.certificate)
        };
        if lives(anchor) {
            return Ok(anchor);
        }
        let certificate = &anchor.certificate;
        self.anchors
            .iter()
            .find(|other| same_authority(&other.certificate, certificate) && lives(other))
            .ok_or_else(|| dates_error(certificate, at))
    }
}

/// What a certificate is to be used for, and which extended key usage that needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// A signature under a document.
    Signing,
    /// The calling side of a TLS connection.
    TlsClient,
    /// The called side of a TLS connection.
    TlsServer,
    /// The signature under a time stamp.
    TimeStamping,
    /// A path whose purpose was judged before.
    Unchecked,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing documents",
            Self::TlsClient => "calling other servers (clientAuth)",
            Self::TlsServer => "serving connections (serverAuth)",
            Self::TimeStamping => "stamping time (timeStamping)",
            Self::Unchecked => "anything",
        }
    }
}

const SERVER_AUTH: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 1]);
const CLIENT_AUTH: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 2]);
const CODE_SIGNING: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 3]);
const TIME_STAMPING: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 8]);
const OCSP_SIGNING: KeyPurposeId<'static> = KeyPurposeId::new(&[0x2b, 6, 1, 5, 5, 7, 3, 9]);

impl ExtendedKeyUsageValidator for Purpose {
    /// Called for the leaf and for every issuer below the anchor; an absent extension allows everything.
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let (mut any, mut allowed) = (false, false);
        for purpose in purposes {
            let purpose = purpose?;
            any = true;
            allowed |= match self {
                Self::Signing => ![SERVER_AUTH, CODE_SIGNING, TIME_STAMPING, OCSP_SIGNING].contains(&purpose),
                Self::TlsClient => purpose == CLIENT_AUTH,
                Self::TlsServer => purpose == SERVER_AUTH,
                Self::TimeStamping => purpose == TIME_STAMPING,
                Self::Unchecked => true,
            };
        }
        if any && !allowed {
            // The detailed variant can't be made outside the path builder; this one says the same.
            #[expect(deprecated, reason = "the context of the successor has no public constructor")]
            return Err(webpki::Error::RequiredEkuNotFound);
        }
        Ok(())
    }
}

/// Whether two certificates are of one authority: the same name and the same key.
fn same_authority(one: &Certificate, other: &Certificate) -> bool {
    one.subject_der() == other.subject_der() && one.spki_der() == other.spki_der()
}

/// The last instant of validity: X.509 counts whole seconds, inclusive.
fn last_instant(certificate: &Certificate) -> Timestamp {
    let not_after = certificate.not_after();
    Timestamp::from_microseconds(not_after.microseconds().saturating_add(999_999)).unwrap_or(not_after)
}

pub(crate) fn unix_time(at: Timestamp) -> Option<UnixTime> {
    let seconds = u64::try_from(at.seconds()).ok()?;
    Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

fn dates_error(certificate: &Certificate, at: Timestamp) -> PathError {
    let subject = certificate.subject();
    if at < certificate.not_before() {
        PathError::NotYetValid { subject, not_before: certificate.not_before(), at }
    } else {
        PathError::Expired { subject, not_after: certificate.not_after(), at }
    }
}

/// Says in our words what the path builder found.
#[expect(deprecated, reason = "the path builder still names some errors by their older variants")]
fn path_error(
    error: webpki::Error,
    leaf: &Certificate,
    issuers: &[&Certificate],
    at: Timestamp,
    purpose: Purpose,
) -> PathError {
    use webpki::Error as E;
    let subject = leaf.subject();
    match error {
        E::UnknownIssuer => PathError::UnknownIssuer { subject, issuer: leaf.issuer() },
        E::CertExpired { .. } | E::CertNotValidYet { .. } => {
            // The error doesn't say which certificate; the leaf is named first, being what the reader can replace.
            let outside =
                |certificate: &Certificate| at < certificate.not_before() || last_instant(certificate) < at;
            let whose = std::iter::once(leaf).chain(issuers.iter().copied()).find(|one| outside(one));
            dates_error(whose.unwrap_or(leaf), at)
        }
        E::CaUsedAsEndEntity => PathError::Authority { subject },
        E::RequiredEkuNotFound | E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
            PathError::Purpose { subject, purpose: purpose.name() }
        }
        E::InvalidSignatureForPublicKey => PathError::BadSignature { subject },
        E::CertRevoked => PathError::Revoked { subject },
        E::UnknownRevocationStatus => PathError::UnknownRevocation { subject },
        E::CrlExpired { .. } => PathError::RevocationListExpired { subject },
        E::NameConstraintViolation => PathError::NameConstraint { subject },
        E::UnsupportedCriticalExtension => PathError::CriticalExtension { subject },
        E::UnsupportedSignatureAlgorithm
        | E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKey
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => PathError::Algorithm { subject },
        E::MaximumNameConstraintComparisonsExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumPathDepthExceeded
        | E::MaximumSignatureChecksExceeded => PathError::TooComplex { subject },
        other => PathError::Invalid { subject, reason: format!("{other:?}") },
    }
}

#[cfg(test)]
mod tests;
