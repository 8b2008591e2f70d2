//! One signature and the person or institution behind it.
//!
//! Holds the look at a detached signature over a manifest and what it tells of the signer. May
//! call the signature verifier. Without anchors it says so and calls it a failure: somebody
//! signed, but nobody vouches for who.

use super::VerifyOptions;
use super::verdict::{Findings, Part};
use crate::known::sealing_with;
use rogatory_container::cades::{self, CadesError, Framing, VerifiedSignature};
use rogatory_core::chain;
use rogatory_core::party::PartyId;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::identity::{Identity, IdentityError};

/// What is known of a signature after the look at it.
pub(crate) enum Examined {
    /// Right, and its certificate leads to an anchor.
    Trusted(Box<VerifiedSignature>),
    /// Right, but nobody vouches for the certificate; a failure was noted.
    Untrusted(Certificate),
    /// Wrong or unreadable; a failure was noted.
    Wrong,
}

impl Examined {
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Trusted(signature) => Some(signature.certificate()),
            Self::Untrusted(certificate) => Some(certificate),
            Self::Wrong => None,
        }
    }

    pub(crate) fn trusted(self) -> Option<VerifiedSignature> {
        match self {
            Self::Trusted(signature) => Some(*signature),
            Self::Untrusted(_) | Self::Wrong => None,
        }
    }
}

/// Looks at the signature `der` over `manifest`.
pub(crate) fn examine(
    part: Part,
    object: &str,
    manifest: &[u8],
    der: &[u8],
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Examined {
    let parsed = match cades::parse(der, Framing::Canonical) {
        Ok(parsed) => parsed,
        Err(error) => {
            findings.failed(part, Some(object), chain(&error));
            return Examined::Wrong;
        }
    };
    if options.anchors.is_empty() {
        return match cades::verify_integrity(&parsed, manifest) {
            Ok(intact) => {
                let who = intact.certificate().subject();
                let why = format!(
                    "integrity only, nobody vouches for the signer `{who}`: no trust anchor was given"
                );
                if options.integrity_suffices {
                    findings.not_checked_as(part, &why, format!("`{object}`: {why}"));
                } else {
                    findings.failed(part, Some(object), why);
                }
                Examined::Untrusted(intact.certificate().clone())
            }
            Err(error) => {
                findings.failed(part, Some(object), chain(&error));
                Examined::Wrong
            }
        };
    }
    match cades::verify(&parsed, manifest, options.anchors, options.at) {
        Ok(signature) => Examined::Trusted(Box::new(signature)),
        Err(error) => {
            findings.failed(part, Some(object), chain(&error));
            match error {
                CadesError::Path(_) | CadesError::UnusedCertificate { .. } => {
                    Examined::Untrusted(parsed.signer_certificate().clone())
                }
                _ => Examined::Wrong,
            }
        }
    }
}

/// Says who signed, and refuses an institution's certificate where a person must sign.
pub(crate) fn judge_person(
    part: Part,
    object: &str,
    signature: &VerifiedSignature,
    institution: Option<&PartyId>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) {
    match (signature.certificate().identity(), institution) {
        // One of several names might be an institution's.
        (Err(error @ (IdentityError::Several(_) | IdentityError::Damaged)), _) => {
            findings.failed(part, Some(object), chain(&error));
            return;
        }
        (Ok(Identity::Institution(party)), _) => {
            findings.failed(
                part,
                Some(object),
                format!("the certificate is that of the institution {party}, and a person's is expected"),
            );
            return;
        }
        (Ok(Identity::Officer(officer)), Some(institution)) if officer.party() != institution => {
            findings.failed(part, Some(object), format!("{officer} signed for {institution}"));
            return;
        }
        _ => {}
    }
    if let Some(party) = sealing_with(options.institutions, signature.certificate()) {
        let why = format!("it was made with the key of the seal of {party}, and a person's is expected");
        findings.failed(part, Some(object), why);
        return;
    }
    if !judge_country(part, object, signature, institution, findings) {
        return;
    }
    let function = signature.function().map(|text| format!(", as {text}")).unwrap_or_default();
    findings.checked(
        part,
        format!(
            "{part}: {}{function}, certificate issued under {}; time claimed {}",
            signature.certificate().subject(),
            signature.path().anchor().subject(),
            signature.claimed_time()
        ),
    );
}

/// An anchor that speaks for a country vouches for that country's institutions only.
pub(crate) fn judge_country(
    part: Part,
    object: &str,
    signature: &VerifiedSignature,
    institution: Option<&PartyId>,
    findings: &mut Findings,
) -> bool {
    match (signature.path().country(), institution) {
        (Some(country), Some(institution)) if institution.country() != country => {
            findings.failed(
                part,
                Some(object),
                format!("the anchor speaks for {country}, and the sender is {institution}"),
            );
            false
        }
        _ => true,
    }
}
