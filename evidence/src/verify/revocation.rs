//! Whether the certificates behind the signatures were revoked, as far as the lists given from outside tell.
//!
//! May ask the lists of `rogatory-pki`. Fetches none, and counts no unanswered question as good.

use super::VerifyOptions;
use super::verdict::{Findings, Part, Verified, VerifiedPackage};
use rogatory_container::timestamp::VerifiedTimestamp;
use rogatory_core::{Timestamp, chain};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::ValidatedPath;
use rogatory_pki::revocation::{Revocation, RevocationLists};
use std::collections::HashSet;

/// Asks the lists about everybody who signed, at the proven time or else at the instant of verification, and about the
/// time-stamping authorities. Without lists that was said before; a court bundle, which brings lists along, asks itself.
pub(super) fn examine(verified: Option<&Verified>, options: &VerifyOptions<'_>, findings: &mut Findings) {
    let Some(lists) = options.revocation.filter(|lists| !lists.is_empty()) else { return };
    let Some(verified) = verified else {
        findings.not_checked_unless_noted(Part::Revocation, "no signature could be judged");
        return;
    };
    let paths = match verified {
        Verified::Package(package) => package_signers(package),
        Verified::Bundle(_) => return,
        Verified::Document(document) => document.signatures().iter().map(|one| one.path()).collect(),
        Verified::Foreign(container) => container.signatures().iter().map(|one| one.path()).collect(),
    };
    let proven = options.time.instant();
    let signers: Vec<Used<'_>> = paths.into_iter().map(|path| Used { path, proven }).collect();
    examine_signers(lists, &signers, options.time.stamps(), options.at, findings);
}

/// A certificate's path, and the instant at which it is proven to have been used.
#[derive(Clone, Copy)]
pub(crate) struct Used<'a> {
    pub(crate) path: &'a ValidatedPath,
    pub(crate) proven: Option<Timestamp>,
}

/// The same for these signers and stamps; `at` is the instant for whom nothing is proven of.
pub(crate) fn examine_signers<'a>(
    lists: &RevocationLists,
    signers: &[Used<'_>],
    stamps: impl Iterator<Item = &'a VerifiedTimestamp>,
    at: Timestamp,
    findings: &mut Findings,
) {
    let before = findings.failures();
    let (mut uncovered, mut later) = (Vec::new(), Vec::new());
    let mut asked = HashSet::new();
    for Used { path, proven } in signers {
        // In a case the same officers sign again and again.
        let certificates: Vec<_> =
            path.below_anchor().chain([path.anchor()]).map(Certificate::digest).collect();
        if !asked.insert((certificates, *proven)) {
            continue;
        }
        let answer = match proven {
            Some(at) => lists.check_proven(path, *at),
            None => lists.check(path, at),
        };
        match answer {
            Ok(Revocation::Good) => {}
            Ok(Revocation::NotChecked) => {
                uncovered
                    .push(format!("no list covers `{}`, or not every issuer of it", path.leaf().subject()));
            }
            Ok(Revocation::RevokedLater { revoked }) => later.push((path.leaf().subject(), revoked)),
            Err(error) => findings.failed(Part::Revocation, None, chain(&error)),
        }
    }
    for stamp in stamps {
        // Whoever has the key of a time-stamping authority can stamp any instant: a revocation counts whenever it came.
        match lists.check(stamp.path(), stamp.time()) {
            Ok(Revocation::Good | Revocation::RevokedLater { .. }) => {}
            Ok(Revocation::NotChecked) => {
                let tsa = stamp.tsa().subject();
                uncovered.push(format!("no list covers the authority `{tsa}`, or not every issuer of it"));
            }
            Err(error) => findings.failed(Part::Revocation, None, chain(&error)),
        }
    }
    uncovered.sort_unstable();
    uncovered.dedup();
    let complete = uncovered.is_empty();
    uncovered.into_iter().for_each(|why| findings.not_checked(Part::Revocation, why));
    if complete && findings.failures() == before {
        later.sort_unstable();
        later.dedup();
        findings.checked(Part::Revocation, text(signers, at, &later));
    }
}

fn text(signers: &[Used<'_>], at: Timestamp, later: &[(String, Timestamp)]) -> String {
    let first = signers.first().and_then(|one| one.proven);
    let mut text = match first {
        _ if signers.iter().any(|one| one.proven != first) => format!(
            "revocation: no certificate was revoked when it was used, as far as that time is proven, or at {at}"
        ),
        Some(proven) => format!("revocation: no certificate was revoked at {proven}, the proven time"),
        None => format!("revocation: no certificate was revoked at {at}, the instant of verification"),
    };
    for (subject, revoked) in later {
        text.push_str(&format!("; that of `{subject}` was revoked at {revoked}, which is after it"));
    }
    text
}

fn package_signers(package: &VerifiedPackage) -> Vec<&ValidatedPath> {
    let derivation = package.derivation();
    let maker = derivation.map(|derivation| derivation.maker().path());
    let maker_seal = derivation.and_then(|derivation| derivation.maker_seal()).map(|seal| seal.path());
    let seal = package.seal().map(|seal| seal.path());
    [Some(package.signature().path()), seal, maker, maker_seal].into_iter().flatten().collect()
}
