//! What a leaf commits to: a tag that says which event it is, and a salted commitment to the
//! event's body.
//!
//! Calls HMAC and SHA-256 only. A leaf reveals nothing: without the case's tag key nobody can tell
//! to which case, stream or number it belongs, and without salt and body nobody can guess what
//! happened. Bodies may be erased; leaves never change.
//!
//! ```text
//! leaf       = 0x01 ‖ tag[32] ‖ commitment[32]                                      65 bytes
//! tag        = HMAC-SHA256(tag key, length of stream, u16 ‖ stream ‖ n, u64)        big-endian
//! commitment = SHA-256("rogatory/body/1" ‖ 0x00 ‖ salt[32] ‖ body as stored)
//! tag key    = HKDF-SHA256(case key, no salt, "rogatory/tag/1"), 32 bytes
//! ```

use crate::tree::leaf_hash;
use aws_lc_rs::hmac;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, Timestamp};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

/// The length of a leaf in bytes.
pub const LEAF_BYTES: usize = 65;

/// The largest body of an event, in bytes. Bodies name documents and packages by digest and stay
/// far below.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

const VERSION: u8 = 1;
const TAG_KEY_INFO: &[u8] = b"rogatory/tag/1";
const BODY_PREFIX: &[u8] = b"rogatory/body/1\0";

/// The key under which a case's leaves are tagged; the only key an auditor or a court bundle gets.
///
/// Whoever holds it can find the leaves of this case in the log and count them; nothing else.
#[derive(Clone)]
pub struct TagKey([u8; 32]);

impl TagKey {
    /// Derives the tag key of a case from the case's key.
    ///
    /// # Source
    /// RFC 5869 with SHA-256, no salt, one block of output.
    #[must_use]
    pub fn derive(case_key: &[u8; 32]) -> Self {
        let pseudorandom = mac(&[0; 32], &[case_key]);
        Self(mac(&pseudorandom, &[TAG_KEY_INFO, &[1]]))
    }

    /// Takes a tag key that was derived elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The tag of event `n` of `stream`.
    #[must_use]
    pub fn tag(&self, stream: &Stream, n: u64) -> [u8; 32] {
        let stream = stream.to_string();
        // A stream's name is `internal` or a party id of at most 66 bytes.
        let length = u16::try_from(stream.len()).unwrap_or(u16::MAX);
        mac(&self.0, &[&length.to_be_bytes(), stream.as_bytes(), &n.to_be_bytes()])
    }
}

/// The salted commitment to the bytes of a body.
#[must_use]
pub fn commitment(salt: &[u8; 32], body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(BODY_PREFIX);
    hash.update(salt);
    hash.update(body);
    hash.finalize().into()
}

/// One leaf of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leaf {
    tag: [u8; 32],
    commitment: [u8; 32],
}

/// The bytes are no leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LeafError {
    /// Not 65 bytes.
    #[error("a leaf has {LEAF_BYTES} bytes, not {0}")]
    Length(usize),
    /// Not the version described here.
    #[error("the leaf has version {0}, only 1 is known")]
    Version(u8),
}

impl Leaf {
    /// Makes the leaf of event `n` of `stream`, whose body is stored as these bytes.
    ///
    /// `salt` is fresh for every event and is erased with the body: with it, a short body could
    /// be guessed from its commitment.
    #[must_use]
    pub fn new(tag_key: &TagKey, stream: &Stream, n: u64, salt: &[u8; 32], body: &[u8]) -> Self {
        Self { tag: tag_key.tag(stream, n), commitment: commitment(salt, body) }
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// [`LeafError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LeafError> {
        let bytes: &[u8; LEAF_BYTES] = bytes.try_into().map_err(|_| LeafError::Length(bytes.len()))?;
        let [version, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(LeafError::Version(*version));
        }
        let mut leaf = Self { tag: [0; 32], commitment: [0; 32] };
        let (tag, commitment) = rest.split_at(32);
        leaf.tag.copy_from_slice(tag);
        leaf.commitment.copy_from_slice(commitment);
        Ok(leaf)
    }

    /// The 65 bytes of the leaf, as the log stores and exports them.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LEAF_BYTES] {
        let mut bytes = [VERSION; LEAF_BYTES];
        bytes[1..33].copy_from_slice(&self.tag);
        bytes[33..].copy_from_slice(&self.commitment);
        bytes
    }

    /// The tag.
    #[must_use]
    pub const fn tag(&self) -> &[u8; 32] {
        &self.tag
    }

    /// The commitment.
    #[must_use]
    pub const fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// The leaf's hash in the tree; the next body of the stream names it as `previous`.
    #[must_use]
    pub fn hash(&self) -> Digest {
        leaf_hash(&self.to_bytes())
    }
}

/// The part of a body that the log itself checks. Everything else in the body is the event's.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct BodyHeader {
    /// The case as the office keeps it, or `office`.
    pub case: String,
    /// `internal`, or the counterpart's party id.
    #[serde(deserialize_with = "exact_stream")]
    pub stream: String,
    /// The number within case and stream, from 1, without gaps.
    #[serde(deserialize_with = "exact_number")]
    pub n: u64,
    /// The leaf hash of the previous event of the stream; none for the first.
    #[serde(deserialize_with = "exact_digest")]
    pub previous: Option<Digest>,
    /// When, by the server's clock.
    #[serde(deserialize_with = "exact_timestamp")]
    pub at: Timestamp,
}

/// The bytes are no body of an event.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More than [`MAX_BODY_BYTES`].
    #[error("the body has {0} bytes, more than {MAX_BODY_BYTES}")]
    TooLarge(usize),
    /// Not UTF-8, or no JSON object.
    #[error("the body is no JSON object")]
    NotObject,
    /// Not JSON that a program can hold, or without the fields that every body has.
    #[error("the body can't be read")]
    Json(#[source] serde_json::Error),
}

impl BodyHeader {
    /// Reads the header from the bytes of a body; other fields are left alone.
    ///
    /// # Errors
    /// [`BodyError`]; also for a header field that stands twice, is missing or is written in
    /// another than the one prescribed way.
    pub fn parse(body: &[u8]) -> Result<Self, BodyError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(BodyError::TooLarge(body.len()));
        }
        let text = std::str::from_utf8(body).map_err(|_| BodyError::NotObject)?;
        // A JSON array would pass for the header's fields in their order.
        if !text.starts_with('{') {
            return Err(BodyError::NotObject);
        }
        // Reading the header alone skips the rest: depth, numbers beyond all range and escapes of half a character would
        // pass, and whoever shows the verified body would fail.
        serde_json::from_str::<serde_json::Value>(text).map_err(BodyError::Json)?;
        serde_json::from_str(text).map_err(BodyError::Json)
    }
}

/// A stream as it writes itself.
fn exact_stream<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<Stream>() {
        Ok(stream) if stream.to_string() == text => Ok(text),
        _ => Err(serde::de::Error::custom("`stream` is neither `internal` nor a party")),
    }
}

/// From 1 to 2^63 - 1.
fn exact_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let n = u64::deserialize(deserializer)?;
    if n == 0 || i64::try_from(n).is_err() {
        return Err(serde::de::Error::custom("`n` is not a number from 1 to 2^63 - 1"));
    }
    Ok(n)
}

/// Lower-case digits only, or null; the field must stand there.
fn exact_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    match text.parse::<Digest>() {
        Ok(digest) if digest.to_hex() == text => Ok(Some(digest)),
        _ => Err(serde::de::Error::custom("`previous` is not 64 lower-case hexadecimal digits")),
    }
}

/// UTC with `Z` and the shortest fraction, as [`Timestamp`] writes itself.
fn exact_timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.parse::<Timestamp>() {
        Ok(at) if at.to_string() == text => Ok(at),
        _ => Err(serde::de::Error::custom("`at` is not an instant in UTC, written with `Z`")),
    }
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hkdf;

    fn stream(text: &str) -> Stream {
        text.parse().expect("a stream")
    }

    #[test]
    fn the_tag_key_is_what_hkdf_derives() {
        let case_key = [7; 32];
        let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&case_key);
        let mut expected = [0; 32];
        pseudorandom
            .expand(&[TAG_KEY_INFO], hkdf::HKDF_SHA256)
            .expect("32 bytes are allowed")
            .fill(&mut expected)
            .expect("32 bytes were asked for");
        assert_eq!(TagKey::derive(&case_key).as_bytes(), &expected);
    }

    #[test]
    fn a_leaf_is_built_as_the_format_says() {
        let key = TagKey::from_bytes([9; 32]);
        let leaf = Leaf::new(&key, &stream("fr/bepi"), 258, &[3; 32], b"{}");
        let mut message = vec![0, 7];
        message.extend(b"fr/bepi");
        message.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(leaf.tag(), &mac(&[9; 32], &[&message]));
        let mut preimage = b"rogatory/body/1\0".to_vec();
        preimage.extend([3; 32]);
        preimage.extend(b"{}");
        assert_eq!(leaf.commitment(), Digest::of(&preimage).as_bytes());
        let bytes = leaf.to_bytes();
        assert_eq!(bytes[0], 1);
        assert_eq!(&bytes[1..33], leaf.tag());
        assert_eq!(&bytes[33..], leaf.commitment());
        assert_eq!(Leaf::from_bytes(&bytes), Ok(leaf));
    }

    #[test]
    fn other_lengths_and_versions_are_no_leaves() {
        let mut bytes = [1; LEAF_BYTES];
        assert!(Leaf::from_bytes(&bytes).is_ok());
        bytes[0] = 2;
        assert_eq!(Leaf::from_bytes(&bytes), Err(LeafError::Version(2)));
        assert_eq!(Leaf::from_bytes(&bytes[..64]), Err(LeafError::Length(64)));
        assert_eq!(Leaf::from_bytes(&[]), Err(LeafError::Length(0)));
    }

    #[test]
    fn events_of_other_streams_and_numbers_have_other_tags() {
        let key = TagKey::derive(&[1; 32]);
        let tag = key.tag(&Stream::Internal, 1);
        assert_ne!(tag, key.tag(&Stream::Internal, 2));
        assert_ne!(tag, key.tag(&stream("fr/bepi"), 1));
        assert_ne!(tag, TagKey::derive(&[2; 32]).tag(&Stream::Internal, 1));
    }

    #[test]
    fn a_header_is_read_and_other_fields_are_left_alone() {
        let previous = Digest::of(b"x");
        let body = format!(
            r#"{{"case":"office","stream":"internal","n":2,"previous":"{previous}","at":"2026-11-22T14:20:00.5Z","actor":{{"kind":"server"}},"event":"log-started"}}"#
        );
        let header = BodyHeader::parse(body.as_bytes()).expect("a body");
        assert_eq!(header.n, 2);
        assert_eq!(header.previous, Some(previous));
        assert_eq!(header.at.to_string(), "2026-11-22T14:20:00.5Z");
    }

    #[test]
    fn ambiguous_headers_are_refused() {
        let good =
            r#"{"case":"office","stream":"internal","n":1,"previous":null,"at":"2026-11-22T14:20:00Z"}"#;
        assert!(BodyHeader::parse(good.as_bytes()).is_ok());
        let upper = format!(r#""{}""#, "AB".repeat(32));
        for (from, to) in [
            (r#""n":1"#, r#""n":1,"n":2"#),
            (r#""n":1"#, r#""n":-1"#),
            (r#""n":1"#, r#""n":1.0"#),
            (r#""n":1"#, r#""n":0"#),
            (r#""n":1"#, r#""n":1,"more":"\ud800""#),
            ("internal", "elsewhere"),
            (r#""previous":null,"#, ""),
            ("null", upper.as_str()),
            ("null", r#""""#),
            ("00Z", "00+00:00"),
            ("00Z", "00.50Z"),
            ("}", "}}"),
        ] {
            let changed = good.replace(from, to);
            assert_ne!(changed, good);
            assert!(BodyHeader::parse(changed.as_bytes()).is_err(), "{changed}");
        }
        let array = r#"["office","internal",1,null,"2026-11-22T14:20:00Z"]"#;
        for other in [array.as_bytes(), b"", b"\xff", format!(" {good}").as_bytes()] {
            assert!(matches!(BodyHeader::parse(other), Err(BodyError::NotObject)));
        }
        let large = vec![b' '; MAX_BODY_BYTES + 1];
        assert!(matches!(BodyHeader::parse(&large), Err(BodyError::TooLarge(_))));
    }
}
