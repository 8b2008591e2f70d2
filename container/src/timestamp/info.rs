//! `TSTInfo`: what a token says.

use super::TimestampError;
use super::elements::{CONTEXT_1, Elements, unsigned};
use crate::encoding::{CONTEXT_0, CONTEXT_4, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, SEQUENCE};
use der::asn1::ObjectIdentifier;
use rogatory_core::{Digest, Timestamp};

const SHA256: ObjectIdentifier = super::id("2.16.840.1.101.3.4.2.1");
/// `[0]` and `[1]`, implicit over an INTEGER.
const MILLIS: u8 = 0x80;
const MICROS: u8 = 0x81;
/// The longest serial number and nonce, in bytes: RFC 3161 asks for 160 bits of the former.
const MAX_NUMBER_BYTES: usize = 64;

/// The values of a `TSTInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) policy: ObjectIdentifier,
    pub(super) imprint: Digest,
    pub(super) serial: Vec<u8>,
    pub(super) time: Timestamp,
    /// In microseconds; none if the authority states none.
    pub(super) accuracy: Option<u64>,
    pub(super) nonce: Option<Vec<u8>>,
    /// The DER of the directory name under which the authority names itself.
    pub(super) tsa: Option<Vec<u8>>,
}

/// Reads the DER of a `TSTInfo`.
pub(super) fn read(der: &[u8]) -> Result<Info, TimestampError> {
    const WHAT: &str = "the stamped information";
    let mut outer = Elements::of(der, WHAT);
    let mut info = outer.take(SEQUENCE)?.inside(WHAT);
    outer.end()?;
    info.number(1)?;
    let policy = info.oid()?;
    let imprint = imprint(info.take(SEQUENCE)?.inside("the imprint"))?;
    let serial = number(info.unsigned()?)?;
    let time = time(info.take(GENERALIZED_TIME)?.contents).ok_or(TimestampError::Time)?;
    let accuracy = match info.optional(SEQUENCE)? {
        Some(element) => Some(accuracy(element.inside("the accuracy"))?),
        None => None,
    };
    // ordering: FALSE is the default, which DER doesn't write.
    if let Some(ordering) = info.optional(super::elements::BOOLEAN)?
        && ordering.contents != [0xff]
    {
        return Err(TimestampError::Malformed { what: WHAT });
    }
    let mut after = info;
    let nonce = match after.optional(INTEGER)? {
        Some(_) => Some(number(info.unsigned()?)?),
        None => None,
    };
    let tsa = match info.optional(CONTEXT_0)? {
        Some(element) => tsa(element.inside("the authority's name"))?,
        None => None,
    };
    if let Some(extensions) = info.optional(CONTEXT_1)? {
        check_extensions(extensions.inside("the extensions"))?;
    }
    info.end()?;
    Ok(Info { policy, imprint, serial, time, accuracy, nonce, tsa })
}

fn number(bytes: &[u8]) -> Result<Vec<u8>, TimestampError> {
    if bytes.len() > MAX_NUMBER_BYTES {
        return Err(TimestampError::Structure("its serial number or nonce is longer than is read"));
    }
    Ok(bytes.to_vec())
}

/// SHA-256 with absent or NULL parameters, and 32 bytes.
fn imprint(mut imprint: Elements<'_>) -> Result<Digest, TimestampError> {
    let mut algorithm = imprint.take(SEQUENCE)?.inside("the imprint's algorithm");
    let oid = algorithm.oid()?;
    let null = algorithm.optional(NULL)?;
    if oid != SHA256 || null.is_some_and(|null| !null.contents.is_empty()) || algorithm.end().is_err() {
        return Err(TimestampError::Algorithm { which: "imprint algorithm", oid: oid.to_string() });
    }
    let digest = imprint.take(OCTET_STRING)?.contents;
    imprint.end()?;
    Digest::from_slice(digest).map_err(|_| TimestampError::Malformed { what: "the imprint" })
}

/// `YYYYMMDDhhmmss[.f…]Z`; a fraction has no zero at its end. What is below a microsecond is left away.
fn time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) {
        return None;
    }
    let micros = match fraction {
        None => 0,
        Some(fraction) => {
            let fits = (1..=9).contains(&fraction.len()) && digits(fraction) && !fraction.ends_with('0');
            let six: String = fits.then_some(fraction)?.chars().chain("000000".chars()).take(6).collect();
            six.parse::<i64>().ok()?
        }
    };
    let part = |range: std::ops::Range<usize>| whole.get(range)?.parse::<u16>().ok();
    let date = der::DateTime::new(
        part(0..4)?,
        u8::try_from(part(4..6)?).ok()?,
        u8::try_from(part(6..8)?).ok()?,
        u8::try_from(part(8..10)?).ok()?,
        u8::try_from(part(10..12)?).ok()?,
        u8::try_from(part(12..14)?).ok()?,
    )
    .ok()?;
    let seconds = i64::try_from(date.unix_duration().as_secs()).ok()?;
    let instant = Timestamp::from_seconds(seconds).ok()?;
    Timestamp::from_microseconds(instant.microseconds().checked_add(micros)?).ok()
}

/// Seconds, milliseconds 1 to 999, microseconds 1 to 999; in microseconds.
fn accuracy(mut accuracy: Elements<'_>) -> Result<u64, TimestampError> {
    let mut total: u64 = 0;
    for (tag, unit, most) in
        [(INTEGER, 1_000_000, u64::from(u32::MAX)), (MILLIS, 1_000, 999), (MICROS, 1, 999)]
    {
        if let Some(element) = accuracy.optional(tag)? {
            let bytes =
                unsigned(element.contents).filter(|bytes| bytes.len() <= 4).ok_or(TimestampError::Time)?;
            let number = bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            if number > most || (number == 0 && tag != INTEGER) {
                return Err(TimestampError::Time);
            }
            // At most 2^32 seconds, so nothing overflows.
            total = total.saturating_add(number.saturating_mul(unit));
        }
    }
    accuracy.end()?;
    Ok(total)
}

/// The directory name, if the authority is named by one.
fn tsa(mut name: Elements<'_>) -> Result<Option<Vec<u8>>, TimestampError> {
    let directory_name = match name.optional(CONTEXT_4)? {
        Some(element) => {
            let mut inside = element.inside("the authority's name");
            let name = inside.take(SEQUENCE)?.whole.to_vec();
            inside.end()?;
            Some(name)
        }
        None => name.next_any()?.and(None),
    };
    name.end()?;
    Ok(directory_name)
}

/// None is known, so none may be critical.
fn check_extensions(mut extensions: Elements<'_>) -> Result<(), TimestampError> {
    while let Some(extension) = extensions.next_any()? {
        if extension.tag != SEQUENCE {
            return Err(TimestampError::Malformed { what: "the extensions" });
        }
        let mut inside = extension.inside("an extension");
        inside.oid()?;
        if inside.optional(super::elements::BOOLEAN)?.is_some() {
            return Err(TimestampError::Structure("it has a critical extension, and none is known"));
        }
        inside.take(OCTET_STRING)?;
        inside.end()?;
    }
    Ok(())
}
