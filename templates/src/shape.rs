//! Whether a value has the shape its field asks for. Pure; says what to write instead.

use crate::instrument::instrument;
use crate::schema::{Field, Shape};
use rogatory_core::reference::{OfficeReference, QuestionId};
use rogatory_core::{Digest, OfficerId, PackageId, PartyId, SharedNumber, Timestamp};
use serde_json::Value;

/// The longest single line and the longest text, in characters.
const LINE_LIMIT: usize = 2_000;
const TEXT_LIMIT: usize = 20_000;

/// Texts that fill a field without saying anything.
const PLACEHOLDERS: [&str; 10] =
    ["-", "?", "...", "…", "n/a", "tbd", "todo", "xxx", "none given", "à compléter"];

/// Says in plain words what is wrong with `value`, and what to write.
pub(crate) fn problem(field: &Field, value: &Value) -> Option<(String, String)> {
    let hint = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
    match field.shape {
        Shape::Boolean => match value {
            Value::Bool(_) => None,
            _ => hint("must be true or false", "write true or false, without quotation marks"),
        },
        Shape::Port => match value.as_u64() {
            Some(1..=65_535) => None,
            _ => hint("is not a port", "write a whole number from 1 to 65535"),
        },
        Shape::List => match value {
            Value::Array(entries) if entries.iter().all(Value::is_object) => None,
            _ => hint("must be a list of entries", "write [ { … }, { … } ]"),
        },
        _ => {
            let Value::String(text) = value else {
                return hint("must be text", "write it in quotation marks");
            };
            if PLACEHOLDERS.contains(&text.trim().to_lowercase().as_str()) {
                return hint("holds a placeholder", "say it, or leave the field out");
            }
            text_problem(field, text)
        }
    }
}

fn text_problem(field: &Field, text: &str) -> Option<(String, String)> {
    let length = text.chars().count();
    let wants = |fits: bool, what: &str, hint: &str| {
        if fits { None } else { Some((what.to_owned(), hint.to_owned())) }
    };
    match field.shape {
        Shape::Text => wants(
            length <= LINE_LIMIT && !text.contains('\n'),
            "is not one line of at most 2000 characters",
            "shorten it, or attach it",
        ),
        Shape::LongText => {
            wants(length <= TEXT_LIMIT, "is longer than 20000 characters", "shorten it, or attach it")
        }
        Shape::Choice => wants(
            field.choices.iter().any(|choice| choice == text),
            "is none of the choices",
            &format!("write one of: {}", field.choices.join(", ")),
        ),
        Shape::Date => wants(is_date(text), "is not a date", "write year-month-day, for example 2026-11-22"),
        Shape::Instant => wants(
            text.contains('T') && text.parse::<Timestamp>().is_ok(),
            "is not an instant with its offset",
            "write RFC 3339, for example 2026-11-22T14:20:00Z or 2026-11-22T16:20:00+02:00",
        ),
        Shape::Zone => wants(is_zone(text), "is not a time zone", "write UTC, Europe/London or +02:00"),
        Shape::Email => wants(is_email(text), "is not an e-mail address", "write name@domain"),
        Shape::Reference => wants(
            text.parse::<OfficeReference>().is_ok(),
            "is not a file number",
            "write 1 to 120 printable characters without blanks at the ends",
        ),
        Shape::Instrument => wants(
            instrument(text).is_some(),
            "is not the id of an instrument",
            "see `rogatory instrument list`; for example coe-mla-1959",
        ),
        Shape::Party => wants(
            text.parse::<PartyId>().is_ok(),
            "is not a party id",
            "write <country>/<institution>, for example md/central-authority",
        ),
        Shape::Officer => wants(
            text.parse::<OfficerId>().is_ok(),
            "is not an officer id",
            "write <country>/<institution>/officer/<id>",
        ),
        Shape::AgeRecipient => wants(
            is_age_recipient(text),
            "is not an age recipient, or a character in it is wrong",
            "copy the whole line that begins with age1; never a line that begins with AGE-SECRET-KEY",
        ),
        Shape::Digest => wants(
            text.parse::<Digest>().is_ok() && text.bytes().all(|byte| !byte.is_ascii_uppercase()),
            "is not a SHA-256 digest",
            "write 64 lower-case hexadecimal digits",
        ),
        Shape::SharedNumber => match text.parse::<SharedNumber>() {
            Ok(_) => None,
            Err(error) => Some(("is not a shared number".to_owned(), error.to_string())),
        },
        Shape::Package => wants(
            text.parse::<PackageId>().is_ok(),
            "is not a package id",
            "write it as `rogatory package verify` prints it, for example PK-7K2M9QXR4T1VC8ZE",
        ),
        Shape::QuestionNumber => wants(
            text.parse::<QuestionId>().is_ok(),
            "is not the number of a question",
            "write 1 to 12 capital letters, digits or hyphens, for example Q1",
        ),
        Shape::Boolean | Shape::Port | Shape::List => None,
    }
}

/// Whether `text` is a civil date that exists.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && format!("{text}T00:00:00Z").parse::<Timestamp>().is_ok()
}

/// Whether `text` looks like a zone: its existence is looked up where deadlines are computed.
fn is_zone(text: &str) -> bool {
    if text == "UTC" || text == "Z" {
        return true;
    }
    if let Some(offset) = text.strip_prefix(['+', '-']) {
        return matches!(offset.split_once(':'), Some((hours, minutes))
            if hours.len() == 2 && minutes.len() == 2
                && hours.parse::<u8>().is_ok_and(|hours| hours <= 14)
                && minutes.parse::<u8>().is_ok_and(|minutes| minutes <= 59));
    }
    text.split_once('/').is_some_and(|(area, city)| {
        !area.is_empty()
            && !city.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-+".contains(&byte))
    })
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !text.chars().any(|symbol| symbol.is_whitespace() || symbol.is_control())
    })
}

/// Whether `text` is an age recipient with a sound checksum (Bech32, BIP 173, without its limit on
/// the length, as age uses it). One wrong character would make evidence unreadable for ever.
fn is_age_recipient(text: &str) -> bool {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let Some((prefix, data)) = text.rsplit_once('1') else { return false };
    if !(prefix == "age" || prefix.starts_with("age1")) || data.len() < 6 || text.len() > 4_096 {
        return false;
    }
    let mut symbols: Vec<u32> = Vec::with_capacity(text.len() + prefix.len());
    symbols.extend(prefix.bytes().map(|byte| u32::from(byte >> 5)));
    symbols.push(0);
    symbols.extend(prefix.bytes().map(|byte| u32::from(byte & 31)));
    for byte in data.bytes() {
        match CHARSET.iter().position(|symbol| *symbol == byte) {
            Some(value) => symbols.extend(u32::try_from(value)),
            None => return false,
        }
    }
    let generators = [0x3b6a_57b2_u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let sum = symbols.into_iter().fold(1_u32, |sum, symbol| {
        let top = sum >> 25;
        let mixed = ((sum & 0x01ff_ffff) << 5) ^ symbol;
        generators.iter().enumerate().fold(mixed, |mixed, (bit, generator)| {
            if (top >> bit) & 1 == 1 { mixed ^ generator } else { mixed }
        })
    });
    sum == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_recipient_with_one_wrong_character_is_noticed() {
        let right = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        assert!(is_age_recipient(right));
        assert!(!is_age_recipient(&right.replace("ql3z", "ql3y")));
        assert!(!is_age_recipient(&right.to_uppercase()));
        assert!(!is_age_recipient("age1"));
        assert!(!is_age_recipient("1"));
        assert!(!is_age_recipient("é1é"));
    }

    #[test]
    fn dates_and_zones_are_those_that_exist() {
        assert!(is_date("2028-02-29") && !is_date("2026-02-29") && !is_date("2026-2-9"));
        for zone in ["UTC", "Europe/Chisinau", "+02:00", "-11:30"] {
            assert!(is_zone(zone), "{zone}");
        }
        for zone in ["", "local", "CET!", "+2", "+20:00", "/x"] {
            assert!(!is_zone(zone), "{zone}");
        }
    }
}
