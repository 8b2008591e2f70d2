//! The few DER encodings that signatures and requests for time stamps are built from. Pure; writes only, and always the one
//! DER form.

use der::asn1::ObjectIdentifier;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]`, constructed: explicit, or implicit over a constructed type.
pub(crate) const CONTEXT_0: u8 = 0xa0;
/// `[4]`, constructed: a directory name among general names.
pub(crate) const CONTEXT_4: u8 = 0xa4;

/// One element: tag, minimal definite length, and the contents one after another.
pub(crate) fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let length: usize = contents.iter().map(|c| c.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short @ 0..=127) => out.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let zeros = bytes.iter().take_while(|b| **b == 0).count();
            let significant = bytes.get(zeros..).unwrap_or_default();
            // At most eight bytes, so the count fits.
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or(8));
            out.extend_from_slice(significant);
        }
    }
    for content in contents {
        out.extend_from_slice(content);
    }
    out
}

pub(crate) fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, contents)
}

/// A SET OF under `tag`: elements in ascending order of their encodings, as DER demands.
pub(crate) fn set_of(tag: u8, mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    element(tag, &elements)
}

pub(crate) fn oid(identifier: ObjectIdentifier) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, &[identifier.as_bytes()])
}
