//! What is remembered of an object that is still arriving: how much is durable, and the digest's state there.
//!
//! One small file. It says of which object it speaks and carries a checksum over itself, so that a torn or
//! foreign one is not believed. It is no secret and no proof: whoever can write it can write the object's
//! bytes too, and the digest of the whole object decides in the end.

use super::Awaited;
use rogatory_core::Digest;
use sha2::Sha256;
use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};

/// Stands where the digest does of an object whose digest is not known yet.
const UNKNOWN: [u8; DIGEST_BYTES] = [0; DIGEST_BYTES];
/// The first line; another form would get another number.
const FORM: &[u8] = b"rogatory resume state 1\n";
const NUMBER_BYTES: usize = size_of::<u64>();
const DIGEST_BYTES: usize = 32;

/// How far an object is durable.
pub(super) struct Saved {
    /// So many bytes of it.
    pub(super) committed: u64,
    /// The digest after them.
    pub(super) hash: Sha256,
}

/// The state after `committed` bytes of `object`, as a file.
pub(super) fn write(object: &Awaited, committed: u64, hash: &Sha256) -> Vec<u8> {
    let mut bytes = FORM.to_vec();
    bytes.extend_from_slice(object.sha256.as_ref().map_or(&UNKNOWN, |known| known.as_bytes()));
    bytes.extend_from_slice(&object.size_bytes.to_be_bytes());
    bytes.extend_from_slice(&committed.to_be_bytes());
    bytes.extend_from_slice(hash.serialize().as_slice());
    let checksum = Digest::of(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

/// Reads a state of `object`; nothing if it is torn, or speaks of another, or of more than there is to come.
pub(super) fn read(object: &Awaited, bytes: &[u8]) -> Option<Saved> {
    let (said, checksum) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
    if Digest::of(said).as_bytes() != checksum {
        return None;
    }
    let said = said.strip_prefix(FORM)?;
    let (sha256, said) = said.split_first_chunk::<DIGEST_BYTES>()?;
    let (size_bytes, said) = said.split_first_chunk::<NUMBER_BYTES>()?;
    let (committed, state) = said.split_first_chunk::<NUMBER_BYTES>()?;
    let committed = u64::from_be_bytes(*committed);
    // What came before the digest was known is believed of it: the digest of the whole decides.
    let of_it = *sha256 == UNKNOWN || object.sha256.is_some_and(|known| known.as_bytes() == sha256);
    let fits = of_it && u64::from_be_bytes(*size_bytes) == object.size_bytes && committed < object.size_bytes;
    if !fits {
        return None;
    }
    let state = SerializedState::<Sha256>::try_from(state).ok()?;
    Some(Saved { committed, hash: Sha256::deserialize(&state).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest as _;

    fn object() -> Awaited {
        let sha256 = Some(Digest::of(&[7; 300]));
        Awaited { name: "data/EX-0001.age".to_owned(), size_bytes: 300, sha256 }
    }

    fn state() -> Vec<u8> {
        write(&object(), 77, &Sha256::new_with_prefix([7; 77]))
    }

    #[test]
    fn a_digest_goes_on_from_its_saved_state() {
        let saved = read(&object(), &state()).expect("a sound state");
        assert_eq!(saved.committed, 77);
        let whole = saved.hash.chain_update([7; 223]).finalize();
        assert_eq!(Some(Digest::from_bytes(whole.into())), object().sha256);
    }

    #[test]
    fn a_torn_or_changed_state_is_not_believed() {
        let whole = state();
        for end in 0..whole.len() {
            assert!(read(&object(), &whole[..end]).is_none(), "cut at {end}");
            let mut changed = whole.clone();
            changed[end] ^= 1;
            assert!(read(&object(), &changed).is_none(), "changed at {end}");
        }
        assert!(read(&object(), &[whole, vec![0]].concat()).is_none(), "one byte more");
    }

    #[test]
    fn a_state_from_before_the_digest_was_known_is_believed_of_it_and_not_the_other_way_round() {
        let unknown = Awaited { sha256: None, ..object() };
        let early = write(&unknown, 77, &Sha256::new_with_prefix([7; 77]));
        assert_eq!(read(&unknown, &early).map(|saved| saved.committed), Some(77));
        assert_eq!(read(&object(), &early).map(|saved| saved.committed), Some(77));
        assert!(read(&unknown, &state()).is_none(), "it may be of an object sealed otherwise");
    }

    #[test]
    fn a_state_of_another_object_or_of_all_its_bytes_is_not_believed() {
        let other = Awaited { sha256: Some(Digest::of(b"another")), ..object() };
        assert!(read(&other, &state()).is_none());
        let longer = Awaited { size_bytes: 301, ..object() };
        assert!(read(&longer, &state()).is_none());
        let done = write(&object(), 300, &Sha256::new_with_prefix([7; 300]));
        assert!(read(&object(), &done).is_none(), "what is whole has its final name");
    }
}
