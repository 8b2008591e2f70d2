//! A formal document: all its signatures in order, and whether they are those that its kind demands.
//!
//! May call the container's verifier and the rule for signers. Whose seal it is, only a party entry
//! given from outside can say; without one a document is never verified.

use super::VerifyOptions;
use super::verdict::{Findings, Form, Part, Verdict, Verified};
use crate::formal::judge_signers;
use crate::known::SealStanding;
use crate::streams::read_limited;
use rogatory_container::asice::{self, Asice, MAX_DOCUMENT_BYTES, VerifiedAsice, signature_name};
use rogatory_container::zip::ZipLimits;
use rogatory_core::chain;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Verifies a formal document.
pub(super) fn verify_document(path: &Path, options: &VerifyOptions<'_>) -> Verdict {
    let mut findings = Findings::default();
    let verified = examine_document(path, options, &mut findings);
    match &verified {
        Some(document) => judge(document, options, &mut findings),
        None => findings.not_checked(Part::Seal, "the signatures do not verify"),
    }
    findings.not_checked(Part::Contents, "a formal document has no encrypted contents");
    super::not_looked_at(options, &mut findings);
    findings.judge(Form::Document, options, verified.map(|document| Verified::Document(Box::new(document))))
}

fn examine_document(
    path: &Path,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<VerifiedAsice> {
    let limit = usize::try_from(MAX_DOCUMENT_BYTES).unwrap_or(1 << 20);
    let bytes = File::open(path).and_then(|file| read_limited(&mut BufReader::new(file), limit));
    let asice = match bytes
        .map_err(|error| error.to_string())
        .and_then(|bytes| Asice::from_bytes(&bytes, ZipLimits::DOCUMENT).map_err(|error| chain(&error)))
    {
        Ok(asice) => asice,
        Err(why) => {
            findings.failed(Part::Document, None, why);
            return None;
        }
    };
    if options.anchors.is_empty() {
        let why = match asice::verify_integrity(&asice) {
            Ok(_) => "integrity only, nobody vouches for the signers: no trust anchor was given".to_owned(),
            Err(error) => chain(&error),
        };
        findings.failed(Part::Document, None, why);
        return None;
    }
    let verified = match asice::verify(&asice, options.anchors, options.at) {
        Ok(verified) => verified,
        Err(error) => {
            findings.failed(Part::Document, None, chain(&error));
            return None;
        }
    };
    for (number, signature) in (1..).zip(verified.signatures()) {
        let text = format!(
            "signature {number}: {}, certificate issued under {}; time claimed {}",
            signature.certificate().subject(),
            signature.path().anchor().subject(),
            signature.claimed_time()
        );
        findings.checked(Part::Document, text);
    }
    match options.expected_signer {
        Some(expected) if verified.signatures().iter().any(|one| one.certificate().digest() == expected) => {
            findings.checked(Part::Signer, "the expected signer is among the signers");
        }
        Some(_) => findings.failed(Part::Signer, None, "the expected signer is not among the signers"),
        None => findings.not_checked(Part::Signer, "the signers are named by the document itself"),
    }
    Some(verified)
}

/// The signatures against what the kind demands, and the seal against the sender's entry.
fn judge(document: &VerifiedAsice, options: &VerifyOptions<'_>, findings: &mut Findings) {
    let signed = match judge_signers(document, options.institutions) {
        Ok(signed) => signed,
        Err(error) => {
            findings.failed(Part::Document, error.object(), error.why());
            return;
        }
    };
    let (kind, sender) = (signed.claim.kind, &signed.claim.sender);
    for person in &signed.persons {
        findings.checked(Part::Document, format!("the seal names {} as {}", person.person, person.function));
    }
    let subject = document.signatures().last().map(|seal| seal.certificate().subject()).unwrap_or_default();
    if signed.seal == SealStanding::Published {
        findings.checked(Part::Seal, format!("institution seal: {subject}, as {sender} publishes it"));
        findings.checked(Part::Document, format!("a {kind} of {sender}, with the signatures it needs"));
    } else {
        let why = format!(
            "integrity and chain only: nobody says whose seal this is; it is by {subject}, and the entry of {sender} was not given"
        );
        findings.failed(Part::Seal, Some(&signature_name(document.signatures().len())), why);
    }
}
