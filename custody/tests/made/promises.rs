//! What a receipt promises, and the proof that keeps it.

use super::Files;
use crate::common::{CASE_KEY, Log, ORIGIN, log_key, quoting, salt, unsealed};
use data_encoding::BASE64;
use rogatory_core::Digest;
use rogatory_core::receipt::Receipt;
use rogatory_custody::leaf::TagKey;
use rogatory_custody::proof::{InclusionProof, OpenedEntry};
use rogatory_custody::tree::leaf_hash;

/// The proof of the entry that names `receipt`, in a log of three leaves.
fn proof(receipt: &[u8]) -> InclusionProof {
    let body = format!(
        r#"{{"case":"C-7K2M9QXR4T1VC8ZE","stream":"fr/bepi","n":1,"previous":null,"at":"2026-11-22T14:27:30Z","actor":{{"kind":"peer","party":"fr/bepi"}},"event":"document-received","message_number":1,"receipt_sha256":"{}"}}"#,
        Digest::of(receipt)
    )
    .into_bytes();
    let tag = TagKey::derive(&CASE_KEY).tag(&"fr/bepi".parse().expect("a stream"), 1);
    let entry = OpenedEntry { tag, salt: salt(0), body };
    let mut log = Log::new();
    log.append(Digest::of(b"an event of another case"));
    let index = log.append(leaf_hash(&entry.leaf()));
    log.append(Digest::of(b"another"));
    let checkpoint = log.checkpoint(ORIGIN, &log_key());
    InclusionProof { entry: Some(entry), index, hashes: log.inclusion(index), checkpoint }
}

/// What md/central-authority gave for a message of fr/bepi.
fn given() -> Receipt {
    let mut receipt = quoting("a head");
    receipt.addressee = receipt.issuer.party.clone();
    receipt.issuer.party = "md/central-authority".parse().expect("a party");
    receipt
}

pub(crate) fn promises(files: &mut Files) {
    let vkey = log_key().vkey().to_string();
    let mut add = |name: &str, about: &str, is_good: bool, receipt: &[u8], proof: &InclusionProof| {
        let payload = format!("{}\n{proof}", BASE64.encode(receipt));
        let part = if is_good { None } else { Some("") };
        let header = [("kind", "promise"), ("vkey", &*vkey)];
        files.add(&format!("promise-{name}"), about, &header, part, payload.as_bytes());
    };
    let receipt = unsealed(&given());
    let good = proof(&receipt);
    add("good", "The log holds the entry that a receipt promised.", true, &receipt, &good);
    let other = unsealed(&Receipt { case_head_sha256: None, ..given() });
    add("of-another-receipt", "The entry names another receipt.", false, &other, &good);
    let closed = InclusionProof { entry: None, ..good.clone() };
    add(
        "closed",
        "A closed proof shows no entry: the leaf hash beside the receipt does.",
        false,
        &receipt,
        &closed,
    );
    let elsewhere = unsealed(&quoting("a head"));
    let about = "The log of another institution than the one that promised.";
    add("of-another-issuer", about, false, &elsewhere, &proof(&elsewhere));
    let mut changed = good;
    changed.hashes[0] = Digest::of(b"other");
    add("hash-changed", "The entry is not in the log.", false, &receipt, &changed);
}
