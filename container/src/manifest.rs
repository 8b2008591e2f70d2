//! The ASiC manifest (ETSI EN 319 162-1): the file that is signed, listing each file and its SHA-256.
//!
//! Holds one deterministic way to write it and a reader for exactly that form, so every byte of a manifest
//! is determined by what it says. May call the name rules of [`crate::zip`]. It knows no document type
//! declaration, entity, comment or second root, because its grammar has no place for them; it checks no
//! digest against content.

use crate::zip::{NameError, check_name};
use data_encoding::BASE64;
use rogatory_core::Digest;
use std::collections::HashSet;

/// The namespace of the manifest elements.
pub const ASIC_NAMESPACE: &str = "http://uri.etsi.org/02918/v1.2.1#";
/// The media type a manifest states for a signature.
pub const SIGNATURE_MIME: &str = "application/pkcs7-signature";
/// The media type a later manifest states for an earlier one.
pub const MANIFEST_MIME: &str = "application/xml";

/// Longest manifest that is read: enough for 200,000 references.
pub const MAX_MANIFEST_BYTES: usize = 64 << 20;

const MAX_MIME_BYTES: usize = 100;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" \
    xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n  \
    <asic:SigReference URI=\"";
const AFTER_SIGNATURE: &str = "\" MimeType=\"application/pkcs7-signature\"/>\n";
const REFERENCE: &str = "  <asic:DataObjectReference URI=\"";
const MIME: &str = "\" MimeType=\"";
const METHOD: &str = "\">\n    \
    <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n    \
    <ds:DigestValue>";
const AFTER_DIGEST: &str = "</ds:DigestValue>\n  </asic:DataObjectReference>\n";
const TAIL: &str = "</asic:ASiCManifest>\n";

/// A manifest: which signature signs it, and the files it covers, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsicManifest {
    sig_reference: String,
    references: Vec<DataReference>,
}

/// Writes at once the manifest that [`AsicManifest::new`] would make of files without media types.
///
/// # Errors
/// As [`AsicManifest::new`].
pub fn to_xml<'a>(
    sig_reference: &str,
    files: impl Iterator<Item = (&'a str, Digest)> + Clone,
) -> Result<Vec<u8>, ManifestError> {
    check(sig_reference, files.clone().map(|(uri, _)| (uri, None)))?;
    Ok(written(sig_reference, files.map(|(uri, digest)| (uri, None, digest))).into_bytes())
}

/// One file a manifest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataReference {
    /// The file's name in the container.
    pub uri: String,
    /// Its media type, if stated.
    pub mime: Option<String>,
    /// SHA-256 of its content.
    pub digest: Digest,
}

/// The manifest can't be made, or isn't in the canonical form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    /// Longer than is read.
    #[error("the manifest has {0} bytes, and at most {MAX_MANIFEST_BYTES} are accepted")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    NotUtf8,
    /// Something else stands where the canonical form has one thing only.
    #[error("the manifest is not in the canonical form at byte {at}: {expected} is expected there")]
    Form {
        /// Offset of the first byte that differs.
        at: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A reference to a file that can't be in a container.
    #[error("the manifest refers to an unacceptable name")]
    Name {
        /// Why.
        #[source]
        source: NameError,
    },
    /// A media type that is none.
    #[error("the manifest states for `{uri}` a media type that is none")]
    Mime {
        /// The file.
        uri: String,
    },
    /// The same file twice, or its own signature among the files.
    #[error("the manifest refers to `{0}` twice")]
    Duplicate(String),
    /// Nothing is covered.
    #[error("the manifest covers no file")]
    Empty,
}

impl AsicManifest {
    /// Makes a manifest that `sig_reference` will sign.
    ///
    /// # Errors
    /// [`ManifestError`] for no reference, one twice, or a name or media type that can't stand.
    pub fn new(
        sig_reference: impl Into<String>,
        references: Vec<DataReference>,
    ) -> Result<Self, ManifestError> {
        let sig_reference = sig_reference.into();
        check(&sig_reference, references.iter().map(|file| (file.uri.as_str(), file.mime.as_deref())))?;
        Ok(Self { sig_reference, references })
    }

    /// The name of the signature over this manifest.
    #[must_use]
    pub fn sig_reference(&self) -> &str {
        &self.sig_reference
    }

    /// The files covered, in the order of the manifest.
    #[must_use]
    pub fn references(&self) -> &[DataReference] {
        &self.references
    }

    /// Writes the manifest, the only way there is.
    #[must_use]
    pub fn to_xml(&self) -> Vec<u8> {
        written(&self.sig_reference, self.files()).into_bytes()
    }

    fn files(&self) -> impl Iterator<Item = (&str, Option<&str>, Digest)> + Clone {
        self.references.iter().map(|file| (file.uri.as_str(), file.mime.as_deref(), file.digest))
    }

    /// Reads a manifest in the canonical form, and no other; in one pass.
    ///
    /// # Errors
    /// [`ManifestError`], with the place of the first byte that differs.
    pub fn from_xml(xml: &[u8]) -> Result<Self, ManifestError> {
        if xml.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong(xml.len()));
        }
        let text = std::str::from_utf8(xml).map_err(|_| ManifestError::NotUtf8)?;
        let mut rest = Rest { text, at: 0 };
        rest.literal(HEAD, "the head of a manifest, without DTD or other namespaces")?;
        let sig_reference = rest.until_quote()?.to_owned();
        rest.literal(AFTER_SIGNATURE, "the media type of the signature")?;
        let mut references = Vec::new();
        while rest.skip(REFERENCE) {
            references.push(rest.reference()?);
        }
        rest.literal(TAIL, "a reference or the end of the manifest")?;
        if rest.at != text.len() {
            return Err(rest.wrong("the end of the file"));
        }
        let manifest = Self::new(sig_reference, references)?;
        // The grammar above leaves no freedom; this says so whatever becomes of the grammar.
        let mut rest = xml;
        let mut same = true;
        write(
            &manifest.sig_reference,
            manifest.files(),
            &mut |text| match rest.strip_prefix(text.as_bytes()) {
                Some(after) => rest = after,
                None => same = false,
            },
        );
        if same && rest.is_empty() {
            Ok(manifest)
        } else {
            Err(ManifestError::Form { at: 0, expected: "the canonical form" })
        }
    }
}

/// The rules of [`AsicManifest::new`].
fn check<'a>(
    sig_reference: &'a str,
    files: impl Iterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<(), ManifestError> {
    check_name(sig_reference).map_err(|source| ManifestError::Name { source })?;
    let mut seen = HashSet::with_capacity(1 + files.size_hint().0);
    seen.insert(sig_reference);
    for (uri, mime) in files {
        check_name(uri).map_err(|source| ManifestError::Name { source })?;
        if !mime.is_none_or(is_mime) {
            return Err(ManifestError::Mime { uri: uri.into() });
        }
        if !seen.insert(uri) {
            return Err(ManifestError::Duplicate(uri.into()));
        }
    }
    if seen.len() == 1 { Err(ManifestError::Empty) } else { Ok(()) }
}

/// Hands on the text of a manifest, piece by piece.
fn write<'a>(
    sig_reference: &str,
    files: impl Iterator<Item = (&'a str, Option<&'a str>, Digest)>,
    put: &mut dyn FnMut(&str),
) {
    let mut base64 = String::new();
    put(HEAD);
    put(sig_reference);
    put(AFTER_SIGNATURE);
    for (uri, mime, digest) in files {
        put(REFERENCE);
        put(uri);
        if let Some(mime) = mime {
            put(MIME);
            put(mime);
        }
        put(METHOD);
        base64.clear();
        BASE64.encode_append(digest.as_bytes(), &mut base64);
        put(&base64);
        put(AFTER_DIGEST);
    }
    put(TAIL);
}

/// The whole text, in as much memory as it needs: it may name 100,000 files.
fn written<'a>(
    sig_reference: &str,
    files: impl Iterator<Item = (&'a str, Option<&'a str>, Digest)> + Clone,
) -> String {
    let mut length = 0;
    write(sig_reference, files.clone(), &mut |text| length += text.len());
    let mut xml = String::with_capacity(length);
    write(sig_reference, files, &mut |text| xml.push_str(text));
    xml
}

/// What is left to read, and where it begins.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn remaining(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, literal: &str) -> bool {
        let there = self.remaining().starts_with(literal);
        if there {
            self.at += literal.len();
        }
        there
    }

    fn literal(&mut self, literal: &str, expected: &'static str) -> Result<(), ManifestError> {
        if self.skip(literal) {
            return Ok(());
        }
        let same = self.remaining().bytes().zip(literal.bytes());
        self.at += same.take_while(|(a, b)| a == b).count();
        Err(self.wrong(expected))
    }

    fn wrong(&self, expected: &'static str) -> ManifestError {
        ManifestError::Form { at: self.at, expected }
    }

    /// An attribute value; the longest is a name, so the search for its end is bounded.
    fn until_quote(&mut self) -> Result<&'a str, ManifestError> {
        let bytes = self.remaining().as_bytes();
        let end = bytes.iter().take(300).position(|b| *b == b'"');
        let value = end.and_then(|end| self.remaining().get(..end));
        let value = value.ok_or_else(|| self.wrong("an attribute value of at most 255 bytes"))?;
        self.at += value.len();
        Ok(value)
    }

    fn reference(&mut self) -> Result<DataReference, ManifestError> {
        let uri = self.until_quote()?.to_owned();
        let mime = if self.skip(MIME) { Some(self.until_quote()?.to_owned()) } else { None };
        self.literal(METHOD, "SHA-256 as digest method")?;
        let digest = self.remaining().get(..44);
        let digest = digest.and_then(|text| BASE64.decode(text.as_bytes()).ok());
        let digest = digest.and_then(|bytes| Digest::from_slice(&bytes).ok());
        let digest = digest.ok_or_else(|| self.wrong("a SHA-256 digest in padded base64"))?;
        self.at += 44;
        self.literal(AFTER_DIGEST, "the end of the reference")?;
        Ok(DataReference { uri, mime, digest })
    }
}

/// A media type without parameters, of characters that XML needs no escape for.
fn is_mime(text: &str) -> bool {
    let token = |t: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
        !t.is_empty() && t.bytes().all(allowed)
    };
    let parts = text.split_once('/');
    text.len() <= MAX_MIME_BYTES && parts.is_some_and(|(a, b)| token(a) && token(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> AsicManifest {
        let reference = |uri: &str, mime: Option<&str>| DataReference {
            uri: uri.into(),
            mime: mime.map(Into::into),
            digest: Digest::of(uri.as_bytes()),
        };
        let references =
            vec![reference("document.json", Some("application/json")), reference("data/EX-0001.age", None)];
        AsicManifest::new("META-INF/signature001.p7s", references).unwrap()
    }

    #[test]
    fn a_manifest_survives_its_text() {
        let xml = sample().to_xml();
        assert_eq!(AsicManifest::from_xml(&xml), Ok(sample()));
    }

    #[test]
    fn no_byte_of_the_text_is_free() {
        let xml = sample().to_xml();
        for at in 0..xml.len() {
            for bit in 0..8 {
                let mut other = xml.clone();
                other[at] ^= 1 << bit;
                assert_ne!(AsicManifest::from_xml(&other), Ok(sample()), "byte {at} bit {bit}");
            }
            let mut shorter = xml.clone();
            shorter.remove(at);
            assert_ne!(AsicManifest::from_xml(&shorter), Ok(sample()), "byte {at} removed");
        }
    }

    #[test]
    fn document_types_comments_and_a_second_root_are_refused() {
        let xml = String::from_utf8(sample().to_xml()).unwrap();
        let bad = [
            xml.replace("?>\n", "?>\n<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n"),
            xml.replace("  <asic:Sig", "  <!-- note --><asic:Sig"),
            format!("{xml}{xml}"),
            format!("{xml} "),
            format!("\u{feff}{xml}"),
            xml.replace("xmlenc#sha256", "xmlenc#sha512"),
            xml.replace("\n", "\r\n"),
            xml.replace("document.json", "../document.json"),
            xml.replace("document.json", "document%2Ejson"),
            xml.replace("document.json", "data/EX-0001.age"),
            xml.replace("application/json", "application/json;charset=utf-8"),
        ];
        for text in bad {
            assert!(AsicManifest::from_xml(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_place_of_a_defect_is_named() {
        let xml = String::from_utf8(sample().to_xml()).unwrap();
        let at = xml.find("sha256").unwrap();
        let bad = xml.replacen("sha256", "sha512", 1);
        let error = AsicManifest::from_xml(bad.as_bytes()).unwrap_err();
        assert_eq!(error, ManifestError::Form { at: at + 3, expected: "SHA-256 as digest method" });
    }

    #[test]
    fn a_file_is_referred_to_once_and_never_is_the_own_signature() {
        let twice = vec![sample().references()[0].clone(); 2];
        let error = AsicManifest::new("META-INF/signature001.p7s", twice).unwrap_err();
        assert_eq!(error, ManifestError::Duplicate("document.json".into()));
        let own = AsicManifest::new("document.json", sample().references().to_vec());
        assert_eq!(own, Err(ManifestError::Duplicate("document.json".into())));
        let none = AsicManifest::new("META-INF/signature001.p7s", Vec::new());
        assert_eq!(none, Err(ManifestError::Empty));
    }

    #[test]
    fn a_hundred_thousand_references_are_read_in_one_pass() {
        let reference = |n: usize| DataReference {
            uri: format!("data/EX-{n:06}.age"),
            mime: None,
            digest: Digest::of(&n.to_be_bytes()),
        };
        let references = (0..100_000).map(reference).collect();
        let manifest = AsicManifest::new("META-INF/signature001.p7s", references).unwrap();
        let xml = manifest.to_xml();
        assert!(xml.len() < MAX_MANIFEST_BYTES);
        let files = manifest.references().iter().map(|file| (file.uri.as_str(), file.digest));
        assert_eq!(to_xml("META-INF/signature001.p7s", files), Ok(xml.clone()));
        assert_eq!(AsicManifest::from_xml(&xml), Ok(manifest));
    }

    #[test]
    fn a_manifest_written_at_once_obeys_the_same_rules() {
        let digest = Digest::of(b"");
        let write = |uris: &[&str]| to_xml("META-INF/s.p7s", uris.iter().map(|uri| (*uri, digest)));
        assert_eq!(write(&[]), Err(ManifestError::Empty));
        assert_eq!(write(&["a", "a"]), Err(ManifestError::Duplicate("a".into())));
        assert_eq!(write(&["META-INF/s.p7s"]), Err(ManifestError::Duplicate("META-INF/s.p7s".into())));
        assert!(matches!(write(&["../a"]), Err(ManifestError::Name { .. })));
    }
}
