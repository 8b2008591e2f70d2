//! What `--trust` names: anchors in PEM, or party entries, whose anchors and log keys then count.
//!
//! May read the files named and verify entries. Never takes an anchor from what is being checked.

use crate::containers;
use crate::files::{self, CONTAINER_LIMIT_BYTES};
use crate::problem::Problem;
use rogatory_core::party_entry::PartyEntry;
use rogatory_core::{Digest, PartyId, Timestamp};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::cosignature::WitnessVkey;
use rogatory_custody::note::Vkey;
use rogatory_evidence::KnownInstitution;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::Anchors;
use std::path::{Path, PathBuf};

/// A party entry whose own seal fits: authentic if its fingerprint is the one its party told.
#[derive(Clone, Debug)]
pub struct SealedEntry {
    /// What the party says of itself.
    pub entry: PartyEntry,
    /// SHA-256 of the container, which people compare.
    pub fingerprint: Digest,
    /// The anchors of the party's country.
    pub anchors: Anchors,
    /// The certificate of its seal.
    pub seal: Certificate,
    /// The key of its custody log, which speaks for this party's log alone.
    pub log_key: Vkey,
    /// The key with which the party cosigns the logs of others.
    pub witness: WitnessVkey,
}

impl SealedEntry {
    /// Reads an entry and checks that it is sealed by the seal and under the anchors it publishes.
    ///
    /// That alone shows only that nobody changed it; who stands behind it is shown by the
    /// fingerprint, or by the office's server, which keeps confirmed entries.
    ///
    /// # Errors
    /// Unverified, naming what does not fit.
    pub fn read(container: &[u8], at: Timestamp, what: &str) -> Result<Self, Problem> {
        let asice = containers::open(container, what)?;
        let entry = PartyEntry::from_json(containers::data(&asice, what)?)
            .map_err(|error| Problem::unverified(format!("{what} is not a party entry")).because(&error))?;
        let bad = |field| Problem::unverified(format!("{what}: its `{field}` cannot be read"));
        let anchors = Anchors::from_pem(&entry.anchors_pem, Some(entry.party.country()))
            .map_err(|error| bad("anchors_pem").because(&error))?;
        let seal = Certificate::pem_chain(&entry.seal_certificates_pem)
            .map_err(|error| bad("seal_certificates_pem").because(&error))?
            .into_iter()
            .next()
            .ok_or_else(|| bad("seal_certificates_pem"))?;
        let log_key = log_key(&entry).map_err(|why| Problem::unverified(format!("{what}: {why}")))?;
        let witness: WitnessVkey =
            entry.witness_key.parse().map_err(|error| bad("witness_key").because(&error))?;
        if *witness.name().party() != entry.party || witness.public_key() == log_key.public_key() {
            return Err(Problem::unverified(format!(
                "{what}: its `witness_key` is another party's, or its log's"
            )));
        }
        let sealed = Self { entry, fingerprint: Digest::of(container), anchors, seal, log_key, witness };
        let verified = containers::verify(&asice, &sealed.anchors, at, what)?;
        sealed.is_sole_signer(&verified, what)?;
        Ok(sealed)
    }

    /// The party with the seal that it published.
    #[must_use]
    pub fn institution(&self) -> KnownInstitution {
        KnownInstitution::new(self.entry.party.clone(), vec![self.seal.clone()])
    }

    /// Checks that a verified container carries this party's seal and no other signature.
    ///
    /// # Errors
    /// Unverified, if somebody else signed it.
    pub fn is_sole_signer(
        &self,
        verified: &rogatory_container::asice::VerifiedAsice,
        what: &str,
    ) -> Result<(), Problem> {
        match verified.signatures() {
            [only] if only.certificate().digest() == self.seal.digest() => Ok(()),
            _ => Err(Problem::unverified(format!("{what} is not sealed by {} alone", self.entry.party))),
        }
    }
}

/// The log key of an entry: named as the log, and the log that of the entry's party. Otherwise one
/// party could publish a key under another's name.
fn log_key(entry: &PartyEntry) -> Result<Vkey, String> {
    let bad = |field: &str, error: &dyn std::error::Error| {
        format!("its `{field}` cannot be read: {}", rogatory_core::chain(error))
    };
    let origin: Origin = entry.log_origin.parse().map_err(|error| bad("log_origin", &error))?;
    let key: Vkey = entry.log_key.parse().map_err(|error| bad("log_key", &error))?;
    if *origin.party() != entry.party {
        return Err(format!("its log `{origin}` is another party's than {}", entry.party));
    }
    if key.name() != entry.log_origin {
        return Err(format!(
            "its log key is named `{}`, not as its log `{origin}`",
            crate::problem::clean(key.name())
        ));
    }
    Ok(key)
}

/// What the person at the keyboard has decided to trust.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// All anchors named.
    pub anchors: Anchors,
    /// The party entries named.
    pub entries: Vec<SealedEntry>,
}

impl Trust {
    /// Reads every file named with `--trust`.
    ///
    /// # Errors
    /// A usage problem for a file that cannot be read; unverified for an entry that does not verify.
    pub fn load(files: &[PathBuf], at: Timestamp) -> Result<Self, Problem> {
        let mut trust = Self::default();
        for file in files {
            trust.add_file(file, at)?;
        }
        Ok(trust)
    }

    /// Adds the anchors of a PEM text, or a party entry.
    ///
    /// # Errors
    /// As [`Trust::load`].
    pub fn add(&mut self, bytes: Vec<u8>, at: Timestamp, what: &str) -> Result<(), Problem> {
        let anchors = if bytes.starts_with(b"PK") {
            let entry = SealedEntry::read(&bytes, at, what)?;
            let anchors = entry.anchors.clone();
            self.entries.push(entry);
            anchors
        } else {
            let text = String::from_utf8(bytes)
                .map_err(|_| Problem::usage(format!("{what} is neither PEM nor a party entry")))?;
            Anchors::from_pem(&text, None)
                .map_err(|error| Problem::usage(format!("{what} cannot be used")).because(&error))?
        };
        self.anchors
            .extend(&anchors)
            .map_err(|error| Problem::usage(format!("{what} contradicts another --trust")).because(&error))
    }

    fn add_file(&mut self, file: &Path, at: Timestamp) -> Result<(), Problem> {
        let bytes = files::read(file, CONTAINER_LIMIT_BYTES, "the file of --trust")?;
        self.add(bytes, at, &format!("`{}`", file.display()))
    }

    /// The institutions named by their entries, with their seals.
    #[must_use]
    pub fn institutions(&self) -> Vec<KnownInstitution> {
        self.entries.iter().map(SealedEntry::institution).collect()
    }

    /// The witness keys that `party` published, and no other party's.
    #[must_use]
    pub fn witness_keys_of(&self, party: &PartyId) -> Vec<WitnessVkey> {
        let of_party = self.entries.iter().filter(|sealed| sealed.entry.party == *party);
        of_party.map(|sealed| sealed.witness.clone()).collect()
    }

    /// The witness keys of all entries, each with the party that published it.
    #[must_use]
    pub fn witness_keys(&self) -> Vec<(PartyId, WitnessVkey)> {
        let key = |sealed: &SealedEntry| (sealed.entry.party.clone(), sealed.witness.clone());
        self.entries.iter().map(key).collect()
    }

    /// The log keys of all entries, each with the party that published it.
    #[must_use]
    pub fn log_keys(&self) -> Vec<(PartyId, Vkey)> {
        let key = |sealed: &SealedEntry| (sealed.entry.party.clone(), sealed.log_key.clone());
        self.entries.iter().map(key).collect()
    }

    /// The log keys that `party` published, and no other party's.
    #[must_use]
    pub fn log_keys_of(&self, party: &PartyId) -> Vec<Vkey> {
        let of_party = self.entries.iter().filter(|sealed| sealed.entry.party == *party);
        of_party.map(|sealed| sealed.log_key.clone()).collect()
    }
}
