//! The plain XML that foreign manifests are read in: elements, attributes, text and namespaces.
//!
//! Knows no document type, entity beyond the five that XML names, character reference, comment, CDATA section or
//! processing instruction: each is refused by name, so nothing is ever expanded or fetched. Depth and counts are
//! bounded. Pure; reads a text in one pass.

use super::ForeignXmlError;

const MAX_DEPTH: usize = 8;
const MAX_ATTRIBUTES: usize = 16;
const MAX_NAME_BYTES: usize = 128;
const MAX_VALUE_BYTES: usize = 4 * 1024;

/// An element's or attribute's name with its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) space: String,
    pub(super) local: String,
}

/// What comes next in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Start { name: Name, attributes: Vec<(String, String)> },
    End,
    Text(String),
}

/// An open element: its name as written, and the namespaces declared in it.
struct Open<'a> {
    written: &'a str,
    spaces: Vec<(&'a str, String)>,
}

/// Reads a text token by token.
pub(super) struct Xml<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    /// The element that was just opened is closed in the same tag.
    closing: bool,
    rooted: bool,
}

impl<'a> Xml<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, ForeignXmlError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ForeignXmlError::NotUtf8)?;
        let mut xml = Self { text, at: 0, open: Vec::new(), closing: false, rooted: false };
        if xml.skip("<?xml ") {
            let rest = xml.rest();
            let end = rest.find("?>").filter(|end| *end <= 200).ok_or_else(|| xml.wrong("`?>`"))?;
            let declaration = rest.get(..end).unwrap_or_default().to_ascii_lowercase();
            let utf8 = declaration.contains("encoding=\"utf-8\"") || declaration.contains("encoding='utf-8'");
            if declaration.contains("encoding") && !utf8 {
                return Err(ForeignXmlError::NotUtf8);
            }
            xml.at += end + 2;
        }
        Ok(xml)
    }

    /// The next token; `None` after the end of the root element.
    pub(super) fn next(&mut self) -> Result<Option<Token>, ForeignXmlError> {
        if std::mem::take(&mut self.closing) {
            self.open.pop();
            return Ok(Some(Token::End));
        }
        if self.open.is_empty() {
            self.blanks();
            if self.rest().is_empty() && self.rooted {
                return Ok(None);
            }
            if self.rooted || !self.rest().starts_with('<') {
                return Err(self.wrong(if self.rooted { "the end of the file" } else { "an element" }));
            }
        }
        if !self.rest().starts_with('<') {
            let end = self.rest().find('<').ok_or_else(|| self.wrong("the end of an element"))?;
            let text = self.value(end)?;
            return Ok(Some(Token::Text(text)));
        }
        self.refuse_constructs()?;
        if self.skip("</") {
            let name = self.name()?;
            self.blanks();
            self.literal(">")?;
            return match self.open.pop() {
                Some(open) if open.written == name => Ok(Some(Token::End)),
                _ => Err(self.wrong("the end of the element that is open")),
            };
        }
        self.literal("<")?;
        self.rooted = true;
        self.start().map(Some)
    }

    fn start(&mut self) -> Result<Token, ForeignXmlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(ForeignXmlError::Limit("levels of elements"));
        }
        let written = self.name()?;
        let mut attributes: Vec<(&str, String)> = Vec::new();
        loop {
            let blanks = self.blanks();
            if self.skip("/>") {
                self.closing = true;
                break;
            }
            if self.skip(">") {
                break;
            }
            if !blanks {
                return Err(self.wrong("a blank before an attribute"));
            }
            let name = self.name()?;
            self.blanks();
            self.literal("=")?;
            self.blanks();
            let quote = if self.skip("\"") { '"' } else { self.literal("'").map(|()| '\'')? };
            let end = self.rest().find(quote).ok_or_else(|| self.wrong("the end of an attribute"))?;
            if self.rest().get(..end).is_some_and(|value| value.contains('<')) {
                return Err(self.wrong("an attribute without `<`"));
            }
            let value = self.value(end)?;
            self.at += 1;
            if attributes.iter().any(|(known, _)| *known == name) {
                return Err(self.wrong("every attribute once"));
            }
            if attributes.len() >= MAX_ATTRIBUTES {
                return Err(ForeignXmlError::Limit("attributes in an element"));
            }
            attributes.push((name, value));
        }
        let spaces = attributes.iter().filter_map(|(name, value)| {
            let prefix = if *name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            Some((prefix?, value.clone()))
        });
        self.open.push(Open { written, spaces: spaces.collect() });
        let (prefix, local) = written.split_once(':').unwrap_or(("", written));
        let declared =
            self.open.iter().rev().flat_map(|open| &open.spaces).find(|(known, _)| *known == prefix);
        let space = match declared {
            Some((_, space)) => space.clone(),
            None if prefix.is_empty() => String::new(),
            None => return Err(self.wrong("a prefix that is declared")),
        };
        let plain = attributes.into_iter().filter(|(name, _)| !name.contains(':') && *name != "xmlns");
        let attributes = plain.map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Token::Start { name: Name { space, local: local.to_owned() }, attributes })
    }

    fn refuse_constructs(&self) -> Result<(), ForeignXmlError> {
        let refused = [
            ("<!DOCTYPE", "a document type"),
            ("<!ENTITY", "an entity"),
            ("<![CDATA[", "a CDATA section"),
            ("<!--", "a comment"),
            ("<!", "a declaration"),
            ("<?", "a processing instruction"),
        ];
        match refused.into_iter().find(|(begin, _)| self.rest().starts_with(begin)) {
            Some((_, what)) => Err(ForeignXmlError::Construct { what, at: self.at }),
            None => Ok(()),
        }
    }

    /// The next `length` bytes as text, with the five entities replaced.
    fn value(&mut self, length: usize) -> Result<String, ForeignXmlError> {
        if length > MAX_VALUE_BYTES {
            return Err(ForeignXmlError::Limit("bytes in a value"));
        }
        let raw = self.rest().get(..length).unwrap_or_default();
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(place) = rest.find('&') {
            value.push_str(rest.get(..place).unwrap_or_default());
            let after = rest.get(place..).unwrap_or_default();
            let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
            let Some((entity, symbol)) = known.into_iter().find(|(entity, _)| after.starts_with(entity))
            else {
                let at = self.at + raw.len() - after.len();
                return Err(ForeignXmlError::Construct { what: "an entity or character reference", at });
            };
            value.push(symbol);
            rest = after.get(entity.len()..).unwrap_or_default();
        }
        value.push_str(rest);
        if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(self.wrong("text without control characters"));
        }
        self.at += length;
        Ok(value)
    }

    fn name(&mut self) -> Result<&'a str, ForeignXmlError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        let length = self.rest().bytes().take(MAX_NAME_BYTES + 1).take_while(|b| allowed(*b)).count();
        if length == 0 {
            return Err(self.wrong("a name of ASCII letters"));
        }
        if length > MAX_NAME_BYTES {
            return Err(ForeignXmlError::Limit("bytes in a name"));
        }
        let name = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        Ok(name)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, literal: &str) -> bool {
        let there = self.rest().starts_with(literal);
        if there {
            self.at += literal.len();
        }
        there
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), ForeignXmlError> {
        if self.skip(literal) { Ok(()) } else { Err(self.wrong(literal)) }
    }

    fn blanks(&mut self) -> bool {
        let count = self.rest().bytes().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.at += count;
        count > 0
    }

    fn wrong(&self, expected: &'static str) -> ForeignXmlError {
        ForeignXmlError::Form { at: self.at, expected }
    }
}
