//! What this machine does by itself: syncs a second, and what one core reads, hashes, encrypts, signs and writes.
//!
//! The references and the roofline are made of these, measured in the same run.

use crate::report::{count, mib_per_second};
use crate::time::Stopwatch;
use anyhow::{Context as _, ensure};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;

/// The size of the buffers in which everything is measured.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// Refuses a folder in memory: what is synced there is not durable, and costs nothing.
///
/// # Errors
/// If it is one.
pub(crate) fn demand_disk(folder: &Path) -> anyhow::Result<()> {
    let kind =
        crate::process::output(Command::new("stat").args(["--file-system", "--format=%T"]).arg(folder))?;
    let kind = kind.trim();
    ensure!(
        !matches!(kind, "tmpfs" | "ramfs"),
        "`{}` is a file system in memory ({kind}), where a sync costs nothing; name a folder on a disk with --directory",
        folder.display()
    );
    Ok(())
}

/// How many times a second 4 KiB are appended to a file in `folder` and made durable, one after another.
///
/// # Errors
/// As the file system says.
pub(crate) fn syncs_per_second(folder: &Path, seconds: f64) -> anyhow::Result<f64> {
    let path = folder.join("sync-rate");
    let mut file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let block = [0x5a; 4096];
    let watch = Stopwatch::start();
    let mut done = 0;
    while watch.seconds() < seconds {
        file.write_all(&block)?;
        file.sync_data()?;
        done += 1;
    }
    let rate = count(done) / watch.seconds();
    fs::remove_file(path)?;
    Ok(rate)
}

/// How many times a second `work` is done on one core.
///
/// # Errors
/// As the work's own.
pub(crate) fn rate(seconds: f64, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let watch = Stopwatch::start();
    let mut done = 0;
    while watch.seconds() < seconds {
        work()?;
        done += 1;
    }
    Ok(count(done) / watch.seconds())
}

/// Signatures a second on one core, as seals and officers make them (ECDSA P-256).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signatures {
    /// Made.
    pub(crate) signed: f64,
    /// Verified.
    pub(crate) verified: f64,
}

/// Measures them.
///
/// # Errors
/// If the library refuses.
pub(crate) fn signatures(seconds: f64) -> anyhow::Result<Signatures> {
    let failed = || anyhow::anyhow!("the cryptographic library refused");
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| failed())?;
    let (random, message) = (SystemRandom::new(), [7; 32]);
    let signed = rate(seconds, || key.sign(&random, &message).map(drop).map_err(|_| failed()))?;
    let signature = key.sign(&random, &message).map_err(|_| failed())?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref());
    let verified = rate(seconds, || public.verify(&message, signature.as_ref()).map_err(|_| failed()))?;
    Ok(Signatures { signed, verified })
}

/// What a byte costs on one thread, in seconds a MiB, in buffers of [`BUFFER_BYTES`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// Reading a file from the page cache.
    pub(crate) read: f64,
    /// SHA-256.
    pub(crate) hash: f64,
    /// ChaCha20-Poly1305.
    pub(crate) encrypt: f64,
    /// Writing a file into the page cache.
    pub(crate) write: f64,
    /// Making what was written durable: the time of the disk, not of a core.
    pub(crate) sync: f64,
}

/// Measures them with `bytes` of a file in `folder`.
///
/// # Errors
/// As the file system says.
pub(crate) fn costs(folder: &Path, bytes: u64) -> anyhow::Result<Costs> {
    let path = folder.join("costs");
    let mut buffer = vec![0x5a; BUFFER_BYTES];
    let rounds = bytes.div_ceil(BUFFER_BYTES as u64);
    let bytes = rounds * BUFFER_BYTES as u64;
    let a_mib = |seconds: f64| 1.0 / mib_per_second(bytes, seconds);

    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        file.write_all(&buffer)?;
    }
    let write = a_mib(watch.seconds());
    // Writing and syncing as one: what the disk began while we wrote counts as well.
    file.sync_data()?;
    let sync = a_mib(watch.seconds());

    let mut file = File::open(&path)?;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        file.read_exact(&mut buffer)?;
    }
    let read = a_mib(watch.seconds());
    fs::remove_file(&path)?;

    let watch = Stopwatch::start();
    for round in 0..rounds {
        // A changing first byte: nothing may be reckoned once and used again.
        if let Some(first) = buffer.first_mut() {
            *first = u8::try_from(round % 251)?;
        }
        std::hint::black_box(&digest(&SHA256, &buffer));
    }
    let hash = a_mib(watch.seconds());

    let refused = |_| anyhow::anyhow!("the cryptographic library refused");
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[1; 32]).map_err(refused)?);
    let watch = Stopwatch::start();
    for round in 0..rounds {
        let mut nonce = [0; 12];
        nonce.get_mut(..8).context("a nonce has 12 bytes")?.copy_from_slice(&round.to_le_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut buffer).map_err(refused)?;
        std::hint::black_box(&tag);
    }
    let encrypt = a_mib(watch.seconds());
    Ok(Costs { read, hash, encrypt, write, sync })
}

/// The processors this machine has.
#[must_use]
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The machine in words, for whoever compares figures of two.
#[must_use]
pub(crate) fn words() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} cores, {model}, Linux {}", cores(), kernel.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_is_refused() {
        assert!(demand_disk(Path::new("/not/there")).is_err());
        // Where the system has one; elsewhere there is nothing to refuse.
        let memory = Path::new("/dev/shm");
        let is_memory =
            fs::read_to_string("/proc/mounts").is_ok_and(|text| text.contains(" /dev/shm tmpfs "));
        if memory.is_dir() && is_memory {
            let refused = demand_disk(memory).expect_err("tmpfs");
            assert!(refused.to_string().contains("--directory"), "{refused}");
        }
    }
}
