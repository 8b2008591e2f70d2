//! The office that is called, its two doors, and who comes to them.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rogatory_core::{PartyId, Timestamp};
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use rogatory_server::config::InstitutionKind;
use rogatory_tests::{Caller, Office, Plan, World};
use std::net::SocketAddr;
use std::time::Duration;
use tonic::transport::Channel;

/// The listeners.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    /// For own officers.
    Office,
    /// For other institutions.
    Peer,
}

impl Door {
    pub(crate) const BOTH: [Self; 2] = [Self::Office, Self::Peer];

    /// The name that stands in logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Peer => "peer",
        }
    }
}

/// `md/central-authority`, which confirmed `gb/central-authority`.
pub(crate) struct House {
    md: Office,
    gb: Office,
    world: World,
}

const OFFICER: &str = "rusu";

impl House {
    pub(crate) async fn new() -> Self {
        let world = World::new();
        let plan = |party, country_ca| Plan {
            party,
            name: "An office",
            kind: InstitutionKind::CentralAuthority,
            country_ca,
            officers: &["rusu=Ion Rusu:operator"],
        };
        let md = world.found(plan("md/central-authority", "ca-md")).await;
        let gb = world.found(plan("gb/central-authority", "ca-gb")).await;
        md.import(OFFICER, &gb).await.expect("a confirmed party");
        Self { md, gb, world }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.md.now()
    }

    /// Moves the clock on.
    pub(crate) fn wait_days(&self, days: i64) {
        self.world.clock.advance_seconds(days * 86_400);
    }

    /// A validity that holds now.
    pub(crate) fn current(&self) -> Validity {
        Validity::days(self.now().plus_seconds(-60), 30).expect("a validity")
    }

    pub(crate) const fn address(&self, door: Door) -> SocketAddr {
        match door {
            Door::Office => self.md.office_address(),
            Door::Peer => self.md.peer_address(),
        }
    }

    pub(crate) fn channel(&self, door: Door, visitor: &Caller) -> Channel {
        visitor.channel(self.address(door), &self.md.anchor_pem())
    }

    /// Who may come to a door: an officer of the called office, and the confirmed peer.
    pub(crate) fn right_visitor(&self, door: Door) -> Caller {
        match door {
            Door::Office => self.md.officer_as_caller(OFFICER),
            Door::Peer => self.gb.as_caller(),
        }
    }

    /// The institution of the right visitor.
    pub(crate) fn party_at(&self, door: Door) -> PartyId {
        match door {
            Door::Office => self.md.party.clone(),
            Door::Peer => self.gb.party.clone(),
        }
    }

    /// The URI in the right visitor's certificate.
    pub(crate) fn uri_at(&self, door: Door) -> String {
        match door {
            Door::Office => self.md.officer(OFFICER).uri(),
            Door::Peer => self.gb.party.uri(),
        }
    }

    /// The authority that vouches for the right visitor.
    pub(crate) fn authority_of(&self, door: Door) -> DevelopmentCa {
        match door {
            Door::Office => self.md.authority(),
            Door::Peer => self.gb.authority(),
        }
    }

    /// The right visitor with a certificate that `authority` issued.
    pub(crate) fn issued_by(
        &self,
        authority: &DevelopmentCa,
        door: Door,
        validity: Validity,
        visitor: Caller,
    ) -> Caller {
        let issued = match door {
            Door::Office => authority.issue_officer_tls(&self.md.officer(OFFICER), "Ion Rusu", validity),
            Door::Peer => {
                authority.issue_institution_tls(&self.gb.party, "An office", &["localhost"], &[], validity)
            }
        };
        visitor.showing_issued(issued.expect("issued"))
    }
}

/// Issues, under `authority`, a TLS certificate for whatever URI: an authority of this product's
/// development kit would refuse another country's.
pub(crate) fn issue_any(authority: &DevelopmentCa, uri: &str, validity: Validity) -> Issued {
    let key_of_authority = KeyPair::from_pem(&authority.key_pem()).expect("a key");
    let mut name = DistinguishedName::new();
    let country = authority.country().as_str().to_ascii_uppercase();
    name.push(DnType::CountryName, DnValue::PrintableString(country.as_str().try_into().expect("letters")));
    let common_name = authority.certificate().subject_common_name().expect("a name");
    name.push(DnType::CommonName, DnValue::Utf8String(common_name));
    let mut of_authority = CertificateParams::default();
    of_authority.distinguished_name = name;
    of_authority.key_identifier_method = KeyIdMethod::Sha256;
    let issuer = Issuer::new(of_authority, key_of_authority);

    let at = |instant: Timestamp| {
        date_time_ymd(1970, 1, 1) + Duration::from_secs(instant.seconds().unsigned_abs())
    };
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Made by hand");
    params.not_before = at(validity.not_before());
    params.not_after = at(validity.not_after());
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::Sha256;
    params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("a URI"))];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() }
}
