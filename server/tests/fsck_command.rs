//! The command `rogatory-server fsck` as an operator types it: what it prints, and how it ends.

use std::path::Path;
use std::process::{Command, Output};

fn server(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rogatory-server"))
        .args(arguments)
        .env_clear()
        .output()
        .expect("the server's program runs")
}

fn set_up(folder: &Path, country_ca: &Path) -> String {
    let text = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    let (folder, country_ca) = (text(folder), text(country_ca));
    let made = server(&[
        "init",
        "--development",
        "--directory",
        &folder,
        "--party",
        "md/central-authority",
        "--name",
        "Prosecutor General MD",
        "--kind",
        "central-authority",
        "--office",
        "127.0.0.1:1",
        "--peer",
        "127.0.0.1:2",
        "--domain",
        "office.example",
        "--country-ca",
        &country_ca,
        "--officer",
        "operator=Otto Operator:operator",
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

#[test]
fn a_new_folder_is_sound_and_one_without_its_office_key_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = set_up(&directory.path().join("server"), &directory.path().join("ca"));
    let checked = server(&["fsck", "--directory", &folder]);
    let text = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(text.ends_with("\nsound\n"), "{text}");
    assert!(text.contains("objects: sizes compared"), "{text}");

    let config = std::fs::read_to_string(Path::new(&folder).join("server.toml")).expect("a configuration");
    let line = config.lines().find(|line| line.starts_with("case_keys")).expect("the key store's folder");
    let keys = line.split('"').nth(1).expect("a folder");
    std::fs::remove_file(Path::new(&folder).join(keys).join("000001.keys")).expect("removed");
    let checked = server(&["fsck", "--directory", &folder, "--deep", "--json"]);
    assert_eq!(checked.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!((report["format"].as_u64(), report["sound"].as_bool()), (Some(1), Some(false)));
    assert_eq!(report["findings"][0]["item"].as_str(), Some("case-key"));
    assert_eq!(report["findings"][0]["fault"].as_str(), Some("missing"));
}

#[test]
fn a_folder_without_a_server_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let checked = server(&["fsck", "--directory", directory.path().to_str().expect("a path")]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(checked.stdout.is_empty());
    assert!(String::from_utf8_lossy(&checked.stderr).contains("the configuration"), "no report, but why");
}
