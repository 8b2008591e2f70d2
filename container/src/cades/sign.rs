//! Makes a canonical signature with a key handed in.
//!
//! May call a [`Signer`] and the encoder of the profile. What it made is read and verified again before it
//! is given out, so a faulty key or card can't put a broken signature under a document. Holds no key.

use super::profile::{self, Parts, SignedPart};
use super::{CadesError, Framing, MAX_CERTIFICATES, parse, verify};
use rogatory_core::Timestamp;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::Signer;

/// Signs `content` and gives the detached signature as DER.
///
/// `signing_time` is written in whole seconds, as claimed by the signer; `function` is the signer's function
/// in the office, as the signer states it. Embedded are the signer's certificate and those of the chain that
/// lead upwards from it, none self-signed.
///
/// # Errors
/// [`CadesError::Sign`] if the key can't be used, [`CadesError::Function`] or [`CadesError::Time`] for values
/// that can't be written, and any other if what the signer returned doesn't verify.
pub fn sign(
    content: &[u8],
    signer: &dyn Signer,
    signing_time: Timestamp,
    function: Option<&str>,
) -> Result<Vec<u8>, CadesError> {
    if !function.is_none_or(profile::is_function) {
        return Err(CadesError::Function);
    }
    let leaf = signer.certificate().map_err(CadesError::Sign)?.clone();
    let algorithm = signer.algorithm();
    let signed = SignedPart {
        leaf,
        algorithm,
        message_digest: algorithm.digest().digest(content),
        signing_time: signing_time.whole_seconds(),
        function: function.map(str::to_owned),
    };
    let signature = signer.sign(&signed.encode()?).map_err(CadesError::Sign)?;
    let parts = Parts { certificates: upwards(&signed.leaf, signer.chain())?, signed, signature };
    let der = parts.encode()?;
    verify::check(&parse(&der, Framing::Canonical)?, content)?;
    Ok(der)
}

/// The leaf and the issuers above it, as far as the chain has them; nothing else belongs in a signature.
fn upwards(leaf: &Certificate, chain: &[Certificate]) -> Result<Vec<Certificate>, CadesError> {
    let mut embedded = vec![leaf.clone()];
    let mut lowest = leaf;
    while let Some(issuer) = chain.iter().find(|candidate| {
        lowest.names_as_issuer(candidate) && !candidate.is_self_signed() && !embedded.contains(candidate)
    }) {
        embedded.push(issuer.clone());
        lowest = issuer;
    }
    if embedded.len() > MAX_CERTIFICATES {
        return Err(CadesError::TooManyCertificates(embedded.len()));
    }
    Ok(embedded)
}
