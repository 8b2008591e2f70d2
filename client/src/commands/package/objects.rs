//! The objects of a package on this machine and on the wire.
//!
//! Names from the server become file names only if they are those of a package.

use crate::output::progress::Progress;
use crate::problem::{Problem, clean};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::verify::claimed_original;
use rogatory_evidence::{
    FolderSource, ObjectDigest, ObjectInfo, ObjectList, PackageError, PackageSource,
    Progress as EvidenceProgress, Step, ZipSource, claimed_list,
};
use rogatory_proto::common::v1::PackageObject;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

pub(super) use rogatory_evidence::PERSON_MANIFEST;

/// The most objects a package may have.
const MAX_OBJECTS: usize = 100_032;

/// A package on this machine.
pub(super) enum Source {
    Folder(FolderSource),
    Zip(ZipSource),
}

impl Source {
    /// Opens a package folder or a container file.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let opened = if path.is_dir() {
            FolderSource::open(path).map(Self::Folder)
        } else {
            ZipSource::open(path).map(Self::Zip)
        };
        opened.map_err(|error| unreadable(path, &error))
    }

    /// Every object with the digest that the package's manifest claims; who takes the package hashes it.
    pub(super) fn list(&self, path: &Path, progress: &Arc<dyn Progress>) -> Result<ObjectList, Problem> {
        let mut telling = Telling(Arc::clone(progress));
        let list = claimed_list(self, &mut telling).map_err(|error| unreadable(path, &error));
        progress.end();
        list
    }
}

impl PackageSource for Source {
    fn objects(&self) -> Vec<ObjectInfo> {
        match self {
            Self::Folder(source) => source.objects(),
            Self::Zip(source) => source.objects(),
        }
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Folder(source) => source.open(name),
            Self::Zip(source) => source.open(name),
        }
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Folder(source) => source.open_at(name, offset),
            Self::Zip(source) => source.open_at(name, offset),
        }
    }
}

/// The problem of a package that cannot be read. Unreadable counts as not verified.
pub(super) fn unreadable(path: &Path, error: &PackageError) -> Problem {
    Problem::unverified(format!("package `{}` cannot be read", path.display())).because(error)
}

/// The id under which receipts know the package at `path`, as it claims: of a derived one the original's.
pub(crate) fn known_as(path: &Path) -> Result<PackageId, Problem> {
    claimed_original(path).map_err(|error| unreadable(path, &error))
}

/// The id of the package that `objects` make up.
pub(super) fn id_of(objects: &ObjectList, path: &Path) -> Result<(PackageId, Digest), Problem> {
    let manifest = objects.get(PERSON_MANIFEST).ok_or_else(|| {
        Problem::unverified(format!("package `{}` holds no `{PERSON_MANIFEST}`", path.display()))
            .with_hint("seal it first: `rogatory package seal`")
    })?;
    Ok((PackageId::of_manifest(&manifest.sha256), manifest.sha256))
}

/// Passes the progress of the evidence crate on.
pub(crate) struct Telling(pub(crate) Arc<dyn Progress>);

impl EvidenceProgress for Telling {
    fn begin(&mut self, step: Step, total_bytes: Option<u64>) {
        self.0.end();
        let what = match step {
            Step::Sealing => "sealing",
            Step::Verifying => "verifying",
            Step::Opening => "opening",
            Step::Writing => "writing",
            Step::Syncing => "making durable",
        };
        self.0.begin(what, total_bytes);
    }

    fn advance(&mut self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn object(&mut self, name: &str) {
        self.0.object(name);
    }
}

/// Checks the objects that the server announces: their names are safe as file names then.
pub(super) fn announced(objects: Vec<PackageObject>) -> Result<Vec<ObjectDigest>, Problem> {
    let bad =
        |what: String| Problem::unverified(format!("the server announces {what}, which no package holds"));
    if objects.is_empty() || objects.len() > MAX_OBJECTS {
        return Err(bad(format!("{} objects", objects.len())));
    }
    let mut seen = BTreeSet::new();
    objects
        .into_iter()
        .map(|object| {
            let sha256 = Digest::from_slice(&object.sha256).ok().filter(|_| is_object_name(&object.name));
            let sha256 = sha256.ok_or_else(|| bad(format!("object `{}`", clean(&object.name))))?;
            if !seen.insert(object.name.clone()) {
                return Err(bad(format!("object `{}` twice", clean(&object.name))));
            }
            Ok(ObjectDigest { name: object.name, size_bytes: object.size_bytes, sha256 })
        })
        .collect()
}

/// The digest by which a receipt names all objects: SHA-256 of a list as `sha256sum` writes it, in
/// the order of the package.
pub(super) fn digest_of_list(objects: &[ObjectDigest]) -> Digest {
    let list: String = objects.iter().map(|object| format!("{}  {}\n", object.sha256, object.name)).collect();
    Digest::of(list.as_bytes())
}

/// Whether a name is one that objects of a package have: at the top, in `data` or in `META-INF`.
fn is_object_name(name: &str) -> bool {
    let plain = |part: &str| {
        (1..=64).contains(&part.len())
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
    };
    match name.split_once('/') {
        None => plain(name) && name != "data" && name != "META-INF",
        Some((folder, file)) => matches!(folder, "data" | "META-INF") && plain(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_package_become_files() {
        for name in ["mimetype", "data/EX-0001.age", "META-INF/ASiCManifest001.xml", "manifest-sha256.txt"] {
            assert!(is_object_name(name), "{name}");
        }
        for name in [
            "",
            "../x",
            "data/../x",
            "/etc/passwd",
            "data/",
            "data/a/b",
            "x/y",
            ".hidden",
            "data/.x",
            "a\\b",
            "data",
            "ä",
            "a:b",
        ] {
            assert!(!is_object_name(name), "{name}");
        }
    }

    #[test]
    fn an_object_that_is_announced_twice_is_refused() {
        let object =
            || PackageObject { name: "mimetype".to_owned(), size_bytes: 1, sha256: vec![0; 32].into() };
        assert!(announced(vec![object()]).is_ok());
        assert!(announced(vec![object(), object()]).is_err());
        assert!(announced(Vec::new()).is_err());
    }
}
