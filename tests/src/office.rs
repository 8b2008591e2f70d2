//! One office: its folder, its server, its officers' sessions, its keys.

use crate::caller::Caller;
use crate::clock::FixedClock;
use crate::faults::SwitchedFaults;
use crate::federation::World;
use crate::postgres;
use rogatory_client::commands::party;
use rogatory_client::trust::{SealedEntry, Trust};
use rogatory_client::{Problem, Profile, Session};
use rogatory_core::{Clock, Digest, Entropy, OfficerId, PartyId, Timestamp};
use rogatory_pki::development::DevelopmentCa;
use rogatory_pki::signing::FileSigner;
use rogatory_server::authority::Authority;
use rogatory_server::casework::lapse_preservations::lapse_preservations;
use rogatory_server::config::{InstitutionKind, ServerConfig};
use rogatory_server::init::{self, NewServer};
use rogatory_server::next_epoch::{Begun, Wanted, next_epoch};
use rogatory_server::{Server, Sockets};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpListener;
use tonic::transport::Channel;

/// An office to be.
pub struct Plan<'a> {
    /// Whose it is.
    pub party: &'a str,
    /// Its name in words.
    pub name: &'a str,
    /// The preset of competences.
    pub kind: InstitutionKind,
    /// The folder of its country's authority, below the federation's directory.
    pub country_ca: &'a str,
    /// Its officers: `id=Full Name:role,role`.
    pub officers: &'a [&'a str],
}

/// An office at work.
pub struct Office {
    /// Who.
    pub party: PartyId,
    /// The name in words.
    pub name: String,
    /// The server's folder.
    pub folder: PathBuf,
    country_ca: PathBuf,
    office: SocketAddr,
    peer: SocketAddr,
    clock: Arc<FixedClock>,
    entropy: Arc<dyn Entropy>,
    /// What breaks at its server, when a test says so.
    pub faults: Arc<SwitchedFaults>,
    server: Option<Server>,
}

impl Office {
    /// Sets up the folder and starts the server. The sockets are bound first: the sealed party entry
    /// names the port.
    pub(crate) async fn found(world: &World, plan: Plan<'_>) -> Self {
        let party: PartyId = plan.party.parse().expect("a party");
        let sockets = Sockets { office: any_port().await, peer: any_port().await };
        let (office, peer) = (address(&sockets.office), address(&sockets.peer));
        let folder_name = plan.country_ca.replace('/', "-") + "-" + &plan.party.replace('/', "-");
        let new = NewServer {
            folder: world.directory().join(folder_name),
            party: party.clone(),
            name: plan.name.to_owned(),
            kind: plan.kind,
            office,
            peer,
            domain: format!("{}.{}.example", party.institution(), party.country()),
            database: postgres::configured(),
            officers: plan.officers.iter().map(|text| text.parse().expect("an officer")).collect(),
        };
        let entropy: Arc<dyn Entropy> = world.entropy.clone();
        let country_ca = world.directory().join(plan.country_ca);
        init::development(&new, &country_ca, world.clock.clone(), Arc::clone(&entropy))
            .await
            .expect("a new folder");
        let mut founded = Self {
            party,
            name: new.name,
            folder: new.folder,
            country_ca,
            office,
            peer,
            clock: Arc::clone(&world.clock),
            entropy,
            faults: Arc::default(),
            server: None,
        };
        founded.start_on(sockets).await;
        founded
    }

    /// Starts the server again, on the same folder and the same ports.
    pub async fn start(&mut self) {
        let config = ServerConfig::load(&self.folder).expect("a configuration");
        let sockets = Sockets::bind(&config).await.expect("the ports are free again");
        self.start_on(sockets).await;
    }

    async fn start_on(&mut self, sockets: Sockets) {
        let config = ServerConfig::load(&self.folder).expect("a configuration");
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (entropy, faults) = (Arc::clone(&self.entropy), self.faults.clone());
        let server = Server::start(&self.folder, config, sockets, clock, entropy, faults).await;
        self.server = Some(server.expect("the server starts"));
    }

    /// Why the server does not start on its folder.
    ///
    /// # Panics
    /// If it starts.
    pub async fn start_refused(&self) -> String {
        let config = ServerConfig::load(&self.folder).expect("a configuration");
        let sockets = Sockets::bind(&config).await.expect("the ports are free");
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (entropy, faults) = (Arc::clone(&self.entropy), self.faults.clone());
        match Server::start(&self.folder, config, sockets, clock, entropy, faults).await {
            Ok(_) => panic!("the server starts"),
            Err(error) => format!("{error:#}"),
        }
    }

    /// Its database is gone; on PostgreSQL another, empty one is configured.
    ///
    /// # Panics
    /// If the configuration cannot be changed.
    pub fn lose_database(&self) {
        let config = ServerConfig::load(&self.folder).expect("a configuration");
        if let Some(file) = config.database.file {
            for end in ["", "-wal", "-shm"] {
                let mut name = file.clone().into_os_string();
                name.push(end);
                let _ = std::fs::remove_file(self.folder.join(name));
            }
        } else {
            let (path, before) = (self.folder.join("server.toml"), config.database.url.expect("an address"));
            let changed = text(&path).replace(&before, &postgres::Cluster::shared().database());
            std::fs::write(path, changed).expect("written");
        }
    }

    /// Ends the epoch of its log and begins the next one; the server is down.
    ///
    /// # Errors
    /// What the command says.
    pub async fn next_epoch(&self, wanted: Wanted) -> Result<Begun, String> {
        let begun = next_epoch(&self.folder, wanted, self.clock.clone(), Arc::clone(&self.entropy)).await;
        begun.map_err(|error| format!("{error:#}"))
    }

    /// Stops the server; the folder stays.
    pub async fn stop(&mut self) {
        self.server.take().expect("the server runs").stop().await.expect("the server stops");
    }

    /// The office that its server serves.
    ///
    /// # Panics
    /// If the server does not run.
    #[must_use]
    pub fn served(&self) -> &Arc<Authority> {
        self.server.as_ref().expect("the server runs").authority()
    }

    /// Has the server look at what time did: preservations that are over lapse.
    pub async fn let_time_do_its_work(&self) {
        lapse_preservations(self.served()).await.expect("the database works");
    }

    /// Panics unless `fsck` finds everything in the folder sound, beside the running server.
    pub async fn demand_sound(&self) {
        let report = rogatory_server::fsck::check(&self.folder, true).await.expect("a report");
        assert!(report.sound, "{} is not sound:\n{report}", self.party);
    }

    /// Where officers call.
    #[must_use]
    pub const fn office_address(&self) -> SocketAddr {
        self.office
    }

    /// Where peers call.
    #[must_use]
    pub const fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// The present instant in whole seconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now().whole_seconds()
    }

    /// Where its ids come from.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        self.entropy.as_ref()
    }

    /// A session of officer `id`, with a connection of its own.
    #[must_use]
    pub fn session(&self, id: &str) -> Session {
        let profile = Profile::load(&self.officer_folder(id)).expect("a profile");
        Session::new(Some(profile), self.clock.clone(), Arc::clone(&self.entropy))
    }

    /// A session of nobody, for what is done offline.
    #[must_use]
    pub fn offline(&self) -> Session {
        Session::new(None, self.clock.clone(), Arc::clone(&self.entropy))
    }

    /// The folder of officer `id`: profile, keys, identity.
    #[must_use]
    pub fn officer_folder(&self, id: &str) -> PathBuf {
        self.folder.join("officers").join(id)
    }

    /// Officer `id` by her full name.
    #[must_use]
    pub fn officer(&self, id: &str) -> OfficerId {
        OfficerId::new(self.party.clone(), id).expect("an officer")
    }

    /// What officer `id` signs with.
    #[must_use]
    pub fn signer(&self, id: &str) -> FileSigner {
        signer(&self.officer_folder(id), "signing")
    }

    /// What the institution seals with.
    #[must_use]
    pub fn seal(&self) -> FileSigner {
        signer(&self.folder.join("keys"), "seal")
    }

    /// The country's authority, to issue what the office itself never got.
    #[must_use]
    pub fn authority(&self) -> DevelopmentCa {
        let certificate = text(&self.country_ca.join("anchor.pem"));
        DevelopmentCa::from_pem(&certificate, &text(&self.country_ca.join("anchor.key")))
            .expect("an authority")
    }

    /// The own party entry, byte for byte.
    #[must_use]
    pub fn entry(&self) -> Vec<u8> {
        read(&self.folder.join("party-entry.asice"))
    }

    /// The own party entry, read.
    #[must_use]
    pub fn read_entry(&self) -> SealedEntry {
        SealedEntry::read(&self.entry(), self.now(), "the entry").expect("a sound entry")
    }

    /// What somebody believes who trusts this office's entry.
    #[must_use]
    pub fn trust(&self) -> Trust {
        let mut trust = Trust::default();
        trust.add(self.entry(), self.now(), "the entry").expect("a sound entry");
        trust
    }

    /// The age recipients that the entry publishes for `officer`, or for the office's recovery: one of each kind.
    #[must_use]
    pub fn recipients(&self, officer: Option<&str>) -> Vec<String> {
        let purpose = if officer.is_some() { "officer" } else { "recovery" };
        let published = self.read_entry().entry.recipients.into_iter();
        let found = published.filter(|one| one.purpose == purpose && one.officer.as_deref() == officer);
        found.map(|one| one.recipient).collect()
    }

    /// The text of officer `id`'s age identity.
    #[must_use]
    pub fn identity(&self, id: &str) -> String {
        text(&self.officer_folder(id).join("identity.txt"))
    }

    /// Officer `id` confirms the entry of `other`.
    ///
    /// # Errors
    /// As the command.
    pub async fn import(&self, id: &str, other: &Self) -> Result<(), Problem> {
        let session = self.session(id);
        let entry = other.entry();
        let fingerprint = Digest::of(&entry);
        let plan = party::plan_import(&session, entry)?;
        party::import(&session, plan, fingerprint).await.map(drop)
    }

    /// The institution itself as a caller, with its own TLS certificate.
    #[must_use]
    pub fn as_caller(&self) -> Caller {
        self.caller(&self.folder.join("keys"))
    }

    /// Officer `id` as a caller below any client.
    #[must_use]
    pub fn officer_as_caller(&self, id: &str) -> Caller {
        self.caller(&self.officer_folder(id))
    }

    fn caller(&self, folder: &Path) -> Caller {
        Caller::new(self.clock.clone())
            .showing(&text(&folder.join("tls.pem")), &text(&folder.join("tls.key")))
    }

    /// A channel of this institution to the peer listener of `other`.
    #[must_use]
    pub fn channel_to(&self, other: &Self) -> Channel {
        self.as_caller().channel(other.peer, &other.anchor_pem())
    }

    /// The country's anchor as PEM.
    #[must_use]
    pub fn anchor_pem(&self) -> String {
        text(&self.country_ca.join("anchor.pem"))
    }
}

impl Drop for Office {
    /// Has its server stop, so that a test which founds many offices does not keep the connections of all.
    fn drop(&mut self) {
        if let (Some(server), Ok(runtime)) = (self.server.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(server.stop());
        }
    }
}

async fn any_port() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port")
}

fn address(socket: &TcpListener) -> SocketAddr {
    socket.local_addr().expect("a bound socket")
}

fn signer(folder: &Path, name: &str) -> FileSigner {
    let key = text(&folder.join(format!("{name}.key")));
    FileSigner::from_pem(&key, &text(&folder.join(format!("{name}.pem")))).expect("a signer")
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(path: &Path) -> String {
    String::from_utf8(read(path)).expect("text")
}
