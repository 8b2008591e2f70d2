//! ZIP, manifest, signature, certificate and whole containers.

use crate::{parts, seeds};
use rogatory_container::asice::{self, Asice};
use rogatory_container::cades::{self, Framing};
use rogatory_container::foreign::{ForeignManifest, ForeignZip};
use rogatory_container::manifest::AsicManifest;
use rogatory_container::timestamp::{self, Answer, Expected};
use rogatory_container::zip::{MIMETYPE_NAME, StrictZip, ZipLimits, ZipWriter};
use rogatory_core::Digest;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::Anchors;
use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

/// What is accepted is written again as the same bytes, and a reader not ours sees the same entries.
pub(super) fn zip(data: &[u8]) {
    let Ok(mut zip) = StrictZip::open(Cursor::new(data), ZipLimits::DOCUMENT) else {
        return;
    };
    let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
    let contents: Option<Vec<Vec<u8>>> = names.iter().map(|name| zip.read(name, 1 << 20).ok()).collect();
    let Some(contents) = contents else {
        return;
    };
    let entries: Vec<(String, Vec<u8>)> = names.into_iter().zip(contents).collect();
    assert!(write_zip(&entries).as_deref() == Some(data), "another archive is written");
    assert_eq!(read_with_another(data), entries, "another reader sees something else");
}

fn write_zip(entries: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        if name == MIMETYPE_NAME {
            writer.add_mimetype().ok()?;
        } else {
            writer.add(name, content).ok()?;
        }
    }
    Some(writer.finish().ok()?.into_inner())
}

fn read_with_another(data: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut other = zip::ZipArchive::new(Cursor::new(data)).expect("another reader opens it");
    (0..other.len())
        .map(|index| {
            let mut entry = other.by_index(index).expect("another reader finds it");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("another reader reads it");
            (entry.name().expect("another reader names it").into_owned(), content)
        })
        .collect()
}

pub(super) fn zip_seeds() -> Vec<Vec<u8>> {
    let documents = seeds::documents().into_iter().map(|(_, bytes)| bytes);
    documents.chain(seeds::files("package", ".asice").into_iter().take(2).map(|(_, bytes)| bytes)).collect()
}

/// Any names and contents, written by us: what the writer takes, the reader and another reader give back.
pub(super) fn zip_parts(data: &[u8]) {
    let mut entries = vec![(MIMETYPE_NAME.to_owned(), rogatory_container::zip::MIMETYPE.as_bytes().to_vec())];
    for (name_bytes, content) in parts::split(data) {
        let (name, content) = content.split_at(usize::from(name_bytes).min(content.len()));
        entries.push((String::from_utf8_lossy(name).into_owned(), content.to_vec()));
    }
    if let Some(bytes) = write_zip(&entries) {
        let mut zip = StrictZip::open(Cursor::new(&bytes), ZipLimits::PACKAGE).expect("opens what we wrote");
        for (name, content) in &entries {
            assert_eq!(&zip.read(name, 1 << 20).expect("reads what we wrote"), content, "{name}");
        }
        assert_eq!(read_with_another(&bytes), entries);
    }
}

pub(super) fn zip_parts_seeds() -> Vec<Vec<u8>> {
    let rows: [&[(&str, &str)]; 5] = [
        &[("a", "b"), ("data/EX-0001.age", "x")],
        &[("a", ""), ("A", "")],
        &[("a", "1"), ("a/b", "2")],
        &[("../a", "1"), ("/etc/passwd", "2"), ("a\\b", "3")],
        &[("NUL.txt", "1"), ("a.", "2"), (".a", "3"), ("\u{e9}", "4")],
    ];
    rows.into_iter()
        .map(|row| {
            let contents: Vec<(u8, Vec<u8>)> = row
                .iter()
                .map(|(name, content)| {
                    (u8::try_from(name.len()).unwrap_or(0), [name.as_bytes(), content.as_bytes()].concat())
                })
                .collect();
            parts::join(contents.iter().map(|(name, content)| (*name, content.as_slice())))
        })
        .collect()
}

/// One manifest, one text.
pub(super) fn manifest(data: &[u8]) {
    if let Ok(manifest) = AsicManifest::from_xml(data) {
        assert!(manifest.to_xml() == data, "another manifest is written");
        assert!(!manifest.references().is_empty(), "a manifest that covers nothing");
    }
}

pub(super) fn manifest_seeds() -> Vec<Vec<u8>> {
    let mut found = seeds::contents(|name| name.ends_with(".xml"));
    if let Some(first) = found.first().and_then(|xml| String::from_utf8(xml.clone()).ok()) {
        let doctype = "?>\n<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\"><!ENTITY f \"&e;&e;\">]>\n";
        found.push(first.replace("?>\n", doctype).into_bytes());
        found.push(first.replace("META-INF/signature001.p7s", "&#77;ETA-INF/signature001.p7s").into_bytes());
        found
            .push(first.replace("\n  <asic:Sig", "\n  <![CDATA[x]]><?p i?><!-- c --><asic:Sig").into_bytes());
    }
    found
}

/// What the makers of the vectors signed.
struct Signed {
    anchors: Anchors,
    /// Whole signatures.
    signatures: BTreeSet<Vec<u8>>,
    /// The values in them: what cannot be made without a key.
    values: BTreeSet<Vec<u8>>,
    manifests: BTreeSet<Vec<u8>>,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let signatures: BTreeSet<Vec<u8>> = cades_seeds().into_iter().collect();
    let parsed = signatures.iter().filter_map(|der| cades::parse(der, Framing::Foreign).ok());
    Signed {
        anchors: seeds::anchors("container"),
        values: parsed.map(|signature| signature.signature_value().to_vec()).collect(),
        signatures,
        manifests: seeds::contents(|name| name.ends_with(".xml")).into_iter().collect(),
    }
});

impl Signed {
    /// Somebody with a key made this signature. Where anchors vouch for the certificates, no byte of it is free.
    fn assert_made(&self, der: &[u8], value: &[u8], trusted: bool) {
        assert!(self.values.contains(value), "a forged signature");
        assert!(!trusted || self.signatures.contains(der), "a changed signature is trusted");
    }
}

/// A canonical signature is a foreign one too, and nobody makes a valid one without a key.
pub(super) fn cades(data: &[u8]) {
    let foreign = cades::parse(data, Framing::Foreign);
    let canonical = cades::parse(data, Framing::Canonical);
    let signed = &*SIGNED;
    if let Ok(canonical) = &canonical {
        let foreign = foreign.as_ref().expect("the lenient reading takes what the strict one takes");
        assert_eq!(canonical.signer_certificate(), foreign.signer_certificate());
        assert_eq!(canonical.claimed_time(), foreign.claimed_time());
        assert_eq!(canonical.claimed_function(), foreign.claimed_function());
        assert_eq!(canonical.signature_value(), foreign.signature_value());
        for xml in &signed.manifests {
            if cades::verify_integrity(canonical, xml).is_ok() {
                let trusted = cades::verify(canonical, xml, &signed.anchors, seeds::at()).is_ok();
                signed.assert_made(data, canonical.signature_value(), trusted);
            }
        }
    }
    if let Ok(foreign) = &foreign {
        for xml in &signed.manifests {
            if cades::verify(foreign, xml, &signed.anchors, seeds::at()).is_ok() {
                assert!(signed.values.contains(foreign.signature_value()), "a forged signature");
            }
        }
    }
}

pub(super) fn cades_seeds() -> Vec<Vec<u8>> {
    seeds::contents(|name| name.ends_with(".p7s"))
}

/// The tokens that an authority made, under the anchors that vouch for it.
static STAMPED: LazyLock<(Anchors, BTreeSet<Vec<u8>>)> = LazyLock::new(|| {
    let tokens = seeds::files("timestamp", ".tst").into_iter().map(|(_, token)| token);
    (seeds::anchors("timestamp"), tokens.collect())
});

/// A token or an answer with one: under anchors nobody makes one without a key, and no byte of it is free.
pub(super) fn timestamp(data: &[u8]) {
    let answer = Answer::from_der(data).ok();
    let token = answer.as_ref().map_or(data, Answer::token);
    let Ok(parsed) = timestamp::parse(token) else {
        return;
    };
    assert!(parsed.certificates().contains(parsed.tsa_certificate()), "a signer from elsewhere");
    let (anchors, made) = &*STAMPED;
    if timestamp::verify(&parsed, parsed.imprint(), Expected::default(), anchors).is_ok() {
        assert!(made.contains(token), "a forged or changed token is trusted");
    }
    let other = timestamp::verify(&parsed, Digest::of(token), Expected::default(), anchors);
    assert!(other.is_err(), "a token that stamps itself");
}

pub(super) fn timestamp_seeds() -> Vec<Vec<u8>> {
    let files = [".tst", ".tsr"].into_iter().flat_map(|ending| seeds::files("timestamp", ending));
    files.map(|(_, bytes)| bytes).collect()
}

/// Nothing in a certificate makes its readers fail, and its PEM is the certificate again.
pub(super) fn certificate(data: &[u8]) {
    let Ok(certificate) = Certificate::from_der(data.to_vec()) else {
        return;
    };
    assert_eq!(certificate.der(), data);
    let again = Certificate::pem_chain(&certificate.to_pem()).expect("reads its own PEM");
    assert_eq!(again, vec![certificate.clone()]);
    let _ = (certificate.serial(), certificate.subject(), certificate.issuer(), certificate.identity());
    let _ = (certificate.subject_common_name(), certificate.serial_number_attribute());
    let _ = (certificate.not_before(), certificate.not_after(), certificate.is_self_signed());
    let _ = (certificate.is_authority(), certificate.may_sign_documents(), certificate.may_issue());
    let _ = (certificate.spki_der(), certificate.public_key().to_string());
    assert!(!certificate.subject().chars().any(char::is_control), "a subject that moves the cursor");
    let _ = SIGNED.anchors.validate_signing(&certificate, &[], seeds::at());
    let mut anchors = Anchors::new();
    if anchors.add(certificate.clone(), None).is_ok() {
        assert!(certificate.is_authority(), "an anchor that is no authority");
    }
}

pub(super) fn certificate_seeds() -> Vec<Vec<u8>> {
    let signatures = cades_seeds();
    let parsed = signatures.iter().filter_map(|der| cades::parse(der, Framing::Foreign).ok());
    let embedded = parsed.flat_map(|signature| signature.certificates().to_vec());
    let anchors = SIGNED.anchors.iter().map(|anchor| anchor.certificate().clone());
    let all: BTreeSet<Vec<u8>> =
        embedded.chain(anchors).map(|certificate| certificate.der().to_vec()).collect();
    all.into_iter().collect()
}

/// A PEM file of anchors.
pub(super) fn anchors(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(anchors) = Anchors::from_pem(text, None) {
        assert!(anchors.iter().next().is_some(), "anchors without an anchor");
    }
}

pub(super) fn anchors_seeds() -> Vec<Vec<u8>> {
    ["container", "package", "receipt", "party-entry"]
        .into_iter()
        .flat_map(|folder| seeds::files(folder, ".pem"))
        .map(|(_, bytes)| bytes)
        .collect()
}

/// What is read is written again as the same bytes; what verifies holds no signature but those that were made.
pub(super) fn asice(data: &[u8]) {
    let Ok(document) = Asice::from_bytes(data, ZipLimits::DOCUMENT) else {
        return;
    };
    judge(&document);
}

fn judge(document: &Asice) {
    let signed = &*SIGNED;
    let verified = asice::verify(document, &signed.anchors, seeds::at());
    let intact = asice::verify_integrity(document);
    if let Ok(intact) = &intact {
        for (n, signature) in (1..).zip(intact.signatures()) {
            let der = document.signature(n).expect("each layer has a signature");
            signed.assert_made(der, signature.parsed().signature_value(), verified.is_ok());
        }
        assert!(document.content_names().next().is_some(), "a document that covers nothing");
    }
    if let Ok(verified) = verified {
        assert!(intact.is_ok(), "trusted and not intact");
        let _ = rogatory_evidence::formal::judge_signers(&verified, &[]);
    }
    let _ = rogatory_evidence::formal::claim(document);
}

pub(super) fn asice_seeds() -> Vec<Vec<u8>> {
    seeds::documents().into_iter().map(|(_, bytes)| bytes).collect()
}

const NAMES: &[&str] = &[
    "document.json",
    "document.pdf",
    "attachment.txt",
    "signers.json",
    "META-INF/ASiCManifest001.xml",
    "META-INF/signature001.p7s",
    "META-INF/ASiCManifest002.xml",
    "META-INF/signature002.p7s",
    "META-INF/ASiCManifest003.xml",
    "META-INF/signature003.p7s",
    "META-INF/ASiCManifest004.xml",
    "META-INF/signature004.p7s",
    "META-INF/manifest.xml",
    "a/b",
];

/// The same with checksums that are always right.
pub(super) fn asice_parts(data: &[u8]) {
    let mut entries = vec![(MIMETYPE_NAME.to_owned(), Vec::new())];
    for (name, content) in parts::split(data) {
        let name = NAMES.get(usize::from(name) % NAMES.len()).copied().unwrap_or_default();
        entries.push((name.to_owned(), content.to_vec()));
    }
    if let Some(bytes) = write_zip(&entries)
        && let Ok(document) = Asice::from_bytes(&bytes, ZipLimits::DOCUMENT)
    {
        judge(&document);
    }
}

pub(super) fn asice_parts_seeds() -> Vec<Vec<u8>> {
    let documents = seeds::documents().into_iter();
    documents
        .map(|(_, bytes)| {
            let entries = seeds::entries(&bytes);
            parts::join(entries.iter().filter_map(|(name, content)| {
                let place = NAMES.iter().position(|known| known == name)?;
                Some((u8::try_from(place).ok()?, content.as_slice()))
            }))
        })
        .filter(|input| !input.is_empty())
        .collect()
}

/// What is read from an archive of other tools, a reader not ours sees too, and every canonical archive is one.
pub(super) fn foreign_zip(data: &[u8]) {
    let strict = StrictZip::open(Cursor::new(data), ZipLimits::DOCUMENT);
    let Ok(mut zip) = ForeignZip::open(Cursor::new(data), ZipLimits::DOCUMENT) else {
        assert!(strict.is_err(), "canonical and not readable as foreign");
        return;
    };
    let entries = zip.entries().to_vec();
    let mut seen = Vec::new();
    for entry in &entries {
        let mut content = Vec::new();
        let mut reader = zip.content(&entry.name).expect("seeks").expect("it is there");
        let read = reader.read_to_end(&mut content);
        assert!(content.len() as u64 <= entry.size_bytes, "more than the directory says");
        if read.is_err() {
            return;
        }
        assert!(content.len() as u64 == entry.size_bytes, "less than the directory says");
        if entry.stored_bytes() == entry.size_bytes {
            seen.push((entry.name.clone(), content));
        }
    }
    let Ok(mut other) = zip::ZipArchive::new(Cursor::new(data)) else {
        return;
    };
    for (name, content) in seen {
        let mut found = Vec::new();
        let Ok(mut entry) = other.by_name(&name) else { continue };
        if entry.read_to_end(&mut found).is_ok() {
            assert!(found == content, "another reader sees something else");
        }
    }
}

pub(super) fn foreign_zip_seeds() -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = asice_seeds();
    found.truncate(6);
    // By Python: deflated with a folder and a comment; with data descriptors; with a ZIP64 local header.
    for hexadecimal in [
        "504b030414000000080055837a5d000000000200000000000000090000004d4554412d494e462f0300504b030414000000080055837a5d2443e46e0b000000b4000000070000006120622e747874cb48cdc9c957c818522400504b0304140000000000000021009928e68f020000000200000001000000637879504b0102140314000000080055837a5d000000000200000000000000090000000000000000001000fd41000000004d4554412d494e462f504b0102140314000000080055837a5d2443e46e0b000000b40000000700000000000000000000008001290000006120622e747874504b01021403140000000000000021009928e68f020000000200000001000000000000000000000080015900000063504b050600000000030003009b0000007a000000070062792068616e64",
        "504b030414000800080055837a5d00000000000000000000000005000000642e747874cb48cdc9c957c818522400504b07082443e46e0b000000b4000000504b03041400080000000000210000000000000000000000000001000000657879504b07089928e68f0200000002000000504b0102140314000800080055837a5d2443e46e0b000000b4000000050000000000000000000000800100000000642e747874504b01021403140008000000000021009928e68f020000000200000001000000000000000000000080013e00000065504b05060000000002000200620000006f0000000000",
        "504b03042d0000000000000021001c3af5cbffffffffffffffff040014007769646501001000050000000000000005000000000000003132333435504b01022d032d0000000000000021001c3af5cb050000000500000004000000000000000000000080010000000077696465504b05060000000001000100320000003b0000000000",
    ] {
        found.push(data_encoding::HEXLOWER.decode(hexadecimal.as_bytes()).expect("hexadecimal"));
    }
    found
}

/// Whatever is taken from a manifest has names below the container, digests of their length, and covers something; the
/// canonical manifest says the same in both readings.
pub(super) fn foreign_manifest(data: &[u8]) {
    let foreign = ForeignManifest::from_xml(data);
    if let Ok(manifest) = &foreign {
        assert!(!manifest.references.is_empty(), "a manifest that covers nothing");
        for reference in &manifest.references {
            assert!(!reference.name.starts_with('/') && !reference.name.split('/').any(|part| part == ".."));
            assert!(matches!(reference.digest.len(), 32 | 48 | 64));
        }
    }
    if let Ok(strict) = AsicManifest::from_xml(data) {
        let foreign = foreign.expect("the lenient reading takes what the strict one takes");
        assert_eq!(strict.sig_reference(), foreign.signature);
        let strict = strict
            .references()
            .iter()
            .map(|reference| (&reference.uri, reference.digest.as_bytes().as_slice()));
        let foreign =
            foreign.references.iter().map(|reference| (&reference.name, reference.digest.as_slice()));
        assert!(strict.eq(foreign), "the two readings differ");
    }
}

pub(super) fn foreign_manifest_seeds() -> Vec<Vec<u8>> {
    let mut found = manifest_seeds();
    let text = "<?xml version='1.0' encoding='utf-8'?><ASiCManifest xmlns='http://uri.etsi.org/02918/v1.2.1#' \
        xmlns:d='http://www.w3.org/2000/09/xmldsig#'><DataObjectReference URI='a%20b'><d:DigestMethod \
        Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/><d:DigestValue>\n\
        47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n</d:DigestValue><DataObjectReferenceExtensions/>\
        </DataObjectReference><SigReference MimeType='x&amp;y' URI='META-INF/s.p7s'/><ASiCManifestExtensions>\
        <e Critical='false'>&lt;</e></ASiCManifestExtensions></ASiCManifest>\n";
    found.push(text.as_bytes().to_vec());
    found
}
