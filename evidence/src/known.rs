//! The institutions whose seals somebody knows from elsewhere.
//!
//! Holds the comparison of a seal with those that its institution published. Calls nothing. Takes
//! no seal from what is verified: any certificate of a country could otherwise pass for any
//! institution's.

use rogatory_core::party::PartyId;
use rogatory_pki::certificate::Certificate;

/// An institution and the seals that it published, as an entry says that somebody trusts.
#[derive(Clone, Debug)]
pub struct KnownInstitution {
    party: PartyId,
    seals: Vec<Certificate>,
}

/// How a certificate stands to the seals that an institution published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SealStanding {
    /// It is one of them.
    Published,
    /// The institution is known, and published other ones.
    Another,
    /// Nobody said which seals the institution has.
    NotCompared,
}

impl KnownInstitution {
    /// Names an institution with its published seals.
    #[must_use]
    pub const fn new(party: PartyId, seals: Vec<Certificate>) -> Self {
        Self { party, seals }
    }

    /// Who.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        &self.party
    }

    /// Whether `certificate` is one of its seals, byte for byte.
    #[must_use]
    pub fn seals_with(&self, certificate: &Certificate) -> bool {
        self.seals.iter().any(|seal| seal.digest() == certificate.digest())
    }

    fn holds_key_of(&self, certificate: &Certificate) -> bool {
        self.seals.iter().any(|seal| seal.spki_der() == certificate.spki_der())
    }
}

/// Compares `certificate` with the seals of `party` among `known`.
#[must_use]
pub fn seal_standing(known: &[KnownInstitution], party: &PartyId, certificate: &Certificate) -> SealStanding {
    let mut entries = known.iter().filter(|institution| institution.party == *party).peekable();
    if entries.peek().is_none() {
        SealStanding::NotCompared
    } else if entries.any(|institution| institution.seals_with(certificate)) {
        SealStanding::Published
    } else {
        SealStanding::Another
    }
}

/// The institution among `known` that seals with the key of `certificate`.
pub(crate) fn sealing_with<'a>(
    known: &'a [KnownInstitution],
    certificate: &Certificate,
) -> Option<&'a PartyId> {
    known.iter().find(|institution| institution.holds_key_of(certificate)).map(KnownInstitution::party)
}
