//! Sets up the folder of a new server, with a throw-away PKI and a profile for every officer.
//!
//! Everything is made beside the final name and named at the end, so a failed set-up leaves nothing.

use crate::config::{
    DatabaseConfig, FILE_NAME, InstitutionConfig, InstitutionKind, KeysConfig, ListenConfig, OfficerConfig,
    ServerConfig, StorageConfig,
};
use crate::datastore::{Act, Datastore, LoggedEvent, OFFICE, Opening, StoreError, Transaction};
use crate::faults::NoFaults;
use crate::files::{Disk, DurableFiles, make_folder, rename_durably, write_whole};
use crate::institution::{ENTRY_FILE, Institution};
use crate::keystore::KeyStore;
use crate::problem::Problem;
use anyhow::{Context as _, bail};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Clock, Digest, Entropy, OfficerId, PartyId, Role};
use rogatory_custody::cosignature::{WitnessKey, WitnessName};
use rogatory_custody::note::LogKey;
use rogatory_evidence::Encryption;
use rogatory_evidence::age_layer::{generate_hybrid_identity, generate_identity};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use serde::Serialize;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// How long throw-away certificates hold.
const VALIDITY_DAYS: u32 = 397;
/// Source: RFC 5280, Appendix A, ub-common-name.
const COMMON_NAME_CHARACTERS: usize = 64;

/// An officer to be: `id=Full Name:role,role`.
#[derive(Clone, Debug)]
pub struct NewOfficer {
    /// The id below the institution.
    pub id: String,
    /// The name in words.
    pub name: String,
    /// The roles.
    pub roles: Vec<Role>,
}

impl FromStr for NewOfficer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not an officer: write id=Full Name:role,role");
        let (id, rest) = text.split_once('=').ok_or_else(form)?;
        let (name, roles) = rest.rsplit_once(':').ok_or_else(form)?;
        let roles: Result<Vec<Role>, _> = roles.split(',').map(str::parse).collect();
        let roles = roles.map_err(|error| error.to_string())?;
        if id.is_empty() || name.trim().is_empty() {
            return Err(form());
        }
        Ok(Self { id: id.to_owned(), name: name.to_owned(), roles })
    }
}

/// A server to be.
pub struct NewServer {
    /// Its folder.
    pub folder: PathBuf,
    /// Whose it is.
    pub party: PartyId,
    /// The institution's name in words.
    pub name: String,
    /// The preset of competences.
    pub kind: InstitutionKind,
    /// Where own officers call.
    pub office: SocketAddr,
    /// Where other institutions call.
    pub peer: SocketAddr,
    /// The domain of the custody log.
    pub domain: String,
    /// Its database.
    pub database: DatabaseConfig,
    /// Who works there.
    pub officers: Vec<NewOfficer>,
}

/// Keys and certificates that the institution's own PKI issued, by file; they are copied.
pub struct GivenKeys {
    /// PEM of the TLS certificate and its chain.
    pub tls_certificate: PathBuf,
    /// PKCS#8 PEM of its key.
    pub tls_key: PathBuf,
    /// PEM of the seal certificate and its chain.
    pub seal_certificate: PathBuf,
    /// PKCS#8 PEM of its key.
    pub seal_key: PathBuf,
    /// PEM of the anchors of the own country.
    pub anchors: PathBuf,
    /// For every officer, PEM of the certificate with which she signs.
    pub signing_certificates: Vec<OfficerFile>,
    /// For officers who open evidence, their age recipients, one or one of each kind.
    pub recipients: Vec<OfficerText>,
    /// The age recipients whose identities lie offline with two persons, one or one of each kind.
    pub recovery_recipients: Vec<String>,
}

/// A file of an officer: `id=FILE`.
#[derive(Clone, Debug)]
pub struct OfficerFile {
    /// The officer's id.
    pub id: String,
    /// The file.
    pub file: PathBuf,
}

impl FromStr for OfficerFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, file) = text.split_once('=').ok_or_else(|| format!("`{text}`: write id=FILE"))?;
        Ok(Self { id: id.to_owned(), file: file.into() })
    }
}

/// A word of an officer: `id=TEXT`.
#[derive(Clone, Debug)]
pub struct OfficerText {
    /// The officer's id.
    pub id: String,
    /// The word.
    pub text: String,
}

impl FromStr for OfficerText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, word) = text.split_once('=').ok_or_else(|| format!("`{text}`: write id=TEXT"))?;
        Ok(Self { id: id.to_owned(), text: word.to_owned() })
    }
}

/// Where keys and certificates come from.
enum Pki<'a> {
    /// A throw-away authority of the country, in this folder.
    ThrowAway(&'a Path),
    /// The institution's own.
    Given(&'a GivenKeys),
}

/// What either gives the configuration.
struct Equipped {
    officers: Vec<OfficerConfig>,
    recovery: Recipients,
}

/// Somebody's age recipients.
#[derive(Clone, Default)]
struct Recipients {
    classical: Option<String>,
    hybrid: Option<String>,
}

impl Recipients {
    /// Sorts texts by their kind; `whose` stands in the error.
    fn sort<'a>(texts: impl IntoIterator<Item = &'a String>, whose: &str) -> anyhow::Result<Self> {
        let mut sorted = Self::default();
        for text in texts {
            let place = match Encryption::of_text(text) {
                Encryption::X25519 => &mut sorted.classical,
                Encryption::Mlkem768X25519 => &mut sorted.hybrid,
            };
            if place.replace(text.clone()).is_some() {
                bail!(
                    "{whose} has two recipients of one kind: give one age1… and, if there is one, one age1pq1…"
                );
            }
        }
        Ok(sorted)
    }

    /// Makes identities of both kinds; the text of their file.
    fn generate() -> anyhow::Result<(zeroize::Zeroizing<String>, Self)> {
        let (file, classical) = generate_identity();
        let (hybrid_file, hybrid) = generate_hybrid_identity()?;
        let file = zeroize::Zeroizing::new(format!("{}{}", *file, *hybrid_file));
        let texts = (classical.to_string(), hybrid.to_string());
        Ok((file, Self { classical: Some(texts.0), hybrid: Some(texts.1) }))
    }
}

/// What was set up, in words.
pub struct Made {
    folder: PathBuf,
    profiles: Vec<PathBuf>,
    fingerprint: Digest,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "server     {}", self.folder.display())?;
        for profile in &self.profiles {
            writeln!(f, "profile    {}", profile.display())?;
        }
        write!(f, "party entry, SHA-256 fingerprint {}", self.fingerprint)
    }
}

/// An officer's `profile.toml`, as the client reads it.
#[derive(Serialize)]
struct Profile<'a> {
    party: &'a PartyId,
    name: &'a str,
    officer: &'a OfficerId,
    officer_name: &'a str,
    server: String,
    tls_certificate: &'static str,
    tls_key: &'static str,
    signing_certificate: &'static str,
    signing_key: &'static str,
    identity: &'static str,
    anchors: &'static str,
    recovery_recipient: Option<&'a str>,
    recovery_recipient_hybrid: Option<&'a str>,
}

/// Sets up a server with a throw-away PKI, of which the country's authority lies in `country_ca`: made
/// if it is not there, shared by its institutions.
///
/// # Errors
/// If the folder holds a server already, or something cannot be made; nothing is left then.
pub async fn development(
    new: &NewServer,
    country_ca: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Made> {
    set_up(new, &Pki::ThrowAway(country_ca), clock, entropy).await
}

/// Sets up a server with the keys and certificates of the institution's own PKI. Log key, witness key
/// and the key under which case keys are wrapped are drawn here; nothing else is made.
///
/// # Errors
/// If the folder holds a server already, a file does not fit, or an officer has no certificate; nothing
/// is left then.
pub async fn with_keys(
    new: &NewServer,
    given: &GivenKeys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Made> {
    set_up(new, &Pki::Given(given), clock, entropy).await
}

async fn set_up(
    new: &NewServer,
    pki: &Pki<'_>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Made> {
    if new.folder.exists() {
        bail!("{} is there already; choose a new folder or remove it", new.folder.display());
    }
    let name = new.folder.file_name().context("the folder needs a name")?.to_string_lossy().into_owned();
    let beside = new.folder.with_file_name(format!(".{name}.part"));
    Disk::OwnerOnly.remove(&beside).context("what an earlier attempt left cannot be removed")?;
    let made = match fs::DirBuilder::new().recursive(true).mode(0o700).create(&beside) {
        Ok(()) => fill(new, pki, &beside, clock, entropy).await,
        Err(error) => Err(error).with_context(|| format!("{} cannot be made", beside.display())),
    };
    match made {
        Ok(fingerprint) => {
            rename_durably(&Disk::OwnerOnly, &beside, &new.folder)
                .context("the new folder cannot be given its name")?;
            let profiles = new.officers.iter().map(|officer| new.folder.join("officers").join(&officer.id));
            let profiles = profiles.filter(|profile| profile.join("profile.toml").is_file());
            Ok(Made { folder: new.folder.clone(), profiles: profiles.collect(), fingerprint })
        }
        Err(error) => {
            // The error that matters is the first one.
            let _ = Disk::OwnerOnly.remove(&beside);
            Err(error)
        }
    }
}

async fn fill(
    new: &NewServer,
    pki: &Pki<'_>,
    folder: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Digest> {
    let Equipped { officers, recovery } = match pki {
        Pki::ThrowAway(country_ca) => throw_away(new, country_ca, folder, clock.as_ref())?,
        Pki::Given(given) => copy_given(new, given, folder)?,
    };
    let (keys, party) = (folder.join("keys"), &new.party);
    let institution = InstitutionConfig {
        party: party.clone(),
        name: new.name.clone(),
        kind: new.kind,
        competences: new.kind.competences(),
        domain: new.domain.clone(),
        epoch: 1,
        languages: vec!["en".to_owned()],
        urgent_route: String::new(),
    };
    let origin = institution.log_origin()?;
    let (_, log_key) = LogKey::generate(&origin.to_string())?;
    put(&keys.join("log.key"), log_key.as_bytes())?;
    let (_, witness_key) = WitnessKey::generate(WitnessName::new(&new.domain, party)?)?;
    put(&keys.join("witness.key"), witness_key.as_bytes())?;
    let mut wrapping = [0; 32];
    aws_lc_rs::rand::fill(&mut wrapping).ok().context("no randomness")?;
    put(&keys.join("key-encryption.key"), &wrapping)?;
    let config = ServerConfig {
        institution,
        listen: ListenConfig { office: new.office, peer: new.peer, peer_endpoint: new.peer.to_string() },
        keys: KeysConfig {
            tls_certificate: "keys/tls.pem".into(),
            tls_key: "keys/tls.key".into(),
            anchors: "keys/anchors.pem".into(),
            seal_certificate: "keys/seal.pem".into(),
            seal_key: "keys/seal.key".into(),
            log_key: "keys/log.key".into(),
            witness_key: "keys/witness.key".into(),
            key_encryption_key: "keys/key-encryption.key".into(),
            revocation_lists: Vec::new(),
            recovery_recipient: recovery.classical,
            recovery_recipient_hybrid: recovery.hybrid,
        },
        database: new.database.clone(),
        time_stamps: None,
        storage: StorageConfig {
            vault: "vault".into(),
            case_keys: "case-keys".into(),
            recheck_days: None,
            package_bytes: None,
        },
        officers,
    };
    config.validate()?;
    put(&folder.join(FILE_NAME), toml::to_string(&config)?.as_bytes())?;
    seal_entry(folder, clock.as_ref())?;
    let entry = std::fs::read(folder.join(ENTRY_FILE))?;
    start_log(folder, &config, origin.to_string(), &wrapping, clock, entropy).await?;
    Ok(Digest::of(&entry))
}

/// Makes a throw-away PKI: certificates of the institution, a recovery key, and a profile an officer.
fn throw_away(
    new: &NewServer,
    country_ca: &Path,
    folder: &Path,
    clock: &dyn Clock,
) -> anyhow::Result<Equipped> {
    // Certificates begin a little earlier, for machines whose clocks lag behind.
    let validity = Validity::days(clock.now().plus_seconds(-3600), VALIDITY_DAYS)?;
    let ca = open_country_ca(new, country_ca, validity)?;
    let keys = folder.join("keys");
    // A certificate's common name takes 64 characters; the party entry says the whole name.
    let common_name: String = new.name.chars().take(COMMON_NAME_CHARACTERS).collect();
    let (party, name) = (&new.party, common_name.trim_end());
    let tls =
        ca.issue_institution_tls(party, name, &["localhost"], &[new.office.ip(), new.peer.ip()], validity)?;
    put_issued(&keys, "tls", &tls)?;
    put_issued(&keys, "seal", &ca.issue_seal(party, name, validity)?)?;
    put(&keys.join("anchors.pem"), ca.certificate_pem().as_bytes())?;
    let (recovery_identity, recovery) = Recipients::generate()?;
    put(&folder.join("offline").join("recovery-identity.txt"), recovery_identity.as_bytes())?;
    let officers = new.officers.iter();
    let officers = officers.map(|officer| add_officer(new, &ca, folder, officer, &recovery, validity));
    Ok(Equipped { officers: officers.collect::<Result<_, _>>()?, recovery })
}

/// Copies what the institution's own PKI issued. Whether the pieces fit is checked when the entry is sealed.
fn copy_given(new: &NewServer, given: &GivenKeys, folder: &Path) -> anyhow::Result<Equipped> {
    let copy = |from: &Path, to: PathBuf| {
        let bytes = fs::read(from).with_context(|| format!("{} cannot be read", from.display()))?;
        put(&to, &bytes)
    };
    let keys = folder.join("keys");
    copy(&given.tls_certificate, keys.join("tls.pem"))?;
    copy(&given.tls_key, keys.join("tls.key"))?;
    copy(&given.seal_certificate, keys.join("seal.pem"))?;
    copy(&given.seal_key, keys.join("seal.key"))?;
    copy(&given.anchors, keys.join("anchors.pem"))?;
    let known = |id: &str| new.officers.iter().any(|officer| officer.id == id);
    let named = given.signing_certificates.iter().map(|entry| &entry.id);
    if let Some(stranger) = named.chain(given.recipients.iter().map(|entry| &entry.id)).find(|id| !known(id))
    {
        bail!("`{stranger}` is no officer: name her with --officer as well");
    }
    let mut officers = Vec::new();
    for officer in &new.officers {
        let certificate = given
            .signing_certificates
            .iter()
            .find(|entry| entry.id == officer.id)
            .with_context(|| format!("officer `{}` has no --signing-certificate", officer.id))?;
        let file = PathBuf::from("officers").join(&officer.id).join("signing.pem");
        copy(&certificate.file, folder.join(&file))?;
        let hers = given.recipients.iter().filter(|entry| entry.id == officer.id);
        let recipients =
            Recipients::sort(hers.map(|entry| &entry.text), &format!("officer `{}`", officer.id))?;
        officers.push(OfficerConfig {
            id: officer.id.clone(),
            name: officer.name.clone(),
            roles: officer.roles.clone(),
            signing_certificate: file,
            recipient: recipients.classical,
            recipient_hybrid: recipients.hybrid,
        });
    }
    Ok(Equipped {
        officers,
        recovery: Recipients::sort(&given.recovery_recipients, "the office's recovery")?,
    })
}

/// Seals the party entry that the configuration in `folder` describes, as the next version.
///
/// # Errors
/// If the configuration or a key cannot be used.
pub fn seal_entry(folder: &Path, clock: &dyn Clock) -> anyhow::Result<()> {
    let institution = Institution::load(folder, ServerConfig::load(folder)?)?;
    let entry = institution.seal_entry(clock.now().whole_seconds())?;
    put(&folder.join(ENTRY_FILE), &entry)
}

/// The country's authority: taken from its folder, or made there.
fn open_country_ca(new: &NewServer, folder: &Path, validity: Validity) -> anyhow::Result<DevelopmentCa> {
    let (certificate, key) = (folder.join("anchor.pem"), folder.join("anchor.key"));
    if certificate.exists() {
        let read = |path: &Path| {
            std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let ca = DevelopmentCa::from_pem(&read(&certificate)?, &read(&key)?)?;
        if ca.country() != new.party.country() {
            bail!(
                "{} is the authority of {}, not of {}",
                certificate.display(),
                ca.country(),
                new.party.country()
            );
        }
        return Ok(ca);
    }
    let country = new.party.country();
    let name = format!("Throw-away authority of {}", country.as_str().to_ascii_uppercase());
    let ca = DevelopmentCa::new(country, &name, validity)?;
    put(&key, ca.key_pem().as_bytes())?;
    put(&certificate, ca.certificate_pem().as_bytes())?;
    Ok(ca)
}

fn add_officer(
    new: &NewServer,
    ca: &DevelopmentCa,
    folder: &Path,
    officer: &NewOfficer,
    recovery: &Recipients,
    validity: Validity,
) -> anyhow::Result<OfficerConfig> {
    let id = OfficerId::new(new.party.clone(), &officer.id)?;
    let profile = folder.join("officers").join(&officer.id);
    put_issued(&profile, "tls", &ca.issue_officer_tls(&id, &officer.name, validity)?)?;
    // A national PKI gives every person a register number; this one is made from the id.
    let register =
        format!("DEV-{}", &Digest::of(id.to_string().as_bytes()).to_hex()[..12].to_ascii_uppercase());
    let signing = ca.issue_officer_signing(&id, &officer.name, &register, validity)?;
    put_issued(&profile, "signing", &signing)?;
    let (identity, recipients) = Recipients::generate()?;
    put(&profile.join("identity.txt"), identity.as_bytes())?;
    for (name, recipient) in
        [("recipient.txt", &recipients.classical), ("recipient-hybrid.txt", &recipients.hybrid)]
    {
        let text = recipient.as_deref().unwrap_or_default();
        put(&profile.join(name), format!("{text}\n").as_bytes())?;
    }
    put(&profile.join("anchors.pem"), ca.certificate_pem().as_bytes())?;
    let text = toml::to_string(&Profile {
        party: &new.party,
        name: &new.name,
        officer: &id,
        officer_name: &officer.name,
        server: new.office.to_string(),
        tls_certificate: "tls.pem",
        tls_key: "tls.key",
        signing_certificate: "signing.pem",
        signing_key: "signing.key",
        identity: "identity.txt",
        anchors: "anchors.pem",
        recovery_recipient: recovery.classical.as_deref(),
        recovery_recipient_hybrid: recovery.hybrid.as_deref(),
    })?;
    put(&profile.join("profile.toml"), text.as_bytes())?;
    let certificates = Certificate::pem_chain(&signing.certificate_pem)?;
    let file = PathBuf::from("officers").join(&officer.id).join("signing.pem");
    certificates.first().context("a signing certificate was not made")?;
    let opens_evidence = officer.roles.contains(&Role::EvidenceOfficer);
    let published = if opens_evidence { recipients } else { Recipients::default() };
    Ok(OfficerConfig {
        id: officer.id.clone(),
        name: officer.name.clone(),
        roles: officer.roles.clone(),
        signing_certificate: file,
        recipient: published.classical,
        recipient_hybrid: published.hybrid,
    })
}

/// Makes the database, and the first entry of the custody log.
async fn start_log(
    folder: &Path,
    config: &ServerConfig,
    origin: String,
    wrapping: &[u8],
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<()> {
    let files: Arc<dyn DurableFiles> = Arc::new(Disk::OwnerOnly);
    let keys = KeyStore::open(&folder.join(&config.storage.case_keys), files, wrapping)?;
    let location = config.database.location(folder)?;
    let keys = Arc::new(keys);
    let faults = Arc::new(NoFaults);
    let datastore =
        Datastore::open(Opening { location: &location, create: true, keys, clock, entropy, faults }).await?;
    if datastore.read().await?.tree_size().await.map_err(Problem::from)? != 0 {
        bail!("the database {} is another server's: give this one a database of its own", location.name());
    }
    datastore.perform(StartLog { origin }).await?;
    datastore.close().await;
    Ok(())
}

struct StartLog {
    origin: String,
}

impl Act for StartLog {
    const NAME: &'static str = "start-log";
    type Output = LoggedEvent;

    async fn perform(&self, tx: &mut Transaction) -> Result<LoggedEvent, StoreError> {
        let event = Event::LogStarted { origin: self.origin.clone() };
        tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await
    }
}

/// Writes a file; like all that this interface writes, only its owner may read it.
fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = match path.parent().filter(|folder| !folder.is_dir()) {
        Some(folder) => make_folder(&Disk::OwnerOnly, folder),
        None => Ok(()),
    };
    written
        .and_then(|()| write_whole(&Disk::OwnerOnly, path, bytes))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn put_issued(folder: &Path, name: &str, issued: &Issued) -> anyhow::Result<()> {
    put(&folder.join(format!("{name}.pem")), issued.certificate_pem.as_bytes())?;
    put(&folder.join(format!("{name}.key")), issued.key_pem.as_bytes())
}
