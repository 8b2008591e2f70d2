//! Whether the right persons signed: by kind of document, at the drafting table and at the door.

use crate::directory::ConfirmedParty;
use crate::institution::{Institution, Officer};
use crate::problem::{Problem, Reason};
use rogatory_container::asice::VerifiedAsice;
use rogatory_core::document::{DocumentKind, Signers};
use rogatory_core::{Digest, OfficerId};
use rogatory_evidence::formal::{self, is_one_holder};

/// The own officer who made signature `n` (from 1).
///
/// # Errors
/// [`Reason::WrongSigner`] if the certificate is no officer's.
pub(super) fn own_signer<'a>(
    institution: &'a Institution,
    container: &VerifiedAsice,
    n: usize,
) -> Result<&'a Officer, Problem> {
    container
        .signatures()
        .get(n - 1)
        .and_then(|signature| institution.officer_signing_with(&signature.certificate().digest()))
        .ok_or_else(|| {
            Problem::new(
                Reason::WrongSigner,
                format!("signature {n:03} is not that of an officer of this institution"),
            )
            .with_hint("sign with the certificate that the server's configuration names for you")
        })
}

/// Refuses one person who signs twice: by id, by key, and by the subject's serial number if there is one.
///
/// # Errors
/// [`Reason::SamePerson`].
pub(super) fn demand_two_persons(first: &Officer, second: &Officer) -> Result<(), Problem> {
    let one = first.id == second.id || is_one_holder(&first.signing_certificate, &second.signing_certificate);
    if one {
        Err(Problem::new(Reason::SamePerson, "drafter and approver are the same person")
            .with_hint("a colleague with the role approver must approve"))
    } else {
        Ok(())
    }
}

/// Judges the signers of an authentic document from `party`: two persons of its office and the seal,
/// or one and the seal, as its kind demands. The rule is the offline verifier's.
///
/// # Errors
/// The gap in words, for a negative receipt.
pub(super) fn judge_signers(container: &VerifiedAsice, party: &ConfirmedParty) -> Result<(), String> {
    formal::judge_signers(container, std::slice::from_ref(&party.known))
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Whether the last signature is one of the seals that `party` published.
pub(super) fn sealed_by(container: &VerifiedAsice, party: &ConfirmedParty) -> bool {
    container.signatures().last().is_some_and(|last| party.known.seals_with(last.certificate()))
}

/// The list of signers that the seal will cover.
pub(super) fn list_signers(signers: &[(&OfficerId, Digest)], kind: DocumentKind) -> Signers {
    let entries = signers.iter().zip(formal::functions(kind)).map(|((person, certificate), function)| {
        rogatory_core::document::SignerEntry {
            certificate_sha256: *certificate,
            person: (*person).clone(),
            function: (*function).to_owned(),
        }
    });
    Signers::new(entries.collect())
}
