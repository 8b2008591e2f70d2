//! Packages with a folder whose tar was written by hand: every form it may have, and one defect each.

use super::bench::{Bench, M1, S1, TRANSMITTAL, sign_again};
use super::raw_tar::{self, Raw, sparse_digest};
use super::{TRUSTED, edit_transmittal};
use crate::vectors_made::raw_zip::{self, RawEntry, entry, find};
use crate::vectors_made::{Files, add, now};
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_container::zip::{StrictZip, ZipLimits};
use rogatory_core::Digest;
use rogatory_evidence::Transmittal;
use rogatory_evidence::record::Record;
use std::io::{Cursor, Read, Write};

/// The folder among the exhibits.
const DATA: &str = "data/EX-0003.age";
const RECORD: &str = "records/EX-0003.json";
const FILES: &str = "records/EX-0003.files";

pub(super) fn tars(files: &mut Files, bench: &Bench) {
    let package = bench.seal("tars", b"a letter");
    let mut made = |name: &str, about: &str, part: Option<&str>, entries: &[Raw]| {
        let list = bench.with_tar(&package, entries);
        add(files, name, about, part, TRUSTED, raw_zip::write(&list, b""));
    };
    let good = good();
    made("good-tar-forms", "7: attributes, hard links, holes, a link, long names; by hand.", None, &good);
    let mut bad = |name: &str, about: &str, change: &dyn Fn(&mut Vec<Raw>)| {
        let mut entries = good.clone();
        change(&mut entries);
        made(name, about, Some(DATA), &entries);
    };
    let at = |entries: &[Raw], path: &str| {
        let end = format!(" {path}\n");
        entries.iter().position(|entry| entry.line.ends_with(&end)).expect("an entry")
    };
    bad("tar-hard-link-unannounced", "7.6: a further name of a file whose line tells of none.", &|entries| {
        let first = at(entries, "b-file");
        entries[first].line = entries[first].line.replace(" f2 ", " f ");
    });
    bad(
        "tar-hard-link-too-few",
        "7.6: the list says that the file has three names; it has two.",
        &|entries| {
            let first = at(entries, "b-file");
            entries[first].line = entries[first].line.replace(" f2 ", " f3 ");
        },
    );
    bad("tar-hard-link-too-many", "7.6: a third name of a file that has two.", &|entries| {
        let third = Raw::hard_link("z", &entries[at(entries, "b-file")]);
        entries.push(third);
    });
    bad("tar-hard-link-to-later", "7.6: the first name stands behind the further one.", &|entries| {
        let file = Raw::file("z", b"later").names(2);
        let place = at(entries, "d/hard");
        entries.insert(place, Raw::hard_link("d/a", &file));
        entries.push(file);
    });
    bad("tar-hard-link-to-folder", "7.6: a hard link to a folder.", &|entries| {
        let place = at(entries, "d/hard");
        entries[place].link = "d".to_owned();
    });
    bad("tar-hard-link-outside", "7.6: a hard link to a path above the folder.", &|entries| {
        let place = at(entries, "d/hard");
        entries[place].link = "../b-file".to_owned();
    });
    bad("tar-hard-link-other-mode", "7.6: a further name with another mode than the file.", &|entries| {
        let place = at(entries, "d/hard");
        entries[place].mode = 0o600;
    });
    bad("tar-hard-link-with-attribute", "7.6: a further name with an extended attribute.", &|entries| {
        let place = at(entries, "d/hard");
        entries[place] = entries[place].clone().with("SCHILY.xattr.user.a", b"1");
    });
    bad("tar-hard-link-other-digest", "6.7: a further name with another digest than the file.", &|entries| {
        let place = at(entries, "d/hard");
        let other = Digest::of(b"other").to_hex();
        entries[place].line.replace_range(..64, &other);
    });
    let sparse = |change: &dyn Fn(u64, &[u8]) -> Raw| {
        let content = holes();
        let entry = change(content.len() as u64, &content);
        move |entries: &mut Vec<Raw>| {
            // Instead of the file with holes, which has a further name.
            let again = at(entries, "d/holes-2");
            entries.remove(again);
            let place = at(entries, "d/holes");
            entries[place] = entry.clone();
        }
    };
    let digest = sparse_digest(&holes());
    let data = |regions: &[(u64, u64)], content: &[u8]| -> Vec<u8> {
        let part = |region: &(u64, u64)| {
            let start = usize::try_from(region.0).expect("small");
            let end = start + usize::try_from(region.1).expect("small");
            content.get(start..end).unwrap_or_default().to_vec()
        };
        regions.iter().flat_map(part).collect()
    };
    for (name, about, map) in [
        (
            "tar-sparse-overlapping",
            "7.5: two regions overlap.",
            &[(4096, 4096), (8000, 4288), (20_000, 0)][..],
        ),
        (
            "tar-sparse-touching",
            "7.5: two regions touch; they are one.",
            &[(4096, 4096), (8192, 4096), (20_000, 0)],
        ),
        ("tar-sparse-falling", "7.5: regions fall.", &[(8192, 4096), (4096, 4096), (20_000, 0)]),
        ("tar-sparse-empty-region", "7.5: a region is empty.", &[(4096, 8192), (16_384, 0), (20_000, 0)]),
        ("tar-sparse-no-end", "7.5: the file ends with a hole, and no pair says so.", &[(4096, 8192)]),
        ("tar-sparse-beyond", "7.5: the last pair says another size.", &[(4096, 8192), (30_000, 0)]),
        (
            "tar-sparse-not-shorter",
            "7.5: map and regions together are longer than the file.",
            &[(0, 19_500), (20_000, 0)],
        ),
        ("tar-sparse-without-hole", "7.5: a file without a hole, written with a map.", &[(0, 20_000)]),
    ] {
        let make = |size: u64, content: &[u8]| Raw::sparse("d/holes", size, map, &data(map, content), digest);
        bad(name, about, &sparse(&make));
    }
    let map = [(4096, 8192), (20_000, 0)];
    let plain = |size: u64, content: &[u8]| {
        Raw::sparse("d/holes", size, &map, &data(&map, content), Digest::of(content))
    };
    bad(
        "tar-sparse-plain-digest",
        "6.9: the list gives the SHA-256 of the content, zeros included.",
        &sparse(&plain),
    );
    let called_f = |size: u64, content: &[u8]| {
        let mut entry = Raw::sparse("d/holes", size, &map, &data(&map, content), digest);
        entry.line = entry.line.replace(" s ", " f ");
        entry
    };
    bad("tar-sparse-listed-as-file", "6.7: the list calls a file with holes a file.", &sparse(&called_f));
    let padded = |size: u64, content: &[u8]| {
        let mut entry = Raw::sparse("d/holes", size, &map, &data(&map, content), digest);
        entry.content.splice(..2, *b"02\n");
        entry.content.remove(511);
        entry
    };
    bad("tar-sparse-map-not-canonical", "7.5: a needless digit in the map.", &sparse(&padded));

    bad("tar-attributes-out-of-order", "7.3: user.b stands before user.a.", &|entries| {
        let place = at(entries, "attributes");
        entries[place].pax.reverse();
    });
    bad("tar-attribute-twice", "7.3: an extended attribute stands there twice.", &|entries| {
        let place = at(entries, "attributes");
        entries[place] = entries[place].clone().with("SCHILY.xattr.user.b%3Dc", b"2");
    });
    bad("tar-attribute-escaped-needlessly", "7.3: a letter of a name is escaped.", &|entries| {
        let place = at(entries, "attributes");
        entries[place].pax[0].0 = "SCHILY.xattr.user.%61".to_owned();
    });
    bad("tar-attribute-before-time", "7.3: mtime stands behind an extended attribute.", &|entries| {
        let place = at(entries, "attributes");
        entries[place] = entries[place].clone().with("mtime", b"1700000000.5");
    });
    bad("tar-record-unknown", "7.3: a record that is none of those.", &|entries| {
        let place = at(entries, "attributes");
        entries[place].pax.insert(0, ("comment".to_owned(), b"x".to_vec()));
    });
}

/// 20,000 bytes of which 8,192 from 4,096 on are no zeros, but for some within.
fn holes() -> Vec<u8> {
    let mut content = vec![0; 20_000];
    content[4096..6000].fill(7);
    content[12_287] = 9;
    content
}

fn good() -> Vec<Raw> {
    let content = holes();
    let file = Raw::file("b-file", b"two names").names(2);
    let map = [(4096, 8192), (20_000, 0)];
    let digest = sparse_digest(&content);
    let sparse = Raw::sparse("d/holes", 20_000, &map, &content[4096..12_288], digest).names(2);
    let long = "l".repeat(120);
    let long_file = Raw::file(&long, b"").with("path", long.as_bytes());
    vec![
        Raw::file("attributes", b"x")
            .with("SCHILY.xattr.user.a", b"\0=\n\xff")
            .with("SCHILY.xattr.user.b%3Dc", b"1")
            .with("SCHILY.xattr.user.c", b""),
        file.clone(),
        Raw::folder("d").with("mtime", b"1700000000.5").with("SCHILY.xattr.user.folder", b"1"),
        Raw::hard_link("d/hard", &file),
        sparse.clone(),
        Raw::hard_link("d/holes-2", &sparse),
        Raw::link("d/link", "../b-file"),
        Raw::link("d/link-2", "./..//b-file"),
        Raw::sparse(
            "e-hole",
            1 << 40,
            &[(1 << 40, 0)],
            b"",
            Digest::of(b"rogatory sparse file\n1099511627776\n"),
        ),
        Raw { name: "l".repeat(100), ..long_file },
    ]
}

impl Bench {
    /// The package with another tar in its third exhibit, and everything that follows from it.
    fn with_tar(&self, package: &[RawEntry], entries: &[Raw]) -> Vec<RawEntry> {
        let (tar, files) = raw_tar::write(entries);
        let mut list = package.to_vec();
        find(&mut list, DATA).bytes = self.encrypt(&tar);
        let size = find(&mut list, DATA).bytes.len() as u64;
        edit_transmittal(&mut list, |transmittal| transmittal.exhibits[2].size_bytes = size);
        let transmittal = find(&mut list, TRANSMITTAL).bytes.clone();
        let index = self.decrypt(&find(&mut list, "index.age").bytes);
        let mut zip = StrictZip::open(Cursor::new(&index), ZipLimits::PACKAGE).expect("an index");
        let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
        let mut inner: Vec<RawEntry> =
            names.iter().map(|name| entry(name, &zip.read(name, 1 << 20).expect("reads"))).collect();
        find(&mut inner, TRANSMITTAL).bytes = transmittal.clone();
        let old = find(&mut inner, RECORD).bytes.clone();
        let mut record = Record::from_bytes(&old).expect("a record");
        let was = record.sha256;
        record.sha256 = Digest::of(&tar);
        record.size_bytes = tar.len() as u64;
        record.entries = Some(entries.len() as u64);
        find(&mut inner, RECORD).bytes = record.to_bytes().expect("canonical");
        find(&mut inner, FILES).bytes = files;
        let exhibits =
            String::from_utf8(find(&mut inner, "exhibits-sha256.txt").bytes.clone()).expect("text");
        let exhibits = exhibits.replace(&was.to_hex(), &record.sha256.to_hex());
        find(&mut inner, "exhibits-sha256.txt").bytes = exhibits.into_bytes();
        let records: String = inner
            .iter()
            .filter(|entry| entry.name.starts_with("records/"))
            .map(|entry| format!("{}  {}\n", Digest::of(&entry.bytes), entry.name))
            .collect();
        find(&mut inner, "records-sha256.txt").bytes = records.into_bytes();
        let references = [TRANSMITTAL, "exhibits-sha256.txt", "records-sha256.txt"]
            .iter()
            .map(|name| DataReference {
                uri: (*name).to_owned(),
                mime: None,
                digest: Digest::of(&find(&mut inner, name).bytes),
            })
            .collect();
        let manifest = AsicManifest::new(S1, references).expect("a manifest").to_xml();
        find(&mut inner, S1).bytes =
            cades::sign(&manifest, &self.officer, now(), Some("prosecutor")).expect("signs");
        find(&mut inner, M1).bytes = manifest;
        find(&mut list, "index.age").bytes = self.encrypt(&raw_zip::write(&inner, b""));
        let transmittal = Transmittal::from_bytes(&transmittal).expect("a transmittal");
        let bytes: u64 = transmittal.exhibits.iter().map(|exhibit| exhibit.size_bytes).sum();
        let day = &transmittal.created_time.to_string()[..10];
        find(&mut list, "bag-info.txt").bytes =
            format!("Bagging-Date: {day}\nPayload-Oxum: {bytes}.{}\n", transmittal.exhibits.len())
                .into_bytes();
        sign_again(&mut list, &self.officer);
        list
    }

    pub(super) fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let recipient: age::x25519::Recipient = self.recipient_text().parse().expect("a recipient");
        let recipients = [&recipient as &dyn age::Recipient];
        let encryptor = age::Encryptor::with_recipients(recipients.into_iter()).expect("recipients");
        let mut sealed = Vec::new();
        let mut writer = encryptor.wrap_output(&mut sealed).expect("writes");
        writer.write_all(plain).expect("writes");
        writer.finish().expect("writes");
        sealed
    }

    pub(super) fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let key = self.identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("a key");
        let identity: age::x25519::Identity = key.parse().expect("an identity");
        let decryptor = age::Decryptor::new(sealed).expect("an age file");
        let mut plain = Vec::new();
        let identities = std::iter::once(&identity as &dyn age::Identity);
        decryptor.decrypt(identities).expect("opens").read_to_end(&mut plain).expect("reads");
        plain
    }
}
