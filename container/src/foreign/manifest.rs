//! An ASiC manifest as other tools spell it: any order of attributes, any prefix, SHA-256, SHA-384 or SHA-512.
//!
//! Takes from it what a signature vouches for: which signature, which files, which digests. A critical extension is
//! refused, for it would change what that means. Pure.

use super::ForeignXmlError;
use super::xml::{Name, Token, Xml};
use crate::manifest::{ASIC_NAMESPACE, MAX_MANIFEST_BYTES};
use data_encoding::BASE64;
use std::collections::HashSet;

const DSIG_NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Most files one manifest covers.
const MAX_REFERENCES: usize = 200_000;

/// How a file was digested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DigestMethod {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestMethod {
    const fn output_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn of_uri(uri: &str) -> Option<Self> {
        match uri {
            "http://www.w3.org/2001/04/xmlenc#sha256" => Some(Self::Sha256),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Some(Self::Sha384),
            "http://www.w3.org/2001/04/xmlenc#sha512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// One file that a manifest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignReference {
    /// The file's name.
    pub name: String,
    /// How it was digested.
    pub method: DigestMethod,
    /// Its digest.
    pub digest: Vec<u8>,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignManifest {
    /// The signature over it.
    pub signature: String,
    /// What it covers; each file once.
    pub references: Vec<ForeignReference>,
}

/// Names without prefix, and values.
type Attributes = Vec<(String, String)>;

fn bad(what: impl Into<String>) -> ForeignXmlError {
    ForeignXmlError::Manifest(what.into())
}

impl ForeignManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ForeignXmlError`] with the first thing that is wrong.
    pub fn from_xml(bytes: &[u8]) -> Result<Self, ForeignXmlError> {
        if bytes.len() > MAX_MANIFEST_BYTES {
            return Err(ForeignXmlError::TooLong(bytes.len()));
        }
        let mut xml = Xml::new(bytes)?;
        match xml.next()? {
            Some(Token::Start { name, .. }) if is(&name, ASIC_NAMESPACE, "ASiCManifest") => {}
            _ => return Err(bad("its root is not `ASiCManifest` of ETSI TS 102 918 or EN 319 162")),
        }
        let mut signature = None;
        let mut references = Vec::new();
        let mut seen = HashSet::new();
        while let Some((name, attributes)) = child(&mut xml)? {
            if is(&name, ASIC_NAMESPACE, "SigReference") {
                let uri = file_name(&attributes)?;
                if signature.replace(uri).is_some() {
                    return Err(bad("it has two `SigReference`"));
                }
                skip_rest(&mut xml)?;
            } else if is(&name, ASIC_NAMESPACE, "DataObjectReference") {
                let reference = read_reference(&mut xml, &attributes)?;
                if !seen.insert(reference.name.clone()) {
                    return Err(bad(format!("it refers to `{}` twice", reference.name)));
                }
                if references.len() >= MAX_REFERENCES {
                    return Err(ForeignXmlError::Limit("references"));
                }
                references.push(reference);
            } else if is(&name, ASIC_NAMESPACE, "ASiCManifestExtensions") {
                skip_rest(&mut xml)?;
            } else {
                return Err(bad(format!("it holds an unknown element `{}`", name.local)));
            }
        }
        if xml.next()?.is_some() {
            return Err(bad("something follows its root"));
        }
        let signature = signature.ok_or_else(|| bad("it names no signature"))?;
        if references.is_empty() {
            return Err(bad("it covers no file"));
        }
        if seen.contains(&signature) {
            return Err(bad("it covers its own signature"));
        }
        Ok(Self { signature, references })
    }
}

fn is(name: &Name, space: &str, local: &str) -> bool {
    name.space == space && name.local == local
}

/// The next child element of the one that is open; `None` at its end. Text between elements may only be blank.
fn child(xml: &mut Xml<'_>) -> Result<Option<(Name, Attributes)>, ForeignXmlError> {
    loop {
        match xml.next()? {
            Some(Token::Start { name, attributes }) => return Ok(Some((name, attributes))),
            Some(Token::Text(text)) if text.trim().is_empty() => {}
            Some(Token::Text(_)) => return Err(bad("it holds text between its elements")),
            Some(Token::End) | None => return Ok(None),
        }
    }
}

/// Passes over what is left of the element that is open, unless it is marked as critical.
fn skip_rest(xml: &mut Xml<'_>) -> Result<(), ForeignXmlError> {
    let mut depth = 1;
    while depth > 0 {
        match xml.next()? {
            Some(Token::Start { attributes, .. }) => {
                let critical =
                    |(name, value): &(String, String)| name == "Critical" && value != "false" && value != "0";
                if attributes.iter().any(critical) {
                    return Err(bad("it holds an extension that is marked as critical"));
                }
                depth += 1;
            }
            Some(Token::End) => depth -= 1,
            Some(Token::Text(_)) => {}
            None => return Err(bad("it ends early")),
        }
    }
    Ok(())
}

fn read_reference(
    xml: &mut Xml<'_>,
    attributes: &[(String, String)],
) -> Result<ForeignReference, ForeignXmlError> {
    let name = file_name(attributes)?;
    let (mut method, mut value) = (None, None);
    while let Some((element, attributes)) = child(xml)? {
        if is(&element, DSIG_NAMESPACE, "DigestMethod") {
            let uri = attribute(&attributes, "Algorithm").unwrap_or_default();
            let found = DigestMethod::of_uri(uri).ok_or_else(|| {
                bad(format!("the digest algorithm `{}` is not accepted", uri.escape_default()))
            })?;
            if method.replace(found).is_some() {
                return Err(bad(format!("`{name}` has two digest algorithms")));
            }
            skip_rest(xml)?;
        } else if is(&element, DSIG_NAMESPACE, "DigestValue") {
            let text = text_of(xml)?;
            if value.replace(text).is_some() {
                return Err(bad(format!("`{name}` has two digests")));
            }
        } else if is(&element, ASIC_NAMESPACE, "DataObjectReferenceExtensions") {
            skip_rest(xml)?;
        } else {
            return Err(bad(format!("it holds an unknown element `{}`", element.local)));
        }
    }
    let method = method.ok_or_else(|| bad(format!("`{name}` has no digest algorithm")))?;
    let text: String = value.unwrap_or_default().split_ascii_whitespace().collect();
    let digest = BASE64.decode(text.as_bytes()).ok().filter(|digest| digest.len() == method.output_bytes());
    let digest = digest.ok_or_else(|| bad(format!("the digest of `{name}` is not one of its algorithm")))?;
    Ok(ForeignReference { name, method, digest })
}

/// The text of the element that is open; nothing else may stand in it.
fn text_of(xml: &mut Xml<'_>) -> Result<String, ForeignXmlError> {
    let mut text = String::new();
    loop {
        match xml.next()? {
            Some(Token::Text(more)) => text.push_str(&more),
            Some(Token::End) => return Ok(text),
            _ => return Err(bad("an element stands where only text may stand")),
        }
    }
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The `URI` of a reference as a file's name in the container: relative, `%XX` decoded.
fn file_name(attributes: &[(String, String)]) -> Result<String, ForeignXmlError> {
    let uri = attribute(attributes, "URI").ok_or_else(|| bad("a reference has no `URI`"))?;
    let shown = || uri.chars().take(80).flat_map(char::escape_default).collect::<String>();
    let decoded = decode(uri).ok_or_else(|| bad(format!("`{}` is no name of a file", shown())))?;
    match super::zip::name_problem(&decoded) {
        Some(why) => Err(bad(format!("it refers to `{}`: {why}", shown()))),
        None => Ok(decoded),
    }
}

fn decode(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |b: u8| char::from(b).to_digit(16);
                let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                bytes.push(u8::try_from(value).ok()?);
            }
            b'#' | b'?' => return None,
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}
