//! Verifies a bundle: every layer by itself, under anchors from outside, and then how they relate.
//!
//! The only maker of [`VerifiedBundle`]. Calls the looks at framing, stamps, exhibits, case, record and witnesses, in this
//! order: what a stamp proves decides at which instant the signatures behind it are judged.

use super::case::examine_case;
use super::custody::examine_custody;
use super::exhibits::examine_package;
use super::framing::{Bundle, compare, examine_pages, hash_the_rest};
use super::layout;
use super::relations::{PackageFacts, relate};
use super::statement::BundleForm;
use super::time::Times;
use super::verified::{LogFacts, VerifiedBundle};
use super::witness::examine_witnesses;
use crate::source::{PackageSource as _, ZipSource};
use crate::streams::{Progress, Step};
use crate::verify::revocation::{Used, examine_signers};
use crate::verify::verdict::{Findings, Form, Part, Verdict, Verified, VerifiedPackage};
use crate::verify::{VerifyOptions, verified};
use rogatory_core::chain;
use rogatory_custody::record::MAX_RECORD_BYTES;
use rogatory_pki::revocation::{RevocationListError, RevocationLists};
use std::collections::HashMap;

const MAX_NOTE_BYTES: usize = 131_072;
const MAX_CRL_BYTES: usize = 64 * 1024 * 1024;

/// Verifies a bundle.
pub(crate) fn verify_bundle(
    source: &ZipSource,
    options: &VerifyOptions<'_>,
    progress: &mut dyn Progress,
) -> Verdict {
    let mut findings = Findings::default();
    let total = source.objects().iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Verifying, Some(total));
    let bundle = examine_bundle(source, options, &mut findings, progress);
    findings.judge(Form::Bundle, options, bundle.map(|bundle| Verified::Bundle(Box::new(bundle))))
}

fn examine_bundle(
    source: &ZipSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
    progress: &mut dyn Progress,
) -> Option<VerifiedBundle> {
    let bundle = Bundle::read(source, options, findings)?;
    let times = Times::read(source, options, findings);
    let mut found = HashMap::new();
    let (package, mut index) = examine_package(&bundle, &mut found, &times, findings, progress);
    hash_the_rest(&bundle, &mut found, findings, progress);
    compare(&bundle, &found, findings);
    let mut case = examine_case(source, &times, findings);
    let record = bundle.small(layout::RECORD, MAX_RECORD_BYTES, Part::Custody, findings);
    let checkpoint = bundle.small(layout::CHECKPOINT, MAX_NOTE_BYTES, Part::Custody, findings);
    let record = record.zip(checkpoint).and_then(|(record, checkpoint)| {
        examine_custody(&record, &checkpoint, &bundle.statement, &times, &mut case, findings)
    });
    let facts = package.as_ref().and_then(|outer| {
        let tied = !outer.is_derived() || index.is_some();
        let origin = outer.transmittal.as_ref()?.origin;
        let known_as = origin.map_or(outer.manifest_sha256?, |origin| origin.manifest_sha256);
        Some(PackageFacts { known_as, tied })
    });
    relate(&bundle.statement, facts, &case, record.as_ref(), &options.require, findings);
    examine_pages(&bundle, findings);
    let contents = findings.has_checked(Part::Contents);
    let package =
        package.and_then(|outer| match verified(Form::Bundle, Some(outer), index.as_mut(), contents) {
            Some(Verified::Package(package)) => Some(*package),
            _ => None,
        });
    let sealer = package.as_ref().and_then(VerifiedPackage::sealed_by);
    let witnesses = match &record {
        Some(record) => examine_witnesses(record, sealer, options, findings),
        None => {
            findings.not_checked(Part::Witness, "the custody record was not verified");
            Vec::new()
        }
    };
    let signature = bundle.signature.clone();
    let mut signers = package_signers(&bundle, package.as_ref(), &times);
    signers.extend(signature.iter().map(|signature| times.used(signature.path(), None)));
    signers.extend(case.used());
    examine_revocation(&bundle, &signers, &times, options, findings);
    times.report(&bundle, findings);
    Some(VerifiedBundle {
        manifest_sha256: bundle.manifest_sha256,
        signature: signature?,
        package,
        log: record.as_ref().map(|record| LogFacts::of(record, witnesses)),
        stamps: times.facts(),
        documents: case.document_count,
        receipts: case.receipt_count,
        statement: bundle.statement,
    })
}

/// Whoever signed the package. The signer of exhibits in the clear signed their index too, which only a stamp of its own
/// covers, and is asked about as of both. What a derived package carries of its original is as old as the package at least.
fn package_signers<'p>(
    bundle: &Bundle<'_>,
    package: Option<&'p VerifiedPackage>,
    times: &Times<'_>,
) -> Vec<Used<'p>> {
    let Some(package) = package else { return Vec::new() };
    let outer = layout::package_signature(bundle.source.names());
    let in_clear = bundle.statement.form == BundleForm::Clear;
    let derivation = package.derivation();
    let others = [
        package.seal(),
        derivation.map(|derivation| derivation.maker()),
        derivation.and_then(|derivation| derivation.maker_seal()),
    ];
    let person = package.signature().path();
    let index = in_clear.then(|| times.used(person, Some(layout::INDEX)));
    let others = others.into_iter().flatten().map(|one| times.used(one.path(), outer));
    std::iter::once(times.used(person, outer)).chain(index).chain(others).collect()
}

/// Every certificate against the revocation lists in the bundle and those given beside it; their issuers signed them.
fn examine_revocation(
    bundle: &Bundle<'_>,
    signers: &[Used<'_>],
    times: &Times<'_>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) {
    let part = Part::Revocation;
    // Those given beside it come first: they may be newer.
    let mut lists = options.revocation.cloned().unwrap_or_else(RevocationLists::none);
    for name in bundle.source.names().filter(|name| name.starts_with(layout::REVOCATION)) {
        let Some(bytes) = bundle.small(name, MAX_CRL_BYTES, part, findings) else { continue };
        if let Err(error) = lists.add(&bytes) {
            findings.failed(part, Some(name), chain(&error));
            if error == RevocationListError::TooMany {
                break;
            }
        }
    }
    if lists.is_empty() {
        return findings.not_checked(part, "no revocation list lies in the bundle, and none was given");
    }
    examine_signers(&lists, signers, times.stamps(), options.at, findings);
}
