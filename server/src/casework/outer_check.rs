//! The outer check of a package: everything a server can see without a key.

use crate::datastore::ObjectRow;
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, Timestamp};
use rogatory_evidence::verify::Outcome;
use rogatory_evidence::{
    FolderSource, NoProgress, ObjectInfo, PackageSource, VerifiedPackage, VerifyOptions, verify_package,
};
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::Path;

/// A folder whose objects this server hashed itself while it stored them, so that none is hashed twice.
struct Hashed {
    folder: FolderSource,
    digests: HashMap<String, Digest>,
}

impl PackageSource for Hashed {
    fn objects(&self) -> Vec<ObjectInfo> {
        self.folder.objects()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.folder.open(name)
    }

    fn digest(&self, name: &str) -> Option<Digest> {
        self.digests.get(name).copied()
    }
}

/// Verifies the outer part of the package in `folder`, whose objects were checked as they arrived; who signed must not
/// stand on a list of `revocation`.
///
/// # Errors
/// [`Reason::MalformedPackage`] naming the first part that fails.
pub(super) fn check_outer(
    folder: &Path,
    objects: &[ObjectRow],
    anchors: &Anchors,
    revocation: &RevocationLists,
    at: Timestamp,
) -> Result<VerifiedPackage, Problem> {
    let failed = |what: String| {
        Problem::new(Reason::MalformedPackage, format!("the package does not verify: {what}"))
            .with_hint("`rogatory package verify` shows every check")
    };
    let source = Hashed {
        folder: FolderSource::open(folder).map_err(|error| failed(rogatory_core::chain(&error)))?,
        digests: objects.iter().map(|object| (object.name.clone(), object.sha256)).collect(),
    };
    let options = VerifyOptions { revocation: Some(revocation), ..VerifyOptions::new(anchors, at) };
    verify_package(&source, &options, &mut NoProgress).into_package().map_err(|verdict| {
        let first = verdict.failures().next().map(|check| match &check.outcome {
            Outcome::Failed { why } => format!("{}: {why}", check.text),
            _ => check.text.clone(),
        });
        failed(first.unwrap_or_else(|| "nothing could be verified".to_owned()))
    })
}
