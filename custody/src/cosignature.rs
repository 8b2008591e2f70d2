//! Cosignatures: a witness's word that a checkpoint goes on what it saw of that log before (C2SP
//! tlog-cosignature, `cosignature/v1`).
//!
//! Calls [`note`](crate::note) and [`checkpoint`](crate::checkpoint). It never decides whether a checkpoint
//! may be cosigned: the witness's datastore compares it with the last one it persisted before
//! [`WitnessKey::cosign`] is called.

use crate::checkpoint::{Origin, VerifiedCheckpoint};
use crate::note::{
    self, MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteError, NoteSignature, parse_vkey, shorten, vkey_text,
};
use aws_lc_rs::signature::Ed25519KeyPair;
use rogatory_core::{PartyId, Timestamp};
use std::fmt;
use std::str::FromStr;

/// The type of Ed25519 keys that sign time and checkpoint.
const COSIGNATURE_TYPE: u8 = 4;

/// The time in seconds, eight bytes, then an Ed25519 signature.
const COSIGNATURE_BYTES: usize = 8 + 64;

/// What stands behind the party in a witness's name.
const WITNESS: &str = "/witness";

/// The name of a witness: `<domain>/rogatory/<country>/<institution>/witness`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WitnessName {
    name: String,
    party: PartyId,
}

impl WitnessName {
    /// The witness of `party` under `domain`.
    ///
    /// # Errors
    /// [`CosignatureError::Name`] if `domain` is no lower-case host name.
    pub fn new(domain: &str, party: &PartyId) -> Result<Self, CosignatureError> {
        format!("{domain}/rogatory/{party}{WITNESS}").parse()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The institution that cosigns under it.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        &self.party
    }
}

impl fmt::Display for WitnessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for WitnessName {
    type Err = CosignatureError;

    fn from_str(text: &str) -> Result<Self, CosignatureError> {
        let bad = || CosignatureError::Name(shorten(text));
        let place = text.strip_suffix(WITNESS).ok_or_else(bad)?;
        // Domain and party are those of an origin, and spelt like there.
        let origin: Origin = format!("{place}/1").parse().map_err(|_| bad())?;
        Ok(Self { name: text.to_owned(), party: origin.party().clone() })
    }
}

/// The public key of a witness. Written like any verifier key, with the type 4.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WitnessVkey {
    name: WitnessName,
    public_key: [u8; 32],
}

impl WitnessVkey {
    /// The witness.
    #[must_use]
    pub const fn name(&self) -> &WitnessName {
        &self.name
    }

    /// The 32 bytes of the Ed25519 public key.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The key id that a cosignature carries.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        note::key_id(self.name.as_str(), COSIGNATURE_TYPE, &self.public_key)
    }
}

impl fmt::Display for WitnessVkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vkey_text(self.name.as_str(), COSIGNATURE_TYPE, &self.public_key))
    }
}

impl FromStr for WitnessVkey {
    type Err = CosignatureError;

    fn from_str(text: &str) -> Result<Self, CosignatureError> {
        let (name, public_key) =
            parse_vkey(text, COSIGNATURE_TYPE).ok_or_else(|| CosignatureError::Vkey(shorten(text)))?;
        Ok(Self { name: name.parse()?, public_key })
    }
}

/// A cosignature, a key or a list of them is not what it should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CosignatureError {
    /// Not the name of a witness.
    #[error("`{0}` is no name of a witness: <domain>/rogatory/<country>/<institution>/witness is expected")]
    Name(String),
    /// Not a witness's verifier key.
    #[error(
        "`{0}` is no witness's verifier key: an Ed25519 key of type 4 under the name of a witness is expected"
    )]
    Vkey(String),
    /// The key can't be read or made, or fails to sign.
    #[error("the witness key can't be used")]
    Key(#[source] NoteError),
    /// A line that is no cosignature.
    #[error("signature line {0} of the checkpoint is no cosignature of a witness")]
    Line(usize),
    /// The log's own line doesn't stand first, or isn't there once.
    #[error("the first signature line of the checkpoint, and no other, must be the log's")]
    LogLine,
    /// The lines of witnesses stand in another order, or one stands there twice.
    #[error("signature line {0} of the checkpoint does not stand in the order of names and key ids")]
    Order(usize),
    /// An institution vouches for its own log.
    #[error("the log of {0} is cosigned by that institution itself")]
    OwnLog(PartyId),
    /// Another key than the one asked for.
    #[error("the cosignature by `{0}` is under another key")]
    OtherKey(WitnessName),
    /// The signature is wrong.
    #[error("the cosignature by `{0}` is not valid")]
    Invalid(WitnessName),
    /// The note would be too large with all lines.
    #[error("the checkpoint has no room for so many cosignatures")]
    TooMany,
}

/// The private key with which a witness cosigns the logs of others.
pub struct WitnessKey {
    pair: Ed25519KeyPair,
    vkey: WitnessVkey,
}

impl WitnessKey {
    /// Takes the key from PKCS#8 PEM.
    ///
    /// # Errors
    /// [`CosignatureError::Key`].
    pub fn from_pem(name: WitnessName, pem: &str) -> Result<Self, CosignatureError> {
        Self::new(name, note::pair_from_pem(pem).map_err(CosignatureError::Key)?)
    }

    /// Generates a key and returns it with its PKCS#8 PEM, which goes into a file of its own.
    ///
    /// # Errors
    /// [`CosignatureError::Key`].
    pub fn generate(name: WitnessName) -> Result<(Self, String), CosignatureError> {
        let (pair, pem) = note::generate_pair().map_err(CosignatureError::Key)?;
        Ok((Self::new(name, pair)?, pem))
    }

    fn new(name: WitnessName, pair: Ed25519KeyPair) -> Result<Self, CosignatureError> {
        let public_key = note::public_half(&pair).ok_or(CosignatureError::Key(NoteError::PrivateKey))?;
        Ok(Self { pair, vkey: WitnessVkey { name, public_key } })
    }

    /// The public half, for the party entry.
    #[must_use]
    pub const fn vkey(&self) -> &WitnessVkey {
        &self.vkey
    }

    /// Cosigns: at `time`, cut to the second, this was the largest checkpoint of its log that the witness
    /// had seen, and each before it was its beginning.
    ///
    /// The caller has persisted that before; see `docs/spec/custody-log.md`, 13.
    ///
    /// # Errors
    /// [`CosignatureError::OwnLog`] for the log of the witness's own institution;
    /// [`CosignatureError::Key`] if signing fails or `time` is before 1970.
    pub fn cosign(
        &self,
        checkpoint: &VerifiedCheckpoint,
        time: Timestamp,
    ) -> Result<Cosignature, CosignatureError> {
        let party = self.vkey.name.party();
        if checkpoint.origin().party() == party {
            return Err(CosignatureError::OwnLog(party.clone()));
        }
        let failed = || CosignatureError::Key(NoteError::Signing);
        let seconds = u64::try_from(time.seconds()).map_err(|_| failed())?;
        let message = message(seconds, checkpoint.note().text());
        let signature = self.pair.try_sign(message.as_bytes()).map_err(|_| failed())?;
        let signature = signature.as_ref().try_into().map_err(|_| failed())?;
        Ok(Cosignature {
            witness: self.vkey.name.clone(),
            key_id: self.vkey.key_id(),
            seconds,
            time: time.whole_seconds(),
            signature,
        })
    }
}

/// What a witness signs.
fn message(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// A cosignature that was read and not verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cosignature {
    witness: WitnessName,
    key_id: [u8; 4],
    seconds: u64,
    time: Timestamp,
    signature: [u8; 64],
}

impl Cosignature {
    fn from_line(line: &NoteSignature) -> Option<Self> {
        let bytes: &[u8; COSIGNATURE_BYTES] = line.signature.as_slice().try_into().ok()?;
        let (seconds, signature) = bytes.split_first_chunk()?;
        let seconds = u64::from_be_bytes(*seconds);
        Some(Self {
            witness: line.name.parse().ok()?,
            key_id: line.key_id,
            seconds,
            // Beyond what an instant may be nobody cosigned.
            time: Timestamp::from_seconds(i64::try_from(seconds).ok()?).ok()?,
            signature: signature.try_into().ok()?,
        })
    }

    /// Who says that it cosigned; not verified.
    #[must_use]
    pub const fn witness(&self) -> &WitnessName {
        &self.witness
    }

    /// When it says that it cosigned; not verified.
    #[must_use]
    pub const fn claimed_time(&self) -> Timestamp {
        self.time
    }

    /// The key id in the line.
    #[must_use]
    pub const fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// Verifies that the witness cosigned `checkpoint`.
    ///
    /// # Errors
    /// [`CosignatureError::OtherKey`] if the line is under another name or key than `key`,
    /// [`CosignatureError::Invalid`] if its signature is wrong.
    pub fn verify(
        &self,
        checkpoint: &VerifiedCheckpoint,
        key: &WitnessVkey,
    ) -> Result<VerifiedCosignature, CosignatureError> {
        if key.name != self.witness || key.key_id() != self.key_id {
            return Err(CosignatureError::OtherKey(self.witness.clone()));
        }
        if checkpoint.origin().party() == self.witness.party() {
            return Err(CosignatureError::OwnLog(self.witness.party().clone()));
        }
        let message = message(self.seconds, checkpoint.note().text());
        if !note::verifies(&key.public_key, message.as_bytes(), &self.signature) {
            return Err(CosignatureError::Invalid(self.witness.clone()));
        }
        Ok(VerifiedCosignature { witness: key.clone(), time: self.time })
    }

    fn line(&self) -> NoteSignature {
        let mut signature = self.seconds.to_be_bytes().to_vec();
        signature.extend(self.signature);
        NoteSignature { name: self.witness.name.clone(), key_id: self.key_id, signature }
    }
}

/// The signature line, with its newline.
impl fmt::Display for Cosignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line().fmt(f)
    }
}

impl FromStr for Cosignature {
    type Err = CosignatureError;

    fn from_str(text: &str) -> Result<Self, CosignatureError> {
        let line = text.strip_suffix('\n').filter(|_| text.len() <= MAX_NOTE_BYTES);
        let line = line.and_then(note::signature_line);
        line.as_ref().and_then(Self::from_line).ok_or(CosignatureError::Line(1))
    }
}

/// A witness's word that is its own. Only [`Cosignature::verify`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedCosignature {
    witness: WitnessVkey,
    time: Timestamp,
}

impl VerifiedCosignature {
    /// The institution that cosigned.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        self.witness.name.party()
    }

    /// The key under which it did.
    #[must_use]
    pub const fn witness(&self) -> &WitnessVkey {
        &self.witness
    }

    /// When, by the witness's clock, to the second.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }
}

/// Reads the cosignatures of a checkpoint that has no other line than the log's, first, and theirs, in the
/// order of names and key ids; nothing is verified.
///
/// # Errors
/// [`CosignatureError`] naming the line that does not fit.
pub fn cosignatures(checkpoint: &VerifiedCheckpoint) -> Result<Vec<Cosignature>, CosignatureError> {
    let lines = checkpoint.note().note().signatures();
    let log = checkpoint.vkey();
    let is_log = |line: &NoteSignature| line.name == log.name() && line.key_id == log.key_id();
    if !lines.first().is_some_and(is_log) {
        return Err(CosignatureError::LogLine);
    }
    let mut read: Vec<Cosignature> = Vec::with_capacity(lines.len() - 1);
    for (number, line) in (2..).zip(&lines[1..]) {
        let cosignature = Cosignature::from_line(line).ok_or(CosignatureError::Line(number))?;
        if cosignature.witness.party() == checkpoint.origin().party() {
            return Err(CosignatureError::OwnLog(cosignature.witness.party().clone()));
        }
        if read.last().is_some_and(|last| place(last) >= place(&cosignature)) {
            return Err(CosignatureError::Order(number));
        }
        read.push(cosignature);
    }
    Ok(read)
}

/// Reads what cosignatures there are among the lines of a checkpoint, whatever else stands there: of a
/// note that others may have added to.
#[must_use]
pub fn cosignatures_among(note: &Note) -> Vec<Cosignature> {
    note.signatures().iter().filter_map(Cosignature::from_line).collect()
}

/// Where a cosignature stands among others.
fn place(cosignature: &Cosignature) -> (&str, [u8; 4]) {
    (cosignature.witness.as_str(), cosignature.key_id)
}

/// The checkpoint with these cosignatures below the log's line, in their order, each once.
///
/// # Errors
/// [`CosignatureError::TooMany`] if nobody could read the note.
pub fn cosigned_note(
    checkpoint: &VerifiedCheckpoint,
    mut cosignatures: Vec<Cosignature>,
) -> Result<String, CosignatureError> {
    cosignatures.sort_by(|one, other| place(one).cmp(&place(other)));
    cosignatures.dedup_by(|one, other| place(one) == place(other));
    let mut note = checkpoint.note().trusted_part().to_string();
    if cosignatures.len() >= MAX_SIGNATURES {
        return Err(CosignatureError::TooMany);
    }
    cosignatures.iter().for_each(|cosignature| note.push_str(&cosignature.to_string()));
    if note.len() > MAX_NOTE_BYTES { Err(CosignatureError::TooMany) } else { Ok(note) }
}

#[cfg(test)]
mod tests;
