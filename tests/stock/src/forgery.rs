//! Packages built anew by somebody who has the files, and a key of his own.
//!
//! Everything that needs no key of others is made right again: lists, manifest, signature. What remains
//! wrong is what a verifier must find. May write into the package's folder.

use crate::formal::good;
use crate::inspection::digests;
use crate::office::write;
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_core::{Digest, Timestamp};
use rogatory_evidence::{
    FolderSource, NoProgress, PERSON_MANIFEST, PERSON_SIGNATURE, Transmittal, save_asice,
};
use rogatory_pki::signing::Signer;
use std::fs;
use std::path::Path;

/// Makes sizes, lists, manifest and signature of a package folder right again, signed by `signer`, who names
/// himself as the sender.
///
/// # Panics
/// If it can't.
pub fn rebuild(folder: &Path, signer: &dyn Signer) {
    let leaf = signer.chain().first().unwrap_or_else(|| panic!("the signer has no certificate"));
    // Within the certificate's validity without asking a clock.
    let at = leaf.not_before().plus_seconds(30);
    correct_transmittal(folder, &leaf.digest());
    let list = |names: &[String]| {
        let found = digests(folder);
        let line = |name: &String| found.get(name).map(|digest| format!("{digest}  {name}\n"));
        names.iter().filter_map(line).collect::<String>()
    };
    let exhibits: Vec<String> =
        digests(folder).into_keys().filter(|name| name.starts_with("data/")).collect();
    write(&folder.join("manifest-sha256.txt"), list(&exhibits).as_bytes());
    let tags =
        ["bag-info.txt", "bagit.txt", "index.age", "manifest-sha256.txt", "mimetype", "transmittal.json"];
    write(&folder.join("tagmanifest-sha256.txt"), list(&tags.map(str::to_owned)).as_bytes());
    sign(folder, &exhibits, signer, at);
}

fn sign(folder: &Path, exhibits: &[String], signer: &dyn Signer, at: Timestamp) {
    let tags = [
        "index.age",
        "transmittal.json",
        "bag-info.txt",
        "bagit.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
    ];
    let reference = |name: &str| DataReference {
        uri: name.to_owned(),
        mime: None,
        digest: Digest::of(&fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))),
    };
    let references = exhibits.iter().map(String::as_str).chain(tags).map(reference).collect();
    let manifest = AsicManifest::new(PERSON_SIGNATURE, references).unwrap_or_else(|error| panic!("{error}"));
    let manifest = manifest.to_xml();
    let signature = cades::sign(&manifest, signer, at, None).unwrap_or_else(|error| panic!("{error}"));
    write(&folder.join(PERSON_MANIFEST), &manifest);
    write(&folder.join(PERSON_SIGNATURE), &signature);
}

/// Names the sender, and the sizes that the exhibits have now.
fn correct_transmittal(folder: &Path, certificate: &Digest) {
    let path = folder.join("transmittal.json");
    let mut transmittal = good(Transmittal::from_bytes(&good(fs::read(&path))));
    transmittal.sender.certificate_sha256 = *certificate;
    for exhibit in &mut transmittal.exhibits {
        exhibit.size_bytes = good(fs::metadata(folder.join(exhibit.name.object_name()))).len();
    }
    write(&path, &good(transmittal.to_bytes()));
    let info = good(fs::read_to_string(folder.join("bag-info.txt")));
    let day = info.lines().next().unwrap_or_default();
    let oxum = format!("Payload-Oxum: {}.{}", transmittal.total_bytes(), transmittal.exhibits.len());
    write(&folder.join("bag-info.txt"), format!("{day}\n{oxum}\n").as_bytes());
}

/// Zips a package folder into a container file.
///
/// # Panics
/// If it can't.
pub fn zip(folder: &Path, container: &Path) {
    let source = FolderSource::open(folder).unwrap_or_else(|error| panic!("{error}"));
    save_asice(&source, container, &mut NoProgress).unwrap_or_else(|error| panic!("{error}"));
}
