//! Foreign containers: what other tools write is judged by its signed parts, and every trick is refused by its name.

use super::*;
use crate::cades;
use crate::testing::{anchors, now, officer, root, seal};
use crate::zip::crafted::{Counting, Crafted, archive, deflated, end, end64, extra64, stored};
use crate::zip::{MIMETYPE, MIMETYPE_NAME, ZipLimits};
use data_encoding::BASE64;
use rogatory_core::{Digest, chain};
use rogatory_pki::development::DevelopmentCa;
use rogatory_pki::path::Anchors;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

/// A manifest as no tool of ours writes it.
fn manifest(signature: &str, files: &[(&str, &[u8])]) -> String {
    let reference = |(name, content): &(&str, &[u8])| {
        let digest = BASE64.encode(Digest::of(content).as_bytes());
        format!(
            "<DataObjectReference MimeType='text/plain' URI='{name}'>\
             <d:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'></d:DigestMethod>\n\
             <d:DigestValue> {digest}\n </d:DigestValue></DataObjectReference>\r\n"
        )
    };
    let references: String = files.iter().map(reference).collect();
    format!(
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n\
         <ASiCManifest xmlns='http://uri.etsi.org/02918/v1.2.1#' xmlns:d='http://www.w3.org/2000/09/xmldsig#'>\n\
         {references}<SigReference MimeType='application/pkcs7-signature' URI='{signature}'/>\n</ASiCManifest>\n"
    )
}

const MANIFEST: &str = "META-INF/ASiCManifest.xml";
const SIGNATURE: &str = "META-INF/signature.p7s";

/// A container with two files and one signature.
struct Bench {
    ca: DevelopmentCa,
    files: Vec<(String, Vec<u8>)>,
}

impl Bench {
    fn new() -> Self {
        let ca = root("Root");
        let letter = b"Dear colleague".repeat(20);
        let files = [("letter.txt", letter.as_slice()), ("annex/a b.txt", b"annex")];
        let xml = manifest(SIGNATURE, &[("letter.txt", &letter), ("annex/a%20b.txt", b"annex")]);
        let signature = cades::sign(xml.as_bytes(), &officer(&ca, "rusu"), now(), None).unwrap();
        let mut files: Vec<(String, Vec<u8>)> =
            files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
        files.push((MANIFEST.to_owned(), xml.into_bytes()));
        files.push((SIGNATURE.to_owned(), signature));
        Self { ca, files }
    }

    fn with(mut self, name: &str, content: &[u8]) -> Self {
        match self.files.iter_mut().find(|(known, _)| known == name) {
            Some(file) => file.1 = content.to_vec(),
            None => self.files.push((name.to_owned(), content.to_vec())),
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.files.retain(|(known, _)| known != name);
        self
    }

    /// Another manifest, rightly signed by the officer.
    fn with_manifest(self, xml: &str) -> Self {
        let signature = cades::sign(xml.as_bytes(), &officer(&self.ca, "rusu"), now(), None).unwrap();
        self.with(MANIFEST, xml.as_bytes()).with(SIGNATURE, &signature)
    }

    fn entries(&self) -> Vec<Crafted> {
        self.files.iter().map(|(name, content)| deflated(name, content)).collect()
    }

    fn verify(&self) -> Result<ForeignVerified, ForeignError> {
        verify(&InMemory::of(&archive(&self.entries())).unwrap(), &anchors(&self.ca), now())
    }

    fn reason(&self) -> String {
        chain(&self.verify().expect_err("is refused"))
    }
}

/// The files of an archive, inflated.
#[derive(Debug)]
struct InMemory(BTreeMap<String, Vec<u8>>);

impl InMemory {
    fn of(bytes: &[u8]) -> Result<Self, ForeignZipError> {
        let mut zip = ForeignZip::open(Cursor::new(bytes), ZipLimits::DOCUMENT)?;
        let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
        let mut files = BTreeMap::new();
        for name in names {
            let mut content = Vec::new();
            let mut reader = zip.content(&name).map_err(ForeignZipError::Io)?.expect("it is there");
            reader.read_to_end(&mut content).map_err(ForeignZipError::Io)?;
            files.insert(name, content);
        }
        Ok(Self(files))
    }
}

impl ForeignFiles for InMemory {
    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        let content = self.0.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(content.as_slice()))
    }
}

fn open(bytes: &[u8]) -> Result<InMemory, ForeignZipError> {
    let mut counting = Counting::new(Cursor::new(bytes));
    let opened = ForeignZip::open(&mut counting, ZipLimits::DOCUMENT).map(|_| ());
    let length = bytes.len() as u64;
    assert!(counting.bytes <= 3 * length + 200_000, "{} bytes read of {length}", counting.bytes);
    assert!(counting.calls <= length / 2 + 40, "{} calls for {length} bytes", counting.calls);
    opened?;
    InMemory::of(bytes)
}

fn zip_reason(bytes: &[u8]) -> String {
    chain(&open(bytes).expect_err("is refused"))
}

fn one(change: impl FnOnce(&mut Crafted)) -> Vec<u8> {
    let mut entry = stored("data/a", b"the content");
    change(&mut entry);
    archive(&[stored("first", b"1"), entry, deflated("data/b", b"another")])
}

#[test]
fn a_container_of_other_tools_is_judged_by_its_signed_parts() {
    let verified = Bench::new().verify().unwrap();
    let [signature] = verified.signatures() else { panic!("one signature") };
    assert_eq!(signature.covers(), ["letter.txt", "annex/a b.txt"]);
    assert_eq!(signature.name(), SIGNATURE);
    assert_eq!(signature.claimed_time(), now());
    assert!(signature.certificate().subject().contains("rusu"), "{}", signature.certificate().subject());
    assert!(verified.covers("letter.txt") && !verified.covers(MANIFEST) && verified.uncovered().is_empty());
    // What lies in META-INF beside is told.
    let more = Bench::new().with("META-INF/manifest.xml", b"<odf/>").with(MIMETYPE_NAME, MIMETYPE.as_bytes());
    assert_eq!(more.verify().unwrap().uncovered(), ["META-INF/manifest.xml"]);
}

#[test]
fn several_manifests_each_with_its_signature() {
    let bench = Bench::new();
    let letter = bench.files[0].1.clone();
    let xml = manifest("META-INF/signature2.p7s", &[("letter.txt", &letter)]);
    let signature = cades::sign(xml.as_bytes(), &seal(&bench.ca), now(), None).unwrap();
    let both =
        bench.with("META-INF/ASiCManifest2.xml", xml.as_bytes()).with("META-INF/signature2.p7s", &signature);
    let verified = both.verify().unwrap();
    let whole: Vec<bool> =
        verified.signatures().iter().map(|signature| verified.is_covered_by(signature)).collect();
    assert_eq!(whole, [true, false], "the second covers the letter alone");
    // By the manifest that it covers it covers all.
    let first = both.files.iter().find(|(name, _)| name == MANIFEST).unwrap().1.clone();
    let xml = manifest("META-INF/signature3.p7s", &[(MANIFEST, &first)]);
    let signature = cades::sign(xml.as_bytes(), &seal(&both.ca), now(), None).unwrap();
    let three =
        both.with("META-INF/ASiCManifest3.xml", xml.as_bytes()).with("META-INF/signature3.p7s", &signature);
    let verified = three.verify().unwrap();
    assert!(verified.signatures().last().is_some_and(|last| verified.is_covered_by(last)));
}

#[test]
fn each_tampering_of_a_signed_part_is_refused_by_name() {
    let changed = |name: &str| {
        let bench = Bench::new();
        let mut content = bench.files.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        bench.with(name, &content).reason()
    };
    assert_eq!(changed("letter.txt"), format!("`letter.txt` has another digest than `{MANIFEST}` says"));
    assert_eq!(
        changed("annex/a b.txt"),
        format!("`annex/a b.txt` has another digest than `{MANIFEST}` says")
    );
    assert!(
        changed(SIGNATURE).starts_with(&format!("`{SIGNATURE}` does not verify")),
        "{}",
        changed(SIGNATURE)
    );
    let other = Bench::new();
    let xml = String::from_utf8(other.files[2].1.clone()).unwrap().replace("text/plain", "text/html");
    assert!(other.with(MANIFEST, xml.as_bytes()).reason().contains("another digest than the signature says"));
    for (name, why) in [
        ("letter.txt", format!("`{MANIFEST}` covers `letter.txt`, which is not there")),
        (MANIFEST, "it holds no ASiC manifest in META-INF, so nothing in it is signed".to_owned()),
        (SIGNATURE, format!("`{MANIFEST}` names the signature `{SIGNATURE}`, which is not there")),
    ] {
        assert_eq!(Bench::new().without(name).reason(), why);
    }
    assert_eq!(Bench::new().with("more.txt", b"x").reason(), "`more.txt` is covered by no signature");
    let stray = Bench::new().files[3].1.clone();
    assert_eq!(
        Bench::new().with("META-INF/other.p7s", &stray).reason(),
        "no manifest names the signature `META-INF/other.p7s`"
    );
    assert_eq!(
        Bench::new().with(MIMETYPE_NAME, b"text/plain").reason(),
        "its `mimetype` is not that of ASiC-E"
    );
}

#[test]
fn a_container_that_brings_its_own_authority_is_refused() {
    let bench = Bench::new();
    let nobody = Anchors::new();
    let files = InMemory::of(&archive(&bench.entries())).unwrap();
    for trusted in [&nobody, &anchors(&root("Root"))] {
        let found = chain(&verify(&files, trusted, now()).expect_err("is refused"));
        assert!(found.contains("the signer's certificate is not trusted"), "{found}");
    }
}

#[test]
fn one_signature_serves_one_manifest() {
    let bench = Bench::new();
    let again = bench.files[2].1.clone();
    let twice = bench.with("META-INF/ASiCManifest2.xml", &again);
    assert!(twice.reason().ends_with("which another manifest names too"), "{}", twice.reason());
    let mut many = Bench::new();
    for n in 0..MAX_LAYERS {
        many = many.with(&format!("META-INF/ASiCManifest{n:03}.xml"), b"<a/>");
    }
    assert_eq!(many.reason(), "it holds more than 32 manifests");
}

#[test]
fn tricks_of_xml_are_refused_by_name() {
    let letter = Bench::new().files[0].1.clone();
    let xml = manifest(SIGNATURE, &[("letter.txt", &letter), ("annex/a%20b.txt", b"annex")]);
    let before_root = |text: &str| xml.replace("?>\n", &format!("?>\n{text}\n"));
    let inside = |text: &str| xml.replace("<SigReference", &format!("{text}<SigReference"));
    let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let external = "<!DOCTYPE l SYSTEM \"file:///etc/passwd\">";
    let deep = format!("<ASiCManifestExtensions>{}", "<x>".repeat(100_000));
    let attributes: String = (0..50_000).map(|n| format!(" a{n}='x'")).collect();
    let long = format!("<x a='{}'/>", "y".repeat(100_000));
    for (text, why) in [
        (before_root(laughs), "it holds a document type at byte"),
        (before_root(external), "it holds a document type at byte"),
        (before_root("<?php x ?>"), "it holds a processing instruction at byte"),
        (before_root("<!-- c -->"), "it holds a comment at byte"),
        (inside("<![CDATA[x]]>"), "it holds a CDATA section at byte"),
        (inside("&c;"), "it holds an entity or character reference at byte"),
        (xml.replace("letter.txt", "&#108;etter.txt"), "it holds an entity or character reference at byte"),
        (xml.replace("encoding='utf-8'", "encoding='utf-16'"), "it is not UTF-8 text"),
        (xml.replace("encoding='utf-8'", "encoding='utf-7'"), "it is not UTF-8 text"),
        (format!("\u{feff}{xml}"), "an element is expected"),
        (inside(&deep), "it has more levels of elements than are accepted"),
        (inside(&format!("<x{attributes}/>")), "it has more attributes in an element than are accepted"),
        (inside(&long), "it has more bytes in a value than are accepted"),
        (format!("{xml}<x/>"), "the end of the file is expected"),
        (inside("text"), "it holds text between its elements"),
        (
            inside("<ASiCManifestExtensions><E Critical='true'/></ASiCManifestExtensions>"),
            "marked as critical",
        ),
        (inside("<Other/>"), "it holds an unknown element `Other`"),
        (inside("<q:x/>"), "a prefix that is declared is expected"),
        (
            xml.replace("<SigReference", "<SigReference URI='META-INF/x.p7s'/><SigReference"),
            "two `SigReference`",
        ),
        (xml.replace("URI='letter.txt'", "URI='letter.txt' URI='letter.txt'"), "every attribute once"),
        (xml.replace("annex/a%20b.txt", "letter.txt"), "it refers to `letter.txt` twice"),
        (xml.replace("letter.txt", "../letter.txt"), "it is not a path below the container"),
        (xml.replace("letter.txt", "http://x/letter.txt"), "a backslash, a colon or a control character"),
        (xml.replace("letter.txt", "%2e%2e/letter.txt"), "it is not a path below the container"),
        (xml.replace("letter.txt", "letter.txt#x"), "is no name of a file"),
        (xml.replace("'letter.txt'", &format!("'{SIGNATURE}'")), "it covers its own signature"),
        (xml.replace("xmlenc#sha256", "xmlenc#md5"), "the digest algorithm"),
        (xml.replace("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"), "the digest algorithm"),
        (xml.replace("xmlenc#sha256", "xmlenc#sha512"), "is not one of its algorithm"),
        (xml.replace("02918/v1.2.1#", "02918/v9#"), "its root is not `ASiCManifest`"),
        (xml.replace("</ASiCManifest>", ""), "is expected"),
    ] {
        let found = ForeignManifest::from_xml(text.as_bytes()).expect_err(why).to_string();
        assert!(found.contains(why), "{found} / {why}");
        // Signed or not, it stays refused.
        let signed = Bench::new().with_manifest(&text).reason();
        assert!(signed.contains(why), "{signed} / {why}");
    }
    let latin = xml.replace("letter.txt", "l\u{e9}tter.txt");
    let latin: Vec<u8> = latin.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(ForeignManifest::from_xml(&latin), Err(ForeignXmlError::NotUtf8));
    for cut in 0..xml.trim_end().len() {
        assert!(ForeignManifest::from_xml(&xml.as_bytes()[..cut]).is_err(), "cut at {cut}");
    }
    ForeignManifest::from_xml(xml.as_bytes()).unwrap();
    let extension = inside("<ASiCManifestExtensions><E Critical='false'>x</E></ASiCManifestExtensions>");
    ForeignManifest::from_xml(extension.as_bytes()).unwrap();
}

#[test]
fn stored_deflated_described_and_commented_entries_are_read() {
    let described = one(|entry| {
        entry.flags = 8;
        (entry.local_size, entry.local_crc) = (Some(0), Some(0));
        entry.after = vec![0x50, 0x4b, 7, 8, 0, 0, 0, 0, 11, 0, 0, 0, 11, 0, 0, 0];
    });
    let commented = one(|entry| entry.comment = b"made by hand".to_vec());
    let extra = one(|entry| entry.local_extra = vec![0x55, 0x54, 1, 0, 3]);
    for bytes in [one(|_| ()), described, commented, extra] {
        let files = open(&bytes).unwrap();
        assert_eq!(files.0["data/a"], b"the content");
        assert_eq!(files.0["data/b"], b"another");
    }
    let mut comment = one(|_| ());
    let at = comment.len() - 2;
    comment[at] = 4;
    comment.extend_from_slice(b"more");
    open(&comment).unwrap();
    let folder = archive(&[stored("data/", b""), stored("data/a", b"x")]);
    assert_eq!(open(&folder).unwrap().0.len(), 1);
    let wide = one(|entry| {
        (entry.size, entry.stored_size) = (u32::MAX, u32::MAX);
        entry.central_extra = extra64(&[11, 11]);
        entry.local_extra = extra64(&[11, 11]);
    });
    assert_eq!(open(&wide).unwrap().0["data/a"], b"the content");
}

#[test]
fn a_bomb_is_bounded_by_what_it_says() {
    let mut honest = deflated("data/a", &vec![0; 2 << 20]);
    assert_eq!(
        zip_reason(&archive(&[honest.clone()])),
        "the archive has 2097152 bytes of content, and at most 1048576 are accepted"
    );
    honest.size = 1000;
    assert!(zip_reason(&archive(&[honest.clone()])).contains("the content is longer than the archive says"));
    honest.size = 900_000;
    honest.stored_size = 20;
    honest.stored.truncate(20);
    assert!(zip_reason(&archive(&[honest])).contains("claims to be deflated more than deflate can"));
    let mut short = deflated("data/a", b"abc");
    short.size = 4;
    assert!(zip_reason(&archive(&[short])).contains("the content is shorter than the archive says"));
    let twice: Vec<Crafted> = (0..9).map(|n| deflated(&format!("{n}"), &vec![0; 130_000])).collect();
    assert!(zip_reason(&archive(&twice)).contains("bytes of content"));
    let many: Vec<Crafted> = (0..70).map(|n| stored(&format!("{n}"), b"")).collect();
    assert!(zip_reason(&archive(&many)).contains("70 entries, and at most 64"));
}

#[test]
fn a_bomb_that_says_what_it_is_is_refused_by_name_before_it_is_inflated() {
    let limits = ZipLimits { max_entries: 64, max_name_bytes: 255, max_total_bytes: 1 << 46 };
    let open = |entries: &[Crafted]| ForeignZip::open(Cursor::new(archive(entries)), limits);
    // Nobody inflates these: the directory alone is judged.
    let says = |name: &str, stored: usize, size: u32| {
        let mut entry = deflated(name, b"x");
        entry.stored = vec![0; stored];
        (entry.stored_size, entry.size) = (u32::try_from(stored).unwrap(), size);
        entry
    };
    let bomb = says("data/bomb", 100_000, (64 << 20) + 10_000_001);
    let error = open(&[stored("plain", b"x"), bomb]).unwrap_err();
    assert!(matches!(&error, ForeignZipError::Growth { name, .. } if name == "data/bomb"), "{error}");
    assert!(error.to_string().contains("77108865 bytes of the 100000"), "{error}");
    assert!(open(&[says("data/tight", 100_000, (64 << 20) + 10_000_000)]).is_ok());
    // Many that would each be let pass.
    let many: Vec<Crafted> = (0..9).map(|n| says(&format!("{n}"), 10_000, 1_000_000 + (8 << 20))).collect();
    assert!(open(&many[..8]).is_ok());
    let error = open(&many).unwrap_err();
    assert!(matches!(&error, ForeignZipError::Growth { name, .. } if name == "8"), "{error}");
    // What is large and deflates as files do is no bomb.
    assert!(open(&[says("data/table.csv", 10_000_000, 900_000_000)]).is_ok());
}

#[test]
fn whatever_two_readers_could_see_differently_is_refused_by_name() {
    let descriptor = one(|entry| {
        entry.flags = 8;
        (entry.local_size, entry.local_crc) = (Some(5), Some(0));
    });
    let overlap = archive(&[stored("a", b"x"), Crafted { offset: Some(0), ..stored("a", b"x") }]);
    let inside = archive(&[
        stored("first", &archive(&[stored("x", b"y")])),
        Crafted { offset: Some(35), ..stored("x", b"y") },
    ]);
    let good = one(|_| ());
    let directory = good.len() - 22;
    let size = u32::from_le_bytes(*good[good.len() - 10..].first_chunk().unwrap());
    let at = u32::from_le_bytes(*good[good.len() - 6..].first_chunk().unwrap());
    let mut two_ends = good.clone();
    let length_at = two_ends.len() - 2;
    two_ends[length_at] = 22;
    end(&mut two_ends, 3, size, at);
    let mut lie64 = good[..directory].to_vec();
    end64(&mut lie64, u64::MAX, size.into(), at.into());
    end(&mut lie64, u16::MAX, u32::MAX, u32::MAX);
    let mut other64 = good[..directory].to_vec();
    end64(&mut other64, 2, size.into(), at.into());
    end(&mut other64, 3, u32::MAX, at);
    for (bytes, why) in [
        (descriptor, "the two headers of `data/a` in the archive disagree about its size"),
        (one(|e| e.local_name = Some(b"data/x".to_vec())), "disagree about its name"),
        (one(|e| e.local_size = Some(5)), "disagree about its size"),
        (one(|e| e.local_crc = Some(5)), "disagree about its CRC-32"),
        (one(|e| e.crc32 = 5), "another CRC-32 than"),
        (one(|e| e.flags = 1), "it is encrypted"),
        (one(|e| e.flags = 0x40), "it has flags that are not known"),
        (one(|e| e.method = 12), "it is neither stored nor deflated"),
        (one(|e| e.method = 8), "cannot be read"),
        (one(|e| e.attributes = 0o120_777 << 16), "it is a link"),
        (one(|e| e.size = 5), "it is stored and has two sizes"),
        (one(|e| e.central_extra = vec![0x75, 0x70, 1, 0, 1]), "it has a second name"),
        (one(|e| e.central_extra = vec![1, 0, 9]), "its extra fields are damaged"),
        (one(|e| e.central_extra = [extra64(&[1]), extra64(&[1])].concat()), "two ZIP64 fields"),
        (one(|e| e.name = b"../x".to_vec()), "it is not a path below the container"),
        (one(|e| e.name = b"/x".to_vec()), "it is not a path below the container"),
        (one(|e| e.name = b"a\\x".to_vec()), "it has a backslash, a colon or a control character"),
        (one(|e| e.name = b"a\0".to_vec()), "it has a backslash, a colon or a control character"),
        (one(|e| e.name = b"caf\xe9".to_vec()), "it is not UTF-8"),
        (one(|e| e.name = Vec::new()), "a name has 1 to 255 bytes"),
        (one(|e| e.name = b"data/B".to_vec()), "it occurs twice, letter case aside"),
        (one(|e| e.name = b"First".to_vec()), "it occurs twice, letter case aside"),
        (one(|e| e.name = b"data".to_vec()), "it is both a file and a folder"),
        (one(|e| e.name = b"first/x".to_vec()), "it is both a file and a folder"),
        (one(|e| e.name = b"data/a/".to_vec()), "it is a folder with a content"),
        (one(|e| e.after = vec![0; 7]), "bytes that belong to nothing lie in the archive before `data/b`"),
        (one(|e| e.offset = Some(u32::MAX - 1)), "cannot be read"),
        (overlap, "it occurs twice"),
        (inside, "overlaps what follows it"),
        ([b"#!".as_slice(), &good].concat(), "directory does not lie where its end record says"),
        ([good.as_slice(), b"x"].concat(), "does not end with an end record"),
        (two_ends, "two places that could be its end record"),
        (lie64, "the archive has 18446744073709551615 entries"),
        (other64, "directory does not lie where its end record says"),
    ] {
        let found = zip_reason(&bytes);
        assert!(found.contains(why), "{found} / {why}");
    }
}

#[test]
fn a_cut_anywhere_is_refused() {
    let whole = archive(&Bench::new().entries());
    for at in 0..whole.len() {
        match open(&whole[..at]) {
            Err(ForeignZipError::NoEndRecord | ForeignZipError::Directory) => {}
            other => panic!("cut at {at}: {other:?}"),
        }
    }
}
