//! Numbers by which cases, messages and packages are known. None holds personal data.

use crate::entropy::{Entropy, draw};
use crate::party::{CountryCode, serde_as_text};
use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// Crockford's base 32: no I, L, O, U, so that a number can be read out over the telephone.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    // The alphabet is a constant of 32 distinct ASCII symbols, which is all that can fail here.
    specification.encoding().unwrap_or(data_encoding::BASE32HEX_NOPAD)
});

/// The text is no reference of the kind asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReferenceError {
    /// Not of the form of a shared number.
    #[error("`{0}` is not a shared number: write it as in MD-7K2M-9QXR-4T1V-C8ZE-65")]
    SharedNumber(String),
    /// The check characters disagree.
    #[error("the check characters of `{0}` do not fit: a character was misread or mistyped")]
    CheckCharacters(String),
    /// Not an id of the kind asked for.
    #[error("`{text}` is not {what}")]
    Id {
        /// What was expected, with an example.
        what: &'static str,
        /// What was given, shortened.
        text: String,
    },
    /// Messages are counted from 1.
    #[error("messages are counted from 1")]
    MessageNumber,
    /// Not a text that can stand as a question's id.
    #[error("`{0}` is not the id of a question: 1 to 12 of A-Z, 0-9 and - are expected, for example Q1")]
    QuestionId(String),
    /// Not a text that can stand as an office's reference.
    #[error("a reference must be 1 to 120 printable characters")]
    OfficeReference,
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The number that both sides use for one request or order: country, 80 random bits, two check
/// digits. Minted by the sender; written `MD-7K2M-9QXR-4T1V-C8ZE-65`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SharedNumber(String);

impl SharedNumber {
    /// Mints a number for a sender in `country`.
    #[must_use]
    pub fn mint(country: CountryCode, entropy: &dyn Entropy) -> Self {
        let random: [u8; 10] = draw(entropy);
        Self::assemble(country, &CROCKFORD.encode(&random))
    }

    fn assemble(country: CountryCode, symbols: &str) -> Self {
        let country = country.as_str().to_ascii_uppercase();
        let check = remainder_97(&format!("{country}{symbols}"));
        let mut text = country;
        for group in symbols.as_bytes().chunks(4) {
            text.push('-');
            text.extend(group.iter().map(|byte| char::from(*byte)));
        }
        Self(format!("{text}-{check:02}"))
    }

    /// The country of the minting office.
    #[must_use]
    pub fn country(&self) -> &str {
        &self.0[..2]
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Remainder by 97 of `text` read as a number in base 36, letters counting 10 to 35.
///
/// Every single misread symbol changes it, and so does every exchange of two symbols: 97 is prime,
/// and the powers of 36 by it differ over more places than a number has. (ISO 7064 MOD 97-10, which
/// writes letters as two digits, misses some letters read as digits.)
fn remainder_97(text: &str) -> u32 {
    // Only digits and capital letters are handed in.
    text.chars().fold(0, |rest, symbol| (rest * 36 + symbol.to_digit(36).unwrap_or(0)) % 97)
}

impl FromStr for SharedNumber {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let bad = || ReferenceError::SharedNumber(shorten(text));
        if text.len() != 25 || !text.is_ascii() {
            return Err(bad());
        }
        let country: CountryCode = text[..2].parse().map_err(|_| bad())?;
        let symbols: String = text[3..22].chars().filter(|symbol| *symbol != '-').collect();
        if CROCKFORD.decode(symbols.as_bytes()).map(|bytes| bytes.len()) != Ok(10) {
            return Err(bad());
        }
        let number = Self::assemble(country, &symbols);
        if number.0 == text {
            Ok(number)
        } else if number.0[..23] == text[..23] {
            Err(ReferenceError::CheckCharacters(shorten(text)))
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for SharedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(SharedNumber);

/// Counts the messages of one sender under one shared number, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct MessageNumber(u32);

impl TryFrom<u32> for MessageNumber {
    type Error = ReferenceError;

    fn try_from(number: u32) -> Result<Self, ReferenceError> {
        Self::new(number).ok_or(ReferenceError::MessageNumber)
    }
}

impl From<MessageNumber> for u32 {
    fn from(number: MessageNumber) -> Self {
        number.0
    }
}

impl MessageNumber {
    /// The first message under a shared number.
    pub const FIRST: Self = Self(1);

    /// Takes a number; zero is none.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number, from 1.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Defines an id of 80 random bits behind a prefix.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(String);

        impl $name {
            /// Draws a new id.
            #[must_use]
            pub fn mint(entropy: &dyn Entropy) -> Self {
                Self::from_bits(draw(entropy))
            }

            /// Makes the id that stands for these 80 bits.
            #[must_use]
            pub fn from_bits(bits: [u8; 10]) -> Self {
                Self(format!("{}{}", $prefix, CROCKFORD.encode(&bits)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ReferenceError;

            fn from_str(text: &str) -> Result<Self, ReferenceError> {
                let bits = text
                    .strip_prefix($prefix)
                    .and_then(|rest| CROCKFORD.decode(rest.as_bytes()).ok());
                if bits.is_some_and(|bits| bits.len() == 10) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ReferenceError::Id { what: $what, text: shorten(text) })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        serde_as_text!($name);
    };
}

id!(
    /// A case as one office keeps it: a request, or an order at a provider, with all that follows.
    CaseId, "C-", "a case id, for example C-7K2M9QXR4T1VC8ZE"
);
id!(
    /// One formal document as one office keeps it.
    DocumentId, "D-", "a document id, for example D-7K2M9QXR4T1VC8ZE"
);
id!(
    /// An evidence package, by the first 80 bits of the SHA-256 of its `ASiCManifest001.xml`; the
    /// same at every office, since the outer manifest never changes.
    PackageId, "PK-", "a package id, for example PK-7K2M9QXR4T1VC8ZE"
);

impl PackageId {
    /// The id of the package whose `ASiCManifest001.xml` has this digest.
    #[must_use]
    pub fn of_manifest(manifest: &crate::Digest) -> Self {
        let mut bits = [0; 10];
        bits.copy_from_slice(&manifest.as_bytes()[..10]);
        Self::from_bits(bits)
    }
}

/// The file number an office gives a case in its own register: 1 to 120 printable characters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OfficeReference(String);

impl OfficeReference {
    /// The reference as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OfficeReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fits = (1..=120).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(ReferenceError::OfficeReference) }
    }
}

impl fmt::Display for OfficeReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(OfficeReference);

/// The id of a question within its matter, chosen by who asks: 1 to 12 of `A-Z`, `0-9`, `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct QuestionId(String);

impl QuestionId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QuestionId {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let fits = (1..=12).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        if fits { Ok(Self(text.to_owned())) } else { Err(ReferenceError::QuestionId(shorten(text))) }
    }
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

serde_as_text!(QuestionId);

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(index * 29 % 256).unwrap_or(0);
            }
        }
    }

    #[test]
    fn a_minted_number_reads_back() {
        let number = SharedNumber::mint("md".parse().expect("a country"), &Fixed);
        assert_eq!(number.as_str().parse(), Ok(number.clone()));
        assert_eq!(number.country(), "MD");
    }

    #[test]
    fn every_single_misread_character_is_noticed() {
        let number = SharedNumber::mint("md".parse().expect("a country"), &Fixed);
        for at in 0..number.0.len() {
            for symbol in "0123456789ABCDEFGHJKMNPQRSTVWXYZ-".chars() {
                let mut changed: Vec<char> = number.0.chars().collect();
                if changed[at] == symbol {
                    continue;
                }
                changed[at] = symbol;
                let changed: String = changed.into_iter().collect();
                assert!(changed.parse::<SharedNumber>().is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn ids_of_one_kind_are_not_ids_of_another() {
        let case = CaseId::mint(&Fixed);
        assert_eq!(case.as_str().parse(), Ok(case.clone()));
        assert!(case.as_str().parse::<PackageId>().is_err());
    }
    #[test]
    fn questions_have_short_ids_in_capitals() {
        for text in ["Q1", "Q-12", "A23456789012"] {
            assert_eq!(text.parse::<QuestionId>().expect("an id").as_str(), text);
        }
        for text in ["", "q1", "Q 1", "Q1\n", "A234567890123", "É"] {
            assert!(text.parse::<QuestionId>().is_err(), "{text}");
        }
    }
}
