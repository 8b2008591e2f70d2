//! Inputs to begin with, made from `tests/vectors`, and what those files say of themselves.
//!
//! May read files. An input that is committed as a vector is never copied.

use rogatory_container::zip::{StrictZip, ZipLimits};
use rogatory_core::Timestamp;
use rogatory_pki::path::Anchors;
use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors").join(name)
}

/// Reads one vector.
pub(crate) fn file(folder_name: &str, name: &str) -> Vec<u8> {
    let path = folder(folder_name).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The instant at which the good vectors are good.
pub(crate) fn at() -> Timestamp {
    "2026-11-22T14:20:00Z".parse().expect("an instant")
}

/// The anchors of a folder of vectors.
pub(crate) fn anchors(folder_name: &str) -> Anchors {
    let text = String::from_utf8(file(folder_name, "anchors.pem")).expect("text");
    Anchors::from_pem(&text, None).expect("anchors")
}

/// All files of a folder with this ending, by name.
pub(crate) fn files(folder_name: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder(folder_name)).expect("a folder of vectors");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.retain(|name| name.ends_with(ending));
    names.sort();
    names.into_iter().map(|name| (name.clone(), file(folder_name, &name))).collect()
}

/// All containers of small documents.
pub(crate) fn documents() -> Vec<(String, Vec<u8>)> {
    ["container", "receipt", "party-entry"].into_iter().flat_map(|name| files(name, ".asice")).collect()
}

/// The entries of a container, if it is one.
pub(crate) fn entries(container: &[u8]) -> Vec<(String, Vec<u8>)> {
    let Ok(mut zip) = StrictZip::open(Cursor::new(container), ZipLimits::PACKAGE) else {
        return Vec::new();
    };
    let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
    names.into_iter().filter_map(|name| Some((name.clone(), zip.read(&name, 1 << 20).ok()?))).collect()
}

/// Every entry of every container whose name fits, each content once.
pub(crate) fn contents(fits: impl Fn(&str) -> bool) -> Vec<Vec<u8>> {
    let containers = documents().into_iter().chain(files("package", ".asice"));
    let found: BTreeSet<Vec<u8>> = containers
        .flat_map(|(_, bytes)| entries(&bytes))
        .filter(|(name, _)| fits(name))
        .map(|(_, content)| content)
        .collect();
    found.into_iter().collect()
}

/// The vectors of the custody log of one kind, without their first lines.
pub(crate) fn custody(kind: &str) -> Vec<Vec<u8>> {
    let said = format!("# kind: {kind}");
    let body = |(_, bytes): (String, Vec<u8>)| {
        let text = String::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("---\n")?;
        head.lines().any(|line| line == said).then(|| body.as_bytes().to_vec())
    };
    files("custody", ".txt").into_iter().filter_map(body).collect()
}

/// The keys that the vectors of the custody log are checked with.
pub(crate) fn vkeys() -> Vec<rogatory_custody::note::Vkey> {
    let text = String::from_utf8(file("custody", "record-good.txt")).expect("text");
    let keys = text.lines().filter_map(|line| line.strip_prefix("# vkey: "));
    keys.map(|key| key.parse().expect("a key")).collect()
}
