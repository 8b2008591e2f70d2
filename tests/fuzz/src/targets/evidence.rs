//! Packages: their lists, records, tars, age files, and a whole one.

use crate::{parts, seeds};
use rogatory_core::Digest;
use rogatory_evidence::files_list::FilesList;
use rogatory_evidence::record::Record;
use rogatory_evidence::{
    AgeRecipient, Identities, NoProgress, ObjectDigest, ObjectInfo, PackageSource, Transmittal,
    VerifyOptions, fuzzing, verify_package,
};
use rogatory_pki::path::Anchors;
use std::io::{self, Cursor, Read};
use std::sync::LazyLock;

pub(super) fn transmittal(data: &[u8]) {
    if let Ok(transmittal) = Transmittal::from_bytes(data) {
        assert!(transmittal.to_bytes().is_ok_and(|bytes| bytes == data), "another transmittal is written");
        let _ = transmittal.total_bytes();
    }
}

/// A statement of a court bundle that is read is written again as the same bytes.
pub(super) fn bundle_statement(data: &[u8]) {
    if let Some(again) = rogatory_evidence::fuzzing::bundle_statement_again(data) {
        assert!(again == data, "another statement is written");
    }
}

pub(super) fn bundle_statement_seeds() -> Vec<Vec<u8>> {
    let text = concat!(
        r#"{"format":1,"profile":1,"form":"clear","shared_number":"MD-JF58-JXH4-09RC-SPTW-27","#,
        r#""institution":"md/central-authority","officer":"md/central-authority/officer/rusu","#,
        r#""made_time":"2026-11-22T14:20:00Z","program":"rogatory 0.1.0","package":"PK-7K2M9QXR4T1VC8ZE","#,
        r#""exhibits":[{"number":"EX-0001","file":"exhibits/EX-0001/letter.txt"}]}"#
    );
    vec![text.as_bytes().to_vec()]
}

pub(super) fn transmittal_seeds() -> Vec<Vec<u8>> {
    seeds::contents(|name| name == "transmittal.json")
}

pub(super) fn record(data: &[u8]) {
    if let Ok(record) = Record::from_bytes(data) {
        assert!(record.to_bytes().is_ok_and(|bytes| bytes == data), "another record is written");
    }
}

pub(super) fn record_seeds() -> Vec<Vec<u8>> {
    let records = INDEX.iter().filter(|(name, _)| name.ends_with(".json") && name.starts_with("records/"));
    records.map(|(_, content)| content.clone()).collect()
}

pub(super) fn files_list(data: &[u8]) {
    let mut list = FilesList::new(data);
    let mut again = Vec::new();
    loop {
        match list.next_entry() {
            Ok(Some(entry)) => again.extend(entry.to_line()),
            Ok(None) => break assert!(again == data, "another list is written"),
            Err(_) => break assert!(data.starts_with(&again), "what was read before is written otherwise"),
        }
    }
}

pub(super) fn files_list_seeds() -> Vec<Vec<u8>> {
    let digest = Digest::of(b"x");
    let mut found = vec![
        format!("{digest} 1 f a\n- 0 d b\n{digest} 3 l b/c%20d\n").into_bytes(),
        format!("{digest} 18446744073709551615 f %FF%00\n").into_bytes(),
    ];
    found.extend(
        INDEX.iter().filter(|(name, _)| name.ends_with(".files")).map(|(_, content)| content.clone()),
    );
    found
}

pub(super) fn digest_list(data: &[u8]) {
    if let Some(again) = fuzzing::digest_list_again(data) {
        assert!(again == data, "another list is written");
    }
}

pub(super) fn digest_list_seeds() -> Vec<Vec<u8>> {
    seeds::contents(|name| name.ends_with("-sha256.txt"))
}

/// A tar is right only in its one form; the list stands in the first part, the tar is the rest.
pub(super) fn tar(data: &[u8]) {
    let Some((length, data)) = data.split_first_chunk::<2>() else {
        return;
    };
    let (list, tar) = data.split_at(usize::from(u16::from_be_bytes(*length)).min(data.len()));
    if let Some((tar_again, list_again)) = fuzzing::tar_again(tar, list) {
        assert!(tar_again == tar && list_again == list, "another tar is written");
    }
}

pub(super) fn tar_seeds() -> Vec<Vec<u8>> {
    let file = |path: &str, content: &'static [u8]| {
        (
            format!("{} {} f {path}\n", Digest::of(content), content.len()),
            header(path, content, b'0', ""),
            content,
        )
    };
    let folder =
        |path: &str| (format!("- 0 d {path}\n"), header(&format!("{path}/"), b"", b'5', ""), &b""[..]);
    let link = |path: &str, target: &str| {
        let digest = Digest::of(target.as_bytes());
        (format!("{digest} {} l {path}\n", target.len()), header(path, b"", b'2', target), &b""[..])
    };
    let rows = [
        vec![file("a", b"hello")],
        vec![folder("a"), file("a/b", b""), link("a/c", "b"), link("d", "a/b")],
        vec![],
    ];
    let mut found: Vec<Vec<u8>> = rows
        .into_iter()
        .map(|row| {
            let list: String = row.iter().map(|(line, ..)| line.as_str()).collect();
            let mut tar = Vec::new();
            for (_, header, content) in &row {
                tar.extend_from_slice(header);
                tar.extend_from_slice(content);
                tar.resize(tar.len().next_multiple_of(512), 0);
            }
            tar.extend_from_slice(&[0; 1024]);
            let length = u16::try_from(list.len()).unwrap_or(0).to_be_bytes();
            [length.as_slice(), list.as_bytes(), &tar].concat()
        })
        .collect();
    assert!(found.iter().all(|seed| !seed.is_empty()));
    let mut pax = vec![0, 0];
    let record = b"24 mtime=1790000000.5000\n";
    pax.extend(header("PaxHeaders/entry", record, b'x', ""));
    pax.extend_from_slice(record);
    pax.resize(2 + 1024, 0);
    pax.extend(header("a", b"", b'0', ""));
    pax.extend_from_slice(&[0; 1024]);
    found.push(pax);
    found
}

/// A header block as the format says.
fn header(path: &str, content: &[u8], kind: u8, link: &str) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{:011o}\0{:011o}\0        ", content.len(), 0).as_bytes());
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    put(329, b"0000000\x000000000\0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
    let text = String::from_utf8(seeds::file("package", "identity.key")).expect("text");
    Identities::parse(&[&text]).expect("an identity")
});

/// No header makes a reader fail, and none is believed without its MAC.
pub(super) fn age_header(data: &[u8]) {
    if let Ok(plain) = fuzzing::age_open(data, &IDENTITIES) {
        assert!(plain.len() < data.len(), "more came out than went in");
    }
}

pub(super) fn age_header_seeds() -> Vec<Vec<u8>> {
    let mut found = seeds::contents(|name| name.ends_with(".age"));
    for file in &mut found {
        file.truncate(8 << 10);
    }
    found.push(b"age-encryption.org/v1\n-> X25519 a\n\n-> scrypt AAAA 18\nAAAA\n--- AAAA\n".to_vec());
    found
}

static SEALED: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
    let plain: Vec<u8> = (0..70_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let sealed = fuzzing::age_seal(&plain, &IDENTITIES.recipients()).expect("seals");
    (plain, sealed)
});

/// What is sealed comes back, and a sealed file that is changed in any way does not.
pub(super) fn age_payload(data: &[u8]) {
    let sealed = fuzzing::age_seal(data, &IDENTITIES.recipients()).expect("seals");
    let opened = fuzzing::age_open(&sealed, &IDENTITIES).expect("opens what it sealed");
    assert!(opened == data, "something else comes back");
    let (plain, sealed) = &*SEALED;
    let mut changed = sealed.clone();
    for step in data.chunks_exact(4).take(8) {
        let at = usize::from(u16::from_be_bytes([step[1], step[2]])) * 2 % changed.len().max(1);
        match step[0] % 5 {
            0 => changed[at] ^= step[3].max(1),
            1 => changed.truncate(at.max(1)),
            2 => changed.push(step[3]),
            3 => drop(changed.remove(at)),
            _ => changed.insert(at, step[3]),
        }
        if changed.is_empty() {
            return;
        }
    }
    let opened = fuzzing::age_open(&changed, &IDENTITIES);
    assert!(changed == *sealed || opened.is_err(), "a changed file is opened");
    assert!(opened.is_err() || opened.is_ok_and(|opened| opened == *plain));
}

pub(super) fn age_payload_seeds() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        b"\0\0\x10\x01".to_vec(),
        b"\x01\0\xff\0".to_vec(),
        b"\x02\0\0\x07\x03\x10\0\0\x04\x20\0\x01".to_vec(),
    ]
}

/// A recipient as others publish it.
pub(super) fn recipient(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(recipient) = text.parse::<AgeRecipient>() {
        let written = recipient.to_string();
        let again: AgeRecipient = written.parse().expect("reads what it wrote");
        assert!(again.to_string() == written && again.fingerprint() == recipient.fingerprint());
        assert!(text.trim().eq_ignore_ascii_case(&written), "another recipient is written");
    }
}

pub(super) fn recipient_seeds() -> Vec<Vec<u8>> {
    let own = IDENTITIES.recipients().into_iter().map(|recipient| recipient.to_string().into_bytes());
    own.chain([b"age1pq1qqqq".to_vec(), b"AGE1QQQ".to_vec()]).collect()
}

/// Identity files: nothing but comments and identities.
pub(super) fn identities(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(identities) = Identities::parse(&[text]) {
        assert!(!identities.is_empty() && !identities.recipients().is_empty());
    }
}

pub(super) fn identities_seeds() -> Vec<Vec<u8>> {
    seeds::files("package", ".key").into_iter().map(|(_, bytes)| bytes).collect()
}

fn arriving() -> ObjectDigest {
    ObjectDigest { name: "data/EX-0001.age".to_owned(), size_bytes: 300, sha256: Digest::of(&[7; 300]) }
}

/// A state is believed only whole, and says no more than the object has. The checksum is set right, so that what lies
/// behind it is reached.
pub(super) fn arrival_state(data: &[u8]) {
    let object = arriving();
    let with_checksum = [data, Digest::of(data).as_bytes()].concat();
    for bytes in [data, &with_checksum] {
        if let Some((committed, again)) = fuzzing::arrival_state_again(&object, bytes) {
            assert!(committed < object.size_bytes, "more is durable than the object has");
            assert!(again == bytes, "another state is written");
        }
    }
}

pub(super) fn arrival_state_seeds() -> Vec<Vec<u8>> {
    [&[][..], &[7; 77], &[7; 299]]
        .into_iter()
        .flat_map(|start| {
            let whole = fuzzing::arrival_state(&arriving(), start);
            let bare = whole.get(..whole.len() - 32).unwrap_or_default().to_vec();
            [whole, bare]
        })
        .collect()
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| seeds::anchors("package"));

/// The objects of the good package, and of its index.
static PACKAGE: LazyLock<Vec<(String, Vec<u8>)>> =
    LazyLock::new(|| seeds::entries(&seeds::file("package", "good-sealed.asice")));
static INDEX: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let sealed = PACKAGE.iter().find(|(name, _)| name == "index.age").expect("an index");
    seeds::entries(&fuzzing::age_open(&sealed.1, &IDENTITIES).expect("opens"))
});

/// The good objects with some of them replaced; a part with an empty content removes its object.
fn replaced(good: &[(String, Vec<u8>)], data: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut objects = good.to_vec();
    for (place, content) in parts::split(data) {
        let place = usize::from(place) % objects.len().max(1);
        if content.is_empty() {
            if place < objects.len() {
                objects.remove(place);
            }
        } else if let Some(object) = objects.get_mut(place) {
            object.1 = content.to_vec();
        }
    }
    objects
}

fn replaced_seeds(good: &[(String, Vec<u8>)]) -> Vec<Vec<u8>> {
    let one = |(place, (_, content)): (usize, &(String, Vec<u8>))| {
        parts::join([(u8::try_from(place).unwrap_or(0), content.as_slice())])
    };
    let gone = |place: usize| parts::join([(u8::try_from(place).unwrap_or(0), &b""[..])]);
    let mut found: Vec<Vec<u8>> = good.iter().enumerate().map(one).collect();
    found.extend((0..good.len()).map(gone));
    found.push(Vec::new());
    found
}

fn options() -> VerifyOptions<'static> {
    VerifyOptions { identities: IDENTITIES.clone(), ..VerifyOptions::new(&ANCHORS, seeds::at()) }
}

/// Only the index that was signed is without failure.
pub(super) fn index(data: &[u8]) {
    let objects = replaced(&INDEX, data);
    let mut writer = rogatory_container::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in &objects {
        let added = if name == "mimetype" { writer.add_mimetype() } else { writer.add(name, content) };
        if added.is_err() {
            return;
        }
    }
    let Ok(zip) = writer.finish() else {
        return;
    };
    let zip = zip.into_inner();
    let good = without_mimetype(&objects) == without_mimetype(&INDEX);
    let failures = fuzzing::index_failures(zip, &options());
    let present = objects.iter().any(|(name, _)| name == "mimetype");
    assert!(failures != Some(0) || good && present, "an index that nobody signed");
}

fn without_mimetype(objects: &[(String, Vec<u8>)]) -> Vec<&(String, Vec<u8>)> {
    objects.iter().filter(|(name, _)| name != "mimetype").collect()
}

pub(super) fn index_seeds() -> Vec<Vec<u8>> {
    replaced_seeds(&INDEX)
}

struct InMemory(Vec<(String, Vec<u8>)>);

impl PackageSource for InMemory {
    fn objects(&self) -> Vec<ObjectInfo> {
        let info = |(name, content): &(String, Vec<u8>)| ObjectInfo {
            name: name.clone(),
            size_bytes: content.len() as u64,
        };
        self.0.iter().map(info).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let found = self.0.iter().find(|(known, _)| known == name);
        let (_, content) = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(Box::new(content.as_slice()))
    }
}

/// Only the package that was signed verifies; without its seal it does too, and says so.
pub(super) fn package(data: &[u8]) {
    let objects = replaced(&PACKAGE, data);
    let seal = |name: &str| name.ends_with("002.xml") || name.ends_with("002.p7s");
    let outside_seal = |objects: &[(String, Vec<u8>)]| -> Vec<(String, Vec<u8>)> {
        objects.iter().filter(|(name, _)| !seal(name)).cloned().collect()
    };
    let whole = objects == *PACKAGE;
    let person_only =
        outside_seal(&objects) == outside_seal(&PACKAGE) && !objects.iter().any(|(name, _)| seal(name));
    let verdict = verify_package(&InMemory(objects), &options(), &mut NoProgress);
    assert_eq!(
        verdict.is_verified(),
        whole || person_only,
        "a package that nobody signed, or a good one refused"
    );
}

pub(super) fn package_seeds() -> Vec<Vec<u8>> {
    replaced_seeds(&PACKAGE)
}

/// A hash list of any format: it is read or refused, and never holds more digests than its length allows.
pub(super) fn hash_list(data: &[u8]) {
    if let Some(digests) = fuzzing::hash_list_digests(data) {
        // The shortest digest, MD5, has 32 digits.
        assert!(digests.saturating_mul(32) <= data.len() as u64, "more digests than fit");
    }
}

pub(super) fn hash_list_seeds() -> Vec<Vec<u8>> {
    let (md5, sha1, sha256) = (
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        Digest::of(b"").to_hex(),
    );
    [
        format!("# a list\n{md5}\n{sha1}\n{sha256}\n"),
        format!("\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\"\n\"{sha1}\",\"{md5}\",\"00000000\",\"a,\"\"b\"\n"),
        format!("{{\"value\":[{{\"MediaID\":1,\"Category\":1,\"MD5\":\"{md5}\",\"SHA1\":\"{sha1}\"}}]}}"),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// Acquisition facts: what is read and right is written as a text that is read as the same.
pub(super) fn acquisition(data: &[u8]) {
    let Some((first, again)) = fuzzing::acquisition_again(data) else {
        return;
    };
    assert!(first == again, "the facts change");
}

pub(super) fn acquisition_seeds() -> Vec<Vec<u8>> {
    let whole = concat!(
        r#"{"category":"traffic","media_type":"text/csv","languages":["en"],"source_system":"mail","#,
        r#""acquired_time":"2026-03-01T00:00:00Z","acquired_by":{"name":"Ana Lupu"},"#,
        r#""time_range":{"from":"2026-01-01T00:00:00Z","to":"2026-02-01T00:00:00Z"},"#,
        r#""tools":[{"name":"Exporter","version":"4.2"}],"transformations":["filtered"],"privileged":false}"#
    );
    let members =
        [r#"{"victim":true}"#, r#"{"category":"traffic"}"#, r#"{"limits":"none"}"#, r#"{"time_zone":"UTC"}"#];
    members.into_iter().chain([whole]).map(|text| text.as_bytes().to_vec()).collect()
}
