//! The connection to the own server: TCP, mutual TLS, the check that it is the own institution's
//! server, and gRPC over it.
//!
//! May open sockets. Says in plain words why a side refused the other. Decides nothing else.

use crate::problem::Problem;
use crate::profile::Profile;
use hyper_util::rt::TokioIo;
use rogatory_core::{Clock, PartyId};
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls::{self, Refusal, Registry, TlsIdentity};
use rogatory_proto::custody::v1::custody_service_client::CustodyServiceClient;
use rogatory_proto::objects::WIRE_BYTES;
use rogatory_proto::office::v1::case_service_client::CaseServiceClient;
use rogatory_proto::office::v1::document_service_client::DocumentServiceClient;
use rogatory_proto::office::v1::health_service_client::HealthServiceClient;
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use rogatory_proto::office::v1::party_service_client::PartyServiceClient;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint};

/// How long reaching the server may take, handshake included.
const DIAL_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a connection in use is asked for a sign of life, and how long that may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The largest answer: a custody record in one message, with room around it.
const ANSWER_LIMIT_BYTES: usize = 20 * 1024 * 1024;
/// How much of one object may be under way without being acknowledged.
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// How much one frame of an answer may hold: a message of an object.
const FRAME_BYTES: u32 = 256 * 1024;

/// A connection over which the own server can be called.
#[derive(Clone, Debug)]
pub struct Connection {
    channel: Channel,
}

impl Connection {
    /// Connects to the server of `profile`, and makes sure that it is the profile's institution.
    ///
    /// # Errors
    /// Not yet if it cannot be reached; unverified if it is another server than it should be; refused
    /// if it does not accept the officer's certificate.
    pub async fn open(profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let dialler = Arc::new(Dialler::new(profile, clock)?);
        let endpoint = Endpoint::from_shared(format!("http://{}", profile.server))
            .map_err(|error| bad_address(&profile.server).because(&error))?
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(2 * WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        // The scheme above is a form only: every byte goes through the dialler's TLS.
        let connector = tower::service_fn(move |_| {
            let dialler = Arc::clone(&dialler);
            async move { dialler.dial().await.map(TokioIo::new) }
        });
        let channel = endpoint.connect_with_connector(connector).await.map_err(|error| {
            dial_error(&error).map_or_else(
                || Problem::failed(format!("no connection to the server {}", profile.server)).because(&error),
                |dial| dial.problem(&profile.server),
            )
        })?;
        Ok(Self { channel })
    }

    /// Requests and orders.
    #[must_use]
    pub fn cases(&self) -> CaseServiceClient<Channel> {
        CaseServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }

    /// Formal documents.
    #[must_use]
    pub fn documents(&self) -> DocumentServiceClient<Channel> {
        DocumentServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }

    /// Evidence packages.
    #[must_use]
    pub fn packages(&self) -> PackageServiceClient<Channel> {
        PackageServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }

    /// How the server is.
    #[must_use]
    pub fn health(&self) -> HealthServiceClient<Channel> {
        HealthServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }

    /// Institutions.
    #[must_use]
    pub fn parties(&self) -> PartyServiceClient<Channel> {
        PartyServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }

    /// Proofs of the custody log.
    #[must_use]
    pub fn custody(&self) -> CustodyServiceClient<Channel> {
        CustodyServiceClient::new(self.channel.clone()).max_decoding_message_size(ANSWER_LIMIT_BYTES)
    }
}

/// Says what a failed call means: a refusal by the server, or a connection that broke.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub fn explain(status: tonic::Status) -> Problem {
    if let Some(dial) = dial_error(&status) {
        return dial.problem("of this office");
    }
    if status.source().is_some() {
        // In TLS 1.3 the server's refusal of our certificate arrives with the first read.
        if let Some(words) = tls::explain_tls_error(&status) {
            return Problem::refused(format!("the server did not accept the connection: {words}"))
                .with_reason("TLS_REFUSED")
                .with_hint("show this to the operator of your server; your certificate may be expired or not enrolled");
        }
        return Problem::not_yet("the connection to the server broke").because(&status).with_hint(
            "try again; if it breaks at once each time, the server does not admit your certificate: ask its operator",
        );
    }
    Problem::from_status(&status)
}

/// Opens connections for the channel, the first and any later one.
struct Dialler {
    address: String,
    name: ServerName<'static>,
    party: PartyId,
    registry: Registry,
    tls: TlsConnector,
    clock: Arc<dyn Clock>,
}

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("the server cannot be reached")]
    Unreachable(#[source] io::Error),
    #[error("the server did not answer in time")]
    TimedOut,
    #[error("the handshake with the server failed")]
    Handshake(#[source] io::Error),
    #[error("the server is not the right one")]
    NotAdmitted(#[source] Refusal),
}

impl Dialler {
    fn new(profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, Problem> {
        let identity = TlsIdentity::from_pem(&profile.tls.key_pem, &profile.tls.certificates_pem)
            .map_err(|error| Problem::usage("the profile's TLS key cannot be used").because(&error))?;
        let anchors: Anchors = profile.anchors()?;
        let lists = RevocationLists::none();
        let config = tls::client_config(&identity, &anchors, &lists, Arc::clone(&clock))
            .map_err(|error| Problem::usage("the profile's TLS files cannot be used").because(&error))?;
        let registry = Registry::new(anchors, [profile.party.clone()])
            .map_err(|error| Problem::usage("the profile's anchors cannot be used").because(&error))?;
        let host = profile.server.rsplit_once(':').map(|(host, _)| host).filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| bad_address(&profile.server))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| bad_address(&profile.server).because(&error))?;
        Ok(Self {
            address: profile.server.clone(),
            name,
            party: profile.party.clone(),
            registry,
            tls: TlsConnector::from(Arc::new(config)),
            clock,
        })
    }

    async fn dial(&self) -> Result<TlsStream<BufReader<TcpStream>>, DialError> {
        tokio::time::timeout(DIAL_TIMEOUT, self.connect()).await.unwrap_or(Err(DialError::TimedOut))
    }

    async fn connect(&self) -> Result<TlsStream<BufReader<TcpStream>>, DialError> {
        let socket = TcpStream::connect(&self.address).await.map_err(DialError::Unreachable)?;
        socket.set_nodelay(true).map_err(DialError::Unreachable)?;
        let socket = BufReader::with_capacity(WIRE_BYTES, socket);
        let stream = self.tls.connect(self.name.clone(), socket).await.map_err(DialError::Handshake)?;
        let chain = stream.get_ref().1.peer_certificates();
        tls::admit_server(&self.party, chain, &self.registry, self.clock.now())
            .map_err(DialError::NotAdmitted)?;
        Ok(stream)
    }
}

impl DialError {
    fn problem(&self, address: &str) -> Problem {
        match self {
            Self::Unreachable(error) => Problem::not_yet(format!("the server {address} cannot be reached"))
                .because(error)
                .with_hint("is it running, and is `server` in profile.toml right? then try again"),
            Self::TimedOut => Problem::not_yet(format!("the server {address} did not answer in time"))
                .with_hint("try again"),
            Self::Handshake(error) => {
                let words = tls::explain_tls_error(error).unwrap_or_else(|| rogatory_core::chain(error));
                Problem::unverified(format!("no secure connection to the server {address}: {words}"))
                    .with_reason(tls::refusal_of_handshake(error).reason())
                    .with_hint(
                        "compare `server` and `anchors` in profile.toml with what the operator gave you",
                    )
            }
            Self::NotAdmitted(refusal) => {
                Problem::unverified(format!("the server {address} is not that of this office: {refusal}"))
                    .with_reason(refusal.reason())
                    .with_hint(
                        "compare `server` in profile.toml with what the operator gave you; nothing was sent",
                    )
            }
        }
    }
}

fn bad_address(address: &str) -> Problem {
    Problem::usage(format!("`{}` is no address of a server", crate::problem::clean(address)))
        .with_hint("write host:port, for example `server = \"127.0.0.1:7443\"`")
}

/// Finds the dialler's own error among the sources.
fn dial_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a DialError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<DialError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Exit;

    #[test]
    fn a_refused_certificate_is_said_in_plain_words() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateExpired);
        let status = tonic::Status::from_error(Box::new(io::Error::new(io::ErrorKind::InvalidData, alert)));
        let problem = explain(status);
        assert_eq!(problem.exit(), Exit::Refused);
        assert!(problem.message().contains("expired"), "{problem}");
    }

    #[test]
    fn an_unreachable_server_is_not_yet() {
        let dial = DialError::Unreachable(io::Error::from(io::ErrorKind::ConnectionRefused));
        assert_eq!(dial.problem("127.0.0.1:1").exit(), Exit::NotYet);
    }

    #[test]
    fn an_answer_of_the_server_is_no_broken_connection() {
        let problem = explain(tonic::Status::not_found("there is no case C-1"));
        assert_eq!((problem.exit(), problem.message()), (Exit::Refused, "there is no case C-1"));
    }
}
