//! The hybrid keys of age: ML-KEM-768 and X25519 together, safe for as long as one of the two is.
//!
//! Holds recipients `age1pq1…`, identities `AGE-SECRET-KEY-PQ-1…` and the stanza `mlkem768x25519`, through which a
//! file key is sealed to one and opened by the other. May call ML-KEM, X25519, SHA-3 and the AEAD. Never prints a
//! secret key, and never lets a file be readable by other keys beside hybrid ones.
//!
//! Source: C2SP `age`, "The MLKEM768-X25519 hybrid post-quantum recipient type"; the KEM of draft-ietf-hpke-pq-03
//! (X-Wing, 0x647a); RFC 9180, 5.1 and 6.1: SealBase with HKDF-SHA256 and ChaCha20-Poly1305.

use super::AgeError;
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{bech32_decode, bech32_encode};
use age_core::secrecy::ExposeSecret as _;
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bech32::Hrp;
use data_encoding::BASE64_NOPAD;
use ml_kem::kem::{Decapsulate as _, DecapsulationKey, EncapsulationKey};
use ml_kem::{
    Ciphertext, EncapsulateDeterministic as _, Encoded, EncodedSizeUser as _, KemCore as _, MlKem768,
    MlKem768Params,
};
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize as _, Zeroizing};

/// The first argument of a hybrid stanza.
pub(super) const STANZA: &str = "mlkem768x25519";
/// How the text of a hybrid recipient begins: no other kind's does, since no `1` stands among the data.
pub(super) const RECIPIENT_START: &str = "age1pq1";
/// How the text of a hybrid identity begins.
pub(super) const IDENTITY_START: &str = "AGE-SECRET-KEY-PQ-1";
/// What keeps hybrid recipients and others apart: age's label.
const LABEL: &str = "postquantum";
const RECIPIENT_HRP: Hrp = Hrp::parse_unchecked("age1pq");
const IDENTITY_HRP: Hrp = Hrp::parse_unchecked("AGE-SECRET-KEY-PQ-");
/// Binds the sealed file key to this use: HPKE's `info`.
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
/// HPKE's suite: this KEM, HKDF-SHA256, ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x64\x7a\x00\x01\x00\x03";
/// The end of what the two shared secrets are hashed with.
const COMBINER: &[u8] = br"\.//^\";

const SEED_BYTES: usize = 32;
const CURVE_BYTES: usize = 32;
const LATTICE_KEY_BYTES: usize = 1184;
const LATTICE_CIPHERTEXT_BYTES: usize = 1088;
/// What a stanza's argument holds: a ciphertext of the one kind, a share of the other.
pub(super) const SHARE_BYTES: usize = LATTICE_CIPHERTEXT_BYTES + CURVE_BYTES;
const TAG_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A public key of both kinds.
#[derive(Clone)]
pub(super) struct HybridRecipient(Arc<PublicKeys>);

struct PublicKeys {
    lattice: EncapsulationKey<MlKem768Params>,
    curve: PublicKey,
}

impl HybridRecipient {
    /// Reads `age1pq1…`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = decode(text, RECIPIENT_HRP)?;
        let (lattice, curve) = bytes.split_at_checked(LATTICE_KEY_BYTES)?;
        let curve: [u8; CURVE_BYTES] = curve.try_into().ok()?;
        let encoded = Encoded::<EncapsulationKey<MlKem768Params>>::try_from(lattice).ok()?;
        let lattice = EncapsulationKey::from_bytes(&encoded);
        // FIPS 203, 7.2: a number not below the modulus makes the key invalid.
        if lattice.as_bytes() != encoded {
            return None;
        }
        Some(Self(Arc::new(PublicKeys { lattice, curve: curve.into() })))
    }

    /// Writes `age1pq1…`.
    pub(super) fn text(&self) -> String {
        let bytes = [self.0.lattice.as_bytes().as_slice(), self.0.curve.as_bytes()].concat();
        bech32_encode(RECIPIENT_HRP, &bytes)
    }
}

impl age::Recipient for HybridRecipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let failed = |what: &'static str| age::EncryptError::Io(io::Error::other(what));
        let mut random = Zeroizing::new([0; SEED_BYTES + CURVE_BYTES]);
        SystemRandom::new().fill(&mut *random).map_err(|_| failed("no random numbers"))?;
        let (message, secret) = random.split_at(SEED_BYTES);
        let (mut message, secret): ([u8; SEED_BYTES], [u8; CURVE_BYTES]) = (
            message.try_into().map_err(|_| failed("no random numbers"))?,
            secret.try_into().map_err(|_| failed("no random numbers"))?,
        );

        let (ciphertext, mut lattice_secret) = self
            .0
            .lattice
            .encapsulate_deterministic(&message.into())
            .map_err(|()| failed("the recipient's key cannot be used"))?;
        message.zeroize();
        let ephemeral = StaticSecret::from(secret);
        let share = PublicKey::from(&ephemeral);
        let curve_secret = ephemeral.diffie_hellman(&self.0.curve);
        if !curve_secret.was_contributory() {
            return Err(failed(
                "the recipient's key cannot be used: its X25519 part is a point of low order",
            ));
        }
        let shared = combine(&lattice_secret, curve_secret.as_bytes(), &share, &self.0.curve);
        lattice_secret.zeroize();

        let (key, nonce) = key_and_nonce(&shared);
        let mut body = file_key.expose_secret().to_vec();
        key.and_then(|key| key.seal_in_place_append_tag(nonce, Aad::empty(), &mut body).ok())
            .ok_or_else(|| failed("the file key could not be sealed"))?;
        let share = [ciphertext.as_slice(), share.as_bytes()].concat();
        let stanza = Stanza { tag: STANZA.to_owned(), args: vec![BASE64_NOPAD.encode(&share)], body };
        Ok((vec![stanza], HashSet::from([LABEL.to_owned()])))
    }
}

/// A secret key of both kinds, grown from one seed. Has no `Debug`.
#[derive(Clone)]
pub(super) struct HybridIdentity(Arc<SecretKeys>);

struct SecretKeys {
    lattice: DecapsulationKey<MlKem768Params>,
    curve: StaticSecret,
    public: HybridRecipient,
}

impl HybridIdentity {
    /// Makes a new one, and its text `AGE-SECRET-KEY-PQ-1…`.
    pub(super) fn generate() -> Result<(Self, Zeroizing<String>), AgeError> {
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        SystemRandom::new()
            .fill(&mut *seed)
            .map_err(|_| AgeError::Encrypt("no random numbers".to_owned()))?;
        let lower = Zeroizing::new(bech32_encode(IDENTITY_HRP, &*seed));
        Ok((Self::grown_from(&seed), Zeroizing::new(lower.to_ascii_uppercase())))
    }

    /// Reads `AGE-SECRET-KEY-PQ-1…`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(decode(text, IDENTITY_HRP)?);
        let seed: [u8; SEED_BYTES] = bytes.as_slice().try_into().ok()?;
        Some(Self::grown_from(&Zeroizing::new(seed)))
    }

    /// The two secret keys are one stream of SHAKE256 over the seed.
    fn grown_from(seed: &Zeroizing<[u8; SEED_BYTES]>) -> Self {
        let mut stream = {
            let mut hash = sha3::Shake256::default();
            hash.update(&**seed);
            hash.finalize_xof()
        };
        let mut next = || {
            let mut part = [0; SEED_BYTES];
            stream.read(&mut part);
            part
        };
        let (mut d, mut z, mut secret) = (next(), next(), next());
        let (lattice, public) = MlKem768::generate_deterministic(&d.into(), &z.into());
        let curve = StaticSecret::from(secret);
        d.zeroize();
        z.zeroize();
        secret.zeroize();
        let public =
            HybridRecipient(Arc::new(PublicKeys { lattice: public, curve: PublicKey::from(&curve) }));
        Self(Arc::new(SecretKeys { lattice, curve, public }))
    }

    /// The recipient that this identity stands behind.
    pub(super) fn to_public(&self) -> HybridRecipient {
        self.0.public.clone()
    }

    /// The file key in a hybrid stanza, if it is for this identity.
    fn unwrap(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let malformed = || Some(Err(age::DecryptError::InvalidHeader));
        let [share] = stanza.args.as_slice() else { return malformed() };
        let Ok(share) = BASE64_NOPAD.decode(share.as_bytes()) else { return malformed() };
        let Some((ciphertext, share)) = share.split_at_checked(LATTICE_CIPHERTEXT_BYTES) else {
            return malformed();
        };
        let (Ok(ciphertext), Ok(share)) =
            (Ciphertext::<MlKem768>::try_from(ciphertext), <[u8; CURVE_BYTES]>::try_from(share))
        else {
            return malformed();
        };
        // A body of another length could be made to open under several keys.
        if stanza.body.len() != FILE_KEY_BYTES + TAG_BYTES {
            return malformed();
        }
        let Ok(mut lattice_secret) = self.0.lattice.decapsulate(&ciphertext) else { return malformed() };
        let share = PublicKey::from(share);
        let curve_secret = self.0.curve.diffie_hellman(&share);
        if !curve_secret.was_contributory() {
            return malformed();
        }
        let shared = combine(&lattice_secret, curve_secret.as_bytes(), &share, &self.0.public.0.curve);
        lattice_secret.zeroize();

        let (key, nonce) = key_and_nonce(&shared);
        let mut body = Zeroizing::new(stanza.body.clone());
        let found = key?.open_in_place(nonce, Aad::empty(), body.as_mut_slice()).ok()?;
        let found: &[u8; FILE_KEY_BYTES] = (&*found).try_into().ok()?;
        Some(Ok(FileKey::init_with_mut(|file_key: &mut [u8; FILE_KEY_BYTES]| {
            file_key.copy_from_slice(found);
        })))
    }
}

impl age::Identity for HybridIdentity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag == STANZA { self.unwrap(stanza) } else { None }
    }
}

/// The data of a Bech32 text under `hrp`.
fn decode(text: &str, hrp: Hrp) -> Option<Vec<u8>> {
    let under = |found| if found == hrp { Ok(()) } else { Err(()) };
    bech32_decode(text, |_| (), under, |_, bytes| Ok(bytes.collect())).ok()
}

/// One secret of two: whoever has not both has nothing.
fn combine(
    lattice_secret: &[u8],
    curve_secret: &[u8],
    share: &PublicKey,
    key: &PublicKey,
) -> Zeroizing<[u8; HASH_BYTES]> {
    use sha3::Digest as _;
    let mut hash = sha3::Sha3_256::new();
    for part in [lattice_secret, curve_secret, share.as_bytes(), key.as_bytes(), COMBINER] {
        sha3::Digest::update(&mut hash, part);
    }
    Zeroizing::new(hash.finalize().into())
}

/// RFC 9180, KeySchedule in base mode: the one key and nonce of a shared secret.
fn key_and_nonce(shared: &[u8; HASH_BYTES]) -> (Option<LessSafeKey>, Nonce) {
    const NO_SALT: &[u8] = &[0; HASH_BYTES];
    let mode = [0];
    let context = [
        &mode[..],
        &*labeled_extract(NO_SALT, b"psk_id_hash", b""),
        &*labeled_extract(NO_SALT, b"info_hash", INFO),
    ]
    .concat();
    let secret = labeled_extract(shared, b"secret", b"");
    let key = labeled_expand(&*secret, b"key", &context, 32);
    let nonce = labeled_expand(&*secret, b"base_nonce", &context, 12);
    let mut twelve = [0; 12];
    twelve.copy_from_slice(&nonce[..12]);
    let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).ok().map(LessSafeKey::new);
    (key, Nonce::assume_unique_for_key(twelve))
}

/// RFC 9180, 4: LabeledExtract.
fn labeled_extract(salt: &[u8], label: &[u8], secret: &[u8]) -> Zeroizing<[u8; HASH_BYTES]> {
    hash_under(salt, &[b"HPKE-v1", SUITE, label, secret])
}

/// RFC 9180, 4: LabeledExpand; one round of HKDF gives all that is asked for here.
fn labeled_expand(secret: &[u8], label: &[u8], context: &[u8], length: u8) -> Zeroizing<[u8; HASH_BYTES]> {
    hash_under(secret, &[&[0, length], b"HPKE-v1", SUITE, label, context, &[1]])
}

fn hash_under(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; HASH_BYTES]> {
    let mut hash = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        hash.update(part);
    }
    let mut bytes = Zeroizing::new([0; HASH_BYTES]);
    bytes.copy_from_slice(hash.sign().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::{Identity as _, Recipient as _};

    // The example of the specification.
    const IDENTITY: &str = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR";

    fn file_key() -> FileKey {
        FileKey::init_with_mut(|key: &mut [u8; FILE_KEY_BYTES]| key.fill(7))
    }

    #[test]
    fn the_identity_of_the_specification_has_its_recipient() {
        let identity = HybridIdentity::parse(IDENTITY).expect("an identity");
        let text = identity.to_public().text();
        assert_eq!(text.len(), 1959);
        assert!(
            text.starts_with("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdx"),
            "{text}"
        );
        assert!(text.ends_with("0d3fzv49zc0k"), "{text}");
        assert_eq!(HybridRecipient::parse(&text).expect("a recipient").text(), text);
    }

    #[test]
    fn a_sealed_file_key_comes_back_and_only_to_its_identity() {
        let (identity, text) = HybridIdentity::generate().expect("generates");
        let (stanzas, labels) = identity.to_public().wrap_file_key(&file_key()).expect("seals");
        assert_eq!(labels, HashSet::from(["postquantum".to_owned()]));
        let [stanza] = stanzas.as_slice() else { panic!("one stanza") };
        assert_eq!((stanza.args.len(), stanza.args[0].len(), stanza.body.len()), (1, 1494, 32));
        let again = HybridIdentity::parse(&text).expect("its own text");
        let found = again.unwrap_stanza(stanza).expect("its own").expect("opens");
        assert_eq!(found.expose_secret(), file_key().expose_secret());
        let (other, _) = HybridIdentity::generate().expect("generates");
        assert!(other.unwrap_stanza(stanza).is_none());
    }

    #[test]
    fn a_malformed_stanza_is_refused_not_passed_over() {
        let (identity, _) = HybridIdentity::generate().expect("generates");
        let (stanzas, _) = identity.to_public().wrap_file_key(&file_key()).expect("seals");
        let changed = |change: &dyn Fn(&mut Stanza)| {
            let mut stanza = Stanza {
                tag: STANZA.to_owned(),
                args: stanzas[0].args.clone(),
                body: stanzas[0].body.clone(),
            };
            change(&mut stanza);
            identity.unwrap_stanza(&stanza)
        };
        for bad in [
            changed(&|stanza| stanza.args.push("more".to_owned())),
            changed(&|stanza| stanza.args.clear()),
            changed(&|stanza| stanza.args[0].push('A')),
            changed(&|stanza| stanza.body.push(0)),
            changed(&|stanza| {
                stanza.body.pop();
            }),
        ] {
            assert!(matches!(bad, Some(Err(age::DecryptError::InvalidHeader))));
        }
        // A share of low order would leave the lattice alone to protect the file.
        let low = changed(&|stanza| {
            let mut share = BASE64_NOPAD.decode(stanza.args[0].as_bytes()).expect("base64");
            share[LATTICE_CIPHERTEXT_BYTES..].fill(0);
            stanza.args[0] = BASE64_NOPAD.encode(&share);
        });
        assert!(matches!(low, Some(Err(age::DecryptError::InvalidHeader))));
        assert!(changed(&|stanza| stanza.body[0] ^= 1).is_none());
        assert!(changed(&|stanza| stanza.tag = "mlkem768p256tag".to_owned()).is_none());
    }

    #[test]
    fn keys_of_other_kinds_and_broken_ones_are_no_hybrid_keys() {
        let (identity, text) = HybridIdentity::generate().expect("generates");
        let recipient = identity.to_public().text();
        assert!(
            HybridIdentity::parse(
                "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
            )
            .is_none()
        );
        assert!(HybridIdentity::parse(&text.replacen("PQ-1", "PQ-1Q", 1)).is_none());
        assert!(
            HybridRecipient::parse("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj")
                .is_none()
        );
        assert!(HybridRecipient::parse(&recipient[..recipient.len() - 1]).is_none());
        // Numbers beyond the modulus.
        let too_large = bech32_encode(RECIPIENT_HRP, &[0xff; LATTICE_KEY_BYTES + CURVE_BYTES]);
        assert!(HybridRecipient::parse(&too_large).is_none());
    }
}
