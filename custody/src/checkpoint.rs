//! The log's origin and its checkpoint: a signed note over size and root (C2SP tlog-checkpoint).
//!
//! Calls [`note`](crate::note) and [`tree`](crate::tree). It never decides whether a checkpoint may
//! be signed: that two roots at one size never get a signature is the datastore's promise, kept by
//! compare-and-swap before [`Checkpoint::sign`] is called.

use crate::note::{LogKey, Note, NoteError, VerifiedNote, Vkey};
use crate::tree::{MAX_TREE_SIZE, Tree, empty_root};
use data_encoding::BASE64;
use rogatory_core::{Digest, PartyId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The longest domain of an origin, in bytes.
pub const MAX_DOMAIN_BYTES: usize = 120;

/// The name of a log: `<domain>/rogatory/<country>/<institution>/<epoch>`.
///
/// It is also the name of the log's key. An epoch ends when a backup is restored; the next one is
/// another log with another origin.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Origin {
    domain: String,
    party: PartyId,
    epoch: u32,
}

/// The text is no origin of a custody log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no origin of a custody log: <domain>/rogatory/<country>/<institution>/<epoch> is expected")]
pub struct OriginError(String);

impl Origin {
    /// Names the log of `party` under `domain`; epochs count from 1.
    ///
    /// # Errors
    /// [`OriginError`] if `domain` is no lower-case host name or `epoch` is zero.
    pub fn new(domain: &str, party: PartyId, epoch: u32) -> Result<Self, OriginError> {
        let origin = Self { domain: domain.to_owned(), party, epoch };
        if is_domain(domain) && epoch > 0 {
            Ok(origin)
        } else {
            Err(OriginError(origin.to_string().chars().take(200).collect()))
        }
    }

    /// The domain, under which the institution keeps names apart from all others.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The institution whose log it is.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        &self.party
    }

    /// The epoch, from 1.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= MAX_DOMAIN_BYTES && text.split('.').all(label)
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/rogatory/{}/{}", self.domain, self.party, self.epoch)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let bad = || OriginError(text.chars().take(200).collect());
        let (domain, rest) = text.split_once("/rogatory/").ok_or_else(bad)?;
        let (party, epoch) = rest.rsplit_once('/').ok_or_else(bad)?;
        let party = party.parse().map_err(|_| bad())?;
        let origin = Self::new(domain, party, epoch.parse().map_err(|_| bad())?)?;
        // Numbers have more than one spelling.
        if origin.to_string() == text { Ok(origin) } else { Err(bad()) }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A checkpoint before it is signed, or after it was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log.
    pub origin: Origin,
    /// The number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

/// A checkpoint can't be signed or is not one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The note can't be read, or nobody trusted signed it.
    #[error("the checkpoint's note is not valid")]
    Note(#[source] NoteError),
    /// The text isn't the one way to write a checkpoint.
    #[error("the checkpoint's text is not origin, size and root, each on a line of its own")]
    Text,
    /// The signer isn't this log.
    #[error("the checkpoint of `{origin}` is not signed by that log's own key")]
    OtherLog {
        /// The log that the checkpoint names.
        origin: Origin,
    },
    /// The root of an empty tree is known, and it isn't this.
    #[error("the checkpoint gives an empty log a root that it can't have")]
    EmptyRoot,
}

impl Checkpoint {
    /// The checkpoint of a log whose tree stands like this.
    #[must_use]
    pub fn of(origin: Origin, tree: &Tree) -> Self {
        Self { origin, size: tree.size(), root: tree.root() }
    }

    /// The text that is signed: three lines.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Text);
        let origin = line()?.parse().map_err(|_| CheckpointError::Text)?;
        let size = line()?.parse().map_err(|_| CheckpointError::Text)?;
        let root = BASE64.decode(line()?.as_bytes()).map_err(|_| CheckpointError::Text)?;
        let root = Digest::from_slice(&root).map_err(|_| CheckpointError::Text)?;
        let checkpoint = Self { origin, size, root };
        // No extension lines, no second spelling of a number.
        if checkpoint.text() != text || size > MAX_TREE_SIZE {
            return Err(CheckpointError::Text);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(checkpoint)
    }

    /// Signs the checkpoint with the log's key and returns the note.
    ///
    /// # Errors
    /// [`CheckpointError::OtherLog`] if the key has another name than the origin,
    /// [`CheckpointError::Note`] if signing fails.
    pub fn sign(&self, key: &LogKey) -> Result<String, CheckpointError> {
        if key.vkey().name() != self.origin.to_string() {
            return Err(CheckpointError::OtherLog { origin: self.origin.clone() });
        }
        let note = key.sign(&self.text()).map_err(CheckpointError::Note)?;
        Ok(note.to_string())
    }
}

/// A checkpoint whose log signed it with a trusted key. Only [`verify_checkpoint`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    vkey: Vkey,
    note: VerifiedNote,
}

impl VerifiedCheckpoint {
    /// The log.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.checkpoint.origin
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.size
    }

    /// The root over them.
    #[must_use]
    pub const fn root(&self) -> &Digest {
        &self.checkpoint.root
    }

    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The log's key that signed.
    #[must_use]
    pub const fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// The note with all its signature lines.
    #[must_use]
    pub const fn note(&self) -> &VerifiedNote {
        &self.note
    }
}

/// Verifies a checkpoint: the log it names must have signed it with a key in `trusted`.
///
/// # Errors
/// [`CheckpointError`].
pub fn verify_checkpoint(note: &[u8], trusted: &[Vkey]) -> Result<VerifiedCheckpoint, CheckpointError> {
    let note = Note::parse(note).and_then(|note| note.verify(trusted)).map_err(CheckpointError::Note)?;
    let checkpoint = Checkpoint::from_text(note.text())?;
    let vkey = signer(&note, &checkpoint.origin)
        .ok_or_else(|| CheckpointError::OtherLog { origin: checkpoint.origin.clone() })?;
    Ok(VerifiedCheckpoint { checkpoint, vkey, note })
}

/// The log's own key among those that signed. A witness of another name is no log.
pub(crate) fn signer(note: &VerifiedNote, origin: &Origin) -> Option<Vkey> {
    let name = origin.to_string();
    note.signed_by().iter().find(|vkey| vkey.name() == name).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf_hash;

    const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";

    fn key(name: &str) -> LogKey {
        LogKey::generate(name).expect("a key").0
    }

    fn checkpoint() -> Checkpoint {
        let mut tree = Tree::new();
        tree.append(leaf_hash(b"x")).expect("there is room");
        Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree)
    }

    #[test]
    fn a_checkpoint_survives_its_note() {
        let key = key(ORIGIN);
        let note = checkpoint().sign(&key).expect("signed");
        let verified = verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
        assert_eq!(verified.checkpoint(), &checkpoint());
        assert_eq!(verified.note().note().to_string(), note);
        assert_eq!(verified.vkey(), key.vkey());
    }

    #[test]
    fn a_key_of_another_log_neither_signs_nor_vouches() {
        let other = key("ca.example.md/rogatory/md/central-authority/2");
        let refused = Err(CheckpointError::OtherLog { origin: checkpoint().origin });
        assert_eq!(checkpoint().sign(&other), refused.clone());
        let note = other.sign(&checkpoint().text()).expect("signed").to_string();
        let verdict = verify_checkpoint(note.as_bytes(), &[other.vkey().clone()]);
        assert_eq!(verdict.map(|_| String::new()), refused);
    }

    #[test]
    fn other_spellings_of_a_checkpoint_are_refused() {
        let key = key(ORIGIN);
        let trusted = [key.vkey().clone()];
        let good = checkpoint().text();
        let root = checkpoint().root.to_base64();
        for text in [
            good.replace("\n1\n", "\n01\n"),
            good.replace("\n1\n", "\n+1\n"),
            good.replace("\n1\n", "\n9223372036854775808\n"),
            good.replace("\n1\n", "\n-1\n"),
            good.replace(&root, &root[..40]),
            good.replace(&root, &format!("{root}=")),
            format!("{good}extension\n"),
            format!("{good}\n"),
            good.replace("/1\n", "/01\n"),
            good.replace("/1\n", "/0\n"),
            ORIGIN.to_owned() + "\n",
        ] {
            assert_ne!(text, good);
            let note = key.sign(&text).expect("signed").to_string();
            let verdict = verify_checkpoint(note.as_bytes(), &trusted);
            assert_eq!(verdict, Err(CheckpointError::Text), "{text}");
        }
        let note = key.sign(&good.replace("\n1\n", "\n0\n")).expect("signed").to_string();
        let verdict = verify_checkpoint(note.as_bytes(), &trusted);
        assert_eq!(verdict, Err(CheckpointError::EmptyRoot));
    }

    #[test]
    fn an_empty_log_has_a_checkpoint() {
        let key = key(ORIGIN);
        let empty = Checkpoint::of(ORIGIN.parse().expect("an origin"), &Tree::new());
        let note = empty.sign(&key).expect("signed");
        let verified = verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid");
        assert_eq!(verified.size(), 0);
    }

    #[test]
    fn origins_that_could_pass_for_others_are_refused() {
        for text in ["localhost/rogatory/md/ca/1", ORIGIN, "127.0.0.1/rogatory/fr/bepi/4294967295"] {
            assert_eq!(text.parse::<Origin>().expect("an origin").to_string(), text);
        }
        for text in [
            "",
            "rogatory/md/ca/1",
            "/rogatory/md/ca/1",
            "a b/rogatory/md/ca/1",
            "A/rogatory/md/ca/1",
            "a..b/rogatory/md/ca/1",
            "a./rogatory/md/ca/1",
            "-a/rogatory/md/ca/1",
            "a:1/rogatory/md/ca/1",
            "a/rogatory/md/ca",
            "a/rogatory/md/ca/",
            "a/rogatory/md/ca/0",
            "a/rogatory/md/ca/01",
            "a/rogatory/md/ca/+1",
            "a/rogatory/md/ca/4294967296",
            "a/rogatory/MD/ca/1",
            "a/rogatory/ca/1",
            "a/rogatory/md/ca/x/1",
            "a/rogatory/rogatory/md/ca/1",
            "rogatory/case-head/1",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
