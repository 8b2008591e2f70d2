//! The authority one server serves, with all that its acts need: institution, parties, datastore,
//! vault, peers, clock and the source of ids.

use crate::casework::dispatch::Lines;
use crate::casework::record_reading::Readings;
use crate::config::ServerConfig as OfficeConfig;
use crate::datastore::{Datastore, Opening};
use crate::directory::{Directory, SoundEntry};
use crate::faults::{Faults, NoFaults};
use crate::files::{Disk, DurableFiles};
use crate::institution::Institution;
use crate::keystore::KeyStore;
use crate::peers::Peers;
use crate::problem::{Problem, Reason};
use crate::vault::Vault;
use arc_swap::ArcSwap;
use rogatory_core::{Clock, Entropy};
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls::{Listener, server_config};
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// How many custody records are put together at once: fewer than there are connections for reading.
const EXPORTS_AT_ONCE: usize = 1;
/// How many parties are read at once.
const PARTIES_A_PAGE: u32 = 500;

/// One office at work.
pub struct Authority {
    /// Keys, officers, own entry.
    pub institution: Institution,
    /// Rows and custody entries.
    pub datastore: Datastore,
    /// Sealed packages.
    pub vault: Vault,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws ids and salts.
    pub entropy: Arc<dyn Entropy>,
    /// Dials other institutions.
    pub peers: Peers,
    /// Which lines of the outbox are being served.
    pub lines: Lines,
    /// Held while a party entry is checked against the others and taken up.
    pub importing: tokio::sync::Mutex<()>,
    /// Held while a custody record is put together, so that exports leave others connections for reading.
    pub exporting: tokio::sync::Semaphore,
    /// Who read what since the start, so that every reading leaves a trace.
    pub readings: Readings,
    /// Told when another checkpoint stands.
    checkpoint_signed: Notify,
    directory: ArcSwap<Directory>,
    revocation: ArcSwap<RevocationLists>,
    office_tls: ArcSwap<ServerConfig>,
    peer_tls: ArcSwap<ServerConfig>,
}

/// The directory with the TLS configurations that go with it.
struct Trust {
    directory: Arc<Directory>,
    revocation: Arc<RevocationLists>,
    office: Arc<ServerConfig>,
    peer: Arc<ServerConfig>,
}

impl Authority {
    /// Puts an office together; reads the confirmed parties.
    ///
    /// # Errors
    /// [`Problem`] if a stored entry is damaged or TLS cannot be configured.
    pub async fn assemble(
        institution: Institution,
        datastore: Datastore,
        vault: Vault,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        faults: Arc<dyn Faults>,
    ) -> Result<Self, Problem> {
        let trust = trust(&institution, &datastore, &clock).await?;
        Ok(Self {
            checkpoint_signed: Notify::new(),
            directory: ArcSwap::new(trust.directory),
            revocation: ArcSwap::new(trust.revocation),
            office_tls: ArcSwap::new(trust.office),
            peer_tls: ArcSwap::new(trust.peer),
            institution,
            datastore,
            vault,
            clock,
            entropy,
            peers: Peers::new(faults),
            lines: Lines::default(),
            importing: tokio::sync::Mutex::new(()),
            exporting: tokio::sync::Semaphore::new(EXPORTS_AT_ONCE),
            readings: Readings::default(),
        })
    }

    /// Puts together the office of a server's folder, for what is done there without serving anybody.
    ///
    /// # Errors
    /// If the folder cannot be opened: no database, no key-encryption key, a key that does not fit.
    pub async fn of_folder(
        folder: &Path,
        config: OfficeConfig,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> anyhow::Result<Self> {
        let files: Arc<dyn DurableFiles> = Arc::new(Disk::OwnerOnly);
        let wrapping = config.key_encryption_key(folder)?;
        let keys = KeyStore::open(&folder.join(&config.storage.case_keys), Arc::clone(&files), &wrapping)?;
        let opening = Opening {
            location: &config.database.location(folder)?,
            create: false,
            keys: Arc::new(keys),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            faults: Arc::new(NoFaults),
        };
        let datastore = Datastore::open(opening).await?;
        let vault = Vault::open(folder.join(&config.storage.vault), files)?;
        let institution = Institution::load(folder, config)?;
        Ok(Self::assemble(institution, datastore, vault, clock, entropy, Arc::new(NoFaults)).await?)
    }

    /// The confirmed parties as they are now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// The revocation lists as they were last read.
    #[must_use]
    pub fn revocation_lists(&self) -> Arc<RevocationLists> {
        self.revocation.load_full()
    }

    /// Waits until another checkpoint stands than the last time this was asked.
    pub async fn checkpoint_grown(&self) {
        self.checkpoint_signed.notified().await;
    }

    /// A checkpoint was stored.
    pub fn take_up_checkpoint(&self) {
        self.checkpoint_signed.notify_one();
    }

    /// The own party entry, byte for byte as it was sealed.
    ///
    /// # Errors
    /// [`Problem`] if none was sealed or the configuration changed since.
    pub fn own_entry(&self) -> Result<Vec<u8>, Problem> {
        self.institution
            .own_entry()
            .map_err(|error| Problem::new(Reason::Unknown, error.to_string()).with_hint("ask the operator"))
    }

    /// The TLS configuration of a listener as it is now.
    #[must_use]
    pub fn tls_config(&self, listener: Listener) -> Arc<ServerConfig> {
        match listener {
            Listener::Office => self.office_tls.load_full(),
            Listener::Peer => self.peer_tls.load_full(),
        }
    }

    /// Takes up the parties that are confirmed now, and the revocation lists as their files are now.
    ///
    /// # Errors
    /// [`Problem`] as [`Authority::assemble`]; the old directory then stays.
    pub async fn reload_directory(&self) -> Result<(), Problem> {
        let trust = trust(&self.institution, &self.datastore, &self.clock).await?;
        self.directory.store(trust.directory);
        self.revocation.store(trust.revocation);
        self.office_tls.store(trust.office);
        self.peer_tls.store(trust.peer);
        Ok(())
    }
}

/// The entries of all confirmed parties, read as they were believed.
///
/// # Errors
/// [`Problem`] if one is damaged or the database fails.
pub(crate) async fn confirmed_entries(datastore: &Datastore) -> Result<Vec<SoundEntry>, Problem> {
    let mut session = datastore.read().await?;
    let mut entries = Vec::new();
    let mut after = String::new();
    loop {
        let page = session.parties(&after, PARTIES_A_PAGE).await?;
        let Some(last) = page.last() else { return Ok(entries) };
        after = last.party.to_string();
        for row in page {
            // What was confirmed stays believed: it is judged at the instant it was confirmed.
            entries.push(SoundEntry::read(&row.container, row.confirmed_time)?);
        }
    }
}

async fn trust(
    institution: &Institution,
    datastore: &Datastore,
    clock: &Arc<dyn Clock>,
) -> Result<Trust, Problem> {
    let entries = confirmed_entries(datastore).await?;
    let directory = Directory::build(institution, entries)?;
    let revocation = institution
        .revocation_lists()
        .map_err(|error| Problem::internal("the revocation lists cannot be read", error))?;
    let configure = |anchors| {
        server_config(institution.tls(), anchors, &revocation, Arc::clone(clock))
            .map(Arc::new)
            .map_err(|error| Problem::internal("TLS cannot be configured", error))
    };
    Ok(Trust {
        // Both listeners know every anchor: who may be where is said by the gate, with a plain reason.
        office: configure(directory.registry().anchors())?,
        peer: configure(directory.registry().anchors())?,
        revocation: Arc::new(revocation.clone()),
        directory: Arc::new(directory),
    })
}
