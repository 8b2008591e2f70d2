//! DER elements, one after another: tag, shortest definite length, contents.
//!
//! Reads borrowed bytes and decides nothing about what they mean. Needed beside the `der` types because the certificates
//! of a token stand in whatever order their authority likes, and those types demand the order of a SET.

use super::TimestampError;
use der::Decode;
use der::asn1::ObjectIdentifier;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const CONTEXT_1: u8 = 0xa1;

/// One element.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    /// Tag and length too.
    pub(super) whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    pub(super) const fn inside(&self, what: &'static str) -> Elements<'a> {
        Elements { rest: self.contents, what }
    }
}

/// What is left of a row of elements.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    /// Which structure, for errors.
    what: &'static str,
}

impl<'a> Elements<'a> {
    pub(super) const fn of(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    fn malformed(&self) -> TimestampError {
        TimestampError::Malformed { what: self.what }
    }

    /// The next element, of whatever kind; none at the end.
    pub(super) fn next_any(&mut self) -> Result<Option<Element<'a>>, TimestampError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let read = || -> Option<(Element<'a>, &'a [u8])> {
            let (&tag, after_tag) = self.rest.split_first()?;
            // Tag numbers from 31 on take further bytes; nothing here has one.
            if tag & 0x1f == 0x1f {
                return None;
            }
            let (&first, after_first) = after_tag.split_first()?;
            let (length, after_length) = match first {
                0..=0x7f => (usize::from(first), after_first),
                0x81..=0x83 => {
                    let (digits, rest) = after_first.split_at_checked(usize::from(first & 0x7f))?;
                    let length = digits.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
                    let shortest = digits.first() != Some(&0) && length > 0x7f;
                    (shortest.then_some(length)?, rest)
                }
                _ => return None,
            };
            let (contents, rest) = after_length.split_at_checked(length)?;
            let whole = self.rest.get(..self.rest.len() - rest.len())?;
            Some((Element { tag, contents, whole }, rest))
        };
        let (element, rest) = read().ok_or_else(|| self.malformed())?;
        self.rest = rest;
        Ok(Some(element))
    }

    /// The next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<Element<'a>, TimestampError> {
        self.optional(tag)?.ok_or_else(|| self.malformed())
    }

    /// The next element if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, TimestampError> {
        if self.rest.first() == Some(&tag) { self.next_any() } else { Ok(None) }
    }

    /// The next element, which must be an object identifier.
    pub(super) fn oid(&mut self) -> Result<ObjectIdentifier, TimestampError> {
        let element = self.take(crate::encoding::OBJECT_IDENTIFIER)?;
        ObjectIdentifier::from_der(element.whole).map_err(|_| self.malformed())
    }

    /// The next element, which must be this small number.
    pub(super) fn number(&mut self, expected: u8) -> Result<(), TimestampError> {
        let element = self.take(crate::encoding::INTEGER)?;
        if element.contents == [expected] { Ok(()) } else { Err(self.malformed()) }
    }

    /// The next element, which must be a non-negative INTEGER in its shortest form; gives its big-endian bytes, without
    /// a zero in front.
    pub(super) fn unsigned(&mut self) -> Result<&'a [u8], TimestampError> {
        let element = self.take(crate::encoding::INTEGER)?;
        unsigned(element.contents).ok_or_else(|| self.malformed())
    }

    /// There must be nothing left.
    pub(super) fn end(&self) -> Result<(), TimestampError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed()) }
    }
}

/// The contents of a non-negative INTEGER in its shortest form, without the zero in front that keeps it positive.
pub(super) fn unsigned(contents: &[u8]) -> Option<&[u8]> {
    match contents {
        [0] => Some(contents),
        [0, second, ..] if second & 0x80 != 0 => contents.get(1..),
        [1..=0x7f, ..] => Some(contents),
        _ => None,
    }
}
