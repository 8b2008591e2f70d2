//! Whether the certificates behind the signatures were revoked, as far as the lists given from outside tell.
//!
//! May ask the lists of `rogatory-pki`. Fetches none, and counts no unanswered question as good.

use super::VerifyOptions;
use super::verdict::{Findings, Part, Verified, VerifiedPackage};
use rogatory_core::{Timestamp, chain};
use rogatory_pki::path::ValidatedPath;
use rogatory_pki::revocation::Revocation;

/// Asks the lists about everybody who signed, at the proven time or else at the instant of verification, and about the
/// time-stamping authorities. Without lists that was said before.
pub(super) fn examine(verified: Option<&Verified>, options: &VerifyOptions<'_>, findings: &mut Findings) {
    let Some(lists) = options.revocation.filter(|lists| !lists.is_empty()) else { return };
    let Some(verified) = verified else {
        findings.not_checked(Part::Revocation, "no signature could be judged");
        return;
    };
    let before = findings.failures();
    let (mut complete, mut later) = (true, Vec::new());
    let proven = options.time.instant();
    for path in signers(verified) {
        let answer = match proven {
            Some(at) => lists.check_proven(path, at),
            None => lists.check(path, options.at),
        };
        match answer {
            Ok(Revocation::Good) => {}
            Ok(Revocation::NotChecked) => {
                complete = false;
                let why = format!("no list covers the issuer of `{}`", path.leaf().subject());
                findings.not_checked(Part::Revocation, &why);
            }
            Ok(Revocation::RevokedLater { revoked }) => later.push((path.leaf().subject(), revoked)),
            Err(error) => findings.failed(Part::Revocation, None, chain(&error)),
        }
    }
    for stamp in options.time.stamps() {
        // Whoever has the key of a time-stamping authority can stamp any instant: a revocation counts whenever it came.
        match lists.check(stamp.path(), stamp.time()) {
            Ok(Revocation::Good | Revocation::RevokedLater { .. }) => {}
            Ok(Revocation::NotChecked) => {
                complete = false;
                let why = format!("no list covers the issuer of the authority `{}`", stamp.tsa().subject());
                findings.not_checked(Part::Revocation, &why);
            }
            Err(error) => findings.failed(Part::Revocation, None, chain(&error)),
        }
    }
    if complete && findings.failures() == before {
        findings.checked(Part::Revocation, text(proven.unwrap_or(options.at), proven.is_some(), &later));
    }
}

fn text(at: Timestamp, proven: bool, later: &[(String, Timestamp)]) -> String {
    let which = if proven { "the proven time" } else { "the instant of verification" };
    let mut text = format!("revocation: no certificate was revoked at {at}, {which}");
    for (subject, revoked) in later {
        text.push_str(&format!("; that of `{subject}` was revoked at {revoked}, which is after it"));
    }
    text
}

/// The path of everybody whose signature was judged.
fn signers(verified: &Verified) -> Vec<&ValidatedPath> {
    match verified {
        Verified::Package(package) => package_signers(package),
        Verified::Bundle(bundle) => {
            let mut signers = vec![bundle.signature().path()];
            signers.extend(bundle.package().into_iter().flat_map(package_signers));
            signers
        }
        Verified::Document(document) => document.signatures().iter().map(|one| one.path()).collect(),
        Verified::Foreign(container) => container.signatures().iter().map(|one| one.path()).collect(),
    }
}

fn package_signers(package: &VerifiedPackage) -> Vec<&ValidatedPath> {
    let derivation = package.derivation();
    let maker = derivation.map(|derivation| derivation.maker().path());
    let maker_seal = derivation.and_then(|derivation| derivation.maker_seal()).map(|seal| seal.path());
    let seal = package.seal().map(|seal| seal.path());
    [Some(package.signature().path()), seal, maker, maker_seal].into_iter().flatten().collect()
}
