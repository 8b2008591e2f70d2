//! The real binary, offline: what is typed wrong is named, with exit 2 and nothing on standard output.

use std::path::Path;
use std::process::{Command, Output};

fn rogatory(directory: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rogatory"))
        .args(words)
        .current_dir(directory)
        .env_clear()
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A directory with one file of facts.
fn desk() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("facts.json"), "{}").expect("written");
    directory
}

#[test]
fn what_is_typed_wrong_is_named_with_what_to_write_instead() {
    let desk = desk();
    for (line, says) in [
        ("request refuse C-1 --ground R07 --reason No.", &["--ground: `R07`", "  R07-dual-criminality"][..]),
        ("request postpone C-1 --ground P9 --reason No.", &["--ground: `P9`", "  P03-remedy-pending"]),
        ("request ask C-1 --question q1 --text Which?", &["--question: `q1`", "for example Q1"]),
        ("request forward C-1 --to Moldova --reason X.", &["Moldova", "rogatory party list"]),
        ("preservation confirm C-1 --until tomorrow --reference X", &["--until: ", "2027-01-25T23:59:59Z"]),
        ("preservation confirm C-1 --days many --reference X", &["--days"]),
        ("preservation request --facts none.json --to md/central-authority", &["`none.json`"]),
        (
            "request check --template ets185/art31-trafficking --facts facts.json --language de",
            &["there is no form ets185/art31-trafficking in de", "en, fr"],
        ),
        (
            "request check --template ets185/art31-trafficking --facts facts.json --beside en",
            &["in en with en beside"],
        ),
        ("request withdraw C-1 --reason Solved.", &["profile"]),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let output = rogatory(desk.path(), &words);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {told}");
        assert_eq!(text(&output.stdout), "", "{line}");
        for part in says {
            assert!(told.contains(part), "{line} does not say {part}: {told}");
        }
    }
}

#[test]
fn a_program_reads_the_same_as_json() {
    let desk = desk();
    let words = ["--json", "request", "refuse", "C-1", "--ground", "R07", "--reason", "No."];
    let output = rogatory(desk.path(), &words);
    assert_eq!(output.status.code(), Some(2));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&answer["format"], &answer["command"]), (&1.into(), &"request refuse".into()));
    assert_eq!(answer["error"]["exit"], 2);
    assert_eq!(answer["error"]["details"].as_array().map(Vec::len), Some(24));
}

#[test]
fn a_form_is_checked_in_the_language_wanted() {
    let desk = desk();
    for tail in [&[][..], &["--language", "fr"], &["--language", "fr", "--beside", "en"]] {
        let words = [&["template", "check", "ets185/art29"][..], tail].concat();
        let output = rogatory(desk.path(), &words);
        assert_eq!(output.status.code(), Some(0), "{tail:?}: {}", text(&output.stderr));
        let shown = rogatory(desk.path(), &[&["template", "show", "ets185/art29"][..], tail].concat());
        let french = tail.get(1) == Some(&"fr");
        assert_eq!(text(&shown.stdout).contains("Demande"), french, "{}", text(&shown.stdout));
    }
}
