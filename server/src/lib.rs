//! One institution's server: what `rogatory-server` and the tests both call.
//!
//! ```text
//! rpc ──► access (permit) ──► casework (acts) ──► datastore (rows + custody, one transaction)
//!                                  │  └────────► vault (sealed packages)
//!                                  └──► peers (other institutions)          workers: what time does
//! ```

pub mod access;
pub mod authority;
pub mod backup;
pub mod casework;
pub mod config;
pub mod datastore;
pub mod directory;
pub mod faults;
mod file_stream;
pub mod files;
pub mod fsck;
pub mod health;
pub mod init;
pub mod institution;
pub mod keystore;
pub mod listener;
pub mod migrate;
pub mod next_epoch;
mod pace;
pub mod peers;
pub mod problem;
pub mod rpc;
pub mod stamping;
pub mod vault;
pub mod workers;

use crate::access::AccessLayer;
use crate::authority::Authority;
use crate::casework::epoch::standing;
use crate::casework::erase_case::finish_erasures;
use crate::casework::record_run::{record_start, record_stop};
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::config::ServerConfig;
use crate::datastore::{Datastore, OFFICE, Opening};
use crate::faults::Faults;
use crate::files::{Disk, DurableFiles};
use crate::institution::Institution;
use crate::keystore::KeyStore;
use crate::rpc::case_service::Cases;
use crate::rpc::custody_service::Custody;
use crate::rpc::delivery_service::Delivery;
use crate::rpc::document_service::Documents;
use crate::rpc::health_service::Health;
use crate::rpc::package_service::Packages;
use crate::rpc::party_service::Parties;
use crate::rpc::witness_service::Witness;
use crate::vault::Vault;
use anyhow::Context as _;
use rogatory_core::{Clock, Entropy};
use rogatory_pki::tls::Listener;
use rogatory_proto::custody::v1::custody_service_server::CustodyServiceServer;
use rogatory_proto::office::v1::case_service_server::CaseServiceServer;
use rogatory_proto::office::v1::document_service_server::DocumentServiceServer;
use rogatory_proto::office::v1::health_service_server::HealthServiceServer;
use rogatory_proto::office::v1::package_service_server::PackageServiceServer;
use rogatory_proto::office::v1::party_service_server::PartyServiceServer;
use rogatory_proto::peer::v1::delivery_service_server::DeliveryServiceServer;
use rogatory_proto::peer::v1::witness_service_server::WitnessServiceServer;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::transport::Server as Grpc;

/// The largest message that is taken: the list of a package's objects, 100,000 of them.
const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// The largest message that is given: a custody record.
const RECORD_LIMIT: usize = 64 * 1024 * 1024;
/// The largest message that a witness takes: checkpoints and a proof.
const WITNESS_LIMIT: usize = 128 * 1024;
/// Calls at once on one connection.
const STREAMS: u32 = 32;
const FRAME_BYTES: u32 = 256 * 1024;
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// A running server.
pub struct Server {
    authority: Arc<Authority>,
    office: SocketAddr,
    peer: SocketAddr,
    down: watch::Sender<bool>,
    tasks: Vec<JoinHandle<anyhow::Result<()>>>,
}

/// The sockets of the two listeners, bound by the caller: port 0 in tests.
pub struct Sockets {
    /// For own officers.
    pub office: TcpListener,
    /// For other institutions.
    pub peer: TcpListener,
}

impl Sockets {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// If an address is taken or not this machine's.
    pub async fn bind(config: &ServerConfig) -> anyhow::Result<Self> {
        let bind = async |address: SocketAddr, which: &str| {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("the {which} listener cannot bind {address}"))
        };
        Ok(Self {
            office: bind(config.listen.office, "office").await?,
            peer: bind(config.listen.peer, "peer").await?,
        })
    }
}

impl Server {
    /// Starts the server of the folder's configuration on `sockets`; `faults` are [`faults::NoFaults`]
    /// but in tests.
    ///
    /// # Errors
    /// If a key, the database or a stored entry cannot be used; nothing is served then.
    pub async fn start(
        folder: &Path,
        config: ServerConfig,
        sockets: Sockets,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        faults: Arc<dyn Faults>,
    ) -> anyhow::Result<Self> {
        let files: Arc<dyn DurableFiles> = Arc::new(Disk::OwnerOnly);
        let wrapping = config.key_encryption_key(folder)?;
        let keys = KeyStore::open(&folder.join(&config.storage.case_keys), Arc::clone(&files), &wrapping)?;
        // The office's own stream has a key like any case; it is never erased.
        keys.create(OFFICE)?;
        keys.sync()?;
        let datastore = Datastore::open(Opening {
            location: &config.database.location(folder)?,
            create: false,
            keys: Arc::new(keys),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            faults: Arc::clone(&faults),
        })
        .await
        .context("run `rogatory-server init` first if this is a new server")?;
        let vault = Vault::open(folder.join(&config.storage.vault), files)?;
        let institution = Institution::load(folder, config)?;
        let authority = Authority::assemble(institution, datastore, vault, clock, entropy, faults).await?;
        let authority = Arc::new(authority);
        standing(&authority).await?.demand_current(authority.institution.log_origin())?;
        // What a crash left of an erasure goes before anybody is served.
        if let Err(problem) = finish_erasures(&authority).await {
            tracing::error!(problem = %rogatory_core::chain(&problem), "an erasure is not finished yet");
        }
        record_start(&authority).await?;
        let (office, peer) = (sockets.office.local_addr()?, sockets.peer.local_addr()?);
        let (down, up) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(serve_office(Arc::clone(&authority), sockets.office, up.clone())),
            tokio::spawn(serve_peers(Arc::clone(&authority), sockets.peer, up.clone())),
            tokio::spawn(workers::checkpoints(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::outbox(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::witnesses(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::proofs(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::lapses(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::rechecks(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::clock(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::erasures(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::time_stamps(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::revocation_lists(Arc::clone(&authority), up.clone())),
            tokio::spawn(workers::stale_transfers(Arc::clone(&authority), up)),
        ];
        tracing::info!(party = %authority.institution.party(), %office, %peer, "listening for officers and peers");
        Ok(Self { authority, office, peer, down, tasks })
    }

    /// The office it serves.
    #[must_use]
    pub const fn authority(&self) -> &Arc<Authority> {
        &self.authority
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

    /// Stops accepting, lets calls under way finish, and returns when all is done.
    ///
    /// # Errors
    /// If a listener ended with an error.
    pub async fn stop(self) -> anyhow::Result<()> {
        // Every task may have ended by itself already.
        let _ = self.down.send(true);
        for task in self.tasks {
            task.await.context("a part of the server broke off")??;
        }
        // Nobody waits for these: the next start signs what this one could not.
        let recorded = async {
            record_stop(&self.authority).await?;
            sign_checkpoint(&self.authority).await
        };
        if let Err(problem) = recorded.await {
            tracing::error!(problem = %rogatory_core::chain(&problem), "the end of the server could not be recorded");
        }
        self.authority.datastore.close().await;
        Ok(())
    }
}

fn grpc() -> Grpc {
    Grpc::builder()
        .max_frame_size(FRAME_BYTES)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
}

async fn down(mut up: watch::Receiver<bool>) {
    // If the sender is gone, the server is going down as well.
    let _ = up.wait_for(|down| *down).await;
}

async fn serve_office(
    authority: Arc<Authority>,
    socket: TcpListener,
    up: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<DocumentServiceServer<Documents>>().await;
    health.set_serving::<PackageServiceServer<Packages>>().await;
    let examining = tokio::spawn(workers::health(Arc::clone(&authority), health, up.clone()));
    let incoming = listener::connections(Arc::clone(&authority), Listener::Office, socket, up.clone());
    let packages = PackageServiceServer::new(Packages(Arc::clone(&authority)))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(RECORD_LIMIT);
    let custody =
        CustodyServiceServer::new(Custody(Arc::clone(&authority))).max_encoding_message_size(RECORD_LIMIT);
    grpc()
        .layer(AccessLayer::new(Arc::clone(&authority), Listener::Office))
        .add_service(health_service)
        .add_service(reflection(&[
            "rogatory.office.v1.DocumentService",
            "rogatory.office.v1.CaseService",
            "rogatory.office.v1.PackageService",
            "rogatory.office.v1.PartyService",
            "rogatory.office.v1.HealthService",
            "rogatory.custody.v1.CustodyService",
        ])?)
        .add_service(
            DocumentServiceServer::new(Documents(Arc::clone(&authority)))
                .max_decoding_message_size(MESSAGE_LIMIT),
        )
        .add_service(CaseServiceServer::new(Cases(Arc::clone(&authority))))
        .add_service(packages)
        .add_service(PartyServiceServer::new(Parties(Arc::clone(&authority))))
        .add_service(HealthServiceServer::new(Health(Arc::clone(&authority))))
        .add_service(custody)
        .serve_with_incoming_shutdown(incoming, down(up))
        .await
        .context("the office listener failed")?;
    examining.await.context("the examination broke off")?
}

async fn serve_peers(
    authority: Arc<Authority>,
    socket: TcpListener,
    up: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<DeliveryServiceServer<Delivery>>().await;
    let incoming = listener::connections(Arc::clone(&authority), Listener::Peer, socket, up.clone());
    let witness =
        WitnessServiceServer::new(Witness(Arc::clone(&authority))).max_decoding_message_size(WITNESS_LIMIT);
    let delivery =
        DeliveryServiceServer::new(Delivery(Arc::clone(&authority))).max_decoding_message_size(MESSAGE_LIMIT);
    grpc()
        .layer(AccessLayer::new(authority, Listener::Peer))
        .add_service(health_service)
        .add_service(reflection(&["rogatory.peer.v1.DeliveryService", "rogatory.peer.v1.WitnessService"])?)
        .add_service(delivery)
        .add_service(witness)
        .serve_with_incoming_shutdown(incoming, down(up))
        .await
        .context("the peer listener failed")
}

fn reflection(
    services: &[&str],
) -> anyhow::Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
> {
    let mut builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(rogatory_proto::DESCRIPTORS);
    for service in services {
        builder = builder.with_service_name(*service);
    }
    builder.build_v1().context("the descriptors of the services cannot be read")
}
