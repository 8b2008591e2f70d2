//! Tests of the age layer: what is sealed comes back, the age library reads it, and nothing else is given.

use super::*;
use std::io::{self, BufRead as _, Read};

/// What is sealed and opened on so many threads.
const THREADS: [usize; 3] = [1, 2, 5];
/// Lengths around the borders of chunks and blocks (four chunks), and of the ring (sixteen blocks).
const LENGTHS: [usize; 16] = [
    0, 1, 15, 16, 65_535, 65_536, 65_537, 131_072, 196_608, 262_143, 262_144, 262_145, 524_288, 4_194_304,
    4_456_448, 4_456_449,
];

pub(super) fn plaintext(length: usize) -> Vec<u8> {
    let byte = |index: usize| u8::try_from(index.wrapping_mul(2_654_435_761) >> 7 & 0xff).unwrap_or(0);
    (0..length).map(byte).collect()
}

fn identity() -> (Identities, AgeRecipient) {
    let (file, recipient) = generate_identity();
    (Identities::parse(&[&file]).expect("an identity"), recipient)
}

fn seal(recipient: &AgeRecipient, plain: &[u8], threads: usize) -> Vec<u8> {
    let recipients = [recipient.clone()];
    let mut sealing = Sealing::new(&recipients, plain.len() as u64, plain, threads).expect("seals");
    let size = sealing.size_bytes();
    let mut sealed = Vec::new();
    sealing.read_to_end(&mut sealed).expect("seals");
    assert_eq!(sealed.len() as u64, size);
    let sums = sealing.finish().expect("sums");
    assert_eq!(sums.plain, sum(plain));
    assert_eq!(sums.sealed, sum(&sealed));
    sealed
}

fn sum(bytes: &[u8]) -> Sum {
    Sum { sha256: rogatory_core::Digest::of(bytes), size_bytes: bytes.len() as u64 }
}

fn open<R: Read>(reader: R, identities: &Identities, threads: usize) -> Result<Opening<R>, AgeError> {
    Opening::new(reader, identities, 0, threads).map_err(|locked| locked.finish().expect("read").0)
}

/// Gives a few bytes at a time, as a pipe does.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 7 % 9_973 + 1;
        let count = self.0.len().min(buffer.len()).min(self.1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn every_length_around_a_chunk_and_a_block_comes_back_with_its_digests() {
    let (identities, recipient) = identity();
    for length in LENGTHS {
        let plain = plaintext(length);
        for threads in THREADS {
            let sealed = seal(&recipient, &plain, threads);
            let mut opening = open(Dribble(&sealed, 1), &identities, threads).expect("opens");
            let mut opened = Vec::new();
            opening.read_to_end(&mut opened).expect("opens");
            assert!(opened == plain, "{length} bytes on {threads} threads");
            let sums = opening.finish().expect("sums");
            assert_eq!((sums.plain, sums.sealed), (sum(&plain), sum(&sealed)), "{length}");
        }
    }
}

#[test]
fn the_age_library_reads_ours_and_we_read_its() {
    let (file, recipient) = generate_identity();
    let key: age::x25519::Identity = file.lines().nth(1).expect("a key").parse().expect("a key");
    let identities = Identities::parse(&[&file]).expect("an identity");
    for length in LENGTHS {
        let plain = plaintext(length);
        let sealed = seal(&recipient, &plain, 2);
        let decryptor = age::Decryptor::new_buffered(sealed.as_slice()).expect("a header");
        let mut reader = decryptor.decrypt([&key as &dyn age::Identity].into_iter()).expect("a key");
        let mut opened = Vec::new();
        reader.read_to_end(&mut opened).expect("opens");
        assert!(opened == plain, "{length} bytes by the library");

        let public = key.to_public();
        let encryptor = age::Encryptor::with_recipients([&public as &dyn age::Recipient].into_iter());
        let mut theirs = Vec::new();
        let mut writer = encryptor.expect("a recipient").wrap_output(&mut theirs).expect("a header");
        io::Write::write_all(&mut writer, &plain).expect("seals");
        writer.finish().expect("ends");
        opened.clear();
        open(theirs.as_slice(), &identities, 2).expect("opens").read_to_end(&mut opened).expect("opens");
        assert!(opened == plain, "{length} bytes of the library");
    }
}

#[test]
fn nothing_behind_a_changed_chunk_is_given_and_the_whole_file_is_still_hashed() {
    let (identities, recipient) = identity();
    let plain = plaintext(1_500_000);
    let sealed = seal(&recipient, &plain, 2);
    let payload = sealed.len() - 1_500_000 - 23 * 16;
    for chunk in [0, 1, 3, 4, 9, 22] {
        let mut changed = sealed.clone();
        changed[payload + chunk * 65_552 + 5] ^= 1;
        for threads in THREADS {
            let mut opening = open(changed.as_slice(), &identities, threads).expect("opens");
            let mut opened = Vec::new();
            let error = opening.read_to_end(&mut opened).expect_err("it was changed");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(opened == plain[..chunk * 65_536], "chunk {chunk} on {threads} threads");
            assert!(opening.fill_buf().expect("no more").is_empty());
            let sums = opening.finish().expect("sums");
            assert_eq!(sums.sealed, sum(&changed));
            assert_ne!(sums.plain, sum(&plain));
        }
    }
}

#[test]
fn what_is_cut_off_or_lengthened_is_refused() {
    let (identities, recipient) = identity();
    for length in [0, 65_536, 262_144, 300_000] {
        let sealed = seal(&recipient, &plaintext(length), 2);
        let payload = sealed.len() - length - length.div_ceil(65_536).max(1) * 16;
        let mut others: Vec<Vec<u8>> = [payload, payload + 1, sealed.len() - 1, sealed.len() - 16]
            .into_iter()
            .map(|end| sealed[..end].to_vec())
            .collect();
        others.push([sealed.as_slice(), b"x"].concat());
        others.push([sealed.as_slice(), &[0; 16]].concat());
        for other in others {
            let mut opening = open(other.as_slice(), &identities, 2).expect("opens");
            let error = io::copy(&mut opening, &mut io::sink()).expect_err("another length");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(opening.finish().expect("sums").sealed, sum(&other));
        }
    }
}

/// Fails, or panics, after so many bytes.
struct Breaking {
    left: usize,
    panics: bool,
}

impl Read for Breaking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.left.min(buffer.len());
        self.left -= count;
        if count == 0 {
            assert!(!self.panics, "the source panics");
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the source fails"));
        }
        Ok(count)
    }
}

#[test]
fn a_source_that_fails_is_told_once_and_no_thread_stays() {
    let (_, recipient) = identity();
    for threads in THREADS {
        for left in [0, 65_536, 700_000, 6_000_000] {
            let source = Breaking { left, panics: false };
            let mut sealing =
                Sealing::new(std::slice::from_ref(&recipient), 10_000_000, source, threads).expect("seals");
            let error = io::copy(&mut sealing, &mut io::sink()).expect_err("it fails");
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert!(sealing.fill_buf().expect("no more").is_empty());
            assert!(sealing.finish().is_err(), "a digest of what was not read");
        }
        let source = Breaking { left: 6_000_000, panics: true };
        let mut sealing =
            Sealing::new(std::slice::from_ref(&recipient), 10_000_000, source, threads).expect("seals");
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            io::copy(&mut sealing, &mut io::sink()).map(|_| ())
        }));
        assert!(caught.is_err());
        drop(sealing);
    }
}

#[test]
fn who_stops_taking_ends_the_threads() {
    let (_, recipient) = identity();
    let mut sealing = Sealing::new(&[recipient], u64::MAX / 2, io::repeat(7), 5).expect("seals");
    let mut some = vec![0; 3_000_000];
    sealing.read_exact(&mut some).expect("seals");
    // Joins its threads; a thread that stayed would hang the test.
    drop(sealing);
}

#[test]
fn a_hybrid_file_comes_back_even_among_a_hundred_recipients() {
    let (file, own) = generate_hybrid_identity().expect("generates");
    let identities = Identities::parse(&[&file]).expect("an identity");
    assert_eq!(identities.recipients(), std::slice::from_ref(&own));
    let mut recipients: Vec<AgeRecipient> =
        (1..MAX_RECIPIENTS).map(|_| generate_hybrid_identity().expect("generates").1).collect();
    recipients.push(own);
    let mut sealed = Vec::new();
    let mut sealing = Sealing::new(&recipients, 3, &b"abc"[..], 1).expect("seals");
    sealing.read_to_end(&mut sealed).expect("seals");
    let mut opened = Vec::new();
    open(sealed.as_slice(), &identities, 1).expect("opens").read_to_end(&mut opened).expect("opens");
    assert_eq!(opened, b"abc");
    assert_eq!(encryption(&mut sealed.as_slice()).expect("reads").0, Encryption::Mlkem768X25519);
}

#[test]
fn keys_of_both_kinds_may_stand_in_one_identity_file_but_not_over_one_file() {
    let ((classical, one), (hybrid, other)) =
        (generate_identity(), generate_hybrid_identity().expect("generates"));
    let both = format!("# desk\n{}\n{}", *classical, *hybrid);
    let identities = Identities::parse(&[&both]).expect("identities");
    let recipients = [one, other];
    assert_eq!(identities.recipients(), recipients);
    assert!(matches!(Sealing::new(&recipients, 3, &b"abc"[..], 1), Err(AgeError::Mixed)));
    for recipient in recipients {
        let kind = recipient.encryption();
        assert_eq!(recipient.to_string().parse::<AgeRecipient>().expect("a recipient"), recipient);
        let mut sealed = Vec::new();
        let mut sealing = Sealing::new(&[recipient], 3, &b"abc"[..], 1).expect("seals");
        sealing.read_to_end(&mut sealed).expect("seals");
        assert_eq!(encryption(&mut sealed.as_slice()).expect("reads").0, kind);
        let mut opened = Vec::new();
        open(sealed.as_slice(), &identities, 1).expect("opens").read_to_end(&mut opened).expect("opens");
        assert_eq!(opened, b"abc");
    }
}

#[test]
fn somebody_else_cannot_open() {
    let (_, recipient) = identity();
    let (other, _) = identity();
    let sealed = seal(&recipient, b"abc", 1);
    assert!(matches!(open(sealed.as_slice(), &other, 1), Err(AgeError::NotARecipient)));
    let Err(locked) = Opening::new(sealed.as_slice(), &other, 0, 1) else { panic!("opened") };
    assert_eq!(locked.finish().expect("read").1, sum(&sealed));
}

#[test]
fn headers_without_end_are_refused() {
    let endless = "age-encryption.org/v1\n-> a\n\n".to_owned() + &"-> a\n\n".repeat(100_000);
    let (identities, _) = identity();
    assert!(matches!(open(endless.as_bytes(), &identities, 1), Err(AgeError::Header(_))));
    assert!(matches!(open(&b"hello"[..], &identities, 1), Err(AgeError::Header(_))));
}

#[test]
fn an_identity_file_with_other_lines_is_refused() {
    assert!(matches!(Identities::parse(&["# only a comment\n"]), Err(AgeError::NoIdentity)));
    assert!(matches!(Identities::parse(&["# c\nhello\n"]), Err(AgeError::Identity { line: 2 })));
}

/// The file key, the payload's salt and the payload of an age file.
fn parts<'a>(sealed: &'a [u8], identities: &Identities) -> ([u8; 16], [u8; 16], &'a [u8]) {
    use age_core::secrecy::ExposeSecret as _;
    let mut rest = sealed;
    let key = *header::read(&mut rest, identities).expect("a header").expose_secret();
    let (salt, payload) = rest.split_at_checked(16).expect("a salt");
    (key, salt.try_into().expect("16 bytes"), payload)
}

#[test]
fn the_nonces_of_a_file_are_a_counter_without_gaps() {
    use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
    let (identities, recipient) = identity();
    for length in [0, 65_536, 262_145, 5_000_000] {
        let plain = plaintext(length);
        let sealed = seal(&recipient, &plain, 3);
        let (file_key, salt, payload) = parts(&sealed, &identities);
        let file_key = age_core::format::FileKey::init_with_mut(|key| key.copy_from_slice(&file_key));
        let key = header::derive(&file_key, &salt, b"payload").expect("a key");
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).expect("a key"));
        let mut opened = Vec::new();
        let chunks: Vec<&[u8]> = payload.chunks(65_552).collect();
        for (number, chunk) in (0_u64..).zip(&chunks) {
            let mut nonce = [0; 12];
            nonce[3..11].copy_from_slice(&number.to_be_bytes());
            nonce[11] = u8::from(number + 1 == chunks.len() as u64);
            let mut chunk = chunk.to_vec();
            let nonce = Nonce::assume_unique_for_key(nonce);
            opened.extend_from_slice(key.open_in_place(nonce, Aad::empty(), &mut chunk).expect("this nonce"));
        }
        assert!(opened == plain, "{length} bytes");
    }
}

#[test]
fn a_seal_begun_anew_has_another_key_and_another_salt() {
    let (identities, recipient) = identity();
    let plain = plaintext(3_000_000);
    let (mut keys, mut salts) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    let mut first_chunks = std::collections::BTreeSet::new();
    for stops_after in [300_000, 1_000_000, usize::MAX, usize::MAX] {
        let recipients = [recipient.clone()];
        let mut sealing = Sealing::new(&recipients, plain.len() as u64, plain.as_slice(), 2).expect("seals");
        let mut sealed = Vec::new();
        sealing.by_ref().take(stops_after as u64).read_to_end(&mut sealed).expect("seals");
        let (key, salt, payload) = parts(&sealed, &identities);
        keys.insert(key);
        salts.insert(salt);
        first_chunks.insert(payload[..65_552].to_vec());
    }
    assert_eq!((keys.len(), salts.len(), first_chunks.len()), (4, 4, 4));
}
