//! A sceptical expert's tools agree: `sha256sum`, `age`, `openssl`, `unzip`, `tar`.

use super::*;
use std::fs;
use std::process::{Command, Output as Finished};

/// Runs a tool; `None` if this machine doesn't have it.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<Finished> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(finished) => Some(finished),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{program}: {error}"),
    }
}

fn succeeds(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let Some(finished) = run(program, arguments, folder) else {
        return false;
    };
    assert!(
        finished.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&finished.stderr)
    );
    true
}

#[test]
fn stock_tools_check_and_open_a_package() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let unpacked = bench.path("unpacked");
    fs::create_dir(&unpacked).expect("makes");
    if !succeeds("unzip", &["-q", &package.display().to_string()], &unpacked) {
        return;
    }
    // The unzipped container is the folder package.
    assert_verified(&check(&unpacked, &bench.options_with_identity()));
    succeeds(
        "sha256sum",
        &["--strict", "--quiet", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"],
        &unpacked,
    );
    fs::write(bench.path("anchor.pem"), bench.office.ca.certificate_pem()).expect("writes");
    let anchor = bench.path("anchor.pem").display().to_string();
    let instant = now().seconds().to_string();
    let arguments = [
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "META-INF/signature001.p7s",
        "-content",
        "META-INF/ASiCManifest001.xml",
        "-CAfile",
        &anchor,
        "-attime",
        &instant,
        "-out",
        "signed.xml",
    ];
    succeeds("openssl", &arguments, &unpacked);
    let key = bench.file("key.txt", bench.identity_file.as_bytes()).display().to_string();
    if succeeds("age", &["-d", "-i", &key, "-o", "exhibit", "data/EX-0001.age"], &unpacked) {
        assert_eq!(fs::read(unpacked.join("exhibit")).expect("reads"), b"the content of the letter");
        succeeds("age", &["-d", "-i", &key, "-o", "folder.tar", "data/EX-0003.age"], &unpacked);
        succeeds("tar", &["-tf", "folder.tar"], &unpacked);
        succeeds("age", &["-d", "-i", &key, "-o", "index.zip", "index.age"], &unpacked);
        fs::create_dir(unpacked.join("index")).expect("makes");
        succeeds("unzip", &["-q", "../index.zip"], &unpacked.join("index"));
        succeeds("sha256sum", &["--strict", "--quiet", "-c", "records-sha256.txt"], &unpacked.join("index"));
        fs::rename(unpacked.join("exhibit"), unpacked.join("index/EX-0001")).expect("renames");
        succeeds(
            "sha256sum",
            &["--ignore-missing", "--quiet", "-c", "exhibits-sha256.txt"],
            &unpacked.join("index"),
        );
    }
}
