//! This institution as the server runs it: its keys, its officers, its own party entry.
//!
//! Loads what the configuration names and checks that the pieces belong together. Signs; never sends.

use crate::config::{ConfigError, ServerConfig};
use crate::stamping::TimeStamping;
use rogatory_container::asice::{self, AsiceError};
use rogatory_core::document::{Competence, Document, DocumentKind};
use rogatory_core::document::{DATA_FILE, DOCUMENT_LIMIT_BYTES, FORMAT, NamedParty, PROFILE};
use rogatory_core::party_entry::{CompetenceEntry, Limits, PartyEntry, PublishedRecipient};
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, OfficerId, PartyId, Role, Timestamp};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::note::LogKey;
use rogatory_pki::certificate::Certificate;
use rogatory_pki::identity::Identity;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::signing::{FileSigner, Signer};
use rogatory_pki::tls::TlsIdentity;
use std::path::{Path, PathBuf};

/// The media type of the data in containers.
pub const JSON: &str = "application/json";

/// An officer of this institution.
#[derive(Clone, Debug)]
pub struct Officer {
    /// Who.
    pub id: OfficerId,
    /// The name in words.
    pub name: String,
    /// The roles.
    pub roles: Vec<Role>,
    /// The certificate with which she signs.
    pub signing_certificate: Certificate,
    /// Her age recipients, one of each kind that she has.
    pub recipients: Vec<String>,
}

/// This institution.
pub struct Institution {
    config: ServerConfig,
    tls: TlsIdentity,
    tls_pem: String,
    anchors: Anchors,
    anchors_pem: String,
    seal: FileSigner,
    seal_pem: String,
    log_key: LogKey,
    log_origin: Origin,
    witness_key: WitnessKey,
    officers: Vec<Officer>,
    entry: Option<Vec<u8>>,
    time_stamping: Option<TimeStamping>,
    folder: PathBuf,
}

/// The name of the file that holds the own party entry, in the server's folder.
pub const ENTRY_FILE: &str = "party-entry.asice";

fn wrong(section: &'static str, what: String) -> ConfigError {
    ConfigError::Section { section, what }
}

/// Reads a file the configuration names.
fn read(folder: &Path, file: &Path) -> Result<String, ConfigError> {
    let path = folder.join(file);
    std::fs::read_to_string(&path).map_err(|source| ConfigError::Read { path, source })
}

impl Institution {
    /// Loads the keys and certificates that `config` names, relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file or section that does not fit.
    pub fn load(folder: &Path, config: ServerConfig) -> Result<Self, ConfigError> {
        let keys = &config.keys;
        let party = &config.institution.party;
        let explain = |what: &str, error: &dyn std::error::Error| {
            wrong("keys", format!("`{what}`: {}", rogatory_core::chain(error)))
        };
        let tls_pem = read(folder, &keys.tls_certificate)?;
        let tls = TlsIdentity::from_pem(&read(folder, &keys.tls_key)?, &tls_pem)
            .map_err(|error| explain("tls_certificate", &error))?;
        if *tls.identity() != Identity::Institution(party.clone()) {
            let found = tls.identity().uri();
            return Err(wrong(
                "keys",
                format!("`tls_certificate` is that of {found}, not of {}", party.uri()),
            ));
        }
        let anchors_pem = read(folder, &keys.anchors)?;
        let anchors = Anchors::from_pem(&anchors_pem, Some(party.country()))
            .map_err(|error| explain("anchors", &error))?;
        let seal_pem = read(folder, &keys.seal_certificate)?;
        let seal = FileSigner::from_pem(&read(folder, &keys.seal_key)?, &seal_pem)
            .map_err(|error| explain("seal_certificate", &error))?;
        let seal_chain =
            Certificate::pem_chain(&seal_pem).map_err(|error| explain("seal_certificate", &error))?;
        let origin = config.institution.log_origin()?;
        let log_key = LogKey::from_pem(&origin.to_string(), &read(folder, &keys.log_key)?)
            .map_err(|error| explain("log_key", &error))?;
        let witness_pem = read(folder, &keys.witness_key)?;
        let witness_key = WitnessName::new(&config.institution.domain, party)
            .and_then(|name| WitnessKey::from_pem(name, &witness_pem))
            .map_err(|error| explain("witness_key", &error))?;
        if log_key.vkey().public_key() == witness_key.vkey().public_key() {
            return Err(wrong("keys", "`log_key` and `witness_key` must be two keys".to_owned()));
        }
        let mut officers: Vec<Officer> = Vec::with_capacity(config.officers.len());
        for entry in &config.officers {
            let id = OfficerId::new(party.clone(), &entry.id)
                .map_err(|error| wrong("officer", error.to_string()))?;
            let chain = Certificate::pem_chain(&read(folder, &entry.signing_certificate)?)
                .map_err(|error| wrong("officer", format!("`{}`: {error}", entry.id)))?;
            let signing_certificate = chain.into_iter().next().ok_or_else(|| {
                wrong("officer", format!("`{}` has an empty signing certificate", entry.id))
            })?;
            let is_taken =
                |other: &Officer| other.signing_certificate.spki_der() == signing_certificate.spki_der();
            if officers.iter().any(is_taken) || seal_chain.contains(&signing_certificate) {
                let what = format!("`{}` signs with the key of another officer or of the seal", entry.id);
                return Err(wrong("officer", what));
            }
            officers.push(Officer {
                id,
                name: entry.name.clone(),
                roles: entry.roles.clone(),
                signing_certificate,
                recipients: [&entry.recipient, &entry.recipient_hybrid]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
            });
        }
        let entry = std::fs::read(folder.join(ENTRY_FILE)).ok();
        let time_stamping =
            config.time_stamps.as_ref().map(|section| TimeStamping::load(folder, section)).transpose()?;
        Ok(Self {
            tls,
            tls_pem,
            anchors,
            anchors_pem,
            seal,
            seal_pem,
            log_key,
            log_origin: origin,
            witness_key,
            officers,
            entry,
            time_stamping,
            folder: folder.to_owned(),
            config,
        })
    }

    /// The own party entry as it was sealed: the same bytes, so the same fingerprint, at every export.
    ///
    /// # Errors
    /// [`ConfigError`] if none was sealed, or the configuration says something else by now.
    pub fn own_entry(&self) -> Result<Vec<u8>, ConfigError> {
        let stale = |what: &str| {
            let advice = "run `rogatory-server entry` and have counterparts import it";
            wrong("institution", format!("the party entry `{ENTRY_FILE}` {what}; {advice}"))
        };
        let bytes = self.entry.as_ref().ok_or_else(|| stale("is missing"))?;
        let entry = self.read_entry(bytes).ok_or_else(|| stale("cannot be read"))?;
        if self.entry(entry.issued_time, entry.version) == entry {
            Ok(bytes.clone())
        } else {
            Err(stale("differs from the configuration"))
        }
    }

    fn read_entry(&self, bytes: &[u8]) -> Option<PartyEntry> {
        let container = crate::directory::open_container(bytes).ok()?;
        PartyEntry::from_json(container.file(DATA_FILE)?).ok()
    }

    /// The revocation lists that the configuration names, as their files are now.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file that cannot be read or is no list.
    pub fn revocation_lists(&self) -> Result<RevocationLists, ConfigError> {
        let mut lists = RevocationLists::none();
        for file in &self.config.keys.revocation_lists {
            let path = self.folder.join(file);
            let bytes =
                std::fs::read(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            lists.add(&bytes).map_err(|error| {
                wrong(
                    "keys",
                    format!("`revocation_lists`: {}: {}", path.display(), rogatory_core::chain(&error)),
                )
            })?;
        }
        Ok(lists)
    }

    /// The time-stamping authorities; none if none is configured.
    #[must_use]
    pub const fn time_stamping(&self) -> Option<&TimeStamping> {
        self.time_stamping.as_ref()
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Its id.
    #[must_use]
    pub const fn party(&self) -> &PartyId {
        &self.config.institution.party
    }

    /// Its id and name, as documents name it.
    #[must_use]
    pub fn named(&self) -> NamedParty {
        NamedParty { party: self.party().clone(), name: self.config.institution.name.clone() }
    }

    /// Its TLS identity.
    #[must_use]
    pub const fn tls(&self) -> &TlsIdentity {
        &self.tls
    }

    /// The anchors of its own country.
    #[must_use]
    pub const fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Its seal.
    #[must_use]
    pub const fn seal(&self) -> &FileSigner {
        &self.seal
    }

    /// The key of its custody log.
    #[must_use]
    pub const fn log_key(&self) -> &LogKey {
        &self.log_key
    }

    /// The origin line of its custody log.
    #[must_use]
    pub const fn log_origin(&self) -> &Origin {
        &self.log_origin
    }

    /// The key with which it cosigns the logs of others.
    #[must_use]
    pub const fn witness_key(&self) -> &WitnessKey {
        &self.witness_key
    }

    /// The largest package that it takes from another institution, if its disk is not the only limit.
    #[must_use]
    pub const fn package_bytes(&self) -> Option<u64> {
        self.config.storage.package_bytes
    }

    /// Whether it may do `act`.
    #[must_use]
    pub fn is_competent(&self, act: Competence) -> bool {
        self.config.institution.competences.contains(&act)
    }

    /// Who works here.
    #[must_use]
    pub fn officers(&self) -> &[Officer] {
        &self.officers
    }

    /// What decides who this institution is and what it may do, by kind, as bytes that change when it does.
    #[must_use]
    pub fn configured_parts(&self) -> Vec<(&'static str, Vec<u8>)> {
        let (institution, keys) = (&self.config.institution, &self.config.keys);
        let recovery = [&keys.recovery_recipient, &keys.recovery_recipient_hybrid];
        let recovery: Vec<&str> = recovery.into_iter().flatten().map(String::as_str).collect();
        let competences: Vec<String> = institution.competences.iter().map(|act| format!("{act:?}")).collect();
        vec![
            ("tls-certificate", self.tls_pem.clone().into_bytes()),
            ("anchors", self.anchors_pem.clone().into_bytes()),
            ("seal-certificate", self.seal_pem.clone().into_bytes()),
            ("log-key", self.log_key.vkey().to_string().into_bytes()),
            ("witness-key", self.witness_key.vkey().to_string().into_bytes()),
            ("recovery-recipients", recovery.join(",").into_bytes()),
            ("competences", competences.join(",").into_bytes()),
            ("party-entry", self.entry.clone().unwrap_or_default()),
        ]
    }

    /// The officer with this id.
    #[must_use]
    pub fn officer(&self, id: &OfficerId) -> Option<&Officer> {
        self.officers.iter().find(|officer| officer.id == *id)
    }

    /// The officer who signs with this certificate.
    #[must_use]
    pub fn officer_signing_with(&self, certificate: &Digest) -> Option<&Officer> {
        self.officers.iter().find(|officer| officer.signing_certificate.digest() == *certificate)
    }

    /// Seals a receipt; at most a few kilobytes.
    ///
    /// # Errors
    /// [`AsiceError`] if the seal key fails.
    pub fn seal_receipt(&self, receipt: &Receipt, at: Timestamp) -> Result<Vec<u8>, AsiceError> {
        self.seal_data(receipt.to_json(), at)
    }

    /// Seals a document that no person signs: an erasure notice.
    ///
    /// # Errors
    /// [`AsiceError`] if the seal key fails.
    pub fn seal_notice(&self, notice: &Document, at: Timestamp) -> Result<Vec<u8>, AsiceError> {
        self.seal_data(notice.to_json(), at)
    }

    /// Makes and seals the next version of the own party entry.
    ///
    /// # Errors
    /// [`AsiceError`] if the seal key fails.
    pub fn seal_entry(&self, at: Timestamp) -> Result<Vec<u8>, AsiceError> {
        let before = self.entry.as_ref().and_then(|bytes| self.read_entry(bytes));
        let version = before.map_or(1, |entry| entry.version.saturating_add(1));
        self.seal_data(self.entry(at, version).to_json(), at)
    }

    fn seal_data(&self, json: Vec<u8>, at: Timestamp) -> Result<Vec<u8>, AsiceError> {
        let contents = vec![(DATA_FILE.to_owned(), JSON.to_owned(), json)];
        let sealed = asice::start(contents)?.sign(&self.seal as &dyn Signer, at, None)?;
        Ok(sealed.to_bytes())
    }

    fn entry(&self, at: Timestamp, version: u32) -> PartyEntry {
        let institution = &self.config.institution;
        let published = |purpose: &str, officer: Option<&str>, recipient: &String| PublishedRecipient {
            purpose: purpose.to_owned(),
            officer: officer.map(ToOwned::to_owned),
            recipient: recipient.clone(),
        };
        let keys = &self.config.keys;
        let recovery = [&keys.recovery_recipient, &keys.recovery_recipient_hybrid].into_iter().flatten();
        let recipients = self
            .officers
            .iter()
            .flat_map(|officer| officer.recipients.iter().map(|key| (Some(officer.id.id()), key)))
            .map(|(officer, key)| published("officer", officer, key))
            .chain(recovery.map(|key| published("recovery", None, key)))
            .collect();
        PartyEntry {
            format: FORMAT,
            profile: PROFILE,
            kind: DocumentKind::PartyEntry,
            party: institution.party.clone(),
            name: institution.name.clone(),
            institution_kind: institution.kind.as_str().to_owned(),
            version,
            issued_time: at,
            competences: institution
                .competences
                .iter()
                .map(|act| CompetenceEntry {
                    act: *act,
                    instruments: Vec::new(),
                    territory: institution.party.country().as_str().to_ascii_uppercase(),
                })
                .collect(),
            languages: institution.languages.clone(),
            urgent_route: institution.urgent_route.clone(),
            limits: Limits {
                document_bytes: DOCUMENT_LIMIT_BYTES as u64,
                package_bytes: self.package_bytes(),
            },
            peer_endpoint: self.config.listen.peer_endpoint.clone(),
            anchors_pem: self.anchors_pem.clone(),
            seal_certificates_pem: self.seal_pem.clone(),
            recipients,
            log_key: self.log_key.vkey().to_string(),
            witness_key: self.witness_key.vkey().to_string(),
            log_origin: self.log_origin.to_string(),
        }
    }
}
