//! Dials other institutions: TCP → TLS 1.3 → the server's certificate is that party's → gRPC.
//!
//! Carries bytes that were sealed elsewhere and brings back the answer. Decides nothing about them.

use crate::authority::Authority;
use crate::datastore::ObjectRow;
use crate::directory::ConfirmedParty;
use crate::faults::{Broken, Faults};
use crate::file_stream::stream;
use crate::problem::{Problem, Reason};
use crate::rpc::REASON_KEY;
use hyper_util::rt::TokioIo;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber, Timestamp};
use rogatory_pki::tls::{admit_server, client_config, explain_tls_error};
use rogatory_proto::common::v1::{ObjectProgress, PackageObject, SealedReceipt};
use rogatory_proto::objects::{
    Buffers, ObjectMessage as _, STREAMS_AT_ONCE, WIRE_BYTES, read_messages, streams,
};
use rogatory_proto::peer::v1::delivery_service_client::DeliveryServiceClient;
use rogatory_proto::peer::v1::witness_service_client::WitnessServiceClient;
use rogatory_proto::peer::v1::{
    AddCheckpointRequest, AddCheckpointResponse, BeginPackageRequest, CommitPackageRequest,
    DeliverDocumentRequest, LastCheckpointRequest, LastCheckpointResponse, ProveConsistencyRequest,
    ProveConsistencyResponse, ProveInclusionRequest, ProveInclusionResponse, ReportBrokenPromiseRequest,
    SendObjectRequest,
};
use rustls::pki_types::ServerName;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// How often a connection in use is asked for a sign of life, and how long that may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// How long the answer to one call may take, a whole object not counted.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// How long the answer of a witness may take: it computes little, and others wait to be asked.
const WITNESS_LIMIT: Duration = Duration::from_secs(20);
/// Slower than this a whole object is not sent: a peer that takes nothing holds a line no longer than that.
const SLOWEST_BYTES_A_SECOND: u64 = 64 * 1024;
const FRAME_BYTES: u32 = 256 * 1024;
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// What is quoted of a message of theirs.
const QUOTED_CHARACTERS: usize = 300;
/// How often the receiver is asked again, and after which pause, if it still holds what an earlier try left.
const RACES: u32 = 20;
const RACE_PAUSE: Duration = Duration::from_millis(100);

/// The connections to other institutions, one a confirmed entry.
pub struct Peers {
    channels: Mutex<HashMap<Digest, Channel>>,
    faults: Arc<dyn Faults>,
}

impl Peers {
    /// No connection yet; what breaks on purpose is said by `faults`.
    #[must_use]
    pub fn new(faults: Arc<dyn Faults>) -> Self {
        Self { channels: Mutex::default(), faults }
    }
}

/// A package on its way out.
pub struct Outgoing<'a> {
    /// Which.
    pub id: &'a PackageId,
    /// The number it answers at the addressee.
    pub shared_number: &'a SharedNumber,
    /// Its objects.
    pub objects: &'a [ObjectRow],
    /// The relay receipt, if another institution made the package.
    pub relay_receipt: Option<&'a [u8]>,
    /// The case head that goes with it, or nothing.
    pub case_head: Vec<u8>,
}

/// Delivers a sealed document and brings back the receipt, unjudged.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`].
pub async fn deliver_document(
    authority: &Arc<Authority>,
    to: &PartyId,
    container: Vec<u8>,
    case_head: Vec<u8>,
) -> Result<SealedReceipt, Problem> {
    let request = DeliverDocumentRequest { container: container.into(), case_head: case_head.into() };
    let mut client = client(authority, to)?;
    let answer = in_time(authority, to, "DeliverDocument", client.deliver_document(request)).await;
    let answer = let_go_if_refused(authority, to, answer)?;
    answer.receipt.ok_or_else(|| no_receipt(to))
}

/// Shows a witness a checkpoint of the own log and brings back its answer, unjudged.
///
/// # Errors
/// [`Reason::PeerUnreachable`], [`Reason::PeerRefused`]; [`Reason::LogContradicted`] if it saw another log.
pub async fn add_checkpoint(
    authority: &Arc<Authority>,
    to: &PartyId,
    request: AddCheckpointRequest,
) -> Result<AddCheckpointResponse, Problem> {
    let mut client = WitnessServiceClient::new(connection(authority, to)?);
    let call = client.add_checkpoint(request);
    let answer = in_time_of(WITNESS_LIMIT, authority, to, "AddCheckpoint", call).await;
    let_go_if_refused(authority, to, answer)
}

/// Asks a counterpart for the largest checkpoint of the own log that it persisted.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`].
pub async fn last_checkpoint(
    authority: &Arc<Authority>,
    to: &PartyId,
) -> Result<LastCheckpointResponse, Problem> {
    let mut client = WitnessServiceClient::new(connection(authority, to)?);
    let call = client.last_checkpoint(LastCheckpointRequest {});
    let answer = in_time_of(WITNESS_LIMIT, authority, to, "LastCheckpoint", call).await;
    let_go_if_refused(authority, to, answer)
}

/// Asks a counterpart to prove that earlier trees are the beginning of its log.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`].
pub async fn prove_consistency(
    authority: &Arc<Authority>,
    to: &PartyId,
    old_sizes: &[u64],
) -> Result<ProveConsistencyResponse, Problem> {
    let mut client = WitnessServiceClient::new(connection(authority, to)?);
    let request = ProveConsistencyRequest { old_sizes: old_sizes.to_vec() };
    let call = client.prove_consistency(request);
    let answer = in_time_of(WITNESS_LIMIT, authority, to, "ProveConsistency", call).await;
    let_go_if_refused(authority, to, answer)
}

/// Asks a counterpart to prove the leaf that its receipt names.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`].
pub async fn prove_inclusion(
    authority: &Arc<Authority>,
    to: &PartyId,
    leaf_hash: &Digest,
    old_size: u64,
) -> Result<ProveInclusionResponse, Problem> {
    let mut client = WitnessServiceClient::new(connection(authority, to)?);
    let request = ProveInclusionRequest { leaf_hash: leaf_hash.as_bytes().to_vec().into(), old_size };
    let call = client.prove_inclusion(request);
    let answer = in_time_of(WITNESS_LIMIT, authority, to, "ProveInclusion", call).await;
    let_go_if_refused(authority, to, answer)
}

/// Tells a counterpart that it did not prove a leaf in time.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`].
pub async fn report_broken_promise(
    authority: &Arc<Authority>,
    to: &PartyId,
    leaf_hash: &Digest,
    due_time: Timestamp,
) -> Result<(), Problem> {
    let mut client = WitnessServiceClient::new(connection(authority, to)?);
    let request = ReportBrokenPromiseRequest {
        leaf_hash: leaf_hash.as_bytes().to_vec().into(),
        due_time: due_time.to_string(),
    };
    let call = client.report_broken_promise(request);
    let answer = in_time_of(WITNESS_LIMIT, authority, to, "ReportBrokenPromise", call).await;
    let_go_if_refused(authority, to, answer).map(drop)
}

/// Sends a package, several objects at once, each from where it stands there, and brings back the receipt,
/// unjudged.
///
/// # Errors
/// [`Reason::PeerUnreachable`] or [`Reason::PeerRefused`]; what arrived stays there for the next try.
pub async fn send_package(
    authority: &Arc<Authority>,
    to: &PartyId,
    outgoing: &Outgoing<'_>,
) -> Result<SealedReceipt, Problem> {
    let mut client = client(authority, to)?;
    let objects = outgoing
        .objects
        .iter()
        .map(|object| PackageObject {
            name: object.name.clone(),
            size_bytes: object.size_bytes,
            sha256: object.sha256.as_bytes().to_vec().into(),
        })
        .collect();
    let announcement = BeginPackageRequest {
        shared_number: outgoing.shared_number.to_string(),
        objects,
        ..BeginPackageRequest::default()
    };
    let mut races = 0;
    let transfer_id = loop {
        let begun = in_time(authority, to, "BeginPackage", client.begin_package(announcement.clone())).await;
        let begun = let_go_if_refused(authority, to, begun)?;
        let waiting = to_send(to, outgoing.objects, &begun.progress)?;
        match send_objects(authority, to, &client, outgoing.id, &begun.transfer_id, waiting).await {
            Ok(()) => break begun.transfer_id,
            // It has not let go yet of what broke off a moment ago.
            Err(NotSent::Raced) if races < RACES => {
                races += 1;
                tokio::time::sleep(RACE_PAUSE).await;
            }
            Err(NotSent::Raced) => return Err(refused(to, &Status::aborted("the objects are held"))),
            Err(NotSent::Problem(problem)) => return Err(problem),
        }
    };
    let commit = CommitPackageRequest {
        transfer_id,
        relay_receipt: outgoing.relay_receipt.unwrap_or_default().to_vec().into(),
        case_head: outgoing.case_head.clone().into(),
    };
    let answer = in_time(authority, to, "CommitPackage", client.commit_package(commit)).await?;
    answer.receipt.ok_or_else(|| no_receipt(to))
}

/// An object that goes on at an offset.
type GoesOn = (ObjectRow, u64);

/// Which objects are to be sent, and from where on.
fn to_send(
    to: &PartyId,
    objects: &[ObjectRow],
    progress: &[ObjectProgress],
) -> Result<VecDeque<Vec<GoesOn>>, Problem> {
    let there: HashMap<&str, u64> =
        progress.iter().map(|progress| (progress.name.as_str(), progress.committed_bytes)).collect();
    let mut waiting = Vec::new();
    for object in objects {
        let offset = there.get(object.name.as_str()).copied().unwrap_or(0);
        // An empty object is there or not; a full one needs nothing more.
        if offset == object.size_bytes && offset > 0 {
            continue;
        }
        let Some(left) = object.size_bytes.checked_sub(offset) else {
            let what =
                format!("{to} says that it has {offset} of {} bytes of `{}`", object.size_bytes, object.name);
            return Err(Problem::new(Reason::PeerRefused, what));
        };
        waiting.push(((object.clone(), offset), left));
    }
    Ok(streams(waiting))
}

/// Why objects were not sent.
enum NotSent {
    /// The receiver says that another call has them.
    Raced,
    Problem(Problem),
}

impl From<Problem> for NotSent {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Sends what waits, some streams at once on the one connection; the first that fails ends the others.
async fn send_objects(
    authority: &Arc<Authority>,
    to: &PartyId,
    client: &DeliveryServiceClient<Channel>,
    id: &PackageId,
    transfer_id: &str,
    waiting: VecDeque<Vec<GoesOn>>,
) -> Result<(), NotSent> {
    let count = waiting.len().min(STREAMS_AT_ONCE);
    let waiting = Arc::new(Mutex::new(waiting));
    let mut sending = JoinSet::new();
    for _ in 0..count {
        let (authority, to, mut client) = (Arc::clone(authority), to.clone(), client.clone());
        let (id, transfer_id, waiting) = (id.clone(), transfer_id.to_owned(), Arc::clone(&waiting));
        sending.spawn(async move {
            loop {
                // The queue is whole whenever the lock is free, even after a panic elsewhere.
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(objects) = next else { return Ok(()) };
                let left = objects.iter().map(|(object, offset)| object.size_bytes - offset).sum::<u64>();
                let limit = ANSWER_LIMIT + Duration::from_secs(left / SLOWEST_BYTES_A_SECOND);
                let messages = object_messages(&authority, id.clone(), objects, transfer_id.clone());
                let mut raced = false;
                let call = async {
                    let answer = client.send_object(messages).await;
                    raced = answer.as_ref().is_err_and(|status| status.code() == Code::Aborted);
                    answer
                };
                let sent = in_time_of(limit, &authority, &to, "SendObject", call).await;
                if raced {
                    return Err(NotSent::Raced);
                }
                sent?;
            }
        });
    }
    while let Some(done) = sending.join_next().await {
        done.map_err(|error| Problem::internal("sending objects broke off", error))??;
    }
    Ok(())
}

/// Reads objects from the vault as messages, a few ahead of the network.
fn object_messages(
    authority: &Authority,
    id: PackageId,
    objects: Vec<GoesOn>,
    transfer: String,
) -> ReceiverStream<SendObjectRequest> {
    let vault = authority.vault.clone();
    stream(move |send| {
        let mut buffers = Buffers::default();
        for (object, offset) in objects {
            let name = object.name.as_str();
            let header = SendObjectRequest::header(&transfer, name, offset, object.size_bytes);
            let read = vault.open_object(&id, name).and_then(|mut file| {
                io::Seek::seek(&mut file, io::SeekFrom::Start(offset))
                    .and_then(|_| read_messages(header, &mut file, &mut buffers, &mut *send))
                    .map_err(|error| Problem::internal("an object of a package cannot be read", error))
            });
            match read {
                Ok(true) => {}
                Ok(false) => return,
                Err(problem) => {
                    // The stream ends short, and the other side refuses the object by its size.
                    tracing::error!(problem = %rogatory_core::chain(&problem), object = name,
                        "an object of a package could not be read to its end");
                    return;
                }
            }
        }
    })
}

fn client(authority: &Arc<Authority>, to: &PartyId) -> Result<DeliveryServiceClient<Channel>, Problem> {
    connection(authority, to).map(DeliveryServiceClient::new)
}

fn connection(authority: &Arc<Authority>, to: &PartyId) -> Result<Channel, Problem> {
    let party = authority.directory().confirmed(to)?;
    let channels = &authority.peers.channels;
    // The map is whole whenever the lock is free, even after a panic elsewhere.
    let mut channels = channels.lock().unwrap_or_else(PoisonError::into_inner);
    let channel = match channels.get(&party.fingerprint) {
        Some(channel) => channel.clone(),
        None => {
            let channel = channel(authority, &party)?;
            channels.insert(party.fingerprint, channel.clone());
            channel
        }
    };
    Ok(channel)
}

/// Lets go of a connection on which a call was refused without receipt: the other side decides once a connection
/// whom it admits, and may have confirmed this institution by the next try.
fn let_go_if_refused<T>(
    authority: &Authority,
    to: &PartyId,
    answer: Result<T, Problem>,
) -> Result<T, Problem> {
    if answer.as_ref().is_err_and(|problem| problem.reason() == Reason::PeerRefused)
        && let Some(party) = authority.directory().party(to)
    {
        let channels = &authority.peers.channels;
        channels.lock().unwrap_or_else(PoisonError::into_inner).remove(&party.fingerprint);
    }
    answer
}

/// A channel to `party` that dials when it is used, and again after a break.
fn channel(authority: &Arc<Authority>, party: &Arc<ConfirmedParty>) -> Result<Channel, Problem> {
    let uri: Uri = format!("http://{}", party.entry.peer_endpoint)
        .parse()
        .map_err(|error| Problem::internal("a confirmed party has a malformed endpoint", error))?;
    let endpoint = Endpoint::from(uri)
        .connect_timeout(CONNECT_LIMIT)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .tcp_nodelay(true);
    let (authority, party) = (Arc::clone(authority), Arc::clone(party));
    let connector = tower::service_fn(move |_: Uri| {
        let (authority, party) = (Arc::clone(&authority), Arc::clone(&party));
        async move { dial(&authority, &party).await.map(TokioIo::new) }
    });
    Ok(endpoint.connect_with_connector_lazy(connector))
}

async fn dial(
    authority: &Authority,
    party: &ConfirmedParty,
) -> io::Result<tokio_rustls::client::TlsStream<BufReader<TcpStream>>> {
    let endpoint = &party.entry.peer_endpoint;
    let host = endpoint.rsplit_once(':').map_or(endpoint.as_str(), |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(io::Error::other)?;
    let directory = authority.directory();
    let registry = directory.registry();
    let config = client_config(
        authority.institution.tls(),
        registry.anchors(),
        &authority.revocation_lists(),
        Arc::clone(&authority.clock),
    )
    .map_err(io::Error::other)?;
    let tcp = TcpStream::connect(endpoint.as_str()).await?;
    tcp.set_nodelay(true)?;
    let stream =
        TlsConnector::from(Arc::new(config)).connect(name, BufReader::with_capacity(WIRE_BYTES, tcp)).await?;
    let chain = stream.get_ref().1.peer_certificates();
    admit_server(&party.entry.party, chain, registry, authority.clock.now()).map_err(io::Error::other)?;
    Ok(stream)
}

/// The answer to a call, unless it takes too long.
async fn in_time<T>(
    authority: &Authority,
    party: &PartyId,
    rpc: &'static str,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Problem> {
    in_time_of(ANSWER_LIMIT, authority, party, rpc, call).await
}

async fn in_time_of<T>(
    limit: Duration,
    authority: &Authority,
    party: &PartyId,
    rpc: &'static str,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, Problem> {
    let broken = authority.peers.faults.call(rpc);
    if broken == Some(Broken::Lost) {
        return Err(refused(party, &Status::unavailable("the message was lost")));
    }
    let answer = tokio::time::timeout(limit, call).await;
    if broken == Some(Broken::KeptButReportedLost) {
        return Err(refused(party, &Status::unavailable("the answer was lost")));
    }
    match answer {
        Ok(answer) => answer.map(tonic::Response::into_inner).map_err(|status| refused(party, &status)),
        Err(_) => Err(refused(party, &Status::deadline_exceeded("no answer came in time"))),
    }
}

fn no_receipt(party: &PartyId) -> Problem {
    Problem::new(Reason::BadReceipt, format!("{party} answered without a receipt"))
}

/// What a peer's status means for our caller; its text is quoted as the peer's.
fn refused(party: &PartyId, status: &Status) -> Problem {
    // In one line and of bounded length: it goes to the own log, too.
    let said = || status.message().escape_debug().take(QUOTED_CHARACTERS).collect::<String>();
    let why = explain_tls_error(status).unwrap_or_else(|| format!("\"{}\"", said()));
    let contradicted = Reason::LogContradicted.as_str().as_bytes();
    if status.metadata().get(REASON_KEY).is_some_and(|reason| reason.as_bytes() == contradicted) {
        return Problem::new(Reason::LogContradicted, format!("{party} refuses the custody log: {why}"))
            .with_hint("compare the log with that institution's operator before anything else is exported");
    }
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => {
            Problem::new(Reason::PeerUnreachable, format!("{party} cannot be reached: {why}"))
                .with_hint("what is sealed is kept; repeat the command later and the same bytes are sent")
        }
        code => {
            Problem::new(Reason::PeerRefused, format!("{party} refused without a receipt ({code:?}): {why}"))
                .with_hint("its operator finds the reason in its log")
        }
    }
}
