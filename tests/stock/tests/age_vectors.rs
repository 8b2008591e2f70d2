//! Every vector of C2SP for age files has its outcome on the path on which evidence is opened.
//!
//! The vectors are npm's `cctv-age`, as `tests/stock/node` names it. What they say of armor and of passphrases, which
//! evidence never has, must be refused, and for that reason.

use rogatory_core::Digest;
use rogatory_evidence::age_layer::{AgeError, Identities, generate_identity, open_age_file};
use rogatory_stock_tools::tools::{node, text};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;

/// How many vectors there are: a new edition of them shall be looked at.
const VECTORS: usize = 143;

/// Vectors whose last authentic chunk does not stand where it says it does: cut off behind it, or followed by more.
/// A program that gives every authentic chunk gives it too; ours knows what follows before it gives one, and gives
/// only what is right in its place.
const WITHHELD: [&str; 7] = [
    "stream_no_final_full",
    "stream_no_final_two_chunks_full",
    "stream_trailing_garbage_long",
    "stream_trailing_garbage_short",
    "stream_two_final_chunks",
    "stream_two_final_chunks_full",
    "stream_two_final_chunks_second",
];
const CHUNK_BYTES: usize = 65_536;

/// What came of opening a file.
struct Opened {
    /// In the words of the vectors.
    outcome: &'static str,
    /// In the words of the error.
    why: String,
    /// What was given before it.
    plaintext: Vec<u8>,
}

fn open(file: &[u8], identities: &Identities, threads: usize) -> Opened {
    let mut plaintext = Vec::new();
    let mut reader = match open_age_file(file, identities, threads) {
        Ok(reader) => reader,
        Err(error) => {
            let outcome = match &error {
                AgeError::NotARecipient => "no match",
                AgeError::Mac => "HMAC failure",
                AgeError::Armored => "armored",
                AgeError::Passphrase => "passphrase",
                AgeError::Header(_) => "header failure",
                _ => "another failure",
            };
            return Opened { outcome, why: error.to_string(), plaintext };
        }
    };
    // In pieces that fit no chunk, as somebody reads who knows of none.
    let mut piece = [0; 1_021];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Opened { outcome: "success", why: String::new(), plaintext },
            Ok(count) => plaintext.extend_from_slice(&piece[..count]),
            Err(error) => return Opened { outcome: "payload failure", why: error.to_string(), plaintext },
        }
    }
}

/// What must come of it here: what the vector says, but for what no package has.
fn expected(fields: &BTreeMap<String, Vec<String>>, file: &[u8]) -> &'static str {
    let has = |name: &str| fields.contains_key(name);
    let starts = |start: &[u8]| file.starts_with(start);
    if has("armored") {
        // White space or something else before the armor hides it: then it is no age file at all.
        return if starts(b"-----BEGIN AGE ENCRYPTED FILE-----") { "armored" } else { "header failure" };
    }
    let said = fields["expect"][0].as_str();
    if has("passphrase") && file.windows(11).any(|window| window == b"\n-> scrypt ") {
        // A malformed header stays one; a sound one needs a passphrase, right or wrong.
        return if said == "header failure" { "passphrase or header failure" } else { "passphrase" };
    }
    match said {
        "success" => "success",
        "no match" => "no match",
        "HMAC failure" => "HMAC failure",
        "header failure" => "header failure",
        "payload failure" => "payload failure",
        other => panic!("a vector expects `{other}`, which this test does not know"),
    }
}

#[test]
fn every_vector_of_c2sp_has_its_outcome_on_our_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let count = node("vectors.mjs", &[text(folder.path())], folder.path()).succeeds().output();
    assert_eq!(count.trim(), VECTORS.to_string());
    let (stranger, _) = generate_identity();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder.path()).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in fs::read_to_string(&path).expect("text").lines() {
            let (field, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: `{line}`"));
            fields.entry(field.to_owned()).or_default().push(value.to_owned());
        }
        let file = fs::read(path.with_extension("age")).expect("reads");
        let keys = fields.get("identity").map_or_else(|| stranger.to_string(), |keys| keys.join("\n"));
        let identities = Identities::parse(&[&keys]).unwrap_or_else(|error| panic!("{name}: {error}"));

        let expected = expected(&fields, &file);
        *seen.entry(expected).or_default() += 1;
        // What may be given is what the vector says: all of it, or the chunks before the wrong one.
        let mut may = Vec::new();
        if ["success", "payload failure"].contains(&expected) {
            may = fs::read(path.with_extension("plain")).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(Digest::of(&may).to_hex(), fields["payload"][0], "{name}");
        }
        if WITHHELD.contains(&name.as_str()) {
            may.truncate(may.len() - CHUNK_BYTES);
        }
        for threads in [1, 2, 5] {
            let opened = open(&file, &identities, threads);
            if !expected.split(" or ").any(|outcome| outcome == opened.outcome) {
                let why = &opened.why;
                wrong.push(format!("{name}, {threads}: {} ({why}), not {expected}", opened.outcome));
            }
            if opened.plaintext != may {
                let given = opened.plaintext.len();
                wrong.push(format!("{name}, {threads}: {given} bytes were given, not {}", may.len()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} vectors have another outcome:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(seen.values().sum::<usize>(), VECTORS);
    let expected = BTreeMap::from([
        ("success", 18),
        ("no match", 9),
        ("HMAC failure", 1),
        ("header failure", 45),
        ("payload failure", 18),
        ("armored", 28),
        ("passphrase", 4),
        ("passphrase or header failure", 20),
    ]);
    assert_eq!(seen, expected);
}
