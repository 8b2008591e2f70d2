//! The confirmed parties as the server uses them: entries, seals, anchors bound to countries.
//!
//! Built from the stored entries and replaced as a whole when a party is confirmed. Decides whether
//! an entry is sound; whether it is believed is decided by the person who compared its fingerprint.

use crate::institution::Institution;
use crate::problem::{Problem, Reason};
use rogatory_container::asice::{self, Asice, VerifiedAsice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::{DATA_FILE, DocumentKind};
use rogatory_core::party_entry::PartyEntry;
use rogatory_core::{CountryCode, Digest, PartyId, Timestamp, chain};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::cosignature::WitnessVkey;
use rogatory_custody::note::Vkey;
use rogatory_evidence::known::KnownInstitution;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A counterpart whose entry was confirmed.
#[derive(Clone, Debug)]
pub struct ConfirmedParty {
    /// What it says of itself.
    pub entry: PartyEntry,
    /// SHA-256 of the entry's container.
    pub fingerprint: Digest,
    /// Its published seals.
    pub known: KnownInstitution,
    /// Its custody log.
    pub log: PublishedLog,
}

/// All confirmed parties.
pub struct Directory {
    parties: BTreeMap<PartyId, Arc<ConfirmedParty>>,
    registry: Registry,
    /// The anchors of each country, with the verdicts found under them.
    by_country: BTreeMap<CountryCode, Anchors>,
}

/// The limits within which formal documents are read.
pub const DOCUMENT_LIMITS: ZipLimits =
    ZipLimits { max_entries: 64, max_name_bytes: 128, max_total_bytes: 512 * 1024 };

/// Opens a container without judging its signatures.
///
/// # Errors
/// [`Reason::MalformedContainer`] naming the part.
pub fn open_container(bytes: &[u8]) -> Result<Asice, Problem> {
    Asice::from_bytes(bytes, DOCUMENT_LIMITS).map_err(|error| {
        Problem::new(Reason::MalformedContainer, format!("the container is not sound: {}", chain(&error)))
            .with_hint("it was changed on the way, or made by another program: ask for it again")
    })
}

/// Verifies every signature of a container against `anchors`.
///
/// # Errors
/// [`Reason::BrokenSignature`] naming the part.
pub fn verify_container(
    container: &Asice,
    anchors: &Anchors,
    at: Timestamp,
) -> Result<VerifiedAsice, Problem> {
    asice::verify(container, anchors, at).map_err(|error| {
        Problem::new(Reason::BrokenSignature, format!("the container does not verify: {}", chain(&error)))
    })
}

/// Refuses a container of which a signer stands on a revocation list at `at`. An issuer without a list is not asked about:
/// which lists there are is the operator's configuration.
///
/// # Errors
/// [`Reason::BrokenSignature`] naming the certificate, or the list that has run out.
pub fn refuse_revoked(
    verified: &VerifiedAsice,
    lists: &RevocationLists,
    at: Timestamp,
) -> Result<(), Problem> {
    for signature in verified.signatures() {
        lists.check(signature.path(), at).map_err(|error| {
            let what = format!("the container does not verify: {}", chain(&error));
            Problem::new(Reason::BrokenSignature, what)
        })?;
    }
    Ok(())
}

/// A party entry whose seal verifies by the anchors that it brings itself: sound, not yet believed.
pub struct SoundEntry {
    entry: PartyEntry,
    fingerprint: Digest,
    seals: Vec<Certificate>,
    anchors: Anchors,
    log: PublishedLog,
}

/// The custody log of a party and its key as a witness, as its entry publishes them.
#[derive(Clone, Debug)]
pub struct PublishedLog {
    /// The log.
    pub origin: Origin,
    /// The key of that log.
    pub log_key: Vkey,
    /// The key with which the party cosigns the logs of others.
    pub witness: WitnessVkey,
}

impl SoundEntry {
    /// Reads an entry and checks that it is sound in itself.
    ///
    /// # Errors
    /// [`Problem`] naming what is not.
    pub fn read(bytes: &[u8], at: Timestamp) -> Result<Self, Problem> {
        let unsound = |what: String| {
            Problem::new(Reason::MalformedContainer, format!("the party entry is not sound: {what}"))
                .with_hint("ask the party to export its entry again")
        };
        let container = open_container(bytes)?;
        let data = container.file(DATA_FILE).ok_or_else(|| unsound(format!("it has no `{DATA_FILE}`")))?;
        let entry =
            PartyEntry::from_json(data).map_err(|error| unsound(format!("`{DATA_FILE}`: {error}")))?;
        let anchors = Anchors::from_pem(&entry.anchors_pem, Some(entry.party.country()))
            .map_err(|error| unsound(format!("`anchors_pem`: {}", chain(&error))))?;
        let verified = verify_container(&container, &anchors, at)?;
        let certificates = Certificate::pem_chain(&entry.seal_certificates_pem)
            .map_err(|error| unsound(format!("`seal_certificates_pem`: {}", chain(&error))))?;
        // The first is the seal; what follows leads up to the anchor.
        let seals: Vec<Certificate> = certificates.into_iter().take(1).collect();
        let sealed_by_it = verified.signatures().len()
            == DocumentKind::PartyEntry.signer_rule().officers() + 1
            && verified.signatures().iter().all(|signature| seals.contains(signature.certificate()));
        if !sealed_by_it {
            return Err(unsound("it does not carry the one seal that it names".to_owned()));
        }
        let origin: Origin =
            entry.log_origin.parse().map_err(|error| unsound(format!("`log_origin`: {}", chain(&error))))?;
        let log_key: Vkey =
            entry.log_key.parse().map_err(|error| unsound(format!("`log_key`: {}", chain(&error))))?;
        if *origin.party() != entry.party || log_key.name() != entry.log_origin {
            return Err(unsound("its log is that of another party".to_owned()));
        }
        let witness: WitnessVkey = entry
            .witness_key
            .parse()
            .map_err(|error| unsound(format!("`witness_key`: {}", chain(&error))))?;
        if *witness.name().party() != entry.party {
            return Err(unsound("its witness key is that of another party".to_owned()));
        }
        if witness.public_key() == log_key.public_key() {
            return Err(unsound("`log_key` and `witness_key` must be two keys".to_owned()));
        }
        let log = PublishedLog { origin, log_key, witness };
        Ok(Self { entry, fingerprint: Digest::of(bytes), seals, anchors, log })
    }

    /// What the party says of itself.
    #[must_use]
    pub const fn entry(&self) -> &PartyEntry {
        &self.entry
    }

    /// SHA-256 of the container.
    #[must_use]
    pub const fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }
}

impl Directory {
    /// Builds the directory from the stored entries, each of which a person confirmed.
    ///
    /// # Errors
    /// [`Problem`] if a stored entry is not sound or contradicts another.
    pub fn build(
        institution: &Institution,
        entries: impl IntoIterator<Item = SoundEntry>,
    ) -> Result<Self, Problem> {
        let mut anchors = institution.anchors().clone();
        let mut parties = BTreeMap::new();
        for sound in entries {
            // Each was checked against the others when it was confirmed; here they only come together.
            anchors.extend(&sound.anchors).map_err(|error| {
                Problem::internal("the anchors of the confirmed parties contradict", error)
            })?;
            let party = sound.entry.party.clone();
            let known = KnownInstitution::new(party.clone(), sound.seals);
            let confirmed =
                ConfirmedParty { entry: sound.entry, fingerprint: sound.fingerprint, known, log: sound.log };
            parties.insert(party, Arc::new(confirmed));
        }
        let registry = Registry::new(anchors, parties.keys().cloned())
            .map_err(|error| Problem::internal("the registry of anchors cannot be built", error))?;
        let by_country = parties
            .keys()
            .map(|party| (party.country(), registry.anchors().of_country(party.country())))
            .collect();
        Ok(Self { parties, registry, by_country })
    }

    /// The party, if it is confirmed.
    #[must_use]
    pub fn party(&self, id: &PartyId) -> Option<&Arc<ConfirmedParty>> {
        self.parties.get(id)
    }

    /// The confirmed parties.
    pub fn parties(&self) -> impl Iterator<Item = &Arc<ConfirmedParty>> {
        self.parties.values()
    }

    /// The party whose confirmed entry names this log.
    #[must_use]
    pub fn of_log(&self, origin: &Origin) -> Option<&Arc<ConfirmedParty>> {
        self.party(origin.party()).filter(|party| party.log.origin == *origin)
    }

    /// The party, or why nothing can be sent to it.
    ///
    /// # Errors
    /// [`Reason::UnknownParty`].
    pub fn confirmed(&self, id: &PartyId) -> Result<Arc<ConfirmedParty>, Problem> {
        self.party(id).cloned().ok_or_else(|| {
            Problem::new(Reason::UnknownParty, format!("{id} is not a confirmed party"))
                .with_hint("an operator imports its entry with `rogatory party import`")
        })
    }

    /// The anchors and parties against which callers are admitted.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The anchors of the country of `party`; none if no party of it is confirmed.
    #[must_use]
    pub fn anchors_of(&self, party: &PartyId) -> Anchors {
        self.by_country.get(&party.country()).cloned().unwrap_or_default()
    }
}

/// Checks the anchors of a new entry against those known of its country, from this institution and
/// the other confirmed parties.
///
/// A country that is known keeps its anchors: otherwise whoever gets an entry confirmed for a small
/// institution could vouch for that country's central authority.
///
/// # Errors
/// [`Reason::Conflict`] if it brings another.
pub fn check_anchors(
    institution: &Institution,
    others: &[SoundEntry],
    new: &SoundEntry,
) -> Result<(), Problem> {
    let country = new.entry.party.country();
    let own = institution.anchors().of_country(country);
    let of_others = others.iter().filter(|other| other.entry.party.country() == country);
    let known: Vec<&Certificate> = own
        .iter()
        .chain(of_others.flat_map(|other| other.anchors.iter()))
        .map(rogatory_pki::path::Anchor::certificate)
        .collect();
    if known.is_empty() || new.anchors.iter().all(|anchor| known.contains(&anchor.certificate())) {
        return Ok(());
    }
    let party = &new.entry.party;
    let what = format!("the entry of {party} brings another anchor than the one known for {country}");
    Err(Problem::new(Reason::Conflict, what)
        .with_hint("settle with that State's central authority which anchor is its own before importing"))
}
