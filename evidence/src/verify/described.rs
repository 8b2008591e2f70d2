//! What a package says of its exhibits, verified but for their contents.
//!
//! Holds the step before an export: outer part, signatures and index of a sealed package, or the
//! index of an opened one, or the index alone. May read the package. Never reads an exhibit, and
//! never counts one as checked.

use super::contents::agree;
use super::index::{Index, examine_index};
use super::outer::Outer;
use super::verdict::{Findings, Form, Part, Verdict, VerifiedPackage};
use super::{
    VerifyOptions, check_zip_order, examine_before_contents, judge_inner, judge_sealed, opened, unreadable,
};
use crate::layout;
use crate::source::{FolderSource, PackageSource, ZipSource};
use std::fs::File;
use std::path::Path;

/// An index that was verified, with the package that it belongs to.
pub(crate) struct Described {
    pub(crate) index: Index,
    pub(crate) package: VerifiedPackage,
}

/// Verifies what lies at `path` as far as it describes exhibits.
///
/// # Errors
/// The report, if something is wrong or the index can't be read.
pub(crate) fn describe(path: &Path, options: &VerifyOptions<'_>) -> Result<Described, Box<Verdict>> {
    if path.is_dir() {
        let opened = path.join(layout::OPENED_INDEX_NAME);
        if opened.exists() {
            return describe_index(&opened, Form::Opened, options);
        }
        return match FolderSource::open(path) {
            Ok(source) => describe_sealed(&source, options, Findings::default()),
            Err(error) => Err(Box::new(unreadable(Form::Sealed, &error, options))),
        };
    }
    match ZipSource::open(path) {
        Ok(source) => {
            let has = |wanted: &str| source.names().any(|name| name == wanted);
            if has(layout::EXHIBITS_NAME) && !has(layout::INDEX_NAME) {
                return describe_index(path, Form::Index, options);
            }
            let mut findings = Findings::default();
            check_zip_order(&source, &mut findings);
            describe_sealed(&source, options, findings)
        }
        Err(error) => Err(Box::new(unreadable(Form::Unknown, &error, options))),
    }
}

fn describe_sealed(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    mut findings: Findings,
) -> Result<Described, Box<Verdict>> {
    let (outer, index) = examine_before_contents(source, options, &mut findings);
    let Some(mut index) = index else {
        // Without identity the report itself would be a good one.
        findings.failed(Part::Index, Some(layout::INDEX_NAME), "it could not be read");
        return Err(Box::new(judge_sealed(outer, None, options, findings)));
    };
    not_read(&mut findings);
    let verdict = judge_sealed(outer, Some(&mut index), options, findings);
    whole(verdict, index)
}

fn describe_index(path: &Path, form: Form, options: &VerifyOptions<'_>) -> Result<Described, Box<Verdict>> {
    let mut findings = Findings::default();
    let folder = path.parent().filter(|_| form == Form::Opened);
    let outer = folder.and_then(|folder| opened::examine_package(folder, options, &mut findings));
    let disclosed = outer.as_ref().and_then(Outer::disclosed);
    let mut index = match File::open(path) {
        Ok(file) => examine_index(Box::new(file), disclosed, options, &mut findings),
        Err(error) => {
            findings.failed(Part::Index, None, format!("it cannot be read: {error}"));
            None
        }
    };
    match (&outer, &index) {
        (Some(outer), Some(index)) => agree(outer, index, &mut findings),
        _ => findings.not_checked(Part::Seal, "the index does not hold the outer signatures"),
    }
    not_read(&mut findings);
    let verdict = judge_inner(form, outer, index.as_mut(), options, findings);
    match index {
        Some(index) => whole(verdict, index),
        None => Err(Box::new(verdict)),
    }
}

fn not_read(findings: &mut Findings) {
    findings.not_checked(Part::Contents, "an export describes the exhibits and does not read them");
}

fn whole(verdict: Verdict, index: Index) -> Result<Described, Box<Verdict>> {
    let mut package = verdict.into_package()?;
    package.contents = false;
    Ok(Described { index, package })
}
