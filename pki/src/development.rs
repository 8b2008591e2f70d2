//! A throw-away national authority for development, demonstrations and tests.
//!
//! Holds a root and the issuing of every kind of certificate the product uses: an institution's
//! TLS certificate and seal, an officer's TLS and signing certificate. All keys are ECDSA P-256,
//! drawn here by the cryptographic library; validity is handed in. Never for real use: nothing
//! guards the root's key, and no list of what was issued is kept.

use crate::certificate::{Certificate, CertificateError};
use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName,
    DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rogatory_core::{CountryCode, OfficerId, PartyId, Timestamp};
use std::net::IpAddr;
use std::ops::{Add, Sub};
use std::time::Duration;

/// The subject's `serialNumber` attribute.
const SERIAL_NUMBER: &[u64] = &[2, 5, 4, 5];

/// extKeyUsage, and its value that names timeStamping alone.
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const TIME_STAMPING_ALONE: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];

/// The development authority can't do that.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// The end is before the beginning.
    #[error("a certificate can't be valid from {not_before} to {not_after}")]
    Validity {
        /// The first instant.
        not_before: Timestamp,
        /// The last instant.
        not_after: Timestamp,
    },
    /// A name that can't stand in a certificate.
    #[error("`{0}` can't stand in a certificate")]
    Name(String),
    /// Another country's party.
    #[error("the authority of {country} does not issue for `{party}`")]
    OtherCountry {
        /// The authority's country.
        country: CountryCode,
        /// The party.
        party: PartyId,
    },
    /// The kept authority can't be read.
    #[error("the development authority's certificate can't be read")]
    Certificate(#[source] CertificateError),
    /// The kept authority's key and certificate don't fit this module.
    #[error("the file is no development authority's: {what}")]
    NotOurs {
        /// What is missing.
        what: &'static str,
    },
    /// The certificate library failed.
    #[error("the certificate could not be made")]
    Making(#[source] rcgen::Error),
    /// The operating system gave no random bytes.
    #[error("no random bytes could be had")]
    Random,
}

/// From when until when a certificate is valid, in whole seconds, both inclusive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Validity {
    /// Takes the first and the last instant.
    ///
    /// # Errors
    /// [`DevelopmentError::Validity`] if the last is not after the first.
    pub fn new(not_before: Timestamp, not_after: Timestamp) -> Result<Self, DevelopmentError> {
        if not_before < not_after {
            Ok(Self { not_before: not_before.whole_seconds(), not_after: not_after.whole_seconds() })
        } else {
            Err(DevelopmentError::Validity { not_before, not_after })
        }
    }

    /// `days` days from `not_before` on.
    ///
    /// # Errors
    /// [`DevelopmentError::Validity`] for no days at all.
    pub fn days(not_before: Timestamp, days: u32) -> Result<Self, DevelopmentError> {
        Self::new(not_before, not_before.plus_seconds(i64::from(days) * 86_400))
    }

    /// The first instant.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last instant.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// A certificate with its key, ready to be written to files. The key is secret.
#[derive(Clone)]
pub struct Issued {
    /// The certificate; for one below an intermediate authority, that authority's follows.
    pub certificate_pem: String,
    /// The key as PKCS#8.
    pub key_pem: String,
}

/// A throw-away national authority.
pub struct DevelopmentCa {
    country: CountryCode,
    certificate: Certificate,
    /// What follows a leaf in its file: this authority's certificate unless it is a root, and those above it.
    above: String,
    issuer: Issuer<'static, KeyPair>,
}

impl DevelopmentCa {
    /// Makes a root for `country`, named `name`.
    ///
    /// # Errors
    /// [`DevelopmentError`] if the name can't stand in a certificate or no key could be made.
    pub fn new(country: CountryCode, name: &str, validity: Validity) -> Result<Self, DevelopmentError> {
        let key = new_key()?;
        let mut params = params(authority_name(country, name)?, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(DevelopmentError::Making)?;
        Ok(Self {
            country,
            certificate: read(&certificate)?,
            above: String::new(),
            issuer: Issuer::new(params, key),
        })
    }

    /// Makes an intermediate authority below this one.
    ///
    /// # Errors
    /// [`DevelopmentError`] as [`DevelopmentCa::new`].
    pub fn intermediate(&self, name: &str, validity: Validity) -> Result<Self, DevelopmentError> {
        let key = new_key()?;
        let mut params = params(authority_name(self.country, name)?, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.signed_by(&key, &self.issuer).map_err(DevelopmentError::Making)?;
        Ok(Self {
            country: self.country,
            certificate: read(&certificate)?,
            above: format!("{}{}", read(&certificate)?.to_pem(), self.above),
            issuer: Issuer::new(params, key),
        })
    }

    /// Takes up a root that was kept as PEM, to issue for a further institution.
    ///
    /// # Errors
    /// [`DevelopmentError`] if the files are no root that [`DevelopmentCa::new`] made.
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, DevelopmentError> {
        let not_ours = |what| DevelopmentError::NotOurs { what };
        let chain = Certificate::pem_chain(certificate_pem).map_err(DevelopmentError::Certificate)?;
        let [certificate] = chain.as_slice() else {
            return Err(not_ours("exactly one certificate is expected"));
        };
        if !certificate.is_self_signed() || !certificate.may_issue() {
            return Err(not_ours("a self-signed authority is expected"));
        }
        let key = KeyPair::from_pem(key_pem).map_err(DevelopmentError::Making)?;
        if rcgen::PublicKeyData::subject_public_key_info(&key) != certificate.spki_der() {
            return Err(not_ours("key and certificate don't belong together"));
        }
        let country = certificate
            .subject()
            .split(", ")
            .find_map(|part| part.strip_prefix("C="))
            .and_then(|country| country.parse().ok())
            .ok_or_else(|| not_ours("its subject names no country"))?;
        let name =
            certificate.subject_common_name().ok_or_else(|| not_ours("its subject has no common name"))?;
        let validity = Validity::new(certificate.not_before(), certificate.not_after())?;
        let params = params(authority_name(country, &name)?, validity)?;
        Ok(Self {
            country,
            certificate: certificate.clone(),
            above: String::new(),
            issuer: Issuer::new(params, key),
        })
    }

    /// The country it speaks for.
    #[must_use]
    pub const fn country(&self) -> CountryCode {
        self.country
    }

    /// Its certificate: the anchor to give to others.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its certificate as PEM.
    #[must_use]
    pub fn certificate_pem(&self) -> String {
        self.certificate.to_pem()
    }

    /// Its key as PKCS#8 PEM. Secret, as far as anything here is.
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Issues an institution's TLS certificate: its URI, the dialled names, for serving and for calling.
    ///
    /// # Errors
    /// [`DevelopmentError`] for another country's party or a name that can't stand in a certificate.
    pub fn issue_institution_tls(
        &self,
        party: &PartyId,
        common_name: &str,
        dns_names: &[&str],
        addresses: &[IpAddr],
        validity: Validity,
    ) -> Result<Issued, DevelopmentError> {
        let mut params = self.leaf(party, common_name, None, validity)?;
        params.subject_alt_names.push(uri(&party.uri())?);
        for name in dns_names {
            let name = (*name).try_into().map_err(|_| DevelopmentError::Name((*name).to_owned()))?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    /// Issues an institution's seal.
    ///
    /// # Errors
    /// [`DevelopmentError`] as [`DevelopmentCa::issue_institution_tls`].
    pub fn issue_seal(
        &self,
        party: &PartyId,
        common_name: &str,
        validity: Validity,
    ) -> Result<Issued, DevelopmentError> {
        let params = self.leaf(party, common_name, None, validity)?;
        self.issue(&signing(params))
    }

    /// Issues an officer's TLS certificate: the officer's URI, for calling only.
    ///
    /// # Errors
    /// [`DevelopmentError`] as [`DevelopmentCa::issue_institution_tls`].
    pub fn issue_officer_tls(
        &self,
        officer: &OfficerId,
        name: &str,
        validity: Validity,
    ) -> Result<Issued, DevelopmentError> {
        let mut params = self.leaf(officer.party(), name, None, validity)?;
        params.subject_alt_names.push(uri(&officer.uri())?);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    /// Issues an officer's signing certificate, as a national PKI would: name and register number, no URI.
    ///
    /// # Errors
    /// [`DevelopmentError`] as [`DevelopmentCa::issue_institution_tls`].
    pub fn issue_officer_signing(
        &self,
        officer: &OfficerId,
        name: &str,
        serial_number: &str,
        validity: Validity,
    ) -> Result<Issued, DevelopmentError> {
        let params = self.leaf(officer.party(), name, Some(serial_number), validity)?;
        self.issue(&signing(params))
    }

    /// Issues the certificate of a time-stamping authority: for time stamps alone, and critically so.
    ///
    /// # Errors
    /// [`DevelopmentError`] as [`DevelopmentCa::new`].
    pub fn issue_time_stamping(
        &self,
        common_name: &str,
        validity: Validity,
    ) -> Result<Issued, DevelopmentError> {
        let mut params = params(authority_name(self.country, common_name)?, validity)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let mut usage = CustomExtension::from_oid_content(EXTENDED_KEY_USAGE, TIME_STAMPING_ALONE.to_vec());
        usage.set_criticality(true);
        params.custom_extensions.push(usage);
        self.issue(&params)
    }

    /// Makes a revocation list (DER) of `revoked`, in force from `this_update` to `next_update`.
    ///
    /// # Errors
    /// [`DevelopmentError::Making`].
    pub fn revocation_list(
        &self,
        revoked: &[&Certificate],
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<Vec<u8>, DevelopmentError> {
        self.issue_list(list(revoked, this_update, next_update))
    }

    /// What every leaf has: subject, validity, serial number, no authority, both key identifiers.
    pub(crate) fn leaf(
        &self,
        party: &PartyId,
        common_name: &str,
        serial_number: Option<&str>,
        validity: Validity,
    ) -> Result<CertificateParams, DevelopmentError> {
        if party.country() != self.country {
            return Err(DevelopmentError::OtherCountry { country: self.country, party: party.clone() });
        }
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CountryName, country_value(self.country)?);
        subject.push(DnType::OrganizationName, party.institution());
        subject.push(DnType::CommonName, common_name_value(common_name)?);
        if let Some(number) = serial_number {
            subject.push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), printable(number)?);
        }
        params(subject, validity)
    }

    pub(crate) fn issue_list(
        &self,
        list: CertificateRevocationListParams,
    ) -> Result<Vec<u8>, DevelopmentError> {
        Ok(list.signed_by(&self.issuer).map_err(DevelopmentError::Making)?.der().to_vec())
    }

    pub(crate) fn issue(&self, params: &CertificateParams) -> Result<Issued, DevelopmentError> {
        self.issue_for(params, &new_key()?)
    }

    /// Issues for a key made elsewhere.
    pub(crate) fn issue_for(
        &self,
        params: &CertificateParams,
        key: &KeyPair,
    ) -> Result<Issued, DevelopmentError> {
        let certificate = params.signed_by(key, &self.issuer).map_err(DevelopmentError::Making)?;
        Ok(Issued {
            certificate_pem: format!("{}{}", read(&certificate)?.to_pem(), self.above),
            key_pem: key.serialize_pem(),
        })
    }
}

/// Adds what `openssl cms -verify` wants of a signing certificate without further options.
fn signing(mut params: CertificateParams) -> CertificateParams {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    params
}

/// A revocation list that tells of everything its issuer issued.
pub(crate) fn list(
    revoked: &[&Certificate],
    this_update: Timestamp,
    next_update: Timestamp,
) -> CertificateRevocationListParams {
    let epoch = date_time_ymd(1970, 1, 1);
    CertificateRevocationListParams {
        this_update: date(epoch, this_update),
        next_update: date(epoch, next_update),
        crl_number: SerialNumber::from_slice(&this_update.seconds().unsigned_abs().to_be_bytes()),
        issuing_distribution_point: None,
        revoked_certs: revoked
            .iter()
            .map(|certificate| RevokedCertParams {
                serial_number: SerialNumber::from_slice(certificate.serial()),
                revocation_time: date(epoch, this_update),
                reason_code: None,
                invalidity_date: None,
            })
            .collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn params(subject: DistinguishedName, validity: Validity) -> Result<CertificateParams, DevelopmentError> {
    let mut params = CertificateParams::default();
    let epoch = date_time_ymd(1970, 1, 1);
    params.distinguished_name = subject;
    params.not_before = date(epoch, validity.not_before);
    params.not_after = date(epoch, validity.not_after);
    params.serial_number = Some(new_serial()?);
    // Said explicitly, basic constraints and the subject key identifier are written for leaves too.
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::Sha256;
    Ok(params)
}

fn authority_name(country: CountryCode, name: &str) -> Result<DistinguishedName, DevelopmentError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, country_value(country)?);
    subject.push(DnType::CommonName, common_name_value(name)?);
    Ok(subject)
}

fn country_value(country: CountryCode) -> Result<DnValue, DevelopmentError> {
    printable(&country.as_str().to_ascii_uppercase())
}

/// A common name: 1 to 64 characters (X.520), none of them control characters.
fn common_name_value(text: &str) -> Result<DnValue, DevelopmentError> {
    if (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        Ok(DnValue::Utf8String(text.to_owned()))
    } else {
        Err(DevelopmentError::Name(text.to_owned()))
    }
}

fn printable(text: &str) -> Result<DnValue, DevelopmentError> {
    if text.is_empty() || text.len() > 64 {
        return Err(DevelopmentError::Name(text.to_owned()));
    }
    text.try_into().map(DnValue::PrintableString).map_err(|_| DevelopmentError::Name(text.to_owned()))
}

fn uri(text: &str) -> Result<SanType, DevelopmentError> {
    text.try_into().map(SanType::URI).map_err(|_| DevelopmentError::Name(text.to_owned()))
}

fn new_key() -> Result<KeyPair, DevelopmentError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(DevelopmentError::Making)
}

/// A random serial number of 16 bytes, positive and never shorter.
fn new_serial() -> Result<SerialNumber, DevelopmentError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| DevelopmentError::Random)?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// The instant `at` in the certificate library's type of date, counted from 1970 in that type; both span the years
/// 0001 to 9999.
fn date<T: Add<Duration, Output = T> + Sub<Duration, Output = T>>(epoch: T, at: Timestamp) -> T {
    let distance = Duration::from_secs(at.seconds().unsigned_abs());
    if at.seconds() < 0 { epoch - distance } else { epoch + distance }
}

fn read(certificate: &rcgen::Certificate) -> Result<Certificate, DevelopmentError> {
    Certificate::from_der(certificate.der().to_vec()).map_err(DevelopmentError::Certificate)
}

#[cfg(test)]
mod tests;
