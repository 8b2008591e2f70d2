//! Looks at containers with other people's tools alone; our own code only compares what they say.
//!
//! May start tools and write below the folder it is given.

use crate::tools::{own_file, python, run, text};
use rogatory_core::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Demands that `unzip`, Python and Java read every entry of a container file alike; gives the folder
/// `into`, where `unzip` put the entries.
#[track_caller]
pub fn zip_readers(container: &Path, into: &Path) -> PathBuf {
    let here = container.parent().unwrap_or(container);
    run("unzip", &["-tqq", text(container)], here).succeeds();
    run("unzip", &["-qq", text(container), "-d", text(into)], here).succeeds();
    let unzipped = digests(into);
    let script = own_file("python/read_zip.py");
    let by_python = run(python(), &[text(&script), text(container)], here).succeeds().output();
    assert_eq!(listed(&by_python), unzipped, "Python reads other entries than unzip");
    assert!(by_python.lines().next().is_some_and(|line| line.ends_with("  mimetype")));
    let by_java =
        run("java", &[text(&own_file("java/ReadZip.java")), text(container)], here).succeeds().output();
    assert_eq!(by_java, by_python, "Java reads other entries than Python, or in another order");
    into.to_owned()
}

/// Demands that the unzipped package is a bag and its lists are right.
#[track_caller]
pub fn bag(folder: &Path) {
    for list in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        run("sha256sum", &["--strict", "--quiet", "-c", list], folder).succeeds();
    }
    let bagit = python().with_file_name("bagit.py");
    assert!(bagit.exists(), "there is no `{}`; `cargo xtask test` installs it", bagit.display());
    run(python(), &[text(&bagit), "--validate", "."], folder).succeeds().says("is valid");
}

/// Demands that `openssl` finds CAdES signature `n` of an unzipped container good under `anchors`.
#[track_caller]
pub fn signature(folder: &Path, n: usize, anchors: &Path) {
    let signature = format!("META-INF/signature{n:03}.p7s");
    let manifest = format!("META-INF/ASiCManifest{n:03}.xml");
    let signed = folder.join(format!("../signed{n}.xml"));
    let mut arguments = vec!["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", &signature];
    arguments.extend(["-content", &manifest, "-CAfile", text(anchors), "-no-CApath", "-no-CAstore"]);
    arguments.extend(["-purpose", "any", "-out", text(&signed)]);
    run("openssl", &arguments, folder).succeeds().says("CAdES Verification successful");
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        read(&signed) == read(&folder.join(&manifest)),
        "`openssl` verified other bytes than the manifest"
    );
}

/// Demands that manifest `n` gives the digests of the unzipped files; gives the names it covers.
#[track_caller]
pub fn manifest(folder: &Path, n: usize) -> BTreeSet<String> {
    let name = format!("META-INF/ASiCManifest{n:03}.xml");
    let script = own_file("python/manifest.py");
    let covered = run(python(), &[text(&script), text(folder), &name], folder).succeeds().output();
    covered.lines().map(str::to_owned).collect()
}

/// Demands that manifest 001 covers every file of a package but `mimetype` and `META-INF`.
#[track_caller]
pub fn covers_everything(folder: &Path) {
    let mut files: BTreeSet<String> = digests(folder).into_keys().collect();
    files.retain(|name| name != "mimetype" && !name.starts_with("META-INF/"));
    assert_eq!(manifest(folder, 1), files);
}

/// Decrypts `name` of a package with `age` into a new file.
#[track_caller]
pub fn decrypt(folder: &Path, name: &str, identity: &Path, into: &Path) {
    // With `-o`, `age` makes no file where the exhibit is empty.
    let opened = run("age", &["-d", "-i", text(identity), name], folder).succeeds();
    crate::office::write(into, &opened.stdout);
}

/// Demands that the index opens with `age`, is a container with a good signature, and gives the digests of
/// the exhibits, which `age` opens too; gives the folder with the decrypted exhibits `EX-0001` ….
#[track_caller]
pub fn contents(folder: &Path, identity: &Path, anchors: &Path, work: &Path) -> PathBuf {
    let container = work.join("index.asice");
    decrypt(folder, "index.age", identity, &container);
    let index = zip_readers(&container, &work.join("index"));
    signature(&index, 1, anchors);
    let lists = ["transmittal.json", "exhibits-sha256.txt", "records-sha256.txt"].map(str::to_owned);
    assert_eq!(manifest(&index, 1), BTreeSet::from(lists));
    run("sha256sum", &["--strict", "--quiet", "-c", "records-sha256.txt"], &index).succeeds();
    let outer = fs::read(folder.join("transmittal.json")).unwrap_or_default();
    assert!(
        fs::read(index.join("transmittal.json")).is_ok_and(|inner| inner == outer),
        "transmittals differ"
    );

    let exhibits = work.join("exhibits");
    fs::create_dir(&exhibits).unwrap_or_else(|error| panic!("{}: {error}", exhibits.display()));
    let sealed: Vec<String> = digests(folder).into_keys().filter(|name| name.starts_with("data/")).collect();
    for name in &sealed {
        let number = name.trim_start_matches("data/").trim_end_matches(".age");
        decrypt(folder, name, identity, &exhibits.join(number));
    }
    let list = index.join("exhibits-sha256.txt");
    run("sha256sum", &["--strict", "--quiet", "-c", text(&list)], &exhibits).succeeds();
    let lines = fs::read_to_string(&list).unwrap_or_default().lines().count();
    assert_eq!(lines, sealed.len(), "`exhibits-sha256.txt` lists other exhibits than there are");
    exhibits
}

/// SHA-256 of every file below `folder`, by its path.
#[must_use]
pub fn digests(folder: &Path) -> BTreeMap<String, String> {
    crate::exhibits::tree(folder)
        .into_iter()
        .filter(|(_, (kind, ..))| *kind == 'f')
        .map(|(path, (_, content, ..))| {
            (String::from_utf8_lossy(&path).into_owned(), Digest::of(&content).to_hex())
        })
        .collect()
}

fn listed(text: &str) -> BTreeMap<String, String> {
    let row = |line: &str| line.split_once("  ").map(|(digest, name)| (name.to_owned(), digest.to_owned()));
    text.lines().filter_map(row).collect()
}
