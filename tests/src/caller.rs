//! Callers below any client: whatever certificate, whatever TLS version, whatever path.

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use rogatory_core::Clock;
use rogatory_pki::development::Issued;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// Somebody who calls a listener.
#[derive(Clone)]
pub struct Caller {
    clock: Arc<dyn Clock>,
    version: &'static SupportedProtocolVersion,
    shown: Option<(String, String)>,
}

impl Caller {
    /// A caller over TLS 1.3 who shows no certificate.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, version: &rustls::version::TLS13, shown: None }
    }

    /// The same, showing a certificate.
    #[must_use]
    pub fn showing(self, certificate_pem: &str, key_pem: &str) -> Self {
        Self { shown: Some((certificate_pem.to_owned(), key_pem.to_owned())), ..self }
    }

    /// The same, showing what was just issued.
    #[must_use]
    pub fn showing_issued(self, issued: Issued) -> Self {
        Self { shown: Some((issued.certificate_pem, issued.key_pem)), ..self }
    }

    /// The same, showing none.
    #[must_use]
    pub fn showing_nothing(self) -> Self {
        Self { shown: None, ..self }
    }

    /// The same, over TLS 1.2.
    #[must_use]
    pub fn over_tls_1_2(self) -> Self {
        Self { version: &rustls::version::TLS12, ..self }
    }

    /// A channel to `address`, whose server leads to `anchor_pem`; it dials at the first call.
    #[must_use]
    pub fn channel(&self, address: SocketAddr, anchor_pem: &str) -> Channel {
        let connector = TlsConnector::from(Arc::new(self.config(anchor_pem)));
        let dial = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move {
                let tcp = TcpStream::connect(address).await?;
                let name = ServerName::IpAddress(address.ip().into());
                connector.connect(name, tcp).await.map(TokioIo::new)
            }
        });
        // The scheme is a form only: every byte goes through the connector's TLS.
        Endpoint::from_static("http://listener").connect_with_connector_lazy(dial)
    }

    fn config(&self, anchor_pem: &str) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for anchor in certificates(anchor_pem) {
            roots.add(anchor).expect("an anchor");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_details(provider, Arc::new(HandedInTime(Arc::clone(&self.clock))))
                .with_protocol_versions(&[self.version])
                .expect("a version")
                .with_root_certificates(roots);
        let mut config = match &self.shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
                builder.with_client_auth_cert(certificates(certificate), key).expect("key and certificate")
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("certificates")
}

struct HandedInTime(Arc<dyn Clock>);

impl fmt::Debug for HandedInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandedInTime")
    }
}

impl TimeProvider for HandedInTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Makes the call `path` with one empty message, and waits for the first answer.
///
/// An empty message is a message of every type, and a single one is a stream of every kind: so every
/// path can be called.
///
/// # Errors
/// The status, if the call was not answered with a message.
pub async fn call(channel: &Channel, path: &str) -> Result<(), Status> {
    let path: PathAndQuery = path.parse().expect("a path");
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let messages = tokio_stream::once(Bytes::new());
    let mut answers = grpc.streaming(Request::new(messages), path, AsBytes).await?.into_inner();
    answers.message().await.map(drop)
}

/// The stable reason that a status carries; empty if none.
#[must_use]
pub fn reason(status: &Status) -> &str {
    status.metadata().get("rogatory-reason").and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Messages as they are on the wire.
struct AsBytes;

impl Codec for AsBytes {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for AsBytes {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
