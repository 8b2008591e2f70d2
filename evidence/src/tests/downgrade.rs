//! What belongs to profile 1 is judged by its strict rules, however it dresses up.

use super::*;
use crate::transmittal::MAX_TRANSMITTAL_BYTES;
use crate::verify::Form;
use std::fs;
use std::io::Write;

/// A folder with an ASiC manifest and a `transmittal.json` alone: `text`, after so many blanks in its object.
fn dressed_up(bench: &Bench, name: &str, blanks: usize, text: &str) -> PathBuf {
    let folder = bench.path(name);
    bench.file(&format!("{name}/META-INF/ASiCManifest001.xml"), b"<manifest/>");
    let mut file = fs::File::create(folder.join("transmittal.json")).expect("makes");
    file.write_all(b"{").expect("writes");
    let block = vec![b' '; 1024 * 1024];
    for _ in 0..blanks / block.len() {
        file.write_all(&block).expect("writes");
    }
    file.write_all(text.as_bytes()).expect("writes");
    folder
}

#[test]
fn a_transmittal_that_is_very_long_does_not_make_a_package_foreign() {
    let bench = bench();
    let form = |path: &Path| check(path, &bench.options()).form();
    // Somebody else's file of that name claims nothing, and one that claims a profile does.
    assert_eq!(form(&dressed_up(&bench, "other", 0, r#""title":"a letter"}"#)), Form::Foreign);
    assert_eq!(form(&dressed_up(&bench, "claims", 0, r#""profile":1}"#)), Form::Sealed);
    // What it claims lies behind the longest that a transmittal may be.
    let long = dressed_up(&bench, "long", MAX_TRANSMITTAL_BYTES, r#""profile":1}"#);
    assert_eq!(form(&long), Form::Sealed, "the strict rules hold for what was not read to its end");
    assert!(!check(&long, &bench.options()).is_verified());
}
