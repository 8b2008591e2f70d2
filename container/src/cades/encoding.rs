//! The few DER encodings a signature is built from. Pure; writes only, and always the one DER form.

use der::asn1::ObjectIdentifier;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const UTF8_STRING: u8 = 0x0c;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed: explicit, or implicit over a constructed type.
pub(super) const CONTEXT_0: u8 = 0xa0;
/// `[4]`, constructed: a directory name among general names.
pub(super) const CONTEXT_4: u8 = 0xa4;

/// One element: tag, minimal definite length, and the contents one after another.
pub(super) fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
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

pub(super) fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, contents)
}

/// A SET OF under `tag`: elements in ascending order of their encodings, as DER demands.
pub(super) fn set_of(tag: u8, mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    element(tag, &elements)
}

pub(super) fn oid(identifier: ObjectIdentifier) -> Vec<u8> {
    element(OBJECT_IDENTIFIER, &[identifier.as_bytes()])
}
