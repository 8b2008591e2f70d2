//! The forms of bodies, notes and keys, one defect a file.

use super::{Files, sign};
use crate::common::{CASE_KEY, Log, NEXT_ORIGIN, ORIGIN, honest, key as key_of, log_key, pem, salt};
use data_encoding::BASE64;
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::leaf::TagKey;
use rogatory_custody::proof::{InclusionProof, OpenedEntry};
use rogatory_custody::tree::leaf_hash;

/// The most bytes of a body.
const MAX_BODY: usize = 65_536;

/// Open proofs in a log of one leaf: only the body's form is in question.
pub(crate) fn bodies(files: &mut Files) {
    let vkey = log_key().vkey().to_string();
    let tag = TagKey::derive(&CASE_KEY).tag(&"fr/bepi".parse().expect("a stream"), 1);
    let mut add = |name: &str, about: &str, is_good: bool, body: &[u8]| {
        let opened = OpenedEntry { tag, salt: salt(0), body: body.to_vec() };
        let mut log = Log::new();
        log.append(leaf_hash(&opened.leaf()));
        let checkpoint = log.checkpoint(ORIGIN, &log_key());
        let proof = InclusionProof { entry: Some(opened), index: 0, hashes: Vec::new(), checkpoint };
        let part = if is_good { None } else { Some("") };
        let header = [("kind", "proof"), ("vkey", &*vkey)];
        files.add(&format!("body-{name}"), about, &header, part, proof.to_string().as_bytes());
    };
    let good = r#"{"case":"C-7K2M9QXR4T1VC8ZE","stream":"fr/bepi","n":1,"previous":null,"at":"2026-11-22T14:21:00Z","event":"document-received"}"#;
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let event = |more: &str| with("\"document-received\"", &format!("\"document-received\",{more}"));
    let at = |instant: &str| with("2026-11-22T14:21:00Z", instant);
    let padded =
        |size: usize| event(&format!("\"more\":\"{}\"", "x".repeat(size - event("\"more\":\"\"").len())));
    let nested =
        |depth: usize| event(&format!("\"more\":{}{}", "[".repeat(depth - 1), "]".repeat(depth - 1)));
    let mut good_ones = |name: &str, about: &str, body: String| {
        add(&format!("good-{name}"), about, true, body.as_bytes());
    };
    good_ones("plain", "A body; the log has one leaf.", good.to_owned());
    good_ones("largest", "A body of 65,536 bytes.", padded(MAX_BODY));
    good_ones("deepest", "A body nested 127 levels deep.", nested(127));
    good_ones("unknown-twice", "A field that no reader knows stands twice.", event(r#""x":1,"x":2"#));
    good_ones(
        "spaces",
        "Spaces and a newline that JSON allows; nobody rebuilds a body.",
        with(":1,", " :\t1 ,\n") + "\n",
    );
    good_ones("escaped", "A letter is written as an escape.", with("fr/bepi", "fr\\/b\\u0065pi"));
    good_ones(
        "large-number",
        "A number that needs more than 64 bits.",
        event("\"more\":[1e300,18446744073709551616]"),
    );
    good_ones("fraction", "An instant of six digits behind the second.", at("2026-11-22T14:21:00.000001Z"));
    good_ones("leap-day", "The 29th of February of a leap year.", at("2028-02-29T23:59:59Z"));
    good_ones("office", "The pseudo-case of the office.", with("C-7K2M9QXR4T1VC8ZE", "office"));
    let mut bad = |name: &str, about: &str, body: String| add(name, about, false, body.as_bytes());
    bad("too-large", "A body of 65,537 bytes.", padded(MAX_BODY + 1));
    bad("too-deep", "A body nested 128 levels deep.", nested(128));
    bad("space-first", "A body that begins with a space.", format!(" {good}"));
    bad("mark-first", "A body that begins with a byte-order mark.", format!("\u{feff}{good}"));
    bad("not-closed", "The last bracket is missing.", good[..good.len() - 1].to_owned());
    bad("text-behind", "Something stands behind the object.", format!("{good}{{}}"));
    bad("not-a-number", "JSON has no NaN.", event("\"more\":NaN"));
    bad("number-out-of-range", "A number beyond what binary64 holds.", event("\"more\":1e400"));
    let digits = format!("\"more\":1{}", "0".repeat(400));
    bad("digits-out-of-range", "The same in plain digits.", event(&digits));
    bad("comma-last", "A comma before the last bracket.", event(""));
    bad(
        "newline-in-a-string",
        "A newline inside a string.",
        with("document-received", "document-\nreceived"),
    );
    bad("half-a-character", "An escape of half a character.", with("document-received", "\\ud800"));
    for field in ["case", "stream", "n", "previous", "at"] {
        let renamed = with(&format!("\"{field}\":"), &format!("\"{field}s\":"));
        bad(&format!("without-{field}"), &format!("A body has no field `{field}`."), renamed);
    }
    bad("case-number", "The case is no string.", with("\"C-7K2M9QXR4T1VC8ZE\"", "7"));
    bad("number-zero", "Events count from 1.", with("\"n\":1", "\"n\":0"));
    bad("number-too-large", "The number is 2^63.", with("\"n\":1", "\"n\":9223372036854775808"));
    bad("number-with-point", "The number is written with a point.", with("\"n\":1", "\"n\":1.0"));
    bad("number-as-text", "The number is a string.", with("\"n\":1", "\"n\":\"1\""));
    bad("number-negative", "The number is below zero.", with("\"n\":1", "\"n\":-1"));
    bad("stream-unknown", "The stream is neither `internal` nor a party.", with("fr/bepi", "bepi"));
    bad("stream-capitals", "The stream is written in capitals.", with("fr/bepi", "FR/BEPI"));
    let digest = "ab".repeat(32);
    bad(
        "previous-capitals",
        "The previous leaf is written in capitals.",
        with("null", &format!("\"{}\"", digest.to_uppercase())),
    );
    bad("previous-short", "The previous leaf has 31 bytes.", with("null", &format!("\"{}\"", &digest[2..])));
    for (name, about, instant) in [
        ("instant-offset", "An instant with an offset.", "2026-11-22T14:21:00+00:00"),
        ("instant-lower-case", "An instant with small letters.", "2026-11-22t14:21:00z"),
        ("instant-space", "An instant with a space for the T.", "2026-11-22 14:21:00Z"),
        ("instant-without-seconds", "An instant without seconds.", "2026-11-22T14:21Z"),
        ("instant-zero-last", "A fraction that ends in 0.", "2026-11-22T14:21:00.10Z"),
        ("instant-seven-digits", "A fraction of seven digits.", "2026-11-22T14:21:00.0000001Z"),
        ("instant-empty-fraction", "A point and no fraction.", "2026-11-22T14:21:00.Z"),
        ("instant-second-60", "A second 60.", "2026-11-22T14:21:60Z"),
        ("instant-hour-24", "An hour 24.", "2026-11-22T24:00:00Z"),
        ("instant-30-february", "The 30th of February.", "2028-02-30T14:21:00Z"),
        ("instant-no-leap-year", "The 29th of February of another year.", "2026-02-29T14:21:00Z"),
        ("instant-month-0", "A month 0.", "2026-00-22T14:21:00Z"),
        ("instant-year-0", "The year 0, which the calendar doesn't have.", "0000-11-22T14:21:00Z"),
    ] {
        bad(name, about, at(instant));
    }
    let mut bytes = good.as_bytes().to_vec();
    let letter = good.find("document").expect("it is there");
    bytes[letter] = 0xff;
    add("not-utf-8", "A byte that UTF-8 doesn't have.", false, &bytes);
}

/// Checkpoints whose bytes, not their sense, are at fault.
pub(crate) fn notes(files: &mut Files) {
    let key = log_key();
    let good = honest().checkpoint;
    let (text, own) = good.rsplit_once("\n\n").map(|(text, own)| (format!("{text}\n"), own)).expect("a note");
    let vkey = key.vkey().to_string();
    let mut add = |name: &str, about: &str, is_good: bool, note: &[u8]| {
        let part = if is_good { None } else { Some("") };
        let header = [("kind", "checkpoint"), ("vkey", &*vkey)];
        files.add(&format!("checkpoint-{name}"), about, &header, part, note);
    };
    let line = |name: &str, bytes: &[u8]| format!("\u{2014} {name} {}\n", BASE64.encode(bytes));
    let others = |count: u8| -> String { (0..count).map(|at| line("other.example", &[at; 68])).collect() };
    add(
        "good-32-lines",
        "32 signature lines, the log's last.",
        true,
        format!("{text}\n{}{own}", others(31)).as_bytes(),
    );
    add("33-lines", "33 signature lines.", false, format!("{good}{}", others(32)).as_bytes());
    let fill = |size: usize| {
        // A line of another key that fills the note up.
        let empty = good.len() + line("other.example", &[]).len();
        let line = line("other.example", &vec![0; (size - empty) / 4 * 3]);
        let name = format!("other.example{}", "x".repeat((size - empty) % 4));
        format!("{good}{}", line.replacen("other.example", &name, 1))
    };
    add("good-largest", "A note of 131,072 bytes.", true, fill(131_072).as_bytes());
    add("too-large", "A note of 131,073 bytes.", false, fill(131_073).as_bytes());
    let mut unclean = good.clone().into_bytes();
    let at = good.find("rogatory").expect("it is there");
    unclean[at] = 0xff;
    add("not-utf-8", "A byte that UTF-8 doesn't have.", false, &unclean);
    add("mark-first", "A byte-order mark before the note.", false, format!("\u{feff}{good}").as_bytes());
    let other = |line: &str| format!("{good}{line}");
    add(
        "name-with-space",
        "Another key's name has a no-break space.",
        false,
        other(&line("other\u{a0}example", &[0; 68])).as_bytes(),
    );
    add(
        "name-with-plus",
        "Another key's name has a plus sign.",
        false,
        other(&line("other+example", &[0; 68])).as_bytes(),
    );
    add(
        "name-with-tab",
        "Another key's name has a tabulator.",
        false,
        other(&line("other\texample", &[0; 68])).as_bytes(),
    );
    add("name-empty", "Another key has no name.", false, other(&line("", &[0; 68])).as_bytes());
    add(
        "two-spaces",
        "Two spaces before another key's signature.",
        false,
        other(&line("other.example ", &[0; 68])).as_bytes(),
    );
    let encoded = line("other.example", &[0; 68]);
    add(
        "base64-without-padding",
        "Another key's signature lacks its padding.",
        false,
        other(&encoded.replace('=', "")).as_bytes(),
    );
    let bits = encoded.replace("A=\n", "B=\n");
    assert_ne!(bits, encoded);
    add(
        "base64-unused-bits",
        "Bits of another key's signature that stand for nothing are set.",
        false,
        other(&bits).as_bytes(),
    );
    add(
        "base64-url",
        "Another key's signature is in the alphabet of URLs.",
        false,
        other(&line("other.example", &[0xff; 68]).replace('/', "_")).as_bytes(),
    );
    add(
        "no-empty-line",
        "No empty line above the signatures.",
        false,
        good.replacen("\n\n", "\n", 1).as_bytes(),
    );
    add("text-behind", "Text behind the signatures.", false, format!("{good}text\n").as_bytes());
    add("empty", "No bytes.", false, b"");
    let mut changed =
        BASE64.decode(own.trim_end().rsplit_once(' ').expect("a line").1.as_bytes()).expect("base64");
    changed[40] ^= 1;
    add(
        "signature-changed",
        "A bit of the log's signature is another.",
        false,
        format!("{text}\n{}", line(ORIGIN, &changed)).as_bytes(),
    );
    changed.truncate(60);
    add(
        "signature-short",
        "The log's signature has 56 bytes.",
        false,
        format!("{text}\n{}", line(ORIGIN, &changed)).as_bytes(),
    );
    let root = text.lines().nth(2).expect("three lines").to_owned();
    let bytes = BASE64.decode(root.as_bytes()).expect("base64");
    for (name, about, other) in [
        ("root-short", "The root has 31 bytes.", BASE64.encode(&bytes[..31])),
        ("root-long", "The root has 33 bytes.", BASE64.encode(&[&bytes[..], &[0]].concat())),
        ("root-in-hex", "The root is in hexadecimal.", data_encoding::HEXLOWER.encode(&bytes)),
        ("root-missing", "There is no root.", String::new()),
    ] {
        add(name, about, false, sign(&key, &text.replace(&root, &other)).as_bytes());
    }
    add("empty-size", "There is no size.", false, sign(&key, &text.replace("\n11\n", "\n\n")).as_bytes());
}

/// Checkpoints whose origin, signed by a key of that name, has another form.
pub(crate) fn origins(files: &mut Files) {
    let text = honest().checkpoint.rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let label = |length: usize| "a".repeat(length);
    let mut add = |name: &str, about: &str, is_good: bool, origin: &str| {
        let key = key_of(origin, 1);
        let note = sign(&key, &text.replace(ORIGIN, origin));
        files.note("checkpoint", &format!("checkpoint-{name}"), about, is_good, &key, &note);
    };
    let of = |domain: &str| format!("{domain}/rogatory/md/central-authority/1");
    let party = |party: &str| format!("ca.example.md/rogatory/{party}/1");
    let epoch = |epoch: &str| format!("ca.example.md/rogatory/md/central-authority/{epoch}");
    add("good-last-epoch", "The last epoch, 2^32 - 1.", true, &epoch("4294967295"));
    add(
        "good-longest-domain",
        "A domain of 120 bytes, one label of 63.",
        true,
        &of(&format!("{}.{}", label(63), label(56))),
    );
    add(
        "good-longest-party",
        "A party of 63 symbols behind the country.",
        true,
        &party(&format!("md/{}", label(63))),
    );
    add("epoch-zero", "Epochs count from 1.", false, &epoch("0"));
    add("epoch-too-large", "The epoch 2^32.", false, &epoch("4294967296"));
    add("epoch-missing", "There is no epoch.", false, "ca.example.md/rogatory/md/central-authority");
    add("domain-too-long", "A domain of 121 bytes.", false, &of(&format!("{}.{}", label(63), label(57))));
    add("domain-label-too-long", "A label of 64 symbols.", false, &of(&label(64)));
    add("domain-capitals", "A domain in capitals.", false, &of("CA.example.md"));
    add("domain-hyphen-first", "A label that begins with a hyphen.", false, &of("-ca.example.md"));
    add("domain-hyphen-last", "A label that ends with a hyphen.", false, &of("ca-.example.md"));
    add("domain-empty-label", "An empty label.", false, &of("ca..md"));
    add("domain-with-scheme", "A scheme before the domain.", false, &of("https://ca.example.md"));
    add("domain-with-port", "A port behind the domain.", false, &of("ca.example.md:443"));
    add("domain-missing", "There is no domain.", false, "/rogatory/md/central-authority/1");
    add(
        "party-too-long",
        "A party of 64 symbols behind the country.",
        false,
        &party(&format!("md/{}", label(64))),
    );
    add("party-capitals", "A party in capitals.", false, &party("MD/central-authority"));
    add(
        "party-hyphen-first",
        "A party that begins with a hyphen behind the country.",
        false,
        &party("md/-authority"),
    );
    add("party-country", "A country of three letters.", false, &party("mda/central-authority"));
    add("other-path", "Another word than `rogatory`.", false, "ca.example.md/archive/md/central-authority/1");
}

/// Verifier keys.
pub(crate) fn keys(files: &mut Files) {
    let log = log_key().vkey().to_string();
    let name = WitnessName::new("bepi.example.fr", &"fr/bepi".parse().expect("a party")).expect("a name");
    let witness = WitnessKey::from_pem(name, &pem(5)).expect("a key").vkey().to_string();
    let mut add = |name: &str, about: &str, is_good: bool, kind: &str, text: &str| {
        let part = if is_good { None } else { Some("") };
        files.add(
            &format!("key-{name}"),
            about,
            &[("kind", "verifier key"), ("type", kind)],
            part,
            text.as_bytes(),
        );
    };
    add("good-log", "The key of a log.", true, "1", &log);
    add("good-witness", "The key of a witness.", true, "4", &witness);
    add("log-for-witness", "The key of a log where that of a witness is wanted.", false, "4", &log);
    add("witness-for-log", "The key of a witness where that of a log is wanted.", false, "1", &witness);
    let (name, rest) = log.split_once('+').expect("a key");
    let (id, key) = rest.split_once('+').expect("a key");
    let bytes = BASE64.decode(key.as_bytes()).expect("base64");
    let first = if id.starts_with('0') { '1' } else { '0' };
    let other = format!("{first}{}", &id[1..]);
    let mut bad = |name: &str, about: &str, text: String| add(name, about, false, "1", &text);
    bad("other-id", "Another id than the one computed.", format!("{name}+{other}+{key}"));
    bad("id-capitals", "The id is written in capitals.", format!("{name}+{}+{key}", id.to_uppercase()));
    bad("id-of-another-name", "The id is that of the key under another name.", format!("{name}x+{id}+{key}"));
    bad("id-missing", "There is no id.", format!("{name}+{key}"));
    // With the id that name and key give, so that only their form is at fault.
    bad("name-empty", "There is no name.", written("", &bytes));
    bad("name-with-space", "A name with a space.", written("ca.example.md archive", &bytes));
    bad("name-too-long", "A name of 256 bytes.", written(&"x".repeat(256), &bytes));
    bad("too-short", "The key has 31 bytes.", written(name, &bytes[..32]));
    bad("too-long", "The key has 33 bytes.", written(name, &[&bytes[..], &[0]].concat()));
    add("good-longest-name", "A name of 255 bytes.", true, "1", &written(&"x".repeat(255), &bytes));
    let mut bad = |name: &str, about: &str, text: String| add(name, about, false, "1", &text);
    bad("newline-behind", "A newline behind the key.", format!("{log}\n"));
    let cosigns = BASE64.decode(witness.rsplit_once('+').expect("a key").1.as_bytes());
    let cosigns = written("bepi.example.fr/witness", &cosigns.unwrap_or_default());
    add(
        "name-of-no-witness",
        "A witness's key under another name than witnesses have.",
        false,
        "4",
        &cosigns,
    );
}

/// A verifier key with the id that `name` and the bytes give, whatever they are.
fn written(name: &str, key: &[u8]) -> String {
    let id = rogatory_core::Digest::of(&[name.as_bytes(), b"\n", key].concat()).to_hex();
    format!("{name}+{}+{}", &id[..8], BASE64.encode(key))
}

/// Case heads of other forms, and one under another log's key.
pub(crate) fn heads(files: &mut Files) {
    let key = log_key();
    let text = honest().heads[0].rsplit_once("\n\n").expect("a note").0.to_owned() + "\n";
    let (_, number) = text.split_once("MD-").expect("a shared number");
    let number = format!("MD-{}", number.lines().next().expect("a line"));
    let leaf = text.lines().last().expect("six lines").to_owned();
    let mut add = |name: &str, about: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let note = sign(&key, &text.replacen(from, to, 1));
        files.note("case head", &format!("case-head-{name}"), about, false, &key, &note);
    };
    add("number-too-large", "The number is 2^63.", "\n2\n", "\n9223372036854775808\n");
    add("stream-unknown", "The stream is neither `internal` nor a party.", "\nfr/bepi\n", "\nbepi\n");
    add("origin-epoch-zero", "The origin has an epoch 0.", "authority/1\n", "authority/0\n");
    add(
        "shared-number-lower-case",
        "The shared number is written in small letters.",
        &number,
        &number.to_lowercase(),
    );
    add("shared-number-empty", "The line of the shared number is empty.", &number, "");
    add("leaf-short", "The leaf hash has 31 bytes.", &leaf, &leaf[2..]);
    add("leaf-missing", "There is no leaf hash.", &format!("{leaf}\n"), "");
    let next = key_of(NEXT_ORIGIN, 3);
    let vkeys = [key.vkey().to_string(), next.vkey().to_string()];
    let header = [("kind", "case head"), ("vkey", &*vkeys[0]), ("vkey", &*vkeys[1])];
    let about = "Signed by the next epoch's key, which is trusted, and not by this log's.";
    files.add("case-head-signed-by-another-log", about, &header, Some(""), sign(&next, &text).as_bytes());
}
