//! Formal documents in the hands of the client: opening, verifying, signing.
//!
//! Wraps the container crate, so that every command says the same about a broken one. Never trusts
//! an anchor that a container brings along.

use crate::problem::{Problem, clean};
use crate::trust::SealedEntry;
use bytes::Bytes;
use rogatory_container::asice::{self, Asice, AsiceError, VerifiedAsice};
use rogatory_container::zip::{MIMETYPE, ZipLimits};
use rogatory_core::document::{DATA_FILE, Document, PAPER_FILE};
use rogatory_core::{Digest, PartyId, Timestamp};
use rogatory_evidence::formal::{self, SignedBy};
use rogatory_evidence::{KnownInstitution, SealStanding};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::Signer;

/// The function a drafter signs in.
pub const DRAFTER: &str = "drafter";
/// The function an approver signs in.
pub const APPROVER: &str = "approver";
/// The function of the one officer who signs an acknowledgement or a closing.
pub const OFFICER: &str = "officer";

/// Opens a container.
///
/// # Errors
/// Unverified, if it is not a sound formal document; `what` names it.
pub fn open(bytes: &[u8], what: &str) -> Result<Asice, Problem> {
    Asice::from_bytes(bytes, ZipLimits::DOCUMENT).map_err(|error| {
        Problem::unverified(format!("{what} is not a sound formal document")).because(&error)
    })
}

/// The bytes of `document.json`.
///
/// # Errors
/// Unverified, if there is none.
pub fn data<'a>(asice: &'a Asice, what: &str) -> Result<&'a [u8], Problem> {
    asice.file(DATA_FILE).ok_or_else(|| Problem::unverified(format!("{what} holds no `{DATA_FILE}`")))
}

/// The data of a formal document, and the digest by which others refer to it.
///
/// # Errors
/// Unverified, if it is none.
pub fn document(asice: &Asice, what: &str) -> Result<(Document, Digest), Problem> {
    let bytes = data(asice, what)?;
    let document = Document::from_json(bytes)
        .map_err(|error| Problem::unverified(format!("{what} cannot be read")).because(&error))?;
    Ok((document, Digest::of(bytes)))
}

/// Verifies every signature up to `anchors`.
///
/// # Errors
/// Unverified, naming the part that fails.
pub fn verify(asice: &Asice, anchors: &Anchors, at: Timestamp, what: &str) -> Result<VerifiedAsice, Problem> {
    asice::verify(asice, anchors, at)
        .map_err(|error| Problem::unverified(format!("{what} does not verify")).because(&error))
}

/// Verifies a sealed document of a party: every signature up to the anchors of its entry, the
/// signers that its kind demands, and that the seal is the one the entry publishes.
///
/// # Errors
/// Unverified, naming the part that fails.
pub fn verify_sealed(
    asice: &Asice,
    sender: &SealedEntry,
    at: Timestamp,
    what: &str,
) -> Result<SignedBy, Problem> {
    let verified = verify(asice, &sender.anchors, at, what)?;
    let signed = judge_signers(&verified, &[sender.institution()], what)?;
    // An entry of another party than the document's sender leaves the seal uncompared.
    if signed.claim.sender == sender.entry.party && signed.seal == SealStanding::Published {
        Ok(signed)
    } else {
        Err(Problem::unverified(format!(
            "{what} is sent by {}, and its seal is not one of {}",
            signed.claim.sender, sender.entry.party
        )))
    }
}

/// Verifies a document of the own institution, at whatever step of its signing: every signature up
/// to the own anchors, by persons, and if it is sealed, the signers that its kind demands.
///
/// # Errors
/// Unverified, naming the part that fails.
pub fn verify_own(
    asice: &Asice,
    own: &PartyId,
    anchors: &Anchors,
    at: Timestamp,
    what: &str,
) -> Result<VerifiedAsice, Problem> {
    let verified = verify(asice, anchors, at, what)?;
    let claim = formal::claim(asice).map_err(|error| wrong_signers(&error, what))?;
    if claim.sender != *own {
        return Err(Problem::unverified(format!("{what} is sent by {}, not by {own}", claim.sender)));
    }
    let persons = formal::functions(claim.kind).len();
    if asice.names_its_signers() || verified.signatures().len() > persons {
        judge_signers(&verified, &[], what)?;
    } else {
        for signature in verified.signatures() {
            must_be_person(signature.certificate(), own, &[], what)?;
        }
    }
    Ok(verified)
}

/// Checks that a certificate can be that of a person who signs for `party`, and is no known seal.
///
/// # Errors
/// Unverified, saying whose it is instead.
pub fn must_be_person(
    certificate: &Certificate,
    party: &PartyId,
    known: &[KnownInstitution],
    what: &str,
) -> Result<(), Problem> {
    formal::judge_person(certificate, party, known)
        .map_err(|why| Problem::unverified(format!("{what} is not signed by a person: {}", clean(&why))))
}

fn judge_signers(
    verified: &VerifiedAsice,
    known: &[KnownInstitution],
    what: &str,
) -> Result<SignedBy, Problem> {
    formal::judge_signers(verified, known).map_err(|error| wrong_signers(&error, what))
}

fn wrong_signers(error: &formal::SignersError, what: &str) -> Problem {
    Problem::unverified(format!("{what} does not have the signatures it needs")).because(error)
}

/// Makes a container of data and paper with its first signature.
///
/// # Errors
/// Failed, if it cannot be signed.
pub fn begin(
    json: Vec<u8>,
    paper: Vec<u8>,
    signer: &dyn Signer,
    at: Timestamp,
    function: &str,
) -> Result<Vec<u8>, Problem> {
    begin_enclosing(json, paper, Vec::new(), signer, at, function)
}

/// The same, with other containers enclosed by their names, which every signature covers.
///
/// # Errors
/// Failed, if it cannot be signed.
pub fn begin_enclosing(
    json: Vec<u8>,
    paper: Vec<u8>,
    enclosed: Vec<(&str, Bytes)>,
    signer: &dyn Signer,
    at: Timestamp,
    function: &str,
) -> Result<Vec<u8>, Problem> {
    let mut contents = vec![
        (DATA_FILE.to_owned(), "application/json".to_owned(), json),
        (PAPER_FILE.to_owned(), "application/pdf".to_owned(), paper),
    ];
    contents.extend(
        enclosed
            .into_iter()
            .map(|(name, container)| (name.to_owned(), MIMETYPE.to_owned(), container.to_vec())),
    );
    let asice = asice::start(contents)
        .and_then(|unsigned| unsigned.sign(signer, at, Some(function)))
        .map_err(|error| cannot_sign(&error))?;
    Ok(asice.to_bytes())
}

/// Adds the next signature, which covers the content and all earlier signatures.
///
/// # Errors
/// Failed, if it cannot be signed.
pub fn add_signature(
    asice: Asice,
    signer: &dyn Signer,
    at: Timestamp,
    function: &str,
) -> Result<Vec<u8>, Problem> {
    let asice = asice.add_signature(signer, at, Some(function)).map_err(|error| cannot_sign(&error))?;
    Ok(asice.to_bytes())
}

fn cannot_sign(error: &AsiceError) -> Problem {
    Problem::failed("the document cannot be signed").because(error)
}
