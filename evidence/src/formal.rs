//! Who must have signed a formal document, and whether those did.
//!
//! Holds the rule for signers in one place, for the offline verifier and for the client. Takes a
//! container whose signatures were verified, and the institutions that somebody knows from
//! elsewhere; calls the readers of the data. Never takes an anchor or a seal from the document.

use crate::known::{KnownInstitution, SealStanding, seal_standing, sealing_with};
use rogatory_container::asice::{Asice, VerifiedAsice, signature_name};
use rogatory_container::cades::VerifiedSignature;
use rogatory_core::chain;
use rogatory_core::document::{
    DATA_FILE, Document, DocumentKind, SIGNERS_FILE, SignerEntry, SignerRule, Signers,
};
use rogatory_core::party::PartyId;
use rogatory_core::party_entry::PartyEntry;
use rogatory_core::receipt::Receipt;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::identity::{Identity, IdentityError};
use serde::Deserialize;
use std::fmt;

/// The signers of a formal document are not those that its kind demands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignersError {
    object: Option<String>,
    why: String,
}

impl SignersError {
    fn new(object: &str, why: impl Into<String>) -> Self {
        Self { object: Some(object.to_owned()), why: why.into() }
    }

    fn of_document(why: impl Into<String>) -> Self {
        Self { object: None, why: why.into() }
    }

    /// The file of the container that is concerned, if it is one.
    #[must_use]
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl fmt::Display for SignersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "`{object}`: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for SignersError {}

/// What a document says of itself, before anybody believes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Its kind.
    pub kind: DocumentKind,
    /// Who sends it, or for a receipt or a party entry issues it.
    pub sender: PartyId,
}

/// The signers of a sealed document, right in every respect but perhaps one: see `seal`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedBy {
    /// What the document says of itself.
    pub claim: Claim,
    /// The persons whom the seal names, in the order of their signatures.
    pub persons: Vec<SignerEntry>,
    /// [`SealStanding::Published`], or [`SealStanding::NotCompared`]: then nobody says whose seal it is.
    pub seal: SealStanding,
}

/// The functions of the persons who sign a kind, in the order of their signatures.
#[must_use]
pub const fn functions(kind: DocumentKind) -> &'static [&'static str] {
    match kind.signer_rule() {
        SignerRule::TwoOfficersAndSeal => &["drafter", "approver"],
        SignerRule::OneOfficerAndSeal => &["officer"],
        SignerRule::SealAlone => &[],
    }
}

/// Reads what a document says of itself.
///
/// # Errors
/// [`SignersError`] if its data are not those of any kind, or not spelled in the one way.
pub fn claim(document: &Asice) -> Result<Claim, SignersError> {
    /// What all kinds of data have.
    #[derive(Deserialize)]
    struct Head {
        kind: DocumentKind,
    }
    let bad = |error: &dyn std::error::Error| SignersError::new(DATA_FILE, chain(error));
    let json = document.file(DATA_FILE).ok_or_else(|| {
        SignersError::of_document(format!("it holds no `{DATA_FILE}` that says what it is"))
    })?;
    let kind = serde_json::from_slice::<Head>(json).map_err(|error| bad(&error))?.kind;
    let sender = match kind {
        DocumentKind::PartyEntry => PartyEntry::from_json(json).map_err(|error| bad(&error))?.party,
        DocumentKind::Receipt => Receipt::from_json(json).map_err(|error| bad(&error))?.issuer.party,
        _ => Document::from_json(json).map_err(|error| bad(&error))?.sender.party,
    };
    Ok(Claim { kind, sender })
}

/// Judges the signatures of a sealed document: number and order, the persons whom the seal names,
/// that these are persons and two of them two, and the seal itself.
///
/// Whose seal it is, only an entry among `known` can say: without one of the sender the answer is
/// [`SealStanding::NotCompared`], and the caller decides. Source: the format of formal documents, section 4.
///
/// # Errors
/// [`SignersError`], naming the signature or file that is wrong.
pub fn judge_signers(document: &VerifiedAsice, known: &[KnownInstitution]) -> Result<SignedBy, SignersError> {
    let claim = claim(document.asice())?;
    let functions = functions(claim.kind);
    let (found, needed) = (document.signatures().len(), functions.len() + 1);
    if found < needed && !document.asice().names_its_signers() {
        return Err(SignersError::of_document(format!(
            "it carries no institution's seal: a {} needs {needed} signatures with the seal, and it has {found}",
            claim.kind
        )));
    }
    let seal = document.signatures().last().filter(|_| found == needed).ok_or_else(|| {
        SignersError::of_document(format!(
            "a {} needs {needed} signatures with the seal, and it has {found}",
            claim.kind
        ))
    })?;
    let signed: Vec<&VerifiedSignature> = document.signatures().iter().take(functions.len()).collect();
    for (n, signature) in (1..).zip(document.signatures()) {
        let country = signature.path().country();
        if let Some(country) = country.filter(|country| *country != claim.sender.country()) {
            let why = format!("the anchor speaks for {country}, and the sender is {}", claim.sender);
            return Err(SignersError::new(&signature_name(n), why));
        }
    }
    let persons = judge_persons(document, &signed, functions, &claim.sender, known)?;
    let seal = judge_seal(seal, &signature_name(needed), &signed, &claim.sender, known)?;
    Ok(SignedBy { claim, persons, seal })
}

/// The persons are those whom the seal vouches for, in their functions, each another one.
fn judge_persons(
    document: &VerifiedAsice,
    signed: &[&VerifiedSignature],
    functions: &[&str],
    sender: &PartyId,
    known: &[KnownInstitution],
) -> Result<Vec<SignerEntry>, SignersError> {
    if signed.is_empty() {
        return Ok(Vec::new());
    }
    let bad = |why: String| SignersError::new(SIGNERS_FILE, why);
    let bytes = document
        .file(SIGNERS_FILE)
        .ok_or_else(|| bad("it is missing, so the seal vouches for nobody".to_owned()))?;
    let listed = Signers::from_json(bytes).map_err(|error| bad(chain(&error)))?.signers;
    if listed.len() != signed.len() {
        return Err(bad(format!("it lists {} persons, and {} signed", listed.len(), signed.len())));
    }
    for (n, ((entry, signature), function)) in (1..).zip(listed.iter().zip(signed).zip(functions)) {
        let certificate = signature.certificate();
        if entry.certificate_sha256 != certificate.digest() {
            return Err(bad(format!(
                "it names another certificate than the one that the {function} signed with"
            )));
        }
        if entry.function != *function {
            return Err(bad(format!("it names no {function} where the {function} signs")));
        }
        if entry.person.party() != sender {
            return Err(bad(format!("the {function} {} is no officer of the sender {sender}", entry.person)));
        }
        let object = signature_name(n);
        judge_person(certificate, sender, known).map_err(|why| SignersError::new(&object, why))?;
        if let Ok(Identity::Officer(officer)) = certificate.identity()
            && officer != entry.person
        {
            let why = format!("the certificate is that of {officer}, and the seal names {}", entry.person);
            return Err(SignersError::new(&object, why));
        }
    }
    match (listed.as_slice(), signed) {
        ([first, second], [a, b])
            if first.person == second.person || is_one_holder(a.certificate(), b.certificate()) =>
        {
            Err(bad("drafter and approver are the same person".to_owned()))
        }
        _ => Ok(listed),
    }
}

/// Whether `certificate` can be that of a person who signs for `sender`: no institution's, no
/// published seal, and no officer's of another institution.
///
/// # Errors
/// What is wrong, in words.
pub fn judge_person(
    certificate: &Certificate,
    sender: &PartyId,
    known: &[KnownInstitution],
) -> Result<(), String> {
    match certificate.identity() {
        Ok(Identity::Institution(party)) => {
            return Err(format!(
                "the certificate is that of the institution {party}, and a person's is expected"
            ));
        }
        Ok(Identity::Officer(officer)) if officer.party() != sender => {
            return Err(format!("{officer} signed for {sender}"));
        }
        // National authorities issue signing certificates without any URI of ours.
        Ok(Identity::Officer(_)) | Err(IdentityError::None) => {}
        Err(IdentityError::Unreadable(uri)) if !uri.starts_with("rogatory:") => {}
        Err(error) => return Err(format!("nobody can say whose certificate it is: {error}")),
    }
    match sealing_with(known, certificate) {
        Some(party) => {
            Err(format!("it was made with the key of the seal of {party}, and a person's is expected"))
        }
        None => Ok(()),
    }
}

/// Whether two certificates are one person's: by the key, or by the subject's serial number if both have one.
#[must_use]
pub fn is_one_holder(first: &Certificate, second: &Certificate) -> bool {
    let numbers = (first.serial_number_attribute(), second.serial_number_attribute());
    first.spki_der() == second.spki_der() || matches!(numbers, (Some(a), Some(b)) if a == b)
}

/// The seal is nobody's who signed as a person, no other institution's, and if the sender is known, a published one.
fn judge_seal(
    seal: &VerifiedSignature,
    object: &str,
    signed: &[&VerifiedSignature],
    sender: &PartyId,
    known: &[KnownInstitution],
) -> Result<SealStanding, SignersError> {
    let bad = |why: String| Err(SignersError::new(object, why));
    let certificate = seal.certificate();
    if signed.iter().any(|person| person.certificate().spki_der() == certificate.spki_der()) {
        return bad("it was made by a person who signed, not by an institution".to_owned());
    }
    match certificate.identity() {
        Ok(Identity::Officer(officer)) => {
            return bad(format!("it is the signature of {officer}, no institution's seal"));
        }
        Ok(Identity::Institution(party)) if party != *sender => {
            return bad(format!("it is the seal of {party}, and the sender is {sender}"));
        }
        _ => {}
    }
    match seal_standing(known, sender, certificate) {
        SealStanding::Another => bad(format!("it is not the seal that {sender} publishes in its entry")),
        standing => Ok(standing),
    }
}
