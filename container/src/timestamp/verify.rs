//! Checks a token against what it should stamp and against anchors. The only maker of [`VerifiedTimestamp`].
//!
//! May call the path validation of `rogatory-pki`. Never looks at revocation: that is judged where the lists are, over
//! [`VerifiedTimestamp::path`].

use super::{Nonce, ParsedToken, TimestampError};
use der::asn1::ObjectIdentifier;
use rogatory_core::{Digest, Timestamp};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::{Anchors, ValidatedPath};
use rogatory_pki::signing::verify_signature;

/// What a token must say besides its imprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The nonce of the request it answers; none for a token that lies beside a file.
    pub nonce: Option<Nonce>,
    /// The only policy that is taken; none for any.
    pub policy: Option<ObjectIdentifier>,
}

/// Proof that bytes with a SHA-256 existed at an instant, by the word of a time-stamping authority that leads to an
/// anchor. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedTimestamp {
    stamped: Digest,
    time: Timestamp,
    accuracy: Option<u64>,
    policy: ObjectIdentifier,
    serial: Vec<u8>,
    path: ValidatedPath,
}

impl VerifiedTimestamp {
    /// The SHA-256 of what was stamped.
    #[must_use]
    pub const fn stamped(&self) -> Digest {
        self.stamped
    }

    /// The instant at which it was stamped, by the authority's clock.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// By how much that clock may be wrong, in microseconds, as the authority says; none if it doesn't say.
    #[must_use]
    pub const fn accuracy_microseconds(&self) -> Option<u64> {
        self.accuracy
    }

    /// The last instant at which it can have been stamped: what was stamped existed then.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        let accuracy = i64::try_from(self.accuracy.unwrap_or(0)).unwrap_or(i64::MAX);
        let latest = self.time.microseconds().saturating_add(accuracy);
        Timestamp::from_microseconds(latest).unwrap_or(Timestamp::MAX)
    }

    /// The authority's certificate.
    #[must_use]
    pub const fn tsa(&self) -> &Certificate {
        self.path.leaf()
    }

    /// The path from the authority's certificate to the anchor.
    #[must_use]
    pub const fn path(&self) -> &ValidatedPath {
        &self.path
    }

    /// The policy under which it was stamped, dotted.
    #[must_use]
    pub fn policy(&self) -> String {
        self.policy.to_string()
    }

    /// The number that the authority gave the stamp, big-endian.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }
}

/// Checks that `token` stamps bytes with the SHA-256 `stamped`, says what is `expected`, and was signed by a
/// time-stamping authority whose certificate led to one of `anchors` at the instant stamped.
///
/// # Errors
/// [`TimestampError`] with the first thing that is wrong.
///
/// # Source
/// RFC 3161, 2.3 and 2.4.2; RFC 5816.
pub fn verify(
    token: &ParsedToken,
    stamped: Digest,
    expected: Expected,
    anchors: &Anchors,
) -> Result<VerifiedTimestamp, TimestampError> {
    let info = &token.info;
    if info.imprint != stamped {
        return Err(TimestampError::Imprint { stamped: info.imprint, expected: stamped });
    }
    if let Some(nonce) = &expected.nonce
        && info.nonce.as_deref() != Some(nonce.as_bytes().as_slice())
    {
        return Err(TimestampError::Nonce);
    }
    if let Some(policy) = expected.policy
        && info.policy != policy
    {
        return Err(TimestampError::Policy { found: info.policy.to_string(), wanted: policy.to_string() });
    }
    if info.tsa.as_ref().is_some_and(|name| name != token.leaf.subject_der()) {
        return Err(TimestampError::TsaName { subject: token.leaf.subject() });
    }
    if token.algorithm.digest().digest(&token.content) != token.message_digest {
        return Err(TimestampError::MessageDigest);
    }
    verify_signature(&token.leaf, token.algorithm, &token.attributes, &token.signature)
        .map_err(TimestampError::Signature)?;
    let path = anchors
        .validate_time_stamping(&token.leaf, &token.certificates, info.time)
        .map_err(|source| TimestampError::Path { at: info.time, source })?;
    check_embedded(token, &path, anchors)?;
    Ok(VerifiedTimestamp {
        stamped,
        time: info.time,
        accuracy: info.accuracy,
        policy: info.policy,
        serial: info.serial.clone(),
        path,
    })
}

/// Each embedded certificate must be on the path or be a given anchor: nothing else vouches for its bytes.
fn check_embedded(
    token: &ParsedToken,
    path: &ValidatedPath,
    anchors: &Anchors,
) -> Result<(), TimestampError> {
    let known = |certificate: &Certificate| {
        path.below_anchor().any(|on_path| on_path == certificate)
            || anchors.iter().any(|anchor| anchor.certificate() == certificate)
    };
    match token.certificates.iter().find(|certificate| !known(certificate)) {
        None => Ok(()),
        Some(certificate) => Err(TimestampError::UnusedCertificate { subject: certificate.subject() }),
    }
}
