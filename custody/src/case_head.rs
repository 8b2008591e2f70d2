//! The case head: the log's signed word on how far one stream of one case has come.
//!
//! Calls [`note`](crate::note). The head rides beside every message to a counterpart, whose receipt
//! quotes its digest; so a verifier can later say "complete to #n, as known to the counterpart on
//! that day". It never shows that the leaf is in the log: that is the inclusion proof's part.
//!
//! ```text
//! rogatory/case-head/1
//! ca.example.md/rogatory/md/central-authority/1
//! MD-7K2M-9QXR-4T1V-C8ZE-65
//! fr/bepi
//! 3
//! 9f2c…                              the leaf hash, 64 lower-case hexadecimal digits
//!
//! — ca.example.md/rogatory/md/central-authority/1 4aoc…
//! ```
//!
//! The first line keeps heads and checkpoints apart, which one key signs: no origin is written so,
//! and a checkpoint's second line is a number.

use crate::checkpoint::{Origin, signer};
use crate::note::{LogKey, MAX_NOTE_BYTES, Note, NoteError, Vkey};
use crate::tree::MAX_TREE_SIZE;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, SharedNumber};

/// The first line of every case head.
pub const CASE_HEAD_LINE: &str = "rogatory/case-head/1";

/// Stands where a case has no shared number: an undrafted one, or the pseudo-case `office`.
const NO_SHARED_NUMBER: &str = "-";

/// How far one stream of a case has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseHead {
    /// The log.
    pub origin: Origin,
    /// The number by which both sides know the case; none before drafting ends.
    pub shared_number: Option<SharedNumber>,
    /// The stream.
    pub stream: Stream,
    /// The number of its last event, from 1.
    pub n: u64,
    /// The leaf hash of that event.
    pub leaf: Digest,
}

/// A case head can't be signed or is not one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaseHeadError {
    /// The note can't be read, or nobody trusted signed it.
    #[error("the case head's note is not valid")]
    Note(#[source] NoteError),
    /// The text isn't the one way to write a case head.
    #[error("the case head's text is not the six lines of a case head")]
    Text,
    /// The signer isn't this log.
    #[error("the case head of `{origin}` is not signed by that log's own key")]
    OtherLog {
        /// The log that the head names.
        origin: Origin,
    },
}

impl CaseHead {
    /// The text that is signed: six lines.
    #[must_use]
    pub fn text(&self) -> String {
        let shared_number = self.shared_number.as_ref().map_or(NO_SHARED_NUMBER, |n| n.as_str());
        format!(
            "{CASE_HEAD_LINE}\n{}\n{shared_number}\n{}\n{}\n{}\n",
            self.origin, self.stream, self.n, self.leaf
        )
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.split('\n').skip(1);
        let head = Self {
            origin: lines.next()?.parse().ok()?,
            shared_number: match lines.next()? {
                NO_SHARED_NUMBER => None,
                number => Some(number.parse().ok()?),
            },
            stream: lines.next()?.parse().ok()?,
            n: lines.next()?.parse().ok()?,
            leaf: lines.next()?.parse().ok()?,
        };
        let sound = (1..=MAX_TREE_SIZE).contains(&head.n) && head.text() == text;
        sound.then_some(head)
    }

    /// Reads what a note says, whoever signed it; with the number of its signature lines.
    pub(crate) fn unverified(note: &[u8]) -> Result<(Self, usize), CaseHeadError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(CaseHeadError::Note(NoteError::TooLarge(note.len())));
        }
        let note = Note::parse(note).map_err(CaseHeadError::Note)?;
        let head = Self::from_text(note.unverified_text()).ok_or(CaseHeadError::Text)?;
        Ok((head, note.signatures().len()))
    }

    /// Signs the head with the log's key and returns the note.
    ///
    /// # Errors
    /// [`CaseHeadError::OtherLog`] if the key has another name than the origin,
    /// [`CaseHeadError::Text`] if `n` is no number of an event, [`CaseHeadError::Note`] if signing fails.
    pub fn sign(&self, key: &LogKey) -> Result<String, CaseHeadError> {
        if key.vkey().name() != self.origin.to_string() {
            return Err(CaseHeadError::OtherLog { origin: self.origin.clone() });
        }
        let text = self.text();
        if Self::from_text(&text).as_ref() != Some(self) {
            return Err(CaseHeadError::Text);
        }
        let note = key.sign(&text).map_err(CaseHeadError::Note)?;
        Ok(note.to_string())
    }
}

/// A case head whose log signed it with a trusted key. Only [`verify_case_head`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedCaseHead {
    head: CaseHead,
    digest: Digest,
    signatures: usize,
}

impl VerifiedCaseHead {
    /// What the log said.
    #[must_use]
    pub const fn head(&self) -> &CaseHead {
        &self.head
    }

    /// SHA-256 of the note's bytes, as the counterpart's receipt quotes it.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// How many signature lines the note has, unknown ones counted.
    #[must_use]
    pub const fn signature_lines(&self) -> usize {
        self.signatures
    }
}

/// Verifies a case head: the log it names must have signed it with a key in `trusted`.
///
/// # Errors
/// [`CaseHeadError`].
pub fn verify_case_head(note: &[u8], trusted: &[Vkey]) -> Result<VerifiedCaseHead, CaseHeadError> {
    if note.len() > MAX_NOTE_BYTES {
        return Err(CaseHeadError::Note(NoteError::TooLarge(note.len())));
    }
    let digest = Digest::of(note);
    let note = Note::parse(note).and_then(|note| note.verify(trusted)).map_err(CaseHeadError::Note)?;
    let head = CaseHead::from_text(note.text()).ok_or(CaseHeadError::Text)?;
    if signer(&note, &head.origin).is_none() {
        return Err(CaseHeadError::OtherLog { origin: head.origin });
    }
    Ok(VerifiedCaseHead { head, digest, signatures: note.note().signatures().len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::verify_checkpoint;

    const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";

    fn head() -> CaseHead {
        CaseHead {
            origin: ORIGIN.parse().expect("an origin"),
            shared_number: None,
            stream: "fr/bepi".parse().expect("a stream"),
            n: 3,
            leaf: Digest::of(b"leaf"),
        }
    }

    #[test]
    fn a_case_head_survives_its_note_and_is_no_checkpoint() {
        let (key, _) = LogKey::generate(ORIGIN).expect("a key");
        let trusted = [key.vkey().clone()];
        let note = head().sign(&key).expect("signed");
        let verified = verify_case_head(note.as_bytes(), &trusted).expect("valid");
        assert_eq!(verified.head(), &head());
        assert_eq!(verified.digest(), Digest::of(note.as_bytes()));
        assert!(verify_checkpoint(note.as_bytes(), &trusted).is_err());
    }

    #[test]
    fn other_spellings_are_refused() {
        let (key, _) = LogKey::generate(ORIGIN).expect("a key");
        let trusted = [key.vkey().clone()];
        let good = head().text();
        let leaf = head().leaf.to_hex();
        for text in [
            good.replace("head/1", "head/2"),
            good.replace("\n3\n", "\n0\n"),
            good.replace("\n3\n", "\n03\n"),
            good.replace("\n3\n", "\n9223372036854775808\n"),
            good.replace("\n-\n", "\n\n"),
            good.replace("\n-\n", "\nMD-7K2M-9QXR-4T1V-C8ZE-00\n"),
            good.replace("fr/bepi", "FR/bepi"),
            good.replace("fr/bepi", "intern"),
            good.replace(&leaf, &leaf.to_uppercase()),
            good.replace(&leaf, &leaf[..62]),
            format!("{good}more\n"),
            format!("{good}\n"),
            CASE_HEAD_LINE.to_owned() + "\n",
        ] {
            assert_ne!(text, good);
            let note = key.sign(&text).expect("signed").to_string();
            let verdict = verify_case_head(note.as_bytes(), &trusted);
            assert_eq!(verdict, Err(CaseHeadError::Text), "{text}");
        }
        let zero = CaseHead { n: 0, ..head() };
        assert_eq!(zero.sign(&key), Err(CaseHeadError::Text));
        let (other, _) = LogKey::generate("example/other").expect("a key");
        assert!(matches!(head().sign(&other), Err(CaseHeadError::OtherLog { .. })));
    }
}
