//! Who is let in after a TLS handshake.
//!
//! Holds the registry (which anchor speaks for which country, which parties are confirmed), the
//! decision for each listener, and the refusals with their stable reasons. The path builder knows
//! no constraints on URIs, so an authority of one country could issue in another's name: that is
//! stopped here, and only here. Never decides what an admitted caller may do.

use crate::certificate::{Certificate, MAX_CHAIN};
use crate::identity::{Identity, IdentityError};
use crate::path::{Anchors, PathError, Purpose, ValidatedPath};
use crate::revocation::RevocationLists;
use rogatory_core::{CountryCode, Digest, OfficerId, PartyId, Timestamp};
use rustls_pki_types::CertificateDer;
use std::collections::BTreeSet;

/// Which door the caller knocked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Listener {
    /// For the institution's own officers.
    Office,
    /// For other institutions.
    Peer,
}

/// The registry can't hold such an anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// It would speak for any country.
    #[error("the authority `{subject}` is bound to no country, so it can't vouch for callers")]
    NoCountry {
        /// The authority.
        subject: String,
    },
}

/// Which authority speaks for which country, and which parties a person has confirmed.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    anchors: Anchors,
    confirmed: BTreeSet<PartyId>,
    revocation: RevocationLists,
}

impl Registry {
    /// Takes the anchors, each bound to its country, and the confirmed parties.
    ///
    /// # Errors
    /// [`RegistryError::NoCountry`] for an anchor without a country.
    pub fn new(
        anchors: Anchors,
        confirmed: impl IntoIterator<Item = PartyId>,
    ) -> Result<Self, RegistryError> {
        if let Some(anchor) = anchors.iter().find(|anchor| anchor.country().is_none()) {
            return Err(RegistryError::NoCountry { subject: anchor.certificate().subject() });
        }
        Ok(Self { anchors, confirmed: confirmed.into_iter().collect(), revocation: RevocationLists::none() })
    }

    /// The same registry with revocation lists, which every admission then asks.
    ///
    /// So a living connection can be judged again after a reload: [`admit`] its chain once more.
    #[must_use]
    pub fn with_revocation(self, revocation: RevocationLists) -> Self {
        Self { revocation, ..self }
    }

    /// The anchors of all countries: what the handshake checks against.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// The revocation lists.
    #[must_use]
    pub const fn revocation(&self) -> &RevocationLists {
        &self.revocation
    }

    /// Whether a person has confirmed `party`.
    #[must_use]
    pub fn confirms(&self, party: &PartyId) -> bool {
        self.confirmed.contains(party)
    }
}

/// A caller or server that was let in; only [`admit`] and [`admit_server`] make one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    identity: Identity,
    path: ValidatedPath,
}

impl Admitted {
    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The institution: itself, or the officer's.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        self.identity.party()
    }

    /// The officer, on the office listener.
    #[must_use]
    pub const fn officer(&self) -> Option<&OfficerId> {
        self.identity.officer()
    }

    /// The certificate that was shown.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        self.path.leaf()
    }

    /// The SHA-256 of that certificate, by which connections are found again.
    #[must_use]
    pub fn certificate_digest(&self) -> Digest {
        self.path.leaf().digest()
    }

    /// The path to the country's anchor.
    #[must_use]
    pub const fn path(&self) -> &ValidatedPath {
        &self.path
    }
}

/// Why a connection is refused. [`Refusal::reason`] is stable, `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No certificate was shown.
    #[error("no certificate was shown")]
    NoClientCertificate,
    /// What was shown is no certificate, or no handshake could be built on it.
    #[error("the certificate that was shown is not acceptable: {what}")]
    BadCertificate {
        /// What is wrong.
        what: String,
    },
    /// The certificate names nobody, or more than one.
    #[error(transparent)]
    NoIdentity(IdentityError),
    /// The certificate leads to no anchor we know.
    #[error("the certificate was issued by an authority that is not known here")]
    UnknownIssuer,
    /// The certificate or one of its issuers expired.
    #[error("the certificate, or one of its issuers, has expired")]
    CertificateExpired,
    /// The certificate or one of its issuers is not valid yet.
    #[error("the certificate, or one of its issuers, is not valid yet")]
    CertificateNotYetValid,
    /// The certificate or one of its issuers was revoked.
    #[error("the certificate, or one of its issuers, was revoked")]
    CertificateRevoked,
    /// The revocation list has run out.
    #[error(
        "the revocation list of the certificate's authority has run out, so nobody of that authority is let in"
    )]
    RevocationListExpired,
    /// A certificate for another use.
    #[error("the certificate was issued for another purpose")]
    WrongPurpose,
    /// The name dialled is not in the server's certificate.
    #[error("the server's certificate is for other names than the one that was dialled")]
    WrongName,
    /// An authority that speaks for another country.
    #[error(
        "`{identity}` is vouched for by an authority of {anchor_country}, which speaks for that country only"
    )]
    OtherCountry {
        /// Who the certificate claims to be.
        identity: Identity,
        /// The country of the anchor it leads to.
        anchor_country: CountryCode,
    },
    /// An officer where institutions call.
    #[error("officer `{0}` called the peer listener, which is for institutions")]
    OfficerOnPeerListener(OfficerId),
    /// An institution where officers call.
    #[error("institution `{0}` called the office listener, which is for this institution's officers")]
    InstitutionOnOfficeListener(PartyId),
    /// Somebody else's officer.
    #[error("officer `{officer}` belongs to another institution than `{own}`")]
    OtherInstitution {
        /// The officer.
        officer: OfficerId,
        /// The institution that was called.
        own: PartyId,
    },
    /// A party that no person here has confirmed.
    #[error("party `{0}` is not confirmed here")]
    UnknownParty(PartyId),
    /// A server that is not the one meant.
    #[error("the server is `{found}`, not `{expected}`")]
    OtherParty {
        /// Who was called.
        expected: PartyId,
        /// Who answered.
        found: Identity,
    },
    /// No TLS 1.3.
    #[error("the other side does not speak TLS 1.3")]
    TlsVersion,
    /// No cipher, key exchange or signature in common.
    #[error("the two sides have no cipher, key agreement or signature algorithm in common")]
    NoCommonAlgorithm,
    /// Not TLS at all.
    #[error("what was received is not TLS")]
    NotTls,
    /// The other side broke off, saying why.
    #[error("the other side broke off the handshake: {what}")]
    RefusedByOtherSide {
        /// In plain words.
        what: String,
    },
    /// The connection broke or stood still.
    #[error("the connection ended during the handshake")]
    Interrupted,
    /// Anything else.
    #[error("the handshake failed: {what}")]
    Handshake {
        /// What the TLS library says.
        what: String,
    },
}

impl Refusal {
    /// Every reason, in the order of the variants.
    pub const REASONS: [&'static str; 21] = [
        "NO_CLIENT_CERTIFICATE",
        "BAD_CERTIFICATE",
        "NO_IDENTITY",
        "UNKNOWN_ISSUER",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_NOT_YET_VALID",
        "CERTIFICATE_REVOKED",
        "REVOCATION_LIST_EXPIRED",
        "WRONG_PURPOSE",
        "WRONG_NAME",
        "OTHER_COUNTRY",
        "OFFICER_ON_PEER_LISTENER",
        "INSTITUTION_ON_OFFICE_LISTENER",
        "OTHER_INSTITUTION",
        "UNKNOWN_PARTY",
        "OTHER_PARTY",
        "TLS_VERSION",
        "NO_COMMON_ALGORITHM",
        "NOT_TLS",
        "REFUSED_BY_OTHER_SIDE",
        "HANDSHAKE_FAILED",
    ];

    /// The stable word for logs and problem reports.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoClientCertificate => "NO_CLIENT_CERTIFICATE",
            Self::BadCertificate { .. } => "BAD_CERTIFICATE",
            Self::NoIdentity(_) => "NO_IDENTITY",
            Self::UnknownIssuer => "UNKNOWN_ISSUER",
            Self::CertificateExpired => "CERTIFICATE_EXPIRED",
            Self::CertificateNotYetValid => "CERTIFICATE_NOT_YET_VALID",
            Self::CertificateRevoked => "CERTIFICATE_REVOKED",
            Self::RevocationListExpired => "REVOCATION_LIST_EXPIRED",
            Self::WrongPurpose => "WRONG_PURPOSE",
            Self::WrongName => "WRONG_NAME",
            Self::OtherCountry { .. } => "OTHER_COUNTRY",
            Self::OfficerOnPeerListener(_) => "OFFICER_ON_PEER_LISTENER",
            Self::InstitutionOnOfficeListener(_) => "INSTITUTION_ON_OFFICE_LISTENER",
            Self::OtherInstitution { .. } => "OTHER_INSTITUTION",
            Self::UnknownParty(_) => "UNKNOWN_PARTY",
            Self::OtherParty { .. } => "OTHER_PARTY",
            Self::TlsVersion => "TLS_VERSION",
            Self::NoCommonAlgorithm => "NO_COMMON_ALGORITHM",
            Self::NotTls => "NOT_TLS",
            Self::RefusedByOtherSide { .. } => "REFUSED_BY_OTHER_SIDE",
            Self::Interrupted | Self::Handshake { .. } => "HANDSHAKE_FAILED",
        }
    }
}

/// Decides whether the caller with `chain` is let in at `listener` of institution `own`.
///
/// At the office listener: an officer of `own`. At the peer listener: a confirmed institution. At both, the
/// certificate must lead to an anchor of the very country in its URI.
///
/// # Errors
/// [`Refusal`], whose reason goes to the log; the caller learns no more than that he is refused.
pub fn admit(
    listener: Listener,
    own: &PartyId,
    chain: Option<&[CertificateDer<'_>]>,
    registry: &Registry,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let admitted = authenticate(chain, registry, Purpose::TlsClient, now)?;
    match (listener, &admitted.identity) {
        (Listener::Office, Identity::Institution(party)) => {
            Err(Refusal::InstitutionOnOfficeListener(party.clone()))
        }
        (Listener::Office, Identity::Officer(officer)) if officer.party() != own => {
            Err(Refusal::OtherInstitution { officer: officer.clone(), own: own.clone() })
        }
        (Listener::Peer, Identity::Officer(officer)) => Err(Refusal::OfficerOnPeerListener(officer.clone())),
        (Listener::Peer, Identity::Institution(party)) if !registry.confirms(party) => {
            Err(Refusal::UnknownParty(party.clone()))
        }
        (Listener::Office, Identity::Officer(_)) | (Listener::Peer, Identity::Institution(_)) => Ok(admitted),
    }
}

/// Decides whether the server with `chain` is the institution `expected`.
///
/// The dialled name was checked by the handshake; here its certificate's URI must be exactly the expected party's and
/// lead to an anchor of that party's country.
///
/// # Errors
/// [`Refusal`].
pub fn admit_server(
    expected: &PartyId,
    chain: Option<&[CertificateDer<'_>]>,
    registry: &Registry,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let admitted = authenticate(chain, registry, Purpose::TlsServer, now)?;
    if admitted.identity == Identity::Institution(expected.clone()) {
        Ok(admitted)
    } else {
        Err(Refusal::OtherParty { expected: expected.clone(), found: admitted.identity })
    }
}

/// Finds out who shows `chain`, and that an anchor of his country vouches for him.
fn authenticate(
    chain: Option<&[CertificateDer<'_>]>,
    registry: &Registry,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let (leaf, others) = chain.and_then(<[_]>::split_first).ok_or(Refusal::NoClientCertificate)?;
    let bad = |what: String| Refusal::BadCertificate { what };
    if others.len() > MAX_CHAIN {
        return Err(bad(format!("{} certificates accompany it", others.len())));
    }
    let read = |der: &CertificateDer<'_>| {
        Certificate::from_der(der.to_vec()).map_err(|error| bad(error.to_string()))
    };
    let leaf = read(leaf)?;
    let others = others.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let identity = leaf.identity().map_err(Refusal::NoIdentity)?;

    let validate = |anchors: &Anchors| {
        let path = anchors.validate(&leaf, &others, now, purpose, None)?;
        // An issuer without a list is not asked about: which lists there are is the operator's configuration.
        registry.revocation.check(&path, now)?;
        Ok(path)
    };
    // Only anchors of the claimed country count.
    let error = match validate(&registry.anchors.of_country(identity.country())) {
        Ok(path) => return Ok(Admitted { identity, path }),
        Err(error) => error,
    };
    // A look at all of them serves only to find the right word for the log.
    Err(match (validate(&registry.anchors), error) {
        (Ok(elsewhere), _) => match elsewhere.country() {
            Some(anchor_country) => Refusal::OtherCountry { identity, anchor_country },
            None => Refusal::UnknownIssuer,
        },
        (Err(everywhere), PathError::NoAnchors | PathError::UnknownIssuer { .. }) => everywhere.into(),
        (Err(_), error) => error.into(),
    })
}

impl From<PathError> for Refusal {
    fn from(error: PathError) -> Self {
        match error {
            // A wrong signature is the mark of another authority that uses a name known here.
            PathError::NoAnchors | PathError::UnknownIssuer { .. } | PathError::BadSignature { .. } => {
                Self::UnknownIssuer
            }
            PathError::Expired { .. } => Self::CertificateExpired,
            PathError::NotYetValid { .. } => Self::CertificateNotYetValid,
            PathError::Revoked { .. } => Self::CertificateRevoked,
            PathError::RevocationListExpired { .. } => Self::RevocationListExpired,
            PathError::Authority { .. } | PathError::KeyUsage { .. } | PathError::Purpose { .. } => {
                Self::WrongPurpose
            }
            other => Self::BadCertificate { what: other.to_string() },
        }
    }
}
