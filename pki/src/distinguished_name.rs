//! Distinguished names as text for people.
//!
//! Holds the writing of X.509 names in the manner of RFC 4514, in the order of the certificate.
//! Never used to compare names: that is done on their DER.

use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::x509::X509Name;

pub(crate) const COMMON_NAME: &str = "2.5.4.3";
pub(crate) const SERIAL_NUMBER: &str = "2.5.4.5";

/// A name longer than this is cut when shown, in characters.
const MAX_SHOWN: usize = 512;

/// Writes `name` as `C=MD, O=Central Authority, CN=…`.
pub(crate) fn display(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    for attribute in name.iter_attributes() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let oid = attribute.attr_type().to_id_string();
        text.push_str(short_name(&oid).unwrap_or(&oid));
        text.push('=');
        for character in value(attribute.attr_value()).chars() {
            if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
                text.push('\\');
            }
            text.push(character);
        }
        if text.len() > MAX_SHOWN * 4 {
            break;
        }
    }
    clean(&text)
}

/// The first value of the attribute `oid` in `name`.
pub(crate) fn attribute(name: &X509Name<'_>, oid: &str) -> Option<String> {
    name.iter_attributes()
        .find(|attribute| attribute.attr_type().to_id_string() == oid)
        .map(|attribute| clean(&value(attribute.attr_value())))
}

/// Replaces what could move a terminal's cursor or turn its writing direction, and cuts what is too long.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .take(MAX_SHOWN)
        .map(|character| match character {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            _ if character.is_control() => '\u{fffd}',
            _ => character,
        })
        .collect()
}

/// The text of an attribute's value; hexadecimal for what is no text.
fn value(any: &Any<'_>) -> String {
    match any.tag() {
        // Old authorities write Latin-1 in what the standard calls T.61.
        Tag::T61String => any.data.iter().map(|byte| char::from(*byte)).collect(),
        Tag::BmpString => {
            let units: Vec<u16> = any
                .data
                .chunks_exact(2)
                .map(|pair| pair.try_into().map(u16::from_be_bytes).unwrap_or_default())
                .collect();
            String::from_utf16_lossy(&units)
        }
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::NumericString | Tag::VisibleString => {
            String::from_utf8_lossy(any.data).into_owned()
        }
        _ => format!("#{}", data_encoding::HEXLOWER.encode(any.data)),
    }
}

fn short_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        COMMON_NAME => "CN",
        SERIAL_NUMBER => "serialNumber",
        "2.5.4.4" => "SN",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.42" => "GN",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.25" => "DC",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return None,
    })
}
